/**
 * Plays an event through what was applied in a simulated account: rules, roles, policies, keys, the
 * state machine and the topics, as far as the messages that people get.
 *
 * Where no source says how AWS makes a request, it must be allowed in each way. What EventBridge
 * retries is taken to fail every time.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html
 */
import { showValue, ValidationError } from "../../modules/errors";
import {
  type AwsLocation,
  CLOUDWATCH_PRINCIPAL,
  EVENTBRIDGE_PRINCIPAL,
  LOG_DELIVERY_PRINCIPAL,
  parseArn,
  STATES_PRINCIPAL,
} from "../../modules/partition";
import { ALARMS, type AlarmObject } from "../aws/cloudwatch";
import {
  DEFAULT_BUS,
  EVENT_BUSES,
  EVENT_RULES,
  type RuleObject,
  type TargetObject,
} from "../aws/events";
import { LOG_GROUPS } from "../aws/logs";
import type { ObjectStore } from "../aws/object-store";
import { QUEUES } from "../aws/sqs";
import { STATE_MACHINE_OBJECTS, type StateMachineObject } from "../aws/states";
import { AccountAccess, type AccountRequest, type ServiceWay } from "./account-access";
import { type AlarmChange, alarmEvent, alarmPublication } from "./alarm-messages";
import type { RoleSession, ServicePrincipal } from "./authorization";
import { matchesPattern } from "./event-matcher";
import { type JourneyStep, passed, stopped, stops } from "./journey-step";
import { runExecution, type TaskCall, TaskError } from "./state-machine";
import {
  type DeliveredMessage,
  type Publication,
  type PublishProblem,
  publish,
} from "./topic-delivery";

/** An event as EventBridge has it on a bus. */
export type BusEvent = Readonly<Record<string, unknown>>;

/** How a journey ended. */
export type JourneyOutcome =
  /** Somebody gets a message. */
  | "delivered"
  /** It came to its end, and nobody was to get a message. */
  | "nothing-due"
  /** No rule of the default bus is about such an event. */
  | "unheard"
  /** It did not get through. */
  | "stopped";

/** Where an event came, and what people get. */
export interface JourneyResult {
  readonly outcome: JourneyOutcome;
  readonly steps: readonly JourneyStep[];
  readonly messages: readonly DeliveredMessage[];
}

/** An account of the sandbox, as far as it is applied. */
export interface AppliedAccount {
  /** The account's objects. */
  readonly store: ObjectStore;
  readonly account: Omit<AwsLocation, "region">;
}

/** Props of a {@link Journey}. */
export interface JourneyProps extends AppliedAccount {
  /**
   * The account that events are handed over to, and the organisation of both.
   *
   * @default - a journey ends where it leaves the account: the other one's policy is not asked
   */
  readonly handsOverTo?: AppliedAccount & { readonly organizationId: string };
  /**
   * Whether subscribers count as confirmed that are not.
   *
   * @default false
   */
  readonly confirmed?: boolean;
}

/**
 * Bytes of the input of an execution.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
const MAX_INPUT_BYTES = 262_144;

/** A rule that takes an event, and the event. */
interface Invocation {
  readonly rule: RuleObject;
  readonly region: string;
  readonly event: BusEvent;
  /** Whether the event came from another bus: EventBridge sends such an event to no third. */
  readonly isForwarded: boolean;
}

/** What became of an event at a target. */
type Arrival = { readonly steps: readonly JourneyStep[]; readonly reason: string } | Refusal;

/** Why EventBridge could not deliver: it tries again, then gives up. */
interface Refusal {
  readonly refused: string;
}

/** Journeys through one account. */
export class Journey {
  private readonly store: ObjectStore;
  private readonly account: JourneyProps["account"];
  private readonly access: AccountAccess;
  private readonly confirmed: boolean;
  private readonly other: Journey | undefined;
  private readonly organizationId: string | undefined;
  private readonly messages: DeliveredMessage[] = [];
  /** Whether the event has come to a target. */
  private arrived = false;

  constructor({ store, account, handsOverTo, confirmed = false }: JourneyProps) {
    this.store = store;
    this.account = account;
    this.access = new AccountAccess(store, account);
    this.confirmed = confirmed;
    this.other = handsOverTo && new Journey({ ...handsOverTo, confirmed });
    this.organizationId = handsOverTo?.organizationId;
  }

  /**
   * Plays an event from its arrival on the default bus.
   *
   * @param region - the bus's
   * @throws {ValidationError} if something on the way is none that is played here
   */
  async playEvent(event: BusEvent, region: string): Promise<JourneyResult> {
    return this.result([await this.arrive(event, region, DEFAULT_BUS, false)]);
  }

  /**
   * Plays an alarm that changes its state: CloudWatch tells the alarm's own actions, and puts an event
   * on the default bus.
   *
   * @throws {ValidationError} if there is no such alarm in the region, or as for {@link playEvent}
   */
  async playAlarm(alarmName: string, region: string, change: AlarmChange): Promise<JourneyResult> {
    const alarm = this.store.get(ALARMS, region, alarmName);
    if (alarm === undefined) {
      const names = this.store.list(ALARMS, region).map(([name]) => name);
      throw new ValidationError(
        `the alarm must be one of ${names.join(", ") || "none"} in ${region}, got ${showValue(alarmName)}; correct it`,
      );
    }
    const event = alarmEvent(alarm, region, this.account.account, change);
    return this.result([
      ...this.act(alarm, region, change),
      await this.arrive(event, region, DEFAULT_BUS, false),
    ]);
  }

  /** What an alarm does itself. It reaches topics of its own region. */
  private act(alarm: AlarmObject, region: string, change: AlarmChange): readonly JourneyStep[] {
    const actions = change.state === "ALARM" ? alarm.alarmActions : alarm.okActions;
    const what = `alarm ${alarm.name} in ${region} is in state ${change.state}`;
    if (!alarm.actionsEnabled && actions.length > 0) {
      return [stopped(what, "its actions are disabled")];
    }
    return actions.map((topicArn) => {
      if (parseArn(topicArn)?.service !== "sns") {
        throw new ValidationError(
          `alarm ${alarm.name}: an action must be a topic, got ${showValue(topicArn)}; the sandbox plays no others`,
        );
      }
      this.arrived = true;
      // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
      const principal: ServicePrincipal = {
        kind: "service",
        name: CLOUDWATCH_PRINCIPAL,
        sourceArn: alarm.arn,
        sourceAccount: this.account.account,
      };
      return this.publish({
        publication: alarmPublication(alarm, topicArn, region, this.account.account, change),
        publisher: `alarm ${alarm.name}`,
        ways: [{ when: "", principal }],
        region,
      }).step;
    });
  }

  private result(steps: readonly JourneyStep[]): JourneyResult {
    const messages = [...this.messages, ...(this.other?.messages ?? [])];
    return {
      outcome:
        messages.length > 0
          ? "delivered"
          : stops(steps).length > 0
            ? "stopped"
            : this.arrived
              ? "nothing-due"
              : "unheard",
      steps,
      messages,
    };
  }

  private async arrive(
    event: BusEvent,
    region: string,
    busName: string,
    isForwarded: boolean,
  ): Promise<JourneyStep> {
    const what = `event on bus ${busName} in ${region}`;
    const rules = this.store
      .list(EVENT_RULES, region)
      .map(([, rule]) => rule)
      .filter((rule) => rule.busName === busName && isAbout(rule, event));
    if (rules.length === 0) {
      const reason = "no rule of the bus is about it";
      // What was forwarded was meant for somebody.
      return isForwarded ? stopped(what, reason) : passed(what, reason);
    }
    const steps: JourneyStep[] = [];
    for (const rule of rules) {
      steps.push(await this.invoke({ rule, region, event, isForwarded }));
    }
    return passed(what, "", steps);
  }

  private async invoke(invocation: Invocation): Promise<JourneyStep> {
    const { rule, event } = invocation;
    const what = `rule ${rule.name}`;
    if (rule.state === "DISABLED") {
      return stopped(what, "its pattern matches, but it is disabled");
    }
    if (!invocation.isForwarded && rule.state === "ENABLED" && isReadOnlyCall(event)) {
      return passed(
        what,
        "its pattern matches, but a rule hears of reading calls only in state ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
      );
    }
    const targets = Object.values(rule.targets);
    if (targets.length === 0) {
      return stopped(what, "its pattern matches, but it has no target");
    }
    const steps: JourneyStep[] = [];
    for (const target of targets) {
      steps.push(await this.deliver(invocation, target));
    }
    return passed(what, "its pattern matches", steps);
  }

  private async deliver(invocation: Invocation, target: TargetObject): Promise<JourneyStep> {
    const what = `target ${target.id}, ${target.arn}`;
    const arrival = await this.reach(invocation, target);
    if ("refused" in arrival) {
      return stopped(what, arrival.refused, [this.bury(invocation, target)]);
    }
    this.arrived = true;
    return passed(what, arrival.reason, arrival.steps);
  }

  private reach(invocation: Invocation, target: TargetObject): Promise<Arrival> | Arrival {
    const { service = "", resource = "" } = parseArn(target.arn) ?? {};
    switch (`${service} ${resource.split(/[/:]/)[0]}`) {
      case "events event-bus":
        return this.reachBus(invocation, target);
      case "states stateMachine":
        return this.reachMachine(invocation, target);
      case "logs log-group":
        return this.reachLogGroup(invocation, target);
      default:
        throw new ValidationError(
          `rule ${invocation.rule.name}: a target must be an event bus, a state machine or a log group, got ${showValue(target.arn)}; the sandbox plays no others`,
        );
    }
  }

  /** The target's role, once EventBridge has taken it. */
  private targetRole({ rule }: Invocation, { roleArn }: TargetObject): RoleSession | Refusal {
    if (roleArn === undefined) {
      return { refused: "the target has no role" };
    }
    // What EventBridge says of itself when it takes a role is not documented.
    const verdict = this.access.canTake(roleArn, this.eventBridge(rule.arn));
    return verdict.ok
      ? (this.access.sessionOf(roleArn, rule.name) ?? { refused: `role ${roleArn} does not exist` })
      : { refused: `EventBridge may not take the role: ${verdict.reason}` };
  }

  /** @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-region.html */
  private async reachBus(invocation: Invocation, target: TargetObject): Promise<Arrival> {
    const { event, isForwarded } = invocation;
    const { account, region = "", resource = "" } = parseArn(target.arn) ?? {};
    const busName = resource.replace(/^event-bus\//, "");
    if (isForwarded) {
      return { refused: "an event that came from another bus is not sent on to a third" };
    }
    const role = this.targetRole(invocation, target);
    if ("refused" in role) {
      return role;
    }
    // What a role of Keyspan puts there carries no more than its source.
    const request = {
      principal: role,
      action: "events:PutEvents",
      resourceArn: target.arn,
      context: {
        "events:source": String(event.source),
        "events:detail-type": String(event["detail-type"]),
      },
    };
    if (this.other !== undefined && account === this.other.account.account) {
      return this.handOver(this.other, request, event, region, busName);
    }
    if (account !== this.account.account) {
      // The other account's policy is not here to be asked.
      const verdict = this.access.allows({ ...request, resourceAccount: this.account.account });
      return verdict.ok
        ? { steps: [], reason: `handed over to ${target.arn}: ${verdict.reason}` }
        : { refused: verdict.reason };
    }
    const bus = this.store.get(EVENT_BUSES, region, busName);
    if (bus === undefined && busName !== DEFAULT_BUS) {
      return { refused: `event bus ${target.arn} does not exist` };
    }
    const verdict = this.access.allows(request);
    if (!verdict.ok) {
      return { refused: verdict.reason };
    }
    // EventBridge's guide asks for the receiving bus's consent also within an account:
    // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-bus-to-bus.html
    const consent = this.access.allows({
      ...request,
      principal: { ...role, identityPolicies: [] },
    });
    if (!consent.ok) {
      return { refused: `the bus does not admit the role: ${consent.reason}` };
    }
    const keyProblem = this.access.keyProblem(
      {
        key: bus?.kmsKeyIdentifier ?? "",
        region,
        encryptionContext: { "aws:events:event-bus:arn": target.arn },
        via: "events",
      },
      this.eventBridge(target.arn),
    );
    return keyProblem === undefined
      ? { steps: [await this.arrive(event, region, busName, true)], reason: verdict.reason }
      : { refused: keyProblem.reason };
  }

  /** Both accounts must allow it: the role's policies, and that of the bus. */
  private async handOver(
    other: Journey,
    request: AccountRequest,
    event: BusEvent,
    region: string,
    busName: string,
  ): Promise<Arrival> {
    const bus = other.store.get(EVENT_BUSES, region, busName);
    if (bus === undefined) {
      return { refused: `event bus ${request.resourceArn} does not exist` };
    }
    if (bus.kmsKeyIdentifier !== undefined) {
      throw new ValidationError(
        `event bus ${request.resourceArn}: a bus of another account must be encrypted with a key of AWS, got ${showValue(bus.kmsKeyIdentifier)}; the sandbox plays no others`,
      );
    }
    const verdict = other.access.allows({
      ...request,
      context: { ...request.context, "aws:PrincipalOrgID": this.organizationId },
    });
    return verdict.ok
      ? { steps: [await other.arrive(event, region, busName, true)], reason: verdict.reason }
      : { refused: verdict.reason };
  }

  private reachLogGroup({ rule, region }: Invocation, { arn }: TargetObject): Arrival {
    const groupArn = arn.replace(/:\*$/, "");
    const name = parseArn(groupArn)?.resource.replace(/^log-group:/, "") ?? "";
    if (this.store.get(LOG_GROUPS, region, name)?.arn !== groupArn) {
      return { refused: `log group ${groupArn} does not exist in ${region}` };
    }
    // EventBridge's guide wants both principals to be named, and does not say which writes.
    const names = [EVENTBRIDGE_PRINCIPAL, LOG_DELIVERY_PRINCIPAL];
    const verdicts = names.flatMap((principalName) =>
      this.eventBridge(rule.arn, principalName).flatMap(({ principal }) =>
        ["logs:CreateLogStream", "logs:PutLogEvents"].map((action) =>
          this.access.canLog(`${groupArn}:log-stream:events`, principal, action, region),
        ),
      ),
    );
    const refusing = verdicts.find(({ ok }) => !ok);
    return refusing === undefined
      ? { steps: [], reason: `written into the log group: ${verdicts[0]?.reason}` }
      : { refused: refusing.reason };
  }

  private async reachMachine(invocation: Invocation, target: TargetObject): Promise<Arrival> {
    const { region, event } = invocation;
    const machine = this.machineOf(target.arn, region);
    if (machine === undefined) {
      return { refused: `state machine ${target.arn} does not exist in ${region}` };
    }
    const role = this.targetRole(invocation, target);
    if ("refused" in role) {
      return role;
    }
    const verdict = this.access.allows({
      principal: role,
      action: "states:StartExecution",
      resourceArn: target.arn,
    });
    if (!verdict.ok) {
      return { refused: verdict.reason };
    }
    const input = inputOf(target, event);
    const bytes = Buffer.byteLength(input);
    if (bytes > MAX_INPUT_BYTES) {
      return {
        refused: `the input has ${bytes} bytes, an execution takes at most ${MAX_INPUT_BYTES}`,
      };
    }
    return { steps: [await this.execute(machine, input, event, region)], reason: verdict.reason };
  }

  private machineOf(machineArn: string, region: string): StateMachineObject | undefined {
    const name = machineArn.split(":").at(-1) ?? "";
    const machine = this.store.get(STATE_MACHINE_OBJECTS, region, name);
    return machine?.arn === machineArn ? machine : undefined;
  }

  private async execute(
    machine: StateMachineObject,
    input: string,
    event: BusEvent,
    region: string,
  ): Promise<JourneyStep> {
    const what = `execution of ${machine.name} in ${region}`;
    const { arn: sourceArn } = machine;
    if (machine.encryption.kmsKeyId !== undefined) {
      throw new ValidationError(
        `${machine.name}: a state machine must be encrypted with a key of AWS, got ${showValue(machine.encryption.kmsKeyId)}; the sandbox plays no others`,
      );
    }
    const taken = this.access.canTake(machine.roleArn, [
      {
        when: "",
        principal: {
          kind: "service",
          name: STATES_PRINCIPAL,
          sourceArn,
          sourceAccount: this.account.account,
        },
      },
    ]);
    const role = taken.ok ? this.access.sessionOf(machine.roleArn, "execution") : undefined;
    if (role === undefined) {
      return stopped(what, `Step Functions may not take the role: ${taken.reason}`);
    }
    const steps: JourneyStep[] = [];
    const result = await runExecution({
      definition: JSON.parse(machine.definition),
      input: JSON.parse(input),
      startedAt: timeOf(event),
      stateMachineArn: machine.arn,
      executionName: String(event.id ?? "event"),
      roleArn: machine.roleArn,
      task: async (call) => {
        const { step, answer } = this.perform(call, role, machine, region);
        addStep(steps, step);
        if (answer instanceof TaskError) {
          throw answer;
        }
        return answer;
      },
    });
    const path = `states: ${result.path.join(", ")}`;
    return result.status === "SUCCEEDED"
      ? passed(what, steps.length === 0 ? `published nothing; ${path}` : path, steps)
      : stopped(what, `${result.status}: ${result.error}: ${result.cause}; ${path}`, steps);
  }

  /** Makes the call of a task. */
  private perform(
    call: TaskCall,
    role: RoleSession,
    machine: StateMachineObject,
    region: string,
  ): { readonly step: JourneyStep; readonly answer: unknown } {
    const integration = call.resource.split(":").slice(5).join(":");
    if (integration !== "sns:publish" && integration !== "aws-sdk:sns:publish") {
      throw new ValidationError(
        `${machine.name}: the task ${call.state} must publish on a topic, got ${showValue(call.resource)}; the sandbox answers no other calls on an event's journey`,
      );
    }
    const { step, problem } = this.publish({
      publication: publicationOf(call.arguments),
      publisher: `state ${call.state}`,
      ways: [{ when: "", principal: role }],
      region,
    });
    return {
      step,
      answer:
        problem === undefined
          ? { MessageId: "00000000-0000-0000-0000-000000000000" }
          : taskError(integration, problem),
    };
  }

  private publish(
    props: Omit<Parameters<typeof publish>[0], "store" | "access" | "confirmed">,
  ): ReturnType<typeof publish> {
    const { store, access, confirmed } = this;
    const result = publish({ ...props, store, access, confirmed });
    this.messages.push(...result.messages);
    return result;
  }

  /** What becomes of an event that a target did not take. */
  private bury({ rule, region }: Invocation, { deadLetterConfig }: TargetObject): JourneyStep {
    const queueArn = deadLetterConfig?.arn;
    if (queueArn === undefined) {
      return stopped("the event is lost", "the target has no dead-letter queue");
    }
    const name = parseArn(queueArn)?.resource ?? queueArn;
    const lost = (reason: string) =>
      stopped(`the event is lost, not even in queue ${name}`, reason);
    const queue = this.store.get(QUEUES, region, name);
    if (queue?.arn !== queueArn) {
      return lost(`queue ${queueArn} does not exist in ${region}`);
    }
    const verdict = this.access.inEveryCase(
      this.eventBridge(rule.arn)
        .filter(({ principal }) => principal.sourceArn !== undefined)
        .map(({ when, principal }) => ({
          when,
          request: { principal, action: "sqs:SendMessage", resourceArn: queueArn },
        })),
    );
    if (!verdict.ok) {
      return lost(verdict.reason);
    }
    const keyProblem = this.access.keyProblem(
      {
        key: queue.attributes.kmsMasterKeyId,
        region,
        encryptionContext: { "aws:sqs:arn": queueArn },
        via: "sqs",
      },
      // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
      // says that the source is what is encrypted; others, that it is the rule, or that there is none.
      [...this.eventBridge(rule.arn), ...this.eventBridge(queueArn)],
    );
    return keyProblem === undefined
      ? passed(`the event is in the dead-letter queue ${name} in ${region}`, verdict.reason)
      : lost(keyProblem.reason);
  }

  /** EventBridge as it may present itself: naming for what it acts, or not. */
  private eventBridge(sourceArn: string, name = EVENTBRIDGE_PRINCIPAL): readonly ServiceWay[] {
    const { account: sourceAccount } = this.account;
    return [
      {
        when: `if EventBridge names ${sourceArn} as its source`,
        principal: { kind: "service", name, sourceArn, sourceAccount },
      },
      {
        when: `if EventBridge names ${sourceArn} as its source, but no account`,
        principal: { kind: "service", name, sourceArn },
      },
      { when: "if EventBridge names no source", principal: { kind: "service", name } },
    ];
  }
}

/** Whether a rule's pattern is about an event. Rules on a schedule have none. */
function isAbout({ eventPattern }: RuleObject, event: BusEvent): boolean {
  return eventPattern !== undefined && matchesPattern(JSON.parse(eventPattern), event);
}

/** @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html */
function isReadOnlyCall({ detail, "detail-type": type }: BusEvent): boolean {
  return (
    type === "AWS API Call via CloudTrail" &&
    typeof detail === "object" &&
    detail !== null &&
    "readOnly" in detail &&
    detail.readOnly === true
  );
}

function inputOf({ id, input, inputPath, parameters }: TargetObject, event: BusEvent): string {
  if (inputPath !== undefined || "inputTransformer" in parameters) {
    throw new ValidationError(
      `target ${id}: the input must be the event or a constant, got ${showValue(inputPath ?? parameters.inputTransformer)}; the sandbox plays no others`,
    );
  }
  return input ?? JSON.stringify(event);
}

/** When an execution starts: when the event happened, so that a journey is the same on each run. */
function timeOf({ time }: BusEvent): string {
  const milliseconds = typeof time === "string" ? Date.parse(time) : Number.NaN;
  return new Date(Number.isNaN(milliseconds) ? Date.now() : milliseconds).toISOString();
}

/**
 * The error of a task, as Step Functions names it: the exception of SNS in the SDK that the
 * integration is made with.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
 */
function taskError(integration: string, { code, reason }: PublishProblem): TaskError {
  return integration === "sns:publish"
    ? new TaskError(`SNS.${code}Exception`, reason)
    : new TaskError(`Sns.${code.replace("KMS", "Kms")}Exception`, reason);
}

/** What a task publishes. @see https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
function publicationOf(given: unknown): Publication {
  const { TopicArn, Subject, Message, MessageAttributes, ...others } = fieldsOf(given);
  if (Object.keys(others).length > 0) {
    throw new ValidationError(
      `sns:publish: the arguments must be TopicArn, Subject, Message and MessageAttributes, got ${showValue(Object.keys(others).join(", "))} too; the sandbox knows no others`,
    );
  }
  return {
    topicArn: String(TopicArn),
    subject: Subject === undefined ? undefined : String(Subject),
    message: typeof Message === "string" ? Message : JSON.stringify(Message),
    attributes: Object.fromEntries(
      Object.entries(fieldsOf(MessageAttributes)).map(([name, attribute]) => {
        const { DataType, StringValue } = fieldsOf(attribute);
        if (DataType !== "String" || typeof StringValue !== "string") {
          throw new ValidationError(
            `sns:publish: the attribute ${name} must be a String, got ${showValue(attribute)}; the sandbox knows no others`,
          );
        }
        return [name, StringValue];
      }),
    ),
  };
}

function fieldsOf(given: unknown): Readonly<Record<string, unknown>> {
  return typeof given === "object" && given !== null
    ? (given as Readonly<Record<string, unknown>>)
    : {};
}

/** A task that is tried again says the same again: once is enough. */
function addStep(steps: JourneyStep[], step: JourneyStep): void {
  const last = steps.at(-1);
  if (last === undefined || last.what !== step.what || last.reason !== step.reason) {
    steps.push(step);
  }
}
