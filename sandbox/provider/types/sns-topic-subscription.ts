import {
  FILTER_POLICY_SCOPES,
  isPendingConfirmation,
  isSnsNotFound,
  Sns,
  SUBSCRIPTION_PROTOCOLS,
  SUBSCRIPTIONS,
} from "../../aws/sns";
import { arnProblems, choiceProblems, jsonProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import type { ResourceType } from "../resource-type";
import { asHeld, hasChanged, sameJson } from "../same-meaning";
import { type Attributes, flagOf, textOf } from "../values";

/** The arguments that are attributes of the subscription. All but one are texts. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  delivery_policy: "DeliveryPolicy",
  filter_policy: "FilterPolicy",
  filter_policy_scope: "FilterPolicyScope",
  raw_message_delivery: "RawMessageDelivery",
  redrive_policy: "RedrivePolicy",
  replay_policy: "ReplayPolicy",
  subscription_role_arn: "SubscriptionRoleArn",
};

const JSON_ARGUMENTS = ["delivery_policy", "filter_policy", "redrive_policy", "replay_policy"];

/**
 * A subscription. The provider waits until it is confirmed, but not for people, nor for URLs unless
 * `endpoint_auto_confirms` says that something answers there: then it does so here, at once. One that
 * was never confirmed cannot be deleted: the provider forgets it and leaves it to SNS.
 *
 * If `filter_policy_scope` is taken out of the configuration while there is a policy, the provider sets
 * it back; here it stays as it was.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/sns_topic_subscription
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/sns/topic_subscription.go
 */
export const snsTopicSubscription: ResourceType = {
  bindings: "sns-topic-subscription",
  title: "SNS Topic Subscription",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/sns_topic_subscription",
  replacing: ["endpoint", "protocol", "topic_arn"],
  defaults: {
    confirmation_timeout_in_minutes: 1,
    endpoint_auto_confirms: false,
    raw_message_delivery: false,
  },
  sameMeaning: Object.fromEntries(JSON_ARGUMENTS.map((argument) => [argument, sameJson])),
  problems: (config) => [
    ...choiceProblems(config, "protocol", SUBSCRIPTION_PROTOCOLS),
    ...choiceProblems(config, "filter_policy_scope", FILTER_POLICY_SCOPES),
    ...(textOf(config, "filter_policy_scope") !== "" && config.filter_policy === null
      ? ["filter_policy is required when filter_policy_scope is set"]
      : []),
    ...arnProblems(config, "subscription_role_arn"),
    ...arnProblems(config, "topic_arn"),
    ...JSON_ARGUMENTS.flatMap((argument) => jsonProblems(config, argument)),
  ],

  async create({ aws, at }, planned, keep) {
    const sns = new Sns(aws, at);
    const protocol = textOf(planned, "protocol");
    const given = Object.entries(ATTRIBUTES)
      .map(([argument, attribute]) => [attribute, apiValue(planned, argument)] as const)
      .filter(([, value]) => value !== "" && value !== "false");
    const arn = await doing("creating SNS Topic Subscription", () =>
      sns.subscribe({
        topicArn: textOf(planned, "topic_arn"),
        protocol,
        endpoint: textOf(planned, "endpoint"),
        attributes: Object.fromEntries(given),
      }),
    );
    keep({ id: arn });
    const isUrl = protocol.includes("http");
    if (protocol.includes("email") || (isUrl && !flagOf(planned, "endpoint_auto_confirms"))) {
      return;
    }
    if (isUrl) {
      await sns.confirmSubscription(arn);
    }
    await doing(`waiting for SNS Topic Subscription (${arn}) confirmation`, async () => {
      const { confirmed } = await sns.getSubscriptionAttributes(arn);
      if (!confirmed) {
        throw new Error(
          "timeout while waiting for state to become 'false' (last state: 'true', timeout: 2m0s)",
        );
      }
    });
  },

  async read({ aws, at }, state) {
    const found = await unlessGone(isSnsNotFound, () =>
      new Sns(aws, at).getSubscriptionAttributes(textOf(state, "id")),
    );
    if (found === undefined) {
      return undefined;
    }
    const { attributes } = found;
    return {
      ...Object.fromEntries(
        Object.entries(ATTRIBUTES).map(([argument, attribute]) => [
          argument,
          asHeld(state, argument, attributes[attribute] ?? ""),
        ]),
      ),
      id: found.arn,
      arn: found.arn,
      confirmation_was_authenticated: found.confirmationWasAuthenticated,
      endpoint: found.endpoint,
      owner_id: found.owner,
      pending_confirmation: !found.confirmed,
      protocol: found.protocol,
      raw_message_delivery: attributes.RawMessageDelivery === "true",
      topic_arn: found.topicArn,
    };
  },

  async update({ aws, at }, prior, planned) {
    const arn = textOf(prior, "id");
    const changed = Object.keys(ATTRIBUTES).filter((name) => hasChanged(prior, planned, [name]));
    for (const argument of inOrderOf(changed, textOf(planned, "filter_policy_scope"))) {
      const name = ATTRIBUTES[argument] ?? "";
      const value = apiValue(planned, argument);
      await doing(`setting SNS Topic Subscription (${arn}) attribute (${name})`, () =>
        new Sns(aws, at).setSubscriptionAttributes(
          arn,
          name,
          argument === "filter_policy" && value === "" ? "{}" : value,
        ),
      );
    }
  },

  async delete({ aws, at }, state) {
    const arn = textOf(state, "id");
    await unlessGone(isPendingConfirmation, () => new Sns(aws, at).unsubscribe(arn));
  },

  identify: (id) => ({ id, arn: id }),
  list: (store, { region }) =>
    store
      .list(SUBSCRIPTIONS, region)
      .map(([, { arn, topicArn, protocol, endpoint, confirmed }]) => ({
        id: arn,
        importId: arn,
        name: nameOf(topicArn, protocol, endpoint),
        ...(!confirmed && { detail: "pending confirmation" }),
      })),
  nameIn: ({ topic_arn: topic, protocol, endpoint }) =>
    typeof topic === "string" &&
    typeof protocol === "string" &&
    typeof endpoint === "string" &&
    (protocol === URL_PROTOCOL || !endpoint.startsWith("${"))
      ? nameOf(topic, protocol, endpoint)
      : undefined,
};

const URL_PROTOCOL = "https";

/**
 * Topic, protocol and endpoint, which together are what a subscription is. Of ARNs the last part: that
 * is the name. URLs may hold a secret, and come from elsewhere: they are not shown.
 */
function nameOf(topic: string, protocol: string, endpoint: string): string {
  const lastOf = (text: string) => text.split(":").at(-1);
  return protocol === URL_PROTOCOL
    ? `${lastOf(topic)} ${protocol}`
    : `${lastOf(topic)} ${protocol} ${lastOf(endpoint)}`;
}

/** A value as SNS takes it; empty if there is none. */
function apiValue(planned: Attributes, argument: string): string {
  return argument === "raw_message_delivery"
    ? String(flagOf(planned, argument))
    : textOf(planned, argument);
}

/** The scope comes first if it becomes the wider one, which takes every policy, and last otherwise. */
function inOrderOf(changed: readonly string[], scope: string): readonly string[] {
  const others = changed.filter((argument) => argument !== "filter_policy_scope");
  if (others.length === changed.length || scope === "") {
    return others;
  }
  return scope === "MessageBody"
    ? ["filter_policy_scope", ...others]
    : [...others, "filter_policy_scope"];
}
