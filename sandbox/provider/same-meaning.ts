import { isDeepStrictEqual } from "node:util";
import type { Attributes, Value } from "./values";

/** Whether two JSON texts are the same but for white space and the order of their fields. */
export function sameJson(a: string, b: string): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(a), JSON.parse(b));
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

function isZero(value: Value | undefined): boolean {
  return value === undefined || value === null || value === "" || value === 0;
}
