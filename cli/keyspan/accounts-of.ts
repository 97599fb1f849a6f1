/** Which accounts a command is about, and how it goes through them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { AccountConfig } from "../../config/account-config";
import { accountNames, loadAccounts } from "../../config/load-account";
import { RINGS } from "../../config/rules";
import { showValue, ValidationError } from "../../modules/errors";
import type { CommandIo } from "../io";
import type { RolloutContext } from "../rollout/account-session";
import { progressOf } from "../rollout/progress";
import { StopRequest } from "../rollout/stop-request";
import { ACCOUNTS_DIRECTORY } from "../synthesize";
import { type OriginOptions, originFrom, UsageError, withOrigin } from "./command";

/** Flags of commands that go through several accounts. */
export interface RolloutOptions extends OriginOptions {
  readonly all?: boolean;
  readonly ring?: number;
  readonly maxConcurrent: number;
  readonly maxFailures: number;
  readonly parallelism: number;
}

/** Adds the arguments and flags of {@link RolloutOptions}. */
export function withAccounts(command: Command): Command {
  return withParallelism(
    withOrigin(command.argument("[accounts...]", "names of accounts, as in accounts/<name>.yaml")),
  )
    .option("--all", "every account, ring by ring")
    .option("--ring <n>", "with --all: only the accounts of this ring", wholeNumber(RINGS.min))
    .option("--max-concurrent <n>", "accounts at a time", wholeNumber(1), 4)
    .option(
      "--max-failures <n>",
      "accounts of a ring that may fail before the next ring is left out",
      wholeNumber(0),
      0,
    );
}

/** Adds the flag for how many stacks of an account are worked on at a time. */
export function withParallelism(command: Command): Command {
  return command.option(
    "--parallelism <n>",
    "stacks of one account at a time",
    wholeNumber(1),
    STACKS_AT_A_TIME,
  );
}

// A provider of AWS takes some hundred MB each, and a runner has 7 GB or more.
const STACKS_AT_A_TIME = 6;

function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,6}$/.test(text) || Number(text) < min) {
      throw new InvalidArgumentError(`It must be a whole number from ${min}.`);
    }
    return Number(text);
  };
}

/**
 * The accounts that a command is about, in the order in which they were named, or of their rings.
 *
 * @throws {UsageError} if none is named, or some and `--all`, or one that is not there
 * @throws {ValidationError} with the problems of every file
 */
export function selectAccounts(
  command: string,
  names: readonly string[],
  { all = false, ring }: Pick<RolloutOptions, "all" | "ring">,
  io: CommandIo,
): readonly AccountConfig[] {
  const directory = directoryOf(io);
  const known = accountNames(directory);
  if (all === names.length > 0) {
    throw new UsageError(
      `${command}: accounts must be named, or --all be given, got ${all ? `--all and ${names.join(" ")}` : "neither"}; the accounts are ${known.join(", ") || "(none yet)"}`,
    );
  }
  if (ring !== undefined && !all) {
    throw new UsageError(`${command}: --ring must stand beside --all, got it alone; add --all`);
  }
  checkAccountNames(command, names, io);
  const { accounts, problems } = loadAccounts(directory, all ? known : names);
  if (problems.length > 0) {
    throw new ValidationError(problems.join("\n"));
  }
  const selected = ring === undefined ? accounts : accounts.filter((one) => one.ring === ring);
  if (selected.length === 0 && ring !== undefined) {
    throw new UsageError(
      `${command}: --ring must be one that accounts have, got ${ring}; the rings are ${[...new Set(accounts.map((one) => one.ring))].sort().join(", ") || "(none yet)"}`,
    );
  }
  return selected;
}

/**
 * The one account that a command is about.
 *
 * @param command - name of the command, which opens the message
 * @throws {UsageError} if there is no such account
 * @throws {ValidationError} with every problem of its file
 */
export function selectAccount(command: string, name: string, io: CommandIo): AccountConfig {
  const [account] = selectAccounts(command, [name], {}, io);
  if (account === undefined) {
    throw new Error(`selectAccounts must return ${name}`);
  }
  return account;
}

/**
 * Refuses names that no account has, for commands that read the files themselves.
 *
 * @param command - name of the command, which opens the message
 * @throws {UsageError} with a line for each name that is unknown or repeated
 */
export function checkAccountNames(command: string, names: readonly string[], io: CommandIo): void {
  const directory = directoryOf(io);
  const known = accountNames(directory);
  const unknown = [...new Set(names)].filter((name) => !known.includes(name));
  const repeated = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
  if (unknown.length > 0 || repeated.length > 0) {
    throw new UsageError(
      [
        ...unknown.map((name) => {
          const misnamed = join(directory, `${name}.yml`);
          const fix = existsSync(misnamed) ? `rename ${misnamed} to .yaml` : "correct it";
          return `${command}: an account must be one of ${known.join(", ") || "(none yet)"}, got ${showValue(name)}; ${fix}`;
        }),
        ...repeated.map(
          (name) => `${command}: an account must be named once, got ${name} again; name it once`,
        ),
      ].join("\n"),
    );
  }
}

function directoryOf(io: CommandIo): string {
  return join(io.projectDirectory ?? ".", ACCOUNTS_DIRECTORY);
}

/** Does a command's work on accounts, with progress shown and signals heard; always cleans up. */
export async function withContext<T>(
  io: CommandIo,
  command: string,
  options: OriginOptions & { readonly parallelism?: number },
  work: (context: RolloutContext) => Promise<T>,
): Promise<T> {
  const origin = originFrom(command, options);
  const progress = progressOf(io);
  const stop = new StopRequest((line) => progress.say(line));
  stop.listen();
  try {
    return await work({
      io,
      origin,
      stop,
      progress,
      initOrder: {},
      stacksAtATime: options.parallelism ?? STACKS_AT_A_TIME,
    });
  } finally {
    stop.close();
    await progress.close();
  }
}
