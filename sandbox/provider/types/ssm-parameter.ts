import { Ssm } from "../../aws/ssm";
import { doing } from "../calls";
import type { DataType } from "../resource-type";
import { textOf } from "../values";

/**
 * A parameter of Systems Manager. Only the value of one that is no secret is told in `insecure_value`.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/data-sources/ssm_parameter
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/ssm/parameter_data_source.go
 */
export const ssmParameter: DataType = {
  bindings: "data-aws-ssm-parameter",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/data-sources/ssm_parameter",
  sensitive: ["value"],

  async read({ aws, at }, config) {
    const name = textOf(config, "name");
    const withDecryption = config.with_decryption !== false;
    const { arn, type, value, version } = await doing(`reading SSM Parameter (${name})`, () =>
      new Ssm(aws, at).getParameter(name, withDecryption),
    );
    return {
      id: name,
      arn,
      insecure_value: type === "SecureString" ? null : value,
      region: at.region,
      type,
      value,
      version,
      with_decryption: withDecryption,
    };
  },
};
