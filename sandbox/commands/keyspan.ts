import type { Command } from "../../cli/io";
import { runKeyspan } from "../../cli/keyspan/program";
import { openKeyspanIo } from "../keyspan-io";
import { requireTerraform } from "../terraform-program";
import { splitFaults } from "./shared";

/**
 * `npm run sandbox -- keyspan [fault flags] <command> …`: `npm run keyspan -- <command> …` on the
 * simulated AWS. What goes wrong there is said before the command's name.
 *
 * @throws {ValidationError} for bad input
 */
export const keyspan: Command = async (argv, io) => {
  const { faults, rest } = splitFaults("keyspan", argv);
  const world = await openKeyspanIo(io, { program: await requireTerraform(io), faults });
  try {
    return await runKeyspan(rest, world.io);
  } finally {
    world.close();
  }
};
