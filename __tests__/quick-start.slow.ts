/** The README's quick start, in a copy of the project. */
import { rmSync } from "node:fs";
import { copyProject, run } from "./helpers/project";

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
