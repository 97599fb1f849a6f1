/** What an account has before Terraform comes. */
import type { AccountConfig, SubscriptionConfig } from "../config/account-config";
import { type AwsLocation, arn, eventBusArn, parseArn, queueArn } from "../modules/partition";
import { EVENT_BUSES } from "./aws/events";
import { rememberExisting } from "./aws/existing";
import { KMS_KEYS } from "./aws/kms";
import type { ObjectStore } from "./aws/object-store";
import { PARAMETERS, parameterArn } from "./aws/ssm";

/**
 * Puts into a simulated account what the account's file says is there: the roles and users that it
 * names, keys and buses that it calls existing, and the parameters that hold the endpoints of its
 * subscriptions. What is there already is left as it is.
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
  for (const subscription of account.notifications.subscriptions) {
    seedParameter(store, { partition, account: id, region: account.homeRegion }, subscription);
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

/** The parameter that holds the endpoint of a subscription, with one that nobody has. */
function seedParameter(
  store: ObjectStore,
  at: AwsLocation,
  { endpoint, protocol }: SubscriptionConfig,
): void {
  if (!("ssmParameter" in endpoint)) {
    return;
  }
  const name = endpoint.ssmParameter;
  if (store.get(PARAMETERS, at.region, name) === undefined) {
    store.put(PARAMETERS, at.region, name, {
      name,
      arn: parameterArn(at, name),
      type: "SecureString",
      value: madeUpEndpoint(at, protocol, name.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-/, "")),
      version: 1,
    });
  }
}

function madeUpEndpoint(
  at: AwsLocation,
  protocol: SubscriptionConfig["protocol"],
  name: string,
): string {
  switch (protocol) {
    case "email":
      return `${name}@example.com`;
    case "https":
      return `https://hooks.example.com/${name}`;
    case "lambda":
      return arn({ ...at, service: "lambda", resource: `function:${name}` });
    case "sqs":
      return queueArn(at, name);
  }
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
