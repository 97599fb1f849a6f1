import { createInterface } from "node:readline/promises";
import { ValidationError } from "../modules/errors";
import type { Command, CommandIo } from "./io";

/**
 * Runs the command that the process was started for: its name is the first argument. Sets the
 * process's exit code.
 *
 * @param commands - by name
 */
export function runCommand(commands: Readonly<Record<string, Command>>): void {
  startCommand((argv, io) => run(commands, argv, io));
}

/**
 * Does the work that the process was started for, with all its arguments. Sets the process's exit
 * code.
 */
export function startCommand(work: Command): void {
  // The versions that are installed are pinned, and run on Node 20.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
  // Whoever reads the output may stop reading: that must not kill an apply in the middle.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", () => {});
  }
  const io: CommandIo = {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    env: process.env,
    interactive: process.stdin.isTTY === true,
    ask,
    // A log that is read later holds lines; CI systems set this variable.
    ...(process.stderr.isTTY === true && !process.env.CI && { screen: process.stderr }),
    nodeVersion: process.versions.node,
  };
  void Promise.resolve(work(process.argv.slice(2), io)).then((code) => {
    process.exitCode = code;
  });
}

/** Asks at the terminal. Who goes away, or stops the command, has said nothing. */
async function ask(question: string): Promise<string> {
  const { stdin } = process;
  if (stdin.readableEnded || stdin.destroyed) {
    return "";
  }
  const terminal = createInterface({ input: stdin, output: process.stderr });
  const stop = () => terminal.close();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) {
    process.once(signal, stop);
  }
  let leave = () => {};
  const left = new Promise<string>((resolve) => {
    leave = () => resolve("");
  });
  terminal.once("close", leave);
  // A terminal that is gone cannot be given back as it was, which readline wants to do.
  terminal.on("error", leave);
  stdin.once("close", leave);
  try {
    // Ctrl-C rejects it.
    return await Promise.race([terminal.question(question).catch(() => ""), left]);
  } finally {
    for (const signal of signals) {
      process.off(signal, stop);
    }
    stdin.off("close", leave);
    terminal.close();
  }
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
