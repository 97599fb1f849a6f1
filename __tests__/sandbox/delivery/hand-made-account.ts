/**
 * A small account that is put together by hand: events of source `keyspan.test` come from eu-central-1
 * to the hub in eu-west-1, whose machine publishes them on the first topic, or else on the second.
 */
import { ALARMS, type AlarmObject } from "../../../sandbox/aws/cloudwatch";
import {
  EVENT_BUSES,
  EVENT_RULES,
  type EventBusObject,
  type RuleObject,
  type TargetObject,
} from "../../../sandbox/aws/events";
import { IAM_ROLES, type IamRoleObject } from "../../../sandbox/aws/iam";
import { KMS_KEYS, type KmsKeyObject } from "../../../sandbox/aws/kms";
import type { ObjectStore } from "../../../sandbox/aws/object-store";
import {
  SUBSCRIPTIONS,
  type SubscriptionObject,
  TOPICS,
  type TopicObject,
} from "../../../sandbox/aws/sns";
import { QUEUES, type QueueObject } from "../../../sandbox/aws/sqs";
import { STATE_MACHINE_OBJECTS, type StateMachineObject } from "../../../sandbox/aws/states";

/** The account. */
export const ACCOUNT = { partition: "aws", account: "111122223333" } as const;
/** Its home region. */
export const HOME = "eu-west-1";
/** Its other region. */
export const AWAY = "eu-central-1";
/** ARN of a role. */
export const iam = (name: string) => `arn:aws:iam::111122223333:role/${name}`;
/** ARN of what is in a region. */
export const at = (service: string, resource: string, region = HOME) =>
  `arn:aws:${service}:${region}:111122223333:${resource}`;
export const HUB = at("events", "event-bus/hub");
export const MACHINE = at("states", "stateMachine:announce");
export const ALERTS = at("sns", "alerts");
export const AUDIT = at("sns", "audit");
export const DEAD = at("sqs", "dead", AWAY);
export const FORWARD = at("events", "rule/forward", AWAY);

/** A policy that allows, but for what says otherwise. */
export const policy = (...statements: readonly object[]) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.map((statement) => ({ Effect: "Allow", ...statement })),
  });
/** A policy of a role. */
export const mine = (Action: string | readonly string[], Resource: string) =>
  policy({ Sid: "May", Action, Resource });

/** A role of a service. */
export const role = (name: string, service: string, permissions: string): IamRoleObject => ({
  name,
  arn: iam(name),
  path: "/",
  description: "",
  trustPolicy: policy({
    Sid: "Trust",
    Principal: { Service: service },
    Action: "sts:AssumeRole",
  }),
  maxSessionSeconds: 3600,
  uniqueId: "AROA",
  created: "",
  tags: {},
  inlinePolicies: { own: permissions },
});

/** A rule with one target. */
export const rule = (
  name: string,
  busName: string,
  region: string,
  pattern: object,
  target: Partial<TargetObject>,
): RuleObject => ({
  name,
  busName,
  arn: at("events", busName === "default" ? `rule/${name}` : `rule/${busName}/${name}`, region),
  eventPattern: JSON.stringify(pattern),
  state: "ENABLED",
  targets: { t: { id: "t", arn: "", parameters: {}, ...target } },
  tags: {},
});

const key = (keyId: string, region: string, ...statements: readonly object[]): KmsKeyObject => ({
  keyId,
  arn: at("kms", `key/${keyId}`, region),
  description: "",
  policy: policy(...statements),
  multiRegion: false,
  primaryRegion: region,
  enabled: true,
  tags: {},
});

const USES_KEY = { Action: ["kms:Decrypt", "kms:GenerateDataKey*"], Resource: "*" };
/** What lets the role of the machine use a key. */
export const byAnnounce = {
  Sid: "Announce",
  Principal: { AWS: "*" },
  ...USES_KEY,
  Condition: {
    ArnEquals: { "aws:PrincipalArn": iam("announce") },
    StringEquals: { "aws:PrincipalAccount": ACCOUNT.account },
  },
};
/** What lets alarms use a key. */
export const byAlarms = {
  Sid: "Alarms",
  Principal: { Service: "cloudwatch.amazonaws.com" },
  ...USES_KEY,
  Condition: {
    StringEquals: { "aws:SourceAccount": ACCOUNT.account },
    ArnLike: { "aws:SourceArn": at("cloudwatch", "alarm:watch-*") },
  },
};
/** What lets EventBridge use a key for dead letters. */
export const byDeadLetters = {
  Sid: "DeadLetters",
  Principal: { Service: "events.amazonaws.com" },
  ...USES_KEY,
  Condition: {
    StringEqualsIfExists: { "aws:SourceAccount": ACCOUNT.account },
    ArnEqualsIfExists: { "aws:SourceArn": [FORWARD, DEAD] },
  },
};

const topic = (name: string, keyId: string): TopicObject => ({
  name,
  arn: at("sns", name),
  owner: ACCOUNT.account,
  attributes: {
    KmsMasterKeyId: at("kms", `key/${keyId}`),
    Policy: policy(
      {
        Sid: "Announce",
        Principal: { AWS: iam("announce") },
        Action: "sns:Publish",
        Resource: at("sns", name),
      },
      {
        Sid: "Alarms",
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Action: "sns:Publish",
        Resource: at("sns", name),
        Condition: byAlarms.Condition,
      },
    ),
  },
  tags: {},
});

const subscription = (topicArn: string, more: Partial<SubscriptionObject>): SubscriptionObject => ({
  arn: `${topicArn}:1`,
  topicArn,
  protocol: "email",
  endpoint: "team@example.com",
  owner: ACCOUNT.account,
  confirmed: true,
  confirmationWasAuthenticated: false,
  attributes: {},
  ...more,
});

const publishing = (TopicArn: string, Message: string, more: object) => ({
  Type: "Task",
  Resource: "arn:aws:states:::sns:publish",
  Arguments: {
    TopicArn,
    Subject: "{% $states.context.Execution.Input.detail.subject %}",
    Message,
    MessageAttributes: {
      severity: {
        DataType: "String",
        StringValue: "{% $states.context.Execution.Input.detail.severity %}",
      },
    },
  },
  ...more,
});

/** The machine. */
export const DEFINITION = {
  QueryLanguage: "JSONata",
  StartAt: "ToAlerts",
  States: {
    ToAlerts: publishing(ALERTS, "{% $states.input.detail.text %}", {
      Retry: [{ ErrorEquals: ["SNS.AuthorizationErrorException"], MaxAttempts: 2 }],
      Catch: [
        {
          ErrorEquals: ["States.ALL"],
          Next: "ToAudit",
          Assign: { why: "{% $states.errorOutput.Error %}" },
        },
      ],
      End: true,
    }),
    ToAudit: publishing(AUDIT, '{% $why & ": " & $states.context.Execution.Input.detail.text %}', {
      End: true,
    }),
  },
};

const MACHINE_OBJECT: StateMachineObject = {
  name: "announce",
  arn: MACHINE,
  definition: JSON.stringify(DEFINITION),
  roleArn: iam("announce"),
  type: "STANDARD",
  encryption: { type: "AWS_OWNED_KEY" },
  logging: { level: "OFF", includeExecutionData: false },
  tracingEnabled: false,
  revisionId: "",
  versions: 0,
  created: "",
  tags: {},
};

/** An alarm that acts on both topics. */
export const ALARM: AlarmObject = {
  name: "watch-announce",
  arn: at("cloudwatch", "alarm:watch-announce"),
  actionsEnabled: true,
  alarmActions: [ALERTS, AUDIT],
  insufficientDataActions: [],
  okActions: [AUDIT],
  description: "announcing fails",
  comparisonOperator: "GreaterThanThreshold",
  evaluationPeriods: 1,
  dimensions: {},
  metrics: [],
  treatMissingData: "missing",
  state: "OK",
  tags: {},
};

const HUB_BUS: EventBusObject = {
  name: "hub",
  arn: HUB,
  policy: policy({
    Sid: "Forwarder",
    Principal: { AWS: iam("forward") },
    Action: "events:PutEvents",
    Resource: HUB,
  }),
  tags: {},
};

const QUEUE: QueueObject = {
  name: "dead",
  arn: DEAD,
  url: "",
  attributes: {
    contentBasedDeduplication: false,
    deduplicationScope: "",
    delaySeconds: 0,
    fifoQueue: false,
    fifoThroughputLimit: "",
    kmsDataKeyReusePeriodSeconds: 300,
    kmsMasterKeyId: at("kms", "key/away", AWAY),
    maximumMessageSize: 1,
    messageRetentionPeriod: 1,
    policy: policy({
      Sid: "EventBridgeSends",
      Principal: { Service: "events.amazonaws.com" },
      Action: "sqs:SendMessage",
      Resource: DEAD,
      Condition: { ArnEquals: { "aws:SourceArn": FORWARD } },
    }),
    receiveMessageWaitTimeSeconds: 0,
    redriveAllowPolicy: "",
    redrivePolicy: "",
    sqsManagedSseEnabled: false,
    visibilityTimeout: 30,
  },
  tags: {},
};

/** An account through which events get. */
export function putHandMadeAccount(store: ObjectStore): void {
  store.put(EVENT_BUSES, HOME, "hub", HUB_BUS);
  for (const made of [
    role("forward", "events.amazonaws.com", mine("events:PutEvents", HUB)),
    role("start", "events.amazonaws.com", mine("states:StartExecution", MACHINE)),
    role("announce", "states.amazonaws.com", mine("sns:Publish", at("sns", "*"))),
  ]) {
    store.put(IAM_ROLES, undefined, made.name, made);
  }
  store.put(
    EVENT_RULES,
    AWAY,
    "default/forward",
    rule(
      "forward",
      "default",
      AWAY,
      { source: ["keyspan.test"] },
      {
        arn: HUB,
        roleArn: iam("forward"),
        deadLetterConfig: { arn: DEAD },
      },
    ),
  );
  store.put(
    EVENT_RULES,
    HOME,
    "hub/announce",
    rule(
      "announce",
      "hub",
      HOME,
      { source: ["keyspan.test"] },
      { arn: MACHINE, roleArn: iam("start") },
    ),
  );
  store.put(STATE_MACHINE_OBJECTS, HOME, "announce", MACHINE_OBJECT);
  store.put(KMS_KEYS, HOME, "alerts", key("alerts", HOME, byAnnounce, byAlarms));
  store.put(KMS_KEYS, HOME, "audit", key("audit", HOME, byAnnounce, byAlarms));
  store.put(KMS_KEYS, AWAY, "away", key("away", AWAY, byDeadLetters));
  store.put(TOPICS, HOME, "alerts", topic("alerts", "alerts"));
  store.put(TOPICS, HOME, "audit", topic("audit", "audit"));
  store.put(QUEUES, AWAY, "dead", QUEUE);
  store.put(SUBSCRIPTIONS, HOME, "1", subscription(ALERTS, {}));
  store.put(
    SUBSCRIPTIONS,
    HOME,
    "2",
    subscription(ALERTS, {
      endpoint: "boss@example.com",
      attributes: { FilterPolicy: '{"severity":["critical"]}' },
    }),
  );
  store.put(
    SUBSCRIPTIONS,
    HOME,
    "3",
    subscription(AUDIT, { protocol: "https", endpoint: "https://x" }),
  );
  store.put(ALARMS, HOME, ALARM.name, ALARM);
}

/** An event that everybody gets who asked for all. */
export const EVENT = {
  id: "e-1",
  source: "keyspan.test",
  "detail-type": "Keyspan Test Message",
  account: ACCOUNT.account,
  region: AWAY,
  time: "2026-01-01T00:00:00Z",
  resources: [],
  detail: { subject: "[INFO] a key", text: "something happened", severity: "info" },
};
