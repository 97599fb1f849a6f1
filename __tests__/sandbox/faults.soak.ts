/** Two hundred deaths of the provider, in an account with three regions, two buses and a team key. */
import {
  chooseFaultPoints,
  countChanges,
  type FaultyAccount,
  survive,
} from "../helpers/fault-points";
import { SandboxProject, SMALL_ACCOUNT } from "../helpers/sandbox-project";

jest.mock("../../stacks/notification-stack", () =>
  jest.requireActual("../helpers/no-notifications"),
);

const YAML = SMALL_ACCOUNT.replace(
  "regions: [eu-west-1, eu-central-1]",
  "regions: [eu-west-1, eu-central-1, us-east-1]",
)
  .replace("regions: [eu-west-1] }", "regions: [eu-west-1, us-east-1] }")
  .replace(
    "buses: {",
    '  payments: { administrators: [arn:aws:iam::111122223333:role/PaymentsAdmin], deletionWindowDays: 7 }\nbuses: { payments: { key: payments, producers: ["111122223333"], regions: [eu-central-1] },',
  )
  .replace("archives: {", "archives: { payments: { bus: payments, retentionDays: forever },");
const project = new SandboxProject({ large: YAML });
afterAll(() => project.remove());
const ACCOUNT: FaultyAccount = {
  project,
  workspace: "large",
  yaml: YAML,
  // A region, an archive, a tag on everything, and a shorter wait for one key.
  changedYaml: `${YAML.replace("us-east-1]", "us-east-1, us-west-2]")
    .replace("archives: {", "archives: { week: { bus: orders, retentionDays: 30 },")
    .replace("deletionWindowDays: 7", "deletionWindowDays: 8")}tags: { Owner: platform }\n`,
};

const CHANGES = { apply: 36, change: 33, destroy: 32 };
const POINTS = 200;

test("the calls of the account are counted rightly: the points are drawn from them", async () => {
  expect(await countChanges(ACCOUNT)).toEqual(CHANGES);
});

test.each(chooseFaultPoints(CHANGES, POINTS, 2026))(
  "$during survives a death $when change $change, $parallelism at a time",
  async (point) => {
    await survive(ACCOUNT, point);
  },
);
