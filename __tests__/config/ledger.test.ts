import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadLedger } from "../../config/ledger";
import { AccountFolder } from "../helpers/account-folder";

const ADMIN = "arn:aws:iam::111122223333:role/KeyAdmin";
const YAML = `
version: 1
account:
  id: "111122223333"
  deployRole: arn:aws:iam::111122223333:role/deploy
  planRole: arn:aws:iam::111122223333:role/plan
homeRegion: eu-west-1
regions: [eu-west-1]
state:
  bucket: acme-state
  region: eu-west-1
  keyPrefix: keyspan
  account: "444455556666"
  writeRole: arn:aws:iam::444455556666:role/write
  readRole: arn:aws:iam::444455556666:role/read
keys:
  archive: { administrators: [${ADMIN}] }
  alerts: { administrators: [${ADMIN}] }
  audit: { administrators: [${ADMIN}] }
`;

let folder: AccountFolder;
beforeEach(() => {
  folder = new AccountFolder().write(YAML);
});
afterEach(() => folder.remove());

test("holds every key, alias and record, in the order in which they were added", () => {
  expect(folder.record()).toEqual([
    "region eu-west-1: active",
    "key alerts: active",
    "key archive: active",
    "key audit: active",
    "protected keys terraform_data.home-region",
    ...["alerts", "archive", "audit"].flatMap((key) => [
      `protected keys aws_kms_key.${key}`,
      `protected keys terraform_data.${key}_eu-west-1`,
      `protected keys aws_kms_alias.${key}_eu-west-1`,
    ]),
    "home region: eu-west-1",
  ]);
  expect(folder.ledger()).toEqual({
    version: 1,
    homeRegion: "eu-west-1",
    regions: { "eu-west-1": ["active"] },
    keys: { alerts: ["active"], archive: ["active"], audit: ["active"] },
    protected: [
      { stack: "keys", address: "terraform_data.home-region" },
      ...["alerts", "archive", "audit"].flatMap((key) =>
        [
          `aws_kms_key.${key}`,
          `terraform_data.${key}_eu-west-1`,
          `aws_kms_alias.${key}_eu-west-1`,
        ].map((address) => ({ stack: "keys", address, key, region: "eu-west-1" })),
      ),
    ],
    adopted: [],
    retired: [],
    moved: [],
  });
});

test("changes nothing when it is recorded again", () => {
  folder.record();
  const text = folder.ledgerText();
  expect(folder.record()).toEqual([]);
  expect(folder.ledgerText()).toBe(text);
});

test("takes nothing away that a person wrote", () => {
  folder.record();
  const ledger = folder.ledger();
  const retired = [{ key: "long-gone", date: "2026-01-01", reason: "merged into orders" }];
  folder.writeLedger({ ...ledger, retired });
  folder.write(YAML.replace("regions: [eu-west-1]", "regions: [eu-west-1, eu-central-1]")).record();
  expect(folder.ledger().retired).toEqual(retired);
  expect(folder.ledger().protected).toEqual(expect.arrayContaining(ledger.protected));
});

test("an account without a ledger is synthesized, since it has nothing yet", () => {
  expect(folder.synth().stacks.map(({ id }) => id)).toEqual(["archive-eu-west-1", "keys"]);
});

test.each([
  ["{", "2:1: the ledger must be valid JSON, got"],
  ["[]", "1:1: the ledger must be valid JSON, got not a map"],
  ['{"version": 2}', "1:13: version must keep the ledger's form"],
  ['{"version": 1, "extra": 1}', "the ledger must keep the ledger's form"],
  [
    '{"version": 1, "retired": [{"region": "eu-west-1"}]}',
    "retired.0.date must keep the ledger's form",
  ],
  [
    '{"version": 1, "retired": [{"date": "2026-01-01", "reason": "because I say so"}]}',
    "1:28: retired.0 must keep the ledger's form, got: must name a region, a key or an address",
  ],
  [
    '{"version": 1, "retired": [{"key": "a", "date": "1.1.2026", "reason": "because I say so"}]}',
    "got: must be a date like 2026-01-31; correct the entry, or restore the file from version control",
  ],
  [
    '{"version": 1, "moved": [{"stack": "keys", "from": "a", "to": "b", "date": "2026-01-01", "reason": "short"}]}',
    "got: must be a reason of at least 10 characters",
  ],
])("fails if the file holds %s", (text, message) => {
  writeFileSync(join(folder.directory, "acme.ledger.json"), `${text}\n`);
  expect(() => loadLedger(folder.directory, "acme")).toThrow(message);
  expect(() => loadLedger(folder.directory, "acme")).toThrow("acme.ledger.json:");
});
