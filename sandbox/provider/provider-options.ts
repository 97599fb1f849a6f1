import * as z from "zod";
import { faultsSchema } from "../aws/faults";
import { callerSchema } from "../aws/simulated-aws";

/** What the provider's process is started with. */
export const providerOptionsSchema = z.object({
  /** Folder of the simulated account's objects. */
  directory: z.string(),
  caller: callerSchema,
  faults: faultsSchema,
});

/** What the provider's process is started with. */
export type ProviderOptions = z.output<typeof providerOptionsSchema>;
