/** The provider lock file between a plan and its apply, with a Terraform that writes one as it does for a real provider. */
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RolloutProject } from "../helpers/rollout-project";
import { SMALL_ACCOUNT } from "../helpers/sandbox-project";

jest.mock("../../stacks/notification-stack", () => require("../helpers/no-notifications"));

/**
 * Terraform writes no lock file for a provider that it is told to reattach to. This one writes it, and
 * adds the checksums of its platform to one that it finds, unless it must not.
 */
const LOCKING_TERRAFORM = `#!/bin/sh
case "$*" in
  init*)
    terraform "$@" || exit
    if [ ! -f .terraform.lock.hcl ]; then
      echo '# aws VERSION' > .terraform.lock.hcl
    else
      case "$*" in *-lockfile=readonly*) ;; *) echo '# checksums of PLATFORM' >> .terraform.lock.hcl ;; esac
    fi ;;
  *) exec terraform "$@" ;;
esac
`;

let project: RolloutProject;
beforeAll(() => {
  project = new RolloutProject({ small: SMALL_ACCOUNT });
});
afterAll(() => project.remove());

function terraformOn(platform: string, version = "6.25.0"): string {
  const program = join(project.directory, `terraform-${platform}`);
  writeFileSync(
    program,
    LOCKING_TERRAFORM.replaceAll("PLATFORM", platform).replaceAll("VERSION", version),
  );
  chmodSync(program, 0o755);
  return program;
}

/** What a fresh runner has: no stacks of an earlier run, and no providers. */
function forget(): void {
  rmSync(join(project.directory, ".sandbox/keyspan"), { recursive: true, force: true });
}

test("a plan without locks of an account that was never deployed is applied by another machine", async () => {
  const { value } = await project.json<{ readonly digest: string }>(
    ["plan", "small", "--read-only"],
    { program: terraformOn("mac") },
  );
  forget();
  const applied = await project.keyspan(["apply", "small", "--digest", value.digest], {
    program: terraformOn("linux"),
  });
  expect(applied.out).toContain("Account small: done\n");
  expect(applied.code).toBe(0);
});

test("a project's own lock file of another version refuses the plan", async () => {
  project.editAccount("small", "retentionDays: 7", "retentionDays: 8");
  const { value } = await project.json<{ readonly digest: string }>(["plan", "small"], {
    program: terraformOn("mac"),
  });
  forget();
  writeFileSync(join(project.directory, ".terraform.lock.hcl"), "# aws 6.26.0\n");
  const { code, out, calls } = await project.keyspan(["apply", "small", "--digest", value.digest], {
    program: terraformOn("linux"),
  });
  expect(out).toMatch(
    /the provider lock file must be [0-9a-f]{64}, as it was planned, got [0-9a-f]{64}/,
  );
  expect({ code, calls }).toEqual({ code: 1, calls: [] });
});
