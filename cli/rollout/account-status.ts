/** How an account stands: what is deployed, what has changed since, what waits, what is locked. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { StackFolder } from "../stack-folders";
import { readStackJson } from "../stack-json";
import { type HeldLock, heldLocks } from "./account-lock";
import type { AccountSession } from "./account-session";
import { inDependencyOrder } from "./dependency-order";
import { reasonToDefer } from "./plan-account";
import { planFilesOf } from "./plan-set";
import type { ResourceChange } from "./stack-changes";
import { describeFailure } from "./stack-terraform";
import type { StackState } from "./state-bucket";
import { type VanishedStack, vanishedStacks } from "./vanished-stacks";

/** Something in AWS that is not as the last apply has left it. */
export interface Drift {
  readonly address: string;
  /** `delete` if it is gone, otherwise `update`. */
  readonly action: string;
  /** Arguments that have changed. */
  readonly arguments: readonly string[];
}

/** How one stack stands. */
export interface StackStatus {
  readonly id: string;
  /** Whether it was ever deployed. */
  readonly deployed: boolean;
  /** Resources in its state. */
  readonly resources: number;
  /** When its state was written last, as RFC 3339 has it. */
  readonly writtenAt?: string;
  readonly drift: readonly Drift[];
  /** What an apply would change. */
  readonly pending: readonly ResourceChange[];
  /** Whether an apply would write anything, if only outputs. */
  readonly waiting: boolean;
  /** Subscriptions that nobody has confirmed: they hear nothing. */
  readonly unconfirmed: readonly string[];
  /** Why nothing can be said of drift and changes. */
  readonly unknown?: string;
  /** Whether Terraform could not look. */
  readonly failed?: boolean;
}

/** How an account stands. */
export interface AccountStatus {
  readonly workspace: string;
  readonly stacks: readonly StackStatus[];
  readonly locks: readonly HeldLock[];
  /** Stacks that the account no longer defines, and that still hold resources. */
  readonly vanished: readonly VanishedStack[];
}

const valuesSchema = z.record(z.string(), z.unknown());

const planSchema = z.object({
  prior_state: z
    .object({
      values: z
        .object({
          root_module: z.object({
            resources: z
              .array(z.object({ address: z.string(), type: z.string(), values: valuesSchema }))
              .default([]),
          }),
        })
        .optional(),
    })
    .optional(),
  resource_drift: z
    .array(
      z.object({
        address: z.string(),
        type: z.string(),
        name: z.string(),
        change: z.object({
          actions: z.array(z.string()),
          before: valuesSchema.nullable(),
          after: valuesSchema.nullable(),
        }),
      }),
    )
    .default([]),
});

const stackSchema = z.object({
  resource: z
    .record(
      z.string(),
      z.record(
        z.string(),
        z.looseObject({
          lifecycle: z.object({ ignore_changes: z.array(z.string()).default([]) }).optional(),
        }),
      ),
    )
    .default({}),
});

/** Looks at an account without changing anything. */
export async function accountStatus(session: AccountSession): Promise<AccountStatus> {
  const { context, folders, account, bucket } = session;
  const [states, locks, vanished] = await Promise.all([
    session.states(),
    heldLocks(bucket, folders),
    vanishedStacks(bucket, folders),
  ]);
  mkdirSync(session.workDirectory, { recursive: true, mode: 0o700 });
  context.progress.open(
    account.workspace,
    folders.map(({ id }) => id),
  );
  const stacks = await inDependencyOrder(
    folders,
    context.stacksAtATime,
    async (folder): Promise<StackStatus> => {
      const state = states.get(folder.id);
      const status = await stackStatus(session, folder, state, states);
      context.progress.end(account.workspace, folder.id, "looked at", status.failed);
      return status;
    },
  );
  return { workspace: account.workspace, stacks: [...stacks.values()], locks, vanished };
}

async function stackStatus(
  session: AccountSession,
  folder: StackFolder,
  state: StackState | undefined,
  states: ReadonlyMap<string, StackState>,
): Promise<StackStatus> {
  const known = {
    id: folder.id,
    deployed: state !== undefined,
    resources: state?.resources.length ?? 0,
    ...(state?.writtenAt !== undefined && { writtenAt: state.writtenAt.toISOString() }),
    drift: [],
    pending: [],
    waiting: false,
    unconfirmed: [],
  };
  if (state === undefined) {
    return { ...known, unknown: "it was never deployed" };
  }
  // Of others only the states count here, not what they are about to change.
  const settled = new Map(
    session.folders.map(({ id }) => [id, { changingOutputs: new Set<string>() }]),
  );
  if (session.context.stop.requested) {
    return { ...known, failed: true, unknown: "stopped before it was looked at" };
  }
  const reason = reasonToDefer(folder, states, settled);
  if (reason !== undefined) {
    return { ...known, unknown: reason };
  }
  session.context.progress.begin(session.account.workspace, folder.id, "looking at AWS");
  await session.stacks.prepare(folder, "exists");
  const planFile = join(session.workDirectory, planFilesOf(folder.id).plan);
  const run = await session.stacks.plan(folder, { planFile, lock: false });
  if (!run.ok) {
    return { ...known, failed: true, unknown: describeFailure(folder.id, run) };
  }
  const plan = await session.stacks.planJson(folder, planFile, planSchema);
  return {
    ...known,
    drift: driftIn(folder, plan),
    pending: run.changes.resources,
    waiting: run.pending,
    unconfirmed: (plan.prior_state?.values?.root_module.resources ?? [])
      .filter(
        ({ type, values }) =>
          type === "aws_sns_topic_subscription" && values.pending_confirmation === true,
      )
      .map(({ values }) => `${values.protocol} on ${String(values.topic_arn).split(":").at(-1)}`)
      .sort(),
  };
}

/**
 * What has changed in AWS. Terraform also reports what its own resources do to each other, such as a
 * queue that has its policy from a resource of its own: so only what the stack states counts, or
 * states that it ignores.
 */
function driftIn(folder: StackFolder, plan: z.output<typeof planSchema>): readonly Drift[] {
  const { resource } = stackSchema.parse(readStackJson(folder));
  return plan.resource_drift.flatMap(({ address, type, name, change }) => {
    const { actions, before, after } = change;
    if (actions.includes("delete")) {
      return [{ address, action: "delete", arguments: [] }];
    }
    const block = resource[type]?.[name] ?? {};
    const stated = [...Object.keys(block), ...(block.lifecycle?.ignore_changes ?? []), "tags_all"];
    const changed = stated
      .filter(
        (argument) => JSON.stringify(before?.[argument]) !== JSON.stringify(after?.[argument]),
      )
      .sort();
    return changed.length === 0 ? [] : [{ address, action: "update", arguments: changed }];
  });
}
