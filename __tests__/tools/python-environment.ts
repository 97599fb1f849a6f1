/** The Python programs that stand in for AWS: in a virtual environment of the project's own. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "../helpers/project";

/** Where the environment is, and what is in it. */
export interface PythonEnvironmentProps {
  /** Program that makes it. */
  readonly python: string;
  /** File with pinned versions and hashes. */
  readonly requirements: string;
  /** Folder of the environment. */
  readonly directory: string;
}

/** The environment of the project. */
const OWN: PythonEnvironmentProps = {
  python: "python3",
  requirements: join(__dirname, "requirements.txt"),
  directory: join(PROJECT, ".tools/python"),
};

/** Name of the file, written last, that says for which requirements and Python the environment is complete. */
const STAMP = "keyspan-requirements.sha256";

/** The least Python that has all packages of the requirements. */
const LEAST_PYTHON = [3, 11] as const;

/** A Python environment that cannot be made; the message says what is missing. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";
}

/**
 * Makes the environment, unless it is there for the same requirements and the same Python. What the
 * installer says goes to stderr.
 *
 * @throws {EnvironmentError} if Python or its venv is missing or too old, or a package cannot be installed
 */
export function preparePythonEnvironment(props: Partial<PythonEnvironmentProps> = {}): void {
  const { python, requirements, directory } = { ...OWN, ...props };
  const stamp = join(directory, STAMP);
  const wanted = createHash("sha256")
    .update(`${pythonVersion(python)}\n`)
    .update(readFileSync(requirements))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
    return;
  }
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const made = runShown(python, ["-m", "venv", directory]);
  if (made !== 0) {
    throw new EnvironmentError(
      `test:tools: ${python} must be able to make a virtual environment, got exit code ${made} of ${python} -m venv; install its venv and pip (on Debian and Ubuntu: apt-get install python3-venv)`,
    );
  }
  const installed = runShown(pythonIn(directory), [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--require-hashes",
    // A source package would run code of its own while it is installed.
    "--only-binary",
    ":all:",
    "--requirement",
    requirements,
  ]);
  if (installed !== 0) {
    throw new EnvironmentError(
      `test:tools: pip must install ${requirements}, got exit code ${installed}; its message is above`,
    );
  }
  writeFileSync(stamp, wanted);
}

/**
 * The environment's own Python.
 *
 * @throws {EnvironmentError} if the environment is not complete
 */
export function toolsPython({ directory } = OWN): string {
  if (!existsSync(join(directory, STAMP))) {
    throw new EnvironmentError(
      `${directory} must hold the Python environment of these tests, got none that is complete; run npm run test:tools, which makes it`,
    );
  }
  return pythonIn(directory);
}

function pythonIn(directory: string): string {
  return join(directory, "bin/python");
}

function pythonVersion(python: string): string {
  const { status, stdout, stderr, error } = spawnSync(
    python,
    ["-c", "import platform; print(platform.python_version())"],
    { encoding: "utf8" },
  );
  const least = LEAST_PYTHON.join(".");
  if (error !== undefined || status !== 0) {
    throw new EnvironmentError(
      `test:tools: ${python} must be Python ${least} or newer, got ${error?.message ?? stderr.trim()}; install Python (https://www.python.org/downloads/)`,
    );
  }
  const version = stdout.trim();
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < LEAST_PYTHON[0] || (major === LEAST_PYTHON[0] && minor < LEAST_PYTHON[1])) {
    throw new EnvironmentError(
      `test:tools: ${python} must be Python ${least} or newer, got ${version}; install a newer one (https://www.python.org/downloads/)`,
    );
  }
  return version;
}

/** Runs a program whose output goes to stderr; returns its exit code. */
function runShown(program: string, args: readonly string[]): number {
  const { status } = spawnSync(program, args, { stdio: ["ignore", process.stderr, "inherit"] });
  return status ?? 1;
}
