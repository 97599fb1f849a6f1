import { arn, bucketArn, type Partition, viaService } from "../partition";
import type { IdentityStatement } from "./policy";

/** What a state role is for: `state-read` to plan, `state-write` to apply. */
export type StateRole = "state-read" | "state-write";

/** Where one account's states lie. */
export interface StateRolePolicyProps {
  readonly partition: Partition;
  /** Bucket of the states. */
  readonly bucket: string;
  /** What the keys of all workspaces begin with, without slashes around it. */
  readonly keyPrefix: string;
  /** Workspace of the account. */
  readonly workspace: string;
  /**
   * Keys of the stacks' states in the default workspace, at least one; `*` stands for any text.
   * `terraform init` looks at them, though nothing is there.
   */
  readonly stateObjectKeys: readonly string[];
  /**
   * Key that encrypts the bucket, if it is a customer managed one, and the bucket's region.
   *
   * @default - the bucket's encryption asks nothing of its callers
   */
  readonly encryption?: { readonly kmsKeyArn: string; readonly region: string };
}

/** Key prefix of the saved plans of all accounts: a folder per digest, in it one per workspace. */
export const SAVED_PLANS_PREFIX = "plans/";

/** File beside the workspaces' folders that holds their hashes, and no secret. */
export const SAVED_PLANS_FILE = "plans.json";

/** What Terraform appends to the key of a state for its lock. */
export const STATE_LOCK_SUFFIX = ".tflock";

/** Name of the lock that an apply holds over a whole account, beside the account's states. */
export const ACCOUNT_LOCK_NAME = "account.lock";

/**
 * Statements of a state role's policy.
 *
 * Both roles see the bucket's keys: without `s3:ListBucket` S3 answers 403 and not 404 for an
 * object that does not exist, which Terraform takes for a failure, and workspaces are found by
 * listing. So the names of other workspaces are visible, and their contents are not. Whether the
 * bucket keeps versions is looked at before the first deploy.
 *
 * Saved plans are made once and never replaced: both roles may only create them, which S3 enforces
 * by the header that the condition asks for. Plans hold secrets, so the reading role cannot read
 * them back, and nobody those of other workspaces. The writing role deletes locks and nothing else: no state and no version of one.
 *
 * @see https://developer.hashicorp.com/terraform/language/backend/s3#permissions-required
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
 */
export function statePolicy(
  { partition, bucket, keyPrefix, workspace, stateObjectKeys, encryption }: StateRolePolicyProps,
  role: StateRole,
): readonly IdentityStatement[] {
  const isWriting = role === "state-write";
  const object = (key: string) => arn({ partition, service: "s3", resource: `${bucket}/${key}` });
  const own = `${keyPrefix}/${workspace}/`;
  const savedPlans = [
    object(`${SAVED_PLANS_PREFIX}*/${workspace}/*`),
    object(`${SAVED_PLANS_PREFIX}*/${SAVED_PLANS_FILE}`),
  ];
  return [
    {
      Sid: "FindObjects",
      Effect: "Allow",
      Action: ["s3:GetBucketVersioning", "s3:ListBucket"],
      Resource: bucketArn({ partition }, bucket),
    },
    {
      Sid: "ReadStates",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: [object(`${own}*`), ...stateObjectKeys.map(object)],
    },
    ...(isWriting
      ? ([
          {
            Sid: "WriteStatesAndLocks",
            Effect: "Allow",
            Action: "s3:PutObject",
            Resource: object(`${own}*`),
          },
          {
            Sid: "ReleaseLocks",
            Effect: "Allow",
            Action: "s3:DeleteObject",
            Resource: [object(`${own}*${STATE_LOCK_SUFFIX}`), object(`${own}${ACCOUNT_LOCK_NAME}`)],
          },
          {
            Sid: "ReadSavedPlans",
            Effect: "Allow",
            Action: "s3:GetObject",
            Resource: savedPlans,
          },
        ] as const)
      : []),
    {
      Sid: "CreateSavedPlans",
      Effect: "Allow",
      Action: "s3:PutObject",
      Resource: savedPlans,
      Condition: { Null: { "s3:if-none-match": "false" } },
    },
    ...(encryption === undefined
      ? []
      : ([
          {
            Sid: "Encryption",
            Effect: "Allow",
            Action: ["kms:Decrypt", "kms:GenerateDataKey"],
            Resource: encryption.kmsKeyArn,
            Condition: {
              StringEquals: { "kms:ViaService": viaService("s3", encryption.region) },
            },
          },
        ] as const)),
  ];
}
