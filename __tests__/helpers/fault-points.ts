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

/** What is under way: a first apply, the apply of a changed file, or a destroy. */
type Phase = "apply" | "change" | "destroy";

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

/** An account that is brought to fault points. */
export interface FaultyAccount {
  readonly project: SandboxProject;
  readonly workspace: string;
  /** Its file. */
  readonly yaml: string;
  /** Its file once it has been changed. */
  readonly changedYaml: string;
}

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
  const all = (["apply", "change", "destroy"] as const).flatMap((during) =>
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
  account: FaultyAccount,
  { during, when, change, parallelism }: FaultPoint,
): Promise<readonly InventoryItem[]> {
  const { project, workspace } = account;
  try {
    await begin(account, during);
    const work = during === "destroy" ? "destroy" : "apply";
    const before = addressesByStack(project, workspace);
    const faults: Faults =
      when === "before" ? { dieBeforeChange: change } : { dieAfterChange: change };
    const reported: string[] = [];
    const died = await project[work](
      workspace,
      { faults, onProgress: (stack, line) => reported.push(`${stack} ${line}`) },
      `-parallelism=${parallelism}`,
    );
    if (died.every(([, { code }]) => code === 0)) {
      throw new Error("the provider was to die, and Terraform noticed nothing");
    }
    refuseLosses(await project.inventory(workspace), before, {
      now: addressesByStack(project, workspace),
      reported,
    });

    const found = await project.inventory(workspace);
    refuseTwins(found);
    const unseen = found.filter(({ status }) => status === "unseen");
    if (unseen.length > parallelism) {
      throw new Error(`more was made unseen than was under way: ${unseen.map(show).join(", ")}`);
    }
    for (const item of unseen) {
      await importUnseen(project, workspace, item);
    }
    refuseComplaints(await project[work](workspace));
    const after = await project.inventory(workspace);
    if (work === "destroy") {
      const living = after.filter(({ status }) => status !== "ending");
      if (living.length > 0) {
        throw new Error(`not destroyed: ${living.map(show).join(", ")}`);
      }
      return unseen;
    }
    refuseTwins(after);
    const strangers = after.filter(({ status }) => status !== "managed");
    if (strangers.length > 0) {
      throw new Error(`left over: ${strangers.map(show).join(", ")}`);
    }
    const again = await project.plan(workspace);
    refuseComplaints(again);
    if (JSON.stringify(totals(again)) !== JSON.stringify(NOTHING)) {
      throw new Error(`a second plan would change ${JSON.stringify(totals(again))}`);
    }
    return unseen;
  } finally {
    project.reset(workspace);
  }
}

/** Brings an account to where a phase begins. */
async function begin(
  { project, workspace, yaml, changedYaml }: FaultyAccount,
  phase: Phase,
): Promise<void> {
  project.write(workspace, yaml);
  if (phase !== "apply") {
    refuseComplaints(await project.apply(workspace));
  }
  if (phase === "change") {
    project.write(workspace, changedYaml);
  }
}

/** Counts the calls that change something while an account is applied and destroyed. */
export async function countChanges(account: FaultyAccount): Promise<ChangeCounts> {
  const { project, workspace } = account;
  const changesIn = async (phase: Phase) => {
    try {
      await begin(account, phase);
      let opened: OpenAccount | undefined;
      const onOpen = (open: OpenAccount) => {
        opened = open;
      };
      refuseComplaints(
        await project[phase === "destroy" ? "destroy" : "apply"](workspace, { onOpen }),
      );
      return Math.max(0, ...(opened?.calls() ?? []).map(({ change }) => change));
    } finally {
      project.reset(workspace);
    }
  };
  return {
    apply: await changesIn("apply"),
    change: await changesIn("change"),
    destroy: await changesIn("destroy"),
  };
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

/**
 * What a state held, and what Terraform reported as made, must be in it, unless the object has been
 * destroyed.
 */
function refuseLosses(
  existing: readonly InventoryItem[],
  before: Addresses,
  { now, reported }: { readonly now: Addresses; readonly reported: readonly string[] },
): void {
  const made = reported.flatMap((line) => {
    const [, stack = "", address = ""] = /^(\S+) (\S+): Creation complete/.exec(line) ?? [];
    return address === "" ? [] : [[stack, address] as const];
  });
  const held = [...before].flatMap(([stack, addresses]) =>
    addresses.map((address) => [stack, address] as const),
  );
  for (const [stack, address] of [...held, ...made]) {
    if (now.get(stack)?.includes(address) === true) {
      continue;
    }
    const isGone = reported.some((line) =>
      line.startsWith(`${stack} ${address}: Destruction complete`),
    );
    const stillThere = existing.some(
      (item) => item.stack === stack && item.address === address && item.status === "unseen",
    );
    if (!isGone || stillThere) {
      throw new Error(`${stack}: the state has lost ${address}`);
    }
  }
}

/** The addresses in the states of an account, by stack. */
type Addresses = ReadonlyMap<string, readonly string[]>;

function addressesByStack(project: SandboxProject, workspace: string): Addresses {
  return new Map(
    project
      .sandboxOf(workspace)
      .workbench.stacksWithState()
      .map((stack) => [stack, project.addresses(workspace, stack)] as const),
  );
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
