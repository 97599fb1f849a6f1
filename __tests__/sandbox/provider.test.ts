/** What the simulated provider makes of a configuration, through real Terraform. */
import type { AwsLocation } from "../../modules/partition";
import { EVENT_ARCHIVES, EVENT_BUSES, EVENT_RULES, Events } from "../../sandbox/aws/events";
import { Iam } from "../../sandbox/aws/iam";
import { KMS_KEYS, Kms, keyStateOf } from "../../sandbox/aws/kms";
import { QUEUES, Sqs } from "../../sandbox/aws/sqs";
import {
  type Arguments,
  HERE,
  type Resources,
  refusals,
  TerraformFolder,
} from "../helpers/terraform-folder";

const WEST = "eu-west-1";
const NOTHING = { add: 0, change: 0, remove: 0, import: 0 };

let folder: TerraformFolder;
beforeEach(() => {
  folder = new TerraformFolder();
});
afterEach(() => folder.remove());

interface PolicyChanges {
  readonly Sid?: string;
  readonly Principal?: unknown;
  readonly Action: string;
  readonly Resource?: string;
}

function policyOf(changes: PolicyChanges): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", ...changes }],
  });
}

/** The same policy, spelled otherwise. */
function respelled(policy: string): string {
  const { Version, Statement } = JSON.parse(policy) as {
    readonly Version: string;
    readonly Statement: readonly Arguments[];
  };
  const backwards = Statement.map((one) => Object.fromEntries(Object.entries(one).reverse()));
  return JSON.stringify({ Statement: backwards, Version }, null, 2);
}

const SERVICE = { Service: "events.amazonaws.com" };
const TRUST = policyOf({ Action: "sts:AssumeRole", Principal: SERVICE });
const KEY_POLICY = policyOf({ Action: "kms:*", Principal: { AWS: "*" }, Resource: "*" });
const BUS_POLICY = policyOf({ Action: "events:PutEvents", Principal: "*", Resource: "*" });
const QUEUE_POLICY = policyOf({ Action: "sqs:SendMessage", Principal: SERVICE, Resource: "*" });
const ROLE_POLICY = policyOf({ Action: "events:PutEvents", Resource: "*" });
const PATTERN = JSON.stringify({ source: ["shop"], "detail-type": ["paid"] });

/**
 * One resource of each type.
 *
 * @param regions - of all but the replica key, and of that
 * @param changes - arguments to add, by address
 */
function world(
  [region, replicaRegion]: readonly [region: string | undefined, replicaRegion: string],
  changes: Resources = {},
): Resources {
  const blocks: Resources = {
    "aws_kms_key.all": {
      region,
      multi_region: true,
      deletion_window_in_days: 7,
      enable_key_rotation: true,
      policy: KEY_POLICY,
    },
    "aws_kms_replica_key.all": {
      region: replicaRegion,
      primary_key_arn: "${aws_kms_key.all.arn}",
      deletion_window_in_days: 7,
      policy: KEY_POLICY,
    },
    "aws_kms_alias.all": {
      region,
      name: "alias/orders",
      target_key_id: "${aws_kms_key.all.key_id}",
    },
    "aws_cloudwatch_event_bus.all": { region, name: "orders" },
    "aws_cloudwatch_event_bus_policy.all": {
      region,
      event_bus_name: "${aws_cloudwatch_event_bus.all.name}",
      policy: BUS_POLICY,
    },
    "aws_cloudwatch_event_archive.all": {
      region,
      name: "orders",
      event_source_arn: "${aws_cloudwatch_event_bus.all.arn}",
      event_pattern: PATTERN,
    },
    "aws_cloudwatch_event_rule.all": {
      region,
      name: "paid",
      event_bus_name: "${aws_cloudwatch_event_bus.all.name}",
      event_pattern: PATTERN,
    },
    "aws_cloudwatch_event_target.all": {
      region,
      event_bus_name: "${aws_cloudwatch_event_bus.all.name}",
      rule: "${aws_cloudwatch_event_rule.all.name}",
      target_id: "queue",
      arn: "${aws_sqs_queue.all.arn}",
    },
    "aws_iam_role.all": { name: "pusher", assume_role_policy: TRUST },
    "aws_iam_role_policy.all": {
      name: "put",
      role: "${aws_iam_role.all.name}",
      policy: ROLE_POLICY,
    },
    "aws_sqs_queue.all": { region, name: "orders" },
    "aws_sqs_queue_policy.all": {
      region,
      queue_url: "${aws_sqs_queue.all.url}",
      policy: QUEUE_POLICY,
    },
  };
  return Object.fromEntries(
    Object.entries(blocks).map(([address, block]) => [address, { ...block, ...changes[address] }]),
  );
}

const AT_HOME = [undefined, WEST] as const;
const ALL = Object.keys(world(AT_HOME));

/** Applies a configuration that is accepted as a whole. */
async function apply(
  resources: Resources,
  surroundings?: Parameters<TerraformFolder["write"]>[1],
): Promise<void> {
  const { code, problems } = await folder.write(resources, surroundings).apply();
  expect({ code, problems }).toEqual({ code: 0, problems: [] });
}

async function expectNoChanges(): Promise<void> {
  const { code, problems, actions } = await folder.plan();
  expect({ code, problems, actions }).toEqual({ code: 0, problems: [], actions: [] });
}

/** What a configuration would change, in one text per resource. */
async function plannedFor(
  resources: Resources,
  surroundings?: Parameters<TerraformFolder["write"]>[1],
): Promise<Readonly<Record<string, string>>> {
  const { code, problems } = await folder.write(resources, surroundings).plan();
  expect({ code, problems }).toEqual({ code: 0, problems: [] });
  return Object.fromEntries(
    Object.entries(await folder.planned()).map(([address, { action, changed, replacing }]) => [
      address,
      action === "update"
        ? `update ${changed.join(", ")}`
        : replacing.length === 0
          ? action
          : `replace for ${[...replacing].sort().join(", ")}`,
    ]),
  );
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
    await apply({ ...world([undefined, replicaRegion]), "aws_kms_key.single": {} });

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
  await apply({
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
  await expectNoChanges();
});

describe("a change of the configuration", () => {
  test("replaces a resource where AWS cannot change it", async () => {
    await apply(world(AT_HOME));
    expect(
      await plannedFor(
        world(AT_HOME, {
          "aws_kms_key.all": {
            customer_master_key_spec: "RSA_2048",
            key_usage: "SIGN_VERIFY",
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
      "aws_kms_key.all": "replace for customer_master_key_spec, key_usage, multi_region",
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
    await apply(world(AT_HOME));
    const moved = await plannedFor(world(["eu-north-1", "eu-west-2"]));
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
    expect(await plannedFor(world([undefined, "eu-west-2"]), { provider })).toEqual(moved);
    expect(await plannedFor(world([HERE.region, WEST]), { provider })).toEqual({});
  });

  test("updates a resource in place where AWS can change it", async () => {
    await apply({ ...world(AT_HOME), "aws_kms_key.single": {} });
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
    expect(await plannedFor(changed)).toEqual({
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

    await apply(changed);
    await expectNoChanges();
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
    expect(await plannedFor({ ...world(AT_HOME), "aws_kms_key.single": {} })).toEqual({
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
    await apply({ ...world(AT_HOME), "aws_kms_key.single": {} });
    await expectNoChanges();
  });

  test("of the spelling alone is none", async () => {
    await apply(world(AT_HOME));
    const pattern = JSON.stringify({ "detail-type": ["paid"], source: ["shop"] }, null, 1);
    const policy = (text: string) => ({ policy: respelled(text) });
    expect(
      await plannedFor(
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
    await apply(tagged, defaults({ team: "none", stage: "dev" }));
    const all = { team: "a", stage: "dev" };
    expect(attributes(...TAGGED)).toMatchObject(
      Object.fromEntries(
        TAGGED.map((address) => [address, { tags: { team: "a" }, tags_all: all }]),
      ),
    );
    expect(folder.store.get(EVENT_BUSES, HERE.region, "orders")?.tags).toEqual(all);
    await expectNoChanges();

    const prod = defaults({ team: "none", stage: "prod" });
    expect(await plannedFor(tagged, prod)).toEqual(everywhere("update tags_all"));
    await apply(tagged, prod);
    expect(folder.store.get(QUEUES, HERE.region, "orders")?.tags).toEqual({
      team: "a",
      stage: "prod",
    });
    expect(await plannedFor(tagged)).toEqual(everywhere("update tags_all"));
    await apply(tagged);
    expect(folder.store.get(QUEUES, HERE.region, "orders")?.tags).toEqual({ team: "a" });
    await expectNoChanges();
  });

  test("that somebody else has added or changed are seen, and taken back", async () => {
    await apply(tagged, defaults({ stage: "dev" }));
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
    expect(await plannedFor(tagged, defaults({ stage: "dev" }))).toEqual({
      "aws_kms_key.all": "update tags, tags_all",
      "aws_sqs_queue.all": "update tags, tags_all",
      "aws_cloudwatch_event_bus.all": "update tags_all",
      "aws_iam_role.all": "update tags, tags_all",
    });
    await apply(tagged, defaults({ stage: "dev" }));
    expect((await kms.describeKey(keyId)).tags).toEqual({ team: "a", stage: "dev" });
    await expectNoChanges();
  });
});

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
    await apply(world(regions));
    const ids = importIds();
    await folder.command("state", "rm", ...ALL);
    expect(folder.state).toEqual({});

    const imports = Object.entries(ids).map(([to, id]) => ({ to, id: `${id}${suffix(to)}` }));
    // A deletion window is asked for only when a key is deleted, so AWS does not know it before. An
    // archive that keeps its events for ever is imported with 0 days, which is not none.
    expect(await plannedFor(world(regions), { blocks: { import: imports } })).toEqual({
      "aws_cloudwatch_event_archive.all": "update retention_days",
      "aws_kms_key.all": "update deletion_window_in_days",
      "aws_kms_replica_key.all": "update deletion_window_in_days",
    });
    const applied = await folder.apply();
    expect(applied).toMatchObject({ code: 0, problems: [] });
    expect(applied.changes).toEqual({ ...NOTHING, change: 3, import: ALL.length });
    await expectNoChanges();
    expect(importIds()).toEqual(ids);
  });

  test("works from the command line too; a role may have an @ in its name", async () => {
    const role = { name: "pusher@eu-west-1", assume_role_policy: TRUST };
    const resources = {
      "aws_cloudwatch_event_bus.all": { name: "orders" },
      "aws_iam_role.all": role,
    };
    await apply(resources);
    for (const [address, id] of [
      ["aws_cloudwatch_event_bus.all", `orders@${HERE.region}`],
      ["aws_iam_role.all", role.name],
    ] as const) {
      await folder.command("state", "rm", address);
      expect(await folder.command("import", "-no-color", address, id)).toMatchObject({ code: 0 });
    }
    await expectNoChanges();
  });

  test("of what is not there is refused", async () => {
    await apply(world(AT_HOME));
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
      "aws_kms_replica_key.all": { primary_key_arn: "none" },
      "aws_kms_alias.all": { target_key_id: "none" },
      "aws_cloudwatch_event_bus_policy.all": { event_bus_name: "orders" },
      "aws_cloudwatch_event_archive.all": { event_source_arn: "none" },
      "aws_cloudwatch_event_rule.all": { event_bus_name: "orders" },
      "aws_cloudwatch_event_target.all": { event_bus_name: "orders", rule: "paid", arn: "none" },
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
    await apply(world(AT_HOME));
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
    await apply(resources);
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

    expect(await plannedFor(resources)).toEqual({
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

    await apply(resources);
    await expectNoChanges();
  });

  test("a key that waits for its deletion is gone to Terraform", async () => {
    await apply({ "aws_kms_key.key": {} });
    const keyId = folder.text("aws_kms_key.key", "id");
    await new Kms(folder.aws, HERE).scheduleKeyDeletion(keyId, 7);
    expect(await plannedFor({ "aws_kms_key.key": {} })).toEqual({ "aws_kms_key.key": "create" });
  });

  test("what is gone already is destroyed without an error", async () => {
    await apply(world(AT_HOME));
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
    await apply({ "aws_kms_key.key": { deletion_window_in_days: 30 } });
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

describe("faults", () => {
  const BUS: Resources = { "aws_cloudwatch_event_bus.orders": { name: "orders" } };
  const KEY: Resources = { "aws_kms_key.key": { enable_key_rotation: true } };
  const keys = () => folder.store.list(KMS_KEYS, HERE.region).map(([, key]) => key);
  const operations = () => folder.calls.map(({ operation }) => operation);

  test("latency delays the calls and nothing else", async () => {
    folder.provider({ faults: { latencyMs: 2 } });
    await apply(BUS);
    expect(operations()).toEqual(["EventBridge: CreateEventBus", "EventBridge: DescribeEventBus"]);
  });

  test("25 throttled attempts are survived, 26 are not", async () => {
    folder.provider({ faults: { throttledAttempts: 25 } });
    await apply(BUS);
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
    expect(refusals(await folder.write(KEY).apply())).toEqual({
      "aws_kms_key.key":
        "creating KMS Key: operation error KMS: EnableKeyRotation, InternalFailure: the sandbox was told to fail",
    });
    const keyId = folder.text("aws_kms_key.key", "id");
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
    await apply(BUS);
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
    await apply(BUS);
    folder.provider({ faults: { failChange: 1 } });
    // Terraform does not say which resource a destruction was about.
    expect(refusals(await folder.destroy())).toEqual({
      "": "deleting EventBridge Event Bus (orders): operation error EventBridge: DeleteEventBus, InternalFailure: the sandbox was told to fail",
    });
    expect(Object.keys(folder.state)).toEqual(Object.keys(BUS));
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
    await apply(resources);
    expect(operations().filter((operation) => operation === repeated).length).toBeGreaterThan(19);
    await expectNoChanges();
  });

  test("a key that is not found 20 times is given up, tainted", async () => {
    folder.provider({ faults: { newKeyUnseenReads: 20 } });
    const result = refusals(await folder.write(REPLICATED).apply());
    const arn = `arn:aws:kms:${HERE.region}:${HERE.account}:key/${folder.text("aws_kms_key.key", "id")}`;
    expect(result).toEqual({
      "aws_kms_key.key": `creating KMS Key: operation error KMS: DescribeKey, NotFoundException: Key '${arn}' does not exist`,
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
    await apply(BUS);
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
    await expectNoChanges();
  });
});
