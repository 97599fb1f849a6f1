import type { PolicyLimit } from "../iam/policy";

/** Largest policy of a topic. */
export const TOPIC_POLICY_LIMIT: PolicyLimit = {
  maxBytes: 30_720,
  kind: "the topic policy",
  source: "https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html",
};
