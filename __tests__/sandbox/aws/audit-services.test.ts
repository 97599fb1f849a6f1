/** What Step Functions, Scheduler, CloudTrail and S3 refuse, and what they accept beside it, without Terraform. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AwsLocation } from "../../../modules/partition";
import {
  CloudTrail,
  type CreateTrailInput,
  DEFAULT_SELECTOR,
  SELECTOR_LIMITS,
} from "../../../sandbox/aws/cloudtrail";
import { rememberExisting } from "../../../sandbox/aws/existing";
import { Iam } from "../../../sandbox/aws/iam";
import { Kms } from "../../../sandbox/aws/kms";
import { LOG_GROUPS } from "../../../sandbox/aws/logs";
import { ObjectStore } from "../../../sandbox/aws/object-store";
import {
  BUCKET_POLICY_BYTES,
  isBucketName,
  type LifecycleRule,
  MAX_LIFECYCLE_RULES,
  S3,
  S3_BUCKETS,
} from "../../../sandbox/aws/s3";
import { RETRY_POLICY, Scheduler, type ScheduleSettings } from "../../../sandbox/aws/scheduler";
import { SimulatedAws } from "../../../sandbox/aws/simulated-aws";
import {
  type CreateStateMachineInput,
  DEFINITION_BYTES,
  StepFunctions,
} from "../../../sandbox/aws/states";

const ACCOUNT = "111122223333";
const HERE: AwsLocation = { partition: "aws", account: ACCOUNT, region: "eu-central-1" };
const WEST: AwsLocation = { ...HERE, region: "eu-west-1" };
const ROOT = `arn:aws:iam::${ACCOUNT}:root`;
const GHOST = `arn:aws:iam::${ACCOUNT}:role/ghost`;

const directory = mkdtempSync(join(tmpdir(), "keyspan-audit-services-"));
let accounts = 0;
let aws: SimulatedAws;
let states: StepFunctions;
let scheduler: Scheduler;
let trails: CloudTrail;
let s3: S3;

beforeEach(() => {
  accounts += 1;
  aws = new SimulatedAws({
    store: new ObjectStore(join(directory, String(accounts))),
    caller: { account: ACCOUNT, partition: "aws", roleArn: `arn:aws:iam::${ACCOUNT}:role/deploy` },
    faults: {},
    die: () => Promise.reject(new Error("died")),
  });
  states = new StepFunctions(aws, HERE);
  scheduler = new Scheduler(aws, HERE);
  trails = new CloudTrail(aws, HERE);
  s3 = new S3(aws, HERE);
});

afterAll(() => rmSync(directory, { recursive: true }));

function policy(...statements: readonly object[]): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.map((statement) => ({ Effect: "Allow", ...statement })),
  });
}

async function createRole(name: string, service: string, condition?: object): Promise<string> {
  const { arn } = await new Iam(aws).createRole({
    name,
    path: "/",
    description: "",
    trustPolicy: policy({
      Principal: { Service: `${service}.amazonaws.com` },
      Action: "sts:AssumeRole",
      ...(condition && { Condition: condition }),
    }),
    maxSessionSeconds: 3600,
    permissionsBoundary: undefined,
    tags: {},
  });
  return arn;
}

async function createKey(at: AwsLocation, ...statements: readonly object[]): Promise<string> {
  const { arn } = await new Kms(aws, at).createKey({
    description: "",
    policy: policy({ Principal: { AWS: ROOT }, Action: "kms:*", Resource: "*" }, ...statements),
    bypassLockoutCheck: false,
    multiRegion: false,
    tags: {},
  });
  return arn;
}

const createBucket = (name: string, at = HERE, objectLockEnabled = false) =>
  new S3(aws, at).createBucket({ name, objectLockEnabled, tags: {} });

describe("state machines", () => {
  const PASS = JSON.stringify({ StartAt: "P", States: { P: { Type: "Pass", End: true } } });
  let input: CreateStateMachineInput;
  beforeEach(async () => {
    input = {
      name: "sweep",
      definition: PASS,
      roleArn: await createRole("machine", "states"),
      type: "STANDARD",
      encryption: undefined,
      logging: undefined,
      tracingEnabled: undefined,
      publish: false,
      tags: {},
    };
  });
  const create = (changes: Partial<CreateStateMachineInput> = {}) =>
    states.createStateMachine({ ...input, ...changes });

  test("a new one has what Step Functions fills in, and the same one again is found", async () => {
    const arn = await create();
    expect(await create({ roleArn: await createRole("other", "states") })).toBe(arn);
    expect(await states.describeStateMachine(arn)).toEqual({
      name: "sweep",
      arn: `arn:aws:states:eu-central-1:${ACCOUNT}:stateMachine:sweep`,
      definition: PASS,
      roleArn: input.roleArn,
      type: "STANDARD",
      encryption: { type: "AWS_OWNED_KEY" },
      logging: { level: "OFF", includeExecutionData: false },
      tracingEnabled: false,
      revisionId: "",
      versions: 0,
      created: expect.stringMatching(/^\d{4}-/),
      tags: {},
    });
    await expect(create({ type: "EXPRESS" })).rejects.toThrow(
      `StateMachineAlreadyExists: State Machine Already Exists: '${arn}'`,
    );
    await states.deleteStateMachine(arn);
    await states.deleteStateMachine(arn);
    await expect(states.describeStateMachine(arn)).rejects.toThrow(
      `StateMachineDoesNotExist: State Machine Does Not Exist: '${arn}'`,
    );
  });

  test("which names it may have", async () => {
    await create({ name: "a".repeat(80) });
    for (const [name, message] of [
      ["a b", "InvalidName: Invalid Name: 'a b': it must match"],
      ["a".repeat(81), "it must be at most 80 characters long"],
    ] as const) {
      await expect(create({ name })).rejects.toThrow(message);
    }
  });

  test("a definition may have 1 MB, and must be JSON that starts somewhere", async () => {
    const padded = (bytes: number) => PASS + " ".repeat(bytes - PASS.length);
    await create({ definition: padded(DEFINITION_BYTES) });
    for (const [definition, message] of [
      [padded(DEFINITION_BYTES + 1), "it must be 1 to 1048576 bytes, got 1048577"],
      ["", "INVALID_JSON_DESCRIPTION: it must be 1 to"],
      ["{", "INVALID_JSON_DESCRIPTION: it is no JSON"],
      ['{"StartAt":"P"}', "SCHEMA_VALIDATION_FAILED"],
      [PASS.replace('"P"', '"Q"'), "MISSING_TRANSITION_TARGET: Missing 'Next' target: Q"],
    ] as const) {
      await expect(create({ definition })).rejects.toThrow(message);
    }
  });

  test("its role exists, trusts Step Functions, and for a machine of that name", async () => {
    const forOthers = {
      ArnLike: { "aws:SourceArn": `arn:aws:states:*:${ACCOUNT}:stateMachine:x*` },
    };
    for (const roleArn of [
      GHOST,
      await createRole("scheduler", "scheduler"),
      await createRole("others", "states", forOthers),
    ]) {
      await expect(create({ roleArn })).rejects.toThrow(
        "AccessDeniedException: Neither the global service principal states.amazonaws.com, nor the regional one is authorized",
      );
    }
    await expect(create({ roleArn: "ghost" })).rejects.toThrow("InvalidArn: Invalid Role Arn");
    rememberExisting(aws.store, { principals: [GHOST], keyArns: [], buses: [] });
    await create({ roleArn: GHOST });
  });

  test("its key is one of the region that works", async () => {
    const type = "CUSTOMER_MANAGED_KMS_KEY";
    const kmsKeyId = await createKey(HERE);
    await create({ encryption: { type, kmsKeyId, kmsDataKeyReusePeriodSeconds: 60 } });
    const there = await createKey(WEST);
    const disabled = await createKey(HERE);
    await new Kms(aws, HERE).disableKey(disabled);
    for (const [encryption, message] of [
      [{ type }, "kmsKeyId must be set"],
      [{ type: "AWS_OWNED_KEY", kmsKeyId }, "kmsKeyId must not be set"],
      [{ type, kmsKeyId, kmsDataKeyReusePeriodSeconds: 59 }, "must be between 60 and 900"],
      [{ type, kmsKeyId: there }, `${there} is a key of eu-west-1, not of eu-central-1`],
      [{ type, kmsKeyId: disabled }, `${disabled} is not active`],
    ] as const) {
      await expect(create({ name: "b", encryption })).rejects.toThrow(
        `InvalidEncryptionConfiguration: Invalid Encryption Configuration: `,
      );
      await expect(create({ name: "b", encryption })).rejects.toThrow(message);
    }
  });

  test("it logs into a group of the region, or not at all", async () => {
    const group = `arn:aws:logs:eu-central-1:${ACCOUNT}:log-group:states`;
    const logTo = (logGroupArn?: string) =>
      create({ logging: { level: "ERROR", includeExecutionData: false, logGroupArn } });
    await expect(logTo()).rejects.toThrow(
      "InvalidLoggingConfiguration: Invalid Logging Configuration: Must specify exactly one Log Destination.",
    );
    await expect(logTo(group)).rejects.toThrow("end with ':*'");
    await logTo(`${group}:*`);
  });
});

describe("schedules", () => {
  let settings: ScheduleSettings;
  beforeEach(async () => {
    settings = {
      expression: "rate(1 hour)",
      timezone: "UTC",
      state: "ENABLED",
      actionAfterCompletion: "NONE",
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: `arn:aws:states:eu-central-1:${ACCOUNT}:stateMachine:sweep`,
        roleArn: await createRole("schedule", "scheduler"),
        retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
      },
    };
  });
  const create = (changes: Partial<ScheduleSettings>, name = "s") =>
    scheduler.createSchedule("default", name, { ...settings, ...changes });
  const target = (changes: Partial<ScheduleSettings["target"]>) =>
    create({ target: { ...settings.target, ...changes } });
  let made = 0;
  /** Accepts each, under names of their own. */
  const accepts = async (...changes: readonly Partial<ScheduleSettings>[]) => {
    for (const change of changes) {
      made += 1;
      await create(change, `accepted-${made}`);
    }
  };

  test("a group holds its schedules, and takes them with it", async () => {
    await scheduler.createScheduleGroup("a".repeat(64), {});
    await expect(scheduler.createScheduleGroup("a".repeat(65), {})).rejects.toThrow(
      "ValidationException: 1 validation error detected",
    );
    await scheduler.createScheduleGroup("g", {});
    for (const name of ["g", "default"]) {
      await expect(scheduler.createScheduleGroup(name, {})).rejects.toThrow(
        `ConflictException: Schedule group ${name} already exists.`,
      );
    }
    await scheduler.createSchedule("g", "s", settings);
    await expect(scheduler.createSchedule("g", "s", settings)).rejects.toThrow(
      "ConflictException: Schedule s already exists.",
    );
    await expect(scheduler.createSchedule("h", "s", settings)).rejects.toThrow(
      "ResourceNotFoundException: Schedule group h does not exist.",
    );
    await scheduler.deleteScheduleGroup("g");
    await expect(scheduler.getSchedule("g", "s")).rejects.toThrow(
      "ResourceNotFoundException: Schedule s does not exist.",
    );
    await expect(scheduler.deleteScheduleGroup("default")).rejects.toThrow("does not exist");
  });

  test("expressions and time zones", async () => {
    await accepts(
      ...[
        "at(2030-01-01T00:00:00)",
        "rate(1 minutes)",
        "rate(12 days)",
        "cron(0/5 8-17 ? * MON-FRI *)",
        "cron(0 6 L * ? 2030)",
      ].map((expression) => ({ expression })),
      { timezone: "America/New_York" },
    );
    for (const expression of [
      "at(2030-01-01)",
      "at(2030-13-01T00:00:00)",
      "rate(0 hours)",
      "rate(1 week)",
      "cron(0 6 * * *)",
      "cron(0 6 * * * *)",
      "cron(0 6 ? * ? *)",
      "cron(0 6 * * ? !)",
      "hourly",
    ]) {
      await expect(create({ expression })).rejects.toThrow(
        `ValidationException: Invalid Schedule Expression ${expression}.`,
      );
    }
    await expect(create({ timezone: "Mars/Olympus" })).rejects.toThrow(
      "Mars/Olympus is not a valid",
    );
    await expect(
      create({ startDate: "2030-01-01T02:00:00+02:00", endDate: "2030-01-01T00:00:00Z" }),
    ).rejects.toThrow("The EndDate must be after the StartDate.");
  });

  test("windows and retries, on both sides of their bounds", async () => {
    const window = (maximumWindowInMinutes?: number) => ({
      flexibleTimeWindow: { mode: "FLEXIBLE", maximumWindowInMinutes },
    });
    const retry = (maximumEventAgeInSeconds: number, maximumRetryAttempts: number) => ({
      target: {
        ...settings.target,
        retryPolicy: { maximumEventAgeInSeconds, maximumRetryAttempts },
      },
    });
    const { min, max } = RETRY_POLICY.maximumEventAgeInSeconds;
    await accepts(window(1), window(1440), retry(min, 0), retry(max, 185));
    for (const wrong of [window(), window(0), window(1441)]) {
      await expect(create(wrong)).rejects.toThrow("MaximumWindowInMinutes must be 1 to 1440");
    }
    await expect(
      create({ flexibleTimeWindow: { mode: "OFF", maximumWindowInMinutes: 1 } }),
    ).rejects.toThrow("must not be set with the mode OFF");
    await expect(create(retry(min - 1, 0))).rejects.toThrow("must be 60 to 86400");
    await expect(create(retry(max + 1, 0))).rejects.toThrow("must be 60 to 86400");
    await expect(create(retry(min, 186))).rejects.toThrow("must be 0 to 185");
  });

  test("the role exists and trusts Scheduler, for schedules of the group", async () => {
    const inGroup = (group: string) => ({
      StringEquals: {
        "aws:SourceAccount": ACCOUNT,
        "aws:SourceArn": `arn:aws:scheduler:eu-central-1:${ACCOUNT}:schedule-group/${group}`,
      },
    });
    for (const roleArn of [
      GHOST,
      await createRole("machine", "states"),
      await createRole("other-group", "scheduler", inGroup("other")),
      // Where texts must be equal there are no wildcards.
      await createRole("any-group", "scheduler", inGroup("*")),
    ]) {
      await expect(target({ roleArn })).rejects.toThrow(
        "ValidationException: The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
      );
    }
    await target({ roleArn: await createRole("this-group", "scheduler", inGroup("default")) });
  });

  test("a target that calls any API", async () => {
    const universal = (action: string) => `arn:aws:scheduler:::aws-sdk:${action}`;
    for (const arn of [
      "kms:getKeyPolicy",
      "kms:describeKey",
      "kms:listKeys",
      "dynamodb:batchGetItem",
    ].map(universal)) {
      await expect(target({ arn })).rejects.toThrow(`${arn} is not supported by Scheduler: `);
    }
    for (const arn of [universal("kms:UpdateKeyDescription"), universal("kms")]) {
      await expect(target({ arn })).rejects.toThrow("it must end in aws-sdk:<service>:<action>");
    }
    await expect(target({ arn: "arn:aws-cn:scheduler:::aws-sdk:kms:updateAlias" })).rejects.toThrow(
      "Provided Arn is not in correct format",
    );
    await expect(
      target({ arn: universal("kms:updateKeyDescription"), input: "KeyId" }),
    ).rejects.toThrow("ValidationException: Invalid RequestJson provided.");
    await target({ arn: universal("kms:updateKeyDescription"), input: '{"KeyId":"a"}' });
  });

  test("what belongs to the target of one service", async () => {
    const bus = `arn:aws:events:eu-central-1:${ACCOUNT}:event-bus/default`;
    const queue = `arn:aws:sqs:eu-central-1:${ACCOUNT}:q`;
    const event = { detailType: "Beat", source: "shop" };
    for (const [changes, message] of [
      [{ arn: bus }, "EventBridgeParameters must be set for an event bus."],
      [{ arn: queue, eventBridgeParameters: event }, "for event buses only"],
      [
        { arn: bus, eventBridgeParameters: { ...event, source: "aws.kms" } },
        "must not be the Source",
      ],
      [{ arn: bus, eventBridgeParameters: event, input: "x" }, "Invalid RequestJson"],
      [
        { arn: `arn:aws:kinesis:eu-central-1:${ACCOUNT}:stream/s` },
        "KinesisParameters must be set",
      ],
      [{ sqsParameters: { messageGroupId: "g" } }, "SqsParameters must be set for queues only."],
      [{ deadLetterArn: bus }, `${bus} is no queue.`],
    ] as const) {
      await expect(target(changes)).rejects.toThrow(message);
    }
    await target({ arn: queue, input: "no JSON", sqsParameters: {}, deadLetterArn: queue });
  });
});

describe("trails", () => {
  const ARN = `arn:aws:cloudtrail:eu-central-1:${ACCOUNT}:trail/audit`;
  const SERVICE = { Principal: { Service: "cloudtrail.amazonaws.com" } };
  const OF_TRAIL = { Condition: { StringEquals: { "AWS:SourceArn": ARN } } };
  const LOGS = "arn:aws:s3:::logs";
  const acl = { ...SERVICE, ...OF_TRAIL, Action: "s3:GetBucketAcl", Resource: LOGS };
  const put = {
    ...SERVICE,
    ...OF_TRAIL,
    Action: "s3:PutObject",
    Resource: `${LOGS}/AWSLogs/${ACCOUNT}/*`,
  };
  const encrypt = { ...SERVICE, ...OF_TRAIL, Action: "kms:GenerateDataKey*", Resource: "*" };
  const INPUT: CreateTrailInput = {
    name: "audit",
    s3BucketName: "logs",
    s3KeyPrefix: "",
    snsTopicName: "",
    includeGlobalServiceEvents: true,
    isMultiRegionTrail: false,
    isOrganizationTrail: false,
    enableLogFileValidation: true,
    cloudWatchLogsLogGroupArn: "",
    cloudWatchLogsRoleArn: "",
    kmsKeyId: "",
    tags: {},
  };
  const create = (changes: Partial<CreateTrailInput> = {}) =>
    trails.createTrail({ ...INPUT, ...changes });
  beforeEach(async () => {
    await createBucket("logs");
    await s3.putBucketPolicy("logs", policy(acl, put));
  });

  test("a new one records all management events, and does not log yet", async () => {
    expect(await create()).toBe(ARN);
    expect(await trails.getTrailStatus(ARN)).toBe(false);
    expect(await trails.getEventSelectors(ARN)).toMatchObject({
      eventSelectors: [DEFAULT_SELECTOR],
      advancedEventSelectors: [],
    });
    await trails.startLogging(ARN);
    expect(await trails.getTrailStatus(ARN)).toBe(true);
    await trails.stopLogging(ARN);
    expect(await trails.getTrailStatus(ARN)).toBe(false);
    await expect(create()).rejects.toThrow(
      `TrailAlreadyExistsException: Trail audit already exists for customer: ${ACCOUNT}`,
    );
    await trails.deleteTrail(ARN);
    await expect(trails.describeTrail(ARN)).rejects.toThrow(
      `TrailNotFoundException: Unknown trail: ${ARN} for the user: ${ACCOUNT}`,
    );
  });

  test("one for all regions is seen from all, and changed in its own", async () => {
    await create();
    const west = new CloudTrail(aws, WEST);
    await expect(west.describeTrail(ARN)).rejects.toThrow("TrailNotFoundException");
    await trails.updateTrail(ARN, { isMultiRegionTrail: true });
    expect(await west.describeTrail(ARN)).toMatchObject({ homeRegion: "eu-central-1" });
    await expect(west.stopLogging(ARN)).rejects.toThrow("InvalidHomeRegionException");
    await expect(west.createTrail(INPUT)).rejects.toThrow("TrailAlreadyExistsException");
    await expect(trails.updateTrail(ARN, { includeGlobalServiceEvents: false })).rejects.toThrow(
      "InvalidParameterCombinationException: Multi-Region trail must include global service events.",
    );
  });

  test("which names it may have", async () => {
    // The policies name another trail, which is looked at after the name.
    await expect(create({ name: "a.b" })).rejects.toThrow("InsufficientS3BucketPolicyException");
    for (const name of ["ab", "a".repeat(129), "-abc", "a..b", "10.0.0.1"]) {
      await expect(create({ name })).rejects.toThrow("InvalidTrailNameException: Trail name ");
    }
  });

  test("its bucket exists and lets it write", async () => {
    await expect(create({ s3BucketName: "ghost" })).rejects.toThrow(
      "S3BucketDoesNotExistException: S3 bucket ghost does not exist!",
    );
    const incorrect =
      "InsufficientS3BucketPolicyException: Incorrect S3 bucket policy is detected for bucket: logs";
    // Its files stand behind the prefix.
    await expect(create({ s3KeyPrefix: "prefix" })).rejects.toThrow(incorrect);
    const otherTrail = { StringEquals: { "aws:SourceArn": `${ARN}-2` } };
    for (const text of [
      policy(acl),
      policy(put),
      policy(acl, { ...put, Principal: { Service: "config.amazonaws.com" } }),
      policy(acl, { ...put, Action: "s3:GetObject" }),
      policy(acl, { ...put, Resource: `${LOGS}/AWSLogs/444455556666/*` }),
      policy(acl, { ...put, Condition: otherTrail }),
      policy(acl, { ...put, Effect: "Deny" }),
    ]) {
      await s3.putBucketPolicy("logs", text);
      await expect(create()).rejects.toThrow(incorrect);
    }
    await s3.deleteBucketPolicy("logs");
    await expect(create()).rejects.toThrow(incorrect);
    await s3.putBucketPolicy("logs", policy(acl, { ...put, Action: "s3:put*" }));
    await create();
  });

  test("its key is in the region of the bucket and lets it encrypt", async () => {
    const here = await createKey(HERE, encrypt);
    await create({ kmsKeyId: here });
    const there = await createKey(WEST, encrypt);
    await expect(trails.updateTrail(ARN, { kmsKeyId: there })).rejects.toThrow(
      `KmsKeyNotFoundException: The KMS key ${there} must exist in the region of the bucket logs, eu-central-1`,
    );
    const mute = await createKey(HERE);
    await expect(trails.updateTrail(ARN, { kmsKeyId: mute })).rejects.toThrow(
      `InsufficientEncryptionPolicyException: Insufficient permissions to access S3 bucket logs or KMS key ${mute}.`,
    );
    await new Kms(aws, HERE).disableKey(here);
    await expect(trails.updateTrail(ARN, { kmsKeyId: here })).rejects.toThrow("KmsException: ");
  });

  test("a bucket with a key of its own wants that the trail may decrypt", async () => {
    await s3.putBucketEncryption("logs", { sseAlgorithm: "aws:kms", bucketKeyEnabled: true });
    const key = await createKey(HERE, encrypt);
    await expect(create({ kmsKeyId: key })).rejects.toThrow(
      "InsufficientEncryptionPolicyException",
    );
    await create({
      kmsKeyId: await createKey(HERE, encrypt, { ...encrypt, Action: "kms:Decrypt" }),
    });
  });

  test("a log group and the role that writes into it come together", async () => {
    const arn = `arn:aws:logs:eu-central-1:${ACCOUNT}:log-group:trail`;
    const cloudWatchLogsLogGroupArn = `${arn}:*`;
    const cloudWatchLogsRoleArn = await createRole("trail", "cloudtrail");
    const both = { cloudWatchLogsLogGroupArn, cloudWatchLogsRoleArn };
    for (const half of [{ cloudWatchLogsLogGroupArn }, { cloudWatchLogsRoleArn }]) {
      await expect(create(half)).rejects.toThrow("InvalidParameterCombinationException: ");
    }
    await expect(create(both)).rejects.toThrow("InvalidCloudWatchLogsLogGroupArnException: ");
    aws.store.put(LOG_GROUPS, "eu-central-1", "trail", {
      name: "trail",
      arn,
      logGroupClass: "STANDARD",
      deletionProtection: false,
      tags: {},
    });
    await expect(create({ ...both, cloudWatchLogsLogGroupArn: arn })).rejects.toThrow(
      "InvalidCloudWatchLogsLogGroupArnException: ",
    );
    await expect(create({ ...both, cloudWatchLogsRoleArn: GHOST })).rejects.toThrow(
      "InvalidCloudWatchLogsRoleArnException: Access denied. Check the trust relationships for your role.",
    );
    await create(both);
  });

  test("topics and organizations that are not there", async () => {
    await expect(create({ snsTopicName: "ghost" })).rejects.toThrow("InvalidSnsTopicNameException");
    await expect(create({ isOrganizationTrail: true })).rejects.toThrow(
      "OrganizationsNotInUseException",
    );
  });

  test("selectors are basic or advanced, each within its limits", async () => {
    await create();
    const basic = (count: number, source = "kms.amazonaws.com") =>
      trails.putEventSelectors(ARN, {
        eventSelectors: Array.from({ length: count }, () => ({
          ...DEFAULT_SELECTOR,
          excludeManagementEventSources: [source],
        })),
      });
    const category = { field: "eventCategory", equals: ["Management"] };
    const advanced = (...fieldSelectors: readonly { field: string; equals: string[] }[]) =>
      trails.putEventSelectors(ARN, {
        advancedEventSelectors: [{ name: "a", fieldSelectors: [...fieldSelectors] }],
      });
    const invalid = "InvalidEventSelectorsException: ";
    await expect(basic(0)).rejects.toThrow(`${invalid}A trail must have 1 to 5`);
    await expect(basic(SELECTOR_LIMITS.eventSelectors + 1)).rejects.toThrow("got 6");
    await expect(basic(1, "s3.amazonaws.com")).rejects.toThrow("got s3.amazonaws.com");
    await basic(SELECTOR_LIMITS.eventSelectors);
    await expect(advanced()).rejects.toThrow(`${invalid}The advanced event selector a must have`);
    await expect(advanced({ field: "eventCategory", equals: ["All"] })).rejects.toThrow(invalid);
    await expect(
      advanced(category, { field: "resources.type", equals: ["AWS::S3::Object"] }),
    ).rejects.toThrow("must not select management events by resources.type");
    const sources = (length: number) => ({
      field: "eventSource",
      equals: Array.from({ length }, (_, index) => `service-${index}.amazonaws.com`),
    });
    await expect(advanced(category, sources(SELECTOR_LIMITS.advancedValues))).rejects.toThrow(
      "must have at most 500 values, got 501",
    );
    await advanced(category, sources(SELECTOR_LIMITS.advancedValues - 1));
    expect((await trails.getEventSelectors(ARN)).eventSelectors).toEqual([]);
  });
});

describe("buckets", () => {
  const LOGS = "arn:aws:s3:::logs";
  const anybody = { Principal: "*", Action: "s3:GetObject", Resource: `${LOGS}/*` };

  test("a name is unique over all regions", async () => {
    await createBucket("logs");
    await expect(createBucket("logs", WEST)).rejects.toThrow("BucketAlreadyOwnedByYou: ");
    await expect(new S3(aws, WEST).headBucket("logs")).rejects.toThrow("PermanentRedirect: ");
    await expect(s3.headBucket("ghost")).rejects.toThrow(
      "NoSuchBucket: The specified bucket does not exist",
    );
    await expect(createBucket("Logs")).rejects.toThrow(
      "InvalidBucketName: The specified bucket is not valid.",
    );
  });

  test("which names a bucket may have", () => {
    const good = ["abc", "a".repeat(63), "a.b-c.1"];
    const bad = [
      ...["ab", "a".repeat(64), "Abc", "a_b", "-abc", "abc-", "a..b", "10.0.0.1"],
      ...["xn--abc", "sthree-abc", "abc-s3alias", "abc--ol-s3", "abc.mrap"],
    ];
    expect([...good, ...bad].filter(isBucketName)).toEqual(good);
  });

  test("one with objects stays", async () => {
    await createBucket("logs");
    const bucket = await s3.headBucket("logs");
    aws.store.put(S3_BUCKETS, "eu-central-1", "logs", { ...bucket, objects: 1 });
    await expect(s3.deleteBucket("logs")).rejects.toThrow(
      /BucketNotEmpty: The bucket you tried to delete is not empty\.$/,
    );
    await s3.putBucketVersioning("logs", "Enabled");
    await expect(s3.deleteBucket("logs")).rejects.toThrow("You must delete all versions");
    await s3.deleteObjects("logs");
    await s3.deleteBucket("logs");
    await expect(s3.headBucket("logs")).rejects.toThrow("NoSuchBucket");
  });

  test("policies: of 20 KB, about the bucket, and not public while that is blocked", async () => {
    await createBucket("logs");
    const mine = { Principal: { AWS: ROOT }, Action: "s3:GetObject", Resource: `${LOGS}/*` };
    const padded = (bytes: number) => policy(mine) + " ".repeat(bytes - policy(mine).length);
    await s3.putBucketPolicy("logs", padded(BUCKET_POLICY_BYTES));
    for (const [text, message] of [
      [padded(BUCKET_POLICY_BYTES + 1), "MalformedPolicy: The policy must be at most 20480 bytes"],
      ["{", "MalformedPolicy: This policy contains invalid Json"],
      [policy({ ...mine, Resource: "arn:aws:s3:::logs2/*" }), "Policy has invalid resource"],
      [policy({ ...mine, Principal: { AWS: GHOST } }), `${GHOST} does not exist`],
      [policy(anybody), "AccessDenied: User: "],
      [policy({ ...anybody, Principal: { AWS: "*" } }), "BlockPublicPolicy"],
    ] as const) {
      await expect(s3.putBucketPolicy("logs", text)).rejects.toThrow(message);
    }
    const secure = {
      ...anybody,
      Effect: "Deny",
      Condition: { Bool: { "aws:SecureTransport": false } },
    };
    await s3.putBucketPolicy("logs", policy(secure));
    await s3.deletePublicAccessBlock("logs");
    await expect(s3.getPublicAccessBlock("logs")).rejects.toThrow(
      "NoSuchPublicAccessBlockConfiguration",
    );
    await s3.putBucketPolicy("logs", policy(anybody));
    expect(await s3.getBucketPolicy("logs")).toBe(policy(anybody));
  });

  test("what a new bucket has by itself, and what is left when that is taken away", async () => {
    await createBucket("logs");
    expect(await s3.getPublicAccessBlock("logs")).toEqual({
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    expect(await s3.getBucketOwnershipControls("logs")).toBe("BucketOwnerEnforced");
    await s3.deleteBucketOwnershipControls("logs");
    await expect(s3.getBucketOwnershipControls("logs")).rejects.toThrow(
      "OwnershipControlsNotFoundError",
    );
    await s3.putBucketEncryption("logs", { sseAlgorithm: "aws:kms", bucketKeyEnabled: true });
    await s3.deleteBucketEncryption("logs");
    expect(await s3.getBucketEncryption("logs")).toEqual({
      sseAlgorithm: "AES256",
      bucketKeyEnabled: false,
    });
    await expect(
      s3.putBucketEncryption("logs", {
        sseAlgorithm: "AES256",
        kmsMasterKeyId: "alias/logs",
        bucketKeyEnabled: false,
      }),
    ).rejects.toThrow("InvalidArgument: a KMSMasterKeyID is not applicable");
  });

  test("locks need versions, and keep them", async () => {
    await createBucket("logs");
    await expect(s3.putObjectLockConfiguration("logs", undefined)).rejects.toThrow(
      "InvalidBucketState: Versioning must be 'Enabled'",
    );
    await s3.putBucketVersioning("logs", "Enabled");
    const mode = "COMPLIANCE";
    for (const retention of [{ mode }, { mode, days: 1, years: 1 }]) {
      await expect(s3.putObjectLockConfiguration("logs", retention)).rejects.toThrow(
        "MalformedXML",
      );
    }
    await s3.putObjectLockConfiguration("logs", { mode, days: 1 });
    await expect(s3.putBucketVersioning("logs", "Suspended")).rejects.toThrow(
      "InvalidBucketState: An Object Lock configuration is present",
    );
    const bucket = await s3.headBucket("logs");
    aws.store.put(S3_BUCKETS, "eu-central-1", "logs", { ...bucket, objects: 1 });
    await expect(s3.deleteObjects("logs")).rejects.toThrow("AccessDenied");
    await createBucket("locked", HERE, true);
    expect(await s3.headBucket("locked")).toMatchObject({ versioning: "Enabled", objectLock: {} });
  });

  test("access logs go to a bucket of the region", async () => {
    await createBucket("logs");
    await createBucket("access");
    await createBucket("west", WEST);
    const logTo = (targetBucket: string) =>
      s3.putBucketLogging("logs", { targetBucket, targetPrefix: "" });
    await expect(logTo("ghost")).rejects.toThrow(
      "InvalidTargetBucketForLogging: The target bucket for logging does not exist",
    );
    await expect(logTo("west")).rejects.toThrow("must be in the same region");
    await logTo("access");
    await s3.putBucketLogging("logs", undefined);
    expect((await s3.headBucket("logs")).logging).toBeUndefined();
  });

  test("lifecycle rules do something, under ids of their own", async () => {
    await createBucket("logs");
    const rule = (changes: LifecycleRule = {}): LifecycleRule => ({
      id: "a",
      status: "Enabled",
      expiration: [{ days: 1 }],
      ...changes,
    });
    const put = (...rules: readonly LifecycleRule[]) =>
      s3.putBucketLifecycleConfiguration("logs", {
        rules: [...rules],
        transitionDefaultMinimumObjectSize: "all_storage_classes_128K",
      });
    const many = (length: number) => Array.from({ length }, (_, index) => rule({ id: `${index}` }));
    for (const [rules, message] of [
      [[], "MalformedXML"],
      [many(MAX_LIFECYCLE_RULES + 1), "MalformedXML"],
      [[rule(), rule()], "InvalidArgument: Rule ID must be unique."],
      [[rule({ expiration: [] })], "InvalidRequest: At least one action needs to be specified"],
      [[rule({ expiration: [{ days: 0 }] })], "'days' for expiration must be a positive integer"],
      [[rule({ prefix: "a", filter: [{ prefix: "a" }] })], "MalformedXML"],
    ] as const) {
      await expect(put(...rules)).rejects.toThrow(message);
    }
    await expect(s3.getBucketLifecycleConfiguration("logs")).rejects.toThrow(
      "NoSuchLifecycleConfiguration",
    );
    await put(...many(MAX_LIFECYCLE_RULES));
    await put(rule({ expiration: [], transition: [{ days: 0, storage_class: "GLACIER" }] }));
    await s3.deleteBucketLifecycle("logs");
  });
});
