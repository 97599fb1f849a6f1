import type { Expression, PassState, Retrier, State, TaskState } from "../asl";
import { expression, literal } from "../asl";
import { either, type Source, text, withText } from "./expressions";
import { LOOKUP_COMMAND, step } from "./message";

/**
 * Longest subject: SNS takes fewer than 100 characters, ASCII without line breaks or control
 * characters, beginning with a letter, a number or punctuation.
 *
 * @see https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 */
export const MOST_OF_A_SUBJECT = 99;

/**
 * Longest message, in characters. SNS takes 262,144 bytes of UTF-8 with the attributes, and Step
 * Functions as many of a task's arguments; no character has more than 4 bytes, and neither has one
 * that JSON escapes, for control characters are taken out before.
 *
 * @see https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const MOST_OF_A_MESSAGE = 60_000;

/** Longest middle part of a message, in characters, so that what to do always follows. */
const MOST_OF_LINES = 40_000;

/** What stands under every message. */
export interface Footer {
  /** Link to the account's own runbook. */
  readonly runbook?: string;
  /** Whom to ask. */
  readonly contact?: string;
}

/** Source of the footer's lines, without the id of the event. */
export function footerText({ runbook, contact }: Footer): Source {
  return literal(
    [
      ...(runbook === undefined ? [] : [`Runbook:       ${runbook}\n`]),
      ...(contact === undefined ? [] : [`Contact:       ${contact}\n`]),
    ].join(""),
  );
}

/** A text cut to what SNS takes, with a last line that says so and which event it was. */
export function cutToSize(source: Source, id: Source): Source {
  return `(
$whole := ${source};
$length($whole) <= ${MOST_OF_A_MESSAGE} ? $whole
  : $substring($whole, 0, ${MOST_OF_A_MESSAGE}) & ${text`\n… (cut: ${`$string($length($whole) - ${MOST_OF_A_MESSAGE})`} more characters of event ${id} are left out)`}
)`;
}

/** Text as a subject takes it. */
export function asSubject(source: Source): Source {
  return `$replace(${source}, /[^ -~]+/, "?")`;
}

/** The state that makes a subject and a body of the variable `message`. */
export function rendering(footer: Footer, next: string): PassState {
  const tail = text` in ${"$message.region"} (${"$substring($event.accountLabel, 0, 30)"})`;
  const steps = either(
    '$message.stepsNeedKey and $key.reference = ""',
    `[${step(literal("Find out which key it is from the event:"), LOOKUP_COMMAND)}]`,
    '[$filter($message.steps, function($one) { $one != "" })]',
  );
  return {
    Type: "Pass",
    Comment: "Subject and text, cut to what SNS takes",
    Assign: {
      subject: expression(`(
$head := "[" & $uppercase($message.severity) & "] " & $message.head;
$tail := ${tail};
$room := ${MOST_OF_A_SUBJECT} - $length($tail);
$fitting := $length($head) > $room ? $substring($head, 0, $room - 3) & "..." : $head;
${asSubject("$fitting & $tail")}
)`),
      body: expression(
        cutToSize(
          `$message.what & "\\n\\n"
& (
  $lines := $join([$filter($message.lines, function($one) { $one != "" })], "\\n");
  $length($lines) > ${MOST_OF_LINES} ? $substring($lines, 0, ${MOST_OF_LINES}) & "… (cut)" : $lines
) & "\\n\\n"
& "What to do now" & ($event.isOwn ? "" : " (in account " & $event.account & ")") & "\\n"
& (
  $steps := ${steps};
  $join([$map($steps, function($one, $index) { $string($index + 1) & ". " & $one })], "\\n")
) & "\\n\\n"
& ${footerText(footer)} & "Event:         " & $event.id`,
          "$event.id",
        ),
      ),
    },
    Next: next,
  };
}

// Every error is tried again for a few seconds, not only throttling: under which name Step Functions
// passes on an error of SNS is not documented for each, and a message twice is better than none.
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
const RETRY: readonly Retrier[] = [
  {
    ErrorEquals: ["States.ALL"],
    IntervalSeconds: 1,
    MaxAttempts: 3,
    BackoffRate: 2,
    JitterStrategy: "FULL",
  },
];

/** What a publication says, and where it goes. */
export interface PublishingProps {
  readonly resource: string;
  readonly topicArn: string;
  readonly subject: string;
  readonly message: Expression;
  readonly severity: string;
  readonly kind: string;
}

/** A task that publishes, without what comes after it. */
export function publishing(props: PublishingProps): Omit<TaskState, "Next" | "End" | "Catch"> {
  return {
    Type: "Task",
    Resource: props.resource,
    Arguments: {
      TopicArn: props.topicArn,
      Subject: props.subject,
      Message: props.message,
      MessageAttributes: {
        severity: { DataType: "String", StringValue: props.severity },
        kind: { DataType: "String", StringValue: props.kind },
      },
    },
    TimeoutSeconds: 60,
    Retry: RETRY,
    Output: { messageId: "{% $states.result.MessageId %}" },
  };
}

/** What went wrong, for the message that goes another way: the error that a Catch has taken. */
export const FAILURE: Expression = expression(
  withText(
    '$first([$clean($states.errorOutput.Error, 200), "an error without a name"]) & ": " & $first([$clean($states.errorOutput.Cause, 1000), "no cause was given"])',
  ),
);

// A topic that has lost its subscribers cannot say so. Of another account's topics the one is enough:
// here nobody is missing.
const CONCERNS_BOTH_TOPICS: Source = `$message.kind = "test-message" or (
  $event.isOwn and (
    $message.kind in ["nobody-subscribed", "subscription-trouble"]
    or ($message.kind = "watcher-touched" and $event.source = "aws.sns")
  )
)`;

/** States that publish the variables `subject` and `body`. */
export function publishingStates(props: {
  readonly resource: string;
  readonly alertsTopicArn: string;
  readonly auditTopicArn: string;
}): Readonly<Record<string, State>> {
  const said = {
    resource: props.resource,
    subject: "{% $subject %}",
    severity: "{% $message.severity %}",
    kind: "{% $message.kind %}",
  };
  const whole = "{% $body %}" as const;
  const instead = (topic: string) =>
    expression(
      text`The ${literal(topic)} topic could not take this message, so it comes by the other: ${"$failure"}\n\n${"$body"}`,
    );
  const first = { ...said, topicArn: props.alertsTopicArn };
  const second = { ...said, topicArn: props.auditTopicArn };
  const orElseTo = (next: string) => [
    { ErrorEquals: ["States.ALL"], Assign: { failure: FAILURE }, Next: next },
  ];
  return {
    WhichTopic: {
      Type: "Choice",
      Comment:
        "What concerns the first topic's key must not depend on it, nor on one topic what concerns who hears",
      Choices: [
        { Condition: expression(CONCERNS_BOTH_TOPICS), Next: "BothOnFirstTopic" },
        { Condition: '{% $key.name = "alerts" %}', Next: "PublishOnSecondTopic" },
      ],
      Default: "PublishOnFirstTopic",
    },
    PublishOnFirstTopic: {
      ...publishing({ ...first, message: whole }),
      Catch: orElseTo("PublishOnSecondTopicInstead"),
      End: true,
    },
    PublishOnSecondTopicInstead: {
      ...publishing({ ...second, message: instead("first") }),
      End: true,
    },
    PublishOnSecondTopic: {
      ...publishing({ ...second, message: whole }),
      Catch: orElseTo("PublishOnFirstTopicInstead"),
      End: true,
    },
    PublishOnFirstTopicInstead: {
      ...publishing({ ...first, message: instead("second") }),
      End: true,
    },
    BothOnFirstTopic: {
      ...publishing({ ...first, message: expression(text`${"$body"}\nTopic:         the first`) }),
      Catch: orElseTo("BothOnSecondTopicInstead"),
      Next: "BothOnSecondTopic",
    },
    BothOnSecondTopic: {
      ...publishing({
        ...second,
        message: expression(text`${"$body"}\nTopic:         the second`),
      }),
      End: true,
    },
    BothOnSecondTopicInstead: {
      ...publishing({ ...second, message: instead("first") }),
      End: true,
    },
  };
}
