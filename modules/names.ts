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
  return `${stackId}.tfstate`;
}
