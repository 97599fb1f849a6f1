import { isLogsNotFound, LOG_RESOURCE_POLICIES, Logs } from "../../aws/logs";
import { jsonProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import { listedByName } from "../names";
import type { ResourceType, Session } from "../resource-type";
import { samePolicy } from "../same-meaning";
import { type Attributes, textOf } from "../values";

/**
 * A policy about the log groups of a region. The provider overwrites one that has its name already.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_log_resource_policy
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/logs/resource_policy.go
 */
export const cloudwatchLogResourcePolicy: ResourceType = {
  bindings: "cloudwatch-log-resource-policy",
  title: "CloudWatch Logs Resource Policy",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_log_resource_policy",
  replacing: ["policy_name"],
  defaults: {},
  sameMeaning: { policy_document: samePolicy },
  problems: (config) => jsonProblems(config, "policy_document"),

  async create(session, planned, keep) {
    await putPolicy(session, planned);
    keep({ id: textOf(planned, "policy_name") });
  },

  async read({ aws, at }, state) {
    const policy = await new Logs(aws, at).describeResourcePolicy(textOf(state, "id"));
    return (
      policy && { id: policy.name, policy_name: policy.name, policy_document: policy.document }
    );
  },

  async update(session, _prior, planned) {
    await putPolicy(session, planned);
  },

  async delete({ aws, at }, state) {
    await unlessGone(isLogsNotFound, () =>
      new Logs(aws, at).deleteResourcePolicy(textOf(state, "id")),
    );
  },

  identify: (id) => ({ id, policy_name: id }),
  list: (store, { region }) =>
    store.list(LOG_RESOURCE_POLICIES, region).map(([name]) => listedByName(name)),
  nameIn: ({ policy_name: name }) => (typeof name === "string" ? name : undefined),
};

/** Also a change is said to be a creation. */
async function putPolicy({ aws, at }: Session, planned: Attributes): Promise<void> {
  const name = textOf(planned, "policy_name");
  await doing(`creating CloudWatch Logs Resource Policy (${name})`, () =>
    new Logs(aws, at).putResourcePolicy(name, textOf(planned, "policy_document")),
  );
}
