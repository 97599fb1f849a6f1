/** What several values of a configuration must be together. One function per part of the file. */
import { eventPatternProblems } from "../modules/events/event-pattern";
import {
  ALIAS_NAME,
  archiveStackId,
  deadLetterQueueName,
  EVENT_BUS_NAME,
  KEYSPAN_PREFIX,
  keyAlias,
  type NameLimit,
  nameProblem,
  QUEUE_NAME,
  STATE_OBJECT_KEY,
  stateObjectKey,
} from "../modules/names";
import { parseArn, partitionOf } from "../modules/partition";
import type { AccountInput } from "./account-schema";
import { MAX_TAGS, OWN_TAGS, type RuleId } from "./rules";
import type { ValuePath } from "./yaml-source";

/** A rule that does not hold, and where. */
export interface Finding {
  readonly rule: RuleId;
  readonly path: ValuePath;
  readonly got: unknown;
  /** Replaces the rule's own words where only the place knows them. */
  readonly must?: string;
  readonly fix?: string;
}

type Loose<T> = T extends readonly (infer Item)[]
  ? readonly (Loose<Item> | undefined)[]
  : T extends object
    ? { readonly [Field in keyof T]?: Loose<T[Field]> | undefined }
    : T;

/** A configuration in which whatever had the wrong form is left out, so that the rest can be checked. */
export type AccountDraft = Loose<AccountInput>;

type KeyDraft = NonNullable<NonNullable<AccountDraft["keys"]>[string]>;
type BusDraft = NonNullable<NonNullable<AccountDraft["buses"]>[string]>;

/** Keys that every account has, and that later parts of Keyspan rely on. */
export const KEYSPAN_KEYS = ["archive", "alerts", "audit"] as const;

/** Fields that a key made by Keyspan for itself cannot have. */
const REFUSED_FIELDS: Readonly<Record<string, readonly (keyof KeyDraft)[]>> = {
  archive: ["multiRegion", "regions", "state"],
  alerts: ["multiRegion", "regions", "state", "existing"],
  audit: ["multiRegion", "regions", "state", "existing"],
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
    ...repetitionFindings(draft, []),
  ];
}

function entries<T>(map: Readonly<Record<string, T | undefined>> | undefined): [string, T][] {
  return Object.entries(map ?? {}).filter((entry): entry is [string, T] => entry[1] !== undefined);
}

function items<T>(list: readonly (T | undefined)[] | undefined): [number, T][] {
  return [...(list ?? []).entries()].filter(
    (entry): entry is [number, T] => entry[1] !== undefined,
  );
}

/** What a map itself holds under a name: a key may be called `constructor`. */
function own<T>(map: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;
}

function regionNames(draft: AccountDraft): readonly string[] {
  return items(draft.regions).flatMap(([, { name }]) => name ?? []);
}

function activeRegions(draft: AccountDraft): readonly string[] {
  return items(draft.regions).flatMap(([, { name, state = "active" }]) =>
    state === "active" ? (name ?? []) : [],
  );
}

/** Whether a region matches one pattern: a name, or the beginning of names followed by `*`. */
function matchesPattern(region: string, pattern: string): boolean {
  return pattern.endsWith("*") ? region.startsWith(pattern.slice(0, -1)) : region === pattern;
}

function regionFindings(draft: AccountDraft): Finding[] {
  const findings: Finding[] = [];
  const { homeRegion, residency } = draft;
  const home = items(draft.regions).find(([, { name }]) => name === homeRegion)?.[1];
  if (homeRegion !== undefined && draft.regions?.every((entry) => entry?.name !== undefined)) {
    if (home === undefined) {
      findings.push({ rule: "home-region-listed", path: ["homeRegion"], got: homeRegion });
    } else if (home.state !== undefined && home.state !== "active") {
      findings.push({ rule: "home-region-active", path: ["homeRegion"], got: home.state });
    }
  }
  const partition = homeRegion === undefined ? undefined : partitionOf(homeRegion);
  const patterns = items(residency).map(([, pattern]) => pattern);
  const placed: [ValuePath, string][] = items(draft.regions).flatMap(([index, { name }]) =>
    name === undefined ? [] : [[["regions", index, "name"], name]],
  );
  for (const [path, name] of placed) {
    if (partition !== undefined && partitionOf(name) !== partition) {
      findings.push({ rule: "one-partition", path, got: name });
    }
    if (patterns.length > 0 && !patterns.some((pattern) => matchesPattern(name, pattern))) {
      findings.push({ rule: "residency", path, got: name });
    }
  }
  const stateRegion = draft.state?.region;
  if (
    partition !== undefined &&
    stateRegion !== undefined &&
    partitionOf(stateRegion) !== partition
  ) {
    findings.push({ rule: "one-partition", path: ["state", "region"], got: stateRegion });
  }
  for (const [index, entry] of items(draft.regions)) {
    for (const [keyName] of entries(entry.adopt)) {
      const key = own(draft.keys, keyName);
      const hasReplica =
        key !== undefined &&
        isMultiRegion(keyName, key) &&
        key.existing === undefined &&
        entry.name !== homeRegion &&
        (key.regions === undefined || entry.name === undefined || key.regions.includes(entry.name));
      if (draft.keys !== undefined && !hasReplica) {
        findings.push({
          rule: "adopted-key",
          path: ["regions", index, "adopt", keyName],
          got: keyName,
        });
      }
    }
  }
  return findings;
}

function isMultiRegion(name: string, key: KeyDraft): boolean {
  return name !== "audit" && key.multiRegion !== false;
}

function pipelineRoleFindings(draft: AccountDraft): Finding[] {
  const { deployRole, planRole } = draft.account ?? {};
  return [
    ...roleFindings(draft, ["account", "deployRole"], deployRole),
    ...roleFindings(draft, ["account", "planRole"], planRole),
    ...(deployRole !== undefined && deployRole === planRole
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
  const parts = roleArn === undefined ? undefined : parseArn(roleArn);
  if (parts === undefined) {
    return [];
  }
  const { homeRegion } = draft;
  const accountId = draft.account?.id;
  const partition = homeRegion === undefined ? undefined : partitionOf(homeRegion);
  const findings: Finding[] = [];
  if (partition !== undefined && parts.partition !== partition) {
    findings.push({ rule: "own-partition", path, got: roleArn });
  }
  if (accountId !== undefined && parts.account !== accountId) {
    findings.push({ rule: "own-account", path, got: roleArn });
  }
  return findings;
}

function stateFindings(draft: AccountDraft, workspace: string): Finding[] {
  const findings: Finding[] = [];
  const { state } = draft;
  for (const field of ["writeRole", "readRole"] as const) {
    const roleArn = state?.[field];
    const owner = state?.account;
    if (roleArn !== undefined && owner !== undefined && parseArn(roleArn)?.account !== owner) {
      findings.push({ rule: "state-account", path: ["state", field], got: roleArn });
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

function physicalNameFindings(path: ValuePath, name: string, limit: NameLimit): Finding[] {
  const problem = nameProblem(name, limit);
  return problem === undefined
    ? []
    : [{ rule: "physical-name", path, got: name, must: problem.replace(/^must /, "") }];
}

function tagFindings(draft: AccountDraft): Finding[] {
  const count = Object.keys(draft.tags ?? {}).length;
  return count > MAX_TAGS - OWN_TAGS.length
    ? [{ rule: "tag-count", path: ["tags"], got: count }]
    : [];
}

const ROLE_FIELDS = ["administrators", "users", "breakGlass"] as const;

function keyFindings(draft: AccountDraft, name: string, key: KeyDraft): Finding[] {
  const path: ValuePath = ["keys", name];
  if (key.existing !== undefined) {
    return existingKeyFindings(draft, name, key);
  }
  const findings: Finding[] = [...physicalNameFindings(path, keyAlias(name), ALIAS_NAME)];
  for (const field of ROLE_FIELDS) {
    for (const [index, roleArn] of items(key[field])) {
      findings.push(...roleFindings(draft, [...path, field, index], roleArn));
    }
  }
  for (const field of [...ROLE_FIELDS, "externalUsers"] as const) {
    for (const [index, roleArn] of items(key[field])) {
      if (roleArn === draft.account?.deployRole || roleArn === draft.account?.planRole) {
        findings.push({ rule: "pipeline-role", path: [...path, field, index], got: roleArn });
      }
    }
  }
  for (const [index, roleArn] of items(key.externalUsers)) {
    if (draft.account?.id !== undefined && parseArn(roleArn)?.account === draft.account.id) {
      findings.push({
        rule: "external-account",
        path: [...path, "externalUsers", index],
        got: roleArn,
      });
    }
  }
  for (const [index, roleArn] of items(key.users)) {
    if (key.administrators?.includes(roleArn)) {
      findings.push({
        rule: "administrator-or-user",
        path: [...path, "users", index],
        got: roleArn,
      });
    }
  }
  // An entry that had the wrong form was meant to be an owner: it has its own message.
  if ((key.administrators?.length ?? 0) + (key.breakGlass?.length ?? 0) === 0) {
    findings.push({ rule: "key-has-owner", path, got: undefined });
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
  const findings: Finding[] = [];
  for (const [index, region] of items(key.regions)) {
    if (draft.regions !== undefined && !regionNames(draft).includes(region)) {
      findings.push({ rule: "key-region", path: [...path, "regions", index], got: region });
    }
  }
  if (draft.homeRegion !== undefined && !key.regions.includes(draft.homeRegion)) {
    findings.push({ rule: "key-home-region", path: [...path, "regions"], got: key.regions });
  }
  return findings;
}

function conditionFindings(path: ValuePath, conditions: KeyDraft["conditions"]): Finding[] {
  const findings: Finding[] = [];
  const { notBefore, notAfter, viaServices } = conditions ?? {};
  // Both are UTC in the same form, so that the order of the texts is the order of the moments.
  if (notBefore !== undefined && notAfter !== undefined && notAfter <= notBefore) {
    findings.push({ rule: "use-period", path: [...path, "notAfter"], got: notAfter });
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

function existingKeyFindings(draft: AccountDraft, name: string, key: KeyDraft): Finding[] {
  const path: ValuePath = ["keys", name];
  const findings: Finding[] = [];
  for (const [field, value] of entries(key as Readonly<Record<string, unknown>>)) {
    if (field !== "existing" && !own(REFUSED_FIELDS, name)?.includes(field as keyof KeyDraft)) {
      findings.push({ rule: "existing-key-alone", path: [...path, field], got: value });
    }
  }
  const partition = draft.homeRegion === undefined ? undefined : partitionOf(draft.homeRegion);
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
  if (name === "archive") {
    for (const region of activeRegions(draft)) {
      if (key.existing?.[region] === undefined) {
        findings.push({
          rule: "existing-key-regions",
          path: [...path, "existing"],
          got: Object.keys(key.existing ?? {}),
          fix: `add the ARN of the replica key in ${region}`,
        });
      }
    }
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
    for (const field of REFUSED_FIELDS[name] ?? []) {
      if (key?.[field] !== undefined) {
        findings.push({ rule: "keyspan-key", path: ["keys", name, field], got: key[field] });
      }
    }
  }
  return findings;
}

/** The regions of a bus: its own, or all of the account's. */
function busRegions(draft: AccountDraft, bus: BusDraft): readonly string[] {
  return bus.regions === undefined
    ? regionNames(draft)
    : items(bus.regions).map(([, region]) => region);
}

function busFindings(draft: AccountDraft, name: string, bus: BusDraft): Finding[] {
  const path: ValuePath = ["buses", name];
  const findings: Finding[] = [];
  for (const [index, region] of items(bus.regions)) {
    if (draft.regions !== undefined && !regionNames(draft).includes(region)) {
      findings.push({ rule: "bus-region", path: [...path, "regions", index], got: region });
    }
  }
  if (bus.existing === true) {
    for (const field of ["key", "producers"] as const) {
      if (bus[field] !== undefined) {
        findings.push({ rule: "existing-bus-alone", path: [...path, field], got: bus[field] });
      }
    }
    return [...findings, ...physicalNameFindings(path, name, EVENT_BUS_NAME)];
  }
  if (name === "default" || name.startsWith("aws.") || name.startsWith(KEYSPAN_PREFIX)) {
    findings.push({ rule: "reserved-bus-name", path, got: name });
  } else if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(name)) {
    findings.push({ rule: "bus-name", path, got: name });
  } else {
    findings.push(...physicalNameFindings(path, deadLetterQueueName(name), QUEUE_NAME));
  }
  if (bus.producers === undefined) {
    findings.push({ rule: "bus-producers", path, got: undefined });
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
  const keyRegions = key?.existing === undefined ? key?.regions : Object.keys(key.existing);
  if (keyRegions === undefined || bus.key === "archive") {
    return [];
  }
  const active = activeRegions(draft);
  const without = busRegions(draft, bus).filter(
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
    if (archive.bus !== undefined && !Object.hasOwn(draft.buses ?? {}, archive.bus)) {
      findings.push({ rule: "archive-bus", path: [...path, "bus"], got: archive.bus });
    }
    if (bus !== undefined) {
      for (const [index, region] of items(archive.regions)) {
        if (!busRegions(draft, bus).includes(region)) {
          findings.push({
            rule: "archive-region",
            path: [...path, "regions", index],
            got: region,
          });
        }
      }
    }
    const name = archive.name ?? id;
    if (archive.name === undefined && id.length > 48) {
      findings.push({ rule: "archive-physical-name", path, got: id });
    }
    const regions =
      archive.regions === undefined
        ? bus === undefined
          ? []
          : busRegions(draft, bus)
        : items(archive.regions).map(([, region]) => region);
    const other = regions.map((region) => taken.get(`${region} ${name}`)).find(Boolean);
    if (other !== undefined) {
      findings.push({
        rule: "archive-name-unique",
        path: archive.name === undefined ? path : [...path, "name"],
        got: name,
        fix: `archives.${other} has that name there: give one of the two another name`,
      });
    }
    for (const region of regions) {
      taken.set(`${region} ${name}`, id);
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

/** Finds names that a list holds twice, in every list of names of the configuration. */
function repetitionFindings(value: unknown, path: ValuePath): Finding[] {
  if (Array.isArray(value)) {
    const names = value.map((item: unknown) =>
      typeof item === "object" && item !== null && "name" in item ? item.name : item,
    );
    return names.flatMap((name, index) =>
      typeof name === "string" && names.indexOf(name) < index
        ? [{ rule: "listed-twice", path: [...path, index], got: name } as const]
        : [],
    );
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([field, inner]) =>
      field === "eventPattern" ? [] : repetitionFindings(inner, [...path, field]),
    );
  }
  return [];
}
