import { isIPv4, isIPv6 } from "node:net";

/**
 * Longest event pattern of an archive, in characters of its JSON text.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateArchive.html
 */
export const MAX_ARCHIVE_PATTERN_CHARACTERS = 4096;

/**
 * An EventBridge event pattern: fields named as in the event, each with a list of accepted values.
 *
 * The type gives only the shape; `eventPatternProblems` checks the rest.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html
 */
export type EventPattern = { readonly [field: string]: EventPattern | readonly unknown[] };

/** One way in which an event pattern breaks a rule, and how to correct it. */
export interface EventPatternProblem {
  /** Where in the pattern: object keys and array indexes from the root; empty for the pattern itself. */
  readonly path: readonly (string | number)[];
  /** What must hold, in the form "must ...". */
  readonly must: string;
  /** The value that breaks the rule. It may be one that JSON cannot express, such as a bigint or a circular object. */
  readonly got: unknown;
  /** How to fix it. */
  readonly fix: string;
}

type Path = EventPatternProblem["path"];
type Fields = Readonly<Record<string, unknown>>;
type ArgumentRule = (argument: unknown, path: Path) => EventPatternProblem[];

interface Scope {
  /** Whether the fields are those of the event itself, not of its detail. */
  readonly envelope: boolean;
  /** Whether an `$or` is above the fields, at any distance. */
  readonly insideOr: boolean;
}

// The shortest level of nesting, {"":...}, takes five characters.
const MAX_LEVELS = Math.floor(MAX_ARCHIVE_PATTERN_CHARACTERS / 5);

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-complex-example-or
const MAX_OR_COMBINATIONS = 1000;

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#filtering-numeric-matching
const MAX_NUMBER = 5e9;

// https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html
const ENVELOPE_FIELDS: readonly string[] = [
  "version",
  "id",
  "detail-type",
  "source",
  "account",
  "time",
  "region",
  "resources",
  "detail",
  "replay-name",
];

// The matcher that EventBridge is built on refuses them as field names anywhere below $or:
// https://github.com/aws/event-ruler/blob/main/src/main/software/amazon/event/ruler/Constants.java
const RESERVED_INSIDE_OR: ReadonlySet<string> = new Set([
  "exactly",
  "equals-ignore-case",
  "prefix",
  "suffix",
  "anything-but",
  "exists",
  "wildcard",
  "numeric",
  "cidr",
  "=",
  "<",
  "<=",
  ">",
  ">=",
  "regex",
  "not-wildcard",
  "not-equals-ignore-case",
  "date-after",
  "date-on-or-after",
  "date-before",
  "date-on-or-before",
  "in-date-range",
  "ip-address-in-range",
  "ip-address-not-in-range",
]);

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
const IGNORING_CASE: ReadonlyMap<string, ArgumentRule> = new Map([
  ["equals-ignore-case", stringProblems],
]);
const NEGATABLE: ReadonlyMap<string, ArgumentRule> = new Map([
  ["prefix", eachString(affixTextProblems)],
  ["suffix", eachString(affixTextProblems)],
  ["equals-ignore-case", eachString(stringProblems)],
  ["wildcard", eachString(wildcardProblems)],
]);
const MATCHERS: ReadonlyMap<string, ArgumentRule> = new Map([
  ["prefix", affixProblems],
  ["suffix", affixProblems],
  ["equals-ignore-case", stringProblems],
  ["wildcard", wildcardProblems],
  ["anything-but", anythingButProblems],
  ["numeric", numericProblems],
  ["exists", existsProblems],
  ["cidr", cidrProblems],
]);

/**
 * Returns every way in which `pattern` breaks EventBridge's rules for the event pattern of an
 * archive; an empty list if it is a valid pattern. Never throws, whatever it is given.
 *
 * A pattern that EventBridge accepts but that can never match, such as one with a top-level field
 * that no event has, counts as broken too. A pattern that contains itself, or is far too large to
 * fit, gets that problem alone. Not checked: how complex its wildcards are, for which EventBridge
 * publishes no number.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export function eventPatternProblems(pattern: unknown): EventPatternProblem[] {
  try {
    const unbounded = unboundedProblems(pattern);
    return unbounded.length > 0 ? unbounded : boundedProblems(pattern);
  } catch {
    // Reading a value can run code of its own: a getter, a toJSON method or a revoked proxy.
    return [
      problem(
        [],
        "must be plain data that can be read",
        pattern,
        "write the pattern as a literal of objects, arrays, strings, numbers, booleans and null",
      ),
    ];
  }
}

/**
 * Returns the JSON text of a pattern as it is sent to AWS, without white space.
 *
 * Terraform would read `${` and `%{` in it as the start of a template: escape them where the text
 * becomes an attribute of a resource.
 *
 * @param pattern - a pattern without problems; JSON cannot express some of the others
 */
export function renderEventPattern(pattern: EventPattern): string {
  return JSON.stringify(pattern);
}

function boundedProblems(pattern: unknown): EventPatternProblem[] {
  if (!isFields(pattern)) {
    return [
      problem(
        [],
        "must be an object with at least one field",
        pattern,
        'write it as an object, such as {"source":["aws.kms"]}',
      ),
    ];
  }
  return [
    ...patternProblems(pattern, [], { envelope: true, insideOr: false }),
    ...repeatedFieldProblems(pattern),
    ...combinationProblems(pattern),
    ...lengthProblems(pattern),
  ];
}

/** Problems that make every other check endless or too deep for the call stack. */
function unboundedProblems(pattern: unknown): EventPatternProblem[] {
  const pending: { value: unknown; path: Path; within: readonly unknown[] }[] = [
    { value: pattern, path: [], within: [] },
  ];
  let values = 0;
  for (let visit = pending.pop(); visit !== undefined; visit = pending.pop()) {
    const { value, path, within } = visit;
    values += 1;
    if (!isList(value) && !isFields(value)) {
      continue;
    }
    if (within.includes(value)) {
      return [problem(path, "must not contain itself", value, "write the values out")];
    }
    if (within.length >= MAX_LEVELS) {
      return [tooLong(`more than ${MAX_LEVELS} levels`)];
    }
    // Every value takes at least one character. The length is compared before the list is read,
    // because a list may be nearly empty and still billions long.
    const size = isList(value) ? value.length : Object.keys(value).length;
    if (values + pending.length + size > MAX_ARCHIVE_PATTERN_CHARACTERS) {
      return [tooLong(`more than ${MAX_ARCHIVE_PATTERN_CHARACTERS} values`)];
    }
    const children: Iterable<[string | number, unknown]> = isList(value)
      ? value.entries()
      : Object.entries(value);
    for (const [key, child] of children) {
      pending.push({ value: child, path: [...path, key], within: [...within, value] });
    }
  }
  return [];
}

function patternProblems(fields: Fields, path: Path, scope: Scope): EventPatternProblem[] {
  const entries = Object.entries(fields);
  if (entries.length === 0) {
    return [
      problem(
        path,
        "must have at least one field",
        fields,
        "name a field to match, or remove the empty object",
      ),
    ];
  }
  return entries.flatMap(([name, value]) =>
    name === "$or"
      ? orProblems(value, [...path, name], scope)
      : [
          ...nameProblems(name, [...path, name], scope),
          ...fieldProblems(name, value, [...path, name], scope),
        ],
  );
}

function nameProblems(name: string, path: Path, scope: Scope): EventPatternProblem[] {
  if (name === "__proto__") {
    // Not a rule of EventBridge: copying an object in JavaScript loses this key without a word.
    return [problem(path, "must not be named __proto__", name, "remove the field")];
  }
  if (scope.envelope && !ENVELOPE_FIELDS.includes(name)) {
    return [
      problem(
        path,
        `must be a field that every event may have at its top level (${ENVELOPE_FIELDS.join(", ")}) or $or`,
        name,
        envelopeFix(name),
      ),
    ];
  }
  if (scope.insideOr && RESERVED_INSIDE_OR.has(name)) {
    return [
      problem(
        path,
        "must not be the name of a matcher or operator, which $or reserves",
        name,
        "match the field outside $or, or put the matcher into the array of its field",
      ),
    ];
  }
  return [];
}

function envelopeFix(name: string): string {
  const letters = (text: string) => text.toLowerCase().replace(/[^a-z]/g, "");
  const meant = ENVELOPE_FIELDS.find((field) => letters(field) === letters(name));
  return meant === undefined
    ? `put it under detail: {"detail":{${JSON.stringify(name)}:...}}`
    : `write ${meant}`;
}

function fieldProblems(
  name: string,
  value: unknown,
  path: Path,
  scope: Scope,
): EventPatternProblem[] {
  if (scope.envelope && name === "detail") {
    return detailProblems(value, path, scope);
  }
  if (isList(value)) {
    return listProblems(name, value, path, scope);
  }
  if (!isFields(value)) {
    return [
      problem(
        path,
        "must be an array of values or an object of fields",
        value,
        arrayFix(name, value, scope),
      ),
    ];
  }
  if (isMisplacedMatcher(value)) {
    return [
      problem(
        path,
        "must hold its matcher in an array",
        value,
        `write [${JSON.stringify(value)}]: matchers work on the values of a field only`,
      ),
    ];
  }
  const inner = patternProblems(value, path, { ...scope, envelope: false });
  return scope.envelope && ENVELOPE_FIELDS.includes(name)
    ? [
        problem(
          path,
          "must be an array of values",
          value,
          `list the accepted values: ${name} has no fields of its own in any event`,
        ),
        ...inner,
      ]
    : inner;
}

function detailProblems(value: unknown, path: Path, scope: Scope): EventPatternProblem[] {
  // Exists and the other matchers work on leaf nodes only, and the detail of an event is an object:
  // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-exists-matching
  return isFields(value) && !isMisplacedMatcher(value)
    ? patternProblems(value, path, { ...scope, envelope: false })
    : [
        problem(
          path,
          "must be an object of fields",
          value,
          'name a field of the detail, such as {"eventName":["DisableKey"]}',
        ),
      ];
}

/** Whether the object is a valid matcher that stands where only fields may be. */
function isMisplacedMatcher(fields: Fields): boolean {
  // A field may well be named prefix, but it would have an array of values, which prefix refuses.
  return onlyKeyProblems(fields, [], MATCHERS, "").length === 0;
}

function listProblems(
  name: string,
  list: readonly unknown[],
  path: Path,
  scope: Scope,
): EventPatternProblem[] {
  if (list.length === 0) {
    return [
      problem(
        path,
        "must not be an empty array",
        list,
        "list the values to accept, or remove the field to accept any value",
      ),
    ];
  }
  return elementsOf(list).flatMap(([index, value]) => [
    ...valueProblems(value, [...path, index]),
    ...(scope.envelope && name === "account" ? accountProblems(value, [...path, index]) : []),
  ]);
}

function valueProblems(value: unknown, path: Path): EventPatternProblem[] {
  if (isFields(value)) {
    return onlyKeyProblems(
      value,
      path,
      MATCHERS,
      "use one of these; fields inside the field need no array around them",
    );
  }
  return isScalar(value)
    ? []
    : [
        problem(
          path,
          "must be a string, a finite number, true, false, null or a matcher object",
          value,
          isList(value)
            ? "put its values directly into the outer array"
            : "replace it with one of these",
        ),
      ];
}

/** Account IDs are strings in events, and a number loses leading zeros. */
function accountProblems(value: unknown, path: Path): EventPatternProblem[] {
  if (isFields(value)) {
    const excluded = value["anything-but"];
    const at = [...path, "anything-but"];
    return isList(excluded)
      ? elementsOf(excluded).flatMap(([index, id]) => accountProblems(id, [...at, index]))
      : isScalar(excluded)
        ? accountProblems(excluded, at)
        : [];
  }
  if (!isScalar(value) || (typeof value === "string" && /^\d{12}$/.test(value))) {
    return [];
  }
  return [problem(path, "must be a string of 12 digits", value, `write ${accountText(value)}`)];
}

function accountText(value: unknown): string {
  const isId = typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 1e12;
  return isId ? `"${String(value).padStart(12, "0")}"` : 'an account ID, such as "111122223333"';
}

function arrayFix(name: string, value: unknown, scope: Scope): string {
  if (!isScalar(value)) {
    return "list the values to accept in an array, or remove the field";
  }
  return scope.envelope && name === "account" && typeof value === "number"
    ? `write [${accountText(value)}]`
    : `write [${JSON.stringify(value)}]`;
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-complex-example-or
function orProblems(value: unknown, path: Path, scope: Scope): EventPatternProblem[] {
  const list = isList(value) ? value : [];
  const inner = elementsOf(list).flatMap(([index, alternative]) =>
    alternativeProblems(alternative, [...path, index], scope),
  );
  return list.length >= 2
    ? inner
    : [
        problem(
          path,
          "must be an array of at least two patterns",
          value,
          "list the alternatives, or write the only one without $or",
        ),
        ...inner,
      ];
}

function alternativeProblems(value: unknown, path: Path, scope: Scope): EventPatternProblem[] {
  if (!isFields(value)) {
    return [
      problem(path, "must be an object of fields", value, 'name a field: {"<field>":[<values>]}'),
    ];
  }
  return isMisplacedMatcher(value)
    ? [
        problem(
          path,
          "must be an object of fields, not a matcher",
          value,
          "list the matchers in the array of their field, which needs no $or",
        ),
      ]
    : patternProblems(value, path, { ...scope, insideOr: true });
}

/** Problems of an object that must have exactly one key, out of `rules`. */
function onlyKeyProblems(
  fields: Fields,
  path: Path,
  rules: ReadonlyMap<string, ArgumentRule>,
  fixOfUnknown: string,
): EventPatternProblem[] {
  const [name, ...others] = Object.keys(fields);
  const rule = name === undefined ? undefined : rules.get(name);
  if (name !== undefined && rule !== undefined && others.length === 0) {
    return rule(fields[name], [...path, name]);
  }
  return [
    problem(
      path,
      `must have exactly one key out of ${[...rules.keys()].join(", ")}`,
      fields,
      others.length > 0 && rule !== undefined
        ? "write one object for each key: a value then has to match only one of them"
        : fixOfUnknown,
    ),
  ];
}

function stringProblems(argument: unknown, path: Path): EventPatternProblem[] {
  return typeof argument === "string"
    ? []
    : [problem(path, "must be a string", argument, "write the text to compare with, in quotes")];
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-prefix-matching
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-suffix-matching
function affixProblems(argument: unknown, path: Path): EventPatternProblem[] {
  return isFields(argument)
    ? onlyKeyProblems(argument, path, IGNORING_CASE, 'write {"equals-ignore-case":"<text>"}')
    : stringProblems(argument, path);
}

/** Problems of the text in anything-but: every text has the empty one, so nothing would be left. */
function affixTextProblems(argument: unknown, path: Path): EventPatternProblem[] {
  return argument === ""
    ? [
        problem(
          path,
          "must be a string of at least one character",
          argument,
          "write the text to exclude: every text begins and ends with the empty one",
        ),
      ]
    : stringProblems(argument, path);
}

function eachString(rule: ArgumentRule): ArgumentRule {
  return (argument, path) => {
    if (!isList(argument)) {
      return rule(argument, path);
    }
    return argument.length === 0
      ? [problem(path, "must not be an empty array", argument, "list the strings to exclude")]
      : elementsOf(argument).flatMap(([index, text]) => rule(text, [...path, index]));
  };
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-anything-but
function anythingButProblems(argument: unknown, path: Path): EventPatternProblem[] {
  if (isFields(argument)) {
    return onlyKeyProblems(argument, path, NEGATABLE, "use one of these");
  }
  const values = isList(argument) ? elementsOf(argument) : [];
  if (values.length > 0 && values.every(([, value]) => typeof value === "number")) {
    return values.flatMap(([index, value]) => numberProblems(value, [...path, index]));
  }
  if (typeof argument === "number") {
    return numberProblems(argument, path);
  }
  const isText = typeof argument === "string";
  return isText || (values.length > 0 && values.every(([, value]) => typeof value === "string"))
    ? []
    : [
        problem(
          path,
          `must be a string, a number, an array of only strings or only numbers, or an object with one of ${[...NEGATABLE.keys()].join(", ")}`,
          argument,
          "list the values to exclude, all of one type",
        ),
      ];
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#filtering-numeric-matching
function numericProblems(argument: unknown, path: Path): EventPatternProblem[] {
  if (!isList(argument) || (argument.length !== 2 && argument.length !== 4)) {
    return [
      problem(
        path,
        "must be an array of one comparison or two",
        argument,
        'write an operator and a number for each, such as [">",0,"<=",5]',
      ),
    ];
  }
  const [first, lower, second, upper] = argument;
  if (argument.length === 2) {
    return [
      ...operatorProblems(first, [...path, 0], ["=", "<", "<=", ">", ">="]),
      ...numberProblems(lower, [...path, 1]),
      ...emptySideProblems(argument, path),
    ];
  }
  // event-ruler reads the lower bound of a range first:
  // https://github.com/aws/event-ruler/blob/main/src/main/software/amazon/event/ruler/JsonRuleCompiler.java
  const parts = [
    ...operatorProblems(first, [...path, 0], [">", ">="]),
    ...numberProblems(lower, [...path, 1]),
    ...operatorProblems(second, [...path, 2], ["<", "<="]),
    ...numberProblems(upper, [...path, 3]),
  ];
  return typeof lower === "number" && typeof upper === "number" && lower >= upper
    ? [
        ...parts,
        problem(
          path,
          "must have a lower bound below its upper bound",
          argument,
          lower === upper ? `write ["=",${lower}] for one number` : "swap the bounds",
        ),
      ]
    : parts;
}

/** Problems of one comparison that leaves no number, which event-ruler refuses as an empty range. */
function emptySideProblems(comparison: readonly unknown[], path: Path): EventPatternProblem[] {
  const [operator, bound] = comparison;
  const isEmpty =
    ((operator === "<" || operator === "<=") && bound === -MAX_NUMBER) ||
    ((operator === ">" || operator === ">=") && bound === MAX_NUMBER);
  return isEmpty
    ? [
        problem(
          path,
          `must leave a range between -${MAX_NUMBER} and ${MAX_NUMBER}`,
          comparison,
          `write ["=",${bound}] for one number, or move the bound`,
        ),
      ]
    : [];
}

function operatorProblems(
  operator: unknown,
  path: Path,
  accepted: readonly string[],
): EventPatternProblem[] {
  return accepted.some((known) => known === operator)
    ? []
    : [
        problem(
          path,
          `must be one of ${accepted.join(" ")}`,
          operator,
          accepted.length > 2
            ? "use one of these operators"
            : "write the lower bound first, with > or >=, then the upper bound, with < or <=",
        ),
      ];
}

function numberProblems(value: unknown, path: Path): EventPatternProblem[] {
  return typeof value === "number" && Math.abs(value) <= MAX_NUMBER
    ? []
    : [
        problem(
          path,
          `must be a number from -${MAX_NUMBER} to ${MAX_NUMBER}`,
          value,
          "use a number in this range, without quotes, or match the value as a string",
        ),
      ];
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-exists-matching
function existsProblems(argument: unknown, path: Path): EventPatternProblem[] {
  return typeof argument === "boolean"
    ? []
    : [problem(path, "must be true or false", argument, "write true or false, without quotes")];
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
function cidrProblems(argument: unknown, path: Path): EventPatternProblem[] {
  const [address = "", prefixLength = "", ...rest] =
    typeof argument === "string" ? argument.split("/") : [];
  const longest = longestPrefix(address);
  return rest.length === 0 && /^\d{1,3}$/.test(prefixLength) && Number(prefixLength) <= longest
    ? []
    : [
        problem(
          path,
          "must be an IPv4 range with a prefix length of 0 to 31, or an IPv6 range with one of 0 to 127",
          argument,
          longest < 0
            ? 'write a range such as "10.0.0.0/24" or "2001:db8::/32"'
            : `add a prefix length in this range, or list the single address as a plain string, "${address}"`,
        ),
      ];
}

/** Longest prefix length of a range around `address`; -1 if it is no IP address. */
function longestPrefix(address: string): number {
  // event-ruler refuses ranges of one address, zone names and IPv6 with dots:
  // https://github.com/aws/event-ruler/blob/main/src/main/software/amazon/event/ruler/CIDR.java
  if (isIPv4(address)) {
    return 31;
  }
  return isIPv6(address) && /^[\da-f:]+$/i.test(address) ? 127 : -1;
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-wildcard-matching
function wildcardProblems(argument: unknown, path: Path): EventPatternProblem[] {
  if (typeof argument !== "string") {
    return stringProblems(argument, path);
  }
  // A letter in place of each escaped character, so that it cannot pair with the next one.
  const unescaped = argument.replace(/\\[*\\]/g, "x");
  return [
    ...(unescaped.includes("**")
      ? [problem(path, "must not have consecutive wildcards", argument, "write one * instead")]
      : []),
    ...(unescaped.includes("\\")
      ? [
          problem(
            path,
            "must have a backslash only before * or another backslash",
            argument,
            "write two backslashes for a literal one (four in JSON text)",
          ),
        ]
      : []),
  ];
}

/**
 * Problems of fields named twice where both conditions should hold. EventBridge takes names joined
 * by dots and nested names as the same, and of two lists for one field keeps the one written later.
 * event-ruler does so in each alternative of `$or` too: {"a":["x"],"$or":[{"a":["y"]},{"b":["z"]}]}
 * means "a is y, or a is x and b is z", not "a is x and ...".
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html
 */
function repeatedFieldProblems(pattern: Fields): EventPatternProblem[] {
  return leavesOf(pattern, [])
    .toSorted((a, b) => orLevels(a.path) - orLevels(b.path))
    .flatMap((leaf, index, leaves) =>
      leaves.slice(0, index).some((other) => isSameField(leaf, other))
        ? [
            problem(
              leaf.path,
              `must not name the field ${leaf.field} a second time`,
              leaf.value,
              orLevels(leaf.path) > 0
                ? "name it either inside $or or beside it: EventBridge does not require both lists, so an event that passes only one of them can match"
                : "name it once: EventBridge keeps only the list written last",
            ),
          ]
        : [],
    );
}

interface Leaf {
  /** Name with dots, as EventBridge compares it. */
  readonly field: string;
  readonly path: Path;
  readonly value: unknown;
}

function leavesOf(fields: Fields, path: Path): Leaf[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const at = [...path, name];
    if (name === "$or") {
      return alternativesOf(value).flatMap(([index, fieldsOf]) =>
        leavesOf(fieldsOf, [...at, index]),
      );
    }
    return isFields(value) ? leavesOf(value, at) : [{ field: dottedName(at), path: at, value }];
  });
}

function dottedName(path: Path): string {
  return path.filter((step) => typeof step === "string" && step !== "$or").join(".");
}

function orLevels(path: Path): number {
  return path.filter((step) => step === "$or").length;
}

/** Whether both leaves name one field and can hold at once: not in two alternatives of one `$or`. */
function isSameField(a: Leaf, b: Leaf): boolean {
  if (a.field !== b.field) {
    return false;
  }
  const fork = a.path.findIndex((step, index) => step !== b.path[index]);
  // Only $or has numbers in the paths of leaves.
  return typeof a.path[fork] !== "number";
}

function combinationProblems(pattern: Fields): EventPatternProblem[] {
  const combinations = orSizes(pattern).reduce((product, size) => product * size, 1);
  return combinations <= MAX_OR_COMBINATIONS
    ? []
    : [
        problem(
          [],
          `must have at most ${MAX_OR_COMBINATIONS} combinations of $or alternatives`,
          combinations,
          "use fewer alternatives: EventBridge multiplies the lengths of all $or arrays",
        ),
      ];
}

function orSizes(fields: Fields): number[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (name !== "$or") {
      return isFields(value) ? orSizes(value) : [];
    }
    const alternatives = alternativesOf(value);
    return alternatives.length === 0
      ? []
      : [alternatives.length, ...alternatives.flatMap(([, inner]) => orSizes(inner))];
  });
}

function alternativesOf(value: unknown): [number, Fields][] {
  return (isList(value) ? elementsOf(value) : []).flatMap(([index, alternative]) =>
    isFields(alternative) ? [[index, alternative] satisfies [number, Fields]] : [],
  );
}

function lengthProblems(pattern: Fields): EventPatternProblem[] {
  // Bigints are problems elsewhere; as text they do not keep the others from being counted.
  const text = JSON.stringify(pattern, (_key, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
  return text.length <= MAX_ARCHIVE_PATTERN_CHARACTERS ? [] : [tooLong(text.length)];
}

function tooLong(got: number | string): EventPatternProblem {
  return problem(
    [],
    `must be at most ${MAX_ARCHIVE_PATTERN_CHARACTERS} characters of JSON text`,
    got,
    "match with prefix, suffix or wildcard instead of long lists, or use several archives",
  );
}

function problem(path: Path, must: string, got: unknown, fix: string): EventPatternProblem {
  return { path, must, got, fix };
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** Whether `value` is a plain object, of this realm or another, not an instance such as a Date. */
function isFields(value: unknown): value is Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return (
    value === null ||
    typeof value === "string" ||
    typeof value === "boolean" ||
    (typeof value === "number" && Number.isFinite(value))
  );
}

/** Indexes and elements; unlike `map`, it does not skip the holes of a sparse array. */
function elementsOf(list: readonly unknown[]): [number, unknown][] {
  return [...list.entries()];
}
