/** Terraform's S3 backend, as the stacks set it up, on a real S3 and STS API. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type S3Client,
} from "@aws-sdk/client-s3";
import { AwsAccess } from "../../cli/aws-access";
import { composeAwsConfig, writeAwsConfigFile } from "../../cli/aws-config-file";
import { childEnvironment } from "../../cli/child-environment";
import { type LockInfo, StateBucket } from "../../cli/rollout/state-bucket";
import type { StackFolder } from "../../cli/stack-folders";
import { synthesize } from "../../cli/synthesize";
import { Terraform } from "../../cli/terraform";
import type { AccountConfig } from "../../config/account-config";
import { DEMO_ACCOUNT, TempProject } from "../helpers/temp-project";
import { type Moto, startMoto } from "./moto";
import { createBucket, settingsIn } from "./moto-account";

const BUCKET = "acme-terraform-state";
const ORIGIN = { credentialSource: "Environment" } as const;

let moto: Moto;
let s3: S3Client;
let project: TempProject;
const accounts = new Map<string, AccountConfig>();
/** The backend of stack `keys`, as it is synthesized. */
const backends = new Map<string, unknown>();

beforeAll(async () => {
  moto = await startMoto();
  s3 = await createBucket(await settingsIn(moto, "444455556666"), BUCKET);
  project = new TempProject({
    demo: DEMO_ACCOUNT,
    second: DEMO_ACCOUNT.replace("111122223333", "222233334444"),
  });
  for (const name of ["demo", "second"]) {
    const { account, outputDirectory } = synthesize(
      name,
      join(project.directory, "out", name),
      join(project.directory, "accounts"),
    );
    accounts.set(name, account);
    const { terraform } = JSON.parse(
      readFileSync(join(outputDirectory, "stacks/keys/cdk.tf.json"), "utf8"),
    ) as { terraform: { backend: unknown } };
    backends.set(name, terraform.backend);
  }
});

afterAll(async () => {
  project.remove();
  await moto.stop();
});

const accountNamed = (name: string): AccountConfig => {
  const account = accounts.get(name);
  if (account === undefined) {
    throw new Error(`no account ${name}`);
  }
  return account;
};

/** A stack folder of an account, with the stacks' backend and what Terraform makes by itself. */
function folder(account: string, name: string, seconds = 0): StackFolder {
  const id = "keys";
  const directory = join(project.directory, "folders", account, name);
  project.write(
    `folders/${account}/${name}/cdk.tf.json`,
    JSON.stringify({
      terraform: { backend: backends.get(account) },
      resource: {
        terraform_data: {
          record: {
            input: name,
            triggers_replace: name,
            ...(seconds > 0 && {
              provisioner: [{ "local-exec": { command: `sleep ${seconds}` } }],
            }),
          },
        },
      },
      output: { made: { value: "${terraform_data.record.output}" } },
    }),
  );
  return { id, directory, dependencies: [] };
}

function envOf(account: string): NodeJS.ProcessEnv {
  const env = {
    PATH: process.env.PATH,
    HOME: join(project.directory, "home"),
    ...moto.env,
  };
  const awsConfigFile = join(project.directory, `${account}.aws-config`);
  writeAwsConfigFile(
    awsConfigFile,
    composeAwsConfig(
      { account: accountNamed(account), purpose: "apply", sessionName: "test", origin: ORIGIN },
      env,
    ),
  );
  return childEnvironment({
    env,
    projectDirectory: project.directory,
    awsConfigFile,
    readOnly: false,
  });
}

const terraformOf = (account: string) =>
  new Terraform(envOf(account), account, () => {}, join(project.directory, "logs"));

function stateBucket(account: string): StateBucket {
  const config = accountNamed(account);
  return new StateBucket({
    access: new AwsAccess({ account: config, origin: ORIGIN, sessionName: "test", env: moto.env }),
    state: config.state,
    workspace: account,
    role: "state-write",
  });
}

/** Starts an apply. */
function startApply(account: string, { directory }: StackFolder): ChildProcess {
  return spawn("terraform", ["apply", "-input=false", "-no-color", "-auto-approve"], {
    cwd: directory,
    env: { ...envOf(account), TF_WORKSPACE: account },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function endOf(
  child: ChildProcess,
): Promise<{ readonly code: number; readonly text: string }> {
  const parts: Buffer[] = [];
  child.stdout?.on("data", (part: Buffer) => parts.push(part));
  child.stderr?.on("data", (part: Buffer) => parts.push(part));
  const [code] = (await once(child, "close")) as [number];
  return { code, text: Buffer.concat(parts).toString("utf8") };
}

const keysInBucket = async (): Promise<readonly string[]> => {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
  return Contents.map(({ Key = "" }) => Key).sort();
};

test("workspaces are made without a question, one per account, and hold encrypted states", async () => {
  for (const account of ["demo", "second"]) {
    const keys = folder(account, "plain");
    const terraform = terraformOf(account);
    await terraform.init(keys);
    expect(await terraform.hasWorkspace(keys)).toBe(false);
    await terraform.ensureWorkspace(keys);
    await terraform.ensureWorkspace(keys);
    expect(await terraform.hasWorkspace(keys)).toBe(true);
    expect(await terraform.holdsResources(keys)).toBe(false);
  }
  expect(await keysInBucket()).toEqual([
    "keyspan/demo/keys.tfstate",
    "keyspan/second/keys.tfstate",
  ]);
  const { ServerSideEncryption } = await s3.send(
    new HeadObjectCommand({ Bucket: BUCKET, Key: "keyspan/demo/keys.tfstate" }),
  );
  expect(ServerSideEncryption).toBe("AES256");
});

test("an apply is one account's alone, and Keyspan reads the state that it leaves", async () => {
  const keys = folder("demo", "plain");
  await terraformOf("demo").init(keys);
  await terraformOf("demo").ensureWorkspace(keys);
  const before = await stateBucket("demo").state("keys");
  const { code, text } = await endOf(startApply("demo", keys));
  expect({ code, text }).toMatchObject({ code: 0 });

  const state = await stateBucket("demo").state("keys");
  expect(state).toMatchObject({
    lineage: before?.lineage,
    outputs: { made: "plain" },
    resources: [{ type: "terraform_data", address: "terraform_data.record", tainted: false }],
  });
  expect(state?.serial).toBeGreaterThan(before?.serial ?? 0);
  expect((await stateBucket("second").state("keys"))?.resources).toEqual([]);
  expect(await stateBucket("demo").state("notifications")).toBeUndefined();
  expect(await stateBucket("demo").stateLock("keys")).toBeUndefined();
});

test("of two runs at once the second changes nothing and says who holds the lock", async () => {
  const [slow, other] = [folder("demo", "slow", 5), folder("demo", "other")];
  for (const keys of [slow, other]) {
    await terraformOf("demo").init(keys);
    await terraformOf("demo").ensureWorkspace(keys);
  }
  const bucket = stateBucket("demo");
  const first = startApply("demo", slow);
  const firstEnd = endOf(first);
  const lock = await appears(() => bucket.stateLock("keys"));

  const second = await endOf(startApply("demo", other));
  expect(second.code).toBe(1);
  expect(second.text).toContain("Error acquiring the state lock");
  expect(second.text).toContain(`ID:        ${lock.ID}`);
  expect(second.text).toContain(`Who:       ${lock.Who}`);
  expect(second.text).toContain(`Path:      ${BUCKET}/keyspan/demo/keys.tfstate`);
  // Another account's state is another lock.
  expect(await stateBucket("second").stateLock("keys")).toBeUndefined();

  expect(await firstEnd).toMatchObject({ code: 0 });
  expect((await bucket.state("keys"))?.outputs).toEqual({ made: "slow" });
  expect(await bucket.stateLock("keys")).toBeUndefined();
  expect(await endOf(startApply("demo", other))).toMatchObject({ code: 0 });
  expect((await bucket.state("keys"))?.outputs).toEqual({ made: "other" });
});

test("a run that is killed leaves its lock, which names it", async () => {
  const keys = folder("demo", "killed", 10);
  await terraformOf("demo").init(keys);
  await terraformOf("demo").ensureWorkspace(keys);
  const bucket = stateBucket("demo");
  const child = startApply("demo", keys);
  const ended = endOf(child);
  const lock = await appears(() => bucket.stateLock("keys"));
  child.kill("SIGKILL");
  await ended;
  expect(await bucket.stateLock("keys")).toEqual(lock);
  expect(lock).toMatchObject({
    ID: expect.stringMatching(/^[0-9a-f-]{36}$/),
    Operation: "OperationTypeApply",
    Who: expect.stringContaining("@"),
    Created: expect.stringMatching(/^20\d\d-/),
  });
});

test("whoever takes the account first has it, however many try at once", async () => {
  const lock = (ID: string): LockInfo => ({
    ID,
    Operation: "apply",
    Who: "test",
    Created: "2026-11-22T10:00:00Z",
  });
  const ids = Array.from({ length: 8 }, (_, index) => `run-${index}`);
  const took = await Promise.all(
    ids.map(async (id) => (await stateBucket("demo").takeAccountLock(lock(id))) && id),
  );
  const [winner, ...others] = took.filter((id) => id !== false);
  expect(others).toEqual([]);
  const held = await stateBucket("demo").accountLock();
  expect(held).toEqual({ ...lock(winner ?? ""), etag: expect.stringMatching(/^"[0-9a-f]{32}"$/) });
  // The object itself: what another program would read.
  const { Body } = await s3.send(
    new GetObjectCommand({ Bucket: BUCKET, Key: "keyspan/demo/account.lock" }),
  );
  expect(JSON.parse((await Body?.transformToString()) ?? "")).toEqual(lock(winner ?? ""));
  // Another account is free.
  expect(await stateBucket("second").takeAccountLock(lock("second"))).toBe(true);

  expect(await stateBucket("demo").removeAccountLock({ etag: held?.etag ?? "" })).toBe(true);
  expect(await stateBucket("demo").accountLock()).toBeUndefined();
  expect(await stateBucket("demo").takeAccountLock(lock("next"))).toBe(true);
});

async function appears<T>(look: () => Promise<T | undefined>): Promise<T> {
  const until = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) {
      return found;
    }
    if (Date.now() > until) {
      throw new Error("it did not appear");
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
