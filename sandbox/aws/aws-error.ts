/**
 * A refusal by the simulated AWS, with the error code that the service documents.
 *
 * Its text is what the AWS SDK for Go makes of such an answer, since that is what the provider shows.
 *
 * @see https://docs.aws.amazon.com/sdk-for-go/v2/developer-guide/handle-errors.html
 */
export class AwsError extends Error {
  override readonly name = "AwsError";

  /**
   * @param code - as in the service's API reference, such as `NotFoundException`
   * @param reason - what the service says
   */
  constructor(
    readonly code: string,
    readonly reason: string,
  ) {
    super(`${code}: ${reason}`);
  }
}

/** Whether an error is the simulated AWS's answer with one of these codes. */
export function isAwsError(error: unknown, ...codes: readonly string[]): error is AwsError {
  return error instanceof AwsError && codes.includes(error.code);
}

/** What an error says, or anything else that was thrown. */
export function messageOf(error: unknown): string {
  return typeof error === "object" &&
    error !== null &&
    "message" in error &&
    typeof error.message === "string"
    ? error.message
    : String(error);
}
