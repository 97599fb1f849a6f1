import type { Subject } from "../account-scope";
import type { Permission } from "../type-permissions";

/**
 * Passing roles to one service, and to no other.
 *
 * @param on - the roles that the service takes
 * @param servicePrincipal - name of the service
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
 */
export function passRoles(on: Subject, servicePrincipal: string): Permission {
  return {
    actions: ["iam:PassRole"],
    on,
    condition: () => ({ StringEquals: { "iam:PassedToService": servicePrincipal } }),
  };
}
