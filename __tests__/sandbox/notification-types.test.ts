/** Topics, subscriptions, alarms, log groups and parameters in the sandbox, through real Terraform. */
import { ALARM_LIMITS, ALARMS, CloudWatch } from "../../sandbox/aws/cloudwatch";
import { LOG_GROUPS, LOG_RESOURCE_POLICIES, Logs } from "../../sandbox/aws/logs";
import { defaultTopicPolicy, Sns, SUBSCRIPTIONS, TOPICS } from "../../sandbox/aws/sns";
import { PARAMETERS, parameterArn } from "../../sandbox/aws/ssm";
import { RESOURCE_TYPES } from "../../sandbox/provider/types";
import {
  type Arguments,
  HERE,
  type Resources,
  refusals,
  TerraformFolder,
} from "../helpers/terraform-folder";
import { apply, expectNoChanges, plannedFor, WEST } from "../helpers/world";

const TOPIC = `arn:aws:sns:${HERE.region}:${HERE.account}:alerts`;
const HOOK = "https://hooks.example.com/secret-token";
const PARAMETER = "/keyspan/webhook";

let folder: TerraformFolder;
beforeEach(() => {
  folder = new TerraformFolder();
  folder.store.put(PARAMETERS, HERE.region, PARAMETER, {
    name: PARAMETER,
    arn: parameterArn(HERE, PARAMETER),
    type: "SecureString",
    value: HOOK,
    version: 3,
  });
});
afterEach(() => folder.remove());

function policyOf(...actions: readonly string[]): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: actions.map((Action) => ({
      Effect: "Allow",
      Principal: { Service: "cloudwatch.amazonaws.com" },
      Action,
      Resource: "*",
    })),
  });
}

const DATA = { data: { aws_ssm_parameter: { hook: { name: PARAMETER } } } };

/** One resource of each type, and of subscriptions one of each kind. */
function world(changes: Resources = {}): Resources {
  const on = { topic_arn: "${aws_sns_topic.all.arn}" };
  const blocks: Resources = {
    "aws_kms_key.key": {},
    "aws_sqs_queue.queue": { name: "pager" },
    "aws_sns_topic.all": { name: "alerts", kms_master_key_id: "${aws_kms_key.key.arn}" },
    "aws_sns_topic_policy.all": {
      arn: "${aws_sns_topic.all.arn}",
      policy: policyOf("sns:Publish"),
    },
    "aws_sns_topic_subscription.email": {
      ...on,
      protocol: "email",
      endpoint: "key-alerts@example.com",
      filter_policy: JSON.stringify({ severity: ["critical"] }),
    },
    "aws_sns_topic_subscription.queue": {
      ...on,
      protocol: "sqs",
      endpoint: "${aws_sqs_queue.queue.arn}",
    },
    "aws_sns_topic_subscription.hook": {
      ...on,
      protocol: "https",
      endpoint: "${data.aws_ssm_parameter.hook.value}",
    },
    "aws_cloudwatch_metric_alarm.all": {
      alarm_name: "watch",
      alarm_actions: ["${aws_sns_topic.all.arn}"],
      ok_actions: [],
      comparison_operator: "LessThanThreshold",
      dimensions: { RuleName: "beat" },
      evaluation_periods: 3,
      metric_name: "MatchedEvents",
      namespace: "AWS/Events",
      period: 3600,
      statistic: "Sum",
      threshold: 1,
      treat_missing_data: "breaching",
    },
    "aws_cloudwatch_metric_alarm.queries": {
      alarm_name: "queries",
      comparison_operator: "GreaterThanThreshold",
      evaluation_periods: 1,
      metric_query: [
        { id: "all", expression: "a + b", return_data: true },
        ...["a", "b"].map((id) => ({
          id,
          metric: [
            {
              metric_name: `Failed${id}`,
              namespace: "AWS/States",
              period: 300,
              stat: "Sum",
              ...(id === "a" && { dimensions: { StateMachineArn: "arn" } }),
            },
          ],
        })),
      ],
    },
    "aws_cloudwatch_log_group.all": { name: "/aws/events/beats", retention_in_days: 30 },
    "aws_cloudwatch_log_resource_policy.all": {
      policy_name: "beats",
      policy_document: policyOf("logs:PutLogEvents"),
    },
  };
  return Object.fromEntries(
    Object.entries(blocks).map(([address, block]) => [address, { ...block, ...changes[address] }]),
  );
}

const surroundings = { blocks: DATA };
const attributes = (address: string) => folder.state[address]?.attributes;

test("is applied, planned again without a change, listed, imported and destroyed", async () => {
  await apply(folder, world(), surroundings);
  await expectNoChanges(folder);
  const subscription = (extra: Arguments) => ({
    confirmation_timeout_in_minutes: 1,
    endpoint_auto_confirms: false,
    owner_id: HERE.account,
    raw_message_delivery: false,
    topic_arn: TOPIC,
    ...extra,
  });
  expect({
    topic: attributes("aws_sns_topic.all"),
    policy: attributes("aws_sns_topic_policy.all"),
    email: attributes("aws_sns_topic_subscription.email"),
    queue: attributes("aws_sns_topic_subscription.queue"),
    hook: attributes("aws_sns_topic_subscription.hook"),
    alarm: attributes("aws_cloudwatch_metric_alarm.all"),
    group: attributes("aws_cloudwatch_log_group.all"),
    logPolicy: attributes("aws_cloudwatch_log_resource_policy.all"),
  }).toMatchObject({
    topic: {
      id: TOPIC,
      arn: TOPIC,
      content_based_deduplication: false,
      fifo_topic: false,
      name: "alerts",
      name_prefix: "",
      owner: HERE.account,
      policy: defaultTopicPolicy(TOPIC, HERE.account),
      region: HERE.region,
    },
    policy: { id: TOPIC, owner: HERE.account },
    email: subscription({
      confirmation_was_authenticated: false,
      filter_policy_scope: "MessageAttributes",
      pending_confirmation: true,
    }),
    queue: subscription({
      confirmation_was_authenticated: true,
      filter_policy: null,
      pending_confirmation: false,
    }),
    hook: subscription({ endpoint: HOOK, pending_confirmation: true }),
    alarm: {
      id: "watch",
      actions_enabled: true,
      arn: `arn:aws:cloudwatch:${HERE.region}:${HERE.account}:alarm:watch`,
    },
    group: {
      id: "/aws/events/beats",
      arn: `arn:aws:logs:${HERE.region}:${HERE.account}:log-group:/aws/events/beats`,
      deletion_protection_enabled: false,
      log_group_class: "STANDARD",
      skip_destroy: false,
    },
    logPolicy: { id: "beats" },
  });
  const { store } = folder;
  expect(store.get(TOPICS, HERE.region, "alerts")?.attributes).toEqual({
    KmsMasterKeyId: folder.text("aws_kms_key.key", "arn"),
    Policy: policyOf("sns:Publish"),
  });
  expect(store.get(ALARMS, HERE.region, "queries")).toMatchObject({
    state: "INSUFFICIENT_DATA",
    threshold: 0,
    metrics: expect.arrayContaining([
      {
        id: "a",
        metricStat: {
          metricName: "Faileda",
          namespace: "AWS/States",
          dimensions: { StateMachineArn: "arn" },
          period: 300,
          stat: "Sum",
        },
        returnData: false,
      },
      { id: "all", expression: "a + b", returnData: true },
    ]),
  });

  // Each is listed by what tells it, and without what URLs hold.
  const block = world();
  const named = (address: string, changes: Arguments = {}) => {
    const [type = ""] = address.split(".");
    const found = RESOURCE_TYPES.find(
      ({ bindings }) => type === `aws_${bindings.replaceAll("-", "_")}`,
    );
    return [
      found?.nameIn({ ...block[address], ...changes }),
      found?.list(folder.store, HERE).map(({ name, detail }) => [name, detail]),
    ];
  };
  const on = { topic_arn: "alerts" };
  expect({
    topic: named("aws_sns_topic.all"),
    policy: named("aws_sns_topic_policy.all", { arn: "alerts" }),
    email: named("aws_sns_topic_subscription.email", on)[0],
    queue: named("aws_sns_topic_subscription.queue", { ...on, endpoint: "pager" })[0],
    hook: named("aws_sns_topic_subscription.hook", on)[0],
    open: named("aws_sns_topic_subscription.email", {
      ...on,
      endpoint: "${data.aws_ssm_parameter.hook.value}",
    })[0],
    subscriptions: (named("aws_sns_topic_subscription.email")[1] as string[][]).sort(),
    alarm: named("aws_cloudwatch_metric_alarm.all"),
    group: named("aws_cloudwatch_log_group.all"),
    logPolicy: named("aws_cloudwatch_log_resource_policy.all"),
  }).toEqual({
    topic: ["alerts", [["alerts", undefined]]],
    policy: ["alerts", [["alerts", undefined]]],
    email: "alerts email key-alerts@example.com",
    queue: "alerts sqs pager",
    hook: "alerts https",
    open: undefined,
    subscriptions: [
      ["alerts email key-alerts@example.com", "pending confirmation"],
      ["alerts https", "pending confirmation"],
      ["alerts sqs pager", undefined],
    ],
    alarm: [
      "watch",
      [
        ["queries", "INSUFFICIENT_DATA"],
        ["watch", "INSUFFICIENT_DATA"],
      ],
    ],
    group: ["/aws/events/beats", [["/aws/events/beats", undefined]]],
    logPolicy: ["beats", [["beats", undefined]]],
  });

  // Each is taken over under the id by which it is listed.
  const imported = await folder.command("state", "rm", ...Object.keys(world()).slice(2));
  expect(imported.code).toBe(0);
  const ids: Readonly<Record<string, string>> = {
    "aws_sns_topic.all": TOPIC,
    "aws_sns_topic_policy.all": TOPIC,
    "aws_cloudwatch_metric_alarm.queries": "queries",
    "aws_cloudwatch_metric_alarm.all": "watch",
    "aws_cloudwatch_log_group.all": "/aws/events/beats",
    "aws_cloudwatch_log_resource_policy.all": "beats",
    ...Object.fromEntries(
      folder.store
        .list(SUBSCRIPTIONS, HERE.region)
        .map(([, { arn, protocol }]) => [
          `aws_sns_topic_subscription.${{ email: "email", https: "hook", sqs: "queue" }[protocol]}`,
          arn,
        ]),
    ),
  };
  const imports = Object.entries(ids).map(([to, id]) => ({ to, id: `${id}@${HERE.region}` }));
  await apply(folder, world(), { blocks: { ...DATA, import: imports } });
  await expectNoChanges(folder);

  const { code, problems } = await folder.destroy();
  expect({ code, problems }).toEqual({ code: 0, problems: [] });
  expect(folder.state).toEqual({});
  for (const kind of [TOPICS, SUBSCRIPTIONS, ALARMS, LOG_GROUPS, LOG_RESOURCE_POLICIES]) {
    expect(store.list<object>(kind, HERE.region)).toEqual([]);
  }
});

test("is changed in place where AWS can, and replaced where it cannot", async () => {
  await apply(folder, world(), surroundings);
  const changed = world({
    "aws_sns_topic.all": {
      display_name: "Alerts",
      kms_master_key_id: null,
      signature_version: 2,
      sqs_success_feedback_sample_rate: 5,
      tags: { team: "a" },
      tracing_config: "Active",
    },
    "aws_sns_topic_policy.all": { policy: policyOf("sns:Publish", "sns:Subscribe") },
    "aws_sns_topic_subscription.email": {
      filter_policy: JSON.stringify({ detail: { severity: ["critical", "warning"] } }),
      filter_policy_scope: "MessageBody",
    },
    "aws_sns_topic_subscription.queue": {
      raw_message_delivery: true,
      redrive_policy: JSON.stringify({ deadLetterTargetArn: "arn:aws:sqs:::dead" }),
    },
    "aws_cloudwatch_metric_alarm.all": {
      alarm_actions: [],
      alarm_description: "Nothing was heard.",
      datapoints_to_alarm: 2,
      tags: { team: "a" },
      threshold: 0,
    },
    "aws_cloudwatch_metric_alarm.queries": {
      metric_query: [
        { id: "all", expression: "SEARCH('x', 'Sum')", period: 60, return_data: true },
      ],
    },
    "aws_cloudwatch_log_group.all": {
      kms_key_id: "${aws_kms_key.key.arn}",
      retention_in_days: 0,
      tags: { team: "a" },
    },
    "aws_cloudwatch_log_resource_policy.all": {
      policy_document: policyOf("logs:PutLogEvents", "logs:CreateLogStream"),
    },
  });
  expect(await plannedFor(folder, changed, surroundings)).toEqual({
    "aws_sns_topic.all":
      "update display_name, kms_master_key_id, signature_version, sqs_success_feedback_sample_rate, tags, tags_all, tracing_config",
    "aws_sns_topic_policy.all": "update policy",
    "aws_sns_topic_subscription.email": "update filter_policy, filter_policy_scope",
    "aws_sns_topic_subscription.queue": "update raw_message_delivery, redrive_policy",
    "aws_cloudwatch_metric_alarm.all":
      "update alarm_actions, alarm_description, datapoints_to_alarm, tags, tags_all, threshold",
    "aws_cloudwatch_metric_alarm.queries": "update metric_query",
    "aws_cloudwatch_log_group.all": "update kms_key_id, retention_in_days, tags, tags_all",
    "aws_cloudwatch_log_resource_policy.all": "update policy_document",
  });
  await apply(folder, changed, surroundings);
  await expectNoChanges(folder);
  const { store } = folder;
  expect(store.get(TOPICS, HERE.region, "alerts")).toMatchObject({
    attributes: {
      DisplayName: "Alerts",
      Policy: policyOf("sns:Publish", "sns:Subscribe"),
      SignatureVersion: "2",
      SQSSuccessFeedbackSampleRate: "5",
      TracingConfig: "Active",
    },
    tags: { team: "a" },
  });
  expect(store.get(TOPICS, HERE.region, "alerts")?.attributes).not.toHaveProperty("KmsMasterKeyId");
  expect(
    Object.fromEntries(
      store
        .list(SUBSCRIPTIONS, HERE.region)
        .map(([, { protocol, attributes: set }]) => [protocol, set]),
    ),
  ).toEqual({
    email: {
      FilterPolicy: JSON.stringify({ detail: { severity: ["critical", "warning"] } }),
      FilterPolicyScope: "MessageBody",
    },
    https: {},
    sqs: {
      RawMessageDelivery: "true",
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: "arn:aws:sqs:::dead" }),
    },
  });
  expect(store.get(ALARMS, HERE.region, "watch")).toMatchObject({
    alarmActions: [],
    datapointsToAlarm: 2,
    tags: { team: "a" },
  });
  expect(store.get(LOG_GROUPS, HERE.region, "/aws/events/beats")).toMatchObject({
    kmsKeyId: folder.text("aws_kms_key.key", "arn"),
    tags: { team: "a" },
  });

  // And back; the filter, whose scope has to give way first, is taken away as a whole.
  const back = world({ "aws_sns_topic_subscription.email": { filter_policy: null } });
  await apply(folder, back, surroundings);
  expect(
    store
      .list(SUBSCRIPTIONS, HERE.region)
      .map(([, { attributes: set }]) => set.FilterPolicy ?? set.FilterPolicyScope),
  ).toEqual([undefined, undefined, undefined]);

  const replaced = world({
    "aws_sns_topic.all": { name: "others" },
    "aws_sns_topic_subscription.email": { endpoint: "others@example.com" },
    "aws_sns_topic_subscription.queue": { region: WEST },
    "aws_cloudwatch_metric_alarm.all": { alarm_name: "other" },
    "aws_cloudwatch_log_group.all": { log_group_class: "INFREQUENT_ACCESS" },
    "aws_cloudwatch_log_resource_policy.all": { policy_name: "others" },
  });
  expect(await plannedFor(folder, replaced, surroundings)).toEqual({
    "aws_sns_topic.all": "replace for name",
    "aws_sns_topic_policy.all": "replace for arn",
    "aws_sns_topic_subscription.email": "replace for endpoint, topic_arn",
    "aws_sns_topic_subscription.queue": "replace for region, topic_arn",
    "aws_sns_topic_subscription.hook": "replace for topic_arn",
    "aws_cloudwatch_metric_alarm.all": "replace for alarm_name",
    "aws_cloudwatch_log_group.all": "replace for log_group_class",
    "aws_cloudwatch_log_resource_policy.all": "replace for policy_name",
  });
});

test("what others change behind Terraform's back is seen and taken back; confirming is no change", async () => {
  await apply(folder, world(), surroundings);
  const { aws, store } = folder;
  const [sns, cloudwatch, logs] = [
    new Sns(aws, HERE),
    new CloudWatch(aws, HERE),
    new Logs(aws, HERE),
  ];
  await sns.confirmSubscription(folder.text("aws_sns_topic_subscription.email", "arn"));
  await sns.setTopicAttributes(TOPIC, "Policy", defaultTopicPolicy(TOPIC, HERE.account));
  await sns.unsubscribe(folder.text("aws_sns_topic_subscription.queue", "arn"));
  await sns.setSubscriptionAttributes(
    folder.text("aws_sns_topic_subscription.email", "arn"),
    "FilterPolicy",
    "{}",
  );
  const queries = store.get(ALARMS, HERE.region, "queries") ?? raise();
  const [first = raise(), ...others] = queries.metrics;
  const metrics = [...others, { ...first, label: "sum" }];
  await cloudwatch.putMetricAlarm("queries", { ...queries, metrics }, {});
  await cloudwatch.deleteAlarm("watch");
  await logs.putRetentionPolicy("/aws/events/beats", 1);
  await logs.deleteResourcePolicy("beats");
  expect(await plannedFor(folder, world(), surroundings)).toEqual({
    "aws_sns_topic_policy.all": "update policy",
    "aws_sns_topic_subscription.queue": "create",
    "aws_sns_topic_subscription.email": "update filter_policy",
    "aws_cloudwatch_metric_alarm.queries": "update metric_query",
    "aws_cloudwatch_metric_alarm.all": "create",
    "aws_cloudwatch_log_group.all": "update retention_in_days",
    "aws_cloudwatch_log_resource_policy.all": "create",
  });
  await apply(folder, world(), surroundings);
  await sns.deleteTopic(TOPIC);
  expect(await plannedFor(folder, world(), surroundings)).toEqual({
    "aws_sns_topic.all": "create",
    "aws_sns_topic_policy.all": "create",
    "aws_sns_topic_subscription.email": "create",
    "aws_sns_topic_subscription.queue": "create",
    "aws_sns_topic_subscription.hook": "create",
    "aws_cloudwatch_metric_alarm.all": "update alarm_actions",
  });
});

test("a subscription that nobody confirmed is forgotten, not deleted, and found again", async () => {
  const topic = { "aws_sns_topic.all": { name: "alerts" } };
  const on = { topic_arn: "${aws_sns_topic.all.arn}" };
  const email = {
    "aws_sns_topic_subscription.email": { ...on, protocol: "email", endpoint: "a@example.com" },
  };
  const url = { protocol: "https", endpoint: "https://answers.example.com" };
  // Nobody confirms that of another account: the provider gives up.
  const queue = { protocol: "sqs", endpoint: `arn:aws:sqs:${HERE.region}:444455556666:pager` };
  const result = await folder
    .write({
      ...topic,
      ...email,
      "aws_sns_topic_subscription.url": { ...on, ...url, endpoint_auto_confirms: true },
      "aws_sns_topic_subscription.foreign": { ...on, ...queue },
    })
    .apply();
  expect(refusals(result)).toEqual({
    "aws_sns_topic_subscription.foreign": expect.stringMatching(
      /^waiting for SNS Topic Subscription \(\S+\) confirmation: timeout while waiting for state to become 'false' \(last state: 'true', timeout: 2m0s\)$/,
    ),
  });
  expect(attributes("aws_sns_topic_subscription.url")).toMatchObject({
    pending_confirmation: false,
  });
  const arn = folder.text("aws_sns_topic_subscription.email", "arn");
  const protocols = () =>
    folder.store.list(SUBSCRIPTIONS, HERE.region).map(([, { protocol }]) => protocol);
  expect(protocols().sort()).toEqual(["email", "https", "sqs"]);
  await apply(folder, topic);
  expect(Object.keys(folder.state)).toEqual(["aws_sns_topic.all"]);
  expect(protocols().sort()).toEqual(["email", "sqs"]);
  await apply(folder, { ...topic, ...email });
  expect(folder.text("aws_sns_topic_subscription.email", "arn")).toBe(arn);
});

test("what is refused: by the provider before anything is made, and by AWS beside what is accepted", async () => {
  const topic = { topic_arn: TOPIC, protocol: "sqs", endpoint: "arn:aws:sqs:::q" };
  const alarm = {
    alarm_name: "watch",
    comparison_operator: "GreaterThanThreshold",
    evaluation_periods: 1,
  };
  const ofMetric = { metric_name: "Sent", namespace: "AWS/SNS", period: 60 };
  const query = { id: "a", expression: "1", return_data: true };
  const topics = (count: number) => Array.from({ length: count }, (_, n) => `${TOPIC}${n}`);
  const invalid: Readonly<Record<string, readonly [block: Arguments, problem: string]>> = {
    "aws_sns_topic.fifo": [{ fifo_topic: true }, "the sandbox simulates no FIFO topics"],
    "aws_sns_topic.name": [{ name: "a b" }, "invalid topic name: a b"],
    "aws_sns_topic.rate": [
      { sqs_success_feedback_sample_rate: 101 },
      "expected sqs_success_feedback_sample_rate to be in the range (0 - 100), got 101",
    ],
    "aws_sns_topic.role": [
      { http_failure_feedback_role_arn: "role" },
      '"http_failure_feedback_role_arn" (role) is an invalid ARN: arn: invalid prefix',
    ],
    "aws_sns_topic.signature": [
      { signature_version: 3 },
      "expected signature_version to be in the range (1 - 2), got 3",
    ],
    "aws_sns_topic_policy.arn": [
      { arn: "alerts", policy: "{}" },
      '"arn" (alerts) is an invalid ARN: arn: invalid prefix',
    ],
    "aws_sns_topic_subscription.protocol": [
      { ...topic, protocol: "pigeon" },
      'expected protocol to be one of ["application" "email" "email-json" "firehose" "http" "https" "lambda" "sms" "sqs"], got pigeon',
    ],
    "aws_sns_topic_subscription.scope": [
      { ...topic, filter_policy_scope: "MessageBody" },
      "filter_policy is required when filter_policy_scope is set",
    ],
    "aws_sns_topic_subscription.filter": [
      { ...topic, filter_policy: "severity" },
      expect.stringMatching(/^"filter_policy" contains an invalid JSON: /),
    ],
    "aws_cloudwatch_metric_alarm.name": [
      { ...alarm, alarm_name: "a".repeat(ALARM_LIMITS.nameCharacters + 1) },
      expect.stringMatching(/^expected length of alarm_name to be in the range \(1 - 255\), got /),
    ],
    "aws_cloudwatch_metric_alarm.action": [
      { ...alarm, ok_actions: ["alerts"] },
      '"ok_actions" (alerts) is an invalid ARN: arn: invalid prefix',
    ],
    "aws_cloudwatch_metric_alarm.actions": [
      { ...alarm, ok_actions: topics(6) },
      "Too many list items: Attribute ok_actions supports 5 item maximum, but config has 6 declared.",
    ],
    "aws_cloudwatch_metric_alarm.statistic": [
      { ...alarm, ...ofMetric },
      "One of `statistic` or `extended_statistic` must be set for a cloudwatch metric alarm",
    ],
    "aws_cloudwatch_metric_alarm.queries": [
      { ...alarm, period: 60, metric_query: [query] },
      'Conflicting configuration arguments: "period": conflicts with metric_query',
    ],
    "aws_cloudwatch_metric_alarm.periods": [
      { ...alarm, evaluation_periods: 0 },
      "expected evaluation_periods to be at least (1), got 0",
    ],
    "aws_cloudwatch_log_group.name": [
      { name: "aws/x" },
      expect.stringMatching(/^"name" doesn't comply with restrictions \(.*\): "aws\/x"$/),
    ],
    "aws_cloudwatch_log_group.retention": [
      { retention_in_days: 2 },
      expect.stringMatching(/^expected retention_in_days to be one of \[0 1 3 .* 3653\], got 2$/),
    ],
    "aws_cloudwatch_log_resource_policy.json": [
      { policy_name: "a", policy_document: "{" },
      expect.stringMatching(/^"policy_document" contains an invalid JSON: /),
    ],
  };
  const blocks = Object.fromEntries(
    Object.entries(invalid).map(([address, [block]]) => [address, block]),
  );
  expect(refusals(await folder.write(blocks).validate())).toEqual(
    Object.fromEntries(Object.entries(invalid).map(([address, [, problem]]) => [address, problem])),
  );

  const elsewhere = TOPIC.replace(HERE.region, WEST);
  const refused: Readonly<Record<string, readonly [block: Arguments, problem: string]>> = {
    "aws_sns_topic_policy.scope": [
      { arn: "${aws_sns_topic.all.arn}", policy: policyOf("sns:*") },
      `setting SNS Topic (${TOPIC}) attribute (Policy): operation error SNS: SetTopicAttributes, InvalidParameter: Invalid parameter: Policy statement action out of service scope!`,
    ],
    "aws_sns_topic.key": [
      { name: "keyed", kms_master_key_id: "${aws_kms_key.key.arn}", region: WEST },
      expect.stringMatching(
        /^setting SNS Topic \(\S+:keyed\) attribute \(KmsMasterKeyId\): .*InvalidParameter: Invalid parameter: KmsMasterKeyId \(\S+ is a key of eu-central-1, not of eu-west-1\)$/,
      ),
    ],
    "aws_sns_topic_subscription.elsewhere": [
      { topic_arn: elsewhere, protocol: "email", endpoint: "a@example.com" },
      "creating SNS Topic Subscription: operation error SNS: Subscribe, NotFound: Topic does not exist",
    ],
    "aws_cloudwatch_metric_alarm.elsewhere": [
      { ...alarm, ...ofMetric, statistic: "Sum", alarm_actions: [elsewhere] },
      "creating CloudWatch Metric Alarm (watch): operation error CloudWatch: PutMetricAlarm, ValidationError: Invalid region eu-west-1 specified. Only eu-central-1 is supported.",
    ],
    "aws_cloudwatch_log_group.again": [
      { name: "/aws/events/beats", depends_on: ["aws_cloudwatch_log_group.all"] },
      "creating CloudWatch Logs Log Group (/aws/events/beats): operation error CloudWatch Logs: CreateLogGroup, ResourceAlreadyExistsException: The specified log group already exists",
    ],
    "aws_cloudwatch_log_resource_policy.ghost": [
      {
        policy_name: "ghost",
        policy_document: policyOf("logs:PutLogEvents").replace("cloudwatch", "ghost"),
      },
      "creating CloudWatch Logs Resource Policy (ghost): operation error CloudWatch Logs: PutResourcePolicy, InvalidParameterException: Policy contains a statement with one or more invalid principals: there is no service ghost.amazonaws.com",
    ],
  };
  const beside: Resources = {
    "aws_kms_key.key": {},
    "aws_sns_topic.all": { name: "alerts" },
    "aws_cloudwatch_log_group.all": { name: "/aws/events/beats", skip_destroy: true },
  };
  const all = {
    ...beside,
    ...Object.fromEntries(Object.entries(refused).map(([address, [block]]) => [address, block])),
  };
  expect(refusals(await folder.write(all).apply())).toEqual(
    Object.fromEntries(Object.entries(refused).map(([address, [, problem]]) => [address, problem])),
  );
  // The topic whose key was refused has been made.
  expect(Object.keys(folder.state).sort()).toEqual(
    [...Object.keys(beside), "aws_sns_topic.key"].sort(),
  );
  expect((await folder.destroy()).problems).toEqual([]);
  expect(folder.store.list(LOG_GROUPS, HERE.region)).toHaveLength(1);
});

test("a parameter's value is known and not shown; one that is not there is an error", async () => {
  const output = (value: string) => ({
    blocks: { ...DATA, output: { out: { value, sensitive: false } } },
  });
  const shown = await folder
    .write({}, output("${nonsensitive(jsonencode(data.aws_ssm_parameter.hook))}"))
    .apply();
  expect(shown.problems).toEqual([]);
  const text = (await folder.command("output", "-raw", "out")).text.trim();
  expect(JSON.parse(text)).toEqual({
    id: PARAMETER,
    arn: `arn:aws:ssm:${HERE.region}:${HERE.account}:parameter/keyspan/webhook`,
    insecure_value: null,
    name: PARAMETER,
    region: HERE.region,
    type: "SecureString",
    value: HOOK,
    version: 3,
    with_decryption: true,
  });
  const leak = await folder.write({}, output("${data.aws_ssm_parameter.hook.value}")).plan();
  expect(leak.problems).toEqual([expect.stringContaining("Output refers to sensitive values")]);

  const elsewhere = await folder
    .write(
      {},
      { blocks: { data: { aws_ssm_parameter: { hook: { name: PARAMETER, region: WEST } } } } },
    )
    .plan();
  expect(refusals(elsewhere)).toEqual({
    "data.aws_ssm_parameter.hook": `reading SSM Parameter (${PARAMETER}): operation error SSM: GetParameter, ParameterNotFound: UnknownError`,
  });
});

function raise(): never {
  throw new Error("the object is not there");
}
