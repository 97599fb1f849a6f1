import { PROVIDER_SOURCES, type TypePermissions } from "../type-permissions";

/** What is done with IAM: Keyspan's own roles, by their exact names. */
export const IAM_PERMISSIONS: readonly TypePermissions[] = [
  {
    type: "aws_iam_role",
    sources: [`${PROVIDER_SOURCES}/iam/role.go`],
    plan: [
      {
        actions: [
          "iam:GetRole",
          "iam:GetRolePolicy",
          "iam:ListAttachedRolePolicies",
          "iam:ListRolePolicies",
        ],
        on: "roles",
      },
    ],
    apply: [
      {
        actions: [
          "iam:CreateRole",
          "iam:DeleteRole",
          "iam:DeleteRolePolicy",
          "iam:ListInstanceProfilesForRole",
          "iam:TagRole",
          "iam:UntagRole",
          "iam:UpdateAssumeRolePolicy",
          "iam:UpdateRole",
          "iam:UpdateRoleDescription",
        ],
        on: "roles",
      },
    ],
  },
  {
    type: "aws_iam_role_policy",
    sources: [`${PROVIDER_SOURCES}/iam/role_policy.go`],
    plan: [{ actions: ["iam:GetRolePolicy"], on: "roles" }],
    apply: [{ actions: ["iam:DeleteRolePolicy", "iam:PutRolePolicy"], on: "roles" }],
  },
];
