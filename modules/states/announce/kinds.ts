/** How urgent a message is. Subscriptions of the first topic may filter on it. */
export type Severity = "critical" | "warning" | "info";

/** What a message may be about: the values of its attribute `kind`. */
export const MESSAGE_KINDS = [
  "disabled",
  "scheduled-for-deletion",
  "waiting-for-replicas",
  "deletion-cancelled",
  "enabled-again",
  "deleted",
  "imported-material",
  "protection-changed",
  "attempt-refused",
  "rotated",
  "watcher-touched",
  "reminder",
  "summary",
  "region-silent",
  "sweep-failed",
  "delivery-failing",
  "nobody-subscribed",
  "subscription-trouble",
  "rule-trouble",
  "trail-trouble",
  "alarm-ended",
  "test-message",
  "unknown",
] as const;

/** What one message is about. */
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/**
 * The calls to KMS that are announced, as CloudTrail names them.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html
 */
export const KMS_CALLS = [
  "DisableKey",
  "ScheduleKeyDeletion",
  "CancelKeyDeletion",
  "EnableKey",
  "DeleteImportedKeyMaterial",
  "PutKeyPolicy",
  "DisableKeyRotation",
  "UpdatePrimaryRegion",
  "ReplicateKey",
  "CreateAlias",
  "UpdateAlias",
  "DeleteAlias",
  "CreateGrant",
] as const;

/** Name of a call to KMS that is announced. */
export type KmsCall = (typeof KMS_CALLS)[number];

/**
 * Events that KMS writes about itself, each under two types: the native one is announced, the one of
 * CloudTrail, which has the same news, is not.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/kms-events.html
 */
export const NATIVE_KMS_EVENTS = {
  deletion: { detailType: "KMS CMK Deletion", inCloudTrail: "DeleteKey" },
  rotation: { detailType: "KMS CMK Rotation", inCloudTrail: "RotateKey" },
  expiration: {
    detailType: "KMS Imported Key Material Expiration",
    inCloudTrail: "DeleteExpiredKeyMaterial",
  },
} as const;

/**
 * What EventBridge calls the records of CloudTrail.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
 */
export const CLOUDTRAIL_DETAIL_TYPES = {
  call: "AWS API Call via CloudTrail",
  serviceEvent: "AWS Service Event via CloudTrail",
} as const;
