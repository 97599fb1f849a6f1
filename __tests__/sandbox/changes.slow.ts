/** An account over the months: what real Terraform does for each change, and that none of them costs a key. */
import { parse, stringify } from "yaml";
import { driftDelete } from "../../sandbox/drift";
import type { InventoryItem } from "../../sandbox/inventory";
import type { ChangeCounts } from "../../sandbox/terraform-runs";
import {
  complaints,
  type OpenOptions,
  plannedActions,
  SandboxProject,
  SMALL_ACCOUNT,
  totals,
} from "../helpers/sandbox-project";

jest.mock("../../stacks/notification-stack", () =>
  jest.requireActual("../helpers/no-notifications"),
);

const NOTHING = { add: 0, change: 0, remove: 0, import: 0 };
const HOME = "eu-west-1";
const SECOND = "eu-central-1";
const NORTH = "eu-north-1";
const KEY_TYPES = ["aws_kms_key", "aws_kms_replica_key"];
const WRITTEN = { date: "2026-11-22", reason: "nobody needs it any more" };
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`;

/** Top-level fields of an account's file. */
type Fields = Readonly<Record<string, unknown>>;

const SMALL = parse(SMALL_ACCOUNT) as {
  readonly account: Fields;
  readonly keys: Readonly<Record<"archive" | "alerts" | "audit", Fields>>;
  readonly buses: Readonly<Record<"orders", Fields>>;
  readonly archives: Readonly<Record<"orders", Fields>>;
};

const ARCHIVE_KEY = ["aws_kms_key.archive", `aws_kms_replica_key.archive_${SECOND}`];
const MULTI_REGION_KEYS = [
  ...ARCHIVE_KEY,
  "aws_kms_key.alerts",
  `aws_kms_replica_key.alerts_${SECOND}`,
];
const ALL_KEYS = [...MULTI_REGION_KEYS, "aws_kms_key.audit"];
const IN_HOME = `archive-${HOME}`;
const BUS_WITH_ARCHIVE = (name: string) => [
  `aws_cloudwatch_event_archive.${name}`,
  `aws_cloudwatch_event_bus.${name}`,
  `aws_sqs_queue.${name}_dead-letter`,
  `aws_sqs_queue_policy.${name}_dead-letter`,
];

/** What a key has beside itself in each region. */
const besides = (keyName: string, ...regions: readonly string[]) =>
  regions.flatMap((region) => [
    `aws_kms_alias.${keyName}_${region}`,
    `terraform_data.${keyName}_${region}`,
  ]);

/** What an apply did: how much, and to which resources. */
interface Change {
  readonly counts: ChangeCounts;
  readonly actions: readonly string[];
}

/** Actions of one kind on resources of one stack. */
const actions = (stack: string, action: string, addresses: readonly string[]) =>
  addresses.map((address) => `${stack}: ${action} ${address}`);

/** A change as it is expected. */
const changeOf = (
  counts: Partial<ChangeCounts>,
  ...lists: readonly (readonly string[])[]
): Change => ({ counts: { ...NOTHING, ...counts }, actions: lists.flat().sort() });

let project: SandboxProject;
beforeEach(() => {
  project = new SandboxProject({});
});
afterEach(() => project.remove());

/** Writes the account's file: the small account, protected, with other fields. */
function write(fields: Fields): SandboxProject {
  return project.write("small", stringify({ ...SMALL, protect: true, ...fields }));
}

/** Writes the account's file, its ledger, as `npm run ledger` does, and applies. */
function change(fields: Fields, options: OpenOptions = {}): Promise<Change> {
  write(fields).record("small");
  return apply(options);
}

/** Applies what is written: it succeeds, keeps every key that is there, and leaves nothing to do. */
async function apply(options: OpenOptions = {}): Promise<Change> {
  const before = await keys();
  const results = await project.apply("small", options);
  expect(complaints(results.filter(([, { code }]) => code !== 0))).toBe("");
  const planned = [...plannedActions(results)].sort();
  expect(
    planned.filter((action) =>
      /(replace|delete) (aws_kms_key|aws_kms_replica_key|terraform_data)\./.test(action),
    ),
  ).toEqual([]);

  const after = await keys();
  const made = planned.filter((action) => /create aws_kms_(replica_)?key\./.test(action));
  expect(after.map(identityOf)).toEqual(expect.arrayContaining(before.map(identityOf)));
  expect(after).toHaveLength(before.length + made.length);
  expect(after.filter(({ ends }) => ends)).toEqual([]);

  const again = await project.plan("small", options);
  expect(complaints(again)).toBe("");
  expect(totals(again)).toEqual(NOTHING);
  expect(plannedActions(again)).toEqual([]);
  return { counts: totals(results), actions: planned };
}

/** Every primary and replica key of the simulated account. */
async function keys(keyName?: string): Promise<readonly InventoryItem[]> {
  return (await project.inventory("small")).filter(
    ({ type, name }) => KEY_TYPES.includes(type) && (keyName === undefined || name === keyName),
  );
}

function identityOf({ region, id }: InventoryItem): string {
  return `${region} ${id}`;
}

/** Where a key stands in each of its regions. */
async function statusOf(keyName: string): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(
    (await keys(keyName)).map(({ region, status }) => [region ?? "", status]),
  );
}

/** Id of a key in a region. */
async function idOf(keyName: string, region: string): Promise<string | undefined> {
  return (await keys(keyName)).find((key) => key.region === region)?.id;
}

/** The message that refuses the synth, with the folder's own path taken out. */
async function refusal(): Promise<string> {
  try {
    await project.start("small");
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return message.replaceAll(`${project.directory}/accounts/`, "");
  }
  throw new Error("the synth was not refused");
}

test("a region is added, drained, retired, taken out of the file, and comes back with the same keys", async () => {
  const withNorth = (...entries: readonly unknown[]) => ({
    regions: [HOME, SECOND, ...entries],
    buses: { orders: { producers: ["111122223333"] } },
  });
  const stack = `archive-${NORTH}`;
  const replicas = [`aws_kms_replica_key.archive_${NORTH}`, `aws_kms_replica_key.alerts_${NORTH}`];
  const besidesReplicas = [...besides("archive", NORTH), ...besides("alerts", NORTH)];
  await change(withNorth());

  const added = await change(withNorth(NORTH));
  expect(added).toEqual(
    changeOf(
      { add: 10, change: 4 },
      actions("keys", "create", [...replicas, ...besidesReplicas]),
      // The policies name the regions that may hold a replica key.
      actions("keys", "update", MULTI_REGION_KEYS),
      actions(stack, "create", BUS_WITH_ARCHIVE("orders")),
    ),
  );

  const draining = withNorth({ name: NORTH, state: "draining" });
  expect(await change(draining)).toEqual(
    changeOf({ remove: 4 }, actions(stack, "delete", BUS_WITH_ARCHIVE("orders"))),
  );
  expect(await statusOf("archive")).toEqual({
    [HOME]: "managed",
    [SECOND]: "managed",
    [NORTH]: "managed",
  });

  const retired = withNorth({ name: NORTH, state: "retired" });
  write(retired);
  expect(await refusal()).toContain(`region ${NORTH} must be retired in writing`);
  const inWriting = { region: NORTH, ...WRITTEN };
  project.writeLedger("small", { ...project.ledger("small"), retired: [inWriting] });
  expect(await change(retired)).toEqual(
    changeOf(
      { change: 4 },
      actions("keys", "remove", [...replicas, ...besidesReplicas]),
      actions("keys", "update", MULTI_REGION_KEYS),
    ),
  );
  const forgotten = { [HOME]: "managed", [SECOND]: "managed", [NORTH]: "foreign" };
  expect(await statusOf("archive")).toEqual(forgotten);
  expect(await statusOf("alerts")).toEqual(forgotten);
  expect(project.addresses("small", "keys").filter((name) => name.includes(NORTH))).toEqual([]);

  expect(await change(withNorth())).toEqual(changeOf({}));
  expect(await statusOf("archive")).toEqual(forgotten);
  expect(project.sandboxOf("small").folders.map(({ id }) => id)).not.toContain(stack);

  write(withNorth(NORTH));
  const refused = await refusal();
  expect(refused).toContain(`key archive in ${NORTH} must be adopted to come back`);
  expect(refused).toContain(`key alerts in ${NORTH} must be adopted to come back`);

  const adopt = { archive: await idOf("archive", NORTH), alerts: await idOf("alerts", NORTH) };
  expect(await change(withNorth({ name: NORTH, adopt }))).toEqual(
    changeOf(
      { add: 6, change: 6, import: 4 },
      actions("keys", "create", [
        `terraform_data.archive_${NORTH}`,
        `terraform_data.alerts_${NORTH}`,
      ]),
      actions("keys", "import", [
        `aws_kms_alias.archive_${NORTH}`,
        `aws_kms_alias.alerts_${NORTH}`,
      ]),
      // Replica keys are imported too, and changed with it: AWS does not tell their deletion window.
      actions("keys", "update", [...MULTI_REGION_KEYS, ...replicas]),
      actions(stack, "create", BUS_WITH_ARCHIVE("orders")),
    ),
  );
  expect(await idOf("archive", NORTH)).toBe(adopt.archive);
  expect(await statusOf("archive")).toEqual({ ...forgotten, [NORTH]: "managed" });
  expect(await change(withNorth(NORTH))).toEqual(changeOf({}));
});

test("archives and buses come, change and go, and a bus takes another key, all without a key's loss", async () => {
  const team = { administrators: [role("TeamAdmin")] };
  const base = { keys: { ...SMALL.keys, team } };
  const week = (archive: Fields) => ({
    ...base,
    archives: { ...SMALL.archives, week: { bus: "orders", ...archive } },
  });
  const withTeam = (bus: Fields) => ({
    ...base,
    buses: { ...SMALL.buses, team: { producers: [role("Team")], regions: [HOME], ...bus } },
    archives: { ...SMALL.archives, team: { bus: "team", retentionDays: 7 } },
  });
  const WEEK = ["aws_cloudwatch_event_archive.week"];
  const TEAM = [...BUS_WITH_ARCHIVE("team"), "aws_cloudwatch_event_bus_policy.team"];
  await change({});

  expect(await change(base)).toEqual(
    changeOf(
      { add: 6 },
      actions("keys", "create", [
        "aws_kms_key.team",
        `aws_kms_replica_key.team_${SECOND}`,
        ...besides("team", HOME, SECOND),
      ]),
    ),
  );

  const patterned = { retentionDays: 7, eventPattern: { source: ["acme.orders"] } };
  expect(await change(week(patterned))).toEqual(
    changeOf({ add: 1 }, actions(IN_HOME, "create", WEEK)),
  );
  for (const changed of [
    { ...patterned, retentionDays: 14 },
    { retentionDays: 14, eventPattern: { source: ["acme.payments"] } },
    { retentionDays: "forever" },
  ]) {
    expect(await change(week(changed))).toEqual(
      changeOf({ change: 1 }, actions(IN_HOME, "update", WEEK)),
    );
  }
  expect(await change(base)).toEqual(changeOf({ remove: 1 }, actions(IN_HOME, "delete", WEEK)));

  expect(await change(withTeam({}))).toEqual(
    changeOf(
      { add: 5, change: 3 },
      actions("keys", "update", [...ARCHIVE_KEY, "aws_kms_key.alerts"]),
      actions(IN_HOME, "create", TEAM),
    ),
  );
  // The former key is left as it is: it goes on letting EventBridge read what it has encrypted.
  expect(await change(withTeam({ key: "team" }))).toEqual(
    changeOf(
      { change: 4 },
      actions("keys", "update", ["aws_kms_key.team", `aws_kms_replica_key.team_${SECOND}`]),
      actions(IN_HOME, "update", [
        "aws_cloudwatch_event_bus.team",
        "aws_cloudwatch_event_archive.team",
      ]),
    ),
  );
  expect(await change(base)).toEqual(
    changeOf(
      { change: 1, remove: 5 },
      actions("keys", "update", ["aws_kms_key.alerts"]),
      actions(IN_HOME, "delete", TEAM),
    ),
  );
});

test("who may use a key, tags, rotation and deletion window change in place", async () => {
  const archiveKey = (more: Fields) => ({
    keys: { ...SMALL.keys, archive: { ...SMALL.keys.archive, ...more } },
  });
  const TAGGED = [
    ...actions("keys", "update", ALL_KEYS),
    ...actions(IN_HOME, "update", [
      "aws_cloudwatch_event_bus.orders",
      "aws_sqs_queue.orders_dead-letter",
    ]),
  ];
  await change({});

  const inPlace = changeOf({ change: 2 }, actions("keys", "update", ARCHIVE_KEY));
  const administrators = [role("KeyAdmin"), role("OtherAdmin")];
  expect(await change(archiveKey({ administrators }))).toEqual(inPlace);
  expect(await change(archiveKey({ users: [role("Reader")] }))).toEqual(inPlace);
  expect(await change({})).toEqual(inPlace);

  // Replica keys rotate with their primary key.
  expect(await change(archiveKey({ rotationDays: 180 }))).toEqual(
    changeOf({ change: 1 }, actions("keys", "update", ["aws_kms_key.archive"])),
  );
  expect(await change(archiveKey({ rotationDays: 180, deletionWindowDays: 30 }))).toEqual(inPlace);
  expect((await change({})).counts).toEqual({ ...NOTHING, change: 2 });

  for (const tags of [{ Owner: "platform" }, { Owner: "orders" }, {}]) {
    expect(await change({ tags })).toEqual(changeOf({ change: 7 }, TAGGED));
  }
});

test("a deploy role hands over to another in two steps, and not in one", async () => {
  const account = (more: Fields) => ({ account: { ...SMALL.account, ...more } });
  const next = role("keyspan-deploy-2");
  const before = role("keyspan-deploy");
  await change({});

  write(account({ deployRole: next }));
  expect(await refusal()).toContain(
    "account.deployRole must be a role that the key policies admit already",
  );
  // Past the ledger, KMS itself refuses: the old role would lock itself out.
  const ledger = project.ledger("small");
  project.writeLedger("small", { ...ledger, deployRoles: [before, next] });
  const lockedOut = await project.apply("small", { caller: { roleArn: before } });
  expect(complaints(lockedOut)).toContain(
    "The new key policy will not allow you to update the key policy in the future.",
  );
  project.writeLedger("small", ledger);

  const handed = changeOf({ change: 5 }, actions("keys", "update", ALL_KEYS));
  const step = account({ nextDeployRole: next });
  expect(await change(step, { caller: { roleArn: before } })).toEqual(handed);
  const swapped = account({ deployRole: next });
  expect(await change(swapped, { caller: { roleArn: next } })).toEqual(handed);
});

test("a key of a team is renamed by writing it down, retired, comes back, and is made anew once it is gone", async () => {
  const crew = { administrators: [role("CrewAdmin")] };
  const withKey = (name: string, more: Fields = {}) => ({
    keys: { ...SMALL.keys, [name]: { ...crew, ...more } },
  });
  const KEY = ["aws_kms_key.crew", `aws_kms_replica_key.crew_${SECOND}`];
  const inWriting = { key: "crew", ...WRITTEN };
  await change(withKey("team"));
  const id = await idOf("team", HOME);

  write(withKey("crew"));
  const refused = await refusal();
  expect(refused).toContain("key team must be retired before it leaves the account's file");
  expect(refused).toContain("aws_kms_key.team of stack keys must keep its address");

  const moved = [
    "aws_kms_key.team",
    `aws_kms_replica_key.team_${SECOND}`,
    ...besides("team", HOME, SECOND),
  ].map((from) => ({ stack: "keys", from, to: from.replace("team", "crew"), ...WRITTEN }));
  project.writeLedger("small", { ...project.ledger("small"), moved });
  expect(await change(withKey("crew"))).toEqual(
    changeOf(
      // An alias cannot be renamed.
      { add: 2, change: 2, remove: 2 },
      actions("keys", "update", KEY),
      actions("keys", "move", [`terraform_data.crew_${HOME}`, `terraform_data.crew_${SECOND}`]),
      actions("keys", "replace", [`aws_kms_alias.crew_${HOME}`, `aws_kms_alias.crew_${SECOND}`]),
    ),
  );
  expect(await idOf("crew", HOME)).toBe(id);
  expect(await idOf("crew", SECOND)).toBe(id);

  project.writeLedger("small", { ...project.ledger("small"), retired: [inWriting] });
  const forgets = changeOf(
    {},
    actions("keys", "remove", [...KEY, ...besides("crew", HOME, SECOND)]),
  );
  expect(await change(withKey("crew", { state: "retired" }))).toEqual(forgets);
  expect(await statusOf("crew")).toEqual({ [HOME]: "foreign", [SECOND]: "foreign" });
  expect(await change({})).toEqual(changeOf({}));

  write(withKey("crew"));
  expect(await refusal()).toContain(`key crew in ${HOME} must be adopted to come back`);
  const adopted = await change(withKey("crew", { adopt: id }));
  expect(adopted.counts).toEqual({ ...NOTHING, add: 2, change: 1, import: 4 });
  expect(await statusOf("crew")).toEqual({ [HOME]: "managed", [SECOND]: "managed" });
  expect(await idOf("crew", HOME)).toBe(id);

  project.writeLedger("small", { ...project.ledger("small"), retired: [inWriting, inWriting] });
  expect(await change(withKey("crew", { state: "retired" }))).toEqual(forgets);
  const sandbox = project.sandboxOf("small");
  await driftDelete(sandbox, { type: "aws_kms_replica_key", name: "crew", region: SECOND });
  await driftDelete(sandbox, { type: "aws_kms_key", name: "crew", region: HOME });
  write(withKey("crew"));
  expect(await refusal()).toContain(`key crew in ${HOME} must be adopted to come back`);
  project.writeLedger("small", { ...project.ledger("small"), deleted: [inWriting] });
  expect(await change(withKey("crew"))).toEqual(
    changeOf({ add: 6 }, actions("keys", "create", [...KEY, ...besides("crew", HOME, SECOND)])),
  );
  expect(await idOf("crew", HOME)).not.toBe(id);
});

test("a protected account's keys are not destroyed by any Terraform, those of an unprotected one are", async () => {
  await change({});
  const states = project.states("small");
  const objects = project.files(".sandbox/aws");

  const refused = await project.run("small", {}, async ({ sandbox }) => {
    const folder = sandbox.folders.find(({ id }) => id === "keys");
    if (folder === undefined) {
      throw new Error("there is no stack of keys");
    }
    const terraform = await sandbox.terraform();
    return [
      await terraform.plan(folder, "-destroy"),
      await terraform.planAndApply(folder, "-destroy"),
      await terraform.planAndApply(folder, "-destroy", "-target=aws_kms_key.archive"),
    ];
  });
  for (const { code, problems } of refused) {
    expect(code).toBe(1);
    expect(problems.join("\n")).toContain("Instance cannot be destroyed");
    expect(problems.join("\n")).toContain(`terraform_data.archive_${HOME}`);
  }
  expect(project.states("small")).toEqual(states);
  expect(project.files(".sandbox/aws")).toEqual(objects);

  const destroyed = await project.destroy("small", { unprotect: true });
  expect(complaints(destroyed)).toBe("");
  expect(totals(destroyed)).toEqual({ ...NOTHING, remove: 20 });
  expect(project.addresses("small", "keys")).toEqual([]);
  // Nothing is left but the keys, which wait for their deletion.
  const left = await project.inventory("small");
  expect(left).toEqual(await keys());
  expect(left.map(({ status }) => status)).toEqual(ALL_KEYS.map(() => "ending"));
});
