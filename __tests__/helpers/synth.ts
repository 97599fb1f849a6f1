import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import type { AccountConfig } from "../../config/account-config";
import { type Ledger, loadLedger } from "../../config/ledger";
import { accountNames, checkAccount, loadAccount } from "../../config/load-account";
import { parseYaml } from "../../config/yaml-source";
import { defineStacks } from "../../stacks/define-stacks";
import { filesIn } from "./project";

/** One block of Terraform JSON, such as a resource, without the metadata that CDKTF adds. */
export type Block = Readonly<Record<string, unknown>>;

/** One stack's Terraform JSON. */
export interface StackJson {
  readonly id: string;
  /** The text as written. */
  readonly text: string;
  /** Resources by type, then by name. */
  readonly resources: Readonly<Record<string, Readonly<Record<string, Block>>>>;
  /** Data sources by type, then by name. */
  readonly data: Readonly<Record<string, Readonly<Record<string, Block>>>>;
  readonly outputs: Readonly<Record<string, Block>>;
  readonly provider: Block;
  readonly backend: Block;
  readonly removed: readonly Block[];
  readonly imports: readonly Block[];
  readonly moved: readonly Block[];
}

/** All that a synth of one account writes. */
export interface SynthesizedAccount {
  readonly account: AccountConfig;
  readonly ledger: Ledger;
  readonly stacks: readonly StackJson[];
  /** Every file by its path in the output folder. */
  readonly files: Readonly<Record<string, string>>;
  /** Stacks that each stack waits for, by id. */
  readonly dependencies: Readonly<Record<string, readonly string[]>>;
}

/** The accounts that tests bring along. */
export const FIXTURE_ACCOUNTS = join(__dirname, "../fixtures/accounts");
/** The accounts that the project ships, or whatever its users have put in their place. */
export const SHIPPED_ACCOUNTS = join(__dirname, "../../accounts");

/** Folder and name of every account: the tests' own and those of `accounts/`. */
export const ALL_ACCOUNTS: readonly (readonly [directory: string, workspace: string])[] = [
  FIXTURE_ACCOUNTS,
  SHIPPED_ACCOUNTS,
].flatMap((directory) => accountNames(directory).map((name) => [directory, name] as const));

/** Synthesizes an account from its folder, as main.ts does. */
export function synthAccount(directory: string, workspace: string): SynthesizedAccount {
  return synthConfig(loadAccount(directory, workspace), loadLedger(directory, workspace));
}

const NO_LEDGER = loadLedger(FIXTURE_ACCOUNTS, "no-such-account");

/** An account from YAML text, without defaults; place in messages: `test.yaml`. */
export function accountFrom(yaml: string, workspace = "test"): AccountConfig {
  return checkAccount(workspace, parseYaml(`${workspace}.yaml`, yaml), undefined);
}

/** Synthesizes a resolved account into a folder that is gone afterwards. */
export function synthConfig(
  account: AccountConfig,
  ledger: Ledger = NO_LEDGER,
): SynthesizedAccount {
  const outdir = mkdtempSync(join(tmpdir(), "keyspan-test-"));
  try {
    const app = new App({ outdir });
    defineStacks(app, account, ledger);
    app.synth();
    const files = filesIn(outdir);
    const manifest = JSON.parse(files["manifest.json"] ?? "{}") as {
      stacks: Record<string, { dependencies: string[] }>;
    };
    return {
      account,
      ledger,
      files,
      stacks: Object.keys(manifest.stacks)
        .sort()
        .map((id) => parseStack(id, files[`stacks/${id}/cdk.tf.json`] ?? "")),
      dependencies: Object.fromEntries(
        Object.entries(manifest.stacks).map(([id, { dependencies }]) => [id, dependencies]),
      ),
    };
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** Parses the Terraform JSON of one stack. */
export function parseStack(id: string, text: string): StackJson {
  const json = stripMetadata(JSON.parse(text)) as {
    resource?: StackJson["resources"];
    data?: StackJson["data"];
    output?: StackJson["outputs"];
    provider?: { aws?: Block[] };
    terraform?: { backend?: { s3?: Block } };
    removed?: Block[];
    import?: Block[];
    moved?: Block[];
  };
  return {
    id,
    text,
    resources: json.resource ?? {},
    data: json.data ?? {},
    outputs: json.output ?? {},
    provider: json.provider?.aws?.[0] ?? {},
    backend: json.terraform?.backend?.s3 ?? {},
    removed: json.removed ?? [],
    imports: json.import ?? [],
    moved: json.moved ?? [],
  };
}

function stripMetadata(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(stripMetadata);
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([field]) => field !== "//")
          .map(([field, inner]) => [field, stripMetadata(inner)]),
      )
    : value;
}

/** The stack of that id. */
export function stackOf({ stacks }: SynthesizedAccount, id: string): StackJson {
  const stack = stacks.find((candidate) => candidate.id === id);
  if (stack === undefined) {
    throw new Error(`no stack ${id}; there are ${stacks.map((s) => s.id).join(", ")}`);
  }
  return stack;
}

/** A resource with where it was found. */
export interface FoundResource {
  readonly stack: string;
  readonly type: string;
  readonly name: string;
  readonly block: Block;
}

/** Every resource of every stack. */
export function allResources({
  stacks,
}: Pick<SynthesizedAccount, "stacks">): readonly FoundResource[] {
  return stacks.flatMap((stack) =>
    Object.entries(stack.resources).flatMap(([type, byName]) =>
      Object.entries(byName).map(([name, block]) => ({ stack: stack.id, type, name, block })),
    ),
  );
}
