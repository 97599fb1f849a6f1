import { RULE_NAME } from "../../../modules/names";
import {
  DEFAULT_BUS,
  EVENT_RULES,
  Events,
  isEventsNotFound,
  ruleStateSchema,
} from "../../aws/events";
import { arnProblems, choiceProblems, conflictProblems, formProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import { listedByName, madeUpName, namePrefixOf } from "../names";
import type { ResourceType, Session } from "../resource-type";
import { asHeld, hasChanged, sameJson } from "../same-meaning";
import { type Attributes, mapOf, textOf } from "../values";
import { eventPatternProblems } from "./cloudwatch-event-archive";
import { descriptionProblems, updateEventTags } from "./cloudwatch-event-bus";

const SEPARATOR = "/";

/**
 * A rule of an event bus.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_event_rule
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/events/rule.go
 */
export const cloudwatchEventRule: ResourceType = {
  bindings: "cloudwatch-event-rule",
  title: "EventBridge Rule",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_event_rule",
  replacing: ["event_bus_name", "name", "name_prefix"],
  defaults: { event_bus_name: DEFAULT_BUS, force_destroy: false },
  sameMeaning: { event_pattern: sameJson },
  problems: (config) => [
    ...ruleNameProblems(config, "name"),
    ...ruleNameProblems(config, "name_prefix"),
    ...descriptionProblems(config),
    ...eventPatternProblems(config),
    ...arnProblems(config, "role_arn"),
    ...choiceProblems(config, "state", ruleStateSchema.options),
    ...conflictProblems(config, "is_enabled", "state"),
    ...((config.event_pattern ?? null) === null && (config.schedule_expression ?? null) === null
      ? ["one of `event_pattern,schedule_expression` must be specified"]
      : []),
  ],

  async create(session, planned, keep) {
    const name = madeUpName(planned);
    await doing(`creating EventBridge Rule (${name})`, () => putRule(session, name, planned));
    keep({ id: ruleId(textOf(planned, "event_bus_name"), name), name });
  },

  async read({ aws, at }, state) {
    const [busName, name] = parsedId(textOf(state, "id"));
    const rule = await unlessGone(isEventsNotFound, () =>
      new Events(aws, at).describeRule(busName, name),
    );
    return (
      rule && {
        id: ruleId(busName, name),
        name,
        name_prefix: namePrefixOf(name),
        arn: rule.arn,
        description: asHeld(state, "description", rule.description),
        // A bus that was given by its ARN stays so.
        event_bus_name: busName,
        event_pattern: asHeld(state, "event_pattern", rule.eventPattern),
        role_arn: rule.roleArn ?? null,
        schedule_expression: asHeld(state, "schedule_expression", rule.scheduleExpression),
        // The provider sees a difference only in the one of them that is configured.
        ...(textOf(state, "state") !== "" && { state: rule.state }),
        ...(typeof state.is_enabled === "boolean" && { is_enabled: rule.state !== "DISABLED" }),
        tags_all: rule.tags,
      }
    );
  },

  async update(session, prior, planned) {
    await updateEventTags("Rule", new Events(session.aws, session.at), prior, planned);
    const arguments_ = [
      "description",
      "event_pattern",
      "is_enabled",
      "role_arn",
      "schedule_expression",
      "state",
    ];
    if (hasChanged(prior, planned, arguments_)) {
      await putRule(session, textOf(prior, "name"), planned);
    }
  },

  async delete({ aws, at }, state) {
    await unlessGone(isEventsNotFound, () =>
      new Events(aws, at).deleteRule(...parsedId(textOf(state, "id"))),
    );
  },

  identify: (importId) => {
    const [busName, name] = parsedId(importId);
    return { id: ruleId(busName, name), event_bus_name: busName, name };
  },
  list: (store, { region }) =>
    store
      .list(EVENT_RULES, region)
      .map(([, { busName, name }]) => listedByName(ruleId(busName, name))),
  nameIn: ({ event_bus_name: busName = DEFAULT_BUS, name }) =>
    typeof busName === "string" && typeof name === "string" ? ruleId(busName, name) : undefined,
};

/** What `terraform validate` says of the name of a rule, or of the id of a target. */
export function ruleNameProblems(config: Attributes, argument: string): readonly string[] {
  const value = textOf(config, argument);
  return [
    ...(value.length > RULE_NAME.maxCharacters
      ? [`"${argument}" cannot be longer than ${RULE_NAME.maxCharacters} characters: "${value}"`]
      : []),
    ...formProblems(config, argument, RULE_NAME.pattern),
  ];
}

async function putRule({ aws, at }: Session, name: string, planned: Attributes): Promise<void> {
  await new Events(aws, at).putRule({
    name,
    busName: textOf(planned, "event_bus_name"),
    description: textOf(planned, "description") || undefined,
    eventPattern: textOf(planned, "event_pattern") || undefined,
    scheduleExpression: textOf(planned, "schedule_expression") || undefined,
    roleArn: textOf(planned, "role_arn") || undefined,
    state: ruleStateSchema.parse(
      textOf(planned, "state") || (planned.is_enabled === false ? "DISABLED" : "ENABLED"),
    ),
    tags: mapOf(planned, "tags_all"),
  });
}

function ruleId(busName: string, name: string): string {
  return busName === DEFAULT_BUS ? name : `${busName}${SEPARATOR}${name}`;
}

/** Only the name of the bus may have slashes: that of a partner's bus, or an ARN. */
function parsedId(id: string): [busName: string, name: string] {
  const at = id.lastIndexOf(SEPARATOR);
  const [busName, name] = at < 0 ? [DEFAULT_BUS, id] : [id.slice(0, at), id.slice(at + 1)];
  if (busName === "" || name === "") {
    throw new Error(`unexpected format for ID (${id}), expected EVENTBUSNAME/RULENAME or RULENAME`);
  }
  return [busName, name];
}
