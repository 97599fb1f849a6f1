/** A state that Terraform could not write is lost to nobody. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RolloutProject } from "../helpers/rollout-project";
import { SMALL_ACCOUNT } from "../helpers/sandbox-project";

jest.mock("../../stacks/notification-stack", () => require("../helpers/no-notifications"));

let project: RolloutProject;
beforeAll(() => {
  project = new RolloutProject({ small: SMALL_ACCOUNT });
});
afterAll(() => project.remove());

test("nothing goes on before it is written, and one command writes it", async () => {
  expect(await project.keyspan(["apply", "small", "--yes"])).toMatchObject({ code: 0 });
  const object = project.stateObject("small", "keyspan/small/keys.tfstate");
  const state = JSON.parse(readFileSync(object, "utf8")) as { serial: number };
  const folder = join(project.directory, ".sandbox/keyspan/small/stacks/keys");
  const file = join(folder, "errored.tfstate");

  const nothing = await project.keyspan(["push-state", "small", "keys"]);
  expect(nothing.err).toContain(
    `push-state: stack keys must have left a state behind, got no ${file}; there is nothing to write`,
  );
  expect(nothing.code).toBe(1);

  writeFileSync(file, JSON.stringify({ ...state, serial: state.serial + 1 }));
  const refused = await project.keyspan(["apply", "small", "--yes"]);
  expect(refused.out).toContain(
    `${file}: the state of keys must be in its backend before anything else is done, got one that an apply could not write; keep the file, and run npm run keyspan -- push-state small keys`,
  );
  expect({ code: refused.code, calls: refused.calls }).toEqual({ code: 1, calls: [] });

  // What could not write the state could not give its lock back either.
  const held = {
    ID: "3f6e",
    Operation: "OperationTypeApply",
    Who: "ci",
    Created: "2026-01-02T03:04:05Z",
  };
  writeFileSync(`${object}.tflock`, JSON.stringify(held));
  const locked = await project.keyspan(["push-state", "small", "keys"]);
  expect(locked.err).toContain("npm run keyspan -- unlock small --id 3f6e");
  expect(locked.code).toBe(1);
  const seen = await project.keyspan(["status", "small"]);
  expect(seen.out).toContain("the state of keys in small is locked by ci");
  expect(await project.keyspan(["unlock", "small", "--id", "3f6e"])).toMatchObject({
    code: 0,
    out: "unlocked the state of keys in small\n",
  });

  const pushed = await project.keyspan(["push-state", "small", "keys"]);
  expect({ code: pushed.code, out: pushed.out }).toEqual({
    code: 0,
    out: "keys: its state is written; run your command again\n",
  });
  expect(JSON.parse(readFileSync(object, "utf8"))).toMatchObject({
    // Terraform counts the write itself too.
    serial: state.serial + 2,
  });
  expect(existsSync(file)).toBe(false);
  expect(existsSync(`${file}.pushed`)).toBe(true);
  expect(await project.keyspan(["plan", "small"])).toMatchObject({ code: 0 });
});

test("a folder that is no set of plans is left as it is, whatever lies in it", async () => {
  const out = join(project.directory, "mine");
  mkdirSync(out);
  writeFileSync(join(out, "plans.json"), "{}");
  writeFileSync(join(out, "thesis.txt"), "years of work");
  for (const content of ["{}", '{"format":1,"accounts":{}}', ""]) {
    writeFileSync(join(out, "plans.json"), content);
    const { code, err } = await project.keyspan(["plan", "small", "--out", out]);
    expect(err).toContain(
      `--out must be a new folder, or one with nothing but saved plans, got ${out} with`,
    );
    expect(code).toBe(1);
    expect(readFileSync(join(out, "thesis.txt"), "utf8")).toBe("years of work");
  }
});
