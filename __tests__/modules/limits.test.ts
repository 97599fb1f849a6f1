/** What AWS would refuse is refused when the account is synthesized; on both sides of each bound. */
import { App, TerraformStack } from "cdktf";
import { MAX_ALARM_DESCRIPTION_CHARACTERS } from "../../modules/cloudwatch/alarm-limits";
import { MetricAlarm } from "../../modules/cloudwatch/metric-alarm";
import type { EventPattern } from "../../modules/events/event-pattern";
import { EventRule } from "../../modules/events/event-rule";
import {
  MAX_RULE_PATTERN_CHARACTERS,
  MAX_RULES_PER_BUS,
  rulesPerBusProblems,
} from "../../modules/events/rule-limits";
import { MAX_ROLE_POLICY_CHARACTERS, ServiceRole } from "../../modules/iam/service-role";
import { MAX_DEFINITION_BYTES, StateMachine } from "../../modules/states/state-machine";

const newStack = () => new TerraformStack(new App(), "stack");

/** A pattern whose JSON text has that many characters. */
function patternOf(characters: number): EventPattern {
  const empty = JSON.stringify({ source: [""] }).length;
  return { source: ["x".repeat(characters - empty)] };
}

function defineRule(
  changes: { ruleName?: string; eventPattern?: EventPattern; targets?: number } = {},
): EventRule {
  const { ruleName = "keyspan-rule", eventPattern = { source: ["a"] }, targets = 1 } = changes;
  return new EventRule(newStack(), "Rule", {
    ruleName,
    addressName: "rule",
    description: "A rule",
    region: "eu-west-1",
    eventPattern,
    targets: Array.from({ length: targets }, (_, index) => ({
      targetId: `t${index}`,
      arn: "arn:aws:events:eu-west-1:111122223333:event-bus/keyspan-hub",
    })),
  });
}

describe("rules", () => {
  test.each([
    ["a name of 64 characters", { ruleName: "r".repeat(64) }],
    ["a pattern of the longest", { eventPattern: patternOf(MAX_RULE_PATTERN_CHARACTERS) }],
    ["5 targets", { targets: 5 }],
  ])("may have %s", (_what, changes) => {
    expect(() => defineRule(changes)).not.toThrow();
  });

  test.each([
    [
      "a longer name",
      { ruleName: "r".repeat(65) },
      `${"r".repeat(65)}: the rule's name must be at most 64 characters long, the limit for rule names (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html), got "${"r".repeat(65)}"; shorten it`,
    ],
    [
      "a longer pattern",
      { eventPattern: patternOf(MAX_RULE_PATTERN_CHARACTERS + 1) },
      "keyspan-rule: the event pattern must have at most 2048 characters (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html), got 2049; split it over several rules",
    ],
    [
      "no target",
      { targets: 0 },
      "keyspan-rule: the targets must be 1 to 5 (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html), got 0; use several rules",
    ],
    [
      "more targets",
      { targets: 6 },
      "keyspan-rule: the targets must be 1 to 5 (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html), got 6; use several rules",
    ],
    [
      "a pattern that EventBridge refuses",
      { eventPattern: { source: [] } },
      "keyspan-rule: the event pattern's source must not be an empty array, got []; ",
    ],
  ])("must not have %s", (_what, changes, message) => {
    expect(() => defineRule(changes)).toThrow(message);
  });
});

test("a bus may have as many rules as EventBridge takes", () => {
  const rules = (count: number) =>
    Array.from({ length: count }, () => "the default bus in eu-west-1");
  const elsewhere = ["the default bus in eu-north-1", "the custom bus in eu-west-1"];
  expect(rulesPerBusProblems([...rules(MAX_RULES_PER_BUS), ...elsewhere])).toEqual([]);
  expect(rulesPerBusProblems([...rules(MAX_RULES_PER_BUS + 1), ...elsewhere])).toEqual([
    "the rules of the default bus in eu-west-1 must be at most 300 (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html), got 301; use fewer regions",
  ]);
});

describe("state machines", () => {
  const define = (comment: string) =>
    new StateMachine(newStack(), "Machine", {
      stateMachineName: "keyspan-machine",
      addressName: "machine",
      region: "eu-west-1",
      roleArn: "arn:aws:iam::111122223333:role/keyspan-machine",
      definition: {
        Comment: comment,
        QueryLanguage: "JSONata",
        StartAt: "Done",
        States: { Done: { Type: "Succeed" } },
      },
    });
  const empty = JSON.stringify({
    Comment: "",
    QueryLanguage: "JSONata",
    StartAt: "Done",
    States: { Done: { Type: "Succeed" } },
  }).length;

  test("may have a definition of the largest size", () => {
    expect(() => define("x".repeat(MAX_DEFINITION_BYTES - empty))).not.toThrow();
  });

  test("must not have a larger one, counted in bytes", () => {
    expect(() => define(`é${"x".repeat(MAX_DEFINITION_BYTES - empty - 1)}`)).toThrow(
      "keyspan-machine: the definition must have at most 1048576 bytes (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html), got 1048577; use fewer keys, buses or regions",
    );
  });

  test.each(["$".concat("{a}"), "%{if true}"])(
    "must not hold a template of Terraform: %s",
    (text) => {
      expect(() => define(text)).toThrow(
        "keyspan-machine: the definition holds a template of Terraform; write the expression otherwise",
      );
    },
  );
});

describe("alarms", () => {
  const define = (characters: number) =>
    new MetricAlarm(newStack(), "Alarm", {
      alarmName: "keyspan-alarm",
      addressName: "alarm",
      description: "x".repeat(characters),
      region: "eu-west-1",
      metric: { namespace: "AWS/SQS", metricName: "Any", dimensions: {} },
      condition: { kind: "any", statistic: "Sum", periodSeconds: 60 },
    });

  test("describe themselves in as many characters as CloudWatch takes", () => {
    expect(() => define(MAX_ALARM_DESCRIPTION_CHARACTERS)).not.toThrow();
    expect(() => define(MAX_ALARM_DESCRIPTION_CHARACTERS + 1)).toThrow(
      "keyspan-alarm: the alarm's description must have at most 1024 characters (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html), got 1025; shorten notifications.footer",
    );
  });
});

describe("roles", () => {
  const statement = (Resource: string) =>
    ({ Sid: "A", Effect: "Allow", Action: "events:PutEvents", Resource }) as const;
  const empty = JSON.stringify({ Version: "2012-10-17", Statement: [statement("")] }).length;
  const define = (characters: number) =>
    new ServiceRole(newStack(), "Role", {
      roleName: "keyspan-role",
      addressName: "role",
      description: "A role",
      servicePrincipal: "events.amazonaws.com",
      trustCondition: {},
      permissions: [statement("x".repeat(characters - empty))],
    });

  test("may do as much as fits into their policy", () => {
    expect(() => define(MAX_ROLE_POLICY_CHARACTERS)).not.toThrow();
    expect(() => define(MAX_ROLE_POLICY_CHARACTERS + 1)).toThrow(
      "keyspan-role: the role's policy must have at most 10240 characters (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html), got 10241; use fewer regions",
    );
  });
});
