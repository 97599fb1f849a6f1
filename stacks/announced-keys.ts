import type { AccountConfig, KeyConfig } from "../config/account-config";
import { ALERTS_TOPIC, AUDIT_TOPIC, deadLetterQueueName, keyAlias, TRAIL } from "../modules/names";
import type { AnnouncedKey } from "../modules/states/announce/definition";
import type { KeyStack } from "./key-stack";

/** What `announce` knows of the account's keys: their ARNs, and what depends on each in each region. */
export function announcedKeys(account: AccountConfig, keys: KeyStack): readonly AnnouncedKey[] {
  const regions = account.regions
    .filter(({ state }) => state !== "retired")
    .map(({ name }) => name);
  return account.keys
    .filter((key) => key.kind === "existing" || key.state === "active")
    .map((key) => ({
      name: key.name,
      keyArns: keyArnsOf(account, key, keys),
      ...(key.kind === "managed" && { alias: keyAlias(key.name) }),
      dependants: Object.fromEntries(
        regions
          .map((region) => [region, dependantsIn(account, key, region)] as const)
          .filter(([, dependants]) => dependants.length > 0),
      ),
    }));
}

/** One ARN per id: all regions of a multi-Region key share theirs. */
function keyArnsOf(account: AccountConfig, key: KeyConfig, keys: KeyStack): readonly string[] {
  return key.kind === "existing"
    ? Object.values(key.keyArns).flatMap((keyArn) => keyArn ?? [])
    : [keys.keyIn(key.name, account.homeRegion).keyArn];
}

function dependantsIn(account: AccountConfig, key: KeyConfig, region: string): readonly string[] {
  const { homeRegion, trail } = account;
  const buses = account.buses.filter((bus) => bus.regions.includes(region));
  const encrypted = buses.filter(({ keyName }) => keyName === key.name);
  const archives = account.archives.filter(
    (archive) =>
      archive.regions.includes(region) && encrypted.some(({ name }) => name === archive.busName),
  );
  const users = key.kind === "managed" ? key.users : [];
  const isHere = (keyName: string) => key.name === keyName && region === homeRegion;
  return [
    ...encrypted.filter(({ existing }) => !existing).map(({ name }) => `event bus ${name}`),
    ...archives.map(
      ({ name, retention }) =>
        `archive ${name} (${retention === "forever" ? "kept for ever" : `${retention} days`})`,
    ),
    ...(key.name === "alerts"
      ? buses
          .filter(({ existing }) => !existing)
          .map(({ name }) => `dead-letter queue ${deadLetterQueueName(name)}`)
      : []),
    ...(isHere("alerts") ? [`topic ${ALERTS_TOPIC}, the first of the two that alert`] : []),
    ...(isHere("audit") ? [`topic ${AUDIT_TOPIC}, the second of the two that alert`] : []),
    ...(isHere("audit") && trail.mode === "create" ? [`the logs of trail ${TRAIL}`] : []),
    ...users.map((roleArn) => `role ${roleArn}`),
  ];
}
