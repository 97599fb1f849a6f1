/** Every type that the sandbox knows. To add one, see sandbox/README.md. */
import type { DataType, ResourceType } from "./resource-type";
import { callerIdentity } from "./types/caller-identity";
import { cloudtrail } from "./types/cloudtrail";
import { cloudwatchEventArchive } from "./types/cloudwatch-event-archive";
import { cloudwatchEventBus } from "./types/cloudwatch-event-bus";
import { cloudwatchEventBusPolicy } from "./types/cloudwatch-event-bus-policy";
import { cloudwatchEventRule } from "./types/cloudwatch-event-rule";
import { cloudwatchEventTarget } from "./types/cloudwatch-event-target";
import { cloudwatchLogGroup } from "./types/cloudwatch-log-group";
import { cloudwatchLogResourcePolicy } from "./types/cloudwatch-log-resource-policy";
import { cloudwatchMetricAlarm } from "./types/cloudwatch-metric-alarm";
import { iamRole } from "./types/iam-role";
import { iamRolePolicy } from "./types/iam-role-policy";
import { kmsAlias } from "./types/kms-alias";
import { kmsKey } from "./types/kms-key";
import { kmsReplicaKey } from "./types/kms-replica-key";
import { s3Bucket } from "./types/s3-bucket";
import { s3BucketLifecycleConfiguration } from "./types/s3-bucket-lifecycle-configuration";
import { s3BucketLogging } from "./types/s3-bucket-logging";
import { s3BucketObjectLockConfiguration } from "./types/s3-bucket-object-lock-configuration";
import { s3BucketOwnershipControls } from "./types/s3-bucket-ownership-controls";
import { s3BucketPolicy } from "./types/s3-bucket-policy";
import { s3BucketPublicAccessBlock } from "./types/s3-bucket-public-access-block";
import { s3BucketServerSideEncryptionConfiguration } from "./types/s3-bucket-server-side-encryption-configuration";
import { s3BucketVersioning } from "./types/s3-bucket-versioning";
import { schedulerSchedule } from "./types/scheduler-schedule";
import { schedulerScheduleGroup } from "./types/scheduler-schedule-group";
import { sfnStateMachine } from "./types/sfn-state-machine";
import { snsTopic } from "./types/sns-topic";
import { snsTopicPolicy } from "./types/sns-topic-policy";
import { snsTopicSubscription } from "./types/sns-topic-subscription";
import { sqsQueue } from "./types/sqs-queue";
import { sqsQueuePolicy } from "./types/sqs-queue-policy";
import { ssmParameter } from "./types/ssm-parameter";

/** Resource types. */
export const RESOURCE_TYPES: readonly ResourceType[] = [
  cloudtrail,
  cloudwatchEventArchive,
  cloudwatchEventBus,
  cloudwatchEventBusPolicy,
  cloudwatchEventRule,
  cloudwatchEventTarget,
  cloudwatchLogGroup,
  cloudwatchLogResourcePolicy,
  cloudwatchMetricAlarm,
  iamRole,
  iamRolePolicy,
  kmsAlias,
  kmsKey,
  kmsReplicaKey,
  s3Bucket,
  s3BucketLifecycleConfiguration,
  s3BucketLogging,
  s3BucketObjectLockConfiguration,
  s3BucketOwnershipControls,
  s3BucketPolicy,
  s3BucketPublicAccessBlock,
  s3BucketServerSideEncryptionConfiguration,
  s3BucketVersioning,
  schedulerSchedule,
  schedulerScheduleGroup,
  sfnStateMachine,
  snsTopic,
  snsTopicPolicy,
  snsTopicSubscription,
  sqsQueue,
  sqsQueuePolicy,
];

/** Data sources. */
export const DATA_TYPES: readonly DataType[] = [callerIdentity, ssmParameter];
