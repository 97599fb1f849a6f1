/** Requests as AWS's SDKs send them. */
import { createHash } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { crc32 } from "node:zlib";
import { HttpError } from "./http-error";
import { type Session, sessionOf } from "./sessions";

/** A request, read to its end. */
export interface AwsRequest {
  readonly method: string;
  /** Path as it was sent: encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** What the client meant to send, without the framing of its transfer. */
  readonly body: Buffer;
  /** Service and region that the request was signed for; empty if it was not signed. */
  readonly service: string;
  readonly region: string;
  /** Whose credentials it was signed with; `undefined` for first credentials, and for none. */
  readonly session: Session | undefined;
}

/**
 * Reads a request. Signatures are not checked.
 *
 * @throws {HttpError} `BadDigest` if the body is not what its checksum says
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html
 */
export async function readRequest(message: IncomingMessage): Promise<AwsRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) {
    chunks.push(chunk as Buffer);
  }
  const { headers, method = "GET", url = "/" } = message;
  const { body, trailers } = unframed(headers, Buffer.concat(chunks));
  refuseDamaged({ ...headers, ...trailers }, body);
  const [path = "/", query = ""] = url.split("?", 2);
  const [, accessKeyId, region = "", service = ""] =
    /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//.exec(headers.authorization ?? "") ?? [];
  return {
    method,
    path,
    query: new URLSearchParams(query),
    headers,
    body,
    service,
    region,
    session: sessionOf(accessKeyId, textOf(headers["x-amz-security-token"])),
  };
}

/** The one value of a header. */
export function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : header?.[0];
}

type Trailers = Readonly<Record<string, string>>;

/**
 * Takes a body out of the chunks in which a client sends it when it learns the checksum last.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
function unframed(
  headers: IncomingHttpHeaders,
  sent: Buffer,
): { body: Buffer; trailers: Trailers } {
  if (!textOf(headers["x-amz-content-sha256"])?.startsWith("STREAMING-")) {
    return { body: sent, trailers: {} };
  }
  const parts: Buffer[] = [];
  let at = 0;
  const line = (): string => {
    const end = sent.indexOf("\r\n", at);
    if (end < 0) {
      throw new HttpError(400, "IncompleteBody", "The body ends in the middle of a chunk.");
    }
    const text = sent.toString("latin1", at, end);
    at = end + 2;
    return text;
  };
  for (;;) {
    const length = Number.parseInt(line(), 16);
    if (Number.isNaN(length)) {
      throw new HttpError(400, "InvalidRequest", "A chunk of the body has no length.");
    }
    if (length === 0) {
      break;
    }
    parts.push(sent.subarray(at, at + length));
    at += length;
    line();
  }
  const trailers: Record<string, string> = {};
  while (at < sent.length) {
    const [, name, value = ""] = /^([^:]+):\s*(.*)$/.exec(line()) ?? [];
    if (name === undefined) {
      break;
    }
    trailers[name.toLowerCase()] = value;
  }
  return { body: Buffer.concat(parts), trailers };
}

/** Digests that a client may send, in base64. Those of other algorithms are not looked at. */
const DIGESTS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  "content-md5": (body) => createHash("md5").update(body).digest(),
  "x-amz-checksum-sha1": (body) => createHash("sha1").update(body).digest(),
  "x-amz-checksum-sha256": (body) => createHash("sha256").update(body).digest(),
  "x-amz-checksum-crc32": (body) => {
    const digest = Buffer.alloc(4);
    digest.writeUInt32BE(crc32(body));
    return digest;
  },
};

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html */
function refuseDamaged(headers: IncomingHttpHeaders, body: Buffer): void {
  for (const [name, digestOf] of Object.entries(DIGESTS)) {
    const claimed = textOf(headers[name]);
    if (claimed !== undefined && claimed !== digestOf(body).toString("base64")) {
      throw new HttpError(
        400,
        "BadDigest",
        `The ${name} you specified did not match what we received.`,
      );
    }
  }
}
