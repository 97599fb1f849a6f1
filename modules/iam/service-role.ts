import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { ValidationError } from "../errors";
import type { Conditions, IdentityStatement } from "./policy";

/**
 * Most characters of the inline policies of a role, white space not counted.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
 */
export const MAX_ROLE_POLICY_CHARACTERS = 10_240;

/** Props of a {@link ServiceRole}. */
export interface ServiceRoleProps {
  /** Name of the role, one per account. Changing this replaces the role. */
  readonly roleName: string;
  /** Name of the role and of its policy in addresses. */
  readonly addressName: string;
  readonly description: string;
  /** The one service that may take the role. */
  readonly servicePrincipal: string;
  /** What must be true of the request with which it does. */
  readonly trustCondition: Conditions;
  /** All that the role may do. */
  readonly permissions: readonly IdentityStatement[];
}

/** A role that one AWS service takes for one purpose, with one inline policy. */
export class ServiceRole extends Construct {
  /** ARN of the role: a token, so that whoever uses it waits for the role. Its policy may follow. */
  readonly roleArn: string;
  /** Its policy, for what needs the role to be able to do its work. */
  readonly policy: ITerraformDependable;

  /** @throws {ValidationError} if the policy is larger than IAM accepts */
  constructor(scope: Construct, id: string, props: ServiceRoleProps) {
    super(scope, id);
    const policy = policyText(props.permissions);
    if (policy.length > MAX_ROLE_POLICY_CHARACTERS) {
      throw new ValidationError(
        `${props.roleName}: the role's policy must have at most ${MAX_ROLE_POLICY_CHARACTERS} characters (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html), got ${policy.length}; use fewer regions`,
      );
    }
    const role = new IamRole(this, "Resource", {
      name: props.roleName,
      description: props.description,
      assumeRolePolicy: policyText([
        {
          Effect: "Allow",
          Principal: { Service: props.servicePrincipal },
          Action: "sts:AssumeRole",
          Condition: props.trustCondition,
        },
      ]),
    });
    role.overrideLogicalId(props.addressName);
    const rolePolicy = new IamRolePolicy(this, "Policy", {
      name: props.roleName,
      role: role.name,
      policy,
    });
    rolePolicy.overrideLogicalId(props.addressName);
    this.roleArn = role.arn;
    this.policy = rolePolicy;
  }
}

function policyText(statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}
