/** Decides requests against bucket policies, whose resources name neither region nor account. */
import {
  createValidatedPolicy,
  validateIdentityPolicy,
  validateResourcePolicy,
} from "@cloud-copilot/iam-policy";
import { anonymousPrincipal, runSimulation } from "@cloud-copilot/iam-simulate";
import {
  FULL_ADMIN,
  type PolicyDocument,
  type Principal,
  principalContext,
  type RequestContext,
} from "./iam";

/** A request about a bucket or an object. */
export interface BucketRequest {
  readonly principal: Principal;
  readonly action: string;
  /** ARN of the bucket or object, without wildcards. */
  readonly resource: string;
  /** Context beyond what follows from the principal. @default - a request over TLS, nothing else */
  readonly context?: RequestContext;
  /** Whether the principal's own account allows it everything. @default false */
  readonly fullAdmin?: boolean;
}

/**
 * Whether a request is allowed.
 *
 * @param account - id of the account that owns the bucket
 * @throws {Error} if the action never carries a given context key, or the policy is malformed
 */
export async function bucketAllows(
  policy: PolicyDocument,
  account: string,
  { principal, action, resource, context = {}, fullAdmin = false }: BucketRequest,
): Promise<boolean> {
  const outcome = await runSimulation(
    {
      request: {
        principal: enginePrincipal(principal),
        action,
        resource: { resource, accountId: account },
        contextVariables: {
          "aws:SecureTransport": "true",
          ...context,
          ...principalContext(principal),
        },
      },
      identityPolicies: fullAdmin
        ? [{ name: "admin", policy: createValidatedPolicy(FULL_ADMIN, validateIdentityPolicy) }]
        : [],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: createValidatedPolicy(policy, validateResourcePolicy),
    },
    {},
  );
  if (outcome.resultType !== "single") {
    throw new Error(`${action} on ${resource} has no single answer: ${JSON.stringify(outcome)}`);
  }
  const { ignoredContextKeys = [] } = outcome.result;
  if (ignoredContextKeys.length > 0) {
    throw new Error(`${action} never carries ${ignoredContextKeys.join(", ")}`);
  }
  return outcome.overallResult === "Allowed";
}

function enginePrincipal(principal: Principal) {
  switch (principal.kind) {
    case "service":
      return principal.name;
    case "anonymous":
      return anonymousPrincipal;
    default:
      return principal.arn;
  }
}
