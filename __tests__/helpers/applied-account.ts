/** Accounts that Terraform has applied in the sandbox, for tests that play what happens in them afterwards. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ANNOUNCE_RULE, HUB_BUS, ROLES, STATE_MACHINES } from "../../modules/names";
import {
  arn,
  eventBusArn,
  roleArn,
  ruleArn,
  stateMachineArn,
  topicArn,
} from "../../modules/partition";
import { EVENT_BUSES, EVENT_RULES } from "../../sandbox/aws/events";
import { IAM_ROLES } from "../../sandbox/aws/iam";
import { KMS_KEYS } from "../../sandbox/aws/kms";
import { type ObjectKind, ObjectStore } from "../../sandbox/aws/object-store";
import { SUBSCRIPTIONS, TOPICS } from "../../sandbox/aws/sns";
import { STATE_MACHINE_OBJECTS } from "../../sandbox/aws/states";
import { resolveReferences } from "./resolve";
import { complaints, type SandboxProject, type StackResults } from "./sandbox-project";
import { type Block, type SynthesizedAccount, stackOf } from "./synth";

/**
 * Applies some stacks of an account, each with flags of its own.
 *
 * @throws {Error} if Terraform complains
 */
export async function applyStacks(
  project: SandboxProject,
  workspace: string,
  flags: Readonly<Record<string, readonly string[]>>,
): Promise<ObjectsInMemory> {
  return project.run(workspace, {}, async ({ sandbox }) => {
    const terraform = await sandbox.terraform();
    const results: StackResults[number][] = [];
    for (const folder of sandbox.folders) {
      const ownFlags = flags[folder.id];
      if (ownFlags !== undefined) {
        await terraform.prepare(folder);
        results.push([folder.id, await terraform.planAndApply(folder, ...ownFlags)]);
      }
    }
    const failed = results.filter(([, { code }]) => code !== 0);
    if (failed.length > 0) {
      throw new Error(complaints(failed));
    }
    return new ObjectsInMemory(sandbox.workbench.awsDirectory);
  });
}

/** The objects of an account, read once. What a test does to them is not written, and can be undone. */
export class ObjectsInMemory extends ObjectStore {
  private readonly folders = new Map<string, Map<string, unknown>>();
  private readonly changed = new Set<string>();

  override get<T>(kind: ObjectKind<T>, region: string | undefined, id: string): T | undefined {
    return this.folder(kind, region).get(id);
  }

  override list<T>(
    kind: ObjectKind<T>,
    region: string | undefined,
  ): readonly (readonly [string, T])[] {
    return [...this.folder(kind, region)];
  }

  override put<T>(kind: ObjectKind<T>, region: string | undefined, id: string, object: T): void {
    this.folder(kind, region).set(id, object);
    this.changed.add(nameOf(kind, region));
  }

  override remove<T>(kind: ObjectKind<T>, region: string | undefined, id: string): void {
    this.folder(kind, region).delete(id);
    this.changed.add(nameOf(kind, region));
  }

  /** The object of that id. @throws {Error} if there is none */
  one<T>(kind: ObjectKind<T>, region: string | undefined, id: string): T {
    const object = this.get(kind, region, id);
    if (object === undefined) {
      throw new Error(`there is no ${id} of ${nameOf(kind, region)}`);
    }
    return object;
  }

  /** Changes an object. @throws {Error} if there is none */
  change<T>(
    kind: ObjectKind<T>,
    region: string | undefined,
    id: string,
    changes: (object: T) => Partial<T>,
  ): void {
    const object = this.one(kind, region, id);
    this.put(kind, region, id, { ...object, ...changes(object) });
  }

  /** Makes everything as it was applied. */
  undo(): void {
    for (const name of this.changed) {
      this.folders.delete(name);
    }
    this.changed.clear();
  }

  private folder<T>(kind: ObjectKind<T>, region: string | undefined): Map<string, T> {
    const name = nameOf(kind, region);
    const known = this.folders.get(name);
    if (known !== undefined) {
      return known as Map<string, T>;
    }
    const read = new Map(super.list(kind, region));
    this.folders.set(name, read);
    return read;
  }
}

function nameOf<T>({ folder }: ObjectKind<T>, region: string | undefined): string {
  return `${region ?? "global"}/${folder}`;
}

/**
 * What takes over the events of other accounts, as an apply of the organisation's hub would make it.
 * Its references are resolved here: Terraform takes long, and has applied the same of another account.
 * There are no files: `undo` would remove it all.
 */
export function synthesizedHub(synthesized: SynthesizedAccount): ObjectsInMemory {
  const { account } = synthesized;
  const objects = new ObjectsInMemory(join(tmpdir(), "keyspan-is-not-written"));
  const { homeRegion: region, id } = account;
  const at = { partition: account.partition, account: id, region };
  const blocks = (stackId: string, type: string) => {
    const stack = stackOf(synthesized, stackId);
    return Object.entries(stack.resources[type] ?? {}).map(
      ([name, block]) => [name, textsOf(resolveReferences(synthesized, stack, block))] as const,
    );
  };
  const one = (type: string, name: string) => {
    const found = blocks("notifications", type).find(([candidate]) => candidate === name)?.[1];
    if (found === undefined) {
      throw new Error(`there is no ${type}.${name}`);
    }
    return found;
  };
  for (const [name, { policy = "", description = "" }] of blocks("keys", "aws_kms_key")) {
    const keyId = `mrk-${name}`;
    objects.put(KMS_KEYS, region, keyId, {
      keyId,
      arn: arn({ ...at, service: "kms", resource: `key/${keyId}` }),
      description,
      policy,
      multiRegion: true,
      primaryRegion: region,
      enabled: true,
      tags: {},
    });
  }
  objects.put(EVENT_BUSES, region, HUB_BUS, {
    name: HUB_BUS,
    arn: eventBusArn(at, HUB_BUS),
    policy: one("aws_cloudwatch_event_bus_policy", "hub").policy ?? "",
    tags: {},
  });
  const target = one("aws_cloudwatch_event_target", "announce_announce");
  objects.put(EVENT_RULES, region, `${HUB_BUS}/${ANNOUNCE_RULE}`, {
    name: ANNOUNCE_RULE,
    busName: HUB_BUS,
    arn: ruleArn(at, ANNOUNCE_RULE, HUB_BUS),
    eventPattern: one("aws_cloudwatch_event_rule", "announce").event_pattern ?? "",
    state: "ENABLED",
    targets: {
      announce: { id: "announce", arn: target.arn ?? "", roleArn: target.role_arn, parameters: {} },
    },
    tags: {},
  });
  const { role_arn: announceRoleArn = "", definition = "" } = one(
    "aws_sfn_state_machine",
    "announce",
  );
  objects.put(STATE_MACHINE_OBJECTS, region, STATE_MACHINES.announce, {
    name: STATE_MACHINES.announce,
    arn: stateMachineArn(at, STATE_MACHINES.announce),
    definition,
    roleArn: announceRoleArn,
    type: "STANDARD",
    encryption: { type: "AWS_OWNED_KEY" },
    logging: { level: "OFF", includeExecutionData: false },
    tracingEnabled: false,
    revisionId: "",
    versions: 0,
    created: "",
    tags: {},
  });
  for (const name of [ROLES.announce, ROLES.startAnnounce]) {
    objects.put(IAM_ROLES, undefined, name, {
      name,
      arn: roleArn(at, name),
      path: "/",
      description: "",
      trustPolicy: one("aws_iam_role", name).assume_role_policy ?? "",
      maxSessionSeconds: 3600,
      uniqueId: "AROACKCEVSQ6C2EXAMPLE",
      created: "",
      tags: {},
      inlinePolicies: { own: one("aws_iam_role_policy", name).policy ?? "" },
    });
  }
  for (const [addressName, { name = "", kms_master_key_id: key = "" }] of blocks(
    "notifications",
    "aws_sns_topic",
  )) {
    objects.put(TOPICS, region, name, {
      name,
      arn: topicArn(at, name),
      owner: id,
      attributes: {
        KmsMasterKeyId: key,
        Policy: one("aws_sns_topic_policy", addressName).policy ?? "",
      },
      tags: {},
    });
  }
  for (const [name, { topic_arn: topic = "", protocol = "", endpoint = "" }] of blocks(
    "notifications",
    "aws_sns_topic_subscription",
  )) {
    objects.put(SUBSCRIPTIONS, region, name, {
      arn: `${topic}:${name}`,
      topicArn: topic,
      protocol,
      endpoint,
      owner: id,
      confirmed: true,
      confirmationWasAuthenticated: false,
      attributes: {},
    });
  }
  return objects;
}

/** The fields of a block that are texts. */
function textsOf(block: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(block as Block).filter(
      (field): field is [string, string] => typeof field[1] === "string",
    ),
  );
}
