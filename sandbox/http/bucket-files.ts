/** Objects of S3 as files that a person can read. */
import { createHash } from "node:crypto";
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { HttpError } from "./http-error";

/** An object of a bucket. */
export interface StoredObject {
  readonly content: Buffer;
  /** MD5 of the content, in quotes. */
  readonly etag: string;
  readonly lastModified: Date;
}

/** What must be true for an object to be written or deleted, as the headers say it. */
export interface WriteConditions {
  /** `*`: there is no such object. */
  readonly ifNoneMatch?: string | undefined;
  /** The object's ETag; `*`: any. */
  readonly ifMatch?: string | undefined;
}

/** Folder of the sandbox in which the buckets are. */
export const BUCKETS_DIRECTORY = "s3";

/** Where files are written before they get their names. No bucket's name begins with a dot. */
const WRITING_DIRECTORY = ".writing";

let written = 0;

/**
 * Buckets as folders: `<bucket>/<key>`.
 *
 * A reader sees an object as a whole or not at all, also from another process. `If-None-Match` is
 * decided by the file system, for all processes; `If-Match` only among the requests of one.
 */
export class BucketFiles {
  /** @param directory - folder of the buckets; made when something is written */
  constructor(private readonly directory: string) {}

  /** The object of that key, or `undefined`. @throws {HttpError} for a key that cannot be a file's */
  get(bucket: string, key: string): StoredObject | undefined {
    const file = this.fileOf(bucket, key);
    try {
      const content = readFileSync(file);
      return { content, etag: etagOf(content), lastModified: statSync(file).mtime };
    } catch (error) {
      if (isMissing(error)) {
        return undefined;
      }
      throw error;
    }
  }

  /**
   * Writes an object.
   *
   * @returns its ETag
   * @throws {HttpError} `PreconditionFailed` or `NoSuchKey` if a condition is not met
   * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
   */
  put(bucket: string, key: string, content: Buffer, conditions: WriteConditions = {}): string {
    const { ifNoneMatch, ifMatch } = conditions;
    const file = this.fileOf(bucket, key);
    if (ifMatch !== undefined) {
      this.refuseMismatch(bucket, key, ifMatch, noSuchKey(key));
    }
    const writing = join(this.directory, WRITING_DIRECTORY);
    written += 1;
    const temporary = join(writing, `${process.pid}-${written}`);
    mkdirSync(writing, { recursive: true });
    writeFileSync(temporary, content);
    try {
      mkdirSync(dirname(file), { recursive: true });
      if (ifNoneMatch === undefined) {
        renameSync(temporary, file);
      } else {
        // Unlike a rename, it fails if the file exists.
        linkSync(temporary, file);
        rmSync(temporary);
      }
    } catch (error) {
      rmSync(temporary, { force: true });
      throw this.refusalOf(error, bucket, key) ?? error;
    }
    return etagOf(content);
  }

  /**
   * Removes an object. One that is not there is no error, unless a condition was given.
   *
   * @throws {HttpError} `PreconditionFailed` or `NoSuchKey` if the condition is not met
   * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
   */
  remove(bucket: string, key: string, { ifMatch }: Pick<WriteConditions, "ifMatch"> = {}): void {
    if (ifMatch !== undefined) {
      this.refuseMismatch(
        bucket,
        key,
        ifMatch,
        ifMatch === "*" ? preconditionFailed("If-Match") : noSuchKey(key),
      );
    }
    try {
      rmSync(this.fileOf(bucket, key));
    } catch (error) {
      if (!isMissing(error)) {
        throw error;
      }
    }
  }

  /** Keys of the objects of a bucket that begin with a prefix, in the order of their bytes. */
  keys(bucket: string, prefix: string): readonly string[] {
    const top = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    const directory =
      top === "" ? join(this.directory, bucket) : this.fileOf(bucket, top.slice(0, -1));
    return namesIn(directory)
      .map((name) => `${top}${name}`)
      .filter((key) => key.startsWith(prefix))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  private refuseMismatch(bucket: string, key: string, ifMatch: string, absent: HttpError): void {
    const object = this.get(bucket, key);
    if (object === undefined) {
      throw absent;
    }
    if (ifMatch !== "*" && unquoted(ifMatch) !== unquoted(object.etag)) {
      throw preconditionFailed("If-Match");
    }
  }

  private refusalOf(error: unknown, bucket: string, key: string): HttpError | undefined {
    if (codeOf(error) === "EEXIST" && this.get(bucket, key) !== undefined) {
      return preconditionFailed("If-None-Match");
    }
    return ["EEXIST", "ENOTDIR", "EISDIR", "ENOTEMPTY"].includes(codeOf(error))
      ? new HttpError(
          501,
          "NotImplemented",
          `The sandbox keeps objects as files: ${key} cannot be an object while another's key has it as a folder, or it another's.`,
        )
      : undefined;
  }

  private fileOf(bucket: string, key: string): string {
    const segments = key.split("/");
    if (segments.some((segment) => ["", ".", ".."].includes(segment) || segment.includes("\0"))) {
      throw new HttpError(
        501,
        "NotImplemented",
        `The sandbox keeps objects as files: no part of the key may be empty, . or .., got ${key}`,
      );
    }
    return join(this.directory, bucket, ...segments);
  }
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export function noSuchKey(key: string): HttpError {
  return new HttpError(404, "NoSuchKey", `The specified key does not exist: ${key}`);
}

function preconditionFailed(condition: string): HttpError {
  return new HttpError(
    412,
    "PreconditionFailed",
    `At least one of the pre-conditions you specified did not hold: ${condition}`,
  );
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
  } catch (error) {
    if (isMissing(error)) {
      return [];
    }
    throw error;
  }
}

function etagOf(content: Buffer): string {
  return `"${createHash("md5").update(content).digest("hex")}"`;
}

function unquoted(etag: string): string {
  return etag.replaceAll('"', "");
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "EISDIR"].includes(codeOf(error));
}
