import * as z from "zod";
import { LOG_RETENTION_DAYS } from "../../config/rules";
import { LOG_POLICY_LIMIT } from "../../modules/logs/log-limits";
import { type NameLimit, nameProblem } from "../../modules/names";
import { type AwsLocation, logGroupArn, parseArn } from "../../modules/partition";
import { AwsError, isAwsError } from "./aws-error";
import { principalChecks } from "./iam";
import { keyUseProblem } from "./key-use";
import { KMS_KEYS } from "./kms";
import type { ObjectKind } from "./object-store";
import { type PolicyRules, parsePolicy } from "./policy";
import type { SimulatedAws } from "./simulated-aws";

/** Classes of log groups; the first is the default. */
export const LOG_GROUP_CLASSES = ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"] as const;

const groupSchema = z.object({
  name: z.string(),
  /** Without the `:*` that stands for the streams. */
  arn: z.string(),
  logGroupClass: z.enum(LOG_GROUP_CLASSES),
  /** ARN. Without one, CloudWatch Logs encrypts with a key of its own. */
  kmsKeyId: z.string().optional(),
  /** Without it, events are kept for ever. */
  retentionInDays: z.number().optional(),
  deletionProtection: z.boolean(),
  tags: z.record(z.string(), z.string()),
});

/** A log group as the simulated account keeps it. */
export type LogGroupObject = z.output<typeof groupSchema>;

/** Where log groups are kept: by name. */
export const LOG_GROUPS: ObjectKind<LogGroupObject> = { folder: "log-groups", schema: groupSchema };

const policySchema = z.object({
  name: z.string(),
  /** JSON text. */
  document: z.string(),
});

/** A resource policy as the simulated account keeps it: it is about log groups of its region. */
export type LogResourcePolicyObject = z.output<typeof policySchema>;

/** Where resource policies are kept: by name. */
export const LOG_RESOURCE_POLICIES: ObjectKind<LogResourcePolicyObject> = {
  folder: "log-resource-policies",
  schema: policySchema,
};

/** Limit of the names of log groups. */
export const LOG_GROUP_NAME: NameLimit = {
  kind: "log group",
  maxCharacters: 512,
  pattern: /^(?!aws\/)[.\-_/#A-Za-z0-9]+$/,
  source:
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
};

/**
 * Limits of resource policies: how many a region can have, and how long one is.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
 */
export const LOG_RESOURCE_POLICY_LIMITS = {
  perRegion: 10,
  maxBytes: LOG_POLICY_LIMIT.maxBytes,
} as const;

const INVALID = "InvalidParameterException";
const NOT_FOUND = "ResourceNotFoundException";

const POLICY_RULES: PolicyRules = {
  malformed: INVALID,
  tooLarge: INVALID,
  maxBytes: LOG_RESOURCE_POLICY_LIMITS.maxBytes,
  needs: ["principal", "resource"],
};

/** What a log group is made with. */
export interface CreateLogGroupInput {
  readonly name: string;
  readonly logGroupClass: LogGroupObject["logGroupClass"];
  readonly kmsKeyId: string | undefined;
  readonly deletionProtection: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * CloudWatch Logs in one region. Nothing is logged here.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html
 */
export class Logs {
  constructor(
    private readonly aws: SimulatedAws,
    private readonly at: AwsLocation,
  ) {}

  /**
   * @throws {AwsError} `InvalidParameterException`, `ResourceAlreadyExistsException`
   * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
   */
  createLogGroup({ name, ...settings }: CreateLogGroupInput): Promise<void> {
    return this.change("CreateLogGroup", () => {
      const problem = nameProblem(name, LOG_GROUP_NAME);
      if (problem !== undefined) {
        throw new AwsError(INVALID, `logGroupName ${problem}`);
      }
      this.checkKey(settings.kmsKeyId);
      if (this.aws.store.get(LOG_GROUPS, this.at.region, name) !== undefined) {
        throw new AwsError(
          "ResourceAlreadyExistsException",
          "The specified log group already exists",
        );
      }
      this.write({ ...settings, name, arn: logGroupArn(this.at, name) });
    });
  }

  /**
   * The log group of that name, its tags included.
   *
   * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
   */
  describeLogGroup(name: string): Promise<LogGroupObject | undefined> {
    return this.aws.read("CloudWatch Logs: DescribeLogGroups", this.at.region, () =>
      this.aws.store.get(LOG_GROUPS, this.at.region, name),
    );
  }

  /**
   * @param days - one of `LOG_RETENTION_DAYS`
   * @throws {AwsError} `InvalidParameterException`, `ResourceNotFoundException`
   * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
   */
  putRetentionPolicy(name: string, days: number): Promise<void> {
    return this.changeGroup("PutRetentionPolicy", name, () => {
      if (!isRetention(days)) {
        throw new AwsError(
          INVALID,
          `retentionInDays must be one of ${LOG_RETENTION_DAYS.join(", ")}, got ${days}`,
        );
      }
      return { retentionInDays: days };
    });
  }

  /**
   * Lets a log group keep its events for ever.
   *
   * @throws {AwsError} `ResourceNotFoundException`
   * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteRetentionPolicy.html
   */
  deleteRetentionPolicy(name: string): Promise<void> {
    return this.changeGroup("DeleteRetentionPolicy", name, () => ({ retentionInDays: undefined }));
  }

  /**
   * @param kmsKeyId - ARN of the key
   * @throws {AwsError} `InvalidParameterException` for the key, `ResourceNotFoundException`
   * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html
   */
  associateKmsKey(name: string, kmsKeyId: string): Promise<void> {
    return this.changeGroup("AssociateKmsKey", name, () => {
      this.checkKey(kmsKeyId);
      return { kmsKeyId };
    });
  }

  /**
   * @throws {AwsError} `ResourceNotFoundException`
   * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DisassociateKmsKey.html
   */
  disassociateKmsKey(name: string): Promise<void> {
    return this.changeGroup("DisassociateKmsKey", name, () => ({ kmsKeyId: undefined }));
  }

  /**
   * @throws {AwsError} `ResourceNotFoundException`
   * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogGroupDeletionProtection.html
   */
  putLogGroupDeletionProtection(name: string, deletionProtection: boolean): Promise<void> {
    return this.changeGroup("PutLogGroupDeletionProtection", name, () => ({ deletionProtection }));
  }

  /**
   * @throws {AwsError} `ResourceNotFoundException`, `ValidationException` if it is protected
   * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html
   */
  deleteLogGroup(name: string): Promise<void> {
    return this.change("DeleteLogGroup", () => {
      if (this.groupOf(name).deletionProtection) {
        throw new AwsError("ValidationException", `Deletion protection of ${name} is enabled`);
      }
      this.aws.store.remove(LOG_GROUPS, this.at.region, name);
    });
  }

  /**
   * Replaces all tags.
   *
   * @throws {AwsError} `ResourceNotFoundException`
   * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagResource.html
   */
  tagResource(name: string, tags: Readonly<Record<string, string>>): Promise<void> {
    return this.changeGroup("TagResource", name, () => ({ tags }));
  }

  /**
   * Makes a resource policy, or overwrites the one of that name.
   *
   * @throws {AwsError} `InvalidParameterException` for the document, `LimitExceededException`
   * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html
   */
  putResourcePolicy(name: string, document: string): Promise<void> {
    return this.change("PutResourcePolicy", () => {
      parsePolicy(document, POLICY_RULES, principalChecks(this.aws));
      const others = this.aws.store
        .list(LOG_RESOURCE_POLICIES, this.at.region)
        .filter(([other]) => other !== name);
      if (others.length >= LOG_RESOURCE_POLICY_LIMITS.perRegion) {
        throw new AwsError("LimitExceededException", "Resource limit exceeded.");
      }
      this.aws.store.put(LOG_RESOURCE_POLICIES, this.at.region, name, { name, document });
    });
  }

  /**
   * The resource policy of that name.
   *
   * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeResourcePolicies.html
   */
  describeResourcePolicy(name: string): Promise<LogResourcePolicyObject | undefined> {
    return this.aws.read("CloudWatch Logs: DescribeResourcePolicies", this.at.region, () =>
      this.aws.store.get(LOG_RESOURCE_POLICIES, this.at.region, name),
    );
  }

  /**
   * @throws {AwsError} `ResourceNotFoundException`
   * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteResourcePolicy.html
   */
  deleteResourcePolicy(name: string): Promise<void> {
    return this.change("DeleteResourcePolicy", () => {
      if (this.aws.store.get(LOG_RESOURCE_POLICIES, this.at.region, name) === undefined) {
        throw new AwsError(NOT_FOUND, `Policy with name [${name}] does not exist.`);
      }
      this.aws.store.remove(LOG_RESOURCE_POLICIES, this.at.region, name);
    });
  }

  private groupOf(name: string): LogGroupObject {
    const group = this.aws.store.get(LOG_GROUPS, this.at.region, name);
    if (group === undefined) {
      throw new AwsError(NOT_FOUND, "The specified log group does not exist.");
    }
    return group;
  }

  private write(group: LogGroupObject): void {
    this.aws.store.put(LOG_GROUPS, this.at.region, group.name, group);
  }

  private change<T>(operation: string, work: () => T): Promise<T> {
    return this.aws.change(`CloudWatch Logs: ${operation}`, this.at.region, work);
  }

  private changeGroup(
    operation: string,
    name: string,
    changed: () => Partial<LogGroupObject>,
  ): Promise<void> {
    return this.change(operation, () => {
      const group = this.groupOf(name);
      this.write({ ...group, ...changed() });
    });
  }

  /** A key that does not exist or is disabled is refused; so is what is no ARN. */
  private checkKey(key: string | undefined): void {
    if (key === undefined) {
      return;
    }
    const { service, region = "", resource = "" } = parseArn(key) ?? {};
    const keyId = resource.replace(/^key\//, "");
    const problem =
      service !== "kms"
        ? `${key} is no ARN of a key`
        : (keyUseProblem(this.aws, this.at, key) ??
          (this.aws.store.get(KMS_KEYS, region, keyId)?.enabled === false
            ? `${key} is disabled`
            : undefined));
    if (problem !== undefined) {
      throw new AwsError(INVALID, `The specified KMS key cannot be used: ${problem}`);
    }
  }
}

/** Whether a log group can keep events for so many days. */
export function isRetention(days: number): boolean {
  return LOG_RETENTION_DAYS.some((possible) => possible === days);
}

/** Whether an error says that a log group or resource policy is not there. */
export function isLogsNotFound(error: unknown): boolean {
  return isAwsError(error, NOT_FOUND);
}
