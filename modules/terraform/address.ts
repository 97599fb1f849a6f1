/**
 * The address of a resource in its stack's state: `<type>.<name>`.
 *
 * An address is a contract: Terraform destroys what stood at an address that is gone. Keyspan
 * writes each one out instead of letting CDKTF derive it from how constructs are nested, so that
 * moving a construct moves nothing in AWS, and so that the address of a key that is no longer
 * defined can still be named.
 */
export interface ResourceAddress {
  /** Terraform resource type, such as `aws_kms_key`. */
  readonly type: string;
  /** Name within the type: letters, digits, `_` and `-`, starting with a letter. */
  readonly name: string;
}

/** The address as Terraform writes it. */
export function showAddress({ type, name }: ResourceAddress): string {
  return `${type}.${name}`;
}
