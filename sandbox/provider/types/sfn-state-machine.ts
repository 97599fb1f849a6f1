import {
  DATA_KEY_REUSE_SECONDS,
  DEFINITION_BYTES,
  isStateMachineNotFound,
  STATE_MACHINE_NAME,
  STATE_MACHINE_OBJECTS,
  STATES_DEFAULTS,
  type StateMachineSettings,
  StepFunctions,
} from "../../aws/states";
import {
  arnProblems,
  choiceProblems,
  conflictProblems,
  formProblems,
  lengthProblems,
  rangeProblems,
} from "../argument-problems";
import { doing, unlessGone, updateTags } from "../calls";
import { computedBlock } from "../held-blocks";
import { madeUpName, namePrefixOf, ownName } from "../names";
import type { ResourceType } from "../resource-type";
import { hasChanged } from "../same-meaning";
import { type Attributes, blocksOf, flagOf, mapOf, numberOf, textOf } from "../values";

/** What the provider puts behind a prefix. */
const SERIAL_CHARACTERS = 26;

const ENCRYPTION = "encryption_configuration";
const LOGGING = "logging_configuration";
const TRACING = "tracing_configuration";

/**
 * A state machine. The real provider has its definition validated by Step Functions in the plan; here
 * only the apply tells.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/sfn_state_machine
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/sfn/state_machine.go
 */
export const sfnStateMachine: ResourceType = {
  bindings: "sfn-state-machine",
  title: "Step Functions State Machine",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/sfn_state_machine",
  replacing: ["name", "name_prefix", "type"],
  defaults: { publish: false, type: "STANDARD" },
  problems: (config) => [
    ...lengthProblems(config, "definition", { min: 0, max: DEFINITION_BYTES }),
    ...lengthProblems(config, "name", { max: STATE_MACHINE_NAME.maxCharacters }),
    ...lengthProblems(config, "name_prefix", {
      max: STATE_MACHINE_NAME.maxCharacters - SERIAL_CHARACTERS,
    }),
    ...formProblems(config, "name", STATE_MACHINE_NAME.pattern),
    ...formProblems(config, "name_prefix", STATE_MACHINE_NAME.pattern),
    ...conflictProblems(config, "name", "name_prefix"),
    ...arnProblems(config, "role_arn"),
    ...choiceProblems(config, "type", ["STANDARD", "EXPRESS"]),
    ...blocksOf(config, ENCRYPTION).flatMap((block) => [
      ...rangeProblems(block, "kms_data_key_reuse_period_seconds", DATA_KEY_REUSE_SECONDS),
      ...choiceProblems(block, "type", ["AWS_OWNED_KEY", "CUSTOMER_MANAGED_KMS_KEY"]),
    ]),
    ...blocksOf(config, LOGGING).flatMap((block) =>
      choiceProblems(block, "level", ["ALL", "ERROR", "FATAL", "OFF"]),
    ),
  ],

  async create({ aws, at }, planned, keep) {
    const name = madeUpName(planned);
    const id = await doing(`creating Step Functions State Machine (${name})`, () =>
      new StepFunctions(aws, at).createStateMachine({
        ...settingsOf(planned),
        name,
        type: textOf(planned, "type") === "EXPRESS" ? "EXPRESS" : "STANDARD",
        tags: mapOf(planned, "tags_all"),
      }),
    );
    keep({ id, arn: id, name });
  },

  async read({ aws, at }, state) {
    const states = new StepFunctions(aws, at);
    const machine = await unlessGone(isStateMachineNotFound, () =>
      states.describeStateMachine(textOf(state, "id")),
    );
    if (machine === undefined) {
      return undefined;
    }
    const { encryption, logging } = machine;
    const isImport = textOf(state, "definition") === "";
    return {
      id: machine.arn,
      arn: machine.arn,
      creation_date: machine.created.replace(/\.\d+Z$/, "Z"),
      definition: machine.definition,
      description: null,
      [ENCRYPTION]: computedBlock(
        state,
        ENCRYPTION,
        isImport,
        {
          kms_data_key_reuse_period_seconds: encryption.kmsDataKeyReusePeriodSeconds ?? null,
          kms_key_id: encryption.kmsKeyId ?? null,
          type: encryption.type,
        },
        {
          type: STATES_DEFAULTS.encryption.type,
          kms_data_key_reuse_period_seconds: DATA_KEY_REUSE_SECONDS.default,
        },
      ),
      [LOGGING]: computedBlock(
        state,
        LOGGING,
        isImport,
        {
          include_execution_data: logging.includeExecutionData,
          level: logging.level,
          log_destination: logging.logGroupArn ?? null,
        },
        {
          include_execution_data: STATES_DEFAULTS.logging.includeExecutionData,
          level: STATES_DEFAULTS.logging.level,
        },
      ),
      name: machine.name,
      name_prefix: namePrefixOf(machine.name),
      revision_id: machine.revisionId,
      role_arn: machine.roleArn,
      state_machine_version_arn: (await states.latestVersion(machine.arn)) ?? null,
      status: "ACTIVE",
      tags_all: machine.tags,
      [TRACING]: computedBlock(
        state,
        TRACING,
        isImport,
        { enabled: machine.tracingEnabled },
        { enabled: STATES_DEFAULTS.tracingEnabled },
      ),
      type: machine.type,
      version_description: null,
    };
  },

  async update({ aws, at }, prior, planned) {
    const states = new StepFunctions(aws, at);
    const arn = textOf(prior, "id");
    await updateTags(`SFN (Step Functions) State Machine (${arn})`, prior, planned, (tags) =>
      states.tagResource(arn, tags),
    );
    const arguments_ = ["definition", "publish", "role_arn", ENCRYPTION, LOGGING, TRACING];
    if (hasChanged(prior, planned, arguments_)) {
      await doing(`updating Step Functions State Machine (${arn})`, () =>
        states.updateStateMachine(arn, settingsOf(planned)),
      );
    }
  },

  async delete({ aws, at }, state) {
    await new StepFunctions(aws, at).deleteStateMachine(textOf(state, "id"));
  },

  identify: (id) => ({ id, arn: id }),
  list: (store, { region }) =>
    store
      .list(STATE_MACHINE_OBJECTS, region)
      .map(([name, { arn }]) => ({ id: arn, importId: arn, name })),
  nameIn: ownName,
};

/** Blocks that are left out are not sent: what AWS has stays. */
function settingsOf(planned: Attributes): StateMachineSettings {
  const [encryption] = blocksOf(planned, ENCRYPTION);
  const [logging] = blocksOf(planned, LOGGING);
  const [tracing] = blocksOf(planned, TRACING);
  const keyId = encryption && (textOf(encryption, "kms_key_id") || undefined);
  return {
    definition: textOf(planned, "definition"),
    roleArn: textOf(planned, "role_arn"),
    encryption: encryption && {
      type: textOf(encryption, "type") || STATES_DEFAULTS.encryption.type,
      ...(keyId !== undefined && {
        kmsKeyId: keyId,
        kmsDataKeyReusePeriodSeconds:
          numberOf(encryption, "kms_data_key_reuse_period_seconds") ??
          DATA_KEY_REUSE_SECONDS.default,
      }),
    },
    logging: logging && {
      level: textOf(logging, "level") || STATES_DEFAULTS.logging.level,
      includeExecutionData: flagOf(logging, "include_execution_data"),
      logGroupArn: textOf(logging, "log_destination") || undefined,
    },
    tracingEnabled: tracing && flagOf(tracing, "enabled"),
    publish: flagOf(planned, "publish"),
  };
}
