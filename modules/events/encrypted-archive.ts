import { CloudwatchEventArchive } from "@cdktf/provider-aws/lib/cloudwatch-event-archive";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { KeyRef } from "../kms/key-ref";
import { type EventPattern, renderEventPattern } from "./event-pattern";

/** How long an archive keeps its events: whole days, at least 1, or for ever. */
export type Retention = number | "forever";

/** Props of an {@link EncryptedArchive}. */
export interface EncryptedArchiveProps {
  /** Name of the archive. Changing this replaces the archive: its events are lost. */
  readonly archiveName: string;
  /** Name of the archive in its address. Changing this replaces the archive: its events are lost. */
  readonly addressName: string;
  /**
   * ARN of the bus whose events are kept, spelled out. Changing this replaces the archive: its events
   * are lost. A reference to the bus would change, to an ARN that is not known yet, whenever Terraform
   * has to make a bus anew that somebody has deleted.
   */
  readonly eventBusArn: string;
  /**
   * The bus, if it is of the same stack: the archive is made after it, and deleted before.
   *
   * @default - the bus is there
   */
  readonly bus?: ITerraformDependable;
  /** Key of the bus's region that encrypts the archive. */
  readonly key: KeyRef;
  /** How long events are kept. A shorter time deletes the older events. */
  readonly retention: Retention;
  /**
   * Which events are kept.
   *
   * @default - every event of the bus
   */
  readonly eventPattern?: EventPattern;
}

/**
 * An EventBridge archive encrypted with a customer managed key.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/encryption-archives.html
 */
export class EncryptedArchive extends Construct {
  constructor(scope: Construct, id: string, props: EncryptedArchiveProps) {
    super(scope, id);
    new CloudwatchEventArchive(this, "Resource", {
      name: props.archiveName,
      eventSourceArn: props.eventBusArn,
      kmsKeyIdentifier: props.key.keyArn,
      // EventBridge takes 0 for "for ever".
      retentionDays: props.retention === "forever" ? 0 : props.retention,
      eventPattern:
        props.eventPattern === undefined ? undefined : renderEventPattern(props.eventPattern),
      ...(props.bus !== undefined && { dependsOn: [props.bus] }),
    }).overrideLogicalId(props.addressName);
  }
}
