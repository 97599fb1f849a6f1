/** Keys that must not be made a second time: those that Terraform has lost, and those that it never heard of. */
import type { KMSClient } from "@aws-sdk/client-kms";
import * as z from "zod";
import type { AccountConfig } from "../../config/account-config";
import { ValidationError } from "../../modules/errors";
import { ACCOUNT_TAG, KEY_TAG } from "../../modules/names";
import type { AwsAccess } from "../aws-access";
import type { StackFolder } from "../stack-folders";
import { readStackJson } from "../stack-json";
import type { ResourceChange } from "./stack-changes";
import type { StackState } from "./state-bucket";

const KEY_TYPES = ["aws_kms_key", "aws_kms_replica_key"] as const;

const keysSchema = z
  .record(z.string(), z.object({ region: z.string(), tags: z.record(z.string(), z.string()) }))
  .default({});

const stackSchema = z.object({
  resource: z
    .object({ aws_kms_key: keysSchema, aws_kms_replica_key: keysSchema })
    .default({ aws_kms_key: {}, aws_kms_replica_key: {} }),
  import: z.array(z.object({ to: z.string() })).default([]),
});

/** A key that a stack defines. */
interface DefinedKey {
  readonly stack: string;
  readonly address: string;
  readonly region: string;
  /** Name of the key in the account's file. */
  readonly keyName: string;
}

/** The account whose keys are judged; an account session has all of it. */
export interface KeyGuardProps {
  readonly account: AccountConfig;
  /** Every stack. */
  readonly folders: readonly StackFolder[];
  readonly access: AwsAccess;
  /** Role with which KMS is asked. */
  readonly role: "plan" | "deploy";
}

function definedKeys(folder: StackFolder): readonly DefinedKey[] {
  const { resource, import: adopted } = stackSchema.parse(readStackJson(folder));
  return KEY_TYPES.flatMap((type) =>
    Object.entries(resource[type]).map(([name, { region, tags }]) => ({
      stack: folder.id,
      address: `${type}.${name}`,
      region,
      keyName: tags[KEY_TAG] ?? name,
    })),
  ).filter(({ address }) => !adopted.some(({ to }) => to === address));
}

/**
 * Refuses keys that an earlier apply has made, or half made, without Terraform's knowing: it would
 * make each a second time, or replace it.
 *
 * Each is named with the command that adopts it.
 *
 * @param states - of all stacks
 * @returns what a person should know: keys that wait for their deletion, beside which others are made
 * @throws {ValidationError} if there are any
 */
export async function refuseUnseenKeys(
  session: KeyGuardProps,
  states: ReadonlyMap<string, StackState>,
): Promise<readonly string[]> {
  const { workspace } = session.account;
  // Terraform would refuse to replace these, and not say what to do.
  const protectedAddresses = new Set(session.folders.flatMap(addressesNotToDestroy));
  const tainted = [...states].flatMap(([stack, { resources }]) =>
    resources
      .filter(
        ({ type, address, tainted: isTainted }) =>
          isTainted && (isKeyType(type) || protectedAddresses.has(`${stack} ${address}`)),
      )
      .map(
        ({ address }) =>
          `  ${stack}: ${address} was made, but not to the end: Terraform would replace it. Keep it:\n    npm run keyspan -- untaint ${workspace} ${stack} '${address}'`,
      ),
  );
  const found = await unseenKeys(session, states);
  const unseen = found
    .filter(({ isDying }) => !isDying)
    .map(
      ({ stack, address, keyId, region }) =>
        `  ${stack}: key ${keyId} in ${region} is there already, and in no state: Terraform would make another beside it. Take it over:\n    ${importCommand(workspace, { stack, address, keyId, region })}`,
    );
  const problems = [...unseen, ...tainted];
  if (problems.length > 0) {
    throw new ValidationError(
      [
        `account ${workspace}: an earlier apply must have ended before the next begins, got ${problems.length === 1 ? "something that it" : `${problems.length} things that it`} has left half done; nothing has been changed: put this right, then run the same command again`,
        ...problems,
      ].join("\n"),
    );
  }
  return found.map(
    ({ region, keyId, keyName }) =>
      `key ${keyId} in ${region} waits for its deletion, and no state knows it: another key ${keyName} is made beside it, which cannot decrypt what that one has encrypted. To keep the old one: aws kms cancel-key-deletion --region ${region} --key-id ${keyId}, then run the same command again`,
  );
}

/**
 * Keys that a destroy leaves in AWS, since no state knows them.
 *
 * @param states - of all stacks, before it
 * @returns a sentence for each, with the command that adopts it
 */
export async function keysLeftByDestroy(
  session: KeyGuardProps,
  states: ReadonlyMap<string, StackState>,
): Promise<readonly string[]> {
  return (await unseenKeys(session, states))
    .filter(({ isDying }) => !isDying)
    .map(
      (key) =>
        `key ${key.keyId} in ${key.region} is in no state: it stays in AWS, and is paid for. To destroy it too, take it over first: ${importCommand(session.account.workspace, key)}`,
    );
}

function importCommand(
  workspace: string,
  { stack, address, keyId, region }: Pick<UnseenKey, "stack" | "address" | "keyId" | "region">,
): string {
  return `npm run keyspan -- import ${workspace} ${stack} '${address}' '${keyId}@${region}'`;
}

/** A key in AWS that no state knows, and the address that it would have. */
type UnseenKey = FoundKey & Pick<DefinedKey, "stack" | "address">;

async function unseenKeys(
  session: KeyGuardProps,
  states: ReadonlyMap<string, StackState>,
): Promise<readonly UnseenKey[]> {
  const missing = session.folders
    .flatMap(definedKeys)
    .filter(
      ({ stack, address }) =>
        !(states.get(stack)?.resources ?? []).some((resource) => resource.address === address),
    );
  const regions = [...new Set(missing.map(({ region }) => region))].sort();
  const known = new Set(
    [...states.values()].flatMap(({ resources }) =>
      resources.map(
        ({ attributes }) => `${attributes.region} ${attributes.key_id ?? attributes.id}`,
      ),
    ),
  );
  const found = await Promise.all(regions.map((region) => keyspanKeys(session, region, known)));
  return found
    .flat()
    .flatMap((key) =>
      missing
        .filter(({ region, keyName }) => region === key.region && keyName === key.keyName)
        .map(({ stack, address }) => ({ ...key, stack, address })),
    );
}

const protectionSchema = z.object({
  resource: z
    .record(
      z.string(),
      z.record(
        z.string(),
        z.object({ lifecycle: z.object({ prevent_destroy: z.boolean().optional() }).optional() }),
      ),
    )
    .default({}),
});

/** What a stack's JSON forbids to destroy, as `<stack> <address>`. */
function addressesNotToDestroy(folder: StackFolder): readonly string[] {
  const { resource } = protectionSchema.parse(readStackJson(folder));
  return Object.entries(resource).flatMap(([type, byName]) =>
    Object.entries(byName)
      .filter(([, { lifecycle }]) => lifecycle?.prevent_destroy === true)
      .map(([name]) => `${folder.id} ${type}.${name}`),
  );
}

/** A key of this account in AWS. */
interface FoundKey {
  readonly region: string;
  readonly keyId: string;
  readonly keyName: string;
  /** Whether it waits for its deletion: that can be cancelled. */
  readonly isDying: boolean;
}

/** Keys with Keyspan's tags that are in no state. */
async function keyspanKeys(
  session: KeyGuardProps,
  region: string,
  known: ReadonlySet<string>,
): Promise<readonly FoundKey[]> {
  const { KMSClient: Client, paginateListKeys } = await import("@aws-sdk/client-kms");
  const client = new Client(session.access.clientSettings(session.role, "KMS", region));
  const found: FoundKey[] = [];
  try {
    for await (const { Keys = [] } of paginateListKeys({ client }, {})) {
      const ids = Keys.flatMap(({ KeyId }) => KeyId ?? []).filter(
        (id) => !known.has(`${region} ${id}`),
      );
      for (const keyId of ids) {
        const tags = await tagsOf(client, keyId);
        const keyName = tags.get(KEY_TAG);
        if (keyName !== undefined && tags.get(ACCOUNT_TAG) === session.account.workspace) {
          found.push({ region, keyId, keyName, isDying: await isDying(client, keyId) });
        }
      }
    }
    return found;
  } catch (error) {
    const { name, message } = error as { name?: string; message?: string };
    const remedy = /denied|unauthorized/i.test(`${name} ${message}`)
      ? `give it the policies of npm run keyspan -- permissions ${session.account.workspace} --role ${session.role === "deploy" ? "apply" : "plan"}`
      : `put that right, and run the same command again`;
    throw new ValidationError(
      `KMS in ${region}: the ${session.role} role must be able to look for keys that no state knows (kms:ListKeys, kms:ListResourceTags, kms:DescribeKey), got ${name}: ${message}; ${remedy}`,
    );
  } finally {
    client.destroy();
  }
}

async function tagsOf(client: KMSClient, keyId: string): Promise<ReadonlyMap<string, string>> {
  const { ListResourceTagsCommand } = await import("@aws-sdk/client-kms");
  try {
    const { Tags = [] } = await client.send(new ListResourceTagsCommand({ KeyId: keyId }));
    return new Map(Tags.flatMap(({ TagKey = "", TagValue = "" }) => [[TagKey, TagValue]]));
  } catch (error) {
    const { name, message } = error as Error;
    // Other teams' key policies may refuse it; Keyspan's own never do. Any other kind of policy refuses
    // all keys alike, those that are looked for among them:
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    const isKeyPolicy =
      name === "AccessDeniedException" &&
      (/resource-based policy/.test(message) ||
        !/polic(y|ies)\b|permissions boundary/.test(message));
    if (isKeyPolicy || name === "NotFoundException") {
      return new Map();
    }
    throw error;
  }
}

async function isDying(client: KMSClient, keyId: string): Promise<boolean> {
  const { DescribeKeyCommand } = await import("@aws-sdk/client-kms");
  const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: keyId }));
  return ["PendingDeletion", "PendingReplicaDeletion"].includes(KeyMetadata?.KeyState ?? "");
}

/**
 * Keys that a plan would create although the state remembers them: somebody has deleted the key, or
 * taken it out of the state.
 *
 * @returns a sentence for each
 */
export function recreatedKeys(
  folder: StackFolder,
  changes: readonly ResourceChange[],
  state: StackState | undefined,
): readonly string[] {
  const created = new Set(
    changes
      .filter(
        ({ type, action }) => isKeyType(type) && (action === "create" || action === "replace"),
      )
      .map(({ address }) => address),
  );
  const recorded = new Set((state?.resources ?? []).map(({ address }) => address));
  return definedKeys(folder)
    .filter(
      ({ address, keyName, region }) =>
        created.has(address) && recorded.has(`terraform_data.${keyName}_${region}`),
    )
    .map(
      ({ stack, address, keyName, region }) =>
        `${stack}: ${address} must not be created, since key ${keyName} is recorded in ${region} already, got a plan that creates it; what was encrypted with it would be lost: find the key (it may wait for its deletion: cancel that), then adopt it (README: When a key is gone)`,
    );
}

function isKeyType(type: string): boolean {
  return KEY_TYPES.some((known) => known === type);
}
