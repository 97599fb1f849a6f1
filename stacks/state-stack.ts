import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { LocalBackend, S3Backend, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import type { AccountConfig } from "../config/account-config";
import { showValue, ValidationError } from "../modules/errors";
import {
  MAX_TRUST_POLICY_CHARACTERS,
  pathAndName,
  StateRole,
  trustPolicy,
} from "../modules/iam/state-role";
import { type StateRole as StateRoleKind, statePolicy } from "../modules/iam/state-role-policy";
import { archiveStackId, stateObjectKey } from "../modules/names";
import { parseArn } from "../modules/partition";
import { STATE_ROLE_TAG, StateBucket } from "../modules/s3/state-bucket";
import { BOOTSTRAP_STATE_KEY } from "../modules/s3/state-keys";
import { type ResourceAddress, showAddress } from "../modules/terraform/address";
import { addStateChanges } from "../modules/terraform/state-changes";
import { KEY_STACK_ID } from "./key-stack";
import { NOTIFICATION_STACK_ID } from "./notification-stack";

/** Id of the stack of the state bucket and the state roles. */
export const STATE_STACK_ID = "state";

/** File of the stack's state until the bucket is there, seen from the stack's folder. */
export const LOCAL_STATE_FILE = "../../local.tfstate";

/**
 * Keys of all stacks' states in the default workspace, where nothing is; `*` stands for a region.
 *
 * All regions, so that the roles do not change when an account gets another one.
 */
export const DEFAULT_WORKSPACE_KEYS: readonly string[] = [
  stateObjectKey(KEY_STACK_ID),
  stateObjectKey(NOTIFICATION_STACK_ID),
  stateObjectKey(archiveStackId("*")),
];

/**
 * Roles that an AWS account may have, unless AWS was asked for more.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entities
 */
export const MAX_ROLES = 1000;

/** Props of a {@link StateStack}. */
export interface StateStackProps {
  /** Every account whose states are in the bucket, at least one. */
  readonly accounts: readonly AccountConfig[];
  /** Where the stack's own state is: in {@link LOCAL_STATE_FILE}, or in the bucket. */
  readonly backend: "local" | "bucket";
  /** What exists in AWS and is in no state yet: addresses, and ids to import. */
  readonly adopt?: readonly { readonly to: string; readonly importId: string }[];
}

/** What of the stack AWS knows by a name of its own, so that it can be there already. */
export interface NamedObject {
  readonly kind: "bucket" | "role";
  readonly name: string;
  /** Where Terraform keeps it. */
  readonly address: string;
}

/**
 * The bucket of Terraform's states and, for each account, the role that writes its states and the one
 * that reads them.
 *
 * It is applied by an administrator of the account that owns the bucket, with the credentials of the
 * environment: none of the roles exists before it.
 */
export class StateStack extends TerraformStack {
  /** The bucket and the roles. */
  readonly namedObjects: readonly NamedObject[];

  /** @throws {ValidationError} with all that is wrong between the accounts */
  constructor(scope: Construct, { accounts, backend, adopt = [] }: StateStackProps) {
    super(scope, STATE_STACK_ID);
    const [first] = accounts;
    if (first === undefined) {
      throw new Error("StateStack needs an account");
    }
    checkStateAccounts(accounts);
    const { partition, state } = first;

    if (backend === "local") {
      new LocalBackend(this, { path: LOCAL_STATE_FILE });
    } else {
      new S3Backend(this, {
        bucket: state.bucket,
        region: state.region,
        key: BOOTSTRAP_STATE_KEY,
        encrypt: true,
        allowedAccountIds: [state.account],
      });
      // CDKTF 0.21 has no property for S3's own locks.
      this.addOverride("terraform.backend.s3.use_lockfile", true);
    }
    new AwsProvider(this, "Aws", {
      region: state.region,
      allowedAccountIds: [state.account],
      defaultTags: [{ tags: { ...commonTags(accounts), "keyspan:stack": STATE_STACK_ID } }],
    });
    new DataAwsCallerIdentity(this, "Caller", {
      lifecycle: {
        postcondition: [
          {
            condition: `\${startswith(self.arn, "arn:${partition}:")}`,
            errorMessage: `The credentials must be of partition ${partition}, where bucket ${state.bucket} is.`,
          },
        ],
      },
    }).overrideLogicalId("caller");

    const bucket = new StateBucket(this, "Bucket", {
      bucketName: state.bucket,
      partition,
      addressName: "state",
    });
    this.namedObjects = [
      { kind: "bucket", name: state.bucket, address: showAddress(bucket.address) },
      ...accounts.flatMap((account) =>
        (["state-write", "state-read"] as const).map((kind): NamedObject => {
          const roleArn = roleArnOf(account, kind);
          return {
            kind: "role",
            name: pathAndName(roleArn).name,
            address: showAddress(this.defineRole(account, kind)),
          };
        }),
      ),
    ];
    addStateChanges(this, { forget: [], adopt, move: [] });
  }

  private defineRole(account: AccountConfig, kind: StateRoleKind): ResourceAddress {
    const { partition, workspace, state } = account;
    const verb = kind === "state-write" ? "write" : "read";
    return new StateRole(this, `${workspace}-${verb}`, {
      roleArn: roleArnOf(account, kind),
      addressName: `${workspace}-${verb}`,
      description: `Keyspan: ${verb}s the Terraform states of account ${workspace}`,
      trusted: trustedBy(account, kind),
      permissions: statePolicy(
        {
          partition,
          bucket: state.bucket,
          keyPrefix: state.keyPrefix,
          workspace,
          stateObjectKeys: DEFAULT_WORKSPACE_KEYS,
        },
        kind,
      ),
      tags: { [STATE_ROLE_TAG]: state.bucket, "keyspan:account": workspace },
    }).address;
  }
}

/**
 * Roles that may take a state role. Writers may take the reading one too: whoever applies plans first.
 */
function trustedBy({ state }: AccountConfig, kind: StateRoleKind): readonly string[] {
  return kind === "state-write" ? state.writers : [...state.writers, ...state.readers];
}

function roleArnOf({ state }: AccountConfig, kind: StateRoleKind): string {
  return kind === "state-write" ? state.writeRole : state.readRole;
}

/** Tags that all accounts give the same value. */
function commonTags([first, ...others]: readonly AccountConfig[]): Readonly<
  Record<string, string>
> {
  return Object.fromEntries(
    Object.entries(first?.tags ?? {}).filter(([key, value]) =>
      others.every(({ tags }) => Object.hasOwn(tags, key) && tags[key] === value),
    ),
  );
}

/** @throws {ValidationError} with all that is wrong between accounts that share a bucket */
function checkStateAccounts(accounts: readonly AccountConfig[]): void {
  const problems = [
    ...bucketProblems(accounts),
    ...accounts.flatMap(trustProblems),
    ...roleProblems(accounts),
    ...prefixProblems(accounts),
  ];
  if (problems.length > 0) {
    throw new ValidationError(problems.join("\n"));
  }
}

/** One bucket has one region and one owner. */
function bucketProblems([first, ...others]: readonly AccountConfig[]): readonly string[] {
  return others.flatMap(({ workspace, state }) =>
    (["region", "account"] as const).flatMap((field) =>
      first === undefined || state[field] === first.state[field]
        ? []
        : [
            `${workspace}: state.${field} must be that of account ${first.workspace}, ${first.state[field]}, since both have their states in bucket ${state.bucket}, got ${showValue(state[field])}; correct one of the two, or name another bucket`,
          ],
    ),
  );
}

function trustProblems(account: AccountConfig): readonly string[] {
  const { workspace, state } = account;
  return [
    ...(state.writers.length === 0
      ? [
          `${workspace}: state.writers must name at least one role that may take ${state.writeRole}, got nothing; name the role that your pipeline starts with, in the account's file or in defaults.yaml`,
        ]
      : []),
    ...(["state-write", "state-read"] as const).flatMap((kind) => {
      const { length } = trustPolicy(trustedBy(account, kind));
      return length <= MAX_TRUST_POLICY_CHARACTERS
        ? []
        : [
            `${workspace}: the trust policy of ${roleArnOf(account, kind)} must have at most ${MAX_TRUST_POLICY_CHARACTERS} characters (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html), got ${length}; name fewer roles in state.writers and state.readers`,
          ];
    }),
  ];
}

/** Every state role is one account's alone and has no other use: what it may do is written for that. */
function roleProblems(accounts: readonly AccountConfig[]): readonly string[] {
  const owners = new Map<string, string>();
  const problems: string[] = [];
  for (const account of accounts) {
    const { workspace, state } = account;
    for (const field of ["writeRole", "readRole"] as const) {
      // IAM tells names of roles apart neither by their path nor by capitals.
      const name = pathAndName(state[field]).name.toLowerCase();
      const other = owners.get(name);
      if (other !== undefined) {
        problems.push(
          `${workspace}: state.${field} must be a role of its own, got ${state[field]}, whose name is that of ${other}; give each account two roles, such as keyspan-state-<workspace> and keyspan-state-<workspace>-read`,
        );
      }
      owners.set(name, `${workspace}: state.${field}`);
    }
  }
  const count = 2 * accounts.length;
  if (count > MAX_ROLES) {
    problems.push(
      `${accounts.length} accounts: the roles of account ${accounts[0]?.state.account} must be at most ${MAX_ROLES} (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html), got ${count} state roles alone; put the states of some accounts into a bucket of another account`,
    );
  }
  for (const account of accounts) {
    const { workspace, state, deployRole, nextDeployRole, planRole } = account;
    const others = [deployRole, nextDeployRole, planRole, ...state.writers, ...state.readers];
    for (const roleArn of others) {
      const owner =
        roleArn === undefined || parseArn(roleArn)?.account !== state.account
          ? undefined
          : owners.get(pathAndName(roleArn).name.toLowerCase());
      if (owner !== undefined) {
        problems.push(
          `${workspace}: ${roleArn} must not be a state role, got that of ${owner}; name another role`,
        );
      }
    }
  }
  return problems;
}

/** A role may do all below its account's prefix: another account's states must not be there. */
function prefixProblems(accounts: readonly AccountConfig[]): readonly string[] {
  const folders = new Map(accounts.map((account) => [folderOf(account), account] as const));
  return accounts.flatMap((account) => {
    const parts = folderOf(account).split("/");
    return parts.slice(1).flatMap((_, depth) => {
      const around = folders.get(parts.slice(0, depth + 1).join("/"));
      return around === undefined
        ? []
        : [
            `${account.workspace}: state.keyPrefix must not be below the states of account ${around.workspace}, ${folderOf(around)}/, whose role could write them, got ${showValue(account.state.keyPrefix)}; choose another prefix`,
          ];
    });
  });
}

function folderOf({ workspace, state }: AccountConfig): string {
  return `${state.keyPrefix}/${workspace}`;
}
