import { KEYSPAN_EVENTS, STATE_MACHINES } from "../../names";
import { type AwsLocation, stateMachineArn } from "../../partition";
import type { MapState, State, States, TaskState } from "../asl";
import { awsCall, ERROR_NAME, IS_NOT_FOUND, IS_REFUSED, putEvents } from "../aws-call";
import { EMPTY_TEXT, expression, millisecondsOf, sum } from "../jsonata";

/**
 * Keys of one page, the work of one execution. KMS returns 1,000 at most; of these, 500 leave room:
 *
 * - Key by key it takes 7 events of history, and 24 if each of 6 calls fails: 12,000 of 25,000.
 * - KMS's answer takes about 150 bytes a key, 75 of 256 KiB.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const KEYS_PER_PAGE = 500;

/** Pages of a sweep at most, so that it ends whatever KMS answers: 500,000 keys. */
export const MAX_PAGES = 1000;

/**
 * Keys asked about at a time: some 100 to 200 a second, a tenth of what KMS allows an account.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html
 */
const KEYS_AT_A_TIME = 10;

/** ARNs that the summary names for each trouble, and troubles that a report lists. */
export const MAX_LISTED = 50;

/** What the summary counts. Other states are fine, or have a date and get a reminder. */
export const SUMMARY_CATEGORIES = [
  "disabled",
  "pendingReplicaDeletion",
  "pendingImport",
  "unavailable",
  "unreadable",
] as const;

/** Most entries of one PutEvents. @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
const ENTRIES_PER_CALL = 10;

const MILLISECONDS_PER_DAY = 86_400_000;

/** JSONata: the day, counted from 1970, of a point in time in milliseconds. */
function dayOf(milliseconds: string): string {
  return `$floor(${milliseconds} / ${MILLISECONDS_PER_DAY})`;
}

export interface SweepKeysProps {
  readonly at: AwsLocation;
  readonly watch: "all" | "managed";
  readonly keyArns: readonly string[];
  readonly reminderDays: readonly number[];
}

/**
 * The branch that asks for the state of each key. Variables of the machine that it reads: `page`,
 * `run`, `startedAt`, `marker` and `summary`. Its output is a list of what went wrong.
 */
export function sweepKeys(props: SweepKeysProps): States {
  return {
    StartAt: props.watch === "all" ? "ListKeys" : "DescribeKeys",
    States: {
      ...(props.watch === "all" ? { ListKeys: listKeys(props.at) } : {}),
      DescribeKeys: describeKeys(props),
      SendReminders: sendReminders(props),
      ...(props.watch === "all"
        ? { IsThereMore: isThereMore(), StartNextPage: startNextPage(props.at) }
        : {}),
      IsSummaryDue: {
        Type: "Choice",
        Choices: [
          {
            // Day 4 was the first Monday.
            Condition: expression(
              `(${dayOf("$toMillis($startedAt)")} - 4) % 7 = 0 and ${sum("$tally.*.count")} > 0`,
            ),
            Next: "SendSummary",
          },
        ],
        Default: "KeysSwept",
      },
      SendSummary: {
        ...putEvents(props.at.partition, [
          {
            Source: KEYSPAN_EVENTS.summary.source,
            DetailType: KEYSPAN_EVENTS.summary.detailType,
            Detail: expression("$tally"),
          },
        ]),
        Catch: [caught("the summary of keys could not be sent", "KeysSwept")],
        Next: "KeysSwept",
      },
      KeysSwept: { Type: "Succeed", Output: expression("$keyProblems") },
    },
  };
}

/** Adds what went wrong to the branch's list and goes on. */
function caught(what: string, next: string) {
  return {
    ErrorEquals: ["States.ALL"],
    Assign: {
      keyProblems: expression(`[$keyProblems, "${what}: " & ${ERROR_NAME}]`),
    },
    Next: next,
  };
}

function listKeys(at: AwsLocation): State {
  return {
    ...awsCall({
      partition: at.partition,
      integration: "aws-sdk:kms:listKeys",
      arguments: expression(
        `$merge([{"Limit": ${KEYS_PER_PAGE}}, $marker = "" ? {} : {"Marker": $marker}])`,
      ),
    }),
    Assign: {
      nextMarker: expression(
        '$states.result.Truncated and $exists($states.result.NextMarker) ? $states.result.NextMarker : ""',
      ),
    },
    Output: expression("[$states.result.Keys.KeyArn]"),
    Catch: [
      {
        ErrorEquals: ["States.ALL"],
        // What earlier pages found is told all the same.
        Assign: {
          tally: expression("$summary"),
          keyProblems: expression(`["keys could not be listed: " & ${ERROR_NAME}]`),
        },
        Next: "IsSummaryDue",
      },
    ],
    Next: "DescribeKeys",
  };
}

/** One line per trouble of the summary: what was counted before, and this page's. */
const TALLY = `(
  $found := $states.result;
  $merge([${JSON.stringify(SUMMARY_CATEGORIES)}.(
    $category := $;
    $before := $lookup($summary, $category);
    $keyArns := [$found[category = $category].keyArn];
    {$category: {
      "count": $before.count + $count($keyArns),
      "keyArns": [$append($before.keyArns, $keyArns)[[0..${MAX_LISTED - 1}]]]
    }}
  )])
)`;

/** Keys that gave no answer although nothing refuses it: their reminders may be missing. */
const UNANSWERED = `(
  $unanswered := [$states.result.error];
  $count($unanswered) = 0 ? [] :
    ["keys of page " & $page & " that gave no answer: " & $count($unanswered) & ", the first with " & $unanswered[0]]
)`;

function describeKeys(props: SweepKeysProps): MapState {
  return {
    Type: "Map",
    Items: props.watch === "all" ? expression("$states.input") : props.keyArns,
    MaxConcurrency: KEYS_AT_A_TIME,
    ItemProcessor: {
      ProcessorConfig: { Mode: "INLINE" },
      StartAt: "DescribeKey",
      States: {
        DescribeKey: describeKey(props),
        KeyNotRead: { Type: "Succeed" },
      },
    },
    Assign: { tally: expression(TALLY), keyProblems: expression(UNANSWERED) },
    Output: expression(
      `(
        $reminders := [$states.result.reminder];
        $count($reminders) = 0 ? [] : $partition($reminders, ${ENTRIES_PER_CALL})
      )`,
    ),
    Next: "SendReminders",
  };
}

function describeKey({ at, watch, reminderDays }: SweepKeysProps): TaskState {
  const day = `${dayOf("$milliseconds")} - ${dayOf("$toMillis($startedAt)")}`;
  return {
    ...awsCall({
      partition: at.partition,
      integration: "aws-sdk:kms:describeKey",
      arguments: { KeyId: expression("$states.input") },
    }),
    Output: expression(`(
      $key := $states.result.KeyMetadata;
      $state := $key.KeyState;
      $isFine := $key.KeyManager = "AWS" or $state in ["Enabled", "Creating", "Updating"];
      $isDated := $state = "PendingDeletion" and $exists($key.DeletionDate);
      $isFine ? {} : $isDated ? (
        $milliseconds := ${millisecondsOf("$key.DeletionDate")};
        $daysLeft := ${day};
        $daysLeft in ${JSON.stringify(reminderDays)} ? {"reminder": {
          "keyArn": $states.input,
          "deletionDate": $fromMillis($milliseconds),
          "daysLeft": $daysLeft,
          "severity": $daysLeft in ${JSON.stringify(reminderDays.slice(-2))} ? "critical" : "warning"
        }} : {}
      ) : {
        "keyArn": $states.input,
        "category": $state = "Disabled" ? "disabled"
          : $state = "PendingReplicaDeletion" ? "pendingReplicaDeletion"
          : $state = "PendingImport" ? "pendingImport"
          : $state = "Unavailable" ? "unavailable"
          : "unreadable"
      }
    )`),
    Catch: [
      {
        ErrorEquals: ["States.ALL"],
        Output: expression(
          watch === "all"
            ? // Deleted since it was listed.
              `${IS_NOT_FOUND} ? {} : ${UNREADABLE}`
            : `${IS_NOT_FOUND} ? {"keyArn": $states.input, "category": "unreadable"} : ${UNREADABLE}`,
        ),
        Next: "KeyNotRead",
      },
    ],
    End: true,
  };
}

/** A key that refuses is reported; if it gave no answer, the sweep also fails in the end. */
const UNREADABLE = `$merge([
  {"keyArn": $states.input, "category": "unreadable"},
  ${IS_REFUSED} ? {} : {"error": ${ERROR_NAME}}
])`;

function sendReminders({ at, watch }: SweepKeysProps): MapState {
  return {
    Type: "Map",
    Items: expression("$states.input"),
    MaxConcurrency: 1,
    ItemProcessor: {
      ProcessorConfig: { Mode: "INLINE" },
      StartAt: "SendReminder",
      States: {
        SendReminder: {
          ...putEvents(
            at.partition,
            expression(
              `[$states.input.{
                "Source": "${KEYSPAN_EVENTS.reminder.source}",
                "DetailType": "${KEYSPAN_EVENTS.reminder.detailType}",
                "Detail": $
              }]`,
            ),
          ),
          Output: EMPTY_TEXT,
          Catch: [
            {
              ErrorEquals: ["States.ALL"],
              Output: expression(`"reminders could not be sent: " & ${ERROR_NAME}`),
              Next: "ReminderNotSent",
            },
          ],
          End: true,
        },
        ReminderNotSent: { Type: "Succeed" },
      },
    },
    Assign: {
      keyProblems: expression('[$keyProblems, $states.result[$ != ""]]'),
    },
    Next: watch === "all" ? "IsThereMore" : "IsSummaryDue",
  };
}

function isThereMore(): State {
  return {
    Type: "Choice",
    Choices: [
      {
        Condition: expression(`$nextMarker != "" and $page < ${MAX_PAGES}`),
        Next: "StartNextPage",
      },
    ],
    Default: "IsSummaryDue",
  };
}

/**
 * The name makes a second call start nothing: StartExecution takes a name only once.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
function startNextPage(at: AwsLocation): TaskState {
  return {
    ...awsCall({
      partition: at.partition,
      integration: "states:startExecution",
      arguments: {
        StateMachineArn: stateMachineArn(at, STATE_MACHINES.sweep),
        Name: expression('$run & "-page-" & ($page + 1)'),
        Input: {
          run: expression("$run"),
          startedAt: expression("$startedAt"),
          page: expression("$page + 1"),
          marker: expression("$nextMarker"),
          summary: expression("$tally"),
        },
      },
    }),
    Catch: [
      {
        ErrorEquals: ["States.ALL"],
        Assign: {
          keyProblems: expression(
            `$contains(${ERROR_NAME}, "ExecutionAlreadyExists") ? $keyProblems
              : [$keyProblems, "the next page of keys could not be started: " & ${ERROR_NAME}]`,
          ),
        },
        Next: "KeysSwept",
      },
    ],
    Next: "KeysSwept",
  };
}
