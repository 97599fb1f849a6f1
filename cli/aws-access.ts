/** Keyspan's own calls to AWS: which role makes them, and where they go. */
import type { fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import type { AccountConfig } from "../config/account-config";
import type { CredentialOrigin } from "./aws-config-file";

/** Gives the credentials of a role, and new ones when they end. */
type CredentialProvider = ReturnType<typeof fromTemporaryCredentials>;

/** The roles of an account, by what they are for. */
export type AccountRole = "plan" | "deploy" | "state-read" | "state-write";

/** What decides how AWS is called. */
export interface AwsAccessProps {
  readonly account: AccountConfig;
  readonly origin: CredentialOrigin;
  /** What CloudTrail shows as the session of `keyspan-<name>-<account>`: the command. */
  readonly sessionName: string;
  /** Environment of the command: credentials, and endpoints if they are not AWS's own. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What an SDK client is made with. */
export interface ClientSettings {
  readonly region: string;
  readonly credentials: CredentialProvider;
  /** Only where the environment names one. */
  readonly endpoint?: string;
  /** Kept short: whoever waits sits at a terminal, or pays for a runner. */
  readonly maxAttempts: number;
  /** How long one attempt may take. */
  readonly requestHandler: RequestLimits;
}

/**
 * How long one attempt of a call may take, in milliseconds.
 *
 * @see https://docs.aws.amazon.com/AWSJavaScriptSDK/v3/latest/Package/-smithy-node-http-handler/Interface/NodeHttpHandlerOptions/
 */
export interface RequestLimits {
  /** Until the connection stands. */
  readonly connectionTimeout: number;
  /** Until the answer begins. */
  readonly requestTimeout: number;
  /** Without it a request that takes too long is only warned of, and waited for. */
  readonly throwOnRequestTimeout: true;
  /** For which nothing may arrive, also in the middle of an answer. */
  readonly socketTimeout?: number;
}

/** Limits of every call: a firewall that drops packets, or a server that hangs, must not hang a run. */
export const REQUEST_LIMITS: RequestLimits = {
  connectionTimeout: 5_000,
  requestTimeout: 30_000,
  throwOnRequestTimeout: true,
  socketTimeout: 30_000,
};

/** ARN of a role. */
export function roleArnOf(account: AccountConfig, role: AccountRole): string {
  switch (role) {
    case "plan":
      return account.planRole;
    case "deploy":
      return account.deployRole;
    case "state-read":
      return account.state.readRole;
    case "state-write":
      return account.state.writeRole;
  }
}

/** The account's roles in AWS, assumed with the person's or the pipeline's first credentials. */
export class AwsAccess {
  private readonly assumed = new Map<AccountRole, CredentialProvider>();

  constructor(private readonly props: AwsAccessProps) {}

  /**
   * Settings of a client.
   *
   * @param service - as the environment variable of its endpoint spells it, such as `S3` or
   *   `EVENTBRIDGE`: `AWS_ENDPOINT_URL_<service>`, or `AWS_ENDPOINT_URL` for all
   * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
   */
  clientSettings(role: AccountRole, service: string, region: string): ClientSettings {
    const endpoint = this.endpointOf(service);
    return {
      region,
      credentials: this.credentialsOf(role),
      ...(endpoint !== undefined && { endpoint }),
      maxAttempts: 4,
      requestHandler: REQUEST_LIMITS,
    };
  }

  private credentialsOf(role: AccountRole): CredentialProvider {
    const known = this.assumed.get(role);
    if (known !== undefined) {
      return known;
    }
    const { account, sessionName } = this.props;
    const isState = role.startsWith("state");
    const region = isState ? account.state.region : account.homeRegion;
    const endpoint = this.endpointOf("STS");
    const provider: CredentialProvider = async (options) => {
      // Loaded when it is needed: it costs as much time as starting Node.
      const { fromTemporaryCredentials } = await import("@aws-sdk/credential-providers");
      const first = await this.firstCredentials();
      return fromTemporaryCredentials({
        masterCredentials: first,
        params: {
          RoleArn: roleArnOf(account, role),
          RoleSessionName: `keyspan-${sessionName}-${account.workspace}`,
        },
        clientConfig: {
          region,
          requestHandler: REQUEST_LIMITS,
          ...(endpoint !== undefined && { endpoint }),
        },
      })(options);
    };
    const once = memoized(provider);
    this.assumed.set(role, once);
    return once;
  }

  private async firstCredentials(): Promise<CredentialProvider> {
    const { env, origin } = this.props;
    const providers = await import("@aws-sdk/credential-providers");
    if ("sourceProfile" in origin) {
      return providers.fromIni({
        profile: origin.sourceProfile,
        ...(env.AWS_CONFIG_FILE && { configFilepath: env.AWS_CONFIG_FILE }),
        ...(env.AWS_SHARED_CREDENTIALS_FILE && { filepath: env.AWS_SHARED_CREDENTIALS_FILE }),
      });
    }
    switch (origin.credentialSource) {
      case "Environment":
        return async () => ({
          accessKeyId: env.AWS_ACCESS_KEY_ID ?? "",
          secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? "",
          ...(env.AWS_SESSION_TOKEN && { sessionToken: env.AWS_SESSION_TOKEN }),
        });
      case "Ec2InstanceMetadata":
        return providers.fromInstanceMetadata();
      case "EcsContainer":
        return providers.fromContainerMetadata();
    }
  }

  private endpointOf(service: string): string | undefined {
    const { env } = this.props;
    return env[`AWS_ENDPOINT_URL_${service}`] || env.AWS_ENDPOINT_URL || undefined;
  }
}

/** Milliseconds before its end at which a session is renewed. */
const RENEWAL_MS = 300_000;

/** One session for all clients of a role. */
function memoized(provider: CredentialProvider): CredentialProvider {
  let current: ReturnType<CredentialProvider> | undefined;
  let validUntilMs = 0;
  return async (options) => {
    if (current === undefined || Date.now() > validUntilMs) {
      // Whoever asks meanwhile waits for the same answer.
      validUntilMs = Number.POSITIVE_INFINITY;
      current = provider(options);
    }
    try {
      const credentials = await current;
      validUntilMs = (credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY) - RENEWAL_MS;
      return credentials;
    } catch (error) {
      current = undefined;
      throw error;
    }
  };
}
