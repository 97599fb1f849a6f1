/**
 * Permissions boundaries: the most that a role can ever do, whoever widens its policies.
 *
 * They hold the same actions as the policies, under fewer conditions, and what key policies grant:
 * where a key policy admits a role by a condition on its ARN, as Keyspan's do, no page says whether
 * the role's boundary counts too.
 *
 * What they cannot do: the roles that the deploy role makes for EventBridge, Step Functions and
 * Scheduler are bound by their names alone. IAM can ask that a new role carries a boundary
 * (`iam:PermissionsBoundary`), but then every role of the stacks would have to name one, which they do
 * not: the provider takes away a boundary that is not in the configuration, and the deploy role has no
 * right to do that. So whoever has the deploy role can give those ten roles any policy and any trust.
 * A service control policy of the organisation is what binds them.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
 */

import { ValidationError } from "../../modules/errors";
import type { IdentityStatement } from "../../modules/iam/policy";
import { arn, viaService } from "../../modules/partition";
import type { AccountScope } from "./account-scope";
import {
  MAX_MANAGED_POLICY_CHARACTERS,
  type PolicyDocument,
  policyCharacters,
  policyDocument,
} from "./policy-document";
import { type AccountRoleKind, inRegions, permissionsOf, statementsOf } from "./role-policies";
import type { Permission } from "./type-permissions";

/** Services whose things are in no region, or are bound by their names here too. */
const BY_NAME = /^(account|iam|s3|ssm):/;

/** Actions that use a key, which the roles may do through EventBridge alone. */
const USES_KEY = /^kms:(Decrypt|Encrypt|GenerateDataKey|ReEncrypt)/;

/**
 * The permissions boundary of a role of the account: one managed policy.
 *
 * @throws {ValidationError} if it is larger than IAM accepts
 */
export function boundaryOf(scope: AccountScope, role: AccountRoleKind): PolicyDocument {
  const { account, regions } = scope;
  const permissions = permissionsOf(scope, role);
  const actions = [...new Set(permissions.flatMap((permission) => permission.actions))].sort();
  const boundary = policyDocument([
    {
      Sid: "InRegions",
      Effect: "Allow",
      Action: shortened(actions.filter((name) => !BY_NAME.test(name) && !USES_KEY.test(name))),
      Resource: "*",
      Condition: inRegions(regions),
    },
    {
      Sid: "KeysThroughEventBridge",
      Effect: "Allow",
      Action: role === "plan" ? "kms:Decrypt" : actions.filter((name) => USES_KEY.test(name)),
      Resource: arn({
        partition: account.partition,
        service: "kms",
        region: "*",
        account: account.id,
        resource: "key/*",
      }),
      Condition: { StringLike: { "kms:ViaService": viaService("events", "*") } },
    },
    ...byName(scope, permissions),
  ]);
  const characters = policyCharacters(boundary);
  if (characters > MAX_MANAGED_POLICY_CHARACTERS) {
    throw new ValidationError(
      `${account.workspace}: the permissions boundary of the role for ${role} must have at most ${MAX_MANAGED_POLICY_CHARACTERS} characters (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html), got ${characters}; name fewer roles and SSM parameters in the account's file`,
    );
  }
  return boundary;
}

/** What is bound by name in the policies is so in the boundary. */
function byName(
  scope: AccountScope,
  permissions: readonly Permission[],
): readonly IdentityStatement[] {
  return statementsOf(
    scope,
    permissions
      .map((permission) => ({
        ...permission,
        actions: permission.actions.filter((name) => BY_NAME.test(name)),
      }))
      .filter(({ actions }) => actions.length > 0),
  ).map((statement) => ({ ...statement, Action: shortened([statement.Action].flat()) }));
}

/**
 * Patterns for actions that only read what things are called and how they are set, and for settings of
 * buckets. None of them reads or writes what queues, topics, log groups or buckets hold.
 */
const PATTERNS: readonly (readonly [action: RegExp, pattern: string])[] = [
  [/^s3:\w*Bucket\w*$/, "s3:*Bucket*"],
  [/^s3:\w+Configuration$/, "s3:*Configuration"],
  [/^([a-z]+):(Describe|List)\w+$/, "$1:$2*"],
];

function shortened(actions: readonly string[]): readonly string[] {
  const short = actions.map((name) => {
    const [action, pattern] = PATTERNS.find(([form]) => form.test(name)) ?? [];
    return action === undefined || pattern === undefined ? name : name.replace(action, pattern);
  });
  return [...new Set(short)].sort();
}
