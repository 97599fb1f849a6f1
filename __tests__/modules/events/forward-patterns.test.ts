/** What leaves a region and what does not, decided by EventBridge's semantics. */
import { eventPatternProblems } from "../../../modules/events/event-pattern";
import { forwardRules, iamForwardRule } from "../../../modules/events/forward-patterns";
import { MAX_RULE_PATTERN_CHARACTERS } from "../../../modules/events/rule-limits";
import { announcedEvents, canaryEvents, heartbeatEvents } from "../../../modules/notifications/hub";
import { KMS_CALLS } from "../../../modules/states/announce/kinds";
import { matchesPattern } from "../../../sandbox/delivery/event-matcher";

const AT = { partition: "aws", account: "111122223333", region: "eu-central-1" } as const;
const HOME = { ...AT, region: "eu-west-1" } as const;
const TRAIL = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/keyspan";
const rules = [...forwardRules({ at: AT, trailArn: TRAIL }), iamForwardRule()];
/** The longest names that AWS has or admits. */
const LONGEST = forwardRules({
  at: { partition: "aws-us-gov", account: AT.account, region: "ap-northeast-1" },
  trailArn: `arn:aws-us-gov:cloudtrail:ap-northeast-1:111122223333:trail/${"x".repeat(128)}`,
});

const PERSON = { type: "AssumedRole", arn: "arn:aws:sts::111122223333:assumed-role/Admin/jane" };
const CANARY = {
  type: "AssumedRole",
  sessionContext: { sessionIssuer: { arn: "arn:aws:iam::111122223333:role/keyspan-canary" } },
};

/** An event with an envelope as EventBridge gives it. */
function event(source: string, detailType: string, detail: object, account: string = AT.account) {
  return {
    version: "0",
    id: "0d079340-135a-c8c6-95c2-41fb8f496c53",
    "detail-type": detailType,
    source,
    account,
    time: "2026-01-01T00:00:00Z",
    region: AT.region,
    resources: [],
    detail,
  };
}

/** A call that a trail has recorded. */
function call(service: string, eventName: string, requestParameters: object, rest: object = {}) {
  return event(`aws.${service}`, "AWS API Call via CloudTrail", {
    eventSource: `${service}.amazonaws.com`,
    eventName,
    awsRegion: AT.region,
    userIdentity: PERSON,
    requestParameters,
    ...rest,
  });
}

/** The rules that forward an event, without their common prefix. */
function forwardedBy(candidate: object): readonly string[] {
  return rules
    .filter(({ eventPattern }) => matchesPattern(eventPattern, candidate))
    .map(({ ruleName }) => ruleName.replace("keyspan-forward-", ""));
}

test("every pattern is valid and short enough, and no two rules have one name", () => {
  for (const { eventPattern } of [...rules, ...LONGEST]) {
    expect(JSON.stringify(eventPattern).length).toBeLessThanOrEqual(MAX_RULE_PATTERN_CHARACTERS);
  }
  expect(rules.flatMap(({ eventPattern }) => eventPatternProblems(eventPattern))).toEqual([]);
  expect(new Set(rules.map(({ ruleName }) => ruleName)).size).toBe(rules.length);
});

describe("calls to KMS", () => {
  test.each(KMS_CALLS)(
    "%s is forwarded once, whoever the key belongs to, refused or not",
    (name) => {
      expect(forwardedBy(call("kms", name, { keyId: "any" }))).toEqual(["kms-calls"]);
      expect(forwardedBy(call("kms", name, {}, { errorCode: "AccessDenied" }))).toEqual([
        "kms-calls",
      ]);
    },
  );

  test("the second record of UpdatePrimaryRegion is forwarded under either type", () => {
    const second = call("kms", "UpdatePrimaryRegion", {}, { userIdentity: { invokedBy: "kms" } });
    expect(forwardedBy(second)).toEqual(["kms-calls"]);
    expect(forwardedBy({ ...second, "detail-type": "AWS Service Event via CloudTrail" })).toEqual([
      "kms-calls",
    ]);
  });

  test("a grant that a service makes is not", () => {
    const byService = { userIdentity: { ...PERSON, invokedBy: "ec2.amazonaws.com" } };
    expect(forwardedBy(call("kms", "CreateGrant", {}, byService))).toEqual([]);
    expect(forwardedBy(call("kms", "DisableKey", {}, byService))).toEqual(["kms-calls"]);
  });

  test.each(["Decrypt", "GenerateDataKey", "DescribeKey", "CreateKey", "UpdateKeyDescription"])(
    "%s is not",
    (name) => {
      expect(forwardedBy(call("kms", name, {}))).toEqual([]);
    },
  );

  test("the canary is, by its role alone", () => {
    const canary = call("kms", "UpdateKeyDescription", {}, { userIdentity: CANARY });
    expect(forwardedBy(canary)).toEqual(["canary"]);
  });
});

test.each([
  ["KMS CMK Deletion", ["kms-events"]],
  ["KMS CMK Rotation", ["kms-events"]],
  ["KMS Imported Key Material Expiration", ["kms-events"]],
  ["KMS Something Else", []],
])("%s of KMS itself: %j", (detailType, expected) => {
  expect(forwardedBy(event("aws.kms", detailType, { "key-id": "x" }))).toEqual(expected);
});

test("what CloudTrail says of the same news is not forwarded: it would be told twice", () => {
  for (const eventName of ["DeleteKey", "RotateKey", "DeleteExpiredKeyMaterial"]) {
    const record = event("aws.kms", "AWS Service Event via CloudTrail", {
      eventSource: "kms.amazonaws.com",
      eventName,
    });
    expect(forwardedBy(record)).toEqual([]);
  }
});

describe("Keyspan's own events", () => {
  test.each([
    "keyspan.heartbeat",
    "keyspan.pulse",
    "keyspan.test",
    "keyspan.sweep",
    "keyspan.trail",
  ])("%s is forwarded, from this account alone", (source) => {
    expect(forwardedBy(event(source, "Any", {}))).toEqual(["keyspan-events"]);
    expect(forwardedBy(event(source, "Any", {}, "999988887777"))).toEqual([]);
  });

  test("another team's are not", () => {
    expect(forwardedBy(event("acme.orders", "Order placed", {}))).toEqual([]);
    expect(forwardedBy(event("keyspan", "Keyspan Heartbeat", {}))).toEqual([]);
  });
});

describe("executions", () => {
  const status = (name: string, state: string) =>
    forwardedBy(
      event("aws.states", "Step Functions Execution Status Change", {
        stateMachineArn: `arn:aws:states:eu-central-1:111122223333:stateMachine:${name}`,
        status: state,
      }),
    );

  test.each(["FAILED", "TIMED_OUT", "ABORTED"])("a check that %s is forwarded", (state) => {
    expect(status("keyspan-sweep", state)).toEqual(["failed-checks"]);
    expect(status("keyspan-trail-check", state)).toEqual(["failed-checks"]);
  });

  test("neither those that succeed, nor another team's, nor announce's", () => {
    expect(status("keyspan-sweep", "SUCCEEDED")).toEqual([]);
    expect(status("keyspan-sweep", "RUNNING")).toEqual([]);
    expect(status("orders", "FAILED")).toEqual([]);
    expect(status("keyspan-announce", "FAILED")).toEqual([]);
  });
});

describe("alarms", () => {
  const change = (alarmName: string, value: string, previous: string) =>
    forwardedBy(
      event("aws.cloudwatch", "CloudWatch Alarm State Change", {
        alarmName,
        state: { value },
        previousState: { value: previous },
      }),
    );

  test("of Keyspan are forwarded when they go off, and when that ends", () => {
    const name = "keyspan-watch-heartbeat-eu-central-1";
    expect(change(name, "ALARM", "OK")).toEqual(["alarms"]);
    expect(change(name, "ALARM", "INSUFFICIENT_DATA")).toEqual(["alarms"]);
    expect(change(name, "OK", "ALARM")).toEqual(["alarms"]);
    expect(change(name, "OK", "INSUFFICIENT_DATA")).toEqual([]);
    expect(change(name, "INSUFFICIENT_DATA", "ALARM")).toEqual([]);
  });

  test.each(["cpu", "keyspan-announce-failed", "keyspan-delivery-alerts", "my-keyspan-watch-x"])(
    "%s is not",
    (name) => {
      expect(change(name, "ALARM", "OK")).toEqual([]);
    },
  );
});

describe("calls that touch Keyspan's own parts", () => {
  const topic = "arn:aws:sns:eu-central-1:111122223333:keyspan-alerts";
  const machine = "arn:aws:states:eu-central-1:111122223333:stateMachine:keyspan-announce";
  const url = "https://sqs.eu-central-1.amazonaws.com/111122223333/";

  test.each([
    ["events", "DisableRule", { name: "keyspan-forward-kms-calls" }, "path-touched"],
    ["events", "DeleteRule", { name: "keyspan-announce", eventBusName: "any" }, "path-touched"],
    ["events", "PutRule", { name: "mine", eventBusName: "keyspan-hub" }, "path-touched"],
    [
      "events",
      "PutRule",
      {
        name: "mine",
        eventBusName: "arn:aws:events:eu-central-1:111122223333:event-bus/keyspan-hub",
      },
      "path-touched",
    ],
    ["events", "RemoveTargets", { rule: "keyspan-forward-alarms" }, "path-touched"],
    ["events", "PutTargets", { rule: "keyspan-forward-alarms" }, "path-touched"],
    ["events", "DeleteEventBus", { name: "keyspan-hub" }, "path-touched"],
    ["events", "PutPermission", { eventBusName: "keyspan-hub" }, "path-touched"],
    ["sns", "DeleteTopic", { topicArn: topic }, "path-touched"],
    ["sns", "SetTopicAttributes", { topicArn: topic }, "path-touched"],
    ["sns", "PutDataProtectionPolicy", { resourceArn: topic }, "path-touched"],
    ["sns", "Subscribe", { topicArn: topic }, "path-touched"],
    ["sns", "Unsubscribe", { subscriptionArn: `${topic}:8d1f` }, "path-touched"],
    ["states", "UpdateStateMachine", { stateMachineArn: machine }, "path-touched"],
    ["states", "DeleteStateMachine", { stateMachineArn: machine }, "path-touched"],
    [
      "states",
      "StopExecution",
      { executionArn: machine.replace("stateMachine", "execution").concat(":run") },
      "path-touched",
    ],
    [
      "scheduler",
      "DeleteSchedule",
      { name: "keyspan-sweep", groupName: "keyspan" },
      "proof-touched",
    ],
    ["scheduler", "UpdateSchedule", { name: "any", groupName: "keyspan" }, "proof-touched"],
    ["scheduler", "UpdateSchedule", { GroupName: "keyspan", Name: "any" }, "proof-touched"],
    ["scheduler", "DeleteScheduleGroup", { name: "keyspan" }, "proof-touched"],
    [
      "monitoring",
      "DeleteAlarms",
      { alarmNames: ["cpu", "keyspan-announce-failed"] },
      "proof-touched",
    ],
    ["monitoring", "DisableAlarmActions", { alarmNames: ["keyspan-watch-x"] }, "proof-touched"],
    ["monitoring", "PutMetricAlarm", { alarmName: "keyspan-watch-x" }, "proof-touched"],
    ["monitoring", "SetAlarmState", { alarmName: "keyspan-watch-x" }, "proof-touched"],
    ["sqs", "DeleteQueue", { queueUrl: `${url}keyspan-dead-letter-forward` }, "proof-touched"],
    ["sqs", "PurgeQueue", { queueUrl: `${url}keyspan-orders-dead-letter` }, "proof-touched"],
    ["cloudtrail", "StopLogging", { name: TRAIL }, "records-touched"],
    ["cloudtrail", "StopLogging", { name: "keyspan" }, "records-touched"],
    ["cloudtrail", "PutEventSelectors", { trailName: "keyspan" }, "records-touched"],
    ["cloudtrail", "DeleteTrail", { name: "keyspan" }, "records-touched"],
    ["logs", "DeleteLogGroup", { logGroupName: "/aws/events/keyspan-beats" }, "records-touched"],
    ["logs", "DeleteResourcePolicy", { policyName: "keyspan-beats" }, "records-touched"],
    [
      "s3",
      "PutBucketPolicy",
      { bucketName: "keyspan-trail-111122223333-eu-west-1" },
      "records-touched",
    ],
    ["iam", "DeleteRole", { roleName: "keyspan-announce" }, "roles-touched"],
    ["iam", "PutRolePolicy", { roleName: "keyspan-forward-hub" }, "roles-touched"],
  ])("%s %s %j is forwarded", (service, name, parameters, expected) => {
    expect(forwardedBy(call(service, name, parameters))).toEqual([expected]);
  });

  test.each([
    ["events", "DisableRule", { name: "orders" }],
    ["events", "PutRule", { name: "orders", eventBusName: "orders" }],
    ["events", "DescribeRule", { name: "keyspan-announce" }],
    ["sns", "DeleteTopic", { topicArn: topic.replace("keyspan-", "") }],
    ["sns", "Unsubscribe", { subscriptionArn: `${topic}-of-another-team:8d1f` }],
    ["sns", "Publish", { topicArn: topic }],
    ["states", "DeleteStateMachine", { stateMachineArn: machine.replace("keyspan-", "my-") }],
    ["states", "StartExecution", { stateMachineArn: machine }],
    ["scheduler", "DeleteSchedule", { name: "keyspan-sweep", groupName: "default" }],
    ["monitoring", "DeleteAlarms", { alarmNames: ["cpu"] }],
    ["sqs", "DeleteQueue", { queueUrl: `${url}orders` }],
    ["sqs", "SendMessage", { queueUrl: `${url}keyspan-dead-letter-forward` }],
    ["cloudtrail", "StopLogging", { name: "another" }],
    ["logs", "DeleteLogGroup", { logGroupName: "/aws/events/orders" }],
    ["s3", "PutBucketPolicy", { bucketName: "acme-logs" }],
    ["iam", "DeleteRole", { roleName: "Admin" }],
    ["iam", "GetRole", { roleName: "keyspan-announce" }],
  ])("%s %s %j is not", (service, name, parameters) => {
    expect(forwardedBy(call(service, name, parameters))).toEqual([]);
  });

  test("without a known trail, calls that touch any trail are forwarded", () => {
    const [rule] = forwardRules({ at: AT }).filter(({ ruleName }) => /records/.test(ruleName));
    expect(
      matchesPattern(rule?.eventPattern, call("cloudtrail", "StopLogging", { name: "x" })),
    ).toBe(true);
  });
});

describe("on the hub", () => {
  const heartbeat = event("keyspan.heartbeat", "Keyspan Heartbeat", { region: AT.region });
  const canary = call("kms", "UpdateKeyDescription", {}, { userIdentity: CANARY });
  const alarm = event("aws.cloudwatch", "CloudWatch Alarm State Change", { alarmName: "a" });

  test("all but heartbeats and canaries start announce", () => {
    const announced = (candidate: object) => matchesPattern(announcedEvents(), candidate);
    expect(announced(heartbeat)).toBe(false);
    expect(announced(canary)).toBe(false);
    expect(announced(alarm)).toBe(true);
    expect(announced(event("keyspan.pulse", "Keyspan Pulse", {}))).toBe(true);
    expect(announced(call("kms", "DisableKey", {}))).toBe(true);
    expect(announced(event("keyspan.sweep", "Keyspan Key Reminder", {}))).toBe(true);
    expect(announced(event("aws.kms", "KMS CMK Deletion", { "key-id": "x" }, "999988887777"))).toBe(
      true,
    );
  });

  test("each region's heartbeats and canaries are counted by the region in their detail", () => {
    const elsewhere = { ...AT, region: "eu-north-1" };
    // No source says which region the envelope of a forwarded event names.
    const forwarded = { ...heartbeat, region: HOME.region };
    expect(matchesPattern(heartbeatEvents(AT), forwarded)).toBe(true);
    expect(matchesPattern(heartbeatEvents(elsewhere), forwarded)).toBe(false);
    expect(matchesPattern(canaryEvents(AT), { ...canary, region: HOME.region })).toBe(true);
    expect(matchesPattern(canaryEvents(elsewhere), canary)).toBe(false);
  });

  test("those of other accounts do not count for this one", () => {
    expect(matchesPattern(heartbeatEvents(AT), { ...heartbeat, account: "999988887777" })).toBe(
      false,
    );
    expect(matchesPattern(canaryEvents(AT), { ...canary, account: "999988887777" })).toBe(false);
  });

  test("a person who writes a description is no canary", () => {
    expect(matchesPattern(canaryEvents(AT), call("kms", "UpdateKeyDescription", {}))).toBe(false);
  });
});
