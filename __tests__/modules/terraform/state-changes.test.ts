import { App, TerraformStack } from "cdktf";
import { TerraformRecord } from "../../../modules/terraform/record";
import { addStateChanges } from "../../../modules/terraform/state-changes";

const stack = () => new TerraformStack(new App(), "keys");

test("forgets, adopts and moves", () => {
  const changed = stack();
  addStateChanges(changed, {
    forget: ["aws_kms_key.a"],
    adopt: [{ to: "aws_kms_key.b", importId: "mrk-1@eu-west-1" }],
    move: [{ from: "aws_kms_key.c", to: "aws_kms_key.d" }],
  });
  expect(changed.toTerraform()).toMatchObject({
    removed: [{ from: "aws_kms_key.a", lifecycle: { destroy: false } }],
    import: [{ to: "aws_kms_key.b", id: "mrk-1@eu-west-1" }],
    moved: [{ from: "aws_kms_key.c", to: "aws_kms_key.d" }],
  });
});

test("adds no block if there is nothing to change", () => {
  const unchanged = stack();
  addStateChanges(unchanged, { forget: [], adopt: [], move: [] });
  expect(Object.keys(unchanged.toTerraform())).toEqual(["//"]);
});

test.each([true, false])("a record is a terraform_data that is locked: %p", (preventDestroy) => {
  const recorded = stack();
  const record = new TerraformRecord(recorded, "Record", { value: "mrk-1", preventDestroy });
  expect(record.toTerraform().resource).toEqual({
    terraform_data: {
      Record: {
        "//": expect.anything(),
        lifecycle: { prevent_destroy: preventDestroy },
        triggers_replace: "mrk-1",
      },
    },
  });
});
