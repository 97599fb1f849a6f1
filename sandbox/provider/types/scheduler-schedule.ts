import {
  DEFAULT_GROUP,
  FLEXIBLE_WINDOW_MINUTES,
  isSchedulerNotFound,
  RETRY_POLICY,
  SCHEDULE_NAME,
  SCHEDULE_OBJECTS,
  Scheduler,
  type ScheduleSettings,
  type ScheduleTarget,
  scheduleId,
} from "../../aws/scheduler";
import { arnProblems, choiceProblems, lengthProblems, rangeProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import { heldBlock } from "../held-blocks";
import { madeUpName, namePrefixOf } from "../names";
import type { ResourceType } from "../resource-type";
import { asHeld } from "../same-meaning";
import { type Attributes, blocksOf, numberOf, textOf, type Value } from "../values";
import { scheduleNameProblems } from "./scheduler-schedule-group";

/** Blocks of the target that the sandbox does not know. */
const UNKNOWN_BLOCKS = ["ecs_parameters", "sagemaker_pipeline_parameters"];

/** What Scheduler fills in where a retry policy, or a part of it, is left out. */
const RETRY_DEFAULTS = {
  maximum_event_age_in_seconds: RETRY_POLICY.maximumEventAgeInSeconds.default,
  maximum_retry_attempts: RETRY_POLICY.maximumRetryAttempts.default,
};

/**
 * A schedule. Targets in ECS and SageMaker are not simulated.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/scheduler_schedule
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/scheduler/schedule.go
 */
export const schedulerSchedule: ResourceType = {
  bindings: "scheduler-schedule",
  title: "EventBridge Scheduler Schedule",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/scheduler_schedule",
  replacing: ["group_name", "name", "name_prefix"],
  defaults: { schedule_expression_timezone: "UTC", state: "ENABLED" },
  problems: (config) => [
    ...scheduleNameProblems(config),
    ...lengthProblems(config, "group_name", { max: SCHEDULE_NAME.maxCharacters }),
    ...lengthProblems(config, "description", { min: 0, max: 512 }),
    ...lengthProblems(config, "schedule_expression", { max: 256 }),
    ...lengthProblems(config, "schedule_expression_timezone", { max: 50 }),
    ...arnProblems(config, "kms_key_arn"),
    ...choiceProblems(config, "action_after_completion", ["NONE", "DELETE"]),
    ...choiceProblems(config, "state", ["ENABLED", "DISABLED"]),
    ...blocksOf(config, "flexible_time_window").flatMap((block) => [
      ...choiceProblems(block, "mode", ["OFF", "FLEXIBLE"]),
      ...rangeProblems(block, "maximum_window_in_minutes", FLEXIBLE_WINDOW_MINUTES),
    ]),
    ...blocksOf(config, "target").flatMap(targetProblems),
  ],

  async create({ aws, at }, planned, keep) {
    const name = madeUpName(planned);
    const group = textOf(planned, "group_name") || DEFAULT_GROUP;
    await doing(`creating EventBridge Scheduler Schedule (${name})`, () =>
      new Scheduler(aws, at).createSchedule(group, name, settingsOf(planned)),
    );
    keep({ id: scheduleId(group, name), group_name: group, name });
  },

  async read({ aws, at }, state) {
    const { group, name } = namesOf(textOf(state, "id"));
    const schedule = await unlessGone(isSchedulerNotFound, () =>
      new Scheduler(aws, at).getSchedule(group, name),
    );
    return (
      schedule && {
        id: scheduleId(group, name),
        action_after_completion: schedule.actionAfterCompletion,
        arn: schedule.arn,
        description: asHeld(state, "description", schedule.description),
        end_date: schedule.endDate ?? null,
        flexible_time_window: [
          {
            maximum_window_in_minutes: schedule.flexibleTimeWindow.maximumWindowInMinutes ?? null,
            mode: schedule.flexibleTimeWindow.mode,
          },
        ],
        group_name: group,
        kms_key_arn: schedule.kmsKeyArn ?? null,
        name,
        name_prefix: namePrefixOf(name),
        schedule_expression: schedule.expression,
        schedule_expression_timezone: schedule.timezone,
        start_date: schedule.startDate ?? null,
        state: schedule.state,
        target: [targetBlock(schedule.target, blocksOf(state, "target")[0] ?? {})],
      }
    );
  },

  async update({ aws, at }, prior, planned) {
    const { group, name } = namesOf(textOf(prior, "id"));
    await doing(`updating EventBridge Scheduler Schedule (${textOf(prior, "id")})`, () =>
      new Scheduler(aws, at).updateSchedule(group, name, settingsOf(planned)),
    );
  },

  async delete({ aws, at }, state) {
    const { group, name } = namesOf(textOf(state, "id"));
    await unlessGone(isSchedulerNotFound, () => new Scheduler(aws, at).deleteSchedule(group, name));
  },

  identify: (id) => {
    const { group, name } = namesOf(id);
    return { id, group_name: group, name };
  },
  list: (store, { region }) =>
    store.list(SCHEDULE_OBJECTS, region).map(([id]) => ({ id, importId: id, name: id })),
  nameIn: ({ group_name: group = DEFAULT_GROUP, name }) =>
    typeof group === "string" && typeof name === "string" ? scheduleId(group, name) : undefined,
};

function targetProblems(target: Attributes): readonly string[] {
  return [
    ...arnProblems(target, "arn"),
    ...arnProblems(target, "role_arn"),
    ...blocksOf(target, "dead_letter_config").flatMap((block) => arnProblems(block, "arn")),
    ...blocksOf(target, "retry_policy").flatMap((block) => [
      ...rangeProblems(
        block,
        "maximum_event_age_in_seconds",
        RETRY_POLICY.maximumEventAgeInSeconds,
      ),
      ...rangeProblems(block, "maximum_retry_attempts", RETRY_POLICY.maximumRetryAttempts),
    ]),
    ...blocksOf(target, "eventbridge_parameters").flatMap((block) => [
      ...lengthProblems(block, "detail_type", { max: 128 }),
      ...lengthProblems(block, "source", { max: 256 }),
    ]),
    ...UNKNOWN_BLOCKS.filter((block) => blocksOf(target, block).length > 0).map(
      (block) => `the sandbox has no ${block}: leave it out`,
    ),
  ];
}

function namesOf(id: string): { readonly group: string; readonly name: string } {
  const [group = "", name = "", ...more] = id.split("/");
  if (group === "" || name === "" || more.length > 0) {
    throw new Error(`unexpected format of ID (${id}), expected schedule-group-name/schedule-name`);
  }
  return { group, name };
}

function settingsOf(planned: Attributes): ScheduleSettings {
  const [window = {}] = blocksOf(planned, "flexible_time_window");
  const [target = {}] = blocksOf(planned, "target");
  return {
    expression: textOf(planned, "schedule_expression"),
    timezone: textOf(planned, "schedule_expression_timezone") || "UTC",
    description: textOf(planned, "description") || undefined,
    startDate: textOf(planned, "start_date") || undefined,
    endDate: textOf(planned, "end_date") || undefined,
    state: textOf(planned, "state") || "ENABLED",
    actionAfterCompletion: textOf(planned, "action_after_completion") || "NONE",
    kmsKeyArn: textOf(planned, "kms_key_arn") || undefined,
    flexibleTimeWindow: {
      mode: textOf(window, "mode"),
      maximumWindowInMinutes: numberOf(window, "maximum_window_in_minutes"),
    },
    target: targetOf(target),
  };
}

function targetOf(block: Attributes): ScheduleTarget {
  const [deadLetter] = blocksOf(block, "dead_letter_config");
  const [retry = {}] = blocksOf(block, "retry_policy");
  const [event] = blocksOf(block, "eventbridge_parameters");
  const [kinesis] = blocksOf(block, "kinesis_parameters");
  const [sqs] = blocksOf(block, "sqs_parameters");
  return {
    arn: textOf(block, "arn"),
    roleArn: textOf(block, "role_arn"),
    input: textOf(block, "input") || undefined,
    deadLetterArn: deadLetter && textOf(deadLetter, "arn"),
    retryPolicy: {
      maximumEventAgeInSeconds:
        numberOf(retry, "maximum_event_age_in_seconds") ??
        RETRY_DEFAULTS.maximum_event_age_in_seconds,
      maximumRetryAttempts:
        numberOf(retry, "maximum_retry_attempts") ?? RETRY_DEFAULTS.maximum_retry_attempts,
    },
    eventBridgeParameters: event && {
      detailType: textOf(event, "detail_type"),
      source: textOf(event, "source"),
    },
    kinesisParameters: kinesis && { partitionKey: textOf(kinesis, "partition_key") },
    sqsParameters: sqs && { messageGroupId: textOf(sqs, "message_group_id") || undefined },
  };
}

function targetBlock(target: ScheduleTarget, held: Attributes): Value {
  const { eventBridgeParameters: event, kinesisParameters: kinesis, sqsParameters: sqs } = target;
  return {
    arn: target.arn,
    dead_letter_config: target.deadLetterArn === undefined ? [] : [{ arn: target.deadLetterArn }],
    ...Object.fromEntries(UNKNOWN_BLOCKS.map((block) => [block, []])),
    eventbridge_parameters:
      event === undefined ? [] : [{ detail_type: event.detailType, source: event.source }],
    input: asHeld(held, "input", target.input),
    kinesis_parameters: kinesis === undefined ? [] : [{ partition_key: kinesis.partitionKey }],
    retry_policy: heldBlock(
      held,
      "retry_policy",
      {
        maximum_event_age_in_seconds: target.retryPolicy.maximumEventAgeInSeconds,
        maximum_retry_attempts: target.retryPolicy.maximumRetryAttempts,
      },
      RETRY_DEFAULTS,
    ),
    role_arn: target.roleArn,
    sqs_parameters: sqs === undefined ? [] : [{ message_group_id: sqs.messageGroupId ?? null }],
  };
}
