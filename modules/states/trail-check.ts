import type { IdentityStatement } from "../iam/policy";
import { KEYSPAN_EVENTS } from "../names";
import { type AwsLocation, arn, eventBusArn, KMS_EVENT_SOURCE, type Partition } from "../partition";
import type { State, StateMachineDefinition } from "./asl";
import { awsCall, ERROR_NAME, IS_NOT_FOUND, IS_REFUSED, putEvents } from "./aws-call";
import { EMPTY_TEXT, expression, millisecondsOf } from "./jsonata";

/** Seconds after which an execution is stopped: four calls with all their retries take less. */
const TIMEOUT_SECONDS = 600;

const MILLISECONDS_PER_HOUR = 3_600_000;

/** Hours in which people hear of a trouble each hour; after that once a day. */
const FIRST_HOURS = 4;

/** Hour (UTC) at which regions other than home tell of what nobody knows the beginning of. */
const HOUR_OF_THE_UNDATED = 6;

/** How the account's calls are recorded. */
export type TrailMode = "create" | "existing" | "organization";

/** Props of {@link trailCheckDefinition}. */
export interface TrailCheckProps {
  readonly at: AwsLocation;
  readonly isHomeRegion: boolean;
  readonly mode: TrailMode;
  /**
   * ARN of the trail.
   *
   * @default - with `organization`: the organisation's trail that the account sees
   */
  readonly trailArn?: string;
}

/**
 * The machine that asks once an hour whether the trail records what KMS is told to do. Without a
 * trail that does, EventBridge never hears that a key was disabled.
 *
 * The home region alone tells what concerns the whole trail: that it is gone, does not cover every
 * region or leaves out KMS's writes. Each region tells whether the trail logs and delivers there.
 * What this account may not read is no trouble: the event lists it beside a real one.
 *
 * It remembers nothing, and nobody wants a mail an hour from each region. So the time at which the
 * trouble began decides: the hour itself and the three after it, then once every 24 hours. The time
 * is that of the last delivery if deliveries fail; in a region in which Keyspan runs it is never old
 * when they begin to, since each hour's start of this machine is a write that the trail delivers.
 * Without a time, and for what concerns the whole trail, the home region tells every hour, another
 * region at 6 o'clock UTC.
 *
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html
 */
export function trailCheckDefinition(props: TrailCheckProps): StateMachineDefinition {
  const { at, isHomeRegion, mode, trailArn } = props;
  // Elsewhere the trail itself is of no interest, only its ARN.
  const isDescribed = isHomeRegion || trailArn === undefined;
  return {
    Comment: "Asks whether the trail records what KMS is told to do.",
    QueryLanguage: "JSONata",
    TimeoutSeconds: TIMEOUT_SECONDS,
    StartAt: "Begin",
    States: {
      Begin: {
        Type: "Pass",
        Assign: {
          trailArn: trailArn ?? EMPTY_TEXT,
          problemsOfTrail: [],
          problemsOfRegion: [],
          unread: [],
          since: EMPTY_TEXT,
        },
        Next: isDescribed ? "DescribeTrails" : "GetTrailStatus",
      },
      ...(isDescribed
        ? {
            DescribeTrails: describeTrails(at.partition, mode, trailArn),
            IsThereTrail: {
              Type: "Choice",
              Choices: [{ Condition: expression('$trailArn != ""'), Next: "GetTrailStatus" }],
              Default: "IsReportDue",
            } satisfies State,
          }
        : {}),
      GetTrailStatus: getTrailStatus(at.partition, isHomeRegion),
      ...(isHomeRegion ? { GetEventSelectors: getEventSelectors(at.partition) } : {}),
      IsReportDue: {
        Type: "Choice",
        Choices: [{ Condition: expression(isDue(isHomeRegion)), Next: "SendTrouble" }],
        Default: "Done",
      },
      SendTrouble: {
        ...putEvents(at.partition, [
          {
            Source: KEYSPAN_EVENTS.trailTrouble.source,
            DetailType: KEYSPAN_EVENTS.trailTrouble.detailType,
            Detail: {
              trailArn: expression("$trailArn"),
              problems: expression(
                isHomeRegion ? "[$problemsOfTrail, $problemsOfRegion]" : "$problemsOfRegion",
              ),
              since: expression("$since"),
              unread: expression("$unread"),
            },
          },
        ]),
        Next: "Done",
      },
      Done: { Type: "Succeed" },
    },
  };
}

/** JSONata: whether there is trouble, and this is an hour in which to tell it. */
function isDue(isHomeRegion: boolean): string {
  const hourOf = (milliseconds: string) => `$floor(${milliseconds} / ${MILLISECONDS_PER_HOUR})`;
  const undated = isHomeRegion ? "true" : `$hour % 24 = ${HOUR_OF_THE_UNDATED}`;
  const ofRegion = `(
    $hour := ${hourOf("$toMillis($states.context.Execution.StartTime)")};
    $hours := $since = "" ? -1 : $hour - ${hourOf("$toMillis($since)")};
    $count($problemsOfRegion) > 0
      and ($hours < 0 ? ${undated} : ($hours < ${FIRST_HOURS} or $hours % 24 = 0))
  )`;
  return isHomeRegion ? `$count($problemsOfTrail) > 0 or ${ofRegion}` : ofRegion;
}

/** An error is what `problem` says, unless it means that this account may not read; then `unread`. */
function caught(variable: string, problem: string, unread: string, next: string) {
  return {
    ErrorEquals: ["States.ALL"],
    Assign: {
      [variable]: expression(`${IS_REFUSED} ? $${variable} : [$${variable}, ${problem}]`),
      unread: expression(`${IS_REFUSED} ? [$unread, ${JSON.stringify(unread)}] : $unread`),
    },
    Next: next,
  };
}

/**
 * A trail of this account is asked for by its ARN, which finds it in whatever region it is. One of
 * the organisation is another account's: the copy that this account sees is looked for in the list.
 */
function describeTrails(partition: Partition, mode: TrailMode, trailArn?: string): State {
  const isNamed = mode !== "organization" && trailArn !== undefined;
  const isTheTrail =
    trailArn === undefined
      ? "IsOrganizationTrail = true"
      : "(TrailARN = $trailArn or TrailArn = $trailArn)";
  const found = `(
    $found := [$states.result.TrailList[${isTheTrail}]];
    $complete := $found[IsMultiRegionTrail = true];
    $trail := $exists($complete) ? $complete[0] : $found[0];
    $trail
  )`;
  return {
    ...awsCall({
      partition,
      integration: "aws-sdk:cloudtrail:describeTrails",
      arguments: {
        ...(isNamed ? { TrailNameList: [trailArn] } : {}),
        IncludeShadowTrails: true,
      },
    }),
    Assign: {
      // Nobody documents how Step Functions spells this field.
      ...(trailArn === undefined
        ? {
            trailArn: expression(`(
              $trail := ${found};
              $exists($trail.TrailARN) ? $trail.TrailARN : $exists($trail.TrailArn) ? $trail.TrailArn : ""
            )`),
          }
        : {}),
      problemsOfTrail: expression(`(
        $trail := ${found};
        $not($exists($trail)) ? ["was not found"]
          : $trail.IsMultiRegionTrail = true ? [] : ["does not cover every region"]
      )`),
    },
    Catch: [
      caught(
        trailArn === undefined ? "problemsOfRegion" : "problemsOfTrail",
        `"trails could not be listed: " & ${ERROR_NAME}`,
        "trails may not be listed by this account; only the canary proves that calls to KMS are recorded",
        "IsThereTrail",
      ),
    ],
    Next: "IsThereTrail",
  };
}

function getTrailStatus(partition: Partition, isHomeRegion: boolean): State {
  const next = isHomeRegion ? "GetEventSelectors" : "IsReportDue";
  const isLogging = "$states.result.IsLogging = true";
  const error = "$states.result.LatestDeliveryError";
  const isDelivering = `($not($exists(${error})) or ${error} in ["", null])`;
  return {
    ...awsCall({
      partition,
      integration: "aws-sdk:cloudtrail:getTrailStatus",
      arguments: { Name: expression("$trailArn") },
    }),
    Assign: {
      problemsOfRegion: expression(`[
        $problemsOfRegion,
        ${isLogging} ? [] : "is not logging",
        ${isDelivering} ? [] : "could not deliver its logs: " & $substring(${error}, 0, 200)
      ]`),
      since: expression(`(
        $at := ${isLogging}
          ? (${isDelivering} ? "" : $states.result.LatestDeliveryTime)
          : $exists($states.result.StopLoggingTime)
            ? $states.result.StopLoggingTime : $states.result.TimeLoggingStopped;
        $exists($at) and $not($at in ["", null]) ? $fromMillis(${millisecondsOf("$at")}) : ""
      )`),
    },
    Catch: [
      {
        ...caught(
          "problemsOfRegion",
          // The home region has said that the trail was not found.
          isHomeRegion
            ? `${IS_NOT_FOUND} ? [] : "its status could not be read: " & ${ERROR_NAME}`
            : `${IS_NOT_FOUND} ? "was not found" : "its status could not be read: " & ${ERROR_NAME}`,
          "its status may not be read from this account; only the canary proves that it logs",
          next,
        ),
      },
    ],
    Next: next,
  };
}

function getEventSelectors(partition: Partition): State {
  return {
    ...awsCall({
      partition,
      integration: "aws-sdk:cloudtrail:getEventSelectors",
      arguments: { TrailName: expression("$trailArn") },
    }),
    Assign: {
      problemsOfTrail: expression(
        `[$problemsOfTrail, ${COVERS_KMS_WRITES} ? [] : "its event selectors leave out calls to KMS that write"]`,
      ),
    },
    Catch: [
      caught(
        "problemsOfTrail",
        `${IS_NOT_FOUND} ? [] : "its event selectors could not be read: " & ${ERROR_NAME}`,
        "its event selectors may not be read from this account; only the canary proves that they cover calls to KMS",
        "IsReportDue",
      ),
    ],
    Next: "IsReportDue",
  };
}

/**
 * JSONata: whether one selector takes every write to KMS. An advanced one that restricts anything
 * else than category, source and kind of access does not: it may leave out some callers or calls.
 *
 * Step Functions spells the operator `Equals` as `EqualsValue`.
 *
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
 */
const COVERS_KMS_WRITES = `(
  $basic := [$states.result.EventSelectors[
    $not(IncludeManagementEvents = false)
      and $not(ReadWriteType = "ReadOnly")
      and $not("${KMS_EVENT_SOURCE}" in ExcludeManagementEventSources)
  ]];
  $of := {"eventCategory": "Management", "readOnly": "false", "eventSource": "${KMS_EVENT_SOURCE}"};
  $isStart := function($part, $text) { $substring($text, 0, $length($part)) = $part };
  $isEnd := function($part, $text) {
    $length($text) >= $length($part) and $substring($text, $length($text) - $length($part)) = $part
  };
  $takes := function($selector) {(
    $value := $lookup($of, $selector.Field);
    $wanted := [$selector.Equals, $selector.EqualsValue];
    $starts := [$selector.StartsWith];
    $ends := [$selector.EndsWith];
    $exists($value)
      and ($count($wanted) = 0 or $value in $wanted)
      and ($count($starts) = 0 or $count($filter($starts, function($part) { $isStart($part, $value) })) > 0)
      and ($count($ends) = 0 or $count($filter($ends, function($part) { $isEnd($part, $value) })) > 0)
      and $not($value in [$selector.NotEquals])
      and $count($filter([$selector.NotStartsWith], function($part) { $isStart($part, $value) })) = 0
      and $count($filter([$selector.NotEndsWith], function($part) { $isEnd($part, $value) })) = 0
  )};
  $advanced := [$filter([$states.result.AdvancedEventSelectors], function($selector) {
    "eventCategory" in $selector.FieldSelectors.Field
      and $count($filter([$selector.FieldSelectors], function($field) { $not($takes($field)) })) = 0
  })];
  $count($basic) + $count($advanced) > 0
)`;

/** Props of {@link trailCheckPermissions}. */
export interface TrailCheckPermissionsProps {
  /** Every region in which the machine runs, at least one. */
  readonly ats: readonly AwsLocation[];
  /**
   * ARN of the trail.
   *
   * @default - any trail, since the organisation's is not known
   */
  readonly trailArn?: string;
}

/**
 * What the machine's role may do, in all regions: read the trail and put events of its own source on
 * the default bus.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html
 */
export function trailCheckPermissions({
  ats,
  trailArn,
}: TrailCheckPermissionsProps): readonly IdentityStatement[] {
  return [
    { Sid: "ListTrails", Effect: "Allow", Action: "cloudtrail:DescribeTrails", Resource: "*" },
    {
      Sid: "ReadTrail",
      Effect: "Allow",
      Action: ["cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors"],
      Resource: trailArn === undefined ? anyTrails(ats) : trailArn,
    },
    {
      Sid: "Tell",
      Effect: "Allow",
      Action: "events:PutEvents",
      Resource: ats.map((at) => eventBusArn(at, "default")),
      Condition: { StringEquals: { "events:source": KEYSPAN_EVENTS.trailTrouble.source } },
    },
  ];
}

/** One trail of the organisation is as good as another: of the partition, whoever it belongs to. */
function anyTrails(ats: readonly AwsLocation[]): readonly string[] {
  const partitions = new Set(ats.map(({ partition }) => partition));
  return [...partitions].map((partition) =>
    arn({ partition, service: "cloudtrail", region: "*", account: "*", resource: "trail/*" }),
  );
}
