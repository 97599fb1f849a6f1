/** The process of endpoints of their own: serves until its stdin is closed, and outlives Ctrl-C. */
import { endpointOptionsSchema } from "./endpoint-options";
import { startEndpoints } from "./endpoint-server";

async function main(options: string): Promise<void> {
  const { url } = await startEndpoints(endpointOptionsSchema.parse(JSON.parse(options)));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {});
  }
  process.stdin.resume().on("end", () => process.exit(0));
  process.stdout.write(`${url}\n`);
}

void main(process.argv[2] ?? "");
