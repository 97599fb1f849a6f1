import { deploy } from "../../cli/commands/deploy";
import { destroy } from "../../cli/commands/destroy";
import { diff } from "../../cli/commands/diff";
import type { Command } from "../../cli/io";
import { parseWrapperArguments, type WrapperCommand } from "../../cli/wrapper-arguments";
import { showValue, ValidationError } from "../../modules/errors";
import { showObstacles } from "./report";
import { inSandbox, splitFaults } from "./shared";

/** Commands of `npm run` that go through the real `cdktf` CLI. */
const WRAPPERS: Readonly<Record<WrapperCommand, Command>> = { deploy, destroy, diff };

/**
 * `npm run sandbox -- cdktf [fault flags] deploy|diff|destroy <account> [flags]`: `npm run deploy` and so on, with
 * the real `cdktf` CLI, on the simulated AWS.
 *
 * @throws {ValidationError} as the command itself
 */
export const cdktf: Command = (given, io) => {
  const { faults, rest } = splitFaults("cdktf", given);
  const [name = "", ...argv] = rest;
  if (!isWrapper(name)) {
    throw new ValidationError(
      `cdktf: the command must be one of ${Object.keys(WRAPPERS).join(", ")}, got ${showValue(name)}; write npm run sandbox -- cdktf deploy demo --auto-approve`,
    );
  }
  const { account: workspace } = parseWrapperArguments(name, argv);
  return inSandbox(io, { workspace, faults }, async (sandbox) => {
    const env = await sandbox.environment();
    return WRAPPERS[name](argv, {
      ...io,
      env: {
        ...env,
        TERRAFORM_BINARY_NAME: sandbox.program,
        // Plugins come from the sandbox: no folder of the person's is filled.
        CDKTF_DISABLE_PLUGIN_CACHE_ENV: "1",
      },
      relocate: (outputDirectory) => {
        sandbox.layOutFrom(outputDirectory, { unprotect: false });
        const obstacles = showObstacles(sandbox);
        if (name === "deploy" && obstacles !== "") {
          throw new ValidationError(`${obstacles}Nothing has been changed.`);
        }
        return sandbox.workbench.stacksDirectory;
      },
    });
  });
};

function isWrapper(name: string): name is WrapperCommand {
  return Object.hasOwn(WRAPPERS, name);
}
