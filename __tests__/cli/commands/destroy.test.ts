import { readFileSync } from "node:fs";
import { join } from "node:path";
import { destroy } from "../../../cli/commands/destroy";
import { DEMO_ACCOUNT, TempProject } from "../../helpers/temp-project";

const STACKS = ["keys", "archive-eu-central-1", "archive-eu-west-1", "notifications"];
const SOMETHING = JSON.stringify({ version: 4, resources: [{ mode: "managed", type: "x" }] });
const ONLY_READ = JSON.stringify({ version: 4, resources: [{ mode: "data", type: "x" }] });

let project: TempProject;
beforeEach(() => {
  project = new TempProject();
  project.deployed("demo", ...STACKS);
  for (const stack of STACKS) {
    project.write(`fakes/states/${stack}`, SOMETHING);
  }
});
afterEach(() => project.remove());

const destroyed = () => project.calls().filter((call) => call.startsWith("cdktf"));
const call = (stack: string, flags = " --auto-approve") =>
  `cdktf destroy ${stack} --skip-synth --output cdktf.out/demo --skip-provider-lock --ignore-missing-stack-dependencies${flags} [demo]`;

test("opens every stack first, then destroys one after the other in reverse order", async () => {
  const { code, out } = await project.run(destroy, ["demo", "--auto-approve"]);
  expect(code).toBe(0);
  expect(project.calls()).toEqual([
    ...STACKS.flatMap((stack) => [
      `terraform ${stack}: init -input=false [no workspace]`,
      `terraform ${stack}: workspace list [no workspace]`,
      `terraform ${stack}: workspace select demo [no workspace]`,
      `terraform ${stack}: state pull [demo]`,
    ]),
    ...[...STACKS].reverse().map((stack) => call(stack)),
  ]);
  expect(out).toBe(`
Account demo:
  destroyed: notifications, archive-eu-west-1, archive-eu-central-1, keys
  failed: none
  not started: none
  nothing was there: none
The keys live on, disabled, for their deletion window (alerts 30 days, archive 30 days, audit 30 days), and the deletion can be cancelled until then.
`);
});

test("passes over what was never deployed, or is destroyed already", async () => {
  project.deployed("other", "archive-eu-central-1");
  project.write("fakes/states/archive-eu-west-1", ONLY_READ);
  project.write("fakes/states/notifications", ONLY_READ);
  project.write("fakes/states/keys", "");
  const { code, out } = await project.run(destroy, ["demo", "--auto-approve"]);
  expect(code).toBe(0);
  expect(destroyed()).toEqual([]);
  expect(project.calls().filter((line) => line.includes("-or-create"))).toEqual([]);
  expect(out).toContain(
    "nothing was there: keys, archive-eu-central-1, archive-eu-west-1, notifications\n",
  );
});

test("stops at the first failure, says where it stands, and passes the exit code on", async () => {
  project.failing("cdktf archive-eu-central-1", 6);
  const { code, out } = await project.run(destroy, ["demo", "--auto-approve"]);
  expect(code).toBe(6);
  expect(destroyed()).toEqual(
    ["notifications", "archive-eu-west-1", "archive-eu-central-1"].map((stack) => call(stack)),
  );
  expect(out).toBe(`
Account demo:
  destroyed: notifications, archive-eu-west-1
  failed: archive-eu-central-1
  not started: keys
  nothing was there: none
`);
});

test("stops where a Terraform was killed, which cdktf takes for success", async () => {
  const key = "aws/s3/acme-terraform-state/keyspan/demo/archive-eu-west-1.tfstate.tflock";
  const lock = join(project.directory, key);
  const info = { ID: "3f6e", Operation: "OperationTypeApply", Who: "ci", Created: "" };
  project.program(
    "cdktf",
    `#!/bin/sh
echo "cdktf $*" >> "HERE/log"
case "$2" in archive-eu-west-1) mkdir -p '${join(lock, "..")}'; echo '${JSON.stringify(info)}' > '${lock}' ;; esac
`,
  );
  const { code, out, err } = await project.run(destroy, ["demo", "--auto-approve"]);
  expect(err).toContain(
    "archive-eu-west-1: Terraform must give its lock back when it ends, got one that is held: it was killed, which cdktf takes for success\nthe state of archive-eu-west-1 in demo is locked by ci, for OperationTypeApply, at an unknown time.\n  If that run is gone for sure: npm run keyspan -- unlock demo --id 3f6e\n",
  );
  expect(out).toBe(`
Account demo:
  destroyed: notifications
  failed: archive-eu-west-1
  not started: archive-eu-central-1, keys
  nothing was there: none
`);
  expect(code).toBe(1);
});

test("destroys nothing if a stack cannot be opened", async () => {
  project.failing("archive-eu-west-1 init", 2);
  expect((await project.run(destroy, ["demo", "--auto-approve"])).code).toBe(2);
  expect(destroyed()).toEqual([]);
});

test("uses the roles that write", async () => {
  await project.run(destroy, ["demo", "--auto-approve"]);
  expect(readFileSync(project.seenAwsConfig, "utf8")).toMatch(
    /role\/keyspan-deploy\nrole_session_name = keyspan-destroy-demo\n[\s\S]*role\/keyspan-state-demo\n/,
  );
  expect(project.envOf("cdktf")).not.toHaveProperty("TF_CLI_ARGS_plan");
});

describe("holds the account", () => {
  const ACCOUNT_LOCK = "keyspan/demo/account.lock";
  afterEach(() => {
    expect(project.calls()).toEqual([]);
    expect(project.exists("cdktf.out/demo.lock")).toBe(false);
    expect(project.exists("cdktf.out/demo.apply.aws-config")).toBe(false);
  });

  test.each([
    [ACCOUNT_LOCK, "account demo is locked by ci@runner, for apply, "],
    [
      "keyspan/demo/notifications.tfstate.tflock",
      "the state of notifications in demo is locked by ci@runner, for apply, ",
    ],
  ])("refuses one that somebody else holds, by %s, and starts nothing", async (key, words) => {
    const lock = JSON.stringify({
      ID: "3f6e",
      Operation: "apply",
      Who: "ci@runner",
      Created: "2020-01-01T00:00:00Z",
    });
    project.write(`aws/s3/acme-terraform-state/${key}`, lock);
    await expect(project.run(destroy, ["demo", "--auto-approve"])).rejects.toThrow(
      new RegExp(
        `^account demo: nobody else must be at work on it, got a lock; nothing has been changed: wait for the end of that run, or remove what a dead run has left behind\n${words}\\d+ days ago\\.\n  If that run is gone for sure: npm run keyspan -- unlock demo --id 3f6e$`,
      ),
    );
    expect(project.object(key)).toBe(lock);
    expect(project.object(ACCOUNT_LOCK)).toBe(key === ACCOUNT_LOCK ? lock : undefined);
  });
});

describe("starts and writes nothing", () => {
  afterEach(() => {
    expect(project.calls()).toEqual([]);
    expect(project.exists("cdktf.out")).toBe(false);
  });

  test.each(["protect: true", ""])("fails if the account says '%s'", async (protect) => {
    project.write("accounts/demo.yaml", DEMO_ACCOUNT.replace("protect: false", protect));
    await expect(project.run(destroy, ["demo", "--auto-approve"])).rejects.toThrow(
      /destroy: protect must be false for account demo, got true; .* set protect: false in .*accounts\/demo\.yaml, deploy, then destroy/,
    );
  });

  test("fails if nobody can approve", async () => {
    await expect(project.run(destroy, ["demo"])).rejects.toThrow(
      "destroy: somebody must be at the terminal",
    );
  });

  test("fails if a stack is named", async () => {
    await expect(project.run(destroy, ["demo", "keys", "--auto-approve"])).rejects.toThrow(
      "destroy: the account must be the only name, got keys too",
    );
  });
});
