/** Terraform on one account's stacks: saved plans, and applies of exactly those. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import * as z from "zod";
import { ValidationError } from "../../modules/errors";
import { copyLockFileFrom, LOCK_FILE, type StackFolder } from "../stack-folders";
import type { Terraform } from "../terraform";
import {
  type Diagnostic,
  parseMessage,
  showDiagnostic,
  type TerraformMessage,
} from "../terraform-messages";
import { runLogged } from "./logged-run";
import { ChangeReader, type StackChanges } from "./stack-changes";
import type { StopRequest } from "./stop-request";

/** Props of {@link StackTerraform}. */
export interface StackTerraformProps {
  readonly terraform: Terraform;
  /** Environment without a workspace; `TERRAFORM_BINARY_NAME` is the program. */
  readonly env: NodeJS.ProcessEnv;
  readonly workspace: string;
  /** Folder for the logs of this run. */
  readonly logDirectory: string;
  /** Resources of one stack that Terraform works on at a time: see {@link operationsAtATime}. */
  readonly operationsAtATime: number;
  readonly stop: StopRequest;
  /** Tells the person what Terraform warns of in a run that goes well. */
  readonly warn: (line: string) => void;
  /** Shared by all accounts of a command. */
  readonly initOrder: InitOrder;
}

/** What Terraform is and which version. */
export interface TerraformVersion {
  /** Such as `1.11.4`. */
  readonly version: string;
}

/** How a plan or an apply ended. */
export interface StackRun {
  readonly ok: boolean;
  /** Whether it ended early because somebody asked for that. */
  readonly stopped: boolean;
  /** Errors and warnings. */
  readonly diagnostics: readonly Diagnostic[];
  readonly changes: StackChanges;
  /** Everything that Terraform said. */
  readonly logFile: string;
}

/** How a plan ended. */
export interface PlanRun extends StackRun {
  /** Whether applying it would do anything, if only write outputs or addresses. */
  readonly pending: boolean;
}

/** How a plan is made. */
export interface PlanOptions {
  /** Absolute path of the file that it is saved in. */
  readonly planFile: string;
  /** Whether Terraform takes the lock of the state. */
  readonly lock: boolean;
  /** Flags in addition, such as `-destroy`. */
  readonly flags?: readonly string[];
  /** Takes a line of progress. */
  readonly onProgress?: (line: string) => void;
}

/**
 * Resources of one stack that Terraform works on at a time.
 *
 * AWS limits the rate of calls by account and region, so that a stack that spreads over regions can do
 * more at a time than one that does not: five in each, and no less than Terraform does by itself.
 *
 * @param regionCount - regions of the account
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/request-throttling.html
 * @see https://developer.hashicorp.com/terraform/cli/commands/apply#parallelism-n
 */
export function operationsAtATime(regionCount: number): number {
  return Math.max(TERRAFORM_DEFAULT_PARALLELISM, OPERATIONS_PER_REGION * regionCount);
}

// A plan of somebody else holds a state for moments: an apply that has begun must not fail of that.
const LOCK_TIMEOUT = "2m";
const TERRAFORM_DEFAULT_PARALLELISM = 10;
const OPERATIONS_PER_REGION = 5;

/** Lets the first init of a command end before any other begins: it fills the plugin cache. */
export interface InitOrder {
  /** Gives the provider lock file of the stack that was first, if it has one. */
  first?: Promise<string | undefined>;
}

/** Terraform on one account's stacks. */
export class StackTerraform {
  private readonly initialized = new Map<string, Promise<void>>();
  private readonly prepared = new Map<string, Promise<void>>();

  constructor(private readonly props: StackTerraformProps) {}

  /**
   * Initializes a stack folder, once per run: writes no state.
   *
   * @param providers - `as locked`: the provider lock file, if there is one, stays as it is, byte for
   *   byte, though Terraform would add the checksums of this platform
   * @throws {ProgramFailure} if Terraform fails
   */
  initialize(folder: StackFolder, providers: "any" | "as locked" = "any"): Promise<void> {
    return once(this.initialized, folder.id, () => this.init(folder, providers));
  }

  /**
   * Initializes a stack folder and, if told to, makes the account's workspace, once per run.
   *
   * @throws {ProgramFailure} if Terraform fails
   */
  prepare(folder: StackFolder, workspace: "exists" | "make"): Promise<void> {
    return once(this.prepared, folder.id, async () => {
      await this.initialize(folder);
      if (workspace === "make") {
        await this.props.terraform.ensureWorkspace(folder);
      }
    });
  }

  /** The version of Terraform, as its plans carry it. */
  async version(folder: StackFolder): Promise<TerraformVersion> {
    const { stdout } = await this.props.terraform.runIn(folder, ["version", "-json"]);
    const { terraform_version: version } = versionSchema.parse(JSON.parse(stdout));
    return { version };
  }

  /** Plans a stack and saves the plan. */
  async plan(
    folder: StackFolder,
    { planFile, lock, flags = [], onProgress }: PlanOptions,
  ): Promise<PlanRun> {
    // A plan of an earlier run must not be taken for the one that failed.
    rmSync(planFile, { force: true });
    const { code, ...run } = await this.run(
      folder,
      "plan",
      [
        "-json",
        "-input=false",
        "-detailed-exitcode",
        `-lock=${lock}`,
        `-out=${planFile}`,
        ...flags,
      ],
      onProgress,
    );
    return { ...run, ok: code === 0 || code === 2, pending: code === 2 };
  }

  /** Applies a saved plan. */
  async apply(
    folder: StackFolder,
    planFile: string,
    onProgress?: (line: string) => void,
  ): Promise<StackRun> {
    const { code, ...run } = await this.run(
      folder,
      "apply",
      ["-json", "-input=false", planFile],
      onProgress,
    );
    return { ...run, ok: code === 0 };
  }

  /** A saved plan in words for a person. */
  async describePlan(folder: StackFolder, planFile: string): Promise<string> {
    const { stdout } = await this.props.terraform.runIn(folder, ["show", "-no-color", planFile]);
    return stdout;
  }

  /** A saved plan as JSON, parsed by a schema. */
  async planJson<T>(folder: StackFolder, planFile: string, schema: z.ZodType<T>): Promise<T> {
    const { stdout } = await this.props.terraform.runIn(folder, ["show", "-json", planFile]);
    return schema.parse(JSON.parse(stdout));
  }

  private async init(folder: StackFolder, providers: "any" | "as locked"): Promise<void> {
    const { terraform, initOrder } = this.props;
    const lockFile = join(folder.directory, LOCK_FILE);
    const flags = providers === "as locked" && existsSync(lockFile) ? ["-lockfile=readonly"] : [];
    if (initOrder.first === undefined) {
      // Terraform's plugin cache takes no two writers: https://github.com/hashicorp/terraform/issues/31964
      const first = terraform
        .init(folder, flags)
        .then(() => (existsSync(lockFile) ? resolve(lockFile) : undefined));
      initOrder.first = first.catch(() => undefined);
      await first;
      return;
    }
    const lock = await initOrder.first;
    if (lock !== undefined && providers === "any") {
      // One for all: nothing is downloaded a second time, and a plan set knows one only.
      copyLockFileFrom(lock, folder);
    }
    await terraform.init(folder, flags);
  }

  private async run(
    folder: StackFolder,
    name: "plan" | "apply",
    args: readonly string[],
    onProgress: (line: string) => void = () => {},
  ): Promise<{
    readonly code: number;
    readonly stopped: boolean;
    readonly diagnostics: readonly Diagnostic[];
    readonly changes: StackChanges;
    readonly logFile: string;
  }> {
    const { env, workspace, logDirectory, operationsAtATime: parallelism, stop, warn } = this.props;
    mkdirSync(logDirectory, { recursive: true });
    const logFile = join(logDirectory, `${folder.id}.${name}.jsonl`);
    const reader = new ChangeReader();
    const diagnostics: Diagnostic[] = [];
    const program = env.TERRAFORM_BINARY_NAME ?? "terraform";
    const take = (line: string) => {
      const message = parseMessage(line);
      if (message === undefined) {
        if (line.trim() !== "") {
          diagnostics.push({ severity: "error", summary: line, detail: "" });
        }
        return;
      }
      reader.take(message);
      if (message.diagnostic !== undefined) {
        diagnostics.push(message.diagnostic);
      }
      if (isProgress(message)) {
        onProgress(message["@message"]);
      }
    };
    const code = await runLogged({
      program,
      args: [
        name,
        "-no-color",
        ...unlessSet(env, name, { parallelism, "lock-timeout": LOCK_TIMEOUT }),
        ...args,
      ],
      directory: folder.directory,
      env: { ...env, TF_WORKSPACE: workspace },
      logFile,
      stop,
      onLine: take,
    }).catch((error: unknown) => {
      throw new ValidationError(
        `${folder.id}: Terraform must be startable, got ${String(error)}; install ${program}, or name another program by TERRAFORM_BINARY_NAME`,
      );
    });
    for (const warning of diagnostics.filter(({ severity }) => severity === "warning")) {
      warn(`${folder.id}: ${showDiagnostic(warning)}`);
    }
    return {
      code,
      stopped: stop.requested && code !== 0,
      diagnostics,
      changes: reader.changes,
      logFile,
    };
  }
}

/**
 * Flags, but those that the person has set by Terraform's own variables: of two equal flags Terraform
 * takes the one of the command line.
 *
 * @see https://developer.hashicorp.com/terraform/cli/config/environment-variables#tf_cli_args-and-tf_cli_args_name
 */
function unlessSet(
  env: NodeJS.ProcessEnv,
  command: "plan" | "apply",
  flags: Readonly<Record<string, string | number>>,
): readonly string[] {
  const own = `${env.TF_CLI_ARGS ?? ""} ${env[`TF_CLI_ARGS_${command}`] ?? ""}`.split(/\s+/);
  return Object.entries(flags)
    .filter(([flag]) => !own.some((given) => given.replace(/^--?/, "").startsWith(`${flag}=`)))
    .map(([flag, value]) => `-${flag}=${value}`);
}

/** Does work once for each name. */
function once(
  known: Map<string, Promise<void>>,
  name: string,
  work: () => Promise<void>,
): Promise<void> {
  const begun = known.get(name) ?? work();
  known.set(name, begun);
  return begun;
}

/** Errors of a run, and where the rest of what Terraform said is. */
export function describeFailure(stackId: string, { diagnostics, logFile }: StackRun): string {
  const errors = diagnostics.filter(({ severity }) => severity === "error").map(showDiagnostic);
  return `${errors.map((error) => `${stackId}: ${error}\n`).join("")}${stackId}: the whole log is in ${logFile}`;
}

const versionSchema = z.object({ terraform_version: z.string() });

/** Data sources are read with every plan: nobody waits for them. */
function isProgress({ type, "@message": message }: TerraformMessage): boolean {
  return ["apply_complete", "apply_errored"].includes(type) && !message.startsWith("data.");
}
