import { join } from "node:path";
import type { AccountConfig } from "../../config/account-config";
import { AwsAccess } from "../aws-access";
import { failureOf } from "../failure-of";
import type { CommandIo } from "../io";
import { describeLock, heldLocks } from "../rollout/account-lock";
import { AccountSession, outputRootOf, type RolloutContext } from "../rollout/account-session";
import { type PlanOutcome, planAccount } from "../rollout/plan-account";
import type { AccountPlan, SavedAccountPlan } from "../rollout/plan-set";
import { rollOut } from "../rollout/rings";
import { bucketOf, PlanWriter } from "../rollout/save-plans";
import { countChanges } from "../rollout/stack-changes";
import { type RolloutOptions, selectAccounts, withAccounts, withContext } from "./accounts-of";
import { type CommandResult, type DefineCommand, EXIT_CODE } from "./command";
import { describeAccountPlan } from "./describe-plan";

interface PlanOptions extends RolloutOptions {
  readonly readOnly?: boolean;
  readonly out?: string;
  readonly upload: boolean;
}

/** `npm run keyspan -- plan <account…|--all>`: plans accounts, and saves the plans for their approval. */
export const definePlan: DefineCommand = (program, io, act) => {
  withAccounts(program.command("plan"))
    .description("plan every stack, and save the plans under a digest that can be approved")
    .option("--read-only", "touch no state: no lock, no workspace; for pull requests")
    .option("--out <dir>", "folder for the saved plans (default: cdktf.out/<account>.plan)")
    .option("--no-upload", "keep the plans out of the state bucket")
    .addHelpText(
      "after",
      `
Examples:
  npm run keyspan -- plan prod
  npm run keyspan -- plan --all --read-only --json > summary.json`,
    )
    .action(
      act((names: readonly string[], options: PlanOptions) => {
        const accounts = selectAccounts("plan", names, options, io);
        return withContext(io, "plan", options, (context) => plan(accounts, options, context));
      }),
    );
};

/** How planning one account ended. */
type AccountOutcome =
  | { readonly plan: AccountPlan; readonly saved: SavedAccountPlan | undefined }
  | { readonly failures: readonly string[] };

async function plan(
  accounts: readonly AccountConfig[],
  options: PlanOptions,
  context: RolloutContext,
): Promise<CommandResult> {
  const { io } = context;
  const directory = options.out ?? defaultDirectory(io, accounts);
  const writer = new PlanWriter(directory);
  context.progress.start(accounts.map(({ workspace }) => workspace));
  const { results, notStarted, stoppedAfterRing } = await rollOut(
    accounts,
    options,
    async (account): Promise<AccountOutcome> => {
      const outcome = await planOne(account, options, context);
      if (outcome.saved === undefined) {
        return { failures: outcome.failures };
      }
      // Only what is needed later is kept: there may be hundreds of accounts.
      writer.add(outcome.saved);
      return { plan: outcome.saved.plan, saved: undefined };
    },
    (outcome) => "failures" in outcome,
    () => context.stop.requested,
  );
  await context.progress.close();
  const plans = [...results.values()].flatMap((outcome) => ("plan" in outcome ? outcome.plan : []));
  const failures = [...results].flatMap(([workspace, outcome]) =>
    "failures" in outcome ? outcome.failures.map((text) => ({ account: workspace, text })) : [],
  );
  const digest = writer.finish();
  const pending = plans.filter(isPending);
  let uploaded = false;
  if (options.upload && pending.length > 0) {
    uploaded = true;
    // Those without changes too: one digest stands for all of them.
    for (const account of accounts.filter(({ workspace }) =>
      plans.some((one) => one.workspace === workspace),
    )) {
      const access = new AwsAccess({
        account,
        origin: context.origin,
        sessionName: "plan",
        env: io.env,
      });
      const role = options.readOnly === true ? "state-read" : "state-write";
      try {
        await writer.upload(digest, account, bucketOf(account, access, role));
      } catch (error) {
        uploaded = false;
        failures.push({ account: account.workspace, text: failureOf(error) });
      }
    }
  }
  const exitCode =
    failures.length > 0 || notStarted.length > 0
      ? EXIT_CODE.failed
      : pending.length > 0
        ? EXIT_CODE.pending
        : EXIT_CODE.done;
  const text = [
    ...plans.map(describeAccountPlan),
    ...failures.map(({ account, text: failure }) => `${account}: cannot be planned\n${failure}\n`),
    ...(notStarted.length > 0
      ? [
          `not planned: ${notStarted.join(", ")}${stoppedAfterRing === undefined ? "" : `, since ring ${stoppedAfterRing} has more failures than --max-failures allows`}\n`,
        ]
      : []),
    ...(pending.length > 0
      ? [
          `Plans in words: ${directory}/${plans.length === 1 ? plans[0]?.workspace : "<account>"}/<stack>.txt\nDigest: ${digest}\nOnce approved: npm run keyspan -- apply ${pending.map(({ workspace }) => workspace).join(" ")} ${options.upload ? "" : `--plan ${directory} `}--digest ${digest}\n`,
        ]
      : []),
  ].join("\n");
  return {
    exitCode,
    text,
    json: {
      digest,
      directory,
      uploaded,
      accounts: plans.map((one) => ({
        account: one.workspace,
        stacks: one.stacks.map(({ id, status, reason, changes }) => ({
          stack: id,
          status,
          ...(reason !== undefined && { reason }),
          counts: countChanges(changes),
          changes,
        })),
      })),
      failures,
      notStarted,
    },
  };
}

async function planOne(
  account: AccountConfig,
  { readOnly = false }: PlanOptions,
  context: RolloutContext,
): Promise<PlanOutcome> {
  try {
    const session = await AccountSession.open({
      context,
      workspace: account.workspace,
      command: "plan",
      purpose: readOnly ? "plan" : "plan-with-lock",
    });
    try {
      for (const notice of session.notices) {
        context.progress.say(`${account.workspace}: ${notice}`);
      }
      if (readOnly) {
        const now = new Date();
        for (const lock of await heldLocks(session.bucket, session.folders)) {
          context.progress.say(
            `${describeLock(account.workspace, lock, now)}\n  What that run changes makes this plan an old one.`,
          );
        }
      }
      return await planAccount(session, { readOnly, inWords: true });
    } finally {
      await session.close();
    }
  } catch (error) {
    return { saved: undefined, failures: [failureOf(error)] };
  }
}

function isPending({ stacks }: AccountPlan): boolean {
  return stacks.some(({ status }) => status !== "unchanged");
}

function defaultDirectory(io: CommandIo, accounts: readonly AccountConfig[]): string {
  const [first, ...others] = accounts;
  return join(
    outputRootOf(io),
    first === undefined || others.length > 0 ? ".plan" : `${first.workspace}.plan`,
  );
}
