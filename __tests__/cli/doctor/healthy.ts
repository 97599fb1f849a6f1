import { examine } from "../../../cli/doctor/examine";
import type { Finding } from "../../../cli/doctor/findings";
import { type PlannedResource, resourcesOf } from "../../../cli/doctor/planned-resources";
import type { AccountConfig } from "../../../config/account-config";
import type { FakeAnswers, FakeAws } from "./fake-aws";

/** Everything that the doctor may ask in a small account, in order. */
export const HEALTHY: FakeAnswers = {
  ListRegions: () => ({
    json: { Regions: [{ RegionName: "eu-west-1", RegionOptStatus: "ENABLED_BY_DEFAULT" }] },
  }),
  GetRole: ({ input, account }) =>
    String(input.RoleName).startsWith("keyspan-put")
      ? { error: "NoSuchEntity", status: 404 }
      : {
          xml: `<GetRoleResponse><GetRoleResult><Role><Arn>arn:aws:iam::${account}:role/${input.RoleName}</Arn></Role></GetRoleResult></GetRoleResponse>`,
        },
  GetAccountSummary: () => ({ xml: summary(20, 1000) }),
  ListAliases: () => ({ json: { Aliases: [{ AliasName: "alias/aws/s3", TargetKeyId: "1" }] } }),
  ListKeys: () => ({ json: { Keys: [{ KeyId: "1" }] } }),
  ListEventBuses: () => ({ json: { EventBuses: [{ Name: "default" }] } }),
  ListArchives: () => ({ json: { Archives: [] } }),
  ListRules: () => ({ json: { Rules: [] } }),
  GetServiceQuota: () => ({ json: { Quota: { Value: 10 } } }),
  DescribeTrails: () => ({ json: { trailList: [] } }),
  "HEAD keyspan-trail": () => ({ error: "NotFound", status: 404 }),
  "GET list": () => ({ xml: "<ListBucketResult></ListBucketResult>" }),
  "GET versioning": () => ({
    xml: "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
  }),
  "GET states/keyspan/acme/keys.tfstate": () => missing,
  "GET states/keyspan/acme/keys.tfstate.tflock": () => missing,
  "GET states/keyspan/acme/account.lock": () => missing,
};

const missing = { error: "NoSuchKey", status: 404 } as const;

/** IAM's answer to how many roles there are. */
export function summary(roles: number, quota: number): string {
  const entry = (key: string, value: number) =>
    `<entry><key>${key}</key><value>${value}</value></entry>`;
  return `<GetAccountSummaryResponse><GetAccountSummaryResult><SummaryMap>${entry("Roles", roles)}${entry("RolesQuota", quota)}</SummaryMap></GetAccountSummaryResult></GetAccountSummaryResponse>`;
}

/** What the account of these tests holds: one of each that the doctor looks for. */
export const PLANNED: readonly PlannedResource[] = resourcesOf("keys", {
  provider: { aws: [{ region: "eu-west-1" }] },
  resource: {
    aws_kms_key: { archive: {} },
    aws_kms_alias: { archive: { name: "alias/keyspan-archive" } },
    aws_cloudwatch_event_bus: { hub: { name: "keyspan-hub" } },
    aws_cloudwatch_event_archive: {
      logins: {
        name: "logins",
        event_source_arn: "arn:aws:events:eu-west-1:111122223333:event-bus/default",
      },
    },
    aws_cloudwatch_event_rule: {
      forward: { name: "keyspan-forward" },
      announce: {
        name: "keyspan-announce",
        event_bus_name: "${aws_cloudwatch_event_bus.hub.name}",
      },
    },
    aws_iam_role: { "put-events": { name: "keyspan-put-events" } },
    aws_s3_bucket: { trail: { bucket: "keyspan-trail" } },
    aws_cloudtrail: { keyspan: { name: "keyspan" } },
  },
});

/** The account of these tests. */
export const ACCOUNT = {
  workspace: "acme",
  partition: "aws",
  id: "111122223333",
  deployRole: "arn:aws:iam::111122223333:role/deploy",
  planRole: "arn:aws:iam::111122223333:role/plan",
  homeRegion: "eu-west-1",
  regions: [{ where: "accounts/acme.yaml:5:3", name: "eu-west-1", state: "active", adopt: {} }],
  state: {
    bucket: "states",
    region: "eu-west-1",
    keyPrefix: "keyspan",
    account: "444455556666",
    writeRole: "arn:aws:iam::444455556666:role/write",
    readRole: "arn:aws:iam::444455556666:role/read",
  },
  keys: [],
  buses: [],
  trail: { mode: "create", readEvents: true },
} as unknown as AccountConfig;

/** Looks at the account, with some answers changed. */
export async function examineWith(
  aws: FakeAws,
  changed: FakeAnswers,
  account: Partial<AccountConfig> = {},
  deadline?: AbortSignal,
): Promise<readonly Finding[]> {
  aws.answer({ ...HEALTHY, ...changed });
  return examine({
    account: { ...ACCOUNT, ...account },
    stacks: ["keys"],
    planned: PLANNED,
    origin: { credentialSource: "Environment" },
    env: {
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "example",
    },
    ...(deadline !== undefined && { deadline }),
  });
}
