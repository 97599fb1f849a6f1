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
import { z } from "zod";
import { showValue, ValidationError } from "../modules/errors";
import { keyAddresses } from "../modules/kms/key-addresses";
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

const word = z.string().min(1);
const protectedResource = z.strictObject({
  stack: word,
  address: word,
  key: word.optional(),
  region: word.optional(),
});
const written = {
  date: z.string().regex(/^\d{4}-\d\d-\d\d$/, { error: "must be a date like 2026-01-31" }),
  reason: z.string().min(10, { error: "must be a reason of at least 10 characters" }),
};
const ledgerSchema = z.strictObject({
  version: z.literal(1),
  homeRegion: word.optional(),
  regions: z.record(word, z.array(z.enum(["active", "draining", "retired"])).min(1)).default({}),
  keys: z.record(word, z.array(z.enum(["active", "retired"])).min(1)).default({}),
  protected: z.array(protectedResource).default([]),
  adopted: z.array(z.strictObject({ stack: word, address: word })).default([]),
  retired: z
    .array(
      z
        .strictObject({
          region: word.optional(),
          key: word.optional(),
          address: word.optional(),
          ...written,
        })
        .refine(
          ({ region, key, address }) =>
            region !== undefined || key !== undefined || address !== undefined,
          { error: "must name a region, a key or an address" },
        ),
    )
    .default([]),
  moved: z.array(z.strictObject({ stack: word, from: word, to: word, ...written })).default([]),
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

type Retirement = LedgerContent["retired"][number];

function covers(retirement: Retirement, resource: ProtectedResource): boolean {
  return (
    (retirement.region === undefined || retirement.region === resource.region) &&
    (retirement.key === undefined || retirement.key === resource.key) &&
    (retirement.address === undefined || retirement.address === resource.address)
  );
}

/** Whether a resource has been retired in writing more often than it has come back. */
function isRetired(content: LedgerContent, resource: ProtectedResource): boolean {
  const retirements = content.retired.filter((retirement) => covers(retirement, resource));
  const returns = content.adopted.filter(
    ({ stack, address }) => stack === resource.stack && address === resource.address,
  );
  return retirements.length > returns.length;
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
    if (history.at(-1) === "retired" || isRenamed) {
      return [];
    }
    if (key === undefined) {
      return [
        `${where("keys", name)}: key ${name} must be retired before it leaves the account's file, got no keys.${name}; put it back with state: retired and apply`,
      ];
    }
    return key.kind === "existing"
      ? [
          `${where("keys", name)}: key ${name} must be retired before it becomes an existing key, got existing; Keyspan made this key: keep it, or retire it under its own name first`,
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
      if (isRetired(content, resource) && !taken.has(id(resource))) {
        problems.push(returnProblem(resource, account));
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
function returnProblem({ key, region }: ProtectedResource, account: AccountConfig): string {
  const inConfig = account.regions.find(({ name }) => name === region);
  return `${inConfig?.where ?? account.workspace}: key ${key} in ${region} must be adopted to come back, got no adopt for it; it still exists in AWS, and Terraform would make a second one: write adopt: {${key}: <key id>} in the region's entry, or adopt: <key id> in keys.${key} for all its regions`;
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
  const same = (a: { stack: string; address: string }) => (b: { stack: string; address: string }) =>
    a.stack === b.stack && a.address === b.address;
  const newResources = resources.filter((resource) => !content.protected.some(same(resource)));
  lines.push(...newResources.map(({ stack, address }) => `protected ${stack} ${address}`));
  const returned = adopted.filter((resource) => {
    const known = content.protected.find(same(resource));
    return known !== undefined && isRetired(content, known);
  });
  lines.push(...returned.map(({ stack, address }) => `adopted ${stack} ${address}`));
  if (content.homeRegion === undefined) {
    lines.push(`home region: ${account.homeRegion}`);
  }
  return {
    content: {
      version: content.version,
      homeRegion: content.homeRegion ?? account.homeRegion,
      regions,
      keys,
      protected: [...content.protected, ...newResources],
      adopted: [...content.adopted, ...returned.map(({ stack, address }) => ({ stack, address }))],
      retired: content.retired,
      moved: content.moved,
    },
    lines,
  };
}
