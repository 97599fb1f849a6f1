/** What `terraform validate` says of arguments whose values the provider refuses. */
import { messageOf } from "../aws/aws-error";
import { type Attributes, numberOf, textOf } from "./values";

/** What `terraform validate` says of a number outside its range. */
export function rangeProblems(
  config: Attributes,
  argument: string,
  { min, max }: { readonly min: number; readonly max: number },
): readonly string[] {
  const value = numberOf(config, argument);
  return value === undefined || (value >= min && value <= max)
    ? []
    : [`expected ${argument} to be in the range (${min} - ${max}), got ${value}`];
}

/** What `terraform validate` says of a text that is empty or too long. */
export function lengthProblems(
  config: Attributes,
  argument: string,
  maxCharacters: number,
): readonly string[] {
  const value = config[argument];
  return typeof value !== "string" || (value.length >= 1 && value.length <= maxCharacters)
    ? []
    : [`expected length of ${argument} to be in the range (1 - ${maxCharacters}), got ${value}`];
}

/** What `terraform validate` says of an argument that is to be JSON. An empty one is passed on to AWS. */
export function jsonProblems(config: Attributes, argument: string): readonly string[] {
  const text = config[argument];
  if (typeof text !== "string" || text === "") {
    return [];
  }
  try {
    JSON.parse(text);
    return [];
  } catch (error) {
    return [`"${argument}" contains an invalid JSON: ${messageOf(error)}`];
  }
}

/** What `terraform validate` says of a name with characters that it must not have. */
export function formProblems(
  config: Attributes,
  argument: string,
  pattern: RegExp,
): readonly string[] {
  const value = textOf(config, argument);
  return value === "" || pattern.test(value)
    ? []
    : [`"${argument}" doesn't comply with restrictions ("${pattern.source}"): "${value}"`];
}
