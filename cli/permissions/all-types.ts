import type { TypePermissions } from "./type-permissions";
import { CLOUDTRAIL_PERMISSIONS } from "./types/cloudtrail";
import { CLOUDWATCH_PERMISSIONS } from "./types/cloudwatch";
import { EVENTS_PERMISSIONS } from "./types/events";
import { IAM_PERMISSIONS } from "./types/iam";
import { KMS_PERMISSIONS } from "./types/kms";
import { LOGS_PERMISSIONS } from "./types/logs";
import { S3_PERMISSIONS } from "./types/s3";
import { SCHEDULER_PERMISSIONS } from "./types/scheduler";
import { SNS_PERMISSIONS } from "./types/sns";
import { SQS_PERMISSIONS } from "./types/sqs";
import { SSM_PERMISSIONS } from "./types/ssm";
import { STATES_PERMISSIONS } from "./types/states";

/** Every type of resource and data source that the stacks have and that asks AWS for something. */
export const ALL_TYPES: readonly TypePermissions[] = [
  ...KMS_PERMISSIONS,
  ...EVENTS_PERMISSIONS,
  ...SQS_PERMISSIONS,
  ...SNS_PERMISSIONS,
  ...STATES_PERMISSIONS,
  ...SCHEDULER_PERMISSIONS,
  ...CLOUDWATCH_PERMISSIONS,
  ...LOGS_PERMISSIONS,
  ...CLOUDTRAIL_PERMISSIONS,
  ...S3_PERMISSIONS,
  ...IAM_PERMISSIONS,
  ...SSM_PERMISSIONS,
];
