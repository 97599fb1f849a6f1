import { isAwsError } from "../../aws/aws-error";
import { isS3NotFound, S3 } from "../../aws/s3";
import { choiceProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import type { ResourceType, Session } from "../resource-type";
import { type Attributes, blocksOf, textOf } from "../values";
import { bucketNameIn, findBucket, identifySetting, listBuckets, settingId } from "./s3-bucket";

const BLOCK = "versioning_configuration";

/**
 * Whether a bucket keeps versions of its objects. Deleting the resource suspends them. That they
 * cannot be disabled again is told in the apply, the real provider says so in the plan.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_versioning
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/s3/bucket_versioning.go
 */
export const s3BucketVersioning: ResourceType = {
  bindings: "s3-bucket-versioning",
  title: "S3 Bucket Versioning",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/s3_bucket_versioning",
  replacing: ["bucket", "expected_bucket_owner"],
  defaults: {},
  problems: (config) => [
    ...blocksOf(config, BLOCK).flatMap((block) => [
      ...choiceProblems(block, "status", ["Enabled", "Suspended", "Disabled"]),
      ...(textOf(block, "mfa_delete") === ""
        ? []
        : ["the sandbox has no MFA devices: leave mfa_delete out"]),
    ]),
  ],

  async create(session, planned, keep) {
    const bucket = textOf(planned, "bucket");
    await doing(`creating S3 Bucket (${bucket}) Versioning`, () => putVersioning(session, planned));
    keep({ id: settingId(planned) });
  },

  async read(session, state) {
    const { bucket, ...identity } = identifySetting(textOf(state, "id"));
    const found = await findBucket(session, String(bucket));
    return (
      found && {
        ...identity,
        bucket: found.name,
        [BLOCK]: [{ mfa_delete: null, status: found.versioning }],
      }
    );
  },

  async update(session, prior, planned) {
    const [was, becomes] = [statusOf(prior), statusOf(planned)];
    if (becomes === "Disabled" && was !== "Disabled") {
      throw new Error(
        `versioning_configuration.status cannot be updated from '${was}' to '${becomes}'`,
      );
    }
    await putVersioning(session, planned);
  },

  async delete({ aws, at }, state) {
    if (statusOf(state) === "Disabled") {
      return;
    }
    await unlessGone(
      (error) => isS3NotFound(error) || isAwsError(error, "InvalidBucketState"),
      () => new S3(aws, at).putBucketVersioning(textOf(state, "bucket"), "Suspended"),
    );
  },

  identify: identifySetting,
  list: (store, { region }) =>
    listBuckets(store, region, ({ versioning }) => versioning === "Enabled"),
  nameIn: bucketNameIn,
};

function statusOf(attributes: Attributes): string {
  const [block = {}] = blocksOf(attributes, BLOCK);
  return textOf(block, "status");
}

async function putVersioning({ aws, at }: Session, planned: Attributes): Promise<void> {
  const status = statusOf(planned);
  if (status !== "Disabled") {
    await new S3(aws, at).putBucketVersioning(
      textOf(planned, "bucket"),
      status === "Enabled" ? status : "Suspended",
    );
  }
}
