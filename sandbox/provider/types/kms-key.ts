import { DELETION_WINDOW_DAYS, ROTATION_DAYS } from "../../../modules/kms/key-limits";
import type { AwsLocation } from "../../../modules/partition";
import { isAwsError } from "../../aws/aws-error";
import { existingThings } from "../../aws/existing";
import { isKmsNotFound, KMS_KEYS, Kms, type KmsKeyObject, keyStateOf } from "../../aws/kms";
import type { ObjectStore } from "../../aws/object-store";
import { jsonProblems, lengthProblems, rangeProblems } from "../argument-problems";
import { doing, unlessGone, updateTags } from "../calls";
import type { ListedObject, ResourceType, Session } from "../resource-type";
import { samePolicy } from "../same-meaning";
import { type Attributes, flagOf, mapOf, numberOf, textOf } from "../values";

const TITLE = "KMS Key";

/** The only kind of key that the sandbox has, by argument. */
const ONLY_KIND = {
  customer_master_key_spec: "SYMMETRIC_DEFAULT",
  key_usage: "ENCRYPT_DECRYPT",
} as const;

/**
 * A primary or single-Region KMS key.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/kms_key
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/kms/key.go
 */
export const kmsKey: ResourceType = {
  bindings: "kms-key",
  title: TITLE,
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/kms_key",
  replacing: [
    "custom_key_store_id",
    "customer_master_key_spec",
    "key_usage",
    "multi_region",
    "xks_key_id",
  ],
  defaults: {
    bypass_policy_lockout_safety_check: false,
    enable_key_rotation: false,
    is_enabled: true,
    ...ONLY_KIND,
  },
  sameMeaning: { policy: samePolicy },
  problems: (config) => [
    ...rangeProblems(config, "deletion_window_in_days", DELETION_WINDOW_DAYS),
    ...rangeProblems(config, "rotation_period_in_days", ROTATION_DAYS),
    ...keyDescriptionProblems(config),
    ...jsonProblems(config, "policy"),
    ...Object.entries(ONLY_KIND).flatMap(([argument, only]) =>
      ["", only].includes(textOf(config, argument))
        ? []
        : [`the sandbox has only keys whose ${argument} is ${only}, got ${config[argument]}`],
    ),
    ...["custom_key_store_id", "xks_key_id"]
      .filter((argument) => textOf(config, argument) !== "")
      .map(
        (argument) =>
          `the sandbox has no custom key stores: leave ${argument} out, got ${config[argument]}`,
      ),
  ],

  async create({ aws, at }, planned, keep) {
    const kms = new Kms(aws, at);
    const { keyId } = await kms.createKey({
      description: textOf(planned, "description"),
      policy: textOf(planned, "policy") || undefined,
      bypassLockoutCheck: flagOf(planned, "bypass_policy_lockout_safety_check"),
      multiRegion: flagOf(planned, "multi_region"),
      tags: mapOf(planned, "tags_all"),
    });
    keep({ id: keyId, key_id: keyId });
    if (flagOf(planned, "enable_key_rotation")) {
      await doing(`enabling ${TITLE} (${keyId}) rotation`, () =>
        aws.untilFound(() => kms.enableKeyRotation(keyId, rotationDays(planned)), isKmsNotFound),
      );
    }
    if (!flagOf(planned, "is_enabled")) {
      await setEnabled(kms, `${TITLE} (${keyId})`, keyId, false);
    }
    await doing(`reading ${TITLE} (${keyId})`, () =>
      aws.untilFound(() => kms.describeKey(keyId), isKmsNotFound),
    );
  },

  async read(session, state) {
    const key = await findKey(session, textOf(state, "id"));
    if (key === undefined) {
      return undefined;
    }
    if (key.multiRegion && key.primaryRegion !== session.at.region) {
      throw new Error(`KMS Key (${key.keyId}) is not a multi-Region primary key`);
    }
    return {
      id: key.keyId,
      key_id: key.keyId,
      arn: key.arn,
      description: key.description,
      enable_key_rotation: key.rotationPeriodDays !== undefined,
      is_enabled: key.enabled,
      multi_region: key.multiRegion,
      policy: key.policy,
      rotation_period_in_days: key.rotationPeriodDays ?? null,
      tags_all: key.tags,
      ...ONLY_KIND,
    };
  },

  update: (session, prior, planned) =>
    updateKey(session, TITLE, "is_enabled", prior, planned, async (kms, keyId) => {
      const changed = (name: string) => prior[name] !== planned[name];
      const rotates = flagOf(planned, "enable_key_rotation");
      if (changed("enable_key_rotation") || (rotates && changed("rotation_period_in_days"))) {
        await doing(`${rotates ? "enabling" : "disabling"} ${TITLE} (${keyId}) rotation`, () =>
          rotates
            ? kms.enableKeyRotation(keyId, rotationDays(planned))
            : kms.disableKeyRotation(keyId),
        );
      }
    }),

  delete: deleteKey,
  identify: (id) => ({ id, key_id: id }),
  list: (store, at) =>
    listKeys(store, at)
      .filter(({ key }) => key.primaryRegion === at.region)
      .map(({ listed }) => listed),
  nameIn: keyNameIn,
};

/** The keys of a region as they are listed, without those that were there before Terraform. */
export function listKeys(
  store: ObjectStore,
  { region }: AwsLocation,
): readonly { readonly key: KmsKeyObject; readonly listed: ListedObject }[] {
  const { keyArns } = existingThings(store);
  return store
    .list(KMS_KEYS, region)
    .filter(([, { arn }]) => !keyArns.includes(arn))
    .map(([id, key]) => ({
      key,
      listed: {
        id,
        importId: id,
        name: key.tags[KEY_TAG] ?? id,
        detail: [id, keyStateOf(key), key.deletion?.date?.slice(0, 10) ?? []].flat().join(" "),
        ends: key.deletion !== undefined,
      },
    }));
}

/** Tag by which the stacks name a key: KMS itself gives it no name. */
const KEY_TAG = "keyspan:key";

/** Name of the key that a resource is for. */
export function keyNameIn({ tags }: Readonly<Record<string, unknown>>): string | undefined {
  const name =
    typeof tags === "object" && tags !== null && KEY_TAG in tags ? tags[KEY_TAG] : undefined;
  return typeof name === "string" ? name : undefined;
}

/** What `terraform validate` says of a description that is too long for KMS. */
export function keyDescriptionProblems(config: Attributes): readonly string[] {
  return lengthProblems(config, "description", { min: 0, max: MAX_DESCRIPTION_CHARACTERS });
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
const MAX_DESCRIPTION_CHARACTERS = 8192;

/** The key of that id, unless it is gone. The provider takes one that waits for its deletion for gone. */
export async function findKey(
  { aws, at }: Session,
  keyId: string,
): Promise<KmsKeyObject | undefined> {
  const key = await unlessGone(isKmsNotFound, () => new Kms(aws, at).describeKey(keyId));
  return key?.deletion === undefined ? key : undefined;
}

/**
 * Updates a key. It is enabled before anything else is changed, and disabled after: some changes
 * are refused while it is disabled.
 *
 * @param title - what an error calls the key, without its id
 * @param enabled - the argument that says whether the key is enabled
 * @param changeFirst - what is changed before what primary and replica keys have in common
 */
export async function updateKey(
  { aws, at }: Session,
  title: string,
  enabled: string,
  prior: Attributes,
  planned: Attributes,
  changeFirst: (kms: Kms, keyId: string) => Promise<void> = async () => {},
): Promise<void> {
  const kms = new Kms(aws, at);
  const keyId = textOf(prior, "id");
  const key = `${title} (${keyId})`;
  const [was, becomes] = [flagOf(prior, enabled), flagOf(planned, enabled)];
  await updateTags(key.replace("KMS", "KMS (Key Management)"), prior, planned, (tags) =>
    kms.tagResource(keyId, tags),
  );
  if (!was && becomes) {
    await setEnabled(kms, key, keyId, true);
  }
  await changeFirst(kms, keyId);
  if (prior.description !== planned.description) {
    await doing(`updating ${key} description`, () =>
      kms.updateKeyDescription(keyId, textOf(planned, "description")),
    );
  }
  if (prior.policy !== planned.policy) {
    await doing(`updating ${key} policy`, () =>
      kms.putKeyPolicy(
        keyId,
        textOf(planned, "policy"),
        flagOf(planned, "bypass_policy_lockout_safety_check"),
      ),
    );
  }
  if (was && !becomes) {
    await setEnabled(kms, key, keyId, false);
  }
}

/** Enables or disables a key. @param key - what an error calls it */
export async function setEnabled(
  kms: Kms,
  key: string,
  keyId: string,
  enabled: boolean,
): Promise<void> {
  await (enabled
    ? doing(`enabling ${key}`, () => kms.enableKey(keyId))
    : doing(`disabling ${key}`, () => kms.disableKey(keyId)));
}

/** Schedules a key for deletion. One that is gone, or waits already, is left as it is. */
export async function deleteKey({ aws, at }: Session, state: Attributes): Promise<void> {
  await unlessGone(
    (error) =>
      isKmsNotFound(error) ||
      (isAwsError(error, "KMSInvalidStateException") &&
        error.reason.includes("is pending deletion")),
    () =>
      new Kms(aws, at).scheduleKeyDeletion(
        textOf(state, "id"),
        numberOf(state, "deletion_window_in_days") ?? DELETION_WINDOW_DAYS.default,
      ),
  );
}

function rotationDays(planned: Attributes): number {
  return numberOf(planned, "rotation_period_in_days") ?? ROTATION_DAYS.default;
}
