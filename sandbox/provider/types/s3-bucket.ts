import { bucketArn, bucketHost } from "../../../modules/partition";
import { isAwsError } from "../../aws/aws-error";
import type { ObjectStore } from "../../aws/object-store";
import {
  BUCKET_NAME_CHARACTERS,
  type BucketObject,
  isS3NotFound,
  S3,
  S3_BUCKETS,
} from "../../aws/s3";
import { conflictProblems, lengthProblems } from "../argument-problems";
import { doing, unlessGone, updateTags } from "../calls";
import { listedByName, madeUpName, namePrefixOf } from "../names";
import type { ListedObject, ResourceType, Session } from "../resource-type";
import { type Attributes, blocksOf, flagOf, mapOf, textOf } from "../values";

/** What the provider puts behind a prefix. */
const SERIAL_CHARACTERS = 26;

/** Blocks that are resources of their own. */
const DEPRECATED_BLOCKS = [
  "cors_rule",
  "grant",
  "lifecycle_rule",
  "logging",
  "object_lock_configuration",
  "replication_configuration",
  "server_side_encryption_configuration",
  "versioning",
  "website",
];

const DEPRECATED_ARGUMENTS = ["acceleration_status", "acl", "policy", "request_payer"];

/**
 * A bucket. All that is set on it is resources of their own: their values, which the real provider
 * also shows here, are left out, but for the policy. Nor does the sandbox have a list of the hosted
 * zones of S3.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/s3/bucket.go
 */
export const s3Bucket: ResourceType = {
  bindings: "s3-bucket",
  title: "S3 Bucket",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket",
  replacing: ["bucket", "bucket_prefix", "object_lock_enabled"],
  defaults: { force_destroy: false },
  problems: (config) => [
    ...lengthProblems(config, "bucket", { min: 0, max: BUCKET_NAME_CHARACTERS.max }),
    ...lengthProblems(config, "bucket_prefix", {
      min: 0,
      max: BUCKET_NAME_CHARACTERS.max - SERIAL_CHARACTERS,
    }),
    ...conflictProblems(config, "bucket", "bucket_prefix"),
    ...DEPRECATED_BLOCKS.filter((block) => blocksOf(config, block).length > 0).map(deprecated),
    ...DEPRECATED_ARGUMENTS.filter((argument) => textOf(config, argument) !== "").map(deprecated),
  ],

  async create({ aws, at }, planned, keep) {
    const name = madeUpName(
      { name: textOf(planned, "bucket"), name_prefix: textOf(planned, "bucket_prefix") },
      "terraform-",
    );
    await doing(`creating S3 Bucket (${name})`, () =>
      new S3(aws, at).createBucket({
        name,
        objectLockEnabled: flagOf(planned, "object_lock_enabled"),
        tags: mapOf(planned, "tags_all"),
      }),
    );
    keep({ id: name, bucket: name });
  },

  async read(session, state) {
    const bucket = await findBucket(session, textOf(state, "id"));
    const { at } = session;
    return (
      bucket && {
        id: bucket.name,
        bucket: bucket.name,
        bucket_prefix: namePrefixOf(bucket.name),
        acceleration_status: "",
        arn: bucketArn(at, bucket.name),
        bucket_domain_name: bucketHost(at, bucket.name),
        bucket_region: at.region,
        bucket_regional_domain_name: bucketHost(at, bucket.name, at.region),
        object_lock_enabled: bucket.objectLock !== undefined,
        policy: bucket.policy ?? "",
        request_payer: "BucketOwner",
        tags_all: bucket.tags,
      }
    );
  },

  async update({ aws, at }, prior, planned) {
    const name = textOf(prior, "id");
    await updateTags(`S3 (Simple Storage) Bucket (${name})`, prior, planned, (tags) =>
      new S3(aws, at).putBucketTagging(name, tags),
    );
  },

  async delete({ aws, at }, state) {
    const s3 = new S3(aws, at);
    const name = textOf(state, "id");
    await unlessGone(isS3NotFound, async () => {
      try {
        await s3.deleteBucket(name);
      } catch (error) {
        if (!isAwsError(error, "BucketNotEmpty") || !flagOf(state, "force_destroy")) {
          throw error;
        }
        await doing(`emptying S3 Bucket (${name})`, () => s3.deleteObjects(name));
        await s3.deleteBucket(name);
      }
    });
  },

  identify: (id) => ({ id, bucket: id }),
  list: (store, { region }) => store.list(S3_BUCKETS, region).map(([name]) => listedByName(name)),
  nameIn: bucketNameIn,
};

/** The bucket of that name, unless it is gone. */
export function findBucket({ aws, at }: Session, name: string): Promise<BucketObject | undefined> {
  return unlessGone(isS3NotFound, () => new S3(aws, at).headBucket(name));
}

/** The buckets of a region that have a setting, each listed by its name. */
export function listBuckets(
  store: ObjectStore,
  region: string,
  has: (bucket: BucketObject) => boolean,
): readonly ListedObject[] {
  return store
    .list(S3_BUCKETS, region)
    .filter(([, bucket]) => has(bucket))
    .map(([name]) => listedByName(name));
}

/** The argument `bucket` of a resource. */
export function bucketNameIn({ bucket }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof bucket === "string" ? bucket : undefined;
}

const ID_SEPARATOR = ",";

/** The id of what is set on a bucket: its name, and the account that is expected to own it. */
export function settingId(planned: Attributes): string {
  return [textOf(planned, "bucket"), textOf(planned, "expected_bucket_owner")]
    .filter((part) => part !== "")
    .join(ID_SEPARATOR);
}

/** What an id or import id says of what is set on a bucket. */
export function identifySetting(id: string): Attributes {
  const [bucket = "", owner = ""] = id.split(ID_SEPARATOR);
  return { id, bucket, ...(owner !== "" && { expected_bucket_owner: owner }) };
}

function deprecated(argument: string): string {
  return `${argument} is deprecated, the sandbox has none: use aws_s3_bucket_${NEW_TYPES[argument] ?? argument}`;
}

/** Types that are not named as the argument that they stand for. */
const NEW_TYPES: Readonly<Record<string, string>> = {
  acceleration_status: "accelerate_configuration",
  cors_rule: "cors_configuration",
  grant: "acl",
  lifecycle_rule: "lifecycle_configuration",
  request_payer: "request_payment_configuration",
  website: "website_configuration",
};
