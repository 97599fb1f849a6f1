/** The workflows: every line of their commands, and the way from a plan over its approval to an apply. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filesIn, PROJECT } from "./helpers/project";
import { SMALL_ACCOUNT } from "./helpers/sandbox-project";
import { runStep, stepsIn, workflowTexts } from "./helpers/workflow-files";
import { SCENARIOS } from "./helpers/workflow-scenarios";

const steps = stepsIn(workflowTexts());
const commandOf = (name: string) => steps.get(name)?.run ?? "";

describe.each([...new Set(SCENARIOS.map(({ step }) => step))])("%s", (name) => {
  const scenarios = SCENARIOS.filter(({ step }) => step === name);
  const lines = commandOf(name).trimEnd().split("\n");
  const told = lines.flatMap((line, index) =>
    line.trim().startsWith("#") ? [] : [[line.trim(), index] as const],
  );

  test.each(told)("the line is there for something: %s", (_, index) => {
    const without = lines.toSpliced(index, 1).join("\n");
    const same = scenarios.filter((scenario) => {
      try {
        expect(runStep(without, scenario)).toMatchObject(scenario.expected);
        return true;
      } catch {
        return false;
      }
    });
    expect(same.length).toBeLessThan(scenarios.length);
  });
});

describe("from a plan over its approval to an apply, on the simulated AWS", () => {
  let root: string;
  let project: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "keyspan-pipeline-"));
    project = join(root, "project");
    mkdirSync(join(project, "accounts"), { recursive: true });
    for (const name of ["cli", "config", "modules", "node_modules", "sandbox", "stacks"]) {
      symlinkSync(join(PROJECT, name), join(project, name));
    }
    for (const name of ["main.ts", "cdktf.json", "package.json", "tsconfig.json"]) {
      cpSync(join(PROJECT, name), join(project, name));
    }
    cpSync(join(PROJECT, "accounts/defaults.yaml"), join(project, "accounts/defaults.yaml"));
    writeFileSync(
      join(project, "accounts/small.yaml"),
      SMALL_ACCOUNT.replace("regions: [eu-west-1, eu-central-1]", "regions: [eu-west-1]"),
    );
    // The programs are real; only AWS is another.
    program(
      "npm",
      `[ "$1 $2 $3 $4" = "run --silent keyspan --" ] || exit 99
shift 4
exec ${process.execPath} --require tsx/cjs sandbox/main.ts keyspan "$@"`,
    );
    program(
      "node",
      `[ "$3" = cli/keyspan.ts ] || exec ${process.execPath} "$@"
shift 3
exec ${process.execPath} --require tsx/cjs sandbox/main.ts keyspan "$@"`,
    );
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  function program(name: string, text: string): void {
    mkdirSync(join(root, "bin"), { recursive: true });
    writeFileSync(join(root, "bin", name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(root, "bin", name), 0o755);
  }

  /** Runs a step in the project; returns its exit code, outputs and summary. */
  function step(name: string, env: Readonly<Record<string, string>>) {
    for (const file of ["script", "output", "summary"]) {
      writeFileSync(join(root, file), file === "script" ? commandOf(name) : "");
    }
    const { status, stderr } = spawnSync(
      "bash",
      ["--noprofile", "--norc", "-eo", "pipefail", join(root, "script")],
      {
        cwd: project,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          PATH: `${join(root, "bin")}:${process.env.PATH}`,
          HOME: root,
          CI: "true",
          GITHUB_OUTPUT: join(root, "output"),
          GITHUB_STEP_SUMMARY: join(root, "summary"),
          ...env,
        },
      },
    );
    const { output = "", summary = "" } = filesIn(root);
    return {
      code: status,
      outputs: Object.fromEntries(
        output
          .split("\n")
          .filter(Boolean)
          .map((line) => line.split(/=(.*)/s).slice(0, 2)),
      ) as Readonly<Record<string, string>>,
      summary,
      stderr,
    };
  }

  let digest = "";

  test("the accounts of each ring", () => {
    const { code, outputs } = step("apply: accounts: Accounts of each ring", {
      ACCOUNT: "small",
    });
    expect([code, outputs["ring-0"]]).toEqual([0, "[]"]);
    expect(JSON.parse(outputs["ring-1"] ?? "")).toMatchObject([
      { account: "small", partition: "aws", homeRegion: "eu-west-1", ring: 1 },
    ]);
  });

  test("the pull request's plan", () => {
    const { code, summary } = step("plan: plan: Plan", { ACCOUNT: "small" });
    expect([code, summary]).toEqual([0, expect.stringContaining("### small\n\n| stack | |\n")]);
    const { "comment/small.md": comment = "", "plan.json": plan = "" } = filesIn(project);
    expect(comment).toContain("| keys | deferred: ");
    const { digest: thrownAway, uploaded } = JSON.parse(plan);
    expect([thrownAway, uploaded]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), false]);
    expect(summary + comment).not.toContain(thrownAway);
    expect(summary).not.toContain("To approve");
  });

  test("the plan that is approved", () => {
    const { code, outputs, summary } = step("apply-account: plan: Plan", { ACCOUNT: "small" });
    digest = outputs.digest ?? "";
    expect([code, digest]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(JSON.parse(filesIn(project)["plan.json"] ?? "")).toMatchObject({
      digest,
      uploaded: true,
    });
    expect(summary).toContain(`digest\n\n\`\`\`text\n${digest}\n\`\`\`\n`);
    expect(summary).toContain("keys: create aws_kms_key.archive\n");
  });

  test("another digest applies nothing", () => {
    const { code } = step("apply-digest: apply: Apply", {
      ACCOUNT: "small",
      DIGEST: digest.replace(/^./, (digit) => (digit === "0" ? "1" : "0")),
    });
    expect(code).toBe(1);
    const result = step("apply-digest: apply: Result", { OUTCOME: "failure" });
    expect(result).toMatchObject({ code: 1, outputs: { waiting: "" } });
    expect(result.stderr).toContain("small: ");
  });

  test("the approved digest applies the account, and the nightly status agrees", () => {
    const { code, stderr } = step("apply-digest: apply: Apply", {
      ACCOUNT: "small",
      DIGEST: digest,
    });
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    expect(step("apply-digest: apply: Result", { OUTCOME: "success" })).toMatchObject({
      code: 0,
      outputs: { waiting: "" },
      summary: expect.stringContaining("| keys | applied; "),
    });
    const nightly = step("drift: status: Status", { ACCOUNT: "small" });
    expect([nightly.code, nightly.summary]).toEqual([
      0,
      expect.stringMatching(
        /^### small\n\n\| stack \| \|\n(.+\n)*\| keys \| \d+ resources; as its file says \|\n/,
      ),
    ]);
  });

  test("there is nothing more to approve", () => {
    expect(step("apply-account: plan: Plan", { ACCOUNT: "small" })).toMatchObject({
      code: 0,
      outputs: {},
    });
  });
});
