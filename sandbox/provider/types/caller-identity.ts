import { Sts } from "../../aws/sts";
import type { DataType } from "../resource-type";

/**
 * Who the provider is: account and session.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/data-sources/caller_identity
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/sts/caller_identity_data_source.go
 */
export const callerIdentity: DataType = {
  bindings: "data-aws-caller-identity",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/data-sources/caller_identity",

  async read({ aws, at }) {
    const { account, arn, userId } = await new Sts(aws, at).getCallerIdentity();
    return { account_id: account, arn, id: account, user_id: userId };
  },
};
