/**
 * The form of an account's configuration: fields, types and what one value alone must be.
 *
 * What several values must be together stands in cross-field-rules.ts and notification-rules.ts. The message of every issue
 * is the id of a rule; rules.ts holds its words.
 */
import { isIP } from "node:net";
import * as z from "zod";
import { DELETION_WINDOW_DAYS, ROTATION_DAYS } from "../modules/kms/key-limits";
import { ARCHIVE_NAME, EVENT_BUS_NAME } from "../modules/names";
import {
  PARTITION_PATTERN,
  parseArn,
  partitionOf,
  REGIONS_BY_PARTITION,
} from "../modules/partition";
import { isReservedKeyPrefix } from "../modules/s3/state-keys";
import {
  LOG_RETENTION_DAYS,
  MAX_FOOTER_CHARACTERS,
  MAX_SUBSCRIPTIONS,
  REMINDER_DAYS,
  RINGS,
  type RuleId,
} from "./rules";

// The ids are checked here, where they are written, against the table of rules.
const rule = (id: RuleId) => ({ error: id });

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: names of up to 64
// characters, paths of up to 512. `*` and `?` are left out: in a condition they would be wildcards.
const ROLE_ARN = new RegExp(
  `^arn:(${PARTITION_PATTERN}):iam::\\d{12}:role/([\\w+=,.@-]{1,128}/){0,8}[\\w+=,.@-]{1,64}$`,
);
const ACCOUNT_ID = /^\d{12}$/;
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
const ORGANIZATION_ID = /^o-[a-z0-9]{10,32}$/;
const NAME = /^[a-z][a-z0-9-]*$/;
const ARCHIVE = /^[A-Za-z][A-Za-z0-9_-]*$/;
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-id
const ANY_KEY_ID = "(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})";
const KEY_ID = new RegExp(`^${ANY_KEY_ID}$`);
const KEY_ARN = new RegExp(`^arn:(${PARTITION_PATTERN}):kms:[a-z0-9-]+:\\d{12}:key/${ANY_KEY_ID}$`);
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
// https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
const TAG_KEY = /^(?!aws:|keyspan:)[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u;
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;

// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
const SSM_PARAMETER = /^(?!\/(?:[aA][wW][sS]|[sS][sS][mM]))(?:\/[A-Za-z0-9_.-]+){1,15}$/;
const SSM_PARAMETER_CHARACTERS = 1011;
const FOOTER = /^(?=.*\S)[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+$/u;

/** Whether a region matches one pattern: a name, or the beginning of names followed by `*`. */
export function matchesResidency(region: string, pattern: string): boolean {
  return pattern.endsWith("*") ? region.startsWith(pattern.slice(0, -1)) : region === pattern;
}

/** A map with these fields and no others. The message about an unknown one goes on with the known ones. */
function fields<Shape extends z.ZodRawShape>(shape: Shape) {
  const unknown = `${"unknown-field" satisfies RuleId} ${Object.keys(shape).sort().join(" ")}`;
  return z.strictObject(shape, {
    error: ({ code }) => (code === "unrecognized_keys" ? unknown : "wrong-type"),
  });
}

const text = (id: RuleId, pattern: RegExp) => z.string(rule(id)).regex(pattern, rule(id));
const flag = z.boolean(rule("yes-or-no"));
const days = (id: RuleId, { min, max }: { readonly min: number; readonly max: number }) =>
  z.int(rule(id)).min(min, rule(id)).max(max, rule(id));

/** A region that Keyspan knows. */
export const region = z.enum(Object.values(REGIONS_BY_PARTITION).flat(), rule("region-name"));
const residencyPattern = text("residency-pattern", /^[a-z0-9-]+\*?$/).refine(
  (pattern) => region.options.some((name) => matchesResidency(name, pattern)),
  rule("residency-pattern"),
);
const roleArn = text("role-arn", ROLE_ARN);
const accountId = text("account-id", ACCOUNT_ID);

// https://datatracker.ietf.org/doc/html/rfc1918, rfc6598, rfc3927 and loopback
const PRIVATE_RANGES = [
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
];
// https://datatracker.ietf.org/doc/html/rfc4193 and rfc4291
const PRIVATE_IPV6 = /^(f[cd]|fe[89ab]|::)/i;
// A range that is wider is a whole part of the internet: a condition that conditions nothing.
const WIDEST_PREFIX = { 4: 8, 6: 16 } as const;

/** Whether a text is a CIDR range that KMS can see as a source, and that says something. */
function isPublicRange(range: string): boolean {
  const [, address = "", bits = ""] = /^([^/%]+)\/(0|[1-9]\d{0,2})$/.exec(range) ?? [];
  if (isIP(address) === 6) {
    const isWithin = Number(bits) >= WIDEST_PREFIX[6] && Number(bits) <= 128;
    return isWithin && !PRIVATE_IPV6.test(address);
  }
  const isWithin = Number(bits) >= WIDEST_PREFIX[4] && Number(bits) <= 32;
  return isIP(address) === 4 && isWithin && !PRIVATE_RANGES.some((known) => overlap(known, range));
}

/** Whether two IPv4 ranges share an address: then they begin alike as far as the shorter prefix goes. */
function overlap(a: string, b: string): boolean {
  const [first, second] = [a, b].map((range) => {
    const [address = "", bits = ""] = range.split("/");
    const number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    return { number, bits: Number(bits) };
  });
  const size = 2 ** (32 - Math.min(first?.bits ?? 0, second?.bits ?? 0));
  return Math.floor((first?.number ?? 0) / size) === Math.floor((second?.number ?? 0) / size);
}

const isMoment = (moment: string) =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(moment) &&
  !Number.isNaN(Date.parse(moment)) &&
  new Date(moment).toISOString().startsWith(moment.slice(0, -1));
const moment = z.string(rule("date-time")).refine(isMoment, rule("date-time"));

const isFilled = (map: object) => Object.keys(map).length > 0;
const contextText = text("encryption-context", /^[^\p{Cc}]+$/u);

const tagKey = text("tag-key", TAG_KEY).refine((key) => !/^aws:/i.test(key), rule("tag-key"));

const conditions = fields({
  sourceIps: z
    .array(z.string(rule("source-ip")).refine(isPublicRange, rule("source-ip")), rule("wrong-type"))
    .min(1, rule("list-length"))
    .describe("CIDR ranges of public addresses that users must come from."),
  sourceVpces: z
    .array(text("source-vpce", /^vpce-[0-9a-f]{8,17}$/), rule("wrong-type"))
    .min(1, rule("list-length"))
    .describe("VPC endpoints for KMS that users must come through."),
  organizationId: text("organization-id", ORGANIZATION_ID).describe(
    "AWS organisation that users' accounts must belong to.",
  ),
  viaServices: z
    .array(text("via-service", /^[a-z0-9-]+$/), rule("wrong-type"))
    .min(1, rule("list-length"))
    .describe("Services, such as s3, that must make the request for the user."),
  encryptionContext: z
    .record(contextText, contextText, rule("wrong-type"))
    .refine(isFilled, rule("list-length"))
    .describe("Encryption context that every request must carry."),
  notBefore: moment.describe("First moment of use, in UTC."),
  notAfter: moment.describe("First moment after use, in UTC."),
}).partial();

const roles = z.array(roleArn, rule("wrong-type"));

const key = fields({
  multiRegion: flag.describe(
    "Whether the key has a replica key in every region. Changing this replaces the key. Default: true.",
  ),
  regions: z
    .array(region, rule("wrong-type"))
    .min(1, rule("list-length"))
    .describe("Regions of the key, the home region among them. Default: all of the account's."),
  administrators: roles.describe("Roles that manage policy, tags, aliases and rotation."),
  users: roles.describe("Roles of the account that encrypt and decrypt."),
  externalUsers: roles.describe("Roles of other accounts that encrypt and decrypt."),
  breakGlass: roles.describe(
    "Roles that disable, enable, schedule deletion and cancel it, in an emergency.",
  ),
  rotationDays: days("rotation-days", ROTATION_DAYS).describe(
    `Days between automatic rotations. Default: ${ROTATION_DAYS.default}.`,
  ),
  deletionWindowDays: days("deletion-window-days", DELETION_WINDOW_DAYS).describe(
    `Days that a key waits for its deletion; also the shortest that anybody may ask for. Default: ${DELETION_WINDOW_DAYS.default}.`,
  ),
  conditions: conditions.describe("What must be true of every use by users."),
  state: z
    .enum(["active", "retired"], rule("key-state"))
    .describe("retired: Terraform forgets the key; it stays in AWS. Default: active."),
  adopt: text("key-id", KEY_ID).describe(
    "Id of a key that already exists in AWS, which Terraform takes over instead of making one.",
  ),
  existing: z
    .partialRecord(region, text("key-arn", KEY_ARN), {
      error: ({ code }) =>
        (code as string) === "unrecognized_keys" ? "region-name" : "wrong-type",
    })
    .describe(
      "A key that the account already has and Keyspan does not manage: its ARN per region.",
    ),
}).partial();

/** A region of the account, if it is more than its name. */
export const regionEntry = fields({
  name: region,
  state: z
    .enum(["active", "draining", "retired"], rule("region-state"))
    .optional()
    .describe(
      "draining: buses and archives are deleted, keys stay. retired: Terraform forgets the keys. Default: active.",
    ),
  adopt: z
    .record(text("key-name", NAME), text("key-id", KEY_ID), rule("wrong-type"))
    .optional()
    .describe("Replica keys that already exist in this region: id of the key by its name."),
});

const producer = z
  .string(rule("producer"))
  .refine(
    (name) => ROLE_ARN.test(name) || ACCOUNT_ID.test(name) || ORGANIZATION_ID.test(name),
    rule("producer"),
  );

const bus = fields({
  existing: flag.describe("A bus that the account already has: it only gets archives."),
  regions: z
    .array(region, rule("wrong-type"))
    .min(1, rule("list-length"))
    .describe("Regions of the bus. Default: all of the account's."),
  key: text("key-name", NAME).describe(
    "Key that encrypts the bus and its archives. Default: archive.",
  ),
  producers: z
    .array(producer, rule("wrong-type"))
    .min(1, rule("list-length"))
    .describe("Roles, accounts and organisations that may put events. Nobody else may."),
}).partial();

const archive = fields({
  bus: z.string(rule("wrong-type")).describe("Bus whose events are kept."),
  name: text("archive-physical-name", ARCHIVE_NAME.pattern)
    .max(ARCHIVE_NAME.maxCharacters, rule("archive-physical-name"))
    .optional()
    .describe(
      "Name of the archive in AWS. Default: the key of this entry. Changing it loses the events.",
    ),
  retentionDays: z
    .union(
      [
        z.int(rule("retention")).min(1, rule("retention")).max(2_147_483_647, rule("retention")),
        z.literal("forever", rule("retention")),
      ],
      rule("retention"),
    )
    .describe("Days that events are kept, or forever."),
  eventPattern: z
    .unknown()
    .optional()
    .describe("Which events are kept, as an EventBridge event pattern. Default: all of the bus."),
  regions: z
    .array(region, rule("wrong-type"))
    .min(1, rule("list-length"))
    .optional()
    .describe("Regions of the archive. Default: all of the bus's."),
});

/** A resource of a region and an account. `resource` is the end of a regular expression. */
const regionalArn = (id: RuleId, service: string, resource: string) =>
  text(
    id,
    new RegExp(`^arn:(${PARTITION_PATTERN}):${service}:[a-z0-9-]+:\\d{12}:${resource}$`),
  ).refine((name) => {
    const parts = parseArn(name);
    return parts !== undefined && partitionOf(parts.region) === parts.partition;
  }, rule(id));

/** A queue that a standard topic can send to: no .fifo queue. @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html */
export const subscribedQueue = regionalArn("queue-arn", "sqs", "[A-Za-z0-9_-]{1,80}");

/** A function, or an alias or version of it. @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html */
export const subscribedFunction = regionalArn(
  "function-arn",
  "lambda",
  "function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_-]{1,128})?",
);

// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html
const trailArn = regionalArn(
  "trail-arn",
  "cloudtrail",
  "trail/(?=.{3,128}$)[A-Za-z0-9]+([._-][A-Za-z0-9]+)*",
);

const subscription = fields({
  protocol: z
    .enum(["email", "https", "sqs", "lambda"], rule("subscription-protocol"))
    .describe("How messages are sent."),
  // Its form hangs on the protocol: notification-rules.ts checks it.
  endpoint: z
    .union(
      [
        z.string(rule("endpoint")),
        fields({
          ssm: text("ssm-parameter", SSM_PARAMETER)
            .max(SSM_PARAMETER_CHARACTERS, rule("ssm-parameter"))
            .describe("SSM parameter of the home region that holds the URL."),
        }),
      ],
      rule("endpoint"),
    )
    .describe("Group address, URL or ARN, or for https the SSM parameter that holds the URL."),
  severity: z
    .enum(["critical", "all"], rule("subscription-severity"))
    .optional()
    .describe("critical: not what can wait. Default: all."),
});

const footerText = text("footer-text", FOOTER).max(MAX_FOOTER_CHARACTERS, rule("footer-text"));

const notifications = fields({
  watch: z
    .enum(["all", "managed"], rule("watch"))
    .optional()
    .describe(
      "all: every customer managed key of the active regions. managed: Keyspan's own. Default: all.",
    ),
  reminders: fields({
    // More days than a key's deletionWindowDays never come for that key: no harm.
    daysBeforeDeletion: z
      .array(days("reminder-days", REMINDER_DAYS), rule("wrong-type"))
      .min(1, rule("list-length"))
      .optional()
      .describe(
        `Days before a key's deletion on which people are reminded, in any order. The last two are critical. Default: ${REMINDER_DAYS.default.join(", ")}.`,
      ),
  })
    .optional()
    .describe("When people are reminded that a key will be deleted."),
  subscriptions: z
    .array(subscription, rule("wrong-type"))
    .min(1, rule("subscription-count"))
    .max(MAX_SUBSCRIPTIONS, rule("subscription-count"))
    .describe("Who hears, in any order."),
  // AWS's own names: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html
  organizationHub: regionalArn(
    "event-bus-arn",
    "events",
    "event-bus/(?!default$|aws\\.)[/.\\-_A-Za-z0-9]{1,256}",
  )
    .optional()
    .describe(
      "Hub bus of the organisation, which hears too. The account's own makes the account the hub.",
    ),
  organizationId: text("organization-id", ORGANIZATION_ID)
    .optional()
    .describe("Organisation whose accounts may forward here: only in the account that is the hub."),
  footer: fields({
    runbook: footerText.optional().describe("Where it says what to do."),
    contact: footerText.optional().describe("Who can be asked."),
  })
    .optional()
    .describe("Printed under every message."),
});

const trail = z
  .union(
    [
      z.enum(["create", "organization"], rule("trail-mode")),
      fields({
        create: fields({
          readEvents: flag.describe("Whether reading calls are recorded too. Default: true."),
          logGroupRetentionDays: z
            .literal(LOG_RETENTION_DAYS, rule("log-group-retention-days"))
            .describe("Days that a log group keeps the events. Default: no log group."),
        })
          .partial()
          .describe("The account's own trail is made."),
        existing: trailArn.describe("The account's own trail, which it already has."),
        organization: trailArn.describe("The organisation's trail."),
      }).partial(),
    ],
    rule("trail-mode"),
  )
  .describe(
    "Trail that records what is done with keys: create, organization, or one of the two or existing with its settings.",
  );

/** The form of a whole account, after its file has been merged over the defaults. */
export const accountSchema = fields({
  version: z.literal(1, rule("version")),
  account: fields({
    id: accountId.describe("Id of the AWS account, in quotes."),
    deployRole: roleArn.describe("Role that applies."),
    nextDeployRole: roleArn
      .optional()
      .describe(
        "Role that will be the deploy role: the key policies admit both until the change is done.",
      ),
    planRole: roleArn.describe("Role that plans; it changes nothing."),
  }),
  homeRegion: region.describe("Region of the primary keys. Changing this replaces every key."),
  regions: z
    .array(regionEntry, rule("wrong-type"))
    .min(1, rule("list-length"))
    .describe("Regions that hold keys, buses and archives, in any order."),
  residency: z
    .array(residencyPattern, rule("wrong-type"))
    .min(1, rule("list-length"))
    .optional()
    .describe("Regions that data may be in, such as eu-*. Default: all."),
  state: fields({
    bucket: text("state-bucket", BUCKET).describe("S3 bucket of the Terraform states."),
    region: region.describe("Region of the bucket."),
    keyPrefix: text("state-key-prefix", /^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/)
      .refine((prefix) => !isReservedKeyPrefix(prefix), rule("state-key-prefix-reserved"))
      .describe("Prefix of the state objects: <prefix>/<workspace>/<stack>.tfstate."),
    account: accountId.describe("Account that owns the bucket."),
    writeRole: roleArn.describe("Role that writes this workspace's states."),
    readRole: roleArn.describe("Role that reads them."),
    writers: roles
      .optional()
      .describe(
        "Roles, such as the pipeline's, that may take the writing role and the reading one. Needed by bootstrap.",
      ),
    readers: roles
      .optional()
      .describe("Roles, such as that of pull requests, that may take the reading role alone."),
  }),
  tags: z
    .record(tagKey, text("tag-value", TAG_VALUE), rule("wrong-type"))
    .optional()
    .describe("Tags of every resource."),
  keys: z
    .record(text("key-name", NAME), key, rule("wrong-type"))
    .describe("Keyspan's keys archive, alerts and audit, and any keys of your own."),
  buses: z
    .record(text("bus-name", EVENT_BUS_NAME.pattern), bus, rule("wrong-type"))
    .optional()
    .describe("Event buses: made by Keyspan, or existing ones that only get archives."),
  archives: z
    .record(text("archive-name", ARCHIVE), archive, rule("wrong-type"))
    .optional()
    .describe("Archives of the buses' events."),
  notifications: notifications.describe("What people hear of, and how."),
  trail,
  ring: z
    .int(rule("ring"))
    .min(RINGS.min, rule("ring"))
    .max(RINGS.max, rule("ring"))
    .describe(
      "When the account's turn comes in a rollout to all accounts: lower rings first. Default 1.",
    )
    .optional(),
  protect: flag
    .optional()
    .describe(
      "Whether Terraform refuses to destroy keys. false is for throw-away accounts. Default: true.",
    ),
});

/** A configuration that has the right form. */
export type AccountInput = z.infer<typeof accountSchema>;
