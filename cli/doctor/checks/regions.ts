import type { AccountConfig } from "../../../config/account-config";
import type { DoctorCalls } from "../aws-calls";
import type { Finding } from "../findings";

/** Regions that the account can use, as far as is known. */
export interface RegionsFound {
  readonly findings: readonly Finding[];
  /** Regions in which nothing can be looked at: they are not enabled. */
  readonly closed: ReadonlySet<string>;
}

/**
 * Whether the account has every region enabled that holds something. Only partition `aws` has
 * regions that must be enabled first.
 *
 * @throws {CallFailure} if the regions cannot be listed
 * @see https://docs.aws.amazon.com/accounts/latest/reference/API_ListRegions.html
 * @see https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
 */
export async function checkRegions(
  account: AccountConfig,
  calls: DoctorCalls,
): Promise<RegionsFound> {
  const regions = account.regions.filter(({ state }) => state !== "retired");
  if (account.partition !== "aws") {
    return {
      findings: [
        {
          subject: "regions",
          level: "ok",
          message: `${account.workspace}: partition ${account.partition} has no regions that must be enabled`,
        },
      ],
      closed: new Set(),
    };
  }
  const { AccountClient, ListRegionsCommand } = await import("@aws-sdk/client-account");
  const client = new AccountClient(calls.settings("plan", "ACCOUNT", account.homeRegion));
  const listed = await calls.all("account:ListRegions", async (NextToken, options) => {
    const answer = await client.send(
      new ListRegionsCommand({ NextToken, MaxResults: 50 }),
      options,
    );
    return { items: answer.Regions ?? [], next: answer.NextToken };
  });
  const closed = new Set<string>();
  const findings = regions.flatMap(({ name, where }): Finding[] => {
    const status =
      listed.find(({ RegionName }) => RegionName === name)?.RegionOptStatus ?? "nothing";
    if (status === "ENABLED" || status === "ENABLED_BY_DEFAULT") {
      return [];
    }
    closed.add(name);
    const message = `${where}: region ${name} must be enabled in account ${account.id}, got ${status}`;
    return status === "ENABLING"
      ? [
          {
            subject: "regions",
            level: "problem",
            region: name,
            message,
            fix: `wait until aws account get-region-opt-status --region-name ${name} says ENABLED: that takes minutes to hours`,
          },
        ]
      : [
          {
            subject: "regions",
            level: "problem",
            region: name,
            message,
            fix: `aws account enable-region --region-name ${name}, with an administrator of the account, or take the region out of the file`,
          },
        ];
  });
  return {
    findings:
      findings.length > 0
        ? findings
        : [
            {
              subject: "regions",
              level: "ok",
              message: `${account.workspace}: all regions are enabled: ${regions.map(({ name }) => name).join(", ")}`,
            },
          ],
    closed,
  };
}
