import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ProviderOptions } from "./provider/provider-options";
import type { RunningProvider } from "./provider/provider-server";

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
  const child = spawn(
    process.execPath,
    [
      "--require",
      require.resolve("tsx/cjs"),
      join(__dirname, "provider", "main.ts"),
      JSON.stringify(options),
    ],
    // It needs nothing of the environment, and so cannot find credentials there.
    { env: {}, stdio: ["pipe", "pipe", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const reattach = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once("line", resolve);
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`the provider ended with exit code ${code}: ${said}`)),
    );
  });
  return {
    reattach,
    pid: child.pid ?? 0,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    stop: () => child.stdin.end(),
  };
}
