import type { EventPattern } from "../../events/event-pattern";
import { KEYSPAN_EVENTS } from "../../names";
import type { Partition } from "../../partition";
import type { State, States, Template } from "../asl";
import { awsCall, ERROR_NAME, IS_NOT_FOUND, putEvents } from "../aws-call";
import { EMPTY_LIST, EMPTY_TEXT, expression, flatten } from "../jsonata";
import { MAX_LISTED } from "./keys";

/** A rule as it was deployed. */
export interface WatchedRule {
  readonly ruleName: string;
  /** Name of its event bus; `default` for the default one. */
  readonly eventBusName: string;
  readonly eventPattern: EventPattern;
  /** All of its targets. */
  readonly targets: readonly {
    readonly id: string;
    readonly arn: string;
    readonly roleArn?: string;
    readonly deadLetterArn?: string;
  }[];
}

/** Rules asked about at a time: two calls each, of 50 a second that EventBridge allows. */
const RULES_AT_A_TIME = 5;

/** Pages of a rule's targets at most. EventBridge returns up to 100 and allows 5. */
const MAX_TARGET_PAGES = 10;

/**
 * The branch that compares each rule with what was deployed, on the first page only. Its output is
 * a list of what kept it from telling; a rule that it cannot read is a trouble that it tells.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTargetsByRule.html
 */
export function checkRules(partition: Partition, rules: readonly WatchedRule[]): States {
  return {
    StartAt: "AreRulesDue",
    States: {
      AreRulesDue: {
        Type: "Choice",
        Choices: [{ Condition: expression("$page = 1"), Next: "CheckRules" }],
        Default: "RulesChecked",
      },
      CheckRules: {
        Type: "Map",
        Items: rules.map(item),
        MaxConcurrency: RULES_AT_A_TIME,
        ItemProcessor: {
          ProcessorConfig: { Mode: "INLINE" },
          StartAt: "DescribeRule",
          States: {
            DescribeRule: describeRule(partition),
            ListTargets: listTargets(partition),
            AreThereMoreTargets: {
              Type: "Choice",
              Choices: [
                {
                  Condition: expression(
                    `$targetToken != "" and $targetPages < ${MAX_TARGET_PAGES}`,
                  ),
                  Next: "ListTargets",
                },
              ],
              Default: "RuleChecked",
            },
            RuleChecked: { Type: "Succeed", Output: expression(TROUBLES) },
            RuleNotRead: { Type: "Succeed" },
          },
        },
        Output: expression(`(
          $troubles := ${flatten("$states.result")};
          {"troubles": [$troubles[[0..${MAX_LISTED - 1}]]], "count": $count($troubles)}
        )`),
        Catch: [
          {
            ErrorEquals: ["States.ALL"],
            Output: expression(`["rules could not be checked: " & ${ERROR_NAME}]`),
            Next: "RulesChecked",
          },
        ],
        Next: "AreRulesInTrouble",
      },
      AreRulesInTrouble: {
        Type: "Choice",
        Choices: [{ Condition: expression("$states.input.count > 0"), Next: "SendRuleTrouble" }],
        Default: "RulesChecked",
      },
      SendRuleTrouble: {
        ...putEvents(partition, [
          {
            Source: KEYSPAN_EVENTS.ruleTrouble.source,
            DetailType: KEYSPAN_EVENTS.ruleTrouble.detailType,
            Detail: expression("$states.input"),
          },
        ]),
        Output: EMPTY_LIST,
        Catch: [
          {
            ErrorEquals: ["States.ALL"],
            Output: expression(`["trouble with rules could not be sent: " & ${ERROR_NAME}]`),
            Next: "RulesChecked",
          },
        ],
        Next: "RulesChecked",
      },
      // What arrives from elsewhere than a Catch or a call is no list of problems.
      RulesChecked: {
        Type: "Succeed",
        Output: expression('$type($states.input) = "array" ? $states.input : []'),
      },
    },
  };
}

/** All fields are there, so that comparing needs to know nothing of missing ones. */
function item({ ruleName, eventBusName, eventPattern, targets }: WatchedRule): Template {
  return {
    ruleName,
    eventBusName,
    eventPattern: eventPattern as Template,
    targets: targets.map(({ id, arn, roleArn = EMPTY_TEXT, deadLetterArn = EMPTY_TEXT }) => ({
      id,
      arn,
      roleArn,
      deadLetterArn,
    })),
  };
}

/** One line of the report: the rule is the iteration's item in each state. */
function trouble(problem: string): string {
  return `{"ruleName": $states.input.ruleName, "eventBusName": $states.input.eventBusName, "problem": ${problem}}`;
}

/** A rule that is gone or cannot be read; `known` is what was found before, as the first items of a list. */
function notRead(what: string, known = "") {
  return {
    ErrorEquals: ["States.ALL"],
    Output: expression(
      `[${known}${trouble(`${IS_NOT_FOUND} ? "does not exist" : ${JSON.stringify(`${what} could not be read: `)} & ${ERROR_NAME}`)}]`,
    ),
    Next: "RuleNotRead",
  };
}

function describeRule(partition: Partition): State {
  return {
    ...awsCall({
      partition,
      integration: "aws-sdk:eventbridge:describeRule",
      arguments: {
        Name: expression("$states.input.ruleName"),
        EventBusName: expression("$states.input.eventBusName"),
      },
    }),
    Assign: {
      ruleTroubles: expression(`[
        $substring($states.result.State, 0, 7) = "ENABLED" ? [] : ${trouble('"is " & $states.result.State')},
        $exists($states.result.EventPattern) and $parse($states.result.EventPattern) = $states.input.eventPattern
          ? [] : ${trouble('"has another event pattern"')}
      ]`),
      targets: [],
      targetToken: EMPTY_TEXT,
      targetPages: 0,
    },
    Output: expression("$states.input"),
    Catch: [notRead("it")],
    Next: "ListTargets",
  };
}

function listTargets(partition: Partition): State {
  return {
    ...awsCall({
      partition,
      integration: "aws-sdk:eventbridge:listTargetsByRule",
      arguments: expression(`$merge([
        {"Rule": $states.input.ruleName, "EventBusName": $states.input.eventBusName},
        $targetToken = "" ? {} : {"NextToken": $targetToken}
      ])`),
    }),
    Assign: {
      targets: expression(`[$targets, $states.result.Targets.{
        "id": Id,
        "arn": Arn,
        "roleArn": $exists(RoleArn) ? RoleArn : "",
        "deadLetterArn": $exists(DeadLetterConfig.Arn) ? DeadLetterConfig.Arn : ""
      }]`),
      targetToken: expression('$exists($states.result.NextToken) ? $states.result.NextToken : ""'),
      targetPages: expression("$targetPages + 1"),
    },
    Output: expression("$states.input"),
    Catch: [notRead("its targets", "$ruleTroubles, ")],
    Next: "AreThereMoreTargets",
  };
}

const TROUBLES = `(
  $rule := $states.input;
  $actual := $targets;
  $trouble := function($problem) {
    {"ruleName": $rule.ruleName, "eventBusName": $rule.eventBusName, "problem": $problem}
  };
  [
    $ruleTroubles,
    $rule.targets.(
      $wanted := $;
      $target := $actual[id = $wanted.id];
      $not($exists($target)) ? $trouble("lacks target " & $wanted.id) : [
        $target.arn = $wanted.arn ? [] : $trouble("target " & $wanted.id & " is another resource"),
        $target.roleArn = $wanted.roleArn ? [] : $trouble("target " & $wanted.id & " has another role"),
        $target.deadLetterArn = $wanted.deadLetterArn
          ? [] : $trouble("target " & $wanted.id & " has another dead-letter queue")
      ]
    ),
    $actual[$not(id in $rule.targets.id)].($trouble("has the unexpected target " & id))
  ]
)`;
