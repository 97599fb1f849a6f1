/** The rollout with its states in a real S3 API: moto on loopback. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { RolloutProject } from "../helpers/rollout-project";
import { SMALL_ACCOUNT } from "../helpers/sandbox-project";
import { type Moto, startMoto } from "./moto";
import { settingsIn } from "./moto-account";

jest.mock("../../stacks/notification-stack", () => require("../helpers/no-notifications"));

let moto: Moto;
let project: RolloutProject;
let s3: S3Client;

beforeAll(async () => {
  moto = await startMoto();
  project = new RolloutProject({ small: SMALL_ACCOUNT });
  const settings = await settingsIn(moto, "444455556666");
  s3 = new S3Client({ ...settings, forcePathStyle: true });
  await s3.send(
    new CreateBucketCommand({
      Bucket: "acme-terraform-state",
      CreateBucketConfiguration: { LocationConstraint: "eu-west-1" },
    }),
  );
});

afterAll(async () => {
  project.remove();
  await moto.stop();
});

/** States, plans and roles are in moto, and what the rollout asks KMS itself; what Terraform makes stays simulated. */
const overrides = () => ({
  AWS_ENDPOINT_URL: moto.endpoint,
  AWS_ENDPOINT_URL_STS: moto.endpoint,
});

const keyspan = (...argv: string[]) => project.keyspan(argv, { overrides: overrides() });

async function objects(): Promise<readonly string[]> {
  const { Contents = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket: "acme-terraform-state" }),
  );
  return Contents.flatMap(({ Key }) => Key ?? []).sort();
}

test("plan, apply of exactly that plan, status, destroy", async () => {
  const planned = await keyspan("plan", "small", "--json");
  expect([planned.code, planned.code === 2 ? "" : planned.out]).toEqual([2, ""]);
  const { digest } = JSON.parse(planned.out) as { readonly digest: string };
  expect(await objects()).toEqual([
    "keyspan/small/archive-eu-central-1.tfstate",
    "keyspan/small/archive-eu-west-1.tfstate",
    "keyspan/small/keys.tfstate",
    `plans/${digest}/plans.json`,
    ...[
      "archive-eu-central-1.tf.json",
      "archive-eu-west-1.tf.json",
      "keys.tf.json",
      "keys.tfplan",
      "keys.txt",
      "plan.json",
    ].map((name) => `plans/${digest}/small/${name}`),
  ]);

  const applied = await keyspan("apply", "small", "--digest", digest);
  expect({ code: applied.code, out: applied.out }).toEqual({
    code: 0,
    out: expect.stringContaining("Account small: done"),
  });
  expect((await objects()).filter((key) => key.endsWith("lock"))).toEqual([]);
  expect(await keyspan("status", "small")).toMatchObject({ code: 0 });
  expect(await keyspan("plan", "small")).toMatchObject({ code: 0 });
});

test("two applies at once: one wins, the other changes nothing and says who holds the lock", async () => {
  project.editAccount("small", "retentionDays: 7", "retentionDays: 8");
  const other = new RolloutProject({
    small: SMALL_ACCOUNT.replace("retentionDays: 7", "retentionDays: 9"),
  });
  // Whichever wins must find in AWS what the states say.
  cpSync(join(project.directory, ".sandbox/aws"), join(other.directory, ".sandbox/aws"), {
    recursive: true,
  });
  try {
    const both = await Promise.all([
      project.keyspan(["apply", "small", "--yes"], { overrides: overrides() }),
      other.keyspan(["apply", "small", "--yes"], { overrides: overrides() }),
    ]);
    expect(both.map(({ code }) => code).sort()).toEqual([0, 1]);
    const loser = both.find(({ code }) => code === 1);
    expect(loser?.out).toMatch(
      /account small is locked by .*, process \d+, for apply, \d+ seconds? ago\.\n {2}If that run is gone for sure: npm run keyspan -- unlock small --id [0-9a-f-]{36}/,
    );
    expect(loser?.calls.filter(({ change }) => change > 0)).toEqual([]);
  } finally {
    other.remove();
  }
});
