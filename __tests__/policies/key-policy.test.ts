/** The design's table of who may do what with a key, decided on the synthesized policies. */
import { actionsOn } from "../helpers/iam";
import { ALL_ACCOUNTS, synthAccount } from "../helpers/synth";
import { byTopic, problemsOf } from "./decision-table";
import { synthEntangledAccount } from "./entangled-account";
import { KEY_ACTIONS, keyArnAt, keyCells, UNDECIDED_KEY_ACTIONS } from "./key-table";
import { keyPolicies } from "./rendered";

const accounts = [
  ...ALL_ACCOUNTS.map(([directory, workspace]) => synthAccount(directory, workspace)),
  synthEntangledAccount(),
];

let decided = 0;
let planned = 0;

test("the table says something about every action on a key", async () => {
  const actions = await actionsOn("kms", "key");
  expect([...KEY_ACTIONS, ...UNDECIDED_KEY_ACTIONS].sort().map((name) => `kms:${name}`)).toEqual(
    actions,
  );
});

describe.each(accounts.map((synthesized) => [synthesized.account.workspace, synthesized] as const))(
  "keys of account %s",
  (_workspace, synthesized) => {
    const { account } = synthesized;
    const rendered = keyPolicies(synthesized);

    test("every managed key has one policy in each of its regions, and no other key has one", () => {
      const expected = account.keys.flatMap((key) =>
        key.kind === "managed" && key.state === "active"
          ? key.regions.map((region) => `${key.name} in ${region}`)
          : [],
      );
      expect(rendered.map(({ key, region }) => `${key.name} in ${region}`).sort()).toEqual(
        expected.sort(),
      );
    });

    describe.each(rendered.map((place) => [place.key.name, place.region, place] as const))(
      "%s in %s",
      (_name, _region, { key, region, formerBuses, policy }) => {
        const place = { account, key, region, formerBuses };
        const topics = [...byTopic(keyCells(place))];
        planned += topics.reduce((sum, [, cells]) => sum + cells.length, 0);

        test.each(topics)("%s", async (_topic, cells) => {
          const problems = await problemsOf(cells, { resource: keyArnAt(place), policy });
          decided += cells.length;
          expect(problems).toEqual([]);
        });
      },
    );
  },
);

test("the tables are not empty", () => {
  // The fixture accounts alone make more than this.
  expect(planned).toBeGreaterThan(10_000);
  expect(decided).toBe(planned);
});
