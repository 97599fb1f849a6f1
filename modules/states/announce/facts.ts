import { type WatchedThing, watchAlarmName } from "../../names";
import { type AwsLocation, SERVICE_SUFFIX } from "../../partition";
import { expression, literal, type PassState, type State, type Template } from "../asl";
import {
  ACCOUNT_ID,
  all,
  EVENT_ID,
  either,
  endsWith,
  KEY_ID,
  literalTexts,
  matches,
  orElse,
  REGION_NAME,
  type Source,
  startsWith,
  text,
  withText,
} from "./expressions";

/** A key that Keyspan knows, as `announce` needs it. */
export interface AnnouncedKey {
  /** Name in the configuration. */
  readonly name: string;
  /** Its ARNs, one per region. They may be tokens: only run time compares what follows `:key/`. */
  readonly keyArns: readonly string[];
  /** Its alias, the same in each region, such as `alias/keyspan-archive`. */
  readonly alias?: string;
  /** What depends on it, by region, such as "event bus orders". */
  readonly dependants: Readonly<Record<string, readonly string[]>>;
}

/** What is known of an event when nothing is. */
export const NOT_IN_THE_EVENT = "not in the event";

const INPUT = "$states.input";
const DETAIL = `${INPUT}.detail`;
const IDENTITY = `${DETAIL}.userIdentity`;
const REQUEST = `${DETAIL}.requestParameters`;
const RESPONSE = `${DETAIL}.responseElements`;

/** Props of {@link readingStates}. */
export interface ReadingProps {
  readonly at: AwsLocation;
  readonly accountName: string;
  readonly keys: readonly AnnouncedKey[];
  readonly deployRoles: readonly string[];
  readonly isOrganizationHub: boolean;
}

/**
 * The states that read what every message needs, each fact once.
 *
 * They stand where a Catch takes what fails in them: inside the Parallel. The variables that the
 * states after them read are `event` (the envelope), `call` (a record of CloudTrail), `alarm`, `run`
 * (the end of an execution) and `key`; each field is a text of one line or a boolean, whatever the
 * event holds.
 *
 * @param next - the state after them
 */
export function readingStates(
  props: ReadingProps,
  next: string,
): Readonly<Record<"ReadEvent" | "FindKey", State>> {
  const readEvent: PassState = {
    Type: "Pass",
    Comment: "What happened, where, when and by whom, each as clean text",
    Assign: {
      ownKeys: props.keys.map(
        ({ name, keyArns, alias, dependants }): Template => ({
          name,
          keyArns,
          alias: alias ?? "",
          dependants,
        }),
      ),
      event: expression(withText(event(props))),
      call: expression(withText(call(props))),
      alarm: expression(withText(ALARM)),
      run: expression(withText(RUN)),
    },
    Next: "FindKey",
  };
  const findKey: PassState = {
    Type: "Pass",
    Comment: "Which key it is about, whose it is and what depends on it",
    Assign: { key: expression(withText(key(props.at.account))) },
    Next: next,
  };
  return { ReadEvent: readEvent, FindKey: findKey };
}

// EventBridge sets account, region, time and id of every event:
// https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html
function event({ at, accountName, isOrganizationHub }: ReadingProps): Source {
  const elsewhere = isOrganizationHub
    ? "(not this account: its events come to this hub, the organization's)"
    : "(not this account, and this hub is not the organization's: see who may put events on it)";
  return `(
$account := $text(${INPUT}.account);
$region := $text(${INPUT}.region);
$id := $text(${INPUT}.id);
$isOwn := $account = ${literal(at.account)};
{
  "source": $text(${INPUT}.source),
  "type": $text(${INPUT}.\`detail-type\`),
  "id": $id,
  "account": $account,
  "region": $region,
  "time": ${orElse(`$text(${INPUT}.time)`, literal(NOT_IN_THE_EVENT))},
  "isWhole": ${all(matches("$account", ACCOUNT_ID), matches("$region", REGION_NAME), '$id != ""')},
  "isOwn": $isOwn,
  "accountLabel": ${either("$isOwn", literal(accountName), "$account")},
  "accountText": ${either("$isOwn", literal(`${accountName} (${at.account})`), text`${"$account"} ${literal(elsewhere)}`)},
  "ownTopic": $text(${INPUT}.TopicArn)
})`;
}

// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
function call({ at, deployRoles }: ReadingProps): Source {
  return `(
$arn := $text(${IDENTITY}.arn);
$invokedBy := $text(${IDENTITY}.invokedBy);
$caller := $text(${IDENTITY}.accountId);
$account := $text(${INPUT}.account);
$ip := $text(${DETAIL}.sourceIPAddress);
$issuer := $text(${IDENTITY}.sessionContext.sessionIssuer.arn);
$role := ${orElse("$issuer", "$arn")};
$who := $first([$arn, $text(${IDENTITY}.principalId), $text(${IDENTITY}.userName), $invokedBy, $caller]);
$inAccount := function($one) { $replace($one, /:[0-9]{12}:role\\//, ":" & $account & ":role/") };
$own := [${literalTexts(deployRoles)}];
$deployRoles := $account = ${literal(at.account)} ? $own : $own.($inAccount($));
$id := $text(${DETAIL}.eventID);
$name := $text(${DETAIL}.eventName);
{
  "name": $name,
  "isRefused": $exists(${DETAIL}.errorCode) and $type(${DETAIL}.errorCode) != "null",
  "error": ${orElse(`$first([$text(${DETAIL}.errorCode)])`, '"an error without a code"')},
  "errorText": $text(${DETAIL}.errorMessage),
  "by": ${orElse(
    `$who & ($type(${IDENTITY}.type) = "string" and ${IDENTITY}.type = "Root" ? " (the root user)" : "")
    & ($who != "" and $invokedBy != "" and $invokedBy != $who ? ", through " & $invokedBy : "")
    & ($who != "" and $caller != "" and $caller != $account and $caller != $who ? ", of account " & $caller : "")`,
    literal(NOT_IN_THE_EVENT),
  )},
  "from": ${orElse("$ip", literal(NOT_IN_THE_EVENT))},
  "isByPerson": $invokedBy = "" and $not(${endsWith("$ip", SERVICE_SUFFIX)}),
  "isByDeployRole": $role != "" and $role in $deployRoles,
  "lookup": ${either(
    matches("$id", EVENT_ID),
    text`AttributeKey=EventId,AttributeValue=${"$id"}`,
    either(
      matches("$name", "[A-Za-z0-9]+"),
      text`AttributeKey=EventName,AttributeValue=${"$name"}`,
      literal("AttributeKey=ReadOnly,AttributeValue=false"),
    ),
  )},
  "keyState": $text(${RESPONSE}.keyState)
})`;
}

/** What the alarms watch whose changes of state are forwarded. */
const WATCHED: readonly WatchedThing[] = [
  "dead-letters",
  "sweep",
  "trail-check",
  "heartbeat",
  "canary",
];

// Keyspan names its alarms after what they watch and the region that it is in; those about beats are
// all in the home region.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
const ALARM: Source = `(
$name := $text(${DETAIL}.alarmName);
$thing := ${WATCHED.reduce((otherwise, thing) => either(startsWith("$name", watchAlarmName(thing, "")), literal(thing), otherwise), literal(""))};
$place := ${WATCHED.reduce((otherwise, thing) => either(`$thing = ${literal(thing)}`, `$substringAfter($name, ${literal(watchAlarmName(thing, ""))})`, otherwise), literal(""))};
{
  "name": $name,
  "thing": $thing,
  "region": ${either(matches("$place", REGION_NAME), "$place", `$text(${INPUT}.region)`)},
  "state": $text(${DETAIL}.state.value),
  "before": $text(${DETAIL}.previousState.value),
  "since": $first([$text(${DETAIL}.state.timestamp), $text(${INPUT}.time), ${literal(NOT_IN_THE_EVENT)}]),
  "reason": ${orElse(`$text(${DETAIL}.state.reason)`, literal(NOT_IN_THE_EVENT))}
})`;

// https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
const RUN: Source = `(
$machine := $text(${DETAIL}.stateMachineArn);
{
  "arn": $text(${DETAIL}.executionArn),
  "machine": $contains($machine, ":stateMachine:") ? $substringAfter($machine, ":stateMachine:") : "",
  "status": $text(${DETAIL}.status),
  "error": $text(${DETAIL}.error),
  "cause": $text(${DETAIL}.cause)
})`;

// The first of the resources that is a key: alias calls list the alias too, in either order.
// https://docs.aws.amazon.com/kms/latest/developerguide/ct-updatealias.html
function key(ownAccount: string): Source {
  return `(
$hasKey := function($one) { $contains($one, ":key/") };
$texts := function($values) { [$values.($text($))] };
$isKey := function($one) { $type($one) = "string" ? $hasKey($one) : false };
$listed := $text($filter([${DETAIL}.resources.ARN, ${INPUT}.resources, ${DETAIL}.keyArn], $isKey)[0]);
$answered := $text(${RESPONSE}.keyId);
$typed := $first([$text(${REQUEST}.keyId), $text(${REQUEST}.targetKeyId)]);
$aliasName := $text(${REQUEST}.aliasName);
$named := $first([$listed, $answered, $typed]);
$id := $hasKey($named) ? $substringAfter($named, ":key/") : $named;
$parts := $split($named, ":");
$told := $listed != "" or $answered != "";
$owner := $told and $count($parts) >= 6 and ${matches("$parts[4]", ACCOUNT_ID)} ? $parts[4] : $event.account;
$known := $id = "" ? [] : [$filter($ownKeys, function($one) {
  $exists($filter($one.keyArns, function($arn) { $substringAfter($arn, ":key/") = $id }))
  or ($event.isOwn and $one.alias != "" and ($id = $one.alias or $contains($id & "\\n", ":" & $one.alias & "\\n")))
})];
$isKnown := $count($known) > 0;
$knownArn := $isKnown ? $first([$filter($known[0].keyArns, function($arn) { $contains($arn, ":" & $event.region & ":") })]) : "";
$moved := $hasKey($named) and $count($parts) >= 6 and $substring($id, 0, 4) = "mrk-"
  ? $join([$parts[0], $parts[1], $parts[2], $event.region, $parts[4], $parts[5]], ":") : $named;
$arn := $knownArn != "" ? $knownArn : $moved;
$ofAlias := $aliasName = "" or $not($event.isOwn) ? [] : [$filter($ownKeys, function($one) { $one.alias = $aliasName })];
$dependants := $isKnown ? $texts([$lookup($known[0].dependants, $event.region)]) : [];
$isClear := $isKnown or ${matches("$id", KEY_ID)};
$isOwn := $owner = ${literal(ownAccount)};
{
  "isNamed": $named != "",
  "isTyped": $told = false and $typed != "",
  "isKnown": $isKnown,
  "isClear": $isClear,
  "name": $isKnown ? $known[0].name : "",
  "id": $id,
  "label": $isKnown ? "key " & $known[0].name : $id = "" ? "a key" : "key " & $clean($id, 80),
  "title": $isKnown ? "Key " & $known[0].name : $id = "" ? "A key" : "Key " & $clean($id, 80),
  "shortLabel": $isKnown ? "Key " & $known[0].name : $id = "" ? "A key" : "Key " & ($length($id) > 16 ? $substring($id, 0, 12) & "..." : $id),
  "text": $arn = "" ? ${literal(NOT_IN_THE_EVENT)} : $told or $isKnown ? $arn : $arn & " (as the caller wrote it)",
  "reference": ${either(matches("$arn", "[A-Za-z0-9:/_-]+"), "$arn", '""')},
  "alias": $isKnown ? $known[0].alias : "",
  "others": $isKnown ? $join([$filter($known[0].keyArns, function($arn) { $arn != $knownArn })], ", ") : "",
  "isMultiRegion": $substring($id, 0, 4) = "mrk-",
  "aliasName": $aliasName,
  "aliasOwner": $count($ofAlias) > 0 ? $ofAlias[0].name : "",
  "owner": $owner,
  "isOwn": $isOwn,
  "dependants": $isKnown
    ? ($count($dependants) > 0 ? $join($dependants, ", ") : "nothing that Keyspan set up in this region")
        : $not($isClear) ? "not known: the event does not say which key it is"
    : $isOwn ? "not known: this is not one of Keyspan's keys"
    : "not known here: the key belongs to account " & $owner & ", not to this one",
  "hasDependants": $count($dependants) > 0
})`;
}
