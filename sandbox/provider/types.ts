/** Every type that the sandbox knows. To add one, see sandbox/README.md. */
import type { DataType, ResourceType } from "./resource-type";
import { callerIdentity } from "./types/caller-identity";
import { cloudwatchEventArchive } from "./types/cloudwatch-event-archive";
import { cloudwatchEventBus } from "./types/cloudwatch-event-bus";
import { cloudwatchEventBusPolicy } from "./types/cloudwatch-event-bus-policy";
import { cloudwatchEventRule } from "./types/cloudwatch-event-rule";
import { cloudwatchEventTarget } from "./types/cloudwatch-event-target";
import { iamRole } from "./types/iam-role";
import { iamRolePolicy } from "./types/iam-role-policy";
import { kmsAlias } from "./types/kms-alias";
import { kmsKey } from "./types/kms-key";
import { kmsReplicaKey } from "./types/kms-replica-key";
import { sqsQueue } from "./types/sqs-queue";
import { sqsQueuePolicy } from "./types/sqs-queue-policy";

/** Resource types. */
export const RESOURCE_TYPES: readonly ResourceType[] = [
  cloudwatchEventArchive,
  cloudwatchEventBus,
  cloudwatchEventBusPolicy,
  cloudwatchEventRule,
  cloudwatchEventTarget,
  iamRole,
  iamRolePolicy,
  kmsAlias,
  kmsKey,
  kmsReplicaKey,
  sqsQueue,
  sqsQueuePolicy,
];

/** Data sources. */
export const DATA_TYPES: readonly DataType[] = [callerIdentity];
