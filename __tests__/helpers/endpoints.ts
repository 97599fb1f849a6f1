/** Clients of AWS's SDK on the endpoints of the sandbox, with the credentials of a role. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AccountRole } from "../../cli/aws-access";
import { AwsAccess } from "../../cli/aws-access";
import type { AccountConfig } from "../../config/account-config";
import { checkAccount } from "../../config/load-account";
import { parseYaml } from "../../config/yaml-source";
import { type LocalEndpoints, startEndpoints } from "../../sandbox/http/endpoint-server";
import { SMALL_ACCOUNT } from "./sandbox-project";

/** Endpoints in a folder of their own. */
export class TestEndpoints {
  readonly directory = mkdtempSync(join(tmpdir(), "keyspan-endpoints-"));
  private readonly running: LocalEndpoints[] = [];

  constructor(readonly accounts: readonly AccountConfig[]) {}

  /** Starts endpoints on the folder; again for a second server beside the first. */
  async start(): Promise<LocalEndpoints> {
    const endpoints = await startEndpoints({
      directory: this.directory,
      accounts: this.accounts,
    });
    this.running.push(endpoints);
    return endpoints;
  }

  /** Settings of a client that has a role of an account. */
  settings(
    { url }: LocalEndpoints,
    role: AccountRole,
    account: AccountConfig,
    region = account.state.region,
  ): ReturnType<AwsAccess["clientSettings"]> {
    return this.access({ url }, account).clientSettings(role, "S3", region);
  }

  /** Access to an account. */
  access({ url }: Pick<LocalEndpoints, "url">, account: AccountConfig): AwsAccess {
    return new AwsAccess({
      account,
      origin: { credentialSource: "Environment" },
      sessionName: "test",
      env: { AWS_ACCESS_KEY_ID: "first", AWS_SECRET_ACCESS_KEY: "first", AWS_ENDPOINT_URL: url },
    });
  }

  /** Ends all and removes the folder. */
  remove(): void {
    for (const endpoints of this.running) {
      endpoints.stop();
    }
    rmSync(this.directory, { recursive: true });
  }
}

/** An account with state roles of its own. @param bucket - of its states */
export function stateAccount(
  workspace: string,
  id = "111122223333",
  bucket = "acme-terraform-state",
): AccountConfig {
  const yaml = SMALL_ACCOUNT.replaceAll("111122223333", id)
    .replaceAll("role/keyspan-state", `role/keyspan-state-${workspace}`)
    .replace("acme-terraform-state", bucket);
  return checkAccount(workspace, parseYaml(`${workspace}.yaml`, yaml), undefined);
}

/** How a call ended: `ok`, or the error's name and status. */
export async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    const { name, $metadata } = error as {
      readonly name: string;
      readonly $metadata?: { readonly httpStatusCode?: number };
    };
    return `${name} ${$metadata?.httpStatusCode}`;
  }
}
