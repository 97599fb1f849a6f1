import { SchedulerSchedule } from "@cdktf/provider-aws/lib/scheduler-schedule";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";

/** What a schedule starts. */
export interface ScheduleTarget {
  /** ARN of a state machine or event bus, or of a universal target. */
  readonly arn: string;
  /** Role that EventBridge Scheduler takes. */
  readonly roleArn: string;
  /** Input of the state machine, parameters of the call, or detail of the event. */
  readonly input: Readonly<Record<string, unknown>>;
  /** Of the event, if the target is an event bus. */
  readonly event?: { readonly source: string; readonly detailType: string };
}

/** Props of a {@link Schedule}. */
export interface ScheduleProps {
  /** Name of the schedule. Changing this replaces the schedule. */
  readonly scheduleName: string;
  /** Group of the schedule. Changing this replaces the schedule. */
  readonly groupName: string;
  /** Name of the schedule in addresses. */
  readonly addressName: string;
  readonly description: string;
  readonly region: string;
  /** `rate(…)`, which begins at once, or `cron(…)` in UTC. */
  readonly expression: string;
  readonly target: ScheduleTarget;
  /** What must be there before the schedule begins. */
  readonly after: readonly ITerraformDependable[];
}

/** How long EventBridge Scheduler tries: as long as what comes next is not due yet. */
const RETRIES = { maximumEventAgeInSeconds: 3600, maximumRetryAttempts: 10 };

/**
 * A schedule of EventBridge Scheduler, to the minute.
 *
 * A rate without a start begins when the schedule is made: the first heartbeat of a new region does
 * not take an hour.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
export class Schedule extends Construct {
  /** The schedule, for what has to be made after it. */
  readonly schedule: ITerraformDependable;

  constructor(scope: Construct, id: string, props: ScheduleProps) {
    super(scope, id);
    const { event, ...target } = props.target;
    const schedule = new SchedulerSchedule(this, "Resource", {
      name: props.scheduleName,
      groupName: props.groupName,
      description: props.description,
      region: props.region,
      scheduleExpression: props.expression,
      scheduleExpressionTimezone: "UTC",
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: target.arn,
        roleArn: target.roleArn,
        input: JSON.stringify(target.input),
        retryPolicy: RETRIES,
        eventbridgeParameters: event,
      },
      dependsOn: [...props.after],
    });
    schedule.overrideLogicalId(props.addressName);
    this.schedule = schedule;
  }
}
