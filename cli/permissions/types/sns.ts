import { PROVIDER_SOURCES, type TypePermissions } from "../type-permissions";

/** What is done with SNS. */
export const SNS_PERMISSIONS: readonly TypePermissions[] = [
  {
    type: "aws_sns_topic",
    sources: [`${PROVIDER_SOURCES}/sns/topic.go`],
    plan: [{ actions: ["sns:GetTopicAttributes", "sns:ListTagsForResource"], on: "topics" }],
    apply: [
      {
        actions: [
          "sns:CreateTopic",
          "sns:DeleteTopic",
          "sns:SetTopicAttributes",
          "sns:TagResource",
          "sns:UntagResource",
        ],
        on: "topics",
      },
    ],
  },
  {
    type: "aws_sns_topic_policy",
    sources: [`${PROVIDER_SOURCES}/sns/topic_policy.go`],
    plan: [{ actions: ["sns:GetTopicAttributes"], on: "topics" }],
    apply: [{ actions: ["sns:SetTopicAttributes"], on: "topics" }],
  },
  {
    type: "aws_sns_topic_subscription",
    sources: [`${PROVIDER_SOURCES}/sns/topic_subscription.go`],
    plan: [{ actions: ["sns:GetSubscriptionAttributes"], on: "topics" }],
    apply: [
      {
        actions: ["sns:SetSubscriptionAttributes", "sns:Subscribe", "sns:Unsubscribe"],
        on: "topics",
      },
    ],
  },
];
