/** What several values of a configuration must be together. One function per part of the file. */
import { eventPatternProblems } from "../modules/events/event-pattern";
import {
  ALIAS_NAME,
  ARCHIVE_NAME,
  archiveStackId,
  deadLetterQueueName,
  EVENT_BUS_NAME,
  HUB_BUS,
  KEYSPAN_PREFIX,
  keyAlias,
  type NameLimit,
  nameProblem,
  QUEUE_NAME,
  STATE_OBJECT_KEY,
  stateObjectKey,
} from "../modules/names";
import { parseArn, partitionOf } from "../modules/partition";
import {
  type AccountDraft,
  accountPartition,
  activeRegions,
  entries,
  type Finding,
  isLeftOut,
  items,
  own,
  regionNames,
  whole,
} from "./account-draft";
import { matchesResidency } from "./account-schema";
import { notificationFindings, trailFindings } from "./notification-rules";
import { MAX_TAGS, OWN_TAGS, type RuleId } from "./rules";
import type { ValuePath } from "./yaml-source";

type KeyDraft = NonNullable<NonNullable<AccountDraft["keys"]>[string]>;
type ArchiveDraft = NonNullable<NonNullable<AccountDraft["archives"]>[string]>;
type BusDraft = NonNullable<NonNullable<AccountDraft["buses"]>[string]>;

/** Keys that every account has, and that later parts of Keyspan rely on. */
export const KEYSPAN_KEYS = ["archive", "alerts", "audit"] as const;

const NEEDED = "remove it: every account needs this key";
const EVERYWHERE = "remove it: this key has a replica key in every region of the account";
const AT_HOME = "remove it: this key is in the home region only";
const MADE = "remove it: Keyspan makes this key itself";

/** Fields that a key made by Keyspan for itself cannot have, and what to do about each. */
const REFUSED_FIELDS: Readonly<
  Record<string, Readonly<Partial<Record<keyof KeyDraft, string>>> | undefined>
> = {
  archive: { multiRegion: EVERYWHERE, regions: EVERYWHERE, state: NEEDED },
  alerts: { multiRegion: EVERYWHERE, regions: EVERYWHERE, state: NEEDED, existing: MADE },
  audit: { multiRegion: AT_HOME, regions: AT_HOME, state: NEEDED, existing: MADE },
};

/** Finds every rule about several values that does not hold. */
export function crossFieldFindings(draft: AccountDraft, workspace: string): readonly Finding[] {
  return [
    ...regionFindings(draft),
    ...pipelineRoleFindings(draft),
    ...stateFindings(draft, workspace),
    ...tagFindings(draft),
    ...entries(draft.keys).flatMap(([name, key]) => keyFindings(draft, name, key)),
    ...keyspanKeyFindings(draft),
    ...entries(draft.buses).flatMap(([name, bus]) => busFindings(draft, name, bus)),
    ...archiveFindings(draft),
    ...notificationFindings(draft),
    ...trailFindings(draft),
    ...repetitionFindings(draft, []),
  ];
}

function regionFindings(draft: AccountDraft): Finding[] {
  const findings: Finding[] = [];
  const { homeRegion } = draft;
  const names = regionNames(draft);
  if (homeRegion !== undefined && names !== undefined && !names.includes(homeRegion)) {
    findings.push({ rule: "home-region-listed", path: ["homeRegion"], got: homeRegion });
  }
  const patterns = whole(draft.residency);
  for (const [index, entry] of items(draft.regions)) {
    const path: ValuePath = ["regions", index];
    const { name, state = "active" } = entry;
    if (name === homeRegion && state !== "active") {
      findings.push({ rule: "home-region-active", path: [...path, "state"], got: state });
    }
    if (name !== undefined) {
      findings.push(...partitionFindings(draft, [...path, "name"], name));
    }
    if (
      name !== undefined &&
      patterns?.some((pattern) => matchesResidency(name, pattern)) === false
    ) {
      findings.push({ rule: "residency", path: [...path, "name"], got: name });
    }
    for (const [keyName, keyId] of entries(entry.adopt)) {
      findings.push(...adoptFindings(draft, [...path, "adopt", keyName], name, keyName, keyId));
    }
  }
  return [...findings, ...partitionFindings(draft, ["state", "region"], draft.state?.region)];
}

function partitionFindings(
  draft: AccountDraft,
  path: ValuePath,
  region: string | undefined,
): Finding[] {
  const partition = accountPartition(draft);
  return region !== undefined && partition !== undefined && partitionOf(region) !== partition
    ? [{ rule: "one-partition", path, got: region }]
    : [];
}

function adoptFindings(
  draft: AccountDraft,
  path: ValuePath,
  region: string | undefined,
  keyName: string,
  keyId: string,
): Finding[] {
  if (draft.keys === undefined || isLeftOut(draft.keys, keyName)) {
    return [];
  }
  const key = own(draft.keys, keyName);
  const keyRegions = key?.regions === undefined ? undefined : whole(key.regions);
  const hasReplica =
    key !== undefined &&
    isMultiRegion(keyName, key) &&
    !Object.hasOwn(key, "existing") &&
    region !== draft.homeRegion &&
    (region === undefined || keyRegions === undefined || keyRegions.includes(region));
  return hasReplica
    ? keyKindFindings(path, keyId, true)
    : [{ rule: "adopted-key", path, got: keyName, atKey: true }];
}

/** Whether the id of a key that is taken over is of the kind that Keyspan would make. */
function keyKindFindings(path: ValuePath, keyId: string, multiRegion: boolean): Finding[] {
  return keyId.startsWith("mrk-") === multiRegion
    ? []
    : [{ rule: "adopted-key-kind", path, got: keyId }];
}

function isMultiRegion(name: string, key: KeyDraft): boolean {
  return name !== "audit" && key.multiRegion !== false;
}

function pipelineRoleFindings(draft: AccountDraft): Finding[] {
  const { deployRole, nextDeployRole, planRole } = draft.account ?? {};
  return [
    ...roleFindings(draft, ["account", "deployRole"], deployRole),
    ...roleFindings(draft, ["account", "nextDeployRole"], nextDeployRole),
    ...roleFindings(draft, ["account", "planRole"], planRole),
    ...(planRole !== undefined && [deployRole, nextDeployRole].includes(planRole)
      ? [{ rule: "two-pipeline-roles", path: ["account", "planRole"], got: planRole } as const]
      : []),
  ];
}

/** What must hold of every role that belongs to the account itself. */
function roleFindings(
  draft: AccountDraft,
  path: ValuePath,
  roleArn: string | undefined,
): Finding[] {
  const account = roleArn === undefined ? undefined : parseArn(roleArn)?.account;
  return [
    ...rolePartitionFindings(draft, path, roleArn),
    ...(account !== undefined && draft.account?.id !== undefined && account !== draft.account.id
      ? [{ rule: "own-account", path, got: roleArn } as const]
      : []),
  ];
}

/** What must hold of every role, also of one that belongs to another account. */
function rolePartitionFindings(
  draft: AccountDraft,
  path: ValuePath,
  roleArn: string | undefined,
): Finding[] {
  const parts = roleArn === undefined ? undefined : parseArn(roleArn);
  const partition = accountPartition(draft);
  return parts !== undefined && partition !== undefined && parts.partition !== partition
    ? [{ rule: "own-partition", path, got: roleArn }]
    : [];
}

function stateFindings(draft: AccountDraft, workspace: string): Finding[] {
  const findings: Finding[] = [];
  const { state } = draft;
  for (const field of ["writeRole", "readRole"] as const) {
    const roleArn = state?.[field];
    const owner = state?.account;
    findings.push(...rolePartitionFindings(draft, ["state", field], roleArn));
    if (roleArn !== undefined && owner !== undefined && parseArn(roleArn)?.account !== owner) {
      findings.push({ rule: "state-account", path: ["state", field], got: roleArn });
    }
  }
  for (const field of ["writers", "readers"] as const) {
    for (const [index, roleArn] of items(state?.[field])) {
      findings.push(...rolePartitionFindings(draft, ["state", field, index], roleArn));
    }
  }
  if (state?.keyPrefix !== undefined) {
    const longest = stateObjectKey(archiveStackId("x".repeat(20)));
    findings.push(
      ...physicalNameFindings(
        ["state", "keyPrefix"],
        `${state.keyPrefix}/${workspace}/${longest}`,
        STATE_OBJECT_KEY,
      ),
    );
  }
  return findings;
}

function physicalNameFindings(
  path: ValuePath,
  name: string,
  limit: NameLimit,
  fix?: string,
): Finding[] {
  const problem = nameProblem(name, limit);
  return problem === undefined
    ? []
    : [
        {
          rule: "physical-name",
          path,
          got: name,
          atKey: true,
          must: problem.replace(/^must /, ""),
          ...(fix !== undefined && { fix }),
        },
      ];
}

function tagFindings(draft: AccountDraft): Finding[] {
  const count = Object.keys(draft.tags ?? {}).length;
  return count > MAX_TAGS - OWN_TAGS.length
    ? [{ rule: "tag-count", path: ["tags"], got: count, atKey: true }]
    : [];
}

const ROLE_FIELDS = ["administrators", "users", "breakGlass"] as const;

function keyFindings(draft: AccountDraft, name: string, key: KeyDraft): Finding[] {
  const path: ValuePath = ["keys", name];
  if (Object.hasOwn(key, "existing")) {
    return existingKeyFindings(draft, path, name, key);
  }
  const findings: Finding[] = [...physicalNameFindings(path, keyAlias(name), ALIAS_NAME)];
  for (const field of [...ROLE_FIELDS, "externalUsers"] as const) {
    for (const [index, roleArn] of items(key[field])) {
      const at: ValuePath = [...path, field, index];
      const { deployRole, nextDeployRole, planRole } = draft.account ?? {};
      if ([deployRole, nextDeployRole, planRole].includes(roleArn)) {
        findings.push({ rule: "pipeline-role", path: at, got: roleArn });
      } else if (field !== "externalUsers") {
        findings.push(...roleFindings(draft, at, roleArn));
      } else if (parseArn(roleArn)?.account === draft.account?.id) {
        findings.push({ rule: "external-account", path: at, got: roleArn });
      } else {
        findings.push(...rolePartitionFindings(draft, at, roleArn));
      }
    }
  }
  for (const [index, roleArn] of items(key.users)) {
    const at: ValuePath = [...path, "users", index];
    if (key.administrators?.includes(roleArn)) {
      findings.push({ rule: "administrator-or-user", path: at, got: roleArn });
    }
    if (key.breakGlass?.includes(roleArn)) {
      findings.push({ rule: "break-glass-or-user", path: at, got: roleArn });
    }
  }
  // What has the wrong form was meant to name an owner: it has its own message.
  const owners = [...(key.administrators ?? []), ...(key.breakGlass ?? [])];
  if (owners.length === 0 && !isLeftOut(key, "administrators") && !isLeftOut(key, "breakGlass")) {
    findings.push({ rule: "key-has-owner", path, got: undefined, atKey: true });
  }
  if (key.adopt !== undefined && !isLeftOut(key, "multiRegion")) {
    findings.push(...keyKindFindings([...path, "adopt"], key.adopt, isMultiRegion(name, key)));
  }
  return [
    ...findings,
    ...keyRegionFindings(draft, path, name, key),
    ...conditionFindings([...path, "conditions"], key.conditions),
  ];
}

function keyRegionFindings(
  draft: AccountDraft,
  path: ValuePath,
  name: string,
  key: KeyDraft,
): Finding[] {
  if (key.regions === undefined || own(REFUSED_FIELDS, name) !== undefined) {
    return [];
  }
  if (!isMultiRegion(name, key)) {
    return [{ rule: "single-region-key", path: [...path, "regions"], got: key.regions }];
  }
  const findings = unlistedRegions(draft, [...path, "regions"], key.regions, "key-region");
  const { homeRegion } = draft;
  if (homeRegion !== undefined && whole(key.regions)?.includes(homeRegion) === false) {
    findings.push({ rule: "key-home-region", path: [...path, "regions"], got: key.regions });
  }
  return findings;
}

function unlistedRegions(
  draft: AccountDraft,
  path: ValuePath,
  regions: readonly (string | undefined)[] | undefined,
  rule: RuleId,
): Finding[] {
  const names = regionNames(draft);
  return items(regions).flatMap(([index, region]) =>
    names?.includes(region) === false ? [{ rule, path: [...path, index], got: region }] : [],
  );
}

function conditionFindings(path: ValuePath, conditions: KeyDraft["conditions"]): Finding[] {
  const findings: Finding[] = [];
  const { notBefore, notAfter, viaServices } = conditions ?? {};
  // Both are UTC in the same form, so that the order of the texts is the order of the moments.
  if (notBefore !== undefined && notAfter !== undefined && notAfter <= notBefore) {
    findings.push({ rule: "use-period", path: [...path, "notAfter"], got: notAfter });
  }
  // IAM takes condition keys for the same whatever their capitals: one of two would be lost.
  const contextKeys = Object.keys(conditions?.encryptionContext ?? {});
  for (const [index, key] of contextKeys.entries()) {
    const isRepeated = contextKeys
      .slice(0, index)
      .some((other) => other.toLowerCase() === key.toLowerCase());
    if (isRepeated) {
      const at = [...path, "encryptionContext", key];
      findings.push({ rule: "encryption-context", path: at, got: key, atKey: true });
    }
  }
  for (const field of ["sourceIps", "sourceVpces"] as const) {
    if (viaServices !== undefined && conditions?.[field] !== undefined) {
      findings.push({
        rule: "network-or-service",
        path: [...path, field],
        got: conditions[field],
      });
    }
  }
  return findings;
}

function existingKeyFindings(
  draft: AccountDraft,
  path: ValuePath,
  name: string,
  key: KeyDraft,
): Finding[] {
  const refused = own(REFUSED_FIELDS, name);
  if (key.existing === undefined || refused?.existing !== undefined) {
    return [];
  }
  const findings: Finding[] = [];
  for (const [field, value] of entries<unknown>(key)) {
    if (field !== "existing" && refused?.[field as keyof KeyDraft] === undefined) {
      findings.push({ rule: "existing-key-alone", path: [...path, field], got: value });
    }
  }
  const partition = accountPartition(draft);
  for (const [region, keyArn] of entries(key.existing)) {
    const parts = parseArn(keyArn);
    if (
      parts !== undefined &&
      (parts.region !== region ||
        (draft.account?.id !== undefined && parts.account !== draft.account.id) ||
        (partition !== undefined && parts.partition !== partition))
    ) {
      findings.push({
        rule: "existing-key-place",
        path: [...path, "existing", region],
        got: keyArn,
      });
    }
  }
  // A key of one's own is needed where a bus uses it, which the bus checks.
  const given = Object.keys(key.existing);
  if (given.length === 0) {
    return [...findings, { rule: "list-length", path: [...path, "existing"], got: key.existing }];
  }
  const without =
    name === "archive" ? activeRegions(draft).filter((region) => !given.includes(region)) : [];
  if (without.length > 0 && whole(Object.values(key.existing)) !== undefined) {
    findings.push({
      rule: "existing-key-regions",
      path: [...path, "existing"],
      got: given,
      atKey: true,
      fix: `add the ARN of the key in ${without.join(", ")}`,
    });
  }
  return findings;
}

function keyspanKeyFindings(draft: AccountDraft): Finding[] {
  if (draft.keys === undefined) {
    return [];
  }
  const findings: Finding[] = [];
  for (const name of KEYSPAN_KEYS) {
    const key = draft.keys[name];
    if (!Object.hasOwn(draft.keys, name)) {
      findings.push({ rule: "missing-field", path: ["keys", name], got: undefined });
    }
    for (const [field, fix] of Object.entries(REFUSED_FIELDS[name] ?? {})) {
      const got = key?.[field as keyof KeyDraft];
      if (got !== undefined) {
        findings.push({ rule: "keyspan-key", path: ["keys", name, field], got, fix });
      }
    }
  }
  return findings;
}

/** The regions of a bus: its own, or all of the account's; nothing if not all are known. */
function busRegions(draft: AccountDraft, bus: BusDraft): readonly string[] | undefined {
  return Object.hasOwn(bus, "regions") ? whole(bus.regions) : regionNames(draft);
}

function busFindings(draft: AccountDraft, name: string, bus: BusDraft): Finding[] {
  const path: ValuePath = ["buses", name];
  const findings = unlistedRegions(draft, [...path, "regions"], bus.regions, "bus-region");
  if (isLeftOut(bus, "existing")) {
    return findings;
  }
  const named = { path, got: name, atKey: true };
  if (bus.existing === true) {
    if (name === HUB_BUS) {
      findings.push({
        ...named,
        rule: "reserved-bus-name",
        must: `not be '${HUB_BUS}', which Keyspan makes itself`,
        fix: "remove it: Keyspan makes its hub bus with the notifications, and no archive of it",
      });
    }
    for (const field of ["key", "producers"] as const) {
      if (bus[field] !== undefined) {
        findings.push({ rule: "existing-bus-alone", path: [...path, field], got: bus[field] });
      }
    }
    return [...findings, ...physicalNameFindings(path, name, EVENT_BUS_NAME)];
  }
  if (name === "default" || name.startsWith("aws.") || name.startsWith(KEYSPAN_PREFIX)) {
    findings.push({ ...named, rule: "reserved-bus-name" });
  } else if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(name)) {
    findings.push({ ...named, rule: "bus-name" });
  } else {
    findings.push(
      ...physicalNameFindings(
        path,
        deadLetterQueueName(name),
        QUEUE_NAME,
        `shorten it to ${QUEUE_NAME.maxCharacters - deadLetterQueueName("").length} characters: its dead-letter queue is named after it`,
      ),
    );
  }
  for (const [index, producer] of items(bus.producers)) {
    findings.push(...rolePartitionFindings(draft, [...path, "producers", index], producer));
  }
  if (!Object.hasOwn(bus, "producers")) {
    findings.push({ rule: "bus-producers", path, got: undefined, atKey: true });
  }
  return [...findings, ...busKeyFindings(draft, path, bus)];
}

function busKeyFindings(draft: AccountDraft, path: ValuePath, bus: BusDraft): Finding[] {
  if (bus.key === undefined || draft.keys === undefined) {
    return [];
  }
  const keyPath = [...path, "key"];
  const key = own(draft.keys, bus.key);
  if (
    !Object.hasOwn(draft.keys, bus.key) ||
    bus.key === "alerts" ||
    bus.key === "audit" ||
    (key !== undefined && !isMultiRegion(bus.key, key))
  ) {
    return [{ rule: "bus-key", path: keyPath, got: bus.key }];
  }
  if (key?.state === "retired") {
    return [{ rule: "retired-key-used", path: keyPath, got: bus.key }];
  }
  const keyRegions = key?.existing === undefined ? whole(key?.regions) : Object.keys(key.existing);
  if (keyRegions === undefined || bus.key === "archive") {
    return [];
  }
  const active = activeRegions(draft);
  const without = (busRegions(draft, bus) ?? []).filter(
    (region) => active.includes(region) && !keyRegions.includes(region),
  );
  return without.length === 0
    ? []
    : [
        {
          rule: "bus-key-regions",
          path: keyPath,
          got: bus.key,
          fix: `add ${without.join(", ")} to keys.${bus.key}, or remove it from the bus`,
        },
      ];
}

function archiveFindings(draft: AccountDraft): Finding[] {
  const findings: Finding[] = [];
  const taken = new Map<string, string>();
  for (const [id, archive] of entries(draft.archives)) {
    const path: ValuePath = ["archives", id];
    const bus = archive.bus === undefined ? undefined : own(draft.buses, archive.bus);
    if (
      archive.bus !== undefined &&
      !isLeftOut(draft, "buses") &&
      !Object.hasOwn(draft.buses ?? {}, archive.bus)
    ) {
      findings.push({ rule: "archive-bus", path: [...path, "bus"], got: archive.bus });
    }
    const busHas = bus === undefined ? undefined : busRegions(draft, bus);
    for (const [index, region] of items(archive.regions)) {
      if (busHas?.includes(region) === false) {
        findings.push({
          rule: "archive-region",
          path: [...path, "regions", index],
          got: region,
          fix: `add it to ${bus?.regions === undefined ? "the account's regions" : `buses.${archive.bus}.regions`} first`,
        });
      }
    }
    if (!isLeftOut(archive, "name")) {
      findings.push(...archiveNameFindings(path, id, archive, busHas ?? [], taken));
    }
    if (archive.eventPattern !== undefined) {
      for (const problem of eventPatternProblems(archive.eventPattern)) {
        findings.push({
          rule: "event-pattern",
          path: [...path, "eventPattern", ...problem.path],
          got: problem.got,
          must: problem.must.replace(/^must /, ""),
          fix: problem.fix,
        });
      }
    }
  }
  return findings;
}

/** @param taken - id of the archive that has a name in a region, by both; the archive's own is added */
function archiveNameFindings(
  path: ValuePath,
  id: string,
  archive: ArchiveDraft,
  busHas: readonly string[],
  taken: Map<string, string>,
): Finding[] {
  const name = archive.name ?? id;
  const named =
    archive.name === undefined
      ? { path, got: name, atKey: true }
      : { path: [...path, "name"], got: name };
  if (name.length > ARCHIVE_NAME.maxCharacters) {
    return [{ ...named, rule: "archive-physical-name", fix: "shorten it" }];
  }
  const regions = Object.hasOwn(archive, "regions")
    ? items(archive.regions).map(([, region]) => region)
    : busHas;
  const places = regions.map((region) => `${region} ${name}`);
  const other = places.map((place) => taken.get(place)).find(Boolean);
  for (const place of places) {
    taken.set(place, id);
  }
  return other === undefined
    ? []
    : [
        {
          ...named,
          rule: "archive-name-unique",
          fix: `archives.${other} has that name there: give one of the two another name`,
        },
      ];
}

/** Finds names and numbers that a list holds twice, in every list of the configuration. */
function repetitionFindings(value: unknown, path: ValuePath): Finding[] {
  if (Array.isArray(value)) {
    const seen = new Set<unknown>();
    return value.flatMap((item: unknown, index) => {
      const name = typeof item === "object" && item !== null && "name" in item ? item.name : item;
      const isRepeated = ["string", "number"].includes(typeof name) && seen.has(name);
      seen.add(name);
      return isRepeated
        ? [{ rule: "listed-twice", path: [...path, index], got: name } as const]
        : [];
    });
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([field, inner]) =>
      field === "eventPattern" ? [] : repetitionFindings(inner, [...path, field]),
    );
  }
  return [];
}
