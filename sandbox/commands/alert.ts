import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod";
import type { Command, CommandIo } from "../../cli/io";
import { showValue, ValidationError } from "../../modules/errors";
import type { AwsLocation } from "../../modules/partition";
import { MESSAGE_KINDS } from "../../modules/states/announce/kinds";
import { ALARMS } from "../aws/cloudwatch";
import { DEFAULT_BUS, EVENT_RULES } from "../aws/events";
import { KMS_ALIASES, KMS_KEYS } from "../aws/kms";
import { type BusEvent, Journey, type JourneyResult } from "../delivery/journey";
import type { JourneyStep } from "../delivery/journey-step";
import { type CallerKind, sampleCaller, sampleEvent } from "../delivery/sample-events";
import type { DeliveredMessage } from "../delivery/topic-delivery";
import { Sandbox } from "../sandbox";

/** Flags with a value, as usage shows them. */
const VALUE_FLAGS = ["region", "caller", "key", "state"] as const;

const FLAGS = [...VALUE_FLAGS, "confirmed"];

type Flags = Readonly<Partial<Record<(typeof VALUE_FLAGS)[number], string>>>;

/** What a person gave the command. */
interface AlertArguments {
  readonly workspace: string | undefined;
  readonly what: string | undefined;
  readonly flags: Flags;
  readonly confirmed: boolean;
}

// All of the type: a caller that is missing here does not compile.
const CALLERS: Readonly<Record<CallerKind, true>> = {
  "iam-user": true,
  "assumed-role": true,
  sso: true,
  root: true,
  service: true,
  "service-for-a-role": true,
  "other-account": true,
};

const STATES = ["ALARM", "OK"] as const;

/** What a rule looks at in every event; more may stand beside it. */
const eventSchema = z.looseObject({
  source: z.string(),
  "detail-type": z.string(),
  account: z.string(),
  region: z.string(),
  time: z.string(),
  detail: z.record(z.string(), z.unknown()),
});

/**
 * `npm run sandbox -- alert <account> <kind | alarm | event file>`: plays an event through what is
 * applied in the sandbox, and shows its way and each message, or where it was stopped and why. With
 * the name of an alarm, the alarm goes off. Without anything, it lists the kinds and the alarms.
 * Starts nothing and changes nothing.
 *
 * `--region` says where, `--key` about which key, `--caller` who called; `--state OK` ends an alarm;
 * `--confirmed` takes all subscriptions for confirmed.
 *
 * @returns 0 if a message was delivered or none was due, 1 if it was stopped on its way
 * @throws {ValidationError} for bad input, and if the account is not applied in the sandbox
 */
export const alert: Command = async (argv, io) => {
  const { workspace, what, flags, confirmed } = parseAlertArguments(argv);
  const sandbox = new Sandbox({
    workspace,
    program: "",
    env: io.env,
    ...(io.projectDirectory !== undefined && { projectDirectory: io.projectDirectory }),
  });
  const regions = listeningRegions(sandbox);
  if (regions.length === 0) {
    const { workspace: name } = sandbox.account;
    throw new ValidationError(
      `alert: account ${name} must be applied in the sandbox, got no rules on its default buses; run npm run sandbox -- up ${name}`,
    );
  }
  if (what === undefined) {
    io.out(showChoices(sandbox, regions));
    return 0;
  }
  refuseValue("--region", flags.region, regions);
  refuseValue("--caller", flags.caller, Object.keys(CALLERS));
  refuseValue("--state", flags.state, STATES);
  const journey = new Journey({ store: sandbox.store, account: ownerOf(sandbox), confirmed });
  const { result, wasDue } = await play(what, flags, sandbox, journey, io);
  return report(io, result, wasDue);
};

function parseAlertArguments(argv: readonly string[]): AlertArguments {
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    options: Object.fromEntries(VALUE_FLAGS.map((flag) => [flag, { type: "string" }])),
  });
  const positionals: string[] = [];
  const problems: string[] = [];
  const flags: Record<string, string> = {};
  let confirmed = false;
  for (const token of tokens) {
    if (token.kind === "positional") {
      positionals.push(token.value);
    } else if (token.kind === "option") {
      const { name, rawName, value } = token;
      if (!FLAGS.includes(name)) {
        problems.push(
          `alert: a flag must be one of ${FLAGS.map((flag) => `--${flag}`).join(", ")}, got ${rawName}; remove it`,
        );
      } else if (name === "confirmed" && value === undefined) {
        confirmed = true;
      } else if (name === "confirmed") {
        problems.push(
          `alert: ${rawName} must stand alone, got ${showValue(value)}; remove the value, or the flag`,
        );
      } else if (value === undefined || value === "") {
        problems.push(
          `alert: ${rawName} must have a value, got ${showValue(value)}; write ${rawName}=…`,
        );
      } else {
        flags[name] = value;
      }
    }
  }
  const [workspace, what, ...surplus] = positionals;
  if (surplus.length > 0) {
    problems.push(
      `alert: one event must be given, got ${showValue(surplus.join(" "))} too; call it once for each`,
    );
  }
  if (problems.length > 0) {
    throw new ValidationError(problems.join("\n"));
  }
  return { workspace, what, flags, confirmed };
}

function refuseValue(flag: string, value: string | undefined, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value)) {
    throw new ValidationError(
      `alert: ${flag} must be one of ${choices.join(", ")}, got ${showValue(value)}; correct it`,
    );
  }
}

/** The regions whose default bus has rules. */
function listeningRegions({ store }: Sandbox): readonly string[] {
  return store
    .regions()
    .filter((region) =>
      store.list(EVENT_RULES, region).some(([, { busName }]) => busName === DEFAULT_BUS),
    );
}

function ownerOf({ account }: Sandbox): Omit<AwsLocation, "region"> {
  return { partition: account.partition, account: account.id };
}

/** Plays what was named, and says whether a message about it is due. */
async function play(
  what: string,
  flags: Flags,
  sandbox: Sandbox,
  journey: Journey,
  io: CommandIo,
): Promise<{ readonly result: JourneyResult; readonly wasDue: boolean }> {
  const { store, account } = sandbox;
  const kind = MESSAGE_KINDS.find((candidate) => candidate === what);
  const region = flags.region ?? account.homeRegion;
  if (kind !== undefined) {
    const at = { ...ownerOf(sandbox), region };
    const event = sampleEvent(kind, {
      at,
      ...subjectOf(sandbox, region, flags.key),
      time: now(),
      ...(flags.caller !== undefined && { caller: sampleCaller(flags.caller as CallerKind, at) }),
    });
    return { result: await journey.playEvent({ ...event }, region), wasDue: true };
  }
  const alarmRegion = [region, ...(flags.region === undefined ? store.regions() : [])].find(
    (candidate) => store.get(ALARMS, candidate, what) !== undefined,
  );
  if (alarmRegion !== undefined) {
    const state = STATES.find((candidate) => candidate === flags.state) ?? "ALARM";
    const result = await journey.playAlarm(what, alarmRegion, { state, time: now() });
    return { result, wasDue: false };
  }
  const event = readEvent(what, io);
  const result = await journey.playEvent(event, flags.region ?? String(event.region));
  return { result, wasDue: false };
}

/** The time as EventBridge writes it: without milliseconds. */
function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, "Z");
}

/** The key of a region that a sample is about: the named one, or the first that no topic is encrypted with. */
function subjectOf(
  { store, account }: Sandbox,
  region: string,
  name: string | undefined,
): { readonly keyArn: string; readonly alias: string } {
  const keys = store.list(KMS_KEYS, region).flatMap(([, key]) => {
    const keyName = key.tags[KEY_TAG];
    return keyName === undefined ? [] : [{ ...key, keyName }];
  });
  const names = keys.map(({ keyName }) => keyName).sort();
  const wanted = name ?? names.find((candidate) => !TOPIC_KEYS.includes(candidate)) ?? names[0];
  const key = keys.find(({ keyName }) => keyName === wanted);
  if (key === undefined) {
    throw new ValidationError(
      `alert: --key must be one of ${names.join(", ") || "none"} in ${region}, got ${showValue(wanted)}; correct it, or give another --region of account ${account.workspace}`,
    );
  }
  const alias = store
    .list(KMS_ALIASES, region)
    .find(([, { targetKeyId }]) => targetKeyId === key.keyId)?.[0];
  return { keyArn: key.arn, alias: alias ?? "" };
}

const KEY_TAG = "keyspan:key";
const TOPIC_KEYS: readonly string[] = ["alerts", "audit"];

function readEvent(file: string, io: CommandIo): BusEvent {
  const path = resolve(io.projectDirectory ?? ".", file);
  if (!existsSync(path)) {
    throw new ValidationError(
      `alert: the event must be a kind, an alarm or a file that exists, got ${showValue(file)}; npm run sandbox -- alert <account> lists kinds and alarms`,
    );
  }
  const text = readFileSync(path, "utf8");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ValidationError(
      `${file}: an event must be JSON, got ${showValue(text)} (${error instanceof Error ? error.message : error}); correct the file`,
    );
  }
  const { data, error } = eventSchema.safeParse(json);
  if (data === undefined) {
    throw new ValidationError(
      error.issues
        .map(
          ({ path: at, message }) =>
            `${file}: ${at.join(".") || "the event"} must be as EventBridge delivers it, got ${showValue(valueAt(json, at))} (${message}); correct the file`,
        )
        .join("\n"),
    );
  }
  return data;
}

function valueAt(json: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === "object" && value !== null
        ? (value as Readonly<Record<PropertyKey, unknown>>)[name]
        : undefined,
    json,
  );
}

function showChoices({ store, account }: Sandbox, regions: readonly string[]): string {
  const alarms = regions.flatMap((region) =>
    store.list(ALARMS, region).map(([name]) => `  ${name} in ${region}\n`),
  );
  const { workspace, homeRegion } = account;
  return [
    "Kinds:\n",
    ...MESSAGE_KINDS.map((kind) => `  ${kind}\n`),
    "Alarms:\n",
    ...alarms,
    `\nPlay one, in ${homeRegion} or where --region says: npm run sandbox -- alert ${workspace} ${MESSAGE_KINDS[0]}\n`,
  ].join("");
}

/** Prints the way and the messages, and returns the exit code. */
function report(io: CommandIo, result: JourneyResult, wasDue: boolean): number {
  const { outcome, steps, messages } = result;
  io.out(showSteps(steps));
  io.out(messages.map(showMessage).join(""));
  if (outcome === "delivered") {
    io.out(
      `\n${messages.length === 1 ? "1 message is" : `${messages.length} messages are`} delivered.\n`,
    );
    return 0;
  }
  if (outcome === "nothing-due" || (outcome === "unheard" && !wasDue)) {
    io.out("\nNobody is to get a message.\n");
    return 0;
  }
  io.err(
    outcome === "stopped"
      ? "No message is delivered: see where it was stopped, above.\n"
      : "No message is delivered: no rule is about the event.\n",
  );
  return 1;
}

function showSteps(steps: readonly JourneyStep[], depth = 0): string {
  return steps
    .map(
      ({ ok, what, reason, steps: inner }) =>
        `${"  ".repeat(depth)}${ok ? "" : "STOPPED: "}${what}${reason === "" ? "" : `: ${reason}`}\n${showSteps(inner, depth + 1)}`,
    )
    .join("");
}

function showMessage(message: DeliveredMessage): string {
  const { topicArn, protocol, endpoint, subject, attributes, afterConfirmation } = message;
  const named = Object.entries(attributes).map(([name, value]) => `${name}=${String(value)}`);
  return [
    `\n----- ${protocol} to ${endpoint}, through ${topicArn}${afterConfirmation ? ", after confirmation" : ""}`,
    ...(subject === undefined ? [] : [`Subject: ${subject}`]),
    ...(named.length === 0 ? [] : [`Attributes: ${named.join(", ")}`]),
    "",
    message.message.trimEnd(),
    "-----\n",
  ].join("\n");
}
