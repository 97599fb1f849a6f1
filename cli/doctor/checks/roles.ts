import type { AccountConfig } from "../../../config/account-config";
import { parseArn } from "../../../modules/partition";
import { CallFailure } from "../aws-calls";
import type { Check, Examination } from "../examination";
import type { Finding } from "../findings";

/** A role that the account's file names, and where. */
interface NamedRole {
  readonly arn: string;
  /** Settings that name it. */
  readonly settings: string[];
  /**
   * Whether Keyspan does not work without it. What uses a key or a bus may come with its own
   * deployment, later.
   */
  isNeeded: boolean;
}

/** Whether the roles that the account's file names exist. */
export function roleChecks({ account, calls }: Examination): readonly Check[] {
  return namedRoles(account).map((role) => ({
    subject: "roles",
    looksAt: `role ${role.arn}`,
    run: async () => {
      const parts = parseArn(role.arn);
      const where = `${account.workspace}: ${role.settings.join(", ")}`;
      if (parts?.account !== account.id) {
        return [
          {
            subject: "roles",
            level: "unknown",
            message: `${where} must name a role that exists, got ${role.arn}, which only account ${parts?.account} can look up`,
            fix: `aws iam get-role --role-name ${nameOf(role.arn)}, in account ${parts?.account}`,
          },
        ];
      }
      const { GetRoleCommand, IAMClient } = await import("@aws-sdk/client-iam");
      const client = new IAMClient(calls.settings("plan", "IAM", account.homeRegion));
      const missing = (got: string, fix: string): Finding => ({
        subject: "roles",
        level: role.isNeeded ? "problem" : "warning",
        message: `${where} must name a role that exists, got ${got}`,
        fix,
      });
      try {
        const { Role } = await calls.call("iam:GetRole", "plan", (options) =>
          client.send(new GetRoleCommand({ RoleName: nameOf(role.arn) }), options),
        );
        return Role?.Arn === role.arn
          ? [{ subject: "roles", level: "ok", message: `${where}: ${role.arn} exists` }]
          : [
              missing(
                `${role.arn}, while the role of that name is ${Role?.Arn}`,
                `write the ARN with the role's path in accounts/${account.workspace}.yaml`,
              ),
            ];
      } catch (error) {
        if (error instanceof CallFailure && error.code.startsWith("NoSuchEntity")) {
          return [
            missing(
              `${role.arn}, which does not`,
              `create the role, or correct the ARN in accounts/${account.workspace}.yaml or accounts/defaults.yaml`,
            ),
          ];
        }
        throw error;
      }
    },
  }));
}

function namedRoles(account: AccountConfig): readonly NamedRole[] {
  const roles = new Map<string, NamedRole>();
  const add = (setting: string, isNeeded: boolean, arns: readonly string[]) => {
    for (const arn of arns) {
      const known = roles.get(arn);
      if (known === undefined) {
        roles.set(arn, { arn, settings: [setting], isNeeded });
      } else {
        known.settings.push(setting);
        known.isNeeded ||= isNeeded;
      }
    }
  };
  add("account.deployRole", true, [account.deployRole]);
  add("account.nextDeployRole", true, account.nextDeployRole ? [account.nextDeployRole] : []);
  add("account.planRole", true, [account.planRole]);
  for (const key of account.keys) {
    if (key.kind === "managed" && key.state === "active") {
      add(`keys.${key.name}.administrators`, true, key.administrators);
      add(`keys.${key.name}.breakGlass`, true, key.breakGlass);
      const isOwn = (role: string) => parseArn(role)?.account === account.id;
      add(`keys.${key.name}.users`, false, key.users.filter(isOwn));
      add(
        `keys.${key.name}.externalUsers`,
        false,
        key.users.filter((role) => !isOwn(role)),
      );
    }
  }
  for (const { name, producers } of account.buses) {
    add(`buses.${name}.producers`, false, producers.roles);
  }
  return [...roles.values()];
}

/** IAM asks for a role by its name, without its path. */
function nameOf(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}
