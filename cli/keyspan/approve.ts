import { ValidationError } from "../../modules/errors";
import type { CommandIo } from "../io";

/**
 * Refuses to begin what somebody must approve when nobody is there to be asked.
 *
 * @throws {ValidationError} if nobody can answer
 */
export function requireApprover(command: string, { interactive, ask }: CommandIo): void {
  if (!interactive || ask === undefined) {
    throw new ValidationError(
      `${command}: somebody must be at the terminal to approve the plan, got a stdin that is no terminal; ${command === "apply" ? "name what was approved by --digest, or add --yes" : "add --yes"}`,
    );
  }
}

/**
 * Asks for the account's name: a key pressed by habit approves nothing.
 *
 * @param what - what is approved, such as `apply this`
 */
export async function approve(io: CommandIo, account: string, what: string): Promise<boolean> {
  requireApprover(what, io);
  const answer = await io.ask?.(`To ${what}, type the account's name (${account}): `);
  return answer?.trim() === account;
}
