/**
 * Limits of rules.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
 */

/** Most characters of the event pattern of a rule, of its JSON text. Archives may have longer ones. */
export const MAX_RULE_PATTERN_CHARACTERS = 2048;

/** Most rules on one event bus, as long as AWS has not raised the account's quota. */
export const MAX_RULES_PER_BUS = 300;

/** Most targets of one rule. @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html */
export const MAX_TARGETS_PER_RULE = 5;

/** Where it says so, but for the targets. */
export const RULE_LIMITS_SOURCE =
  "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html";

/**
 * Buses with more rules than EventBridge takes, a sentence each.
 *
 * @param buses - the bus of every rule, as a message names it
 */
export function rulesPerBusProblems(buses: readonly string[]): string[] {
  return [...new Set(buses)].flatMap((bus) => {
    const count = buses.filter((other) => other === bus).length;
    return count > MAX_RULES_PER_BUS
      ? `the rules of ${bus} must be at most ${MAX_RULES_PER_BUS} (${RULE_LIMITS_SOURCE}), got ${count}; use fewer regions`
      : [];
  });
}
