import type { Command } from "../../cli/io";
import { ValidationError } from "../../modules/errors";
import { readState } from "../terraform-runs";
import { reportFailure, showCounts, showObstacles } from "./report";
import { inSandbox, onlyAccount, parseSandboxArguments } from "./shared";

/**
 * `npm run sandbox -- destroy <account> [--unprotect]`: destroys every stack, in reverse order, and
 * stops at the first that fails. Keys wait for their deletion, as in AWS.
 *
 * @throws {ValidationError} for bad input, or a protected account without `--unprotect`
 */
export const destroy: Command = (argv, io) => {
  const { positionals, faults, unprotect } = parseSandboxArguments("destroy", argv, {
    faults: true,
    unprotect: true,
  });
  const workspace = onlyAccount("destroy", positionals);
  return inSandbox(io, { workspace, faults }, async (sandbox) => {
    if (sandbox.account.protect && !unprotect) {
      // Terraform would delete the archives first, and only then refuse to delete the keys.
      throw new ValidationError(
        `destroy: protect must be false for account ${sandbox.account.workspace}, got true; in the sandbox, --unprotect destroys it all the same`,
      );
    }
    sandbox.layOut({ unprotect });
    if (sandbox.inventory().some(({ status }) => status === "unseen")) {
      io.err(`${showObstacles(sandbox)}Nothing has been changed.\n`);
      return 1;
    }
    const terraform = await sandbox.terraform();
    for (const folder of sandbox.folders.toReversed()) {
      if (readState(sandbox.workbench.stateFile(folder.id)).length === 0) {
        io.out(`${folder.id}: nothing is there\n`);
        continue;
      }
      await terraform.prepare(folder);
      const planned = await terraform.plan(folder, "-destroy");
      if (planned.code !== 0) {
        return reportFailure(io, sandbox, folder.id, planned);
      }
      io.out(`${folder.id}: ${showCounts(planned.changes)}\n`);
      const applied = await terraform.apply(folder);
      if (applied.code !== 0) {
        return reportFailure(io, sandbox, folder.id, applied);
      }
    }
    const { workspace: name } = sandbox.account;
    const left = sandbox.inventory().filter(({ status }) => status !== "ending");
    if (left.length > 0) {
      io.err(
        `The stacks of account ${name} are destroyed, but ${left.length} objects are left that none of them manages: npm run sandbox -- show ${name}\n`,
      );
      return 1;
    }
    io.out(
      `Account ${name} is destroyed; its keys wait for their deletion: npm run sandbox -- show ${name}\n`,
    );
    return 0;
  });
};
