/** Physical names: the only place that builds them, each with its AWS limit. */

/** What AWS accepts as the name of one kind of resource. */
export interface NameLimit {
  /** The kind, as a message names it. */
  readonly kind: string;
  readonly maxCharacters: number;
  readonly pattern: RegExp;
  /** AWS page that states the limit. */
  readonly source: string;
}

/** Limit of KMS alias names. */
export const ALIAS_NAME: NameLimit = {
  kind: "KMS alias",
  maxCharacters: 256,
  pattern: /^alias\/[a-zA-Z0-9/_-]+$/,
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html",
};

/** Limit of event bus names. */
export const EVENT_BUS_NAME: NameLimit = {
  kind: "event bus",
  maxCharacters: 256,
  pattern: /^[/.\-_A-Za-z0-9]+$/,
  source: "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html",
};

/** Limit of archive names. */
export const ARCHIVE_NAME: NameLimit = {
  kind: "archive",
  maxCharacters: 48,
  pattern: /^[.\-_A-Za-z0-9]+$/,
  source: "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateArchive.html",
};

/** Limit of standard queue names. */
export const QUEUE_NAME: NameLimit = {
  kind: "queue",
  maxCharacters: 80,
  pattern: /^[A-Za-z0-9_-]+$/,
  source:
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html",
};

/** Limit of S3 object keys, in characters; Keyspan's are ASCII, so also in bytes. */
export const STATE_OBJECT_KEY: NameLimit = {
  kind: "state object key",
  maxCharacters: 1024,
  pattern: /^[a-zA-Z0-9!_.*'()/-]+$/,
  source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html",
};

/** Says why AWS would refuse `name`, as `must …`; `undefined` if it is accepted. */
export function nameProblem(name: string, limit: NameLimit): string | undefined {
  if (name.length > limit.maxCharacters) {
    return `must be at most ${limit.maxCharacters} characters long, the limit for ${limit.kind} names (${limit.source})`;
  }
  if (!limit.pattern.test(name)) {
    return `must match ${limit.pattern}, the form of ${limit.kind} names (${limit.source})`;
  }
  return undefined;
}

/** Prefix of every name that Keyspan makes up itself. No configured bus may start with it. */
export const KEYSPAN_PREFIX = "keyspan-";

/** Alias of a key, the same in every region: `alias/keyspan-<key>`. */
export function keyAlias(keyName: string): string {
  return `alias/${KEYSPAN_PREFIX}${keyName}`;
}

/** Name of the queue that takes what a bus could not process: `keyspan-<bus>-dead-letter`. */
export function deadLetterQueueName(busName: string): string {
  return `${KEYSPAN_PREFIX}${busName}-dead-letter`;
}

/** Id of the stack that holds one region's buses and archives: `archive-<region>`. */
export function archiveStackId(region: string): string {
  return `archive-${region}`;
}

/** Object key of a stack's state in the default workspace; workspaces put their prefix before it. */
export function stateObjectKey(stackId: string): string {
  return `${stackId}${STATE_SUFFIX}`;
}

/** Id of the stack whose state has that object key; `undefined` if no stack's has. */
export function stackIdOf(objectKey: string): string | undefined {
  return objectKey.endsWith(STATE_SUFFIX) ? objectKey.slice(0, -STATE_SUFFIX.length) : undefined;
}

const STATE_SUFFIX = ".tfstate";

/** Tag with a key's name in the account's file: by it the key is found while its alias is not there yet. */
export const KEY_TAG = "keyspan:key";

/** Tag with the account's name, on everything. */
export const ACCOUNT_TAG = "keyspan:account";

// Notifications: fixed names, one set per account; what is regional has the same name in each region.

/** Limit of rule names. */
export const RULE_NAME: NameLimit = {
  kind: "rule",
  maxCharacters: 64,
  pattern: /^[.\-_A-Za-z0-9]+$/,
  source: "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html",
};

/** Event bus of the home region to which every region forwards. */
export const HUB_BUS = "keyspan-hub";

/** First topic: every message but those about the key that encrypts it. */
export const ALERTS_TOPIC = "keyspan-alerts";

/** Second topic, under another key: what the first cannot take, who hears, and alarms. */
export const AUDIT_TOPIC = "keyspan-audit";

/** State machines, in every watched region but `announce`, which is in the home region. */
export const STATE_MACHINES = {
  announce: "keyspan-announce",
  sweep: "keyspan-sweep",
  trailCheck: "keyspan-trail-check",
} as const;

/** Schedules of every watched region; `pulse` and `testMessage` in the home region only. */
export const SCHEDULES = {
  heartbeat: "keyspan-heartbeat",
  pulse: "keyspan-pulse",
  canary: "keyspan-canary",
  sweep: "keyspan-sweep",
  trailCheck: "keyspan-trail-check",
  testMessage: "keyspan-test-message",
} as const;

/** Group of these schedules. */
export const SCHEDULE_GROUP = "keyspan";

/** Roles, of which an account has one each: IAM knows no regions. */
export const ROLES = {
  forwardToHub: "keyspan-forward-hub",
  forwardToOrganization: "keyspan-forward-organization",
  startAnnounce: "keyspan-start-announce",
  announce: "keyspan-announce",
  sweep: "keyspan-sweep",
  trailCheck: "keyspan-trail-check",
  startChecks: "keyspan-start-checks",
  putEvents: "keyspan-put-events",
  canary: "keyspan-canary",
  trailLogs: "keyspan-trail-logs",
} as const;

/** Rules of the default bus that forward to the hub begin so. */
export const FORWARD_RULE_PREFIX = "keyspan-forward-";

/** Rule of the hub that starts `announce`. */
export const ANNOUNCE_RULE = "keyspan-announce";

/** Rule of the hub that counts a region's heartbeats: `keyspan-heartbeat-<region>`. */
export function heartbeatRuleName(region: string): string {
  return `keyspan-heartbeat-${region}`;
}

/** Rule of the hub that counts a region's canaries: `keyspan-canary-<region>`. */
export function canaryRuleName(region: string): string {
  return `keyspan-canary-${region}`;
}

/** Queue of events that a rule of the default bus could not forward, one per region. */
export const FORWARD_DEAD_LETTER_QUEUE = "keyspan-dead-letter-forward";

/** Queue of events with which `announce` could not be started. */
export const ANNOUNCE_DEAD_LETTER_QUEUE = "keyspan-dead-letter-announce";

/** Alarms whose changes of state are forwarded and announced begin so. */
export const WATCH_ALARM_PREFIX = "keyspan-watch-";

/** What such an alarm watches. */
export type WatchedThing = "dead-letters" | "sweep" | "trail-check" | "heartbeat" | "canary";

/** Alarm about a region that is forwarded and announced: `keyspan-watch-<thing>-<region>`. */
export function watchAlarmName(thing: WatchedThing, region: string): string {
  return `${WATCH_ALARM_PREFIX}${thing}-${region}`;
}

/** Alarms that act on the topics themselves and are never announced: they say that announcing fails. */
export const DIRECT_ALARMS = {
  announceFailed: "keyspan-announce-failed",
  announceTimedOut: "keyspan-announce-timed-out",
  announceAborted: "keyspan-announce-aborted",
  announceDeadLetters: "keyspan-announce-dead-letters",
  announceSilent: "keyspan-announce-silent",
  deliveryOfAlerts: "keyspan-delivery-alerts",
  deliveryOfAudit: "keyspan-delivery-audit",
} as const;

/** Log group that keeps heartbeats and canaries. */
export const BEATS_LOG_GROUP = "/aws/events/keyspan-beats";

/** The account's own trail. */
export const TRAIL = "keyspan";

/** Log group of the account's own trail. */
export const TRAIL_LOG_GROUP = "/aws/cloudtrail/keyspan";

/** Bucket of the trail's logs: bucket names are unique over all accounts of a partition. */
export function trailBucketName(accountId: string, region: string): string {
  return `keyspan-trail-${accountId}-${region}`;
}

/** Bucket of the access logs of that bucket. */
export function trailAccessLogBucketName(accountId: string, region: string): string {
  return `keyspan-trail-access-${accountId}-${region}`;
}

/** What Keyspan's own events call their source and type. */
export const KEYSPAN_EVENTS = {
  heartbeat: { source: "keyspan.heartbeat", detailType: "Keyspan Heartbeat" },
  pulse: { source: "keyspan.pulse", detailType: "Keyspan Pulse" },
  testMessage: { source: "keyspan.test", detailType: "Keyspan Test Message" },
  reminder: { source: "keyspan.sweep", detailType: "Keyspan Key Reminder" },
  summary: { source: "keyspan.sweep", detailType: "Keyspan Key Summary" },
  ruleTrouble: { source: "keyspan.sweep", detailType: "Keyspan Rule Trouble" },
  subscriptionTrouble: { source: "keyspan.sweep", detailType: "Keyspan Subscription Trouble" },
  trailTrouble: { source: "keyspan.trail", detailType: "Keyspan Trail Trouble" },
} as const;

/** Limit of bucket names. Keyspan's hold no dots. */
export const BUCKET_NAME: NameLimit = {
  kind: "bucket",
  maxCharacters: 63,
  pattern: /^[a-z0-9][a-z0-9-]+[a-z0-9]$/,
  source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
};
