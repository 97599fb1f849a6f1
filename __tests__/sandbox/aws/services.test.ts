import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUS_POLICY_LIMIT } from "../../../modules/events/bus-policy";
import { MAX_TARGETS_PER_RULE } from "../../../modules/events/rule-limits";
import { ARCHIVE_NAME, RULE_NAME } from "../../../modules/names";
import type { AwsLocation } from "../../../modules/partition";
import { type CreateArchiveInput, Events } from "../../../sandbox/aws/events";
import { IAM_POLICY_CHARACTERS, Iam } from "../../../sandbox/aws/iam";
import { Kms } from "../../../sandbox/aws/kms";
import { ObjectStore } from "../../../sandbox/aws/object-store";
import { SimulatedAws } from "../../../sandbox/aws/simulated-aws";
import { QUEUE_RANGES, Sqs } from "../../../sandbox/aws/sqs";
import { Sts } from "../../../sandbox/aws/sts";

const ACCOUNT = "111122223333";
const HERE: AwsLocation = { partition: "aws", account: ACCOUNT, region: "eu-central-1" };
const ELSEWHERE: AwsLocation = { ...HERE, region: "eu-west-1" };
const ORDERS_ARN = `arn:aws:events:eu-central-1:${ACCOUNT}:event-bus/orders`;
const QUEUE_ARN = `arn:aws:sqs:eu-central-1:${ACCOUNT}:dead-letter`;

const directory = mkdtempSync(join(tmpdir(), "keyspan-services-"));
let accounts = 0;
let aws: SimulatedAws;
let events: Events;
let sqs: Sqs;
let iam: Iam;

beforeEach(() => {
  accounts += 1;
  aws = new SimulatedAws({
    store: new ObjectStore(join(directory, String(accounts))),
    caller: {
      account: ACCOUNT,
      partition: "aws",
      roleArn: `arn:aws:iam::${ACCOUNT}:role/deploy/keyspan-deploy`,
    },
    faults: {},
    die: () => Promise.reject(new Error("died")),
  });
  events = new Events(aws, HERE);
  sqs = new Sqs(aws, HERE);
  iam = new Iam(aws);
});

afterAll(() => rmSync(directory, { recursive: true }));

function policy(...statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

const busStatement = (principal: unknown) => ({
  Effect: "Allow",
  Principal: principal,
  Action: "events:PutEvents",
  Resource: ORDERS_ARN,
});
const queueStatement = (principal: unknown) => ({
  Effect: "Allow",
  Principal: principal,
  Action: "sqs:SendMessage",
  Resource: QUEUE_ARN,
});
const trustStatement = (extra: object = {}) => ({
  Effect: "Allow",
  Principal: { Service: "events.amazonaws.com" },
  Action: "sts:AssumeRole",
  ...extra,
});
const inlineStatement = (extra: object = {}) => ({
  Effect: "Allow",
  Action: "events:PutEvents",
  Resource: "*",
  ...extra,
});

const GHOST = { AWS: `arn:aws:iam::${ACCOUNT}:role/ghost` };

async function createKey(at: AwsLocation): Promise<string> {
  const { arn } = await new Kms(aws, at).createKey({
    description: "",
    policy: undefined,
    bypassLockoutCheck: false,
    multiRegion: false,
    tags: {},
  });
  return arn;
}

async function createRole(name: string): Promise<string> {
  const { arn } = await iam.createRole({
    name,
    path: "/",
    description: "",
    trustPolicy: policy(trustStatement()),
    maxSessionSeconds: 3600,
    permissionsBoundary: undefined,
    tags: {},
  });
  return arn;
}

test("an error reads as the AWS SDK for Go shows it", async () => {
  await expect(events.describeEventBus("orders")).rejects.toThrow(
    /^operation error EventBridge: DescribeEventBus, https response error StatusCode: 400, RequestID: [0-9a-f-]{36}, ResourceNotFoundException: Event bus orders does not exist\.$/,
  );
});

describe("event buses", () => {
  const createOrders = () => events.createEventBus({ name: "orders", tags: { team: "a" } });

  test("a new bus is described as it was made", async () => {
    const kmsKeyIdentifier = await createKey(HERE);
    await events.createEventBus({
      name: "orders",
      description: "orders",
      kmsKeyIdentifier,
      deadLetterConfig: { arn: QUEUE_ARN },
      tags: { team: "a" },
    });
    expect(await events.describeEventBus("orders")).toEqual({
      name: "orders",
      arn: ORDERS_ARN,
      description: "orders",
      kmsKeyIdentifier,
      deadLetterConfig: { arn: QUEUE_ARN },
      tags: { team: "a" },
    });
  });

  test("every region has a default bus, and other buses in their own region only", async () => {
    await createOrders();
    await new Events(aws, ELSEWHERE).createEventBus({ name: "orders", tags: {} });
    expect(await events.describeEventBus("default")).toMatchObject({ name: "default" });
    await expect(new Events(aws, ELSEWHERE).describeEventBus(ORDERS_ARN)).rejects.toThrow(
      `ResourceNotFoundException: Event bus ${ORDERS_ARN} does not exist.`,
    );
    expect(await events.describeEventBus(ORDERS_ARN)).toMatchObject({ arn: ORDERS_ARN });
  });

  test.each([
    ["orders", "ResourceAlreadyExistsException: Event bus orders already exists."],
    ["default", "ResourceAlreadyExistsException: Event bus default already exists."],
    ["a/b", "ValidationException: Event bus name must not contain '/'."],
    ["a b", "Member must satisfy regular expression pattern: [/.\\-_A-Za-z0-9]+"],
    ["a".repeat(257), "Member must have length less than or equal to 256"],
  ])("a second bus named %s is refused", async (name, message) => {
    await createOrders();
    await expect(events.createEventBus({ name, tags: {} })).rejects.toThrow(message);
    await events.createEventBus({ name: "a".repeat(200), tags: {} });
  });

  test("a key of another region or of none is refused, an alias and an id are taken", async () => {
    const [here, elsewhere] = [await createKey(HERE), await createKey(ELSEWHERE)];
    const create = (kmsKeyIdentifier: string) =>
      events.createEventBus({ name: "orders", kmsKeyIdentifier, tags: {} });
    await expect(create(elsewhere)).rejects.toThrow(
      `ValidationException: KmsKeyIdentifier ${elsewhere} is not valid: the key must be of account ${ACCOUNT} in region eu-central-1.`,
    );
    await expect(create(`${here}0`)).rejects.toThrow("there is no such key in region eu-central-1");
    await expect(create("alias/none")).rejects.toThrow("there is no such key");
    await new Kms(aws, HERE).createAlias("alias/orders", here);
    await create("alias/orders");
    await events.updateEventBus("orders", { kmsKeyIdentifier: here.split("/").at(-1) });
    await events.updateEventBus("orders", {
      kmsKeyIdentifier: here.replace(/key.*/, "alias/orders"),
    });
    await expect(events.updateEventBus("orders", { kmsKeyIdentifier: elsewhere })).rejects.toThrow(
      "the key must be of account",
    );
  });

  test.each([
    `arn:aws:sqs:eu-west-1:${ACCOUNT}:dead-letter`,
    `arn:aws:sns:eu-central-1:${ACCOUNT}:dead-letter`,
  ])("a dead-letter queue %s is refused", async (arn) => {
    await expect(
      events.createEventBus({ name: "orders", deadLetterConfig: { arn }, tags: {} }),
    ).rejects.toThrow(
      `ValidationException: DeadLetterConfig Arn ${arn} is not valid: it must be an SQS queue in region eu-central-1.`,
    );
  });

  test("an update replaces the settings and leaves policy and tags", async () => {
    await createOrders();
    await events.putPermission("orders", policy(busStatement("*")));
    await events.updateEventBus("orders", { description: "new", logConfig: { level: "INFO" } });
    await events.updateEventBus("orders", { description: "newer" });
    await events.tagResource(ORDERS_ARN, { team: "b" });
    expect(await events.describeEventBus("orders")).toEqual({
      name: "orders",
      arn: ORDERS_ARN,
      description: "newer",
      policy: policy(busStatement("*")),
      tags: { team: "b" },
    });
  });

  test("a bus with rules is not deleted, one without is, and one that is gone is no error", async () => {
    await createOrders();
    await putRule();
    await expect(events.deleteEventBus("orders")).rejects.toThrow(
      "ValidationException: EventBus can't be deleted since it has rules.",
    );
    await events.deleteRule("orders", "paid");
    await events.deleteEventBus("orders");
    await events.deleteEventBus("orders");
    await expect(events.describeEventBus("orders")).rejects.toThrow("does not exist");
    await expect(events.deleteEventBus("default")).rejects.toThrow(
      "ValidationException: Cannot delete event bus default.",
    );
  });

  test("a policy is put, replaced and removed", async () => {
    await createOrders();
    await events.putPermission("orders", policy(busStatement("*")));
    await events.putPermission("default", policy(busStatement({ AWS: ACCOUNT })));
    expect(await events.describeEventBus("orders")).toHaveProperty("policy");
    await events.removePermission("orders");
    expect(await events.describeEventBus("orders")).not.toHaveProperty("policy");
    await expect(events.removePermission("orders")).rejects.toThrow(
      "ResourceNotFoundException: EventBus does not have a policy.",
    );
    await expect(events.putPermission("none", policy(busStatement("*")))).rejects.toThrow(
      "ResourceNotFoundException: Event bus none does not exist.",
    );
  });

  test.each([
    ["{", "ValidationException: This policy contains invalid Json"],
    [policy({ ...busStatement("*"), Principal: undefined }), "must have a principal"],
    [policy({ ...busStatement("*"), Resource: undefined }), "must have a resource"],
    [policy(busStatement(GHOST)), `${GHOST.AWS} does not exist`],
    [policy(busStatement({ Service: "event.amazonaws.com" })), "there is no service"],
  ])("a bus policy %s is refused", async (text, message) => {
    await createOrders();
    await expect(events.putPermission("orders", text)).rejects.toThrow(message);
  });

  test("a bus policy may have as many bytes as the limit says, and a role that exists", async () => {
    await createOrders();
    await createRole("ghost");
    const text = policy(busStatement(GHOST));
    const padded = (bytes: number) => text + " ".repeat(bytes - text.length);
    await events.putPermission("orders", padded(BUS_POLICY_LIMIT.maxBytes));
    await expect(
      events.putPermission("orders", padded(BUS_POLICY_LIMIT.maxBytes + 1)),
    ).rejects.toThrow("PolicyLengthExceededException: The policy must be at most 10240 bytes");
  });
});

describe("archives", () => {
  const createArchive = (changed: Partial<CreateArchiveInput> = {}) =>
    events.createArchive({
      name: "orders-audit",
      eventSourceArn: ORDERS_ARN,
      retentionDays: 7,
      ...changed,
    });
  beforeEach(() => events.createEventBus({ name: "orders", tags: {} }));

  test("a new archive is described as it was made, and changed in place", async () => {
    const kmsKeyIdentifier = await createKey(HERE);
    await createArchive({ kmsKeyIdentifier, eventPattern: '{"source":["a"]}' });
    const archive = {
      name: "orders-audit",
      arn: `arn:aws:events:eu-central-1:${ACCOUNT}:archive/orders-audit`,
      eventSourceArn: ORDERS_ARN,
    };
    expect(await events.describeArchive("orders-audit")).toEqual({
      ...archive,
      retentionDays: 7,
      kmsKeyIdentifier,
      eventPattern: '{"source":["a"]}',
    });
    await events.updateArchive("orders-audit", { retentionDays: 0, description: "all" });
    expect(await events.describeArchive("orders-audit")).toEqual({
      ...archive,
      retentionDays: 0,
      description: "all",
    });
  });

  test("a name is unique in its region, however many buses there are", async () => {
    await createArchive();
    await expect(
      createArchive({ eventSourceArn: ORDERS_ARN.replace("orders", "default") }),
    ).rejects.toThrow("ResourceAlreadyExistsException: Archive orders-audit already exists.");
    await createArchive({
      name: "default-audit",
      eventSourceArn: ORDERS_ARN.replace("orders", "default"),
    });
  });

  test("a name may have as many characters as the limit says", async () => {
    await createArchive({ name: "a".repeat(ARCHIVE_NAME.maxCharacters) });
    await expect(
      createArchive({ name: "a".repeat(ARCHIVE_NAME.maxCharacters + 1) }),
    ).rejects.toThrow(
      "at 'archiveName' failed to satisfy constraint: Member must have length less than or equal to 48",
    );
    await expect(createArchive({ name: "a/b" })).rejects.toThrow(
      "Member must satisfy regular expression pattern: [.\\-_A-Za-z0-9]+",
    );
  });

  test("the bus must be there, in the region", async () => {
    const none = ORDERS_ARN.replace("orders", "none");
    await expect(createArchive({ eventSourceArn: none })).rejects.toThrow(
      "ResourceNotFoundException: Event bus none does not exist.",
    );
    const elsewhere = ORDERS_ARN.replace("eu-central-1", "eu-west-1");
    await expect(createArchive({ eventSourceArn: elsewhere })).rejects.toThrow(
      `ResourceNotFoundException: Event bus ${elsewhere} does not exist.`,
    );
  });

  test.each([
    ["{", "it is not JSON"],
    ["{}", "the pattern must"],
    ['{"source":"aws.kms"}', "source must"],
  ])("the event pattern %s is refused", async (eventPattern, reason) => {
    const message = `InvalidEventPatternException: Event pattern is not valid. Reason: ${reason}`;
    await expect(createArchive({ eventPattern })).rejects.toThrow(message);
    await createArchive();
    await expect(
      events.updateArchive("orders-audit", { retentionDays: 7, eventPattern }),
    ).rejects.toThrow(message);
  });

  test("a key of another region is refused", async () => {
    const kmsKeyIdentifier = await createKey(ELSEWHERE);
    await expect(createArchive({ kmsKeyIdentifier })).rejects.toThrow(
      `KmsKeyIdentifier ${kmsKeyIdentifier} is not valid`,
    );
    await createArchive();
    await expect(
      events.updateArchive("orders-audit", { retentionDays: 7, kmsKeyIdentifier }),
    ).rejects.toThrow(`KmsKeyIdentifier ${kmsKeyIdentifier} is not valid`);
  });

  test("what is gone cannot be described, changed or deleted", async () => {
    await createArchive();
    await events.deleteArchive("orders-audit");
    const message = "ResourceNotFoundException: Archive orders-audit does not exist.";
    await expect(events.describeArchive("orders-audit")).rejects.toThrow(message);
    await expect(events.updateArchive("orders-audit", { retentionDays: 7 })).rejects.toThrow(
      message,
    );
    await expect(events.deleteArchive("orders-audit")).rejects.toThrow(message);
  });
});

function putRule(changed: Partial<Parameters<Events["putRule"]>[0]> = {}): Promise<void> {
  return events.putRule({
    name: "paid",
    busName: "orders",
    eventPattern: '{"detail-type":["paid"]}',
    state: "ENABLED",
    tags: { team: "a" },
    ...changed,
  });
}

describe("rules and targets", () => {
  const putTarget = (id: string, changed: object = {}) =>
    events.putTargets("orders", "paid", { id, arn: QUEUE_ARN, parameters: {}, ...changed });
  beforeEach(() => events.createEventBus({ name: "orders", tags: {} }));

  test("a rule is made, then replaced but for its targets and tags", async () => {
    await putRule({ description: "first" });
    await putTarget("queue");
    await putRule({ state: "DISABLED", tags: { team: "b" } });
    expect(await events.describeRule(ORDERS_ARN, "paid")).toEqual({
      name: "paid",
      busName: "orders",
      arn: `arn:aws:events:eu-central-1:${ACCOUNT}:rule/orders/paid`,
      eventPattern: '{"detail-type":["paid"]}',
      state: "DISABLED",
      targets: { queue: { id: "queue", arn: QUEUE_ARN, parameters: {} } },
      tags: { team: "a" },
    });
    await events.tagResource(`arn:aws:events:eu-central-1:${ACCOUNT}:rule/orders/paid`, {});
    expect((await events.describeRule("orders", "paid")).tags).toEqual({});
  });

  test("only the default bus has schedules", async () => {
    const schedule = { eventPattern: undefined, scheduleExpression: "rate(1 day)" };
    await putRule({ ...schedule, busName: "default" });
    expect(await events.describeRule("default", "paid")).toMatchObject({
      arn: `arn:aws:events:eu-central-1:${ACCOUNT}:rule/paid`,
    });
    await expect(putRule(schedule)).rejects.toThrow(
      "ValidationException: ScheduleExpression is supported only on the default event bus.",
    );
    await expect(putRule({ busName: "default", scheduleExpression: "every day" })).rejects.toThrow(
      "ValidationException: Parameter ScheduleExpression is not valid.",
    );
  });

  test.each([
    [{ busName: "none" }, "ResourceNotFoundException: Event bus none does not exist."],
    [
      { eventPattern: undefined },
      "ValidationException: Parameter(s) EventPattern or ScheduleExpression must be specified.",
    ],
    [{ eventPattern: "[]" }, "InvalidEventPatternException: Event pattern is not valid."],
    [
      { eventPattern: JSON.stringify({ source: ["a".repeat(4096)] }) },
      "Reason: the pattern must be at most 4096 characters",
    ],
    [{ name: "a/b" }, "Member must satisfy regular expression pattern"],
    [{ name: "a".repeat(RULE_NAME.maxCharacters + 1) }, "length less than or equal to 64"],
    [
      { roleArn: GHOST.AWS },
      `ValidationException: Provided role '${GHOST.AWS}' cannot be assumed by principal 'events.amazonaws.com'.`,
    ],
  ])("a rule with %j is refused", async (changed, message) => {
    await expect(putRule(changed)).rejects.toThrow(message);
  });

  test("a rule with the longest name and a role that exists is taken", async () => {
    await createRole("ghost");
    await putRule({ name: "a".repeat(RULE_NAME.maxCharacters), roleArn: GHOST.AWS });
  });

  test("a rule with targets is not deleted, one without is, and one that is gone is no error", async () => {
    await putRule();
    await putTarget("queue");
    await expect(events.deleteRule("orders", "paid")).rejects.toThrow(
      "ValidationException: Rule can't be deleted since it has targets.",
    );
    await events.removeTargets("orders", "paid", "queue");
    await events.deleteRule("orders", "paid");
    await events.deleteRule("orders", "paid");
    await expect(events.deleteRule("none", "paid")).rejects.toThrow(
      "Event bus none does not exist.",
    );
    await expect(events.describeRule("orders", "paid")).rejects.toThrow(
      "ResourceNotFoundException: Rule paid does not exist on EventBus orders.",
    );
  });

  test("a rule has at most five targets, of which any may be replaced", async () => {
    await putRule();
    for (let id = 1; id <= MAX_TARGETS_PER_RULE; id += 1) {
      await putTarget(`queue-${id}`);
    }
    await putTarget("queue-1", { input: "{}" });
    await expect(putTarget("queue-6")).rejects.toThrow(
      "LimitExceededException: The requested resource exceeds the maximum number allowed.",
    );
    const targets = await events.listTargetsByRule("orders", "paid");
    expect(targets).toHaveLength(MAX_TARGETS_PER_RULE);
    expect(targets[0]).toMatchObject({ id: "queue-1", input: "{}" });
  });

  test("a target needs its rule, its role, and a dead-letter queue of the region", async () => {
    await expect(putTarget("queue")).rejects.toThrow(
      "ResourceNotFoundException: Rule paid does not exist on EventBus orders.",
    );
    await putRule();
    await expect(putTarget("queue", { roleArn: GHOST.AWS })).rejects.toThrow(
      `Provided role '${GHOST.AWS}' cannot be assumed`,
    );
    const arn = QUEUE_ARN.replace("eu-central-1", "eu-west-1");
    await expect(putTarget("queue", { deadLetterConfig: { arn } })).rejects.toThrow(
      `DeadLetterConfig Arn ${arn} is not valid`,
    );
    await createRole("ghost");
    await putTarget("queue", { roleArn: GHOST.AWS, deadLetterConfig: { arn: QUEUE_ARN } });
    await expect(events.removeTargets("orders", "paid", "other")).rejects.toThrow(
      "ResourceNotFoundException: Rule paid does not have a target with the Id other.",
    );
  });
});

describe("queues", () => {
  const URL = `https://sqs.eu-central-1.amazonaws.com/${ACCOUNT}/dead-letter`;
  const create = (attributes: Parameters<Sqs["createQueue"]>[0]["attributes"] = {}) =>
    sqs.createQueue({ name: "dead-letter", attributes, tags: { team: "a" } });

  test("a new queue has SQS's defaults where nothing is given", async () => {
    expect(await create({ messageRetentionPeriod: 60 })).toBe(URL);
    expect(await sqs.getQueueAttributes(URL)).toEqual({
      name: "dead-letter",
      arn: QUEUE_ARN,
      url: URL,
      attributes: {
        contentBasedDeduplication: false,
        deduplicationScope: "",
        delaySeconds: 0,
        fifoQueue: false,
        fifoThroughputLimit: "",
        kmsDataKeyReusePeriodSeconds: 300,
        kmsMasterKeyId: "",
        maximumMessageSize: 1_048_576,
        messageRetentionPeriod: 60,
        policy: "",
        receiveMessageWaitTimeSeconds: 0,
        redriveAllowPolicy: "",
        redrivePolicy: "",
        sqsManagedSseEnabled: true,
        visibilityTimeout: 30,
      },
      tags: { team: "a" },
    });
  });

  test("a URL has the DNS suffix of its partition", async () => {
    const china: AwsLocation = { partition: "aws-cn", account: ACCOUNT, region: "cn-north-1" };
    const url = await new Sqs(aws, china).createQueue({ name: "a", attributes: {}, tags: {} });
    expect(url).toBe(`https://sqs.cn-north-1.amazonaws.com.cn/${ACCOUNT}/a`);
  });

  test("the same queue again is the one that is there, another of its name is refused", async () => {
    await create({ delaySeconds: 5 });
    expect(await create({ delaySeconds: 5 })).toBe(URL);
    expect(await create()).toBe(URL);
    await expect(create({ delaySeconds: 6 })).rejects.toThrow(
      "QueueAlreadyExists: A queue already exists with the same name and a different value for attribute DelaySeconds",
    );
  });

  test.each([
    ["a.b", false],
    ["a".repeat(81), false],
    ["", false],
    ["a", true],
    [".fifo", true],
    [`${"a".repeat(76)}.fifo`, true],
  ])("the queue name %s (FIFO: %s) is refused", async (name, fifoQueue) => {
    await expect(sqs.createQueue({ name, attributes: { fifoQueue }, tags: {} })).rejects.toThrow(
      /InvalidParameterValue: .*1 to 80 in length/,
    );
  });

  test.each([
    ["a".repeat(80), false],
    [`${"a".repeat(75)}.fifo`, true],
  ])("the queue name %s (FIFO: %s) is taken", async (name, fifoQueue) => {
    const url = await sqs.createQueue({ name, attributes: { fifoQueue }, tags: {} });
    const { attributes } = await sqs.getQueueAttributes(url);
    expect(attributes.deduplicationScope).toBe(fifoQueue ? "queue" : "");
  });

  test.each(Object.entries(QUEUE_RANGES))("%s has a range", async (name, { min, max }) => {
    await create({ [name]: min });
    await sqs.setQueueAttributes(URL, { [name]: max });
    const parameter = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    for (const value of [min - 1, max + 1]) {
      await expect(sqs.setQueueAttributes(URL, { [name]: value })).rejects.toThrow(
        `InvalidAttributeValue: Invalid value for the parameter ${parameter}. (${min} to ${max}, got ${value})`,
      );
    }
  });

  test("a key ends the encryption by SQS, and the other way round", async () => {
    const kmsMasterKeyId = await createKey(HERE);
    await create({ kmsMasterKeyId });
    expect((await sqs.getQueueAttributes(URL)).attributes.sqsManagedSseEnabled).toBe(false);
    await expect(
      sqs.setQueueAttributes(URL, { kmsMasterKeyId, sqsManagedSseEnabled: true }),
    ).rejects.toThrow("InvalidAttributeValue: You can use one type of server-side encryption");
    await sqs.setQueueAttributes(URL, { sqsManagedSseEnabled: true });
    expect((await sqs.getQueueAttributes(URL)).attributes.kmsMasterKeyId).toBe("");
  });

  test("a key of another region or of none is refused, an alias is not looked up", async () => {
    const [here, elsewhere] = [await createKey(HERE), await createKey(ELSEWHERE)];
    await expect(create({ kmsMasterKeyId: elsewhere })).rejects.toThrow(
      `InvalidAttributeValue: Invalid value for the parameter KmsMasterKeyId. (${elsewhere} is a key of eu-west-1, the queue is in eu-central-1)`,
    );
    await expect(create({ kmsMasterKeyId: `${here}0` })).rejects.toThrow(
      `(${here}0 does not exist)`,
    );
    await create({ kmsMasterKeyId: "alias/aws/sqs" });
  });

  test.each([
    ["{", "This policy contains invalid Json"],
    [policy({ ...queueStatement("*"), Resource: undefined }), "must have a resource"],
    [policy(queueStatement(GHOST)), "does not exist"],
    [policy(queueStatement("*")) + " ".repeat(8192), "at most 8192 bytes"],
  ])("a queue policy %.60s is refused", async (text, reason) => {
    await create();
    await expect(sqs.setQueueAttributes(URL, { policy: text })).rejects.toThrow(
      `InvalidAttributeValue: Invalid value for the parameter Policy. (`,
    );
    await expect(sqs.setQueueAttributes(URL, { policy: text })).rejects.toThrow(reason);
  });

  test("a queue policy is set and removed", async () => {
    await create();
    const text = policy(queueStatement({ Service: "events.amazonaws.com" }));
    await sqs.setQueueAttributes(URL, { policy: text });
    expect((await sqs.getQueueAttributes(URL)).attributes.policy).toBe(text);
    await sqs.setQueueAttributes(URL, { policy: "" });
    expect((await sqs.getQueueAttributes(URL)).attributes.policy).toBe("");
  });

  test("a queue is found by its whole URL only, until it is deleted", async () => {
    const message = "AWS.SimpleQueueService.NonExistentQueue: The specified queue does not exist.";
    await create();
    await expect(sqs.getQueueAttributes(URL.replace(ACCOUNT, "444455556666"))).rejects.toThrow(
      message,
    );
    await sqs.tagQueue(URL, { team: "b" });
    expect((await sqs.getQueueAttributes(URL)).tags).toEqual({ team: "b" });
    await sqs.deleteQueue(URL);
    await expect(sqs.getQueueAttributes(URL)).rejects.toThrow(message);
    await expect(sqs.setQueueAttributes(URL, {})).rejects.toThrow(message);
    await expect(sqs.deleteQueue(URL)).rejects.toThrow(message);
    await expect(sqs.tagQueue(URL, {})).rejects.toThrow(message);
  });
});

describe("roles", () => {
  const update = (text: string) => iam.updateAssumeRolePolicy("pusher", text);

  test("a role is made and changed, and is in no region", async () => {
    expect(await createRole("pusher")).toBe(`arn:aws:iam::${ACCOUNT}:role/pusher`);
    await iam.updateRoleDescription("pusher", "pushes");
    await iam.updateRole("pusher", 43_200);
    await iam.putRolePermissionsBoundary("pusher", `arn:aws:iam::${ACCOUNT}:policy/boundary`);
    await iam.tagRole("pusher", { team: "a" });
    expect(await iam.getRole("pusher")).toMatchObject({
      description: "pushes",
      maxSessionSeconds: 43_200,
      permissionsBoundary: `arn:aws:iam::${ACCOUNT}:policy/boundary`,
      tags: { team: "a" },
      uniqueId: expect.stringMatching(/^AROA[0-9A-F]{17}$/),
    });
    await iam.deleteRolePermissionsBoundary("pusher");
    expect(await iam.getRole("pusher")).not.toHaveProperty("permissionsBoundary");
    expect(aws.store.regions()).toEqual([]);
  });

  test.each([
    ["pusher", "EntityAlreadyExists: Role with name pusher already exists."],
    ["a b", "ValidationError: 1 validation error detected: Value 'a b' at 'roleName'"],
    ["a".repeat(65), "Member must have length less than or equal to 64"],
  ])("a second role named %s is refused", async (name, message) => {
    await createRole("pusher");
    await expect(createRole(name)).rejects.toThrow(message);
    await createRole("a".repeat(64));
  });

  test.each([3599, 43_201])("sessions of %d seconds are refused", async (seconds) => {
    await createRole("pusher");
    await expect(iam.updateRole("pusher", seconds)).rejects.toThrow(
      `ValidationError: 1 validation error detected: Value '${seconds}' at 'maxSessionDuration'`,
    );
  });

  test.each([
    ["{", "MalformedPolicyDocument: This policy contains invalid Json"],
    [policy(trustStatement({ Principal: undefined })), "must have a principal"],
    [policy(trustStatement({ Principal: GHOST })), `${GHOST.AWS} does not exist`],
    [
      policy(trustStatement({ Resource: "*" })),
      "MalformedPolicyDocument: Has prohibited field Resource",
    ],
    [
      policy(trustStatement({ Action: "events:PutEvents" })),
      "MalformedPolicyDocument: AssumeRole policy may only specify STS AssumeRole actions.",
    ],
  ])("a trust policy %s is refused", async (text, message) => {
    await createRole("pusher");
    await expect(update(text)).rejects.toThrow(message);
  });

  test("a trust policy may have as many characters as the limit says, not counting white space", async () => {
    await createRole("pusher");
    const empty = policy(trustStatement({ Sid: "" })).length;
    const sized = (size: number) => policy(trustStatement({ Sid: "a".repeat(size - empty) }));
    await update(`${sized(IAM_POLICY_CHARACTERS.trust)}\n   `);
    await expect(update(sized(IAM_POLICY_CHARACTERS.trust + 1))).rejects.toThrow(
      "LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048",
    );
  });

  test("all inline policies of a role count together", async () => {
    await createRole("pusher");
    const empty = policy(inlineStatement({ Sid: "" })).length;
    const sized = (size: number) => policy(inlineStatement({ Sid: "a".repeat(size - empty) }));
    await iam.putRolePolicy("pusher", "first", sized(6000));
    await iam.putRolePolicy("pusher", "second", sized(IAM_POLICY_CHARACTERS.inline - 6000));
    await expect(
      iam.putRolePolicy("pusher", "second", sized(IAM_POLICY_CHARACTERS.inline - 5999)),
    ).rejects.toThrow("LimitExceeded: Maximum policy size of 10240 bytes exceeded for role pusher");
    await iam.putRolePolicy("pusher", "second", sized(200));
    expect(await iam.listRolePolicies("pusher")).toEqual(["first", "second"]);
    expect(await iam.getRolePolicy("pusher", "second")).toBe(sized(200));
  });

  test.each([
    [
      policy(inlineStatement({ Principal: "*" })),
      "MalformedPolicyDocument: Policy document should not specify a principal.",
    ],
    [policy(inlineStatement({ Resource: undefined })), "must have a resource"],
  ])("an inline policy %s is refused", async (text, message) => {
    await createRole("pusher");
    await expect(iam.putRolePolicy("pusher", "put", text)).rejects.toThrow(message);
    await expect(
      iam.putRolePolicy("pusher", "a".repeat(129), policy(inlineStatement())),
    ).rejects.toThrow("at 'policyName'");
    await iam.putRolePolicy("pusher", "a".repeat(128), policy(inlineStatement()));
  });

  test("a role with inline policies is not deleted, one without is", async () => {
    await createRole("pusher");
    await iam.putRolePolicy("pusher", "put", policy(inlineStatement()));
    await expect(iam.deleteRole("pusher")).rejects.toThrow(
      "DeleteConflict: Cannot delete entity, must delete policies first.",
    );
    await iam.deleteRolePolicy("pusher", "put");
    const noPolicy = "NoSuchEntity: The role policy with name put cannot be found.";
    await expect(iam.getRolePolicy("pusher", "put")).rejects.toThrow(noPolicy);
    await expect(iam.deleteRolePolicy("pusher", "put")).rejects.toThrow(noPolicy);
    await iam.deleteRole("pusher");
    const noRole = "NoSuchEntity: The role with name pusher cannot be found.";
    await expect(iam.getRole("pusher")).rejects.toThrow(noRole);
    await expect(iam.deleteRole("pusher")).rejects.toThrow(noRole);
    await expect(iam.putRolePolicy("pusher", "put", policy(inlineStatement()))).rejects.toThrow(
      noRole,
    );
  });
});

describe("principals", () => {
  const CHINA: AwsLocation = { partition: "aws-cn", account: ACCOUNT, region: "cn-north-1" };
  const inChina = () =>
    new SimulatedAws({
      store: aws.store,
      caller: {
        account: ACCOUNT,
        partition: "aws-cn",
        roleArn: `arn:aws-cn:iam::${ACCOUNT}:role/deploy`,
      },
      faults: {},
      die: () => Promise.reject(new Error("died")),
    });
  const put = (of: SimulatedAws, at: AwsLocation, principal: unknown) =>
    new Events(of, at).putPermission("default", policy(busStatement(principal)));

  test("a role exists with its path, and its sessions without", async () => {
    await iam.createRole({
      name: "pusher",
      path: "/services/",
      description: "",
      trustPolicy: policy(trustStatement()),
      maxSessionSeconds: 3600,
      permissionsBoundary: undefined,
      tags: {},
    });
    await put(aws, HERE, { AWS: `arn:aws:iam::${ACCOUNT}:role/services/pusher` });
    await put(aws, HERE, { AWS: `arn:aws:sts::${ACCOUNT}:assumed-role/pusher/session` });
    for (const wrong of [
      `arn:aws:iam::${ACCOUNT}:role/pusher`,
      `arn:aws:iam::444455556666:role/services/pusher`,
      `arn:aws:sts::${ACCOUNT}:assumed-role/services/pusher/session`,
      `arn:aws:sts::${ACCOUNT}:assumed-role/pusher`,
      `arn:aws:sts::${ACCOUNT}:assumed-role/ghost/session`,
      `arn:aws:sts::444455556666:assumed-role/pusher/session`,
    ]) {
      await expect(put(aws, HERE, { AWS: wrong })).rejects.toThrow(`${wrong} does not exist`);
    }
    const rule = { eventPattern: '{"source":["a"]}', state: "ENABLED", tags: {} } as const;
    const putRuleWith = (roleArn: string) =>
      events.putRule({ name: "paid", busName: "default", ...rule, roleArn });
    await putRuleWith(`arn:aws:iam::${ACCOUNT}:role/services/pusher`);
    for (const wrong of [
      `arn:aws:iam::${ACCOUNT}:role/pusher`,
      `arn:aws:iam::${ACCOUNT}:root`,
      `arn:aws:sts::${ACCOUNT}:assumed-role/pusher/session`,
    ]) {
      await expect(putRuleWith(wrong)).rejects.toThrow(
        `Provided role '${wrong}' cannot be assumed`,
      );
    }
  });

  test("nobody of another partition is named", async () => {
    const root = (partition: string) => `arn:${partition}:iam::${ACCOUNT}:root`;
    await put(aws, HERE, { AWS: root("aws") });
    await put(inChina(), CHINA, { AWS: root("aws-cn") });
    await expect(put(aws, HERE, { AWS: root("aws-cn") })).rejects.toThrow(
      `${root("aws-cn")} is not in the partition aws`,
    );
    await expect(put(inChina(), CHINA, { AWS: root("aws") })).rejects.toThrow(
      `${root("aws")} is not in the partition aws-cn`,
    );
  });

  test.each([
    ["events.amazonaws.com", true, true],
    ["monitoring.rds.amazonaws.com", true, true],
    ["logs.eu-central-1.amazonaws.com", true, false],
    ["logs.cn-north-1.amazonaws.com", false, true],
    ["logs.cn-north-1.amazonaws.com.cn", false, true],
    ["ec2.amazonaws.com.cn", false, true],
    ["monitoring.rds.amazonaws.com.cn", false, false],
    ["logs.eu-centre-1.amazonaws.com", false, false],
    ["event.amazonaws.com", false, false],
    ["events", false, false],
  ])("the service %s exists: %s, in China: %s", async (Service, here, china) => {
    const refusal = `there is no service ${Service}`;
    for (const [exists, of, at] of [
      [here, aws, HERE],
      [china, inChina(), CHINA],
    ] as const) {
      const call = put(of, at, { Service });
      await (exists ? call : expect(call).rejects.toThrow(refusal));
    }
  });
});

describe("aliases", () => {
  test.each([
    ["alias/aws/orders", "must not begin with alias/aws/"],
    ["orders", "must match"],
    [`alias/${"a".repeat(251)}`, "must be at most 256 characters long"],
  ])("the alias name %s is refused", async (name, reason) => {
    const kms = new Kms(aws, HERE);
    const key = await createKey(HERE);
    await expect(kms.createAlias(name, key)).rejects.toThrow(
      `InvalidAliasNameException: The alias name ${name} ${reason}`,
    );
    await kms.createAlias(`alias/${"a".repeat(250)}`, key);
    await kms.createAlias("alias/awsome", key);
  });
});

describe("the caller", () => {
  test("is a session of its role, without the role's path", async () => {
    const { account, arn, userId } = await new Sts(aws, HERE).getCallerIdentity();
    expect(account).toBe(ACCOUNT);
    expect(arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/keyspan-deploy/keyspan-sandbox`);
    expect(userId).toMatch(/^AROA[0-9A-F]{17}:keyspan-sandbox$/);
  });

  test("has the unique id of its role if a stack has made it", async () => {
    await createRole("keyspan-deploy");
    const { uniqueId } = await iam.getRole("keyspan-deploy");
    const { userId } = await new Sts(aws, HERE).getCallerIdentity();
    expect(userId).toBe(`${uniqueId}:keyspan-sandbox`);
  });
});
