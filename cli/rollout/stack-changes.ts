/** What a plan would do to a stack, and what of that nobody must overlook. */
import type { TerraformMessage } from "../terraform-messages";

/** What would happen to one resource. */
export interface ResourceChange {
  readonly address: string;
  readonly type: string;
  /** In Terraform's words: `create`, `update`, `replace`, `delete`, `import`, `move`, `remove`. */
  readonly action: string;
}

/** What a plan would do to a stack. */
export interface StackChanges {
  readonly resources: readonly ResourceChange[];
  /** Names of the outputs whose values would, or may, change. */
  readonly outputs: readonly string[];
}

/** Collects the changes out of a plan's messages. */
export class ChangeReader {
  private readonly resources: ResourceChange[] = [];
  private outputs: readonly string[] = [];

  take({ type, change, outputs }: TerraformMessage): void {
    if (type === "planned_change" && change !== undefined) {
      const { resource, action } = change;
      if (action !== "noop" && action !== "read") {
        this.resources.push({ address: resource.addr, type: resource.resource_type, action });
      }
    }
    if (type === "outputs" && outputs !== undefined) {
      this.outputs = Object.entries(outputs)
        .filter(([, { action }]) => action !== undefined && action !== "noop")
        .map(([name]) => name)
        .sort();
    }
  }

  get changes(): StackChanges {
    return { resources: this.resources, outputs: this.outputs };
  }
}

/** How many resources a plan touches, in the order in which people are told. */
export interface ChangeCounts {
  readonly import: number;
  readonly add: number;
  readonly change: number;
  readonly replace: number;
  readonly destroy: number;
  /** Forgotten by Terraform; they stay in AWS. */
  readonly forget: number;
  readonly move: number;
}

const COUNTED: Readonly<Record<keyof ChangeCounts, string>> = {
  import: "import",
  add: "create",
  change: "update",
  replace: "replace",
  destroy: "delete",
  forget: "remove",
  move: "move",
};

/** Counts what a plan would do. */
export function countChanges(resources: readonly ResourceChange[]): ChangeCounts {
  const count = (name: keyof ChangeCounts) =>
    resources.filter(({ action }) => action === COUNTED[name]).length;
  return {
    import: count("import"),
    add: count("add"),
    change: count("change"),
    replace: count("replace"),
    destroy: count("destroy"),
    forget: count("forget"),
    move: count("move"),
  };
}

/** The counts in words: add, change, replace and destroy always, the rest where there is any. */
export function showCounts(resources: readonly ResourceChange[]): string {
  const counts = countChanges(resources);
  return [
    ...(counts.import > 0 ? [`${counts.import} to import`] : []),
    `${counts.add} to add`,
    `${counts.change} to change`,
    `${counts.replace} to replace`,
    `${counts.destroy} to destroy`,
    ...(counts.forget > 0 ? [`${counts.forget} to forget`] : []),
    ...(counts.move > 0 ? [`${counts.move} to move`] : []),
  ].join(", ");
}

/** Whether a plan makes new things and does nothing else. */
export function createsOnly({ resources }: StackChanges): boolean {
  return resources.every(({ action }) => action === "create");
}

/** Types whose loss cannot be made good: what they hold, or what is encrypted with them, goes too. */
const IRREPLACEABLE: readonly string[] = [
  "aws_kms_key",
  "aws_kms_replica_key",
  "aws_s3_bucket",
  "aws_cloudtrail",
];

/** The keys, buckets and trails that a plan would replace or destroy, a line each. */
export function shouts(stackId: string, resources: readonly ResourceChange[]): readonly string[] {
  return resources
    .filter(
      ({ type, action }) =>
        IRREPLACEABLE.includes(type) && (action === "replace" || action === "delete"),
    )
    .map(
      ({ address, action }) =>
        `!!! ${stackId}: ${address} WOULD BE ${action === "replace" ? "REPLACED" : "DESTROYED"} !!!`,
    );
}
