import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { type NameLimit, nameProblem } from "../../modules/names";
import {
  type AwsLocation,
  parseArn,
  STATES_PRINCIPAL,
  stateMachineArn,
} from "../../modules/partition";
import { AwsError, isAwsError } from "./aws-error";
import { keyUseProblem } from "./key-use";
import { KMS_KEYS } from "./kms";
import type { ObjectKind } from "./object-store";
import { letsAssume } from "./service-grants";
import type { SimulatedAws } from "./simulated-aws";

const encryptionSchema = z.object({
  type: z.string(),
  kmsKeyId: z.string().optional(),
  kmsDataKeyReusePeriodSeconds: z.number().optional(),
});

/** @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_EncryptionConfiguration.html */
export type StatesEncryption = z.output<typeof encryptionSchema>;

const loggingSchema = z.object({
  level: z.string(),
  includeExecutionData: z.boolean(),
  /** ARN of a log group, with `:*` at its end. */
  logGroupArn: z.string().optional(),
});

/** @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_LoggingConfiguration.html */
export type StatesLogging = z.output<typeof loggingSchema>;

const machineSchema = z.object({
  name: z.string(),
  arn: z.string(),
  /** JSON text in Amazon States Language. */
  definition: z.string(),
  roleArn: z.string(),
  type: z.enum(["STANDARD", "EXPRESS"]),
  encryption: encryptionSchema,
  logging: loggingSchema,
  tracingEnabled: z.boolean(),
  /** Empty until the machine is changed for the first time. */
  revisionId: z.string(),
  /** How often a version has been published: versions are numbered from 1. */
  versions: z.number(),
  /** ISO 8601. */
  created: z.string(),
  tags: z.record(z.string(), z.string()),
});

/** A state machine as the simulated account keeps it. */
export type StateMachineObject = z.output<typeof machineSchema>;

/** Where state machines are kept: by name. */
export const STATE_MACHINE_OBJECTS: ObjectKind<StateMachineObject> = {
  folder: "state-machines",
  schema: machineSchema,
};

/** Limit of the names of state machines. Step Functions takes more characters, the provider does not. */
export const STATE_MACHINE_NAME: NameLimit = {
  kind: "state machine",
  maxCharacters: 80,
  pattern: /^[0-9A-Za-z_-]+$/,
  source:
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html",
};

/** @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html */
export const DEFINITION_BYTES = 1_048_576;

/** @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_EncryptionConfiguration.html */
export const DATA_KEY_REUSE_SECONDS = { min: 60, max: 900, default: 300 };

/** What Step Functions fills in. */
export const STATES_DEFAULTS = {
  encryption: { type: "AWS_OWNED_KEY" },
  logging: { level: "OFF", includeExecutionData: false },
  tracingEnabled: false,
} as const satisfies Partial<StateMachineObject>;

/** Settings of a state machine, any of which may be left out in a change. */
export interface StateMachineSettings {
  readonly definition: string;
  readonly roleArn: string;
  /** @default - as it is, at first {@link STATES_DEFAULTS}, like the others */
  readonly encryption: StatesEncryption | undefined;
  readonly logging: StatesLogging | undefined;
  readonly tracingEnabled: boolean | undefined;
  /** Whether a version is published. */
  readonly publish: boolean;
}

/** What a state machine is made with. */
export interface CreateStateMachineInput extends StateMachineSettings {
  readonly name: string;
  readonly type: StateMachineObject["type"];
  readonly tags: Readonly<Record<string, string>>;
}

const NOT_FOUND = "StateMachineDoesNotExist";
const INVALID_LOGGING = "InvalidLoggingConfiguration";
const INVALID_ENCRYPTION = "InvalidEncryptionConfiguration";

/**
 * Step Functions in one region: state machines, without executions.
 *
 * A deleted machine is gone at once. Stricter than Step Functions: a role's trust policy must name the
 * service without a region.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/Welcome.html
 */
export class StepFunctions {
  constructor(
    private readonly aws: SimulatedAws,
    private readonly at: AwsLocation,
  ) {}

  /**
   * Makes a state machine, or finds one that is the same but for its role and tags.
   *
   * @returns its ARN
   * @throws {AwsError} `InvalidName`, `InvalidDefinition`, `InvalidArn`, `AccessDeniedException` for a
   *   role that Step Functions may not take, `InvalidEncryptionConfiguration`,
   *   `InvalidLoggingConfiguration`, `StateMachineAlreadyExists`
   * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
   */
  createStateMachine(input: CreateStateMachineInput): Promise<string> {
    return this.change("CreateStateMachine", () => {
      const { name, type, tags, publish, ...settings } = input;
      const problem = nameProblem(name, STATE_MACHINE_NAME);
      if (problem !== undefined) {
        throw new AwsError("InvalidName", `Invalid Name: '${name}': it ${problem}`);
      }
      const arn = stateMachineArn(this.at, name);
      const machine: StateMachineObject = {
        name,
        arn,
        type,
        definition: settings.definition,
        roleArn: settings.roleArn,
        encryption: settings.encryption ?? STATES_DEFAULTS.encryption,
        logging: settings.logging ?? STATES_DEFAULTS.logging,
        tracingEnabled: settings.tracingEnabled ?? STATES_DEFAULTS.tracingEnabled,
        revisionId: "",
        versions: publish ? 1 : 0,
        created: new Date().toISOString(),
        tags: { ...tags },
      };
      this.check(machine);
      const existing = this.aws.store.get(STATE_MACHINE_OBJECTS, this.at.region, name);
      if (existing === undefined) {
        this.write(machine);
      } else if (!isSameMachine(existing, machine)) {
        throw new AwsError(
          "StateMachineAlreadyExists",
          `State Machine Already Exists: '${existing.arn}'`,
        );
      }
      return arn;
    });
  }

  /** @throws {AwsError} `StateMachineDoesNotExist` */
  describeStateMachine(arn: string): Promise<StateMachineObject> {
    return this.aws.read("SFN: DescribeStateMachine", this.at.region, () => this.machineOf(arn));
  }

  /** ARN of the latest version; `undefined` if none has been published. */
  latestVersion(arn: string): Promise<string | undefined> {
    return this.aws.read("SFN: ListStateMachineVersions", this.at.region, () => {
      const { versions } = this.machineOf(arn);
      return versions === 0 ? undefined : `${arn}:${versions}`;
    });
  }

  /**
   * @throws {AwsError} `StateMachineDoesNotExist`, or as for {@link createStateMachine}
   * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateStateMachine.html
   */
  updateStateMachine(arn: string, settings: StateMachineSettings): Promise<void> {
    return this.change("UpdateStateMachine", () => {
      const machine = this.machineOf(arn);
      const changed: StateMachineObject = {
        ...machine,
        definition: settings.definition,
        roleArn: settings.roleArn,
        encryption: settings.encryption ?? machine.encryption,
        logging: settings.logging ?? machine.logging,
        tracingEnabled: settings.tracingEnabled ?? machine.tracingEnabled,
        revisionId: randomUUID(),
        versions: machine.versions + (settings.publish ? 1 : 0),
      };
      this.check(changed);
      this.write(changed);
    });
  }

  /**
   * Deletes a state machine with its versions. One that is not there is no error.
   *
   * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_DeleteStateMachine.html
   */
  deleteStateMachine(arn: string): Promise<void> {
    return this.change("DeleteStateMachine", () => {
      this.aws.store.remove(STATE_MACHINE_OBJECTS, this.at.region, nameOf(arn));
    });
  }

  /** Replaces all tags. @throws {AwsError} `StateMachineDoesNotExist` */
  tagResource(arn: string, tags: Readonly<Record<string, string>>): Promise<void> {
    return this.change("TagResource", () => {
      this.write({ ...this.machineOf(arn), tags: { ...tags } });
    });
  }

  private machineOf(arn: string): StateMachineObject {
    const machine = this.aws.store.get(STATE_MACHINE_OBJECTS, this.at.region, nameOf(arn));
    if (machine === undefined || machine.arn !== arn) {
      throw new AwsError(NOT_FOUND, `State Machine Does Not Exist: '${arn}'`);
    }
    return machine;
  }

  private write(machine: StateMachineObject): void {
    this.aws.store.put(STATE_MACHINE_OBJECTS, this.at.region, machine.name, machine);
  }

  private change<T>(operation: string, work: () => T): Promise<T> {
    return this.aws.change(`SFN: ${operation}`, this.at.region, work);
  }

  private check(machine: StateMachineObject): void {
    checkDefinition(machine.definition);
    const role = parseArn(machine.roleArn);
    if (role?.service !== "iam") {
      throw new AwsError("InvalidArn", `Invalid Role Arn: '${machine.roleArn}'`);
    }
    const source = { sourceArn: machine.arn, sourceAccount: this.at.account };
    if (!letsAssume(this.aws, machine.roleArn, { principal: STATES_PRINCIPAL, ...source })) {
      throw new AwsError(
        "AccessDeniedException",
        `Neither the global service principal ${STATES_PRINCIPAL}, nor the regional one is authorized to assume the provided role.`,
      );
    }
    this.checkEncryption(machine.encryption);
    this.checkLogging(machine.logging);
  }

  private checkEncryption(encryption: StatesEncryption): void {
    const { type, kmsKeyId, kmsDataKeyReusePeriodSeconds: seconds } = encryption;
    const { min, max } = DATA_KEY_REUSE_SECONDS;
    const problem =
      type === "AWS_OWNED_KEY"
        ? kmsKeyId === undefined
          ? undefined
          : "kmsKeyId must not be set with type AWS_OWNED_KEY"
        : kmsKeyId === undefined
          ? "kmsKeyId must be set with type CUSTOMER_MANAGED_KMS_KEY"
          : seconds !== undefined && (seconds < min || seconds > max)
            ? `kmsDataKeyReusePeriodSeconds must be between ${min} and ${max}`
            : (keyUseProblem(this.aws, this.at, kmsKeyId) ?? this.inactivityOf(kmsKeyId));
    if (problem !== undefined) {
      throw new AwsError(INVALID_ENCRYPTION, `Invalid Encryption Configuration: ${problem}`);
    }
  }

  private inactivityOf(keyArn: string): string | undefined {
    const [, keyId = ""] = keyArn.split(":key/");
    const key = this.aws.store.get(KMS_KEYS, this.at.region, keyId);
    return key === undefined || key.enabled ? undefined : `${keyArn} is not active`;
  }

  private checkLogging({ level, logGroupArn }: StatesLogging): void {
    if (level !== "OFF" && logGroupArn === undefined) {
      throw new AwsError(
        INVALID_LOGGING,
        "Invalid Logging Configuration: Must specify exactly one Log Destination.",
      );
    }
    if (
      logGroupArn !== undefined &&
      (parseArn(logGroupArn)?.region !== this.at.region || !logGroupArn.endsWith(":*"))
    ) {
      throw new AwsError(
        INVALID_LOGGING,
        "Invalid Logging Configuration: The CloudWatch Logs Resource ARN must be of the region and end with ':*'.",
      );
    }
  }
}

/** Whether an error says that a state machine is not there. */
export function isStateMachineNotFound(error: unknown): boolean {
  return isAwsError(error, NOT_FOUND);
}

/** What CreateStateMachine compares when the name is taken. */
function isSameMachine(a: StateMachineObject, b: StateMachineObject): boolean {
  const compared = ({
    definition,
    type,
    encryption,
    logging,
    tracingEnabled,
  }: StateMachineObject) => [definition, type, encryption, logging, tracingEnabled];
  return isDeepStrictEqual(compared(a), compared(b));
}

const definitionSchema = z.object({
  StartAt: z.string(),
  States: z.record(z.string(), z.object({ Type: z.string() })),
});

/** Of a definition itself only this is checked: a real account's ValidateStateMachineDefinition sees more. */
function checkDefinition(definition: string): void {
  const bytes = Buffer.byteLength(definition);
  if (bytes === 0 || bytes > DEFINITION_BYTES) {
    throw invalidDefinition(
      "INVALID_JSON_DESCRIPTION",
      `it must be 1 to ${DEFINITION_BYTES} bytes, got ${bytes}`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(definition);
  } catch {
    throw invalidDefinition("INVALID_JSON_DESCRIPTION", "it is no JSON");
  }
  const { data, error } = definitionSchema.safeParse(json);
  if (data === undefined) {
    const [issue] = error.issues;
    throw invalidDefinition(
      "SCHEMA_VALIDATION_FAILED",
      `${issue?.message} at ${["", ...(issue?.path ?? [])].join("/")}`,
    );
  }
  if (!Object.hasOwn(data.States, data.StartAt)) {
    throw invalidDefinition(
      "MISSING_TRANSITION_TARGET",
      `Missing 'Next' target: ${data.StartAt} at /StartAt`,
    );
  }
}

function invalidDefinition(code: string, reason: string): AwsError {
  return new AwsError(
    "InvalidDefinition",
    `Invalid State Machine Definition: '${code}: ${reason}'`,
  );
}

function nameOf(arn: string): string {
  return arn.split(":").at(-1) ?? "";
}
