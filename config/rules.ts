/**
 * Every rule that can refuse an account's configuration: what must hold and how to mend it.
 *
 * The id stands at the end of each message, so that a person can find the rule here and a test can
 * name it.
 */
import { DELETION_WINDOW_DAYS, ROTATION_DAYS } from "../modules/kms/key-limits";
import { KEYSPAN_PREFIX } from "../modules/names";

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

/** The rules by id. */
export const RULES = {
  "yaml-syntax": {
    must: "be valid YAML 1.2",
    fix: "mend the line",
  },
  "yaml-duplicate-key": {
    must: "name each key once",
    fix: "remove one of the two; YAML would silently take the last",
  },
  "yaml-tab": {
    must: "be indented with spaces",
    fix: "replace the tab",
  },
  "yaml-map": {
    must: "hold a map of settings",
    fix: "start from one of the other files in this folder",
  },
  "workspace-name": {
    must: "be named after its Terraform workspace: 1 to 32 lower-case letters, digits and '-', starting with a letter, and not 'default'",
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
    fix: "see accounts/schema.json for the form",
  },
  version: {
    must: "be 1",
    fix: "write version: 1, the only version of the format so far",
  },
  "account-id": {
    must: "be an account id: 12 digits in quotes",
    fix: 'put it in quotes, as in "111122223333"; without them YAML reads a number and may drop leading zeros',
  },
  "role-arn": {
    must: "be the ARN of an IAM role, without wildcards",
    fix: "write it as arn:<partition>:iam::<account>:role/Name; both placeholders are filled in",
  },
  "region-name": {
    must: "be an AWS region",
    fix: "correct the name; a region that AWS has just opened is added in modules/partition.ts",
  },
  "region-state": {
    must: "be active, draining or retired",
    fix: "see 'Retiring a region' in the README",
  },
  "residency-pattern": {
    must: "be a region, or the beginning of regions followed by '*'",
    fix: "write it like eu-central-1 or eu-*",
  },
  "state-bucket": {
    must: "be the name of an S3 bucket: 3 to 63 lower-case letters, digits, '.' and '-'",
    fix: "write the name alone, without s3:// or an ARN",
  },
  "state-key-prefix": {
    must: "be a path of letters, digits, '_', '-' and '.', without '/' at either end",
    fix: "write it like keyspan or platform/keyspan; Terraform puts <prefix>/<workspace>/ before each state",
  },
  "tag-key": {
    must: "be 1 to 128 letters, digits, spaces and _ . : / = + - @, not starting with 'aws:' or 'keyspan:'",
    fix: "choose another tag key",
  },
  "tag-value": {
    must: "be text of at most 256 letters, digits, spaces and _ . : / = + - @",
    fix: "shorten it, and put numbers in quotes",
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
    fix: "365 is KMS's own default",
  },
  "deletion-window-days": {
    must: `be a whole number of days from ${DELETION_WINDOW_DAYS.min} to ${DELETION_WINDOW_DAYS.max}`,
    fix: `${DELETION_WINDOW_DAYS.max} leaves the most time to cancel a deletion`,
  },
  "source-ip": {
    must: "be a CIDR range of public addresses",
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
    must: "be a non-empty text",
    fix: "name the key and the value exactly as the application sends them",
  },
  "date-time": {
    must: "be a moment in UTC",
    fix: 'write it in quotes like "2027-01-31T00:00:00Z"',
  },
  "key-state": {
    must: "be active or retired",
    fix: "see 'Retiring a key' in the README",
  },
  "key-id": {
    must: "be the id of a multi-Region key, mrk- and 32 hexadecimal digits, or of a single-Region key, a UUID",
    fix: "take it from `aws kms list-aliases` in the region",
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
  "yes-or-no": {
    must: "be true or false",
    fix: "write true or false, without quotes",
  },
  "list-length": {
    must: "name at least one",
    fix: "add one, or remove the field",
  },
  "listed-twice": {
    must: "be listed once",
    fix: "remove the repetition",
  },
  "no-template": {
    must: "not contain ${ or %{",
    fix: "remove it: Terraform would evaluate it as an expression",
  },
  "home-region-listed": {
    must: "be one of the account's regions",
    fix: "add it to regions",
  },
  "home-region-active": {
    must: "be an active region",
    fix: "the primary keys stand there: a home region cannot be drained",
  },
  "one-partition": {
    must: "be in the partition of the home region",
    fix: "an account lives in one partition: aws, aws-us-gov or aws-cn",
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
    fix: "whoever may both change the policy and decrypt needs nobody's consent: use two roles",
  },
  "pipeline-role": {
    must: "not be the deploy role or the plan role",
    fix: "the pipeline must not hold a person's powers over a key: name another role",
  },
  "two-pipeline-roles": {
    must: "be another role than the deploy role",
    fix: "a plan must not be able to apply: make a role of its own",
  },
  "key-has-owner": {
    must: "have at least one administrator or break-glass role",
    fix: "add administrators or breakGlass; the root user and the deploy role do not count",
  },
  "keyspan-key": {
    must: "be a field that Keyspan's own key can have",
    fix: "archive and alerts are multi-Region in every region, audit is in the home region only; alerts and audit cannot be existing keys; none can be retired",
  },
  "key-region": {
    must: "be one of the account's regions",
    fix: "add it to the account's regions first",
  },
  "key-home-region": {
    must: "include the home region",
    fix: "the primary key stands there: add it",
  },
  "single-region-key": {
    must: "not be given for a key that is not multi-Region",
    fix: "such a key is in the home region only: remove regions, or set multiRegion: true for a new key",
  },
  "existing-key-alone": {
    must: "not be given for an existing key",
    fix: "Keyspan does not manage a key that it did not make: remove the field",
  },
  "existing-key-place": {
    must: "be in the region it is named for, in the account and partition",
    fix: "take the ARN of the replica key in that region",
  },
  "existing-key-regions": {
    must: "name a key in each region that needs it",
    fix: "add the ARN of the replica key in that region",
  },
  "retired-key-used": {
    must: "be an active key",
    fix: "the bus would be encrypted with it: choose another key first",
  },
  "bus-key": {
    must: "be the key archive or a multi-Region key of your own",
    fix: "a bus is encrypted with the key of its region: name a key that has one there",
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
    fix: "an existing bus only gets archives: remove the field",
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
    fix: "a request that a service makes comes from the service's own network: use two keys",
  },
  "adopted-key": {
    must: "be a key that has a replica key in the region",
    fix: "correct the name; a single-Region key is adopted under keys.<name>.adopt",
  },
  "state-account": {
    must: "be a role of the account that holds the state bucket",
    fix: "write it like arn:<partition>:iam::<state.account>:role/Name with the id of state.account",
  },
} as const satisfies Readonly<Record<string, Rule>>;

/** Id of a rule. */
export type RuleId = keyof typeof RULES;
