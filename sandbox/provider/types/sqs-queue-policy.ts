import { isQueueNotFound, QUEUES, Sqs } from "../../aws/sqs";
import { jsonProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import type { ResourceType, Session } from "../resource-type";
import { samePolicy } from "../same-meaning";
import { type Attributes, textOf } from "../values";
import { findQueue } from "./sqs-queue";

/**
 * The policy of a queue.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/sqs_queue_policy
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/sqs/queue_policy.go
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/sqs/attribute_funcs.go
 */
export const sqsQueuePolicy: ResourceType = {
  bindings: "sqs-queue-policy",
  title: "SQS Queue Policy",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/sqs_queue_policy",
  replacing: ["queue_url"],
  defaults: {},
  sameMeaning: { policy: samePolicy },
  problems: (config) => jsonProblems(config, "policy"),

  async create(session, planned, keep) {
    const url = textOf(planned, "queue_url");
    await putPolicy(session, url, planned);
    keep({ id: url });
  },

  async read(session, state) {
    const url = textOf(state, "id");
    const queue = await doing(`reading ${titleOf(url)}`, () => findQueue(session, url));
    const policy = queue?.attributes.policy ?? "";
    return policy === "" ? undefined : { id: url, policy, queue_url: url };
  },

  async update(session, prior, planned) {
    await putPolicy(session, textOf(prior, "id"), planned);
  },

  async delete({ aws, at }, state) {
    const url = textOf(state, "id");
    await doing(`deleting ${titleOf(url)}`, () =>
      unlessGone(isQueueNotFound, () => new Sqs(aws, at).setQueueAttributes(url, { policy: "" })),
    );
  },

  identify: (id) => ({ id, queue_url: id }),
  list: (store, { region }) =>
    store
      .list(QUEUES, region)
      .filter(([, { attributes }]) => attributes.policy !== "")
      .map(([name, { url }]) => ({ id: url, importId: url, name })),
  // A reference to the queue is its name already; a URL ends in it.
  nameIn: ({ queue_url: url }) => (typeof url === "string" ? url.split("/").at(-1) : undefined),
};

async function putPolicy({ aws, at }: Session, url: string, planned: Attributes): Promise<void> {
  await doing(`setting ${titleOf(url)}`, () =>
    new Sqs(aws, at).setQueueAttributes(url, { policy: textOf(planned, "policy") }),
  );
}

function titleOf(url: string): string {
  return `SQS Queue (${url}) attribute (Policy)`;
}
