/** What the README says is run, or compared with what is there. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isMap, parseDocument } from "yaml";
import type { CommandIo } from "../cli/io";
import { EXIT_CODE } from "../cli/keyspan/command";
import { runKeyspan } from "../cli/keyspan/program";
import { loadAccount } from "../config/load-account";
import { FAULT_FLAGS } from "../sandbox/aws/faults";
import { AccountFolder } from "./helpers/account-folder";
import { PROJECT, projectFiles, projectText } from "./helpers/project";
import { workflowTexts } from "./helpers/workflow-files";

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

test("the statements of an existing key are JSON", () => {
  const documents = blocks("json").map((text) => JSON.parse(text) as readonly object[]);
  expect(documents.map(({ length }) => length)).toEqual([4]);
});

describe("the rollout", () => {
  const code = projectFiles()
    .filter((file) => /^(cli|config|modules|stacks)\/.*\.ts$/.test(file))
    .map(projectText)
    .join("\n");
  const workflows = Object.values(workflowTexts()).join("\n");
  const documents = `${readme}${decisions}${projectText("CHANGELOG.md")}${code}${workflows}`;

  async function keyspan(...argv: string[]) {
    let text = "";
    const io: CommandIo = {
      out: (line) => {
        text += line;
      },
      err: (line) => {
        text += line;
      },
      env: {},
      interactive: false,
      nodeVersion: process.versions.node,
      projectDirectory: PROJECT,
    };
    return { exitCode: await runKeyspan(argv, io), text };
  }

  test("every command and flag that is named somewhere is there", async () => {
    const calls = [
      ...documents.matchAll(
        /(?:npm run (?:--silent )?keyspan --|cli\/keyspan\.ts) ([a-z-]+)([^`\n);,]*)/g,
      ),
    ].map(([, command = "", rest = ""]) => ({
      command,
      flags: [...rest.matchAll(/ (--[a-z-]+)/g)].map(([, flag = ""]) => flag),
    }));
    const commands = [...new Set(calls.map(({ command }) => command))].sort();
    expect(commands).toEqual([
      "accounts",
      "apply",
      "bootstrap",
      "destroy",
      "doctor",
      "import",
      "permissions",
      "plan",
      "push-state",
      "status",
      "unlock",
      "untaint",
    ]);
    for (const command of commands) {
      const { exitCode, text } = await keyspan(command, "--help");
      const known = [...text.matchAll(/(--[a-z-]+)/g)].map(([, flag = ""]) => flag);
      const named = calls.flatMap((call) => (call.command === command ? call.flags : []));
      expect([exitCode, known]).toEqual([0, expect.arrayContaining(named)]);
    }
  });

  test("flags named in the text are those of a command", async () => {
    const chapter = readme.slice(
      readme.indexOf("## Rolling out"),
      readme.indexOf("## Notifications\n"),
    );
    const named = new Set(
      [...chapter.matchAll(/`(--[a-z-]+)[^`]*`/g)].map(([, flag = ""]) => flag),
    );
    const { text } = await keyspan("--help");
    const commands = [...text.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, name = ""]) => name);
    const help = await Promise.all(commands.map((command) => keyspan(command, "--help")));
    const known = help.flatMap((one) =>
      [...one.text.matchAll(/(--[a-z-]+)/g)].map(([flag]) => flag),
    );
    expect(named.size).toBeGreaterThan(8);
    expect(known).toEqual(expect.arrayContaining([...named]));
  });

  test("the exit codes are those of the commands", () => {
    const codes = [...readme.matchAll(/^\| (\d+) \| /gm)].map(([, code]) => Number(code));
    expect(codes.sort()).toEqual(Object.values(EXIT_CODE).sort());
  });

  test("the workflows are those that are there", () => {
    const named = [...readme.matchAll(/^\| `(\w+\.yml)` \|/gm)].map(([, name]) => name);
    const started = Object.entries(workflowTexts())
      .filter(([, text]) => /^on:$/m.test(text) && !/^ {2}workflow_call:$/m.test(text))
      .map(([file]) => file.slice(file.lastIndexOf("/") + 1));
    expect(named.sort()).toEqual(started.sort());
    const variables = [...workflows.matchAll(/vars\.(\w+)/g)].map(([, name]) => name ?? "");
    expect(variables.length).toBeGreaterThan(3);
    for (const name of variables) {
      expect(readme).toContain(`\`${name}\``);
    }
  });

  test("every chapter that something points to is there", () => {
    const headings = [...readme.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
    const anchors = headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w -]/g, "")
        .replaceAll(" ", "-"),
    );
    const links = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
    expect(links.length).toBeGreaterThan(3);
    expect(anchors).toEqual(expect.arrayContaining(links));
    const pointers = [
      ...code.matchAll(/\(README: ([^)]+)\)/g),
      ...workflows.matchAll(/README, "([^"]+)"/g),
    ].map(([, heading]) => heading);
    expect(pointers.length).toBeGreaterThan(3);
    expect(headings).toEqual(expect.arrayContaining(pointers));
  });

  test("permissions prints the roles of the pipeline as the README says", async () => {
    const { exitCode, text } = await keyspan(
      ..."permissions prod --role apply --github acme/keyspan --json".split(" "),
    );
    expect(exitCode).toBe(0);
    const { pipelineRoles } = JSON.parse(text) as {
      pipelineRoles: readonly { trustPolicy: unknown }[];
    };
    expect(JSON.stringify(pipelineRoles.map(({ trustPolicy }) => trustPolicy))).toContain(
      '"repo:acme/keyspan:environment:prod"',
    );
    const plan = await keyspan(
      ..."permissions prod --role plan --github acme/keyspan --json".split(" "),
    );
    expect(plan.text).toContain('"repo:acme/keyspan:pull_request"');
    expect(plan.text).toContain('"repo:acme/keyspan:ref:refs/heads/main"');
  });
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
    "keyspan",
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
