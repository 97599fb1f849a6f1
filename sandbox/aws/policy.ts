/** What AWS checks of a resource policy when it is written: not what it means, but that it can mean something. */
import * as z from "zod";
import { accountRootArn, parseArn } from "../../modules/partition";
import { AwsError } from "./aws-error";
import { type PrincipalChecks, principalProblem } from "./principals";

const oneOrMore = z.union([z.string(), z.array(z.string()).min(1)]);

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
const principalSchema = z.union([
  z.literal("*"),
  z
    .partialRecord(z.enum(["AWS", "Service", "Federated", "CanonicalUser"]), oneOrMore)
    .refine((principals) => Object.keys(principals).length > 0, {
      message: "must name a principal",
    }),
]);

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
const OPERATORS: readonly string[] = [
  ...["Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"].map(
    (comparison) => `String${comparison}`,
  ),
  ...["Numeric", "Date"].flatMap((type) =>
    ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"].map(
      (comparison) => `${type}${comparison}`,
    ),
  ),
  ...["Equals", "NotEquals", "Like", "NotLike"].map((comparison) => `Arn${comparison}`),
  "BinaryEquals",
  "Bool",
  "IpAddress",
  "NotIpAddress",
];

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html */
const OPERATOR = new RegExp(
  `^((ForAllValues:|ForAnyValue:)?(${OPERATORS.join("|")})(IfExists)?|Null)$`,
);

const conditionSchema = z
  .record(z.string(), z.record(z.string(), z.union([oneOrMore, z.boolean(), z.number()])))
  .superRefine((condition, { addIssue }) => {
    for (const operator of Object.keys(condition).filter((name) => !OPERATOR.test(name))) {
      addIssue(`there is no condition operator ${operator}`);
    }
  });

const statementSchema = z
  .strictObject({
    Sid: z.string().optional(),
    Effect: z.enum(["Allow", "Deny"]),
    Principal: principalSchema.optional(),
    NotPrincipal: principalSchema.optional(),
    Action: oneOrMore.optional(),
    NotAction: oneOrMore.optional(),
    Resource: oneOrMore.optional(),
    NotResource: oneOrMore.optional(),
    Condition: conditionSchema.optional(),
  })
  .refine(({ Action, NotAction }) => (Action === undefined) !== (NotAction === undefined), {
    message: "a statement must have Action or NotAction",
  })
  .refine(({ Principal, NotPrincipal }) => Principal === undefined || NotPrincipal === undefined, {
    message: "a statement must not have both Principal and NotPrincipal",
  })
  .refine(({ Resource, NotResource }) => Resource === undefined || NotResource === undefined, {
    message: "a statement must not have both Resource and NotResource",
  });

const policySchema = z.strictObject({
  Version: z.enum(["2008-10-17", "2012-10-17"]).optional(),
  Id: z.string().optional(),
  // One statement may stand without a list.
  Statement: z.preprocess(
    (given) => (typeof given === "object" && !Array.isArray(given) ? [given] : given),
    z.array(statementSchema).min(1),
  ),
});

/** One statement of a policy. */
export type PolicyStatement = z.output<typeof statementSchema>;

/** What a service asks of a policy. */
export interface PolicyRules {
  /** Error code of a policy that is no policy. */
  readonly malformed: string;
  /** Error code of a policy that is too large. */
  readonly tooLarge: string;
  readonly maxBytes: number;
  /**
   * Whether statements name principals, and resources: trust policies have no resources. Only where
   * principals are needed is it asked whether they exist.
   */
  readonly needs: readonly ("principal" | "resource")[];
}

/**
 * The statements of a policy, if AWS would take it.
 *
 * Of the messages, that a policy is no JSON, and the beginnings before a colon, are AWS's. The rest
 * is the sandbox's own wording: AWS documents the codes only, and says less.
 *
 * @throws {AwsError} if the text is no policy, is too large, or names a principal that does not exist
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
export function parsePolicy(
  text: string,
  rules: PolicyRules,
  principals: PrincipalChecks,
): readonly PolicyStatement[] {
  const bytes = Buffer.byteLength(text);
  if (bytes > rules.maxBytes) {
    throw new AwsError(
      rules.tooLarge,
      `The policy must be at most ${rules.maxBytes} bytes, got ${bytes}`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new AwsError(rules.malformed, "This policy contains invalid Json");
  }
  const { data, error } = policySchema.safeParse(json);
  if (data === undefined) {
    const [issue] = error.issues;
    throw new AwsError(
      rules.malformed,
      `Syntax errors in policy: ${issue?.path.join(".") || "the policy"}: ${issue?.message}`,
    );
  }
  for (const statement of data.Statement) {
    const missing = missingElement(statement, rules);
    if (missing !== undefined) {
      throw new AwsError(
        rules.malformed,
        `Statement ${statement.Sid ?? "without Sid"} must have a ${missing}`,
      );
    }
    for (const [type, name] of rules.needs.includes("principal") ? principalsOf(statement) : []) {
      const problem = principalProblem(type, name, principals);
      if (problem !== undefined) {
        throw new AwsError(
          rules.malformed,
          `Policy contains a statement with one or more invalid principals: ${problem}`,
        );
      }
    }
  }
  return data.Statement;
}

function missingElement(
  { Principal, NotPrincipal, Resource, NotResource }: PolicyStatement,
  { needs }: PolicyRules,
): string | undefined {
  return needs.find((element) =>
    element === "principal"
      ? Principal === undefined && NotPrincipal === undefined
      : Resource === undefined && NotResource === undefined,
  );
}

function principalsOf({
  Principal = {},
  NotPrincipal = {},
}: PolicyStatement): readonly (readonly [type: string, name: string])[] {
  return [Principal, NotPrincipal].flatMap((principal) =>
    principal === "*"
      ? []
      : Object.entries(principal).flatMap(([type, names]) =>
          [names].flat().flatMap((name) => (name === undefined ? [] : [[type, name] as const])),
        ),
  );
}

/**
 * Whether a key policy lets a role put the next one: the safety check of KMS.
 *
 * No source says whether KMS counts a grant with a condition. Here it does not: a policy that passes
 * does so either way. A denial counts if it hits the role whatever the request: also one whose
 * conditions are about the role alone.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
 */
export function letsPutPolicy(statements: readonly PolicyStatement[], roleArn: string): boolean {
  const isAbout = ({ Action, NotAction, Principal, NotPrincipal }: PolicyStatement): boolean =>
    (NotAction === undefined
      ? [Action ?? []].flat().some(coversPutKeyPolicy)
      : ![NotAction].flat().some(coversPutKeyPolicy)) &&
    (NotPrincipal === undefined
      ? namesRole(Principal, roleArn)
      : !namesRole(NotPrincipal, roleArn));
  return (
    statements.some(
      (statement) =>
        statement.Effect === "Allow" && statement.Condition === undefined && isAbout(statement),
    ) &&
    !statements.some(
      (statement) =>
        statement.Effect === "Deny" && isAbout(statement) && alwaysHolds(statement, roleArn),
    )
  );
}

/** Operators that compare texts, with whether they want a difference and whether they know wildcards. */
const TEXT_OPERATOR = /^(?:String|Arn)(Not)?(Equals|Like)(?:IfExists)?$/;

/** Whether the conditions of a statement hold for every request of a role. */
function alwaysHolds({ Condition = {} }: PolicyStatement, roleArn: string): boolean {
  const known: Readonly<Record<string, string | undefined>> = {
    "aws:principalarn": roleArn,
    "aws:principalaccount": parseArn(roleArn)?.account,
  };
  return Object.entries(Condition).every(([operator, keys]) => {
    const [isText, not, comparison] = TEXT_OPERATOR.exec(operator) ?? [];
    return Object.entries(keys).every(([key, values]) => {
      const actual = known[key.toLowerCase()];
      if (isText === undefined || actual === undefined) {
        return false;
      }
      // Comparing ARNs, equality knows wildcards too.
      const hasWildcards = comparison === "Like" || operator.startsWith("Arn");
      const matches = [values]
        .flat()
        .some((value) =>
          hasWildcards ? matchesPattern(String(value), actual) : String(value) === actual,
        );
      return matches !== (not !== undefined);
    });
  });
}

function coversPutKeyPolicy(pattern: string): boolean {
  return matchesPattern(pattern.toLowerCase(), "kms:putkeypolicy");
}

/** Whether a text is what a pattern with `*` and `?` describes. */
function matchesPattern(pattern: string, text: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${expression}$`).test(text);
}

function namesRole(principal: PolicyStatement["Principal"], roleArn: string): boolean {
  if (principal === undefined || principal === "*") {
    return principal === "*";
  }
  const role = parseArn(roleArn);
  // An account as principal hands the decision to IAM, where the sandbox refuses nothing.
  const admitting = role === undefined ? [] : [roleArn, "*", role.account, accountRootArn(role)];
  return [principal.AWS ?? []].flat().some((name) => admitting.includes(name));
}
