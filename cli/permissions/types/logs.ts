import { PROVIDER_SOURCES, type TypePermissions } from "../type-permissions";

/** What is done with CloudWatch Logs. */
export const LOGS_PERMISSIONS: readonly TypePermissions[] = [
  {
    type: "aws_cloudwatch_log_group",
    sources: [`${PROVIDER_SOURCES}/logs/group.go`],
    plan: [
      { actions: ["logs:DescribeLogGroups"], on: "anything" },
      { actions: ["logs:ListTagsForResource"], on: "log-groups" },
    ],
    apply: [
      {
        actions: [
          "logs:AssociateKmsKey",
          "logs:CreateLogGroup",
          "logs:DeleteLogGroup",
          "logs:DeleteRetentionPolicy",
          "logs:DisassociateKmsKey",
          "logs:PutRetentionPolicy",
          "logs:TagResource",
          "logs:UntagResource",
        ],
        on: "log-groups",
      },
    ],
  },
  {
    // IAM binds none of the actions to a policy.
    type: "aws_cloudwatch_log_resource_policy",
    sources: [
      `${PROVIDER_SOURCES}/logs/resource_policy.go`,
      "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html",
    ],
    plan: [{ actions: ["logs:DescribeResourcePolicies"], on: "anything" }],
    apply: [{ actions: ["logs:DeleteResourcePolicy", "logs:PutResourcePolicy"], on: "anything" }],
  },
];
