/** What the simulated provider makes of what is not as its state says: imports, changes of others, faults. Through real Terraform. */
import { AwsError } from "../../sandbox/aws/aws-error";
import { EVENT_ARCHIVES, EVENT_BUSES, EVENT_RULES, Events } from "../../sandbox/aws/events";
import { IAM_ROLES, Iam } from "../../sandbox/aws/iam";
import { KMS_KEYS, Kms, keyStateOf } from "../../sandbox/aws/kms";
import { QUEUES, Sqs } from "../../sandbox/aws/sqs";
import { HERE, type Resources, refusals, TerraformFolder } from "../helpers/terraform-folder";
import {
  ALL,
  AT_HOME,
  apply,
  BUS_POLICY,
  expectNoChanges,
  KEY_POLICY,
  PATTERN,
  plannedFor,
  QUEUE_POLICY,
  ROLE_POLICY,
  TRUST,
  WEST,
  world,
} from "../helpers/world";

const NOTHING = { add: 0, change: 0, remove: 0, import: 0 };

let folder: TerraformFolder;
beforeEach(() => {
  folder = new TerraformFolder();
});
afterEach(() => folder.remove());

describe("an import", () => {
  /** What `terraform import` takes for each resource, without the region. */
  function importIds(): Readonly<Record<string, string>> {
    return {
      "aws_kms_key.all": folder.text("aws_kms_key.all", "key_id"),
      "aws_kms_replica_key.all": folder.text("aws_kms_key.all", "key_id"),
      "aws_kms_alias.all": "alias/orders",
      "aws_cloudwatch_event_bus.all": "orders",
      "aws_cloudwatch_event_bus_policy.all": "orders",
      "aws_cloudwatch_event_archive.all": "orders",
      "aws_cloudwatch_event_rule.all": "orders/paid",
      "aws_cloudwatch_event_target.all": "orders/paid/queue",
      "aws_iam_role.all": "pusher",
      "aws_iam_role_policy.all": "pusher:put",
      "aws_sqs_queue.all": folder.text("aws_sqs_queue.all", "url"),
      "aws_sqs_queue_policy.all": folder.text("aws_sqs_queue.all", "url"),
    };
  }

  const CASES: readonly (readonly [
    form: string,
    regions: Parameters<typeof world>[0],
    suffix: (address: string) => string,
  ])[] = [
    ["id", AT_HOME, (address) => (address === "aws_kms_replica_key.all" ? `@${WEST}` : "")],
    [
      "id@region",
      [WEST, "us-east-1"],
      (address) =>
        address.startsWith("aws_iam_")
          ? ""
          : address === "aws_kms_replica_key.all"
            ? "@us-east-1"
            : `@${WEST}`,
    ],
  ];

  test.each(CASES)("by %s takes over every type of resource", async (_, regions, suffix) => {
    await apply(folder, world(regions));
    const ids = importIds();
    await folder.command("state", "rm", ...ALL);
    expect(folder.state).toEqual({});

    const imports = Object.entries(ids).map(([to, id]) => ({ to, id: `${id}${suffix(to)}` }));
    // A deletion window is asked for only when a key is deleted, so AWS does not know it before. An
    // archive that keeps its events for ever is imported with 0 days, which is not none.
    expect(await plannedFor(folder, world(regions), { blocks: { import: imports } })).toEqual({
      "aws_cloudwatch_event_archive.all": "update retention_days",
      "aws_kms_key.all": "update deletion_window_in_days",
      "aws_kms_replica_key.all": "update deletion_window_in_days",
    });
    const applied = await folder.apply();
    expect(applied).toMatchObject({ code: 0, problems: [] });
    expect(applied.changes).toEqual({ ...NOTHING, change: 3, import: ALL.length });
    await expectNoChanges(folder);
    expect(importIds()).toEqual(ids);
  });

  test("works from the command line too; a role may have an @ in its name", async () => {
    const role = { name: "pusher@eu-west-1", assume_role_policy: TRUST };
    const resources = {
      "aws_cloudwatch_event_bus.all": { name: "orders" },
      "aws_iam_role.all": role,
    };
    await apply(folder, resources);
    for (const [address, id] of [
      ["aws_cloudwatch_event_bus.all", `orders@${HERE.region}`],
      ["aws_iam_role.all", role.name],
    ] as const) {
      await folder.command("state", "rm", address);
      expect(await folder.command("import", "-no-color", address, id)).toMatchObject({ code: 0 });
    }
    await expectNoChanges(folder);
  });

  test("of what is not there is refused", async () => {
    await apply(folder, world(AT_HOME));
    const ids = importIds();
    await new Kms(folder.aws, HERE).scheduleKeyDeletion(ids["aws_kms_key.all"] ?? "", 7);
    await folder.command("state", "rm", ...ALL);
    const wrong = {
      ...Object.fromEntries(Object.entries(ids).map(([to, id]) => [to, `${id}@eu-north-1`])),
      "aws_iam_role.all": "putter",
      "aws_iam_role_policy.all": "pusher:puts",
      // It waits for its deletion.
      "aws_kms_key.all": ids["aws_kms_key.all"],
    };
    // Without references, so that no import waits for another.
    const separate = world(AT_HOME, {
      "aws_kms_replica_key.all": { primary_key_arn: "arn:aws:none:::none" },
      "aws_kms_alias.all": { target_key_id: "none" },
      "aws_cloudwatch_event_bus_policy.all": { event_bus_name: "orders" },
      "aws_cloudwatch_event_archive.all": { event_source_arn: "arn:aws:none:::none" },
      "aws_cloudwatch_event_rule.all": { event_bus_name: "orders" },
      "aws_cloudwatch_event_target.all": {
        event_bus_name: "orders",
        rule: "paid",
        arn: "arn:aws:none:::none",
      },
      "aws_iam_role_policy.all": { role: "pusher" },
      "aws_sqs_queue_policy.all": { queue_url: "none" },
    });
    folder.write(separate, {
      blocks: { import: Object.entries(wrong).map(([to, id]) => ({ to, id })) },
    });
    const { problems } = await folder.plan();
    expect([...problems].sort()).toEqual(
      Object.entries(wrong)
        .map(
          ([to, id]) =>
            `Error: Cannot import non-existent remote object: ${to.split(".")[0]} with id ${id} does not exist; only pre-existing objects can be imported`,
        )
        .sort(),
    );
    expect(folder.state).toEqual({});
  });

  test("of a key as what it is not is refused", async () => {
    await apply(folder, world(AT_HOME));
    const keyId = folder.text("aws_kms_key.all", "id");
    await folder.command("state", "rm", "aws_kms_key.all", "aws_kms_replica_key.all");
    const imported = async (address: string, id: string) =>
      (await folder.command("import", "-no-color", address, id)).text;
    expect(await imported("aws_kms_key.all", `${keyId}@${WEST}`)).toContain(
      `KMS Key (${keyId}) is not a multi-Region primary key`,
    );
    expect(await imported("aws_kms_replica_key.all", keyId)).toContain(
      `KMS Replica Key (${keyId}) is not a multi-Region replica key`,
    );
  });

  test.each([
    ["aws_cloudwatch_event_rule.all", "/paid", "expected EVENTBUSNAME/RULENAME or RULENAME"],
    ["aws_cloudwatch_event_target.all", "paid", "expected EVENTBUSNAME/RULENAME/TARGETID or"],
    ["aws_iam_role_policy.all", "put", "must be of the form <role name>:<policy name>"],
  ])("of %s by %s is refused", async (address, id, message) => {
    const { code, text } = await folder
      .write(world(AT_HOME))
      .command("import", "-no-color", address, id);
    expect(code).toBe(1);
    expect(text).toContain(message);
  });
});

describe("what happens behind Terraform's back", () => {
  test("is seen: what was changed is changed back, what was deleted is made anew", async () => {
    const resources = world(AT_HOME);
    await apply(folder, resources);
    const { aws } = folder;
    const keyId = folder.text("aws_kms_key.all", "id");
    const kms = new Kms(aws, HERE);
    const events = new Events(aws, HERE);
    const sqs = new Sqs(aws, HERE);
    await kms.disableKeyRotation(keyId);
    await kms.disableKey(keyId);
    new Kms(aws, { ...HERE, region: WEST }).removeKey(keyId);
    await kms.deleteAlias("alias/orders");
    await events.updateEventBus("orders", { description: "mine" });
    await events.removePermission("orders");
    await events.updateArchive("orders", { retentionDays: 3 });
    await events.removeTargets("orders", "paid", "queue");
    await sqs.setQueueAttributes(folder.text("aws_sqs_queue.all", "url"), {
      delaySeconds: 9,
      policy: "",
    });
    await new Iam(aws).deleteRolePolicy("pusher", "put");
    await new Iam(aws).updateRole("pusher", 7200);

    expect(await plannedFor(folder, resources)).toEqual({
      "aws_kms_key.all": "update enable_key_rotation, is_enabled",
      "aws_kms_replica_key.all": "create",
      "aws_kms_alias.all": "create",
      "aws_cloudwatch_event_bus.all": "update description",
      "aws_cloudwatch_event_bus_policy.all": "create",
      "aws_cloudwatch_event_archive.all": "update event_pattern, retention_days",
      "aws_cloudwatch_event_target.all": "create",
      "aws_iam_role.all": "update max_session_duration",
      "aws_iam_role_policy.all": "create",
      "aws_sqs_queue.all": "update delay_seconds",
      "aws_sqs_queue_policy.all": "create",
    });
    const refreshed = await folder.apply("-refresh-only");
    expect(refreshed).toMatchObject({ code: 0, problems: [] });
    expect(folder.state["aws_kms_alias.all"]).toBeUndefined();
    expect(folder.state["aws_cloudwatch_event_bus.all"]?.attributes.description).toBe("mine");

    await apply(folder, resources);
    await expectNoChanges(folder);
  });

  test.each([
    ["state", { state: "ENABLED" }, { "aws_cloudwatch_event_rule.rule": "update state" }],
    ["is_enabled", { is_enabled: true }, { "aws_cloudwatch_event_rule.rule": "update is_enabled" }],
    ["neither", {}, {}],
  ])("a rule that is disabled is seen where it is configured: %s", async (_, enabled, planned) => {
    const resources = {
      "aws_cloudwatch_event_rule.rule": { name: "paid", event_pattern: PATTERN, ...enabled },
    };
    await apply(folder, resources);
    await new Events(folder.aws, HERE).putRule({
      name: "paid",
      busName: "default",
      eventPattern: PATTERN,
      state: "DISABLED",
      tags: {},
    });
    expect(await plannedFor(folder, resources)).toEqual(planned);
  });

  test("a key that waits for its deletion is gone to Terraform", async () => {
    await apply(folder, { "aws_kms_key.key": {} });
    const keyId = folder.text("aws_kms_key.key", "id");
    await new Kms(folder.aws, HERE).scheduleKeyDeletion(keyId, 7);
    expect(await plannedFor(folder, { "aws_kms_key.key": {} })).toEqual({
      "aws_kms_key.key": "create",
    });
  });

  test("what is gone already is destroyed without an error", async () => {
    await apply(folder, world(AT_HOME));
    const keyId = folder.text("aws_kms_key.all", "id");
    const { store } = folder;
    for (const region of [HERE.region, WEST]) {
      for (const kind of [EVENT_ARCHIVES, EVENT_BUSES, EVENT_RULES, KMS_KEYS, QUEUES]) {
        for (const [id] of store.list<unknown>(kind, region)) {
          store.remove<unknown>(kind, region, id);
        }
      }
    }
    const iam = new Iam(folder.aws);
    await iam.deleteRolePolicy("pusher", "put");
    await iam.deleteRole("pusher");
    await new Kms(folder.aws, HERE).deleteAlias("alias/orders");
    expect(store.get(KMS_KEYS, HERE.region, keyId)).toBeUndefined();

    const destroyed = await folder.apply("-destroy", "-refresh=false");
    expect(destroyed).toMatchObject({ code: 0, problems: [] });
    expect(destroyed.changes).toEqual({ ...NOTHING, remove: ALL.length });
    expect(folder.state).toEqual({});
  });

  test("a key that waits already is not scheduled again", async () => {
    await apply(folder, { "aws_kms_key.key": { deletion_window_in_days: 30 } });
    const keyId = folder.text("aws_kms_key.key", "id");
    await new Kms(folder.aws, HERE).scheduleKeyDeletion(keyId, 7);
    const before = folder.store.get(KMS_KEYS, HERE.region, keyId);
    expect(await folder.apply("-destroy", "-refresh=false")).toMatchObject({
      code: 0,
      problems: [],
    });
    expect(folder.store.get(KMS_KEYS, HERE.region, keyId)).toEqual(before);
  });
});

test.each([
  ["NotFoundException", "Key 'key' does not exist", 0],
  ["KMSInvalidStateException", "key is pending deletion.", 0],
  ["KMSInvalidStateException", "key is creating.", 1],
  ["DependencyTimeoutException", "key is pending deletion.", 1],
])("a key whose deletion KMS refuses with %s: %s", async (code, reason, exit) => {
  await apply(folder, { "aws_kms_key.key": {} });
  const keyId = folder.text("aws_kms_key.key", "id");
  const schedule = jest
    .spyOn(Kms.prototype, "scheduleKeyDeletion")
    .mockRejectedValueOnce(new AwsError(code, reason));
  const destroyed = await folder.apply("-destroy", "-refresh=false");
  schedule.mockRestore();
  expect(destroyed.code).toBe(exit);
  expect(refusals(destroyed)).toEqual(
    exit === 0 ? {} : { "": `deleting KMS Key (${keyId}): ${code}: ${reason}` },
  );
});

describe("faults", () => {
  const BUS: Resources = { "aws_cloudwatch_event_bus.orders": { name: "orders" } };
  const KEY: Resources = { "aws_kms_key.key": { enable_key_rotation: true } };
  const keys = () => folder.store.list(KMS_KEYS, HERE.region).map(([, key]) => key);
  const operations = () => folder.calls.map(({ operation }) => operation);

  test("latency delays the calls and nothing else", async () => {
    folder.provider({ faults: { latencyMs: 2 } });
    await apply(folder, BUS);
    expect(operations()).toEqual(["EventBridge: CreateEventBus", "EventBridge: DescribeEventBus"]);
  });

  test("25 throttled attempts are survived, 26 are not", async () => {
    folder.provider({ faults: { throttledAttempts: 25 } });
    await apply(folder, BUS);
    folder.provider({ faults: { throttledAttempts: 26 } });
    expect(refusals(await folder.plan())).toEqual({
      "aws_cloudwatch_event_bus.orders":
        "reading EventBridge Event Bus (orders): operation error EventBridge: DescribeEventBus, ThrottlingException: Rate exceeded, 26 attempts",
    });
  });

  test("an error of the first change leaves nothing", async () => {
    folder.provider({ faults: { failChange: 1 } });
    expect(refusals(await folder.write(KEY).apply())).toEqual({
      "aws_kms_key.key":
        "creating KMS Key: operation error KMS: CreateKey, InternalFailure: the sandbox was told to fail",
    });
    expect(folder.state).toEqual({});
    expect(keys()).toEqual([]);
  });

  test("a key whose rotation fails is tainted, and replaced by the next apply", async () => {
    folder.provider({ faults: { failChange: 2 } });
    const refused = refusals(await folder.write(KEY).apply());
    const keyId = folder.text("aws_kms_key.key", "id");
    expect(refused).toEqual({
      "aws_kms_key.key": `enabling KMS Key (${keyId}) rotation: operation error KMS: EnableKeyRotation, InternalFailure: the sandbox was told to fail`,
    });
    expect(folder.state["aws_kms_key.key"]?.tainted).toBe(true);

    folder.provider({});
    const applied = await folder.apply();
    expect(applied.actions).toEqual(["replace aws_kms_key.key"]);
    expect(applied.changes).toEqual({ ...NOTHING, add: 1, remove: 1 });
    expect(folder.state["aws_kms_key.key"]?.tainted).toBe(false);
    expect(folder.text("aws_kms_key.key", "id")).not.toBe(keyId);
    expect(Object.fromEntries(keys().map((key) => [key.keyId, keyStateOf(key)]))).toEqual({
      [keyId]: "PendingDeletion",
      [folder.text("aws_kms_key.key", "id")]: "Enabled",
    });
  });

  test("an update that fails leaves the state as it was, and goes on with the next apply", async () => {
    await apply(folder, BUS);
    const changed = { "aws_cloudwatch_event_bus.orders": { name: "orders", description: "mine" } };
    folder.provider({ faults: { failChange: 1 } });
    expect(refusals(await folder.write(changed).apply())).toEqual({
      "aws_cloudwatch_event_bus.orders":
        "updating EventBridge Event Bus (orders): operation error EventBridge: UpdateEventBus, InternalFailure: the sandbox was told to fail",
    });
    expect(folder.state["aws_cloudwatch_event_bus.orders"]).toMatchObject({
      attributes: { description: null },
      tainted: false,
    });
    folder.provider({});
    expect((await folder.apply()).changes).toEqual({ ...NOTHING, change: 1 });
  });

  test("a destruction that fails leaves the resource in the state", async () => {
    await apply(folder, BUS);
    folder.provider({ faults: { failChange: 1 } });
    // Terraform does not say which resource a destruction was about.
    expect(refusals(await folder.destroy())).toEqual({
      "": "deleting EventBridge Event Bus (orders): operation error EventBridge: DeleteEventBus, InternalFailure: the sandbox was told to fail",
    });
    expect(Object.keys(folder.state)).toEqual(Object.keys(BUS));
  });

  test("a call that fails is told in the provider's words", async () => {
    const key = (changes: object = {}) => ({ multi_region: true, ...changes });
    const before: Resources = {
      ...world(AT_HOME),
      "aws_kms_key.description": key(),
      "aws_kms_key.policy": key(),
      "aws_kms_key.rotation": key(),
      "aws_kms_key.no_rotation": key({ enable_key_rotation: true }),
      "aws_kms_key.enabled": key({ is_enabled: false }),
      "aws_kms_key.disabled": key(),
      "aws_kms_key.tags": key(),
      "aws_iam_role.description": { name: "described", assume_role_policy: TRUST },
      "aws_iam_role.session": { name: "session", assume_role_policy: TRUST },
      "aws_iam_role.tags": { name: "tagged", assume_role_policy: TRUST },
      "aws_iam_role.boundary": { name: "bound", assume_role_policy: TRUST },
      "aws_iam_role.no_boundary": {
        name: "unbound",
        assume_role_policy: TRUST,
        permissions_boundary: "arn:aws:iam::111122223333:policy/boundary",
      },
      "aws_sqs_queue.tags": { name: "tagged" },
      "aws_sqs_queue.delay": { name: "delayed" },
    };
    await apply(folder, before);
    const keyArns = new Map<string, string>();
    for (const address of Object.keys(before).filter((name) => name.startsWith("aws_kms_key."))) {
      keyArns.set(address.replace("aws_kms_key.", ""), folder.text(address, "arn"));
      await new Kms(folder.aws, HERE).scheduleKeyDeletion(folder.text(address, "id"), 7);
    }
    await new Kms(folder.aws, { ...HERE, region: WEST }).scheduleKeyDeletion(
      folder.text("aws_kms_replica_key.all", "id"),
      7,
    );
    await new Kms(folder.aws, HERE).deleteAlias("alias/orders");
    const { store } = folder;
    for (const kind of [EVENT_BUSES, EVENT_RULES, QUEUES]) {
      for (const [id] of store.list<unknown>(kind, HERE.region)) {
        store.remove<unknown>(kind, HERE.region, id);
      }
    }
    for (const [name] of store.list(IAM_ROLES, undefined)) {
      store.remove(IAM_ROLES, undefined, name);
    }

    const policy = (text: string) => text.replace('"Effect"', '"Sid":"Changed","Effect"');
    const changes: Resources = {
      "aws_kms_key.description": { description: "mine" },
      "aws_kms_key.policy": { policy: policy(KEY_POLICY) },
      "aws_kms_key.rotation": { enable_key_rotation: true },
      "aws_kms_key.no_rotation": { enable_key_rotation: false },
      "aws_kms_key.enabled": { is_enabled: true },
      "aws_kms_key.disabled": { is_enabled: false },
      "aws_kms_key.tags": { tags: { team: "a" } },
      "aws_kms_replica_key.all": { policy: policy(KEY_POLICY) },
      "aws_kms_alias.all": { target_key_id: keyArns.get("tags") },
      "aws_cloudwatch_event_bus.all": { tags: { team: "a" } },
      "aws_cloudwatch_event_bus_policy.all": { policy: policy(BUS_POLICY) },
      "aws_cloudwatch_event_rule.all": { description: "mine" },
      "aws_cloudwatch_event_target.all": { input: "{}" },
      "aws_iam_role.all": { assume_role_policy: policy(TRUST) },
      "aws_iam_role.description": { description: "mine" },
      "aws_iam_role.session": { max_session_duration: 7200 },
      "aws_iam_role.tags": { tags: { team: "a" } },
      "aws_iam_role.boundary": {
        permissions_boundary: "arn:aws:iam::111122223333:policy/boundary",
      },
      "aws_iam_role.no_boundary": { permissions_boundary: null },
      "aws_iam_role_policy.all": { policy: policy(ROLE_POLICY) },
      "aws_sqs_queue.delay": { delay_seconds: 5 },
      "aws_sqs_queue.tags": { tags: { team: "a" } },
      "aws_sqs_queue_policy.all": { policy: policy(QUEUE_POLICY) },
    };
    const busArn = "arn:aws:events:eu-central-1:111122223333:event-bus/orders";
    const url = (name: string) => `https://sqs.eu-central-1.amazonaws.com/111122223333/${name}`;
    const references: Resources = {
      "aws_kms_replica_key.all": { primary_key_arn: keyArns.get("all") },
      "aws_cloudwatch_event_bus_policy.all": { event_bus_name: "orders" },
      "aws_cloudwatch_event_archive.all": { event_source_arn: busArn },
      "aws_cloudwatch_event_rule.all": { event_bus_name: "orders" },
      "aws_cloudwatch_event_target.all": {
        event_bus_name: "orders",
        rule: "paid",
        arn: "arn:aws:sqs:eu-central-1:111122223333:orders",
      },
      "aws_iam_role_policy.all": { role: "pusher" },
      "aws_sqs_queue_policy.all": { queue_url: url("orders") },
    };
    folder.write(
      Object.fromEntries(
        Object.entries(before).map(([to, block]) => [
          to,
          // Without references, so that no failure keeps another from happening.
          { ...block, ...references[to], ...changes[to] },
        ]),
      ),
    );
    const result = refusals(await folder.apply("-refresh=false"));

    const failed = (kms: string, doing: (title: string) => string, operation: string) => {
      const arn = keyArns.get(kms) ?? "";
      return `${doing(`KMS Key (${arn.split("/").at(-1)})`)}: operation error KMS: ${operation}, KMSInvalidStateException: ${arn} is pending deletion.`;
    };
    const noRole = (name: string) => `NoSuchEntity: The role with name ${name} cannot be found.`;
    const noBus = "ResourceNotFoundException: Event bus orders does not exist.";
    const noQueue = "AWS.SimpleQueueService.NonExistentQueue: The specified queue does not exist.";
    const replicaArn = (keyArns.get("all") ?? "").replace(HERE.region, WEST);
    expect(result).toEqual({
      "aws_kms_key.description": failed(
        "description",
        (key) => `updating ${key} description`,
        "UpdateKeyDescription",
      ),
      "aws_kms_key.policy": failed("policy", (key) => `updating ${key} policy`, "PutKeyPolicy"),
      "aws_kms_key.rotation": failed(
        "rotation",
        (key) => `enabling ${key} rotation`,
        "EnableKeyRotation",
      ),
      "aws_kms_key.no_rotation": failed(
        "no_rotation",
        (key) => `disabling ${key} rotation`,
        "DisableKeyRotation",
      ),
      "aws_kms_key.enabled": failed("enabled", (key) => `enabling ${key}`, "EnableKey"),
      "aws_kms_key.disabled": failed("disabled", (key) => `disabling ${key}`, "DisableKey"),
      "aws_kms_key.tags": failed(
        "tags",
        (key) => `updating tags for ${key.replace("KMS", "KMS (Key Management)")}`,
        "TagResource",
      ),
      "aws_kms_replica_key.all": `updating KMS Replica Key (${replicaArn.split("/").at(-1)}) policy: operation error KMS: PutKeyPolicy, KMSInvalidStateException: ${replicaArn} is pending deletion.`,
      "aws_kms_alias.all":
        "updating KMS Alias (alias/orders): operation error KMS: UpdateAlias, NotFoundException: Alias arn:aws:kms:eu-central-1:111122223333:alias/orders is not found.",
      "aws_cloudwatch_event_bus.all": `updating tags for EventBridge Event Bus (${busArn}): operation error EventBridge: TagResource, ResourceNotFoundException: Event bus orders does not exist.`,
      "aws_cloudwatch_event_bus_policy.all": `creating EventBridge Event Bus (orders) Policy: operation error EventBridge: PutPermission, ${noBus}`,
      "aws_cloudwatch_event_rule.all": `updating EventBridge Rule (orders/paid): operation error EventBridge: PutRule, ${noBus}`,
      "aws_cloudwatch_event_target.all": `updating EventBridge Target (orders-paid-queue): operation error EventBridge: PutTargets, ${noBus}`,
      "aws_iam_role.all": `updating IAM Role (pusher) assume role policy: operation error IAM: UpdateAssumeRolePolicy, ${noRole("pusher")}`,
      "aws_iam_role.description": `updating IAM Role (described) description: operation error IAM: UpdateRoleDescription, ${noRole("described")}`,
      "aws_iam_role.session": `updating IAM Role (session) MaxSessionDuration: operation error IAM: UpdateRole, ${noRole("session")}`,
      "aws_iam_role.tags": `updating tags for IAM (Identity & Access Management) Role (tagged): operation error IAM: TagRole, ${noRole("tagged")}`,
      "aws_iam_role.boundary": `updating IAM Role (bound) permissions boundary: operation error IAM: PutRolePermissionsBoundary, ${noRole("bound")}`,
      "aws_iam_role.no_boundary": `deleting IAM Role (unbound) permissions boundary: operation error IAM: DeleteRolePermissionsBoundary, ${noRole("unbound")}`,
      "aws_iam_role_policy.all": `putting IAM Role (pusher) Policy (put): operation error IAM: PutRolePolicy, ${noRole("pusher")}`,
      "aws_sqs_queue.delay": `updating SQS Queue (${url("delayed")}) attributes: operation error SQS: SetQueueAttributes, ${noQueue}`,
      "aws_sqs_queue.tags": `updating tags for SQS (Simple Queue) Queue (${url("tagged")}): operation error SQS: TagQueue, ${noQueue}`,
      "aws_sqs_queue_policy.all": `setting SQS Queue (${url("orders")}) attribute (Policy): operation error SQS: SetQueueAttributes, ${noQueue}`,
    });
  });

  const REPLICATED: Resources = {
    "aws_kms_key.key": { multi_region: true },
    "aws_kms_replica_key.key": { primary_key_arn: "${aws_kms_key.key.arn}", region: WEST },
  };

  test.each([
    ["a key", { "aws_kms_key.key": {} }, "KMS: DescribeKey"],
    ["a rotating key", KEY, "KMS: EnableKeyRotation"],
  ])("%s that is not found 19 times is waited for", async (_, resources, repeated) => {
    folder.provider({ faults: { newKeyUnseenReads: 19 } });
    await apply(folder, resources);
    expect(operations().filter((operation) => operation === repeated).length).toBeGreaterThan(19);
    await expectNoChanges(folder);
  });

  test("a key that is not found 20 times is given up, tainted", async () => {
    folder.provider({ faults: { newKeyUnseenReads: 20 } });
    const result = refusals(await folder.write(REPLICATED).apply());
    const keyId = folder.text("aws_kms_key.key", "id");
    const arn = `arn:aws:kms:${HERE.region}:${HERE.account}:key/${keyId}`;
    expect(result).toEqual({
      "aws_kms_key.key": `reading KMS Key (${keyId}): operation error KMS: DescribeKey, NotFoundException: Key '${arn}' does not exist`,
    });
    expect(folder.state["aws_kms_key.key"]?.tainted).toBe(true);
    expect(folder.state["aws_kms_replica_key.key"]).toBeUndefined();
  });

  test("a provider that dies before a change leaves nothing", async () => {
    folder.provider({ faults: { dieBeforeChange: 1 } });
    const died = await folder.write(BUS).apply();
    expect(died.code).toBe(1);
    expect(died.problems.join("\n")).toContain("Plugin did not respond");
    expect(folder.state).toEqual({});
    expect(folder.store.get(EVENT_BUSES, HERE.region, "orders")).toBeUndefined();
    folder.provider({});
    await apply(folder, BUS);
  });

  test("a provider that dies after a change leaves an object that Terraform does not know", async () => {
    folder.provider({ faults: { dieAfterChange: 1 } });
    const died = await folder.write(BUS).apply();
    expect(died.code).toBe(1);
    expect(folder.state).toEqual({});
    expect(folder.store.get(EVENT_BUSES, HERE.region, "orders")).toMatchObject({ name: "orders" });

    folder.provider({});
    expect(refusals(await folder.apply())).toEqual({
      "aws_cloudwatch_event_bus.orders": expect.stringContaining(
        "Event bus orders already exists.",
      ),
    });
    const address = "aws_cloudwatch_event_bus.orders";
    expect(await folder.command("import", "-no-color", address, "orders")).toMatchObject({
      code: 0,
    });
    await expectNoChanges(folder);
  });
});
