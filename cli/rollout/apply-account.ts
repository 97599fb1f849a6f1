/** Applying an account: exactly what was reviewed, and what could only be planned on the way. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ValidationError } from "../../modules/errors";
import { failureOf } from "../failure-of";
import {
  hasUnsavedState,
  LOCK_FILE,
  pushStateCommand,
  type StackFolder,
  UNSAVED_STATE_FILE,
} from "../stack-folders";
import { neededOutputs } from "../stack-json";
import type { AccountSession } from "./account-session";
import { inDependencyOrder } from "./dependency-order";
import { recreatedKeys } from "./key-guard";
import {
  plannedStack,
  providerLockOf,
  readValues,
  reasonToDefer,
  stateIdentity,
  terraformVersion,
} from "./plan-account";
import { type PlannedStack, PROVIDER_LOCK, planFilesOf, type SavedAccountPlan } from "./plan-set";
import { sha256 } from "./sha256";
import { createsOnly, type ResourceChange, showCounts } from "./stack-changes";
import { describeFailure, type StackRun } from "./stack-terraform";
import { explainExisting } from "./unseen-objects";

/** How applying one stack ended. */
export interface StackResult {
  readonly id: string;
  /**
   * `applied`, `unchanged`, `failed`, `stopped` in the middle, `waiting` for a second approval, or
   * `not-started`.
   */
  readonly status: "applied" | "unchanged" | "failed" | "stopped" | "waiting" | "not-started";
  /** What was done, or waits. */
  readonly changes: readonly ResourceChange[];
  /** Why it failed, waits or was not started. */
  readonly reason?: string;
}

/** How applying an account ended. */
export interface ApplyOutcome {
  readonly stacks: readonly StackResult[];
  /** Makes the plan of what waits for a second approval; there is none if nothing waits. */
  readonly second?: () => Promise<SavedAccountPlan>;
}

interface Outcome {
  readonly result: StackResult;
  /** What is known for a second plan of it. */
  readonly planned?: PlannedStack;
  readonly planFile?: string;
  readonly changingOutputs: ReadonlySet<string> | undefined;
}

/**
 * Applies what was planned, several stacks at a time, each after those that it depends on.
 *
 * When one fails, those that run end, and those that depend on it are not started.
 *
 * @param saved - verified, and planned against the states as they are
 */
export async function applyAccount(
  session: AccountSession,
  { plan, files }: SavedAccountPlan,
): Promise<ApplyOutcome> {
  const { account, context, folders } = session;
  const { workspace } = account;
  const planFolder = join(session.workDirectory, "approved");
  mkdirSync(planFolder, { recursive: true, mode: 0o700 });
  context.progress.open(
    workspace,
    folders.map(({ id }) => id),
  );
  const outcomes = await inDependencyOrder<Outcome>(
    folders,
    context.stacksAtATime,
    caught(session, async (folder, done) => {
      const planned = plan.stacks.find(({ id }) => id === folder.id);
      const obstacle = context.stop.requested ? "stopped" : obstacleOf(folder, done);
      if (obstacle !== undefined || planned === undefined) {
        context.progress.end(workspace, folder.id, `not started: ${obstacle}`);
        return ended(folder, "not-started", [], obstacle);
      }
      if (planned.status === "unchanged") {
        context.progress.end(workspace, folder.id, "no changes");
        return { ...ended(folder, "unchanged", []), planned, changingOutputs: new Set<string>() };
      }
      if (planned.status === "deferred") {
        return applyDeferred(session, folder, done);
      }
      // The bytes that were verified, in a folder that nobody else writes to.
      const planFile = join(planFolder, planFilesOf(folder.id).plan);
      writeFileSync(planFile, files.get(planFilesOf(folder.id).plan) ?? "", { mode: 0o600 });
      return applyPlanned(session, folder, planned, planFile);
    }),
  );
  const stacks = folders.flatMap(({ id }) => outcomes.get(id)?.result ?? []);
  return stacks.some(({ status }) => status === "waiting")
    ? { stacks, second: () => secondPlan(session, plan, outcomes) }
    : { stacks };
}

type StackWork = (folder: StackFolder, done: ReadonlyMap<string, Outcome>) => Promise<Outcome>;

/** Work on a stack that never throws: what happened to the others must still be told. */
function caught({ context, account }: AccountSession, work: StackWork): StackWork {
  return async (folder, done) => {
    try {
      return await work(folder, done);
    } catch (error) {
      context.progress.end(account.workspace, folder.id, "failed", true);
      return ended(folder, "failed", [], failureOf(error));
    }
  };
}

/** Why a stack cannot be started; `undefined` if it can. */
function obstacleOf(folder: StackFolder, done: ReadonlyMap<string, Outcome>): string | undefined {
  const bad = folder.dependencies.filter((id) =>
    ["failed", "stopped", "not-started"].includes(done.get(id)?.result.status ?? ""),
  );
  return bad.length === 0 ? undefined : `waits for ${bad.join(", ")}`;
}

async function applyPlanned(
  session: AccountSession,
  folder: StackFolder,
  planned: PlannedStack,
  planFile: string,
): Promise<Outcome> {
  const { progress } = session.context;
  const { workspace } = session.account;
  const producers = await session.states(Object.keys(planned.read));
  const differing = differingReads(planned, readValues(folder, producers));
  if (differing.length > 0) {
    progress.end(workspace, folder.id, "failed", true);
    return ended(
      folder,
      "failed",
      [],
      `what it reads from other stacks must be as it was planned, got another value of ${differing.join(", ")}; plan again: npm run keyspan -- plan ${workspace}`,
    );
  }
  progress.begin(workspace, folder.id, `applying: ${showCounts(planned.changes)}`);
  await session.stacks.prepare(folder, "make");
  const run = await session.stacks.apply(folder, planFile, (line) =>
    progress.step(workspace, folder.id, line),
  );
  return outcomeOf(session, folder, run, planned.changes, planFile);
}

/** Plans a stack whose producers are applied by now, and applies what only creates. */
async function applyDeferred(
  session: AccountSession,
  folder: StackFolder,
  done: ReadonlyMap<string, Outcome>,
): Promise<Outcome> {
  const { progress } = session.context;
  const { workspace } = session.account;
  await session.stacks.prepare(folder, "make");
  const states = await session.states([folder.id, ...neededOutputs(folder).keys()]);
  const reason = reasonToDefer(folder, states, done);
  if (reason !== undefined) {
    progress.end(workspace, folder.id, reason);
    return ended(folder, "waiting", [], reason);
  }
  progress.begin(workspace, folder.id, "planning");
  const planFile = join(session.workDirectory, planFilesOf(folder.id).plan);
  const run = await session.stacks.plan(folder, { planFile, lock: true });
  const problems = run.ok
    ? recreatedKeys(folder, run.changes.resources, states.get(folder.id))
    : [];
  if (!run.ok || problems.length > 0) {
    progress.end(workspace, folder.id, "cannot be planned", true);
    return ended(
      folder,
      run.stopped ? "stopped" : "failed",
      [],
      run.ok ? problems.join("\n") : describeFailure(folder.id, run),
    );
  }
  const planned = plannedStack(folder, states, run);
  const { resources } = run.changes;
  if (!run.pending) {
    progress.end(workspace, folder.id, "no changes");
    return { ...ended(folder, "unchanged", []), planned, changingOutputs: new Set<string>() };
  }
  if (!createsOnly(run.changes)) {
    progress.end(workspace, folder.id, `waits for approval: ${showCounts(resources)}`);
    return {
      ...ended(
        folder,
        "waiting",
        resources,
        "it could only be planned now, and changes more than it creates",
      ),
      planned,
      planFile,
      changingOutputs: new Set(run.changes.outputs),
    };
  }
  if (session.context.stop.requested) {
    progress.end(workspace, folder.id, "not started: stopped");
    return ended(folder, "not-started", [], "stopped");
  }
  progress.begin(workspace, folder.id, `applying: ${showCounts(resources)}`);
  const applied = await session.stacks.apply(folder, planFile, (line) =>
    progress.step(workspace, folder.id, line),
  );
  return outcomeOf(session, folder, applied, resources, planFile);
}

async function outcomeOf(
  session: AccountSession,
  folder: StackFolder,
  run: StackRun,
  changes: readonly ResourceChange[],
  planFile: string,
): Promise<Outcome> {
  const { progress } = session.context;
  const { workspace } = session.account;
  if (run.ok) {
    progress.end(workspace, folder.id, `applied: ${showCounts(changes)}`);
    return { ...ended(folder, "applied", changes), changingOutputs: new Set<string>() };
  }
  progress.end(workspace, folder.id, run.stopped ? "stopped" : "failed", true);
  const explanation = await explainExisting(session, folder, run, planFile);
  return ended(
    folder,
    run.stopped ? "stopped" : "failed",
    changes,
    [describeFailure(folder.id, run), ...explanation, ...unsavedState(workspace, folder)].join(
      "\n",
    ),
  );
}

/** What to do about a state that Terraform could not write. */
function unsavedState(workspace: string, folder: StackFolder): readonly string[] {
  return hasUnsavedState(folder)
    ? [
        `${folder.id}: ITS STATE COULD NOT BE WRITTEN and is only in ${join(folder.directory, UNSAVED_STATE_FILE)}: keep that file. Once the state bucket can be reached: ${pushStateCommand(workspace, folder.id)}`,
      ]
    : [];
}

function ended(
  { id }: StackFolder,
  status: StackResult["status"],
  changes: readonly ResourceChange[],
  reason?: string,
): Outcome {
  return {
    result: { id, status, changes, ...(reason !== undefined && { reason }) },
    changingOutputs: undefined,
  };
}

/** What is left for a second approval, as a plan against the states as they are now. */
async function secondPlan(
  session: AccountSession,
  approved: SavedAccountPlan["plan"],
  outcomes: ReadonlyMap<string, Outcome>,
): Promise<SavedAccountPlan> {
  const states = await session.states();
  const files = new Map<string, Uint8Array>();
  const stacks: PlannedStack[] = [];
  for (const folder of session.folders) {
    const { result, planned, planFile } = outcomes.get(folder.id) ?? {};
    const names = planFilesOf(folder.id);
    files.set(names.configuration, session.configurationOf(folder));
    if (result?.status === "waiting" && planned !== undefined && planFile !== undefined) {
      files.set(names.plan, readFileSync(planFile));
      files.set(names.words, Buffer.from(await session.stacks.describePlan(folder, planFile)));
      stacks.push(planned);
    } else {
      const isDone = result?.status === "applied" || result?.status === "unchanged";
      stacks.push({
        id: folder.id,
        status: isDone ? "unchanged" : "deferred",
        ...(!isDone && { reason: result?.reason ?? "it was not planned" }),
        changes: [],
        state: stateIdentity(states.get(folder.id)),
        read: isDone ? readValues(folder, states) : {},
      });
    }
  }
  const lock = providerLockOf(session.folders);
  if (lock !== undefined) {
    files.set(PROVIDER_LOCK, lock);
  }
  return {
    plan: {
      ...approved,
      providerLock: lock === undefined ? null : sha256(lock),
      stacks,
      files: {},
    },
    files,
  };
}

/**
 * Verifies that an account still is what its approved plan was made for. Opens no plan, and writes
 * nothing.
 *
 * @throws {ValidationError} with everything that is not
 */
export async function verifyUnmoved(
  session: AccountSession,
  { plan, files }: SavedAccountPlan,
): Promise<void> {
  const { account, folders } = session;
  const states = await session.states();
  const problems: string[] = [];
  const compare = (what: string, planned: unknown, actual: unknown) => {
    if (planned !== actual) {
      problems.push(`${what} must be ${show(planned)}, as it was planned, got ${show(actual)}`);
    }
  };
  compare("the workspace", plan.workspace, account.workspace);
  compare("the account id", plan.accountId, account.id);
  compare("the version of Terraform", plan.terraformVersion, await terraformVersion(session));
  compare(
    "the stacks",
    plan.stacks.map(({ id }) => id).join(", "),
    folders.map(({ id }) => id).join(", "),
  );
  for (const folder of folders) {
    const planned = plan.stacks.find(({ id }) => id === folder.id);
    if (planned === undefined) {
      continue;
    }
    const { configuration } = planFilesOf(folder.id);
    compare(
      `${folder.id}: the configuration of this checkout`,
      sha256(files.get(configuration) ?? ""),
      sha256(session.configurationOf(folder)),
    );
    compare(
      `${folder.id}: the state`,
      showState(planned.state),
      showState(stateIdentity(states.get(folder.id))),
    );
    for (const differing of differingReads(planned, readValues(folder, states))) {
      problems.push(
        `${folder.id}: what it reads must be as it was planned, got another value of ${differing}`,
      );
    }
  }
  refuseMoved(account.workspace, problems);
}

/**
 * Verifies that the stacks are prepared with the providers that the approved plan was made with.
 *
 * @throws {ValidationError} if they are not
 */
export function verifyProviders(session: AccountSession, { plan }: SavedAccountPlan): void {
  const lock = providerLockOf(session.folders);
  const actual = lock === undefined ? null : sha256(lock);
  if (plan.providerLock !== actual) {
    refuseMoved(session.account.workspace, [
      `the provider lock file must be ${show(plan.providerLock)}, as it was planned, got ${show(actual)}`,
    ]);
  }
}

function refuseMoved(workspace: string, problems: readonly string[]): void {
  if (problems.length > 0) {
    throw new ValidationError(
      [
        `account ${workspace}: the approved plan no longer fits; nothing was opened or applied: plan again (npm run keyspan -- plan ${workspace}) and have that approved`,
        ...problems.map((problem) => `  ${problem}`),
      ].join("\n"),
    );
  }
}

/**
 * Gives the stacks the provider lock file that an approved plan was made with, in place of one that an
 * earlier run has left there. A lock file of the project itself stays: it is compared.
 */
export function takeProviderLock(session: AccountSession, { files }: SavedAccountPlan): void {
  if (session.hasProviderLock) {
    return;
  }
  const lock = files.get(PROVIDER_LOCK);
  for (const { directory } of session.folders) {
    const file = join(directory, LOCK_FILE);
    rmSync(file, { force: true });
    if (lock !== undefined) {
      writeFileSync(file, lock);
    }
  }
}

/** What a stack reads that is not as it was planned, as `<stack>.<output>`; only of planned stacks. */
function differingReads(planned: PlannedStack, actual: PlannedStack["read"]): readonly string[] {
  return Object.entries(planned.read).flatMap(([producer, outputs]) =>
    Object.entries(outputs)
      .filter(([output, hash]) => actual[producer]?.[output] !== hash)
      .map(([output]) => `${producer}.${output}`),
  );
}

function showState(state: PlannedStack["state"]): string {
  return state === null
    ? "none"
    : `serial ${state.serial} of ${state.lineage}, SHA-256 ${state.sha256}`;
}

function show(value: unknown): string {
  return value === null ? "none" : String(value);
}
