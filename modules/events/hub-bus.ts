import { CloudwatchEventBus } from "@cdktf/provider-aws/lib/cloudwatch-event-bus";
import { CloudwatchEventBusPolicy } from "@cdktf/provider-aws/lib/cloudwatch-event-bus-policy";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { exactRoles, renderPolicy, type Statement } from "../iam/policy";
import { HUB_BUS, ROLES } from "../names";
import { type AwsLocation, eventBusArn, roleArn } from "../partition";
import { BUS_POLICY_LIMIT } from "./bus-policy";

/** Props of a {@link HubBus}. */
export interface HubBusProps {
  /** Where the hub is: the home region. */
  readonly at: AwsLocation;
  /** Organisation whose accounts forward here too. @default - this account alone */
  readonly organizationId?: string;
}

/**
 * The event bus to which every region of the account forwards, and, if it is the organisation's hub,
 * every region of the organisation's other accounts.
 *
 * It is encrypted with a key that AWS owns: an alert must not depend on a key that it is about.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-bus-to-bus.html
 */
export class HubBus extends Construct {
  /** Name of the bus: a token, so that whoever uses it waits for the bus. */
  readonly eventBusName: string;
  /** ARN of the bus: a token, so that whoever uses it waits for the bus. */
  readonly eventBusArn: string;
  /** Its policy, for whoever puts events on it. */
  readonly policy: ITerraformDependable;

  constructor(scope: Construct, id: string, props: HubBusProps) {
    super(scope, id);
    const { region } = props.at;
    const bus = new CloudwatchEventBus(this, "Resource", {
      name: HUB_BUS,
      description: "Keyspan: what every region forwards, on its way to announce",
      region,
    });
    bus.overrideLogicalId("hub");
    const policy = new CloudwatchEventBusPolicy(this, "Policy", {
      eventBusName: bus.name,
      region,
      policy: renderPolicy(hubStatements(props), BUS_POLICY_LIMIT, HUB_BUS),
    });
    policy.overrideLogicalId("hub");
    this.policy = policy;
    this.eventBusName = bus.name;
    this.eventBusArn = bus.arn;
  }
}

/**
 * The forwarders and nobody else. The account's own need the policy's consent too, or so EventBridge's
 * guide reads; the denial keeps out whoever else of the account has IAM permissions.
 */
function hubStatements({ at, organizationId }: HubBusProps): readonly Statement[] {
  const put = { Action: "events:PutEvents", Resource: eventBusArn(at, HUB_BUS) } as const;
  const forwarder = roleArn(at, ROLES.forwardToHub);
  return [
    { Sid: "ForwarderPuts", Effect: "Allow", ...exactRoles([forwarder]), ...put },
    ...(organizationId === undefined
      ? []
      : [
          {
            Sid: "OrganizationForwards",
            Effect: "Allow",
            Principal: "*",
            ...put,
            Condition: {
              StringEquals: { "aws:PrincipalOrgID": organizationId },
              StringNotEquals: { "aws:PrincipalAccount": at.account },
              ArnLike: {
                "aws:PrincipalArn": roleArn({ ...at, account: "*" }, ROLES.forwardToOrganization),
              },
            },
          } satisfies Statement,
        ]),
    {
      Sid: "DenyUnnamed",
      Effect: "Deny",
      Principal: "*",
      ...put,
      Condition: {
        StringEquals: { "aws:PrincipalAccount": at.account },
        ArnNotEquals: { "aws:PrincipalArn": [forwarder] },
      },
    },
  ];
}
