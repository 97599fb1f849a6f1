import { nameProblem } from "../../../modules/names";
import { isSnsNotFound, Sns, TOPIC_NAME, TOPICS, type TopicObject } from "../../aws/sns";
import {
  arnProblems,
  choiceProblems,
  conflictProblems,
  jsonProblems,
  rangeProblems,
} from "../argument-problems";
import { doing, unlessGone, updateTags } from "../calls";
import { madeUpName, namePrefixOf, ownName } from "../names";
import type { ResourceType, Session } from "../resource-type";
import { asHeld, hasChanged, sameJson, samePolicy } from "../same-meaning";
import { type Attributes, flagOf, mapOf, textOf, type Value } from "../values";

/** How the names of arguments about one kind of endpoint begin, here and in SNS. */
const ENDPOINTS = {
  application: "Application",
  firehose: "Firehose",
  http: "HTTP",
  lambda: "Lambda",
  sqs: "SQS",
} as const;

const ROLE_ARGUMENTS = Object.fromEntries(
  Object.entries(ENDPOINTS).flatMap(([argument, attribute]) => [
    [`${argument}_failure_feedback_role_arn`, `${attribute}FailureFeedbackRoleArn`],
    [`${argument}_success_feedback_role_arn`, `${attribute}SuccessFeedbackRoleArn`],
  ]),
);

const RATE_ARGUMENTS = Object.fromEntries(
  Object.entries(ENDPOINTS).map(([argument, attribute]) => [
    `${argument}_success_feedback_sample_rate`,
    `${attribute}SuccessFeedbackSampleRate`,
  ]),
);

/** The arguments that are attributes of the topic, and texts. */
const TEXT_ARGUMENTS: Readonly<Record<string, string>> = {
  ...ROLE_ARGUMENTS,
  delivery_policy: "DeliveryPolicy",
  display_name: "DisplayName",
  kms_master_key_id: "KmsMasterKeyId",
  policy: "Policy",
  tracing_config: "TracingConfig",
};

/** The arguments that are attributes of the topic, and numbers. */
const NUMBER_ARGUMENTS: Readonly<Record<string, string>> = {
  ...RATE_ARGUMENTS,
  signature_version: "SignatureVersion",
};

const ATTRIBUTES = { ...TEXT_ARGUMENTS, ...NUMBER_ARGUMENTS };

/**
 * A standard topic. The provider sets each attribute in a call of its own, behind that which makes the
 * topic. It also sends sample rates of 0, which change nothing and are left out here.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/sns_topic
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/sns/topic.go
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/attrmap/attrmap.go
 */
export const snsTopic: ResourceType = {
  bindings: "sns-topic",
  title: "SNS Topic",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/sns_topic",
  replacing: ["fifo_topic", "name", "name_prefix"],
  defaults: { content_based_deduplication: false, fifo_topic: false },
  sameMeaning: { delivery_policy: sameJson, policy: samePolicy },
  problems: (config) => {
    const name = textOf(config, "name");
    return [
      ...(flagOf(config, "fifo_topic") ? ["the sandbox simulates no FIFO topics"] : []),
      ...(name === "" || nameProblem(name, TOPIC_NAME) === undefined
        ? []
        : [`invalid topic name: ${name}`]),
      ...(textOf(config, "archive_policy") === ""
        ? []
        : ["message archive policy can only be set for FIFO topics"]),
      ...(textOf(config, "fifo_throughput_scope") === ""
        ? []
        : ["FIFO throughput scope can only be set for FIFO topics"]),
      ...(flagOf(config, "content_based_deduplication")
        ? ["content-based deduplication can only be set for FIFO topics"]
        : []),
      ...conflictProblems(config, "name", "name_prefix"),
      ...Object.keys(ROLE_ARGUMENTS).flatMap((argument) => arnProblems(config, argument)),
      ...Object.keys(RATE_ARGUMENTS).flatMap((argument) =>
        rangeProblems(config, argument, { min: 0, max: 100 }),
      ),
      ...rangeProblems(config, "signature_version", { min: 1, max: 2 }),
      ...choiceProblems(config, "tracing_config", ["Active", "PassThrough"]),
      ...jsonProblems(config, "delivery_policy"),
      ...jsonProblems(config, "policy"),
    ];
  },

  async create(session, planned, keep) {
    const name = madeUpName(planned);
    const arn = await doing(`creating SNS Topic (${name})`, () =>
      new Sns(session.aws, session.at).createTopic(name, mapOf(planned, "tags_all")),
    );
    keep({ id: arn, name });
    await putAttributes(
      session,
      arn,
      planned,
      Object.keys(ATTRIBUTES).filter((argument) => apiValue(planned[argument]) !== ""),
    );
  },

  async read(session, state) {
    const topic = await findTopic(session, textOf(state, "id"));
    if (topic === undefined) {
      return undefined;
    }
    const { arn, name, owner, attributes, tags } = topic;
    const texts = Object.entries(TEXT_ARGUMENTS).map(([argument, attribute]) => [
      argument,
      asHeld(state, argument, attributes[attribute] ?? ""),
    ]);
    const numbers = Object.entries(NUMBER_ARGUMENTS).map(([argument, attribute]) => [
      argument,
      asHeld(state, argument, Number(attributes[attribute] ?? 0)),
    ]);
    return {
      ...Object.fromEntries([...texts, ...numbers]),
      id: arn,
      arn,
      beginning_archive_time: "",
      fifo_throughput_scope: "",
      name,
      name_prefix: namePrefixOf(name),
      owner,
      tags_all: tags,
    };
  },

  async update(session, prior, planned) {
    const arn = textOf(prior, "id");
    await updateTags(`SNS (Simple Notification) Topic (${arn})`, prior, planned, (tags) =>
      new Sns(session.aws, session.at).tagResource(arn, tags),
    );
    await putAttributes(
      session,
      arn,
      planned,
      Object.keys(ATTRIBUTES).filter((argument) => hasChanged(prior, planned, [argument])),
    );
  },

  async delete({ aws, at }, state) {
    const arn = textOf(state, "id");
    await doing(`deleting SNS Topic (${arn})`, () => new Sns(aws, at).deleteTopic(arn));
  },

  identify: (id) => ({ id, arn: id }),
  list: (store, { region }) =>
    store.list(TOPICS, region).map(([name, { arn }]) => ({ id: arn, importId: arn, name })),
  nameIn: ownName,
};

/** The topic of that ARN, unless it is gone. */
export function findTopic({ aws, at }: Session, arn: string): Promise<TopicObject | undefined> {
  return unlessGone(isSnsNotFound, () => new Sns(aws, at).getTopicAttributes(arn));
}

/** Sets an attribute of a topic, in the provider's words. */
export async function putTopicAttribute(
  { aws, at }: Session,
  arn: string,
  name: string,
  value: string,
): Promise<void> {
  await doing(`setting SNS Topic (${arn}) attribute (${name})`, () =>
    new Sns(aws, at).setTopicAttributes(arn, name, value),
  );
}

/** Sets the attributes of those arguments. An empty policy is not sent: a topic always has one. */
async function putAttributes(
  session: Session,
  arn: string,
  planned: Attributes,
  changed: readonly string[],
): Promise<void> {
  for (const argument of changed) {
    const [name, value] = [ATTRIBUTES[argument] ?? "", apiValue(planned[argument])];
    if (name !== "Policy" || value !== "") {
      await putTopicAttribute(session, arn, name, value);
    }
  }
}

/** A value as SNS takes it; empty if it is not set. */
function apiValue(value: Value | undefined): string {
  return typeof value === "string" || (typeof value === "number" && value !== 0)
    ? String(value)
    : "";
}
