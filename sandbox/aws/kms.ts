import { randomUUID } from "node:crypto";
import * as z from "zod";
import { KEY_POLICY_LIMIT } from "../../modules/kms/key-limits";
import { ALIAS_NAME, nameProblem } from "../../modules/names";
import { type AwsLocation, accountRootArn, arn, parseArn } from "../../modules/partition";
import { AwsError, isAwsError } from "./aws-error";
import { principalChecks } from "./iam";
import type { ObjectKind } from "./object-store";
import { letsPutPolicy, type PolicyRules, parsePolicy } from "./policy";
import type { SimulatedAws } from "./simulated-aws";

const keySchema = z.object({
  keyId: z.string(),
  arn: z.string(),
  description: z.string(),
  policy: z.string(),
  multiRegion: z.boolean(),
  /** Region of the primary key; of a single-Region key its own. */
  primaryRegion: z.string(),
  enabled: z.boolean(),
  /** Days between automatic rotations, of a primary or single-Region key that rotates. */
  rotationPeriodDays: z.number().optional(),
  tags: z.record(z.string(), z.string()),
  /** Set while the key waits for its deletion. No date while a primary key waits for its replica keys. */
  deletion: z.object({ windowDays: z.number(), date: z.string().optional() }).optional(),
});

/** A KMS key as the simulated account keeps it. */
export type KmsKeyObject = z.output<typeof keySchema>;

/** A state of a key. */
export type KeyState = "Enabled" | "Disabled" | "PendingDeletion" | "PendingReplicaDeletion";

/** Where KMS keys are kept: by key id. */
export const KMS_KEYS: ObjectKind<KmsKeyObject> = { folder: "kms-keys", schema: keySchema };

const aliasSchema = z.object({ name: z.string(), targetKeyId: z.string() });

/** An alias as the simulated account keeps it. */
export type KmsAliasObject = z.output<typeof aliasSchema>;

/** Where aliases are kept: by name, `alias/` included. */
export const KMS_ALIASES: ObjectKind<KmsAliasObject> = {
  folder: "kms-aliases",
  schema: aliasSchema,
};

// https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html#API_PutKeyPolicy_Errors
const POLICY_RULES: PolicyRules = {
  malformed: "MalformedPolicyDocumentException",
  tooLarge: "LimitExceededException",
  maxBytes: KEY_POLICY_LIMIT.maxBytes,
  needs: ["principal", "resource"],
};

/** Prefix of the aliases of AWS managed keys. */
export const AWS_ALIAS_PREFIX = "alias/aws/";

const DAY_MS = 24 * 60 * 60 * 1000;

/** What a key is made with. */
export interface CreateKeyInput {
  readonly description: string;
  /** @default - the account may do everything */
  readonly policy: string | undefined;
  readonly bypassLockoutCheck: boolean;
  readonly multiRegion: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** What a replica key is made with. */
export interface ReplicateKeyInput extends Omit<CreateKeyInput, "multiRegion"> {
  readonly primaryKeyArn: string;
}

/**
 * KMS in one region.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html
 */
export class Kms {
  constructor(
    private readonly aws: SimulatedAws,
    private readonly at: AwsLocation,
  ) {}

  /** @throws {AwsError} `MalformedPolicyDocumentException` or `LimitExceededException` for its policy */
  createKey(input: CreateKeyInput): Promise<KmsKeyObject> {
    return this.change("CreateKey", () => {
      const policy = this.checkedPolicy(input.policy, input.bypassLockoutCheck);
      const id = randomUUID();
      const keyId = input.multiRegion ? `mrk-${id.replaceAll("-", "")}` : id;
      return this.add({
        keyId,
        arn: this.arnOf(keyId),
        description: input.description,
        policy,
        multiRegion: input.multiRegion,
        primaryRegion: this.at.region,
        enabled: true,
        tags: input.tags,
      });
    });
  }

  /**
   * Makes a replica key in this region. The call goes to the region of the primary key.
   *
   * @throws {AwsError} as for {@link createKey}, and for a primary key that cannot be replicated here
   * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html
   */
  replicateKey(input: ReplicateKeyInput): Promise<KmsKeyObject> {
    const { primaryKeyArn } = input;
    const { region: primaryRegion = "" } = parseArn(primaryKeyArn) ?? {};
    return this.aws.change("KMS: ReplicateKey", primaryRegion, () => {
      const primary = new Kms(this.aws, { ...this.at, region: primaryRegion }).keyOf(primaryKeyArn);
      if (!primary.multiRegion) {
        throw new AwsError(
          "UnsupportedOperationException",
          `${primaryKeyArn} is not a multi-Region key`,
        );
      }
      if (primary.primaryRegion !== primaryRegion) {
        throw new AwsError(
          "UnsupportedOperationException",
          `${primaryKeyArn} is not a multi-Region primary key`,
        );
      }
      if (this.at.region === primaryRegion) {
        throw new AwsError(
          "ValidationException",
          `ReplicaRegion must not be the region of the primary key, ${primaryRegion}`,
        );
      }
      this.refuseUnusable(primary);
      this.refuseDisabled(primary);
      if (this.aws.store.get(KMS_KEYS, this.at.region, primary.keyId) !== undefined) {
        throw new AwsError("AlreadyExistsException", `${this.arnOf(primary.keyId)} already exists`);
      }
      return this.add({
        keyId: primary.keyId,
        arn: this.arnOf(primary.keyId),
        description: input.description,
        policy: this.checkedPolicy(input.policy, input.bypassLockoutCheck),
        multiRegion: true,
        primaryRegion,
        enabled: true,
        tags: input.tags,
      });
    });
  }

  /** @throws {AwsError} `NotFoundException` */
  describeKey(keyId: string): Promise<KmsKeyObject> {
    return this.aws.read("KMS: DescribeKey", this.at.region, () => this.keyOf(keyId));
  }

  /** @throws {AwsError} `NotFoundException`, or as for {@link createKey} */
  putKeyPolicy(keyId: string, policy: string, bypassLockoutCheck: boolean): Promise<void> {
    return this.changeKey("PutKeyPolicy", keyId, () => ({
      policy: this.checkedPolicy(policy, bypassLockoutCheck),
    }));
  }

  /** @throws {AwsError} `NotFoundException`, `KMSInvalidStateException` */
  updateKeyDescription(keyId: string, description: string): Promise<void> {
    return this.changeKey("UpdateKeyDescription", keyId, () => ({ description }));
  }

  /** @throws {AwsError} `NotFoundException`, `KMSInvalidStateException`, `DisabledException` */
  enableKeyRotation(keyId: string, rotationPeriodDays: number): Promise<void> {
    return this.changeKey("EnableKeyRotation", keyId, (key) => {
      this.refuseDisabled(key);
      return { rotationPeriodDays };
    });
  }

  /** @throws {AwsError} `NotFoundException`, `KMSInvalidStateException`, `DisabledException` */
  disableKeyRotation(keyId: string): Promise<void> {
    return this.changeKey("DisableKeyRotation", keyId, (key) => {
      this.refuseDisabled(key);
      return { rotationPeriodDays: undefined };
    });
  }

  /** @throws {AwsError} `NotFoundException`, `KMSInvalidStateException` */
  enableKey(keyId: string): Promise<void> {
    return this.changeKey("EnableKey", keyId, () => ({ enabled: true }));
  }

  /** @throws {AwsError} `NotFoundException`, `KMSInvalidStateException` */
  disableKey(keyId: string): Promise<void> {
    return this.changeKey("DisableKey", keyId, () => ({ enabled: false }));
  }

  /** Replaces all tags. @throws {AwsError} `NotFoundException`, `KMSInvalidStateException` */
  tagResource(keyId: string, tags: Readonly<Record<string, string>>): Promise<void> {
    return this.changeKey("TagResource", keyId, () => ({ tags }));
  }

  /**
   * Lets a key wait for its deletion. A primary key that has replica keys gets no date: its wait
   * begins when the last of them is gone.
   *
   * @throws {AwsError} `NotFoundException`, `KMSInvalidStateException`
   * @see https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
   */
  scheduleKeyDeletion(keyId: string, windowDays: number): Promise<void> {
    return this.changeKey("ScheduleKeyDeletion", keyId, (key) => ({
      enabled: false,
      deletion:
        this.replicasOf(key).length > 0 ? { windowDays } : { windowDays, date: dateIn(windowDays) },
    }));
  }

  /** Leaves the key disabled, as KMS does. @throws {AwsError} `NotFoundException`, `KMSInvalidStateException` */
  cancelKeyDeletion(keyId: string): Promise<void> {
    return this.change("CancelKeyDeletion", () => {
      const key = this.keyOf(keyId);
      if (key.deletion === undefined) {
        throw new AwsError("KMSInvalidStateException", `${key.arn} is not pending deletion.`);
      }
      this.write({ ...key, deletion: undefined });
    });
  }

  /**
   * Takes a key out of the account, as KMS does when its wait is over. Not an API call: nobody can
   * ask for it.
   */
  removeKey(keyId: string): void {
    const key = this.keyOf(keyId);
    this.aws.store.remove(KMS_KEYS, this.at.region, key.keyId);
    for (const [name, { targetKeyId }] of this.aws.store.list(KMS_ALIASES, this.at.region)) {
      if (targetKeyId === key.keyId) {
        this.aws.store.remove(KMS_ALIASES, this.at.region, name);
      }
    }
    const primaryKms = new Kms(this.aws, { ...this.at, region: key.primaryRegion });
    const primary = this.aws.store.get(KMS_KEYS, key.primaryRegion, key.keyId);
    if (
      primary?.deletion !== undefined &&
      primary.deletion.date === undefined &&
      primaryKms.replicasOf(primary).length === 0
    ) {
      const { windowDays } = primary.deletion;
      primaryKms.write({ ...primary, deletion: { windowDays, date: dateIn(windowDays) } });
    }
  }

  /** Days between rotations, which a replica key shares with its primary key; `undefined` if it does not rotate. */
  rotationOf({ primaryRegion, keyId }: KmsKeyObject): number | undefined {
    return this.aws.store.get(KMS_KEYS, primaryRegion, keyId)?.rotationPeriodDays;
  }

  /**
   * @throws {AwsError} `AlreadyExistsException`, `InvalidAliasNameException`, or `NotFoundException`
   *   for the key
   */
  createAlias(name: string, targetKeyId: string): Promise<void> {
    return this.change("CreateAlias", () => {
      checkAliasName(name);
      if (this.aws.store.get(KMS_ALIASES, this.at.region, name) !== undefined) {
        throw new AwsError(
          "AlreadyExistsException",
          `An alias with the name ${this.arnOfAlias(name)} already exists`,
        );
      }
      this.putAlias(name, targetKeyId);
    });
  }

  /** @throws {AwsError} `NotFoundException` for the alias or the key */
  updateAlias(name: string, targetKeyId: string): Promise<void> {
    return this.change("UpdateAlias", () => {
      this.aliasOf(name);
      this.putAlias(name, targetKeyId);
    });
  }

  /** @throws {AwsError} `NotFoundException` */
  deleteAlias(name: string): Promise<void> {
    return this.change("DeleteAlias", () => {
      this.aliasOf(name);
      this.aws.store.remove(KMS_ALIASES, this.at.region, name);
    });
  }

  /** @throws {AwsError} `NotFoundException` */
  describeAlias(name: string): Promise<KmsAliasObject> {
    return this.aws.read("KMS: ListAliases", this.at.region, () => this.aliasOf(name));
  }

  /** ARN that an alias has in this region. */
  arnOfAlias(name: string): string {
    return arn({ ...this.at, service: "kms", resource: name });
  }

  /** ARN that a key has in this region. */
  arnOf(keyId: string): string {
    return arn({ ...this.at, service: "kms", resource: `key/${keyId}` });
  }

  /**
   * The key of that id or ARN in this region.
   *
   * @throws {AwsError} `NotFoundException`, also for a key of another region or account
   */
  keyOf(keyIdOrArn: string): KmsKeyObject {
    const parts = parseArn(keyIdOrArn);
    if (
      parts !== undefined &&
      (parts.region !== this.at.region || parts.account !== this.at.account)
    ) {
      throw this.notFound(keyIdOrArn);
    }
    const keyId = parts === undefined ? keyIdOrArn : parts.resource.replace(/^key\//, "");
    const key = this.aws.store.get(KMS_KEYS, this.at.region, keyId);
    if (key === undefined || this.aws.isHidden(key.arn)) {
      throw this.notFound(keyIdOrArn);
    }
    return key;
  }

  private replicasOf({ keyId, primaryRegion }: KmsKeyObject): readonly string[] {
    return this.at.region === primaryRegion
      ? this.aws.store
          .regions()
          .filter(
            (region) =>
              region !== primaryRegion && this.aws.store.get(KMS_KEYS, region, keyId) !== undefined,
          )
      : [];
  }

  private aliasOf(name: string): KmsAliasObject {
    const alias = this.aws.store.get(KMS_ALIASES, this.at.region, name);
    if (alias === undefined) {
      throw new AwsError("NotFoundException", `Alias ${this.arnOfAlias(name)} is not found.`);
    }
    return alias;
  }

  private putAlias(name: string, target: string): void {
    const key = this.keyOf(target);
    this.refuseUnusable(key);
    this.aws.store.put(KMS_ALIASES, this.at.region, name, { name, targetKeyId: key.keyId });
  }

  private add(key: KmsKeyObject): KmsKeyObject {
    this.aws.hide(key.arn);
    return this.write(key);
  }

  private write(key: KmsKeyObject): KmsKeyObject {
    this.aws.store.put(KMS_KEYS, this.at.region, key.keyId, key);
    return key;
  }

  private change<T>(operation: string, work: () => T): Promise<T> {
    return this.aws.change(`KMS: ${operation}`, this.at.region, work);
  }

  /** A change that KMS refuses while a key waits for its deletion. */
  private changeKey(
    operation: string,
    keyId: string,
    changed: (key: KmsKeyObject) => Partial<KmsKeyObject>,
  ): Promise<void> {
    return this.change(operation, () => {
      const key = this.keyOf(keyId);
      this.refuseUnusable(key);
      this.write({ ...key, ...changed(key) });
    });
  }

  private refuseUnusable(key: KmsKeyObject): void {
    if (key.deletion !== undefined) {
      throw new AwsError("KMSInvalidStateException", `${key.arn} is pending deletion.`);
    }
  }

  private refuseDisabled(key: KmsKeyObject): void {
    if (!key.enabled) {
      throw new AwsError("DisabledException", `${key.arn} is disabled.`);
    }
  }

  private checkedPolicy(policy: string | undefined, bypassLockoutCheck: boolean): string {
    if (policy === undefined) {
      return defaultPolicy(this.at);
    }
    const statements = parsePolicy(policy, POLICY_RULES, principalChecks(this.aws));
    if (!bypassLockoutCheck && !letsPutPolicy(statements, this.aws.caller.roleArn)) {
      throw new AwsError(
        "MalformedPolicyDocumentException",
        "The new key policy will not allow you to update the key policy in the future.",
      );
    }
    return policy;
  }

  private notFound(key: string): AwsError {
    return new AwsError(
      "NotFoundException",
      `Key '${key.startsWith("arn:") ? key : this.arnOf(key)}' does not exist`,
    );
  }
}

/** State of a key. @see https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html */
export function keyStateOf({ enabled, deletion }: KmsKeyObject): KeyState {
  if (deletion === undefined) {
    return enabled ? "Enabled" : "Disabled";
  }
  return deletion.date === undefined ? "PendingReplicaDeletion" : "PendingDeletion";
}

/** Whether an error says that a key or alias is not there. */
export function isKmsNotFound(error: unknown): boolean {
  return isAwsError(error, "NotFoundException");
}

/**
 * The page documents the code and the limits. The sentences are the sandbox's own.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
 */
function checkAliasName(name: string): void {
  const problem = name.startsWith(AWS_ALIAS_PREFIX)
    ? `must not begin with ${AWS_ALIAS_PREFIX}, which is reserved for AWS managed keys`
    : nameProblem(name, ALIAS_NAME);
  if (problem !== undefined) {
    throw new AwsError("InvalidAliasNameException", `The alias name ${name} ${problem}`);
  }
}

// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
function defaultPolicy(at: AwsLocation): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Id: "key-default-1",
    Statement: [
      {
        Sid: "Enable IAM User Permissions",
        Effect: "Allow",
        Principal: { AWS: accountRootArn(at) },
        Action: "kms:*",
        Resource: "*",
      },
    ],
  });
}

function dateIn(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString();
}
