/** The account that owns the state bucket, as its administrator sees it. */
import type { IAMClient } from "@aws-sdk/client-iam";
import type { S3Client } from "@aws-sdk/client-s3";
import type { fromIni } from "@aws-sdk/credential-providers";
import * as z from "zod";
import type { AccountConfig } from "../../config/account-config";
import { showValue, ValidationError } from "../../modules/errors";
import { STATE_LOCK_SUFFIX } from "../../modules/iam/state-role-policy";
import { IAM_REGIONS, parseArn } from "../../modules/partition";
import { STATE_ROLE_TAG } from "../../modules/s3/state-bucket";
import { BOOTSTRAP_STATE_KEY } from "../../modules/s3/state-keys";
import { type NamedObject, STATE_STACK_ID } from "../../stacks/state-stack";
import { REQUEST_LIMITS } from "../aws-access";
import { CREDENTIAL_SOURCES, type CredentialOrigin } from "../aws-config-file";

type Credentials = Awaited<ReturnType<ReturnType<typeof fromIni>>>;
type Environment = Readonly<Record<string, string | undefined>>;

/** Which version of the stack's state is somewhere. */
export interface StateVersion {
  /** Which state it is: another one has another lineage. */
  readonly lineage: string;
  /** Counts what was written to it. */
  readonly serial: number;
}

/** Somebody's lock on the stack's state. */
export interface StateLock {
  readonly id: string;
  readonly operation: string;
  readonly who: string;
  /** Time, as RFC 3339 has it. */
  readonly created: string;
}

const versionSchema = z.object({ lineage: z.string(), serial: z.number() });
const lockSchema = z.object({
  ID: z.string(),
  Operation: z.string().default(""),
  Who: z.string().default(""),
  Created: z.string().default(""),
});

/** Reads lineage and serial out of a state's text; `undefined` if it is no state. */
export function versionOf(text: string): StateVersion | undefined {
  try {
    return versionSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * Credentials of whoever runs the command, which are used as they are: none of Keyspan's roles is
 * there yet.
 *
 * @throws {ValidationError} if there are none
 */
export async function administratorCredentials(
  origin: CredentialOrigin,
  env: Environment,
): Promise<Credentials> {
  if (
    !("sourceProfile" in origin) &&
    origin.credentialSource === "Environment" &&
    !(env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY)
  ) {
    throw new ValidationError(
      `AWS credentials must be in the environment, got no AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY; set both, or add --source-profile ${env.AWS_PROFILE || "<name>"} or --credential-source ${CREDENTIAL_SOURCES.slice(1).join("|")}`,
    );
  }
  // Loaded when it is needed: it costs as much time as starting Node.
  const providers = await import("@aws-sdk/credential-providers");
  try {
    if ("sourceProfile" in origin) {
      return await providers.fromIni({
        profile: origin.sourceProfile,
        clientConfig: { requestHandler: REQUEST_LIMITS },
        ...(env.AWS_CONFIG_FILE && { configFilepath: env.AWS_CONFIG_FILE }),
        ...(env.AWS_SHARED_CREDENTIALS_FILE && { filepath: env.AWS_SHARED_CREDENTIALS_FILE }),
      })();
    }
    switch (origin.credentialSource) {
      case "Environment":
        return {
          accessKeyId: env.AWS_ACCESS_KEY_ID ?? "",
          secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? "",
          ...(env.AWS_SESSION_TOKEN && { sessionToken: env.AWS_SESSION_TOKEN }),
        };
      case "Ec2InstanceMetadata":
        return await providers.fromInstanceMetadata()();
      case "EcsContainer":
        return await providers.fromContainerMetadata()();
    }
  } catch (error) {
    throw new ValidationError(
      `credentials must be there, got ${described(error).message}; sign in, or name others by --source-profile or --credential-source`,
    );
  }
}

/** Credentials as the programs of AWS read them from the environment. */
export function credentialVariables({
  accessKeyId,
  secretAccessKey,
  sessionToken,
}: Credentials): NodeJS.ProcessEnv {
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  };
}

/** Props of a {@link StateOwner}. */
export interface StateOwnerProps {
  /** One of the accounts whose states are in the bucket. */
  readonly account: Pick<AccountConfig, "partition" | "state">;
  readonly credentials: Credentials;
  /** Environment of the command: endpoints, if they are not AWS's own. */
  readonly env: Environment;
}

/** What is already in the account that owns the bucket. */
export class StateOwner {
  private s3Client: Promise<S3Client> | undefined;
  private iamClient: Promise<IAMClient> | undefined;
  /** The lock as it was last looked at. */
  private seenLock: { readonly id: string; readonly etag: string } | undefined;

  constructor(private readonly props: StateOwnerProps) {}

  /** @throws {ValidationError} unless the credentials are of the account that is to own the bucket */
  async checkCaller(): Promise<void> {
    const { account } = this.props;
    const { STSClient, GetCallerIdentityCommand } = await import("@aws-sdk/client-sts");
    const client = new STSClient(this.settings("STS", account.state.region));
    const { Account: id, Arn: caller = "" } = await this.explained(
      "ask who is calling",
      client.send(new GetCallerIdentityCommand({})),
    );
    if (id !== account.state.account || parseArn(caller)?.partition !== account.partition) {
      throw new ValidationError(
        `credentials must be of account ${account.state.account} of partition ${account.partition}, which is to own bucket ${account.state.bucket}, got ${caller}; use an administrator's of that account, or correct state.account`,
      );
    }
  }

  /**
   * Whether the bucket exists.
   *
   * @throws {ValidationError} if it does, in another region or account
   */
  async hasBucket(): Promise<boolean> {
    const { bucket, account, region } = this.props.account.state;
    const { HeadBucketCommand } = await import("@aws-sdk/client-s3");
    const client = await this.s3();
    try {
      await client.send(new HeadBucketCommand({ Bucket: bucket, ExpectedBucketOwner: account }));
      return true;
    } catch (error) {
      const { status } = described(error);
      if (status === 404) {
        return false;
      }
      if (status === 403) {
        throw new ValidationError(
          `bucket ${bucket}: it must belong to account ${account} and be open to you, got an answer 403; names of buckets are unique in all of AWS: if it is somebody else's, set state.bucket to another name`,
        );
      }
      if (status === 301 || status === 400) {
        throw new ValidationError(
          `bucket ${bucket}: it must be in region ${region}, got an answer ${status} there; correct state.region, or set state.bucket to another name`,
        );
      }
      throw refusal(`look for bucket ${bucket}`, error);
    }
  }

  /** The version of the stack's state in the bucket; `undefined` if it is not there. */
  async state(): Promise<StateVersion | undefined> {
    const object = await this.read(BOOTSTRAP_STATE_KEY);
    if (object === undefined) {
      return undefined;
    }
    const { text } = object;
    const version = versionOf(text);
    if (version === undefined) {
      throw new ValidationError(
        `s3://${this.props.account.state.bucket}/${BOOTSTRAP_STATE_KEY}: it must be a state as Terraform wrote it, got ${showValue(text)}; restore an earlier version of the object`,
      );
    }
    return version;
  }

  /** Writes the stack's state into the bucket, unless one is there already. */
  async createState(text: string): Promise<void> {
    const { bucket } = this.props.account.state;
    const { PutObjectCommand } = await import("@aws-sdk/client-s3");
    const client = await this.s3();
    try {
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: BOOTSTRAP_STATE_KEY,
          Body: text,
          ContentType: "application/json",
          ServerSideEncryption: "AES256",
          // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
          IfNoneMatch: "*",
        }),
      );
    } catch (error) {
      if (!["PreconditionFailed", "ConditionalRequestConflict"].includes(described(error).name)) {
        throw refusal(`write s3://${bucket}/${BOOTSTRAP_STATE_KEY}`, error);
      }
    }
  }

  /** The lock on the stack's state, if anybody has it. */
  async lock(): Promise<StateLock | undefined> {
    const object = await this.read(LOCK_KEY);
    const lock = object === undefined ? undefined : lockOf(object.text);
    this.seenLock = object && lock && { id: lock.id, etag: object.etag };
    return lock;
  }

  /**
   * Removes the lock that {@link lock} has found.
   *
   * @throws {ValidationError} if it was given back since; another one may be there instead
   */
  async removeLock(): Promise<void> {
    const { seenLock: seen } = this;
    if (seen === undefined) {
      throw new Error("a lock must have been looked at before it is removed");
    }
    const { DeleteObjectCommand } = await import("@aws-sdk/client-s3");
    const { bucket } = this.props.account.state;
    const client = await this.s3();
    try {
      await client.send(
        new DeleteObjectCommand({
          Bucket: bucket,
          Key: LOCK_KEY,
          // Between a look and a delete somebody else may have taken it:
          // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
          IfMatch: seen.etag,
        }),
      );
    } catch (error) {
      const { name } = described(error);
      if (["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"].includes(name)) {
        throw new ValidationError(
          `--unlock must be the id of the lock on the state of bucket ${bucket}, got ${seen.id}, which was given back just now; run the command again`,
        );
      }
      throw refusal(`delete s3://${bucket}/${LOCK_KEY}`, error);
    }
  }

  /**
   * Those of the stack's objects that AWS has already, and whether each has the tags with which an
   * earlier run made it.
   *
   * @param hasBucket - whether the bucket exists
   */
  async existing(
    objects: readonly NamedObject[],
    hasBucket: boolean,
  ): Promise<readonly { readonly object: NamedObject; readonly isOwn: boolean }[]> {
    const roles = objects.some(({ kind }) => kind === "role")
      ? await this.roleNames()
      : new Set<string>();
    const found = objects.filter(({ kind, name }) =>
      kind === "bucket" ? hasBucket : roles.has(name.toLowerCase()),
    );
    const answers = [];
    for (const object of found) {
      const isOwn =
        object.kind === "bucket"
          ? (await this.bucketTags()).some(isTag("keyspan:stack", STATE_STACK_ID))
          : (await this.roleTags(object.name)).some(
              isTag(STATE_ROLE_TAG, this.props.account.state.bucket),
            );
      answers.push({ object, isOwn });
    }
    return answers;
  }

  private async bucketTags(): Promise<readonly Tag[]> {
    const { bucket } = this.props.account.state;
    const { GetBucketTaggingCommand } = await import("@aws-sdk/client-s3");
    const client = await this.s3();
    try {
      const { TagSet = [] } = await client.send(new GetBucketTaggingCommand({ Bucket: bucket }));
      return TagSet;
    } catch (error) {
      if (described(error).name === "NoSuchTagSet") {
        return [];
      }
      throw refusal(`read the tags of bucket ${bucket}`, error);
    }
  }

  private async roleNames(): Promise<ReadonlySet<string>> {
    const { paginateListRoles } = await import("@aws-sdk/client-iam");
    const client = await this.iam();
    const names = new Set<string>();
    try {
      for await (const { Roles = [] } of paginateListRoles({ client, pageSize: 1000 }, {})) {
        for (const { RoleName = "" } of Roles) {
          names.add(RoleName.toLowerCase());
        }
      }
    } catch (error) {
      throw refusal("list the roles", error);
    }
    return names;
  }

  private async roleTags(name: string): Promise<readonly Tag[]> {
    const { GetRoleCommand } = await import("@aws-sdk/client-iam");
    const client = await this.iam();
    const { Role } = await this.explained(
      `read role ${name}`,
      client.send(new GetRoleCommand({ RoleName: name })),
    );
    return Role?.Tags ?? [];
  }

  private async read(
    key: string,
  ): Promise<{ readonly text: string; readonly etag: string } | undefined> {
    const { bucket } = this.props.account.state;
    const { GetObjectCommand } = await import("@aws-sdk/client-s3");
    const client = await this.s3();
    try {
      const { Body, ETag } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return { text: (await Body?.transformToString()) ?? "", etag: ETag ?? "" };
    } catch (error) {
      if (described(error).name === "NoSuchKey") {
        return undefined;
      }
      throw refusal(`read s3://${bucket}/${key}`, error);
    }
  }

  private s3(): Promise<S3Client> {
    this.s3Client ??= import("@aws-sdk/client-s3").then(({ S3Client: Client }) => {
      const settings = this.settings("S3", this.props.account.state.region);
      return new Client({ ...settings, forcePathStyle: settings.endpoint !== undefined });
    });
    return this.s3Client;
  }

  private iam(): Promise<IAMClient> {
    this.iamClient ??= import("@aws-sdk/client-iam").then(
      ({ IAMClient: Client }) =>
        new Client(this.settings("IAM", IAM_REGIONS[this.props.account.partition])),
    );
    return this.iamClient;
  }

  private settings(service: string, region: string) {
    const { credentials, env } = this.props;
    const endpoint = env[`AWS_ENDPOINT_URL_${service}`] || env.AWS_ENDPOINT_URL || undefined;
    return {
      region,
      credentials,
      maxAttempts: 4,
      requestHandler: REQUEST_LIMITS,
      ...(endpoint !== undefined && { endpoint }),
    };
  }

  private async explained<T>(what: string, asking: Promise<T>): Promise<T> {
    try {
      return await asking;
    } catch (error) {
      throw refusal(what, error);
    }
  }
}

/** Terraform's own lock beside the state. */
const LOCK_KEY = `${BOOTSTRAP_STATE_KEY}${STATE_LOCK_SUFFIX}`;

function lockOf(text: string): StateLock {
  try {
    const {
      ID: id,
      Operation: operation,
      Who: who,
      Created: created,
    } = lockSchema.parse(JSON.parse(text));
    return { id, operation, who, created };
  } catch {
    return { id: "unreadable", operation: "unknown", who: "unknown", created: "" };
  }
}

interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

function isTag(key: string, value: string): (tag: Tag) => boolean {
  return ({ Key, Value }) => Key === key && Value === value;
}

function refusal(what: string, error: unknown): ValidationError {
  const { name, message } = described(error);
  return new ValidationError(
    `the credentials must be able to ${what}, got ${name}: ${message}; use an administrator's of the account that owns the bucket`,
  );
}

function described(error: unknown): {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
} {
  const { name, message, $metadata } = (error ?? {}) as {
    name?: unknown;
    message?: unknown;
    $metadata?: { httpStatusCode?: number };
  };
  return {
    name: String(name ?? "an error"),
    message: String(message ?? error),
    status: $metadata?.httpStatusCode,
  };
}
