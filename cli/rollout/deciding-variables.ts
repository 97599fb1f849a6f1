/** Environment variables that would decide what Terraform plans or applies, beside what was reviewed. */
import { showValue, ValidationError } from "../../modules/errors";

/** Flags that change how Terraform works, but not on what. */
const HARMLESS_FLAGS = [
  "compact-warnings",
  "get",
  "input=false",
  "lock-timeout",
  "lockfile=readonly",
  "no-color",
  "parallelism",
  "plugin-dir",
] as const;

/**
 * Refuses variables that narrow, widen or redirect what Terraform does: a plan's digest says nothing of
 * them, and an apply plans the stacks that wait for others on its own machine.
 *
 * @param env - as the person has set it
 * @throws {ValidationError} with every one of them
 * @see https://developer.hashicorp.com/terraform/cli/config/environment-variables#tf_cli_args-and-tf_cli_args_name
 */
export function refuseDecidingVariables(env: NodeJS.ProcessEnv): void {
  const problems = Object.entries(env).flatMap(([name, value = ""]) => {
    if (name === "TF_REATTACH_PROVIDERS" && value !== "") {
      return [
        `${name} must not be set, got ${showValue(value)}; Terraform would take another program for its provider than the one that was reviewed: unset it`,
      ];
    }
    if (!/^TF_CLI_ARGS(_|$)/.test(name)) {
      return [];
    }
    const deciding = value.split(/\s+/).filter((flag) => flag !== "" && !isHarmless(flag));
    return deciding.length === 0
      ? []
      : [
          `${name} must hold no flags but ${HARMLESS_FLAGS.map((flag) => `-${flag}`).join(", ")}, with = before a value, got ${deciding.join(" ")}; it would change what is planned or applied: unset it, or use npm run diff and npm run deploy`,
        ];
  });
  if (problems.length > 0) {
    throw new ValidationError(problems.join("\n"));
  }
}

function isHarmless(flag: string): boolean {
  return HARMLESS_FLAGS.some(
    (known) =>
      flag.replace(/^--?/, "") === known || flag.replace(/^--?/, "").startsWith(`${known}=`),
  );
}
