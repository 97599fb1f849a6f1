import { S3_LOGGING_PRINCIPAL } from "../../../modules/partition";
import { isS3NotFound, S3 } from "../../aws/s3";
import { doing, unlessGone } from "../calls";
import type { ResourceType, Session } from "../resource-type";
import { type Attributes, blocksOf, textOf, type Value } from "../values";
import { bucketNameIn, findBucket, identifySetting, listBuckets, settingId } from "./s3-bucket";

const FORMAT = "target_object_key_format";

/**
 * Where the access logs of a bucket go.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_logging
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/s3/bucket_logging.go
 */
export const s3BucketLogging: ResourceType = {
  bindings: "s3-bucket-logging",
  title: "S3 Bucket Logging",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_logging",
  replacing: ["bucket", "expected_bucket_owner"],
  defaults: {},
  problems: (config) =>
    blocksOf(config, "target_grant").length === 0
      ? []
      : [
          `the sandbox has no ACLs: leave target_grant out, and let the policy of the target bucket admit ${S3_LOGGING_PRINCIPAL}`,
        ],

  async create(session, planned, keep) {
    const bucket = textOf(planned, "bucket");
    await doing(`creating S3 Bucket (${bucket}) Logging`, () => putLogging(session, planned));
    keep({ id: settingId(planned) });
  },

  async read(session, state) {
    const identity = identifySetting(textOf(state, "id"));
    const { logging } = (await findBucket(session, textOf(identity, "bucket"))) ?? {};
    return (
      logging && {
        ...identity,
        target_bucket: logging.targetBucket,
        target_prefix: logging.targetPrefix,
        target_grant: [],
        [FORMAT]: formatBlocks(logging.keyFormat),
      }
    );
  },

  update: (session, _prior, planned) => putLogging(session, planned),

  async delete({ aws, at }, state) {
    await unlessGone(isS3NotFound, () =>
      new S3(aws, at).putBucketLogging(textOf(state, "bucket"), undefined),
    );
  },

  identify: identifySetting,
  list: (store, { region }) => listBuckets(store, region, ({ logging }) => logging !== undefined),
  nameIn: bucketNameIn,
};

function putLogging({ aws, at }: Session, planned: Attributes): Promise<void> {
  const [format] = blocksOf(planned, FORMAT);
  const [partitioned] = blocksOf(format ?? {}, "partitioned_prefix");
  return new S3(aws, at).putBucketLogging(textOf(planned, "bucket"), {
    targetBucket: textOf(planned, "target_bucket"),
    targetPrefix: textOf(planned, "target_prefix"),
    keyFormat:
      format && (partitioned ? textOf(partitioned, "partition_date_source") : SIMPLE_PREFIX),
  });
}

const SIMPLE_PREFIX = "SimplePrefix";

function formatBlocks(keyFormat: string | undefined): Value {
  if (keyFormat === undefined) {
    return [];
  }
  return keyFormat === SIMPLE_PREFIX
    ? [{ partitioned_prefix: [], simple_prefix: [{}] }]
    : [{ partitioned_prefix: [{ partition_date_source: keyFormat }], simple_prefix: [] }];
}
