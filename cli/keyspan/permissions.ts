import { join } from "node:path";
import { Option } from "commander";
import type { AccountConfig } from "../../config/account-config";
import { loadLedger } from "../../config/ledger";
import { showValue } from "../../modules/errors";
import { statePolicy } from "../../modules/iam/state-role-policy";
import { parseArn } from "../../modules/partition";
import { DEFAULT_WORKSPACE_KEYS } from "../../stacks/state-stack";
import { accountScope } from "../permissions/account-scope";
import { boundaryOf } from "../permissions/boundary";
import { type PolicyDocument, policyDocument, splitPolicies } from "../permissions/policy-document";
import { rolePolicies } from "../permissions/role-policies";
import {
  type GithubRepository,
  type PermissionRole,
  type PipelineRole,
  pipelineRoles,
  printedRoleArn,
  type TrustDocument,
  takersOf,
  trustOf,
} from "../permissions/trust-policy";
import { ACCOUNTS_DIRECTORY } from "../synthesize";
import { selectAccount } from "./accounts-of";
import { type DefineCommand, EXIT_CODE, UsageError } from "./command";

const ROLES: readonly PermissionRole[] = ["plan", "apply", "state-read", "state-write"];

interface PermissionsOptions {
  readonly role: PermissionRole;
  readonly trusted?: readonly string[];
  readonly github?: string;
  readonly branch: string;
  readonly removing?: readonly string[];
}

/** What the command says of a role; with `--json` it is printed as it is. */
export interface RolePermissions {
  readonly account: string;
  readonly role: PermissionRole;
  readonly roleArn: string;
  /** Managed policies, all to be attached. Their names are a proposal. */
  readonly policies: readonly { readonly name: string; readonly document: PolicyDocument }[];
  readonly trustPolicy: TrustDocument;
  readonly boundary: { readonly name: string; readonly document: PolicyDocument };
  /** Roles that jobs on GitHub take first; with `--github`. */
  readonly pipelineRoles: readonly PipelineRole[];
  /** What to know before using them. */
  readonly notes: readonly string[];
}

/** `permissions <account> --role <role>`: prints what a role of the pipeline needs in IAM. */
export const definePermissions: DefineCommand = (program, io, act) => {
  program
    .command("permissions")
    .argument("<account>", "name of the account, as its file in accounts/ is called")
    .addOption(
      new Option("--role <role>", "role of the pipeline").choices(ROLES).makeOptionMandatory(),
    )
    .option(
      "--trusted <arn...>",
      "ARNs of those who may assume the role (default: state.writers and state.readers)",
    )
    .option("--github <owner/repository>", "also the roles that its workflows take first, by OIDC")
    .option("--branch <name>", "with --github: branch whose scheduled workflows may plan", "main")
    .option(
      "--removing <name...>",
      "buses and archives that the account's file does not name any more and that are still to be deleted",
    )
    .description("Prints the IAM policies, the trust policy and the boundary of a role.")
    .addHelpText(
      "after",
      `
Examples:
  npm run keyspan -- permissions prod --role plan
  npm run keyspan -- permissions prod --role apply --json
  npm run keyspan -- permissions prod --role apply --github acme/keyspan
  npm run keyspan -- permissions prod --role state-write`,
    )
    .action(
      act(async (workspace: string, options: PermissionsOptions) => {
        const account = selectAccount("permissions", workspace, io);
        const directory = join(io.projectDirectory ?? ".", ACCOUNTS_DIRECTORY);
        const permissions = rolePermissions(directory, account, options);
        return { exitCode: EXIT_CODE.done, text: show(permissions), json: permissions };
      }),
    );
};

function rolePermissions(
  directory: string,
  account: AccountConfig,
  options: PermissionsOptions,
): RolePermissions {
  const { role, trusted = [] } = options;
  const problems = trusted
    .filter((taker) => !/^(role|user)\/[^*?]+$/.test(iamResource(taker)))
    .map(
      (taker) =>
        `permissions: --trusted must be the ARN of an IAM role or user, without wildcards, got ${showValue(taker)}; name the role that your pipeline takes first`,
    );
  const github = options.github === undefined ? undefined : repositoryOf(options.github, options);
  if (problems.length > 0) {
    throw new UsageError(problems.join("\n"));
  }
  const takers = takersOf(account, role, trusted);
  if (github !== undefined && takers.length === 0) {
    throw new UsageError(
      "permissions: --github must have roles that the workflows take first, got none; name them under state.writers and state.readers of the account, or with --trusted",
    );
  }
  const name = `keyspan-${account.workspace}-${role}`;
  const { policies, boundary } = documentsOf(directory, account, options);
  return {
    account: account.workspace,
    role,
    roleArn: printedRoleArn(account, role),
    policies: policies.map((document, index) => ({ name: `${name}-${index + 1}`, document })),
    trustPolicy: trustOf(account, role, takers),
    boundary: { name: `${name}-boundary`, document: boundary },
    pipelineRoles: github === undefined ? [] : pipelineRoles(account, role, takers, github),
    notes: notesOf(role, takers, github),
  };
}

function documentsOf(
  directory: string,
  account: AccountConfig,
  { role, removing }: PermissionsOptions,
): { readonly policies: readonly PolicyDocument[]; readonly boundary: PolicyDocument } {
  if (role === "plan" || role === "apply") {
    const ledger = loadLedger(directory, account.workspace).content;
    const scope = accountScope({ account, ledger, ...(removing !== undefined && { removing }) });
    return { policies: rolePolicies(scope, role), boundary: boundaryOf(scope, role) };
  }
  const statements = statePolicy(
    {
      partition: account.partition,
      bucket: account.state.bucket,
      keyPrefix: account.state.keyPrefix,
      workspace: account.workspace,
      stateObjectKeys: DEFAULT_WORKSPACE_KEYS,
    },
    role,
  );
  return {
    policies: splitPolicies(statements, `${account.workspace}: role for ${role}`),
    boundary: policyDocument(statements),
  };
}

function iamResource(taker: string): string {
  const parts = parseArn(taker);
  return parts?.service === "iam" ? parts.resource : "";
}

function repositoryOf(repository: string, { branch }: PermissionsOptions): GithubRepository {
  if (!/^[A-Za-z0-9][A-Za-z0-9-]*\/[A-Za-z0-9._-]+$/.test(repository)) {
    throw new UsageError(
      `permissions: --github must be <owner>/<repository>, got ${showValue(repository)}; take it from the repository's address`,
    );
  }
  if (!/^[^\s*?:~^[\\]+$/.test(branch)) {
    throw new UsageError(
      `permissions: --branch must be the name of a branch, got ${showValue(branch)}; leave it out for main`,
    );
  }
  return { repository, branch };
}

function notesOf(
  role: PermissionRole,
  takers: readonly string[],
  github: GithubRepository | undefined,
): readonly string[] {
  const isOfAccount = role === "plan" || role === "apply";
  return [
    ...(takers.length === 0
      ? [
          "The trust policy trusts the whole account: narrow it to the role that your pipeline takes first (--trusted, or state.writers and state.readers in the account's file).",
        ]
      : []),
    ...(isOfAccount
      ? [
          "Buses and archives are named: attach what is printed for the new file before an apply that adds some; after one that removes some, or name them with --removing.",
          "What is done with a key that exists is granted by the key's own policy.",
        ]
      : [
          "npm run keyspan -- bootstrap makes this role with its policy and trust; this is for those who make it themselves.",
          "Listing the bucket shows the names of other workspaces, not their contents.",
        ]),
    ...(role === "apply"
      ? [
          "It makes ten roles, whose names it is bound to, and could give them any rights: let nobody but approved jobs take it, and bind the account by a service control policy.",
        ]
      : []),
    ...(github === undefined
      ? []
      : [
          "A role that several accounts' jobs take first needs the subjects and the roles of all of them: merge what is printed for each. A trust policy holds 2,048 characters.",
        ]),
  ];
}

function show(permissions: RolePermissions): string {
  const { account, role, roleArn, policies, trustPolicy, boundary } = permissions;
  const section = (title: string, document: object) =>
    `${title}\n\n${JSON.stringify(document, null, 2)}\n`;
  return [
    `Role for ${role} of account ${account}: ${roleArn}\n`,
    ...policies.map(({ name, document }, index) =>
      section(`Policy ${index + 1} of ${policies.length}, ${name}:`, document),
    ),
    section("Trust policy:", trustPolicy),
    section(`Permissions boundary, ${boundary.name}:`, boundary.document),
    ...permissions.pipelineRoles.flatMap((pipeline) => [
      section(`Trust policy of ${pipeline.roleArn}, which jobs take first:`, pipeline.trustPolicy),
      section(`Policy of ${pipeline.roleArn}:`, pipeline.policy),
    ]),
    `${permissions.notes.map((note) => `- ${note}`).join("\n")}\n`,
  ].join("\n");
}
