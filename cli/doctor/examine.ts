import { setMaxListeners } from "node:events";
import type { AccountConfig } from "../../config/account-config";
import { AwsAccess, type AwsAccessProps } from "../aws-access";
import { CallFailure, DoctorCalls } from "./aws-calls";
import { checkAccount } from "./checks/account";
import { bucketChecks } from "./checks/buckets";
import { eventChecks } from "./checks/events";
import { iamChecks } from "./checks/iam";
import { keyChecks } from "./checks/keys";
import { checkRegions, type RegionsFound } from "./checks/regions";
import { roleChecks } from "./checks/roles";
import { checkState } from "./checks/state";
import { trailChecks } from "./checks/trail";
import { type Examination, Gaps, runChecks } from "./examination";
import type { Finding } from "./findings";
import { OwnedResources, type PlannedResource } from "./planned-resources";

/** Milliseconds after which nothing more is waited for. */
const DEADLINE_MS = 120_000;

/** What {@link examine} looks at. */
export interface ExamineProps extends Omit<AwsAccessProps, "sessionName"> {
  /** Ids of the account's stacks. */
  readonly stacks: readonly string[];
  /** What the stacks hold. */
  readonly planned: readonly PlannedResource[];
  /**
   * Ends the wait for whatever has not answered.
   *
   * @default - after two minutes
   */
  readonly deadline?: AbortSignal;
}

/**
 * Looks at everything in AWS that the account's first apply builds on, and changes nothing.
 *
 * What cannot be looked at is a finding too: nothing that AWS refuses stops the rest.
 */
export async function examine(props: ExamineProps): Promise<readonly Finding[]> {
  const { account, stacks, planned, deadline = AbortSignal.timeout(DEADLINE_MS) } = props;
  // Every call that is under way listens to it.
  setMaxListeners(0, deadline);
  const access = new AwsAccess({ ...props, sessionName: "doctor" });
  const calls = new DoctorCalls(access, deadline);
  const gaps = new Gaps(account);
  const [inAccount, inState] = await Promise.all([
    checkAccount(account, calls),
    checkState(account, access, calls, stacks, gaps),
  ]);
  const found = [...inAccount.findings];
  if (!inAccount.isUsable) {
    return [
      ...found,
      ...inState.findings,
      ...gaps.findings(),
      {
        subject: "account",
        level: "unknown",
        message: `${account.workspace}: the plan role must work before regions, roles, names, quotas and trail can be looked at, got none that does`,
        fix: "put right what is said about it, then run doctor again",
      },
    ];
  }
  const regions = await regionsOf(account, calls, gaps);
  const examination: Examination = {
    account,
    calls,
    planned,
    owned: inState.states === undefined ? undefined : new OwnedResources(inState.states),
    gaps,
  };
  const open = [...new Set(planned.map(({ region }) => region))]
    .filter((region) => !regions.closed.has(region))
    .sort();
  const checked = await runChecks(
    [
      ...roleChecks(examination),
      ...iamChecks(examination),
      ...open.flatMap((region) => [
        ...keyChecks(examination, region),
        ...eventChecks(examination, region),
      ]),
      ...bucketChecks(examination),
      ...(regions.closed.has(account.homeRegion) ? [] : trailChecks(examination)),
    ],
    gaps,
  );
  return [...found, ...regions.findings, ...inState.findings, ...checked, ...gaps.findings()];
}

async function regionsOf(
  account: AccountConfig,
  calls: DoctorCalls,
  gaps: Gaps,
): Promise<RegionsFound> {
  try {
    return await checkRegions(account, calls);
  } catch (error) {
    if (!(error instanceof CallFailure)) {
      throw error;
    }
    gaps.add({ subject: "regions", looksAt: "which regions are enabled" }, error);
    return { findings: [], closed: new Set() };
  }
}
