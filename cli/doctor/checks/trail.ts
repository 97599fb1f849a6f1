import type {
  AdvancedEventSelector,
  AdvancedFieldSelector,
  CloudTrailClient,
  EventSelector,
  Trail,
} from "@aws-sdk/client-cloudtrail";
import { KMS_EVENT_SOURCE } from "../../../modules/partition";
import { CallFailure } from "../aws-calls";
import { type Check, type Examination, shortened } from "../examination";
import type { Finding } from "../findings";
import { TRAILS_PER_REGION } from "../quotas";
import { free, taken, toBeCreated } from "./names";

/**
 * Whether there is a trail that records what KMS is told to do: without one, EventBridge never hears
 * that a key was disabled. Where Keyspan makes the trail, whether there is room and a name for it.
 */
export function trailChecks(examination: Examination): readonly Check[] {
  const { account } = examination;
  const region = account.homeRegion;
  return [
    account.trail.mode === "create"
      ? {
          subject: "names",
          region,
          looksAt: "the trails",
          run: () => checkRoomForTrail(examination),
        }
      : { subject: "trail", region, looksAt: "the trail", run: () => checkTrail(examination) },
  ];
}

async function connect({ account, calls }: Examination): Promise<CloudTrailClient> {
  const { CloudTrailClient: Client } = await import("@aws-sdk/client-cloudtrail");
  return new Client(calls.settings("plan", "CLOUDTRAIL", account.homeRegion));
}

/** Every trail that covers the home region: its own, and copies of those of other regions or of the organisation. */
async function listTrails(
  { calls }: Examination,
  client: CloudTrailClient,
): Promise<readonly Trail[]> {
  const { DescribeTrailsCommand } = await import("@aws-sdk/client-cloudtrail");
  const { trailList = [] } = await calls.call("cloudtrail:DescribeTrails", "plan", (options) =>
    client.send(new DescribeTrailsCommand({ includeShadowTrails: true }), options),
  );
  return trailList;
}

async function checkRoomForTrail(examination: Examination): Promise<readonly Finding[]> {
  const { homeRegion: region } = examination.account;
  const trails = toBeCreated(examination, "aws_cloudtrail");
  if (trails.length === 0) {
    return [];
  }
  const existing = await listTrails(examination, await connect(examination));
  const clashes = trails.flatMap((trail) => {
    const found = existing.find(
      ({ Name, HomeRegion }) => Name === trail.name && HomeRegion === region,
    );
    return found === undefined ? [] : [taken(examination, trail, found.TrailARN ?? "")];
  });
  const wanted = existing.length + trails.length;
  return [
    ...(clashes.length > 0 ? clashes : free(examination, trails, "trails", region)),
    wanted <= TRAILS_PER_REGION
      ? {
          subject: "quotas",
          level: "ok",
          region,
          message: `${region}: trails: ${existing.length} of ${TRAILS_PER_REGION}, ${trails.length} to be added`,
        }
      : {
          subject: "quotas",
          level: examination.owned === undefined ? "warning" : "problem",
          region,
          message: `${region}: trails must be at most ${TRAILS_PER_REGION}, which AWS does not raise, got ${existing.length} and ${trails.length} to be added`,
          fix: `use one that exists (trail: { existing: <arn> }): ${existing.map(({ TrailARN }) => TrailARN).join(", ")}`,
        },
  ];
}

async function checkTrail(examination: Examination): Promise<readonly Finding[]> {
  const { account, calls, gaps } = examination;
  const { trail: config, homeRegion: region, workspace } = account;
  const trailArn = config.mode === "create" ? undefined : config.trailArn;
  const where = `${workspace}: trail`;
  const about = { subject: "trail", region } as const;
  const client = await connect(examination);
  const trails = await listTrails(examination, client);
  const candidates = trails.filter(({ TrailARN, IsOrganizationTrail }) =>
    trailArn === undefined ? IsOrganizationTrail === true : TrailARN === trailArn,
  );
  const trail = candidates.find(({ IsMultiRegionTrail }) => IsMultiRegionTrail) ?? candidates[0];
  if (trail?.TrailARN === undefined) {
    const seen = trails.map(({ TrailARN }) => TrailARN).join(", ") || "no trail";
    return [
      {
        ...about,
        level: "problem",
        message: `${where} must be ${trailArn ?? "the organisation's, and cover this account"}, got ${seen} in ${region}`,
        fix: `correct trail in accounts/${workspace}.yaml, or let Keyspan make one: trail: create`,
      },
    ];
  }
  const { TrailARN: arn } = trail;
  const findings: Finding[] = [];
  const problem = (must: string, got: string, fix: string) =>
    findings.push({
      ...about,
      level: "problem",
      message: `${where}: ${arn} must ${must}, got ${got}`,
      fix,
    });
  if (trail.IsMultiRegionTrail !== true) {
    problem(
      "cover every region",
      `one of ${trail.HomeRegion} alone`,
      `aws cloudtrail update-trail --region ${trail.HomeRegion} --name ${arn} --is-multi-region-trail`,
    );
  }
  const { GetEventSelectorsCommand, GetTrailStatusCommand } = await import(
    "@aws-sdk/client-cloudtrail"
  );
  const tried = async <T>(action: string, looksAt: string, send: () => Promise<T>) => {
    try {
      return await calls.call(action, "plan", send);
    } catch (error) {
      if (!(error instanceof CallFailure)) {
        throw error;
      }
      gaps.add({ ...about, looksAt }, error);
      return undefined;
    }
  };
  const options = { abortSignal: calls.deadline };
  const status = await tried("cloudtrail:GetTrailStatus", "whether the trail logs", () =>
    client.send(new GetTrailStatusCommand({ Name: arn }), options),
  );
  if (status !== undefined && status.IsLogging !== true) {
    problem(
      "be logging",
      "one that is stopped",
      `aws cloudtrail start-logging --region ${trail.HomeRegion} --name ${arn}`,
    );
  }
  if (status?.LatestDeliveryError) {
    findings.push({
      ...about,
      level: "warning",
      message: `${where}: ${arn} must deliver its logs, got ${shortened(status.LatestDeliveryError)}`,
      fix: `correct the policies of bucket ${trail.S3BucketName} and of its key`,
    });
  }
  const selectors = await tried("cloudtrail:GetEventSelectors", "what the trail records", () =>
    client.send(new GetEventSelectorsCommand({ TrailName: arn }), options),
  );
  if (selectors !== undefined && !coversKmsWrites(selectors)) {
    problem(
      "record what KMS is told to do: management events that write, KMS's among them",
      "event selectors that leave it out",
      `aws cloudtrail put-event-selectors --region ${trail.HomeRegion} --trail-name ${arn} --event-selectors '[{"ReadWriteType":"WriteOnly","IncludeManagementEvents":true}]', which replaces the selectors that it has`,
    );
  }
  return findings.length > 0 || status === undefined || selectors === undefined
    ? findings
    : [
        {
          ...about,
          level: "ok",
          message: `${where}: ${arn} covers every region, logs, and records what KMS is told to do`,
        },
      ];
}

/** What a trail records, as CloudTrail answers. */
export interface Selectors {
  readonly EventSelectors?: readonly EventSelector[] | undefined;
  readonly AdvancedEventSelectors?: readonly AdvancedEventSelector[] | undefined;
}

/** What a write to KMS has in the fields that selectors ask for. */
const KMS_WRITE: Readonly<Record<string, string>> = {
  eventCategory: "Management",
  readOnly: "false",
  eventSource: KMS_EVENT_SOURCE,
};

/**
 * Whether one selector takes every write to KMS: one that asks for more than category, source and
 * kind of access may leave out some.
 *
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html
 */
export function coversKmsWrites({
  EventSelectors = [],
  AdvancedEventSelectors = [],
}: Selectors): boolean {
  return (
    EventSelectors.some(
      ({ IncludeManagementEvents, ReadWriteType, ExcludeManagementEventSources = [] }) =>
        IncludeManagementEvents !== false &&
        ReadWriteType !== "ReadOnly" &&
        !ExcludeManagementEventSources.includes(KMS_EVENT_SOURCE),
    ) ||
    AdvancedEventSelectors.some(
      ({ FieldSelectors = [] }) =>
        FieldSelectors.some(({ Field }) => Field === "eventCategory") &&
        FieldSelectors.every(takesKmsWrites),
    )
  );
}

function takesKmsWrites(selector: AdvancedFieldSelector): boolean {
  const value = KMS_WRITE[selector.Field ?? ""];
  if (value === undefined) {
    return false;
  }
  const { Equals, StartsWith, EndsWith, NotEquals, NotStartsWith, NotEndsWith } = selector;
  const someOf = (wanted: readonly string[] | undefined, holds: (part: string) => boolean) =>
    wanted === undefined || wanted.length === 0 || wanted.some(holds);
  const noneOf = (unwanted: readonly string[] | undefined, holds: (part: string) => boolean) =>
    !(unwanted ?? []).some(holds);
  const is = (part: string) => part === value;
  const starts = (part: string) => value.startsWith(part);
  const ends = (part: string) => value.endsWith(part);
  return (
    someOf(Equals, is) &&
    someOf(StartsWith, starts) &&
    someOf(EndsWith, ends) &&
    noneOf(NotEquals, is) &&
    noneOf(NotStartsWith, starts) &&
    noneOf(NotEndsWith, ends)
  );
}
