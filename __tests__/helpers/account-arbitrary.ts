import fc from "fast-check";
import { stringify } from "yaml";
import { LOG_RETENTION_DAYS } from "../../config/rules";
import { HUB_BUS } from "../../modules/names";
import { REGIONS_BY_PARTITION } from "../../modules/partition";

/** Content of an account's file, before it is written as YAML. */
export type AccountContent = Readonly<Record<string, unknown>>;

/** How large an arbitrary account may get. */
export interface AccountSize {
  /** At most 30. */
  readonly regions: number;
  readonly teamKeys: number;
  readonly buses: number;
  readonly archives: number;
}

/** The largest account that must work. */
export const LARGE: AccountSize = { regions: 30, teamKeys: 20, buses: 8, archives: 50 };
/** An account that is synthesized in some tenths of a second. */
export const SMALL: AccountSize = { regions: 3, teamKeys: 3, buses: 3, archives: 4 };

/** The account as YAML text, without anchors and aliases. */
export function toYaml(content: unknown): string {
  return stringify(content, { aliasDuplicateObjects: false });
}

/** Accounts that keep every rule. */
export function validAccount(size: AccountSize): fc.Arbitrary<AccountContent> {
  return fc
    .constantFrom(...Object.values(REGIONS_BY_PARTITION))
    .chain((all) =>
      fc.record({
        all: fc.constant(all),
        names: fc.shuffledSubarray([...all], {
          minLength: 1,
          maxLength: Math.min(size.regions, all.length),
        }),
      }),
    )
    .chain((regions) => accountIn(regions, size));
}

/** The same value with its maps, and its lists outside of event patterns, in another order. */
export function reordered(value: unknown): fc.Arbitrary<unknown> {
  if (Array.isArray(value)) {
    return fc.tuple(...value.map(reordered)).chain((items) => anyOrderOf(items));
  }
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, inner]) =>
      (name === "eventPattern" ? fc.constant(inner) : reordered(inner)).map(
        (changed) => [name, changed] as const,
      ),
    );
    return fc
      .tuple(...fields)
      .chain((entries) => anyOrderOf(entries))
      .map((entries) => Object.fromEntries(entries));
  }
  return fc.constant(value);
}

function anyOrderOf<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length });
}

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const DIGITS = "0123456789";
const LOWER = "abcdefghijklmnopqrstuvwxyz";
const LETTERS = LOWER + LOWER.toUpperCase();
/** Texts of some characters. Much faster than by a regular expression. */
const text = (characters: string, minLength: number, maxLength = minLength) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength, maxLength });
/** Names of up to `maxLength` characters that start with one of `first`. */
const word = (first: string, characters: string, maxLength: number) =>
  fc
    .tuple(text(first, 1), text(first + characters, 0, maxLength - 1))
    .map(([start, rest]) => start + rest);

/** Never starts with 9, as the accounts of foreign roles do. */
const accountId = word("012345678", "9", 12).map((id) => id.padEnd(12, "0"));
const organizationId = text(LOWER + DIGITS, 10, 32).map((id) => `o-${id}`);
const hex = (length: number) => text(`${DIGITS}abcdef`, length);
const keyName = word(LOWER, `${DIGITS}-`, 16).filter(
  (name) => !["archive", "alerts", "audit"].includes(name),
);
const busName = word(LETTERS, `${DIGITS}_-`, 26).filter(
  (name) => name !== "default" && !name.startsWith("keyspan-"),
);
const archiveId = word(LETTERS, `${DIGITS}_-`, 48);
const tags = fc.dictionary(
  word(LETTERS, `${DIGITS} äé_.:/=+@-`, 20).filter((name) => !/^(aws|keyspan):/i.test(name)),
  text(`${LETTERS}${DIGITS} äé_.:/=+@-`, 0, 30),
  { maxKeys: 47 },
);
const state = (regions: readonly string[]) =>
  fc.record({
    bucket: text(LOWER + DIGITS, 3, 63),
    region: fc.constantFrom(...regions),
    keyPrefix: fc
      .array(text(`${LETTERS}${DIGITS}_-`, 1, 20), { minLength: 1, maxLength: 2 })
      .map((parts) => parts.join("/")),
    account: accountId,
    writeRole: fc.constant("arn:<partition>:iam::<state.account>:role/<workspace>-write"),
    readRole: fc.constant("arn:<partition>:iam::<state.account>:role/<workspace>-read"),
  });
const multiRegionKeyId = hex(32).map((id) => `mrk-${id}`);
const singleRegionKeyId = fc.uuid();
const roleName = (prefix: string) =>
  text(`${LETTERS}${DIGITS}+=,.@_-`, 1, 20).map((name) => `${prefix}/${name}`);
const roles = (prefix: string, minLength = 0) =>
  fc.uniqueArray(
    roleName(prefix).map((name) => `arn:<partition>:iam::<account>:role/${name}`),
    { minLength, maxLength: 3 },
  );
/** Drops what is undefined: YAML would write it as null. */
const given = (content: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(content).filter(([, value]) => value !== undefined));

const foreignRoles = fc.uniqueArray(
  fc
    .tuple(text(DIGITS, 11), roleName("foreign"))
    .map(([id, name]) => `arn:<partition>:iam::9${id}:role/${name}`),
  { maxLength: 2 },
);

const network = fc.record(
  {
    sourceIps: fc.uniqueArray(
      fc.oneof(
        fc
          .tuple(fc.integer({ min: 11, max: 99 }), fc.nat(255), fc.integer({ min: 8, max: 32 }))
          .map(([a, b, bits]) => `${a}.${b}.0.0/${bits}`),
        fc
          .tuple(hex(4), fc.integer({ min: 16, max: 128 }))
          .map(([group, bits]) => `2001:${group}::/${bits}`),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    sourceVpces: fc.uniqueArray(
      fc.oneof(hex(8), hex(17)).map((id) => `vpce-${id}`),
      { minLength: 1, maxLength: 3 },
    ),
  },
  { requiredKeys: [] },
);
const viaServices = fc.record({
  viaServices: fc.shuffledSubarray(["s3", "dynamodb", "sqs"], { minLength: 1 }),
});
const moment = (from: string, to: string) =>
  fc
    .date({ min: new Date(from), max: new Date(to), noInvalidDate: true })
    .map((date) => `${date.toISOString().slice(0, 19)}Z`);
const conditions = fc
  .tuple(
    fc.oneof(network, viaServices),
    fc.record(
      {
        organizationId,
        encryptionContext: fc.dictionary(
          word(LETTERS, ":.-", 16),
          text(`${LETTERS} äöü/-`, 1, 20),
          { minKeys: 1, maxKeys: 3 },
        ),
        notBefore: moment("2020-01-01", "2026-01-01"),
        notAfter: moment("2026-01-02", "2040-01-01"),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([where, what]) => ({ ...where, ...what }));

const settings = {
  rotationDays: optional(fc.integer({ min: 90, max: 2560 })),
  deletionWindowDays: optional(fc.integer({ min: 7, max: 30 })),
  conditions: optional(conditions),
  users: optional(roles("user")),
  externalUsers: optional(foreignRoles),
};
const owners = fc.oneof(
  fc.record({ administrators: roles("admin", 1) }),
  fc.record({ breakGlass: roles("break-glass", 1) }),
  fc.record({ administrators: roles("admin", 1), breakGlass: roles("break-glass", 1) }),
);
const keyWith = (extra: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  fc
    .tuple(owners, fc.record({ ...settings, ...extra }))
    .map(([owned, rest]) => given({ ...owned, ...rest }));

const existingKey = (regions: readonly string[]) =>
  fc.tuple(...regions.map(() => multiRegionKeyId)).map((ids) => ({
    existing: Object.fromEntries(
      regions.map((name, index) => [
        name,
        `arn:<partition>:kms:${name}:<account>:key/${ids[index] ?? ""}`,
      ]),
    ),
  }));

const eventPattern = fc
  .oneof(
    fc.record({
      source: fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
    fc.record({
      detail: fc.record({ size: fc.integer().map((size) => [{ numeric: [">", size] }]) }),
    }),
  )
  .filter((pattern) => !/[$%]\{/.test(JSON.stringify(pattern)));

interface Regions {
  readonly all: readonly string[];
  readonly names: readonly string[];
}

function accountIn({ all, names }: Regions, size: AccountSize): fc.Arbitrary<AccountContent> {
  const [home = "", ...others] = names;
  // Not the size of fast-check's arrays, which stay short.
  const upTo = <T>(arbitrary: fc.Arbitrary<T>, maxLength: number) =>
    fc.uniqueArray(arbitrary, { maxLength, size: "max" });
  const keyNames = upTo(keyName, size.teamKeys);
  const busNames = upTo(busName, size.buses);
  const archiveIds = upTo(archiveId, size.archives);
  return fc.record({ keyNames, busNames, archiveIds }).chain((chosen) =>
    fc
      .record({
        account: accountId.map((id) => ({
          id,
          deployRole: "arn:<partition>:iam::<account>:role/keyspan-deploy",
          planRole: "arn:<partition>:iam::<account>:role/keyspan-plan",
        })),
        regions: fc
          .tuple(fc.constantFrom(home, { name: home }), ...others.map(regionEntry))
          .chain((entries) => anyOrderOf(entries)),
        residency: optional(
          fc.constantFrom(names, [...new Set(names.map((n) => `${n.slice(0, 2)}-*`))]),
        ),
        state: state(all),
        tags: optional(tags),
        archiveKey: fc.oneof(keyWith({ adopt: optional(multiRegionKeyId) }), existingKey(names)),
        alerts: keyWith({}),
        audit: keyWith({ adopt: optional(singleRegionKeyId) }),
        teamKeys: fc.tuple(...chosen.keyNames.map(() => teamKey(home, others))),
        buses: fc.tuple(...chosen.busNames.map(() => bus(names))),
        archives: fc.tuple(...chosen.archiveIds.map(() => archive())),
        notifications: notifications(home, names),
        trail: trail(names),
        protect: optional(fc.boolean()),
      })
      .map(({ archiveKey, alerts, audit, teamKeys, buses, archives, regions, ...rest }) => {
        const keys = { archive: archiveKey, alerts, audit, ...zip(chosen.keyNames, teamKeys) };
        // A key that stands in every region, and is no older one, may encrypt any bus.
        const everywhere = chosen.keyNames.filter((_, index) => {
          const key: Readonly<Record<string, unknown>> = teamKeys[index] ?? {};
          return ["regions", "multiRegion", "state", "existing"].every((field) => !(field in key));
        });
        return given({
          version: 1,
          homeRegion: home,
          ...rest,
          regions,
          keys,
          buses: zip(
            chosen.busNames,
            buses.map(({ keyIndex, regions: ownRegions, content }, index) =>
              given({
                ...content,
                regions: ownRegions,
                key:
                  "existing" in content || index % 2 === 0
                    ? undefined
                    : everywhere[keyIndex % everywhere.length],
              }),
            ),
          ),
          ...(chosen.busNames.length > 0 && {
            archives: zip(
              chosen.archiveIds,
              archives.map(({ busIndex, ...content }, index) => {
                const at = busIndex % chosen.busNames.length;
                return given({
                  bus: chosen.busNames[at],
                  ...content,
                  regions: index % 3 === 0 ? buses[at]?.regions?.slice(0, 1) : undefined,
                });
              }),
            ),
          }),
        });
      }),
  );
}

function zip(
  names: readonly string[],
  values: readonly unknown[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(names.map((name, index) => [name, values[index]]));
}

function regionEntry(name: string): fc.Arbitrary<unknown> {
  const states = fc.constantFrom("active", "active", "draining", "retired");
  return fc.oneof(
    fc.constant(name),
    states.map((inState) => ({ name, state: inState })),
    multiRegionKeyId.map((id) => ({ name, adopt: { alerts: id } })),
  );
}

function teamKey(
  home: string,
  others: readonly string[],
): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  const regions = fc.shuffledSubarray([...others]).chain((chosen) => anyOrderOf([home, ...chosen]));
  return fc.oneof(
    keyWith({}),
    keyWith({ regions }),
    keyWith({ multiRegion: fc.constant(true), adopt: multiRegionKeyId }),
    keyWith({ multiRegion: fc.constant(false), adopt: optional(singleRegionKeyId) }),
    keyWith({ state: fc.constant("retired") }),
    existingKey([home, ...others]),
  );
}

function bus(names: readonly string[]) {
  const producers = fc.uniqueArray(
    fc.oneof(
      accountId,
      organizationId,
      roleName("producer").map((name) => `arn:<partition>:iam::<account>:role/${name}`),
    ),
    { minLength: 1, maxLength: 4 },
  );
  return fc.record({
    keyIndex: fc.nat(19),
    regions: optional(fc.shuffledSubarray([...names], { minLength: 1 })),
    content: fc.oneof(fc.record({ producers }), fc.record({ existing: fc.constant(true) })),
  });
}

function archive() {
  return fc
    .record({
      busIndex: fc.nat(49),
      retentionDays: fc.oneof(fc.integer({ min: 1, max: 36_500 }), fc.constant("forever")),
      eventPattern: optional(eventPattern),
    })
    .map(({ busIndex, ...content }) => ({ busIndex, ...given(content) }));
}

const footerText = text(`${LETTERS}${DIGITS} äé:/+.,-`, 1, 30).filter((line) => line.trim() !== "");
/** An account that is not the one at hand. */
const otherAccount = text(DIGITS, 11).map((id) => `9${id}`);

/** Regions to which SNS delivers from everywhere: those of every account. */
const REACHED = /^(ap-(northeast|southeast)-[12]|ca-central-1|cn-.*|eu-west-[123]|us-.*)$/;

function notifications(home: string, names: readonly string[]): fc.Arbitrary<unknown> {
  const reached = fc.constantFrom(home, ...names.filter((name) => REACHED.test(name)));
  const name = word(LETTERS, `${DIGITS}_-`, 20);
  const endpoint = fc.oneof(
    word(LOWER, `${DIGITS}-`, 15).map((group) => ({
      protocol: "email",
      endpoint: `${group}-alerts@example.com`,
    })),
    word(LOWER, "-", 15).map((path) => ({
      protocol: "https",
      endpoint: `https://alerts.example.com/${path}`,
    })),
    word(LOWER, `${DIGITS}/_.-`, 15)
      .filter((path) => /^[^/]+(\/[^/]+)*$/.test(path))
      .map((path) => ({ protocol: "https", endpoint: { ssm: `/keyspan/${path}` } })),
    fc.tuple(reached, name).map(([region, queue]) => ({
      protocol: "sqs",
      endpoint: `arn:<partition>:sqs:${region}:<account>:${queue}`,
    })),
    fc.tuple(reached, name).map(([region, lambda]) => ({
      protocol: "lambda",
      endpoint: `arn:<partition>:lambda:${region}:<account>:function:${lambda}`,
    })),
  );
  const subscription = fc
    .tuple(endpoint, optional(fc.constantFrom("all", "critical")))
    .map(([where, severity]) => given({ ...where, severity }));
  const hub = fc.oneof(
    fc.constant({}),
    fc
      .tuple(fc.constantFrom(...names), otherAccount, name)
      .filter(([, , bus]) => bus !== "default")
      .map(([region, id, bus]) => ({
        organizationHub: `arn:<partition>:events:${region}:${id}:event-bus/${bus}`,
      })),
    organizationId.map((id) => ({
      organizationHub: `arn:<partition>:events:${home}:<account>:event-bus/${HUB_BUS}`,
      organizationId: id,
    })),
  );
  const settings = fc.record({
    watch: optional(fc.constantFrom("all", "managed")),
    reminders: optional(
      fc.record({
        daysBeforeDeletion: fc.shuffledSubarray([1, 2, 3, 7, 14, 30], { minLength: 1 }),
      }),
    ),
    subscriptions: fc.uniqueArray(subscription, {
      minLength: 1,
      maxLength: 4,
      selector: ({ protocol, endpoint: where }) => JSON.stringify([protocol, where]),
    }),
    footer: optional(fc.record({ runbook: footerText, contact: footerText }, { requiredKeys: [] })),
  });
  return fc.tuple(settings, hub).map(([chosen, hubFields]) => given({ ...chosen, ...hubFields }));
}

function trail(names: readonly string[]): fc.Arbitrary<unknown> {
  const trailName = word(LETTERS, DIGITS, 20).map((name) => `trail-${name}`);
  const arnIn = (account: fc.Arbitrary<string>) =>
    fc
      .tuple(fc.constantFrom(...names), account, trailName)
      .map(([region, id, name]) => `arn:<partition>:cloudtrail:${region}:${id}:trail/${name}`);
  const create = fc.record(
    {
      readEvents: fc.boolean(),
      logGroupRetentionDays: fc.constantFrom(...LOG_RETENTION_DAYS),
    },
    { requiredKeys: [] },
  );
  return fc.oneof(
    fc.constantFrom("create", "organization"),
    create.map((settings) => ({ create: settings })),
    arnIn(fc.constant("<account>")).map((existing) => ({ existing })),
    arnIn(otherAccount).map((organization) => ({ organization })),
  );
}
