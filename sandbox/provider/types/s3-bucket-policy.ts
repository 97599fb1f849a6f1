import { isS3NotFound, S3 } from "../../aws/s3";
import { jsonProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import type { ResourceType, Session } from "../resource-type";
import { samePolicy } from "../same-meaning";
import { type Attributes, textOf } from "../values";
import { bucketNameIn, listBuckets } from "./s3-bucket";

/**
 * The policy of a bucket.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_policy
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/s3/bucket_policy.go
 */
export const s3BucketPolicy: ResourceType = {
  bindings: "s3-bucket-policy",
  title: "S3 Bucket Policy",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_policy",
  replacing: ["bucket"],
  defaults: {},
  sameMeaning: { policy: samePolicy },
  problems: (config) => jsonProblems(config, "policy"),

  async create(session, planned, keep) {
    await putPolicy(session, planned);
    keep({ id: textOf(planned, "bucket") });
  },

  async read({ aws, at }, state) {
    const bucket = textOf(state, "id");
    const policy = await unlessGone(isS3NotFound, () => new S3(aws, at).getBucketPolicy(bucket));
    return policy === undefined ? undefined : { id: bucket, bucket, policy };
  },

  update: (session, _prior, planned) => putPolicy(session, planned),

  async delete({ aws, at }, state) {
    await unlessGone(isS3NotFound, () => new S3(aws, at).deleteBucketPolicy(textOf(state, "id")));
  },

  identify: (id) => ({ id, bucket: id }),
  list: (store, { region }) => listBuckets(store, region, ({ policy }) => policy !== undefined),
  nameIn: bucketNameIn,
};

async function putPolicy({ aws, at }: Session, planned: Attributes): Promise<void> {
  const bucket = textOf(planned, "bucket");
  await doing(`putting S3 Bucket (${bucket}) Policy`, () =>
    new S3(aws, at).putBucketPolicy(bucket, textOf(planned, "policy")),
  );
}
