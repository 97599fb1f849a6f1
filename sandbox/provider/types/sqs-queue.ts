import {
  FIFO_SUFFIX,
  isQueueName,
  isQueueNotFound,
  QUEUE_RANGES,
  QUEUES,
  type QueueAttributes,
  type QueueObject,
  Sqs,
  someAttributesSchema,
} from "../../aws/sqs";
import { jsonProblems, rangeProblems } from "../argument-problems";
import { doing, unlessGone, updateTags } from "../calls";
import { madeUpName, namePrefixOf, ownName } from "../names";
import type { ResourceType, Session } from "../resource-type";
import { asHeld, hasChanged, sameJson, samePolicy } from "../same-meaning";
import { type Attributes, flagOf, mapOf, textOf, type Value } from "../values";

/** The arguments that are attributes of the queue. */
const ATTRIBUTES = {
  content_based_deduplication: "contentBasedDeduplication",
  deduplication_scope: "deduplicationScope",
  delay_seconds: "delaySeconds",
  fifo_queue: "fifoQueue",
  fifo_throughput_limit: "fifoThroughputLimit",
  kms_data_key_reuse_period_seconds: "kmsDataKeyReusePeriodSeconds",
  kms_master_key_id: "kmsMasterKeyId",
  max_message_size: "maximumMessageSize",
  message_retention_seconds: "messageRetentionPeriod",
  policy: "policy",
  receive_wait_time_seconds: "receiveMessageWaitTimeSeconds",
  redrive_allow_policy: "redriveAllowPolicy",
  redrive_policy: "redrivePolicy",
  sqs_managed_sse_enabled: "sqsManagedSseEnabled",
  visibility_timeout_seconds: "visibilityTimeout",
} as const satisfies Readonly<Record<string, keyof QueueAttributes>>;

const JSON_ARGUMENTS = ["policy", "redrive_allow_policy", "redrive_policy"];

/**
 * A queue. The provider waits until its attributes are everywhere; here they are at once.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/sqs_queue
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/sqs/queue.go
 */
export const sqsQueue: ResourceType = {
  bindings: "sqs-queue",
  title: "SQS Queue",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/sqs_queue",
  replacing: ["fifo_queue", "name", "name_prefix"],
  defaults: {
    content_based_deduplication: false,
    delay_seconds: 0,
    fifo_queue: false,
    // A quarter of what SQS itself takes for its default.
    max_message_size: 262_144,
    message_retention_seconds: 345_600,
    receive_wait_time_seconds: 0,
    visibility_timeout_seconds: 30,
  },
  sameMeaning: { policy: samePolicy, redrive_allow_policy: sameJson, redrive_policy: sameJson },
  problems: (config) => {
    const name = textOf(config, "name");
    const isFifo = flagOf(config, "fifo_queue");
    return [
      ...(name === "" || isQueueName(name, isFifo) ? [] : [`invalid queue name: ${name}`]),
      ...(flagOf(config, "content_based_deduplication") && config.fifo_queue !== true
        ? ["content-based deduplication can only be set for FIFO queue"]
        : []),
      ...Object.entries(ATTRIBUTES).flatMap(([argument, attribute]) =>
        attribute in QUEUE_RANGES
          ? rangeProblems(config, argument, QUEUE_RANGES[attribute as keyof typeof QUEUE_RANGES])
          : [],
      ),
      ...JSON_ARGUMENTS.flatMap((argument) => jsonProblems(config, argument)),
    ];
  },

  async create({ aws, at }, planned, keep) {
    const suffix = flagOf(planned, "fifo_queue") ? FIFO_SUFFIX : "";
    const name = textOf(planned, "name") || `${madeUpName(planned)}${suffix}`;
    const url = await doing(`creating SQS Queue (${name})`, () =>
      new Sqs(aws, at).createQueue({
        name,
        attributes: attributesOf(planned, () => true),
        tags: mapOf(planned, "tags_all"),
      }),
    );
    keep({ id: url, name });
  },

  async read(session, state) {
    const queue = await findQueue(session, textOf(state, "id"));
    if (queue === undefined) {
      return undefined;
    }
    const { name, url, attributes } = queue;
    return {
      ...Object.fromEntries(
        Object.entries(ATTRIBUTES).map(([argument, attribute]) => [
          argument,
          attributes[attribute],
        ]),
      ),
      id: url,
      url,
      arn: queue.arn,
      name,
      name_prefix: namePrefixOf(attributes.fifoQueue ? name.slice(0, -FIFO_SUFFIX.length) : name),
      kms_master_key_id: asHeld(state, "kms_master_key_id", attributes.kmsMasterKeyId),
      tags_all: queue.tags,
    };
  },

  async update({ aws, at }, prior, planned) {
    const sqs = new Sqs(aws, at);
    const url = textOf(prior, "id");
    await updateTags(`SQS (Simple Queue) Queue (${url})`, prior, planned, (tags) =>
      sqs.tagQueue(url, tags),
    );
    const changed = Object.keys(ATTRIBUTES).filter((name) => hasChanged(prior, planned, [name]));
    if (changed.length > 0) {
      await doing(`updating SQS Queue (${url}) attributes`, () =>
        sqs.setQueueAttributes(
          url,
          attributesOf(planned, (argument) => changed.includes(argument)),
        ),
      );
    }
  },

  async delete({ aws, at }, state) {
    await unlessGone(isQueueNotFound, () => new Sqs(aws, at).deleteQueue(textOf(state, "id")));
  },

  identify: (id) => ({ id, url: id }),
  list: (store, { region }) =>
    store.list(QUEUES, region).map(([name, { url }]) => ({ id: url, importId: url, name })),
  nameIn: ownName,
};

/** The queue of that URL, unless it is gone. */
export function findQueue({ aws, at }: Session, url: string): Promise<QueueObject | undefined> {
  return unlessGone(isQueueNotFound, () => new Sqs(aws, at).getQueueAttributes(url));
}

/** The attributes of those arguments. One that has no value is set to none, if it can have none. */
function attributesOf(
  planned: Attributes,
  isWanted: (argument: string) => boolean,
): Partial<QueueAttributes> {
  const sent = Object.entries(ATTRIBUTES).flatMap(([argument, attribute]) => {
    const value: Value = planned[argument] ?? (argument === "kms_master_key_id" ? "" : null);
    return isWanted(argument) && value !== null ? [[attribute, value]] : [];
  });
  return someAttributesSchema.parse(Object.fromEntries(sent));
}
