/** `keyspan bootstrap` with real Terraform against a simulated account that is to own the bucket. */
import { StateOwnerProject } from "../../helpers/state-owner-project";
import { accountYaml, OWNER } from "./bootstrap-account";

const FILE = "cdktf.out/bootstrap.aws.acme-state/local.tfstate";
const STATE = "keyspan-bootstrap.tfstate";

const A = accountYaml("a", "111122223333");
const B = accountYaml("b", "222233334444");

const projects: StateOwnerProject[] = [];
function project(accounts: Readonly<Record<string, string>> = { a: A, b: B }): StateOwnerProject {
  const made = new StateOwnerProject(accounts);
  projects.push(made);
  return made;
}
afterAll(() => {
  for (const made of projects) {
    made.remove();
  }
});

test("the bucket and the roles from the first plan to the account that leaves", async () => {
  const it = project({ a: A });

  const planned = await it.run(["a"]);
  expect(planned).toMatchObject({
    code: 2,
    out: "Bucket acme-state: 11 to add, 0 to change, 0 to replace, 0 to destroy. Nothing was applied.\nTo apply it: npm run keyspan -- bootstrap a --yes\n",
  });
  expect(planned.err).toContain("# aws_s3_bucket_policy.state will be created");
  expect(it.roles()).toEqual([]);

  const made = await it.run(["a", "--yes"]);
  expect(made).toMatchObject({
    code: 0,
    out: `Bucket acme-state and the state roles of a are as accounts/ says. Their own state is now in s3://acme-state/keyspan-bootstrap.tfstate.

Next:
  1. Let the roles in state.writers and state.readers call sts:AssumeRole on the state roles: their own policies must allow it too.
  2. Make the deploy and plan roles of each account: npm run keyspan -- permissions a --role apply|plan
  3. npm run keyspan -- doctor a, then npm run keyspan -- plan a
Run this command again whenever an account is added or removed, or its state section changes.
`,
  });
  expect(it.roles()).toEqual(["keyspan-state-a", "keyspan-state-a-read"]);
  expect(it.read(FILE)).toBeUndefined();
  expect(JSON.parse(it.object(STATE) ?? "{}").resources).toHaveLength(12);
  expect(it.object(`${STATE}.tflock`)).toBeUndefined();

  const before = it.object(STATE);
  const again = await it.run(["a"]);
  expect(again.code).toBe(0);
  expect(again.out).toMatch(
    /^Bucket acme-state and the state roles of a were as accounts\/ says already\.\n\nNext:/,
  );
  expect(it.object(STATE)).toBe(before);

  it.write("accounts/b.yaml", B);
  const grown = await it.run(["a", "--yes", "--json"]);
  expect(grown.code).toBe(0);
  expect(JSON.parse(grown.out)).toEqual({
    bucket: "acme-state",
    region: "eu-west-1",
    account: OWNER,
    stateKey: STATE,
    changes: { import: 0, add: 4, change: 0, replace: 0, destroy: 0, forget: 0, move: 0 },
    accounts: ["a", "b"],
    applied: true,
    moved: false,
  });
  expect(it.roles()).toHaveLength(4);

  it.forget("accounts/b.yaml");
  const shrunk = await it.run(["a", "--yes"]);
  expect(shrunk.code).toBe(0);
  expect(shrunk.err).toContain("# aws_iam_role.b-write will be destroyed");
  expect(it.roles()).toEqual(["keyspan-state-a", "keyspan-state-a-read"]);
});

describe("whoever sits at the terminal", () => {
  const it = project({ a: A });
  const asked: string[] = [];
  const answering = (answer: string) => ({
    io: {
      interactive: true,
      ask: async (question: string) => {
        asked.push(question);
        return answer;
      },
    },
  });

  test("types the name of the bucket, or nothing is applied", async () => {
    expect((await it.run(["a"], answering("y"))).code).toBe(2);
    expect(it.roles()).toEqual([]);
    expect((await it.run(["a"], answering("acme-state"))).code).toBe(0);
    expect(it.roles()).toEqual(["keyspan-state-a", "keyspan-state-a-read"]);
    expect(asked).toEqual([
      "To apply this, type the name of the bucket (acme-state): ",
      "To apply this, type the name of the bucket (acme-state): ",
    ]);
  });

  test("learns who has locked the state, and how to remove the lock, which nothing else does", async () => {
    const created = new Date(Date.now() - 3_600_000).toISOString();
    it.objects.put(
      "acme-state",
      `${STATE}.tflock`,
      Buffer.from(
        JSON.stringify({
          ID: "id-1",
          Operation: "OperationTypeApply",
          Who: "x@y",
          Created: created,
        }),
      ),
    );
    expect(await it.run(["a", "--yes"])).toMatchObject({
      code: 1,
      out: "",
      err: `bucket acme-state: nobody else must be at work on its state, got a lock of x@y for OperationTypeApply (since ${created}, 60 minutes ago; id id-1); if that run is alive, wait for its end; if it was killed: npm run keyspan -- bootstrap a --unlock id-1\n`,
    });
    expect(await it.run(["a", "--unlock", "id-2"])).toMatchObject({
      code: 1,
      err: `--unlock must be the id of the lock on the state of bucket acme-state, got id-2; it is held by x@y for OperationTypeApply (since ${created}, 60 minutes ago; id id-1)\n`,
    });
    expect(it.object(`${STATE}.tflock`)).toBeDefined();
    expect(await it.run(["a", "--unlock", "id-1"])).toMatchObject({
      code: 0,
      out: `Removed the lock of x@y for OperationTypeApply (since ${created}, 60 minutes ago; id id-1).\n`,
    });
    expect(it.object(`${STATE}.tflock`)).toBeUndefined();
    expect(await it.run(["a", "--unlock", "id-1"])).toMatchObject({
      code: 1,
      err: "--unlock must be the id of the lock on the state of bucket acme-state, got id-1; nobody holds it\n",
    });
  });
});

describe("refuses, before anything is changed,", () => {
  test("every problem of every account, also of those that nobody named", async () => {
    const it = project({ a: A, b: "version: 1\n", c: A });
    const { code, err } = await it.run(["a", "--yes"]);
    expect(code).toBe(1);
    const lines = err.replaceAll(`${it.directory}/`, "").split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^accounts\/b\.yaml:1:1: state must be given/),
        expect.stringMatching(/^accounts\/a\.yaml:4:7: account\.id must .*\[account-id-unique\]$/),
      ]),
    );
    expect(new Set(lines).size).toBe(lines.length);
  });

  test("an unknown account, as wrong usage", async () => {
    expect(await project({ a: A }).run(["x"])).toMatchObject({
      code: 64,
      err: 'bootstrap: an account must be one of a, got "x"; correct it\n',
    });
  });

  test("no account at all, as wrong usage", async () => {
    expect((await project({ a: A }).run([])).code).toBe(64);
  });

  test("credentials that are not there", async () => {
    const env = { AWS_ACCESS_KEY_ID: "", AWS_PROFILE: "state-admin" };
    expect(await project({ a: A }).run(["a"], { io: { env } })).toMatchObject({
      code: 1,
      err: "AWS credentials must be in the environment, got no AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY; set both, or add --source-profile state-admin or --credential-source Ec2InstanceMetadata|EcsContainer\n",
    });
    const missing = await project({ a: A }).run(["a", "--source-profile", "nobody"]);
    expect([missing.code, missing.err]).toEqual([
      1,
      expect.stringMatching(
        /^credentials must be there, got Could not resolve credentials .*nobody.*; sign in, or name others by --source-profile or --credential-source\n$/,
      ),
    ]);
  });

  test.each([
    "arn:aws:sts::111122223333:assumed-role/Admin/me",
    `arn:aws-us-gov:sts::${OWNER}:assumed-role/Admin/me`,
  ])("credentials of another account or partition: %s", async (caller) => {
    const it = project({ a: A });
    it.caller = caller;
    expect(await it.run(["a", "--yes"])).toMatchObject({
      code: 1,
      err: `credentials must be of account ${OWNER} of partition aws, which is to own bucket acme-state, got ${caller}; use an administrator's of that account, or correct state.account\n`,
    });
  });

  test.each([
    [
      403,
      `bucket acme-state: it must belong to account ${OWNER} and be open to you, got an answer 403; names of buckets are unique in all of AWS: if it is somebody else's, set state.bucket to another name\n`,
    ],
    [
      400,
      "bucket acme-state: it must be in region eu-west-1, got an answer 400 there; correct state.region, or set state.bucket to another name\n",
    ],
  ])("a bucket that answers %i", async (status, err) => {
    const it = project({ a: A });
    it.bucketStatus = status;
    expect(await it.run(["a", "--yes"])).toMatchObject({ code: 1, err });
  });
});
