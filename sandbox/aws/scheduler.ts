import * as z from "zod";
import { type NameLimit, nameProblem } from "../../modules/names";
import { type AwsLocation, arn, parseArn, SCHEDULER_PRINCIPAL } from "../../modules/partition";
import { AwsError, isAwsError } from "./aws-error";
import { keyUseProblem } from "./key-use";
import type { ObjectKind } from "./object-store";
import { letsAssume } from "./service-grants";
import type { SimulatedAws } from "./simulated-aws";

const groupSchema = z.object({
  name: z.string(),
  arn: z.string(),
  /** ISO 8601. */
  created: z.string(),
  tags: z.record(z.string(), z.string()),
});

/** A schedule group as the simulated account keeps it. */
export type ScheduleGroupObject = z.output<typeof groupSchema>;

/** Where schedule groups are kept: by name. Every region has {@link DEFAULT_GROUP} without one. */
export const SCHEDULE_GROUPS: ObjectKind<ScheduleGroupObject> = {
  folder: "schedule-groups",
  schema: groupSchema,
};

const targetSchema = z.object({
  /** ARN of a resource, or of an action: {@link universalAction}. */
  arn: z.string(),
  roleArn: z.string(),
  input: z.string().optional(),
  deadLetterArn: z.string().optional(),
  retryPolicy: z.object({
    maximumEventAgeInSeconds: z.number(),
    maximumRetryAttempts: z.number(),
  }),
  eventBridgeParameters: z.object({ detailType: z.string(), source: z.string() }).optional(),
  sqsParameters: z.object({ messageGroupId: z.string().optional() }).optional(),
  kinesisParameters: z.object({ partitionKey: z.string() }).optional(),
});

/** @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html */
export type ScheduleTarget = z.output<typeof targetSchema>;

const settingsSchema = z.object({
  /** `at(…)`, `rate(…)` or `cron(…)`. */
  expression: z.string(),
  timezone: z.string(),
  description: z.string().optional(),
  /** ISO 8601. */
  startDate: z.string().optional(),
  /** ISO 8601. */
  endDate: z.string().optional(),
  state: z.string(),
  actionAfterCompletion: z.string(),
  kmsKeyArn: z.string().optional(),
  flexibleTimeWindow: z.object({
    mode: z.string(),
    maximumWindowInMinutes: z.number().optional(),
  }),
  target: targetSchema,
});

/** What is set of a schedule. @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html */
export type ScheduleSettings = z.output<typeof settingsSchema>;

const scheduleSchema = settingsSchema.extend({
  groupName: z.string(),
  name: z.string(),
  arn: z.string(),
});

/** A schedule as the simulated account keeps it. */
export type ScheduleObject = z.output<typeof scheduleSchema>;

/** Where schedules are kept: by the names of their group and their own, `<group>/<name>`. */
export const SCHEDULE_OBJECTS: ObjectKind<ScheduleObject> = {
  folder: "schedules",
  schema: scheduleSchema,
};

/** Group of schedules that name none. */
export const DEFAULT_GROUP = "default";

/** Limit of the names of schedules and of their groups. */
export const SCHEDULE_NAME: NameLimit = {
  kind: "schedule",
  maxCharacters: 64,
  pattern: /^[0-9A-Za-z_.-]+$/,
  source: "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html",
};

/** @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html */
export const RETRY_POLICY = {
  maximumEventAgeInSeconds: { min: 60, max: 86_400, default: 86_400 },
  maximumRetryAttempts: { min: 0, max: 185, default: 185 },
} as const;

/** @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_FlexibleTimeWindow.html */
export const FLEXIBLE_WINDOW_MINUTES = { min: 1, max: 1440 };

/**
 * Beginnings of actions that only read, which a schedule cannot call.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
 */
const READING_PREFIXES = [
  "get",
  "describe",
  "list",
  "poll",
  "receive",
  "search",
  "scan",
  "query",
  "select",
  "read",
  "lookup",
  "discover",
  "validate",
  "batchGet",
  "batchDescribe",
  "batchRead",
  "transactGet",
  "adminGet",
  "adminList",
  "testMigration",
  "retrieve",
  "testConnection",
  "translateDocument",
  "isAuthorized",
  "invokeModel",
];

const VALIDATION = "ValidationException";
const NOT_FOUND = "ResourceNotFoundException";

/**
 * EventBridge Scheduler in one region: schedules, which never fire by themselves.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/APIReference/Welcome.html
 */
export class Scheduler {
  constructor(
    private readonly aws: SimulatedAws,
    private readonly at: AwsLocation,
  ) {}

  /**
   * @throws {AwsError} `ConflictException`, `ValidationException`
   * @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html
   */
  createScheduleGroup(name: string, tags: Readonly<Record<string, string>>): Promise<void> {
    return this.change("CreateScheduleGroup", () => {
      checkName("name", name);
      if (this.hasGroup(name)) {
        throw new AwsError("ConflictException", `Schedule group ${name} already exists.`);
      }
      this.aws.store.put(SCHEDULE_GROUPS, this.at.region, name, {
        name,
        arn: this.arnOfGroup(name),
        created: new Date().toISOString(),
        tags: { ...tags },
      });
    });
  }

  /** @throws {AwsError} `ResourceNotFoundException` */
  getScheduleGroup(name: string): Promise<ScheduleGroupObject> {
    return this.aws.read("Scheduler: GetScheduleGroup", this.at.region, () => this.groupOf(name));
  }

  /** Replaces all tags. @throws {AwsError} `ResourceNotFoundException` */
  tagResource(groupName: string, tags: Readonly<Record<string, string>>): Promise<void> {
    return this.change("TagResource", () => {
      const group = this.groupOf(groupName);
      this.aws.store.put(SCHEDULE_GROUPS, this.at.region, groupName, { ...group, tags });
    });
  }

  /**
   * Deletes a group with its schedules.
   *
   * @throws {AwsError} `ResourceNotFoundException`
   * @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_DeleteScheduleGroup.html
   */
  deleteScheduleGroup(name: string): Promise<void> {
    return this.change("DeleteScheduleGroup", () => {
      this.groupOf(name);
      this.aws.store.remove(SCHEDULE_GROUPS, this.at.region, name);
      for (const [id, { groupName }] of this.aws.store.list(SCHEDULE_OBJECTS, this.at.region)) {
        if (groupName === name) {
          this.aws.store.remove(SCHEDULE_OBJECTS, this.at.region, id);
        }
      }
    });
  }

  /**
   * @throws {AwsError} `ConflictException`, `ResourceNotFoundException` for the group,
   *   `ValidationException`
   * @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
   */
  createSchedule(groupName: string, name: string, settings: ScheduleSettings): Promise<void> {
    return this.change("CreateSchedule", () => {
      checkName("name", name);
      if (!this.hasGroup(groupName)) {
        throw new AwsError(NOT_FOUND, `Schedule group ${groupName} does not exist.`);
      }
      if (this.find(groupName, name) !== undefined) {
        throw new AwsError("ConflictException", `Schedule ${name} already exists.`);
      }
      this.write(groupName, name, settings);
    });
  }

  /** @throws {AwsError} `ResourceNotFoundException` */
  getSchedule(groupName: string, name: string): Promise<ScheduleObject> {
    return this.aws.read("Scheduler: GetSchedule", this.at.region, () =>
      this.scheduleOf(groupName, name),
    );
  }

  /**
   * Replaces all settings.
   *
   * @throws {AwsError} `ResourceNotFoundException`, `ValidationException`
   * @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
   */
  updateSchedule(groupName: string, name: string, settings: ScheduleSettings): Promise<void> {
    return this.change("UpdateSchedule", () => {
      this.scheduleOf(groupName, name);
      this.write(groupName, name, settings);
    });
  }

  /** @throws {AwsError} `ResourceNotFoundException` */
  deleteSchedule(groupName: string, name: string): Promise<void> {
    return this.change("DeleteSchedule", () => {
      this.scheduleOf(groupName, name);
      this.aws.store.remove(SCHEDULE_OBJECTS, this.at.region, scheduleId(groupName, name));
    });
  }

  private arnOfGroup(name: string): string {
    return arn({ ...this.at, service: "scheduler", resource: `schedule-group/${name}` });
  }

  private hasGroup(name: string): boolean {
    return (
      name === DEFAULT_GROUP ||
      this.aws.store.get(SCHEDULE_GROUPS, this.at.region, name) !== undefined
    );
  }

  private groupOf(name: string): ScheduleGroupObject {
    const group = this.aws.store.get(SCHEDULE_GROUPS, this.at.region, name);
    if (group === undefined) {
      throw new AwsError(NOT_FOUND, `Schedule group ${name} does not exist.`);
    }
    return group;
  }

  private find(groupName: string, name: string): ScheduleObject | undefined {
    return this.aws.store.get(SCHEDULE_OBJECTS, this.at.region, scheduleId(groupName, name));
  }

  private scheduleOf(groupName: string, name: string): ScheduleObject {
    const schedule = this.find(groupName, name);
    if (schedule === undefined) {
      throw new AwsError(NOT_FOUND, `Schedule ${name} does not exist.`);
    }
    return schedule;
  }

  private write(groupName: string, name: string, settings: ScheduleSettings): void {
    this.check(groupName, settings);
    const id = scheduleId(groupName, name);
    this.aws.store.put(SCHEDULE_OBJECTS, this.at.region, id, {
      ...settings,
      groupName,
      name,
      arn: arn({ ...this.at, service: "scheduler", resource: `schedule/${id}` }),
    });
  }

  private change<T>(operation: string, work: () => T): Promise<T> {
    return this.aws.change(`Scheduler: ${operation}`, this.at.region, work);
  }

  private check(groupName: string, settings: ScheduleSettings): void {
    const { target, kmsKeyArn } = settings;
    const problem =
      expressionProblem(settings) ??
      windowProblem(settings.flexibleTimeWindow) ??
      this.targetProblem(target) ??
      (kmsKeyArn === undefined ? undefined : keyUseProblem(this.aws, this.at, kmsKeyArn));
    if (problem !== undefined) {
      throw new AwsError(VALIDATION, problem);
    }
    // The source that Scheduler names is the group, not the schedule:
    // https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    const source = { sourceArn: this.arnOfGroup(groupName), sourceAccount: this.at.account };
    if (!letsAssume(this.aws, target.roleArn, { principal: SCHEDULER_PRINCIPAL, ...source })) {
      throw new AwsError(
        VALIDATION,
        "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
      );
    }
  }

  private targetProblem(target: ScheduleTarget): string | undefined {
    const parts = parseArn(target.arn);
    if (parts === undefined || parts.partition !== this.at.partition) {
      return `Provided Arn is not in correct format: ${target.arn}`;
    }
    const isUniversal = parts.service === "scheduler";
    const action = universalAction(target.arn)?.action;
    if (isUniversal && action === undefined) {
      return `${target.arn} is not supported by Scheduler: it must end in aws-sdk:<service>:<action>, the action in camel case.`;
    }
    if (action !== undefined && READING_PREFIXES.some((prefix) => action.startsWith(prefix))) {
      return `${target.arn} is not supported by Scheduler: ${action} only reads.`;
    }
    return (
      inputProblem(target, isUniversal || JSON_SERVICES.includes(parts.service)) ??
      parametersProblem(target, parts.service, parts.resource) ??
      retryProblem(target.retryPolicy) ??
      (target.deadLetterArn === undefined || parseArn(target.deadLetterArn)?.service === "sqs"
        ? undefined
        : `${target.deadLetterArn} is no queue.`)
    );
  }
}

/** Service and action of a target that calls any API, as its ARN has them; `undefined` for other ARNs. */
export function universalAction(
  targetArn: string,
): { readonly service: string; readonly action: string } | undefined {
  const parts = parseArn(targetArn);
  const [, service, action] =
    /^aws-sdk:([a-z0-9]+):([a-z][A-Za-z0-9]*)$/.exec(parts?.resource ?? "") ?? [];
  const isUniversal = parts?.service === "scheduler" && parts.region === "" && parts.account === "";
  return isUniversal && service !== undefined && action !== undefined
    ? { service, action }
    : undefined;
}

/** The id under which a schedule is kept. */
export function scheduleId(groupName: string, name: string): string {
  return `${groupName}/${name}`;
}

/** Whether an error says that a schedule or group is not there. */
export function isSchedulerNotFound(error: unknown): boolean {
  return isAwsError(error, NOT_FOUND);
}

/**
 * Services whose own targets take nothing but JSON.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html
 */
const JSON_SERVICES = ["events", "lambda", "states"];

function checkName(field: string, name: string): void {
  const problem = nameProblem(name, SCHEDULE_NAME);
  if (problem !== undefined) {
    throw new AwsError(
      VALIDATION,
      `1 validation error detected: Value '${name}' at '${field}' failed to satisfy constraint: Member ${problem}`,
    );
  }
}

const AT = /^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$/;
const RATE = /^rate\([1-9]\d* (?:minute|hour|day)s?\)$/;
const CRON = /^cron\(([^ ()]+(?: [^ ()]+){5})\)$/;
const CRON_FIELD = /^[0-9A-Z,\-*?/#]+$/i;

/** @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html */
function expressionProblem({
  expression,
  timezone,
  startDate,
  endDate,
}: ScheduleSettings): string | undefined {
  if (!isTime(expression) && !RATE.test(expression) && !isCron(expression)) {
    return `Invalid Schedule Expression ${expression}.`;
  }
  try {
    new Intl.DateTimeFormat("en", { timeZone: timezone });
  } catch {
    return `${timezone} is not a valid ScheduleExpressionTimezone.`;
  }
  return startDate !== undefined &&
    endDate !== undefined &&
    Date.parse(endDate) <= Date.parse(startDate)
    ? "The EndDate must be after the StartDate."
    : undefined;
}

function isTime(expression: string): boolean {
  const [, time] = AT.exec(expression) ?? [];
  return time !== undefined && !Number.isNaN(Date.parse(`${time}Z`));
}

/** Of the day of the month and that of the week one must be left open with `?`. */
function isCron(expression: string): boolean {
  const fields = CRON.exec(expression)?.[1]?.split(" ") ?? [];
  const [, , dayOfMonth, , dayOfWeek] = fields;
  return (
    fields.length === 6 &&
    fields.every((field) => CRON_FIELD.test(field)) &&
    (dayOfMonth === "?") !== (dayOfWeek === "?")
  );
}

function windowProblem({
  mode,
  maximumWindowInMinutes: minutes,
}: ScheduleSettings["flexibleTimeWindow"]): string | undefined {
  const { min, max } = FLEXIBLE_WINDOW_MINUTES;
  if (mode === "OFF") {
    return minutes === undefined
      ? undefined
      : "MaximumWindowInMinutes must not be set with the mode OFF of a flexible time window.";
  }
  return minutes !== undefined && minutes >= min && minutes <= max
    ? undefined
    : `MaximumWindowInMinutes must be ${min} to ${max} with the mode FLEXIBLE of a flexible time window.`;
}

function inputProblem({ input }: ScheduleTarget, mustBeJson: boolean): string | undefined {
  if (input === undefined || !mustBeJson) {
    return undefined;
  }
  try {
    JSON.parse(input);
    return undefined;
  } catch {
    return "Invalid RequestJson provided. Reason: the input is not a well-formed JSON.";
  }
}

/** @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_EventBridgeParameters.html */
const EVENT_SOURCE = /^(?!aws\.)[/.\-_A-Za-z0-9]+$/;

function parametersProblem(
  { eventBridgeParameters: event, kinesisParameters, sqsParameters }: ScheduleTarget,
  service: string,
  resource: string,
): string | undefined {
  const isBus = service === "events" && resource.startsWith("event-bus/");
  if (isBus !== (event !== undefined)) {
    return isBus
      ? "EventBridgeParameters must be set for an event bus."
      : "EventBridgeParameters must be set for event buses only.";
  }
  if (event !== undefined && !EVENT_SOURCE.test(event.source)) {
    return `${event.source} must not be the Source of an event.`;
  }
  if ((service === "kinesis") !== (kinesisParameters !== undefined)) {
    return "KinesisParameters must be set for streams, and for those only.";
  }
  return service !== "sqs" && sqsParameters !== undefined
    ? "SqsParameters must be set for queues only."
    : undefined;
}

function retryProblem(policy: ScheduleTarget["retryPolicy"]): string | undefined {
  const wrong = Object.entries(RETRY_POLICY).find(([name, { min, max }]) => {
    const value = policy[name as keyof typeof RETRY_POLICY];
    return value < min || value > max;
  });
  return wrong && `${wrong[0]} must be ${wrong[1].min} to ${wrong[1].max}.`;
}
