/** How much AWS lets an account have, and whether there is room for what the account file adds. */
import { MAX_RULES_PER_BUS } from "../../modules/events/rule-limits";
import { CallFailure } from "./aws-calls";
import type { Examination } from "./examination";
import type { Finding } from "./findings";

/** A quota of Service Quotas. */
export interface Quota {
  readonly serviceCode: string;
  readonly quotaCode: string;
  /** What it limits, as messages name it. */
  readonly limits: string;
  /** What AWS gives without being asked, by region if not everywhere the same. */
  readonly initial: { readonly everywhere: number } & Readonly<Record<string, number>>;
}

/** @see https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
export const KMS_KEYS: Quota = {
  serviceCode: "kms",
  quotaCode: "L-C2F1777E",
  limits: "KMS keys",
  initial: { everywhere: 100_000 },
};

/** @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
export const EVENT_BUSES: Quota = {
  serviceCode: "events",
  quotaCode: "L-658A4FD9",
  limits: "event buses",
  initial: { everywhere: 100 },
};

/** @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
export const RULES_PER_BUS: Quota = {
  serviceCode: "events",
  quotaCode: "L-244521F2",
  limits: "rules",
  initial: { everywhere: MAX_RULES_PER_BUS, "af-south-1": 100, "eu-south-1": 100 },
};

/** Trails of a region, with those of others that cover it. Nobody can raise it. @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html */
export const TRAILS_PER_REGION = 5;

/** Props of {@link roomIn}. */
export interface RoomProps {
  readonly region: string;
  /**
   * What the quota counts, if it is about less than the region.
   *
   * @default - what the quota limits
   */
  readonly what?: string;
  /** How many there are. */
  readonly existing: number;
  /** How many the account file adds. */
  readonly added: number;
}

/**
 * Whether a quota has room.
 *
 * The value that AWS has applied to the account counts. Service Quotas knows none where nobody ever
 * asked for more; then, and if it may not be read, what AWS gives to everyone counts.
 *
 * @see https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
 */
export async function roomIn(
  { calls, gaps, owned }: Examination,
  quota: Quota,
  { region, what = quota.limits, existing, added }: RoomProps,
): Promise<Finding> {
  const { serviceCode, quotaCode } = quota;
  const { GetServiceQuotaCommand, ServiceQuotasClient } = await import(
    "@aws-sdk/client-service-quotas"
  );
  const client = new ServiceQuotasClient(calls.settings("plan", "SERVICE_QUOTAS", region));
  let applied: number | undefined;
  let isKnown = true;
  try {
    const answer = await calls.call("servicequotas:GetServiceQuota", "plan", (options) =>
      client.send(
        new GetServiceQuotaCommand({ ServiceCode: serviceCode, QuotaCode: quotaCode }),
        options,
      ),
    );
    applied = answer.Quota?.Value;
  } catch (error) {
    if (!(error instanceof CallFailure)) {
      throw error;
    }
    if (!error.code.startsWith("NoSuchResource")) {
      isKnown = false;
      gaps.add({ subject: "quotas", region, looksAt: `the quota of ${quota.limits}` }, error);
    }
  }
  const limit = applied ?? quota.initial[region] ?? quota.initial.everywhere;
  const wanted = existing + added;
  if (wanted <= limit) {
    return {
      subject: "quotas",
      level: "ok",
      region,
      message: `${region}: ${what}: ${existing} of ${limit}, ${added} to be added`,
    };
  }
  return {
    subject: "quotas",
    // Without the states, what is to be added may be there already.
    level: isKnown && owned !== undefined ? "problem" : "warning",
    region,
    message: `${region}: ${what} must be at most ${limit}, the ${applied === undefined ? "initial" : "applied"} quota ${serviceCode}/${quotaCode}, got ${existing} and ${added} to be added`,
    fix: `aws service-quotas request-service-quota-increase --region ${region} --service-code ${serviceCode} --quota-code ${quotaCode} --desired-value ${wanted}, or have fewer`,
  };
}
