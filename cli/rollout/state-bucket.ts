/** The bucket of states as Keyspan itself reads it: states, locks, saved plans. */
import type { S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";
import type { StateConfig } from "../../config/account-config";
import { showValue, ValidationError } from "../../modules/errors";
import {
  ACCOUNT_LOCK_NAME,
  SAVED_PLANS_PREFIX,
  STATE_LOCK_SUFFIX,
} from "../../modules/iam/state-role-policy";
import { stackIdOf, stateObjectKey } from "../../modules/names";
import type { AwsAccess } from "../aws-access";
import { sha256 } from "./sha256";

/** A resource in a state. */
export interface StateResource {
  readonly type: string;
  /** `<type>.<name>` */
  readonly address: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Whether its making failed half-way: Terraform would replace it. */
  readonly tainted: boolean;
}

/** A stack's state, as Terraform wrote it. */
export interface StackState {
  /** Which state it is: another one has another lineage. */
  readonly lineage: string;
  /** Counts what was written to it. */
  readonly serial: number;
  /** Of its bytes: a restored state may have the lineage and the serial of another. */
  readonly sha256: string;
  /** Of the Terraform that wrote it last. */
  readonly terraformVersion: string;
  /** Values of its outputs, by name. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly resources: readonly StateResource[];
  /** When it was written last. */
  readonly writtenAt: Date | undefined;
}

/**
 * A lock, in the form in which Terraform writes its own.
 *
 * @see https://github.com/hashicorp/terraform/blob/v1.11.4/internal/states/statemgr/locker.go
 */
export interface LockInfo {
  readonly ID: string;
  readonly Operation: string;
  readonly Who: string;
  /** Time, as RFC 3339 has it. */
  readonly Created: string;
  readonly Info?: string | undefined;
}

/** A lock that is in the bucket. */
export interface StoredLock extends LockInfo {
  /** Which object it is, as S3 names it: another lock under the same name has another. */
  readonly etag: string;
}

const lockSchema = z.object({
  ID: z.string(),
  Operation: z.string().default(""),
  Who: z.string().default(""),
  Created: z.string().default(""),
  Info: z.string().optional(),
});

const stateSchema = z.object({
  lineage: z.string(),
  serial: z.number(),
  terraform_version: z.string().default(""),
  outputs: z.record(z.string(), z.object({ value: z.unknown() })).default({}),
  resources: z
    .array(
      z.object({
        mode: z.string(),
        type: z.string(),
        name: z.string(),
        instances: z.array(
          z.object({
            status: z.string().optional(),
            attributes: z.record(z.string(), z.unknown()).default({}),
          }),
        ),
      }),
    )
    .default([]),
});

/** Props of a {@link StateBucket}. */
export interface StateBucketProps {
  readonly access: AwsAccess;
  readonly state: StateConfig;
  /** The account's workspace. */
  readonly workspace: string;
  /** Whether the role may write states, or only read them. */
  readonly role: "state-read" | "state-write";
}

/** What the bucket answered to one request. */
interface StoredObject {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly writtenAt: Date | undefined;
  readonly etag: string;
}

/** The objects of one account in its state bucket. */
export class StateBucket {
  private client: Promise<S3Client> | undefined;

  constructor(private readonly props: StateBucketProps) {}

  /** The state of a stack; `undefined` if the workspace does not exist there: it was never deployed. */
  async state(stackId: string): Promise<StackState | undefined> {
    const key = this.stateKey(stackId);
    const object = await this.get(key);
    if (object === undefined) {
      return undefined;
    }
    const parsed = stateSchema.safeParse(parseJson(object.text));
    if (!parsed.success) {
      throw new ValidationError(
        `s3://${this.props.state.bucket}/${key}: a state must be as Terraform wrote it, got ${showValue(object.text)}; restore an earlier version of the object`,
      );
    }
    const { lineage, serial, terraform_version, outputs, resources } = parsed.data;
    return {
      lineage,
      serial,
      sha256: sha256(object.bytes),
      terraformVersion: terraform_version,
      outputs: Object.fromEntries(
        Object.entries(outputs).map(([name, { value }]) => [name, value]),
      ),
      resources: resources
        .filter(({ mode }) => mode === "managed")
        .flatMap(({ type, name, instances }) =>
          instances.map(({ attributes, status }) => ({
            type,
            address: `${type}.${name}`,
            attributes,
            tainted: status === "tainted",
          })),
        ),
      writtenAt: object.writtenAt,
    };
  }

  /** Ids of all stacks that the account has a state of, those that it no longer defines among them. */
  async stackIds(): Promise<readonly string[]> {
    const { paginateListObjectsV2 } = await import("@aws-sdk/client-s3");
    const client = await this.s3();
    const { bucket } = this.props.state;
    const keys: string[] = [];
    try {
      for await (const { Contents = [] } of paginateListObjectsV2(
        { client },
        { Bucket: bucket, Prefix: this.prefix },
      )) {
        keys.push(...Contents.flatMap(({ Key }) => Key ?? []));
      }
    } catch (error) {
      throw this.explained(error, `list s3://${bucket}/${this.prefix}`);
    }
    return keys.flatMap((key) => stackIdOf(key.slice(this.prefix.length)) ?? []);
  }

  /** The lock on a stack's state, if anybody holds it. */
  stateLock(stackId: string): Promise<StoredLock | undefined> {
    return this.lock(`${this.stateKey(stackId)}${STATE_LOCK_SUFFIX}`);
  }

  /** The lock on the whole account, if anybody holds it. */
  accountLock(): Promise<StoredLock | undefined> {
    return this.lock(this.accountLockKey);
  }

  /** Takes the account; says whether nobody had it. */
  takeAccountLock(lock: LockInfo): Promise<boolean> {
    return this.create(this.accountLockKey, JSON.stringify(lock));
  }

  /** Gives the account back, if it still is that lock which holds it; says whether it was. */
  async removeAccountLock({ etag }: Pick<StoredLock, "etag">): Promise<boolean> {
    const { DeleteObjectCommand } = await import("@aws-sdk/client-s3");
    const client = await this.s3();
    try {
      await client.send(
        new DeleteObjectCommand({
          Bucket: this.props.state.bucket,
          Key: this.accountLockKey,
          // Between a look and a delete somebody else may have taken it:
          // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
          IfMatch: etag,
        }),
      );
      return true;
    } catch (error) {
      if (
        ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"].some((name) =>
          hasName(error, name),
        )
      ) {
        return false;
      }
      throw this.explained(error, `delete s3://${this.props.state.bucket}/${this.accountLockKey}`);
    }
  }

  /** A file of a saved plan. */
  async plan(path: string): Promise<Uint8Array | undefined> {
    return (await this.get(`${SAVED_PLANS_PREFIX}${path}`))?.bytes;
  }

  /** Keeps a file of a saved plan; one that is there already is left as it is. */
  async keepPlan(path: string, content: Uint8Array): Promise<void> {
    await this.create(`${SAVED_PLANS_PREFIX}${path}`, content);
  }

  private get accountLockKey(): string {
    return `${this.prefix}${ACCOUNT_LOCK_NAME}`;
  }

  private get prefix(): string {
    return `${this.props.state.keyPrefix}/${this.props.workspace}/`;
  }

  private stateKey(stackId: string): string {
    return `${this.prefix}${stateObjectKey(stackId)}`;
  }

  private async lock(key: string): Promise<StoredLock | undefined> {
    const object = await this.get(key);
    if (object === undefined) {
      return undefined;
    }
    const parsed = lockSchema.safeParse(parseJson(object.text));
    const { etag } = object;
    return parsed.success
      ? { ...parsed.data, etag }
      : {
          etag,
          ID: `damaged-${sha256(object.text).slice(0, 16)}`,
          Operation: "unknown",
          Who: "unknown",
          Created: "",
          Info: object.text,
        };
  }

  private async get(key: string): Promise<StoredObject | undefined> {
    const { GetObjectCommand } = await import("@aws-sdk/client-s3");
    const client = await this.s3();
    try {
      const { Body, ETag, LastModified } = await client.send(
        new GetObjectCommand({ Bucket: this.props.state.bucket, Key: key }),
      );
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
      return {
        bytes,
        text: Buffer.from(bytes).toString("utf8"),
        writtenAt: LastModified,
        etag: ETag ?? "",
      };
    } catch (error) {
      if (hasName(error, "NoSuchKey")) {
        return undefined;
      }
      throw this.explained(error, `read s3://${this.props.state.bucket}/${key}`);
    }
  }

  /** Writes an object that must not be there yet; says whether it was not. */
  private async create(key: string, content: string | Uint8Array): Promise<boolean> {
    const { PutObjectCommand } = await import("@aws-sdk/client-s3");
    const client = await this.s3();
    try {
      await client.send(
        new PutObjectCommand({
          Bucket: this.props.state.bucket,
          Key: key,
          Body: content,
          // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
          IfNoneMatch: "*",
          ServerSideEncryption: "AES256",
        }),
      );
      return true;
    } catch (error) {
      if (hasName(error, "PreconditionFailed") || hasName(error, "ConditionalRequestConflict")) {
        return false;
      }
      throw this.explained(error, `write s3://${this.props.state.bucket}/${key}`);
    }
  }

  private s3(): Promise<S3Client> {
    this.client ??= (async () => {
      const { S3Client: Client } = await import("@aws-sdk/client-s3");
      const settings = this.props.access.clientSettings(
        this.props.role,
        "S3",
        this.props.state.region,
      );
      return new Client({ ...settings, forcePathStyle: settings.endpoint !== undefined });
    })();
    return this.client;
  }

  private explained(error: unknown, what: string): Error {
    const { name, message } = described(error);
    const role =
      this.props.role === "state-write" ? this.props.state.writeRole : this.props.state.readRole;
    return new ValidationError(
      `${what}: role ${role} must be able to, got ${name}: ${message}; check the first credentials (README: Credentials), the role, and that the bucket exists (npm run keyspan -- doctor ${this.props.workspace})`,
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function hasName(error: unknown, name: string): boolean {
  return described(error).name === name;
}

function described(error: unknown): { readonly name: string; readonly message: string } {
  const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown };
  return { name: String(name ?? "an error"), message: String(message ?? error) };
}
