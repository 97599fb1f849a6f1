import type { IdentityStatement } from "../../iam/policy";
import { KEYSPAN_EVENTS, KEYSPAN_PREFIX, STATE_MACHINES } from "../../names";
import { type AwsLocation, statesIntegration } from "../../partition";
import {
  type ChoiceRule,
  expression,
  literal,
  type State,
  type StateMachineDefinition,
} from "../asl";
import { all, isOneOf, not, type Source, startsWith, text, withText } from "./expressions";
import { type AnnouncedKey, readingStates } from "./facts";
import { KEY_MESSAGES } from "./key-messages";
import { CLOUDTRAIL_DETAIL_TYPES, type KmsCall, NATIVE_KMS_EVENTS } from "./kinds";
import { saying } from "./message";
import { readingPolicy } from "./policy";
import {
  cutToSize,
  FAILURE,
  type Footer,
  footerText,
  MOST_OF_A_MESSAGE,
  publishing,
  publishingStates,
  rendering,
} from "./publishing";
import { WATCHERS, watcherMessages } from "./watcher-messages";

export type { AnnouncedKey } from "./facts";

/** Props of {@link announceDefinition}. */
export interface AnnounceProps {
  /** The home region, in which the machine runs. */
  readonly at: AwsLocation;
  /** Name of the account: its workspace. */
  readonly accountName: string;
  /** Whether the calls on every key of the account are announced, or only those on Keyspan's. */
  readonly watch: "all" | "managed";
  /** Keyspan's keys, among them `alerts` and `audit`. */
  readonly keys: readonly AnnouncedKey[];
  /** ARNs of the roles that apply Keyspan: what they do to the watchers is not announced. */
  readonly deployRoles: readonly string[];
  readonly footer: Footer;
  /** ARN of the first topic, whose key is `alerts`. */
  readonly alertsTopicArn: string;
  /** ARN of the second topic, whose key is another. */
  readonly auditTopicArn: string;
  /** Whether other accounts of the organization forward their events here. */
  readonly isOrganizationHub: boolean;
}

const STARTS_NOTHING = "StartsNothing";
const NOT_ANNOUNCED = "NotAnnounced";
const ANYTHING_ELSE = "AnythingElse";

/** The state that each call to KMS leads to when it succeeded. */
const STATE_OF_CALL: Readonly<Record<KmsCall, string>> = {
  DisableKey: "Disabled",
  ScheduleKeyDeletion: "ScheduledForDeletion",
  CancelKeyDeletion: "DeletionCancelled",
  EnableKey: "EnabledAgain",
  DeleteImportedKeyMaterial: "ImportedMaterialDeleted",
  PutKeyPolicy: "KeyPolicyReplaced",
  DisableKeyRotation: "RotationSwitchedOff",
  UpdatePrimaryRegion: "PrimaryRegionMoved",
  ReplicateKey: "Replicated",
  CreateAlias: "AliasCreated",
  UpdateAlias: "AliasMoved",
  DeleteAlias: "AliasDeleted",
  CreateGrant: "GrantCreated",
};

/** The calls that put a policy on a key: it is read before they are announced. */
const CALLS_WITH_POLICY: readonly KmsCall[] = ["PutKeyPolicy", "ReplicateKey"];

const isEvent = (source: string, type: string): Source =>
  all(`$event.source = ${literal(source)}`, `$event.type = ${literal(type)}`);
const isOwnEvent = (event: keyof typeof KEYSPAN_EVENTS): Source =>
  isEvent(KEYSPAN_EVENTS[event].source, KEYSPAN_EVENTS[event].detailType);
const isCall: Source = `$event.type = ${literal(CLOUDTRAIL_DETAIL_TYPES.call)}`;
// KMS writes the second record of one call itself, and nobody documents as which type it comes.
// https://docs.aws.amazon.com/kms/latest/developerguide/ct-update-primary-region.html
const isKmsCall: Source = all(
  '$event.source = "aws.kms"',
  isOneOf("$event.type", Object.values(CLOUDTRAIL_DETAIL_TYPES)),
);
const isWatcherCall: Source = all(
  isOneOf(
    "$event.source",
    WATCHERS.map(({ source }) => source),
  ),
  isCall,
);
const isAlarm: Source = isEvent("aws.cloudwatch", "CloudWatch Alarm State Change");
const isAlarmAbout = (thing: string): Source =>
  all(isAlarm, '$alarm.state = "ALARM"', `$alarm.thing = ${literal(thing)}`);
const isDirectAlarm: Source = [`${STATE_MACHINES.announce}-`, `${KEYSPAN_PREFIX}delivery-`]
  .map((prefix) => startsWith("$alarm.name", prefix))
  .join(" or ");
const isRun: Source = isEvent("aws.states", "Step Functions Execution Status Change");

const rule = (next: string, condition: Source, comment?: string): ChoiceRule => ({
  ...(comment !== undefined && { Comment: comment }),
  Condition: expression(condition),
  Next: next,
});

/** What says nothing, and what each kind of event leads to: the first rule that holds. */
function choices(props: AnnounceProps): readonly ChoiceRule[] {
  const { watch, alertsTopicArn, auditTopicArn } = props;
  return [
    rule(
      STARTS_NOTHING,
      isOneOf("$event.ownTopic", [alertsTopicArn, auditTopicArn]),
      "A message of this machine itself",
    ),
    rule(ANYTHING_ELSE, not("$event.isWhole"), "No event as EventBridge makes them"),
    rule(
      STARTS_NOTHING,
      all(isRun, `$run.machine = ${literal(STATE_MACHINES.announce)}`),
      "A failure of this machine itself: alarms say it",
    ),
    rule(
      STARTS_NOTHING,
      all(isAlarm, isDirectAlarm),
      "An alarm about this machine: it acts on the topics itself",
    ),
    rule(NOT_ANNOUNCED, isOwnEvent("heartbeat"), "Heartbeats are counted elsewhere"),
    rule(
      NOT_ANNOUNCED,
      isOwnEvent("pulse"),
      "It only proves that this machine runs: an alarm counts its successes",
    ),
    rule(
      NOT_ANNOUNCED,
      all(isKmsCall, '$call.name = "UpdateKeyDescription"'),
      "Canaries are counted elsewhere",
    ),
    rule(
      NOT_ANNOUNCED,
      all(
        '$event.source = "aws.kms"',
        `$event.type = ${literal(CLOUDTRAIL_DETAIL_TYPES.serviceEvent)}`,
        isOneOf(
          "$call.name",
          Object.values(NATIVE_KMS_EVENTS).map(({ inCloudTrail }) => inCloudTrail),
        ),
      ),
      "The native event says it, so it is said once",
    ),
    rule(
      NOT_ANNOUNCED,
      all(isKmsCall, '$call.name = "CreateGrant"', not("$call.isByPerson")),
      "A grant by a service, for its own work",
    ),
    ...(watch === "managed"
      ? [
          rule(
            NOT_ANNOUNCED,
            all(
              '$event.source = "aws.kms"',
              "$event.isOwn",
              "$key.isClear",
              not("$key.isKnown"),
              '$key.aliasOwner = ""',
            ),
            "A key that is not Keyspan's, and only Keyspan's are watched",
          ),
        ]
      : []),
    rule("AttemptRefused", all(isKmsCall, "$call.isRefused")),
    rule(
      "WaitingForReplicas",
      all(
        isKmsCall,
        '$call.name = "ScheduleKeyDeletion"',
        '$call.keyState = "PendingReplicaDeletion"',
      ),
    ),
    ...Object.entries(STATE_OF_CALL).map(([call, state]) =>
      rule(
        CALLS_WITH_POLICY.includes(call as KmsCall) ? policyStateOf(state) : state,
        all(isKmsCall, `$call.name = ${literal(call)}`),
      ),
    ),
    rule("Deleted", isEvent("aws.kms", NATIVE_KMS_EVENTS.deletion.detailType)),
    rule("ImportedMaterialExpired", isEvent("aws.kms", NATIVE_KMS_EVENTS.expiration.detailType)),
    rule("Rotated", isEvent("aws.kms", NATIVE_KMS_EVENTS.rotation.detailType)),
    rule(
      NOT_ANNOUNCED,
      all(isWatcherCall, "$call.isByDeployRole"),
      "The deploy role applies the watchers",
    ),
    rule("WatcherCallRefused", all(isWatcherCall, "$call.isRefused")),
    rule("WatcherTouched", isWatcherCall),
    rule("Reminder", isOwnEvent("reminder")),
    rule("Summary", isOwnEvent("summary")),
    rule("RuleTrouble", isOwnEvent("ruleTrouble")),
    rule(
      "SubscriptionTrouble",
      all(isOwnEvent("subscriptionTrouble"), "$states.input.detail.nobody = false"),
    ),
    rule("NobodySubscribed", isOwnEvent("subscriptionTrouble")),
    rule("TrailTrouble", isOwnEvent("trailTrouble")),
    rule("RegionSilent", isAlarmAbout("heartbeat")),
    rule("CloudTrailLegSilent", isAlarmAbout("canary")),
    rule("SweepOverdue", isAlarmAbout("sweep")),
    rule("TrailCheckOverdue", isAlarmAbout("trail-check")),
    rule("DeliveryFailing", isAlarmAbout("dead-letters")),
    rule(
      "AlarmEnded",
      all(isAlarm, '$alarm.thing != ""', '$alarm.state = "OK"', '$alarm.before = "ALARM"'),
    ),
    rule(
      NOT_ANNOUNCED,
      all(
        isAlarm,
        '$alarm.thing != ""',
        `($alarm.state = "OK" and $alarm.before = "INSUFFICIENT_DATA") or $alarm.state = "INSUFFICIENT_DATA"`,
      ),
      "An alarm that was made, or has too little data: it neither began nor ended",
    ),
    rule(
      "SweepFailed",
      all(
        isRun,
        isOneOf("$run.machine", [STATE_MACHINES.sweep, STATE_MACHINES.trailCheck]),
        isOneOf("$run.status", ["FAILED", "TIMED_OUT", "ABORTED"]),
      ),
    ),
    rule(
      "TestMessage",
      all(isOwnEvent("testMessage"), "$event.isOwn"),
      "Those of other accounts are for their own subscribers",
    ),
    rule(NOT_ANNOUNCED, isOwnEvent("testMessage")),
  ];
}

const policyStateOf = (state: string): string => `${state}Policy`;

/** What finds out what to say, says it and publishes it. What fails in here is caught around it. */
function announcing(props: AnnounceProps): Readonly<Record<string, State>> {
  const messages = { ...KEY_MESSAGES, ...watcherMessages(props) };
  const policies = CALLS_WITH_POLICY.map((call) => STATE_OF_CALL[call]);
  return {
    ...readingStates(props, "WhatHappened"),
    WhatHappened: {
      Type: "Choice",
      Choices: choices(props),
      Default: ANYTHING_ELSE,
    },
    [STARTS_NOTHING]: {
      Type: "Succeed",
      Comment: "What this machine is the cause of must never start it: a loop",
    },
    [NOT_ANNOUNCED]: { Type: "Succeed", Comment: "The rule that led here says why" },
    [ANYTHING_ELSE]: {
      Type: "Fail",
      Comment: "The Catch around these states sends the event as it is",
      Error: "Keyspan.UnknownEvent",
      Cause: "Keyspan does not know this kind of event",
    },
    ...Object.fromEntries(
      policies.map((state) => [policyStateOf(state), readingPolicy(state, state)]),
    ),
    ...Object.fromEntries(
      Object.entries(messages).map(([name, message]) => [name, saying(message, "Render")]),
    ),
    Render: rendering(props.footer, "WhichTopic"),
    ...publishingStates({
      resource: statesIntegration(props.at.partition, "sns:publish"),
      alertsTopicArn: props.alertsTopicArn,
      auditTopicArn: props.auditTopicArn,
    }),
  };
}

const EVENT: Source = "$states.context.Execution.Input";

function rawText({ at, accountName, footer }: AnnounceProps): Source {
  const id = '$first([$clean($states.context.Execution.Input.id, 200), "without an id"])';
  const lines = text`Keyspan could not announce this event as it does others, so it comes as it is. It may be about a key that was disabled, changed or scheduled for deletion.

Why:           ${"$reason"}
Heard in:      ${literal(`${accountName} (${at.account}), ${at.region}`)}

What to do now
1. Read the event below: detail-type and eventName say what happened, resources which key it is about.
2. See where the announcement failed:
   aws stepfunctions get-execution-history --region ${literal(at.region)} --execution-arn ${"$states.context.Execution.Id"} --reverse-order --max-results 20

${footerText(footer)}Event:         ${id}

`;
  return withText(cutToSize(`${lines} & $clean($string(${EVENT}), ${MOST_OF_A_MESSAGE} * 5)`, id));
}

/** What every other way has failed to say: the event itself, by the second topic, else by the first. */
function raw(props: AnnounceProps): Readonly<Record<"SendRaw" | "SendRawOnFirst", State>> {
  const said = {
    resource: statesIntegration(props.at.partition, "sns:publish"),
    subject: `[CRITICAL] Event that Keyspan could not read (${props.accountName.slice(0, 30)})`,
    message: expression(rawText(props)),
    severity: "critical",
    kind: "unknown",
  };
  return {
    SendRaw: {
      ...publishing({ ...said, topicArn: props.auditTopicArn }),
      Catch: [{ ErrorEquals: ["States.ALL"], Next: "SendRawOnFirst" }],
      End: true,
    },
    SendRawOnFirst: {
      Comment: "If this fails too the execution does, and an alarm says so",
      ...publishing({ ...said, topicArn: props.alertsTopicArn }),
      End: true,
    },
  };
}

/**
 * The machine that turns events about keys, and about what watches them, into messages to people.
 *
 * Whatever fails in it, the event still goes out: as it is, by the second topic, else by the first.
 * What no Catch can take (`States.DataLimitExceeded`, `States.Runtime`) fails the execution, and an
 * alarm says so.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export function announceDefinition(props: AnnounceProps): StateMachineDefinition {
  return {
    Comment: "Keyspan: says what happened to a key, to which, by whom and what to do now",
    QueryLanguage: "JSONata",
    StartAt: "Announce",
    States: {
      Announce: {
        Type: "Parallel",
        Comment:
          "One branch, for the Catch: an expression that fails in a Pass or a Choice has none",
        Branches: [{ StartAt: "ReadEvent", States: announcing(props) }],
        Output: {},
        Catch: [
          {
            ErrorEquals: ["States.ALL"],
            Assign: { reason: FAILURE },
            Output: {},
            Next: "SendRaw",
          },
        ],
        End: true,
      },
      ...raw(props),
    },
  };
}

/** What the role of the machine may do besides: use the keys of the topics, by the keys' policies. */
export function announcePermissions(
  props: Pick<AnnounceProps, "alertsTopicArn" | "auditTopicArn">,
): readonly IdentityStatement[] {
  return [
    {
      Sid: "Publish",
      Effect: "Allow",
      Action: "sns:Publish",
      Resource: [props.alertsTopicArn, props.auditTopicArn],
    },
  ];
}
