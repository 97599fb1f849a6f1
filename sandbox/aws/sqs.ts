import * as z from "zod";
import { nameProblem, QUEUE_NAME } from "../../modules/names";
import { type AwsLocation, parseArn, queueArn, queueUrl } from "../../modules/partition";
import { QUEUE_POLICY_LIMIT } from "../../modules/sqs/queue-limits";
import { AwsError, isAwsError } from "./aws-error";
import { principalChecks } from "./iam";
import { isKmsNotFound, Kms } from "./kms";
import type { ObjectKind } from "./object-store";
import { type PolicyRules, parsePolicy } from "./policy";
import type { SimulatedAws } from "./simulated-aws";

const attributesSchema = z.object({
  contentBasedDeduplication: z.boolean(),
  /** Empty for a standard queue, like the throughput limit. */
  deduplicationScope: z.string(),
  delaySeconds: z.number(),
  fifoQueue: z.boolean(),
  fifoThroughputLimit: z.string(),
  kmsDataKeyReusePeriodSeconds: z.number(),
  /** Id, ARN or alias of a key; empty if SQS encrypts with a key of its own, or not at all. */
  kmsMasterKeyId: z.string(),
  /** Bytes. */
  maximumMessageSize: z.number(),
  /** Seconds. */
  messageRetentionPeriod: z.number(),
  /** JSON text; empty if there is none. */
  policy: z.string(),
  receiveMessageWaitTimeSeconds: z.number(),
  redriveAllowPolicy: z.string(),
  redrivePolicy: z.string(),
  sqsManagedSseEnabled: z.boolean(),
  /** Seconds. */
  visibilityTimeout: z.number(),
});

/**
 * Attributes of a queue.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
 */
export type QueueAttributes = z.output<typeof attributesSchema>;

/** Reads attributes, any of which may be left out. */
export const someAttributesSchema = attributesSchema.partial();

const queueSchema = z.object({
  name: z.string(),
  arn: z.string(),
  url: z.string(),
  attributes: attributesSchema,
  tags: z.record(z.string(), z.string()),
});

/** A queue as the simulated account keeps it. */
export type QueueObject = z.output<typeof queueSchema>;

/** Where queues are kept: by name. */
export const QUEUES: ObjectKind<QueueObject> = { folder: "sqs-queues", schema: queueSchema };

/** Ending of the name of every FIFO queue, and of no other. */
export const FIFO_SUFFIX = ".fifo";

/**
 * Ranges of attributes.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
 */
export const QUEUE_RANGES = {
  delaySeconds: { min: 0, max: 900 },
  kmsDataKeyReusePeriodSeconds: { min: 60, max: 86_400 },
  maximumMessageSize: { min: 1024, max: 1_048_576 },
  messageRetentionPeriod: { min: 60, max: 1_209_600 },
  receiveMessageWaitTimeSeconds: { min: 0, max: 20 },
  visibilityTimeout: { min: 0, max: 43_200 },
} as const;

const DEFAULTS: QueueAttributes = {
  contentBasedDeduplication: false,
  deduplicationScope: "",
  delaySeconds: 0,
  fifoQueue: false,
  fifoThroughputLimit: "",
  kmsDataKeyReusePeriodSeconds: 300,
  kmsMasterKeyId: "",
  maximumMessageSize: 1_048_576,
  messageRetentionPeriod: 345_600,
  policy: "",
  receiveMessageWaitTimeSeconds: 0,
  redriveAllowPolicy: "",
  redrivePolicy: "",
  sqsManagedSseEnabled: true,
  visibilityTimeout: 30,
};

const FIFO_DEFAULTS: Partial<QueueAttributes> = {
  deduplicationScope: "queue",
  fifoThroughputLimit: "perQueue",
};

const INVALID_ATTRIBUTE = "InvalidAttributeValue";

const POLICY_RULES: PolicyRules = {
  malformed: INVALID_ATTRIBUTE,
  tooLarge: INVALID_ATTRIBUTE,
  maxBytes: QUEUE_POLICY_LIMIT.maxBytes,
  needs: ["principal", "resource"],
};

// The codes of SQS's old protocol, which it still sends and the SDK for Go still shows:
// https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/sqs/queue.go
const NOT_FOUND = "AWS.SimpleQueueService.NonExistentQueue";
const ALREADY_EXISTS = "QueueAlreadyExists";

/** What a queue is made with. */
export interface CreateQueueInput {
  readonly name: string;
  /** @default - for each that is left out, the default of SQS */
  readonly attributes: Partial<QueueAttributes>;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * SQS in one region.
 *
 * SQS lets 60 seconds pass before a name can be used again; here it is free at once.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
 */
export class Sqs {
  constructor(
    private readonly aws: SimulatedAws,
    private readonly at: AwsLocation,
  ) {}

  /**
   * Makes a queue, or finds one of that name whose attributes are not other than those given.
   *
   * @returns its URL
   * @throws {AwsError} `QueueAlreadyExists`, `InvalidParameterValue` for the name, or
   *   `InvalidAttributeValue`
   * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
   */
  createQueue({ name, attributes, tags }: CreateQueueInput): Promise<string> {
    return this.change("CreateQueue", () => {
      const isFifo = attributes.fifoQueue === true;
      checkName(name, isFifo);
      const defaults = { ...DEFAULTS, ...(isFifo && FIFO_DEFAULTS) };
      const wanted = this.checked(defaults, attributes);
      const existing = this.aws.store.get(QUEUES, this.at.region, name);
      if (existing === undefined) {
        const url = queueUrl(this.at, name);
        this.write({ name, arn: queueArn(this.at, name), url, attributes: wanted, tags });
        return url;
      }
      const other = attributeNames(attributes).find(
        (attribute) => wanted[attribute] !== existing.attributes[attribute],
      );
      if (other !== undefined) {
        throw new AwsError(
          ALREADY_EXISTS,
          `A queue already exists with the same name and a different value for attribute ${apiName(other)}`,
        );
      }
      return existing.url;
    });
  }

  /** All there is of a queue, its tags included. @throws {AwsError} `NonExistentQueue` */
  getQueueAttributes(url: string): Promise<QueueObject> {
    return this.aws.read("SQS: GetQueueAttributes", this.at.region, () => this.queueOf(url));
  }

  /**
   * Changes the attributes that are given.
   *
   * @throws {AwsError} `NonExistentQueue`, `InvalidAttributeValue`
   */
  setQueueAttributes(url: string, attributes: Partial<QueueAttributes>): Promise<void> {
    return this.change("SetQueueAttributes", () => {
      const queue = this.queueOf(url);
      this.write({ ...queue, attributes: this.checked(queue.attributes, attributes) });
    });
  }

  /** @throws {AwsError} `NonExistentQueue` */
  deleteQueue(url: string): Promise<void> {
    return this.change("DeleteQueue", () => {
      this.aws.store.remove(QUEUES, this.at.region, this.queueOf(url).name);
    });
  }

  /** Replaces all tags. @throws {AwsError} `NonExistentQueue` */
  tagQueue(url: string, tags: Readonly<Record<string, string>>): Promise<void> {
    return this.change("TagQueue", () => {
      this.write({ ...this.queueOf(url), tags });
    });
  }

  private queueOf(url: string): QueueObject {
    const queue = this.aws.store.get(QUEUES, this.at.region, url.split("/").at(-1) ?? "");
    if (queue === undefined || queue.url !== url) {
      throw new AwsError(NOT_FOUND, "The specified queue does not exist.");
    }
    return queue;
  }

  private write(queue: QueueObject): void {
    this.aws.store.put(QUEUES, this.at.region, queue.name, queue);
  }

  private change<T>(operation: string, work: () => T): Promise<T> {
    return this.aws.change(`SQS: ${operation}`, this.at.region, work);
  }

  private checked(current: QueueAttributes, changed: Partial<QueueAttributes>): QueueAttributes {
    checkRanges(changed);
    this.checkPolicy(changed.policy ?? "");
    this.checkKey(changed.kmsMasterKeyId ?? "");
    const { kmsMasterKeyId = "", sqsManagedSseEnabled = false } = changed;
    if (kmsMasterKeyId !== "" && sqsManagedSseEnabled) {
      throw new AwsError(
        INVALID_ATTRIBUTE,
        "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
      );
    }
    return {
      ...current,
      ...changed,
      ...(kmsMasterKeyId !== "" && { sqsManagedSseEnabled: false }),
      ...(sqsManagedSseEnabled && { kmsMasterKeyId: "" }),
    };
  }

  private checkPolicy(policy: string): void {
    if (policy === "") {
      return;
    }
    try {
      parsePolicy(policy, POLICY_RULES, principalChecks(this.aws));
    } catch (error) {
      if (error instanceof AwsError) {
        // SQS does not give the reason.
        throw new AwsError(error.code, `Invalid value for the parameter Policy. (${error.reason})`);
      }
      throw error;
    }
  }

  /**
   * Stricter than SQS may be: no source says that it looks at the key before the first message. A
   * key of another region could not encrypt one.
   */
  private checkKey(key: string): void {
    const parts = parseArn(key);
    if (parts === undefined) {
      return;
    }
    if (parts.region !== this.at.region) {
      throw new AwsError(
        INVALID_ATTRIBUTE,
        `Invalid value for the parameter KmsMasterKeyId. (${key} is a key of ${parts.region}, the queue is in ${this.at.region})`,
      );
    }
    if (parts.account === this.at.account && parts.resource.startsWith("key/")) {
      try {
        new Kms(this.aws, this.at).keyOf(key);
      } catch (error) {
        throw isKmsNotFound(error)
          ? new AwsError(
              INVALID_ATTRIBUTE,
              `Invalid value for the parameter KmsMasterKeyId. (${key} does not exist)`,
            )
          : error;
      }
    }
  }
}

/** Whether an error says that a queue is not there. */
export function isQueueNotFound(error: unknown): boolean {
  return isAwsError(error, NOT_FOUND);
}

/** Whether a queue may have that name. */
export function isQueueName(name: string, isFifo: boolean): boolean {
  const base = isFifo ? name.slice(0, -FIFO_SUFFIX.length) : name;
  return (
    (!isFifo || name.endsWith(FIFO_SUFFIX)) &&
    name.length <= QUEUE_NAME.maxCharacters &&
    nameProblem(base, QUEUE_NAME) === undefined
  );
}

function checkName(name: string, isFifo: boolean): void {
  if (isQueueName(name, isFifo)) {
    return;
  }
  throw new AwsError(
    "InvalidParameterValue",
    isFifo
      ? "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length"
      : "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
  );
}

function checkRanges(attributes: Partial<QueueAttributes>): void {
  for (const [name, { min, max }] of Object.entries(QUEUE_RANGES)) {
    const value = attributes[name as keyof typeof QUEUE_RANGES];
    if (value !== undefined && (value < min || value > max)) {
      throw new AwsError(
        INVALID_ATTRIBUTE,
        `Invalid value for the parameter ${apiName(name)}. (${min} to ${max}, got ${value})`,
      );
    }
  }
}

function attributeNames(attributes: Partial<QueueAttributes>): readonly (keyof QueueAttributes)[] {
  return attributesSchema.keyof().options.filter((name) => attributes[name] !== undefined);
}

/** The name that the API gives an attribute, such as `DelaySeconds`. */
function apiName(attribute: string): string {
  return `${attribute.charAt(0).toUpperCase()}${attribute.slice(1)}`;
}
