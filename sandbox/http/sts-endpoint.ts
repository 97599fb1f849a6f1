/** STS over HTTP. */
import { randomUUID } from "node:crypto";
import { arn, parseArn, STAND_IN_PARTITION } from "../../modules/partition";
import type { AwsRequest } from "./aws-request";
import type { EndpointAccount } from "./endpoint-options";
import type { HttpAnswer } from "./http-answer";
import { HttpError } from "./http-error";
import { credentialsOf, type Session } from "./sessions";
import { type XmlContent, xmlDocument } from "./xml";

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/;
const DEFAULT_DURATION_SECONDS = 3600;

/** Name of the user who has the first credentials. */
const FIRST_USER = "sandbox";

/** The operation that a request asks for. */
export function stsOperationOf(request: AwsRequest): string {
  return parametersOf(request).get("Action") ?? "";
}

/**
 * The roles of the accounts. Whoever asks may take them.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
 */
export class StsEndpoint {
  constructor(private readonly accounts: readonly EndpointAccount[]) {}

  /** @throws {HttpError} if STS would refuse it, and `NotImplemented` for what is not simulated */
  answer(request: AwsRequest): HttpAnswer {
    const operation = stsOperationOf(request);
    switch (operation) {
      case "AssumeRole":
        return answerOf(operation, this.assumeRole(parametersOf(request)));
      case "GetCallerIdentity":
        return answerOf(operation, this.callerIdentity(request.session));
      default:
        throw new HttpError(501, "NotImplemented", `The sandbox does not know sts:${operation}`);
    }
  }

  private assumeRole(parameters: URLSearchParams): XmlContent {
    const roleArn = parameters.get("RoleArn") ?? "";
    const sessionName = parameters.get("RoleSessionName") ?? "";
    if (!SESSION_NAME.test(sessionName)) {
      throw new HttpError(
        400,
        "ValidationError",
        `1 validation error detected: Value '${sessionName}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: ${SESSION_NAME.source}`,
      );
    }
    const isRole = this.accounts.some(({ planRole, deployRole, state }) =>
      [planRole, deployRole, state.writeRole, state.readRole].includes(roleArn),
    );
    if (!isRole) {
      throw new HttpError(
        403,
        "AccessDenied",
        `User: ${identityOf(undefined, this.accounts).Arn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
      );
    }
    const session = { roleArn, sessionName };
    const { accessKeyId, secretAccessKey, sessionToken } = credentialsOf(session);
    const seconds = Number(parameters.get("DurationSeconds") ?? DEFAULT_DURATION_SECONDS);
    const { Arn, UserId } = identityOf(session, this.accounts);
    return {
      AssumedRoleUser: { Arn, AssumedRoleId: UserId },
      Credentials: {
        AccessKeyId: accessKeyId,
        SecretAccessKey: secretAccessKey,
        SessionToken: sessionToken,
        Expiration: new Date(Date.now() + seconds * 1000).toISOString(),
      },
    };
  }

  private callerIdentity(session: Session | undefined): XmlContent {
    return { ...identityOf(session, this.accounts) };
  }
}

interface Identity {
  readonly Arn: string;
  readonly UserId: string;
  readonly Account: string;
}

function identityOf(session: Session | undefined, [first]: readonly EndpointAccount[]): Identity {
  const role = session === undefined ? undefined : parseArn(session.roleArn);
  if (session === undefined || role === undefined) {
    const { partition = STAND_IN_PARTITION, state } = first ?? {};
    const account = state?.account ?? "";
    return {
      Arn: arn({ partition, service: "iam", account, resource: `user/${FIRST_USER}` }),
      UserId: "AIDASANDBOX",
      Account: account,
    };
  }
  const { partition, account, resource } = role;
  // The ARN of a session has no path: only the name is left of the role's ARN.
  const name = resource.split("/").at(-1) ?? "";
  return {
    Arn: arn({
      partition,
      service: "sts",
      account,
      resource: `assumed-role/${name}/${session.sessionName}`,
    }),
    UserId: `AROASANDBOX:${session.sessionName}`,
    Account: account,
  };
}

/** They stand in the body, or in the query of a GET. */
function parametersOf({ body, query }: AwsRequest): URLSearchParams {
  return body.length > 0 ? new URLSearchParams(body.toString("utf8")) : query;
}

function answerOf(operation: string, result: XmlContent): HttpAnswer {
  return {
    status: 200,
    headers: { "content-type": "text/xml" },
    body: xmlDocument(`${operation}Response`, {
      [`${operation}Result`]: result,
      ResponseMetadata: { RequestId: randomUUID() },
    }),
  };
}
