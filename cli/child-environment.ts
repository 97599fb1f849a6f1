import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { showValue, ValidationError } from "../modules/errors";
import { CDKTF_FLAG_VARIABLES } from "./wrapper-arguments";

/** What decides the environment of `cdktf` and `terraform`. */
export interface ChildEnvironmentProps {
  /** Environment of the command itself. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly projectDirectory: string;
  /** AWS config file with the two profiles. */
  readonly awsConfigFile: string;
  /** Whether the roles may only read. Then Terraform cannot write its lock and does not try. */
  readonly readOnly: boolean;
}

const REMOVED: readonly string[] = [
  // Stated for each call: `terraform workspace` refuses to work where it is set.
  "TF_WORKSPACE",
  // One folder for all stacks would mix up their backends.
  "TF_DATA_DIR",
  // The stacks name their profiles.
  "AWS_PROFILE",
  "AWS_DEFAULT_PROFILE",
  ...CDKTF_FLAG_VARIABLES,
];

/**
 * Environment of `cdktf` and `terraform`, without a workspace.
 *
 * Nothing in it lets them ask a question that nobody answers, or wait for a service that nobody
 * needs: cdktf's telemetry may keep it from ending.
 *
 * @throws {ValidationError} if a variable makes every init move states to another backend
 * @see https://developer.hashicorp.com/terraform/cli/config/environment-variables
 */
export function childEnvironment({
  env,
  projectDirectory,
  awsConfigFile,
  readOnly,
}: ChildEnvironmentProps): NodeJS.ProcessEnv {
  refuseMigration(env);
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !REMOVED.includes(name))),
    AWS_CONFIG_FILE: resolve(awsConfigFile),
    CHECKPOINT_DISABLE: "1",
    DISABLE_VERSION_CHECK: "1",
    TF_IN_AUTOMATION: "1",
    TERRAFORM_BINARY_NAME: terraformProgram(env.TERRAFORM_BINARY_NAME, projectDirectory),
    // The last of two equal flags counts.
    TF_CLI_ARGS_init: joined(env.TF_CLI_ARGS_init, "-input=false"),
    ...(readOnly && { TF_CLI_ARGS_plan: joined(env.TF_CLI_ARGS_plan, "-lock=false") }),
    // cdktf sets the same. Without it each stack would download a provider of its own.
    ...(!env.CDKTF_DISABLE_PLUGIN_CACHE_ENV && {
      TF_PLUGIN_CACHE_DIR:
        env.TF_PLUGIN_CACHE_DIR || join(env.HOME || homedir(), ".terraform.d", "plugin-cache"),
    }),
  };
}

function refuseMigration(env: ChildEnvironmentProps["env"]): void {
  for (const name of ["TF_CLI_ARGS", "TF_CLI_ARGS_init"]) {
    if (/-(migrate-state|force-copy)\b/.test(env[name] ?? "")) {
      throw new ValidationError(
        `${name} must not move states, got ${showValue(env[name])}; it would copy the state of one account over that of another: remove the flag`,
      );
    }
  }
}

/**
 * The program that `TERRAFORM_BINARY_NAME` names; `terraform` if it names none. A path is seen from
 * the project, not from the stack folder in which Terraform runs.
 */
export function terraformProgram(name: string | undefined, projectDirectory: string): string {
  return !name
    ? "terraform"
    : name.includes("/") && !isAbsolute(name)
      ? resolve(projectDirectory, name)
      : name;
}

function joined(flags: string | undefined, flag: string): string {
  return flags ? `${flags} ${flag}` : flag;
}
