import {
  DEFAULT_BUS,
  EVENT_RULES,
  Events,
  isEventsNotFound,
  type TargetObject,
  targetParametersSchema,
} from "../../aws/events";
import { arnProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import { madeUpName } from "../names";
import type { ResourceType, Session } from "../resource-type";
import { asHeld, hasChanged } from "../same-meaning";
import { type Attributes, textOf } from "../values";
import { deadLetterBlocks, deadLetterConfigOf } from "./cloudwatch-event-bus";
import { ruleNameProblems } from "./cloudwatch-event-rule";

/** Blocks of which the sandbox knows nothing but that they come back as they were. */
const PARAMETER_BLOCKS = [
  "appsync_target",
  "batch_target",
  "ecs_target",
  "http_target",
  "input_transformer",
  "kinesis_target",
  "redshift_target",
  "retry_policy",
  "run_command_targets",
  "sagemaker_pipeline_target",
  "sqs_target",
];

const IMPORT_SEPARATOR = "/";

/**
 * A target of a rule.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_event_target
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/events/target.go
 */
export const cloudwatchEventTarget: ResourceType = {
  bindings: "cloudwatch-event-target",
  title: "EventBridge Target",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_event_target",
  replacing: ["event_bus_name", "rule", "target_id"],
  defaults: { event_bus_name: DEFAULT_BUS, force_destroy: false },
  problems: (config) => [
    ...ruleNameProblems(config, "rule"),
    ...ruleNameProblems(config, "target_id"),
    ...arnProblems(config, "arn"),
    ...arnProblems(config, "role_arn"),
  ],

  async create(session, planned, keep) {
    const targetId = textOf(planned, "target_id") || madeUpName({});
    const id = resourceId({ ...planned, target_id: targetId });
    await doing(`creating EventBridge Target (${id})`, () => putTarget(session, targetId, planned));
    keep({ id, target_id: targetId });
  },

  async read({ aws, at }, state) {
    const target = await findTarget({ aws, at }, state);
    return (
      target && {
        id: textOf(state, "id"),
        arn: target.arn,
        dead_letter_config: deadLetterBlocks(target.deadLetterConfig),
        event_bus_name: textOf(state, "event_bus_name"),
        input: asHeld(state, "input", target.input),
        input_path: asHeld(state, "input_path", target.inputPath),
        role_arn: target.roleArn ?? null,
        rule: textOf(state, "rule"),
        target_id: target.id,
        ...Object.fromEntries(
          PARAMETER_BLOCKS.map((block) => [block, target.parameters[block] ?? []]),
        ),
      }
    );
  },

  async update(session, prior, planned) {
    const arguments_ = [
      "arn",
      "dead_letter_config",
      "input",
      "input_path",
      "role_arn",
      ...PARAMETER_BLOCKS,
    ];
    if (hasChanged(prior, planned, arguments_)) {
      await putTarget(session, textOf(prior, "target_id"), planned);
    }
  },

  async delete({ aws, at }, state) {
    await unlessGone(isEventsNotFound, () =>
      new Events(aws, at).removeTargets(
        textOf(state, "event_bus_name"),
        textOf(state, "rule"),
        textOf(state, "target_id"),
      ),
    );
  },

  // Only the name of the bus may have slashes: that of a partner's bus, or an ARN.
  identify: (importId) => {
    const parts = importId.split(IMPORT_SEPARATOR);
    const [rule = "", targetId = ""] = parts.slice(-2);
    const busName = parts.length > 2 ? parts.slice(0, -2).join(IMPORT_SEPARATOR) : DEFAULT_BUS;
    if (busName === "" || rule === "" || targetId === "") {
      throw new Error(
        `unexpected format for ID (${importId}), expected EVENTBUSNAME/RULENAME/TARGETID or RULENAME/TARGETID`,
      );
    }
    const identity = { event_bus_name: busName, rule, target_id: targetId };
    return { id: resourceId(identity), ...identity };
  },
  list: (store, { region }) =>
    store.list(EVENT_RULES, region).flatMap(([, { busName, name, targets }]) =>
      Object.keys(targets).map((targetId) => {
        const identity = { event_bus_name: busName, rule: name, target_id: targetId };
        const importId = partsOf(identity).join(IMPORT_SEPARATOR);
        return { id: resourceId(identity), importId, name: importId };
      }),
    ),
  nameIn: ({ event_bus_name: busName = DEFAULT_BUS, rule, target_id: targetId }) =>
    typeof busName === "string" && typeof rule === "string" && typeof targetId === "string"
      ? partsOf({ event_bus_name: busName, rule, target_id: targetId }).join(IMPORT_SEPARATOR)
      : undefined,
};

async function putTarget({ aws, at }: Session, id: string, planned: Attributes): Promise<void> {
  await new Events(aws, at).putTargets(textOf(planned, "event_bus_name"), textOf(planned, "rule"), {
    id,
    arn: textOf(planned, "arn"),
    roleArn: textOf(planned, "role_arn") || undefined,
    deadLetterConfig: deadLetterConfigOf(planned),
    input: textOf(planned, "input") || undefined,
    inputPath: textOf(planned, "input_path") || undefined,
    parameters: targetParametersSchema.parse(
      Object.fromEntries(PARAMETER_BLOCKS.map((block) => [block, planned[block] ?? []])),
    ),
  });
}

async function findTarget(
  { aws, at }: Session,
  state: Attributes,
): Promise<TargetObject | undefined> {
  const targets = await unlessGone(isEventsNotFound, () =>
    new Events(aws, at).listTargetsByRule(textOf(state, "event_bus_name"), textOf(state, "rule")),
  );
  return targets?.find(({ id }) => id === textOf(state, "target_id"));
}

/** Nobody can take it apart again: its parts may have hyphens of their own. */
function resourceId(target: Attributes): string {
  return partsOf(target).join("-");
}

/** The bus, unless it is the default one, the rule and the target. */
function partsOf(target: Attributes): readonly string[] {
  const busName = textOf(target, "event_bus_name");
  return [
    ...(busName === DEFAULT_BUS ? [] : [busName]),
    textOf(target, "rule"),
    textOf(target, "target_id"),
  ];
}
