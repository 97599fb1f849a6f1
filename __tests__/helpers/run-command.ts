import type { Command, CommandIo } from "../../cli/io";

/** How a command ended, and what it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in this process, with nobody at the terminal and an empty environment unless given. */
export async function runCommand(
  command: Command,
  argv: readonly string[],
  io: Partial<CommandIo>,
): Promise<Ended & { readonly code: number }> {
  let out = "";
  let err = "";
  const code = await command(argv, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    interactive: false,
    nodeVersion: "20.20.2",
    env: {},
    ...io,
  });
  return { code, out, err };
}
