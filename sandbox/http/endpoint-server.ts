/** S3, STS and KMS on this machine, for Terraform's S3 backend and for the clients of AWS's SDKs. */
import { randomUUID } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type AwsRequest, readRequest } from "./aws-request";
import { BUCKETS_DIRECTORY, BucketFiles } from "./bucket-files";
import type { EndpointOptions } from "./endpoint-options";
import type { HttpAnswer } from "./http-answer";
import { HttpError } from "./http-error";
import { KmsEndpoint, kmsOperationOf } from "./kms-endpoint";
import { placeOf, S3Endpoint, s3OperationOf } from "./s3-endpoint";
import { StsEndpoint, stsOperationOf } from "./sts-endpoint";
import { xmlDocument } from "./xml";

/** A request, as the log of a test shows it. */
export interface RequestRecord {
  /** Such as `S3: PutObject`, or method and path of what is not simulated. */
  readonly operation: string;
  /** Bucket and key of an object; bucket, slash and prefix of a list; empty for other services. */
  readonly resource: string;
  /** ARN of the role with whose credentials it was signed, if any. */
  readonly role: string | undefined;
  /** HTTP status of the answer. */
  readonly status: number;
}

/** Endpoints that serve. */
export interface RunningEndpoints {
  /** Such as `http://127.0.0.1:12345`. */
  readonly url: string;
  /** Ends them at once; requests that are under way get no answer. */
  stop(): void;
}

/** Endpoints in this process. */
export interface LocalEndpoints extends RunningEndpoints {
  /** Every request so far. */
  readonly requests: readonly RequestRecord[];
}

/**
 * Starts the endpoints, all at one address on loopback; waits until they serve.
 *
 * The files of the sandbox are their only memory: several may serve the same sandbox.
 */
export async function startEndpoints(options: EndpointOptions): Promise<LocalEndpoints> {
  const services = new Services(options);
  const requests: RequestRecord[] = [];
  const server = createServer(async (message, response) => {
    try {
      let request: AwsRequest | undefined;
      let answer: HttpAnswer;
      try {
        request = await readRequest(message);
        await sleep(options.latencyMs ?? 0);
        answer = services.answer(request);
      } catch (error) {
        answer = refusal(error, request);
      }
      requests.push(recordOf(request, answer));
      send(response, answer, message.method === "HEAD");
    } catch {
      // The client has gone.
      response.destroy();
    }
  });
  // A client may use a connection again whenever it likes.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

type Service = "S3" | "STS" | "KMS";

/** The service that a request is for; `undefined` for one that is not simulated. */
function serviceOf({ service }: AwsRequest): Service | undefined {
  // An unsigned request is one that S3 refuses.
  return ({ s3: "S3", sts: "STS", kms: "KMS", "": "S3" } as const)[service];
}

class Services {
  private readonly s3: S3Endpoint;
  private readonly sts: StsEndpoint;
  private readonly kms: KmsEndpoint;

  constructor({ directory, accounts }: EndpointOptions) {
    this.s3 = new S3Endpoint(new BucketFiles(join(directory, BUCKETS_DIRECTORY)), accounts);
    this.sts = new StsEndpoint(accounts);
    this.kms = new KmsEndpoint(directory);
  }

  answer(request: AwsRequest): HttpAnswer {
    switch (serviceOf(request)) {
      case "S3":
        return this.s3.answer(request);
      case "STS":
        return this.sts.answer(request);
      case "KMS":
        return this.kms.answer(request);
      default:
        throw new HttpError(
          // Not one that clients try again.
          400,
          "NotImplemented",
          `The sandbox has no endpoint of ${request.service}`,
        );
    }
  }
}

function recordOf(request: AwsRequest | undefined, { status }: HttpAnswer): RequestRecord {
  if (request === undefined) {
    return { operation: "unreadable", resource: "", role: undefined, status };
  }
  const { method, path, query } = request;
  const service = serviceOf(request);
  const names: Readonly<Record<Service, () => string | undefined>> = {
    S3: () => s3OperationOf(request),
    STS: () => stsOperationOf(request),
    KMS: () => kmsOperationOf(request),
  };
  const operation = service === undefined ? undefined : names[service]();
  const { bucket, key } = placeOf(path);
  return {
    operation:
      operation === undefined
        ? `${request.service || "unsigned"}: ${method} ${path}`
        : `${service}: ${operation}`,
    resource:
      service === "S3" && operation !== undefined
        ? [bucket, key ?? query.get("prefix") ?? undefined]
            .filter((part) => part !== undefined)
            .join("/")
        : "",
    role: request.session?.roleArn,
    status,
  };
}

function refusal(error: unknown, request: AwsRequest | undefined): HttpAnswer {
  const { status, code, message } =
    error instanceof HttpError
      ? error
      : {
          status: 500,
          code: "InternalError",
          message: `the sandbox failed: ${error instanceof Error ? error.message : String(error)}`,
        };
  const RequestId = randomUUID();
  const service = request === undefined ? undefined : serviceOf(request);
  // Objects may be JSON too: S3 answers them as any other.
  if (service !== "S3" && request?.headers["content-type"]?.includes("json") === true) {
    return {
      status,
      headers: { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": RequestId },
      body: JSON.stringify({ __type: code, message }),
    };
  }
  const details = { Code: code, Message: message };
  return {
    status,
    headers: { "content-type": "application/xml", "x-amz-request-id": RequestId },
    // S3 has an element of its own: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    body:
      service === "S3"
        ? xmlDocument("Error", { ...details, RequestId })
        : xmlDocument("ErrorResponse", { Error: { Type: "Sender", ...details }, RequestId }),
  };
}

function send(
  response: ServerResponse,
  { status, headers, body = "" }: HttpAnswer,
  isHead: boolean,
) {
  response.writeHead(status, {
    "x-amz-request-id": randomUUID(),
    ...(status !== 204 && !isHead && { "content-length": String(Buffer.byteLength(body)) }),
    ...headers,
  });
  response.end(isHead ? undefined : body);
}
