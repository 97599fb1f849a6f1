import { isDeepStrictEqual } from "node:util";
import {
  ALARM_LIMITS,
  ALARMS,
  type AlarmSettings,
  CloudWatch,
  COMPARISON_OPERATORS,
  EXTENDED_STATISTIC,
  isAlarmNotFound,
  isPeriod,
  type MetricQuery,
  MISSING_DATA,
  STATISTICS,
} from "../../aws/cloudwatch";
import {
  arnProblems,
  choiceProblems,
  conflictProblems,
  lengthProblems,
} from "../argument-problems";
import { doing, unlessGone, updateTags } from "../calls";
import { listedByName } from "../names";
import type { ResourceType, Session } from "../resource-type";
import { asHeld, hasChanged } from "../same-meaning";
import {
  type Attributes,
  blocksOf,
  flagOf,
  mapOf,
  numberOf,
  textOf,
  textsOf,
  type Value,
} from "../values";

const ACTIONS = ["alarm_actions", "insufficient_data_actions", "ok_actions"];

/** Arguments about a single metric, which queries rule out. */
const OF_ONE_METRIC = [
  "dimensions",
  "extended_statistic",
  "metric_name",
  "namespace",
  "period",
  "statistic",
];

/**
 * An alarm on a metric. The provider overwrites one that has its name already.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_metric_alarm
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/cloudwatch/metric_alarm.go
 */
export const cloudwatchMetricAlarm: ResourceType = {
  bindings: "cloudwatch-metric-alarm",
  title: "CloudWatch Metric Alarm",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_metric_alarm",
  replacing: ["alarm_name"],
  defaults: { actions_enabled: true, treat_missing_data: MISSING_DATA[0] ?? null },
  problems: (config) => [
    ...lengthProblems(config, "alarm_name", { max: ALARM_LIMITS.nameCharacters }),
    ...lengthProblems(config, "alarm_description", {
      min: 0,
      max: ALARM_LIMITS.descriptionCharacters,
    }),
    ...choiceProblems(config, "comparison_operator", COMPARISON_OPERATORS),
    ...choiceProblems(config, "statistic", STATISTICS),
    ...choiceProblems(config, "treat_missing_data", MISSING_DATA),
    ...(["datapoints_to_alarm", "evaluation_periods"] as const).flatMap((argument) => {
      const value = numberOf(config, argument) ?? 1;
      return value < 1 ? [`expected ${argument} to be at least (1), got ${value}`] : [];
    }),
    ...periodProblems(config),
    ...extendedStatisticProblems(config),
    ...ACTIONS.flatMap((argument) => actionsProblems(config, argument)),
    ...conflictProblems(config, "statistic", "extended_statistic"),
    ...conflictProblems(config, "threshold", "threshold_metric_id"),
    ...queriesProblems(config),
  ],

  async create(session, planned, keep) {
    const name = textOf(planned, "alarm_name");
    await putAlarm(session, "creating", planned);
    keep({ id: name });
  },

  async read({ aws, at }, state) {
    const alarm = await new CloudWatch(aws, at).describeAlarm(textOf(state, "id"));
    if (alarm === undefined) {
      return undefined;
    }
    return {
      id: alarm.name,
      arn: alarm.arn,
      alarm_name: alarm.name,
      actions_enabled: alarm.actionsEnabled,
      alarm_actions: unlessEmpty(state, "alarm_actions", alarm.alarmActions),
      insufficient_data_actions: unlessEmpty(
        state,
        "insufficient_data_actions",
        alarm.insufficientDataActions,
      ),
      ok_actions: unlessEmpty(state, "ok_actions", alarm.okActions),
      alarm_description: asHeld(state, "alarm_description", alarm.description),
      comparison_operator: alarm.comparisonOperator,
      datapoints_to_alarm: asHeld(state, "datapoints_to_alarm", alarm.datapointsToAlarm),
      dimensions: unlessEmpty(state, "dimensions", alarm.dimensions),
      evaluate_low_sample_count_percentiles: alarm.evaluateLowSampleCountPercentile ?? "",
      evaluation_periods: alarm.evaluationPeriods,
      extended_statistic: asHeld(state, "extended_statistic", alarm.extendedStatistic),
      metric_name: asHeld(state, "metric_name", alarm.metricName),
      metric_query: queryBlocks(state, alarm.metrics),
      namespace: asHeld(state, "namespace", alarm.namespace),
      period: asHeld(state, "period", alarm.period),
      statistic: asHeld(state, "statistic", alarm.statistic),
      threshold: asHeld(state, "threshold", alarm.threshold),
      threshold_metric_id: asHeld(state, "threshold_metric_id", alarm.thresholdMetricId),
      treat_missing_data: alarm.treatMissingData,
      unit: asHeld(state, "unit", alarm.unit),
      tags_all: alarm.tags,
    };
  },

  async update(session, prior, planned) {
    const name = textOf(prior, "id");
    await updateTags(`CloudWatch Metric Alarm (${name})`, prior, planned, (tags) =>
      new CloudWatch(session.aws, session.at).tagResource(name, tags),
    );
    const others = Object.keys(planned).filter((argument) => !argument.startsWith("tags"));
    if (hasChanged(prior, planned, others)) {
      await putAlarm(session, "updating", planned);
    }
  },

  async delete({ aws, at }, state) {
    await unlessGone(isAlarmNotFound, () =>
      new CloudWatch(aws, at).deleteAlarm(textOf(state, "id")),
    );
  },

  identify: (id) => ({ id, alarm_name: id }),
  list: (store, { region }) =>
    store
      .list(ALARMS, region)
      .map(([name, { state }]) => ({ ...listedByName(name), detail: state })),
  nameIn: ({ alarm_name: name }) => (typeof name === "string" ? name : undefined),
};

async function putAlarm({ aws, at }: Session, doingWhat: string, planned: Attributes) {
  const name = textOf(planned, "alarm_name");
  await doing(`${doingWhat} CloudWatch Metric Alarm (${name})`, () =>
    new CloudWatch(aws, at).putMetricAlarm(name, settingsOf(planned), mapOf(planned, "tags_all")),
  );
}

function settingsOf(planned: Attributes): AlarmSettings {
  const text = (argument: string) => textOf(planned, argument) || undefined;
  const number = (argument: string) => numberOf(planned, argument) || undefined;
  const thresholdMetricId = text("threshold_metric_id");
  return {
    actionsEnabled: flagOf(planned, "actions_enabled"),
    alarmActions: [...textsOf(planned, "alarm_actions")],
    insufficientDataActions: [...textsOf(planned, "insufficient_data_actions")],
    okActions: [...textsOf(planned, "ok_actions")],
    description: text("alarm_description"),
    comparisonOperator: textOf(planned, "comparison_operator"),
    datapointsToAlarm: number("datapoints_to_alarm"),
    dimensions: mapOf(planned, "dimensions"),
    evaluateLowSampleCountPercentile: text("evaluate_low_sample_count_percentiles"),
    evaluationPeriods: numberOf(planned, "evaluation_periods") ?? 0,
    extendedStatistic: text("extended_statistic"),
    metricName: text("metric_name"),
    metrics: queriesOf(planned),
    namespace: text("namespace"),
    period: number("period"),
    statistic: text("statistic"),
    // A threshold that is left out is sent as 0.
    threshold: thresholdMetricId === undefined ? (numberOf(planned, "threshold") ?? 0) : undefined,
    thresholdMetricId,
    treatMissingData: textOf(planned, "treat_missing_data"),
    unit: text("unit"),
  };
}

function queriesOf(attributes: Attributes): MetricQuery[] {
  return blocksOf(attributes, "metric_query").map((query) => {
    const [metric] = blocksOf(query, "metric");
    return {
      id: textOf(query, "id"),
      accountId: textOf(query, "account_id") || undefined,
      expression: textOf(query, "expression") || undefined,
      label: textOf(query, "label") || undefined,
      metricStat: metric && {
        metricName: textOf(metric, "metric_name"),
        namespace: textOf(metric, "namespace") || undefined,
        dimensions: mapOf(metric, "dimensions"),
        period: numberOf(metric, "period") ?? 0,
        stat: textOf(metric, "stat"),
        unit: textOf(metric, "unit") || undefined,
      },
      period: numberOf(query, "period") || undefined,
      returnData: flagOf(query, "return_data"),
    };
  });
}

/** The blocks of an alarm's queries: as they are held if they still say the same. */
function queryBlocks(state: Attributes, queries: readonly MetricQuery[]): Value {
  const inOrder = (list: readonly MetricQuery[]) => JSON.parse(JSON.stringify(sortedById(list)));
  return isDeepStrictEqual(inOrder(queriesOf(state)), inOrder(queries))
    ? (state.metric_query ?? [])
    : queries.map(({ id, accountId, expression, label, metricStat, period, returnData }) => ({
        id,
        account_id: accountId ?? null,
        expression: expression ?? null,
        label: label ?? null,
        metric:
          metricStat === undefined
            ? []
            : [
                {
                  metric_name: metricStat.metricName,
                  namespace: metricStat.namespace ?? null,
                  dimensions: metricStat.dimensions,
                  period: metricStat.period,
                  stat: metricStat.stat,
                  unit: metricStat.unit ?? null,
                },
              ],
        period: period ?? null,
        return_data: returnData,
      }));
}

function sortedById(queries: readonly MetricQuery[]): readonly MetricQuery[] {
  return [...queries].sort((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)));
}

/** What AWS has; if that is nothing, nothing in the way in which it was configured. */
function unlessEmpty(state: Attributes, argument: string, found: Value): Value {
  const isEmpty = (value: Value | undefined) => Object.keys(value ?? {}).length === 0;
  return isEmpty(found) && isEmpty(state[argument]) ? (state[argument] ?? null) : found;
}

function periodProblems(config: Attributes): readonly string[] {
  const period = numberOf(config, "period");
  return period === undefined || isPeriod(period)
    ? []
    : [
        `expected period to be one of [10 20 30], got ${period}`,
        `expected period to be divisible by 60, got: ${period}`,
      ];
}

function extendedStatisticProblems(config: Attributes): readonly string[] {
  const statistic = textOf(config, "extended_statistic");
  return statistic === "" || EXTENDED_STATISTIC.test(statistic)
    ? []
    : [
        "invalid value for extended_statistic (invalid statistic, see: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html)",
      ];
}

/** More than five are refused by the provider, except of `alarm_actions`, which are left to AWS. */
function actionsProblems(config: Attributes, argument: string): readonly string[] {
  const actions = textsOf(config, argument);
  return [
    ...actions.flatMap((action) => arnProblems({ [argument]: action }, argument)),
    ...(argument !== "alarm_actions" && actions.length > ALARM_LIMITS.actions
      ? [
          `Too many list items: Attribute ${argument} supports ${ALARM_LIMITS.actions} item maximum, but config has ${actions.length} declared.`,
        ]
      : []),
  ];
}

function queriesProblems(config: Attributes): readonly string[] {
  const queries = blocksOf(config, "metric_query");
  const isGiven = (argument: string) => (config[argument] ?? null) !== null;
  return [
    ...(queries.length === 0 ? [] : OF_ONE_METRIC.filter(isGiven)).map(
      (argument) =>
        `Conflicting configuration arguments: "${argument}": conflicts with metric_query`,
    ),
    ...(isGiven("metric_name") && !isGiven("statistic") && !isGiven("extended_statistic")
      ? ["One of `statistic` or `extended_statistic` must be set for a cloudwatch metric alarm"]
      : []),
    ...(queries.some(
      (query) => textOf(query, "expression") !== "" && blocksOf(query, "metric").length > 0,
    )
      ? ["No metric_query may have both `expression` and a `metric` specified"]
      : []),
  ];
}
