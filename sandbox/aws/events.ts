import * as z from "zod";
import { BUS_POLICY_LIMIT } from "../../modules/events/bus-policy";
import { type EventPatternProblem, eventPatternProblems } from "../../modules/events/event-pattern";
import { MAX_TARGETS_PER_RULE } from "../../modules/events/rule-limits";
import { ARCHIVE_NAME, EVENT_BUS_NAME, type NameLimit, RULE_NAME } from "../../modules/names";
import {
  type AwsLocation,
  arn,
  EVENTBRIDGE_PRINCIPAL,
  eventBusArn,
  parseArn,
} from "../../modules/partition";
import { AwsError, isAwsError } from "./aws-error";
import { principalChecks } from "./iam";
import { isKmsNotFound, KMS_ALIASES, Kms } from "./kms";
import type { ObjectKind } from "./object-store";
import { type PolicyRules, parsePolicy } from "./policy";
import { principalProblem } from "./principals";
import type { SimulatedAws } from "./simulated-aws";

const tagsSchema = z.record(z.string(), z.string());
const deadLetterSchema = z.object({ arn: z.string().optional() });

const busSettingsSchema = z.object({
  description: z.string().optional(),
  /** Id, ARN or alias of a key of the region. Without one, EventBridge takes a key of its own. */
  kmsKeyIdentifier: z.string().optional(),
  /** The queue that takes what the bus could not process. */
  deadLetterConfig: deadLetterSchema.optional(),
  logConfig: z
    .object({ includeDetail: z.string().optional(), level: z.string().optional() })
    .optional(),
});

const busSchema = busSettingsSchema.extend({
  name: z.string(),
  arn: z.string(),
  eventSourceName: z.string().optional(),
  /** JSON text. */
  policy: z.string().optional(),
  tags: tagsSchema,
});

/** What can be changed of an event bus. */
export type EventBusSettings = Readonly<z.output<typeof busSettingsSchema>>;

/** An event bus as the simulated account keeps it. */
export type EventBusObject = z.output<typeof busSchema>;

/** Where event buses are kept: by name. The default bus is kept once it has been changed. */
export const EVENT_BUSES: ObjectKind<EventBusObject> = {
  folder: "event-buses",
  schema: busSchema,
};

const archiveSettingsSchema = z.object({
  description: z.string().optional(),
  /** JSON text. Without one, every event is kept. */
  eventPattern: z.string().optional(),
  /** 0 for ever. */
  retentionDays: z.number(),
  /** As for a bus. */
  kmsKeyIdentifier: z.string().optional(),
});

const archiveSchema = archiveSettingsSchema.extend({
  name: z.string(),
  arn: z.string(),
  eventSourceArn: z.string(),
});

/** What can be changed of an archive. */
export type ArchiveSettings = Readonly<z.output<typeof archiveSettingsSchema>>;

/** An archive as the simulated account keeps it. */
export type ArchiveObject = z.output<typeof archiveSchema>;

/** Where archives are kept: by name. */
export const EVENT_ARCHIVES: ObjectKind<ArchiveObject> = {
  folder: "event-archives",
  schema: archiveSchema,
};

/**
 * Whether a rule works.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
 */
export const ruleStateSchema = z.enum([
  "ENABLED",
  "DISABLED",
  "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
]);

const ruleSettingsSchema = z.object({
  description: z.string().optional(),
  /** JSON text. */
  eventPattern: z.string().optional(),
  /** `rate(...)` or `cron(...)`, on the default bus only. */
  scheduleExpression: z.string().optional(),
  roleArn: z.string().optional(),
  state: ruleStateSchema,
});

/** What else a target has: it only matters when events are delivered, and here nobody does. */
export const targetParametersSchema = z.record(z.string(), z.json());

const targetSchema = z.object({
  id: z.string(),
  arn: z.string(),
  roleArn: z.string().optional(),
  deadLetterConfig: deadLetterSchema.optional(),
  input: z.string().optional(),
  inputPath: z.string().optional(),
  parameters: targetParametersSchema,
});

/** A target of a rule as the simulated account keeps it. */
export type TargetObject = z.output<typeof targetSchema>;

const ruleSchema = ruleSettingsSchema.extend({
  name: z.string(),
  busName: z.string(),
  arn: z.string(),
  /** By id. */
  targets: z.record(z.string(), targetSchema),
  tags: tagsSchema,
});

/** What {@link Events.putRule} replaces of a rule. */
export type RuleSettings = Readonly<z.output<typeof ruleSettingsSchema>>;

/** A rule as the simulated account keeps it. */
export type RuleObject = z.output<typeof ruleSchema>;

/** Where rules are kept: by `<bus>/<rule>`. */
export const EVENT_RULES: ObjectKind<RuleObject> = { folder: "event-rules", schema: ruleSchema };

/** The bus that every account has in every region. */
export const DEFAULT_BUS = "default";

const INVALID = "ValidationException";
const NOT_FOUND = "ResourceNotFoundException";
const ALREADY_EXISTS = "ResourceAlreadyExistsException";

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html
// names no error for a policy that is none: the code is the one for input of any other kind.
const POLICY_RULES: PolicyRules = {
  malformed: INVALID,
  tooLarge: "PolicyLengthExceededException",
  maxBytes: BUS_POLICY_LIMIT.maxBytes,
  needs: ["principal", "resource"],
};

/** What an event bus is made with. */
export interface CreateEventBusInput extends EventBusSettings {
  readonly name: string;
  /** Partner event source. @default - a custom bus */
  readonly eventSourceName?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** What an archive is made with. */
export interface CreateArchiveInput extends ArchiveSettings {
  readonly name: string;
  /** ARN of the bus. */
  readonly eventSourceArn: string;
}

/** What a rule is made with, or replaced by. */
export interface PutRuleInput extends RuleSettings {
  readonly name: string;
  /** Name or ARN of the bus. */
  readonly busName: string;
  /** Of a new rule: EventBridge ignores the tags of a rule that there is already. */
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * EventBridge in one region.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/Welcome.html
 */
export class Events {
  constructor(
    private readonly aws: SimulatedAws,
    private readonly at: AwsLocation,
  ) {}

  /** @throws {AwsError} `ResourceAlreadyExistsException`, `ValidationException` */
  createEventBus({ name, eventSourceName, tags, ...settings }: CreateEventBusInput): Promise<void> {
    return this.change("CreateEventBus", () => {
      checkName("name", name, EVENT_BUS_NAME);
      if (eventSourceName === undefined && name.includes("/")) {
        throw new AwsError(INVALID, "Event bus name must not contain '/'.");
      }
      if (name === DEFAULT_BUS || this.stored(name) !== undefined) {
        throw new AwsError(ALREADY_EXISTS, `Event bus ${name} already exists.`);
      }
      this.checkBus(settings);
      this.writeBus({
        name,
        arn: eventBusArn(this.at, name),
        eventSourceName,
        ...settings,
        tags,
      });
    });
  }

  /** @throws {AwsError} `ResourceNotFoundException` */
  describeEventBus(name: string): Promise<EventBusObject> {
    return this.read("DescribeEventBus", () => this.busOf(name));
  }

  /**
   * Replaces all settings: the API reference says of the key that without one EventBridge uses its
   * own again. It says nothing of the others.
   *
   * @throws {AwsError} `ResourceNotFoundException`, `ValidationException`
   * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UpdateEventBus.html
   */
  updateEventBus(name: string, settings: EventBusSettings): Promise<void> {
    return this.change("UpdateEventBus", () => {
      const { arn: busArn, eventSourceName, policy, tags, ...bus } = this.busOf(name);
      this.checkBus(settings);
      this.writeBus({
        name: bus.name,
        arn: busArn,
        eventSourceName,
        policy,
        tags,
        ...settings,
      });
    });
  }

  /**
   * Deletes a bus. One that is not there is no error.
   *
   * No source says what becomes of a bus's archives: here they stay.
   *
   * @throws {AwsError} `ValidationException` for the default bus, and while the bus has rules
   * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteEventBus.html
   */
  deleteEventBus(name: string): Promise<void> {
    return this.change("DeleteEventBus", () => {
      if (name === DEFAULT_BUS) {
        throw new AwsError(INVALID, `Cannot delete event bus ${DEFAULT_BUS}.`);
      }
      if (this.rules().some(([, { busName }]) => busName === name)) {
        throw new AwsError(INVALID, "EventBus can't be deleted since it has rules.");
      }
      this.aws.store.remove(EVENT_BUSES, this.at.region, name);
    });
  }

  /**
   * Replaces the policy of a bus.
   *
   * @throws {AwsError} `ResourceNotFoundException`, `PolicyLengthExceededException`,
   *   `ValidationException`
   */
  putPermission(name: string, policy: string): Promise<void> {
    return this.change("PutPermission", () => {
      const bus = this.busOf(name);
      parsePolicy(policy, POLICY_RULES, principalChecks(this.aws));
      this.writeBus({ ...bus, policy });
    });
  }

  /**
   * Takes the whole policy of a bus away.
   *
   * @throws {AwsError} `ResourceNotFoundException` for the bus, and if it has no policy
   */
  removePermission(name: string): Promise<void> {
    return this.change("RemovePermission", () => {
      const { policy, ...bus } = this.busOf(name);
      if (policy === undefined) {
        throw new AwsError(NOT_FOUND, "EventBus does not have a policy.");
      }
      this.writeBus(bus);
    });
  }

  /** Replaces all tags of a bus or rule. @throws {AwsError} `ResourceNotFoundException` */
  tagResource(resourceArn: string, tags: Readonly<Record<string, string>>): Promise<void> {
    return this.change("TagResource", () => {
      const rule = this.rules().find(([, { arn: ruleArn }]) => ruleArn === resourceArn)?.[1];
      if (rule === undefined) {
        this.writeBus({ ...this.busOf(resourceArn), tags });
      } else {
        this.writeRule({ ...rule, tags });
      }
    });
  }

  /**
   * @throws {AwsError} `ResourceAlreadyExistsException`, `ResourceNotFoundException` for the bus,
   *   `InvalidEventPatternException`, `ValidationException`
   */
  createArchive({ name, eventSourceArn, ...settings }: CreateArchiveInput): Promise<void> {
    return this.change("CreateArchive", () => {
      checkName("archiveName", name, ARCHIVE_NAME);
      if (this.aws.store.get(EVENT_ARCHIVES, this.at.region, name) !== undefined) {
        throw new AwsError(ALREADY_EXISTS, `Archive ${name} already exists.`);
      }
      this.busOf(eventSourceArn);
      this.writeArchive({
        name,
        arn: arn({ ...this.at, service: "events", resource: `archive/${name}` }),
        eventSourceArn,
        ...settings,
      });
    });
  }

  /** @throws {AwsError} `ResourceNotFoundException` */
  describeArchive(name: string): Promise<ArchiveObject> {
    return this.read("DescribeArchive", () => this.archiveOf(name));
  }

  /**
   * Replaces all settings: the API reference says of the key that without one EventBridge uses its
   * own again. It says nothing of the others.
   *
   * @throws {AwsError} `ResourceNotFoundException`, `InvalidEventPatternException`,
   *   `ValidationException`
   * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UpdateArchive.html
   */
  updateArchive(name: string, settings: ArchiveSettings): Promise<void> {
    return this.change("UpdateArchive", () => {
      const { arn: archiveArn, eventSourceArn } = this.archiveOf(name);
      this.writeArchive({ name, arn: archiveArn, eventSourceArn, ...settings });
    });
  }

  /** @throws {AwsError} `ResourceNotFoundException` */
  deleteArchive(name: string): Promise<void> {
    return this.change("DeleteArchive", () => {
      this.archiveOf(name);
      this.aws.store.remove(EVENT_ARCHIVES, this.at.region, name);
    });
  }

  /**
   * Makes a rule, or replaces one but for its targets and tags.
   *
   * @throws {AwsError} `ResourceNotFoundException` for the bus, `InvalidEventPatternException`,
   *   `ValidationException`
   */
  putRule({ name, busName, tags, ...settings }: PutRuleInput): Promise<void> {
    return this.change("PutRule", () => {
      checkName("name", name, RULE_NAME);
      const bus = this.busOf(busName);
      const { eventPattern, scheduleExpression, roleArn } = settings;
      if (eventPattern === undefined && scheduleExpression === undefined) {
        throw new AwsError(
          INVALID,
          "Parameter(s) EventPattern or ScheduleExpression must be specified.",
        );
      }
      checkPattern(eventPattern);
      if (scheduleExpression !== undefined) {
        checkSchedule(scheduleExpression, bus.name);
      }
      this.checkRole(roleArn);
      const existing = this.aws.store.get(EVENT_RULES, this.at.region, ruleId(bus.name, name));
      const resource = bus.name === DEFAULT_BUS ? name : ruleId(bus.name, name);
      this.writeRule({
        name,
        busName: bus.name,
        arn: arn({ ...this.at, service: "events", resource: `rule/${resource}` }),
        targets: existing?.targets ?? {},
        tags: existing?.tags ?? tags,
        ...settings,
      });
    });
  }

  /** @throws {AwsError} `ResourceNotFoundException` */
  describeRule(busName: string, name: string): Promise<RuleObject> {
    return this.read("DescribeRule", () => this.ruleOf(busName, name));
  }

  /**
   * Deletes a rule. One that is not there, on a bus that is, is no error.
   *
   * @throws {AwsError} `ResourceNotFoundException` for the bus, `ValidationException` while the
   *   rule has targets
   * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html
   */
  deleteRule(busName: string, name: string): Promise<void> {
    return this.change("DeleteRule", () => {
      const id = ruleId(this.busOf(busName).name, name);
      const rule = this.aws.store.get(EVENT_RULES, this.at.region, id);
      if (Object.keys(rule?.targets ?? {}).length > 0) {
        throw new AwsError(INVALID, "Rule can't be deleted since it has targets.");
      }
      this.aws.store.remove(EVENT_RULES, this.at.region, id);
    });
  }

  /**
   * Adds a target to a rule, or replaces it.
   *
   * @throws {AwsError} `ResourceNotFoundException`, `LimitExceededException`, `ValidationException`
   */
  putTargets(busName: string, ruleName: string, target: TargetObject): Promise<void> {
    return this.change("PutTargets", () => {
      const rule = this.ruleOf(busName, ruleName);
      checkName("targets.1.member.id", target.id, RULE_NAME);
      this.checkRole(target.roleArn);
      this.checkDeadLetterQueue(target.deadLetterConfig?.arn);
      const targets = { ...rule.targets, [target.id]: target };
      if (Object.keys(targets).length > MAX_TARGETS_PER_RULE) {
        throw new AwsError(
          "LimitExceededException",
          "The requested resource exceeds the maximum number allowed.",
        );
      }
      this.writeRule({ ...rule, targets });
    });
  }

  /** The targets of a rule. @throws {AwsError} `ResourceNotFoundException` */
  listTargetsByRule(busName: string, ruleName: string): Promise<readonly TargetObject[]> {
    return this.read("ListTargetsByRule", () =>
      Object.values(this.ruleOf(busName, ruleName).targets),
    );
  }

  /**
   * Takes a target from a rule.
   *
   * @throws {AwsError} `ResourceNotFoundException` for the rule or the target
   */
  removeTargets(busName: string, ruleName: string, targetId: string): Promise<void> {
    return this.change("RemoveTargets", () => {
      const rule = this.ruleOf(busName, ruleName);
      const { [targetId]: target, ...targets } = rule.targets;
      if (target === undefined) {
        throw new AwsError(
          NOT_FOUND,
          `Rule ${ruleName} does not have a target with the Id ${targetId}.`,
        );
      }
      this.writeRule({ ...rule, targets });
    });
  }

  private busOf(nameOrArn: string): EventBusObject {
    const parts = parseArn(nameOrArn);
    const name = parts === undefined ? nameOrArn : parts.resource.replace(/^event-bus\//, "");
    const isElsewhere = parts !== undefined && eventBusArn(this.at, name) !== nameOrArn;
    const bus = isElsewhere ? undefined : (this.stored(name) ?? this.defaultBus(name));
    if (bus === undefined) {
      throw new AwsError(NOT_FOUND, `Event bus ${isElsewhere ? nameOrArn : name} does not exist.`);
    }
    return bus;
  }

  private stored(busName: string): EventBusObject | undefined {
    return this.aws.store.get(EVENT_BUSES, this.at.region, busName);
  }

  private defaultBus(name: string): EventBusObject | undefined {
    return name === DEFAULT_BUS ? { name, arn: eventBusArn(this.at, name), tags: {} } : undefined;
  }

  private archiveOf(name: string): ArchiveObject {
    const archive = this.aws.store.get(EVENT_ARCHIVES, this.at.region, name);
    if (archive === undefined) {
      throw new AwsError(NOT_FOUND, `Archive ${name} does not exist.`);
    }
    return archive;
  }

  private ruleOf(busName: string, name: string): RuleObject {
    const bus = this.busOf(busName);
    const rule = this.aws.store.get(EVENT_RULES, this.at.region, ruleId(bus.name, name));
    if (rule === undefined) {
      throw new AwsError(NOT_FOUND, `Rule ${name} does not exist on EventBus ${bus.name}.`);
    }
    return rule;
  }

  private rules(): readonly (readonly [string, RuleObject])[] {
    return this.aws.store.list(EVENT_RULES, this.at.region);
  }

  private writeBus(bus: EventBusObject): void {
    this.aws.store.put(EVENT_BUSES, this.at.region, bus.name, bus);
  }

  private writeArchive(archive: ArchiveObject): void {
    checkPattern(archive.eventPattern);
    if (archive.retentionDays < 0) {
      throw invalidValue(
        "retentionDays",
        archive.retentionDays,
        "have value greater than or equal to 0",
      );
    }
    this.checkKey(archive.kmsKeyIdentifier);
    this.aws.store.put(EVENT_ARCHIVES, this.at.region, archive.name, archive);
  }

  private writeRule(rule: RuleObject): void {
    this.aws.store.put(EVENT_RULES, this.at.region, ruleId(rule.busName, rule.name), rule);
  }

  private read<T>(operation: string, work: () => T): Promise<T> {
    return this.aws.read(`EventBridge: ${operation}`, this.at.region, work);
  }

  private change<T>(operation: string, work: () => T): Promise<T> {
    return this.aws.change(`EventBridge: ${operation}`, this.at.region, work);
  }

  private checkBus({ kmsKeyIdentifier, deadLetterConfig }: EventBusSettings): void {
    this.checkKey(kmsKeyIdentifier);
    this.checkDeadLetterQueue(deadLetterConfig?.arn);
  }

  /** It is documented that the key must be of the region, but not in which words AWS refuses it. */
  private checkKey(identifier: string | undefined): void {
    if (identifier === undefined) {
      return;
    }
    const parts = parseArn(identifier);
    if (
      parts !== undefined &&
      (parts.region !== this.at.region || parts.account !== this.at.account)
    ) {
      throw new AwsError(
        INVALID,
        `KmsKeyIdentifier ${identifier} is not valid: the key must be of account ${this.at.account} in region ${this.at.region}.`,
      );
    }
    const name = parts?.resource ?? identifier;
    const alias = this.aws.store.get(KMS_ALIASES, this.at.region, name);
    try {
      new Kms(this.aws, this.at).keyOf(alias?.targetKeyId ?? identifier);
    } catch (error) {
      throw isKmsNotFound(error)
        ? new AwsError(
            INVALID,
            `KmsKeyIdentifier ${identifier} is not valid: there is no such key in region ${this.at.region}.`,
          )
        : error;
    }
  }

  /**
   * That the queue must be of the same region is documented; in which words EventBridge says so is
   * not. It may be of another account, and need not be there yet.
   *
   * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
   */
  private checkDeadLetterQueue(queueArn: string | undefined): void {
    if (queueArn === undefined) {
      return;
    }
    const parts = parseArn(queueArn);
    if (parts?.service !== "sqs" || parts.region !== this.at.region) {
      throw new AwsError(
        INVALID,
        `DeadLetterConfig Arn ${queueArn} is not valid: it must be an SQS queue in region ${this.at.region}.`,
      );
    }
  }

  private checkRole(roleArn: string | undefined): void {
    if (
      roleArn !== undefined &&
      (parseArn(roleArn)?.resource.startsWith("role/") !== true ||
        principalProblem("AWS", roleArn, principalChecks(this.aws)) !== undefined)
    ) {
      throw new AwsError(
        INVALID,
        `Provided role '${roleArn}' cannot be assumed by principal '${EVENTBRIDGE_PRINCIPAL}'.`,
      );
    }
  }
}

/** Whether an error says that a bus, archive, rule or target is not there. */
export function isEventsNotFound(error: unknown): boolean {
  return isAwsError(error, NOT_FOUND);
}

function ruleId(busName: string, name: string): string {
  return `${busName}/${name}`;
}

/** Stricter than EventBridge, which takes patterns that can never match: here they are refused. */
function checkPattern(pattern: string | undefined): void {
  const reason = pattern === undefined ? undefined : patternProblem(pattern);
  if (reason !== undefined) {
    throw new AwsError(
      "InvalidEventPatternException",
      `Event pattern is not valid. Reason: ${reason}`,
    );
  }
}

function patternProblem(pattern: string): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(pattern);
  } catch {
    return "it is not JSON";
  }
  const [problem] = eventPatternProblems(json);
  return problem === undefined ? undefined : sentence(problem);
}

function sentence({ path, must }: EventPatternProblem): string {
  return `${path.length === 0 ? "the pattern" : path.join(".")} ${must}`;
}

function checkSchedule(expression: string, busName: string): void {
  if (!/^(rate|cron)\(.+\)$/.test(expression)) {
    throw new AwsError(INVALID, "Parameter ScheduleExpression is not valid.");
  }
  if (busName !== DEFAULT_BUS) {
    throw new AwsError(INVALID, "ScheduleExpression is supported only on the default event bus.");
  }
}

function checkName(field: string, name: string, { maxCharacters, pattern }: NameLimit): void {
  const must =
    name.length > maxCharacters
      ? `have length less than or equal to ${maxCharacters}`
      : pattern.test(name)
        ? undefined
        : `satisfy regular expression pattern: ${pattern.source.slice(1, -1)}`;
  if (must !== undefined) {
    throw invalidValue(field, name, must);
  }
}

function invalidValue(field: string, value: string | number, must: string): AwsError {
  return new AwsError(
    INVALID,
    `1 validation error detected: Value '${value}' at '${field}' failed to satisfy constraint: Member must ${must}`,
  );
}
