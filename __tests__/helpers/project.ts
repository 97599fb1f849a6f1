import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Root of the project. */
export const PROJECT = join(__dirname, "../..");

/** Paths of the project's own files: those that git tracks or would track. */
export function projectFiles(): readonly string[] {
  return execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: PROJECT,
    encoding: "utf8",
  })
    .split("\n")
    .filter((file) => file !== "");
}

/** Text of a project file. */
export function projectText(file: string): string {
  return readFileSync(join(PROJECT, file), "utf8");
}

/** A copy of the project in a temporary folder, with the same dependencies, that a test may change. */
export function copyProject(): string {
  const copy = mkdtempSync(join(tmpdir(), "keyspan-copy-"));
  for (const file of projectFiles()) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(PROJECT, file), join(copy, file));
  }
  symlinkSync(join(PROJECT, "node_modules"), join(copy, "node_modules"));
  // The tests of the copy ask git for its files too.
  execFileSync("git", ["init", "--quiet", copy]);
  return copy;
}

/** Every file below a folder: its text by its path in the folder. */
export function filesIn(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]),
  );
}

/** What a finished program left behind. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program without terminal, network settings or AWS settings of the person who runs the tests. */
export function run(
  cwd: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Finished {
  const { PATH = "", HOME = "" } = process.env;
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env: { PATH, HOME, CHECKPOINT_DISABLE: "1", CI: "1", ...env },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (error !== undefined) {
    throw error;
  }
  return { code: status, stdout, stderr };
}
