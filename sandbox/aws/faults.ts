import * as z from "zod";

const count = z.number().int().nonnegative();

/** What goes wrong in the simulated AWS, on demand. Changes are the calls that change something, counted from 1 over all services and regions. */
export const faultsSchema = z.strictObject({
  /** How long each call takes, in milliseconds. */
  latencyMs: count.optional(),
  /** How often each call is told to slow down before it is served. The provider tries 25 times more. */
  throttledAttempts: count.optional(),
  /** The call, whatever it does, that is answered with an error; counted from 1 like the changes. */
  failCall: count.optional(),
  /** The change that is answered with an error. */
  failChange: count.optional(),
  /** The change before which the provider process dies. */
  dieBeforeChange: count.optional(),
  /** The change after which the provider process dies, unanswered. */
  dieAfterChange: count.optional(),
  /** How often a new KMS key is not found, as KMS allows itself. */
  newKeyUnseenReads: count.optional(),
});

/** What goes wrong in the simulated AWS, on demand; nothing unless asked for. */
export type Faults = Readonly<z.output<typeof faultsSchema>>;

/** The faults by the flag that asks for each. */
export const FAULT_FLAGS = {
  "latency-ms": "latencyMs",
  "throttled-attempts": "throttledAttempts",
  "fail-call": "failCall",
  "fail-change": "failChange",
  "die-before-change": "dieBeforeChange",
  "die-after-change": "dieAfterChange",
  "new-key-unseen-reads": "newKeyUnseenReads",
} as const satisfies Readonly<Record<string, keyof Faults>>;
