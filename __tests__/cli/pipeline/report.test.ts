import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reportCommand } from "../../../cli/pipeline/report-command";
import { runCommand } from "../../helpers/run-command";

const DIGEST = "a".repeat(64);
const change = (action: string, type: string, name = "archive") => ({
  address: `${type}.${name}`,
  type,
  action,
});
const PLAN = {
  digest: DIGEST,
  directory: "cdktf.out/prod.plan",
  uploaded: true,
  accounts: [
    {
      account: "prod",
      stacks: [
        {
          stack: "keys",
          status: "planned",
          counts: {},
          changes: [change("replace", "aws_kms_key"), change("update", "aws_kms_alias")],
        },
        { stack: "notifications", status: "unchanged", changes: [] },
        {
          stack: "archive-eu-west-1",
          status: "deferred",
          reason: "waits for keys | a\nb",
          changes: [change("create", "aws_sqs_queue")],
        },
      ],
    },
  ],
  failures: [],
  notStarted: [],
};
const TABLE = `### prod

| stack | |
|---|---|
| keys | 0 to add, 1 to change, 1 to replace, 0 to destroy |
| notifications | no changes |
| archive-eu-west-1 | deferred: waits for keys \\| a b; 1 to add, 0 to change, 0 to replace, 0 to destroy |

> [!CAUTION]
> !!! keys: aws_kms_key.archive WOULD BE REPLACED !!!
`;
const EVERY = `<details><summary>Every change (3)</summary>

\`\`\`text
keys: replace aws_kms_key.archive
keys: update aws_kms_alias.archive
archive-eu-west-1: create aws_sqs_queue.archive
\`\`\`

</details>
`;
const NOTHING =
  "**FAILED** before anything was planned, applied or looked at. The log of the job says why, and what to do.\n";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "keyspan-report-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function report(form: string, content: object | string) {
  const file = join(directory, "result.json");
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return runCommand(reportCommand, [form, file], {});
}

test("a plan in a comment: counts and warnings, no digest", async () => {
  expect(await report("plan-comment", PLAN)).toMatchObject({ code: 0, out: TABLE, err: "" });
});

test("a plan in a summary: every change, and the digest", async () => {
  expect(await report("plan-summary", PLAN)).toMatchObject({
    code: 0,
    out: `${TABLE}\n${EVERY}\nTo approve: \`prod\`, digest\n\n\`\`\`text\n${DIGEST}\n\`\`\`\n`,
    err: "",
  });
});

test("a plan that was not uploaded has no digest to approve", async () => {
  expect(await report("plan-summary", { ...PLAN, uploaded: false })).toMatchObject({
    code: 0,
    out: `${TABLE}\n${EVERY}`,
    err: "",
  });
});

test("a plan must say whether it was uploaded", async () => {
  const { uploaded: _, ...silent } = PLAN;
  const { code, out, err } = await report("plan-summary", silent);
  expect([code, out]).toEqual([1, ""]);
  expect(err).toContain("it must be what the command prints with --json, got ");
});

test("nothing to do is not to be approved", async () => {
  const [account] = PLAN.accounts;
  const stacks = account?.stacks.slice(1, 2) ?? [];
  expect(
    await report("plan-summary", { ...PLAN, accounts: [{ account: "prod", stacks }] }),
  ).toMatchObject({
    code: 0,
    out: "### prod\n\n| stack | |\n|---|---|\n| notifications | no changes |\n",
  });
});

test.each([
  ["plan-comment", ""],
  ["plan-summary", "dev: access denied\n"],
])("%s says which accounts cannot be planned, and only the log says why", async (form, err) => {
  const failed = {
    ...PLAN,
    accounts: [],
    failures: [{ account: "dev", text: "access denied" }],
    notStarted: ["test"],
  };
  expect(await report(form, failed)).toMatchObject({
    code: 0,
    out: "### dev\n\n**Cannot be planned.** The log of the job says why, and what to do.\n\nNot planned: test\n",
    err,
  });
});

test("an apply, with what waits for a second approval", async () => {
  expect(
    await report("apply-summary", {
      accounts: [
        {
          account: "prod",
          stacks: [
            { stack: "keys", status: "applied", changes: [change("create", "aws_kms_key")] },
            {
              stack: "notifications",
              status: "waiting",
              reason: "it could only be planned now",
              changes: [change("delete", "aws_cloudtrail", "trail")],
            },
          ],
          failures: [],
          waiting: { digest: DIGEST, directory: "cdktf.out/prod.plan" },
        },
      ],
      notStarted: [],
    }),
  ).toMatchObject({
    code: 0,
    out: `### prod

| stack | |
|---|---|
| keys | applied; 1 to add, 0 to change, 0 to replace, 0 to destroy |
| notifications | waiting; 0 to add, 0 to change, 0 to replace, 1 to destroy; it could only be planned now |

**Waits for a second approval**: these stacks could only be planned now.

> [!CAUTION]
> !!! notifications: aws_cloudtrail.trail WOULD BE DESTROYED !!!

<details><summary>Every change (1)</summary>

\`\`\`text
notifications: delete aws_cloudtrail.trail
\`\`\`

</details>

Digest

\`\`\`text
${DIGEST}
\`\`\`
`,
    err: "",
  });
});

test("an apply that failed: errors go into the log alone", async () => {
  expect(
    await report("apply-summary", {
      accounts: [
        {
          account: "dev",
          stacks: [
            { stack: "keys", status: "failed", reason: "secret", changes: [] },
            {
              stack: "notifications",
              status: "not-started",
              reason: "waits for keys",
              changes: [],
            },
          ],
          failures: [],
        },
        { account: "prod", stacks: [], failures: ["locked by somebody"] },
      ],
      notStarted: ["test"],
    }),
  ).toMatchObject({
    code: 0,
    out: `### dev

| stack | |
|---|---|
| keys | failed |
| notifications | not-started; waits for keys |

### prod

**FAILED.** The log of the job says why, and what to do.

Not started: test
`,
    err: "dev: secret\nprod: locked by somebody\n",
  });
});

const SECRET = "Error: the password is hunter2";

test("a status: names, counts and addresses; errors go into the log alone", async () => {
  const stack = {
    deployed: true,
    resources: 12,
    writtenAt: "2026-01-02T03:04:05.000Z",
    drift: [],
    pending: [],
    waiting: false,
    unconfirmed: [],
  };
  const status = {
    accounts: [
      {
        account: "prod",
        stacks: [
          { ...stack, stack: "calm" },
          {
            ...stack,
            stack: "new",
            deployed: false,
            resources: 0,
            unknown: "it was never deployed",
          },
          { ...stack, stack: "broken", failed: true, unknown: SECRET },
          { ...stack, stack: "later", unknown: "waits for keys | a\nb" },
          { ...stack, stack: "outputs", waiting: true },
          {
            ...stack,
            stack: "keys",
            drift: [
              {
                address: "aws_kms_key.archive",
                action: "update",
                arguments: ["policy", "tags_all"],
              },
              { address: "aws_kms_alias.archive", action: "delete", arguments: [] },
            ],
            pending: [change("update", "aws_kms_key"), change("create", "aws_kms_alias")],
            waiting: true,
            unconfirmed: ["email on keyspan-alerts"],
          },
        ],
        vanished: [{ id: "archive-us-east-1", resources: 4 }],
        locks: [
          {
            on: "keys",
            id: "5a1e",
            who: "ci@runner",
            operation: "apply",
            created: "2026-01-02T03:04:05Z",
          },
        ],
      },
      { account: "dev", failure: SECRET },
    ],
    notStarted: ["test"],
  };
  expect(await report("status-summary", status)).toMatchObject({
    code: 0,
    out: `### prod

| stack | |
|---|---|
| calm | 12 resources; as its file says |
| new | never deployed |
| broken | 12 resources; **FAILED**: the log of the job says why, and what to do |
| later | 12 resources; waits for keys \\| a b |
| outputs | 12 resources; waiting: outputs |
| keys | 12 resources; 2 changed in AWS; waiting: 1 to add, 1 to change, 0 to replace, 0 to destroy |

<details><summary>Not as it should be (7)</summary>

\`\`\`text
keys: changed in AWS: aws_kms_key.archive (policy, tags_all)
keys: changed in AWS: aws_kms_alias.archive is gone
keys: an apply would update aws_kms_key.archive
keys: an apply would create aws_kms_alias.archive
keys: not confirmed: email on keyspan-alerts
archive-us-east-1: its state holds 4 resources, and the account's file defines it no more
keys: locked by ci@runner for apply since 2026-01-02T03:04:05Z, lock 5a1e
\`\`\`

</details>

### dev

**Cannot be looked at.** The log of the job says why, and what to do.

Not looked at: test
`,
    err: `prod: ${SECRET}\ndev: ${SECRET}\n`,
  });
});

test("a status with nothing to say is a table", async () => {
  const status = {
    accounts: [
      {
        account: "prod",
        stacks: [
          {
            stack: "keys",
            deployed: true,
            resources: 3,
            drift: [],
            pending: [],
            waiting: false,
            unconfirmed: [],
          },
        ],
        vanished: [],
        locks: [],
      },
    ],
    notStarted: [],
  };
  expect(await report("status-summary", status)).toMatchObject({
    code: 0,
    out: "### prod\n\n| stack | |\n|---|---|\n| keys | 3 resources; as its file says |\n",
    err: "",
  });
});

test.each(["plan-comment", "plan-summary", "apply-summary", "status-summary"])(
  "%s says when a command failed before it said anything",
  async (form) => {
    expect(await report(form, "")).toMatchObject({ code: 0, out: NOTHING, err: "" });
  },
);

test.each(["plan-comment", "plan-summary", "apply-summary", "status-summary"])(
  "%s refuses other files",
  async (form) => {
    const { code, out, err } = await report(form, "{}");
    expect([code, out]).toEqual([1, ""]);
    expect(err).toBe(
      `${join(directory, "result.json")}: it must be what the command prints with --json, got "{}"; look at the log of the command\n`,
    );
  },
);

test.each([[[]], [["plan-summary"]], [["other", "x"]], [["plan-summary", "x", "y"]]])(
  "the arguments %j are refused",
  async (argv) => {
    const { code, out, err } = await runCommand(reportCommand, argv, {});
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(
      /^pipeline-report: the arguments must be one of plan-comment, plan-summary, apply-summary, status-summary and a file, got /,
    );
  },
);
