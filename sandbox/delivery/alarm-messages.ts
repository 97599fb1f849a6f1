/**
 * What CloudWatch says of an alarm that changes its state.
 *
 * The form of the message is documented by example only: that of the event is.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
 */
import type { AlarmObject } from "../aws/cloudwatch";
import type { Publication } from "./topic-delivery";

/** A change of an alarm's state. */
export interface AlarmChange {
  /** The new state. The old one is the other, so that it is a change. */
  readonly state: "ALARM" | "OK";
  /** ISO 8601. */
  readonly time: string;
}

/** The event that CloudWatch puts on the default bus of the alarm's region. */
export function alarmEvent(
  alarm: AlarmObject,
  region: string,
  account: string,
  change: AlarmChange,
): Readonly<Record<string, unknown>> {
  return {
    version: "0",
    id: "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92",
    "detail-type": "CloudWatch Alarm State Change",
    source: "aws.cloudwatch",
    account,
    time: change.time,
    region,
    resources: [alarm.arn],
    detail: {
      alarmName: alarm.name,
      state: { value: change.state, reason: reasonOf(change), timestamp: change.time },
      previousState: {
        value: before(change),
        reason: reasonOf({ ...change, state: before(change) }),
        timestamp: change.time,
      },
      configuration: { description: alarm.description ?? "", metrics: [] },
    },
  };
}

/**
 * The message that CloudWatch publishes on a topic: JSON, but a text to e-mail addresses. It has no
 * attributes.
 */
export function alarmPublication(
  alarm: AlarmObject,
  topicArn: string,
  region: string,
  account: string,
  change: AlarmChange,
): Publication {
  const { name, description = "" } = alarm;
  return {
    topicArn,
    subject: `${change.state}: "${name}" in ${region}`.slice(0, LONGEST_SUBJECT),
    message: JSON.stringify({
      AlarmName: name,
      AlarmDescription: description,
      AWSAccountId: account,
      NewStateValue: change.state,
      NewStateReason: reasonOf(change),
      StateChangeTime: change.time,
      Region: region,
      AlarmArn: alarm.arn,
      OldStateValue: before(change),
      OKActions: alarm.okActions,
      AlarmActions: alarm.alarmActions,
      InsufficientDataActions: alarm.insufficientDataActions,
    }),
    messageByProtocol: {
      email: [
        `You are receiving this email because your Amazon CloudWatch Alarm "${name}" in the ${region} region has entered the ${change.state} state, because "${reasonOf(change)}" at "${change.time}".`,
        "",
        "Alarm Details:",
        `- Name:                       ${name}`,
        `- Description:                ${description}`,
        `- State Change:               ${before(change)} -> ${change.state}`,
        `- Reason for State Change:    ${reasonOf(change)}`,
        `- Timestamp:                  ${change.time}`,
        `- AWS Account:                ${account}`,
        `- Alarm Arn:                  ${alarm.arn}`,
      ].join("\n"),
    },
    attributes: {},
  };
}

const LONGEST_SUBJECT = 99;

function before({ state }: AlarmChange): AlarmChange["state"] {
  return state === "ALARM" ? "OK" : "ALARM";
}

function reasonOf({ state }: Pick<AlarmChange, "state">): string {
  return state === "ALARM" ? "Threshold Crossed" : "Threshold no longer crossed";
}
