/**
 * Events as EventBridge delivers them, one for each kind of message: to try what people would read.
 *
 * Their shapes are those of the documentation, named where each is made.
 */
import {
  ALERTS_TOPIC,
  FORWARD_RULE_PREFIX,
  KEYSPAN_EVENTS,
  STATE_MACHINES,
  type WatchedThing,
  watchAlarmName,
} from "../../modules/names";
import {
  type AwsLocation,
  accountRootArn,
  alarmArn,
  arn,
  KMS_EVENT_SOURCE,
  roleArn,
  SERVICE_SUFFIX,
  stateMachineArn,
  topicArn,
} from "../../modules/partition";
import {
  CLOUDTRAIL_DETAIL_TYPES,
  type KmsCall,
  type MessageKind,
  NATIVE_KMS_EVENTS,
} from "../../modules/states/announce/kinds";

/** An event as EventBridge delivers it. */
export interface SampleEvent {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": string;
  readonly source: string;
  readonly account: string;
  /** ISO 8601, whole seconds. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What a sample event is about. */
export interface SampleSubject {
  /** Where the event happens. */
  readonly at: AwsLocation;
  /** ARN of the key. */
  readonly keyArn: string;
  /** Its alias. */
  readonly alias: string;
  /** Time of the event, as ISO 8601 text. */
  readonly time: string;
  /**
   * Who calls.
   *
   * @default - a session of the role `BreakGlass`
   */
  readonly caller?: SampleCaller;
}

/** Who calls AWS, as a record of CloudTrail says it. */
export interface SampleCaller {
  readonly userIdentity: Readonly<Record<string, unknown>>;
  readonly sourceIPAddress: string;
  readonly userAgent: string;
}

const IP_ADDRESS = "198.51.100.7";
const USER_AGENT = "aws-cli/2.31.0";

/** Callers of each kind. */
export type CallerKind =
  | "iam-user"
  | "assumed-role"
  | "sso"
  | "root"
  | "service"
  | "service-for-a-role"
  | "other-account";

/**
 * A caller of one kind.
 *
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
 */
export function sampleCaller(kind: CallerKind, at: AwsLocation, roleName?: string): SampleCaller {
  const byPerson = (userIdentity: Readonly<Record<string, unknown>>): SampleCaller => ({
    userIdentity,
    sourceIPAddress: IP_ADDRESS,
    userAgent: USER_AGENT,
  });
  const { partition, account } = at;
  switch (kind) {
    case "iam-user":
      return byPerson({
        type: "IAMUser",
        principalId: "AIDACKCEVSQ6C2EXAMPLE",
        arn: arn({ partition, service: "iam", account, resource: "user/Alice" }),
        accountId: account,
        accessKeyId: "AKIAIOSFODNN7EXAMPLE",
        userName: "Alice",
      });
    case "assumed-role":
      return byPerson(session(at, roleName ?? "BreakGlass", "alice"));
    case "sso":
      return byPerson(
        session(
          at,
          `aws-reserved/sso${SERVICE_SUFFIX}/AWSReservedSSO_Operator_0123456789abcdef`,
          "alice@example.com",
        ),
      );
    case "root":
      return byPerson({
        type: "Root",
        principalId: account,
        arn: accountRootArn(at),
        accountId: account,
      });
    case "service":
      return {
        userIdentity: { type: "AWSService", invokedBy: `dynamodb${SERVICE_SUFFIX}` },
        sourceIPAddress: `dynamodb${SERVICE_SUFFIX}`,
        userAgent: `dynamodb${SERVICE_SUFFIX}`,
      };
    case "service-for-a-role":
      return {
        userIdentity: {
          ...session(at, roleName ?? "OrdersService", "orders"),
          invokedBy: `rds${SERVICE_SUFFIX}`,
        },
        sourceIPAddress: `rds${SERVICE_SUFFIX}`,
        userAgent: `rds${SERVICE_SUFFIX}`,
      };
    case "other-account":
      return byPerson({
        type: "AWSAccount",
        principalId: "AROACKCEVSQ6C2EXAMPLE:mallory",
        accountId: "777788889999",
      });
  }
}

function session(at: AwsLocation, rolePath: string, name: string) {
  const { partition, account } = at;
  const roleName = rolePath.split("/").at(-1) ?? rolePath;
  return {
    type: "AssumedRole",
    principalId: `AROACKCEVSQ6C2EXAMPLE:${name}`,
    arn: arn({ partition, service: "sts", account, resource: `assumed-role/${roleName}/${name}` }),
    accountId: account,
    accessKeyId: "ASIAIOSFODNN7EXAMPLE",
    sessionContext: {
      sessionIssuer: {
        type: "Role",
        principalId: "AROACKCEVSQ6C2EXAMPLE",
        arn: roleArn(at, rolePath),
        accountId: account,
        userName: roleName,
      },
      attributes: { creationDate: "2026-11-22T02:50:00Z", mfaAuthenticated: "true" },
    },
  };
}

function envelope(
  { at, time }: Pick<SampleSubject, "at" | "time">,
  source: string,
  type: string,
  resources: readonly string[],
  detail: Readonly<Record<string, unknown>>,
): SampleEvent {
  return {
    version: "0",
    id: "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": type,
    source,
    account: at.account,
    time,
    region: at.region,
    resources,
    detail,
  };
}

/** The parts of a record of CloudTrail that differ from call to call. */
export interface SampleCall {
  /** Short name of the service, as in `events`. */
  readonly service: string;
  readonly name: string;
  readonly request: Readonly<Record<string, unknown>> | null;
  readonly response?: Readonly<Record<string, unknown>>;
  /** ARNs of the resources of the record. */
  readonly resources?: readonly string[];
  /** Why it was refused: code and text. */
  readonly refusal?: { readonly code: string; readonly text: string };
}

/**
 * An event about a call.
 *
 * EventBridge leaves the `resources` of the envelope empty.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
 */
export function sampleCall(
  subject: Pick<SampleSubject, "at" | "time" | "caller">,
  call: SampleCall,
): SampleEvent {
  const { at, time } = subject;
  const { userIdentity, sourceIPAddress, userAgent } =
    subject.caller ?? sampleCaller("assumed-role", at);
  return envelope(subject, `aws.${call.service}`, CLOUDTRAIL_DETAIL_TYPES.call, [], {
    eventVersion: "1.11",
    userIdentity,
    eventTime: time,
    eventSource: call.service === "kms" ? KMS_EVENT_SOURCE : `${call.service}${SERVICE_SUFFIX}`,
    eventName: call.name,
    awsRegion: at.region,
    sourceIPAddress,
    userAgent,
    ...(call.refusal !== undefined && {
      errorCode: call.refusal.code,
      errorMessage: call.refusal.text,
    }),
    requestParameters: call.request,
    responseElements: call.response ?? null,
    requestID: "ee408f36-ea01-422b-ac14-b0f147c68334",
    eventID: "3c4226b0-1e81-48a8-a333-7fa5f3cbd118",
    readOnly: false,
    ...(call.resources !== undefined && {
      resources: call.resources.map((ARN) => ({
        accountId: ARN.split(":")[4],
        type: "AWS::KMS::Key",
        ARN,
      })),
    }),
    eventType: "AwsApiCall",
    managementEvent: true,
    recipientAccountId: at.account,
    eventCategory: "Management",
  });
}

/** What a sample of a key's new policy says. */
const samplePolicy = (at: AwsLocation) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "Administrators",
        Effect: "Allow",
        Principal: { AWS: roleArn(at, "KeyAdmin") },
        Action: ["kms:PutKeyPolicy", "kms:DescribeKey"],
        Resource: "*",
      },
      {
        Sid: "Buses",
        Effect: "Allow",
        Principal: { Service: `events${SERVICE_SUFFIX}` },
        Action: ["kms:GenerateDataKey", "kms:Decrypt"],
        Resource: "*",
        Condition: { StringEquals: { "aws:SourceAccount": at.account } },
      },
      { Sid: "Wide", Effect: "Allow", Principal: "*", Action: "kms:Decrypt", Resource: "*" },
    ],
  });

/**
 * An event about a call to KMS that succeeded.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/ct-schedule-key-deletion.html
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/ct-put-key-policy.html
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/ct-update-primary-region.html
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/ct-replicate-key.html
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/ct-updatealias.html
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/ct-creategrant.html
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/ct-deleteimportedkeymaterial.html
 */
export function sampleKmsCall(name: KmsCall, subject: SampleSubject): SampleEvent {
  const { at, keyArn, alias } = subject;
  const keyId = keyArn.split(":key/")[1] ?? keyArn;
  const aliasArn = arn({ ...at, service: "kms", resource: alias });
  const answersKey = { keyId: keyArn };
  const shapes: Readonly<Record<KmsCall, Omit<SampleCall, "service" | "name">>> = {
    DisableKey: { request: { keyId }, response: answersKey },
    EnableKey: { request: { keyId }, response: answersKey },
    CancelKeyDeletion: { request: { keyId }, response: answersKey },
    ScheduleKeyDeletion: {
      request: { keyId, pendingWindowInDays: 7 },
      response: {
        ...answersKey,
        keyState: "PendingDeletion",
        deletionDate: "Nov 29, 2026, 3:04:05 AM",
        pendingWindowInDays: 7,
      },
    },
    DeleteImportedKeyMaterial: {
      request: { keyId },
      response: { ...answersKey, keyMaterialId: "123456789abcdef0".repeat(4) },
    },
    PutKeyPolicy: {
      request: {
        keyId,
        policyName: "default",
        policy: samplePolicy(at),
        bypassPolicyLockoutSafetyCheck: false,
      },
    },
    DisableKeyRotation: { request: { keyId: keyArn } },
    UpdatePrimaryRegion: {
      request: { keyId, primaryRegion: "eu-central-1" },
      response: answersKey,
    },
    ReplicateKey: {
      request: { keyId, replicaRegion: "eu-north-1", bypassPolicyLockoutSafetyCheck: false },
      response: {
        replicaKeyMetadata: { keyId, multiRegion: true },
        replicaPolicy: samplePolicy(at),
      },
    },
    CreateAlias: {
      request: { aliasName: "alias/other", targetKeyId: keyId },
      response: answersKey,
      resources: [keyArn, arn({ ...at, service: "kms", resource: "alias/other" })],
    },
    UpdateAlias: {
      request: { aliasName: alias, targetKeyId: keyId },
      response: answersKey,
      resources: [aliasArn, keyArn],
    },
    DeleteAlias: {
      request: { aliasName: alias },
      response: answersKey,
      resources: [aliasArn, keyArn],
    },
    CreateGrant: {
      request: {
        keyId: keyArn,
        granteePrincipal: roleArn(at, "Reports"),
        operations: ["Decrypt", "DescribeKey"],
      },
      response: { ...answersKey, grantId: "f020fe75197b93991dc8491d6f19dd3c" },
    },
  };
  return sampleCall(subject, { service: "kms", name, resources: [keyArn], ...shapes[name] });
}

/**
 * An event that KMS sends itself.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/kms-events.html
 */
export function sampleNativeEvent(
  name: keyof typeof NATIVE_KMS_EVENTS,
  subject: SampleSubject,
): SampleEvent {
  const keyId = subject.keyArn.split(":key/")[1];
  const more = {
    deletion: {},
    rotation: { "key-origin": "AWS_KMS", "rotation-type": "AUTOMATIC" },
    expiration: { "key-material-id": "123456789abcdef0".repeat(4) },
  };
  return envelope(subject, "aws.kms", NATIVE_KMS_EVENTS[name].detailType, [subject.keyArn], {
    "key-id": keyId,
    ...more[name],
  });
}

/**
 * An event about a change of an alarm's state.
 *
 * @param region - that the alarm is about; the alarm itself is in that of the subject
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
 */
export function sampleAlarm(
  subject: Pick<SampleSubject, "at" | "time">,
  thing: WatchedThing,
  region: string,
  state: "ALARM" | "OK" = "ALARM",
): SampleEvent {
  const alarmName = watchAlarmName(thing, region);
  const timestamp = subject.time.replace("Z", ".000+0000");
  return envelope(
    subject,
    "aws.cloudwatch",
    "CloudWatch Alarm State Change",
    [alarmArn(subject.at, alarmName)],
    {
      alarmName,
      configuration: { metrics: [] },
      previousState: {
        reason: "Threshold Crossed",
        timestamp: "2026-11-21T03:04:05.000+0000",
        value: state === "ALARM" ? "OK" : "ALARM",
      },
      state: {
        reason:
          "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as [Breaching].",
        timestamp,
        value: state,
      },
    },
  );
}

/**
 * An event about an execution that failed.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 */
export function sampleFailedExecution(
  subject: Pick<SampleSubject, "at" | "time">,
  machine: string,
): SampleEvent {
  const machineArn = stateMachineArn(subject.at, machine);
  const executionArn = `${machineArn.replace(":stateMachine:", ":execution:")}:2f4b9c1e-0001`;
  return envelope(subject, "aws.states", "Step Functions Execution Status Change", [executionArn], {
    executionArn,
    stateMachineArn: machineArn,
    name: "2f4b9c1e-0001",
    status: "FAILED",
    startDate: 1_795_316_645_000,
    stopDate: 1_795_316_646_000,
    input: "{}",
    output: null,
    error: "Kms.AccessDeniedException",
    cause: "not authorized to perform kms:ListKeys",
  });
}

/** An event that Keyspan puts itself. */
export function sampleOwnEvent(
  subject: Pick<SampleSubject, "at" | "time">,
  event: keyof typeof KEYSPAN_EVENTS,
  detail: Readonly<Record<string, unknown>>,
): SampleEvent {
  const { source, detailType } = KEYSPAN_EVENTS[event];
  return envelope(subject, source, detailType, [], detail);
}

const NONE = { count: 0, keyArns: [] };

/** What the sweep says of a topic in trouble. */
export interface SampleTopic {
  readonly expected: number;
  /** @default 0 */
  readonly confirmed?: number;
  /** @default 0 */
  readonly pending?: number;
  /**
   * Subscriptions that are not Keyspan's.
   *
   * @default 0
   */
  readonly unexpected?: number;
  /**
   * Why it could not be counted.
   *
   * @default "" - it was
   */
  readonly problem?: string;
}

/** A topic as `Keyspan Subscription Trouble` names it. */
export function sampleTopic(
  topicArn: string,
  { expected, confirmed = 0, pending = 0, unexpected = 0, problem = "" }: SampleTopic,
): Readonly<Record<string, unknown>> {
  return { topicArn, expected, confirmed, pending, unexpected, problem };
}

/** An event that is announced as one kind. */
export function sampleEvent(kind: MessageKind, subject: SampleSubject): SampleEvent {
  const { at, keyArn } = subject;
  const alertsTopic = topicArn(at, ALERTS_TOPIC);
  switch (kind) {
    case "disabled":
      return sampleKmsCall("DisableKey", subject);
    case "scheduled-for-deletion":
      return sampleKmsCall("ScheduleKeyDeletion", subject);
    case "waiting-for-replicas": {
      const event = sampleKmsCall("ScheduleKeyDeletion", subject);
      return {
        ...event,
        detail: {
          ...event.detail,
          responseElements: {
            keyId: keyArn,
            keyState: "PendingReplicaDeletion",
            pendingWindowInDays: 7,
          },
        },
      };
    }
    case "deletion-cancelled":
      return sampleKmsCall("CancelKeyDeletion", subject);
    case "enabled-again":
      return sampleKmsCall("EnableKey", subject);
    case "deleted":
      return sampleNativeEvent("deletion", subject);
    case "imported-material":
      return sampleNativeEvent("expiration", subject);
    case "protection-changed":
      return sampleKmsCall("PutKeyPolicy", subject);
    case "attempt-refused":
      // What a refused call holds is documented in general, not for KMS.
      // https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html
      return sampleCall(subject, {
        service: "kms",
        name: "ScheduleKeyDeletion",
        request: null,
        refusal: {
          code: "AccessDenied",
          text: "User is not authorized to perform: kms:ScheduleKeyDeletion on this resource",
        },
      });
    case "rotated":
      return sampleNativeEvent("rotation", subject);
    case "watcher-touched":
      return sampleCall(subject, {
        service: "events",
        name: "DisableRule",
        request: { name: `${FORWARD_RULE_PREFIX}kms` },
      });
    case "reminder":
      return sampleOwnEvent(subject, "reminder", {
        keyArn,
        deletionDate: "2026-11-29T03:04:05.000Z",
        daysLeft: 7,
        severity: "warning",
      });
    case "summary":
      return sampleOwnEvent(subject, "summary", {
        disabled: { count: 1, keyArns: [keyArn] },
        pendingReplicaDeletion: NONE,
        pendingImport: NONE,
        unavailable: NONE,
        unreadable: NONE,
      });
    case "region-silent":
      return sampleAlarm(subject, "heartbeat", at.region);
    case "sweep-failed":
      return sampleFailedExecution(subject, STATE_MACHINES.sweep);
    case "delivery-failing":
      return sampleAlarm(subject, "dead-letters", at.region);
    case "nobody-subscribed":
      return sampleOwnEvent(subject, "subscriptionTrouble", {
        topics: [sampleTopic(alertsTopic, { expected: 1, pending: 1 })],
        nobody: true,
      });
    case "subscription-trouble":
      return sampleOwnEvent(subject, "subscriptionTrouble", {
        topics: [sampleTopic(alertsTopic, { expected: 2, confirmed: 1, pending: 1 })],
        nobody: false,
      });
    case "rule-trouble":
      return sampleOwnEvent(subject, "ruleTrouble", {
        troubles: [
          {
            ruleName: `${FORWARD_RULE_PREFIX}kms-calls`,
            eventBusName: "default",
            problem: "is DISABLED",
          },
        ],
        count: 1,
      });
    case "trail-trouble":
      return sampleOwnEvent(subject, "trailTrouble", {
        trailArn: arn({ ...at, service: "cloudtrail", resource: "trail/keyspan" }),
        problems: ["is not logging"],
        since: "2026-11-22T01:00:00.000Z",
        unread: [],
      });
    case "alarm-ended":
      return sampleAlarm(subject, "heartbeat", at.region, "OK");
    case "test-message":
      return sampleOwnEvent(subject, "testMessage", {});
    case "unknown":
      return envelope(subject, "aws.kms", "KMS News That Nobody Knows", [keyArn], {});
  }
}
