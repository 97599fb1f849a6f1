/** `keyspan bootstrap` killed at every change, and run again. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { S3_BUCKETS } from "../../../sandbox/aws/s3";
import { StateOwnerProject } from "../../helpers/state-owner-project";
import { accountYaml } from "./bootstrap-account";

const STATE = "keyspan-bootstrap.tfstate";
const OUT = "cdktf.out/bootstrap.aws.acme-state";
const accounts = { a: accountYaml("a", "111122223333") };

const projects: StateOwnerProject[] = [];
function project(): StateOwnerProject {
  const made = new StateOwnerProject(accounts);
  projects.push(made);
  return made;
}
afterAll(() => {
  for (const made of projects) {
    made.remove();
  }
});

/** Resources in the state in the bucket, the data source not counted. */
function addresses(it: StateOwnerProject): readonly string[] {
  const { resources = [] } = JSON.parse(it.object(STATE) ?? "{}") as {
    resources?: { mode: string; type: string; name: string }[];
  };
  return resources
    .filter(({ mode }) => mode === "managed")
    .map(({ type, name }) => `${type}.${name}`)
    .sort();
}

const ALL = [
  "aws_iam_role.a-read",
  "aws_iam_role.a-write",
  "aws_iam_role_policy.a-read",
  "aws_iam_role_policy.a-write",
  "aws_s3_bucket.state",
  "aws_s3_bucket_lifecycle_configuration.state",
  "aws_s3_bucket_ownership_controls.state",
  "aws_s3_bucket_policy.state",
  "aws_s3_bucket_public_access_block.state",
  "aws_s3_bucket_server_side_encryption_configuration.state",
  "aws_s3_bucket_versioning.state",
];

async function converges(it: StateOwnerProject): Promise<void> {
  const run = await it.run(["a", "--yes"]);
  expect([run.code, run.err]).toEqual([0, expect.any(String)]);
  expect(addresses(it)).toEqual(ALL);
  expect(it.roles()).toEqual(["keyspan-state-a", "keyspan-state-a-read"]);
  expect(it.read(`${OUT}/local.tfstate`)).toBeUndefined();
  const again = await it.run(["a"]);
  expect([again.code, again.out]).toEqual([
    0,
    expect.stringMatching(/ were as accounts\/ says already\./),
  ]);
}

// The roles and the bucket are made first, the settings of the bucket and the policies after them.
const CHANGES = [1, 2, 3, 4, 7, 11];

describe.each(["dieBeforeChange", "dieAfterChange"] as const)("%s", (fault) => {
  test.each(CHANGES)("%i: the next run ends it", async (change) => {
    const it = project();
    const killed = await it.run(["a", "--yes"], { faults: { [fault]: change } });
    expect(killed.code).toBe(1);
    expect(killed.err).toMatch(
      /state: the whole log is in \S+; what was done is kept; run the command again, it goes on from there and finds what is not in the state\n$/,
    );
    await converges(it);
  });
});

test.each(CHANGES)(
  "killed after change %i on a machine that is gone: the next one finds what there is",
  async (change) => {
    const it = project();
    await it.run(["a", "--yes"], { faults: { dieAfterChange: change } });
    // It was killed as a whole, and could save nothing.
    it.objects.remove("acme-state", STATE);
    rmSync(join(it.directory, "cdktf.out"), { recursive: true });
    await converges(it);
  },
);

test("AWS refuses something: what was made is recorded in the bucket at once", async () => {
  const it = project();
  const failed = await it.run(["a", "--yes"], { faults: { failChange: 11 } });
  expect(failed.code).toBe(1);
  expect(addresses(it)).toHaveLength(10);
  expect(it.read(`${OUT}/local.tfstate`)).toBeUndefined();
  await converges(it);
});

test("the state was copied, and its file is still there", async () => {
  const it = project();
  await it.run(["a", "--yes"]);
  const state = it.object(STATE) ?? "";
  it.write(`${OUT}/local.tfstate`, state);
  it.write(`${OUT}/local.tfstate.backup`, state);
  expect((await it.run(["a"])).code).toBe(0);
  expect(it.read(`${OUT}/local.tfstate`)).toBeUndefined();
  expect(it.read(`${OUT}/local.tfstate.backup`)).toBeUndefined();

  for (const other of [
    state.replace(/"lineage": "[^"]+"/, '"lineage": "another"'),
    state.replace(/"serial": \d+/, '"serial": 1000'),
  ]) {
    it.write(`${OUT}/local.tfstate`, other);
    const refused = await it.run(["a", "--yes"]);
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringMatching(
        /local\.tfstate: there must be one state of bucket acme-state, got this one \(lineage \S+, serial \d+\) and another in s3:\/\/acme-state\/keyspan-bootstrap\.tfstate \(lineage \S+, serial \d+\); somebody else has made the bucket: move the file away and run the command again, which finds what only the file knows of\n$/,
      ),
    ]);
    expect(it.read(`${OUT}/local.tfstate`)).toBe(other);
    expect(it.object(STATE)).toBe(state);
  }
});

test("nothing is left to do but to move the state: that needs no approval", async () => {
  const it = project();
  await it.run(["a", "--yes"]);
  it.write(`${OUT}/local.tfstate`, it.object(STATE) ?? "");
  it.objects.remove("acme-state", STATE);
  expect((await it.run(["a"])).code).toBe(0);
  expect(addresses(it)).toEqual(ALL);
  expect(it.read(`${OUT}/local.tfstate`)).toBeUndefined();
});

test("a bucket that Keyspan did not make is left alone until somebody says that it is to be taken over", async () => {
  const it = project();
  await it.run(["a", "--yes"]);
  rmSync(join(it.directory, "cdktf.out"), { recursive: true });
  it.objects.remove("acme-state", STATE);
  const bucket = it.store.get(S3_BUCKETS, "eu-west-1", "acme-state");
  if (bucket === undefined) {
    throw new Error("there must be a bucket");
  }
  it.store.put(S3_BUCKETS, "eu-west-1", "acme-state", {
    ...bucket,
    tags: {},
    versioning: "Suspended",
  });

  const refused = await it.run(["a", "--yes"]);
  expect([refused.code, refused.err]).toEqual([
    1,
    expect.stringMatching(
      /\nbucket acme-state: it must not exist before Keyspan makes it, got one that is in no state and without Keyspan's tags; look at what it is for, then name another in state, or take it over: its policy and settings are replaced, which the plan shows \(npm run keyspan -- bootstrap a --adopt\)\n$/,
    ),
  ]);
  const shown = await it.run(["a", "--adopt"]);
  expect(shown.code).toBe(2);
  expect(shown.out).toMatch(/^Bucket acme-state: 2 to import, 8 to add, 1 to change, /);
  expect((await it.run(["a", "--adopt", "--yes"])).code).toBe(0);
  expect(it.store.get(S3_BUCKETS, "eu-west-1", "acme-state")?.versioning).toBe("Enabled");
  expect(addresses(it)).toEqual(ALL);
});
