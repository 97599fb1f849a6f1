import { EVENT_BUS_NAME } from "../../../modules/names";
import {
  DEFAULT_BUS,
  EVENT_BUSES,
  type EventBusObject,
  type EventBusSettings,
  Events,
  isEventsNotFound,
} from "../../aws/events";
import { existingThings } from "../../aws/existing";
import { lengthProblems } from "../argument-problems";
import { unlessGone, updateTags } from "../calls";
import { listedByName, ownName } from "../names";
import type { ResourceType, Session } from "../resource-type";
import { asHeld, hasChanged } from "../same-meaning";
import { type Attributes, blocksOf, mapOf, textOf, type Value } from "../values";

/**
 * An event bus. Its policy is a resource of its own.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_event_bus
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/events/bus.go
 */
export const cloudwatchEventBus: ResourceType = {
  bindings: "cloudwatch-event-bus",
  title: "EventBridge Event Bus",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_event_bus",
  replacing: ["event_source_name", "name"],
  defaults: {},
  problems: (config) => [
    ...lengthProblems(config, "name", { max: EVENT_BUS_NAME.maxCharacters }),
    ...(textOf(config, "name") === DEFAULT_BUS
      ? [`invalid value for name (cannot be '${DEFAULT_BUS}')`]
      : []),
    ...descriptionProblems(config),
  ],

  async create({ aws, at }, planned, keep) {
    const name = textOf(planned, "name");
    await new Events(aws, at).createEventBus({
      name,
      eventSourceName: textOf(planned, "event_source_name") || undefined,
      ...settingsOf(planned),
      tags: mapOf(planned, "tags_all"),
    });
    keep({ id: name, name });
  },

  async read(session, state) {
    const bus = await findBus(session, textOf(state, "id"));
    return (
      bus && {
        id: bus.name,
        name: bus.name,
        arn: bus.arn,
        dead_letter_config: deadLetterBlocks(bus.deadLetterConfig),
        description: asHeld(state, "description", bus.description),
        kms_key_identifier: bus.kmsKeyIdentifier ?? null,
        log_config:
          bus.logConfig === undefined
            ? []
            : [
                {
                  include_detail: bus.logConfig.includeDetail ?? null,
                  level: bus.logConfig.level ?? null,
                },
              ],
        tags_all: bus.tags,
      }
    );
  },

  async update({ aws, at }, prior, planned) {
    const events = new Events(aws, at);
    await updateEventTags("Event Bus", events, prior, planned);
    const arguments_ = ["dead_letter_config", "description", "kms_key_identifier", "log_config"];
    if (hasChanged(prior, planned, arguments_)) {
      await events.updateEventBus(textOf(prior, "id"), settingsOf(planned));
    }
  },

  async delete({ aws, at }, state) {
    await new Events(aws, at).deleteEventBus(textOf(state, "id"));
  },

  identify: (id) => ({ id, name: id }),
  list: (store, { region }) => {
    const others = [DEFAULT_BUS, ...existingThings(store).buses];
    return store
      .list(EVENT_BUSES, region)
      .filter(([name]) => !others.includes(name))
      .map(([name]) => listedByName(name));
  },
  nameIn: ownName,
};

/** The bus of that name, unless it is gone. */
export function findBus({ aws, at }: Session, name: string): Promise<EventBusObject | undefined> {
  return unlessGone(isEventsNotFound, () => new Events(aws, at).describeEventBus(name));
}

/**
 * Sets the tags of a bus or rule if they change.
 *
 * @param type - `Event Bus` or `Rule`
 */
export function updateEventTags(
  type: string,
  events: Events,
  prior: Attributes,
  planned: Attributes,
): Promise<void> {
  const arn = textOf(prior, "arn");
  return updateTags(`EventBridge ${type} (${arn})`, prior, planned, (tags) =>
    events.tagResource(arn, tags),
  );
}

/** The queue of the block `dead_letter_config`. */
export function deadLetterConfigOf(planned: Attributes): EventBusSettings["deadLetterConfig"] {
  const [block] = blocksOf(planned, "dead_letter_config");
  return block && { arn: textOf(block, "arn") || undefined };
}

/** The block `dead_letter_config`. */
export function deadLetterBlocks(config: EventBusSettings["deadLetterConfig"]): Value {
  return config === undefined ? [] : [{ arn: config.arn ?? null }];
}

/** What `terraform validate` says of a description that is too long for EventBridge. */
export function descriptionProblems(config: Attributes): readonly string[] {
  return lengthProblems(config, "description", { min: 0, max: MAX_DESCRIPTION_CHARACTERS });
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html
const MAX_DESCRIPTION_CHARACTERS = 512;

function settingsOf(planned: Attributes): EventBusSettings {
  const [log] = blocksOf(planned, "log_config");
  return {
    description: textOf(planned, "description") || undefined,
    kmsKeyIdentifier: textOf(planned, "kms_key_identifier") || undefined,
    deadLetterConfig: deadLetterConfigOf(planned),
    logConfig: log && {
      includeDetail: textOf(log, "include_detail") || undefined,
      level: textOf(log, "level") || undefined,
    },
  };
}
