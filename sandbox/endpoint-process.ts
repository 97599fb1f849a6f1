import { join } from "node:path";
import type { EndpointOptions } from "./http/endpoint-options";
import type { RunningEndpoints } from "./http/endpoint-server";
import { startServerProcess } from "./server-process";

/** Endpoints in a process of their own. */
export interface EndpointProcess extends RunningEndpoints {
  readonly pid: number;
}

/**
 * Starts the endpoints in a process of their own, which serves on whatever becomes of a command;
 * waits until they serve.
 *
 * @throws {Error} if it ends before, with what it said
 */
export async function startEndpointProcess(options: EndpointOptions): Promise<EndpointProcess> {
  const { line, pid, stop } = await startServerProcess(
    "endpoint server",
    join(__dirname, "http", "main.ts"),
    options,
  );
  return { url: line, pid, stop };
}
