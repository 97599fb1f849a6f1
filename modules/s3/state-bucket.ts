import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket";
import { S3BucketLifecycleConfiguration } from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration";
import { S3BucketOwnershipControls } from "@cdktf/provider-aws/lib/s3-bucket-ownership-controls";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration";
import { S3BucketVersioningA } from "@cdktf/provider-aws/lib/s3-bucket-versioning";
import { Construct } from "constructs";
import { renderPolicy, type Statement } from "../iam/policy";
import { SAVED_PLANS_PREFIX } from "../iam/state-role-policy";
import { bucketArn, type Partition } from "../partition";
import type { ResourceAddress } from "../terraform/address";
import { BUCKET_POLICY_LIMIT } from "./bucket-limits";

/** Days for which a state that was overwritten can be brought back. */
export const OLD_VERSION_DAYS = 90;

/** Versions of a state that are kept however old they are, besides the current one. S3 takes 1 to 100. */
export const OLD_VERSIONS_KEPT = 50;

/** Days after which a saved plan is deleted. */
export const SAVED_PLAN_DAYS = 7;

/** Days after which the parts of an upload that never ended are deleted. */
const INCOMPLETE_UPLOAD_DAYS = 7;

/** Tag of the roles that may touch states; its value is the name of the bucket. */
export const STATE_ROLE_TAG = "keyspan:state-bucket";

/** Props of a {@link StateBucket}. */
export interface StateBucketProps {
  /** Name of the bucket, unique in the partition. Changing this replaces the bucket. */
  readonly bucketName: string;
  readonly partition: Partition;
  /** Name of the bucket and of all that belongs to it in addresses. */
  readonly addressName: string;
}

/**
 * The bucket that holds Terraform's states and saved plans of many accounts.
 *
 * Versions are never deleted but by the lifecycle rules: {@link OLD_VERSION_DAYS} days after they
 * were overwritten, and only those beyond the newest {@link OLD_VERSIONS_KEPT}. Saved plans are gone
 * after {@link SAVED_PLAN_DAYS} days, and their old version a day later, the soonest that S3 takes.
 *
 * Encrypted with keys that S3 manages. Terraform asks for these in every request (`encrypt = true`
 * without `kms_key_id`), whatever the bucket's default is; and a state under a customer managed key
 * could not be read when that key is disabled, which is when it is needed to put a key right.
 *
 * @see https://github.com/hashicorp/terraform/blob/v1.11.4/internal/backend/remote-state/s3/client.go
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 */
export class StateBucket extends Construct {
  /** Where Terraform keeps the bucket. */
  readonly address: ResourceAddress;

  constructor(scope: Construct, id: string, props: StateBucketProps) {
    super(scope, id);
    const { addressName, bucketName, partition } = props;
    const resource = new S3Bucket(this, "Resource", {
      bucket: bucketName,
      forceDestroy: false,
      lifecycle: { preventDestroy: true },
    });
    resource.overrideLogicalId(addressName);
    const inBucket = { bucket: resource.bucket };

    const publicAccessBlock = new S3BucketPublicAccessBlock(this, "PublicAccessBlock", {
      ...inBucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    publicAccessBlock.overrideLogicalId(addressName);
    new S3BucketOwnershipControls(this, "OwnershipControls", {
      ...inBucket,
      rule: { objectOwnership: "BucketOwnerEnforced" },
    }).overrideLogicalId(addressName);
    const versioning = new S3BucketVersioningA(this, "Versioning", {
      ...inBucket,
      versioningConfiguration: { status: "Enabled" },
    });
    versioning.overrideLogicalId(addressName);
    new S3BucketServerSideEncryptionConfigurationA(this, "Encryption", {
      ...inBucket,
      rule: [
        {
          applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" },
          bucketKeyEnabled: false,
          blockedEncryptionTypes: ["SSE-C"],
        },
      ],
    }).overrideLogicalId(addressName);
    new S3BucketLifecycleConfiguration(this, "Lifecycle", {
      ...inBucket,
      rule: [
        {
          id: "old-versions",
          status: "Enabled",
          filter: [{}],
          // A lock that was given back leaves a marker behind when its versions are gone.
          expiration: [{ expiredObjectDeleteMarker: true }],
          noncurrentVersionExpiration: [
            { noncurrentDays: OLD_VERSION_DAYS, newerNoncurrentVersions: OLD_VERSIONS_KEPT },
          ],
          abortIncompleteMultipartUpload: [{ daysAfterInitiation: INCOMPLETE_UPLOAD_DAYS }],
        },
        {
          id: "saved-plans",
          status: "Enabled",
          filter: [{ prefix: SAVED_PLANS_PREFIX }],
          expiration: [{ days: SAVED_PLAN_DAYS }],
          noncurrentVersionExpiration: [{ noncurrentDays: 1 }],
        },
      ],
      dependsOn: [versioning],
    }).overrideLogicalId(addressName);
    new S3BucketPolicy(this, "Policy", {
      ...inBucket,
      policy: renderPolicy(
        denials(bucketArn({ partition }, bucketName), bucketName),
        BUCKET_POLICY_LIMIT,
        bucketName,
      ),
      dependsOn: [publicAccessBlock],
    }).overrideLogicalId(addressName);

    this.address = { type: S3Bucket.tfResourceType, name: addressName };
  }
}

/**
 * What nobody may do, whoever allows it. It allows nothing: what a role may is in its own policy, so
 * this text stays as long as it is, however many accounts there are.
 *
 * States and saved plans are for roles with the tag {@link STATE_ROLE_TAG} alone, administrators of
 * the bucket's account excluded: who needs a state by hand takes such a role, or changes this policy,
 * which CloudTrail records. Nobody can be locked out for good, since no statement denies the policy's
 * own change to anybody but the state roles. Keys without a slash are left to IAM: the state of the
 * bucket itself is one, which administrators apply.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principaltag
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
 */
function denials(bucket: string, bucketName: string): readonly Statement[] {
  const objects = `${bucket}/*`;
  const savedPlans = `${bucket}/${SAVED_PLANS_PREFIX}*`;
  const withoutTls = { Bool: { "aws:SecureTransport": "false" } };
  const deny = { Effect: "Deny", Principal: "*" } as const;
  const roleTag = `aws:PrincipalTag/${STATE_ROLE_TAG}`;
  return [
    {
      Sid: "DenyWithoutTls",
      ...deny,
      Action: "s3:*",
      Resource: bucket,
      Condition: withoutTls,
    },
    {
      Sid: "DenyObjectsWithoutTls",
      ...deny,
      Action: "s3:*",
      Resource: objects,
      Condition: withoutTls,
    },
    {
      Sid: "DenyStatesToOthers",
      ...deny,
      Action: "s3:*",
      Resource: `${bucket}/*/*`,
      Condition: { StringNotEquals: { [roleTag]: bucketName } },
    },
    {
      Sid: "DenyDeletingVersions",
      ...deny,
      Action: "s3:DeleteObjectVersion",
      Resource: objects,
    },
    {
      Sid: "DenyDeletingSavedPlans",
      ...deny,
      Action: "s3:DeleteObject",
      Resource: savedPlans,
    },
    {
      Sid: "DenyReplacingSavedPlans",
      ...deny,
      Action: "s3:PutObject",
      Resource: savedPlans,
      Condition: { Null: { "s3:if-none-match": "true" } },
    },
    {
      // With a key of another account, whoever writes could keep everybody else from reading.
      Sid: "DenyOtherEncryption",
      ...deny,
      Action: "s3:PutObject",
      Resource: objects,
      Condition: {
        Null: { "s3:x-amz-server-side-encryption": "false" },
        StringNotEquals: { "s3:x-amz-server-side-encryption": "AES256" },
      },
    },
    {
      Sid: "DenyStateRolesTheBucket",
      ...deny,
      Action: ["s3:Delete*", "s3:Put*"],
      Resource: bucket,
      Condition: { StringEquals: { [roleTag]: bucketName } },
    },
  ];
}
