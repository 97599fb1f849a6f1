/** Planning an account: every stack that can be planned now, and the name of what the others wait for. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ValidationError } from "../../modules/errors";
import { LOCK_FILE, STACK_FILE, type StackFolder } from "../stack-folders";
import { neededOutputs, readStackJson, resourceCounts } from "../stack-json";
import { refuseLocks } from "./account-lock";
import type { AccountSession } from "./account-session";
import { inDependencyOrder } from "./dependency-order";
import { recreatedKeys, refuseUnseenKeys } from "./key-guard";
import { refuseOtherAccount } from "./other-account";
import {
  type AccountPlan,
  type PlannedStack,
  PROVIDER_LOCK,
  planFilesOf,
  type SavedAccountPlan,
  valueSha256,
} from "./plan-set";
import { sha256 } from "./sha256";
import { type ResourceChange, showCounts } from "./stack-changes";
import { describeFailure, type PlanRun } from "./stack-terraform";
import type { StackState } from "./state-bucket";
import { refuseVanishedStacks } from "./vanished-stacks";

/** How planning an account ended. */
export interface PlanOutcome {
  /** What was planned; `undefined` if a stack could not be. */
  readonly saved: SavedAccountPlan | undefined;
  /** What failed, a text each. */
  readonly failures: readonly string[];
}

/** How an account is planned. */
export interface PlanAccountOptions {
  /** Whether no state is touched: no lock, no workspace. */
  readonly readOnly: boolean;
  /** Whether plans are also put into words, for somebody who reviews them. */
  readonly inWords: boolean;
}

/** How one stack's planning ended. */
interface StackOutcome {
  readonly planned: PlannedStack;
  readonly planFile?: string;
  readonly failure?: string;
  /** Where a preview was made, which is not saved: only its words are. */
  readonly preview?: { readonly folder: StackFolder; readonly planFile: string };
  /** Names of the outputs that may change; `undefined` if nothing is known about them. */
  readonly changingOutputs: ReadonlySet<string> | undefined;
}

/**
 * Plans every stack of an account that can be planned now.
 *
 * A stack that reads what another is about to change is deferred: its plan would be made of old
 * values.
 *
 * @throws {ValidationError} if anything must be put right before, such as a lock or a half-made key
 */
export async function planAccount(
  session: AccountSession,
  options: PlanAccountOptions,
): Promise<PlanOutcome> {
  const { context, folders, account } = session;
  const { workspace } = account;
  const first = await session.states();
  refuseOtherAccount(account, first);
  await refuseVanishedStacks(session.bucket, workspace, folders);
  for (const notice of await refuseUnseenKeys(session, first)) {
    context.progress.say(`${workspace}: ${notice}`);
  }
  if (!options.readOnly) {
    await prepareAll(session, first);
  }
  const states = options.readOnly ? first : await session.states();
  mkdirSync(session.workDirectory, { recursive: true, mode: 0o700 });
  context.progress.open(
    workspace,
    folders.map(({ id }) => id),
  );
  const outcomes = await inDependencyOrder<StackOutcome>(
    folders,
    context.stacksAtATime,
    async (folder, done) => {
      if (context.stop.requested) {
        return failed(folder, states, `${folder.id}: not planned: stopped`);
      }
      const reason = reasonToDefer(folder, states, done);
      if (reason !== undefined) {
        context.progress.end(workspace, folder.id, `deferred: ${reason}`);
        return deferred(folder, states, reason, []);
      }
      return states.has(folder.id)
        ? planStack(session, folder, states, options)
        : previewStack(session, folder, states);
    },
  );
  const failures = [...outcomes.values()].flatMap(({ failure }) => failure ?? []);
  if (failures.length > 0) {
    return { saved: undefined, failures };
  }
  const files = new Map<string, Uint8Array>();
  for (const folder of folders) {
    const { planFile, planned, preview } = outcomes.get(folder.id) ?? {};
    const names = planFilesOf(folder.id);
    files.set(names.configuration, session.configurationOf(folder));
    if (planFile !== undefined && planned?.status === "planned") {
      files.set(names.plan, readFileSync(planFile));
      if (options.inWords) {
        const words = await session.stacks.describePlan(folder, planFile);
        files.set(names.words, Buffer.from(words));
      }
    }
    if (preview !== undefined && options.inWords) {
      const words = await session.stacks.describePlan(preview.folder, preview.planFile);
      files.set(names.words, Buffer.from(words));
    }
  }
  // A stack that was only previewed has its providers in the preview's folder.
  const previews = [...outcomes.values()].flatMap(({ preview }) => preview?.folder ?? []);
  const lock = providerLockOf([...folders, ...previews]);
  if (lock !== undefined) {
    files.set(PROVIDER_LOCK, lock);
  }
  const plan: AccountPlan = {
    format: 1,
    workspace,
    accountId: account.id,
    terraformVersion: await terraformVersion(session),
    providerLock: lock === undefined ? null : sha256(lock),
    stacks: [...outcomes.values()].map(({ planned }) => planned),
    files: {},
  };
  return { saved: { plan, files }, failures: [] };
}

/** Prepares every stack, and makes the workspaces that are not there yet. */
export async function prepareAll(
  session: AccountSession,
  states: ReadonlyMap<string, StackState>,
): Promise<void> {
  await refuseLocks(session.bucket, session.account.workspace, session.folders, session.ownLock);
  await inDependencyOrder(
    // The order of dependencies does not matter here.
    session.folders.map((folder) => ({ ...folder, dependencies: [] })),
    session.context.stacksAtATime,
    (folder) => session.stacks.prepare(folder, states.has(folder.id) ? "exists" : "make"),
  );
  if (session.context.stop.requested) {
    throw new ValidationError(
      `account ${session.account.workspace}: stopped before anything was planned`,
    );
  }
}

/**
 * Initializes every stack with the providers of its lock file: writes no state.
 *
 * @throws {ProgramFailure} if the lock file stands for other providers than the stack needs
 */
export async function initializeLocked(session: AccountSession): Promise<void> {
  await inDependencyOrder(
    session.folders.map((folder) => ({ ...folder, dependencies: [] })),
    session.context.stacksAtATime,
    (folder) => session.stacks.initialize(folder, "as locked"),
  );
}

/** Plans one stack whose workspace exists. */
async function planStack(
  session: AccountSession,
  folder: StackFolder,
  states: ReadonlyMap<string, StackState>,
  { readOnly }: PlanAccountOptions,
): Promise<StackOutcome> {
  const { progress } = session.context;
  const { workspace } = session.account;
  progress.begin(workspace, folder.id, "planning");
  await session.stacks.prepare(folder, "exists");
  const planFile = join(session.workDirectory, planFilesOf(folder.id).plan);
  const run = await session.stacks.plan(folder, { planFile, lock: !readOnly });
  const problems = run.ok
    ? recreatedKeys(folder, run.changes.resources, states.get(folder.id))
    : [];
  if (!run.ok || problems.length > 0) {
    progress.end(workspace, folder.id, "cannot be planned", true);
    return failed(folder, states, run.ok ? problems.join("\n") : describeFailure(folder.id, run));
  }
  progress.end(
    workspace,
    folder.id,
    run.pending ? showCounts(run.changes.resources) : "no changes",
  );
  return {
    planned: plannedStack(folder, states, run),
    planFile,
    changingOutputs: new Set(run.changes.outputs),
  };
}

/** Plans a stack that has no state yet against an empty one, beside everything that is real. */
async function previewStack(
  session: AccountSession,
  folder: StackFolder,
  states: ReadonlyMap<string, StackState>,
): Promise<StackOutcome> {
  const { progress } = session.context;
  const { workspace } = session.account;
  progress.begin(workspace, folder.id, "previewing against an empty state");
  const preview: StackFolder = {
    ...folder,
    directory: join(session.workDirectory, "preview", folder.id),
  };
  mkdirSync(preview.directory, { recursive: true });
  const json = readStackJson(folder) as { terraform: object };
  writeFileSync(
    join(preview.directory, STACK_FILE),
    JSON.stringify({ ...json, terraform: { ...json.terraform, backend: { local: {} } } }),
  );
  const lockFile = join(folder.directory, LOCK_FILE);
  if (existsSync(lockFile)) {
    writeFileSync(join(preview.directory, LOCK_FILE), readFileSync(lockFile));
  }
  await session.stacks.prepare(preview, "make");
  const planFile = join(preview.directory, planFilesOf(folder.id).plan);
  const run = await session.stacks.plan(preview, { planFile, lock: false });
  if (!run.ok) {
    progress.end(workspace, folder.id, "cannot be planned", true);
    return failed(folder, states, describeFailure(folder.id, run));
  }
  progress.end(
    workspace,
    folder.id,
    `deferred: not deployed yet; against an empty state: ${showCounts(run.changes.resources)}`,
  );
  return {
    ...deferred(
      folder,
      states,
      "it was never deployed: previewed against an empty state",
      run.changes.resources,
    ),
    preview: { folder: preview, planFile },
  };
}

/** Why a stack cannot be planned before others are applied; `undefined` if it can. */
export function reasonToDefer(
  folder: StackFolder,
  states: ReadonlyMap<string, StackState>,
  done: ReadonlyMap<string, Pick<StackOutcome, "changingOutputs">>,
): string | undefined {
  for (const [producer, outputs] of neededOutputs(folder)) {
    const present = states.get(producer)?.outputs ?? {};
    const missing = [...outputs].filter((output) => !Object.hasOwn(present, output));
    if (missing.length > 0) {
      return `waits for ${producer}, which does not have ${missing.length} of the ${outputs.size} outputs that it reads yet`;
    }
    const changing = done.get(producer)?.changingOutputs;
    if (changing === undefined) {
      return `waits for ${producer}, which is deferred itself`;
    }
    const touched = [...outputs].filter((output) => changing.has(output));
    if (touched.length > 0) {
      return `waits for ${producer}, which changes ${touched.length} of the ${outputs.size} outputs that it reads`;
    }
  }
  return undefined;
}

/** SHA-256 of each value that a stack reads from others. */
export function readValues(
  folder: StackFolder,
  states: ReadonlyMap<string, StackState>,
): PlannedStack["read"] {
  return Object.fromEntries(
    [...neededOutputs(folder)].sort().map(([producer, outputs]) => [
      producer,
      Object.fromEntries(
        [...outputs].sort().flatMap((output) => {
          const present = states.get(producer)?.outputs ?? {};
          return Object.hasOwn(present, output)
            ? [[output, valueSha256(present[output])] as const]
            : [];
        }),
      ),
    ]),
  );
}

/** A stack as a plan has found it. */
export function plannedStack(
  folder: StackFolder,
  states: ReadonlyMap<string, StackState>,
  { pending, changes }: Pick<PlanRun, "pending" | "changes">,
): PlannedStack {
  return {
    id: folder.id,
    status: pending ? "planned" : "unchanged",
    changes: [...changes.resources],
    state: stateIdentity(states.get(folder.id)),
    read: readValues(folder, states),
  };
}

/** Which state a plan was made against; an empty one is none: it is a workspace that was just made. */
export function stateIdentity(state: StackState | undefined): PlannedStack["state"] {
  return state === undefined ||
    (state.resources.length === 0 && Object.keys(state.outputs).length === 0)
    ? null
    : { lineage: state.lineage, serial: state.serial, sha256: state.sha256 };
}

/** Version of the Terraform that works on an account. */
export async function terraformVersion(session: AccountSession): Promise<string> {
  const [folder] = session.folders;
  return folder === undefined ? "" : (await session.stacks.version(folder)).version;
}

/** The stacks' provider lock file, which is the same for all; `undefined` if there is none. */
export function providerLockOf(folders: readonly StackFolder[]): Uint8Array | undefined {
  const file = folders
    .map(({ directory }) => join(directory, LOCK_FILE))
    .find((candidate) => existsSync(candidate));
  return file === undefined ? undefined : readFileSync(file);
}

/** Resources that a stack that cannot be planned yet would have, in words. */
export function resourcesInWords(folder: StackFolder): string {
  const total = resourceCounts(folder).reduce((sum, [, count]) => sum + count, 0);
  return `${total} resource${total === 1 ? "" : "s"} in all`;
}

function deferred(
  folder: StackFolder,
  states: ReadonlyMap<string, StackState>,
  reason: string,
  changes: readonly ResourceChange[],
): StackOutcome {
  return {
    planned: {
      id: folder.id,
      status: "deferred",
      reason,
      changes: [...changes],
      state: stateIdentity(states.get(folder.id)),
      read: {},
    },
    changingOutputs: undefined,
  };
}

function failed(
  folder: StackFolder,
  states: ReadonlyMap<string, StackState>,
  failure: string,
): StackOutcome {
  return { ...deferred(folder, states, "it could not be planned", []), failure };
}
