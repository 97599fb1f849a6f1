/** The arguments of the commands that wrap `cdktf`: which account, which stacks, which credentials, and what is handed on. */
import { parseArgs } from "node:util";
import { showValue, ValidationError } from "../modules/errors";
import { CREDENTIAL_SOURCES, type CredentialOrigin } from "./aws-config-file";

/** A command that wraps `cdktf`. */
export type WrapperCommand = "deploy" | "diff" | "destroy";

/** What the person asked for. */
export interface WrapperArguments {
  /** Name of the account. Not checked yet. */
  readonly account: string | undefined;
  /** What stands behind the account: ids of stacks, not checked yet. Empty means all. */
  readonly stacks: readonly string[];
  readonly origin: CredentialOrigin;
  /** Flags for `cdktf`, as they are handed on. */
  readonly cdktfFlags: readonly string[];
  /** Whether nobody is asked for approval. */
  readonly autoApprove: boolean;
}

type FlagType = "boolean" | "string";

const ORIGIN_FLAGS = { "source-profile": "string", "credential-source": "string" } as const;

const EVERYWHERE: Readonly<Record<string, FlagType>> = {
  "no-color": "boolean",
  "terraform-parallelism": "string",
  var: "string",
  "var-file": "string",
};

/** Flags of `cdktf` 0.21 that are handed on. */
const HANDED_ON: Readonly<Record<WrapperCommand, Readonly<Record<string, FlagType>>>> = {
  deploy: {
    ...EVERYWHERE,
    "auto-approve": "boolean",
    "outputs-file": "string",
    "outputs-file-include-sensitive-outputs": "boolean",
    "refresh-only": "boolean",
  },
  diff: { ...EVERYWHERE, "refresh-only": "boolean" },
  destroy: { ...EVERYWHERE, "auto-approve": "boolean" },
};

/** Flags of `cdktf` 0.21 that would undo what the wrapper is for, each with the reason. */
const REFUSED: Readonly<Record<string, readonly [type: FlagType, reason: string]>> = {
  parallelism: [
    "string",
    "when one of several stacks fails, cdktf kills the others in the middle of their apply and their states are lost: stacks run one at a time",
  ],
  "migrate-state": [
    "boolean",
    "it copies the state of one account over that of another when the backend has changed: move a state by hand",
  ],
  "ignore-missing-stack-dependencies": [
    "boolean",
    "it also drops the order of the stacks that are named: name the stacks that they depend on too",
  ],
  output: ["string", "each account has its own folder in cdktf.out"],
  "skip-synth": ["boolean", "each run synthesizes the account once, and cdktf gets the result"],
  "skip-provider-lock": ["boolean", "it is always given: leave it out"],
  app: ["string", "each run synthesizes the account itself"],
};

const SHORT: Readonly<Record<string, string>> = { a: "app", o: "output" };

/**
 * Variables by which `cdktf` takes flags from the environment, for those that only the wrapper may
 * give.
 */
export const CDKTF_FLAG_VARIABLES: readonly string[] = [
  ...Object.keys(REFUSED),
  "auto-approve",
].map((flag) => `CDKTF_${flag.toUpperCase().replaceAll("-", "_")}`);

/**
 * Splits the arguments of a wrapper.
 *
 * @param argv - everything behind the command's name
 * @throws {ValidationError} with every flag that is unknown, refused, or has a wrong value
 */
export function parseWrapperArguments(
  command: WrapperCommand,
  argv: readonly string[],
): WrapperArguments {
  const handedOn = HANDED_ON[command];
  const { positionals, flags } = splitFlags(
    command,
    argv,
    { ...ORIGIN_FLAGS, ...handedOn },
    REFUSED,
  );
  const [account, ...stacks] = positionals;
  return {
    account,
    stacks,
    origin: originOf(command, flags),
    // cdktf takes everything behind `--var x` for further values: a joined value ends there.
    cdktfFlags: flags
      .filter(({ name }) => Object.hasOwn(handedOn, name))
      .map(({ name, value }) => `--${name}${value === undefined ? "" : `=${value}`}`),
    autoApprove: flags.some(({ name }) => name === "auto-approve"),
  };
}

/**
 * Splits the arguments of a command that only asks where credentials come from.
 *
 * @throws {ValidationError} with every flag that is unknown or has a wrong value
 */
export function parseOriginArguments(
  command: string,
  argv: readonly string[],
): { readonly positionals: readonly string[]; readonly origin: CredentialOrigin } {
  const { positionals, flags } = splitFlags(command, argv, ORIGIN_FLAGS, {});
  return { positionals, origin: originOf(command, flags) };
}

/** A flag as it was given. */
export interface Flag {
  readonly name: string;
  readonly value: string | undefined;
}

function splitFlags(
  command: string,
  argv: readonly string[],
  accepted: Readonly<Record<string, FlagType>>,
  refused: typeof REFUSED,
): { readonly positionals: readonly string[]; readonly flags: readonly Flag[] } {
  const types: Readonly<Record<string, FlagType>> = {
    ...Object.fromEntries(Object.entries(refused).map(([name, [type]]) => [name, type])),
    ...accepted,
  };
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(types).map(([name, type]) => [
        name,
        { type, ...shortOf(name), multiple: true },
      ]),
    ),
  });
  const positionals: string[] = [];
  const flags: Flag[] = [];
  const problems: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") {
      positionals.push(token.value);
    } else if (token.kind === "option") {
      const { name, rawName, value } = token;
      const type = Object.hasOwn(accepted, name) ? accepted[name] : undefined;
      const [, reason] = Object.hasOwn(refused, name) ? (refused[name] ?? []) : [];
      if (type === undefined) {
        problems.push(
          reason !== undefined
            ? `${command}: ${rawName} must not be given, got ${showValue(value ?? rawName)}; ${reason}`
            : `${command}: a flag must be one of ${Object.keys(accepted)
                .map((flag) => `--${flag}`)
                .sort()
                .join(", ")}, got ${rawName}; correct or remove it`,
        );
      } else if (type === "boolean" && value !== undefined) {
        problems.push(
          `${command}: ${rawName} must stand alone, got ${showValue(value)}; remove the value, or the flag`,
        );
      } else if (type === "string" && (value === undefined || value === "")) {
        problems.push(`${command}: ${rawName} must have a value, got nothing; write ${rawName}=…`);
      } else {
        flags.push({ name, value });
      }
    }
  }
  if (problems.length > 0) {
    throw new ValidationError(problems.join("\n"));
  }
  return { positionals, flags };
}

function shortOf(name: string): { readonly short?: string } {
  const short = Object.entries(SHORT).find(([, long]) => long === name)?.[0];
  return short === undefined ? {} : { short };
}

// No bracket, quote or control character: the name is written into a section header.
const PROFILE_NAME = /^[^[\]"'\p{Cc}]+$/u;

/**
 * Where the first credentials come from, by the flags that say so; by default the environment.
 *
 * @throws {ValidationError} if there are two such flags, or one has a wrong value
 */
export function originOf(command: string, flags: readonly Flag[]): CredentialOrigin {
  const given = flags.filter(({ name }) => Object.hasOwn(ORIGIN_FLAGS, name));
  const [first, second] = given;
  if (second !== undefined) {
    throw new ValidationError(
      `${command}: one of --source-profile and --credential-source must be given at most, once, got ${given.map(({ name }) => `--${name}`).join(" and ")}; keep one`,
    );
  }
  const value = first?.value ?? "";
  if (first?.name === "source-profile") {
    if (!PROFILE_NAME.test(value)) {
      throw new ValidationError(
        `${command}: --source-profile must be the name of an AWS profile, without brackets, quotes and line breaks, got ${showValue(value)}; correct it`,
      );
    }
    return { sourceProfile: value };
  }
  const credentialSource = CREDENTIAL_SOURCES.find(
    (source) => source === (first === undefined ? "Environment" : value),
  );
  if (credentialSource === undefined) {
    throw new ValidationError(
      `${command}: --credential-source must be one of ${CREDENTIAL_SOURCES.join(", ")}, got ${showValue(value)}; name where the first credentials come from`,
    );
  }
  return { credentialSource };
}
