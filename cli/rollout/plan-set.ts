/**
 * Saved plans, and the digest that stands for exactly them.
 *
 * ```text
 * <directory>/plans.json                the accounts, each with the SHA-256 of its plan.json
 * <directory>/<account>/plan.json       what was planned, with the SHA-256 of every file beside it
 * <directory>/<account>/<stack>.tfplan  a plan as Terraform saved it: secret
 * <directory>/<account>/<stack>.tf.json the stack as it was synthesized
 * <directory>/<account>/<stack>.txt     the plan in words
 * ```
 *
 * The digest is the SHA-256 of plans.json. Terraform runs what is in a plan file, whatever it was
 * made from and whatever `terraform show` says of it: so the bytes are what is approved.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { showValue, ValidationError } from "../../modules/errors";
import { SAVED_PLANS_FILE } from "../../modules/iam/state-role-policy";
import { sha256 } from "./sha256";

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

const changeSchema = z.object({ address: z.string(), type: z.string(), action: z.string() });

const stackSchema = z.strictObject({
  id: z.string(),
  /** `planned`: changes wait. `unchanged`: nothing to do. `deferred`: can only be planned later. */
  status: z.enum(["planned", "unchanged", "deferred"]),
  /** Why it is deferred. */
  reason: z.string().optional(),
  /** What would happen; of a deferred stack only if it could be previewed. */
  changes: z.array(changeSchema),
  /** The state that it was planned against; `null` if there was none. */
  state: z
    .strictObject({ lineage: z.string(), serial: z.number(), sha256: sha256Schema })
    .nullable(),
  /** SHA-256 of each value that it reads from another stack, by that stack and the output's name. */
  read: z.record(z.string(), z.record(z.string(), sha256Schema)),
});

const accountPlanSchema = z.strictObject({
  format: z.literal(1),
  workspace: z.string(),
  accountId: z.string(),
  terraformVersion: z.string(),
  /** SHA-256 of the provider lock file; `null` if there was none. */
  providerLock: sha256Schema.nullable(),
  stacks: z.array(stackSchema),
  /** SHA-256 of each file beside this one. */
  files: z.record(z.string(), sha256Schema),
});

const planSetSchema = z.strictObject({
  format: z.literal(1),
  accounts: z.record(z.string(), sha256Schema),
});

/** What is planned for one stack. */
export type PlannedStack = Readonly<z.output<typeof stackSchema>>;

/** What is planned for one account. */
export type AccountPlan = Readonly<z.output<typeof accountPlanSchema>>;

/** What is planned for one account, with the content of its files. */
export interface SavedAccountPlan {
  readonly plan: AccountPlan;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Plans of several accounts, and what they are approved by. */
export interface PlanSet {
  /** SHA-256, 64 hexadecimal digits. */
  readonly digest: string;
  readonly accounts: ReadonlyMap<string, SavedAccountPlan>;
}

/** Where a plan set is read from: a folder, or the state bucket. */
export interface PlanSource {
  /** How messages name it. */
  readonly name: string;
  /** A file by its path within the set; `undefined` if it is not there. */
  readonly read: (path: string) => Promise<Uint8Array | undefined>;
  /** The names of all files, if that can be told. */
  readonly list?: () => readonly string[];
}

const ACCOUNT_FILE = "plan.json";

/** SHA-256 of a value that a stack reads from another. */
export function valueSha256(value: unknown): string {
  return sha256(JSON.stringify(value) ?? "undefined");
}

/** Names of a stack's files in a saved plan. */
export function planFilesOf(stackId: string) {
  return {
    plan: `${stackId}.tfplan`,
    configuration: `${stackId}.tf.json`,
    words: `${stackId}.txt`,
  } as const;
}

/** Name of the provider lock file in a saved plan. */
export const PROVIDER_LOCK = "terraform.lock.hcl";

/** The files of one account's plan by their path within the set, and the hash by which the set knows them. */
export function accountFiles({ plan, files }: SavedAccountPlan): {
  readonly hash: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
} {
  const text = jsonBytes({
    ...plan,
    files: Object.fromEntries([...files].sort().map(([name, bytes]) => [name, sha256(bytes)])),
  });
  return {
    hash: sha256(text),
    files: new Map(
      [...files, [ACCOUNT_FILE, text] as const].map(([name, content]) => [
        `${plan.workspace}/${name}`,
        content,
      ]),
    ),
  };
}

/** The file that holds a set together, and its digest. */
export function setFile(hashes: Readonly<Record<string, string>>): {
  readonly digest: string;
  readonly path: string;
  readonly content: Uint8Array;
} {
  const sorted = Object.fromEntries(Object.entries(hashes).sort());
  const content = jsonBytes({ format: 1, accounts: sorted });
  return { digest: sha256(content), path: SAVED_PLANS_FILE, content };
}

/**
 * Makes room for a plan set in a folder: what an earlier set has left there is removed.
 *
 * @throws {ValidationError} if the folder holds anything but a plan set
 */
export function clearPlanFolder(directory: string): void {
  const present = existsSync(directory) ? readdirSync(directory) : [];
  const accounts = accountsIn(join(directory, SAVED_PLANS_FILE));
  const foreign = present.filter(
    (name) => name !== SAVED_PLANS_FILE && accounts?.includes(name) !== true,
  );
  if (present.length > 0 && (accounts === undefined || foreign.length > 0)) {
    throw new ValidationError(
      `--out must be a new folder, or one with nothing but saved plans, got ${directory} with ${showValue((foreign.length > 0 ? foreign : present).join(" "))}; name another`,
    );
  }
  for (const name of present) {
    rmSync(join(directory, name), { recursive: true, force: true });
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
}

/** Names of the accounts in a set file; `undefined` if the file is none. */
function accountsIn(file: string): readonly string[] | undefined {
  if (!existsSync(file)) {
    return undefined;
  }
  const text = readFileSync(file, "utf8");
  try {
    return Object.keys(planSetSchema.parse(JSON.parse(text)).accounts);
  } catch {
    return undefined;
  }
}

/** Writes files of a plan set into its folder; only their owner may read them, since plans hold secrets. */
export function writePlanFiles(directory: string, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [path, content] of files) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, content, { mode: 0o600 });
  }
}

/** A plan set in a folder. */
export function planFolder(directory: string): PlanSource {
  return {
    name: directory,
    read: async (path) => {
      const file = join(directory, path);
      return existsSync(file) ? readFileSync(file) : undefined;
    },
    list: () =>
      existsSync(directory)
        ? readdirSync(directory, { recursive: true, withFileTypes: true })
            .filter((entry) => !entry.isDirectory())
            .map((entry) => join(entry.parentPath, entry.name).slice(join(directory, "/").length))
        : [],
  };
}

/**
 * Reads a plan set and verifies that it is the approved one, byte for byte, before anybody opens
 * any of its plans.
 *
 * @param digest - what was approved
 * @param wanted - the accounts that are needed; all if none is named
 * @throws {ValidationError} if a byte differs, or a file is missing or more
 */
export async function readPlanSet(
  source: PlanSource,
  digest: string,
  wanted: readonly string[] = [],
): Promise<PlanSet> {
  const set = await required(source, SAVED_PLANS_FILE);
  verify(source, SAVED_PLANS_FILE, set, digest, "the approved digest");
  const { accounts: hashes } = parse(planSetSchema, source, SAVED_PLANS_FILE, set);
  const names = wanted.length === 0 ? Object.keys(hashes) : wanted;
  const accounts = new Map<string, SavedAccountPlan>();
  const read = new Set([SAVED_PLANS_FILE]);
  for (const name of names) {
    const hash = Object.hasOwn(hashes, name) ? hashes[name] : undefined;
    if (hash === undefined) {
      throw new ValidationError(
        `${source.name}: the saved plans must be about account ${name}, got ${Object.keys(hashes).join(", ")}; name the plans of that account`,
      );
    }
    const path = `${name}/${ACCOUNT_FILE}`;
    const content = await required(source, path);
    verify(source, path, content, hash, "what was approved");
    const plan = parse(accountPlanSchema, source, path, content);
    const files = new Map<string, Uint8Array>();
    read.add(path);
    for (const [file, expected] of Object.entries(plan.files)) {
      const bytes = await required(source, `${name}/${file}`);
      verify(source, `${name}/${file}`, bytes, expected, "what was approved");
      files.set(file, bytes);
      read.add(`${name}/${file}`);
    }
    accounts.set(name, { plan, files });
  }
  const more = (source.list?.() ?? []).filter(
    (path) => !read.has(path) && names.some((name) => path.startsWith(`${name}/`)),
  );
  if (more.length > 0) {
    throw new ValidationError(
      `${source.name}: saved plans must hold only what was approved, got ${more.sort().join(", ")} too; plan again`,
    );
  }
  return { digest, accounts };
}

/**
 * Names of the accounts that a plan set is about, once it is verified to be the approved one.
 *
 * @param digest - what was approved
 * @throws {ValidationError} if it is another, or there is none
 */
export async function accountsOfPlanSet(
  source: PlanSource,
  digest: string,
): Promise<readonly string[]> {
  const set = await required(source, SAVED_PLANS_FILE);
  verify(source, SAVED_PLANS_FILE, set, digest, "the approved digest");
  return Object.keys(parse(planSetSchema, source, SAVED_PLANS_FILE, set).accounts);
}

async function required(source: PlanSource, path: string): Promise<Uint8Array> {
  const content = await source.read(path);
  if (content === undefined) {
    throw new ValidationError(
      `${source.name}: saved plans must be complete, got no ${path}; correct the digest if it is mistyped, or plan again: saved plans are kept for 7 days`,
    );
  }
  return content;
}

function verify(
  source: PlanSource,
  path: string,
  content: Uint8Array,
  expected: string,
  what: string,
): void {
  const actual = sha256(content);
  if (actual !== expected) {
    throw new ValidationError(
      `${source.name}: ${path} must be ${what}, SHA-256 ${expected}, got ${actual}; nothing was opened or applied: plan again and have that approved`,
    );
  }
}

function parse<T>(schema: z.ZodType<T>, source: PlanSource, path: string, content: Uint8Array): T {
  const result = schema.safeParse(JSON.parse(Buffer.from(content).toString("utf8")));
  if (!result.success) {
    throw new ValidationError(
      `${source.name}: ${path} must have the form that this version writes, got another; plan again`,
    );
  }
  return result.data;
}

function jsonBytes(value: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}
