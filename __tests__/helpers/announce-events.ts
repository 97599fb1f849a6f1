/** Events of every kind, by the name of the file that holds what is said about them. */
import { MESSAGE_KINDS } from "../../modules/states/announce/kinds";
import {
  type SampleEvent,
  type SampleSubject,
  sampleAlarm,
  sampleCall,
  sampleCaller,
  sampleEvent,
  sampleFailedExecution,
  sampleKmsCall,
  sampleOwnEvent,
  sampleTopic,
} from "../../sandbox/delivery/sample-events";
import { ALERTS, ARCHIVE, AT, AUDIT, ELSEWHERE, KEYS, TIME } from "./announce";

const CENTRAL = { ...AT, region: "eu-central-1" } as const;
const ALERTS_KEY: SampleSubject = {
  ...ARCHIVE,
  keyArn: KEYS.alerts,
  alias: "alias/keyspan-alerts",
};
/** A key of the account that is not Keyspan's. */
export const OTHER_KEY: SampleSubject = { ...ARCHIVE, keyArn: KEYS.others, alias: "alias/theirs" };
/** A key of another account of the organization. */
export const OTHER_ACCOUNT: SampleSubject = {
  at: ELSEWHERE,
  keyArn: "arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab",
  alias: "alias/keyspan-archive",
  time: TIME,
};

/** An event with some fields of its detail changed; `undefined` takes one out. */
export function changed(
  event: SampleEvent,
  detail: Readonly<Record<string, unknown>>,
): SampleEvent {
  return JSON.parse(JSON.stringify({ ...event, detail: { ...event.detail, ...detail } }));
}

// The second record of the pair, as documented: made by KMS for the caller, without resources.
// https://docs.aws.amazon.com/kms/latest/developerguide/ct-update-primary-region.html
const secondPrimaryRecord = changed(
  sampleKmsCall("UpdatePrimaryRegion", { ...ARCHIVE, at: CENTRAL, keyArn: KEYS.replica }),
  {
    resources: undefined,
    userIdentity: {
      ...sampleCaller("iam-user", CENTRAL).userIdentity,
      invokedBy: "kms.amazonaws.com",
    },
    requestParameters: { keyId: KEYS.replica, primaryRegion: "eu-central-1" },
    responseElements: { keyId: KEYS.archive },
  },
);

const LONG_POLICY = JSON.stringify({
  Statement: [
    {
      Effect: "Deny",
      NotPrincipal: { AWS: ["111122223333", "444455556666"] },
      NotAction: "kms:List*",
    },
    { Effect: "Allow", Principal: { AWS: "*" }, Action: "kms:*", Condition: { Bool: {} } },
    {
      Effect: "Allow",
      Principal: { AWS: "*", Service: "sns.amazonaws.com" },
      Action: ["kms:Decrypt"],
    },
    ...Array.from({ length: 40 }, (_, index) => ({
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::111122223333:role/Role${index}` },
      Action: "kms:Decrypt",
    })),
  ],
});
const withPolicy = (policy: unknown, more: Readonly<Record<string, unknown>> = {}) =>
  changed(sampleKmsCall("PutKeyPolicy", ARCHIVE), {
    requestParameters: { keyId: ARCHIVE.keyArn, policyName: "default", policy, ...more },
  });

/** Events that are announced, each under the name of its file in `__tests__/fixtures/messages`. */
export const ANNOUNCED_EVENTS: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(MESSAGE_KINDS.map((kind) => [kind, sampleEvent(kind, ARCHIVE)])),
  "disabled-alerts": sampleKmsCall("DisableKey", ALERTS_KEY),
  "disabled-other-key": sampleKmsCall("DisableKey", OTHER_KEY),
  "disabled-other-account": sampleKmsCall("DisableKey", OTHER_ACCOUNT),
  "disabled-without-a-key": changed(sampleKmsCall("DisableKey", ARCHIVE), {
    resources: undefined,
    requestParameters: null,
    responseElements: null,
  }),
  // Both forms of the date, and no window but the caller's, are documented:
  // https://docs.aws.amazon.com/kms/latest/developerguide/ct-schedule-key-deletion.html
  "scheduled-other-form": changed(sampleKmsCall("ScheduleKeyDeletion", OTHER_KEY), {
    requestParameters: { keyId: "1234abcd-12ab-34cd-56ef-1234567890ab" },
    responseElements: { keyState: "PendingDeletion", deletionDate: "Apr 12, 2021 18:58:30 PM" },
  }),
  "material-deleted": sampleKmsCall("DeleteImportedKeyMaterial", ARCHIVE),
  "policy-long": withPolicy(LONG_POLICY, { bypassPolicyLockoutSafetyCheck: true }),
  "policy-no-json": withPolicy("{ this is\nno policy"),
  "policy-of-other-key": changed(sampleKmsCall("PutKeyPolicy", OTHER_KEY), {
    requestParameters: { keyId: KEYS.others },
  }),
  "rotation-off": sampleKmsCall("DisableKeyRotation", ARCHIVE),
  "primary-moved-first-record": sampleKmsCall("UpdatePrimaryRegion", ARCHIVE),
  "primary-moved-second-record": secondPrimaryRecord,
  "primary-moved-second-record-without-key": changed(secondPrimaryRecord, {
    requestParameters: { primaryRegion: "eu-central-1" },
    responseElements: null,
  }),
  replicated: sampleKmsCall("ReplicateKey", ARCHIVE),
  "alias-created": sampleKmsCall("CreateAlias", ARCHIVE),
  "alias-moved": sampleKmsCall("UpdateAlias", OTHER_KEY),
  "alias-moved-away": sampleKmsCall("UpdateAlias", { ...OTHER_KEY, alias: ARCHIVE.alias }),
  "alias-deleted": sampleKmsCall("DeleteAlias", ARCHIVE),
  granted: sampleKmsCall("CreateGrant", ARCHIVE),
  "refused-named-key": changed(sampleKmsCall("DisableKey", ARCHIVE), {
    errorCode: "KMSInvalidStateException",
    errorMessage: `${ARCHIVE.keyArn} is pending deletion.`,
    responseElements: null,
  }),
  "refused-typed-key": changed(sampleKmsCall("DisableKey", ARCHIVE), {
    errorCode: "NotFoundException",
    resources: undefined,
    requestParameters: { keyId: "my-key; rm -rf ~" },
    responseElements: null,
  }),
  "watcher-touched-trail": sampleCall(
    { at: AT, time: TIME, caller: sampleCaller("root", AT) },
    {
      service: "cloudtrail",
      name: "StopLogging",
      request: { name: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/keyspan" },
    },
  ),
  "watcher-touched-other-account": sampleCall(
    { at: ELSEWHERE, time: TIME },
    {
      service: "sns",
      name: "Unsubscribe",
      request: {
        subscriptionArn: "arn:aws:sns:eu-west-1:444455556666:keyspan-alerts:0b1c",
      },
    },
  ),
  "watcher-call-refused": sampleCall(
    { at: AT, time: TIME },
    {
      service: "iam",
      name: "DeleteRole",
      request: { roleName: "keyspan-announce" },
      refusal: { code: "AccessDenied", text: "not authorized to perform: iam:DeleteRole" },
    },
  ),
  "reminder-critical": sampleOwnEvent({ at: AT, time: TIME }, "reminder", {
    keyArn: KEYS.archive,
    deletionDate: "2026-11-23T03:04:05.000Z",
    daysLeft: 1,
    severity: "critical",
  }),
  "summary-of-many": sampleOwnEvent({ at: CENTRAL, time: TIME }, "summary", {
    disabled: {
      count: 61,
      keyArns: Array.from(
        { length: 50 },
        (_, index) => `${KEYS.replica.slice(0, -2)}${index + 10}`,
      ),
    },
    pendingReplicaDeletion: { count: 1, keyArns: [KEYS.replica] },
    pendingImport: { count: 0, keyArns: [] },
    unavailable: { count: 0, keyArns: [] },
    unreadable: { count: 2, keyArns: [KEYS.others, KEYS.alerts] },
  }),
  "region-silent-elsewhere": sampleAlarm({ at: AT, time: TIME }, "heartbeat", "eu-central-1"),
  "cloudtrail-leg-silent": sampleAlarm({ at: AT, time: TIME }, "canary", "eu-central-1"),
  "sweep-overdue": sampleAlarm({ at: CENTRAL, time: TIME }, "sweep", "eu-central-1"),
  "trail-check-overdue": sampleAlarm({ at: CENTRAL, time: TIME }, "trail-check", "eu-central-1"),
  "trail-check-failed": sampleFailedExecution({ at: CENTRAL, time: TIME }, "keyspan-trail-check"),
  "delivery-works-again": sampleAlarm({ at: AT, time: TIME }, "dead-letters", "eu-central-1", "OK"),
  "subscription-strangers": sampleOwnEvent({ at: AT, time: TIME }, "subscriptionTrouble", {
    topics: [
      sampleTopic(ALERTS, { expected: 2, confirmed: 2, unexpected: 1 }),
      sampleTopic(AUDIT, { expected: 1, confirmed: 1, unexpected: 2 }),
    ],
    nobody: false,
  }),
  "subscription-unread": sampleOwnEvent({ at: AT, time: TIME }, "subscriptionTrouble", {
    topics: [
      sampleTopic(AUDIT, { expected: 1, problem: "could not be read: Sns.InternalErrorException" }),
    ],
    nobody: false,
  }),
  "nobody-of-several": sampleOwnEvent({ at: AT, time: TIME }, "subscriptionTrouble", {
    topics: [
      sampleTopic(ALERTS, { expected: 2, problem: "does not exist" }),
      sampleTopic(AUDIT, { expected: 1, unexpected: 1 }),
    ],
    nobody: true,
  }),
  "nobody-in-other-account": sampleOwnEvent({ at: ELSEWHERE, time: TIME }, "subscriptionTrouble", {
    topics: [sampleTopic(ALERTS.replace(AT.account, ELSEWHERE.account), { expected: 1 })],
    nobody: true,
  }),
  "watcher-touched-topic": sampleCall(
    { at: AT, time: TIME },
    { service: "sns", name: "Unsubscribe", request: { subscriptionArn: `${ALERTS}:0b1c` } },
  ),
  "trail-trouble-without-trail": sampleOwnEvent({ at: AT, time: TIME }, "trailTrouble", {
    trailArn: "",
    problems: ["was not found"],
    since: "",
    unread: [],
  }),
  "trail-trouble-of-organization": sampleOwnEvent({ at: CENTRAL, time: TIME }, "trailTrouble", {
    trailArn: "arn:aws:cloudtrail:eu-west-1:999988887777:trail/org",
    problems: ["is not logging", "could not deliver its logs: AccessDenied"],
    since: "2026-11-22T01:00:00.000Z",
    unread: [
      "its event selectors may not be read from this account; only the canary proves that they cover calls to KMS",
    ],
  }),
};

const alarm = (alarmName: string, detail: Readonly<Record<string, unknown>> = {}) =>
  changed(sampleAlarm({ at: AT, time: TIME }, "heartbeat", "eu-west-1"), { alarmName, ...detail });
const deployRole = (at: SampleSubject["at"]) => sampleCaller("assumed-role", at, "keyspan/deploy");
/** What KMS did by itself, as CloudTrail writes it. */
export const serviceEvent = (eventName: string): SampleEvent => ({
  ...changed(sampleKmsCall("DisableKey", ARCHIVE), {
    eventName,
    eventType: "AwsServiceEvent",
    userIdentity: { accountId: AT.account, invokedBy: "AWS Internal" },
  }),
  "detail-type": "AWS Service Event via CloudTrail",
});

/** Events about which nothing is said, by the reason. */
export const SILENT_EVENTS: Readonly<Record<string, unknown>> = {
  "its own failure": sampleFailedExecution({ at: AT, time: TIME }, "keyspan-announce"),
  "the alarm about its failures": alarm("keyspan-announce-failed"),
  "the alarm about what could not start it": alarm("keyspan-announce-dead-letters"),
  "the alarm about deliveries": alarm("keyspan-delivery-alerts"),
  "its own message": {
    TopicArn: "arn:aws:sns:eu-west-1:111122223333:keyspan-alerts",
    Subject: "s",
    Message: "m",
  },
  "a heartbeat": sampleOwnEvent({ at: AT, time: TIME }, "heartbeat", { region: "eu-west-1" }),
  "a pulse": sampleOwnEvent({ at: AT, time: TIME }, "pulse", {}),
  "a canary": changed(sampleKmsCall("DisableKey", ARCHIVE), { eventName: "UpdateKeyDescription" }),
  "a test message of another account": sampleEvent("test-message", OTHER_ACCOUNT),
  "a grant by a service": sampleKmsCall("CreateGrant", {
    ...ARCHIVE,
    caller: sampleCaller("service", AT),
  }),
  "a grant by a service for a role": sampleKmsCall("CreateGrant", {
    ...ARCHIVE,
    caller: sampleCaller("service-for-a-role", AT),
  }),
  "a grant from the address of a service": changed(sampleKmsCall("CreateGrant", ARCHIVE), {
    sourceIPAddress: "rds.amazonaws.com",
  }),
  "a refused grant by a service": changed(
    sampleKmsCall("CreateGrant", { ...ARCHIVE, caller: sampleCaller("service", AT) }),
    { errorCode: "AccessDenied" },
  ),
  "a deletion, said by the native event": serviceEvent("DeleteKey"),
  "a rotation, said by the native event": serviceEvent("RotateKey"),
  "an expiry, said by the native event": serviceEvent("DeleteExpiredKeyMaterial"),
  "a watcher touched by the deploy role": sampleCall(
    { at: AT, time: TIME, caller: deployRole(AT) },
    { service: "events", name: "PutRule", request: { name: "keyspan-forward-kms" } },
  ),
  "a watcher touched by the deploy role of its own account": sampleCall(
    { at: ELSEWHERE, time: TIME, caller: deployRole(ELSEWHERE) },
    { service: "events", name: "PutRule", request: { name: "keyspan-forward-kms" } },
  ),
  "an alarm that was just made": alarm("keyspan-watch-heartbeat-eu-west-1", {
    state: { value: "OK" },
    previousState: { value: "INSUFFICIENT_DATA" },
  }),
  "an alarm without data": alarm("keyspan-watch-heartbeat-eu-west-1", {
    state: { value: "INSUFFICIENT_DATA" },
    previousState: { value: "ALARM" },
  }),
};
