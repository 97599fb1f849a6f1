/** The rules as the sweep must find them: the same words as those that make them, with computed ARNs. */
import type { ForwardRule } from "../events/forward-patterns";
import {
  ANNOUNCE_DEAD_LETTER_QUEUE,
  ANNOUNCE_RULE,
  BEATS_LOG_GROUP,
  canaryRuleName,
  FORWARD_DEAD_LETTER_QUEUE,
  HUB_BUS,
  heartbeatRuleName,
  ROLES,
  STATE_MACHINES,
} from "../names";
import {
  type AwsLocation,
  eventBusArn,
  logGroupArn,
  queueArn,
  roleArn,
  stateMachineArn,
} from "../partition";
import type { WatchedRule } from "../states/sweep";
import { announcedEvents, canaryEvents, heartbeatEvents } from "./hub";
import { type ForwardDestination, forwardTargets } from "./regional-watch";

/** Where the regions of an account forward to, with computed ARNs. */
export function watchedDestinations(
  homeAt: AwsLocation,
  organizationHubArn: string | undefined,
): readonly ForwardDestination[] {
  return [
    {
      targetId: "hub",
      eventBusArn: eventBusArn(homeAt, HUB_BUS),
      roleArn: roleArn(homeAt, ROLES.forwardToHub),
    },
    ...(organizationHubArn === undefined
      ? []
      : [
          {
            targetId: "organization",
            eventBusArn: organizationHubArn,
            roleArn: roleArn(homeAt, ROLES.forwardToOrganization),
          },
        ]),
  ];
}

/** The rules of a region's default bus. */
export function watchedForwardRules(
  at: AwsLocation,
  rules: readonly ForwardRule[],
  destinations: readonly ForwardDestination[],
): readonly WatchedRule[] {
  const targets = forwardTargets(destinations, queueArn(at, FORWARD_DEAD_LETTER_QUEUE)).map(
    ({ targetId, ...target }) => ({ id: targetId, ...target }),
  );
  return rules.map(({ ruleName, eventPattern }) => ({
    ruleName,
    eventBusName: "default",
    eventPattern,
    targets,
  }));
}

/** The rules of the hub. */
export function watchedHubRules(
  homeAt: AwsLocation,
  regions: readonly string[],
): readonly WatchedRule[] {
  const beats = [{ id: "log", arn: logGroupArn(homeAt, BEATS_LOG_GROUP) }];
  return [
    {
      ruleName: ANNOUNCE_RULE,
      eventBusName: HUB_BUS,
      eventPattern: announcedEvents(),
      targets: [
        {
          id: "announce",
          arn: stateMachineArn(homeAt, STATE_MACHINES.announce),
          roleArn: roleArn(homeAt, ROLES.startAnnounce),
          deadLetterArn: queueArn(homeAt, ANNOUNCE_DEAD_LETTER_QUEUE),
        },
      ],
    },
    ...regions.flatMap((region) => [
      {
        ruleName: heartbeatRuleName(region),
        eventBusName: HUB_BUS,
        eventPattern: heartbeatEvents({ ...homeAt, region }),
        targets: beats,
      },
      {
        ruleName: canaryRuleName(region),
        eventBusName: HUB_BUS,
        eventPattern: canaryEvents({ ...homeAt, region }),
        targets: beats,
      },
    ]),
  ];
}
