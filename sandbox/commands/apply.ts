import type { Command, CommandIo } from "../../cli/io";
import type { Sandbox } from "../sandbox";
import { changesAnything, printProblems, reportFailure, showCounts, showObstacles } from "./report";
import { inSandbox, onlyAccount, parseSandboxArguments } from "./shared";

/**
 * `npm run sandbox -- apply <account>`: plans and applies every stack, in the order of their
 * dependencies.
 *
 * @throws {ValidationError} for bad input
 */
export const apply: Command = (argv, io) => {
  const { positionals, faults } = parseSandboxArguments("apply", argv, { faults: true });
  const workspace = onlyAccount("apply", positionals);
  return inSandbox(io, { workspace, faults }, (sandbox) => applyAll(sandbox, io));
};

/**
 * Plans and applies every stack; stops at the first that fails.
 *
 * Before anything is made, what an earlier apply has left half done must be put right.
 */
export async function applyAll(sandbox: Sandbox, io: CommandIo): Promise<number> {
  sandbox.layOut();
  const obstacles = showObstacles(sandbox);
  if (obstacles !== "") {
    io.err(`${obstacles}Nothing has been changed.\n`);
    return 1;
  }
  const terraform = await sandbox.terraform();
  let changed = false;
  for (const folder of sandbox.folders) {
    const startedMs = Date.now();
    await terraform.prepare(folder);
    const planned = await terraform.plan(folder);
    if (planned.code !== 0) {
      return reportFailure(io, sandbox, folder.id, planned);
    }
    if (!changesAnything(planned.changes)) {
      // Outputs and moved addresses are no changes, and have to be written all the same.
      const kept = await terraform.apply(folder);
      if (kept.code !== 0) {
        return reportFailure(io, sandbox, folder.id, kept);
      }
      io.out(`${folder.id}: no changes\n`);
      continue;
    }
    changed = true;
    io.out(`${folder.id}: ${showCounts(planned.changes)}\n`);
    const applied = await terraform.apply(folder);
    if (applied.code !== 0) {
      return reportFailure(io, sandbox, folder.id, applied);
    }
    printProblems(io, folder.id, applied);
    io.out(`${folder.id}: applied in ${((Date.now() - startedMs) / 1000).toFixed(1)} s\n`);
  }
  io.out(
    changed
      ? `Account ${sandbox.account.workspace} is applied.\n`
      : `No changes: account ${sandbox.account.workspace} is as its file says.\n`,
  );
  return 0;
}
