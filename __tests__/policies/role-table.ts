/**
 * Keyspan's own roles: which service may take each of them for what, and what each may do.
 *
 * Follows from the account's configuration alone and knows nothing of how roles are made.
 */
import type { AccountConfig } from "../../config/account-config";
import {
  NOBODY_KNOWN,
  type RequestContext,
  roleItself,
  rootUser,
  service,
  sessionOf,
} from "../helpers/iam";
import { type Cell, Table } from "./decision-table";
import { regionOutside, strangerTo } from "./key-table";

/** What must be known beside the configuration. */
export interface RolePlace {
  readonly account: AccountConfig;
  /** ARN of the account's alerts key in a region, which no configuration tells. */
  readonly alertsKeyArn: (region: string) => string;
}

/** A request that a role may make, and what it must carry. */
type May = (action: string, resource: string, context: RequestContext) => boolean;

/** One of Keyspan's roles. */
interface OwnRole {
  readonly name: string;
  /** Who takes it, without the suffix. */
  readonly service: string;
  /** For what: ARNs of which each may be the source. */
  readonly sources: readonly string[];
  /** ARNs of the same service that must not be the source. */
  readonly wrongSources: readonly string[];
  /** Whether it can be taken by a request that says nothing of its source, and why that is right. */
  readonly unsourced: false | string;
  readonly may: May;
}

/** Names of the account's roles. */
export function roleNames(account: AccountConfig): readonly string[] {
  return ownRoles({ account, alertsKeyArn: () => "" }).map(({ name }) => name);
}

/** ARN of a role. */
export function roleArnAt({ partition, id }: AccountConfig, name: string): string {
  return `arn:${partition}:iam::${id}:role/${name}`;
}

/** Regions that are watched: active ones, and those that are being drained. */
export function watchedRegions({ regions }: AccountConfig): readonly string[] {
  return regions.filter(({ state }) => state !== "retired").map(({ name }) => name);
}

/** The organisation's hub, if it is another account's. */
function foreignHub({ notifications }: AccountConfig): string | undefined {
  return notifications.hubOfOrganization === undefined ? notifications.organizationHub : undefined;
}

const NOT_DOCUMENTED =
  "EventBridge's guide names no condition for the roles of rules: one that cannot be taken silences every alert";
const NOT_SAID = "no source says that CloudTrail names the trail when it takes a role";

function ownRoles({ account, alertsKeyArn }: RolePlace): readonly OwnRole[] {
  const { partition, id, homeRegion, trail } = account;
  const watched = watchedRegions(account);
  const stranger = strangerTo(account);
  const outside = regionOutside(account);
  const arn = (of: string, resource: string, region = homeRegion, owner = id) =>
    `arn:${partition}:${of}:${region}:${owner}:${resource}`;
  const inWatched = (of: string, resource: string) =>
    watched.map((region) => arn(of, resource, region));
  const only =
    (...allowed: readonly (readonly [action: string, resources: readonly string[]])[]): May =>
    (action, resource) =>
      allowed.some(([one, resources]) => one === action && resources.includes(resource));
  const puts =
    (sources: readonly string[]): May =>
    (action, resource, context) =>
      only(["events:PutEvents", inWatched("events", "event-bus/default")])(action, resource, {}) &&
      sources.includes(context["events:source"] ?? "");
  const topics = [arn("sns", "keyspan-alerts"), arn("sns", "keyspan-audit")];

  const elsewhere = (of: string, resource: string) => [
    arn(of, resource, homeRegion, stranger),
    arn(of, resource, outside, stranger),
  ];
  const forwarding = {
    service: "events",
    sources: inWatched("events", "rule/keyspan-forward-kms-calls"),
    wrongSources: [
      ...elsewhere("events", "rule/keyspan-forward-kms-calls"),
      arn("events", "rule/keyspan-forward"),
      arn("events", "rule/orders"),
      arn("events", "rule/orders/keyspan-forward-x"),
      arn("events", "event-bus/keyspan-forward-x"),
      arn("events", "rule/keyspan-hub/keyspan-announce"),
    ],
    unsourced: NOT_DOCUMENTED,
  } as const;
  const machine = (name: string) => ({
    service: "states",
    sources: inWatched("states", `stateMachine:${name}`),
    wrongSources: [
      ...elsewhere("states", `stateMachine:${name}`),
      arn("states", `execution:${name}:1`),
      arn("states", "activity:any"),
    ],
    unsourced: false as const,
  });
  const schedules = {
    service: "scheduler",
    sources: inWatched("scheduler", "schedule-group/keyspan"),
    wrongSources: [
      ...elsewhere("scheduler", "schedule-group/keyspan"),
      arn("scheduler", "schedule-group/default"),
      arn("scheduler", "schedule-group/keyspan2"),
      arn("scheduler", "schedule/keyspan/keyspan-canary"),
    ],
    unsourced: false,
  } as const;
  const organizationHub = foreignHub(account);
  const ofTrail = arn("cloudtrail", "trail/keyspan");
  const trailArns =
    trail.mode === "create" ? [ofTrail] : trail.trailArn === undefined ? [] : [trail.trailArn];
  const readsTrail: May = (action, resource) =>
    (action === "cloudtrail:DescribeTrails" && resource === "*") ||
    (/^cloudtrail:Get(TrailStatus|EventSelectors)$/.test(action) &&
      // Which trail is the organisation's is not known: any may be.
      (trailArns.length === 0 ? resource.includes(":trail/") : trailArns.includes(resource)));
  const reads: May = (action, resource) => {
    const isWatched =
      watched.includes(resource.split(":")[3] ?? "") && resource.includes(`:${id}:`);
    switch (action) {
      case "kms:ListKeys":
        return true;
      case "kms:DescribeKey":
        return isWatched;
      case "events:DescribeRule":
      case "events:ListTargetsByRule":
        return (
          (isWatched && resource.includes(":rule/keyspan-forward-")) ||
          resource.startsWith(arn("events", "rule/keyspan-hub/keyspan-"))
        );
      case "sns:ListSubscriptionsByTopic":
        return topics.includes(resource);
      default:
        return false;
    }
  };
  const either =
    (...all: readonly May[]): May =>
    (...request) =>
      all.some((may) => may(...request));

  return [
    {
      name: "keyspan-forward-hub",
      ...forwarding,
      may: only(["events:PutEvents", [arn("events", "event-bus/keyspan-hub")]]),
    },
    ...(organizationHub === undefined
      ? []
      : [
          {
            name: "keyspan-forward-organization",
            ...forwarding,
            may: only(["events:PutEvents", [organizationHub]]),
          },
        ]),
    {
      name: "keyspan-start-announce",
      service: "events",
      sources: [arn("events", "rule/keyspan-hub/keyspan-announce")],
      wrongSources: [
        ...elsewhere("events", "rule/keyspan-hub/keyspan-announce"),
        arn("events", "rule/keyspan-hub/keyspan-announce", outside),
        arn("events", "rule/keyspan-hub/keyspan-announce2"),
        arn("events", "rule/keyspan-hub/keyspan-announc"),
        arn("events", "rule/keyspan-announce"),
        arn("events", "rule/orders/keyspan-announce"),
        arn("events", "rule/keyspan-forward-kms-calls"),
      ],
      unsourced: NOT_DOCUMENTED,
      may: only(["states:StartExecution", [arn("states", "stateMachine:keyspan-announce")]]),
    },
    {
      name: "keyspan-announce",
      ...machine("keyspan-announce"),
      may: only(["sns:Publish", topics]),
    },
    {
      name: "keyspan-sweep",
      ...machine("keyspan-sweep"),
      may: either(
        reads,
        puts(["keyspan.sweep"]),
        only(["states:StartExecution", inWatched("states", "stateMachine:keyspan-sweep")]),
      ),
    },
    {
      name: "keyspan-trail-check",
      ...machine("keyspan-trail-check"),
      may: either(readsTrail, puts(["keyspan.trail"])),
    },
    {
      name: "keyspan-start-checks",
      ...schedules,
      may: only([
        "states:StartExecution",
        ["sweep", "trail-check"].flatMap((name) =>
          inWatched("states", `stateMachine:keyspan-${name}`),
        ),
      ]),
    },
    {
      name: "keyspan-put-events",
      ...schedules,
      may: puts(["keyspan.heartbeat", "keyspan.pulse", "keyspan.test"]),
    },
    {
      name: "keyspan-canary",
      ...schedules,
      may: only(["kms:UpdateKeyDescription", watched.map(alertsKeyArn)]),
    },
    ...(trail.mode === "create" && trail.logGroupRetentionDays !== undefined
      ? [
          {
            name: "keyspan-trail-logs",
            service: "cloudtrail",
            sources: [ofTrail],
            wrongSources: [
              ...elsewhere("cloudtrail", "trail/keyspan"),
              arn("cloudtrail", "trail/keyspan", outside),
              arn("cloudtrail", "trail/keyspan2"),
              arn("cloudtrail", "trail/keyspa"),
            ],
            unsourced: NOT_SAID,
            may: ((action, resource) =>
              /^logs:(CreateLogStream|PutLogEvents)$/.test(action) &&
              resource.startsWith(
                arn(
                  "logs",
                  `log-group:/aws/cloudtrail/keyspan:log-stream:${id}_CloudTrail_${homeRegion}`,
                ),
              )) satisfies May,
          },
        ]
      : []),
  ];
}

const ASSUME = "sts:AssumeRole";

/** Who may take a role: all that must be decided about its trust policy. */
export function trustCells(account: AccountConfig, roleName: string): readonly Cell[] {
  const { partition, id } = account;
  const stranger = strangerTo(account);
  const role = roleNamed({ account, alertsKeyArn: () => "" }, roleName);
  const owner = (sourceArn: string) => sourceArn.split(":")[4] ?? "";
  const from = (sourceArn: string, sourceAccount = owner(sourceArn)): RequestContext => ({
    "aws:SourceArn": sourceArn,
    "aws:SourceAccount": sourceAccount,
  });
  const taker = service(`${role.service}.amazonaws.com`);
  const [source = ""] = role.sources;
  // A role leaves nothing to IAM: whom its trust policy does not name cannot take it.
  const table = new Table(id, () => false);

  for (const sourceArn of role.sources) {
    table.granted("its service", taker, ASSUME, from(sourceArn));
  }
  for (const action of ["sts:TagSession", "sts:SetSourceIdentity"]) {
    table.refused("its service, otherwise", taker, action, from(source));
  }
  const isUnsourced = role.unsourced !== false;
  const topic = isUnsourced ? `unsourced, since ${role.unsourced}` : "unsourced";
  const partly: readonly RequestContext[] = [
    {},
    { "aws:SourceArn": source },
    { "aws:SourceAccount": id },
  ];
  for (const context of partly) {
    table.expect(isUnsourced, topic, taker, ASSUME, context);
  }
  for (const sourceArn of role.wrongSources) {
    table.refused("its service, wrongly", taker, ASSUME, from(sourceArn));
    // Neither of the two may be right alone, nor be left out if the other is wrong.
    table.refused("its service, wrongly", taker, ASSUME, { "aws:SourceArn": sourceArn });
    table.refused("its service, wrongly", taker, ASSUME, from(sourceArn, id));
  }
  table.refused("its service, wrongly", taker, ASSUME, from(source, stranger));
  table.refused("its service, wrongly", taker, ASSUME, { "aws:SourceAccount": stranger });

  for (const name of ["events", "states", "scheduler", "cloudtrail", "lambda", "ec2", "sns"]) {
    if (name !== role.service) {
      for (const context of isUnsourced ? [{}, from(source)] : [from(source)]) {
        table.refused("other services", service(`${name}.amazonaws.com`), ASSUME, context);
      }
    }
  }
  const roleIn = (account12: string, name: string) =>
    `arn:${partition}:iam::${account12}:role/${name}`;
  for (const context of isUnsourced ? [{}] : [from(source)]) {
    for (const principal of [
      sessionOf(roleIn(id, "Unrelated")),
      sessionOf(account.deployRole),
      roleItself(roleIn(id, roleName)),
      rootUser(partition, id),
      sessionOf(roleIn(stranger, "Unrelated")),
      sessionOf(roleIn(stranger, roleName)),
      rootUser(partition, stranger),
      NOBODY_KNOWN,
    ]) {
      table.refused("nobody else", principal, ASSUME, context);
    }
  }
  return table.cells;
}

function roleNamed(place: RolePlace, roleName: string): OwnRole {
  const role = ownRoles(place).find(({ name }) => name === roleName);
  if (role === undefined) {
    throw new Error(`there is no role ${roleName}`);
  }
  return role;
}

/** What a role may do: all that must be decided about its own policy. */
export function permissionCells(place: RolePlace, roleName: string): readonly Cell[] {
  const { may } = roleNamed(place, roleName);
  const principal = sessionOf(roleArnAt(place.account, roleName));
  return requests(place).map(([action, resource, context = {}]): Cell => {
    const allowed = may(action, resource, context);
    return {
      topic: allowed ? "may" : "may not",
      principal,
      action,
      context,
      resource,
      fullAdmin: false,
      allowed,
    };
  });
}

type Asked = readonly [action: string, resource: string, context?: RequestContext];

/** What every role is asked for: all that any of them needs, and what lies beside it. */
function requests({ account, alertsKeyArn }: RolePlace): readonly Asked[] {
  const { partition, id, homeRegion, buses, trail, notifications } = account;
  const stranger = strangerTo(account);
  const outside = regionOutside(account);
  const watched = watchedRegions(account);
  const retired = account.regions.flatMap(({ name, state }) => (state === "retired" ? name : []));
  const arn = (of: string, resource: string, region = homeRegion, owner = id) =>
    `arn:${partition}:${of}:${region}:${owner}:${resource}`;
  const everywhere = (of: string, resource: string) => [
    ...[...watched, ...retired, outside].map((region) => arn(of, resource, region)),
    arn(of, resource, homeRegion, stranger),
  ];
  const each = (actions: readonly string[], resources: readonly string[]): readonly Asked[] =>
    resources.flatMap((resource) => actions.map((action) => [action, resource] as const));

  const defaultBuses = everywhere("events", "event-bus/default");
  const otherBuses = [
    ...everywhere("events", "event-bus/keyspan-hub"),
    arn("events", "event-bus/keyspan-hub2"),
    arn("events", `event-bus/${buses[0]?.name ?? "orders"}2`),
    ...(notifications.organizationHub === undefined
      ? []
      : [notifications.organizationHub, `${notifications.organizationHub}2`]),
  ];
  const sources = [
    "keyspan.heartbeat",
    "keyspan.pulse",
    "keyspan.test",
    "keyspan.sweep",
    "keyspan.trail",
  ];
  const topics = [
    ...["keyspan-alerts", "keyspan-audit"].flatMap((name) => [
      arn("sns", name),
      arn("sns", `${name}2`),
      arn("sns", name, outside),
      arn("sns", name, homeRegion, stranger),
    ]),
    arn("sns", "orders"),
  ];
  const rules = [
    ...everywhere("events", "rule/keyspan-forward-kms-calls"),
    ...everywhere("events", "rule/keyspan-hub/keyspan-announce"),
    arn("events", `rule/keyspan-hub/keyspan-canary-${homeRegion}`),
    arn("events", "rule/keyspan-hub/orders"),
    arn("events", "rule/keyspan-forward"),
    arn("events", "rule/orders"),
    arn("events", "rule/orders/keyspan-forward-x"),
  ];
  const machines = ["keyspan-announce", "keyspan-sweep", "keyspan-trail-check"].flatMap((name) => [
    ...everywhere("states", `stateMachine:${name}`),
    ...watched.map((region) => arn("states", `stateMachine:${name}2`, region)),
  ]);
  const alertsKeys = watched.map(alertsKeyArn);
  const otherKeys = [
    ...everywhere("kms", "key/other"),
    ...alertsKeys.flatMap((keyArn) => [`${keyArn}2`, keyArn.replace(`:${id}:`, `:${stranger}:`)]),
    arn("kms", alertsKeyArn(homeRegion).split(":")[5] ?? "", outside),
  ];
  const trails = [
    arn("cloudtrail", "trail/keyspan"),
    arn("cloudtrail", "trail/keyspan2"),
    arn("cloudtrail", "trail/keyspan", outside),
    arn("cloudtrail", "trail/keyspan", homeRegion, stranger),
    ...(trail.mode === "create" || trail.trailArn === undefined
      ? []
      : [trail.trailArn, `${trail.trailArn}2`]),
  ];
  const stream = (name: string, group = "/aws/cloudtrail/keyspan", region = homeRegion) =>
    arn("logs", `log-group:${group}:log-stream:${name}`, region);
  const own = `${id}_CloudTrail_${homeRegion}`;
  const streams = [
    stream(own),
    stream(`${own}_2`),
    stream(`${stranger}_CloudTrail_${homeRegion}`),
    stream(`${id}_CloudTrail_${outside}`),
    stream(own, "/aws/cloudtrail/keyspan2"),
    stream(own, "/aws/events/keyspan-beats"),
    stream(own, "/aws/cloudtrail/keyspan", outside),
  ];
  const roleArn = roleArnAt(account, "keyspan-announce");
  return [
    ...defaultBuses.flatMap((bus, index) =>
      (index === 0 ? [...sources, "aws.kms"] : sources).map(
        (source) => ["events:PutEvents", bus, { "events:source": source }] as const,
      ),
    ),
    ...each(["events:PutEvents"], [...defaultBuses.slice(0, 1), ...otherBuses]),
    ...[
      ...otherBuses.slice(0, 1),
      ...watched.map((region) => arn("events", "event-bus/default2", region)),
    ].flatMap((bus) =>
      sources.map((source) => ["events:PutEvents", bus, { "events:source": source }] as const),
    ),
    ...each(["events:DescribeRule", "events:ListTargetsByRule"], rules),
    ...each(
      ["events:DisableRule", "events:PutTargets", "events:RemoveTargets", "events:DeleteRule"],
      rules.slice(0, 1),
    ),
    ...each(["events:DeleteEventBus"], otherBuses.slice(0, 1)),
    ...each(["sns:Publish", "sns:ListSubscriptionsByTopic"], topics),
    ...each(["sns:Subscribe", "sns:SetTopicAttributes", "sns:DeleteTopic"], topics.slice(0, 1)),
    ...each(["states:StartExecution"], machines),
    ...each(
      ["states:UpdateStateMachine", "states:DeleteStateMachine"],
      machines.filter((machine) => machine.includes(`:${homeRegion}:`)),
    ),
    ...each(["kms:UpdateKeyDescription", "kms:DescribeKey"], [...alertsKeys, ...otherKeys]),
    ...each(
      [
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DisableKey",
        "kms:EnableKey",
        "kms:PutKeyPolicy",
        "kms:ScheduleKeyDeletion",
      ],
      alertsKeys.slice(0, 1),
    ),
    ["kms:ListKeys", "*"],
    ["kms:CreateKey", "*"],
    ["cloudtrail:DescribeTrails", "*"],
    ["cloudtrail:ListTrails", "*"],
    ...each(["cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors"], trails),
    ...each(
      ["cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "cloudtrail:PutEventSelectors"],
      trails,
    ),
    ...each(["logs:CreateLogStream", "logs:PutLogEvents"], streams),
    ...each(["logs:GetLogEvents", "logs:DeleteLogStream"], streams.slice(0, 1)),
    ...each(["iam:PassRole", "iam:PutRolePolicy", ASSUME], [roleArn]),
    ...each(
      ["sqs:SendMessage", "sqs:ReceiveMessage"],
      [arn("sqs", "keyspan-dead-letter-forward"), arn("sqs", "orders")],
    ),
  ];
}
