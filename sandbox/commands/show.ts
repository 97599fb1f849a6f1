import type { Command } from "../../cli/io";
import { ValidationError } from "../../modules/errors";
import { Sandbox } from "../sandbox";
import { showInventory, showObstacles, showStrangers } from "./report";
import { onlyAccount, parseSandboxArguments } from "./shared";

/**
 * `npm run sandbox -- show <account>`: what exists in the simulated account, per region, and what of
 * it is in no state, with the commands that adopt it. Starts nothing and changes nothing.
 *
 * @throws {ValidationError} for bad input
 */
export const show: Command = (argv, io) => {
  const { positionals } = parseSandboxArguments("show", argv);
  const sandbox = new Sandbox({
    workspace: onlyAccount("show", positionals),
    program: "",
    env: io.env,
    ...(io.projectDirectory !== undefined && { projectDirectory: io.projectDirectory }),
  });
  const { workspace } = sandbox.account;
  if (sandbox.folders.length === 0) {
    throw new ValidationError(
      `show: account ${workspace} must have been in the sandbox, got nothing there; run npm run sandbox -- up ${workspace}`,
    );
  }
  const items = sandbox.inventory();
  io.out(items.length === 0 ? `Account ${workspace} is empty.\n` : showInventory(items));
  const worker = sandbox.worker();
  io.out(
    worker === undefined
      ? `${showObstacles(sandbox)}${showStrangers(workspace, items)}`
      : `\nProcess ${worker} is at work on the account: what is in no state may be in the making.\n`,
  );
  return 0;
};
