import type { AwsLocation } from "../../modules/partition";
import type { ObjectStore } from "../aws/object-store";
import type { SimulatedAws } from "../aws/simulated-aws";
import type { Attributes } from "./values";

/** Where one resource is worked on. */
export interface Session {
  readonly aws: SimulatedAws;
  /** The account, and the region of the resource: its own argument, or that of the provider. */
  readonly at: AwsLocation;
}

/** Whether two different texts of an attribute mean the same, such as two spellings of a policy. */
export type SameMeaning = (a: string, b: string) => boolean;

/** An object of the simulated account, as it is listed. */
export interface ListedObject {
  /** Its `id` in a state. */
  readonly id: string;
  /** What `terraform import` takes for it, without the region. */
  readonly importId: string;
  /** Name by which the resource that is meant for it can be told. */
  readonly name: string;
  /** What else a person should see, such as the state of a key. */
  readonly detail?: string;
  /** Whether it waits for its deletion: Terraform takes it for gone. */
  readonly ends?: boolean;
}

/** What the simulated provider knows of one resource type, beyond its schema. */
export interface ResourceType {
  /** Name of its folder in `@cdktf/provider-aws/lib`, from which the schema is derived. */
  readonly bindings: string;
  /** What an error calls it, such as `KMS Key`. */
  readonly title: string;
  /** Page of the provider's documentation, from which the rest is. */
  readonly documentation: string;
  /** Arguments whose change replaces the resource; `region` always does. */
  readonly replacing: readonly string[];
  /** What the provider fills in for arguments that are left out. */
  readonly defaults: Attributes;
  /** Arguments of which two spellings may mean the same. A change of spelling is then no change. */
  readonly sameMeaning?: Readonly<Record<string, SameMeaning>>;
  /** What `terraform validate` refuses. Values that are not known yet are to be passed over. */
  readonly problems?: (config: Attributes) => readonly string[];
  /**
   * Makes the object. What AWS made up need not be returned: it is read afterwards.
   *
   * @param keep - takes what identifies the object, as soon as it exists: whatever fails then,
   *   Terraform knows of it, and marks the resource as tainted
   * @throws {AwsError} as the service answers
   */
  create(
    session: Session,
    planned: Attributes,
    keep: (identity: Attributes) => void,
  ): Promise<void>;
  /**
   * What AWS has of an object, computed values included; all tags as `tags_all`. What AWS does not
   * return, such as a deletion window, is left out and stays as it was.
   *
   * @returns `undefined` if the object is gone
   */
  read(session: Session, state: Attributes): Promise<Attributes | undefined>;
  /** Changes an object in place. */
  update(session: Session, prior: Attributes, planned: Attributes): Promise<void>;
  /** Deletes an object. One that is gone already is no error. */
  delete(session: Session, state: Attributes): Promise<void>;
  /** What of an import id, without its `@region`, identifies the object. */
  identify(importId: string): Attributes;
  /** Whether its objects are in no region. @default false */
  readonly isGlobal?: boolean;
  /** The objects of this type in a region that Terraform could have made. */
  list(store: ObjectStore, at: AwsLocation): readonly ListedObject[];
  /**
   * Name by which the object of a resource is listed.
   *
   * @param block - arguments as they stand in the stack; references to other resources are their names
   * @returns `undefined` if the block does not say
   */
  nameIn(block: Readonly<Record<string, unknown>>): string | undefined;
}

/** What the simulated provider knows of one data source, beyond its schema. */
export interface DataType {
  /** Name of its folder in `@cdktf/provider-aws/lib`, from which the schema is derived. */
  readonly bindings: string;
  /** Page of the provider's documentation. */
  readonly documentation: string;
  /** Attributes that Terraform does not show. The bindings do not say which. @default - none */
  readonly sensitive?: readonly string[];
  /** Its computed attributes. */
  read(session: Session, config: Attributes): Promise<Attributes>;
}
