/**
 * Executions of state machines in JSONata on a virtual clock, by AWS's rules and within its limits.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
 */
import { machineOf } from "./states/definition";
import { StatesError, TaskError } from "./states/errors";
import { changingFunctions } from "./states/functions";
import {
  type AskedTask,
  contextTime,
  type FailedTask,
  Interpreter,
  type TaskOutcome,
} from "./states/interpreter";
import { frozenJson } from "./states/json";
import { MAX_EXECUTION_SECONDS, MAX_HISTORY_EVENTS, Usage } from "./states/limits";
import { Variables } from "./states/variables";
import { VirtualTime } from "./states/virtual-time";

export { definitionProblems } from "./states/definition-problems";
export { TaskError } from "./states/errors";

/** A call that a state machine makes. */
export interface TaskCall {
  /** Name of the state that makes it. */
  readonly state: string;
  /** ARN of the integration, as in the definition. */
  readonly resource: string;
  readonly arguments: unknown;
  /** Time of the call, as ISO 8601 text. */
  readonly at: string;
}

/** A call while it is being answered. */
export interface RunningTask extends TaskCall {
  /** Lets the task take so many seconds of virtual time, on top of those before. */
  advance(seconds: number): void;
}

/** What an execution is started with. */
export interface ExecutionProps {
  /** The definition, as parsed JSON. */
  readonly definition: unknown;
  readonly input: unknown;
  /** Time at which the virtual clock starts, as ISO 8601 text. */
  readonly startedAt: string;
  readonly stateMachineArn: string;
  readonly executionName: string;
  /**
   * ARN of the role that the machine runs as.
   *
   * @default - `$states.context` has no role
   */
  readonly roleArn?: string;
  /** Answers the calls of tasks; throws a {@link TaskError} for an error of AWS. */
  readonly task: (call: RunningTask) => Promise<unknown>;
}

/** How an execution ended. */
export interface ExecutionResult {
  readonly status: "SUCCEEDED" | "FAILED" | "TIMED_OUT";
  /** Output, if it succeeded. */
  readonly output?: unknown;
  /** Name of the error, if it did not succeed. */
  readonly error?: string;
  /** What is known of the error. */
  readonly cause?: string;
  /** Calls that were made, in their order. */
  readonly calls: readonly TaskCall[];
  /** Time of the end, as ISO 8601 text. */
  readonly endedAt: string;
  /** Events in the history, or a few more than AWS would count. */
  readonly historyEvents: number;
  /** The largest input, output, argument or assignment, in bytes of UTF-8. */
  readonly largestPayloadBytes: number;
  /** Names of the states entered, in their order. */
  readonly path: readonly string[];
}

type Ending = Pick<ExecutionResult, "status" | "output" | "error" | "cause">;

/**
 * Runs an execution of a state machine to its end.
 *
 * Nothing really waits: the virtual clock jumps to the next moment at which something happens.
 *
 * @throws {ValidationError} if the definition is no machine in JSONata. What else AWS would refuse
 * is for {@link definitionProblems}.
 * @throws what a task handler throws other than a {@link TaskError}
 */
export function runExecution(props: ExecutionProps): Promise<ExecutionResult> {
  return new Execution(props).run();
}

class Execution {
  private readonly usage = new Usage();
  private readonly calls: TaskCall[] = [];
  private readonly path: string[] = [];

  constructor(private readonly props: ExecutionProps) {}

  async run(): Promise<ExecutionResult> {
    const { props, usage } = this;
    const machine = machineOf(props.definition);
    const startedAt = Date.parse(props.startedAt);
    const seconds = Math.min(
      machine.TimeoutSeconds ?? MAX_EXECUTION_SECONDS,
      MAX_EXECUTION_SECONDS,
    );
    let time: VirtualTime | undefined;
    const ending = await new Promise<Ending>((resolve, reject) => {
      time = new VirtualTime(startedAt, startedAt + seconds * 1000, () =>
        resolve({
          status: "TIMED_OUT",
          error: "States.Timeout",
          cause: `The execution took longer than ${seconds} seconds.`,
        }),
      );
      this.states(machine, time).then(resolve, reject);
    });
    // The event that the execution has ended.
    usage.historyEvents = Math.min(usage.historyEvents + 1, MAX_HISTORY_EVENTS);
    return {
      ...ending,
      calls: this.calls,
      endedAt: new Date(time?.now ?? startedAt).toISOString(),
      historyEvents: usage.historyEvents,
      largestPayloadBytes: usage.largestPayloadBytes,
      path: this.path,
    };
  }

  private async states(machine: ReturnType<typeof machineOf>, time: VirtualTime): Promise<Ending> {
    const { props, usage } = this;
    const input = frozenJson(props.input);
    const interpreter = new Interpreter({
      time,
      usage,
      context: contextOf(props, input, time.now),
      onEntered: (state) => this.path.push(state),
      task: (asked) => this.call(asked, time),
    });
    const functions = changingFunctions(time, `${props.executionName} ${props.startedAt}`);
    try {
      usage.countEvents(1);
      const output = await interpreter.run(machine, input, {
        variables: new Variables(functions, usage),
        group: {},
      });
      return { status: "SUCCEEDED", output };
    } catch (error) {
      if (!(error instanceof StatesError)) {
        throw error;
      }
      return { status: "FAILED", error: error.errorName, cause: error.errorCause };
    }
  }

  private async call(asked: AskedTask, time: VirtualTime): Promise<TaskOutcome | FailedTask> {
    const call: TaskCall = { ...asked, at: new Date(time.now).toISOString() };
    this.calls.push(call);
    let seconds = 0;
    try {
      const result = await this.props.task({
        ...call,
        advance(more) {
          seconds += more;
        },
      });
      return { result: frozenJson(result ?? {}), seconds };
    } catch (error) {
      if (!(error instanceof TaskError)) {
        throw error;
      }
      return { error, seconds };
    }
  }
}

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html */
function contextOf(
  props: ExecutionProps,
  input: unknown,
  startedAt: number,
): Record<string, unknown> {
  const { stateMachineArn, executionName, roleArn } = props;
  return {
    Execution: {
      Id: `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${executionName}`,
      Input: input,
      Name: executionName,
      ...(roleArn === undefined ? {} : { RoleArn: roleArn }),
      StartTime: contextTime(startedAt),
    },
    StateMachine: { Id: stateMachineArn, Name: stateMachineArn.split(":").at(-1) ?? "" },
  };
}
