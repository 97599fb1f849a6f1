/** What is said about what watches the keys. */
import {
  FORWARD_DEAD_LETTER_QUEUE,
  FORWARD_RULE_PREFIX,
  KEYSPAN_PREFIX,
  SCHEDULE_GROUP,
  SCHEDULES,
  STATE_MACHINES,
  type WatchedThing,
} from "../../names";
import { type AwsLocation, queueUrl, SERVICE_SUFFIX, stateMachineArn } from "../../partition";
import { literal } from "../asl";
import {
  ACCOUNT_ID,
  all,
  either,
  located,
  matches,
  orElse,
  REGION_NAME,
  SAFE_IN_A_COMMAND,
  type Source,
  text,
  when,
} from "./expressions";
import {
  CALLER_LINES,
  kmsCommand,
  LOOKUP_COMMAND,
  line,
  type MessageProps,
  PLACE_LINES,
  step,
  TIME_LINE,
} from "./message";

/** What the messages about the watchers name. */
export interface WatcherProps {
  readonly at: AwsLocation;
  /** Name of the account, as the deploy command takes it. */
  readonly accountName: string;
}

const R: Source = "$event.region";
const DETAIL = "$states.input.detail";
const REQUEST = `${DETAIL}.requestParameters`;

/** An AWS service that Keyspan's watchers are made of. */
interface Watcher {
  /** What the service calls itself as source of events. */
  readonly source: string;
  /** What Keyspan has there. */
  readonly noun: string;
  /** A command that lists it, without `aws` and the region. */
  readonly list: string;
}

/**
 * The services whose calls are announced when they concern Keyspan's own resources.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
 */
export const WATCHERS: readonly Watcher[] = [
  {
    source: "aws.events",
    noun: "rule, target or event bus",
    list: `events list-rules --name-prefix ${KEYSPAN_PREFIX}`,
  },
  { source: "aws.sns", noun: "topic or subscription", list: "sns list-subscriptions" },
  {
    source: "aws.states",
    noun: "state machine",
    list: "stepfunctions list-state-machines",
  },
  {
    source: "aws.scheduler",
    noun: "schedule",
    list: `scheduler list-schedules --group-name ${SCHEDULE_GROUP}`,
  },
  { source: "aws.iam", noun: "role", list: "iam list-roles" },
  { source: "aws.cloudtrail", noun: "trail", list: "cloudtrail describe-trails" },
  {
    source: "aws.monitoring",
    noun: "alarm",
    list: `cloudwatch describe-alarms --alarm-name-prefix ${KEYSPAN_PREFIX}`,
  },
  {
    source: "aws.sqs",
    noun: "queue",
    list: `sqs list-queues --queue-name-prefix ${KEYSPAN_PREFIX}`,
  },
  { source: "aws.s3", noun: "log bucket", list: `s3api list-buckets --prefix ${KEYSPAN_PREFIX}` },
  {
    source: "aws.logs",
    noun: "log group",
    list: "logs describe-log-groups --log-group-name-pattern keyspan",
  },
];

/** Fields of a request that name what it is about, the most telling first. */
const NAMING_FIELDS: readonly string[] = [
  "subscriptionArn",
  "topicArn",
  "stateMachineArn",
  "roleName",
  "trailName",
  "alarmName",
  "alarmNames",
  "queueUrl",
  "bucketName",
  "logGroupName",
  "rule",
  "name",
  "eventBusName",
  "resourceArn",
  "resourceARN",
];

const NAMED: Source = `$first([${NAMING_FIELDS.map((field) => `$text(${REQUEST}.${field})`).join(", ")}])`;

const ofWatcher = (pick: (watcher: Watcher) => string, otherwise: string): Source =>
  WATCHERS.reduce(
    (rest, watcher) =>
      either(`$event.source = ${literal(watcher.source)}`, literal(pick(watcher)), rest),
    literal(otherwise),
  );

const deployStep = (accountName: string, why: string): Source =>
  step(literal(why), literal(`npm run deploy -- ${accountName} notifications`));

/** Up to some values of a list, each on a line of its own, and how many more there are. */
function bullets(list: Source, most: number, render: Source): Source {
  return `(
$all := [${list}];
$shown := $all[[0..${most - 1}]].("  - " & (${render}));
$lines := [$shown][[0..${most - 1}]];
$count($all) = 0 ? "  - none in the event" : $join([$lines], "\\n") & ($count($all) > ${most} ? "\\n  - and " & $string($count($all) - ${most}) & " more" : "")
)`;
}

/** A whole number of an event; 0 if it is none. */
const wholeNumber = (source: Source): Source => `($type(${source}) = "number" ? ${source} : 0)`;

const BY_KEYSPAN = (who: string): readonly Source[] => [
  ...PLACE_LINES,
  line("Told by", literal(who)),
  TIME_LINE,
];

const ALARM_LINES: readonly Source[] = [
  line("Account", "$event.accountText"),
  line("Region", "$alarm.region"),
  line("Since", "$alarm.since"),
  line("Alarm", text`${"$alarm.name"}, in ${R}`),
  line("Reason", "$alarm.reason"),
];

/** Where the event is from, and where an alarm looks. */
const WHERE = { account: "$event.account", region: "$event.region" };
const ALARM_WHERE = { account: "$event.account", region: "$alarm.region" };

function touched({ accountName }: WatcherProps): MessageProps {
  return {
    comment: "A call that changes what announces, by anybody but the deploy role",
    kind: "watcher-touched",
    severity: "critical",
    head: text`Keyspan's watchers touched: ${"$call.name"}`,
    what: text`Somebody called ${orElse("$call.name", literal("AWS"))} on what watches the keys in ${R} (${ofWatcher(({ noun }) => noun, "resource")}). From now on changes of keys may go unnoticed.`,
    lines: [
      line("Touched", orElse(NAMED, literal("not in the event"))),
      ...PLACE_LINES,
      ...CALLER_LINES,
      TIME_LINE,
      line("Request", orElse(`$text(${REQUEST})`, literal("not in the event"))),
    ],
    steps: [
      either(
        `$call.name = "StopLogging" and ${matches(NAMED, SAFE_IN_A_COMMAND)}`,
        step(
          literal("If nobody meant this, let the trail log again:"),
          text`aws cloudtrail start-logging --region ${R} --name ${NAMED}`,
        ),
        either(
          `$call.name = "DisableRule" and ${matches(`$text(${REQUEST}.name)`, SAFE_IN_A_COMMAND)}`,
          step(
            literal("If nobody meant this, enable the rule again:"),
            text`aws events enable-rule --region ${R} --name ${`$text(${REQUEST}.name)`}${when(
              matches(`$text(${REQUEST}.eventBusName)`, SAFE_IN_A_COMMAND),
              text` --event-bus-name ${`$text(${REQUEST}.eventBusName)`}`,
            )}`,
          ),
          literal(""),
        ),
      ),
      step(
        literal("See what is there now:"),
        text`aws ${ofWatcher(({ list }) => list, "cloudtrail describe-trails")} --region ${R}`,
      ),
      when("$event.isOwn", deployStep(accountName, "Put it back by applying the stack:")),
      step(literal("See the whole call:"), LOOKUP_COMMAND),
    ],
  };
}

const WATCHER_CALL_REFUSED: MessageProps = {
  comment: "A call on what announces that was refused: it did not happen",
  kind: "attempt-refused",
  severity: "warning",
  head: text`Keyspan's watchers: ${"$call.name"} refused`,
  what: text`Somebody called ${orElse("$call.name", literal("AWS"))} on what watches the keys in ${R} (${ofWatcher(({ noun }) => noun, "resource")}) and was refused: it did not happen, nothing has changed.`,
  lines: [
    line("Concerns", orElse(NAMED, literal("not in the event"))),
    ...PLACE_LINES,
    ...CALLER_LINES,
    TIME_LINE,
    line("Refused with", "$call.error"),
    when('$call.errorText != ""', line("Reason", "$call.errorText")),
  ],
  steps: [
    literal("If you know the caller and why it was tried, nothing has to be done."),
    step(literal("Else find out more about the call:"), LOOKUP_COMMAND),
  ],
};

const DAYS_LEFT: Source = `($left := ${DETAIL}.daysLeft; $type($left) = "number" ? $string($left) & ($left = 1 ? " day" : " days") : "a few days")`;

const REMINDER: MessageProps = {
  comment: "Keyspan Key Reminder: the sweep found a key that waits for its deletion",
  kind: "reminder",
  severity: { source: either(`${DETAIL}.severity = "critical"`, '"critical"', '"warning"') },
  head: text`${"$key.shortLabel"}: ${DAYS_LEFT} until it is deleted`,
  what: text`${"$key.title"} in ${R} will be deleted in ${DAYS_LEFT}. Then it is gone for ever, and with it all that was encrypted only under it.`,
  lines: [
    line("Key", "$key.text"),
    when('$key.alias != ""', line("Alias", "$key.alias")),
    ...BY_KEYSPAN("the daily sweep, which asked KMS"),
    line("Depends on it", "$key.dependants"),
    line("Deletion", orElse(`$text(${DETAIL}.deletionDate)`, literal("date not in the event"))),
  ],
  steps: [
    step(
      literal("If it must not be deleted, cancel the deletion:"),
      kmsCommand("cancel-key-deletion"),
    ),
    step(
      literal("Cancelling leaves the key disabled, so enable it as well:"),
      kmsCommand("enable-key"),
    ),
    literal(
      "If it is meant to be deleted, nothing has to be done. Reminders stop by themselves when the deletion is cancelled.",
    ),
  ],
  stepsNeedKey: true,
};

/** The troubles of a summary: field of the event, and how a line begins. */
const SUMMARIZED = [
  ["disabled", "Disabled, so of no use"],
  ["pendingReplicaDeletion", "To be deleted after their replicas"],
  ["pendingImport", "Without imported key material"],
  ["unavailable", "Unavailable, as their key store is"],
  ["unreadable", "Not readable for Keyspan"],
] as const;

const SUMMARY_TOTAL: Source = SUMMARIZED.map(([field]) =>
  wholeNumber(`${DETAIL}.${field}.count`),
).join(" + ");

const SUMMARY_COUNT: Source = `(${SUMMARY_TOTAL} = 1 ? "1 key" : $string(${SUMMARY_TOTAL}) & " keys")`;

/** The first key that a summary names; nothing if it names none that may stand in a command. */
const FIRST_OF_SUMMARY: Source = `[$filter([${SUMMARIZED.map(([field]) => `${DETAIL}.${field}.keyArns`).join(", ")}], function($one) { $type($one) = "string" ? ${matches("$one", "[A-Za-z0-9:/_-]+")} : false })][0]`;

const SUMMARY: MessageProps = {
  comment: "Keyspan Key Summary: troubles that last, once a week",
  kind: "summary",
  severity: "warning",
  head: text`Weekly summary: ${SUMMARY_COUNT}`,
  what: text`The weekly look at the keys in ${R} found ${SUMMARY_COUNT} that cannot be used or seen, and have been so for long.`,
  lines: [
    ...BY_KEYSPAN("the sweep, which asked KMS"),
    ...SUMMARIZED.map(([field, words]) =>
      when(
        `${wholeNumber(`${DETAIL}.${field}.count`)} > 0`,
        text`${literal(words)}: ${`$string(${wholeNumber(`${DETAIL}.${field}.count`)})`}\n${bullets(`${DETAIL}.${field}.keyArns`, 20, "$clean($, 200)")}`,
      ),
    ),
  ],
  steps: [
    step(
      literal("See what is wrong with a key, by its ARN; this is the first:"),
      either(
        `$exists(${FIRST_OF_SUMMARY})`,
        text`aws kms describe-key --region ${R} --key-id ${FIRST_OF_SUMMARY}`,
        text`aws kms list-keys --region ${R}`,
      ),
    ),
    literal("Enable what is used, and schedule the deletion of what nobody needs."),
  ],
};

function ruleTrouble({ accountName }: WatcherProps): MessageProps {
  return {
    comment: "Keyspan Rule Trouble: a rule or target is not as it was deployed",
    kind: "rule-trouble",
    severity: "critical",
    head: literal("Keyspan's rules are not as deployed"),
    what: text`The rules that carry events about keys in ${R} are not as they were deployed: changes of keys may go unnoticed.`,
    lines: [
      ...BY_KEYSPAN("the daily sweep"),
      text`Troubles: ${`$string(${wholeNumber(`${DETAIL}.count`)})`}\n${bullets(
        `${DETAIL}.troubles`,
        20,
        text`rule ${"$first([$clean($.ruleName, 100), 'without a name'])"} on ${"$first([$clean($.eventBusName, 100), 'a bus without a name'])"}: ${"$first([$clean($.problem, 300), 'problem not in the event'])"}`,
      )}`,
    ],
    steps: [
      when("$event.isOwn", deployStep(accountName, "Put them back by applying the stack:")),
      step(
        literal("See the rules:"),
        text`aws events list-rules --region ${R} --name-prefix ${literal(KEYSPAN_PREFIX)}`,
      ),
      step(
        literal("Find out who changed them:"),
        text`aws cloudtrail lookup-events --region ${R} --lookup-attributes AttributeKey=EventSource,AttributeValue=${literal(`events${SERVICE_SUFFIX}`)}`,
      ),
    ],
  };
}

/** Topics at most in the message; Keyspan has two. */
const MOST_TOPICS = 10;

/** What the sweep found: the topics in trouble, and which troubles they have. */
const withTopics = (source: Source): Source => `(
$topics := [$filter([${DETAIL}.topics], function($one) { $type($one) = "object" })];
$counted := [$filter($topics, function($one) { $text($one.problem) = "" })];
$isMissing := $count([$filter($counted, function($one) { ${wholeNumber("$one.confirmed")} < ${wholeNumber("$one.expected")} or ${wholeNumber("$one.pending")} > 0 })]) > 0;
$isUncounted := $count($counted) < $count($topics);
$strangers := $sum([0, $counted.${wholeNumber("$.unexpected")}]);
${source}
)`;

const STRANGERS: Source = text`${"$string($strangers)"}${either("$strangers = 1", literal(" subscription that is not Keyspan's"), literal(" subscriptions that are not Keyspan's"))}: somebody may read along.`;

/** One topic in trouble; what could not be counted is not said as none. */
const TOPIC_LINE: Source = text`${"$first([$clean($.topicArn, 300), 'a topic without a name'])"}: ${either(
  '$text($.problem) != ""',
  text`${"$clean($.problem, 300)"} (${`$string(${wholeNumber("$.expected")})`} expected)`,
  text`${`$string(${wholeNumber("$.confirmed")})`} confirmed and ${`$string(${wholeNumber("$.pending")})`} waiting, of ${`$string(${wholeNumber("$.expected")})`}${when(
    `${wholeNumber("$.unexpected")} > 0`,
    text`, and ${`$string(${wholeNumber("$.unexpected")})`} not Keyspan's`,
  )}`,
)}`;

/** A command for each topic in trouble whose ARN may stand in one. */
const LIST_SUBSCRIPTIONS: Source = `(
$arns := [$filter($topics.($text(topicArn)), function($one) { ${matches("$one", SAFE_IN_A_COMMAND)} })];
$commands := [$arns[[0..${MOST_TOPICS - 1}]].(${text`aws sns list-subscriptions-by-topic --region ${R} --topic-arn ${"$"}`})];
$count($commands) = 0 ? ${text`aws sns list-subscriptions --region ${R}`} : $join($commands, "\\n   ")
)`;

function subscriptionTrouble(nobody: boolean, { accountName }: WatcherProps): MessageProps {
  const isMissing = nobody ? "true" : "$isMissing";
  return {
    comment: nobody
      ? "Keyspan Subscription Trouble: a topic without any subscription"
      : "Keyspan Subscription Trouble: subscriptions that are missing, not confirmed or strangers'",
    kind: nobody ? "nobody-subscribed" : "subscription-trouble",
    severity: nobody ? "critical" : "warning",
    head: nobody
      ? literal("Nobody is subscribed to a Keyspan topic")
      : withTopics(
          either(
            "$strangers > 0",
            literal("Unknown subscriptions to Keyspan"),
            either(
              "$isUncounted and $not($isMissing)",
              literal("Subscriptions to Keyspan not checked"),
              literal("Subscriptions to Keyspan are missing"),
            ),
          ),
        ),
    what: withTopics(
      `$join([$filter([${[
        nobody
          ? text`A topic of Keyspan in ${R} has no confirmed subscription that Keyspan made: what is published there does not reach whom it should.`
          : when(
              `$isMissing or $not($isUncounted or $strangers > 0)`,
              text`Subscriptions to Keyspan's topics in ${R} are missing or not confirmed: somebody who should hear about keys does not.`,
            ),
        when(
          nobody ? "false" : "$isUncounted",
          text`Who is subscribed to a topic of Keyspan in ${R} is not known: somebody who should hear about keys may not.`,
        ),
        when("$strangers > 0", text`Keyspan's topics in ${R} have ${STRANGERS}`),
      ].join(", ")}], function($one) { $one != "" })], " ")`,
    ),
    lines: [
      ...BY_KEYSPAN("the daily sweep, which asked SNS"),
      text`Topics:\n${bullets(`${DETAIL}.topics`, MOST_TOPICS, TOPIC_LINE)}`,
    ],
    steps: [
      withTopics(
        when(
          isMissing,
          literal(
            'Ask whoever waits to follow the link in the mail "AWS Notification - Subscription Confirmation".',
          ),
        ),
      ),
      withTopics(
        step(literal("See who is subscribed to each topic in trouble:"), LIST_SUBSCRIPTIONS),
      ),
      withTopics(
        when(
          "$strangers > 0",
          step(
            literal("Find out who made the subscriptions that are not Keyspan's:"),
            text`aws cloudtrail lookup-events --region ${R} --lookup-attributes AttributeKey=EventName,AttributeValue=Subscribe`,
          ),
        ),
      ),
      withTopics(
        when(
          "$strangers > 0",
          step(
            literal("Remove each of them, or put it in the account's file if it is meant to be:"),
            text`aws sns unsubscribe --region ${R} --subscription-arn <ARN from the list>`,
          ),
        ),
      ),
      withTopics(
        when(
          nobody ? "$event.isOwn" : "$event.isOwn and ($isMissing or $isUncounted)",
          deployStep(accountName, "Subscribe again who is missing by applying the stack:"),
        ),
      ),
    ],
  };
}

const PROBLEMS = (field: string): Source =>
  bullets(`${DETAIL}.${field}`, 20, "$first([$clean($, 500), 'not in the event'])");

const TRAIL_ARN: Source = `$text(${DETAIL}.trailArn)`;

/** How the check of the trail says that it was stopped. */
export const IS_NOT_LOGGING = "is not logging";

// A trail is started in its own region, by its own account:
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StartLogging.html
const START_LOGGING: Source = `(
$parts := $split(${TRAIL_ARN}, ":");
$command := ${text`aws cloudtrail start-logging --region ${"$parts[3]"} --name ${TRAIL_ARN}`};
${when(
  all(
    `${literal(IS_NOT_LOGGING)} in [${DETAIL}.problems]`,
    matches(TRAIL_ARN, SAFE_IN_A_COMMAND),
    "$count($parts) >= 6",
    matches("$parts[3]", REGION_NAME),
    matches("$parts[4]", ACCOUNT_ID),
  ),
  either(
    "$parts[4] = $event.account",
    step(literal("Let it log again, and find out who stopped it:"), "$command"),
    step(
      text`The trail belongs to account ${"$parts[4]"}, and only somebody there can let it log again. Ask them to run:`,
      "$command",
    ),
  ),
)}
)`;

const TRAIL_STEPS: readonly Source[] = [
  START_LOGGING,
  step(
    literal("See the trails, and whether each logs:"),
    text`aws cloudtrail describe-trails --region ${R}`,
  ),
  either(
    matches(TRAIL_ARN, SAFE_IN_A_COMMAND),
    step(
      literal("See the state of the trail that Keyspan relies on:"),
      text`aws cloudtrail get-trail-status --region ${R} --name ${TRAIL_ARN}`,
    ),
    literal(""),
  ),
  literal(
    "Until it logs again, look at the states of the keys by hand: only their deletion is announced without it.",
  ),
];

const TRAIL_TROUBLE: MessageProps = {
  comment: "Keyspan Trail Trouble: the trail that the rules need does not record what they need",
  kind: "trail-trouble",
  severity: "critical",
  head: literal("Trail does not record changes of keys"),
  what: text`The trail that Keyspan relies on in ${R} does not record what it must. Without it nobody hears that a key is disabled or scheduled for deletion.`,
  lines: [
    line("Trail", orElse(TRAIL_ARN, literal("none was found"))),
    ...BY_KEYSPAN("the hourly check of the trail"),
    line("Since", orElse(`$text(${DETAIL}.since)`, literal("not known"))),
    text`Problems:\n${PROBLEMS("problems")}`,
    when(`$count(${DETAIL}.unread) > 0`, text`What could not be looked at:\n${PROBLEMS("unread")}`),
  ],
  steps: TRAIL_STEPS,
};

const CANARY_SILENT: MessageProps = {
  comment: "Alarm keyspan-watch-canary-<region>: the daily test change did not come back",
  kind: "trail-trouble",
  severity: "critical",
  region: "$alarm.region",
  head: literal("CloudTrail leg silent"),
  what: text`The daily test change of a key in ${"$alarm.region"} did not come back through CloudTrail. Until it does, nobody may hear that a key there is disabled or scheduled for deletion.`,
  lines: ALARM_LINES,
  steps: [
    step(
      literal("See whether the test change was made:"),
      text`aws cloudtrail lookup-events --region ${"$alarm.region"} --lookup-attributes AttributeKey=EventName,AttributeValue=UpdateKeyDescription --max-results 5`,
    ),
    step(
      literal("If not, see its schedule:"),
      text`aws scheduler get-schedule --region ${"$alarm.region"} --group-name ${literal(SCHEDULE_GROUP)} --name ${literal(SCHEDULES.canary)}`,
    ),
    step(
      literal("If so, see whether a trail logs write events of KMS there:"),
      text`aws cloudtrail describe-trails --region ${"$alarm.region"}`,
    ),
    step(
      literal("See that the rules which forward are enabled:"),
      text`aws events list-rules --region ${"$alarm.region"} --name-prefix ${literal(FORWARD_RULE_PREFIX)}`,
    ),
  ],
};

const REGION_SILENT: MessageProps = {
  comment: "Alarm keyspan-watch-heartbeat-<region>: no heartbeat came from the region",
  kind: "region-silent",
  severity: "critical",
  region: "$alarm.region",
  head: literal("No heartbeat"),
  what: text`No heartbeat has come from ${"$alarm.region"} since about ${"$alarm.since"}: what happens to keys there may go unnoticed.`,
  lines: ALARM_LINES,
  steps: [
    step(
      literal("See that the rules which forward are enabled:"),
      text`aws events list-rules --region ${"$alarm.region"} --name-prefix ${literal(FORWARD_RULE_PREFIX)}`,
    ),
    step(
      literal("See the schedule of the heartbeat:"),
      text`aws scheduler get-schedule --region ${"$alarm.region"} --group-name ${literal(SCHEDULE_GROUP)} --name ${literal(SCHEDULES.heartbeat)}`,
    ),
    literal(
      "See whether AWS reports trouble in the region: https://health.aws.amazon.com/health/status",
    ),
    literal("Until it is heard again, look at the states of the keys there by hand."),
  ],
};

function sweepFailed(
  { at }: WatcherProps,
  check: {
    readonly machine: string;
    readonly schedule: string;
    readonly what: string;
    readonly loss: string;
  },
): MessageProps {
  const machineArn = located(at.partition, ALARM_WHERE, (there) =>
    stateMachineArn(there, check.machine),
  );
  return {
    comment: `Alarm about ${check.machine}: it has not succeeded for too long`,
    kind: "sweep-failed",
    severity: "critical",
    region: "$alarm.region",
    head: text`${literal(check.machine)} has not succeeded`,
    what: text`${literal(check.what)} in ${"$alarm.region"} has not succeeded since about ${"$alarm.since"}: ${literal(check.loss)}.`,
    lines: ALARM_LINES,
    steps: [
      step(
        literal("See its last executions:"),
        text`aws stepfunctions list-executions --region ${"$alarm.region"} --state-machine-arn ${machineArn} --max-results 5`,
      ),
      step(
        literal("If there is none, see its schedule:"),
        text`aws scheduler get-schedule --region ${"$alarm.region"} --group-name ${literal(SCHEDULE_GROUP)} --name ${literal(check.schedule)}`,
      ),
    ],
  };
}

function runFailed({ at }: WatcherProps): MessageProps {
  const machineArn = located(at.partition, WHERE, (there) => stateMachineArn(there, ""));
  return {
    comment: "An execution of keyspan-sweep or keyspan-trail-check failed",
    kind: "sweep-failed",
    severity: "critical",
    head: text`${"$run.machine"} ${"$lowercase($run.status)"}`,
    what: text`An execution of ${"$run.machine"} in ${R} ended as ${"$run.status"}: what it looks for, among it reminders of deletions, may go unnoticed there until the next one succeeds.`,
    lines: [
      line("Execution", orElse("$run.arn", literal("not in the event"))),
      ...PLACE_LINES,
      TIME_LINE,
      line("Error", orElse("$run.error", literal("not in the event"))),
      line("Cause", orElse("$run.cause", literal("not in the event"))),
    ],
    steps: [
      either(
        matches("$run.arn", SAFE_IN_A_COMMAND),
        step(
          literal("See where it failed:"),
          text`aws stepfunctions get-execution-history --region ${R} --execution-arn ${"$run.arn"} --reverse-order --max-results 5`,
        ),
        literal(""),
      ),
      step(
        literal("See whether a later one succeeded:"),
        text`aws stepfunctions list-executions --region ${R} --state-machine-arn ${machineArn}${"$run.machine"} --max-results 5`,
      ),
    ],
  };
}

const deadLetterQueue = (at: AwsLocation): Source =>
  located(at.partition, ALARM_WHERE, (there) => queueUrl(there, FORWARD_DEAD_LETTER_QUEUE));

const receiveCommand = (at: AwsLocation): Source =>
  text`aws sqs receive-message --region ${"$alarm.region"} --queue-url ${deadLetterQueue(at)} --max-number-of-messages 10 --message-attribute-names All`;

function deliveryFailing({ at }: WatcherProps): MessageProps {
  return {
    comment: "Alarm keyspan-watch-dead-letters-<region>: events could not be forwarded",
    kind: "delivery-failing",
    severity: "critical",
    region: "$alarm.region",
    head: literal("Events about keys could not be forwarded"),
    what: text`Events of ${"$alarm.region"} could not be forwarded at about ${"$alarm.since"}: they went to the dead-letter queue ${literal(FORWARD_DEAD_LETTER_QUEUE)} there, which keeps them for 14 days, and nobody has heard of them.`,
    lines: ALARM_LINES,
    steps: [
      step(
        literal(
          "Read what the queue holds, ten at a time, and why it could not be forwarded (attribute ERROR_CODE). The key alerts encrypts it: only its users may read it (keys.alerts.users in the account's file).",
        ),
        receiveCommand(at),
      ),
      step(
        literal("See the rules and their targets:"),
        text`aws events list-rules --region ${"$alarm.region"} --name-prefix ${literal(FORWARD_RULE_PREFIX)}`,
      ),
      literal("Act on each event as if it had been announced: it may be about a key."),
      step(
        literal(
          "When all of it has been dealt with, empty the queue. This deletes also what was not read:",
        ),
        text`aws sqs purge-queue --region ${"$alarm.region"} --queue-url ${deadLetterQueue(at)}`,
      ),
    ],
  };
}

/** What such an alarm said, by what it watches. */
const SAID: Readonly<Record<WatchedThing, string>> = {
  "dead-letters": "events could not be forwarded",
  sweep: "no sweep",
  "trail-check": "no check of the trail",
  heartbeat: "no heartbeat",
  canary: "CloudTrail leg silent",
};
const ALARM_WORDS: Source = Object.entries(SAID).reduce(
  (rest, [thing, words]) => either(`$alarm.thing = ${literal(thing)}`, literal(words), rest),
  "$alarm.name",
);

// That alarm counts what goes to the queue, not what is in it.
const IS_ABOUT_DEAD_LETTERS: Source = '$alarm.thing = "dead-letters"';

function alarmEnded({ at }: WatcherProps): MessageProps {
  return {
    comment: "Such an alarm is over",
    kind: "alarm-ended",
    severity: "info",
    region: "$alarm.region",
    head: text`Over: ${ALARM_WORDS}`,
    what: text`The alarm about ${"$alarm.region"} (${ALARM_WORDS}) is over: ${either(
      IS_ABOUT_DEAD_LETTERS,
      text`no more events go to the dead-letter queue ${literal(FORWARD_DEAD_LETTER_QUEUE)} there. Those that went there stay in it until somebody deletes them, or for 14 days.`,
      literal("what it watches works again."),
    )}`,
    lines: ALARM_LINES,
    steps: [
      either(
        IS_ABOUT_DEAD_LETTERS,
        step(
          literal(
            "If nobody has dealt with what went to the queue, read it; users of key alerts may:",
          ),
          receiveCommand(at),
        ),
        literal("See what happened to the keys in the meantime: it may have gone unnoticed."),
      ),
      literal("Nothing else has to be done."),
    ],
  };
}

function testMessage({ accountName }: WatcherProps): MessageProps {
  return {
    comment: "Keyspan Test Message: once a month, on both topics",
    kind: "test-message",
    severity: "critical",
    head: literal("Test message"),
    what: text`This is a test. Whoever reads it hears what Keyspan announces about the keys of ${literal(accountName)}. It comes once a month, on each of the two topics.`,
    lines: [...PLACE_LINES, TIME_LINE],
    steps: [
      literal("If it came twice, by the first topic and by the second, nothing has to be done."),
      literal("If somebody who should get it did not, subscribe them in the account's file."),
    ],
  };
}

/** What is said about what watches the keys, by the name of the state that says it. */
export function watcherMessages(props: WatcherProps) {
  return {
    WatcherTouched: touched(props),
    WatcherCallRefused: WATCHER_CALL_REFUSED,
    Reminder: REMINDER,
    Summary: SUMMARY,
    RuleTrouble: ruleTrouble(props),
    NobodySubscribed: subscriptionTrouble(true, props),
    SubscriptionTrouble: subscriptionTrouble(false, props),
    TrailTrouble: TRAIL_TROUBLE,
    CloudTrailLegSilent: CANARY_SILENT,
    RegionSilent: REGION_SILENT,
    SweepOverdue: sweepFailed(props, {
      machine: STATE_MACHINES.sweep,
      schedule: SCHEDULES.sweep,
      what: "The daily sweep",
      loss: "nobody is reminded of deletions there, and what no event told is not found",
    }),
    TrailCheckOverdue: sweepFailed(props, {
      machine: STATE_MACHINES.trailCheck,
      schedule: SCHEDULES.trailCheck,
      what: "The hourly check of the trail",
      loss: "a trail that does not record changes of keys there goes unnoticed",
    }),
    SweepFailed: runFailed(props),
    DeliveryFailing: deliveryFailing(props),
    AlarmEnded: alarmEnded(props),
    TestMessage: testMessage(props),
  } as const satisfies Readonly<Record<string, MessageProps>>;
}
