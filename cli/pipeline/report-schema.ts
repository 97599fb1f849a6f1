import * as z from "zod";

const changesSchema = z.array(
  z.object({ address: z.string(), type: z.string(), action: z.string() }),
);

/** Of the JSON of `plan`, what people are shown. */
export const planReportSchema = z.object({
  digest: z.string(),
  /** Whether the plans are in the state bucket, from where `apply --digest` takes them. */
  uploaded: z.boolean(),
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

/** Of the JSON of `status`, what people are shown. */
export const statusReportSchema = z.object({
  accounts: z.array(
    z.union([
      z.object({ account: z.string(), failure: z.string() }),
      z.object({
        account: z.string(),
        stacks: z.array(
          z.object({
            stack: z.string(),
            deployed: z.boolean(),
            resources: z.number(),
            drift: z.array(
              z.object({
                address: z.string(),
                action: z.string(),
                arguments: z.array(z.string()),
              }),
            ),
            pending: changesSchema,
            waiting: z.boolean(),
            unconfirmed: z.array(z.string()),
            unknown: z.string().optional(),
            failed: z.boolean().optional(),
          }),
        ),
        vanished: z.array(z.object({ id: z.string(), resources: z.number() })),
        locks: z.array(
          z.object({
            on: z.string(),
            id: z.string(),
            who: z.string(),
            operation: z.string(),
            created: z.string(),
          }),
        ),
      }),
    ]),
  ),
  notStarted: z.array(z.string()),
});

/** What `plan` printed. */
export type PlanReport = z.output<typeof planReportSchema>;

/** What `apply` printed. */
export type ApplyReport = z.output<typeof applyReportSchema>;

/** What `status` printed. */
export type StatusReport = z.output<typeof statusReportSchema>;
