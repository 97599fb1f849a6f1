/** Which mistakes are the command line's, for every command: the pipeline must not take them for a failed run. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkAccountNames, selectAccount } from "../../../cli/keyspan/accounts-of";
import { UsageError } from "../../../cli/keyspan/command";
import { runKeyspan } from "../../../cli/keyspan/program";
import { RolloutProject } from "../../helpers/rollout-project";
import { runCommand } from "../../helpers/run-command";
import { SMALL_ACCOUNT } from "../../helpers/sandbox-project";

/** What each command that is about an account needs behind it to be understood. */
const BEHIND: Readonly<Record<string, readonly string[]>> = {
  plan: [],
  apply: ["--yes"],
  status: [],
  destroy: ["--yes"],
  unlock: ["--id", "1b9d6bcd"],
  import: ["keys", "aws_kms_key.archive", "mrk-1"],
  untaint: ["keys", "aws_kms_key.archive"],
  "push-state": ["keys"],
  bootstrap: [],
  permissions: ["--role", "plan"],
  doctor: [],
};

const TAKE_AN_ACCOUNT = Object.keys(BEHIND);
const CALL_AWS = TAKE_AN_ACCOUNT.filter((command) => command !== "permissions");

let project: RolloutProject;
beforeAll(() => {
  project = new RolloutProject({
    small: SMALL_ACCOUNT,
    other: SMALL_ACCOUNT.replaceAll("111122223333", "222233334444"),
  });
});
afterAll(() => project.remove());

const run = (command: string, account: string, ...flags: readonly string[]) =>
  runCommand(runKeyspan, [command, account, ...(BEHIND[command] ?? []), ...flags], {
    projectDirectory: project.directory,
  });

afterEach(() => {
  expect(existsSync(join(project.directory, "cdktf.out"))).toBe(false);
});

test("the tables have every command", async () => {
  const { out } = await runCommand(runKeyspan, ["--help"], {});
  const [, listed = ""] = /\nCommands:\n([\s\S]*?)\n\n/.exec(out) ?? [];
  expect(listed.match(/(?<=^ {2})[a-z][\w-]*/gm)).toEqual(expect.arrayContaining(TAKE_AN_ACCOUNT));
  expect(listed.match(/(?<=^ {2})[a-z][\w-]*/gm)).toHaveLength(TAKE_AN_ACCOUNT.length + 2);
});

test.each(TAKE_AN_ACCOUNT)("%s of an account that is not there is wrong usage", async (command) => {
  expect(await run(command, "samll")).toEqual({
    code: 64,
    out: "",
    err: `${command}: an account must be one of other, small, got "samll"; correct it\n`,
  });
});

test.each(CALL_AWS)("%s with another --credential-source is wrong usage", async (command) => {
  expect(await run(command, "small", "--credential-source", "environment")).toEqual({
    code: 64,
    out: "",
    err: `${command}: --credential-source must be one of Environment, Ec2InstanceMetadata, EcsContainer, got "environment"; name where the first credentials come from\n`,
  });
});

test.each(CALL_AWS)("%s with two origins is wrong usage", async (command) => {
  const flags = ["--source-profile", "admin", "--credential-source", "EcsContainer"];
  expect(await run(command, "small", ...flags)).toEqual({
    code: 64,
    out: "",
    err: `${command}: one of --source-profile and --credential-source must be given at most, once, got --source-profile and --credential-source; keep one\n`,
  });
});

test("a broken file of an account that is there is not", async () => {
  project.write("broken", SMALL_ACCOUNT.replace("homeRegion: eu-west-1", "homeRegion: mars"));
  try {
    const { code, err } = await run("permissions", "broken");
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/broken\.yaml:\d+:\d+: homeRegion must/),
    ]);
  } finally {
    rmSync(join(project.directory, "accounts", "broken.yaml"));
  }
});

describe("the account that a command is about", () => {
  const io = () => ({ projectDirectory: project.directory }) as Parameters<typeof selectAccount>[2];

  test("is loaded", () => {
    expect(selectAccount("doctor", "other", io())).toMatchObject({
      workspace: "other",
      id: "222233334444",
    });
  });

  test("is named once, and each wrong name has its line", () => {
    const check = () => checkAccountNames("plan", ["small", "x", "small", "x"], io());
    expect(check).toThrow(UsageError);
    expect(check).toThrow(
      'plan: an account must be one of other, small, got "x"; correct it\nplan: an account must be named once, got small again; name it once\nplan: an account must be named once, got x again; name it once',
    );
    expect(() => checkAccountNames("plan", ["small", "other"], io())).not.toThrow();
  });

  test("has a file that ends in .yaml", () => {
    const file = join(project.directory, "accounts", "late.yml");
    writeFileSync(file, "version: 1\n");
    try {
      expect(() => selectAccount("doctor", "late", io())).toThrow(
        `doctor: an account must be one of other, small, got "late"; rename ${file} to .yaml`,
      );
    } finally {
      rmSync(file);
    }
  });

  test("cannot be there before the first file is", () => {
    const empty = { ...io(), projectDirectory: join(project.directory, "nowhere") };
    expect(() => selectAccount("doctor", "prod", empty)).toThrow(
      'doctor: an account must be one of (none yet), got "prod"; correct it',
    );
  });
});
