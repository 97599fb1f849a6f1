import type { AccountConfig } from "../../config/account-config";
import { failureOf } from "../failure-of";
import { describeLock, duration } from "../rollout/account-lock";
import { AccountSession, type RolloutContext } from "../rollout/account-session";
import { type AccountStatus, accountStatus, type StackStatus } from "../rollout/account-status";
import { rollOut } from "../rollout/rings";
import { showCounts } from "../rollout/stack-changes";
import { describeVanished } from "../rollout/vanished-stacks";
import { type RolloutOptions, selectAccounts, withAccounts, withContext } from "./accounts-of";
import { type CommandResult, type DefineCommand, EXIT_CODE } from "./command";

/** `npm run keyspan -- status <account…|--all>`: what is deployed, drift, locks, unconfirmed subscriptions. */
export const defineStatus: DefineCommand = (program, io, act) => {
  withAccounts(program.command("status"))
    .description("say what is deployed, what has changed in AWS since, what waits, what is locked")
    .addHelpText(
      "after",
      `
Ends with 2 if AWS is not as the states say, or if an apply would change anything.

Examples:
  npm run keyspan -- status prod
  npm run keyspan -- status --all --json`,
    )
    .action(
      act((names: readonly string[], options: RolloutOptions) => {
        const accounts = selectAccounts("status", names, options, io);
        return withContext(io, "status", options, (context) => status(accounts, options, context));
      }),
    );
};

type Outcome = AccountStatus | { readonly workspace: string; readonly failure: string };

async function status(
  accounts: readonly AccountConfig[],
  options: RolloutOptions,
  context: RolloutContext,
): Promise<CommandResult> {
  context.progress.start(accounts.map(({ workspace }) => workspace));
  const { results, notStarted } = await rollOut(
    accounts,
    // Whoever looks wants to see all.
    { maxConcurrent: options.maxConcurrent, maxFailures: Number.POSITIVE_INFINITY },
    (account) => statusOf(account, context),
    (outcome) => "failure" in outcome,
    () => context.stop.requested,
  );
  await context.progress.close();
  const outcomes = [...results.values()];
  const stacks = outcomes.flatMap((outcome) => ("stacks" in outcome ? outcome.stacks : []));
  const exitCode =
    notStarted.length > 0 ||
    outcomes.some((outcome) => "failure" in outcome) ||
    stacks.some(({ failed }) => failed === true)
      ? EXIT_CODE.failed
      : stacks.some(isPending) ||
          outcomes.some((outcome) => "vanished" in outcome && outcome.vanished.length > 0)
        ? EXIT_CODE.pending
        : EXIT_CODE.done;
  const now = new Date();
  return {
    exitCode,
    text: [
      ...outcomes.map((outcome) =>
        "failure" in outcome
          ? `Account ${outcome.workspace}: FAILED\n${outcome.failure}\n`
          : describe(outcome, now),
      ),
      ...(notStarted.length > 0 ? [`not looked at: ${notStarted.join(", ")}\n`] : []),
    ].join("\n"),
    json: {
      accounts: outcomes.map((outcome) =>
        "failure" in outcome
          ? { account: outcome.workspace, failure: outcome.failure }
          : {
              account: outcome.workspace,
              stacks: outcome.stacks.map(({ id, ...rest }) => ({ stack: id, ...rest })),
              vanished: outcome.vanished,
              locks: outcome.locks.map(({ on, lock }) => ({
                on,
                id: lock.ID,
                who: lock.Who,
                operation: lock.Operation,
                created: lock.Created,
              })),
            },
      ),
      notStarted,
    },
  };
}

async function statusOf(account: AccountConfig, context: RolloutContext): Promise<Outcome> {
  const { workspace } = account;
  try {
    const session = await AccountSession.open({
      context,
      workspace,
      command: "status",
      purpose: "plan",
    });
    try {
      return await accountStatus(session);
    } finally {
      await session.close();
    }
  } catch (error) {
    return { workspace, failure: failureOf(error) };
  }
}

function isPending({ deployed, drift, waiting, unknown }: StackStatus): boolean {
  return !deployed || drift.length > 0 || waiting || unknown !== undefined;
}

function describe({ workspace, stacks, locks, vanished }: AccountStatus, now: Date): string {
  return [
    `Account ${workspace}:`,
    ...stacks.flatMap((stack) => [
      `  ${stack.id}: ${headline(stack, now)}`,
      ...stack.drift.map(
        ({ address, action, arguments: changed }) =>
          `    changed in AWS: ${address} ${action === "delete" ? "is gone" : `(${changed.join(", ")})`}`,
      ),
      ...stack.pending.map(({ address, action }) => `    an apply would ${action} ${address}`),
      ...stack.unconfirmed.map((subscription) => `    not confirmed: ${subscription}`),
    ]),
    ...vanished.map(
      (stack) =>
        `  ${describeVanished(stack)}: put its region back, as draining (README: Retiring a region)`,
    ),
    ...locks.map((lock) => describeLock(workspace, lock, now)),
    "",
  ].join("\n");
}

function headline(
  { deployed, resources, writtenAt, pending, waiting, drift, unknown, failed }: StackStatus,
  now: Date,
): string {
  if (!deployed) {
    return "never deployed";
  }
  const age =
    writtenAt === undefined
      ? ""
      : `, state written ${duration(now.getTime() - Date.parse(writtenAt))} ago`;
  return [
    `${resources} resources${age}`,
    failed === true
      ? `\n${unknown}`
      : unknown !== undefined
        ? `; ${unknown}`
        : waiting
          ? `; waiting: ${pending.length === 0 ? "outputs" : showCounts(pending)}`
          : drift.length > 0
            ? "; not as the last apply has left it"
            : "; as its file says",
  ].join("");
}
