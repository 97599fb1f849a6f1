/** What people do in a simulated account behind Terraform's back. */
import { showValue, ValidationError } from "../modules/errors";
import type { AwsLocation } from "../modules/partition";
import { messageOf } from "./aws/aws-error";
import { Kms } from "./aws/kms";
import { type InventoryItem, KEY_TYPES, terraformTypeOf } from "./inventory";
import type { ResourceType, Session } from "./provider/resource-type";
import { RESOURCE_TYPES } from "./provider/types";
import { type Attributes, mapOf } from "./provider/values";
import type { Sandbox } from "./sandbox";

/** What can be done to a key in one region. */
export type KeyAction = "disable" | "enable" | "schedule-deletion" | "cancel-deletion";

/** An object of the sandbox, as a person names it. */
export interface ObjectName {
  /** Its type in Terraform, such as `aws_kms_key`. */
  readonly type: string;
  /** Its name, as `show` lists it, or its id. */
  readonly name: string;
  /** @default - it is in no region */
  readonly region?: string;
}

/** Does something to a primary or replica key. @throws {ValidationError} if there is none of that name */
export async function driftKey(
  sandbox: Sandbox,
  action: KeyAction,
  { name, region }: { readonly name: string; readonly region: string },
): Promise<void> {
  const item = oneOf(
    sandbox
      .inventory()
      .filter(
        (candidate) =>
          KEY_TYPES.includes(candidate.type) &&
          candidate.region === region &&
          isCalled(candidate, name),
      ),
    { ends: action === "cancel-deletion" },
  );
  if (item === undefined) {
    throw notThere({ type: "key", name, region });
  }
  const kms = new Kms(sandbox.aws, locationOf(sandbox, region));
  switch (action) {
    case "disable":
      return kms.disableKey(item.id);
    case "enable":
      return kms.enableKey(item.id);
    case "schedule-deletion":
      return kms.scheduleKeyDeletion(item.id, SHORTEST_WINDOW_DAYS);
    case "cancel-deletion":
      return kms.cancelKeyDeletion(item.id);
  }
}

/** Deletes an object. A key is gone for good, as after its wait. @throws {ValidationError} if it is not there */
export async function driftDelete(sandbox: Sandbox, object: ObjectName): Promise<void> {
  const { item, type, session } = find(sandbox, object, { ends: true });
  if (KEY_TYPES.includes(item.type)) {
    new Kms(session.aws, session.at).removeKey(item.id);
  } else {
    await type.delete(session, await read(type, session, item));
  }
}

/**
 * Changes an argument of an object.
 *
 * @param argument - as Terraform names it, such as `description`; `tags` takes a map
 * @throws {ValidationError} if the object is not there
 */
export async function driftChange(
  sandbox: Sandbox,
  object: ObjectName,
  argument: string,
  value: Attributes[string],
): Promise<void> {
  const { item, type, session } = find(sandbox, object, { ends: false });
  const before = await read(type, session, item);
  if (argument !== "tags" && !(argument in before)) {
    throw new ValidationError(
      `drift: the argument of ${item.type} must be one of ${Object.keys(before).sort().join(", ")}, got ${showValue(argument)}; correct it`,
    );
  }
  if (argument === "tags" && Object.keys(mapOf({ value }, "value")).length === 0) {
    throw new ValidationError(
      `drift: tags must be a map of texts, got ${showValue(value)}; write '{"Owner":"somebody"}'`,
    );
  }
  const after =
    argument === "tags"
      ? { ...before, tags_all: { ...mapOf(before, "tags_all"), ...mapOf({ value }, "value") } }
      : { ...before, [argument]: value };
  try {
    await type.update(session, before, after);
  } catch (error) {
    throw new ValidationError(
      `drift: AWS must accept the change, got ${messageOf(error)}; correct the value`,
    );
  }
}

const SHORTEST_WINDOW_DAYS = 7;

/** Of several keys of one name: one waits for its deletion, and another has been made in its place. */
function oneOf(
  items: readonly InventoryItem[],
  wanted: { readonly ends: boolean },
): InventoryItem | undefined {
  return items.find(({ ends = false }) => ends === wanted.ends) ?? items[0];
}

function find(
  sandbox: Sandbox,
  object: ObjectName,
  wanted: { readonly ends: boolean },
): { readonly item: InventoryItem; readonly type: ResourceType; readonly session: Session } {
  const { type: typeName, name, region } = object;
  const type = RESOURCE_TYPES.find((candidate) => terraformTypeOf(candidate) === typeName);
  const item = oneOf(
    sandbox
      .inventory()
      .filter(
        (candidate) =>
          candidate.type === typeName && isCalled(candidate, name) && candidate.region === region,
      ),
    wanted,
  );
  if (type === undefined || item === undefined) {
    throw notThere(object);
  }
  return {
    item,
    type,
    session: { aws: sandbox.aws, at: locationOf(sandbox, region ?? sandbox.account.homeRegion) },
  };
}

async function read(
  type: ResourceType,
  session: Session,
  { importId, id, name, region }: InventoryItem,
): Promise<Attributes> {
  const identity = { ...type.defaults, ...type.identify(importId), id };
  const found = await type.read(session, identity);
  if (found === undefined) {
    throw notThere({ type: terraformTypeOf(type), name, ...(region !== undefined && { region }) });
  }
  return { ...identity, ...found };
}

function locationOf({ account }: Sandbox, region: string): AwsLocation {
  return { partition: account.partition, account: account.id, region };
}

/** Whether an object goes by a name: its own, or its id, which tells two keys of one name apart. */
function isCalled(item: InventoryItem, name: string): boolean {
  return item.name === name || item.id === name;
}

function notThere({ type, name, region }: ObjectName): ValidationError {
  return new ValidationError(
    `drift: the object must be in the simulated account, got ${type} ${name} in ${region ?? "no region"}; npm run sandbox -- show lists what is there`,
  );
}
