import { SfnStateMachine } from "@cdktf/provider-aws/lib/sfn-state-machine";
import { Construct } from "constructs";
import { ValidationError } from "../errors";
import type { StateMachineDefinition } from "./asl";

/**
 * Largest definition of a state machine: 1 MB.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const MAX_DEFINITION_BYTES = 1_048_576;

/** Props of a {@link StateMachine}. */
export interface StateMachineProps {
  /** Name of the state machine. Changing this replaces it; executions under way go on. */
  readonly stateMachineName: string;
  /** Name of the state machine in addresses. */
  readonly addressName: string;
  readonly region: string;
  /** Role that it takes. */
  readonly roleArn: string;
  readonly definition: StateMachineDefinition;
}

/**
 * A Standard state machine, encrypted with a key that AWS owns: Step Functions fails every execution
 * of one whose key is disabled, and these tell of disabled keys.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
 */
export class StateMachine extends Construct {
  /** ARN of the state machine: a token, so that whoever uses it waits for it. */
  readonly stateMachineArn: string;

  /** @throws {ValidationError} if the definition is larger than Step Functions accepts */
  constructor(scope: Construct, id: string, props: StateMachineProps) {
    super(scope, id);
    const definition = JSON.stringify(props.definition);
    const bytes = Buffer.byteLength(definition);
    if (bytes > MAX_DEFINITION_BYTES) {
      throw new ValidationError(
        `${props.stateMachineName}: the definition must have at most ${MAX_DEFINITION_BYTES} bytes (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html), got ${bytes}; use fewer keys, buses or regions`,
      );
    }
    if (/%\{|\$\{(?!TfToken\[)/.test(definition)) {
      throw new Error(
        `${props.stateMachineName}: the definition holds a template of Terraform; write the expression otherwise`,
      );
    }
    const machine = new SfnStateMachine(this, "Resource", {
      name: props.stateMachineName,
      region: props.region,
      roleArn: props.roleArn,
      type: "STANDARD",
      definition,
      encryptionConfiguration: { type: "AWS_OWNED_KEY" },
    });
    machine.overrideLogicalId(props.addressName);
    this.stateMachineArn = machine.arn;
  }
}
