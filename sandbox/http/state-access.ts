/** What the state roles may do in the state bucket. */
import {
  ACCOUNT_LOCK_NAME,
  SAVED_PLANS_FILE,
  SAVED_PLANS_PREFIX,
  STATE_LOCK_SUFFIX,
} from "../../modules/iam/state-role-policy";
import { archiveStackId, stateObjectKey } from "../../modules/names";
import type { EndpointAccount } from "./endpoint-options";

/** Actions of S3, as IAM policies name them. */
export type S3Action =
  | "s3:GetBucketVersioning"
  | "s3:ListBucket"
  | "s3:GetObject"
  | "s3:PutObject"
  | "s3:DeleteObject";

/** What a role may do, with which objects. */
export interface StateGrant {
  readonly actions: readonly S3Action[];
  /**
   * Patterns of the keys, with `*` for any characters, slashes included, as in a policy's resources.
   * `<keyPrefix>` and `<workspace>` are the account's.
   *
   * @default - the bucket itself
   */
  readonly keys?: readonly string[];
  /** Whether only objects that are not there yet may be written: `If-None-Match` must be sent. @default false */
  readonly onlyNew?: boolean;
}

/** Keys of what is the account's own in the bucket. */
const OWN = "<keyPrefix>/<workspace>/";

/** States of the default workspace. There are none, but `terraform init` asks for them. */
const DEFAULT_WORKSPACE_STATES = ["keys", "notifications", archiveStackId("*")].map(stateObjectKey);

/** Saved plans: a folder per digest. */
const SAVED_PLANS = [
  `${SAVED_PLANS_PREFIX}*/<workspace>/*`,
  `${SAVED_PLANS_PREFIX}*/${SAVED_PLANS_FILE}`,
];

const READ: readonly StateGrant[] = [
  { actions: ["s3:GetBucketVersioning", "s3:ListBucket"] },
  { actions: ["s3:GetObject"], keys: [`${OWN}*`, ...DEFAULT_WORKSPACE_STATES] },
];

const SAVE_PLANS: StateGrant = { actions: ["s3:PutObject"], keys: SAVED_PLANS, onlyNew: true };

/**
 * What the two roles of an account may do in the state bucket. What is not listed is refused.
 *
 * The same as the policies that `npm run keyspan -- bootstrap` gives them, which a test compares.
 * Listing is allowed for the whole bucket: without it S3 answers 403, not 404, for an object that is
 * not there.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 * @see https://developer.hashicorp.com/terraform/language/backend/s3#s3-bucket-permissions
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
 */
export const STATE_GRANTS: Readonly<Record<"writeRole" | "readRole", readonly StateGrant[]>> = {
  writeRole: [
    ...READ,
    { actions: ["s3:PutObject"], keys: [`${OWN}*`] },
    {
      actions: ["s3:DeleteObject"],
      keys: [`${OWN}*${STATE_LOCK_SUFFIX}`, `${OWN}${ACCOUNT_LOCK_NAME}`],
    },
    { actions: ["s3:GetObject"], keys: SAVED_PLANS },
    SAVE_PLANS,
  ],
  readRole: [...READ, SAVE_PLANS],
};

/** A call of S3, as it is authorized. */
export interface S3Access {
  readonly action: S3Action;
  readonly bucket: string;
  /** @default - the call is about the bucket */
  readonly key?: string;
  /** Whether the object must not be there yet. */
  readonly onlyNew?: boolean;
}

/** Whether a role may make a call: one of the accounts has it as a state role with a grant for the call. */
export function mayAccess(
  accounts: readonly EndpointAccount[],
  roleArn: string | undefined,
  access: S3Access,
): boolean {
  return accounts.some(
    ({ workspace, state }) =>
      state.bucket === access.bucket &&
      (["writeRole", "readRole"] as const).some(
        (role) =>
          state[role] === roleArn &&
          STATE_GRANTS[role].some((grant) =>
            isGranted(grant, access, { "<keyPrefix>": state.keyPrefix, "<workspace>": workspace }),
          ),
      ),
  );
}

function isGranted(
  { actions, keys, onlyNew = false }: StateGrant,
  access: S3Access,
  names: Readonly<Record<string, string>>,
): boolean {
  const { key } = access;
  const isMeant =
    key === undefined
      ? keys === undefined
      : keys?.some((pattern) =>
          matches(
            pattern.replace(/<\w+>/g, (name) => names[name] ?? name),
            key,
          ),
        ) === true;
  return actions.includes(access.action) && isMeant && (!onlyNew || access.onlyNew === true);
}

function matches(pattern: string, key: string): boolean {
  const expression = pattern
    .split("*")
    .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${expression}$`, "s").test(key);
}
