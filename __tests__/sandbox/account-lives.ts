/**
 * Every account through all that Terraform does with it, on a simulated AWS; and the design's tables
 * of who may do what, decided on the policies that Terraform resolved there.
 */
import type { AccountConfig } from "../../config/account-config";
import { loadLedger } from "../../config/ledger";
import { loadAccount } from "../../config/load-account";
import type { InventoryItem } from "../../sandbox/inventory";
import { complaints, SandboxProject, type StackResults, totals } from "../helpers/sandbox-project";
import { busCells } from "../policies/bus-table";
import { byTopic, type Cell, problemsOf } from "../policies/decision-table";
import { hubCells } from "../policies/hub-table";
import { keyCells } from "../policies/key-table";
import { logCells } from "../policies/log-table";
import { pathProblems } from "../policies/paths";
import { queueCells, watchingQueueCells } from "../policies/queue-table";
import { formerBusesOf, type ResolvedPolicies, resolvedPolicies } from "../policies/resolved";
import { permissionCells, roleNames, trustCells, watchedRegions } from "../policies/role-table";
import { TOPIC_NAMES, topicCells } from "../policies/topic-table";

/**
 * Defines the tests of one account.
 *
 * @param isWatched - whether its stack of notifications is applied too
 * @returns how many decisions they take
 */
export function testAccount(directory: string, workspace: string, isWatched: boolean): number {
  const account = loadAccount(directory, workspace);
  const ledger = loadLedger(directory, workspace).content;
  const keys = account.keys.flatMap((key) =>
    key.kind === "managed" && key.state === "active"
      ? key.regions.map((region) => ({
          at: `${key.name} in ${region}`,
          cells: keyCells({
            account,
            key,
            region,
            formerBuses: formerBusesOf(ledger, key.name),
          }),
        }))
      : [],
  );
  const buses = account.buses.flatMap((bus) =>
    bus.existing
      ? []
      : bus.regions.map((region) => ({
          at: `${bus.name} in ${region}`,
          busCells: busCells({ account, bus, region }),
          queueCells: queueCells({ account, bus, region }),
        })),
  );
  const atHome = (name: string) => `${name} in ${account.homeRegion}`;
  const watchingQueues = (
    isWatched
      ? [
          ["keyspan-dead-letter-announce", account.homeRegion] as const,
          ...forwardingRegions(account).map(
            (name) => ["keyspan-dead-letter-forward", name] as const,
          ),
        ]
      : []
  ).map(([name, region]) => ({
    at: `${name} in ${region}`,
    cells: watchingQueueCells(account, name, region),
  }));
  const topics = isWatched ? TOPIC_NAMES.map(atHome) : [];
  const roles = isWatched ? roleNames(account) : [];
  const hubs = isWatched ? [atHome("keyspan-hub")] : [];
  const logs = isWatched ? [atHome("keyspan-beats")] : [];
  const tests = [
    ...keys.flatMap(({ at, cells }) => testsOf("keys", at, cells)),
    ...buses.flatMap((bus) => [
      ...testsOf("buses", bus.at, bus.busCells),
      ...testsOf("queues", bus.at, bus.queueCells),
    ]),
    ...watchingQueues.flatMap(({ at, cells }) => testsOf("queues", at, cells)),
    ...topics.flatMap((at) => testsOf("topics", at, topicCells(account))),
    ...hubs.flatMap((at) => testsOf("hubs", at, hubCells(account))),
    ...logs.flatMap((at) => testsOf("logs", at, logCells(account))),
    ...roles.flatMap((name) => testsOf("trust", name, trustCells(account, name))),
  ];

  let life: Life;
  beforeAll(async () => {
    life = await liveThrough(directory, workspace);
  }, 120_000);

  test("is validated, applied, then unchanged, then destroyed", () => {
    expect(complaints(life.validated)).toBe("");
    expect(complaints(life.applied)).toBe("");
    const { add } = totals(life.applied);
    expect(totals(life.applied)).toEqual({ ...NOTHING, add });
    expect(add).toBeGreaterThan(0);
    expect(complaints(life.again)).toBe("");
    expect(totals(life.again)).toEqual(NOTHING);
    expect(complaints(life.destroyed)).toBe("");
    expect(totals(life.destroyed)).toEqual({ ...NOTHING, remove: add });
  });

  test("Terraform knows all that it has made, and nothing of it is left but keys that wait", () => {
    const statuses = (items: readonly InventoryItem[]) =>
      [...new Set(items.map(({ status }) => status))].sort();
    expect(statuses(life.standing)).toEqual(["managed"]);
    const left = life.left.filter(({ status }) => status !== "ending");
    expect(left).toEqual([]);
  });

  test("all that has a policy stands where it should, and nothing else does", () => {
    const standing = (of: keyof ResolvedPolicies) => [...life.policies[of].keys()].sort();
    expect(standing("keys")).toEqual(keys.map(({ at }) => at).sort());
    expect(standing("buses")).toEqual(buses.map(({ at }) => at).sort());
    expect(standing("queues")).toEqual([...buses, ...watchingQueues].map(({ at }) => at).sort());
    expect(standing("hubs")).toEqual(hubs);
    expect(standing("topics")).toEqual([...topics].sort());
    expect(standing("logs")).toEqual(logs);
    expect(standing("trust")).toEqual([...roles].sort());
    expect(standing("permissions")).toEqual([...roles].sort());
    const queueArns = [...life.policies.queues.values()].map(({ resource }) => resource);
    expect(new Set(queueArns).size).toBe(queueArns.length);
  });

  test.each(tests)("$of $at: $topic", async ({ of, at, cells }) => {
    const subject = life.policies[of].get(at);
    if (subject === undefined) {
      throw new Error(`${at} is not there`);
    }
    expect(await problemsOf(cells, subject)).toEqual([]);
  });

  if (isWatched) {
    test.each(roles)("%s may do what it is there for, and nothing else", async (name) => {
      const subject = life.policies.permissions.get(name);
      if (subject === undefined) {
        throw new Error(`${name} has no policy`);
      }
      const cells = permissionCells({ account, alertsKeyArn: alertsKeyArnIn(account, life) }, name);
      expect(cells.some(({ allowed }) => allowed)).toBe(true);
      expect(await problemsOf(cells, subject)).toEqual([]);
    });

    test("each way on which something is told is open from its beginning to its end", async () => {
      const alertsKeyArn = alertsKeyArnIn(account, life);
      expect(await pathProblems(account, life.policies, alertsKeyArn)).toEqual([]);
    });
  }
  return tests.reduce((sum, { cells }) => sum + cells.length, 0);
}

const NOTHING = { add: 0, change: 0, remove: 0, import: 0 };

/** What became of an account. */
interface Life {
  readonly validated: StackResults;
  readonly applied: StackResults;
  /** After the apply. */
  readonly policies: ResolvedPolicies;
  /** What there was after the apply. */
  readonly standing: readonly InventoryItem[];
  /** A plan after the apply. */
  readonly again: StackResults;
  readonly destroyed: StackResults;
  /** What there was at the end. */
  readonly left: readonly InventoryItem[];
}

async function liveThrough(directory: string, workspace: string): Promise<Life> {
  const project = new SandboxProject(directory);
  try {
    const validated = await project.validate(workspace);
    const applied = await project.apply(workspace);
    const { store, account } = project.sandboxOf(workspace);
    return {
      validated,
      applied,
      policies: resolvedPolicies(store, account),
      standing: await project.inventory(workspace),
      again: await project.plan(workspace),
      destroyed: await project.destroy(workspace, { unprotect: true }),
      left: await project.inventory(workspace),
    };
  } finally {
    project.remove();
  }
}

/** Regions whose rules forward: those that are watched, and the one that hears of IAM. */
function forwardingRegions(account: AccountConfig): readonly string[] {
  const { iamRegion } = account.notifications;
  return [
    ...new Set([...watchedRegions(account), ...(iamRegion === undefined ? [] : [iamRegion])]),
  ];
}

/** ARNs of the alerts key by region: of one that was there before, or of the one that was made. */
function alertsKeyArnIn(account: AccountConfig, { policies }: Life): (region: string) => string {
  const key = account.keys.find(({ name }) => name === "alerts");
  return (region) => {
    const keyArn =
      key?.kind === "existing"
        ? key.keyArns[region]
        : policies.keys.get(`alerts in ${region}`)?.resource;
    if (keyArn === undefined) {
      throw new Error(`there is no alerts key in ${region}`);
    }
    return keyArn;
  };
}

function testsOf(of: keyof ResolvedPolicies, at: string, cells: readonly Cell[]) {
  return [...byTopic(cells)].map(([topic, ofTopic]) => ({ of, at, topic, cells: ofTopic }));
}
