/** Errors that states report, by the names that Retry and Catch compare. */

/**
 * An error that an AWS service answers a call of a state machine with.
 *
 * A task handler throws it; anything else that a handler throws is a fault of the handler.
 */
export class TaskError extends Error {
  override readonly name = "TaskError";

  /**
   * @param errorName - as Step Functions names it, such as `Kms.NotFoundException`
   * @param errorCause - text for people
   */
  constructor(
    readonly errorName: string,
    readonly errorCause: string,
  ) {
    super(`${errorName}: ${errorCause}`);
  }
}

/**
 * An error that a state reports.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-error-representation
 */
export class StatesError extends Error {
  override readonly name = "StatesError";

  constructor(
    readonly errorName: string,
    readonly errorCause: string,
  ) {
    super(`${errorName}: ${errorCause}`);
  }
}

/**
 * Errors that end the execution wherever they happen. `States.Runtime` "will always cause the
 * execution to fail" and `States.DataLimitExceeded` is "a terminal error". A choice without a match
 * is reported as `States.NoChoiceMatched` or as `States.Runtime`, depending on the page: it counts
 * as the stricter of them.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-error-representation
 */
const TERMINAL: readonly string[] = [
  "States.Runtime",
  "States.DataLimitExceeded",
  "States.NoChoiceMatched",
];

/** Whether no Retry and no Catch takes the error. */
export function isTerminal(errorName: string): boolean {
  return TERMINAL.includes(errorName);
}

/**
 * Whether `ErrorEquals` of a retrier or catcher takes an error. `States.TaskFailed` takes any but
 * `States.Timeout`, `States.ALL` takes any; neither takes what ends the execution.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-error-representation
 */
export function takesError(errorEquals: readonly string[], errorName: string): boolean {
  return (
    !isTerminal(errorName) &&
    errorEquals.some(
      (wanted) =>
        wanted === errorName ||
        wanted === "States.ALL" ||
        (wanted === "States.TaskFailed" && errorName !== "States.Timeout"),
    )
  );
}
