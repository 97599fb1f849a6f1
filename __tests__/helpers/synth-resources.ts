import { TerraformStack, Testing } from "cdktf";
import type { Construct } from "constructs";

/** Resources by type, then by name. */
export type Resources = Readonly<
  Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>
>;

/** Synthesizes what `define` adds to an empty stack, called `test`, without the metadata of CDKTF. */
export function synthResources(define: (scope: Construct) => void): Resources {
  const stack = new TerraformStack(Testing.app(), "test");
  define(stack);
  const { resource = {} } = JSON.parse(Testing.synth(stack), (field, value: unknown) =>
    field === "//" ? undefined : value,
  ) as { resource?: Resources };
  return resource;
}
