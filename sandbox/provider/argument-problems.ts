/** What `terraform validate` says of arguments whose values the provider refuses. */
import { messageOf } from "../aws/aws-error";
import { type Attributes, numberOf, textOf, UNKNOWN, type Value } from "./values";

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

/** What `terraform validate` says of a text that is too short or too long, in bytes. */
export function lengthProblems(
  config: Attributes,
  argument: string,
  { min = 1, max }: { readonly min?: number; readonly max: number },
): readonly string[] {
  const value = config[argument];
  const bytes = typeof value === "string" ? Buffer.byteLength(value) : min;
  return bytes >= min && bytes <= max
    ? []
    : [`expected length of ${argument} to be in the range (${min} - ${max}), got ${value}`];
}

/** What `terraform validate` says of a text that is none of some. */
export function choiceProblems(
  config: Attributes,
  argument: string,
  choices: readonly string[],
): readonly string[] {
  const value = config[argument];
  return typeof value !== "string" || choices.includes(value)
    ? []
    : [
        `expected ${argument} to be one of [${choices.map((choice) => `"${choice}"`).join(" ")}], got ${value}`,
      ];
}

/** What `terraform validate` says of two arguments of which only one may be given. */
export function conflictProblems(
  config: Attributes,
  first: string,
  second: string,
): readonly string[] {
  const isGiven = (argument: string) => {
    const value: Value = config[argument] ?? null;
    return value !== null && value !== UNKNOWN;
  };
  return isGiven(first) && isGiven(second)
    ? [
        `Conflicting configuration arguments: "${first}": conflicts with ${second}`,
        `Conflicting configuration arguments: "${second}": conflicts with ${first}`,
      ]
    : [];
}

/**
 * What `terraform validate` says of a text that is no ARN. One of another partition than Keyspan's
 * is passed on.
 *
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/verify/validate.go
 */
export function arnProblems(config: Attributes, argument: string): readonly string[] {
  const value = textOf(config, argument);
  const sections = value.split(":");
  const problem = !value.startsWith("arn:")
    ? "arn: invalid prefix"
    : sections.length < ARN_SECTIONS
      ? "arn: not enough sections"
      : sections.slice(ARN_SECTIONS - 1).join(":") === ""
        ? "missing resource value"
        : undefined;
  return value === "" || problem === undefined
    ? []
    : [`"${argument}" (${value}) is an invalid ARN: ${problem}`];
}

const ARN_SECTIONS = 6;

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
