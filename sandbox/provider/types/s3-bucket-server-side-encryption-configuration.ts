import { isS3NotFound, S3 } from "../../aws/s3";
import { choiceProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import type { ResourceType, Session } from "../resource-type";
import { type Attributes, blocksOf, flagOf, textOf, textsOf } from "../values";
import { bucketNameIn, identifySetting, listBuckets, settingId } from "./s3-bucket";

const BY_DEFAULT = "apply_server_side_encryption_by_default";

/**
 * How a bucket encrypts what is not told otherwise. Deleting the resource goes back to SSE-S3.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_server_side_encryption_configuration
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/s3/bucket_server_side_encryption_configuration.go
 */
export const s3BucketServerSideEncryptionConfiguration: ResourceType = {
  bindings: "s3-bucket-server-side-encryption-configuration",
  title: "S3 Bucket Server-side Encryption Configuration",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_server_side_encryption_configuration",
  replacing: ["bucket", "expected_bucket_owner"],
  defaults: {},
  problems: (config) => {
    const rules = blocksOf(config, "rule");
    return [
      ...(rules.length > 1 ? [`the sandbox takes one rule, got ${rules.length}`] : []),
      ...rules.flatMap((rule) =>
        blocksOf(rule, BY_DEFAULT).flatMap((block) =>
          choiceProblems(block, "sse_algorithm", ["AES256", "aws:fsx", "aws:kms", "aws:kms:dsse"]),
        ),
      ),
    ];
  },

  async create(session, planned, keep) {
    const bucket = textOf(planned, "bucket");
    await doing(`creating S3 Bucket (${bucket}) Server-side Encryption Configuration`, () =>
      putEncryption(session, planned),
    );
    keep({ id: settingId(planned) });
  },

  async read({ aws, at }, state) {
    const identity = identifySetting(textOf(state, "id"));
    const found = await unlessGone(isS3NotFound, () =>
      new S3(aws, at).getBucketEncryption(textOf(identity, "bucket")),
    );
    const [held = {}] = blocksOf(state, "rule");
    return (
      found && {
        ...identity,
        rule: [
          {
            [BY_DEFAULT]:
              found.sseAlgorithm === ""
                ? []
                : [
                    {
                      kms_master_key_id: found.kmsMasterKeyId ?? null,
                      sse_algorithm: found.sseAlgorithm,
                    },
                  ],
            blocked_encryption_types: found.blockedEncryptionTypes ?? null,
            bucket_key_enabled:
              (held.bucket_key_enabled ?? null) === null && !found.bucketKeyEnabled
                ? null
                : found.bucketKeyEnabled,
          },
        ],
      }
    );
  },

  update: (session, _prior, planned) => putEncryption(session, planned),

  async delete({ aws, at }, state) {
    await unlessGone(isS3NotFound, () =>
      new S3(aws, at).deleteBucketEncryption(textOf(state, "bucket")),
    );
  },

  identify: identifySetting,
  list: (store, { region }) =>
    listBuckets(store, region, ({ encryption }) => encryption !== undefined),
  nameIn: bucketNameIn,
};

async function putEncryption({ aws, at }: Session, planned: Attributes): Promise<void> {
  const [rule = {}] = blocksOf(planned, "rule");
  const [byDefault = {}] = blocksOf(rule, BY_DEFAULT);
  const blocked = textsOf(rule, "blocked_encryption_types");
  await new S3(aws, at).putBucketEncryption(textOf(planned, "bucket"), {
    sseAlgorithm: textOf(byDefault, "sse_algorithm"),
    kmsMasterKeyId: textOf(byDefault, "kms_master_key_id") || undefined,
    bucketKeyEnabled: flagOf(rule, "bucket_key_enabled"),
    blockedEncryptionTypes: blocked.length === 0 ? undefined : [...blocked],
  });
}
