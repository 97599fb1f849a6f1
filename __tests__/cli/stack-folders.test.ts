import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  readEarlierStackFolders,
  readStackFolders,
  refuseForeignFiles,
} from "../../cli/stack-folders";
import { TempProject } from "../helpers/temp-project";

let project: TempProject;
beforeEach(() => {
  project = new TempProject({});
});
afterEach(() => project.remove());

function manifest(dependencies: Readonly<Record<string, readonly string[]>>): void {
  const stacks = Object.entries(dependencies).map(([id, on]) => [
    id,
    { name: id, workingDirectory: `stacks/${id}`, dependencies: on },
  ]);
  project.write("manifest.json", JSON.stringify({ stacks: Object.fromEntries(stacks) }));
}

test("reads stacks in the order in which they are applied", () => {
  manifest({
    audit: ["keys", "notifications"],
    b: ["keys"],
    a: ["keys"],
    notifications: ["keys"],
    keys: [],
  });
  expect(readStackFolders(project.directory).map(({ id }) => id)).toEqual([
    "keys",
    "a",
    "b",
    "notifications",
    "audit",
  ]);
});

test("fails if stacks wait for each other", () => {
  manifest({ a: ["b"], b: ["a"], c: [] });
  expect(() => readStackFolders(project.directory)).toThrow("stacks wait for each other: a, b");
});

test("takes a manifest that is missing or broken for none of an earlier run", () => {
  expect(readEarlierStackFolders(project.directory)).toEqual([]);
  project.write("manifest.json", '{"stacks":');
  expect(readEarlierStackFolders(project.directory)).toEqual([]);
  manifest({ keys: [] });
  expect(readEarlierStackFolders(project.directory)).toHaveLength(1);
});

const folders = () => [
  { id: "keys", directory: join(project.directory, "stacks/keys"), dependencies: [] },
  { id: "gone", directory: join(project.directory, "stacks/gone"), dependencies: [] },
];

test.each([
  "main.tf",
  "main.tofu",
  "more.tf.json",
  "cdk.tofu.json",
  "override.tf",
  "cdk_override.tf.json",
  ".hidden.tf",
  "terraform.tfvars",
  "terraform.tfvars.json",
  "a.auto.tfvars",
  "a.auto.tfvars.json",
])("refuses %s", (name) => {
  project.write("stacks/keys/cdk.tf.json", "{}");
  project.write(`stacks/keys/${name}`, "");
  expect(() => refuseForeignFiles(folders())).toThrow(
    `stacks/keys/${name}: cdk.tf.json must be the only Terraform file of the folder, got ${name} beside it; Terraform would apply it too: move it away or delete it`,
  );
});

test("accepts what Terraform and CDKTF leave there, and what Terraform does not read", () => {
  for (const name of [
    "cdk.tf.json",
    ".terraform.lock.hcl",
    "plan",
    "metadata.json",
    "a.tfvars",
    "terraform.tfstate",
    "x.tf.bak",
  ]) {
    project.write(`stacks/keys/${name}`, "{}");
  }
  mkdirSync(join(project.directory, "stacks/keys/module.tf"));
  project.write("stacks/keys/.terraform/modules/m/main.tf", "");
  expect(() => refuseForeignFiles(folders())).not.toThrow();
});
