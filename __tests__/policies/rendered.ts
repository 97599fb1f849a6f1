/** Finds the policies in synthesized JSON. */
import type { BusConfig, ManagedKeyConfig } from "../../config/account-config";
import { type PolicyDocument, parsePolicy } from "../helpers/iam";
import { resolveReferences } from "../helpers/resolve";
import { allResources, type Block, type SynthesizedAccount, stackOf } from "../helpers/synth";

/** The policy of a key in one region. */
export interface KeyPolicyPlace {
  readonly key: ManagedKeyConfig;
  readonly region: string;
  /** Names of buses that were encrypted with the key once, as the ledger remembers. */
  readonly formerBuses: readonly string[];
  readonly policy: PolicyDocument;
}

/** Every key policy of an account, with the key that it belongs to. */
export function keyPolicies(synthesized: SynthesizedAccount): readonly KeyPolicyPlace[] {
  return allResources(synthesized)
    .filter(({ type }) => type === "aws_kms_key" || type === "aws_kms_replica_key")
    .map(({ name, block }) => {
      const keyName = (block.tags as Readonly<Record<string, string>> | undefined)?.["keyspan:key"];
      const key = synthesized.account.keys.find((candidate) => candidate.name === keyName);
      if (key?.kind !== "managed" || typeof block.region !== "string") {
        throw new Error(`${name} belongs to no managed key`);
      }
      const formerBuses = Object.entries(synthesized.ledger.content.buses).flatMap(
        ([busName, keyNames]) => (keyNames.includes(key.name) ? busName : []),
      );
      return { key, region: block.region, formerBuses, policy: parsePolicy(block.policy) };
    });
}

/** A bus that Keyspan makes, in one region, with its policies. */
export interface BusPolicyPlace {
  readonly bus: BusConfig;
  readonly region: string;
  /** `undefined`: the bus has no policy. */
  readonly policy: PolicyDocument | undefined;
  readonly queueArn: string;
  readonly queuePolicy: PolicyDocument;
}

/** Every bus that Keyspan makes in an account, with its policy and that of its dead-letter queue. */
export function busPolicies(synthesized: SynthesizedAccount): readonly BusPolicyPlace[] {
  return synthesized.stacks.flatMap((stack) => {
    const resolved = (type: string): readonly Block[] =>
      Object.values(stack.resources[type] ?? {}).map(
        (block) => resolveReferences(synthesized, stack, block) as Block,
      );
    const raw = (type: string): readonly Block[] => Object.values(stack.resources[type] ?? {});
    return resolved("aws_cloudwatch_event_bus").flatMap((block) => {
      const bus = synthesized.account.buses.find(({ name }) => name === block.name);
      if (bus === undefined) {
        // A bus of another purpose, not of the account's configuration.
        return [];
      }
      const policies = resolved("aws_cloudwatch_event_bus_policy").filter(
        ({ event_bus_name }) => event_bus_name === bus.name,
      );
      const queueArn = String((block.dead_letter_config as Block | undefined)?.arn);
      const queueNames = Object.entries(stack.resources.aws_sqs_queue ?? {})
        .filter(([, { name }]) => name === queueArn.split(":")[5])
        .map(([name]) => name);
      const queuePolicies = raw("aws_sqs_queue_policy").filter(({ queue_url }) =>
        queueNames.some((name) => queue_url === `\${aws_sqs_queue.${name}.url}`),
      );
      if (policies.length > 1 || queuePolicies.length !== 1) {
        throw new Error(`${stack.id}: bus ${bus.name} has no or several policies`);
      }
      return [
        {
          bus,
          region: String(stack.provider.region),
          policy: policies[0] === undefined ? undefined : parsePolicy(policies[0].policy),
          queueArn,
          queuePolicy: parsePolicy(queuePolicies[0]?.policy),
        },
      ];
    });
  });
}

/** ARNs of the alerts key by region, as {@link resolveReferences} makes them up. */
export function alertsKeyArns({ account }: SynthesizedAccount): (region: string) => string {
  const key = account.keys.find(({ name }) => name === "alerts");
  return (region) =>
    (key?.kind === "existing" ? key.keyArns[region] : undefined) ??
    `arn:${account.partition}:kms:${region}:${account.id}:key/mrk-alerts`;
}

/** A policy of the notification stack. */
export interface WatchingPolicyPlace {
  readonly kind: "topic" | "hub" | "queue" | "trust" | "permissions" | "logs";
  /** Name of the topic, bus, queue, role or policy. */
  readonly name: string;
  /** Where it is; roles, which are in no region, say the home region. */
  readonly region: string;
  readonly policy: PolicyDocument;
}

/** Every policy of the notification stack, but those of the trail's buckets. */
export function watchingPolicies(synthesized: SynthesizedAccount): readonly WatchingPolicyPlace[] {
  const { homeRegion } = synthesized.account;
  const stack = stackOf(synthesized, "notifications");
  const resolved = (type: string): readonly (readonly [string, Block])[] =>
    Object.entries(stack.resources[type] ?? {}).map(([name, block]) => [
      name,
      resolveReferences(synthesized, stack, block) as Block,
    ]);
  const policiesOf = (
    kind: WatchingPolicyPlace["kind"],
    type: string,
    nameOf: (block: Block, addressName: string) => unknown,
    policyOf: (block: Block) => unknown = ({ policy }) => policy,
  ) =>
    resolved(type).map(
      ([addressName, block]): WatchingPolicyPlace => ({
        kind,
        name: String(nameOf(block, addressName)),
        region: String(block.region ?? homeRegion),
        policy: parsePolicy(policyOf(block)),
      }),
    );
  // A queue and its policy have the same address.
  const queues = stack.resources.aws_sqs_queue ?? {};
  return [
    ...policiesOf("topic", "aws_sns_topic_policy", ({ arn }) => String(arn).split(":")[5]),
    ...policiesOf("hub", "aws_cloudwatch_event_bus_policy", (block) => block.event_bus_name),
    ...policiesOf("queue", "aws_sqs_queue_policy", (_block, name) => queues[name]?.name),
    ...policiesOf(
      "trust",
      "aws_iam_role",
      ({ name }) => name,
      (block) => block.assume_role_policy,
    ),
    ...policiesOf("permissions", "aws_iam_role_policy", ({ role }) => role),
    ...policiesOf(
      "logs",
      "aws_cloudwatch_log_resource_policy",
      (block) => block.policy_name,
      (block) => block.policy_document,
    ),
  ];
}
