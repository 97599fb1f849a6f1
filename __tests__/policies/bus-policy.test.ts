/** Who may put events on the buses that Keyspan makes, decided on the synthesized policies. */
import { actionsOn } from "../helpers/iam";
import { ALL_ACCOUNTS, synthAccount } from "../helpers/synth";
import { BUS_ACTIONS, busArnAt, busCells } from "./bus-table";
import { byTopic, problemsOf } from "./decision-table";
import { synthEntangledAccount } from "./entangled-account";
import { busPolicies } from "./rendered";

const accounts = [
  ...ALL_ACCOUNTS.map(([directory, workspace]) => synthAccount(directory, workspace)),
  synthEntangledAccount(),
];

let decided = 0;
let planned = 0;

test("the table says something about every action on a bus", async () => {
  expect(BUS_ACTIONS.map((name) => `events:${name}`)).toEqual(
    await actionsOn("events", "event-bus"),
  );
});

describe.each(accounts.map((synthesized) => [synthesized.account.workspace, synthesized] as const))(
  "buses of account %s",
  (_workspace, synthesized) => {
    const { account } = synthesized;
    const rendered = busPolicies(synthesized);

    test("every bus that Keyspan makes stands in each of its regions", () => {
      const expected = account.buses.flatMap((bus) =>
        bus.existing ? [] : bus.regions.map((region) => `${bus.name} in ${region}`),
      );
      expect(rendered.map(({ bus, region }) => `${bus.name} in ${region}`).sort()).toEqual(
        expected.sort(),
      );
    });

    for (const { bus, region, policy } of rendered) {
      const place = { account, bus, region };
      const topics = [...byTopic(busCells(place))];
      planned += topics.reduce((sum, [, cells]) => sum + cells.length, 0);

      test.each(topics)(`${bus.name} in ${region}: %s`, async (_topic, cells) => {
        const problems = await problemsOf(cells, { resource: busArnAt(place), policy });
        decided += cells.length;
        expect(problems).toEqual([]);
      });
    }
  },
);

test("the tables are not empty", () => {
  expect(planned).toBeGreaterThan(500);
  expect(decided).toBe(planned);
});
