/** One apply or destroy of an account at a time, and what to do about locks that were left behind. */
import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { ValidationError } from "../../modules/errors";
import type { StackFolder } from "../stack-folders";
import type { LockInfo, StateBucket, StoredLock } from "./state-bucket";

/** A lock and what it is on. */
export interface HeldLock {
  /** `account`, or the id of the stack whose state is locked. */
  readonly on: string;
  readonly lock: StoredLock;
}

/** Everything that is locked in an account. */
export async function heldLocks(
  bucket: StateBucket,
  folders: readonly StackFolder[],
): Promise<readonly HeldLock[]> {
  const [account, ...states] = await Promise.all([
    bucket.accountLock(),
    ...folders.map(({ id }) => bucket.stateLock(id)),
  ]);
  return [
    ...(account === undefined ? [] : [{ on: "account", lock: account }]),
    ...states.flatMap((lock, index) =>
      lock === undefined ? [] : [{ on: folders[index]?.id ?? "", lock }],
    ),
  ];
}

/** A lock in words: who holds it, since when, for what, and how it is removed. */
export function describeLock(
  workspace: string,
  { on, lock }: { readonly on: string; readonly lock: LockInfo },
  now: Date,
): string {
  const created = Date.parse(lock.Created);
  const age = Number.isNaN(created)
    ? "at an unknown time"
    : `${duration(now.getTime() - created)} ago`;
  return [
    on === "account"
      ? `account ${workspace} is locked by ${lock.Who}, for ${lock.Operation}, ${age}.`
      : `the state of ${on} in ${workspace} is locked by ${lock.Who}, for ${lock.Operation}, ${age}.`,
    `  If that run is gone for sure: npm run keyspan -- unlock ${workspace} --id ${lock.ID}`,
  ].join("\n");
}

/**
 * Takes an account.
 *
 * @param operation - what for, as others are told
 * @param env - names the run of a CI system, if it is one
 * @returns the lock's id, and what gives it back
 * @throws {ValidationError} if anybody holds it, or one of its states
 */
export async function lockAccount(
  bucket: StateBucket,
  workspace: string,
  folders: readonly StackFolder[],
  operation: string,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly id: string; readonly release: () => Promise<void> }> {
  const lock: LockInfo = {
    ID: randomUUID(),
    Operation: operation,
    Who: [`${userInfo().username}@${hostname()}`, `process ${process.pid}`, ...runUrl(env)].join(
      ", ",
    ),
    Created: new Date().toISOString(),
  };
  // A request that was repeated finds what its first attempt has written.
  const taken =
    (await bucket.takeAccountLock(lock)) || (await bucket.accountLock())?.ID === lock.ID;
  if (!taken) {
    await refuseLocks(bucket, workspace, folders);
    throw new ValidationError(
      `account ${workspace}: nobody else must be at work on it, got a lock that was given back just now; run the same command again`,
    );
  }
  const release = async () => {
    const held = await bucket.accountLock();
    // Whoever has removed it may have given it to somebody else.
    if (held?.ID === lock.ID) {
      await bucket.removeAccountLock(held);
    }
  };
  try {
    await refuseLocks(bucket, workspace, folders, lock.ID);
  } catch (error) {
    await release();
    throw error;
  }
  return { id: lock.ID, release };
}

/**
 * Page of the run that a command is part of: a runner's name says nobody whether it still runs.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/variables
 * @see https://docs.gitlab.com/ci/variables/predefined_variables/
 */
export function runUrl(env: NodeJS.ProcessEnv): readonly string[] {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID, CI_JOB_URL, BUILD_URL } = env;
  const url = GITHUB_RUN_ID
    ? `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`
    : CI_JOB_URL || BUILD_URL;
  return url ? [url] : [];
}

/**
 * Gives an account back; says what to do if that fails. What was done meanwhile is not undone by it.
 *
 * @param say - tells the person
 */
export async function giveBack(
  workspace: string,
  { id, release }: { readonly id: string; readonly release: () => Promise<void> },
  say: (line: string) => void,
): Promise<void> {
  await release().catch((error: unknown) => {
    say(
      `account ${workspace}: its lock could not be given back: ${String(error)}\n  npm run keyspan -- unlock ${workspace} --id ${id}`,
    );
  });
}

/** @throws {ValidationError} if anything in the account is locked, but by `ownId` */
export async function refuseLocks(
  bucket: StateBucket,
  workspace: string,
  folders: readonly StackFolder[],
  ownId?: string,
): Promise<void> {
  const locks = (await heldLocks(bucket, folders)).filter(({ lock }) => lock.ID !== ownId);
  if (locks.length > 0) {
    const now = new Date();
    throw new ValidationError(
      [
        `account ${workspace}: nobody else must be at work on it, got ${locks.length === 1 ? "a lock" : `${locks.length} locks`}; nothing has been changed: wait for the end of that run, or remove what a dead run has left behind`,
        ...locks.map((lock) => describeLock(workspace, lock, now)),
      ].join("\n"),
    );
  }
}

/**
 * What says that a Terraform was killed, though cdktf took that for success: it looks at the exit code
 * of the terminal that Terraform runs in, which is 0 when a signal has ended it. Its state is locked.
 *
 * @returns a text for each stack, with the command that puts it right; none if all have ended
 */
export async function killedUnnoticed(
  bucket: StateBucket,
  workspace: string,
  folders: readonly StackFolder[],
): Promise<readonly string[]> {
  const now = new Date();
  return (
    (await heldLocks(bucket, folders))
      // A plan of somebody else holds it for moments; nobody else can be at an apply.
      .filter(({ on, lock }) => on !== "account" && lock.Operation !== "OperationTypePlan")
      .map(
        (held) =>
          `${held.on}: Terraform must give its lock back when it ends, got one that is held: it was killed, which cdktf takes for success\n${describeLock(workspace, held, now)}`,
      )
  );
}

/** A time span in its largest unit, such as `3 hours`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const [count, unit] =
    seconds < 120
      ? [seconds, "second"]
      : seconds < 7200
        ? [Math.floor(seconds / 60), "minute"]
        : seconds < 172_800
          ? [Math.floor(seconds / 3600), "hour"]
          : [Math.floor(seconds / 86_400), "day"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
