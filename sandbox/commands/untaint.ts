import type { Command } from "../../cli/io";
import { showValue, ValidationError } from "../../modules/errors";
import { inSandbox, parseSandboxArguments, stackNamed } from "./shared";

/**
 * `npm run sandbox -- untaint <account> <stack> <address>`: keeps a resource whose making failed
 * half-way, as `terraform untaint` does. `show` prints the command for each such key.
 *
 * @throws {ValidationError} for bad input
 */
export const untaint: Command = (argv, io) => {
  const { positionals } = parseSandboxArguments("untaint", argv);
  const [workspace, stack, address, ...surplus] = positionals;
  if (stack === undefined || address === undefined || surplus.length > 0) {
    throw new ValidationError(
      `untaint: an account, a stack and an address must be given, got ${showValue(positionals.join(" "))}; copy the command from npm run sandbox -- show <account>`,
    );
  }
  return inSandbox(io, { workspace }, async (sandbox) => {
    sandbox.layOut();
    const folder = stackNamed("untaint", sandbox, stack);
    const terraform = await sandbox.terraform();
    await terraform.prepare(folder);
    await terraform.untaint(folder, address);
    io.out(`${stack}: ${address} is kept\n`);
    return 0;
  });
};
