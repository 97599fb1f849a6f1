import { createHash } from "node:crypto";
import { type AwsLocation, arn, parseArn } from "../../modules/partition";
import { IAM_ROLES } from "./iam";
import type { SimulatedAws } from "./simulated-aws";

/** Name of the session in which the caller uses its role. */
const SESSION_NAME = "keyspan-sandbox";

/** Who makes the calls. */
export interface CallerIdentity {
  /** Account id. */
  readonly account: string;
  /** ARN of the session, not of the role. */
  readonly arn: string;
  /** Unique id of the role, a colon, and the name of the session. */
  readonly userId: string;
}

/**
 * STS in one region.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
 */
export class Sts {
  constructor(
    private readonly aws: SimulatedAws,
    private readonly at: AwsLocation,
  ) {}

  /**
   * Never refused, whatever the caller may do.
   *
   * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
   */
  getCallerIdentity(): Promise<CallerIdentity> {
    return this.aws.read("STS: GetCallerIdentity", this.at.region, () => {
      const { account, partition, roleArn } = this.aws.caller;
      // The ARN of a session has no path: only the name is left of the role's ARN.
      const role = parseArn(roleArn)?.resource.split("/").at(-1) ?? roleArn;
      return {
        account,
        arn: arn({
          partition,
          service: "sts",
          account,
          resource: `assumed-role/${role}/${SESSION_NAME}`,
        }),
        userId: `${this.uniqueIdOf(role)}:${SESSION_NAME}`,
      };
    });
  }

  /** A role that no stack has made has an id too: always the same for the same ARN. */
  private uniqueIdOf(role: string): string {
    const made = this.aws.store.get(IAM_ROLES, undefined, role)?.uniqueId;
    const digits = createHash("sha256").update(this.aws.caller.roleArn).digest("hex");
    return made ?? `AROA${digits.slice(0, 17).toUpperCase()}`;
  }
}
