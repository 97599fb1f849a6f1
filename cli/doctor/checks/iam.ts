import { CallFailure } from "../aws-calls";
import type { Check, Examination } from "../examination";
import { free, taken, toBeCreated } from "./names";

/** Whether IAM has room for Keyspan's own roles, and whether their names are free. */
export function iamChecks(examination: Examination): readonly Check[] {
  const { account, calls } = examination;
  const roles = toBeCreated(examination, "aws_iam_role");
  const connect = async () => {
    const { IAMClient } = await import("@aws-sdk/client-iam");
    return new IAMClient(calls.settings("plan", "IAM", account.homeRegion));
  };
  return roles.length === 0
    ? []
    : [
        {
          subject: "names",
          looksAt: "the names of Keyspan's own roles",
          run: async () => {
            const { GetRoleCommand } = await import("@aws-sdk/client-iam");
            const client = await connect();
            const clashes = await Promise.all(
              roles.map(async (role) => {
                try {
                  await calls.call("iam:GetRole", "plan", (options) =>
                    client.send(new GetRoleCommand({ RoleName: role.name }), options),
                  );
                  return [taken(examination, role, role.name ?? "")];
                } catch (error) {
                  if (error instanceof CallFailure && error.code.startsWith("NoSuchEntity")) {
                    return [];
                  }
                  throw error;
                }
              }),
            );
            const found = clashes.flat();
            return found.length > 0 ? found : free(examination, roles, "roles");
          },
        },
        {
          subject: "quotas",
          looksAt: "the number of IAM roles",
          run: async () => {
            const { GetAccountSummaryCommand } = await import("@aws-sdk/client-iam");
            const client = await connect();
            const { SummaryMap } = await calls.call("iam:GetAccountSummary", "plan", (options) =>
              client.send(new GetAccountSummaryCommand({}), options),
            );
            const { Roles: existing = 0, RolesQuota: limit = Number.POSITIVE_INFINITY } =
              SummaryMap ?? {};
            return [
              existing + roles.length <= limit
                ? {
                    subject: "quotas",
                    level: "ok",
                    message: `${account.workspace}: IAM roles: ${existing} of ${limit}, ${roles.length} to be added`,
                  }
                : {
                    subject: "quotas",
                    level: examination.owned === undefined ? "warning" : "problem",
                    message: `${account.workspace}: IAM roles must be at most ${limit}, the applied quota, got ${existing} and ${roles.length} to be added`,
                    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
                    fix: `request more roles per account (Service Quotas: iam, L-FE177D64), at least ${existing + roles.length}, or delete roles that nobody uses`,
                  },
            ];
          },
        },
      ];
}
