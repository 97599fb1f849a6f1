/** How each step of the workflows that has a command is run, and what comes of it. */
import type { StepRun } from "./workflow-files";

/** A digest of saved plans. */
export const DIGEST = "a".repeat(64);

const account = (name: string, ring: number) =>
  `{"account":"${name}","partition":"aws","homeRegion":"eu-west-1","ring":${ring}}`;
const TWO = `{\n  "accounts": [${account("dev", 0)}, ${account("prod", 2)}]\n}\n`;

/** One way in which a step is run, and what comes of it. */
export interface Scenario extends StepRun {
  readonly step: string;
  readonly when: string;
  readonly expected: object;
}

const report = (form: string, file: string) =>
  `node [--require] [tsx/cjs] [cli/pipeline-report.ts] [${form}] [${file}]`;
const keyspan = (...args: string[]) =>
  `npm [run] [--silent] [keyspan] [--] ${args.map((arg) => `[${arg}]`).join(" ")}`;
const rings = (accounts: Readonly<Record<number, string>>) =>
  Array.from({ length: 10 }, (_, ring) => `ring-${ring}=[${accounts[ring] ?? ""}]\n`).join("");

function planned(step: string, ending: (digest: string) => object): readonly Scenario[] {
  const base = { step, env: { ACCOUNT: "prod" } };
  const isComment = step.startsWith("plan:");
  const said = [{ out: "summary\n" }, { out: "comment\n" }];
  const calls = [
    keyspan("plan", "prod", "--read-only", ...(isComment ? ["--no-upload"] : []), "--json"),
    report("plan-summary", "plan.json"),
    ...(isComment ? [report("plan-comment", "plan.json")] : []),
  ];
  const json = `{"digest":"${DIGEST}"}`;
  const files = {
    ...(isComment && { "comment/prod.md": "comment\n" }),
    "plan.json": json,
  };
  const done = { calls, summary: "summary\n", files, outputs: "", log: "" };
  return [
    {
      ...base,
      when: "changes are pending",
      answers: { npm: [{ out: json, code: 2 }], node: said },
      expected: { code: 0, ...done, ...ending(DIGEST) },
    },
    {
      ...base,
      when: "there is nothing to do",
      answers: { npm: [{ out: json }], node: said },
      expected: { code: 0, ...done },
    },
    {
      ...base,
      when: "it fails",
      answers: { npm: [{ out: json, code: 1 }], node: said },
      expected: { code: 1, ...done },
    },
    {
      ...base,
      when: "the command line is refused",
      answers: { npm: [{ out: json, code: 64 }], node: said },
      expected: { code: 64, ...done },
    },
  ];
}

const PULL_REQUEST_COMMENT = (part: string) => `<!-- keyspan plan -->
## Plan of abc123

${part}

Every change: [the summary of the run](https://github.example/acme/keyspan/actions/runs/4711).
`;
const TWO_PLANNED = `[${account("dev", 0)}, ${account("prod", 2)}]`;
const FIND_COMMENT =
  'gh [api] [--paginate] [repos/acme/keyspan/issues/7/comments] [--jq] [.[] | select(.user.login == "github-actions[bot]" and (.body | startswith("<!-- keyspan plan -->"))) | .id]';
const FIND_ISSUE =
  'gh [issue] [list] [--repo] [acme/keyspan] [--state] [open] [--author] [app/github-actions] [--json] [number,title] [--jq] [.[] | select(.title == "Keyspan: accounts are not as their files say") | .number]';
const ISSUE_BODY =
  "Drift, changes that wait, or a failure: https://github.example/acme/keyspan/actions/runs/4711";

const applied = (...statuses: string[]) =>
  JSON.stringify({
    accounts: [
      {
        stacks: statuses.map((status) => ({ status })),
        failures: [],
        ...(statuses.includes("waiting") && { waiting: { digest: DIGEST } }),
      },
    ],
  });

/** All of them. */
export const SCENARIOS: readonly Scenario[] = [
  {
    step: "prepare: npm ci",
    when: "always",
    answers: { npm: [] },
    expected: { code: 0, calls: ["npm [ci]"] },
  },
  {
    step: "plan: fork: Say so",
    when: "always",
    answers: {},
    expected: {
      code: 0,
      log: "::warning title=Not planned::Pull requests from forks get no credentials, so nothing is planned. Push the branch to this repository to see its plan.\n",
      summary:
        "Pull requests from forks get no credentials, so nothing is planned. Push the branch to this repository to see its plan.\n",
    },
  },
  {
    step: "plan: accounts: Accounts whose stacks differ",
    when: "two differ",
    env: { BASE: "main" },
    answers: { npm: [{ out: TWO }] },
    expected: {
      code: 0,
      calls: [keyspan("accounts", "--changed", "origin/main", "--json")],
      outputs: `accounts=[${account("dev", 0)},${account("prod", 2)}]\n`,
    },
  },
  {
    step: "plan: accounts: Accounts whose stacks differ",
    when: "the base is unknown",
    env: { BASE: "$(touch hacked)" },
    answers: { npm: [{ code: 1 }] },
    expected: {
      code: 1,
      calls: [keyspan("accounts", "--changed", "origin/$(touch hacked)", "--json")],
      outputs: "",
      files: { "accounts.json": "" },
    },
  },
  ...planned("plan: plan: Plan", () => ({})),
  ...planned("apply-account: plan: Plan", (digest) => ({ outputs: `digest=${digest}\n` })),
  {
    step: "plan: comment: Write the comment",
    when: "there is none yet",
    env: { GH_TOKEN: "token", NUMBER: "7", HEAD: "abc123", ACCOUNTS: TWO_PLANNED },
    files: { "comment/dev.md": "### dev\n", "comment/prod.md": "### prod\n" },
    answers: { gh: [] },
    expected: {
      code: 0,
      calls: [
        FIND_COMMENT,
        "gh [api] [--silent] [--method] [POST] [repos/acme/keyspan/issues/7/comments] [--field] [body=@comment.md]",
      ],
      files: {
        "comment.md": PULL_REQUEST_COMMENT("### dev\n### prod\n"),
        "whole.md": expect.any(String),
        "comment/dev.md": "### dev\n",
        "comment/prod.md": "### prod\n",
      },
    },
  },
  {
    step: "plan: comment: Write the comment",
    when: "the job of an account has ended before it wrote its part",
    env: { GH_TOKEN: "token", NUMBER: "7", HEAD: "abc123", ACCOUNTS: TWO_PLANNED },
    files: { "comment/prod.md": "### prod\n" },
    answers: { gh: [] },
    expected: {
      code: 0,
      calls: [
        FIND_COMMENT,
        "gh [api] [--silent] [--method] [POST] [repos/acme/keyspan/issues/7/comments] [--field] [body=@comment.md]",
      ],
      files: {
        "comment.md": PULL_REQUEST_COMMENT(
          "### dev\n\n**NOT PLANNED.** The log of its job says why.\n\n### prod\n",
        ),
        "whole.md": expect.any(String),
        "comment/prod.md": "### prod\n",
      },
    },
  },
  {
    step: "plan: comment: Write the comment",
    when: "an earlier one is there, and no account changes any more",
    env: { GH_TOKEN: "token", NUMBER: "7", HEAD: "abc123", ACCOUNTS: "[]" },
    answers: { gh: [{ out: "101\n102\n" }] },
    expected: {
      code: 0,
      calls: [
        FIND_COMMENT,
        "gh [api] [--silent] [--method] [PATCH] [repos/acme/keyspan/issues/comments/101] [--field] [body=@comment.md]",
      ],
      files: {
        "comment.md": PULL_REQUEST_COMMENT("No stack of any account changes.\n"),
        "whole.md": expect.any(String),
      },
    },
  },
  {
    step: "apply: accounts: Accounts of each ring",
    when: "something was merged",
    env: { ACCOUNT: "" },
    answers: { npm: [{ out: TWO }] },
    expected: {
      code: 0,
      calls: [keyspan("accounts", "--json")],
      outputs: rings({ 0: account("dev", 0), 2: account("prod", 2) }),
    },
  },
  {
    step: "apply: accounts: Accounts of each ring",
    when: "one account is asked for",
    env: { ACCOUNT: "prod" },
    answers: { npm: [{ out: TWO }] },
    expected: {
      code: 0,
      calls: [keyspan("accounts", "--json")],
      outputs: rings({ 2: account("prod", 2) }),
    },
  },
  {
    step: "apply: accounts: Accounts of each ring",
    when: "all accounts are asked for",
    env: { ACCOUNT: "all" },
    answers: { npm: [{ out: TWO }] },
    expected: {
      code: 0,
      calls: [keyspan("accounts", "--json")],
      outputs: rings({ 0: account("dev", 0), 2: account("prod", 2) }),
    },
  },
  {
    step: "apply: accounts: Accounts of each ring",
    when: "an account is asked for that is none",
    env: { ACCOUNT: '") | ("' },
    answers: { npm: [{ out: TWO }] },
    expected: {
      code: 1,
      outputs: "",
      log: "::error title=Wrong input::There is no such account.\n",
    },
  },
  {
    step: "apply-digest: apply: Apply",
    when: "a digest was approved",
    env: { ACCOUNT: "prod", DIGEST },
    answers: { node: [{ out: "{}", code: 2 }], npm: [] },
    expected: {
      code: 2,
      calls: [
        `node [--require] [tsx/cjs] [cli/keyspan.ts] [apply] [prod] [--digest] [${DIGEST}] [--json]`,
      ],
      files: { "apply.json": "{}" },
    },
  },
  {
    step: "apply-digest: apply: Result",
    when: "all is applied",
    env: { OUTCOME: "success" },
    files: { "apply.json": applied("applied", "unchanged") },
    answers: { node: [{ out: "summary\n" }] },
    expected: {
      code: 0,
      calls: [report("apply-summary", "apply.json")],
      outputs: "waiting=\n",
      summary: "summary\n",
    },
  },
  {
    step: "apply-digest: apply: Result",
    when: "something waits for a second approval",
    env: { OUTCOME: "failure" },
    files: { "apply.json": applied("applied", "unchanged", "waiting") },
    answers: { node: [{ out: "summary\n" }] },
    expected: { code: 0, outputs: `waiting=${DIGEST}\n`, summary: "summary\n" },
  },
  ...["failed", "stopped", "not-started"].map((status) => ({
    step: "apply-digest: apply: Result",
    when: `something waits, and a stack is ${status}`,
    env: { OUTCOME: "failure" },
    files: { "apply.json": applied("applied", "waiting", status) },
    answers: { node: [{ out: "summary\n" }] },
    expected: { code: 1, outputs: "waiting=\n", summary: "summary\n" },
  })),
  {
    step: "apply-digest: apply: Result",
    when: "the account could not be begun",
    env: { OUTCOME: "failure" },
    files: { "apply.json": '{"accounts":[{"stacks":[],"failures":["locked"]}]}' },
    answers: { node: [{ out: "summary\n" }] },
    expected: { code: 1, outputs: "waiting=\n", summary: "summary\n" },
  },
  {
    step: "apply-digest: apply: Result",
    when: "the command said nothing",
    env: { OUTCOME: "cancelled" },
    files: { "apply.json": "" },
    answers: { node: [{ out: "summary\n" }] },
    expected: { code: 1, outputs: "waiting=\n", summary: "summary\n" },
  },
  {
    step: "apply-account: third: Say what is left",
    when: "always",
    env: { ACCOUNT: "prod" },
    answers: {},
    expected: {
      code: 1,
      log: "::error title=Something still waits::Account prod: run this workflow by hand for that account\n",
    },
  },
  {
    step: "deploy: accounts: Accounts",
    when: "an account is named",
    env: { ACCOUNT: "prod", RING: "0" },
    answers: { npm: [{ out: TWO }] },
    expected: {
      code: 0,
      calls: [keyspan("accounts", "--json")],
      outputs: `accounts=[${account("prod", 2)}]\n`,
    },
  },
  {
    step: "deploy: accounts: Accounts",
    when: "a ring is named",
    env: { ACCOUNT: "", RING: "0" },
    answers: { npm: [{ out: TWO }] },
    expected: { code: 0, outputs: `accounts=[${account("dev", 0)}]\n` },
  },
  {
    step: "deploy: accounts: Accounts",
    when: "the ring is empty",
    env: { ACCOUNT: "", RING: "1" },
    answers: { npm: [{ out: TWO }] },
    expected: {
      code: 1,
      outputs: "",
      log: "::error title=Wrong input::There is no such account.\n",
    },
  },
  {
    step: "deploy: deploy: Deploy",
    when: "always",
    env: { ACCOUNT: "prod" },
    answers: { node: [{ code: 1 }], npm: [] },
    expected: {
      code: 1,
      calls: ["node [--require] [tsx/cjs] [cli/main.ts] [deploy] [prod] [--auto-approve]"],
    },
  },
  {
    step: "drift: accounts: All accounts",
    when: "always",
    answers: { npm: [{ out: TWO }] },
    expected: {
      code: 0,
      calls: [keyspan("accounts", "--json")],
      outputs: `accounts=[${account("dev", 0)},${account("prod", 2)}]\n`,
    },
  },
  ...[
    [0, ""],
    [1, ""],
    [2, "::error title=Drift::Account prod is not as its file says.\n"],
  ].map(([code, error]) => ({
    step: "drift: status: Status",
    when: `the status ends with ${code}`,
    env: { ACCOUNT: "prod" },
    answers: { npm: [{ out: "{}\n", code: Number(code) }], node: [{ out: "summary\n" }] },
    expected: {
      code,
      calls: [keyspan("status", "prod", "--json"), report("status-summary", "status.json")],
      summary: "summary\n",
      files: { "status.json": "{}\n" },
      log: error,
    },
  })),
  {
    step: "drift: issue: Open an issue, or go on in the open one",
    when: "none is open",
    env: { GH_TOKEN: "token" },
    answers: { gh: [] },
    expected: {
      code: 0,
      calls: [
        FIND_ISSUE,
        `gh [issue] [create] [--repo] [acme/keyspan] [--title] [Keyspan: accounts are not as their files say] [--body] [${ISSUE_BODY}]`,
      ],
    },
  },
  {
    step: "drift: issue: Open an issue, or go on in the open one",
    when: "some are open",
    env: { GH_TOKEN: "token" },
    answers: { gh: [{ out: "12\n9\n" }] },
    expected: {
      code: 0,
      calls: [
        FIND_ISSUE,
        `gh [issue] [comment] [12] [--repo] [acme/keyspan] [--body] [${ISSUE_BODY}]`,
      ],
    },
  },
];
