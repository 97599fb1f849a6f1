/** What the simulated AWS and its provider refuse, and what they accept beside it, through real Terraform. */
import { BUS_POLICY_LIMIT } from "../../modules/events/bus-policy";
import { MAX_ARCHIVE_PATTERN_CHARACTERS } from "../../modules/events/event-pattern";
import { KEY_POLICY_LIMIT } from "../../modules/kms/key-limits";
import { ALIAS_NAME, ARCHIVE_NAME, EVENT_BUS_NAME, RULE_NAME } from "../../modules/names";
import { QUEUE_POLICY_LIMIT } from "../../modules/sqs/queue-limits";
import { rememberExisting } from "../../sandbox/aws/existing";
import { IAM_POLICY_CHARACTERS } from "../../sandbox/aws/iam";
import { KMS_KEYS, Kms, keyStateOf } from "../../sandbox/aws/kms";
import {
  type Arguments,
  HERE,
  type Resources,
  refusals,
  TerraformFolder,
} from "../helpers/terraform-folder";

const OTHER_ACCOUNT = "444455556666";
const WEST = "eu-west-1";
const EAST = "us-east-1";
const ROOT = `arn:aws:iam::${HERE.account}:root`;
const DEPLOYER = `arn:aws:iam::${HERE.account}:role/deploy`;
const GHOST = `arn:aws:iam::${HERE.account}:role/ghost`;
const ANY_EVENT = JSON.stringify({ source: ["shop"] });

let folder: TerraformFolder;
beforeEach(() => {
  folder = new TerraformFolder();
});
afterEach(() => folder.remove());

function policyOf(...statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

function statement(changes: Arguments = {}): Arguments {
  return { Effect: "Allow", Principal: { AWS: ROOT }, Action: "kms:*", Resource: "*", ...changes };
}

const TRUST = policyOf({
  Effect: "Allow",
  Principal: { Service: "events.amazonaws.com" },
  Action: "sts:AssumeRole",
});

/** Applies resources of which some are refused and the others are all there afterwards. */
async function applyWithRefusals(resources: Resources): Promise<ReturnType<typeof refusals>> {
  const result = refusals(await folder.write(resources).apply());
  const accepted = Object.keys(resources).filter((address) => !(address in result));
  expect(Object.keys(folder.state).sort()).toEqual(accepted.sort());
  return result;
}

test("a name is taken once in a region; the same name in another region is free", async () => {
  const events = { event_pattern: ANY_EVENT };
  const aliasOfKey = { name: "alias/orders", target_key_id: "${aws_kms_key.here.arn}" };
  const role = { name: "pusher", assume_role_policy: TRUST };
  const after = (address: string) => ({ depends_on: [address] });
  expect(
    await applyWithRefusals({
      "aws_kms_key.here": {},
      "aws_kms_key.there": { region: WEST },
      "aws_cloudwatch_event_bus.first": { name: "orders" },
      "aws_cloudwatch_event_bus.second": {
        name: "orders",
        ...after("aws_cloudwatch_event_bus.first"),
      },
      "aws_cloudwatch_event_bus.there": { name: "orders", region: WEST },
      "aws_cloudwatch_event_archive.first": {
        name: "orders",
        event_source_arn: "${aws_cloudwatch_event_bus.first.arn}",
      },
      "aws_cloudwatch_event_archive.second": {
        name: "orders",
        event_source_arn: "${aws_cloudwatch_event_bus.first.arn}",
        ...after("aws_cloudwatch_event_archive.first"),
      },
      "aws_cloudwatch_event_archive.there": {
        name: "orders",
        event_source_arn: "${aws_cloudwatch_event_bus.there.arn}",
        region: WEST,
      },
      "aws_kms_alias.first": aliasOfKey,
      "aws_kms_alias.second": { ...aliasOfKey, ...after("aws_kms_alias.first") },
      "aws_kms_alias.there": {
        ...aliasOfKey,
        target_key_id: "${aws_kms_key.there.arn}",
        region: WEST,
      },
      "aws_sqs_queue.first": { name: "orders" },
      "aws_sqs_queue.second": {
        name: "orders",
        delay_seconds: 5,
        ...after("aws_sqs_queue.first"),
      },
      "aws_sqs_queue.there": { name: "orders", delay_seconds: 5, region: WEST },
      "aws_iam_role.first": role,
      "aws_iam_role.second": { ...role, ...after("aws_iam_role.first") },
      "aws_cloudwatch_event_rule.there": { name: "orders", region: WEST, ...events },
    }),
  ).toEqual({
    "aws_cloudwatch_event_bus.second":
      "creating EventBridge Event Bus (orders): operation error EventBridge: CreateEventBus, ResourceAlreadyExistsException: Event bus orders already exists.",
    "aws_cloudwatch_event_archive.second":
      "creating EventBridge Archive (orders): operation error EventBridge: CreateArchive, ResourceAlreadyExistsException: Archive orders already exists.",
    "aws_kms_alias.second": `creating KMS Alias (alias/orders): operation error KMS: CreateAlias, AlreadyExistsException: An alias with the name arn:aws:kms:${HERE.region}:${HERE.account}:alias/orders already exists`,
    "aws_sqs_queue.second":
      "creating SQS Queue (orders): operation error SQS: CreateQueue, QueueAlreadyExists: A queue already exists with the same name and a different value for attribute DelaySeconds",
    "aws_iam_role.second":
      "creating IAM Role (pusher): operation error IAM: CreateRole, EntityAlreadyExists: Role with name pusher already exists.",
  });
});

test("a second rule of a name is not refused: it replaces the first, as in AWS", async () => {
  folder.write({
    "aws_cloudwatch_event_rule.first": { name: "paid", event_pattern: ANY_EVENT },
    "aws_cloudwatch_event_rule.second": {
      name: "paid",
      event_pattern: JSON.stringify({ source: ["bank"] }),
      depends_on: ["aws_cloudwatch_event_rule.first"],
    },
  });
  expect(refusals(await folder.apply())).toEqual({});
  await folder.plan();
  expect(await folder.planned()).toEqual({
    "aws_cloudwatch_event_rule.first": {
      action: "update",
      changed: ["event_pattern"],
      replacing: [],
    },
  });
});

describe("replica keys", () => {
  test("a replica is in another region than its primary key, once, and of a multi-Region primary key", async () => {
    const primary = { primary_key_arn: "${aws_kms_key.primary.arn}" };
    const result = await applyWithRefusals({
      "aws_kms_key.primary": { multi_region: true },
      "aws_kms_key.single": {},
      "aws_kms_replica_key.home": primary,
      "aws_kms_replica_key.west": { ...primary, region: WEST },
      "aws_kms_replica_key.west_again": {
        ...primary,
        region: WEST,
        depends_on: ["aws_kms_replica_key.west"],
      },
      "aws_kms_replica_key.east": { ...primary, region: EAST },
      "aws_kms_replica_key.of_single": {
        primary_key_arn: "${aws_kms_key.single.arn}",
        region: WEST,
      },
      "aws_kms_replica_key.of_replica": {
        primary_key_arn: "${aws_kms_replica_key.west.arn}",
        region: "eu-north-1",
      },
    });
    const refused = (reason: string) =>
      `creating KMS Replica Key: operation error KMS: ReplicateKey, ${reason}`;
    const west = folder.text("aws_kms_replica_key.west", "arn");
    expect(result).toEqual({
      "aws_kms_replica_key.home": refused(
        `ValidationException: ReplicaRegion must not be the region of the primary key, ${HERE.region}`,
      ),
      "aws_kms_replica_key.west_again": refused(`AlreadyExistsException: ${west} already exists`),
      "aws_kms_replica_key.of_single": refused(
        `UnsupportedOperationException: ${folder.text("aws_kms_key.single", "arn")} is not a multi-Region key`,
      ),
      "aws_kms_replica_key.of_replica": refused(
        `UnsupportedOperationException: ${west} is not a multi-Region primary key`,
      ),
    });
  });

  test("a primary key that is gone, or waits for its deletion, is not replicated", async () => {
    const kms = new Kms(folder.aws, HERE);
    const [gone, pending, living] = [
      await createPrimary(kms),
      await createPrimary(kms),
      await createPrimary(kms),
    ];
    kms.removeKey(gone);
    await kms.scheduleKeyDeletion(pending, 7);
    const replicaOf = (primary_key_arn: string) => ({ primary_key_arn, region: WEST });
    expect(
      await applyWithRefusals({
        "aws_kms_replica_key.of_gone": replicaOf(gone),
        "aws_kms_replica_key.of_pending": replicaOf(pending),
        "aws_kms_replica_key.of_living": replicaOf(living),
      }),
    ).toEqual({
      "aws_kms_replica_key.of_gone": `creating KMS Replica Key: operation error KMS: ReplicateKey, NotFoundException: Key '${gone}' does not exist`,
      "aws_kms_replica_key.of_pending": `creating KMS Replica Key: operation error KMS: ReplicateKey, KMSInvalidStateException: ${pending} is pending deletion.`,
    });
  });

  test("a primary key that has a replica is destroyed, and waits until the replica is gone for good", async () => {
    const key = { multi_region: true, deletion_window_in_days: 7 };
    folder.write({
      "aws_kms_key.primary": key,
      "aws_kms_replica_key.west": {
        primary_key_arn: "${aws_kms_key.primary.arn}",
        region: WEST,
      },
    });
    expect(refusals(await folder.apply())).toEqual({});
    const keyId = folder.text("aws_kms_key.primary", "key_id");
    await folder.command("state", "rm", "aws_kms_replica_key.west");

    const destroyed = await folder.write({ "aws_kms_key.primary": key }).destroy();
    expect(destroyed).toMatchObject({ code: 0, problems: [], changes: { remove: 1 } });
    expect(folder.state).toEqual({});
    expect(primaryKey(keyId)).toEqual(["PendingReplicaDeletion", { windowDays: 7 }]);

    const west = new Kms(folder.aws, { ...HERE, region: WEST });
    await west.scheduleKeyDeletion(keyId, 7);
    expect(primaryKey(keyId)).toEqual(["PendingReplicaDeletion", { windowDays: 7 }]);
    west.removeKey(keyId);
    expect(primaryKey(keyId)).toEqual([
      "PendingDeletion",
      { windowDays: 7, date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) },
    ]);
  });

  test("a primary key is destroyed with its replica in one apply, the replica first", async () => {
    folder.write({
      "aws_kms_key.primary": { multi_region: true, deletion_window_in_days: 8 },
      "aws_kms_replica_key.west": {
        primary_key_arn: "${aws_kms_key.primary.arn}",
        region: WEST,
        deletion_window_in_days: 7,
      },
    });
    await folder.apply();
    const keyId = folder.text("aws_kms_key.primary", "key_id");
    expect(await folder.destroy()).toMatchObject({ code: 0, changes: { remove: 2 } });
    expect(folder.calls.slice(-2).map(({ operation, region }) => [operation, region])).toEqual([
      ["KMS: ScheduleKeyDeletion", WEST],
      ["KMS: ScheduleKeyDeletion", HERE.region],
    ]);
    expect(primaryKey(keyId)).toEqual(["PendingReplicaDeletion", { windowDays: 8 }]);
  });

  async function createPrimary(kms: Kms): Promise<string> {
    const { arn } = await kms.createKey({
      description: "",
      policy: undefined,
      bypassLockoutCheck: false,
      multiRegion: true,
      tags: {},
    });
    return arn;
  }

  /** State and deletion of a primary key as KMS has them. */
  function primaryKey(keyId: string): unknown {
    const key = folder.store.get(KMS_KEYS, HERE.region, keyId);
    return key && [keyStateOf(key), key.deletion];
  }
});

describe("key policies", () => {
  const MALFORMED = "MalformedPolicyDocumentException";
  const LOCKED_OUT = `${MALFORMED}: The new key policy will not allow you to update the key policy in the future.`;
  const syntaxError = (problem: string) => `${MALFORMED}: Syntax errors in policy: ${problem}`;
  const invalidPrincipal = (problem: string) =>
    `${MALFORMED}: Policy contains a statement with one or more invalid principals: ${problem}`;
  const sessionOf = (role: string) => `arn:aws:sts::${HERE.account}:assumed-role/${role}/session`;
  const SEEDED = `arn:aws:iam::${HERE.account}:role/path/KeyAdmin`;
  const SEEDED_ELSEWHERE = `arn:aws:iam::${OTHER_ACCOUNT}:user/auditor`;
  const user = (principal: unknown) => statement({ Principal: principal, Action: "kms:Decrypt" });

  const BYTES_LEFT = KEY_POLICY_LIMIT.maxBytes - policyOf(statement({ Sid: "" })).length;
  const sized = (extraBytes: number) =>
    policyOf(statement({ Sid: "a".repeat(BYTES_LEFT + extraBytes) }));

  const REFUSED: Readonly<Record<string, readonly [policy: string, reason: string]>> = {
    no_object: ["[]", syntaxError("the policy: Invalid input: expected object, received array")],
    unknown_element: [
      JSON.stringify({ Statement: [statement()], Owner: "me" }),
      syntaxError('the policy: Unrecognized key: "Owner"'),
    ],
    unknown_statement_element: [
      policyOf(statement({ Actions: "kms:*" })),
      syntaxError('Statement.0: Unrecognized key: "Actions"'),
    ],
    no_effect: [
      policyOf(statement({ Effect: undefined })),
      syntaxError('Statement.0.Effect: Invalid option: expected one of "Allow"|"Deny"'),
    ],
    no_statement: [
      policyOf(),
      syntaxError("Statement: Too small: expected array to have >=1 items"),
    ],
    no_action: [
      policyOf(statement({ Action: undefined })),
      syntaxError("Statement.0: a statement must have Action or NotAction"),
    ],
    no_principal: [
      policyOf(statement({ Sid: "Open", Principal: undefined })),
      `${MALFORMED}: Statement Open must have a principal`,
    ],
    no_resource: [
      policyOf(statement({ Resource: undefined })),
      `${MALFORMED}: Statement without Sid must have a resource`,
    ],
    too_large: [
      sized(1),
      `LimitExceededException: The policy must be at most ${KEY_POLICY_LIMIT.maxBytes} bytes, got ${KEY_POLICY_LIMIT.maxBytes + 1}`,
    ],
    too_large_in_bytes: [
      policyOf(statement({ Sid: `${"a".repeat(BYTES_LEFT - 1)}ä` })),
      `LimitExceededException: The policy must be at most ${KEY_POLICY_LIMIT.maxBytes} bytes, got ${KEY_POLICY_LIMIT.maxBytes + 1}`,
    ],
    locked_out: [policyOf(statement({ Principal: { AWS: SEEDED } })), LOCKED_OUT],
    locked_out_by_deny: [
      policyOf(
        statement(),
        statement({ Effect: "Deny", Principal: "*", Action: "kms:PutKeyPolicy" }),
      ),
      LOCKED_OUT,
    ],
    role_of_nobody: [
      policyOf(statement(), user({ AWS: GHOST })),
      invalidPrincipal(`${GHOST} does not exist`),
    ],
    role_in_deny: [
      policyOf(statement(), statement({ Effect: "Deny", Principal: { AWS: [ROOT, GHOST] } })),
      invalidPrincipal(`${GHOST} does not exist`),
    ],
    no_principal_arn: [
      policyOf(statement(), user({ AWS: "KeyAdmin" })),
      invalidPrincipal("KeyAdmin is no IAM principal"),
    ],
    empty_principal: [
      policyOf(statement({ Principal: {} })),
      syntaxError("Statement.0.Principal: must name a principal"),
    ],
    principal_and_none: [
      policyOf(statement({ NotPrincipal: { AWS: SEEDED } })),
      syntaxError("Statement.0: a statement must not have both Principal and NotPrincipal"),
    ],
    resource_and_none: [
      policyOf(statement({ NotResource: "*" })),
      syntaxError("Statement.0: a statement must not have both Resource and NotResource"),
    ],
    ...Object.fromEntries(
      ["StringEqual", "NullIfExists", "ForAllValue:StringLike", "ForAnyValue:Null"].map(
        (operator) => [
          `operator_${operator.replace(":", "_")}`,
          [
            policyOf(statement({ Condition: { [operator]: { "aws:PrincipalTag/team": "a" } } })),
            syntaxError(`Statement.0.Condition: there is no condition operator ${operator}`),
          ],
        ],
      ),
    ),
    role_of_another_path: [
      policyOf(statement(), user({ AWS: `arn:aws:iam::${HERE.account}:role/other/KeyAdmin` })),
      invalidPrincipal(`arn:aws:iam::${HERE.account}:role/other/KeyAdmin does not exist`),
    ],
    account_of_another_partition: [
      policyOf(statement(), user({ AWS: `arn:aws-cn:iam::${OTHER_ACCOUNT}:root` })),
      invalidPrincipal(`arn:aws-cn:iam::${OTHER_ACCOUNT}:root is not in the partition aws`),
    ],
    session_of_nobody: [
      policyOf(statement(), user({ AWS: sessionOf("ghost") })),
      invalidPrincipal(`${sessionOf("ghost")} does not exist`),
    ],
    service_of_another_partition: [
      policyOf(statement(), user({ Service: "logs.cn-north-1.amazonaws.com" })),
      invalidPrincipal("there is no service logs.cn-north-1.amazonaws.com"),
    ],
    service_of_nobody: [
      policyOf(statement(), user({ Service: "event.amazonaws.com" })),
      invalidPrincipal("there is no service event.amazonaws.com"),
    ],
  };
  const ACCEPTED: Resources = {
    largest: { policy: sized(0) },
    seeded_role: { policy: policyOf(statement(), user({ AWS: [SEEDED, SEEDED_ELSEWHERE] })) },
    role_of_the_configuration: {
      policy: policyOf(statement(), user({ AWS: "${aws_iam_role.admin.arn}" })),
    },
    account: { policy: policyOf(statement(), user({ AWS: [OTHER_ACCOUNT, "*"] })) },
    service: {
      policy: policyOf(
        statement(),
        user({ Service: ["events.amazonaws.com", "logs.eu-west-1.amazonaws.com"] }),
      ),
    },
    session: { policy: policyOf(statement(), user({ AWS: sessionOf("KeyAdmin") })) },
    operators: {
      policy: policyOf(
        statement(),
        statement({
          Condition: {
            StringEqualsIfExists: { "aws:PrincipalTag/team": "a" },
            "ForAnyValue:StringNotEqualsIgnoreCase": { "aws:TagKeys": ["a"] },
            "ForAllValues:StringLikeIfExists": { "aws:TagKeys": ["a*"] },
            DateGreaterThanEquals: { "aws:CurrentTime": "2026-01-01T00:00:00Z" },
            NumericLessThan: { "aws:MultiFactorAuthAge": "60" },
            ArnNotLike: { "aws:PrincipalArn": SEEDED },
            NotIpAddress: { "aws:SourceIp": "192.0.2.0/24" },
            BinaryEquals: { "aws:PrincipalTag/key": "YQ==" },
            Bool: { "aws:SecureTransport": true },
            Null: { "aws:TokenIssueTime": "true" },
          },
        }),
      ),
    },
    everybody_but: {
      policy: policyOf(
        statement(),
        statement({ Effect: "Deny", Principal: undefined, NotPrincipal: { AWS: ROOT } }),
      ),
    },
    deployer_only: { policy: policyOf(statement({ Principal: { AWS: DEPLOYER } })) },
    locked_out_on_purpose: {
      policy: policyOf(statement({ Principal: { AWS: SEEDED } })),
      bypass_policy_lockout_safety_check: true,
    },
  };

  beforeEach(() =>
    rememberExisting(folder.store, {
      principals: [SEEDED, SEEDED_ELSEWHERE, DEPLOYER],
      keyArns: [],
      buses: [],
    }),
  );

  test("a key is made only with a policy that KMS can take", async () => {
    const keys = (policies: Readonly<Record<string, Arguments>>): Resources =>
      Object.fromEntries(
        Object.entries(policies).map(([name, block]) => [`aws_kms_key.${name}`, block]),
      );
    expect(
      await applyWithRefusals({
        "aws_iam_role.admin": { name: "KeyAdmin", assume_role_policy: TRUST },
        ...keys(
          Object.fromEntries(
            Object.entries(REFUSED).map(([name, [policy]]) => [name, { policy }] as const),
          ),
        ),
        ...keys(ACCEPTED),
      }),
    ).toEqual(
      Object.fromEntries(
        Object.entries(REFUSED).map(([name, [, reason]]) => [
          `aws_kms_key.${name}`,
          `creating KMS Key: operation error KMS: CreateKey, ${reason}`,
        ]),
      ),
    );
  });

  test("a policy that is no JSON is refused by the provider, before a call", async () => {
    const noJson = expect.stringMatching(/^"policy" contains an invalid JSON: /);
    const replica = { primary_key_arn: `arn:aws:kms:${HERE.region}:${HERE.account}:key/mrk-1` };
    folder.write({
      "aws_kms_key.primary": { policy: "{" },
      "aws_kms_replica_key.west": { ...replica, policy: "{}}", region: WEST },
    });
    expect(refusals(await folder.plan())).toEqual({
      "aws_kms_key.primary": noJson,
      "aws_kms_replica_key.west": noJson,
    });
    expect(folder.calls).toEqual([]);

    expect(
      await applyWithRefusals({
        "aws_iam_role.admin": { name: "KeyAdmin", assume_role_policy: TRUST },
        "aws_kms_key.known_after_apply": { policy: "${aws_iam_role.admin.unique_id}" },
      }),
    ).toEqual({ "aws_kms_key.known_after_apply": noJson });
  });

  test("a replica's policy, and a changed one, are held to the same", async () => {
    const write = (primary: string, replica: string) =>
      folder.write({
        "aws_kms_key.primary": { multi_region: true, policy: primary },
        "aws_kms_replica_key.west": {
          primary_key_arn: "${aws_kms_key.primary.arn}",
          region: WEST,
          policy: replica,
        },
      });
    const [good, locking] = [policyOf(statement()), policyOf(user({ AWS: SEEDED }))];
    expect(refusals(await write(good, locking).apply())).toEqual({
      "aws_kms_replica_key.west": `creating KMS Replica Key: operation error KMS: ReplicateKey, ${LOCKED_OUT}`,
    });
    expect(refusals(await write(good, good).apply())).toEqual({});

    const keyId = folder.text("aws_kms_key.primary", "key_id");
    expect(refusals(await write(locking, locking).apply())).toEqual({
      "aws_kms_key.primary": `updating KMS Key (${keyId}) policy: operation error KMS: PutKeyPolicy, ${LOCKED_OUT}`,
    });
    expect(folder.text("aws_kms_key.primary", "policy")).toBe(good);
    expect(refusals(await write(sized(0), locking).apply())).toEqual({
      "aws_kms_replica_key.west": `updating KMS Replica Key (${keyId}) policy: operation error KMS: PutKeyPolicy, ${LOCKED_OUT}`,
    });
    expect(folder.text("aws_kms_key.primary", "policy")).toBe(sized(0));
  });
});

test("buses, queues and roles get only a policy that AWS can take", async () => {
  /** A policy of exactly so many bytes. */
  const sized = (bytes: number, changes: Arguments) => {
    const empty = policyOf(statement({ Sid: "", ...changes })).length;
    return policyOf(statement({ Sid: "a".repeat(bytes - empty), ...changes }));
  };
  const put = { Action: "events:PutEvents" };
  const send = { Action: "sqs:SendMessage" };
  const assume = { Action: "sts:AssumeRole", Resource: undefined };
  const allow = { Action: "events:PutEvents", Principal: undefined };
  const ghost = { Principal: { AWS: [ROOT, GHOST] } };
  const pusher = { Principal: { AWS: "${aws_iam_role.pusher.arn}" } };
  const busPolicy = (event_bus_name: string, policy: string) => ({ event_bus_name, policy });
  const onOrders = (policy: string) => busPolicy("${aws_cloudwatch_event_bus.orders.name}", policy);
  const queuePolicy = (queue: string, policy: string) => ({
    queue_url: `\${aws_sqs_queue.${queue}.url}`,
    policy,
  });
  const role = (name: string, assume_role_policy: string) => ({ name, assume_role_policy });
  const rolePolicy = (name: string, policy: string) => ({
    name,
    role: "${aws_iam_role.pusher.name}",
    policy,
  });
  const result = await applyWithRefusals({
    "aws_iam_role.pusher": role("pusher", TRUST),
    "aws_cloudwatch_event_bus.orders": { name: "orders" },
    "aws_cloudwatch_event_bus.largest": { name: "largest" },
    "aws_sqs_queue.orders": { name: "orders" },
    "aws_sqs_queue.largest": { name: "largest" },
    "aws_cloudwatch_event_bus_policy.malformed": onOrders("[]"),
    "aws_cloudwatch_event_bus_policy.too_large": onOrders(
      sized(BUS_POLICY_LIMIT.maxBytes + 1, put),
    ),
    "aws_cloudwatch_event_bus_policy.ghost": onOrders(policyOf(statement({ ...put, ...ghost }))),
    "aws_cloudwatch_event_bus_policy.pusher": onOrders(policyOf(statement({ ...put, ...pusher }))),
    "aws_cloudwatch_event_bus_policy.largest": busPolicy(
      "${aws_cloudwatch_event_bus.largest.name}",
      sized(BUS_POLICY_LIMIT.maxBytes, put),
    ),
    "aws_sqs_queue_policy.malformed": queuePolicy("orders", "[]"),
    "aws_sqs_queue_policy.too_large": queuePolicy(
      "orders",
      sized(QUEUE_POLICY_LIMIT.maxBytes + 1, send),
    ),
    "aws_sqs_queue_policy.ghost": queuePolicy("orders", policyOf(statement({ ...send, ...ghost }))),
    "aws_sqs_queue_policy.pusher": queuePolicy(
      "orders",
      policyOf(statement({ ...send, ...pusher })),
    ),
    "aws_sqs_queue_policy.largest": queuePolicy(
      "largest",
      sized(QUEUE_POLICY_LIMIT.maxBytes, send),
    ),
    "aws_iam_role.malformed": role("malformed", "[]"),
    "aws_iam_role.too_large": role("too_large", sized(IAM_POLICY_CHARACTERS.trust + 1, assume)),
    "aws_iam_role.ghost": role("haunted", policyOf(statement({ ...assume, ...ghost }))),
    "aws_iam_role.trusting": role("trusting", policyOf(statement({ ...assume, ...pusher }))),
    "aws_iam_role.largest": role("largest", sized(IAM_POLICY_CHARACTERS.trust, assume)),
    "aws_iam_role_policy.malformed": rolePolicy("malformed", "[]"),
    "aws_iam_role_policy.too_large": rolePolicy(
      "too_large",
      sized(IAM_POLICY_CHARACTERS.inline + 1, allow),
    ),
    "aws_iam_role_policy.principal": rolePolicy(
      "principal",
      policyOf(statement({ ...put, ...ghost })),
    ),
    "aws_iam_role_policy.largest": {
      ...rolePolicy("largest", sized(IAM_POLICY_CHARACTERS.inline, allow)),
      role: "${aws_iam_role.largest.name}",
    },
  });
  const malformed =
    "Syntax errors in policy: the policy: Invalid input: expected object, received array";
  const invalid = `Policy contains a statement with one or more invalid principals: ${GHOST} does not exist`;
  const tooLarge = ({ maxBytes }: { readonly maxBytes: number }) =>
    `The policy must be at most ${maxBytes} bytes, got ${maxBytes + 1}`;
  const onBus = (answer: string) =>
    `creating EventBridge Event Bus (orders) Policy: operation error EventBridge: PutPermission, ${answer}`;
  const onQueue = (reason: string) =>
    `setting SQS Queue (${folder.text("aws_sqs_queue.orders", "url")}) attribute (Policy): operation error SQS: SetQueueAttributes, InvalidAttributeValue: Invalid value for the parameter Policy. (${reason})`;
  const onRole = (name: string, answer: string) =>
    `creating IAM Role (${name}): operation error IAM: CreateRole, ${answer}`;
  const inRole = (name: string, answer: string) =>
    `putting IAM Role (pusher) Policy (${name}): operation error IAM: PutRolePolicy, ${answer}`;
  expect(result).toEqual({
    "aws_cloudwatch_event_bus_policy.malformed": onBus(`ValidationException: ${malformed}`),
    "aws_cloudwatch_event_bus_policy.too_large": onBus(
      `PolicyLengthExceededException: ${tooLarge(BUS_POLICY_LIMIT)}`,
    ),
    "aws_cloudwatch_event_bus_policy.ghost": onBus(`ValidationException: ${invalid}`),
    "aws_sqs_queue_policy.malformed": onQueue(malformed),
    "aws_sqs_queue_policy.too_large": onQueue(tooLarge(QUEUE_POLICY_LIMIT)),
    "aws_sqs_queue_policy.ghost": onQueue(invalid),
    "aws_iam_role.malformed": onRole("malformed", `MalformedPolicyDocument: ${malformed}`),
    "aws_iam_role.too_large": onRole(
      "too_large",
      `LimitExceeded: Cannot exceed quota for ACLSizePerRole: ${IAM_POLICY_CHARACTERS.trust}`,
    ),
    "aws_iam_role.ghost": onRole("haunted", `MalformedPolicyDocument: ${invalid}`),
    "aws_iam_role_policy.malformed": inRole("malformed", `MalformedPolicyDocument: ${malformed}`),
    "aws_iam_role_policy.too_large": inRole(
      "too_large",
      `LimitExceeded: Maximum policy size of ${IAM_POLICY_CHARACTERS.inline} bytes exceeded for role pusher`,
    ),
    "aws_iam_role_policy.principal": inRole(
      "principal",
      "MalformedPolicyDocument: Policy document should not specify a principal.",
    ),
  });
});

describe("names and event patterns", () => {
  const longest = ({ maxCharacters }: { readonly maxCharacters: number }) =>
    "a".repeat(maxCharacters);
  const padded = (characters: number) => {
    const empty = JSON.stringify({ source: [""] }).length;
    return JSON.stringify({ source: ["a".repeat(characters - empty)] });
  };
  const archive = (changes: Arguments) => ({
    name: "orders",
    event_source_arn: `arn:aws:events:${HERE.region}:${HERE.account}:event-bus/default`,
    ...changes,
  });
  const rule = (changes: Arguments) => ({ name: "paid", event_pattern: ANY_EVENT, ...changes });
  const tooLong = "a".repeat(513);

  test("state and is_enabled of a rule exclude each other", async () => {
    folder.write({
      "aws_cloudwatch_event_rule.both": rule({ state: "ENABLED", is_enabled: true }),
    });
    expect((await folder.validate()).problems.join("\n")).toBe(
      ['"is_enabled": conflicts with state', '"state": conflicts with is_enabled']
        .map(
          (problem) =>
            `Error: Conflicting configuration arguments: ${problem}\n  with aws_cloudwatch_event_rule.both`,
        )
        .join("\n"),
    );
    folder.write({
      "aws_cloudwatch_event_rule.state": rule({ state: "DISABLED" }),
      "aws_cloudwatch_event_rule.is_enabled": rule({ is_enabled: false }),
    });
    expect(refusals(await folder.validate())).toEqual({});
  });

  test("what the provider can tell by itself is refused at validate, without a call", async () => {
    folder.write({
      "aws_cloudwatch_event_bus.empty": { name: "" },
      "aws_cloudwatch_event_bus.long": { name: `${longest(EVENT_BUS_NAME)}a` },
      "aws_cloudwatch_event_bus.default": { name: "default" },
      "aws_cloudwatch_event_archive.form": archive({ name: "a b" }),
      "aws_cloudwatch_event_archive.long": archive({ name: `${longest(ARCHIVE_NAME)}a` }),
      "aws_cloudwatch_event_archive.pattern": archive({ event_pattern: "{" }),
      "aws_cloudwatch_event_archive.long_pattern": archive({
        event_pattern: padded(MAX_ARCHIVE_PATTERN_CHARACTERS + 1),
      }),
      "aws_cloudwatch_event_rule.form": rule({ name: "a b" }),
      "aws_cloudwatch_event_rule.long": rule({ name: `${longest(RULE_NAME)}a` }),
      "aws_cloudwatch_event_rule.pattern": rule({ event_pattern: "{" }),
      "aws_cloudwatch_event_rule.nothing": rule({ event_pattern: undefined }),
      "aws_cloudwatch_event_rule.state": rule({ state: "ON" }),
      "aws_cloudwatch_event_rule.role": rule({ role_arn: "arn:aws:iam" }),
      "aws_cloudwatch_event_bus.description": { name: "described", description: tooLong },
      "aws_kms_alias.form": { name: "orders", target_key_id: "none" },
      "aws_kms_alias.reserved": { name: "alias/aws/orders", target_key_id: "none" },
      "aws_kms_alias.prefix": { name_prefix: "alias/aws/", target_key_id: "none" },
      "aws_kms_key.spec": { customer_master_key_spec: "RSA_2048" },
      "aws_kms_key.usage": { key_usage: "SIGN_VERIFY" },
      "aws_kms_key.store": { custom_key_store_id: "cks-1" },
      "aws_kms_key.external": { xks_key_id: "key-1" },
      "aws_kms_key.description": { description: `${"a".repeat(8192)}a` },
      "aws_kms_replica_key.no_arn": { primary_key_arn: "mrk-1", region: WEST },
      "aws_kms_replica_key.no_resource": { primary_key_arn: "arn:aws:kms:::", region: WEST },
    });
    const reserved = (argument: string) =>
      `"${argument}" cannot begin with reserved AWS CMK prefix 'alias/aws/'`;
    const noJson = expect.stringMatching(/^"event_pattern" contains an invalid JSON: /);
    const form = String.raw`"name" doesn't comply with restrictions ("^[.\-_A-Za-z0-9]+$"): "a b"`;
    const length = ({ maxCharacters }: { readonly maxCharacters: number }, got: string) =>
      `expected length of name to be in the range (1 - ${maxCharacters}), got ${got}`;
    const expected = {
      "aws_cloudwatch_event_bus.empty": length(EVENT_BUS_NAME, ""),
      "aws_cloudwatch_event_bus.long": length(EVENT_BUS_NAME, `${longest(EVENT_BUS_NAME)}a`),
      "aws_cloudwatch_event_bus.default": "invalid value for name (cannot be 'default')",
      "aws_cloudwatch_event_archive.form": form,
      "aws_cloudwatch_event_archive.long": length(ARCHIVE_NAME, `${longest(ARCHIVE_NAME)}a`),
      "aws_cloudwatch_event_archive.pattern": noJson,
      "aws_cloudwatch_event_archive.long_pattern": expect.stringMatching(
        `^"event_pattern" cannot be longer than ${MAX_ARCHIVE_PATTERN_CHARACTERS} characters: `,
      ),
      "aws_cloudwatch_event_rule.form": form,
      "aws_cloudwatch_event_rule.long": `"name" cannot be longer than ${RULE_NAME.maxCharacters} characters: "${longest(RULE_NAME)}a"`,
      "aws_cloudwatch_event_rule.pattern": noJson,
      "aws_cloudwatch_event_rule.nothing":
        "one of `event_pattern,schedule_expression` must be specified",
      "aws_cloudwatch_event_rule.state":
        'expected state to be one of ["ENABLED" "DISABLED" "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"], got ON',
      "aws_cloudwatch_event_rule.role":
        '"role_arn" (arn:aws:iam) is an invalid ARN: arn: not enough sections',
      "aws_cloudwatch_event_bus.description": `expected length of description to be in the range (0 - 512), got ${tooLong}`,
      "aws_kms_alias.form":
        "\"name\" must begin with 'alias/' and be comprised of only [0-9A-Za-z_/-]",
      "aws_kms_alias.reserved": reserved("name"),
      "aws_kms_alias.prefix": reserved("name_prefix"),
      "aws_kms_key.spec":
        "the sandbox has only keys whose customer_master_key_spec is SYMMETRIC_DEFAULT, got RSA_2048",
      "aws_kms_key.usage":
        "the sandbox has only keys whose key_usage is ENCRYPT_DECRYPT, got SIGN_VERIFY",
      "aws_kms_key.store":
        "the sandbox has no custom key stores: leave custom_key_store_id out, got cks-1",
      "aws_kms_key.external":
        "the sandbox has no custom key stores: leave xks_key_id out, got key-1",
      "aws_kms_key.description": `expected length of description to be in the range (0 - 8192), got ${"a".repeat(8192)}a`,
      "aws_kms_replica_key.no_arn":
        '"primary_key_arn" (mrk-1) is an invalid ARN: arn: invalid prefix',
      "aws_kms_replica_key.no_resource":
        '"primary_key_arn" (arn:aws:kms:::) is an invalid ARN: missing resource value',
    };
    expect(refusals(await folder.validate())).toEqual(expected);
    expect(refusals(await folder.plan())).toEqual(expected);
    expect(folder.calls).toEqual([]);
  });

  test("what only AWS can tell is refused at apply; the longest of each is accepted", async () => {
    const resources = {
      "aws_cloudwatch_event_bus.form": { name: "a b" },
      "aws_cloudwatch_event_bus.slash": { name: "a/b" },
      "aws_cloudwatch_event_bus.longest": { name: longest(EVENT_BUS_NAME) },
      "aws_cloudwatch_event_archive.pattern": archive({
        event_pattern: JSON.stringify({ source: "shop" }),
      }),
      "aws_cloudwatch_event_archive.longest": archive({
        name: longest(ARCHIVE_NAME),
        event_pattern: padded(MAX_ARCHIVE_PATTERN_CHARACTERS),
      }),
      "aws_cloudwatch_event_rule.pattern": rule({
        event_pattern: JSON.stringify({ source: [{ prefx: "shop" }] }),
      }),
      "aws_cloudwatch_event_rule.longest": rule({ name: longest(RULE_NAME) }),
      "aws_cloudwatch_event_archive.negative": archive({ name: "negative", retention_days: -1 }),
      "aws_cloudwatch_event_archive.zero": archive({ name: "zero", retention_days: 0 }),
      "aws_kms_key.longest": { description: "a".repeat(8192) },
      "aws_kms_alias.longest": {
        name: `alias/${"a".repeat(250)}`,
        target_key_id: "${aws_kms_key.longest.id}",
      },
      "aws_kms_alias.long": {
        name: `alias/${"a".repeat(251)}`,
        target_key_id: "${aws_kms_key.longest.id}",
      },
    };
    expect(await folder.write(resources).plan()).toMatchObject({ code: 0, problems: [] });
    expect(await applyWithRefusals(resources)).toEqual({
      "aws_cloudwatch_event_bus.form":
        "creating EventBridge Event Bus (a b): operation error EventBridge: CreateEventBus, ValidationException: 1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [/.\\-_A-Za-z0-9]+",
      "aws_cloudwatch_event_bus.slash":
        "creating EventBridge Event Bus (a/b): operation error EventBridge: CreateEventBus, ValidationException: Event bus name must not contain '/'.",
      "aws_cloudwatch_event_archive.pattern":
        "creating EventBridge Archive (orders): operation error EventBridge: CreateArchive, InvalidEventPatternException: Event pattern is not valid. Reason: source must be an array of values or an object of fields",
      "aws_cloudwatch_event_archive.negative":
        "creating EventBridge Archive (negative): operation error EventBridge: CreateArchive, ValidationException: 1 validation error detected: Value '-1' at 'retentionDays' failed to satisfy constraint: Member must have value greater than or equal to 0",
      "aws_kms_alias.long": `creating KMS Alias (alias/${"a".repeat(251)}): operation error KMS: CreateAlias, InvalidAliasNameException: The alias name alias/${"a".repeat(251)} must be at most 256 characters long, the limit for KMS alias names (${ALIAS_NAME.source})`,
      "aws_cloudwatch_event_rule.pattern": expect.stringMatching(
        /^creating EventBridge Rule \(paid\): operation error EventBridge: PutRule, InvalidEventPatternException: Event pattern is not valid\. Reason: source\.0 must have exactly one key out of prefix, /,
      ),
    });
  });
});

test("a key encrypts and is named in its own region only", async () => {
  const resources = (arn: string, names: string): Resources => ({
    [`aws_cloudwatch_event_bus.${names}`]: { name: names, kms_key_identifier: arn },
    [`aws_cloudwatch_event_archive.${names}`]: {
      name: names,
      event_source_arn: `arn:aws:events:${HERE.region}:${HERE.account}:event-bus/default`,
      kms_key_identifier: arn,
    },
    [`aws_sqs_queue.${names}`]: { name: names, kms_master_key_id: arn },
    [`aws_kms_alias.${names}`]: { name: `alias/${names}`, target_key_id: arn },
  });
  const result = await applyWithRefusals({
    "aws_kms_key.here": {},
    "aws_kms_key.there": { region: WEST },
    ...resources("${aws_kms_key.here.arn}", "right"),
    ...resources("${aws_kms_key.there.arn}", "wrong"),
  });
  const there = folder.text("aws_kms_key.there", "arn");
  const invalid = `ValidationException: KmsKeyIdentifier ${there} is not valid: the key must be of account ${HERE.account} in region ${HERE.region}.`;
  expect(result).toEqual({
    "aws_cloudwatch_event_bus.wrong": `creating EventBridge Event Bus (wrong): operation error EventBridge: CreateEventBus, ${invalid}`,
    "aws_cloudwatch_event_archive.wrong": `creating EventBridge Archive (wrong): operation error EventBridge: CreateArchive, ${invalid}`,
    "aws_sqs_queue.wrong": `creating SQS Queue (wrong): operation error SQS: CreateQueue, InvalidAttributeValue: Invalid value for the parameter KmsMasterKeyId. (${there} is a key of ${WEST}, the queue is in ${HERE.region})`,
    "aws_kms_alias.wrong": `creating KMS Alias (alias/wrong): operation error KMS: CreateAlias, NotFoundException: Key '${there}' does not exist`,
  });
});

test("a rule and a target take a role only if it exists", async () => {
  const target = (target_id: string, role_arn: string) => ({
    rule: "${aws_cloudwatch_event_rule.right.name}",
    target_id,
    arn: `arn:aws:events:${WEST}:${HERE.account}:event-bus/default`,
    role_arn,
  });
  const rule = (name: string, role_arn: string) => ({ name, event_pattern: ANY_EVENT, role_arn });
  const cannot = `ValidationException: Provided role '${GHOST}' cannot be assumed by principal 'events.amazonaws.com'.`;
  expect(
    await applyWithRefusals({
      "aws_iam_role.pusher": { name: "pusher", assume_role_policy: TRUST },
      "aws_cloudwatch_event_rule.right": rule("right", "${aws_iam_role.pusher.arn}"),
      "aws_cloudwatch_event_rule.wrong": rule("wrong", GHOST),
      "aws_cloudwatch_event_target.right": target("right", "${aws_iam_role.pusher.arn}"),
      "aws_cloudwatch_event_target.wrong": target("wrong", GHOST),
    }),
  ).toEqual({
    "aws_cloudwatch_event_rule.wrong": `creating EventBridge Rule (wrong): operation error EventBridge: PutRule, ${cannot}`,
    "aws_cloudwatch_event_target.wrong": `creating EventBridge Target (right-wrong): operation error EventBridge: PutTargets, ${cannot}`,
  });
});

describe("the account", () => {
  const PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]';
  const BUS: Resources = { "aws_cloudwatch_event_bus.orders": { name: "orders" } };
  const allowed = { allowed_account_ids: [HERE.account] };
  const REFUSED: readonly (readonly [
    what: string,
    provider: Arguments,
    caller: Parameters<TerraformFolder["provider"]>[0]["caller"],
    message: string,
  ])[] = [
    [
      "an account that is not allowed",
      allowed,
      { account: OTHER_ACCOUNT },
      `AWS account ID not allowed: ${OTHER_ACCOUNT}`,
    ],
    [
      "an account that is forbidden",
      { forbidden_account_ids: [OTHER_ACCOUNT, HERE.account] },
      {},
      `AWS account ID not allowed: ${HERE.account}`,
    ],
    [
      "credentials of another partition",
      allowed,
      { partition: "aws-us-gov" },
      "validating provider credentials: retrieving caller identity from STS: operation error STS: GetCallerIdentity, https response error StatusCode: 403, InvalidClientTokenId: The security token included in the request is invalid.",
    ],
    [
      "a region that does not exist",
      { ...allowed, region: "eu-centre-1" },
      {},
      "invalid AWS Region: eu-centre-1",
    ],
  ];

  // One for all: what is refused changes nothing.
  const shared = new TerraformFolder();
  afterAll(() => shared.remove());
  beforeAll(async () => {
    const applied = await shared.write(BUS, { provider: allowed }).apply();
    expect(applied).toMatchObject({ code: 0, problems: [], changes: { add: 1 } });
  });

  test.each(REFUSED)("%s is refused whatever is asked", async (_, provider, caller, message) => {
    const before = shared.stateText;
    shared.provider({ caller }).write(BUS, { provider });
    for (const refused of [
      await shared.plan(),
      await shared.apply(),
      await shared.destroy(),
      await shared.apply("-refresh-only"),
    ]) {
      expect(refused.code).toBe(1);
      expect(refusals(refused)).toEqual({ [PROVIDER]: message });
    }
    expect(shared.calls).toEqual([]);
    expect(shared.stateText).toBe(before);
  });

  test("an account that is allowed, or just not forbidden, goes on", async () => {
    const forbidden = { forbidden_account_ids: [OTHER_ACCOUNT] };
    for (const provider of [{ allowed_account_ids: [OTHER_ACCOUNT, HERE.account] }, forbidden]) {
      const planned = await shared.provider({}).write(BUS, { provider }).plan();
      expect(planned).toMatchObject({ code: 0, problems: [], actions: [] });
    }
  });

  test.each([
    ["eu-centre-1", "invalid AWS Region: eu-centre-1"],
    [
      "cn-north-1",
      "partition (aws-cn) for per-resource Region (cn-north-1) is not the provider's configured partition (aws)",
    ],
  ])("the region %s of a resource is refused at plan", async (region, message) => {
    shared
      .provider({})
      .write({ ...BUS, "aws_cloudwatch_event_bus.there": { name: "there", region } });
    expect(refusals(await shared.plan())).toEqual({ "aws_cloudwatch_event_bus.there": message });
  });
});
