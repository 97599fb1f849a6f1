import { CLOUDTRAIL_PRINCIPAL } from "../../../modules/partition";
import { PROVIDER_SOURCES, type TypePermissions } from "../type-permissions";
import { passRoles } from "./passed-roles";

/** What is done with CloudTrail. */
export const CLOUDTRAIL_PERMISSIONS: readonly TypePermissions[] = [
  {
    // Insight selectors are read only if somebody has set some, which a plan must show.
    type: "aws_cloudtrail",
    sources: [
      `${PROVIDER_SOURCES}/cloudtrail/trail.go`,
      "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html",
    ],
    plan: [
      { actions: ["cloudtrail:DescribeTrails"], on: "anything" },
      {
        actions: [
          "cloudtrail:GetEventSelectors",
          "cloudtrail:GetInsightSelectors",
          "cloudtrail:GetTrailStatus",
          "cloudtrail:ListTags",
        ],
        on: "trail",
      },
    ],
    apply: [
      {
        actions: [
          "cloudtrail:AddTags",
          "cloudtrail:CreateTrail",
          "cloudtrail:DeleteTrail",
          "cloudtrail:PutEventSelectors",
          "cloudtrail:RemoveTags",
          "cloudtrail:StartLogging",
          "cloudtrail:UpdateTrail",
        ],
        on: "trail",
      },
      passRoles("roles-for-trail", CLOUDTRAIL_PRINCIPAL),
    ],
  },
];
