import { SchedulerScheduleGroup } from "@cdktf/provider-aws/lib/scheduler-schedule-group";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { MetricAlarm } from "../cloudwatch/metric-alarm";
import { EventRule, type RuleTarget } from "../events/event-rule";
import { CANARY_CALL, type ForwardRule } from "../events/forward-patterns";
import type { KeyRef } from "../kms/key-ref";
import {
  FORWARD_DEAD_LETTER_QUEUE,
  KEYSPAN_EVENTS,
  SCHEDULE_GROUP,
  SCHEDULES,
  STATE_MACHINES,
  watchAlarmName,
} from "../names";
import { type AwsLocation, eventBusArn, universalTargetArn } from "../partition";
import { Schedule, type ScheduleTarget } from "../scheduler/schedule";
import { DeadLetterQueue } from "../sqs/dead-letter-queue";
import type { StateMachineDefinition } from "../states/asl";
import { StateMachine } from "../states/state-machine";
import { forwardDeadLetters } from "./dead-letters";
import type { NotificationRoles } from "./roles";

/** A hub to which a region forwards. */
export interface ForwardDestination {
  /** Id of the target: `hub` or `organization`. */
  readonly targetId: string;
  readonly eventBusArn: string;
  readonly roleArn: string;
}

/** Props of a {@link RegionalWatch}. */
export interface RegionalWatchProps {
  readonly at: AwsLocation;
  readonly roles: NotificationRoles;
  /** What the default bus forwards. */
  readonly rules: readonly ForwardRule[];
  /** The account's hub, and the organisation's. */
  readonly destinations: readonly ForwardDestination[];
  /** Key of the region that encrypts what could not be forwarded, and that the canary touches. */
  readonly alertsKey: KeyRef;
  /** Description of that key, as Terraform keeps it. */
  readonly alertsKeyDescription: string;
  readonly sweep: StateMachineDefinition;
  readonly trailCheck: StateMachineDefinition;
  /** What must be there before anything is forwarded: the roles' rights, and the hub's consent. */
  readonly beforeForwarding: readonly ITerraformDependable[];
  /** What must be there before the first heartbeat and canary: who counts them, and the trail. */
  readonly beforeBeats: readonly ITerraformDependable[];
}

const HOUR_SECONDS = 3600;

/**
 * What watches one region: the rules that forward, the checks, and the schedules that prove both.
 *
 * Its alarms have no actions: CloudWatch reaches only topics of the alarm's own region. Their changes
 * of state are forwarded.
 */
export class RegionalWatch extends Construct {
  /** The schedule of heartbeats, for what waits for them. */
  readonly heartbeat: ITerraformDependable;
  /** The schedule of canaries, for what waits for them. */
  readonly canary: ITerraformDependable;
  private readonly region: string;
  private readonly groupName: string;
  private readonly beforeSchedules: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, props: RegionalWatchProps) {
    super(scope, id);
    const { at, roles } = props;
    this.region = at.region;

    const { queueName, sourceArns } = forwardDeadLetters(at);
    const queue = new DeadLetterQueue(this, "DeadLetterQueue", {
      queueName,
      addressName: this.address("forward-dead-letter"),
      at,
      namesRegion: true,
      key: props.alertsKey,
      sourceArns,
    });
    this.beforeSchedules = [
      ...defineForwardRules(this, props, queue.queueArn),
      ...props.beforeForwarding,
      ...props.beforeBeats,
    ];

    const group = new SchedulerScheduleGroup(this, "Schedules", {
      name: SCHEDULE_GROUP,
      region: at.region,
    });
    group.overrideLogicalId(at.region);
    this.groupName = group.name;

    const defaultBusArn = eventBusArn(at, "default");
    this.heartbeat = this.schedule("heartbeat", "rate(1 hours)", {
      description: "Proves every hour that Keyspan's own events are forwarded",
      target: {
        arn: defaultBusArn,
        roleArn: roles.putEvents,
        event: KEYSPAN_EVENTS.heartbeat,
        input: { region: at.region },
      },
    });
    this.canary = this.schedule("canary", "rate(1 days)", {
      description: "Proves every day that CloudTrail's events are forwarded: changes nothing",
      target: {
        arn: universalTargetArn(at, "kms", lowerFirst(CANARY_CALL)),
        roleArn: roles.canary,
        input: { KeyId: props.alertsKey.keyArn, Description: props.alertsKeyDescription },
      },
    });
    this.check("sweep", props.sweep, roles.sweep, "rate(1 days)", roles);
    this.check("trailCheck", props.trailCheck, roles.trailCheck, "rate(1 hours)", roles);
    defineDeadLettersAlarm(this, at.region);
  }

  /** Starts `announce` every hour with an event that says nothing, and once a month with a test message. */
  schedulePulses(roles: NotificationRoles, at: AwsLocation): ITerraformDependable {
    const pulse = this.schedule("pulse", "rate(1 hours)", {
      description: "Proves every hour that announce is started and works",
      target: {
        arn: eventBusArn(at, "default"),
        roleArn: roles.putEvents,
        event: KEYSPAN_EVENTS.pulse,
        input: {},
      },
    });
    this.schedule("testMessage", "cron(0 9 1 * ? *)", {
      description: "Sends a test message to everybody on the first of the month",
      target: {
        arn: eventBusArn(at, "default"),
        roleArn: roles.putEvents,
        event: KEYSPAN_EVENTS.testMessage,
        input: {},
      },
    });
    return pulse;
  }

  private check(
    name: "sweep" | "trailCheck",
    definition: StateMachineDefinition,
    roleArn: string,
    expression: string,
    roles: NotificationRoles,
  ): void {
    const thing = name === "sweep" ? "sweep" : "trail-check";
    const machine = new StateMachine(this, `Machine-${name}`, {
      stateMachineName: STATE_MACHINES[name],
      addressName: this.address(thing),
      region: this.region,
      roleArn,
      definition,
    });
    const schedule = this.schedule(name, expression, {
      description: `Starts the ${thing.replace("-", " ")}`,
      target: { arn: machine.stateMachineArn, roleArn: roles.startChecks, input: {} },
    });
    const hours = name === "sweep" ? 25 : 3;
    new MetricAlarm(this, `Alarm-${name}`, {
      alarmName: watchAlarmName(thing, this.region),
      addressName: this.address(thing),
      description: `No ${thing.replace("-", " ")} of Keyspan has succeeded in ${this.region} for ${hours} hours`,
      region: this.region,
      metric: {
        namespace: "AWS/States",
        metricName: "ExecutionsSucceeded",
        dimensions: { StateMachineArn: machine.stateMachineArn },
      },
      condition: {
        kind: "silent",
        forSeconds: hours * HOUR_SECONDS,
        periodSeconds: HOUR_SECONDS,
      },
      after: [schedule],
    });
  }

  private schedule(
    name: keyof typeof SCHEDULES,
    expression: string,
    { description, target }: { readonly description: string; readonly target: ScheduleTarget },
  ): ITerraformDependable {
    return new Schedule(this, `Schedule-${name}`, {
      scheduleName: SCHEDULES[name],
      groupName: this.groupName,
      addressName: this.address(SCHEDULES[name].replace("keyspan-", "")),
      description,
      region: this.region,
      expression,
      target,
      after: this.beforeSchedules,
    }).schedule;
  }

  private address(name: string): string {
    return `${name}_${this.region}`;
  }
}

/** Props of {@link defineForwardRules}. */
export type ForwardRulesOf = Pick<
  RegionalWatchProps,
  "at" | "rules" | "destinations" | "beforeForwarding"
>;

/** Defines the rules of a region that forward, and gives back what waits for them. */
export function defineForwardRules(
  scope: Construct,
  { at, rules, destinations, beforeForwarding }: ForwardRulesOf,
  deadLetterArn: string,
): readonly ITerraformDependable[] {
  const targets = forwardTargets(destinations, deadLetterArn);
  return rules.flatMap(
    ({ ruleName, description, eventPattern }) =>
      new EventRule(scope, `Rule-${ruleName}`, {
        ruleName,
        addressName: `${ruleName.replace("keyspan-", "")}_${at.region}`,
        description,
        region: at.region,
        eventPattern,
        targets,
        after: beforeForwarding,
      }).targets,
  );
}

/**
 * Defines the alarm on what a region could not forward. It counts what arrives in the queue, not what
 * waits there: an alarm that has gone off says nothing of what comes later.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
 */
export function defineDeadLettersAlarm(scope: Construct, region: string): void {
  new MetricAlarm(scope, "DeadLettersAlarm", {
    alarmName: watchAlarmName("dead-letters", region),
    addressName: `dead-letters_${region}`,
    description: `Keyspan could not forward events of ${region}: they are in the queue ${FORWARD_DEAD_LETTER_QUEUE}, for 14 days`,
    region,
    metric: {
      namespace: "AWS/SQS",
      metricName: "NumberOfMessagesSent",
      dimensions: { QueueName: FORWARD_DEAD_LETTER_QUEUE },
    },
    condition: { kind: "any", statistic: "Sum", periodSeconds: 300 },
  });
}

/** Where the rules of a region send what they match. */
export function forwardTargets(
  destinations: readonly ForwardDestination[],
  deadLetterArn: string,
): readonly RuleTarget[] {
  return destinations.map(({ targetId, eventBusArn: arn, roleArn }) => ({
    targetId,
    arn,
    roleArn,
    deadLetterArn,
  }));
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
