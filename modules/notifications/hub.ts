import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { MetricAlarm } from "../cloudwatch/metric-alarm";
import type { EventPattern } from "../events/event-pattern";
import { EventRule } from "../events/event-rule";
import { CANARY_CALL } from "../events/forward-patterns";
import { HubBus } from "../events/hub-bus";
import type { KeyRef } from "../kms/key-ref";
import { EventLogGroup } from "../logs/event-log-group";
import {
  ALERTS_TOPIC,
  ANNOUNCE_RULE,
  AUDIT_TOPIC,
  BEATS_LOG_GROUP,
  canaryRuleName,
  DIRECT_ALARMS,
  HUB_BUS,
  heartbeatRuleName,
  KEYSPAN_EVENTS,
  KEYSPAN_PREFIX,
  ROLES,
  STATE_MACHINES,
  watchAlarmName,
} from "../names";
import { type AwsLocation, alarmArn, KMS_EVENT_SOURCE, roleArn, ruleArn } from "../partition";
import { EncryptedTopic } from "../sns/encrypted-topic";
import { type Subscription, Subscriptions } from "../sns/subscriptions";
import { DeadLetterQueue } from "../sqs/dead-letter-queue";
import type { StateMachineDefinition } from "../states/asl";
import { StateMachine } from "../states/state-machine";
import { announceDeadLetters } from "./dead-letters";
import type { RegionalWatch } from "./regional-watch";
import type { NotificationRoles } from "./roles";

/** Days that heartbeats and canaries are kept. */
const BEATS_RETENTION_DAYS = 30;

/** A heartbeat comes every hour: a gap of this length means that one is missing. */
const HEARTBEAT_GAP_SECONDS = 5400;
/** A pulse comes every hour too. */
const PULSE_GAP_SECONDS = 5400;
/** A canary comes every day; CloudTrail takes a while. */
const CANARY_GAP_SECONDS = 25 * 3600;

/** Props of a {@link Topics}. */
export interface TopicsProps {
  readonly at: AwsLocation;
  readonly alertsKey: KeyRef;
  readonly auditKey: KeyRef;
  readonly subscriptions: readonly Subscription[];
}

/**
 * The two topics, under two keys, and every subscription on both.
 *
 * What the first cannot take goes out through the second, which has no filters: it carries only what
 * must not be missed.
 */
export class Topics extends Construct {
  readonly alertsTopicArn: string;
  readonly auditTopicArn: string;

  constructor(scope: Construct, id: string, { at, ...props }: TopicsProps) {
    super(scope, id);
    const define = (topicName: string, addressName: string, key: KeyRef) =>
      new EncryptedTopic(this, addressName, {
        topicName,
        addressName,
        at,
        key,
        publisherRoleArn: roleArn(at, ROLES.announce),
        alarmArns: [alarmArn(at, `${KEYSPAN_PREFIX}*`)],
      }).topicArn;
    this.alertsTopicArn = define(ALERTS_TOPIC, "alerts", props.alertsKey);
    this.auditTopicArn = define(AUDIT_TOPIC, "audit", props.auditKey);
    new Subscriptions(this, "Subscriptions", {
      region: at.region,
      topics: [
        { addressName: "alerts", topicArn: this.alertsTopicArn, filters: true },
        { addressName: "audit", topicArn: this.auditTopicArn, filters: false },
      ],
      subscriptions: props.subscriptions,
    });
  }
}

/** Props of {@link Hub}. */
export interface HubProps {
  /** The home region. */
  readonly at: AwsLocation;
  /** Organisation whose accounts forward here too. @default - this account alone */
  readonly organizationId?: string;
  readonly roles: NotificationRoles;
  readonly topics: Topics;
  /** Key of the home region that encrypts what `announce` could not be started with. */
  readonly alertsKey: KeyRef;
  readonly announce: StateMachineDefinition;
  /** Name of the account, as the alarms' own messages show it. */
  readonly accountName: string;
  /** Stands in the alarms' own messages, which `announce` does not write. */
  readonly footer: { readonly runbook?: string; readonly contact?: string };
}

/**
 * The home region's part: the hub bus, `announce`, and the alarms that say when either does not work.
 *
 * Those alarms act on the topics themselves, and their events are never forwarded: `announce` would
 * be started with its own failure.
 */
export class Hub extends Construct {
  /** ARN of the hub: a token, so that whoever forwards waits for it. */
  readonly eventBusArn: string;
  /** Its policy, for whoever forwards. */
  readonly policy: ITerraformDependable;
  private readonly props: HubProps;
  private readonly machineArn: string;
  private readonly eventBusName: string;
  private readonly beatsLogGroupArn: string;

  constructor(scope: Construct, id: string, props: HubProps) {
    super(scope, id);
    this.props = props;
    const { at, roles } = props;
    const bus = new HubBus(this, "Bus", { at, organizationId: props.organizationId });
    this.eventBusArn = bus.eventBusArn;
    this.eventBusName = bus.eventBusName;
    this.policy = bus.policy;

    const machine = new StateMachine(this, "Announce", {
      stateMachineName: STATE_MACHINES.announce,
      addressName: "announce",
      region: at.region,
      roleArn: roles.announce,
      definition: props.announce,
    });
    const { queueName, sourceArns } = announceDeadLetters(at);
    const queue = new DeadLetterQueue(this, "DeadLetterQueue", {
      queueName,
      addressName: "announce-dead-letter",
      at,
      namesRegion: true,
      key: props.alertsKey,
      sourceArns,
    });
    new EventRule(this, "AnnounceRule", {
      ruleName: ANNOUNCE_RULE,
      addressName: "announce",
      description: "Starts announce with all that is forwarded, but heartbeats and canaries",
      region: at.region,
      eventBusName: this.eventBusName,
      eventPattern: announcedEvents(),
      targets: [
        {
          targetId: "announce",
          arn: machine.stateMachineArn,
          roleArn: roles.startAnnounce,
          deadLetterArn: queue.queueArn,
        },
      ],
      after: roles.policies,
    });
    this.machineArn = machine.stateMachineArn;
    this.defineAlarms(machine.stateMachineArn, queueName);

    this.beatsLogGroupArn = new EventLogGroup(this, "Beats", {
      logGroupName: BEATS_LOG_GROUP,
      addressName: "beats",
      policyName: "keyspan-beats",
      at,
      retentionDays: BEATS_RETENTION_DAYS,
      ruleArns: [ruleArn(at, `${KEYSPAN_PREFIX}*`, HUB_BUS)],
    }).logGroupArn;
  }

  /** Counts the heartbeats and canaries of a region. Gives back what must be there before the first. */
  count(region: string): readonly ITerraformDependable[] {
    const at = { ...this.props.at, region };
    return [
      ...this.counter("heartbeat", region, heartbeatRuleName(region), heartbeatEvents(at)),
      ...this.counter("canary", region, canaryRuleName(region), canaryEvents(at)),
    ];
  }

  /** Sounds an alarm when the heartbeats or canaries of a region are missing. */
  listenFor(region: string, watch: RegionalWatch): void {
    this.beat({
      thing: "heartbeat",
      region,
      ruleName: heartbeatRuleName(region),
      gapSeconds: HEARTBEAT_GAP_SECONDS,
      periodSeconds: HEARTBEAT_GAP_SECONDS,
      meaning: `the heartbeat of ${region} is missing, so Keyspan's own events do not arrive from there: nothing that happens to a KMS key there may be announced`,
      watch,
    });
    this.beat({
      thing: "canary",
      region,
      ruleName: canaryRuleName(region),
      gapSeconds: CANARY_GAP_SECONDS,
      periodSeconds: 3600,
      meaning: `the canary of ${region} is missing, so CloudTrail's events do not arrive from there: a KMS key that is disabled or scheduled for deletion there may not be announced`,
      watch,
    });
  }

  private counter(
    thing: "heartbeat" | "canary",
    region: string,
    ruleName: string,
    eventPattern: EventPattern,
  ): readonly ITerraformDependable[] {
    return new EventRule(this, `Rule-${thing}_${region}`, {
      ruleName,
      addressName: `hub_${thing}_${region}`,
      description: `Counts every ${thing} of ${region}`,
      region: this.props.at.region,
      eventBusName: this.eventBusName,
      eventPattern,
      // EventBridge counts invocations only of rules that have a target.
      targets: [{ targetId: "log", arn: this.beatsLogGroupArn }],
    }).targets;
  }

  private beat(props: {
    readonly thing: "heartbeat" | "canary";
    readonly region: string;
    readonly ruleName: string;
    readonly gapSeconds: number;
    readonly periodSeconds: number;
    readonly meaning: string;
    readonly watch: RegionalWatch;
  }): void {
    const { at, topics } = this.props;
    const addressName = `${props.thing}_${props.region}`;
    new MetricAlarm(this, `Alarm-${addressName}`, {
      alarmName: watchAlarmName(props.thing, props.region),
      addressName,
      description: this.describe(props.meaning),
      region: at.region,
      // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
      metric: {
        namespace: "AWS/Events",
        metricName: "Invocations",
        dimensions: { EventBusName: HUB_BUS, RuleName: props.ruleName },
      },
      condition: {
        kind: "silent",
        forSeconds: props.gapSeconds,
        periodSeconds: props.periodSeconds,
      },
      // The forwarder of the home region, on which the alarm's event rides, may be what is broken.
      topicArns: [topics.auditTopicArn],
      after: [props.thing === "heartbeat" ? props.watch.heartbeat : props.watch.canary],
    });
  }

  /** Sounds an alarm when `announce` has ended well for nothing, not even for the pulse. */
  listenForPulse(pulse: ITerraformDependable): void {
    const { at, topics } = this.props;
    new MetricAlarm(this, "Alarm-announceSilent", {
      alarmName: DIRECT_ALARMS.announceSilent,
      addressName: DIRECT_ALARMS.announceSilent.replace(KEYSPAN_PREFIX, ""),
      description: this.describe(
        `nothing has been announced for ${PULSE_GAP_SECONDS / 60} minutes, not even the hourly pulse: no alert about any KMS key would arrive. Look at rule ${ANNOUNCE_RULE} of event bus ${HUB_BUS}, its target and state machine ${STATE_MACHINES.announce} in ${at.region}; npm run deploy puts them back`,
      ),
      region: at.region,
      metric: {
        namespace: "AWS/States",
        metricName: "ExecutionsSucceeded",
        dimensions: { StateMachineArn: this.machineArn },
      },
      condition: {
        kind: "silent",
        forSeconds: PULSE_GAP_SECONDS,
        periodSeconds: PULSE_GAP_SECONDS,
      },
      topicArns: [topics.alertsTopicArn, topics.auditTopicArn],
      after: [pulse],
    });
  }

  private describe(what: string): string {
    const { runbook, contact } = this.props.footer;
    return [
      `Keyspan of account ${this.props.accountName}: ${what}.`,
      ...(runbook === undefined ? [] : [`Runbook: ${runbook}`]),
      ...(contact === undefined ? [] : [`Contact: ${contact}`]),
    ].join(" ");
  }

  private defineAlarms(machineArn: string, queueName: string): void {
    const { at, topics } = this.props;
    const both = [topics.alertsTopicArn, topics.auditTopicArn];
    const define = (
      name: keyof typeof DIRECT_ALARMS,
      description: string,
      metric: { namespace: string; metricName: string; dimensions: Record<string, string> },
      topicArns: readonly string[],
    ) =>
      new MetricAlarm(this, `Alarm-${name}`, {
        alarmName: DIRECT_ALARMS[name],
        addressName: DIRECT_ALARMS[name].replace(KEYSPAN_PREFIX, ""),
        description: this.describe(description),
        region: at.region,
        metric,
        condition: { kind: "any", statistic: "Sum", periodSeconds: 60 },
        topicArns,
      });
    const look = `Look at the executions of state machine ${STATE_MACHINES.announce} in ${at.region}: the input of each is an event about a KMS key that was not announced`;
    for (const [name, metricName, what] of [
      ["announceFailed", "ExecutionsFailed", "failed"],
      ["announceTimedOut", "ExecutionsTimedOut", "took too long"],
      ["announceAborted", "ExecutionsAborted", "was stopped"],
    ] as const) {
      define(
        name,
        `announcing an event ${what}. ${look}`,
        { namespace: "AWS/States", metricName, dimensions: { StateMachineArn: machineArn } },
        both,
      );
    }
    define(
      "announceDeadLetters",
      `announce could not be started with an event. It stays in the queue ${queueName} in ${at.region} for 14 days, where users of key alerts can read it`,
      {
        namespace: "AWS/SQS",
        // What arrives, not what waits: the alarm must speak of each.
        metricName: "NumberOfMessagesSent",
        dimensions: { QueueName: queueName },
      },
      both,
    );
    // Their events are not forwarded: a message about a message that could not be delivered might fail
    // like it. What the second topic carries passes no filter of the first, so its alarm acts on both.
    const undelivered = (topicName: string) =>
      `a message of topic ${topicName} in ${at.region} could not be delivered to a subscriber. Look at the topic's subscriptions, and at its metric NumberOfNotificationsFailed`;
    const failures = (topicName: string) => ({
      namespace: "AWS/SNS",
      metricName: "NumberOfNotificationsFailed",
      dimensions: { TopicName: topicName },
    });
    define("deliveryOfAlerts", undelivered(ALERTS_TOPIC), failures(ALERTS_TOPIC), [
      topics.auditTopicArn,
    ]);
    define("deliveryOfAudit", undelivered(AUDIT_TOPIC), failures(AUDIT_TOPIC), both);
  }
}

/** All but heartbeats and canaries. An event without a field passes no `anything-but` about it. */
export function announcedEvents(): EventPattern {
  return {
    source: [{ "anything-but": [KEYSPAN_EVENTS.heartbeat.source] }],
    $or: [
      { detail: { eventName: [{ exists: false }] } },
      { detail: { eventName: [{ "anything-but": [CANARY_CALL] }] } },
    ],
  };
}

/** Heartbeats of one region of the account. The region of a forwarded event's envelope is not documented. */
export function heartbeatEvents({ account, region }: AwsLocation): EventPattern {
  return {
    source: [KEYSPAN_EVENTS.heartbeat.source],
    account: [account],
    detail: { region: [region] },
  };
}

/** Canaries of one region of the account. */
export function canaryEvents(at: AwsLocation): EventPattern {
  return {
    source: ["aws.kms"],
    account: [at.account],
    detail: {
      eventSource: [KMS_EVENT_SOURCE],
      eventName: [CANARY_CALL],
      awsRegion: [at.region],
      userIdentity: { sessionContext: { sessionIssuer: { arn: [roleArn(at, ROLES.canary)] } } },
    },
  };
}
