import { SMALL_ACCOUNT } from "../../helpers/sandbox-project";

/** Account that owns the bucket. */
export const OWNER = "444455556666";

/** An account whose states are in bucket `acme-state`. */
export function accountYaml(name: string, id: string): string {
  const role = (suffix: string) => `arn:aws:iam::${OWNER}:role/keyspan-state-${name}${suffix}`;
  return SMALL_ACCOUNT.replaceAll("111122223333", id)
    .replace("acme-terraform-state", "acme-state")
    .replace(/writeRole: .*/, `writeRole: ${role("")}`)
    .replace(
      /readRole: .*/,
      `readRole: ${role("-read")}\n  writers: [arn:aws:iam::${OWNER}:role/pipeline]`,
    );
}
