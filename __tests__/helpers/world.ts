/** One resource of every type that the sandbox knows, and what tests do with them. */
import type { Resources, TerraformFolder } from "./terraform-folder";

/** Another region than that of a folder. */
export const WEST = "eu-west-1";

/** What a policy's statement has beside its effect. */
interface PolicyChanges {
  readonly Sid?: string;
  readonly Principal?: unknown;
  readonly Action: string;
  readonly Resource?: string;
}

function policyOf(changes: PolicyChanges): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", ...changes }],
  });
}

const SERVICE = { Service: "events.amazonaws.com" };

/** Trust policy of the role. */
export const TRUST = policyOf({ Action: "sts:AssumeRole", Principal: SERVICE });

/** Policy of the primary and the replica key. */
export const KEY_POLICY = policyOf({ Action: "kms:*", Principal: { AWS: "*" }, Resource: "*" });

/** Policy of the bus. */
export const BUS_POLICY = policyOf({ Action: "events:PutEvents", Principal: "*", Resource: "*" });

/** Policy of the queue. */
export const QUEUE_POLICY = policyOf({
  Action: "sqs:SendMessage",
  Principal: SERVICE,
  Resource: "*",
});

/** Inline policy of the role. */
export const ROLE_POLICY = policyOf({ Action: "events:PutEvents", Resource: "*" });

/** Event pattern of the archive and the rule. */
export const PATTERN = JSON.stringify({ source: ["shop"], "detail-type": ["paid"] });

/**
 * One resource of each type.
 *
 * @param regions - of all but the replica key, and of that
 * @param changes - arguments to add, by address
 */
export function world(
  [region, replicaRegion]: readonly [region: string | undefined, replicaRegion: string],
  changes: Resources = {},
): Resources {
  const blocks: Resources = {
    "aws_kms_key.all": {
      region,
      multi_region: true,
      deletion_window_in_days: 7,
      enable_key_rotation: true,
      policy: KEY_POLICY,
    },
    "aws_kms_replica_key.all": {
      region: replicaRegion,
      primary_key_arn: "${aws_kms_key.all.arn}",
      deletion_window_in_days: 7,
      policy: KEY_POLICY,
    },
    "aws_kms_alias.all": {
      region,
      name: "alias/orders",
      target_key_id: "${aws_kms_key.all.key_id}",
    },
    "aws_cloudwatch_event_bus.all": { region, name: "orders" },
    "aws_cloudwatch_event_bus_policy.all": {
      region,
      event_bus_name: "${aws_cloudwatch_event_bus.all.name}",
      policy: BUS_POLICY,
    },
    "aws_cloudwatch_event_archive.all": {
      region,
      name: "orders",
      event_source_arn: "${aws_cloudwatch_event_bus.all.arn}",
      event_pattern: PATTERN,
    },
    "aws_cloudwatch_event_rule.all": {
      region,
      name: "paid",
      event_bus_name: "${aws_cloudwatch_event_bus.all.name}",
      event_pattern: PATTERN,
    },
    "aws_cloudwatch_event_target.all": {
      region,
      event_bus_name: "${aws_cloudwatch_event_bus.all.name}",
      rule: "${aws_cloudwatch_event_rule.all.name}",
      target_id: "queue",
      arn: "${aws_sqs_queue.all.arn}",
    },
    "aws_iam_role.all": { name: "pusher", assume_role_policy: TRUST },
    "aws_iam_role_policy.all": {
      name: "put",
      role: "${aws_iam_role.all.name}",
      policy: ROLE_POLICY,
    },
    "aws_sqs_queue.all": { region, name: "orders" },
    "aws_sqs_queue_policy.all": {
      region,
      queue_url: "${aws_sqs_queue.all.url}",
      policy: QUEUE_POLICY,
    },
  };
  return Object.fromEntries(
    Object.entries(blocks).map(([address, block]) => [address, { ...block, ...changes[address] }]),
  );
}

/** The regions of the {@link world} unless a test moves it. */
export const AT_HOME = [undefined, WEST] as const;
/** The addresses of the {@link world}. */
export const ALL = Object.keys(world(AT_HOME));

/** Applies a configuration that is accepted as a whole. */
export async function apply(
  folder: TerraformFolder,
  resources: Resources,
  surroundings?: Parameters<TerraformFolder["write"]>[1],
): Promise<void> {
  const { code, problems } = await folder.write(resources, surroundings).apply();
  expect({ code, problems }).toEqual({ code: 0, problems: [] });
}

/** Expects that nothing is left to do. */
export async function expectNoChanges(folder: TerraformFolder): Promise<void> {
  const { code, problems, actions } = await folder.plan();
  expect({ code, problems, actions }).toEqual({ code: 0, problems: [], actions: [] });
}

/** What a configuration would change, in one text per resource. */
export async function plannedFor(
  folder: TerraformFolder,
  resources: Resources,
  surroundings?: Parameters<TerraformFolder["write"]>[1],
): Promise<Readonly<Record<string, string>>> {
  const { code, problems } = await folder.write(resources, surroundings).plan();
  expect({ code, problems }).toEqual({ code: 0, problems: [] });
  return Object.fromEntries(
    Object.entries(await folder.planned()).map(([address, { action, changed, replacing }]) => [
      address,
      action === "update"
        ? `update ${changed.join(", ")}`
        : replacing.length === 0
          ? action
          : `replace for ${[...replacing].sort().join(", ")}`,
    ]),
  );
}
