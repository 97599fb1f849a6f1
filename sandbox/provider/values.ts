/** Values as Terraform sends them: MessagePack, with values that are not known yet. */
import { decode, ExtensionCodec, encode } from "@msgpack/msgpack";

/** A value that Terraform does not know yet. */
class Unknown {
  toJSON(): string {
    return "(known after apply)";
  }
}

/** The value that is not known yet. */
export const UNKNOWN = new Unknown();

/** A value of Terraform. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Unknown
  | readonly Value[]
  | { readonly [name: string]: Value };

/** The attributes and blocks of a resource, by name. */
export type Attributes = Readonly<Record<string, Value>>;

// A value that is not known, plain or with what is known of it all the same:
// https://github.com/hashicorp/terraform/blob/main/docs/plugin-protocol/object-wire-format.md#messagepack-unknown-values
const PLAIN_UNKNOWN = 0;
const REFINED_UNKNOWN = 12;

const codec = new ExtensionCodec();
codec.register({
  type: PLAIN_UNKNOWN,
  encode: (value) => (value === UNKNOWN ? new Uint8Array([0]) : null),
  decode: () => UNKNOWN,
});
codec.register({ type: REFINED_UNKNOWN, encode: () => null, decode: () => UNKNOWN });

/** A value on the wire: MessagePack, or JSON in old states. */
export interface WireValue {
  readonly msgpack?: Uint8Array;
  readonly json?: Uint8Array;
}

/** Reads attributes; `null` stands for a resource that is not there. */
export function decodeAttributes({ msgpack, json }: WireValue): Attributes | null {
  if (msgpack !== undefined && msgpack.length > 0) {
    return decode(msgpack, { extensionCodec: codec }) as Attributes | null;
  }
  return json !== undefined && json.length > 0
    ? (JSON.parse(Buffer.from(json).toString("utf8")) as Attributes | null)
    : null;
}

/** Writes attributes; `null` stands for a resource that is not there. */
export function encodeAttributes(attributes: Attributes | null): WireValue {
  return { msgpack: encode(attributes, { extensionCodec: codec }) };
}

/** Whether a value, or anything in it, is not known yet. */
export function hasUnknown(value: Value | undefined): boolean {
  return (
    value === UNKNOWN ||
    (typeof value === "object" && value !== null && Object.values(value).some(hasUnknown))
  );
}

/** A text; empty if there is none. */
export function textOf(attributes: Attributes, name: string): string {
  const value = attributes[name];
  return typeof value === "string" ? value : "";
}

/** A number, or `undefined`. */
export function numberOf(attributes: Attributes, name: string): number | undefined {
  const value = attributes[name];
  return typeof value === "number" ? value : undefined;
}

/** Whether a flag is set. */
export function flagOf(attributes: Attributes, name: string): boolean {
  const value = attributes[name];
  return value === true;
}

/** The texts of a map, such as tags. */
export function mapOf(attributes: Attributes, name: string): Record<string, string> {
  const value = attributes[name];
  return Object.fromEntries(
    Object.entries(isMap(value) ? value : {}).flatMap(([key, inner]) =>
      typeof inner === "string" ? [[key, inner]] : [],
    ),
  );
}

/** The texts of a list. */
export function textsOf(attributes: Attributes, name: string): readonly string[] {
  const value = attributes[name];
  return Array.isArray(value) ? value.filter((inner) => typeof inner === "string") : [];
}

/** The blocks of that name. */
export function blocksOf(attributes: Attributes, name: string): readonly Attributes[] {
  const value = attributes[name];
  return Array.isArray(value) ? value.filter(isMap) : isMap(value) ? [value] : [];
}

function isMap(value: Value | undefined): value is Attributes {
  return typeof value === "object" && value !== null && value !== UNKNOWN && !Array.isArray(value);
}
