/** `npm run keyspan -- permissions`, as it is called. */

import type { CommandIo } from "../../../cli/io";
import type { RolePermissions } from "../../../cli/keyspan/permissions";
import { runKeyspan } from "../../../cli/keyspan/program";
import { SMALL_ACCOUNT } from "../../helpers/sandbox-project";
import { tempAccounts } from "./temp-accounts";

const PIPELINE = "arn:aws:iam::444455556666:role/keyspan-pipeline";
const PULL_REQUESTS = "arn:aws:iam::444455556666:role/keyspan-pipeline-plan";
const NAMED = SMALL_ACCOUNT.replace(
  "  readRole:",
  `  writers: [${PIPELINE}]\n  readers: [${PULL_REQUESTS}]\n  readRole:`,
).replaceAll("111122223333", "777788889999");
const projectDirectory = tempAccounts({ small: SMALL_ACCOUNT, named: NAMED });

async function run(...argv: string[]) {
  let out = "";
  let err = "";
  const io: CommandIo = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    env: {},
    interactive: false,
    nodeVersion: process.versions.node,
    projectDirectory,
  };
  const exitCode = await runKeyspan(["permissions", ...argv], io);
  return { exitCode, out, err };
}

async function permissions(...argv: string[]): Promise<RolePermissions> {
  const { exitCode, out, err } = await run(...argv, "--json");
  expect([exitCode, err]).toEqual([0, ""]);
  return JSON.parse(out) as RolePermissions;
}

const trusting = (...arns: string[]) => ({
  Version: "2012-10-17",
  Statement: [
    {
      Sid: "NamedRolesTakeIt",
      Effect: "Allow",
      Principal: { AWS: ["arn:aws:iam::444455556666:root"] },
      Action: "sts:AssumeRole",
      Condition: { ArnEquals: { "aws:PrincipalArn": arns } },
    },
  ],
});

test.each([
  ["plan", "arn:aws:iam::777788889999:role/keyspan-plan", [PIPELINE, PULL_REQUESTS]],
  ["apply", "arn:aws:iam::777788889999:role/keyspan-deploy", [PIPELINE]],
  ["state-read", "arn:aws:iam::444455556666:role/keyspan-state-read", [PIPELINE, PULL_REQUESTS]],
  ["state-write", "arn:aws:iam::444455556666:role/keyspan-state", [PIPELINE]],
])("%s: the role, its policies, boundary and takers", async (role, roleArn, takers) => {
  const printed = await permissions("named", "--role", role);
  expect(printed).toMatchObject({ account: "named", role, roleArn, pipelineRoles: [] });
  expect(printed.policies.map(({ name }) => name)).toEqual(
    printed.policies.map((_, index) => `keyspan-named-${role}-${index + 1}`),
  );
  expect(printed.policies.length).toBeGreaterThan(0);
  expect(printed.boundary.name).toBe(`keyspan-named-${role}-boundary`);
  expect(printed.trustPolicy).toEqual(trusting(...takers));
});

test("whoever is trusted on the command line takes the place of the account's", async () => {
  const taker = "arn:aws:iam::444455556666:user/ops/ada";
  const { trustPolicy } = await permissions("named", "--role", "apply", "--trusted", taker);
  expect(trustPolicy).toEqual(trusting(taker));
});

test.each([
  ["apply", "111122223333"],
  ["state-write", "444455556666"],
])("%s: without anybody named the role's account is trusted, which is said", async (role, id) => {
  const { trustPolicy, notes } = await permissions("small", "--role", role);
  expect(trustPolicy).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "WholeAccountTakesIt",
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${id}:root` },
        Action: "sts:AssumeRole",
      },
    ],
  });
  expect(notes[0]).toBe(
    "The trust policy trusts the whole account: narrow it to the role that your pipeline takes first (--trusted, or state.writers and state.readers in the account's file).",
  );
});

describe("with --github", () => {
  const githubTrust = (sub: string | string[]) => ({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "GithubTakesIt",
        Effect: "Allow",
        Principal: {
          Federated: "arn:aws:iam::444455556666:oidc-provider/token.actions.githubusercontent.com",
        },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: {
          StringEquals: {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": sub,
          },
        },
      },
    ],
  });
  const taking = (...roles: string[]) => ({
    Version: "2012-10-17",
    Statement: [{ Sid: "TakeRoles", Effect: "Allow", Action: "sts:AssumeRole", Resource: roles }],
  });
  const account = (name: string) => `arn:aws:iam::777788889999:role/${name}`;
  const state = (name: string) => `arn:aws:iam::444455556666:role/${name}`;

  test("pull requests read, and the account's environment writes", async () => {
    const github = ["--github", "acme/keyspan"];
    const { pipelineRoles } = await permissions("named", "--role", "plan", ...github);
    const writer = {
      roleArn: PIPELINE,
      trustPolicy: githubTrust("repo:acme/keyspan:environment:named"),
      policy: taking(
        account("keyspan-deploy"),
        account("keyspan-plan"),
        state("keyspan-state-read"),
        state("keyspan-state"),
      ),
    };
    expect(pipelineRoles).toEqual([
      writer,
      {
        roleArn: PULL_REQUESTS,
        trustPolicy: githubTrust([
          "repo:acme/keyspan:pull_request",
          "repo:acme/keyspan:ref:refs/heads/main",
        ]),
        policy: taking(account("keyspan-plan"), state("keyspan-state-read")),
      },
    ]);
    const apply = await permissions("named", "--role", "apply", ...github);
    expect(apply.pipelineRoles).toEqual([writer]);
  });

  test("another branch plans", async () => {
    const { pipelineRoles } = await permissions(
      ...["small", "--role", "state-read", "--trusted", PULL_REQUESTS],
      ...["--github", "acme/keyspan", "--branch", "release/1"],
    );
    expect(pipelineRoles.map(({ trustPolicy }) => trustPolicy)).toEqual([
      githubTrust(["repo:acme/keyspan:pull_request", "repo:acme/keyspan:ref:refs/heads/release/1"]),
    ]);
  });
});

test("what is being removed is still the role's", async () => {
  const text = async (...argv: string[]) =>
    JSON.stringify((await permissions("small", "--role", "apply", ...argv)).policies);
  expect(await text()).not.toContain("archive/gone");
  expect(await text("--removing", "gone", "left")).toContain(
    '"arn:aws:events:*:111122223333:archive/gone","arn:aws:events:*:111122223333:archive/left"',
  );
});

test("people read each document under a title, and what to know", async () => {
  const { out } = await run("named", "--role", "state-read", "--github", "acme/keyspan");
  expect(out.split("\n").filter((line) => /^[A-Z-]/.test(line))).toEqual([
    "Role for state-read of account named: arn:aws:iam::444455556666:role/keyspan-state-read",
    "Policy 1 of 1, keyspan-named-state-read-1:",
    "Trust policy:",
    "Permissions boundary, keyspan-named-state-read-boundary:",
    `Trust policy of ${PIPELINE}, which jobs take first:`,
    `Policy of ${PIPELINE}:`,
    `Trust policy of ${PULL_REQUESTS}, which jobs take first:`,
    `Policy of ${PULL_REQUESTS}:`,
    "- npm run keyspan -- bootstrap makes this role with its policy and trust; this is for those who make it themselves.",
    "- Listing the bucket shows the names of other workspaces, not their contents.",
    "- A role that several accounts' jobs take first needs the subjects and the roles of all of them: merge what is printed for each. A trust policy holds 2,048 characters.",
  ]);
});

test.each([
  [["named"], "error: required option '--role <role>' not specified"],
  [
    ["named", "--role", "admin"],
    "error: option '--role <role>' argument 'admin' is invalid. Allowed choices are plan, apply, state-read, state-write.",
  ],
  [
    ["named", "--role", "plan", "--trusted", "arn:aws:iam::444455556666:role/*"],
    'permissions: --trusted must be the ARN of an IAM role or user, without wildcards, got "arn:aws:iam::444455556666:role/*"; name the role that your pipeline takes first',
  ],
  [
    ["named", "--role", "plan", "--github", "acme"],
    'permissions: --github must be <owner>/<repository>, got "acme"; take it from the repository\'s address',
  ],
  [
    ["named", "--role", "plan", "--github", "acme/keyspan", "--branch", "release*"],
    'permissions: --branch must be the name of a branch, got "release*"; leave it out for main',
  ],
  [
    ["small", "--role", "plan", "--github", "acme/keyspan"],
    "permissions: --github must have roles that the workflows take first, got none; name them under state.writers and state.readers of the account, or with --trusted",
  ],
])("%j is wrong usage", async (argv, message) => {
  const { exitCode, out, err } = await run(...argv);
  expect([exitCode, out, err.trimEnd()]).toEqual([64, "", message]);
});
