/** Two hundred deaths of the provider, in an account with three regions, two buses and a team key. */
import { chooseFaultPoints, countChanges, survive } from "../helpers/fault-points";
import { SandboxProject, SMALL_ACCOUNT } from "../helpers/sandbox-project";

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

const CHANGES = { apply: 36, destroy: 32 };
const POINTS = 200;

test("the calls of the account are counted rightly: the points are drawn from them", async () => {
  expect(await countChanges(project, "large")).toEqual(CHANGES);
});

test.each(chooseFaultPoints(CHANGES, POINTS, 2026))(
  "$during survives a death $when change $change, $parallelism at a time",
  async (point) => {
    await survive(project, "large", point);
  },
);
