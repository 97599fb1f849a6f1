import { isDeepStrictEqual } from "node:util";
import { parseArn } from "../../../modules/partition";
import {
  type AdvancedEventSelector,
  CloudTrail,
  DEFAULT_SELECTOR,
  type EventSelector,
  type FieldSelector,
  isTrailNotFound,
  SELECTOR_LIMITS,
  TRAIL_NAME_CHARACTERS,
  TRAILS,
  type TrailSettings,
} from "../../aws/cloudtrail";
import { arnProblems, choiceProblems, lengthProblems } from "../argument-problems";
import { doing, unlessGone, updateTags } from "../calls";
import { ownName } from "../names";
import type { ResourceType } from "../resource-type";
import { asHeld, hasChanged } from "../same-meaning";
import { type Attributes, blocksOf, flagOf, mapOf, textOf, textsOf, type Value } from "../values";

/** The arguments that are settings of the trail. */
const TEXTS = {
  cloud_watch_logs_group_arn: "cloudWatchLogsLogGroupArn",
  cloud_watch_logs_role_arn: "cloudWatchLogsRoleArn",
  kms_key_id: "kmsKeyId",
  s3_bucket_name: "s3BucketName",
  s3_key_prefix: "s3KeyPrefix",
  sns_topic_name: "snsTopicName",
} as const satisfies Readonly<Record<string, keyof TrailSettings>>;

const FLAGS = {
  enable_log_file_validation: "enableLogFileValidation",
  include_global_service_events: "includeGlobalServiceEvents",
  is_multi_region_trail: "isMultiRegionTrail",
  is_organization_trail: "isOrganizationTrail",
} as const satisfies Readonly<Record<string, keyof TrailSettings>>;

const SELECTOR = "event_selector";
const ADVANCED = "advanced_event_selector";
const INSIGHT = "insight_selector";

/** Arguments of a field selector, and what the API calls them. */
const OPERATORS = {
  ends_with: "endsWith",
  equals: "equals",
  not_ends_with: "notEndsWith",
  not_equals: "notEquals",
  not_starts_with: "notStartsWith",
  starts_with: "startsWith",
} as const satisfies Readonly<Record<string, keyof FieldSelector>>;

/**
 * A trail.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudtrail
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/cloudtrail/trail.go
 */
export const cloudtrail: ResourceType = {
  bindings: "cloudtrail",
  title: "CloudTrail Trail",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudtrail",
  replacing: ["name"],
  defaults: {
    enable_log_file_validation: false,
    enable_logging: true,
    include_global_service_events: true,
    is_multi_region_trail: false,
    is_organization_trail: false,
  },
  problems: (config) => {
    const selectors = blocksOf(config, SELECTOR);
    const advanced = blocksOf(config, ADVANCED);
    return [
      ...lengthProblems(config, "name", TRAIL_NAME_CHARACTERS),
      ...lengthProblems(config, "s3_key_prefix", { min: 0, max: 2000 }),
      ...["cloud_watch_logs_group_arn", "cloud_watch_logs_role_arn", "kms_key_id"].flatMap(
        (argument) => arnProblems(config, argument),
      ),
      ...(selectors.length > 0 && advanced.length > 0
        ? [`Conflicting configuration arguments: "${ADVANCED}": conflicts with ${SELECTOR}`]
        : []),
      ...(selectors.length > SELECTOR_LIMITS.eventSelectors
        ? [
            `Too many ${SELECTOR} blocks: No more than ${SELECTOR_LIMITS.eventSelectors} "${SELECTOR}" blocks are allowed`,
          ]
        : []),
      ...selectors.flatMap((block) =>
        choiceProblems(block, "read_write_type", ["ReadOnly", "WriteOnly", "All"]),
      ),
      ...blocksOf(config, INSIGHT).flatMap((block) =>
        choiceProblems(block, "insight_type", ["ApiCallRateInsight", "ApiErrorRateInsight"]),
      ),
    ];
  },

  async create({ aws, at }, planned, keep) {
    const trails = new CloudTrail(aws, at);
    const name = textOf(planned, "name");
    const arn = await doing(`creating CloudTrail Trail (${name})`, () =>
      trails.createTrail({ ...settingsOf(planned), name, tags: mapOf(planned, "tags_all") }),
    );
    keep({ id: arn, arn });
    if (flagOf(planned, "enable_logging")) {
      await setLogging(trails, arn, true);
    }
    if (blocksOf(planned, SELECTOR).length > 0) {
      await setSelectors(trails, arn, planned);
    }
    if (blocksOf(planned, ADVANCED).length > 0) {
      await setAdvancedSelectors(trails, arn, planned);
    }
    if (blocksOf(planned, INSIGHT).length > 0) {
      await setInsightSelectors(trails, arn, planned);
    }
  },

  async read({ aws, at }, state) {
    const trails = new CloudTrail(aws, at);
    const trail = await unlessGone(isTrailNotFound, () =>
      trails.describeTrail(textOf(state, "id")),
    );
    if (trail === undefined) {
      return undefined;
    }
    const { eventSelectors, advancedEventSelectors } = await trails.getEventSelectors(trail.arn);
    const topic = parseArn(trail.snsTopicArn);
    const isOwnTopic = topic?.region === trail.homeRegion && topic.account === at.account;
    return {
      id: trail.arn,
      arn: trail.arn,
      name: trail.name,
      ...Object.fromEntries(
        Object.entries(TEXTS).map(([argument, setting]) => [
          argument,
          asHeld(state, argument, trail[setting]),
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(FLAGS).map(([argument, setting]) => [argument, trail[setting]]),
      ),
      enable_logging: await trails.getTrailStatus(trail.arn),
      home_region: trail.homeRegion,
      sns_topic_arn: trail.snsTopicArn,
      sns_topic_name: asHeld(
        state,
        "sns_topic_name",
        isOwnTopic ? topic.resource : trail.snsTopicArn,
      ),
      [SELECTOR]: selectorBlocks(eventSelectors, blocksOf(state, SELECTOR)),
      [ADVANCED]: advancedBlocks(advancedEventSelectors, blocksOf(state, ADVANCED)),
      [INSIGHT]: trail.insightTypes.map((type) => ({ insight_type: type })),
      tags_all: trail.tags,
    };
  },

  async update({ aws, at }, prior, planned) {
    const trails = new CloudTrail(aws, at);
    const arn = textOf(prior, "id");
    await updateTags(`CloudTrail Trail (${arn})`, prior, planned, (tags) =>
      trails.addTags(arn, tags),
    );
    if (hasChanged(prior, planned, [...Object.keys(TEXTS), ...Object.keys(FLAGS)])) {
      await doing(`updating CloudTrail Trail (${arn})`, () =>
        trails.updateTrail(arn, settingsOf(planned)),
      );
    }
    if (hasChanged(prior, planned, ["enable_logging"])) {
      await setLogging(trails, arn, flagOf(planned, "enable_logging"));
    }
    if (hasChanged(prior, planned, [SELECTOR])) {
      await setSelectors(trails, arn, planned);
    }
    // The real provider would send none, which CloudTrail refuses, after it has set basic ones.
    if (hasChanged(prior, planned, [ADVANCED]) && blocksOf(planned, ADVANCED).length > 0) {
      await setAdvancedSelectors(trails, arn, planned);
    } else if (hasChanged(prior, planned, [ADVANCED])) {
      await setSelectors(trails, arn, planned);
    }
    if (hasChanged(prior, planned, [INSIGHT])) {
      await setInsightSelectors(trails, arn, planned);
    }
  },

  async delete({ aws, at }, state) {
    await unlessGone(isTrailNotFound, () =>
      new CloudTrail(aws, at).deleteTrail(textOf(state, "id")),
    );
  },

  identify: (id) => ({ id, arn: id }),
  list: (store, { region }) =>
    store.list(TRAILS, region).map(([name, { arn }]) => ({ id: arn, importId: arn, name })),
  nameIn: ownName,
};

function settingsOf(planned: Attributes): TrailSettings {
  return {
    cloudWatchLogsLogGroupArn: textOf(planned, "cloud_watch_logs_group_arn"),
    cloudWatchLogsRoleArn: textOf(planned, "cloud_watch_logs_role_arn"),
    kmsKeyId: textOf(planned, "kms_key_id"),
    s3BucketName: textOf(planned, "s3_bucket_name"),
    s3KeyPrefix: textOf(planned, "s3_key_prefix"),
    snsTopicName: textOf(planned, "sns_topic_name"),
    enableLogFileValidation: flagOf(planned, "enable_log_file_validation"),
    includeGlobalServiceEvents: flagOf(planned, "include_global_service_events"),
    isMultiRegionTrail: flagOf(planned, "is_multi_region_trail"),
    isOrganizationTrail: flagOf(planned, "is_organization_trail"),
  };
}

async function setLogging(trails: CloudTrail, arn: string, enabled: boolean): Promise<void> {
  await (enabled
    ? doing(`starting CloudTrail Trail (${arn}) logging`, () => trails.startLogging(arn))
    : doing(`stopping CloudTrail Trail (${arn}) logging`, () => trails.stopLogging(arn)));
}

/** Without a block, a trail goes back to all management events. */
async function setSelectors(trails: CloudTrail, arn: string, planned: Attributes): Promise<void> {
  const blocks = blocksOf(planned, SELECTOR);
  const eventSelectors = blocks.length === 0 ? [DEFAULT_SELECTOR] : blocks.map(selectorOf);
  await doing(`setting CloudTrail Trail (${arn}) event selectors`, () =>
    trails.putEventSelectors(arn, { eventSelectors }),
  );
}

async function setAdvancedSelectors(
  trails: CloudTrail,
  arn: string,
  planned: Attributes,
): Promise<void> {
  await doing(`setting CloudTrail Trail (${arn}) advanced event selectors`, () =>
    trails.putEventSelectors(arn, {
      advancedEventSelectors: blocksOf(planned, ADVANCED).map(advancedOf),
    }),
  );
}

async function setInsightSelectors(
  trails: CloudTrail,
  arn: string,
  planned: Attributes,
): Promise<void> {
  await doing(`setting CloudTrail Trail (${arn}) insight selectors`, () =>
    trails.putInsightSelectors(
      arn,
      blocksOf(planned, INSIGHT).map((block) => textOf(block, "insight_type")),
    ),
  );
}

function selectorOf(block: Attributes): EventSelector {
  return {
    readWriteType: textOf(block, "read_write_type") || DEFAULT_SELECTOR.readWriteType,
    includeManagementEvents:
      (block.include_management_events ?? null) === null
        ? DEFAULT_SELECTOR.includeManagementEvents
        : flagOf(block, "include_management_events"),
    excludeManagementEventSources: [...textsOf(block, "exclude_management_event_sources")],
    dataResources: blocksOf(block, "data_resource").map((resource) => ({
      type: textOf(resource, "type"),
      values: [...textsOf(resource, "values")],
    })),
  };
}

/** What a trail does by default is no block, unless the state has it as one. */
function selectorBlocks(selectors: readonly EventSelector[], held: readonly Attributes[]): Value {
  if (held.length === 0 && isDeepStrictEqual(selectors, [DEFAULT_SELECTOR])) {
    return [];
  }
  return selectors.map((selector, index) => {
    const before = held[index];
    // What a block leaves out stays left out as long as the trail does what it does by default.
    return before !== undefined && isDeepStrictEqual(selectorOf(before), selector)
      ? before
      : {
          data_resource: selector.dataResources.map(({ type, values }) => ({ type, values })),
          exclude_management_event_sources: selector.excludeManagementEventSources,
          include_management_events: selector.includeManagementEvents,
          read_write_type: selector.readWriteType,
        };
  });
}

function advancedOf(block: Attributes): AdvancedEventSelector {
  return {
    name: textOf(block, "name"),
    fieldSelectors: blocksOf(block, "field_selector").map((selector) => ({
      field: textOf(selector, "field"),
      ...Object.fromEntries(
        Object.entries(OPERATORS).flatMap(([argument, operator]) => {
          const values = textsOf(selector, argument);
          return values.length === 0 ? [] : [[operator, [...values]]];
        }),
      ),
    })),
  };
}

function advancedBlocks(
  selectors: readonly AdvancedEventSelector[],
  held: readonly Attributes[],
): Value {
  return selectors.map(({ name, fieldSelectors }, index) => ({
    name: asHeld(held[index] ?? {}, "name", name),
    field_selector: fieldSelectors.map((selector) => ({
      field: selector.field,
      ...Object.fromEntries(
        Object.entries(OPERATORS).map(([argument, operator]) => [
          argument,
          selector[operator] ?? null,
        ]),
      ),
    })),
  }));
}
