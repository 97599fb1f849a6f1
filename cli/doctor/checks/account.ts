import type { AccountConfig } from "../../../config/account-config";
import { parseArn } from "../../../modules/partition";
import { roleArnOf } from "../../aws-access";
import { CallFailure, type DoctorCalls, type DoctorRole } from "../aws-calls";
import { shortened } from "../examination";
import type { Finding } from "../findings";

/** Who a role turned out to be. */
export interface Identity {
  /** Account id: 12 digits. */
  readonly account: string;
  readonly arn: string;
}

/**
 * Who calls under a role. Needs no permission, so what it refuses is the role itself.
 *
 * @throws {CallFailure} if the role cannot be assumed
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
export async function identityUnder(
  calls: DoctorCalls,
  role: DoctorRole,
  region: string,
): Promise<Identity> {
  const { GetCallerIdentityCommand, STSClient } = await import("@aws-sdk/client-sts");
  const client = new STSClient(calls.settings(role, "STS", region));
  const { Account = "", Arn = "" } = await calls.call("sts:AssumeRole", role, (options) =>
    client.send(new GetCallerIdentityCommand({}), options),
  );
  return { account: Account, arn: Arn };
}

/** Whether the plan role is one of the account; `isUsable` if anything can be looked at with it. */
export async function checkAccount(
  account: AccountConfig,
  calls: DoctorCalls,
): Promise<{ readonly findings: readonly Finding[]; readonly isUsable: boolean }> {
  const { workspace, id, partition, planRole } = account;
  let identity: Identity;
  try {
    identity = await identityUnder(calls, "plan", account.homeRegion);
  } catch (error) {
    return { findings: [cannotAssume(account, "plan", error)], isUsable: false };
  }
  const problems: Finding[] = [];
  const actualPartition = parseArn(identity.arn)?.partition;
  if (identity.account !== id) {
    problems.push({
      subject: "account",
      level: "problem",
      message: `${workspace}: account.planRole must act in account ${id}, got ${identity.account} as ${identity.arn}`,
      fix: `correct account.id or account.planRole in accounts/${workspace}.yaml`,
    });
  }
  if (actualPartition !== partition) {
    problems.push({
      subject: "account",
      level: "problem",
      message: `${workspace}: account.planRole must act in partition ${partition}, that of ${account.homeRegion}, got ${identity.arn}`,
      fix: `correct homeRegion or account.planRole in accounts/${workspace}.yaml`,
    });
  }
  return problems.length > 0
    ? { findings: problems, isUsable: false }
    : {
        findings: [
          {
            subject: "account",
            level: "ok",
            message: `${workspace}: ${planRole} acts in account ${id}, partition ${partition}`,
          },
        ],
        isUsable: true,
      };
}

/** A role that the first credentials could not assume. */
export function cannotAssume(account: AccountConfig, role: DoctorRole, error: unknown): Finding {
  if (!(error instanceof CallFailure)) {
    throw error;
  }
  const { workspace } = account;
  const arn = roleArnOf(account, role);
  return {
    subject: role === "plan" ? "account" : "state",
    level: "problem",
    message: `${workspace}: your first credentials must be able to assume ${arn}, got ${error.code}: ${shortened(error.message)}`,
    fix: error.isTimeout
      ? "check the way from here to AWS (proxy, firewall, VPC endpoints), then run doctor again"
      : `give credentials (--source-profile or --credential-source), and let the role trust them: npm run keyspan -- permissions ${workspace} --role ${role} prints its trust policy`,
  };
}
