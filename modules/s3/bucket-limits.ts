import type { PolicyLimit } from "../iam/policy";

/** Largest bucket policy. */
export const BUCKET_POLICY_LIMIT: PolicyLimit = {
  maxBytes: 20_480,
  kind: "the bucket policy",
  source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html",
};
