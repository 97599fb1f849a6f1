/** What is told of an apply: an error in the work on one stack loses nothing of the others, and what waits is planned. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AccountSession } from "../../cli/rollout/account-session";
import { type ApplyOutcome, applyAccount } from "../../cli/rollout/apply-account";
import { type PlannedStack, planFilesOf } from "../../cli/rollout/plan-set";
import type { ResourceChange } from "../../cli/rollout/stack-changes";
import type { PlanOptions, StackRun } from "../../cli/rollout/stack-terraform";
import type { StackState } from "../../cli/rollout/state-bucket";
import { ProgramFailure } from "../../cli/run-program";
import { STACK_FILE, type StackFolder } from "../../cli/stack-folders";
import { ValidationError } from "../../modules/errors";

const BUS: ResourceChange = {
  address: "aws_cloudwatch_event_bus.orders",
  type: "aws_cloudwatch_event_bus",
  action: "create",
};

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "keyspan-apply-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A stack whose JSON says nothing. */
function stack(id: string, ...dependencies: readonly string[]): StackFolder {
  const folder = join(directory, id);
  mkdirSync(folder);
  writeFileSync(join(folder, STACK_FILE), "{}");
  return { id, directory: folder, dependencies };
}

/** What fails: reading a state, making a workspace, or Terraform itself. */
type Step = "states" | "prepare" | "plan" | "apply";

/** How an account is applied. */
interface Applying {
  /** Stacks that could not be planned before. */
  readonly deferred?: readonly string[];
  /** What throws. @default - nothing */
  readonly failing?: { readonly stack: string; readonly step: Step; readonly error: unknown };
  /** What Terraform plans on the way. @default - to create a bus */
  readonly changes?: readonly ResourceChange[];
}

/** Applies an account with stacks that were planned, or deferred. */
async function applyWith({
  deferred = [],
  failing,
  changes = [BUS],
}: Applying): Promise<{ readonly outcome: ApplyOutcome; readonly lines: readonly string[] }> {
  const folders = [
    stack("keys"),
    stack("archive-eu-central-1", "keys"),
    stack("archive-eu-west-1", "keys"),
    stack("notifications", "archive-eu-central-1"),
  ];
  const lines: string[] = [];
  const begun = new Set<string>();
  const step = async (name: Step, id: string) => {
    begun.add(id);
    if (name === failing?.step && id === failing.stack) {
      throw failing.error;
    }
    // The others are in the middle of their work when the error comes.
    await new Promise(setImmediate);
  };
  const run: StackRun = {
    ok: true,
    stopped: false,
    diagnostics: [],
    changes: { resources: changes, outputs: [] },
    logFile: "log",
  };
  const session = {
    account: { workspace: "prod" },
    folders,
    workDirectory: directory,
    context: {
      stacksAtATime: 6,
      stop: { requested: false },
      progress: {
        open: () => {},
        begin: (_: string, id: string, doing: string) => lines.push(`${id}: ${doing}`),
        step: () => {},
        end: (_: string, id: string, how: string) => lines.push(`${id}: ${how}`),
      },
    },
    configurationOf: ({ id }: StackFolder) => Buffer.from(`JSON of ${id}`),
    states: async (ids: readonly string[] = []) => {
      for (const id of ids) {
        await step("states", id);
      }
      return new Map<string, StackState>();
    },
    stacks: {
      prepare: ({ id }: StackFolder) => step("prepare", id),
      describePlan: async ({ id }: StackFolder) => `words of ${id}`,
      plan: async ({ id }: StackFolder, { planFile }: PlanOptions) => {
        await step("plan", id);
        writeFileSync(planFile, `plan of ${id}`);
        return { ...run, pending: true };
      },
      apply: async ({ id }: StackFolder) => {
        await step("apply", id);
        return run;
      },
    },
  };
  const stacks = folders.map(
    ({ id }): PlannedStack => ({
      id,
      status: deferred.includes(id) ? "deferred" : "planned",
      changes: deferred.includes(id) ? [] : [BUS],
      state: null,
      read: {},
    }),
  );
  const outcome = await applyAccount(session as unknown as AccountSession, {
    plan: {
      format: 1,
      workspace: "prod",
      accountId: "111122223333",
      terraformVersion: "1.11.4",
      providerLock: null,
      stacks,
      files: {},
    },
    files: new Map(stacks.map(({ id }) => [planFilesOf(id).plan, Buffer.from("plan")])),
  });
  expect([...begun]).toEqual(expect.arrayContaining(failing === undefined ? [] : [failing.stack]));
  return { outcome, lines };
}

const APPLIED = { status: "applied", changes: [BUS] };

test.each<readonly [string, Step, unknown, string | RegExp]>([
  [
    "what a person can put right",
    "apply",
    new ValidationError("Terraform must be startable, got ENOENT; install it"),
    "Terraform must be startable, got ENOENT; install it",
  ],
  [
    "what a program said",
    "prepare",
    new ProgramFailure("archive-eu-central-1: terraform init failed with exit code 3", 3),
    "archive-eu-central-1: terraform init failed with exit code 3",
  ],
  [
    "an error of Keyspan itself",
    "apply",
    new TypeError("x is undefined"),
    /^an error of Keyspan itself: TypeError: x is undefined\n +at /,
  ],
  ["what is no error at all", "apply", "no", "an error of Keyspan itself: no"],
])("%s fails one stack; the others end, and all is told", async (_, step, error, reason) => {
  const { outcome } = await applyWith({
    failing: { stack: "archive-eu-central-1", step, error },
  });
  expect(outcome).toEqual({
    stacks: [
      { id: "keys", ...APPLIED },
      {
        id: "archive-eu-central-1",
        status: "failed",
        changes: [],
        reason: typeof reason === "string" ? reason : expect.stringMatching(reason),
      },
      { id: "archive-eu-west-1", ...APPLIED },
      {
        id: "notifications",
        status: "not-started",
        changes: [],
        reason: "waits for archive-eu-central-1",
      },
    ],
  });
});

test.each<readonly [Step]>([["prepare"], ["states"], ["plan"], ["apply"]])(
  "the same for a stack that was deferred, whose %s fails",
  async (step) => {
    const { outcome, lines } = await applyWith({
      failing: {
        stack: "archive-eu-west-1",
        step,
        error: new ValidationError("the bucket is gone"),
      },
      deferred: ["archive-eu-central-1", "archive-eu-west-1"],
    });
    expect(outcome).toEqual({
      stacks: [
        { id: "keys", ...APPLIED },
        { id: "archive-eu-central-1", ...APPLIED },
        {
          id: "archive-eu-west-1",
          status: "failed",
          changes: [],
          reason: "the bucket is gone",
        },
        { id: "notifications", ...APPLIED },
      ],
    });
    expect(lines).toContain(
      "notifications: applying: 1 to add, 0 to change, 0 to replace, 0 to destroy",
    );
  },
);

test("the first of all fails: nothing else is begun, and nothing waits for an approval", async () => {
  const { outcome, lines } = await applyWith({
    failing: { stack: "keys", step: "prepare", error: new ValidationError("no workspace") },
  });
  expect(outcome).toEqual({
    stacks: [
      { id: "keys", status: "failed", changes: [], reason: "no workspace" },
      ...["archive-eu-central-1", "archive-eu-west-1"].map((id) => ({
        id,
        status: "not-started",
        changes: [],
        reason: "waits for keys",
      })),
      {
        id: "notifications",
        status: "not-started",
        changes: [],
        reason: "waits for archive-eu-central-1",
      },
    ],
  });
  expect(lines.filter((line) => /: (applying|planning)/.test(line))).toEqual([
    "keys: applying: 1 to add, 0 to change, 0 to replace, 0 to destroy",
  ]);
});

test("what could only be planned now, and changes more than it creates, waits; it alone is planned for a second approval", async () => {
  const changes: readonly ResourceChange[] = [BUS, { ...BUS, action: "update" }];
  const { outcome, lines } = await applyWith({ deferred: ["archive-eu-west-1"], changes });
  const reason = "it could only be planned now, and changes more than it creates";
  expect(outcome.stacks).toEqual([
    { id: "keys", ...APPLIED },
    { id: "archive-eu-central-1", ...APPLIED },
    { id: "archive-eu-west-1", status: "waiting", changes, reason },
    { id: "notifications", ...APPLIED },
  ]);
  expect(lines).toContain(
    "archive-eu-west-1: waits for approval: 1 to add, 1 to change, 0 to replace, 0 to destroy",
  );
  const { plan, files } = (await outcome.second?.()) ?? {};
  expect(plan?.stacks.map(({ id, status, changes: of }) => [id, status, of])).toEqual([
    ["keys", "unchanged", []],
    ["archive-eu-central-1", "unchanged", []],
    ["archive-eu-west-1", "planned", changes],
    ["notifications", "unchanged", []],
  ]);
  const names = planFilesOf("archive-eu-west-1");
  expect(
    Object.fromEntries([...(files ?? [])].map(([name, bytes]) => [name, String(bytes)])),
  ).toEqual({
    ...Object.fromEntries(
      ["keys", "archive-eu-central-1", "archive-eu-west-1", "notifications"].map((id) => [
        planFilesOf(id).configuration,
        `JSON of ${id}`,
      ]),
    ),
    [names.plan]: "plan of archive-eu-west-1",
    [names.words]: "words of archive-eu-west-1",
  });
});
