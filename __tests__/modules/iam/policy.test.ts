import { allOf, exactRoles, renderPolicy, type Statement } from "../../../modules/iam/policy";

const LIMIT = { maxBytes: 200, kind: "the key policy", source: "https://example.com/limit" };
const statement = (Sid: string): Statement => ({
  Sid,
  Effect: "Allow",
  Principal: "*",
  Action: "kms:Decrypt",
  Resource: "*",
});
const BYTES = Buffer.byteLength(
  '{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}]}',
);

test("renders a policy as AWS writes it", () => {
  expect(renderPolicy([statement("A")], LIMIT, "keys.a")).toBe(
    '{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}]}',
  );
});

test("accepts a policy of exactly the limit, counted in bytes", () => {
  expect(() =>
    renderPolicy([statement("é".repeat((200 - BYTES) / 2))], LIMIT, "keys.a"),
  ).not.toThrow();
  expect(() => renderPolicy([statement("x".repeat(201 - BYTES))], LIMIT, "keys.a")).toThrow(
    "keys.a: the key policy must be at most 200 bytes (https://example.com/limit), got 201; name fewer roles, buses or regions in it, or split it over several keys or buses",
  );
});

test("fails if two statements share a Sid", () => {
  expect(() => renderPolicy([statement("A"), statement("A")], LIMIT, "keys.a")).toThrow(
    "keys.a: two statements are called A",
  );
});

test("exact roles are bound by ARN and account, each once, in order", () => {
  const roles = ["arn:aws:iam::222233334444:role/B", "arn:aws:iam::111122223333:role/A"];
  expect(exactRoles([...roles, ...roles])).toEqual({
    Principal: { AWS: "*" },
    Condition: {
      ArnEquals: { "aws:PrincipalArn": [roles[1], roles[0]] },
      StringEquals: { "aws:PrincipalAccount": ["111122223333", "222233334444"] },
    },
  });
});

test("fails if no role is given, since the condition would be empty", () => {
  expect(() => exactRoles([])).toThrow("exactRoles needs a role");
});

test("all conditions of several hold together", () => {
  expect(
    allOf({ StringEquals: { a: "1" } }, { StringEquals: { b: "2" }, Bool: { c: "true" } }, {}),
  ).toEqual({ StringEquals: { a: "1", b: "2" }, Bool: { c: "true" } });
});

test("fails if a condition would replace another", () => {
  expect(() => allOf({ StringEquals: { a: "1" } }, { StringEquals: { a: "2" } })).toThrow(
    "StringEquals a stands twice",
  );
});
