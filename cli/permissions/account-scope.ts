import type { AccountConfig } from "../../config/account-config";
import type { LedgerContent } from "../../config/ledger";
import {
  ALERTS_TOPIC,
  ANNOUNCE_DEAD_LETTER_QUEUE,
  AUDIT_TOPIC,
  BEATS_LOG_GROUP,
  DIRECT_ALARMS,
  deadLetterQueueName,
  FORWARD_DEAD_LETTER_QUEUE,
  FORWARD_RULE_PREFIX,
  HUB_BUS,
  keyAlias,
  ROLES,
  SCHEDULE_GROUP,
  STATE_MACHINES,
  TRAIL,
  TRAIL_LOG_GROUP,
  trailAccessLogBucketName,
  trailBucketName,
  WATCH_ALARM_PREFIX,
} from "../../modules/names";
import {
  type AwsLocation,
  alarmArn,
  arn,
  bucketArn,
  eventBusArn,
  logGroupArn,
  multiRegionServiceRoleArn,
  parseArn,
  queueArn,
  roleArn,
  ruleArn,
  scheduleGroupArn,
  stateMachineArn,
  topicArn,
  trailArn,
} from "../../modules/partition";

/**
 * What a permission is about.
 *
 * - `anything`: for actions that IAM binds to no resource; `anything-global` for those in no region
 * - `keys`: every KMS key of the account; its policy decides about all but its metadata
 * - `archived-buses`: the buses whose events are archived, existing ones too
 * - `rules`: rules that forward, and all rules of the hub
 * - `topics`: both topics and their subscriptions
 * - `every-alarm`: all alarms of the account, which are listed together
 * - `roles`: Keyspan's own roles; `roles-for-…` those of them that a service takes
 * - `named-roles`: roles of the account that its configuration names
 * - `trail`: the account's own; `watched-trails` the one that makes KMS's calls heard, whoever's it is
 * - `bucket-objects`: what is in the trail's buckets
 * - `parameters`: the SSM parameters that hold the endpoints of subscriptions
 */
export type Subject =
  | "anything"
  | "anything-global"
  | "keys"
  | "aliases"
  | "buses"
  | "archives"
  | "archived-buses"
  | "rules"
  | "queues"
  | "topics"
  | "machines"
  | "schedules"
  | "schedule-group"
  | "alarms"
  | "every-alarm"
  | "log-groups"
  | "roles"
  | "roles-for-rules"
  | "roles-for-machines"
  | "roles-for-schedules"
  | "roles-for-trail"
  | "multi-region-service-role"
  | "trail"
  | "watched-trails"
  | "named-roles"
  | "buckets"
  | "bucket-objects"
  | "parameters";

/** The account as permissions see it. */
export interface AccountScope {
  readonly account: AccountConfig;
  /** Every region in which something stands, in alphabetical order. */
  readonly regions: readonly string[];
  /** ARNs by what they are; none if the account has no such thing. `*` stands for any region. */
  readonly resources: Readonly<Record<Subject, readonly string[]>>;
}

/** Props of {@link accountScope}. */
export interface AccountScopeProps {
  readonly account: AccountConfig;
  readonly ledger: Pick<LedgerContent, "buses" | "protected">;
  /**
   * Names of buses and archives that the configuration does not name any more and an apply must
   * still delete. Buses that the ledger remembers need not be named.
   */
  readonly removing?: readonly string[];
}

const IN_NO_REGION: ReadonlySet<Subject> = new Set([
  "anything-global",
  "named-roles",
  "watched-trails",
  "roles",
  "roles-for-rules",
  "roles-for-machines",
  "roles-for-schedules",
  "roles-for-trail",
  "multi-region-service-role",
  "buckets",
  "bucket-objects",
]);

/** Whether it is in regions, so that a request for it must go to one of the account's. */
export function isRegional(subject: Subject): boolean {
  return !IN_NO_REGION.has(subject);
}

/**
 * The names of an account, as ARNs.
 *
 * What has the same name in every region has an ARN with `*` in the region's place: the request's
 * own region is bound by a condition, which takes one list instead of an ARN per region and name.
 */
export function accountScope({ account, ledger, removing = [] }: AccountScopeProps): AccountScope {
  const home: AwsLocation = {
    partition: account.partition,
    account: account.id,
    region: account.homeRegion,
  };
  const any: AwsLocation = { ...home, region: "*" };
  const { trail, notifications } = account;
  const regions = sortedUnique([
    ...account.regions.map(({ name }) => name),
    ...(notifications.iamRegion === undefined ? [] : [notifications.iamRegion]),
  ]);
  const ownBuses = sortedUnique([
    ...account.buses.filter(({ existing }) => !existing).map(({ name }) => name),
    ...Object.keys(ledger.buses).filter(
      (name) => !account.buses.some((bus) => bus.existing && bus.name === name),
    ),
    ...removing,
  ]);
  const archives = sortedUnique([...account.archives.map(({ name }) => name), ...removing]);
  const archivedBuses = sortedUnique([
    ...account.archives.map(({ busName }) => busName),
    ...ownBuses,
  ]);
  const hasTrail =
    trail.mode === "create" ||
    ledger.protected.some(({ address }) => address.startsWith("aws_cloudtrail."));
  const ifTrail = (arns: readonly string[]) => (hasTrail ? arns : []);
  const bucketNames = [
    trailBucketName(account.id, account.homeRegion),
    trailAccessLogBucketName(account.id, account.homeRegion),
  ];
  const rolesNamed = (...names: readonly string[]) => names.map((name) => roleArn(home, name));
  const forRules = rolesNamed(ROLES.forwardToHub, ROLES.forwardToOrganization, ROLES.startAnnounce);
  const forMachines = rolesNamed(ROLES.announce, ROLES.sweep, ROLES.trailCheck);
  const forSchedules = rolesNamed(ROLES.canary, ROLES.putEvents, ROLES.startChecks);
  const forTrail = ifTrail(rolesNamed(ROLES.trailLogs));
  const topics = [ALERTS_TOPIC, AUDIT_TOPIC].map((name) => topicArn(home, name));
  const logGroups = [
    logGroupArn(home, BEATS_LOG_GROUP),
    ...ifTrail([logGroupArn(home, TRAIL_LOG_GROUP)]),
  ];
  return {
    account,
    regions,
    resources: {
      anything: ["*"],
      "anything-global": ["*"],
      keys: [arn({ ...any, service: "kms", resource: "key/*" })],
      aliases: account.keys
        .filter(({ kind }) => kind === "managed")
        .map(({ name }) => arn({ ...any, service: "kms", resource: keyAlias(name) })),
      buses: [eventBusArn(home, HUB_BUS), ...ownBuses.map((name) => eventBusArn(any, name))],
      archives: archives.map((name) =>
        arn({ ...any, service: "events", resource: `archive/${name}` }),
      ),
      "archived-buses":
        archives.length === 0 ? [] : archivedBuses.map((name) => eventBusArn(any, name)),
      rules: [ruleArn(any, `${FORWARD_RULE_PREFIX}*`), ruleArn(home, "*", HUB_BUS)],
      queues: [
        queueArn(any, FORWARD_DEAD_LETTER_QUEUE),
        queueArn(home, ANNOUNCE_DEAD_LETTER_QUEUE),
        ...ownBuses.map((name) => queueArn(any, deadLetterQueueName(name))),
      ],
      topics: topics.flatMap((topic) => [topic, `${topic}:*`]),
      machines: [
        stateMachineArn(home, STATE_MACHINES.announce),
        stateMachineArn(any, STATE_MACHINES.sweep),
        stateMachineArn(any, STATE_MACHINES.trailCheck),
      ],
      schedules: [arn({ ...any, service: "scheduler", resource: `schedule/${SCHEDULE_GROUP}/*` })],
      "schedule-group": [scheduleGroupArn(any, SCHEDULE_GROUP)],
      alarms: [
        alarmArn(any, `${WATCH_ALARM_PREFIX}*`),
        ...Object.values(DIRECT_ALARMS).map((name) => alarmArn(home, name)),
      ],
      "every-alarm": [alarmArn(any, "*")],
      "log-groups": logGroups.flatMap((group) => [group, `${group}:*`]),
      roles: [...forMachines, ...forRules, ...forSchedules, ...forTrail].sort(),
      "roles-for-rules": forRules,
      "roles-for-machines": forMachines,
      "roles-for-schedules": forSchedules,
      "roles-for-trail": forTrail,
      "multi-region-service-role": [multiRegionServiceRoleArn(home)],
      trail: ifTrail([trailArn(home, TRAIL)]),
      "watched-trails": [watchedTrail(account, home)],
      "named-roles": namedRoles(account),
      buckets: ifTrail(bucketNames.map((name) => bucketArn(home, name))),
      "bucket-objects": ifTrail(bucketNames.map((name) => bucketArn(home, `${name}/*`))),
      parameters: sortedUnique(
        notifications.subscriptions.flatMap(({ endpoint }) =>
          "ssmParameter" in endpoint
            ? [arn({ ...home, service: "ssm", resource: `parameter${endpoint.ssmParameter}` })]
            : [],
        ),
      ),
    },
  };
}

/** An organisation's trail that is not named can be any: it is found by looking. */
function watchedTrail({ trail }: AccountConfig, home: AwsLocation): string {
  if (trail.mode === "create") {
    return trailArn(home, TRAIL);
  }
  return trail.trailArn ?? trailArn({ ...home, region: "*", account: "*" }, "*");
}

function namedRoles(account: AccountConfig): readonly string[] {
  const named = [
    account.deployRole,
    account.planRole,
    ...(account.nextDeployRole === undefined ? [] : [account.nextDeployRole]),
    ...account.keys.flatMap((key) =>
      key.kind === "managed" ? [...key.administrators, ...key.users, ...key.breakGlass] : [],
    ),
    ...account.buses.flatMap(({ producers }) => producers.roles),
  ];
  return sortedUnique(named.filter((role) => parseArn(role)?.account === account.id));
}

function sortedUnique(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}
