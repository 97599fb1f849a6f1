/** Whether an account still is protected in AWS, whatever its file says by now. */
import * as z from "zod";
import { ValidationError } from "../../modules/errors";
import { DENY_DELETION, DEPLOY_ROLE_SCHEDULES_DELETION } from "../../modules/kms/key-policy";
import { LOGS_CANNOT_BE_CHANGED } from "../../modules/s3/log-bucket";
import type { StackState, StateResource } from "./state-bucket";

const policySchema = z.object({
  Statement: z.array(z.object({ Sid: z.string().default("") })).default([]),
});

/**
 * Refuses to destroy what was applied with `protect: true`: Terraform reads `prevent_destroy` from the
 * configuration of the day, so that without an apply in between everything else would be gone before
 * KMS and S3 refuse the rest.
 *
 * @param workspace - name of the account
 * @param states - of all stacks
 * @param applyCommand - what applies the account's file
 * @throws {ValidationError} with everything that still is protected
 * @see https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle#prevent_destroy
 */
export function refuseDeployedProtection(
  workspace: string,
  states: ReadonlyMap<string, StackState>,
  applyCommand: string,
): void {
  const guarded = [...states].flatMap(([stack, { resources }]) =>
    resources.filter(isProtected).map(({ address }) => `  ${stack}: ${address}`),
  );
  if (guarded.length > 0) {
    throw new ValidationError(
      [
        `destroy: protect: false must be applied to account ${workspace} before it is destroyed, got ${guarded.length === 1 ? "a policy" : `${guarded.length} policies`} of protect: true; nothing has been changed: ${applyCommand}, then destroy`,
        ...guarded,
      ].join("\n"),
    );
  }
}

function isProtected({ type, attributes }: StateResource): boolean {
  const sids = sidsOf(attributes.policy);
  return type === "aws_kms_key" || type === "aws_kms_replica_key"
    ? sids.includes(DENY_DELETION) && !sids.includes(DEPLOY_ROLE_SCHEDULES_DELETION)
    : type === "aws_s3_bucket_policy" && sids.includes(LOGS_CANNOT_BE_CHANGED);
}

/** Sids of a policy; none if a resource that was made only half has no policy yet. */
function sidsOf(policy: unknown): readonly string[] {
  if (typeof policy !== "string" || policy === "") {
    return [];
  }
  return policySchema.parse(JSON.parse(policy)).Statement.map(({ Sid }) => Sid);
}
