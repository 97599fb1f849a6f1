/** Decides requests against bucket policies, whose resources name neither region nor account. */
import {
  createValidatedPolicy,
  type ValidatedPolicy,
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
  /** Policy of the principal in its own account. @default - none */
  readonly identityPolicy?: PolicyDocument;
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
  { principal, action, resource, context = {}, fullAdmin = false, identityPolicy }: BucketRequest,
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
      identityPolicies: [...(fullAdmin ? [FULL_ADMIN] : []), identityPolicy ?? []]
        .flat()
        .map((identity, index) => ({
          name: `identity ${index}`,
          policy: validated(identity, validateIdentityPolicy),
        })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: validated(policy, validateResourcePolicy),
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

const validatedPolicies = new WeakMap<PolicyDocument, ValidatedPolicy>();

/** Validates a policy once, however many requests it decides. */
function validated(
  policy: PolicyDocument,
  validate: Parameters<typeof createValidatedPolicy>[1],
): ValidatedPolicy {
  const known = validatedPolicies.get(policy) ?? createValidatedPolicy(policy, validate);
  validatedPolicies.set(policy, known);
  return known;
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
