import { Cloudtrail } from "@cdktf/provider-aws/lib/cloudtrail";
import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { type ITerraformDependable, TerraformResource } from "cdktf";
import { Construct } from "constructs";
import type { Statement } from "../iam/policy";
import { ServiceRole } from "../iam/service-role";
import type { KeyRef } from "../kms/key-ref";
import { ROLES, TRAIL, TRAIL_LOG_GROUP, trailAccessLogBucketName, trailBucketName } from "../names";
import {
  type AwsLocation,
  bucketArn,
  CLOUDTRAIL_PRINCIPAL,
  logGroupArn,
  S3_LOGGING_PRINCIPAL,
  trailArn,
} from "../partition";
import { accessLogPrefix, LogBucket } from "../s3/log-bucket";
import type { ResourceAddress } from "../terraform/address";

/**
 * Days that the trail's logs are kept: longer than the year that PCI DSS 4.0.1 (10.5.1) asks for, so
 * that a yearly audit which starts late still finds its first day.
 */
const LOG_DAYS = 400;

/** Days that it is kept who read or touched these logs: the quarter in which that is asked. */
const ACCESS_LOG_DAYS = 90;

/** Props of a {@link Trail}. */
export interface TrailProps {
  /** Home region of the trail, where also its buckets and its log group are. */
  readonly at: AwsLocation;
  /** Key of that region that encrypts the logs and the log group. Its policy must let CloudTrail. */
  readonly key: KeyRef;
  /** Whether calls that only read are recorded too. */
  readonly readEvents: boolean;
  /**
   * Days that a log group keeps events too, for metric filters: one of the values that CloudWatch
   * Logs has.
   *
   * @default - there is no log group
   */
  readonly logGroupRetentionDays?: number;
  /** Whether Terraform must refuse to destroy the trail and its buckets, and S3 to change a log. */
  readonly protect: boolean;
}

/**
 * The account's own trail: the management events of every region, KMS's included.
 *
 * Without a trail that logs them, EventBridge hears no API calls. Logs and digests are encrypted with
 * the key; the bucket is the trail's alone.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
 */
export class Trail extends Construct {
  /** ARN of the trail, computed from its name. */
  readonly trailArn: string;
  /** What must not be destroyed, for the ledger. */
  readonly addresses: readonly ResourceAddress[];

  constructor(scope: Construct, id: string, props: TrailProps) {
    super(scope, id);
    const { at, key, protect, logGroupRetentionDays } = props;
    const arn = trailArn(at, TRAIL);
    const bucketName = trailBucketName(at.account, at.region);
    const accessLogs = new LogBucket(this, "AccessLogBucket", {
      bucketName: trailAccessLogBucketName(at.account, at.region),
      addressName: "trail_access",
      at,
      retentionDays: ACCESS_LOG_DAYS,
      statements: [accessLogsDelivered(at, bucketName)],
      protect,
    });
    const bucket = new LogBucket(this, "LogBucket", {
      bucketName,
      addressName: "trail",
      at,
      key,
      retentionDays: LOG_DAYS,
      statements: trailDelivers(at, bucketName, arn),
      accessLogs,
      protect,
    });
    const logGroup =
      logGroupRetentionDays === undefined
        ? undefined
        : this.defineLogGroup(at, key, arn, logGroupRetentionDays);

    const trail = new Cloudtrail(this, "Resource", {
      name: TRAIL,
      region: at.region,
      isMultiRegionTrail: true,
      includeGlobalServiceEvents: true,
      enableLogging: true,
      enableLogFileValidation: true,
      kmsKeyId: key.keyArn,
      s3BucketName: bucket.bucketName,
      eventSelector: eventSelectors(props.readEvents),
      cloudWatchLogsGroupArn: logGroup?.groupArn,
      cloudWatchLogsRoleArn: logGroup?.roleArn,
      // CloudTrail tries bucket and role when the trail is made.
      dependsOn: [bucket.policy, ...(logGroup?.role ?? [])],
      lifecycle: { preventDestroy: protect },
    });
    trail.overrideLogicalId(TRAIL);

    this.trailArn = arn;
    this.addresses = [
      { type: Cloudtrail.tfResourceType, name: TRAIL },
      bucket.address,
      accessLogs.address,
    ];
  }

  /**
   * The log group, and the role by which CloudTrail writes to the streams of this account's trails.
   *
   * `IfExists`: no source says that CloudTrail names the trail when it takes a role.
   *
   * @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html
   */
  private defineLogGroup(
    at: AwsLocation,
    key: KeyRef,
    arn: string,
    retentionDays: number,
  ): {
    readonly groupArn: string;
    readonly roleArn: string;
    readonly role: readonly ITerraformDependable[];
  } {
    const logGroup = new CloudwatchLogGroup(this, "LogGroup", {
      name: TRAIL_LOG_GROUP,
      region: at.region,
      kmsKeyId: key.keyArn,
      retentionInDays: retentionDays,
    });
    logGroup.overrideLogicalId("trail");
    const role = new ServiceRole(this, "LogGroupRole", {
      roleName: ROLES.trailLogs,
      addressName: ROLES.trailLogs,
      description: "Keyspan: CloudTrail writes the events of the account's trail to its log group",
      servicePrincipal: CLOUDTRAIL_PRINCIPAL,
      trustCondition: {
        ArnEqualsIfExists: { "aws:SourceArn": arn },
        StringEqualsIfExists: { "aws:SourceAccount": at.account },
      },
      permissions: [
        {
          Sid: "WriteTrailEvents",
          Effect: "Allow",
          Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
          Resource: `${logGroupArn(at, TRAIL_LOG_GROUP)}:log-stream:${at.account}_CloudTrail_${at.region}*`,
        },
      ],
    });
    return {
      // CloudTrail takes only the ARN that stands for the streams:
      // https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cloudtrail#sending-events-to-cloudwatch-logs
      groupArn: `${logGroup.arn}:*`,
      roleArn: role.roleArn,
      role: role.node.findAll().filter(TerraformResource.isTerraformResource),
    };
  }
}

/**
 * All management events is what CloudTrail records by default. It is left unsaid, since the provider
 * reads a selector that says so as none and would plan it for ever.
 *
 * @see https://github.com/hashicorp/terraform-provider-aws/issues/3697
 */
function eventSelectors(readEvents: boolean) {
  return readEvents
    ? undefined
    : [
        {
          includeManagementEvents: true,
          readWriteType: "WriteOnly",
          // Without KMS's events nobody hears of a key that is disabled.
          excludeManagementEventSources: [],
        },
      ];
}

/**
 * The one trail puts logs under this account's prefix. It sends the ACL also to buckets without ACLs,
 * which accept exactly this one: AWS documents the same policy for both.
 *
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-ownership-error-responses.html
 */
function trailDelivers(at: AwsLocation, bucketName: string, arn: string): readonly Statement[] {
  const bucket = bucketArn(at, bucketName);
  const principal = { Service: CLOUDTRAIL_PRINCIPAL };
  return [
    {
      Sid: "TrailChecksAcl",
      Effect: "Allow",
      Principal: principal,
      Action: "s3:GetBucketAcl",
      Resource: bucket,
      Condition: { StringEquals: { "aws:SourceArn": arn } },
    },
    {
      Sid: "TrailDelivers",
      Effect: "Allow",
      Principal: principal,
      Action: "s3:PutObject",
      Resource: `${bucket}/AWSLogs/${at.account}/*`,
      Condition: {
        StringEquals: { "aws:SourceArn": arn, "s3:x-amz-acl": "bucket-owner-full-control" },
      },
    },
  ];
}

/**
 * S3 puts the access logs of the one bucket under its prefix. It can do so only where objects are
 * encrypted with keys that S3 owns.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
 */
function accessLogsDelivered(at: AwsLocation, sourceBucketName: string): Statement {
  const target = bucketArn(at, trailAccessLogBucketName(at.account, at.region));
  return {
    Sid: "AccessLogsDelivered",
    Effect: "Allow",
    Principal: { Service: S3_LOGGING_PRINCIPAL },
    Action: "s3:PutObject",
    Resource: `${target}/${accessLogPrefix(sourceBucketName)}*`,
    Condition: {
      ArnLike: { "aws:SourceArn": bucketArn(at, sourceBucketName) },
      StringEquals: { "aws:SourceAccount": at.account },
    },
  };
}
