/** Keys of the state bucket that belong to no account. */
import { SAVED_PLANS_PREFIX } from "../iam/state-role-policy";
import { archiveStackId } from "../names";

/**
 * Key of the state of the bucket itself and of the state roles.
 *
 * It holds no slash, unlike the key of every account's state and of every saved plan: so a bucket
 * policy tells them apart by one pattern.
 */
export const BOOTSTRAP_STATE_KEY = "keyspan-bootstrap.tfstate";

/**
 * Whether states under a prefix would expire like saved plans, or could be read by every state role
 * like the states `archive-*.tfstate` of the default workspace: in a policy `*` matches slashes too.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html
 */
export function isReservedKeyPrefix(keyPrefix: string): boolean {
  return `${keyPrefix}/`.startsWith(SAVED_PLANS_PREFIX) || keyPrefix.startsWith(archiveStackId(""));
}
