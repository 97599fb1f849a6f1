/**
 * The only file that spells partitions, DNS suffixes and service principals.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
 */

/** An AWS partition that Keyspan supports. An account lives in exactly one. */
export type Partition = "aws" | "aws-us-gov" | "aws-cn";

/**
 * The regions of each partition. Add a line when AWS opens a region.
 *
 * @see https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
 */
export const REGIONS_BY_PARTITION: Readonly<Record<Partition, readonly string[]>> = {
  aws: [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
  ],
  "aws-us-gov": ["us-gov-east-1", "us-gov-west-1"],
  "aws-cn": ["cn-north-1", "cn-northwest-1"],
};

/** What stands in for the partition of an account as long as that is not known. */
export const STAND_IN_PARTITION: Partition = "aws";

/** The partitions as an alternative of a regular expression: `aws|aws-us-gov|aws-cn`. */
export const PARTITION_PATTERN = Object.keys(REGIONS_BY_PARTITION).join("|");

const PARTITION_BY_REGION: ReadonlyMap<string, Partition> = new Map(
  (Object.keys(REGIONS_BY_PARTITION) as Partition[]).flatMap((partition) =>
    REGIONS_BY_PARTITION[partition].map((region) => [region, partition] as const),
  ),
);

/** The partition of a region, or `undefined` if Keyspan does not know the region. */
export function partitionOf(region: string): Partition | undefined {
  return PARTITION_BY_REGION.get(region);
}

/** The parts of an ARN; a global service has no `region`, an S3 bucket neither that nor `account`. */
export interface ArnParts {
  readonly partition: Partition;
  readonly service: string;
  readonly region?: string;
  readonly account?: string;
  readonly resource: string;
}

/** An ARN from its parts. */
export function arn({ partition, service, region = "", account = "", resource }: ArnParts): string {
  return `arn:${partition}:${service}:${region}:${account}:${resource}`;
}

const ARN = new RegExp(`^arn:(${PARTITION_PATTERN}):([a-z0-9-]+):([a-z0-9-]*):(\\d{12}|):(.+)$`);

/** The parts of an ARN, or `undefined` if `text` is no ARN of a partition that Keyspan supports. */
export function parseArn(text: string): Required<ArnParts> | undefined {
  const [, partition, service = "", region = "", account = "", resource = ""] =
    ARN.exec(text) ?? [];
  return partition === undefined
    ? undefined
    : { partition: partition as Partition, service, region, account, resource };
}

/** Where in AWS something is: the partition, the account and the region. */
export interface AwsLocation {
  readonly partition: Partition;
  /** Account id: 12 digits. */
  readonly account: string;
  readonly region: string;
}

/** The principal that stands for a whole account in a policy. */
export function accountRootArn({ partition, account }: Omit<AwsLocation, "region">): string {
  return arn({ partition, service: "iam", account, resource: "root" });
}

/** ARN of an event bus, computed from its name so that policies hold no tokens. */
export function eventBusArn(at: AwsLocation, busName: string): string {
  return arn({ ...at, service: "events", resource: `event-bus/${busName}` });
}

/** ARN of a queue, computed from its name so that policies hold no tokens. */
export function queueArn(at: AwsLocation, queueName: string): string {
  return arn({ ...at, service: "sqs", resource: queueName });
}

/** The DNS suffix of the endpoints of each partition. */
const DNS_SUFFIXES: Readonly<Record<Partition, string>> = {
  aws: "amazonaws.com",
  "aws-us-gov": "amazonaws.com",
  "aws-cn": "amazonaws.com.cn",
};

/**
 * URL of a queue, by which SQS knows it.
 *
 * @see https://docs.aws.amazon.com/general/latest/gr/sqs-service.html
 * @see https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-arns.html
 */
export function queueUrl({ partition, account, region }: AwsLocation, queueName: string): string {
  return `https://sqs.${region}.${DNS_SUFFIXES[partition]}/${account}/${queueName}`;
}

/**
 * ARN of the role by which KMS keeps multi-Region keys alike. KMS makes it with the first such key.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-auth-slr.html
 */
export function multiRegionServiceRoleArn(at: Omit<AwsLocation, "region">): string {
  return arn({
    partition: at.partition,
    service: "iam",
    account: at.account,
    resource:
      "role/aws-service-role/mrk.kms.amazonaws.com/AWSServiceRoleForKeyManagementServiceMultiRegionKeys",
  });
}

/** The service principal of EventBridge: the same in every partition. */
export const EVENTBRIDGE_PRINCIPAL = "events.amazonaws.com";

/**
 * The services that a policy may name as principal, without the suffix. Add a line when one is
 * missing: AWS publishes no list.
 */
const SERVICES: readonly string[] = [
  "access-analyzer",
  "apigateway",
  "application-autoscaling",
  "athena",
  "autoscaling",
  "backup",
  "batch",
  "bedrock",
  "budgets",
  "chatbot",
  "cloudformation",
  "cloudfront",
  "cloudtrail",
  "cloudwatch",
  "codebuild",
  "codecommit",
  "codedeploy",
  "codepipeline",
  "cognito-idp",
  "config",
  "controltower",
  "costalerts",
  "datasync",
  "delivery.logs",
  "dynamodb",
  "ec2",
  "ecr",
  "ecs",
  "ecs-tasks",
  "eks",
  "elasticache",
  "elasticfilesystem",
  "elasticloadbalancing",
  "elasticmapreduce",
  "es",
  "events",
  "firehose",
  "glue",
  "guardduty",
  "inspector2",
  "iot",
  "kafka",
  "kinesis",
  "kms",
  "lambda",
  "logging.s3",
  "logs",
  "macie",
  "mediaconvert",
  "monitoring.rds",
  "opensearchservice",
  "organizations",
  "pipes",
  "quicksight",
  "ram",
  "rds",
  "redshift",
  "replication.dynamodb",
  "route53",
  "s3",
  "sagemaker",
  "scheduler",
  "secretsmanager",
  "securityhub",
  "servicecatalog",
  "ses",
  "sns",
  "sqs",
  "ssm",
  "sso",
  "states",
  "storagegateway",
  "transfer",
  "vpc-flow-logs",
  "wafv2",
  "xray",
];

/**
 * Those of them whose principal may end in `.cn` in China.
 *
 * @see https://github.com/aws/aws-cdk/blob/main/packages/@aws-cdk/region-info/lib/default.ts
 * @see https://github.com/aws/aws-cdk/issues/19867
 */
const SERVICES_OF_CHINA: readonly string[] = ["codedeploy", "ec2", "elasticmapreduce", "logs"];

const SERVICE_PRINCIPAL = /^([a-z0-9.-]+?)(?:\.([a-z]+(?:-[a-z]+)+-\d+))?\.amazonaws\.com(\.cn)?$/;

/**
 * Whether a policy may name it as service principal: `<service>.amazonaws.com`, or with a region of
 * the partition as `<service>.<region>.amazonaws.com`, which not every service has.
 *
 * AWS publishes no list, neither of the services nor of those that have regional principals.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
 */
export function isServicePrincipal(name: string, partition: Partition): boolean {
  const [, service = "", region, suffixOfChina] = SERVICE_PRINCIPAL.exec(name) ?? [];
  return (
    SERVICES.includes(service) &&
    (region === undefined || partitionOf(region) === partition) &&
    (suffixOfChina === undefined || (partition === "aws-cn" && SERVICES_OF_CHINA.includes(service)))
  );
}

/**
 * The value of `kms:ViaService` for requests that a service makes for its caller.
 *
 * The suffix is the same in every partition, China included.
 *
 * @param service - short name as in the table of the page below, such as `s3`
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
 */
export function viaService(service: string, region: string): string {
  return `${service}.${region}.amazonaws.com`;
}

/** The service principals of the notification stack: the same in every partition. */
export const STATES_PRINCIPAL = "states.amazonaws.com";
export const SCHEDULER_PRINCIPAL = "scheduler.amazonaws.com";
export const CLOUDWATCH_PRINCIPAL = "cloudwatch.amazonaws.com";
export const CLOUDTRAIL_PRINCIPAL = "cloudtrail.amazonaws.com";
export const S3_LOGGING_PRINCIPAL = "logging.s3.amazonaws.com";
export const LOG_DELIVERY_PRINCIPAL = "delivery.logs.amazonaws.com";

/** What names a service where it is the source of a request, as CloudTrail records it. */
export const SERVICE_SUFFIX = ".amazonaws.com";

/** The event source of KMS, as CloudTrail records it. */
export const KMS_EVENT_SOURCE = "kms.amazonaws.com";

/** The principal of CloudWatch Logs in a region, which key policies name. */
export function logsPrincipal(region: string): string {
  return `logs.${region}.amazonaws.com`;
}

/** ARN of an IAM role without a path, computed from its name so that policies hold no tokens. */
export function roleArn({ partition, account }: Omit<AwsLocation, "region">, name: string): string {
  return arn({ partition, service: "iam", account, resource: `role/${name}` });
}

/** ARN of a topic, computed from its name. */
export function topicArn(at: AwsLocation, topicName: string): string {
  return arn({ ...at, service: "sns", resource: topicName });
}

/** ARN of a state machine, computed from its name. */
export function stateMachineArn(at: AwsLocation, name: string): string {
  return arn({ ...at, service: "states", resource: `stateMachine:${name}` });
}

/** ARN of a rule: one of the default bus, unless a bus is named. */
export function ruleArn(at: AwsLocation, ruleName: string, busName?: string): string {
  const path = busName === undefined || busName === "default" ? ruleName : `${busName}/${ruleName}`;
  return arn({ ...at, service: "events", resource: `rule/${path}` });
}

/**
 * ARN by which EventBridge Scheduler calls an operation of a service.
 *
 * @param operation - as the SDK spells it, such as `updateKeyDescription`; none that only reads
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
 */
export function universalTargetArn(
  { partition }: Pick<AwsLocation, "partition">,
  service: string,
  operation: string,
): string {
  return arn({ partition, service: "scheduler", resource: `aws-sdk:${service}:${operation}` });
}

/** ARN of a group of schedules, computed from its name. */
export function scheduleGroupArn(at: AwsLocation, groupName: string): string {
  return arn({ ...at, service: "scheduler", resource: `schedule-group/${groupName}` });
}

/** ARN of an alarm, computed from its name. */
export function alarmArn(at: AwsLocation, alarmName: string): string {
  return arn({ ...at, service: "cloudwatch", resource: `alarm:${alarmName}` });
}

/** ARN of a trail, computed from its name. `at` is its home region. */
export function trailArn(at: AwsLocation, trailName: string): string {
  return arn({ ...at, service: "cloudtrail", resource: `trail/${trailName}` });
}

/** ARN of a log group, without the `:*` that stands for its streams. */
export function logGroupArn(at: AwsLocation, logGroupName: string): string {
  return arn({ ...at, service: "logs", resource: `log-group:${logGroupName}` });
}

/** ARN of a bucket. */
export function bucketArn({ partition }: Pick<AwsLocation, "partition">, name: string): string {
  return arn({ partition, service: "s3", resource: name });
}

/**
 * The region in which each partition records the calls to IAM.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
 * @see https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-iam.html
 */
export const IAM_REGIONS: Readonly<Record<Partition, string>> = {
  aws: "us-east-1",
  "aws-us-gov": "us-gov-west-1",
  "aws-cn": "cn-north-1",
};

/**
 * ARN by which a state machine calls AWS: `aws-sdk:<service>:<action>`, or an optimized integration
 * such as `events:putEvents`.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
 */
export function statesIntegration(partition: Partition, integration: string): string {
  return arn({ partition, service: "states", resource: integration });
}

/**
 * Host name of a bucket: in its region, or without one.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
 */
export function bucketHost(
  { partition }: Pick<AwsLocation, "partition">,
  name: string,
  region?: string,
): string {
  const endpoint = region === undefined ? "s3" : `s3.${region}`;
  return `${name}.${endpoint}.${DNS_SUFFIXES[partition]}`;
}
