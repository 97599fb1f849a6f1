import type { Permission } from "./type-permissions";

/** What a command of Keyspan asks AWS for itself, beside what Terraform asks for. */
export interface OwnCalls {
  /** Roles with which it asks. */
  readonly roles: readonly ("plan" | "apply")[];
  readonly permissions: readonly Permission[];
}

/**
 * Keys that were made and that no state knows are found by their tags, among all keys of a region.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/viewing-keys-console.html
 */
const FIND_KEYS: readonly Permission[] = [
  { actions: ["kms:ListKeys"], on: "anything" },
  { actions: ["kms:DescribeKey", "kms:ListResourceTags"], on: "keys" },
];

/**
 * By command. `sts:GetCallerIdentity` needs no permission; what is asked of the state bucket is in
 * the policies of the state roles.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
export const OWN_CALLS: Readonly<Record<string, OwnCalls>> = {
  plan: { roles: ["plan"], permissions: FIND_KEYS },
  apply: { roles: ["plan", "apply"], permissions: FIND_KEYS },
  destroy: { roles: ["plan", "apply"], permissions: FIND_KEYS },
  status: { roles: ["plan"], permissions: FIND_KEYS },
  doctor: {
    roles: ["plan"],
    permissions: [
      // All three are asked of an endpoint that is in a region of its own.
      { actions: ["account:ListRegions", "iam:GetAccountSummary"], on: "anything-global" },
      { actions: ["iam:GetRole"], on: "named-roles" },
      { actions: ["iam:GetRole"], on: "roles" },
      {
        actions: [
          "cloudtrail:DescribeTrails",
          "events:ListArchives",
          "events:ListEventBuses",
          "events:ListRules",
          "kms:ListAliases",
          "kms:ListKeys",
          "servicequotas:GetServiceQuota",
        ],
        on: "anything",
      },
      { actions: ["s3:ListBucket"], on: "buckets" },
      {
        actions: ["cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"],
        on: "watched-trails",
      },
    ],
  },
};
