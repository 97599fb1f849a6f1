import type { ResourceAddress } from "../terraform/address";

/** The addresses that belong to one key in one region. */
export interface KeyAddresses {
  /** The primary or replica key. */
  readonly key: ResourceAddress;
  /** The record that makes Terraform refuse a plan when the key has vanished. */
  readonly record: ResourceAddress;
  readonly alias: ResourceAddress;
}

/**
 * Addresses of a key in one region.
 *
 * Key names hold no `_` and region names none either, so no two keys share an address.
 *
 * @param role - what the region holds: the primary key (or the only one) or a replica key
 */
export function keyAddresses(
  keyName: string,
  region: string,
  role: "primary" | "replica",
): KeyAddresses {
  const inRegion = `${keyName}_${region}`;
  return {
    key:
      role === "primary"
        ? { type: "aws_kms_key", name: keyName }
        : { type: "aws_kms_replica_key", name: inRegion },
    record: { type: "terraform_data", name: inRegion },
    alias: { type: "aws_kms_alias", name: inRegion },
  };
}

/** Address of the record that makes Terraform refuse a changed home region. */
export const HOME_REGION_ADDRESS: ResourceAddress = { type: "terraform_data", name: "home-region" };
