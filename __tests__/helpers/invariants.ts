/** What must be true of every resource of every stack of every account. */

import { loadLedger } from "../../config/ledger";
import {
  ALIAS_NAME,
  ARCHIVE_NAME,
  BUCKET_NAME,
  EVENT_BUS_NAME,
  HUB_BUS,
  nameProblem,
  QUEUE_NAME,
  RULE_NAME,
} from "../../modules/names";
import { resolveReferences } from "./resolve";
import { allResources, type Block, type StackJson, type SynthesizedAccount } from "./synth";

/** What an invariant has looked at and found wrong. */
export interface Inspection {
  readonly visited: number;
  readonly violations: readonly string[];
}

/** A rule over a synthesized account. */
export type Invariant = (synthesized: SynthesizedAccount) => Inspection;

function inspect<T>(
  subjects: readonly T[],
  problem: (subject: T) => string | undefined,
): Inspection {
  return {
    visited: subjects.length,
    violations: subjects.flatMap((subject) => problem(subject) ?? []),
  };
}

function resolvedResources(synthesized: SynthesizedAccount) {
  return synthesized.stacks.flatMap((stack) =>
    allResources({ stacks: [stack] }).map((resource) => ({
      ...resource,
      region: String(resource.block.region ?? stack.provider.region),
      block: resolveReferences(synthesized, stack, resource.block) as Block,
    })),
  );
}

const regionOfArn = (arn: unknown) => String(arn).split(":")[3];

/**
 * Buses and archives are encrypted with a key of their own region, and archives are there where their
 * bus is. The hub alone is encrypted with a key that AWS owns.
 */
export const keysOfOwnRegion: Invariant = (synthesized) =>
  inspect(
    resolvedResources(synthesized).filter(({ type }) =>
      ["aws_cloudwatch_event_bus", "aws_cloudwatch_event_archive"].includes(type),
    ),
    ({ stack, type, name, region, block }) => {
      if (block.name === HUB_BUS) {
        return block.kms_key_identifier === undefined ? undefined : `${stack}: the hub has a key`;
      }
      const keyRegion = regionOfArn(block.kms_key_identifier);
      const busRegion =
        type === "aws_cloudwatch_event_archive" ? regionOfArn(block.event_source_arn) : region;
      return keyRegion === region && busRegion === region
        ? undefined
        : `${stack} ${type}.${name} in ${region}: key in ${keyRegion}, bus in ${busRegion}`;
    },
  );

/** Stacks that span regions. */
const SPANNING: readonly string[] = ["keys", "notifications"];
/** Types that are in no region. */
const GLOBAL: readonly string[] = ["aws_iam_role", "aws_iam_role_policy"];

/** In a stack that spans regions every resource names its region; in the others none names another. */
export const regionsStated: Invariant = ({ stacks }) =>
  inspect(
    stacks.flatMap((stack) =>
      allResources({ stacks: [stack] })
        .filter(({ type }) => type.startsWith("aws_") && !GLOBAL.includes(type))
        .map((resource) => ({ ...resource, provider: stack.provider.region })),
    ),
    ({ stack, type, name, block, provider }) => {
      const wrong = SPANNING.includes(stack)
        ? block.region === undefined
        : block.region !== undefined && block.region !== provider;
      return wrong ? `${stack} ${type}.${name}: region ${String(block.region)}` : undefined;
    },
  );

interface PolicyStatement {
  readonly where: string;
  readonly type: string;
  readonly Sid: string;
  readonly Effect: string;
  readonly Principal: unknown;
  readonly Action: readonly string[];
  readonly Condition: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Arguments that hold a policy. */
const POLICIES = ["policy", "policy_document", "assume_role_policy"] as const;

function statements({ stacks }: SynthesizedAccount): readonly PolicyStatement[] {
  return allResources({ stacks }).flatMap(({ stack, type, name, block }) =>
    POLICIES.flatMap((argument) => {
      const text = block[argument];
      return typeof text === "string"
        ? (JSON.parse(text) as { Statement: PolicyStatement[] }).Statement.map((statement) => ({
            ...statement,
            type,
            where: `${stack} ${type}.${name} ${argument} ${statement.Sid}`,
            Action: [statement.Action].flat(),
            Condition: statement.Condition ?? {},
          }))
        : [];
    }),
  );
}

const isExact = (value: unknown) =>
  [value].flat().length > 0 && [value].flat().every((text) => !/[*?]/.test(String(text)));

/** No Allow is for everybody, unless bound to exact roles of exact accounts, or on a bus to exact organisations. */
export const nobodyAdmitsEverybody: Invariant = (synthesized) =>
  inspect(
    statements(synthesized).filter(
      // What a role may do names nobody.
      ({ Effect, type }) => Effect === "Allow" && type !== "aws_iam_role_policy",
    ),
    ({ where, type, Principal, Condition }) => {
      const isEverybody = JSON.stringify(Principal).includes('"*"');
      const exactRoles =
        isExact(Condition.ArnEquals?.["aws:PrincipalArn"] ?? "*") &&
        isExact(Condition.StringEquals?.["aws:PrincipalAccount"] ?? "*");
      const exactOrganization =
        type === "aws_cloudwatch_event_bus_policy" &&
        isExact(Condition.StringEquals?.["aws:PrincipalOrgID"] ?? "*");
      return isEverybody && !exactRoles && !exactOrganization
        ? `${where} admits everybody`
        : undefined;
    },
  );

/** No Allow is for every action, or for every action of a service. */
export const nothingAllowsEverything: Invariant = (synthesized) =>
  inspect(
    statements(synthesized).filter(({ Effect }) => Effect === "Allow"),
    ({ where, Action }) => {
      const wide = Action.find((action) => action === "*" || action.endsWith(":*"));
      return wide === undefined ? undefined : `${where} allows ${wide}`;
    },
  );

/** Every queue is encrypted with the key alerts of its region, and where there is none, by SQS. */
export const queuesUnderAlerts: Invariant = (synthesized) =>
  inspect(
    resolvedResources(synthesized).filter(({ type }) => type === "aws_sqs_queue"),
    ({ stack, name, region, block }) => {
      const { partition, id, regions } = synthesized.account;
      if (!regions.some((entry) => entry.name === region && entry.state !== "retired")) {
        return block.sqs_managed_sse_enabled === true
          ? undefined
          : `${stack} aws_sqs_queue.${name}: not encrypted`;
      }
      const expected = `arn:${partition}:kms:${region}:${id}:key/mrk-alerts`;
      return block.kms_master_key_id === expected
        ? undefined
        : `${stack} aws_sqs_queue.${name}: key ${String(block.kms_master_key_id)}`;
    },
  );

/** Every name keeps the limit of its kind. */
export const namesWithinLimits: Invariant = ({ stacks }) =>
  inspect(
    allResources({ stacks }).flatMap(({ stack, type, name, block }) => {
      const limit = {
        aws_kms_alias: ALIAS_NAME,
        aws_cloudwatch_event_bus: EVENT_BUS_NAME,
        aws_cloudwatch_event_archive: ARCHIVE_NAME,
        aws_sqs_queue: QUEUE_NAME,
        aws_cloudwatch_event_rule: RULE_NAME,
        aws_s3_bucket: BUCKET_NAME,
      }[type];
      return limit === undefined
        ? []
        : [
            {
              where: `${stack} ${type}.${name}`,
              physical: String(block.name ?? block.bucket),
              limit,
            },
          ];
    }),
    ({ where, physical, limit }) => {
      const problem = nameProblem(physical, limit);
      return problem === undefined ? undefined : `${where}: ${physical} ${problem}`;
    },
  );

/** Types of the notification stack that must not be destroyed. */
const RECORDS: readonly string[] = ["aws_cloudtrail", "aws_s3_bucket"];

const protectedOf = (stack: StackJson) =>
  allResources({ stacks: [stack] })
    .filter(
      ({ type }) => stack.id === "keys" || (stack.id === "notifications" && RECORDS.includes(type)),
    )
    .map(({ type, name }) => `${stack.id} ${type}.${name}`);

/** Every key, alias and record, the trail and its buckets stand in the account's ledger, and the ledger holds nothing else but what has been retired. */
export const addressesAsInLedger =
  (directory: string): Invariant =>
  (synthesized) => {
    const ledger = loadLedger(directory, synthesized.account.workspace);
    const protectedNow = synthesized.stacks.flatMap(protectedOf).sort();
    if (!ledger.exists) {
      return { visited: protectedNow.length, violations: [] };
    }
    const recorded = ledger.content.protected.map(({ stack, address }) => `${stack} ${address}`);
    return inspect([...new Set([...protectedNow, ...recorded])], (resource) => {
      if (!recorded.includes(resource)) {
        return `${resource} is not in ${ledger.file}`;
      }
      const forgotten = synthesized.stacks.some(({ id, removed }) =>
        removed.some(({ from }) => `${id} ${String(from)}` === resource),
      );
      return protectedNow.includes(resource) || forgotten
        ? undefined
        : `${resource} of ${ledger.file} is neither defined nor forgotten`;
    });
  };

/** Keys, trail and buckets of protected accounts cannot be destroyed, and every key leaves its enabled state to people. */
export const keysProtected: Invariant = ({ account, stacks }) =>
  inspect(
    allResources({ stacks }).filter(({ type }) =>
      ["aws_kms_key", "aws_kms_replica_key", "terraform_data", ...RECORDS].includes(type),
    ),
    ({ type, name, block }) => {
      const lifecycle = (block.lifecycle ?? {}) as Block;
      const ignored = { aws_kms_key: "is_enabled", aws_kms_replica_key: "enabled" }[type];
      if (lifecycle.prevent_destroy !== account.protect) {
        return `${type}.${name}: prevent_destroy is ${String(lifecycle.prevent_destroy)}`;
      }
      return ignored === undefined ||
        JSON.stringify(lifecycle.ignore_changes) === JSON.stringify([ignored])
        ? undefined
        : `${type}.${name}: ignore_changes is ${JSON.stringify(lifecycle.ignore_changes)}`;
    },
  );

/** Every stack works in one account and workspace only, through the two profiles and no role. */
export const stacksLocked: Invariant = ({ account, stacks }) =>
  inspect(stacks, ({ id, provider, backend, data }) => {
    const expected = [`\${{"${account.workspace}" = "${account.id}"}[terraform.workspace]}`];
    if (JSON.stringify(provider.allowed_account_ids) !== JSON.stringify(expected)) {
      return `${id}: allowed_account_ids is ${JSON.stringify(provider.allowed_account_ids)}`;
    }
    if (provider.profile !== "keyspan" || backend.profile !== "keyspan-state") {
      return `${id}: profiles are ${String(provider.profile)} and ${String(backend.profile)}`;
    }
    if (backend.use_lockfile !== true || data.aws_caller_identity?.caller === undefined) {
      return `${id}: no lock, or no check of the caller`;
    }
    // Resources name roles that services take.
    return /assume_role|"role_arn"/.test(JSON.stringify([provider, backend, data]))
      ? `${id}: names a role to assume`
      : undefined;
  });
