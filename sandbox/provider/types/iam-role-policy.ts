import { IAM_NAME, IAM_ROLES, Iam, isIamNotFound } from "../../aws/iam";
import { jsonProblems } from "../argument-problems";
import { listedByName, madeUpName, namePrefixOf } from "../names";
import type { ResourceType } from "../resource-type";
import { sameJson } from "../same-meaning";
import { textOf } from "../values";

import { iamNameProblems } from "./iam-role";

/**
 * An inline policy of a role.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/iam_role_policy
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/iam/role_policy.go
 */
export const iamRolePolicy: ResourceType = {
  bindings: "iam-role-policy",
  title: "IAM Role Policy",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/iam_role_policy",
  replacing: ["name", "name_prefix", "role"],
  defaults: {},
  sameMeaning: { policy: sameJson },
  problems: (config) => [
    ...iamNameProblems(config, "name", IAM_NAME.maxPolicyCharacters),
    ...jsonProblems(config, "policy"),
  ],

  async create({ aws }, planned, keep) {
    const role = textOf(planned, "role");
    const name = madeUpName(planned);
    await new Iam(aws).putRolePolicy(role, name, textOf(planned, "policy"));
    keep({ id: `${role}:${name}`, name });
  },

  async read({ aws }, state) {
    const [role, name] = parsedId(textOf(state, "id"));
    try {
      const policy = await new Iam(aws).getRolePolicy(role, name);
      return { id: `${role}:${name}`, name, name_prefix: namePrefixOf(name), policy, role };
    } catch (error) {
      if (isIamNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  },

  async update({ aws }, prior, planned) {
    await new Iam(aws).putRolePolicy(...parsedId(textOf(prior, "id")), textOf(planned, "policy"));
  },

  async delete({ aws }, state) {
    try {
      await new Iam(aws).deleteRolePolicy(...parsedId(textOf(state, "id")));
    } catch (error) {
      if (!isIamNotFound(error)) {
        throw error;
      }
    }
  },

  identify: (importId) => {
    const [role, name] = parsedId(importId);
    return { id: importId, name, role };
  },
  isGlobal: true,
  list: (store) =>
    store
      .list(IAM_ROLES, undefined)
      .flatMap(([role, { inlinePolicies }]) =>
        Object.keys(inlinePolicies).map((name) => listedByName(`${role}:${name}`)),
      ),
  nameIn: ({ role, name }) =>
    typeof role === "string" && typeof name === "string" ? `${role}:${name}` : undefined,
};

function parsedId(id: string): [role: string, name: string] {
  const at = id.indexOf(":");
  if (at < 0) {
    throw new Error("role_policy id must be of the form <role name>:<policy name>");
  }
  return [id.slice(0, at), id.slice(at + 1)];
}
