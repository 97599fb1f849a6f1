/** A refusal, as a service sends it over HTTP. */
export class HttpError extends Error {
  override readonly name = "HttpError";

  /**
   * @param status - HTTP status code
   * @param code - of the service, such as `NoSuchKey`
   */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
