/** What policies let an AWS service do: what other services ask when they are told to use a role, a bucket or a key. */
import { existingThings } from "./existing";
import { IAM_ROLES, principalChecks } from "./iam";
import { type PolicyStatement, parsePolicy } from "./policy";
import type { SimulatedAws } from "./simulated-aws";

/** What a service wants to do, and for which of its resources. */
export interface ServiceRequest {
  /** Service principal. */
  readonly principal: string;
  /** Such as `s3:PutObject`. */
  readonly action: string;
  /** ARN on which it acts. @default - a trust policy, which has no resources */
  readonly resource?: string;
  /** ARN of the resource for which the service acts: `aws:SourceArn`. */
  readonly sourceArn: string;
  /** Account of that resource: `aws:SourceAccount`. */
  readonly sourceAccount: string;
}

/**
 * Whether a policy names a service for an action. Of its conditions only those about the source are
 * looked at, and no denials: what else a request carries is not known before it is made.
 */
export function letsService(aws: SimulatedAws, policy: string, request: ServiceRequest): boolean {
  return parsePolicy(policy, ANY_POLICY, principalChecks(aws)).some(
    (statement) =>
      statement.Effect === "Allow" &&
      namesService(statement, request.principal) &&
      [statement.Action ?? []].flat().some((action) => covers(action, request.action, "i")) &&
      (request.resource === undefined ||
        [statement.Resource ?? []].flat().some((arn) => covers(arn, request.resource ?? ""))) &&
      isAboutSource(statement, request),
  );
}

/**
 * Whether a service may take a role. Nothing is known of roles that were there before Terraform:
 * they are taken to be made for it.
 */
export function letsAssume(
  aws: SimulatedAws,
  roleArn: string,
  source: Pick<ServiceRequest, "principal" | "sourceArn" | "sourceAccount">,
): boolean {
  const role = aws.store.list(IAM_ROLES, undefined).find(([, { arn }]) => arn === roleArn)?.[1];
  return role === undefined
    ? existingThings(aws.store).principals.includes(roleArn)
    : letsService(aws, role.trustPolicy, { ...source, action: "sts:AssumeRole" });
}

/** The policy has been accepted already: nothing is asked of it any more. */
const ANY_POLICY = {
  malformed: "",
  tooLarge: "",
  maxBytes: Number.POSITIVE_INFINITY,
  needs: [],
} as const;

function namesService({ Principal }: PolicyStatement, principal: string): boolean {
  return (
    typeof Principal === "object" && [Principal.Service ?? []].flat().some((it) => it === principal)
  );
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html */
function isAboutSource(
  { Condition = {} }: PolicyStatement,
  { sourceArn, sourceAccount }: ServiceRequest,
): boolean {
  const known: Readonly<Record<string, string | undefined>> = {
    "aws:sourcearn": sourceArn,
    "aws:sourceaccount": sourceAccount,
  };
  return Object.entries(Condition)
    .filter(([operator]) => POSITIVE_OPERATOR.test(operator))
    .every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => {
        const actual = known[key.toLowerCase()];
        return (
          actual === undefined ||
          [values]
            .flat()
            .some((value) =>
              operator.startsWith("StringEquals")
                ? value === actual
                : covers(String(value), actual),
            )
        );
      }),
    );
}

const POSITIVE_OPERATOR = /^(?:StringEquals|StringLike|ArnEquals|ArnLike)(?:IfExists)?$/;

/** Whether a pattern with `*` and `?` describes a text. */
function covers(pattern: string, text: string, flags = ""): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${expression}$`, flags).test(text);
}
