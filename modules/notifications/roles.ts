/**
 * The roles of the notification stack: one per service and purpose, in no region.
 *
 * What a role's trust is bound to depends on what each service documents that it sends. EventBridge's
 * guide names no condition for the roles of rules, so those carry `IfExists`: a role that cannot be
 * taken would silence every alert.
 */
import type { ITerraformDependable } from "cdktf";
import type { Construct } from "constructs";
import type { Conditions, IdentityStatement } from "../iam/policy";
import { ServiceRole } from "../iam/service-role";
import {
  ANNOUNCE_RULE,
  FORWARD_RULE_PREFIX,
  HUB_BUS,
  KEYSPAN_EVENTS,
  ROLES,
  SCHEDULE_GROUP,
  STATE_MACHINES,
} from "../names";
import {
  type AwsLocation,
  EVENTBRIDGE_PRINCIPAL,
  eventBusArn,
  ruleArn,
  SCHEDULER_PRINCIPAL,
  STATES_PRINCIPAL,
  scheduleGroupArn,
  stateMachineArn,
} from "../partition";

/** Props of {@link defineRoles}. */
export interface RolesProps {
  /** The home region. */
  readonly homeAt: AwsLocation;
  /** The regions that are watched. */
  readonly ats: readonly AwsLocation[];
  /** ARN of the organisation's hub, if it is in another account. */
  readonly organizationHubArn?: string;
  /** ARNs of the keys whose description the canary writes, one per region. */
  readonly canaryKeyArns: readonly string[];
  /** What each state machine may do. */
  readonly permissions: {
    readonly announce: readonly IdentityStatement[];
    readonly sweep: readonly IdentityStatement[];
    readonly trailCheck: readonly IdentityStatement[];
  };
}

/** ARNs of the roles: tokens, so that whoever uses one waits for it. */
export interface NotificationRoles {
  readonly forwardToHub: string;
  /** `undefined` if there is no other hub to forward to. */
  readonly forwardToOrganization?: string;
  readonly startAnnounce: string;
  readonly announce: string;
  readonly sweep: string;
  readonly trailCheck: string;
  readonly startChecks: string;
  readonly putEvents: string;
  readonly canary: string;
  /** The policies of all of them, for what needs the roles to be able to do their work. */
  readonly policies: readonly ITerraformDependable[];
}

/** Defines the roles. */
export function defineRoles(scope: Construct, props: RolesProps): NotificationRoles {
  const { homeAt, ats, organizationHubArn } = props;
  const anyRegion = { ...homeAt, region: "*" };
  const put = (Sid: string, Resource: string | readonly string[]): IdentityStatement => ({
    Sid,
    Effect: "Allow",
    Action: "events:PutEvents",
    Resource,
  });
  const policies: ITerraformDependable[] = [];
  const define = (
    name: keyof typeof ROLES,
    servicePrincipal: string,
    description: string,
    trustCondition: Conditions,
    permissions: readonly IdentityStatement[],
  ): string => {
    const role = new ServiceRole(scope, `Role-${name}`, {
      roleName: ROLES[name],
      addressName: ROLES[name],
      description: `Keyspan: ${description}`,
      servicePrincipal,
      trustCondition,
      permissions,
    });
    policies.push(role.policy);
    return role.roleArn;
  };

  // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-cross-account.html
  const fromRules = (arnPattern: string): Conditions => ({
    StringEqualsIfExists: { "aws:SourceAccount": homeAt.account },
    ArnLikeIfExists: { "aws:SourceArn": arnPattern },
  });
  // https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
  const fromMachines: Conditions = {
    StringEquals: { "aws:SourceAccount": homeAt.account },
    ArnLike: { "aws:SourceArn": stateMachineArn(anyRegion, "*") },
  };
  // https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
  const fromSchedules: Conditions = {
    StringEquals: { "aws:SourceAccount": homeAt.account },
    ArnLike: { "aws:SourceArn": scheduleGroupArn(anyRegion, SCHEDULE_GROUP) },
  };
  const forwarders = fromRules(ruleArn(anyRegion, `${FORWARD_RULE_PREFIX}*`));
  return {
    forwardToHub: define(
      "forwardToHub",
      EVENTBRIDGE_PRINCIPAL,
      "rules of every region put events on the hub",
      forwarders,
      [put("PutsOnHub", eventBusArn(homeAt, HUB_BUS))],
    ),
    ...(organizationHubArn !== undefined && {
      forwardToOrganization: define(
        "forwardToOrganization",
        EVENTBRIDGE_PRINCIPAL,
        "rules of every region put events on the organisation's hub",
        forwarders,
        [put("PutsOnOrganizationHub", organizationHubArn)],
      ),
    }),
    startAnnounce: define(
      "startAnnounce",
      EVENTBRIDGE_PRINCIPAL,
      "the hub starts announce",
      fromRules(ruleArn(homeAt, ANNOUNCE_RULE, HUB_BUS)),
      [
        {
          Sid: "StartsAnnounce",
          Effect: "Allow",
          Action: "states:StartExecution",
          Resource: stateMachineArn(homeAt, STATE_MACHINES.announce),
        },
      ],
    ),
    announce: define(
      "announce",
      STATES_PRINCIPAL,
      "announce publishes messages",
      fromMachines,
      props.permissions.announce,
    ),
    sweep: define(
      "sweep",
      STATES_PRINCIPAL,
      "the sweep reads keys, rules and subscriptions",
      fromMachines,
      props.permissions.sweep,
    ),
    trailCheck: define(
      "trailCheck",
      STATES_PRINCIPAL,
      "the trail check reads the trail",
      fromMachines,
      props.permissions.trailCheck,
    ),
    startChecks: define(
      "startChecks",
      SCHEDULER_PRINCIPAL,
      "schedules start the sweep and the trail check",
      fromSchedules,
      [
        {
          Sid: "StartsChecks",
          Effect: "Allow",
          Action: "states:StartExecution",
          Resource: ats.flatMap((at) => [
            stateMachineArn(at, STATE_MACHINES.sweep),
            stateMachineArn(at, STATE_MACHINES.trailCheck),
          ]),
        },
      ],
    ),
    putEvents: define(
      "putEvents",
      SCHEDULER_PRINCIPAL,
      "schedules put heartbeats and test messages on the default bus",
      fromSchedules,
      [
        {
          ...put(
            "PutsHeartbeats",
            ats.map((at) => eventBusArn(at, "default")),
          ),
          Condition: {
            StringEquals: {
              "events:source": [
                KEYSPAN_EVENTS.heartbeat.source,
                KEYSPAN_EVENTS.pulse.source,
                KEYSPAN_EVENTS.testMessage.source,
              ],
            },
          },
        },
      ],
    ),
    canary: define(
      "canary",
      SCHEDULER_PRINCIPAL,
      "schedules write a key's description as it is, for CloudTrail to record",
      fromSchedules,
      [
        {
          Sid: "WritesDescription",
          Effect: "Allow",
          Action: "kms:UpdateKeyDescription",
          Resource: props.canaryKeyArns,
        },
      ],
    ),
    policies,
  };
}
