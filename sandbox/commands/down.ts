import type { Command } from "../../cli/io";
import { Sandbox } from "../sandbox";
import { onlyAccount, parseSandboxArguments } from "./shared";

/**
 * `npm run sandbox -- down <account>`: removes all that the sandbox has of an account: its simulated
 * objects, its states, its copied stacks. The project's own files are not touched.
 *
 * @throws {ValidationError} for bad input
 */
export const down: Command = (argv, io) => {
  const { positionals } = parseSandboxArguments("down", argv);
  const sandbox = new Sandbox({
    workspace: onlyAccount("down", positionals),
    program: "",
    env: io.env,
    ...(io.projectDirectory !== undefined && { projectDirectory: io.projectDirectory }),
  });
  const release = sandbox.lock();
  try {
    sandbox.workbench.remove();
  } finally {
    release();
  }
  io.out(`Account ${sandbox.account.workspace} is gone from the sandbox.\n`);
  return 0;
};
