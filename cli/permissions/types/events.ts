import { EVENTBRIDGE_PRINCIPAL } from "../../../modules/partition";
import { PROVIDER_SOURCES, type TypePermissions } from "../type-permissions";
import { passRoles } from "./passed-roles";

/**
 * What is done with EventBridge. Whoever makes or describes what is encrypted with a key needs the
 * key too, which the key's policy grants through EventBridge alone.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html
 */
export const EVENTS_PERMISSIONS: readonly TypePermissions[] = [
  {
    type: "aws_cloudwatch_event_bus",
    sources: [`${PROVIDER_SOURCES}/events/bus.go`],
    plan: [{ actions: ["events:DescribeEventBus", "events:ListTagsForResource"], on: "buses" }],
    apply: [
      {
        actions: [
          "events:CreateEventBus",
          "events:DeleteEventBus",
          "events:TagResource",
          "events:UntagResource",
          "events:UpdateEventBus",
        ],
        on: "buses",
      },
      {
        actions: [
          "kms:Decrypt",
          "kms:DescribeKey",
          "kms:Encrypt",
          "kms:GenerateDataKey",
          "kms:GenerateDataKeyWithoutPlaintext",
          "kms:ReEncryptFrom",
          "kms:ReEncryptTo",
        ],
        on: "keys",
        grantedBy: "key-policy",
      },
    ],
  },
  {
    // IAM binds neither action to a bus.
    type: "aws_cloudwatch_event_bus_policy",
    sources: [
      `${PROVIDER_SOURCES}/events/bus_policy.go`,
      "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html",
    ],
    plan: [{ actions: ["events:DescribeEventBus"], on: "buses" }],
    apply: [{ actions: ["events:PutPermission", "events:RemovePermission"], on: "anything" }],
  },
  {
    type: "aws_cloudwatch_event_archive",
    sources: [
      `${PROVIDER_SOURCES}/events/archive.go`,
      "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html",
    ],
    plan: [{ actions: ["events:DescribeArchive"], on: "archives" }],
    apply: [
      {
        actions: ["events:CreateArchive", "events:DeleteArchive", "events:UpdateArchive"],
        on: "archives",
      },
      { actions: ["events:CreateArchive"], on: "archived-buses" },
    ],
  },
  {
    type: "aws_cloudwatch_event_rule",
    sources: [`${PROVIDER_SOURCES}/events/rule.go`],
    plan: [{ actions: ["events:DescribeRule", "events:ListTagsForResource"], on: "rules" }],
    apply: [
      {
        actions: [
          "events:DeleteRule",
          "events:PutRule",
          "events:TagResource",
          "events:UntagResource",
        ],
        on: "rules",
      },
    ],
  },
  {
    type: "aws_cloudwatch_event_target",
    sources: [`${PROVIDER_SOURCES}/events/target.go`],
    plan: [{ actions: ["events:ListTargetsByRule"], on: "rules" }],
    apply: [
      { actions: ["events:PutTargets", "events:RemoveTargets"], on: "rules" },
      passRoles("roles-for-rules", EVENTBRIDGE_PRINCIPAL),
    ],
  },
];
