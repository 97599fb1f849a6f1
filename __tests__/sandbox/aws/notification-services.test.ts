/** What the simulated SNS, CloudWatch, CloudWatch Logs and Systems Manager refuse, and what they accept beside it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadAccount } from "../../../config/load-account";
import { LOG_RETENTION_DAYS } from "../../../config/rules";
import type { AwsLocation } from "../../../modules/partition";
import { TOPIC_POLICY_LIMIT } from "../../../modules/sns/topic-limits";
import {
  ALARM_LIMITS,
  type AlarmSettings,
  CloudWatch,
  type MetricQuery,
} from "../../../sandbox/aws/cloudwatch";
import { Kms } from "../../../sandbox/aws/kms";
import { LOG_GROUP_NAME, LOG_RESOURCE_POLICY_LIMITS, Logs } from "../../../sandbox/aws/logs";
import { ObjectStore } from "../../../sandbox/aws/object-store";
import { SimulatedAws } from "../../../sandbox/aws/simulated-aws";
import {
  defaultTopicPolicy,
  FILTER_POLICY_LIMITS,
  MAX_TOPIC_POLICY_STATEMENTS,
  Sns,
  SUBSCRIPTIONS,
  TOPIC_NAME,
} from "../../../sandbox/aws/sns";
import { PARAMETERS, parameterArn, Ssm } from "../../../sandbox/aws/ssm";
import { seedAccount } from "../../../sandbox/seed";

const ACCOUNT = "111122223333";
const HERE: AwsLocation = { partition: "aws", account: ACCOUNT, region: "eu-central-1" };
const ELSEWHERE: AwsLocation = { ...HERE, region: "eu-west-1" };
const TOPIC = `arn:aws:sns:eu-central-1:${ACCOUNT}:alerts`;
const QUEUE = `arn:aws:sqs:eu-central-1:${ACCOUNT}:pager`;
const GHOST = `arn:aws:iam::${ACCOUNT}:role/ghost`;
const NO_KEY = `arn:aws:kms:eu-central-1:${ACCOUNT}:key/11111111-2222-3333-4444-555555555555`;

const directory = mkdtempSync(join(tmpdir(), "keyspan-notification-services-"));
let accounts = 0;
let aws: SimulatedAws;
let sns: Sns;
let cloudwatch: CloudWatch;
let logs: Logs;
let kms: Kms;

beforeEach(() => {
  accounts += 1;
  aws = new SimulatedAws({
    store: new ObjectStore(join(directory, String(accounts))),
    caller: {
      account: ACCOUNT,
      partition: "aws",
      roleArn: `arn:aws:iam::${ACCOUNT}:role/keyspan-deploy`,
    },
    faults: {},
    die: () => Promise.reject(new Error("died")),
  });
  sns = new Sns(aws, HERE);
  cloudwatch = new CloudWatch(aws, HERE);
  logs = new Logs(aws, HERE);
  kms = new Kms(aws, HERE);
});

afterAll(() => rmSync(directory, { recursive: true }));

async function createKey(at: AwsLocation): Promise<string> {
  const { arn } = await new Kms(aws, at).createKey({
    description: "",
    policy: undefined,
    bypassLockoutCheck: false,
    multiRegion: false,
    tags: {},
  });
  return arn;
}

function policyOf(...statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** What a call answers: `accepted`, or code and reason of the refusal. */
async function answer(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "accepted";
  } catch (error) {
    return String(error).replace(/^.*RequestID: [0-9a-f-]{36}, /s, "");
  }
}

describe("topics", () => {
  const statement = (changes: object = {}) => ({
    Effect: "Allow",
    Principal: { Service: "cloudwatch.amazonaws.com" },
    Action: "sns:Publish",
    Resource: TOPIC,
    ...changes,
  });
  const set = (name: string, value: string) => answer(sns.setTopicAttributes(TOPIC, name, value));

  test("a new topic has the policy that SNS gives every topic, and its name in its own region only", async () => {
    expect(await sns.createTopic("alerts", { team: "a" })).toBe(TOPIC);
    expect(await sns.getTopicAttributes(TOPIC)).toEqual({
      name: "alerts",
      arn: TOPIC,
      owner: ACCOUNT,
      attributes: { Policy: defaultTopicPolicy(TOPIC, ACCOUNT) },
      tags: { team: "a" },
    });
    expect(await answer(new Sns(aws, ELSEWHERE).getTopicAttributes(TOPIC))).toBe(
      "NotFound: Topic does not exist",
    );
  });

  test("a topic that is there is found again, unless its tags are others", async () => {
    await sns.createTopic("alerts", { team: "a" });
    await sns.setTopicAttributes(TOPIC, "DisplayName", "Alerts");
    expect(await answer(sns.createTopic("alerts", { team: "a" }))).toBe("accepted");
    expect((await sns.getTopicAttributes(TOPIC)).attributes.DisplayName).toBe("Alerts");
    const others: readonly Record<string, string>[] = [
      {},
      { team: "b" },
      { team: "a", stage: "b" },
    ];
    for (const tags of others) {
      expect(await answer(sns.createTopic("alerts", tags))).toBe(
        "InvalidParameter: Invalid parameter: Tags Reason: Topic already exists with different tags",
      );
    }
  });

  test.each([
    ["a".repeat(TOPIC_NAME.maxCharacters), "accepted"],
    ["a".repeat(TOPIC_NAME.maxCharacters + 1), "InvalidParameter: Invalid parameter: Topic Name"],
    ["", "InvalidParameter: Invalid parameter: Topic Name"],
    ["alerts.fifo", "InvalidParameter: Invalid parameter: Topic Name"],
  ])("names have a length and a form, case %#", async (name, expected) => {
    expect(await answer(sns.createTopic(name, {}))).toBe(expected);
  });

  test("a policy must be one, about the topic and topics' actions, and name who exists", async () => {
    await sns.createTopic("alerts", {});
    const put = (...statements: readonly object[]) => set("Policy", policyOf(...statements));
    expect({
      good: await put(statement()),
      everything: await put(statement({ Resource: "*", Principal: "*" })),
      noJson: await set("Policy", "{"),
      empty: await set("Policy", ""),
      noPrincipal: await put(statement({ Principal: undefined })),
      ghost: await put(statement({ Principal: { AWS: GHOST } })),
      service: await put(statement({ Principal: { Service: "cloudwatsh.amazonaws.com" } })),
      wildcard: await put(statement({ Action: "sns:*" })),
      unsubscribe: await put(statement({ Action: ["sns:Publish", "sns:Unsubscribe"] })),
      other: await put(statement({ Resource: [TOPIC, `${TOPIC}-2`] })),
    }).toEqual({
      good: "accepted",
      everything: "accepted",
      noJson:
        "InvalidParameter: Invalid parameter: Policy Error: This policy contains invalid Json",
      empty: "InvalidParameter: Invalid parameter: Policy Error: This policy contains invalid Json",
      noPrincipal:
        "InvalidParameter: Invalid parameter: Policy Error: Statement without Sid must have a principal",
      ghost: `InvalidParameter: Invalid parameter: Policy Error: Policy contains a statement with one or more invalid principals: ${GHOST} does not exist`,
      service:
        "InvalidParameter: Invalid parameter: Policy Error: Policy contains a statement with one or more invalid principals: there is no service cloudwatsh.amazonaws.com",
      wildcard:
        "InvalidParameter: Invalid parameter: Policy statement action out of service scope!",
      unsubscribe:
        "InvalidParameter: Invalid parameter: Policy statement action out of service scope!",
      other: `InvalidParameter: Invalid parameter: Policy Error: ${TOPIC}-2 is not the topic ${TOPIC}`,
    });
    expect((await sns.getTopicAttributes(TOPIC)).attributes.Policy).toContain('"Resource":"*"');
  });

  test("a policy has a largest size and number of statements", async () => {
    await sns.createTopic("alerts", {});
    const sized = (bytes: number) => {
      const fill = (length: number) => policyOf(statement({ Sid: "a".repeat(length) }));
      return set("Policy", fill(bytes - fill(0).length));
    };
    const numbered = (count: number) =>
      set("Policy", policyOf(...Array.from({ length: count }, () => statement())));
    const { maxBytes } = TOPIC_POLICY_LIMIT;
    expect([await sized(maxBytes), await sized(maxBytes + 1)]).toEqual([
      "accepted",
      `InvalidParameter: Invalid parameter: Policy Error: The policy must be at most ${maxBytes} bytes, got ${maxBytes + 1}`,
    ]);
    expect([
      await numbered(MAX_TOPIC_POLICY_STATEMENTS),
      await numbered(MAX_TOPIC_POLICY_STATEMENTS + 1),
    ]).toEqual([
      "accepted",
      `InvalidParameter: Invalid parameter: Policy Error: at most ${MAX_TOPIC_POLICY_STATEMENTS} statements, got ${MAX_TOPIC_POLICY_STATEMENTS + 1}`,
    ]);
  });

  test("the key must be one of the region; what is no ARN of the account's keys is not looked at", async () => {
    await sns.createTopic("alerts", {});
    const [here, elsewhere] = [await createKey(HERE), await createKey(ELSEWHERE)];
    const othersKey = NO_KEY.replace(ACCOUNT, "444455556666");
    expect({
      here: await set("KmsMasterKeyId", here),
      elsewhere: await set("KmsMasterKeyId", elsewhere),
      none: await set("KmsMasterKeyId", NO_KEY),
      others: await set("KmsMasterKeyId", othersKey),
      alias: await set("KmsMasterKeyId", "alias/aws/sns"),
      empty: await set("KmsMasterKeyId", ""),
    }).toEqual({
      here: "accepted",
      elsewhere: `InvalidParameter: Invalid parameter: KmsMasterKeyId (${elsewhere} is a key of eu-west-1, not of eu-central-1)`,
      none: `InvalidParameter: Invalid parameter: KmsMasterKeyId (${NO_KEY} does not exist)`,
      others: "accepted",
      alias: "accepted",
      empty: "accepted",
    });
    expect((await sns.getTopicAttributes(TOPIC)).attributes.KmsMasterKeyId).toBeUndefined();
  });

  test("other attributes have their own values", async () => {
    await sns.createTopic("alerts", {});
    expect({
      longest: await set("DisplayName", "a".repeat(100)),
      longer: await set("DisplayName", "a".repeat(101)),
      signature: await set("SignatureVersion", "2"),
      noSignature: await set("SignatureVersion", "3"),
      tracing: await set("TracingConfig", "Active"),
      noTracing: await set("TracingConfig", "On"),
      delivery: await set("DeliveryPolicy", "{}"),
      noDelivery: await set("DeliveryPolicy", "{"),
      rate: await set("SQSSuccessFeedbackSampleRate", "5"),
      unknown: await set("Colour", "red"),
    }).toEqual({
      longest: "accepted",
      longer: "InvalidParameter: Invalid parameter: DisplayName (at most 100 characters, got 101)",
      signature: "accepted",
      noSignature: "InvalidParameter: Invalid parameter: SignatureVersion (1 or 2, got 3)",
      tracing: "accepted",
      noTracing:
        "InvalidParameter: Invalid parameter: TracingConfig (Active or PassThrough, got On)",
      delivery: "accepted",
      noDelivery: "InvalidParameter: Invalid parameter: DeliveryPolicy: failed to parse JSON",
      rate: "accepted",
      unknown: "InvalidParameter: Invalid parameter: AttributeName",
    });
  });
});

describe("subscriptions", () => {
  const subscribe = (
    protocol: string,
    endpoint: string,
    attributes: Readonly<Record<string, string>> = {},
  ) => sns.subscribe({ topicArn: TOPIC, protocol, endpoint, attributes });
  const filter = (policy: unknown) => ({ FilterPolicy: JSON.stringify(policy) });
  beforeEach(() => sns.createTopic("alerts", {}));

  test("queues and functions of the account are confirmed at once; people, URLs and other accounts have to", async () => {
    const endpoints = {
      sqs: QUEUE,
      lambda: `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:page`,
      email: "key-alerts@example.com",
      https: "https://hooks.example.com/alerts",
    };
    const confirmed: Record<string, boolean> = {};
    for (const [protocol, endpoint] of Object.entries(endpoints)) {
      const arn = await subscribe(protocol, endpoint);
      confirmed[protocol] = (await sns.getSubscriptionAttributes(arn)).confirmed;
    }
    const others = await subscribe("sqs", QUEUE.replace(ACCOUNT, "444455556666"));
    expect(confirmed).toEqual({ sqs: true, lambda: true, email: false, https: false });
    expect(await sns.getSubscriptionAttributes(others)).toEqual({
      arn: expect.stringMatching(`^${TOPIC}:[0-9a-f-]{36}$`),
      topicArn: TOPIC,
      protocol: "sqs",
      endpoint: `arn:aws:sqs:eu-central-1:444455556666:pager`,
      owner: ACCOUNT,
      confirmed: false,
      confirmationWasAuthenticated: false,
      attributes: {},
    });
    await sns.confirmSubscription(others);
    expect(await sns.getSubscriptionAttributes(others)).toMatchObject({ confirmed: true });
  });

  test("a subscription that is there is found again, confirmed or not, unless it is asked for with other attributes", async () => {
    for (const [protocol, endpoint] of [
      ["email", "a@example.com"],
      ["sqs", QUEUE],
    ] as const) {
      const attributes = { ...filter({ severity: ["critical"] }), RawMessageDelivery: "true" };
      const arn = await subscribe(protocol, endpoint, attributes);
      expect(await subscribe(protocol, endpoint, attributes)).toBe(arn);
      expect(await subscribe(protocol, endpoint)).toBe(arn);
      expect(await answer(subscribe(protocol, endpoint, filter({ severity: ["info"] })))).toBe(
        "InvalidParameter: Invalid parameter: Attributes Reason: Subscription already exists with different attributes",
      );
    }
    expect(aws.store.list(SUBSCRIPTIONS, HERE.region)).toHaveLength(2);
    expect(await subscribe("email", "b@example.com")).not.toBe(
      await subscribe("email", "a@example.com"),
    );
  });

  test("one that nobody has confirmed cannot be deleted, but goes with its topic", async () => {
    const pending = await subscribe("email", "a@example.com");
    const queue = await subscribe("sqs", QUEUE);
    const elsewhere = await sns.createTopic("audit", {});
    await sns.subscribe({ topicArn: elsewhere, protocol: "sqs", endpoint: QUEUE, attributes: {} });
    expect(await answer(sns.unsubscribe(pending))).toBe(
      "InvalidParameter: Cannot unsubscribe a subscription that is pending confirmation",
    );
    expect(await answer(sns.unsubscribe(queue))).toBe("accepted");
    expect(await answer(sns.unsubscribe(queue))).toBe("accepted");
    expect(await answer(sns.getSubscriptionAttributes(queue))).toBe(
      "NotFound: Subscription does not exist",
    );
    expect(await answer(sns.deleteTopic(TOPIC))).toBe("accepted");
    expect(await answer(sns.deleteTopic(TOPIC))).toBe("accepted");
    expect(aws.store.list(SUBSCRIPTIONS, HERE.region).map(([, { topicArn }]) => topicArn)).toEqual([
      elsewhere,
    ]);
    expect(await answer(subscribe("sqs", QUEUE))).toBe("NotFound: Topic does not exist");
  });

  test.each([
    ["email", "nobody", "InvalidParameter: Invalid parameter: Email address"],
    [
      "https",
      "http://example.com",
      "InvalidParameter: Invalid parameter: Endpoint must match the specified protocol",
    ],
    [
      "http",
      "https://example.com",
      "InvalidParameter: Invalid parameter: Endpoint must match the specified protocol",
    ],
    [
      "sqs",
      "https://sqs.eu-central-1.amazonaws.com/1/q",
      "InvalidParameter: Invalid parameter: sqs endpoint ARN",
    ],
    ["lambda", QUEUE, "InvalidParameter: Invalid parameter: lambda endpoint ARN"],
    [
      "firehose",
      `arn:aws:firehose:eu-central-1:${ACCOUNT}:deliverystream/s`,
      "InvalidParameter: Invalid parameter: SubscriptionRoleArn (it is for the protocol firehose, which needs it)",
    ],
    [
      "pigeon",
      "coop",
      "InvalidParameter: Invalid parameter: Amazon SNS does not support this protocol string: pigeon",
    ],
  ])("%s to %s is refused", async (protocol, endpoint, expected) => {
    expect(await answer(subscribe(protocol, endpoint))).toBe(expected);
  });

  test("a filter policy is one that SNS can apply", async () => {
    const arn = await subscribe("sqs", QUEUE);
    const put = (name: string, value: unknown) =>
      answer(
        sns.setSubscriptionAttributes(
          arn,
          name,
          typeof value === "string" ? value : JSON.stringify(value),
        ),
      );
    const values = (count: number) => Array.from({ length: count }, (_, index) => index);
    const keys = (count: number) => Object.fromEntries(values(count).map((n) => [`k${n}`, [n]]));
    const { maxKeys, maxCombinations } = FILTER_POLICY_LIMITS;
    const refused = "InvalidParameter: Invalid parameter: FilterPolicy:";
    expect({
      good: await put("FilterPolicy", { severity: ["critical", { prefix: "w" }], n: [1, null] }),
      noJson: await put("FilterPolicy", "{"),
      list: await put("FilterPolicy", []),
      noList: await put("FilterPolicy", { severity: "critical" }),
      emptyList: await put("FilterPolicy", { severity: [] }),
      match: await put("FilterPolicy", { severity: [{ like: "c" }] }),
      nested: await put("FilterPolicy", { detail: { severity: ["critical"] } }),
      keys: await put("FilterPolicy", keys(maxKeys)),
      moreKeys: await put("FilterPolicy", keys(maxKeys + 1)),
      combinations: await put("FilterPolicy", { a: values(maxCombinations / 2), b: [1, 2] }),
      moreCombinations: await put("FilterPolicy", {
        a: values(maxCombinations / 2 + 1),
        b: [1, 2],
      }),
      scope: await put("FilterPolicyScope", "Subject"),
    }).toEqual({
      good: "accepted",
      noJson: `${refused} failed to parse JSON`,
      list: `${refused} the policy must be an object`,
      noList: `${refused} "severity" must be an object or an array`,
      emptyList: `${refused} "severity" must be a list of values and of matches that SNS knows`,
      match: `${refused} "severity" must be a list of values and of matches that SNS knows`,
      nested: `${refused} Filter policy scope MessageAttributes does not support nested filter policy`,
      keys: "accepted",
      moreKeys: `${refused} Filter policy can not have more than ${maxKeys} keys`,
      combinations: "accepted",
      moreCombinations: `${refused} Filter policy is too complex (at most ${maxCombinations} combinations, got ${maxCombinations + 2})`,
      scope: "InvalidParameter: Invalid parameter: FilterPolicyScope: Invalid value [Subject].",
    });
    expect(await put("FilterPolicyScope", "MessageBody")).toBe("accepted");
    expect(await put("FilterPolicy", { detail: { severity: ["critical"] } })).toBe("accepted");
    expect(await put("FilterPolicyScope", "MessageAttributes")).toBe(
      `${refused} Filter policy scope MessageAttributes does not support nested filter policy`,
    );
    expect((await sns.getSubscriptionAttributes(arn)).attributes).toEqual({
      FilterPolicy: '{"detail":{"severity":["critical"]}}',
      FilterPolicyScope: "MessageBody",
    });
    expect(await put("FilterPolicy", {})).toBe("accepted");
    expect((await sns.getSubscriptionAttributes(arn)).attributes).toEqual({});
    expect(await put("Colour", "red")).toBe(
      "InvalidParameter: Invalid parameter: Attributes Reason: Unknown attribute: Colour",
    );
  });
});

describe("alarms", () => {
  const settings: AlarmSettings = {
    actionsEnabled: true,
    alarmActions: [TOPIC],
    insufficientDataActions: [],
    okActions: [],
    comparisonOperator: "GreaterThanThreshold",
    dimensions: {},
    evaluationPeriods: 1,
    metricName: "FailedInvocations",
    metrics: [],
    namespace: "AWS/Events",
    period: 60,
    statistic: "Sum",
    threshold: 0,
    treatMissingData: "notBreaching",
  };
  const put = (changes: Partial<AlarmSettings>, name = "watch") =>
    answer(cloudwatch.putMetricAlarm(name, { ...settings, ...changes }, { team: "a" }));

  test("an alarm is overwritten in its settings, and keeps its state and tags", async () => {
    await put({});
    const alarm = {
      ...settings,
      name: "watch",
      arn: `arn:aws:cloudwatch:eu-central-1:${ACCOUNT}:alarm:watch`,
      state: "INSUFFICIENT_DATA",
      tags: { team: "a" },
    };
    expect(await cloudwatch.describeAlarm("watch")).toEqual(alarm);
    await cloudwatch.tagResource("watch", { team: "b" });
    await put({ threshold: 5 });
    expect(await cloudwatch.describeAlarm("watch")).toEqual({
      ...alarm,
      threshold: 5,
      tags: { team: "b" },
    });
    expect(await answer(cloudwatch.deleteAlarm("watch"))).toBe("accepted");
    expect(await cloudwatch.describeAlarm("watch")).toBeUndefined();
    expect(await answer(cloudwatch.deleteAlarm("watch"))).toBe(
      "ResourceNotFound: Alarm watch does not exist",
    );
  });

  test("it acts in its own region and partition only", async () => {
    const elsewhere = TOPIC.replace("eu-central-1", "eu-west-1");
    const inChina = TOPIC.replace("arn:aws:", "arn:aws-cn:");
    const region =
      "ValidationError: Invalid region eu-west-1 specified. Only eu-central-1 is supported.";
    expect([
      await put({ alarmActions: [TOPIC, elsewhere] }),
      await put({ okActions: [elsewhere] }),
      await put({ insufficientDataActions: [elsewhere] }),
      await put({ alarmActions: [inChina] }),
      await put({ alarmActions: ["alerts"] }),
    ]).toEqual([
      region,
      region,
      region,
      "ValidationError: Invalid partition aws-cn specified. Only aws is supported.",
      "ValidationError: Invalid arn syntax: alerts",
    ]);
  });

  test("names, descriptions and actions have limits", async () => {
    const { nameCharacters, descriptionCharacters, actions } = ALARM_LIMITS;
    const topics = (count: number) => Array.from({ length: count }, (_, n) => `${TOPIC}${n}`);
    const invalid = "ValidationError: 1 validation error detected: Value";
    const long = "a".repeat(descriptionCharacters + 1);
    expect({
      name: await put({}, "a".repeat(nameCharacters)),
      longName: await put({}, "a".repeat(nameCharacters + 1)),
      noName: await put({}, ""),
      description: await put({ description: long.slice(1) }),
      longDescription: await put({ description: long }),
      actions: await put({ okActions: topics(actions) }),
      moreActions: await put({ okActions: topics(actions + 1) }),
    }).toEqual({
      name: "accepted",
      longName: `${invalid} '${"a".repeat(nameCharacters + 1)}' at 'alarmName' failed to satisfy constraint: Member must have length less than or equal to ${nameCharacters}`,
      noName: `${invalid} '' at 'alarmName' failed to satisfy constraint: Member must have length greater than or equal to 1`,
      description: "accepted",
      longDescription: `${invalid} '${long}' at 'alarmDescription' failed to satisfy constraint: Member must have length less than or equal to ${descriptionCharacters}`,
      actions: "accepted",
      moreActions: `${invalid} '[${topics(actions + 1).join(", ")}]' at 'oKActions' failed to satisfy constraint: Member must have length less than or equal to ${actions}`,
    });
  });

  test.each([
    [60, 1440, "accepted"],
    [
      60,
      1441,
      "ValidationError: Metrics cannot be checked across more than 86400 seconds (EvaluationPeriods * Period must be <= 86400), got 86460",
    ],
    [3540, 24, "accepted"],
    [
      3540,
      25,
      "ValidationError: Metrics cannot be checked across more than 86400 seconds (EvaluationPeriods * Period must be <= 86400), got 88500",
    ],
    [3600, 168, "accepted"],
    [
      3600,
      169,
      "ValidationError: Metrics cannot be checked across more than 604800 seconds (EvaluationPeriods * Period must be <= 604800), got 608400",
    ],
    [10, 1, "accepted"],
    [15, 1, "ValidationError: Period must be 10, 20, 30 or a multiple of 60, got 15"],
    [90, 1, "ValidationError: Period must be 10, 20, 30 or a multiple of 60, got 90"],
    [0, 1, "ValidationError: Period must be 10, 20, 30 or a multiple of 60, got 0"],
    [
      60,
      0,
      "ValidationError: 1 validation error detected: Value '0' at 'evaluationPeriods' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ],
  ])("a period of %d s, %d times", async (period, evaluationPeriods, expected) => {
    expect(await put({ period, evaluationPeriods })).toBe(expected);
  });

  test("an alarm must be able to compare something", async () => {
    const dimensions = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`d${n}`, "v"]));
    const invalid = "ValidationError: 1 validation error detected: Value";
    expect({
      operator: await put({ comparisonOperator: "Above" }),
      missing: await put({ treatMissingData: "bad" }),
      statistic: await put({ statistic: "Median" }),
      extended: await put({ statistic: undefined, extendedStatistic: "p99.9" }),
      noExtended: await put({ statistic: undefined, extendedStatistic: "p101" }),
      both: await put({ extendedStatistic: "p99" }),
      neither: await put({ statistic: undefined }),
      metric: await put({ metricName: undefined }),
      threshold: await put({ threshold: undefined }),
      datapoints: await put({ evaluationPeriods: 2, datapointsToAlarm: 2 }),
      moreDatapoints: await put({ evaluationPeriods: 2, datapointsToAlarm: 3 }),
      dimensions: await put({ dimensions: dimensions(ALARM_LIMITS.dimensions) }),
      moreDimensions: await put({ dimensions: dimensions(ALARM_LIMITS.dimensions + 1) }),
    }).toEqual({
      operator: `${invalid} 'Above' at 'comparisonOperator' failed to satisfy constraint: Member must satisfy enum value set: [GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanOrEqualToThreshold, LessThanThreshold, GreaterThanUpperThreshold, LessThanLowerOrGreaterThanUpperThreshold, LessThanLowerThreshold]`,
      missing: `${invalid} 'bad' at 'treatMissingData' failed to satisfy constraint: Member must satisfy enum value set: [missing, breaching, ignore, notBreaching]`,
      statistic: `${invalid} 'Median' at 'statistic' failed to satisfy constraint: Member must satisfy enum value set: [Average, Maximum, Minimum, SampleCount, Sum]`,
      extended: "accepted",
      noExtended:
        "ValidationError: The value p101 for parameter ExtendedStatistic is not supported.",
      both: "ValidationError: Statistic or ExtendedStatistic must be given, and not both",
      neither: "ValidationError: Statistic or ExtendedStatistic must be given, and not both",
      metric: "ValidationError: MetricName, Namespace and Period must be given, or else Metrics",
      threshold: "ValidationError: Threshold must be given",
      datapoints: "accepted",
      moreDatapoints:
        "ValidationError: The value of DatapointsToAlarm must be 1 to EvaluationPeriods, 2, got 3",
      dimensions: "accepted",
      moreDimensions: `ValidationError: At most ${ALARM_LIMITS.dimensions} dimensions are possible, got ${ALARM_LIMITS.dimensions + 1}`,
    });
  });

  test("queries take the place of a metric, and exactly one returns data", async () => {
    const metric = (id: string, changes: object = {}): MetricQuery => ({
      id,
      metricStat: {
        metricName: "Sent",
        namespace: "AWS/SNS",
        dimensions: {},
        period: 300,
        stat: "Sum",
        ...changes,
      },
      returnData: false,
    });
    const sum: MetricQuery = { id: "all", expression: "a + b", returnData: true };
    const none = {
      metricName: undefined,
      namespace: undefined,
      period: undefined,
      statistic: undefined,
    };
    const query = (...metrics: MetricQuery[]) => put({ ...none, metrics });
    const many = (count: number) => Array.from({ length: count }, (_, n) => metric(`m${n}`));
    const band: Partial<AlarmSettings> = {
      ...none,
      comparisonOperator: "GreaterThanUpperThreshold",
      threshold: undefined,
      thresholdMetricId: "band",
      metrics: [
        { ...metric("a"), returnData: true },
        { id: "band", expression: "ANOMALY_DETECTION_BAND(a)", returnData: true },
      ],
    };
    expect({
      good: await query(metric("a"), metric("b"), sum),
      beside: await put({ metrics: [sum] }),
      none: await query(metric("a")),
      two: await query({ ...metric("a"), returnData: true }, sum),
      repeated: await query(metric("a"), metric("a"), sum),
      id: await query({ ...sum, id: "All" }),
      both: await query({ ...metric("a"), expression: "1", returnData: true }),
      neither: await query({ id: "a", returnData: true }),
      stat: await query(metric("a", { stat: "Median" }), sum),
      period: await query(metric("a", { period: 90 }), sum),
      most: await query(...many(ALARM_LIMITS.queries - 1), sum),
      more: await query(...many(ALARM_LIMITS.queries), sum),
      band: await put(band),
      noBand: await put({ ...band, thresholdMetricId: "b" }),
      bandless: await put({ ...band, thresholdMetricId: undefined }),
    }).toEqual({
      good: "accepted",
      beside:
        "ValidationError: Metrics and MetricName, Namespace, Period or Statistic must not be given together",
      none: "ValidationError: Exactly 1 of the Metrics must return data, got 0",
      two: "ValidationError: Exactly 1 of the Metrics must return data, got 2",
      repeated: "ValidationError: The id a must be that of one query",
      id: "ValidationError: The id All must begin with a lower case letter, and have letters, digits and underscores only",
      both: "ValidationError: The query a must have an expression or a metric, and not both",
      neither: "ValidationError: The query a must have an expression or a metric, and not both",
      stat: "ValidationError: The value Median for parameter Stat is not supported.",
      period: "ValidationError: Period must be 10, 20, 30 or a multiple of 60, got 90",
      most: "accepted",
      more: `ValidationError: At most ${ALARM_LIMITS.queries} queries are possible, got ${ALARM_LIMITS.queries + 1}`,
      band: "accepted",
      noBand: "ValidationError: ThresholdMetricId must be the id of a query, got b",
      bandless:
        "ValidationError: ThresholdMetricId is for GreaterThanUpperThreshold, LessThanLowerOrGreaterThanUpperThreshold, LessThanLowerThreshold, which need it, got GreaterThanUpperThreshold",
    });
  });
});

describe("log groups", () => {
  const group = (name: string, kmsKeyId?: string) =>
    logs.createLogGroup({
      name,
      logGroupClass: "STANDARD",
      kmsKeyId,
      deletionProtection: false,
      tags: {},
    });
  const gone = "ResourceNotFoundException: The specified log group does not exist.";

  test("a group lives until it is deleted, which protection forbids", async () => {
    const name = "/aws/events/keyspan-beats";
    expect(await answer(group(name))).toBe("accepted");
    expect(await answer(group(name))).toBe(
      "ResourceAlreadyExistsException: The specified log group already exists",
    );
    await logs.tagResource(name, { team: "a" });
    await logs.putLogGroupDeletionProtection(name, true);
    expect(await logs.describeLogGroup(name)).toEqual({
      name,
      arn: `arn:aws:logs:eu-central-1:${ACCOUNT}:log-group:${name}`,
      logGroupClass: "STANDARD",
      deletionProtection: true,
      tags: { team: "a" },
    });
    expect(await answer(logs.deleteLogGroup(name))).toBe(
      `ValidationException: Deletion protection of ${name} is enabled`,
    );
    await logs.putLogGroupDeletionProtection(name, false);
    expect(await answer(logs.deleteLogGroup(name))).toBe("accepted");
    expect(await answer(logs.deleteLogGroup(name))).toBe(gone);
    expect(await answer(logs.putRetentionPolicy(name, 7))).toBe(gone);
  });

  test("names have a length and a form", async () => {
    const longest = "a".repeat(LOG_GROUP_NAME.maxCharacters);
    const form = `InvalidParameterException: logGroupName must match ${LOG_GROUP_NAME.pattern}, the form of log group names (${LOG_GROUP_NAME.source})`;
    expect({
      longest: await answer(group(longest)),
      longer: await answer(group(`${longest}a`)),
      all: await answer(group("/a.B_c-1#")),
      space: await answer(group("a b")),
      reserved: await answer(group("aws/events")),
      empty: await answer(group("")),
    }).toEqual({
      longest: "accepted",
      longer: `InvalidParameterException: logGroupName must be at most 512 characters long, the limit for log group names (${LOG_GROUP_NAME.source})`,
      all: "accepted",
      space: form,
      reserved: form,
      empty: form,
    });
  });

  test("events are kept for ever or for some numbers of days", async () => {
    await group("beats");
    const put = (days: number) => answer(logs.putRetentionPolicy("beats", days));
    for (const days of LOG_RETENTION_DAYS) {
      expect(await put(days)).toBe("accepted");
    }
    expect((await logs.describeLogGroup("beats"))?.retentionInDays).toBe(3653);
    expect([await put(0), await put(2)]).toEqual(
      [0, 2].map(
        (days) =>
          `InvalidParameterException: retentionInDays must be one of ${LOG_RETENTION_DAYS.join(", ")}, got ${days}`,
      ),
    );
    await logs.deleteRetentionPolicy("beats");
    expect(await logs.describeLogGroup("beats")).not.toHaveProperty("retentionInDays");
  });

  test("a key must be there, enabled, of the region, and named by its ARN", async () => {
    const [here, disabled, elsewhere] = [
      await createKey(HERE),
      await createKey(HERE),
      await createKey(ELSEWHERE),
    ];
    await kms.disableKey(disabled);
    const refused = "InvalidParameterException: The specified KMS key cannot be used:";
    expect({
      here: await answer(group("a", here)),
      disabled: await answer(group("b", disabled)),
      elsewhere: await answer(group("b", elsewhere)),
      none: await answer(group("b", NO_KEY)),
      alias: await answer(logs.associateKmsKey("a", "alias/keyspan-audit")),
    }).toEqual({
      here: "accepted",
      disabled: `${refused} ${disabled} is disabled`,
      elsewhere: `${refused} ${elsewhere} is a key of eu-west-1, not of eu-central-1`,
      none: `${refused} ${NO_KEY} does not exist`,
      alias: `${refused} alias/keyspan-audit is no ARN of a key`,
    });
    await logs.disassociateKmsKey("a");
    expect(await logs.describeLogGroup("a")).not.toHaveProperty("kmsKeyId");
  });

  test("a region has some resource policies, each of some size", async () => {
    const document = (sid: string) =>
      policyOf({
        Sid: sid,
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "logs:PutLogEvents",
        Resource: "*",
      });
    const { perRegion, maxBytes } = LOG_RESOURCE_POLICY_LIMITS;
    const longest = "a".repeat(maxBytes - document("").length);
    const put = (name: string, sid = "") => answer(logs.putResourcePolicy(name, document(sid)));
    for (let n = 1; n <= perRegion; n += 1) {
      expect(await put(`p${n}`)).toBe("accepted");
    }
    expect({
      more: await put("more"),
      overwritten: await put("p1", longest),
      larger: await put("p1", `${longest}a`),
      elsewhere: await answer(new Logs(aws, ELSEWHERE).putResourcePolicy("p1", document(""))),
      noPolicy: await answer(logs.putResourcePolicy("p1", "[]")),
      deleted: await answer(logs.deleteResourcePolicy("p2")),
      deletedAgain: await answer(logs.deleteResourcePolicy("p2")),
    }).toEqual({
      more: "LimitExceededException: Resource limit exceeded.",
      overwritten: "accepted",
      larger: `InvalidParameterException: The policy must be at most ${maxBytes} bytes, got ${maxBytes + 1}`,
      elsewhere: "accepted",
      noPolicy: expect.stringMatching(/^InvalidParameterException: Syntax errors in policy: /),
      deleted: "accepted",
      deletedAgain: "ResourceNotFoundException: Policy with name [p2] does not exist.",
    });
    expect(await put("more")).toBe("accepted");
    expect(await logs.describeResourcePolicy("p1")).toEqual({
      name: "p1",
      document: document(longest),
    });
  });
});

test("a parameter is found by its name or ARN, in its own region, and is of no use encrypted", async () => {
  const name = "/keyspan/webhook";
  const arn = parameterArn(HERE, name);
  expect(arn).toBe(`arn:aws:ssm:eu-central-1:${ACCOUNT}:parameter/keyspan/webhook`);
  const secret = {
    name,
    arn,
    type: "SecureString" as const,
    value: "https://a.example.com",
    version: 1,
  };
  const plain = {
    ...secret,
    name: "plain",
    arn: parameterArn(HERE, "plain"),
    type: "String" as const,
  };
  aws.store.put(PARAMETERS, HERE.region, name, secret);
  aws.store.put(PARAMETERS, HERE.region, "plain", plain);
  const ssm = new Ssm(aws, HERE);
  expect(await ssm.getParameter(name, true)).toEqual(secret);
  expect(await ssm.getParameter(arn, true)).toEqual(secret);
  expect((await ssm.getParameter(name, false)).value).not.toContain("example");
  expect(await ssm.getParameter("plain", false)).toEqual(plain);
  for (const [at, missing] of [
    [HERE, "/keyspan/other"],
    [ELSEWHERE, name],
  ] as const) {
    expect(await answer(new Ssm(aws, at).getParameter(missing, true))).toMatch(
      /^ParameterNotFound: /,
    );
  }
});

test("an account is seeded with the parameters that hold endpoints, once, each such as its protocol takes", async () => {
  const demo = loadAccount(join(__dirname, "../../../accounts"), "demo");
  const at = { partition: demo.partition, account: demo.id, region: demo.homeRegion };
  const endpoints = ["email", "https", "lambda", "sqs"] as const;
  const account = {
    ...demo,
    notifications: {
      ...demo.notifications,
      subscriptions: [
        ...endpoints.map((protocol) => ({
          protocol,
          endpoint: { ssmParameter: `/keyspan/${protocol}` },
          severity: "all" as const,
        })),
        {
          protocol: "email" as const,
          endpoint: { value: "a@example.com" },
          severity: "all" as const,
        },
      ],
    },
  };
  const { store } = aws;
  const email = {
    name: "/keyspan/email",
    arn: "arn",
    type: "String" as const,
    value: "b",
    version: 7,
  };
  store.put(PARAMETERS, at.region, email.name, email);
  seedAccount(store, account);
  const parameters = store.list(PARAMETERS, at.region).map(([, parameter]) => parameter);
  expect(parameters).toHaveLength(4);
  expect(parameters).toContainEqual(email);
  expect(parameters).toContainEqual({
    name: "/keyspan/https",
    arn: parameterArn(at, "/keyspan/https"),
    type: "SecureString",
    value: "https://hooks.example.com/keyspan-https",
    version: 1,
  });
  // SNS takes each of them.
  store.remove(PARAMETERS, at.region, email.name);
  seedAccount(store, account);
  const home = new Sns(aws, at);
  const topic = await home.createTopic("alerts", {});
  for (const protocol of endpoints) {
    const { value } = store.get(PARAMETERS, at.region, `/keyspan/${protocol}`) ?? { value: "" };
    const input = { topicArn: topic, protocol, endpoint: value, attributes: {} };
    expect([protocol, await answer(home.subscribe(input))]).toEqual([protocol, "accepted"]);
  }
});
