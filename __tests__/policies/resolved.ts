/** Finds the policies that a simulated account has after an apply: what Terraform resolved, with the real ARNs. */
import type { AccountConfig } from "../../config/account-config";
import type { LedgerContent } from "../../config/ledger";
import { EVENT_BUSES } from "../../sandbox/aws/events";
import { IAM_ROLES } from "../../sandbox/aws/iam";
import { KMS_KEYS } from "../../sandbox/aws/kms";
import { LOG_RESOURCE_POLICIES } from "../../sandbox/aws/logs";
import type { ObjectStore } from "../../sandbox/aws/object-store";
import { TOPICS } from "../../sandbox/aws/sns";
import { QUEUES } from "../../sandbox/aws/sqs";
import { type PolicyDocument, parsePolicy } from "../helpers/iam";
import { beatsStreamArnAt } from "./log-table";

/** A policy in a simulated account, and the ARN of what it belongs to. */
export interface ResolvedPolicy {
  readonly resource: string;
  /** `undefined`: the resource has no policy. */
  readonly policy: PolicyDocument | undefined;
  readonly isIdentityPolicy?: boolean;
}

/** The policies of a simulated account. */
export interface ResolvedPolicies {
  /** By `<key> in <region>`. */
  readonly keys: ReadonlyMap<string, ResolvedPolicy>;
  /** By `<bus> in <region>`: of buses that Keyspan makes. */
  readonly buses: ReadonlyMap<string, ResolvedPolicy>;
  /** By `<bus> in <region>`: of the dead-letter queues of those; and of others by `<queue> in <region>`. */
  readonly queues: ReadonlyMap<string, ResolvedPolicy>;
  /** By `<bus> in <region>`: of buses that no configuration names. */
  readonly hubs: ReadonlyMap<string, ResolvedPolicy>;
  /** By `<topic> in <region>`. */
  readonly topics: ReadonlyMap<string, ResolvedPolicy>;
  /** By `<policy> in <region>`: those of CloudWatch Logs. */
  readonly logs: ReadonlyMap<string, ResolvedPolicy>;
  /** By role: who may take it. */
  readonly trust: ReadonlyMap<string, ResolvedPolicy>;
  /** By role: what it may do. */
  readonly permissions: ReadonlyMap<string, ResolvedPolicy>;
}

/** Reads the policies of a simulated account. */
export function resolvedPolicies(store: ObjectStore, account: AccountConfig): ResolvedPolicies {
  const keys = new Map<string, ResolvedPolicy>();
  const buses = new Map<string, ResolvedPolicy>();
  const queues = new Map<string, ResolvedPolicy>();
  const hubs = new Map<string, ResolvedPolicy>();
  const topics = new Map<string, ResolvedPolicy>();
  const logs = new Map<string, ResolvedPolicy>();
  for (const region of store.regions()) {
    for (const [, { tags, arn, policy }] of store.list(KMS_KEYS, region)) {
      const name = tags["keyspan:key"];
      if (name !== undefined) {
        keys.set(`${name} in ${region}`, { resource: arn, policy: parsePolicy(policy) });
      }
    }
    const busOfQueue = new Map<string, string>();
    for (const [name, { arn, policy, deadLetterConfig }] of store.list(EVENT_BUSES, region)) {
      const configured = account.buses.find((bus) => bus.name === name);
      if (configured?.existing === true || name === "default") {
        continue;
      }
      (configured === undefined ? hubs : buses).set(`${name} in ${region}`, {
        resource: arn,
        policy: policy === undefined ? undefined : parsePolicy(policy),
      });
      if (configured !== undefined) {
        if (deadLetterConfig?.arn === undefined) {
          throw new Error(`bus ${name} in ${region} has no dead-letter queue`);
        }
        busOfQueue.set(deadLetterConfig.arn, name);
      }
    }
    for (const [name, { arn, attributes }] of store.list(QUEUES, region)) {
      queues.set(`${busOfQueue.get(arn) ?? name} in ${region}`, {
        resource: arn,
        policy: parsePolicy(attributes.policy),
      });
    }
    for (const [name, { arn, attributes }] of store.list(TOPICS, region)) {
      topics.set(`${name} in ${region}`, { resource: arn, policy: parsePolicy(attributes.Policy) });
    }
    for (const [name, { document }] of store.list(LOG_RESOURCE_POLICIES, region)) {
      const resource = beatsStreamArnAt(account);
      logs.set(`${name} in ${region}`, { resource, policy: parsePolicy(document) });
    }
  }
  const roles = store.list(IAM_ROLES, undefined);
  return {
    keys,
    buses,
    queues,
    hubs,
    topics,
    logs,
    trust: new Map(
      roles.map(([name, { arn, trustPolicy }]) => [
        name,
        { resource: arn, policy: parsePolicy(trustPolicy) },
      ]),
    ),
    permissions: new Map(
      roles.map(([name, { arn, inlinePolicies }]) => {
        const [policy, ...others] = Object.values(inlinePolicies);
        if (others.length > 0) {
          throw new Error(`role ${name} has several policies`);
        }
        return [name, { resource: arn, policy: parsePolicy(policy), isIdentityPolicy: true }];
      }),
    ),
  };
}

/** Names of buses that were encrypted with a key once, as the ledger remembers. */
export function formerBusesOf({ buses }: LedgerContent, keyName: string): readonly string[] {
  return Object.entries(buses).flatMap(([busName, keyNames]) =>
    keyNames.includes(keyName) ? busName : [],
  );
}
