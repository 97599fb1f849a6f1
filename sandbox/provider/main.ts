/**
 * The provider's process: serves one simulated account until its stdin is closed.
 *
 * A process of its own, so that it can die in the middle of a call, and so that Ctrl-C, which a
 * terminal sends to all, lets Terraform finish its work with it.
 */
import { ObjectStore } from "../aws/object-store";
import { SimulatedAws } from "../aws/simulated-aws";
import { providerOptionsSchema } from "./provider-options";
import { startProvider } from "./provider-server";

async function main(options: string): Promise<void> {
  const { directory, caller, faults } = providerOptionsSchema.parse(JSON.parse(options));
  const aws = new SimulatedAws({
    store: new ObjectStore(directory),
    caller,
    faults,
    die: () => {
      process.kill(process.pid, "SIGKILL");
      return new Promise<never>(() => {});
    },
  });
  const { reattach, stop } = await startProvider(aws);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {});
  }
  process.stdin.resume().on("end", () => {
    stop();
    // What still waits must not be carried out once Terraform is gone.
    process.exit(0);
  });
  process.stdout.write(`${reattach}\n`);
}

void main(process.argv[2] ?? "");
