/** `npm run deploy`, `diff` and `destroy` with the real `cdktf` CLI and real Terraform, on the simulated AWS. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cdktf } from "../../sandbox/commands/cdktf";
import { run } from "../helpers/project";
import { SandboxProject, SMALL_ACCOUNT } from "../helpers/sandbox-project";

const ACCOUNT = SMALL_ACCOUNT.replace("regions: [eu-west-1, eu-central-1]", "regions: [eu-west-1]");
const CDKTF_JSON = '{ "language": "typescript", "app": "false", "projectId": "test" }';

test("an account is deployed, unchanged, and destroyed through cdktf", async () => {
  const project = new SandboxProject({ small: ACCOUNT });
  writeFileSync(join(project.directory, "cdktf.json"), CDKTF_JSON);
  // A process of its own: cdktf writes to the terminal.
  const command = (...args: string[]) =>
    run(
      project.directory,
      process.execPath,
      [
        "--require",
        require.resolve("tsx/cjs"),
        join(__dirname, "../../sandbox/main.ts"),
        "cdktf",
        ...args,
      ],
      // They must not reach Terraform, or it would look for these.
      { AWS_PROFILE: "production", TF_CLI_ARGS_plan: "-destroy" },
    );
  try {
    // The notifications take long, and cdktf does nothing else with them.
    const deployed = command("deploy", "small", "keys", "archive-eu-west-1", "--auto-approve");
    expect(`${deployed.code}\n${deployed.stderr}`).toMatch(/^0\n/);
    const items = await project.inventory("small");
    expect(items.filter(({ status }) => status !== "managed")).toEqual([]);
    expect(items.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["aws_kms_key", "aws_cloudwatch_event_archive"]),
    );
    // The folder of the synth has nothing that would redirect a deploy.
    expect(Object.keys(project.files("cdktf.out")).filter((file) => /override/.test(file))).toEqual(
      [],
    );

    const diff = command("diff", "small", "keys");
    expect(diff.code).toBe(0);
    expect(diff.stdout.match(/No changes\./g)?.length).toBeGreaterThanOrEqual(1);

    const destroyed = command("destroy", "small", "--auto-approve");
    expect(destroyed.code).toBe(0);
    expect(destroyed.stdout).toContain("destroyed: archive-eu-west-1, keys\n");
    expect((await project.inventory("small")).map(({ status }) => status)).toEqual([
      "ending",
      "ending",
      "ending",
    ]);
  } finally {
    project.remove();
  }
}, 180_000);

test("what the command itself refuses is refused", async () => {
  const project = new SandboxProject({ small: ACCOUNT });
  try {
    await expect(
      Promise.resolve(
        cdktf(["deploy", "small"], {
          out: () => {},
          err: () => {},
          env: { PATH: process.env.PATH },
          interactive: false,
          nodeVersion: process.versions.node,
          projectDirectory: project.directory,
        }),
      ),
    ).rejects.toThrow("deploy: somebody must be at the terminal to approve the plan");
  } finally {
    project.remove();
  }
});
