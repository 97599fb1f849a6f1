import { readFileSync } from "node:fs";
import { diff } from "../../../cli/commands/diff";
import { DEMO_ACCOUNT, TempProject } from "../../helpers/temp-project";

const STACKS = ["keys", "archive-eu-central-1", "archive-eu-west-1", "notifications"];
const KEY_OUTPUTS = {
  "archive-eu-central-1": [
    "cross-stack-output-aws_kms_replica_keyalerts_eu-central-1arn",
    "cross-stack-output-aws_kms_replica_keyarchive_eu-central-1arn",
  ],
  "archive-eu-west-1": [
    "cross-stack-output-aws_kms_keyalertsarn",
    "cross-stack-output-aws_kms_keyarchivearn",
  ],
  notifications: [
    "cross-stack-output-aws_kms_keyalertsarn",
    "cross-stack-output-aws_kms_keyarchivearn",
    "cross-stack-output-aws_kms_keyauditarn",
    "cross-stack-output-aws_kms_replica_keyalerts_eu-central-1arn",
  ],
};

let project: TempProject;
beforeEach(() => {
  project = new TempProject();
});
afterEach(() => project.remove());

function keysHave(...outputs: string[]): void {
  project.write(
    "fakes/outputs/keys",
    JSON.stringify(
      Object.fromEntries(outputs.map((name) => [name, { sensitive: true, value: "x" }])),
    ),
  );
}

const plan = (stack: string, flags = "") =>
  `cdktf diff ${stack} --skip-synth --output cdktf.out/demo --skip-provider-lock${flags} [demo]`;

test("plans one stack after the other, in order, with the person's flags", async () => {
  project.deployed("demo", ...STACKS);
  keysHave(...Object.values(KEY_OUTPUTS).flat());
  const { code, out } = await project.run(diff, ["demo", "--no-color"]);
  expect(code).toBe(0);
  expect(project.calls()).toEqual([
    "terraform keys: init -input=false [no workspace]",
    "terraform keys: workspace list [no workspace]",
    "terraform keys: workspace select demo [no workspace]",
    "terraform keys: output -json [demo]",
    ...STACKS.slice(1).flatMap((stack) => [
      `terraform ${stack}: init -input=false [no workspace]`,
      `terraform ${stack}: workspace list [no workspace]`,
      `terraform ${stack}: workspace select demo [no workspace]`,
    ]),
    ...STACKS.map((stack) => plan(stack, " --no-color")),
  ]);
  expect(out).toBe(`
Account demo:
  keys: its plan is above
  archive-eu-central-1: its plan is above
  archive-eu-west-1: its plan is above
  notifications: its plan is above
`);
});

test("creates no workspace: reports what was never deployed with all that would be created", async () => {
  const { code, out } = await project.run(diff, ["demo"]);
  expect(code).toBe(0);
  expect(project.calls()).toEqual(
    STACKS.flatMap((stack) => [
      `terraform ${stack}: init -input=false [no workspace]`,
      `terraform ${stack}: workspace list [no workspace]`,
    ]),
  );
  expect(out).toContain(`
  archive-eu-west-1: not deployed yet; would create 4 resources
    aws_cloudwatch_event_archive
    aws_cloudwatch_event_bus
    aws_sqs_queue
    aws_sqs_queue_policy
`);
  expect(out).toContain("    aws_kms_replica_key x 2\n");
});

test("reports a stack that waits for outputs, and is no failure", async () => {
  project.deployed("demo", ...STACKS);
  keysHave(...KEY_OUTPUTS["archive-eu-central-1"], KEY_OUTPUTS["archive-eu-west-1"][0] ?? "");
  const { code, out } = await project.run(diff, ["demo"]);
  expect(code).toBe(0);
  expect(out).toBe(`
Account demo:
  keys: its plan is above
  archive-eu-central-1: its plan is above
  archive-eu-west-1: waits for keys, whose state does not have 1 of the 2 outputs that it reads; deploy keys first
  notifications: waits for keys, whose state does not have 2 of the 4 outputs that it reads; deploy keys first
`);
  expect(project.calls().filter((call) => call.startsWith("cdktf"))).toEqual([
    plan("keys"),
    plan("archive-eu-central-1"),
  ]);
});

test("asks the stack that has the outputs even if only the one that reads them is named", async () => {
  project.deployed("demo", "archive-eu-west-1");
  const { code, out } = await project.run(diff, ["demo", "archive-eu-west-1"]);
  expect(code).toBe(0);
  expect(project.calls()).toEqual([
    "terraform keys: init -input=false [no workspace]",
    "terraform keys: workspace list [no workspace]",
    "terraform archive-eu-west-1: init -input=false [no workspace]",
    "terraform archive-eu-west-1: workspace list [no workspace]",
    "terraform archive-eu-west-1: workspace select demo [no workspace]",
  ]);
  expect(out).toBe(`
Account demo:
  archive-eu-west-1: waits for keys, whose state does not have 2 of the 2 outputs that it reads; deploy keys first
`);
});

test("goes on after a plan that failed, and fails in the end", async () => {
  project.deployed("demo", ...STACKS);
  keysHave(...Object.values(KEY_OUTPUTS).flat());
  project.failing("cdktf archive-eu-central-1", 9);
  const { code, out } = await project.run(diff, ["demo"]);
  expect(code).toBe(1);
  expect(out).toBe(`
Account demo:
  keys: its plan is above
  archive-eu-central-1: failed with exit code 9
  archive-eu-west-1: its plan is above
  notifications: its plan is above
`);
});

test("takes no workspace for another whose name contains its own", async () => {
  project.deployed("demo-2", ...STACKS);
  const { out } = await project.run(diff, ["demo", "keys"]);
  expect(out).toContain("keys: not deployed yet");
});

test("reads only: reading roles, and no lock", async () => {
  project.deployed("demo", "keys");
  await project.run(diff, ["demo", "keys"], { env: { TF_CLI_ARGS_plan: "-refresh=false" } });
  expect(project.envOf("cdktf")).toMatchObject({
    TF_CLI_ARGS_plan: "-refresh=false -lock=false",
    TF_CLI_ARGS_init: "-input=false",
    TF_WORKSPACE: "demo",
  });
  expect(readFileSync(project.seenAwsConfig, "utf8")).toBe(`[profile keyspan]
role_arn = arn:aws:iam::111122223333:role/keyspan-plan
role_session_name = keyspan-diff-demo
credential_source = Environment
region = eu-west-1

[profile keyspan-state]
role_arn = arn:aws:iam::444455556666:role/keyspan-state-demo-read
role_session_name = keyspan-diff-demo
credential_source = Environment
region = eu-west-1
`);
});

test("needs no ledger, but says that it lacks something", async () => {
  project.write("accounts/demo.yaml", DEMO_ACCOUNT.replace("protect: false", "protect: true"));
  const { code, err } = await project.run(diff, ["demo", "keys"]);
  expect(code).toBe(0);
  expect(err).toContain("run npm run ledger -- demo");
});

test("ends with terraform's exit code if a stack cannot be opened", async () => {
  project.failing("keys init", 4);
  const { code, out } = await project.run(diff, ["demo"]);
  expect([code, out]).toEqual([4, ""]);
});

test.each([
  ["--auto-approve", "diff: a flag must be one of"],
  ["--parallelism=1", "diff: --parallelism must not be given"],
])("fails if %s is given", async (flag, message) => {
  await expect(project.run(diff, ["demo", flag])).rejects.toThrow(message);
  expect(project.calls()).toEqual([]);
});
