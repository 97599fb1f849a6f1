import { AccountFolder } from "../helpers/account-folder";
import { allResources, type SynthesizedAccount, stackOf } from "../helpers/synth";

jest.mock("../../stacks/notification-stack", () =>
  jest.requireActual("../helpers/no-notifications"),
);

const ADMIN = "arn:aws:iam::111122223333:role/KeyAdmin";
const KEY_ID = "mrk-0123456789abcdef0123456789abcdef";

interface Choices {
  readonly home?: string;
  readonly regions?: readonly string[];
  readonly keys?: string;
  readonly buses?: string;
  readonly archives?: string;
  readonly protect?: boolean;
}

const yaml = ({
  home = "eu-west-1",
  regions = ["eu-west-1", "eu-central-1", "eu-north-1"],
  keys = "",
  buses = 'buses: { orders: { producers: ["111122223333"] } }',
  archives = "archives: { orders: { bus: orders, retentionDays: 7 } }",
  protect = true,
}: Choices = {}) => `
version: 1
account:
  id: "111122223333"
  deployRole: arn:aws:iam::111122223333:role/deploy
  planRole: arn:aws:iam::111122223333:role/plan
homeRegion: ${home}
regions:
${regions.map((region) => `  - ${region}`).join("\n")}
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
${keys}
${buses}
${archives}
notifications: { subscriptions: [{ protocol: email, endpoint: key-alerts@example.com }] }
trail: create
protect: ${protect}
`;

const NORTH_DRAINING = ["eu-west-1", "eu-central-1", "{ name: eu-north-1, state: draining }"];
const NORTH_RETIRED = ["eu-west-1", "eu-central-1", "{ name: eu-north-1, state: retired }"];
const NORTH_GONE = ["eu-west-1", "eu-central-1"];
const north = (entry: string) => ["eu-west-1", "eu-central-1", `{ name: eu-north-1, ${entry} }`];
const written = { date: "2026-11-22", reason: "no customers are left there" };

const NORTH_ADDRESSES = ["alerts", "archive"]
  .flatMap((key) =>
    ["aws_kms_alias", "aws_kms_replica_key", "terraform_data"].map(
      (type) => `${type}.${key}_eu-north-1`,
    ),
  )
  .sort();

const addresses = (synthesized: SynthesizedAccount, stack = "keys") =>
  allResources(synthesized)
    .filter((resource) => resource.stack === stack)
    .map(({ type, name }) => `${type}.${name}`)
    .sort();
const forgotten = (synthesized: SynthesizedAccount) =>
  stackOf(synthesized, "keys")
    .removed.map(({ from }) => String(from))
    .sort();

let folder: AccountFolder;
beforeEach(() => {
  folder = new AccountFolder();
});
afterEach(() => folder.remove());

/** Takes the region eu-north-1 as far as retired, in the file, the ledger and writing. */
function retireNorth(): void {
  folder.write(yaml()).record();
  folder.write(yaml({ regions: NORTH_DRAINING })).record();
  const ledger = folder.ledger();
  folder.writeLedger({ ...ledger, retired: [{ region: "eu-north-1", ...written }] });
  folder.write(yaml({ regions: NORTH_RETIRED })).record();
}

describe("life of a region", () => {
  test("an active region holds keys, buses and archives", () => {
    const synthesized = folder.write(yaml()).synth();
    expect(addresses(synthesized)).toEqual(expect.arrayContaining(NORTH_ADDRESSES));
    expect(addresses(synthesized, "archive-eu-north-1")).toEqual([
      "aws_cloudwatch_event_archive.orders",
      "aws_cloudwatch_event_bus.orders",
      "aws_sqs_queue.orders_dead-letter",
      "aws_sqs_queue_policy.orders_dead-letter",
    ]);
  });

  test("a draining region keeps its keys, and its archive stack is empty but still there", () => {
    folder.write(yaml()).record();
    const synthesized = folder.write(yaml({ regions: NORTH_DRAINING })).synth();
    expect(addresses(synthesized)).toEqual(addresses(folder.write(yaml()).synth()));
    expect(addresses(synthesized, "archive-eu-north-1")).toEqual([]);
    expect(synthesized.dependencies["archive-eu-north-1"]).toEqual(["keys"]);
    expect(forgotten(synthesized)).toEqual([]);
  });

  test("a retired region's keys are forgotten, not destroyed, and its archive stack is still there", () => {
    retireNorth();
    const synthesized = folder.synth();
    expect(stackOf(synthesized, "keys").removed).toEqual(
      NORTH_ADDRESSES.map((from) => ({ from, lifecycle: { destroy: false } })),
    );
    expect(addresses(synthesized).filter((address) => address.includes("eu-north-1"))).toEqual([]);
    expect(addresses(synthesized, "archive-eu-north-1")).toEqual([]);
    expect(synthesized.dependencies["archive-eu-north-1"]).toEqual(["keys"]);
  });

  test("a region that has left the file stays forgotten, so that a skipped apply destroys nothing", () => {
    retireNorth();
    const synthesized = folder.write(yaml({ regions: NORTH_GONE })).synth();
    expect(forgotten(synthesized)).toEqual(NORTH_ADDRESSES);
    expect(synthesized.stacks.map(({ id }) => id)).toEqual([
      "archive-eu-central-1",
      "archive-eu-west-1",
      "keys",
    ]);
  });

  test("a draining region may become active again", () => {
    folder.write(yaml()).record();
    folder.write(yaml({ regions: NORTH_DRAINING })).record();
    expect(folder.write(yaml()).record()).toEqual(["region eu-north-1: active"]);
    expect(folder.ledger().regions["eu-north-1"]).toEqual(["active", "draining", "active"]);
  });

  test("fails if a region skips draining", () => {
    folder.write(yaml()).record();
    expect(folder.write(yaml({ regions: NORTH_RETIRED })).refusal()).toContain(
      "acme.yaml:11:5: region eu-north-1 must pass from active to draining, got retired; set state: draining and apply, then state: retired",
    );
  });

  test.each([
    ["active", yaml(), "draining"],
    ["draining", yaml({ regions: NORTH_DRAINING }), "retired"],
  ])("fails if a region leaves the file when it is %s", (last, before, next) => {
    folder.write(yaml()).record();
    folder.write(before).record();
    expect(folder.write(yaml({ regions: NORTH_GONE })).refusal()).toMatch(
      new RegExp(
        `acme\\.ledger\\.json:\\d+:\\d+: region eu-north-1 must be retired before it leaves the account's file, got ${last} as its last state; put it back with state: ${next} and apply`,
      ),
    );
  });

  test("fails if a region is retired without a written entry", () => {
    folder.write(yaml()).record();
    folder.write(yaml({ regions: NORTH_DRAINING })).record();
    expect(folder.write(yaml({ regions: NORTH_RETIRED })).refusal()).toBe(
      'acme.yaml:11:5: region eu-north-1 must be retired in writing, got no entry for it in acme.ledger.json; add {"region": "eu-north-1", "date": "<today>", "reason": "<why>"} under retired',
    );
  });

  test.each(["state: draining", "state: retired"])(
    "fails if a new region starts with %s",
    (state) => {
      folder.write(yaml({ regions: NORTH_GONE })).record();
      expect(folder.write(yaml({ regions: north(state) })).refusal()).toContain(
        "acme.yaml:11:5: a new region must start as active, got eu-north-1",
      );
    },
  );

  test("fails if a retired region comes back as draining", () => {
    retireNorth();
    expect(folder.write(yaml({ regions: NORTH_DRAINING })).refusal()).toContain(
      "region eu-north-1 must pass from retired to active, got draining; make it active with adopt, or leave it retired",
    );
  });

  test("fails if a retired region comes back without adopt", () => {
    retireNorth();
    expect(folder.write(yaml()).refusal().split("\n")).toEqual(
      ["alerts", "archive"].map(
        (key) =>
          `acme.yaml:11:5: key ${key} in eu-north-1 must be adopted to come back, got no adopt for it; it still exists in AWS, and Terraform would make a second one: write adopt: {${key}: <key id>} in the region's entry, or adopt: <key id> in keys.${key} for all its regions; or, if it is gone from AWS too, say so under deleted in the ledger`,
      ),
    );
  });

  test("fails if only some of the keys of a returning region are adopted", () => {
    retireNorth();
    const refusal = folder
      .write(yaml({ regions: north(`adopt: { archive: ${KEY_ID} }`) }))
      .refusal();
    expect(refusal).toContain("key alerts in eu-north-1 must be adopted");
    expect(refusal).not.toContain("key archive");
  });

  test("a retired region comes back by adopting its replica keys and aliases", () => {
    retireNorth();
    const adopt = `adopt: { archive: ${KEY_ID}, alerts: ${KEY_ID} }`;
    const synthesized = folder.write(yaml({ regions: north(adopt) })).synth();
    expect(stackOf(synthesized, "keys").imports).toEqual(
      ["alerts", "archive"].flatMap((key) => [
        { to: `aws_kms_replica_key.${key}_eu-north-1`, id: `${KEY_ID}@eu-north-1` },
        { to: `aws_kms_alias.${key}_eu-north-1`, id: `alias/keyspan-${key}@eu-north-1` },
      ]),
    );
    expect(forgotten(synthesized)).toEqual([]);

    // A protected account is deployed only once its ledger is complete: so this comes first.
    folder.record();
    expect(folder.synth().files).toEqual(synthesized.files);
    const afterwards = folder.write(yaml()).synth();
    expect(stackOf(afterwards, "keys").imports).toEqual([]);
    expect(addresses(afterwards)).toEqual(expect.arrayContaining(NORTH_ADDRESSES));
  });

  test("a region that came back must be retired in writing a second time", () => {
    retireNorth();
    const adopt = `adopt: { archive: ${KEY_ID}, alerts: ${KEY_ID} }`;
    folder.write(yaml({ regions: north(adopt) })).record();
    folder.write(yaml({ regions: NORTH_DRAINING })).record();
    expect(folder.write(yaml({ regions: NORTH_RETIRED })).refusal()).toContain(
      "region eu-north-1 must be retired in writing",
    );
    const ledger = folder.ledger();
    folder.writeLedger({
      ...ledger,
      retired: [...ledger.retired, { region: "eu-north-1", ...written, date: "2027-11-22" }],
    });
    expect(forgotten(folder.synth())).toEqual(NORTH_ADDRESSES);
  });
});

describe("home region", () => {
  test("its change is refused by the synth and would be refused by Terraform", () => {
    const synthesized = folder.write(yaml()).synth();
    expect(stackOf(synthesized, "keys").resources.terraform_data?.["home-region"]).toEqual({
      lifecycle: { prevent_destroy: true },
      triggers_replace: "eu-west-1",
    });
    folder.record();
    expect(folder.write(yaml({ home: "eu-central-1" })).refusal()).toContain(
      'acme.yaml:7:13: homeRegion must stay eu-west-1, got "eu-central-1"; every primary key stands there and would be replaced: set it back',
    );
  });
});

const ORDERS_KEY = `  orders: { administrators: [${ADMIN}] }`;

describe("life of a key", () => {
  test("a retired key is forgotten in every region", () => {
    folder.write(yaml({ keys: ORDERS_KEY })).record();
    const ledger = folder.ledger();
    folder.writeLedger({ ...ledger, retired: [{ key: "orders", ...written }] });
    const retired = `  orders: { administrators: [${ADMIN}], state: retired }`;
    const synthesized = folder.write(yaml({ keys: retired })).synth();
    const expected = [
      "aws_kms_alias.orders_eu-central-1",
      "aws_kms_alias.orders_eu-north-1",
      "aws_kms_alias.orders_eu-west-1",
      "aws_kms_key.orders",
      "aws_kms_replica_key.orders_eu-central-1",
      "aws_kms_replica_key.orders_eu-north-1",
      "terraform_data.orders_eu-central-1",
      "terraform_data.orders_eu-north-1",
      "terraform_data.orders_eu-west-1",
    ];
    expect(forgotten(synthesized)).toEqual(expect.arrayContaining(expected));
    expect(addresses(synthesized).filter((address) => address.includes("orders"))).toEqual([]);

    expect(folder.record()).toEqual(["key orders: retired"]);
    expect(forgotten(folder.write(yaml()).synth())).toEqual(expected);
  });

  test("fails if a key leaves the file without being retired", () => {
    folder.write(yaml({ keys: ORDERS_KEY })).record();
    const refusal = folder.write(yaml()).refusal();
    expect(refusal).toContain(
      "key orders must be retired before it leaves the account's file, got no keys.orders; put it back with state: retired and apply",
    );
    expect(refusal).toContain("aws_kms_key.orders of stack keys must keep its address");
  });

  test("fails if a key is retired without a written entry", () => {
    folder.write(yaml({ keys: ORDERS_KEY })).record();
    expect(
      folder.write(yaml({ keys: ORDERS_KEY.replace(" }", ", state: retired }") })).refusal(),
    ).toBe(
      'acme.yaml:23:11: key orders must be retired in writing, got no entry for it in acme.ledger.json; add {"key": "orders", "date": "<today>", "reason": "<why>"} under retired',
    );
  });

  test("fails if a retired key comes back without adopt, and adopts it in all regions with it", () => {
    folder.write(yaml({ keys: ORDERS_KEY })).record();
    const ledger = folder.ledger();
    folder.writeLedger({ ...ledger, retired: [{ key: "orders", ...written }] });
    folder.write(yaml({ keys: ORDERS_KEY.replace(" }", ", state: retired }") })).record();

    expect(folder.write(yaml({ keys: ORDERS_KEY })).refusal()).toContain(
      "key orders in eu-west-1 must be adopted to come back",
    );
    const adopted = ORDERS_KEY.replace(" }", `, adopt: ${KEY_ID} }`);
    const synthesized = folder.write(yaml({ keys: adopted })).synth();
    expect(stackOf(synthesized, "keys").imports).toEqual([
      { to: "aws_kms_replica_key.orders_eu-central-1", id: `${KEY_ID}@eu-central-1` },
      { to: "aws_kms_alias.orders_eu-central-1", id: "alias/keyspan-orders@eu-central-1" },
      { to: "aws_kms_replica_key.orders_eu-north-1", id: `${KEY_ID}@eu-north-1` },
      { to: "aws_kms_alias.orders_eu-north-1", id: "alias/keyspan-orders@eu-north-1" },
      { to: "aws_kms_key.orders", id: `${KEY_ID}@eu-west-1` },
      { to: "aws_kms_alias.orders_eu-west-1", id: "alias/keyspan-orders@eu-west-1" },
    ]);
  });

  test("fails if a key that Keyspan made becomes an existing key", () => {
    folder.write(yaml({ keys: ORDERS_KEY })).record();
    const existing = `  orders: { existing: { eu-west-1: "arn:aws:kms:eu-west-1:111122223333:key/${KEY_ID}" } }`;
    expect(folder.write(yaml({ keys: existing })).refusal()).toContain(
      "key orders must be retired before it becomes an existing key",
    );
  });

  test("fails if a key drops one of its own regions, until that replica key is retired in writing", () => {
    const inBoth = `  orders: { administrators: [${ADMIN}], regions: [eu-west-1, eu-north-1] }`;
    const inOne = `  orders: { administrators: [${ADMIN}], regions: [eu-west-1] }`;
    folder.write(yaml({ keys: inBoth })).record();
    expect(folder.write(yaml({ keys: inOne })).refusal()).toContain(
      "aws_kms_replica_key.orders_eu-north-1 of stack keys must keep its address",
    );
    const ledger = folder.ledger();
    folder.writeLedger({
      ...ledger,
      retired: [{ key: "orders", region: "eu-north-1", ...written }],
    });
    expect(forgotten(folder.synth())).toEqual([
      "aws_kms_alias.orders_eu-north-1",
      "aws_kms_replica_key.orders_eu-north-1",
      "terraform_data.orders_eu-north-1",
    ]);
    expect(folder.write(yaml({ keys: inBoth })).refusal()).toContain(
      "key orders in eu-north-1 must be adopted to come back",
    );
  });

  test("fails if a key is renamed, and moves with a moved entry for each address", () => {
    folder.write(yaml({ keys: ORDERS_KEY, regions: ["eu-west-1"] })).record();
    const renamed = yaml({
      keys: ORDERS_KEY.replace("orders:", "purchases:"),
      regions: ["eu-west-1"],
    });
    expect(folder.write(renamed).refusal()).toContain(
      "aws_kms_key.orders of stack keys must keep its address, got nothing there; Terraform would destroy it",
    );
    const move = (from: string, to: string) => ({ stack: "keys", from, to, ...written });
    const ledger = folder.ledger();
    folder.writeLedger({
      ...ledger,
      moved: [
        move("aws_kms_key.orders", "aws_kms_key.purchases"),
        move("aws_kms_alias.orders_eu-west-1", "aws_kms_alias.purchases_eu-west-1"),
        move("terraform_data.orders_eu-west-1", "terraform_data.purchases_eu-west-1"),
      ],
    });
    expect(stackOf(folder.synth(), "keys").moved).toEqual([
      { from: "aws_kms_key.orders", to: "aws_kms_key.purchases" },
      { from: "aws_kms_alias.orders_eu-west-1", to: "aws_kms_alias.purchases_eu-west-1" },
      { from: "terraform_data.orders_eu-west-1", to: "terraform_data.purchases_eu-west-1" },
    ]);
    folder.writeLedger({
      ...folder.ledger(),
      moved: [move("aws_kms_key.orders", "aws_kms_key.nowhere")],
    });
    expect(folder.refusal()).toContain(
      "aws_kms_key.orders of stack keys must have moved to an address that exists, got aws_kms_key.nowhere",
    );
  });
});

describe("what is gone from AWS too", () => {
  const gone = (list: "retired" | "deleted") => ({
    ...folder.ledger(),
    [list]: [...folder.ledger()[list], { region: "eu-north-1", ...written }],
  });

  test("a retired region whose keys were deleted comes back with new keys, once", () => {
    retireNorth();
    folder.writeLedger(gone("deleted"));
    const synthesized = folder.write(yaml()).synth();
    expect(stackOf(synthesized, "keys").imports).toEqual([]);
    expect(addresses(synthesized)).toEqual(expect.arrayContaining(NORTH_ADDRESSES));
    expect(folder.record()).toEqual([
      "region eu-north-1: active",
      ...["alerts", "archive"].flatMap((key) =>
        ["aws_kms_replica_key", "terraform_data", "aws_kms_alias"].map(
          (type) => `returned keys ${type}.${key}_eu-north-1, new`,
        ),
      ),
    ]);

    folder.write(yaml({ regions: NORTH_DRAINING })).record();
    folder.writeLedger(gone("retired"));
    folder.write(yaml({ regions: NORTH_RETIRED })).record();
    expect(folder.write(yaml()).refusal()).toContain("key archive in eu-north-1 must be adopted");
  });

  test("a key that Keyspan gives up becomes an existing key, and is forgotten", () => {
    folder.write(yaml({ regions: ["eu-west-1"] })).record();
    const existing = yaml({ regions: ["eu-west-1"] }).replace(
      `archive: { administrators: [${ADMIN}] }`,
      `archive: { existing: { eu-west-1: "arn:aws:kms:eu-west-1:111122223333:key/${KEY_ID}" } }`,
    );
    expect(folder.write(existing).refusal()).toContain(
      'key archive must be retired before it becomes an existing key, got existing; Keyspan made this key: add {"key": "archive"',
    );
    folder.writeLedger({ ...folder.ledger(), retired: [{ key: "archive", ...written }] });
    expect(forgotten(folder.synth())).toEqual([
      "aws_kms_alias.archive_eu-west-1",
      "aws_kms_key.archive",
      "terraform_data.archive_eu-west-1",
    ]);
  });
});

describe("what a key is adopted with", () => {
  test("a key that never was Keyspan's is taken over without an alias, which it cannot have", () => {
    const keys = `  orders: { administrators: [${ADMIN}], regions: [eu-west-1], adopt: ${KEY_ID} }`;
    expect(stackOf(folder.write(yaml({ keys })).synth(), "keys").imports).toEqual([
      { to: "aws_kms_key.orders", id: `${KEY_ID}@eu-west-1` },
    ]);
  });

  test("moves that follow one another are all told to Terraform", () => {
    folder.write(yaml({ keys: ORDERS_KEY, regions: ["eu-west-1"] })).record();
    const move = (from: string, to: string) => ({ stack: "keys", from, to, ...written });
    const steps = ["orders", "purchases", "deals"];
    const moved = steps
      .slice(1)
      .flatMap((to, index) => [
        move(`aws_kms_key.${steps[index]}`, `aws_kms_key.${to}`),
        move(`aws_kms_alias.${steps[index]}_eu-west-1`, `aws_kms_alias.${to}_eu-west-1`),
        move(`terraform_data.${steps[index]}_eu-west-1`, `terraform_data.${to}_eu-west-1`),
      ]);
    folder.writeLedger({ ...folder.ledger(), moved: moved.slice(0, 3) });
    const named = (name: string) =>
      yaml({ keys: ORDERS_KEY.replace("orders:", `${name}:`), regions: ["eu-west-1"] });
    folder.write(named("purchases")).record();
    folder.writeLedger({ ...folder.ledger(), moved });
    expect(stackOf(folder.write(named("deals")).synth(), "keys").moved).toEqual(
      moved.map(({ from, to }) => ({ from, to })),
    );
  });
});

describe("a key works with a bus until the bus is gone", () => {
  const statementsIn = (synthesized: SynthesizedAccount, type: string, name: string) =>
    String(stackOf(synthesized, "keys").resources[type]?.[name]?.policy);
  const BUS_NORTH = "arn:aws:events:eu-north-1:111122223333:event-bus/orders";

  test("in a draining region, whose bus is deleted after its keys are applied", () => {
    folder.write(yaml()).record();
    const before = folder.synth();
    const draining = folder.write(yaml({ regions: NORTH_DRAINING })).synth();
    for (const key of ["archive", "alerts"]) {
      const policy = statementsIn(draining, "aws_kms_replica_key", `${key}_eu-north-1`);
      expect(policy).toContain(BUS_NORTH);
      expect(policy).toBe(statementsIn(before, "aws_kms_replica_key", `${key}_eu-north-1`));
    }
  });

  test("in a draining region of an account without a ledger too", () => {
    const draining = folder.write(yaml({ regions: NORTH_DRAINING, protect: false })).synth();
    for (const key of ["archive", "alerts"]) {
      const policy = statementsIn(draining, "aws_kms_replica_key", `${key}_eu-north-1`);
      expect(policy).toContain(BUS_NORTH);
    }
  });

  test("when it is taken out of the file", () => {
    folder.write(yaml()).record();
    const removed = folder.write(yaml({ buses: "", archives: "" })).synth();
    expect(statementsIn(removed, "aws_kms_replica_key", "archive_eu-north-1")).toContain(BUS_NORTH);
  });

  test("when it gets another key, since its archives were written with the former", () => {
    folder.write(yaml({ keys: ORDERS_KEY })).record();
    const other = yaml({
      keys: ORDERS_KEY,
      buses: 'buses: { orders: { key: orders, producers: ["111122223333"] } }',
    });
    const changed = folder.write(other).synth();
    for (const key of ["archive", "orders"]) {
      expect(statementsIn(changed, "aws_kms_replica_key", `${key}_eu-north-1`)).toContain(
        BUS_NORTH,
      );
    }
  });
});

describe("changes that move nothing", () => {
  const ADDED = ["eu-west-1", "eu-central-1", "eu-north-1", "eu-west-3"];
  test.each([
    ["the order of regions", yaml({ regions: ["eu-north-1", "eu-west-1", "eu-central-1"] })],
    ["another region", yaml({ regions: ADDED })],
    [
      "another archive",
      yaml({
        archives:
          "archives: { orders: { bus: orders, retentionDays: 7 }, more: { bus: orders, retentionDays: 1 } }",
      }),
    ],
    ["no archives and no buses", yaml({ buses: "", archives: "" })],
    ["another key", yaml({ keys: ORDERS_KEY })],
    ["no protection", yaml({ protect: false })],
  ])("%s", (_title, changed) => {
    const before = addresses(folder.write(yaml()).synth());
    folder.record();
    const after = addresses(folder.write(changed).synth());
    expect(after).toEqual(expect.arrayContaining(before));
    expect(forgotten(folder.synth())).toEqual([]);
  });

  test("neither buses nor archives ever add or remove a key", () => {
    const keysOf = (choices: Choices) => addresses(folder.write(yaml(choices)).synth());
    expect(keysOf({ buses: "", archives: "" })).toEqual(keysOf({}));
  });

  test("the order of regions changes no byte", () => {
    const files = folder.write(yaml()).synth().files;
    const shuffled = folder.write(yaml({ regions: ["eu-north-1", "eu-west-1", "eu-central-1"] }));
    expect(shuffled.synth().files).toEqual(files);
  });
});
