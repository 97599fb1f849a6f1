/** What a person's environment may say to Terraform, and what would decide more than was reviewed. */
import { refuseDecidingVariables } from "../../cli/rollout/deciding-variables";

test.each([
  {},
  { PATH: "/bin", TF_LOG: "trace", TF_CLI_CONFIG_FILE: "/mirror.tfrc" },
  { TF_CLI_ARGS: "" },
  { TF_CLI_ARGS: "-no-color  -compact-warnings" },
  { TF_CLI_ARGS_plan: "-parallelism=3 --lock-timeout=5m", TF_CLI_ARGS_apply: "-input=false" },
  { TF_CLI_ARGS_init: "-plugin-dir=/mirror -get=false -lockfile=readonly" },
])("%j is left alone", (env) => {
  expect(() => refuseDecidingVariables(env)).not.toThrow();
});

const FLAGS =
  "-compact-warnings, -get, -input=false, -lock-timeout, -lockfile=readonly, -no-color, -parallelism, -plugin-dir";

test.each([
  ["TF_CLI_ARGS_plan", "-target=aws_kms_key.archive", "-target=aws_kms_key.archive"],
  ["TF_CLI_ARGS_plan", "-parallelism=3 -destroy", "-destroy"],
  ["TF_CLI_ARGS", "-refresh=false", "-refresh=false"],
  ["TF_CLI_ARGS_apply", "-lock=false", "-lock=false"],
  [
    "TF_CLI_ARGS_init",
    "-backend-config=bucket=mine -upgrade",
    "-backend-config=bucket=mine -upgrade",
  ],
  ["TF_CLI_ARGS_init", "-lockfile=other", "-lockfile=other"],
  ["TF_CLI_ARGS_apply", "-input=true", "-input=true"],
  ["TF_CLI_ARGS_plan", "-parallelisms=3", "-parallelisms=3"],
  ["TF_CLI_ARGS_plan", "-parallelism 3", "3"],
])("%s=%s is refused", (name, value, got) => {
  expect(() => refuseDecidingVariables({ [name]: value })).toThrow(
    `${name} must hold no flags but ${FLAGS}, with = before a value, got ${got}; it would change what is planned or applied: unset it, or use npm run diff and npm run deploy`,
  );
});

test("another program in the place of the provider is refused, with all the rest", () => {
  expect(() =>
    refuseDecidingVariables({ TF_REATTACH_PROVIDERS: "{}", TF_CLI_ARGS_plan: "-destroy" }),
  ).toThrow(
    /^TF_REATTACH_PROVIDERS must not be set, got "\{\}"; Terraform would take another program for its provider than the one that was reviewed: unset it\nTF_CLI_ARGS_plan must hold no flags but/,
  );
});
