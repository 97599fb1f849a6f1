import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyProject, filesIn, PROJECT, run } from "./helpers/project";
import { ALL_ACCOUNTS, FIXTURE_ACCOUNTS, SHIPPED_ACCOUNTS, synthAccount } from "./helpers/synth";

const temporary: string[] = [];
const temporaryFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "keyspan-out-"));
  temporary.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of temporary) {
    rmSync(folder, { recursive: true, force: true });
  }
});

const { app: command } = JSON.parse(readFileSync(join(PROJECT, "cdktf.json"), "utf8")) as {
  app: string;
};
/** Runs the app as the CLI does: the command of cdktf.json, in a shell. */
const app = (env: Record<string, string>) => run(PROJECT, "sh", ["-c", command], env);
const shipped = ALL_ACCOUNTS.filter(([directory]) => directory === SHIPPED_ACCOUNTS);

test.each(shipped.slice(0, 2))(
  "the app writes the same bytes in another process: %s %s",
  (directory, workspace) => {
    const out = temporaryFolder();
    expect(app({ TF_WORKSPACE: workspace, CDKTF_OUTDIR: out })).toMatchObject({
      code: 0,
      stdout: "",
    });
    expect(filesIn(out)).toEqual(synthAccount(directory, workspace).files);
  },
);

test.each(ALL_ACCOUNTS)(
  "every synth writes the same bytes, for every account: %s %s",
  (directory, workspace) => {
    const first = synthAccount(directory, workspace).files;
    expect(synthAccount(directory, workspace).files).toEqual(first);
    expect(Object.keys(first)).toContain("stacks/keys/cdk.tf.json");
  },
);

test.each(ALL_ACCOUNTS)(
  "no file holds a path, a time or a commit: %s %s",
  (directory, workspace) => {
    for (const [file, text] of Object.entries(synthAccount(directory, workspace).files)) {
      expect(`${file}: ${text}`).not.toContain(PROJECT);
      expect(`${file}: ${text}`).not.toContain(tmpdir());
      expect(`${file}: ${text}`).not.toMatch(/\b[0-9a-f]{40}\b/);
      expect(`${file}: ${text}`).not.toMatch(/\dT\d\d:\d\d:\d\d\.\d/);
    }
  },
);

test.each([
  [{}, "got nothing"],
  [{ TF_WORKSPACE: "" }, "got nothing"],
  [{ TF_WORKSPACE: "prdo" }, 'got "prdo"'],
  [{ TF_WORKSPACE: "defaults" }, 'got "defaults"'],
  [{ TF_WORKSPACE: "../accounts/demo" }, 'got "../accounts/demo"'],
])("there is no default account: %p", (env, got) => {
  const out = temporaryFolder();
  const { code, stderr } = app({ ...env, CDKTF_OUTDIR: out });
  expect(code).toBe(1);
  expect(stderr).toContain("TF_WORKSPACE must be one of ");
  expect(stderr).toContain(got);
  expect(stderr).not.toContain("    at ");
  expect(readdirSync(out)).toEqual([]);
});

test("a protected account without a ledger is synthesized, but not in silence", () => {
  const copy = copyProject();
  temporary.push(copy);
  rmSync(join(copy, "accounts"), { recursive: true });
  cpSync(FIXTURE_ACCOUNTS, join(copy, "accounts"), { recursive: true });
  const { code, stderr } = run(copy, "sh", ["-c", command], {
    TF_WORKSPACE: "single",
    CDKTF_OUTDIR: temporaryFolder(),
  });
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr:
      "accounts/single.ledger.json does not hold all that must not be destroyed: run npm run ledger -- single and commit the file. npm run deploy refuses a protected account without.\n",
  });
});
