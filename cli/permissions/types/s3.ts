import { PROVIDER_SOURCES, type TypePermissions } from "../type-permissions";

/** Page that says which action each call of S3 needs; removing a setting often needs that of putting it. */
const S3_ACTIONS =
  "https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html";

/** What the provider asks for something that is set on a bucket. */
function setting(name: string, read: string, write: readonly string[]): TypePermissions {
  return {
    type: `aws_s3_bucket_${name}`,
    sources: [`${PROVIDER_SOURCES}/s3/bucket_${name}.go`, S3_ACTIONS],
    plan: [{ actions: [read], on: "buckets" }],
    apply: [{ actions: write, on: "buckets" }],
  };
}

/** What is done with S3: the trail's buckets. */
export const S3_PERMISSIONS: readonly TypePermissions[] = [
  {
    // Tags are read and written by both of S3's ways: the provider falls back from one to the other.
    type: "aws_s3_bucket",
    sources: [
      `${PROVIDER_SOURCES}/s3/bucket.go`,
      "https://github.com/hashicorp/terraform-provider-aws/pull/45251",
      S3_ACTIONS,
    ],
    plan: [
      {
        actions: [
          "s3:GetAccelerateConfiguration",
          "s3:GetBucketAcl",
          "s3:GetBucketCORS",
          "s3:GetBucketLogging",
          "s3:GetBucketObjectLockConfiguration",
          "s3:GetBucketPolicy",
          "s3:GetBucketRequestPayment",
          "s3:GetBucketTagging",
          "s3:GetBucketVersioning",
          "s3:GetBucketWebsite",
          "s3:GetEncryptionConfiguration",
          "s3:GetLifecycleConfiguration",
          "s3:GetReplicationConfiguration",
          "s3:ListBucket",
          "s3:ListTagsForResource",
        ],
        on: "buckets",
      },
    ],
    apply: [
      {
        actions: [
          "s3:CreateBucket",
          "s3:DeleteBucket",
          "s3:PutBucketTagging",
          "s3:TagResource",
          "s3:UntagResource",
        ],
        on: "buckets",
      },
      { actions: ["s3:ListBucketVersions"], on: "buckets", unprotectedOnly: true },
      {
        actions: ["s3:DeleteObject", "s3:DeleteObjectVersion"],
        on: "bucket-objects",
        unprotectedOnly: true,
      },
    ],
  },
  setting("lifecycle_configuration", "s3:GetLifecycleConfiguration", [
    "s3:PutLifecycleConfiguration",
  ]),
  setting("logging", "s3:GetBucketLogging", ["s3:PutBucketLogging"]),
  setting("ownership_controls", "s3:GetBucketOwnershipControls", ["s3:PutBucketOwnershipControls"]),
  setting("policy", "s3:GetBucketPolicy", ["s3:DeleteBucketPolicy", "s3:PutBucketPolicy"]),
  setting("public_access_block", "s3:GetBucketPublicAccessBlock", [
    "s3:PutBucketPublicAccessBlock",
  ]),
  setting("server_side_encryption_configuration", "s3:GetEncryptionConfiguration", [
    "s3:PutEncryptionConfiguration",
  ]),
  setting("versioning", "s3:GetBucketVersioning", ["s3:PutBucketVersioning"]),
];
