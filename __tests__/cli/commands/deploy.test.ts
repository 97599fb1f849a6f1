import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { deploy } from "../../../cli/commands/deploy";
import { ValidationError } from "../../../modules/errors";
import { DEMO_ACCOUNT, TempProject } from "../../helpers/temp-project";

const STACKS = ["keys", "archive-eu-central-1", "archive-eu-west-1", "notifications"];
const PREPARED = STACKS.flatMap((stack) => [
  `terraform ${stack}: init -input=false [no workspace]`,
  `terraform ${stack}: workspace select -or-create demo [no workspace]`,
]);

let project: TempProject;
beforeEach(() => {
  project = new TempProject();
});
afterEach(() => project.remove());

test("makes every workspace, then hands all stacks to cdktf at once, in order, one at a time", async () => {
  const { code, err } = await project.run(deploy, ["demo", "--auto-approve"]);
  expect(code).toBe(0);
  expect(err).toBe(STACKS.map((stack) => `${stack}: terraform init\n`).join(""));
  expect(project.calls()).toEqual([
    ...PREPARED,
    `cdktf deploy ${STACKS.join(" ")} --skip-synth --output cdktf.out/demo --skip-provider-lock --parallelism 1 --auto-approve [demo]`,
  ]);
  expect(project.read("fakes/cdktf-directory").trim()).toBe(project.directory);
});

test("prepares and hands over only the stacks that are named, and the person's flags", async () => {
  await project.run(deploy, [
    "demo",
    "archive-eu-west-1",
    "keys",
    "--auto-approve",
    "--var",
    "a=b=c",
    "--outputs-file=o.json",
    "--no-color",
    "--terraform-parallelism",
    "3",
  ]);
  expect(project.calls().slice(1)).toEqual([
    "terraform keys: workspace select -or-create demo [no workspace]",
    "terraform archive-eu-west-1: init -input=false [no workspace]",
    "terraform archive-eu-west-1: workspace select -or-create demo [no workspace]",
    "cdktf deploy keys archive-eu-west-1 --skip-synth --output cdktf.out/demo --skip-provider-lock --parallelism 1 --auto-approve --var=a=b=c --outputs-file=o.json --no-color --terraform-parallelism=3 [demo]",
  ]);
});

test("gives cdktf and terraform an environment in which nothing asks, waits or mixes states up", async () => {
  await project.run(deploy, ["demo", "--auto-approve"], {
    env: {
      AWS_PROFILE: "mine",
      AWS_DEFAULT_PROFILE: "mine",
      TF_WORKSPACE: "prod",
      TF_DATA_DIR: "/tmp/shared",
      TF_CLI_ARGS_init: "-input=true",
      TF_CLI_CONFIG_FILE: "/etc/terraform.rc",
      TF_PLUGIN_CACHE_DIR: join(project.directory, "cache"),
      CDKTF_MIGRATE_STATE: "true",
      CDKTF_IGNORE_MISSING_STACK_DEPENDENCIES: "true",
    },
  });
  const expected = {
    AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "example",
    AWS_CONFIG_FILE: join(project.directory, "cdktf.out/demo.apply.aws-config"),
    AWS_ENDPOINT_URL: project.env().AWS_ENDPOINT_URL,
    CHECKPOINT_DISABLE: "1",
    DISABLE_VERSION_CHECK: "1",
    HOME: join(project.directory, "home"),
    PATH: "/usr/bin:/bin",
    TERRAFORM_BINARY_NAME: project.pathOf("terraform"),
    TF_CLI_ARGS_init: "-input=true -input=false",
    TF_CLI_CONFIG_FILE: "/etc/terraform.rc",
    TF_IN_AUTOMATION: "1",
    TF_PLUGIN_CACHE_DIR: join(project.directory, "cache"),
  };
  expect(withoutShell(project.envOf("terraform"))).toEqual(expected);
  expect(withoutShell(project.envOf("cdktf"))).toEqual({ ...expected, TF_WORKSPACE: "demo" });
  expect(project.exists("cache")).toBe(true);
});

/** Without what the shell of a fake adds. */
function withoutShell(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !["", "PWD", "OLDPWD", "SHLVL", "_"].includes(name)),
  );
}

test("gives both profiles the roles that write, in a file only its owner reads, while it works", async () => {
  project.write("cdktf.out/demo.apply.aws-config", "left over");
  await project.run(deploy, ["demo", "--auto-approve"]);
  expect(readFileSync(project.seenAwsConfig, "utf8")).toBe(`[profile keyspan]
role_arn = arn:aws:iam::111122223333:role/keyspan-deploy
role_session_name = keyspan-deploy-demo
credential_source = Environment
region = eu-west-1

[profile keyspan-state]
role_arn = arn:aws:iam::444455556666:role/keyspan-state-demo
role_session_name = keyspan-deploy-demo
credential_source = Environment
region = eu-west-1
`);
  expect(statSync(project.seenAwsConfig).mode & 0o777).toBe(0o600);
  expect(project.exists("cdktf.out/demo.apply.aws-config")).toBe(false);
});

test("copies the provider lock file into every stack folder before init", async () => {
  project.write(".terraform.lock.hcl", "# locked\n");
  project.failing("keys init", 1);
  await project.run(deploy, ["demo", "--auto-approve"]);
  for (const stack of STACKS) {
    expect(project.read(`cdktf.out/demo/stacks/${stack}/.terraform.lock.hcl`)).toBe("# locked\n");
  }
});

test("shows what terraform said, and stops, if a stack cannot be prepared", async () => {
  project.failing("archive-eu-central-1 workspace", 3);
  const { code, err } = await project.run(deploy, ["demo", "--auto-approve"]);
  expect(code).toBe(3);
  const log = join(
    project.directory,
    "cdktf.out/demo.run/deploy/logs/archive-eu-central-1.workspace.log",
  );
  expect(err).toContain(
    `warns workspace\narchive-eu-central-1: terraform workspace select -or-create demo failed with exit code 3; its message is above, and in ${log}\n`,
  );
  expect(readFileSync(log, "utf8")).toContain("warns workspace\n");
  expect(project.calls()).toEqual(PREPARED.slice(0, 4));
  expect(project.exists("cdktf.out/demo.apply.aws-config")).toBe(false);
});

test("fails when a Terraform was killed, which cdktf takes for success", async () => {
  const lock = "aws/s3/acme-terraform-state/keyspan/demo/keys.tfstate.tflock";
  const info = {
    ID: "3f6e",
    Operation: "OperationTypeApply",
    Who: "ci@runner",
    Created: "2026-01-02T03:04:05Z",
  };
  project.program(
    "cdktf",
    `#!/bin/sh\nmkdir -p '${join(project.directory, lock, "..")}'\necho '${JSON.stringify(info)}' > '${join(project.directory, lock)}'\n`,
  );
  const { code, err } = await project.run(deploy, ["demo", "--auto-approve"]);
  expect(err).toMatch(
    /keys: Terraform must give its lock back when it ends, got one that is held: it was killed, which cdktf takes for success\nthe state of keys in demo is locked by ci@runner, for OperationTypeApply, \d+ days ago\.\n {2}If that run is gone for sure: npm run keyspan -- unlock demo --id 3f6e\n/,
  );
  expect(code).toBe(1);
});

test("passes the exit code of cdktf on", async () => {
  project.failing("cdktf keys", 7);
  expect((await project.run(deploy, ["demo", "--auto-approve"])).code).toBe(7);
});

test("leaves the approval to the person at the terminal", async () => {
  // The fake would wait for the terminal that jest itself runs in.
  project.program("cdktf", '#!/bin/sh\necho "cdktf $*" >> "HERE/log"\n');
  expect((await project.run(deploy, ["demo"], { interactive: true })).code).toBe(0);
  expect(project.calls().at(-1)).not.toContain("--auto-approve");
});

describe("holds the account", () => {
  const ACCOUNT_LOCK = "keyspan/demo/account.lock";

  test("while Terraform and cdktf work, and gives it back, whatever becomes of them", async () => {
    const lock = join(project.directory, "aws/s3/acme-terraform-state", ACCOUNT_LOCK);
    const folderLock = join(project.directory, "cdktf.out/demo.lock");
    project.program(
      "cdktf",
      `#!/bin/sh\ncat '${lock}' > HERE/lock\ncat '${folderLock}' > HERE/folder-lock\nexit 7\n`,
    );
    expect((await project.run(deploy, ["demo", "--auto-approve"])).code).toBe(7);
    expect(JSON.parse(project.read("fakes/lock"))).toMatchObject({
      Operation: "deploy",
      Who: expect.stringMatching(`^\\S+@.+, process ${process.pid}$`),
    });
    expect(project.read("fakes/folder-lock")).toBe(`${process.pid}`);
    expect(project.object(ACCOUNT_LOCK)).toBeUndefined();
    expect(project.exists("cdktf.out/demo.lock")).toBe(false);
  });

  test.each([
    [ACCOUNT_LOCK, "account demo is locked by ci@runner, for apply, "],
    [
      "keyspan/demo/keys.tfstate.tflock",
      "the state of keys in demo is locked by ci@runner, for apply, ",
    ],
  ])("refuses one that somebody else holds, by %s, and starts nothing", async (key, words) => {
    const lock = {
      ID: "3f6e",
      Operation: "apply",
      Who: "ci@runner",
      Created: "2020-01-01T00:00:00Z",
    };
    project.write(`aws/s3/acme-terraform-state/${key}`, JSON.stringify(lock));
    await expect(project.run(deploy, ["demo", "--auto-approve"])).rejects.toThrow(
      new RegExp(
        `^account demo: nobody else must be at work on it, got a lock; nothing has been changed: .*\n${words}\\d+ days ago\\.\n  If that run is gone for sure: npm run keyspan -- unlock demo --id 3f6e$`,
      ),
    );
    expect(project.calls()).toEqual([]);
    expect(JSON.parse(project.object(key) ?? "{}")).toEqual(lock);
    expect(project.exists("cdktf.out/demo.lock")).toBe(false);
    expect(project.exists("cdktf.out/demo.apply.aws-config")).toBe(false);
  });

  test("refuses one with keys that no state knows, or that are half made, names what puts each right, and gives it back", async () => {
    project.makeKey("eu-west-1", "lost", "archive");
    project.makeKey("eu-central-1", "lost", "archive");
    project.write(
      "aws/s3/acme-terraform-state/keyspan/demo/keys.tfstate",
      JSON.stringify({
        version: 4,
        lineage: "l",
        serial: 1,
        resources: [
          {
            mode: "managed",
            type: "aws_kms_key",
            name: "audit",
            instances: [{ status: "tainted", attributes: { region: "eu-west-1", id: "half" } }],
          },
        ],
      }),
    );
    await expect(project.run(deploy, ["demo", "--auto-approve"])).rejects.toEqual(
      new ValidationError(
        `account demo: an earlier apply must have ended before the next begins, got 3 things that it has left half done; nothing has been changed: put this right, then run the same command again
  keys: key lost in eu-central-1 is there already, and in no state: Terraform would make another beside it. Take it over:
    npm run keyspan -- import demo keys 'aws_kms_replica_key.archive_eu-central-1' 'lost@eu-central-1'
  keys: key lost in eu-west-1 is there already, and in no state: Terraform would make another beside it. Take it over:
    npm run keyspan -- import demo keys 'aws_kms_key.archive' 'lost@eu-west-1'
  keys: aws_kms_key.audit was made, but not to the end: Terraform would replace it. Keep it:
    npm run keyspan -- untaint demo keys 'aws_kms_key.audit'`,
      ),
    );
    expect(project.calls()).toEqual([]);
    expect(project.object(ACCOUNT_LOCK)).toBeUndefined();
    expect(project.exists("cdktf.out/demo.lock")).toBe(false);
    expect(project.exists("cdktf.out/demo.apply.aws-config")).toBe(false);
  });

  test("refuses a folder in which another command is at work", async () => {
    project.write("cdktf.out/demo.lock", "1");
    await expect(project.run(deploy, ["demo", "--auto-approve"])).rejects.toThrow(
      `account demo: one command at a time must work on it in this folder, got process 1 at work (${project.directory}/cdktf.out/demo.lock); wait for its end, or use another clone`,
    );
    expect(project.read("cdktf.out/demo.lock")).toBe("1");
    expect(project.calls()).toEqual([]);
  });
});

describe("starts and writes nothing", () => {
  afterEach(() => {
    expect(project.calls()).toEqual([]);
    expect(project.exists("cdktf.out/demo/stacks/keys/cdk.tf.json")).toBe(false);
  });

  test.each(["18.20.0", "21.0.0", "23.1.0", "24.11.0"])("fails if Node is %s", async (version) => {
    await expect(
      project.run(deploy, ["--parallelism=2"], { nodeVersion: version }),
    ).rejects.toThrow(`Node must be version 20 or 22, got ${version}; cdktf-cli 0.21`);
  });

  test("fails if nobody can approve", async () => {
    await expect(project.run(deploy, ["demo"])).rejects.toThrow(
      "deploy: somebody must be at the terminal to approve the plan, got a stdin that is no terminal; look at the plan (npm run diff) and add --auto-approve",
    );
  });

  test.each([
    [["nope"], '"nope"'],
    [[], "nothing"],
  ])("fails if the account is %j", async (argv, got) => {
    await expect(project.run(deploy, [...argv, "--auto-approve"])).rejects.toThrow(
      `the account must be one of demo, got ${got}`,
    );
  });

  test("fails if the account's file is wrong", async () => {
    project.write("accounts/demo.yaml", `${DEMO_ACCOUNT}\nprotekt: true\n`);
    await expect(project.run(deploy, ["demo", "--auto-approve"])).rejects.toThrow("protekt");
  });

  test("fails if the environment holds no credentials", async () => {
    await expect(
      project.run(deploy, ["demo", "--auto-approve"], {
        env: { AWS_ACCESS_KEY_ID: undefined, AWS_PROFILE: "mine" },
      }),
    ).rejects.toThrow(
      "AWS credentials must be in the environment, got no AWS_ACCESS_KEY_ID; set them, or add --source-profile mine or --credential-source Ec2InstanceMetadata|EcsContainer",
    );
  });

  test.each(["TF_CLI_ARGS", "TF_CLI_ARGS_init"])("fails if %s moves states", async (name) => {
    await expect(
      project.run(deploy, ["demo", "--auto-approve"], { env: { [name]: "-migrate-state" } }),
    ).rejects.toThrow(`${name} must not move states, got "-migrate-state"`);
  });
});

describe("starts nothing", () => {
  afterEach(() => expect(project.calls()).toEqual([]));

  test.each([
    [
      ["keys", "nope"],
      'a stack must be one of keys, archive-eu-central-1, archive-eu-west-1, notifications, got "nope"',
    ],
    [["archive-*"], 'a stack must be named by its id, got the pattern "archive-*"'],
    [["keys", "keys"], "a stack must be named once, got keys 2 times"],
    [
      ["archive-eu-west-1"],
      "the stacks must include what they depend on, got archive-eu-west-1 without keys; name it too",
    ],
  ])("fails if the stacks are %j", async (stacks, message) => {
    await expect(project.run(deploy, ["demo", ...stacks, "--auto-approve"])).rejects.toThrow(
      message,
    );
  });

  test("fails if a protected account's ledger lacks something", async () => {
    project.write("accounts/demo.yaml", DEMO_ACCOUNT.replace("protect: false", "protect: true"));
    await expect(project.run(deploy, ["demo", "--auto-approve"])).rejects.toThrow(
      "accounts/demo.ledger.json: the ledger must hold all that must not be destroyed before a protected account is deployed, got less; run npm run ledger -- demo and commit the file",
    );
  });

  test("fails if a stack folder holds Terraform files that were not synthesized, and lists and keeps all", async () => {
    project.write("cdktf.out/demo/stacks/keys/backend_override.tf", "# mine");
    project.write("cdktf.out/demo/stacks/archive-eu-west-1/terraform.tfvars", "");
    await expect(project.run(deploy, ["demo", "--auto-approve"])).rejects.toThrow(
      /keys\/backend_override\.tf: .*\n.*archive-eu-west-1\/terraform\.tfvars: /,
    );
    expect(project.read("cdktf.out/demo/stacks/keys/backend_override.tf")).toBe("# mine");
    expect(project.exists("cdktf.out/demo.apply.aws-config")).toBe(false);
  });

  test("fails if there is no terraform", async () => {
    await expect(
      project.run(deploy, ["demo", "--auto-approve"], {
        env: { TERRAFORM_BINARY_NAME: "./bin/terraform" },
      }),
    ).rejects.toThrow(
      `TERRAFORM_BINARY_NAME must name a program that can be run, got ${join(project.directory, "bin/terraform")}; install Terraform (https://developer.hashicorp.com/terraform/install)`,
    );
  });
});

test("looks for files that were not synthesized before it synthesizes again", async () => {
  await project.run(deploy, ["demo", "--auto-approve"]);
  const calls = project.calls();
  project.write("cdktf.out/demo/stacks/keys/cdk.tf.json", "{}");
  project.write("cdktf.out/demo/stacks/keys/more.tf.json", "{}");
  await expect(project.run(deploy, ["demo", "--auto-approve"])).rejects.toThrow(
    "cdktf.out/demo/stacks/keys/more.tf.json: cdk.tf.json must be the only Terraform file of the folder, got more.tf.json beside it",
  );
  expect(project.read("cdktf.out/demo/stacks/keys/cdk.tf.json")).toBe("{}");
  expect(project.calls()).toEqual(calls);
});

test("says what the apply will do that a person should know", async () => {
  project.write(
    "accounts/demo.yaml",
    DEMO_ACCOUNT.replace("eu-central-1]", "{ name: eu-central-1, state: draining }]"),
  );
  const { err } = await project.run(deploy, ["demo", "--auto-approve"]);
  expect(err).toMatch(/^Region eu-central-1 is draining: the next apply deletes its buses/);
});
