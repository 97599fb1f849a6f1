import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { renderProfiles, writeAwsConfigFile } from "../cli/aws-config-file";
import { createLockFile, isAlive } from "../cli/rollout/folder-lock";
import type { StackFolder } from "../cli/stack-folders";
import { neededOutputs } from "../cli/stack-json";
import { ACCOUNTS_DIRECTORY, outputDirectoryOf, synthesize } from "../cli/synthesize";
import type { AccountConfig } from "../config/account-config";
import { loadAccount } from "../config/load-account";
import { ValidationError } from "../modules/errors";
import type { Faults } from "./aws/faults";
import { ObjectStore } from "./aws/object-store";
import { type Caller, SimulatedAws } from "./aws/simulated-aws";
import { sandboxEnvironment } from "./environment";
import type { EndpointOptions } from "./http/endpoint-options";
import { type RunningEndpoints, startEndpoints } from "./http/endpoint-server";
import { type InventoryItem, takeInventory } from "./inventory";
import type { ProviderOptions } from "./provider/provider-options";
import type { RunningProvider } from "./provider/provider-server";
import { startProviderProcess } from "./provider-process";
import { seedAccount } from "./seed";
import { TerraformRuns } from "./terraform-runs";
import { Workbench } from "./workbench";

/** Props of a {@link Sandbox}. */
export interface SandboxProps {
  /** Name of the account. */
  readonly workspace: string | undefined;
  /** Terraform or OpenTofu, as it can be started. */
  readonly program: string;
  /** Environment of the command; only what Terraform needs of it is handed on. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Root of the project. @default - the current folder */
  readonly projectDirectory?: string;
  /** What goes wrong in the simulated AWS. @default - nothing */
  readonly faults?: Faults;
  /** Starts the provider. @default - in a process of its own */
  readonly startProvider?: (options: ProviderOptions) => Promise<RunningProvider>;
  /** Starts S3, STS and KMS. @default - in this process */
  readonly startEndpoints?: (options: EndpointOptions) => Promise<RunningEndpoints>;
  /** Takes each resource that an apply is done with. @default - nobody */
  readonly onProgress?: (stackId: string, line: string) => void;
}

/** One account in the sandbox: its simulated AWS, its stacks, and Terraform between them. */
export class Sandbox {
  readonly account: AccountConfig;
  readonly workbench: Workbench;
  /** Terraform or OpenTofu, as it can be started. */
  readonly program: string;
  /** The account's objects. */
  readonly store: ObjectStore;
  private readonly projectDirectory: string;
  private readonly accountsDirectory: string;
  private provider: RunningProvider | undefined;
  private endpoints: RunningEndpoints | undefined;

  /** @throws {ValidationError} if there is no such account, or its file is refused */
  constructor(private readonly props: SandboxProps) {
    this.program = props.program;
    this.projectDirectory = props.projectDirectory ?? ".";
    this.accountsDirectory = join(this.projectDirectory, ACCOUNTS_DIRECTORY);
    this.account = loadAccount(this.accountsDirectory, props.workspace, "the account");
    this.workbench = new Workbench(this.projectDirectory, this.account);
    this.store = new ObjectStore(this.workbench.awsDirectory);
  }

  /**
   * Takes the account for this process, so that no other command works on it at the same time.
   *
   * @returns gives it back
   * @throws {ValidationError} if another process has it
   */
  lock(): () => void {
    const file = this.workbench.lockFile;
    mkdirSync(dirname(file), { recursive: true });
    while (!createLockFile(file)) {
      const holder = this.worker();
      if (holder !== undefined) {
        throw new ValidationError(
          `sandbox: account ${this.account.workspace} must be free, got another sandbox command at work on it, process ${holder}; wait for its end`,
        );
      }
      rmSync(file, { force: true });
    }
    return () => rmSync(file, { force: true });
  }

  /** The process that is at work on the account, if any. */
  worker(): number | undefined {
    const file = this.workbench.lockFile;
    const holder = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
    return holder > 0 && isAlive(holder) ? holder : undefined;
  }

  /**
   * Synthesizes the account, copies its stacks into the sandbox, and puts into the simulated account
   * what was there before.
   *
   * @param unprotect - whether Terraform may destroy what is protected
   * @throws {ValidationError} as a synth does
   */
  layOut({ unprotect }: { readonly unprotect: boolean } = { unprotect: false }): void {
    const { outputDirectory } = synthesize(
      this.account.workspace,
      join(this.projectDirectory, outputDirectoryOf(this.account.workspace)),
      this.accountsDirectory,
    );
    this.layOutFrom(outputDirectory, { unprotect });
  }

  /** The same with what has been synthesized already. */
  layOutFrom(outputDirectory: string, options: { readonly unprotect: boolean }): void {
    this.workbench.layOut(outputDirectory, options);
    seedAccount(this.store, this.account);
  }

  /** The stacks, in the order in which they are applied. */
  get folders(): readonly StackFolder[] {
    return this.workbench.folders();
  }

  /**
   * Starts the account's provider, unless it runs.
   *
   * @returns the value of `TF_REATTACH_PROVIDERS` by which Terraform finds it
   */
  async reattach(): Promise<string> {
    this.provider ??= await (this.props.startProvider ?? startProviderProcess)({
      directory: this.workbench.awsDirectory,
      caller: this.caller,
      faults: this.props.faults ?? {},
    });
    return this.provider.reattach;
  }

  /**
   * Environment in which Terraform works on the sandbox, as the deploy role and the writing state
   * role. Starts the provider and the endpoints, unless they run.
   */
  async environment(): Promise<NodeJS.ProcessEnv> {
    const { account, workbench } = this;
    this.endpoints ??= await (this.props.startEndpoints ?? startEndpoints)({
      directory: workbench.folder.root,
      accounts: [account],
    });
    writeAwsConfigFile(
      workbench.awsConfigFile,
      renderProfiles({
        account,
        purpose: "apply",
        sessionName: "sandbox",
        origin: { credentialSource: "Environment" },
      }),
    );
    return {
      ...sandboxEnvironment({
        env: this.props.env,
        folder: workbench.folder,
        endpoints: this.endpoints,
      }),
      AWS_CONFIG_FILE: workbench.awsConfigFile,
      TF_REATTACH_PROVIDERS: await this.reattach(),
    };
  }

  /** Terraform on the account's stacks. */
  async terraform(): Promise<TerraformRuns> {
    return new TerraformRuns({
      program: this.props.program,
      env: await this.environment(),
      workspace: this.account.workspace,
      onProgress: this.props.onProgress ?? (() => {}),
    });
  }

  /** The simulated AWS without faults, for what happens behind Terraform's back. */
  get aws(): SimulatedAws {
    return new SimulatedAws({
      store: this.store,
      caller: this.caller,
      faults: {},
      die: () => Promise.reject(new Error("nobody was told to die")),
    });
  }

  /** What exists in the simulated account. */
  inventory(): readonly InventoryItem[] {
    return takeInventory(this.store, this.account, this.workbench);
  }

  /** What a stack still waits for: outputs of other stacks that are not in their states. */
  missingOutputs(folder: StackFolder): readonly string[] {
    return [...neededOutputs(folder)].flatMap(([producer, outputs]) => {
      const file = this.workbench.stateFile(producer);
      const there = existsSync(file) ? readFileSync(file, "utf8") : "";
      return [...outputs].some((output) => !there.includes(`"${output}"`)) ? [producer] : [];
    });
  }

  /** Whether the provider has ended in the middle of its work. */
  hasProviderDied(): boolean {
    return this.provider?.hasEnded() === true;
  }

  /** Ends the provider and the endpoints. The account stays as it is. */
  close(): void {
    this.provider?.stop();
    this.provider = undefined;
    this.endpoints?.stop();
    this.endpoints = undefined;
  }

  private get caller(): Caller {
    const { id, partition, deployRole } = this.account;
    return { account: id, partition, roleArn: deployRole };
  }
}
