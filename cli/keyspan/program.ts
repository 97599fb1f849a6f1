import { Command, CommanderError } from "commander";
import { ValidationError } from "../../modules/errors";
import type { CommandIo } from "../io";
import { ProgramFailure } from "../run-program";
import { defineAccounts } from "./accounts";
import { defineApply } from "./apply";
import { defineBootstrap } from "./bootstrap";
import { type Act, type DefineCommand, EXIT_CODE, UsageError } from "./command";
import { defineDestroy } from "./destroy";
import { defineDoctor } from "./doctor";
import { definePermissions } from "./permissions";
import { definePlan } from "./plan";
import { defineImport, definePushState, defineUnlock, defineUntaint } from "./recover";
import { defineStatus } from "./status";

const COMMANDS: readonly DefineCommand[] = [
  defineAccounts,
  definePlan,
  defineApply,
  defineStatus,
  defineDestroy,
  defineUnlock,
  defineImport,
  defineUntaint,
  definePushState,
  defineBootstrap,
  defineDoctor,
  definePermissions,
];

/**
 * Runs `npm run keyspan -- <argv>`; returns the exit code.
 *
 * Results go to `io.out`, progress and messages to `io.err`.
 */
export async function runKeyspan(argv: readonly string[], io: CommandIo): Promise<number> {
  let exitCode: number = EXIT_CODE.done;
  const program = new Command("keyspan")
    .description("Plans and applies Keyspan's stacks, for one AWS account or all of them.")
    .option("--json", "print the result as JSON")
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showSuggestionAfterError()
    .addHelpText(
      "after",
      `
Exit codes: 0 done or nothing to do, 2 changes pending, 1 failed, 64 wrong usage.

Examples:
  npm run keyspan -- accounts
  npm run keyspan -- plan prod
  npm run keyspan -- apply prod --digest <sha256>
  npm run keyspan -- status --all`,
    );
  const act: Act =
    (work) =>
    async (...args) => {
      const { exitCode: code, text, json } = await work(...args);
      exitCode = code;
      io.out(program.opts().json === true ? `${JSON.stringify(json, null, 2)}\n` : text);
    };
  for (const define of COMMANDS) {
    define(program, io, act);
  }
  for (const command of program.commands) {
    // Settings of the program reach only the commands that it makes itself.
    command.copyInheritedSettings(program).option("--json", "print the result as JSON");
    command.hook("preAction", (_, action) => {
      if (action.opts().json === true) {
        program.setOptionValue("json", true);
      }
    });
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? EXIT_CODE.done : EXIT_CODE.usage;
    }
    if (error instanceof ValidationError || error instanceof ProgramFailure) {
      io.err(`${error.message}\n`);
      if (argv.includes("--json")) {
        io.out(`${JSON.stringify({ error: error.message }, null, 2)}\n`);
      }
      return error instanceof UsageError ? EXIT_CODE.usage : EXIT_CODE.failed;
    }
    throw error;
  }
}
