import { IAM_NAME, IAM_ROLES, Iam, isIamNotFound } from "../../aws/iam";
import { jsonProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import { listedByName, madeUpName, namePrefixOf } from "../names";
import type { ResourceType, Session } from "../resource-type";
import { samePolicy } from "../same-meaning";
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
  sameMeaning: { policy: samePolicy },
  problems: (config) => [
    ...iamNameProblems(config, "name", IAM_NAME.maxPolicyCharacters),
    ...jsonProblems(config, "policy"),
  ],

  async create(session, planned, keep) {
    const role = textOf(planned, "role");
    const name = madeUpName(planned);
    await putPolicy(session, role, name, textOf(planned, "policy"));
    keep({ id: `${role}:${name}`, name });
  },

  async read({ aws }, state) {
    const [role, name] = parsedId(textOf(state, "id"));
    const policy = await unlessGone(isIamNotFound, () => new Iam(aws).getRolePolicy(role, name));
    return policy === undefined
      ? undefined
      : { id: `${role}:${name}`, name, name_prefix: namePrefixOf(name), policy, role };
  },

  async update(session, prior, planned) {
    await putPolicy(session, ...parsedId(textOf(prior, "id")), textOf(planned, "policy"));
  },

  async delete({ aws }, state) {
    await unlessGone(isIamNotFound, () =>
      new Iam(aws).deleteRolePolicy(...parsedId(textOf(state, "id"))),
    );
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

async function putPolicy(
  { aws }: Session,
  role: string,
  name: string,
  policy: string,
): Promise<void> {
  await doing(`putting IAM Role (${role}) Policy (${name})`, () =>
    new Iam(aws).putRolePolicy(role, name, policy),
  );
}

function parsedId(id: string): [role: string, name: string] {
  const at = id.indexOf(":");
  if (at < 0) {
    throw new Error("role_policy id must be of the form <role name>:<policy name>");
  }
  return [id.slice(0, at), id.slice(at + 1)];
}
