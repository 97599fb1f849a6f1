import { IAM_NAME, IAM_ROLES, Iam, isIamNotFound, SESSION_SECONDS } from "../../aws/iam";
import { jsonProblems, rangeProblems } from "../argument-problems";
import { doing, unlessGone, updateTags } from "../calls";
import { listedByName, madeUpName, namePrefixOf, ownName } from "../names";
import type { ResourceType } from "../resource-type";
import { asHeld, hasChanged, samePolicy } from "../same-meaning";
import { type Attributes, blocksOf, flagOf, mapOf, numberOf, textOf, textsOf } from "../values";

/** What the provider puts behind a prefix. */
const SERIAL_CHARACTERS = 26;

/**
 * A role.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/iam_role
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/iam/role.go
 */
export const iamRole: ResourceType = {
  bindings: "iam-role",
  title: "IAM Role",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/iam_role",
  replacing: ["name", "name_prefix", "path"],
  defaults: {
    force_detach_policies: false,
    max_session_duration: SESSION_SECONDS.default,
    path: "/",
  },
  sameMeaning: { assume_role_policy: samePolicy },
  problems: (config) => [
    ...iamNameProblems(config, "name", IAM_NAME.maxRoleCharacters),
    ...iamNameProblems(config, "name_prefix", IAM_NAME.maxRoleCharacters - SERIAL_CHARACTERS),
    ...rangeProblems(config, "max_session_duration", SESSION_SECONDS),
    ...jsonProblems(config, "assume_role_policy"),
    ...(blocksOf(config, "inline_policy").length > 0
      ? ["inline_policy is deprecated, the sandbox has none: use aws_iam_role_policy"]
      : []),
    ...(textsOf(config, "managed_policy_arns").length > 0
      ? ["managed_policy_arns is deprecated, and the sandbox has no managed policies"]
      : []),
  ],

  async create({ aws }, planned, keep) {
    const name = madeUpName(planned);
    await doing(`creating IAM Role (${name})`, () =>
      new Iam(aws).createRole({
        name,
        path: textOf(planned, "path"),
        description: textOf(planned, "description"),
        trustPolicy: textOf(planned, "assume_role_policy"),
        maxSessionSeconds: sessionSeconds(planned),
        permissionsBoundary: textOf(planned, "permissions_boundary") || undefined,
        tags: mapOf(planned, "tags_all"),
      }),
    );
    keep({ id: name, name });
  },

  async read({ aws }, state) {
    const role = await unlessGone(isIamNotFound, () => new Iam(aws).getRole(textOf(state, "id")));
    return (
      role && {
        id: role.name,
        name: role.name,
        name_prefix: namePrefixOf(role.name),
        arn: role.arn,
        assume_role_policy: role.trustPolicy,
        create_date: role.created.replace(/\.\d+Z$/, "Z"),
        description: asHeld(state, "description", role.description),
        managed_policy_arns: [],
        max_session_duration: role.maxSessionSeconds,
        path: role.path,
        permissions_boundary: role.permissionsBoundary ?? null,
        tags_all: role.tags,
        unique_id: role.uniqueId,
      }
    );
  },

  async update({ aws }, prior, planned) {
    const iam = new Iam(aws);
    const name = textOf(prior, "id");
    await updateTags(`IAM (Identity & Access Management) Role (${name})`, prior, planned, (tags) =>
      iam.tagRole(name, tags),
    );
    const change = async (argument: string, what: string, call: () => Promise<void>) => {
      if (hasChanged(prior, planned, [argument])) {
        await doing(what, call);
      }
    };
    const role = `IAM Role (${name})`;
    await change("assume_role_policy", `updating ${role} assume role policy`, () =>
      iam.updateAssumeRolePolicy(name, textOf(planned, "assume_role_policy")),
    );
    await change("description", `updating ${role} description`, () =>
      iam.updateRoleDescription(name, textOf(planned, "description")),
    );
    await change("max_session_duration", `updating ${role} MaxSessionDuration`, () =>
      iam.updateRole(name, sessionSeconds(planned)),
    );
    const boundary = textOf(planned, "permissions_boundary");
    await change(
      "permissions_boundary",
      `${boundary === "" ? "deleting" : "updating"} ${role} permissions boundary`,
      () =>
        boundary === ""
          ? iam.deleteRolePermissionsBoundary(name)
          : iam.putRolePermissionsBoundary(name, boundary),
    );
  },

  async delete({ aws }, state) {
    const iam = new Iam(aws);
    const name = textOf(state, "id");
    await unlessGone(isIamNotFound, async () => {
      if (flagOf(state, "force_detach_policies")) {
        for (const policyName of await iam.listRolePolicies(name)) {
          await iam.deleteRolePolicy(name, policyName);
        }
      }
      await iam.deleteRole(name);
    });
  },

  identify: (id) => ({ id, name: id }),
  isGlobal: true,
  list: (store) => store.list(IAM_ROLES, undefined).map(([name]) => listedByName(name)),
  nameIn: ownName,
};

/** What `terraform validate` says of a name in IAM, or of the prefix of one. */
export function iamNameProblems(
  config: Attributes,
  argument: string,
  maxCharacters: number,
): readonly string[] {
  const name = textOf(config, argument);
  return [
    ...(name.length > maxCharacters
      ? [`"${argument}" cannot be longer than ${maxCharacters} characters: "${name}"`]
      : []),
    ...(name === "" || IAM_NAME.pattern.test(name)
      ? []
      : [`"${argument}" must match [\\w+=,.@-]: "${name}"`]),
  ];
}

function sessionSeconds(planned: Attributes): number {
  return numberOf(planned, "max_session_duration") ?? SESSION_SECONDS.default;
}
