/** Destroying an account's stacks: those that read from others first. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { StackFolder } from "../stack-folders";
import type { AccountSession } from "./account-session";
import { inDependencyOrder } from "./dependency-order";
import { refuseDeployedProtection } from "./deployed-protection";
import { keysLeftByDestroy } from "./key-guard";
import { prepareAll } from "./plan-account";
import { showCounts } from "./stack-changes";
import { describeFailure, type PlanRun } from "./stack-terraform";
import { refuseVanishedStacks } from "./vanished-stacks";

/** The plan that destroys a stack. */
export interface DestroyPlan extends PlanRun {
  readonly planFile: string;
}

/** How destroying one stack ended. */
export interface DestroyResult {
  readonly id: string;
  readonly ok: boolean;
  readonly words: string;
}

/**
 * Plans the destruction of every stack that was ever deployed.
 *
 * @throws {ValidationError} if what is deployed still is protected
 */
export async function planDestroy(session: AccountSession): Promise<{
  readonly plans: ReadonlyMap<string, DestroyPlan>;
  readonly failures: readonly string[];
}> {
  const { context, account } = session;
  const { workspace } = account;
  const states = await session.states();
  await refuseVanishedStacks(session.bucket, workspace, session.folders);
  refuseDeployedProtection(workspace, states, `npm run keyspan -- apply ${workspace}`);
  for (const notice of await keysLeftByDestroy(session, states)) {
    context.progress.say(`${workspace}: ${notice}`);
  }
  await prepareAll(session, states);
  mkdirSync(session.workDirectory, { recursive: true, mode: 0o700 });
  const deployed = reversed(session.folders.filter(({ id }) => states.has(id)));
  context.progress.open(
    account.workspace,
    deployed.map(({ id }) => id),
  );
  const plans = await inDependencyOrder(
    deployed.map((folder) => ({ ...folder, dependencies: [] })),
    context.stacksAtATime,
    async (folder): Promise<DestroyPlan> => {
      context.progress.begin(account.workspace, folder.id, "planning");
      const planFile = join(session.workDirectory, `${folder.id}.tfplan`);
      const run = await session.stacks.plan(folder, { planFile, lock: true, flags: ["-destroy"] });
      context.progress.step(account.workspace, folder.id, showCounts(run.changes.resources));
      return { ...run, planFile };
    },
  );
  return {
    plans,
    failures: [...plans].flatMap(([id, run]) => (run.ok ? [] : describeFailure(id, run))),
  };
}

/** Destroys what was planned, consumers before producers; stops at what fails. */
export async function destroyAccount(
  session: AccountSession,
  plans: ReadonlyMap<string, DestroyPlan>,
): Promise<readonly DestroyResult[]> {
  const { context, account } = session;
  const results = await inDependencyOrder<DestroyResult>(
    reversed(session.folders.filter(({ id }) => plans.has(id))),
    context.stacksAtATime,
    async (folder, done) => {
      const { id } = folder;
      const plan = plans.get(id);
      const failed = folder.dependencies.filter((other) => done.get(other)?.ok === false);
      if (plan === undefined || context.stop.requested || failed.length > 0) {
        return {
          id,
          ok: false,
          words: `not started: ${failed.length > 0 ? `waits for ${failed.join(", ")}` : "stopped"}`,
        };
      }
      if (!plan.pending) {
        return { id, ok: true, words: "nothing to destroy" };
      }
      context.progress.begin(account.workspace, id, "destroying");
      const run = await session.stacks.apply(folder, plan.planFile, (line) =>
        context.progress.step(account.workspace, id, line),
      );
      const words = run.ok ? "destroyed" : describeFailure(id, run);
      context.progress.end(account.workspace, id, run.ok ? words : "failed", !run.ok);
      return { id, ok: run.ok, words };
    },
  );
  return [...results.values()];
}

/** The stacks in the order in which they are destroyed: each waits for those that depend on it. */
function reversed(folders: readonly StackFolder[]): readonly StackFolder[] {
  return folders.toReversed().map((folder) => ({
    ...folder,
    dependencies: folders
      .filter(({ dependencies }) => dependencies.includes(folder.id))
      .map(({ id }) => id),
  }));
}
