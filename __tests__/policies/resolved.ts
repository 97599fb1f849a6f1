/** Finds the policies that a simulated account has after an apply: what Terraform resolved, with the real ARNs. */
import type { AccountConfig } from "../../config/account-config";
import type { LedgerContent } from "../../config/ledger";
import { EVENT_BUSES } from "../../sandbox/aws/events";
import { KMS_KEYS } from "../../sandbox/aws/kms";
import type { ObjectStore } from "../../sandbox/aws/object-store";
import { QUEUES } from "../../sandbox/aws/sqs";
import { type PolicyDocument, parsePolicy } from "../helpers/iam";

/** A policy in a simulated account, and the ARN of what it belongs to. */
export interface ResolvedPolicy {
  readonly resource: string;
  /** `undefined`: the resource has no policy. */
  readonly policy: PolicyDocument | undefined;
}

/** The policies of a simulated account. */
export interface ResolvedPolicies {
  /** By `<key> in <region>`. */
  readonly keys: ReadonlyMap<string, ResolvedPolicy>;
  /** By `<bus> in <region>`: of buses that Keyspan makes. */
  readonly buses: ReadonlyMap<string, ResolvedPolicy>;
  /** By `<bus> in <region>`: of the dead-letter queues of those. */
  readonly queues: ReadonlyMap<string, ResolvedPolicy>;
}

/** Reads the policies of a simulated account. */
export function resolvedPolicies(store: ObjectStore, account: AccountConfig): ResolvedPolicies {
  const keys = new Map<string, ResolvedPolicy>();
  const buses = new Map<string, ResolvedPolicy>();
  const queues = new Map<string, ResolvedPolicy>();
  const made = account.buses.flatMap(({ name, existing }) => (existing ? [] : name));
  for (const region of store.regions()) {
    for (const [, { tags, arn, policy }] of store.list(KMS_KEYS, region)) {
      const name = tags["keyspan:key"];
      if (name !== undefined) {
        keys.set(`${name} in ${region}`, { resource: arn, policy: parsePolicy(policy) });
      }
    }
    for (const [name, { arn, policy, deadLetterConfig }] of store.list(EVENT_BUSES, region)) {
      if (!made.includes(name)) {
        continue;
      }
      buses.set(`${name} in ${region}`, {
        resource: arn,
        policy: policy === undefined ? undefined : parsePolicy(policy),
      });
      const queue = store
        .list(QUEUES, region)
        .find(([, { arn: queueArn }]) => queueArn === deadLetterConfig?.arn)?.[1];
      if (queue === undefined) {
        throw new Error(`bus ${name} in ${region} has no dead-letter queue`);
      }
      queues.set(`${name} in ${region}`, {
        resource: queue.arn,
        policy: parsePolicy(queue.attributes.policy),
      });
    }
  }
  return { keys, buses, queues };
}

/** Names of buses that were encrypted with a key once, as the ledger remembers. */
export function formerBusesOf({ buses }: LedgerContent, keyName: string): readonly string[] {
  return Object.entries(buses).flatMap(([busName, keyNames]) =>
    keyNames.includes(keyName) ? busName : [],
  );
}
