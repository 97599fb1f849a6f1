import type { TerraformStack } from "cdktf";

/** Changes to a stack's state that no resource block can express. Addresses are `<type>.<name>`. */
export interface StateChangesProps {
  /** Addresses that Terraform forgets. What stands there in AWS stays as it is. */
  readonly forget: readonly string[];
  /** Objects that exist in AWS and that Terraform takes over at an address. */
  readonly adopt: readonly { readonly to: string; readonly importId: string }[];
  /** Addresses that were renamed. */
  readonly move: readonly { readonly from: string; readonly to: string }[];
}

/**
 * Adds `removed`, `import` and `moved` blocks to a stack.
 *
 * They are overrides because CDKTF 0.21 has no `removed` at all, and its `importFrom` and
 * `moveFromId` run `terraform version` once per block at every synth.
 *
 * @see https://developer.hashicorp.com/terraform/language/block/removed
 * @see https://developer.hashicorp.com/terraform/language/block/import
 * @see https://developer.hashicorp.com/terraform/language/block/moved
 */
export function addStateChanges(stack: TerraformStack, props: StateChangesProps): void {
  if (props.forget.length > 0) {
    stack.addOverride(
      "removed",
      props.forget.map((from) => ({ from, lifecycle: { destroy: false } })),
    );
  }
  if (props.adopt.length > 0) {
    stack.addOverride(
      "import",
      props.adopt.map(({ to, importId }) => ({ to, id: importId })),
    );
  }
  if (props.move.length > 0) {
    stack.addOverride("moved", props.move);
  }
}
