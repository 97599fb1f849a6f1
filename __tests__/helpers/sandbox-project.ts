/** Accounts of a test in the sandbox: real Terraform, a provider in this process, folders that are gone afterwards. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import type { StackFolder } from "../../cli/stack-folders";
import { extendLedger, type LedgerContent, loadLedger } from "../../config/ledger";
import { loadAccount } from "../../config/load-account";
import type { Faults } from "../../sandbox/aws/faults";
import { ObjectStore } from "../../sandbox/aws/object-store";
import { type Caller, type CallRecord, SimulatedAws } from "../../sandbox/aws/simulated-aws";
import type { InventoryItem } from "../../sandbox/inventory";
import type { ProviderOptions } from "../../sandbox/provider/provider-options";
import { type RunningProvider, startProvider } from "../../sandbox/provider/provider-server";
import { Sandbox } from "../../sandbox/sandbox";
import { seedAccount } from "../../sandbox/seed";
import { readState, type TerraformResult } from "../../sandbox/terraform-runs";
import { buildStacks } from "../../stacks/define-stacks";
import { filesIn } from "./project";

/** A small account: keys in two regions, one bus and one archive in its home region. */
export const SMALL_ACCOUNT = `
version: 1
account:
  id: "111122223333"
  deployRole: arn:aws:iam::111122223333:role/keyspan-deploy
  planRole: arn:aws:iam::111122223333:role/keyspan-plan
homeRegion: eu-west-1
regions: [eu-west-1, eu-central-1]
state:
  bucket: acme-terraform-state
  region: eu-west-1
  keyPrefix: keyspan
  account: "444455556666"
  writeRole: arn:aws:iam::444455556666:role/keyspan-state
  readRole: arn:aws:iam::444455556666:role/keyspan-state-read
keys:
  archive: { administrators: [arn:aws:iam::111122223333:role/KeyAdmin], deletionWindowDays: 7 }
  alerts: { administrators: [arn:aws:iam::111122223333:role/KeyAdmin], deletionWindowDays: 7 }
  audit: { administrators: [arn:aws:iam::111122223333:role/KeyAdmin], deletionWindowDays: 7 }
buses: { orders: { producers: ["111122223333"], regions: [eu-west-1] } }
archives: { orders: { bus: orders, retentionDays: 7 } }
notifications: { subscriptions: [{ protocol: email, endpoint: key-alerts@example.com }] }
trail: create
protect: false
`;

/** What a Terraform command did to each stack, in the order in which they ran; ends at the first that failed. */
export type StackResults = readonly (readonly [stackId: string, TerraformResult])[];

/** How an account is opened. */
export interface OpenOptions {
  readonly faults?: Faults;
  /** Whose credentials the provider has. @default - the account's deploy role */
  readonly caller?: Partial<Caller>;
  /** @default false */
  readonly unprotect?: boolean;
  /** Takes each resource that an apply or destroy is done with. @default - nobody */
  readonly onProgress?: (stackId: string, line: string) => void;
  /** Takes the account once it is open. @default - nobody */
  readonly onOpen?: (open: OpenAccount) => void;
}

/** An account that is open: its sandbox, and all calls to its simulated AWS. */
export interface OpenAccount {
  readonly sandbox: Sandbox;
  readonly calls: () => readonly CallRecord[];
}

/** A project folder with accounts of its own, and the sandbox in it. */
export class SandboxProject {
  readonly directory: string;
  private readonly open = new Set<Sandbox>();
  /** What each account was laid out from. */
  private readonly laidOut = new Map<string, string>();

  /**
   * @param accounts - YAML by account, or a folder of account files
   * @param directory - a folder that is a project already: nothing is written into it
   */
  constructor(
    accounts: Readonly<Record<string, string>> | string = { small: SMALL_ACCOUNT },
    directory?: string,
  ) {
    this.directory = directory ?? mkdtempSync(join(tmpdir(), "keyspan-sandbox-"));
    if (directory !== undefined) {
      return;
    }
    if (typeof accounts === "string") {
      cpSync(accounts, join(this.directory, "accounts"), { recursive: true });
    } else {
      mkdirSync(join(this.directory, "accounts"));
      for (const [workspace, yaml] of Object.entries(accounts)) {
        this.write(workspace, yaml);
      }
    }
  }

  /** Writes an account's file. */
  write(workspace: string, yaml: string): this {
    writeFileSync(join(this.accounts, `${workspace}.yaml`), yaml);
    return this;
  }

  /** Writes an account's ledger as `npm run ledger` does. */
  record(workspace: string): this {
    const account = loadAccount(this.accounts, workspace);
    const ledger = loadLedger(this.accounts, workspace);
    const { subject } = buildStacks(new App({ outdir: this.directory }), account, ledger);
    return this.writeLedger(workspace, extendLedger(ledger, subject).content);
  }

  /** The ledger as it stands. */
  ledger(workspace: string): LedgerContent {
    return loadLedger(this.accounts, workspace).content;
  }

  /** Writes the ledger, as a person does who retires or moves something. */
  writeLedger(workspace: string, content: LedgerContent): this {
    writeFileSync(
      join(this.accounts, `${workspace}.ledger.json`),
      `${JSON.stringify(content, null, 2)}\n`,
    );
    return this;
  }

  /** Synthesizes an account, copies it into the sandbox, and starts a provider for it. */
  async start(workspace: string, options: OpenOptions = {}): Promise<OpenAccount> {
    let calls: () => readonly CallRecord[] = () => [];
    const sandbox = new Sandbox({
      workspace,
      program: "terraform",
      env: process.env,
      projectDirectory: this.directory,
      ...(options.faults && { faults: options.faults }),
      ...(options.onProgress && { onProgress: options.onProgress }),
      startProvider: async (given) => {
        const { provider, aws } = await startHere({
          ...given,
          caller: { ...given.caller, ...options.caller },
        });
        calls = () => aws.calls;
        return provider;
      },
    });
    this.open.add(sandbox);
    this.layOut(sandbox, workspace, options.unprotect ?? false);
    await sandbox.environment();
    const opened = { sandbox, calls: () => calls() };
    options.onOpen?.(opened);
    return opened;
  }

  /** Lays an account out, unless nothing of it has changed since it was. */
  private layOut(sandbox: Sandbox, workspace: string, unprotect: boolean): void {
    const files = filesIn(this.accounts);
    const input = JSON.stringify([
      files["defaults.yaml"],
      files[`${workspace}.yaml`],
      files[`${workspace}.ledger.json`],
      unprotect,
    ]);
    if (this.laidOut.get(workspace) !== input) {
      sandbox.layOut({ unprotect });
      this.laidOut.set(workspace, input);
    }
  }

  /** Validates an account, stack by stack, in its workspace. */
  validate(workspace: string): Promise<StackResults> {
    return this.run(workspace, {}, async ({ sandbox }) =>
      eachStack(sandbox.folders, async (folder) => {
        const terraform = await sandbox.terraform();
        await terraform.prepare(folder);
        return terraform.validate(folder);
      }),
    );
  }

  /** Applies an account, stack by stack. */
  apply(workspace: string, options: OpenOptions = {}, ...flags: string[]): Promise<StackResults> {
    return this.run(workspace, options, async ({ sandbox }) =>
      eachStack(sandbox.folders, async (folder) => {
        const terraform = await sandbox.terraform();
        await terraform.prepare(folder);
        return terraform.planAndApply(folder, ...flags);
      }),
    );
  }

  /** Plans an account, stack by stack. */
  plan(workspace: string, options: OpenOptions = {}, ...flags: string[]): Promise<StackResults> {
    return this.run(workspace, options, async ({ sandbox }) =>
      eachStack(sandbox.folders, async (folder) => {
        const terraform = await sandbox.terraform();
        await terraform.prepare(folder);
        return terraform.plan(folder, ...flags);
      }),
    );
  }

  /** Destroys an account, stack by stack, in reverse order. */
  destroy(workspace: string, options: OpenOptions = {}, ...flags: string[]): Promise<StackResults> {
    return this.run(workspace, options, async ({ sandbox }) =>
      eachStack(sandbox.folders.toReversed(), async (folder) => {
        const terraform = await sandbox.terraform();
        await terraform.prepare(folder);
        return terraform.planAndApply(folder, "-destroy", ...flags);
      }),
    );
  }

  /** Opens an account for one piece of work. */
  async run<T>(
    workspace: string,
    options: OpenOptions,
    work: (open: OpenAccount) => Promise<T>,
  ): Promise<T> {
    const opened = await this.start(workspace, options);
    try {
      return await work(opened);
    } finally {
      opened.sandbox.close();
      this.open.delete(opened.sandbox);
    }
  }

  /** What exists in an account's simulated AWS. */
  async inventory(workspace: string): Promise<readonly InventoryItem[]> {
    return this.sandboxOf(workspace).inventory();
  }

  /** An account's sandbox, without a provider. */
  sandboxOf(workspace: string): Sandbox {
    return new Sandbox({
      workspace,
      program: "terraform",
      env: process.env,
      projectDirectory: this.directory,
    });
  }

  /** Every state file of an account, by stack: its bytes as text. */
  states(workspace: string): Readonly<Record<string, string>> {
    const { workbench, folders } = this.sandboxOf(workspace);
    return Object.fromEntries(
      folders.flatMap(({ id }) => {
        try {
          return [[id, readFileSync(workbench.stateFile(id), "utf8")]];
        } catch {
          return [];
        }
      }),
    );
  }

  /** Addresses in the state of a stack. */
  addresses(workspace: string, stackId: string): readonly string[] {
    return readState(this.sandboxOf(workspace).workbench.stateFile(stackId))
      .map(({ address }) => address)
      .sort();
  }

  /** Every file of the project below a folder. */
  files(folder: string): Readonly<Record<string, string>> {
    return filesIn(join(this.directory, folder));
  }

  /** Removes what an account's sandbox holds, but for what spares the next run its preparation. */
  reset(workspace: string): void {
    const { workbench, folders, account, store } = this.sandboxOf(workspace);
    rmSync(workbench.awsDirectory, { recursive: true, force: true });
    seedAccount(store, account);
    for (const { id } of folders) {
      rmSync(workbench.stateFile(id), { force: true });
      rmSync(`${workbench.stateFile(id)}.tflock`, { force: true });
    }
  }

  /** Removes the folder; ends providers that still run. */
  remove(): void {
    for (const sandbox of this.open) {
      sandbox.close();
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  private get accounts(): string {
    return join(this.directory, "accounts");
  }
}

/** All that changed, over all stacks: counts of a plan or an apply. */
export function totals(results: StackResults): {
  readonly add: number;
  readonly change: number;
  readonly remove: number;
  readonly import: number;
} {
  const sum = (count: "add" | "change" | "remove" | "import") =>
    results.reduce((total, [, { changes }]) => total + (changes?.[count] ?? 0), 0);
  return { add: sum("add"), change: sum("change"), remove: sum("remove"), import: sum("import") };
}

/** What every stack complained about; empty if all went well. */
export function complaints(results: StackResults): string {
  return results
    .flatMap(([stack, { problems }]) => problems.map((problem) => `${stack}: ${problem}`))
    .join("\n");
}

/** What was planned, over all stacks, such as `keys: create aws_kms_key.archive`. */
export function plannedActions(results: StackResults): readonly string[] {
  return results.flatMap(([stack, { actions }]) => actions.map((action) => `${stack}: ${action}`));
}

async function eachStack(
  folders: readonly StackFolder[],
  work: (folder: StackFolder) => Promise<TerraformResult>,
): Promise<StackResults> {
  const results: [string, TerraformResult][] = [];
  for (const folder of folders) {
    const result = await work(folder);
    results.push([folder.id, result]);
    if (result.code !== 0) {
      break;
    }
  }
  return results;
}

/** A provider in this process. Its death cuts all connections, as that of a process would. */
export async function startHere({
  directory,
  caller,
  faults,
}: ProviderOptions): Promise<{ provider: RunningProvider; aws: SimulatedAws }> {
  let provider: RunningProvider | undefined;
  const aws = new SimulatedAws({
    store: new ObjectStore(directory),
    caller,
    faults,
    die: () => {
      provider?.stop();
      return new Promise<never>(() => {});
    },
  });
  provider = await startProvider(aws);
  return { provider, aws };
}
