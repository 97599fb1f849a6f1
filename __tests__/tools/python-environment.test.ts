import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EnvironmentError, preparePythonEnvironment, toolsPython } from "./python-environment";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "keyspan-python-"));
  writeFileSync(join(folder, "requirements.txt"), "moto==1\n");
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A Python that says its version, and makes an environment whose Python only writes down its calls. */
function fakePython({ version = "3.12.1", venv = 0, pip = 0 } = {}): string {
  const path = join(folder, "python3");
  writeFileSync(
    path,
    `#!/bin/sh
[ "$1" = -c ] && { echo ${version}; exit 0; }
echo "python $*" >> '${folder}/log'
mkdir -p "$3/bin"
printf '#!/bin/sh\\necho "pip $*" >> "${folder}/log"\\nexit ${pip}\\n' > "$3/bin/python"
chmod +x "$3/bin/python"
exit ${venv}
`,
  );
  chmodSync(path, 0o755);
  return path;
}

const props = (python: string) => ({
  python,
  requirements: join(folder, "requirements.txt"),
  directory: join(folder, "environment"),
});
const calls = () => readFileSync(join(folder, "log"), "utf8").trimEnd().split("\n");

test("installs what is pinned, by its hashes and without running anything", () => {
  preparePythonEnvironment(props(fakePython()));
  expect(calls()).toEqual([
    `python -m venv ${folder}/environment`,
    `pip -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement ${folder}/requirements.txt`,
  ]);
  expect(toolsPython(props("python3"))).toBe(`${folder}/environment/bin/python`);
});

test("is made once, and anew for other requirements or another Python", () => {
  const python = fakePython();
  preparePythonEnvironment(props(python));
  preparePythonEnvironment(props(python));
  expect(calls()).toHaveLength(2);
  writeFileSync(join(folder, "requirements.txt"), "moto==2\n");
  preparePythonEnvironment(props(python));
  expect(calls()).toHaveLength(4);
  preparePythonEnvironment(props(fakePython({ version: "3.13.0" })));
  expect(calls()).toHaveLength(6);
});

const refusal = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(EnvironmentError);
    return (error as EnvironmentError).message;
  }
  throw new Error("nothing was refused");
};

test("says what is missing: Python, a new one, its venv, a package", () => {
  expect(refusal(() => preparePythonEnvironment(props(`${folder}/none`)))).toBe(
    `test:tools: ${folder}/none must be Python 3.11 or newer, got spawnSync ${folder}/none ENOENT; install Python (https://www.python.org/downloads/)`,
  );
  const old = fakePython({ version: "3.10.14" });
  expect(refusal(() => preparePythonEnvironment(props(old)))).toBe(
    `test:tools: ${old} must be Python 3.11 or newer, got 3.10.14; install a newer one (https://www.python.org/downloads/)`,
  );
  preparePythonEnvironment(props(fakePython({ version: "3.11.0" })));
  const bare = fakePython({ venv: 1 });
  expect(refusal(() => preparePythonEnvironment(props(bare)))).toBe(
    `test:tools: ${bare} must be able to make a virtual environment, got exit code 1 of ${bare} -m venv; install its venv and pip (on Debian and Ubuntu: apt-get install python3-venv)`,
  );
  expect(refusal(() => preparePythonEnvironment(props(fakePython({ pip: 2 }))))).toBe(
    `test:tools: pip must install ${folder}/requirements.txt, got exit code 2; its message is above`,
  );
});

test("an environment that was cut off is no environment, and is made again", () => {
  refusal(() => preparePythonEnvironment(props(fakePython({ pip: 2 }))));
  expect(refusal(() => toolsPython(props("python3")))).toBe(
    `${folder}/environment must hold the Python environment of these tests, got none that is complete; run npm run test:tools, which makes it`,
  );
  preparePythonEnvironment(props(fakePython()));
  expect(toolsPython(props("python3"))).toBe(`${folder}/environment/bin/python`);
});
