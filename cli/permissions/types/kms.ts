import type { Conditions } from "../../../modules/iam/policy";
import { multiRegionServiceRoleArn } from "../../../modules/partition";
import type { AccountScope } from "../account-scope";
import { type Permission, PROVIDER_SOURCES, type TypePermissions } from "../type-permissions";

/** Tag that every stack's resources carry: the account's workspace. */
const ACCOUNT_TAG = "keyspan:account";

/** Tags that the stacks give beside those of the configuration. */
const OWN_TAGS: readonly string[] = [ACCOUNT_TAG, "keyspan:key", "keyspan:stack"];

/**
 * A key can be bound by nothing but the request that makes it. `IfExists`: what makes a replica key
 * asks for `CreateKey` too, and no source says that it carries the tags or the spec there.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
 */
function ownKeysOnly({ account }: AccountScope): Conditions {
  return {
    StringEqualsIfExists: {
      [`aws:RequestTag/${ACCOUNT_TAG}`]: account.workspace,
      "kms:KeySpec": "SYMMETRIC_DEFAULT",
      "kms:KeyUsage": "ENCRYPT_DECRYPT",
    },
    BoolIfExists: { "kms:BypassPolicyLockoutSafetyCheck": "false" },
  };
}

/**
 * Tags are given with `CreateKey` and `ReplicateKey`, before the key's own policy counts. On keys of
 * others, whose policies leave it to IAM, only these very tags could be set.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/tag-permissions.html
 */
function ownTagsOnly({ account }: AccountScope): Conditions {
  return {
    StringEquals: { [`aws:RequestTag/${ACCOUNT_TAG}`]: account.workspace },
    "ForAllValues:StringEquals": {
      "aws:TagKeys": [...new Set([...OWN_TAGS, ...Object.keys(account.tags)])].sort(),
    },
  };
}

/** The service that the role is linked to is the second part of its path. */
function multiRegionKeysOnly({ account }: AccountScope): Conditions {
  const [, , service = ""] = multiRegionServiceRoleArn({
    partition: account.partition,
    account: account.id,
  }).split("/");
  return { StringEquals: { "iam:AWSServiceName": service } };
}

const READ: Permission = {
  actions: [
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListResourceTags",
  ],
  on: "keys",
  grantedBy: "key-policy",
};

const CREATE: Permission = { actions: ["kms:CreateKey"], on: "anything", condition: ownKeysOnly };
const TAG_AS_CREATED: Permission = {
  actions: ["kms:TagResource"],
  on: "keys",
  condition: ownTagsOnly,
};
const DELETE: Permission = {
  actions: ["kms:ScheduleKeyDeletion"],
  on: "keys",
  grantedBy: "key-policy",
  unprotectedOnly: true,
};

/** What is done with KMS. Keys are never enabled or disabled by Terraform. */
export const KMS_PERMISSIONS: readonly TypePermissions[] = [
  {
    type: "aws_kms_key",
    sources: [
      `${PROVIDER_SOURCES}/kms/key.go`,
      "https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html",
      "https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-auth-slr.html",
    ],
    plan: [READ],
    apply: [
      CREATE,
      TAG_AS_CREATED,
      {
        actions: ["iam:CreateServiceLinkedRole"],
        on: "multi-region-service-role",
        condition: multiRegionKeysOnly,
      },
      {
        actions: [
          "kms:EnableKeyRotation",
          "kms:PutKeyPolicy",
          "kms:TagResource",
          "kms:UntagResource",
          "kms:UpdateKeyDescription",
        ],
        on: "keys",
        grantedBy: "key-policy",
      },
      DELETE,
    ],
  },
  {
    type: "aws_kms_replica_key",
    sources: [
      `${PROVIDER_SOURCES}/kms/replica_key.go`,
      "https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html",
    ],
    plan: [READ],
    apply: [
      CREATE,
      TAG_AS_CREATED,
      {
        actions: [
          "kms:PutKeyPolicy",
          "kms:ReplicateKey",
          "kms:TagResource",
          "kms:UntagResource",
          "kms:UpdateKeyDescription",
        ],
        on: "keys",
        grantedBy: "key-policy",
      },
      DELETE,
    ],
  },
  {
    // The key that the alias is for must admit it too, by its policy.
    type: "aws_kms_alias",
    sources: [
      `${PROVIDER_SOURCES}/kms/alias.go`,
      "https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html",
    ],
    plan: [{ actions: ["kms:ListAliases"], on: "anything" }],
    apply: [
      { actions: ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"], on: "aliases" },
      {
        actions: ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"],
        on: "keys",
        grantedBy: "key-policy",
      },
    ],
  },
];
