import type { Command } from "../../cli/io";
import { reportFailure, showObstacles } from "./report";
import { inSandbox, onlyAccount, parseSandboxArguments } from "./shared";

/**
 * `npm run sandbox -- plan <account>`: shows what an apply would change, stack by stack, in
 * Terraform's words.
 *
 * @throws {ValidationError} for bad input
 */
export const plan: Command = (argv, io) => {
  const { positionals, faults } = parseSandboxArguments("plan", argv, { faults: true });
  const workspace = onlyAccount("plan", positionals);
  return inSandbox(io, { workspace, faults }, async (sandbox) => {
    sandbox.layOut();
    const terraform = await sandbox.terraform();
    for (const folder of sandbox.folders) {
      const waitsFor = sandbox.missingOutputs(folder);
      if (waitsFor.length > 0) {
        io.out(
          `${folder.id}: waits for outputs of ${waitsFor.join(", ")}, which must be applied first\n`,
        );
        continue;
      }
      await terraform.prepare(folder);
      const result = await terraform.plan(folder);
      if (result.code !== 0) {
        return reportFailure(io, sandbox, folder.id, result);
      }
      const { text } = await terraform.showPlan(folder);
      io.out(`${folder.id}:\n${text}\n`);
    }
    io.err(showObstacles(sandbox));
    return 0;
  });
};
