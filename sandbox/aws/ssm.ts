import * as z from "zod";
import { type AwsLocation, arn } from "../../modules/partition";
import { AwsError } from "./aws-error";
import type { ObjectKind } from "./object-store";
import type { SimulatedAws } from "./simulated-aws";

const parameterSchema = z.object({
  name: z.string(),
  arn: z.string(),
  type: z.enum(["String", "StringList", "SecureString"]),
  value: z.string(),
  version: z.number(),
});

/** A parameter of Systems Manager as the simulated account keeps it. */
export type ParameterObject = z.output<typeof parameterSchema>;

/** Where parameters are kept: by name. */
export const PARAMETERS: ObjectKind<ParameterObject> = {
  folder: "ssm-parameters",
  schema: parameterSchema,
};

/**
 * ARN of a parameter. A name may begin with a slash, which is then the one behind `parameter`.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
 */
export function parameterArn(at: AwsLocation, name: string): string {
  return arn({ ...at, service: "ssm", resource: `parameter/${name.replace(/^\//, "")}` });
}

/**
 * Parameters of Systems Manager in one region. They come from seeding: no stack makes one.
 *
 * @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/Welcome.html
 */
export class Ssm {
  constructor(
    private readonly aws: SimulatedAws,
    private readonly at: AwsLocation,
  ) {}

  /**
   * A parameter by its name or ARN.
   *
   * @param withDecryption - whether the value of a `SecureString` is its text; else it is no use
   * @throws {AwsError} `ParameterNotFound`
   * @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
   */
  getParameter(name: string, withDecryption: boolean): Promise<ParameterObject> {
    return this.aws.read("SSM: GetParameter", this.at.region, () => {
      const parameter =
        this.aws.store.get(PARAMETERS, this.at.region, name) ??
        this.aws.store
          .list(PARAMETERS, this.at.region)
          .map(([, other]) => other)
          .find((other) => other.arn === name);
      if (parameter === undefined) {
        // SSM says no more.
        throw new AwsError("ParameterNotFound", "UnknownError");
      }
      return parameter.type === "SecureString" && !withDecryption
        ? { ...parameter, value: Buffer.from(`encrypted ${parameter.value}`).toString("base64") }
        : parameter;
    });
  }
}
