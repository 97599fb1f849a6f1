import type { Command } from "../../cli/io";
import { showValue, ValidationError } from "../../modules/errors";
import { inSandbox, parseSandboxArguments, stackNamed } from "./shared";

/**
 * `npm run sandbox -- import <account> <stack> <address> <import id>`: takes an object over into a
 * stack's state, as `terraform import` does. `show` prints the command for each unseen object.
 *
 * @throws {ValidationError} for bad input
 */
export const importObject: Command = (argv, io) => {
  const { positionals } = parseSandboxArguments("import", argv);
  const [workspace, stack, address, importId, ...surplus] = positionals;
  if (
    stack === undefined ||
    address === undefined ||
    importId === undefined ||
    surplus.length > 0
  ) {
    throw new ValidationError(
      `import: an account, a stack, an address and an import id must be given, got ${showValue(positionals.join(" "))}; copy the command from npm run sandbox -- show <account>`,
    );
  }
  return inSandbox(io, { workspace }, async (sandbox) => {
    sandbox.layOut();
    const folder = stackNamed("import", sandbox, stack);
    const terraform = await sandbox.terraform();
    await terraform.prepare(folder);
    await terraform.import(folder, address, importId);
    io.out(`${stack}: ${address} is taken over\n`);
    return 0;
  });
};
