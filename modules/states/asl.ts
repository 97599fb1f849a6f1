/**
 * State machines in the Amazon States Language, as Keyspan writes them: JSONata only.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */

/** A string that is wholly a JSONata expression: `{% … %}`. */
export type Expression = `{% ${string} %}`;

/** Data of a state. Each string in it may be an expression, which is replaced by what it gives. */
export type Template =
  | string
  | number
  | boolean
  | null
  | readonly Template[]
  | { readonly [name: string]: Template };

/** Variables that a state sets, by name. They are there from the next state on. */
export type Assignments = Readonly<Record<string, Template>>;

/** When and how often a state is tried again. */
export interface Retrier {
  /** Names of errors; `States.ALL` alone and in the last retrier only. */
  readonly ErrorEquals: readonly string[];
  /**
   * Seconds before the first retry.
   *
   * @default 1
   */
  readonly IntervalSeconds?: number;
  /**
   * Retries, not counting the first attempt.
   *
   * @default 3
   */
  readonly MaxAttempts?: number;
  /**
   * Factor by which the interval grows.
   *
   * @default 2
   */
  readonly BackoffRate?: number;
  /** Upper bound of the interval, in seconds. */
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: "FULL" | "NONE";
}

/** Where the execution goes on after an error. */
export interface Catcher {
  /** Names of errors; `States.ALL` alone and in the last catcher only. */
  readonly ErrorEquals: readonly string[];
  readonly Next: string;
  readonly Assign?: Assignments;
  readonly Output?: Template;
}

interface Described {
  readonly Comment?: string;
}

/** How a state goes on: to another state or to the end. */
export type Transition =
  | { readonly Next: string; readonly End?: never }
  | { readonly End: true; readonly Next?: never };

/** What the states share that may fail and be caught: Task, Parallel and Map. */
interface Catching {
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher[];
}

/** Passes its input on. No Catch takes what fails here. */
export type PassState = Described &
  Transition & {
    readonly Type: "Pass";
    readonly Assign?: Assignments;
    readonly Output?: Template;
  };

/** Calls an AWS service. */
export type TaskState = Described &
  Catching &
  Transition & {
    readonly Type: "Task";
    /** ARN of the integration; see `statesIntegration` in `modules/partition.ts`. */
    readonly Resource: string;
    readonly Arguments?: Template;
    readonly Assign?: Assignments;
    readonly Output?: Template;
    readonly TimeoutSeconds?: number | Expression;
  };

/** One rule of a Choice: the first whose condition is true is taken. */
export interface ChoiceRule extends Described {
  readonly Condition: Expression | boolean;
  readonly Next: string;
  readonly Assign?: Assignments;
  readonly Output?: Template;
}

/** Chooses the next state. No Catch takes what fails here. */
export interface ChoiceState extends Described {
  readonly Type: "Choice";
  readonly Choices: readonly ChoiceRule[];
  /** The next state if no rule is true; without it that is an error. */
  readonly Default?: string;
  readonly Assign?: Assignments;
  readonly Output?: Template;
}

/** Waits. */
export type WaitState = Described &
  Transition & {
    readonly Type: "Wait";
    readonly Assign?: Assignments;
    readonly Output?: Template;
  } & (
    | { readonly Seconds: number | Expression; readonly Timestamp?: never }
    | { readonly Timestamp: string; readonly Seconds?: never }
  );

/** Ends the machine, the branch or the iteration as done. */
export interface SucceedState extends Described {
  readonly Type: "Succeed";
  readonly Output?: Template;
}

/** Ends the machine, the branch or the iteration as failed. */
export interface FailState extends Described {
  readonly Type: "Fail";
  readonly Error?: string;
  readonly Cause?: string;
}

/** Runs branches side by side. Variables that a branch sets stay in it. */
export type ParallelState = Described &
  Catching &
  Transition & {
    readonly Type: "Parallel";
    readonly Branches: readonly States[];
    readonly Arguments?: Template;
    readonly Assign?: Assignments;
    readonly Output?: Template;
  };

/** Runs the same states once for each item. Variables that an iteration sets stay in it. */
export type MapState = Described &
  Catching &
  Transition & {
    readonly Type: "Map";
    readonly Items?: Expression | readonly Template[];
    readonly ItemSelector?: Template;
    readonly ItemProcessor: States & { readonly ProcessorConfig?: { readonly Mode: "INLINE" } };
    /**
     * Iterations at a time; 0 is as many as possible, at most 40 in this mode.
     *
     * @default 0
     */
    readonly MaxConcurrency?: number;
    readonly Assign?: Assignments;
    readonly Output?: Template;
  };

/** One state of a machine. */
export type State =
  | PassState
  | TaskState
  | ChoiceState
  | WaitState
  | SucceedState
  | FailState
  | ParallelState
  | MapState;

/** States by name, and which comes first. */
export interface States {
  readonly Comment?: string;
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

/** A whole state machine. */
export interface StateMachineDefinition extends States {
  readonly QueryLanguage: "JSONata";
  /** Seconds after which an execution is stopped as timed out. */
  readonly TimeoutSeconds?: number;
}

/** An expression from JSONata source, on one line: it is read in consoles and by linters. */
export function expression(source: string): Expression {
  // Literals have their line breaks escaped, so that these are only between tokens.
  return `{% ${source.trim().replace(/\s*\n\s*/g, " ")} %}`;
}

/** A JSONata string literal: JSONata's are JSON's. */
export function literal(text: string): string {
  return JSON.stringify(text);
}
