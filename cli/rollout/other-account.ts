/** An account's id, against what is deployed. */
import * as z from "zod";
import type { AccountConfig } from "../../config/account-config";
import { ValidationError } from "../../modules/errors";
import type { StackState } from "./state-bucket";

const keySchema = z.object({ arn: z.string() });

/**
 * Refuses an account's file whose id is not that of what is deployed: every resource would be missed,
 * and made again in the other account.
 *
 * @param account - as its file says
 * @param states - of all stacks
 * @throws {ValidationError} if a key is in another account
 */
export function refuseOtherAccount(
  { workspace, id }: Pick<AccountConfig, "workspace" | "id">,
  states: ReadonlyMap<string, StackState>,
): void {
  for (const { resources } of states.values()) {
    for (const { type, attributes } of resources) {
      const key = type.startsWith("aws_kms_") ? keySchema.safeParse(attributes) : undefined;
      const deployed = key?.data?.arn.split(":")[4];
      if (deployed !== undefined && deployed !== id) {
        throw new ValidationError(
          `account ${workspace}: account.id must be ${deployed}, that of what is deployed, got ${id}; correct it, or give the new account a file of its own`,
        );
      }
    }
  }
}
