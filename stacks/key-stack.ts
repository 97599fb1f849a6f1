import type { Construct } from "constructs";
import type { AccountConfig, ManagedKeyConfig } from "../config/account-config";
import {
  type LedgerContent,
  movesTo,
  type ProtectedResource,
  retiredAddresses,
  standsFromBefore,
} from "../config/ledger";
import { HOME_REGION_ADDRESS, type KeyAddresses, keyAddresses } from "../modules/kms/key-addresses";
import {
  accountReads,
  administratorsManage,
  type BusesIn,
  breakGlassActs,
  canaryWrites,
  type DeadLetterDelivery,
  deadLettersDelivered,
  deployRoleApplies,
  eventBridgeEncrypts,
  guards,
  type KeyGrant,
  planRoleReads,
  renderKeyPolicy,
  serviceRoleSynchronizes,
  topicPublished,
  usersCrypt,
} from "../modules/kms/key-policy";
import type { KeyRef } from "../modules/kms/key-ref";
import { MultiRegionKey } from "../modules/kms/multi-region-key";
import { trailEncrypts } from "../modules/kms/trail-grant";
import { deadLetterQueueName, KEY_TAG, KEYSPAN_PREFIX, keyAlias, ROLES } from "../modules/names";
import { announceDeadLetters, forwardDeadLetters } from "../modules/notifications/dead-letters";
import { type AwsLocation, alarmArn, eventBusArn, roleArn } from "../modules/partition";
import { type ResourceAddress, showAddress } from "../modules/terraform/address";
import { TerraformRecord } from "../modules/terraform/record";
import { addStateChanges } from "../modules/terraform/state-changes";
import { AccountStack } from "./account-stack";

/** Description of a managed key, the same in every region. */
export function keyDescription({ workspace }: AccountConfig, keyName: string): string {
  return `Keyspan: key ${keyName} of account ${workspace}`;
}

/** Props of a {@link KeyStack}. */
export interface KeyStackProps {
  readonly account: AccountConfig;
  /** Addresses that were moved or retired in writing. */
  readonly ledger: LedgerContent;
}

/** Id of the stack of keys. */
export const KEY_STACK_ID = "keys";

/**
 * The account's KMS keys, in all its regions.
 *
 * Keys do not follow need: every multi-Region key has a replica key in every region that is active
 * or draining, so that no change of buses or archives ever adds or removes a key.
 */
export class KeyStack extends AccountStack {
  /** Every resource that must not be destroyed, for the ledger. */
  readonly protectedResources: readonly ProtectedResource[];
  /** Those of them that are taken over from AWS instead of made. */
  readonly adoptedResources: readonly ProtectedResource[];
  private readonly managed = new Map<string, MultiRegionKey>();

  constructor(scope: Construct, { account, ledger }: KeyStackProps) {
    super(scope, KEY_STACK_ID, { account, region: account.homeRegion, spansRegions: true });

    new TerraformRecord(this, "HomeRegion", {
      value: account.homeRegion,
      preventDestroy: account.protect,
    }).overrideLogicalId(HOME_REGION_ADDRESS.name);

    const managed = account.keys.filter((key) => key.kind === "managed");
    const active = managed.filter(({ state }) => state === "active");
    for (const key of active) {
      this.managed.set(key.name, this.defineKey(key, ledger));
    }

    const standing = active.flatMap((key) =>
      key.regions.map((region) => this.keyResources(key, region, ledger)),
    );
    this.protectedResources = [
      { stack: KEY_STACK_ID, address: showAddress(HOME_REGION_ADDRESS) },
      ...standing.flatMap(({ resources }) => resources),
    ];
    this.adoptedResources = standing.flatMap(({ resources, imports }) =>
      imports.length > 0 ? resources : [],
    );

    const defined = new Set(this.protectedResources.map(({ address }) => address));
    addStateChanges(this, {
      forget: this.forgotten(managed, ledger).filter((address) => !defined.has(address)),
      adopt: standing.flatMap(({ imports }) => imports),
      move: movesTo(ledger, KEY_STACK_ID, defined),
    });
  }

  /**
   * The key of that name in a region.
   *
   * @throws {Error} if there is none: the configuration's rules have let it through
   */
  keyIn(name: string, region: string): KeyRef {
    const key = this.account.keys.find((candidate) => candidate.name === name);
    const ref =
      key?.kind === "existing"
        ? existingKeyIn(key.keyArns, region)
        : this.managed.get(name)?.keyIn(region);
    if (ref === undefined) {
      throw new Error(`there is no key ${name} in ${region}`);
    }
    return ref;
  }

  /** The keys that stand in a region: those that Keyspan manages, and existing ones. */
  keysIn(region: string): readonly { readonly name: string; readonly keyArn: string }[] {
    return this.account.keys.flatMap((key) => {
      const ref =
        key.kind === "existing"
          ? existingKeyIn(key.keyArns, region)
          : this.managed.get(key.name)?.keyIn(region);
      return ref === undefined ? [] : [{ name: key.name, keyArn: ref.keyArn }];
    });
  }

  private defineKey(key: ManagedKeyConfig, ledger: LedgerContent): MultiRegionKey {
    const grants = keyGrants(this.account, key, ledger);
    return new MultiRegionKey(this, key.name, {
      keyName: key.name,
      aliasName: keyAlias(key.name),
      description: keyDescription(this.account, key.name),
      multiRegion: key.multiRegion,
      primaryRegion: this.account.homeRegion,
      replicaRegions: replicaRegions(this.account, key),
      policyIn: (region) => renderKeyPolicy(key.name, grants, this.locationIn(region)),
      rotationDays: key.rotationDays,
      deletionWindowDays: key.deletionWindowDays,
      protect: this.account.protect,
      tags: { [KEY_TAG]: key.name },
    });
  }

  /**
   * What Terraform keeps of a key in one region, and how it takes the key over, if it does.
   *
   * The alias is taken over with it only if Keyspan made it once: another key has none by that name.
   * The provider takes the region behind the id:
   * https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/enhanced-region-support
   */
  private keyResources({ name, adopt }: ManagedKeyConfig, region: string, ledger: LedgerContent) {
    const { key, record, alias } = addressesIn(this.account, name, region);
    const resources = [key, record, alias].map(
      (address): ProtectedResource => ({
        stack: KEY_STACK_ID,
        address: showAddress(address),
        key: name,
        region,
      }),
    );
    const inRegion = this.account.regions.find((entry) => entry.name === region)?.adopt ?? {};
    const keyId = adopt ?? (Object.hasOwn(inRegion, name) ? inRegion[name] : undefined);
    if (keyId === undefined) {
      return { resources, imports: [] };
    }
    const imports = [{ to: showAddress(key), importId: `${keyId}@${region}` }];
    if (standsFromBefore(ledger, KEY_STACK_ID, showAddress(alias))) {
      imports.push({ to: showAddress(alias), importId: `${keyAlias(name)}@${region}` });
    }
    return { resources, imports };
  }

  /** Addresses of keys that Terraform must forget: retired in the configuration or in the ledger. */
  private forgotten(
    managed: readonly ManagedKeyConfig[],
    ledger: LedgerContent,
  ): readonly string[] {
    const retired = managed.flatMap((key) =>
      this.account.regions
        .filter(({ name, state }) =>
          key.multiRegion
            ? key.state === "retired" || state === "retired"
            : key.state === "retired" && name === this.account.homeRegion,
        )
        .flatMap(({ name }) =>
          allAddresses(addressesIn(this.account, key.name, name)).map(showAddress),
        ),
    );
    return [...new Set([...retired, ...retiredAddresses(ledger, KEY_STACK_ID)])].sort();
  }
}

function existingKeyIn(
  keyArns: Readonly<Partial<Record<string, string>>>,
  region: string,
): KeyRef | undefined {
  const keyArn = keyArns[region];
  return keyArn === undefined ? undefined : { keyArn, region };
}

function addressesIn({ homeRegion }: AccountConfig, keyName: string, region: string): KeyAddresses {
  return keyAddresses(keyName, region, region === homeRegion ? "primary" : "replica");
}

function allAddresses({ key, record, alias }: KeyAddresses): readonly ResourceAddress[] {
  return [key, record, alias];
}

function replicaRegions({ homeRegion }: AccountConfig, key: ManagedKeyConfig): readonly string[] {
  return key.regions.filter((region) => region !== homeRegion);
}

/**
 * The buses of a region that work with a key: those that the configuration names, and those that the
 * ledger remembers.
 *
 * Keys are applied before buses. A bus that is being drained or removed still works with its key
 * until its own stack is applied; and what was archived under another key than today's can only be
 * read as long as that key lets EventBridge decrypt it.
 */
function busesOf(account: AccountConfig, keyName: string, { buses }: LedgerContent): BusesIn {
  const remembered = Object.entries(buses).flatMap(([name, keyNames]) =>
    keyNames.includes(keyName) ? name : [],
  );
  return (region) => {
    const named = account.buses.flatMap((bus) =>
      bus.keyName === keyName && bus.keyRegions.includes(region) ? bus.name : [],
    );
    return [...new Set([...named, ...remembered])];
  };
}

/** Who may do what with a key. The order is that of the statements in the policy. */
function keyGrants(
  account: AccountConfig,
  key: ManagedKeyConfig,
  ledger: LedgerContent,
): readonly KeyGrant[] {
  const busesIn = busesOf(account, key.name, ledger);
  const deployRoles = deployRolesOf(account);
  return [
    accountReads(),
    ...(key.multiRegion ? [serviceRoleSynchronizes()] : []),
    deployRoleApplies({
      roleArns: deployRoles,
      primaryRegion: account.homeRegion,
      replicaRegions: replicaRegions(account, key),
      busesIn,
      mayScheduleDeletion: !account.protect,
      deletionWindowDays: key.deletionWindowDays,
    }),
    planRoleReads(account.planRole, busesIn),
    administratorsManage(key.administrators),
    usersCrypt(key.users, key.conditions),
    breakGlassActs(key.breakGlass, key.deletionWindowDays),
    eventBridgeEncrypts(account.id, busesIn),
    ...watchingGrants(account, key.name),
    guards({
      deletionWindowDays: key.deletionWindowDays,
      breakGlass: key.breakGlass,
      mayScheduleDeletion: account.protect ? [] : deployRoles,
      regions: key.multiRegion ? key.regions : [],
    }),
  ];
}

/** What the notification stack, and the buses' dead-letter queues, need of Keyspan's keys. */
function watchingGrants(account: AccountConfig, keyName: string): readonly KeyGrant[] {
  const inHomeRegion = (at: AwsLocation) => at.region === account.homeRegion;
  const published = topicPublished(account.id, (at) =>
    inHomeRegion(at)
      ? {
          roleArn: roleArn(at, ROLES.announce),
          alarmArns: [alarmArn(at, `${KEYSPAN_PREFIX}*`)],
        }
      : undefined,
  );
  if (keyName === "alerts") {
    return [
      deadLettersDelivered(account.id, (at) => deadLetterQueuesIn(account, at)),
      published,
      canaryWrites((at) => (isWatched(account, at.region) ? roleArn(at, ROLES.canary) : undefined)),
    ];
  }
  if (keyName === "audit") {
    return [published, ...trailGrants(account)];
  }
  return [];
}

function trailGrants({ trail, ...account }: AccountConfig): readonly KeyGrant[] {
  if (trail.mode !== "create") {
    return [];
  }
  const at = { partition: account.partition, account: account.id, region: account.homeRegion };
  return [
    trailEncrypts({
      at,
      ...(trail.logGroupRetentionDays !== undefined && {
        logGroupMakers: deployRolesOf(account),
      }),
    }),
  ];
}

/** The roles that apply: one, or two while the first hands over to the second. */
export function deployRolesOf({
  deployRole,
  nextDeployRole,
}: Pick<AccountConfig, "deployRole" | "nextDeployRole">): readonly string[] {
  return [deployRole, nextDeployRole].filter((role) => role !== undefined);
}

/** The dead-letter queues of a region, those of one that is being drained among them. */
function deadLetterQueuesIn(
  account: AccountConfig,
  at: AwsLocation,
): readonly DeadLetterDelivery[] {
  const ofBuses = account.buses.flatMap((bus) =>
    !bus.existing && bus.keyRegions.includes(at.region)
      ? { queueName: deadLetterQueueName(bus.name), sourceArns: [eventBusArn(at, bus.name)] }
      : [],
  );
  return [
    ...ofBuses,
    ...(isWatched(account, at.region) ? [forwardDeadLetters(at)] : []),
    ...(at.region === account.homeRegion ? [announceDeadLetters(at)] : []),
  ];
}

/** Whether the notification stack watches a region: wherever keys stand. */
function isWatched(account: AccountConfig, region: string): boolean {
  return account.regions.some(({ name, state }) => name === region && state !== "retired");
}
