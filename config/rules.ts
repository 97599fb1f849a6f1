/**
 * Every rule that can refuse an account's configuration: what must hold and how to mend it.
 *
 * The id stands at the end of each message, so that a person can find the rule here and a test can
 * name it.
 */
import { DELETION_WINDOW_DAYS, ROTATION_DAYS } from "../modules/kms/key-limits";
import { HUB_BUS, KEYSPAN_PREFIX } from "../modules/names";

/** What a rule demands. */
export interface Rule {
  /** The demand: what follows "must". */
  readonly must: string;
  /** What the person does now. */
  readonly fix: string;
}

/** Most tags that AWS keeps on one resource. @see https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html */
export const MAX_TAGS = 50;

/** Tags that Keyspan sets itself: on every resource its account and stack, on keys also the key's name. */
export const OWN_TAGS = ["keyspan:account", "keyspan:key", "keyspan:stack"] as const;

/** Longest file of an account, so that a file of another kind is not parsed for minutes. */
export const MAX_YAML_CHARACTERS = 1_000_000;

/** Deepest nesting of maps and lists, far from what the call stack takes. */
export const MAX_YAML_LEVELS = 100;

/** Most values that the aliases of a file may stand for: a few lines of them can mean gigabytes. */
export const MAX_YAML_VALUES = 100_000;

/** Turns of accounts in a rollout to all of them. A forgotten ring is not the first. */
export const RINGS = { min: 0, max: 9, default: 1 } as const;

/** Days before a key's deletion on which people can be reminded: no key waits longer. */
export const REMINDER_DAYS = {
  min: 1,
  max: DELETION_WINDOW_DAYS.max,
  default: [14, 7, 2, 1],
} as const;

/** Most subscriptions of one account, far from what a topic takes: a mailing list serves more people better. */
export const MAX_SUBSCRIPTIONS = 50;

/** Most characters of each line of a footer, so that a message stays one that people read. */
export const MAX_FOOTER_CHARACTERS = 300;

/** Days that CloudWatch Logs can keep events. @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
export const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
  3653,
] as const;

/** The rules by id. */
export const RULES = {
  "yaml-size": {
    must: `have at most ${MAX_YAML_CHARACTERS} characters`,
    fix: "look at what was written into it: an account takes some hundred lines",
  },
  "yaml-syntax": {
    must: "be one document of valid YAML 1.2",
    fix: "mend this line or the one above it",
  },
  "yaml-tab": {
    must: "be indented with spaces",
    fix: "replace the tab",
  },
  "yaml-nesting": {
    must: `nest maps and lists at most ${MAX_YAML_LEVELS} levels deep`,
    fix: "close the brackets that were left open, or write less deeply",
  },
  "yaml-map": {
    must: "hold a map of settings",
    fix: "start from one of the other files in this folder",
  },
  "yaml-duplicate-key": {
    must: "stand once in its map",
    fix: "remove one of the two",
  },
  "yaml-key": {
    must: "have a text as its key, other than __proto__",
    fix: "put the key in quotes, or rename it",
  },
  "yaml-merge-key": {
    must: "not be used: YAML 1.2 has no merge keys",
    fix: "write the fields out; what all accounts share goes into defaults.yaml",
  },
  "yaml-alias": {
    must: "be an alias of an anchor that stands above it and does not hold it",
    fix: "correct the name, or write the value out",
  },
  "yaml-expansion": {
    must: `not make the aliases of the file stand for more than ${MAX_YAML_VALUES} values`,
    fix: "write out what is meant: aliases of aliases multiply",
  },
  "workspace-name": {
    must: "be named after its Terraform workspace: 1 to 32 lower-case letters, digits and '-', starting with a letter, and not 'default' or 'stacks'",
    fix: "rename the file",
  },
  "unknown-field": {
    must: "be a field that Keyspan knows",
    fix: "correct or remove it",
  },
  "missing-field": {
    must: "be given",
    fix: "add it to this file, or to defaults.yaml if it is the same in every account",
  },
  "wrong-type": {
    must: "have the right type",
    fix: "accounts/schema.json has its form",
  },
  version: {
    must: "be 1",
    fix: "write version: 1, the only version of the format so far",
  },
  "account-id": {
    must: "be an account id: 12 digits in quotes",
    fix: 'write all 12 digits in quotes, as in "111122223333": without them YAML reads a number and may drop leading zeros',
  },
  "account-id-unique": {
    must: "be the id of no other account in this folder",
    fix: "correct the id: two workspaces on one account would each make all its keys",
  },
  "role-arn": {
    must: "be the ARN of an IAM role, without wildcards",
    fix: "write it as arn:<partition>:iam::<account>:role/Name; the placeholders are filled in",
  },
  "region-name": {
    must: "be an AWS region",
    fix: "correct the name; a region that AWS has just opened is added in modules/partition.ts",
  },
  "region-state": {
    must: "be active, draining or retired",
    fix: "write draining first, and retired once that has been applied",
  },
  "residency-pattern": {
    must: "be a region, or the beginning of regions followed by '*'",
    fix: "write it like eu-central-1 or eu-*; a pattern that no region matches admits none",
  },
  "state-bucket": {
    must: "be the name of an S3 bucket: 3 to 63 lower-case letters, digits, '.' and '-'",
    fix: "write the name alone, without s3:// or an ARN",
  },
  "state-key-prefix": {
    must: "be a path of letters, digits, '_', '-' and '.', without '/' at either end",
    fix: "write it like keyspan or platform/keyspan; Terraform puts <prefix>/<workspace>/ before each state",
  },
  "state-key-prefix-reserved": {
    must: "not begin with plans or archive-",
    fix: "choose another prefix: objects under plans/ expire after days, and every state role may read what is called archive-*.tfstate",
  },
  "tag-key": {
    must: "be 1 to 128 letters, digits, spaces and _ . : / = + - @, not starting with 'aws:' or 'keyspan:'",
    fix: "choose another tag key",
  },
  "tag-value": {
    must: "be text of at most 256 letters, digits, spaces and _ . : / = + - @",
    fix: "write it as text, numbers in quotes, and shorten it if it is longer",
  },
  "tag-count": {
    must: `hold at most ${MAX_TAGS - OWN_TAGS.length} tags, since AWS keeps ${MAX_TAGS} per resource and Keyspan sets ${OWN_TAGS.length}`,
    fix: "remove some",
  },
  "key-name": {
    must: "be a key name: lower-case letters, digits and '-', starting with a letter",
    fix: "rename it",
  },
  "archive-name": {
    must: "be an archive name: letters, digits, '_' and '-', starting with a letter",
    fix: "rename it; `name:` inside the archive may hold any name that AWS accepts",
  },
  "bus-name": {
    must: "be a bus name: letters, digits, '_' and '-', starting with a letter; an existing bus may also have '.' and '/'",
    fix: "rename it",
  },
  "rotation-days": {
    must: `be a whole number of days from ${ROTATION_DAYS.min} to ${ROTATION_DAYS.max}`,
    fix: "write 365, KMS's own default, or another number in that range, without quotes",
  },
  "deletion-window-days": {
    must: `be a whole number of days from ${DELETION_WINDOW_DAYS.min} to ${DELETION_WINDOW_DAYS.max}`,
    fix: `write ${DELETION_WINDOW_DAYS.max}, the longest time to cancel a deletion, or another number in that range, without quotes`,
  },
  "source-ip": {
    must: "be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only",
    fix: "write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces",
  },
  "source-vpce": {
    must: "be the id of a VPC endpoint",
    fix: "write it like vpce-0123456789abcdef0",
  },
  "organization-id": {
    must: "be the id of an AWS organisation",
    fix: "write it like o-a1b2c3d4e5, as `aws organizations describe-organization` prints it",
  },
  "via-service": {
    must: "be the short name of a service that calls KMS for its callers",
    fix: "write it like s3 or dynamodb, without region and suffix",
  },
  "encryption-context": {
    must: "be text without control characters, and no key twice but for capitals",
    fix: "write it in quotes, exactly as the application sends it",
  },
  "date-time": {
    must: "be a moment in UTC",
    fix: 'write it in quotes like "2027-01-31T00:00:00Z"',
  },
  "key-state": {
    must: "be active or retired",
    fix: "write retired to make Terraform forget the key, which stays in AWS",
  },
  "key-id": {
    must: "be the id of a multi-Region key, mrk- and 32 hexadecimal digits, or of a single-Region key, a UUID",
    fix: "take TargetKeyId from `aws kms list-aliases --region <region>`",
  },
  "key-arn": {
    must: "be the ARN of a KMS key",
    fix: "write the key's own ARN, with :key/ in it; an alias could be pointed elsewhere",
  },
  producer: {
    must: "be the ARN of an IAM role, an account id in quotes, or the id of an AWS organisation",
    fix: 'write it like arn:<partition>:iam::<account>:role/Name, "444455556666" or o-a1b2c3d4e5',
  },
  retention: {
    must: "be a whole number of days, at least 1, or forever",
    fix: "write 90, or the word forever if the events must never be deleted",
  },
  "archive-physical-name": {
    must: "be 1 to 48 letters, digits, '.', '_' and '-'",
    fix: "choose another name",
  },
  ring: {
    must: `be a whole number from ${RINGS.min} to ${RINGS.max}`,
    fix: `write 0 for accounts that may break first, ${RINGS.max} for those that must not, without quotes`,
  },
  "yes-or-no": {
    must: "be true or false",
    fix: "write true or false, without quotes",
  },
  "list-length": {
    must: "name at least one",
    fix: "add one, or remove the field if it may be left out",
  },
  "listed-twice": {
    must: "be listed once",
    fix: "remove the repetition",
  },
  "no-template": {
    must: "not contain ${, %{ or TfToken[",
    fix: "remove it: Terraform or CDKTF would evaluate it as an expression",
  },
  "home-region-listed": {
    must: "be one of the account's regions",
    fix: "add it to regions, or correct it",
  },
  "home-region-active": {
    must: "be active in the home region",
    fix: "remove the state: the primary keys stand there, so it cannot be drained",
  },
  "one-partition": {
    must: "be in the partition of the home region",
    fix: "choose a region of that partition: an account lives in one of aws, aws-us-gov and aws-cn",
  },
  residency: {
    must: "match one of the residency patterns",
    fix: "remove the region, or widen residency if the data may be there",
  },
  "own-partition": {
    must: "be in the account's own partition",
    fix: "write arn:<partition>: at the beginning; it is filled in",
  },
  "own-account": {
    must: "be a role of the account itself",
    fix: "correct the account id; a role of another account that is to use a key goes into externalUsers",
  },
  "external-account": {
    must: "be a role of another account",
    fix: "move it to users",
  },
  "administrator-or-user": {
    must: "not be both administrator and user of a key",
    fix: "remove it from one of the two: whoever may change the policy and decrypt needs nobody's consent",
  },
  "break-glass-or-user": {
    must: "not be both break-glass role and user of a key",
    fix: "remove it from one of the two: whoever may change the policy and decrypt needs nobody's consent",
  },
  "pipeline-role": {
    must: "not be the deploy role or the plan role",
    fix: "name another role: the pipeline must not use keys or stand in for people",
  },
  "two-pipeline-roles": {
    must: "be another role than the deploy role",
    fix: "give plans a role of their own, which cannot apply",
  },
  "key-has-owner": {
    must: "have at least one administrator or break-glass role",
    fix: "add administrators or breakGlass; the root user and the deploy role do not count",
  },
  "keyspan-key": {
    must: "be a field that Keyspan's own key can have",
    fix: "remove it",
  },
  "key-region": {
    must: "be one of the account's regions",
    fix: "add it to the account's regions first",
  },
  "key-home-region": {
    must: "include the home region",
    fix: "add it: the primary key stands there",
  },
  "single-region-key": {
    must: "not be given for a key that is not multi-Region",
    fix: "such a key is in the home region only: remove regions, or set multiRegion: true for a new key",
  },
  "existing-key-alone": {
    must: "not be given for an existing key",
    fix: "remove it: Keyspan does not manage a key that it did not make",
  },
  "existing-key-place": {
    must: "be a key of the account, in the region that it stands for",
    fix: "take the ARN of the account's own primary or replica key in that region",
  },
  "existing-key-regions": {
    must: "name a key in each region that needs it",
    fix: "add the ARN of the key in that region",
  },
  "retired-key-used": {
    must: "be an active key",
    fix: "choose another key for the bus first",
  },
  "bus-key": {
    must: "be the key archive or a multi-Region key of your own",
    fix: "a bus is encrypted in each of its regions: name archive, or a key under keys that is not multiRegion: false",
  },
  "bus-key-regions": {
    must: "have a key in every region of the bus",
    fix: "add the region to the key, or remove it from the bus",
  },
  "bus-region": {
    must: "be one of the account's regions",
    fix: "add it to the account's regions first",
  },
  "existing-bus-alone": {
    must: "not be given for an existing bus",
    fix: "remove it: an existing bus only gets archives",
  },
  "bus-producers": {
    must: "say who may put events",
    fix: "add producers; the account's own id in quotes admits all that IAM admits",
  },
  "reserved-bus-name": {
    must: `not be 'default' or start with 'aws.' or '${KEYSPAN_PREFIX}'`,
    fix: "AWS or Keyspan holds that name; for the account's default bus write existing: true",
  },
  "archive-bus": {
    must: "be one of the account's buses",
    fix: "add it under buses, with existing: true if the account already has it",
  },
  "archive-region": {
    must: "be one of the regions of its bus",
    fix: "add it to the bus first",
  },
  "archive-name-unique": {
    must: "be the only archive of that name in the region",
    fix: "give one of the two another name",
  },
  "event-pattern": {
    must: "be a valid event pattern",
    fix: "see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html",
  },
  "physical-name": {
    must: "give a name that AWS accepts",
    fix: "shorten it",
  },
  "use-period": {
    must: "be after notBefore",
    fix: "swap or correct the two",
  },
  "network-or-service": {
    must: "not be combined with viaServices",
    fix: "remove one of the two, or use two keys: services call KMS from their own network",
  },
  "adopted-key": {
    must: "be a key that has a replica key in the region",
    fix: "correct the name; primary and single-Region keys are adopted by keys.<name>.adopt",
  },
  "adopted-key-kind": {
    must: "be the id of a key of the same kind: mrk-... if the key is multi-Region, a UUID if it is not",
    fix: "correct the id or multiRegion: KMS cannot turn one kind into the other",
  },
  "state-account": {
    must: "be a role of the account that holds the state bucket",
    fix: "write it like arn:<partition>:iam::<state.account>:role/Name with the id of state.account",
  },
  watch: {
    must: "be all or managed",
    fix: "write all to hear of every customer managed key of the active regions, or managed to hear of Keyspan's own only",
  },
  "reminder-days": {
    must: `be a whole number of days from ${REMINDER_DAYS.min} to ${REMINDER_DAYS.max}`,
    fix: `write numbers in that range, without quotes, such as [${REMINDER_DAYS.default.join(", ")}]: no key waits longer for its deletion`,
  },
  "subscription-count": {
    must: `hold 1 to ${MAX_SUBSCRIPTIONS} subscriptions`,
    fix: "add one, or let a mailing list or a queue stand for several: alerts that nobody hears protect nothing",
  },
  "subscription-protocol": {
    must: "be email, https, sqs or lambda",
    fix: "write one of them: a queue or function can pass messages on to anything else",
  },
  "subscription-severity": {
    must: "be critical or all",
    fix: "write critical to leave out what can wait, or remove the field to hear all",
  },
  endpoint: {
    must: "be text, or a map with the field ssm",
    fix: "write the address, URL or ARN that the protocol needs, or { ssm: /name } for an https URL that is secret",
  },
  "email-address": {
    must: "be an e-mail address",
    fix: "write it like key-alerts@example.com, without a name before it",
  },
  "group-address": {
    must: "be the address of a group, not of a person: people leave, and configs are read by many",
    fix: "write the address of a list at a domain of your own, with a word such as alerts, team, ops or security before the @",
  },
  "https-url": {
    must: "be an https URL with a host name, without spaces and #",
    fix: "write it like https://alerts.example.com/keyspan: SNS would send in the clear over http, and needs a certificate for the name",
  },
  "secret-in-url": {
    must: "not hold what looks like a secret: configs are read by many",
    fix: "write endpoint: { ssm: /keyspan/pager-url }, put the URL into that parameter of the home region, and have the secret replaced",
  },
  "ssm-parameter": {
    must: "be the full name of an SSM parameter: / and up to 15 levels of letters, digits, '_', '-' and '.', at most 1011 characters, not starting with aws or ssm",
    fix: "write it like /keyspan/pager-url; see https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html",
  },
  "ssm-protocol": {
    must: "be written out: only an https endpoint may come from an SSM parameter",
    fix: "write the address or ARN here: it is no secret, and whoever reviews the file sees who hears",
  },
  "queue-arn": {
    must: "be the ARN of a standard SQS queue in a region of its partition",
    fix: "write it like arn:<partition>:sqs:<region>:<account>:queue with the name of a region; a standard topic cannot send to a .fifo queue",
  },
  "function-arn": {
    must: "be the ARN of a Lambda function in a region of its partition",
    fix: "write it like arn:<partition>:lambda:<region>:<account>:function:name with the name of a region",
  },
  "delivery-account": {
    must: "be in the account itself",
    fix: "name one of this account: SNS asks the owner of any other to confirm, and Terraform would wait for that in vain; another account hears everything through organizationHub",
  },
  "delivery-region": {
    must: "be in a region that SNS delivers to from the home region",
    fix: "take one in the home region: SNS reaches no function in another opt-in region, and from one opt-in region nothing in another; see https://docs.aws.amazon.com/sns/latest/dg/lambda-prereq.html",
  },
  "event-bus-arn": {
    must: "be the ARN of an event bus in a region of its partition, other than the default bus and AWS's own",
    fix: `write it like arn:<partition>:events:<region>:<account>:event-bus/${HUB_BUS} with the name of a region: no account should let others write to its default bus`,
  },
  "own-hub": {
    must: "be the hub bus, if it is a bus of this account",
    fix: "correct it, or remove it if this account is not the organisation's hub",
  },
  "hub-organization": {
    must: "be given exactly when organizationHub is this account's own hub bus",
    fix: "add the id of the organisation whose accounts may forward to the hub",
  },
  "footer-text": {
    must: `be 1 to ${MAX_FOOTER_CHARACTERS} characters of text in one line, without control characters`,
    fix: "shorten it, put a number in quotes, or write a link to what does not fit",
  },
  "trail-mode": {
    must: "be create or organization, or a map with one of create, existing and organization",
    fix: "write create if the account has no trail yet, existing: <arn> if it has its own, or organization if the organisation's records the account",
  },
  "trail-arn": {
    must: "be the ARN of a CloudTrail trail in a region of its partition",
    fix: "take TrailARN from `aws cloudtrail describe-trails`",
  },
  "own-trail": {
    must: "be a trail of the account itself",
    fix: "correct the account id, or write organization: <arn> for the organisation's trail",
  },
  "log-group-retention-days": {
    must: `be one of ${LOG_RETENTION_DAYS.join(", ")}`,
    fix: "write the next higher of these numbers: CloudWatch Logs takes no others",
  },
} as const satisfies Readonly<Record<string, Rule>>;

/** Id of a rule. */
export type RuleId = keyof typeof RULES;
