/**
 * Who may do what with a key in a region: the table of the design, written out.
 *
 * It follows from the account's configuration alone and knows nothing of how policies are made.
 */
import { BlockList, isIPv6 } from "node:net";
import type { AccountConfig, BusConfig, ManagedKeyConfig } from "../../config/account-config";
import type { KeyUseConditions } from "../../modules/kms/key-policy";
import {
  iamUser,
  NOBODY_KNOWN,
  type Principal,
  type RequestContext,
  roleItself,
  rootUser,
  service,
  sessionOf,
} from "../helpers/iam";
import { type Cell, Table } from "./decision-table";

const READ = [
  "DescribeKey",
  "GetKeyPolicy",
  "GetKeyRotationStatus",
  "ListGrants",
  "ListKeyPolicies",
  "ListKeyRotations",
  "ListResourceTags",
] as const;
const ADMINISTER = [
  "CreateAlias",
  "DeleteAlias",
  "DisableKeyRotation",
  "EnableKeyRotation",
  "PutKeyPolicy",
  "RotateKeyOnDemand",
  "TagResource",
  "UntagResource",
  "UpdateAlias",
  "UpdateKeyDescription",
] as const;
const BREAK_GLASS = [
  "CancelKeyDeletion",
  "DisableKey",
  "EnableKey",
  "PutKeyPolicy",
  "ScheduleKeyDeletion",
] as const;
const APPLY = [
  "CreateAlias",
  "DeleteAlias",
  "EnableKeyRotation",
  "PutKeyPolicy",
  "TagResource",
  "UntagResource",
  "UpdateAlias",
  "UpdateKeyDescription",
] as const;
const USE = [
  "Decrypt",
  "Encrypt",
  "GenerateDataKey",
  "GenerateDataKeyPair",
  "GenerateDataKeyPairWithoutPlaintext",
  "GenerateDataKeyWithoutPlaintext",
  "ReEncryptFrom",
  "ReEncryptTo",
] as const;
/** What EventBridge does with a key for the role that creates and updates buses and archives. */
const MAKE_BUSES = [
  "Decrypt",
  "Encrypt",
  "GenerateDataKey",
  "GenerateDataKeyWithoutPlaintext",
  "ReEncryptFrom",
  "ReEncryptTo",
] as const;
/** What publishing on an encrypted topic takes. The pairs of keys come with AWS's own pattern. */
const PUBLISH = [
  "Decrypt",
  "GenerateDataKey",
  "GenerateDataKeyPair",
  "GenerateDataKeyPairWithoutPlaintext",
  "GenerateDataKeyWithoutPlaintext",
] as const;
/** What nobody may do, by this table. */
const NOBODY = [
  "CreateGrant",
  "DeleteImportedKeyMaterial",
  "DeriveSharedSecret",
  "GenerateMac",
  "GetParametersForImport",
  "GetPublicKey",
  "ImportKeyMaterial",
  "RetireGrant",
  "RevokeGrant",
  "Sign",
  "SynchronizeMultiRegionKey",
  "UpdatePrimaryRegion",
  "Verify",
  "VerifyMac",
] as const;
/** Younger than the table, which says neither that it is metadata nor that it is not. */
const UNDECIDED = ["GetKeyLastUsage"] as const;

/** Every action on a key that the table says something about, without `kms:`. */
export const KEY_ACTIONS: readonly string[] = [
  ...new Set([...READ, ...ADMINISTER, ...BREAK_GLASS, ...USE, ...NOBODY, "ReplicateKey"]),
].sort();

/** Actions on a key that the table leaves open, without `kms:`. */
export const UNDECIDED_KEY_ACTIONS: readonly string[] = UNDECIDED;

const CARRY_CONTEXT: ReadonlySet<string> = new Set([...USE, "CreateGrant", "RetireGrant"]);
const CARRY_NOTHING: ReadonlySet<string> = new Set(["SynchronizeMultiRegionKey"]);

const kms = (action: string) => `kms:${action}`;

/** A key in a region, and the account that it belongs to. */
export interface KeyPlace {
  readonly account: AccountConfig;
  readonly key: ManagedKeyConfig;
  readonly region: string;
  /** Names of buses that were encrypted with the key once, as the ledger remembers. */
  readonly formerBuses?: readonly string[];
}

/** The roles that may apply: the deploy role, and the one that will follow it. */
function deployRolesOf({ deployRole, nextDeployRole }: AccountConfig): readonly string[] {
  return nextDeployRole === undefined ? [deployRole] : [deployRole, nextDeployRole];
}

/** An account that the configuration does not mention. */
export function strangerTo(account: AccountConfig): string {
  const text = JSON.stringify(account);
  let id = 999_900_001_111;
  while (text.includes(String(id))) {
    id -= 1;
  }
  return String(id);
}

/** A region that no part of the account's configuration is in. */
export function regionOutside(account: AccountConfig): string {
  const text = JSON.stringify(account);
  const found = REGIONS_OUTSIDE.find((name) => !text.includes(name));
  if (found === undefined) {
    throw new Error("no region is left outside");
  }
  return found;
}

const REGIONS_OUTSIDE = ["il-central-1", "mx-central-1", "sa-east-1", "af-south-1", "ap-east-2"];

/** ARN of the key in messages and decisions. */
export function keyArnAt({ account, key, region }: KeyPlace): string {
  return `arn:${account.partition}:kms:${region}:${account.id}:key/mrk-${key.name}`;
}

/** Everything that the table says about a key in a region. */
export function keyCells(place: KeyPlace): readonly Cell[] {
  return [...new KeyRows(place).cells(), ...grantCells(place), ...guardCells(place)];
}

const BUS_CONTEXT = "kms:EncryptionContext:aws:events:event-bus:arn";

/** A request with one or several contexts, and who may make it. */
interface Variant {
  readonly action: string;
  readonly context: RequestContext;
  readonly mayBeGranted: boolean;
}

class KeyRows {
  private readonly table: Table;
  private readonly account: AccountConfig;
  private readonly key: ManagedKeyConfig;
  private readonly region: string;
  private readonly stranger: string;
  private readonly uses: KeyUses;

  constructor(private readonly place: KeyPlace) {
    this.account = place.account;
    this.key = place.key;
    this.region = place.region;
    this.stranger = strangerTo(place.account);
    this.uses = keyUses(place.key.conditions, place.region);
    this.table = new Table(this.account.id, (action) =>
      (READ as readonly string[]).includes(action),
    );
  }

  cells(): readonly Cell[] {
    const { partition, id } = this.account;
    this.nobodysRow("root user", rootUser(partition, id), new Set(["PutKeyPolicy"]));
    this.nobodysRow("IAM alone: role", sessionOf(this.ownRole("Unrelated")));
    this.nobodysRow("IAM alone: user", iamUser(`arn:${partition}:iam::${id}:user/Unrelated`));
    this.nobodysRow("outsider", sessionOf(this.roleIn(this.stranger, "Unrelated")));
    for (const action of ["PutKeyPolicy", "DescribeKey", "Decrypt", "DisableKey"]) {
      this.table.refused(
        "root user of another account",
        rootUser(partition, this.stranger),
        kms(action),
        withoutContext(this.uses.good[0] ?? {}, action),
      );
    }
    this.anonymous();
    for (const roleArn of this.namedRoles()) {
      this.namedRole(roleArn);
    }
    this.conditionsOfUse();
    this.pipelineThroughEventBridge();
    this.othersThroughEventBridge();
    this.eventBridge();
    this.deadLetters();
    this.announce();
    this.alarms();
    this.canary();
    this.trail();
    this.trailLogGroup();
    this.otherServices();
    this.synchronization();
    return this.table.cells;
  }

  private ownRole(name: string): string {
    return this.roleIn(this.account.id, name);
  }

  private roleIn(account: string, name: string): string {
    return `arn:${this.account.partition}:iam::${account}:role/${name}`;
  }

  private namedRoles(): readonly string[] {
    const { administrators, users, breakGlass } = this.key;
    const pipeline = [...deployRolesOf(this.account), this.account.planRole];
    return [...new Set([...pipeline, ...administrators, ...users, ...breakGlass])];
  }

  private isNamed(principal: Principal): boolean {
    return "arn" in principal && this.namedRoles().includes(principal.arn);
  }

  /** What a role may do wherever its requests come from; a role may have several parts. */
  private rightsOf(roleArn: string): ReadonlySet<string> {
    const { administrators, breakGlass, regions, multiRegion } = this.key;
    const { planRole, protect, homeRegion } = this.account;
    const rights = new Set<string>();
    const give = (...actions: readonly string[]) => {
      for (const action of actions) {
        rights.add(action);
      }
    };
    if (administrators.includes(roleArn)) {
      give(...READ, ...ADMINISTER);
    }
    if (breakGlass.includes(roleArn)) {
      give(...READ, ...BREAK_GLASS);
    }
    if (roleArn === planRole) {
      give(...READ);
    }
    if (deployRolesOf(this.account).includes(roleArn)) {
      give(...READ, ...APPLY);
      if (!protect) {
        give("ScheduleKeyDeletion");
      }
      if (multiRegion && regions.length > 1 && this.region === homeRegion) {
        give("ReplicateKey");
      }
    }
    return rights;
  }

  /**
   * An action with the contexts that matter for it.
   *
   * @param thorough - with every such context, not only the one that promises most
   * @param allRegions - with every region that the action may be about
   */
  private variants(
    action: string,
    context: RequestContext,
    thorough: boolean,
    allRegions = false,
  ): readonly Variant[] {
    const carried = CARRY_NOTHING.has(action) ? {} : withoutContext(context, action);
    const plain = { action: kms(action), context: carried, mayBeGranted: true };
    const having = (key: string, value: string, mayBeGranted: boolean): Variant => ({
      ...plain,
      context: { ...carried, [key]: value },
      mayBeGranted,
    });
    switch (action) {
      case "ScheduleKeyDeletion":
        return [
          plain,
          ...(thorough ? windowsAround(this.key.deletionWindowDays) : ([[30, true]] as const)).map(
            ([days, enough]) => having(WINDOW, String(days), enough),
          ),
        ];
      case "PutKeyPolicy":
        return thorough
          ? [plain, having(BYPASS, "false", true), having(BYPASS, "true", false)]
          : [plain];
      case "CreateGrant":
        return [
          having(FOR_SERVICE, "true", false),
          ...(thorough ? [plain, having(FOR_SERVICE, "false", false)] : []),
        ].map((variant) => ({ ...variant, mayBeGranted: false }));
      case "ReplicateKey":
        return [
          ...some(this.otherRegions(), allRegions).map((to) => having(REPLICA_REGION, to, true)),
          ...some([this.region, ...this.foreignRegions()], allRegions).map((to) =>
            having(REPLICA_REGION, to, false),
          ),
        ];
      case "UpdatePrimaryRegion":
        return [
          ...some(this.otherRegions(), allRegions),
          ...some(this.foreignRegions(), allRegions),
        ].map((to) => having(PRIMARY_REGION, to, false));
      default:
        return [plain];
    }
  }

  private otherRegions(): readonly string[] {
    return this.key.regions.filter((region) => region !== this.region);
  }

  private foreignRegions(): readonly string[] {
    return foreignRegions(this.place);
  }

  /** Someone who is not named: every action, from the best position that a named one could be in. */
  private nobodysRow(
    topic: string,
    principal: Principal,
    rights: ReadonlySet<string> = new Set(),
  ): void {
    for (const action of KEY_ACTIONS) {
      const context = USER_ACTIONS.has(action) ? (this.uses.good[0] ?? {}) : {};
      for (const variant of this.variants(action, context, rights.size > 0)) {
        this.table.expect(
          rights.has(action) && variant.mayBeGranted,
          topic,
          principal,
          variant.action,
          variant.context,
        );
      }
    }
  }

  private anonymous(): void {
    for (const action of ["Decrypt", "Encrypt", "DescribeKey", "PutKeyPolicy", "DisableKey"]) {
      this.table.refused(
        "anonymous",
        NOBODY_KNOWN,
        kms(action),
        withoutContext(this.uses.good[0] ?? {}, action),
      );
    }
  }

  /** A role of the configuration: each action, and those who look like it. */
  private namedRole(roleArn: string): void {
    const { administrators, users, breakGlass } = this.key;
    const { planRole } = this.account;
    const isDeployRole = deployRolesOf(this.account).includes(roleArn);
    const parts = [
      administrators.includes(roleArn) ? ["administrator"] : [],
      users.includes(roleArn) ? ["user"] : [],
      breakGlass.includes(roleArn) ? ["break-glass"] : [],
      isDeployRole ? ["deploy role"] : [],
      roleArn === planRole ? ["plan role"] : [],
    ].flat();
    const topic = `${parts.join(" and ")} ${roleArn}`;
    const rights = this.rightsOf(roleArn);
    const isUser = users.includes(roleArn);
    const granted: Variant[] = [];
    for (const action of KEY_ACTIONS) {
      const context = isUser || USER_ACTIONS.has(action) ? (this.uses.good[0] ?? {}) : {};
      for (const variant of this.variants(action, context, true, isDeployRole)) {
        const isGranted =
          variant.mayBeGranted && (rights.has(action) || (isUser && USER_ACTIONS.has(action)));
        if (isGranted) {
          granted.push(variant);
        }
        this.table.expect(isGranted, topic, sessionOf(roleArn), variant.action, variant.context);
      }
    }
    this.lookalikes(topic, roleArn, granted);
  }

  /** Whoever only looks like a named role gets nothing of what that role has. */
  private lookalikes(topic: string, roleArn: string, granted: readonly Variant[]): void {
    const owner = roleArn.split(":")[4] ?? "";
    const name = roleArn.slice(roleArn.lastIndexOf("/") + 1);
    const { partition } = this.account;
    /** Of each kind of right that the role has, one. */
    const chosen = TELLING.flatMap(
      (action) =>
        granted.find((variant) => variant.action === kms(action) && variant.mayBeGranted) ?? [],
    );
    const lookalikes: readonly (readonly [string, Principal, number])[] = [
      ["of another account", sessionOf(this.roleIn(this.stranger, name)), chosen.length],
      ["with a longer name", sessionOf(`${roleArn}2`), chosen.length],
      ["with a shorter name", sessionOf(roleArn.slice(0, -1)), 2],
      ["on another path", roleItself(roleArn.replace(":role/", ":role/another/path/")), 2],
      ["as an IAM user", iamUser(roleArn.replace(":role/", ":user/")), 2],
    ];
    for (const [difference, principal, count] of lookalikes.filter(
      ([, who]) => !this.isNamed(who),
    )) {
      for (const { action, context } of chosen.slice(0, count)) {
        this.table.refused(`${topic}: ${difference}`, principal, action, context);
      }
    }
    if (owner !== this.account.id) {
      for (const principal of [
        rootUser(partition, owner),
        sessionOf(this.roleIn(owner, "Unrelated")),
      ]) {
        for (const { action, context } of chosen) {
          this.table.refused(`${topic}: its account`, principal, action, context);
        }
      }
    }
  }

  /** Users: each condition on both sides; and nobody else, in the same position. */
  private conditionsOfUse(): void {
    for (const roleArn of this.key.users) {
      const rights = this.rightsOf(roleArn);
      const user = sessionOf(roleArn);
      for (const context of this.uses.good.slice(1)) {
        const topic = `conditions of use fulfilled: ${roleArn}`;
        for (const action of [...USER_ACTIONS, "PutKeyPolicy", "RetireGrant"]) {
          const isGranted = USER_ACTIONS.has(action) || rights.has(action);
          this.table.expect(isGranted, topic, user, kms(action), withoutContext(context, action));
        }
        for (const other of [
          sessionOf(this.ownRole("Unrelated")),
          sessionOf(this.roleIn(this.stranger, "Unrelated")),
          sessionOf(`${roleArn}2`),
        ].filter((who) => !this.isNamed(who))) {
          for (const action of ["Decrypt", "DescribeKey"]) {
            const asked = withoutContext(context, action);
            this.table.refused(`${topic}, by another`, other, kms(action), asked);
          }
        }
      }
      for (const context of this.uses.bad) {
        for (const action of ["Decrypt", "GenerateDataKey", "ReEncryptTo", "DescribeKey"]) {
          const asked = withoutContext(context, action);
          // A describing request carries no encryption context, so it breaks no condition on one.
          const isGranted =
            rights.has(action) ||
            (action === "DescribeKey" && this.uses.good.some((good) => sameContext(asked, good)));
          const topic = `conditions of use broken: ${roleArn}`;
          this.table.expect(isGranted, topic, user, kms(action), asked);
        }
      }
    }
  }

  private busArn(name: string, region = this.region, account = this.account.id): string {
    return `arn:${this.account.partition}:events:${region}:${account}:event-bus/${name}`;
  }

  /** Buses that are in this region, or still may be since it is being drained. */
  private busNames(matches: (bus: BusConfig) => boolean): readonly string[] {
    return this.account.buses
      .filter((bus) => bus.keyRegions.includes(this.region) && matches(bus))
      .map(({ name }) => name);
  }

  /** Buses that work with the key, for themselves or for their archives, today or once. */
  private used(): readonly string[] {
    const today = this.busNames((bus) => bus.keyName === this.key.name);
    return [...new Set([...today, ...(this.place.formerBuses ?? [])])];
  }

  /** Whether EventBridge delivers to queues that the key encrypts: wherever it is, what is not forwarded. */
  private deliversDeadLetters(): boolean {
    return this.key.name === "alerts";
  }

  private isAtHome(): boolean {
    return this.region === this.account.homeRegion;
  }

  private arn(service: string, resource: string, region = this.region, account = this.account.id) {
    return `arn:${this.account.partition}:${service}:${region}:${account}:${resource}`;
  }

  /** What a service sends with a request that it makes for a resource. */
  private from(sourceArn: string): RequestContext {
    return { "aws:SourceArn": sourceArn, "aws:SourceAccount": sourceArn.split(":")[4] ?? "" };
  }

  /** ARNs that are none of a bus of this region which uses the key. */
  private wrongBusArns(used: readonly string[]): readonly string[] {
    const unused = this.account.buses
      .map((bus) => bus.name)
      .filter((candidate) => !used.includes(candidate))
      .slice(0, 2);
    const elsewhere = this.otherRegions()[0] ?? regionOutside(this.account);
    const right = used.map((name) => this.busArn(name));
    return [
      ...(used.length > 0 ? used : ["orders"]).flatMap((name) => [
        this.busArn(name, elsewhere),
        this.busArn(name, this.region, this.stranger),
        this.busArn(`${name}2`),
      ]),
      this.busArn("not-configured"),
      this.busArn(used[0] ?? "orders", regionOutside(this.account)),
      ...unused.map((candidate) => this.busArn(candidate)),
    ].filter((busArn) => !right.includes(busArn));
  }

  private throughEventBridge(busArn: string | undefined, via = `events.${this.region}`) {
    return {
      "kms:ViaService": `${via}.amazonaws.com`,
      "aws:ViaAWSService": "true",
      ...(busArn !== undefined && { [BUS_CONTEXT]: busArn }),
    };
  }

  /** Deploy and plan role: crypto only through EventBridge, for a bus that uses the key. */
  private pipelineThroughEventBridge(): void {
    const used = this.used();
    for (const [topic, roleArn, allowed] of [
      ...deployRolesOf(this.account).map(
        (roleArn) => ["deploy role through EventBridge", roleArn, MAKE_BUSES] as const,
      ),
      ["plan role through EventBridge", this.account.planRole, ["Decrypt"]] as const,
    ]) {
      const may: ReadonlySet<string> = new Set(allowed);
      const role = sessionOf(roleArn);
      for (const busArn of used.map((name) => this.busArn(name))) {
        for (const action of [...USE, "CreateGrant"]) {
          const context = this.throughEventBridge(busArn);
          this.table.expect(may.has(action), topic, role, kms(action), context);
        }
        for (const action of ["DisableKey", "EnableKey", "CancelKeyDeletion"]) {
          const context = withoutContext(this.throughEventBridge(busArn), action);
          this.table.refused(topic, role, kms(action), context);
        }
      }
      const right = this.busArn(used[0] ?? "orders");
      const wrong: readonly RequestContext[] = [
        {},
        { [BUS_CONTEXT]: right },
        this.throughEventBridge(undefined),
        this.throughEventBridge(right, `s3.${this.region}`),
        this.throughEventBridge(right, `sqs.${this.region}`),
        this.throughEventBridge(right, `events.${regionOutside(this.account)}`),
        ...this.wrongBusArns(used).map((busArn) => this.throughEventBridge(busArn)),
      ];
      for (const context of wrong) {
        for (const action of allowed.slice(0, 2)) {
          this.table.refused(`${topic}, wrongly`, role, kms(action), context);
        }
      }
    }
  }

  /** Nobody but the pipeline gains anything by going through EventBridge. */
  private othersThroughEventBridge(): void {
    const [name = "orders"] = this.used();
    const context = this.throughEventBridge(this.busArn(name));
    const { partition, id } = this.account;
    const { administrators, breakGlass, users } = this.key;
    const principals: readonly Principal[] = [
      rootUser(partition, id),
      sessionOf(this.ownRole("Unrelated")),
      sessionOf(this.roleIn(this.stranger, "Unrelated")),
      ...[...deployRolesOf(this.account), this.account.planRole].flatMap((roleArn) => [
        sessionOf(`${roleArn}2`),
        roleItself(roleArn.replace(":role/", ":role/another/path/")),
        sessionOf(this.roleIn(this.stranger, roleArn.slice(roleArn.lastIndexOf("/") + 1))),
      ]),
      ...[...new Set([...administrators, ...breakGlass])]
        .filter((roleArn) => !users.includes(roleArn))
        .map(sessionOf),
    ];
    const isUser = (who: Principal) => "arn" in who && users.includes(who.arn);
    for (const principal of principals.filter((who) => !isUser(who))) {
      for (const action of ["Decrypt", "Encrypt"]) {
        this.table.refused("others through EventBridge", principal, kms(action), context);
      }
    }
  }

  /** EventBridge itself. */
  private eventBridge(): void {
    const topic = "EventBridge";
    const eventBridge = service("events.amazonaws.com");
    const used = this.used();
    const source = (busArn: string): RequestContext => ({
      "aws:SourceAccount": this.account.id,
      "aws:SourceArn": busArn,
    });
    for (const name of used) {
      const may: ReadonlySet<string> = new Set([
        "Decrypt",
        "GenerateDataKey",
        "ReEncryptFrom",
        "ReEncryptTo",
      ]);
      const busArn = this.busArn(name);
      for (const action of USE) {
        // That archives send a source is not documented: the context alone must do.
        for (const sent of may.has(action) ? [{}, source(busArn)] : [source(busArn)]) {
          const context = { ...sent, [BUS_CONTEXT]: busArn };
          this.table.expect(may.has(action), topic, eventBridge, kms(action), context);
        }
      }
    }

    const describe = kms("DescribeKey");
    const known = used.length > 0;
    this.table.expect(known, topic, eventBridge, describe);
    this.table.expect(known, topic, eventBridge, describe, {
      "aws:SourceAccount": this.account.id,
    });
    this.table.refused(topic, eventBridge, describe, { "aws:SourceAccount": this.stranger });
    this.table.refused(topic, eventBridge, describe, {
      "aws:SourceAccount": this.stranger,
      "aws:SourceArn": this.busArn(used[0] ?? "orders", this.region, this.stranger),
    });

    const right = this.busArn(used[0] ?? "orders");
    for (const action of KEY_ACTIONS) {
      if (action !== "DescribeKey" && !(USE as readonly string[]).includes(action)) {
        for (const { action: full, context } of this.variants(action, {}, false)) {
          const asked = {
            ...context,
            "aws:SourceAccount": this.account.id,
            ...(CARRY_CONTEXT.has(action) && source(right)),
            [BUS_CONTEXT]: right,
          };
          this.table.refused(topic, eventBridge, full, withoutContext(asked, action));
        }
      }
    }
    // Without a source, only delivery to the encrypted queues of the alerts key is left.
    const unsourced: readonly RequestContext[] = [
      {},
      { "aws:SourceAccount": this.account.id },
      { "kms:EncryptionContext:aws:events:event-busv2:arn": right },
    ];
    for (const context of unsourced) {
      const delivers = this.deliversDeadLetters();
      this.table.expect(delivers, "EventBridge, unsourced", eventBridge, kms("Decrypt"), context);
      this.table.refused("EventBridge, unsourced", eventBridge, kms("ReEncryptFrom"), context);
    }
    const wrong = this.wrongBusArns(used).map((busArn) => ({
      [BUS_CONTEXT]: busArn,
      "aws:SourceAccount": busArn.split(":")[4] ?? "",
      // A source that no statement about dead letters takes.
      "aws:SourceArn": this.busArn("not-configured"),
    }));
    for (const [index, context] of wrong.entries()) {
      const action = ["Decrypt", "GenerateDataKey", "ReEncryptFrom"][index % 3] ?? "Decrypt";
      this.table.refused("EventBridge, wrongly", eventBridge, kms(action), context);
      this.table.refused("EventBridge, wrongly", eventBridge, kms("Decrypt"), context);
    }
  }

  /** EventBridge when it delivers to the dead-letter queues, which the alerts key encrypts. */
  private deadLetters(): void {
    const topic = "EventBridge delivers dead letters";
    const eventBridge = service("events.amazonaws.com");
    const delivers = this.deliversDeadLetters();
    const buses = delivers ? this.busNames((bus) => !bus.existing) : [];
    const rule = (name: string, region?: string, account?: string) =>
      this.arn("events", `rule/${name}`, region, account);
    const queue = (name: string, region?: string, account?: string) =>
      this.arn("sqs", `keyspan-${name}-dead-letter`, region, account);
    const ownQueue = (name: string, region?: string, account?: string) =>
      this.arn("sqs", `keyspan-dead-letter-${name}`, region, account);
    const outside = regionOutside(this.account);
    const ofHub = [rule("keyspan-hub/keyspan-announce"), ownQueue("announce")];
    // AWS's pages differ on what the source is: the bus or rule, or what is encrypted.
    const right = delivers
      ? [
          ...buses.flatMap((name) => [this.busArn(name), queue(name)]),
          rule("keyspan-forward-kms-calls"),
          ownQueue("forward"),
          ...(this.isAtHome() ? ofHub : []),
        ]
      : [];
    for (const [index, sourceArn] of right.entries()) {
      for (const action of index === 0 ? USE : ["Decrypt", "GenerateDataKey", "ReEncryptFrom"]) {
        this.table.expect(
          action === "Decrypt" || action === "GenerateDataKey",
          topic,
          eventBridge,
          kms(action),
          this.from(sourceArn),
        );
      }
      this.table.granted(topic, eventBridge, kms("GenerateDataKey"), {
        "aws:SourceArn": sourceArn,
      });
      this.table.refused(
        `not ${topic}`,
        service("sns.amazonaws.com"),
        kms("Decrypt"),
        this.from(sourceArn),
      );
    }
    if (delivers) {
      // Another page says that EventBridge sends no source at all.
      this.table.granted(topic, eventBridge, kms("GenerateDataKey"));
      this.table.refused(topic, eventBridge, kms("GenerateDataKey"), {
        "aws:SourceAccount": this.stranger,
      });
    }
    const wrong = [
      ...buses.flatMap((name) => [
        queue(name, outside),
        queue(name, this.region, this.stranger),
        ...(buses.includes(`${name}2`) ? [] : [queue(`${name}2`)]),
      ]),
      ...this.wrongBusArns(buses),
      ...(delivers ? [] : this.busNames(() => true).map((name) => this.busArn(name))),
      this.busArn("orders").replace(":event-bus/", ":rule/"),
      this.busArn(buses[0] ?? "orders").replace(":events:", ":sqs:"),
      ...(delivers && this.isAtHome() ? [] : ofHub),
      ...(delivers ? [] : [rule("keyspan-forward-kms-calls"), ownQueue("forward")]),
    ];
    const alike = [
      rule("keyspan-forward-kms-calls", outside),
      rule("keyspan-forward-kms-calls", this.region, this.stranger),
      rule("keyspan-forward"),
      rule("orders/keyspan-forward-kms-calls"),
      rule("keyspan-announce"),
      rule("keyspan-hub/keyspan-announce2"),
      rule("keyspan-hub/keyspan-canary-eu-west-1"),
      rule("keyspan-hub/keyspan-announce", outside),
      rule("keyspan-hub/keyspan-announce", this.region, this.stranger),
      ownQueue("forward", outside),
      ownQueue("forward", this.region, this.stranger),
      ownQueue("announce", outside),
      ownQueue("announce", this.region, this.stranger),
      `${ownQueue("forward")}2`,
    ];
    for (const [index, sourceArn] of [...wrong, ...(delivers ? alike : [])].entries()) {
      const action = delivers && index % 2 === 1 ? "GenerateDataKey" : "Decrypt";
      this.table.refused(`${topic}, wrongly`, eventBridge, kms(action), this.from(sourceArn));
    }
  }

  /** Whether a topic of the home region is encrypted with the key. */
  private encryptsTopic(): boolean {
    return this.isAtHome() && (this.key.name === "alerts" || this.key.name === "audit");
  }

  /** One of Keyspan's own roles: exactly these actions, and nobody who looks like it any of them. */
  private ownService(topic: string, name: string, rights: readonly string[]): void {
    const roleArn = this.ownRole(name);
    if (rights.length > 0) {
      this.nobodysRow(topic, sessionOf(roleArn), new Set(rights));
    }
    for (const action of rights.length > 0 ? [] : ["Decrypt", "GenerateDataKey", "Encrypt"]) {
      this.table.refused(topic, sessionOf(roleArn), kms(action), this.uses.good[0] ?? {});
    }
    for (const action of rights.length > 0 ? [] : ["UpdateKeyDescription", "DescribeKey"]) {
      const asked = withoutContext(this.uses.good[0] ?? {}, action);
      this.table.refused(topic, sessionOf(roleArn), kms(action), asked);
    }
    for (const other of [
      sessionOf(`${roleArn}2`),
      sessionOf(roleArn.slice(0, -1)),
      sessionOf(this.roleIn(this.stranger, name)),
      roleItself(this.ownRole(`another/path/${name}`)),
      iamUser(roleArn.replace(":role/", ":user/")),
    ]) {
      for (const action of rights.slice(0, 2)) {
        this.table.refused(`not ${topic}`, other, kms(action));
      }
    }
  }

  /** The role by which messages are published, on the two keys of the topics. */
  private announce(): void {
    this.ownService("announce", "keyspan-announce", this.encryptsTopic() ? PUBLISH : []);
  }

  /** The role that writes the description of the alerts key, wherever it is. */
  private canary(): void {
    const rights = this.key.name === "alerts" ? ["UpdateKeyDescription"] : [];
    this.ownService("canary", "keyspan-canary", rights);
    for (const name of ["keyspan-sweep", "keyspan-trail-check", "keyspan-forward-hub"]) {
      const role = sessionOf(this.ownRole(name));
      for (const action of ["Decrypt", "UpdateKeyDescription"]) {
        const asked = withoutContext(this.uses.good[0] ?? {}, action);
        this.table.refused("Keyspan's other roles", role, kms(action), asked);
      }
    }
  }

  /** CloudWatch, for Keyspan's own alarms of the home region. */
  private alarms(): void {
    const topic = "CloudWatch's alarms";
    const cloudWatch = service("cloudwatch.amazonaws.com");
    const publishes = this.encryptsTopic();
    const alarm = (name: string, region?: string, account?: string) =>
      this.arn("cloudwatch", `alarm:${name}`, region, account);
    const right = alarm("keyspan-announce-failed");
    for (const action of publishes ? USE : ["Decrypt", "GenerateDataKey"]) {
      const isGranted = publishes && (PUBLISH as readonly string[]).includes(action);
      this.table.expect(isGranted, topic, cloudWatch, kms(action), this.from(right));
    }
    if (!publishes) {
      return;
    }
    for (const name of ["keyspan-watch-heartbeat-eu-west-1", "keyspan-delivery-audit"]) {
      this.table.granted(topic, cloudWatch, kms("GenerateDataKey"), {
        ...this.from(alarm(name)),
        "kms:EncryptionContext:aws:sns:topicArn": this.arn("sns", `keyspan-${this.key.name}`),
      });
    }
    for (const action of ["DescribeKey", "UpdateKeyDescription", "PutKeyPolicy", "DisableKey"]) {
      this.table.refused(topic, cloudWatch, kms(action), this.from(right));
    }
    const sourceAccount = { "aws:SourceAccount": this.account.id };
    const wrong: readonly RequestContext[] = [
      {},
      sourceAccount,
      { "aws:SourceArn": right },
      { "aws:SourceArn": right, "aws:SourceAccount": this.stranger },
      { ...sourceAccount, "aws:SourceArn": alarm("keyspan-x", this.region, this.stranger) },
      this.from(alarm("keyspan-x", this.region, this.stranger)),
      this.from(alarm("keyspan-x", regionOutside(this.account))),
      this.from(alarm("keyspan")),
      this.from(alarm("orders")),
      this.from(alarm("orders-keyspan-x")),
      this.from(this.arn("cloudwatch", "insight-rule/keyspan-x")),
      this.from(this.arn("events", "rule/keyspan-announce")),
    ];
    for (const [index, context] of wrong.entries()) {
      const action = index % 2 === 1 ? "GenerateDataKey" : "Decrypt";
      this.table.refused(`${topic}, wrongly`, cloudWatch, kms(action), context);
    }
    for (const name of ["sns", "states", "lambda", `cloudwatch.${this.region}`]) {
      const other = service(`${name}.amazonaws.com`);
      this.table.refused(`not ${topic}`, other, kms("Decrypt"), this.from(right));
    }
  }

  /** CloudTrail, for the account's own trail, on the audit key. */
  private trail(): void {
    const topic = "CloudTrail";
    const cloudTrail = service("cloudtrail.amazonaws.com");
    const encrypts =
      this.isAtHome() && this.key.name === "audit" && this.account.trail.mode === "create";
    const trailArn = (name: string, region?: string, account?: string) =>
      this.arn("cloudtrail", `trail/${name}`, region, account);
    const right = trailArn("keyspan");
    const contextOf = (arn: string): RequestContext => ({
      "kms:EncryptionContext:aws:cloudtrail:arn": arn,
    });
    const full = { ...this.from(right), ...contextOf(right) };
    for (const action of encrypts ? [...USE, "DescribeKey"] : ["GenerateDataKey", "DescribeKey"]) {
      const isGranted =
        encrypts && (action === "DescribeKey" || (PUBLISH as readonly string[]).includes(action));
      this.table.expect(isGranted, topic, cloudTrail, kms(action), withoutContext(full, action));
    }
    if (!encrypts) {
      return;
    }
    this.table.granted(topic, cloudTrail, kms("Decrypt"), this.from(right));
    this.table.granted(topic, cloudTrail, kms("Decrypt"), { "aws:SourceArn": right });
    for (const action of ["PutKeyPolicy", "DisableKey", "UpdateKeyDescription"]) {
      this.table.refused(topic, cloudTrail, kms(action), this.from(right));
    }
    this.table.refused(topic, cloudTrail, kms("CreateGrant"), {
      ...full,
      [FOR_SERVICE]: "true",
    });
    for (const sent of [
      {},
      { "aws:SourceAccount": this.account.id },
      this.from(trailArn("keyspan2")),
      this.from(trailArn("keyspa")),
      this.from(trailArn("keyspan", regionOutside(this.account))),
      this.from(trailArn("keyspan", this.region, this.stranger)),
    ]) {
      for (const action of ["GenerateDataKey", "Decrypt", "DescribeKey"]) {
        const asked = withoutContext({ ...sent, ...contextOf(right) }, action);
        this.table.refused(`${topic}, wrongly`, cloudTrail, kms(action), asked);
      }
    }
    for (const context of [{}, contextOf(trailArn("keyspan", this.region, this.stranger))]) {
      const asked = { ...this.from(right), ...context };
      this.table.refused(`${topic}, wrongly`, cloudTrail, kms("GenerateDataKey"), asked);
    }
    for (const name of ["config", "s3", "sns", "delivery.logs", `cloudtrail.${this.region}`]) {
      for (const action of ["GenerateDataKey", "Decrypt"]) {
        this.table.refused(`not ${topic}`, service(`${name}.amazonaws.com`), kms(action), full);
      }
    }
  }

  /** CloudWatch Logs, for the trail's log group, and those who work with it through CloudWatch Logs. */
  private trailLogGroup(): void {
    const topic = "CloudWatch Logs";
    const { trail } = this.account;
    const logs = service(`logs.${this.region}.amazonaws.com`);
    const isEncrypted =
      this.isAtHome() &&
      this.key.name === "audit" &&
      trail.mode === "create" &&
      trail.logGroupRetentionDays !== undefined;
    const group = (name: string, region?: string, account?: string) =>
      this.arn("logs", `log-group:${name}`, region, account);
    const of = (arn: string): RequestContext => ({ "kms:EncryptionContext:aws:logs:arn": arn });
    const right = of(group("/aws/cloudtrail/keyspan"));
    for (const action of isEncrypted ? USE : ["Encrypt", "Decrypt"]) {
      this.table.expect(isEncrypted, topic, logs, kms(action), right);
    }
    const through = (name: string, region = this.region): RequestContext => ({
      "kms:ViaService": `${name}.${region}.amazonaws.com`,
      "aws:ViaAWSService": "true",
    });
    const writer = this.ownRole("keyspan-trail-logs");
    const callers = [...deployRolesOf(this.account), writer];
    for (const roleArn of callers) {
      for (const action of isEncrypted ? [...USE, "DescribeKey"] : ["Decrypt"]) {
        const isGranted = isEncrypted || this.rightsOf(roleArn).has(action);
        this.table.expect(isGranted, topic, sessionOf(roleArn), kms(action), through("logs"));
      }
    }
    if (!isEncrypted) {
      return;
    }
    for (const action of ["DescribeKey", "PutKeyPolicy", "DisableKey"]) {
      this.table.refused(topic, logs, kms(action));
    }
    this.table.refused(topic, logs, kms("CreateGrant"), { ...right, [FOR_SERVICE]: "true" });
    for (const context of [
      {},
      of(group("/aws/cloudtrail/keyspan2")),
      of(group("/aws/cloudtrail/keyspa")),
      of(group("/aws/cloudtrail/keyspan", regionOutside(this.account))),
      of(group("/aws/cloudtrail/keyspan", this.region, this.stranger)),
      { "kms:EncryptionContext:aws:cloudtrail:arn": group("/aws/cloudtrail/keyspan") },
    ]) {
      for (const action of ["Encrypt", "Decrypt"]) {
        this.table.refused(`${topic}, wrongly`, logs, kms(action), context);
      }
    }
    for (const name of ["logs", `logs.${regionOutside(this.account)}`, "delivery.logs", "sns"]) {
      this.table.refused(`not ${topic}`, service(`${name}.amazonaws.com`), kms("Encrypt"), right);
    }
    const wrong = [{}, through("s3"), through("logs", regionOutside(this.account))];
    for (const roleArn of callers) {
      for (const context of wrong) {
        this.table.refused(`${topic}, wrongly`, sessionOf(roleArn), kms("Decrypt"), context);
      }
    }
    for (const context of wrong) {
      this.table.refused(`${topic}, wrongly`, sessionOf(writer), kms("DescribeKey"), context);
    }
    for (const action of ["PutKeyPolicy", "DisableKey", "UpdateKeyDescription"]) {
      this.table.refused(topic, sessionOf(writer), kms(action), through("logs"));
    }
    for (const principal of [
      rootUser(this.account.partition, this.account.id),
      sessionOf(this.account.planRole),
      sessionOf(this.ownRole("Unrelated")),
      ...callers.flatMap((roleArn) => [
        sessionOf(`${roleArn}2`),
        sessionOf(roleArn.replace(this.account.id, this.stranger)),
        roleItself(roleArn.replace(":role/", ":role/another/path/")),
        iamUser(roleArn.replace(":role/", ":user/")),
      ]),
    ]) {
      this.table.refused(`not ${topic}`, principal, kms("Decrypt"), through("logs"));
    }
  }

  /** No service has a part in a key that works for a bus, but EventBridge. */
  private otherServices(): void {
    const [created = "orders"] = this.busNames((bus) => !bus.existing);
    const positions = [...new Set([this.used()[0] ?? created, created])].map((name) =>
      this.positionAt(name),
    );
    for (const name of [
      "sns.amazonaws.com",
      "sqs.amazonaws.com",
      "logs.amazonaws.com",
      `logs.${this.region}.amazonaws.com`,
      "cloudtrail.amazonaws.com",
      "cloudwatch.amazonaws.com",
      "delivery.logs.amazonaws.com",
      "s3.amazonaws.com",
      "scheduler.amazonaws.com",
      "states.amazonaws.com",
      `events.${this.region}.amazonaws.com`,
    ]) {
      for (const position of positions) {
        for (const action of ["GenerateDataKey", "DescribeKey"]) {
          const context = withoutContext(position, action);
          this.table.refused("other services", service(name), kms(action), context);
        }
      }
    }
  }

  /** KMS's own role carries rotated material to the replica keys, and does nothing else. */
  private synchronization(): void {
    const topic = "KMS's role for multi-Region keys";
    const name = "AWSServiceRoleForKeyManagementServiceMultiRegionKeys";
    const path = "aws-service-role/mrk.kms.amazonaws.com";
    const role = sessionOf(this.ownRole(`${path}/${name}`));
    const synchronize = kms("SynchronizeMultiRegionKey");
    this.table.expect(this.key.multiRegion, topic, role, synchronize);
    for (const action of ["Decrypt", "PutKeyPolicy", "ReplicateKey", "DisableKey", "CreateGrant"]) {
      for (const variant of this.variants(action, this.uses.good[0] ?? {}, false)) {
        this.table.refused(topic, role, variant.action, variant.context);
      }
    }
    for (const other of [
      sessionOf(this.ownRole(`${path}/${name}2`)),
      roleItself(this.ownRole(name)),
      sessionOf(this.roleIn(this.stranger, `${path}/${name}`)),
      iamUser(`arn:${this.account.partition}:iam::${this.account.id}:user/${path}/${name}`),
      service("mrk.kms.amazonaws.com"),
    ]) {
      this.table.refused(`not ${topic}`, other, synchronize);
    }
  }

  /** All that EventBridge could send for a bus of this region. */
  private positionAt(busName: string): RequestContext {
    const busArn = this.busArn(busName);
    return {
      "aws:SourceAccount": this.account.id,
      "aws:SourceArn": busArn,
      [BUS_CONTEXT]: busArn,
    };
  }
}

/** One action of each kind of right. */
const TELLING = [
  "PutKeyPolicy",
  "Decrypt",
  "TagResource",
  "ScheduleKeyDeletion",
  "DisableKey",
  "ReplicateKey",
  "DescribeKey",
] as const;

const WINDOW = "kms:ScheduleKeyDeletionPendingWindowInDays";
const BYPASS = "kms:BypassPolicyLockoutSafetyCheck";
const FOR_SERVICE = "kms:GrantIsForAWSResource";
const REPLICA_REGION = "kms:ReplicaRegion";
const PRIMARY_REGION = "kms:PrimaryRegion";

const USER_ACTIONS: ReadonlySet<string> = new Set([...USE, "DescribeKey"]);

/** Windows in days, and whether each is long enough. */
function windowsAround(minimum: number): readonly (readonly [number, boolean])[] {
  return [...new Set([7, minimum - 1, minimum, 30])].map((days) => [days, days >= minimum]);
}

/** All of a list, or its first item only. */
function some<T>(all: readonly T[], thorough: boolean): readonly T[] {
  return thorough ? all : all.slice(0, 1);
}

/** Regions that must hold neither a replica nor the primary key. */
function foreignRegions({ account, key }: KeyPlace): readonly string[] {
  const others = account.regions
    .map(({ name }) => name)
    .filter((name) => !key.regions.includes(name));
  return [regionOutside(account), ...others];
}

/** The context without what the action does not carry. */
function withoutContext(context: RequestContext, action: string): RequestContext {
  return CARRY_CONTEXT.has(action)
    ? context
    : Object.fromEntries(
        Object.entries(context).filter(([key]) => !key.startsWith("kms:EncryptionContext:")),
      );
}

function sameContext(one: RequestContext, other: RequestContext): boolean {
  const show = (context: RequestContext) =>
    JSON.stringify(Object.entries(withoutContext(context, "DescribeKey")).sort());
  return show(one) === show(other);
}

/** Contexts of use that fulfil all conditions, and such that break exactly one. */
interface KeyUses {
  readonly good: readonly RequestContext[];
  readonly bad: readonly RequestContext[];
}

function keyUses(conditions: KeyUseConditions, region: string): KeyUses {
  const { sourceIps = [], sourceVpces = [], organizationId, viaServices = [] } = conditions;
  const { encryptionContext = {}, notBefore, notAfter } = conditions;
  const day = 24 * 60 * 60 * 1000;
  const moment = (text: string, milliseconds: number) =>
    new Date(Date.parse(text) + milliseconds).toISOString().replace(".000Z", "Z");

  /** For each condition: contexts that fulfil it, and contexts that break it. */
  const parts: KeyUses[] = [];
  if (sourceIps.length + sourceVpces.length > 0) {
    parts.push({
      good: [
        ...sourceIps.map((range) => ({ "aws:SourceIp": range.split("/")[0] ?? "" })),
        ...sourceVpces.map((vpce) => ({ "aws:SourceVpce": vpce })),
      ],
      bad: [
        {},
        ...addressesOutside(sourceIps).map((address) => ({ "aws:SourceIp": address })),
        { "aws:SourceVpce": "vpce-0fedcba9876543210" },
      ],
    });
  }
  if (organizationId !== undefined) {
    parts.push({
      good: [{ "aws:PrincipalOrgID": organizationId }],
      bad: [{}, { "aws:PrincipalOrgID": "o-zzzzzzzzzz" }],
    });
  }
  if (viaServices.length > 0) {
    const via = (name: string): RequestContext => ({
      "kms:ViaService": name,
      "aws:ViaAWSService": "true",
    });
    parts.push({
      good: viaServices.map((name) => via(`${name}.${region}.amazonaws.com`)),
      bad: [
        {},
        via(`ec2.${region}.amazonaws.com`),
        ...viaServices.map((name) => via(`${name}.xx-none-1.amazonaws.com`)),
      ],
    });
  }
  const pairs = Object.entries(encryptionContext);
  if (pairs.length > 0) {
    const contextOf = (entries: readonly [string, string][]) =>
      Object.fromEntries(entries.map(([key, value]) => [`kms:EncryptionContext:${key}`, value]));
    const right = contextOf(pairs);
    parts.push({
      good: [right, { ...right, "kms:EncryptionContext:further": "value" }],
      bad: pairs.flatMap(([key, value]) => [
        contextOf(pairs.filter(([other]) => other !== key)),
        { ...right, [`kms:EncryptionContext:${key}`]: `${value}x` },
        {
          ...contextOf(pairs.filter(([other]) => other !== key)),
          "kms:EncryptionContext:x": value,
        },
      ]),
    });
  }
  if (notBefore !== undefined || notAfter !== undefined) {
    const times = (...all: readonly (string | false)[]) =>
      all.filter((time) => time !== false).map((time) => ({ "aws:CurrentTime": time }));
    parts.push({
      good: times(notBefore ?? false, notAfter !== undefined && moment(notAfter, -1000)),
      bad: times(
        notBefore !== undefined && moment(notBefore, -1000),
        notBefore !== undefined && moment(notBefore, -365 * day),
        notAfter ?? false,
        notAfter !== undefined && moment(notAfter, 365 * day),
      ),
    });
  }

  // Where users may come from addresses or through endpoints, all is tried with one of each.
  const bases = [
    parts,
    ...(sourceIps.length > 0 && sourceVpces.length > 0
      ? [
          parts.map((part, index) =>
            index === 0 ? { ...part, good: [{ "aws:SourceVpce": sourceVpces[0] ?? "" }] } : part,
          ),
        ]
      : []),
  ];
  const varied = (choose: (part: KeyUses) => readonly RequestContext[]) =>
    bases.flatMap((base) =>
      base.flatMap((part) =>
        choose(part).map((context) =>
          merged(base.map((other) => (other === part ? context : (other.good[0] ?? {})))),
        ),
      ),
    );
  return {
    good: distinct([
      ...bases.map((base) => merged(base.map(({ good }) => good[0] ?? {}))),
      ...varied(({ good }) => good.slice(1)),
    ]),
    bad: distinct([
      ...varied(({ bad }) => bad),
      // Nothing fulfilled at all.
      ...(parts.length > 1 ? [merged(parts.map(({ bad }) => bad[0] ?? {}))] : []),
    ]),
  };
}

function distinct(contexts: readonly RequestContext[]): readonly RequestContext[] {
  return [...new Map(contexts.map((context) => [JSON.stringify(context), context])).values()];
}

function merged(contexts: readonly RequestContext[]): RequestContext {
  return Object.assign({}, ...contexts) as RequestContext;
}

function addressesOutside(ranges: readonly string[]): readonly string[] {
  const inside = new BlockList();
  for (const range of ranges) {
    const [address = "", bits = ""] = range.split("/");
    inside.addSubnet(address, Number(bits), isIPv6(address) ? "ipv6" : "ipv4");
  }
  return ["198.51.100.7", "192.0.2.1", "8.8.8.8", "2001:4860::8888"].filter(
    (address) => !inside.check(address, isIPv6(address) ? "ipv6" : "ipv4"),
  );
}

/** What guards deny is not granted in the first place. */
function grantCells({ account, key, region }: KeyPlace): readonly Cell[] {
  const stranger = strangerTo(account);
  const roleIn = (owner: string, name: string) =>
    `arn:${account.partition}:iam::${owner}:role/${name}`;
  const cells: Cell[] = [];
  for (const principal of [
    rootUser(account.partition, account.id),
    sessionOf(roleIn(account.id, "Unrelated")),
    sessionOf(roleIn(stranger, "Unrelated")),
    ...[
      ...new Set([
        ...deployRolesOf(account),
        account.planRole,
        ...key.administrators,
        ...key.breakGlass,
      ]),
    ].flatMap((roleArn) => [sessionOf(roleArn), sessionOf(`${roleArn}2`)]),
  ]) {
    const arn = "arn" in principal ? principal.arn : "";
    const isBreakGlass = key.breakGlass.includes(arn);
    const isDeployRole = deployRolesOf(account).includes(arn);
    const cell = (action: string, allowed: boolean, context: RequestContext = {}) =>
      cells.push({
        topic: "grants, without any guard",
        principal,
        action: kms(action),
        context,
        fullAdmin: true,
        allowed,
        alteration: "no-denials",
      });
    for (const [days, enough] of windowsAround(key.deletionWindowDays)) {
      const allowed = enough && (isBreakGlass || (isDeployRole && !account.protect));
      cell("ScheduleKeyDeletion", allowed, { [WINDOW]: String(days) });
    }
    cell("DisableKey", isBreakGlass);
    cell("CreateGrant", false, { [FOR_SERVICE]: "false" });
    const atHome = isDeployRole && region === account.homeRegion && key.multiRegion;
    for (const to of some(key.regions, isDeployRole)) {
      cell("ReplicateKey", atHome && to !== region, { [REPLICA_REGION]: to });
    }
    for (const to of some(foreignRegions({ account, key, region }), isDeployRole)) {
      cell("ReplicateKey", false, { [REPLICA_REGION]: to });
      cell("UpdatePrimaryRegion", false, { [PRIMARY_REGION]: to });
    }
  }
  return cells;
}

/** What nobody may do whatever else is allowed; and that nothing else is denied. */
function guardCells(place: KeyPlace): readonly Cell[] {
  const { account, key } = place;
  const stranger = strangerTo(account);
  const roleIn = (owner: string, name: string) =>
    `arn:${account.partition}:iam::${owner}:role/${name}`;
  const lookalikes = key.breakGlass
    .slice(0, 1)
    .flatMap((roleArn) => [
      sessionOf(roleIn(stranger, roleArn.slice(roleArn.lastIndexOf("/") + 1))),
      roleItself(roleArn.replace(":role/", ":role/another/path/")),
      sessionOf(`${roleArn}2`),
    ]);
  const principals: readonly Principal[] = [
    rootUser(account.partition, account.id),
    sessionOf(roleIn(account.id, "Unrelated")),
    sessionOf(roleIn(stranger, "Unrelated")),
    service("events.amazonaws.com"),
    ...[...new Set([...deployRolesOf(account), ...key.administrators, ...key.breakGlass])].map(
      sessionOf,
    ),
    ...lookalikes,
  ];
  const cells: Cell[] = [];
  for (const principal of principals) {
    const arn = "arn" in principal ? principal.arn : "";
    const isBreakGlass = key.breakGlass.includes(arn);
    const maySchedule = isBreakGlass || (deployRolesOf(account).includes(arn) && !account.protect);
    const cell = (action: string, allowed: boolean, context: RequestContext = {}) =>
      cells.push({
        topic: "guards, when all else is allowed",
        principal,
        action: kms(action),
        context,
        fullAdmin: principal.kind !== "service",
        allowed,
        alteration: "everything-allowed",
      });
    cell("ScheduleKeyDeletion", maySchedule);
    for (const [days, enough] of windowsAround(key.deletionWindowDays)) {
      cell("ScheduleKeyDeletion", maySchedule && enough, { [WINDOW]: String(days) });
    }
    cell("DisableKey", isBreakGlass);
    cell("PutKeyPolicy", false, { [BYPASS]: "true" });
    cell("CreateGrant", false);
    cell("CreateGrant", false, { [FOR_SERVICE]: "false" });
    for (const name of some(foreignRegions(place), deployRolesOf(account).includes(arn))) {
      cell("ReplicateKey", false, { [REPLICA_REGION]: name });
      cell("UpdatePrimaryRegion", false, { [PRIMARY_REGION]: name });
    }
  }
  const anybody = sessionOf(roleIn(account.id, "Unrelated"));
  const stillAllowed = (action: string, context: RequestContext = {}) =>
    cells.push({
      topic: "guards deny nothing else",
      principal: anybody,
      action: kms(action),
      context,
      fullAdmin: true,
      allowed: true,
      alteration: "everything-allowed",
    });
  stillAllowed("PutKeyPolicy", { [BYPASS]: "false" });
  stillAllowed("CreateGrant", { [FOR_SERVICE]: "true" });
  for (const name of key.multiRegion ? key.regions : []) {
    stillAllowed("ReplicateKey", { [REPLICA_REGION]: name });
    stillAllowed("UpdatePrimaryRegion", { [PRIMARY_REGION]: name });
  }
  const guarded = new Set([
    "ScheduleKeyDeletion",
    "DisableKey",
    "CreateGrant",
    "ReplicateKey",
    "UpdatePrimaryRegion",
  ]);
  for (const action of KEY_ACTIONS.filter((name) => !guarded.has(name))) {
    stillAllowed(action);
  }
  return cells;
}
