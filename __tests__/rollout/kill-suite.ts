import {
  type Applying,
  applyPhase,
  chooseMoments,
  type KillAccount,
  survive,
} from "./kill-moments";
import { KillWorld } from "./kill-world";

/** What is killed, and how often. */
export interface KillSuiteProps {
  readonly account: KillAccount;
  readonly applying: Applying;
  /** Number of moments. */
  readonly count: number;
  readonly seed: number;
}

/** Tests of moments. The name of a test says which moment, so that it can be run again alone. */
export function killSuite({ account, applying, count, seed }: KillSuiteProps): void {
  const world = new KillWorld("small", account.after);
  let objects: readonly string[] = [];
  let held: readonly string[] = [];
  afterAll(() => world.remove());
  beforeAll(async () => {
    expect(await applyPhase(world, account, "grow")).toBe(account.changes.grow);
    objects = world.objects();
    world.restore("before");
    held = world.addresses();
  });

  test.each(chooseMoments(account, count, seed))(
    "an apply is survived: $victim at change $change of $phase",
    async (moment) => {
      const { messages, steps } = await survive(world, applying, moment);
      if (moment.phase === "grow") {
        expect(world.addresses()).toEqual(expect.arrayContaining([...held]));
      }
      const keys = world.keys();
      expect(keys).toEqual([...new Set(keys)]);
      expect(world.objects()).toEqual(objects);
      expect(world.locks()).toEqual([]);
      expect(await world.run("plan", "small", "--no-upload")).toMatchObject({ code: 0 });
      for (const step of steps.filter((text) => text.startsWith("unlock"))) {
        const id = step.split(" ").at(-1);
        expect(messages.join("")).toMatch(
          new RegExp(
            `is locked by \\S+@.+, for \\w+, \\d+ seconds? ago\\.\n  If that run is gone for sure: npm run keyspan -- unlock small --id ${id}\n`,
          ),
        );
      }
      if (process.env.KILL_LOG) {
        process.stderr.write(`${JSON.stringify({ ...moment, steps, rounds: messages.length })}\n`);
      }
    },
  );
}
