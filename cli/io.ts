import type { AccountConfig } from "../config/account-config";
import { showValue, ValidationError } from "../modules/errors";

/** What a command may touch of the world around it. Tests give their own. */
export interface CommandIo {
  /** Writes results. */
  readonly out: (text: string) => void;
  /** Writes messages for the person at the terminal. */
  readonly err: (text: string) => void;
  /** Environment variables: those of the process, read once in main.ts. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a person sits at the terminal and can answer a prompt. */
  readonly interactive: boolean;
  /** Version of Node, such as `20.20.2`. */
  readonly nodeVersion: string;
  /**
   * Folder of the project, with `accounts/`, `cdktf.json` and `cdktf.out/`.
   *
   * @default - the current folder
   */
  readonly projectDirectory?: string;
  /**
   * Program that stands in for the CDKTF CLI, and its first arguments.
   *
   * @default - the `cdktf` of the installed package cdktf-cli, never one from the PATH
   */
  readonly cdktf?: readonly [program: string, ...args: string[]];
  /**
   * Takes the folder of a synth and returns another, with the same stacks, in which they are to be
   * run: in a simulated AWS instead of the real one.
   *
   * @default - they are run where they were synthesized
   */
  readonly relocate?: (outputDirectory: string) => string;
  /**
   * Folder for synthesized stacks and saved plans, seen from the project.
   *
   * @default - `cdktf.out`
   */
  readonly outputRoot?: string;
  /**
   * Opens an account before Terraform works on it, and closes it afterwards: environment variables
   * in addition.
   *
   * @default - nothing is added
   */
  readonly openAccount?: (
    account: AccountConfig,
    outputDirectory: string,
  ) => Promise<{
    readonly env: Readonly<Record<string, string>>;
    readonly close: () => Promise<void> | void;
  }>;
  /**
   * Asks the person at the terminal for a line.
   *
   * @default - nobody can be asked
   */
  readonly ask?: (question: string) => Promise<string>;
  /**
   * Terminal on which progress may be drawn and redrawn.
   *
   * @default - progress is written to `err`, a line at a time
   */
  readonly screen?: NodeJS.WriteStream;
}

/**
 * A command: takes its arguments, returns its exit code: 0 done, 1 failed.
 *
 * @throws {ValidationError} for bad input, which main.ts turns into a message and exit code 1
 */
export type Command = (argv: readonly string[], io: CommandIo) => number | Promise<number>;

/**
 * Refuses arguments that a command does not know.
 *
 * @throws {ValidationError} if there are any
 */
export function refuseSurplus(command: string, surplus: readonly string[]): void {
  if (surplus.length > 0) {
    throw new ValidationError(
      `${command}: nothing more must be given, got ${showValue(surplus.join(" "))}; call it once for each account`,
    );
  }
}
