import { createHash } from "node:crypto";
import jsonata from "jsonata";
import type { VirtualTime } from "./virtual-time";

type Expression = ReturnType<typeof jsonata>;

/**
 * Functions of JSONata 2.0.6 that Step Functions has, by name without the `$`: all but `$eval`.
 *
 * @see https://docs.jsonata.org/2.0.0/overview
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */
const JSONATA_FUNCTIONS = [
  ...["abs", "append", "assert", "average", "base64decode", "base64encode", "boolean", "ceil"],
  ...["clone", "contains", "count", "decodeUrl", "decodeUrlComponent", "distinct", "each"],
  ...["encodeUrl", "encodeUrlComponent", "error", "exists", "filter", "floor", "formatBase"],
  ...["formatInteger", "formatNumber", "fromMillis", "join", "keys", "length", "lookup"],
  ...["lowercase", "map", "match", "max", "merge", "millis", "min", "not", "now", "number", "pad"],
  ...["parseInteger", "power", "random", "reduce", "replace", "reverse", "round", "shuffle"],
  ...["sift", "single", "sort", "split", "spread", "sqrt", "string", "substring"],
  ...["substringAfter", "substringBefore", "sum", "toMillis", "trim", "type", "uppercase", "zip"],
];

/**
 * Functions that Step Functions adds to those of JSONata.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#jsonata-functions-provided-by-sfn
 */
const ADDED_FUNCTIONS = ["partition", "range", "hash", "random", "uuid", "parse"];

/** Names of all functions that expressions may call, without the `$`. */
export const FUNCTION_NAMES: ReadonlySet<string> = new Set([
  ...JSONATA_FUNCTIONS,
  ...ADDED_FUNCTIONS,
]);

// https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#jsonata-functions-provided-by-sfn
const HASH_ALGORITHMS: readonly string[] = ["MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"];

// States.ArrayRange, which $range stands for, makes no longer ones:
// https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
const MAX_RANGE_ELEMENTS = 1000;

const FROM_MILLIS = jsonata("$fromMillis($at, $picture, $timezone)");

/** Gives an expression the functions that always give the same for the same arguments. */
export function registerStepFunctions(expression: Expression): void {
  expression.registerFunction("parse", parse, "<s:x>");
  expression.registerFunction("partition", partition, "<an:a>");
  expression.registerFunction("range", range, "<nnn:a>");
  expression.registerFunction("hash", hash, "<ss:s>");
  expression.registerFunction("eval", refuseEval);
}

/**
 * The functions that give something else each time, or at another time, as variables of the
 * outermost scope.
 *
 * @param seed - executions with the same seed draw the same random values
 */
export function changingFunctions(
  time: VirtualTime,
  seed: string,
): Readonly<Record<string, unknown>> {
  const random = randomSequence(seed);
  return {
    now: (picture?: string, timezone?: string) =>
      FROM_MILLIS.evaluate(undefined, { at: time.now, picture, timezone }),
    millis: () => time.now,
    uuid: () => uuidOf(random),
    random: (wanted?: unknown) =>
      wanted === undefined ? random() : randomSequence(String(integer("$random", wanted)))(),
    shuffle: (list: unknown) => shuffled(Array.isArray(list) ? list : [list], random),
  };
}

function parse(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}

function partition(list: readonly unknown[] | undefined, wanted: number): unknown {
  const size = integer("$partition", wanted);
  if (size < 1) {
    throw new RangeError("$partition: the size of the chunks must be at least 1");
  }
  return list === undefined
    ? undefined
    : Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
        list.slice(index * size, (index + 1) * size),
      );
}

function range(from: number, to: number, by: number): readonly number[] {
  const [first, last, step] = [from, to, by].map((value) => integer("$range", value)) as [
    number,
    number,
    number,
  ];
  if (step === 0) {
    throw new RangeError("$range: the step must not be 0");
  }
  const length = Math.max(0, Math.floor((last - first) / step) + 1);
  if (length > MAX_RANGE_ELEMENTS) {
    throw new RangeError(`$range: the array must have at most ${MAX_RANGE_ELEMENTS} elements`);
  }
  return Array.from({ length }, (_, index) => first + index * step);
}

function hash(text: string, algorithm: string): string {
  if (!HASH_ALGORITHMS.includes(algorithm)) {
    throw new RangeError(`$hash: the algorithm must be one of ${HASH_ALGORITHMS.join(", ")}`);
  }
  return createHash(algorithm.replace("-", "")).update(text).digest("hex");
}

function refuseEval(): never {
  throw new Error("$eval is not available: use $parse");
}

/** Numbers that are not whole are rounded down. */
function integer(name: string, value: unknown): number {
  if (typeof value !== "number") {
    throw new TypeError(`${name}: the argument must be a number`);
  }
  return Math.floor(value);
}

/** @see https://en.wikipedia.org/wiki/Linear_congruential_generator */
function randomSequence(seed: string): () => number {
  let state = createHash("sha256").update(seed).digest().readUInt32BE(0);
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function uuidOf(random: () => number): string {
  return "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".replace(/[xy]/g, (place) => {
    const digit = Math.floor(random() * 16);
    return (place === "x" ? digit : (digit % 4) + 8).toString(16);
  });
}

function shuffled(list: readonly unknown[], random: () => number): unknown[] {
  return list
    .map((value) => ({ value, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ value }) => value);
}
