import { neededOutputs, resourceCounts } from "../../cli/stack-json";
import { TempProject } from "../helpers/temp-project";

let project: TempProject;
beforeEach(() => {
  project = new TempProject({});
});
afterEach(() => project.remove());

function stack(json: unknown) {
  project.write("cdk.tf.json", JSON.stringify(json));
  return { id: "x", directory: project.directory, dependencies: [] };
}

test("finds every output of other stacks, in whatever expression, once", () => {
  const state = (producer: string, output: string) =>
    `data.terraform_remote_state.cross-stack-reference-input-${producer}.outputs.${output}`;
  const needed = neededOutputs(
    stack({
      resource: {
        a: { one: { arn: `\${${state("keys", "out-a_b1")}}` } },
        b: {
          two: {
            list: [`\${join(",", [${state("keys", "out-c")}, ${state("keys", "out-a_b1")}[0]])}`],
            other: `\${${state("archive-eu-west-1", "o")}.arn}`,
          },
        },
      },
    }),
  );
  expect([...needed].map(([producer, outputs]) => [producer, [...outputs]])).toEqual([
    ["keys", ["out-a_b1", "out-c"]],
    ["archive-eu-west-1", ["o"]],
  ]);
});

test("counts resources by type, without those that are taken over", () => {
  expect(
    resourceCounts(
      stack({
        resource: { z: { a: {}, b: {} }, c: { d: {} }, e: { "f_eu-west-1": {} } },
        import: [
          { to: "e.f_eu-west-1", id: "mrk-1" },
          { to: "z.a", id: "x" },
        ],
      }),
    ),
  ).toEqual([
    ["c", 1],
    ["z", 1],
  ]);
  expect(resourceCounts(stack({ provider: {} }))).toEqual([]);
});
