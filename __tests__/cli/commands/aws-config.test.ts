import { awsConfig } from "../../../cli/commands/aws-config";
import { TempProject } from "../../helpers/temp-project";

let project: TempProject;
beforeAll(() => {
  project = new TempProject();
});
afterAll(() => project.remove());

const print = (argv: readonly string[]) =>
  project.run(awsConfig, argv, { nodeVersion: "24.11.0", env: { AWS_ACCESS_KEY_ID: undefined } });

test("prints the profiles to plan with, and nothing else, on any Node", async () => {
  expect(await print(["demo", "plan"])).toEqual({
    code: 0,
    err: "",
    out: `[profile keyspan]
role_arn = arn:aws:iam::111122223333:role/keyspan-plan
role_session_name = keyspan-plan-demo
credential_source = Environment
region = eu-west-1

[profile keyspan-state]
role_arn = arn:aws:iam::444455556666:role/keyspan-state-demo-read
role_session_name = keyspan-plan-demo
credential_source = Environment
region = eu-west-1
`,
  });
  expect(project.exists("cdktf.out")).toBe(false);
});

test("prints the profiles to apply with", async () => {
  expect((await print(["demo", "apply", "--source-profile", "my sso"])).out).toBe(`[profile keyspan]
role_arn = arn:aws:iam::111122223333:role/keyspan-deploy
role_session_name = keyspan-apply-demo
source_profile = my sso
region = eu-west-1

[profile keyspan-state]
role_arn = arn:aws:iam::444455556666:role/keyspan-state-demo
role_session_name = keyspan-apply-demo
source_profile = my sso
region = eu-west-1
`);
});

test.each([
  [["demo"], "aws-config: one of plan, apply must stand behind the account, got nothing"],
  [["demo", "deploy"], 'got "deploy"; write npm run aws-config -- demo plan'],
  [["demo", "plan", "keys"], 'got "plan keys"'],
  [["nope", "plan"], 'the account must be one of demo, got "nope"'],
  [
    ["demo", "plan", "--output=x"],
    "aws-config: a flag must be one of --credential-source, --source-profile, got --output",
  ],
])("fails for %j", async (argv, message) => {
  await expect(print(argv)).rejects.toThrow(message);
});
