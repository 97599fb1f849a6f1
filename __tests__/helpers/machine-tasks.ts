import {
  type ExecutionResult,
  type RunningTask,
  runExecution,
  TaskError,
} from "../../sandbox/delivery/state-machine";

/** A key as DescribeKey tells it; `KeyManager` is `CUSTOMER` unless it is given. */
export interface FakeKey {
  readonly KeyState: string;
  readonly KeyManager?: string;
  readonly DeletionDate?: string | number;
}

/** A rule with its targets, as EventBridge tells them. */
export interface FakeRule {
  readonly State: string;
  readonly EventPattern?: string;
  readonly Targets: readonly Readonly<Record<string, unknown>>[];
}

/** One subscription of a topic. */
export interface FakeSubscription {
  readonly Protocol: string;
  readonly SubscriptionArn: string;
}

/** An event that was put. */
export interface PutEvent {
  readonly Source: string;
  readonly DetailType: string;
  readonly Detail: unknown;
}

/** What AWS answers the machines, and what it keeps of their calls. */
export interface FakeAwsProps {
  /** By ARN, in the order in which they are listed. */
  readonly keys?: Readonly<Record<string, FakeKey>>;
  /** Most keys of one page. @default 1000 */
  readonly keysPerPage?: number;
  /** By `<bus>/<rule>`. */
  readonly rules?: Readonly<Record<string, FakeRule>>;
  /** Targets and subscriptions of one page. @default 100 */
  readonly itemsPerPage?: number;
  /** Subscriptions by topic ARN. */
  readonly topics?: Readonly<Record<string, readonly FakeSubscription[]>>;
  readonly trails?: readonly Readonly<Record<string, unknown>>[];
  /** By trail ARN. */
  readonly statuses?: Readonly<Record<string, unknown>>;
  /** By trail ARN. */
  readonly selectors?: Readonly<Record<string, unknown>>;
  /** An error to answer a call with; `silence` answers never. `calls` counts the same call, from 1. */
  readonly trouble?: (action: string, args: Arguments, calls: number) => Trouble | undefined;
}

type Trouble = readonly [name: string, cause: string] | "silence";
type Arguments = Readonly<Record<string, unknown>>;

const SILENCE_SECONDS = 3600;

/** A refusal as an API reports it that does not declare one. */
export const REFUSED = [
  "Kms.KmsException",
  "User: arn:aws:sts::111122223333:assumed-role/keyspan-sweep/x is not authorized to perform: this",
] as const;

/** Throttling as an API reports it that does not declare it. */
export const THROTTLED = ["Kms.KmsException", "Rate exceeded"] as const;

/** An AWS for the machines that look after Keyspan, and a run of theirs. */
export class FakeAws {
  readonly events: PutEvent[] = [];
  readonly started: { readonly name: string; readonly input: unknown }[] = [];
  private readonly counts = new Map<string, number>();

  constructor(private readonly props: FakeAwsProps) {}

  /** Runs an execution, then each that it starts; answers with how they ended, in this order. */
  async run(
    definition: unknown,
    startedAt: string,
    input: unknown = {},
  ): Promise<readonly ExecutionResult[]> {
    const results: ExecutionResult[] = [];
    const waiting = [{ name: "run-1", input }];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const before = this.started.length;
      const result = await runExecution({
        definition,
        input: next.input,
        startedAt: results.at(-1)?.endedAt ?? startedAt,
        stateMachineArn: "arn:aws:states:eu-west-1:111122223333:stateMachine:keyspan-sweep",
        executionName: next.name,
        task: (call) => this.answer(call),
      });
      results.push(result);
      waiting.push(...this.started.slice(before));
    }
    return results;
  }

  private async answer(call: RunningTask): Promise<unknown> {
    const action = call.resource.replace(/^arn:[^:]+:states:::/, "").replace("aws-sdk:", "");
    const args = call.arguments as Arguments;
    const once = `${action} ${JSON.stringify(args)}`;
    const calls = (this.counts.get(once) ?? 0) + 1;
    this.counts.set(once, calls);
    const trouble = this.props.trouble?.(action, args, calls);
    if (trouble === "silence") {
      call.advance(SILENCE_SECONDS);
      return {};
    }
    if (trouble !== undefined) {
      throw new TaskError(...trouble);
    }
    return this.perform(action, args);
  }

  private perform(action: string, args: Arguments): unknown {
    const text = (name: string) => String(args[name]);
    switch (action) {
      case "kms:listKeys":
        return this.listKeys(args);
      case "kms:describeKey":
        return {
          KeyMetadata: {
            KeyManager: "CUSTOMER",
            Arn: args.KeyId,
            Description: "One of many.",
            ...known(this.props.keys, text("KeyId"), "Kms.NotFoundException"),
          },
        };
      case "eventbridge:describeRule": {
        const { State, EventPattern } = this.rule(text("EventBusName"), text("Name"));
        return { State, ...(EventPattern !== undefined && { EventPattern }) };
      }
      case "eventbridge:listTargetsByRule": {
        const { Targets } = this.rule(text("EventBusName"), text("Rule"));
        return this.pageOf("Targets", Targets, args);
      }
      case "sns:listSubscriptionsByTopic":
        return this.pageOf(
          "Subscriptions",
          known(this.props.topics, text("TopicArn"), "Sns.NotFoundException"),
          args,
        );
      case "cloudtrail:describeTrails": {
        const names = args.TrailNameList as readonly string[] | undefined;
        return {
          TrailList: (this.props.trails ?? []).filter(
            ({ TrailARN }) => names === undefined || names.includes(String(TrailARN)),
          ),
        };
      }
      case "cloudtrail:getTrailStatus":
        return known(this.props.statuses, text("Name"), "CloudTrail.TrailNotFoundException");
      case "cloudtrail:getEventSelectors":
        return known(this.props.selectors, text("TrailName"), "CloudTrail.TrailNotFoundException");
      case "events:putEvents":
        return this.putEvents(args.Entries as readonly PutEvent[]);
      case "states:startExecution":
        if (this.started.some(({ name }) => name === args.Name)) {
          throw new TaskError("StepFunctions.ExecutionAlreadyExistsException", "It exists.");
        }
        this.started.push({ name: text("Name"), input: args.Input });
        return {};
      default:
        throw new Error(`nobody answers ${action}`);
    }
  }

  private listKeys({ Limit, Marker = "0" }: Arguments): unknown {
    const arns = Object.keys(this.props.keys ?? {});
    const start = Number(Marker);
    const end = start + Math.min(Number(Limit), this.props.keysPerPage ?? 1000);
    return {
      Keys: arns.slice(start, end).map((KeyArn) => ({ KeyArn, KeyId: KeyArn.split("/").at(-1) })),
      Truncated: end < arns.length,
      ...(end < arns.length && { NextMarker: String(end) }),
    };
  }

  private rule(bus: string, name: string): FakeRule {
    return known(this.props.rules, `${bus}/${name}`, "EventBridge.ResourceNotFoundException");
  }

  private pageOf(
    field: string,
    items: readonly unknown[],
    { NextToken = "0" }: Arguments,
  ): unknown {
    const start = Number(NextToken);
    const end = start + (this.props.itemsPerPage ?? 100);
    return {
      [field]: items.slice(start, end),
      ...(end < items.length && { NextToken: String(end) }),
    };
  }

  private putEvents(entries: readonly PutEvent[]): unknown {
    if (entries.length < 1 || entries.length > 10) {
      throw new TaskError("EventBridge.ValidationException", `${entries.length} entries`);
    }
    this.events.push(...entries);
    return { FailedEntryCount: 0 };
  }
}

function known<T>(things: Readonly<Record<string, T>> | undefined, name: string, error: string): T {
  const thing = things?.[name];
  if (thing === undefined) {
    throw new TaskError(error, `${name} does not exist`);
  }
  return thing;
}

/** How executions ended: one text each. */
export function outcomes(results: readonly ExecutionResult[]): readonly string[] {
  return results.map(({ status, cause }) => (cause === undefined ? status : `${status}: ${cause}`));
}
