/** Calls to AWS that may fail one by one: what failed, and with which right it would not. */
import type { AwsAccess, ClientSettings } from "../aws-access";

/** Milliseconds for a connection, and for an answer on it. */
const CONNECTION_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 15_000;

/** A role whose rights the doctor looks with. */
export type DoctorRole = "plan" | "state-read" | "state-write";

/** A call that AWS, or the way there, refused. */
export class CallFailure extends Error {
  override readonly name = "CallFailure";
  /** Name of the error, as AWS spells it. */
  readonly code: string;
  /** HTTP status of the answer, if there was one. */
  readonly status: number | undefined;

  /** @param action - IAM action of the call, such as `kms:ListKeys` */
  constructor(
    readonly action: string,
    readonly role: DoctorRole,
    error: unknown,
  ) {
    const { name, message, $metadata } = (error ?? {}) as {
      readonly name?: unknown;
      readonly message?: unknown;
      readonly $metadata?: { readonly httpStatusCode?: number };
    };
    super(String(message ?? error));
    this.status = $metadata?.httpStatusCode;
    // The answer to a HEAD has no text, so no name either.
    this.code = name === "Unknown" ? `HTTP status ${this.status}` : String(name ?? "an error");
  }

  /** Whether the caller may not do it; a `HEAD` has no more than its status to say so. */
  get isDenied(): boolean {
    return /^(AccessDenied|Unauthorized|NotAuthorized)/.test(this.code) || this.status === 403;
  }

  /** Whether nobody answered in time. */
  get isTimeout(): boolean {
    return this.code === "TimeoutError" || this.code === "AbortError";
  }
}

/** AWS as the doctor sees it. */
export class DoctorCalls {
  /**
   * @param access - the account's roles
   * @param deadline - aborts whatever is still under way
   */
  constructor(
    private readonly access: AwsAccess,
    readonly deadline: AbortSignal,
  ) {}

  /** Settings of a client that does not wait for long. */
  settings(
    role: DoctorRole,
    service: string,
    region: string,
  ): ClientSettings & {
    readonly requestHandler: {
      readonly connectionTimeout: number;
      readonly requestTimeout: number;
      readonly throwOnRequestTimeout: true;
    };
  } {
    return {
      ...this.access.clientSettings(role, service, region),
      requestHandler: {
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        // Without it the SDK only warns.
        throwOnRequestTimeout: true,
      },
    };
  }

  /**
   * One call.
   *
   * @throws {CallFailure} if it fails, or the deadline comes first
   */
  async call<T>(
    action: string,
    role: DoctorRole,
    send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const { deadline } = this;
    let onAbort = () => {};
    // Getting credentials cannot be aborted.
    const ended = new Promise<never>((_, reject) => {
      onAbort = () => reject({ name: "TimeoutError", message: "no answer in time" });
      if (deadline.aborted) {
        onAbort();
      }
      deadline.addEventListener("abort", onAbort);
    });
    try {
      return await Promise.race([send({ abortSignal: deadline }), ended]);
    } catch (error) {
      throw new CallFailure(action, role, error);
    } finally {
      deadline.removeEventListener("abort", onAbort);
    }
  }

  /**
   * All items of a list that comes in pages.
   *
   * @param page - asks for a page; `next` is what the page before said
   */
  async all<T>(
    action: string,
    page: (
      next: string | undefined,
      options: { readonly abortSignal: AbortSignal },
    ) => Promise<{ readonly items: readonly T[]; readonly next: string | undefined }>,
  ): Promise<readonly T[]> {
    const items: T[] = [];
    let next: string | undefined;
    do {
      const asked = next;
      const got = await this.call(action, "plan", (options) => page(asked, options));
      items.push(...got.items);
      next = got.next;
    } while (next !== undefined && next !== "");
    return items;
  }
}
