/**
 * Whole ways of events through what Terraform applied: an account with two regions, and the
 * organisation's hub in another account. Every step is decided on the applied objects: patterns,
 * roles, policies and keys.
 */
import {
  ALERTS_TOPIC,
  ANNOUNCE_DEAD_LETTER_QUEUE,
  AUDIT_TOPIC,
  BEATS_LOG_GROUP,
  canaryRuleName,
  DIRECT_ALARMS,
  FORWARD_DEAD_LETTER_QUEUE,
  HUB_BUS,
  heartbeatRuleName,
  ROLES,
  SCHEDULE_GROUP,
  SCHEDULES,
  STATE_MACHINES,
  TRAIL,
  watchAlarmName,
} from "../../../modules/names";
import {
  eventBusArn,
  type Partition,
  parseArn,
  ruleArn,
  scheduleGroupArn,
  topicArn,
} from "../../../modules/partition";
import {
  MESSAGE_KINDS,
  type MessageKind,
  type Severity,
} from "../../../modules/states/announce/kinds";
import { TRAILS } from "../../../sandbox/aws/cloudtrail";
import { ALARMS, type AlarmObject } from "../../../sandbox/aws/cloudwatch";
import { EVENT_BUSES, EVENT_RULES } from "../../../sandbox/aws/events";
import { IAM_ROLES } from "../../../sandbox/aws/iam";
import { KMS_KEYS, type KmsKeyObject } from "../../../sandbox/aws/kms";
import { SCHEDULE_OBJECTS, type ScheduleObject } from "../../../sandbox/aws/scheduler";
import { STATE_MACHINE_OBJECTS } from "../../../sandbox/aws/states";
import {
  AccountAccess,
  type AccountRequest,
  type Verdict,
} from "../../../sandbox/delivery/account-access";
import { alarmEvent } from "../../../sandbox/delivery/alarm-messages";
import type { RoleSession } from "../../../sandbox/delivery/authorization";
import { type BusEvent, Journey, type JourneyResult } from "../../../sandbox/delivery/journey";
import { type JourneyStep, stops } from "../../../sandbox/delivery/journey-step";
import {
  sampleCall,
  sampleCaller,
  sampleEvent,
  sampleFailedExecution,
} from "../../../sandbox/delivery/sample-events";
import {
  type RunningTask,
  runExecution,
  type TaskCall,
  TaskError,
} from "../../../sandbox/delivery/state-machine";
import { applyStacks, type ObjectsInMemory, synthesizedHub } from "../../helpers/applied-account";
import { SandboxProject } from "../../helpers/sandbox-project";
import { accountFrom, synthConfig } from "../../helpers/synth";

const ACCOUNT = { partition: "aws" as Partition, account: "111122223333" };
const ORGANIZATION_HUB = { partition: "aws" as Partition, account: "444455556666" };
const ORGANIZATION = "o-a1b2c3d4e5";
const HOME = "eu-west-1";
const AWAY = "eu-central-1";
/** Where IAM's events come, in which the account has nothing else. */
const IAM_REGION = "us-east-1";
const REGIONS = [HOME, AWAY];
const FOREIGN_HUB = eventBusArn({ ...ORGANIZATION_HUB, region: HOME }, HUB_BUS);
const NOW = "2026-11-22T10:20:00Z";

const accountFile = (
  { account }: { readonly account: string },
  regions: readonly string[],
  notifications: string,
  trail: string,
) => `
version: 1
account:
  id: "${account}"
  deployRole: arn:aws:iam::${account}:role/keyspan-deploy
  planRole: arn:aws:iam::${account}:role/keyspan-plan
homeRegion: ${HOME}
regions: [${regions.join(", ")}]
state:
  bucket: acme-terraform-state
  region: ${HOME}
  keyPrefix: keyspan
  account: "999988887777"
  writeRole: arn:aws:iam::999988887777:role/keyspan-state
  readRole: arn:aws:iam::999988887777:role/keyspan-state-read
keys:
${["archive", "alerts", "audit"].map((name) => `  ${name}: { administrators: [arn:aws:iam::${account}:role/KeyAdmin], deletionWindowDays: 7 }`).join("\n")}
notifications:
  organizationHub: ${FOREIGN_HUB}
${notifications}
trail: ${trail}
protect: false
`;

const PAGER = "https://hooks.example.com/keyspan-pager-url";
const QUEUE = `arn:aws:sqs:${HOME}:111122223333:key-alerts`;
const TEAM = "team@example.com";
const CENTRAL = "organization@example.com";

let project: SandboxProject;
let store: ObjectsInMemory;
let hubStore: ObjectsInMemory;
let access: AccountAccess;
beforeAll(async () => {
  project = new SandboxProject({
    member: accountFile(
      ACCOUNT,
      REGIONS,
      `  watch: all
  subscriptions:
    - { protocol: email, endpoint: ${TEAM} }
    - { protocol: https, endpoint: { ssm: /keyspan/pager-url }, severity: critical }
    - { protocol: sqs, endpoint: "${QUEUE}" }`,
      "create",
    ),
  });
  store = await applyStacks(project, "member", { keys: [], notifications: [] });
  hubStore = synthesizedHub(
    synthConfig(
      accountFrom(
        accountFile(
          ORGANIZATION_HUB,
          [HOME],
          `  watch: managed
  organizationId: ${ORGANIZATION}
  subscriptions: [{ protocol: email, endpoint: ${CENTRAL} }]`,
          `{ existing: "arn:aws:cloudtrail:${HOME}:444455556666:trail/theirs" }`,
        ),
        "hub",
      ),
    ),
  );
  access = new AccountAccess(store, ACCOUNT);
});
afterEach(() => store.undo());
afterAll(() => project.remove());

/** A journey through the account alone, or on to the organisation's hub. */
const journey = (isHandedOver = false) =>
  new Journey({
    store,
    account: ACCOUNT,
    confirmed: true,
    ...(isHandedOver && {
      handsOverTo: { store: hubStore, account: ORGANIZATION_HUB, organizationId: ORGANIZATION },
    }),
  });

const play = (event: BusEvent, region: string, isHandedOver = false): Promise<JourneyResult> =>
  journey(isHandedOver).playEvent(event, region);

/** Who gets a message, as `<account> <topic>: <endpoint>`. */
const recipients = ({ messages }: JourneyResult): readonly string[] =>
  messages.map(({ topicArn: topic, endpoint }) => {
    const { account, resource } = parseArn(topic) ?? {};
    return `${account} ${resource}: ${endpoint}`;
  });
const own = (topic: string, ...endpoints: readonly string[]) =>
  endpoints.map((endpoint) => `${ACCOUNT.account} ${topic}: ${endpoint}`);
const EVERYBODY = [TEAM, PAGER, QUEUE];
const ON_ALERTS = own(ALERTS_TOPIC, ...EVERYBODY);
const ON_AUDIT = own(AUDIT_TOPIC, ...EVERYBODY);
const AT_HUB = `${ORGANIZATION_HUB.account} ${ALERTS_TOPIC}: ${CENTRAL}`;

const stopsOf = ({ steps }: JourneyResult): readonly string[] =>
  stops(steps).map(({ what, reason }) => `${what}: ${reason}`);

const flat = (steps: readonly JourneyStep[]): readonly JourneyStep[] =>
  steps.flatMap((step) => [step, ...flat(step.steps)]);

/** Rules that matched. */
const rulesOf = ({ steps }: JourneyResult): readonly string[] =>
  flat(steps).flatMap(({ what, reason }) =>
    what.startsWith("rule ") && reason === "its pattern matches" ? [what.slice(5)] : [],
  );

function keyOf(name: string, region: string): KmsKeyObject {
  const key = store
    .list(KMS_KEYS, region)
    .map(([, candidate]) => candidate)
    .find(({ tags }) => tags["keyspan:key"] === name);
  if (key === undefined) {
    throw new Error(`there is no key ${name} in ${region}`);
  }
  return key;
}

const subject = (region: string, keyName = "archive", time = NOW) => ({
  at: { ...ACCOUNT, region },
  keyArn: keyOf(keyName, region).arn,
  alias: `alias/keyspan-${keyName}`,
  time,
});

/** What must be heard of each kind, and how urgently. */
const SEVERITIES: Readonly<Record<MessageKind, Severity>> = {
  disabled: "critical",
  "scheduled-for-deletion": "critical",
  "waiting-for-replicas": "critical",
  "deletion-cancelled": "info",
  "enabled-again": "info",
  deleted: "critical",
  "imported-material": "critical",
  "protection-changed": "warning",
  "attempt-refused": "warning",
  rotated: "info",
  "watcher-touched": "critical",
  reminder: "warning",
  summary: "warning",
  "region-silent": "critical",
  "sweep-failed": "critical",
  "delivery-failing": "critical",
  "nobody-subscribed": "critical",
  "subscription-trouble": "warning",
  "rule-trouble": "critical",
  "trail-trouble": "critical",
  "alarm-ended": "info",
  "test-message": "critical",
  unknown: "critical",
};

/** A sample. Of what is unknown, the rules let through Keyspan's own only. */
const sample = (kind: MessageKind, region: string): BusEvent => ({
  ...sampleEvent(kind, subject(region)),
  ...(kind === "unknown" && { source: "keyspan.sweep" }),
});

/** Who is to get a message. What nobody knows goes out as it is, where it passes no filters. */
function expectedRecipients(kind: MessageKind): readonly string[] {
  switch (kind) {
    case "test-message":
      return [...ON_ALERTS, ...ON_AUDIT];
    case "unknown":
      return ON_AUDIT;
    // Who is told that nobody is subscribed to a topic hears of it by the other.
    case "nobody-subscribed":
      return [...ON_ALERTS, ...ON_AUDIT];
    case "subscription-trouble":
      return [...own(ALERTS_TOPIC, TEAM, QUEUE), ...ON_AUDIT];
    default:
      return SEVERITIES[kind] === "critical" ? ON_ALERTS : own(ALERTS_TOPIC, TEAM, QUEUE);
  }
}

/** Who is to get it at the organisation's hub, which does not tell of the tests of others. */
function expectedAtHub(kind: MessageKind): readonly string[] {
  switch (kind) {
    case "test-message":
      return [];
    case "unknown":
      return [AT_HUB.replace(ALERTS_TOPIC, AUDIT_TOPIC)];
    default:
      return [AT_HUB];
  }
}

describe.each(REGIONS)("an event in %s", (region) => {
  // Once is enough for what the other account makes of it: it is dear.
  const isHandedOver = region === AWAY;

  test.each(MESSAGE_KINDS)("about %s comes to whom it concerns", async (kind) => {
    const result = await play(sample(kind, region), region, isHandedOver);
    expect({ outcome: result.outcome, stops: stopsOf(result), to: recipients(result) }).toEqual({
      outcome: "delivered",
      stops: [],
      to: [...expectedRecipients(kind), ...(isHandedOver ? expectedAtHub(kind) : [])],
    });
    const handedOver = flat(result.steps).filter(({ what }) => what.endsWith(FOREIGN_HUB));
    expect(handedOver).toMatchObject([{ ok: true, what: `target organization, ${FOREIGN_HUB}` }]);
    const severity = SEVERITIES[kind];
    for (const { topicArn: topic, subject: line = "", message, attributes } of result.messages) {
      const isAtHub = parseArn(topic)?.account === ORGANIZATION_HUB.account;
      expect(line.startsWith(`[${severity.toUpperCase()}] `)).toBe(true);
      if (kind !== "unknown") {
        expect(line.endsWith(` in ${region} (${isAtHub ? ACCOUNT.account : "member"})`)).toBe(true);
      }
      expect(message).toContain(ACCOUNT.account);
      expect(attributes).toEqual({ severity, kind });
    }
  });
});

test("IAM's events come from the region in which they are", async () => {
  const touched = sampleCall(
    { at: { ...ACCOUNT, region: IAM_REGION }, time: NOW },
    { service: "iam", name: "DeleteRolePolicy", request: { roleName: ROLES.announce } },
  );
  const result = await play({ ...touched }, IAM_REGION, true);
  expect(recipients(result)).toEqual([...ON_ALERTS, AT_HUB]);
  expect(result.messages[0]?.attributes).toEqual({ severity: "critical", kind: "watcher-touched" });
});

describe("with a key that is dead", () => {
  const disabled = { enabled: false };
  const pending = { enabled: false, deletion: { windowDays: 7, date: "2026-11-29T10:20:00Z" } };

  test.each([
    ["archive", HOME, ON_ALERTS],
    ["alerts", HOME, ON_AUDIT],
    ["audit", HOME, ON_ALERTS],
    ["archive", AWAY, ON_ALERTS],
    ["alerts", AWAY, ON_AUDIT],
  ])("the alert about %s in %s still arrives", async (name, region, expected) => {
    for (const [kind, dead] of [
      ["disabled", disabled],
      ["scheduled-for-deletion", pending],
    ] as const) {
      const { keyId } = keyOf(name, region);
      store.change(KMS_KEYS, region, keyId, () => dead);
      const result = await play({ ...sampleEvent(kind, subject(region, name)) }, region);
      expect(recipients(result)).toEqual(expected);
      expect(result.messages.map(({ attributes }) => attributes.kind)).toEqual(
        expected.map(() => kind),
      );
    }
  });

  test("every other alert arrives too", async () => {
    for (const name of ["alerts", "audit"]) {
      store.undo();
      store.change(KMS_KEYS, HOME, keyOf(name, HOME).keyId, () => pending);
      for (const region of REGIONS) {
        const result = await play(sample("rotated", region), region);
        // Whoever filters hears more from the second topic, which has no filters.
        expect(recipients(result)).toEqual(
          name === "alerts" ? ON_AUDIT : own(ALERTS_TOPIC, TEAM, QUEUE),
        );
        expect(result.messages[0]?.attributes).toEqual({ severity: "info", kind: "rotated" });
      }
    }
  });

  test("if both topics' keys are dead at once, only the organisation's hub hears of it", async () => {
    for (const name of ["alerts", "audit"]) {
      store.change(KMS_KEYS, HOME, keyOf(name, HOME).keyId, () => disabled);
    }
    const result = await play({ ...sampleEvent("disabled", subject(HOME, "alerts")) }, HOME, true);
    expect(recipients(result)).toEqual([AT_HUB]);
    expect(stopsOf(result)).toEqual([
      expect.stringMatching(
        /^execution of keyspan-announce in eu-west-1: FAILED: SNS.KMSDisabledException: key \S+ is disabled; /,
      ),
      ...[AUDIT_TOPIC, ALERTS_TOPIC, AUDIT_TOPIC, ALERTS_TOPIC].map((topic) =>
        expect.stringContaining(` publishes on topic ${topic} in ${HOME}: KMSDisabled: `),
      ),
    ]);
  });
});

/** What a role may do, decided on its policies and on the resource's. */
function asRole(roleArn: string, request: Omit<AccountRequest, "principal">): Verdict {
  const principal = access.sessionOf(roleArn, "test");
  return principal === undefined
    ? { ok: false, reason: `there is no role ${roleArn}` }
    : access.allows({ principal, ...request });
}

const putsOn = (region: string, source: unknown, detailType: unknown) => ({
  action: "events:PutEvents",
  resourceArn: eventBusArn({ ...ACCOUNT, region }, "default"),
  context: { "events:source": String(source), "events:detail-type": String(detailType) },
});

describe("with the trail stopped", () => {
  const STOPPED = "2026-11-22T10:20:00Z";
  const stopTrail = () => store.change(TRAILS, HOME, TRAIL, () => ({ isLogging: false }));

  /** Runs the trail check of a region against the trail as it is; answers with the events it puts. */
  async function check(region: string, startedAt: string): Promise<readonly BusEvent[]> {
    const machine = store.one(STATE_MACHINE_OBJECTS, region, STATE_MACHINES.trailCheck);
    const way = {
      kind: "service" as const,
      name: "states.amazonaws.com",
      sourceArn: machine.arn,
      sourceAccount: ACCOUNT.account,
    };
    expect(access.canTake(machine.roleArn, [{ when: "", principal: way }])).toMatchObject({
      ok: true,
    });
    const events: BusEvent[] = [];
    const result = await runExecution({
      definition: JSON.parse(machine.definition),
      input: {},
      startedAt,
      stateMachineArn: machine.arn,
      executionName: "hourly",
      task: async (call) => answer(call, machine.roleArn, region, events),
    });
    expect(result.status).toBe("SUCCEEDED");
    return events;
  }

  /** What the APIs answer: CloudTrail's from the trail that is in the home region. */
  function answer(call: RunningTask, roleArn: string, region: string, events: BusEvent[]): unknown {
    const [, name = ""] = call.resource.split(/:states:::(?:aws-sdk:)?/);
    const args = call.arguments as Readonly<Record<string, unknown>>;
    if (name === "events:putEvents") {
      const entries = args.Entries as readonly Readonly<Record<string, unknown>>[];
      for (const { Source, DetailType, Detail } of entries) {
        allow(call, asRole(roleArn, putsOn(region, Source, DetailType)));
        events.push({
          version: "0",
          id: "5a0f1b1e-0000-4000-8000-000000000000",
          "detail-type": DetailType,
          source: Source,
          account: ACCOUNT.account,
          time: call.at,
          region,
          resources: [],
          detail: Detail,
        });
      }
      return { FailedEntryCount: 0 };
    }
    const action = name
      .replace(":", "")
      .replace(/^cloudtrail./, (text) => `cloudtrail:${text.slice(-1).toUpperCase()}`);
    const resourceArn = `arn:aws:cloudtrail:${HOME}:${ACCOUNT.account}:trail/${TRAIL}`;
    allow(call, asRole(roleArn, { action, resourceArn }));
    const trail = store.get(TRAILS, HOME, TRAIL);
    if (name === "cloudtrail:describeTrails") {
      expect(args.TrailNameList).toEqual([resourceArn]);
      return {
        TrailList:
          trail === undefined
            ? []
            : [{ TrailARN: trail.arn, IsMultiRegionTrail: trail.isMultiRegionTrail }],
      };
    }
    if (trail === undefined || ![args.Name, args.TrailName].includes(trail.arn)) {
      throw new TaskError("CloudTrail.TrailNotFoundException", "Unknown trail");
    }
    return name === "cloudtrail:getTrailStatus"
      ? { IsLogging: trail.isLogging, ...(!trail.isLogging && { StopLoggingTime: STOPPED }) }
      : {
          EventSelectors: trail.eventSelectors.map((selector) => ({
            ReadWriteType: selector.readWriteType,
            IncludeManagementEvents: selector.includeManagementEvents,
            ExcludeManagementEventSources: selector.excludeManagementEventSources,
          })),
        };
  }

  function allow({ state, at }: TaskCall, { ok, reason }: Verdict): void {
    if (!ok) {
      throw new Error(`${state} at ${at}: ${reason}`);
    }
  }

  test.each(REGIONS)("the trail check of %s says so within the hour", async (region) => {
    const schedule = store.one(
      SCHEDULE_OBJECTS,
      region,
      `${SCHEDULE_GROUP}/${SCHEDULES.trailCheck}`,
    );
    expect(secondsBetween(schedule)).toBe(3600);
    expect(await check(region, "2026-11-22T10:19:00Z")).toEqual([]);
    stopTrail();
    // An hourly schedule comes at the latest after an hour, whenever in the hour it runs.
    for (const startedAt of ["2026-11-22T10:20:30Z", "2026-11-22T11:20:00Z"]) {
      const [event, ...more] = await check(region, startedAt);
      expect(more).toEqual([]);
      expect(event?.detail).toMatchObject({ problems: ["is not logging"], unread: [] });
      const result = await play(event ?? {}, region);
      expect(stopsOf(result)).toEqual([]);
      expect(recipients(result)).toEqual(ON_ALERTS);
      expect(result.messages[0]).toMatchObject({
        subject: `[CRITICAL] Trail does not record changes of keys in ${region} (member)`,
        attributes: { severity: "critical", kind: "trail-trouble" },
      });
    }
  });

  test("the trail check of the home region says that it is gone", async () => {
    store.remove(TRAILS, HOME, TRAIL);
    const [event] = await check(HOME, NOW);
    expect(event?.detail).toMatchObject({ problems: ["was not found"] });
    expect(recipients(await play(event ?? {}, HOME))).toEqual(ON_ALERTS);
  });

  /** What EventBridge hears of a canary. CloudTrail tells it nothing once the trail is stopped. */
  function canaries(region: string): readonly BusEvent[] {
    const { target } = store.one(SCHEDULE_OBJECTS, region, `${SCHEDULE_GROUP}/${SCHEDULES.canary}`);
    const { KeyId, Description } = JSON.parse(target.input ?? "");
    const at = { ...ACCOUNT, region };
    return store.one(TRAILS, HOME, TRAIL).isLogging
      ? [
          {
            ...sampleCall(
              { at, time: NOW, caller: sampleCaller("assumed-role", at, ROLES.canary) },
              {
                service: "kms",
                name: "UpdateKeyDescription",
                request: { keyId: KeyId, description: Description },
                resources: [KeyId],
              },
            ),
          },
        ]
      : [];
  }

  test.each(REGIONS)("the alarm about canaries of %s goes off within the day", async (region) => {
    const ruleName = canaryRuleName(region);
    const [canary] = canaries(region);
    const result = await play(canary ?? {}, region);
    expect(rulesOf(result)).toEqual(["keyspan-forward-canary", ruleName]);
    expect(reachesLogGroup(result)).toEqual({ outcome: "nothing-due", stops: [], logged: 1 });

    stopTrail();
    expect(canaries(region)).toEqual([]);
    const alarm = store.one(ALARMS, HOME, watchAlarmName("canary", region));
    expect(countsRule(alarm)).toBe(ruleName);
    const schedule = store.one(SCHEDULE_OBJECTS, region, `${SCHEDULE_GROUP}/${SCHEDULES.canary}`);
    // A day and an hour: CloudTrail takes a while, and no alarm may go off before.
    expect(secondsBetween(schedule)).toBe(24 * 3600);
    expect(secondsOfSilence(alarm)).toBe(25 * 3600);
    await expectAlarm(alarm, `[CRITICAL] CloudTrail leg silent in ${region} (member)`);
  });

  test.each(REGIONS)(
    "heartbeats of %s are counted, and missed after 90 minutes",
    async (region) => {
      const schedule = store.one(
        SCHEDULE_OBJECTS,
        region,
        `${SCHEDULE_GROUP}/${SCHEDULES.heartbeat}`,
      );
      const ruleName = heartbeatRuleName(region);
      const result = await play(put(schedule, region), region);
      expect(rulesOf(result)).toEqual(["keyspan-forward-keyspan-events", ruleName]);
      expect(reachesLogGroup(result)).toEqual({ outcome: "nothing-due", stops: [], logged: 1 });

      const alarm = store.one(ALARMS, HOME, watchAlarmName("heartbeat", region));
      expect(countsRule(alarm)).toBe(ruleName);
      expect(secondsBetween(schedule)).toBe(3600);
      expect(secondsOfSilence(alarm)).toBe(5400);
      await expectAlarm(alarm, `[CRITICAL] No heartbeat in ${region} (member)`);
    },
  );

  const reachesLogGroup = ({ outcome, steps, ...rest }: JourneyResult) => ({
    outcome,
    stops: stopsOf({ outcome, steps, ...rest }),
    logged: flat(steps).filter(({ what }) => what.includes(`log-group:${BEATS_LOG_GROUP}`)).length,
  });

  /** The rule of the hub whose matches an alarm counts. EventBridge counts those with a target. */
  function countsRule(alarm: AlarmObject): string | undefined {
    const { namespace, metricName, dimensions } = countedBy(alarm);
    const { RuleName = "", EventBusName } = dimensions;
    const rule = store.get(EVENT_RULES, HOME, `${EventBusName}/${RuleName}`);
    return namespace === "AWS/Events" &&
      metricName === "Invocations" &&
      Object.keys(rule?.targets ?? {}).length > 0
      ? rule?.name
      : undefined;
  }

  /** Plays an alarm: it tells the second topic itself, and everybody by its event. */
  async function expectAlarm(alarm: AlarmObject, line: string): Promise<void> {
    const result = await journey().playAlarm(alarm.name, HOME, { state: "ALARM", time: NOW });
    expect(stopsOf(result)).toEqual([]);
    expect(recipients(result)).toEqual([...ON_AUDIT, ...ON_ALERTS]);
    expect(result.messages.map(({ subject: text }) => text)).toEqual([
      ...ON_AUDIT.map(() => `ALARM: "${alarm.name}" in ${HOME}`),
      ...ON_ALERTS.map(() => line),
    ]);
    // Also with the first topic's key dead, on which the announcement is tried first.
    store.change(KMS_KEYS, HOME, keyOf("alerts", HOME).keyId, () => ({ enabled: false }));
    expect(
      recipients(await journey().playAlarm(alarm.name, HOME, { state: "ALARM", time: NOW })),
    ).toEqual([...ON_AUDIT, ...ON_AUDIT]);
  }
});

/** Seconds between two runs of a schedule. */
function secondsBetween({ expression, state }: ScheduleObject): number {
  const [, count, unit = ""] = /^rate\((\d+) (hours|days)\)$/.exec(expression) ?? [];
  return state === "ENABLED" ? Number(count) * ({ hours: 3600, days: 86_400 }[unit] ?? NaN) : NaN;
}

/**
 * Seconds without anything counted after which an alarm goes off. Zeros stand where CloudWatch has no
 * data: otherwise it would look further back.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
function secondsOfSilence(alarm: AlarmObject): number {
  const { comparisonOperator, threshold, treatMissingData, actionsEnabled } = alarm;
  const { datapointsToAlarm, evaluationPeriods } = alarm;
  expect({ comparisonOperator, threshold, treatMissingData, actionsEnabled }).toEqual({
    comparisonOperator: "LessThanThreshold",
    threshold: 1,
    treatMissingData: "breaching",
    actionsEnabled: true,
  });
  const { period, stat } = countedBy(alarm);
  expect(stat).toBe("Sum");
  return period * (datapointsToAlarm ?? evaluationPeriods);
}

/** What a silence alarm counts: a metric, with 0 where it has no data. */
function countedBy({ metrics }: AlarmObject) {
  const [watched] = metrics.filter(({ returnData }) => returnData);
  const [, id] = /^FILL\((\w+), 0\)$/.exec(watched?.expression ?? "") ?? [];
  const metric = metrics.find((query) => query.id === id)?.metricStat;
  if (metric === undefined) {
    throw new Error("an alarm of silence must fill its metric with zeros");
  }
  return metric;
}

/** The event that a schedule puts. */
function put({ target }: ScheduleObject, region: string): BusEvent {
  return {
    version: "0",
    id: "7b0f1b1e-0000-4000-8000-000000000000",
    "detail-type": target.eventBridgeParameters?.detailType,
    source: target.eventBridgeParameters?.source,
    account: ACCOUNT.account,
    time: NOW,
    region,
    resources: [],
    detail: JSON.parse(target.input ?? ""),
  };
}

describe("schedules", () => {
  /** The request that a schedule makes. */
  function requestOf({ target }: ScheduleObject, region: string) {
    const { eventBridgeParameters: event, arn: targetArn } = target;
    if (event !== undefined) {
      return putsOn(region, event.source, event.detailType);
    }
    if (parseArn(targetArn)?.service === "states") {
      return { action: "states:StartExecution", resourceArn: targetArn };
    }
    expect(targetArn).toBe("arn:aws:scheduler:::aws-sdk:kms:updateKeyDescription");
    return {
      action: "kms:UpdateKeyDescription",
      resourceArn: String(JSON.parse(target.input ?? "").KeyId),
    };
  }

  test.each([
    [HOME, ["canary", "heartbeat", "pulse", "sweep", "test-message", "trail-check"]],
    [AWAY, ["canary", "heartbeat", "sweep", "trail-check"]],
  ])("in %s, each may do what it is for", (region, names) => {
    const schedules = store.list(SCHEDULE_OBJECTS, region).map(([, schedule]) => schedule);
    expect(schedules.map(({ name }) => name).sort()).toEqual(
      names.map((name) => `keyspan-${name}`),
    );
    for (const schedule of schedules) {
      const { roleArn, arn: targetArn } = schedule.target;
      const request = requestOf(schedule, region);
      expect(parseArn(request.resourceArn)).toMatchObject({ region, account: ACCOUNT.account });
      const principal = {
        kind: "service" as const,
        name: "scheduler.amazonaws.com",
        sourceArn: scheduleGroupArn({ ...ACCOUNT, region }, schedule.groupName),
        sourceAccount: ACCOUNT.account,
      };
      expect(access.canTake(roleArn, [{ when: "", principal }])).toMatchObject({ ok: true });
      const verdict = asRole(roleArn, request);
      expect({ schedule: schedule.name, ...verdict }).toMatchObject({ ok: true });
      if (request.action === "states:StartExecution") {
        const name = targetArn.split(":").at(-1) ?? "";
        expect(store.one(STATE_MACHINE_OBJECTS, region, name).arn).toBe(targetArn);
      }
    }
  });

  test.each(REGIONS)("the canary of %s writes the description as it is", (region) => {
    const { target } = store.one(SCHEDULE_OBJECTS, region, `${SCHEDULE_GROUP}/${SCHEDULES.canary}`);
    const { arn: KeyId, description: Description } = keyOf("alerts", region);
    expect(JSON.parse(target.input ?? "")).toEqual({ KeyId, Description });
    const calls = ["archive", "alerts"].flatMap((name) =>
      ["kms:UpdateKeyDescription", "kms:DisableKey", "kms:Decrypt"].flatMap((action) =>
        asRole(target.roleArn, { action, resourceArn: keyOf(name, region).arn }).ok
          ? [`${action} ${name}`]
          : [],
      ),
    );
    expect(calls).toEqual(["kms:UpdateKeyDescription alerts"]);
  });

  test("they put nothing else, and nothing elsewhere", () => {
    const putEvents = `arn:aws:iam::${ACCOUNT.account}:role/${ROLES.putEvents}`;
    expect(asRole(putEvents, putsOn(HOME, "keyspan.sweep", "Keyspan Key Summary")).ok).toBe(false);
    expect(asRole(putEvents, putsOn(IAM_REGION, "keyspan.heartbeat", "x")).ok).toBe(false);
    expect(
      asRole(putEvents, {
        ...putsOn(HOME, "keyspan.heartbeat", "x"),
        resourceArn: eventBusArn({ ...ACCOUNT, region: HOME }, HUB_BUS),
      }).ok,
    ).toBe(false);
  });
});

describe("announce starts nothing by itself", () => {
  test.each(["FAILED", "TIMED_OUT", "ABORTED", "SUCCEEDED"])("when it has %s", async (status) => {
    const event = sampleFailedExecution(subject(HOME), STATE_MACHINES.announce);
    const detail = { ...event.detail, status };
    expect(await play({ ...event, detail }, HOME, true)).toMatchObject({ outcome: "unheard" });
  });

  test.each(Object.values(DIRECT_ALARMS))("when alarm %s goes off or ends", async (name) => {
    const alarm = store.one(ALARMS, HOME, name);
    for (const state of ["ALARM", "OK"] as const) {
      const event = alarmEvent(alarm, HOME, ACCOUNT.account, { state, time: NOW });
      expect(await play(event, HOME, true)).toMatchObject({ outcome: "unheard" });
    }
    // Instead, the alarm tells whom the trouble has not silenced.
    const told = await journey().playAlarm(name, HOME, { state: "ALARM", time: NOW });
    // It passes no filter, having no attributes.
    const onAlerts = own(ALERTS_TOPIC, TEAM, QUEUE);
    expect(recipients(told)).toEqual(
      name === DIRECT_ALARMS.deliveryOfAlerts ? ON_AUDIT : [...onAlerts, ...ON_AUDIT],
    );
  });

  test("when a message of its own, or a record of what it did, comes as an event", async () => {
    const { messages } = await play(sample("disabled", HOME), HOME);
    const by = sampleCaller("assumed-role", { ...ACCOUNT, region: HOME }, ROLES.announce);
    const called = (service: string, name: string, request: Readonly<Record<string, unknown>>) => ({
      ...sampleCall(
        { at: { ...ACCOUNT, region: HOME }, time: NOW, caller: by },
        { service, name, request },
      ),
    });
    const machine = store.one(STATE_MACHINE_OBJECTS, HOME, STATE_MACHINES.announce);
    for (const event of [
      ...messages.map(({ message, subject: line, attributes }) => ({
        ...sample("disabled", HOME),
        "detail-type": "Notification",
        source: "aws.sns",
        detail: { subject: line, message, attributes },
      })),
      called("sns", "Publish", { topicArn: topicArn({ ...ACCOUNT, region: HOME }, ALERTS_TOPIC) }),
      called("states", "StartExecution", { stateMachineArn: machine.arn }),
      called("kms", "GenerateDataKey", { keyId: keyOf("alerts", HOME).arn }),
      called("kms", "Decrypt", { keyId: keyOf("alerts", HOME).arn }),
    ]) {
      expect(await play(event, HOME, true)).toMatchObject({ outcome: "unheard" });
    }
  });
});

describe("an event that cannot go on is kept", () => {
  test.each([HOME, AWAY])("in %s, if the hub is gone", async (region) => {
    store.remove(EVENT_BUSES, HOME, HUB_BUS);
    const result = await play(sample("disabled", region), region, true);
    expect(stopsOf(result)).toEqual([
      expect.stringMatching(/^target hub, \S+: event bus \S+ does not exist$/),
    ]);
    expect(buried(result)).toEqual([
      `the event is in the dead-letter queue ${FORWARD_DEAD_LETTER_QUEUE} in ${region}`,
    ]);
    // The organisation hears of it meanwhile, and later whoever has the hub again.
    expect(recipients(result)).toEqual([AT_HUB]);
    expect(alarmOn(FORWARD_DEAD_LETTER_QUEUE, region)).toEqual([
      watchAlarmName("dead-letters", region),
    ]);
  });

  test("if the organisation's hub does not take it", async () => {
    const bus = hubStore.one(EVENT_BUSES, HOME, HUB_BUS);
    const { policy: _policy, ...closed } = bus;
    const change = async (changed?: typeof bus) => {
      hubStore.remove(EVENT_BUSES, HOME, HUB_BUS);
      if (changed !== undefined) {
        hubStore.put(EVENT_BUSES, HOME, HUB_BUS, changed);
      }
      return play(sample("rotated", AWAY), AWAY, true);
    };
    try {
      for (const [result, reason] of [
        [await change(), `event bus ${FOREIGN_HUB} does not exist`],
        [
          await change(closed),
          `the policy of ${FOREIGN_HUB}, which has none and the policy of arn:aws:iam::111122223333:role/${ROLES.forwardToOrganization} must both allow events:PutEvents, and the first does not`,
        ],
      ] as const) {
        expect(stopsOf(result)).toEqual([`target organization, ${FOREIGN_HUB}: ${reason}`]);
        expect(buried(result)).toEqual([
          `the event is in the dead-letter queue ${FORWARD_DEAD_LETTER_QUEUE} in ${AWAY}`,
        ]);
        expect(recipients(result)).toEqual(own(ALERTS_TOPIC, TEAM, QUEUE));
      }
      await expect(change({ ...bus, kmsKeyIdentifier: "alerts" })).rejects.toThrow(
        `event bus ${FOREIGN_HUB}: a bus of another account must be encrypted with a key of AWS, got "alerts"; the sandbox plays no others`,
      );
    } finally {
      hubStore.put(EVENT_BUSES, HOME, HUB_BUS, bus);
    }
  });

  test("in the region of IAM's events", async () => {
    store.remove(EVENT_BUSES, HOME, HUB_BUS);
    const touched = sampleCall(
      { at: { ...ACCOUNT, region: IAM_REGION }, time: NOW },
      { service: "iam", name: "DeleteRole", request: { roleName: ROLES.announce } },
    );
    expect(buried(await play({ ...touched }, IAM_REGION))).toEqual([
      `the event is in the dead-letter queue ${FORWARD_DEAD_LETTER_QUEUE} in ${IAM_REGION}`,
    ]);
  });

  test("at the hub, if announce is gone", async () => {
    store.remove(STATE_MACHINE_OBJECTS, HOME, STATE_MACHINES.announce);
    expect(buried(await play(sample("disabled", AWAY), AWAY))).toEqual([
      `the event is in the dead-letter queue ${ANNOUNCE_DEAD_LETTER_QUEUE} in ${HOME}`,
    ]);
    expect(alarmOn(ANNOUNCE_DEAD_LETTER_QUEUE, HOME)).toEqual([DIRECT_ALARMS.announceDeadLetters]);
  });

  const buried = ({ steps }: JourneyResult) =>
    flat(steps).flatMap(({ what, ok }) => (ok && what.includes("dead-letter queue") ? [what] : []));

  /** Alarms of a region that go off with the first message in a queue. */
  const alarmOn = (queueName: string, region: string) =>
    store
      .list(ALARMS, region)
      .filter(
        ([, { metricName, dimensions, threshold, comparisonOperator, evaluationPeriods }]) =>
          metricName === "NumberOfMessagesSent" &&
          dimensions.QueueName === queueName &&
          threshold === 1 &&
          comparisonOperator === "GreaterThanOrEqualToThreshold" &&
          evaluationPeriods === 1,
      )
      .map(([name]) => name);
});

describe("strangers", () => {
  const stranger = (account: string, name: string, Action: string): RoleSession => ({
    kind: "role",
    roleArn: `arn:aws:iam::${account}:role/${name}`,
    sessionName: "mallory",
    identityPolicies: [
      {
        name: "policy own of role Stranger",
        text: JSON.stringify({
          Version: "2012-10-17",
          Statement: [{ Sid: "All", Effect: "Allow", Action, Resource: "*" }],
        }),
      },
    ],
  });

  test("of the account cannot publish, but announce can", () => {
    for (const topicName of [ALERTS_TOPIC, AUDIT_TOPIC]) {
      const resourceArn = topicArn({ ...ACCOUNT, region: HOME }, topicName);
      const request = { action: "sns:Publish", resourceArn };
      const principal = stranger(ACCOUNT.account, "Stranger", "sns:*");
      expect(access.allows({ ...request, principal })).toEqual({
        ok: false,
        reason: expect.stringMatching(
          new RegExp(`^policy of topic ${topicName}: Deny\\S+ denies it$`),
        ),
      });
      const announce = `arn:aws:iam::${ACCOUNT.account}:role/${ROLES.announce}`;
      expect(asRole(announce, request)).toMatchObject({ ok: true });
    }
  });

  test("of the account cannot put events on the hub, nor can a service", () => {
    const resourceArn = eventBusArn({ ...ACCOUNT, region: HOME }, HUB_BUS);
    const request = { ...putsOn(HOME, "keyspan.sweep", "Keyspan Key Summary"), resourceArn };
    expect(
      access.allows({ ...request, principal: stranger(ACCOUNT.account, "Stranger", "events:*") }),
    ).toEqual({ ok: false, reason: `policy of bus ${HUB_BUS}: DenyUnnamed denies it` });
    expect(
      access.allows({
        ...request,
        principal: {
          kind: "service",
          name: "events.amazonaws.com",
          sourceAccount: ACCOUNT.account,
        },
      }).ok,
    ).toBe(false);
  });

  test("of other accounts reach the organisation's hub only as its forwarders", () => {
    const hub = new AccountAccess(hubStore, ORGANIZATION_HUB);
    const put = (account: string, name: string, organizationId: string | undefined) =>
      hub.allows({
        principal: stranger(account, name, "events:*"),
        action: "events:PutEvents",
        resourceArn: FOREIGN_HUB,
        context: { "aws:PrincipalOrgID": organizationId },
      }).ok;
    const { forwardToOrganization: forwarder } = ROLES;
    expect(put("777788889999", forwarder, ORGANIZATION)).toBe(true);
    expect(put("777788889999", forwarder, "o-z9y8x7w6v5")).toBe(false);
    expect(put("777788889999", forwarder, undefined)).toBe(false);
    expect(put("777788889999", "Stranger", ORGANIZATION)).toBe(false);
    expect(put(ORGANIZATION_HUB.account, forwarder, ORGANIZATION)).toBe(false);
  });

  test("of other accounts cannot have a service take the roles", () => {
    const roles = store.list(IAM_ROLES, undefined).map(([, role]) => role);
    expect(roles.map(({ name }) => name).sort()).toEqual(
      Object.values(ROLES)
        .filter((name) => name !== ROLES.trailLogs)
        .sort(),
    );
    const at = { partition: ACCOUNT.partition, account: "777788889999", region: HOME };
    const sources = [
      ruleArn(at, "keyspan-forward-kms-calls"),
      ruleArn(at, "keyspan-announce", HUB_BUS),
      `arn:aws:states:${HOME}:${at.account}:stateMachine:${STATE_MACHINES.announce}`,
      scheduleGroupArn(at, SCHEDULE_GROUP),
    ];
    const services = ["events", "states", "scheduler"].map((name) => `${name}.amazonaws.com`);
    const taken = roles.flatMap(({ name, arn: roleArn }) =>
      services.flatMap((service) =>
        sources.flatMap((sourceArn) => {
          const principal = {
            kind: "service" as const,
            name: service,
            sourceArn,
            sourceAccount: at.account,
          };
          return access.canTake(roleArn, [{ when: "", principal }]).ok ? [[name, sourceArn]] : [];
        }),
      ),
    );
    expect(taken).toEqual([]);
  });
});
