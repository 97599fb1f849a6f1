/** What a stack's Terraform JSON says about it, without asking AWS. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { STACK_FILE, type StackFolder } from "./stack-folders";

// CDKTF names its remote states so: https://github.com/hashicorp/terraform-cdk/blob/main/packages/cdktf/lib/terraform-stack.ts
const REMOTE_OUTPUT =
  /data\.terraform_remote_state\.cross-stack-reference-input-([\w-]+)\.outputs\.([\w-]+)/g;

/**
 * Names of the outputs that a stack reads from the states of other stacks, by the id of the stack
 * that has them.
 */
export function neededOutputs(folder: StackFolder): ReadonlyMap<string, ReadonlySet<string>> {
  const needed = new Map<string, Set<string>>();
  for (const [, stack = "", output = ""] of readText(folder).matchAll(REMOTE_OUTPUT)) {
    needed.set(stack, (needed.get(stack) ?? new Set()).add(output));
  }
  return needed;
}

const stackSchema = z.object({
  resource: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  import: z.array(z.object({ to: z.string() })).default([]),
});

/**
 * How many resources a first apply of a stack creates, by type, in alphabetical order. What is
 * taken over from AWS does not count.
 */
export function resourceCounts(folder: StackFolder): readonly (readonly [string, number])[] {
  const json = stackSchema.parse(readStackJson(folder));
  const adopted = new Set(json.import.map(({ to }) => to));
  return Object.entries(json.resource)
    .map(
      ([type, byName]) =>
        [
          type,
          Object.keys(byName).filter((name) => !adopted.has(`${type}.${name}`)).length,
        ] as const,
    )
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A stack's Terraform JSON, not checked. */
export function readStackJson(folder: StackFolder): unknown {
  return JSON.parse(readText(folder));
}

function readText({ directory }: StackFolder): string {
  return readFileSync(join(directory, STACK_FILE), "utf8");
}
