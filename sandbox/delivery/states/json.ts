/** Values of a state machine as JSON: all that states hand on to each other. */

/** Objects and arrays that are known to be JSON through and through, and never change. */
const FROZEN = new WeakSet<object>();

const SIZES = new WeakMap<object, number>();

/**
 * Returns a value as JSON that nothing can change any more. What came out of here before is
 * returned as it is, so a large value is read once however many states hand it on.
 *
 * Fields without a value are left out, as in JSON text.
 *
 * @throws {TypeError} for what JSON cannot express, such as a function
 */
export function frozenJson(value: unknown): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (!Number.isFinite(value)) {
        throw new TypeError(`${value} is no number of JSON`);
      }
      return value;
    case "object":
      return value === null || FROZEN.has(value) ? value : frozenObject(value);
    default:
      throw new TypeError(`JSON cannot express ${value === undefined ? "nothing" : typeof value}`);
  }
}

function frozenObject(value: object): object {
  // JSONata's functions are objects, with their environment in them.
  if ("_jsonata_lambda" in value || "_jsonata_function" in value) {
    throw new TypeError("JSON cannot express a function");
  }
  const copy = Array.isArray(value)
    ? value.map(frozenJson)
    : Object.fromEntries(
        Object.entries(value)
          .filter(([, field]) => field !== undefined)
          .map(([name, field]) => [name, frozenJson(field)]),
      );
  FROZEN.add(Object.freeze(copy));
  return copy;
}

/** Length of a value as JSON text without white space, in bytes of UTF-8. */
export function jsonBytes(value: unknown): number {
  if (typeof value !== "object" || value === null) {
    return Buffer.byteLength(JSON.stringify(value));
  }
  const known = SIZES.get(value);
  if (known !== undefined) {
    return known;
  }
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (FROZEN.has(value)) {
    SIZES.set(value, bytes);
  }
  return bytes;
}
