import type { RunningEndpoints } from "./http/endpoint-server";
import type { SandboxFolder } from "./sandbox-folder";

/** Environment variables that programs get; no credentials, no settings of the person's own. */
const HANDED_ON = ["PATH", "TMPDIR", "LANG", "LC_ALL", "SystemRoot"];

/** What decides the environment of the programs that run here. */
export interface SandboxEnvironmentProps {
  /** Environment of the command. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: SandboxFolder;
  readonly endpoints: RunningEndpoints;
}

/**
 * Environment in which Terraform and AWS's SDKs find the simulated AWS, and nothing else: whatever
 * the endpoints do not know is refused by them, and never leaves this machine.
 *
 * It names no provider and no AWS config file: both are an account's.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 */
export function sandboxEnvironment({
  env,
  folder,
  endpoints: { url },
}: SandboxEnvironmentProps): Record<string, string | undefined> {
  return {
    ...Object.fromEntries(HANDED_ON.map((name) => [name, env[name]])),
    // The person's own has credentials and settings in it.
    HOME: folder.homeDirectory,
    AWS_ACCESS_KEY_ID: "sandbox",
    AWS_SECRET_ACCESS_KEY: "sandbox",
    // For all services: with one for S3 alone, Terraform would put the bucket's name before the address.
    // https://github.com/hashicorp/terraform/blob/v1.11.4/internal/backend/remote-state/s3/backend.go
    AWS_ENDPOINT_URL: url,
    // Terraform asks no other variable for this one.
    AWS_ENDPOINT_URL_STS: url,
    AWS_EC2_METADATA_DISABLED: "true",
    TF_CLI_CONFIG_FILE: folder.cliConfigFile,
    TF_IN_AUTOMATION: "1",
    CHECKPOINT_DISABLE: "1",
    // Terraform lives for a second here: it may use more memory and collect less garbage.
    GOGC: "400",
  };
}
