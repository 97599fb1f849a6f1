import { rmSync } from "node:fs";
import { runKeyspan } from "../../../cli/keyspan/program";
import { RolloutProject } from "../../helpers/rollout-project";
import { runCommand } from "../../helpers/run-command";
import { SMALL_ACCOUNT } from "../../helpers/sandbox-project";

const COMMANDS = [
  "accounts",
  "plan",
  "apply",
  "status",
  "destroy",
  "unlock",
  "import",
  "untaint",
  "push-state",
  "bootstrap",
  "permissions",
  "doctor",
];

const OTHER = SMALL_ACCOUNT.replaceAll("111122223333", "222233334444").replace(
  "protect: false",
  "protect: false\nring: 0",
);

let project: RolloutProject;
beforeAll(() => {
  project = new RolloutProject({ small: SMALL_ACCOUNT, other: OTHER });
});
afterAll(() => project.remove());

const run = (...argv: string[]) =>
  runCommand(runKeyspan, argv, { projectDirectory: project.directory });

test("the help names every command, the exit codes, and examples", async () => {
  const { code, out } = await run("--help");
  expect(code).toBe(0);
  const [, listed = ""] = /\nCommands:\n([\s\S]*?)\n\n/.exec(out) ?? [];
  expect(
    listed
      .split("\n")
      .flatMap((line) => /^ {2}([\w-]+)/.exec(line)?.[1] ?? [])
      .filter((name) => name !== "help")
      .sort(),
  ).toEqual([...COMMANDS].sort());
  expect(out).toContain(
    "Exit codes: 0 done or nothing to do, 2 changes pending, 1 failed, 64 wrong usage.",
  );
  expect(out).toContain("npm run keyspan -- plan prod");
});

test.each(COMMANDS)("%s has a help with an example, and takes --json", async (command) => {
  const { code, out } = await run(command, "--help");
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`npm run (--silent )?keyspan -- ${command}`));
  expect(out).toContain("--json");
});

test.each<readonly [readonly string[], string]>([
  [[], "Usage: keyspan"],
  [["plam"], "error: unknown command 'plam'\n(Did you mean plan?)"],
  [["plan", "--parallel", "3"], "error: unknown option '--parallel'"],
  [["plan", "small", "--parallelism", "0"], "It must be a whole number from 1."],
  [["plan", "--all", "--max-failures", "x"], "It must be a whole number from 0."],
  [
    ["plan"],
    "plan: accounts must be named, or --all be given, got neither; the accounts are other, small",
  ],
  [
    ["plan", "small", "--all"],
    "plan: accounts must be named, or --all be given, got --all and small",
  ],
  [
    ["plan", "small", "--ring", "1"],
    "plan: --ring must stand beside --all, got it alone; add --all",
  ],
  [["plan", "samll"], 'plan: an account must be one of other, small, got "samll"; correct it'],
  [
    ["plan", "small", "small"],
    "plan: an account must be named once, got small again; name it once",
  ],
  [
    ["plan", "--all", "--ring", "7"],
    "plan: --ring must be one that accounts have, got 7; the rings are 0, 1",
  ],
  [["unlock", "small"], "required option '--id <id>' not specified"],
])("%j is wrong usage", async (argv, message) => {
  const { code, err } = await run(...argv);
  expect(err).toContain(message);
  expect(code).toBe(64);
});

test("a broken file of any account is reported before anything is done", async () => {
  project.write("broken", SMALL_ACCOUNT.replace("homeRegion: eu-west-1", "homeRegion: mars"));
  try {
    const { code, err } = await run("plan", "--all");
    expect(err).toMatch(/broken\.yaml:\d+:\d+: homeRegion must/);
    expect(code).toBe(1);
  } finally {
    rmSync(`${project.directory}/accounts/broken.yaml`);
  }
});

test("accounts come in the order of their rings, for people and for a matrix", async () => {
  const text = await run("accounts");
  expect(text.out).toBe(
    "ring 0  other             222233334444  eu-west-1 eu-central-1\nring 1  small             111122223333  eu-west-1 eu-central-1\n",
  );
  const json = await run("accounts", "--json");
  expect(JSON.parse(json.out)).toEqual({
    accounts: [
      {
        account: "other",
        id: "222233334444",
        partition: "aws",
        homeRegion: "eu-west-1",
        regions: ["eu-central-1", "eu-west-1"],
        ring: 0,
        protect: false,
      },
      {
        account: "small",
        id: "111122223333",
        partition: "aws",
        homeRegion: "eu-west-1",
        regions: ["eu-central-1", "eu-west-1"],
        ring: 1,
        protect: false,
      },
    ],
  });
  expect(await run("--json", "accounts")).toEqual(json);
});
