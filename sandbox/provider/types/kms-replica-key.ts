import { DELETION_WINDOW_DAYS } from "../../../modules/kms/key-limits";
import { isKmsNotFound, Kms } from "../../aws/kms";
import { arnProblems, jsonProblems, rangeProblems } from "../argument-problems";
import { doing } from "../calls";
import type { ResourceType } from "../resource-type";
import { asHeld, samePolicy } from "../same-meaning";
import { flagOf, mapOf, textOf } from "../values";
import {
  deleteKey,
  findKey,
  keyDescriptionProblems,
  keyNameIn,
  listKeys,
  setEnabled,
  updateKey,
} from "./kms-key";

const TITLE = "KMS Replica Key";

/**
 * A replica of a multi-Region primary key.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/kms_replica_key
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/kms/replica_key.go
 */
export const kmsReplicaKey: ResourceType = {
  bindings: "kms-replica-key",
  title: TITLE,
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/kms_replica_key",
  replacing: ["primary_key_arn"],
  defaults: {
    bypass_policy_lockout_safety_check: false,
    deletion_window_in_days: DELETION_WINDOW_DAYS.default,
    enabled: true,
  },
  sameMeaning: { policy: samePolicy },
  problems: (config) => [
    ...arnProblems(config, "primary_key_arn"),
    ...rangeProblems(config, "deletion_window_in_days", DELETION_WINDOW_DAYS),
    ...keyDescriptionProblems(config),
    ...jsonProblems(config, "policy"),
  ],

  async create({ aws, at }, planned, keep) {
    const kms = new Kms(aws, at);
    const { keyId } = await kms.replicateKey({
      primaryKeyArn: textOf(planned, "primary_key_arn"),
      description: textOf(planned, "description"),
      policy: textOf(planned, "policy") || undefined,
      bypassLockoutCheck: flagOf(planned, "bypass_policy_lockout_safety_check"),
      tags: mapOf(planned, "tags_all"),
    });
    keep({ id: keyId, key_id: keyId });
    await doing(`waiting for ${TITLE} (${keyId}) create`, () =>
      aws.untilFound(() => kms.describeKey(keyId), isKmsNotFound),
    );
    if (!flagOf(planned, "enabled")) {
      await setEnabled(kms, `${TITLE} (${keyId})`, keyId, false);
    }
  },

  async read(session, state) {
    const key = await findKey(session, textOf(state, "id"));
    if (key === undefined) {
      return undefined;
    }
    if (!key.multiRegion || key.primaryRegion === session.at.region) {
      throw new Error(`KMS Replica Key (${key.keyId}) is not a multi-Region replica key`);
    }
    return {
      id: key.keyId,
      key_id: key.keyId,
      arn: key.arn,
      description: asHeld(state, "description", key.description),
      enabled: key.enabled,
      key_rotation_enabled: new Kms(session.aws, session.at).rotationOf(key) !== undefined,
      key_spec: "SYMMETRIC_DEFAULT",
      key_usage: "ENCRYPT_DECRYPT",
      policy: key.policy,
      primary_key_arn: new Kms(session.aws, { ...session.at, region: key.primaryRegion }).arnOf(
        key.keyId,
      ),
      tags_all: key.tags,
    };
  },

  update: (session, prior, planned) => updateKey(session, TITLE, "enabled", prior, planned),
  delete: deleteKey,
  identify: (id) => ({ id, key_id: id }),
  list: (store, at) =>
    listKeys(store, at)
      .filter(({ key }) => key.primaryRegion !== at.region)
      .map(({ listed }) => listed),
  nameIn: keyNameIn,
};
