import { Cloudtrail } from "@cdktf/provider-aws/lib/cloudtrail";
import type { ITerraformDependable } from "cdktf";
import type { Construct } from "constructs";
import type { AccountConfig, NotificationConfig, TrailConfig } from "../config/account-config";
import {
  type LedgerContent,
  movesTo,
  type ProtectedResource,
  retiredAddresses,
} from "../config/ledger";
import { Trail } from "../modules/cloudtrail/trail";
import { EventRule } from "../modules/events/event-rule";
import { type ForwardRule, forwardRules, iamForwardRule } from "../modules/events/forward-patterns";
import { rulesPerBusProblems } from "../modules/events/rule-limits";
import { TRAIL } from "../modules/names";
import { Hub, Topics } from "../modules/notifications/hub";
import { IamWatch, type IamWatchProps } from "../modules/notifications/iam-watch";
import {
  type ForwardDestination,
  RegionalWatch,
  type RegionalWatchProps,
} from "../modules/notifications/regional-watch";
import { defineRoles, type NotificationRoles } from "../modules/notifications/roles";
import {
  watchedDestinations,
  watchedForwardRules,
  watchedHubRules,
} from "../modules/notifications/watched-rules";
import { type AwsLocation, trailArn } from "../modules/partition";
import { announceDefinition, announcePermissions } from "../modules/states/announce/definition";
import { sweepDefinition, sweepPermissions, type WatchedTopic } from "../modules/states/sweep";
import { trailCheckDefinition, trailCheckPermissions } from "../modules/states/trail-check";
import { showAddress } from "../modules/terraform/address";
import { addStateChanges } from "../modules/terraform/state-changes";
import { AccountStack } from "./account-stack";
import { announcedKeys } from "./announced-keys";
import { deployRolesOf, type KeyStack, keyDescription } from "./key-stack";

/** Props of a {@link NotificationStack}. */
export interface NotificationStackProps {
  readonly account: AccountConfig;
  /** Stack that holds the keys. */
  readonly keys: KeyStack;
  /** Addresses that were moved or retired in writing. */
  readonly ledger: LedgerContent;
}

/** Id of the stack of notifications. */
export const NOTIFICATION_STACK_ID = "notifications";

/**
 * Who hears when something happens to a KMS key, and what makes sure that they do.
 *
 * Every region that holds keys forwards to the hub of the home region, where `announce` writes the
 * messages.
 * Nothing on that way is encrypted with a key that it tells about, but for the topics, of which there
 * are two.
 */
export class NotificationStack extends AccountStack {
  /** Every resource that must not be destroyed, for the ledger. */
  readonly protectedResources: readonly ProtectedResource[];
  private readonly keys: KeyStack;
  private readonly trail: TrailConfig;
  private readonly settings: NotificationConfig;

  constructor(scope: Construct, { account, keys, ledger }: NotificationStackProps) {
    super(scope, NOTIFICATION_STACK_ID, {
      account,
      region: account.homeRegion,
      spansRegions: true,
    });
    this.addDependency(keys);
    this.keys = keys;
    this.trail = account.trail;
    this.settings = account.notifications;

    const trail = this.defineTrail();
    const recording = trail?.node.findAll().filter((part) => part instanceof Cloudtrail) ?? [];
    this.protectedResources = (trail?.addresses ?? []).map((address) => ({
      stack: NOTIFICATION_STACK_ID,
      address: showAddress(address),
    }));
    this.defineNotifications(recording);
    this.node.addValidation({ validate: () => this.quotaProblems() });

    const defined = new Set(this.protectedResources.map(({ address }) => address));
    addStateChanges(this, {
      forget: [...retiredAddresses(ledger, NOTIFICATION_STACK_ID)]
        .filter((address) => !defined.has(address))
        .sort(),
      adopt: [],
      move: movesTo(ledger, NOTIFICATION_STACK_ID, defined),
    });
  }

  /** The account's own trail, if it is to have one. */
  private defineTrail(): Trail | undefined {
    return this.trail.mode === "create"
      ? new Trail(this, "Trail", {
          at: this.homeAt,
          key: this.keys.keyIn("audit", this.account.homeRegion),
          readEvents: this.trail.readEvents,
          ...(this.trail.logGroupRetentionDays !== undefined && {
            logGroupRetentionDays: this.trail.logGroupRetentionDays,
          }),
          protect: this.account.protect,
        })
      : undefined;
  }

  /** @param recording - the account's own trail, without which no canary would be seen */
  private defineNotifications(recording: readonly ITerraformDependable[]): void {
    const { account, settings, homeAt } = this;
    const alertsKey = this.keys.keyIn("alerts", account.homeRegion);
    const topics = new Topics(this, "Topics", {
      at: homeAt,
      alertsKey,
      auditKey: this.keys.keyIn("audit", account.homeRegion),
      subscriptions: settings.subscriptions,
    });
    const roles = defineRoles(this, {
      homeAt,
      ats: this.watchedAts,
      ...(this.foreignHub !== undefined && { organizationHubArn: this.foreignHub }),
      canaryKeyArns: this.watchedAts.map(({ region }) => this.keys.keyIn("alerts", region).keyArn),
      permissions: {
        announce: announcePermissions(topics),
        sweep: sweepPermissions({ ats: this.watchedAts, homeAt }),
        trailCheck: trailCheckPermissions({
          ats: this.watchedAts,
          ...(this.trailArn !== undefined && { trailArn: this.trailArn }),
        }),
      },
    });
    const hub = new Hub(this, "Hub", {
      at: homeAt,
      ...(settings.hubOfOrganization !== undefined && {
        organizationId: settings.hubOfOrganization,
      }),
      roles,
      topics,
      alertsKey,
      accountName: account.workspace,
      footer: settings.footer,
      announce: announceDefinition({
        at: homeAt,
        accountName: account.workspace,
        watch: settings.watch,
        keys: announcedKeys(account, this.keys),
        deployRoles: deployRolesOf(account),
        footer: settings.footer,
        alertsTopicArn: topics.alertsTopicArn,
        auditTopicArn: topics.auditTopicArn,
        isOrganizationHub: settings.hubOfOrganization !== undefined,
      }),
    });
    const forwarding = {
      destinations: this.destinations(hub, roles),
      beforeForwarding: [...roles.policies, hub.policy],
    };
    for (const at of this.watchedAts) {
      const watch = this.watchRegion(at, topics, roles, {
        ...forwarding,
        beforeBeats: [...hub.count(at.region), ...recording],
      });
      hub.listenFor(at.region, watch);
      if (at.region === homeAt.region) {
        hub.listenForPulse(watch.schedulePulses(roles, at));
      }
    }
    this.watchIam(forwarding);
  }

  private watchRegion(
    at: AwsLocation,
    topics: Topics,
    roles: NotificationRoles,
    forwarding: Pick<RegionalWatchProps, "destinations" | "beforeForwarding" | "beforeBeats">,
  ): RegionalWatch {
    const rules = this.rulesIn(at);
    const isHomeRegion = at.region === this.account.homeRegion;
    const knownDestinations = watchedDestinations(this.homeAt, this.foreignHub);
    return new RegionalWatch(this, at.region, {
      at,
      roles,
      rules,
      ...forwarding,
      alertsKey: this.keys.keyIn("alerts", at.region),
      alertsKeyDescription: keyDescription(this.account, "alerts"),
      sweep: sweepDefinition({
        at,
        watch: this.settings.watch,
        keys: this.keys.keysIn(at.region),
        reminderDays: this.settings.reminderDays,
        rules: [
          ...watchedForwardRules(at, rules, knownDestinations),
          ...(isHomeRegion
            ? watchedHubRules(
                this.homeAt,
                this.watchedAts.map(({ region }) => region),
              )
            : []),
        ],
        topics: isHomeRegion ? this.watchedTopics(topics) : [],
      }),
      trailCheck: trailCheckDefinition({
        at,
        isHomeRegion,
        mode: this.trail.mode,
        ...(this.trailArn !== undefined && { trailArn: this.trailArn }),
      }),
    });
  }

  /** IAM's events come in one region of the partition, which may be none of those watched. */
  private watchIam(forwarding: Pick<IamWatchProps, "destinations" | "beforeForwarding">): void {
    const { iamRegion } = this.settings;
    if (iamRegion !== undefined && !this.watchedAts.some(({ region }) => region === iamRegion)) {
      new IamWatch(this, `Iam-${iamRegion}`, { at: this.locationIn(iamRegion), ...forwarding });
    }
  }

  private quotaProblems(): string[] {
    const buses = this.node
      .findAll()
      .flatMap((construct) => (construct instanceof EventRule ? construct.bus : []));
    return rulesPerBusProblems(buses).map((problem) => `${this.node.id}: ${problem}`);
  }

  private rulesIn(at: AwsLocation): readonly ForwardRule[] {
    return [
      ...forwardRules({ at, ...(this.trailArn !== undefined && { trailArn: this.trailArn }) }),
      ...(at.region === this.settings.iamRegion ? [iamForwardRule()] : []),
    ];
  }

  private destinations(hub: Hub, roles: NotificationRoles): readonly ForwardDestination[] {
    return [
      { targetId: "hub", eventBusArn: hub.eventBusArn, roleArn: roles.forwardToHub },
      ...(this.foreignHub === undefined || roles.forwardToOrganization === undefined
        ? []
        : [
            {
              targetId: "organization",
              eventBusArn: this.foreignHub,
              roleArn: roles.forwardToOrganization,
            },
          ]),
    ];
  }

  private watchedTopics({ alertsTopicArn, auditTopicArn }: Topics): readonly WatchedTopic[] {
    const protocols = this.settings.subscriptions.map(({ protocol }) => protocol);
    const subscriptions = [...new Set(protocols)].map((protocol) => ({
      protocol,
      count: protocols.filter((other) => other === protocol).length,
    }));
    return [alertsTopicArn, auditTopicArn].map((arn) => ({ topicArn: arn, subscriptions }));
  }

  private get homeAt(): AwsLocation {
    return this.locationIn(this.account.homeRegion);
  }

  /** Where watching is: wherever Keyspan's keys stand, so in a region that is being drained too. */
  private get watchedAts(): readonly AwsLocation[] {
    return this.account.regions
      .filter(({ state }) => state !== "retired")
      .map(({ name }) => this.locationIn(name));
  }

  /** The organisation's hub, if it is another account's. */
  private get foreignHub(): string | undefined {
    return this.settings.hubOfOrganization === undefined
      ? this.settings.organizationHub
      : undefined;
  }

  private get trailArn(): string | undefined {
    return this.trail.mode === "create" ? trailArn(this.homeAt, TRAIL) : this.trail.trailArn;
  }
}
