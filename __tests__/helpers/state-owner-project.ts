/**
 * A project, and the account that owns its state bucket: a provider and endpoints of S3, STS and IAM
 * over the same simulated account, for an administrator's credentials.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { CommandIo } from "../../cli/io";
import { runKeyspan } from "../../cli/keyspan/program";
import type { Faults } from "../../sandbox/aws/faults";
import { IAM_ROLES } from "../../sandbox/aws/iam";
import { ObjectStore } from "../../sandbox/aws/object-store";
import { S3_BUCKETS } from "../../sandbox/aws/s3";
import { type AwsRequest, readRequest, textOf } from "../../sandbox/http/aws-request";
import { BucketFiles } from "../../sandbox/http/bucket-files";
import type { HttpAnswer } from "../../sandbox/http/http-answer";
import { HttpError } from "../../sandbox/http/http-error";
import { placeOf, s3OperationOf } from "../../sandbox/http/s3-endpoint";
import { xmlDocument } from "../../sandbox/http/xml";
import type { Ended } from "./run-command";
import { startHere } from "./sandbox-project";

const REGION = "eu-west-1";

/** How a command is run. */
export interface BootstrapRun {
  readonly faults?: Faults;
  readonly io?: Partial<CommandIo>;
  /** Takes each line that the command writes for the person. */
  readonly onLine?: (line: string) => void;
}

/** A project folder and its state account. */
export class StateOwnerProject {
  readonly directory = mkdtempSync(join(tmpdir(), "keyspan-bootstrap-"));
  readonly store = new ObjectStore(join(this.directory, "aws"));
  readonly objects = new BucketFiles(join(this.directory, "s3"));
  /** Who the credentials are of. */
  caller = "arn:aws:iam::444455556666:role/Admin";
  /** Status with which every look for the bucket is answered. */
  bucketStatus: number | undefined;
  private server: Server | undefined;
  private url = "";

  constructor(accounts: Readonly<Record<string, string>>) {
    for (const [name, text] of Object.entries(accounts)) {
      this.write(`accounts/${name}.yaml`, text);
    }
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.directory, path)), { recursive: true });
    writeFileSync(join(this.directory, path), text);
  }

  /** Removes a file. */
  forget(path: string): void {
    rmSync(join(this.directory, path));
  }

  read(path: string): string | undefined {
    const file = join(this.directory, path);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }

  /** An object of the bucket as text. */
  object(key: string, bucket = "acme-state"): string | undefined {
    return this.objects.get(bucket, key)?.content.toString("utf8");
  }

  /** Names of the roles that exist. */
  roles(): readonly string[] {
    return this.store
      .list(IAM_ROLES, undefined)
      .map(([name]) => name)
      .sort();
  }

  /** Runs `keyspan bootstrap`, with nobody at the terminal. */
  async run(argv: readonly string[], run: BootstrapRun = {}): Promise<Ended> {
    await this.serve();
    const [, partition, , , account = ""] = this.caller.split(":");
    const { provider } = await startHere({
      directory: join(this.directory, "aws"),
      caller: { account, partition: partition as "aws", roleArn: this.caller },
      faults: run.faults ?? {},
    });
    let out = "";
    let err = "";
    try {
      const code = await runKeyspan(["bootstrap", ...argv], {
        out: (text) => {
          out += text;
        },
        err: (text) => {
          err += text;
          run.onLine?.(text);
        },
        interactive: false,
        nodeVersion: "20.20.2",
        projectDirectory: this.directory,
        ...run.io,
        env: {
          PATH: process.env.PATH,
          HOME: this.directory,
          AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
          AWS_SECRET_ACCESS_KEY: "example",
          AWS_ENDPOINT_URL: this.url,
          AWS_EC2_METADATA_DISABLED: "true",
          CDKTF_DISABLE_PLUGIN_CACHE_ENV: "1",
          TF_REATTACH_PROVIDERS: provider.reattach,
          ...run.io?.env,
        },
      });
      return { code, out, err };
    } finally {
      provider.stop();
    }
  }

  remove(): void {
    this.server?.close();
    this.server?.closeAllConnections();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async serve(): Promise<void> {
    if (this.server !== undefined) {
      return;
    }
    const server = createServer(async (message, response) => {
      const answer = await readRequest(message).then((request) => {
        try {
          return this.answer(request);
        } catch (error) {
          return refusalOf(error, request);
        }
      });
      const body = answer.body ?? "";
      response.writeHead(answer.status, {
        ...(answer.status !== 204 &&
          message.method !== "HEAD" && { "content-length": String(Buffer.byteLength(body)) }),
        ...answer.headers,
      });
      response.end(message.method === "HEAD" ? undefined : body);
    });
    server.keepAliveTimeout = 0;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.server = server;
  }

  private answer(request: AwsRequest): HttpAnswer {
    const body = new URLSearchParams(request.body.toString("utf8"));
    switch (request.service) {
      case "sts":
        return xml("GetCallerIdentityResponse", {
          GetCallerIdentityResult: {
            Account: this.caller.split(":")[4],
            Arn: this.caller,
            UserId: "AROAEXAMPLE:session",
          },
        });
      case "iam":
        return this.iam(body);
      default:
        return this.s3(request);
    }
  }

  private iam(body: URLSearchParams): HttpAnswer {
    if (body.get("Action") === "ListRoles") {
      return xml("ListRolesResponse", {
        ListRolesResult: {
          IsTruncated: false,
          Roles: { member: this.roles().map((RoleName) => ({ RoleName })) },
        },
      });
    }
    const role = this.store.get(IAM_ROLES, undefined, body.get("RoleName") ?? "");
    if (body.get("Action") !== "GetRole" || role === undefined) {
      throw new HttpError(404, "NoSuchEntity", "no such role");
    }
    return xml("GetRoleResponse", {
      GetRoleResult: {
        Role: {
          RoleName: role.name,
          Tags: { member: Object.entries(role.tags).map(([Key, Value]) => ({ Key, Value })) },
        },
      },
    });
  }

  private s3(request: AwsRequest): HttpAnswer {
    const { bucket, key = "" } = placeOf(request.path);
    const known = this.store.get(S3_BUCKETS, REGION, bucket);
    if (this.bucketStatus !== undefined && key === "") {
      throw new HttpError(this.bucketStatus, "Refused", "refused");
    }
    if (known === undefined) {
      throw new HttpError(404, "NoSuchBucket", `no bucket ${bucket}`);
    }
    if (request.query.has("tagging")) {
      const TagSet = { Tag: Object.entries(known.tags).map(([Key, Value]) => ({ Key, Value })) };
      if (TagSet.Tag.length === 0) {
        throw new HttpError(404, "NoSuchTagSet", "no tags");
      }
      return xml("Tagging", { TagSet });
    }
    switch (s3OperationOf(request)) {
      case "HeadBucket":
        return { status: 200, headers: {} };
      case "ListObjectsV2":
        return xml("ListBucketResult", { Name: bucket, KeyCount: 0, IsTruncated: false });
      case "PutObject": {
        const ifNoneMatch = textOf(request.headers["if-none-match"]);
        const etag = this.objects.put(bucket, key, request.body, { ifNoneMatch });
        return { status: 200, headers: { etag } };
      }
      case "DeleteObject":
        this.objects.remove(bucket, key, { ifMatch: textOf(request.headers["if-match"]) });
        return { status: 204, headers: {} };
      default: {
        const object = this.objects.get(bucket, key);
        if (object === undefined) {
          throw new HttpError(404, "NoSuchKey", `no ${key}`);
        }
        return {
          status: 200,
          headers: {
            etag: object.etag,
            "last-modified": object.lastModified.toUTCString(),
            "content-length": String(object.content.length),
          },
          body: object.content,
        };
      }
    }
  }
}

function xml(name: string, content: Parameters<typeof xmlDocument>[1]): HttpAnswer {
  return {
    status: 200,
    headers: { "content-type": "application/xml" },
    body: xmlDocument(name, content),
  };
}

function refusalOf(error: unknown, { service }: AwsRequest): HttpAnswer {
  const { status, code, message } =
    error instanceof HttpError
      ? error
      : { status: 500, code: "InternalError", message: String(error) };
  const details = { Code: code, Message: message };
  return {
    status,
    headers: { "content-type": "application/xml" },
    body: ["sts", "iam"].includes(service)
      ? xmlDocument("ErrorResponse", { Error: { Type: "Sender", ...details } })
      : xmlDocument("Error", details),
  };
}
