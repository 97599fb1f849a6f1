/** The sandbox's own IAM decides as IAM documents it, and as an engine of others does. */
import {
  type AuthorizationDecision,
  type AuthorizationRequest,
  authorize,
  type RequestPrincipal,
} from "../../../sandbox/delivery/authorization";
import type { RequestContext } from "../../../sandbox/delivery/conditions";
import {
  decide,
  type PolicyDocument,
  type PolicyStatement,
  service,
  sessionOf,
} from "../../helpers/iam";
import { FIXTURE_ACCOUNTS, synthAccount } from "../../helpers/synth";
import { busPolicies, keyPolicies } from "../../policies/rendered";

const ACCOUNT = "111122223333";
const OTHER = "999900001111";
const ROOT = `arn:aws:iam::${ACCOUNT}:root`;
const ROLE = `arn:aws:iam::${ACCOUNT}:role/team/Reader`;
const STRANGER = `arn:aws:iam::${OTHER}:role/Reader`;
const KEY = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/mrk-1`;
const QUEUE = `arn:aws:sqs:eu-west-1:${ACCOUNT}:dead`;
const BUS = `arn:aws:events:eu-west-1:${ACCOUNT}:event-bus/orders`;
const RULE = `arn:aws:events:eu-west-1:${ACCOUNT}:rule/forward`;
const EVENTS = "events.amazonaws.com";
const ALLOW_ALL = { Effect: "Allow", Principal: "*", Action: "*", Resource: "*" };
const EVERYTHING: PolicyDocument = policyOf({ Principal: undefined, Action: "*" });

/** A policy, each statement of which allows everybody everything unless it says otherwise. */
function policyOf(...statements: readonly object[]): PolicyDocument {
  return {
    Version: "2012-10-17",
    Statement: statements.map((statement, index) => {
      const whole = { ...ALLOW_ALL, Sid: `S${index + 1}`, ...statement };
      return Object.fromEntries(
        Object.entries(whole).filter(([, value]) => value !== undefined),
      ) as unknown as PolicyStatement;
    }),
  };
}

interface Asked {
  readonly roleArn?: string;
  readonly service?: {
    readonly name?: string;
    readonly sourceArn?: string;
    readonly sourceAccount?: string;
  };
  readonly action?: string;
  readonly resource?: string;
  readonly identity?: PolicyDocument;
  readonly own?: PolicyDocument;
  readonly context?: RequestContext;
  readonly encryptionContext?: Readonly<Record<string, string>>;
}

function requestOf(asked: Asked): AuthorizationRequest {
  const { own, identity, context = {}, encryptionContext = {} } = asked;
  const principal: RequestPrincipal =
    asked.service === undefined
      ? {
          kind: "role",
          roleArn: asked.roleArn ?? ROLE,
          sessionName: "session",
          identityPolicies:
            identity === undefined ? [] : [{ name: "own policy", text: JSON.stringify(identity) }],
        }
      : { kind: "service", name: EVENTS, ...asked.service };
  return {
    principal,
    action: asked.action ?? "sqs:SendMessage",
    resourceArn: asked.resource ?? QUEUE,
    resourcePolicy:
      own === undefined ? undefined : { name: "resource's policy", text: JSON.stringify(own) },
    context,
    encryptionContext,
  };
}

const ask = (asked: Asked): AuthorizationDecision => authorize(requestOf(asked));

describe("who must allow what", () => {
  test.each<readonly [string, Asked, AuthorizationDecision["result"], string]>([
    ["own policy only", { identity: EVERYTHING }, "Allowed", "own policy: S1 allows it"],
    ["resource's only", { own: policyOf({}) }, "Allowed", "resource's policy: S1 allows it"],
    [
      "neither",
      {},
      "ImplicitlyDenied",
      `nothing in the policy of ${QUEUE}, which has none or in the policy of ${ROLE} allows sqs:SendMessage`,
    ],
    [
      "the role by its ARN",
      { own: policyOf({ Principal: { AWS: ROLE } }) },
      "Allowed",
      "resource's policy: S1 allows it",
    ],
    [
      "the session by its ARN",
      {
        own: policyOf({
          Principal: { AWS: [`arn:aws:sts::${ACCOUNT}:assumed-role/Reader/session`] },
        }),
      },
      "Allowed",
      "resource's policy: S1 allows it",
    ],
    [
      "the account, which leaves it to IAM",
      { own: policyOf({ Principal: { AWS: ACCOUNT } }) },
      "ImplicitlyDenied",
      `nothing in the resource's policy or in the policy of ${ROLE} allows sqs:SendMessage`,
    ],
    [
      "a key that names the account only",
      { action: "kms:Decrypt", resource: KEY, own: policyOf({ Principal: { AWS: ROOT } }) },
      "ImplicitlyDenied",
      `resource's policy: S1 leaves it to IAM, and nothing in the policy of ${ROLE} allows kms:Decrypt`,
    ],
    [
      "a key that names the account, and IAM",
      {
        action: "kms:Decrypt",
        resource: KEY,
        own: policyOf({ Principal: { AWS: ROOT } }),
        identity: EVERYTHING,
      },
      "Allowed",
      "resource's policy: S1 and own policy: S1 allows it",
    ],
    [
      "a key that names nobody",
      {
        action: "kms:Decrypt",
        resource: KEY,
        own: policyOf({ Principal: { AWS: STRANGER } }),
        identity: EVERYTHING,
      },
      "ImplicitlyDenied",
      "nothing in the resource's policy allows kms:Decrypt",
    ],
    [
      "a key by the role's ARN",
      { action: "kms:Decrypt", resource: KEY, own: policyOf({ Principal: { AWS: ROLE } }) },
      "Allowed",
      "resource's policy: S1 allows it",
    ],
    [
      "another account's role with both",
      { roleArn: STRANGER, own: policyOf({ Principal: { AWS: OTHER } }), identity: EVERYTHING },
      "Allowed",
      "resource's policy: S1 and own policy: S1 allows it",
    ],
    [
      "another account's role with the resource's only",
      { roleArn: STRANGER, own: policyOf({}) },
      "ImplicitlyDenied",
      `resource's policy: S1 leaves it to IAM, and nothing in the policy of ${STRANGER} allows sqs:SendMessage`,
    ],
    [
      "another account's role with its own only",
      { roleArn: STRANGER, identity: EVERYTHING },
      "ImplicitlyDenied",
      `the policy of ${QUEUE}, which has none and the policy of ${STRANGER} must both allow sqs:SendMessage, and the first does not`,
    ],
    [
      "a denial, whoever allows",
      { own: policyOf({}, { Effect: "Deny", Action: "sqs:Send*" }), identity: EVERYTHING },
      "ExplicitlyDenied",
      "resource's policy: S2 denies it",
    ],
    [
      "a denial of the role's own",
      {
        own: policyOf({}),
        identity: policyOf({
          Principal: undefined,
          Effect: "Deny",
          Action: undefined,
          NotAction: "kms:*",
        }),
      },
      "ExplicitlyDenied",
      "own policy: S1 denies it",
    ],
    [
      "a service by the resource's policy",
      { service: {}, own: policyOf({ Principal: { Service: [EVENTS] } }) },
      "Allowed",
      "resource's policy: S1 allows it",
    ],
    [
      "another service",
      { service: {}, own: policyOf({ Principal: { Service: "sns.amazonaws.com" } }) },
      "ImplicitlyDenied",
      "nothing in the resource's policy allows sqs:SendMessage",
    ],
    [
      "a service for another source",
      {
        service: { sourceArn: `${RULE}2`, sourceAccount: ACCOUNT },
        own: policyOf({
          Principal: { Service: EVENTS },
          Condition: {
            ArnEquals: { "aws:SourceArn": RULE },
            StringEquals: { "aws:SourceAccount": ACCOUNT },
          },
        }),
      },
      "ImplicitlyDenied",
      `nothing in the resource's policy allows sqs:SendMessage; resource's policy: S1 would, but not ArnEquals aws:SourceArn "${RULE}", got "${RULE}2"`,
    ],
    [
      "a role that the service may take",
      {
        service: { sourceArn: RULE, sourceAccount: ACCOUNT },
        action: "sts:AssumeRole",
        resource: ROLE,
        own: policyOf({
          Principal: { Service: EVENTS },
          Resource: undefined,
          Condition: { ArnLike: { "aws:SourceArn": `arn:aws:events:*:${ACCOUNT}:rule/*` } },
        }),
      },
      "Allowed",
      "resource's policy: S1 allows it",
    ],
    [
      "a role that trusts another service",
      {
        service: {},
        action: "sts:AssumeRole",
        resource: ROLE,
        own: policyOf({ Principal: { Service: "states.amazonaws.com" }, Resource: undefined }),
      },
      "ImplicitlyDenied",
      "nothing in the resource's policy allows sts:AssumeRole",
    ],
    [
      "what is not the resource",
      {
        own: policyOf({ Resource: undefined, NotResource: QUEUE }),
        identity: policyOf({ Principal: undefined, Resource: `${QUEUE}?` }),
      },
      "ImplicitlyDenied",
      `nothing in the resource's policy or in the policy of ${ROLE} allows sqs:SendMessage`,
    ],
  ])("%s", (_case, asked, result, reason) => {
    expect(ask(asked)).toMatchObject({ result, reason, allowed: result === "Allowed" });
  });

  test("a bucket's account is given, since its ARN has none", () => {
    const request = {
      ...requestOf({
        action: "s3:PutObject",
        own: policyOf({ Principal: { AWS: ACCOUNT } }),
        identity: EVERYTHING,
      }),
      resourceArn: "arn:aws:s3:::logs",
    };
    expect(authorize({ ...request, resourceAccount: ACCOUNT }).result).toBe("Allowed");
    expect(() => authorize(request)).toThrow(
      'arn:aws:s3:::logs: the resource of a request must be one ARN, with the account that owns it, got account ""',
    );
  });
});

describe("conditions", () => {
  const NOW = "2026-01-01T12:00:00Z";
  const holds = (operator: string, wanted: unknown, actual: RequestContext[string]) =>
    ask({
      own: policyOf({ Condition: { [operator]: { "Test:Key": wanted } } }),
      context: { "test:key": actual },
    }).allowed;

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
  test.each<
    readonly [string, unknown, yes: RequestContext[string][], no: RequestContext[string][]]
  >([
    ["StringEquals", ["a", "b"], ["a", "b"], ["A", "", "ab", undefined]],
    ["StringNotEquals", ["a", "b"], ["A", "", undefined], ["a", "b"]],
    ["StringEqualsIfExists", "a", ["a", undefined], ["b"]],
    ["StringEqualsIgnoreCase", "aB", ["Ab"], ["a", undefined]],
    ["StringNotEqualsIgnoreCase", "aB", ["a", undefined], ["Ab"]],
    ["StringLike", "a*c?", ["acd", "abbcd", "a\ncd"], ["ac", "Acd", "xacd", undefined]],
    ["StringNotLike", "a*c?", ["ac", undefined], ["acd"]],
    ["StringLike", "a.c", ["a.c"], ["abc"]],
    ["ArnEquals", RULE, [RULE], [`${RULE}s`, "", undefined]],
    ["ArnLike", "arn:aws:events:*:*:rule/*", [RULE, `${RULE}:x`], [BUS, "rule", undefined]],
    ["ArnLike", "arn:*:*:*:*:*", [RULE], ["arn:aws:events"]],
    ["ArnEquals", "arn:aws:events:*:111122223333:rule/forw?rd", [RULE], [BUS]],
    ["ArnNotEquals", RULE, [BUS, undefined], [RULE]],
    ["ArnNotLike", "arn:aws:events:*:*:rule/*", [BUS, undefined], [RULE]],
    ["NumericEquals", 7, ["7", "7.0"], ["8", "seven", undefined]],
    ["NumericNotEquals", "7", ["8", undefined], ["7"]],
    ["NumericLessThan", "7", ["6.9", "-1"], ["7", "x", undefined]],
    ["NumericLessThanEquals", ["1", "7"], ["7"], ["7.1", undefined]],
    ["NumericGreaterThan", "7", ["8"], ["7", undefined]],
    ["NumericGreaterThanEquals", "7", ["7"], ["6", undefined]],
    ["NumericLessThanIfExists", "7", ["6", undefined], ["7"]],
    ["DateEquals", NOW, ["2026-01-01T12:00:00.000Z", "1767268800"], ["2026-01-02", undefined]],
    ["DateNotEquals", NOW, ["2026-01-02", undefined], [NOW]],
    ["DateLessThan", NOW, ["2026-01-01T11:59:59Z"], [NOW, "soon", undefined]],
    ["DateLessThanEquals", NOW, [NOW], ["2026-01-01T12:00:01Z", undefined]],
    ["DateGreaterThan", NOW, ["2026-01-01T12:00:01Z"], [NOW, undefined]],
    ["DateGreaterThanEquals", "1767268800", [NOW], ["2026-01-01T11:59:59Z", undefined]],
    ["Bool", "true", ["true", "TRUE"], ["false", undefined]],
    ["Bool", false, ["false"], ["true", undefined]],
    ["BoolIfExists", "true", ["true", undefined], ["false"]],
    [
      "IpAddress",
      ["203.0.113.0/24", "2001:db8::/32"],
      ["203.0.113.255", "2001:db8::1"],
      ["203.0.114.0", "x", undefined],
    ],
    ["IpAddress", "0.0.0.0/0", ["203.0.113.7"], ["2001:db8::1", undefined]],
    ["IpAddress", "203.0.113.7", ["203.0.113.7"], ["203.0.113.8", undefined]],
    ["NotIpAddress", "203.0.113.0/24", ["203.0.114.0", undefined], ["203.0.113.0"]],
    ["Null", "true", [undefined, []], ["a", ["a"]]],
    ["Null", false, ["a", ["a"]], [undefined, []]],
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
    [
      "ForAllValues:StringEquals",
      ["a", "b"],
      [["a"], ["a", "b"], "a", [], undefined],
      [["a", "c"], "c"],
    ],
    ["ForAnyValue:StringLike", ["a*", "b"], [["x", "ab"], "b"], [["x"], [], undefined]],
    ["ForAllValues:StringNotEquals", ["a"], [["b"], undefined], [["a", "b"]]],
    ["ForAnyValue:StringNotEquals", ["a"], [["a", "b"]], [["a"], undefined]],
  ])("%s %j", (operator, wanted, yes, no) => {
    expect(yes.map((actual) => holds(operator, wanted, actual))).toEqual(yes.map(() => true));
    expect(no.map((actual) => holds(operator, wanted, actual))).toEqual(no.map(() => false));
  });

  test("an encryption context is known as a whole, and belongs to KMS only", () => {
    const decrypt = (condition: object, encryptionContext?: Readonly<Record<string, string>>) =>
      ask({
        action: "kms:Decrypt",
        resource: KEY,
        own: policyOf({ Condition: condition }),
        ...(encryptionContext !== undefined && { encryptionContext }),
      }).allowed;
    const bus = { StringEquals: { "kms:EncryptionContext:aws:events:event-bus:arn": BUS } };
    const keys = { "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": ["a"] } };
    expect(decrypt(bus, { "aws:events:event-bus:arn": BUS })).toBe(true);
    expect(decrypt(bus, { "aws:events:event-bus:arn": QUEUE })).toBe(false);
    expect(decrypt(bus)).toBe(false);
    expect(decrypt(keys, { a: "1" })).toBe(true);
    expect(decrypt(keys, { a: "1", b: "2" })).toBe(false);
    expect(decrypt(keys)).toBe(true);
    expect(() => ask({ own: policyOf({ Condition: bus }) })).toThrow(
      'its condition must be on a key that the request is known to carry or not to carry, got "kms:EncryptionContext:aws:events:event-bus:arn"',
    );
  });

  test("all operators and keys of a statement must hold, and the reason names each that does not", () => {
    expect(
      ask({
        own: policyOf({
          Condition: {
            StringEquals: { "aws:PrincipalAccount": [OTHER], "aws:PrincipalArn": ROLE },
            Bool: { "aws:SecureTransport": "false" },
          },
        }),
      }).reason,
    ).toBe(
      `nothing in the resource's policy or in the policy of ${ROLE} allows sqs:SendMessage; resource's policy: S1 would, but not StringEquals aws:PrincipalAccount ["${OTHER}"], got "${ACCOUNT}" and Bool aws:SecureTransport "false", got "true"`,
    );
  });

  test("a key of which nothing is known is a question only if the decision rests on it", () => {
    const Condition = { StringEquals: { "aws:PrincipalOrgID": "o-1" } };
    const unmet = { StringEquals: { "aws:PrincipalOrgID": "o-1", "aws:PrincipalAccount": OTHER } };
    const allow = { Condition };
    const deny = { Effect: "Deny", Condition };
    const question =
      'its condition must be on a key that the request is known to carry or not to carry, got "aws:PrincipalOrgID"; give its value with the request';
    expect(() => ask({ own: policyOf(allow) })).toThrow(`resource's policy: S1: ${question}`);
    expect(() => ask({ own: policyOf({}, deny) })).toThrow(`resource's policy: S2: ${question}`);
    expect(ask({ own: policyOf({ Condition: unmet }) }).result).toBe("ImplicitlyDenied");
    expect(ask({ own: policyOf(allow, {}) }).statements).toEqual(["resource's policy: S2"]);
    expect(ask({ own: policyOf(deny) }).result).toBe("ImplicitlyDenied");
    expect(ask({ own: policyOf(allow, { Effect: "Deny" }) }).result).toBe("ExplicitlyDenied");
    const context = { "aws:PrincipalOrgID": "o-1" };
    expect(ask({ own: policyOf(allow), context }).allowed).toBe(true);
    expect(ask({ own: policyOf({}, deny), context }).allowed).toBe(false);
  });
});

test.each<readonly [string, Asked, string]>([
  [
    "an operator of another kind",
    { own: policyOf({ Condition: { BinaryEquals: { a: "QQ==" } } }) },
    'S1: a condition operator must be one that the sandbox decides, got "BinaryEquals"',
  ],
  [
    "an unknown operator",
    { own: policyOf({ Condition: { StringEqual: { a: "b" } } }) },
    "there is no condition operator StringEqual",
  ],
  [
    "IfExists over a set",
    { own: policyOf({ Condition: { "ForAnyValue:StringEqualsIfExists": { a: "b" } } }) },
    'got "ForAnyValue:StringEqualsIfExists"',
  ],
  [
    "many values without a set",
    { own: policyOf({ Condition: { StringEquals: { a: "b" } } }), context: { a: ["b"] } },
    'StringEquals must be about a key with one value, got ["b"]; write ForAllValues: or ForAnyValue: before it',
  ],
  [
    "a variable in a condition",
    { own: policyOf({ Condition: { StringEquals: { a: "${aws:userid}" } } }), context: { a: "b" } },
    'a value must have no policy variables, got "${aws:userid}"',
  ],
  [
    "a variable in a resource",
    { identity: policyOf({ Principal: undefined, Resource: `${QUEUE}/\${aws:userid}` }) },
    "own policy: S1: a value must have no policy variables",
  ],
  [
    "half an ARN",
    { own: policyOf({ Resource: "arn:aws:sqs:*" }) },
    'a resource must be * or have the six parts of an ARN, got "arn:aws:sqs:*"',
  ],
  [
    "half an ARN in a condition",
    { own: policyOf({ Condition: { ArnLike: { a: "arn:aws:sqs:*" } } }), context: { a: "b" } },
    'a value of ArnLike must have the six parts of an ARN, got "arn:aws:sqs:*"',
  ],
  [
    "no number",
    { own: policyOf({ Condition: { NumericEquals: { a: "b" } } }), context: { a: "1" } },
    'a value of NumericEquals must be a number, got "b"',
  ],
  [
    "no time",
    { own: policyOf({ Condition: { DateLessThan: { a: "b" } } }), context: { a: "1" } },
    'a value of DateLessThan must be a time such as 2026-01-01T00:00:00Z, or seconds since 1970, got "b"',
  ],
  [
    "no truth",
    { own: policyOf({ Condition: { Null: { a: "b" } } }), context: { a: "1" } },
    'a value of Null must be true or false, got "b"',
  ],
  [
    "no address",
    { own: policyOf({ Condition: { IpAddress: { a: "203.0.113.0/33" } } }), context: { a: "1" } },
    'a value of IpAddress must be an IP address or a CIDR block, got "203.0.113.0/33"',
  ],
  [
    "NotPrincipal",
    { own: policyOf({ Principal: undefined, NotPrincipal: { AWS: ROLE } }) },
    "must have a Principal that the sandbox decides",
  ],
  [
    "a federated principal",
    { own: policyOf({ Principal: { Federated: "www.example.com" } }) },
    'a principal must be of type AWS or Service, got {"Federated":"www.example.com"}',
  ],
  [
    "a principal in a role's policy",
    { identity: policyOf({}) },
    "own policy: S1: a statement of a role's own policy must name no principal",
  ],
  [
    "no resource",
    { own: policyOf({ Resource: undefined }) },
    "a statement must have a Resource, got nothing",
  ],
  [
    "no policy",
    { own: policyOf({ Effect: "Alow" }) },
    "resource's policy: it must be a policy, got",
  ],
  ["many resources", { resource: `${QUEUE}*` }, "the resource of a request must be one ARN"],
  ["no ARN", { resource: "dead" }, 'a role or resource must be given by its ARN, got "dead"'],
])("refuses to decide %s", (_case, asked, message) => {
  expect(() => ask(asked)).toThrow(message);
});

/** Numbers that are the same on every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Every condition key of some policies that a context does not have, as known not to be there. */
function closed(
  context: Readonly<Record<string, string>>,
  policies: readonly PolicyDocument[],
): RequestContext {
  const keys = policies.flatMap(({ Statement }) =>
    Statement.flatMap(({ Condition = {} }) => Object.values(Condition).flatMap(Object.keys)),
  );
  return {
    ...Object.fromEntries(
      keys.filter((key) => !/^aws:Secure/.test(key)).map((key) => [key, undefined]),
    ),
    ...context,
  };
}

const KEY_ACTIONS = [
  "kms:Decrypt",
  "kms:GenerateDataKey",
  "kms:PutKeyPolicy",
  "kms:ScheduleKeyDeletion",
  "kms:UpdateKeyDescription",
];

const BUS_CONTEXT = "aws:events:event-bus:arn";

/** What requests carry besides, of those that carry anything. */
const CONTEXT_OF: Readonly<Record<string, (region: string) => Readonly<Record<string, string>>>> = {
  "kms:Decrypt": (region) => ({ "kms:ViaService": `events.${region}.amazonaws.com` }),
  "kms:ScheduleKeyDeletion": () => ({ "kms:ScheduleKeyDeletionPendingWindowInDays": "7" }),
  "kms:PutKeyPolicy": () => ({ "kms:BypassPolicyLockoutSafetyCheck": "true" }),
};

const ENCRYPTION_CONTEXT = "kms:EncryptionContext:";

/** Decides the same request with both engines. */
async function both(asked: Asked & { readonly context?: Readonly<Record<string, string>> }) {
  const { own, identity, context = {}, encryptionContext = {}, service: acting } = asked;
  const policies = [own, identity].flatMap((policy) => policy ?? []);
  const { name = EVENTS, sourceArn, sourceAccount } = acting ?? {};
  const theirs = await decide({
    principal: acting === undefined ? sessionOf(asked.roleArn ?? ROLE) : service(name),
    action: asked.action ?? "",
    resource: asked.resource ?? "",
    identityPolicies: identity === undefined || acting !== undefined ? [] : [identity],
    ...(own !== undefined && { resourcePolicy: own }),
    context: {
      ...context,
      ...Object.fromEntries(
        Object.entries(encryptionContext).map(([key, value]) => [
          `${ENCRYPTION_CONTEXT}${key}`,
          value,
        ]),
      ),
      ...(sourceArn !== undefined && { "aws:SourceArn": sourceArn }),
      ...(sourceAccount !== undefined && { "aws:SourceAccount": sourceAccount }),
    },
  });
  const ours = ask({ ...asked, context: closed(context, policies) });
  return { theirs: theirs.result, ours: ours.result };
}

/** The other engine takes 0.0.0.0/0 for no address at all; what it is here is tested above. */
test("random requests are decided as by another engine", async () => {
  const random = randomNumbers(20_260_101);
  const one = <T>(values: readonly T[]): T => values[random(values.length)] as T;
  const some = <T>(values: readonly T[]): T | T[] =>
    random(2) === 0 ? one(values) : [one(values), one(values)];
  const services = [EVENTS, "sns.amazonaws.com"];
  const arns = [
    RULE,
    `${RULE}2`,
    "arn:aws:events:*:*:rule/*",
    `arn:aws:events:eu-*:${ACCOUNT}:*`,
    BUS,
  ];
  const principals = [
    "*",
    { AWS: "*" },
    { AWS: ROOT },
    { AWS: ACCOUNT },
    { AWS: OTHER },
    { AWS: STRANGER },
    { AWS: [STRANGER, ROOT] },
    { Service: EVENTS },
    { Service: services },
  ];
  const conditions: readonly (() => object)[] = [
    () => ({
      [one([
        "ArnEquals",
        "ArnLike",
        "ArnNotEquals",
        "ArnNotLike",
        "ArnLikeIfExists",
        "ArnEqualsIfExists",
        "ArnNotLikeIfExists",
      ])]: { "aws:SourceArn": some(arns) },
    }),
    () => ({
      [one([
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIfExists",
        "StringLike",
        "StringNotLike",
      ])]: {
        [one(["aws:SourceAccount", "aws:PrincipalAccount", "AWS:principalaccount"])]: some([
          ACCOUNT,
          OTHER,
          "1111*",
          "????22223333",
        ]),
      },
    }),
    () => ({
      [one(["StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"])]: {
        "kms:EncryptionContext:a": some(["X", "y", "z"]),
      },
    }),
    () => ({
      [one([
        "ForAllValues:StringEquals",
        "ForAnyValue:StringEquals",
        "ForAllValues:StringLike",
        "ForAnyValue:StringLike",
      ])]: { "kms:EncryptionContextKeys": some(["a", "b", "*"]) },
    }),
    () => ({
      [one(["Bool", "BoolIfExists"])]: {
        [one(["aws:PrincipalIsAWSService", "aws:SecureTransport"])]: one(["true", "false"]),
      },
    }),
    () => ({
      Null: {
        [one(["aws:SourceArn", "aws:PrincipalArn", "kms:EncryptionContext:a"])]: one([
          "true",
          "false",
        ]),
      },
    }),
    () => ({
      [one(["IpAddress", "NotIpAddress", "IpAddressIfExists"])]: {
        "aws:SourceIp": some(["203.0.113.0/24", "203.0.113.9", "198.0.0.0/7"]),
      },
    }),
    () => ({
      [one([
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
        "DateEquals",
        "DateNotEquals",
      ])]: {
        "aws:CurrentTime": one([
          "2026-01-01T00:00:00Z",
          "2026-06-01T00:00:00Z",
          "2027-01-01T00:00:00Z",
        ]),
      },
    }),
    () => ({
      [one([
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
        "NumericEquals",
        "NumericNotEquals",
      ])]: { "aws:MultiFactorAuthAge": some(["60", "300", "7.5"]) },
    }),
    () => ({
      [one(["ArnEquals", "ArnNotLike"])]: {
        "aws:PrincipalArn": some([STRANGER, `arn:aws:iam::${ACCOUNT}:role/*`, ROLE]),
      },
    }),
  ];
  const kinds = [
    {
      resource: KEY,
      actions: ["kms:Decrypt", "kms:GenerateDataKey"],
      patterns: ["kms:*", "kms:Decrypt", "KMS:generate*", "*", "sqs:*"],
      resources: ["*", KEY, "arn:aws:kms:*:*:key/*", `${KEY}2`],
    },
    {
      resource: QUEUE,
      actions: ["sqs:SendMessage", "sqs:ReceiveMessage"],
      patterns: ["sqs:*", "sqs:SendMessage", "sqs:?e*Message", "events:*"],
      resources: ["*", QUEUE, `${QUEUE}?`, `arn:aws:sqs:eu-west-1:${ACCOUNT}:*`],
    },
    {
      resource: BUS,
      actions: ["events:PutEvents"],
      patterns: ["events:*", "events:PutEvents", "*"],
      resources: ["*", BUS, "arn:aws:events:*:*:event-bus/*"],
    },
  ];
  const counts: Record<string, number> = {};
  for (let round = 0; round < 300; round += 1) {
    const kind = one(kinds);
    const isKms = kind.resource === KEY;
    const statement = (principal: object) => ({
      ...principal,
      Effect: random(5) === 0 ? "Deny" : "Allow",
      Action: some(kind.patterns),
      ...(random(8) === 0
        ? { Resource: undefined, NotResource: some(kind.resources) }
        : { Resource: some(kind.resources) }),
      ...(random(2) === 0 && {
        Condition: Object.assign(
          {},
          ...[0, 1]
            .slice(random(2))
            .map(() =>
              one(
                isKms
                  ? conditions
                  : conditions
                      .filter((_c, index) => index !== 2 && index !== 3)
                      .map((make) => make),
              )(),
            ),
        ),
      }),
    });
    const acting =
      random(3) === 0
        ? {
            name: one(services),
            ...(random(2) === 0 && {
              sourceArn: one([RULE, `${RULE}2`]),
              sourceAccount: one([ACCOUNT, OTHER]),
            }),
          }
        : undefined;
    const asked = {
      ...(acting === undefined
        ? { roleArn: one([`arn:aws:iam::${ACCOUNT}:role/Reader`, STRANGER]) }
        : { service: acting }),
      action: one(kind.actions),
      resource: kind.resource,
      ...(random(6) > 0 && {
        own: policyOf(
          ...[0, 1, 2].slice(random(3)).map(() => statement({ Principal: one(principals) })),
        ),
      }),
      ...(random(3) > 0 && {
        identity: policyOf(
          ...[0, 1].slice(random(2)).map(() => statement({ Principal: undefined })),
        ),
      }),
      context: {
        "aws:CurrentTime": one(["2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z"]),
        ...(random(2) === 0 && { "aws:SourceIp": one(["203.0.113.9", "198.51.100.1"]) }),
        ...(random(2) === 0 && { "aws:MultiFactorAuthAge": one(["60", "7.5", "1000"]) }),
      },
      ...(isKms && {
        encryptionContext: one<Record<string, string>>([{}, { a: "x" }, { a: "Y", b: "z" }]),
      }),
    };
    const { theirs, ours } = await both(asked);
    counts[ours] = (counts[ours] ?? 0) + 1;
    if (ours !== theirs) {
      throw new Error(
        `round ${round}: ${ours}, but ${theirs} by the other engine: ${JSON.stringify(asked)}`,
      );
    }
  }
  expect(Object.keys(counts).sort()).toEqual(["Allowed", "ExplicitlyDenied", "ImplicitlyDenied"]);
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(20);
});

describe("the policies of an account are decided as by another engine", () => {
  const synthesized = synthAccount(FIXTURE_ACCOUNTS, "full");
  const { account } = synthesized;
  const places = [
    ...keyPolicies(synthesized).map(({ key, region, policy }) => ({
      name: `${key.name} in ${region}`,
      policy,
      resource: `arn:aws:kms:${region}:${account.id}:key/mrk-1`,
      actions: KEY_ACTIONS,
    })),
    ...busPolicies(synthesized).flatMap(({ bus, region, policy, queueArn, queuePolicy }) => [
      ...(policy === undefined
        ? []
        : [
            {
              name: `bus ${bus.name} in ${region}`,
              policy,
              resource: `arn:aws:events:${region}:${account.id}:event-bus/${bus.name}`,
              actions: ["events:PutEvents", "events:DescribeEventBus"],
            },
          ]),
      {
        name: `queue of ${bus.name} in ${region}`,
        policy: queuePolicy,
        resource: queueArn,
        actions: ["sqs:SendMessage", "sqs:ReceiveMessage"],
      },
    ]),
  ].filter(({ resource }) => resource.includes(`:${account.homeRegion}:`));

  test.each(places)("$name", async ({ policy, resource, actions }) => {
    const [, , , region] = resource.split(":");
    const named = [...JSON.stringify(policy).matchAll(/arn:aws:iam::\d{12}:role\/[\w/.-]+/g)];
    const roles = [STRANGER, ...new Set(named.map(([roleArn]) => roleArn))].slice(0, 5);
    const sources = [...JSON.stringify(policy).matchAll(/arn:aws:events:[^"*?]+/g)];
    const sourceArns = [undefined, RULE, ...new Set(sources.map(([arn]) => arn))].slice(0, 4);
    const contexts = [{}, ...sourceArns.slice(2).map((arn) => ({ [BUS_CONTEXT]: arn ?? "" }))];
    const wrong: string[] = [];
    const asked = [
      ...roles.flatMap((roleArn) =>
        [EVERYTHING, ...(roleArn === STRANGER ? [] : [undefined])].map((identity) => ({
          roleArn,
          ...(identity !== undefined && { identity }),
        })),
      ),
      ...[EVENTS, "cloudwatch.amazonaws.com"].flatMap((name) =>
        sourceArns.map((sourceArn) => ({
          service: { name, sourceArn, sourceAccount: sourceArn?.split(":")[4] },
        })),
      ),
    ];
    for (const who of asked) {
      for (const action of actions) {
        for (const encryptionContext of /:(Decrypt|Generate)/.test(action) ? contexts : [{}]) {
          const context = CONTEXT_OF[action]?.(region ?? "") ?? {};
          const question = { ...who, action, resource, own: policy, encryptionContext, context };
          const { ours, theirs } = await both(question);
          if (ours !== theirs) {
            wrong.push(`${JSON.stringify(question)}: ${ours}, but ${theirs}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});
