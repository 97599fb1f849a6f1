import { App } from "cdktf";
import { loadLedger } from "../../config/ledger";
import { buildStacks } from "../../stacks/define-stacks";
import { SMALL_ACCOUNT } from "../helpers/sandbox-project";
import {
  accountFrom,
  allResources,
  FIXTURE_ACCOUNTS,
  type StackJson,
  stackOf,
  synthAccount,
  synthConfig,
} from "../helpers/synth";

/** The small account: home region eu-west-1, and eu-central-1. */
const notificationsOf = (yaml: string) => stackOf(synthConfig(accountFrom(yaml)), "notifications");
const small = notificationsOf(SMALL_ACCOUNT);
const full = stackOf(synthAccount(FIXTURE_ACCOUNTS, "full"), "notifications");

const addressesIn = (stack: StackJson, region: string) =>
  allResources({ stacks: [stack] })
    .filter(({ block }) => block.region === region)
    .map(({ type, name }) => `${type.replace("aws_", "")}.${name}`)
    .sort();

const keyOutput = (name: string) =>
  `\${data.terraform_remote_state.cross-stack-reference-input-keys.outputs.cross-stack-output-${name}}`;
const ALERTS_ELSEWHERE = keyOutput("aws_kms_replica_keyalerts_eu-central-1arn");

/** Rules of the default bus, without their common prefix. */
const FORWARDED = [
  "alarms",
  "canary",
  "failed-checks",
  "keyspan-events",
  "kms-calls",
  "kms-events",
  "path-touched",
  "proof-touched",
  "records-touched",
];

test("every region has the rules that forward, the checks, their schedules and alarms", () => {
  expect(addressesIn(small, "eu-central-1")).toEqual(
    [
      ...FORWARDED.flatMap((name) => [
        `cloudwatch_event_rule.forward-${name}_eu-central-1`,
        `cloudwatch_event_target.forward-${name}_eu-central-1_hub`,
      ]),
      ...["dead-letters", "sweep", "trail-check"].map(
        (name) => `cloudwatch_metric_alarm.${name}_eu-central-1`,
      ),
      ...["canary", "heartbeat", "sweep", "trail-check"].map(
        (name) => `scheduler_schedule.${name}_eu-central-1`,
      ),
      "scheduler_schedule_group.eu-central-1",
      "sfn_state_machine.sweep_eu-central-1",
      "sfn_state_machine.trail-check_eu-central-1",
      "sqs_queue.forward-dead-letter_eu-central-1",
      "sqs_queue_policy.forward-dead-letter_eu-central-1",
    ].sort(),
  );
});

test("a rule forwards to the hub, tries for a day, and keeps what it could not deliver", () => {
  const { aws_cloudwatch_event_rule: rules, aws_cloudwatch_event_target: targets } =
    small.resources;
  expect(rules?.["forward-kms-events_eu-central-1"]).toEqual({
    name: "keyspan-forward-kms-events",
    description: "What KMS itself says of a key: deleted, rotated, material expired",
    region: "eu-central-1",
    event_pattern:
      '{"source":["aws.kms"],"detail-type":["KMS CMK Deletion","KMS CMK Rotation","KMS Imported Key Material Expiration"]}',
  });
  expect(targets?.["forward-kms-events_eu-central-1_hub"]).toEqual({
    rule: "${aws_cloudwatch_event_rule.forward-kms-events_eu-central-1.name}",
    region: "eu-central-1",
    target_id: "hub",
    arn: "${aws_cloudwatch_event_bus.hub.arn}",
    role_arn: "${aws_iam_role.keyspan-forward-hub.arn}",
    retry_policy: { maximum_event_age_in_seconds: 86_400, maximum_retry_attempts: 185 },
    dead_letter_config: { arn: "${aws_sqs_queue.forward-dead-letter_eu-central-1.arn}" },
    // EventBridge tries no second time when it is not let.
    depends_on: expect.arrayContaining([
      "aws_iam_role_policy.keyspan-forward-hub",
      "aws_cloudwatch_event_bus_policy.hub",
    ]),
  });
  expect(small.resources.aws_sqs_queue?.["forward-dead-letter_eu-central-1"]).toEqual({
    name: "keyspan-dead-letter-forward",
    region: "eu-central-1",
    kms_master_key_id: ALERTS_ELSEWHERE,
    message_retention_seconds: 1_209_600,
  });
});

test("schedules begin once the rules forward", () => {
  const schedules = small.resources.aws_scheduler_schedule;
  const shared = {
    region: "eu-central-1",
    group_name: "${aws_scheduler_schedule_group.eu-central-1.name}",
    schedule_expression_timezone: "UTC",
    flexible_time_window: { mode: "OFF" },
  };
  const retry_policy = { maximum_event_age_in_seconds: 3600, maximum_retry_attempts: 10 };
  const after = (region: string) =>
    expect.arrayContaining([
      ...FORWARDED.map((name) => `aws_cloudwatch_event_target.forward-${name}_${region}_hub`),
      // Who counts the first heartbeat and canary, the trail that records it, and the roles' rights.
      `aws_cloudwatch_event_target.hub_heartbeat_${region}_log`,
      `aws_cloudwatch_event_target.hub_canary_${region}_log`,
      "aws_cloudtrail.keyspan",
      "aws_iam_role_policy.keyspan-put-events",
      "aws_iam_role_policy.keyspan-canary",
    ]);
  expect(schedules?.["heartbeat_eu-central-1"]).toEqual({
    ...shared,
    name: "keyspan-heartbeat",
    description: "Proves every hour that Keyspan's own events are forwarded",
    schedule_expression: "rate(1 hours)",
    depends_on: after("eu-central-1"),
    target: {
      arn: "arn:aws:events:eu-central-1:111122223333:event-bus/default",
      role_arn: "${aws_iam_role.keyspan-put-events.arn}",
      input: '{"region":"eu-central-1"}',
      eventbridge_parameters: { source: "keyspan.heartbeat", detail_type: "Keyspan Heartbeat" },
      retry_policy,
    },
  });
  expect(schedules?.["canary_eu-central-1"]).toEqual({
    ...shared,
    name: "keyspan-canary",
    description: "Proves every day that CloudTrail's events are forwarded: changes nothing",
    schedule_expression: "rate(1 days)",
    depends_on: after("eu-central-1"),
    target: {
      arn: "arn:aws:scheduler:::aws-sdk:kms:updateKeyDescription",
      role_arn: "${aws_iam_role.keyspan-canary.arn}",
      input: `{"KeyId":"${ALERTS_ELSEWHERE}","Description":"Keyspan: key alerts of account test"}`,
      retry_policy,
    },
  });
  expect(schedules?.["test-message_eu-west-1"]).toEqual({
    ...shared,
    region: "eu-west-1",
    group_name: "${aws_scheduler_schedule_group.eu-west-1.name}",
    name: "keyspan-test-message",
    description: "Sends a test message to everybody on the first of the month",
    schedule_expression: "cron(0 9 1 * ? *)",
    depends_on: after("eu-west-1"),
    target: {
      arn: "arn:aws:events:eu-west-1:111122223333:event-bus/default",
      role_arn: "${aws_iam_role.keyspan-put-events.arn}",
      input: "{}",
      eventbridge_parameters: { source: "keyspan.test", detail_type: "Keyspan Test Message" },
      retry_policy,
    },
  });
  expect(schedules?.["trail-check_eu-central-1"]).toMatchObject({
    schedule_expression: "rate(1 hours)",
    target: {
      arn: "${aws_sfn_state_machine.trail-check_eu-central-1.arn}",
      role_arn: "${aws_iam_role.keyspan-start-checks.arn}",
      input: "{}",
    },
  });
  expect(schedules?.["sweep_eu-central-1"]).toMatchObject({
    schedule_expression: "rate(1 days)",
    target: { arn: "${aws_sfn_state_machine.sweep_eu-central-1.arn}" },
  });
});

test("the canary writes what Terraform writes", () => {
  const synthesized = synthConfig(accountFrom(SMALL_ACCOUNT));
  const { description } =
    stackOf(synthesized, "keys").resources.aws_kms_replica_key?.["alerts_eu-central-1"] ?? {};
  const { target } =
    stackOf(synthesized, "notifications").resources.aws_scheduler_schedule?.[
      "canary_eu-central-1"
    ] ?? {};
  expect((target as { input: string }).input).toContain(`"Description":"${String(description)}"`);
});

test("a missing heartbeat or canary of any region sounds an alarm in the home region", () => {
  const alarms = small.resources.aws_cloudwatch_metric_alarm;
  const shared = {
    region: "eu-west-1",
    comparison_operator: "LessThanThreshold",
    threshold: 1,
    treat_missing_data: "breaching",
    alarm_actions: ["${aws_sns_topic.audit.arn}"],
  };
  const counted = (ruleName: string, period: number) => [
    { id: "counted", expression: "FILL(events, 0)", label: "counted", return_data: true },
    {
      id: "events",
      metric: {
        namespace: "AWS/Events",
        metric_name: "Invocations",
        dimensions: { EventBusName: "keyspan-hub", RuleName: ruleName },
        period,
        stat: "Sum",
      },
    },
  ];
  expect(alarms?.["heartbeat_eu-central-1"]).toEqual({
    ...shared,
    alarm_name: "keyspan-watch-heartbeat-eu-central-1",
    alarm_description:
      "Keyspan of account test: the heartbeat of eu-central-1 is missing, so Keyspan's own events do not arrive from there: nothing that happens to a KMS key there may be announced.",
    metric_query: counted("keyspan-heartbeat-eu-central-1", 5400),
    evaluation_periods: 1,
    depends_on: ["aws_scheduler_schedule.heartbeat_eu-central-1"],
  });
  expect(alarms?.["canary_eu-central-1"]).toEqual({
    ...shared,
    alarm_name: "keyspan-watch-canary-eu-central-1",
    alarm_description:
      "Keyspan of account test: the canary of eu-central-1 is missing, so CloudTrail's events do not arrive from there: a KMS key that is disabled or scheduled for deletion there may not be announced.",
    metric_query: counted("keyspan-canary-eu-central-1", 3600),
    evaluation_periods: 25,
    depends_on: ["aws_scheduler_schedule.canary_eu-central-1"],
  });
  // CloudWatch counts only for rules that have a target.
  expect(small.resources.aws_cloudwatch_event_target?.["hub_heartbeat_eu-central-1_log"]).toEqual({
    rule: "${aws_cloudwatch_event_rule.hub_heartbeat_eu-central-1.name}",
    event_bus_name: "${aws_cloudwatch_event_bus.hub.name}",
    region: "eu-west-1",
    target_id: "log",
    arn: "${aws_cloudwatch_log_group.beats.arn}",
    retry_policy: { maximum_event_age_in_seconds: 86_400, maximum_retry_attempts: 185 },
  });
});

test("an hour without a pulse sounds an alarm on both topics: nothing would be announced", () => {
  expect(small.resources.aws_scheduler_schedule?.["pulse_eu-west-1"]).toMatchObject({
    schedule_expression: "rate(1 hours)",
    target: {
      arn: "arn:aws:events:eu-west-1:111122223333:event-bus/default",
      eventbridge_parameters: { source: "keyspan.pulse", detail_type: "Keyspan Pulse" },
    },
  });
  expect(small.resources.aws_scheduler_schedule?.["pulse_eu-central-1"]).toBeUndefined();
  expect(small.resources.aws_cloudwatch_metric_alarm?.["announce-silent"]).toEqual({
    alarm_name: "keyspan-announce-silent",
    alarm_description:
      "Keyspan of account test: nothing has been announced for 90 minutes, not even the hourly pulse: no alert about any KMS key would arrive. Look at rule keyspan-announce of event bus keyspan-hub, its target and state machine keyspan-announce in eu-west-1; npm run deploy puts them back.",
    region: "eu-west-1",
    comparison_operator: "LessThanThreshold",
    threshold: 1,
    evaluation_periods: 1,
    treat_missing_data: "breaching",
    alarm_actions: ["${aws_sns_topic.alerts.arn}", "${aws_sns_topic.audit.arn}"],
    metric_query: [
      { id: "counted", expression: "FILL(events, 0)", label: "counted", return_data: true },
      {
        id: "events",
        metric: {
          namespace: "AWS/States",
          metric_name: "ExecutionsSucceeded",
          dimensions: { StateMachineArn: "${aws_sfn_state_machine.announce.arn}" },
          period: 5400,
          stat: "Sum",
        },
      },
    ],
    depends_on: ["aws_scheduler_schedule.pulse_eu-west-1"],
  });
});

test("alarms of other regions have no actions, those about announcing itself act on the topics", () => {
  const actions = Object.fromEntries(
    Object.values(small.resources.aws_cloudwatch_metric_alarm ?? {}).map(
      ({ alarm_name, alarm_actions = [] }) => [
        String(alarm_name).replace("keyspan-", ""),
        (alarm_actions as string[]).map((arn) => arn.split(".")[1]),
      ],
    ),
  );
  const regional = (region: string) =>
    Object.fromEntries(
      ["dead-letters", "sweep", "trail-check"].map((name) => [`watch-${name}-${region}`, []]),
    );
  const beats = (region: string) => ({
    [`watch-heartbeat-${region}`]: ["audit"],
    [`watch-canary-${region}`]: ["audit"],
  });
  expect(actions).toEqual({
    ...regional("eu-west-1"),
    ...regional("eu-central-1"),
    ...beats("eu-west-1"),
    ...beats("eu-central-1"),
    "watch-dead-letters-us-east-1": [],
    "announce-silent": ["alerts", "audit"],
    "announce-failed": ["alerts", "audit"],
    "announce-timed-out": ["alerts", "audit"],
    "announce-aborted": ["alerts", "audit"],
    "announce-dead-letters": ["alerts", "audit"],
    "delivery-alerts": ["audit"],
    "delivery-audit": ["alerts", "audit"],
  });
});

test("nothing on the way of an alert is encrypted with a customer key but topics and queues", () => {
  const encrypted = allResources({ stacks: [small] })
    .filter(({ block }) => JSON.stringify(block).includes("cross-stack-output"))
    .map(({ type }) => type);
  expect([...new Set(encrypted)].sort()).toEqual([
    "aws_cloudtrail",
    // Canaries write to a key, and machines know its ARN: neither is encrypted with it.
    "aws_iam_role_policy",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_scheduler_schedule",
    "aws_sfn_state_machine",
    "aws_sns_topic",
    "aws_sqs_queue",
  ]);
  for (const machine of Object.values(small.resources.aws_sfn_state_machine ?? {})) {
    expect(machine).toMatchObject({
      type: "STANDARD",
      encryption_configuration: { type: "AWS_OWNED_KEY" },
    });
  }
  expect(small.resources.aws_cloudwatch_event_bus?.hub).not.toHaveProperty("kms_key_identifier");
});

test("every subscription is on both topics, filtered on the first alone", () => {
  const subscriptions = Object.entries(full.resources.aws_sns_topic_subscription ?? {}).map(
    ([name, { protocol, endpoint, filter_policy, topic_arn, region }]) => {
      expect(region).toBe("eu-west-1");
      expect(topic_arn).toBe(`\${aws_sns_topic.${name.split("_")[0]}.arn}`);
      return [name.split("_")[0], protocol, endpoint, filter_policy];
    },
  );
  const secret = "${data.aws_ssm_parameter.parameter_keyspan-pager-url.value}";
  const critical = '{"severity":["critical"]}';
  const on = (topic: string, filter: string | undefined) => [
    [topic, "email", "key-alerts@example.com", undefined],
    [topic, "https", "https://alerts.example.com/keyspan?source=aws", undefined],
    [topic, "https", secret, filter],
    [topic, "lambda", "arn:aws:lambda:eu-west-1:111122223333:function:page", undefined],
    [topic, "sqs", "arn:aws:sqs:eu-west-1:111122223333:key-alerts", undefined],
    [topic, "sqs", "arn:aws:sqs:us-east-1:111122223333:key-alerts", filter],
  ];
  const byText = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).sort();
  expect(byText(subscriptions)).toEqual(
    byText([...on("alerts", critical), ...on("audit", undefined)]),
  );
  expect(full.data.aws_ssm_parameter).toEqual({
    "parameter_keyspan-pager-url": {
      name: "/keyspan/pager-url",
      region: "eu-west-1",
      with_decryption: true,
    },
  });
});

const variant = (changes: Readonly<Record<string, string>>) =>
  notificationsOf(
    Object.entries(changes).reduce((yaml, [from, to]) => {
      expect(yaml).toContain(from);
      return yaml.replace(from, to);
    }, SMALL_ACCOUNT),
  );
const namesOf = (stack: StackJson, type: string) => Object.keys(stack.resources[type] ?? {}).sort();

describe("the organisation's hub", () => {
  const HUB = "arn:aws:events:eu-north-1:999988887777:event-bus/keyspan-hub";

  test("in another account is a second target of every rule that forwards", () => {
    const stack = variant({
      "notifications: {": `notifications: { organizationHub: "${HUB}",`,
    });
    const targets = Object.entries(stack.resources.aws_cloudwatch_event_target ?? {});
    const forwards = namesOf(stack, "aws_cloudwatch_event_rule").filter((name) =>
      name.startsWith("forward-"),
    );
    for (const name of forwards) {
      const [, target] = targets.find(([key]) => key === `${name}_organization`) ?? [];
      expect(target).toMatchObject({
        target_id: "organization",
        arn: HUB,
        role_arn: "${aws_iam_role.keyspan-forward-organization.arn}",
        dead_letter_config: expect.anything(),
      });
    }
    expect(targets.filter(([name]) => name.endsWith("_organization"))).toHaveLength(
      forwards.length,
    );
    expect(stack.resources.aws_iam_role_policy?.["keyspan-forward-organization"]?.policy).toBe(
      `{"Version":"2012-10-17","Statement":[{"Sid":"PutsOnOrganizationHub","Effect":"Allow","Action":"events:PutEvents","Resource":"${HUB}"}]}`,
    );
  });

  test("that is this account's own gets no second target, and admits the organisation", () => {
    expect(namesOf(full, "aws_iam_role")).not.toContain("keyspan-forward-organization");
    expect(String(full.resources.aws_cloudwatch_event_bus_policy?.hub?.policy)).toContain(
      '"aws:PrincipalOrgID":"o-a1b2c3d4e5"',
    );
  });
});

describe("IAM's events", () => {
  const iamRules = (stack: StackJson) =>
    namesOf(stack, "aws_cloudwatch_event_rule").filter((name) => name.includes("roles"));

  test("are forwarded from the IAM region, used or not", () => {
    expect(iamRules(small)).toEqual(["forward-roles-touched_us-east-1"]);
    expect(addressesIn(small, "us-east-1")).toEqual([
      "cloudwatch_event_rule.forward-alarms_us-east-1",
      "cloudwatch_event_rule.forward-path-touched_us-east-1",
      "cloudwatch_event_rule.forward-roles-touched_us-east-1",
      "cloudwatch_event_target.forward-alarms_us-east-1_hub",
      "cloudwatch_event_target.forward-path-touched_us-east-1_hub",
      "cloudwatch_event_target.forward-roles-touched_us-east-1_hub",
      "cloudwatch_metric_alarm.dead-letters_us-east-1",
      "sqs_queue.forward-dead-letter_us-east-1",
      "sqs_queue_policy.forward-dead-letter_us-east-1",
    ]);
    // No key of Keyspan is there.
    expect(small.resources.aws_sqs_queue?.["forward-dead-letter_us-east-1"]).toEqual({
      name: "keyspan-dead-letter-forward",
      region: "us-east-1",
      sqs_managed_sse_enabled: true,
      message_retention_seconds: 1_209_600,
    });
    expect(iamRules(full)).toEqual(["forward-roles-touched_us-east-1"]);
    expect(addressesIn(full, "us-east-1")).toContain("sfn_state_machine.sweep_us-east-1");
  });

  test("are not, where residency keeps everything elsewhere", () => {
    const stack = variant({ "regions: [": "residency: [eu-*]\nregions: [" });
    expect(iamRules(stack)).toEqual([]);
    expect(addressesIn(stack, "us-east-1")).toEqual([]);
  });
});

describe("the trail", () => {
  const TRAIL_TYPES = ["aws_cloudtrail", "aws_s3_bucket"];
  const trailCheckOf = (stack: StackJson) =>
    String(stack.resources.aws_sfn_state_machine?.["trail-check_eu-west-1"]?.definition);

  test.each([
    ["create", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/keyspan"],
    [
      "{ existing: arn:aws:cloudtrail:us-east-1:111122223333:trail/main }",
      "arn:aws:cloudtrail:us-east-1:111122223333:trail/main",
    ],
    [
      "{ organization: arn:aws:cloudtrail:us-east-1:999988887777:trail/org }",
      "arn:aws:cloudtrail:us-east-1:999988887777:trail/org",
    ],
    ["organization", undefined],
  ])("%s", (mode, trailArn) => {
    const stack = variant({ "trail: create": `trail: ${mode}` });
    expect(TRAIL_TYPES.filter((type) => stack.resources[type] !== undefined)).toEqual(
      mode === "create" ? TRAIL_TYPES : [],
    );
    if (trailArn === undefined) {
      expect(trailCheckOf(stack)).toContain("IsOrganizationTrail");
      expect(trailCheckOf(stack)).not.toContain(":trail/");
    } else {
      expect(trailCheckOf(stack)).toContain(trailArn);
    }
  });
});

test("a region that is being drained is still watched, one that is retired is not", () => {
  const synthesized = synthAccount(FIXTURE_ACCOUNTS, "full");
  const stateOf = (state: string) =>
    synthesized.account.regions.filter((region) => region.state === state).map(({ name }) => name);
  for (const region of [...stateOf("active"), ...stateOf("draining")]) {
    expect(addressesIn(full, region)).toContain(`sfn_state_machine.sweep_${region}`);
    expect(namesOf(full, "aws_cloudwatch_metric_alarm")).toContain(`heartbeat_${region}`);
  }
  for (const region of stateOf("retired")) {
    expect(addressesIn(full, region)).toEqual([]);
  }
  expect(stateOf("draining").length * stateOf("retired").length).toBeGreaterThan(0);
});

test("the trail and its buckets must not be destroyed", () => {
  const account = accountFrom(SMALL_ACCOUNT.replace("protect: false", "protect: true"));
  const { notifications } = buildStacks(new App(), account, loadLedger(FIXTURE_ACCOUNTS, "none"));
  expect(notifications.protectedResources).toEqual(
    ["aws_cloudtrail.keyspan", "aws_s3_bucket.trail", "aws_s3_bucket.trail_access"].map(
      (address) => ({ stack: "notifications", address }),
    ),
  );
  const stack = notificationsOf(SMALL_ACCOUNT.replace("protect: false", "protect: true"));
  const locked = allResources({ stacks: [stack] })
    .filter(({ block }) => JSON.stringify(block.lifecycle)?.includes('"prevent_destroy":true'))
    .map(({ type, name }) => `${type}.${name}`);
  expect(locked.sort()).toEqual(notifications.protectedResources.map(({ address }) => address));
});
