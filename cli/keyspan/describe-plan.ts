import type { AccountPlan, PlannedStack } from "../rollout/plan-set";
import { shouts, showCounts } from "../rollout/stack-changes";

/** An account's plan as a summary: a line per stack, and what nobody must overlook. */
export function describeAccountPlan({ workspace, accountId, stacks }: AccountPlan): string {
  return [
    `Account ${workspace} (${accountId}):`,
    ...stacks.map((stack) => `  ${stack.id}: ${describeStack(stack)}`),
    ...stacks.flatMap(({ id, changes }) => shouts(id, changes)),
    "",
  ].join("\n");
}

function describeStack({ status, reason, changes }: PlannedStack): string {
  switch (status) {
    case "unchanged":
      return "no changes";
    case "planned":
      return showCounts(changes);
    case "deferred":
      return [`deferred, ${reason}`, ...(changes.length > 0 ? [showCounts(changes)] : [])].join(
        "; ",
      );
  }
}
