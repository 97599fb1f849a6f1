/** Users put their own accounts in the place of ours: the tests and `npm start` must not notice. */
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyProject, projectFiles, projectText, run } from "./helpers/project";

const YAML = `version: 1
account:
  id: "123456789012"
  deployRole: arn:aws:iam::123456789012:role/deploy
  planRole: arn:aws:iam::123456789012:role/plan
homeRegion: sa-east-1
regions: [sa-east-1, mx-central-1]
state:
  bucket: some-other-bucket
  region: sa-east-1
  keyPrefix: platform/keys
  account: "123456789012"
  writeRole: arn:aws:iam::123456789012:role/state-write
  readRole: arn:aws:iam::123456789012:role/state-read
keys:
  archive: { breakGlass: [arn:aws:iam::123456789012:role/Emergency] }
  alerts: { breakGlass: [arn:aws:iam::123456789012:role/Emergency] }
  audit: { breakGlass: [arn:aws:iam::123456789012:role/Emergency] }
notifications: { subscriptions: [{ protocol: email, endpoint: key-alerts@example.com }] }
trail: create
`;

/** The tests that can notice: those that name accounts in any way, but for those that take long. */
const TESTS = projectFiles().filter(
  (file) =>
    file.endsWith(".test.ts") &&
    /ALL_ACCOUNTS|SHIPPED_ACCOUNTS|accounts\//.test(projectText(file)) &&
    !/cli\/|readme|replaced-accounts|sandbox\//.test(file),
);

const copy = copyProject();
// Without --verbose, several workers print no names of tests.
const runJest = (...args: string[]) => run(copy, "npx", ["jest", "--verbose", ...args]);
afterAll(() => rmSync(copy, { recursive: true, force: true }));

test("with one account of somebody else's, a preview and all tests pass", () => {
  const accounts = join(copy, "accounts");
  for (const file of readdirSync(accounts).filter((name) => name !== "schema.json")) {
    rmSync(join(accounts, file));
  }
  writeFileSync(join(accounts, "somebody.yaml"), YAML);

  const preview = run(copy, "npm", ["run", "--silent", "preview", "--", "somebody"]);
  expect(preview).toMatchObject({ code: 0 });
  expect(preview.stdout).toContain("    mx-central-1     aws_kms_replica_key x 2\n");
  expect(readdirSync(join(copy, "cdktf.out/somebody/stacks")).sort()).toEqual([
    "archive-mx-central-1",
    "archive-sa-east-1",
    "keys",
    "notifications",
  ]);

  const tests = runJest(...TESTS);
  expect(`${tests.code}\n${tests.stderr}`).toMatch(/^0\n/);
  expect(tests.stderr).toMatch(/PASS __tests__\/invariants\.test\.ts/);
  expect(tests.stderr).toContain("somebody");

  // It applies each account: of ours, nothing would be new.
  const applied = runJest(
    "--testNamePattern",
    "somebody",
    "--testMatch",
    "**/sandbox/accounts.slow.ts",
  );
  expect(`${applied.code}\n${applied.stderr}`).toMatch(/^0\n/);
  expect(applied.stderr).toMatch(/PASS __tests__\/sandbox\/accounts\.slow\.ts/);
}, 240_000);
