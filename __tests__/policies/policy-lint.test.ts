/** No policy says what AWS would silently never apply; and the linter that says so finds each defect. */
import type { PolicyDocument, PolicyStatement } from "../helpers/iam";
import { lintPolicy, type PolicyKind } from "../helpers/policy-lint";
import { ALL_ACCOUNTS, synthAccount } from "../helpers/synth";
import { busPolicies, keyPolicies, watchingPolicies } from "./rendered";

const SOUND: PolicyStatement = {
  Sid: "Sound",
  Effect: "Allow",
  Principal: { Service: "events.amazonaws.com" },
  Action: ["kms:Decrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
  Resource: "*",
  Condition: {
    StringEquals: {
      "aws:SourceAccount": "111122223333",
      "kms:EncryptionContext:aws:events:event-bus:arn":
        "arn:aws:events:eu-west-1:111122223333:event-bus/a",
      "kms:ViaService": "s3.eu-west-1.amazonaws.com",
    },
    ArnLikeIfExists: { "aws:PrincipalArn": "arn:aws:iam::111122223333:role/*" },
    StringNotEquals: { "aws:PrincipalTag/team": "a" },
  },
};

const KINDS: Readonly<Record<string, PolicyKind>> = { trust: "trust", permissions: "identity" };

const policyOf = (...Statement: readonly PolicyStatement[]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement,
});

test("the linter finds nothing in a sound policy", async () => {
  expect(await lintPolicy(policyOf(SOUND))).toEqual([]);
});

test.each<readonly [defect: string, change: Readonly<Record<string, unknown>>, found: string]>([
  ["an unknown action", { Action: "kms:Decrpyt" }, "Sound: kms:Decrpyt is no action"],
  [
    "an unknown action among others",
    { Action: ["kms:Decrypt", "kms:GenerateDatakeys"] },
    "Sound: kms:GenerateDatakeys is no action",
  ],
  ["a pattern of no action", { Action: "kms:Decrypted*" }, "Sound: kms:Decrypted* is no action"],
  [
    "an action of an unknown service",
    { Action: "kmss:Decrypt" },
    "Sound: kmss:Decrypt is no action",
  ],
  [
    "an unknown operator",
    { Condition: { StringEqual: { "aws:SourceAccount": "1" } } },
    "Sound: StringEqual is no operator",
  ],
  [
    "an unknown condition key",
    { Action: "kms:Decrypt", Condition: { StringEquals: { "aws:SourceAcount": "1" } } },
    "Sound: kms:Decrypt never carries aws:SourceAcount",
  ],
  [
    "a misspelt key with a variable part",
    { Action: "kms:Decrypt", Condition: { StringEquals: { "kms:EncryptonContext:a": "b" } } },
    "Sound: kms:Decrypt never carries kms:EncryptonContext:a",
  ],
  [
    "a condition key that one of the actions never carries",
    {
      Action: ["kms:Decrypt", "kms:DescribeKey"],
      Condition: { StringEquals: { "kms:EncryptionContext:a": "b" } },
    },
    "Sound: kms:DescribeKey never carries kms:EncryptionContext:a",
  ],
  [
    "a denial whose condition key the action never carries",
    {
      Effect: "Deny",
      Principal: "*",
      Action: "kms:DisableKey",
      Condition: { Bool: { "kms:BypassPolicyLockoutSafetyCheck": "true" } },
    },
    "Sound: kms:DisableKey never carries kms:BypassPolicyLockoutSafetyCheck",
  ],
  ["an unknown effect", { Effect: "Alow" }, "Effect"],
  ["no principal", { Principal: undefined }, "rincipal"],
  ["an unknown kind of principal", { Principal: { Serv: "events.amazonaws.com" } }, "Serv"],
  ["an unknown element", { Conditions: {} }, "Conditions"],
])("the linter finds %s", async (_defect, change, found) => {
  const elements = Object.entries({ ...SOUND, Condition: {}, ...change });
  const statement = Object.fromEntries(elements.filter(([, value]) => value !== undefined));
  const problems = await lintPolicy(policyOf(statement as unknown as PolicyStatement));
  expect(problems).toEqual([expect.stringContaining(found)]);
});

test("the linter finds a Sid that is given twice", async () => {
  const problems = await lintPolicy(policyOf(SOUND, { ...SOUND, Effect: "Deny" }));
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.every((problem) => /Sid/.test(problem))).toBe(true);
});

describe.each(
  ALL_ACCOUNTS.map(
    ([directory, workspace]) => [workspace, synthAccount(directory, workspace)] as const,
  ),
)("policies of account %s", (_workspace, synthesized) => {
  const policies: readonly { name: string; policy: PolicyDocument; kind?: PolicyKind }[] = [
    ...keyPolicies(synthesized).map(({ key, region, policy }) => ({
      name: `key ${key.name} in ${region}`,
      policy,
    })),
    ...busPolicies(synthesized).flatMap(({ bus, region, policy, queuePolicy }) => [
      ...(policy === undefined ? [] : [{ name: `bus ${bus.name} in ${region}`, policy }]),
      { name: `queue of bus ${bus.name} in ${region}`, policy: queuePolicy },
    ]),
    ...watchingPolicies(synthesized).map(({ kind, name, region, policy }) => ({
      name: `${kind} ${name} in ${region}`,
      policy,
      kind: KINDS[kind] ?? "resource",
    })),
  ];

  test.each(policies)("$name", async ({ policy, kind }) => {
    expect(await lintPolicy(policy, kind)).toEqual([]);
  });
});
