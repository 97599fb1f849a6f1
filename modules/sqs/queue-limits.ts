import type { PolicyLimit } from "../iam/policy";

/** Largest queue policy. */
export const QUEUE_POLICY_LIMIT: PolicyLimit = {
  maxBytes: 8192,
  kind: "the queue policy",
  source:
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html",
};
