/** What the sandbox knows of an account, and how it keeps it apart from everything else. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../../cli/io";
import { KMS_KEYS } from "../../sandbox/aws/kms";
import { apply } from "../../sandbox/commands/apply";
import { cdktf } from "../../sandbox/commands/cdktf";
import { destroy } from "../../sandbox/commands/destroy";
import { down } from "../../sandbox/commands/down";
import { show } from "../../sandbox/commands/show";
import type { InventoryItem } from "../../sandbox/inventory";
import { runCommand } from "../helpers/run-command";
import { complaints, SandboxProject, SMALL_ACCOUNT, totals } from "../helpers/sandbox-project";
import { FIXTURE_ACCOUNTS } from "../helpers/synth";

jest.mock("../../stacks/notification-stack", () =>
  jest.requireActual("../helpers/no-notifications"),
);

let project: SandboxProject;
beforeEach(() => {
  project = new SandboxProject();
});
afterEach(() => project.remove());

/** Runs a command of the sandbox in this process. */
function run(command: Command, ...argv: string[]): ReturnType<typeof runCommand> {
  return runCommand(command, argv, {
    env: { PATH: process.env.PATH },
    projectDirectory: project.directory,
  });
}

/** Removes a resource from a state, as people do and as an apply that dies leaves it. */
async function forget(stackId: string, address: string): Promise<void> {
  await project.run("small", {}, async ({ sandbox }) => {
    const [folder] = sandbox.folders.filter(({ id }) => id === stackId);
    if (folder === undefined) {
      throw new Error(`no stack ${stackId}`);
    }
    const terraform = await sandbox.terraform();
    const backup = `-backup=${join(project.directory, "before.tfstate")}`;
    expect(await terraform.command(folder, "state", "rm", backup, address)).toMatchObject({
      code: 0,
    });
  });
}

async function itemNamed(name: string, status?: InventoryItem["status"]): Promise<InventoryItem> {
  const found = (await project.inventory("small")).find(
    (item) => item.name === name && (status === undefined || item.status === status),
  );
  if (found === undefined) {
    throw new Error(`there is no ${name}`);
  }
  return found;
}

test("what is in no state stops an apply, unless the account's file adopts it", async () => {
  expect(complaints(await project.apply("small"))).toBe("");
  await forget("keys", "aws_kms_key.audit");
  const { id, status, stack, address } = await itemNamed("audit");
  expect([status, stack, address]).toEqual(["unseen", "keys", "aws_kms_key.audit"]);
  const refused = await run(apply, "small");
  expect(refused.code).toBe(1);
  expect(refused.err).toContain(
    `npm run sandbox -- import small keys 'aws_kms_key.audit' '${id}@eu-west-1'\nNothing has been changed.\n`,
  );

  project.write("small", SMALL_ACCOUNT.replace("audit: {", `audit: { adopt: ${id},`));
  expect(await run(apply, "small")).toMatchObject({
    code: 0,
    err: "",
    out: expect.stringContaining("keys: 1 to import, 0 to add, 1 to change, 0 to destroy\n"),
  });
  expect(await itemNamed("audit")).toMatchObject({ id, status: "managed" });
});

test("the import command of every kind of object works", async () => {
  expect(complaints(await project.apply("small"))).toBe("");
  const { sandbox } = await project.start("small");
  const before = sandbox.inventory();
  const terraform = await sandbox.terraform();
  for (const folder of sandbox.folders) {
    const addresses = project.addresses("small", folder.id);
    const known = addresses.filter((address) => !address.startsWith("terraform_data."));
    if (known.length > 0) {
      const backup = `-backup=${join(project.directory, `${folder.id}.before`)}`;
      await terraform.command(folder, "state", "rm", backup, ...known);
    }
  }
  const unseen = sandbox.inventory();
  expect(unseen.map(({ status }) => status)).toEqual(unseen.map(() => "unseen"));
  expect([...new Set(unseen.map(({ type }) => type))].sort()).toEqual([
    "aws_cloudwatch_event_archive",
    "aws_cloudwatch_event_bus",
    "aws_kms_alias",
    "aws_kms_key",
    "aws_kms_replica_key",
    "aws_sqs_queue",
    "aws_sqs_queue_policy",
  ]);
  for (const { stack, address = "", importId, region } of unseen) {
    const [folder] = sandbox.folders.filter(({ id }) => id === stack);
    if (folder !== undefined) {
      await terraform.import(folder, address, `${importId}@${region}`);
    }
  }
  expect(sandbox.inventory()).toEqual(before);
  sandbox.close();
  const again = await project.plan("small");
  expect(complaints(again)).toBe("");
  // The provider does not read the deletion window of a key.
  expect(totals(again)).toEqual({ add: 0, change: 5, remove: 0, import: 0 });
});

test("a second key beside an unseen one is named, with both ways out", async () => {
  await project.apply("small", { faults: { dieAfterChange: 1 } }, "-parallelism=1");
  const { id, name } = await itemNamed((await project.inventory("small"))[0]?.name ?? "");
  // Terraform by itself notices nothing; the sandbox's own commands do.
  const refused = run(cdktf, "deploy", "small", "--auto-approve");
  await expect(refused).rejects.toThrow("These exist in account small and in no state;");
  expect(complaints(await project.apply("small"))).toBe("");
  expect(await itemNamed(name, "twin")).toMatchObject({ id, stack: "keys" });
  const { out } = await run(show, "small");
  expect(out).toContain("These keys stand beside another of the same name, which a stack manages.");
  expect(out).toContain(`npm run sandbox -- drift small schedule-deletion ${id} eu-west-1\n`);
});

test("what a stack has left behind is named, and a destroy does not pretend", async () => {
  project.write(
    "small",
    SMALL_ACCOUNT.replace("regions: [eu-west-1] }", "regions: [eu-west-1, eu-central-1] }"),
  );
  expect(complaints(await project.apply("small"))).toBe("");
  project.write("small", SMALL_ACCOUNT.replace("[eu-west-1, eu-central-1]", "[eu-west-1]"));
  expect(complaints(await project.apply("small"))).toBe("");
  const left = (await project.inventory("small")).filter(({ status }) => status === "left-behind");
  expect(left.map(({ type, stack }) => `${stack}: ${type}`)).toEqual([
    "archive-eu-central-1: aws_cloudwatch_event_archive",
    "archive-eu-central-1: aws_cloudwatch_event_bus",
    "archive-eu-central-1: aws_sqs_queue",
    "archive-eu-central-1: aws_sqs_queue_policy",
  ]);
  expect((await run(show, "small")).out).toContain(
    "These are in the state of a stack that the account no longer has.",
  );
  const destroyed = await run(destroy, "small");
  expect(destroyed).toMatchObject({
    code: 1,
    err: "The stacks of account small are destroyed, but 4 objects are left that none of them manages: npm run sandbox -- show small\n",
  });
});

test("a project that was moved goes on where it was", async () => {
  expect(complaints(await project.apply("small"))).toBe("");
  renameSync(project.directory, `${project.directory}-moved`);
  const moved = new SandboxProject({}, `${project.directory}-moved`);
  try {
    const plan = await moved.plan("small");
    expect(complaints(plan)).toBe("");
    expect(totals(plan)).toEqual({ add: 0, change: 0, remove: 0, import: 0 });
  } finally {
    moved.remove();
  }
});

test("what Terraform knows of its backend is made anew when it is damaged, or the states are elsewhere", async () => {
  expect(complaints(await project.apply("small"))).toBe("");
  const stack = join(project.directory, ".sandbox/stacks/small/stacks/keys");
  writeFileSync(join(stack, ".terraform/terraform.tfstate"), "{");
  expect(await run(apply, "small")).toMatchObject({ code: 0, err: "" });

  project.write("small", SMALL_ACCOUNT.replace("keyPrefix: keyspan", "keyPrefix: moved"));
  const moved = await run(apply, "small");
  // The objects of before are in states that nobody looks at any more.
  expect(moved).toMatchObject({ code: 1, err: expect.stringContaining("in no state;") });
  project.write("small", SMALL_ACCOUNT);
  expect(await run(apply, "small")).toMatchObject({ code: 0, err: "" });
});

test("states of a sandbox of before are named, and go with the rest", async () => {
  const former = join(project.directory, ".sandbox/states/keys/small");
  mkdirSync(former, { recursive: true });
  expect(await run(show, "small").catch(String)).not.toContain("must be in the simulated bucket");
  writeFileSync(join(former, "terraform.tfstate"), "{}");
  const refused =
    "must be in the simulated bucket, got those of keys as a sandbox of before kept them; remove the account from the sandbox (npm run sandbox -- down small)";
  await expect(run(apply, "small")).rejects.toThrow(refused);
  await expect(project.inventory("small")).rejects.toThrow(refused);
  expect(await run(down, "small")).toMatchObject({ code: 0 });
  expect(Object.keys(project.files(".sandbox"))).toEqual([]);
});

test("Terraform finds the provider on loopback, and a home without anybody's settings", async () => {
  const { sandbox } = await project.start("small");
  const { HOME, TF_REATTACH_PROVIDERS, TF_CLI_CONFIG_FILE } = await sandbox.environment();
  const providers = JSON.parse(TF_REATTACH_PROVIDERS ?? "{}") as Record<
    string,
    { readonly Addr: { readonly Network: string; readonly String: string } }
  >;
  expect(Object.keys(providers)).toEqual([
    "registry.terraform.io/hashicorp/aws",
    "registry.opentofu.org/hashicorp/aws",
  ]);
  for (const { Addr } of Object.values(providers)) {
    expect(Addr.Network).toBe("tcp");
    expect(Addr.String).toMatch(/^127\.0\.0\.1:\d+$/);
  }
  expect(HOME).toBe(join(project.directory, ".sandbox/home"));
  expect(TF_CLI_CONFIG_FILE).toBe(join(project.directory, ".sandbox/terraform.rc"));
  expect(project.files(".sandbox")["terraform.rc"]).toBe("");
});

test("existing keys and buses are there before the first apply, and are nobody's to adopt", async () => {
  const other = new SandboxProject(FIXTURE_ACCOUNTS);
  try {
    const { sandbox } = await other.start("existing-key");
    const existing = sandbox.account.keys.flatMap((key) =>
      key.kind === "existing" ? Object.entries(key.keyArns) : [],
    );
    expect(existing.length).toBeGreaterThan(0);
    for (const [region, keyArn = ""] of existing) {
      const id = keyArn.slice(keyArn.indexOf("/") + 1);
      expect(sandbox.store.get(KMS_KEYS, region, id)).toMatchObject({
        arn: keyArn,
        multiRegion: id.startsWith("mrk-"),
        primaryRegion: id.startsWith("mrk-") ? sandbox.account.homeRegion : region,
      });
    }
    expect(sandbox.inventory()).toEqual([]);
  } finally {
    other.remove();
  }
});
