import type { Command, CommandIo } from "../../cli/io";
import { runKeyspan } from "../../cli/keyspan/program";
import { ValidationError } from "../../modules/errors";
import { openKeyspanIo } from "../keyspan-io";
import { requireTerraform } from "../terraform-program";
import { splitFaults } from "./shared";

/**
 * `npm run sandbox -- keyspan [fault flags] <command> …`: `npm run keyspan -- <command> …` on the
 * simulated AWS. What goes wrong there is said before the command's name. The commands that it names
 * are told as the sandbox takes them.
 *
 * @throws {ValidationError} for bad input
 */
export const keyspan: Command = async (argv, io) => {
  const { faults, rest } = splitFaults("keyspan", argv);
  if (rest.find((argument) => !argument.startsWith("-")) === "bootstrap") {
    throw new ValidationError(
      "keyspan: the command must not be bootstrap, got it; the sandbox has its state bucket from the start: run another command",
    );
  }
  const world = await openKeyspanIo(io, { program: await requireTerraform(io), faults });
  try {
    return await runKeyspan(rest, inSandboxTerms(world.io));
  } finally {
    world.close();
  }
};

function inSandboxTerms(io: CommandIo): CommandIo {
  const translated = (text: string) =>
    text.replaceAll("npm run keyspan --", "npm run sandbox -- keyspan");
  return {
    ...io,
    out: (text) => io.out(translated(text)),
    err: (text) => io.err(translated(text)),
  };
}
