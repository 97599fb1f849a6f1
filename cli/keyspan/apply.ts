import { join } from "node:path";
import type { AccountConfig } from "../../config/account-config";
import { AwsAccess } from "../aws-access";
import { failureOf } from "../failure-of";
import { giveBack, lockAccount } from "../rollout/account-lock";
import { AccountSession, outputRootOf, type RolloutContext } from "../rollout/account-session";
import {
  applyAccount,
  type StackResult,
  takeProviderLock,
  verifyProviders,
  verifyUnmoved,
} from "../rollout/apply-account";
import { refuseUnseenKeys } from "../rollout/key-guard";
import { initializeLocked, planAccount, prepareAll } from "../rollout/plan-account";
import {
  accountsOfPlanSet,
  type PlanSource,
  planFolder,
  readPlanSet,
  type SavedAccountPlan,
} from "../rollout/plan-set";
import { rollOut } from "../rollout/rings";
import { PlanWriter } from "../rollout/save-plans";
import { countChanges, shouts, showCounts } from "../rollout/stack-changes";
import { StateBucket } from "../rollout/state-bucket";
import { refuseVanishedStacks } from "../rollout/vanished-stacks";
import { type RolloutOptions, selectAccounts, withAccounts, withContext } from "./accounts-of";
import { approve, requireApprover } from "./approve";
import { type CommandResult, type DefineCommand, EXIT_CODE, UsageError } from "./command";
import { describeAccountPlan } from "./describe-plan";

interface ApplyOptions extends RolloutOptions {
  readonly plan?: string;
  readonly digest?: string;
  readonly yes?: boolean;
}

/** `npm run keyspan -- apply <account…|--all>`: applies what was approved, or plans, asks and applies. */
export const defineApply: DefineCommand = (program, io, act) => {
  withAccounts(program.command("apply"))
    .description("apply exactly what was approved; without a digest: plan, show, ask, apply")
    .option("--digest <sha256>", "digest of the approved plans; they come from the state bucket")
    .option("--plan <dir>", "folder of the approved plans, instead of the state bucket")
    .option("--yes", "do not ask: for pipelines without a reviewed plan")
    .addHelpText(
      "after",
      `
A stack that could only be planned on the way is applied at once if it only creates. Anything else
waits: the command ends with 2, and prints the digest that is to be approved next.

Examples:
  npm run keyspan -- apply prod --digest 0f1e2d…
  npm run keyspan -- apply prod
  npm run keyspan -- apply --all --yes --max-concurrent 8`,
    )
    .action(
      act((names: readonly string[], options: ApplyOptions) => {
        const accounts = selectAccounts("apply", names, options, io);
        if (options.digest !== undefined && !/^[0-9a-f]{64}$/.test(options.digest)) {
          throw new UsageError(
            `apply: --digest must be 64 hexadecimal digits, got ${JSON.stringify(options.digest)}; copy it from the approval`,
          );
        }
        if (options.plan !== undefined && options.digest === undefined) {
          throw new UsageError(
            `apply: --plan must come with the digest that was approved, got --plan ${options.plan} alone; add --digest: without it anybody who can write to the folder decides what is applied`,
          );
        }
        if (options.digest === undefined && options.yes !== true) {
          requireApprover("apply", io);
        }
        return withContext(io, "apply", options, (context) => apply(accounts, options, context));
      }),
    );
};

/** How applying one account ended. */
interface AccountResult {
  readonly stacks: readonly StackResult[];
  /** What went wrong before or beside the stacks. */
  readonly failures: readonly string[];
  /** What waits for a second approval: its digest and its folder. */
  readonly second?: { readonly digest: string; readonly directory: string };
  /** Whether the person said no. */
  readonly declined?: boolean;
}

async function apply(
  accounts: readonly AccountConfig[],
  options: ApplyOptions,
  context: RolloutContext,
): Promise<CommandResult> {
  const asks = options.digest === undefined && options.yes !== true;
  if (!asks) {
    context.progress.start(accounts.map(({ workspace }) => workspace));
  }
  const refusal = await uncovered(accounts, options, context).catch(failureOf);
  const { results, notStarted, stoppedAfterRing } = await rollOut(
    accounts,
    // Two questions at once cannot be answered.
    { ...options, ...(asks && { maxConcurrent: 1 }) },
    (account) =>
      refusal === undefined
        ? applyOne(account, options, context)
        : Promise.resolve({ stacks: [], failures: [refusal] }),
    isFailed,
    () => context.stop.requested,
  );
  await context.progress.close();
  const all = [...results.values()];
  const exitCode =
    all.some(isFailed) || notStarted.length > 0
      ? EXIT_CODE.failed
      : all.some(({ second, declined }) => second !== undefined || declined === true)
        ? EXIT_CODE.pending
        : EXIT_CODE.done;
  return {
    exitCode,
    text: [
      ...[...results].map(([workspace, result]) => describeResult(workspace, result)),
      ...(notStarted.length > 0
        ? [
            `not started: ${notStarted.join(", ")}${stoppedAfterRing === undefined ? "" : `, since ring ${stoppedAfterRing} has more failures than --max-failures allows`}\n`,
          ]
        : []),
    ].join("\n"),
    json: {
      accounts: [...results].map(([workspace, { stacks, failures, second, declined }]) => ({
        account: workspace,
        stacks: stacks.map(({ id, status, changes, reason }) => ({
          stack: id,
          status,
          counts: countChanges(changes),
          changes,
          ...(reason !== undefined && { reason }),
        })),
        failures,
        ...(second !== undefined && { waiting: second }),
        ...(declined === true && { declined }),
      })),
      notStarted,
    },
  };
}

async function applyOne(
  account: AccountConfig,
  options: ApplyOptions,
  context: RolloutContext,
): Promise<AccountResult> {
  try {
    const session = await AccountSession.open({
      context,
      workspace: account.workspace,
      command: "apply",
      purpose: "apply",
    });
    try {
      return await locked(session, () =>
        options.digest === undefined
          ? planAndApply(session, options.yes === true)
          : applyApproved(session, options.digest, options.plan),
      );
    } finally {
      await session.close();
    }
  } catch (error) {
    return { stacks: [], failures: [failureOf(error)] };
  }
}

/** Works with the account's lock held; a lock that cannot be given back is reported. */
async function locked(
  session: AccountSession,
  work: () => Promise<AccountResult>,
): Promise<AccountResult> {
  const { bucket, account, folders } = session;
  const lock = await lockAccount(
    bucket,
    account.workspace,
    folders,
    "apply",
    session.context.io.env,
  );
  session.ownLock = lock.id;
  let result: AccountResult | undefined;
  try {
    result = await work();
    return result;
  } finally {
    await giveBack(account.workspace, lock, (line) => session.context.progress.say(line));
  }
}

/**
 * Why a digest does not stand for all accounts that are named, which is told before any of them is
 * touched; `undefined` if it does.
 *
 * @throws {ValidationError} if there are no plans of that digest
 */
async function uncovered(
  accounts: readonly AccountConfig[],
  { digest, plan }: ApplyOptions,
  { io, origin }: RolloutContext,
): Promise<string | undefined> {
  const [first, ...others] = accounts;
  if (digest === undefined || first === undefined || others.length === 0) {
    return undefined;
  }
  const access = new AwsAccess({ account: first, origin, sessionName: "apply", env: io.env });
  const bucket = new StateBucket({
    access,
    state: first.state,
    workspace: first.workspace,
    role: "state-write",
  });
  const covered = await accountsOfPlanSet(sourceOf(first, bucket, digest, plan), digest);
  const missing = accounts.filter(({ workspace }) => !covered.includes(workspace));
  return missing.length === 0
    ? undefined
    : `apply: --digest must stand for every account that is named, got one that does not for ${missing.map(({ workspace }) => workspace).join(", ")}, but for ${covered.join(", ")}; nothing was opened or applied: name those, or plan again`;
}

function sourceOf(
  account: AccountConfig,
  bucket: StateBucket,
  digest: string,
  directory: string | undefined,
): PlanSource {
  return directory === undefined
    ? {
        name: `s3://${account.state.bucket}/plans/${digest}`,
        read: (path) => bucket.plan(`${digest}/${path}`),
      }
    : planFolder(directory);
}

async function applyApproved(
  session: AccountSession,
  digest: string,
  directory: string | undefined,
): Promise<AccountResult> {
  const { account, bucket } = session;
  const source = sourceOf(account, bucket, digest, directory);
  const { accounts } = await readPlanSet(source, digest, [account.workspace]);
  const saved = accounts.get(account.workspace);
  if (saved === undefined) {
    throw new Error("a plan set that was read has every account that was wanted");
  }
  await verifyUnmoved(session, saved);
  await refuseVanishedStacks(bucket, account.workspace, session.folders);
  const states = await session.states();
  for (const notice of await refuseUnseenKeys(session, states)) {
    session.context.progress.say(`${account.workspace}: ${notice}`);
  }
  takeProviderLock(session, saved);
  // A refusal must leave everything as it is: the same digest may be right a moment later.
  await initializeLocked(session);
  verifyProviders(session, saved);
  await prepareAll(session, states);
  return finish(session, saved, false);
}

async function planAndApply(session: AccountSession, yes: boolean): Promise<AccountResult> {
  const { context, account } = session;
  if (!yes) {
    context.progress.start([account.workspace]);
  }
  for (const notice of session.notices) {
    context.progress.say(`${account.workspace}: ${notice}`);
  }
  const { saved, failures } = await planAccount(session, { readOnly: false, inWords: !yes });
  if (saved === undefined) {
    return { stacks: [], failures };
  }
  if (saved.plan.stacks.every(({ status }) => status === "unchanged")) {
    return {
      stacks: saved.plan.stacks.map(({ id }) => ({ id, status: "unchanged", changes: [] })),
      failures: [],
    };
  }
  if (!yes && !(await isApproved(session, saved))) {
    return { stacks: [], failures: [], declined: true };
  }
  return finish(session, saved, !yes);
}

/** Applies; what then waits for a second approval is asked for, or saved for it. */
async function finish(
  session: AccountSession,
  saved: SavedAccountPlan,
  asks: boolean,
): Promise<AccountResult> {
  const { context, account } = session;
  for (const line of saved.plan.stacks.flatMap(({ id, changes }) => shouts(id, changes))) {
    context.progress.say(`${account.workspace}: ${line}`);
  }
  if (asks) {
    context.progress.start([account.workspace]);
  }
  const { stacks, second: planSecond } = await applyAccount(session, saved);
  if (planSecond === undefined || stacks.some(({ status }) => status === "failed")) {
    return { stacks, failures: [] };
  }
  try {
    return await finishSecond(session, stacks, await planSecond(), asks);
  } catch (error) {
    // What was applied must still be told.
    return { stacks, failures: [failureOf(error)] };
  }
}

/** Asks for the second approval, or saves what waits for it. */
async function finishSecond(
  session: AccountSession,
  stacks: readonly StackResult[],
  second: SavedAccountPlan,
  asks: boolean,
): Promise<AccountResult> {
  const { context, account } = session;
  if (asks && !context.stop.requested && (await isApproved(session, second))) {
    const rest = await finish(session, second, asks);
    return {
      ...rest,
      stacks: stacks.map((one) => {
        const later = rest.stacks.find(({ id }) => id === one.id);
        return one.status === "waiting" && later !== undefined ? later : one;
      }),
    };
  }
  const directory = join(outputRootOf(context.io), `${account.workspace}.plan`);
  const writer = new PlanWriter(directory);
  writer.add(second);
  const digest = writer.finish();
  await writer.upload(digest, account, session.bucket);
  return { stacks, failures: [], second: { digest, directory } };
}

async function isApproved(session: AccountSession, { plan, files }: SavedAccountPlan) {
  const { context, account } = session;
  await context.progress.close();
  const words = plan.stacks.flatMap(({ id }) => {
    const text = files.get(`${id}.txt`);
    return text === undefined ? [] : [`\n${id}:\n${Buffer.from(text).toString("utf8")}`];
  });
  context.io.err(`${words.join("")}\n${describeAccountPlan(plan)}`);
  return approve(context.io, account.workspace, "apply this");
}

function isFailed({ stacks, failures }: AccountResult): boolean {
  return (
    failures.length > 0 ||
    stacks.some(({ status }) => ["failed", "stopped", "not-started"].includes(status))
  );
}

function describeResult(workspace: string, result: AccountResult): string {
  const { stacks, failures, second, declined } = result;
  return [
    `Account ${workspace}: ${
      isFailed(result)
        ? "FAILED"
        : second !== undefined
          ? "waits for a second approval"
          : declined === true
            ? "not applied: not approved"
            : "done"
    }`,
    ...stacks.map(({ id, status, changes, reason }) =>
      [
        `  ${id}: ${STATUS_WORDS[status]}`,
        ...(changes.length > 0 ? [`, ${showCounts(changes)}`] : []),
        ...(status === "waiting" || status === "not-started" ? [` (${reason})`] : []),
      ].join(""),
    ),
    ...stacks
      .filter(({ status }) => status === "waiting")
      .flatMap(({ id, changes }) => shouts(id, changes)),
    ...stacks
      .filter(({ status }) => status === "failed" || status === "stopped")
      .flatMap(({ reason }) => reason ?? []),
    ...failures,
    ...(isFailed(result) && failures.length === 0
      ? [
          `${stacks.some(({ status }) => status === "failed") ? "Once that is put right, run" : "It was stopped. Run"} the same command again; a reviewed plan has to be made anew (npm run keyspan -- plan ${workspace}).`,
        ]
      : []),
    ...(second === undefined
      ? []
      : [
          `Review ${second.directory}/${workspace}/<stack>.txt`,
          `Digest: ${second.digest}`,
          `Once approved: npm run keyspan -- apply ${workspace} --digest ${second.digest}`,
        ]),
    "",
  ].join("\n");
}

const STATUS_WORDS: Readonly<Record<StackResult["status"], string>> = {
  applied: "applied",
  unchanged: "no changes",
  failed: "FAILED",
  stopped: "STOPPED in the middle",
  waiting: "waits for approval",
  "not-started": "not started",
};
