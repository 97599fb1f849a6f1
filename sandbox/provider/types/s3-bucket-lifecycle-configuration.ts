import { isS3NotFound, lifecycleSchema, S3 } from "../../aws/s3";
import { choiceProblems, lengthProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import type { ResourceType, Session } from "../resource-type";
import { type Attributes, blocksOf, textOf } from "../values";
import { bucketNameIn, identifySetting, listBuckets, settingId } from "./s3-bucket";

const MINIMUM_SIZE = "transition_default_minimum_object_size";
const DEFAULT_MINIMUM_SIZE = "all_storage_classes_128K";

/** Blocks of a rule of which there may be one. */
const SINGLE_BLOCKS = [
  "abort_incomplete_multipart_upload",
  "expiration",
  "filter",
  "noncurrent_version_expiration",
];

/**
 * What becomes of the objects of a bucket. What the real provider fills in inside a rule, such as an
 * empty prefix, is left out here. A minimum size that is left out again stays as it was; the real
 * provider goes back to its default.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_lifecycle_configuration
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/s3/bucket_lifecycle_configuration.go
 */
export const s3BucketLifecycleConfiguration: ResourceType = {
  bindings: "s3-bucket-lifecycle-configuration",
  title: "S3 Bucket Lifecycle Configuration",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_lifecycle_configuration",
  replacing: ["bucket", "expected_bucket_owner"],
  defaults: {},
  problems: (config) => [
    ...choiceProblems(config, MINIMUM_SIZE, [DEFAULT_MINIMUM_SIZE, "varies_by_storage_class"]),
    ...(Array.isArray(config.rule) && config.rule.length === 0
      ? ["Attribute rule list must contain at least 1 elements, got: 0"]
      : []),
    ...blocksOf(config, "rule").flatMap((rule) => [
      ...lengthProblems(rule, "id", { max: 255 }),
      ...choiceProblems(rule, "status", ["Disabled", "Enabled"]),
      ...SINGLE_BLOCKS.flatMap((block) => {
        const { length } = blocksOf(rule, block);
        return length > 1
          ? [`Attribute rule.${block} list must contain at most 1 elements, got: ${length}`]
          : [];
      }),
    ]),
  ],

  async create(session, planned, keep) {
    const bucket = textOf(planned, "bucket");
    await doing(`creating S3 Bucket (${bucket}) Lifecycle Configuration`, () =>
      putLifecycle(session, planned),
    );
    keep({ id: settingId(planned) });
  },

  async read({ aws, at }, state) {
    const { id, bucket, ...owner } = identifySetting(textOf(state, "id"));
    const found = await unlessGone(isS3NotFound, () =>
      new S3(aws, at).getBucketLifecycleConfiguration(String(bucket)),
    );
    return (
      found && {
        id: id ?? null,
        bucket: bucket ?? null,
        expected_bucket_owner: owner.expected_bucket_owner ?? "",
        [MINIMUM_SIZE]: found.transitionDefaultMinimumObjectSize,
        rule: found.rules,
      }
    );
  },

  update: (session, _prior, planned) => putLifecycle(session, planned),

  async delete({ aws, at }, state) {
    await unlessGone(isS3NotFound, () =>
      new S3(aws, at).deleteBucketLifecycle(textOf(state, "bucket")),
    );
  },

  identify: identifySetting,
  list: (store, { region }) =>
    listBuckets(store, region, ({ lifecycle }) => lifecycle !== undefined),
  nameIn: bucketNameIn,
};

function putLifecycle({ aws, at }: Session, planned: Attributes): Promise<void> {
  return new S3(aws, at).putBucketLifecycleConfiguration(
    textOf(planned, "bucket"),
    lifecycleSchema.parse({
      rules: planned.rule,
      transitionDefaultMinimumObjectSize: textOf(planned, MINIMUM_SIZE) || DEFAULT_MINIMUM_SIZE,
    }),
  );
}
