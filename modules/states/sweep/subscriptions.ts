import { KEYSPAN_EVENTS } from "../../names";
import type { Partition } from "../../partition";
import type { State, States, Template } from "../asl";
import { awsCall, ERROR_NAME, IS_NOT_FOUND, putEvents } from "../aws-call";
import { EMPTY_LIST, EMPTY_TEXT, expression, sum } from "../jsonata";

/** A topic and how many subscribe to it. */
export interface WatchedTopic {
  readonly topicArn: string;
  /** Each protocol once, with the number of its subscriptions. */
  readonly subscriptions: readonly { readonly protocol: string; readonly count: number }[];
}

/** Pages of a topic's subscriptions at most, of 100 each: more are left out of the count. */
const MAX_SUBSCRIPTION_PAGES = 10;

/** What stands in for the ARN of a subscription that is not confirmed, or is no more. */
const NO_ARN = { pending: "PendingConfirmation", deleted: "Deleted" } as const;

/**
 * The branch that counts who is subscribed, on the first page only: by protocol, because whoever
 * may know the endpoints is not asked for here. Its output is a list of what kept it from telling.
 *
 * @see https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html
 */
export function checkSubscriptions(partition: Partition, topics: readonly WatchedTopic[]): States {
  return {
    StartAt: "AreSubscriptionsDue",
    States: {
      AreSubscriptionsDue: {
        Type: "Choice",
        Choices: [{ Condition: expression("$page = 1"), Next: "CheckTopics" }],
        Default: "SubscriptionsChecked",
      },
      CheckTopics: {
        Type: "Map",
        Items: topics.map(
          ({ topicArn, subscriptions }): Template => ({
            topicArn,
            subscriptions: subscriptions.map(({ protocol, count }) => ({ protocol, count })),
          }),
        ),
        MaxConcurrency: 1,
        ItemProcessor: {
          ProcessorConfig: { Mode: "INLINE" },
          StartAt: "BeginTopic",
          States: {
            BeginTopic: {
              Type: "Pass",
              Assign: { subscriptions: [], subscriptionToken: EMPTY_TEXT, subscriptionPages: 0 },
              Next: "ListSubscriptions",
            },
            ListSubscriptions: listSubscriptions(partition),
            AreThereMoreSubscriptions: {
              Type: "Choice",
              Choices: [
                {
                  Condition: expression(
                    `$subscriptionToken != "" and $subscriptionPages < ${MAX_SUBSCRIPTION_PAGES}`,
                  ),
                  Next: "ListSubscriptions",
                },
              ],
              Default: "TopicChecked",
            },
            TopicChecked: { Type: "Succeed", Output: expression(COUNTED) },
            TopicNotRead: { Type: "Succeed" },
          },
        },
        Output: expression(`(
          $topics := $states.result[
            confirmed < expected or pending > 0 or unexpected > 0 or problem != ""
          ];
          {
            "topics": [$topics],
            "nobody": $count($topics[confirmed = 0 and problem in ["", "does not exist"]]) > 0
          }
        )`),
        Catch: [
          {
            ErrorEquals: ["States.ALL"],
            Output: expression(`["subscriptions could not be checked: " & ${ERROR_NAME}]`),
            Next: "SubscriptionsChecked",
          },
        ],
        Next: "AreTopicsInTrouble",
      },
      AreTopicsInTrouble: {
        Type: "Choice",
        Choices: [
          {
            Condition: expression("$count($states.input.topics) > 0"),
            Next: "SendSubscriptionTrouble",
          },
        ],
        Default: "SubscriptionsChecked",
      },
      SendSubscriptionTrouble: {
        ...putEvents(partition, [
          {
            Source: KEYSPAN_EVENTS.subscriptionTrouble.source,
            DetailType: KEYSPAN_EVENTS.subscriptionTrouble.detailType,
            Detail: expression("$states.input"),
          },
        ]),
        Output: EMPTY_LIST,
        Catch: [
          {
            ErrorEquals: ["States.ALL"],
            Output: expression(
              `["trouble with subscriptions could not be sent: " & ${ERROR_NAME}]`,
            ),
            Next: "SubscriptionsChecked",
          },
        ],
        Next: "SubscriptionsChecked",
      },
      // What arrives from elsewhere than a Catch or a call is no list of problems.
      SubscriptionsChecked: {
        Type: "Succeed",
        Output: expression('$type($states.input) = "array" ? $states.input : []'),
      },
    },
  };
}

function listSubscriptions(partition: Partition): State {
  return {
    ...awsCall({
      partition,
      integration: "aws-sdk:sns:listSubscriptionsByTopic",
      arguments: expression(`$merge([
        {"TopicArn": $states.input.topicArn},
        $subscriptionToken = "" ? {} : {"NextToken": $subscriptionToken}
      ])`),
    }),
    Assign: {
      subscriptions: expression(`[$subscriptions, $states.result.Subscriptions.{
        "protocol": Protocol,
        "state": SubscriptionArn = "${NO_ARN.pending}" ? "pending"
          : SubscriptionArn = "${NO_ARN.deleted}" ? "deleted" : "confirmed"
      }]`),
      subscriptionToken: expression(
        '$exists($states.result.NextToken) ? $states.result.NextToken : ""',
      ),
      subscriptionPages: expression("$subscriptionPages + 1"),
    },
    Output: expression("$states.input"),
    Catch: [
      {
        ErrorEquals: ["States.ALL"],
        Output: expression(`{
          "topicArn": $states.input.topicArn,
          "expected": ${sum("$states.input.subscriptions.count")},
          "confirmed": 0,
          "pending": 0,
          "unexpected": 0,
          "problem": ${IS_NOT_FOUND} ? "does not exist" : "could not be read: " & ${ERROR_NAME}
        }`),
        Next: "TopicNotRead",
      },
    ],
    Next: "AreThereMoreSubscriptions",
  };
}

/** Confirmed are those of the expected; one more of another protocol does not stand in for them. */
const COUNTED = `(
  $topic := $states.input;
  $actual := $subscriptions;
  $protocols := $distinct([$topic.subscriptions.protocol, $actual.protocol]);
  $counts := $map($protocols, function($protocol) {(
    $confirmed := $count($actual[protocol = $protocol and state = "confirmed"]);
    $expected := ${sum("$topic.subscriptions[protocol = $protocol].count")};
    {"confirmed": $min([$confirmed, $expected]), "unexpected": $max([0, $confirmed - $expected])}
  )});
  {
    "topicArn": $topic.topicArn,
    "expected": ${sum("$topic.subscriptions.count")},
    "confirmed": ${sum("$counts.confirmed")},
    "pending": $count($actual[state = "pending"]),
    "unexpected": ${sum("$counts.unexpected")},
    "problem": ""
  }
)`;
