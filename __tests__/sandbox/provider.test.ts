/** What the simulated provider makes of a configuration, through real Terraform. */
import type { AwsLocation } from "../../modules/partition";
import { EVENT_ARCHIVES, EVENT_BUSES, EVENT_RULES, Events } from "../../sandbox/aws/events";
import { Iam } from "../../sandbox/aws/iam";
import { KMS_KEYS, Kms } from "../../sandbox/aws/kms";
import { QUEUES, Sqs } from "../../sandbox/aws/sqs";
import { type Arguments, HERE, TerraformFolder } from "../helpers/terraform-folder";
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

let folder: TerraformFolder;
beforeEach(() => {
  folder = new TerraformFolder();
});
afterEach(() => folder.remove());

/** The same policy, spelled otherwise: elements and lists backwards, single values in lists. */
function respelled(policy: string): string {
  const json: unknown = JSON.parse(policy, (element, value: unknown) =>
    ["Version", "Effect"].includes(element) || element === ""
      ? value
      : Array.isArray(value)
        ? [...value].reverse()
        : typeof value === "string" && value !== "*"
          ? [value]
          : value,
  );
  return JSON.stringify(Object.fromEntries(Object.entries(json as Arguments).reverse()), null, 2);
}

/** The attributes in the state of some resources. */
function attributes(...addresses: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    addresses.map((address) => [address, folder.state[address]?.attributes]),
  );
}

describe("computed values", () => {
  const PLACES: readonly (readonly [AwsLocation, replicaRegion: string, suffix: string])[] = [
    [HERE, WEST, "amazonaws.com"],
    [
      { partition: "aws-cn", account: "444455556666", region: "cn-north-1" },
      "cn-northwest-1",
      "amazonaws.com.cn",
    ],
    [
      { partition: "aws-us-gov", account: "777788889999", region: "us-gov-west-1" },
      "us-gov-east-1",
      "amazonaws.com",
    ],
  ];

  test.each(PLACES)("are those of %j", async (at, replicaRegion, suffix) => {
    const { partition, account, region } = at;
    folder.remove();
    folder = new TerraformFolder(at);
    await apply(folder, { ...world([undefined, replicaRegion]), "aws_kms_key.single": {} });

    const keyId = folder.text("aws_kms_key.all", "key_id");
    expect(keyId).toMatch(/^mrk-[0-9a-f]{32}$/);
    expect(folder.text("aws_kms_key.single", "id")).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    const here = (service: string, resource: string) =>
      `arn:${partition}:${service}:${region}:${account}:${resource}`;
    const url = `https://sqs.${region}.${suffix}/${account}/orders`;
    const role = `arn:${partition}:iam::${account}:role/pusher`;
    expect(attributes(...ALL)).toMatchObject({
      "aws_kms_key.all": { id: keyId, arn: here("kms", `key/${keyId}`), region },
      "aws_kms_replica_key.all": {
        id: keyId,
        key_id: keyId,
        arn: `arn:${partition}:kms:${replicaRegion}:${account}:key/${keyId}`,
        primary_key_arn: here("kms", `key/${keyId}`),
        key_rotation_enabled: true,
        key_spec: "SYMMETRIC_DEFAULT",
        key_usage: "ENCRYPT_DECRYPT",
        region: replicaRegion,
      },
      "aws_kms_alias.all": {
        id: "alias/orders",
        arn: here("kms", "alias/orders"),
        target_key_arn: here("kms", `key/${keyId}`),
      },
      "aws_cloudwatch_event_bus.all": { id: "orders", arn: here("events", "event-bus/orders") },
      "aws_cloudwatch_event_bus_policy.all": { id: "orders" },
      "aws_cloudwatch_event_archive.all": { id: "orders", arn: here("events", "archive/orders") },
      "aws_cloudwatch_event_rule.all": {
        id: "orders/paid",
        arn: here("events", "rule/orders/paid"),
      },
      "aws_cloudwatch_event_target.all": { id: "orders-paid-queue", arn: here("sqs", "orders") },
      "aws_iam_role.all": {
        id: "pusher",
        arn: role,
        unique_id: expect.stringMatching(/^AROA[0-9A-F]{17}$/),
        create_date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      },
      "aws_iam_role_policy.all": { id: "pusher:put" },
      "aws_sqs_queue.all": { id: url, url, arn: here("sqs", "orders"), region },
      "aws_sqs_queue_policy.all": { id: url },
    });
  });

  test("the data source tells who is calling", async () => {
    await apply(
      folder,
      {},
      {
        blocks: {
          data: { aws_caller_identity: { me: {} } },
          output: { me: { value: "${data.aws_caller_identity.me}" } },
        },
      },
    );
    expect(JSON.parse((await folder.command("output", "-json", "me")).text)).toEqual({
      account_id: HERE.account,
      arn: `arn:aws:sts::${HERE.account}:assumed-role/deploy/keyspan-sandbox`,
      id: HERE.account,
      user_id: expect.stringMatching(/^AROA[0-9A-F]{17}:keyspan-sandbox$/),
    });
  });
});

test("the provider fills in its defaults, and what AWS makes of the rest", async () => {
  await apply(folder, {
    "aws_kms_key.key": {},
    "aws_kms_key.primary": { multi_region: true },
    "aws_kms_key.rotating": { enable_key_rotation: true },
    "aws_kms_replica_key.key": { primary_key_arn: "${aws_kms_key.primary.arn}", region: WEST },
    "aws_kms_alias.alias": { target_key_id: "${aws_kms_key.key.id}" },
    "aws_cloudwatch_event_bus.bus": { name: "orders" },
    "aws_cloudwatch_event_archive.archive": {
      name: "orders",
      event_source_arn: "${aws_cloudwatch_event_bus.bus.arn}",
    },
    "aws_cloudwatch_event_rule.rule": { event_pattern: PATTERN },
    "aws_cloudwatch_event_target.target": {
      rule: "${aws_cloudwatch_event_rule.rule.name}",
      arn: "${aws_sqs_queue.queue.arn}",
    },
    "aws_iam_role.role": { name_prefix: "push-", assume_role_policy: TRUST },
    "aws_sqs_queue.queue": {},
  });
  const madeUp = (prefix = "terraform-") => expect.stringMatching(`^${prefix}[0-9a-f]{26}$`);
  const rule = folder.text("aws_cloudwatch_event_rule.rule", "name");
  expect(attributes(...Object.keys(folder.state))).toMatchObject({
    "aws_kms_key.key": {
      bypass_policy_lockout_safety_check: false,
      customer_master_key_spec: "SYMMETRIC_DEFAULT",
      deletion_window_in_days: null,
      description: "",
      enable_key_rotation: false,
      is_enabled: true,
      key_usage: "ENCRYPT_DECRYPT",
      multi_region: false,
      policy: expect.stringContaining("Enable IAM User Permissions"),
      region: HERE.region,
      tags: null,
      tags_all: {},
    },
    "aws_kms_key.rotating": { rotation_period_in_days: 365 },
    "aws_kms_replica_key.key": {
      bypass_policy_lockout_safety_check: false,
      deletion_window_in_days: 30,
      enabled: true,
      key_rotation_enabled: false,
    },
    "aws_kms_alias.alias": { name: madeUp("alias/"), name_prefix: "alias/" },
    "aws_cloudwatch_event_bus.bus": {
      description: null,
      dead_letter_config: [],
      kms_key_identifier: null,
      log_config: [],
    },
    "aws_cloudwatch_event_archive.archive": {
      description: null,
      event_pattern: null,
      retention_days: null,
    },
    "aws_cloudwatch_event_rule.rule": {
      event_bus_name: "default",
      force_destroy: false,
      id: rule,
      name: madeUp(),
    },
    "aws_cloudwatch_event_target.target": {
      event_bus_name: "default",
      force_destroy: false,
      rule,
      target_id: madeUp(),
    },
    "aws_iam_role.role": {
      force_detach_policies: false,
      max_session_duration: 3600,
      name: madeUp("push-"),
      name_prefix: "push-",
      path: "/",
    },
    "aws_sqs_queue.queue": {
      content_based_deduplication: false,
      delay_seconds: 0,
      fifo_queue: false,
      kms_data_key_reuse_period_seconds: 300,
      max_message_size: 262_144,
      message_retention_seconds: 345_600,
      name: madeUp(),
      receive_wait_time_seconds: 0,
      sqs_managed_sse_enabled: true,
      visibility_timeout_seconds: 30,
    },
  });
  await expectNoChanges(folder);
});

describe("a change of the configuration", () => {
  test("replaces a resource where AWS cannot change it", async () => {
    await apply(folder, world(AT_HOME));
    expect(
      await plannedFor(
        folder,
        world(AT_HOME, {
          "aws_kms_key.all": {
            multi_region: false,
          },
          "aws_kms_alias.all": { name: "alias/others" },
          "aws_cloudwatch_event_bus.all": { name: "others" },
          "aws_cloudwatch_event_archive.all": { name: "others" },
          "aws_cloudwatch_event_rule.all": { name: "unpaid" },
          "aws_cloudwatch_event_target.all": { target_id: "other" },
          "aws_iam_role.all": { name: "putter", path: "/services/" },
          "aws_iam_role_policy.all": { name: "puts" },
          "aws_sqs_queue.all": { name: "orders.fifo", fifo_queue: true },
        }),
      ),
    ).toEqual({
      "aws_kms_key.all": "replace for multi_region",
      "aws_kms_replica_key.all": "replace for primary_key_arn",
      "aws_kms_alias.all": "replace for name",
      "aws_cloudwatch_event_bus.all": "replace for name",
      "aws_cloudwatch_event_bus_policy.all": "replace for event_bus_name",
      "aws_cloudwatch_event_archive.all": "replace for event_source_arn, name",
      "aws_cloudwatch_event_rule.all": "replace for event_bus_name, name",
      "aws_cloudwatch_event_target.all": "replace for event_bus_name, rule, target_id",
      "aws_iam_role.all": "replace for name, path",
      "aws_iam_role_policy.all": "replace for name, role",
      "aws_sqs_queue.all": "replace for fifo_queue, name",
      "aws_sqs_queue_policy.all": "replace for queue_url",
    });
  });

  test("of the region replaces everything that is in one", async () => {
    await apply(folder, world(AT_HOME));
    const moved = await plannedFor(folder, world(["eu-north-1", "eu-west-2"]));
    expect(moved).toEqual({
      "aws_kms_key.all": "replace for region",
      "aws_kms_replica_key.all": "replace for primary_key_arn, region",
      "aws_kms_alias.all": "replace for region",
      "aws_cloudwatch_event_bus.all": "replace for region",
      "aws_cloudwatch_event_bus_policy.all": "replace for region",
      "aws_cloudwatch_event_archive.all": "replace for event_source_arn, region",
      "aws_cloudwatch_event_rule.all": "replace for region",
      "aws_cloudwatch_event_target.all": "replace for region",
      "aws_sqs_queue.all": "replace for region",
      "aws_sqs_queue_policy.all": "replace for queue_url, region",
    });
    const provider = { region: "eu-north-1" };
    expect(await plannedFor(folder, world([undefined, "eu-west-2"]), { provider })).toEqual(moved);
    expect(await plannedFor(folder, world([HERE.region, WEST]), { provider })).toEqual({});
  });

  test("updates a resource in place where AWS can change it", async () => {
    await apply(folder, { ...world(AT_HOME), "aws_kms_key.single": {} });
    const statement = (policy: string) => policy.replace('"Effect"', '"Sid":"Changed","Effect"');
    const changed = {
      ...world(AT_HOME, {
        "aws_kms_key.all": {
          deletion_window_in_days: 8,
          description: "of orders",
          policy: statement(KEY_POLICY),
          rotation_period_in_days: 180,
          tags: { team: "a" },
        },
        "aws_kms_replica_key.all": {
          deletion_window_in_days: 8,
          description: "of orders",
          enabled: false,
          policy: statement(KEY_POLICY),
          tags: { team: "a" },
        },
        "aws_kms_alias.all": { target_key_id: "${aws_kms_key.single.id}" },
        "aws_cloudwatch_event_bus.all": {
          dead_letter_config: [{ arn: "${aws_sqs_queue.all.arn}" }],
          description: "of orders",
          kms_key_identifier: "${aws_kms_key.all.arn}",
          log_config: [{ include_detail: "FULL", level: "ERROR" }],
          tags: { team: "a" },
        },
        "aws_cloudwatch_event_bus_policy.all": { policy: statement(BUS_POLICY) },
        "aws_cloudwatch_event_archive.all": {
          description: "of orders",
          event_pattern: JSON.stringify({ source: ["bank"] }),
          kms_key_identifier: "${aws_kms_key.all.arn}",
          retention_days: 7,
        },
        "aws_cloudwatch_event_rule.all": {
          description: "of orders",
          event_pattern: JSON.stringify({ source: ["bank"] }),
          role_arn: "${aws_iam_role.all.arn}",
          state: "DISABLED",
          tags: { team: "a" },
        },
        "aws_cloudwatch_event_target.all": {
          arn: "arn:aws:sqs:eu-west-1:111122223333:others",
          dead_letter_config: [{ arn: "${aws_sqs_queue.all.arn}" }],
          input_path: "$.detail",
          retry_policy: [{ maximum_event_age_in_seconds: 60, maximum_retry_attempts: 5 }],
          role_arn: "${aws_iam_role.all.arn}",
        },
        "aws_iam_role.all": {
          assume_role_policy: statement(TRUST),
          description: "puts",
          max_session_duration: 7200,
          permissions_boundary: "arn:aws:iam::111122223333:policy/boundary",
          tags: { team: "a" },
        },
        "aws_iam_role_policy.all": { policy: statement(ROLE_POLICY) },
        "aws_sqs_queue.all": {
          delay_seconds: 5,
          kms_master_key_id: "${aws_kms_key.all.arn}",
          message_retention_seconds: 60,
          sqs_managed_sse_enabled: false,
          tags: { team: "a" },
        },
        "aws_sqs_queue_policy.all": { policy: statement(QUEUE_POLICY) },
      }),
      "aws_kms_key.single": { enable_key_rotation: true, is_enabled: false },
    };
    expect(await plannedFor(folder, changed)).toEqual({
      "aws_kms_key.all":
        "update deletion_window_in_days, description, policy, rotation_period_in_days, tags, tags_all",
      "aws_kms_key.single": "update enable_key_rotation, is_enabled",
      "aws_kms_replica_key.all":
        "update deletion_window_in_days, description, enabled, policy, tags, tags_all",
      "aws_kms_alias.all": "update target_key_id",
      "aws_cloudwatch_event_bus.all":
        "update dead_letter_config, description, kms_key_identifier, log_config, tags, tags_all",
      "aws_cloudwatch_event_bus_policy.all": "update policy",
      "aws_cloudwatch_event_archive.all":
        "update description, event_pattern, kms_key_identifier, retention_days",
      "aws_cloudwatch_event_rule.all":
        "update description, event_pattern, role_arn, state, tags, tags_all",
      "aws_cloudwatch_event_target.all":
        "update arn, dead_letter_config, input_path, retry_policy, role_arn",
      "aws_iam_role.all":
        "update assume_role_policy, description, max_session_duration, permissions_boundary, tags, tags_all",
      "aws_iam_role_policy.all": "update policy",
      "aws_sqs_queue.all":
        "update delay_seconds, kms_master_key_id, message_retention_seconds, sqs_managed_sse_enabled, tags, tags_all",
      "aws_sqs_queue_policy.all": "update policy",
    });

    await apply(folder, changed);
    await expectNoChanges(folder);
    const keyId = folder.text("aws_kms_key.all", "id");
    const single = folder.text("aws_kms_key.single", "id");
    const { store } = folder;
    const { region } = HERE;
    expect(store.get(KMS_KEYS, region, keyId)).toMatchObject({
      description: "of orders",
      policy: statement(KEY_POLICY),
      rotationPeriodDays: 180,
      tags: { team: "a" },
    });
    expect(store.get(KMS_KEYS, region, single)).toMatchObject({
      enabled: false,
      rotationPeriodDays: 365,
    });
    expect(store.get(KMS_KEYS, WEST, keyId)).toMatchObject({ enabled: false, tags: { team: "a" } });
    expect(store.get(EVENT_BUSES, region, "orders")).toMatchObject({
      description: "of orders",
      kmsKeyIdentifier: folder.text("aws_kms_key.all", "arn"),
      logConfig: { includeDetail: "FULL", level: "ERROR" },
      policy: statement(BUS_POLICY),
      tags: { team: "a" },
    });
    expect(store.get(EVENT_ARCHIVES, region, "orders")).toMatchObject({ retentionDays: 7 });
    expect(store.get(EVENT_RULES, region, "orders/paid")).toMatchObject({
      state: "DISABLED",
      targets: { queue: { inputPath: "$.detail" } },
      tags: { team: "a" },
    });
    expect(store.get(QUEUES, region, "orders")?.attributes).toMatchObject({
      delaySeconds: 5,
      policy: statement(QUEUE_POLICY),
      sqsManagedSseEnabled: false,
    });

    // And back: what is left out again is taken away, but not what AWS computes.
    expect(await plannedFor(folder, { ...world(AT_HOME), "aws_kms_key.single": {} })).toEqual({
      "aws_kms_key.all": "update deletion_window_in_days, policy, tags, tags_all",
      "aws_kms_key.single": "update enable_key_rotation, is_enabled",
      "aws_kms_replica_key.all":
        "update deletion_window_in_days, description, enabled, policy, tags, tags_all",
      "aws_kms_alias.all": "update target_key_id",
      "aws_cloudwatch_event_bus.all":
        "update dead_letter_config, description, kms_key_identifier, log_config, tags, tags_all",
      "aws_cloudwatch_event_bus_policy.all": "update policy",
      "aws_cloudwatch_event_archive.all":
        "update description, event_pattern, kms_key_identifier, retention_days",
      "aws_cloudwatch_event_rule.all":
        "update description, event_pattern, role_arn, state, tags, tags_all",
      "aws_cloudwatch_event_target.all":
        "update arn, dead_letter_config, input_path, retry_policy, role_arn",
      "aws_iam_role.all":
        "update assume_role_policy, description, max_session_duration, permissions_boundary, tags, tags_all",
      "aws_iam_role_policy.all": "update policy",
      "aws_sqs_queue.all":
        "update delay_seconds, kms_master_key_id, message_retention_seconds, tags, tags_all",
      "aws_sqs_queue_policy.all": "update policy",
    });
    await apply(folder, { ...world(AT_HOME), "aws_kms_key.single": {} });
    await expectNoChanges(folder);
  });

  test("of the spelling alone is none", async () => {
    await apply(folder, world(AT_HOME));
    const pattern = JSON.stringify({ "detail-type": ["paid"], source: ["shop"] }, null, 1);
    const policy = (text: string) => ({ policy: respelled(text) });
    expect(
      await plannedFor(
        folder,
        world(AT_HOME, {
          "aws_kms_key.all": policy(KEY_POLICY),
          "aws_kms_replica_key.all": policy(KEY_POLICY),
          "aws_kms_alias.all": { target_key_id: "${aws_kms_key.all.arn}" },
          "aws_cloudwatch_event_bus_policy.all": policy(BUS_POLICY),
          "aws_cloudwatch_event_archive.all": { event_pattern: pattern },
          "aws_cloudwatch_event_rule.all": { event_pattern: pattern },
          "aws_iam_role.all": { assume_role_policy: respelled(TRUST) },
          "aws_iam_role_policy.all": policy(ROLE_POLICY),
          "aws_sqs_queue_policy.all": policy(QUEUE_POLICY),
        }),
      ),
    ).toEqual({});
  });
});

describe("tags", () => {
  const TAGGED = [
    "aws_kms_key.all",
    "aws_kms_replica_key.all",
    "aws_cloudwatch_event_bus.all",
    "aws_cloudwatch_event_rule.all",
    "aws_iam_role.all",
    "aws_sqs_queue.all",
  ];
  const tagged = world(
    AT_HOME,
    Object.fromEntries(TAGGED.map((address) => [address, { tags: { team: "a" } }])),
  );
  const defaults = (tags: Readonly<Record<string, string>>) => ({
    provider: { default_tags: [{ tags }] },
  });
  const everywhere = (what: string) => Object.fromEntries(TAGGED.map((address) => [address, what]));

  test("of the provider come on top of a resource's own, which win", async () => {
    await apply(folder, tagged, defaults({ team: "none", stage: "dev" }));
    const all = { team: "a", stage: "dev" };
    expect(attributes(...TAGGED)).toMatchObject(
      Object.fromEntries(
        TAGGED.map((address) => [address, { tags: { team: "a" }, tags_all: all }]),
      ),
    );
    expect(folder.store.get(EVENT_BUSES, HERE.region, "orders")?.tags).toEqual(all);
    await expectNoChanges(folder);

    const prod = defaults({ team: "none", stage: "prod" });
    expect(await plannedFor(folder, tagged, prod)).toEqual(everywhere("update tags_all"));
    await apply(folder, tagged, prod);
    expect(folder.store.get(QUEUES, HERE.region, "orders")?.tags).toEqual({
      team: "a",
      stage: "prod",
    });
    expect(await plannedFor(folder, tagged)).toEqual(everywhere("update tags_all"));
    await apply(folder, tagged);
    expect(folder.store.get(QUEUES, HERE.region, "orders")?.tags).toEqual({ team: "a" });
    await expectNoChanges(folder);
  });

  test("that somebody else has added or changed are seen, and taken back", async () => {
    await apply(folder, tagged, defaults({ stage: "dev" }));
    const { aws } = folder;
    const kms = new Kms(aws, HERE);
    const keyId = folder.text("aws_kms_key.all", "id");
    const queue = folder.text("aws_sqs_queue.all", "url");
    await kms.tagResource(keyId, { team: "a", stage: "dev", stray: "yes" });
    await new Sqs(aws, HERE).tagQueue(queue, { team: "b", stage: "dev" });
    await new Events(aws, HERE).tagResource(folder.text("aws_cloudwatch_event_bus.all", "arn"), {
      team: "a",
      stage: "prod",
    });
    await new Iam(aws).tagRole("pusher", { stage: "dev" });
    expect(await plannedFor(folder, tagged, defaults({ stage: "dev" }))).toEqual({
      "aws_kms_key.all": "update tags, tags_all",
      "aws_sqs_queue.all": "update tags, tags_all",
      "aws_cloudwatch_event_bus.all": "update tags_all",
      "aws_iam_role.all": "update tags, tags_all",
    });
    await apply(folder, tagged, defaults({ stage: "dev" }));
    expect((await kms.describeKey(keyId)).tags).toEqual({ team: "a", stage: "dev" });
    await expectNoChanges(folder);
  });
});
