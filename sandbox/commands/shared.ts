/** What the sandbox's commands have in common: their arguments, and the account they work on. */
import { parseArgs } from "node:util";
import type { CommandIo } from "../../cli/io";
import { ProgramFailure } from "../../cli/run-program";
import type { StackFolder } from "../../cli/stack-folders";
import { showValue, ValidationError } from "../../modules/errors";
import { FAULT_FLAGS, type Faults } from "../aws/faults";
import { Sandbox } from "../sandbox";
import { requireTerraform } from "../terraform-program";

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
      } else if (name === "unprotect" && value === undefined) {
        unprotect = true;
      } else if (name === "unprotect") {
        problems.push(
          `${command}: ${rawName} must stand alone, got ${showValue(value)}; remove the value, or the flag`,
        );
      } else if (value === undefined || !/^[1-9]\d{0,5}$/.test(value)) {
        problems.push(
          `${command}: ${rawName} must be a whole number from 1 to 999999, got ${showValue(value)}; write ${rawName}=3`,
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
 * Splits off the faults that stand before another command, whose own flags stand behind its name.
 *
 * @param command - name of the sandbox's command, as messages show it
 * @throws {ValidationError} with every fault that has a wrong value
 */
export function splitFaults(
  command: string,
  argv: readonly string[],
): { readonly faults: Faults; readonly rest: readonly string[] } {
  let end = 0;
  for (;;) {
    const [, name = "", value] = /^--([^=]+)(=.*)?$/.exec(argv[end] ?? "") ?? [];
    if (!Object.hasOwn(FAULT_FLAGS, name)) {
      break;
    }
    end = Math.min(end + (value === undefined ? 2 : 1), argv.length);
  }
  const { faults } = parseSandboxArguments(command, argv.slice(0, end), { faults: true });
  return { faults, rest: argv.slice(end) };
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

/** The stack of that id. @throws {ValidationError} if the account has none */
export function stackNamed(command: string, { folders }: Sandbox, id: string): StackFolder {
  const folder = folders.find((candidate) => candidate.id === id);
  if (folder === undefined) {
    throw new ValidationError(
      `${command}: the stack must be one of ${folders.map((candidate) => candidate.id).join(", ")}, got ${showValue(id)}; correct it`,
    );
  }
  return folder;
}
