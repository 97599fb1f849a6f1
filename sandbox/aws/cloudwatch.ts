import * as z from "zod";
import { MAX_ALARM_DESCRIPTION_CHARACTERS } from "../../modules/cloudwatch/alarm-limits";
import { type AwsLocation, alarmArn, parseArn } from "../../modules/partition";
import { AwsError, isAwsError } from "./aws-error";
import type { ObjectKind } from "./object-store";
import type { SimulatedAws } from "./simulated-aws";

const dimensionsSchema = z.record(z.string(), z.string());

const metricStatSchema = z.object({
  metricName: z.string(),
  namespace: z.string().optional(),
  dimensions: dimensionsSchema,
  /** Seconds. */
  period: z.number(),
  stat: z.string(),
  unit: z.string().optional(),
});

const metricQuerySchema = z.object({
  id: z.string(),
  accountId: z.string().optional(),
  /** A formula over other queries; a query has this or a metric. */
  expression: z.string().optional(),
  label: z.string().optional(),
  metricStat: metricStatSchema.optional(),
  /** Seconds, for an expression. */
  period: z.number().optional(),
  /** Whether it is what the alarm watches: exactly one is. */
  returnData: z.boolean(),
});

/** A metric, or a formula over some, that an alarm watches. */
export type MetricQuery = z.output<typeof metricQuerySchema>;

const settingsSchema = z.object({
  actionsEnabled: z.boolean(),
  /** ARNs of what is told when the alarm goes off, such as topics. */
  alarmActions: z.array(z.string()),
  insufficientDataActions: z.array(z.string()),
  okActions: z.array(z.string()),
  description: z.string().optional(),
  comparisonOperator: z.string(),
  datapointsToAlarm: z.number().optional(),
  evaluateLowSampleCountPercentile: z.string().optional(),
  evaluationPeriods: z.number(),
  /** Left out, like all about one metric, if there are queries. */
  metricName: z.string().optional(),
  namespace: z.string().optional(),
  dimensions: dimensionsSchema,
  /** Seconds. */
  period: z.number().optional(),
  statistic: z.string().optional(),
  extendedStatistic: z.string().optional(),
  unit: z.string().optional(),
  metrics: z.array(metricQuerySchema),
  threshold: z.number().optional(),
  /** Id of the query whose band is the threshold, for anomaly detection. */
  thresholdMetricId: z.string().optional(),
  treatMissingData: z.string(),
});

/**
 * What an alarm watches and does.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
 */
export type AlarmSettings = Readonly<z.output<typeof settingsSchema>>;

const alarmSchema = settingsSchema.extend({
  name: z.string(),
  arn: z.string(),
  /** Stays as it is: no metric is measured here. */
  state: z.enum(["OK", "ALARM", "INSUFFICIENT_DATA"]),
  tags: z.record(z.string(), z.string()),
});

/** An alarm as the simulated account keeps it. */
export type AlarmObject = z.output<typeof alarmSchema>;

/** Where alarms are kept: by name. */
export const ALARMS: ObjectKind<AlarmObject> = { folder: "cloudwatch-alarms", schema: alarmSchema };

/**
 * Limits of an alarm.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
 */
export const ALARM_LIMITS = {
  nameCharacters: 255,
  descriptionCharacters: MAX_ALARM_DESCRIPTION_CHARACTERS,
  /** For each state. */
  actions: 5,
  dimensions: 30,
  queries: 20,
  /** Seconds of all periods together. */
  evaluationSeconds: 604_800,
  /** The same, if a period is shorter than an hour. */
  evaluationSecondsOfShortPeriods: 86_400,
} as const;

/** Seconds in an hour. */
const HOUR = 3600;

const BAND_OPERATORS: readonly string[] = [
  "GreaterThanUpperThreshold",
  "LessThanLowerOrGreaterThanUpperThreshold",
  "LessThanLowerThreshold",
];

/** How a value is compared with the threshold. */
export const COMPARISON_OPERATORS: readonly string[] = [
  "GreaterThanOrEqualToThreshold",
  "GreaterThanThreshold",
  "LessThanOrEqualToThreshold",
  "LessThanThreshold",
  ...BAND_OPERATORS,
];

/** What a period without data counts as; the first is the default. */
export const MISSING_DATA: readonly string[] = ["missing", "breaching", "ignore", "notBreaching"];

/** How the values of a period become one. */
export const STATISTICS: readonly string[] = [
  "Average",
  "Maximum",
  "Minimum",
  "SampleCount",
  "Sum",
];

/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html */
export const EXTENDED_STATISTIC =
  /^((p|tm|wm|tc|ts)(\d{1,2}(\.\d{1,10})?|100)|IQM|(TM|WM|PR|TC|TS)\((\d+(\.\d+)?%?)?:(\d+(\.\d+)?%?)?\))$/;

const INVALID = "ValidationError";
const NOT_FOUND = "ResourceNotFound";

/**
 * CloudWatch alarms in one region.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/Welcome.html
 */
export class CloudWatch {
  constructor(
    private readonly aws: SimulatedAws,
    private readonly at: AwsLocation,
  ) {}

  /**
   * Makes an alarm, or overwrites the settings of the one of that name; its state stays.
   *
   * @param tags - of a new alarm; those of one that is there are left as they are
   * @throws {AwsError} `ValidationError`
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
   */
  putMetricAlarm(
    name: string,
    settings: AlarmSettings,
    tags: Readonly<Record<string, string>>,
  ): Promise<void> {
    return this.change("PutMetricAlarm", () => {
      const problem = nameProblemOf(name) ?? settingsProblem(settings, this.at);
      if (problem !== undefined) {
        throw new AwsError(INVALID, problem);
      }
      const { state, tags: kept } = this.aws.store.get(ALARMS, this.at.region, name) ?? {
        state: "INSUFFICIENT_DATA" as const,
        tags,
      };
      this.write({ ...settings, name, arn: alarmArn(this.at, name), state, tags: kept });
    });
  }

  /**
   * The alarm of that name, its tags included.
   *
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
   */
  describeAlarm(name: string): Promise<AlarmObject | undefined> {
    return this.aws.read("CloudWatch: DescribeAlarms", this.at.region, () =>
      this.aws.store.get(ALARMS, this.at.region, name),
    );
  }

  /**
   * @throws {AwsError} `ResourceNotFound`
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteAlarms.html
   */
  deleteAlarm(name: string): Promise<void> {
    return this.change("DeleteAlarms", () => {
      this.aws.store.remove(ALARMS, this.at.region, this.alarmOf(name).name);
    });
  }

  /**
   * Replaces all tags.
   *
   * @throws {AwsError} `ResourceNotFound`
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_TagResource.html
   */
  tagResource(name: string, tags: Readonly<Record<string, string>>): Promise<void> {
    return this.change("TagResource", () => {
      this.write({ ...this.alarmOf(name), tags });
    });
  }

  private alarmOf(name: string): AlarmObject {
    const alarm = this.aws.store.get(ALARMS, this.at.region, name);
    if (alarm === undefined) {
      throw new AwsError(NOT_FOUND, `Alarm ${name} does not exist`);
    }
    return alarm;
  }

  private write(alarm: AlarmObject): void {
    this.aws.store.put(ALARMS, this.at.region, alarm.name, alarm);
  }

  private change<T>(operation: string, work: () => T): Promise<T> {
    return this.aws.change(`CloudWatch: ${operation}`, this.at.region, work);
  }
}

/** Whether an error says that an alarm is not there. */
export function isAlarmNotFound(error: unknown): boolean {
  return isAwsError(error, NOT_FOUND);
}

/** Whether a metric may be looked at that often, in seconds. */
export function isPeriod(seconds: number): boolean {
  return [10, 20, 30].includes(seconds) || (seconds > 0 && seconds % 60 === 0);
}

function constraint(field: string, value: unknown, must: string): string {
  return `1 validation error detected: Value '${value}' at '${field}' failed to satisfy constraint: Member must ${must}`;
}

function lengthOver(field: string, value: string | undefined, max: number): string | undefined {
  return value !== undefined && value.length > max
    ? constraint(field, value, `have length less than or equal to ${max}`)
    : undefined;
}

function noneOf(
  field: string,
  value: string | undefined,
  choices: readonly string[],
): string | undefined {
  return value !== undefined && !choices.includes(value)
    ? constraint(field, value, `satisfy enum value set: [${choices.join(", ")}]`)
    : undefined;
}

function nameProblemOf(name: string): string | undefined {
  return name === ""
    ? constraint("alarmName", name, "have length greater than or equal to 1")
    : lengthOver("alarmName", name, ALARM_LIMITS.nameCharacters);
}

/** What CloudWatch refuses. The sentences about regions and partitions are its own. */
function settingsProblem(settings: AlarmSettings, at: AwsLocation): string | undefined {
  const { alarmActions, insufficientDataActions, okActions } = settings;
  const { datapointsToAlarm = 1, evaluationPeriods } = settings;
  return (
    lengthOver("alarmDescription", settings.description, ALARM_LIMITS.descriptionCharacters) ??
    actionsProblem("alarmActions", alarmActions, at) ??
    actionsProblem("insufficientDataActions", insufficientDataActions, at) ??
    actionsProblem("oKActions", okActions, at) ??
    noneOf("comparisonOperator", settings.comparisonOperator, COMPARISON_OPERATORS) ??
    noneOf("treatMissingData", settings.treatMissingData, MISSING_DATA) ??
    noneOf("statistic", settings.statistic, STATISTICS) ??
    (evaluationPeriods < 1
      ? constraint("evaluationPeriods", evaluationPeriods, "have value greater than or equal to 1")
      : undefined) ??
    (datapointsToAlarm < 1 || datapointsToAlarm > evaluationPeriods
      ? `The value of DatapointsToAlarm must be 1 to EvaluationPeriods, ${evaluationPeriods}, got ${datapointsToAlarm}`
      : undefined) ??
    thresholdProblem(settings) ??
    (settings.metrics.length === 0 ? metricProblem(settings) : queriesProblem(settings)) ??
    periodsOf(settings)
      .map((period) => periodProblem(period, evaluationPeriods))
      .find(Boolean)
  );
}

/**
 * Actions of another region are refused in these words:
 * https://github.com/cds-snc/notification-terraform/pull/128, those of another partition in these:
 * https://github.com/aws-samples/amazon-cloudwatch-auto-alarms/issues/61
 */
function actionsProblem(
  field: string,
  actions: readonly string[],
  { region, partition }: AwsLocation,
): string | undefined {
  if (actions.length > ALARM_LIMITS.actions) {
    return constraint(
      field,
      `[${actions.join(", ")}]`,
      `have length less than or equal to ${ALARM_LIMITS.actions}`,
    );
  }
  for (const action of actions) {
    const parts = parseArn(action);
    if (parts === undefined) {
      return `Invalid arn syntax: ${action}`;
    }
    if (parts.partition !== partition) {
      return `Invalid partition ${parts.partition} specified. Only ${partition} is supported.`;
    }
    if (parts.region !== region) {
      return `Invalid region ${parts.region} specified. Only ${region} is supported.`;
    }
  }
  return undefined;
}

function thresholdProblem({
  comparisonOperator,
  threshold,
  thresholdMetricId,
  metrics,
}: AlarmSettings): string | undefined {
  const isBand = BAND_OPERATORS.includes(comparisonOperator);
  if (isBand !== (thresholdMetricId !== undefined)) {
    return `ThresholdMetricId is for ${BAND_OPERATORS.join(", ")}, which need it, got ${comparisonOperator}`;
  }
  if (thresholdMetricId !== undefined && !metrics.some(({ id }) => id === thresholdMetricId)) {
    return `ThresholdMetricId must be the id of a query, got ${thresholdMetricId}`;
  }
  return !isBand && threshold === undefined ? "Threshold must be given" : undefined;
}

function metricProblem({
  metricName,
  namespace,
  dimensions,
  period,
  statistic,
  extendedStatistic,
}: AlarmSettings): string | undefined {
  return metricName === undefined || namespace === undefined || period === undefined
    ? "MetricName, Namespace and Period must be given, or else Metrics"
    : (statistic === undefined) === (extendedStatistic === undefined)
      ? "Statistic or ExtendedStatistic must be given, and not both"
      : extendedStatistic !== undefined && !EXTENDED_STATISTIC.test(extendedStatistic)
        ? `The value ${extendedStatistic} for parameter ExtendedStatistic is not supported.`
        : dimensionsProblem(dimensions);
}

function dimensionsProblem(dimensions: Readonly<Record<string, string>>): string | undefined {
  const count = Object.keys(dimensions).length;
  return count > ALARM_LIMITS.dimensions
    ? `At most ${ALARM_LIMITS.dimensions} dimensions are possible, got ${count}`
    : undefined;
}

function queriesProblem(settings: AlarmSettings): string | undefined {
  const { metrics } = settings;
  const { metricName, namespace, period, statistic, extendedStatistic } = settings;
  const watched = metrics.filter(({ returnData }) => returnData).length;
  if ([metricName, namespace, period, statistic, extendedStatistic].some((x) => x !== undefined)) {
    return "Metrics and MetricName, Namespace, Period or Statistic must not be given together";
  }
  if (metrics.length > ALARM_LIMITS.queries) {
    return `At most ${ALARM_LIMITS.queries} queries are possible, got ${metrics.length}`;
  }
  const ids = metrics.map(({ id }) => id);
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) {
    return `The id ${repeated} must be that of one query`;
  }
  // The band of an anomaly detection is returned beside what is watched.
  const expected = settings.thresholdMetricId === undefined ? 1 : 2;
  if (watched !== expected) {
    return `Exactly ${expected} of the Metrics must return data, got ${watched}`;
  }
  return metrics.map(queryProblem).find(Boolean);
}

function queryProblem({ id, expression, metricStat }: MetricQuery): string | undefined {
  if (!/^[a-z][a-zA-Z0-9_]{0,254}$/.test(id)) {
    return `The id ${id} must begin with a lower case letter, and have letters, digits and underscores only`;
  }
  if ((expression === undefined) === (metricStat === undefined)) {
    return `The query ${id} must have an expression or a metric, and not both`;
  }
  const { stat, dimensions = {} } = metricStat ?? {};
  return stat !== undefined && !STATISTICS.includes(stat) && !EXTENDED_STATISTIC.test(stat)
    ? `The value ${stat} for parameter Stat is not supported.`
    : dimensionsProblem(dimensions);
}

function periodsOf({ period, metrics }: AlarmSettings): readonly number[] {
  return [period, ...metrics.flatMap((query) => [query.period, query.metricStat?.period])].filter(
    (seconds) => seconds !== undefined,
  );
}

function periodProblem(period: number, evaluationPeriods: number): string | undefined {
  const { evaluationSeconds, evaluationSecondsOfShortPeriods } = ALARM_LIMITS;
  const max = period < HOUR ? evaluationSecondsOfShortPeriods : evaluationSeconds;
  return !isPeriod(period)
    ? `Period must be 10, 20, 30 or a multiple of 60, got ${period}`
    : period * evaluationPeriods > max
      ? `Metrics cannot be checked across more than ${max} seconds (EvaluationPeriods * Period must be <= ${max}), got ${period * evaluationPeriods}`
      : undefined;
}
