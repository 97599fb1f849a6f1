/** The AWS config file of one run: it gives the two profiles that the stacks name their roles. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { AccountConfig } from "../config/account-config";
import { showValue, ValidationError } from "../modules/errors";
import { PROVIDER_PROFILE, STATE_PROFILE } from "../stacks/account-stack";

/**
 * Where AWS's programs find credentials that no profile holds. The spelling is theirs.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
 */
export const CREDENTIAL_SOURCES = ["Environment", "Ec2InstanceMetadata", "EcsContainer"] as const;

/** Where the first credentials come from, with which the roles are assumed. */
export type CredentialOrigin =
  | { readonly credentialSource: (typeof CREDENTIAL_SOURCES)[number] }
  | {
      /** Profile of the person's own AWS config or credentials file. */
      readonly sourceProfile: string;
    };

/**
 * What the roles are assumed for: the plan role and reading state role, the plan role and writing
 * state role (for workspaces and locks), or the deploy role and writing state role.
 */
export type RolePurpose = "plan" | "plan-with-lock" | "apply";

/** What decides the two profiles. */
export interface ProfilesProps {
  readonly account: AccountConfig;
  readonly purpose: RolePurpose;
  /**
   * What CloudTrail shows as the session of `keyspan-<name>-<account>`: the command.
   *
   * At most 23 characters: STS takes 64 in all, and an account's name may have 32.
   *
   * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
   */
  readonly sessionName: string;
  readonly origin: CredentialOrigin;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The two profiles as text of an AWS config file.
 *
 * @see https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
 * @see https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html
 */
export function renderProfiles({ account, purpose, sessionName, origin }: ProfilesProps): string {
  const { state } = account;
  const profile = (name: string, roleArn: string, region: string) =>
    [
      `[profile ${name}]`,
      `role_arn = ${roleArn}`,
      `role_session_name = keyspan-${sessionName}-${account.workspace}`,
      "sourceProfile" in origin
        ? `source_profile = ${origin.sourceProfile}`
        : `credential_source = ${origin.credentialSource}`,
      `region = ${region}`,
      "",
    ].join("\n");
  return [
    profile(
      PROVIDER_PROFILE,
      purpose === "apply" ? account.deployRole : account.planRole,
      account.homeRegion,
    ),
    profile(STATE_PROFILE, purpose === "plan" ? state.readRole : state.writeRole, state.region),
  ].join("\n");
}

/**
 * The whole AWS config file: the two profiles, behind the person's own file if that defines where
 * the first credentials come from.
 *
 * @throws {ValidationError} if the environment holds no credentials but should, if the source
 *   profile is defined nowhere, or if a file already has a section of one of the two names
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html
 */
export function composeAwsConfig(props: ProfilesProps, env: Environment): string {
  const { origin } = props;
  const credentialsFile = personalFile(env, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
  const credentialSections = sectionNames(credentialsFile.text);
  // Keys there would be used instead of what the config file says of the same profile:
  // https://github.com/aws/aws-sdk-go-v2/blob/main/config/resolve_credentials.go
  refuseSections(credentialsFile.path, credentialSections);

  if (!("sourceProfile" in origin)) {
    if (origin.credentialSource === "Environment") {
      requireCredentialsIn(env);
    }
    return renderProfiles(props);
  }
  const { sourceProfile } = origin;
  const configFile = personalFile(env, "AWS_CONFIG_FILE", "config");
  const configSections = sectionNames(configFile.text);
  refuseSections(
    configFile.path,
    configSections.map((section) => withoutPrefix(section) ?? section),
  );
  // Without the word `profile` the config file defines only `default`.
  const defined = [
    ...configSections.map((section) =>
      section === "default" ? section : (withoutPrefix(section) ?? ""),
    ),
    ...credentialSections,
  ];
  if (!defined.includes(sourceProfile)) {
    throw new ValidationError(
      `--source-profile must be a profile of ${configFile.path} or ${credentialsFile.path}, got ${showValue(sourceProfile)}; define it there, or name another`,
    );
  }
  return `${configFile.text.trimEnd()}\n\n${renderProfiles(props)}`.trimStart();
}

/**
 * Writes an AWS config file that only its owner may read: it may hold a copy of the person's own.
 *
 * @param path - a file that is not in a stack folder
 */
export function writeAwsConfigFile(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  // A file that is there would keep its mode.
  rmSync(path, { force: true });
  writeFileSync(path, content, { mode: 0o600, flag: "wx" });
}

function personalFile(
  env: Environment,
  variable: string,
  name: string,
): { readonly path: string; readonly text: string } {
  const path = env[variable] || join(env.HOME || homedir(), ".aws", name);
  return { path, text: existsSync(path) ? readFileSync(path, "utf8") : "" };
}

function sectionNames(text: string): readonly string[] {
  return [...text.matchAll(/^[ \t]*\[([^\]\r\n]*)\]/gm)].map(([, name = ""]) => unquoted(name));
}

function withoutPrefix(section: string): string | undefined {
  const name = /^profile\s+(.*)$/.exec(section)?.[1];
  return name === undefined ? undefined : unquoted(name);
}

function unquoted(text: string): string {
  return text.trim().replace(/^(["'])(.*)\1$/, "$2");
}

function refuseSections(path: string, sections: readonly string[]): void {
  const taken = [PROVIDER_PROFILE, STATE_PROFILE].filter((name) => sections.includes(name));
  if (taken.length > 0) {
    throw new ValidationError(
      `${path}: the file must have no section for ${PROVIDER_PROFILE} or ${STATE_PROFILE}, got ${taken.join(" and ")}; this command gives both profiles their roles itself: rename or remove the section`,
    );
  }
}

function requireCredentialsIn(env: Environment): void {
  const missing = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].filter((name) => !env[name]);
  if (missing.length > 0) {
    const profile = env.AWS_PROFILE || env.AWS_DEFAULT_PROFILE || "<name>";
    throw new ValidationError(
      `AWS credentials must be in the environment, got no ${missing.join(" and no ")}; set them, or add --source-profile ${profile} or --credential-source ${CREDENTIAL_SOURCES.slice(1).join("|")}`,
    );
  }
}
