/** Deaths of the provider in the middle of an apply or a destroy, and what must hold afterwards. */
import type { Faults } from "../../sandbox/aws/faults";
import { type InventoryItem, importCommand } from "../../sandbox/inventory";
import {
  complaints,
  type OpenAccount,
  type SandboxProject,
  type StackResults,
  totals,
} from "./sandbox-project";

type Phase = "apply" | "destroy";

/** When the provider dies. */
export interface FaultPoint {
  readonly during: Phase;
  /** Whether the call has been carried out when it dies: then Terraform never hears of it. */
  readonly when: "before" | "after";
  /** Which of the calls that change something, from 1. */
  readonly change: number;
  /** How many resources Terraform works on at the same time. */
  readonly parallelism: 1 | 10;
}

const NOTHING = { add: 0, change: 0, remove: 0, import: 0 };

/** How many calls change something, in each phase. */
export type ChangeCounts = Readonly<Record<Phase, number>>;

/**
 * Fault points, chosen by a seed: the same seed gives the same points.
 *
 * @param changes - of the account, as {@link countChanges} counts them
 * @param count - how many
 * @throws {Error} if there are fewer
 */
export function chooseFaultPoints(
  changes: ChangeCounts,
  count: number,
  seed: number,
): readonly FaultPoint[] {
  const all = (["apply", "destroy"] as const).flatMap((during) =>
    Array.from({ length: changes[during] }, (_, index) => index + 1).flatMap((change) =>
      (["before", "after"] as const).flatMap((when) =>
        ([1, 10] as const).map((parallelism) => ({ during, when, change, parallelism })),
      ),
    ),
  );
  if (all.length < count) {
    throw new Error(`${count} fault points were asked for, there are ${all.length}`);
  }
  const random = randomNumbers(seed);
  return all
    .map((point) => [random(), point] as const)
    .sort(([a], [b]) => a - b)
    .slice(0, count)
    .map(([, point]) => point);
}

/**
 * Kills the provider at a point, then does what a person would: looks at what was made unseen, runs
 * the import commands that are shown for it, and runs the same command again. The account must not
 * have been applied; afterwards it is so again.
 *
 * @returns the objects that were made unseen
 * @throws {Error} if anything that must hold does not
 */
export async function survive(
  project: SandboxProject,
  workspace: string,
  { during, when, change, parallelism }: FaultPoint,
): Promise<readonly InventoryItem[]> {
  const flags = [`-parallelism=${parallelism}`];
  try {
    if (during === "destroy") {
      refuseComplaints(await project.apply(workspace));
    }
    const before = project.states(workspace);
    const faults: Faults =
      when === "before" ? { dieBeforeChange: change } : { dieAfterChange: change };
    const died = await project[during](workspace, { faults }, ...flags);
    if (died.every(([, { code }]) => code === 0)) {
      throw new Error("the provider was to die, and Terraform noticed nothing");
    }
    await refuseLosses(project, workspace, during, before);

    const unseen = (await project.inventory(workspace)).filter(({ status }) => status === "unseen");
    refuseTwins(await project.inventory(workspace));
    for (const item of unseen) {
      await importUnseen(project, workspace, item);
    }
    refuseComplaints(await project[during](workspace));
    const after = await project.inventory(workspace);
    if (during === "apply") {
      refuseTwins(after);
      const strangers = after.filter(({ status }) => status !== "managed");
      if (strangers.length > 0) {
        throw new Error(`left over: ${strangers.map(show).join(", ")}`);
      }
    } else {
      const living = after.filter(({ status }) => status !== "ending");
      if (living.length > 0) {
        throw new Error(`not destroyed: ${living.map(show).join(", ")}`);
      }
    }
    if (during === "apply") {
      const again = await project.plan(workspace);
      refuseComplaints(again);
      if (JSON.stringify(totals(again)) !== JSON.stringify(NOTHING)) {
        throw new Error(`a second plan would change ${JSON.stringify(totals(again))}`);
      }
    }
    return unseen;
  } finally {
    project.reset(workspace);
  }
}

/** Counts the calls that change something while an account is applied and destroyed. */
export async function countChanges(
  project: SandboxProject,
  workspace: string,
): Promise<ChangeCounts> {
  const changesIn = async (phase: Phase) => {
    let opened: OpenAccount | undefined;
    refuseComplaints(
      await project[phase](workspace, {
        onOpen: (account) => {
          opened = account;
        },
      }),
    );
    return Math.max(0, ...(opened?.calls() ?? []).map(({ change }) => change));
  };
  try {
    const apply = await changesIn("apply");
    return { apply, destroy: await changesIn("destroy") };
  } finally {
    project.reset(workspace);
  }
}

/** Runs the command that is shown for an unseen object. */
async function importUnseen(
  project: SandboxProject,
  workspace: string,
  item: InventoryItem,
): Promise<void> {
  const [, named, stack, address, importId] =
    /^npm run sandbox -- import (\S+) (\S+) '(.+)' '(.+)'$/.exec(importCommand(workspace, item)) ??
    [];
  if (named !== workspace || address === undefined || importId === undefined) {
    throw new Error(`no command for ${show(item)}: ${importCommand(workspace, item)}`);
  }
  await project.run(workspace, {}, async ({ sandbox }) => {
    const folder = sandbox.folders.find(({ id }) => id === stack);
    if (folder === undefined) {
      throw new Error(`${show(item)}: there is no stack ${stack}`);
    }
    const terraform = await sandbox.terraform();
    await terraform.prepare(folder);
    await terraform.import(folder, address, importId);
  });
}

/** What a state held must still be in it, unless the object was really destroyed. */
async function refuseLosses(
  project: SandboxProject,
  workspace: string,
  during: Phase,
  before: Readonly<Record<string, string>>,
): Promise<void> {
  const existing = await project.inventory(workspace);
  for (const stack of Object.keys(before)) {
    const now = project.addresses(workspace, stack);
    for (const address of addressesIn(before[stack] ?? "")) {
      const isThere = existing.some(
        (item) => item.stack === stack && item.address === address && item.status !== "ending",
      );
      if (!now.includes(address) && (during === "apply" || isThere)) {
        throw new Error(`${stack}: the state has lost ${address}`);
      }
    }
  }
}

/** No key may exist twice in a region. */
function refuseTwins(items: readonly InventoryItem[]): void {
  const keys = items
    .filter(({ type }) => type === "aws_kms_key" || type === "aws_kms_replica_key")
    .map(({ name, region }) => `${name} in ${region}`);
  const twins = keys.filter((key, index) => keys.indexOf(key) !== index);
  if (twins.length > 0) {
    throw new Error(`a second key beside the first: ${twins.join(", ")}`);
  }
}

function refuseComplaints(results: StackResults): void {
  if (complaints(results) !== "") {
    throw new Error(complaints(results));
  }
}

function addressesIn(state: string): readonly string[] {
  const { resources } = JSON.parse(state) as {
    readonly resources: readonly {
      readonly mode: string;
      readonly type: string;
      readonly name: string;
    }[];
  };
  return resources
    .filter(({ mode }) => mode === "managed")
    .map(({ type, name }) => `${type}.${name}`);
}

function show({ type, name, region, status }: InventoryItem): string {
  return `${type} ${name} in ${region} (${status})`;
}

/** Numbers from 0 to 1 that a seed decides. @see https://en.wikipedia.org/wiki/Linear_congruential_generator */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
