import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket";
import { S3BucketLifecycleConfiguration } from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration";
import { S3BucketLoggingA } from "@cdktf/provider-aws/lib/s3-bucket-logging";
import { S3BucketOwnershipControls } from "@cdktf/provider-aws/lib/s3-bucket-ownership-controls";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration";
import { S3BucketVersioningA } from "@cdktf/provider-aws/lib/s3-bucket-versioning";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { showValue, ValidationError } from "../errors";
import { renderPolicy, type Statement } from "../iam/policy";
import type { KeyRef } from "../kms/key-ref";
import { BUCKET_NAME, nameProblem } from "../names";
import { type AwsLocation, bucketArn } from "../partition";
import type { ResourceAddress } from "../terraform/address";
import { BUCKET_POLICY_LIMIT } from "./bucket-limits";

/** Days in which what has expired or was overwritten can be brought back. */
const NONCURRENT_DAYS = 30;

/** Days after which the parts of an upload that never ended are deleted. */
const INCOMPLETE_UPLOAD_DAYS = 7;

/** Props of a {@link LogBucket}. */
export interface LogBucketProps {
  /** Name of the bucket, unique in the partition. Changing this replaces the bucket. */
  readonly bucketName: string;
  /** Name of the bucket and of all that belongs to it in addresses. */
  readonly addressName: string;
  /** Where the bucket is. */
  readonly at: AwsLocation;
  /**
   * Key of the same region that encrypts the logs.
   *
   * @default - keys that S3 owns, the only ones with which a bucket can take access logs
   */
  readonly key?: KeyRef;
  /** Days that a log is kept. Afterwards it can be brought back for another 30. */
  readonly retentionDays: number;
  /** What the bucket policy allows: the delivery of logs. */
  readonly statements: readonly Statement[];
  /**
   * Bucket that keeps who made which request to this one.
   *
   * @default - requests are not logged
   */
  readonly accessLogs?: LogBucket;
  /** Whether Terraform must refuse to destroy the bucket, and S3 to change or delete a log. */
  readonly protect: boolean;
}

/**
 * A private, versioned, encrypted bucket into which AWS services deliver logs.
 *
 * With `protect` nobody but services may write or delete objects, whatever IAM allows. To forge or
 * delete a log, one must first change the bucket policy or the lifecycle rule; IAM decides who may,
 * since the deploy role must, and the trail records that it was done. S3 deletes what has expired by
 * itself. Without `protect` a destroy deletes the logs with the bucket.
 *
 * TLS older than 1.2 is not denied: AWS endpoints do not speak it.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalisawsservice
 * @see https://aws.amazon.com/blogs/security/tls-1-2-required-for-aws-endpoints/
 */
export class LogBucket extends Construct {
  /** Name of the bucket: a token, so that whoever uses it waits for the bucket. */
  readonly bucketName: string;
  /** The bucket policy, for what has to be made after it. */
  readonly policy: ITerraformDependable;
  /** Where Terraform keeps the bucket. */
  readonly address: ResourceAddress;

  /** @throws {ValidationError} if S3 does not accept the name or the policy */
  constructor(scope: Construct, id: string, props: LogBucketProps) {
    super(scope, id);
    const { addressName, at, protect, retentionDays } = props;
    const problem = nameProblem(props.bucketName, BUCKET_NAME);
    if (problem !== undefined) {
      throw new ValidationError(
        `bucketName ${problem}, got ${showValue(props.bucketName)}; use another name`,
        this,
      );
    }

    const resource = new S3Bucket(this, "Resource", {
      bucket: props.bucketName,
      region: at.region,
      forceDestroy: !protect,
      lifecycle: { preventDestroy: protect },
    });
    resource.overrideLogicalId(addressName);
    const inBucket = { bucket: resource.bucket, region: at.region };

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
      rule: [encryptionRule(props.key)],
    }).overrideLogicalId(addressName);
    new S3BucketLifecycleConfiguration(this, "Lifecycle", {
      ...inBucket,
      rule: [
        {
          id: "expire",
          status: "Enabled",
          filter: [{}],
          expiration: [{ days: retentionDays }],
          noncurrentVersionExpiration: [{ noncurrentDays: NONCURRENT_DAYS }],
          abortIncompleteMultipartUpload: [{ daysAfterInitiation: INCOMPLETE_UPLOAD_DAYS }],
        },
      ],
      dependsOn: [versioning],
    }).overrideLogicalId(addressName);
    if (props.accessLogs !== undefined) {
      new S3BucketLoggingA(this, "Logging", {
        ...inBucket,
        targetBucket: props.accessLogs.bucketName,
        targetPrefix: accessLogPrefix(props.bucketName),
        dependsOn: [props.accessLogs.policy],
      }).overrideLogicalId(addressName);
    }
    const policy = new S3BucketPolicy(this, "Policy", {
      ...inBucket,
      policy: renderPolicy(
        [...props.statements, ...denials(bucketArn(at, props.bucketName), protect)],
        BUCKET_POLICY_LIMIT,
        props.bucketName,
      ),
      dependsOn: [publicAccessBlock],
    });
    policy.overrideLogicalId(addressName);

    this.bucketName = resource.bucket;
    this.policy = policy;
    this.address = { type: S3Bucket.tfResourceType, name: addressName };
  }
}

/** How the names of the access logs of a bucket begin. */
export function accessLogPrefix(bucketName: string): string {
  return `${bucketName}/`;
}

/**
 * Without an S3 Bucket Key: KMS would see the bucket instead of the trail and the file as encryption
 * context, to which key policies are bound, and the requests of CloudTrail cost nothing anyway.
 *
 * Customer-provided keys are refused, as S3 does for new buckets: the provider, until 6.40.0, would
 * plan for ever to lift what it does not find in the configuration.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html#bucket-key-changes
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/how-kms-works-with-cloudtrail.html
 * @see https://github.com/hashicorp/terraform-provider-aws/pull/47359
 */
function encryptionRule(key: KeyRef | undefined) {
  return {
    applyServerSideEncryptionByDefault:
      key === undefined
        ? { sseAlgorithm: "AES256" }
        : { sseAlgorithm: "aws:kms", kmsMasterKeyId: key.keyArn },
    bucketKeyEnabled: false,
    blockedEncryptionTypes: ["SSE-C"],
  };
}

/** Sid of the statement that a protected account's log buckets have, and no other's. */
export const LOGS_CANNOT_BE_CHANGED = "DenyChangingLogs";

/** What nobody may do, whoever allows it. */
function denials(bucket: string, protect: boolean): readonly Statement[] {
  const objects = `${bucket}/*`;
  const withoutTls = { Bool: { "aws:SecureTransport": "false" } };
  const deny = { Effect: "Deny", Principal: "*" } as const;
  const statements: Statement[] = [
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
  ];
  if (protect) {
    statements.push({
      Sid: LOGS_CANNOT_BE_CHANGED,
      ...deny,
      Action: ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject"],
      Resource: objects,
      Condition: { Bool: { "aws:PrincipalIsAWSService": "false" } },
    });
  }
  return statements;
}
