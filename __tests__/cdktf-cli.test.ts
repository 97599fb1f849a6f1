import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyProject, filesIn, PROJECT, run } from "./helpers/project";
import { FIXTURE_ACCOUNTS, synthAccount } from "./helpers/synth";

const copy = copyProject();
afterAll(() => rmSync(copy, { recursive: true, force: true }));

const cdktf = (...args: string[]) =>
  run(copy, process.execPath, [join(PROJECT, "node_modules/cdktf-cli/bundle/bin/cdktf"), ...args], {
    TF_WORKSPACE: "acme",
  });
const fixture = (file: string) => readFileSync(join(FIXTURE_ACCOUNTS, file), "utf8");
const write = (file: string, text: string) => writeFileSync(join(copy, "accounts", file), text);

beforeAll(() => {
  rmSync(join(copy, "accounts"), { recursive: true });
  mkdirSync(join(copy, "accounts"));
  write("acme.yaml", fixture("full.yaml"));
  write("acme.ledger.json", fixture("full.ledger.json"));
  write("defaults.yaml", fixture("defaults.yaml"));
});

test("cdktf synth writes every stack", () => {
  expect(cdktf("synth")).toMatchObject({ code: 0, stderr: "" });
  expect(readdirSync(join(copy, "cdktf.out/stacks")).sort()).toEqual([
    "archive-eu-central-1",
    "archive-eu-north-1",
    "archive-eu-south-1",
    "archive-eu-west-1",
    "archive-us-east-1",
    "keys",
    "notifications",
  ]);
  expect(filesIn(join(copy, "cdktf.out"))).toEqual(
    synthAccount(join(copy, "accounts"), "acme").files,
  );
});

test("cdktf synth refuses a lost address and writes nothing", () => {
  rmSync(join(copy, "cdktf.out"), { recursive: true, force: true });
  write(
    "acme.yaml",
    fixture("full.yaml").replace("  team:\n", "  squad:\n").replace("key: team", "key: squad"),
  );
  const { code, stdout, stderr } = cdktf("synth");
  expect(code).not.toBe(0);
  expect(stdout + stderr).toContain("aws_kms_key.team of stack keys must keep its address");
  expect(existsSync(join(copy, "cdktf.out/stacks/keys"))).toBe(false);
});
