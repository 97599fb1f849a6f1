import {
  isSchedulerNotFound,
  SCHEDULE_GROUPS,
  SCHEDULE_NAME,
  Scheduler,
} from "../../aws/scheduler";
import { conflictProblems, formProblems, lengthProblems } from "../argument-problems";
import { doing, unlessGone, updateTags } from "../calls";
import { listedByName, madeUpName, namePrefixOf, ownName } from "../names";
import type { ResourceType } from "../resource-type";
import { type Attributes, mapOf, textOf } from "../values";

/** What the provider puts behind a prefix. */
const SERIAL_CHARACTERS = 26;

/**
 * A group of schedules. Deleting it deletes them; the provider waits until it is gone, here it is at once.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/scheduler_schedule_group
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/scheduler/schedule_group.go
 */
export const schedulerScheduleGroup: ResourceType = {
  bindings: "scheduler-schedule-group",
  title: "EventBridge Scheduler Schedule Group",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/scheduler_schedule_group",
  replacing: ["name", "name_prefix"],
  defaults: {},
  problems: scheduleNameProblems,

  async create({ aws, at }, planned, keep) {
    const name = madeUpName(planned);
    await doing(`creating EventBridge Scheduler Schedule Group (${name})`, () =>
      new Scheduler(aws, at).createScheduleGroup(name, mapOf(planned, "tags_all")),
    );
    keep({ id: name, name });
  },

  async read({ aws, at }, state) {
    const group = await unlessGone(isSchedulerNotFound, () =>
      new Scheduler(aws, at).getScheduleGroup(textOf(state, "id")),
    );
    const created = group?.created.replace(/\.\d+Z$/, "Z") ?? "";
    return (
      group && {
        id: group.name,
        name: group.name,
        name_prefix: namePrefixOf(group.name),
        arn: group.arn,
        creation_date: created,
        last_modification_date: created,
        state: "ACTIVE",
        tags_all: group.tags,
      }
    );
  },

  async update({ aws, at }, prior, planned) {
    await updateTags(
      `EventBridge Scheduler Schedule Group (${textOf(prior, "arn")})`,
      prior,
      planned,
      (tags) => new Scheduler(aws, at).tagResource(textOf(prior, "id"), tags),
    );
  },

  async delete({ aws, at }, state) {
    await unlessGone(isSchedulerNotFound, () =>
      new Scheduler(aws, at).deleteScheduleGroup(textOf(state, "id")),
    );
  },

  identify: (id) => ({ id, name: id }),
  list: (store, { region }) =>
    store.list(SCHEDULE_GROUPS, region).map(([name]) => listedByName(name)),
  nameIn: ownName,
};

/** What `terraform validate` says of the name of a schedule or group, or of the prefix of one. */
export function scheduleNameProblems(config: Attributes): readonly string[] {
  return [
    ...lengthProblems(config, "name", { max: SCHEDULE_NAME.maxCharacters }),
    ...lengthProblems(config, "name_prefix", {
      max: SCHEDULE_NAME.maxCharacters - SERIAL_CHARACTERS,
    }),
    ...formProblems(config, "name", SCHEDULE_NAME.pattern),
    ...formProblems(config, "name_prefix", SCHEDULE_NAME.pattern),
    ...conflictProblems(config, "name", "name_prefix"),
  ];
}
