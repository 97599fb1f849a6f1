import { samePolicy } from "../../sandbox/provider/same-meaning";

const ROOT = "arn:aws:iam::111122223333:root";
const STATEMENT = {
  Sid: "Use",
  Effect: "Allow",
  Principal: { AWS: ["444455556666", ROOT], Service: "events.amazonaws.com" },
  Action: ["kms:Decrypt", "kms:Encrypt"],
  Resource: "*",
  Condition: { StringEquals: { "aws:PrincipalTag/team": ["a", "b"] } },
};
const OTHER = { Effect: "Deny", Principal: "*", Action: "kms:*", Resource: "*" };

function policy(...statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

const BOTH = policy(STATEMENT, OTHER);

test.each([
  [
    "actions in another order",
    policy({ ...STATEMENT, Action: ["kms:Encrypt", "kms:Decrypt"] }, OTHER),
  ],
  ["one resource in a list", policy({ ...STATEMENT, Resource: ["*"] }, OTHER)],
  ["statements in another order", policy(OTHER, STATEMENT)],
  [
    "principals in another order, an account by number or ARN",
    policy(
      {
        ...STATEMENT,
        Principal: {
          Service: ["events.amazonaws.com"],
          AWS: ["111122223333", "arn:aws:iam::444455556666:root"],
        },
      },
      OTHER,
    ),
  ],
  [
    "values of a condition in another order",
    policy(
      { ...STATEMENT, Condition: { StringEquals: { "aws:PrincipalTag/team": ["b", "a"] } } },
      OTHER,
    ),
  ],
  ["white space", JSON.stringify(JSON.parse(BOTH), null, 2)],
])("%s: the same policy", (_, text) => {
  expect(samePolicy(BOTH, text)).toBe(true);
});

test("a statement may stand without a list", () => {
  const text = JSON.stringify({ Version: "2012-10-17", Statement: OTHER });
  expect(samePolicy(policy(OTHER), text)).toBe(true);
});

test.each([
  ["another action", policy({ ...STATEMENT, Action: ["kms:Decrypt"] }, OTHER)],
  ["an action twice", policy(STATEMENT, { ...OTHER, Action: ["kms:*", "kms:*"] })],
  ["NotAction", policy(STATEMENT, { ...OTHER, Action: undefined, NotAction: "kms:*" })],
  ["no condition", policy({ ...STATEMENT, Condition: undefined }, OTHER)],
  ["everybody as AWS", policy(STATEMENT, { ...OTHER, Principal: { AWS: "*" } })],
  ["another Sid", policy({ ...STATEMENT, Sid: "use" }, OTHER)],
  ["a statement less", policy(STATEMENT)],
  ["no version", JSON.stringify({ Statement: [STATEMENT, OTHER] })],
  ["no JSON", "{"],
])("%s: another policy", (_, text) => {
  expect(samePolicy(BOTH, text)).toBe(false);
  expect(samePolicy(text, BOTH)).toBe(false);
});
