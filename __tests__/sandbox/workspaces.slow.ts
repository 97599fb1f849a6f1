/** Two accounts side by side: each has its own workspace, states and objects, and nothing of one reaches the other. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { STACK_FILE, type StackFolder } from "../../cli/stack-folders";
import { synthesize } from "../../cli/synthesize";
import { startEndpoints } from "../../sandbox/http/endpoint-server";
import type { Sandbox } from "../../sandbox/sandbox";
import { readState, type TerraformResult, TerraformRuns } from "../../sandbox/terraform-runs";
import { OVERRIDE_FILE } from "../../sandbox/workbench";
import { filesIn } from "../helpers/project";
import {
  complaints,
  type OpenAccount,
  type OpenOptions,
  plannedActions,
  SandboxProject,
  SMALL_ACCOUNT,
  totals,
} from "../helpers/sandbox-project";

jest.mock("../../stacks/notification-stack", () =>
  jest.requireActual("../helpers/no-notifications"),
);

const NOTHING = { add: 0, change: 0, remove: 0, import: 0 };
const STACKS = ["archive-eu-central-1", "archive-eu-west-1", "keys"];
const OTHER_ACCOUNT = SMALL_ACCOUNT.replaceAll("111122223333", "222233334444");
/** Resources of a small account: keys in two regions, their records and aliases, a bus, its queue and archive. */
const RESOURCES = 20;

let project: SandboxProject;
beforeEach(() => {
  project = new SandboxProject({ small: SMALL_ACCOUNT, other: OTHER_ACCOUNT });
});
afterEach(() => project.remove());

async function expectUnchanged(workspace: string): Promise<void> {
  const planned = await project.plan(workspace);
  expect(complaints(planned)).toBe("");
  expect(planned.map(([stack]) => stack).sort()).toEqual(STACKS);
  expect(totals(planned)).toEqual(NOTHING);
  expect(plannedActions(planned)).toEqual([]);
}

/** Applies one stack. */
async function applyStack({ sandbox }: OpenAccount, folder: StackFolder): Promise<TerraformResult> {
  const terraform = await sandbox.terraform();
  await terraform.prepare(folder);
  return terraform.planAndApply(folder);
}

/** A stack of an account that is open. */
function folderOf({ folders }: Sandbox, stackId: string): StackFolder {
  const folder = folders.find(({ id }) => id === stackId);
  if (folder === undefined) {
    throw new Error(`there is no stack ${stackId}`);
  }
  return folder;
}

/** Ids of the keys of an account. */
async function keyIds(workspace: string): Promise<readonly string[]> {
  return (await project.inventory(workspace)).flatMap(({ type, id }) =>
    type === "aws_kms_key" ? id : [],
  );
}

describe("two accounts in one sandbox", () => {
  test("are applied at the same time, each to states and objects of its own", async () => {
    const applied = await Promise.all([project.apply("small"), project.apply("other")]);
    for (const results of applied) {
      expect(complaints(results)).toBe("");
      expect(totals(results)).toEqual({ ...NOTHING, add: RESOURCES });
    }
    for (const [workspace, mine, theirs] of [
      ["small", "111122223333", "222233334444"],
      ["other", "222233334444", "111122223333"],
    ] as const) {
      const states = project.states(workspace);
      expect(Object.keys(states).sort()).toEqual(STACKS);
      for (const text of [
        ...Object.values(states),
        ...Object.values(project.files(`.sandbox/aws/${mine}`)),
      ]) {
        expect(text).not.toContain(theirs);
      }
      expect(states.keys).toContain(`arn:aws:kms:eu-west-1:${mine}:key/`);
      expect((await project.inventory(workspace)).map(({ status }) => status)).not.toContain(
        "foreign",
      );
    }
    const small = await keyIds("small");
    expect(small).toHaveLength(3);
    expect((await keyIds("other")).filter((id) => small.includes(id))).toEqual([]);

    // The one that stays does not notice that the other goes.
    const states = project.states("other");
    const objects = project.files(".sandbox/aws/222233334444");
    const destroyed = await project.destroy("small");
    expect(complaints(destroyed)).toBe("");
    expect(totals(destroyed)).toEqual({ ...NOTHING, remove: RESOURCES });
    expect(project.states("other")).toEqual(states);
    expect(project.files(".sandbox/aws/222233334444")).toEqual(objects);
    await expectUnchanged("other");
  });

  test("are applied in turns, stack by stack", async () => {
    await project.run("small", {}, (small) =>
      project.run("other", {}, async (other) => {
        for (const { id } of small.sandbox.folders) {
          for (const account of [small, other]) {
            const folder = folderOf(account.sandbox, id);
            expect(await applyStack(account, folder)).toMatchObject({ code: 0, problems: [] });
          }
        }
      }),
    );
    await expectUnchanged("small");
    await expectUnchanged("other");
  });
});

describe("what a stack reads of another", () => {
  const IN_HOME = "archive-eu-west-1";
  const attributesOf = (workspace: string, stack: string, address: string) =>
    readState(project.sandboxOf(workspace).workbench.stateFile(stack)).find(
      (resource) => resource.address === address,
    )?.attributes;
  const planStack = (workspace: string, stackId: string) =>
    project.run(workspace, {}, async ({ sandbox }) => {
      const terraform = await sandbox.terraform();
      const folder = folderOf(sandbox, stackId);
      await terraform.prepare(folder);
      const { code, problems } = await terraform.plan(folder);
      return { code, text: problems.join("\n"), missing: sandbox.missingOutputs(folder) };
    });

  test("is the state of its own workspace, and fails the plan if it is not there or lacks an output", async () => {
    await project.apply("other");
    const unapplied = await planStack("small", IN_HOME);
    expect(unapplied.code).toBe(1);
    // Reading the state of a workspace that does not exist makes it: it is empty then.
    expect(unapplied.text).toContain(
      'This object does not have an attribute named "cross-stack-output-aws_kms_key',
    );
    expect(unapplied.missing).toEqual(["keys"]);
    expect(project.states("small")).toEqual({
      keys: expect.stringMatching(/"resources": \[\]/),
      [IN_HOME]: expect.stringMatching(/"resources": \[\]/),
    });

    await project.apply("small");
    const keyArns = ["small", "other"].map((workspace) => {
      const keyArn = attributesOf(workspace, "keys", "aws_kms_key.archive")?.arn;
      const bus = attributesOf(workspace, IN_HOME, "aws_cloudwatch_event_bus.orders");
      const archive = attributesOf(workspace, IN_HOME, "aws_cloudwatch_event_archive.orders");
      expect(bus?.kms_key_identifier).toBe(keyArn);
      expect(archive?.kms_key_identifier).toBe(keyArn);
      return String(keyArn);
    });
    expect(keyArns).toEqual([
      expect.stringMatching(/^arn:aws:kms:eu-west-1:111122223333:key\/mrk-[0-9a-f]{32}$/),
      expect.stringMatching(/^arn:aws:kms:eu-west-1:222233334444:key\/mrk-[0-9a-f]{32}$/),
    ]);

    const NEW_REGION = "eu-north-1";
    const everywhere = SMALL_ACCOUNT.replace(
      "regions: [eu-west-1] } }",
      "regions: [eu-north-1] } }",
    );
    project.write("small", everywhere.replace("eu-central-1]", `eu-central-1, ${NEW_REGION}]`));
    const unfinished = await planStack("small", `archive-${NEW_REGION}`);
    expect(unfinished.code).toBe(1);
    expect(unfinished.text).toMatch(
      /This object does not have an attribute named "cross-stack-output-aws_kms_replica_key(archive|alerts)_eu-north-1arn"/,
    );
    expect(unfinished.missing).toEqual(["keys"]);
  });
});

describe("every stack", () => {
  const COMMANDS = [
    (terraform: TerraformRuns, folder: StackFolder) => terraform.plan(folder),
    (terraform: TerraformRuns, folder: StackFolder) => terraform.planAndApply(folder),
    (terraform: TerraformRuns, folder: StackFolder) => terraform.planAndApply(folder, "-destroy"),
    (terraform: TerraformRuns, folder: StackFolder) =>
      terraform.planAndApply(folder, "-refresh-only"),
  ];
  // Applied once for all tests: nothing may change it.
  const both = new SandboxProject({ small: SMALL_ACCOUNT, other: OTHER_ACCOUNT });
  afterAll(() => both.remove());
  beforeAll(async () => {
    for (const workspace of ["small", "other"]) {
      expect(complaints(await both.apply(workspace))).toBe("");
    }
  });

  /** Runs commands on every stack of account `small`: all are refused, and no state and no object changes. */
  async function expectRefused(
    options: OpenOptions,
    terraformOf: (sandbox: Sandbox) => Promise<TerraformRuns>,
    refusal: string,
    commands = COMMANDS,
  ): Promise<void> {
    const states = both.files(".sandbox/s3");
    const objects = both.files(".sandbox/aws");
    expect(Object.keys(states)).toHaveLength(2 * STACKS.length);
    await both.run("small", options, async ({ sandbox }) => {
      const terraform = await terraformOf(sandbox);
      expect(sandbox.folders.map(({ id }) => id).sort()).toEqual(STACKS);
      for (const folder of sandbox.folders) {
        for (const command of commands) {
          const { code, problems } = await command(terraform, folder);
          expect(problems.join("\n")).toContain(refusal);
          expect(code).toBe(1);
        }
      }
    });
    expect(both.files(".sandbox/s3")).toEqual(states);
    expect(both.files(".sandbox/aws")).toEqual(objects);
  }

  const inWorkspace = async (sandbox: Sandbox, workspace: string, env: NodeJS.ProcessEnv = {}) =>
    new TerraformRuns({
      program: sandbox.program,
      env: { ...(await sandbox.environment()), ...env },
      workspace,
      onProgress: () => {},
    });

  test("refuses to work in workspace other, though the same role may write its states", async () => {
    const endpoints = await startEndpoints({
      directory: join(both.directory, ".sandbox"),
      accounts: ["small", "other"].map((workspace) => both.sandboxOf(workspace).account),
    });
    try {
      await expectRefused(
        {},
        (sandbox) =>
          inWorkspace(sandbox, "other", {
            AWS_ENDPOINT_URL: endpoints.url,
            AWS_ENDPOINT_URL_STS: endpoints.url,
          }),
        "Error: Invalid index",
      );
      expect(endpoints.requests.map(({ operation }) => operation)).toContain("S3: PutObject");
    } finally {
      endpoints.stop();
    }
  });

  test("gets no states of workspace other from a role that is not for it", () =>
    expectRefused(
      {},
      (sandbox) => inWorkspace(sandbox, "other"),
      "keyspan-state is not authorized to perform: s3:",
    ));

  test("refuses to work in workspace default, whose states nobody may write", async () => {
    await expectRefused(
      {},
      (sandbox) => inWorkspace(sandbox, "default"),
      "keyspan-state is not authorized to perform: s3:PutObject",
    );
    await expectRefused({}, (sandbox) => inWorkspace(sandbox, "default"), "Error: Invalid index", [
      (terraform, folder) => terraform.plan(folder, "-lock=false"),
    ]);
  });

  test("refuses to work on another account", () =>
    expectRefused(
      { caller: { account: "999988887777" } },
      (sandbox) => sandbox.terraform(),
      "AWS account ID not allowed: 999988887777",
    ));
});

test("stacks are copied byte for byte; nothing but them is synthesized, and what unprotects them stands beside the copies", async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "keyspan-synth-"));
  try {
    synthesize("small", elsewhere, join(project.directory, "accounts"));
    let synthesized = filesIn(elsewhere);
    expect(Object.keys(synthesized).sort()).toEqual(
      ["manifest.json", ...STACKS.map((stack) => `stacks/${stack}/${STACK_FILE}`)].sort(),
    );

    const expectCopies = (unprotected: readonly string[] = []) => {
      expect(project.files("cdktf.out/small")).toEqual(synthesized);
      for (const stack of STACKS) {
        const [original, copy] = ["cdktf.out", ".sandbox/stacks"].map((folder) =>
          readFileSync(join(project.directory, folder, "small/stacks", stack, STACK_FILE)),
        );
        expect(copy?.equals(original ?? Buffer.from(""))).toBe(true);
      }
      const overrides = Object.keys(project.files(".")).filter(
        (file) => basename(file) === OVERRIDE_FILE,
      );
      expect(overrides.sort()).toEqual(
        unprotected.map((stack) => `.sandbox/stacks/small/stacks/${stack}/${OVERRIDE_FILE}`),
      );
    };
    await project.apply("small");
    expectCopies();
    await project.plan("small");
    expectCopies();
    project.write("small", SMALL_ACCOUNT.replace("protect: false", "protect: true"));
    project.record("small");
    await project.plan("small", { unprotect: true });
    synthesize("small", elsewhere, join(project.directory, "accounts"));
    synthesized = filesIn(elsewhere);
    expectCopies(["keys"]);
    await project.plan("small");
    expectCopies();
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});
