import type { AccountConfig } from "../../config/account-config";
import type { Conditions } from "../../modules/iam/policy";
import { trustPolicy } from "../../modules/iam/state-role";
import { accountRootArn, arn, parseArn, SERVICE_SUFFIX } from "../../modules/partition";
import { type AccountRole, roleArnOf } from "../aws-access";
import { type PolicyDocument, policyDocument } from "./policy-document";

/** A role as the command line names it. */
export type PermissionRole = "plan" | "apply" | "state-read" | "state-write";

/** The role's ARN in the configuration. */
export function printedRoleArn(account: AccountConfig, role: PermissionRole): string {
  return roleArnOf(account, role === "apply" ? "deploy" : role);
}

/** Who may assume a role, as IAM takes it. */
export interface TrustDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly TrustStatement[];
}

interface TrustStatement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Principal: { readonly AWS: string | readonly string[] } | { readonly Federated: string };
  readonly Action: string;
  readonly Condition?: Conditions;
}

/** Roles that read only, and roles that also write. */
const ONLY_READS: readonly PermissionRole[] = ["plan", "state-read"];

/**
 * ARNs of those who may assume a role: whoever the command line names, or else whom the account's
 * configuration lets take the state roles, which the same people and pipelines need. None if nobody
 * is named.
 */
export function takersOf(
  { state }: AccountConfig,
  role: PermissionRole,
  trusted: readonly string[],
): readonly string[] {
  if (trusted.length > 0) {
    return [...new Set(trusted)].sort();
  }
  return ONLY_READS.includes(role)
    ? [...new Set([...state.writers, ...state.readers])].sort()
    : state.writers;
}

/**
 * Trust policy of a role. Without takers the whole account of the role is trusted, which is to be
 * narrowed.
 */
export function trustOf(
  account: AccountConfig,
  role: PermissionRole,
  takers: readonly string[],
): TrustDocument {
  if (takers.length > 0) {
    return JSON.parse(trustPolicy(takers)) as TrustDocument;
  }
  const { partition, account: owner } = parseArn(printedRoleArn(account, role)) ?? {
    partition: account.partition,
    account: account.id,
  };
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "WholeAccountTakesIt",
        Effect: "Allow",
        Principal: { AWS: accountRootArn({ partition, account: owner }) },
        Action: "sts:AssumeRole",
      },
    ],
  };
}

/** A repository whose workflows take a role of the pipeline. */
export interface GithubRepository {
  /** `<owner>/<name>` */
  readonly repository: string;
  /** Branch whose scheduled and pushed workflows may plan. */
  readonly branch: string;
}

/** A role that a job takes with GitHub's token, and from which Keyspan takes the others. */
export interface PipelineRole {
  readonly roleArn: string;
  readonly trustPolicy: TrustDocument;
  readonly policy: PolicyDocument;
}

/** Host that issues GitHub's tokens, also the name of its identity provider in IAM. */
const GITHUB_ISSUER = "token.actions.githubusercontent.com";

/**
 * The roles that a job takes first: Keyspan's commands assume the account's roles from there.
 *
 * A role that only reads is taken by pull requests and by workflows of the branch, such as the
 * nightly drift; one that also writes only by jobs of the protected environment that is named as the
 * account, so that GitHub asks for approval first. Subjects are compared as they are: `StringEquals`
 * takes no wildcard. `aud` is what the official action asks for unless it is told another.
 *
 * @see https://docs.github.com/en/actions/reference/security/oidc
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
 */
export function pipelineRoles(
  account: AccountConfig,
  role: PermissionRole,
  takers: readonly string[],
  { repository, branch }: GithubRepository,
): readonly PipelineRole[] {
  return takers.flatMap((taker): PipelineRole[] => {
    const parts = parseArn(taker);
    if (parts === undefined) {
      return [];
    }
    const onlyReads = ONLY_READS.includes(role) && !account.state.writers.includes(taker);
    return [
      {
        roleArn: taker,
        trustPolicy: {
          Version: "2012-10-17",
          Statement: [
            {
              Sid: "GithubTakesIt",
              Effect: "Allow",
              Principal: {
                Federated: arn({
                  partition: parts.partition,
                  service: "iam",
                  account: parts.account,
                  resource: `oidc-provider/${GITHUB_ISSUER}`,
                }),
              },
              Action: "sts:AssumeRoleWithWebIdentity",
              Condition: {
                StringEquals: {
                  [`${GITHUB_ISSUER}:aud`]: `sts${SERVICE_SUFFIX}`,
                  [`${GITHUB_ISSUER}:sub`]: onlyReads
                    ? [
                        `repo:${repository}:pull_request`,
                        `repo:${repository}:ref:refs/heads/${branch}`,
                      ]
                    : `repo:${repository}:environment:${account.workspace}`,
                },
              },
            },
          ],
        },
        policy: policyDocument([
          {
            Sid: "TakeRoles",
            Effect: "Allow",
            Action: "sts:AssumeRole",
            Resource: (onlyReads ? READERS_TAKE : WRITERS_TAKE).map((name) =>
              roleArnOf(account, name),
            ),
          },
        ]),
      },
    ];
  });
}

const READERS_TAKE: readonly AccountRole[] = ["plan", "state-read"];
const WRITERS_TAKE: readonly AccountRole[] = ["deploy", "plan", "state-read", "state-write"];
