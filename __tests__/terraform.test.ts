/** What real Terraform makes of the shapes that Keyspan relies on, tried with its built-in provider. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, TerraformStack } from "cdktf";
import { TerraformRecord } from "../modules/terraform/record";
import { addStateChanges } from "../modules/terraform/state-changes";
import { run } from "./helpers/project";
import { FIXTURE_ACCOUNTS, stackOf, synthAccount } from "./helpers/synth";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "keyspan-terraform-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const terraform = (...args: string[]) => {
  const { code, stdout, stderr } = run(folder, "terraform", [...args, "-no-color"], {
    TF_IN_AUTOMATION: "1",
  });
  return { code, text: `${stdout}${stderr}`.replace(/\s+/g, " ") };
};
const apply = () => terraform("apply", "-auto-approve", "-input=false");
const state = () => readFileSync(join(folder, "terraform.tfstate"), "utf8");

/** A stand-in for a key: like a key's, its id is known only after apply, and it can vanish. */
class StandIn extends TerraformRecord {}

/** Writes a stack with a stand-in for a key and the record of its id, as MultiRegionKey defines them. */
function writeStack(define: (stack: TerraformStack) => void): void {
  const app = new App({ outdir: join(folder, "cdktf.out") });
  const stack = new TerraformStack(app, "keys");
  define(stack);
  app.synth();
  const json = JSON.parse(
    readFileSync(join(folder, "cdktf.out/stacks/keys/cdk.tf.json"), "utf8"),
  ) as { terraform: { backend?: unknown } };
  delete json.terraform.backend;
  writeFileSync(join(folder, "main.tf.json"), JSON.stringify(json));
}

function keyWithRecord(
  stack: TerraformStack,
  preventDestroy: boolean,
  [keyName, recordName]: readonly [string, string] = ["archive", "archive_eu-west-1"],
): void {
  const key = new StandIn(stack, "Key", { value: "key", preventDestroy: false });
  key.overrideLogicalId(keyName);
  new TerraformRecord(stack, "Record", {
    value: key.getStringAttribute("id"),
    preventDestroy,
  }).overrideLogicalId(recordName);
}

test("a key that has vanished makes Terraform refuse the plan, because of its record", () => {
  writeStack((stack) => keyWithRecord(stack, true));
  expect(terraform("init", "-input=false").code).toBe(0);
  expect(apply().code).toBe(0);
  expect(terraform("plan", "-detailed-exitcode").code).toBe(0);

  expect(terraform("state", "rm", "terraform_data.archive").code).toBe(0);
  const before = state();
  const { code, text } = apply();
  expect(code).toBe(1);
  expect(text).toContain("Error: Instance cannot be destroyed");
  expect(text).toContain("terraform_data.archive_eu-west-1 has lifecycle.prevent_destroy set");
  expect(state()).toBe(before);
});

test("without protection a key that has vanished is made anew", () => {
  writeStack((stack) => keyWithRecord(stack, false));
  terraform("init", "-input=false");
  apply();
  terraform("state", "rm", "terraform_data.archive");
  expect(apply().text).toContain("2 added, 0 changed, 1 destroyed");
});

test("a changed home region makes Terraform refuse the plan", () => {
  const homeRegion = (value: string) => (stack: TerraformStack) => {
    new TerraformRecord(stack, "HomeRegion", { value, preventDestroy: true });
  };
  writeStack(homeRegion("eu-west-1"));
  terraform("init", "-input=false");
  apply();
  writeStack(homeRegion("eu-central-1"));
  expect(terraform("plan").text).toContain(
    "terraform_data.HomeRegion has lifecycle.prevent_destroy set",
  );
});

test("what is retired is forgotten and not destroyed, also when it was never there", () => {
  writeStack((stack) => keyWithRecord(stack, true));
  terraform("init", "-input=false");
  apply();
  writeStack((stack) =>
    addStateChanges(stack, {
      forget: [
        "aws_kms_replica_key.never_there",
        "terraform_data.archive",
        "terraform_data.archive_eu-west-1",
      ],
      adopt: [],
      move: [],
    }),
  );
  const { code, text } = apply();
  expect(code).toBe(0);
  expect(text).toContain("0 added, 0 changed, 0 destroyed");
  expect(text).toContain("will not delete them: - terraform_data.archive");
  expect(JSON.parse(state())).toMatchObject({ resources: [] });
});

test("what is moved keeps its object", () => {
  writeStack((stack) => keyWithRecord(stack, true));
  terraform("init", "-input=false");
  apply();
  writeStack((stack) => {
    keyWithRecord(stack, true, ["events", "events_eu-west-1"]);
    addStateChanges(stack, {
      forget: [],
      adopt: [],
      move: [
        { from: "terraform_data.archive", to: "terraform_data.events" },
        { from: "terraform_data.archive_eu-west-1", to: "terraform_data.events_eu-west-1" },
      ],
    });
  });
  expect(apply().text).toContain("0 added, 0 changed, 0 destroyed");
});

test("what exists is taken over by an import block", () => {
  writeStack((stack) => {
    new StandIn(stack, "Key", { value: "key", preventDestroy: true });
    addStateChanges(stack, {
      forget: [],
      adopt: [{ to: "terraform_data.Key", importId: "mrk-1@eu-west-1" }],
      move: [],
    });
  });
  terraform("init", "-input=false");
  expect(terraform("plan").text).toContain("mrk-1@eu-west-1");
});

describe("the account's id", () => {
  const [expression] = stackOf(synthAccount(FIXTURE_ACCOUNTS, "full"), "keys").provider
    .allowed_account_ids as string[];
  beforeEach(() => {
    writeFileSync(
      join(folder, "main.tf.json"),
      JSON.stringify({ output: { account: { value: expression } } }),
    );
    terraform("init", "-input=false");
  });

  test("is known in the account's own workspace", () => {
    terraform("workspace", "new", "full");
    expect(apply().text).toContain('account = "111122223333"');
  });

  test.each(["default", "prod"])("fails in workspace %s", (workspace) => {
    if (workspace !== "default") {
      terraform("workspace", "new", workspace);
    }
    for (const command of [["plan"], ["apply", "-auto-approve"], ["plan", "-refresh-only"]]) {
      const { code, text } = terraform(...command);
      expect(code).toBe(1);
      expect(text).toContain("Error: Invalid index");
      expect(text).toContain(`terraform.workspace is "${workspace}"`);
    }
  });
});
