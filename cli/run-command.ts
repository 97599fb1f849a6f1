import { ValidationError } from "../modules/errors";
import type { Command, CommandIo } from "./io";

/**
 * Runs the command that the process was started for: its name is the first argument. Sets the
 * process's exit code.
 *
 * @param commands - by name
 */
export function runCommand(commands: Readonly<Record<string, Command>>): void {
  // Whoever reads the output may stop reading: that must not kill an apply in the middle.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", () => {});
  }
  void run(commands, process.argv.slice(2), {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    env: process.env,
    interactive: process.stdin.isTTY === true,
    nodeVersion: process.versions.node,
  }).then((code) => {
    process.exitCode = code;
  });
}

async function run(
  commands: Readonly<Record<string, Command>>,
  [name = "", ...argv]: readonly string[],
  io: CommandIo,
): Promise<number> {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    io.err(`the command must be one of ${Object.keys(commands).join(", ")}, got '${name}'\n`);
    return 1;
  }
  try {
    return await command(argv, io);
  } catch (error) {
    if (!(error instanceof ValidationError)) {
      throw error;
    }
    io.err(`${error.message}\n`);
    return 1;
  }
}
