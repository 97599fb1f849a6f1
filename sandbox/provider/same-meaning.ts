import { isDeepStrictEqual } from "node:util";
import { parseArn } from "../../modules/partition";
import type { Attributes, Value } from "./values";

/** Whether two JSON texts are the same but for white space and the order of their fields. */
export function sameJson(a: string, b: string): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(a), JSON.parse(b));
  } catch {
    return false;
  }
}

/**
 * Whether two policies say the same: in which order the statements stand, and the values of a list,
 * does not matter, nor whether a single value stands in a list, or an account by its number or ARN.
 *
 * @see https://github.com/hashicorp/awspolicyequivalence/blob/main/aws_policy_equivalence.go
 */
export function samePolicy(a: string, b: string): boolean {
  try {
    return inOneSpelling(a) === inOneSpelling(b);
  } catch {
    return false;
  }
}

/** Whether two names of a key, id or ARN, name the same one. */
export function sameKey(a: string, b: string): boolean {
  const id = (name: string) => name.split("key/").at(-1);
  return id(a) === id(b);
}

/**
 * What AWS has of an optional argument. To the provider the zero value of an argument is the same
 * as none, so it stays in the state in whichever of the two ways it was configured.
 */
export function asHeld(
  state: Attributes,
  argument: string,
  found: string | number | undefined,
): Value {
  const held = state[argument];
  return held !== undefined && isZero(held) && isZero(found) ? held : (found ?? null);
}

/** Whether one of these arguments or blocks is to become another. */
export function hasChanged(
  prior: Attributes,
  planned: Attributes,
  names: readonly string[],
): boolean {
  return names.some((name) => JSON.stringify(prior[name]) !== JSON.stringify(planned[name]));
}

/** @throws {SyntaxError} if the policy is no JSON */
function inOneSpelling(policy: string): string {
  const json: unknown = JSON.parse(policy, (element, value: unknown) =>
    element === "AWS" ? [value].flat().map(accountOf) : value,
  );
  return spelled(json);
}

/** Lists are sorted, and what is in no list is put in one. */
function spelled(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(spelled).sort()}]`;
  }
  return typeof value === "object" && value !== null
    ? `{${Object.entries(value)
        .map(([element, inner]) => `${JSON.stringify(element)}:${spelled([inner].flat())}`)
        .sort()}}`
    : JSON.stringify(value);
}

/** The number of the account for which a principal stands, or else the principal. */
function accountOf(principal: unknown): unknown {
  const arn = typeof principal === "string" ? parseArn(principal) : undefined;
  return arn?.service === "iam" && arn.resource === "root" ? arn.account : principal;
}

function isZero(value: Value | undefined): boolean {
  return value === undefined || value === null || value === "" || value === 0;
}
