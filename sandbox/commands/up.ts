import type { Command } from "../../cli/io";
import { applyAll } from "./apply";
import { showInventory } from "./report";
import { inSandbox, onlyAccount, parseSandboxArguments } from "./shared";

const EXAMPLE_ACCOUNT = "demo";

/**
 * `npm run sandbox -- up [account]`: initializes, plans and applies every stack of an account, then
 * shows what exists per region. `npm start` runs it for the example account.
 *
 * @throws {ValidationError} for bad input
 */
export const up: Command = (argv, io) => {
  const { positionals, faults } = parseSandboxArguments("up", argv, { faults: true });
  const workspace = onlyAccount("up", positionals) ?? EXAMPLE_ACCOUNT;
  return inSandbox(io, { workspace, faults }, async (sandbox) => {
    const { id, partition, homeRegion, protect } = sandbox.account;
    io.out(
      `Account ${workspace} (${id}, ${partition}), home region ${homeRegion}${protect ? ", protected" : ""}, in a simulated AWS on this machine\n`,
    );
    const code = await applyAll(sandbox, io);
    if (code === 0) {
      io.out(`\n${showInventory(sandbox.inventory())}`);
      io.out(
        `\nThe Terraform JSON is in cdktf.out/${workspace}/stacks/<stack>/cdk.tf.json\nNext: npm run sandbox -- plan|show|destroy|down ${workspace}\n`,
      );
    }
    return code;
  });
};
