/** Twenty deaths of the provider. The soak test tries two hundred, in a larger account. */
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

const project = new SandboxProject({ small: SMALL_ACCOUNT });
afterAll(() => project.remove());
const ACCOUNT: FaultyAccount = {
  project,
  workspace: "small",
  yaml: SMALL_ACCOUNT,
  // A region, an archive and a shorter wait.
  changedYaml: SMALL_ACCOUNT.replace("eu-central-1]", "eu-central-1, us-east-1]")
    .replace("archives: {", "archives: { week: { bus: orders, retentionDays: 30 },")
    .replace("retentionDays: 7", "retentionDays: 14"),
};
const CHANGES = { apply: 17, change: 10, destroy: 14 };
const POINTS = 10;

test("the calls of the account are counted rightly: the points are drawn from them", async () => {
  expect(await countChanges(ACCOUNT)).toEqual(CHANGES);
});

test.each(chooseFaultPoints(CHANGES, POINTS, 4))(
  "$during survives a death $when change $change, $parallelism at a time",
  async (point) => {
    const unseen = (await survive(ACCOUNT, point)).map(({ type }) => type);
    if (point.parallelism === 1 && point.during === "destroy") {
      expect(unseen).toEqual([]);
    } else if (point.parallelism === 1 && point.when === "after") {
      expect(unseen).toHaveLength(1);
    } else if (point.parallelism === 1) {
      // A key is made in two calls: before the second it exists, and Terraform does not know it.
      expect([[], ["aws_kms_key"]]).toContainEqual(unseen);
    }
  },
);
