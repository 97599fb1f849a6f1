import { DELETION_WINDOW_DAYS, ROTATION_DAYS } from "../../../modules/kms/key-limits";
import type { AwsLocation } from "../../../modules/partition";
import { isAwsError } from "../../aws/aws-error";
import { existingThings } from "../../aws/existing";
import { isKmsNotFound, KMS_KEYS, Kms, type KmsKeyObject, keyStateOf } from "../../aws/kms";
import type { ObjectStore } from "../../aws/object-store";
import { jsonProblems, rangeProblems } from "../argument-problems";
import type { ListedObject, ResourceType, Session } from "../resource-type";
import { sameJson } from "../same-meaning";
import { type Attributes, flagOf, mapOf, numberOf, textOf } from "../values";

/**
 * A primary or single-Region KMS key.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/kms_key
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/kms/key.go
 */
export const kmsKey: ResourceType = {
  bindings: "kms-key",
  title: "KMS Key",
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
    customer_master_key_spec: "SYMMETRIC_DEFAULT",
    enable_key_rotation: false,
    is_enabled: true,
    key_usage: "ENCRYPT_DECRYPT",
  },
  sameMeaning: { policy: sameJson },
  problems: (config) => [
    ...rangeProblems(config, "deletion_window_in_days", DELETION_WINDOW_DAYS),
    ...rangeProblems(config, "rotation_period_in_days", ROTATION_DAYS),
    ...jsonProblems(config, "policy"),
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
      await aws.untilFound(
        () => kms.enableKeyRotation(keyId, rotationDays(planned)),
        isKmsNotFound,
      );
    }
    if (!flagOf(planned, "is_enabled")) {
      await kms.disableKey(keyId);
    }
    await aws.untilFound(() => kms.describeKey(keyId), isKmsNotFound);
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
      customer_master_key_spec: "SYMMETRIC_DEFAULT",
      description: key.description,
      enable_key_rotation: key.rotationPeriodDays !== undefined,
      is_enabled: key.enabled,
      key_usage: "ENCRYPT_DECRYPT",
      multi_region: key.multiRegion,
      policy: key.policy,
      rotation_period_in_days: key.rotationPeriodDays ?? null,
      tags_all: key.tags,
    };
  },

  async update({ aws, at }, prior, planned) {
    const kms = new Kms(aws, at);
    const keyId = textOf(prior, "id");
    const changed = (name: string) => prior[name] !== planned[name];
    await enableFirst(kms, keyId, "is_enabled", prior, planned);
    const rotates = flagOf(planned, "enable_key_rotation");
    if (changed("enable_key_rotation") || (rotates && changed("rotation_period_in_days"))) {
      await (rotates
        ? kms.enableKeyRotation(keyId, rotationDays(planned))
        : kms.disableKeyRotation(keyId));
    }
    await updateShared(kms, keyId, prior, planned);
    await disableLast(kms, keyId, "is_enabled", prior, planned);
  },

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

/** The key of that id, unless it is gone. The provider takes one that waits for its deletion for gone. */
export async function findKey(
  { aws, at }: Session,
  keyId: string,
): Promise<KmsKeyObject | undefined> {
  const kms = new Kms(aws, at);
  try {
    const key = await kms.describeKey(keyId);
    return key.deletion === undefined ? key : undefined;
  } catch (error) {
    if (isKmsNotFound(error)) {
      return undefined;
    }
    throw error;
  }
}

/** Updates what a primary and a replica key have in common. */
export async function updateShared(
  kms: Kms,
  keyId: string,
  prior: Attributes,
  planned: Attributes,
): Promise<void> {
  if (prior.description !== planned.description) {
    await kms.updateKeyDescription(keyId, textOf(planned, "description"));
  }
  if (prior.policy !== planned.policy) {
    await kms.putKeyPolicy(
      keyId,
      textOf(planned, "policy"),
      flagOf(planned, "bypass_policy_lockout_safety_check"),
    );
  }
  const tags = mapOf(planned, "tags_all");
  if (JSON.stringify(mapOf(prior, "tags_all")) !== JSON.stringify(tags)) {
    await kms.tagResource(keyId, tags);
  }
}

/** Enables a key before anything else is changed: some changes are refused while it is disabled. */
export async function enableFirst(
  kms: Kms,
  keyId: string,
  argument: string,
  prior: Attributes,
  planned: Attributes,
): Promise<void> {
  if (!flagOf(prior, argument) && flagOf(planned, argument)) {
    await kms.enableKey(keyId);
  }
}

/** Disables a key after all else has been changed. */
export async function disableLast(
  kms: Kms,
  keyId: string,
  argument: string,
  prior: Attributes,
  planned: Attributes,
): Promise<void> {
  if (flagOf(prior, argument) && !flagOf(planned, argument)) {
    await kms.disableKey(keyId);
  }
}

/** Schedules a key for deletion. One that is gone, or waits already, is left as it is. */
export async function deleteKey({ aws, at }: Session, state: Attributes): Promise<void> {
  try {
    await new Kms(aws, at).scheduleKeyDeletion(
      textOf(state, "id"),
      numberOf(state, "deletion_window_in_days") ?? DELETION_WINDOW_DAYS.default,
    );
  } catch (error) {
    if (!isAwsError(error, "NotFoundException", "KMSInvalidStateException")) {
      throw error;
    }
  }
}

function rotationDays(planned: Attributes): number {
  return numberOf(planned, "rotation_period_in_days") ?? ROTATION_DAYS.default;
}
