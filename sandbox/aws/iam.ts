import { randomBytes } from "node:crypto";
import * as z from "zod";
import { arn } from "../../modules/partition";
import { AwsError, isAwsError } from "./aws-error";
import { existingThings } from "./existing";
import type { ObjectKind } from "./object-store";
import { type PolicyRules, type PolicyStatement, parsePolicy } from "./policy";
import type { PrincipalChecks } from "./principals";
import type { SimulatedAws } from "./simulated-aws";

const roleSchema = z.object({
  name: z.string(),
  arn: z.string(),
  path: z.string(),
  description: z.string(),
  trustPolicy: z.string(),
  maxSessionSeconds: z.number(),
  uniqueId: z.string(),
  created: z.string(),
  permissionsBoundary: z.string().optional(),
  tags: z.record(z.string(), z.string()),
  inlinePolicies: z.record(z.string(), z.string()),
});

/** A role as the simulated account keeps it. */
export type IamRoleObject = z.output<typeof roleSchema>;

/** Where roles are kept: by name, in no region. */
export const IAM_ROLES: ObjectKind<IamRoleObject> = { folder: "iam-roles", schema: roleSchema };

/**
 * What IAM accepts as a name.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
 */
export const IAM_NAME = {
  pattern: /^[\w+=,.@-]+$/,
  maxRoleCharacters: 64,
  /** @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html */
  maxPolicyCharacters: 128,
};

/**
 * How long a session of a role may last at most.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
 */
export const SESSION_SECONDS = { min: 3600, max: 43_200, default: 3600 };

/**
 * Sizes of policies, in characters without white space. The inline policies of a role count
 * together.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
 */
export const IAM_POLICY_CHARACTERS = { trust: 2048, inline: 10_240 };

const MALFORMED = "MalformedPolicyDocument";
const TOO_LARGE = "LimitExceeded";

// IAM counts otherwise than in bytes, and says so in other words: the sizes are checked apart.
const TRUST_RULES: PolicyRules = {
  malformed: MALFORMED,
  tooLarge: TOO_LARGE,
  maxBytes: Number.POSITIVE_INFINITY,
  needs: ["principal"],
};
const INLINE_RULES: PolicyRules = { ...TRUST_RULES, needs: ["resource"] };

/** What stands for the region in the log of calls: IAM has none. */
const NO_REGION = "global";

/** What a role is made with. */
export interface CreateRoleInput {
  readonly name: string;
  /** Begins and ends with a slash. */
  readonly path: string;
  readonly description: string;
  readonly trustPolicy: string;
  readonly maxSessionSeconds: number;
  /** ARN of a managed policy. @default - none */
  readonly permissionsBoundary: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * IAM of the account.
 *
 * Managed policies and instance profiles are not simulated.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
 */
export class Iam {
  constructor(private readonly aws: SimulatedAws) {}

  /**
   * @throws {AwsError} `EntityAlreadyExists`, `ValidationError`, `MalformedPolicyDocument`,
   *   `LimitExceeded`
   */
  createRole(input: CreateRoleInput): Promise<IamRoleObject> {
    return this.change("CreateRole", () => {
      const { name, path } = input;
      checkName("roleName", name, IAM_NAME.maxRoleCharacters);
      if (this.aws.store.get(IAM_ROLES, undefined, name) !== undefined) {
        throw new AwsError("EntityAlreadyExists", `Role with name ${name} already exists.`);
      }
      const { account, partition } = this.aws.caller;
      return this.write({
        name,
        arn: arn({ partition, service: "iam", account, resource: `role${path}${name}` }),
        path,
        description: input.description,
        trustPolicy: this.checkedTrustPolicy(input.trustPolicy),
        maxSessionSeconds: checkedSession(input.maxSessionSeconds),
        // IAM's ids of roles begin so:
        // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
        uniqueId: `AROA${randomBytes(9).toString("hex").slice(0, 17).toUpperCase()}`,
        created: new Date().toISOString(),
        permissionsBoundary: input.permissionsBoundary,
        tags: input.tags,
        inlinePolicies: {},
      });
    });
  }

  /** @throws {AwsError} `NoSuchEntity` */
  getRole(name: string): Promise<IamRoleObject> {
    return this.aws.read("IAM: GetRole", NO_REGION, () => this.roleOf(name));
  }

  /** @throws {AwsError} `NoSuchEntity`, or as for {@link createRole} */
  updateAssumeRolePolicy(name: string, trustPolicy: string): Promise<void> {
    return this.changeRole("UpdateAssumeRolePolicy", name, () => ({
      trustPolicy: this.checkedTrustPolicy(trustPolicy),
    }));
  }

  /** @throws {AwsError} `NoSuchEntity` */
  updateRoleDescription(name: string, description: string): Promise<void> {
    return this.changeRole("UpdateRoleDescription", name, () => ({ description }));
  }

  /** @throws {AwsError} `NoSuchEntity`, `ValidationError` */
  updateRole(name: string, maxSessionSeconds: number): Promise<void> {
    return this.changeRole("UpdateRole", name, () => ({
      maxSessionSeconds: checkedSession(maxSessionSeconds),
    }));
  }

  /** @throws {AwsError} `NoSuchEntity` */
  putRolePermissionsBoundary(name: string, permissionsBoundary: string): Promise<void> {
    return this.changeRole("PutRolePermissionsBoundary", name, () => ({ permissionsBoundary }));
  }

  /** @throws {AwsError} `NoSuchEntity` */
  deleteRolePermissionsBoundary(name: string): Promise<void> {
    return this.changeRole("DeleteRolePermissionsBoundary", name, () => ({
      permissionsBoundary: undefined,
    }));
  }

  /** Replaces all tags. @throws {AwsError} `NoSuchEntity` */
  tagRole(name: string, tags: Readonly<Record<string, string>>): Promise<void> {
    return this.changeRole("TagRole", name, () => ({ tags }));
  }

  /** @throws {AwsError} `NoSuchEntity`, or `DeleteConflict` while the role has inline policies */
  deleteRole(name: string): Promise<void> {
    return this.change("DeleteRole", () => {
      if (Object.keys(this.roleOf(name).inlinePolicies).length > 0) {
        throw new AwsError("DeleteConflict", "Cannot delete entity, must delete policies first.");
      }
      this.aws.store.remove(IAM_ROLES, undefined, name);
    });
  }

  /**
   * Adds or replaces an inline policy.
   *
   * @throws {AwsError} `NoSuchEntity`, `ValidationError`, `MalformedPolicyDocument`,
   *   `LimitExceeded`
   */
  putRolePolicy(name: string, policyName: string, policy: string): Promise<void> {
    return this.changeRole("PutRolePolicy", name, ({ inlinePolicies }) => {
      checkName("policyName", policyName, IAM_NAME.maxPolicyCharacters);
      const statements = parsePolicy(policy, INLINE_RULES, principalChecks(this.aws));
      if (statements.some(namesPrincipal)) {
        throw new AwsError(MALFORMED, "Policy document should not specify a principal.");
      }
      const changed = { ...inlinePolicies, [policyName]: policy };
      const characters = Object.values(changed).reduce((sum, text) => sum + sizeOf(text), 0);
      if (characters > IAM_POLICY_CHARACTERS.inline) {
        throw new AwsError(
          TOO_LARGE,
          `Maximum policy size of ${IAM_POLICY_CHARACTERS.inline} bytes exceeded for role ${name}`,
        );
      }
      return { inlinePolicies: changed };
    });
  }

  /** JSON text of an inline policy. @throws {AwsError} `NoSuchEntity` for the role or the policy */
  getRolePolicy(name: string, policyName: string): Promise<string> {
    return this.aws.read("IAM: GetRolePolicy", NO_REGION, () =>
      inlinePolicyOf(this.roleOf(name), policyName),
    );
  }

  /** Names of the inline policies of a role. @throws {AwsError} `NoSuchEntity` */
  listRolePolicies(name: string): Promise<readonly string[]> {
    return this.aws.read("IAM: ListRolePolicies", NO_REGION, () =>
      Object.keys(this.roleOf(name).inlinePolicies),
    );
  }

  /** @throws {AwsError} `NoSuchEntity` for the role or the policy */
  deleteRolePolicy(name: string, policyName: string): Promise<void> {
    return this.changeRole("DeleteRolePolicy", name, (role) => {
      inlinePolicyOf(role, policyName);
      const { [policyName]: _removed, ...inlinePolicies } = role.inlinePolicies;
      return { inlinePolicies };
    });
  }

  private roleOf(name: string): IamRoleObject {
    const role = this.aws.store.get(IAM_ROLES, undefined, name);
    if (role === undefined) {
      throw new AwsError("NoSuchEntity", `The role with name ${name} cannot be found.`);
    }
    return role;
  }

  private write(role: IamRoleObject): IamRoleObject {
    this.aws.store.put(IAM_ROLES, undefined, role.name, role);
    return role;
  }

  private change<T>(operation: string, work: () => T): Promise<T> {
    return this.aws.change(`IAM: ${operation}`, NO_REGION, work);
  }

  private changeRole(
    operation: string,
    name: string,
    changed: (role: IamRoleObject) => Partial<IamRoleObject>,
  ): Promise<void> {
    return this.change(operation, () => {
      const role = this.roleOf(name);
      this.write({ ...role, ...changed(role) });
    });
  }

  private checkedTrustPolicy(policy: string): string {
    const statements = parsePolicy(policy, TRUST_RULES, principalChecks(this.aws));
    for (const { Resource, NotResource, Action, NotAction } of statements) {
      if (Resource !== undefined || NotResource !== undefined) {
        throw new AwsError(MALFORMED, "Has prohibited field Resource");
      }
      if ([Action ?? NotAction ?? []].flat().some((action) => !/^sts:/i.test(action))) {
        throw new AwsError(MALFORMED, "AssumeRole policy may only specify STS AssumeRole actions.");
      }
    }
    if (sizeOf(policy) > IAM_POLICY_CHARACTERS.trust) {
      throw new AwsError(
        TOO_LARGE,
        `Cannot exceed quota for ACLSizePerRole: ${IAM_POLICY_CHARACTERS.trust}`,
      );
    }
    return policy;
  }
}

/** How the services tell whether a principal exists: a role of a stack, or what was there before. */
export function principalChecks({ store, caller }: SimulatedAws): PrincipalChecks {
  return {
    partition: caller.partition,
    existing: () => [
      ...existingThings(store).principals,
      ...store.list(IAM_ROLES, undefined).map(([, role]) => role.arn),
    ],
  };
}

/** Whether an error says that a role, or a policy of one, is not there. */
export function isIamNotFound(error: unknown): boolean {
  return isAwsError(error, "NoSuchEntity");
}

function inlinePolicyOf({ inlinePolicies }: IamRoleObject, policyName: string): string {
  const policy = inlinePolicies[policyName];
  if (policy === undefined) {
    throw new AwsError("NoSuchEntity", `The role policy with name ${policyName} cannot be found.`);
  }
  return policy;
}

function namesPrincipal({ Principal, NotPrincipal }: PolicyStatement): boolean {
  return Principal !== undefined || NotPrincipal !== undefined;
}

function sizeOf(policy: string): number {
  return policy.replace(/\s/g, "").length;
}

function checkName(field: string, name: string, maxCharacters: number): void {
  const problem =
    name.length > maxCharacters
      ? `length less than or equal to ${maxCharacters}`
      : IAM_NAME.pattern.test(name)
        ? undefined
        : "characters that match [\\w+=,.@-]+";
  if (problem !== undefined) {
    throw new AwsError(
      "ValidationError",
      `1 validation error detected: Value '${name}' at '${field}' failed to satisfy constraint: Member must have ${problem}`,
    );
  }
}

function checkedSession(seconds: number): number {
  const { min, max } = SESSION_SECONDS;
  if (seconds < min || seconds > max) {
    throw new AwsError(
      "ValidationError",
      `1 validation error detected: Value '${seconds}' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between ${min} and ${max}`,
    );
  }
  return seconds;
}
