/** Terraform itself, on stacks that need no provider but its own. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { childEnvironment } from "../../cli/child-environment";
import { ProgramFailure } from "../../cli/run-program";
import { Terraform } from "../../cli/terraform";
import { TempProject } from "../helpers/temp-project";

let project: TempProject;
let terraform: Terraform;
const progress: string[] = [];
beforeEach(() => {
  project = new TempProject({});
  progress.length = 0;
  terraform = new Terraform(
    env(),
    "demo",
    (line) => progress.push(line),
    join(project.directory, "logs"),
  );
});
afterEach(() => project.remove());

const env = () =>
  childEnvironment({
    // The workspace and folder of somebody else must not get through.
    env: {
      PATH: process.env.PATH,
      HOME: join(project.directory, "home"),
      TF_WORKSPACE: "prod",
      TF_DATA_DIR: join(project.directory, "shared"),
    },
    projectDirectory: project.directory,
    awsConfigFile: join(project.directory, "aws-config"),
    readOnly: false,
  });

function stack(resource: unknown) {
  project.write(
    "keys/cdk.tf.json",
    JSON.stringify({
      terraform: { backend: { local: { path: "state", workspace_dir: "states" } } },
      resource,
      output: { arn: { value: "x", sensitive: true } },
    }),
  );
  return { id: "keys", directory: join(project.directory, "keys"), dependencies: [] };
}

const RECORD = { terraform_data: { record: { input: "x" } } };

test("makes a workspace once, and sees what its state holds before and after an apply", async () => {
  const keys = stack(RECORD);
  await terraform.init(keys);
  expect(progress).toEqual(["keys: terraform init"]);
  expect(await terraform.hasWorkspace(keys)).toBe(false);
  expect(project.exists("keys/states/demo")).toBe(false);

  await terraform.ensureWorkspace(keys);
  await terraform.ensureWorkspace(keys);
  await terraform.selectWorkspace(keys);
  expect(await terraform.hasWorkspace(keys)).toBe(true);
  expect(await terraform.holdsResources(keys)).toBe(false);
  expect(await terraform.outputNames(keys)).toEqual(new Set());

  execFileSync("terraform", ["apply", "-auto-approve"], { cwd: keys.directory, env: env() });
  expect(await terraform.holdsResources(keys)).toBe(true);
  expect(await terraform.outputNames(keys)).toEqual(new Set(["arn"]));
  execFileSync("terraform", ["destroy", "-auto-approve"], { cwd: keys.directory, env: env() });
  expect(await terraform.holdsResources(keys)).toBe(false);
});

test("forgets a workspace that is gone since the last run", async () => {
  const keys = stack(RECORD);
  await terraform.init(keys);
  // With no other workspace than `default`, Terraform would take that one.
  await new Terraform(env(), "other", () => {}, join(project.directory, "logs")).ensureWorkspace(
    keys,
  );
  project.write("keys/.terraform/environment", "gone");
  await terraform.init(keys);
  expect(await terraform.hasWorkspace(keys)).toBe(false);
});

test("fails with what Terraform says if the workspace to select does not exist", async () => {
  const keys = stack(RECORD);
  await terraform.init(keys);
  const failure = await terraform.selectWorkspace(keys).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ProgramFailure);
  expect(failure).toMatchObject({
    exitCode: 1,
    message: expect.stringMatching(
      /doesn't exist[\s\S]*\nkeys: terraform workspace select demo failed with exit code 1; its message is above, and in .*logs\/keys\.workspace\.log$/,
    ),
  });
  expect(project.read("logs/keys.workspace.log")).toContain("doesn't exist");
});
