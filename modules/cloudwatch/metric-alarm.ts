import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { ValidationError } from "../errors";
import { MAX_ALARM_DESCRIPTION_CHARACTERS } from "./alarm-limits";

/** A metric of an AWS service. */
export interface MetricProps {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

interface CountedCondition {
  /** Anything has been counted. */
  readonly kind: "any";
  readonly statistic: "Sum" | "Maximum";
  readonly periodSeconds: number;
}

/** When an alarm goes off. */
export type AlarmCondition =
  | CountedCondition
  | {
      /** Nothing has been counted for so long; also if there never was anything. */
      readonly kind: "silent";
      /** A multiple of `periodSeconds`, at most 7 days. */
      readonly forSeconds: number;
      /** A multiple of 60; 3600 or more if `forSeconds` is longer than a day. */
      readonly periodSeconds: number;
    };

/** Props of a {@link MetricAlarm}. */
export interface MetricAlarmProps {
  readonly alarmName: string;
  /** Name of the alarm in addresses. */
  readonly addressName: string;
  /** What people read when the alarm acts on a topic: what has happened, and what to do. */
  readonly description: string;
  readonly region: string;
  readonly metric: MetricProps;
  readonly condition: AlarmCondition;
  /** ARNs of topics of the same region. @default - none: who wants to know listens to its events */
  readonly topicArns?: readonly string[];
  /** What must be there before the alarm, which goes off at once if nothing is counted. */
  readonly after?: readonly ITerraformDependable[];
}

/**
 * An alarm on what a service counts.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
 */
export class MetricAlarm extends Construct {
  /** @throws {ValidationError} if the description is longer than CloudWatch accepts */
  constructor(scope: Construct, id: string, props: MetricAlarmProps) {
    super(scope, id);
    const { condition, metric, description } = props;
    if (description.length > MAX_ALARM_DESCRIPTION_CHARACTERS) {
      throw new ValidationError(
        `${props.alarmName}: the alarm's description must have at most ${MAX_ALARM_DESCRIPTION_CHARACTERS} characters (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html), got ${description.length}; shorten notifications.footer`,
      );
    }
    const isSilent = condition.kind === "silent";
    const period = condition.periodSeconds;
    new CloudwatchMetricAlarm(this, "Resource", {
      alarmName: props.alarmName,
      alarmDescription: description,
      region: props.region,
      comparisonOperator: isSilent ? "LessThanThreshold" : "GreaterThanOrEqualToThreshold",
      threshold: 1,
      evaluationPeriods: isSilent ? condition.forSeconds / period : 1,
      treatMissingData: isSilent ? "breaching" : "notBreaching",
      alarmActions: props.topicArns && [...props.topicArns],
      dependsOn: props.after && [...props.after],
      ...(isSilent ? countedOrNothing(metric, period) : measured(metric, condition)),
    }).overrideLogicalId(props.addressName);
  }
}

function measured({ dimensions, ...metric }: MetricProps, condition: CountedCondition) {
  return {
    ...metric,
    dimensions: { ...dimensions },
    statistic: condition.statistic,
    period: condition.periodSeconds,
  };
}

/**
 * The metric, with 0 for every period in which nothing was counted.
 *
 * CloudWatch looks further back than the alarm asks when data points are missing, and takes an older
 * one for a newer: without the zeros, silence would be noticed hours late.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */
function countedOrNothing({ dimensions, ...metric }: MetricProps, period: number) {
  return {
    metricQuery: [
      { id: "counted", expression: "FILL(events, 0)", label: "counted", returnData: true },
      {
        id: "events",
        metric: { ...metric, dimensions: { ...dimensions }, period, stat: "Sum" },
      },
    ],
  };
}
