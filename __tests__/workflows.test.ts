/** The workflows: what each step really runs, and what every workflow must hold to. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RINGS } from "../config/rules";
import {
  runStep,
  stepsIn,
  type Workflow,
  workflowIn,
  workflowTexts,
} from "./helpers/workflow-files";
import { problemsIn } from "./helpers/workflow-rules";
import { DIGEST, SCENARIOS } from "./helpers/workflow-scenarios";

const texts = workflowTexts();
const steps = stepsIn(texts);
const commandOf = (name: string) => steps.get(name)?.run ?? "";
const ACCOUNT = ".github/workflows/apply-account.yml";
const APPLY = ".github/workflows/apply.yml";
const DEPLOY = ".github/workflows/deploy.yml";
const DIGEST_FILE = ".github/workflows/apply-digest.yml";
const DRIFT = ".github/workflows/drift.yml";
const PLAN = ".github/workflows/plan.yml";
const PREPARE_FILE = ".github/actions/prepare/action.yml";

test("a comment is never longer than GitHub takes", () => {
  const { code, files } = runStep(commandOf("plan: comment: Write the comment"), {
    env: { GH_TOKEN: "token", NUMBER: "7", HEAD: "abc123", ACCOUNTS: '[{"account":"dev"}]' },
    files: { "comment/dev.md": "x".repeat(200_000) },
    answers: { gh: [] },
  });
  const comment = files["comment.md"] ?? "";
  expect([code, comment.length > 60_000, comment.length < 65_536]).toEqual([0, true, true]);
  expect(comment.slice(-20)).toBe("actions/runs/4711).\n");
});

test("every step with a command is run here", () => {
  const withCommand = [...steps].flatMap(([name, { run }]) => (run === undefined ? [] : [name]));
  expect(withCommand.length).toBeGreaterThan(12);
  expect([...new Set(SCENARIOS.map(({ step }) => step))].sort()).toEqual(withCommand.sort());
});

describe.each([...new Set(SCENARIOS.map(({ step }) => step))])("%s", (name) => {
  const scenarios = SCENARIOS.filter(({ step }) => step === name);

  test.each(scenarios.map((scenario) => [scenario.when, scenario] as const))(
    "when %s",
    (_, scenario) => {
      expect(runStep(commandOf(name), scenario)).toMatchObject(scenario.expected);
    },
  );

  test("its environment is what the step sets", () => {
    for (const { env = {} } of scenarios) {
      expect(Object.keys(env).sort()).toEqual(Object.keys(steps.get(name)?.env ?? {}).sort());
    }
  });
});

describe("a cancel reaches the command", () => {
  const STUB = `
    const { appendFileSync } = require("node:fs");
    for (const signal of ["SIGINT", "SIGTERM"]) {
      process.on(signal, () => { appendFileSync("heard", signal + " "); process.exit(1); });
    }
    appendFileSync("heard", "started ");
    setTimeout(() => {}, 2500);
  `;

  /** Runs a step with the project's Node and tsx, and signals its first process alone, as GitHub does. */
  async function cancelled(command: string): Promise<string> {
    const work = mkdtempSync(join(tmpdir(), "keyspan-cancel-"));
    try {
      mkdirSync(join(work, "cli"));
      for (const name of ["keyspan", "main"]) {
        writeFileSync(join(work, "cli", `${name}.ts`), STUB);
      }
      const tsx = require.resolve("tsx/cjs");
      writeFileSync(join(work, "script.sh"), command.replace("tsx/cjs", tsx));
      const child = spawn("bash", ["--noprofile", "--norc", "-eo", "pipefail", "script.sh"], {
        cwd: work,
        env: { PATH: process.env.PATH, ACCOUNT: "prod", DIGEST },
        stdio: "ignore",
      });
      const ended = new Promise((resolve) => child.on("exit", resolve));
      const heard = join(work, "heard");
      while (!existsSync(heard)) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      child.kill("SIGINT");
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1000))]);
      const text = readFileSync(heard, "utf8");
      child.kill("SIGKILL");
      return text;
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }

  test.each(["apply-digest: apply: Apply", "deploy: deploy: Deploy"])("%s", async (name) => {
    expect(await cancelled(commandOf(name))).toBe("started SIGINT ");
  });

  test("it does not without exec", async () => {
    // Bash runs the last command of a script in its own place only for -c.
    const command = commandOf("deploy: deploy: Deploy").replace("exec ", "");
    expect(await cancelled(command)).toBe("started ");
  });
});

describe("a digest is made by the run that asks for its approval", () => {
  const {
    on: started,
    jobs,
    ...apply
  } = workflowIn(texts[APPLY] ?? "") as Workflow & {
    readonly "run-name": string;
  };
  const account = workflowIn(texts[ACCOUNT] ?? "");

  test("nobody can bring one: apply.yml is given an account alone", () => {
    expect(started).toEqual({
      push: { branches: ["main"] },
      workflow_dispatch: {
        inputs: {
          account: { description: "Account, or all", type: "string", required: true },
        },
      },
    });
    expect(apply["run-name"]).toBe(
      "${{ github.event_name == 'workflow_dispatch' && format('Apply {0}', inputs.account) || '' }}",
    );
    expect(Object.values(jobs).flatMap((job) => Object.keys(job.with ?? {}))).not.toContain(
      "digest",
    );
  });

  test("nor is one passed on to an account's plan and approvals", () => {
    const { workflow_call: call } = account.on as { workflow_call: { inputs: object } };
    expect(Object.keys(call.inputs)).toEqual(["account", "partition", "region"]);
    expect(
      Object.entries(account.jobs).map(([id, { needs, if: condition, with: given }]) => ({
        id,
        needs,
        condition,
        digest: given?.digest,
      })),
    ).toEqual([
      { id: "plan" },
      {
        id: "first",
        needs: "plan",
        condition: "needs.plan.outputs.digest != ''",
        digest: "${{ needs.plan.outputs.digest }}",
      },
      {
        id: "second",
        needs: "first",
        condition: "needs.first.outputs.waiting != ''",
        digest: "${{ needs.first.outputs.waiting }}",
      },
      { id: "third", needs: "second", condition: "needs.second.outputs.waiting != ''" },
    ]);
    expect(account.jobs.plan?.outputs).toEqual({ digest: "${{ steps.plan.outputs.digest }}" });
  });
});

test("what a pull request shows has no digest in its words", () => {
  expect(texts[PLAN]).not.toMatch(/digest/i);
});

describe("rules", () => {
  test("the workflows keep all of them", () => {
    expect(problemsIn(texts)).toEqual([]);
  });

  test("every ring that an account can have has a job", () => {
    const jobs = [...(texts[APPLY] ?? "").matchAll(/^ {2}ring-(\d+):$/gm)];
    expect(jobs.map(([, ring]) => Number(ring))).toEqual(
      Array.from({ length: RINGS.max - RINGS.min + 1 }, (_, index) => RINGS.min + index),
    );
  });

  test.each<[file: string, from: string | RegExp, to: string, problem: string]>([
    [PLAN, /@de0fac2\w+ # v6\.0\.2/, "@v6", "actions/checkout must be pinned"],
    [PLAN, " # v6.0.2", "", "actions/checkout must be pinned"],
    [PREPARE_FILE, /@48b55a\w+/, "@48b55a0", "actions/setup-node must be pinned"],
    [PLAN, "permissions: {}", "permissions: write-all", "permissions of the workflow"],
    [PLAN, "permissions: {}\n", "", "permissions of the workflow"],
    [
      PLAN,
      "      pull-requests: write",
      "      pull-requests: write\n      contents: write",
      "comment: permissions",
    ],
    [
      PLAN,
      "    permissions:\n      contents: read\n    outputs",
      "    permissions:\n      contents: read\n      id-token: write\n    outputs",
      "accounts: permissions",
    ],
    [
      PLAN,
      "if: github.event.pull_request.head.repo.full_name == github.repository",
      "if: true",
      "accounts: forks",
    ],
    [PLAN, "pull_request:", "pull_request_target:", "trigger pull_request_target"],
    [PLAN, "KEYSPAN_PLAN_ROLES", "KEYSPAN_APPLY_ROLES", "plan: the role that applies"],
    [
      PLAN,
      'accounts --changed "origin/$BASE"',
      "accounts --changed origin/${{ github.head_ref }}",
      "must not hold an expression",
    ],
    [
      PLAN,
      "          persist-credentials: false\n      - uses: ./.github/actions/prepare\n      - uses",
      "      - uses: ./.github/actions/prepare\n      - uses",
      "plan: actions/checkout must not keep",
    ],
    [PLAN, "      fail-fast: false\n", "", "plan: fail-fast"],
    [
      PLAN,
      "runs-on: ubuntu-24.04\n    timeout-minutes: 60",
      "runs-on: ubuntu-latest\n    timeout-minutes: 60",
      "plan: runs-on",
    ],
    [PLAN, "    timeout-minutes: 60\n", "", "plan: timeout-minutes"],
    [PLAN, "shell: bash", "shell: sh", "shell must be bash"],
    [DIGEST_FILE, "    environment: ${{ inputs.account }}\n", "", "apply: environment"],
    [
      DIGEST_FILE,
      "environment: ${{ inputs.account }}",
      "environment: production",
      "apply: environment",
    ],
    [DIGEST_FILE, "cancel-in-progress: false", "cancel-in-progress: true", "apply: concurrency"],
    [DIGEST_FILE, "group: keyspan-${{ inputs.account }}", "group: keyspan", "apply: concurrency"],
    [
      DIGEST_FILE,
      "timeout-minutes: 90",
      "timeout-minutes: 60",
      "apply: timeout-minutes must be above",
    ],
    [DIGEST_FILE, "run: exec node", "run: node", "must be exec"],
    [
      DIGEST_FILE,
      "exec node --require tsx/cjs cli/keyspan.ts",
      "exec npm run keyspan --",
      "must be exec",
    ],
    [
      DIGEST_FILE,
      "DIGEST: ${{ inputs.digest }}",
      "DIGEST: ${{ github.event.comment.body }}",
      "the digest must be the input",
    ],
    [DIGEST_FILE, "name: ${{ inputs.digest }}", "name: Apply", "must be named by the digest"],
    [
      DIGEST_FILE,
      "always() && steps.apply.outcome != 'skipped'",
      "success()",
      "the result must be shown",
    ],
    [DIGEST_FILE, "        continue-on-error: true\n", "", "exit code 2"],
    [
      DEPLOY,
      "group: keyspan-${{ matrix.account }}",
      "group: deploy-${{ matrix.account }}",
      "deploy: concurrency",
    ],
    [DEPLOY, "run: exec node", "run: node", "must be exec"],
    [
      ACCOUNT,
      "digest: ${{ needs.first.outputs.waiting }}",
      "digest: ${{ inputs.digest }}",
      "second: digest",
    ],
    [
      ACCOUNT,
      "digest: ${{ needs.plan.outputs.digest }}",
      "digest: ${{ inputs.digest || needs.plan.outputs.digest }}",
      "first: digest",
    ],
    [
      APPLY,
      "      region: ${{ matrix.homeRegion }}\n",
      "      region: ${{ matrix.homeRegion }}\n      digest: ${{ inputs.digest }}\n",
      "ring-0: it must apply its accounts",
    ],
    [ACCOUNT, "needs: first\n", "needs: plan\n", "second: needs"],
    [
      APPLY,
      "needs: [accounts, ring-0, ring-1, ring-2]",
      "needs: [accounts, ring-2]",
      "ring-3: needs",
    ],
    [
      APPLY,
      "if: ${{ !cancelled() && !failure() && !contains(needs.*.result, 'cancelled') && needs.accounts.outputs.ring-4 != '[]' }}",
      "if: ${{ !cancelled() && !failure() && needs.accounts.outputs.ring-4 != '[]' }}",
      "ring-4: if",
    ],
    [
      APPLY,
      "include: ${{ fromJSON(needs.accounts.outputs.ring-5) }}",
      "include: ${{ fromJSON(needs.accounts.outputs.ring-4) }}",
      "ring-5: matrix",
    ],
    [APPLY, "branches: [main]\n", "branches: ['**']\n", "trigger push"],
    [
      DRIFT,
      "      issues: write",
      "      issues: write\n      contents: write",
      "issue: permissions",
    ],
    [DRIFT, "KEYSPAN_PLAN_ROLES", "KEYSPAN_APPLY_ROLES", "status: the role that applies"],
    [PREPARE_FILE, "node-version-file: .nvmrc", "node-version: 20", "node-version-file"],
    [PREPARE_FILE, "terraform_version: 1.11.4", "terraform_version: latest", "terraform_version"],
    [PREPARE_FILE, "terraform_wrapper: false", "terraform_wrapper: true", "terraform_wrapper"],
    [
      PREPARE_FILE,
      "package-manager-cache: false",
      "package-manager-cache: true",
      "package-manager-cache",
    ],
  ])("%s: %s -> %s", (file, from, to, problem) => {
    const text = texts[file] ?? "";
    const broken = text.replace(from, to);
    expect(broken).not.toBe(text);
    expect(problemsIn({ [file]: broken }).join("\n")).toContain(problem);
  });
});
