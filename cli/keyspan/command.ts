/** What the commands of `npm run keyspan` have in common: exit codes, results, flags. */
import type { Command } from "commander";
import { ValidationError } from "../../modules/errors";
import type { CredentialOrigin } from "../aws-config-file";
import type { CommandIo } from "../io";
import { originOf } from "../wrapper-arguments";

/** What a command's exit code says. */
export const EXIT_CODE = {
  /** Done, or nothing to do. */
  done: 0,
  /** Something failed, or must be put right first. */
  failed: 1,
  /** Changes wait for somebody's approval, or AWS is not as the state says. */
  pending: 2,
  /** The command line is wrong; the number is that of sysexits.h. */
  usage: 64,
} as const;

/** One of {@link EXIT_CODE}. */
export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];

/** A command line that cannot be understood. */
export class UsageError extends ValidationError {}

/** How a command ended. */
export interface CommandResult {
  readonly exitCode: ExitCode;
  /** What stdout shows a person; ends with a line break unless it is empty. */
  readonly text: string;
  /** What stdout shows a program, with `--json`, in place of the text. Its fields are a contract. */
  readonly json: object;
}

/** Turns the work of a command into an action of commander. */
export type Act = <T extends readonly unknown[]>(
  work: (...args: T) => Promise<CommandResult>,
) => (...args: T) => Promise<void>;

/**
 * Adds a command to the program.
 *
 * @param act - wraps the command's work: prints its result, sets the exit code, turns errors into messages
 */
export type DefineCommand = (program: Command, io: CommandIo, act: Act) => void;

/** Flags that say where the first credentials come from, as commander parses them. */
export interface OriginOptions {
  readonly sourceProfile?: string;
  readonly credentialSource?: string;
}

/** Adds the flags of {@link OriginOptions}. */
export function withOrigin(command: Command): Command {
  return command
    .option("--source-profile <name>", "profile of your AWS config that the roles are assumed with")
    .option(
      "--credential-source <source>",
      "where the first credentials come from: Environment (default), Ec2InstanceMetadata or EcsContainer",
    );
}

/**
 * Where the first credentials come from.
 *
 * @throws {UsageError} if both flags are given, or one has a wrong value
 */
export function originFrom(
  command: string,
  { sourceProfile, credentialSource }: OriginOptions,
): CredentialOrigin {
  try {
    return originOf(command, [
      ...(sourceProfile === undefined ? [] : [{ name: "source-profile", value: sourceProfile }]),
      ...(credentialSource === undefined
        ? []
        : [{ name: "credential-source", value: credentialSource }]),
    ]);
  } catch (error) {
    throw error instanceof ValidationError ? new UsageError(error.message) : error;
  }
}
