/** What an apply says about objects that an earlier one has made unseen. */
import { readFileSync, writeFileSync } from "node:fs";
import { SMALL_ACCOUNT } from "../helpers/sandbox-project";
import { recover } from "./kill-moments";
import { KillWorld } from "./kill-world";

jest.mock("../../stacks/notification-stack", () =>
  jest.requireActual("../helpers/no-notifications"),
);

const world = new KillWorld("small", SMALL_ACCOUNT);
afterAll(() => world.remove());
beforeAll(async () => {
  expect(await world.run("apply", "small", "--yes")).toMatchObject({ code: 0 });
});

/** Lets a state forget resources, as a kill before Terraform writes it does. */
function forget(stack: string, ...addresses: readonly string[]): void {
  const file = world.stateFile(stack);
  const state = JSON.parse(readFileSync(file, "utf8")) as {
    resources: { type: string; name: string }[];
  };
  const kept = state.resources.filter(({ type, name }) => !addresses.includes(`${type}.${name}`));
  expect(kept).toHaveLength(state.resources.length - addresses.length);
  writeFileSync(file, JSON.stringify({ ...state, resources: kept }));
}

test("names at once all objects of each stack that are there, those that wait for others too, and no others", async () => {
  const objects = world.objects();
  forget(
    "archive-eu-west-1",
    "aws_cloudwatch_event_bus.orders",
    "aws_cloudwatch_event_archive.orders",
    // SNS, SQS and the like give back the same object.
    "aws_sqs_queue.orders_dead-letter",
  );
  forget("keys", "aws_kms_alias.audit_eu-west-1", "aws_kms_alias.archive_eu-central-1");
  world.forgetObject("eu-central-1", "alias/keyspan-archive");
  const { messages, steps } = await recover(() => world.run("apply", "small", "--yes"), world);
  expect(steps).toEqual([
    "import small keys aws_kms_alias.audit_eu-west-1 alias/keyspan-audit@eu-west-1",
    "import small archive-eu-west-1 aws_cloudwatch_event_archive.orders orders",
    "import small archive-eu-west-1 aws_cloudwatch_event_bus.orders orders",
  ]);
  expect(messages[0]).toContain(
    `keys: what is there already and in no state was made by an apply that died, or by hand. If it is Keyspan's, take each over, then run the same command again:
    npm run keyspan -- import small keys 'aws_kms_alias.audit_eu-west-1' 'alias/keyspan-audit@eu-west-1'
`,
  );
  expect(world.objects()).toEqual(objects);
});
