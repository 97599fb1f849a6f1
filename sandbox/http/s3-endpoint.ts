/** S3 over HTTP. */
import { arn, parseArn } from "../../modules/partition";
import { type AwsRequest, textOf } from "./aws-request";
import { type BucketFiles, noSuchKey, type StoredObject } from "./bucket-files";
import type { EndpointAccount } from "./endpoint-options";
import type { HttpAnswer } from "./http-answer";
import { HttpError } from "./http-error";
import { mayAccess, type S3Access } from "./state-access";
import { xmlDocument } from "./xml";

const MAX_KEYS = 1000;

/** Parameters of each operation that may stand in a query; others would ask for something else. */
const QUERY_OF: Readonly<Record<string, readonly string[]>> = {
  HeadBucket: [],
  GetBucketVersioning: ["versioning"],
  ListObjectsV2: [
    "list-type",
    "prefix",
    "delimiter",
    "max-keys",
    "start-after",
    "continuation-token",
    "fetch-owner",
  ],
  GetObject: [],
  HeadObject: [],
  PutObject: [],
  DeleteObject: [],
};

/** Headers that would make another operation, or another answer, of a request. */
const UNKNOWN_HEADERS = ["x-amz-copy-source", "if-modified-since", "if-unmodified-since"];

/** The operation that a request asks for, or `undefined` if it is none that is known. */
export function s3OperationOf({ method, path, query }: AwsRequest): string | undefined {
  const { bucket, key } = placeOf(path);
  if (bucket === "") {
    return undefined;
  }
  if (key === undefined) {
    return method === "HEAD"
      ? "HeadBucket"
      : method !== "GET"
        ? undefined
        : query.get("list-type") === "2"
          ? "ListObjectsV2"
          : query.has("versioning")
            ? "GetBucketVersioning"
            : undefined;
  }
  return { GET: "GetObject", HEAD: "HeadObject", PUT: "PutObject", DELETE: "DeleteObject" }[method];
}

/** Bucket and key of a request's path, in path style. */
export function placeOf(path: string): { readonly bucket: string; readonly key?: string } {
  const [, bucket = "", key = ""] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? [];
  return {
    bucket: decodeURIComponent(bucket),
    ...(key !== "" && { key: decodeURIComponent(key) }),
  };
}

/**
 * The buckets of the accounts' states, in path style.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 */
export class S3Endpoint {
  constructor(
    private readonly files: BucketFiles,
    private readonly accounts: readonly EndpointAccount[],
  ) {}

  /** @throws {HttpError} if S3 would refuse it, and `NotImplemented` for what is not simulated */
  answer(request: AwsRequest): HttpAnswer {
    const operation = s3OperationOf(request);
    const surplus = [...request.query.keys()].filter(
      // The JavaScript SDK names the operation there.
      (name) => name !== "x-id" && QUERY_OF[operation ?? ""]?.includes(name) !== true,
    );
    const headers = UNKNOWN_HEADERS.filter((name) => request.headers[name] !== undefined);
    if (operation === undefined || surplus.length + headers.length > 0) {
      throw new HttpError(
        501,
        "NotImplemented",
        `The sandbox does not know ${[request.method, request.path, ...surplus, ...headers].join(" ")}`,
      );
    }
    const { bucket, key = "" } = placeOf(request.path);
    if (!this.accounts.some(({ state }) => state.bucket === bucket)) {
      throw new HttpError(404, "NoSuchBucket", `The specified bucket does not exist: ${bucket}`);
    }
    const conditions = {
      ifNoneMatch: textOf(request.headers["if-none-match"]),
      ifMatch: textOf(request.headers["if-match"]),
    };
    const access = (action: S3Access["action"], onlyNew = false) =>
      this.authorize(request, { action, bucket, key, onlyNew });
    switch (operation) {
      case "HeadBucket":
        this.authorize(request, { action: "s3:ListBucket", bucket });
        return { status: 200, headers: {} };
      case "GetBucketVersioning":
        this.authorize(request, { action: "s3:GetBucketVersioning", bucket });
        // Nobody can read a version here, but a state bucket has them.
        return {
          status: 200,
          headers: { "content-type": "application/xml" },
          body: xmlDocument("VersioningConfiguration", { Status: "Enabled" }),
        };
      case "ListObjectsV2":
        this.authorize(request, { action: "s3:ListBucket", bucket });
        return this.list(bucket, request.query);
      case "GetObject":
      case "HeadObject": {
        access("s3:GetObject");
        const object = this.files.get(bucket, key);
        if (object === undefined) {
          throw noSuchKey(key);
        }
        return operation === "HeadObject"
          ? { status: 200, headers: headersOf(object) }
          : contentOf(object, request.headers.range);
      }
      case "PutObject": {
        if (conditions.ifNoneMatch !== undefined && conditions.ifNoneMatch !== "*") {
          throw new HttpError(501, "NotImplemented", "If-None-Match must be * in a PutObject");
        }
        access("s3:PutObject", conditions.ifNoneMatch !== undefined);
        const etag = this.files.put(bucket, key, request.body, conditions);
        return { status: 200, headers: { etag, ...ENCRYPTED } };
      }
      default:
        access("s3:DeleteObject");
        this.files.remove(bucket, key, conditions);
        return { status: 204, headers: {} };
    }
  }

  private authorize({ session }: AwsRequest, access: S3Access): void {
    if (!mayAccess(this.accounts, session?.roleArn, access)) {
      const { bucket, key } = access;
      const partition = parseArn(session?.roleArn ?? "")?.partition;
      const resource = key === undefined ? bucket : `${bucket}/${key}`;
      throw new HttpError(
        403,
        "AccessDenied",
        `${session?.roleArn ?? "Whoever has no role"} is not authorized to perform: ${access.action} on resource: "${partition === undefined ? resource : arn({ partition, service: "s3", resource })}" because no identity-based policy allows the ${access.action} action`,
      );
    }
  }

  /** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
  private list(bucket: string, query: URLSearchParams): HttpAnswer {
    const prefix = query.get("prefix") ?? "";
    const delimiter = query.get("delimiter") ?? "";
    const token = query.get("continuation-token");
    const after =
      token === null
        ? (query.get("start-after") ?? "")
        : Buffer.from(token, "base64url").toString("utf8");
    const maxKeys = Math.min(Number(query.get("max-keys") ?? MAX_KEYS), MAX_KEYS);
    const entries = new Map<string, "key" | "prefix">();
    for (const key of this.files.keys(bucket, prefix)) {
      const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
      const entry = end < 0 ? key : key.slice(0, end + delimiter.length);
      if (Buffer.compare(Buffer.from(entry), Buffer.from(after)) > 0) {
        entries.set(entry, end < 0 ? "key" : "prefix");
      }
    }
    const page = [...entries].slice(0, maxKeys);
    const isTruncated = entries.size > page.length;
    return {
      status: 200,
      headers: { "content-type": "application/xml" },
      body: xmlDocument("ListBucketResult", {
        Name: bucket,
        Prefix: prefix,
        ...(delimiter !== "" && { Delimiter: delimiter }),
        MaxKeys: maxKeys,
        KeyCount: page.length,
        IsTruncated: isTruncated,
        ...(isTruncated && {
          NextContinuationToken: Buffer.from(page.at(-1)?.[0] ?? "").toString("base64url"),
        }),
        Contents: page.flatMap(([key, kind]) => {
          const object = kind === "key" ? this.files.get(bucket, key) : undefined;
          return object === undefined
            ? []
            : {
                Key: key,
                LastModified: object.lastModified.toISOString(),
                ETag: object.etag,
                Size: object.content.length,
                StorageClass: "STANDARD",
              };
        }),
        CommonPrefixes: page.flatMap(([entry, kind]) =>
          kind === "prefix" ? { Prefix: entry } : [],
        ),
      }),
    };
  }
}

// Every bucket encrypts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
const ENCRYPTED = { "x-amz-server-side-encryption": "AES256" };

/**
 * The content of an object, or the range of it that was asked for: Terraform reads states in parts.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
function contentOf(object: StoredObject, range: string | undefined): HttpAnswer {
  const { content } = object;
  if (range === undefined) {
    return { status: 200, headers: headersOf(object), body: content };
  }
  const [, first = "", last = ""] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
  const start = Number(first);
  if (first === "" || start >= content.length) {
    throw new HttpError(416, "InvalidRange", `The requested range is not satisfiable: ${range}`);
  }
  const body = content.subarray(start, last === "" ? content.length : Number(last) + 1);
  return {
    status: 206,
    headers: {
      ...headersOf(object),
      "content-length": String(body.length),
      "content-range": `bytes ${start}-${start + body.length - 1}/${content.length}`,
    },
    body,
  };
}

function headersOf({ content, etag, lastModified }: StoredObject): HttpAnswer["headers"] {
  return {
    etag,
    "last-modified": lastModified.toUTCString(),
    "content-length": String(content.length),
    "content-type": "binary/octet-stream",
    ...ENCRYPTED,
  };
}
