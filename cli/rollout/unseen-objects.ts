/** Objects that an apply has made without Terraform's hearing of it, and how each is taken over. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { AccountConfig } from "../../config/account-config";
import {
  type AwsLocation,
  queueUrl,
  stateMachineArn,
  topicArn,
  trailArn,
} from "../../modules/partition";
import { STACK_FILE, type StackFolder } from "../stack-folders";
import { readStackJson } from "../stack-json";
import type { StackRun, StackTerraform } from "./stack-terraform";
import type { StateBucket } from "./state-bucket";

type Values = Readonly<Record<string, unknown>>;

/** The account in which objects are looked for; an account session has all of it. */
export interface UnseenObjectsProps {
  readonly account: AccountConfig;
  readonly stacks: StackTerraform;
  readonly bucket: StateBucket;
  /** Folder for files that are needed meanwhile. */
  readonly workDirectory: string;
}

const planSchema = z.object({
  resource_changes: z
    .array(
      z.object({
        address: z.string(),
        type: z.string(),
        change: z.object({
          actions: z.array(z.string()),
          after: z.record(z.string(), z.unknown()).nullable(),
        }),
      }),
    )
    .default([]),
  configuration: z.object({
    root_module: z.object({
      resources: z
        .array(
          z.object({
            address: z.string(),
            expressions: z.record(z.string(), z.unknown()).default({}),
          }),
        )
        .default([]),
    }),
  }),
});

/** Whether an error says that what was to be made is there already. */
const ALREADY_THERE =
  /AlreadyExists|AlreadyOwnedByYou|NameExists|ConflictException|already exists/i;

/**
 * What `terraform import` takes for an object that a plan was to create, by type. Types that AWS
 * writes over without a word (rules, targets, policies, alarms) need none, nor does a subscription:
 * SNS gives back the one that is there. Keys are looked for before anything is planned.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs, section Import of each
 */
const IMPORT_IDS: Readonly<
  Record<string, (values: Values, at: AwsLocation) => string | undefined>
> = {
  aws_cloudtrail: named((name, at) => trailArn(at, name)),
  aws_cloudwatch_event_archive: named((name) => name),
  aws_cloudwatch_event_bus: named((name) => name),
  aws_cloudwatch_log_group: named((name) => name),
  aws_iam_role: named((name) => name),
  aws_kms_alias: named((name) => name),
  aws_s3_bucket: ({ bucket }) => text(bucket),
  aws_scheduler_schedule: ({ group_name: group, name }) =>
    text(name) === undefined ? undefined : `${group ?? "default"}/${name}`,
  aws_scheduler_schedule_group: named((name) => name),
  aws_sfn_state_machine: named((name, at) => stateMachineArn(at, name)),
  aws_sns_topic: named((name, at) => topicArn(at, name)),
  aws_sqs_queue: named((name, at) => queueUrl(at, name)),
};

/** Types whose objects people can take over; of these alone is known how. */
export const IMPORTABLE_TYPES: readonly string[] = Object.keys(IMPORT_IDS);

/** Types that stand in no region: nothing is added to their import ids. */
const GLOBAL_TYPES: readonly string[] = ["aws_iam_role"];

/** An object that a plan was to create and that may be there. */
interface Candidate {
  readonly type: string;
  readonly address: string;
  readonly importId: string;
}

/**
 * The commands that take over what an apply was to make and what is there already: what it failed
 * on, and everything else of the stack that it would fail on next.
 *
 * @param run - how the apply ended
 * @param planFile - what was applied
 * @returns lines; none if nothing of the kind went wrong
 */
export async function explainExisting(
  props: UnseenObjectsProps,
  folder: StackFolder,
  { diagnostics }: StackRun,
  planFile: string,
): Promise<readonly string[]> {
  const refused = new Set(
    diagnostics
      .filter(({ summary, detail }) => ALREADY_THERE.test(`${summary} ${detail}`))
      .flatMap(({ address }) => address ?? []),
  );
  if (refused.size === 0) {
    return [];
  }
  try {
    const candidates = await candidatesOf(props, folder, planFile);
    const existing =
      (await lookFor(props, folder, candidates)) ??
      candidates.filter(({ address }) => refused.has(address));
    return commandsFor(props, folder, existing);
  } catch {
    // That no more can be said must not hide why the apply failed.
    return [];
  }
}

/**
 * The same for an apply of which is known only that it failed: of the first stack whose state does not
 * have all of its resources yet.
 *
 * @param folders - in the order in which they were applied
 * @returns lines; none if nothing is there, or nothing can be found out
 */
export async function explainIncomplete(
  props: UnseenObjectsProps,
  folders: readonly StackFolder[],
): Promise<readonly string[]> {
  try {
    for (const folder of folders) {
      const state = await props.bucket.state(folder.id);
      const known = new Set((state?.resources ?? []).map(({ address }) => address));
      if (addressesIn(folder).every((address) => known.has(address))) {
        continue;
      }
      mkdirSync(props.workDirectory, { recursive: true, mode: 0o700 });
      const planFile = join(props.workDirectory, `${folder.id}.tfplan`);
      const { ok } = await props.stacks.plan(folder, { planFile, lock: false });
      const candidates = ok ? await candidatesOf(props, folder, planFile) : [];
      return commandsFor(props, folder, (await lookFor(props, folder, candidates)) ?? []);
    }
  } catch {
    // That no more can be said must not hide why the apply failed.
  }
  return [];
}

function commandsFor(
  { account: { workspace } }: UnseenObjectsProps,
  { id: stack }: StackFolder,
  existing: readonly Candidate[],
): readonly string[] {
  return existing.length === 0
    ? []
    : [
        `${stack}: what is there already and in no state was made by an apply that died, or by hand. If it is Keyspan's, take each over, then run the same command again:`,
        ...existing.map(
          ({ address, importId }) =>
            `    npm run keyspan -- import ${workspace} ${stack} '${address}' '${importId}'`,
        ),
      ];
}

/** What a plan was to create, and what has not been created since, as far as its name is known. */
async function candidatesOf(
  { account, stacks, bucket }: UnseenObjectsProps,
  folder: StackFolder,
  planFile: string,
): Promise<readonly Candidate[]> {
  const { resource_changes, configuration } = await stacks.planJson(folder, planFile, planSchema);
  const state = await bucket.state(folder.id);
  const known = new Set((state?.resources ?? []).map(({ address }) => address));
  return resource_changes.flatMap(({ address, type, change: { actions, after } }) => {
    if (actions.join() !== "create" || after === null || known.has(address)) {
      return [];
    }
    const region = text(after.region) ?? account.homeRegion;
    const at = { partition: account.partition, account: account.id, region };
    const id = IMPORT_IDS[type]?.(after, at);
    if (id === undefined) {
      return [];
    }
    const { expressions = {} } =
      configuration.root_module.resources.find((resource) => resource.address === address) ?? {};
    // Without it the provider looks where its own region is.
    const suffix = "region" in expressions && !GLOBAL_TYPES.includes(type) ? `@${region}` : "";
    return [{ type, address, importId: `${id}${suffix}` }];
  });
}

/** Plans until all that is not there is found. Each leaves out what the one before did not find. */
const MAX_LOOKS = 5;

/**
 * Which candidates are there. Terraform itself is asked: it plans to import all of them into an empty
 * state beside the real one, and says which it cannot find. Nothing is imported.
 *
 * @returns `undefined` if it cannot be found out
 * @see https://developer.hashicorp.com/terraform/language/import
 */
async function lookFor(
  { stacks, workDirectory }: UnseenObjectsProps,
  folder: StackFolder,
  candidates: readonly Candidate[],
): Promise<readonly Candidate[] | undefined> {
  const id = `${folder.id}.unseen`;
  const look: StackFolder = { ...folder, id, directory: join(workDirectory, id) };
  let left = candidates;
  try {
    for (let count = 1; count <= MAX_LOOKS && left.length > 0; count += 1) {
      writeLook(folder, look, left);
      if (count === 1) {
        await stacks.prepare(look, "make");
      }
      const planFile = join(look.directory, `${id}.tfplan`);
      const run = await stacks.plan(look, { planFile, lock: false });
      if (run.ok) {
        return left;
      }
      const said = run.diagnostics
        .filter(({ severity }) => severity === "error")
        .map(({ address = "", summary, detail }) => `"${address}" ${summary} ${detail}`);
      const rest = left.filter((candidate) => !said.some((words) => isAbout(words, candidate)));
      if (rest.length === left.length) {
        return undefined;
      }
      left = rest;
    }
  } catch {
    return undefined;
  }
  return left.length === 0 ? [] : undefined;
}

/** Whether an error is about an object: a provider that refuses an import id does not know the address. */
function isAbout(words: string, { type, address, importId }: Candidate): boolean {
  return (
    words.includes(`"${address}"`) ||
    (words.includes(type) && words.split(/[\s"',():]+/).includes(importId))
  );
}

const stackSchema = z.looseObject({
  terraform: z.looseObject({}),
  import: z.array(z.looseObject({ to: z.string() })).default([]),
  resource: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});

/** Writes a stack with an empty state of its own, that takes every candidate over. */
function writeLook(
  folder: StackFolder,
  { directory }: StackFolder,
  candidates: readonly Candidate[],
): void {
  const json = stackSchema.parse(readStackJson(folder));
  const sought = new Set(candidates.map(({ address }) => address));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(
    join(directory, STACK_FILE),
    JSON.stringify({
      ...json,
      terraform: { ...json.terraform, backend: { local: {} } },
      import: [
        ...json.import.filter(({ to }) => !sought.has(to)),
        ...candidates.map(({ address, importId }) => ({ to: address, id: importId })),
      ],
    }),
  );
}

function addressesIn(folder: StackFolder): readonly string[] {
  const { resource } = stackSchema.parse(readStackJson(folder));
  return Object.entries(resource).flatMap(([type, byName]) =>
    Object.keys(byName).map((name) => `${type}.${name}`),
  );
}

function named(
  idOf: (name: string, at: AwsLocation) => string,
): (values: Values, at: AwsLocation) => string | undefined {
  return ({ name }, at) => {
    const known = text(name);
    return known === undefined ? undefined : idOf(known, at);
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
