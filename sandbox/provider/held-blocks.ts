/**
 * Blocks that AWS fills in where they, or arguments in them, are left out. The real provider takes
 * what AWS fills in into its state and ignores it in plans. Here what is left out stays left out.
 */
import { type Attributes, blocksOf, type Value } from "./values";

/**
 * A block as AWS has it, in a list of none or one.
 *
 * @param state - of the resource; one that is being imported has none of its arguments
 * @param found - what AWS has; `undefined` if it has none
 * @param defaults - what AWS fills in: such a value is left out if the state leaves it out
 */
export function heldBlock(
  state: Attributes,
  name: string,
  found: Attributes | undefined,
  defaults: Attributes = {},
): Value {
  const [held] = blocksOf(state, name);
  if (found === undefined) {
    return [];
  }
  const block = Object.fromEntries(
    Object.entries(found).map(([argument, value]) => [
      argument,
      isLeftOut(held?.[argument]) && value === (defaults[argument] ?? null) ? null : value,
    ]),
  );
  return held === undefined && Object.values(block).every(isLeftOut) ? [] : [block];
}

/**
 * A block that AWS always has, and that a state leaves out unless it is configured: what AWS has of
 * it then goes unseen, as in the real provider.
 *
 * @param isImport - whether nothing is known of how the resource is configured
 */
export function computedBlock(
  state: Attributes,
  name: string,
  isImport: boolean,
  found: Attributes | undefined,
  defaults: Attributes = {},
): Value {
  const isHeld = isImport || blocksOf(state, name).length > 0;
  return isHeld ? heldBlock(state, name, found, defaults) : [];
}

function isLeftOut(value: Value | undefined): boolean {
  return value === undefined || value === null;
}
