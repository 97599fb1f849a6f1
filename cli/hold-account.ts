import type { CommandIo } from "./io";
import type { Deployment } from "./prepare-deployment";
import { giveBack, lockAccount } from "./rollout/account-lock";
import { refuseDeployedProtection } from "./rollout/deployed-protection";
import { type KeyGuardProps, keysLeftByDestroy, refuseUnseenKeys } from "./rollout/key-guard";
import type { StackState } from "./rollout/state-bucket";
import { StopRequest } from "./rollout/stop-request";
import { refuseVanishedStacks } from "./rollout/vanished-stacks";
import { ProgramFailure } from "./run-program";

/**
 * Does a command's work on an account on which nobody else is at work: holds its lock meanwhile.
 *
 * @param command - what for, as others are told who find the lock
 * @param work - gets what says whether somebody has asked to stop: then nothing more is to be started
 * @throws {ValidationError} if somebody holds the account or one of its states, an earlier apply has
 *   left keys half done, or what is to be destroyed still is protected; each with the command that
 *   puts it right
 */
export async function holdAccount(
  { account, folders, access, bucket }: Deployment,
  command: "deploy" | "destroy",
  io: CommandIo,
  work: (stop: StopRequest) => Promise<number>,
): Promise<number> {
  const { workspace } = account;
  const stop = new StopRequest((line) => io.err(`${line}\n`));
  // From here on a signal must not end the process at once: it would leave the lock behind.
  stop.listen();
  try {
    const lock = await lockAccount(bucket, workspace, folders, command, io.env);
    try {
      await refuseVanishedStacks(bucket, workspace, folders);
      const states = await Promise.all(
        folders.map(async ({ id }) => [id, await bucket.state(id)] as const),
      );
      const notices = await judge(
        { account, folders, access, role: "deploy" },
        new Map(states.flatMap(([id, state]) => (state === undefined ? [] : [[id, state]]))),
        command,
      );
      io.err(notices.map((notice) => `${notice}\n`).join(""));
      refuseStopped(stop);
      return await work(stop);
    } finally {
      await giveBack(workspace, lock, (line) => io.err(`${line}\n`));
    }
  } finally {
    stop.close();
  }
}

/** What a person should know before the work begins. @throws {ValidationError} if it must not begin */
function judge(
  account: KeyGuardProps,
  states: ReadonlyMap<string, StackState>,
  command: "deploy" | "destroy",
): Promise<readonly string[]> {
  if (command === "deploy") {
    return refuseUnseenKeys(account, states);
  }
  const { workspace } = account.account;
  refuseDeployedProtection(workspace, states, `npm run deploy -- ${workspace}`);
  return keysLeftByDestroy(account, states);
}

/** @throws {ProgramFailure} if somebody has asked to stop */
export function refuseStopped(stop: StopRequest): void {
  if (stop.requested) {
    throw new ProgramFailure("stopped; nothing more is started", 1, true);
  }
}
