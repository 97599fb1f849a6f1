/** Limits of KMS keys: each stands here once, for the check and for its message. */

/** Days between automatic rotations. @see https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html */
export const ROTATION_DAYS = { min: 90, max: 2560, default: 365 } as const;

/** Days from scheduling a deletion to the deletion. @see https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html */
export const DELETION_WINDOW_DAYS = { min: 7, max: 30, default: 30 } as const;

/** Largest key policy. @see https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html */
export const KEY_POLICY_LIMIT = {
  maxBytes: 32_768,
  kind: "the key policy",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html",
} as const;
