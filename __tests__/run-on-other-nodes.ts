/**
 * `npm run test:node`: Keyspan on the other Node versions that it supports.
 *
 * The npm package `node` carries the binaries. It is installed into a folder of its own and never
 * as a dependency: its `.bin/node` would take over every npm script.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { accountNames } from "../config/load-account";
import { filesIn } from "./helpers/project";

/** What is promised of a Node version: the README says the same. */
interface Promised {
  readonly version: string;
  /** Whether cdktf-cli starts. Its node-pty has no prebuilt binary for Node 24. */
  readonly cli: boolean;
}

const VERSIONS: readonly Promised[] = [
  { version: "22.23.3", cli: true },
  { version: "24.9.0", cli: false },
];
const CLI_TESTS = "__tests__/(cdktf-cli|cli/)";

let failed = 0;
const check = (title: string, holds: boolean, detail = "") => {
  failed += Number(!holds);
  process.stdout.write(`${holds ? "ok  " : "FAIL"} ${title}${holds ? "" : `\n${detail}`}\n`);
};

for (const { version, cli } of VERSIONS) {
  const node = install(version);
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    // The shell commands that tests run must find this Node, too.
    const PATH = `${dirname(node)}:${process.env.PATH}`;
    const { status, stdout, stderr } = spawnSync(node, args, {
      env: { ...process.env, PATH, CI: "1", CHECKPOINT_DISABLE: "1", ...env },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    return { code: status, text: `${stdout}${stderr}` };
  };

  check(`Node ${version} is what runs`, run(["--version"]).text.trim() === `v${version}`);

  for (const account of accountNames("accounts")) {
    const files = (program: string) => synth(program, account);
    check(
      `Node ${version} writes the same bytes for ${account}`,
      JSON.stringify(files(node)) === JSON.stringify(files(process.execPath)),
    );
  }

  const jest = run([
    "node_modules/jest/bin/jest.js",
    ...(cli ? [] : ["--testPathIgnorePatterns", CLI_TESTS]),
  ]);
  check(
    `Node ${version} passes the tests${cli ? "" : " but those of cdktf-cli"}`,
    jest.code === 0,
    jest.text,
  );

  // `cdktf --version` runs anywhere; every command that does something loads node-pty.
  const out = mkdtempSync(join(tmpdir(), "keyspan-node-"));
  const [account = ""] = accountNames("accounts");
  const started = run(["node_modules/cdktf-cli/bundle/bin/cdktf", "synth", "--output", out], {
    TF_WORKSPACE: account,
  });
  rmSync(out, { recursive: true });
  const reason = cli ? "Generated Terraform code" : "node-pty";
  check(
    `cdktf-cli ${cli ? "starts" : "does not start"} on Node ${version}`,
    (started.code === 0) === cli && started.text.includes(reason),
    started.text,
  );
}
process.exitCode = failed === 0 ? 0 : 1;

function install(version: string): string {
  const folder = join(".node-versions", version);
  const binary = join(folder, "node_modules/node/bin/node");
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    // The package fetches its binary in an install script, which npm 11 runs only if allowed.
    writeFileSync(
      join(folder, "package.json"),
      '{ "private": true, "allowScripts": { "node": true } }\n',
    );
    const { status } = spawnSync("npm", ["install", "--no-save", `node@${version}`], {
      cwd: folder,
      stdio: ["ignore", "inherit", "inherit"],
    });
    if (status !== 0 || !existsSync(binary)) {
      throw new Error(`node@${version} could not be installed into ${folder}`);
    }
  }
  return join(process.cwd(), binary);
}

function synth(program: string, account: string): Readonly<Record<string, string>> {
  const out = mkdtempSync(join(tmpdir(), "keyspan-node-"));
  try {
    const { status, stderr } = spawnSync(program, ["--require", "tsx/cjs", "main.ts"], {
      env: { ...process.env, TF_WORKSPACE: account, CDKTF_OUTDIR: out },
      encoding: "utf8",
      stdio: ["ignore", "ignore", "pipe"],
    });
    return { ...filesIn(out), status: `${status} ${stderr}` };
  } finally {
    rmSync(out, { recursive: true });
  }
}
