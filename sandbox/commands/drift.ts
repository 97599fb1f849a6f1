import type { Command } from "../../cli/io";
import { showValue, ValidationError } from "../../modules/errors";
import { driftChange, driftDelete, driftKey, type KeyAction, type ObjectName } from "../drift";
import type { Value } from "../provider/values";
import type { Sandbox } from "../sandbox";
import { inSandbox, parseSandboxArguments } from "./shared";

const KEY_ACTIONS: readonly KeyAction[] = [
  "disable",
  "enable",
  "schedule-deletion",
  "cancel-deletion",
];

const USAGE = `write one of
  npm run sandbox -- drift <account> ${KEY_ACTIONS.join("|")} <key> <region>
  npm run sandbox -- drift <account> delete <type> <name> [region]
  npm run sandbox -- drift <account> change <type> <name> <argument> <value in JSON> [region]`;

/**
 * `npm run sandbox -- drift <account> …`: does something in the simulated account behind Terraform's
 * back, as people do in the console. Names are those that `show` lists.
 *
 * @throws {ValidationError} for bad input
 */
export const drift: Command = (argv, io) => {
  const [workspace, action = "", ...rest] = parseSandboxArguments("drift", argv).positionals;
  const work = workOf(action, rest);
  if (work === undefined) {
    throw new ValidationError(
      `drift: an action and what it is for must be given, got ${showValue([action, ...rest].join(" "))}; ${USAGE}`,
    );
  }
  return inSandbox(io, { workspace }, async (sandbox) => {
    await work(sandbox);
    io.out("done; npm run sandbox -- plan shows what Terraform makes of it\n");
    return 0;
  });
};

function workOf(
  action: string,
  rest: readonly string[],
): ((sandbox: Sandbox) => Promise<void>) | undefined {
  const keyAction = KEY_ACTIONS.find((candidate) => candidate === action);
  if (keyAction !== undefined) {
    const [name, region] = rest;
    return name === undefined || region === undefined || rest.length > 2
      ? undefined
      : (sandbox) => driftKey(sandbox, keyAction, { name, region });
  }
  const [type, name, ...more] = rest;
  if (type === undefined || name === undefined) {
    return undefined;
  }
  if (action === "delete" && more.length <= 1) {
    return (sandbox) => driftDelete(sandbox, named(type, name, more[0]));
  }
  const [argument, value, region, ...surplus] = more;
  return action === "change" &&
    argument !== undefined &&
    value !== undefined &&
    surplus.length === 0
    ? (sandbox) => driftChange(sandbox, named(type, name, region), argument, parseValue(value))
    : undefined;
}

function named(type: string, name: string, region: string | undefined): ObjectName {
  return { type, name, ...(region !== undefined && { region }) };
}

function parseValue(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch {
    throw new ValidationError(
      `drift: the value must be JSON, got ${showValue(text)}; write a text in double quotes, such as '"changed"'`,
    );
  }
}
