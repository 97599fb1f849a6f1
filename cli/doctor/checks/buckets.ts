import { CallFailure } from "../aws-calls";
import type { Check, Examination } from "../examination";
import { free, taken, toBeCreated } from "./names";

/**
 * Whether the names of Keyspan's own buckets are free. They are unique over all accounts of a
 * partition.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
 */
export function bucketChecks(examination: Examination): readonly Check[] {
  const { calls } = examination;
  return toBeCreated(examination, "aws_s3_bucket").map(
    (bucket): Check => ({
      subject: "names",
      region: bucket.region,
      looksAt: `bucket ${bucket.name} (or it is another account's)`,
      run: async () => {
        const { HeadBucketCommand, S3Client } = await import("@aws-sdk/client-s3");
        const settings = calls.settings("plan", "S3", bucket.region);
        const client = new S3Client({
          ...settings,
          forcePathStyle: settings.endpoint !== undefined,
        });
        try {
          await calls.call("s3:ListBucket", "plan", (options) =>
            client.send(new HeadBucketCommand({ Bucket: bucket.name }), options),
          );
        } catch (error) {
          if (!(error instanceof CallFailure)) {
            throw error;
          }
          if (error.status === 404) {
            return free(examination, [bucket], "buckets", bucket.region);
          }
          if (error.status !== 301) {
            throw error;
          }
        }
        return [taken(examination, bucket, bucket.name ?? "")];
      },
    }),
  );
}
