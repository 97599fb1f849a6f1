import { statSync } from "node:fs";
import { join } from "node:path";
import {
  composeAwsConfig,
  type ProfilesProps,
  renderProfiles,
  writeAwsConfigFile,
} from "../../cli/aws-config-file";
import { loadAccount } from "../../config/load-account";
import { TempProject } from "../helpers/temp-project";

let project: TempProject;
let props: ProfilesProps;
beforeEach(() => {
  project = new TempProject();
  props = {
    account: loadAccount(join(project.directory, "accounts"), "demo"),
    purpose: "plan",
    sessionName: "diff",
    origin: { sourceProfile: "mine" },
  };
});
afterEach(() => project.remove());

const home = () => ({ HOME: join(project.directory, "home") });

test("puts the person's own config file in front", () => {
  const own = "[sso-session acme]\nsso_region = eu-west-1\n\n[profile mine]\nsso_session = acme\n";
  project.write("home/.aws/config", own);
  expect(composeAwsConfig(props, home())).toBe(`${own}
[profile keyspan]
role_arn = arn:aws:iam::111122223333:role/keyspan-plan
role_session_name = keyspan-diff-demo
source_profile = mine
region = eu-west-1

[profile keyspan-state]
role_arn = arn:aws:iam::444455556666:role/keyspan-state-demo-read
role_session_name = keyspan-diff-demo
source_profile = mine
region = eu-west-1
`);
});

test("reads the files that AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name", () => {
  project.write("home/.aws/config", "[profile wrong]\n");
  project.write("own-config", "[default]\nregion = eu-west-3\n");
  project.write("own-credentials", "[mine]\naws_access_key_id = AKIA\n");
  expect(
    composeAwsConfig(props, {
      ...home(),
      AWS_CONFIG_FILE: join(project.directory, "own-config"),
      AWS_SHARED_CREDENTIALS_FILE: join(project.directory, "own-credentials"),
    }),
  ).toBe(`[default]\nregion = eu-west-3\n\n${renderProfiles(props)}`);
});

test("needs no config file if the credentials file has the profile", () => {
  project.write("home/.aws/credentials", "[mine]\n");
  expect(composeAwsConfig(props, home())).toBe(renderProfiles(props));
});

test.each(["[profile mine]", "[ profile   mine ]", '[profile "mine"]', "  [profile mine] # SSO"])(
  "finds the profile in '%s'",
  (header) => {
    project.write("home/.aws/config", `${header}\n`);
    expect(composeAwsConfig(props, home())).toContain("source_profile = mine");
  },
);

test("finds the profile called default", () => {
  project.write("home/.aws/config", "[default]\n");
  expect(composeAwsConfig({ ...props, origin: { sourceProfile: "default" } }, home())).toContain(
    "source_profile = default",
  );
});

test.each(["", "[mine]", "[profile mine-too]", "# [profile mine]", "[sso-session mine]"])(
  "fails if the config file has only '%s'",
  (header) => {
    project.write("home/.aws/config", `${header}\n`);
    expect(() => composeAwsConfig(props, home())).toThrow(
      `--source-profile must be a profile of ${join(home().HOME, ".aws/config")} or ${join(home().HOME, ".aws/credentials")}, got "mine"; define it there, or name another`,
    );
  },
);

test.each(["keyspan", "keyspan-state"])("fails if the config file already has %s", (name) => {
  project.write("home/.aws/config", `[profile mine]\n[profile ${name}]\n`);
  expect(() => composeAwsConfig(props, home())).toThrow(
    `.aws/config: the file must have no section for keyspan or keyspan-state, got ${name}; this command gives both`,
  );
});

test("leaves a config file with these profiles alone if it is not needed", () => {
  project.write("home/.aws/config", "[profile keyspan]\n");
  const origin = { credentialSource: "EcsContainer" } as const;
  expect(composeAwsConfig({ ...props, origin }, home())).toBe(renderProfiles({ ...props, origin }));
});

test.each(["Environment", "EcsContainer"] as const)(
  "fails if the credentials file has keys for a profile of ours, with %s",
  (credentialSource) => {
    project.write("home/.aws/credentials", "[keyspan-state]\naws_access_key_id = AKIA\n");
    expect(() => composeAwsConfig({ ...props, origin: { credentialSource } }, home())).toThrow(
      ".aws/credentials: the file must have no section for keyspan or keyspan-state",
    );
  },
);

test("names credentials that the environment lacks", () => {
  const origin = { credentialSource: "Environment" } as const;
  expect(() => composeAwsConfig({ ...props, origin }, home())).toThrow(
    "got no AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY; set them, or add --source-profile <name>",
  );
});

test("keeps a session's name within STS's 64 characters for the longest account", () => {
  const account = { ...props.account, workspace: "a".repeat(32) };
  for (const sessionName of ["deploy", "diff", "destroy", "plan", "apply"]) {
    const text = renderProfiles({ ...props, account, sessionName });
    const name = /role_session_name = (.*)/.exec(text)?.[1] ?? "";
    expect(name).toMatch(/^[\w+=,.@-]{2,64}$/);
  }
});

test("takes each region from where it is: home region and the state's", () => {
  const account = { ...props.account, homeRegion: "cn-north-1" };
  expect(renderProfiles({ ...props, account }).match(/region = .*/g)).toEqual([
    "region = cn-north-1",
    "region = eu-west-1",
  ]);
});

test("replaces a file that others may read", () => {
  project.write("out/x.aws-config", "old");
  const path = join(project.directory, "out/x.aws-config");
  writeAwsConfigFile(path, "new");
  expect(project.read("out/x.aws-config")).toBe("new");
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
