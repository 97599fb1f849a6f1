/** Users put their own accounts in the place of ours: the tests and `npm start` must not notice. */
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyProject, run } from "./helpers/project";

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
`;

const copy = copyProject();
afterAll(() => rmSync(copy, { recursive: true, force: true }));

test("with one account of somebody else's, npm start and all tests pass", () => {
  const accounts = join(copy, "accounts");
  for (const file of readdirSync(accounts).filter((name) => name !== "schema.json")) {
    rmSync(join(accounts, file));
  }
  writeFileSync(join(accounts, "somebody.yaml"), YAML);

  const start = run(copy, "npm", ["start", "--silent", "--", "somebody"]);
  expect(start).toMatchObject({ code: 0 });
  expect(start.stdout).toContain("mx-central-1     aws_kms_replica_key x 2");
  expect(readdirSync(join(copy, "cdktf.out/somebody/stacks")).sort()).toEqual([
    "archive-mx-central-1",
    "archive-sa-east-1",
    "keys",
  ]);

  // Those that take long and look at no account are left out, and this one, which would never end.
  const tests = run(copy, "npx", [
    "jest",
    // Otherwise several workers print no names of tests.
    "--verbose",
    "--testPathIgnorePatterns",
    "replaced-accounts",
    "cdktf-cli.test",
    "__tests__/cli/",
    "config/properties",
    "policies/mutations",
    "readme",
  ]);
  expect(`${tests.code}\n${tests.stderr}`).toMatch(/^0\n/);
  expect(tests.stderr).toMatch(/PASS __tests__\/invariants\.test\.ts/);
  expect(tests.stderr).toMatch(/PASS __tests__\/policies\/key-policy\.test\.ts/);
  expect(tests.stderr).toContain("somebody");
}, 240_000);
