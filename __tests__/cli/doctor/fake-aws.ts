import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it arrived. */
export interface FakeRequest {
  readonly region: string;
  /** Account in which the caller acts: that of the role it has assumed. */
  readonly account: string;
  /** ARN of that role. */
  readonly role: string;
  /** Path without the query. */
  readonly path: string;
  /** Arguments of the call, if they came as JSON or as a form. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** What is answered: JSON, XML, or an error in the form that the service has. */
export type FakeAnswer =
  | { readonly json: object }
  | { readonly xml: string }
  | { readonly error: string; readonly message?: string; readonly status?: number }
  | "nothing ever";

/** Answers by the name of the operation; S3's are `<method> <bucket or object>`. Without one: as ever. */
export type FakeAnswers = Readonly<
  Record<string, (request: FakeRequest) => FakeAnswer | undefined>
>;

/**
 * AWS on loopback with canned answers: for what a real emulator cannot be made to do, refusals above
 * all. Anybody may assume any role.
 */
export class FakeAws {
  /** Operations that were called, with the region. */
  readonly calls: string[] = [];
  private readonly roles = new Map<string, string>();
  private answers: FakeAnswers = {};

  private constructor(private readonly server: Server) {
    server.on("request", (request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const url = new URL(request.url ?? "/", "http://localhost");
        const text = Buffer.concat(parts).toString("utf8");
        const target = String(request.headers["x-amz-target"] ?? "").split(".")[1];
        const isForm = String(request.headers["content-type"]).includes("form-urlencoded");
        const input = isForm
          ? Object.fromEntries(new URLSearchParams(text))
          : text.startsWith("{")
            ? (JSON.parse(text) as Record<string, unknown>)
            : {};
        const [, key = "", region = "", service = ""] =
          /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//.exec(
            String(request.headers.authorization),
          ) ?? [];
        const s3 = `${request.method} ${url.searchParams.has("versioning") ? "versioning" : url.searchParams.has("list-type") ? "list" : url.pathname.replace(/^\/|\/$/g, "")}`;
        const operation =
          service === "s3"
            ? s3
            : (target ?? String(input.Action ?? url.pathname.slice(1).replace(/^l/, "L")));
        this.calls.push(`${region} ${operation}`);
        const role = this.roles.get(key) ?? "";
        const answer = this.answerTo(operation, {
          region,
          role,
          account: role.split(":")[4] ?? "",
          path: url.pathname,
          input,
        });
        if (answer === "nothing ever") {
          return;
        }
        if ("json" in answer) {
          response.end(JSON.stringify(answer.json));
        } else if ("xml" in answer) {
          response.end(answer.xml);
        } else {
          const { error, message = "as the test wants it", status = 400 } = answer;
          response.statusCode = status;
          response.end(
            target !== undefined || service === "account"
              ? JSON.stringify({ __type: error, message })
              : service === "s3"
                ? `<Error><Code>${error}</Code><Message>${message}</Message></Error>`
                : `<ErrorResponse><Error><Type>Sender</Type><Code>${error}</Code><Message>${message}</Message></Error></ErrorResponse>`,
          );
        }
      });
    });
  }

  static async start(): Promise<FakeAws> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new FakeAws(server);
  }

  /** Replaces all answers. */
  answer(answers: FakeAnswers): void {
    this.answers = answers;
    this.calls.length = 0;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answerTo(operation: string, request: FakeRequest): FakeAnswer {
    const canned = this.answers[operation]?.(request);
    if (canned !== undefined) {
      return canned;
    }
    switch (operation) {
      case "AssumeRole": {
        const key = `ASIA${String(this.roles.size).padStart(12, "0")}`;
        this.roles.set(key, String(request.input.RoleArn));
        return {
          xml: `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>${key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
        };
      }
      case "GetCallerIdentity":
        return identity(request.account, request.role.replace(":iam:", ":sts:"));
      default:
        return { error: "NotInThisTest", message: operation };
    }
  }
}

/** STS's answer to who calls. */
export function identity(account: string, arn: string): FakeAnswer {
  return {
    xml: `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>${account}</Account><Arn>${arn}</Arn><UserId>U</UserId></GetCallerIdentityResult></GetCallerIdentityResponse>`,
  };
}
