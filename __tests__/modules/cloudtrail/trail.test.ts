/** The account's own trail: its resources, and what the policies of its buckets and key decide. */
import { Trail, type TrailProps } from "../../../modules/cloudtrail/trail";
import { accountReads, renderKeyPolicy, usersCrypt } from "../../../modules/kms/key-policy";
import { trailEncrypts } from "../../../modules/kms/trail-grant";
import type { AwsLocation } from "../../../modules/partition";
import { LogBucket, type LogBucketProps } from "../../../modules/s3/log-bucket";
import { bucketAllows } from "../../helpers/bucket-iam";
import {
  actionsOn,
  decide,
  FULL_ADMIN,
  NOBODY_KNOWN,
  type PolicyDocument,
  type Principal,
  parsePolicy,
  type RequestContext,
  rootUser,
  service,
  sessionOf,
} from "../../helpers/iam";
import { lintPolicy } from "../../helpers/policy-lint";
import { type Resources, synthResources } from "../../helpers/synth-resources";

const ACCOUNT = "111122223333";
const STRANGER = "999988887777";
const AT: AwsLocation = { partition: "aws", account: ACCOUNT, region: "eu-west-1" };
const KEY = {
  keyArn: "arn:aws:kms:eu-west-1:111122223333:key/0000-audit",
  region: "eu-west-1",
} as const;
const PROPS: TrailProps = { at: AT, key: KEY, readEvents: true, protect: true };

const trailWith = (overrides: Partial<TrailProps> = {}) =>
  synthResources((scope) => new Trail(scope, "Trail", { ...PROPS, ...overrides }));
const policyOf = (resources: Resources, name: string) =>
  parsePolicy(resources.aws_s3_bucket_policy?.[name]?.policy);

const TRAIL_ARN = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/keyspan";
const BUCKET = "keyspan-trail-111122223333-eu-west-1";
const BUCKET_ARN = `arn:aws:s3:::${BUCKET}`;
const ACCESS_BUCKET = "keyspan-trail-access-111122223333-eu-west-1";
const ACCESS_BUCKET_ARN = `arn:aws:s3:::${ACCESS_BUCKET}`;

const denials = (bucketArn: string) => [
  {
    Sid: "DenyWithoutTls",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: bucketArn,
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  },
  {
    Sid: "DenyObjectsWithoutTls",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: `${bucketArn}/*`,
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  },
  {
    Sid: "DenyChangingLogs",
    Effect: "Deny",
    Principal: "*",
    Action: ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject"],
    Resource: `${bucketArn}/*`,
    Condition: { Bool: { "aws:PrincipalIsAWSService": "false" } },
  },
];

/** What a bucket consists of, but for its policy. */
const bucketBlocks = (name: string, bucketName: string, days: number, encryption: object) => {
  const inBucket = { bucket: `\${aws_s3_bucket.${name}.bucket}`, region: "eu-west-1" };
  return {
    aws_s3_bucket: {
      bucket: bucketName,
      region: "eu-west-1",
      force_destroy: false,
      lifecycle: { prevent_destroy: true },
    },
    aws_s3_bucket_public_access_block: {
      ...inBucket,
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: true,
    },
    aws_s3_bucket_ownership_controls: {
      ...inBucket,
      rule: { object_ownership: "BucketOwnerEnforced" },
    },
    aws_s3_bucket_versioning: { ...inBucket, versioning_configuration: { status: "Enabled" } },
    aws_s3_bucket_server_side_encryption_configuration: {
      ...inBucket,
      rule: [
        {
          apply_server_side_encryption_by_default: encryption,
          bucket_key_enabled: false,
          blocked_encryption_types: ["SSE-C"],
        },
      ],
    },
    aws_s3_bucket_lifecycle_configuration: {
      ...inBucket,
      rule: [
        {
          id: "expire",
          status: "Enabled",
          filter: [{}],
          expiration: [{ days }],
          noncurrent_version_expiration: [{ noncurrent_days: 30 }],
          abort_incomplete_multipart_upload: [{ days_after_initiation: 7 }],
        },
      ],
      depends_on: [`aws_s3_bucket_versioning.${name}`],
    },
  };
};

const policyBlock = (name: string, Statement: readonly object[]) => ({
  bucket: `\${aws_s3_bucket.${name}.bucket}`,
  region: "eu-west-1",
  policy: JSON.stringify({ Version: "2012-10-17", Statement }),
  depends_on: [`aws_s3_bucket_public_access_block.${name}`],
});

const TRAIL_BLOCK = {
  name: "keyspan",
  region: "eu-west-1",
  is_multi_region_trail: true,
  include_global_service_events: true,
  enable_logging: true,
  enable_log_file_validation: true,
  kms_key_id: KEY.keyArn,
  s3_bucket_name: "${aws_s3_bucket.trail.bucket}",
  depends_on: ["aws_s3_bucket_policy.trail"],
  lifecycle: { prevent_destroy: true },
};

test("the trail, its two buckets and nothing else", () => {
  const trail = bucketBlocks("trail", BUCKET, 400, {
    sse_algorithm: "aws:kms",
    kms_master_key_id: KEY.keyArn,
  });
  const access = bucketBlocks("trail_access", ACCESS_BUCKET, 90, { sse_algorithm: "AES256" });
  const types = Object.keys(trail) as (keyof typeof trail)[];
  expect(trailWith()).toEqual({
    aws_cloudtrail: { keyspan: TRAIL_BLOCK },
    ...Object.fromEntries(
      types.map((type) => [type, { trail: trail[type], trail_access: access[type] }]),
    ),
    aws_s3_bucket_logging: {
      trail: {
        bucket: "${aws_s3_bucket.trail.bucket}",
        region: "eu-west-1",
        target_bucket: "${aws_s3_bucket.trail_access.bucket}",
        target_prefix: `${BUCKET}/`,
        depends_on: ["aws_s3_bucket_policy.trail_access"],
      },
    },
    aws_s3_bucket_policy: {
      trail: policyBlock("trail", [
        {
          Sid: "TrailChecksAcl",
          Effect: "Allow",
          Principal: { Service: "cloudtrail.amazonaws.com" },
          Action: "s3:GetBucketAcl",
          Resource: BUCKET_ARN,
          Condition: { StringEquals: { "aws:SourceArn": TRAIL_ARN } },
        },
        {
          Sid: "TrailDelivers",
          Effect: "Allow",
          Principal: { Service: "cloudtrail.amazonaws.com" },
          Action: "s3:PutObject",
          Resource: `${BUCKET_ARN}/AWSLogs/${ACCOUNT}/*`,
          Condition: {
            StringEquals: {
              "aws:SourceArn": TRAIL_ARN,
              "s3:x-amz-acl": "bucket-owner-full-control",
            },
          },
        },
        ...denials(BUCKET_ARN),
      ]),
      trail_access: policyBlock("trail_access", [
        {
          Sid: "AccessLogsDelivered",
          Effect: "Allow",
          Principal: { Service: "logging.s3.amazonaws.com" },
          Action: "s3:PutObject",
          Resource: `${ACCESS_BUCKET_ARN}/${BUCKET}/*`,
          Condition: {
            ArnLike: { "aws:SourceArn": BUCKET_ARN },
            StringEquals: { "aws:SourceAccount": ACCOUNT },
          },
        },
        ...denials(ACCESS_BUCKET_ARN),
      ]),
    },
  });
});

test("without reading calls the trail says so, and still excludes nothing", () => {
  expect(trailWith({ readEvents: false })).toEqual({
    ...trailWith(),
    aws_cloudtrail: {
      keyspan: {
        ...TRAIL_BLOCK,
        event_selector: [
          {
            include_management_events: true,
            read_write_type: "WriteOnly",
            exclude_management_event_sources: [],
          },
        ],
      },
    },
  });
});

test("the log group comes with a role that writes to this account's streams only", () => {
  expect(trailWith({ logGroupRetentionDays: 90 })).toEqual({
    ...trailWith(),
    aws_cloudtrail: {
      keyspan: {
        ...TRAIL_BLOCK,
        cloud_watch_logs_group_arn: "${aws_cloudwatch_log_group.trail.arn}:*",
        cloud_watch_logs_role_arn: "${aws_iam_role.keyspan-trail-logs.arn}",
        depends_on: [
          "aws_s3_bucket_policy.trail",
          "aws_iam_role.keyspan-trail-logs",
          "aws_iam_role_policy.keyspan-trail-logs",
        ],
      },
    },
    aws_cloudwatch_log_group: {
      trail: {
        name: "/aws/cloudtrail/keyspan",
        region: "eu-west-1",
        kms_key_id: KEY.keyArn,
        retention_in_days: 90,
      },
    },
    aws_iam_role: {
      "keyspan-trail-logs": {
        name: "keyspan-trail-logs",
        description:
          "Keyspan: CloudTrail writes the events of the account's trail to its log group",
        assume_role_policy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Principal: { Service: "cloudtrail.amazonaws.com" },
              Action: "sts:AssumeRole",
              Condition: {
                ArnEqualsIfExists: { "aws:SourceArn": TRAIL_ARN },
                StringEqualsIfExists: { "aws:SourceAccount": ACCOUNT },
              },
            },
          ],
        }),
      },
    },
    aws_iam_role_policy: {
      "keyspan-trail-logs": {
        name: "keyspan-trail-logs",
        role: "${aws_iam_role.keyspan-trail-logs.name}",
        policy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            {
              Sid: "WriteTrailEvents",
              Effect: "Allow",
              Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
              Resource:
                "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/cloudtrail/keyspan:log-stream:111122223333_CloudTrail_eu-west-1*",
            },
          ],
        }),
      },
    },
  });
});

test("an account without protection can be destroyed with its logs", () => {
  const resources = trailWith({ protect: false });
  const bucket = (name: string) => ({
    bucket: name,
    region: "eu-west-1",
    force_destroy: true,
    lifecycle: { prevent_destroy: false },
  });
  expect(resources.aws_s3_bucket).toEqual({
    trail: bucket(BUCKET),
    trail_access: bucket(ACCESS_BUCKET),
  });
  expect(resources.aws_cloudtrail?.keyspan?.lifecycle).toEqual({ prevent_destroy: false });
  for (const name of ["trail", "trail_access"]) {
    const protectedPolicy = policyOf(trailWith(), name);
    expect(policyOf(resources, name)).toEqual({
      ...protectedPolicy,
      Statement: protectedPolicy.Statement.slice(0, -1),
    });
  }
});

test("what must not be destroyed is told, and stands at these addresses", () => {
  let trail: Trail | undefined;
  const resources = synthResources((scope) => {
    trail = new Trail(scope, "Trail", PROPS);
  });
  expect(trail?.trailArn).toBe(TRAIL_ARN);
  expect(trail?.addresses).toEqual([
    { type: "aws_cloudtrail", name: "keyspan" },
    { type: "aws_s3_bucket", name: "trail" },
    { type: "aws_s3_bucket", name: "trail_access" },
  ]);
  expect(trail?.addresses.map(({ type, name }) => resources[type]?.[name]?.lifecycle)).toEqual(
    Array(3).fill({ prevent_destroy: true }),
  );
});

test("in China the ARNs are China's and the principals are not", () => {
  const at: AwsLocation = { partition: "aws-cn", account: ACCOUNT, region: "cn-north-1" };
  const key = { keyArn: "arn:aws-cn:kms:cn-north-1:111122223333:key/1", region: at.region };
  const grant = trailEncrypts({ at, logGroupMakers: ["arn:aws-cn:iam::111122223333:role/deploy"] });
  const text = JSON.stringify([trailWith({ at, key, logGroupRetentionDays: 1 }), grant(at)]);
  expect([...new Set(text.match(/arn:[a-z-]+:/g))]).toEqual(["arn:aws-cn:"]);
  expect([...new Set(text.match(/[a-z0-9.-]+\.amazonaws\.com[a-z.]*/g))].sort()).toEqual([
    "cloudtrail.amazonaws.com",
    "logging.s3.amazonaws.com",
    "logs.cn-north-1.amazonaws.com",
  ]);
});

describe("a log bucket", () => {
  const bucketWith = (overrides: Partial<LogBucketProps>) =>
    synthResources(
      (scope) =>
        new LogBucket(scope, "Bucket", {
          bucketName: "logs",
          addressName: "logs",
          at: AT,
          retentionDays: 1,
          statements: [],
          protect: false,
          ...overrides,
        }),
    );

  test.each(["abc", "0-9", "x".repeat(63)])("is made with the name %s", (bucketName) => {
    expect(bucketWith({ bucketName }).aws_s3_bucket?.logs?.bucket).toBe(bucketName);
  });

  test.each([
    ["ab", "must match"],
    ["x".repeat(64), "must be at most 63 characters long, the limit for bucket names"],
    ["Logs", "must match"],
    ["-logs", "must match"],
    ["logs-", "must match"],
    ["my.logs", "must match"],
  ])("fails if its name is %s", (bucketName, message) => {
    expect(() => bucketWith({ bucketName })).toThrow(`test/Bucket: bucketName ${message}`);
    expect(() => bucketWith({ bucketName })).toThrow(`got "${bucketName}"; use another name`);
  });

  test("fails if its policy is larger than S3 accepts", () => {
    const statement = (size: number) =>
      ({
        Sid: "x".repeat(size),
        Effect: "Allow",
        Principal: "*",
        Action: "s3:*",
        Resource: "",
      }) as const;
    const { length } = JSON.stringify(policyOf(bucketWith({ statements: [statement(0)] }), "logs"));
    const longest = 20_480 - length;
    expect(() => bucketWith({ statements: [statement(longest)] })).not.toThrow();
    expect(() => bucketWith({ statements: [statement(longest + 1)] })).toThrow(
      "logs: the bucket policy must be at most 20480 bytes",
    );
  });
});

const RESOURCES = trailWith({ logGroupRetentionDays: 90 });
const TRAIL_POLICY = policyOf(RESOURCES, "trail");
const ACCESS_POLICY = policyOf(RESOURCES, "trail_access");
const DEPLOY_ROLE = "arn:aws:iam::111122223333:role/keyspan-deploy";
const READER = "arn:aws:iam::111122223333:role/Auditor";

const keyPolicy = (logGroupMakers?: readonly string[]): PolicyDocument =>
  parsePolicy(
    renderKeyPolicy(
      "audit",
      [
        accountReads(),
        usersCrypt([READER], {}),
        trailEncrypts({ at: AT, ...(logGroupMakers !== undefined && { logGroupMakers }) }),
      ],
      AT,
    ),
  );
const KEY_POLICY = keyPolicy([DEPLOY_ROLE]);

test.each([
  ["trail bucket", TRAIL_POLICY],
  ["access log bucket", ACCESS_POLICY],
  ["key", KEY_POLICY],
  ["key without log group", keyPolicy()],
])("the linter finds nothing in the policy of the %s", async (_what, policy) => {
  expect(await lintPolicy(policy)).toEqual([]);
});

const CLOUDTRAIL = service("cloudtrail.amazonaws.com");
const from = (sourceArn: string): RequestContext => ({
  "aws:SourceArn": sourceArn,
  "aws:SourceAccount": sourceArn.split(":")[4] ?? "",
});
const ACL: RequestContext = { "s3:x-amz-acl": "bucket-owner-full-control" };
const LOG = `${BUCKET_ARN}/AWSLogs/${ACCOUNT}/CloudTrail/us-east-1/2026/01/01/log.json.gz`;
const WRONG_TRAILS: readonly (readonly [who: string, context: RequestContext])[] = [
  ["another account's trail", from(`arn:aws:cloudtrail:eu-west-1:${STRANGER}:trail/keyspan`)],
  ["another trail of the account", from(`${TRAIL_ARN}2`)],
  ["a trail whose name it begins with", from(TRAIL_ARN.slice(0, -1))],
  ["its namesake of another region", from(TRAIL_ARN.replace("eu-west-1", "us-east-1"))],
  ["nobody knows which trail", {}],
  ["some trail of the account", { "aws:SourceAccount": ACCOUNT }],
];

describe("the bucket of the trail", () => {
  const allows = (
    principal: Principal,
    action: string,
    resource: string,
    context: RequestContext = {},
    fullAdmin = false,
  ) => bucketAllows(TRAIL_POLICY, ACCOUNT, { principal, action, resource, context, fullAdmin });

  test("takes logs and digests of the one trail, over TLS", async () => {
    const context = { ...from(TRAIL_ARN), ...ACL };
    for (const object of [LOG, LOG.replace("/CloudTrail/", "/CloudTrail-Digest/")]) {
      expect(await allows(CLOUDTRAIL, "s3:PutObject", object, context)).toBe(true);
      expect(
        await allows(CLOUDTRAIL, "s3:PutObject", object, {
          ...context,
          "aws:SecureTransport": "false",
        }),
      ).toBe(false);
    }
    expect(await allows(CLOUDTRAIL, "s3:GetBucketAcl", BUCKET_ARN, from(TRAIL_ARN))).toBe(true);
  });

  test.each(WRONG_TRAILS)("takes nothing of %s", async (_who, context) => {
    expect(await allows(CLOUDTRAIL, "s3:PutObject", LOG, { ...context, ...ACL })).toBe(false);
    expect(await allows(CLOUDTRAIL, "s3:GetBucketAcl", BUCKET_ARN, context)).toBe(false);
  });

  test("takes nothing outside the account's prefix, and nothing that it would not own", async () => {
    const context = { ...from(TRAIL_ARN), ...ACL };
    for (const object of [
      `${BUCKET_ARN}/log.json.gz`,
      LOG.replace(ACCOUNT, STRANGER),
      `${ACCESS_BUCKET_ARN}/AWSLogs/${ACCOUNT}/log.json.gz`,
    ]) {
      expect(await allows(CLOUDTRAIL, "s3:PutObject", object, context)).toBe(false);
    }
    expect(await allows(CLOUDTRAIL, "s3:PutObject", LOG, from(TRAIL_ARN))).toBe(false);
    expect(
      await allows(CLOUDTRAIL, "s3:PutObject", LOG, { ...context, "s3:x-amz-acl": "private" }),
    ).toBe(false);
  });

  test("lets the trail do nothing else, and other services nothing", async () => {
    for (const [type, resource] of [
      ["object", LOG],
      ["bucket", BUCKET_ARN],
    ] as const) {
      for (const action of await actionsOn("s3", type)) {
        const isGranted = action === "s3:GetBucketAcl";
        const allowed = await allows(CLOUDTRAIL, action, resource, from(TRAIL_ARN));
        expect([action, allowed]).toEqual([action, isGranted]);
      }
    }
    const context = { ...from(TRAIL_ARN), ...ACL };
    for (const name of [
      "config",
      "delivery.logs",
      "logging.s3",
      "events",
      "cloudtrail.eu-west-1",
    ]) {
      const other = service(`${name}.amazonaws.com`);
      expect(await allows(other, "s3:PutObject", LOG, context)).toBe(false);
    }
  });

  const OWN_ADMIN = sessionOf(`arn:aws:iam::${ACCOUNT}:role/Admin`);

  test("leaves reading to IAM, writing and deleting to nobody, itself to IAM", async () => {
    for (const admin of [OWN_ADMIN, sessionOf(DEPLOY_ROLE), rootUser("aws", ACCOUNT)]) {
      for (const action of ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject"]) {
        expect(await allows(admin, action, LOG, {}, true)).toBe(false);
      }
      expect(await allows(admin, "s3:GetObject", LOG, {}, true)).toBe(true);
      expect(await allows(admin, "s3:PutBucketPolicy", BUCKET_ARN, {}, true)).toBe(true);
    }
    for (const action of ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]) {
      expect(await allows(OWN_ADMIN, action, LOG)).toBe(false);
    }
  });

  test("an account without protection leaves deleting to IAM", async () => {
    const policy = policyOf(trailWith({ protect: false }), "trail");
    const request = { principal: OWN_ADMIN, action: "s3:DeleteObject", resource: LOG };
    expect(await bucketAllows(policy, ACCOUNT, { ...request, fullAdmin: true })).toBe(true);
    expect(await bucketAllows(policy, ACCOUNT, request)).toBe(false);
  });

  test("is closed to other accounts, to the public, and without TLS", async () => {
    const stranger = sessionOf(`arn:aws:iam::${STRANGER}:role/Admin`);
    const withoutTls = { "aws:SecureTransport": "false" };
    for (const [action, resource] of [
      ["s3:GetObject", LOG],
      ["s3:PutObject", LOG],
      ["s3:DeleteObject", LOG],
      ["s3:ListBucket", BUCKET_ARN],
      ["s3:PutBucketPolicy", BUCKET_ARN],
      ["s3:DeleteBucket", BUCKET_ARN],
    ] as const) {
      expect(await allows(stranger, action, resource, {}, true)).toBe(false);
      expect(await allows(NOBODY_KNOWN, action, resource)).toBe(false);
      expect(await allows(OWN_ADMIN, action, resource, withoutTls, true)).toBe(false);
    }
  });
});

describe("the bucket of the access logs", () => {
  const LOGGING = service("logging.s3.amazonaws.com");
  const FROM_BUCKET = { "aws:SourceArn": BUCKET_ARN, "aws:SourceAccount": ACCOUNT };
  const ENTRY = `${ACCESS_BUCKET_ARN}/${BUCKET}/2026-01-01-00-00-00-A`;
  const takes = (
    principal: Principal,
    resource: string,
    context: RequestContext,
    action = "PutObject",
  ) =>
    bucketAllows(ACCESS_POLICY, ACCOUNT, {
      principal,
      action: `s3:${action}`,
      resource,
      context,
      fullAdmin: principal.kind === "role",
    });

  test("takes the access logs of the trail's bucket, over TLS", async () => {
    expect(await takes(LOGGING, ENTRY, FROM_BUCKET)).toBe(true);
    expect(await takes(LOGGING, ENTRY, { ...FROM_BUCKET, "aws:SecureTransport": "false" })).toBe(
      false,
    );
  });

  test.each([
    ["of another bucket", { ...FROM_BUCKET, "aws:SourceArn": `${BUCKET_ARN}2` }],
    ["of another account", { ...FROM_BUCKET, "aws:SourceAccount": STRANGER }],
    ["of nobody knows which bucket", { "aws:SourceAccount": ACCOUNT }],
    ["of nobody knows which account", { "aws:SourceArn": BUCKET_ARN }],
  ])("takes none %s", async (_case, context) => {
    expect(await takes(LOGGING, ENTRY, context)).toBe(false);
  });

  test("takes nothing else of S3 or of anybody else", async () => {
    expect(await takes(LOGGING, `${ACCESS_BUCKET_ARN}/entry`, FROM_BUCKET)).toBe(false);
    expect(await takes(LOGGING, ENTRY, FROM_BUCKET, "GetObject")).toBe(false);
    expect(await takes(CLOUDTRAIL, ENTRY, FROM_BUCKET)).toBe(false);
    const admin = sessionOf(`arn:aws:iam::${ACCOUNT}:role/Admin`);
    expect(await takes(admin, ENTRY, {})).toBe(false);
    expect(await takes(admin, ENTRY, {}, "DeleteObject")).toBe(false);
    expect(await takes(admin, ENTRY, {}, "GetObject")).toBe(true);
    expect(await takes(NOBODY_KNOWN, ENTRY, {}, "GetObject")).toBe(false);
  });
});

describe("the key", () => {
  const asked = async (
    principal: Principal,
    action: string,
    context: RequestContext,
    resourcePolicy = KEY_POLICY,
  ) => {
    const { allowed } = await decide({
      principal,
      action: `kms:${action}`,
      resource: KEY.keyArn,
      context,
      identityPolicies: principal.kind === "service" ? [] : [FULL_ADMIN],
      resourcePolicy,
    });
    return allowed;
  };
  const CONTEXT_OF_LOG: RequestContext = {
    "kms:EncryptionContext:aws:cloudtrail:arn": TRAIL_ARN,
    "kms:EncryptionContext:aws:s3:arn": LOG,
  };

  test("lets the one trail encrypt, decrypt and describe, and nothing else", async () => {
    const context = { ...from(TRAIL_ARN), ...CONTEXT_OF_LOG };
    for (const action of ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "Decrypt"]) {
      expect(await asked(CLOUDTRAIL, action, context)).toBe(true);
    }
    expect(await asked(CLOUDTRAIL, "DescribeKey", from(TRAIL_ARN))).toBe(true);
    for (const action of [
      "Encrypt",
      "ReEncryptFrom",
      "CreateGrant",
      "DisableKey",
      "PutKeyPolicy",
    ]) {
      expect(await asked(CLOUDTRAIL, action, from(TRAIL_ARN))).toBe(false);
    }
  });

  test.each(WRONG_TRAILS)("lets CloudTrail do nothing for %s", async (_who, context) => {
    for (const action of ["GenerateDataKey", "Decrypt"]) {
      expect(await asked(CLOUDTRAIL, action, { ...context, ...CONTEXT_OF_LOG })).toBe(false);
    }
    expect(await asked(CLOUDTRAIL, "DescribeKey", context)).toBe(false);
  });

  test("encrypts for trails of the account only, and says so in the encryption context", async () => {
    const foreign = {
      "kms:EncryptionContext:aws:cloudtrail:arn": TRAIL_ARN.replace(ACCOUNT, STRANGER),
    };
    const ofS3Only = { "kms:EncryptionContext:aws:s3:arn": LOG };
    for (const context of [{}, foreign, ofS3Only] satisfies RequestContext[]) {
      expect(await asked(CLOUDTRAIL, "GenerateDataKey", { ...from(TRAIL_ARN), ...context })).toBe(
        false,
      );
    }
  });

  test("lets its users read the logs, and no other role", async () => {
    expect(await asked(sessionOf(READER), "Decrypt", CONTEXT_OF_LOG)).toBe(true);
    for (const role of ["Admin", "keyspan-deploy", "keyspan-trail-logs"]) {
      const other = sessionOf(`arn:aws:iam::${ACCOUNT}:role/${role}`);
      const throughS3 = { ...CONTEXT_OF_LOG, "kms:ViaService": "s3.eu-west-1.amazonaws.com" };
      expect(await asked(other, "Decrypt", CONTEXT_OF_LOG)).toBe(false);
      expect(await asked(other, "Decrypt", throughS3)).toBe(false);
    }
  });

  const LOGS = service("logs.eu-west-1.amazonaws.com");
  const LOG_GROUP = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/cloudtrail/keyspan";
  const ofLogGroup = (logGroupArn: string) => ({
    "kms:EncryptionContext:aws:logs:arn": logGroupArn,
  });
  const CRYPTO = ["Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo"];

  test("lets CloudWatch Logs of the region encrypt the trail's log group", async () => {
    for (const action of CRYPTO) {
      expect(await asked(LOGS, action, ofLogGroup(LOG_GROUP))).toBe(true);
      expect(await asked(LOGS, action, ofLogGroup(LOG_GROUP), keyPolicy())).toBe(false);
      for (const context of [
        {},
        ofLogGroup(`${LOG_GROUP}2`),
        ofLogGroup(LOG_GROUP.replace(ACCOUNT, STRANGER)),
        ofLogGroup(LOG_GROUP.replace("eu-west-1", "us-east-1")),
      ]) {
        expect(await asked(LOGS, action, context)).toBe(false);
      }
      for (const name of ["logs", "logs.us-east-1", "delivery.logs"]) {
        const other = service(`${name}.amazonaws.com`);
        expect(await asked(other, action, ofLogGroup(LOG_GROUP))).toBe(false);
      }
    }
  });

  test("works for the makers of the log group and its writer through CloudWatch Logs only", async () => {
    const through = (name: string) => ({ "kms:ViaService": `${name}.eu-west-1.amazonaws.com` });
    const writer = `arn:aws:iam::${ACCOUNT}:role/keyspan-trail-logs`;
    for (const action of CRYPTO) {
      for (const role of [DEPLOY_ROLE, writer]) {
        expect(await asked(sessionOf(role), action, through("logs"))).toBe(true);
        expect(await asked(sessionOf(role), action, through("logs"), keyPolicy())).toBe(false);
        expect(await asked(sessionOf(role), action, through("s3"))).toBe(false);
        expect(await asked(sessionOf(role), action, {})).toBe(false);
      }
      for (const role of [`${DEPLOY_ROLE}2`, DEPLOY_ROLE.replace(ACCOUNT, STRANGER)]) {
        expect(await asked(sessionOf(role), action, through("logs"))).toBe(false);
      }
    }
  });

  test("has no statement about the trail in other regions", () => {
    const grant = trailEncrypts({ at: AT, logGroupMakers: [DEPLOY_ROLE] });
    expect(grant({ ...AT, region: "eu-central-1" })).toEqual([]);
    expect(grant(AT).map(({ Sid }) => Sid)).toEqual([
      "TrailEncrypts",
      "TrailUsesKey",
      "TrailLogGroupEncrypted",
      "TrailLogGroupUsed",
    ]);
  });
});
