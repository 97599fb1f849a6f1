import { StatesError } from "./errors";
import { jsonBytes } from "./json";

/**
 * Largest input or output of a task, a state or an execution, and largest variable, in bytes of
 * UTF-8.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-task-executions
 */
export const MAX_PAYLOAD_BYTES = 262_144;

/**
 * Largest sum of all variables of an execution, in bytes of UTF-8.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#variable-limits
 */
export const MAX_VARIABLES_BYTES = 10 * 1024 * 1024;

/**
 * Events in the history of an execution at which it fails.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-state-machine-executions
 */
export const MAX_HISTORY_EVENTS = 25_000;

/**
 * Longest that an execution of a Standard machine lasts, in seconds.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-state-machine-executions
 */
export const MAX_EXECUTION_SECONDS = 31_536_000;

/**
 * Iterations of a Map in inline mode at a time.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
 */
export const MAX_CONCURRENT_ITERATIONS = 40;

/**
 * Highest number of seconds that a field takes.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html
 */
export const MAX_SECONDS = 99_999_999;

/** What an execution has used of its quotas. */
export class Usage {
  /** Events in the history. */
  historyEvents = 0;
  /** The largest input, output, argument or assignment so far, in bytes of UTF-8. */
  largestPayloadBytes = 0;
  private variablesBytes = 0;

  /**
   * Counts events of the history.
   *
   * @throws {StatesError} `States.Runtime` when the history is full
   * @see https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-history-limit
   */
  countEvents(events: number): void {
    this.historyEvents += events;
    if (this.historyEvents >= MAX_HISTORY_EVENTS) {
      this.historyEvents = MAX_HISTORY_EVENTS;
      throw new StatesError(
        "States.Runtime",
        `The execution reached the maximum number of history events (${MAX_HISTORY_EVENTS}).`,
      );
    }
  }

  /**
   * Measures what goes into a state or out of it, and returns it.
   *
   * @throws {StatesError} `States.DataLimitExceeded` if it is too large
   * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-data-limit-exceed
   */
  measured(what: string, value: unknown): unknown {
    const bytes = jsonBytes(value);
    this.largestPayloadBytes = Math.max(this.largestPayloadBytes, bytes);
    if (bytes > MAX_PAYLOAD_BYTES) {
      throw new StatesError(
        "States.DataLimitExceeded",
        `${what} has ${bytes} bytes, which exceeds the maximum of ${MAX_PAYLOAD_BYTES} bytes.`,
      );
    }
    return value;
  }

  /**
   * Adds to the sum of all variables, or takes away from it.
   *
   * @throws {StatesError} `States.DataLimitExceeded` if they are too large together
   */
  addVariables(bytes: number): void {
    this.variablesBytes += bytes;
    if (bytes > 0 && this.variablesBytes > MAX_VARIABLES_BYTES) {
      throw new StatesError(
        "States.DataLimitExceeded",
        `The variables have ${this.variablesBytes} bytes together, which exceeds the maximum of ${MAX_VARIABLES_BYTES} bytes.`,
      );
    }
  }
}
