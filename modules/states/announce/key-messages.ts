/** What is said about keys. */
import { literal } from "../asl";
import { all, either, matches, orElse, REGION_NAME, type Source, text, when } from "./expressions";
import {
  CALLER_LINES,
  keyLines,
  kmsCommand,
  LOOKUP_COMMAND,
  line,
  type MessageProps,
  step,
} from "./message";

const R: Source = "$event.region";
const K: Source = "$key.title";
const BY_KMS = (why: string): readonly Source[] => [line("By", literal(`KMS itself, ${why}`))];

const DETAIL = "$states.input.detail";
const REQUEST = `${DETAIL}.requestParameters`;
const RESPONSE = `${DETAIL}.responseElements`;

const ENABLE = kmsCommand("enable-key");
const CANCEL = kmsCommand("cancel-key-deletion");
const DESCRIBE = kmsCommand("describe-key");
const CANCEL_AND_ENABLE: readonly Source[] = [
  step(literal("If it must not be deleted, cancel the deletion:"), CANCEL),
  step(literal("Cancelling leaves the key disabled, so enable it as well:"), ENABLE),
];

/** Whole days, as the event says or as KMS fills in: it takes 30 if the caller names none. */
const WINDOW: Source = `(
$said := [${RESPONSE}.pendingWindowInDays, ${REQUEST}.pendingWindowInDays][$type($) = "number"];
$exists($said) ? $string($said[0]) & ($said[0] = 1 ? " day" : " days") : "30 days (what KMS takes when the caller names none)"
)`;

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-dlq.html
const STOPS: Source = `${when("$key.hasDependants", literal(" What depends on it stops."))} & ${when(
  '$key.hasDependants and $contains($key.dependants, "bus")',
  literal(
    " Events that a bus under it cannot process go to the bus's dead-letter queue, where they can be read only with this key.",
  ),
)}`;

/** What a person does to have the keys as the account's file says. */
const putBack = (words: string): Source =>
  step(literal(words), text`npm run deploy -- ${"$event.accountLabel"} keys`);

const DISABLED: MessageProps = {
  comment: "DisableKey",
  kind: "disabled",
  severity: "critical",
  head: text`${"$key.shortLabel"} disabled`,
  what: text`${K} was disabled in ${R}: from now on nothing can be encrypted or decrypted with it there.${STOPS}`,
  lines: keyLines(CALLER_LINES),
  steps: [
    step(literal("If nobody meant this, enable the key again:"), ENABLE),
    step(literal("See the state that it is in now:"), DESCRIBE),
    text`If it was disabled to contain an incident, leave it as it is.${when("$key.isKnown", literal(" Applying Keyspan does not enable it."))}`,
  ],
  stepsNeedKey: true,
};

const SCHEDULED: MessageProps = {
  comment: "ScheduleKeyDeletion, with a date",
  kind: "scheduled-for-deletion",
  severity: "critical",
  head: text`${"$key.shortLabel"} scheduled for deletion`,
  what: text`${K} in ${R} is scheduled for deletion. It cannot be used from now on. When its waiting period of ${WINDOW} is over, it is gone for ever, and with it all that was encrypted only under it.${STOPS}`,
  lines: [
    ...keyLines(CALLER_LINES),
    line("Waits for", WINDOW),
    line(
      "Deletion",
      text`${orElse(`$text(${RESPONSE}.deletionDate)`, literal("date not in the event"))} (as CloudTrail wrote it; KMS may take up to 24 hours longer)`,
    ),
    when("$key.others != ''", line("Related keys", "$key.others")),
  ],
  steps: [
    ...CANCEL_AND_ENABLE,
    literal(
      "If it is meant to be deleted, nothing has to be done: reminders follow before the day.",
    ),
  ],
  stepsNeedKey: true,
};

const WAITING: MessageProps = {
  comment: "ScheduleKeyDeletion of a primary key with replicas",
  kind: "waiting-for-replicas",
  severity: "critical",
  head: text`${"$key.shortLabel"} scheduled for deletion, no date yet`,
  what: text`${K} in ${R} is to be deleted. It cannot be used from now on. There is no date yet: KMS keeps a primary key until the last of its replica keys in other regions is deleted, and only then its own waiting period of ${WINDOW} begins.${STOPS}`,
  lines: [
    ...keyLines(CALLER_LINES),
    line("Waits for", text`its replica keys, then ${WINDOW}`),
    line("Deletion", literal("no date yet")),
    when("$key.others != ''", line("Related keys", "$key.others")),
  ],
  steps: [
    ...CANCEL_AND_ENABLE,
    step(
      literal("See its replica keys; each that is scheduled for deletion must be cancelled too:"),
      text`${DESCRIBE} --query KeyMetadata.MultiRegionConfiguration`,
    ),
  ],
  stepsNeedKey: true,
};

const CANCELLED: MessageProps = {
  comment: "CancelKeyDeletion",
  kind: "deletion-cancelled",
  severity: "info",
  head: text`${"$key.shortLabel"}: deletion cancelled, still disabled`,
  what: text`The deletion of ${"$key.label"} in ${R} was cancelled. The key is still disabled: nothing can be encrypted or decrypted with it until somebody enables it.`,
  lines: keyLines(CALLER_LINES),
  steps: [step(literal("Enable the key:"), ENABLE)],
  stepsNeedKey: true,
};

const ENABLED: MessageProps = {
  comment: "EnableKey",
  kind: "enabled-again",
  severity: "info",
  head: text`${"$key.shortLabel"} enabled again`,
  what: text`${K} in ${R} is enabled: all clear, it can be used again.`,
  lines: keyLines(CALLER_LINES),
  steps: [
    literal("Nothing has to be done about the key."),
    when(
      "$key.hasDependants",
      literal("See whether events wait in the dead-letter queues of the buses that depend on it."),
    ),
  ],
};

const DELETED: MessageProps = {
  comment: "The native event KMS CMK Deletion, which needs no trail",
  kind: "deleted",
  severity: "critical",
  head: text`${"$key.shortLabel"} DELETED`,
  what: text`${K} in ${R} was deleted. This is irreversible: what was encrypted only under it can never be decrypted again.${when("$key.isMultiRegion", literal(" A related multi-Region key, if one is left in another region, can still decrypt it."))}`,
  lines: [
    ...keyLines(BY_KMS("at the end of the waiting period that somebody scheduled")),
    when("$key.others != ''", line("Related keys", "$key.others")),
  ],
  steps: [
    step(
      literal("See who scheduled it, among the calls that named it:"),
      text`aws cloudtrail lookup-events --region ${R} --lookup-attributes AttributeKey=ResourceName,AttributeValue=${"$key.reference"}`,
    ),
    literal("Point what used it to another key. Nothing brings this one back."),
    when(
      "$key.isKnown",
      literal(
        "Terraform refuses to plan Keyspan from now on, on purpose: it would make a new key. Do not force it.",
      ),
    ),
  ],
  stepsNeedKey: true,
};

const IMPORT_AGAIN: readonly Source[] = [
  step(
    literal("Get what is needed to import the same key material again:"),
    kmsCommand(
      "get-parameters-for-import",
      literal(" --wrapping-algorithm RSAES_OAEP_SHA_256 --wrapping-key-spec RSA_4096"),
    ),
  ),
  step(
    literal("Wrap the material with the public key of the answer, and import it:"),
    kmsCommand(
      "import-key-material",
      literal(
        " --encrypted-key-material fileb://material.bin --import-token fileb://token.bin --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE",
      ),
    ),
  ),
];

const IMPORTED_GONE: Source = text`nothing can be encrypted or decrypted with it until the same material is imported again.${STOPS}`;

const MATERIAL_EXPIRED: MessageProps = {
  comment: "The native event KMS Imported Key Material Expiration",
  kind: "imported-material",
  severity: "critical",
  head: text`${"$key.shortLabel"}: imported material expired`,
  what: text`The imported key material of ${"$key.label"} in ${R} has expired and is deleted: ${IMPORTED_GONE}`,
  lines: keyLines(BY_KMS("at the expiry that was set when the material was imported")),
  steps: IMPORT_AGAIN,
  stepsNeedKey: true,
};

const MATERIAL_DELETED: MessageProps = {
  comment: "DeleteImportedKeyMaterial",
  kind: "imported-material",
  severity: "critical",
  head: text`${"$key.shortLabel"}: imported material deleted`,
  what: text`The imported key material of ${"$key.label"} in ${R} was deleted: ${IMPORTED_GONE}`,
  lines: keyLines(CALLER_LINES),
  steps: IMPORT_AGAIN,
  stepsNeedKey: true,
};

const ROTATED: MessageProps = {
  comment: "The native event KMS CMK Rotation",
  kind: "rotated",
  severity: "info",
  head: text`${"$key.shortLabel"} rotated`,
  what: text`${K} in ${R} has new key material. What was encrypted before stays readable: KMS keeps the older material.`,
  lines: [
    ...keyLines(
      BY_KMS("by the key's automatic rotation or because somebody asked for it on demand"),
    ),
    line("Rotation", orElse(`$text(${DETAIL}.\`rotation-type\`)`, literal("not in the event"))),
  ],
  steps: [literal("Nothing has to be done.")],
};

const PUT_KEY_POLICY: MessageProps = {
  comment: "PutKeyPolicy",
  kind: "protection-changed",
  severity: "warning",
  head: text`${"$key.shortLabel"}: key policy replaced`,
  what: text`The key policy of ${"$key.label"} in ${R} was replaced: who may use and manage the key is now what it says below.`,
  lines: [
    ...keyLines(CALLER_LINES),
    when(
      `${REQUEST}.bypassPolicyLockoutSafetyCheck = true`,
      line("Beware", literal("the caller bypassed the check that keeps the key manageable")),
    ),
    text`The policy says now:\n${"$policy"}`,
  ],
  steps: [
    step(
      literal("If this was no deployment, compare the policy with what it should be:"),
      kmsCommand("get-key-policy", literal(" --policy-name default --output text")),
    ),
    either(
      "$key.isKnown and $event.isOwn",
      putBack("Put Keyspan's policy back by applying the stack:"),
      literal("Put the policy back that the key's owner wants: aws kms put-key-policy."),
    ),
    step(
      literal("If it lets somebody in who must not be, disable the key until it is put right:"),
      kmsCommand("disable-key"),
    ),
  ],
  stepsNeedKey: true,
};

const ROTATION_OFF: MessageProps = {
  comment: "DisableKeyRotation",
  kind: "protection-changed",
  severity: "warning",
  head: text`${"$key.shortLabel"}: automatic rotation off`,
  what: text`The automatic rotation of ${"$key.label"} in ${R} was switched off: the key works as before, but gets no new key material any more.`,
  lines: keyLines(CALLER_LINES),
  steps: [
    step(literal("If nobody meant this, switch it on again:"), kmsCommand("enable-key-rotation")),
  ],
  stepsNeedKey: true,
};

const NEW_PRIMARY: Source = `$text(${REQUEST}.primaryRegion)`;
const IS_NEW_PRIMARY: Source = `${NEW_PRIMARY} = ${R}`;
const NO_OWN_NAME: Source = when(
  "$key.isNamed = false",
  literal(
    " This record does not say which key it is: KMS writes one in each of the two regions, and the other names it.",
  ),
);

const PRIMARY_MOVED: MessageProps = {
  comment: "UpdatePrimaryRegion: one record in each of the two regions, the second may name no key",
  kind: "protection-changed",
  severity: "warning",
  head: text`${"$key.shortLabel"}: ${either(IS_NEW_PRIMARY, literal("now primary"), literal("now replica"))}`,
  what: text`${K} in ${R} is now ${either(IS_NEW_PRIMARY, literal("the primary key of its family: rotation and replicas are managed here from now on."), text`a replica key; its primary is in ${orElse(NEW_PRIMARY, literal("a region that the event does not name"))}: rotation and replicas are managed there from now on.`)} Encrypting and decrypting go on as before, and so does every ARN.${NO_OWN_NAME}`,
  lines: [
    ...keyLines(CALLER_LINES),
    line("Primary in", orElse(NEW_PRIMARY, literal("not in the event"))),
  ],
  steps: [
    either(
      all(
        '$key.reference != ""',
        "$key.isMultiRegion",
        `$not(${IS_NEW_PRIMARY})`,
        matches(NEW_PRIMARY, REGION_NAME),
      ),
      step(
        literal("If nobody meant this, move the primary back:"),
        text`aws kms update-primary-region --region ${NEW_PRIMARY} --key-id ${"$key.id"} --primary-region ${R}`,
      ),
      step(
        literal(
          "If nobody meant this, move the primary back; the message about the other region has the command. This is the record:",
        ),
        LOOKUP_COMMAND,
      ),
    ),
    when(
      "$key.isKnown",
      literal(
        "If it is to stay, say so in Keyspan's configuration before the next apply: until then Terraform refuses to plan.",
      ),
    ),
  ],
};

const REPLICA_REGION: Source = `$text(${REQUEST}.replicaRegion)`;

const REPLICATED: MessageProps = {
  comment: "ReplicateKey",
  kind: "protection-changed",
  severity: "warning",
  head: text`${"$key.shortLabel"}: replica key made`,
  what: text`${K} in ${R} was replicated to ${orElse(REPLICA_REGION, literal("a region that the event does not name"))}: a replica key there can decrypt all that this key encrypts, under a key policy of its own.`,
  lines: [
    ...keyLines(CALLER_LINES),
    line("Replica in", orElse(REPLICA_REGION, literal("not in the event"))),
    text`The policy of the replica key says:\n${"$policy"}`,
  ],
  steps: [
    either(
      matches(REPLICA_REGION, REGION_NAME),
      step(
        literal("If nobody meant this, disable the replica key:"),
        text`aws kms disable-key --region ${REPLICA_REGION} --key-id ${"$key.id"}`,
      ),
      step(literal("Find the region in the event:"), LOOKUP_COMMAND),
    ),
    step(
      literal("See the keys of its family:"),
      text`${DESCRIBE} --query KeyMetadata.MultiRegionConfiguration`,
    ),
  ],
  stepsNeedKey: true,
};

const ALIAS: Source = orElse("$key.aliasName", literal("that the event does not name"));
const ALIAS_COMMAND = (command: string, more: Source = literal("")): Source =>
  either(
    matches("$key.aliasName", "alias/[A-Za-z0-9/_-]+"),
    text`aws kms ${literal(command)} --region ${R} --alias-name ${"$key.aliasName"}${more}`,
    LOOKUP_COMMAND,
  );
const ALIAS_LINES: readonly Source[] = [
  line("This alias", ALIAS),
  when('$key.aliasOwner != ""', line("It belongs to", text`Keyspan's key ${"$key.aliasOwner"}`)),
];
const TARGET: Source = text` --target-key-id ${"$key.reference"}`;

const ALIAS_CREATED: MessageProps = {
  comment: "CreateAlias",
  kind: "protection-changed",
  severity: "warning",
  head: text`${"$key.shortLabel"}: alias created`,
  what: text`Alias ${ALIAS} in ${R} was created and points to ${"$key.label"}: whoever names the alias uses this key.`,
  lines: [...keyLines(CALLER_LINES), ...ALIAS_LINES],
  steps: [step(literal("If nobody meant this, delete the alias:"), ALIAS_COMMAND("delete-alias"))],
};

const ALIAS_MOVED: MessageProps = {
  comment: "UpdateAlias: the key of the event is the one that the alias points to now",
  kind: "protection-changed",
  severity: "warning",
  head: text`${"$key.shortLabel"}: alias points here now`,
  what: text`Alias ${ALIAS} in ${R} was moved and points to ${"$key.label"} now: whoever names the alias encrypts with this key from now on. The event does not say which key it was before.${when(
    '$key.aliasOwner != "" and $key.aliasOwner != $key.name',
    text` It is the alias of Keyspan's key ${"$key.aliasOwner"}: whoever means that key uses another one now.`,
  )}`,
  lines: [...keyLines(CALLER_LINES), ...ALIAS_LINES],
  steps: [
    step(literal("See the aliases and their keys:"), text`aws kms list-aliases --region ${R}`),
    either(
      '$event.isOwn and ($key.isKnown or $key.aliasOwner != "")',
      putBack("If nobody meant this, point it back by applying the stack:"),
      literal("If nobody meant this, point it back: aws kms update-alias."),
    ),
  ],
};

const ALIAS_DELETED: MessageProps = {
  comment: "DeleteAlias",
  kind: "protection-changed",
  severity: "warning",
  head: text`${"$key.shortLabel"}: alias deleted`,
  what: text`Alias ${ALIAS} of ${"$key.label"} in ${R} was deleted: whoever names the key by it fails from now on. The key itself is as it was.`,
  lines: [...keyLines(CALLER_LINES), ...ALIAS_LINES],
  steps: [
    step(
      literal("If nobody meant this, make the alias again:"),
      either('$key.reference != ""', ALIAS_COMMAND("create-alias", TARGET), LOOKUP_COMMAND),
    ),
  ],
};

const GRANTEE: Source = orElse(
  `$text(${REQUEST}.granteePrincipal)`,
  literal("somebody whom the event does not name"),
);
const OPERATIONS: Source = `$first([$clean($join([${REQUEST}.operations[$type($) = "string"]], ", "), 1000), "operations that the event does not name"])`;
const GRANT_ID: Source = `$text(${RESPONSE}.grantId)`;

const GRANTED: MessageProps = {
  comment: "CreateGrant by a person",
  kind: "protection-changed",
  severity: "warning",
  head: text`${"$key.shortLabel"}: grant created by a person`,
  what: text`A grant lets ${GRANTEE} use ${"$key.label"} in ${R} for ${OPERATIONS}, whatever the key policy says about them.`,
  lines: [
    ...keyLines(CALLER_LINES),
    line("Grantee", GRANTEE),
    line("Operations", OPERATIONS),
    line("Constraints", orElse(`$text(${REQUEST}.constraints)`, literal("none in the event"))),
  ],
  steps: [
    step(
      literal("If nobody meant this, revoke the grant:"),
      either(
        matches(GRANT_ID, "[A-Za-z0-9]+"),
        kmsCommand("revoke-grant", text` --grant-id ${GRANT_ID}`),
        LOOKUP_COMMAND,
      ),
    ),
    step(literal("See all grants of the key:"), kmsCommand("list-grants")),
  ],
  stepsNeedKey: true,
};

const REFUSED: MessageProps = {
  comment: "Any of the calls with an error code: it did not happen",
  kind: "attempt-refused",
  severity: "warning",
  head: text`${"$key.shortLabel"}: ${"$call.name"} refused`,
  what: text`Somebody called ${orElse("$call.name", literal("KMS"))} on ${"$key.label"} in ${R} and was refused: it did not happen, nothing has changed.`,
  lines: [
    ...keyLines(CALLER_LINES),
    line("Refused with", "$call.error"),
    when('$call.errorText != ""', line("Reason", "$call.errorText")),
    when('$key.aliasName != ""', line("With alias", "$key.aliasName")),
  ],
  steps: [
    literal("If you know the caller and why it was tried, nothing has to be done."),
    step(literal("Else find out more about the call:"), LOOKUP_COMMAND),
    when(
      '$key.reference != "" and $key.isTyped = false',
      step(literal("See that the key is as it should be:"), DESCRIBE),
    ),
  ],
};

/** What is said about keys, by the name of the state that says it. */
export const KEY_MESSAGES = {
  Disabled: DISABLED,
  ScheduledForDeletion: SCHEDULED,
  WaitingForReplicas: WAITING,
  DeletionCancelled: CANCELLED,
  EnabledAgain: ENABLED,
  Deleted: DELETED,
  ImportedMaterialExpired: MATERIAL_EXPIRED,
  ImportedMaterialDeleted: MATERIAL_DELETED,
  Rotated: ROTATED,
  KeyPolicyReplaced: PUT_KEY_POLICY,
  RotationSwitchedOff: ROTATION_OFF,
  PrimaryRegionMoved: PRIMARY_MOVED,
  Replicated: REPLICATED,
  AliasCreated: ALIAS_CREATED,
  AliasMoved: ALIAS_MOVED,
  AliasDeleted: ALIAS_DELETED,
  GrantCreated: GRANTED,
  AttemptRefused: REFUSED,
} as const satisfies Readonly<Record<string, MessageProps>>;
