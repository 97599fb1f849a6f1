/** A reviewed plan is applied exactly, or not at all. */
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RolloutProject } from "../helpers/rollout-project";
import { SMALL_ACCOUNT } from "../helpers/sandbox-project";

jest.mock("../../stacks/notification-stack", () => require("../helpers/no-notifications"));

const OTHER_ACCOUNT = SMALL_ACCOUNT.replaceAll("111122223333", "222233334444");

let project: RolloutProject;
let digest: string;
let saved: string;

beforeAll(async () => {
  project = new RolloutProject({ small: SMALL_ACCOUNT, other: OTHER_ACCOUNT });
  const first = await project.keyspan(["apply", "small", "--yes"]);
  expect(first).toMatchObject({ code: 0 });
  project.editAccount("small", "deletionWindowDays: 7 }", "deletionWindowDays: 8 }");
  digest = await project.digestOf("small");
  saved = join(project.directory, ".sandbox/keyspan/small.plan");
});

afterAll(() => project.remove());

/** Applies a copy of the approved plan, after something was done to it. */
async function applyCopy(change: (copy: string) => void = () => {}) {
  const copy = join(project.directory, "copy.plan");
  rmSync(copy, { recursive: true, force: true });
  cpSync(saved, copy, { recursive: true });
  change(copy);
  return project.keyspan(["apply", "small", "--plan", copy, "--digest", digest]);
}

const file = (copy: string, name: string) => join(copy, name);

/** Changes one byte in the middle of a file. */
function flipByte(path: string) {
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

describe("the bytes that were approved", () => {
  test("a plan is a folder that holds all that its digest stands for", () => {
    expect(readdirSync(saved).sort()).toEqual(["plans.json", "small"]);
    expect(readdirSync(join(saved, "small")).sort()).toEqual([
      "archive-eu-central-1.tf.json",
      "archive-eu-west-1.tf.json",
      "keys.tf.json",
      "keys.tfplan",
      "keys.txt",
      "plan.json",
    ]);
  });

  const CHANGES: readonly (readonly [what: string, (copy: string) => void, message: RegExp])[] = [
    [
      "a byte of a saved plan",
      (copy) => flipByte(file(copy, "small/keys.tfplan")),
      /small\/keys\.tfplan must be what was approved, SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}; nothing was opened or applied/,
    ],
    [
      "a byte of a stack",
      (copy) => flipByte(file(copy, "small/archive-eu-west-1.tf.json")),
      /small\/archive-eu-west-1\.tf\.json must be what was approved/,
    ],
    [
      "a byte of the words that were read",
      (copy) => flipByte(file(copy, "small/keys.txt")),
      /small\/keys\.txt must be what was approved/,
    ],
    [
      "a byte of what holds an account's plan together",
      (copy) => flipByte(file(copy, "small/plan.json")),
      /small\/plan\.json must be what was approved/,
    ],
    [
      "a byte of what holds the accounts together",
      (copy) => flipByte(file(copy, "plans.json")),
      /plans\.json must be the approved digest, SHA-256/,
    ],
    [
      "a file more",
      (copy) => writeFileSync(file(copy, "small/notifications.tfplan"), "x"),
      /saved plans must hold only what was approved, got small\/notifications\.tfplan too/,
    ],
    [
      "a file less",
      (copy) => rmSync(file(copy, "small/keys.tfplan")),
      /saved plans must be complete, got no small\/keys\.tfplan/,
    ],
  ];

  test.each(CHANGES)(
    "%s refuses the plan, before Terraform opens it",
    async (_, change, message) => {
      const { code, out, calls } = await applyCopy(change);
      expect(out).toMatch(message);
      expect({ code, calls }).toEqual({ code: 1, calls: [] });
    },
  );
});

describe("the world that it was planned for", () => {
  /** Changes a file for one apply. */
  async function during<T>(path: string, change: (text: string) => string, work: () => Promise<T>) {
    const before = readFileSync(path, "utf8");
    project.edit(path, change);
    try {
      return await work();
    } finally {
      writeFileSync(path, before);
    }
  }

  const refusal = (problem: string) =>
    new RegExp(
      `account small: the approved plan no longer fits; nothing was opened or applied: plan again \\(npm run keyspan -- plan small\\) and have that approved\\n  ${problem}`,
    );

  test("another account has no part in it", async () => {
    const { code, out, calls } = await project.keyspan([
      "apply",
      "other",
      "--plan",
      saved,
      "--digest",
      digest,
    ]);
    expect(out).toContain("the saved plans must be about account other, got small");
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
  });

  test("with another account beside it, neither is applied", async () => {
    const { value, code, calls } = await project.json<{
      readonly accounts: readonly { readonly failures: readonly string[] }[];
    }>(["apply", "small", "other", "--plan", saved, "--digest", digest]);
    const refused =
      "apply: --digest must stand for every account that is named, got one that does not for other, but for small; nothing was opened or applied: name those, or plan again";
    expect(value.accounts.map(({ failures }) => failures)).toEqual([[refused], [refused]]);
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
  });

  test("a plan of another workspace is refused, though it is named so", async () => {
    const { setFile } = jest.requireActual("../../cli/rollout/plan-set");
    const renamed = join(project.directory, "renamed.plan");
    cpSync(join(saved, "small"), join(renamed, "other"), { recursive: true });
    const { accounts } = JSON.parse(readFileSync(join(saved, "plans.json"), "utf8"));
    const set = setFile({ other: accounts.small });
    writeFileSync(join(renamed, "plans.json"), set.content);
    const { code, out } = await project.keyspan([
      "apply",
      "other",
      "--plan",
      renamed,
      "--digest",
      set.digest,
    ]);
    expect(out).toContain("the workspace must be small, as it was planned, got other");
    expect(out).toContain(
      "the account id must be 111122223333, as it was planned, got 222233334444",
    );
    expect(code).toBe(1);
  });

  test("a changed account id", async () => {
    const path = join(project.directory, "accounts/small.yaml");
    const { code, out, calls } = await during(
      path,
      (text) => text.replaceAll("111122223333", "333344445555"),
      () => applyCopy(),
    );
    expect(out).toMatch(
      refusal("the account id must be 111122223333, as it was planned, got 333344445555"),
    );
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
  });

  test("a changed configuration", async () => {
    const path = join(project.directory, "accounts/small.yaml");
    const { code, out, calls } = await during(
      path,
      (text) => text.replace("retentionDays: 7", "retentionDays: 9"),
      () => applyCopy(),
    );
    expect(out).toMatch(
      refusal(
        "archive-eu-west-1: the configuration of this checkout must be [0-9a-f]{64}, as it was planned, got [0-9a-f]{64}",
      ),
    );
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
  });

  test("a moved state", async () => {
    const path = project.stateObject("small", "keyspan/small/keys.tfstate");
    const { code, out, calls } = await during(
      path,
      (text) => text.replace(/"serial": (\d+)/, (_, serial) => `"serial": ${Number(serial) + 1}`),
      () => applyCopy(),
    );
    expect(out).toMatch(
      refusal(
        "keys: the state must be serial \\d+ of [0-9a-f-]{36}, SHA-256 [0-9a-f]{64}, as it was planned, got serial \\d+ of",
      ),
    );
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
  });

  test("another state of the same serial", async () => {
    const path = project.stateObject("small", "keyspan/small/keys.tfstate");
    const { code, out } = await during(
      path,
      (text) => text.replace(/"lineage": "[^"]*"/, '"lineage": "0"'),
      () => applyCopy(),
    );
    expect(out).toMatch(refusal("keys: the state must be serial .* got serial \\d+ of 0"));
    expect(code).toBe(1);
  });

  test("another state of the same lineage and serial, as a backup may bring it back", async () => {
    const path = project.stateObject("small", "keyspan/small/keys.tfstate");
    const { code, out, calls } = await during(
      path,
      (text) => `${text} `,
      () => applyCopy(),
    );
    expect(out).toMatch(
      refusal("keys: the state must be serial \\d+ of .*, as it was planned, got"),
    );
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
  });

  test("a changed output of a producer", async () => {
    const path = project.stateObject("small", "keyspan/small/keys.tfstate");
    const { code, out } = await during(
      path,
      (text) =>
        text.replace(
          /(cross-stack-output-aws_kms_keyarchivearn": \{\s*"value": ")[^"]*/,
          "$1changed",
        ),
      () => applyCopy(),
    );
    expect(out).toMatch(
      /archive-eu-west-1: what it reads must be as it was planned, got another value of keys\.cross-stack-output-aws_kms_keyarchivearn/,
    );
    expect(code).toBe(1);
  });

  test("another version of Terraform", async () => {
    const program = join(project.directory, "terraform-1.12");
    writeFileSync(
      program,
      `#!/bin/sh\ncase "$1" in version) echo '{"terraform_version":"1.12.0"}' ;; *) exec terraform "$@" ;; esac\n`,
    );
    chmodSync(program, 0o755);
    const { code, out, calls } = await project.keyspan(
      ["apply", "small", "--plan", saved, "--digest", digest],
      { program },
    );
    expect(out).toMatch(
      refusal("the version of Terraform must be 1\\.11\\.\\d+, as it was planned, got 1\\.12\\.0"),
    );
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
  });

  test("other providers", async () => {
    const lock = join(project.directory, ".terraform.lock.hcl");
    writeFileSync(lock, "# other providers\n");
    try {
      const { code, out } = await applyCopy();
      expect(out).toMatch(
        refusal("the provider lock file must be none, as it was planned, got [0-9a-f]{64}"),
      );
      expect(code).toBe(1);
    } finally {
      rmSync(lock);
    }
  });
});

describe("the command line", () => {
  test.each([
    [
      ["apply", "small", "--digest", "abc"],
      'apply: --digest must be 64 hexadecimal digits, got "abc"; copy it from the approval',
    ],
    [
      ["apply", "small", "--plan", "x"],
      "apply: --plan must come with the digest that was approved, got --plan x alone",
    ],
  ])("%j is refused", async (argv, message) => {
    const { code, err } = await project.keyspan(argv);
    expect(err).toContain(message);
    expect(code).toBe(64);
  });

  test("nobody at the terminal approves nothing", async () => {
    const { code, err, calls } = await project.keyspan(["apply", "small"]);
    expect(err).toContain(
      "apply: somebody must be at the terminal to approve the plan, got a stdin that is no terminal; name what was approved by --digest, or add --yes",
    );
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
  });

  test("a habit at the terminal approves nothing", async () => {
    const { code, out, questions, calls } = await project.keyspan(["apply", "small"], {
      answers: ["yes"],
    });
    expect(questions).toEqual(["To apply this, type the account's name (small): "]);
    expect(out).toContain("Account small: not applied: not approved");
    expect({ code, changes: calls.filter(({ change }) => change > 0) }).toEqual({
      code: 2,
      changes: [],
    });
  });
});

test("a plan that is as it was approved is applied, from the bucket, after a merge commit too", async () => {
  // What a merge brings that changes no stack.
  writeFileSync(join(project.directory, "README.md"), "merged\n");
  const { code, out } = await project.keyspan(["apply", "small", "--digest", digest]);
  expect(out).toContain("keys: applied, 0 to add, 2 to change, 0 to replace, 0 to destroy");
  expect(code).toBe(0);

  const again = await project.keyspan(["apply", "small", "--digest", digest]);
  expect(again.out).toMatch(
    /keys: the state must be serial \d+ of .*, as it was planned, got serial/,
  );
  expect(again.code).toBe(1);

  expect(await project.keyspan(["plan", "small"])).toMatchObject({ code: 0 });
});
