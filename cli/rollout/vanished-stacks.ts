/** Stacks that an account no longer defines, though what they have made is still there. */
import { ValidationError } from "../../modules/errors";
import type { StackFolder } from "../stack-folders";
import type { StateBucket } from "./state-bucket";

/** A stack that only its state knows. */
export interface VanishedStack {
  readonly id: string;
  /** How many resources its state holds. */
  readonly resources: number;
}

/**
 * The stacks of an account that are in its state bucket, hold resources, and are defined no more: no
 * command would ever work on them again, and what encrypts their data may go.
 *
 * @param folders - of the stacks that are defined
 */
export async function vanishedStacks(
  bucket: StateBucket,
  folders: readonly Pick<StackFolder, "id">[],
): Promise<readonly VanishedStack[]> {
  const defined = new Set(folders.map(({ id }) => id));
  const others = (await bucket.stackIds()).filter((id) => !defined.has(id)).sort();
  const states = await Promise.all(
    others.map(async (id) => ({ id, resources: (await bucket.state(id))?.resources.length ?? 0 })),
  );
  return states.filter(({ resources }) => resources > 0);
}

/** One of them in words, with what to do. */
export function describeVanished({ id, resources }: VanishedStack): string {
  return `${id}: its state holds ${resources} resource${resources === 1 ? "" : "s"}, and the account's file defines it no more`;
}

/**
 * Refuses an account with stacks that it no longer defines.
 *
 * @param workspace - name of the account
 * @param folders - of the stacks that are defined
 * @throws {ValidationError} with each of them
 */
export async function refuseVanishedStacks(
  bucket: StateBucket,
  workspace: string,
  folders: readonly Pick<StackFolder, "id">[],
): Promise<void> {
  const vanished = await vanishedStacks(bucket, folders);
  if (vanished.length > 0) {
    throw new ValidationError(
      [
        `account ${workspace}: what a stack has made must be destroyed before the stack leaves the account's file, got ${vanished.length === 1 ? "a stack" : `${vanished.length} stacks`} that only the state knows; nothing has been changed: put its region back into the file, as draining, and go on from there (README: Retiring a region)`,
        ...vanished.map((stack) => `  ${describeVanished(stack)}`),
      ].join("\n"),
    );
  }
}
