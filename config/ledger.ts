/**
 * The ledger of an account: which addresses Terraform must keep, and how its regions and keys came
 * to where they are.
 *
 * `prevent_destroy` protects nothing once its block is gone from the code: a renamed key would be
 * destroyed and made anew. So every synth compares the addresses that it defines with those that
 * the ledger holds. A command adds to the ledger; an address leaves it only through an entry under
 * `retired` or `moved` that a person wrote.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { showValue, ValidationError } from "../modules/errors";
import { keyAddresses } from "../modules/kms/key-addresses";
import { EVENT_BUS_NAME } from "../modules/names";
import { showAddress } from "../modules/terraform/address";
import type { AccountConfig, RegionState } from "./account-config";
import { parseYaml, type ValuePath } from "./yaml-source";

/** A resource that Terraform must never destroy. */
export interface ProtectedResource {
  readonly stack: string;
  /** `<type>.<name>` within the stack. */
  readonly address: string;
  /** Name of the key that the resource belongs to, if any. */
  readonly key?: string;
  /** Region of the resource, if it has one. */
  readonly region?: string;
}

const form = (pattern: RegExp, what: string) =>
  z.string().regex(pattern, { error: `must be ${what}` });
// Addresses and bus names are written into Terraform's configuration: nothing else may come with them.
const address = form(/^[a-z][a-z0-9_]*\.[A-Za-z][\w-]*$/, "an address like aws_kms_key.archive");
const stack = form(/^[a-z][a-z0-9-]*$/, "the id of a stack");
const region = form(/^[a-z]{2}(-[a-z]+)+-\d$/, "a region");
const key = form(/^[a-z][a-z0-9-]*$/, "the name of a key");
const text = z.string().min(1);

const protectedResource = z.strictObject({
  stack,
  address,
  key: key.optional(),
  region: region.optional(),
});
const written = {
  date: z.iso.date({ error: "must be a date like 2026-01-31" }),
  reason: z.string().min(10, { error: "must be a reason of at least 10 characters" }),
};
const selection = z
  .strictObject({
    region: region.optional(),
    key: key.optional(),
    address: address.optional(),
    ...written,
  })
  .refine((entry) => [entry.region, entry.key, entry.address].some((name) => name !== undefined), {
    error: "must name a region, a key or an address",
  });

const ledgerSchema = z.strictObject({
  version: z.literal(1),
  homeRegion: region.optional(),
  /** Roles that the key policies have admitted as deploy role. */
  deployRoles: z.array(text).default([]),
  /** Where the states are. */
  state: z.strictObject({ bucket: text, region: text, keyPrefix: text }).optional(),
  regions: z.record(region, z.array(z.enum(["active", "draining", "retired"])).min(1)).default({}),
  keys: z.record(key, z.array(z.enum(["active", "retired"])).min(1)).default({}),
  /** Keys that each bus and its archives have been encrypted with. */
  buses: z
    .record(form(EVENT_BUS_NAME.pattern, "the name of an event bus"), z.array(key).min(1))
    .default({}),
  protected: z.array(protectedResource).default([]),
  /** Retired resources that are there again: taken over, or made anew after their deletion. */
  returned: z.array(z.strictObject({ stack, address, as: z.enum(["adopted", "new"]) })).default([]),
  retired: z.array(selection).default([]),
  /** Retired things that are gone from AWS too, so that they may be made anew. */
  deleted: z.array(selection).default([]),
  moved: z.array(z.strictObject({ stack, from: address, to: address, ...written })).default([]),
});

/** What a ledger file holds. */
export type LedgerContent = z.infer<typeof ledgerSchema>;

/** The ledger of one account. */
export interface Ledger {
  readonly file: string;
  /** Whether the file exists; without one the content is empty. */
  readonly exists: boolean;
  readonly content: LedgerContent;
  /** Place of a value in the file, as messages show it. */
  where(...path: ValuePath): string;
}

/**
 * Reads the ledger of an account; one that does not exist yet is empty.
 *
 * @throws {ValidationError} if the file is not a ledger
 */
export function loadLedger(directory: string, workspace: string): Ledger {
  const file = join(directory, `${workspace}.ledger.json`);
  if (!existsSync(file)) {
    return { file, exists: false, content: ledgerSchema.parse({ version: 1 }), where: () => file };
  }
  // JSON is YAML; this parser knows where each value stands.
  const source = parseYaml(file, readFileSync(file, "utf8"));
  const where = (...path: ValuePath) => {
    const { line, column } = source.placeOf(path);
    return `${file}:${line}:${column}`;
  };
  const restore = "restore the file from version control";
  if (source.problems.length > 0) {
    throw new ValidationError(
      source.problems
        .map(
          ({ place, detail }) =>
            `${place.file}:${place.line}:${place.column}: the ledger must be valid JSON, got ${detail}; ${restore}`,
        )
        .join("\n"),
    );
  }
  const parsed = ledgerSchema.safeParse(source.value);
  if (!parsed.success) {
    throw new ValidationError(
      parsed.error.issues
        .map(
          ({ path, message }) =>
            `${where(...(path as (string | number)[]))}: ${path.join(".") || "the ledger"} must keep the ledger's form, got: ${message}; correct the entry, or ${restore}`,
        )
        .join("\n"),
    );
  }
  return { file, exists: true, content: parsed.data, where };
}

type Selection = LedgerContent["retired"][number];

function covers(selection: Selection, resource: ProtectedResource): boolean {
  return (
    (selection.region === undefined || selection.region === resource.region) &&
    (selection.key === undefined || selection.key === resource.key) &&
    (selection.address === undefined || selection.address === resource.address)
  );
}

/** How often a resource was retired in writing, deleted from AWS in writing, and came back. */
function historyOf(content: LedgerContent, { stack, address, ...rest }: ProtectedResource) {
  const countIn = (list: readonly Selection[]) =>
    list.filter((selection) => covers(selection, { stack, address, ...rest })).length;
  const returns = content.returned.filter(
    (entry) => entry.stack === stack && entry.address === address,
  );
  return {
    retired: countIn(content.retired),
    deleted: countIn(content.deleted),
    returned: returns.length,
    madeAnew: returns.filter((entry) => entry.as === "new").length,
  };
}

/** Whether a resource is retired now: it may be gone from the configuration. */
function isRetired(content: LedgerContent, resource: ProtectedResource): boolean {
  const { retired, returned } = historyOf(content, resource);
  return retired > returned;
}

/** Whether a retired resource is gone from AWS too: it may be made anew. */
function isDeleted(content: LedgerContent, resource: ProtectedResource): boolean {
  const { deleted, madeAnew } = historyOf(content, resource);
  return isRetired(content, resource) && deleted > madeAnew;
}

/**
 * Moves of a stack that Terraform must be told: those whose chain ends at an address that is defined.
 *
 * @param defined - addresses that the stack defines
 */
export function movesTo(
  { moved }: LedgerContent,
  stack: string,
  defined: ReadonlySet<string>,
): readonly { readonly from: string; readonly to: string }[] {
  const moves = moved.filter((move) => move.stack === stack);
  const leads = (to: string, seen: readonly string[] = []): boolean =>
    defined.has(to) ||
    moves.some(
      (move) => move.from === to && !seen.includes(move.to) && leads(move.to, [...seen, to]),
    );
  return moves.filter(({ to }) => leads(to)).map(({ from, to }) => ({ from, to }));
}

/**
 * Whether what stood at an address before it was retired is the one to take over: it was not deleted
 * from AWS. Also once the return is written down, which comes before the apply that imports it.
 */
export function standsFromBefore(content: LedgerContent, stack: string, address: string): boolean {
  const resource = content.protected.find(
    (candidate) => candidate.stack === stack && candidate.address === address,
  );
  if (resource === undefined) {
    return false;
  }
  if (isRetired(content, resource)) {
    return !isDeleted(content, resource);
  }
  const lastReturn = content.returned
    .filter((entry) => entry.stack === stack && entry.address === address)
    .at(-1);
  return lastReturn?.as === "adopted";
}

/** Addresses of a stack that the ledger has retired: Terraform is told to forget them, for good. */
export function retiredAddresses(content: LedgerContent, stack: string): readonly string[] {
  return content.protected
    .filter((resource) => resource.stack === stack && isRetired(content, resource))
    .map(({ address }) => address);
}

/** What a synth defines, as the ledger looks at it. */
export interface LedgerSubject {
  readonly account: AccountConfig;
  /** Every resource that must not be destroyed. */
  readonly resources: readonly ProtectedResource[];
  /** Addresses that are taken over from AWS. */
  readonly adopted: readonly ProtectedResource[];
}

/**
 * Compares what a synth defines with the ledger.
 *
 * @throws {ValidationError} with every lost address and every skipped step in the life of a region or key
 */
export function checkLedger(ledger: Ledger, subject: LedgerSubject): void {
  if (!ledger.exists) {
    return;
  }
  const problems = [
    ...homeRegionProblems(ledger, subject.account),
    ...deployRoleProblems(ledger, subject.account),
    ...stateProblems(ledger, subject.account),
    ...entryProblems(ledger),
    ...regionProblems(ledger, subject.account),
    ...keyProblems(ledger, subject.account),
    ...addressProblems(ledger, subject),
  ];
  if (problems.length > 0) {
    throw new ValidationError(problems.join("\n"));
  }
}

function homeRegionProblems(
  { content }: Ledger,
  { homeRegion, homeRegionWhere }: AccountConfig,
): readonly string[] {
  return content.homeRegion === undefined || content.homeRegion === homeRegion
    ? []
    : [
        `${homeRegionWhere}: homeRegion must stay ${content.homeRegion}, got ${showValue(homeRegion)}; every primary key stands there and would be replaced: set it back`,
      ];
}

function deployRoleProblems(
  { content: { deployRoles }, file }: Ledger,
  { deployRole, deployRoleWhere }: AccountConfig,
): readonly string[] {
  return deployRoles.length === 0 || deployRoles.includes(deployRole)
    ? []
    : [
        `${deployRoleWhere}: account.deployRole must be a role that the key policies admit already, got ${showValue(deployRole)}; it could not put a policy, and KMS refuses one that locks its caller out: set deployRole back to ${deployRoles.at(-1)}, name the new role in nextDeployRole, run npm run ledger, deploy, then swap (${file})`,
      ];
}

function stateProblems(
  { content, where }: Ledger,
  { state: { bucket, region, keyPrefix } }: AccountConfig,
): readonly string[] {
  const recorded = content.state;
  const now = { bucket, region, keyPrefix };
  return recorded === undefined || JSON.stringify(recorded) === JSON.stringify(now)
    ? []
    : [
        `${where("state")}: the states must stay where they are, got ${showValue(now)}; Terraform would find none there and make every key again: set state back, or move the states first and then write the new place here`,
      ];
}

/** A written entry that is about nothing was meant to be about something. */
function entryProblems({ content, where }: Ledger): readonly string[] {
  return (["retired", "deleted"] as const).flatMap((list) =>
    content[list].flatMap((selection, index) =>
      content.protected.some((resource) => covers(selection, resource))
        ? []
        : [
            `${where(list, index)}: an entry under ${list} must be about something that the ledger protects, got ${showValue(selection)}; correct its region, key or address`,
          ],
    ),
  );
}

/** Which states may follow one another. From retired a region comes back only by adopting its keys. */
const NEXT_STATES: Readonly<Record<RegionState, readonly RegionState[]>> = {
  active: ["active", "draining"],
  draining: ["draining", "active", "retired"],
  retired: ["retired", "active"],
};

function regionProblems({ content, where }: Ledger, account: AccountConfig): readonly string[] {
  const problems: string[] = [];
  for (const [name, history] of Object.entries(content.regions)) {
    const last = history.at(-1) ?? "active";
    const region = account.regions.find((candidate) => candidate.name === name);
    if (region === undefined) {
      if (last !== "retired") {
        problems.push(
          `${where("regions", name)}: region ${name} must be retired before it leaves the account's file, got ${last} as its last state; put it back with state: ${last === "active" ? "draining" : "retired"} and apply`,
        );
      }
    } else if (!NEXT_STATES[last].includes(region.state)) {
      problems.push(
        `${region.where}: region ${name} must pass from ${last} to ${NEXT_STATES[last].filter((s) => s !== last).join(" or ")}, got ${region.state}; ${
          last === "active"
            ? "set state: draining and apply, then state: retired"
            : "make it active with adopt, or leave it retired"
        }`,
      );
    }
  }
  for (const region of account.regions) {
    if (!Object.hasOwn(content.regions, region.name) && region.state !== "active") {
      problems.push(
        `${region.where}: a new region must start as active, got ${region.name} with state ${region.state}; remove the state`,
      );
    }
  }
  return problems;
}

function keyProblems({ content, where }: Ledger, account: AccountConfig): readonly string[] {
  return Object.entries(content.keys).flatMap(([name, history]) => {
    const key = account.keys.find((candidate) => candidate.name === name);
    // A key that was renamed has not left: it stands at another address.
    const { key: address } = keyAddresses(name, account.homeRegion, "primary");
    const isRenamed = content.moved.some(({ from }) => from === showAddress(address));
    const isGivenUp = content.retired.some(
      (entry) => entry.key === name && entry.region === undefined && entry.address === undefined,
    );
    if (history.at(-1) === "retired" || isRenamed || (key?.kind === "existing" && isGivenUp)) {
      return [];
    }
    if (key === undefined) {
      return [
        `${where("keys", name)}: key ${name} must be retired before it leaves the account's file, got no keys.${name}; put it back with state: retired and apply`,
      ];
    }
    return key.kind === "existing"
      ? [
          `${where("keys", name)}: key ${name} must be retired before it becomes an existing key, got existing; Keyspan made this key: add {"key": "${name}", "date": "<today>", "reason": "<why>"} under retired, and Terraform forgets it`,
        ]
      : [];
  });
}

function addressProblems(
  { content, file, where }: Ledger,
  { account, resources, adopted }: LedgerSubject,
): readonly string[] {
  const id = ({ stack, address }: { readonly stack: string; readonly address: string }) =>
    `${stack} ${address}`;
  const defined = new Set(resources.map(id));
  const taken = new Set(adopted.map(id));
  const problems: string[] = [];

  content.protected.forEach((resource, index) => {
    const at = where("protected", index);
    const name = `${resource.address} of stack ${resource.stack}`;
    if (defined.has(id(resource))) {
      if (
        isRetired(content, resource) &&
        !isDeleted(content, resource) &&
        !taken.has(id(resource))
      ) {
        problems.push(returnProblem(resource, account, file));
      }
      return;
    }
    const target = content.moved.find(
      ({ stack, from }) => stack === resource.stack && from === resource.address,
    );
    if (target !== undefined) {
      if (!isKnown(target, content, defined)) {
        problems.push(
          `${at}: ${name} must have moved to an address that exists, got ${target.to}; correct the moved entry in ${file}`,
        );
      }
      return;
    }
    if (!isRetired(content, resource)) {
      problems.push(lostProblem(resource, at, file, account));
    }
  });
  return [...new Set(problems)];
}

/** The words for something retired that is defined again: the key still exists in AWS. */
function returnProblem(
  { stack, address, key, region }: ProtectedResource,
  account: AccountConfig,
  file: string,
): string {
  if (key === undefined) {
    return `${file}: ${address} of stack ${stack} must be gone from AWS to be made anew, got it retired; what was retired still exists, and its name is taken: import it by hand, or delete it, and then say so under deleted in the ledger`;
  }
  const inConfig = account.regions.find(({ name }) => name === region);
  return `${inConfig?.where ?? account.workspace}: key ${key} in ${region} must be adopted to come back, got no adopt for it; it still exists in AWS, and Terraform would make a second one: write adopt: {${key}: <key id>} in the region's entry, or adopt: <key id> in keys.${key} for all its regions; or, if it is gone from AWS too, say so under deleted in the ledger`;
}

/** The words for an address that is gone: short when the account's file says that it should be. */
function lostProblem(
  { stack, address, region, key }: ProtectedResource,
  at: string,
  file: string,
  account: AccountConfig,
): string {
  const retiredRegion = account.regions.find(
    ({ name, state }) => name === region && state === "retired",
  );
  if (retiredRegion !== undefined) {
    return `${retiredRegion.where}: region ${retiredRegion.name} must be retired in writing, got no entry for it in ${file}; add {"region": "${retiredRegion.name}", "date": "<today>", "reason": "<why>"} under retired`;
  }
  const retiredKey = account.keys.find(
    (candidate) =>
      candidate.kind === "managed" && candidate.name === key && candidate.state === "retired",
  );
  if (retiredKey?.kind === "managed") {
    return `${retiredKey.where}: key ${retiredKey.name} must be retired in writing, got no entry for it in ${file}; add {"key": "${retiredKey.name}", "date": "<today>", "reason": "<why>"} under retired`;
  }
  return `${at}: ${address} of stack ${stack} must keep its address, got nothing there; Terraform would destroy it: undo the change of name, or write in ${file} a moved entry (from, to), or a retired entry (region, key or address), each with date and reason`;
}

/** Whether a moved resource is defined, or has itself moved on or been retired. */
function isKnown(
  { stack, to }: LedgerContent["moved"][number],
  content: LedgerContent,
  defined: ReadonlySet<string>,
): boolean {
  return (
    defined.has(`${stack} ${to}`) ||
    content.protected.some((resource) => resource.stack === stack && resource.address === to)
  );
}

/**
 * What to tell a person whose protected account has something that its ledger does not hold, or
 * whose ledger protects an account that is not; `undefined` if all is in order.
 */
export function ledgerNotice(ledger: Ledger, subject: LedgerSubject): string | undefined {
  const { workspace, protect } = subject.account;
  if (!protect) {
    return ledger.exists
      ? `Account ${workspace} says protect: false although it has a ledger: Terraform may destroy its keys.`
      : undefined;
  }
  return extendLedger(ledger, subject).lines.length > 0
    ? `${ledger.file} does not hold all that must not be destroyed: run npm run ledger -- ${workspace} and commit the file. npm run deploy refuses a protected account without.`
    : undefined;
}

/** What the ledger does not hold yet. */
export interface LedgerAdditions {
  readonly content: LedgerContent;
  /** What was added, a line each. Empty if the ledger was up to date. */
  readonly lines: readonly string[];
}

/** The ledger with everything that a synth defines added. Nothing is ever taken away or changed. */
export function extendLedger(
  { content }: Ledger,
  { account, resources, adopted }: LedgerSubject,
): LedgerAdditions {
  const lines: string[] = [];
  const regions = { ...content.regions };
  for (const { name, state } of account.regions) {
    const history = regions[name] ?? [];
    if (history.at(-1) !== state) {
      regions[name] = [...history, state];
      lines.push(`region ${name}: ${state}`);
    }
  }
  const keys = { ...content.keys };
  for (const key of account.keys) {
    const history = Object.hasOwn(keys, key.name) ? (keys[key.name] ?? []) : [];
    if (key.kind === "managed" && history.at(-1) !== key.state) {
      keys[key.name] = [...history, key.state];
      lines.push(`key ${key.name}: ${key.state}`);
    }
  }
  const deployRoles = [...content.deployRoles];
  for (const role of [account.deployRole, account.nextDeployRole]) {
    if (role !== undefined && !deployRoles.includes(role)) {
      deployRoles.push(role);
      lines.push(`deploy role ${role}`);
    }
  }
  const buses = { ...content.buses };
  for (const { name, keyName } of account.buses) {
    const history = Object.hasOwn(buses, name) ? (buses[name] ?? []) : [];
    if (!history.includes(keyName)) {
      buses[name] = [...history, keyName];
      lines.push(`bus ${name}: key ${keyName}`);
    }
  }
  const same = (a: { stack: string; address: string }) => (b: { stack: string; address: string }) =>
    a.stack === b.stack && a.address === b.address;
  const newResources = resources.filter((resource) => !content.protected.some(same(resource)));
  lines.push(...newResources.map(({ stack, address }) => `protected ${stack} ${address}`));
  const returned = resources
    .filter((resource) => content.protected.some(same(resource)) && isRetired(content, resource))
    .map(({ stack, address }) => ({
      stack,
      address,
      as: adopted.some(same({ stack, address })) ? ("adopted" as const) : ("new" as const),
    }));
  lines.push(...returned.map(({ stack, address, as }) => `returned ${stack} ${address}, ${as}`));
  if (content.homeRegion === undefined) {
    lines.push(`home region: ${account.homeRegion}`);
  }
  const { bucket, region, keyPrefix } = account.state;
  if (content.state === undefined) {
    lines.push(`states in ${bucket}/${keyPrefix}`);
  }
  return {
    content: {
      version: content.version,
      homeRegion: content.homeRegion ?? account.homeRegion,
      deployRoles,
      state: content.state ?? { bucket, region, keyPrefix },
      regions,
      keys,
      buses,
      protected: [...content.protected, ...newResources],
      returned: [...content.returned, ...returned],
      retired: content.retired,
      deleted: content.deleted,
      moved: content.moved,
    },
    lines,
  };
}
