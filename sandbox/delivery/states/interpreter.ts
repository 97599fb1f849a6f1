import {
  CATCHING_TYPES,
  type CatcherDefinition,
  type ChoiceDefinition,
  isRecord,
  type RetrierDefinition,
  type StateDefinition,
  type StatesDefinition,
} from "./definition";
import { StatesError, type TaskError, takesError } from "./errors";
import { evaluate, queryError, type StatesVariable } from "./expressions";
import { integerOf, timestampOf } from "./fields";
import { frozenJson } from "./json";
import { MAX_CONCURRENT_ITERATIONS, type Usage } from "./limits";
import type { Variables } from "./variables";
import type { Group, VirtualTime } from "./virtual-time";

// Events of the history, of which the documentation has a list but no account of when each comes:
// as many as the names suggest, and where that is open, the more.
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html

/** Entered or exited: `PassStateEntered`, `TaskStateExited` and so on. */
const PASSAGE_EVENTS = 1;

/** `TaskScheduled`, `TaskStarted`, and `TaskSucceeded`, `TaskFailed` or `TaskTimedOut`. */
const TASK_EVENTS = 3;

/** `TaskSubmitted`, for a task that is waited for. */
const SUBMITTED_EVENTS = 1;

/** `ParallelStateStarted` or `MapStateStarted`, and `…Succeeded` or `…Failed`. */
const SIDE_BY_SIDE_EVENTS = 2;

/** `MapIterationStarted`, and `MapIterationSucceeded`, `MapIterationFailed` or `MapIterationAborted`. */
const ITERATION_EVENTS = 2;

/** `TaskStateAborted` or the like, and what is aborted with it, for each branch that is stopped. */
const ABORTED_EVENTS = 2;

/** `EvaluationFailed`. */
const EVALUATION_EVENTS = 1;

/** A call of a task that the interpreter asks for. */
export interface AskedTask {
  readonly state: string;
  readonly resource: string;
  readonly arguments: unknown;
}

/** What a task came to. */
export interface TaskOutcome {
  readonly result: unknown;
  /** Seconds of virtual time that the task took. */
  readonly seconds: number;
}

/** What the interpreter needs of the execution that it runs. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly usage: Usage;
  /** The parts of `$states.context` that stay the same. */
  readonly context: Readonly<Record<string, unknown>>;
  readonly onEntered: (state: string) => void;
  /** Makes a call, and returns the answer or the error of AWS. */
  readonly task: (asked: AskedTask) => Promise<TaskOutcome | FailedTask>;
}

/** A task that AWS answered with an error. */
export interface FailedTask {
  readonly error: TaskError;
  readonly seconds: number;
}

/** Where states run: their variables, and the branches that are stopped together. */
interface Scope {
  readonly variables: Variables;
  readonly group: Group;
}

/** One visit of a state. */
interface Visit {
  readonly name: string;
  readonly state: StateDefinition;
  readonly input: unknown;
  readonly scope: Scope;
  readonly enteredAt: number;
}

/** What a state did, before its Output and Assign are evaluated. */
interface Done {
  readonly states: StatesVariable;
  /** What Output and Assign are taken from: the state, a rule of a Choice or a catcher. */
  readonly fields: Pick<ChoiceDefinition, "Output" | "Assign">;
  /** The output if there is no Output. */
  readonly result: unknown;
  /** The next state, or undefined at the end. */
  readonly next: string | undefined;
}

/**
 * Runs the states of machines in JSONata by AWS's rules. Where the documentation leaves a rule
 * open, the stricter reading holds.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
 * @see https://states-language.net/spec.html
 */
export class Interpreter {
  constructor(private readonly around: Surroundings) {}

  /**
   * Runs states from `StartAt` to an end, and returns the output.
   *
   * @throws {StatesError} for an error that no state caught
   */
  async run(definition: StatesDefinition, input: unknown, scope: Scope): Promise<unknown> {
    let name: string | undefined = definition.StartAt;
    let data = input;
    while (name !== undefined) {
      const state = definition.States[name] as StateDefinition;
      const { output, next } = await this.visit(name, state, data, scope);
      data = output;
      name = next;
    }
    return data;
  }

  private async visit(name: string, state: StateDefinition, input: unknown, scope: Scope) {
    const { time, usage, onEntered } = this.around;
    onEntered(name);
    usage.countEvents(PASSAGE_EVENTS);
    usage.measured(`The input of the state '${name}'`, input);
    const visit: Visit = { name, state, input, scope, enteredAt: time.now };
    const left = CATCHING_TYPES.includes(state.Type)
      ? await this.attempts(visit)
      : await this.attempt(visit, 0);
    usage.countEvents(PASSAGE_EVENTS);
    return left;
  }

  /** @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error */
  private async attempts(visit: Visit) {
    const { Retry: retriers = [], Catch: catchers = [] } = visit.state;
    const retries = new Map<RetrierDefinition, number>();
    for (let retryCount = 0; ; retryCount += 1) {
      try {
        return await this.attempt(visit, retryCount);
      } catch (error) {
        if (!(error instanceof StatesError)) {
          throw error;
        }
        const retrier = retriers.find(({ ErrorEquals }) =>
          takesError(ErrorEquals, error.errorName),
        );
        const retried = retrier === undefined ? 0 : (retries.get(retrier) ?? 0);
        if (retrier !== undefined && retried < (retrier.MaxAttempts ?? 3)) {
          retries.set(retrier, retried + 1);
          await this.wait(retryDelay(retrier, retried), visit.scope);
          continue;
        }
        const catcher = catchers.find(({ ErrorEquals }) =>
          takesError(ErrorEquals, error.errorName),
        );
        if (catcher === undefined) {
          throw error;
        }
        return this.caught(visit, catcher, error, retryCount);
      }
    }
  }

  private async attempt(visit: Visit, retryCount: number) {
    const done = await this.perform(visit, this.statesOf(visit, retryCount));
    return this.leave(visit, done);
  }

  /** @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-fallback-states */
  private caught(visit: Visit, catcher: CatcherDefinition, error: StatesError, retries: number) {
    const errorOutput = frozenJson({ Error: error.errorName, Cause: error.errorCause });
    return this.leave(visit, {
      states: { ...this.statesOf(visit, retries), errorOutput },
      fields: catcher,
      result: errorOutput,
      next: catcher.Next,
    });
  }

  /**
   * Evaluates Output and Assign, both with the variables as they were when the state was entered,
   * and only then sets variables.
   *
   * @see https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#evaluation-order-in-an-assign-field
   */
  private async leave(visit: Visit, { states, fields, result, next }: Done) {
    const { usage } = this.around;
    const output =
      fields.Output === undefined ? result : await this.field(visit, states, fields, "Output");
    usage.measured(`The output of the state '${visit.name}'`, output);
    if (fields.Assign !== undefined) {
      const assigned = await this.field(visit, states, fields, "Assign");
      if (!isRecord(assigned)) {
        throw this.failed(queryError(fields.Assign, "Assign", "returned no object."));
      }
      usage.measured(`The Assign of the state '${visit.name}'`, assigned);
      visit.scope.variables.assign(assigned);
    }
    return { output, next };
  }

  private perform(visit: Visit, states: StatesVariable): Promise<Done> | Done {
    const { state, input } = visit;
    const next = state.End === true ? undefined : state.Next;
    const passed = { states, fields: state, result: input, next };
    switch (state.Type) {
      case "Pass":
      case "Succeed":
        return passed;
      case "Fail":
        return this.fail(visit, states);
      case "Wait":
        return this.waited(visit, states).then(() => passed);
      case "Choice":
        return this.choose(visit, states);
      case "Task":
        return this.call(visit, states).then((result) => finished(passed, result));
      case "Parallel":
        return this.branch(visit, states).then((result) => finished(passed, result));
      case "Map":
        return this.iterate(visit, states).then((result) => finished(passed, result));
      default:
        throw new StatesError("States.Runtime", `There is no state of type ${state.Type}.`);
    }
  }

  /** @see https://docs.aws.amazon.com/step-functions/latest/dg/state-fail.html */
  private async fail(visit: Visit, states: StatesVariable): Promise<never> {
    const [error, cause] = [
      await this.text(visit, states, "Error"),
      await this.text(visit, states, "Cause"),
    ];
    throw new StatesError(error, cause);
  }

  private async text(visit: Visit, states: StatesVariable, field: "Error" | "Cause") {
    const value = await this.optional(visit, states, visit.state, field, "");
    if (typeof value !== "string") {
      throw this.failed(queryError(visit.state[field], field, "returned no string."));
    }
    return value;
  }

  /** @see https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html */
  private async waited(visit: Visit, states: StatesVariable): Promise<void> {
    const { time } = this.around;
    const seconds = await this.optional(visit, states, visit.state, "Seconds");
    if (seconds !== undefined) {
      return this.wait(
        this.checked(() => integerOf(seconds, "Seconds", 0)),
        visit.scope,
      );
    }
    const timestamp = await this.optional(visit, states, visit.state, "Timestamp");
    const until = this.checked(() => timestampOf(timestamp, "Timestamp"));
    return this.wait(Math.max(0, until - time.now) / 1000, visit.scope);
  }

  /** @see https://states-language.net/spec.html#choice-state */
  private async choose(visit: Visit, states: StatesVariable): Promise<Done> {
    const { state, input } = visit;
    for (const rule of state.Choices ?? []) {
      const holds = await this.field(visit, states, rule, "Condition");
      if (typeof holds !== "boolean") {
        throw this.failed(queryError(rule.Condition, "Condition", "returned no boolean."));
      }
      if (holds) {
        return { states, fields: rule, result: input, next: rule.Next };
      }
    }
    if (state.Default === undefined) {
      throw new StatesError(
        "States.NoChoiceMatched",
        `No choice of the state '${visit.name}' matched, and it has no Default.`,
      );
    }
    return { states, fields: state, result: input, next: state.Default };
  }

  private async call(visit: Visit, states: StatesVariable): Promise<unknown> {
    const { usage, task } = this.around;
    const { name, state, input } = visit;
    const asked = await this.optional(visit, states, state, "Arguments", input);
    usage.measured(`The arguments of the state '${name}'`, asked);
    const timeout = await this.optional(visit, states, state, "TimeoutSeconds");
    const longest =
      timeout === undefined
        ? Number.POSITIVE_INFINITY
        : this.checked(() => integerOf(timeout, "TimeoutSeconds", 1));
    const resource = String(state.Resource);
    const isWaitedFor = /\.(sync|sync:2|waitForTaskToken)$/.test(resource);
    usage.countEvents(TASK_EVENTS + (isWaitedFor ? SUBMITTED_EVENTS : 0));
    const outcome = await task({ state: name, resource, arguments: asked });
    await this.wait(Math.min(outcome.seconds, longest), visit.scope);
    if (outcome.seconds > longest) {
      throw new StatesError("States.Timeout", `The task took longer than ${longest} seconds.`);
    }
    if ("error" in outcome) {
      throw new StatesError(outcome.error.errorName, outcome.error.errorCause);
    }
    return usage.measured(`The result of the state '${name}'`, outcome.result);
  }

  /** @see https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html */
  private async branch(visit: Visit, states: StatesVariable): Promise<unknown> {
    const { state, input, name } = visit;
    const asked = await this.optional(visit, states, state, "Arguments", input);
    this.around.usage.measured(`The arguments of the state '${name}'`, asked);
    const results = await this.together(
      visit,
      (state.Branches ?? []).map((branch) => (scope) => this.run(branch, asked, scope)),
    );
    return this.around.usage.measured(`The result of the state '${name}'`, frozenJson(results));
  }

  /** @see https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html */
  private async iterate(visit: Visit, states: StatesVariable): Promise<unknown> {
    const { state } = visit;
    const items = await this.items(visit, states);
    const wanted = await this.optional(visit, states, state, "MaxConcurrency", 0);
    const concurrency = this.checked(() => integerOf(wanted, "MaxConcurrency", 0));
    const results: unknown[] = [];
    let following = 0;
    const worker = async ({ group }: Scope) => {
      for (let index = following; index < items.length; index = following) {
        following += 1;
        results[index] = await this.iteration(visit, states, { item: items[index], index, group });
      }
    };
    const workers = Math.min(
      concurrency || MAX_CONCURRENT_ITERATIONS,
      MAX_CONCURRENT_ITERATIONS,
      items.length,
    );
    await this.together(
      visit,
      Array.from({ length: workers }, () => worker),
    );
    return this.around.usage.measured(
      `The result of the state '${visit.name}'`,
      frozenJson(results),
    );
  }

  private async items(visit: Visit, states: StatesVariable): Promise<readonly unknown[]> {
    const { state, input, name } = visit;
    const items = await this.optional(visit, states, state, "Items", input);
    this.around.usage.measured(`The items of the state '${name}'`, items);
    if (!Array.isArray(items)) {
      throw this.failed(queryError(state.Items ?? "$states.input", "Items", "returned no array."));
    }
    return items;
  }

  /**
   * One iteration. Only ItemSelector sees which item it is: "You must define parameters from the
   * Context object in the ItemSelector block ..., not within the states included in the
   * ItemProcessor section".
   *
   * @see https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html#contextobject-map
   */
  private async iteration(
    visit: Visit,
    states: StatesVariable,
    {
      item,
      index,
      group,
    }: { readonly item: unknown; readonly index: number; readonly group: Group },
  ): Promise<unknown> {
    const { state, scope } = visit;
    this.around.usage.countEvents(ITERATION_EVENTS);
    const context = {
      ...(states.context as object),
      Map: { Item: { Index: index, Value: item, Source: "STATE_DATA" } },
    };
    const input = await this.optional(visit, { ...states, context }, state, "ItemSelector", item);
    const variables = scope.variables.scope();
    const output = await this.run(state.ItemProcessor as StatesDefinition, input, {
      variables,
      group,
    });
    scope.variables.endScope(variables);
    return output;
  }

  /** Runs branches or workers side by side, each with variables of its own. */
  private async together(
    visit: Visit,
    jobs: readonly ((scope: Scope) => Promise<unknown>)[],
  ): Promise<readonly unknown[]> {
    const { time, usage } = this.around;
    const { scope } = visit;
    usage.countEvents(SIDE_BY_SIDE_EVENTS);
    try {
      return await time.together(
        scope.group,
        jobs.map((job) => (group: Group) => job({ variables: scope.variables.scope(), group })),
      );
    } catch (error) {
      usage.countEvents(ABORTED_EVENTS * (jobs.length - 1));
      throw error;
    } finally {
      scope.variables.endScopes();
    }
  }

  private async wait(seconds: number, scope: Scope): Promise<void> {
    if (seconds > 0) {
      await this.around.time.wait(this.around.time.now + seconds * 1000, scope.group);
    }
  }

  private statesOf({ name, input, enteredAt }: Visit, retryCount: number): StatesVariable {
    const State = { Name: name, EnteredTime: contextTime(enteredAt), RetryCount: retryCount };
    return { input, context: { ...this.around.context, State } };
  }

  private async field<Name extends string>(
    visit: Visit,
    states: StatesVariable,
    fields: { readonly [name in Name]?: unknown },
    name: Name,
  ): Promise<unknown> {
    try {
      return await evaluate(
        fields[name],
        { variables: visit.scope.variables.values, states },
        name,
      );
    } catch (error) {
      throw this.failed(error);
    }
  }

  private async optional<Name extends string>(
    visit: Visit,
    states: StatesVariable,
    fields: { readonly [name in Name]?: unknown },
    name: Name,
    absent?: unknown,
  ): Promise<unknown> {
    return fields[name] === undefined ? absent : this.field(visit, states, fields, name);
  }

  private checked<T>(check: () => T): T {
    try {
      return check();
    } catch (error) {
      throw this.failed(error);
    }
  }

  /** Counts the event of an evaluation that failed, and returns its error. */
  private failed(error: unknown): unknown {
    this.around.usage.countEvents(EVALUATION_EVENTS);
    return error;
  }
}

function finished(passed: Done, result: unknown): Done {
  return { ...passed, states: { ...passed.states, result }, result };
}

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error */
function retryDelay(retrier: RetrierDefinition, retried: number): number {
  const {
    IntervalSeconds: interval = 1,
    BackoffRate: rate = 2,
    MaxDelaySeconds: longest = Number.POSITIVE_INFINITY,
  } = retrier;
  return Math.min(interval * rate ** retried, longest);
}

/** A time as the context object has it: with milliseconds only where there are some. */
export function contextTime(millis: number): string {
  return new Date(millis).toISOString().replace(".000Z", "Z");
}
