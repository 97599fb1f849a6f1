import { PROVIDER_SOURCES, type TypePermissions } from "../type-permissions";

/** What is done with SQS. */
export const SQS_PERMISSIONS: readonly TypePermissions[] = [
  {
    type: "aws_sqs_queue",
    sources: [`${PROVIDER_SOURCES}/sqs/queue.go`],
    plan: [{ actions: ["sqs:GetQueueAttributes", "sqs:ListQueueTags"], on: "queues" }],
    apply: [
      {
        actions: [
          "sqs:CreateQueue",
          "sqs:DeleteQueue",
          "sqs:SetQueueAttributes",
          "sqs:TagQueue",
          "sqs:UntagQueue",
        ],
        on: "queues",
      },
    ],
  },
  {
    type: "aws_sqs_queue_policy",
    sources: [
      `${PROVIDER_SOURCES}/sqs/queue_policy.go`,
      `${PROVIDER_SOURCES}/sqs/attribute_funcs.go`,
    ],
    plan: [{ actions: ["sqs:GetQueueAttributes"], on: "queues" }],
    apply: [{ actions: ["sqs:SetQueueAttributes"], on: "queues" }],
  },
];
