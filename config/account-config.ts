/** An account as the stacks take it: checked, complete, and in an order that the file cannot change. */

import type { ProducersProps } from "../modules/events/bus-policy";
import type { Retention } from "../modules/events/encrypted-archive";
import type { EventPattern } from "../modules/events/event-pattern";
import { DELETION_WINDOW_DAYS, ROTATION_DAYS } from "../modules/kms/key-limits";
import type { KeyUseConditions } from "../modules/kms/key-policy";
import { IAM_REGIONS, type Partition, partitionOf } from "../modules/partition";
import { type AccountInput, matchesResidency } from "./account-schema";
import { REMINDER_DAYS, RINGS } from "./rules";

/** Where a region stands in its life. */
export type RegionState = "active" | "draining" | "retired";

/** A region of the account. */
export interface RegionConfig {
  /** Place in the file, as messages show it. */
  readonly where: string;
  readonly name: string;
  /** active: keys, buses and archives. draining: keys only. retired: nothing; its keys stay in AWS. */
  readonly state: RegionState;
  /** Ids of replica keys that already exist in the region, by key name. */
  readonly adopt: Readonly<Record<string, string>>;
}

/** A key that Keyspan makes and manages. */
export interface ManagedKeyConfig {
  readonly kind: "managed";
  /** Place in the file, as messages show it. */
  readonly where: string;
  readonly name: string;
  readonly state: "active" | "retired";
  readonly multiRegion: boolean;
  /** Regions that hold the primary or a replica key: active and draining ones, in alphabetical order. */
  readonly regions: readonly string[];
  readonly administrators: readonly string[];
  /** Roles of this and of other accounts. */
  readonly users: readonly string[];
  readonly breakGlass: readonly string[];
  readonly conditions: KeyUseConditions;
  readonly rotationDays: number;
  readonly deletionWindowDays: number;
  /** Id of a key that exists in AWS and is taken over, in all its regions. */
  readonly adopt?: string;
}

/** A key that the account already has. */
export interface ExistingKeyConfig {
  readonly kind: "existing";
  readonly name: string;
  /** ARN of the key by region. */
  readonly keyArns: Readonly<Partial<Record<string, string>>>;
}

/** A key of the account. */
export type KeyConfig = ManagedKeyConfig | ExistingKeyConfig;

/** An event bus of the account. */
export interface BusConfig {
  readonly name: string;
  /** Whether the account already has the bus: then it only gets archives. */
  readonly existing: boolean;
  /** Active regions that hold the bus, in alphabetical order. */
  readonly regions: readonly string[];
  /** Regions whose key must let EventBridge work with the bus: those above, and draining ones, where it may still be. */
  readonly keyRegions: readonly string[];
  /** Name of the key that encrypts the bus, if Keyspan makes it, and its archives. */
  readonly keyName: string;
  readonly producers: ProducersProps;
}

/** An archive of a bus's events. */
export interface ArchiveConfig {
  /** Name in the configuration and in addresses. */
  readonly id: string;
  /** Name in AWS. */
  readonly name: string;
  readonly busName: string;
  /** Active regions that hold the archive, in alphabetical order. */
  readonly regions: readonly string[];
  readonly retention: Retention;
  readonly eventPattern?: EventPattern;
}

/** Who hears: one subscription, made on both topics. */
export interface SubscriptionConfig {
  readonly protocol: "email" | "https" | "sqs" | "lambda";
  /** The endpoint itself, or the name of the SSM parameter of the home region that holds it. */
  readonly endpoint: { readonly value: string } | { readonly ssmParameter: string };
  /** critical: on the first topic, only what is critical. */
  readonly severity: "critical" | "all";
}

/** What people hear of, and how. */
export interface NotificationConfig {
  /** all: every customer managed key of the active regions. managed: Keyspan's own. */
  readonly watch: "all" | "managed";
  /** Days before a deletion on which people are reminded, the most first. The last two are critical. */
  readonly reminderDays: readonly number[];
  /** At least one. In an order that the file cannot change. */
  readonly subscriptions: readonly SubscriptionConfig[];
  /** ARN of the organisation's hub bus. Also set when it is this account's own. */
  readonly organizationHub?: string;
  /** Id of the organisation whose accounts may forward here: set if, and only if, this account is the hub. */
  readonly hubOfOrganization?: string;
  /** Printed under every message. */
  readonly footer: { readonly runbook?: string; readonly contact?: string };
  /** The partition's IAM region, if it is an active region or residency allows a rule there. */
  readonly iamRegion?: string;
}

/** The trail that makes KMS's calls heard. */
export type TrailConfig =
  | {
      readonly mode: "create";
      /** Whether reading calls are recorded too. */
      readonly readEvents: boolean;
      /** Days that the trail's log group keeps events. Without it there is no log group. */
      readonly logGroupRetentionDays?: number;
    }
  | { readonly mode: "existing"; readonly trailArn: string }
  | {
      readonly mode: "organization";
      /** Without it the trail check looks for the organisation's trail. */
      readonly trailArn?: string;
    };

/** Where the account's Terraform states are. */
export interface StateConfig {
  readonly bucket: string;
  readonly region: string;
  readonly keyPrefix: string;
  /** Account that owns the bucket. */
  readonly account: string;
  readonly writeRole: string;
  readonly readRole: string;
  /** Roles that may take both. In alphabetical order. */
  readonly writers: readonly string[];
  /** Roles that may take the reading role alone. In alphabetical order. */
  readonly readers: readonly string[];
}

/** Everything that Keyspan knows about one AWS account. */
export interface AccountConfig {
  /** Terraform workspace, and name of the account's file. */
  readonly workspace: string;
  readonly partition: Partition;
  /** Account id: 12 digits. */
  readonly id: string;
  readonly deployRole: string;
  /** Place of `deployRole` in its file, as messages show it. */
  readonly deployRoleWhere: string;
  /** Role that will be the deploy role; it must exist. */
  readonly nextDeployRole?: string;
  readonly planRole: string;
  readonly homeRegion: string;
  /** Place of `homeRegion` in the file, as messages show it. */
  readonly homeRegionWhere: string;
  /** In alphabetical order. */
  readonly regions: readonly RegionConfig[];
  readonly state: StateConfig;
  readonly tags: Readonly<Record<string, string>>;
  /** In alphabetical order of their names. */
  readonly keys: readonly KeyConfig[];
  readonly buses: readonly BusConfig[];
  readonly archives: readonly ArchiveConfig[];
  readonly notifications: NotificationConfig;
  readonly trail: TrailConfig;
  readonly protect: boolean;
  /** When its turn comes in a rollout to all accounts: lower rings first. */
  readonly ring: number;
}

const byText = (a: string, b: string) => (a < b ? -1 : Number(a > b));
const sorted = (names: readonly string[]) => [...names].sort(byText);
const sortedEntries = <T>(map: Readonly<Record<string, T>>) =>
  Object.entries(map).sort(([a], [b]) => byText(a, b));

const inOrder = <T>(map: Readonly<Record<string, T>>) => Object.fromEntries(sortedEntries(map));

/**
 * Resolves a configuration that keeps all rules: fills in defaults, and works out which region
 * holds what.
 *
 * @param where - place of a value in its file, as messages show it
 */
export function resolveAccount(
  workspace: string,
  input: AccountInput,
  where: (...path: readonly (string | number)[]) => string,
): AccountConfig {
  const partition = partitionOf(input.homeRegion);
  if (partition === undefined) {
    throw new Error(`resolveAccount needs a checked configuration, got region ${input.homeRegion}`);
  }
  const regions = input.regions
    .map(
      ({ name, state = "active", adopt = {} }, index): RegionConfig => ({
        where: where("regions", index),
        name,
        state,
        adopt: inOrder(adopt),
      }),
    )
    .sort((a, b) => byText(a.name, b.name));
  const namesIn = (...states: RegionState[]) =>
    regions.filter(({ state }) => states.includes(state)).map(({ name }) => name);
  const active = namesIn("active");
  const withKeys = namesIn("active", "draining");

  const buses = sortedEntries(input.buses ?? {}).map(
    ([name, bus]): BusConfig => ({
      name,
      existing: bus.existing ?? false,
      regions: within(active, bus.regions),
      keyRegions: within(withKeys, bus.regions),
      keyName: bus.key ?? "archive",
      producers: sortProducers(bus.producers ?? []),
    }),
  );
  return {
    workspace,
    partition,
    id: input.account.id,
    deployRole: input.account.deployRole,
    deployRoleWhere: where("account", "deployRole"),
    ...(input.account.nextDeployRole !== undefined && {
      nextDeployRole: input.account.nextDeployRole,
    }),
    planRole: input.account.planRole,
    homeRegion: input.homeRegion,
    homeRegionWhere: where("homeRegion"),
    regions,
    state: {
      ...input.state,
      writers: sorted(input.state.writers ?? []),
      readers: sorted(input.state.readers ?? []),
    },
    tags: inOrder(input.tags ?? {}),
    keys: sortedEntries(input.keys).map(([name, key]) =>
      resolveKey(name, key, input.homeRegion, withKeys, where("keys", name)),
    ),
    buses,
    archives: sortedEntries(input.archives ?? {}).map(
      ([id, archive]): ArchiveConfig => ({
        id,
        name: archive.name ?? id,
        busName: archive.bus,
        regions: within(
          buses.find(({ name }) => name === archive.bus)?.regions ?? [],
          archive.regions,
        ),
        retention: archive.retentionDays,
        ...(archive.eventPattern !== undefined && {
          eventPattern: archive.eventPattern as EventPattern,
        }),
      }),
    ),
    notifications: resolveNotifications(input, partition),
    trail: resolveTrail(input.trail),
    protect: input.protect ?? true,
    ring: input.ring ?? RINGS.default,
  };
}

function resolveNotifications(
  { notifications, residency }: AccountInput,
  partition: Partition,
): NotificationConfig {
  const { organizationHub, organizationId, footer = {} } = notifications;
  const days = notifications.reminders?.daysBeforeDeletion ?? REMINDER_DAYS.default;
  const iamRegion = IAM_REGIONS[partition];
  // So is every active region: a rule sees to that.
  const isAdmitted = residency?.some((pattern) => matchesResidency(iamRegion, pattern)) ?? true;
  return {
    watch: notifications.watch ?? "all",
    reminderDays: [...days].sort((a, b) => b - a),
    subscriptions: notifications.subscriptions
      .map(
        ({ protocol, endpoint, severity = "all" }): SubscriptionConfig => ({
          protocol,
          endpoint:
            typeof endpoint === "string" ? { value: endpoint } : { ssmParameter: endpoint.ssm },
          severity,
        }),
      )
      .sort((a, b) => byText(subscriptionOrder(a), subscriptionOrder(b))),
    ...(organizationHub !== undefined && { organizationHub }),
    ...(organizationId !== undefined && { hubOfOrganization: organizationId }),
    footer: {
      ...(footer.runbook !== undefined && { runbook: footer.runbook }),
      ...(footer.contact !== undefined && { contact: footer.contact }),
    },
    ...(isAdmitted && { iamRegion }),
  };
}

/** No two subscriptions of an account have the same: a rule sees to that. */
function subscriptionOrder({ protocol, endpoint }: SubscriptionConfig): string {
  return `${protocol} ${"value" in endpoint ? endpoint.value : endpoint.ssmParameter}`;
}

function resolveTrail(trail: AccountInput["trail"]): TrailConfig {
  if (trail === "organization") {
    return { mode: "organization" };
  }
  const { create, existing, organization } = trail === "create" ? { create: {} } : trail;
  if (existing !== undefined) {
    return { mode: "existing", trailArn: existing };
  }
  if (organization !== undefined) {
    return { mode: "organization", trailArn: organization };
  }
  return {
    mode: "create",
    readEvents: create?.readEvents ?? true,
    ...(create?.logGroupRetentionDays !== undefined && {
      logGroupRetentionDays: create.logGroupRetentionDays,
    }),
  };
}

function within(all: readonly string[], chosen: readonly string[] | undefined): readonly string[] {
  return chosen === undefined ? all : all.filter((name) => chosen.includes(name));
}

function resolveKey(
  name: string,
  key: AccountInput["keys"][string],
  homeRegion: string,
  withKeys: readonly string[],
  where: string,
): KeyConfig {
  if (key.existing !== undefined) {
    return { kind: "existing", name, keyArns: inOrder(key.existing) };
  }
  // The audit key serves the trail, which is in the home region.
  const multiRegion = name === "audit" ? false : (key.multiRegion ?? true);
  return {
    kind: "managed",
    where,
    name,
    state: key.state ?? "active",
    multiRegion,
    regions: multiRegion ? within(withKeys, key.regions) : [homeRegion],
    administrators: sorted(key.administrators ?? []),
    users: sorted([...(key.users ?? []), ...(key.externalUsers ?? [])]),
    breakGlass: sorted(key.breakGlass ?? []),
    conditions: resolveConditions(key.conditions ?? {}),
    rotationDays: key.rotationDays ?? ROTATION_DAYS.default,
    deletionWindowDays: key.deletionWindowDays ?? DELETION_WINDOW_DAYS.default,
    ...(key.adopt !== undefined && { adopt: key.adopt }),
  };
}

function resolveConditions(conditions: KeyUseConditions): KeyUseConditions {
  const { sourceIps, sourceVpces, viaServices, encryptionContext } = conditions;
  return {
    ...conditions,
    ...(sourceIps !== undefined && { sourceIps: sorted(sourceIps) }),
    ...(sourceVpces !== undefined && { sourceVpces: sorted(sourceVpces) }),
    ...(viaServices !== undefined && { viaServices: sorted(viaServices) }),
    ...(encryptionContext !== undefined && { encryptionContext: inOrder(encryptionContext) }),
  };
}

function sortProducers(producers: readonly string[]): ProducersProps {
  return {
    roles: sorted(producers.filter((name) => name.startsWith("arn:"))),
    accounts: sorted(producers.filter((name) => /^\d{12}$/.test(name))),
    organizations: sorted(producers.filter((name) => name.startsWith("o-"))),
  };
}
