/** Who exists: the principals that a policy may name. */
import { isServicePrincipal, type Partition, parseArn } from "../../modules/partition";

/** What decides whether a principal exists. */
export interface PrincipalChecks {
  /** A policy may name nobody of another partition. */
  readonly partition: Partition;
  /** ARNs of the roles and users that exist, of this and of other accounts. */
  readonly existing: () => readonly string[];
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
  { partition, existing }: PrincipalChecks,
): string | undefined {
  if (type === "Service") {
    return isServicePrincipal(name, partition) ? undefined : `there is no service ${name}`;
  }
  if (type !== "AWS" || name === "*" || /^\d{12}$/.test(name)) {
    return undefined;
  }
  const principal = parseArn(name);
  if (principal === undefined || !["iam", "sts"].includes(principal.service)) {
    return `${name} is no IAM principal`;
  }
  if (principal.partition !== partition) {
    return `${name} is not in the partition ${partition}`;
  }
  if (principal.service === "iam" && principal.resource === "root") {
    return undefined;
  }
  const exists =
    principal.service === "iam"
      ? existing().includes(name)
      : existing().some((arn) => isSessionOf(name, arn));
  return exists ? undefined : `${name} does not exist`;
}

/** Whether it names a session of a role. Its ARN has no path: names of roles are unique without. */
function isSessionOf(sessionArn: string, roleArn: string): boolean {
  const [session, role] = [parseArn(sessionArn), parseArn(roleArn)];
  const [, sessionRole] = /^assumed-role\/([^/]+)\/[^/]+$/.exec(session?.resource ?? "") ?? [];
  const [, roleName] = /^role\/(?:.+\/)?([^/]+)$/.exec(role?.resource ?? "") ?? [];
  return (
    sessionRole !== undefined && sessionRole === roleName && session?.account === role?.account
  );
}
