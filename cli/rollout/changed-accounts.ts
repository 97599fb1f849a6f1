/** Which accounts a change touches: those whose synthesized stacks differ from an earlier commit's. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { accountNames } from "../../config/load-account";
import { ValidationError } from "../../modules/errors";
import { runProgram } from "../run-program";
import { readStackFolders, STACK_FILE } from "../stack-folders";
import { ACCOUNTS_DIRECTORY, synthesize } from "../synthesize";

/** What differs. */
export interface ChangedSince {
  readonly changed: readonly string[];
  /** What a person should know about the comparison. */
  readonly notes: readonly string[];
}

/**
 * The accounts whose synthesized stacks differ from those of a commit, in the order given.
 *
 * Both are synthesized with the packages that are installed now. If the lock file of the packages
 * differs, all accounts count as changed: another provider version may stand behind the same JSON.
 *
 * @param projectDirectory - in a git repository
 * @param ref - commit, branch or tag
 * @param accounts - names of the accounts that there are now
 * @param env - environment of git, tar and Node
 * @throws {ValidationError} if git does not know the commit
 */
export async function changedAccounts(
  projectDirectory: string,
  ref: string,
  accounts: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<ChangedSince> {
  const project = resolve(projectDirectory);
  const work = mkdtempSync(join(tmpdir(), "keyspan-changed-"));
  try {
    const earlier = await checkOut(project, ref, work, env);
    // What is gone has no stacks to compare, and no command can work on it any more.
    const earlierAccounts = accountNames(join(earlier, ACCOUNTS_DIRECTORY));
    const notes = earlierAccounts
      .filter((account) => !accounts.includes(account))
      .map(
        (account) =>
          `${account}: its file is gone since ${ref}; what it has deployed stays as it is: to give it up, restore the file, and destroy the account first`,
      );
    if (!sameFile(join(project, "package-lock.json"), join(earlier, "package-lock.json"))) {
      return {
        changed: accounts,
        notes: [...notes, `package-lock.json differs from ${ref}: every account counts as changed`],
      };
    }
    const changed: string[] = [];
    for (const account of accounts) {
      if (!earlierAccounts.includes(account)) {
        notes.push(`${account}: new since ${ref}`);
        changed.push(account);
        continue;
      }
      const before = await synthesizeEarlier(project, earlier, account, env);
      if (before.problem !== undefined) {
        notes.push(
          `${account}: ${ref} cannot be synthesized, so it counts as changed: ${before.problem}`,
        );
      }
      const now = join(work, "now", account);
      synthesize(account, now, join(project, ACCOUNTS_DIRECTORY));
      if (before.problem !== undefined || stacksIn(now) !== stacksIn(before.directory)) {
        changed.push(account);
      }
      rmSync(now, { recursive: true });
    }
    return { changed, notes };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Puts the files of a commit into a folder of their own; git's own folder is left as it is. */
async function checkOut(
  project: string,
  ref: string,
  work: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const git = async (...args: string[]) => {
    const { code, stdout, stderr } = await runProgram("git", args, {
      directory: project,
      env,
      interactive: false,
      output: "keep",
    });
    if (code !== 0) {
      throw new ValidationError(
        `accounts: --changed must be a commit, branch or tag of this repository, got ${JSON.stringify(ref)}: ${stderr.trim()}; fetch it first (in CI: a checkout with fetch-depth 0)`,
      );
    }
    return stdout.trim();
  };
  // What begins with a dash would be taken for a flag.
  const commit = await git("rev-parse", "--verify", "--end-of-options", `${ref}^{commit}`);
  const prefix = await git("rev-parse", "--show-prefix");
  const archive = join(work, "earlier.tar");
  await git(
    "archive",
    "--format=tar",
    `--output=${archive}`,
    `${commit}:${prefix.replace(/\/$/, "")}`,
  );
  const earlier = join(work, "earlier");
  mkdirSync(earlier);
  const { code, stderr } = await runProgram("tar", ["-xf", archive, "-C", earlier], {
    directory: work,
    env,
    interactive: false,
    output: "keep",
  });
  if (code !== 0) {
    throw new Error(`tar: ${stderr}`);
  }
  return earlier;
}

async function synthesizeEarlier(
  project: string,
  earlier: string,
  account: string,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly directory: string; readonly problem?: string }> {
  const directory = join(earlier, "cdktf.out");
  rmSync(directory, { recursive: true, force: true });
  const modules = join(earlier, "node_modules");
  if (!existsSync(modules)) {
    symlinkSync(join(project, "node_modules"), modules);
    writeFileSync(join(earlier, "cdktf.json"), readFileSync(join(project, "cdktf.json")));
  }
  const { code, stderr } = await runProgram(
    process.execPath,
    ["--require", require.resolve("tsx/cjs"), "main.ts"],
    {
      directory: earlier,
      env: { ...env, TF_WORKSPACE: account },
      interactive: false,
      output: "keep",
    },
  );
  return code === 0
    ? { directory }
    : { directory, problem: stderr.trim().split("\n")[0] ?? "it failed" };
}

/** Everything that an account's synthesized stacks hold, as one text. */
function stacksIn(directory: string): string {
  return readStackFolders(directory)
    .map((folder) => `${folder.id}\n${readFileSync(join(folder.directory, STACK_FILE), "utf8")}`)
    .join("\n");
}

function sameFile(a: string, b: string): boolean {
  const text = (file: string) => (existsSync(file) ? readFileSync(file, "utf8") : "");
  return text(a) === text(b);
}
