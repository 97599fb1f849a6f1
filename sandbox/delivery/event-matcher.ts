/**
 * Which events an event pattern matches, as EventBridge decides it.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { showValue, ValidationError } from "../../modules/errors";
import { eventPatternProblems } from "../../modules/events/event-pattern";

type Fields = Readonly<Record<string, unknown>>;
type Argument = unknown;

/** Patterns that have been found to break no rule, with names as {@link nested} writes them. */
const CHECKED = new WeakMap<object, Fields>();

const MATCHERS: Readonly<Record<string, (argument: Argument, value: unknown) => boolean>> = {
  prefix: (argument, value) => affixMatches(argument, value, (text, part) => text.startsWith(part)),
  suffix: (argument, value) => affixMatches(argument, value, (text, part) => text.endsWith(part)),
  "equals-ignore-case": (argument, value) =>
    typeof value === "string" && lower(argument) === value.toLowerCase(),
  wildcard: (argument, value) =>
    typeof value === "string" && wildcard(String(argument)).test(value),
  "anything-but": (argument, value) => !isExcluded(argument, value),
  numeric: (argument, value) => typeof value === "number" && comparisonsHold(argument, value),
  // Whatever has a value exists, null included; what is absent is decided where the field is looked up.
  exists: (argument) => argument === true,
  cidr: (argument, value) => typeof value === "string" && isInRange(String(argument), value),
};

/**
 * Whether `event` matches `pattern`.
 *
 * Of an array in the event any element may match, but fields inside the elements of one array must
 * match in the same element; `exists: false` holds only if no element has the field.
 *
 * @param pattern - an event pattern as an object, not as JSON text
 * @param event - a whole event, with the envelope that EventBridge puts around it
 * @throws {ValidationError} if the pattern is none that EventBridge takes, so that a misspelt
 * matcher cannot pass for one that does not match
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html
 */
export function matchesPattern(pattern: unknown, event: unknown): boolean {
  const fields = checkedPattern(pattern);
  const objects = objectsOf(nested(event));
  return fieldsMatch(fields, objects, objects);
}

function checkedPattern(pattern: unknown): Fields {
  const known = isFields(pattern) ? CHECKED.get(pattern) : undefined;
  if (known !== undefined) {
    return known;
  }
  const [problem] = eventPatternProblems(pattern);
  const fields = nested(pattern);
  if (problem !== undefined || !isFields(pattern) || !isFields(fields)) {
    throw new ValidationError(
      `event pattern: ${problem?.path.join(".") || "it"} ${problem?.must}, got ${showValue(problem?.got)}; ${problem?.fix}`,
    );
  }
  CHECKED.set(pattern, fields);
  return fields;
}

/**
 * Writes names that are joined by dots as nested objects, which EventBridge takes for the same.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html
 */
function nested(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(nested);
  }
  if (!isFields(value)) {
    return value;
  }
  return Object.entries(value)
    .map(([name, field]) =>
      name.split(".").reduceRight((inner, part) => ({ [part]: inner }), nested(field)),
    )
    .reduce(merged, {});
}

/** Two values at one place: the fields of both objects, or both values where one is no object. */
function merged(a: unknown, b: unknown): unknown {
  if (!isFields(a) || !isFields(b)) {
    return [a, b];
  }
  const both = Object.entries(b).map(([name, field]) => [
    name,
    Object.hasOwn(a, name) ? merged(a[name], field) : field,
  ]);
  return { ...a, ...Object.fromEntries(both) };
}

/**
 * Whether one of `objects` matches all fields.
 *
 * @param objects - what stands at this place of the event: one object, or the elements of an array
 * @param everywhere - what stands at this place in any element of the arrays around it
 */
function fieldsMatch(
  pattern: Fields,
  objects: readonly Fields[],
  everywhere: readonly Fields[],
): boolean {
  const candidates = objects.length > 0 ? objects : [{}];
  return candidates.some((object) =>
    Object.entries(pattern).every(([name, wanted]) =>
      name === "$or" && Array.isArray(wanted)
        ? wanted.some((alternative) => fieldsMatch(alternative, [object], everywhere))
        : fieldMatches(wanted, fieldOf(object, name), valuesOf(everywhere, name)),
    ),
  );
}

function fieldMatches(wanted: unknown, value: unknown, everywhere: readonly unknown[]): boolean {
  if (Array.isArray(wanted)) {
    const scalars = scalarsOf(value);
    return wanted.some((matcher) =>
      isFields(matcher) && matcher.exists === false
        ? everywhere.every((other) => scalarsOf(other).length === 0)
        : scalars.some((scalar) => valueMatches(matcher, scalar)),
    );
  }
  return isFields(wanted) && fieldsMatch(wanted, objectsOf(value), everywhere.flatMap(objectsOf));
}

function valueMatches(matcher: unknown, value: unknown): boolean {
  if (!isFields(matcher)) {
    return matcher === value;
  }
  return Object.entries(matcher).some(([name, argument]) => MATCHERS[name]?.(argument, value));
}

function affixMatches(
  argument: Argument,
  value: unknown,
  has: (text: string, part: string) => boolean,
): boolean {
  if (typeof value !== "string") {
    return false;
  }
  return isFields(argument)
    ? has(value.toLowerCase(), lower(argument["equals-ignore-case"]))
    : has(value, String(argument));
}

/**
 * Whether anything-but excludes the value. Values of another type than those listed are not
 * excluded: null is something other than "stopped".
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-anything-but
 */
function isExcluded(argument: Argument, value: unknown): boolean {
  return isFields(argument)
    ? Object.entries(argument).some(([name, texts]) =>
        listOf(texts).some((text) => MATCHERS[name]?.(text, value)),
      )
    : listOf(argument).includes(value);
}

function wildcard(text: string): RegExp {
  const source = text.replace(/\\[*\\]|[\s\S]/g, (part) => {
    if (part === "*") {
      return "[\\s\\S]*";
    }
    const literal = part.length > 1 ? part.slice(1) : part;
    return literal.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  });
  return new RegExp(`^${source}$`);
}

function comparisonsHold(argument: Argument, value: number): boolean {
  const [operator, bound, ...rest] = listOf(argument);
  return (
    comparisonHolds(operator, Number(bound), value) &&
    (rest.length === 0 || comparisonsHold(rest, value))
  );
}

function comparisonHolds(operator: unknown, bound: number, value: number): boolean {
  switch (operator) {
    case "=":
      return value === bound;
    case "<":
      return value < bound;
    case "<=":
      return value <= bound;
    case ">":
      return value > bound;
    default:
      return value >= bound;
  }
}

/** @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html */
function isInRange(range: string, address: string): boolean {
  const [network = "", prefixLength] = range.split("/");
  const list = new BlockList();
  // An IPv6 address may stand for an IPv4 one, and Node.js would find it in an IPv4 range.
  if (isIPv4(network) && isIPv4(address)) {
    list.addSubnet(network, Number(prefixLength), "ipv4");
    return list.check(address, "ipv4");
  }
  if (isIPv6(network) && isIPv6(address)) {
    list.addSubnet(network, Number(prefixLength), "ipv6");
    return list.check(address, "ipv6");
  }
  return false;
}

/** The objects that stand in an array, at any depth, or the one object that is there. */
function objectsOf(value: unknown): readonly Fields[] {
  if (Array.isArray(value)) {
    return value.flatMap(objectsOf);
  }
  return isFields(value) ? [value] : [];
}

/** The values that are neither objects nor arrays. An empty array is like no field at all. */
function scalarsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) {
    return value.flatMap(scalarsOf);
  }
  return isFields(value) || value === undefined ? [] : [value];
}

function valuesOf(objects: readonly Fields[], name: string): readonly unknown[] {
  return objects.map((object) => fieldOf(object, name));
}

function fieldOf(object: Fields, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function lower(text: unknown): string {
  return String(text).toLowerCase();
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
