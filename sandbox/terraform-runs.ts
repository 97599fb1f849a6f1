/** Terraform on stacks of the sandbox: what its commands say in JSON, read as it comes. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { ProgramFailure, runProgram } from "../cli/run-program";
import type { StackFolder } from "../cli/stack-folders";
import { showValue, ValidationError } from "../modules/errors";

/** How many resources a plan or an apply touches. */
export interface ChangeCounts {
  readonly add: number;
  readonly change: number;
  readonly remove: number;
  readonly import: number;
}

/** What Terraform said and did. */
export interface TerraformResult {
  readonly code: number;
  /** Of the plan, apply or destroy; `undefined` if it did not get that far. */
  readonly changes?: ChangeCounts;
  /** What it changed in place, made, destroyed, or would, such as `create aws_kms_key.archive`. */
  readonly actions: readonly string[];
  /** Errors and warnings, each as a text of several lines. */
  readonly problems: readonly string[];
}

/** Props of {@link TerraformRuns}. */
export interface TerraformRunsProps {
  /** Terraform or OpenTofu. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  readonly workspace: string;
  /** Takes each resource that an apply is done with. */
  readonly onProgress: (stackId: string, line: string) => void;
}

const PLAN_FILE = "sandbox.tfplan";

const diagnosticSchema = z.object({
  severity: z.string(),
  summary: z.string(),
  detail: z.string(),
  address: z.string().optional(),
});

const messageSchema = z.object({
  type: z.string(),
  "@message": z.string(),
  changes: z
    .object({
      add: z.number(),
      change: z.number(),
      remove: z.number(),
      import: z.number().default(0),
    })
    .optional(),
  change: z.object({ action: z.string(), resource: z.object({ addr: z.string() }) }).optional(),
  diagnostic: diagnosticSchema.optional(),
});

const stateSchema = z.object({
  resources: z
    .array(
      z.object({
        mode: z.string(),
        type: z.string(),
        name: z.string(),
        instances: z.array(
          z.object({
            status: z.string().optional(),
            attributes: z.record(z.string(), z.unknown()),
          }),
        ),
      }),
    )
    .default([]),
});

/** A resource in a state. */
export interface StateResource {
  readonly address: string;
  readonly type: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Whether its creation failed half-way: the next apply would replace it. */
  readonly tainted: boolean;
}

/** Terraform with the environment and the workspace of one account. */
export class TerraformRuns {
  constructor(private readonly props: TerraformRunsProps) {}

  /**
   * Prepares a stack, unless that was done. The first command that uses its state makes the
   * account's workspace.
   *
   * @throws {ProgramFailure} if Terraform fails
   */
  async prepare(folder: StackFolder): Promise<void> {
    // Where Terraform keeps the backend that it was initialized with.
    if (!existsSync(join(folder.directory, ".terraform", "terraform.tfstate"))) {
      // Of a workspace that does not exist yet, init asks which one is meant instead:
      // https://github.com/hashicorp/terraform/issues/21393
      await this.require(folder, ["init", "-input=false", "-no-color"], "default");
    }
  }

  /** Checks a stack's configuration without its state. */
  validate(folder: StackFolder): Promise<TerraformResult> {
    return this.json(folder, ["validate", "-json"], "document");
  }

  /** Plans a stack and keeps the plan for {@link apply}. */
  plan(folder: StackFolder, ...flags: string[]): Promise<TerraformResult> {
    return this.json(folder, ["plan", "-json", "-input=false", `-out=${PLAN_FILE}`, ...flags]);
  }

  /** What {@link plan} kept, in words for a person. */
  showPlan(folder: StackFolder): Promise<{ code: number; text: string }> {
    return this.command(folder, "show", "-no-color", PLAN_FILE);
  }

  /** Applies what {@link plan} kept. */
  apply(folder: StackFolder): Promise<TerraformResult> {
    return this.json(folder, ["apply", "-json", "-input=false", PLAN_FILE]);
  }

  /** Plans and applies in one, as `terraform apply` does. */
  planAndApply(folder: StackFolder, ...flags: string[]): Promise<TerraformResult> {
    return this.json(folder, ["apply", "-json", "-input=false", "-auto-approve", ...flags]);
  }

  /** Takes an object over into a stack's state. */
  async import(folder: StackFolder, address: string, importId: string): Promise<void> {
    await this.require(folder, ["import", "-input=false", "-no-color", address, importId]);
  }

  /** Keeps a resource whose making failed half-way: the next apply finishes it instead of replacing it. */
  async untaint(folder: StackFolder, address: string): Promise<void> {
    await this.require(folder, ["untaint", "-no-color", address]);
  }

  /** Runs any other command of Terraform; returns what it wrote. */
  async command(folder: StackFolder, ...args: string[]): Promise<{ code: number; text: string }> {
    const { code, stdout, stderr } = await this.run(folder, args);
    return { code, text: `${stdout}${stderr}` };
  }

  private async require(
    folder: StackFolder,
    args: readonly string[],
    workspace?: string,
  ): Promise<void> {
    const { code, stdout, stderr, stopCode } = await this.run(folder, args, undefined, workspace);
    if (code !== 0 || stopCode !== undefined) {
      throw new ProgramFailure(
        `${stdout}${stderr}${folder.id}: ${args[0]} ${stopCode === undefined ? `failed with exit code ${code}; its message is above` : "was stopped"}`,
        code || (stopCode ?? 1),
        stopCode !== undefined,
      );
    }
  }

  private async json(
    folder: StackFolder,
    args: readonly string[],
    form: "lines" | "document" = "lines",
  ): Promise<TerraformResult> {
    let changes: ChangeCounts | undefined;
    const actions: string[] = [];
    const problems: string[] = [];
    const take = (line: string) => {
      const message = parseMessage(line);
      if (message === undefined) {
        problems.push(line);
        return;
      }
      changes = message.changes ?? changes;
      if (message.diagnostic !== undefined) {
        problems.push(showDiagnostic(message.diagnostic));
      }
      if (message.type === "planned_change" && message.change !== undefined) {
        actions.push(`${message.change.action} ${message.change.resource.addr}`);
      }
      // Data sources complete too, with every plan.
      if (message.type === "apply_complete" && !message["@message"].startsWith("data.")) {
        this.props.onProgress(folder.id, message["@message"]);
      }
    };
    const result = await this.run(
      folder,
      [...args, "-no-color"],
      form === "lines" ? take : undefined,
    );
    if (form === "document") {
      const { diagnostics } = validationSchema.parse(JSON.parse(result.stdout));
      problems.push(...diagnostics.map(showDiagnostic));
    }
    if (result.stderr !== "") {
      problems.push(result.stderr);
    }
    if (result.stopCode !== undefined) {
      throw new ProgramFailure(
        `${problems.join("\n")}\n${folder.id}: ${args[0]} was stopped`,
        result.code || result.stopCode,
        true,
      );
    }
    return { code: result.code, ...(changes && { changes }), actions, problems };
  }

  private run(
    folder: StackFolder,
    args: readonly string[],
    onLine?: (line: string) => void,
    workspace = this.props.workspace,
  ) {
    return runProgram(this.props.program, args, {
      directory: folder.directory,
      env: { ...this.props.env, TF_WORKSPACE: workspace },
      interactive: false,
      output: "keep",
      ...(onLine && { onLine }),
    });
  }
}

/** The resources in a state file; none if there is no such file. */
export function readState(file: string): readonly StateResource[] {
  if (!existsSync(file)) {
    return [];
  }
  return parseState(file)
    .resources.filter(({ mode }) => mode === "managed")
    .flatMap(({ type, name, instances }) =>
      instances.map(({ attributes, status }) => ({
        address: `${type}.${name}`,
        type,
        attributes,
        tainted: status === "tainted",
      })),
    );
}

function parseState(file: string): z.output<typeof stateSchema> {
  const text = readFileSync(file, "utf8");
  try {
    return stateSchema.parse(text === "" ? {} : JSON.parse(text));
  } catch {
    throw new ValidationError(
      `${file}: a state must be as Terraform wrote it, got ${showValue(text)}; correct the file, or remove the account from the sandbox: npm run sandbox -- down <account>`,
    );
  }
}

const validationSchema = z.object({ diagnostics: z.array(diagnosticSchema) });

function parseMessage(line: string): z.output<typeof messageSchema> | undefined {
  try {
    return messageSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function showDiagnostic({
  severity,
  summary,
  detail,
  address,
}: z.output<typeof diagnosticSchema>): string {
  return [
    `${severity === "error" ? "Error" : "Warning"}: ${summary}`,
    ...(address === undefined ? [] : [`  with ${address}`]),
    ...(detail === "" ? [] : [detail]),
  ].join("\n");
}
