/** Which events a pattern matches, rule by rule of the documentation, and against a naive matcher. */
import fc from "fast-check";
import { matchesPattern } from "../../../sandbox/delivery/event-matcher";

const field = (...matchers: unknown[]) => ({ detail: { field: matchers } });
const valued = (value: unknown) => ({ detail: { field: value } });
const NO_FIELD = { detail: { other: 1 } };

const OPERATORS =
  "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html";
const ANYTHING_BUT = `${OPERATORS}#eb-filtering-anything-but`;
const NULLS =
  "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-null-values.html";

interface Rule {
  readonly link: string;
  readonly pattern: unknown;
  readonly matches: readonly unknown[];
  readonly misses: readonly unknown[];
}

const RULES: Readonly<Record<string, Rule>> = {
  "a value equals, character by character": {
    link: OPERATORS,
    pattern: field("a", 1, true),
    matches: [valued("a"), valued(1), valued(1.0), valued(true)],
    misses: [valued("A"), valued("a "), valued("1"), valued("true"), valued(false), NO_FIELD],
  },
  "null and the empty string are values of their own": {
    link: NULLS,
    pattern: field(null, ""),
    matches: [valued(null), valued("")],
    misses: [valued("null"), valued(0), valued(false), valued([]), NO_FIELD],
  },
  "the names of what every object has are fields like others": {
    link: OPERATORS,
    pattern: { detail: { constructor: [{ exists: true }] } },
    matches: [{ detail: { constructor: 1 } }],
    misses: [NO_FIELD],
  },
  "prefix takes strings that begin so": {
    link: `${OPERATORS}#eb-filtering-prefix-matching`,
    pattern: field({ prefix: "ab" }),
    matches: [valued("ab"), valued("abc")],
    misses: [valued("a"), valued("Abc"), valued("cab"), valued(12), NO_FIELD],
  },
  "prefix takes strings that begin so in any case": {
    link: `${OPERATORS}#eb-filtering-prefix-matching`,
    pattern: field({ prefix: { "equals-ignore-case": "aB" } }),
    matches: [valued("Abc"), valued("ABC"), valued("ab")],
    misses: [valued("bab"), valued(1)],
  },
  "suffix takes strings that end so": {
    link: `${OPERATORS}#eb-filtering-suffix-matching`,
    pattern: field({ suffix: "bc" }),
    matches: [valued("bc"), valued("abc")],
    misses: [valued("aBC"), valued("bcd"), valued(1)],
  },
  "suffix takes strings that end so in any case": {
    link: `${OPERATORS}#eb-filtering-suffix-matching`,
    pattern: field({ suffix: { "equals-ignore-case": ".pNg" } }),
    matches: [valued("a.PNG"), valued("a.png")],
    misses: [valued("a.png2")],
  },
  "equals-ignore-case takes a whole string in any case": {
    link: `${OPERATORS}#eb-filtering-equals-ignore-case-matching`,
    pattern: field({ "equals-ignore-case": "Alice" }),
    matches: [valued("alice"), valued("ALICE")],
    misses: [valued("alice "), valued(null)],
  },
  "a wildcard stands for any number of characters, line ends too": {
    link: `${OPERATORS}#eb-filtering-wildcard-matching`,
    pattern: field({ wildcard: "dir/*.p?g*" }),
    matches: [valued("dir/.p?g"), valued("dir/a/b.p?g"), valued("dir/\n.p?g9")],
    misses: [valued("dir/a.png"), valued("xdir/.p?g"), valued("dir/p?g"), valued(1)],
  },
  "a backslash takes the meaning from a wildcard and from a backslash": {
    link: `${OPERATORS}#eb-filtering-wildcard-matching`,
    pattern: field({ wildcard: "a\\*b\\\\*" }),
    matches: [valued("a*b\\"), valued("a*b\\c")],
    misses: [valued("aXb\\"), valued("a*b"), valued("a*bc")],
  },
  "anything-but takes what is there and is not listed": {
    link: ANYTHING_BUT,
    pattern: field({ "anything-but": ["a", "b"] }),
    matches: [valued("c"), valued(1), valued(null), valued(true), valued(["a", "c"])],
    misses: [valued("a"), valued(["a", "b"]), valued([]), valued({ a: 1 }), NO_FIELD],
  },
  "anything-but takes one value too": {
    link: ANYTHING_BUT,
    pattern: field({ "anything-but": 123 }),
    matches: [valued(124), valued("123")],
    misses: [valued(123), NO_FIELD],
  },
  "anything-but a prefix": {
    link: `${OPERATORS}#eb-filtering-anything-but-prefix`,
    pattern: field({ "anything-but": { prefix: ["init", "stop"] } }),
    matches: [valued("reinit"), valued(1)],
    misses: [valued("initial"), valued("stopped"), NO_FIELD],
  },
  "anything-but a suffix": {
    link: `${OPERATORS}#eb-filtering-anything-but-suffix`,
    pattern: field({ "anything-but": { suffix: ".txt" } }),
    matches: [valued("a.rtf"), valued("a.TXT")],
    misses: [valued("a.txt"), NO_FIELD],
  },
  "anything-but a string in any case": {
    link: `${OPERATORS}#eb-filtering-anything-but-ignore-case`,
    pattern: field({ "anything-but": { "equals-ignore-case": ["a", "b"] } }),
    matches: [valued("c")],
    misses: [valued("A"), valued("b"), NO_FIELD],
  },
  "anything-but a wildcard": {
    link: `${OPERATORS}#eb-filtering-anything-but-wildcard`,
    pattern: field({ "anything-but": { wildcard: ["*/lib/*", "*/bin/*"] } }),
    matches: [valued("/etc/x"), valued("/lib")],
    misses: [valued("/a/lib/x"), valued("/bin/"), NO_FIELD],
  },
  "numeric takes numbers on both sides of its bounds": {
    link: `${OPERATORS}#filtering-numeric-matching`,
    pattern: field({ numeric: [">", 0, "<=", 5] }),
    matches: [valued(0.1), valued(5)],
    misses: [valued(0), valued(5.1), valued("3"), valued(null), NO_FIELD],
  },
  "numeric takes one bound": {
    link: `${OPERATORS}#filtering-numeric-matching`,
    pattern: field({ numeric: [">=", 10] }, { numeric: ["<", 1] }),
    matches: [valued(10), valued(0)],
    misses: [valued(9.9), valued(1)],
  },
  "numeric takes one number however it is written": {
    link: `${OPERATORS}#filtering-numeric-matching`,
    pattern: field({ numeric: ["=", 3.018e2] }),
    matches: [valued(301.8)],
    misses: [valued(301.9), valued("301.8")],
  },
  "cidr takes IPv4 addresses": {
    link: OPERATORS,
    pattern: field({ cidr: "10.0.0.128/25" }),
    matches: [valued("10.0.0.128"), valued("10.0.0.255")],
    misses: [valued("10.0.0.127"), valued("10.0.1.0"), valued("::ffff:10.0.0.128"), valued("kms")],
  },
  "cidr takes IPv6 addresses": {
    link: OPERATORS,
    pattern: field({ cidr: "2001:db8::/33" }),
    matches: [valued("2001:db8::1"), valued("2001:DB8:7fff:0:0:0:0:1")],
    misses: [valued("2001:db8:8000::"), valued("10.0.0.1"), NO_FIELD],
  },
  "cidr of no bits takes every address of its kind": {
    link: OPERATORS,
    pattern: field({ cidr: "0.0.0.0/0" }),
    matches: [valued("255.255.255.255")],
    misses: [valued("::1"), valued("a")],
  },
  "exists takes any value on a leaf, null included": {
    link: `${OPERATORS}#eb-filtering-exists-matching`,
    pattern: field({ exists: true }),
    matches: [valued(null), valued(""), valued(false), valued([1])],
    misses: [NO_FIELD, valued({ inner: 1 }), valued([]), {}],
  },
  "exists: false takes an event without the leaf": {
    link: `${OPERATORS}#eb-filtering-exists-matching`,
    pattern: field({ exists: false }, "a"),
    matches: [NO_FIELD, {}, valued({ inner: 1 }), valued([]), valued("a")],
    misses: [valued(null), valued("b")],
  },
  "exists: false looks at the field in all elements of an array": {
    link: `${OPERATORS}#eb-filtering-exists-matching`,
    pattern: { detail: { list: { a: ["x"], b: [{ exists: false }] } } },
    matches: [{ detail: { list: [{ a: "x" }, { a: "y" }] } }],
    misses: [{ detail: { list: [{ a: "x" }, { b: 1 }] } }],
  },
  "all fields must match": {
    link: "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html",
    pattern: { source: ["a"], detail: { b: ["c"], d: { e: [1] } } },
    matches: [{ source: "a", detail: { b: "c", d: { e: 1 }, more: 0 }, region: "x" }],
    misses: [
      { source: "a", detail: { b: "c", d: { e: 2 } } },
      { source: "a", detail: { b: "c" } },
      { source: "a", detail: { b: "c", d: 1 } },
      { detail: { b: "c", d: { e: 1 } } },
    ],
  },
  "of an array any element may match": {
    link: "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pattern-arrays.html",
    pattern: { resources: ["a", { prefix: "b" }] },
    matches: [{ resources: ["x", "a"] }, { resources: ["bc"] }, { resources: [["a"]] }],
    misses: [{ resources: ["x"] }, { resources: [] }],
  },
  "fields inside the elements of an array must match in one element": {
    link: "https://github.com/aws/event-ruler#json-array-matching",
    pattern: { detail: { list: { a: ["x"], b: ["y"] } } },
    matches: [{ detail: { list: [{ a: "z" }, { a: "x", b: ["q", "y"] }] } }],
    misses: [{ detail: { list: [{ a: "x" }, { b: "y" }] } }],
  },
  "$or takes one of its alternatives, beside the other fields": {
    link: `${OPERATORS}#eb-filtering-complex-example-or`,
    pattern: { source: ["s"], $or: [{ region: ["r"] }, { account: ["111122223333"] }] },
    matches: [
      { source: "s", region: "r" },
      { source: "s", region: "q", account: "111122223333" },
    ],
    misses: [{ source: "s" }, { source: "t", region: "r" }],
  },
  "$or inside $or, inside fields and over elements of an array": {
    link: `${OPERATORS}#eb-filtering-complex-example-or`,
    pattern: {
      detail: {
        list: {
          a: [1],
          $or: [{ b: [1] }, { c: [1], $or: [{ d: [1] }, { e: [{ exists: false }] }] }],
        },
      },
    },
    matches: [
      { detail: { list: [{ a: 1, b: 1 }] } },
      { detail: { list: [{ a: 2 }, { a: 1, c: 1, d: 1, e: 1 }] } },
      { detail: { list: { a: 1, c: 1 } } },
    ],
    misses: [
      { detail: { list: [{ a: 1 }, { b: 1 }] } },
      { detail: { list: [{ a: 1, c: 1 }, { e: 1 }] } },
    ],
  },
  "names joined by dots are nested names, in the pattern and in the event": {
    link: "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html",
    pattern: { detail: { "a.b": [1], a: { c: [2] } } },
    matches: [
      { detail: { a: { b: 1, c: 2 } } },
      { detail: { "a.b": 1, "a.c": 2 } },
      { "detail.a.b": 1, detail: { a: { c: 2 } } },
    ],
    misses: [{ detail: { "a.b": 1 } }, { detail: { a: [{ b: 1 }, { c: 2 }] } }],
  },
};

describe.each(Object.entries(RULES))("%s", (_rule, { link, pattern, matches, misses }) => {
  test(`matches and misses as ${link} says`, () => {
    const matched = [...matches, ...misses].filter((event) => matchesPattern(pattern, event));

    expect(matched).toEqual(matches);
  });
});

test.each<[unknown, string]>([
  [
    { source: [{ prefx: "a" }] },
    'event pattern: source.0 must have exactly one key out of prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, exists, cidr, got {"prefx":"a"}; use one of these; fields inside the field need no array around them',
  ],
  [
    "aws.kms",
    'event pattern: it must be an object with at least one field, got "aws.kms"; write it as an object, such as {"source":["aws.kms"]}',
  ],
])("fails for the pattern %j, which EventBridge refuses", (pattern, message) => {
  expect(() => matchesPattern(pattern, { source: "a" })).toThrow(message);
});

/** The value of one field of an event, and the array elements it stands in. */
interface Leaf {
  readonly name: string;
  readonly value: unknown;
  readonly elements: ReadonlyMap<unknown, number>;
}

/** One field of a pattern. */
type Wanted = readonly [string, readonly unknown[]];

/** A matcher as event-ruler works: fields without nesting, and every choice of values is tried. */
function naivelyMatches(pattern: object, event: unknown): boolean {
  const leaves = leavesOf("", event, new Map());
  return alternativesOf("", pattern).some((wanted) => canChoose(wanted, leaves, new Map()));
}

function leavesOf(name: string, value: unknown, elements: ReadonlyMap<unknown, number>): Leaf[] {
  if (Array.isArray(value)) {
    return value.flatMap((element, index) =>
      leavesOf(name, element, new Map([...elements, [value, index]])),
    );
  }
  return typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([inner, child]) =>
        leavesOf(`${name}/${inner}`, child, elements),
      )
    : [{ name, value, elements }];
}

function alternativesOf(name: string, pattern: object): Wanted[][] {
  return Object.entries(pattern)
    .map(([inner, wanted]): Wanted[][] => {
      if (inner === "$or") {
        return (wanted as object[]).flatMap((alternative) => alternativesOf(name, alternative));
      }
      return Array.isArray(wanted)
        ? [[[`${name}/${inner}`, wanted]]]
        : alternativesOf(`${name}/${inner}`, wanted as object);
    })
    .reduce((all, more) => all.flatMap((a) => more.map((b) => [...a, ...b])), [[]]);
}

function canChoose(
  [first, ...others]: readonly Wanted[],
  leaves: readonly Leaf[],
  chosen: ReadonlyMap<unknown, number>,
): boolean {
  if (first === undefined) {
    return true;
  }
  const [name, matchers] = first;
  const own = leaves.filter((leaf) => leaf.name === name);
  const isAbsent = own.length === 0 && matchers.some((matcher) => isExists(matcher, false));
  return (
    (isAbsent && canChoose(others, leaves, chosen)) ||
    own.some(
      ({ value, elements }) =>
        matchers.some((matcher) => takes(matcher, value)) &&
        [...elements].every(([list, index]) => (chosen.get(list) ?? index) === index) &&
        canChoose(others, leaves, new Map([...chosen, ...elements])),
    )
  );
}

function takes(matcher: unknown, value: unknown): boolean {
  if (typeof matcher !== "object" || matcher === null) {
    return matcher === value;
  }
  const [[name, argument] = ["", ""]] = Object.entries(matcher);
  return name === "prefix"
    ? String(value).startsWith(argument) && typeof value === "string"
    : name === "anything-but"
      ? !argument.includes(value)
      : isExists(matcher, true);
}

function isExists(matcher: unknown, wanted: boolean): boolean {
  return JSON.stringify(matcher) === JSON.stringify({ exists: wanted });
}

test("decides as a naive matcher that tries every choice of values does", () => {
  const name = fc.constantFrom("a", "b", "c");
  const scalar = fc.constantFrom<unknown>("x", "xy", "y", 1, null, true);
  const { object } = fc.letrec<{ value: unknown; object: object }>((tie) => ({
    value: fc.oneof(
      { weight: 4, arbitrary: scalar },
      { weight: 2, arbitrary: fc.array(tie("value"), { maxLength: 3 }) },
      { weight: 3, arbitrary: tie("object") },
    ),
    object: fc.dictionary(name, tie("value"), { maxKeys: 3 }),
  }));
  const matcher = fc.oneof(
    scalar,
    fc.constantFrom({ exists: true }, { exists: false }, { prefix: "x" }),
    fc.constantFrom({ "anything-but": ["x"] }, { "anything-but": ["x", "xy"] }),
  );
  const { fields } = fc.letrec<{ fields: object; wanted: unknown }>((tie) => ({
    wanted: fc.oneof(
      { weight: 3, arbitrary: fc.array(matcher, { minLength: 1, maxLength: 2 }) },
      { weight: 2, arbitrary: tie("fields") },
    ),
    fields: fc.dictionary(name, tie("wanted"), { minKeys: 1, maxKeys: 2 }),
  }));
  const either = fc
    .tuple(fields, fields, fields)
    .map(([first, second, third]) => ({ own: first, $or: [{ p: second }, { q: third }] }));
  const seen = { matched: 0, missed: 0 };

  fc.assert(
    fc.property(fc.oneof(fields, either), object, object, (wanted, event, more) => {
      const pattern = { detail: wanted };
      const detail = { ...event, own: event, p: more, q: [event, more] };
      // As JSON text, so that no array stands in two places.
      const whole: unknown = JSON.parse(JSON.stringify({ detail }));
      const isMatched = matchesPattern(pattern, whole);
      seen[isMatched ? "matched" : "missed"] += 1;
      return isMatched === naivelyMatches(pattern, whole);
    }),
    { numRuns: 500, seed: 22 },
  );

  expect(Math.min(seen.matched, seen.missed)).toBeGreaterThan(40);
});
