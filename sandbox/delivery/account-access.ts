/** What the policies of a simulated account let roles and services do, as they were applied. */
import { showValue, ValidationError } from "../../modules/errors";
import { type AwsLocation, parseArn, viaService } from "../../modules/partition";
import { EVENT_BUSES } from "../aws/events";
import { IAM_ROLES, type IamRoleObject } from "../aws/iam";
import { type KeyState, KMS_ALIASES, KMS_KEYS, type KmsKeyObject, keyStateOf } from "../aws/kms";
import { LOG_RESOURCE_POLICIES } from "../aws/logs";
import type { ObjectStore } from "../aws/object-store";
import { TOPICS } from "../aws/sns";
import { QUEUES } from "../aws/sqs";
import {
  type AuthorizationRequest,
  authorize,
  type NamedPolicy,
  type RequestPrincipal,
  type RoleSession,
  type ServicePrincipal,
} from "./authorization";

/** Whether something is possible, and why. */
export interface Verdict {
  readonly ok: boolean;
  readonly reason: string;
}

/** A request whose resource's policy is that of the account. */
export type AccountRequest = Omit<AuthorizationRequest, "resourcePolicy">;

/** One way in which AWS may make a request, where no source says which. */
export interface Possibility {
  /** Such as `if EventBridge names no source`. */
  readonly when: string;
  readonly request: AccountRequest;
}

/** Why a key cannot be used. */
export interface KeyProblem {
  readonly kind: "missing" | "disabled" | "invalid-state" | "denied";
  readonly reason: string;
}

/** What encrypts with a key: its encryption context, and through which service roles ask. */
export interface KeyUse {
  /** Id, ARN or alias of the key, as the resource names it. */
  readonly key: string;
  readonly region: string;
  /** As the service may make it, or not: no source says so for every service. */
  readonly encryptionContext: Readonly<Record<string, string>>;
  /** Short name of the service that asks for a role, such as `sns`. */
  readonly via: string;
}

/** What KMS calls a service makes to encrypt messages. */
const ENCRYPTING = ["kms:GenerateDataKey", "kms:Decrypt"];

/** Aliases of keys that AWS manages: their policies admit no other services. */
const AWS_MANAGED = "alias/aws/";

/** Decides requests with the policies of one simulated account. */
export class AccountAccess {
  constructor(
    private readonly store: ObjectStore,
    /** The account, and its partition. */
    private readonly owner: Omit<AwsLocation, "region">,
  ) {}

  /**
   * A session of a role; `undefined` if there is no such role.
   *
   * @throws {ValidationError} if it has a permissions boundary
   */
  sessionOf(roleArn: string, sessionName: string): RoleSession | undefined {
    const role = this.roleOf(roleArn);
    if (role?.permissionsBoundary !== undefined) {
      throw new ValidationError(
        `${role.name}: a role must have no permissions boundary, got ${showValue(role.permissionsBoundary)}; the sandbox does not know managed policies`,
      );
    }
    return role === undefined
      ? undefined
      : {
          kind: "role",
          roleArn,
          sessionName,
          identityPolicies: Object.entries(role.inlinePolicies).map(([name, text]) => ({
            name: `policy ${name} of role ${role.name}`,
            text,
          })),
        };
  }

  /** Whether a service may take a role. */
  canTake(roleArn: string, ways: readonly ServiceWay[]): Verdict {
    if (this.roleOf(roleArn) === undefined) {
      return { ok: false, reason: `role ${roleArn} does not exist` };
    }
    return this.inEveryCase(
      ways.map(({ when, principal }) => ({
        when,
        request: { principal, action: "sts:AssumeRole", resourceArn: roleArn },
      })),
    );
  }

  /** Whether a request is allowed. */
  allows(request: AccountRequest): Verdict {
    return this.inEveryCase([{ when: "", request }]);
  }

  /** Whether a request is allowed in each way in which AWS may make it. */
  inEveryCase(possibilities: readonly Possibility[]): Verdict {
    const decided = possibilities.map(({ when, request }) => {
      const resourcePolicy = this.policyOf(request.resourceArn);
      const { allowed, reason } = authorize({ ...request, resourcePolicy });
      return { when, allowed, reason };
    });
    const denied = decided.find(({ allowed }) => !allowed);
    return denied === undefined
      ? { ok: true, reason: decided[0]?.reason ?? "" }
      : {
          ok: false,
          reason: decided.some(({ allowed }) => allowed)
            ? `${denied.when}: ${denied.reason}`
            : denied.reason,
        };
  }

  /** Whether one of the resource policies of CloudWatch Logs lets a service write into a log group. */
  canLog(
    logGroupArn: string,
    principal: ServicePrincipal,
    action: string,
    region: string,
  ): Verdict {
    const policies = this.store.list(LOG_RESOURCE_POLICIES, region);
    const decisions = policies.map(([, { name, document }]) =>
      authorize({
        principal,
        action,
        resourceArn: logGroupArn,
        resourcePolicy: { name: `resource policy ${name}`, text: document },
      }),
    );
    const decision =
      decisions.find(({ result }) => result === "ExplicitlyDenied") ??
      decisions.find(({ allowed }) => allowed) ??
      decisions[0];
    return {
      ok: decision?.allowed === true,
      reason: decision?.reason ?? `no resource policy of CloudWatch Logs in ${region} allows it`,
    };
  }

  /** Why a principal cannot encrypt with a key; `undefined` if it can, or if nothing is encrypted so. */
  keyProblem(use: KeyUse, ways: readonly PrincipalWay[]): KeyProblem | undefined {
    if (use.key === "") {
      return undefined;
    }
    if (use.key.startsWith(AWS_MANAGED) || parseArn(use.key)?.resource.startsWith(AWS_MANAGED)) {
      return {
        kind: "denied",
        reason: `${use.key} is managed by AWS and admits no other services`,
      };
    }
    const key = this.keyOf(use.key, use.region);
    if (key === undefined) {
      return { kind: "missing", reason: `key ${use.key} does not exist in ${use.region}` };
    }
    const verdict = this.inEveryCase(ways.flatMap((way) => encryptions(key.arn, use, way)));
    if (!verdict.ok) {
      return { kind: "denied", reason: verdict.reason };
    }
    const state = keyStateOf(key);
    return state === "Enabled"
      ? undefined
      : {
          kind: state === "Disabled" ? "disabled" : "invalid-state",
          reason: `key ${key.arn} is ${STATE_NAMES[state]}`,
        };
  }

  /** The key that an id, an ARN or an alias names in a region of the account. */
  keyOf(name: string, region: string): KmsKeyObject | undefined {
    const parts = parseArn(name);
    if (parts !== undefined && (parts.region !== region || parts.account !== this.owner.account)) {
      return undefined;
    }
    const local = parts?.resource ?? name;
    const id = local.startsWith("alias/")
      ? (this.store.get(KMS_ALIASES, region, local)?.targetKeyId ?? "")
      : local.replace(/^key\//, "");
    return this.store.get(KMS_KEYS, region, id);
  }

  private roleOf(roleArn: string): IamRoleObject | undefined {
    const name = parseArn(roleArn)?.resource.split("/").at(-1) ?? "";
    const role = this.store.get(IAM_ROLES, undefined, name);
    return role?.arn === roleArn ? role : undefined;
  }

  /** The policy of a resource of the account, if it has one. */
  private policyOf(resourceArn: string): NamedPolicy | undefined {
    const { service, region = "", resource = "", account } = parseArn(resourceArn) ?? {};
    if (account !== this.owner.account) {
      return undefined;
    }
    const name = resource.split("/").at(-1) ?? "";
    switch (service) {
      case "sns":
        return named(
          `policy of topic ${name}`,
          this.store.get(TOPICS, region, name)?.attributes.Policy,
        );
      case "sqs":
        return named(
          `policy of queue ${name}`,
          this.store.get(QUEUES, region, name)?.attributes.policy,
        );
      case "events":
        return named(`policy of bus ${name}`, this.store.get(EVENT_BUSES, region, name)?.policy);
      case "kms":
        return named(`policy of key ${name}`, this.store.get(KMS_KEYS, region, name)?.policy);
      case "iam":
        return named(`trust policy of role ${name}`, this.roleOf(resourceArn)?.trustPolicy);
      default:
        return undefined;
    }
  }
}

/** A principal as AWS may present it. */
export interface PrincipalWay {
  readonly when: string;
  readonly principal: RequestPrincipal;
}

/** A service as AWS may present it. */
export interface ServiceWay extends PrincipalWay {
  readonly principal: ServicePrincipal;
}

const STATE_NAMES: Readonly<Record<KeyState, string>> = {
  Enabled: "enabled",
  Disabled: "disabled",
  PendingDeletion: "pending deletion",
  PendingReplicaDeletion: "pending deletion of its replica keys",
};

function named(name: string, text: string | undefined): NamedPolicy | undefined {
  return text === undefined || text === "" ? undefined : { name, text };
}

/** The requests to KMS with which messages are encrypted, in each way in which they may be made. */
function encryptions(
  keyArn: string,
  { region, encryptionContext, via }: KeyUse,
  { when, principal }: PrincipalWay,
): readonly Possibility[] {
  const asked = viaService(via, region);
  const vias = principal.kind === "service" ? [undefined] : [asked, undefined];
  return ENCRYPTING.flatMap((action) =>
    vias.flatMap((name) =>
      [encryptionContext, {}].map((own) => ({
        when: [
          when,
          ...(principal.kind === "service"
            ? []
            : [`${name === undefined ? "without" : "with"} kms:ViaService`]),
          `${own === encryptionContext ? "with" : "without"} an encryption context`,
        ]
          .filter((text) => text !== "")
          .join(", "),
        request: {
          principal,
          action,
          resourceArn: keyArn,
          encryptionContext: own,
          context: { "kms:ViaService": name },
        },
      })),
    ),
  );
}
