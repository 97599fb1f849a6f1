/** AWS accounts in moto, as the doctor and Terraform find them before a first apply. */
import {
  CloudTrailClient,
  CreateTrailCommand,
  PutEventSelectorsCommand,
  StartLoggingCommand,
} from "@aws-sdk/client-cloudtrail";
import { CreateRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import type { Moto } from "./moto";

/** What an SDK client is made with. */
export interface MotoSettings {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

/** Region in which everything is unless a test says otherwise. */
export const HOME_REGION = "eu-west-1";

/** Settings of clients that act in an account. */
export async function settingsIn(
  { endpoint, env }: Moto,
  account: string,
  region = HOME_REGION,
): Promise<MotoSettings> {
  const first = {
    accessKeyId: env.AWS_ACCESS_KEY_ID ?? "",
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? "",
  };
  const sts = new STSClient({ endpoint, region, credentials: first });
  const { Credentials } = await sts.send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${account}:role/seed`,
      RoleSessionName: "seed",
    }),
  );
  return {
    endpoint,
    region,
    credentials: {
      accessKeyId: Credentials?.AccessKeyId ?? "",
      secretAccessKey: Credentials?.SecretAccessKey ?? "",
      sessionToken: Credentials?.SessionToken ?? "",
    },
  };
}

/** Makes roles that anybody may assume. */
export async function createRoles(
  settings: MotoSettings,
  names: readonly string[],
  path?: string,
): Promise<void> {
  const iam = new IAMClient(settings);
  for (const RoleName of names) {
    await iam.send(
      new CreateRoleCommand({
        RoleName,
        AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
        ...(path !== undefined && { Path: path }),
      }),
    );
  }
}

/** Makes a bucket, with versioning unless a test wants it off. */
export async function createBucket(
  settings: MotoSettings,
  name: string,
  keepsVersions = true,
): Promise<S3Client> {
  const s3 = new S3Client({ ...settings, forcePathStyle: true });
  await s3.send(
    new CreateBucketCommand({
      Bucket: name,
      CreateBucketConfiguration: { LocationConstraint: "eu-west-1" },
    }),
  );
  if (keepsVersions) {
    await s3.send(
      new PutBucketVersioningCommand({
        Bucket: name,
        VersioningConfiguration: { Status: "Enabled" },
      }),
    );
  }
  return s3;
}

/** Makes a trail with a bucket of its own. */
export async function createTrail(
  settings: MotoSettings,
  { name, isMultiRegion, isLogging }: TrailProps,
): Promise<void> {
  await createBucket(settings, `${name}-logs`);
  const cloudTrail = new CloudTrailClient(settings);
  await cloudTrail.send(
    new CreateTrailCommand({
      Name: name,
      S3BucketName: `${name}-logs`,
      IsMultiRegionTrail: isMultiRegion,
    }),
  );
  // AWS answers so for a trail that never got selectors; moto answers with none.
  await cloudTrail.send(
    new PutEventSelectorsCommand({
      TrailName: name,
      EventSelectors: [{ ReadWriteType: "All", IncludeManagementEvents: true }],
    }),
  );
  if (isLogging) {
    await cloudTrail.send(new StartLoggingCommand({ Name: name }));
  }
}

/** Props of {@link createTrail}. */
export interface TrailProps {
  readonly name: string;
  readonly isMultiRegion: boolean;
  readonly isLogging: boolean;
}
