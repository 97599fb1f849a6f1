/** What the calls of the provider to AWS have in common. */
import { messageOf } from "../aws/aws-error";
import { hasChanged } from "./same-meaning";
import { type Attributes, mapOf } from "./values";

/** A failed call, in the provider's words. */
export class CallError extends Error {
  override readonly name = "CallError";

  /** @param doing - what was being done, such as `updating KMS Key (<id>) policy` */
  constructor(doing: string, cause: unknown) {
    super(`${doing}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Makes a call for which the provider has words of its own.
 *
 * @param what - such as `updating KMS Key (<id>) policy`
 * @throws {CallError} if the call fails
 */
export async function doing<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new CallError(what, error);
  }
}

/** What a call answers; `undefined` if it fails because the object is gone. */
export async function unlessGone<T>(
  isGone: (error: unknown) => boolean,
  call: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isGone(error)) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Sets the tags of a resource if they change: the provider does so before all else.
 *
 * @param resource - service, type and identifier, such as `SQS (Simple Queue) Queue (<url>)`
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/provider/sdkv2/tags_interceptor.go
 */
export async function updateTags(
  resource: string,
  prior: Attributes,
  planned: Attributes,
  tag: (tags: Readonly<Record<string, string>>) => Promise<void>,
): Promise<void> {
  if (hasChanged(prior, planned, ["tags_all"])) {
    await doing(`updating tags for ${resource}`, () => tag(mapOf(planned, "tags_all")));
  }
}
