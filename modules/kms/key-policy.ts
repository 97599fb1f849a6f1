/**
 * Key policies: a list of grants, rendered per region.
 *
 * Each grant is a pure function of where the key is, so that the policy of every primary and
 * replica key names the ARNs of its own region.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
 */
import { allOf, type Conditions, exactRoles, renderPolicy, type Statement } from "../iam/policy";
import {
  type AwsLocation,
  accountRootArn,
  CLOUDWATCH_PRINCIPAL,
  EVENTBRIDGE_PRINCIPAL,
  eventBusArn,
  multiRegionServiceRoleArn,
  queueArn,
  viaService,
} from "../partition";
import { KEY_POLICY_LIMIT } from "./key-limits";

/** Part of a key policy: the statements that one kind of principal or guard needs in one region. */
export type KeyGrant = (at: AwsLocation) => readonly Statement[];

/** The event buses of a region that work with the key, by name. */
export type BusesIn = (region: string) => readonly string[];

const THIS_KEY = "*";

const READ_METADATA = [
  "kms:DescribeKey",
  "kms:GetKeyPolicy",
  "kms:GetKeyRotationStatus",
  "kms:ListGrants",
  "kms:ListKeyPolicies",
  "kms:ListKeyRotations",
  "kms:ListResourceTags",
] as const;

/**
 * JSON text of the policy of one primary or replica key.
 *
 * @param keyName - named by the message when the policy is too large
 * @throws {ValidationError} if the policy is larger than KMS accepts
 */
export function renderKeyPolicy(
  keyName: string,
  grants: readonly KeyGrant[],
  at: AwsLocation,
): string {
  return renderPolicy(
    grants.flatMap((grant) => grant(at)),
    KEY_POLICY_LIMIT,
    `keys.${keyName} in ${at.region}`,
  );
}

/**
 * What the account keeps whatever happens to its roles: IAM may let principals read metadata, and
 * the root user may put the policy, so that nobody is locked out.
 *
 * Nothing else is delegated to IAM: an administrator of the account cannot use, disable or delete
 * the key. `aws:PrincipalType` is `Account` for the root user only.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
 */
export function accountReads(): KeyGrant {
  return (at) => [
    {
      Sid: "AccountReadsMetadata",
      Effect: "Allow",
      Principal: { AWS: accountRootArn(at) },
      Action: READ_METADATA,
      Resource: THIS_KEY,
    },
    {
      Sid: "RootUserPutsPolicy",
      Effect: "Allow",
      Principal: { AWS: accountRootArn(at) },
      Action: "kms:PutKeyPolicy",
      Resource: THIS_KEY,
      Condition: { StringEquals: { "aws:PrincipalType": "Account" } },
    },
  ];
}

/**
 * KMS's own role that carries rotated key material from a primary key to its replica keys.
 *
 * Its rights come from IAM, to which this policy delegates reading only, and no source says whether
 * KMS needs the key policy's consent for its own role. The role may not exist yet.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-auth-slr.html
 */
export function serviceRoleSynchronizes(): KeyGrant {
  return (at) => {
    const role = exactRoles([multiRegionServiceRoleArn(at)]);
    return [
      {
        Sid: "ServiceRoleSynchronizes",
        Effect: "Allow",
        Principal: role.Principal,
        Action: "kms:SynchronizeMultiRegionKey",
        Resource: THIS_KEY,
        Condition: role.Condition,
      },
    ];
  };
}

/** Requests that EventBridge makes for a role that creates or updates buses and archives. */
function throughEventBridge(at: AwsLocation, busNames: readonly string[]): Conditions {
  return {
    StringEquals: {
      "kms:ViaService": viaService("events", at.region),
      "kms:EncryptionContext:aws:events:event-bus:arn": busArns(at, busNames),
    },
  };
}

function busArns(at: AwsLocation, busNames: readonly string[]): readonly string[] {
  return [...busNames].sort().map((busName) => eventBusArn(at, busName));
}

/** Sid of the statement that lets the deploy role destroy a key; no key of a protected account has it. */
export const DEPLOY_ROLE_SCHEDULES_DELETION = "DeployRoleSchedulesDeletion";

/** Sid of the denial that every key has. */
export const DENY_DELETION = "DenyDeletion";

/** What the role that applies Terraform may do with a key. */
export interface DeployRoleProps {
  /** The role; a second one while the first hands over to it. All must exist. */
  readonly roleArns: readonly string[];
  /** Region of the primary key; replica keys are made from there. */
  readonly primaryRegion: string;
  /** Regions that may hold a replica key. Empty for a single-Region key. */
  readonly replicaRegions: readonly string[];
  /** Buses and archives that the role makes with this key. */
  readonly busesIn: BusesIn;
  /** Whether Terraform may destroy the key: only in accounts without protection. */
  readonly mayScheduleDeletion: boolean;
  /** Shortest deletion window in days that the role may schedule. */
  readonly deletionWindowDays: number;
}

/**
 * The deploy role: all that apply needs, and no key use but through EventBridge.
 *
 * It is named in `Principal` where it reads and puts the policy: KMS checks that the caller could
 * put the next policy, and no source says whether that check honours conditions. A role that is
 * deleted and made again is another principal, so the right stands under a condition too.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html
 */
export function deployRoleApplies(props: DeployRoleProps): KeyGrant {
  const role = exactRoles(props.roleArns);
  return (at) => {
    const statements: Statement[] = [
      {
        Sid: "DeployRolePutsPolicy",
        Effect: "Allow",
        Principal: {
          AWS: props.roleArns.length === 1 ? (props.roleArns[0] ?? "") : [...props.roleArns].sort(),
        },
        Action: ["kms:GetKeyPolicy", "kms:PutKeyPolicy"],
        Resource: THIS_KEY,
      },
      {
        Sid: "DeployRoleApplies",
        Effect: "Allow",
        Principal: role.Principal,
        Action: [
          ...READ_METADATA,
          "kms:CreateAlias",
          "kms:DeleteAlias",
          "kms:EnableKeyRotation",
          "kms:PutKeyPolicy",
          "kms:TagResource",
          "kms:UntagResource",
          "kms:UpdateAlias",
          "kms:UpdateKeyDescription",
        ],
        Resource: THIS_KEY,
        Condition: role.Condition,
      },
    ];
    if (at.region === props.primaryRegion && props.replicaRegions.length > 0) {
      statements.push({
        Sid: "DeployRoleReplicates",
        Effect: "Allow",
        Principal: role.Principal,
        Action: "kms:ReplicateKey",
        Resource: THIS_KEY,
        Condition: allOf(role.Condition, {
          StringEquals: { "kms:ReplicaRegion": [...props.replicaRegions].sort() },
        }),
      });
    }
    if (props.mayScheduleDeletion) {
      statements.push({
        Sid: DEPLOY_ROLE_SCHEDULES_DELETION,
        Effect: "Allow",
        Principal: role.Principal,
        Action: "kms:ScheduleKeyDeletion",
        Resource: THIS_KEY,
        Condition: allOf(role.Condition, windowAtLeast(props.deletionWindowDays)),
      });
    }
    const busNames = props.busesIn(at.region);
    if (busNames.length > 0) {
      statements.push({
        Sid: "DeployRoleMakesBuses",
        Effect: "Allow",
        Principal: role.Principal,
        Action: [
          "kms:Decrypt",
          "kms:Encrypt",
          "kms:GenerateDataKey",
          "kms:GenerateDataKeyWithoutPlaintext",
          "kms:ReEncryptFrom",
          "kms:ReEncryptTo",
        ],
        Resource: THIS_KEY,
        Condition: allOf(role.Condition, throughEventBridge(at, busNames)),
      });
    }
    return statements;
  };
}

/**
 * The plan role: reads, and decrypts through EventBridge only.
 *
 * EventBridge decrypts for the caller when it describes what stands on an encrypted bus.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html
 */
export function planRoleReads(roleArn: string, busesIn: BusesIn): KeyGrant {
  const role = exactRoles([roleArn]);
  return (at) => {
    const read: Statement = {
      Sid: "PlanRoleReads",
      Effect: "Allow",
      Principal: role.Principal,
      Action: READ_METADATA,
      Resource: THIS_KEY,
      Condition: role.Condition,
    };
    const busNames = busesIn(at.region);
    if (busNames.length === 0) {
      return [read];
    }
    return [
      read,
      {
        Sid: "PlanRoleReadsBuses",
        Effect: "Allow",
        Principal: role.Principal,
        Action: "kms:Decrypt",
        Resource: THIS_KEY,
        Condition: allOf(role.Condition, throughEventBridge(at, busNames)),
      },
    ];
  };
}

/** Administrators: policy, tags, aliases and rotation. They neither use nor disable nor delete the key. */
export function administratorsManage(roleArns: readonly string[]): KeyGrant {
  if (roleArns.length === 0) {
    return () => [];
  }
  const roles = exactRoles(roleArns);
  return () => [
    {
      Sid: "AdministratorsManage",
      Effect: "Allow",
      Principal: roles.Principal,
      Action: [
        ...READ_METADATA,
        "kms:CreateAlias",
        "kms:DeleteAlias",
        "kms:DisableKeyRotation",
        "kms:EnableKeyRotation",
        "kms:PutKeyPolicy",
        "kms:RotateKeyOnDemand",
        "kms:TagResource",
        "kms:UntagResource",
        "kms:UpdateAlias",
        "kms:UpdateKeyDescription",
      ],
      Resource: THIS_KEY,
      Condition: roles.Condition,
    },
  ];
}

/**
 * Break-glass roles: put the policy, disable, enable, schedule deletion with at least the configured
 * window, cancel it. They do not use the key.
 *
 * `IfExists`: KMS does not say whether a request without a window carries the condition key; such a
 * request gets 30 days, the longest window, so it is admitted either way.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-schedule-key-deletion-pending-window-in-days
 */
export function breakGlassActs(roleArns: readonly string[], deletionWindowDays: number): KeyGrant {
  if (roleArns.length === 0) {
    return () => [];
  }
  const roles = exactRoles(roleArns);
  return () => [
    {
      Sid: "BreakGlassActs",
      Effect: "Allow",
      Principal: roles.Principal,
      Action: [
        ...READ_METADATA,
        "kms:CancelKeyDeletion",
        "kms:DisableKey",
        "kms:EnableKey",
        "kms:PutKeyPolicy",
      ],
      Resource: THIS_KEY,
      Condition: roles.Condition,
    },
    {
      Sid: "BreakGlassSchedulesDeletion",
      Effect: "Allow",
      Principal: roles.Principal,
      Action: "kms:ScheduleKeyDeletion",
      Resource: THIS_KEY,
      Condition: allOf(roles.Condition, windowAtLeast(deletionWindowDays)),
    },
  ];
}

function windowAtLeast(days: number): Conditions {
  return {
    NumericGreaterThanEqualsIfExists: {
      "kms:ScheduleKeyDeletionPendingWindowInDays": String(days),
    },
  };
}

/** What must be true of a request before a user of the key may use it. All that are given must hold. */
export interface KeyUseConditions {
  /** CIDR ranges of public addresses. Together with `sourceVpces`: one of the two must hold. */
  readonly sourceIps?: readonly string[];
  /** Ids of VPC endpoints for KMS. Together with `sourceIps`: one of the two must hold. */
  readonly sourceVpces?: readonly string[];
  /** Id of the AWS organisation that the caller's account must belong to. */
  readonly organizationId?: string;
  /** Short names of AWS services, such as `s3`, that must make the request for the caller. */
  readonly viaServices?: readonly string[];
  /** Encryption context that every request must carry. */
  readonly encryptionContext?: Readonly<Record<string, string>>;
  /** First moment of use, ISO 8601 in UTC. */
  readonly notBefore?: string;
  /** First moment after use, ISO 8601 in UTC. */
  readonly notAfter?: string;
}

/**
 * Users: encrypt, decrypt, re-encrypt and data keys, under the conditions.
 *
 * `DescribeKey` carries no encryption context, so it stands in a statement without one. A request
 * through a VPC endpoint has no `aws:SourceIp`, and one from an address has no `aws:SourceVpce`: a
 * statement that asked for both would never match, so each has its own.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceip
 */
export function usersCrypt(roleArns: readonly string[], conditions: KeyUseConditions): KeyGrant {
  if (roleArns.length === 0) {
    return () => [];
  }
  const roles = exactRoles(roleArns);
  return (at) =>
    networksOf(conditions).flatMap(({ suffix, condition }) => {
      const common = allOf(roles.Condition, condition, generalConditions(conditions, at));
      return [
        {
          Sid: `UsersCrypt${suffix}`,
          Effect: "Allow",
          Principal: roles.Principal,
          Action: ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
          Resource: THIS_KEY,
          Condition: allOf(common, contextConditions(conditions)),
        },
        {
          Sid: `UsersDescribe${suffix}`,
          Effect: "Allow",
          Principal: roles.Principal,
          Action: "kms:DescribeKey",
          Resource: THIS_KEY,
          Condition: common,
        },
      ] as const;
    });
}

function networksOf({ sourceIps = [], sourceVpces = [] }: KeyUseConditions): readonly {
  readonly suffix: string;
  readonly condition: Conditions;
}[] {
  const networks = [];
  if (sourceIps.length > 0) {
    networks.push({
      suffix: "FromAddresses",
      condition: { IpAddress: { "aws:SourceIp": sourceIps } },
    });
  }
  if (sourceVpces.length > 0) {
    networks.push({
      suffix: "FromEndpoints",
      condition: { StringEquals: { "aws:SourceVpce": sourceVpces } },
    });
  }
  return networks.length > 0 ? networks : [{ suffix: "", condition: {} }];
}

function generalConditions(
  { organizationId, viaServices = [], notBefore, notAfter }: KeyUseConditions,
  at: AwsLocation,
): Conditions {
  return allOf(
    organizationId === undefined ? {} : { StringEquals: { "aws:PrincipalOrgID": organizationId } },
    viaServices.length === 0
      ? {}
      : {
          StringEquals: {
            "kms:ViaService": viaServices.map((service) => viaService(service, at.region)),
          },
        },
    notBefore === undefined ? {} : { DateGreaterThanEquals: { "aws:CurrentTime": notBefore } },
    notAfter === undefined ? {} : { DateLessThan: { "aws:CurrentTime": notAfter } },
  );
}

function contextConditions({ encryptionContext = {} }: KeyUseConditions): Conditions {
  const entries = Object.entries(encryptionContext);
  if (entries.length === 0) {
    return {};
  }
  return {
    StringEquals: Object.fromEntries(
      entries.map(([key, value]) => [`kms:EncryptionContext:${key}`, value]),
    ),
  };
}

/**
 * EventBridge: bus and archive encryption, bound to the ARNs of this region's buses.
 *
 * Archives have no encryption context of their own but that of their bus, and need `ReEncrypt*`;
 * `aws:SourceArn` is not known to be sent for them. `DescribeKey` carries no encryption context;
 * that `aws:SourceAccount` is always sent with it is not documented, hence `IfExists`.
 *
 * @param account - id of the account whose EventBridge may describe the key
 * @param busesIn - buses that are encrypted with the key, or whose archives are
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/encryption-archives.html
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-key-policy.html
 */
export function eventBridgeEncrypts(account: string, busesIn: BusesIn): KeyGrant {
  const principal = { Service: EVENTBRIDGE_PRINCIPAL };
  return (at): readonly Statement[] => {
    const busNames = busesIn(at.region);
    if (busNames.length === 0) {
      return [];
    }
    return [
      {
        Sid: "EventBridgeDescribes",
        Effect: "Allow",
        Principal: principal,
        Action: "kms:DescribeKey",
        Resource: THIS_KEY,
        Condition: { StringEqualsIfExists: { "aws:SourceAccount": account } },
      },
      {
        Sid: "EventBridgeEncrypts",
        Effect: "Allow",
        Principal: principal,
        Action: ["kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncrypt*"],
        Resource: THIS_KEY,
        Condition: {
          StringEquals: {
            "kms:EncryptionContext:aws:events:event-bus:arn": busArns(at, busNames),
          },
        },
      },
    ];
  };
}

/** A dead-letter queue that is encrypted with the key, and whose failures arrive there. */
export interface DeadLetterDelivery {
  readonly queueName: string;
  /** ARNs of the event buses or rules. */
  readonly sourceArns: readonly string[];
}

/**
 * EventBridge: delivery to the region's encrypted dead-letter queues.
 *
 * SQS lists EventBridge among the services that send `aws:SourceArn` with their requests to KMS, and
 * says that it is the ARN of what is encrypted; elsewhere it is that of the bus or rule; SNS says that
 * EventBridge does not send it. Both ARNs and `IfExists` let a dead letter arrive in any case.
 *
 * @param account - id of the account whose EventBridge delivers
 * @param deliveriesIn - the encrypted dead-letter queues of a region
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html#compatibility-with-aws-services
 */
export function deadLettersDelivered(
  account: string,
  deliveriesIn: (at: AwsLocation) => readonly DeadLetterDelivery[],
): KeyGrant {
  return (at) => {
    const deliveries = deliveriesIn(at);
    return deliveries.length === 0
      ? []
      : [
          {
            Sid: "EventBridgeDeliversDeadLetters",
            Effect: "Allow",
            Principal: { Service: EVENTBRIDGE_PRINCIPAL },
            Action: ["kms:Decrypt", "kms:GenerateDataKey"],
            Resource: THIS_KEY,
            Condition: {
              StringEqualsIfExists: { "aws:SourceAccount": account },
              ArnEqualsIfExists: {
                "aws:SourceArn": [
                  ...deliveries.flatMap(({ sourceArns }) => sourceArns).sort(),
                  ...deliveries.map(({ queueName }) => queueArn(at, queueName)).sort(),
                ],
              },
            },
          },
        ];
  };
}

/** Who puts messages on the encrypted topic of a region. */
export interface TopicPublishers {
  /** ARN of the one role that publishes. It may not exist yet. */
  readonly roleArn: string;
  /** ARNs of the alarms that act on the topic; `*` and `?` are wildcards. */
  readonly alarmArns: readonly string[];
}

/**
 * Publishing to an encrypted topic: a role of Keyspan, and CloudWatch for Keyspan's alarms.
 *
 * Without `kms:ViaService`: no source says that SNS asks KMS in a way that carries it for every kind
 * of publisher, and an alert that cannot be published is worse than a role that could also decrypt
 * alerts.
 *
 * @param publishersIn - `undefined` in regions without the topic
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
 */
export function topicPublished(
  account: string,
  publishersIn: (at: AwsLocation) => TopicPublishers | undefined,
): KeyGrant {
  return (at) => {
    const publishers = publishersIn(at);
    if (publishers === undefined) {
      return [];
    }
    const role = exactRoles([publishers.roleArn]);
    const use = { Action: ["kms:Decrypt", "kms:GenerateDataKey*"], Resource: THIS_KEY } as const;
    return [
      {
        Sid: "AnnouncePublishes",
        Effect: "Allow",
        Principal: role.Principal,
        ...use,
        Condition: role.Condition,
      },
      {
        Sid: "AlarmsPublish",
        Effect: "Allow",
        Principal: { Service: CLOUDWATCH_PRINCIPAL },
        ...use,
        Condition: {
          StringEquals: { "aws:SourceAccount": account },
          ArnLike: { "aws:SourceArn": [...publishers.alarmArns].sort() },
        },
      },
    ];
  };
}

/**
 * The canary: a role that may write the key's description, so that CloudTrail has something to
 * record. It writes what is there already.
 *
 * @param roleArnIn - the role; `undefined` in regions without a canary. It may not exist yet.
 */
export function canaryWrites(roleArnIn: (at: AwsLocation) => string | undefined): KeyGrant {
  return (at) => {
    const roleArn = roleArnIn(at);
    if (roleArn === undefined) {
      return [];
    }
    const role = exactRoles([roleArn]);
    return [
      {
        Sid: "CanaryWritesDescription",
        Effect: "Allow",
        Principal: role.Principal,
        Action: "kms:UpdateKeyDescription",
        Resource: THIS_KEY,
        Condition: role.Condition,
      },
    ];
  };
}

/** What nobody may do, whoever allows it. */
export interface GuardProps {
  /** Shortest deletion window in days. */
  readonly deletionWindowDays: number;
  /** Roles that may disable the key and schedule its deletion. */
  readonly breakGlass: readonly string[];
  /** Further roles that may schedule its deletion but not disable it. */
  readonly mayScheduleDeletion: readonly string[];
  /** Every region that may hold the primary or a replica key. Empty for a single-Region key. */
  readonly regions: readonly string[];
}

/**
 * Guards: denials that hold against every allow, now or added later.
 *
 * Whoever may put the policy could remove them; that is announced, not prevented.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
 */
export function guards(props: GuardProps): KeyGrant {
  const { breakGlass, mayScheduleDeletion, deletionWindowDays } = props;
  const deny = (
    sid: string,
    action: string | readonly string[],
    condition: Conditions,
  ): Statement => ({
    Sid: sid,
    Effect: "Deny",
    Principal: "*",
    Action: action,
    Resource: THIS_KEY,
    ...(Object.keys(condition).length > 0 && { Condition: condition }),
  });
  const regions = [...props.regions].sort();
  return () => [
    deny("DenyShortDeletionWindow", "kms:ScheduleKeyDeletion", {
      NumericLessThan: { "kms:ScheduleKeyDeletionPendingWindowInDays": String(deletionWindowDays) },
    }),
    deny(
      DENY_DELETION,
      "kms:ScheduleKeyDeletion",
      exceptRoles([...breakGlass, ...mayScheduleDeletion]),
    ),
    deny("DenyDisabling", "kms:DisableKey", exceptRoles(breakGlass)),
    deny("DenyLockoutBypass", "kms:PutKeyPolicy", {
      Bool: { "kms:BypassPolicyLockoutSafetyCheck": "true" },
    }),
    deny("DenyGrantsButForServices", "kms:CreateGrant", {
      BoolIfExists: { "kms:GrantIsForAWSResource": "false" },
    }),
    deny(
      "DenyReplicasElsewhere",
      "kms:ReplicateKey",
      regions.length === 0 ? {} : { StringNotEquals: { "kms:ReplicaRegion": regions } },
    ),
    deny(
      "DenyPrimaryElsewhere",
      "kms:UpdatePrimaryRegion",
      regions.length === 0 ? {} : { StringNotEquals: { "kms:PrimaryRegion": regions } },
    ),
  ];
}

function exceptRoles(roleArns: readonly string[]): Conditions {
  return roleArns.length === 0
    ? {}
    : { ArnNotEquals: { "aws:PrincipalArn": [...new Set(roleArns)].sort() } };
}
