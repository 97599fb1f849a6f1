/** Terraform itself, for what `cdktf` does not do: workspaces, and a look into states. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { ValidationError } from "../modules/errors";
import { ProgramFailure, type ProgramResult, runProgram } from "./run-program";
import type { StackFolder } from "./stack-folders";

/** Terraform with the environment and the workspace of one account. */
export class Terraform {
  /**
   * @param env - environment without a workspace; `TERRAFORM_BINARY_NAME` is the program
   * @param workspace - the account's
   * @param progress - says what happens, a line at a time: a first init downloads a provider
   * @param logDirectory - folder in which the output of a command that failed is kept
   */
  constructor(
    private readonly env: NodeJS.ProcessEnv,
    private readonly workspace: string,
    private readonly progress: (line: string) => void,
    private readonly logDirectory: string,
  ) {}

  /**
   * Prepares a stack folder for work on its state; creates nothing, and moves no state: what an
   * earlier run has remembered of another backend is forgotten.
   *
   * @param flags - of `terraform init`, in addition
   * @throws {ValidationError} if there is no such program
   * @throws {ProgramFailure} if Terraform fails, or was told to stop
   */
  async init(folder: StackFolder, flags: readonly string[] = []): Promise<void> {
    if (this.env.TF_PLUGIN_CACHE_DIR) {
      mkdirSync(this.env.TF_PLUGIN_CACHE_DIR, { recursive: true });
    }
    // It remembers the workspace of the last run: init fails if that is gone since.
    rmSync(join(folder.directory, ".terraform", "environment"), { force: true });
    // And the backend, which init would offer to move the state from.
    rmSync(join(folder.directory, ".terraform", "terraform.tfstate"), { force: true });
    this.progress(`${folder.id}: terraform init`);
    await this.run(folder, ["init", "-input=false", ...flags]);
  }

  /** Whether the account's workspace exists for that stack: whether it was ever deployed. */
  async hasWorkspace(folder: StackFolder): Promise<boolean> {
    const { stdout } = await this.run(folder, ["workspace", "list"]);
    return stdout.split("\n").some((line) => line.replace("*", "").trim() === this.workspace);
  }

  /** Selects the account's workspace, which must exist. */
  async selectWorkspace(folder: StackFolder): Promise<void> {
    await this.run(folder, ["workspace", "select", this.workspace]);
  }

  /** Selects the account's workspace, and makes it if it does not exist: writes an empty state. */
  async ensureWorkspace(folder: StackFolder): Promise<void> {
    // With TF_WORKSPACE alone, init asks a question nobody answers, and hangs:
    // https://github.com/hashicorp/terraform/issues/21393
    await this.run(folder, ["workspace", "select", "-or-create", this.workspace]);
  }

  /** Names of the outputs in a stack's state. The workspace must exist. */
  async outputNames(folder: StackFolder): Promise<ReadonlySet<string>> {
    const { stdout } = await this.runIn(folder, ["output", "-json"]);
    return new Set(Object.keys(z.record(z.string(), z.unknown()).parse(JSON.parse(stdout))));
  }

  /** Whether a stack's state holds a resource. The workspace must exist. */
  async holdsResources(folder: StackFolder): Promise<boolean> {
    const { stdout } = await this.runIn(folder, ["state", "pull"]);
    // A state that nothing was ever written to may be no text at all.
    return stdout.trim() !== "" && stateSchema.parse(JSON.parse(stdout)).resources.some(isManaged);
  }

  /** Runs a command in the account's workspace, which must exist; returns what it wrote. */
  runIn(folder: StackFolder, args: readonly string[]): Promise<ProgramResult> {
    return this.run(folder, args, { TF_WORKSPACE: this.workspace });
  }

  private async run(
    { id, directory }: StackFolder,
    args: readonly string[],
    extraEnv: NodeJS.ProcessEnv = {},
  ): Promise<ProgramResult> {
    const program = this.env.TERRAFORM_BINARY_NAME ?? "terraform";
    let result: ProgramResult;
    try {
      result = await runProgram(program, args, {
        directory,
        env: { ...this.env, ...extraEnv },
        interactive: false,
        // `import`, `force-unlock` and `state push` write: a second Ctrl-C must not end them half-way.
        ownGroup: true,
        output: "keep",
      });
    } catch (error) {
      if (isMissing(error)) {
        throw new ValidationError(
          `TERRAFORM_BINARY_NAME must name a program that can be run, got ${program}; install Terraform (https://developer.hashicorp.com/terraform/install), or name the program by TERRAFORM_BINARY_NAME`,
        );
      }
      throw error;
    }
    if (result.code !== 0 || result.stopCode !== undefined) {
      const said = `${result.stdout}${result.stderr}`;
      throw new ProgramFailure(
        `${said}${id}: terraform ${args.join(" ")} ${
          result.stopCode === undefined
            ? `failed with exit code ${result.code}; its message is above, and in ${this.keep(id, args, said)}`
            : "was stopped"
        }`,
        result.code || (result.stopCode ?? 1),
        result.stopCode !== undefined,
      );
    }
    return result;
  }

  private keep(stackId: string, [command = ""]: readonly string[], said: string): string {
    const file = join(this.logDirectory, `${stackId}.${command}.log`);
    mkdirSync(this.logDirectory, { recursive: true });
    writeFileSync(file, said, { mode: 0o600 });
    return file;
  }
}

const stateSchema = z.object({ resources: z.array(z.object({ mode: z.string() })).default([]) });

function isManaged({ mode }: { readonly mode: string }): boolean {
  return mode === "managed";
}

function isMissing(error: unknown): boolean {
  return (
    typeof error === "object" &&
    error !== null &&
    "code" in error &&
    (error.code === "ENOENT" || error.code === "EACCES")
  );
}
