/** Two applies of one account at once, from two clones of the project. */
import { SMALL } from "./kill-moments";
import { KillWorld } from "./kill-world";

jest.mock("../../stacks/notification-stack", () =>
  jest.requireActual("../helpers/no-notifications"),
);

const world = new KillWorld("small", SMALL.before);
/** Calls that change something in a first apply. */
const CHANGES = 13;
afterAll(() => world.remove());

test("one wins; the other changes nothing and says who holds the account", async () => {
  const apply = (directory: string) => world.countChanges(directory, "apply", "small", "--yes");
  const both = await Promise.all([apply(world.directory), apply(world.clone())]);
  const [winner, loser] = both.toSorted((a, b) => (a.ended.code ?? 0) - (b.ended.code ?? 0));
  expect(winner?.ended).toMatchObject({ code: 0 });
  expect(winner?.changes).toBe(CHANGES);
  expect(loser?.ended.code).toBe(1);
  expect(loser?.changes).toBe(0);
  expect(loser?.ended.out).toMatch(
    new RegExp(
      `^Account small: FAILED
account small: nobody else must be at work on it, got a lock; nothing has been changed: wait for the end of that run, or remove what a dead run has left behind
account small is locked by \\S+@\\S+, process ${process.pid}, for apply, \\d+ seconds? ago\\.
  If that run is gone for sure: npm run keyspan -- unlock small --id [0-9a-f-]{36}
$`,
    ),
  );
  expect(world.locks()).toEqual([]);
  expect(world.keys()).toEqual([...new Set(world.keys())]);

  // In one clone they would write into the same stacks.
  const beside = await Promise.all([
    world.countChanges(world.directory, "apply", "small", "--yes"),
    world.countChanges(world.directory, "apply", "small", "--yes"),
  ]);
  expect(beside.map(({ ended: { code } }) => code).toSorted()).toEqual([0, 1]);
  expect(beside.find(({ ended: { code } }) => code === 1)?.ended.out).toBe(
    `Account small: FAILED
account small: one command at a time must work on it in this folder, got process ${process.pid} at work (${world.directory}/.sandbox/keyspan/small.lock); wait for its end, or use another clone
`,
  );
});
