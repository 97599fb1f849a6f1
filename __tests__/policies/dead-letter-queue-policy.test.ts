/** Who may do what with the dead-letter queues of buses, decided on the synthesized policies. */
import { actionsOn } from "../helpers/iam";
import { ALL_ACCOUNTS, synthAccount } from "../helpers/synth";
import { byTopic, problemsOf } from "./decision-table";
import { synthEntangledAccount } from "./entangled-account";
import { QUEUE_ACTIONS, queueCells } from "./queue-table";
import { busPolicies } from "./rendered";

const accounts = [
  ...ALL_ACCOUNTS.map(([directory, workspace]) => synthAccount(directory, workspace)),
  synthEntangledAccount(),
];

let decided = 0;
let planned = 0;

test("the table says something about every action on a queue", async () => {
  expect(QUEUE_ACTIONS.map((name) => `sqs:${name}`)).toEqual(await actionsOn("sqs", "queue"));
});

describe.each(accounts.map((synthesized) => [synthesized.account.workspace, synthesized] as const))(
  "dead-letter queues of account %s",
  (_workspace, synthesized) => {
    const { account } = synthesized;
    const rendered = busPolicies(synthesized);

    test("every bus has a queue of its own in its region", () => {
      const arns = rendered.map(({ queueArn }) => queueArn);
      expect(new Set(arns).size).toBe(arns.length);
      expect(arns.map((arn) => arn.split(":").slice(0, 5).join(":"))).toEqual(
        rendered.map(({ region }) => `arn:${account.partition}:sqs:${region}:${account.id}`),
      );
    });

    for (const { bus, region, queueArn, queuePolicy } of rendered) {
      const topics = [...byTopic(queueCells({ account, bus, region }))];
      planned += topics.reduce((sum, [, cells]) => sum + cells.length, 0);

      test.each(topics)(`${bus.name} in ${region}: %s`, async (_topic, cells) => {
        const problems = await problemsOf(cells, { resource: queueArn, policy: queuePolicy });
        decided += cells.length;
        expect(problems).toEqual([]);
      });
    }
  },
);

test("the tables are not empty", () => {
  expect(planned).toBeGreaterThan(1_000);
  expect(decided).toBe(planned);
});
