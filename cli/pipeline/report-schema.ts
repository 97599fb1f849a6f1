import * as z from "zod";

const changesSchema = z.array(
  z.object({ address: z.string(), type: z.string(), action: z.string() }),
);

/** Of the JSON of `plan`, what people are shown. */
export const planReportSchema = z.object({
  digest: z.string(),
  accounts: z.array(
    z.object({
      account: z.string(),
      stacks: z.array(
        z.object({
          stack: z.string(),
          status: z.enum(["planned", "unchanged", "deferred"]),
          reason: z.string().optional(),
          changes: changesSchema,
        }),
      ),
    }),
  ),
  failures: z.array(z.object({ account: z.string(), text: z.string() })),
  notStarted: z.array(z.string()),
});

/** Of the JSON of `apply`, what people are shown. */
export const applyReportSchema = z.object({
  accounts: z.array(
    z.object({
      account: z.string(),
      stacks: z.array(
        z.object({
          stack: z.string(),
          status: z.string(),
          reason: z.string().optional(),
          changes: changesSchema,
        }),
      ),
      failures: z.array(z.string()),
      waiting: z.object({ digest: z.string() }).optional(),
    }),
  ),
  notStarted: z.array(z.string()),
});

/** What `plan` printed. */
export type PlanReport = z.output<typeof planReportSchema>;

/** What `apply` printed. */
export type ApplyReport = z.output<typeof applyReportSchema>;
