import { LOG_RETENTION_DAYS } from "../../../config/rules";
import {
  isLogsNotFound,
  isRetention,
  LOG_GROUP_CLASSES,
  LOG_GROUP_NAME,
  LOG_GROUPS,
  type LogGroupObject,
  Logs,
} from "../../aws/logs";
import {
  choiceProblems,
  conflictProblems,
  formProblems,
  lengthProblems,
} from "../argument-problems";
import { doing, unlessGone, updateTags } from "../calls";
import { listedByName, madeUpName, namePrefixOf, ownName } from "../names";
import type { ResourceType } from "../resource-type";
import { asHeld, hasChanged } from "../same-meaning";
import { type Attributes, flagOf, mapOf, numberOf, textOf } from "../values";

/**
 * A log group.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_log_group
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/logs/group.go
 */
export const cloudwatchLogGroup: ResourceType = {
  bindings: "cloudwatch-log-group",
  title: "CloudWatch Logs Log Group",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_log_group",
  replacing: ["log_group_class", "name", "name_prefix"],
  defaults: { retention_in_days: 0, skip_destroy: false },
  problems: (config) => {
    const days = numberOf(config, "retention_in_days") ?? 0;
    return [
      ...lengthProblems(config, "name", { max: LOG_GROUP_NAME.maxCharacters }),
      ...formProblems(config, "name", LOG_GROUP_NAME.pattern),
      ...conflictProblems(config, "name", "name_prefix"),
      ...choiceProblems(config, "log_group_class", LOG_GROUP_CLASSES),
      ...(days === 0 || isRetention(days)
        ? []
        : [
            `expected retention_in_days to be one of [0 ${LOG_RETENTION_DAYS.join(" ")}], got ${days}`,
          ]),
    ];
  },

  async create({ aws, at }, planned, keep) {
    const logs = new Logs(aws, at);
    const name = madeUpName(planned);
    await doing(`creating CloudWatch Logs Log Group (${name})`, () =>
      logs.createLogGroup({
        name,
        logGroupClass: classOf(planned),
        kmsKeyId: textOf(planned, "kms_key_id") || undefined,
        deletionProtection: flagOf(planned, "deletion_protection_enabled"),
        tags: mapOf(planned, "tags_all"),
      }),
    );
    keep({ id: name, name });
    const days = numberOf(planned, "retention_in_days") ?? 0;
    if (days !== 0) {
      await putRetention(logs, name, days);
    }
  },

  async read({ aws, at }, state) {
    const group = await new Logs(aws, at).describeLogGroup(textOf(state, "id"));
    return (
      group && {
        id: group.name,
        arn: group.arn,
        deletion_protection_enabled: group.deletionProtection,
        kms_key_id: asHeld(state, "kms_key_id", group.kmsKeyId),
        log_group_class: group.logGroupClass,
        name: group.name,
        name_prefix: namePrefixOf(group.name),
        retention_in_days: group.retentionInDays ?? 0,
        tags_all: group.tags,
      }
    );
  },

  async update({ aws, at }, prior, planned) {
    const logs = new Logs(aws, at);
    const name = textOf(prior, "id");
    const title = `CloudWatch Logs Log Group (${name})`;
    await updateTags(title, prior, planned, (tags) => logs.tagResource(name, tags));
    if (hasChanged(prior, planned, ["deletion_protection_enabled"])) {
      await doing(`updating ${title} deletion protection`, () =>
        logs.putLogGroupDeletionProtection(name, flagOf(planned, "deletion_protection_enabled")),
      );
    }
    if (hasChanged(prior, planned, ["retention_in_days"])) {
      const days = numberOf(planned, "retention_in_days") ?? 0;
      await (days === 0
        ? doing(`deleting ${title} retention policy`, () => logs.deleteRetentionPolicy(name))
        : putRetention(logs, name, days));
    }
    if (hasChanged(prior, planned, ["kms_key_id"])) {
      const key = textOf(planned, "kms_key_id");
      await (key === ""
        ? doing(`disassociating ${title} KMS key`, () => logs.disassociateKmsKey(name))
        : doing(`associating ${title} KMS key`, () => logs.associateKmsKey(name, key)));
    }
  },

  async delete({ aws, at }, state) {
    if (!flagOf(state, "skip_destroy")) {
      await unlessGone(isLogsNotFound, () => new Logs(aws, at).deleteLogGroup(textOf(state, "id")));
    }
  },

  identify: (id) => ({ id, name: id }),
  list: (store, { region }) => store.list(LOG_GROUPS, region).map(([name]) => listedByName(name)),
  nameIn: ownName,
};

function classOf(planned: Attributes): LogGroupObject["logGroupClass"] {
  const given = textOf(planned, "log_group_class");
  return LOG_GROUP_CLASSES.find((known) => known === given) ?? LOG_GROUP_CLASSES[0];
}

async function putRetention(logs: Logs, name: string, days: number): Promise<void> {
  await doing(`setting CloudWatch Logs Log Group (${name}) retention policy`, () =>
    logs.putRetentionPolicy(name, days),
  );
}
