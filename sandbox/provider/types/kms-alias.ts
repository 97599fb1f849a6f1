import { ALIAS_NAME, nameProblem } from "../../../modules/names";
import { isKmsNotFound, KMS_ALIASES, Kms } from "../../aws/kms";
import { madeUpName, namePrefixOf } from "../names";
import type { ResourceType } from "../resource-type";
import { sameKey } from "../same-meaning";
import { textOf } from "../values";

const PREFIX = "alias/";

/**
 * A name for a KMS key in one region.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/kms_alias
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/kms/alias.go
 */
export const kmsAlias: ResourceType = {
  bindings: "kms-alias",
  title: "KMS Alias",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/kms_alias",
  replacing: ["name", "name_prefix"],
  defaults: {},
  sameMeaning: { target_key_id: sameKey },
  problems: (config) => {
    const name = textOf(config, "name");
    const problem = name === "" ? undefined : nameProblem(name, ALIAS_NAME);
    return problem === undefined ? [] : [`"name" (${name}) ${problem}`];
  },

  async create({ aws, at }, planned, keep) {
    const kms = new Kms(aws, at);
    const name = madeUpName(planned, PREFIX);
    await aws.untilFound(
      () => kms.createAlias(name, textOf(planned, "target_key_id")),
      isKmsNotFound,
    );
    keep({ id: name, name });
  },

  async read({ aws, at }, state) {
    const kms = new Kms(aws, at);
    const id = textOf(state, "id");
    try {
      const { name, targetKeyId } = await kms.describeAlias(id);
      return {
        id: name,
        name,
        name_prefix: namePrefixOf(name),
        arn: kms.arnOfAlias(name),
        target_key_id: targetKeyId,
        target_key_arn: kms.arnOf(targetKeyId),
      };
    } catch (error) {
      if (isKmsNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  },

  async update({ aws, at }, prior, planned) {
    if (prior.target_key_id !== planned.target_key_id) {
      await new Kms(aws, at).updateAlias(textOf(prior, "id"), textOf(planned, "target_key_id"));
    }
  },

  async delete({ aws, at }, state) {
    try {
      await new Kms(aws, at).deleteAlias(textOf(state, "id"));
    } catch (error) {
      if (!isKmsNotFound(error)) {
        throw error;
      }
    }
  },

  identify: (id) => ({ id, name: id }),
  list: (store, { region }) =>
    store.list(KMS_ALIASES, region).map(([name]) => ({ id: name, importId: name, name })),
  nameIn: ({ name }) => (typeof name === "string" ? name : undefined),
};
