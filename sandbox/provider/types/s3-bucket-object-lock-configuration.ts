import { isS3NotFound, S3 } from "../../aws/s3";
import { choiceProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import type { ResourceType, Session } from "../resource-type";
import { type Attributes, blocksOf, numberOf, textOf } from "../values";
import { bucketNameIn, findBucket, identifySetting, listBuckets, settingId } from "./s3-bucket";

/**
 * For how long objects of a bucket are locked. That they can be cannot be taken back: deleting the
 * resource takes the retention away.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_object_lock_configuration
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/s3/bucket_object_lock_configuration.go
 */
export const s3BucketObjectLockConfiguration: ResourceType = {
  bindings: "s3-bucket-object-lock-configuration",
  title: "S3 Bucket Object Lock Configuration",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_object_lock_configuration",
  replacing: ["bucket", "expected_bucket_owner", "object_lock_enabled"],
  defaults: { object_lock_enabled: "Enabled" },
  problems: (config) => [
    ...choiceProblems(config, "object_lock_enabled", ["Enabled"]),
    ...blocksOf(config, "rule").flatMap((rule) =>
      blocksOf(rule, "default_retention").flatMap((retention) =>
        choiceProblems(retention, "mode", ["GOVERNANCE", "COMPLIANCE"]),
      ),
    ),
  ],

  async create(session, planned, keep) {
    const bucket = textOf(planned, "bucket");
    await doing(`creating S3 Bucket (${bucket}) Object Lock Configuration`, () =>
      putObjectLock(session, planned),
    );
    keep({ id: settingId(planned) });
  },

  async read(session, state) {
    const identity = identifySetting(textOf(state, "id"));
    const { objectLock } = (await findBucket(session, textOf(identity, "bucket"))) ?? {};
    if (objectLock === undefined) {
      return undefined;
    }
    const { retention } = objectLock;
    return {
      ...identity,
      object_lock_enabled: "Enabled",
      rule:
        retention === undefined
          ? []
          : [
              {
                default_retention: [
                  {
                    days: retention.days ?? null,
                    mode: retention.mode,
                    years: retention.years ?? null,
                  },
                ],
              },
            ],
    };
  },

  update: (session, _prior, planned) => putObjectLock(session, planned),

  async delete({ aws, at }, state) {
    await unlessGone(isS3NotFound, () =>
      new S3(aws, at).putObjectLockConfiguration(textOf(state, "bucket"), undefined),
    );
  },

  identify: identifySetting,
  list: (store, { region }) =>
    listBuckets(store, region, ({ objectLock }) => objectLock?.retention !== undefined),
  nameIn: bucketNameIn,
};

function putObjectLock({ aws, at }: Session, planned: Attributes): Promise<void> {
  const [rule = {}] = blocksOf(planned, "rule");
  const [retention] = blocksOf(rule, "default_retention");
  return new S3(aws, at).putObjectLockConfiguration(
    textOf(planned, "bucket"),
    retention && {
      mode: textOf(retention, "mode"),
      days: numberOf(retention, "days"),
      years: numberOf(retention, "years"),
    },
  );
}
