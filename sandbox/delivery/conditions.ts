/**
 * Conditions of policy statements, decided as IAM documents it.
 *
 * What is not decided here is refused: a guess would make a path look open, or closed, that is not.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
import { BlockList, isIP } from "node:net";
import { showValue, ValidationError } from "../../modules/errors";
import type { PolicyStatement } from "../aws/policy";

/**
 * What a request carries, by condition key. `undefined`: it is known not to carry the key. Of a key
 * that is not named nothing is known, and a decision that rests on it is refused.
 */
export type RequestContext = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Condition key of the list of all keys of an encryption context. */
export const ENCRYPTION_CONTEXT_KEYS = "kms:EncryptionContextKeys";

/** What the condition key of one key of an encryption context begins with. */
export const ENCRYPTION_CONTEXT_PREFIX = "kms:EncryptionContext:";

/** The conditions of a statement. */
type Conditions = NonNullable<PolicyStatement["Condition"]>;

/** How a value of the request and one of the policy are compared. */
interface Comparison {
  readonly matches: (actual: string, wanted: string) => boolean;
  /** Whether the condition holds if none of the policy's values match. */
  readonly negated?: true;
  /** What a policy's value must be, if not every text will do. */
  readonly form?: { readonly isValid: (wanted: string) => boolean; readonly must: string };
}

const NUMBER = {
  isValid: (text: string) => numberOf(text) !== undefined,
  must: "be a number",
};
const TIME = {
  isValid: (text: string) => timeOf(text) !== undefined,
  must: "be a time such as 2026-01-01T00:00:00Z, or seconds since 1970",
};
const TRUTH = {
  isValid: (text: string) => /^(true|false)$/i.test(text),
  must: "be true or false",
};
const ADDRESSES = {
  isValid: (text: string) => addressesOf(text) !== undefined,
  must: "be an IP address or a CIDR block",
};
const ARN_PATTERN = {
  isValid: (text: string) => segmentsOf(text) !== undefined,
  must: "have the six parts of an ARN",
};

const EQUAL: Comparison = { matches: (actual, wanted) => actual === wanted };
const EQUAL_BUT_FOR_CASE: Comparison = {
  matches: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
};
const LIKE: Comparison = { matches: (actual, wanted) => matchesWildcards(wanted, actual) };
// Equality of ARNs knows wildcards too: the page says that ArnEquals and ArnLike behave identically.
const ARN: Comparison = {
  matches: (actual, wanted) => matchesArn(wanted, actual),
  form: ARN_PATTERN,
};
const IP: Comparison = {
  matches: (actual, wanted) => {
    const family = isIP(actual);
    return family !== 0 && addressesOf(wanted)?.check(actual, familyName(family)) === true;
  },
  form: ADDRESSES,
};

function negated(comparison: Comparison): Comparison {
  return { ...comparison, negated: true };
}

function numeric(holds: (actual: number, wanted: number) => boolean): Comparison {
  return { matches: compared(numberOf, holds), form: NUMBER };
}

function dated(holds: (actual: number, wanted: number) => boolean): Comparison {
  return { matches: compared(timeOf, holds), form: TIME };
}

function compared(
  parse: (text: string) => number | undefined,
  holds: (actual: number, wanted: number) => boolean,
): Comparison["matches"] {
  return (actual, wanted) => {
    const [left, right] = [parse(actual), parse(wanted)];
    return left !== undefined && right !== undefined && holds(left, right);
  };
}

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  StringEquals: EQUAL,
  StringNotEquals: negated(EQUAL),
  StringEqualsIgnoreCase: EQUAL_BUT_FOR_CASE,
  StringNotEqualsIgnoreCase: negated(EQUAL_BUT_FOR_CASE),
  StringLike: LIKE,
  StringNotLike: negated(LIKE),
  ArnEquals: ARN,
  ArnNotEquals: negated(ARN),
  ArnLike: ARN,
  ArnNotLike: negated(ARN),
  NumericEquals: numeric((actual, wanted) => actual === wanted),
  NumericNotEquals: negated(numeric((actual, wanted) => actual === wanted)),
  NumericLessThan: numeric((actual, wanted) => actual < wanted),
  NumericLessThanEquals: numeric((actual, wanted) => actual <= wanted),
  NumericGreaterThan: numeric((actual, wanted) => actual > wanted),
  NumericGreaterThanEquals: numeric((actual, wanted) => actual >= wanted),
  DateEquals: dated((actual, wanted) => actual === wanted),
  DateNotEquals: negated(dated((actual, wanted) => actual === wanted)),
  DateLessThan: dated((actual, wanted) => actual < wanted),
  DateLessThanEquals: dated((actual, wanted) => actual <= wanted),
  DateGreaterThan: dated((actual, wanted) => actual > wanted),
  DateGreaterThanEquals: dated((actual, wanted) => actual >= wanted),
  Bool: { ...EQUAL_BUT_FOR_CASE, form: TRUTH },
  IpAddress: IP,
  NotIpAddress: negated(IP),
};

/** Operators that compare a condition key: the others are `Null`, and those that are refused. */
export const CONDITION_OPERATORS: readonly string[] = Object.keys(COMPARISONS);

const OPERATOR = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/;

/** What a request carries, by condition key in lower case: IAM does not tell the cases apart. */
export type KnownContext = ReadonlyMap<string, RequestContext[string]>;

/** Makes a context ready to be looked up. */
export function knownContext(context: RequestContext): KnownContext {
  return new Map(Object.entries(context).map(([key, value]) => [key.toLowerCase(), value]));
}

/** What becomes of a statement's conditions in a request, in words. */
export interface ConditionResult {
  /** Those that the request does not meet. */
  readonly unmet: readonly string[];
  /** Keys of which nothing is known, and which decide since all else is met. */
  readonly unknown: readonly string[];
}

/**
 * Compares the conditions of a statement with what a request carries.
 *
 * @param where - whose conditions they are, as a message names it
 * @throws {ValidationError} if an operator or a value is none that is decided here
 */
export function checkConditions(
  where: string,
  conditions: Conditions,
  known: KnownContext,
): ConditionResult {
  const unmet: string[] = [];
  const unknown: string[] = [];
  for (const [operator, keys] of Object.entries(conditions)) {
    const test = testOf(where, operator);
    for (const [key, given] of Object.entries(keys)) {
      const wanted = [given].flat().map(String);
      refuseVariables(where, wanted);
      test.refuse(wanted);
      if (!isKnown(known, key.toLowerCase())) {
        unknown.push(key);
        continue;
      }
      const actual = known.get(key.toLowerCase());
      if (!test.holds(actual, wanted)) {
        unmet.push(`${operator} ${key} ${showValue(given)}, got ${showValue(actual)}`);
      }
    }
  }
  return { unmet, unknown: unmet.length === 0 ? unknown : [] };
}

/** With the list of its keys, all of an encryption context is known. */
function isKnown(known: KnownContext, key: string): boolean {
  return (
    known.has(key) ||
    (key.startsWith(ENCRYPTION_CONTEXT_PREFIX.toLowerCase()) &&
      known.has(ENCRYPTION_CONTEXT_KEYS.toLowerCase()))
  );
}

const POLICY_VARIABLE = /\$\{/;

/**
 * Refuses what IAM would replace by something of the request.
 *
 * @throws {ValidationError} if a text has a policy variable
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
export function refuseVariables(where: string, texts: readonly string[]): void {
  const text = texts.find((candidate) => POLICY_VARIABLE.test(candidate));
  if (text !== undefined) {
    throw new ValidationError(
      `${where}: a value must have no policy variables, got ${showValue(text)}; write it out, since the sandbox does not replace them`,
    );
  }
}

/** What is asked of the values of one key. */
interface Test {
  /** @throws {ValidationError} if a value of the policy has not the form of the operator */
  readonly refuse: (wanted: readonly string[]) => void;
  readonly holds: (
    actual: string | readonly string[] | undefined,
    wanted: readonly string[],
  ) => boolean;
}

function testOf(where: string, operator: string): Test {
  if (operator === "Null") {
    return {
      refuse: (wanted) => refuseForm(where, operator, wanted, TRUTH),
      holds: (actual, wanted) =>
        wanted.some((value) => (value.toLowerCase() === "true") === isAbsent(actual)),
    };
  }
  const [, set, name = "", ifExists] = OPERATOR.exec(operator) ?? [];
  const comparison = Object.hasOwn(COMPARISONS, name) ? COMPARISONS[name] : undefined;
  // What IfExists means to each single value of a set is not documented.
  if (comparison === undefined || (set !== undefined && ifExists !== undefined)) {
    throw new ValidationError(
      `${where}: a condition operator must be one that the sandbox decides, got ${showValue(operator)}; use one of ${CONDITION_OPERATORS.join(", ")}, or Null`,
    );
  }
  const isMet = (value: string, wanted: readonly string[]): boolean =>
    wanted.some((candidate) => comparison.matches(value, candidate)) !==
    (comparison.negated === true);
  return {
    refuse: (wanted) => refuseForm(where, operator, wanted, comparison.form),
    holds: (actual, wanted) => {
      if (set !== undefined) {
        // Of no value at all, all are so, and none is.
        const values = isAbsent(actual) ? [] : [actual ?? []].flat();
        return set === "ForAllValues"
          ? values.every((value) => isMet(value, wanted))
          : values.some((value) => isMet(value, wanted));
      }
      if (actual === undefined) {
        return ifExists !== undefined || comparison.negated === true;
      }
      if (typeof actual !== "string") {
        throw new ValidationError(
          `${where}: ${operator} must be about a key with one value, got ${showValue(actual)}; write ForAllValues: or ForAnyValue: before it`,
        );
      }
      return isMet(actual, wanted);
    },
  };
}

function refuseForm(
  where: string,
  operator: string,
  wanted: readonly string[],
  form: Comparison["form"],
): void {
  const wrong = form === undefined ? undefined : wanted.find((value) => !form.isValid(value));
  if (wrong !== undefined) {
    throw new ValidationError(
      `${where}: a value of ${operator} must ${form?.must}, got ${showValue(wrong)}; correct the policy`,
    );
  }
}

function isAbsent(actual: string | readonly string[] | undefined): boolean {
  return actual === undefined || (Array.isArray(actual) && actual.length === 0);
}

const expressions = new Map<string, RegExp>();

/** Whether a text is what a pattern with `*` and `?` describes. */
export function matchesWildcards(pattern: string, text: string): boolean {
  const known = expressions.get(pattern);
  if (known !== undefined) {
    return known.test(text);
  }
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  const expression = new RegExp(`^${source}$`, "s");
  expressions.set(pattern, expression);
  return expression.test(text);
}

/**
 * Whether an ARN is what a pattern describes: each of its six parts is compared for itself, so that
 * no wildcard reaches over a colon, but for those in the last part.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
 */
export function matchesArn(pattern: string, text: string): boolean {
  const [wanted, actual] = [segmentsOf(pattern), segmentsOf(text)];
  return (
    wanted !== undefined &&
    actual !== undefined &&
    wanted.every((segment, index) => matchesWildcards(segment, actual[index] ?? ""))
  );
}

/** Whether a text has the six parts of an ARN. */
export function hasArnForm(text: string): boolean {
  return segmentsOf(text) !== undefined;
}

function segmentsOf(text: string): readonly string[] | undefined {
  const parts = text.split(":");
  return parts.length < 6 ? undefined : [...parts.slice(0, 5), parts.slice(5).join(":")];
}

function numberOf(text: string): number | undefined {
  return /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

function timeOf(text: string): number | undefined {
  if (/^\d+$/.test(text)) {
    return Number(text) * 1000;
  }
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

function addressesOf(text: string): BlockList | undefined {
  const [address = "", bits, ...surplus] = text.split("/");
  const family = isIP(address);
  const longest = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (family === 0 || surplus.length > 0 || !(prefix <= longest)) {
    return undefined;
  }
  const list = new BlockList();
  list.addSubnet(address, prefix, familyName(family));
  return list;
}

function familyName(family: number): "ipv4" | "ipv6" {
  return family === 4 ? "ipv4" : "ipv6";
}
