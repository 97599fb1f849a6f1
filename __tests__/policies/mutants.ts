/** Small changes of policies, each of which the tables must notice. */
import type { PolicyConditions, PolicyDocument, PolicyStatement } from "../helpers/iam";

/** What a change does to the requests that a statement applies to. */
export type Reach = "more" | "fewer" | "others";

/** A policy with one change in one statement. */
export interface Mutant {
  /** What was changed, and in which statement. */
  readonly name: string;
  readonly statement: PolicyStatement;
  /** Whether the changed statement applies to more requests, to fewer, or to others. */
  readonly reach: Reach;
  /** The statement after the change; `undefined`: it is gone. */
  readonly changed: PolicyStatement | undefined;
  readonly policy: PolicyDocument;
}

/** Where a policy belongs, and what lies beside it. */
export interface Surroundings {
  readonly partition: string;
  readonly account: string;
  readonly region: string;
  readonly otherAccount: string;
  readonly otherRegion: string;
}

type Change = readonly [name: string, changed: PolicyStatement | undefined];

/** Every mutant of a policy. */
export function mutantsOf(policy: PolicyDocument, at: Surroundings): readonly Mutant[] {
  return policy.Statement.flatMap((statement, index) =>
    changesOf(statement, at).map(([name, changed]) => ({
      name: `${statement.Sid ?? index}: ${name}`,
      reach: reachOf(name, statement),
      statement,
      changed,
      policy: {
        ...policy,
        Statement: [
          ...policy.Statement.slice(0, index),
          ...(changed === undefined ? [] : [changed]),
          ...policy.Statement.slice(index + 1),
        ],
      },
    })),
  );
}

/** The text of a mutant without its place: statements that differ in nothing else are alike. */
export function signatureOf({ name, statement }: Mutant, at: Surroundings): string {
  return `${name} ${JSON.stringify(statement)}`
    .replaceAll(at.region, "<region>")
    .replaceAll(at.account, "<account>")
    .replaceAll(`arn:${at.partition}:`, "arn:<partition>:");
}

function reachOf(name: string, { Condition = {} }: PolicyStatement): Reach {
  const [operator = "", key = ""] = name.split(" ");
  const isCondition = Condition[operator]?.[key] !== undefined;
  const isNegated = operator.includes("Not");
  if (/^all conditions dropped$| (added|matches anything|dropped)$/.test(name) && isCondition) {
    return / dropped$/.test(name) || !isNegated ? "more" : "fewer";
  }
  if (isCondition && / with IfExists$/.test(name)) {
    return "more";
  }
  if (
    isCondition &&
    / (matches what begins alike|matches the same name anywhere|with one more)$/.test(name)
  ) {
    return isNegated ? "fewer" : "more";
  }
  if (isCondition && / (without its wildcard|in one region only)$/.test(name)) {
    return isNegated ? "more" : "fewer";
  }
  if (/^resource .+ (dropped|without its wildcard)$/.test(name)) {
    return "fewer";
  }
  if (/^(resources? .+ (added|matches what begins alike)|every resource)$/.test(name)) {
    return "more";
  }
  if (isCondition && / without (?!IfExists)/.test(name)) {
    return isNegated ? "more" : "fewer";
  }
  if (!isCondition && /^(all conditions dropped|\w+:\* added)$/.test(name)) {
    return "more";
  }
  return !isCondition && /^(dropped|\w+:\S+ dropped)$/.test(name) ? "fewer" : "others";
}

function changesOf(statement: PolicyStatement, at: Surroundings): readonly Change[] {
  const { Effect, Action, Condition = {} } = statement;
  const actions = [Action].flat();
  const all = `${actions[0]?.split(":")[0] ?? ""}:*`;
  const changes: Change[] = [
    ["dropped", undefined],
    ["effect flipped", { ...statement, Effect: Effect === "Allow" ? "Deny" : "Allow" }],
    ...principalChanges(statement, at),
  ];
  if (!actions.includes(all)) {
    changes.push([`${all} added`, { ...statement, Action: [...actions, all] }]);
  }
  if (actions.length > 1) {
    for (const action of actions) {
      changes.push([
        `${action} dropped`,
        { ...statement, Action: actions.filter((other) => other !== action) },
      ]);
    }
  } else if (actions[0] === all) {
    changes.push(["only SendMessage left", { ...statement, Action: "sqs:SendMessage" }]);
  }
  if (statement.Principal === undefined) {
    changes.push(...resourceChanges(statement));
  }
  changes.push(...placeChanges(statement, at));
  for (const [name, changed] of conditionChanges(Condition, at.region)) {
    const { Condition: _, ...rest } = statement;
    changes.push([
      name,
      Object.keys(changed).length === 0 ? rest : { ...rest, Condition: changed },
    ]);
  }
  return changes;
}

function principalChanges(statement: PolicyStatement, at: Surroundings): readonly Change[] {
  const { Principal } = statement;
  if (Principal === undefined) {
    return [];
  }
  const own = `arn:${at.partition}:iam::${at.account}:root`;
  const foreign = `arn:${at.partition}:iam::${at.otherAccount}:root`;
  const to = (principal: PolicyStatement["Principal"]): PolicyStatement => ({
    ...statement,
    ...(principal !== undefined && { Principal: principal }),
  });
  if (Principal === "*" || (typeof Principal === "object" && Principal.AWS === "*")) {
    return [
      ["principal narrowed to the account", to({ AWS: own })],
      ["principal changed to another account", to({ AWS: foreign })],
    ];
  }
  if (typeof Principal === "object" && Principal.Service !== undefined) {
    return [
      ["principal widened to everybody", to("*")],
      ["principal changed to SNS", to({ Service: "sns.amazonaws.com" })],
      [
        "SNS added to the principal",
        to({ Service: ["sns.amazonaws.com", ...[Principal.Service].flat()] }),
      ],
      ["principal changed to the account", to({ AWS: own })],
      ...[Principal.Service]
        .flat()
        .flatMap((name, _index, all): readonly Change[] =>
          all.length > 1
            ? [[`principal ${name} dropped`, to({ Service: all.filter((one) => one !== name) })]]
            : [],
        ),
    ];
  }
  const named = typeof Principal === "object" ? [Principal.AWS ?? []].flat() : [];
  return [
    ["principal widened to everybody", to({ AWS: "*" })],
    ["another account added to the principal", to({ AWS: [...named, foreign] })],
    ...(named.length === 1 && named[0] === own
      ? ([["principal changed to another account", to({ AWS: foreign })]] as const)
      : ([["principal widened to the account", to({ AWS: [...named, own] })]] as const)),
    ...(named.length > 1
      ? named.map(
          (arn) =>
            [
              `principal ${arn} dropped`,
              to({ AWS: named.filter((other) => other !== arn) }),
            ] as const,
        )
      : []),
  ];
}

/** Changes of what the statement of a role's own policy is about. */
function resourceChanges(statement: PolicyStatement): readonly Change[] {
  const resources = [statement.Resource ?? []].flat();
  if (resources.includes("*")) {
    return [];
  }
  const to = (changed: readonly string[]) => ({ ...statement, Resource: changed });
  const others = (resource: string) => resources.filter((other) => other !== resource);
  return [
    ["every resource", to(["*"])],
    ...resources.flatMap((resource): readonly Change[] => [
      ...(resources.length > 1
        ? ([[`resource ${resource} dropped`, to(others(resource))]] as const)
        : []),
      resource.endsWith("*")
        ? [
            `resource ${resource} without its wildcard`,
            to([...others(resource), resource.slice(0, -1)]),
          ]
        : [
            `resource ${resource} matches what begins alike`,
            to([...others(resource), `${resource}*`]),
          ],
    ]),
  ];
}

/** The statement as it would be in another region or account. */
function placeChanges(statement: PolicyStatement, at: Surroundings): readonly Change[] {
  const text = JSON.stringify(statement);
  return [
    ["region swapped", text.replaceAll(at.region, at.otherRegion)] as const,
    ["account swapped", text.replaceAll(at.account, at.otherAccount)] as const,
  ].flatMap(([name, changed]): readonly Change[] =>
    changed === text ? [] : [[name, JSON.parse(changed) as PolicyStatement]],
  );
}

const NEGATED: Readonly<Record<string, string>> = {
  StringEquals: "StringNotEquals",
  ArnEquals: "ArnNotEquals",
  ArnLike: "ArnNotLike",
  IpAddress: "NotIpAddress",
  NumericLessThan: "NumericGreaterThanEquals",
  DateLessThan: "DateGreaterThanEquals",
};
const NEGATION = new Map([
  ...Object.entries(NEGATED),
  ...Object.entries(NEGATED).map(([positive, negative]): [string, string] => [negative, positive]),
]);
const BOUNDARY: ReadonlyMap<string, string> = new Map([
  ["NumericLessThan", "NumericLessThanEquals"],
  ["NumericGreaterThanEquals", "NumericGreaterThan"],
  ["DateLessThan", "DateLessThanEquals"],
  ["DateGreaterThanEquals", "DateGreaterThan"],
]);
/** A pattern of ARNs has all six parts: `*` alone would match none. */
const ANYWHERE = "arn:*:*:*:*";
const ANY_ARN = `${ANYWHERE}:*`;
const LIKE: ReadonlyMap<string, string> = new Map([
  ["StringEquals", "StringLike"],
  ["StringNotEquals", "StringNotLike"],
  ["ArnEquals", "ArnLike"],
  ["ArnNotEquals", "ArnNotLike"],
  ["StringLike", "StringLike"],
  ["ArnLike", "ArnLike"],
]);

function conditionChanges(
  conditions: PolicyConditions,
  region: string,
): readonly (readonly [string, PolicyConditions])[] {
  const changes: [string, PolicyConditions][] = [];
  if (Object.values(conditions).flatMap(Object.keys).length > 1) {
    changes.push(["all conditions dropped", {}]);
  }
  for (const [operator, keys] of Object.entries(conditions)) {
    const ifExists = operator.endsWith("IfExists");
    const base = ifExists ? operator.slice(0, -"IfExists".length) : operator;
    const suffix = ifExists ? "IfExists" : "";
    for (const [key, given] of Object.entries(keys)) {
      const values = [given].flat();
      const without = withoutKey(conditions, operator, key);
      const under = (other: string, changed: string | readonly string[]): PolicyConditions => ({
        ...without,
        [other]: { ...without[other], [key]: changed },
      });
      const what = `${operator} ${key}`;
      changes.push([`${what} dropped`, without]);
      const negated = NEGATION.get(base);
      if (negated !== undefined) {
        changes.push([`${what} negated`, under(negated + suffix, given)]);
      }
      const boundary = BOUNDARY.get(base);
      if (boundary !== undefined) {
        changes.push([`${what} moved over its boundary`, under(boundary + suffix, given)]);
      }
      const like = LIKE.get(base);
      if (like !== undefined) {
        const anything = base.startsWith("Arn") ? ANY_ARN : "*";
        changes.push([`${what} matches anything`, under(like + suffix, anything)]);
      }
      if (like !== undefined && values.every((value) => value.startsWith("arn:"))) {
        const exact = values.filter((value) => !value.includes("*"));
        const wide = values.filter((value) => !exact.includes(value));
        if (exact.length > 0) {
          changes.push([
            `${what} matches what begins alike`,
            under(like + suffix, [...exact.map((value) => `${value}*`), ...wide]),
          ]);
          changes.push([`${what} with one more`, under(operator, [...values, `${exact[0]}2`])]);
        }
        for (const value of wide) {
          const others = values.filter((other) => other !== value);
          if (value.endsWith("*")) {
            const changed = under(operator, [...others, value.slice(0, -1)]);
            changes.push([`${what} ${value} without its wildcard`, changed]);
          }
          const [, , , ofRegion] = value.split(":");
          if (ofRegion === "*") {
            const changed = under(operator, [...others, value.replace(":*:", `:${region}:`)]);
            changes.push([`${what} ${value} in one region only`, changed]);
          }
        }
        changes.push([
          `${what} matches the same name anywhere`,
          under(
            like + suffix,
            values.map((value) => [ANYWHERE, ...value.split(":").slice(5)].join(":")),
          ),
        ]);
      }
      if (base === "Bool") {
        changes.push([`${what} flipped`, under(operator, given === "true" ? "false" : "true")]);
      }
      if (base.startsWith("Numeric")) {
        changes.push([`${what} one less`, under(operator, String(Number(given) - 1))]);
        changes.push([`${what} one more`, under(operator, String(Number(given) + 1))]);
      }
      changes.push([
        ifExists ? `${what} without IfExists` : `${what} with IfExists`,
        under(ifExists ? base : `${operator}IfExists`, given),
      ]);
      if (values.length > 1) {
        for (const value of values) {
          changes.push([
            `${what} without ${value}`,
            under(
              operator,
              values.filter((other) => other !== value),
            ),
          ]);
        }
      }
    }
  }
  return changes;
}

function withoutKey(conditions: PolicyConditions, operator: string, key: string): PolicyConditions {
  return Object.fromEntries(
    Object.entries(conditions).flatMap(([name, keys]) => {
      const left =
        name === operator
          ? Object.fromEntries(Object.entries(keys).filter(([other]) => other !== key))
          : keys;
      return Object.keys(left).length === 0 ? [] : [[name, left]];
    }),
  );
}
