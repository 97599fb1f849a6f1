/** Which key policies lock their caller out, statement by statement. */
import { letsPutPolicy, type PolicyStatement } from "../../../sandbox/aws/policy";

const ROLE = "arn:aws:iam::111122223333:role/ci/keyspan-deploy";
const OTHER = "arn:aws:iam::111122223333:role/Other";
const GRANT: PolicyStatement = {
  Effect: "Allow",
  Principal: { AWS: ROLE },
  Action: "kms:PutKeyPolicy",
  Resource: "*",
};
const DENIAL: PolicyStatement = { ...GRANT, Effect: "Deny", Principal: "*" };

test.each<[string, Partial<PolicyStatement>, boolean]>([
  ["the role by its ARN", {}, true],
  ["everybody", { Principal: "*" }, true],
  ["everybody, written long", { Principal: { AWS: ["*"] } }, true],
  ["its account", { Principal: { AWS: "111122223333" } }, true],
  ["its account's root", { Principal: { AWS: "arn:aws:iam::111122223333:root" } }, true],
  ["all but another", { Principal: undefined, NotPrincipal: { AWS: OTHER } }, true],
  ["all but itself", { Principal: undefined, NotPrincipal: { AWS: ROLE } }, false],
  ["another role", { Principal: { AWS: OTHER } }, false],
  ["another account's root", { Principal: { AWS: "arn:aws:iam::999988887777:root" } }, false],
  ["a service", { Principal: { Service: "events.amazonaws.com" } }, false],
  ["a pattern of actions", { Action: ["kms:Get*", "KMS:put*policy"] }, true],
  ["another action", { Action: "kms:GetKeyPolicy" }, false],
  ["all actions but others", { Action: undefined, NotAction: "kms:Decrypt" }, true],
  ["all actions but this", { Action: undefined, NotAction: ["kms:Put*"] }, false],
  ["a condition", { Condition: { ArnEquals: { "aws:PrincipalArn": ROLE } } }, false],
])("a grant to or of %s", (_name, changes, lets) => {
  expect(letsPutPolicy([{ ...GRANT, ...changes }], ROLE)).toBe(lets);
});

test.each<[string, Partial<PolicyStatement>, boolean]>([
  ["everybody", {}, false],
  ["its account", { Principal: { AWS: "111122223333" } }, false],
  ["another role", { Principal: { AWS: OTHER } }, true],
  ["all but another", { Principal: undefined, NotPrincipal: { AWS: OTHER } }, false],
  ["all but itself", { Principal: undefined, NotPrincipal: { AWS: [OTHER, ROLE] } }, true],
  ["another action", { Action: "kms:ScheduleKeyDeletion" }, true],
  [
    "its like",
    { Condition: { ArnEquals: { "aws:PrincipalArn": "arn:aws:iam::*:role/ci/*" } } },
    false,
  ],
  [
    "requests from elsewhere",
    { Condition: { StringNotEquals: { "aws:SourceVpce": "vpce-0a" } } },
    true,
  ],
  ["other roles", { Condition: { ArnNotEquals: { "aws:PrincipalArn": [OTHER, ROLE] } } }, true],
  ["all but another role", { Condition: { ArnNotEquals: { "aws:PrincipalArn": OTHER } } }, false],
  [
    "roles like it",
    { Condition: { ArnLike: { "aws:principalarn": "arn:aws:iam::*:role/ci/*" } } },
    false,
  ],
  [
    "roles unlike it",
    { Condition: { StringNotLike: { "aws:PrincipalArn": "*:role/ci/*" } } },
    true,
  ],
  [
    "a pattern that is none",
    { Condition: { StringEquals: { "aws:PrincipalArn": "arn:*" } } },
    true,
  ],
  [
    "other accounts",
    { Condition: { StringNotEqualsIfExists: { "aws:PrincipalAccount": "111122223333" } } },
    true,
  ],
  [
    "its account, from elsewhere",
    {
      Condition: {
        StringEquals: { "aws:PrincipalAccount": "111122223333" },
        NotIpAddress: { "aws:SourceIp": "203.0.113.0/24" },
      },
    },
    true,
  ],
  [
    "requests that bypass the check",
    { Condition: { Bool: { "kms:BypassPolicyLockoutSafetyCheck": "true" } } },
    true,
  ],
])("a denial of %s beside the grant", (_name, changes, lets) => {
  expect(letsPutPolicy([GRANT, { ...DENIAL, ...changes }], ROLE)).toBe(lets);
});
