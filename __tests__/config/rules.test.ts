import { checkAccount } from "../../config/load-account";
import { RULES, type RuleId } from "../../config/rules";
import { parseYaml } from "../../config/yaml-source";
import { ValidationError } from "../../modules/errors";

const x = (length: number) => "x".repeat(length);

const ACCOUNT = `version: 1
account:
  id: "111122223333"
  deployRole: arn:aws:iam::111122223333:role/deploy
  planRole: arn:aws:iam::111122223333:role/plan
homeRegion: eu-west-1
regions: [eu-west-1, eu-central-1]
residency: [eu-*]
state:
  bucket: acme-state
  region: eu-west-1
  keyPrefix: keyspan
  account: "444455556666"
  writeRole: arn:aws:iam::444455556666:role/state-write
  readRole: arn:aws:iam::444455556666:role/state-read
tags: { Owner: platform }
keys:
  archive: { administrators: [arn:aws:iam::111122223333:role/Admin] }
  alerts: { administrators: [arn:aws:iam::111122223333:role/Admin] }
  audit: { administrators: [arn:aws:iam::111122223333:role/Admin] }
  team:
    administrators: [arn:aws:iam::111122223333:role/Admin]
    users: [arn:aws:iam::111122223333:role/User]
buses:
  orders: { producers: ["111122223333"] }
archives:
  orders: { bus: orders, retentionDays: 90 }
protect: true
notifications:
  subscriptions:
    - { protocol: email, endpoint: key-alerts@example.com }
trail: create
`;

/** A change of the account's file, or of its name. */
interface Change {
  readonly apply: (text: string) => string;
  readonly workspace?: string;
  /** Id that another account has. */
  readonly takenId?: string;
}

const instead = (text: string): Change => ({ apply: () => text });
const named = (workspace: string): Change => ({ apply: (text) => text, workspace });
/** Replaces what stands in the account exactly once. */
const put = (...replacements: readonly (readonly [from: string, to: string])[]): Change => ({
  apply: (text) =>
    replacements.reduce((changed, [from, to]) => {
      const parts = changed.split(from);
      if (parts.length !== 2) {
        throw new Error(`${JSON.stringify(from)} stands ${parts.length - 1} times in the account`);
      }
      return parts.join(to);
    }, text),
});
/** Adds lines to the key `team`. */
const team = (...lines: readonly string[]): Change =>
  put([
    "    users: [arn:aws:iam::111122223333:role/User]\n",
    [
      "    users: [arn:aws:iam::111122223333:role/User]",
      ...lines.map((line) => `    ${line}`),
      "",
    ].join("\n"),
  ]);
const conditions = (text: string): Change => team(`conditions: { ${text} }`);
/** Adds keys, buses or archives, or fields at the root. */
const keys = (line: string): Change => put(["buses:\n", `  ${line}\nbuses:\n`]);
const buses = (line: string): Change => put(["archives:\n", `  ${line}\narchives:\n`]);
const archives = (line: string): Change => put(["protect: true", `  ${line}\nprotect: true`]);
const archive = (fields: string): Change =>
  put(["{ bus: orders, retentionDays: 90 }", `{ bus: orders, ${fields} }`]);
const pattern = (text: string): Change => archive(`retentionDays: 90, eventPattern: ${text}`);
const home = (name: string, ...others: readonly string[]): Change =>
  put(
    ["homeRegion: eu-west-1", `homeRegion: ${name}`],
    ["[eu-west-1, eu-central-1]", `[${others.join(", ")}]`],
  );
const tags = (count: number): Change =>
  put([
    "{ Owner: platform }",
    `{ ${Array.from({ length: count }, (_, n) => `t${n}: v`).join(", ")} }`,
  ]);
const MRK = "mrk-0123456789abcdef0123456789abcdef";
const UUID = "01234567-89ab-cdef-0123-456789abcdef";
const existing = (...arns: readonly string[]): Change =>
  put([
    "  archive: { administrators: [arn:aws:iam::111122223333:role/Admin] }",
    ["  archive:", "    existing:", ...arns.map((line) => `      ${line}`)].join("\n"),
  ]);
const keyArn = (region: string) => `arn:aws:kms:${region}:111122223333:key/${MRK}`;
const bomb = (levels: number): Change =>
  pattern(
    `{ detail: { a0: &a0 [x, x], ${Array.from(
      { length: levels },
      (_, n) => `a${n + 1}: &a${n + 1} { b: *a${n}, c: *a${n} }`,
    ).join(", ")} } }`,
  );
const nested = (levels: number): Change =>
  pattern(`{ detail: ${"{ a: ".repeat(levels)}[1]${" }".repeat(levels)} }`);
const role = (name: string): Change => put(["[arn:aws:iam::111122223333:role/User]", `[${name}]`]);
/** Replaces the only subscription, or adds lines to the notifications. */
const subscription = (...fields: readonly string[]): Change =>
  put([
    "    - { protocol: email, endpoint: key-alerts@example.com }",
    fields.map((text) => `    - { ${text} }`).join("\n"),
  ]);
const email = (address: string): Change => subscription(`protocol: email, endpoint: "${address}"`);
const url = (text: string): Change => subscription(`protocol: https, endpoint: "${text}"`);
const queue = (arn: string): Change => subscription(`protocol: sqs, endpoint: ${arn}`);
const lambda = (arn: string): Change => subscription(`protocol: lambda, endpoint: ${arn}`);
const ssm = (name: string): Change => subscription(`protocol: https, endpoint: { ssm: "${name}" }`);
const notifications = (...lines: readonly string[]): Change =>
  put(["notifications:\n", ["notifications:", ...lines.map((line) => `  ${line}`), ""].join("\n")]);
const reminders = (list: string): Change =>
  notifications(`reminders: { daysBeforeDeletion: ${list} }`);
const hub = (arn: string, ...lines: readonly string[]): Change =>
  notifications(`organizationHub: ${arn}`, ...lines);
const footer = (text: string): Change => notifications(`footer: { contact: ${text} }`);
const trail = (text: string): Change => put(["trail: create", `trail: ${text}`]);
/** Moves the account to other regions. */
const moved = (region: string, endpoint: string): Change => ({
  apply: (text) =>
    endpointIn(text.replaceAll("eu-west-1", region), endpoint).replace("residency: [eu-*]\n", ""),
});
const endpointIn = (text: string, endpoint: string) =>
  text.replace("{ protocol: email, endpoint: key-alerts@example.com }", `{ ${endpoint} }`);

/** What each rule refuses, and the whole message. */
const REFUSED: Readonly<Record<RuleId, readonly (readonly [Change, message: string])[]>> = {
  "yaml-size": [
    [
      { apply: (text) => text.padEnd(1_000_001, "#") },
      "test.yaml:1:1: the file must have at most 1000000 characters, got 1000001; look at what was written into it: an account takes some hundred lines [yaml-size]",
    ],
  ],
  "yaml-syntax": [
    [
      put(["[eu-west-1, eu-central-1]", "[eu-west-1, eu-central-1"]),
      "test.yaml:7:10: the file must be one document of valid YAML 1.2, got a list without its closing ]; mend this line or the one above it [yaml-syntax]",
    ],
    [
      put(["tags: { Owner: platform }", "tags: { Owner: platform"]),
      "test.yaml:16:7: the file must be one document of valid YAML 1.2, got a map without its closing }; mend this line or the one above it [yaml-syntax]",
    ],
    [
      put(["bucket: acme-state", 'bucket: "acme-state']),
      "test.yaml:10:11: the file must be one document of valid YAML 1.2, got a text without its closing quote; mend this line or the one above it [yaml-syntax]",
    ],
    [
      put(["bucket: acme-state", "bucket: acme: state"]),
      "test.yaml:10:11: the file must be one document of valid YAML 1.2, got a map within a line: a second ': ' in it, or too much indentation below; mend this line or the one above it [yaml-syntax]",
    ],
    [
      put(["version: 1", "version: 1\n  x: 2"]),
      "test.yaml:1:10: the file must be one document of valid YAML 1.2, got a map within a line: a second ': ' in it, or too much indentation below; mend this line or the one above it [yaml-syntax]",
    ],
    [
      put(["  planRole:", " planRole:"]),
      "test.yaml:5:1: the file must be one document of valid YAML 1.2, got a line that is not indented like those around it; mend this line or the one above it [yaml-syntax]",
    ],
    [
      put(["trail: create", "trail create"]),
      "test.yaml:31:7: the file must be one document of valid YAML 1.2, got a line without ': ' behind its key; mend this line or the one above it [yaml-syntax]",
    ],
    [
      put(["protect: true", "---\nprotect: true"]),
      "test.yaml:28:1: the file must be one document of valid YAML 1.2, got a second document; mend this line or the one above it [yaml-syntax]",
    ],
    [
      put(["protect: true", "protect: !no true"]),
      "test.yaml:28:10: the file must be one document of valid YAML 1.2, got Unresolved tag: !no; mend this line or the one above it [yaml-syntax]",
    ],
    [
      put(["version: 1\n", "%YAML 1.1\n---\nversion: 1\n"]),
      "test.yaml:1:1: the file must be one document of valid YAML 1.2, got %YAML 1.1; mend this line or the one above it [yaml-syntax]",
    ],
  ],
  "yaml-tab": [
    [
      put(["  planRole:", "\tplanRole:"]),
      "test.yaml:5:1: the file must be indented with spaces, got a tab; replace the tab [yaml-tab]",
    ],
  ],
  "yaml-nesting": [
    [
      nested(96),
      "test.yaml:27:549: the file must nest maps and lists at most 100 levels deep, got 101 levels; close the brackets that were left open, or write less deeply [yaml-nesting]",
    ],
  ],
  "yaml-map": [
    [
      instead(""),
      "test.yaml:1:1: the file must hold a map of settings, got nothing; start from one of the other files in this folder [yaml-map]",
    ],
    [
      instead("# nothing yet\n"),
      "test.yaml:1:1: the file must hold a map of settings, got nothing; start from one of the other files in this folder [yaml-map]",
    ],
    [
      instead("- version: 1\n"),
      "test.yaml:1:1: the file must hold a map of settings, got a list; start from one of the other files in this folder [yaml-map]",
    ],
    [
      instead("version 1\n"),
      'test.yaml:1:1: the file must hold a map of settings, got "version 1"; start from one of the other files in this folder [yaml-map]',
    ],
  ],
  "yaml-duplicate-key": [
    [
      put(["protect: true", "protect: true\nprotect: false"]),
      "test.yaml:29:1: protect must stand once in its map, got it again after line 28; remove one of the two [yaml-duplicate-key]",
    ],
    [
      put(["  planRole:", '  id: "444455556666"\n  planRole:']),
      "test.yaml:5:3: account.id must stand once in its map, got it again after line 3; remove one of the two [yaml-duplicate-key]",
    ],
  ],
  "yaml-key": [
    [
      put(["{ Owner: platform }", "{ 2027: platform }"]),
      "test.yaml:16:9: tags.2027 must have a text as its key, other than __proto__, got 2027; put the key in quotes, or rename it [yaml-key]",
    ],
    [
      put(["{ Owner: platform }", "{ true: platform }"]),
      "test.yaml:16:9: tags.true must have a text as its key, other than __proto__, got true; put the key in quotes, or rename it [yaml-key]",
    ],
    [
      put(["{ Owner: platform }", "{ ~: platform }"]),
      "test.yaml:16:9: tags.null must have a text as its key, other than __proto__, got nothing; put the key in quotes, or rename it [yaml-key]",
    ],
    [
      put(["{ Owner: platform }", "{ [Owner]: platform }"]),
      "test.yaml:16:9: tags.? must have a text as its key, other than __proto__, got a list; put the key in quotes, or rename it [yaml-key]",
    ],
    [
      put(["{ Owner: platform }", "{ { Owner: x }: platform }"]),
      "test.yaml:16:9: tags.? must have a text as its key, other than __proto__, got a map; put the key in quotes, or rename it [yaml-key]",
    ],
    [
      put(["{ Owner: platform }", "{ __proto__: platform }"]),
      'test.yaml:16:9: tags.__proto__ must have a text as its key, other than __proto__, got "__proto__"; put the key in quotes, or rename it [yaml-key]',
    ],
  ],
  "yaml-merge-key": [
    [
      team("conditions: &c { organizationId: o-a1b2c3d4e5 }", "<<: *c"),
      'test.yaml:25:5: keys.team.<< must not be used: YAML 1.2 has no merge keys, got "<<"; write the fields out; what all accounts share goes into defaults.yaml [yaml-merge-key]',
    ],
  ],
  "yaml-alias": [
    [
      put(["{ Owner: platform }", "{ Owner: *nobody }"]),
      'test.yaml:16:16: tags.Owner must be an alias of an anchor that stands above it and does not hold it, got "*nobody"; correct the name, or write the value out [yaml-alias]',
    ],
    [
      put(["{ Owner: platform }", "&tags { Owner: *tags }"]),
      'test.yaml:16:22: tags.Owner must be an alias of an anchor that stands above it and does not hold it, got "*tags"; correct the name, or write the value out [yaml-alias]',
    ],
  ],
  "yaml-expansion": [
    [
      bomb(15),
      'test.yaml:27:489: archives.orders.eventPattern.detail.a14.c must not make the aliases of the file stand for more than 100000 values, got "*a13"; write out what is meant: aliases of aliases multiply [yaml-expansion]',
    ],
  ],
  "workspace-name": [
    [
      named("stacks"),
      "stacks.yaml:1:1: the file must be named after its Terraform workspace: 1 to 32 lower-case letters, digits and '-', starting with a letter, and not 'default' or 'stacks', got \"stacks\"; rename the file [workspace-name]",
    ],
    [
      named("default"),
      "default.yaml:1:1: the file must be named after its Terraform workspace: 1 to 32 lower-case letters, digits and '-', starting with a letter, and not 'default' or 'stacks', got \"default\"; rename the file [workspace-name]",
    ],
    [
      named("Prod"),
      "Prod.yaml:1:1: the file must be named after its Terraform workspace: 1 to 32 lower-case letters, digits and '-', starting with a letter, and not 'default' or 'stacks', got \"Prod\"; rename the file [workspace-name]",
    ],
    [
      named("1prod"),
      "1prod.yaml:1:1: the file must be named after its Terraform workspace: 1 to 32 lower-case letters, digits and '-', starting with a letter, and not 'default' or 'stacks', got \"1prod\"; rename the file [workspace-name]",
    ],
    [
      named("pro_d"),
      "pro_d.yaml:1:1: the file must be named after its Terraform workspace: 1 to 32 lower-case letters, digits and '-', starting with a letter, and not 'default' or 'stacks', got \"pro_d\"; rename the file [workspace-name]",
    ],
    [
      named(x(33)),
      `${x(33)}.yaml:1:1: the file must be named after its Terraform workspace: 1 to 32 lower-case letters, digits and '-', starting with a letter, and not 'default' or 'stacks', got "${x(33)}"; rename the file [workspace-name]`,
    ],
  ],
  "unknown-field": [
    [
      put(["protect: true", "protect: true\nregion: eu-west-1"]),
      'test.yaml:29:1: region must be a field that Keyspan knows, got "region"; correct or remove it; the fields here are account, archives, buses, homeRegion, keys, notifications, protect, regions, residency, ring, state, tags, trail, version [unknown-field]',
    ],
    [
      put(["protect: true", "protect: true\ncolour: blue"]),
      'test.yaml:29:1: colour must be a field that Keyspan knows, got "colour"; correct or remove it; the fields here are account, archives, buses, homeRegion, keys, notifications, protect, regions, residency, ring, state, tags, trail, version [unknown-field]',
    ],
    [
      put(["protect: true", "protekt: true"]),
      'test.yaml:28:1: protekt must be a field that Keyspan knows, got "protekt"; write protect [unknown-field]',
    ],
    [
      put(["homeRegion:", "HomeRegion:"]),
      'test.yaml:6:1: HomeRegion must be a field that Keyspan knows, got "HomeRegion"; write homeRegion [unknown-field]',
    ],
    [
      put(["{ producers:", "{ producer:"]),
      'test.yaml:25:13: buses.orders.producer must be a field that Keyspan knows, got "producer"; write producers [unknown-field]',
    ],
    [
      team("rotation: 365"),
      'test.yaml:24:5: keys.team.rotation must be a field that Keyspan knows, got "rotation"; correct or remove it; the fields here are administrators, adopt, breakGlass, conditions, deletionWindowDays, existing, externalUsers, multiRegion, regions, rotationDays, state, users [unknown-field]',
    ],
    [
      put(["regions: [eu-west-1, ", "regions: [{ name: eu-west-1, stat: active }, "]),
      'test.yaml:7:30: regions[0].stat must be a field that Keyspan knows, got "stat"; write state [unknown-field]',
    ],
    [
      subscription("protocol: email, endpoint: key-alerts@example.com, filter: x"),
      'test.yaml:31:60: notifications.subscriptions[0].filter must be a field that Keyspan knows, got "filter"; correct or remove it; the fields here are endpoint, protocol, severity [unknown-field]',
    ],
    [
      subscription("protocol: https, endpoint: { SSM: /keyspan/pager-url }"),
      'test.yaml:31:38: notifications.subscriptions[0].endpoint.SSM must be a field that Keyspan knows, got "SSM"; write ssm [unknown-field]',
    ],
    [
      trail("{ create: { retentionDays: 90 } }"),
      'test.yaml:32:20: trail.create.retentionDays must be a field that Keyspan knows, got "retentionDays"; correct or remove it; the fields here are logGroupRetentionDays, readEvents [unknown-field]',
    ],
    [
      trail("{ exsting: arn:aws:cloudtrail:eu-west-1:111122223333:trail/all }"),
      'test.yaml:32:10: trail.exsting must be a field that Keyspan knows, got "exsting"; write existing [unknown-field]',
    ],
  ],
  "missing-field": [
    [
      put(["version: 1\n", ""]),
      "test.yaml:1:1: version must be given, got nothing; add it to this file, or to defaults.yaml if it is the same in every account [missing-field]",
    ],
    [
      put(["  bucket: acme-state\n", ""]),
      "test.yaml:9:1: state.bucket must be given, got nothing; add it to this file, or to defaults.yaml if it is the same in every account [missing-field]",
    ],
    [
      put(["{ bus: orders, retentionDays", "{ retentionDays"]),
      "test.yaml:27:3: archives.orders.bus must be given, got nothing; add it to this file, or to defaults.yaml if it is the same in every account [missing-field]",
    ],
    [
      put(["  alerts: { administrators: [arn:aws:iam::111122223333:role/Admin] }\n", ""]),
      "test.yaml:17:1: keys.alerts must be given, got nothing; add it to this file, or to defaults.yaml if it is the same in every account [missing-field]",
    ],
    [
      put(["eu-central-1]", "{ state: active }]"]),
      "test.yaml:7:22: regions[1].name must be given, got nothing; add it to this file, or to defaults.yaml if it is the same in every account [missing-field]",
    ],
    [
      put([
        "notifications:\n  subscriptions:\n    - { protocol: email, endpoint: key-alerts@example.com }\n",
        "",
      ]),
      "test.yaml:1:1: notifications must be given, got nothing; add it to this file, or to defaults.yaml if it is the same in every account [missing-field]",
    ],
    [
      put(["trail: create\n", ""]),
      "test.yaml:1:1: trail must be given, got nothing; add it to this file, or to defaults.yaml if it is the same in every account [missing-field]",
    ],
    [
      put([
        "subscriptions:\n    - { protocol: email, endpoint: key-alerts@example.com }",
        "watch: all",
      ]),
      "test.yaml:29:1: notifications.subscriptions must be given, got nothing; add it to this file, or to defaults.yaml if it is the same in every account [missing-field]",
    ],
    [
      subscription("protocol: email"),
      "test.yaml:31:7: notifications.subscriptions[0].endpoint must be given, got nothing; add it to this file, or to defaults.yaml if it is the same in every account [missing-field]",
    ],
    [
      subscription("endpoint: key-alerts@example.com"),
      "test.yaml:31:7: notifications.subscriptions[0].protocol must be given, got nothing; add it to this file, or to defaults.yaml if it is the same in every account [missing-field]",
    ],
  ],
  "wrong-type": [
    [
      put(["{ Owner: platform }", "platform"]),
      'test.yaml:16:7: tags must be a map, got "platform"; write its fields below it, indented, each as name: value [wrong-type]',
    ],
    [
      put(["[eu-west-1, eu-central-1]", "eu-west-1"]),
      "test.yaml:7:10: regions must be a list, got \"eu-west-1\"; put it in brackets, or each item on a line after '- ' [wrong-type]",
    ],
    [
      put(["[arn:aws:iam::111122223333:role/User]", "arn:aws:iam::111122223333:role/User"]),
      "test.yaml:23:12: keys.team.users must be a list, got \"arn:aws:iam::111122223333:role/User\"; put it in brackets, or each item on a line after '- ' [wrong-type]",
    ],
    [
      put(['{ producers: ["111122223333"] }', '["111122223333"]']),
      'test.yaml:25:11: buses.orders must be a map, got ["111122223333"]; write its fields below it, indented, each as name: value [wrong-type]',
    ],
    [
      put(['producers: ["111122223333"]', 'producers: "111122223333"']),
      "test.yaml:25:24: buses.orders.producers must be a list, got \"111122223333\"; put it in brackets, or each item on a line after '- ' [wrong-type]",
    ],
    [
      put(["{ bus: orders,", "{ bus: 4711,"]),
      "test.yaml:27:18: archives.orders.bus must be text, got 4711; put it in quotes [wrong-type]",
    ],
    [
      team("conditions:"),
      "test.yaml:24:16: keys.team.conditions must be a map, got null; write its fields below it, indented, each as name: value [wrong-type]",
    ],
    [
      put([
        "notifications:\n  subscriptions:\n    - { protocol: email, endpoint: key-alerts@example.com }\n",
        "notifications: [key-alerts@example.com]\n",
      ]),
      'test.yaml:29:16: notifications must be a map, got ["key-alerts@example.com"]; write its fields below it, indented, each as name: value [wrong-type]',
    ],
    [
      trail("{ create: true }"),
      "test.yaml:32:18: trail.create must be a map, got true; write its fields below it, indented, each as name: value [wrong-type]",
    ],
    [
      reminders("7"),
      "test.yaml:30:36: notifications.reminders.daysBeforeDeletion must be a list, got 7; put it in brackets, or each item on a line after '- ' [wrong-type]",
    ],
  ],
  version: [
    [
      put(["version: 1", "version: 2"]),
      "test.yaml:1:10: version must be 1, got 2; write version: 1, the only version of the format so far [version]",
    ],
    [
      put(["version: 1", 'version: "1"']),
      'test.yaml:1:10: version must be 1, got "1"; write version: 1, the only version of the format so far [version]',
    ],
  ],
  "account-id": [
    [
      put(['id: "111122223333"', "id: 111122223333"]),
      'test.yaml:3:7: account.id must be an account id: 12 digits in quotes, got 111122223333; write all 12 digits in quotes, as in "111122223333": without them YAML reads a number and may drop leading zeros [account-id]',
    ],
    [
      put(['id: "111122223333"', "id: 011122223333"]),
      'test.yaml:3:7: account.id must be an account id: 12 digits in quotes, got 11122223333; write all 12 digits in quotes, as in "111122223333": without them YAML reads a number and may drop leading zeros [account-id]',
    ],
    [
      put(['id: "111122223333"', "id: 0o11122223333"]),
      'test.yaml:3:7: account.id must be an account id: 12 digits in quotes, got 1229530843; write all 12 digits in quotes, as in "111122223333": without them YAML reads a number and may drop leading zeros [account-id]',
    ],
    [
      put(['id: "111122223333"', "id: 1111_2222_3333"]),
      'test.yaml:3:7: account.id must be an account id: 12 digits in quotes, got "1111_2222_3333"; write all 12 digits in quotes, as in "111122223333": without them YAML reads a number and may drop leading zeros [account-id]',
    ],
    [
      put(['id: "111122223333"', 'id: "11112222333"']),
      'test.yaml:3:7: account.id must be an account id: 12 digits in quotes, got "11112222333"; write all 12 digits in quotes, as in "111122223333": without them YAML reads a number and may drop leading zeros [account-id]',
    ],
    [
      put(['id: "111122223333"', 'id: "1111222233334"']),
      'test.yaml:3:7: account.id must be an account id: 12 digits in quotes, got "1111222233334"; write all 12 digits in quotes, as in "111122223333": without them YAML reads a number and may drop leading zeros [account-id]',
    ],
  ],
  "account-id-unique": [
    [
      { apply: (text) => text, takenId: "111122223333" },
      'test.yaml:3:7: account.id must be the id of no other account in this folder, got "111122223333"; correct the id: two workspaces on one account would each make all its keys [account-id-unique]',
    ],
  ],
  "role-arn": [
    [
      role("arn:aws:iam::111122223333:role/*"),
      'test.yaml:23:13: keys.team.users[0] must be the ARN of an IAM role, without wildcards, got "arn:aws:iam::111122223333:role/*"; write it as arn:<partition>:iam::<account>:role/Name; the placeholders are filled in [role-arn]',
    ],
    [
      role("arn:aws:iam::111122223333:user/User"),
      'test.yaml:23:13: keys.team.users[0] must be the ARN of an IAM role, without wildcards, got "arn:aws:iam::111122223333:user/User"; write it as arn:<partition>:iam::<account>:role/Name; the placeholders are filled in [role-arn]',
    ],
    [
      role("arn:aws:sts::111122223333:assumed-role/User/session"),
      'test.yaml:23:13: keys.team.users[0] must be the ARN of an IAM role, without wildcards, got "arn:aws:sts::111122223333:assumed-role/User/session"; write it as arn:<partition>:iam::<account>:role/Name; the placeholders are filled in [role-arn]',
    ],
    [
      role("User"),
      'test.yaml:23:13: keys.team.users[0] must be the ARN of an IAM role, without wildcards, got "User"; write it as arn:<partition>:iam::<account>:role/Name; the placeholders are filled in [role-arn]',
    ],
    [
      role("arn:aws:iam::<acount>:role/User"),
      'test.yaml:23:13: keys.team.users[0] must be the ARN of an IAM role, without wildcards, got "arn:aws:iam::<acount>:role/User"; write it as arn:<partition>:iam::<account>:role/Name; the placeholders are filled in [role-arn]',
    ],
    [
      role(`arn:aws:iam::111122223333:role/${x(65)}`),
      `test.yaml:23:13: keys.team.users[0] must be the ARN of an IAM role, without wildcards, got "arn:aws:iam::111122223333:role/${x(65)}"; write it as arn:<partition>:iam::<account>:role/Name; the placeholders are filled in [role-arn]`,
    ],
    [
      role("4711"),
      "test.yaml:23:13: keys.team.users[0] must be the ARN of an IAM role, without wildcards, got 4711; write it as arn:<partition>:iam::<account>:role/Name; the placeholders are filled in [role-arn]",
    ],
  ],
  "region-name": [
    [
      put(["eu-central-1]", "eu-centra-1]"]),
      'test.yaml:7:22: regions[1] must be an AWS region, got "eu-centra-1"; correct the name; a region that AWS has just opened is added in modules/partition.ts [region-name]',
    ],
    [
      put(["eu-central-1]", "7]"]),
      "test.yaml:7:22: regions[1] must be an AWS region, got 7; correct the name; a region that AWS has just opened is added in modules/partition.ts [region-name]",
    ],
    [
      put(["  region: eu-west-1", "  region: Ireland"]),
      'test.yaml:11:11: state.region must be an AWS region, got "Ireland"; correct the name; a region that AWS has just opened is added in modules/partition.ts [region-name]',
    ],
    [
      put(["homeRegion: eu-west-1", "homeRegion: eu-west-1a"]),
      'test.yaml:6:13: homeRegion must be an AWS region, got "eu-west-1a"; correct the name; a region that AWS has just opened is added in modules/partition.ts [region-name]',
    ],
    [
      existing("eu-west-9: arn:aws:kms:eu-west-9:111122223333:key/x"),
      'test.yaml:20:7: keys.archive.existing.eu-west-9 must be an AWS region, got "eu-west-9"; correct the name; a region that AWS has just opened is added in modules/partition.ts [region-name]',
    ],
  ],
  "region-state": [
    [
      put(["eu-central-1]", "{ name: eu-central-1, state: gone }]"]),
      'test.yaml:7:51: regions[1].state must be active, draining or retired, got "gone"; write draining first, and retired once that has been applied [region-state]',
    ],
  ],
  "residency-pattern": [
    [
      put(["[eu-*]", "[EU]"]),
      "test.yaml:8:13: residency[0] must be a region, or the beginning of regions followed by '*', got \"EU\"; write it like eu-central-1 or eu-*; a pattern that no region matches admits none [residency-pattern]",
    ],
    [
      put(["[eu-*]", "['*-west-1']"]),
      "test.yaml:8:13: residency[0] must be a region, or the beginning of regions followed by '*', got \"*-west-1\"; write it like eu-central-1 or eu-*; a pattern that no region matches admits none [residency-pattern]",
    ],
    [
      put(["[eu-*]", "['*']"]),
      "test.yaml:8:13: residency[0] must be a region, or the beginning of regions followed by '*', got \"*\"; write it like eu-central-1 or eu-*; a pattern that no region matches admits none [residency-pattern]",
    ],
    [
      put(["[eu-*]", "[ue-*]"]),
      "test.yaml:8:13: residency[0] must be a region, or the beginning of regions followed by '*', got \"ue-*\"; write it like eu-central-1 or eu-*; a pattern that no region matches admits none [residency-pattern]",
    ],
  ],
  "state-bucket": [
    [
      put(["bucket: acme-state", "bucket: s3://acme-state"]),
      "test.yaml:10:11: state.bucket must be the name of an S3 bucket: 3 to 63 lower-case letters, digits, '.' and '-', got \"s3://acme-state\"; write the name alone, without s3:// or an ARN [state-bucket]",
    ],
    [
      put(["bucket: acme-state", "bucket: ab"]),
      "test.yaml:10:11: state.bucket must be the name of an S3 bucket: 3 to 63 lower-case letters, digits, '.' and '-', got \"ab\"; write the name alone, without s3:// or an ARN [state-bucket]",
    ],
    [
      put(["bucket: acme-state", `bucket: ${x(64)}`]),
      `test.yaml:10:11: state.bucket must be the name of an S3 bucket: 3 to 63 lower-case letters, digits, '.' and '-', got "${x(64)}"; write the name alone, without s3:// or an ARN [state-bucket]`,
    ],
    [
      put(["bucket: acme-state", "bucket: -acme"]),
      "test.yaml:10:11: state.bucket must be the name of an S3 bucket: 3 to 63 lower-case letters, digits, '.' and '-', got \"-acme\"; write the name alone, without s3:// or an ARN [state-bucket]",
    ],
  ],
  "state-key-prefix": [
    [
      put(["keyPrefix: keyspan", "keyPrefix: keyspan/"]),
      "test.yaml:12:14: state.keyPrefix must be a path of letters, digits, '_', '-' and '.', without '/' at either end, got \"keyspan/\"; write it like keyspan or platform/keyspan; Terraform puts <prefix>/<workspace>/ before each state [state-key-prefix]",
    ],
    [
      put(["keyPrefix: keyspan", "keyPrefix: /keyspan"]),
      "test.yaml:12:14: state.keyPrefix must be a path of letters, digits, '_', '-' and '.', without '/' at either end, got \"/keyspan\"; write it like keyspan or platform/keyspan; Terraform puts <prefix>/<workspace>/ before each state [state-key-prefix]",
    ],
    [
      put(["keyPrefix: keyspan", 'keyPrefix: ""']),
      "test.yaml:12:14: state.keyPrefix must be a path of letters, digits, '_', '-' and '.', without '/' at either end, got \"\"; write it like keyspan or platform/keyspan; Terraform puts <prefix>/<workspace>/ before each state [state-key-prefix]",
    ],
  ],
  "state-key-prefix-reserved": [
    [
      put(["keyPrefix: keyspan", "keyPrefix: plans"]),
      'test.yaml:12:14: state.keyPrefix must not begin with plans or archive-, got "plans"; choose another prefix: objects under plans/ expire after days, and every state role may read what is called archive-*.tfstate [state-key-prefix-reserved]',
    ],
    [
      put(["keyPrefix: keyspan", "keyPrefix: plans/team"]),
      'test.yaml:12:14: state.keyPrefix must not begin with plans or archive-, got "plans/team"; choose another prefix: objects under plans/ expire after days, and every state role may read what is called archive-*.tfstate [state-key-prefix-reserved]',
    ],
    [
      put(["keyPrefix: keyspan", "keyPrefix: archive-states"]),
      'test.yaml:12:14: state.keyPrefix must not begin with plans or archive-, got "archive-states"; choose another prefix: objects under plans/ expire after days, and every state role may read what is called archive-*.tfstate [state-key-prefix-reserved]',
    ],
  ],
  "tag-key": [
    [
      put(["Owner:", "aws:Owner:"]),
      "test.yaml:16:9: tags.aws:Owner must be 1 to 128 letters, digits, spaces and _ . : / = + - @, not starting with 'aws:' or 'keyspan:', got \"aws:Owner\"; choose another tag key [tag-key]",
    ],
    [
      put(["Owner:", "AWS:Owner:"]),
      "test.yaml:16:9: tags.AWS:Owner must be 1 to 128 letters, digits, spaces and _ . : / = + - @, not starting with 'aws:' or 'keyspan:', got \"AWS:Owner\"; choose another tag key [tag-key]",
    ],
    [
      put(["Owner:", "keyspan:account:"]),
      "test.yaml:16:9: tags.keyspan:account must be 1 to 128 letters, digits, spaces and _ . : / = + - @, not starting with 'aws:' or 'keyspan:', got \"keyspan:account\"; choose another tag key [tag-key]",
    ],
    [
      put(["Owner:", "Owner?:"]),
      "test.yaml:16:9: tags.Owner? must be 1 to 128 letters, digits, spaces and _ . : / = + - @, not starting with 'aws:' or 'keyspan:', got \"Owner?\"; choose another tag key [tag-key]",
    ],
    [
      put(["Owner:", '"":']),
      "test.yaml:16:9: tags.\"\" must be 1 to 128 letters, digits, spaces and _ . : / = + - @, not starting with 'aws:' or 'keyspan:', got \"\"; choose another tag key [tag-key]",
    ],
    [
      put(["{ Owner:", `{ ? ${x(129)} :`]),
      `test.yaml:16:11: tags.${x(129)} must be 1 to 128 letters, digits, spaces and _ . : / = + - @, not starting with 'aws:' or 'keyspan:', got "${x(119)}…; choose another tag key [tag-key]`,
    ],
  ],
  "tag-value": [
    [
      put(["Owner: platform", "Owner: 4711"]),
      "test.yaml:16:16: tags.Owner must be text of at most 256 letters, digits, spaces and _ . : / = + - @, got 4711; write it as text, numbers in quotes, and shorten it if it is longer [tag-value]",
    ],
    [
      put(["Owner: platform", "Owner: 'plat*form'"]),
      'test.yaml:16:16: tags.Owner must be text of at most 256 letters, digits, spaces and _ . : / = + - @, got "plat*form"; write it as text, numbers in quotes, and shorten it if it is longer [tag-value]',
    ],
    [
      put(["Owner: platform", `Owner: ${x(257)}`]),
      `test.yaml:16:16: tags.Owner must be text of at most 256 letters, digits, spaces and _ . : / = + - @, got "${x(119)}…; write it as text, numbers in quotes, and shorten it if it is longer [tag-value]`,
    ],
  ],
  "tag-count": [
    [
      tags(48),
      "test.yaml:16:1: tags must hold at most 47 tags, since AWS keeps 50 per resource and Keyspan sets 3, got 48; remove some [tag-count]",
    ],
  ],
  "key-name": [
    [
      keys("Storage: { administrators: [arn:aws:iam::111122223333:role/Admin] }"),
      "test.yaml:24:3: keys.Storage must be a key name: lower-case letters, digits and '-', starting with a letter, got \"Storage\"; rename it [key-name]",
    ],
    [
      keys("my_key: { administrators: [arn:aws:iam::111122223333:role/Admin] }"),
      "test.yaml:24:3: keys.my_key must be a key name: lower-case letters, digits and '-', starting with a letter, got \"my_key\"; rename it [key-name]",
    ],
    [
      put(["{ producers:", "{ key: Archive, producers:"]),
      "test.yaml:25:18: buses.orders.key must be a key name: lower-case letters, digits and '-', starting with a letter, got \"Archive\"; rename it [key-name]",
    ],
  ],
  "archive-name": [
    [
      archives("orders.week: { bus: orders, retentionDays: 7 }"),
      "test.yaml:28:3: archives.orders.week must be an archive name: letters, digits, '_' and '-', starting with a letter, got \"orders.week\"; rename it; `name:` inside the archive may hold any name that AWS accepts [archive-name]",
    ],
    [
      archives("7days: { bus: orders, retentionDays: 7 }"),
      "test.yaml:28:3: archives.7days must be an archive name: letters, digits, '_' and '-', starting with a letter, got \"7days\"; rename it; `name:` inside the archive may hold any name that AWS accepts [archive-name]",
    ],
  ],
  "bus-name": [
    [
      buses('my bus: { producers: ["111122223333"] }'),
      "test.yaml:26:3: buses.\"my bus\" must be a bus name: letters, digits, '_' and '-', starting with a letter; an existing bus may also have '.' and '/', got \"my bus\"; rename it [bus-name]",
    ],
    [
      buses('my.bus: { producers: ["111122223333"] }'),
      "test.yaml:26:3: buses.my.bus must be a bus name: letters, digits, '_' and '-', starting with a letter; an existing bus may also have '.' and '/', got \"my.bus\"; rename it [bus-name]",
    ],
    [
      buses('1bus: { producers: ["111122223333"] }'),
      "test.yaml:26:3: buses.1bus must be a bus name: letters, digits, '_' and '-', starting with a letter; an existing bus may also have '.' and '/', got \"1bus\"; rename it [bus-name]",
    ],
  ],
  ring: [
    [
      put(["protect: true", "protect: true\nring: -1"]),
      "test.yaml:29:7: ring must be a whole number from 0 to 9, got -1; write 0 for accounts that may break first, 9 for those that must not, without quotes [ring]",
    ],
    [
      put(["protect: true", "protect: true\nring: 10"]),
      "test.yaml:29:7: ring must be a whole number from 0 to 9, got 10; write 0 for accounts that may break first, 9 for those that must not, without quotes [ring]",
    ],
    [
      put(["protect: true", "protect: true\nring: canary"]),
      'test.yaml:29:7: ring must be a whole number from 0 to 9, got "canary"; write 0 for accounts that may break first, 9 for those that must not, without quotes [ring]',
    ],
  ],
  "rotation-days": [
    [
      team("rotationDays: 89"),
      "test.yaml:24:19: keys.team.rotationDays must be a whole number of days from 90 to 2560, got 89; write 365, KMS's own default, or another number in that range, without quotes [rotation-days]",
    ],
    [
      team("rotationDays: 2561"),
      "test.yaml:24:19: keys.team.rotationDays must be a whole number of days from 90 to 2560, got 2561; write 365, KMS's own default, or another number in that range, without quotes [rotation-days]",
    ],
    [
      team("rotationDays: 90.5"),
      "test.yaml:24:19: keys.team.rotationDays must be a whole number of days from 90 to 2560, got 90.5; write 365, KMS's own default, or another number in that range, without quotes [rotation-days]",
    ],
    [
      team('rotationDays: "365"'),
      'test.yaml:24:19: keys.team.rotationDays must be a whole number of days from 90 to 2560, got "365"; write 365, KMS\'s own default, or another number in that range, without quotes [rotation-days]',
    ],
  ],
  "deletion-window-days": [
    [
      team("deletionWindowDays: 6"),
      "test.yaml:24:25: keys.team.deletionWindowDays must be a whole number of days from 7 to 30, got 6; write 30, the longest time to cancel a deletion, or another number in that range, without quotes [deletion-window-days]",
    ],
    [
      team("deletionWindowDays: 31"),
      "test.yaml:24:25: keys.team.deletionWindowDays must be a whole number of days from 7 to 30, got 31; write 30, the longest time to cancel a deletion, or another number in that range, without quotes [deletion-window-days]",
    ],
  ],
  "source-ip": [
    [
      conditions("sourceIps: [0.0.0.0/0]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "0.0.0.0/0"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [8.0.0.0/7]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "8.0.0.0/7"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [172.0.0.0/8]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "172.0.0.0/8"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [169.0.0.0/8]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "169.0.0.0/8"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions('sourceIps: ["::/0"]'),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "::/0"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions('sourceIps: ["2000::/15"]'),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "2000::/15"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [10.0.0.0/8]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "10.0.0.0/8"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [172.16.0.0/12]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "172.16.0.0/12"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [172.31.255.0/24]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "172.31.255.0/24"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [192.168.1.0/24]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "192.168.1.0/24"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [100.64.0.0/10]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "100.64.0.0/10"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [100.127.0.0/16]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "100.127.0.0/16"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [127.0.0.1/32]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "127.0.0.1/32"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [169.254.0.0/16]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "169.254.0.0/16"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions('sourceIps: ["fd00::/8"]'),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "fd00::/8"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions('sourceIps: ["fe80::/10"]'),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "fe80::/10"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions('sourceIps: ["::1/128"]'),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "::1/128"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions('sourceIps: ["2001:db8::%eth0/32"]'),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "2001:db8::%eth0/32"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions('sourceIps: ["::ffff:203.0.113.0/120"]'),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "::ffff:203.0.113.0/120"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [203.0.113.7]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "203.0.113.7"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [203.0.113.0/33]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "203.0.113.0/33"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [203.0.113.0/024]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "203.0.113.0/024"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions("sourceIps: [203.0.113/24]"),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "203.0.113/24"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
    [
      conditions('sourceIps: ["2001:db8::/129"]'),
      'test.yaml:24:31: keys.team.conditions.sourceIps[0] must be a CIDR range of public IPv4 (/8 to /32) or IPv6 (/16 to /128) addresses only, got "2001:db8::/129"; write it like 203.0.113.0/24; requests from private addresses reach KMS through a VPC endpoint: name it in sourceVpces [source-ip]',
    ],
  ],
  "source-vpce": [
    [
      conditions("sourceVpces: [vpc-0123456789abcdef0]"),
      'test.yaml:24:33: keys.team.conditions.sourceVpces[0] must be the id of a VPC endpoint, got "vpc-0123456789abcdef0"; write it like vpce-0123456789abcdef0 [source-vpce]',
    ],
    [
      conditions("sourceVpces: [vpce-0123456]"),
      'test.yaml:24:33: keys.team.conditions.sourceVpces[0] must be the id of a VPC endpoint, got "vpce-0123456"; write it like vpce-0123456789abcdef0 [source-vpce]',
    ],
    [
      conditions("sourceVpces: [vpce-0123456789abcdef01]"),
      'test.yaml:24:33: keys.team.conditions.sourceVpces[0] must be the id of a VPC endpoint, got "vpce-0123456789abcdef01"; write it like vpce-0123456789abcdef0 [source-vpce]',
    ],
  ],
  "organization-id": [
    [
      conditions("organizationId: o-a1b2c3d4e"),
      'test.yaml:24:35: keys.team.conditions.organizationId must be the id of an AWS organisation, got "o-a1b2c3d4e"; write it like o-a1b2c3d4e5, as `aws organizations describe-organization` prints it [organization-id]',
    ],
    [
      conditions("organizationId: ou-ab12-cdefgh34"),
      'test.yaml:24:35: keys.team.conditions.organizationId must be the id of an AWS organisation, got "ou-ab12-cdefgh34"; write it like o-a1b2c3d4e5, as `aws organizations describe-organization` prints it [organization-id]',
    ],
    [
      hub(
        "arn:<partition>:events:eu-west-1:<account>:event-bus/keyspan-hub",
        "organizationId: acme",
      ),
      'test.yaml:31:19: notifications.organizationId must be the id of an AWS organisation, got "acme"; write it like o-a1b2c3d4e5, as `aws organizations describe-organization` prints it [organization-id]',
    ],
  ],
  "via-service": [
    [
      conditions("viaServices: [s3.eu-west-1.amazonaws.com]"),
      'test.yaml:24:33: keys.team.conditions.viaServices[0] must be the short name of a service that calls KMS for its callers, got "s3.eu-west-1.amazonaws.com"; write it like s3 or dynamodb, without region and suffix [via-service]',
    ],
    [
      conditions("viaServices: [S3]"),
      'test.yaml:24:33: keys.team.conditions.viaServices[0] must be the short name of a service that calls KMS for its callers, got "S3"; write it like s3 or dynamodb, without region and suffix [via-service]',
    ],
  ],
  "encryption-context": [
    [
      conditions('encryptionContext: { tenant: "a\\nb" }'),
      'test.yaml:24:48: keys.team.conditions.encryptionContext.tenant must be text without control characters, and no key twice but for capitals, got "a\\nb"; write it in quotes, exactly as the application sends it [encryption-context]',
    ],
    [
      conditions("encryptionContext: { app: a, tenant: b, App: c }"),
      'test.yaml:24:59: keys.team.conditions.encryptionContext.App must be text without control characters, and no key twice but for capitals, got "App"; write it in quotes, exactly as the application sends it [encryption-context]',
    ],
    [
      conditions("encryptionContext: { tenant: 4711 }"),
      "test.yaml:24:48: keys.team.conditions.encryptionContext.tenant must be text without control characters, and no key twice but for capitals, got 4711; write it in quotes, exactly as the application sends it [encryption-context]",
    ],
    [
      conditions('encryptionContext: { tenant: "" }'),
      'test.yaml:24:48: keys.team.conditions.encryptionContext.tenant must be text without control characters, and no key twice but for capitals, got ""; write it in quotes, exactly as the application sends it [encryption-context]',
    ],
    [
      conditions('encryptionContext: { "": acme }'),
      'test.yaml:24:40: keys.team.conditions.encryptionContext."" must be text without control characters, and no key twice but for capitals, got ""; write it in quotes, exactly as the application sends it [encryption-context]',
    ],
  ],
  "date-time": [
    [
      conditions('notBefore: "2027-02-30T00:00:00Z"'),
      'test.yaml:24:30: keys.team.conditions.notBefore must be a moment in UTC, got "2027-02-30T00:00:00Z"; write it in quotes like "2027-01-31T00:00:00Z" [date-time]',
    ],
    [
      conditions('notBefore: "2027-02-29T00:00:00Z"'),
      'test.yaml:24:30: keys.team.conditions.notBefore must be a moment in UTC, got "2027-02-29T00:00:00Z"; write it in quotes like "2027-01-31T00:00:00Z" [date-time]',
    ],
    [
      conditions('notBefore: "2027-13-01T00:00:00Z"'),
      'test.yaml:24:30: keys.team.conditions.notBefore must be a moment in UTC, got "2027-13-01T00:00:00Z"; write it in quotes like "2027-01-31T00:00:00Z" [date-time]',
    ],
    [
      conditions('notBefore: "2027-01-31T24:00:00Z"'),
      'test.yaml:24:30: keys.team.conditions.notBefore must be a moment in UTC, got "2027-01-31T24:00:00Z"; write it in quotes like "2027-01-31T00:00:00Z" [date-time]',
    ],
    [
      conditions('notBefore: "2027-01-31T00:00:60Z"'),
      'test.yaml:24:30: keys.team.conditions.notBefore must be a moment in UTC, got "2027-01-31T00:00:60Z"; write it in quotes like "2027-01-31T00:00:00Z" [date-time]',
    ],
    [
      conditions('notAfter: "2027-01-31T00:00:00+01:00"'),
      'test.yaml:24:29: keys.team.conditions.notAfter must be a moment in UTC, got "2027-01-31T00:00:00+01:00"; write it in quotes like "2027-01-31T00:00:00Z" [date-time]',
    ],
    [
      conditions("notAfter: 2027-01-31"),
      'test.yaml:24:29: keys.team.conditions.notAfter must be a moment in UTC, got "2027-01-31"; write it in quotes like "2027-01-31T00:00:00Z" [date-time]',
    ],
  ],
  "key-state": [
    [
      team("state: disabled"),
      'test.yaml:24:12: keys.team.state must be active or retired, got "disabled"; write retired to make Terraform forget the key, which stays in AWS [key-state]',
    ],
  ],
  "key-id": [
    [
      team("adopt: alias/team"),
      'test.yaml:24:12: keys.team.adopt must be the id of a multi-Region key, mrk- and 32 hexadecimal digits, or of a single-Region key, a UUID, got "alias/team"; take TargetKeyId from `aws kms list-aliases --region <region>` [key-id]',
    ],
    [
      team(`adopt: ${keyArn("eu-west-1")}`),
      'test.yaml:24:12: keys.team.adopt must be the id of a multi-Region key, mrk- and 32 hexadecimal digits, or of a single-Region key, a UUID, got "arn:aws:kms:eu-west-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef"; take TargetKeyId from `aws kms list-aliases --region <region>` [key-id]',
    ],
    [
      team("adopt: mrk-0123456789abcdef0123456789abcde"),
      'test.yaml:24:12: keys.team.adopt must be the id of a multi-Region key, mrk- and 32 hexadecimal digits, or of a single-Region key, a UUID, got "mrk-0123456789abcdef0123456789abcde"; take TargetKeyId from `aws kms list-aliases --region <region>` [key-id]',
    ],
    [
      put(["eu-central-1]", "{ name: eu-central-1, adopt: { team: team } }]"]),
      'test.yaml:7:59: regions[1].adopt.team must be the id of a multi-Region key, mrk- and 32 hexadecimal digits, or of a single-Region key, a UUID, got "team"; take TargetKeyId from `aws kms list-aliases --region <region>` [key-id]',
    ],
  ],
  "key-arn": [
    [
      existing(
        `eu-west-1: ${keyArn("eu-west-1")}`,
        "eu-central-1: arn:aws:kms:eu-central-1:111122223333:alias/archive",
      ),
      'test.yaml:21:21: keys.archive.existing.eu-central-1 must be the ARN of a KMS key, got "arn:aws:kms:eu-central-1:111122223333:alias/archive"; write the key\'s own ARN, with :key/ in it; an alias could be pointed elsewhere [key-arn]',
    ],
    [
      existing(`eu-west-1: ${keyArn("eu-west-1")}`, `eu-central-1: ${MRK}`),
      'test.yaml:21:21: keys.archive.existing.eu-central-1 must be the ARN of a KMS key, got "mrk-0123456789abcdef0123456789abcdef"; write the key\'s own ARN, with :key/ in it; an alias could be pointed elsewhere [key-arn]',
    ],
  ],
  producer: [
    [
      put(['["111122223333"]', "[111122223333]"]),
      'test.yaml:25:25: buses.orders.producers[0] must be the ARN of an IAM role, an account id in quotes, or the id of an AWS organisation, got 111122223333; write it like arn:<partition>:iam::<account>:role/Name, "444455556666" or o-a1b2c3d4e5 [producer]',
    ],
    [
      put(['["111122223333"]', '["*"]']),
      'test.yaml:25:25: buses.orders.producers[0] must be the ARN of an IAM role, an account id in quotes, or the id of an AWS organisation, got "*"; write it like arn:<partition>:iam::<account>:role/Name, "444455556666" or o-a1b2c3d4e5 [producer]',
    ],
    [
      put(['["111122223333"]', "[arn:aws:iam::111122223333:root]"]),
      'test.yaml:25:25: buses.orders.producers[0] must be the ARN of an IAM role, an account id in quotes, or the id of an AWS organisation, got "arn:aws:iam::111122223333:root"; write it like arn:<partition>:iam::<account>:role/Name, "444455556666" or o-a1b2c3d4e5 [producer]',
    ],
    [
      put(['["111122223333"]', "[events.amazonaws.com]"]),
      'test.yaml:25:25: buses.orders.producers[0] must be the ARN of an IAM role, an account id in quotes, or the id of an AWS organisation, got "events.amazonaws.com"; write it like arn:<partition>:iam::<account>:role/Name, "444455556666" or o-a1b2c3d4e5 [producer]',
    ],
  ],
  retention: [
    [
      archive("retentionDays: 0"),
      "test.yaml:27:41: archives.orders.retentionDays must be a whole number of days, at least 1, or forever, got 0; write 90, or the word forever if the events must never be deleted [retention]",
    ],
    [
      archive("retentionDays: -1"),
      "test.yaml:27:41: archives.orders.retentionDays must be a whole number of days, at least 1, or forever, got -1; write 90, or the word forever if the events must never be deleted [retention]",
    ],
    [
      archive("retentionDays: 1.5"),
      "test.yaml:27:41: archives.orders.retentionDays must be a whole number of days, at least 1, or forever, got 1.5; write 90, or the word forever if the events must never be deleted [retention]",
    ],
    [
      archive("retentionDays: 2147483648"),
      "test.yaml:27:41: archives.orders.retentionDays must be a whole number of days, at least 1, or forever, got 2147483648; write 90, or the word forever if the events must never be deleted [retention]",
    ],
    [
      archive("retentionDays: always"),
      'test.yaml:27:41: archives.orders.retentionDays must be a whole number of days, at least 1, or forever, got "always"; write 90, or the word forever if the events must never be deleted [retention]',
    ],
    [
      archive("retentionDays: .nan"),
      "test.yaml:27:41: archives.orders.retentionDays must be a whole number of days, at least 1, or forever, got null; write 90, or the word forever if the events must never be deleted [retention]",
    ],
  ],
  "archive-physical-name": [
    [
      archive(`retentionDays: 90, name: ${x(49)}`),
      `test.yaml:27:51: archives.orders.name must be 1 to 48 letters, digits, '.', '_' and '-', got "${x(49)}"; choose another name [archive-physical-name]`,
    ],
    [
      archive("retentionDays: 90, name: or/ders"),
      "test.yaml:27:51: archives.orders.name must be 1 to 48 letters, digits, '.', '_' and '-', got \"or/ders\"; choose another name [archive-physical-name]",
    ],
    [
      archive('retentionDays: 90, name: ""'),
      "test.yaml:27:51: archives.orders.name must be 1 to 48 letters, digits, '.', '_' and '-', got \"\"; choose another name [archive-physical-name]",
    ],
    [
      archives(`${x(49)}: { bus: orders, retentionDays: 7 }`),
      `test.yaml:28:3: archives.${x(49)} must be 1 to 48 letters, digits, '.', '_' and '-', got "${x(49)}"; shorten it [archive-physical-name]`,
    ],
  ],
  "yes-or-no": [
    [
      put(["protect: true", "protect: yes"]),
      'test.yaml:28:10: protect must be true or false, got "yes"; write true or false, without quotes [yes-or-no]',
    ],
    [
      team("multiRegion: 1"),
      "test.yaml:24:18: keys.team.multiRegion must be true or false, got 1; write true or false, without quotes [yes-or-no]",
    ],
    [
      buses("default: { existing: 'true' }"),
      'test.yaml:26:24: buses.default.existing must be true or false, got "true"; write true or false, without quotes [yes-or-no]',
    ],
    [
      trail("{ create: { readEvents: 1 } }"),
      "test.yaml:32:32: trail.create.readEvents must be true or false, got 1; write true or false, without quotes [yes-or-no]",
    ],
  ],
  "list-length": [
    [
      put(["[eu-west-1, eu-central-1]", "[]"]),
      "test.yaml:7:10: regions must name at least one, got []; add one, or remove the field if it may be left out [list-length]",
    ],
    [
      put(["[eu-*]", "[]"]),
      "test.yaml:8:12: residency must name at least one, got []; add one, or remove the field if it may be left out [list-length]",
    ],
    [
      put(['producers: ["111122223333"]', "producers: []"]),
      "test.yaml:25:24: buses.orders.producers must name at least one, got []; add one, or remove the field if it may be left out [list-length]",
    ],
    [
      put(["{ producers:", "{ regions: [], producers:"]),
      "test.yaml:25:22: buses.orders.regions must name at least one, got []; add one, or remove the field if it may be left out [list-length]",
    ],
    [
      team("regions: []"),
      "test.yaml:24:14: keys.team.regions must name at least one, got []; add one, or remove the field if it may be left out [list-length]",
    ],
    [
      archive("retentionDays: 90, regions: []"),
      "test.yaml:27:54: archives.orders.regions must name at least one, got []; add one, or remove the field if it may be left out [list-length]",
    ],
    [
      conditions("sourceIps: []"),
      "test.yaml:24:30: keys.team.conditions.sourceIps must name at least one, got []; add one, or remove the field if it may be left out [list-length]",
    ],
    [
      conditions("sourceVpces: []"),
      "test.yaml:24:32: keys.team.conditions.sourceVpces must name at least one, got []; add one, or remove the field if it may be left out [list-length]",
    ],
    [
      conditions("viaServices: []"),
      "test.yaml:24:32: keys.team.conditions.viaServices must name at least one, got []; add one, or remove the field if it may be left out [list-length]",
    ],
    [
      conditions("encryptionContext: {}"),
      "test.yaml:24:38: keys.team.conditions.encryptionContext must name at least one, got {}; add one, or remove the field if it may be left out [list-length]",
    ],
    [
      put([
        "{ administrators: [arn:aws:iam::111122223333:role/Admin] }\n  alerts",
        "{ existing: {} }\n  alerts",
      ]),
      "test.yaml:18:24: keys.archive.existing must name at least one, got {}; add one, or remove the field if it may be left out [list-length]",
    ],
    [
      reminders("[]"),
      "test.yaml:30:36: notifications.reminders.daysBeforeDeletion must name at least one, got []; add one, or remove the field if it may be left out [list-length]",
    ],
  ],
  "listed-twice": [
    [
      put(["eu-central-1]", "eu-central-1, eu-west-1]"]),
      'test.yaml:7:36: regions[2] must be listed once, got "eu-west-1"; remove the repetition [listed-twice]',
    ],
    [
      put(["eu-central-1]", "eu-central-1, { name: eu-west-1 }]"]),
      'test.yaml:7:36: regions[2] must be listed once, got "eu-west-1"; remove the repetition [listed-twice]',
    ],
    [
      role("arn:aws:iam::111122223333:role/User, arn:aws:iam::<account>:role/User"),
      'test.yaml:23:50: keys.team.users[1] must be listed once, got "arn:aws:iam::111122223333:role/User"; remove the repetition [listed-twice]',
    ],
    [
      put(['["111122223333"]', '["111122223333", "111122223333"]']),
      'test.yaml:25:41: buses.orders.producers[1] must be listed once, got "111122223333"; remove the repetition [listed-twice]',
    ],
    [
      archive("retentionDays: 90, regions: [eu-west-1, eu-west-1]"),
      'test.yaml:27:66: archives.orders.regions[1] must be listed once, got "eu-west-1"; remove the repetition [listed-twice]',
    ],
    [
      put(["[eu-*]", "[eu-*, eu-*]"]),
      'test.yaml:8:19: residency[1] must be listed once, got "eu-*"; remove the repetition [listed-twice]',
    ],
    [
      reminders("[7, 2, 7]"),
      "test.yaml:30:43: notifications.reminders.daysBeforeDeletion[2] must be listed once, got 7; remove the repetition [listed-twice]",
    ],
    [
      subscription(
        "protocol: email, endpoint: key-alerts@example.com",
        "protocol: email, endpoint: Key-Alerts@example.com, severity: critical",
      ),
      'test.yaml:32:7: notifications.subscriptions[1] must be listed once, got "Key-Alerts@example.com"; remove one of the two: severity: all includes what is critical [listed-twice]',
    ],
    [
      subscription(
        "protocol: https, endpoint: https://alerts.example.com/keyspan",
        "protocol: https, endpoint: https://alerts.example.com/keyspan",
      ),
      'test.yaml:32:7: notifications.subscriptions[1] must be listed once, got "https://alerts.example.com/…"; remove one of the two: severity: all includes what is critical [listed-twice]',
    ],
    [
      subscription(
        "protocol: https, endpoint: { ssm: /pager-url }",
        "protocol: https, endpoint: { ssm: /pager-url }",
      ),
      'test.yaml:32:7: notifications.subscriptions[1] must be listed once, got "/pager-url"; remove one of the two: severity: all includes what is critical [listed-twice]',
    ],
  ],
  "no-template": [
    [
      put(["Owner: platform", "Owner: 'a#{TfToken[TOKEN.0]}'"]),
      'test.yaml:16:16: tags.Owner must not contain ${, %{ or TfToken[, got "a#{TfToken[TOKEN.0]}"; remove it: Terraform or CDKTF would evaluate it as an expression [no-template]',
    ],
    [
      put(["Owner: platform", "Owner: '${self.arn}'"]),
      'test.yaml:16:16: tags.Owner must not contain ${, %{ or TfToken[, got "${self.arn}"; remove it: Terraform or CDKTF would evaluate it as an expression [no-template]',
    ],
    [
      put(["Owner: platform", "'%{Owner}': platform"]),
      'test.yaml:16:9: tags.%{Owner} must not contain ${, %{ or TfToken[, got "%{Owner}"; remove it: Terraform or CDKTF would evaluate it as an expression [no-template]',
    ],
    [
      put(["homeRegion: eu-west-1", 'homeRegion: "${region}"']),
      'test.yaml:6:13: homeRegion must not contain ${, %{ or TfToken[, got "${region}"; remove it: Terraform or CDKTF would evaluate it as an expression [no-template]',
    ],
    [
      conditions("encryptionContext: { tenant: '%{x}' }"),
      'test.yaml:24:48: keys.team.conditions.encryptionContext.tenant must not contain ${, %{ or TfToken[, got "%{x}"; remove it: Terraform or CDKTF would evaluate it as an expression [no-template]',
    ],
    [
      pattern("{ source: ['${var.source}'] }"),
      'test.yaml:27:70: archives.orders.eventPattern.source[0] must not contain ${, %{ or TfToken[, got "${var.source}"; remove it: Terraform or CDKTF would evaluate it as an expression [no-template]',
    ],
    [
      url("https://alerts.example.com/${x}"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must not contain ${, %{ or TfToken[, got "https://alerts.example.com/${x}"; remove it: Terraform or CDKTF would evaluate it as an expression [no-template]',
    ],
  ],
  "home-region-listed": [
    [
      home("eu-north-1", "eu-west-1", "eu-central-1"),
      'test.yaml:6:13: homeRegion must be one of the account\'s regions, got "eu-north-1"; add it to regions, or correct it [home-region-listed]',
    ],
    [
      home("us-gov-west-1", "eu-west-1", "eu-central-1"),
      'test.yaml:6:13: homeRegion must be one of the account\'s regions, got "us-gov-west-1"; add it to regions, or correct it [home-region-listed]',
    ],
  ],
  "home-region-active": [
    [
      put(["[eu-west-1, ", "[{ name: eu-west-1, state: draining }, "]),
      'test.yaml:7:37: regions[0].state must be active in the home region, got "draining"; remove the state: the primary keys stand there, so it cannot be drained [home-region-active]',
    ],
    [
      put(["[eu-west-1, ", "[{ name: eu-west-1, state: retired }, "]),
      'test.yaml:7:37: regions[0].state must be active in the home region, got "retired"; remove the state: the primary keys stand there, so it cannot be drained [home-region-active]',
    ],
  ],
  "one-partition": [
    [
      put(["eu-central-1]\nresidency: [eu-*]", "us-gov-west-1]"]),
      'test.yaml:7:22: regions[1] must be in the partition of the home region, got "us-gov-west-1"; choose a region of that partition: an account lives in one of aws, aws-us-gov and aws-cn [one-partition]',
    ],
    [
      put(["eu-central-1]\nresidency: [eu-*]", "{ name: cn-north-1 }]"]),
      'test.yaml:7:30: regions[1].name must be in the partition of the home region, got "cn-north-1"; choose a region of that partition: an account lives in one of aws, aws-us-gov and aws-cn [one-partition]',
    ],
    [
      put(["  region: eu-west-1", "  region: us-gov-west-1"]),
      'test.yaml:11:11: state.region must be in the partition of the home region, got "us-gov-west-1"; choose a region of that partition: an account lives in one of aws, aws-us-gov and aws-cn [one-partition]',
    ],
  ],
  residency: [
    [
      put(["eu-central-1]", "us-east-1]"]),
      'test.yaml:7:22: regions[1] must match one of the residency patterns, got "us-east-1"; remove the region, or widen residency if the data may be there [residency]',
    ],
    [
      put(["[eu-*]", "[eu-west-1, eu-north-1]"]),
      'test.yaml:7:22: regions[1] must match one of the residency patterns, got "eu-central-1"; remove the region, or widen residency if the data may be there [residency]',
    ],
    [
      queue("arn:aws:sqs:us-east-1:111122223333:q"),
      'test.yaml:31:34: notifications.subscriptions[0].endpoint must match one of the residency patterns, got "arn:aws:sqs:us-east-1:111122223333:q"; take one in a region that residency admits, or widen residency if what is said of keys may be there [residency]',
    ],
    [
      hub("arn:aws:events:us-east-1:999988887777:event-bus/keyspan-hub"),
      'test.yaml:30:20: notifications.organizationHub must match one of the residency patterns, got "arn:aws:events:us-east-1:999988887777:event-bus/keyspan-hub"; take one in a region that residency admits, or widen residency if what is said of keys may be there [residency]',
    ],
  ],
  "own-partition": [
    [
      role("arn:aws-us-gov:iam::111122223333:role/User"),
      'test.yaml:23:13: keys.team.users[0] must be in the account\'s own partition, got "arn:aws-us-gov:iam::111122223333:role/User"; write arn:<partition>: at the beginning; it is filled in [own-partition]',
    ],
    [
      put(["planRole: arn:aws:", "planRole: arn:aws-cn:"]),
      'test.yaml:5:13: account.planRole must be in the account\'s own partition, got "arn:aws-cn:iam::111122223333:role/plan"; write arn:<partition>: at the beginning; it is filled in [own-partition]',
    ],
    [
      put([
        "readRole: arn:aws:",
        "writers: [arn:aws-cn:iam::444455556666:role/pipeline]\n  readRole: arn:aws:",
      ]),
      'test.yaml:15:13: state.writers[0] must be in the account\'s own partition, got "arn:aws-cn:iam::444455556666:role/pipeline"; write arn:<partition>: at the beginning; it is filled in [own-partition]',
    ],
    [
      put([
        "readRole: arn:aws:",
        "readers: [arn:aws-cn:iam::444455556666:role/pull]\n  readRole: arn:aws:",
      ]),
      'test.yaml:15:13: state.readers[0] must be in the account\'s own partition, got "arn:aws-cn:iam::444455556666:role/pull"; write arn:<partition>: at the beginning; it is filled in [own-partition]',
    ],
    [
      put(["readRole: arn:aws:", "readRole: arn:aws-us-gov:"]),
      'test.yaml:15:13: state.readRole must be in the account\'s own partition, got "arn:aws-us-gov:iam::444455556666:role/state-read"; write arn:<partition>: at the beginning; it is filled in [own-partition]',
    ],
    [
      team("externalUsers: [arn:aws-cn:iam::999988887777:role/User]"),
      'test.yaml:24:21: keys.team.externalUsers[0] must be in the account\'s own partition, got "arn:aws-cn:iam::999988887777:role/User"; write arn:<partition>: at the beginning; it is filled in [own-partition]',
    ],
    [
      put(['["111122223333"]', "[arn:aws-cn:iam::999988887777:role/Producer]"]),
      'test.yaml:25:25: buses.orders.producers[0] must be in the account\'s own partition, got "arn:aws-cn:iam::999988887777:role/Producer"; write arn:<partition>: at the beginning; it is filled in [own-partition]',
    ],
    [
      queue("arn:aws-us-gov:sqs:us-gov-west-1:111122223333:q"),
      'test.yaml:31:34: notifications.subscriptions[0].endpoint must be in the account\'s own partition, got "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:q"; write arn:<partition>: at the beginning; it is filled in [own-partition]',
    ],
    [
      hub("arn:aws-cn:events:cn-north-1:999988887777:event-bus/keyspan-hub"),
      'test.yaml:30:20: notifications.organizationHub must be in the account\'s own partition, got "arn:aws-cn:events:cn-north-1:999988887777:event-bus/keyspan-hub"; write arn:<partition>: at the beginning; it is filled in [own-partition]',
    ],
    [
      trail("{ existing: arn:aws-cn:cloudtrail:cn-north-1:111122223333:trail/all }"),
      'test.yaml:32:20: trail.existing must be in the account\'s own partition, got "arn:aws-cn:cloudtrail:cn-north-1:111122223333:trail/all"; write arn:<partition>: at the beginning; it is filled in [own-partition]',
    ],
  ],
  "own-account": [
    [
      put(["  planRole:", "  nextDeployRole: arn:aws:iam::999988887777:role/next\n  planRole:"]),
      'test.yaml:5:19: account.nextDeployRole must be a role of the account itself, got "arn:aws:iam::999988887777:role/next"; correct the account id; a role of another account that is to use a key goes into externalUsers [own-account]',
    ],
    [
      role("arn:aws:iam::999988887777:role/User"),
      'test.yaml:23:13: keys.team.users[0] must be a role of the account itself, got "arn:aws:iam::999988887777:role/User"; correct the account id; a role of another account that is to use a key goes into externalUsers [own-account]',
    ],
    [
      put(["planRole: arn:aws:iam::111122223333", "planRole: arn:aws:iam::111122223334"]),
      'test.yaml:5:13: account.planRole must be a role of the account itself, got "arn:aws:iam::111122223334:role/plan"; correct the account id; a role of another account that is to use a key goes into externalUsers [own-account]',
    ],
    [
      team("breakGlass: [arn:aws:iam::999988887777:role/BreakGlass]"),
      'test.yaml:24:18: keys.team.breakGlass[0] must be a role of the account itself, got "arn:aws:iam::999988887777:role/BreakGlass"; correct the account id; a role of another account that is to use a key goes into externalUsers [own-account]',
    ],
  ],
  "external-account": [
    [
      team("externalUsers: [arn:aws:iam::111122223333:role/Other]"),
      'test.yaml:24:21: keys.team.externalUsers[0] must be a role of another account, got "arn:aws:iam::111122223333:role/Other"; move it to users [external-account]',
    ],
  ],
  "administrator-or-user": [
    [
      role("arn:aws:iam::<account>:role/Admin"),
      'test.yaml:23:13: keys.team.users[0] must not be both administrator and user of a key, got "arn:aws:iam::111122223333:role/Admin"; remove it from one of the two: whoever may change the policy and decrypt needs nobody\'s consent [administrator-or-user]',
    ],
  ],
  "break-glass-or-user": [
    [
      team("breakGlass: [arn:aws:iam::111122223333:role/User]"),
      'test.yaml:23:13: keys.team.users[0] must not be both break-glass role and user of a key, got "arn:aws:iam::111122223333:role/User"; remove it from one of the two: whoever may change the policy and decrypt needs nobody\'s consent [break-glass-or-user]',
    ],
  ],
  "pipeline-role": [
    [
      put(["  planRole:", "  nextDeployRole: arn:aws:iam::111122223333:role/User\n  planRole:"]),
      'test.yaml:24:13: keys.team.users[0] must not be the deploy role or the plan role, got "arn:aws:iam::111122223333:role/User"; name another role: the pipeline must not use keys or stand in for people [pipeline-role]',
    ],
    [
      role("arn:aws:iam::111122223333:role/deploy"),
      'test.yaml:23:13: keys.team.users[0] must not be the deploy role or the plan role, got "arn:aws:iam::111122223333:role/deploy"; name another role: the pipeline must not use keys or stand in for people [pipeline-role]',
    ],
    [
      team("breakGlass: [arn:aws:iam::111122223333:role/plan]"),
      'test.yaml:24:18: keys.team.breakGlass[0] must not be the deploy role or the plan role, got "arn:aws:iam::111122223333:role/plan"; name another role: the pipeline must not use keys or stand in for people [pipeline-role]',
    ],
    [
      put([
        "    administrators: [arn:aws:iam::111122223333:role/Admin]",
        "    administrators: [arn:<partition>:iam::<account>:role/deploy]",
      ]),
      'test.yaml:22:22: keys.team.administrators[0] must not be the deploy role or the plan role, got "arn:aws:iam::111122223333:role/deploy"; name another role: the pipeline must not use keys or stand in for people [pipeline-role]',
    ],
    [
      team("externalUsers: [arn:aws:iam::111122223333:role/plan]"),
      'test.yaml:24:21: keys.team.externalUsers[0] must not be the deploy role or the plan role, got "arn:aws:iam::111122223333:role/plan"; name another role: the pipeline must not use keys or stand in for people [pipeline-role]',
    ],
  ],
  "two-pipeline-roles": [
    [
      put(["  planRole:", "  nextDeployRole: arn:aws:iam::111122223333:role/plan\n  planRole:"]),
      'test.yaml:6:13: account.planRole must be another role than the deploy role, got "arn:aws:iam::111122223333:role/plan"; give plans a role of their own, which cannot apply [two-pipeline-roles]',
    ],
    [
      put(["role/plan", "role/deploy"]),
      'test.yaml:5:13: account.planRole must be another role than the deploy role, got "arn:aws:iam::111122223333:role/deploy"; give plans a role of their own, which cannot apply [two-pipeline-roles]',
    ],
  ],
  "key-has-owner": [
    [
      keys("storage: {}"),
      "test.yaml:24:3: keys.storage must have at least one administrator or break-glass role, got nothing; add administrators or breakGlass; the root user and the deploy role do not count [key-has-owner]",
    ],
    [
      keys(
        "storage: { administrators: [], breakGlass: [], users: [arn:aws:iam::111122223333:role/User] }",
      ),
      "test.yaml:24:3: keys.storage must have at least one administrator or break-glass role, got nothing; add administrators or breakGlass; the root user and the deploy role do not count [key-has-owner]",
    ],
  ],
  "keyspan-key": [
    [
      put(["  archive: {", "  archive: { multiRegion: true,"]),
      "test.yaml:18:27: keys.archive.multiRegion must be a field that Keyspan's own key can have, got true; remove it: this key has a replica key in every region of the account [keyspan-key]",
    ],
    [
      put(["  alerts: {", "  alerts: { regions: [eu-west-1],"]),
      'test.yaml:19:22: keys.alerts.regions must be a field that Keyspan\'s own key can have, got ["eu-west-1"]; remove it: this key has a replica key in every region of the account [keyspan-key]',
    ],
    [
      put(["  audit: {", "  audit: { multiRegion: false,"]),
      "test.yaml:20:25: keys.audit.multiRegion must be a field that Keyspan's own key can have, got false; remove it: this key is in the home region only [keyspan-key]",
    ],
    [
      put(["  audit: {", "  audit: { state: retired,"]),
      'test.yaml:20:19: keys.audit.state must be a field that Keyspan\'s own key can have, got "retired"; remove it: every account needs this key [keyspan-key]',
    ],
    [
      put([
        "alerts: { administrators: [arn:aws:iam::111122223333:role/Admin] }",
        `alerts: { existing: { eu-west-1: "${keyArn("eu-west-1")}" } }`,
      ]),
      'test.yaml:19:23: keys.alerts.existing must be a field that Keyspan\'s own key can have, got {"eu-west-1":"arn:aws:kms:eu-west-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef"}; remove it: Keyspan makes this key itself [keyspan-key]',
    ],
  ],
  "key-region": [
    [
      team("regions: [eu-west-1, eu-north-1]"),
      "test.yaml:24:26: keys.team.regions[1] must be one of the account's regions, got \"eu-north-1\"; add it to the account's regions first [key-region]",
    ],
  ],
  "key-home-region": [
    [
      team("regions: [eu-central-1]"),
      'test.yaml:24:14: keys.team.regions must include the home region, got ["eu-central-1"]; add it: the primary key stands there [key-home-region]',
    ],
  ],
  "single-region-key": [
    [
      team("multiRegion: false", "regions: [eu-west-1]"),
      'test.yaml:25:14: keys.team.regions must not be given for a key that is not multi-Region, got ["eu-west-1"]; such a key is in the home region only: remove regions, or set multiRegion: true for a new key [single-region-key]',
    ],
  ],
  "existing-key-alone": [
    [
      keys(`storage: { rotationDays: 365, existing: { eu-west-1: "${keyArn("eu-west-1")}" } }`),
      "test.yaml:24:28: keys.storage.rotationDays must not be given for an existing key, got 365; remove it: Keyspan does not manage a key that it did not make [existing-key-alone]",
    ],
  ],
  "existing-key-place": [
    [
      existing(`eu-west-1: ${keyArn("eu-west-1")}`, `eu-central-1: ${keyArn("eu-west-1")}`),
      'test.yaml:21:21: keys.archive.existing.eu-central-1 must be a key of the account, in the region that it stands for, got "arn:aws:kms:eu-west-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef"; take the ARN of the account\'s own primary or replica key in that region [existing-key-place]',
    ],
    [
      existing(
        `eu-west-1: ${keyArn("eu-west-1")}`,
        `eu-central-1: ${keyArn("eu-central-1").replace("111122223333", "999988887777")}`,
      ),
      'test.yaml:21:21: keys.archive.existing.eu-central-1 must be a key of the account, in the region that it stands for, got "arn:aws:kms:eu-central-1:999988887777:key/mrk-0123456789abcdef0123456789abcdef"; take the ARN of the account\'s own primary or replica key in that region [existing-key-place]',
    ],
    [
      existing(
        `eu-west-1: ${keyArn("eu-west-1")}`,
        `eu-central-1: ${keyArn("eu-central-1").replace("aws:kms", "aws-cn:kms")}`,
      ),
      'test.yaml:21:21: keys.archive.existing.eu-central-1 must be a key of the account, in the region that it stands for, got "arn:aws-cn:kms:eu-central-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef"; take the ARN of the account\'s own primary or replica key in that region [existing-key-place]',
    ],
  ],
  "existing-key-regions": [
    [
      existing(`eu-west-1: ${keyArn("eu-west-1")}`),
      'test.yaml:19:5: keys.archive.existing must name a key in each region that needs it, got ["eu-west-1"]; add the ARN of the key in eu-central-1 [existing-key-regions]',
    ],
  ],
  "retired-key-used": [
    [
      put(
        ["    administrators:", "    state: retired\n    administrators:"],
        ["{ producers:", "{ key: team, producers:"],
      ),
      'test.yaml:26:18: buses.orders.key must be an active key, got "team"; choose another key for the bus first [retired-key-used]',
    ],
  ],
  "bus-key": [
    [
      put(["{ producers:", "{ key: taem, producers:"]),
      'test.yaml:25:18: buses.orders.key must be the key archive or a multi-Region key of your own, got "taem"; a bus is encrypted in each of its regions: name archive, or a key under keys that is not multiRegion: false [bus-key]',
    ],
    [
      put(["{ producers:", "{ key: alerts, producers:"]),
      'test.yaml:25:18: buses.orders.key must be the key archive or a multi-Region key of your own, got "alerts"; a bus is encrypted in each of its regions: name archive, or a key under keys that is not multiRegion: false [bus-key]',
    ],
    [
      put(["{ producers:", "{ key: audit, producers:"]),
      'test.yaml:25:18: buses.orders.key must be the key archive or a multi-Region key of your own, got "audit"; a bus is encrypted in each of its regions: name archive, or a key under keys that is not multiRegion: false [bus-key]',
    ],
    [
      put(
        ["    administrators:", "    multiRegion: false\n    administrators:"],
        ["{ producers:", "{ key: team, producers:"],
      ),
      'test.yaml:26:18: buses.orders.key must be the key archive or a multi-Region key of your own, got "team"; a bus is encrypted in each of its regions: name archive, or a key under keys that is not multiRegion: false [bus-key]',
    ],
  ],
  "bus-key-regions": [
    [
      put(
        ["    administrators:", "    regions: [eu-west-1]\n    administrators:"],
        ["{ producers:", "{ key: team, producers:"],
      ),
      'test.yaml:26:18: buses.orders.key must have a key in every region of the bus, got "team"; add eu-central-1 to keys.team, or remove it from the bus [bus-key-regions]',
    ],
    [
      put([
        "buses:\n  orders: { producers:",
        `  own: { existing: { eu-west-1: "${keyArn("eu-west-1")}" } }\nbuses:\n  orders: { key: own, producers:`,
      ]),
      'test.yaml:26:18: buses.orders.key must have a key in every region of the bus, got "own"; add eu-central-1 to keys.own, or remove it from the bus [bus-key-regions]',
    ],
  ],
  "bus-region": [
    [
      put(["{ producers:", "{ regions: [eu-west-1, eu-north-1], producers:"]),
      "test.yaml:25:34: buses.orders.regions[1] must be one of the account's regions, got \"eu-north-1\"; add it to the account's regions first [bus-region]",
    ],
  ],
  "existing-bus-alone": [
    [
      buses("default: { existing: true, key: archive }"),
      'test.yaml:26:35: buses.default.key must not be given for an existing bus, got "archive"; remove it: an existing bus only gets archives [existing-bus-alone]',
    ],
    [
      buses('default: { existing: true, producers: ["111122223333"] }'),
      'test.yaml:26:41: buses.default.producers must not be given for an existing bus, got ["111122223333"]; remove it: an existing bus only gets archives [existing-bus-alone]',
    ],
  ],
  "bus-producers": [
    [
      buses("stock: {}"),
      "test.yaml:26:3: buses.stock must say who may put events, got nothing; add producers; the account's own id in quotes admits all that IAM admits [bus-producers]",
    ],
  ],
  "reserved-bus-name": [
    [
      buses('default: { producers: ["111122223333"] }'),
      "test.yaml:26:3: buses.default must not be 'default' or start with 'aws.' or 'keyspan-', got \"default\"; AWS or Keyspan holds that name; for the account's default bus write existing: true [reserved-bus-name]",
    ],
    [
      buses('aws.partner: { producers: ["111122223333"] }'),
      "test.yaml:26:3: buses.aws.partner must not be 'default' or start with 'aws.' or 'keyspan-', got \"aws.partner\"; AWS or Keyspan holds that name; for the account's default bus write existing: true [reserved-bus-name]",
    ],
    [
      buses('keyspan-hub: { producers: ["111122223333"] }'),
      "test.yaml:26:3: buses.keyspan-hub must not be 'default' or start with 'aws.' or 'keyspan-', got \"keyspan-hub\"; AWS or Keyspan holds that name; for the account's default bus write existing: true [reserved-bus-name]",
    ],
    [
      buses("keyspan-hub: { existing: true }"),
      "test.yaml:26:3: buses.keyspan-hub must not be 'keyspan-hub', which Keyspan makes itself, got \"keyspan-hub\"; remove it: Keyspan makes its hub bus with the notifications, and no archive of it [reserved-bus-name]",
    ],
  ],
  "archive-bus": [
    [
      put(["{ bus: orders,", "{ bus: order,"]),
      'test.yaml:27:18: archives.orders.bus must be one of the account\'s buses, got "order"; add it under buses, with existing: true if the account already has it [archive-bus]',
    ],
    [
      put(["{ bus: orders,", "{ bus: constructor,"]),
      'test.yaml:27:18: archives.orders.bus must be one of the account\'s buses, got "constructor"; add it under buses, with existing: true if the account already has it [archive-bus]',
    ],
  ],
  "archive-region": [
    [
      archive("retentionDays: 90, regions: [eu-west-1, eu-north-1]"),
      'test.yaml:27:66: archives.orders.regions[1] must be one of the regions of its bus, got "eu-north-1"; add it to the account\'s regions first [archive-region]',
    ],
    [
      put(
        ["{ producers:", "{ regions: [eu-west-1], producers:"],
        ["retentionDays: 90", "retentionDays: 90, regions: [eu-central-1]"],
      ),
      'test.yaml:27:55: archives.orders.regions[0] must be one of the regions of its bus, got "eu-central-1"; add it to buses.orders.regions first [archive-region]',
    ],
  ],
  "archive-name-unique": [
    [
      archives("week: { bus: orders, name: orders, retentionDays: 7 }"),
      'test.yaml:28:30: archives.week.name must be the only archive of that name in the region, got "orders"; archives.orders has that name there: give one of the two another name [archive-name-unique]',
    ],
    [
      put([
        "archives:\n",
        "archives:\n  week: { bus: orders, name: orders, retentionDays: 7, regions: [eu-central-1] }\n",
      ]),
      'test.yaml:28:3: archives.orders must be the only archive of that name in the region, got "orders"; archives.week has that name there: give one of the two another name [archive-name-unique]',
    ],
  ],
  "event-pattern": [
    [
      pattern("{ source: acme }"),
      'test.yaml:27:69: archives.orders.eventPattern.source must be an array of values or an object of fields, got "acme"; write ["acme"] [event-pattern]',
    ],
    [
      pattern("{ detail: { size: [{ numeric: ['>', big] }] } }"),
      'test.yaml:27:95: archives.orders.eventPattern.detail.size[0].numeric[1] must be a number from -5000000000 to 5000000000, got "big"; use a number in this range, without quotes, or match the value as a string [event-pattern]',
    ],
    [
      pattern("[]"),
      'test.yaml:27:59: archives.orders.eventPattern must be an object with at least one field, got []; write it as an object, such as {"source":["aws.kms"]} [event-pattern]',
    ],
  ],
  "physical-name": [
    [
      buses(`b${x(60)}: { producers: ["111122223333"] }`),
      `test.yaml:26:3: buses.b${x(60)} must be at most 80 characters long, the limit for queue names (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html), got "keyspan-b${x(60)}-dead-letter"; shorten it to 60 characters: its dead-letter queue is named after it [physical-name]`,
    ],
    [
      keys(`? k${x(242)}\n  : { administrators: [arn:aws:iam::111122223333:role/Admin] }`),
      `test.yaml:24:5: keys.k${x(242)} must be at most 256 characters long, the limit for KMS alias names (https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html), got "alias/keyspan-k${x(104)}…; shorten it [physical-name]`,
    ],
    [
      buses(`? b${x(256)}\n  : { existing: true }`),
      `test.yaml:26:5: buses.b${x(256)} must be at most 256 characters long, the limit for event bus names (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html), got "b${x(118)}…; shorten it [physical-name]`,
    ],
    [
      put(["keyPrefix: keyspan", `keyPrefix: ${x(983)}`]),
      `test.yaml:12:3: state.keyPrefix must be at most 1024 characters long, the limit for state object key names (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html), got "${x(119)}…; shorten it [physical-name]`,
    ],
  ],
  "use-period": [
    [
      conditions('notBefore: "2027-01-31T00:00:00Z", notAfter: "2027-01-31T00:00:00Z"'),
      'test.yaml:24:64: keys.team.conditions.notAfter must be after notBefore, got "2027-01-31T00:00:00Z"; swap or correct the two [use-period]',
    ],
    [
      conditions('notBefore: "2027-01-31T00:00:00Z", notAfter: "2026-12-31T00:00:00Z"'),
      'test.yaml:24:64: keys.team.conditions.notAfter must be after notBefore, got "2026-12-31T00:00:00Z"; swap or correct the two [use-period]',
    ],
  ],
  "network-or-service": [
    [
      conditions("viaServices: [s3], sourceIps: [203.0.113.0/24]"),
      'test.yaml:24:49: keys.team.conditions.sourceIps must not be combined with viaServices, got ["203.0.113.0/24"]; remove one of the two, or use two keys: services call KMS from their own network [network-or-service]',
    ],
    [
      conditions("viaServices: [s3], sourceVpces: [vpce-0123456789abcdef0]"),
      'test.yaml:24:51: keys.team.conditions.sourceVpces must not be combined with viaServices, got ["vpce-0123456789abcdef0"]; remove one of the two, or use two keys: services call KMS from their own network [network-or-service]',
    ],
  ],
  "adopted-key": [
    [
      put(["eu-central-1]", `{ name: eu-central-1, adopt: { taem: ${MRK} } }]`]),
      'test.yaml:7:53: regions[1].adopt.taem must be a key that has a replica key in the region, got "taem"; correct the name; primary and single-Region keys are adopted by keys.<name>.adopt [adopted-key]',
    ],
    [
      put(["eu-central-1]", `{ name: eu-central-1, adopt: { audit: ${MRK} } }]`]),
      'test.yaml:7:53: regions[1].adopt.audit must be a key that has a replica key in the region, got "audit"; correct the name; primary and single-Region keys are adopted by keys.<name>.adopt [adopted-key]',
    ],
    [
      put(["[eu-west-1, ", `[{ name: eu-west-1, adopt: { team: ${MRK} } }, `]),
      'test.yaml:7:39: regions[0].adopt.team must be a key that has a replica key in the region, got "team"; correct the name; primary and single-Region keys are adopted by keys.<name>.adopt [adopted-key]',
    ],
  ],
  "adopted-key-kind": [
    [
      team(`adopt: ${UUID}`),
      'test.yaml:24:12: keys.team.adopt must be the id of a key of the same kind: mrk-... if the key is multi-Region, a UUID if it is not, got "01234567-89ab-cdef-0123-456789abcdef"; correct the id or multiRegion: KMS cannot turn one kind into the other [adopted-key-kind]',
    ],
    [
      team("multiRegion: false", `adopt: ${MRK}`),
      'test.yaml:25:12: keys.team.adopt must be the id of a key of the same kind: mrk-... if the key is multi-Region, a UUID if it is not, got "mrk-0123456789abcdef0123456789abcdef"; correct the id or multiRegion: KMS cannot turn one kind into the other [adopted-key-kind]',
    ],
    [
      put(["  audit: {", `  audit: { adopt: ${MRK},`]),
      'test.yaml:20:19: keys.audit.adopt must be the id of a key of the same kind: mrk-... if the key is multi-Region, a UUID if it is not, got "mrk-0123456789abcdef0123456789abcdef"; correct the id or multiRegion: KMS cannot turn one kind into the other [adopted-key-kind]',
    ],
    [
      put(["eu-central-1]", `{ name: eu-central-1, adopt: { team: ${UUID} } }]`]),
      'test.yaml:7:59: regions[1].adopt.team must be the id of a key of the same kind: mrk-... if the key is multi-Region, a UUID if it is not, got "01234567-89ab-cdef-0123-456789abcdef"; correct the id or multiRegion: KMS cannot turn one kind into the other [adopted-key-kind]',
    ],
  ],
  "state-account": [
    [
      put(["writeRole: arn:aws:iam::444455556666", "writeRole: arn:aws:iam::111122223333"]),
      'test.yaml:14:14: state.writeRole must be a role of the account that holds the state bucket, got "arn:aws:iam::111122223333:role/state-write"; write it like arn:<partition>:iam::<state.account>:role/Name with the id of state.account [state-account]',
    ],
    [
      put(["readRole: arn:aws:iam::444455556666", "readRole: arn:aws:iam::<account>"]),
      'test.yaml:15:13: state.readRole must be a role of the account that holds the state bucket, got "arn:aws:iam::111122223333:role/state-read"; write it like arn:<partition>:iam::<state.account>:role/Name with the id of state.account [state-account]',
    ],
  ],
  watch: [
    [
      notifications("watch: own"),
      'test.yaml:30:10: notifications.watch must be all or managed, got "own"; write all to hear of every customer managed key of the active regions, or managed to hear of Keyspan\'s own only [watch]',
    ],
  ],
  "reminder-days": [
    [
      reminders("[14, 0]"),
      "test.yaml:30:41: notifications.reminders.daysBeforeDeletion[1] must be a whole number of days from 1 to 30, got 0; write numbers in that range, without quotes, such as [14, 7, 2, 1]: no key waits longer for its deletion [reminder-days]",
    ],
    [
      reminders("[31]"),
      "test.yaml:30:37: notifications.reminders.daysBeforeDeletion[0] must be a whole number of days from 1 to 30, got 31; write numbers in that range, without quotes, such as [14, 7, 2, 1]: no key waits longer for its deletion [reminder-days]",
    ],
    [
      reminders("[1.5]"),
      "test.yaml:30:37: notifications.reminders.daysBeforeDeletion[0] must be a whole number of days from 1 to 30, got 1.5; write numbers in that range, without quotes, such as [14, 7, 2, 1]: no key waits longer for its deletion [reminder-days]",
    ],
    [
      reminders('["7"]'),
      'test.yaml:30:37: notifications.reminders.daysBeforeDeletion[0] must be a whole number of days from 1 to 30, got "7"; write numbers in that range, without quotes, such as [14, 7, 2, 1]: no key waits longer for its deletion [reminder-days]',
    ],
  ],
  "subscription-count": [
    [
      put(["\n    - { protocol: email, endpoint: key-alerts@example.com }", " []"]),
      "test.yaml:30:18: notifications.subscriptions must hold 1 to 50 subscriptions, got []; add one, or let a mailing list or a queue stand for several: alerts that nobody hears protect nothing [subscription-count]",
    ],
    [
      subscription(
        ...Array.from({ length: 51 }, (_, n) => `protocol: email, endpoint: ops${n}@example.com`),
      ),
      'test.yaml:31:5: notifications.subscriptions must hold 1 to 50 subscriptions, got [{"protocol":"email","endpoint":"ops0@example.com"},{"protocol":"email","endpoint":"ops1@example.com"},{"protocol":"emai…; add one, or let a mailing list or a queue stand for several: alerts that nobody hears protect nothing [subscription-count]',
    ],
  ],
  "subscription-protocol": [
    [
      subscription("protocol: http, endpoint: http://alerts.example.com"),
      'test.yaml:31:19: notifications.subscriptions[0].protocol must be email, https, sqs or lambda, got "http"; write one of them: a queue or function can pass messages on to anything else [subscription-protocol]',
    ],
    [
      subscription("protocol: sms, endpoint: '+491701234567'"),
      'test.yaml:31:19: notifications.subscriptions[0].protocol must be email, https, sqs or lambda, got "sms"; write one of them: a queue or function can pass messages on to anything else [subscription-protocol]',
    ],
  ],
  "subscription-severity": [
    [
      subscription("protocol: email, endpoint: key-alerts@example.com, severity: warning"),
      'test.yaml:31:70: notifications.subscriptions[0].severity must be critical or all, got "warning"; write critical to leave out what can wait, or remove the field to hear all [subscription-severity]',
    ],
  ],
  endpoint: [
    [
      subscription("protocol: email, endpoint: 4711"),
      "test.yaml:31:36: notifications.subscriptions[0].endpoint must be text, or a map with the field ssm, got 4711; write the address, URL or ARN that the protocol needs, or { ssm: /name } for an https URL that is secret [endpoint]",
    ],
    [
      subscription("protocol: sqs, endpoint: [arn:aws:sqs:eu-west-1:111122223333:q]"),
      'test.yaml:31:34: notifications.subscriptions[0].endpoint must be text, or a map with the field ssm, got ["arn:aws:sqs:eu-west-1:111122223333:q"]; write the address, URL or ARN that the protocol needs, or { ssm: /name } for an https URL that is secret [endpoint]',
    ],
  ],
  "email-address": [
    [
      email("key-alerts"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be an e-mail address, got "key-alerts"; write it like key-alerts@example.com, without a name before it [email-address]',
    ],
    [
      email("Key Alerts <key-alerts@example.com>"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be an e-mail address, got "Key Alerts <key-alerts@example.com>"; write it like key-alerts@example.com, without a name before it [email-address]',
    ],
    [
      email("key-alerts@localhost"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be an e-mail address, got "key-alerts@localhost"; write it like key-alerts@example.com, without a name before it [email-address]',
    ],
    [
      email("key..alerts@example.com"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be an e-mail address, got "key..alerts@example.com"; write it like key-alerts@example.com, without a name before it [email-address]',
    ],
    [
      email(`${x(65)}@example.com`),
      `test.yaml:31:36: notifications.subscriptions[0].endpoint must be an e-mail address, got "${x(65)}@example.com"; write it like key-alerts@example.com, without a name before it [email-address]`,
    ],
    [
      email(`ops@${`${x(61)}.`.repeat(4)}com`),
      `test.yaml:31:36: notifications.subscriptions[0].endpoint must be an e-mail address, got "ops@${x(61)}.${x(53)}…; write it like key-alerts@example.com, without a name before it [email-address]`,
    ],
  ],
  "group-address": [
    [
      email("jane.doe@example.com"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be the address of a group, not of a person: people leave, and configs are read by many, got "jane.doe@example.com"; write the address of a list at a domain of your own, with a word such as alerts, team, ops or security before the @ [group-address]',
    ],
    [
      email("j.doe@example.com"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be the address of a group, not of a person: people leave, and configs are read by many, got "j.doe@example.com"; write the address of a list at a domain of your own, with a word such as alerts, team, ops or security before the @ [group-address]',
    ],
    [
      email("Jane_Doe2@example.com"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be the address of a group, not of a person: people leave, and configs are read by many, got "Jane_Doe2@example.com"; write the address of a list at a domain of your own, with a word such as alerts, team, ops or security before the @ [group-address]',
    ],
    [
      email("anna-maria.doe+alerts@example.com"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be the address of a group, not of a person: people leave, and configs are read by many, got "anna-maria.doe+alerts@example.com"; write the address of a list at a domain of your own, with a word such as alerts, team, ops or security before the @ [group-address]',
    ],
    [
      email("key-alerts@gmail.com"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be the address of a group, not of a person: people leave, and configs are read by many, got "key-alerts@gmail.com"; write the address of a list at a domain of your own, with a word such as alerts, team, ops or security before the @ [group-address]',
    ],
    [
      email("key-alerts@Yahoo.co.uk"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be the address of a group, not of a person: people leave, and configs are read by many, got "key-alerts@Yahoo.co.uk"; write the address of a list at a domain of your own, with a word such as alerts, team, ops or security before the @ [group-address]',
    ],
  ],
  "https-url": [
    [
      url("http://alerts.example.com/keyspan?token=abc"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be an https URL with a host name, without spaces and #, got "http://alerts.example.com/…"; write it like https://alerts.example.com/keyspan: SNS would send in the clear over http, and needs a certificate for the name [https-url]',
    ],
    [
      url("alerts.example.com"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be an https URL with a host name, without spaces and #, got "alerts.example.com"; write it like https://alerts.example.com/keyspan: SNS would send in the clear over http, and needs a certificate for the name [https-url]',
    ],
    [
      url("https://alerts/keyspan"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be an https URL with a host name, without spaces and #, got "https://alerts/…"; write it like https://alerts.example.com/keyspan: SNS would send in the clear over http, and needs a certificate for the name [https-url]',
    ],
    [
      url("https://203.0.113.7/keyspan"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be an https URL with a host name, without spaces and #, got "https://203.0.113.7/…"; write it like https://alerts.example.com/keyspan: SNS would send in the clear over http, and needs a certificate for the name [https-url]',
    ],
    [
      url("https://alerts.example.com/#keyspan"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be an https URL with a host name, without spaces and #, got "https://alerts.example.com/…"; write it like https://alerts.example.com/keyspan: SNS would send in the clear over http, and needs a certificate for the name [https-url]',
    ],
    [
      url("https://alerts.example.com/key span"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be an https URL with a host name, without spaces and #, got "https://alerts.example.com/…"; write it like https://alerts.example.com/keyspan: SNS would send in the clear over http, and needs a certificate for the name [https-url]',
    ],
  ],
  "secret-in-url": [
    [
      url("https://user:hunter2@alerts.example.com/"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must not hold what looks like a secret: configs are read by many, got "https://alerts.example.com/…"; write endpoint: { ssm: /keyspan/pager-url }, put the URL into that parameter of the home region, and have the secret replaced [secret-in-url]',
    ],
    [
      url("https://user@alerts.example.com/"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must not hold what looks like a secret: configs are read by many, got "https://alerts.example.com/…"; write endpoint: { ssm: /keyspan/pager-url }, put the URL into that parameter of the home region, and have the secret replaced [secret-in-url]',
    ],
    [
      url("https://alerts.example.com/keyspan?Access-Token=x"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must not hold what looks like a secret: configs are read by many, got "https://alerts.example.com/…"; write endpoint: { ssm: /keyspan/pager-url }, put the URL into that parameter of the home region, and have the secret replaced [secret-in-url]',
    ],
    [
      url("https://alerts.example.com/keyspan?id=a1b2c3d4e5f6a7b8"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must not hold what looks like a secret: configs are read by many, got "https://alerts.example.com/…"; write endpoint: { ssm: /keyspan/pager-url }, put the URL into that parameter of the home region, and have the secret replaced [secret-in-url]',
    ],
    [
      url("https://alerts.example.com/0123456789abcdef/enqueue"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must not hold what looks like a secret: configs are read by many, got "https://alerts.example.com/…"; write endpoint: { ssm: /keyspan/pager-url }, put the URL into that parameter of the home region, and have the secret replaced [secret-in-url]',
    ],
    [
      url("https://alerts.example.com/01234567-89ab-cdef-0123-456789abcdef"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must not hold what looks like a secret: configs are read by many, got "https://alerts.example.com/…"; write endpoint: { ssm: /keyspan/pager-url }, put the URL into that parameter of the home region, and have the secret replaced [secret-in-url]',
    ],
    [
      url("https://alerts.example.com/%61%31%62%32%63%33%64%34%65%35%66%36%61%37%62%38"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must not hold what looks like a secret: configs are read by many, got "https://alerts.example.com/…"; write endpoint: { ssm: /keyspan/pager-url }, put the URL into that parameter of the home region, and have the secret replaced [secret-in-url]',
    ],
    [
      url(`https://alerts.example.com/${x(32)}`),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must not hold what looks like a secret: configs are read by many, got "https://alerts.example.com/…"; write endpoint: { ssm: /keyspan/pager-url }, put the URL into that parameter of the home region, and have the secret replaced [secret-in-url]',
    ],
    [
      url("https://hooks.slack.com/services/a/b/c"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must not hold what looks like a secret: configs are read by many, got "https://hooks.slack.com/…"; write endpoint: { ssm: /keyspan/pager-url }, put the URL into that parameter of the home region, and have the secret replaced [secret-in-url]',
    ],
    [
      url("https://acme.webhook.office.com/hook"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must not hold what looks like a secret: configs are read by many, got "https://acme.webhook.office.com/…"; write endpoint: { ssm: /keyspan/pager-url }, put the URL into that parameter of the home region, and have the secret replaced [secret-in-url]',
    ],
  ],
  "ssm-parameter": [
    [
      ssm("keyspan/pager-url"),
      "test.yaml:31:43: notifications.subscriptions[0].endpoint.ssm must be the full name of an SSM parameter: / and up to 15 levels of letters, digits, '_', '-' and '.', at most 1011 characters, not starting with aws or ssm, got \"keyspan/pager-url\"; write it like /keyspan/pager-url; see https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html [ssm-parameter]",
    ],
    [
      ssm("/keyspan/"),
      "test.yaml:31:43: notifications.subscriptions[0].endpoint.ssm must be the full name of an SSM parameter: / and up to 15 levels of letters, digits, '_', '-' and '.', at most 1011 characters, not starting with aws or ssm, got \"/keyspan/\"; write it like /keyspan/pager-url; see https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html [ssm-parameter]",
    ],
    [
      ssm("/keyspan/pager url"),
      "test.yaml:31:43: notifications.subscriptions[0].endpoint.ssm must be the full name of an SSM parameter: / and up to 15 levels of letters, digits, '_', '-' and '.', at most 1011 characters, not starting with aws or ssm, got \"/keyspan/pager url\"; write it like /keyspan/pager-url; see https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html [ssm-parameter]",
    ],
    [
      ssm("/AWS/pager-url"),
      "test.yaml:31:43: notifications.subscriptions[0].endpoint.ssm must be the full name of an SSM parameter: / and up to 15 levels of letters, digits, '_', '-' and '.', at most 1011 characters, not starting with aws or ssm, got \"/AWS/pager-url\"; write it like /keyspan/pager-url; see https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html [ssm-parameter]",
    ],
    [
      ssm("/ssm-url"),
      "test.yaml:31:43: notifications.subscriptions[0].endpoint.ssm must be the full name of an SSM parameter: / and up to 15 levels of letters, digits, '_', '-' and '.', at most 1011 characters, not starting with aws or ssm, got \"/ssm-url\"; write it like /keyspan/pager-url; see https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html [ssm-parameter]",
    ],
    [
      ssm("/a".repeat(16)),
      "test.yaml:31:43: notifications.subscriptions[0].endpoint.ssm must be the full name of an SSM parameter: / and up to 15 levels of letters, digits, '_', '-' and '.', at most 1011 characters, not starting with aws or ssm, got \"/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a\"; write it like /keyspan/pager-url; see https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html [ssm-parameter]",
    ],
    [
      ssm(`/${x(1011)}`),
      `test.yaml:31:43: notifications.subscriptions[0].endpoint.ssm must be the full name of an SSM parameter: / and up to 15 levels of letters, digits, '_', '-' and '.', at most 1011 characters, not starting with aws or ssm, got "/${x(118)}…; write it like /keyspan/pager-url; see https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html [ssm-parameter]`,
    ],
  ],
  "ssm-protocol": [
    [
      subscription("protocol: email, endpoint: { ssm: /keyspan/address }"),
      'test.yaml:31:36: notifications.subscriptions[0].endpoint must be written out: only an https endpoint may come from an SSM parameter, got {"ssm":"/keyspan/address"}; write the address or ARN here: it is no secret, and whoever reviews the file sees who hears [ssm-protocol]',
    ],
    [
      subscription("protocol: sqs, endpoint: { ssm: /keyspan/queue }"),
      'test.yaml:31:34: notifications.subscriptions[0].endpoint must be written out: only an https endpoint may come from an SSM parameter, got {"ssm":"/keyspan/queue"}; write the address or ARN here: it is no secret, and whoever reviews the file sees who hears [ssm-protocol]',
    ],
  ],
  "queue-arn": [
    [
      queue("https://sqs.eu-west-1.amazonaws.com/111122223333/q"),
      'test.yaml:31:34: notifications.subscriptions[0].endpoint must be the ARN of a standard SQS queue in a region of its partition, got "https://sqs.eu-west-1.amazonaws.com/111122223333/q"; write it like arn:<partition>:sqs:<region>:<account>:queue with the name of a region; a standard topic cannot send to a .fifo queue [queue-arn]',
    ],
    [
      queue("arn:aws:sqs:eu-west-1:111122223333:q.fifo"),
      'test.yaml:31:34: notifications.subscriptions[0].endpoint must be the ARN of a standard SQS queue in a region of its partition, got "arn:aws:sqs:eu-west-1:111122223333:q.fifo"; write it like arn:<partition>:sqs:<region>:<account>:queue with the name of a region; a standard topic cannot send to a .fifo queue [queue-arn]',
    ],
    [
      queue("arn:aws:sns:eu-west-1:111122223333:q"),
      'test.yaml:31:34: notifications.subscriptions[0].endpoint must be the ARN of a standard SQS queue in a region of its partition, got "arn:aws:sns:eu-west-1:111122223333:q"; write it like arn:<partition>:sqs:<region>:<account>:queue with the name of a region; a standard topic cannot send to a .fifo queue [queue-arn]',
    ],
    [
      queue("arn:aws:sqs:eu-west-9:111122223333:q"),
      'test.yaml:31:34: notifications.subscriptions[0].endpoint must be the ARN of a standard SQS queue in a region of its partition, got "arn:aws:sqs:eu-west-9:111122223333:q"; write it like arn:<partition>:sqs:<region>:<account>:queue with the name of a region; a standard topic cannot send to a .fifo queue [queue-arn]',
    ],
    [
      queue("arn:aws:sqs:us-gov-west-1:111122223333:q"),
      'test.yaml:31:34: notifications.subscriptions[0].endpoint must be the ARN of a standard SQS queue in a region of its partition, got "arn:aws:sqs:us-gov-west-1:111122223333:q"; write it like arn:<partition>:sqs:<region>:<account>:queue with the name of a region; a standard topic cannot send to a .fifo queue [queue-arn]',
    ],
    [
      queue(`arn:aws:sqs:eu-west-1:111122223333:${x(81)}`),
      `test.yaml:31:34: notifications.subscriptions[0].endpoint must be the ARN of a standard SQS queue in a region of its partition, got "arn:aws:sqs:eu-west-1:111122223333:${x(81)}"; write it like arn:<partition>:sqs:<region>:<account>:queue with the name of a region; a standard topic cannot send to a .fifo queue [queue-arn]`,
    ],
  ],
  "function-arn": [
    [
      lambda("page"),
      'test.yaml:31:37: notifications.subscriptions[0].endpoint must be the ARN of a Lambda function in a region of its partition, got "page"; write it like arn:<partition>:lambda:<region>:<account>:function:name with the name of a region [function-arn]',
    ],
    [
      lambda("arn:aws:lambda:eu-west-1:111122223333:layer:page"),
      'test.yaml:31:37: notifications.subscriptions[0].endpoint must be the ARN of a Lambda function in a region of its partition, got "arn:aws:lambda:eu-west-1:111122223333:layer:page"; write it like arn:<partition>:lambda:<region>:<account>:function:name with the name of a region [function-arn]',
    ],
    [
      lambda(`arn:aws:lambda:eu-west-1:111122223333:function:${x(65)}`),
      `test.yaml:31:37: notifications.subscriptions[0].endpoint must be the ARN of a Lambda function in a region of its partition, got "arn:aws:lambda:eu-west-1:111122223333:function:${x(65)}"; write it like arn:<partition>:lambda:<region>:<account>:function:name with the name of a region [function-arn]`,
    ],
    [
      lambda("arn:aws:lambda:eu-west-9:111122223333:function:page"),
      'test.yaml:31:37: notifications.subscriptions[0].endpoint must be the ARN of a Lambda function in a region of its partition, got "arn:aws:lambda:eu-west-9:111122223333:function:page"; write it like arn:<partition>:lambda:<region>:<account>:function:name with the name of a region [function-arn]',
    ],
  ],
  "delivery-account": [
    [
      queue("arn:aws:sqs:eu-west-1:999988887777:q"),
      'test.yaml:31:34: notifications.subscriptions[0].endpoint must be in the account itself, got "arn:aws:sqs:eu-west-1:999988887777:q"; name one of this account: SNS asks the owner of any other to confirm, and Terraform would wait for that in vain; another account hears everything through organizationHub [delivery-account]',
    ],
    [
      lambda("arn:aws:lambda:eu-west-1:999988887777:function:page"),
      'test.yaml:31:37: notifications.subscriptions[0].endpoint must be in the account itself, got "arn:aws:lambda:eu-west-1:999988887777:function:page"; name one of this account: SNS asks the owner of any other to confirm, and Terraform would wait for that in vain; another account hears everything through organizationHub [delivery-account]',
    ],
  ],
  "delivery-region": [
    [
      lambda("arn:aws:lambda:eu-south-1:111122223333:function:page"),
      'test.yaml:31:37: notifications.subscriptions[0].endpoint must be in a region that SNS delivers to from the home region, got "arn:aws:lambda:eu-south-1:111122223333:function:page"; take one in the home region: SNS reaches no function in another opt-in region, and from one opt-in region nothing in another; see https://docs.aws.amazon.com/sns/latest/dg/lambda-prereq.html [delivery-region]',
    ],
    [
      moved("eu-south-1", "protocol: sqs, endpoint: arn:aws:sqs:eu-south-2:111122223333:q"),
      'test.yaml:30:34: notifications.subscriptions[0].endpoint must be in a region that SNS delivers to from the home region, got "arn:aws:sqs:eu-south-2:111122223333:q"; take one in the home region: SNS reaches no function in another opt-in region, and from one opt-in region nothing in another; see https://docs.aws.amazon.com/sns/latest/dg/lambda-prereq.html [delivery-region]',
    ],
    [
      moved(
        "eu-south-1",
        "protocol: lambda, endpoint: arn:aws:lambda:eu-south-2:111122223333:function:page",
      ),
      'test.yaml:30:37: notifications.subscriptions[0].endpoint must be in a region that SNS delivers to from the home region, got "arn:aws:lambda:eu-south-2:111122223333:function:page"; take one in the home region: SNS reaches no function in another opt-in region, and from one opt-in region nothing in another; see https://docs.aws.amazon.com/sns/latest/dg/lambda-prereq.html [delivery-region]',
    ],
  ],
  "event-bus-arn": [
    [
      hub("keyspan-hub"),
      'test.yaml:30:20: notifications.organizationHub must be the ARN of an event bus in a region of its partition, other than the default bus and AWS\'s own, got "keyspan-hub"; write it like arn:<partition>:events:<region>:<account>:event-bus/keyspan-hub with the name of a region: no account should let others write to its default bus [event-bus-arn]',
    ],
    [
      hub("arn:aws:events:eu-west-1:999988887777:event-bus/default"),
      'test.yaml:30:20: notifications.organizationHub must be the ARN of an event bus in a region of its partition, other than the default bus and AWS\'s own, got "arn:aws:events:eu-west-1:999988887777:event-bus/default"; write it like arn:<partition>:events:<region>:<account>:event-bus/keyspan-hub with the name of a region: no account should let others write to its default bus [event-bus-arn]',
    ],
    [
      hub("arn:aws:events:eu-west-1:999988887777:event-bus/aws.partner/example.com/a"),
      'test.yaml:30:20: notifications.organizationHub must be the ARN of an event bus in a region of its partition, other than the default bus and AWS\'s own, got "arn:aws:events:eu-west-1:999988887777:event-bus/aws.partner/example.com/a"; write it like arn:<partition>:events:<region>:<account>:event-bus/keyspan-hub with the name of a region: no account should let others write to its default bus [event-bus-arn]',
    ],
    [
      hub("arn:aws:events:eu-west-9:999988887777:event-bus/keyspan-hub"),
      'test.yaml:30:20: notifications.organizationHub must be the ARN of an event bus in a region of its partition, other than the default bus and AWS\'s own, got "arn:aws:events:eu-west-9:999988887777:event-bus/keyspan-hub"; write it like arn:<partition>:events:<region>:<account>:event-bus/keyspan-hub with the name of a region: no account should let others write to its default bus [event-bus-arn]',
    ],
    [
      hub("arn:aws:events:eu-west-1:999988887777:rule/keyspan-hub"),
      'test.yaml:30:20: notifications.organizationHub must be the ARN of an event bus in a region of its partition, other than the default bus and AWS\'s own, got "arn:aws:events:eu-west-1:999988887777:rule/keyspan-hub"; write it like arn:<partition>:events:<region>:<account>:event-bus/keyspan-hub with the name of a region: no account should let others write to its default bus [event-bus-arn]',
    ],
    [
      hub(`arn:aws:events:eu-west-1:999988887777:event-bus/${x(257)}`),
      `test.yaml:30:20: notifications.organizationHub must be the ARN of an event bus in a region of its partition, other than the default bus and AWS's own, got "arn:aws:events:eu-west-1:999988887777:event-bus/${x(71)}…; write it like arn:<partition>:events:<region>:<account>:event-bus/keyspan-hub with the name of a region: no account should let others write to its default bus [event-bus-arn]`,
    ],
  ],
  "own-hub": [
    [
      hub(
        "arn:<partition>:events:eu-west-1:<account>:event-bus/hub",
        "organizationId: o-a1b2c3d4e5",
      ),
      'test.yaml:30:20: notifications.organizationHub must be the hub bus, if it is a bus of this account, got "arn:aws:events:eu-west-1:111122223333:event-bus/hub"; write arn:aws:events:eu-west-1:111122223333:event-bus/keyspan-hub, or remove it if this account is not the organisation\'s hub [own-hub]',
    ],
    [
      hub(
        "arn:<partition>:events:eu-central-1:<account>:event-bus/keyspan-hub",
        "organizationId: o-a1b2c3d4e5",
      ),
      'test.yaml:30:20: notifications.organizationHub must be the hub bus, if it is a bus of this account, got "arn:aws:events:eu-central-1:111122223333:event-bus/keyspan-hub"; write arn:aws:events:eu-west-1:111122223333:event-bus/keyspan-hub, or remove it if this account is not the organisation\'s hub [own-hub]',
    ],
  ],
  "hub-organization": [
    [
      hub("arn:<partition>:events:eu-west-1:<account>:event-bus/keyspan-hub"),
      "test.yaml:29:1: notifications.organizationId must be given exactly when organizationHub is this account's own hub bus, got nothing; add the id of the organisation whose accounts may forward to the hub [hub-organization]",
    ],
    [
      hub(
        "arn:aws:events:eu-west-1:999988887777:event-bus/keyspan-hub",
        "organizationId: o-a1b2c3d4e5",
      ),
      "test.yaml:31:19: notifications.organizationId must be given exactly when organizationHub is this account's own hub bus, got \"o-a1b2c3d4e5\"; remove it: nobody forwards to an account that is not the organisation's hub [hub-organization]",
    ],
    [
      notifications("organizationId: o-a1b2c3d4e5"),
      "test.yaml:30:19: notifications.organizationId must be given exactly when organizationHub is this account's own hub bus, got \"o-a1b2c3d4e5\"; remove it: nobody forwards to an account that is not the organisation's hub [hub-organization]",
    ],
  ],
  "footer-text": [
    [
      footer('""'),
      'test.yaml:30:22: notifications.footer.contact must be 1 to 300 characters of text in one line, without control characters, got ""; shorten it, put a number in quotes, or write a link to what does not fit [footer-text]',
    ],
    [
      footer('"  "'),
      'test.yaml:30:22: notifications.footer.contact must be 1 to 300 characters of text in one line, without control characters, got "  "; shorten it, put a number in quotes, or write a link to what does not fit [footer-text]',
    ],
    [
      footer('"a\\nb"'),
      'test.yaml:30:22: notifications.footer.contact must be 1 to 300 characters of text in one line, without control characters, got "a\\nb"; shorten it, put a number in quotes, or write a link to what does not fit [footer-text]',
    ],
    [
      footer('"a\\u2028b"'),
      'test.yaml:30:22: notifications.footer.contact must be 1 to 300 characters of text in one line, without control characters, got "a�b"; shorten it, put a number in quotes, or write a link to what does not fit [footer-text]',
    ],
    [
      footer(x(301)),
      `test.yaml:30:22: notifications.footer.contact must be 1 to 300 characters of text in one line, without control characters, got "${x(119)}…; shorten it, put a number in quotes, or write a link to what does not fit [footer-text]`,
    ],
    [
      footer("4711"),
      "test.yaml:30:22: notifications.footer.contact must be 1 to 300 characters of text in one line, without control characters, got 4711; shorten it, put a number in quotes, or write a link to what does not fit [footer-text]",
    ],
    [
      notifications("footer: { runbook: [] }"),
      "test.yaml:30:22: notifications.footer.runbook must be 1 to 300 characters of text in one line, without control characters, got []; shorten it, put a number in quotes, or write a link to what does not fit [footer-text]",
    ],
  ],
  "trail-mode": [
    [
      trail("existing"),
      'test.yaml:32:8: trail must be create or organization, or a map with one of create, existing and organization, got "existing"; write create if the account has no trail yet, existing: <arn> if it has its own, or organization if the organisation\'s records the account [trail-mode]',
    ],
    [
      trail("true"),
      "test.yaml:32:8: trail must be create or organization, or a map with one of create, existing and organization, got true; write create if the account has no trail yet, existing: <arn> if it has its own, or organization if the organisation's records the account [trail-mode]",
    ],
    [
      trail("{}"),
      "test.yaml:32:8: trail must be create or organization, or a map with one of create, existing and organization, got {}; write create if the account has no trail yet, existing: <arn> if it has its own, or organization if the organisation's records the account [trail-mode]",
    ],
    [
      trail("{ create: {}, organization: arn:aws:cloudtrail:eu-west-1:999988887777:trail/all }"),
      'test.yaml:32:8: trail must be create or organization, or a map with one of create, existing and organization, got {"create":{},"organization":"arn:aws:cloudtrail:eu-west-1:999988887777:trail/all"}; write create if the account has no trail yet, existing: <arn> if it has its own, or organization if the organisation\'s records the account [trail-mode]',
    ],
  ],
  "trail-arn": [
    [
      trail("{ existing: management }"),
      'test.yaml:32:20: trail.existing must be the ARN of a CloudTrail trail in a region of its partition, got "management"; take TrailARN from `aws cloudtrail describe-trails` [trail-arn]',
    ],
    [
      trail("{ existing: arn:aws:cloudtrail:eu-west-1:111122223333:eventdatastore/abc }"),
      'test.yaml:32:20: trail.existing must be the ARN of a CloudTrail trail in a region of its partition, got "arn:aws:cloudtrail:eu-west-1:111122223333:eventdatastore/abc"; take TrailARN from `aws cloudtrail describe-trails` [trail-arn]',
    ],
    [
      trail("{ existing: arn:aws:cloudtrail:eu-west-9:111122223333:trail/abc }"),
      'test.yaml:32:20: trail.existing must be the ARN of a CloudTrail trail in a region of its partition, got "arn:aws:cloudtrail:eu-west-9:111122223333:trail/abc"; take TrailARN from `aws cloudtrail describe-trails` [trail-arn]',
    ],
    [
      trail("{ organization: arn:aws:cloudtrail:eu-west-1:999988887777:trail/ab }"),
      'test.yaml:32:24: trail.organization must be the ARN of a CloudTrail trail in a region of its partition, got "arn:aws:cloudtrail:eu-west-1:999988887777:trail/ab"; take TrailARN from `aws cloudtrail describe-trails` [trail-arn]',
    ],
    [
      trail(`{ organization: arn:aws:cloudtrail:eu-west-1:999988887777:trail/${x(129)} }`),
      `test.yaml:32:24: trail.organization must be the ARN of a CloudTrail trail in a region of its partition, got "arn:aws:cloudtrail:eu-west-1:999988887777:trail/${x(71)}…; take TrailARN from \`aws cloudtrail describe-trails\` [trail-arn]`,
    ],
    [
      trail("{ organization: arn:aws:cloudtrail:eu-west-1:999988887777:trail/a--b }"),
      'test.yaml:32:24: trail.organization must be the ARN of a CloudTrail trail in a region of its partition, got "arn:aws:cloudtrail:eu-west-1:999988887777:trail/a--b"; take TrailARN from `aws cloudtrail describe-trails` [trail-arn]',
    ],
  ],
  "own-trail": [
    [
      trail("{ existing: arn:aws:cloudtrail:eu-west-1:999988887777:trail/all }"),
      'test.yaml:32:20: trail.existing must be a trail of the account itself, got "arn:aws:cloudtrail:eu-west-1:999988887777:trail/all"; correct the account id, or write organization: <arn> for the organisation\'s trail [own-trail]',
    ],
  ],
  "log-group-retention-days": [
    [
      trail("{ create: { logGroupRetentionDays: 2 } }"),
      "test.yaml:32:43: trail.create.logGroupRetentionDays must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653, got 2; write the next higher of these numbers: CloudWatch Logs takes no others [log-group-retention-days]",
    ],
    [
      trail("{ create: { logGroupRetentionDays: 3654 } }"),
      "test.yaml:32:43: trail.create.logGroupRetentionDays must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653, got 3654; write the next higher of these numbers: CloudWatch Logs takes no others [log-group-retention-days]",
    ],
    [
      trail('{ create: { logGroupRetentionDays: "90" } }'),
      'test.yaml:32:43: trail.create.logGroupRetentionDays must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653, got "90"; write the next higher of these numbers: CloudWatch Logs takes no others [log-group-retention-days]',
    ],
  ],
};

/** The other side of each bound, and forms that a rule must let through. */
const ACCEPTED: Readonly<Partial<Record<RuleId, readonly Change[]>>> = {
  "yaml-size": [{ apply: (text) => text.padEnd(1_000_000, "#") }],
  "yaml-nesting": [nested(95)],
  "yaml-duplicate-key": [put(["protect: true", "# protect: false\nprotect: true"])],
  "yaml-key": [put(["{ Owner: platform }", '{ "2027": platform, constructor: x, toString: y }'])],
  "yaml-alias": [
    put(
      [
        "    administrators: [arn:aws:iam::111122223333:role/Admin]",
        "    administrators: &a [arn:aws:iam::111122223333:role/Admin]",
      ],
      ["buses:\n", "  own: { breakGlass: *a }\nbuses:\n"],
    ),
  ],
  "yaml-expansion": [
    pattern(
      `{ detail: { f: &f [x], ${Array.from({ length: 150 }, (_, n) => `f${n}: *f`).join(", ")} } }`,
    ),
  ],
  "workspace-name": [named("a"), named(x(32)), named("prod-2"), named("default-2")],
  "account-id-unique": [{ apply: (text) => text, takenId: "222233334444" }],
  "role-arn": [
    role(`arn:aws:iam::111122223333:role/${x(64)}`),
    role(
      "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123",
    ),
    role("arn:<partition>:iam::<account>:role/<workspace>"),
    role("'arn:aws:iam::111122223333:role/a+b=c,d.e@f-g_h'"),
  ],
  "residency-pattern": [put(["[eu-*]", "[eu-west-1, eu-c*]"])],
  "state-bucket": [
    put(["bucket: acme-state", "bucket: abc"]),
    put(["bucket: acme-state", `bucket: ${x(63)}`]),
  ],
  "state-key-prefix": [put(["keyPrefix: keyspan", "keyPrefix: platform/keyspan_2.0"])],
  "tag-key": [
    put(["{ Owner:", `{ ? ${x(128)} :`]),
    put(["Owner:", '"Kostenträger /=+-@._:":']),
    put(["Owner:", "awsome:"]),
  ],
  "tag-value": [
    put(["Owner: platform", `Owner: ${x(256)}`]),
    put(["Owner: platform", 'Owner: ""']),
  ],
  "tag-count": [tags(47)],
  "state-key-prefix-reserved": [
    put(["keyPrefix: keyspan", "keyPrefix: plans-of-acme"]),
    put(["keyPrefix: keyspan", "keyPrefix: archive"]),
  ],
  ring: [
    put(["protect: true", "protect: true\nring: 0"]),
    put(["protect: true", "protect: true\nring: 9"]),
  ],
  "rotation-days": [team("rotationDays: 90"), team("rotationDays: 2560")],
  "deletion-window-days": [team("deletionWindowDays: 7"), team("deletionWindowDays: 30")],
  "source-ip": [
    conditions("sourceIps: [203.0.113.0/24, 203.0.113.7/32, 11.0.0.0/8, 172.15.0.0/16]"),
    conditions("sourceIps: [172.32.0.0/16, 100.63.0.0/16, 100.128.0.0/16, 192.169.0.0/16]"),
    conditions('sourceIps: ["2001:db8::/32", "2001:db8::1/128", "2000::/16"]'),
  ],
  "source-vpce": [conditions("sourceVpces: [vpce-01234567, vpce-0123456789abcdef0]")],
  "organization-id": [
    conditions("organizationId: o-a1b2c3d4e5"),
    conditions(`organizationId: o-${x(32)}`),
  ],
  "via-service": [conditions("viaServices: [s3, secretsmanager]")],
  "encryption-context": [conditions("encryptionContext: { constructor: acme, 'aws:x': y }")],
  "date-time": [
    conditions('notBefore: "2028-02-29T23:59:59Z"'),
    conditions("notAfter: 2027-01-31T00:00:00Z"),
  ],
  "key-state": [team("state: active"), team("state: retired")],
  "key-id": [team(`adopt: ${MRK}`), put(["  audit: {", `  audit: { adopt: ${UUID},`])],
  "key-arn": [
    existing(`eu-west-1: ${keyArn("eu-west-1")}`, `eu-central-1: ${keyArn("eu-central-1")}`),
  ],
  producer: [
    put(['["111122223333"]', '["999988887777", o-a1b2c3d4e5, "arn:aws:iam::999988887777:role/P"]']),
  ],
  retention: [
    archive("retentionDays: 1"),
    archive("retentionDays: forever"),
    archive("retentionDays: 2147483647"),
  ],
  "archive-physical-name": [
    archive(`retentionDays: 90, name: ${x(48)}`),
    archive("retentionDays: 90, name: ..or-ders_2"),
    archives(`${x(48)}: { bus: orders, retentionDays: 7 }`),
    archives(`${x(49)}: { bus: orders, name: short, retentionDays: 7 }`),
  ],
  "listed-twice": [
    pattern("{ source: [acme, acme] }"),
    subscription(
      "protocol: https, endpoint: https://alerts.example.com/keyspan",
      "protocol: https, endpoint: https://alerts.example.com/Keyspan",
      "protocol: https, endpoint: { ssm: /keyspan }",
    ),
  ],
  "no-template": [
    put(["Owner: platform", "Owner: '$ % {}'"], ["{}", "{ }"], ["'$ % { }'", "cost"]),
  ],
  "home-region-listed": [put(["eu-central-1]", "{ name: eu-central-1, state: retired }]"])],
  "one-partition": [
    {
      apply: (text) =>
        text
          .replaceAll("arn:aws:", "arn:<partition>:")
          .replaceAll("eu-west-1", "cn-north-1")
          .replaceAll("eu-central-1", "cn-northwest-1")
          .replace("eu-*", "cn-*"),
    },
  ],
  residency: [put(["residency: [eu-*]\n", ""]), put(["[eu-*]", "[us-*, eu-west-1, eu-central-1]"])],
  "own-account": [team("externalUsers: [arn:aws:iam::999988887777:role/User]")],
  "administrator-or-user": [team("breakGlass: [arn:aws:iam::111122223333:role/Admin]")],
  "key-has-owner": [keys("storage: { breakGlass: [arn:aws:iam::111122223333:role/BreakGlass] }")],
  "key-region": [team("regions: [eu-west-1]"), team("regions: [eu-central-1, eu-west-1]")],
  "existing-key-alone": [keys(`own: { existing: { eu-west-1: "${keyArn("eu-west-1")}" } }`)],
  "bus-key": [put(["{ producers:", "{ key: team, producers:"])],
  "bus-key-regions": [
    put(
      ["    administrators:", "    regions: [eu-west-1]\n    administrators:"],
      ["{ producers:", "{ key: team, regions: [eu-west-1], producers:"],
    ),
    put(
      ["eu-central-1]", "{ name: eu-central-1, state: draining }]"],
      ["    administrators:", "    regions: [eu-west-1]\n    administrators:"],
      ["{ producers:", "{ key: team, producers:"],
    ),
  ],
  "existing-bus-alone": [buses("default: { existing: true, regions: [eu-west-1] }")],
  "reserved-bus-name": [
    buses("aws.partner/example.com/a: { existing: true }"),
    buses("keyspan-old: { existing: true }"),
    buses('default2: { producers: ["111122223333"] }'),
  ],
  "archive-name-unique": [
    put(
      ["retentionDays: 90", "retentionDays: 90, regions: [eu-west-1]"],
      [
        "protect: true",
        "  week: { bus: orders, name: orders, retentionDays: 7, regions: [eu-central-1] }\nprotect: true",
      ],
    ),
  ],
  "event-pattern": [pattern("{ source: [acme], detail: { size: [{ numeric: ['>', 5] }] } }")],
  "physical-name": [
    buses(`b${x(59)}: { producers: ["111122223333"] }`),
    keys(`? k${x(241)}\n  : { administrators: [arn:aws:iam::111122223333:role/Admin] }`),
    buses(`? b${x(255)}\n  : { existing: true }`),
    put(["keyPrefix: keyspan", `keyPrefix: ${x(982)}`]),
  ],
  "use-period": [conditions('notBefore: "2027-01-31T00:00:00Z", notAfter: "2027-01-31T00:00:01Z"')],
  "network-or-service": [
    conditions("sourceIps: [203.0.113.0/24], sourceVpces: [vpce-0123456789abcdef0]"),
    conditions("viaServices: [s3], organizationId: o-a1b2c3d4e5"),
  ],
  "adopted-key": [put(["eu-central-1]", `{ name: eu-central-1, adopt: { archive: ${MRK} } }]`])],
  "adopted-key-kind": [team("multiRegion: false", `adopt: ${UUID}`)],
  watch: [notifications("watch: all"), notifications("watch: managed")],
  "reminder-days": [reminders("[1]"), reminders("[30, 1, 29]")],
  "subscription-count": [
    subscription(
      ...Array.from({ length: 50 }, (_, n) => `protocol: email, endpoint: ops${n}@example.com`),
    ),
  ],
  "subscription-protocol": [subscription("protocol: email, endpoint: key-alerts@example.com")],
  "subscription-severity": [
    subscription(
      "protocol: email, endpoint: key-alerts@example.com, severity: all",
      "protocol: email, endpoint: pager@example.com, severity: critical",
    ),
  ],
  "email-address": [
    email(`${x(64)}@example.com`),
    email(`ops@${`${x(61)}.`.repeat(3)}${x(60)}.com`),
    email("KMS+prod@Alerts.xn--p1ai"),
  ],
  "group-address": [
    email("key-alerts@example.com"),
    email("platform.team@example.com"),
    email("team_payments2@example.com"),
    email("on-call.ops-eu@example.com"),
    email("Security.Prod@example.com"),
    email("jdoe@example.com"),
    email("kms@gmail.example.com"),
    email("kms@notgmail.com"),
    email("kms@outlook-alerts.com"),
  ],
  "https-url": [
    url("https://alerts.example.com"),
    url("https://alerts.example.com:8443/keyspan/?source=aws"),
  ],
  "secret-in-url": [
    url("https://alerts.example.com/keyspan-alerts-v2-production/2026.11"),
    url("https://alerts.example.com/0123456789abcde"),
    url("https://alerts.example.com/prod-111122223333?region=eu-central-1&team=platform"),
    url(`https://alerts.example.com/${x(31)}`),
    url("https://hooks.slack.com.example.com/services"),
    url("https://notdiscord.com/keyspan"),
    url("https://alerts.example.com/100%"),
  ],
  "ssm-parameter": [
    ssm("/keyspan/pager-url"),
    ssm("/Acme_2.0/aws/ssm"),
    ssm("/awning"),
    ssm("/a".repeat(15)),
    ssm(`/${x(1010)}`),
  ],
  "queue-arn": [
    queue(`arn:<partition>:sqs:eu-west-1:<account>:${x(80)}`),
    queue("arn:aws:sqs:eu-central-1:111122223333:Key_Alerts-1"),
  ],
  "function-arn": [
    lambda(`arn:<partition>:lambda:eu-west-1:<account>:function:${x(64)}`),
    lambda("arn:aws:lambda:eu-central-1:111122223333:function:page:live"),
  ],
  "delivery-account": [
    queue("arn:aws:sqs:eu-west-1:111122223333:q"),
    lambda("arn:aws:lambda:eu-west-1:111122223333:function:page"),
  ],
  "delivery-region": [
    queue("arn:aws:sqs:eu-south-1:111122223333:q"),
    moved("eu-south-1", "protocol: sqs, endpoint: arn:aws:sqs:us-east-1:111122223333:q"),
    moved(
      "eu-south-1",
      "protocol: lambda, endpoint: arn:aws:lambda:us-east-1:111122223333:function:page",
    ),
    moved(
      "eu-south-1",
      "protocol: lambda, endpoint: arn:aws:lambda:eu-south-1:111122223333:function:page",
    ),
  ],
  "event-bus-arn": [
    hub("arn:<partition>:events:eu-central-1:999988887777:event-bus/keyspan-hub"),
    hub(`arn:aws:events:eu-west-1:999988887777:event-bus/${x(256)}`),
    hub("arn:aws:events:eu-west-1:999988887777:event-bus/default-2"),
  ],
  "hub-organization": [
    hub(
      "arn:<partition>:events:eu-west-1:<account>:event-bus/keyspan-hub",
      "organizationId: o-a1b2c3d4e5",
    ),
  ],
  "footer-text": [
    footer("x"),
    footer(x(300)),
    footer('"Plattform-Bereitschaft ☎ +49 30 5550100"'),
    notifications("footer: { runbook: https://wiki.example.com/key-alerts }"),
    notifications("footer: {}"),
  ],
  "trail-mode": [
    trail("organization"),
    trail("{ create: {} }"),
    trail("{ existing: arn:<partition>:cloudtrail:eu-central-1:<account>:trail/management }"),
    trail("{ organization: arn:<partition>:cloudtrail:us-east-1:999988887777:trail/all }"),
  ],
  "trail-arn": [
    trail("{ organization: arn:aws:cloudtrail:eu-west-1:999988887777:trail/abc }"),
    trail(`{ organization: arn:aws:cloudtrail:eu-west-1:999988887777:trail/${x(128)} }`),
    trail("{ organization: arn:aws:cloudtrail:eu-west-1:999988887777:trail/a-b_c.D1 }"),
  ],
  "log-group-retention-days": [
    trail("{ create: { logGroupRetentionDays: 1 } }"),
    trail("{ create: { readEvents: true, logGroupRetentionDays: 3653 } }"),
  ],
};

/** Mistakes that others could be thought to follow from: one value that is wrong, used in many places. */
const ONE_LINE: readonly (readonly [mistake: string, RuleId, Change])[] = [
  [
    "a region misspelt that keys, buses and archives name",
    "region-name",
    put(
      ["eu-central-1]", "eu-centra-1]"],
      ["    administrators:", "    regions: [eu-west-1, eu-central-1]\n    administrators:"],
      ["{ producers:", "{ key: team, regions: [eu-central-1], producers:"],
      ["retentionDays: 90", "retentionDays: 90, regions: [eu-central-1]"],
    ),
  ],
  [
    "the home region misspelt",
    "region-name",
    put(
      ["homeRegion: eu-west-1", "homeRegion: eu-wst-1"],
      ["    administrators:", "    regions: [eu-west-1]\n    administrators:"],
    ),
  ],
  [
    "a region of a bus misspelt that its archive names",
    "region-name",
    put(
      ["{ producers:", "{ regions: [eu-west-1, eu-centra-1], producers:"],
      ["retentionDays: 90", "retentionDays: 90, regions: [eu-central-1]"],
    ),
  ],
  [
    "the home region misspelt among a key's regions",
    "region-name",
    team("regions: [eu-wst-1, eu-central-1]"),
  ],
  ["a residency pattern misspelt", "residency-pattern", put(["[eu-*]", "[eu-w*, ue-c*]"])],
  [
    "administrators that are no list",
    "wrong-type",
    keys("storage: { administrators: arn:aws:iam::111122223333:role/Admin }"),
  ],
  [
    "break-glass roles that are no list",
    "wrong-type",
    keys("storage: { breakGlass: arn:aws:iam::111122223333:role/Admin }"),
  ],
  ["the only administrator misspelt", "role-arn", keys("storage: { administrators: [Admin] }")],
  [
    "an existing key that is no map",
    "wrong-type",
    keys(`storage: { existing: ${keyArn("eu-west-1")} }`),
  ],
  [
    "an existing key misspelt in one region",
    "key-arn",
    existing(`eu-west-1: ${keyArn("eu-west-1")}`, "eu-central-1: arn:aws:kms:eu-central-1:1:key/1"),
  ],
  [
    "existing that is no yes or no, of a bus without producers",
    "yes-or-no",
    buses("default: { existing: 1 }"),
  ],
  [
    "existing misspelt, of a bus without producers",
    "unknown-field",
    buses("default: { existng: true }"),
  ],
  ["producers misspelt", "unknown-field", put(["{ producers:", "{ Producers:"])],
  ["administrators misspelt", "unknown-field", put(["    administrators:", "    administators:"])],
  ["keys misspelt", "unknown-field", put(["keys:\n", "key:\n"])],
  [
    "buses that are no map",
    "wrong-type",
    put(['buses:\n  orders: { producers: ["111122223333"] }', "buses: orders"]),
  ],
  [
    "a key that is no map, which a bus uses and a region adopts",
    "wrong-type",
    put(
      ["buses:\n  orders: { producers:", "  own: key\nbuses:\n  orders: { key: own, producers:"],
      ["eu-central-1]", `{ name: eu-central-1, adopt: { own: ${MRK} } }]`],
    ),
  ],
  [
    "multiRegion that is no yes or no, of an adopted key",
    "yes-or-no",
    team("multiRegion: 'no'", `adopt: ${UUID}`),
  ],
  [
    "an archive's name that is no name, beside another archive",
    "archive-physical-name",
    archives(
      "a: { bus: orders, name: a, retentionDays: 1 }\n  b: { bus: orders, name: '!', retentionDays: 1 }\n  c: { bus: orders, name: b, retentionDays: 1 }",
    ),
  ],
  [
    "the account's id in no quotes",
    "account-id",
    put([
      '"111122223333"\n  deployRole: arn:aws:iam::111122223333',
      "111122223333\n  deployRole: arn:aws:iam::999988887777",
    ]),
  ],
  [
    "a protocol misspelt, of an endpoint that no other takes",
    "subscription-protocol",
    subscription("protocol: mail, endpoint: jane.doe@example.com"),
  ],
  [
    "an SSM parameter misspelt, of an e-mail subscription",
    "ssm-parameter",
    subscription("protocol: email, endpoint: { ssm: x }"),
  ],
  [
    "the hub's ARN misspelt, beside the organisation's id",
    "event-bus-arn",
    hub("arn:aws:events:eu-west-1:<acount>:event-bus/keyspan-hub", "organizationId: o-a1b2c3d4e5"),
  ],
  [
    "the hub's ARN in a field misspelt",
    "unknown-field",
    notifications(
      "organisationHub: arn:<partition>:events:eu-west-1:<account>:event-bus/keyspan-hub",
      "organizationId: o-a1b2c3d4e5",
    ),
  ],
  [
    "the id of the hub's organisation misspelt",
    "organization-id",
    hub("arn:<partition>:events:eu-west-1:<account>:event-bus/keyspan-hub", "organizationId: o-1"),
  ],
  ["notifications misspelt", "unknown-field", put(["notifications:\n", "notification:\n"])],
  [
    "a trail's ARN misspelt",
    "trail-arn",
    trail("{ existing: arn:aws:cloudtrail:eu-west-1:1:trail/management }"),
  ],
  [
    "the home region misspelt that a queue and a function are in",
    "region-name",
    put(
      ["homeRegion: eu-west-1", "homeRegion: eu-wst-1"],
      [
        "{ protocol: email, endpoint: key-alerts@example.com }",
        "{ protocol: sqs, endpoint: arn:<partition>:sqs:eu-west-1:<account>:q }\n    - { protocol: lambda, endpoint: arn:<partition>:lambda:eu-west-1:<account>:function:f }",
      ],
    ),
  ],
  ["an event pattern with a template", "no-template", pattern("{ detail: { a: ['${b}'] } }")],
];

/** Every line of the message that a changed account is refused with; none if it is accepted. */
function refusal({ apply, workspace = "test", takenId }: Change): readonly string[] {
  try {
    checkAccount(
      workspace,
      parseYaml(`${workspace}.yaml`, apply(ACCOUNT)),
      undefined,
      (id) => id === takenId,
    );
    return [];
  } catch (error) {
    if (!(error instanceof ValidationError)) {
      throw error;
    }
    return error.message.split("\n");
  }
}

const refused = Object.entries(REFUSED).flatMap(([id, cases]) =>
  cases.map(([change, message], index) => ({ id, change, message, number: index + 1 })),
);
const accepted = Object.entries(ACCEPTED).flatMap(([id, changes]) =>
  (changes ?? []).map((change, index) => ({ id, change, number: index + 1 })),
);

test("the account that is changed is accepted as it is", () => {
  expect(refusal({ apply: (text) => text })).toEqual([]);
});

test.each(refused)("$id refuses its case $number with one line that says all", (c) => {
  expect(refusal(c.change)).toEqual([c.message]);
  expect(c.message).toMatch(
    new RegExp(`^\\S+\\.yaml:\\d+:\\d+: .* must .*, got .*; .* \\[${c.id}\\]$`),
  );
});

test.each(ONE_LINE)("%s is one problem", (_, id, change) => {
  expect(refusal(change)).toEqual([expect.stringMatching(new RegExp(`\\[${id}\\]$`))]);
});

test.each(accepted)("$id accepts its case $number", ({ change }) => {
  expect(refusal(change)).toEqual([]);
});

test("every rule has a case, and there are at least 40", () => {
  expect(Object.keys(REFUSED).sort()).toEqual(Object.keys(RULES).sort());
  expect(Object.keys(RULES).length).toBeGreaterThanOrEqual(40);
  expect(Object.values(REFUSED).filter((cases) => cases.length === 0)).toEqual([]);
});

test("no rule speaks of what it demands in more than one way", () => {
  for (const { must, fix } of Object.values(RULES)) {
    expect(must).toMatch(/^[a-z]/);
    expect(must).not.toMatch(/\.$/);
    expect(fix).not.toMatch(/\.$/);
  }
});
