/** The engine decides as AWS documents it, and answers no question that it did not understand. */
import {
  actionMatches,
  decide,
  FULL_ADMIN,
  NOBODY_KNOWN,
  type PolicyDocument,
  type PolicyStatement,
  parsePolicy,
  type Request,
  roleItself,
  rootUser,
  service,
  sessionOf,
} from "../helpers/iam";

const ACCOUNT = "111122223333";
const KEY = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/mrk-1`;
const ROLE = `arn:aws:iam::${ACCOUNT}:role/Reader`;
const OWN_ROOT = `arn:aws:iam::${ACCOUNT}:root`;
const CONTEXT_KEY = "kms:EncryptionContext:aws:events:event-bus:arn";

const policyOf = (...Statement: readonly Partial<PolicyStatement>[]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: Statement.map((statement) => ({
    Effect: "Allow",
    Principal: { AWS: "*" },
    Action: "kms:Decrypt",
    Resource: "*",
    ...statement,
  })),
});

const ask = async (request: Partial<Request>) => {
  const { result } = await decide({
    principal: sessionOf(ROLE),
    action: "kms:Decrypt",
    resource: KEY,
    ...request,
  });
  return result;
};

test("a key leaves to IAM only what its policy gives to the account", async () => {
  const resourcePolicy = policyOf({ Principal: { AWS: OWN_ROOT }, Action: "kms:DescribeKey" });
  const identityPolicies = [FULL_ADMIN];
  const describe = { action: "kms:DescribeKey", resourcePolicy };
  expect(await ask({ ...describe, identityPolicies })).toBe("Allowed");
  expect(await ask(describe)).toBe("ImplicitlyDenied");
  expect(await ask({ resourcePolicy, identityPolicies })).toBe("ImplicitlyDenied");
});

test("a principal of another account needs both policies", async () => {
  const principal = sessionOf("arn:aws:iam::999900001111:role/Reader");
  const resourcePolicy = policyOf({});
  expect(await ask({ principal, resourcePolicy, identityPolicies: [FULL_ADMIN] })).toBe("Allowed");
  expect(await ask({ principal, resourcePolicy })).toBe("ImplicitlyDenied");
  expect(await ask({ principal, identityPolicies: [FULL_ADMIN] })).toBe("ImplicitlyDenied");
});

test.each([
  ["the right one", { [CONTEXT_KEY]: "bus" }, "Allowed"],
  ["another value", { [CONTEXT_KEY]: "other" }, "ImplicitlyDenied"],
  ["another key", { "kms:EncryptionContext:other": "bus" }, "ImplicitlyDenied"],
  ["none", {}, "ImplicitlyDenied"],
])("an encryption context counts: %s", async (_case, context, expected) => {
  const Condition = { StringEquals: { [CONTEXT_KEY]: "bus" } };
  expect(await ask({ context, resourcePolicy: policyOf({ Condition }) })).toBe(expected);
});

test("an encryption context counts in a denial", async () => {
  const Condition = { StringNotEquals: { [CONTEXT_KEY]: "bus" } };
  const resourcePolicy = policyOf({}, { Effect: "Deny", Condition });
  expect(await ask({ context: { [CONTEXT_KEY]: "bus" }, resourcePolicy })).toBe("Allowed");
  expect(await ask({ resourcePolicy })).toBe("ExplicitlyDenied");
});

test.each([
  ["root user", rootUser("aws", ACCOUNT), "Account"],
  ["session", sessionOf(ROLE), "AssumedRole"],
])("the context says who it is: %s", async (_case, principal, type) => {
  const asked = { principal, identityPolicies: [FULL_ADMIN] };
  const when = (value: string) =>
    policyOf({ Condition: { StringEquals: { "aws:PrincipalType": value } } });
  expect(await ask({ ...asked, resourcePolicy: when(type) })).toBe("Allowed");
  expect(await ask({ ...asked, resourcePolicy: when("User") })).toBe("ImplicitlyDenied");
});

test("a negated condition on the principal meets services, which have no ARN", async () => {
  const Condition = { ArnNotEquals: { "aws:PrincipalArn": ROLE } };
  const resourcePolicy = policyOf(
    { Principal: "*" },
    { Effect: "Deny", Principal: "*", Condition },
  );
  expect(await ask({ resourcePolicy })).toBe("Allowed");
  expect(await ask({ principal: service("events.amazonaws.com"), resourcePolicy })).toBe(
    "ExplicitlyDenied",
  );
  expect(await ask({ principal: NOBODY_KNOWN, resourcePolicy })).toBe("ExplicitlyDenied");
});

test("a role on another path is another role", async () => {
  const other = roleItself(`arn:aws:iam::${ACCOUNT}:role/team/Reader`);
  const named = policyOf({ Principal: { AWS: ROLE } });
  const bound = policyOf({ Condition: { ArnEquals: { "aws:PrincipalArn": ROLE } } });
  for (const resourcePolicy of [named, bound]) {
    expect(await ask({ resourcePolicy })).toBe("Allowed");
    expect(await ask({ principal: other, resourcePolicy })).toBe("ImplicitlyDenied");
  }
});

test("an answer of one account and region is no answer for a policy of another", async () => {
  const resource = `arn:aws:kms:us-east-1:${ACCOUNT}:key/mrk-1`;
  const context = { "kms:ViaService": "s3.eu-west-1.amazonaws.com" };
  const Condition = { StringEquals: context };
  expect(await ask({ context, resourcePolicy: policyOf({ Condition }) })).toBe("Allowed");
  expect(await ask({ resource, context, resourcePolicy: policyOf({ Condition }) })).toBe("Allowed");
  const there = { StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } };
  expect(await ask({ resource, context, resourcePolicy: policyOf({ Condition: there }) })).toBe(
    "ImplicitlyDenied",
  );
});

test("a statement's resource counts", async () => {
  const resourcePolicy = policyOf({ Resource: `${KEY}2` });
  expect(await ask({ resourcePolicy })).toBe("ImplicitlyDenied");
  expect(await ask({ resource: `${KEY}2`, resourcePolicy })).toBe("Allowed");
});

test.each<readonly [question: string, request: Partial<Request>, message: string]>([
  [
    "a context key that the action never carries",
    { action: "kms:DescribeKey", context: { "kms:ReplicaRegion": "eu-west-1" } },
    "kms:DescribeKey never carries kms:ReplicaRegion",
  ],
  [
    "an encryption context that the action never carries",
    { action: "kms:DescribeKey", context: { [CONTEXT_KEY]: "bus" } },
    "kms:DescribeKey never carries an encryption context",
  ],
  ["a context key that nothing carries", { context: { "aws:SourceAcount": "1" } }, "SourceAcount"],
  ["a pattern of resources", { resource: `arn:aws:kms:eu-west-1:${ACCOUNT}:key/*` }, "one ARN"],
  ["all resources", { resource: "*" }, "one ARN"],
  ["a malformed policy", { resourcePolicy: policyOf({ Effect: "Alow" }) }, "malformed"],
  ["an unknown action", { action: "kms:Decrpyt" }, "Decrpyt"],
])("refuses to decide %s", async (_question, request, message) => {
  await expect(ask(request)).rejects.toThrow(message);
});

test.each([
  ["kms:ReEncrypt*", true],
  ["kms:*", true],
  ["*", true],
  ["KMS:reencryptt?", true],
  ["kms:ReEncrypt", false],
  ["sqs:*", false],
])("kms:ReEncryptTo is meant by %s: %s", (pattern, expected) => {
  expect(actionMatches("kms:ReEncryptTo", pattern)).toBe(expected);
});

test.each([
  ["a reference", "${aws_kms_key.a.policy}"],
  ["no text", undefined],
  ["no statements", "{}"],
])("%s is no policy", (_case, text) => {
  expect(() => parsePolicy(text)).toThrow("a policy must");
});
