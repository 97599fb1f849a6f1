/** A region with ten thousand keys, half of them disabled and half about to be deleted. */
import { sweepDefinition } from "../../../modules/states/sweep";
import { FakeAws, outcomes } from "../../helpers/machine-tasks";

test("sweeps 10,000 keys in pages, each within the limits of an execution", async () => {
  const keys = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, index) => [
      `arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-${String(index).padStart(32, "0")}`,
      index % 2 === 0
        ? { KeyState: "Disabled" }
        : { KeyState: "PendingDeletion", DeletionDate: "2026-11-30T23:00:00.000Z" },
    ]),
  );
  const aws = new FakeAws({ keys });
  const results = await aws.run(
    sweepDefinition({
      at: { partition: "aws-us-gov", account: "111122223333", region: "us-gov-west-1" },
      watch: "all",
      keys: [],
      reminderDays: [14, 7, 2, 1],
      rules: [],
      topics: [],
    }),
    "2026-11-23T06:00:00.000Z",
  );
  expect(outcomes(results)).toEqual(Array.from({ length: 20 }, () => "SUCCEEDED"));
  expect(Math.max(...results.map(({ historyEvents }) => historyEvents))).toBeLessThan(25_000);
  expect(Math.max(...results.map(({ largestPayloadBytes }) => largestPayloadBytes))).toBeLessThan(
    256 * 1024,
  );
  expect(aws.events).toHaveLength(5001);
  expect(new Set(aws.events.map(({ Detail }) => (Detail as { keyArn?: string }).keyArn)).size).toBe(
    5001,
  );
  expect(aws.events.at(-1)?.Detail).toMatchObject({ disabled: { count: 5000 } });
});
