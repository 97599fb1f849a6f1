import { CloudwatchEventBus } from "@cdktf/provider-aws/lib/cloudwatch-event-bus";
import { CloudwatchEventBusPolicy } from "@cdktf/provider-aws/lib/cloudwatch-event-bus-policy";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { KeyRef } from "../kms/key-ref";
import { deadLetterQueueName } from "../names";
import { type AwsLocation, eventBusArn } from "../partition";
import { DeadLetterQueue } from "../sqs/dead-letter-queue";
import { type ProducersProps, renderBusPolicy } from "./bus-policy";

/** Props of an {@link EncryptedBus}. */
export interface EncryptedBusProps {
  /** Name of the event bus. Changing this replaces the bus and its archives. */
  readonly busName: string;
  /** Where the bus is. */
  readonly at: AwsLocation;
  /** Key of the same region that encrypts the bus. */
  readonly key: KeyRef;
  /** Another key of the same region, that encrypts the bus's dead-letter queue. */
  readonly deadLetterKey: KeyRef;
  /** Who may put events; nobody else. */
  readonly producers: ProducersProps;
}

/**
 * A custom event bus encrypted with a customer managed key, its policy and its dead-letter queue.
 *
 * No rules stand on it: EventBridge would encrypt them with the same key, and they would fall
 * silent with it.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html
 */
export class EncryptedBus extends Construct {
  /** The bus, for what has to be made after it. */
  readonly bus: ITerraformDependable;

  constructor(scope: Construct, id: string, props: EncryptedBusProps) {
    super(scope, id);
    const { busName, at } = props;
    const queue = new DeadLetterQueue(this, "DeadLetterQueue", {
      queueName: deadLetterQueueName(busName),
      addressName: `${busName}_dead-letter`,
      at,
      key: props.deadLetterKey,
      sourceArns: [eventBusArn(at, busName)],
    });
    const bus = new CloudwatchEventBus(this, "Resource", {
      name: busName,
      kmsKeyIdentifier: props.key.keyArn,
      deadLetterConfig: { arn: queue.queueArn },
    });
    bus.overrideLogicalId(busName);
    const policy = renderBusPolicy(busName, at, props.producers);
    if (policy !== undefined) {
      new CloudwatchEventBusPolicy(this, "Policy", {
        eventBusName: bus.name,
        policy,
      }).overrideLogicalId(busName);
    }
    this.bus = bus;
  }
}
