/** The sandbox's commands, with real Terraform and a provider in a process of its own. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../../../cli/io";
import { apply } from "../../../sandbox/commands/apply";
import { cdktf } from "../../../sandbox/commands/cdktf";
import { destroy } from "../../../sandbox/commands/destroy";
import { drift } from "../../../sandbox/commands/drift";
import { importObject } from "../../../sandbox/commands/import";
import { plan } from "../../../sandbox/commands/plan";
import { show } from "../../../sandbox/commands/show";
import { untaint } from "../../../sandbox/commands/untaint";
import { up } from "../../../sandbox/commands/up";
import { PROJECT } from "../../helpers/project";
import { type Ended, runCommand } from "../../helpers/run-command";
import { complaints, SandboxProject, SMALL_ACCOUNT } from "../../helpers/sandbox-project";

jest.mock("../../../stacks/notification-stack", () =>
  jest.requireActual("../../helpers/no-notifications"),
);

const MAIN = join(PROJECT, "sandbox/main.ts");
const COMMANDS: Readonly<Record<string, Command>> = {
  apply,
  cdktf,
  destroy,
  drift,
  import: importObject,
  plan,
  show,
  untaint,
  up,
};

let project: SandboxProject;
beforeEach(() => {
  project = new SandboxProject({
    small: SMALL_ACCOUNT,
    guarded: SMALL_ACCOUNT.replaceAll("111122223333", "222233334444").replace(
      "protect: false",
      "protect: true",
    ),
  });
});
afterEach(() => project.remove());

/** Runs a command as a person does, with nothing of the environment but what starts programs. */
function start(command: string): Promise<Ended> {
  const child = spawn(
    process.execPath,
    ["--require", require.resolve("tsx/cjs"), MAIN, ...command.split(" ")],
    {
      cwd: project.directory,
      env: { PATH: process.env.PATH, HOME: join(project.directory, "home") },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
}

/** Runs a command in this process, which is faster. */
async function run(command: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const [name = "", ...argv] = command.split(" ");
  const found = COMMANDS[name];
  if (found === undefined) {
    throw new Error(`there is no command ${name}`);
  }
  try {
    return await runCommand(found, argv, {
      env: { PATH: process.env.PATH, HOME: join(project.directory, "home"), ...env },
      projectDirectory: project.directory,
    });
  } catch (error) {
    // As the process does: what a person can correct is said before anything is written.
    return { code: 1, out: "", err: `${(error as Error).message}\n` };
  }
}

test("an account comes up, stays as it is, is shown, is destroyed and goes", async () => {
  const up = await run("up small");
  expect(up).toMatchObject({ code: 0, err: "" });
  expect(up.out).toMatch(
    /^Account small \(111122223333, aws\), home region eu-west-1, in a simulated AWS on this machine\n/,
  );
  expect(up.out).toContain("keys: 16 to add, 0 to change, 0 to destroy\n");
  expect(up.out).toMatch(/keys: aws_kms_key\.archive: Creation complete/);
  expect(up.out).toContain("archive-eu-central-1: no changes\n");
  expect(up.out).toContain("Account small is applied.\n");
  expect(up.out).toMatch(/^eu-central-1\n( {2}aws_\S+ .*\n)+eu-west-1\n( {2}aws_\S+ .*\n)+/m);
  expect(up.out).toMatch(/aws_kms_replica_key +archive +mrk-[0-9a-f]{32} Enabled {2}keys: aws_kms/);
  expect(up.out).toContain("cdktf.out/small/stacks/<stack>/cdk.tf.json");

  const again = await run("up small");
  expect(again).toMatchObject({ code: 0, err: "" });
  expect(again.out).toContain("No changes: account small is as its file says.\n");

  expect((await run("plan small")).out.match(/No changes\./g)).toHaveLength(3);
  const shown = await run("show small");
  expect(shown).toMatchObject({ code: 0, err: "" });
  expect(shown.out).not.toContain("in no state");
  expect(shown.out.match(/^ {2}aws_/gm)).toHaveLength(14);

  const destroyed = await run("destroy small");
  expect(destroyed).toMatchObject({ code: 0, err: "" });
  expect(destroyed.out).toContain("archive-eu-central-1: nothing is there\n");
  expect(destroyed.out).toContain("keys: 0 to add, 0 to change, 16 to destroy\n");
  const ending = (await run("show small")).out;
  expect(ending.match(/waits for its deletion, see below/g)).toHaveLength(5);
  expect(ending).toMatch(
    /^These wait for their deletion\. To have one back:\n(?: {2}aws_kms_\w+ \w+ in eu-\S+\n {4}npm run sandbox -- drift small cancel-deletion \S+ eu-\S+\n {4}npm run sandbox -- import small keys 'aws_kms_\S+' '\S+@eu-\S+'\n){5}$/m,
  );
  // The primary keys have replica keys, which still exist.
  expect(ending.match(/PendingReplicaDeletion {2}in no state/g)).toHaveLength(2);
  expect(ending.match(/PendingDeletion \d{4}-\d\d-\d\d {2}in no state/g)).toHaveLength(3);

  expect(await start("down small")).toMatchObject({
    code: 0,
    out: "Account small is gone from the sandbox.\n",
  });
  expect(Object.keys(project.files(".sandbox"))).toEqual(["terraform.rc"]);
  expect(await run("show small")).toMatchObject({
    code: 1,
    err: "show: account small must have been in the sandbox, got nothing there; run npm run sandbox -- up small\n",
  });
});

test("a protected account is destroyed only with --unprotect", async () => {
  expect(await run("apply guarded")).toMatchObject({ code: 0 });
  expect(await run("destroy guarded")).toMatchObject({
    code: 1,
    out: "",
    err: "destroy: protect must be false for account guarded, got true; in the sandbox, --unprotect destroys it all the same\n",
  });
  const destroyed = await run("destroy guarded --unprotect");
  expect(destroyed).toMatchObject({ code: 0, err: "" });
  expect(destroyed.out).toContain("keys: 0 to add, 0 to change, 16 to destroy\n");
});

test("a provider process that dies is survived with the commands that are shown", async () => {
  const died = await start("up small --die-after-change 1");
  expect(died.code).not.toBe(0);
  expect(died.err).toMatch(
    /The provider's process died\.\n\nThese exist in account small and in no state;/,
  );
  const command = /^ {4}npm run sandbox -- (import small keys '(aws_kms_key\.\w+)' '(\S+)')$/m.exec(
    died.err,
  );
  expect(command).not.toBeNull();
  const [, , address = "", importId = ""] = command ?? [];

  const refused = await run("up small");
  expect(refused.code).toBe(1);
  expect(refused.err).toContain("These exist in account small and in no state;");
  expect(refused.err).toContain(`'${address}' '${importId}'`);
  expect(refused.err).toContain("Nothing has been changed.\n");
  expect((await run("show small")).out).toContain(`'${address}' '${importId}'`);

  expect(await run(`import small keys ${address} ${importId}`)).toMatchObject({
    code: 0,
    out: `keys: ${address} is taken over\n`,
  });
  expect(await run("up small")).toMatchObject({ code: 0, err: "" });
  expect((await run("up small")).out).toContain("No changes: account small");
});

test("a key that was made half-way is not replaced, but kept with the command that is shown", async () => {
  // The call that fails lets a key rotate: KMS has made the key already. One at a time, so that it is that call.
  const failed = await project.apply("guarded", { faults: { failChange: 2 } }, "-parallelism=1");
  expect(complaints(failed)).toContain("the sandbox was told to fail");
  const refused = await run("apply guarded");
  expect(refused.code).toBe(1);
  const [, address = ""] =
    /^These keys were made, but not to the end: .*\n {2}aws_kms_key \w+ in eu-west-1\n {4}npm run sandbox -- untaint guarded keys '(aws_kms_key\.\w+)'\nNothing has been changed\.\n$/m.exec(
      refused.err,
    ) ?? [];
  expect((await run("show guarded")).out).toContain(`keys: ${address}, made half-way, see below`);
  expect(await run(`untaint guarded keys ${address}`)).toMatchObject({
    code: 0,
    out: `keys: ${address} is kept\n`,
  });
  const finished = await run("apply guarded");
  expect(finished).toMatchObject({ code: 0, err: "" });
  expect(finished.out).toMatch(/^keys: \d+ to add, 1 to change, 0 to destroy$/m);
});

test("what fails for another reason is not told to be run again", async () => {
  const failed = await run("apply small --fail-call 1");
  expect(failed.code).toBe(1);
  expect(failed.err).toContain("the sandbox was told to fail");
  expect(failed.err).not.toContain("again");
  const died = await run("apply small --die-before-change 1");
  expect(died.err).toMatch(/^The provider's process died\. Run the same command again\.$/m);
  expect(await run("apply small")).toMatchObject({ code: 0, err: "" });
});

test("a destroy that would leave something unseen behind does not begin", async () => {
  await run("apply small --fail-change 9");
  const { sandbox } = await project.start("small", { faults: { dieAfterChange: 1 } });
  const [folder] = sandbox.folders;
  if (folder !== undefined) {
    await (await sandbox.terraform()).planAndApply(folder, "-parallelism=1");
  }
  sandbox.close();
  const refused = await run("destroy small");
  expect(refused).toMatchObject({ code: 1, out: "" });
  expect(refused.err).toMatch(
    /These exist in account small and in no state;[\s\S]*Nothing has been changed\.\n$/,
  );
});

test("an apply goes on when nobody reads what it says", async () => {
  const child = spawn(
    process.execPath,
    ["--require", require.resolve("tsx/cjs"), MAIN, "up", "small"],
    {
      cwd: project.directory,
      env: { PATH: process.env.PATH },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const ended = new Promise((resolve) => child.on("exit", resolve));
  child.stdout.destroy();
  child.stderr.resume();
  expect(await ended).toBe(0);
  const statuses = (await project.inventory("small")).map(({ status }) => status);
  expect([...new Set(statuses)]).toEqual(["managed"]);
});

test("show says so when somebody is at work, and recommends nothing meanwhile", async () => {
  await run("apply small --fail-change 3");
  writeFileSync(join(project.directory, ".sandbox/small.lock"), String(process.pid));
  const { out } = await run("show small");
  expect(out).toContain(
    `\nProcess ${process.pid} is at work on the account: what is in no state may be in the making.\n`,
  );
  expect(out).not.toContain("npm run sandbox");
});

test("Ctrl-C lets Terraform write down what it has made, and the next run goes on", async () => {
  // A terminal sends the signal to everybody: the command, Terraform and the provider.
  const child = spawn(
    process.execPath,
    ["--require", require.resolve("tsx/cjs"), MAIN, "up", "small", "--latency-ms", "150"],
    {
      cwd: project.directory,
      env: { PATH: process.env.PATH, HOME: join(project.directory, "home") },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    },
  );
  let text = "";
  const ended = new Promise((resolve) => child.on("close", resolve));
  await new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("aws_kms_key.archive: Creation complete")) {
        resolve();
      }
    });
  });
  process.kill(-(child.pid ?? 0), "SIGINT");
  expect(await ended).not.toBe(0);
  expect(project.addresses("small", "keys")).toContain("aws_kms_key.archive");
  const files = Object.keys(project.files(".sandbox"));
  expect(files.filter((file) => /lock/.test(file))).toEqual([]);
  const stopped = await project.inventory("small");
  expect(stopped.filter(({ status }) => status === "unseen")).toEqual([]);

  expect(await run("up small")).toMatchObject({ code: 0, err: "" });
  const keys = (await project.inventory("small")).filter(({ type }) => /key$/.test(type));
  expect(keys.filter(({ status }) => status === "managed")).toHaveLength(5);
});

test("a damaged state is named, with the way out", async () => {
  await run("apply small");
  const state = join(
    project.directory,
    ".sandbox/s3/acme-terraform-state/keyspan/small/keys.tfstate",
  );
  writeFileSync(state, "{");
  const { code, err } = await run("show small");
  expect(code).toBe(1);
  expect(err).toBe(
    `${state}: a state must be as Terraform wrote it, got "{"; correct the file, or remove the account from the sandbox: npm run sandbox -- down <account>\n`,
  );
});

test("a damaged file of the simulated account is named, with the way out", async () => {
  await run("apply small");
  const [file = ""] = Object.keys(project.files(".sandbox/aws")).filter((name) =>
    name.includes("kms-keys"),
  );
  writeFileSync(join(project.directory, ".sandbox/aws", file), "{}");
  const { code, err } = await run("show small");
  expect(code).toBe(1);
  expect(err).toContain(
    `${file}: an object of the sandbox must be as the sandbox wrote it, got "{}"; correct the file, or remove the account from the sandbox: npm run sandbox -- down <account>\n`,
  );
});

test("what happens behind Terraform's back is seen", async () => {
  await run("apply small");
  const done = { code: 0, err: "", out: expect.stringMatching(/^done; /) };
  expect(await run("drift small disable archive eu-central-1")).toEqual(done);
  expect((await run("show small")).out).toMatch(/replica_key +archive +mrk-\S+ Disabled/);
  expect((await run("plan small")).out.match(/No changes\./g)).toHaveLength(3);
  expect(await run('drift small change aws_kms_key audit description "other" eu-west-1')).toEqual(
    done,
  );
  expect(await run("drift small delete aws_kms_alias alias/keyspan-audit eu-west-1")).toEqual(done);
  const planned = await run("plan small");
  expect(planned.out).toContain("1 to add, 1 to change, 0 to destroy.");
  expect(await run("apply small")).toMatchObject({ code: 0, err: "" });
});

test("a plan of what waits for another stack says so", async () => {
  const { code, out } = await run("plan small");
  expect(code).toBe(0);
  expect(out).toContain("Plan: 16 to add, 0 to change, 0 to destroy.");
  expect(out).toContain(
    "archive-eu-west-1: waits for outputs of keys, which must be applied first",
  );
});

test.each([
  [
    "up small guarded",
    'up: one account must be given, got "guarded" too; call it once for each account',
  ],
  [
    "up small --fast",
    "up: a flag must be one of --latency-ms, --throttled-attempts, --fail-call, --fail-change, --die-before-change, --die-after-change, --new-key-unseen-reads, got --fast; remove it",
  ],
  [
    "up small --latency-ms soon",
    'up: --latency-ms must be a whole number from 1 to 999999, got "soon"; write --latency-ms=3',
  ],
  ["show small --latency-ms=1", "show: a flag must be one of none, got --latency-ms; remove it"],
  [
    "import small keys",
    'import: an account, a stack, an address and an import id must be given, got "small keys"; copy the command from npm run sandbox -- show <account>',
  ],
  [
    "import small key a b",
    'import: the stack must be one of keys, archive-eu-central-1, archive-eu-west-1, got "key"; correct it',
  ],
  [
    "drift small disable archive eu-north-1",
    "drift: the object must be in the simulated account, got key archive in eu-north-1; npm run sandbox -- show lists what is there",
  ],
  [
    "cdktf synth small",
    'cdktf: the command must be one of deploy, destroy, diff, got "synth"; write npm run sandbox -- cdktf deploy demo --auto-approve',
  ],
])("%s is refused", async (command, message) => {
  expect(await run(command)).toEqual({ code: 1, out: "", err: `${message}\n` });
});

test("an unknown command is refused with those that there are", async () => {
  expect(await start("nothing")).toEqual({
    code: 1,
    out: "",
    err: "the command must be one of alert, apply, cdktf, destroy, down, drift, import, keyspan, plan, show, untaint, up, got 'nothing'\n",
  });
});

test("an unknown account and a wrong use of drift are refused with what there is", async () => {
  const unknown = await run("up nobody");
  expect(unknown.code).toBe(1);
  expect(unknown.err).toContain('got "nobody"');
  expect(unknown.err).toContain("guarded, small");
  const drift = await run("drift small break archive");
  expect(drift.code).toBe(1);
  expect(drift.err).toContain("write one of\n  npm run sandbox -- drift <account> disable|enable|");
});

test("a second command on the same account waits for nobody and says who is at work", async () => {
  mkdirSync(join(project.directory, ".sandbox"));
  const lock = join(project.directory, ".sandbox/small.lock");
  writeFileSync(lock, String(process.pid));
  expect(await run("apply small")).toEqual({
    code: 1,
    out: "",
    err: `sandbox: account small must be free, got another sandbox command at work on it, process ${process.pid}; wait for its end\n`,
  });
  // What a process that is gone has left behind, or one that had no time to write, is no lock.
  for (const left of ["999999999", ""]) {
    writeFileSync(lock, left);
    expect(await run("plan small")).toMatchObject({ code: 0 });
    expect(existsSync(lock)).toBe(false);
  }
});

describe("the program that runs the stacks", () => {
  const MUST =
    "TERRAFORM_BINARY_NAME must name Terraform 1.11 or OpenTofu 1.10, or a later version";
  const HOW =
    "install Terraform (https://developer.hashicorp.com/terraform/install) or OpenTofu (https://opentofu.org/docs/intro/install/), or name the program by TERRAFORM_BINARY_NAME";

  function program(name: string, says: string): string {
    const file = join(project.directory, name);
    writeFileSync(file, `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });
    return file;
  }

  test.each([
    ["Terraform v1.10.5", "Terraform 1.10"],
    ["Terraform v0.15.0", "Terraform 0.15"],
    ["OpenTofu v1.9.1", "OpenTofu 1.9"],
  ])("%s is too old", async (says, got) => {
    const TERRAFORM_BINARY_NAME = program("old", says);
    expect(await run("up small", { TERRAFORM_BINARY_NAME })).toEqual({
      code: 1,
      out: "",
      err: `${MUST}, got ${got}; ${HOW}\n`,
    });
  });

  test("something else is refused, and so is nothing", async () => {
    const other = program("other", "Hello");
    expect((await run("up small", { TERRAFORM_BINARY_NAME: other })).err).toBe(
      `${MUST}, got ${other}, which is neither; ${HOW}\n`,
    );
    expect((await run("up small", { TERRAFORM_BINARY_NAME: "no-such-program" })).err).toBe(
      `${MUST}, got no-such-program, which cannot be run; ${HOW}\n`,
    );
    // Nothing was synthesized for it.
    expect(existsSync(join(project.directory, ".sandbox"))).toBe(false);
  });

  test("gets nothing of the person's credentials and settings", async () => {
    const seen = join(project.directory, "seen");
    const TERRAFORM_BINARY_NAME = join(project.directory, "spy");
    writeFileSync(TERRAFORM_BINARY_NAME, `#!/bin/sh\nenv > '${seen}'\nexec terraform "$@"\n`, {
      mode: 0o755,
    });
    const { code } = await run("plan small", {
      TERRAFORM_BINARY_NAME,
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_PROFILE: "production",
      TF_CLI_ARGS_plan: "-destroy",
      TF_VAR_any: "1",
      HTTPS_PROXY: "http://proxy.example.com",
    });
    expect(code).toBe(0);
    const variables = new Map(
      project
        .files(".")
        .seen?.split("\n")
        .flatMap((line) => {
          const [, name = "", value = ""] = /^([A-Z]\w*)=(.*)$/.exec(line) ?? [];
          return name === "" ? [] : [[name, value] as const];
        }),
    );
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) {
      expect(variables.get(name)).toBe("sandbox");
    }
    for (const name of ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"]) {
      expect(variables.get(name)).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    }
    expect(variables.get("AWS_CONFIG_FILE")).toBe(
      join(project.directory, ".sandbox/small.aws-config"),
    );
    const names = [...variables.keys()].filter(
      (name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name),
    );
    expect(names.sort()).toEqual([
      "AWS_ACCESS_KEY_ID",
      "AWS_CONFIG_FILE",
      "AWS_EC2_METADATA_DISABLED",
      "AWS_ENDPOINT_URL",
      "AWS_ENDPOINT_URL_STS",
      "AWS_SECRET_ACCESS_KEY",
      "CHECKPOINT_DISABLE",
      "GOGC",
      "HOME",
      "PATH",
      "TF_CLI_CONFIG_FILE",
      "TF_IN_AUTOMATION",
      "TF_REATTACH_PROVIDERS",
      "TF_WORKSPACE",
    ]);
  });
});
