import * as z from "zod";
import { type AwsLocation, bucketArn } from "../../modules/partition";
import { AwsError, isAwsError } from "./aws-error";
import { principalChecks } from "./iam";
import type { ObjectKind } from "./object-store";
import { type PolicyRules, type PolicyStatement, parsePolicy } from "./policy";
import type { SimulatedAws } from "./simulated-aws";

/** A setting that a new bucket has by itself, until it is set or taken away. */
function withDefault<T extends z.ZodType>(setting: T) {
  return z.union([z.enum(["default", "none"]), setting]);
}

const publicAccessBlockSchema = z.object({
  blockPublicAcls: z.boolean(),
  blockPublicPolicy: z.boolean(),
  ignorePublicAcls: z.boolean(),
  restrictPublicBuckets: z.boolean(),
});

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PublicAccessBlockConfiguration.html */
export type PublicAccessBlock = z.output<typeof publicAccessBlockSchema>;

const encryptionSchema = z.object({
  sseAlgorithm: z.string(),
  /** Id, ARN or alias of a key. */
  kmsMasterKeyId: z.string().optional(),
  bucketKeyEnabled: z.boolean(),
  blockedEncryptionTypes: z.array(z.string()).optional(),
});

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionRule.html */
export type BucketEncryption = z.output<typeof encryptionSchema>;

const ownershipSchema = z.object({ objectOwnership: z.string() });

const lifecycleRuleSchema = z.record(z.string(), z.json());

/** A rule of a lifecycle, as the provider's block `rule` holds it. */
export type LifecycleRule = z.output<typeof lifecycleRuleSchema>;

/** Reads a lifecycle. @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html */
export const lifecycleSchema = z.object({
  rules: z.array(lifecycleRuleSchema),
  transitionDefaultMinimumObjectSize: z.string(),
});

/** A lifecycle of a bucket. */
export type BucketLifecycle = z.output<typeof lifecycleSchema>;

const loggingSchema = z.object({
  targetBucket: z.string(),
  targetPrefix: z.string(),
  /** By which date a key is partitioned, `EventTime` or `DeliveryTime`; `SimplePrefix` if by none. */
  keyFormat: z.string().optional(),
});

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_LoggingEnabled.html */
export type BucketLogging = z.output<typeof loggingSchema>;

const retentionSchema = z.object({
  mode: z.string(),
  days: z.number().optional(),
  years: z.number().optional(),
});

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DefaultRetention.html */
export type DefaultRetention = z.output<typeof retentionSchema>;

const bucketSchema = z.object({
  name: z.string(),
  arn: z.string(),
  /** How many objects are in it. Nothing here writes any: a test sets it. */
  objects: z.number(),
  tags: z.record(z.string(), z.string()),
  /** JSON text. */
  policy: z.string().optional(),
  publicAccessBlock: withDefault(publicAccessBlockSchema),
  /** `Disabled` until it is set for the first time. */
  versioning: z.enum(["Disabled", "Enabled", "Suspended"]),
  /** @default - SSE-S3 */
  encryption: encryptionSchema.optional(),
  ownership: withDefault(ownershipSchema),
  lifecycle: lifecycleSchema.optional(),
  logging: loggingSchema.optional(),
  /** Set if objects can be locked; a bucket that is so stays so. */
  objectLock: z.object({ retention: retentionSchema.optional() }).optional(),
});

/** A bucket as the simulated account keeps it, with all that is set on it. */
export type BucketObject = z.output<typeof bucketSchema>;

/** Where buckets are kept: by name. */
export const S3_BUCKETS: ObjectKind<BucketObject> = { folder: "s3-buckets", schema: bucketSchema };

const foreignBucketSchema = z.object({ name: z.string() });

/** Names that other accounts have taken, by name and in no region. Nothing here makes any: a test does. */
export const FOREIGN_BUCKETS: ObjectKind<z.output<typeof foreignBucketSchema>> = {
  folder: "s3-foreign-buckets",
  schema: foreignBucketSchema,
};

/**
 * Length of a bucket's name.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 */
export const BUCKET_NAME_CHARACTERS = { min: 3, max: 63 };

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const RESERVED_NAMES = [
  /^(?:xn--|sthree-|amzn-s3-demo-)/,
  /(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/,
  /^\d+\.\d+\.\d+\.\d+$/,
  /\.\./,
];

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html */
export const BUCKET_POLICY_BYTES = 20 * 1024;

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-set-lifecycle-configuration-intro.html */
export const MAX_LIFECYCLE_RULES = 1000;

const POLICY_RULES: PolicyRules = {
  malformed: "MalformedPolicy",
  tooLarge: "MalformedPolicy",
  maxBytes: BUCKET_POLICY_BYTES,
  needs: ["principal", "resource"],
};

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html */
const DEFAULT_ENCRYPTION: BucketEncryption = { sseAlgorithm: "AES256", bucketKeyEnabled: false };

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
const DEFAULT_PUBLIC_ACCESS_BLOCK: PublicAccessBlock = {
  blockPublicAcls: true,
  blockPublicPolicy: true,
  ignorePublicAcls: true,
  restrictPublicBuckets: true,
};

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html */
const DEFAULT_OWNERSHIP = { objectOwnership: "BucketOwnerEnforced" };

/** What a bucket is made with. */
export interface CreateBucketInput {
  readonly name: string;
  readonly objectLockEnabled: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** Settings of a bucket that can be taken away. */
type Removable = "policy" | "encryption" | "lifecycle" | "logging";

/**
 * S3 in one region: buckets and their settings, without objects.
 *
 * ACLs are not simulated: a new bucket has them off.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 */
export class S3 {
  constructor(
    private readonly aws: SimulatedAws,
    private readonly at: AwsLocation,
  ) {}

  /**
   * Makes a bucket. Its own bucket is refused in us-east-1 too, where S3 takes it for done: there the
   * provider asks before.
   *
   * @throws {AwsError} `InvalidBucketName`, `BucketAlreadyOwnedByYou`, `BucketAlreadyExists`
   * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
   */
  createBucket({ name, objectLockEnabled, tags }: CreateBucketInput): Promise<void> {
    return this.change("CreateBucket", () => {
      if (!isBucketName(name)) {
        throw new AwsError("InvalidBucketName", "The specified bucket is not valid.");
      }
      if (regionOfBucket(this.aws, name) !== undefined) {
        throw new AwsError(
          "BucketAlreadyOwnedByYou",
          "Your previous request to create the named bucket succeeded and you already own it.",
        );
      }
      if (this.aws.store.get(FOREIGN_BUCKETS, undefined, name) !== undefined) {
        throw new AwsError(
          "BucketAlreadyExists",
          "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
        );
      }
      this.write({
        name,
        arn: bucketArn(this.at, name),
        objects: 0,
        tags: { ...tags },
        publicAccessBlock: "default",
        // Objects that can be locked have versions.
        versioning: objectLockEnabled ? "Enabled" : "Disabled",
        ownership: "default",
        ...(objectLockEnabled && { objectLock: {} }),
      });
    });
  }

  /** All that S3 has of a bucket. @throws {AwsError} `NoSuchBucket`, `PermanentRedirect` */
  headBucket(name: string): Promise<BucketObject> {
    return this.read("HeadBucket", name, (bucket) => bucket);
  }

  /**
   * @throws {AwsError} `BucketNotEmpty`, `NoSuchBucket`, `PermanentRedirect`
   * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
   */
  deleteBucket(name: string): Promise<void> {
    return this.change("DeleteBucket", () => {
      const { objects, versioning } = this.bucketOf(name);
      if (objects > 0) {
        throw new AwsError(
          "BucketNotEmpty",
          `The bucket you tried to delete is not empty.${versioning === "Disabled" ? "" : " You must delete all versions in the bucket."}`,
        );
      }
      this.aws.store.remove(S3_BUCKETS, this.at.region, name);
    });
  }

  /**
   * Deletes every object with all its versions.
   *
   * @throws {AwsError} `AccessDenied` while objects are kept by a retention in compliance mode
   * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
   */
  deleteObjects(name: string): Promise<void> {
    return this.changeBucket("DeleteObjects", name, ({ objects, objectLock }) => {
      if (objects > 0 && objectLock?.retention?.mode === "COMPLIANCE") {
        throw new AwsError(
          "AccessDenied",
          "Access Denied because object protected by object lock.",
        );
      }
      return { objects: 0 };
    });
  }

  /** Replaces all tags. @throws {AwsError} `NoSuchBucket`, `PermanentRedirect` */
  putBucketTagging(name: string, tags: Readonly<Record<string, string>>): Promise<void> {
    return this.changeBucket("PutBucketTagging", name, () => ({ tags: { ...tags } }));
  }

  /**
   * @throws {AwsError} `MalformedPolicy`, `AccessDenied` for a public policy where those are blocked
   * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
   */
  putBucketPolicy(name: string, policy: string): Promise<void> {
    return this.changeBucket("PutBucketPolicy", name, (bucket) => {
      const statements = parsePolicy(policy, POLICY_RULES, principalChecks(this.aws));
      for (const resource of statements.flatMap((statement) => [statement.Resource ?? []].flat())) {
        if (resource !== bucket.arn && !resource.startsWith(`${bucket.arn}/`)) {
          throw new AwsError("MalformedPolicy", "Policy has invalid resource");
        }
      }
      if (publicAccessBlockOf(bucket)?.blockPublicPolicy === true && statements.some(isPublic)) {
        throw new AwsError(
          "AccessDenied",
          `User: ${this.aws.caller.roleArn} is not authorized to perform: s3:PutBucketPolicy on resource: "${bucket.arn}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.`,
        );
      }
      return { policy };
    });
  }

  /** JSON text of the policy. @throws {AwsError} `NoSuchBucketPolicy` */
  getBucketPolicy(name: string): Promise<string> {
    return this.read("GetBucketPolicy", name, ({ policy }) =>
      orThrow(policy, "NoSuchBucketPolicy", "The bucket policy does not exist"),
    );
  }

  /** @throws {AwsError} `NoSuchBucket`, `PermanentRedirect` */
  deleteBucketPolicy(name: string): Promise<void> {
    return this.removeSetting("DeleteBucketPolicy", name, "policy");
  }

  /** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutPublicAccessBlock.html */
  putPublicAccessBlock(name: string, publicAccessBlock: PublicAccessBlock): Promise<void> {
    return this.changeBucket("PutPublicAccessBlock", name, () => ({ publicAccessBlock }));
  }

  /** @throws {AwsError} `NoSuchPublicAccessBlockConfiguration` */
  getPublicAccessBlock(name: string): Promise<PublicAccessBlock> {
    return this.read("GetPublicAccessBlock", name, (bucket) =>
      orThrow(
        publicAccessBlockOf(bucket),
        "NoSuchPublicAccessBlockConfiguration",
        "The public access block configuration was not found",
      ),
    );
  }

  /** @throws {AwsError} `NoSuchBucket`, `PermanentRedirect` */
  deletePublicAccessBlock(name: string): Promise<void> {
    return this.changeBucket("DeletePublicAccessBlock", name, () => ({
      publicAccessBlock: "none",
    }));
  }

  /**
   * @param status - what it never was again is not to be had: `Disabled`
   * @throws {AwsError} `InvalidBucketState` if the objects of the bucket can be locked
   * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html
   */
  putBucketVersioning(name: string, status: "Enabled" | "Suspended"): Promise<void> {
    return this.changeBucket("PutBucketVersioning", name, ({ objectLock }) => {
      if (objectLock !== undefined && status === "Suspended") {
        throw new AwsError(
          "InvalidBucketState",
          "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
        );
      }
      return { versioning: status };
    });
  }

  /**
   * @throws {AwsError} `InvalidArgument` for a key beside SSE-S3
   * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html
   */
  putBucketEncryption(name: string, encryption: BucketEncryption): Promise<void> {
    return this.changeBucket("PutBucketEncryption", name, () => {
      if (encryption.kmsMasterKeyId !== undefined && encryption.sseAlgorithm === "AES256") {
        throw new AwsError(
          "InvalidArgument",
          "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
        );
      }
      return { encryption };
    });
  }

  /** Every bucket has an encryption. @throws {AwsError} `NoSuchBucket`, `PermanentRedirect` */
  getBucketEncryption(name: string): Promise<BucketEncryption> {
    return this.read(
      "GetBucketEncryption",
      name,
      ({ encryption }) => encryption ?? DEFAULT_ENCRYPTION,
    );
  }

  /** Goes back to SSE-S3. @throws {AwsError} `NoSuchBucket`, `PermanentRedirect` */
  deleteBucketEncryption(name: string): Promise<void> {
    return this.removeSetting("DeleteBucketEncryption", name, "encryption");
  }

  /** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketOwnershipControls.html */
  putBucketOwnershipControls(name: string, objectOwnership: string): Promise<void> {
    return this.changeBucket("PutBucketOwnershipControls", name, () => ({
      ownership: { objectOwnership },
    }));
  }

  /** Who owns objects. @throws {AwsError} `OwnershipControlsNotFoundError` */
  getBucketOwnershipControls(name: string): Promise<string> {
    return this.read("GetBucketOwnershipControls", name, ({ ownership }) =>
      orThrow(
        ownership === "none"
          ? undefined
          : (ownership === "default" ? DEFAULT_OWNERSHIP : ownership).objectOwnership,
        "OwnershipControlsNotFoundError",
        "The bucket ownership controls were not found",
      ),
    );
  }

  /** @throws {AwsError} `NoSuchBucket`, `PermanentRedirect` */
  deleteBucketOwnershipControls(name: string): Promise<void> {
    return this.changeBucket("DeleteBucketOwnershipControls", name, () => ({ ownership: "none" }));
  }

  /**
   * @throws {AwsError} `InvalidArgument`, `InvalidRequest`, `MalformedXML`
   * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
   * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
   */
  putBucketLifecycleConfiguration(name: string, lifecycle: BucketLifecycle): Promise<void> {
    return this.changeBucket("PutBucketLifecycleConfiguration", name, () => {
      checkRules(lifecycle.rules);
      return { lifecycle };
    });
  }

  /** @throws {AwsError} `NoSuchLifecycleConfiguration` */
  getBucketLifecycleConfiguration(name: string): Promise<BucketLifecycle> {
    return this.read("GetBucketLifecycleConfiguration", name, ({ lifecycle }) =>
      orThrow(
        lifecycle,
        "NoSuchLifecycleConfiguration",
        "The lifecycle configuration does not exist",
      ),
    );
  }

  /** @throws {AwsError} `NoSuchBucket`, `PermanentRedirect` */
  deleteBucketLifecycle(name: string): Promise<void> {
    return this.removeSetting("DeleteBucketLifecycle", name, "lifecycle");
  }

  /**
   * Sets where a bucket's access logs go, or that there are none. S3 takes a target whose policy does
   * not admit it.
   *
   * @throws {AwsError} `InvalidTargetBucketForLogging`
   * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html
   */
  putBucketLogging(name: string, logging: BucketLogging | undefined): Promise<void> {
    return this.changeBucket("PutBucketLogging", name, () => {
      const target = logging?.targetBucket;
      const region = target === undefined ? this.at.region : regionOfBucket(this.aws, target);
      if (region !== this.at.region) {
        throw new AwsError(
          "InvalidTargetBucketForLogging",
          region === undefined
            ? "The target bucket for logging does not exist"
            : "The target logging location must be in the same region as the source bucket",
        );
      }
      return { logging };
    });
  }

  /**
   * Lets objects be locked, and says for how long new ones are.
   *
   * @throws {AwsError} `InvalidBucketState` unless the bucket has versions
   * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html
   */
  putObjectLockConfiguration(name: string, retention: DefaultRetention | undefined): Promise<void> {
    return this.changeBucket("PutObjectLockConfiguration", name, ({ versioning }) => {
      if (versioning !== "Enabled") {
        throw new AwsError(
          "InvalidBucketState",
          "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        );
      }
      if (
        retention !== undefined &&
        (retention.days === undefined) === (retention.years === undefined)
      ) {
        throw new AwsError(
          "MalformedXML",
          "The XML you provided was not well-formed or did not validate against our published schema",
        );
      }
      return { objectLock: { retention } };
    });
  }

  private bucketOf(name: string): BucketObject {
    const bucket = this.aws.store.get(S3_BUCKETS, this.at.region, name);
    if (bucket !== undefined) {
      return bucket;
    }
    throw regionOfBucket(this.aws, name) === undefined
      ? new AwsError("NoSuchBucket", "The specified bucket does not exist")
      : new AwsError(
          "PermanentRedirect",
          "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
        );
  }

  private write(bucket: BucketObject): void {
    this.aws.store.put(S3_BUCKETS, this.at.region, bucket.name, bucket);
  }

  private read<T>(operation: string, name: string, work: (bucket: BucketObject) => T): Promise<T> {
    return this.aws.read(`S3: ${operation}`, this.at.region, () => work(this.bucketOf(name)));
  }

  private change<T>(operation: string, work: () => T): Promise<T> {
    return this.aws.change(`S3: ${operation}`, this.at.region, work);
  }

  private changeBucket(
    operation: string,
    name: string,
    changed: (bucket: BucketObject) => Partial<BucketObject>,
  ): Promise<void> {
    return this.change(operation, () => {
      const bucket = this.bucketOf(name);
      this.write({ ...bucket, ...changed(bucket) });
    });
  }

  private removeSetting(operation: string, name: string, setting: Removable): Promise<void> {
    return this.changeBucket(operation, name, () => ({ [setting]: undefined }));
  }
}

/** The region of the account's bucket of that name; `undefined` if there is none. */
export function regionOfBucket(
  { store }: Pick<SimulatedAws, "store">,
  name: string,
): string | undefined {
  return store.regions().find((region) => store.get(S3_BUCKETS, region, name) !== undefined);
}

/** Whether a bucket may have that name. */
export function isBucketName(name: string): boolean {
  return (
    name.length >= BUCKET_NAME_CHARACTERS.min &&
    name.length <= BUCKET_NAME_CHARACTERS.max &&
    /^[a-z0-9][a-z0-9.-]*[a-z0-9]$/.test(name) &&
    !RESERVED_NAMES.some((reserved) => reserved.test(name))
  );
}

/** Error codes that say that a setting of a bucket, or the bucket, is not there. */
const NOT_FOUND = [
  "NoSuchBucket",
  "NoSuchBucketPolicy",
  "NoSuchLifecycleConfiguration",
  "NoSuchPublicAccessBlockConfiguration",
  "OwnershipControlsNotFoundError",
];

/** Whether an error says that a bucket, or one of its settings, is not there. */
export function isS3NotFound(error: unknown): boolean {
  return NOT_FOUND.some((code) => isAwsError(error, code));
}

function orThrow<T>(setting: T | undefined, code: string, message: string): T {
  if (setting === undefined) {
    throw new AwsError(code, message);
  }
  return setting;
}

function publicAccessBlockOf({ publicAccessBlock }: BucketObject): PublicAccessBlock | undefined {
  return publicAccessBlock === "none"
    ? undefined
    : publicAccessBlock === "default"
      ? DEFAULT_PUBLIC_ACCESS_BLOCK
      : publicAccessBlock;
}

/**
 * Whether a statement lets everybody in. One with a condition is taken not to: which conditions
 * suffice is not simulated.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
 */
function isPublic({ Effect, Principal, NotPrincipal, Condition }: PolicyStatement): boolean {
  const isAnybody =
    NotPrincipal !== undefined ||
    Principal === "*" ||
    [Principal?.AWS ?? []].flat().some((name) => name === "*");
  return Effect === "Allow" && isAnybody && Condition === undefined;
}

/** Blocks of a rule that do something. */
const ACTIONS = [
  "abort_incomplete_multipart_upload",
  "expiration",
  "noncurrent_version_expiration",
  "noncurrent_version_transition",
  "transition",
];

/** Numbers of days in such blocks. */
const DAYS = ["days", "noncurrent_days", "days_after_initiation"];

function checkRules(rules: readonly LifecycleRule[]): void {
  if (rules.length === 0 || rules.length > MAX_LIFECYCLE_RULES) {
    throw new AwsError(
      "MalformedXML",
      "The XML you provided was not well-formed or did not validate against our published schema",
    );
  }
  const ids = rules.map(({ id }) => id);
  if (new Set(ids).size < ids.length) {
    throw new AwsError(
      "InvalidArgument",
      "Rule ID must be unique. Found same ID for more than one rule",
    );
  }
  for (const rule of rules) {
    const blocks = (name: string) => [rule[name] ?? []].flat();
    if (ACTIONS.every((action) => blocks(action).length === 0)) {
      throw new AwsError("InvalidRequest", "At least one action needs to be specified in a rule");
    }
    if (typeof rule.prefix === "string" && rule.prefix !== "" && blocks("filter").length > 0) {
      throw new AwsError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
      );
    }
    for (const action of ACTIONS.filter((name) => !name.endsWith("transition"))) {
      for (const [name, value] of blocks(action).flatMap((block) => Object.entries(block ?? {}))) {
        if (DAYS.includes(name) && typeof value === "number" && value < 1) {
          throw new AwsError(
            "InvalidArgument",
            `'${name}' for ${action} must be a positive integer`,
          );
        }
      }
    }
  }
}
