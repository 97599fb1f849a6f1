import { allOf, type Conditions, type IdentityStatement } from "../../modules/iam/policy";
import { type AccountScope, isRegional, type Subject } from "./account-scope";
import { ALL_TYPES } from "./all-types";
import { OWN_CALLS } from "./own-calls";
import { type PolicyDocument, splitPolicies } from "./policy-document";
import type { Permission } from "./type-permissions";

/** A role of the account itself. */
export type AccountRoleKind = "plan" | "apply";

/** All that a role needs in an account: for what Terraform does, and for what Keyspan asks itself. */
export function permissionsOf(
  { account }: AccountScope,
  role: AccountRoleKind,
): readonly Permission[] {
  return [
    ...ALL_TYPES.flatMap(({ plan, apply }) => (role === "plan" ? plan : [...plan, ...apply])),
    ...Object.values(OWN_CALLS).flatMap(({ roles, permissions }) =>
      roles.includes(role) ? permissions : [],
    ),
  ].filter(({ unprotectedOnly = false }) => !unprotectedOnly || !account.protect);
}

/**
 * The policies of a role, each within IAM's limit, to be attached all.
 *
 * What key policies grant is not in them.
 *
 * @throws {ValidationError} if they are more than can be attached
 */
export function rolePolicies(
  scope: AccountScope,
  role: AccountRoleKind,
): readonly PolicyDocument[] {
  const granted = permissionsOf(scope, role).filter(
    ({ grantedBy = "identity" }) => grantedBy === "identity",
  );
  return splitPolicies(
    statementsOf(scope, granted),
    `${scope.account.workspace}: role for ${role}`,
  );
}

/**
 * Statements that grant permissions: one for all that is asked about the same things under the same
 * condition. What the account has not got is left out.
 */
export function statementsOf(
  scope: AccountScope,
  permissions: readonly Permission[],
): readonly IdentityStatement[] {
  const groups = new Map<string, { on: Subject; condition: Conditions; actions: Set<string> }>();
  for (const { actions, on, condition } of permissions) {
    const own = condition?.(scope) ?? {};
    const key = `${on} ${JSON.stringify(own)}`;
    const group = groups.get(key) ?? { on, condition: own, actions: new Set() };
    for (const action of actions) {
      group.actions.add(action);
    }
    groups.set(key, group);
  }
  return [...groups.values()].flatMap(({ on, condition, actions }): IdentityStatement[] => {
    const resources = scope.resources[on];
    if (resources.length === 0) {
      return [];
    }
    const sorted = [...actions].sort();
    const isConditional = Object.keys(condition).length > 0;
    const all = allOf(isRegional(on) ? inRegions(scope.regions) : {}, condition);
    return [
      {
        Sid: sidOf(on) + (isConditional ? (sorted[0]?.split(":")[1] ?? "") : ""),
        Effect: "Allow",
        Action: oneOrMany(sorted),
        Resource: oneOrMany(resources),
        ...(Object.keys(all).length > 0 && { Condition: all }),
      },
    ];
  });
}

/**
 * Only requests that go to one of these regions.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-requestedregion
 */
export function inRegions(regions: readonly string[]): Conditions {
  return { StringEquals: { "aws:RequestedRegion": oneOrMany(regions) } };
}

function sidOf(subject: Subject): string {
  return subject
    .split("-")
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join("");
}

function oneOrMany(texts: readonly string[]): string | readonly string[] {
  const [only] = texts;
  return texts.length === 1 && only !== undefined ? only : texts;
}
