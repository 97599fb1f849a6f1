/** What an account has before Terraform comes. */
import type { AccountConfig } from "../config/account-config";
import { eventBusArn, parseArn } from "../modules/partition";
import { EVENT_BUSES } from "./aws/events";
import { rememberExisting } from "./aws/existing";
import { KMS_KEYS } from "./aws/kms";
import type { ObjectStore } from "./aws/object-store";

/**
 * Puts into a simulated account what the account's file says is there: the roles and users that it
 * names, and keys and buses that it calls existing. What is there already is left as it is.
 */
export function seedAccount(store: ObjectStore, account: AccountConfig): void {
  const { partition, id } = account;
  const keyArns = account.keys.flatMap((key) =>
    key.kind === "existing" ? Object.values(key.keyArns).filter((arn) => arn !== undefined) : [],
  );
  const buses = account.buses.filter(({ existing }) => existing);
  for (const keyArn of keyArns) {
    seedKey(store, keyArn, account.homeRegion);
  }
  for (const { name, regions } of buses) {
    for (const region of regions) {
      if (store.get(EVENT_BUSES, region, name) === undefined && name !== "default") {
        const arn = eventBusArn({ partition, account: id, region }, name);
        store.put(EVENT_BUSES, region, name, { name, arn, tags: {} });
      }
    }
  }
  rememberExisting(store, {
    principals: principalsIn(account),
    keyArns,
    buses: buses.map(({ name }) => name),
  });
}

/** A key that was here before. A multi-Region one is taken to have its primary key in the home region. */
function seedKey(store: ObjectStore, keyArn: string, homeRegion: string): void {
  const { region, resource } = parseArn(keyArn) ?? {};
  const keyId = resource?.replace(/^key\//, "");
  if (
    region === undefined ||
    keyId === undefined ||
    store.get(KMS_KEYS, region, keyId) !== undefined
  ) {
    return;
  }
  const multiRegion = keyId.startsWith("mrk-");
  store.put(KMS_KEYS, region, keyId, {
    keyId,
    arn: keyArn,
    description: "was here before Keyspan",
    policy: "{}",
    multiRegion,
    primaryRegion: multiRegion ? homeRegion : region,
    enabled: true,
    tags: {},
  });
}

/** Every IAM principal that an account's configuration names. */
function principalsIn(value: unknown): string[] {
  const found = new Set<string>();
  const walk = (inner: unknown): void => {
    if (typeof inner === "string") {
      const { service, resource = "" } = parseArn(inner) ?? {};
      if (service === "iam" && /^(role|user)\//.test(resource)) {
        found.add(inner);
      }
    } else if (typeof inner === "object" && inner !== null) {
      for (const one of Object.values(inner)) {
        walk(one);
      }
    }
  };
  walk(value);
  return [...found].sort();
}
