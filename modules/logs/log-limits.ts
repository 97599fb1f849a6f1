import type { PolicyLimit } from "../iam/policy";

/** Largest resource policy of CloudWatch Logs. */
export const LOG_POLICY_LIMIT: PolicyLimit = {
  maxBytes: 5120,
  kind: "the log resource policy",
  source:
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html",
};
