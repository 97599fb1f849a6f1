/** Who exists: the principals that a policy may name. */
import { parseArn, SERVICE_PRINCIPALS } from "../../modules/partition";
import { existingThings } from "./existing";
import type { ObjectStore } from "./object-store";

/** What decides whether a principal exists. */
export interface PrincipalChecks {
  readonly store: ObjectStore;
  /** Account whose roles are looked up among those that stacks have made. */
  readonly account: string;
  /** Whether a role of the account has been made, by name. */
  readonly hasRole: (name: string) => boolean;
}

/**
 * Why a principal of a policy would be refused; `undefined` if it exists.
 *
 * @param type - `AWS`, `Service`, `Federated` or `CanonicalUser`
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 */
export function principalProblem(
  type: string,
  name: string,
  { store, account, hasRole }: PrincipalChecks,
): string | undefined {
  if (type === "Service") {
    return SERVICE_PRINCIPALS.includes(name) ? undefined : `there is no service ${name}`;
  }
  if (type !== "AWS" || name === "*" || /^\d{12}$/.test(name)) {
    return undefined;
  }
  const principal = parseArn(name);
  if (principal === undefined || principal.service !== "iam") {
    return `${name} is no IAM principal`;
  }
  if (principal.resource === "root" || existingThings(store).principals.includes(name)) {
    return undefined;
  }
  const role = /^role\/(?:.+\/)?([^/]+)$/.exec(principal.resource)?.[1];
  return principal.account === account && role !== undefined && hasRole(role)
    ? undefined
    : `${name} does not exist`;
}
