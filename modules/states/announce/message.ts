import { expression, literal, type PassState } from "../asl";
import { orElse, type Source, text, when, withText } from "./expressions";
import type { MessageKind, Severity } from "./kinds";

/** What is said about one kind of event. Every source gives a text, whatever the event holds. */
export interface MessageProps {
  /** What happened, for whoever reads the machine. */
  readonly comment: string;
  readonly kind: MessageKind;
  /** How urgent it is, or the source of that. */
  readonly severity: Severity | { readonly source: Source };
  /** Begin of the subject: what happened to what. Region and account follow. */
  readonly head: Source;
  /**
   * Region of the subject.
   *
   * @default - that of the event
   */
  readonly region?: Source;
  /** First paragraph: one sentence or two that say what happened and what it means. */
  readonly what: Source;
  /** Lines of the second paragraph, by `line`; empty ones are left out. */
  readonly lines: readonly Source[];
  /** What to do now, in order; empty ones are left out. */
  readonly steps: readonly Source[];
  /**
   * Whether the steps are of use only if the event says which key it is about.
   *
   * @default false
   */
  readonly stepsNeedKey?: boolean;
}

// "Depends on it:" is the longest label.
const LABEL_CHARACTERS = 15;

/** A line that names a value. */
export function line(label: string, value: Source): Source {
  return text`${literal(`${label}:`.padEnd(LABEL_CHARACTERS))}${value}`;
}

/** A step with a command that can be pasted as it is. */
export function step(words: Source, command: Source): Source {
  return text`${words}\n   ${command}`;
}

/** Account, region and time of the event: in every message. */
export const PLACE_LINES: readonly Source[] = [
  line("Account", "$event.accountText"),
  line("Region", "$event.region"),
];

/** Who called, from where. */
export const CALLER_LINES: readonly Source[] = [line("By", "$call.by"), line("From", "$call.from")];

/** When it happened. */
export const TIME_LINE: Source = line("When", "$event.time");

/** The lines about the key and who did what to it. */
export function keyLines(by: readonly Source[]): readonly Source[] {
  return [
    line("Key", "$key.text"),
    when('$key.alias != ""', line("Alias", "$key.alias")),
    ...PLACE_LINES,
    ...by,
    TIME_LINE,
    line("Depends on it", "$key.dependants"),
  ];
}

/** A command about the key in the region of the event. */
export function kmsCommand(command: string, more: Source = literal("")): Source {
  return text`aws kms ${literal(command)} --region ${"$event.region"} --key-id ${"$key.reference"}${more}`;
}

/**
 * A command that shows the event in CloudTrail, which keeps it for 90 days.
 *
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events-cli.html
 */
export const LOOKUP_COMMAND: Source = text`aws cloudtrail lookup-events --region ${"$event.region"} --lookup-attributes ${"$call.lookup"} --max-results 5`;

/** The state that says a message: it writes its parts into the variable `message`. */
export function saying(props: MessageProps, next: string): PassState {
  const say = (source: Source) =>
    expression(/\$(clean|text|first)\(/.test(source) ? withText(source) : source);
  return {
    Type: "Pass",
    Comment: props.comment,
    Assign: {
      message: {
        kind: props.kind,
        severity:
          typeof props.severity === "string" ? props.severity : expression(props.severity.source),
        head: say(props.head),
        region: say(orElse(props.region ?? literal(""), "$event.region")),
        what: say(props.what),
        lines: props.lines.map(say),
        steps: props.steps.map(say),
        stepsNeedKey: props.stepsNeedKey ?? false,
      },
    },
    Next: next,
  };
}
