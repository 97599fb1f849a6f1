import { MAX_ARCHIVE_PATTERN_CHARACTERS } from "../../../modules/events/event-pattern";
import { ARCHIVE_NAME } from "../../../modules/names";
import { type ArchiveSettings, EVENT_ARCHIVES, Events, isEventsNotFound } from "../../aws/events";
import { arnProblems, formProblems, jsonProblems, lengthProblems } from "../argument-problems";
import { unlessGone } from "../calls";
import { listedByName, ownName } from "../names";
import type { ResourceType } from "../resource-type";
import { asHeld, sameJson } from "../same-meaning";
import { type Attributes, numberOf, textOf } from "../values";
import { descriptionProblems } from "./cloudwatch-event-bus";

/**
 * An archive of the events of a bus.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_event_archive
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/events/archive.go
 */
export const cloudwatchEventArchive: ResourceType = {
  bindings: "cloudwatch-event-archive",
  title: "EventBridge Archive",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_event_archive",
  replacing: ["event_source_arn", "name"],
  defaults: {},
  sameMeaning: { event_pattern: sameJson },
  problems: (config) => [
    ...lengthProblems(config, "name", { max: ARCHIVE_NAME.maxCharacters }),
    ...formProblems(config, "name", ARCHIVE_NAME.pattern),
    ...arnProblems(config, "event_source_arn"),
    ...descriptionProblems(config),
    ...eventPatternProblems(config),
  ],

  async create({ aws, at }, planned, keep) {
    const name = textOf(planned, "name");
    await new Events(aws, at).createArchive({
      name,
      eventSourceArn: textOf(planned, "event_source_arn"),
      ...settingsOf(planned),
    });
    keep({ id: name, name });
  },

  async read({ aws, at }, state) {
    const archive = await unlessGone(isEventsNotFound, () =>
      new Events(aws, at).describeArchive(textOf(state, "id")),
    );
    return (
      archive && {
        id: archive.name,
        name: archive.name,
        arn: archive.arn,
        description: asHeld(state, "description", archive.description),
        event_pattern: asHeld(state, "event_pattern", archive.eventPattern),
        event_source_arn: archive.eventSourceArn,
        kms_key_identifier: archive.kmsKeyIdentifier ?? null,
        retention_days: asHeld(state, "retention_days", archive.retentionDays),
      }
    );
  },

  async update({ aws, at }, prior, planned) {
    await new Events(aws, at).updateArchive(textOf(prior, "id"), settingsOf(planned));
  },

  async delete({ aws, at }, state) {
    await unlessGone(isEventsNotFound, () =>
      new Events(aws, at).deleteArchive(textOf(state, "id")),
    );
  },

  // An archive that keeps its events for ever is imported with 0 days.
  identify: (id) => ({ id, name: id, retention_days: 0 }),
  list: (store, { region }) =>
    store.list(EVENT_ARCHIVES, region).map(([name]) => listedByName(name)),
  nameIn: ownName,
};

/** What `terraform validate` says of an event pattern: only whether it is JSON, and its length. */
export function eventPatternProblems(config: Attributes): readonly string[] {
  const problems = jsonProblems(config, "event_pattern");
  const pattern = textOf(config, "event_pattern");
  if (problems.length > 0 || pattern === "") {
    return problems;
  }
  const text = JSON.stringify(JSON.parse(pattern));
  return text.length <= MAX_ARCHIVE_PATTERN_CHARACTERS
    ? []
    : [
        `"event_pattern" cannot be longer than ${MAX_ARCHIVE_PATTERN_CHARACTERS} characters: "${text}"`,
      ];
}

function settingsOf(planned: Attributes): ArchiveSettings {
  return {
    description: textOf(planned, "description") || undefined,
    eventPattern: textOf(planned, "event_pattern") || undefined,
    retentionDays: numberOf(planned, "retention_days") ?? 0,
    kmsKeyIdentifier: textOf(planned, "kms_key_identifier") || undefined,
  };
}
