import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy";
import { Construct } from "constructs";
import { accountRootArn, parseArn } from "../partition";
import type { ResourceAddress } from "../terraform/address";
import type { IdentityStatement } from "./policy";

/**
 * Most characters of a role's trust policy, white space not counted, unless AWS was asked for more.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
 */
export const MAX_TRUST_POLICY_CHARACTERS = 2048;

/** Props of a {@link StateRole}. */
export interface StateRoleProps {
  /** ARN that the role is to have: it says the role's path and name. */
  readonly roleArn: string;
  /** Name of the role and of its policy in addresses. */
  readonly addressName: string;
  readonly description: string;
  /** ARNs of the roles that may take it, at least one. They need not exist yet. */
  readonly trusted: readonly string[];
  /** All that it may do. */
  readonly permissions: readonly IdentityStatement[];
  readonly tags: Readonly<Record<string, string>>;
}

/** A role with which Terraform's states of one account are read or written. */
export class StateRole extends Construct {
  /** Where Terraform keeps the role. */
  readonly address: ResourceAddress;

  constructor(scope: Construct, id: string, props: StateRoleProps) {
    super(scope, id);
    const { path, name } = pathAndName(props.roleArn);
    const role = new IamRole(this, "Resource", {
      name,
      path,
      description: props.description,
      assumeRolePolicy: trustPolicy(props.trusted),
      tags: { ...props.tags },
    });
    role.overrideLogicalId(props.addressName);
    new IamRolePolicy(this, "Policy", {
      name,
      role: role.name,
      policy: JSON.stringify({ Version: "2012-10-17", Statement: props.permissions }),
    }).overrideLogicalId(props.addressName);
    this.address = { type: IamRole.tfResourceType, name: props.addressName };
  }
}

/** The parts of a role's ARN that IAM is asked for; the path has a slash at both ends. */
export function pathAndName(roleArn: string): { readonly path: string; readonly name: string } {
  const whole = parseArn(roleArn)?.resource.slice("role".length) ?? "";
  const start = whole.lastIndexOf("/") + 1;
  return { path: whole.slice(0, start), name: whole.slice(start) };
}

/**
 * Trust policy that lets these roles take another, if their own policies allow it too.
 *
 * IAM refuses a trust policy that names a role which does not exist yet. So it names accounts, and
 * the roles stand in a condition.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
 */
export function trustPolicy(roleArns: readonly string[]): string {
  const accounts = roleArns.flatMap((roleArn) => {
    const parts = parseArn(roleArn);
    return parts === undefined ? [] : [accountRootArn(parts)];
  });
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "NamedRolesTakeIt",
        Effect: "Allow",
        Principal: { AWS: [...new Set(accounts)].sort() },
        Action: "sts:AssumeRole",
        Condition: { ArnEquals: { "aws:PrincipalArn": [...new Set(roleArns)].sort() } },
      },
    ],
  });
}
