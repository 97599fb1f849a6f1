/** An account from its first plan to its last, with everything that it has, through the rollout. */
import { readFileSync } from "node:fs";
import { RolloutProject } from "../helpers/rollout-project";
import { SMALL_ACCOUNT } from "../helpers/sandbox-project";

const PROTECTED_ACCOUNT = SMALL_ACCOUNT.replace("protect: false", "protect: true").replace(
  'producers: ["111122223333"], regions: [eu-west-1] }',
  'producers: ["111122223333"] }',
);
const SECOND_ACCOUNT = SMALL_ACCOUNT.replaceAll("111122223333", "222233334444");

interface PlanJson {
  readonly digest: string;
  readonly failures: readonly unknown[];
  readonly accounts: readonly {
    readonly account: string;
    readonly stacks: readonly {
      readonly stack: string;
      readonly status: string;
      readonly reason?: string;
    }[];
  }[];
}

interface ApplyJson {
  readonly accounts: readonly {
    readonly stacks: readonly { readonly stack: string; readonly status: string }[];
    readonly waiting?: { readonly digest: string };
  }[];
}

let project: RolloutProject;

beforeAll(() => {
  project = new RolloutProject({ prod: PROTECTED_ACCOUNT });
  project.record("prod");
});

afterAll(() => project.remove());

/** Plans; what is pending and how, by stack. */
async function plan(account: string, expectedCode: number) {
  const { code, value } = await project.json<PlanJson>(["plan", account]);
  expect([code, value.failures]).toEqual([expectedCode, []]);
  return {
    digest: value.digest,
    stacks: Object.fromEntries(
      (value.accounts[0]?.stacks ?? []).map(({ stack, status }) => [stack, status]),
    ),
  };
}

/** Applies what was approved. */
async function apply(account: string, digest: string, expectedCode: number) {
  const { code, value, out } = await project.json<ApplyJson>([
    "apply",
    account,
    "--digest",
    digest,
  ]);
  expect({ code, out }).toEqual({ code: expectedCode, out: expect.any(String) });
  return {
    stacks: Object.fromEntries(
      (value.accounts[0]?.stacks ?? []).map(({ stack, status }) => [stack, status]),
    ),
    waiting: value.accounts[0]?.waiting?.digest,
  };
}

/** Plans and applies until nothing waits for another approval. */
async function applyAll(account: string) {
  for (let { digest } = await plan(account, 2); ; ) {
    const { code, value, out } = await project.json<ApplyJson>([
      "apply",
      account,
      "--digest",
      digest,
    ]);
    const waiting = value.accounts[0]?.waiting?.digest;
    expect([code, code === 1 ? out : ""]).toEqual([waiting === undefined ? 0 : 2, ""]);
    if (waiting === undefined) {
      return;
    }
    digest = waiting;
  }
}

async function expectStatus(account: string, expectedCode: number) {
  const { code, out } = await project.keyspan(["status", account]);
  expect({ code, out }).toEqual({ code: expectedCode, out: expect.any(String) });
  return out;
}

test("a new account: keys are planned, all else is deferred and only creates", async () => {
  await expectStatus("prod", 2);
  const planned = await plan("prod", 2);
  expect(planned.stacks).toEqual({
    keys: "planned",
    "archive-eu-central-1": "deferred",
    "archive-eu-west-1": "deferred",
    notifications: "deferred",
  });
  const applied = await apply("prod", planned.digest, 0);
  expect(applied).toEqual({
    stacks: {
      keys: "applied",
      "archive-eu-central-1": "applied",
      "archive-eu-west-1": "applied",
      notifications: "applied",
    },
    waiting: undefined,
  });
  expect(await expectStatus("prod", 0)).toContain("not confirmed: email on keyspan-alerts");
  expect((await plan("prod", 0)).stacks).toEqual({
    keys: "unchanged",
    "archive-eu-central-1": "unchanged",
    "archive-eu-west-1": "unchanged",
    notifications: "unchanged",
  });
});

test("a second account in the same bucket leaves the first alone", async () => {
  const before = project.states("prod");
  project.write("second", SECOND_ACCOUNT);
  const planned = await plan("second", 2);
  await apply("second", planned.digest, 0);
  await expectStatus("second", 0);
  expect(project.states("prod")).toEqual(before);
});

test("a new region takes two rounds: what it changes elsewhere is approved once it can be planned", async () => {
  project.editAccount("prod", "[eu-west-1, eu-central-1]", "[eu-west-1, eu-central-1, eu-north-1]");
  project.record("prod");
  const planned = await plan("prod", 2);
  expect(planned.stacks).toEqual({
    keys: "planned",
    "archive-eu-central-1": "unchanged",
    "archive-eu-north-1": "deferred",
    "archive-eu-west-1": "unchanged",
    notifications: "deferred",
  });
  const first = await apply("prod", planned.digest, 2);
  expect(first.stacks).toEqual({
    keys: "applied",
    "archive-eu-central-1": "unchanged",
    "archive-eu-north-1": "applied",
    "archive-eu-west-1": "unchanged",
    notifications: "waiting",
  });
  await expectStatus("prod", 2);
  const second = await apply("prod", first.waiting ?? "", 0);
  expect(second.stacks).toMatchObject({ notifications: "applied", keys: "unchanged" });
  await expectStatus("prod", 0);
});

test("a region is drained, then retired, then leaves the file; its keys stay in AWS", async () => {
  const keysIn = async (region: string) =>
    (await project.inventory("prod")).filter(
      ({ type, region: at }) => type === "aws_kms_replica_key" && at === region,
    ).length;
  project.editAccount("prod", "eu-north-1]", "{ name: eu-north-1, state: draining }]");
  project.record("prod");
  const draining = await plan("prod", 2);
  expect(draining.stacks).toMatchObject({ "archive-eu-north-1": "planned", keys: "planned" });
  await apply("prod", draining.digest, 0);
  await expectStatus("prod", 0);

  project.editAccount("prod", "state: draining", "state: retired");
  project.writeLedger("prod", {
    ...project.ledger("prod"),
    retired: [{ region: "eu-north-1", date: "2026-11-22", reason: "nothing runs there any more" }],
  });
  project.record("prod");
  const before = await keysIn("eu-north-1");
  expect(before).toBe(2);
  await applyAll("prod");
  await expectStatus("prod", 0);
  expect(await keysIn("eu-north-1")).toBe(before);
});

test("a removed archive is destroyed once that was approved", async () => {
  project.editAccount(
    "prod",
    "archives: { orders: { bus: orders, retentionDays: 7 } }",
    "archives: {}",
  );
  const planned = await plan("prod", 2);
  expect(planned.stacks).toMatchObject({
    "archive-eu-central-1": "planned",
    "archive-eu-west-1": "planned",
  });
  await apply("prod", planned.digest, 0);
  await expectStatus("prod", 0);
});

test("a renamed key is refused before anything is planned", async () => {
  const states = project.states("prod");
  project.editAccount("prod", "buses: {", "keysRenamed: {");
  const wrong = await project.keyspan(["plan", "prod"]);
  expect(wrong).toMatchObject({ code: 1 });
  project.editAccount("prod", "keysRenamed: {", "buses: {");
  project.editAccount(
    "second",
    "  audit: {",
    "  team: { administrators: [arn:aws:iam::222233334444:role/KeyAdmin], deletionWindowDays: 7 }\n  audit: {",
  );
  await applyAll("second");
  project.editAccount("second", "protect: false", "protect: true");
  project.record("second");
  await applyAll("second");
  project.editAccount("second", "  team: {", "  crew: {");
  const { code, err, out, calls } = await project.keyspan(["plan", "second"]);
  expect(`${err}${out}`).toContain("aws_kms_key.team");
  expect({ code, calls }).toEqual({ code: 1, calls: [] });
  expect(project.states("prod")).toEqual(states);
  expect(
    readFileSync(project.stateObject("second", "keyspan/second/keys.tfstate"), "utf8"),
  ).toContain('"team"');
});

test("an account is given up in two steps", async () => {
  const refused = await project.keyspan(["destroy", "second", "--yes"]);
  expect(refused.err).toContain("destroy: protect must be false for account second, got true");
  expect(refused.code).toBe(1);
  project.editAccount("second", "  crew: {", "  team: {");
  project.editAccount("second", "protect: true", "protect: false");
  const early = await project.keyspan(["destroy", "second", "--yes"]);
  expect(early.err).toContain(
    "destroy: protect: false must be applied to account second before it is destroyed, got",
  );
  expect(early.err).toContain(
    "nothing has been changed: npm run keyspan -- apply second, then destroy\n  keys: aws_kms_key.alerts\n",
  );
  expect(early).toMatchObject({ code: 1, calls: [] });
  await applyAll("second");
  const destroyed = await project.keyspan(["destroy", "second", "--yes"]);
  expect(destroyed).toMatchObject({ code: 0 });
  expect(destroyed.err).toContain("key team: for 7 days");
  const again = await project.keyspan(["destroy", "second", "--yes"]);
  expect(again).toMatchObject({ code: 0, out: "Account second: nothing to destroy\n" });
  const anew = await project.keyspan(["plan", "second"]);
  expect(anew).toMatchObject({ code: 2 });
  expect(anew.err).toMatch(
    /second: key mrk-[0-9a-f]+ in eu-west-1 waits for its deletion, and no state knows it: another key team is made beside it, which cannot decrypt what that one has encrypted\. To keep the old one: aws kms cancel-key-deletion --region eu-west-1 --key-id mrk-[0-9a-f]+, then run the same command again/,
  );
});
