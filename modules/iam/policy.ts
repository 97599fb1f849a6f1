import { ValidationError } from "../errors";

/** Conditions of a statement: operator, then condition key, then accepted values. */
export type Conditions = Readonly<
  Record<string, Readonly<Record<string, string | readonly string[]>>>
>;

/**
 * One statement of a resource policy, spelled as AWS spells it.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
 */
export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal:
    | "*"
    | { readonly AWS: string | readonly string[] }
    | { readonly Service: string | readonly string[] };
  readonly Action: string | readonly string[];
  readonly Resource: string;
  readonly Condition?: Conditions;
}

/** One statement of a role's own policy: it is about the role, so it names no principal. */
export interface IdentityStatement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Conditions;
}

/** How large a policy may get, and who says so. */
export interface PolicyLimit {
  readonly maxBytes: number;
  /** What the policy belongs to, as a message names it. */
  readonly kind: string;
  readonly source: string;
}

/**
 * JSON text of a resource policy.
 *
 * @param where - what the policy is for, as a message names it
 * @throws {ValidationError} if the text is larger than `limit` or two statements share a Sid
 */
export function renderPolicy(
  statements: readonly Statement[],
  limit: PolicyLimit,
  where: string,
): string {
  const sids = statements.map(({ Sid }) => Sid);
  const repeated = sids.find((sid, index) => sids.indexOf(sid) !== index);
  if (repeated !== undefined) {
    throw new Error(`${where}: two statements are called ${repeated}`);
  }
  const text = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  const bytes = Buffer.byteLength(text);
  if (bytes > limit.maxBytes) {
    throw new ValidationError(
      `${where}: ${limit.kind} must be at most ${limit.maxBytes} bytes (${limit.source}), got ${bytes}; name fewer roles, buses or regions in it, or split it over several keys or buses`,
    );
  }
  return text;
}

/**
 * Principal and condition that admit exactly these roles.
 *
 * A role named in `Principal` must exist when the policy is written, and turns into an unusable id
 * when it is deleted; a condition on its ARN has neither problem. The price: a role that is deleted
 * and made again under the same name has its access back.
 *
 * @param roleArns - at least one full role ARN, without wildcards
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
 */
export function exactRoles(roleArns: readonly string[]): {
  readonly Principal: { readonly AWS: "*" };
  readonly Condition: Conditions;
} {
  if (roleArns.length === 0) {
    throw new Error("exactRoles needs a role: an empty list would make a statement for nobody");
  }
  const accounts = [...new Set(roleArns.map((roleArn) => roleArn.split(":")[4] ?? ""))].sort();
  return {
    Principal: { AWS: "*" },
    Condition: {
      ArnEquals: { "aws:PrincipalArn": [...new Set(roleArns)].sort() },
      StringEquals: { "aws:PrincipalAccount": accounts },
    },
  };
}

/** One set of conditions out of several; all must hold. */
export function allOf(...conditions: readonly Conditions[]): Conditions {
  const merged: Record<string, Record<string, string | readonly string[]>> = {};
  for (const condition of conditions) {
    for (const [operator, keys] of Object.entries(condition)) {
      const known = merged[operator] ?? {};
      for (const [key, value] of Object.entries(keys)) {
        if (key in known) {
          throw new Error(`${operator} ${key} stands twice: the second would replace the first`);
        }
        known[key] = value;
      }
      merged[operator] = known;
    }
  }
  return merged;
}
