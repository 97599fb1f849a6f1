import type { AccountConfig } from "../../config/account-config";
import { holdAccount, refuseStopped } from "../hold-account";
import type { Command, CommandIo } from "../io";
import { type Deployment, exitCodeOf, prepareDeployment } from "../prepare-deployment";
import { killedUnnoticed } from "../rollout/account-lock";
import type { StopRequest } from "../rollout/stop-request";
import type { StackFolder } from "../stack-folders";

/**
 * `npm run destroy -- <account> [flags of cdktf destroy]`: destroys an unprotected account's
 * stacks, in reverse order, and stops at the first that fails.
 *
 * @throws {ValidationError} for bad input or a protected account, before anything is started; if
 *   somebody else works on the account; and if an earlier apply has left locks or keys behind
 */
export const destroy: Command = (argv, io) => {
  const deployment = prepareDeployment("destroy", argv, io);
  return exitCodeOf(deployment, io, () =>
    holdAccount(deployment, "destroy", io, (stop) => destroyStacks(deployment, stop, io)),
  );
};

async function destroyStacks(
  deployment: Deployment,
  stop: StopRequest,
  io: CommandIo,
): Promise<number> {
  const deployed = await deployedStacks(deployment);
  const done: StackFolder[] = [];
  let failed: StackFolder | undefined;
  let exitCode = 0;
  for (const folder of deployed) {
    refuseStopped(stop);
    // The flag switches off cdktf's order, which is kept here: what depends on a stack is already
    // gone, and cdktf would want it named all the same.
    const { code: cdktfCode, stopCode } = await deployment.cdktf(
      [folder],
      "--ignore-missing-stack-dependencies",
    );
    const killed =
      cdktfCode === 0
        ? await killedUnnoticed(deployment.bucket, deployment.account.workspace, [folder])
        : [];
    io.err(killed.map((line) => `${line}\n`).join(""));
    const code = killed.length > 0 ? 1 : cdktfCode;
    if (code !== 0) {
      failed = folder;
    } else {
      done.push(folder);
    }
    exitCode = code || (stopCode ?? 0);
    if (exitCode !== 0) {
      break;
    }
  }
  const notStarted = deployed.filter((folder) => !done.includes(folder) && folder !== failed);
  const list = (folders: readonly StackFolder[]) =>
    folders.map(({ id }) => id).join(", ") || "none";
  io.out(
    `${[
      `\nAccount ${deployment.account.workspace}:`,
      `  destroyed: ${list(done)}`,
      `  failed: ${list(failed === undefined ? [] : [failed])}`,
      `  not started: ${list(notStarted)}`,
      `  nothing was there: ${list(deployment.folders.filter((folder) => !deployed.includes(folder)))}`,
      ...(exitCode === 0 ? [livingKeys(deployment.account)] : []),
    ].join("\n")}\n`,
  );
  return exitCode;
}

/** The stacks whose state holds something, in the order in which they are destroyed. */
async function deployedStacks({ folders, terraform }: Deployment): Promise<readonly StackFolder[]> {
  const deployed: StackFolder[] = [];
  for (const folder of folders) {
    await terraform.init(folder);
    if (await terraform.hasWorkspace(folder)) {
      await terraform.selectWorkspace(folder);
      // An empty state is passed over: to destroy nothing, Terraform would still want the outputs
      // of stacks that were never applied, or are gone.
      if (await terraform.holdsResources(folder)) {
        deployed.unshift(folder);
      }
    }
  }
  return deployed;
}

function livingKeys({ keys }: AccountConfig): string {
  const windows = keys.flatMap((key) =>
    key.kind === "managed" && key.state === "active"
      ? [`${key.name} ${key.deletionWindowDays} days`]
      : [],
  );
  return `The keys live on, disabled, for their deletion window (${windows.join(", ")}), and the deletion can be cancelled until then.`;
}
