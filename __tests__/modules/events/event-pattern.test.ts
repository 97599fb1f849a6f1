import fc from "fast-check";
import {
  type EventPattern,
  type EventPatternProblem,
  eventPatternProblems,
  MAX_ARCHIVE_PATTERN_CHARACTERS,
  renderEventPattern,
} from "../../../modules/events/event-pattern";

const detail = (field: unknown) => ({ detail: { field: [field] } });
const AT = ["detail", "field", 0] as const;
const problem = (
  path: EventPatternProblem["path"],
  must: string,
  got: unknown,
  fix: string,
): EventPatternProblem => ({ path, must, got, fix });
const nested = (levels: number): unknown => {
  let pattern: unknown = [1];
  for (let level = 1; level < levels; level += 1) {
    pattern = { "": pattern };
  }
  return { detail: pattern };
};
const sparse = (length: number) => {
  const list: unknown[] = [];
  list.length = length;
  return list;
};
const or = (name: string, length: number) => ({
  $or: Array.from({ length }, (_, index) => ({ [`${name}${index}`]: [1] })),
});
const circular: { source: unknown[]; detail: Record<string, unknown> } = {
  source: ["aws.kms"],
  detail: {},
};
circular.detail.self = circular.detail;

const ENVELOPE =
  "version, id, detail-type, source, account, time, region, resources, detail, replay-name";
const MATCHERS =
  "prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, exists, cidr";
const MUST = {
  value: "must be a string, a finite number, true, false, null or a matcher object",
  leaf: "must be an array of values or an object of fields",
  envelope: `must be a field that every event may have at its top level (${ENVELOPE}) or $or`,
  detail: "must be an object of fields",
  matcher: `must have exactly one key out of ${MATCHERS}`,
  placed: "must hold its matcher in an array",
  field: "must have at least one field",
  full: "must not be an empty array",
  text: "must be a string",
  number: "must be a number from -5000000000 to 5000000000",
  range: "must have a lower bound below its upper bound",
  comparisons: "must be an array of one comparison or two",
  excluded:
    "must be a string, a number, an array of only strings or only numbers, or an object with one of prefix, suffix, equals-ignore-case, wildcard",
  cidr: "must be an IPv4 range with a prefix length of 0 to 31, or an IPv6 range with one of 0 to 127",
  or: "must be an array of at least two patterns",
  account: "must be a string of 12 digits",
  size: "must be at most 4096 characters of JSON text",
  root: "must be an object with at least one field",
  reserved: "must not be the name of a matcher or operator, which $or reserves",
};
const FIX = {
  value: "replace it with one of these",
  leaf: "list the values to accept in an array, or remove the field",
  detail: 'name a field of the detail, such as {"eventName":["DisableKey"]}',
  matcher: "use one of these; fields inside the field need no array around them",
  oneEach: "write one object for each key: a value then has to match only one of them",
  field: "name a field to match, or remove the empty object",
  text: "write the text to compare with, in quotes",
  number: "use a number in this range, without quotes, or match the value as a string",
  operators: "use one of these operators",
  order: "write the lower bound first, with > or >=, then the upper bound, with < or <=",
  comparisons: 'write an operator and a number for each, such as [">",0,"<=",5]',
  exists: "write true or false, without quotes",
  excluded: "list the values to exclude, all of one type",
  or: "list the alternatives, or write the only one without $or",
  reserved: "match the field outside $or, or put the matcher into the array of its field",
  size: "match with prefix, suffix or wildcard instead of long lists, or use several archives",
  root: 'write it as an object, such as {"source":["aws.kms"]}',
  beside:
    "name it either inside $or or beside it: EventBridge does not require both lists, so an event that passes only one of them can match",
};

// Each pattern is an example of the named page of https://docs.aws.amazon.com/eventbridge/latest/userguide/
const DOCUMENTED: readonly [page: string, pattern: EventPattern][] = [
  [
    "eb-event-patterns",
    {
      source: ["aws.ec2"],
      "detail-type": ["EC2 Instance State-change Notification"],
      detail: { state: ["terminated"] },
    },
  ],
  ["eb-create-pattern", { source: ["aws.ec2", "aws.fargate"] }],
  ["eb-create-pattern", { detail: { state: { status: ["running"] } } }],
  ["eb-create-pattern", { detail: { "state.status": ["running"] } }],
  ["eb-event-patterns-null-values", { detail: { eventVersion: [""] } }],
  ["eb-event-patterns-null-values", { detail: { responseElements: [null] } }],
  [
    "eb-event-patterns-arrays",
    {
      resources: [
        "arn:aws:ec2:us-east-1:123456789012:instance/i-b188560f",
        "arn:aws:ec2:us-east-1:111122223333:instance/i-b188560f",
      ],
    },
  ],
  [
    "eb-filtering-data-types",
    {
      source: ["aws.macie"],
      "detail-type": ["Macie Finding"],
      detail: { severity: { score: [1] }, count: [2] },
    },
  ],
  [
    "eb-patterns-best-practices",
    {
      "detail-type": ["AWS API Call via CloudTrail"],
      $or: [
        { source: ["aws.sqs"], detail: { eventName: ["CreateQueue", "SetQueueAttributes"] } },
        { source: ["aws.kms"], detail: { eventName: ["CreateKey", "DisableKeyRotation"] } },
      ],
    },
  ],
  ["eb-create-pattern-operators", { time: [{ prefix: "2017-10-02" }] }],
  [
    "eb-create-pattern-operators",
    { detail: { service: [{ prefix: { "equals-ignore-case": "EventB" } }] } },
  ],
  ["eb-create-pattern-operators", { detail: { FileName: [{ suffix: ".png" }] } }],
  [
    "eb-create-pattern-operators",
    { detail: { FileName: [{ suffix: { "equals-ignore-case": ".png" } }] } },
  ],
  ["eb-create-pattern-operators", { detail: { state: [{ "anything-but": "initializing" }] } }],
  ["eb-create-pattern-operators", { detail: { "x-limit": [{ "anything-but": 123 }] } }],
  [
    "eb-create-pattern-operators",
    { detail: { state: [{ "anything-but": ["stopped", "overloaded"] }] } },
  ],
  ["eb-create-pattern-operators", { detail: { "x-limit": [{ "anything-but": [100, 200, 300] }] } }],
  [
    "eb-create-pattern-operators",
    { detail: { state: [{ "anything-but": { "equals-ignore-case": "initializing" } }] } },
  ],
  [
    "eb-create-pattern-operators",
    {
      detail: {
        state: [{ "anything-but": { "equals-ignore-case": ["initializing", "stopped"] } }],
      },
    },
  ],
  [
    "eb-create-pattern-operators",
    { detail: { state: [{ "anything-but": { prefix: ["init", "stop"] } }] } },
  ],
  [
    "eb-create-pattern-operators",
    { detail: { FileName: [{ "anything-but": { suffix: [".txt", ".rtf"] } }] } },
  ],
  [
    "eb-create-pattern-operators",
    { detail: { FilePath: [{ "anything-but": { wildcard: ["*/lib/*", "*/bin/*"] } }] } },
  ],
  ["eb-create-pattern-operators", { detail: { sourceIPAddress: [{ cidr: "10.0.0.0/24" }] } }],
  ["eb-create-pattern-operators", { detail: { state: [{ exists: true }] } }],
  ["eb-create-pattern-operators", { detail: { state: [{ exists: false }] } }],
  [
    "eb-create-pattern-operators",
    { "detail-type": [{ "equals-ignore-case": "ec2 instance state-change notification" }] },
  ],
  [
    "eb-create-pattern-operators",
    {
      time: [{ prefix: "2017-10-02" }],
      detail: {
        state: [{ "anything-but": "initializing" }],
        "c-count": [{ numeric: [">", 0, "<=", 5] }],
        "d-count": [{ numeric: ["<", 10] }],
        "x-limit": [{ "anything-but": [100, 200, 300] }],
      },
    },
  ],
  [
    "eb-create-pattern-operators",
    {
      detail: {
        $or: [
          { "c-count": [{ numeric: [">", 0, "<=", 5] }] },
          { "d-count": [{ numeric: ["<", 10] }] },
          { "x-limit": [{ numeric: ["=", 3.018e2] }] },
        ],
      },
    },
  ],
];

test.each(DOCUMENTED)("accepts an example of the AWS page %s: %j", (_page, pattern) => {
  expect(eventPatternProblems(pattern)).toEqual([]);
});

test.each([
  [
    "every field of the envelope",
    Object.fromEntries(
      ENVELOPE.split(", ").map((name) => [
        name,
        name === "detail" ? { a: [1] } : name === "account" ? ["111122223333"] : ["x"],
      ]),
    ),
  ],
  ["every scalar", { detail: { field: ["", "x", 0, -1.5, true, false, null] } }],
  [
    "fields that are named like a matcher",
    { detail: { prefix: ["logs/"], exists: [true], cidr: { wildcard: ["*"] } } },
  ],
  ["an object of fields named prefix and suffix", { detail: { filter: { prefix: ["a"] } } }],
  [
    "fields that are named like members of every object",
    { detail: { constructor: ["a"], toString: { valueOf: [1] } } },
  ],
  ["an object without prototype", Object.assign(Object.create(null), { source: ["aws.kms"] })],
  [
    "an account without its leading zeros elsewhere",
    { detail: { account: [1], accountId: ["x"] } },
  ],
  [
    "an account matched by prefix or exclusion",
    { account: [{ prefix: "1111" }, { "anything-but": ["111122223333"] }] },
  ],
  [
    "one field in several alternatives",
    { $or: [{ source: ["a"] }, { source: ["b"], region: ["c"] }] },
  ],
  [
    "different fields of detail beside and inside $or",
    { detail: { a: [1] }, $or: [{ detail: { b: [1] } }, { region: ["x"] }] },
  ],
  ["an $or in an $or", { $or: [{ source: ["a"] }, { $or: [{ region: ["b"] }, { id: ["c"] }] }] }],
  [
    "a list that appears twice without containing itself",
    (() => {
      const shared = ["x"];
      return { source: shared, region: shared };
    })(),
  ],
])("accepts %s", (_title, pattern) => {
  expect(eventPatternProblems(pattern)).toEqual([]);
});

test.each([
  { prefix: "" },
  { suffix: { "equals-ignore-case": "" } },
  { wildcard: "" },
  { wildcard: "*" },
  { wildcard: "a*b*c" },
  { wildcard: "*\\**" },
  { wildcard: "\\\\*" },
  { numeric: ["=", -5e9] },
  { numeric: ["=", 5e9] },
  { numeric: ["<", 5e9] },
  { numeric: ["<=", -5e9 + 1] },
  { numeric: [">", -5e9] },
  { numeric: [">=", 5e9 - 1] },
  { numeric: ["<", 0] },
  { numeric: ["<=", 0] },
  { numeric: [">", 0] },
  { numeric: [">=", 0] },
  { numeric: [">", 1, "<", 1.000001] },
  { numeric: [">=", -5e9, "<=", 5e9] },
  { cidr: "0.0.0.0/0" },
  { cidr: "10.0.0.0/31" },
  { cidr: "::/0" },
  { cidr: "2001:DB8::/127" },
  { "anything-but": "" },
  { "anything-but": [5e9] },
  { "anything-but": { wildcard: "" } },
  { "anything-but": { suffix: "a" } },
])("accepts the matcher %j", (matcher) => {
  expect(eventPatternProblems(detail(matcher))).toEqual([]);
});

const cidrProblem = (
  got: unknown,
  fix = 'write a range such as "10.0.0.0/24" or "2001:db8::/32"',
) => problem([...AT, "cidr"], MUST.cidr, got, fix);
const excludedProblem = (got: unknown) =>
  problem([...AT, "anything-but"], MUST.excluded, got, FIX.excluded);
const wildcardProblem = (got: string, must: string, fix: string) =>
  problem([...AT, "wildcard"], must, got, fix);
const CONSECUTIVE = ["must not have consecutive wildcards", "write one * instead"] as const;
const ESCAPE = [
  "must have a backslash only before * or another backslash",
  "write two backslashes for a literal one (four in JSON text)",
] as const;
const numeric = (list: unknown) => detail({ numeric: list });
const NUMERIC = [...AT, "numeric"] as const;

const REFUSED: readonly [title: string, pattern: unknown, problem: EventPatternProblem][] = [
  [
    "the pattern is JSON text",
    '{"source":["a"]}',
    problem([], MUST.root, '{"source":["a"]}', FIX.root),
  ],
  ["the pattern is missing", undefined, problem([], MUST.root, undefined, FIX.root)],
  ["the pattern is null", null, problem([], MUST.root, null, FIX.root)],
  [
    "the pattern is an array",
    [{ source: ["a"] }],
    problem([], MUST.root, [{ source: ["a"] }], FIX.root),
  ],
  ["the pattern is an instance", new Map(), problem([], MUST.root, new Map(), FIX.root)],
  ["the pattern is empty", {}, problem([], MUST.field, {}, FIX.field)],
  ["detail is empty", { detail: {} }, problem(["detail"], MUST.field, {}, FIX.field)],
  [
    "an inner object is empty",
    { detail: { a: {} } },
    problem(["detail", "a"], MUST.field, {}, FIX.field),
  ],
  [
    "a field of the detail is at the top level",
    { eventName: ["DisableKey"] },
    problem(
      ["eventName"],
      MUST.envelope,
      "eventName",
      'put it under detail: {"detail":{"eventName":...}}',
    ),
  ],
  [
    "a field of the detail is at the top level of $or",
    { $or: [{ source: ["a"] }, { eventName: ["b"] }] },
    problem(
      ["$or", 1, "eventName"],
      MUST.envelope,
      "eventName",
      'put it under detail: {"detail":{"eventName":...}}',
    ),
  ],
  [
    "detail-type is spelled detailType",
    { detailType: ["a"] },
    problem(["detailType"], MUST.envelope, "detailType", "write detail-type"),
  ],
  [
    "a field is named __proto__",
    JSON.parse('{"detail":{"__proto__":["a"]}}'),
    problem(
      ["detail", "__proto__"],
      "must not be named __proto__",
      "__proto__",
      "remove the field",
    ),
  ],
  [
    "a top-level field is named __proto__",
    JSON.parse('{"__proto__":["a"]}'),
    problem(["__proto__"], "must not be named __proto__", "__proto__", "remove the field"),
  ],
  [
    "a value is a bare string",
    { source: "aws.kms" },
    problem(["source"], MUST.leaf, "aws.kms", 'write ["aws.kms"]'),
  ],
  [
    "a value is a bare number",
    { detail: { a: 5 } },
    problem(["detail", "a"], MUST.leaf, 5, "write [5]"),
  ],
  [
    "a value is a bare null",
    { detail: { a: null } },
    problem(["detail", "a"], MUST.leaf, null, "write [null]"),
  ],
  [
    "a value is undefined",
    { detail: { a: undefined } },
    problem(["detail", "a"], MUST.leaf, undefined, FIX.leaf),
  ],
  [
    "a value is a bare NaN",
    { detail: { a: Number.NaN } },
    problem(["detail", "a"], MUST.leaf, Number.NaN, FIX.leaf),
  ],
  [
    "a value is a bare bigint",
    { detail: { a: 1n } },
    problem(["detail", "a"], MUST.leaf, 1n, FIX.leaf),
  ],
  [
    "an array is empty",
    { source: [] },
    problem(
      ["source"],
      MUST.full,
      [],
      "list the values to accept, or remove the field to accept any value",
    ),
  ],
  [
    "an element is an array",
    detail(["a"]),
    problem(AT, MUST.value, ["a"], "put its values directly into the outer array"),
  ],
  ["an element is undefined", detail(undefined), problem(AT, MUST.value, undefined, FIX.value)],
  [
    "an element is a hole",
    { source: sparse(1) },
    problem(["source", 0], MUST.value, undefined, FIX.value),
  ],
  ["an element is NaN", detail(Number.NaN), problem(AT, MUST.value, Number.NaN, FIX.value)],
  ["an element is Infinity", detail(Infinity), problem(AT, MUST.value, Infinity, FIX.value)],
  ["an element is a bigint", detail(1n), problem(AT, MUST.value, 1n, FIX.value)],
  [
    "an element is a function",
    detail(Number.isNaN),
    problem(AT, MUST.value, Number.isNaN, FIX.value),
  ],
  [
    "an element is an instance",
    detail(new Date(0)),
    problem(AT, MUST.value, new Date(0), FIX.value),
  ],
  [
    "an element is an object of fields",
    detail({ state: ["a"] }),
    problem(AT, MUST.matcher, { state: ["a"] }, FIX.matcher),
  ],
  [
    "an element is an object named like a member of every object",
    detail({ constructor: "a" }),
    problem(AT, MUST.matcher, { constructor: "a" }, FIX.matcher),
  ],
  ["a matcher is empty", detail({}), problem(AT, MUST.matcher, {}, FIX.matcher)],
  [
    "a matcher has two keys",
    detail({ prefix: "a", suffix: "b" }),
    problem(AT, MUST.matcher, { prefix: "a", suffix: "b" }, FIX.oneEach),
  ],
  [
    "$or is in a list of values",
    detail({ $or: ["a", "b"] }),
    problem(AT, MUST.matcher, { $or: ["a", "b"] }, FIX.matcher),
  ],
  [
    "a matcher is not in an array",
    { source: { prefix: "aws." } },
    problem(
      ["source"],
      MUST.placed,
      { prefix: "aws." },
      'write [{"prefix":"aws."}]: matchers work on the values of a field only',
    ),
  ],
  [
    "exists is not in an array",
    { detail: { a: { exists: false } } },
    problem(
      ["detail", "a"],
      MUST.placed,
      { exists: false },
      'write [{"exists":false}]: matchers work on the values of a field only',
    ),
  ],
  [
    "exists is asked of detail",
    { detail: [{ exists: true }] },
    problem(["detail"], MUST.detail, [{ exists: true }], FIX.detail),
  ],
  [
    "detail is a matcher",
    { detail: { exists: true } },
    problem(["detail"], MUST.detail, { exists: true }, FIX.detail),
  ],
  ["detail is a string", { detail: "a" }, problem(["detail"], MUST.detail, "a", FIX.detail)],
  [
    "another envelope field is an object",
    { source: { name: ["a"] } },
    problem(
      ["source"],
      "must be an array of values",
      { name: ["a"] },
      "list the accepted values: source has no fields of its own in any event",
    ),
  ],
  [
    "a prefix is a number",
    detail({ prefix: 1 }),
    problem([...AT, "prefix"], MUST.text, 1, FIX.text),
  ],
  [
    "a suffix is a list",
    detail({ suffix: ["a"] }),
    problem([...AT, "suffix"], MUST.text, ["a"], FIX.text),
  ],
  [
    "a prefix has another key than equals-ignore-case",
    detail({ prefix: { wildcard: "a" } }),
    problem(
      [...AT, "prefix"],
      "must have exactly one key out of equals-ignore-case",
      { wildcard: "a" },
      'write {"equals-ignore-case":"<text>"}',
    ),
  ],
  [
    "a suffix ignores the case of a number",
    detail({ suffix: { "equals-ignore-case": 1 } }),
    problem([...AT, "suffix", "equals-ignore-case"], MUST.text, 1, FIX.text),
  ],
  [
    "equals-ignore-case is a list",
    detail({ "equals-ignore-case": ["a"] }),
    problem([...AT, "equals-ignore-case"], MUST.text, ["a"], FIX.text),
  ],
  [
    "a wildcard is a number",
    detail({ wildcard: 1 }),
    problem([...AT, "wildcard"], MUST.text, 1, FIX.text),
  ],
  ["a wildcard has ** in it", detail({ wildcard: "a**" }), wildcardProblem("a**", ...CONSECUTIVE)],
  [
    "a wildcard has ** after an escaped backslash",
    detail({ wildcard: "\\\\**" }),
    wildcardProblem("\\\\**", ...CONSECUTIVE),
  ],
  ["a wildcard escapes a letter", detail({ wildcard: "\\a" }), wildcardProblem("\\a", ...ESCAPE)],
  [
    "a wildcard ends in a backslash",
    detail({ wildcard: "a\\" }),
    wildcardProblem("a\\", ...ESCAPE),
  ],
  ["anything-but is a boolean", detail({ "anything-but": true }), excludedProblem(true)],
  ["anything-but is null", detail({ "anything-but": null }), excludedProblem(null)],
  ["anything-but is an empty list", detail({ "anything-but": [] }), excludedProblem([])],
  [
    "anything-but mixes strings and numbers",
    detail({ "anything-but": ["a", 1] }),
    excludedProblem(["a", 1]),
  ],
  ["anything-but lists booleans", detail({ "anything-but": [true] }), excludedProblem([true])],
  ["anything-but lists holes", detail({ "anything-but": sparse(2) }), excludedProblem(sparse(2))],
  [
    "anything-but is a number out of range",
    detail({ "anything-but": 5e9 + 1 }),
    problem([...AT, "anything-but"], MUST.number, 5e9 + 1, FIX.number),
  ],
  [
    "anything-but lists a number out of range",
    detail({ "anything-but": [1, Number.NaN] }),
    problem([...AT, "anything-but", 1], MUST.number, Number.NaN, FIX.number),
  ],
  [
    "anything-but negates cidr",
    detail({ "anything-but": { cidr: "::/0" } }),
    problem(
      [...AT, "anything-but"],
      "must have exactly one key out of prefix, suffix, equals-ignore-case, wildcard",
      { cidr: "::/0" },
      "use one of these",
    ),
  ],
  [
    "anything-but negates no prefix",
    detail({ "anything-but": { prefix: [] } }),
    problem([...AT, "anything-but", "prefix"], MUST.full, [], "list the strings to exclude"),
  ],
  [
    "anything-but negates the case of a number",
    detail({ "anything-but": { "equals-ignore-case": ["a", 1] } }),
    problem([...AT, "anything-but", "equals-ignore-case", 1], MUST.text, 1, FIX.text),
  ],
  [
    "anything-but negates the empty prefix",
    detail({ "anything-but": { prefix: "" } }),
    problem(
      [...AT, "anything-but", "prefix"],
      "must be a string of at least one character",
      "",
      "write the text to exclude: every text begins and ends with the empty one",
    ),
  ],
  [
    "anything-but negates the empty suffix",
    detail({ "anything-but": { suffix: ["a", ""] } }),
    problem(
      [...AT, "anything-but", "suffix", 1],
      "must be a string of at least one character",
      "",
      "write the text to exclude: every text begins and ends with the empty one",
    ),
  ],
  [
    "anything-but negates a bad wildcard",
    detail({ "anything-but": { wildcard: ["a", "**"] } }),
    problem([...AT, "anything-but", "wildcard", 1], CONSECUTIVE[0], "**", CONSECUTIVE[1]),
  ],
  ["numeric is a number", numeric(5), problem(NUMERIC, MUST.comparisons, 5, FIX.comparisons)],
  ["numeric is empty", numeric([]), problem(NUMERIC, MUST.comparisons, [], FIX.comparisons)],
  [
    "numeric has half a comparison more",
    numeric([">", 0, "<"]),
    problem(NUMERIC, MUST.comparisons, [">", 0, "<"], FIX.comparisons),
  ],
  [
    "numeric has three comparisons",
    numeric([">", 0, "<", 5, "=", 3]),
    problem(NUMERIC, MUST.comparisons, [">", 0, "<", 5, "=", 3], FIX.comparisons),
  ],
  [
    "numeric has an unknown operator",
    numeric(["!=", 0]),
    problem([...NUMERIC, 0], "must be one of = < <= > >=", "!=", FIX.operators),
  ],
  [
    "numeric compares with a string",
    numeric(["=", "5"]),
    problem([...NUMERIC, 1], MUST.number, "5", FIX.number),
  ],
  [
    "numeric is above the range",
    numeric(["<", 5e9 + 1]),
    problem([...NUMERIC, 1], MUST.number, 5e9 + 1, FIX.number),
  ],
  [
    "numeric is below the range",
    numeric([">", -5e9 - 1, "<", 0]),
    problem([...NUMERIC, 1], MUST.number, -5e9 - 1, FIX.number),
  ],
  [
    "the upper bound is above the range",
    numeric([">", 0, "<", 5e9 + 1]),
    problem([...NUMERIC, 3], MUST.number, 5e9 + 1, FIX.number),
  ],
  [
    "a range starts with =",
    numeric(["=", 0, "<", 5]),
    problem([...NUMERIC, 0], "must be one of > >=", "=", FIX.order),
  ],
  [
    "a range ends with >",
    numeric([">", 0, ">", 5]),
    problem([...NUMERIC, 2], "must be one of < <=", ">", FIX.order),
  ],
  [
    "a range is one number",
    numeric([">=", 5, "<=", 5]),
    problem(NUMERIC, MUST.range, [">=", 5, "<=", 5], 'write ["=",5] for one number'),
  ],
  [
    "a range is upside down",
    numeric([">", 6, "<", 5]),
    problem(NUMERIC, MUST.range, [">", 6, "<", 5], "swap the bounds"),
  ],
  [
    "numeric leaves no number below",
    numeric(["<", -5e9]),
    problem(
      NUMERIC,
      "must leave a range between -5000000000 and 5000000000",
      ["<", -5e9],
      'write ["=",-5000000000] for one number, or move the bound',
    ),
  ],
  [
    "numeric leaves no number at or below",
    numeric(["<=", -5e9]),
    problem(
      NUMERIC,
      "must leave a range between -5000000000 and 5000000000",
      ["<=", -5e9],
      'write ["=",-5000000000] for one number, or move the bound',
    ),
  ],
  [
    "numeric leaves no number above",
    numeric([">", 5e9]),
    problem(
      NUMERIC,
      "must leave a range between -5000000000 and 5000000000",
      [">", 5e9],
      'write ["=",5000000000] for one number, or move the bound',
    ),
  ],
  [
    "numeric leaves no number at or above",
    numeric([">=", 5e9]),
    problem(
      NUMERIC,
      "must leave a range between -5000000000 and 5000000000",
      [">=", 5e9],
      'write ["=",5000000000] for one number, or move the bound',
    ),
  ],
  [
    "exists is a string",
    detail({ exists: "true" }),
    problem([...AT, "exists"], "must be true or false", "true", FIX.exists),
  ],
  ["a CIDR block is a number", detail({ cidr: 10 }), cidrProblem(10)],
  [
    "a CIDR block has no prefix length",
    detail({ cidr: "10.0.0.1" }),
    cidrProblem(
      "10.0.0.1",
      'add a prefix length in this range, or list the single address as a plain string, "10.0.0.1"',
    ),
  ],
  [
    "an IPv4 block is one address",
    detail({ cidr: "10.0.0.1/32" }),
    cidrProblem(
      "10.0.0.1/32",
      'add a prefix length in this range, or list the single address as a plain string, "10.0.0.1"',
    ),
  ],
  [
    "an IPv6 block is one address",
    detail({ cidr: "::1/128" }),
    cidrProblem(
      "::1/128",
      'add a prefix length in this range, or list the single address as a plain string, "::1"',
    ),
  ],
  [
    "a prefix length is negative",
    detail({ cidr: "::/-1" }),
    cidrProblem(
      "::/-1",
      'add a prefix length in this range, or list the single address as a plain string, "::"',
    ),
  ],
  [
    "a CIDR block has two slashes",
    detail({ cidr: "::/1/1" }),
    cidrProblem(
      "::/1/1",
      'add a prefix length in this range, or list the single address as a plain string, "::"',
    ),
  ],
  ["an IPv4 address is short", detail({ cidr: "10.0.0/24" }), cidrProblem("10.0.0/24")],
  ["an octet is above 255", detail({ cidr: "10.0.0.256/24" }), cidrProblem("10.0.0.256/24")],
  [
    "an IPv6 address has dots",
    detail({ cidr: "::ffff:1.2.3.4/100" }),
    cidrProblem("::ffff:1.2.3.4/100"),
  ],
  [
    "an IPv6 address has a zone",
    detail({ cidr: "fe80::1%eth0/64" }),
    cidrProblem("fe80::1%eth0/64"),
  ],
  [
    "an account is a number",
    { account: [111122223333] },
    problem(["account", 0], MUST.account, 111122223333, 'write "111122223333"'),
  ],
  [
    "an account has lost its leading zero",
    { account: [12345678901] },
    problem(["account", 0], MUST.account, 12345678901, 'write "012345678901"'),
  ],
  [
    "an account has 11 digits",
    { account: ["11112222333"] },
    problem(
      ["account", 0],
      MUST.account,
      "11112222333",
      'write an account ID, such as "111122223333"',
    ),
  ],
  [
    "an account has 13 digits",
    { account: ["1111222233334"] },
    problem(
      ["account", 0],
      MUST.account,
      "1111222233334",
      'write an account ID, such as "111122223333"',
    ),
  ],
  [
    "an account has a letter",
    { account: ["11112222333a"] },
    problem(
      ["account", 0],
      MUST.account,
      "11112222333a",
      'write an account ID, such as "111122223333"',
    ),
  ],
  [
    "an account is a bare number",
    { account: 12345678901 },
    problem(["account"], MUST.leaf, 12345678901, 'write ["012345678901"]'),
  ],
  [
    "an account is too long a number",
    { account: [1e12] },
    problem(["account", 0], MUST.account, 1e12, 'write an account ID, such as "111122223333"'),
  ],
  [
    "an account in $or is a number",
    { $or: [{ account: [111122223333] }, { region: ["a"] }] },
    problem(["$or", 0, "account", 0], MUST.account, 111122223333, 'write "111122223333"'),
  ],
  [
    "an excluded account is a number",
    { account: [{ "anything-but": 1 }] },
    problem(["account", 0, "anything-but"], MUST.account, 1, 'write "000000000001"'),
  ],
  [
    "a listed excluded account is a name",
    { account: [{ "anything-but": ["prod"] }] },
    problem(
      ["account", 0, "anything-but", 0],
      MUST.account,
      "prod",
      'write an account ID, such as "111122223333"',
    ),
  ],
  [
    "$or is an object",
    { $or: { source: ["a"] } },
    problem(["$or"], MUST.or, { source: ["a"] }, FIX.or),
  ],
  ["$or is empty", { $or: [] }, problem(["$or"], MUST.or, [], FIX.or)],
  [
    "$or has one alternative",
    { $or: [{ source: ["a"] }] },
    problem(["$or"], MUST.or, [{ source: ["a"] }], FIX.or),
  ],
  [
    "an alternative is a string",
    { $or: [{ source: ["a"] }, "b"] },
    problem(["$or", 1], MUST.detail, "b", 'name a field: {"<field>":[<values>]}'),
  ],
  [
    "an alternative is empty",
    { $or: [{ source: ["a"] }, {}] },
    problem(["$or", 1], MUST.field, {}, FIX.field),
  ],
  [
    "an alternative is a matcher",
    { detail: { $or: [{ a: ["b"] }, { prefix: "a" }] } },
    problem(
      ["detail", "$or", 1],
      "must be an object of fields, not a matcher",
      { prefix: "a" },
      "list the matchers in the array of their field, which needs no $or",
    ),
  ],
  [
    "a field below $or is named like a matcher",
    { $or: [{ source: ["a"] }, { detail: { a: { prefix: ["b"] } } }] },
    problem(["$or", 1, "detail", "a", "prefix"], MUST.reserved, "prefix", FIX.reserved),
  ],
  [
    "a field below $or is named like an operator",
    { detail: { $or: [{ a: ["b"] }, { ">=": [1] }] } },
    problem(["detail", "$or", 1, ">="], MUST.reserved, ">=", FIX.reserved),
  ],
  [
    "a field is beside and inside $or",
    { source: ["a"], $or: [{ source: ["b"] }, { region: ["c"] }] },
    problem(
      ["$or", 0, "source"],
      "must not name the field source a second time",
      ["b"],
      FIX.beside,
    ),
  ],
  [
    "a field is inside $or and beside it",
    { $or: [{ source: ["b"] }, { region: ["c"] }], source: ["a"] },
    problem(
      ["$or", 0, "source"],
      "must not name the field source a second time",
      ["b"],
      FIX.beside,
    ),
  ],
  [
    "a nested field is beside $or, and inside it with dots",
    { detail: { a: { b: [1] }, $or: [{ c: [1] }, { "a.b": [2] }] } },
    problem(
      ["detail", "$or", 1, "a.b"],
      "must not name the field detail.a.b a second time",
      [2],
      FIX.beside,
    ),
  ],
  [
    "a field is in an $or and in the $or inside it",
    { $or: [{ region: ["a"] }, { source: ["b"], $or: [{ source: ["c"] }, { id: ["d"] }] }] },
    problem(
      ["$or", 1, "$or", 0, "source"],
      "must not name the field source a second time",
      ["c"],
      FIX.beside,
    ),
  ],
  [
    "a field is in two $or that both apply",
    { $or: [{ detail: { a: [1] } }, { source: ["a"] }], detail: { $or: [{ a: [2] }, { b: [2] }] } },
    problem(
      ["detail", "$or", 0, "a"],
      "must not name the field detail.a a second time",
      [2],
      FIX.beside,
    ),
  ],
  [
    "a field is named with dots and nested",
    { detail: { "a.b": [1], a: { b: [2] } } },
    problem(
      ["detail", "a", "b"],
      "must not name the field detail.a.b a second time",
      [2],
      "name it once: EventBridge keeps only the list written last",
    ),
  ],
  [
    "$or makes 1001 combinations",
    { detail: { x: or("x", 7), y: or("y", 11), z: or("z", 13) } },
    problem(
      [],
      "must have at most 1000 combinations of $or alternatives",
      1001,
      "use fewer alternatives: EventBridge multiplies the lengths of all $or arrays",
    ),
  ],
  [
    "nested $or make 1001 combinations",
    { detail: { $or: [or("x", 11), ...or("y", 6).$or], z: or("z", 13) } },
    problem(
      [],
      "must have at most 1000 combinations of $or alternatives",
      1001,
      "use fewer alternatives: EventBridge multiplies the lengths of all $or arrays",
    ),
  ],
  [
    "the JSON text has 4097 characters",
    { source: ["x".repeat(4097 - 15)] },
    problem([], MUST.size, 4097, FIX.size),
  ],
  [
    "escapes make the JSON text too long",
    { source: ['"'.repeat(2048)] },
    problem([], MUST.size, 4096 + 15, FIX.size),
  ],
  [
    "it is 10,000 levels deep",
    nested(10_000),
    problem([], MUST.size, "more than 819 levels", FIX.size),
  ],
  [
    "it has billions of values",
    { source: sparse(2 ** 32 - 1) },
    problem([], MUST.size, "more than 4096 values", FIX.size),
  ],
  [
    "it has 4097 values in all",
    {
      source: Array.from({ length: 2050 }, () => 1),
      region: Array.from({ length: 2044 }, () => 1),
    },
    problem([], MUST.size, "more than 4096 values", FIX.size),
  ],
  [
    "it contains itself",
    circular,
    problem(["detail", "self"], "must not contain itself", circular.detail, "write the values out"),
  ],
];

test.each(REFUSED)("refuses a pattern if %s", (_title, pattern, expected) => {
  expect(eventPatternProblems(pattern)).toEqual([expected]);
});

test("accepts 1000 combinations of $or, and a text of 4096 characters", () => {
  const combinations = { detail: { x: or("x", 8), y: or("y", 5), z: or("z", 25) } };
  const longest = { source: ["x".repeat(MAX_ARCHIVE_PATTERN_CHARACTERS - 15)] };
  expect(renderEventPattern(longest)).toHaveLength(4096);
  expect(eventPatternProblems(combinations)).toEqual([]);
  expect(eventPatternProblems(longest)).toEqual([]);
});

test("accepts the deepest pattern that fits", () => {
  const deepest = nested(817);
  expect(JSON.stringify(deepest).length).toBe(4094);
  expect(eventPatternProblems(deepest)).toEqual([]);
});

test("reports too many characters together with the other problems", () => {
  const long = "x".repeat(MAX_ARCHIVE_PATTERN_CHARACTERS);
  expect(eventPatternProblems({ source: [long], region: [1n] })).toEqual([
    problem(["region", 0], MUST.value, 1n, FIX.value),
    problem([], MUST.size, 4096 + 30, FIX.size),
  ]);
});

test("reports every problem of a pattern, in the order of the pattern", () => {
  const pattern = {
    eventName: "DisableKey",
    account: [1, "x"],
    source: { a: 1 },
    detail: { a: [{ wildcard: "**\\" }, { numeric: ["!", "1", "?", -6e9] }], $or: [{ b: [] }] },
  };
  expect(eventPatternProblems(pattern).map(({ path }) => path.join("."))).toEqual([
    "eventName",
    "eventName",
    "account.0",
    "account.1",
    "source",
    "source.a",
    "detail.a.0.wildcard",
    "detail.a.0.wildcard",
    "detail.a.1.numeric.0",
    "detail.a.1.numeric.1",
    "detail.a.1.numeric.2",
    "detail.a.1.numeric.3",
    "detail.$or",
    "detail.$or.0.b",
  ]);
});

test.each([
  [
    "a getter that throws",
    {
      get source() {
        throw new Error("no");
      },
    },
  ],
  [
    "a revoked proxy",
    (() => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    })(),
  ],
  [
    "a toJSON method that throws",
    {
      source: ["a"],
      toJSON: () => {
        throw new Error("no");
      },
    },
  ],
])("refuses %s without throwing", (_title, pattern) => {
  const problems = eventPatternProblems(pattern);
  expect(problems.map(({ path, must, fix }) => ({ path, must, fix }))).toEqual([
    {
      path: [],
      must: "must be plain data that can be read",
      fix: "write the pattern as a literal of objects, arrays, strings, numbers, booleans and null",
    },
  ]);
  expect(problems[0]?.got).toBe(pattern);
});

test("renders a pattern as JSON text without white space, its keys in the order given", () => {
  expect(renderEventPattern({ source: ["a"], detail: { "${b}": [null, { exists: true }] } })).toBe(
    '{"source":["a"],"detail":{"${b}":[null,{"exists":true}]}}',
  );
});

describe("for arbitrary input", () => {
  const text = fc.string({ maxLength: 5 });
  const plainText = fc.stringMatching(/^[a-z]{1,5}$/);
  const number = fc.integer({ min: -1000, max: 1000 });
  const oneOrMore = (arb: fc.Arbitrary<string>) =>
    fc.oneof(arb, fc.array(arb, { minLength: 1, maxLength: 3 }));
  const affix = fc.oneof(text, fc.record({ "equals-ignore-case": text }));
  const wildcard = fc
    .array(fc.constantFrom("a", "\\*", "\\\\", "*b"), { maxLength: 4 })
    .map((parts) => parts.join(""));
  const matcher = fc.oneof(
    fc.record({ prefix: affix }),
    fc.record({ suffix: affix }),
    fc.record({ "equals-ignore-case": text }),
    fc.record({ wildcard }),
    fc.record({
      "anything-but": fc.oneof(
        oneOrMore(text),
        number,
        fc.array(number, { minLength: 1, maxLength: 3 }),
        fc.record({ prefix: oneOrMore(plainText) }),
        fc.record({ suffix: oneOrMore(plainText) }),
        fc.record({ "equals-ignore-case": oneOrMore(text) }),
        fc.record({ wildcard: oneOrMore(wildcard) }),
      ),
    }),
    fc.record({ numeric: fc.tuple(fc.constantFrom("=", "<", "<=", ">", ">="), number) }),
    fc.record({
      numeric: fc
        .tuple(fc.constantFrom(">", ">="), number, fc.constantFrom("<", "<="), fc.nat(100))
        .map(([first, lower, second, width]) => [first, lower, second, lower + width + 1]),
    }),
    fc.record({ exists: fc.boolean() }),
    fc.record({ cidr: fc.tuple(fc.ipV4(), fc.nat(31)).map((parts) => parts.join("/")) }),
  );
  const values = fc.array(fc.oneof(text, number, fc.boolean(), fc.constant(null), matcher), {
    minLength: 1,
    maxLength: 4,
  });
  const { body } = fc.letrec<{ body: EventPattern; node: EventPattern | unknown[] }>((tie) => ({
    node: fc.oneof({ maxDepth: 3 }, values, tie("body")),
    body: fc.dictionary(plainText, tie("node"), { minKeys: 1, maxKeys: 3 }),
  }));
  const pattern = fc
    .record(
      { source: values, region: values, resources: values, detail: body },
      { requiredKeys: ["source"] },
    )
    .chain((fields) =>
      fc.oneof(
        fc.constant<EventPattern>(fields),
        fc
          .array(values, { minLength: 2, maxLength: 4 })
          .map((lists): EventPattern => ({ ...fields, $or: lists.map((time) => ({ time })) })),
      ),
    )
    .filter((fields) => JSON.stringify(fields).length <= MAX_ARCHIVE_PATTERN_CHARACTERS);

  test("finds no problem in a valid pattern, nor in its text read back", () => {
    fc.assert(
      fc.property(pattern, (fields) => {
        expect(eventPatternProblems(fields)).toEqual([]);
        expect(eventPatternProblems(JSON.parse(renderEventPattern(fields)))).toEqual([]);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test("never throws", () => {
    const anything = fc.oneof(
      fc.jsonValue(),
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withNullPrototype: true,
        withObjectString: true,
        withSet: true,
        withSparseArray: true,
        withTypedArray: true,
        withBoxedValues: true,
      }),
      fc.func(fc.anything()),
    );
    const input = fc.oneof(
      anything,
      fc.record({ detail: anything, $or: anything, account: anything }),
      fc.record({ detail: fc.record({ field: fc.array(anything), $or: fc.array(anything) }) }),
      fc
        .tuple(fc.constantFrom(...MATCHERS.split(", ")), anything)
        .map(([name, argument]) => detail({ [name]: argument })),
    );
    fc.assert(
      fc.property(input, (value) => {
        for (const { must, fix } of eventPatternProblems(value)) {
          expect(must).toMatch(/^must ./);
          expect(fix).not.toBe("");
        }
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});
