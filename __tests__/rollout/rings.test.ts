import { rollOut } from "../../cli/rollout/rings";

const member = (workspace: string, ring: number) => ({ workspace, ring });

/** Rolls out to accounts whose names say whether they fail. */
function roll(
  members: readonly ReturnType<typeof member>[],
  limits: { readonly maxConcurrent?: number; readonly maxFailures?: number } = {},
  stopAfter = Number.POSITIVE_INFINITY,
) {
  const log: string[] = [];
  let atOnce = 0;
  let most = 0;
  const result = rollOut(
    members,
    { maxConcurrent: 2, maxFailures: 0, ...limits },
    async ({ workspace }) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise(setImmediate);
      atOnce -= 1;
      log.push(workspace);
      return workspace.startsWith("bad") ? "failed" : "done";
    },
    (outcome) => outcome === "failed",
    () => log.length >= stopAfter,
  );
  return result.then((ended) => ({ ...ended, results: [...ended.results], log, most }));
}

test("rings come one after the other, whatever the order of the accounts", async () => {
  const { log, results, notStarted, most } = await roll([
    member("late", 9),
    member("b", 1),
    member("a", 1),
    member("first", 0),
  ]);
  expect(log).toEqual(["first", "b", "a", "late"]);
  expect(results.map(([name]) => name)).toEqual(["first", "b", "a", "late"]);
  expect({ notStarted, most }).toEqual({ notStarted: [], most: 2 });
});

test("no more accounts than were allowed are worked on at a time", async () => {
  const members = ["a", "b", "c", "d", "e"].map((name) => member(name, 0));
  expect((await roll(members, { maxConcurrent: 1 })).most).toBe(1);
  expect((await roll(members, { maxConcurrent: 3 })).most).toBe(3);
});

test("one failure more than is allowed stops the line: the next ring is not begun", async () => {
  const members = [member("bad-1", 0), member("bad-2", 0), member("c", 0), member("next", 1)];
  const tolerated = await roll(members, { maxFailures: 2, maxConcurrent: 1 });
  expect(tolerated).toMatchObject({ notStarted: [], log: ["bad-1", "bad-2", "c", "next"] });
  expect(tolerated.stoppedAfterRing).toBeUndefined();

  const stopped = await roll(members, { maxFailures: 1, maxConcurrent: 1 });
  expect(stopped).toMatchObject({
    log: ["bad-1", "bad-2"],
    notStarted: ["c", "next"],
    stoppedAfterRing: 0,
  });
});

test("failures of one ring are not held against the next", async () => {
  const members = [member("bad-1", 0), member("bad-2", 1), member("c", 2)];
  expect(await roll(members, { maxFailures: 1 })).toMatchObject({ notStarted: [] });
});

test("a stop lets nothing more begin", async () => {
  const members = ["a", "b", "c", "d"].map((name, index) => member(name, index));
  const { log, notStarted } = await roll(members, {}, 2);
  expect({ log, notStarted }).toEqual({ log: ["a", "b"], notStarted: ["c", "d"] });
});
