import { join } from "node:path";
import { holdAccount, refuseStopped } from "../hold-account";
import type { Command } from "../io";
import { type Deployment, exitCodeOf, prepareDeployment } from "../prepare-deployment";
import { killedUnnoticed } from "../rollout/account-lock";
import { operationsAtATime, StackTerraform } from "../rollout/stack-terraform";
import type { StopRequest } from "../rollout/stop-request";
import { explainIncomplete, type UnseenObjectsProps } from "../rollout/unseen-objects";
import { Terraform } from "../terraform";

/**
 * `npm run deploy -- <account> [stack…] [flags of cdktf deploy]`: applies an account's stacks, one
 * after the other.
 *
 * @throws {ValidationError} for bad input, before anything is started; if somebody else works on the
 *   account; and if an earlier apply has left locks or keys behind
 */
export const deploy: Command = (argv, io) => {
  const deployment = prepareDeployment("deploy", argv, io);
  const { account, bucket, selected, terraform, cdktf } = deployment;
  return exitCodeOf(deployment, io, () =>
    holdAccount(deployment, "deploy", io, async (stop) => {
      for (const folder of selected) {
        refuseStopped(stop);
        await terraform.init(folder);
        await terraform.ensureWorkspace(folder);
      }
      refuseStopped(stop);
      // More at a time, and cdktf kills the others when one fails: their states are lost.
      // https://github.com/hashicorp/terraform-cdk/issues/3206
      const { code, stopCode } = await cdktf(selected, "--parallelism", "1");
      const killed = code === 0 ? await killedUnnoticed(bucket, account.workspace, selected) : [];
      if ((code !== 0 || killed.length > 0) && stopCode === undefined) {
        const lines = await explainIncomplete(unseenObjectsOf(deployment, stop), selected);
        io.err([...killed, ...lines].map((line) => `${line}\n`).join(""));
      }
      return killed.length > 0 ? 1 : code;
    }),
  );
};

function unseenObjectsOf(
  { account, bucket, env, workDirectory }: Deployment,
  stop: StopRequest,
): UnseenObjectsProps {
  return {
    account,
    bucket,
    workDirectory,
    stacks: new StackTerraform({
      // Nobody has to hear of how it is found out.
      terraform: new Terraform(env, account.workspace, () => {}, join(workDirectory, "logs")),
      env,
      workspace: account.workspace,
      logDirectory: join(workDirectory, "logs"),
      operationsAtATime: operationsAtATime(account.regions.length),
      stop,
      warn: () => {},
      // All stacks are prepared.
      initOrder: { first: Promise.resolve(undefined) },
    }),
  };
}
