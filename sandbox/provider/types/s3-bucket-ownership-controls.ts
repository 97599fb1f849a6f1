import { isS3NotFound, S3 } from "../../aws/s3";
import { choiceProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import type { ResourceType, Session } from "../resource-type";
import { type Attributes, blocksOf, textOf } from "../values";
import { bucketNameIn, listBuckets } from "./s3-bucket";

/**
 * Who owns the objects of a bucket, and whether it has ACLs.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_ownership_controls
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/s3/bucket_ownership_controls.go
 */
export const s3BucketOwnershipControls: ResourceType = {
  bindings: "s3-bucket-ownership-controls",
  title: "S3 Bucket Ownership Controls",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_ownership_controls",
  replacing: ["bucket"],
  defaults: {},
  problems: (config) =>
    blocksOf(config, "rule").flatMap((rule) =>
      choiceProblems(rule, "object_ownership", [
        "BucketOwnerPreferred",
        "ObjectWriter",
        "BucketOwnerEnforced",
      ]),
    ),

  async create(session, planned, keep) {
    const bucket = textOf(planned, "bucket");
    await doing(`creating S3 Bucket (${bucket}) Ownership Controls`, () =>
      putOwnership(session, planned),
    );
    keep({ id: bucket });
  },

  async read({ aws, at }, state) {
    const bucket = textOf(state, "id");
    const ownership = await unlessGone(isS3NotFound, () =>
      new S3(aws, at).getBucketOwnershipControls(bucket),
    );
    return ownership === undefined
      ? undefined
      : { id: bucket, bucket, rule: [{ object_ownership: ownership }] };
  },

  update: (session, _prior, planned) => putOwnership(session, planned),

  async delete({ aws, at }, state) {
    await unlessGone(isS3NotFound, () =>
      new S3(aws, at).deleteBucketOwnershipControls(textOf(state, "id")),
    );
  },

  identify: (id) => ({ id, bucket: id }),
  list: (store, { region }) =>
    listBuckets(store, region, ({ ownership }) => typeof ownership === "object"),
  nameIn: bucketNameIn,
};

function putOwnership({ aws, at }: Session, planned: Attributes): Promise<void> {
  const [rule = {}] = blocksOf(planned, "rule");
  return new S3(aws, at).putBucketOwnershipControls(
    textOf(planned, "bucket"),
    textOf(rule, "object_ownership"),
  );
}
