import { showValue, ValidationError } from "../modules/errors";
import type { StackFolder } from "./stack-folders";

/**
 * The stacks that a person named, in the order in which they are applied; all if none was named.
 *
 * @param names - ids of stacks
 * @throws {ValidationError} with every name that is unknown, a pattern, or given twice
 */
export function selectStacks(
  folders: readonly StackFolder[],
  names: readonly string[],
): readonly StackFolder[] {
  if (names.length === 0) {
    return folders;
  }
  const known = folders.map(({ id }) => id);
  const problems = [...new Set(names)].flatMap((name) => {
    if (/[*?[\]{}!()+@|]/.test(name)) {
      // cdktf runs a stack that two patterns match twice, at the same time.
      return `a stack must be named by its id, got the pattern ${showValue(name)}; name each, or none for all: ${known.join(", ")}`;
    }
    if (!known.includes(name)) {
      return `a stack must be one of ${known.join(", ")}, got ${showValue(name)}; name one of them, or none for all`;
    }
    const count = names.filter((other) => other === name).length;
    return count > 1
      ? [`a stack must be named once, got ${name} ${count} times; name it once`]
      : [];
  });
  if (problems.length > 0) {
    throw new ValidationError(problems.join("\n"));
  }
  return folders.filter(({ id }) => names.includes(id));
}

/**
 * Refuses stacks without those that they depend on: cdktf keeps no order without them.
 *
 * @throws {ValidationError} with every stack that is missing
 */
export function requireDependencies(
  folders: readonly StackFolder[],
  selected: readonly StackFolder[],
): void {
  const named = new Set(selected.map(({ id }) => id));
  const missing = new Set<string>();
  const pending = [...selected];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const id of next.dependencies.filter((name) => !named.has(name) && !missing.has(name))) {
      missing.add(id);
      pending.push(...folders.filter((folder) => folder.id === id));
    }
  }
  if (missing.size > 0) {
    throw new ValidationError(
      `the stacks must include what they depend on, got ${[...named].join(", ")} without ${[...missing].sort().join(", ")}; name ${missing.size === 1 ? "it" : "them"} too: what has not changed is left as it is`,
    );
  }
}
