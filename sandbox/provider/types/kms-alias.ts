import { AWS_ALIAS_PREFIX, isKmsNotFound, KMS_ALIASES, Kms } from "../../aws/kms";
import { doing, unlessGone } from "../calls";
import { listedByName, madeUpName, namePrefixOf, ownName } from "../names";
import type { ResourceType } from "../resource-type";
import { sameKey } from "../same-meaning";
import { type Attributes, textOf } from "../values";

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
  problems: (config) => [
    ...aliasNameProblems(config, "name"),
    ...aliasNameProblems(config, "name_prefix"),
  ],

  async create({ aws, at }, planned, keep) {
    const kms = new Kms(aws, at);
    const name = madeUpName(planned, PREFIX);
    await doing(`creating KMS Alias (${name})`, () =>
      aws.untilFound(() => kms.createAlias(name, textOf(planned, "target_key_id")), isKmsNotFound),
    );
    keep({ id: name, name });
  },

  async read({ aws, at }, state) {
    const kms = new Kms(aws, at);
    const alias = await unlessGone(isKmsNotFound, () => kms.describeAlias(textOf(state, "id")));
    return (
      alias && {
        id: alias.name,
        name: alias.name,
        name_prefix: namePrefixOf(alias.name),
        arn: kms.arnOfAlias(alias.name),
        target_key_id: alias.targetKeyId,
        target_key_arn: kms.arnOf(alias.targetKeyId),
      }
    );
  },

  async update({ aws, at }, prior, planned) {
    if (prior.target_key_id !== planned.target_key_id) {
      await new Kms(aws, at).updateAlias(textOf(prior, "id"), textOf(planned, "target_key_id"));
    }
  },

  async delete({ aws, at }, state) {
    await unlessGone(isKmsNotFound, () => new Kms(aws, at).deleteAlias(textOf(state, "id")));
  },

  identify: (id) => ({ id, name: id }),
  list: (store, { region }) => store.list(KMS_ALIASES, region).map(([name]) => listedByName(name)),
  nameIn: ownName,
};

/**
 * What `terraform validate` says of the name of an alias. That it is too long only KMS says.
 *
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/kms/validate.go
 */
function aliasNameProblems(config: Attributes, argument: string): readonly string[] {
  const name = config[argument];
  return typeof name !== "string"
    ? []
    : [
        ...(name.startsWith(AWS_ALIAS_PREFIX)
          ? [`"${argument}" cannot begin with reserved AWS CMK prefix '${AWS_ALIAS_PREFIX}'`]
          : []),
        ...(ALIAS_FORM.test(name)
          ? []
          : [`"${argument}" must begin with 'alias/' and be comprised of only [0-9A-Za-z_/-]`]),
      ];
}

const ALIAS_FORM = /^alias\/[0-9A-Za-z_/-]+$/;
