/**
 * What is forwarded from the default bus of a region, rule by rule.
 *
 * Rules match types of events, never keys: a list of keys would be too long for a pattern, and stale
 * with the next key. What is not KMS's own is bound to Keyspan's names, or every team's alarm would
 * be forwarded.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
import {
  ALERTS_TOPIC,
  AUDIT_TOPIC,
  BEATS_LOG_GROUP,
  FORWARD_RULE_PREFIX,
  HUB_BUS,
  KEYSPAN_EVENTS,
  KEYSPAN_PREFIX,
  ROLES,
  SCHEDULE_GROUP,
  STATE_MACHINES,
  TRAIL_LOG_GROUP,
  WATCH_ALARM_PREFIX,
} from "../names";
import {
  type AwsLocation,
  KMS_EVENT_SOURCE,
  parseArn,
  roleArn,
  stateMachineArn,
  topicArn,
} from "../partition";
import { CLOUDTRAIL_DETAIL_TYPES, KMS_CALLS, NATIVE_KMS_EVENTS } from "../states/announce/kinds";
import type { EventPattern } from "./event-pattern";

/** A rule of the default bus that forwards. */
export interface ForwardRule {
  /** Name of the rule: `keyspan-forward-<what>`. */
  readonly ruleName: string;
  readonly description: string;
  readonly eventPattern: EventPattern;
}

/** What decides about the patterns. */
export interface ForwardRulesProps {
  readonly at: AwsLocation;
  /** ARN of the trail that makes KMS's calls heard, if it is known. Calls that touch it are forwarded. */
  readonly trailArn?: string;
}

/** Name of the rule for calls that touch what tells: rules, hub, topics, subscriptions, machines. */
export const PATH_TOUCHED = `${FORWARD_RULE_PREFIX}path-touched`;
/** Name of the rule for Keyspan's alarms. */
export const ALARMS_RULE = `${FORWARD_RULE_PREFIX}alarms`;

/** Anything called as Keyspan calls it, or an ARN or URL that ends so. */
const OWN_NAME = [{ prefix: KEYSPAN_PREFIX }, { wildcard: `*:${KEYSPAN_PREFIX}*` }];

/** The rules of an active region. */
export function forwardRules({ at, trailArn }: ForwardRulesProps): readonly ForwardRule[] {
  return [
    {
      ruleName: `${FORWARD_RULE_PREFIX}kms-calls`,
      description: "Calls that change a KMS key or what protects it",
      eventPattern: {
        source: ["aws.kms"],
        // The second record of UpdatePrimaryRegion is KMS's own.
        "detail-type": Object.values(CLOUDTRAIL_DETAIL_TYPES),
        detail: {
          eventSource: [KMS_EVENT_SOURCE],
          $or: [
            { eventName: KMS_CALLS.filter((name) => name !== "CreateGrant") },
            // Services make grants all day long.
            { eventName: ["CreateGrant"], userIdentity: { invokedBy: [{ exists: false }] } },
          ],
        },
      },
    },
    {
      ruleName: `${FORWARD_RULE_PREFIX}kms-events`,
      description: "What KMS itself says of a key: deleted, rotated, material expired",
      eventPattern: {
        source: ["aws.kms"],
        "detail-type": Object.values(NATIVE_KMS_EVENTS).map(({ detailType }) => detailType),
      },
    },
    {
      ruleName: `${FORWARD_RULE_PREFIX}canary`,
      description: "The daily call that proves that CloudTrail's events arrive",
      eventPattern: {
        source: ["aws.kms"],
        "detail-type": [CLOUDTRAIL_DETAIL_TYPES.call],
        detail: {
          eventSource: [KMS_EVENT_SOURCE],
          eventName: [CANARY_CALL],
          userIdentity: { sessionContext: { sessionIssuer: { arn: [roleArn(at, ROLES.canary)] } } },
        },
      },
    },
    {
      ruleName: `${FORWARD_RULE_PREFIX}keyspan-events`,
      description: "Keyspan's own events: heartbeats, reminders, what the checks have found",
      eventPattern: {
        source: [...new Set(Object.values(KEYSPAN_EVENTS).map(({ source }) => source))],
        account: [at.account],
      },
    },
    {
      ruleName: `${FORWARD_RULE_PREFIX}failed-checks`,
      description: "Executions of the sweep and the trail check that failed",
      eventPattern: {
        source: ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        detail: {
          status: ["FAILED", "TIMED_OUT", "ABORTED"],
          // Not those of announce: it would be started with its own failure.
          stateMachineArn: [
            stateMachineArn(at, STATE_MACHINES.sweep),
            stateMachineArn(at, STATE_MACHINES.trailCheck),
          ],
        },
      },
    },
    {
      ruleName: ALARMS_RULE,
      description: "Alarms of Keyspan that go off, and their end",
      eventPattern: {
        source: ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        detail: {
          alarmName: [{ prefix: WATCH_ALARM_PREFIX }],
          $or: [
            { state: { value: ["ALARM"] } },
            { state: { value: ["OK"] }, previousState: { value: ["ALARM"] } },
          ],
        },
      },
    },
    ...tamperingRules(at, trailArn),
  ];
}

/**
 * The rules of the partition's IAM region, if it is watched for IAM's events alone: these, what touches
 * the rules themselves, and the alarm about what could not be forwarded.
 */
export function iamRegionRules(props: ForwardRulesProps): readonly ForwardRule[] {
  return [
    iamForwardRule(),
    ...forwardRules(props).filter(({ ruleName }) => [PATH_TOUCHED, ALARMS_RULE].includes(ruleName)),
  ];
}

/**
 * The rule for IAM's events, which come in one region of the partition only.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
 */
export function iamForwardRule(): ForwardRule {
  return touched("roles", [
    touching(
      "aws.iam",
      [
        "AttachRolePolicy",
        "DeleteRole",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "UpdateAssumeRolePolicy",
        "UpdateRole",
      ],
      { roleName: Object.values(ROLES) },
    ),
  ]);
}

/** Calls that change or stop a part of Keyspan: what tells, what proves that it does, and the records. */
function tamperingRules(at: AwsLocation, trailArn: string | undefined): readonly ForwardRule[] {
  const topics = [ALERTS_TOPIC, AUDIT_TOPIC].map((name) => topicArn(at, name));
  return [
    touched("path", [
      touching(
        "aws.events",
        [
          "DeleteEventBus",
          "DeleteRule",
          "DisableRule",
          "PutPermission",
          "PutRule",
          "PutTargets",
          "RemovePermission",
          "RemoveTargets",
          "UpdateEventBus",
        ],
        { name: OWN_NAME },
        { rule: OWN_NAME },
        { eventBusName: [HUB_BUS, { suffix: `/${HUB_BUS}` }] },
      ),
      touching(
        "aws.sns",
        [
          "AddPermission",
          "DeleteTopic",
          "PutDataProtectionPolicy",
          "RemovePermission",
          "SetSubscriptionAttributes",
          "SetTopicAttributes",
          "Subscribe",
          "Unsubscribe",
        ],
        { topicArn: topics },
        { resourceArn: topics },
        { subscriptionArn: topics.map((topic) => ({ prefix: `${topic}:` })) },
      ),
      touching(
        "aws.states",
        ["DeleteStateMachine", "StopExecution", "UpdateStateMachine"],
        { stateMachineArn: OWN_NAME },
        { executionArn: OWN_NAME },
      ),
    ]),
    touched("proof", [
      touching(
        "aws.scheduler",
        ["DeleteSchedule", "DeleteScheduleGroup", "UpdateSchedule"],
        { groupName: [SCHEDULE_GROUP] },
        { name: [SCHEDULE_GROUP] },
        // As the API spells them: no source shows a record of CloudTrail.
        { GroupName: [SCHEDULE_GROUP] },
        { Name: [SCHEDULE_GROUP] },
      ),
      touching(
        "aws.monitoring",
        ["DeleteAlarms", "DisableAlarmActions", "PutMetricAlarm", "SetAlarmState"],
        { alarmName: OWN_NAME },
        { alarmNames: OWN_NAME },
      ),
      touching("aws.sqs", ["AddPermission", "DeleteQueue", "PurgeQueue", "SetQueueAttributes"], {
        queueUrl: [{ wildcard: `*/${KEYSPAN_PREFIX}*` }],
      }),
    ]),
    touched("records", [
      touching(
        "aws.cloudtrail",
        ["DeleteTrail", "PutEventSelectors", "StopLogging", "UpdateTrail"],
        ...(trailArn === undefined
          ? []
          : [{ name: trailNames(trailArn) }, { trailName: trailNames(trailArn) }]),
      ),
      touching(
        "aws.logs",
        ["DeleteLogGroup", "DeleteResourcePolicy"],
        { logGroupName: [BEATS_LOG_GROUP, TRAIL_LOG_GROUP] },
        { policyName: [{ prefix: KEYSPAN_PREFIX }] },
      ),
      touching(
        "aws.s3",
        [
          "DeleteBucket",
          "DeleteBucketEncryption",
          "DeleteBucketLifecycle",
          "DeleteBucketPolicy",
          "DeleteBucketPublicAccessBlock",
          "PutBucketAcl",
          "PutBucketEncryption",
          "PutBucketLifecycle",
          "PutBucketLogging",
          "PutBucketPolicy",
          "PutBucketPublicAccessBlock",
          "PutBucketVersioning",
        ],
        { bucketName: [{ prefix: `${KEYSPAN_PREFIX}trail-` }] },
      ),
    ]),
  ];
}

/** One rule for calls of several services. EventBridge wants two alternatives at least. */
function touched(what: string, calls: readonly EventPattern[]): ForwardRule {
  const [only] = calls;
  return {
    ruleName: `${FORWARD_RULE_PREFIX}${what}-touched`,
    description: `Calls that change or stop a part of Keyspan: its ${what}`,
    eventPattern: {
      "detail-type": [CLOUDTRAIL_DETAIL_TYPES.call],
      ...(calls.length > 1 ? { $or: calls } : only),
    },
  };
}

/** Calls of one service, of which any of these parameters names a part of Keyspan. */
function touching(
  source: string,
  eventName: readonly string[],
  ...parameters: readonly EventPattern[]
): EventPattern {
  const [first] = parameters;
  const alternatives = parameters.map((requestParameters) => ({ requestParameters }));
  return {
    source: [source],
    detail: {
      eventName,
      ...(alternatives.length > 1 && { $or: alternatives }),
      ...(alternatives.length === 1 && { requestParameters: first ?? {} }),
    },
  };
}

/** A trail as callers name it. */
function trailNames(trailArn: string): readonly string[] {
  const name = parseArn(trailArn)?.resource.split("/")[1];
  return name === undefined ? [trailArn] : [name, trailArn];
}

/** What the canary calls: it changes nothing, and no message is about it. */
export const CANARY_CALL = "UpdateKeyDescription";
