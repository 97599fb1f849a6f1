/** What exists in a simulated account, and what of it Terraform knows. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { STACK_FILE, type StackFolder } from "../cli/stack-folders";
import type { AccountConfig } from "../config/account-config";
import type { ObjectStore } from "./aws/object-store";
import type { ListedObject, ResourceType } from "./provider/resource-type";
import { RESOURCE_TYPES } from "./provider/types";
import { readState } from "./terraform-runs";
import type { Workbench } from "./workbench";

/** Where an object stands. */
export type InventoryStatus =
  /** In the state of a stack. */
  | "managed"
  /** In the state of a stack that the account no longer has. */
  | "left-behind"
  /** In no state, and its stack takes it over with the next apply (`import` block). */
  | "awaited"
  /** In no state, though a stack has a resource for it: an apply died between making it and saying so. */
  | "unseen"
  /** A key in no state, beside one of the same name that is in the state of the stack. */
  | "twin"
  /** Waits for its deletion, in no state. */
  | "ending"
  /** In no state, and no stack has a resource for it. */
  | "foreign";

/** An object of the simulated account. */
export interface InventoryItem extends ListedObject {
  readonly type: string;
  /** `undefined` for global objects. */
  readonly region: string | undefined;
  readonly status: InventoryStatus;
  /** The stack that has a resource for it, or has it in its state. */
  readonly stack?: string;
  /** Address of that resource. */
  readonly address?: string;
  /** Whether its making failed half-way, so that the next apply would replace it. */
  readonly tainted?: boolean;
}

/** The types of keys. */
export const KEY_TYPES: readonly string[] = ["aws_kms_key", "aws_kms_replica_key"];

/** Name of a type in Terraform. */
export function terraformTypeOf({ bindings }: Pick<ResourceType, "bindings">): string {
  return `aws_${bindings.replaceAll("-", "_")}`;
}

/**
 * Every object of a simulated account, in the order of regions, types and names; global ones first.
 *
 * @param workbench - of the account: its states tell what Terraform knows, its stacks what they are for
 */
export function takeInventory(
  store: ObjectStore,
  account: Pick<AccountConfig, "id" | "partition">,
  workbench: Workbench,
): readonly InventoryItem[] {
  const folders = workbench.folders();
  const known = workbench.stacksWithState().flatMap((stack) =>
    readState(workbench.stateFile(stack)).map(({ type, address, attributes, tainted }) => ({
      stack,
      tainted,
      type,
      address,
      key: identityOf(type, regionOf(attributes), String(attributes.id)),
    })),
  );
  const intended = folders.flatMap(resourcesOf);

  const standingOf = (item: ListedObject & Pick<InventoryItem, "type" | "region">) => {
    const inState = known.find(({ key }) => key === identityOf(item.type, item.region, item.id));
    if (inState !== undefined) {
      const { stack, address, tainted } = inState;
      const isStack = folders.some(({ id }) => id === stack);
      return {
        stack,
        address,
        ...(tainted && { tainted }),
        status: isStack ? "managed" : "left-behind",
      } as const;
    }
    const meant = intended.filter(
      ({ type, region, name }) =>
        type === item.type &&
        (item.region === undefined || region === item.region) &&
        name === item.name,
    );
    const isKnown = ({ stack, address }: IntendedResource) =>
      known.some((other) => other.stack === stack && other.address === address);
    const open = meant.find((resource) => !isKnown(resource));
    const { stack, address, importId } = open ?? meant[0] ?? {};
    const place = stack === undefined ? {} : { stack, address };
    if (item.ends === true) {
      return { ...place, status: "ending" } as const;
    }
    if (open === undefined) {
      return { ...place, status: meant.length > 0 ? "twin" : "foreign" } as const;
    }
    return {
      ...place,
      status: importId === importIdOf(item) ? "awaited" : "unseen",
    } as const;
  };
  return [undefined, ...store.regions()].flatMap((region) =>
    RESOURCE_TYPES.filter(({ isGlobal = false }) => isGlobal === (region === undefined)).flatMap(
      (resourceType) => {
        const type = terraformTypeOf(resourceType);
        const at = { account: account.id, partition: account.partition, region: region ?? "" };
        return resourceType.list(store, at).map((object): InventoryItem => {
          const item = { ...object, type, region };
          return { ...item, ...standingOf(item) };
        });
      },
    ),
  );
}

/** What `terraform import` takes for an object: its region stands behind its id. */
function importIdOf({ importId, region }: Pick<InventoryItem, "importId" | "region">): string {
  return region === undefined ? importId : `${importId}@${region}`;
}

/**
 * The command that takes an object over into the state of the stack that has a resource for it; with
 * placeholders if none has.
 */
export function importCommand(workspace: string, item: InventoryItem): string {
  const { type, stack = "<stack>", address = `${type}.<name>` } = item;
  return `npm run sandbox -- import ${workspace} ${stack} '${address}' '${importIdOf(item)}'`;
}

function identityOf(type: string, region: string | undefined, id: string): string {
  return `${type} ${region ?? "global"} ${id}`;
}

function regionOf({ region }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof region === "string" ? region : undefined;
}

const blockSchema = z.record(z.string(), z.unknown());
const stackSchema = z.object({
  provider: z.object({ aws: z.array(z.object({ region: z.string() })) }),
  resource: z.record(z.string(), z.record(z.string(), blockSchema)).default({}),
  import: z.array(z.object({ to: z.string(), id: z.string() })).default([]),
});

interface IntendedResource {
  readonly stack: string;
  readonly type: string;
  readonly address: string;
  readonly region: string;
  /** Name by which its object is listed; `undefined` if only an apply could tell. */
  readonly name: string | undefined;
  /** Import id of the object that it takes over, if the stack says so. */
  readonly importId: string | undefined;
}

/** The resources that a stack's JSON defines, with the names by which their objects are listed. */
function resourcesOf({ id: stack, directory }: StackFolder): readonly IntendedResource[] {
  const {
    provider,
    resource,
    import: imports,
  } = stackSchema.parse(JSON.parse(readFileSync(join(directory, STACK_FILE), "utf8")));
  const [{ region: providerRegion = "" } = {}] = provider.aws;
  return RESOURCE_TYPES.flatMap((resourceType) => {
    const type = terraformTypeOf(resourceType);
    return Object.entries(resource[type] ?? {}).map(([name, block]) => ({
      stack,
      type,
      address: `${type}.${name}`,
      region: regionOf(block) ?? providerRegion,
      name: resourceType.nameIn(withNames(block, resource)),
      importId: imports.find(({ to }) => to === `${type}.${name}`)?.id,
    }));
  });
}

/** A block in which references to resources of the same stack are the names of those. */
function withNames(
  block: Readonly<Record<string, unknown>>,
  resources: z.output<typeof stackSchema>["resource"],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(block).map(([argument, value]) => {
      const [, type = "", name = "", attribute = ""] =
        typeof value === "string" ? (/^\$\{(\w+)\.([\w-]+)\.(\w+)\}$/.exec(value) ?? []) : [];
      const referred = resources[type]?.[name];
      return [argument, referred === undefined ? value : (referred[attribute] ?? referred.name)];
    }),
  );
}
