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
notifications: { subscriptions: [{ protocol: email, endpoint: key-alerts@example.com }] }
trail: create
`;

let folder: AccountFolder;
beforeEach(() => {
  folder = new AccountFolder().write(YAML);
});
afterEach(() => folder.remove());

const TRAIL_ADDRESSES = [
  "aws_cloudtrail.keyspan",
  "aws_s3_bucket.trail",
  "aws_s3_bucket.trail_access",
];

test("holds every key, alias and record, the trail and its buckets, in the order in which they were added", () => {
  expect(folder.record()).toEqual([
    "region eu-west-1: active",
    "key alerts: active",
    "key archive: active",
    "key audit: active",
    "deploy role arn:aws:iam::111122223333:role/deploy",
    "protected keys terraform_data.home-region",
    ...["alerts", "archive", "audit"].flatMap((key) => [
      `protected keys aws_kms_key.${key}`,
      `protected keys terraform_data.${key}_eu-west-1`,
      `protected keys aws_kms_alias.${key}_eu-west-1`,
    ]),
    ...TRAIL_ADDRESSES.map((address) => `protected notifications ${address}`),
    "home region: eu-west-1",
    "states in acme-state/keyspan",
  ]);
  expect(folder.ledger()).toEqual({
    version: 1,
    homeRegion: "eu-west-1",
    deployRoles: ["arn:aws:iam::111122223333:role/deploy"],
    state: { bucket: "acme-state", region: "eu-west-1", keyPrefix: "keyspan" },
    regions: { "eu-west-1": ["active"] },
    keys: { alerts: ["active"], archive: ["active"], audit: ["active"] },
    buses: {},
    protected: [
      { stack: "keys", address: "terraform_data.home-region" },
      ...["alerts", "archive", "audit"].flatMap((key) =>
        [
          `aws_kms_key.${key}`,
          `terraform_data.${key}_eu-west-1`,
          `aws_kms_alias.${key}_eu-west-1`,
        ].map((address) => ({ stack: "keys", address, key, region: "eu-west-1" })),
      ),
      ...TRAIL_ADDRESSES.map((address) => ({ stack: "notifications", address })),
    ],
    returned: [],
    retired: [],
    deleted: [],
    moved: [],
  });
});

test("a trail is given up in writing, and not made anew while it still exists", () => {
  folder.record();
  const without = YAML.replace(
    "trail: create",
    "trail: { existing: arn:aws:cloudtrail:eu-west-1:111122223333:trail/main }",
  );
  expect(without).not.toBe(YAML);
  folder.write(without);
  expect(() => folder.synth()).toThrow(
    "aws_cloudtrail.keyspan of stack notifications must keep its address, got nothing there; Terraform would destroy it",
  );

  const written = { date: "2026-11-22", reason: "the organisation has a trail" };
  const ledger = folder.ledger();
  folder.writeLedger({
    ...ledger,
    retired: TRAIL_ADDRESSES.map((address) => ({ address, ...written })),
  });
  const { stacks } = folder.synth();
  expect(stacks.find(({ id }) => id === "notifications")?.removed).toEqual(
    TRAIL_ADDRESSES.map((from) => ({ from, lifecycle: { destroy: false } })),
  );

  folder.write(YAML);
  expect(() => folder.synth()).toThrow(
    "aws_cloudtrail.keyspan of stack notifications must be gone from AWS to be made anew, got it retired; what was retired still exists, and its name is taken: import it by hand, or delete it, and then say so under deleted in the ledger",
  );
  folder.writeLedger({
    ...folder.ledger(),
    deleted: TRAIL_ADDRESSES.map((address) => ({ address, ...written })),
  });
  expect(() => folder.synth()).not.toThrow();
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
  const retired = [{ region: "eu-north-1", date: "2026-01-01", reason: "moved to Frankfurt" }];
  const gone = { stack: "keys", address: "aws_kms_replica_key.a_eu-north-1", region: "eu-north-1" };
  folder.writeLedger({
    ...ledger,
    regions: { ...ledger.regions, "eu-north-1": ["active", "draining", "retired"] },
    protected: [...ledger.protected, gone],
    retired,
  });
  folder.write(YAML.replace("regions: [eu-west-1]", "regions: [eu-west-1, eu-central-1]")).record();
  expect(folder.ledger().retired).toEqual(retired);
  expect(folder.ledger().protected).toEqual(expect.arrayContaining([...ledger.protected, gone]));
});

test("an account without a ledger is synthesized, since it has nothing yet", () => {
  expect(folder.synth().stacks.map(({ id }) => id)).toEqual([
    "archive-eu-west-1",
    "keys",
    "notifications",
  ]);
});

test.each([
  ["{", "1:1: the ledger must be valid JSON, got a map without its closing }"],
  [
    '{"version": 1, "moved": [{"stack": "keys", "from": "${timestamp()}", "to": "a.b", "date": "2026-01-01", "reason": "because I say so"}]}',
    "1:52: moved.0.from must keep the ledger's form, got: must be an address like aws_kms_key.archive",
  ],
  ['{"version": 1, "buses": {"${file(x)}": ["archive"]}}', "must keep the ledger's form"],
  [
    '{"version": 1, "protected": [{"stack": "keys", "address": "a.b\\nc"}]}',
    "got: must be an address like aws_kms_key.archive",
  ],
  [
    '{"version": 1, "retired": [{"key": "a", "date": "2026-02-30", "reason": "because I say so"}]}',
    "got: must be a date like 2026-01-31",
  ],
  ["[]", "1:1: the ledger must be valid JSON, got a list"],
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
    '{"version": 1, "moved": [{"stack": "keys", "from": "a.a", "to": "b.b", "date": "2026-01-01", "reason": "short"}]}',
    "got: must be a reason of at least 10 characters",
  ],
])("fails if the file holds %s", (text, message) => {
  writeFileSync(join(folder.directory, "acme.ledger.json"), `${text}\n`);
  expect(() => loadLedger(folder.directory, "acme")).toThrow(message);
  expect(() => loadLedger(folder.directory, "acme")).toThrow("acme.ledger.json:");
});

const today = { date: "2026-11-22", reason: "decided by the platform team" };

test("fails if the deploy role is swapped without having been admitted first", () => {
  folder.record();
  const swapped = YAML.replace("role/deploy", "role/deploy2");
  expect(folder.write(swapped).refusal()).toBe(
    'acme.yaml:5:15: account.deployRole must be a role that the key policies admit already, got "arn:aws:iam::111122223333:role/deploy2"; it could not put a policy, and KMS refuses one that locks its caller out: set deployRole back to arn:aws:iam::111122223333:role/deploy, name the new role in nextDeployRole, run npm run ledger, deploy, then swap (acme.ledger.json)',
  );
  const announced = YAML.replace(
    "role/deploy\n",
    "role/deploy\n  nextDeployRole: arn:aws:iam::111122223333:role/deploy2\n",
  );
  expect(folder.write(announced).record()).toEqual([
    "deploy role arn:aws:iam::111122223333:role/deploy2",
  ]);
  expect(() => folder.write(swapped).synth()).not.toThrow();
});

test.each([
  ["bucket: acme-state", "bucket: other-state"],
  ["keyPrefix: keyspan", "keyPrefix: keyspan2"],
  ["  region: eu-west-1", "  region: eu-central-1"],
])("fails if the states move with nobody having moved them: %s", (from, to) => {
  folder.record();
  expect(folder.write(YAML.replace(from, to)).refusal()).toMatch(
    /^acme\.ledger\.json:7:12: the states must stay where they are, got .*; Terraform would find none there and make every key again: set state back, or move the states first and then write the new place here$/,
  );
});

test.each(["retired", "deleted"] as const)(
  "fails if an entry under %s is about nothing",
  (list) => {
    folder.record();
    folder.writeLedger({ ...folder.ledger(), [list]: [{ region: "eu-centrall-1", ...today }] });
    expect(folder.refusal()).toContain(
      `an entry under ${list} must be about something that the ledger protects, got {"region":"eu-centrall-1"`,
    );
  },
);

test("remembers the keys that each bus has been encrypted with", () => {
  const withBus = (key: string) =>
    `${YAML.replace("  audit:", `  team: { administrators: [${ADMIN}] }\n  audit:`)}buses: { orders: { producers: ["111122223333"]${key} } }\n`;
  folder.write(withBus("")).record();
  folder.write(withBus(", key: team")).record();
  folder.write(withBus("")).record();
  expect(folder.ledger().buses).toEqual({ orders: ["archive", "team"] });
});
