/** Which accounts a change touches, in a git repository of its own. */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runKeyspan } from "../../cli/keyspan/program";
import { PROJECT } from "../helpers/project";
import { runCommand } from "../helpers/run-command";

const SYNTHESIZED = [
  "config",
  "modules",
  "stacks",
  "main.ts",
  "cdktf.json",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
];

let repository: string;

const git = (...args: string[]) =>
  execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], {
    cwd: repository,
    stdio: "pipe",
  });

beforeAll(() => {
  repository = mkdtempSync(join(tmpdir(), "keyspan-changed-test-"));
  for (const path of SYNTHESIZED) {
    cpSync(join(PROJECT, path), join(repository, path), { recursive: true });
  }
  cpSync(join(PROJECT, "accounts"), join(repository, "accounts"), { recursive: true });
  symlinkSync(join(PROJECT, "node_modules"), join(repository, "node_modules"));
  writeFileSync(join(repository, ".gitignore"), "node_modules\n");
  git("init", "--quiet");
  git("add", ".");
  git("commit", "--quiet", "-m", "all accounts");
});

afterAll(() => rmSync(repository, { recursive: true }));

async function changedSince(ref: string) {
  const { code, out, err } = await runCommand(
    runKeyspan,
    ["accounts", "--changed", ref, "--json"],
    {
      projectDirectory: repository,
      env: { PATH: process.env.PATH },
    },
  );
  expect({ code, err }).toEqual({ code: 0, err: expect.any(String) });
  const { accounts } = JSON.parse(out) as { readonly accounts: readonly { account: string }[] };
  return { accounts: accounts.map(({ account }) => account).sort(), err };
}

const account = (name: string) => join(repository, "accounts", `${name}.yaml`);

test("an account counts as changed when what is synthesized for it differs, and only then", async () => {
  appendFileSync(account("prod"), "# a comment\n");
  expect(await changedSince("HEAD")).toEqual({ accounts: [], err: "" });

  writeFileSync(
    account("demo"),
    readFileSync(account("demo"), "utf8").replace("retentionDays: 7", "retentionDays: 8"),
  );
  expect(await changedSince("HEAD")).toEqual({ accounts: ["demo"], err: "" });

  git("commit", "--quiet", "-am", "demo keeps events longer");
  expect(await changedSince("HEAD")).toEqual({ accounts: [], err: "" });
  expect(await changedSince("HEAD~1")).toEqual({ accounts: ["demo"], err: "" });
});

test("a new account counts as changed, and it is said why", async () => {
  copyFileSync(account("demo"), account("fresh"));
  writeFileSync(
    account("fresh"),
    readFileSync(account("fresh"), "utf8").replaceAll("111122223333", "999900001111"),
  );
  try {
    expect(await changedSince("HEAD")).toEqual({
      accounts: ["fresh"],
      err: "fresh: new since HEAD\n",
    });
  } finally {
    rmSync(account("fresh"));
  }
});

test("an account whose file is gone is named: nothing can work on it any more", async () => {
  const before = readFileSync(account("dev"), "utf8");
  rmSync(account("dev"));
  try {
    expect(await changedSince("HEAD")).toEqual({
      accounts: [],
      err: "dev: its file is gone since HEAD; what it has deployed stays as it is: to give it up, restore the file, and destroy the account first\n",
    });
  } finally {
    writeFileSync(account("dev"), before);
  }
});

test("an account that could not be synthesized counts as changed, and it is said why", async () => {
  const before = readFileSync(account("dev"), "utf8");
  writeFileSync(account("dev"), `${before}nonsense: 1\n`);
  git("commit", "--quiet", "-am", "dev is broken");
  writeFileSync(account("dev"), before);
  const { accounts, err } = await changedSince("HEAD");
  expect(accounts).toEqual(["dev"]);
  expect(err).toMatch(/^dev: HEAD cannot be synthesized, so it counts as changed: .*nonsense/);
  git("reset", "--quiet", "--hard", "HEAD~1");
});

test("other packages change every account", async () => {
  const lock = join(repository, "package-lock.json");
  const before = readFileSync(lock, "utf8");
  appendFileSync(lock, "\n");
  try {
    expect(await changedSince("HEAD")).toEqual({
      accounts: ["demo", "dev", "gov", "prod"],
      err: "package-lock.json differs from HEAD: every account counts as changed\n",
    });
  } finally {
    writeFileSync(lock, before);
  }
});

test.each(["nope", "--output=x", "HEAD~99"])("%s is no commit", async (ref) => {
  const { code, err } = await runCommand(runKeyspan, ["accounts", `--changed=${ref}`], {
    projectDirectory: repository,
    env: { PATH: process.env.PATH },
  });
  expect(err).toContain(
    `accounts: --changed must be a commit, branch or tag of this repository, got "${ref}"`,
  );
  expect(code).toBe(1);
});
