/** The commands as a person starts them: processes of their own, with a stdin that nobody ever writes to. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TempProject } from "../helpers/temp-project";

const MAIN = join(__dirname, "../../cli/main.ts");
const CDKTF_JSON = '{ "language": "typescript", "app": "false", "projectId": "test" }';

let project: TempProject;
let child: ChildProcess | undefined;
beforeEach(async () => {
  project = new TempProject();
  project.write("cdktf.json", CDKTF_JSON);
  await project.serve();
});
afterEach(() => {
  child?.kill("SIGKILL");
  project.remove();
});

function start(...argv: string[]): ChildProcess {
  return startNode(MAIN, ...argv);
}

function startNode(...argv: string[]): ChildProcess {
  child = spawn(process.execPath, ["--require", require.resolve("tsx/cjs"), ...argv], {
    cwd: project.directory,
    env: { ...project.env(), CI: "1", CDKTF_DISABLE_PLUGIN_CACHE_ENV: "1" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  return child;
}

/** What a started command wrote, and how it ended. */
async function end(command: ChildProcess): Promise<{ code: number | null; text: string }> {
  let text = "";
  command.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  command.stderr?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return new Promise((resolve) => command.on("close", (code) => resolve({ code, text })));
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await sleep(20);
  }
}

test("deploys through the installed cdktf without asking anybody", async () => {
  const { code, text } = await end(start("deploy", "demo", "--auto-approve"));
  expect({ code, text }).toMatchObject({ code: 0 });
  const calls = project.calls().map((call) => call.replace(/ -out \S+/, ""));
  const applied = calls.filter((call) => call.includes(": apply"));
  expect(applied.map((call) => call.split(":", 1)[0])).toEqual([
    "terraform keys",
    "terraform archive-eu-central-1",
    "terraform archive-eu-west-1",
    "terraform notifications",
  ]);
  expect(applied.every((call) => call.endsWith("[demo]"))).toBe(true);
  expect(calls.filter((call) => call.includes("providers lock"))).toEqual([]);
});

/** Starts a deploy as a CI system does it. */
function startDeploy(): ChildProcess {
  const io = { interactive: false, nodeVersion: "20.20.2", cdktf: [project.pathOf("cdktf")] };
  return startNode(
    "--eval",
    `const { deploy } = require(${JSON.stringify(join(__dirname, "../../cli/commands/deploy"))});
    deploy(["demo", "--auto-approve"], { out() {}, err() {}, env: process.env, ...${JSON.stringify(io)} });`,
  );
}

/** Starts a command that takes its stdin for a terminal, with a `cdktf` that asks a question. */
function startAtTerminal(command: "deploy" | "diff"): ChildProcess {
  project.deployed("demo", "keys");
  project.program("cdktf", '#!/bin/sh\nread -r line\necho "$1 answered: $line" >> "HERE/log"\n');
  const io = { interactive: true, nodeVersion: "20.20.2", cdktf: [project.pathOf("cdktf")] };
  return startNode(
    "--eval",
    `const { ${command} } = require(${JSON.stringify(join(__dirname, "../../cli/commands", command))});
    ${command}(["demo", "keys"], { out() {}, err() {}, env: process.env, ...${JSON.stringify(io)} });`,
  );
}

test("hands the person's answer to a deploy", async () => {
  const command = startAtTerminal("deploy");
  const ended = end(command);
  await until(() => project.calls().length === 2);
  command.stdin?.write("yes\n");
  await ended;
  expect(project.calls().at(-1)).toBe("deploy answered: yes");
});

test("lets a diff ask nobody, even at a terminal", async () => {
  await end(startAtTerminal("diff"));
  expect(project.calls().at(-1)).toBe("diff answered:");
});

test("refuses at once what it cannot do", async () => {
  const { code, text } = await end(start("deploy", "demo"));
  expect(code).toBe(1);
  expect(text).toMatch(/^deploy: somebody must be at the terminal[^\n]*\n$/);
});

test("passes SIGTERM on once, waits for the program's end, and starts no other", async () => {
  project.program(
    "terraform",
    `#!/bin/sh
trap 'echo terminated >> "HERE/log"; sleep 0.3; echo ended >> "HERE/log"; exit 5' TERM
echo started >> 'HERE/log'
while :; do sleep 0.05; done
`,
  );
  const command = start("deploy", "demo", "--auto-approve");
  const ended = end(command);
  await until(() => existsSync(join(project.directory, "fakes/log")));
  command.kill("SIGTERM");
  await until(() => project.calls().includes("terminated"));
  command.kill("SIGTERM");
  const { code, text } = await ended;
  expect(project.calls()).toEqual(["started", "terminated", "ended"]);
  expect(code).toBe(5);
  expect(text).toContain("keys: terraform init -input=false was stopped\n");
});

test("a cdktf that nobody at a terminal watches hears of the first signal at once, and of no other", async () => {
  project.program(
    "cdktf",
    `#!/bin/sh
trap 'echo interrupted >> "HERE/log"' INT
trap 'echo terminated >> "HERE/log"; sleep 0.3; echo ended >> "HERE/log"; exit 5' TERM
echo cdktf >> 'HERE/log'
while :; do sleep 0.05; done
`,
  );
  const command = startDeploy();
  const ended = end(command);
  await until(() => project.calls().includes("cdktf"));
  command.kill("SIGINT");
  await until(() => project.calls().includes("terminated"));
  command.kill("SIGTERM");
  await ended;
  expect(project.calls().slice(-3)).toEqual(["cdktf", "terminated", "ended"]);
});

test("waits for a program that takes its time on SIGINT, and starts no other", async () => {
  project.program(
    "terraform",
    `#!/bin/sh
trap '' TERM
echo started >> 'HERE/log'
sleep 0.4
echo ended >> 'HERE/log'
`,
  );
  const command = start("destroy", "demo", "--auto-approve");
  const ended = end(command);
  await until(() => existsSync(join(project.directory, "fakes/log")));
  command.kill("SIGINT");
  const { code } = await ended;
  expect(project.calls()).toEqual(["started", "ended"]);
  expect(code).toBe(130);
});
