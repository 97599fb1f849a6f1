import type { Command } from "../io";
import { exitCodeOf, prepareDeployment } from "../prepare-deployment";

/**
 * `npm run deploy -- <account> [stack…] [flags of cdktf deploy]`: applies an account's stacks, one
 * after the other.
 *
 * @throws {ValidationError} for bad input, before anything is started
 */
export const deploy: Command = (argv, io) => {
  const deployment = prepareDeployment("deploy", argv, io);
  const { selected, terraform, cdktf } = deployment;
  return exitCodeOf(deployment, io, async () => {
    for (const folder of selected) {
      await terraform.init(folder);
      await terraform.ensureWorkspace(folder);
    }
    // More at a time, and cdktf kills the others when one fails: their states are lost.
    // https://github.com/hashicorp/terraform-cdk/issues/3206
    const { code } = await cdktf(selected, "--parallelism", "1");
    return code;
  });
};
