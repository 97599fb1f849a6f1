import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020";
import fc from "fast-check";
import { accountJsonSchema } from "../../config/account-json-schema";
import { parseYaml } from "../../config/yaml-source";
import { SMALL, toYaml, validAccount } from "../helpers/account-arbitrary";
import { FIXTURE_ACCOUNTS, SHIPPED_ACCOUNTS } from "../helpers/synth";

const validate = new Ajv2020({ strict: true, allErrors: true }).compile(accountJsonSchema());

/** Places and kinds of what an editor would underline. */
function mistakes(yaml: string): readonly string[] {
  const { value, problems } = parseYaml("test.yaml", yaml);
  expect(problems).toEqual([]);
  return validate(value)
    ? []
    : (validate.errors ?? []).map(({ instancePath, keyword }) => `${instancePath} ${keyword}`);
}

const FILES = [FIXTURE_ACCOUNTS, SHIPPED_ACCOUNTS].flatMap((directory) =>
  readdirSync(directory)
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => join(directory, file)),
);

test("accounts/schema.json is what the schema gives", () => {
  const file = readFileSync(join(SHIPPED_ACCOUNTS, "schema.json"), "utf8");
  const isCurrent = file === `${JSON.stringify(accountJsonSchema(), null, 2)}\n`;
  expect(isCurrent ? "current" : "outdated: run npm run schema").toBe("current");
});

test.each(FILES)("%s keeps the schema", (file) => {
  expect(mistakes(readFileSync(file, "utf8"))).toEqual([]);
});

test.each([FIXTURE_ACCOUNTS, SHIPPED_ACCOUNTS])("files in %s are found", (directory) => {
  expect(FILES.filter((file) => file.startsWith(directory))).not.toEqual([]);
});

test.each([
  ["colour: blue", " additionalProperties"],
  ["version: 2", "/version const"],
  ["account: { id: 111122223333 }", "/account/id type"],
  ['account: { id: "1111" }', "/account/id pattern"],
  ["account: { deployRole: keyspan-deploy }", "/account/deployRole pattern"],
  ["homeRegion: eu-west-9", "/homeRegion enum"],
  ["regions: eu-west-1", "/regions type"],
  ["regions: []", "/regions minItems"],
  ["regions: [{ state: draining }]", "/regions/0 anyOf"],
  ["regions: [{ name: eu-west-1, state: gone }]", "/regions/0 anyOf"],
  ["tags: { Owner: 4711 }", "/tags/Owner type"],
  ["keys: { archive: { rotationDays: 89 } }", "/keys/archive/rotationDays minimum"],
  ["keys: { archive: { rotationDays: 2561 } }", "/keys/archive/rotationDays maximum"],
  ["keys: { archive: { rotationDays: 90.5 } }", "/keys/archive/rotationDays type"],
  ["keys: { archive: { admins: [] } }", "/keys/archive additionalProperties"],
  ["keys: { Archive: {} }", "/keys propertyNames"],
  ["keys: { archive: { users: [User] } }", "/keys/archive/users/0 pattern"],
  [
    "keys: { a: { conditions: { sourceVpces: [vpc-1] } } }",
    "/keys/a/conditions/sourceVpces/0 pattern",
  ],
  ["keys: { a: { existing: { eu-west-9: x } } }", "/keys/a/existing propertyNames"],
  ["buses: { orders: { producers: [] } }", "/buses/orders/producers minItems"],
  ["buses: { default: { existing: 'yes' } }", "/buses/default/existing type"],
  ["archives: { a: { retentionDays: 0 } }", "/archives/a/retentionDays anyOf"],
  ["archives: { a: { retentionDays: never } }", "/archives/a/retentionDays anyOf"],
  ["protect: maybe", "/protect type"],
  ["notifications: { watch: none }", "/notifications/watch enum"],
  [
    "notifications: { reminders: { daysBeforeDeletion: [0] } }",
    "/notifications/reminders/daysBeforeDeletion/0 minimum",
  ],
  [
    "notifications: { reminders: { daysBeforeDeletion: [31] } }",
    "/notifications/reminders/daysBeforeDeletion/0 maximum",
  ],
  ["notifications: { subscriptions: [] }", "/notifications/subscriptions minItems"],
  [
    `notifications: { subscriptions: [${"x,".repeat(51)}] }`,
    "/notifications/subscriptions maxItems",
  ],
  [
    "notifications: { subscriptions: [{ protocol: sms, endpoint: x }] }",
    "/notifications/subscriptions/0/protocol enum",
  ],
  [
    "notifications: { subscriptions: [{ protocol: email }] }",
    "/notifications/subscriptions/0 required",
  ],
  [
    "notifications: { subscriptions: [{ protocol: https, endpoint: { ssm: x } }] }",
    "/notifications/subscriptions/0/endpoint/ssm pattern",
  ],
  ["notifications: { organizationHub: keyspan-hub }", "/notifications/organizationHub pattern"],
  ["notifications: { footer: { contact: ' ' } }", "/notifications/footer/contact pattern"],
  ["trail: existing", "/trail anyOf"],
  ["trail: { existing: management }", "/trail/existing pattern"],
  ["trail: { create: { logGroupRetentionDays: 2 } }", "/trail/create/logGroupRetentionDays enum"],
])("an editor underlines %s", (yaml, mistake) => {
  expect(mistakes(yaml)).toContain(mistake);
});

test.each([
  "regions: [eu-west-1, { name: eu-central-1 }]",
  "archives: { a: { retentionDays: forever } }",
  "archives: { a: { eventPattern: { source: [acme] } } }",
  "account: { planRole: arn:<partition>:iam::<account>:role/plan }",
  "notifications: { watch: managed }",
  "notifications: { subscriptions: [{ protocol: https, endpoint: { ssm: /pager-url } }] }",
  "notifications: { organizationHub: arn:<partition>:events:eu-west-1:<account>:event-bus/keyspan-hub }",
  "trail: organization",
  "trail: { create: { readEvents: true } }",
  "trail: { existing: arn:<partition>:cloudtrail:eu-west-1:<account>:trail/own }",
  "{}",
])("an editor accepts a file that holds only %s", (yaml) => {
  expect(mistakes(yaml)).toEqual([]);
});

test("an editor accepts whatever synth accepts", () => {
  fc.assert(
    fc.property(validAccount(SMALL), (account) => expect(mistakes(toYaml(account))).toEqual([])),
    { seed: 20_270_131, numRuns: 50 },
  );
});
