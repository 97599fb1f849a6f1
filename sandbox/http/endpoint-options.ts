import * as z from "zod";
import { callerSchema } from "../aws/simulated-aws";

const accountSchema = z.object({
  workspace: z.string(),
  /** Account id: 12 digits. */
  id: z.string(),
  partition: callerSchema.shape.partition,
  planRole: z.string(),
  deployRole: z.string(),
  state: z.object({
    bucket: z.string(),
    keyPrefix: z.string(),
    account: z.string(),
    writeRole: z.string(),
    readRole: z.string(),
  }),
});

/** What the endpoints know of an account: who its roles are, and where its states are. */
export type EndpointAccount = Readonly<z.output<typeof accountSchema>>;

/** What the endpoints are started with. */
export const endpointOptionsSchema = z.object({
  /** Folder of the sandbox: `.sandbox`. */
  directory: z.string(),
  /** The accounts whose roles may be taken and whose buckets exist. */
  accounts: z.array(accountSchema).min(1),
  /** How long each answer takes, in milliseconds. @default 0 */
  latencyMs: z.number().int().nonnegative().optional(),
});

/** What the endpoints are started with. */
export interface EndpointOptions {
  readonly directory: string;
  readonly accounts: readonly EndpointAccount[];
  readonly latencyMs?: number | undefined;
}
