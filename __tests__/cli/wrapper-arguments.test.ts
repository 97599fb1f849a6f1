import { CDKTF_FLAG_VARIABLES, parseWrapperArguments } from "../../cli/wrapper-arguments";

test("splits account, stacks, credentials, and flags for cdktf", () => {
  expect(
    parseWrapperArguments("deploy", [
      "--auto-approve",
      "demo",
      "--source-profile",
      "sso",
      "keys",
      "--var-file=a.tfvars",
      "--refresh-only",
    ]),
  ).toEqual({
    account: "demo",
    stacks: ["keys"],
    origin: { sourceProfile: "sso" },
    cdktfFlags: ["--auto-approve", "--var-file=a.tfvars", "--refresh-only"],
    autoApprove: true,
  });
});

test("needs nothing but takes credentials from the environment", () => {
  expect(parseWrapperArguments("diff", [])).toEqual({
    account: undefined,
    stacks: [],
    origin: { credentialSource: "Environment" },
    cdktfFlags: [],
    autoApprove: false,
  });
});

test.each(["Environment", "Ec2InstanceMetadata", "EcsContainer"])(
  "takes credentials from %s",
  (credentialSource) => {
    const { origin } = parseWrapperArguments("diff", ["--credential-source", credentialSource]);
    expect(origin).toEqual({ credentialSource });
  },
);

test.each([
  ["--parallelism=2", 'deploy: --parallelism must not be given, got "2"; when one of several'],
  ["--parallelism", 'got "--parallelism"; when one of several stacks fails'],
  ["--migrate-state", "--migrate-state must not be given"],
  ["--ignore-missing-stack-dependencies", "it also drops the order"],
  ["--output=x", "each account has its own folder"],
  ["-o=x", "deploy: -o must not be given"],
  ["--skip-synth", "each run synthesizes the account once"],
  ["--skip-provider-lock", "it is always given"],
  ["--app=x", "each run synthesizes the account itself"],
  ["-a", "deploy: -a must not be given"],
  ["--parallelsim=1", "deploy: a flag must be one of --auto-approve, --credential-source,"],
  ["--hcl", "--var-file, got --hcl; correct or remove it"],
  ["--toString", "got --toString"],
  ["--auto-approve=false", 'deploy: --auto-approve must stand alone, got "false"'],
  ["--no-auto-approve", "got --no-auto-approve"],
  ["--var", "deploy: --var must have a value, got nothing; write --var=…"],
  ["--source-profile=", "--source-profile must have a value"],
  [
    "--source-profile=a]b",
    '--source-profile must be the name of an AWS profile, without brackets, quotes and line breaks, got "a]b"',
  ],
  ["--source-profile=a\nrole_arn = b", 'got "a\\nrole_arn = b"'],
  [
    "--credential-source=environment",
    'must be one of Environment, Ec2InstanceMetadata, EcsContainer, got "environment"',
  ],
])("fails if %j is given", (flag, message) => {
  expect(() => parseWrapperArguments("deploy", ["demo", flag])).toThrow(message);
});

test("reports all wrong flags at once", () => {
  expect(() => parseWrapperArguments("destroy", ["--refresh-only", "--skip-synth"])).toThrow(
    /got --refresh-only; .*\n.*--skip-synth/,
  );
});

test("fails if credentials are to come from two places", () => {
  expect(() =>
    parseWrapperArguments("diff", ["--source-profile=a", "--credential-source=EcsContainer"]),
  ).toThrow("at most, once, got --source-profile and --credential-source; keep one");
});

test("knows the variables by which cdktf would take the same flags", () => {
  expect(CDKTF_FLAG_VARIABLES).toEqual([
    "CDKTF_PARALLELISM",
    "CDKTF_MIGRATE_STATE",
    "CDKTF_IGNORE_MISSING_STACK_DEPENDENCIES",
    "CDKTF_OUTPUT",
    "CDKTF_SKIP_SYNTH",
    "CDKTF_SKIP_PROVIDER_LOCK",
    "CDKTF_APP",
    "CDKTF_AUTO_APPROVE",
  ]);
});
