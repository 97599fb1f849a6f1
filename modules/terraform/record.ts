import { TerraformResource } from "cdktf";
import type { Construct } from "constructs";

/** Props of a {@link TerraformRecord}. */
export interface TerraformRecordProps {
  /** What is recorded. Terraform replaces the record when this changes. */
  readonly value: string;
  /** Whether Terraform must refuse to replace or destroy the record. */
  readonly preventDestroy: boolean;
}

/**
 * A value that Terraform remembers, in a resource of the built-in type `terraform_data`.
 *
 * With `preventDestroy` it is a lock: a plan in which the value changes, or is no longer known, is
 * refused by Terraform itself, whoever runs it. CDKTF's own `DataResource` runs `terraform version`
 * at every synth, so this is a plain resource.
 *
 * @see https://developer.hashicorp.com/terraform/language/resources/terraform-data
 */
export class TerraformRecord extends TerraformResource {
  private readonly value: string;

  constructor(scope: Construct, id: string, props: TerraformRecordProps) {
    super(scope, id, {
      terraformResourceType: "terraform_data",
      lifecycle: { preventDestroy: props.preventDestroy },
    });
    this.value = props.value;
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    return { triggers_replace: this.value };
  }
}
