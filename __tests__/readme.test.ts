/** What the README says is run, or compared with what is there. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runSimulation } from "@cloud-copilot/iam-simulate";
import { isMap, parseDocument } from "yaml";
import { loadAccount } from "../config/load-account";
import { FAULT_FLAGS } from "../sandbox/aws/faults";
import { AccountFolder } from "./helpers/account-folder";
import { copyProject, PROJECT, projectText, run } from "./helpers/project";

const readme = projectText("README.md");
const decisions = projectText("docs/decisions.md");
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(
    ([, text = ""]) => text,
  );

test("every npm script that the documents name is there", () => {
  const { scripts } = JSON.parse(projectText("package.json")) as { scripts: object };
  const named = [...`${readme}${decisions}`.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(
    ([, name]) => name,
  );
  expect(named.length).toBeGreaterThan(10);
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining([...new Set(named)]));
});

test("the tree under Developing is the tree", () => {
  const tree = blocks("text").find((text) => text.startsWith("main.ts")) ?? "";
  const entries = tree.split("\n").flatMap((line) => line.split(/\s/)[0] || []);
  expect(entries.length).toBeGreaterThan(7);
  for (const entry of entries) {
    expect([entry, existsSync(join(PROJECT, entry))]).toEqual([entry, true]);
  }
});

test("the files that the map of the house names are there", () => {
  const files = [...decisions.matchAll(/\| `([^`]+)` \|$/gm)].map(([, file = ""]) => file);
  expect(files).toHaveLength(10);
  for (const file of files) {
    const example = file.replace("<account>", "prod");
    expect([file, existsSync(join(PROJECT, example)) || file.includes("<account>")]).toEqual([
      file,
      true,
    ]);
  }
});

test("the policies are JSON, and the statements of an existing key too", () => {
  const documents = blocks("json").map((text) => JSON.parse(text) as { Statement: object[] } | []);
  expect(
    documents.map((document) => (Array.isArray(document) ? document : document.Statement).length),
  ).toEqual([4, 18, 4, 4]);
});

test.each([
  ["keyspan/prod/keys.tfstate", true],
  ["keyspan/prod/archive-eu-west-1.tfstate", true],
  ["keyspan/prod/keys.tfstate.tflock", true],
  ["keys.tfstate", true],
  ["archive-eu-west-1.tfstate", true],
  ["notifications.tfstate", true],
  ["keyspan/dev/keys.tfstate", false],
  ["keyspan/production/keys.tfstate", false],
  ["other.tfstate", false],
])("a state role reads %s: %p", async (objectKey, allowed) => {
  const policy = JSON.parse(
    (blocks("json")[0] ?? "")
      .replaceAll("BUCKET", "acme-state")
      .replaceAll("KEYPREFIX", "keyspan")
      .replaceAll("WORKSPACE", "prod"),
  );
  const principal = "arn:aws:iam::444455556666:role/keyspan-state-prod";
  const { overallResult } = (await runSimulation(
    {
      request: {
        principal,
        action: "s3:GetObject",
        resource: { resource: `arn:aws:s3:::acme-state/${objectKey}`, accountId: "444455556666" },
        contextVariables: {},
      },
      identityPolicies: [{ name: "state", policy }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  )) as { overallResult: string };
  expect(overallResult === "Allowed").toBe(allowed);
});

test("the YAML examples are accepted in an account", () => {
  const examples = blocks("yaml");
  expect(examples).toHaveLength(3);
  for (const example of examples) {
    const folder = new AccountFolder();
    const document = parseDocument(projectText("__tests__/fixtures/accounts/defaults.yaml"));
    const account = parseDocument(example);
    if (!isMap(document.contents) || !isMap(account.contents)) {
      throw new Error("not a map");
    }
    document.setIn(["account", "id"], "111122223333");
    document.set("homeRegion", "eu-west-1");
    document.set("regions", ["eu-west-1", "eu-central-1"]);
    document.setIn(["buses", "orders", "producers"], ["111122223333"]);
    for (const { key, value } of account.contents.items) {
      const section = String(key);
      if (!isMap(value)) {
        document.set(section, value);
      }
      for (const inner of isMap(value) ? value.items : []) {
        document.setIn([section, String(inner.key)], inner.value);
      }
    }
    expect(() => loadAccount(folder.write(String(document)).directory, "acme")).not.toThrow();
    folder.remove();
  }
});

test("the quick start does what it says, and a second run says that nothing changes", () => {
  const copy = copyProject();
  try {
    const first = run(copy, "npm", ["start", "--silent"]);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toContain("Account demo is applied.\n");
    expect(first.stdout).toContain("\nus-east-1\n");
    expect(first.stdout).toContain("The Terraform JSON is in cdktf.out/demo/stacks/");
    const second = run(copy, "npm", ["start", "--silent"]);
    expect(second).toMatchObject({ code: 0, stderr: "" });
    expect(second.stdout).toContain("No changes: account demo is as its file says.\n");
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});

test("the sandbox's commands and flags that the documents name are there", () => {
  const sandbox = `${readme}${projectText("sandbox/README.md")}`;
  const named = [...sandbox.matchAll(/npm run sandbox -- (\w+)/g)].map(([, name = ""]) => name);
  expect([...new Set(named)].sort()).toEqual([
    "alert",
    "apply",
    "cdktf",
    "destroy",
    "down",
    "drift",
    "import",
    "plan",
    "show",
    "untaint",
    "up",
  ]);
  const flags = [...projectText("sandbox/README.md").matchAll(/\| `--([a-z-]+) \d+` \|/g)].map(
    ([, name = ""]) => name,
  );
  expect(flags.sort()).toEqual(Object.keys(FAULT_FLAGS).sort());
});

test("the tree of the sandbox is the tree", () => {
  const [tree = ""] =
    /```text\n([\s\S]*?)```/.exec(projectText("sandbox/README.md"))?.slice(1) ?? [];
  const entries = tree.split("\n").flatMap((line) => line.split(/\s/)[0] || []);
  expect(entries.length).toBeGreaterThan(6);
  for (const entry of entries) {
    expect([entry, existsSync(join(PROJECT, entry))]).toEqual([entry, true]);
  }
});

test.each(["scheduled-for-deletion", "reminder", "enabled-again"])(
  "the message %s is as announce writes it",
  (name) => {
    const [, ...lines] = projectText(`__tests__/fixtures/messages/${name}.txt`)
      .trimEnd()
      .split("\n");
    expect(blocks("text")).toContain(`${lines.join("\n")}\n`);
  },
);
