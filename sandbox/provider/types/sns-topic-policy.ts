import { defaultTopicPolicy, isSnsNotFound, TOPICS } from "../../aws/sns";
import { arnProblems, jsonProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import type { ResourceType } from "../resource-type";
import { sameJson, samePolicy } from "../same-meaning";
import { textOf } from "../values";
import { findTopic, putTopicAttribute } from "./sns-topic";

/**
 * The policy of a topic. A topic always has one: deleting it brings back that which SNS gave the topic.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/sns_topic_policy
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/sns/topic_policy.go
 */
export const snsTopicPolicy: ResourceType = {
  bindings: "sns-topic-policy",
  title: "SNS Topic Policy",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/sns_topic_policy",
  replacing: ["arn"],
  defaults: {},
  sameMeaning: { policy: samePolicy },
  problems: (config) => [...arnProblems(config, "arn"), ...jsonProblems(config, "policy")],

  async create(session, planned, keep) {
    const arn = textOf(planned, "arn");
    await putTopicAttribute(session, arn, "Policy", textOf(planned, "policy"));
    keep({ id: arn });
  },

  async read(session, state) {
    const id = textOf(state, "id");
    const topic = await doing(`reading SNS Topic Policy (${id})`, () => findTopic(session, id));
    return (
      topic && { id, arn: topic.arn, owner: topic.owner, policy: topic.attributes.Policy ?? "" }
    );
  },

  async update(session, prior, planned) {
    await putTopicAttribute(session, textOf(prior, "id"), "Policy", textOf(planned, "policy"));
  },

  async delete(session, state) {
    const arn = textOf(state, "id");
    const policy = defaultTopicPolicy(arn, textOf(state, "owner"));
    await unlessGone(
      (error) => error instanceof Error && isSnsNotFound(error.cause),
      () => putTopicAttribute(session, arn, "Policy", policy),
    );
  },

  identify: (id) => ({ id, arn: id }),
  list: (store, { region }) =>
    store
      .list(TOPICS, region)
      .filter(
        ([, { arn, owner, attributes }]) =>
          !sameJson(attributes.Policy ?? "", defaultTopicPolicy(arn, owner)),
      )
      .map(([name, { arn }]) => ({ id: arn, importId: arn, name })),
  // A reference to the topic is its name already; an ARN ends in it.
  nameIn: ({ arn }) => (typeof arn === "string" ? arn.split(":").at(-1) : undefined),
};
