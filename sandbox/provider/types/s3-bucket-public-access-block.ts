import { isS3NotFound, S3 } from "../../aws/s3";
import { doing, unlessGone } from "../calls";
import type { ResourceType, Session } from "../resource-type";
import { type Attributes, flagOf, textOf } from "../values";
import { bucketNameIn, listBuckets } from "./s3-bucket";

/**
 * What keeps the public out of a bucket. A new bucket lets nobody in without it, too.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_public_access_block
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/s3/bucket_public_access_block.go
 */
export const s3BucketPublicAccessBlock: ResourceType = {
  bindings: "s3-bucket-public-access-block",
  title: "S3 Bucket Public Access Block",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_public_access_block",
  replacing: ["bucket"],
  defaults: {
    block_public_acls: false,
    block_public_policy: false,
    ignore_public_acls: false,
    restrict_public_buckets: false,
  },

  async create(session, planned, keep) {
    const bucket = textOf(planned, "bucket");
    await doing(`creating S3 Bucket (${bucket}) Public Access Block`, () =>
      putBlock(session, planned),
    );
    keep({ id: bucket });
  },

  async read({ aws, at }, state) {
    const bucket = textOf(state, "id");
    const block = await unlessGone(isS3NotFound, () =>
      new S3(aws, at).getPublicAccessBlock(bucket),
    );
    return (
      block && {
        id: bucket,
        bucket,
        block_public_acls: block.blockPublicAcls,
        block_public_policy: block.blockPublicPolicy,
        ignore_public_acls: block.ignorePublicAcls,
        restrict_public_buckets: block.restrictPublicBuckets,
      }
    );
  },

  update: (session, _prior, planned) => putBlock(session, planned),

  async delete({ aws, at }, state) {
    if (flagOf(state, "skip_destroy")) {
      return;
    }
    await unlessGone(isS3NotFound, () =>
      new S3(aws, at).deletePublicAccessBlock(textOf(state, "id")),
    );
  },

  identify: (id) => ({ id, bucket: id }),
  list: (store, { region }) =>
    listBuckets(
      store,
      region,
      ({ publicAccessBlock }) => !["default", "none"].includes(String(publicAccessBlock)),
    ),
  nameIn: bucketNameIn,
};

function putBlock({ aws, at }: Session, planned: Attributes): Promise<void> {
  return new S3(aws, at).putPublicAccessBlock(textOf(planned, "bucket"), {
    blockPublicAcls: flagOf(planned, "block_public_acls"),
    blockPublicPolicy: flagOf(planned, "block_public_policy"),
    ignorePublicAcls: flagOf(planned, "ignore_public_acls"),
    restrictPublicBuckets: flagOf(planned, "restrict_public_buckets"),
  });
}
