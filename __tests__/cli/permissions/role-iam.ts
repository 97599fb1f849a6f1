/** Decides requests of a role against its policies, those on buckets too, whose ARNs name no account. */
import { createValidatedPolicy, validateIdentityPolicy } from "@cloud-copilot/iam-policy";
import { runSimulation } from "@cloud-copilot/iam-simulate";
import {
  accountOf,
  decide,
  type PolicyDocument,
  principalContext,
  type Request,
} from "../../helpers/iam";

/** Whether the policies, and the policy of the resource if it has one, allow the request. */
export async function roleMay(
  request: Omit<Request, "identityPolicies">,
  policies: readonly PolicyDocument[],
): Promise<boolean> {
  if (!/^arn:[a-z-]+:s3:::/.test(request.resource)) {
    return (await decide({ ...request, identityPolicies: policies })).allowed;
  }
  const { principal, action, resource, context = {} } = request;
  const account = accountOf(principal);
  if (principal.kind !== "role" || account === undefined) {
    throw new Error(`only roles are decided on here, got ${JSON.stringify(principal)}`);
  }
  const outcome = await runSimulation(
    {
      request: {
        principal: principal.arn,
        action,
        resource: { resource, accountId: account },
        contextVariables: {
          "aws:SecureTransport": "true",
          ...context,
          ...principalContext(principal),
        },
      },
      identityPolicies: policies.map((policy, index) => ({
        name: `identity ${index}`,
        policy: validated(policy),
      })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
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

const known = new WeakMap<PolicyDocument, ReturnType<typeof createValidatedPolicy>>();

function validated(policy: PolicyDocument) {
  const policyOnce = known.get(policy) ?? createValidatedPolicy(policy, validateIdentityPolicy);
  known.set(policy, policyOnce);
  return policyOnce;
}
