/** What is the same for every resource type: how a plan, an apply, a refresh and an import are made of its own parts. */
import { isDeepStrictEqual } from "node:util";
import { type Partition, partitionOf } from "../../modules/partition";
import type { SimulatedAws } from "../aws/simulated-aws";
import { CallError } from "./calls";
import type { ResourceType, Session } from "./resource-type";
import type { BlockSchema, TypeSchema } from "./schema";
import { type Attributes, hasUnknown, mapOf, textOf, UNKNOWN, type Value } from "./values";

/** A configured provider: one per `provider` block and run of Terraform. */
export interface ProviderInstance {
  readonly aws: SimulatedAws;
  readonly account: string;
  readonly partition: Partition;
  /** Region of resources that name none. */
  readonly region: string;
  readonly defaultTags: Readonly<Record<string, string>>;
}

/** What Terraform is told about a planned change. */
export interface PlannedChange {
  readonly planned: Attributes;
  /** Arguments because of which the resource has to be replaced. */
  readonly replacing: readonly string[];
}

/** What is left of a resource after an apply, whether it succeeded or not. */
export interface Applied {
  /** `null` if the resource is not there. */
  readonly state: Attributes | null;
  readonly error?: unknown;
}

/** One resource type with its schema. */
export class ResourceLifecycle {
  constructor(
    readonly type: ResourceType,
    readonly schema: TypeSchema,
  ) {}

  /**
   * What an apply would make of a resource.
   *
   * @param proposed - what Terraform proposes: the configuration, and prior values of what it leaves open
   * @throws {Error} if its region is none, or of another partition than the provider's
   */
  plan(
    instance: ProviderInstance,
    prior: Attributes | null,
    proposed: Attributes,
    config: Attributes,
  ): PlannedChange {
    const { attributes } = this.schema.block;
    refuseForeignRegion(instance, textOf(config, "region"));
    const planned: Record<string, Value> =
      prior === null ? { ...withUnknowns(this.schema.block, proposed) } : { ...proposed };
    for (const [name, value] of Object.entries(this.type.defaults)) {
      if (config[name] === null) {
        planned[name] = value;
      }
    }
    if (attributes.has("region") && config.region === null) {
      planned.region = instance.region;
    }
    if (attributes.has("tags_all")) {
      planned.tags_all = hasUnknown(config.tags)
        ? UNKNOWN
        : { ...instance.defaultTags, ...mapOf(config, "tags") };
    }
    if (prior !== null) {
      for (const [name, sameMeaning] of Object.entries(this.type.sameMeaning ?? {})) {
        const [before, after] = [prior[name], planned[name]];
        if (typeof before === "string" && typeof after === "string" && sameMeaning(before, after)) {
          planned[name] = before;
        }
      }
    }
    const replacing = prior === null ? [] : [...this.type.replacing, "region"];
    return {
      planned,
      replacing: replacing.filter(
        (name) => name in planned && !isDeepStrictEqual(planned[name], prior?.[name]),
      ),
    };
  }

  /** Makes, changes or deletes a resource. */
  async apply(
    instance: ProviderInstance,
    prior: Attributes | null,
    planned: Attributes | null,
    config: Attributes | null,
  ): Promise<Applied> {
    if (planned === null) {
      return prior === null ? { state: null } : this.delete(instance, prior);
    }
    return prior === null
      ? this.create(instance, planned, config ?? {})
      : this.update(instance, prior, planned, config ?? {});
  }

  /** What a resource is now, or `null` if it is gone. */
  async refresh(instance: ProviderInstance, state: Attributes): Promise<Attributes | null> {
    try {
      const found = await this.type.read(this.sessionOf(instance, state), state);
      return found === undefined ? null : this.merged(instance, state, found);
    } catch (error) {
      throw this.failure("reading", textOf(state, "id"), error);
    }
  }

  /**
   * The state from which Terraform reads a resource that it takes over.
   *
   * @param importId - `<id>`, or `<id>@<region>` for another region than the provider's
   * @see https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/enhanced-region-support
   */
  async import(instance: ProviderInstance, importId: string): Promise<Attributes> {
    const { attributes, blocks } = this.schema.block;
    // The name of a role may have an @ of its own.
    const [, id = importId, region = instance.region] =
      (attributes.has("region") ? /^(.+)@([a-z0-9-]+)$/ : /^$/).exec(importId) ?? [];
    const state: Attributes = {
      ...Object.fromEntries([...attributes.keys()].map((name) => [name, null])),
      ...Object.fromEntries(
        [...blocks].map(([name, { nesting }]) => [name, nesting === "SINGLE" ? null : []]),
      ),
      ...this.type.defaults,
      ...this.type.identify(id),
      ...(attributes.has("region") && { region }),
    };
    const found = await this.refresh(instance, state);
    if (found === null) {
      throw new Error(
        `Cannot import non-existent remote object: ${this.schema.terraformType} with id ${importId} does not exist; only pre-existing objects can be imported`,
      );
    }
    return found;
  }

  private async create(
    instance: ProviderInstance,
    planned: Attributes,
    config: Attributes,
  ): Promise<Applied> {
    const known = withoutUnknowns(planned);
    let identity: Attributes | undefined;
    const keep = (kept: Attributes) => {
      identity = { ...identity, ...kept };
    };
    try {
      await this.type.create(this.sessionOf(instance, known), known, keep);
    } catch (error) {
      return {
        state: identity === undefined ? null : { ...known, ...identity },
        error: this.failure("creating", textOf(known, "name"), error),
      };
    }
    return this.settled(instance, { ...known, ...identity }, config);
  }

  private async update(
    instance: ProviderInstance,
    prior: Attributes,
    planned: Attributes,
    config: Attributes,
  ): Promise<Applied> {
    const known = withoutUnknowns(planned);
    try {
      await this.type.update(this.sessionOf(instance, prior), prior, known);
    } catch (error) {
      // The next refresh tells how far it got.
      return { state: prior, error: this.failure("updating", textOf(prior, "id"), error) };
    }
    return this.settled(instance, known, config);
  }

  private async delete(instance: ProviderInstance, prior: Attributes): Promise<Applied> {
    try {
      await this.type.delete(this.sessionOf(instance, prior), prior);
      return { state: null };
    } catch (error) {
      return { state: prior, error: this.failure("deleting", textOf(prior, "id"), error) };
    }
  }

  /** The state after a change, read back from AWS. */
  private async settled(
    instance: ProviderInstance,
    applied: Attributes,
    config: Attributes,
  ): Promise<Applied> {
    let state: Attributes | null;
    try {
      state = await this.refresh(instance, applied);
    } catch (error) {
      return { state: applied, error };
    }
    if (state === null) {
      return {
        state: applied,
        error: this.failure("reading", textOf(applied, "id"), new Error("couldn't find resource")),
      };
    }
    const found = state;
    const lost = Object.keys(config).filter(
      (name) =>
        config[name] !== null &&
        !hasUnknown(config[name]) &&
        !this.isSame(name, applied[name], found[name]),
    );
    return lost.length === 0
      ? { state }
      : {
          state,
          error: new Error(
            `the sandbox is wrong about ${this.schema.terraformType}: after the apply ${lost
              .map(
                (name) =>
                  `${name} is ${JSON.stringify(found[name])}, planned was ${JSON.stringify(applied[name])}`,
              )
              .join(", ")}`,
          ),
        };
  }

  private isSame(name: string, a: Value | undefined, b: Value | undefined): boolean {
    const sameMeaning = this.type.sameMeaning?.[name];
    return (
      isDeepStrictEqual(inOrder(a), inOrder(b)) ||
      (sameMeaning !== undefined &&
        typeof a === "string" &&
        typeof b === "string" &&
        sameMeaning(a, b))
    );
  }

  /** A state with what AWS has now. */
  private merged(instance: ProviderInstance, state: Attributes, found: Attributes): Attributes {
    const merged: Record<string, Value> = { ...state, ...found };
    for (const [name, sameMeaning] of Object.entries(this.type.sameMeaning ?? {})) {
      const [before, after] = [state[name], found[name]];
      if (typeof before === "string" && typeof after === "string" && sameMeaning(before, after)) {
        merged[name] = before;
      }
    }
    if (this.schema.block.attributes.has("tags_all")) {
      Object.assign(merged, tagsOf(instance, state, mapOf(found, "tags_all")));
    }
    return merged;
  }

  private sessionOf(
    { aws, account, partition, region }: ProviderInstance,
    of: Attributes,
  ): Session {
    return { aws, at: { account, partition, region: textOf(of, "region") || region } };
  }

  /** A failed call in general words, unless the type has found its own. */
  private failure(doing: string, id: string, error: unknown): CallError {
    return error instanceof CallError
      ? error
      : new CallError(`${doing} ${this.type.title}${id === "" ? "" : ` (${id})`}`, error);
  }
}

/**
 * All tags of an object, and those of them that are the resource's own: not those that came from the
 * provider's default tags.
 */
function tagsOf(
  { defaultTags }: ProviderInstance,
  state: Attributes,
  all: Readonly<Record<string, string>>,
): Attributes {
  const own = mapOf(state, "tags");
  const known = mapOf(state, "tags_all");
  const tags = Object.fromEntries(
    Object.entries(all).filter(
      ([name, value]) => name in own || !(name in known || defaultTags[name] === value),
    ),
  );
  const none = Object.keys(tags).length === 0;
  return { tags_all: all, tags: none && (state.tags ?? null) === null ? null : tags };
}

/** Computed values that are open become unknown. */
function withUnknowns({ attributes, blocks }: BlockSchema, values: Attributes): Attributes {
  const inBlock = (block: BlockSchema, value: Value | undefined): Value =>
    Array.isArray(value)
      ? value.map((one) => inBlock(block, one))
      : value === null || value === undefined || typeof value !== "object" || value === UNKNOWN
        ? (value ?? null)
        : withUnknowns(block, value as Attributes);
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const nested = blocks.get(name);
      if (nested !== undefined) {
        return [name, inBlock(nested.block, value)];
      }
      return [name, value === null && attributes.get(name)?.computed === true ? UNKNOWN : value];
    }),
  );
}

/** What is still open has no value: the resource is made with what is known. */
function withoutUnknowns(values: Attributes): Attributes {
  const known = (value: Value): Value => {
    if (value === UNKNOWN) {
      return null;
    }
    if (Array.isArray(value)) {
      return value.map(known);
    }
    return typeof value === "object" && value !== null
      ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, known(inner)]))
      : value;
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, known(value)]));
}

/** Lists of texts in one order: sets have none. */
function inOrder(value: Value | undefined): Value | undefined {
  return Array.isArray(value) && value.every((inner) => typeof inner === "string")
    ? [...value].sort()
    : value;
}

/** The provider takes any region of its partition as that of a resource, and no other. */
function refuseForeignRegion({ partition }: ProviderInstance, region: string): void {
  const found = region === "" ? partition : partitionOfRegion(region);
  if (found !== partition) {
    throw new Error(
      `partition (${found}) for per-resource Region (${region}) is not the provider's configured partition (${partition})`,
    );
  }
}

/** The region's partition, as the provider knows it. @throws {Error} for a region that does not exist */
export function partitionOfRegion(region: string): Partition {
  const partition = partitionOf(region);
  if (partition === undefined) {
    throw new Error(`invalid AWS Region: ${region}`);
  }
  return partition;
}
