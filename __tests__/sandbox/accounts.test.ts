/**
 * Every account through all that Terraform does with it, on a simulated AWS; and the design's tables
 * of who may do what, decided on the policies that Terraform resolved there.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadLedger } from "../../config/ledger";
import { loadAccount } from "../../config/load-account";
import type { InventoryItem } from "../../sandbox/inventory";
import { actionsOn } from "../helpers/iam";
import { complaints, SandboxProject, type StackResults, totals } from "../helpers/sandbox-project";
import { ALL_ACCOUNTS, FIXTURE_ACCOUNTS } from "../helpers/synth";
import { BUS_ACTIONS, busCells } from "../policies/bus-table";
import { byTopic, type Cell, problemsOf } from "../policies/decision-table";
import { ENTANGLED_ACCOUNT } from "../policies/entangled-account";
import { KEY_ACTIONS, keyCells, UNDECIDED_KEY_ACTIONS } from "../policies/key-table";
import { QUEUE_ACTIONS, queueCells } from "../policies/queue-table";
import { formerBusesOf, type ResolvedPolicies, resolvedPolicies } from "../policies/resolved";

const entangled = mkdtempSync(join(tmpdir(), "keyspan-entangled-"));
cpSync(join(FIXTURE_ACCOUNTS, "defaults.yaml"), join(entangled, "defaults.yaml"));
writeFileSync(join(entangled, "entangled.yaml"), ENTANGLED_ACCOUNT);
afterAll(() => rmSync(entangled, { recursive: true }));

let planned = 0;

test("the tables say something about every action", async () => {
  const named = (service: string, actions: readonly string[]) =>
    actions.map((action) => `${service}:${action}`);
  expect(named("kms", [...KEY_ACTIONS, ...UNDECIDED_KEY_ACTIONS].sort())).toEqual(
    await actionsOn("kms", "key"),
  );
  expect(named("events", BUS_ACTIONS)).toEqual(await actionsOn("events", "event-bus"));
  expect(named("sqs", QUEUE_ACTIONS)).toEqual(await actionsOn("sqs", "queue"));
});

describe.each([...ALL_ACCOUNTS, [entangled, "entangled"] as const])(
  "%s/%s",
  (directory, workspace) => {
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
    const tests = [
      ...keys.flatMap(({ at, cells }) => testsOf("keys", at, cells)),
      ...buses.flatMap((bus) => [
        ...testsOf("buses", bus.at, bus.busCells),
        ...testsOf("queues", bus.at, bus.queueCells),
      ]),
    ];
    planned += tests.reduce((sum, { cells }) => sum + cells.length, 0);

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

    test("every key, bus and dead-letter queue stands where it should, and no other does", () => {
      expect([...life.policies.keys.keys()].sort()).toEqual(keys.map(({ at }) => at).sort());
      expect([...life.policies.buses.keys()].sort()).toEqual(buses.map(({ at }) => at).sort());
      expect([...life.policies.queues.keys()].sort()).toEqual(buses.map(({ at }) => at).sort());
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
  },
);

test("the tables are not empty", () => {
  // The fixture accounts alone make more than this.
  expect(planned).toBeGreaterThan(11_500);
});

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

function testsOf(of: keyof ResolvedPolicies, at: string, cells: readonly Cell[]) {
  return [...byTopic(cells)].map(([topic, ofTopic]) => ({ of, at, topic, cells: ofTopic }));
}
