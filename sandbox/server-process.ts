import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A server of the sandbox in a process of its own. */
export interface ServerProcess {
  readonly pid: number;
  /** The line that it wrote once it served: where it is to be found. */
  readonly line: string;
  hasEnded(): boolean;
  /** Ends it. */
  stop(): void;
}

/**
 * Starts a server in a process of its own; waits until it serves.
 *
 * @param name - what it is, as a message names it
 * @param file - its TypeScript
 * @param options - what it gets, as JSON
 * @throws {Error} if it ends before, with what it said
 */
export async function startServerProcess(
  name: string,
  file: string,
  options: object,
): Promise<ServerProcess> {
  const child = spawn(
    process.execPath,
    ["--require", require.resolve("tsx/cjs"), file, JSON.stringify(options)],
    // It needs nothing of the environment, and so cannot find credentials there.
    { env: {}, stdio: ["pipe", "pipe", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once("line", resolve);
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`the ${name} ended with exit code ${code}: ${said}`)),
    );
  });
  return {
    pid: child.pid ?? 0,
    line,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    stop: () => child.stdin.end(),
  };
}
