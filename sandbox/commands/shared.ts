/** What the sandbox's commands have in common: their arguments, the account they work on, and what they print. */
import { parseArgs } from "node:util";
import type { CommandIo } from "../../cli/io";
import { ProgramFailure } from "../../cli/run-program";
import { showValue, ValidationError } from "../../modules/errors";
import { FAULT_FLAGS, type Faults } from "../aws/faults";
import { type InventoryItem, importCommand } from "../inventory";
import { Sandbox } from "../sandbox";
import { requireTerraform } from "../terraform-program";
import type { ChangeCounts, TerraformResult } from "../terraform-runs";

/** What a person gave a command. */
export interface SandboxArguments {
  readonly positionals: readonly string[];
  readonly faults: Faults;
  readonly unprotect: boolean;
}

/**
 * Splits the arguments of a sandbox command.
 *
 * @param command - its name, as messages show it
 * @param accepted - the flags that it takes
 * @throws {ValidationError} with every flag that is unknown or has a wrong value
 */
export function parseSandboxArguments(
  command: string,
  argv: readonly string[],
  accepted: { readonly faults?: boolean; readonly unprotect?: boolean } = {},
): SandboxArguments {
  const faultFlags = accepted.faults === true ? Object.keys(FAULT_FLAGS) : [];
  const known = [...faultFlags, ...(accepted.unprotect === true ? ["unprotect"] : [])];
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    options: Object.fromEntries(faultFlags.map((flag) => [flag, { type: "string" }])),
  });
  const positionals: string[] = [];
  const problems: string[] = [];
  const faults: Record<string, number> = {};
  let unprotect = false;
  for (const token of tokens) {
    if (token.kind === "positional") {
      positionals.push(token.value);
    } else if (token.kind === "option") {
      const { name, rawName, value } = token;
      if (!known.includes(name)) {
        problems.push(
          `${command}: a flag must be one of ${known.map((flag) => `--${flag}`).join(", ") || "none"}, got ${rawName}; remove it`,
        );
      } else if (name === "unprotect") {
        unprotect = true;
      } else if (value === undefined || !/^\d{1,6}$/.test(value)) {
        problems.push(
          `${command}: ${rawName} must be a whole number of at most six digits, got ${showValue(value)}; write ${rawName}=3`,
        );
      } else {
        faults[FAULT_FLAGS[name as keyof typeof FAULT_FLAGS]] = Number(value);
      }
    }
  }
  if (problems.length > 0) {
    throw new ValidationError(problems.join("\n"));
  }
  return { positionals, faults, unprotect };
}

/**
 * The account that was named, and nothing more.
 *
 * @throws {ValidationError} if more was named
 */
export function onlyAccount(
  command: string,
  [workspace, ...surplus]: readonly string[],
): string | undefined {
  if (surplus.length > 0) {
    throw new ValidationError(
      `${command}: one account must be given, got ${showValue(surplus.join(" "))} too; call it once for each account`,
    );
  }
  return workspace;
}

/**
 * Works on an account in the sandbox, with nobody else beside, and ends the provider afterwards.
 *
 * @returns the exit code: that of `work`, or of the program that failed
 */
export async function inSandbox(
  io: CommandIo,
  props: { readonly workspace: string | undefined; readonly faults?: Faults },
  work: (sandbox: Sandbox) => Promise<number>,
): Promise<number> {
  const sandbox = new Sandbox({
    ...props,
    program: await requireTerraform(io),
    env: io.env,
    ...(io.projectDirectory !== undefined && { projectDirectory: io.projectDirectory }),
    onProgress: (stackId, line) => io.out(`${stackId}: ${line}\n`),
  });
  const release = sandbox.lock();
  try {
    return await work(sandbox);
  } catch (error) {
    if (!(error instanceof ProgramFailure)) {
      throw error;
    }
    io.err(`${error.message}\n`);
    return error.exitCode;
  } finally {
    sandbox.close();
    release();
  }
}

/** Prints what a Terraform command complained about: errors, or the warnings of one that went well. */
export function printProblems(io: CommandIo, stackId: string, { problems }: TerraformResult): void {
  io.err(problems.map((problem) => `${stackId}: ${problem}\n`).join(""));
}

/** Prints why a Terraform command failed on a stack, and what it has made unseen; returns its exit code. */
export function reportFailure(
  io: CommandIo,
  sandbox: Sandbox,
  stackId: string,
  result: TerraformResult,
): number {
  printProblems(io, stackId, result);
  if (sandbox.hasProviderDied()) {
    io.err("The provider's process died; run the same command again.\n");
  }
  io.err(showUnseen(sandbox.account.workspace, sandbox.inventory()));
  return result.code;
}

/** Counts of a plan or an apply, in Terraform's words. */
export function showCounts(changes: ChangeCounts | undefined): string {
  const { add = 0, change = 0, remove = 0, import: imported = 0 } = changes ?? {};
  return [
    ...(imported > 0 ? [`${imported} to import`] : []),
    `${add} to add`,
    `${change} to change`,
    `${remove} to destroy`,
  ].join(", ");
}

/** Whether a plan or an apply changes anything. */
export function changesAnything(changes: ChangeCounts | undefined): boolean {
  return Object.values(changes ?? {}).some((count) => count > 0);
}

/** What exists per region, a line per object. */
export function showInventory(items: readonly InventoryItem[]): string {
  const regions = [...new Set(items.map(({ region }) => region))];
  return regions
    .map((region) => {
      const lines = items
        .filter((item) => item.region === region)
        .map(
          ({ type, name, detail = "", status, stack, address }) =>
            `  ${type.padEnd(30)} ${name.padEnd(28)} ${[detail, whereabouts(status, stack, address)].filter((text) => text !== "").join("  ")}`,
        );
      return `${region ?? "global"}\n${lines.join("\n")}\n`;
    })
    .join("");
}

function whereabouts(
  status: InventoryItem["status"],
  stack: string | undefined,
  address: string | undefined,
): string {
  switch (status) {
    case "managed":
      return `${stack}: ${address}`;
    case "unseen":
      return "in no state, see below";
    case "ending":
      return "in no state, waits for its deletion, see below";
    case "foreign":
      return "in no state, and no stack has it, see below";
  }
}

/** The objects that no state has although a stack is to have them, each with the command that adopts it. */
export function showUnseen(workspace: string, items: readonly InventoryItem[]): string {
  return showWithCommands(
    `These exist in account ${workspace} and in no state; the next apply would make them a second time, or fail. Take each over:`,
    items.filter(({ status }) => status === "unseen"),
    (item) => [importCommand(workspace, item)],
  );
}

/** The other objects that no state has, each with what would adopt it. */
export function showStrangers(workspace: string, items: readonly InventoryItem[]): string {
  return [
    showWithCommands(
      "These wait for their deletion. To have one back:",
      items.filter(({ status }) => status === "ending"),
      (item) => [
        `npm run sandbox -- drift ${workspace} cancel-deletion ${item.name} ${item.region}`,
        importCommand(workspace, item),
      ],
    ),
    showWithCommands(
      "No stack has a resource for these. Once one has (README: adopt), it takes each over:",
      items.filter(({ status }) => status === "foreign"),
      (item) => [importCommand(workspace, item)],
    ),
  ].join("");
}

function showWithCommands(
  heading: string,
  items: readonly InventoryItem[],
  commandsOf: (item: InventoryItem) => readonly string[],
): string {
  const lines = items.flatMap((item) => [
    `  ${item.type} ${item.name} in ${item.region ?? "no region"}`,
    ...commandsOf(item).map((command) => `    ${command}`),
  ]);
  return lines.length === 0 ? "" : `\n${heading}\n${lines.join("\n")}\n`;
}
