/** One step of a journey, with those that followed from it. */
export interface JourneyStep {
  /** What happens, and where. */
  readonly what: string;
  /** Whether the journey goes on, or has come to where it should. */
  readonly ok: boolean;
  /** Why: which statement, which state, which limit. Empty if it says itself. */
  readonly reason: string;
  readonly steps: readonly JourneyStep[];
}

/** A step that was possible. */
export function passed(what: string, reason = "", steps: readonly JourneyStep[] = []): JourneyStep {
  return { what, ok: true, reason, steps };
}

/** A step that was not. */
export function stopped(
  what: string,
  reason: string,
  steps: readonly JourneyStep[] = [],
): JourneyStep {
  return { what, ok: false, reason, steps };
}

/** Every step on which a journey stopped, in their order. */
export function stops(steps: readonly JourneyStep[]): readonly JourneyStep[] {
  return steps.flatMap((step) => [...(step.ok ? [] : [step]), ...stops(step.steps)]);
}
