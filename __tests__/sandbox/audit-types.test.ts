/** State machines, schedules, trails and buckets through real Terraform: their lives, and what is refused. */
import { CloudTrail, TRAILS } from "../../sandbox/aws/cloudtrail";
import { FOREIGN_BUCKETS, S3, S3_BUCKETS } from "../../sandbox/aws/s3";
import { SCHEDULE_GROUPS, SCHEDULE_OBJECTS, Scheduler } from "../../sandbox/aws/scheduler";
import { STATE_MACHINE_OBJECTS } from "../../sandbox/aws/states";
import { RESOURCE_TYPES } from "../../sandbox/provider/types";
import {
  type Arguments,
  HERE,
  type Resources,
  refusals,
  TerraformFolder,
} from "../helpers/terraform-folder";
import { apply, expectNoChanges, plannedFor, WEST } from "../helpers/world";

let folder: TerraformFolder;
beforeEach(() => {
  folder = new TerraformFolder();
});
afterEach(() => folder.remove());

const { account, region } = HERE;
const TRAIL_ARN = `arn:aws:cloudtrail:${region}:${account}:trail/audit`;
const LOGS = "audit-logs-of-111122223333";
const ACCESS = "access-logs-of-111122223333";

function policyOf(...statements: readonly Arguments[]): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.map((statement) => ({ Effect: "Allow", ...statement })),
  });
}

function trusting(service: string): string {
  return policyOf({ Principal: { Service: service }, Action: "sts:AssumeRole" });
}

const OF_TRAIL = { StringEquals: { "aws:SourceArn": TRAIL_ARN } };
const TRAIL_SERVICE = { Service: "cloudtrail.amazonaws.com" };

const KEY_POLICY = policyOf(
  { Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: "kms:*", Resource: "*" },
  {
    Principal: TRAIL_SERVICE,
    Action: ["kms:GenerateDataKey*", "kms:Decrypt"],
    Resource: "*",
    Condition: OF_TRAIL,
  },
);

function bucketPolicy(bucket: string): string {
  const arn = `arn:aws:s3:::${bucket}`;
  const aclCheck = { Action: "s3:GetBucketAcl", Resource: arn };
  const write = { Action: "s3:PutObject", Resource: `${arn}/AWSLogs/${account}/*` };
  return policyOf(
    { Principal: TRAIL_SERVICE, Condition: OF_TRAIL, ...aclCheck },
    { Principal: TRAIL_SERVICE, Condition: OF_TRAIL, ...write },
  );
}

const PASS = JSON.stringify({ StartAt: "Pass", States: { Pass: { Type: "Pass", End: true } } });
const WAIT = JSON.stringify({
  StartAt: "Wait",
  States: { Wait: { Type: "Wait", Seconds: 1, End: true } },
});

/** One resource of each type, some in two forms. */
function resources(changes: Resources = {}): Resources {
  const blocks: Resources = {
    "aws_kms_key.audit": { policy: KEY_POLICY },
    "aws_kms_key.west": { region: WEST },
    "aws_sqs_queue.dead": { name: "dead" },
    "aws_cloudwatch_log_group.trail": { name: "/audit/trail" },
    "aws_iam_role.machine": {
      name: "machine",
      assume_role_policy: trusting("states.amazonaws.com"),
    },
    "aws_iam_role.schedule": {
      name: "schedule",
      assume_role_policy: trusting("scheduler.amazonaws.com"),
    },
    "aws_iam_role.trail": {
      name: "trail",
      assume_role_policy: trusting("cloudtrail.amazonaws.com"),
    },
    "aws_sfn_state_machine.plain": {
      name: "plain",
      definition: PASS,
      role_arn: "${aws_iam_role.machine.arn}",
    },
    "aws_sfn_state_machine.full": {
      region: WEST,
      name: "full",
      definition: PASS,
      role_arn: "${aws_iam_role.machine.arn}",
      type: "EXPRESS",
      publish: true,
      encryption_configuration: {
        type: "CUSTOMER_MANAGED_KMS_KEY",
        kms_key_id: "${aws_kms_key.west.arn}",
      },
      logging_configuration: {
        level: "ALL",
        log_destination: `arn:aws:logs:${WEST}:${account}:log-group:/states:*`,
      },
      tracing_configuration: { enabled: true },
      tags: { team: "audit" },
    },
    "aws_scheduler_schedule_group.group": { name: "audit", tags: { team: "audit" } },
    "aws_scheduler_schedule.universal": {
      name: "canary",
      group_name: "${aws_scheduler_schedule_group.group.name}",
      schedule_expression: "cron(0 6 * * ? *)",
      flexible_time_window: { mode: "FLEXIBLE", maximum_window_in_minutes: 15 },
      target: {
        arn: "arn:aws:scheduler:::aws-sdk:kms:updateKeyDescription",
        role_arn: "${aws_iam_role.schedule.arn}",
        input: JSON.stringify({ KeyId: "audit" }),
        retry_policy: { maximum_retry_attempts: 3 },
        dead_letter_config: { arn: "${aws_sqs_queue.dead.arn}" },
      },
    },
    "aws_scheduler_schedule.event": {
      region: WEST,
      name: "heartbeat",
      schedule_expression: "rate(1 hour)",
      schedule_expression_timezone: "Europe/Berlin",
      flexible_time_window: { mode: "OFF" },
      target: {
        arn: `arn:aws:events:${WEST}:${account}:event-bus/default`,
        role_arn: "${aws_iam_role.schedule.arn}",
        input: "{}",
        eventbridge_parameters: { detail_type: "Beat", source: "shop.beat" },
      },
    },
    "aws_s3_bucket.logs": { bucket: LOGS, force_destroy: true, object_lock_enabled: true },
    "aws_s3_bucket.access": { bucket: ACCESS },
    "aws_s3_bucket.made_up": { region: WEST, bucket_prefix: "west-" },
    "aws_s3_bucket_policy.logs": {
      bucket: "${aws_s3_bucket.logs.bucket}",
      policy: bucketPolicy(LOGS),
    },
    "aws_s3_bucket_public_access_block.logs": {
      bucket: "${aws_s3_bucket.logs.bucket}",
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: true,
    },
    "aws_s3_bucket_versioning.logs": {
      bucket: "${aws_s3_bucket.logs.bucket}",
      versioning_configuration: { status: "Enabled" },
    },
    "aws_s3_bucket_versioning.west": {
      region: WEST,
      bucket: "${aws_s3_bucket.made_up.bucket}",
      versioning_configuration: { status: "Enabled" },
    },
    "aws_s3_bucket_server_side_encryption_configuration.logs": {
      bucket: "${aws_s3_bucket.logs.bucket}",
      rule: {
        bucket_key_enabled: true,
        apply_server_side_encryption_by_default: {
          sse_algorithm: "aws:kms",
          kms_master_key_id: "${aws_kms_key.audit.arn}",
        },
      },
    },
    "aws_s3_bucket_server_side_encryption_configuration.access": {
      bucket: "${aws_s3_bucket.access.bucket}",
      rule: { apply_server_side_encryption_by_default: { sse_algorithm: "AES256" } },
    },
    "aws_s3_bucket_ownership_controls.logs": {
      bucket: "${aws_s3_bucket.logs.bucket}",
      rule: { object_ownership: "BucketOwnerEnforced" },
    },
    "aws_s3_bucket_lifecycle_configuration.logs": {
      bucket: "${aws_s3_bucket.logs.bucket}",
      rule: [
        {
          id: "expire",
          status: "Enabled",
          filter: { prefix: "" },
          expiration: { days: 400 },
          noncurrent_version_expiration: { noncurrent_days: 30 },
          abort_incomplete_multipart_upload: { days_after_initiation: 7 },
        },
        {
          id: "archive",
          status: "Disabled",
          filter: { and: { prefix: "old/", tags: { kind: "log" } } },
          transition: { days: 90, storage_class: "GLACIER" },
        },
      ],
    },
    "aws_s3_bucket_logging.logs": {
      bucket: "${aws_s3_bucket.logs.bucket}",
      target_bucket: "${aws_s3_bucket.access.bucket}",
      target_prefix: "logs/",
      target_object_key_format: { partitioned_prefix: { partition_date_source: "EventTime" } },
    },
    "aws_s3_bucket_object_lock_configuration.logs": {
      bucket: "${aws_s3_bucket.logs.bucket}",
      rule: { default_retention: { mode: "GOVERNANCE", days: 30 } },
    },
    "aws_cloudtrail.audit": {
      name: "audit",
      s3_bucket_name: "${aws_s3_bucket.logs.bucket}",
      kms_key_id: "${aws_kms_key.audit.arn}",
      cloud_watch_logs_group_arn: "${aws_cloudwatch_log_group.trail.arn}:*",
      cloud_watch_logs_role_arn: "${aws_iam_role.trail.arn}",
      is_multi_region_trail: true,
      enable_log_file_validation: true,
      advanced_event_selector: {
        name: "management",
        field_selector: [{ field: "eventCategory", equals: ["Management"] }],
      },
      depends_on: [
        "aws_s3_bucket_policy.logs",
        "aws_s3_bucket_server_side_encryption_configuration.logs",
      ],
    },
  };
  return Object.fromEntries(
    Object.entries(blocks).map(([address, block]) => [address, { ...block, ...changes[address] }]),
  );
}

function attributes(address: string): Readonly<Record<string, unknown>> {
  return folder.state[address]?.attributes ?? {};
}

/** What has been made of a type, as it is listed. */
function listed(bindings: string, at: string = region): readonly string[] {
  const type = RESOURCE_TYPES.find((candidate) => candidate.bindings === bindings);
  return (type?.list(folder.store, { ...HERE, region: at }) ?? []).map(({ name }) => name);
}

/** Import ids of one resource of each type. */
const IMPORTS = Object.entries({
  "aws_sfn_state_machine.full": `arn:aws:states:${WEST}:${account}:stateMachine:full@${WEST}`,
  "aws_scheduler_schedule_group.group": "audit",
  "aws_scheduler_schedule.universal": "audit/canary",
  "aws_cloudtrail.audit": TRAIL_ARN,
  "aws_s3_bucket.access": ACCESS,
  "aws_s3_bucket_policy.logs": LOGS,
  "aws_s3_bucket_public_access_block.logs": LOGS,
  "aws_s3_bucket_versioning.logs": LOGS,
  "aws_s3_bucket_server_side_encryption_configuration.logs": LOGS,
  "aws_s3_bucket_ownership_controls.logs": LOGS,
  "aws_s3_bucket_lifecycle_configuration.logs": LOGS,
  "aws_s3_bucket_logging.logs": LOGS,
  "aws_s3_bucket_object_lock_configuration.logs": LOGS,
}).map(([to, id]) => ({ to, id }));

function setObjects(bucketName: string, objects: number): void {
  const bucket = folder.store.get(S3_BUCKETS, region, bucketName);
  expect(bucket).toBeDefined();
  if (bucket !== undefined) {
    folder.store.put(S3_BUCKETS, region, bucketName, { ...bucket, objects });
  }
}

test("they are made, read back, taken over, changed in place, replaced, seen to drift, and deleted", async () => {
  await apply(folder, resources());
  const arnOf = (service: string, resource: string, at = region) =>
    `arn:aws:${service}:${at}:${account}:${resource}`;
  expect(attributes("aws_sfn_state_machine.plain")).toMatchObject({
    id: arnOf("states", "stateMachine:plain"),
    arn: arnOf("states", "stateMachine:plain"),
    creation_date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    publish: false,
    revision_id: "",
    state_machine_version_arn: null,
    status: "ACTIVE",
    type: "STANDARD",
  });
  const full = arnOf("states", "stateMachine:full", WEST);
  expect(attributes("aws_sfn_state_machine.full")).toMatchObject({
    arn: full,
    region: WEST,
    state_machine_version_arn: `${full}:1`,
    type: "EXPRESS",
    tracing_configuration: [{ enabled: true }],
  });
  expect(folder.store.get(STATE_MACHINE_OBJECTS, WEST, "full")).toMatchObject({
    encryption: {
      type: "CUSTOMER_MANAGED_KMS_KEY",
      kmsKeyId: folder.text("aws_kms_key.west", "arn"),
      kmsDataKeyReusePeriodSeconds: 300,
    },
    logging: { level: "ALL", includeExecutionData: false },
  });
  expect(attributes("aws_scheduler_schedule_group.group")).toMatchObject({
    id: "audit",
    arn: arnOf("scheduler", "schedule-group/audit"),
    state: "ACTIVE",
  });
  expect(attributes("aws_scheduler_schedule.universal")).toMatchObject({
    id: "audit/canary",
    arn: arnOf("scheduler", "schedule/audit/canary"),
    action_after_completion: "NONE",
    group_name: "audit",
    schedule_expression_timezone: "UTC",
    state: "ENABLED",
  });
  expect(folder.store.get(SCHEDULE_OBJECTS, region, "audit/canary")?.target.retryPolicy).toEqual({
    maximumEventAgeInSeconds: 86_400,
    maximumRetryAttempts: 3,
  });
  expect(attributes("aws_scheduler_schedule.event")).toMatchObject({
    id: "default/heartbeat",
    group_name: "default",
    arn: arnOf("scheduler", "schedule/default/heartbeat", WEST),
  });
  expect(attributes("aws_cloudtrail.audit")).toMatchObject({
    id: TRAIL_ARN,
    arn: TRAIL_ARN,
    enable_logging: true,
    home_region: region,
    include_global_service_events: true,
    sns_topic_arn: "",
  });
  expect(folder.store.get(TRAILS, region, "audit")).toMatchObject({
    isLogging: true,
    eventSelectors: [],
    advancedEventSelectors: [
      {
        name: "management",
        fieldSelectors: [{ field: "eventCategory", equals: ["Management"] }],
      },
    ],
  });
  expect(attributes("aws_s3_bucket.logs")).toMatchObject({
    id: LOGS,
    arn: `arn:aws:s3:::${LOGS}`,
    bucket_domain_name: `${LOGS}.s3.amazonaws.com`,
    bucket_region: region,
    bucket_regional_domain_name: `${LOGS}.s3.${region}.amazonaws.com`,
    object_lock_enabled: true,
    region,
    request_payer: "BucketOwner",
  });
  expect(folder.text("aws_s3_bucket.made_up", "id")).toMatch(/^west-[0-9a-f]{26}$/);
  expect(attributes("aws_s3_bucket_lifecycle_configuration.logs")).toMatchObject({
    id: LOGS,
    expected_bucket_owner: "",
    transition_default_minimum_object_size: "all_storage_classes_128K",
  });
  expect(folder.store.get(S3_BUCKETS, region, LOGS)).toMatchObject({
    objects: 0,
    versioning: "Enabled",
    ownership: { objectOwnership: "BucketOwnerEnforced" },
    objectLock: { retention: { mode: "GOVERNANCE", days: 30 } },
    logging: { targetBucket: ACCESS, targetPrefix: "logs/", keyFormat: "EventTime" },
  });
  expect(
    Object.fromEntries(
      ["", "-policy", "-public-access-block", "-versioning", "-ownership-controls", "-logging"].map(
        (ending) => [ending, listed(`s3-bucket${ending}`)],
      ),
    ),
  ).toEqual({
    "": [ACCESS, LOGS],
    "-policy": [LOGS],
    "-public-access-block": [LOGS],
    "-versioning": [LOGS],
    "-ownership-controls": [LOGS],
    "-logging": [LOGS],
  });
  expect([listed("scheduler-schedule"), listed("scheduler-schedule", WEST)]).toEqual([
    ["audit/canary"],
    ["default/heartbeat"],
  ]);

  // What AWS does not tell, whether a version is published, is the only difference.
  await folder.command("state", "rm", ...IMPORTS.map(({ to }) => to));
  const imports = { blocks: { import: IMPORTS } };
  expect(await plannedFor(folder, resources(), imports)).toEqual({
    "aws_sfn_state_machine.full": "update publish",
  });
  await apply(folder, resources(), imports);
  await expectNoChanges(folder);

  const changed = resources({
    "aws_sfn_state_machine.plain": { definition: WAIT, logging_configuration: { level: "OFF" } },
    "aws_sfn_state_machine.full": {
      definition: WAIT,
      tags: { team: "ops" },
      tracing_configuration: [],
    },
    "aws_scheduler_schedule_group.group": { tags: { team: "ops" } },
    "aws_scheduler_schedule.event": { state: "DISABLED", schedule_expression: "rate(2 hours)" },
    "aws_s3_bucket.logs": { tags: { team: "ops" } },
    "aws_s3_bucket_ownership_controls.logs": { rule: { object_ownership: "ObjectWriter" } },
    "aws_s3_bucket_versioning.west": { versioning_configuration: { status: "Suspended" } },
    "aws_s3_bucket_logging.logs": { target_prefix: "other/", target_object_key_format: [] },
    "aws_s3_bucket_lifecycle_configuration.logs": {
      rule: [{ id: "all", status: "Enabled", expiration: { days: 1 } }],
    },
    "aws_cloudtrail.audit": {
      advanced_event_selector: [],
      enable_logging: false,
      event_selector: { exclude_management_event_sources: ["rdsdata.amazonaws.com"] },
      kms_key_id: null,
    },
  });
  expect(await plannedFor(folder, changed)).toEqual({
    "aws_sfn_state_machine.plain": "update definition, logging_configuration",
    "aws_sfn_state_machine.full": "update definition, tags, tags_all, tracing_configuration",
    "aws_scheduler_schedule_group.group": "update tags, tags_all",
    "aws_scheduler_schedule.event": "update schedule_expression, state",
    "aws_s3_bucket.logs": "update tags, tags_all",
    "aws_s3_bucket_ownership_controls.logs": "update rule",
    "aws_s3_bucket_versioning.west": "update versioning_configuration",
    "aws_s3_bucket_logging.logs": "update target_object_key_format, target_prefix",
    "aws_s3_bucket_lifecycle_configuration.logs": "update rule",
    "aws_cloudtrail.audit":
      "update advanced_event_selector, enable_logging, event_selector, kms_key_id",
  });
  await apply(folder, changed);
  expect(folder.store.get(TRAILS, region, "audit")).toMatchObject({
    isLogging: false,
    kmsKeyId: "",
    advancedEventSelectors: [],
    eventSelectors: [
      {
        readWriteType: "All",
        includeManagementEvents: true,
        excludeManagementEventSources: ["rdsdata.amazonaws.com"],
        dataResources: [],
      },
    ],
  });
  expect(attributes("aws_sfn_state_machine.full")).toMatchObject({
    revision_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    state_machine_version_arn: `${full}:3`,
    tracing_configuration: [],
  });
  // A block that is left out is not sent: what AWS has stays.
  expect(folder.store.get(STATE_MACHINE_OBJECTS, WEST, "full")?.tracingEnabled).toBe(true);
  await expectNoChanges(folder);

  expect(
    await plannedFor(
      folder,
      resources({
        ...changed,
        "aws_sfn_state_machine.plain": { ...changed["aws_sfn_state_machine.plain"], name: "other" },
        "aws_sfn_state_machine.full": {
          ...changed["aws_sfn_state_machine.full"],
          type: "STANDARD",
        },
        "aws_scheduler_schedule.event": {
          ...changed["aws_scheduler_schedule.event"],
          group_name: "audit",
        },
        "aws_s3_bucket.access": { bucket: ACCESS, object_lock_enabled: true },
        "aws_cloudtrail.audit": { ...changed["aws_cloudtrail.audit"], name: "other" },
      }),
    ),
  ).toMatchObject({
    "aws_sfn_state_machine.plain": "replace for name",
    "aws_sfn_state_machine.full": "replace for type",
    "aws_scheduler_schedule.event": "replace for group_name",
    "aws_s3_bucket.access": "replace for object_lock_enabled",
    "aws_cloudtrail.audit": "replace for name",
  });

  await new CloudTrail(folder.aws, HERE).startLogging(TRAIL_ARN);
  await new S3(folder.aws, HERE).deleteBucketPolicy(LOGS);
  await new Scheduler(folder.aws, HERE).deleteScheduleGroup("audit");
  expect(await plannedFor(folder, changed)).toEqual({
    "aws_cloudtrail.audit": "update enable_logging",
    "aws_s3_bucket_policy.logs": "create",
    "aws_scheduler_schedule.universal": "create",
    "aws_scheduler_schedule_group.group": "create",
  });

  setObjects(ACCESS, 2);
  setObjects(LOGS, 2);
  expect(refusals(await folder.destroy())).toEqual({
    "": "deleting S3 Bucket (access-logs-of-111122223333): operation error S3: DeleteBucket, BucketNotEmpty: The bucket you tried to delete is not empty.",
  });
  setObjects(ACCESS, 0);
  expect((await folder.destroy()).code).toBe(0);
  expect(folder.state).toEqual({});
  for (const kind of [S3_BUCKETS, SCHEDULE_GROUPS, SCHEDULE_OBJECTS, STATE_MACHINE_OBJECTS]) {
    expect([
      folder.store.list<unknown>(kind, region),
      folder.store.list<unknown>(kind, WEST),
    ]).toEqual([[], []]);
  }
});

test("what the provider refuses before AWS is asked", async () => {
  const target = { arn: "arn:aws:sqs:eu-west-1:111122223333:q", role_arn: "role" };
  const { problems } = await folder
    .write({
      "aws_sfn_state_machine.a": {
        name: "a b",
        definition: PASS,
        role_arn: "arn:aws:iam::111122223333:role/a",
        encryption_configuration: { kms_data_key_reuse_period_seconds: 901, type: "NONE" },
      },
      "aws_scheduler_schedule.a": {
        name: "a".repeat(65),
        schedule_expression: "rate(1 hour)",
        flexible_time_window: { mode: "ON" },
        target: { ...target, retry_policy: { maximum_retry_attempts: 186 } },
      },
      "aws_cloudtrail.a": {
        name: "ab",
        s3_bucket_name: "logs",
        event_selector: {},
        advanced_event_selector: { field_selector: { field: "eventCategory" } },
      },
      "aws_s3_bucket.a": { bucket: "a".repeat(64), acl: "private", versioning: { enabled: true } },
      "aws_s3_bucket_versioning.a": {
        bucket: "logs",
        versioning_configuration: { status: "On" },
      },
    })
    .validate();
  expect(problems.map((problem) => problem.split("\n")[0]).sort()).toEqual(
    [
      'Error: "name" doesn\'t comply with restrictions ("^[0-9A-Za-z_-]+$"): "a b"',
      'Error: "role_arn" (role) is an invalid ARN: arn: invalid prefix',
      'Error: Conflicting configuration arguments: "advanced_event_selector": conflicts with event_selector',
      "Error: acl is deprecated, the sandbox has none: use aws_s3_bucket_acl",
      `Error: expected length of bucket to be in the range (0 - 63), got ${"a".repeat(64)}`,
      "Error: expected length of name to be in the range (1 - 64), got ".concat("a".repeat(65)),
      "Error: expected length of name to be in the range (3 - 128), got ab",
      "Error: expected kms_data_key_reuse_period_seconds to be in the range (60 - 900), got 901",
      "Error: expected maximum_retry_attempts to be in the range (0 - 185), got 186",
      'Error: expected mode to be one of ["OFF" "FLEXIBLE"], got ON',
      'Error: expected status to be one of ["Enabled" "Suspended" "Disabled"], got On',
      'Error: expected type to be one of ["AWS_OWNED_KEY" "CUSTOMER_MANAGED_KMS_KEY"], got NONE',
      "Error: versioning is deprecated, the sandbox has none: use aws_s3_bucket_versioning",
    ].sort(),
  );
});

test("what AWS refuses, in the provider's words", async () => {
  folder.store.put(FOREIGN_BUCKETS, undefined, "taken", { name: "taken" });
  const machine = { definition: PASS, role_arn: "${aws_iam_role.machine.arn}" };
  const everything = resources({
    // Names the service, but for a trail of another name.
    "aws_s3_bucket_policy.logs": { policy: bucketPolicy(LOGS).replaceAll("/audit", "/other") },
    "aws_scheduler_schedule.universal": {
      target: {
        arn: "arn:aws:scheduler:::aws-sdk:kms:listKeys",
        role_arn: "${aws_iam_role.schedule.arn}",
      },
    },
    "aws_scheduler_schedule.event": { group_name: "ghosts" },
    "aws_s3_bucket_object_lock_configuration.logs": { bucket: "${aws_s3_bucket.access.bucket}" },
    "aws_s3_bucket_logging.logs": { target_bucket: "nobodys" },
    "aws_s3_bucket_lifecycle_configuration.logs": { rule: { id: "idle", status: "Enabled" } },
  });
  const result = await folder
    .write({
      ...everything,
      "aws_s3_bucket.taken": { bucket: "taken" },
      "aws_sfn_state_machine.wrong": { ...machine, name: "wrong", definition: "{}" },
      "aws_sfn_state_machine.trust": {
        ...machine,
        name: "trust",
        role_arn: "${aws_iam_role.schedule.arn}",
      },
    })
    .apply();
  expect(refusals(result)).toEqual({
    "aws_s3_bucket.taken":
      "creating S3 Bucket (taken): operation error S3: CreateBucket, BucketAlreadyExists: The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
    "aws_sfn_state_machine.wrong":
      "creating Step Functions State Machine (wrong): operation error SFN: CreateStateMachine, InvalidDefinition: Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Invalid input: expected string, received undefined at /StartAt'",
    "aws_sfn_state_machine.trust":
      "creating Step Functions State Machine (trust): operation error SFN: CreateStateMachine, AccessDeniedException: Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role.",
    "aws_cloudtrail.audit": `creating CloudTrail Trail (audit): operation error CloudTrail: CreateTrail, InsufficientS3BucketPolicyException: Incorrect S3 bucket policy is detected for bucket: ${LOGS}`,
    "aws_scheduler_schedule.universal":
      "creating EventBridge Scheduler Schedule (canary): operation error Scheduler: CreateSchedule, ValidationException: arn:aws:scheduler:::aws-sdk:kms:listKeys is not supported by Scheduler: listKeys only reads.",
    "aws_scheduler_schedule.event":
      "creating EventBridge Scheduler Schedule (heartbeat): operation error Scheduler: CreateSchedule, ResourceNotFoundException: Schedule group ghosts does not exist.",
    "aws_s3_bucket_object_lock_configuration.logs": `creating S3 Bucket (${ACCESS}) Object Lock Configuration: operation error S3: PutObjectLockConfiguration, InvalidBucketState: Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration`,
    "aws_s3_bucket_logging.logs": `creating S3 Bucket (${LOGS}) Logging: operation error S3: PutBucketLogging, InvalidTargetBucketForLogging: The target bucket for logging does not exist`,
    "aws_s3_bucket_lifecycle_configuration.logs": `creating S3 Bucket (${LOGS}) Lifecycle Configuration: operation error S3: PutBucketLifecycleConfiguration, InvalidRequest: At least one action needs to be specified in a rule`,
  });
});
