import { join } from "node:path";
import type { ProviderOptions } from "./provider/provider-options";
import type { RunningProvider } from "./provider/provider-server";
import { startServerProcess } from "./server-process";

/** A provider in a process of its own. */
export interface ProviderProcess extends RunningProvider {
  readonly pid: number;
}

/**
 * Starts a provider in a process of its own; waits until it serves.
 *
 * @throws {Error} if it ends before, with what it said
 */
export async function startProviderProcess(options: ProviderOptions): Promise<ProviderProcess> {
  const { line, ...server } = await startServerProcess(
    "provider",
    join(__dirname, "provider", "main.ts"),
    options,
  );
  return { reattach: line, ...server };
}
