/** Terraform's own S3 backend on the endpoints: its requests, its locks, its workspaces, under both state roles. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { renderProfiles, writeAwsConfigFile } from "../../../cli/aws-config-file";
import type { StackFolder } from "../../../cli/stack-folders";
import { type LocalEndpoints, startEndpoints } from "../../../sandbox/http/endpoint-server";
import type { Sandbox } from "../../../sandbox/sandbox";
import { TerraformRuns } from "../../../sandbox/terraform-runs";
import { complaints, SandboxProject, SMALL_ACCOUNT, totals } from "../../helpers/sandbox-project";

jest.mock("../../../stacks/notification-stack", () =>
  jest.requireActual("../../helpers/no-notifications"),
);

const project = new SandboxProject({
  small: SMALL_ACCOUNT,
  other: SMALL_ACCOUNT.replaceAll("111122223333", "222233334444"),
});
afterAll(() => project.remove());

let endpoints: LocalEndpoints;
beforeAll(async () => {
  endpoints = await startEndpoints({
    directory: join(project.directory, ".sandbox"),
    accounts: [project.sandboxOf("small").account, project.sandboxOf("other").account],
  });
  expect(complaints(await project.apply("small"))).toBe("");
});
afterAll(() => endpoints.stop());

const OBJECTS = "acme-terraform-state/keyspan";
const WRITER = "arn:aws:iam::444455556666:role/keyspan-state";
const READER = "arn:aws:iam::444455556666:role/keyspan-state-read";

/** Terraform whose requests go to the endpoints of the test, under a state role. */
async function terraformAs(sandbox: Sandbox, purpose: "plan" | "apply"): Promise<TerraformRuns> {
  const { account } = sandbox;
  const AWS_CONFIG_FILE = join(project.directory, `${account.workspace}.${purpose}`);
  const origin = { credentialSource: "Environment" } as const;
  writeAwsConfigFile(
    AWS_CONFIG_FILE,
    renderProfiles({ account, purpose, sessionName: "test", origin }),
  );
  return new TerraformRuns({
    program: sandbox.program,
    env: {
      ...(await sandbox.environment()),
      AWS_CONFIG_FILE,
      AWS_ENDPOINT_URL: endpoints.url,
      AWS_ENDPOINT_URL_STS: endpoints.url,
    },
    workspace: account.workspace,
    onProgress: () => {},
  });
}

function folderOf({ folders }: Sandbox, stackId: string): StackFolder {
  const folder = folders.find(({ id }) => id === stackId);
  if (folder === undefined) {
    throw new Error(`there is no stack ${stackId}`);
  }
  return folder;
}

/** What was asked since, without repetitions. */
function requestsSince(count: number): readonly string[] {
  return [
    ...new Set(
      endpoints.requests
        .slice(count)
        .map(({ operation, resource, role, status }) =>
          [operation, resource.replace(OBJECTS, "…"), role ?? "first", status].join(" "),
        ),
    ),
  ].sort();
}

test("a plan under the reading role only reads, and reads the state of the producer", () =>
  project.run("small", {}, async ({ sandbox }) => {
    const terraform = await terraformAs(sandbox, "plan");
    const before = endpoints.requests.length;
    const folder = folderOf(sandbox, "archive-eu-west-1");
    const { code, problems, changes } = await terraform.plan(folder, "-lock=false");
    expect(problems).toEqual([]);
    expect({ code, changes }).toEqual({
      code: 0,
      changes: { add: 0, change: 0, remove: 0, import: 0 },
    });
    expect(requestsSince(before)).toEqual([
      `S3: GetObject …/small/archive-eu-west-1.tfstate ${READER} 206`,
      `S3: GetObject …/small/keys.tfstate ${READER} 206`,
      `S3: HeadObject …/small/archive-eu-west-1.tfstate ${READER} 200`,
      `S3: HeadObject …/small/keys.tfstate ${READER} 200`,
      `S3: ListObjectsV2 …/ ${READER} 200`,
      "STS: AssumeRole  first 200",
      `STS: GetCallerIdentity  ${READER} 200`,
    ]);
    const locked = await terraform.plan(folder);
    expect(locked.code).toBe(1);
    expect(locked.problems.join("\n")).toContain("Error acquiring the state lock");
  }));

test("under the reading role nothing is made, not even the workspace that a plan would make", () =>
  project.run("other", {}, async ({ sandbox }) => {
    const terraform = await terraformAs(sandbox, "plan");
    for (const stackId of ["keys", "archive-eu-west-1"]) {
      const folder = folderOf(sandbox, stackId);
      await terraform.prepare(folder);
      const { code, problems } = await terraform.plan(folder, "-lock=false");
      expect(code).toBe(1);
      expect(problems.join("\n")).toContain(
        `${READER} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::acme-terraform-state/keyspan/other/`,
      );
    }
    expect(project.states("other")).toEqual({});
  }));

test("the writing role makes the workspace, beside another's, and nobody is asked", () =>
  project.run("other", {}, async ({ sandbox }) => {
    const terraform = await terraformAs(sandbox, "apply");
    const before = endpoints.requests.length;
    const folder = folderOf(sandbox, "keys");
    await terraform.prepare(folder);
    const applied = await terraform.planAndApply(folder);
    expect(applied.problems).toEqual([]);
    expect(totals([["keys", applied]]).add).toBeGreaterThan(0);
    const asked = requestsSince(before);
    expect(asked.filter((line) => line.includes("tflock"))).toEqual([
      `S3: DeleteObject …/other/keys.tfstate.tflock ${WRITER} 204`,
      `S3: GetObject …/other/keys.tfstate.tflock ${WRITER} 200`,
      `S3: PutObject …/other/keys.tfstate.tflock ${WRITER} 200`,
    ]);
    expect(asked.filter((line) => line.includes("PutObject"))).toHaveLength(2);
    expect(Object.keys(project.states("other"))).toEqual(["keys"]);
  }));

describe("Terraform's native lock", () => {
  const lockFile = join(project.directory, ".sandbox/s3", OBJECTS, "small/keys.tfstate.tflock");

  test("lets one of two applies at once go on; the other changes nothing and says who has the lock", () =>
    project.run("small", { faults: { latencyMs: 150 } }, async ({ sandbox }) => {
      const terraform = await terraformAs(sandbox, "apply");
      const folder = folderOf(sandbox, "keys");
      const first = terraform.planAndApply(folder, "-replace=aws_kms_alias.audit_eu-west-1");
      while (!existsSync(lockFile)) {
        await sleep(5);
      }
      const { ID, Who } = JSON.parse(readFileSync(lockFile, "utf8"));
      const state = project.states("small").keys;
      const second = await terraform.planAndApply(folder);
      expect(second.code).toBe(1);
      const [problem = ""] = second.problems;
      expect(problem).toContain("Error acquiring the state lock");
      expect(problem).toContain("PreconditionFailed");
      expect(problem).toMatch(
        new RegExp(
          `ID: +${ID}\\n +Path: +acme-terraform-state/keyspan/small/keys.tfstate\\n +Operation: +OperationTypeApply\\n +Who: +${Who}\\n`,
        ),
      );
      expect(project.states("small").keys).toBe(state);
      expect(await first).toMatchObject({ code: 0, problems: [] });
      expect(existsSync(lockFile)).toBe(false);
    }));

  test("stays when Terraform is killed, until somebody removes it by its id", () =>
    project.run("small", { faults: { latencyMs: 150 } }, async ({ sandbox }) => {
      const terraform = await terraformAs(sandbox, "apply");
      const folder = folderOf(sandbox, "keys");
      const killed = spawn(
        sandbox.program,
        ["apply", "-auto-approve", "-input=false", "-replace=aws_kms_alias.audit_eu-west-1"],
        {
          cwd: folder.directory,
          env: { ...(await sandbox.environment()), TF_WORKSPACE: "small" },
          stdio: "ignore",
        },
      );
      const ended = once(killed, "exit");
      while (!existsSync(lockFile) && killed.exitCode === null) {
        await sleep(5);
      }
      killed.kill("SIGKILL");
      await ended;
      const { ID } = JSON.parse(readFileSync(lockFile, "utf8"));
      const refused = await terraform.plan(folder);
      expect(refused.code).toBe(1);
      expect(refused.problems.join("\n")).toMatch(new RegExp(`ID: +${ID}\n`));
      const unlock = (id: string) => terraform.command(folder, "force-unlock", "-force", id);
      expect(await unlock("11111111-2222-3333-4444-555555555555")).toMatchObject({ code: 1 });
      expect(existsSync(lockFile)).toBe(true);
      expect(await unlock(ID)).toMatchObject({ code: 0 });
      expect(existsSync(lockFile)).toBe(false);
      expect(await terraform.plan(folder)).toMatchObject({ code: 0, problems: [] });
    }));
});
