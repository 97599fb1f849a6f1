import { randomBytes } from "node:crypto";
import type { ListedObject } from "./resource-type";
import { type Attributes, textOf } from "./values";

/**
 * The name that a resource gets: its `name`, or one that is made up behind its `name_prefix`.
 *
 * @param fallback - prefix if there is neither
 */
export function madeUpName(planned: Attributes, fallback = "terraform-"): string {
  return (
    textOf(planned, "name") ||
    `${textOf(planned, "name_prefix") || fallback}${SERIAL_START}${randomBytes(9).toString("hex")}`
  );
}

/** The prefix of a name that was made up; empty for one that was given. */
export function namePrefixOf(name: string): string {
  return MADE_UP.exec(name)?.[1] ?? "";
}

// The provider puts 26 hexadecimal digits behind a prefix: a time stamp and a counter.
const SERIAL_START = "20260101";
const MADE_UP = /^(.*)[0-9a-f]{26}$/;

/** An object that is known by its name alone. */
export function listedByName(name: string): ListedObject {
  return { id: name, importId: name, name };
}

/** The argument `name` of a resource. */
export function ownName({ name }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof name === "string" ? name : undefined;
}
