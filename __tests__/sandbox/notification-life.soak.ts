/** The notifications while regions come and go, and while the trail changes hands. */
import { complaints, SandboxProject, SMALL_ACCOUNT, totals } from "../helpers/sandbox-project";

const ONE = SMALL_ACCOUNT.replace("regions: [eu-west-1, eu-central-1]", "regions: [eu-west-1]");
const withRegions = (entries: string) => {
  const yaml = ONE.replace("regions: [eu-west-1]\n", `regions: ${entries}\n`);
  expect(yaml).not.toBe(ONE);
  return yaml;
};
const TWO = withRegions("[eu-west-1, eu-central-1]");

const project = new SandboxProject({ small: ONE });
afterAll(() => project.remove());

/** Applies a file, and sees that a second plan has nothing to do. */
async function apply(yaml: string) {
  project.write("small", yaml);
  const applied = await project.apply("small");
  // That Terraform forgets keys is a warning, and meant.
  expect(complaints(applied)).not.toContain("Error:");
  const again = await project.plan("small");
  expect(complaints(again)).toBe("");
  expect(totals(again)).toEqual({ add: 0, change: 0, remove: 0, import: 0 });
  return totals(applied);
}

/** Notification resources of a region in the state. */
const watching = (region: string) =>
  project.addresses("small", "notifications").filter((address) => address.includes(region));

test("a region is added, drained, given up and left, and nothing else is replaced", async () => {
  await apply(ONE);
  const before = project.addresses("small", "notifications");
  expect(watching("eu-central-1")).toEqual([]);

  const added = await apply(TWO);
  expect(added.remove).toBe(0);
  expect(watching("eu-central-1").length).toBeGreaterThan(25);
  expect(project.addresses("small", "notifications")).toEqual(expect.arrayContaining(before));

  await apply(withRegions("[eu-west-1, { name: eu-central-1, state: draining }]"));
  expect(watching("eu-central-1").length).toBeGreaterThan(25);

  await apply(withRegions("[eu-west-1, { name: eu-central-1, state: retired }]"));
  expect(watching("eu-central-1")).toEqual([]);

  await apply(ONE);
  expect(project.addresses("small", "notifications")).toEqual(before);
});

test("the trail is made, handed over and made again", async () => {
  const existing = ONE.replace(
    "trail: create",
    "trail: { existing: arn:aws:cloudtrail:eu-west-1:111122223333:trail/main }",
  );
  const types = () => project.addresses("small", "notifications").join("\n");
  await apply(existing);
  expect(types()).not.toContain("aws_cloudtrail.");
  await apply(ONE.replace("trail: create", "trail: organization"));
  await apply(
    ONE.replace(
      "trail: create",
      "trail: { create: { readEvents: false, logGroupRetentionDays: 90 } }",
    ),
  );
  expect(types()).toContain("aws_cloudtrail.keyspan\n");
  expect(types()).toContain("aws_cloudwatch_log_group.trail\n");
});

test("all of it is destroyed", async () => {
  expect(complaints(await project.destroy("small", { unprotect: true }))).toBe("");
  // Keys wait for their deletion, and those of the region that was given up stay.
  const left = await project.inventory("small");
  expect(left.filter(({ type }) => !type.startsWith("aws_kms_"))).toEqual([]);
});
