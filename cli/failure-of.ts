import { ValidationError } from "../modules/errors";
import { ProgramFailure } from "./run-program";

/**
 * What went wrong with one of several accounts or stacks, as a text: the others go on. What no person
 * can correct is told with its stack.
 */
export function failureOf(error: unknown): string {
  if (error instanceof ValidationError || error instanceof ProgramFailure) {
    return error.message;
  }
  const { stack } = (error ?? {}) as { readonly stack?: unknown };
  return `an error of Keyspan itself: ${stack ?? error}`;
}
