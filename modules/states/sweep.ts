import type { IdentityStatement } from "../iam/policy";
import {
  ALERTS_TOPIC,
  AUDIT_TOPIC,
  FORWARD_RULE_PREFIX,
  HUB_BUS,
  KEYSPAN_EVENTS,
  KEYSPAN_PREFIX,
  STATE_MACHINES,
} from "../names";
import {
  type AwsLocation,
  arn,
  eventBusArn,
  ruleArn,
  stateMachineArn,
  topicArn,
} from "../partition";
import type { StateMachineDefinition } from "./asl";
import { expression, flatten } from "./jsonata";
import { SUMMARY_CATEGORIES, sweepKeys } from "./sweep/keys";
import { checkRules, type WatchedRule } from "./sweep/rules";
import { checkSubscriptions, type WatchedTopic } from "./sweep/subscriptions";

export type { WatchedRule } from "./sweep/rules";
export type { WatchedTopic } from "./sweep/subscriptions";

/** Seconds after which an execution is stopped: many times what a page whose every call is retried takes. */
const TIMEOUT_SECONDS = 7200;

/** Characters of the first execution's name that the names of the others repeat; they have 80 at most. */
const RUN_CHARACTERS = 60;

/** Props of {@link sweepDefinition}. */
export interface SweepProps {
  readonly at: AwsLocation;
  /** all: every customer managed key of the region. managed: those of `keys` alone. */
  readonly watch: "all" | "managed";
  /** Keyspan's own keys in the region. Their ARNs may be tokens. */
  readonly keys: readonly { readonly name: string; readonly keyArn: string }[];
  /** Days before a deletion on which people are reminded, the most first. The last two are critical. */
  readonly reminderDays: readonly number[];
  /** Every rule of Keyspan in the region. */
  readonly rules: readonly WatchedRule[];
  /** Both topics in the home region, none elsewhere. */
  readonly topics: readonly WatchedTopic[];
}

/**
 * The machine that looks once a day at every key of its region.
 *
 * It remembers nothing. A key whose deletion is a configured number of calendar days (UTC) away gets
 * its reminder on that day. On Mondays one summary tells of keys that are disabled, wait for
 * replicas or key material, are unavailable or cannot be read. The first page of a day also compares
 * Keyspan's rules with what was deployed and counts the subscriptions of the topics.
 *
 * Each page of keys is an execution of its own, started by the one before, which hands it what it
 * has counted, and the day: it stays the same after midnight.
 *
 * Everything is told by events on the default bus. Keys, rules and subscriptions go side by side and
 * no trouble in one hides the others: whatever kept one of them from looking or telling fails the
 * execution in the end, after the rest was told. A key that refuses is only reported.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
 */
export function sweepDefinition(props: SweepProps): StateMachineDefinition {
  const { at, watch, keys, reminderDays, rules, topics } = props;
  return {
    Comment: "Looks at the region's keys, Keyspan's rules and who is subscribed.",
    QueryLanguage: "JSONata",
    TimeoutSeconds: TIMEOUT_SECONDS,
    StartAt: "Begin",
    States: {
      Begin: {
        Type: "Pass",
        Assign: {
          run: expression(
            `$exists($states.input.run) ? $states.input.run : $substring($states.context.Execution.Name, 0, ${RUN_CHARACTERS})`,
          ),
          startedAt: expression(
            "$exists($states.input.startedAt) ? $states.input.startedAt : $states.context.Execution.StartTime",
          ),
          page: expression("$exists($states.input.page) ? $states.input.page : 1"),
          marker: expression('$exists($states.input.marker) ? $states.input.marker : ""'),
          summary: expression(
            `$exists($states.input.summary) ? $states.input.summary : ${JSON.stringify(EMPTY_SUMMARY)}`,
          ),
        },
        Next: "Sweep",
      },
      Sweep: {
        Type: "Parallel",
        Branches: [
          sweepKeys({ at, watch, keyArns: keys.map(({ keyArn }) => keyArn), reminderDays }),
          ...(rules.length > 0 ? [checkRules(at.partition, rules)] : []),
          ...(topics.length > 0 ? [checkSubscriptions(at.partition, topics)] : []),
        ],
        Output: expression(flatten("$states.result")),
        Next: "DidAllGoWell",
      },
      DidAllGoWell: {
        Type: "Choice",
        Choices: [{ Condition: expression("$count($states.input) = 0"), Next: "Done" }],
        Default: "Failed",
      },
      Done: { Type: "Succeed" },
      Failed: {
        Type: "Fail",
        Error: "Keyspan.SweepIncomplete",
        Cause: expression('$join($states.input, "; ")'),
      },
    },
  };
}

const EMPTY_SUMMARY = Object.fromEntries(
  SUMMARY_CATEGORIES.map((category) => [category, { count: 0, keyArns: [] }]),
);

/** Props of {@link sweepPermissions}. */
export interface SweepPermissionsProps {
  /** Every region in which the machine runs. */
  readonly ats: readonly AwsLocation[];
  /** The home region, where the hub and the topics are. */
  readonly homeAt: AwsLocation;
}

/**
 * What the machine's role may do, in all regions: read, put events of its own source on the default
 * bus, and start its next page.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
 */
export function sweepPermissions({
  ats,
  homeAt,
}: SweepPermissionsProps): readonly IdentityStatement[] {
  return [
    { Sid: "ListKeys", Effect: "Allow", Action: "kms:ListKeys", Resource: "*" },
    {
      Sid: "ReadKeys",
      Effect: "Allow",
      Action: "kms:DescribeKey",
      Resource: ats.map((at) => arn({ ...at, service: "kms", resource: "key/*" })),
    },
    {
      Sid: "ReadRules",
      Effect: "Allow",
      Action: ["events:DescribeRule", "events:ListTargetsByRule"],
      Resource: [
        ...ats.map((at) => ruleArn(at, `${FORWARD_RULE_PREFIX}*`)),
        ruleArn(homeAt, `${KEYSPAN_PREFIX}*`, HUB_BUS),
      ],
    },
    {
      Sid: "ReadSubscriptions",
      Effect: "Allow",
      Action: "sns:ListSubscriptionsByTopic",
      Resource: [topicArn(homeAt, ALERTS_TOPIC), topicArn(homeAt, AUDIT_TOPIC)],
    },
    {
      Sid: "Tell",
      Effect: "Allow",
      Action: "events:PutEvents",
      Resource: ats.map((at) => eventBusArn(at, "default")),
      Condition: { StringEquals: { "events:source": KEYSPAN_EVENTS.summary.source } },
    },
    {
      Sid: "StartNextPage",
      Effect: "Allow",
      Action: "states:StartExecution",
      Resource: ats.map((at) => stateMachineArn(at, STATE_MACHINES.sweep)),
    },
  ];
}
