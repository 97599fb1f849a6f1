/** A configuration as far as it has the right form, and what rules about several values ask of it. */
import { type Partition, partitionOf } from "../modules/partition";
import type { AccountInput } from "./account-schema";
import type { RuleId } from "./rules";
import type { ValuePath } from "./yaml-source";

/** A rule that does not hold, and where. */
export interface Finding {
  readonly rule: RuleId;
  readonly path: ValuePath;
  readonly got: unknown;
  /** Whether the key at the end of the path is meant, not the value behind it. */
  readonly atKey?: boolean;
  /** Replaces the rule's own words where only the place knows them. */
  readonly must?: string;
  readonly fix?: string;
}

type Loose<T> = T extends readonly (infer Item)[]
  ? readonly (Loose<Item> | undefined)[]
  : T extends object
    ? { readonly [Field in keyof T]?: Loose<T[Field]> | undefined }
    : T;

/** A configuration in which whatever had the wrong form is left out, so that the rest can be checked. */
export type AccountDraft = Loose<AccountInput>;

/** The entries of a map but for those that were left out because of their form. */
export function entries<T>(
  map: Readonly<Record<string, T | undefined>> | undefined,
): [string, T][] {
  return Object.entries(map ?? {}).filter((entry): entry is [string, T] => entry[1] !== undefined);
}

/** The items of a list with their places, but for those that were left out because of their form. */
export function items<T>(list: readonly (T | undefined)[] | undefined): [number, T][] {
  return [...(list ?? []).entries()].filter(
    (entry): entry is [number, T] => entry[1] !== undefined,
  );
}

/** What a map itself holds under a name: a key may be called `constructor`. */
export function own<T>(map: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;
}

/** Whether a map has a field whose value was left out because of its form: that has its own message. */
export function isLeftOut(map: object | undefined, field: string): boolean {
  return Object.entries(map ?? {}).some(([name, value]) => name === field && value === undefined);
}

/** The list, or nothing if it is not known to be complete. */
export function whole<T>(list: readonly (T | undefined)[] | undefined): readonly T[] | undefined {
  return list?.every((item): item is T => item !== undefined) === true ? list : undefined;
}

/** The names of the account's regions, or nothing if not all are known. */
export function regionNames(draft: AccountDraft): readonly string[] | undefined {
  return whole(draft.regions?.map((entry) => entry?.name));
}

/** The names of the regions that are known to be active. */
export function activeRegions(draft: AccountDraft): readonly string[] {
  return items(draft.regions).flatMap(([, { name, state = "active" }]) =>
    state === "active" ? (name ?? []) : [],
  );
}

/**
 * The partition of the account: that of its home region.
 *
 * A home region that is not one of the regions is taken for a slip if it is in another partition
 * than all of them.
 */
export function accountPartition(draft: AccountDraft): Partition | undefined {
  const { homeRegion } = draft;
  const partition = homeRegion === undefined ? undefined : partitionOf(homeRegion);
  const names = regionNames(draft);
  return names === undefined || names.some((name) => partitionOf(name) === partition)
    ? partition
    : undefined;
}
