import { queryError } from "./expressions";
import { MAX_SECONDS } from "./limits";

// https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * Returns the value of a field that takes a whole number, such as seconds.
 *
 * @throws {StatesError} `States.QueryEvaluationError` for another value, or one below `least`
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#handling-errors-jsonata-expressions
 */
export function integerOf(value: unknown, field: string, least: number): number {
  if (
    typeof value !== "number" ||
    !Number.isInteger(value) ||
    value < least ||
    value > MAX_SECONDS
  ) {
    throw queryError(
      value,
      field,
      `returned ${JSON.stringify(value)}, but must return a whole number from ${least} to ${MAX_SECONDS}.`,
    );
  }
  return value;
}

/**
 * Returns the value of a field that takes a time, in milliseconds since 1970, without the fraction
 * of its second.
 *
 * @throws {StatesError} `States.QueryEvaluationError` for a value that is no time of RFC 3339
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html
 */
export function timestampOf(value: unknown, field: string): number {
  const millis =
    typeof value === "string" && TIMESTAMP.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(millis)) {
    throw queryError(
      value,
      field,
      `returned ${JSON.stringify(value)}, but must return a time such as 2024-08-18T17:33:00Z.`,
    );
  }
  return Math.floor(millis / 1000) * 1000;
}
