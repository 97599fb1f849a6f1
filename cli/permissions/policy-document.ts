import { ValidationError } from "../../modules/errors";
import type { IdentityStatement } from "../../modules/iam/policy";

/** A policy of a role, as IAM takes it. */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly IdentityStatement[];
}

/**
 * Most characters of a managed policy, white space not counted. It cannot be raised.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
 */
export const MAX_MANAGED_POLICY_CHARACTERS = 6144;

/**
 * Managed policies that can be attached to a role, unless AWS was asked for more (up to 25).
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entities
 */
export const MAX_ATTACHED_POLICIES = 10;

/** A policy of these statements. */
export function policyDocument(statements: readonly IdentityStatement[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements };
}

/** Size of a policy as IAM counts it: neither names nor ARNs hold white space. */
export function policyCharacters(policy: PolicyDocument): number {
  return JSON.stringify(policy).length;
}

/**
 * As few policies as hold the statements in their order, each within IAM's limit.
 *
 * A statement that is too large alone is cut into several, each with a part of the resources.
 *
 * @param where - whose policies they are, as a message names it
 * @throws {ValidationError} if they are more than can be attached to a role
 */
export function splitPolicies(
  statements: readonly IdentityStatement[],
  where: string,
): readonly PolicyDocument[] {
  const policies: IdentityStatement[][] = [];
  for (const statement of statements.flatMap(cut)) {
    const last = policies.at(-1);
    if (last !== undefined && fits([...last, statement])) {
      last.push(statement);
    } else {
      policies.push([statement]);
    }
  }
  if (policies.length > MAX_ATTACHED_POLICIES) {
    throw new ValidationError(
      `${where}: the policies must be at most ${MAX_ATTACHED_POLICIES}, as many as can be attached to a role (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html), got ${policies.length}; give the account fewer buses and archives`,
    );
  }
  return policies.map(policyDocument);
}

function fits(statements: readonly IdentityStatement[]): boolean {
  return policyCharacters(policyDocument(statements)) <= MAX_MANAGED_POLICY_CHARACTERS;
}

function cut(statement: IdentityStatement): readonly IdentityStatement[] {
  if (fits([statement])) {
    return [statement];
  }
  const parts: string[][] = [[]];
  for (const resource of [statement.Resource].flat()) {
    const last = parts.at(-1) ?? [];
    if (last.length === 0 || fits([part(statement, parts.length, [...last, resource])])) {
      last.push(resource);
    } else {
      parts.push([resource]);
    }
  }
  return parts.map((resources, index) => part(statement, index + 1, resources));
}

function part(
  statement: IdentityStatement,
  number: number,
  resources: readonly string[],
): IdentityStatement {
  return { ...statement, Sid: `${statement.Sid}${number}`, Resource: resources };
}
