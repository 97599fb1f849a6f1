import { exactRoles, type PolicyLimit, renderPolicy, type Statement } from "../iam/policy";
import { type AwsLocation, accountRootArn, eventBusArn, parseArn } from "../partition";

/** Largest policy of an event bus. */
export const BUS_POLICY_LIMIT: PolicyLimit = {
  maxBytes: 10_240,
  kind: "the bus policy",
  source: "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html",
};

/** Who may put events on a bus. */
export interface ProducersProps {
  /** ARNs of roles of any account. */
  readonly roles: readonly string[];
  /** Ids of whole accounts. This account's own id admits all its principals that IAM allows. */
  readonly accounts: readonly string[];
  /** Ids of whole organisations. Does not stand for this account's own principals. */
  readonly organizations: readonly string[];
}

/**
 * JSON text of the policy of a bus, or `undefined` if it would say nothing.
 *
 * Principals of the bus's own account need only IAM, whatever the policy grants. So "these and
 * nobody else" takes a denial for this account's principals that are not named. Services have no
 * `aws:PrincipalAccount`, so it meets none of them.
 *
 * @throws {ValidationError} if the policy is larger than EventBridge accepts
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html
 */
export function renderBusPolicy(
  busName: string,
  at: AwsLocation,
  producers: ProducersProps,
): string | undefined {
  const isOwn = (roleArn: string) => parseArn(roleArn)?.account === at.account;
  const ownRoles = producers.roles.filter(isOwn);
  const foreignRoles = producers.roles.filter((roleArn) => !isOwn(roleArn));
  const foreignAccounts = producers.accounts.filter((account) => account !== at.account);
  const put = { Action: "events:PutEvents", Resource: eventBusArn(at, busName) } as const;

  const statements: Statement[] = [];
  if (foreignAccounts.length > 0) {
    statements.push({
      Sid: "AccountsPut",
      Effect: "Allow",
      Principal: {
        AWS: [...foreignAccounts].sort().map((account) => accountRootArn({ ...at, account })),
      },
      ...put,
    });
  }
  if (foreignRoles.length > 0) {
    statements.push({ Sid: "RolesPut", Effect: "Allow", ...exactRoles(foreignRoles), ...put });
  }
  if (producers.organizations.length > 0) {
    statements.push({
      Sid: "OrganizationPuts",
      Effect: "Allow",
      Principal: "*",
      ...put,
      Condition: {
        StringEquals: { "aws:PrincipalOrgID": [...producers.organizations].sort() },
        // Without it, whoever is of this account and the organisation would need no IAM permission.
        StringNotEquals: { "aws:PrincipalAccount": at.account },
      },
    });
  }
  if (!producers.accounts.includes(at.account)) {
    statements.push({
      Sid: "DenyUnnamed",
      Effect: "Deny",
      Principal: "*",
      ...put,
      Condition: {
        StringEquals: { "aws:PrincipalAccount": at.account },
        ...(ownRoles.length > 0 && {
          ArnNotEquals: { "aws:PrincipalArn": [...ownRoles].sort() },
        }),
      },
    });
  }
  return statements.length === 0
    ? undefined
    : renderPolicy(statements, BUS_POLICY_LIMIT, `buses.${busName} in ${at.region}`);
}
