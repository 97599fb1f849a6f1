import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { AccountConfig } from "../../config/account-config";
import { accountNames, checkAccount, loadAccount } from "../../config/load-account";
import { parseYaml } from "../../config/yaml-source";
import { ValidationError } from "../../modules/errors";
import { reordered, toYaml } from "../helpers/account-arbitrary";
import { FIXTURE_ACCOUNTS } from "../helpers/synth";

const DEFAULTS = readFileSync(join(FIXTURE_ACCOUNTS, "defaults.yaml"), "utf8");
const LEAST = 'account: { id: "111122223333" }\nhomeRegion: eu-west-1\nregions: [eu-west-1]\n';
const ADMIN = "arn:aws:iam::111122223333:role/KeyAdmin";

/** The account of a text over the fixtures' defaults, or over others. */
function check(text: string, defaults: string | undefined = DEFAULTS): AccountConfig {
  return checkAccount(
    "prod",
    parseYaml("prod.yaml", text),
    defaults === undefined ? undefined : parseYaml("defaults.yaml", defaults),
  );
}

function keyOf({ keys }: AccountConfig, name: string): AccountConfig["keys"][number] {
  const key = keys.find((candidate) => candidate.name === name);
  if (key === undefined) {
    throw new Error(`no key ${name}`);
  }
  return key;
}

describe("a folder of accounts", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "keyspan-accounts-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const write = (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(directory, name), text);
    }
  };

  test("lists its accounts in alphabetical order, without defaults, ledgers and hidden files", () => {
    const others = ["defaults.yaml", "dev.ledger.json", ".dev.yaml", "notes.txt", "old.yml"];
    write(Object.fromEntries(["prod.yaml", "dev.yaml", ...others].map((name) => [name, ""])));
    expect(accountNames(directory)).toEqual(["dev", "prod"]);
  });

  test("that does not exist holds no accounts", () => {
    expect(accountNames(join(directory, "none"))).toEqual([]);
    expect(() => loadAccount(join(directory, "none"), "prod")).toThrow(
      `TF_WORKSPACE must be one of (no account yet), got "prod"; name an account, or add ${join(directory, "none", "prod.yaml")}`,
    );
  });

  test.each([
    [undefined, "nothing", "<name>"],
    ["", "nothing", "<name>"],
    ["prd", '"prd"', "prd"],
    ["PROD", '"PROD"', "PROD"],
    ["default", '"default"', "default"],
    ["defaults", '"defaults"', "defaults"],
    ["../prod", '"../prod"', "../prod"],
    ["prod.yaml", '"prod.yaml"', "prod.yaml"],
  ])("has no account %j, and says which there are", (workspace, got, name) => {
    write({ "defaults.yaml": DEFAULTS, "dev.yaml": LEAST, "prod.yaml": LEAST });
    expect(() => loadAccount(directory, workspace)).toThrow(
      new Error(
        `TF_WORKSPACE must be one of dev, prod, got ${got}; name an account, or add ${join(directory, `${name}.yaml`)}`,
      ),
    );
  });

  test("names what gave the workspace", () => {
    expect(() => loadAccount(directory, "prd", "--workspace")).toThrow(
      /^--workspace must be one of/,
    );
  });

  test("says how to name a file that ends in .yml", () => {
    write({ "prod.yml": LEAST, "dev.yaml": LEAST });
    expect(() => loadAccount(directory, "prod")).toThrow(
      `TF_WORKSPACE must be one of dev, got "prod"; rename ${join(directory, "prod.yml")} to .yaml`,
    );
  });

  test.each(["default", "Prod", "pro d", "prod.eu", "-prod", "x".repeat(33)])(
    "refuses an account in a file named %s.yaml",
    (workspace) => {
      write({ "defaults.yaml": DEFAULTS, [`${workspace}.yaml`]: LEAST });
      expect(() => loadAccount(directory, workspace)).toThrow(
        `${join(directory, workspace)}.yaml:1:1: the file must be named after its Terraform workspace`,
      );
    },
  );

  test("merges an account over the defaults, if there are any", () => {
    write({ "defaults.yaml": DEFAULTS, "prod.yaml": LEAST });
    expect(loadAccount(directory, "prod").state.bucket).toBe("acme-terraform-state");
    rmSync(join(directory, "defaults.yaml"));
    expect(() => loadAccount(directory, "prod")).toThrow(
      `${join(directory, "prod.yaml")}:1:1: state must be given, got nothing`,
    );
  });

  test("reads no other account's file", () => {
    write({ "defaults.yaml": DEFAULTS, "prod.yaml": LEAST, "dev.yaml": "{ not: [yaml" });
    mkdirSync(join(directory, "sub.yaml"));
    expect(loadAccount(directory, "prod").workspace).toBe("prod");
  });
});

describe("merging", () => {
  test("maps merge field by field, and the account's own value wins", () => {
    const account = check(
      `${LEAST}tags: { CostCenter: "4711" }\nkeys: { archive: { rotationDays: 90 } }\n`,
    );
    expect(account.tags).toEqual({ CostCenter: "4711", Owner: "platform" });
    expect(keyOf(account, "archive")).toMatchObject({
      administrators: [ADMIN],
      rotationDays: 90,
      deletionWindowDays: 30,
    });
    expect(check(`${LEAST}tags: { Owner: me }\n`).tags).toEqual({ Owner: "me" });
  });

  test("lists replace each other", () => {
    const other = "arn:aws:iam::111122223333:role/Other";
    const account = check(
      `${LEAST}keys: { archive: { administrators: [${other}], breakGlass: [] } }\n`,
    );
    expect(keyOf(account, "archive")).toMatchObject({ administrators: [other], breakGlass: [] });
    expect(keyOf(account, "alerts")).toMatchObject({ administrators: [ADMIN] });
  });

  test("single values replace each other, whatever their type", () => {
    expect(check(`${LEAST}protect: false\n`).protect).toBe(false);
    const defaults = `${DEFAULTS}archives:\n  a: { bus: default, retentionDays: 7 }\nbuses: { default: { existing: true } }\n`;
    const account = check(`${LEAST}archives: { a: { retentionDays: forever } }\n`, defaults);
    expect(account.archives.map(({ retention }) => retention)).toEqual(["forever"]);
  });

  test("a null replaces too: it says that somebody left out the value", () => {
    expect(() => check(`${LEAST}tags:\n`)).toThrow(
      "prod.yaml:4:6: tags must be a map, got null; write its fields below it, indented, each as name: value [wrong-type]",
    );
  });

  const OWN = "arn:aws:kms:eu-west-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef";

  test("an existing key takes nothing from the defaults of the key that Keyspan would make", () => {
    const account = check(`${LEAST}keys: { archive: { existing: { eu-west-1: "${OWN}" } } }\n`);
    expect(keyOf(account, "archive")).toEqual({
      kind: "existing",
      name: "archive",
      keyArns: { "eu-west-1": OWN },
    });
  });

  test("an existing bus takes nothing from the defaults, one that is not merges", () => {
    const defaults = `${DEFAULTS}buses: { orders: { producers: ["111122223333"] } }\n`;
    expect(check(`${LEAST}buses: { orders: { existing: true } }\n`, defaults).buses).toMatchObject([
      { existing: true, producers: { accounts: [] } },
    ]);
    expect(check(`${LEAST}buses: { orders: { existing: false } }\n`, defaults).buses).toMatchObject(
      [{ existing: false, producers: { accounts: ["111122223333"] } }],
    );
  });

  const ALL = "arn:aws:cloudtrail:eu-west-1:999988887777:trail/all";
  test.each([
    ["trail: create", "trail: organization", { mode: "organization" }],
    ["trail: create", `trail: { organization: ${ALL} }`, { mode: "organization", trailArn: ALL }],
    [`trail: { organization: ${ALL} }`, "trail: create", { mode: "create", readEvents: true }],
    [
      "trail: { create: { logGroupRetentionDays: 90 } }",
      `trail: { organization: ${ALL} }`,
      { mode: "organization", trailArn: ALL },
    ],
    [
      "trail: { create: { logGroupRetentionDays: 90 } }",
      "trail: { create: { readEvents: false } }",
      { mode: "create", readEvents: false, logGroupRetentionDays: 90 },
    ],
  ])("over %j, %j takes settings of the same mode only", (defaults, own, expected) => {
    const text = DEFAULTS.replace("trail: create", defaults);
    expect(check(`${LEAST}${own}\n`, text).trail).toEqual(expected);
  });

  test("an empty trail takes nothing from the defaults", () => {
    expect(() => check(`${LEAST}trail: {}\n`)).toThrow(
      "prod.yaml:4:8: trail must be create or organization, or a map with one of create, existing and organization, got {}",
    );
  });

  test("notifications merge field by field, and their subscriptions replace each other", () => {
    const defaults = DEFAULTS.replace(
      "notifications:\n",
      "notifications:\n  footer: { runbook: r, contact: c }\n",
    );
    const { notifications } = check(
      `${LEAST}notifications: { watch: managed, footer: { contact: d }, subscriptions: [{ protocol: email, endpoint: ops@example.com }] }\n`,
      defaults,
    );
    expect(notifications).toMatchObject({
      watch: "managed",
      footer: { runbook: "r", contact: "d" },
      subscriptions: [{ endpoint: { value: "ops@example.com" } }],
    });
  });

  test("a key, bus, archive or tag named existing is only a name", () => {
    const account = check(`${LEAST}
tags: { existing: "yes" }
keys: { existing: { breakGlass: [arn:aws:iam::111122223333:role/BreakGlass] } }
buses: { existing: { producers: ["111122223333"] } }
archives: { existing: { bus: existing, retentionDays: 1 } }
`);
    expect(account.tags).toEqual({ Owner: "platform", existing: "yes" });
    expect(account.keys.map(({ name }) => name)).toEqual([
      "alerts",
      "archive",
      "audit",
      "existing",
    ]);
  });
});

describe("placeholders", () => {
  test("are filled in wherever an ARN may stand, in defaults as well", () => {
    const account = check(`account: { id: "555566667777" }
homeRegion: us-gov-west-1
regions: [us-gov-west-1]
state: { region: us-gov-west-1, account: "666677778888" }
keys:
  archive: { users: [arn:<partition>:iam::<account>:role/<workspace>-reader] }
  own: { existing: { us-gov-west-1: arn:<partition>:kms:us-gov-west-1:<account>:key/mrk-0123456789abcdef0123456789abcdef } }
buses:
  orders: { producers: [arn:<partition>:iam::<account>:role/Orders] }
notifications:
  subscriptions:
    - { protocol: lambda, endpoint: arn:<partition>:lambda:us-gov-west-1:<account>:function:<workspace> }
    - { protocol: sqs, endpoint: arn:<partition>:sqs:us-gov-west-1:<account>:<workspace> }
  organizationHub: arn:<partition>:events:us-gov-west-1:<account>:event-bus/keyspan-hub
  organizationId: o-a1b2c3d4e5
trail: { existing: arn:<partition>:cloudtrail:us-gov-west-1:<account>:trail/<workspace> }
`);
    expect(account.deployRole).toBe("arn:aws-us-gov:iam::555566667777:role/keyspan-deploy");
    expect(account.state).toMatchObject({
      writeRole: "arn:aws-us-gov:iam::666677778888:role/keyspan-state-prod",
      readRole: "arn:aws-us-gov:iam::666677778888:role/keyspan-state-prod-read",
    });
    expect(keyOf(account, "archive")).toMatchObject({
      administrators: ["arn:aws-us-gov:iam::555566667777:role/KeyAdmin"],
      users: ["arn:aws-us-gov:iam::555566667777:role/prod-reader"],
    });
    expect(keyOf(account, "own")).toMatchObject({
      keyArns: {
        "us-gov-west-1":
          "arn:aws-us-gov:kms:us-gov-west-1:555566667777:key/mrk-0123456789abcdef0123456789abcdef",
      },
    });
    expect(account.buses[0]?.producers.roles).toEqual([
      "arn:aws-us-gov:iam::555566667777:role/Orders",
    ]);
    expect(account.notifications).toMatchObject({
      subscriptions: [
        {
          endpoint: { value: "arn:aws-us-gov:lambda:us-gov-west-1:555566667777:function:prod" },
        },
        { endpoint: { value: "arn:aws-us-gov:sqs:us-gov-west-1:555566667777:prod" } },
      ],
      organizationHub: "arn:aws-us-gov:events:us-gov-west-1:555566667777:event-bus/keyspan-hub",
    });
    expect(account.trail).toEqual({
      mode: "existing",
      trailArn: "arn:aws-us-gov:cloudtrail:us-gov-west-1:555566667777:trail/prod",
    });
  });

  test("stay as they are in event patterns", () => {
    const { archives } = check(`${LEAST}buses: { default: { existing: true } }
archives: { a: { bus: default, retentionDays: 1, eventPattern: { resources: ["arn:aws:s3:::<account>"] } } }
`);
    expect(archives[0]?.eventPattern).toEqual({ resources: ["arn:aws:s3:::<account>"] });
  });

  test("that nobody knows are refused with the ARN", () => {
    expect(() =>
      check(`${LEAST}keys: { archive: { users: [arn:aws:iam::<id>:role/A] } }\n`),
    ).toThrow(
      'prod.yaml:4:28: keys.archive.users[0] must be the ARN of an IAM role, without wildcards, got "arn:aws:iam::<id>:role/A"',
    );
  });

  test("of a wrong account id or home region do not spoil the ARNs that mention it", () => {
    const text = LEAST.replace('"111122223333"', '"1111"').replace(
      "homeRegion: eu-west-1",
      "homeRegion: eu",
    );
    expect(() => check(text)).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(
          /^prod\.yaml:1:16: .* \[account-id\]\nprod\.yaml:2:13: .* \[region-name\]$/,
        ),
      }),
    );
  });
});

describe("a resolved account", () => {
  test("holds everything that the file says and nothing else", () => {
    const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`;
    const owners = { administrators: [role("KeyAdmin")], breakGlass: [role("BreakGlass")] };
    const account = loadAccount(FIXTURE_ACCOUNTS, "full");
    const at = (place: string) =>
      expect.stringMatching(new RegExp(`accounts/full\\.yaml:${place}$`));
    const inKeys = ["eu-central-1", "eu-north-1", "eu-west-1", "us-east-1"];
    const active = ["eu-central-1", "eu-west-1", "us-east-1"];
    const managed = {
      kind: "managed",
      where: expect.stringMatching(/accounts\/(full|defaults)\.yaml:\d+:\d+$/),
      state: "active",
      multiRegion: true,
      regions: inKeys,
      administrators: [],
      users: [],
      breakGlass: [],
      conditions: {},
      rotationDays: 365,
      deletionWindowDays: 30,
    };
    const producers = { roles: [], accounts: [], organizations: [] };
    const expected: AccountConfig = {
      workspace: "full",
      partition: "aws",
      id: "111122223333",
      deployRole: role("keyspan-deploy"),
      planRole: role("keyspan-plan"),
      homeRegion: "eu-west-1",
      deployRoleWhere: expect.stringMatching(/accounts\/defaults\.yaml:6:15$/),
      homeRegionWhere: at("5:13"),
      regions: [
        { where: at("8:5"), name: "eu-central-1", state: "active", adopt: {} },
        { where: at("10:5"), name: "eu-north-1", state: "draining", adopt: {} },
        { where: at("11:5"), name: "eu-south-1", state: "retired", adopt: {} },
        { where: at("7:5"), name: "eu-west-1", state: "active", adopt: {} },
        { where: at("9:5"), name: "us-east-1", state: "active", adopt: {} },
      ],
      state: {
        bucket: "acme-terraform-state",
        region: "eu-west-1",
        keyPrefix: "keyspan",
        account: "444455556666",
        writeRole: "arn:aws:iam::444455556666:role/keyspan-state-full",
        readRole: "arn:aws:iam::444455556666:role/keyspan-state-full-read",
        writers: ["arn:aws:iam::444455556666:role/keyspan-pipeline"],
        readers: [
          "arn:aws:iam::444455556666:role/keyspan-pipeline-plan",
          "arn:aws:iam::444455556666:role/keyspan-pipeline-preview",
        ],
      },
      tags: { CostCenter: "4711", Owner: "platform" },
      keys: [
        { ...managed, ...owners, name: "alerts", users: [role("DeadLetterReader")] },
        {
          ...managed,
          ...owners,
          name: "archive",
          users: [role("ArchiveReader"), "arn:aws:iam::999988887777:role/team/ForeignReader"],
          deletionWindowDays: 21,
        },
        { ...managed, ...owners, name: "audit", multiRegion: false, regions: ["eu-west-1"] },
        { ...managed, name: "former", state: "retired", administrators: [role("TeamKeyAdmin")] },
        {
          ...managed,
          name: "storage",
          multiRegion: false,
          regions: ["eu-west-1"],
          breakGlass: [role("BreakGlass")],
          users: [role("StorageService")],
          conditions: { viaServices: ["dynamodb", "s3"] },
        },
        {
          ...managed,
          name: "team",
          regions: ["eu-north-1", "eu-west-1", "us-east-1"],
          administrators: [role("TeamKeyAdmin")],
          users: [role("TeamService")],
          deletionWindowDays: 7,
          conditions: {
            sourceIps: ["2001:db8::/32", "203.0.113.0/24"],
            sourceVpces: ["vpce-0123456789abcdef0"],
            organizationId: "o-a1b2c3d4e5",
            encryptionContext: { application: "team" },
            notBefore: "2026-01-01T00:00:00Z",
            notAfter: "2027-01-01T00:00:00Z",
          },
        },
      ] as AccountConfig["keys"],
      buses: [
        {
          name: "aws.partner/example.com/events",
          existing: true,
          regions: ["eu-west-1"],
          keyRegions: ["eu-west-1"],
          keyName: "archive",
          producers,
        },
        {
          name: "closed",
          existing: false,
          regions: ["eu-west-1", "us-east-1"],
          keyRegions: ["eu-west-1", "us-east-1"],
          keyName: "team",
          producers: { ...producers, accounts: ["222233334444"] },
        },
        {
          name: "default",
          existing: true,
          regions: active,
          keyRegions: inKeys,
          keyName: "archive",
          producers,
        },
        {
          name: "open",
          existing: false,
          regions: active,
          keyRegions: inKeys,
          keyName: "archive",
          producers: { ...producers, accounts: ["111122223333"] },
        },
        {
          name: "orders",
          existing: false,
          regions: active,
          keyRegions: inKeys,
          keyName: "archive",
          producers: {
            roles: [role("OrdersService"), "arn:aws:iam::999988887777:role/ForeignProducer"],
            accounts: ["222233334444"],
            organizations: ["o-a1b2c3d4e5"],
          },
        },
      ],
      archives: [
        { id: "custom", name: "custom", busName: "default", regions: active, retention: "forever" },
        {
          id: "orders",
          name: "orders",
          busName: "orders",
          regions: active,
          retention: 90,
          eventPattern: { source: ["acme.orders"] },
        },
        {
          id: "orders-eu",
          name: "orders.week",
          busName: "orders",
          regions: ["eu-west-1"],
          retention: 7,
        },
        {
          id: "orders-us",
          name: "orders.week",
          busName: "orders",
          regions: ["us-east-1"],
          retention: 14,
        },
        {
          id: "partner",
          name: "partner",
          busName: "aws.partner/example.com/events",
          regions: ["eu-west-1"],
          retention: 1,
        },
        { id: "team", name: "team", busName: "closed", regions: ["us-east-1"], retention: 365 },
      ],
      notifications: {
        watch: "all",
        reminderDays: [30, 14, 7, 1],
        subscriptions: [
          {
            protocol: "email",
            endpoint: { value: "key-alerts@example.com" },
            severity: "all",
          },
          {
            protocol: "https",
            endpoint: { ssmParameter: "/keyspan/pager-url" },
            severity: "critical",
          },
          {
            protocol: "https",
            endpoint: { value: "https://alerts.example.com/keyspan?source=aws" },
            severity: "all",
          },
          {
            protocol: "lambda",
            endpoint: { value: "arn:aws:lambda:eu-west-1:111122223333:function:page" },
            severity: "all",
          },
          {
            protocol: "sqs",
            endpoint: { value: "arn:aws:sqs:eu-west-1:111122223333:key-alerts" },
            severity: "all",
          },
          {
            protocol: "sqs",
            endpoint: { value: "arn:aws:sqs:us-east-1:111122223333:key-alerts" },
            severity: "critical",
          },
        ],
        organizationHub: "arn:aws:events:eu-west-1:111122223333:event-bus/keyspan-hub",
        hubOfOrganization: "o-a1b2c3d4e5",
        footer: {
          runbook: "https://wiki.example.com/key-alerts",
          contact: "Platform on-call, +49 30 5550100",
        },
        iamRegion: "us-east-1",
      },
      trail: { mode: "create", readEvents: true, logGroupRetentionDays: 90 },
      protect: true,
      ring: 1,
    };
    expect(account).toEqual(expected);
  });

  test("has what is left out: rotation, window, protection, notifications, no tags, no buses", () => {
    const account = check(
      `version: 1
account: { id: "111122223333", deployRole: arn:<partition>:iam::<account>:role/d, planRole: arn:<partition>:iam::<account>:role/p }
homeRegion: eu-west-1
regions: [eu-west-1]
state: { bucket: acme, region: eu-west-1, keyPrefix: k, account: "111122223333", writeRole: arn:<partition>:iam::<state.account>:role/w, readRole: arn:<partition>:iam::<state.account>:role/r }
keys: { archive: &k { breakGlass: [${ADMIN}] }, alerts: *k, audit: *k }
notifications: { subscriptions: [{ protocol: email, endpoint: key-alerts@example.com }] }
trail: create
`,
      undefined,
    );
    expect(account).toMatchObject({ tags: {}, buses: [], archives: [], protect: true });
    expect(account.notifications).toEqual({
      watch: "all",
      reminderDays: [14, 7, 2, 1],
      subscriptions: [
        { protocol: "email", endpoint: { value: "key-alerts@example.com" }, severity: "all" },
      ],
      footer: {},
      iamRegion: "us-east-1",
    });
    expect(account.trail).toEqual({ mode: "create", readEvents: true });
    expect(keyOf(account, "archive")).toMatchObject({ rotationDays: 365, deletionWindowDays: 30 });
  });

  test.each([
    ["create", { mode: "create", readEvents: true }],
    ["{ create: {} }", { mode: "create", readEvents: true }],
    ["{ create: { readEvents: false } }", { mode: "create", readEvents: false }],
    [
      "{ create: { logGroupRetentionDays: 90 } }",
      { mode: "create", readEvents: true, logGroupRetentionDays: 90 },
    ],
    ["organization", { mode: "organization" }],
    [
      "{ organization: arn:<partition>:cloudtrail:us-east-1:999988887777:trail/all }",
      {
        mode: "organization",
        trailArn: "arn:aws:cloudtrail:us-east-1:999988887777:trail/all",
      },
    ],
    [
      "{ existing: arn:<partition>:cloudtrail:us-east-1:<account>:trail/own }",
      { mode: "existing", trailArn: "arn:aws:cloudtrail:us-east-1:111122223333:trail/own" },
    ],
  ])("has the trail %s", (text, expected) => {
    expect(check(`${LEAST}trail: ${text}\n`).trail).toEqual(expected);
  });

  const GOV = `account: { id: "555566667777" }
homeRegion: us-gov-east-1
regions: [us-gov-east-1]
state: { region: us-gov-west-1, account: "666677778888" }
`;
  test.each([
    ["an active region", LEAST.replace("[eu-west-1]", "[eu-west-1, us-east-1]"), "us-east-1"],
    [
      "an active region that residency admits",
      `${LEAST.replace("[eu-west-1]", "[eu-west-1, us-east-1]")}residency: [eu-*, us-east-1]\n`,
      "us-east-1",
    ],
    ["no region, with nothing said of residency", LEAST, "us-east-1"],
    ["no region, but residency admits it", `${LEAST}residency: [eu-*, us-*]\n`, "us-east-1"],
    [
      "a draining region",
      LEAST.replace("[eu-west-1]", "[eu-west-1, { name: us-east-1, state: draining }]"),
      "us-east-1",
    ],
    ["no region, and residency does not admit it", `${LEAST}residency: [eu-*]\n`, undefined],
    ["no region, and residency names others", `${LEAST}residency: [eu-*, us-west-*]\n`, undefined],
    ["of another partition", GOV, "us-gov-west-1"],
    ["of another partition and not admitted", `${GOV}residency: [us-gov-east-1]\n`, undefined],
  ])("hears of IAM where the partition's IAM region is %s", (_, text, expected) => {
    expect(check(text).notifications.iamRegion).toBe(expected);
  });

  test("has its subscriptions by protocol and endpoint, its reminders from the first to the last", () => {
    const { notifications } = check(`${LEAST}notifications:
  reminders: { daysBeforeDeletion: [2, 30, 10] }
  subscriptions:
    - { protocol: sqs, endpoint: arn:<partition>:sqs:eu-west-1:<account>:b }
    - { protocol: https, endpoint: https://b.example.com }
    - { protocol: https, endpoint: https://a.example.com, severity: critical }
    - { protocol: https, endpoint: { ssm: /z } }
    - { protocol: email, endpoint: ops@example.com }
    - { protocol: sqs, endpoint: arn:<partition>:sqs:eu-west-1:<account>:a }
`);
    expect(notifications.reminderDays).toEqual([30, 10, 2]);
    expect(notifications.subscriptions.map(({ endpoint }) => Object.values(endpoint)[0])).toEqual([
      "ops@example.com",
      "/z",
      "https://a.example.com",
      "https://b.example.com",
      "arn:aws:sqs:eu-west-1:111122223333:a",
      "arn:aws:sqs:eu-west-1:111122223333:b",
    ]);
  });

  test("has its tags in alphabetical order, wherever they come from", () => {
    const { tags } = check(`${LEAST}tags: { Zone: z, Area: a }\n`);
    expect(Object.keys(tags)).toEqual(["Area", "Owner", "Zone"]);
  });

  test("takes a region by its name alone as an active one", () => {
    const regions = (text: string) =>
      check(LEAST.replace("[eu-west-1]", text)).regions.map(
        ({ name, state }) => `${name} ${state}`,
      );
    expect(
      regions("[eu-west-1, { name: eu-central-1 }, { name: eu-north-1, state: active }]"),
    ).toEqual(["eu-central-1 active", "eu-north-1 active", "eu-west-1 active"]);
  });

  test("keeps adopted keys by name, and of a region's life what it holds", () => {
    const id = "mrk-0123456789abcdef0123456789abcdef";
    const account = check(
      `${LEAST.replace("[eu-west-1]", `[eu-west-1, { name: eu-north-1, adopt: { archive: ${id}, alerts: ${id} } }, { name: eu-south-1, state: draining }]`)}
keys: { archive: { adopt: ${id} } }
buses: { orders: { regions: [eu-south-1, eu-west-1], producers: ["111122223333"] } }
archives: { orders: { bus: orders, retentionDays: 1, regions: [eu-south-1] } }
`,
    );
    expect(Object.entries(account.regions[0]?.adopt ?? {})).toEqual([
      ["alerts", id],
      ["archive", id],
    ]);
    expect(keyOf(account, "archive")).toMatchObject({
      adopt: id,
      regions: ["eu-north-1", "eu-south-1", "eu-west-1"],
    });
    expect(account.buses[0]?.regions).toEqual(["eu-west-1"]);
    expect(account.archives[0]?.regions).toEqual([]);
  });

  test.each(["full", "existing-key", "china"])(
    "of %s.yaml is the same text, whatever the order in its file",
    (workspace) => {
      const text = readFileSync(join(FIXTURE_ACCOUNTS, `${workspace}.yaml`), "utf8");
      const defaults = parseYaml("defaults.yaml", DEFAULTS);
      const resolved = (yaml: string) =>
        JSON.stringify(
          checkAccount(workspace, parseYaml("account.yaml", yaml), defaults),
          (field, value: unknown) => (/^where$|Where$/.test(field) ? undefined : value),
        );
      const content = parseYaml("account.yaml", text).value;
      fc.assert(
        fc.property(reordered(content), (other) => {
          expect(resolved(toYaml(other))).toBe(resolved(text));
        }),
        { seed: 20_270_131, numRuns: 30 },
      );
    },
  );
});

test("every problem of an account is reported at once, each in a line of its own", () => {
  const text = `account: { id: 111122223333 }
homeRegion: eu-west-1
regions: [eu-west-1, us-gov-west-1, { name: eu-west-1 }]
colour: blue
tags: { "aws:x": y, Owner: '\${x}' }
keys:
  archive: { rotationDays: 1 }
  Team: {}
  team: {}
buses:
  default: { existing: true, producers: ["111122223333"] }
archives:
  a: { bus: none, retentionDays: 0 }
protect: maybe
notifications:
  watch: none
  reminders: { daysBeforeDeletion: [7, 7, 31] }
  subscriptions:
    - { protocol: email, endpoint: jane.doe@example.com }
    - { protocol: https, endpoint: https://hooks.slack.com/services/a, severity: high }
    - { protocol: sms, endpoint: 1 }
  organizationId: o-a1b2c3d4e5
trail: { create: { readEvents: "no", logGroupRetentionDays: 2 } }
`;
  let lines: readonly string[] = [];
  try {
    check(text);
  } catch (error) {
    lines = error instanceof ValidationError ? error.message.split("\n") : [String(error)];
  }
  expect(
    lines.map((line) => line.replace(/^(\S+): (\S+) must .* \[([a-z-]+)\]$/, "$1 $2 $3")),
  ).toEqual([
    "prod.yaml:1:16 account.id account-id",
    "prod.yaml:3:22 regions[1] one-partition",
    "prod.yaml:3:37 regions[2] listed-twice",
    "prod.yaml:4:1 colour unknown-field",
    "prod.yaml:5:9 tags.aws:x tag-key",
    "prod.yaml:5:28 tags.Owner no-template",
    "prod.yaml:7:28 keys.archive.rotationDays rotation-days",
    "prod.yaml:8:3 keys.Team key-name",
    "prod.yaml:9:3 keys.team key-has-owner",
    "prod.yaml:11:41 buses.default.producers existing-bus-alone",
    "prod.yaml:13:13 archives.a.bus archive-bus",
    "prod.yaml:13:34 archives.a.retentionDays retention",
    "prod.yaml:14:10 protect yes-or-no",
    "prod.yaml:16:10 notifications.watch watch",
    "prod.yaml:17:40 notifications.reminders.daysBeforeDeletion[1] listed-twice",
    "prod.yaml:17:43 notifications.reminders.daysBeforeDeletion[2] reminder-days",
    "prod.yaml:19:36 notifications.subscriptions[0].endpoint group-address",
    "prod.yaml:20:36 notifications.subscriptions[1].endpoint secret-in-url",
    "prod.yaml:20:82 notifications.subscriptions[1].severity subscription-severity",
    "prod.yaml:21:19 notifications.subscriptions[2].protocol subscription-protocol",
    "prod.yaml:21:34 notifications.subscriptions[2].endpoint endpoint",
    "prod.yaml:22:19 notifications.organizationId hub-organization",
    "prod.yaml:23:32 trail.create.readEvents yes-or-no",
    "prod.yaml:23:61 trail.create.logGroupRetentionDays log-group-retention-days",
  ]);
});
