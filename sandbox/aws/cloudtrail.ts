import * as z from "zod";
import {
  type AwsLocation,
  CLOUDTRAIL_PRINCIPAL,
  KMS_EVENT_SOURCE,
  logGroupArn,
  parseArn,
  SERVICE_SUFFIX,
  topicArn,
  trailArn,
} from "../../modules/partition";
import { AwsError, isAwsError } from "./aws-error";
import { KMS_KEYS } from "./kms";
import { LOG_GROUPS } from "./logs";
import type { ObjectKind } from "./object-store";
import { type BucketObject, FOREIGN_BUCKETS, regionOfBucket, S3_BUCKETS } from "./s3";
import { letsAssume, letsService, type ServiceRequest } from "./service-grants";
import type { SimulatedAws } from "./simulated-aws";
import { TOPICS } from "./sns";

const eventSelectorSchema = z.object({
  readWriteType: z.string(),
  includeManagementEvents: z.boolean(),
  excludeManagementEventSources: z.array(z.string()),
  dataResources: z.array(z.object({ type: z.string(), values: z.array(z.string()) })),
});

/** @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html */
export type EventSelector = z.output<typeof eventSelectorSchema>;

const values = z.array(z.string()).optional();
const fieldSelectorSchema = z.object({
  field: z.string(),
  equals: values,
  startsWith: values,
  endsWith: values,
  notEquals: values,
  notStartsWith: values,
  notEndsWith: values,
});

/** @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html */
export type FieldSelector = z.output<typeof fieldSelectorSchema>;

const advancedSelectorSchema = z.object({
  name: z.string(),
  fieldSelectors: z.array(fieldSelectorSchema),
});

/** @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedEventSelector.html */
export type AdvancedEventSelector = z.output<typeof advancedSelectorSchema>;

const settingsSchema = z.object({
  s3BucketName: z.string(),
  /** Empty if there is none, like the other texts. */
  s3KeyPrefix: z.string(),
  /** Name or ARN. */
  snsTopicName: z.string(),
  includeGlobalServiceEvents: z.boolean(),
  isMultiRegionTrail: z.boolean(),
  isOrganizationTrail: z.boolean(),
  enableLogFileValidation: z.boolean(),
  /** With `:*` at its end. */
  cloudWatchLogsLogGroupArn: z.string(),
  cloudWatchLogsRoleArn: z.string(),
  /** ARN of a key. */
  kmsKeyId: z.string(),
});

/** What is set of a trail. @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html */
export type TrailSettings = z.output<typeof settingsSchema>;

const trailSchema = settingsSchema.extend({
  name: z.string(),
  arn: z.string(),
  homeRegion: z.string(),
  /** Empty without a topic. */
  snsTopicArn: z.string(),
  isLogging: z.boolean(),
  /** Either these or advanced ones. A new trail has one that takes all management events. */
  eventSelectors: z.array(eventSelectorSchema),
  advancedEventSelectors: z.array(advancedSelectorSchema),
  insightTypes: z.array(z.string()),
  tags: z.record(z.string(), z.string()),
});

/** A trail as the simulated account keeps it. */
export type TrailObject = z.output<typeof trailSchema>;

/** Where trails are kept: by name, in their home region. */
export const TRAILS: ObjectKind<TrailObject> = { folder: "trails", schema: trailSchema };

/** @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html */
export const TRAIL_NAME_CHARACTERS = { min: 3, max: 128 };

/**
 * How many event selectors a trail can have, and how many values all advanced ones together.
 *
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html
 */
export const SELECTOR_LIMITS = { eventSelectors: 5, advancedValues: 500 };

/** What a trail records unless it is told otherwise. */
export const DEFAULT_SELECTOR: EventSelector = {
  readWriteType: "All",
  includeManagementEvents: true,
  excludeManagementEventSources: [],
  dataResources: [],
};

/** The services whose management events a trail can leave out. */
const EXCLUDABLE_SOURCES = [KMS_EVENT_SOURCE, `rdsdata${SERVICE_SUFFIX}`];

/** @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html */
const CATEGORIES = ["Management", "Data", "NetworkActivity"];
const MANAGEMENT_FIELDS = [
  "eventCategory",
  "eventName",
  "eventSource",
  "eventType",
  "readOnly",
  "sessionCredentialFromConsole",
  "userIdentity.arn",
];

const NOT_FOUND = "TrailNotFoundException";
const INVALID_SELECTORS = "InvalidEventSelectorsException";

/** Settings that can be left out in a change, and tags, of a new trail. */
export interface CreateTrailInput extends TrailSettings {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * CloudTrail in one region: trails, which record nothing by themselves.
 *
 * Organisations are not simulated. Whether a role's own policies let CloudTrail write into the log
 * group is not looked at: IAM is not simulated. Nor is a bucket of another account looked at.
 *
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/Welcome.html
 */
export class CloudTrail {
  constructor(
    private readonly aws: SimulatedAws,
    private readonly at: AwsLocation,
  ) {}

  /**
   * Makes a trail, which does not log yet.
   *
   * @returns its ARN
   * @throws {AwsError} `InvalidTrailNameException`, `TrailAlreadyExistsException`,
   *   `S3BucketDoesNotExistException`, `InsufficientS3BucketPolicyException`,
   *   `KmsKeyNotFoundException`, `InsufficientEncryptionPolicyException`,
   *   `InvalidParameterCombinationException`, `InvalidCloudWatchLogsLogGroupArnException`,
   *   `InvalidCloudWatchLogsRoleArnException`, `InvalidSnsTopicNameException`,
   *   `OrganizationsNotInUseException`
   * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html
   */
  createTrail({ name, tags, ...settings }: CreateTrailInput): Promise<string> {
    return this.change("CreateTrail", () => {
      checkName(name);
      const isTaken = this.aws.store
        .regions()
        .map((region) => this.aws.store.get(TRAILS, region, name))
        .some(
          (trail) => trail?.homeRegion === this.at.region || trail?.isMultiRegionTrail === true,
        );
      if (isTaken) {
        throw new AwsError(
          "TrailAlreadyExistsException",
          `Trail ${name} already exists for customer: ${this.at.account}`,
        );
      }
      const arn = trailArn(this.at, name);
      this.write({
        ...settings,
        name,
        arn,
        homeRegion: this.at.region,
        snsTopicArn: "",
        isLogging: false,
        eventSelectors: [DEFAULT_SELECTOR],
        advancedEventSelectors: [],
        insightTypes: [],
        tags: { ...tags },
      });
      return arn;
    });
  }

  /** The trail of that ARN. @throws {AwsError} `TrailNotFoundException` */
  describeTrail(arn: string): Promise<TrailObject> {
    return this.aws.read("CloudTrail: DescribeTrails", this.at.region, () => this.trailOf(arn));
  }

  /** Whether a trail logs. @throws {AwsError} `TrailNotFoundException` */
  getTrailStatus(arn: string): Promise<boolean> {
    return this.aws.read(
      "CloudTrail: GetTrailStatus",
      this.at.region,
      () => this.trailOf(arn).isLogging,
    );
  }

  /** @throws {AwsError} `TrailNotFoundException` */
  getEventSelectors(
    arn: string,
  ): Promise<Pick<TrailObject, "eventSelectors" | "advancedEventSelectors">> {
    return this.aws.read("CloudTrail: GetEventSelectors", this.at.region, () => this.trailOf(arn));
  }

  /** Changes the settings that are given. @throws {AwsError} `TrailNotFoundException`, or as for {@link createTrail} */
  updateTrail(arn: string, settings: Partial<TrailSettings>): Promise<void> {
    return this.changeTrail("UpdateTrail", arn, () => settings);
  }

  /** @throws {AwsError} `TrailNotFoundException` */
  startLogging(arn: string): Promise<void> {
    return this.changeTrail("StartLogging", arn, () => ({ isLogging: true }));
  }

  /** @throws {AwsError} `TrailNotFoundException` */
  stopLogging(arn: string): Promise<void> {
    return this.changeTrail("StopLogging", arn, () => ({ isLogging: false }));
  }

  /**
   * Replaces the selectors of a trail: by basic or by advanced ones.
   *
   * @throws {AwsError} `InvalidEventSelectorsException`, `TrailNotFoundException`
   * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html
   */
  putEventSelectors(
    arn: string,
    selectors:
      | { readonly eventSelectors: readonly EventSelector[] }
      | { readonly advancedEventSelectors: readonly AdvancedEventSelector[] },
  ): Promise<void> {
    return this.changeTrail("PutEventSelectors", arn, () => {
      if ("eventSelectors" in selectors) {
        checkSelectors(selectors.eventSelectors);
        return { eventSelectors: [...selectors.eventSelectors], advancedEventSelectors: [] };
      }
      checkAdvancedSelectors(selectors.advancedEventSelectors);
      return {
        eventSelectors: [],
        advancedEventSelectors: [...selectors.advancedEventSelectors],
      };
    });
  }

  /** @throws {AwsError} `TrailNotFoundException` */
  putInsightSelectors(arn: string, insightTypes: readonly string[]): Promise<void> {
    return this.changeTrail("PutInsightSelectors", arn, () => ({
      insightTypes: [...insightTypes],
    }));
  }

  /** Replaces all tags. @throws {AwsError} `TrailNotFoundException` */
  addTags(arn: string, tags: Readonly<Record<string, string>>): Promise<void> {
    return this.changeTrail("AddTags", arn, () => ({ tags: { ...tags } }));
  }

  /** @throws {AwsError} `TrailNotFoundException`, `InvalidHomeRegionException` */
  deleteTrail(arn: string): Promise<void> {
    return this.change("DeleteTrail", () => {
      this.aws.store.remove(TRAILS, this.at.region, this.ownTrailOf(arn).name);
    });
  }

  /** A trail of this region, or one of another region that covers this one too. */
  private trailOf(arn: string): TrailObject {
    const { region = "", resource = "" } = parseArn(arn) ?? {};
    const trail = this.aws.store.get(TRAILS, region, resource.replace(/^trail\//, ""));
    if (
      trail === undefined ||
      trail.arn !== arn ||
      (region !== this.at.region && !trail.isMultiRegionTrail)
    ) {
      throw new AwsError(NOT_FOUND, `Unknown trail: ${arn} for the user: ${this.at.account}`);
    }
    return trail;
  }

  /** A trail that can be changed here: only its home region can. */
  private ownTrailOf(arn: string): TrailObject {
    const trail = this.trailOf(arn);
    if (trail.homeRegion !== this.at.region) {
      throw new AwsError(
        "InvalidHomeRegionException",
        `Trail ${arn} can only be changed in its home region, ${trail.homeRegion}`,
      );
    }
    return trail;
  }

  private write(trail: TrailObject): void {
    this.check(trail);
    const { snsTopicName } = trail;
    const snsTopicArn =
      snsTopicName === "" || parseArn(snsTopicName) !== undefined
        ? snsTopicName
        : topicArn(this.at, snsTopicName);
    this.aws.store.put(TRAILS, this.at.region, trail.name, { ...trail, snsTopicArn });
  }

  private change<T>(operation: string, work: () => T): Promise<T> {
    return this.aws.change(`CloudTrail: ${operation}`, this.at.region, work);
  }

  private changeTrail(
    operation: string,
    arn: string,
    changed: () => Partial<TrailObject>,
  ): Promise<void> {
    return this.change(operation, () => {
      const trail = { ...this.ownTrailOf(arn), ...changed() };
      if (operation === "UpdateTrail") {
        this.write(trail);
      } else {
        this.aws.store.put(TRAILS, this.at.region, trail.name, trail);
      }
    });
  }

  private check(trail: TrailObject): void {
    if (trail.isOrganizationTrail) {
      throw new AwsError(
        "OrganizationsNotInUseException",
        "Your account is not a member of an organization.",
      );
    }
    if (trail.isMultiRegionTrail && !trail.includeGlobalServiceEvents) {
      throw new AwsError(
        "InvalidParameterCombinationException",
        "Multi-Region trail must include global service events.",
      );
    }
    this.checkBucket(trail);
    this.checkLogGroup(trail);
    this.checkTopic(trail);
  }

  private checkBucket(trail: TrailObject): void {
    const { s3BucketName: name, s3KeyPrefix, kmsKeyId } = trail;
    const region = regionOfBucket(this.aws, name);
    const bucket = region === undefined ? undefined : this.aws.store.get(S3_BUCKETS, region, name);
    if (region === undefined || bucket === undefined) {
      if (this.aws.store.get(FOREIGN_BUCKETS, undefined, name) === undefined) {
        throw new AwsError("S3BucketDoesNotExistException", `S3 bucket ${name} does not exist!`);
      }
      return;
    }
    const folder = [bucket.arn, s3KeyPrefix, "AWSLogs", this.at.account, "CloudTrail"]
      .filter((part) => part !== "")
      .join("/");
    const isLet = (action: string, resource: string) =>
      letsService(this.aws, bucket.policy ?? NO_STATEMENTS, {
        ...this.sourceOf(trail),
        action,
        resource,
      });
    // https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    if (!isLet("s3:GetBucketAcl", bucket.arn) || !isLet("s3:PutObject", folder)) {
      throw new AwsError(
        "InsufficientS3BucketPolicyException",
        `Incorrect S3 bucket policy is detected for bucket: ${name}`,
      );
    }
    if (kmsKeyId !== "") {
      this.checkKey(trail, region, bucket);
    }
  }

  /**
   * The key must be where the bucket is, and let CloudTrail make data keys; decrypt too if the bucket
   * has a key of its own.
   *
   * @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
   */
  private checkKey(trail: TrailObject, region: string, bucket: BucketObject): void {
    const { kmsKeyId } = trail;
    const parts = parseArn(kmsKeyId);
    const keyId = parts?.resource.replace(/^key\//, "") ?? "";
    const key =
      parts?.region === region && parts.account === this.at.account
        ? this.aws.store.get(KMS_KEYS, region, keyId)
        : undefined;
    if (key === undefined) {
      if (parts?.region === region && parts.account !== this.at.account) {
        return;
      }
      throw new AwsError(
        "KmsKeyNotFoundException",
        `The KMS key ${kmsKeyId} must exist in the region of the bucket ${bucket.name}, ${region}`,
      );
    }
    if (!key.enabled) {
      throw new AwsError("KmsException", `The KMS key ${kmsKeyId} is disabled or pending deletion`);
    }
    const actions = [
      "kms:GenerateDataKey",
      ...(bucket.encryption?.bucketKeyEnabled === true ? ["kms:Decrypt"] : []),
    ];
    const isLet = (action: string) =>
      letsService(this.aws, key.policy, { ...this.sourceOf(trail), action, resource: key.arn });
    if (!actions.every(isLet)) {
      throw new AwsError(
        "InsufficientEncryptionPolicyException",
        `Insufficient permissions to access S3 bucket ${bucket.name} or KMS key ${kmsKeyId}.`,
      );
    }
  }

  private checkLogGroup(trail: TrailObject): void {
    const { cloudWatchLogsLogGroupArn: groupArn, cloudWatchLogsRoleArn: roleArn } = trail;
    if ((groupArn === "") !== (roleArn === "")) {
      throw new AwsError(
        "InvalidParameterCombinationException",
        "CloudWatchLogsLogGroupArn and CloudWatchLogsRoleArn must be specified together.",
      );
    }
    if (groupArn === "") {
      return;
    }
    const exists = this.aws.store
      .list(LOG_GROUPS, this.at.region)
      .some(([name]) => groupArn === `${logGroupArn(this.at, name)}:*`);
    if (!exists) {
      throw new AwsError(
        "InvalidCloudWatchLogsLogGroupArnException",
        `CloudTrail cannot validate the specified log group ARN: ${groupArn} must be a log group of ${this.at.region}, with :* at its end`,
      );
    }
    if (!letsAssume(this.aws, roleArn, this.sourceOf(trail))) {
      throw new AwsError(
        "InvalidCloudWatchLogsRoleArnException",
        "Access denied. Check the trust relationships for your role.",
      );
    }
  }

  private checkTopic({ snsTopicName: topic }: TrailObject): void {
    const parts = parseArn(topic);
    const { region, account, resource } = parts ?? { ...this.at, resource: topic };
    if (
      topic !== "" &&
      account === this.at.account &&
      this.aws.store.get(TOPICS, region, resource) === undefined
    ) {
      throw new AwsError(
        "InvalidSnsTopicNameException",
        `SNS Topic does not exist or the topic policy is incorrect: ${topic}`,
      );
    }
  }

  private sourceOf({
    arn,
  }: TrailObject): Pick<ServiceRequest, "principal" | "sourceArn" | "sourceAccount"> {
    return { principal: CLOUDTRAIL_PRINCIPAL, sourceArn: arn, sourceAccount: this.at.account };
  }
}

/** A policy that lets nobody do anything. */
const NO_STATEMENTS = JSON.stringify({
  Statement: [{ Effect: "Deny", Principal: "*", Action: "*", Resource: "*" }],
});

/** Whether an error says that a trail is not there. */
export function isTrailNotFound(error: unknown): boolean {
  return isAwsError(error, NOT_FOUND);
}

/** @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html */
function checkName(name: string): void {
  const { min, max } = TRAIL_NAME_CHARACTERS;
  const problem =
    name.length < min || name.length > max
      ? `Trail name must be ${min} to ${max} characters long.`
      : !/^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(name)
        ? "Trail name must start and end with a letter or number, and can only contain letters, numbers, periods, underscores and dashes."
        : /[._-]{2}/.test(name)
          ? "Trail name cannot have adjacent periods, underscores or dashes."
          : /^\d+\.\d+\.\d+\.\d+$/.test(name)
            ? "Trail name cannot be in IP address format."
            : undefined;
  if (problem !== undefined) {
    throw new AwsError("InvalidTrailNameException", problem);
  }
}

function checkSelectors(selectors: readonly EventSelector[]): void {
  const wrongSource = selectors
    .flatMap(({ excludeManagementEventSources }) => excludeManagementEventSources)
    .find((source) => !EXCLUDABLE_SOURCES.includes(source));
  const problem =
    selectors.length === 0 || selectors.length > SELECTOR_LIMITS.eventSelectors
      ? `A trail must have 1 to ${SELECTOR_LIMITS.eventSelectors} event selectors, got ${selectors.length}.`
      : wrongSource === undefined
        ? undefined
        : `ExcludeManagementEventSources must be ${EXCLUDABLE_SOURCES.join(" or ")}, got ${wrongSource}.`;
  if (problem !== undefined) {
    throw new AwsError(INVALID_SELECTORS, problem);
  }
}

function checkAdvancedSelectors(selectors: readonly AdvancedEventSelector[]): void {
  const count = selectors
    .flatMap(({ fieldSelectors }) => fieldSelectors)
    .flatMap(({ field: _field, ...operators }) => Object.values(operators).flat()).length;
  const problem =
    selectors.length === 0
      ? "A trail must have event selectors."
      : count > SELECTOR_LIMITS.advancedValues
        ? `The advanced event selectors of a trail must have at most ${SELECTOR_LIMITS.advancedValues} values, got ${count}.`
        : selectors.map(advancedProblem).find((found) => found !== undefined);
  if (problem !== undefined) {
    throw new AwsError(INVALID_SELECTORS, problem);
  }
}

function advancedProblem({ name, fieldSelectors }: AdvancedEventSelector): string | undefined {
  const [category] = fieldSelectors.find(({ field }) => field === "eventCategory")?.equals ?? [];
  if (category === undefined || !CATEGORIES.includes(category)) {
    return `The advanced event selector ${name} must have an eventCategory that equals ${CATEGORIES.join(", ")}.`;
  }
  const fields = fieldSelectors.map(({ field }) => field);
  const wrong =
    category === "Management"
      ? fields.find((field) => !MANAGEMENT_FIELDS.includes(field))
      : undefined;
  return wrong === undefined
    ? undefined
    : `The advanced event selector ${name} must not select management events by ${wrong}.`;
}
