/** What people do in the account behind Terraform's back, and what the next plan and apply make of it. */
import { parse, stringify } from "yaml";
import type { StackFolder } from "../../cli/stack-folders";
import { driftChange, driftDelete, driftKey, type ObjectName } from "../../sandbox/drift";
import type { Value } from "../../sandbox/provider/values";
import type { TerraformResult, TerraformRuns } from "../../sandbox/terraform-runs";
import {
  complaints,
  plannedActions,
  SandboxProject,
  SMALL_ACCOUNT,
  type StackResults,
  totals,
} from "../helpers/sandbox-project";

jest.mock("../../stacks/notification-stack", () =>
  jest.requireActual("../helpers/no-notifications"),
);

const NOTHING = { add: 0, change: 0, remove: 0, import: 0 };
const HOME = "eu-west-1";
const SECOND = "eu-central-1";
const DEPLOY_ROLE = "arn:aws:iam::111122223333:role/keyspan-deploy";
const PRODUCER = "arn:aws:iam::111122223333:role/Orders";
const BUS_ARN = "arn:aws:events:eu-west-1:111122223333:event-bus/orders";
const QUEUE = "keyspan-orders-dead-letter";

/** Top-level fields of an account's file. */
type Fields = Readonly<Record<string, unknown>>;

const SMALL = parse(SMALL_ACCOUNT) as {
  readonly keys: Readonly<Record<"archive" | "alerts" | "audit", Fields>>;
};

let project: SandboxProject;
beforeEach(() => {
  project = new SandboxProject({});
});
afterEach(() => project.remove());

const sandbox = () => project.sandboxOf("small");

/** Writes the account's file: the small account, whose bus has a policy, with other fields. */
function write(fields: Fields = {}): SandboxProject {
  const buses = { orders: { producers: [PRODUCER], regions: [HOME] } };
  return project.write("small", stringify({ ...SMALL, buses, ...fields }));
}

/** Writes the file and the ledger of a protected account. */
function writeProtected(fields: Fields = {}): void {
  write({ ...fields, protect: true }).record("small");
}

/** Applies what is written. */
async function apply(): Promise<StackResults> {
  const applied = await project.apply("small");
  expect(complaints(applied)).toBe("");
  return applied;
}

/** Nothing is left to do: the next plan says so. */
async function expectNothingToDo(): Promise<void> {
  const planned = await project.plan("small");
  expect(complaints(planned)).toBe("");
  expect(plannedActions(planned)).toEqual([]);
  expect(totals(planned)).toEqual(NOTHING);
}

/** Runs Terraform on the stack of keys. */
function onKeys<T>(
  work: (terraform: TerraformRuns, folder: StackFolder) => Promise<T>,
): Promise<T> {
  return project.run("small", {}, async (account) => {
    const folder = account.sandbox.folders.find(({ id }) => id === "keys");
    if (folder === undefined) {
      throw new Error("there is no stack of keys");
    }
    return work(await account.sandbox.terraform(), folder);
  });
}

/** Id and state of each key of that name in a region, such as `mrk-1 Enabled`. */
async function keysIn(name: string, region: string): Promise<readonly string[]> {
  return (await project.inventory("small")).flatMap((item) =>
    item.type.endsWith("_key") && item.name === name && item.region === region
      ? (item.detail ?? "")
      : [],
  );
}

/** Id of the only key of that name in a region. */
async function idOf(name: string, region: string): Promise<string> {
  const keys = await keysIn(name, region);
  expect(keys).toHaveLength(1);
  return keys[0]?.split(" ")[0] ?? "";
}

describe("a disabled key", () => {
  const conditions = { organizationId: "o-a1b2c3d4e5" };
  const withUsers = { ...SMALL.keys.archive, users: [PRODUCER], conditions };

  test("stays disabled, primary and replica, also when an apply changes its policy", async () => {
    writeProtected();
    await apply();
    const id = await idOf("archive", HOME);
    const expectDisabled = async () => {
      for (const region of [HOME, SECOND]) {
        expect(await keysIn("archive", region)).toEqual([`${id} Disabled`]);
      }
    };
    for (const region of [HOME, SECOND]) {
      await driftKey(sandbox(), "disable", { name: "archive", region });
    }
    await expectNothingToDo();
    expect(totals(await apply())).toEqual(NOTHING);
    await expectDisabled();

    writeProtected({ keys: { ...SMALL.keys, archive: withUsers } });
    expect(plannedActions(await apply()).toSorted()).toEqual([
      "keys: update aws_kms_key.archive",
      `keys: update aws_kms_replica_key.archive_${SECOND}`,
    ]);
    await expectDisabled();
    await expectNothingToDo();
  });

  test("lets no region be added until it is enabled again", async () => {
    writeProtected();
    await apply();
    await driftKey(sandbox(), "disable", { name: "archive", region: HOME });
    writeProtected({ regions: [HOME, SECOND, "eu-north-1"] });
    const refused = complaints(await project.apply("small"));
    expect(refused).toContain("DisabledException");
    expect(refused).toContain("with aws_kms_replica_key.archive_eu-north-1");
    expect(await keysIn("alerts", "eu-north-1")).toEqual([`${await idOf("alerts", HOME)} Enabled`]);
    expect(await keysIn("archive", "eu-north-1")).toEqual([]);

    await driftKey(sandbox(), "enable", { name: "archive", region: HOME });
    await apply();
    expect(await keysIn("archive", "eu-north-1")).toEqual([
      `${await idOf("archive", HOME)} Enabled`,
    ]);
    await expectNothingToDo();
  });
});

describe("a key that is scheduled for deletion", () => {
  const archiveAdopts = (id: string) => ({
    keys: { ...SMALL.keys, archive: { ...SMALL.keys.archive, adopt: id } },
  });
  const auditAdopts = (id: string) => ({
    keys: { ...SMALL.keys, audit: { ...SMALL.keys.audit, adopt: id } },
  });
  const regionAdopts = (id: string) => ({
    regions: [HOME, { name: SECOND, adopt: { archive: id } }],
  });

  /** Plans and applies the keys: both are refused because of the record, and no state changes. */
  async function expectRefused(record: string): Promise<void> {
    const states = project.states("small");
    const objects = project.files(".sandbox/aws");
    const results = await onKeys(
      async (terraform, folder): Promise<readonly TerraformResult[]> => [
        await terraform.plan(folder),
        await terraform.planAndApply(folder),
      ],
    );
    for (const { code, problems } of results) {
      expect(code).toBe(1);
      expect(problems.join("\n")).toContain(
        `Error: Instance cannot be destroyed\nResource ${record} has lifecycle.prevent_destroy set`,
      );
    }
    expect(project.states("small")).toEqual(states);
    expect(project.files(".sandbox/aws")).toEqual(objects);
  }

  test.each([
    ["primary", "archive", HOME, "aws_kms_key.archive", "PendingReplicaDeletion", archiveAdopts],
    [
      "replica",
      "archive",
      SECOND,
      `aws_kms_replica_key.archive_${SECOND}`,
      "PendingDeletion",
      regionAdopts,
    ],
    ["single-Region", "audit", HOME, "aws_kms_key.audit", "PendingDeletion", auditAdopts],
  ] as const)(
    "makes Terraform refuse, %s, until it is taken back",
    async (_kind, name, region, address, state, adopts) => {
      writeProtected();
      await apply();
      const id = await idOf(name, region);
      const record = `terraform_data.${name}_${region}`;
      const schedule = () => driftKey(sandbox(), "schedule-deletion", { name, region });
      const takeBack = async () => {
        await driftKey(sandbox(), "cancel-deletion", { name, region });
        expect(await keysIn(name, region)).toEqual([`${id} Disabled`]);
        await driftKey(sandbox(), "enable", { name, region });
        expect(await keysIn(name, region)).toEqual([`${id} Enabled`]);
      };

      await schedule();
      expect(await keysIn(name, region)).toEqual([
        expect.stringMatching(new RegExp(`^${id} ${state}\\b`)),
      ]);
      await expectRefused(record);
      await takeBack();
      await expectNothingToDo();

      await schedule();
      const refreshed = await onKeys((terraform, folder) =>
        terraform.planAndApply(folder, "-refresh-only"),
      );
      expect(refreshed).toMatchObject({ code: 0, problems: [] });
      expect(project.addresses("small", "keys")).not.toContain(address);
      expect(project.addresses("small", "keys")).toContain(record);
      await expectRefused(record);
      await takeBack();
      await expectRefused(record);

      writeProtected(adopts(id));
      const adopted = await apply();
      expect(totals(adopted)).toEqual({ ...NOTHING, change: 1, import: 1 });
      expect(plannedActions(adopted)).toEqual([`keys: update ${address}`]);
      expect(await keysIn(name, region)).toEqual([`${id} Enabled`]);
      await expectNothingToDo();
      writeProtected();
      await expectNothingToDo();
    },
  );

  test("waits for its replica keys first", async () => {
    write();
    await apply();
    const id = await idOf("archive", HOME);
    await driftKey(sandbox(), "schedule-deletion", { name: "archive", region: HOME });
    expect(await keysIn("archive", HOME)).toEqual([`${id} PendingReplicaDeletion`]);
    await driftKey(sandbox(), "schedule-deletion", { name: "archive", region: SECOND });
    expect(await keysIn("archive", HOME)).toEqual([`${id} PendingReplicaDeletion`]);
    await driftDelete(sandbox(), { type: "aws_kms_replica_key", name: "archive", region: SECOND });
    expect(await keysIn("archive", HOME)).toEqual([
      expect.stringMatching(new RegExp(`^${id} PendingDeletion \\d{4}-\\d\\d-\\d\\d$`)),
    ]);
  });

  test("is made anew in an account that is not protected", async () => {
    write();
    await apply();
    const former = await idOf("audit", HOME);
    const key = { name: "audit", region: HOME };
    await driftKey(sandbox(), "schedule-deletion", key);
    const applied = await apply();
    expect(totals(applied)).toEqual({ ...NOTHING, add: 2, change: 1, remove: 1 });
    expect(plannedActions(applied).toSorted()).toEqual([
      "keys: create aws_kms_key.audit",
      "keys: replace terraform_data.audit_eu-west-1",
      "keys: update aws_kms_alias.audit_eu-west-1",
    ]);
    await expectNothingToDo();
    const audits = (await project.inventory("small")).filter(
      ({ name, type }) => name === "audit" && type === "aws_kms_key",
    );
    expect(
      audits.map(({ id, status }) => (id === former ? status : `new ${status}`)).toSorted(),
    ).toEqual(["ending", "new managed"]);

    // Of two keys with one name, what is done is done to the one that it can be meant for.
    const next = audits.find(({ id }) => id !== former)?.id;
    await driftKey(sandbox(), "disable", key);
    expect(await keysIn("audit", HOME)).toContain(`${next} Disabled`);
    await driftKey(sandbox(), "cancel-deletion", key);
    expect((await keysIn("audit", HOME)).toSorted()).toEqual(
      [`${former} Disabled`, `${next} Disabled`].sort(),
    );
  });

  test("is made anew in a protected account once it is gone for good and all its records are removed", async () => {
    writeProtected();
    await apply();
    const former = await idOf("archive", HOME);
    await driftDelete(sandbox(), { type: "aws_kms_replica_key", name: "archive", region: SECOND });
    await driftDelete(sandbox(), { type: "aws_kms_key", name: "archive", region: HOME });
    await expectRefused(`terraform_data.archive_${HOME}`);
    const removeRecord = async (region: string) => {
      const { code } = await onKeys((terraform, folder) =>
        terraform.command(
          folder,
          "state",
          "rm",
          // Without it, Terraform looks for a folder of its own to put the backup into.
          "-backup=before.tfstate",
          `terraform_data.archive_${region}`,
        ),
      );
      expect(code).toBe(0);
    };
    await removeRecord(HOME);
    await expectRefused(`terraform_data.archive_${SECOND}`);
    await removeRecord(SECOND);
    expect(totals(await apply())).toEqual({ ...NOTHING, add: 6, change: 2 });
    expect(await idOf("archive", HOME)).not.toBe(former);
    expect(await idOf("archive", SECOND)).toBe(await idOf("archive", HOME));
    await expectNothingToDo();
  });
});

test("every kind of drift is seen by the next plan and repaired by the next apply", async () => {
  write();
  await apply();
  // JSON is YAML.
  const objects = () =>
    Object.fromEntries(
      Object.entries(project.files(".sandbox/aws")).map(([file, text]) => [file, parse(text)]),
    );
  const intact = objects();
  const archiveKey = await idOf("archive", HOME);
  const home = (type: string, name: string) => ({ type: `aws_${type}`, name, region: HOME });
  const second = (name: string) => ({ type: "aws_kms_replica_key", name, region: SECOND });
  const policy = (action: string, resource: string) =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Principal: { AWS: DEPLOY_ROLE }, Action: action, Resource: resource },
      ],
    });

  const changed = (action: string, object: ObjectName, argument: string, value: Value) => ({
    actions: [action],
    drift: () => driftChange(sandbox(), object, argument, value),
  });
  const deleted = (actions: readonly string[], object: ObjectName) => ({
    actions,
    drift: () => driftDelete(sandbox(), object),
  });
  const inHome = (action: string) => `archive-${HOME}: ${action}`;

  // No two in a round may be about the same resource: its one action would speak for both.
  const rounds = [
    [
      changed("keys: update aws_kms_key.archive", home("kms_key", "archive"), "description", "x"),
      changed(
        "keys: update aws_kms_key.alerts",
        home("kms_key", "alerts"),
        "policy",
        policy("kms:*", "*"),
      ),
      changed("keys: update aws_kms_key.audit", home("kms_key", "audit"), "tags", {
        "keyspan:stack": "x",
      }),
      changed(`keys: update aws_kms_replica_key.archive_${SECOND}`, second("archive"), "tags", {
        Added: "x",
      }),
      changed(
        `keys: update aws_kms_replica_key.alerts_${SECOND}`,
        second("alerts"),
        "policy",
        policy("kms:*", "*"),
      ),
      deleted(
        [`keys: create aws_kms_alias.audit_${HOME}`],
        home("kms_alias", "alias/keyspan-audit"),
      ),
      changed(
        `keys: update aws_kms_alias.alerts_${HOME}`,
        home("kms_alias", "alias/keyspan-alerts"),
        "target_key_id",
        archiveKey,
      ),
      changed(
        inHome("update aws_cloudwatch_event_bus.orders"),
        home("cloudwatch_event_bus", "orders"),
        "tags",
        { Added: "x" },
      ),
      changed(
        inHome("update aws_cloudwatch_event_bus_policy.orders"),
        home("cloudwatch_event_bus_policy", "orders"),
        "policy",
        policy("events:PutEvents", BUS_ARN),
      ),
      changed(
        inHome("update aws_cloudwatch_event_archive.orders"),
        home("cloudwatch_event_archive", "orders"),
        "retention_days",
        1,
      ),
      changed(
        inHome("update aws_sqs_queue.orders_dead-letter"),
        home("sqs_queue", QUEUE),
        "message_retention_seconds",
        60,
      ),
      deleted(
        [inHome("create aws_sqs_queue_policy.orders_dead-letter")],
        home("sqs_queue_policy", QUEUE),
      ),
    ],
    [
      changed(
        "keys: update aws_kms_key.archive",
        home("kms_key", "archive"),
        "enable_key_rotation",
        false,
      ),
      changed(
        "keys: update aws_kms_key.alerts",
        home("kms_key", "alerts"),
        "rotation_period_in_days",
        100,
      ),
      changed(
        `keys: update aws_kms_replica_key.alerts_${SECOND}`,
        second("alerts"),
        "description",
        "x",
      ),
      changed(
        inHome("update aws_cloudwatch_event_bus.orders"),
        home("cloudwatch_event_bus", "orders"),
        "kms_key_identifier",
        "",
      ),
      deleted(
        [inHome("create aws_cloudwatch_event_bus_policy.orders")],
        home("cloudwatch_event_bus_policy", "orders"),
      ),
      deleted(
        [inHome("create aws_cloudwatch_event_archive.orders")],
        home("cloudwatch_event_archive", "orders"),
      ),
      changed(
        inHome("update aws_sqs_queue_policy.orders_dead-letter"),
        home("sqs_queue_policy", QUEUE),
        "policy",
        policy("sqs:SendMessage", "*"),
      ),
    ],
    [
      deleted(
        [
          inHome("create aws_cloudwatch_event_bus.orders"),
          // Its archive, with all events, is left as it is: it names the bus by a written ARN.
          inHome("create aws_cloudwatch_event_bus_policy.orders"),
        ],
        home("cloudwatch_event_bus", "orders"),
      ),
      deleted(
        [
          inHome("create aws_sqs_queue.orders_dead-letter"),
          inHome("create aws_sqs_queue_policy.orders_dead-letter"),
        ],
        home("sqs_queue", QUEUE),
      ),
    ],
  ];
  for (const round of rounds) {
    for (const { drift } of round) {
      await drift();
    }
    expect(objects()).not.toEqual(intact);
    const expected = round.flatMap(({ actions }) => actions).sort();
    const planned = await project.plan("small");
    expect(complaints(planned)).toBe("");
    expect(plannedActions(planned).toSorted()).toEqual(expected);
    expect(plannedActions(await apply()).toSorted()).toEqual(expected);
    expect(objects()).toEqual(intact);
    await expectNothingToDo();
  }
});

describe("drift", () => {
  test("refuses what is not there", async () => {
    write();
    await apply();
    const objects = project.files(".sandbox/aws");
    const alias = { type: "aws_kms_alias", name: "alias/keyspan-audit" };
    const refused = (object: string) =>
      `drift: the object must be in the simulated account, got ${object}; npm run sandbox -- show lists what is there`;

    for (const [work, message] of [
      [
        () => driftKey(sandbox(), "disable", { name: "payments", region: HOME }),
        refused(`key payments in ${HOME}`),
      ],
      [
        () => driftKey(sandbox(), "enable", { name: "audit", region: SECOND }),
        refused(`key audit in ${SECOND}`),
      ],
      [
        () => driftDelete(sandbox(), { ...alias, region: SECOND }),
        refused(`aws_kms_alias alias/keyspan-audit in ${SECOND}`),
      ],
      [
        () => driftDelete(sandbox(), alias),
        refused("aws_kms_alias alias/keyspan-audit in no region"),
      ],
      [
        () => driftDelete(sandbox(), { type: "aws_s3_bucket", name: "audit", region: HOME }),
        refused(`aws_s3_bucket audit in ${HOME}`),
      ],
      [
        () =>
          driftChange(
            sandbox(),
            { type: "aws_cloudwatch_event_bus", name: "orders", region: SECOND },
            "description",
            "x",
          ),
        refused(`aws_cloudwatch_event_bus orders in ${SECOND}`),
      ],
      [
        () => driftChange(sandbox(), { ...alias, region: HOME }, "target", "x"),
        'drift: the argument of aws_kms_alias must be one of arn, id, name, name_prefix, target_key_arn, target_key_id, got "target"; correct it',
      ],
      [
        () => driftKey(sandbox(), "cancel-deletion", { name: "audit", region: HOME }),
        `arn:aws:kms:${HOME}:111122223333:key/${await idOf("audit", HOME)} is not pending deletion.`,
      ],
    ] as const) {
      await expect(work()).rejects.toThrow(message);
    }
    expect(project.files(".sandbox/aws")).toEqual(objects);
  });
});
