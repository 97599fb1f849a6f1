/** The ways on which something is told, each through all the policies that it meets together. */
import type { AccountConfig } from "../../config/account-config";
import {
  decide,
  type PolicyDocument,
  type Principal,
  type RequestContext,
  service,
  sessionOf,
  showPrincipal,
} from "../helpers/iam";
import type { ResolvedPolicies, ResolvedPolicy } from "./resolved";
import { roleArnAt, watchedRegions } from "./role-table";

/** One request on the way. */
interface Step {
  readonly principal: Principal;
  readonly action: string;
  readonly resource: string;
  readonly context?: RequestContext;
  /** Policy of the resource. @default - it has none, so that IAM of its account decides */
  readonly policy?: PolicyDocument | undefined;
}

/**
 * What is refused on the ways on which events are forwarded and told, dead letters are kept, alarms
 * speak and checks run. Roles bring the policies that they have, services none.
 */
export async function pathProblems(
  account: AccountConfig,
  policies: ResolvedPolicies,
  alertsKeyArn: (region: string) => string,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const { principal, action, resource, context, policy } of steps(
    account,
    policies,
    alertsKeyArn,
  )) {
    const roleName = principal.kind === "role" ? principal.arn.split("/").at(-1) : undefined;
    const own = roleName === undefined ? undefined : policies.permissions.get(roleName)?.policy;
    const { allowed, because } = await decide({
      principal,
      action,
      resource,
      ...(context !== undefined && { context }),
      ...(own !== undefined && { identityPolicies: [own] }),
      ...(policy !== undefined && { resourcePolicy: policy }),
    });
    if (!allowed) {
      problems.push(
        `${showPrincipal(principal)} must be allowed ${action} on ${resource}: ${because.join(", ")}`,
      );
    }
  }
  return problems;
}

function steps(
  account: AccountConfig,
  policies: ResolvedPolicies,
  alertsKeyArn: (region: string) => string,
): readonly Step[] {
  const { partition, id, homeRegion } = account;
  const arn = (of: string, resource: string, region = homeRegion) =>
    `arn:${partition}:${of}:${region}:${id}:${resource}`;
  const from = (sourceArn: string): RequestContext => ({
    "aws:SourceArn": sourceArn,
    "aws:SourceAccount": id,
  });
  const role = (name: string) => sessionOf(roleArnAt(account, name));
  const on = (of: ResolvedPolicy | undefined) => ({
    resource: of?.resource ?? "nothing",
    policy: of?.policy,
  });
  const takes = (taker: string, name: string, sourceArn: string): Step => ({
    principal: service(`${taker}.amazonaws.com`),
    action: "sts:AssumeRole",
    ...on(policies.trust.get(name)),
    context: from(sourceArn),
  });
  /** A key that was here before has a policy of its own, which is not Keyspan's. */
  const uses = (principal: Principal, keyName: string, region: string, context?: RequestContext) =>
    ["kms:GenerateDataKey", "kms:Decrypt"].flatMap((action): readonly Step[] => {
      const key = policies.keys.get(`${keyName} in ${region}`);
      return key === undefined
        ? []
        : [{ principal, action, ...on(key), ...(context !== undefined && { context }) }];
    });
  const eventBridge = service("events.amazonaws.com");
  const cloudWatch = service("cloudwatch.amazonaws.com");
  const hub = on(policies.hubs.get(`keyspan-hub in ${homeRegion}`));
  const announceRule = arn("events", "rule/keyspan-hub/keyspan-announce");
  const announceQueue = on(policies.queues.get(`keyspan-dead-letter-announce in ${homeRegion}`));
  const logs = on(policies.logs.get(`keyspan-beats in ${homeRegion}`));

  const regional = watchedRegions(account).flatMap((region): readonly Step[] => {
    const rule = arn("events", "rule/keyspan-forward-kms-calls", region);
    const group = arn("scheduler", "schedule-group/keyspan", region);
    const machine = (name: string) => arn("states", `stateMachine:keyspan-${name}`, region);
    const defaultBus = arn("events", "event-bus/default", region);
    const starts = (name: string): readonly Step[] => [
      {
        principal: role("keyspan-start-checks"),
        action: "states:StartExecution",
        resource: machine(name),
      },
      takes("states", `keyspan-${name}`, machine(name)),
      {
        principal: role(`keyspan-${name}`),
        action: "events:PutEvents",
        resource: defaultBus,
        context: { "events:source": name === "sweep" ? "keyspan.sweep" : "keyspan.trail" },
      },
    ];
    const forwards = role("keyspan-forward-hub");
    const alertsKey = policies.keys.get(`alerts in ${region}`);
    return [
      takes("events", "keyspan-forward-hub", rule),
      { principal: forwards, action: "events:PutEvents", ...hub },
      {
        principal: eventBridge,
        action: "sqs:SendMessage",
        ...on(policies.queues.get(`keyspan-dead-letter-forward in ${region}`)),
        context: from(rule),
      },
      ...uses(eventBridge, "alerts", region, from(rule)),
      takes("scheduler", "keyspan-put-events", group),
      {
        principal: role("keyspan-put-events"),
        action: "events:PutEvents",
        resource: defaultBus,
        context: { "events:source": "keyspan.heartbeat" },
      },
      takes("scheduler", "keyspan-canary", group),
      {
        principal: role("keyspan-canary"),
        action: "kms:UpdateKeyDescription",
        resource: alertsKeyArn(region),
        policy: alertsKey?.policy,
      },
      takes("scheduler", "keyspan-start-checks", group),
      ...starts("sweep"),
      ...starts("trail-check"),
      {
        principal: role("keyspan-sweep"),
        action: "kms:DescribeKey",
        resource: alertsKeyArn(region),
        policy: alertsKey?.policy,
      },
    ];
  });
  const told = ["alerts", "audit"].flatMap((name): readonly Step[] => {
    const topic = on(policies.topics.get(`keyspan-${name} in ${homeRegion}`));
    const alarm = from(arn("cloudwatch", `alarm:keyspan-delivery-${name}`));
    return [
      { principal: role("keyspan-announce"), action: "sns:Publish", ...topic },
      ...uses(role("keyspan-announce"), name, homeRegion),
      { principal: cloudWatch, action: "sns:Publish", ...topic, context: alarm },
      ...uses(cloudWatch, name, homeRegion, alarm),
    ];
  });
  return [
    ...regional,
    takes("events", "keyspan-start-announce", announceRule),
    {
      principal: role("keyspan-start-announce"),
      action: "states:StartExecution",
      resource: arn("states", "stateMachine:keyspan-announce"),
    },
    takes("states", "keyspan-announce", arn("states", "stateMachine:keyspan-announce")),
    ...told,
    {
      principal: eventBridge,
      action: "sqs:SendMessage",
      ...announceQueue,
      context: from(announceRule),
    },
    ...uses(eventBridge, "alerts", homeRegion, from(announceRule)),
    ...["logs:CreateLogStream", "logs:PutLogEvents"].map(
      (action): Step => ({
        principal: eventBridge,
        action,
        ...logs,
        context: from(arn("events", `rule/keyspan-hub/keyspan-heartbeat-${homeRegion}`)),
      }),
    ),
  ];
}
