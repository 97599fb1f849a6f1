import { KmsAlias } from "@cdktf/provider-aws/lib/kms-alias";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key";
import { KmsReplicaKey } from "@cdktf/provider-aws/lib/kms-replica-key";
import { Construct } from "constructs";
import { TerraformRecord } from "../terraform/record";
import { type KeyAddresses, keyAddresses } from "./key-addresses";
import type { KeyRef } from "./key-ref";

/** Props of a {@link MultiRegionKey}. */
export interface MultiRegionKeyProps {
  /** Name of the key in addresses: lower-case letters, digits and `-`. Changing this replaces the key. */
  readonly keyName: string;
  /** Alias of the key, the same in every region, `alias/` included. */
  readonly aliasName: string;
  /** What the key is for, as the AWS console shows it. */
  readonly description: string;
  /** Whether the key can have replica keys. Changing this replaces the key. */
  readonly multiRegion: boolean;
  /** Region of the primary key. Changing this replaces the key. */
  readonly primaryRegion: string;
  /** Regions that hold a replica key, in any order. Empty if the key is not multi-Region. */
  readonly replicaRegions: readonly string[];
  /** JSON text of the key policy in a region. */
  readonly policyIn: (region: string) => string;
  /** Days between automatic rotations; replica keys follow the primary key. */
  readonly rotationDays: number;
  /** Days that a key waits for its deletion, once scheduled. */
  readonly deletionWindowDays: number;
  /** Whether Terraform must refuse to destroy or replace a key. */
  readonly protect: boolean;
  /** Tags of the primary key and of every replica key. */
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * A customer managed KMS key: the primary key, its replica keys, and the same alias in each region.
 *
 * Whether a key is enabled is left to people: a responder disables a key, and the next apply must
 * not enable it again. Beside each key stands a record of its id: Terraform takes a key that is
 * scheduled for deletion for gone and would make a new one, and the record, which would have to be
 * replaced with it, makes Terraform refuse that plan.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html
 */
export class MultiRegionKey extends Construct {
  private readonly arns = new Map<string, string>();

  constructor(scope: Construct, id: string, props: MultiRegionKeyProps) {
    super(scope, id);
    const { keyName, primaryRegion, protect } = props;
    const shared = {
      description: props.description,
      deletionWindowInDays: props.deletionWindowDays,
      tags: props.tags,
    };

    const primary = new KmsKey(this, "Primary", {
      ...shared,
      region: primaryRegion,
      multiRegion: props.multiRegion,
      policy: props.policyIn(primaryRegion),
      enableKeyRotation: true,
      rotationPeriodInDays: props.rotationDays,
      lifecycle: { preventDestroy: protect, ignoreChanges: ["is_enabled"] },
    });
    const primaryAddresses = keyAddresses(keyName, primaryRegion, "primary");
    primary.overrideLogicalId(primaryAddresses.key.name);
    this.defineRest(props, primaryRegion, primaryAddresses, primary);

    for (const region of [...props.replicaRegions].sort()) {
      const replica = new KmsReplicaKey(this, `Replica-${region}`, {
        ...shared,
        region,
        primaryKeyArn: primary.arn,
        policy: props.policyIn(region),
        lifecycle: { preventDestroy: protect, ignoreChanges: ["enabled"] },
      });
      const addresses = keyAddresses(keyName, region, "replica");
      replica.overrideLogicalId(addresses.key.name);
      this.defineRest(props, region, addresses, replica);
    }
  }

  /** The regions that hold the primary or a replica key, in alphabetical order. */
  get regions(): readonly string[] {
    return [...this.arns.keys()].sort();
  }

  /** The primary or replica key of a region, or `undefined` if the region holds none. */
  keyIn(region: string): KeyRef | undefined {
    const keyArn = this.arns.get(region);
    return keyArn === undefined ? undefined : { keyArn, region };
  }

  private defineRest(
    { aliasName, protect }: MultiRegionKeyProps,
    region: string,
    addresses: KeyAddresses,
    key: KmsKey | KmsReplicaKey,
  ): void {
    new TerraformRecord(this, `Record-${region}`, {
      value: key.keyId,
      preventDestroy: protect,
    }).overrideLogicalId(addresses.record.name);
    new KmsAlias(this, `Alias-${region}`, {
      region,
      name: aliasName,
      targetKeyId: key.keyId,
    }).overrideLogicalId(addresses.alias.name);
    this.arns.set(region, key.arn);
  }
}
