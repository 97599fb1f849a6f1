/** Events through a small account that was put together by hand: what arrives, and where else it ends. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ALARMS } from "../../../sandbox/aws/cloudwatch";
import { EVENT_BUSES, EVENT_RULES, type TargetObject } from "../../../sandbox/aws/events";
import { IAM_ROLES } from "../../../sandbox/aws/iam";
import { KMS_ALIASES, KMS_KEYS } from "../../../sandbox/aws/kms";
import { LOG_GROUPS, LOG_RESOURCE_POLICIES } from "../../../sandbox/aws/logs";
import { type ObjectKind, ObjectStore } from "../../../sandbox/aws/object-store";
import { SUBSCRIPTIONS, TOPICS } from "../../../sandbox/aws/sns";
import { QUEUES } from "../../../sandbox/aws/sqs";
import { STATE_MACHINE_OBJECTS } from "../../../sandbox/aws/states";
import { type BusEvent, Journey, type JourneyResult } from "../../../sandbox/delivery/journey";
import { type JourneyStep, stops } from "../../../sandbox/delivery/journey-step";
import {
  ACCOUNT,
  ALARM,
  ALERTS,
  AUDIT,
  AWAY,
  at,
  byAlarms,
  byAnnounce,
  byDeadLetters,
  DEAD,
  DEFINITION,
  EVENT,
  FORWARD,
  HOME,
  HUB,
  iam,
  MACHINE,
  mine,
  policy,
  putHandMadeAccount,
  role,
  rule,
} from "./hand-made-account";

let directory: string;
let store: ObjectStore;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "keyspan-journey-"));
  store = new ObjectStore(directory);
  putHandMadeAccount(store);
});
afterEach(() => rmSync(directory, { recursive: true }));

function put<T>(kind: ObjectKind<T>, region: string | undefined, id: string, object: T): void {
  store.put(kind, region, id, object);
}

/** Changes an object of the account. */
function change<T>(
  kind: ObjectKind<T>,
  region: string | undefined,
  id: string,
  changed: (object: T) => Partial<T>,
): void {
  const object = store.get(kind, region, id);
  if (object === undefined) {
    throw new Error(`there is no ${kind.folder} ${id}`);
  }
  put(kind, region, id, { ...object, ...changed(object) });
}

const play = (event: BusEvent = EVENT, confirmed = false, region = AWAY): Promise<JourneyResult> =>
  new Journey({ store, account: ACCOUNT, confirmed }).playEvent(event, region);

/** The steps, a line each: what did not go on is marked. */
const lines = (steps: readonly JourneyStep[], depth = 0): readonly string[] =>
  steps.flatMap(({ ok, what, reason, steps: inner }) => [
    `${"  ".repeat(depth)}${ok ? "" : "! "}${what}${reason === "" ? "" : `: ${reason}`}`,
    ...lines(inner, depth + 1),
  ]);

const stopsOf = ({ steps }: JourneyResult): readonly string[] =>
  stops(steps).map(({ what, reason }) => `${what}: ${reason}`);

const messagesOf = ({ messages }: JourneyResult) =>
  messages.map(({ endpoint, message }) => `${endpoint}: ${message}`);

test("an event comes from another region to everybody who asked for it", async () => {
  const result = await play();
  expect(result.outcome).toBe("delivered");
  expect(lines(result.steps)).toEqual([
    `event on bus default in ${AWAY}`,
    "  rule forward: its pattern matches",
    `    target t, ${HUB}: policy of bus hub: Forwarder allows it`,
    `      event on bus hub in ${HOME}`,
    "        rule announce: its pattern matches",
    `          target t, ${MACHINE}: policy own of role start: May allows it`,
    `            execution of announce in ${HOME}: states: ToAlerts`,
    `              state ToAlerts publishes on topic alerts in ${HOME}: its policy and its key allow it`,
    '                email to boss@example.com: not asked for: its filter policy {"severity":["critical"]} does not match',
    "                email to team@example.com: gets it",
  ]);
  expect(result.messages).toEqual([
    {
      topicArn: ALERTS,
      protocol: "email",
      endpoint: "team@example.com",
      subject: "[INFO] a key",
      message: "something happened",
      attributes: { severity: "info" },
      afterConfirmation: false,
    },
  ]);
});

test("a filter lets through what is critical", async () => {
  const detail = { ...EVENT.detail, severity: "critical" };
  expect(messagesOf(await play({ ...EVENT, detail }))).toEqual([
    "boss@example.com: something happened",
    "team@example.com: something happened",
  ]);
  store.remove(SUBSCRIPTIONS, HOME, "1");
  const result = await play();
  expect({ ...result, steps: [] }).toEqual({ outcome: "nothing-due", steps: [], messages: [] });
});

test("who has not confirmed gets it afterwards, or counts as confirmed", async () => {
  change(SUBSCRIPTIONS, HOME, "1", () => ({ confirmed: false }));
  const pending = await play();
  expect(pending.messages).toMatchObject([{ afterConfirmation: true }]);
  expect(lines(pending.steps).at(-1)).toMatch(
    /email to team@example.com: gets it after confirmation: the subscription is pending$/,
  );
  expect((await play(EVENT, true)).messages).toMatchObject([{ afterConfirmation: false }]);
});

test.each([
  ["disabled", { enabled: false }, "KMSDisabled", "disabled"],
  [
    "pending deletion",
    { enabled: false, deletion: { windowDays: 7, date: "2026-02-01" } },
    "KMSInvalidState",
    "pending deletion",
  ],
  ["of a policy that forgets the role", { policy: policy(byAlarms) }, "KMSAccessDenied", undefined],
])(
  "if the first topic's key is %s, the second topic takes it",
  async (_case, changed, code, state) => {
    change(KMS_KEYS, HOME, "alerts", () => changed);
    const result = await play();
    expect(result.outcome).toBe("delivered");
    expect(messagesOf(result)).toEqual([`https://x: SNS.${code}Exception: something happened`]);
    expect(stopsOf(result)).toEqual([
      state === undefined
        ? `state ToAlerts publishes on topic alerts in ${HOME}: ${code}: nothing in the policy of key alerts allows kms:GenerateDataKey`
        : `state ToAlerts publishes on topic alerts in ${HOME}: ${code}: key ${at("kms", "key/alerts")} is ${state}`,
    ]);
  },
);

test("a key that is gone, or both topics, stop it", async () => {
  store.remove(KMS_KEYS, HOME, "alerts");
  expect(messagesOf(await play())).toEqual([
    "https://x: SNS.KMSNotFoundException: something happened",
  ]);
  change(KMS_KEYS, HOME, "audit", () => ({ enabled: false }));
  const result = await play();
  expect(result).toMatchObject({ outcome: "stopped", messages: [] });
  expect(stopsOf(result)).toEqual([
    `execution of announce in ${HOME}: FAILED: SNS.KMSDisabledException: key ${at("kms", "key/audit")} is disabled; states: ToAlerts, ToAudit`,
    `state ToAlerts publishes on topic alerts in ${HOME}: KMSNotFound: key ${at("kms", "key/alerts")} does not exist in ${HOME}`,
    `state ToAudit publishes on topic audit in ${HOME}: KMSDisabled: key ${at("kms", "key/audit")} is disabled`,
  ]);
});

test.each([
  ["kms:ViaService", "sns.eu-west-1.amazonaws.com", "without kms:ViaService, with"],
  ["kms:EncryptionContext:aws:sns:topicArn", ALERTS, "with kms:ViaService, without"],
])("a key must not ask for %s, which SNS may not send", async (name, value, when) => {
  const Condition = { StringEquals: { ...byAnnounce.Condition.StringEquals, [name]: value } };
  change(KMS_KEYS, HOME, "alerts", () => ({ policy: policy({ ...byAnnounce, Condition }) }));
  expect(stopsOf(await play())[0]).toContain(
    `KMSAccessDenied: ${when} an encryption context: nothing in the policy of key alerts allows`,
  );
});

test("only the second key dead: nothing is lost", async () => {
  change(KMS_KEYS, HOME, "audit", () => ({ enabled: false }));
  expect(messagesOf(await play())).toEqual(["team@example.com: something happened"]);
});

test("a key is also found by its alias or its id", async () => {
  store.put(KMS_ALIASES, HOME, "alias/a", { name: "alias/a", targetKeyId: "alerts" });
  for (const name of ["alias/a", at("kms", "alias/a"), "alerts"]) {
    change(TOPICS, HOME, "alerts", ({ attributes }) => ({
      attributes: { ...attributes, KmsMasterKeyId: name },
    }));
    expect((await play()).outcome).toBe("delivered");
  }
  change(TOPICS, HOME, "alerts", ({ attributes }) => ({
    attributes: { ...attributes, KmsMasterKeyId: "alias/aws/sns" },
  }));
  expect(stopsOf(await play())[0]).toMatch(
    /KMSAccessDenied: alias\/aws\/sns is managed by AWS and admits no other services$/,
  );
});

describe("stops on the way", () => {
  const buried = `the event is in the dead-letter queue dead in ${AWAY}`;
  const lost = "the event is lost, not even in queue dead";

  test.each<readonly [string, () => void, stop: string, rest: string]>([
    [
      "without the role",
      () => store.remove(IAM_ROLES, undefined, "forward"),
      `target t, ${HUB}: EventBridge may not take the role: role ${iam("forward")} does not exist`,
      buried,
    ],
    [
      "with a role for another service",
      () =>
        change(IAM_ROLES, undefined, "forward", () => ({
          trustPolicy: role("x", "states.amazonaws.com", "").trustPolicy,
        })),
      `target t, ${HUB}: EventBridge may not take the role: nothing in the trust policy of role forward allows sts:AssumeRole`,
      buried,
    ],
    [
      "with a trust that rests on what EventBridge may not say",
      () =>
        change(IAM_ROLES, undefined, "forward", () => ({
          trustPolicy: policy({
            Sid: "Trust",
            Principal: { Service: "events.amazonaws.com" },
            Action: "sts:AssumeRole",
            Condition: { ArnLike: { "aws:SourceArn": FORWARD } },
          }),
        })),
      `target t, ${HUB}: EventBridge may not take the role: if EventBridge names no source: nothing in the trust policy of role forward allows sts:AssumeRole; trust policy of role forward: Trust would, but not ArnLike aws:SourceArn "${FORWARD}", got nothing`,
      buried,
    ],
    [
      "with a role that may not put events",
      () =>
        change(IAM_ROLES, undefined, "forward", () => ({
          inlinePolicies: {
            own: policy({ Sid: "No", Effect: "Deny", Action: "*", Resource: "*" }),
          },
        })),
      `target t, ${HUB}: policy own of role forward: No denies it`,
      buried,
    ],
    [
      "at a hub that does not admit the role",
      () => change(EVENT_BUSES, HOME, "hub", () => ({ policy: undefined })),
      `target t, ${HUB}: the bus does not admit the role: nothing in the policy of ${HUB}, which has none or in the policy of ${iam("forward")} allows events:PutEvents`,
      buried,
    ],
    [
      "without a hub",
      () => store.remove(EVENT_BUSES, HOME, "hub"),
      `target t, ${HUB}: event bus ${HUB} does not exist`,
      buried,
    ],
    [
      "at a hub under a key that EventBridge may not use",
      () => change(EVENT_BUSES, HOME, "hub", () => ({ kmsKeyIdentifier: "alerts" })),
      `target t, ${HUB}: nothing in the policy of key alerts allows kms:GenerateDataKey`,
      buried,
    ],
    [
      "without a dead-letter queue's consent",
      () => {
        store.remove(IAM_ROLES, undefined, "forward");
        change(QUEUES, AWAY, "dead", ({ attributes }) => ({
          attributes: { ...attributes, policy: "" },
        }));
      },
      `target t, ${HUB}: EventBridge may not take the role: role ${iam("forward")} does not exist`,
      `${lost}: nothing in the policy of ${DEAD}, which has none allows sqs:SendMessage`,
    ],
    [
      "with a dead-letter queue whose key is disabled",
      () => {
        store.remove(IAM_ROLES, undefined, "forward");
        change(KMS_KEYS, AWAY, "away", () => ({ enabled: false }));
      },
      `target t, ${HUB}: EventBridge may not take the role: role ${iam("forward")} does not exist`,
      `${lost}: key ${at("kms", "key/away", AWAY)} is disabled`,
    ],
    [
      "with a dead-letter queue whose key wants the source to be named",
      () => {
        store.remove(IAM_ROLES, undefined, "forward");
        const { Condition, ...rest } = byDeadLetters;
        change(KMS_KEYS, AWAY, "away", () => ({
          policy: policy({ ...rest, Condition: { ArnEquals: { "aws:SourceArn": FORWARD } } }),
        }));
      },
      `target t, ${HUB}: EventBridge may not take the role: role ${iam("forward")} does not exist`,
      `${lost}: if EventBridge names no source, with an encryption context: nothing in the policy of key away allows kms:GenerateDataKey`,
    ],
    [
      "without a dead-letter queue",
      () => {
        store.remove(IAM_ROLES, undefined, "forward");
        store.remove(QUEUES, AWAY, "dead");
      },
      `target t, ${HUB}: EventBridge may not take the role: role ${iam("forward")} does not exist`,
      `${lost}: queue ${DEAD} does not exist in ${AWAY}`,
    ],
    [
      "at a hub without a rule for it",
      () => change(EVENT_RULES, HOME, "hub/announce", () => ({ eventPattern: '{"source":["x"]}' })),
      `event on bus hub in ${HOME}: no rule of the bus is about it`,
      "",
    ],
    [
      "with a rule that is disabled",
      () => change(EVENT_RULES, AWAY, "default/forward", () => ({ state: "DISABLED" as const })),
      "rule forward: its pattern matches, but it is disabled",
      "",
    ],
    [
      "with a rule without a target",
      () => change(EVENT_RULES, AWAY, "default/forward", () => ({ targets: {} })),
      "rule forward: its pattern matches, but it has no target",
      "",
    ],
    [
      "without the machine",
      () => store.remove(STATE_MACHINE_OBJECTS, HOME, "announce"),
      `target t, ${MACHINE}: state machine ${MACHINE} does not exist in ${HOME}`,
      "the event is lost: the target has no dead-letter queue",
    ],
    [
      "with a role that may not start the machine",
      () =>
        change(IAM_ROLES, undefined, "start", () => ({
          inlinePolicies: { own: mine("states:StartExecution", `${MACHINE}2`) },
        })),
      `target t, ${MACHINE}: nothing in the policy of ${MACHINE}, which has none or in the policy of ${iam("start")} allows states:StartExecution`,
      "the event is lost: the target has no dead-letter queue",
    ],
    [
      "with a target without a role",
      () =>
        change(EVENT_RULES, HOME, "hub/announce", ({ targets }) => ({
          targets: { t: { ...(targets.t as TargetObject), roleArn: undefined } },
        })),
      `target t, ${MACHINE}: the target has no role`,
      "the event is lost: the target has no dead-letter queue",
    ],
    [
      "with a machine whose role is not for it",
      () =>
        change(IAM_ROLES, undefined, "announce", () => ({
          trustPolicy: role("x", "events.amazonaws.com", "").trustPolicy,
        })),
      `execution of announce in ${HOME}: Step Functions may not take the role: nothing in the trust policy of role announce allows sts:AssumeRole`,
      "",
    ],
    [
      "with nobody on the topic",
      () => {
        store.remove(SUBSCRIPTIONS, HOME, "1");
        store.remove(SUBSCRIPTIONS, HOME, "2");
      },
      `state ToAlerts publishes on topic alerts in ${HOME}: the topic takes it, but nobody has subscribed`,
      "",
    ],
  ])("%s", async (_case, breakIt, stop, rest) => {
    breakIt();
    const result = await play();
    expect(result).toMatchObject({ outcome: "stopped", messages: [] });
    expect(stopsOf(result)[0]).toBe(stop);
    const last = lines(result.steps).at(-1) ?? "";
    expect(last).toContain(rest);
  });

  test("on a third bus", async () => {
    change(EVENT_RULES, HOME, "hub/announce", () => ({
      targets: {
        t: {
          id: "t",
          arn: at("events", "event-bus/default"),
          roleArn: iam("start"),
          parameters: {},
        },
      },
    }));
    expect(stopsOf(await play())[0]).toMatch(
      /an event that came from another bus is not sent on to a third$/,
    );
  });
});

test("a topic whose policy or subject is wrong is not published on", async () => {
  change(TOPICS, HOME, "alerts", ({ attributes }) => ({
    attributes: {
      ...attributes,
      Policy: policy({
        Sid: "Nobody",
        Effect: "Deny",
        Principal: "*",
        Action: "sns:*",
        Resource: "*",
      }),
    },
  }));
  const denied = await play();
  expect(messagesOf(denied)).toEqual([
    "https://x: SNS.AuthorizationErrorException: something happened",
  ]);
  // It was tried three times, and said once.
  expect(stopsOf(denied)).toEqual([
    `state ToAlerts publishes on topic alerts in ${HOME}: AuthorizationError: policy of topic alerts: Nobody denies it`,
  ]);
  for (const subject of ["a\nb", "ä", " a", "x".repeat(100)]) {
    const result = await play({ ...EVENT, detail: { ...EVENT.detail, subject } });
    expect(stopsOf(result)).toEqual([
      `execution of announce in ${HOME}: FAILED: SNS.InvalidParameterException: the subject must be 1 to 99 characters of ASCII on one line, got ${JSON.stringify(subject)}; states: ToAlerts, ToAudit`,
      ...["Alerts", "Audit"].map(
        (name) =>
          `state To${name} publishes on topic ${name.toLowerCase()} in ${HOME}: InvalidParameter: the subject must be 1 to 99 characters of ASCII on one line, got ${JSON.stringify(subject)}`,
      ),
    ]);
  }
});

test("an input that an execution cannot take ends in the dead-letter queue", async () => {
  const around = Buffer.byteLength(JSON.stringify({ ...EVENT, more: "" }));
  const withBytes = (bytes: number) => ({ ...EVENT, more: "x".repeat(bytes - around) });
  expect((await play(withBytes(262_144))).outcome).toBe("delivered");
  const result = await play(withBytes(262_145));
  expect(stopsOf(result)).toEqual([
    `target t, ${MACHINE}: the input has 262145 bytes, an execution takes at most 262144`,
    "the event is lost: the target has no dead-letter queue",
  ]);
});

test("an event that no rule is about is nobody's", async () => {
  expect(await play({ ...EVENT, source: "acme.orders" })).toEqual({
    outcome: "unheard",
    steps: [
      {
        what: `event on bus default in ${AWAY}`,
        ok: true,
        reason: "no rule of the bus is about it",
        steps: [],
      },
    ],
    messages: [],
  });
});

test("a reading call is heard by a rule for all management events only", async () => {
  const call = {
    ...EVENT,
    "detail-type": "AWS API Call via CloudTrail",
    detail: { ...EVENT.detail, readOnly: true },
  };
  expect((await play(call)).outcome).toBe("unheard");
  change(EVENT_RULES, AWAY, "default/forward", () => ({
    state: "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" as const,
  }));
  expect((await play(call)).outcome).toBe("delivered");
});

test("another account's hub gets it, and decides itself", async () => {
  const other = "arn:aws:events:eu-west-1:999900001111:event-bus/hub";
  const target = { id: "t", arn: other, roleArn: iam("forward"), parameters: {} };
  change(EVENT_RULES, AWAY, "default/forward", () => ({ targets: { t: target } }));
  expect((await play()).outcome).toBe("stopped");
  change(IAM_ROLES, undefined, "forward", () => ({
    inlinePolicies: { own: mine("events:PutEvents", other) },
  }));
  const result = await play();
  expect(result).toMatchObject({ outcome: "nothing-due", messages: [] });
  expect(lines(result.steps).at(-1)?.trim()).toBe(
    `target t, ${other}: handed over to ${other}: policy own of role forward: May allows it`,
  );
});

test("a log group is written into if a policy of the region admits EventBridge", async () => {
  const arn = at("logs", "log-group:/beats");
  const resourcePolicy = {
    Sid: "Writes",
    Principal: { Service: ["events.amazonaws.com", "delivery.logs.amazonaws.com"] },
    Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
    Resource: `${arn}:*`,
  };
  put(
    EVENT_RULES,
    HOME,
    "hub/announce",
    rule("beat", "hub", HOME, { source: ["keyspan.test"] }, { arn: `${arn}:*` }),
  );
  expect(stopsOf(await play())[0]).toMatch(`log group ${arn} does not exist in ${HOME}`);
  put(LOG_GROUPS, HOME, "/beats", {
    name: "/beats",
    arn,
    logGroupClass: "STANDARD",
    deletionProtection: false,
    tags: {},
  });
  expect(stopsOf(await play())[0]).toMatch(
    `no resource policy of CloudWatch Logs in ${HOME} allows it`,
  );
  const document = policy(resourcePolicy);
  put(LOG_RESOURCE_POLICIES, HOME, "beats", { name: "beats", document });
  const result = await play();
  expect(result).toMatchObject({ outcome: "nothing-due", messages: [] });
  expect(lines(result.steps).at(-1)).toContain(
    "written into the log group: resource policy beats: Writes allows it",
  );
  put(LOG_RESOURCE_POLICIES, HOME, "beats", {
    name: "beats",
    document: policy({ ...resourcePolicy, Action: "logs:PutLogEvents" }),
  });
  expect((await play()).outcome).toBe("stopped");
});

test("a message may be filtered by its body, and differ by protocol", async () => {
  change(SUBSCRIPTIONS, HOME, "1", () => ({
    attributes: { FilterPolicy: '{"a":["b"]}', FilterPolicyScope: "MessageBody" },
  }));
  const play2 = async (text: string) =>
    messagesOf(await play({ ...EVENT, detail: { ...EVENT.detail, text } }));
  expect(await play2('{"a":"b"}')).toEqual(['team@example.com: {"a":"b"}']);
  expect(await play2('{"a":"c"}')).toEqual([]);
  expect(await play2("no JSON")).toEqual([]);
});

describe("alarms", () => {
  const time = "2026-01-01T00:00:00Z";
  const sound = (state: "ALARM" | "OK" = "ALARM", name = ALARM.name) =>
    new Journey({ store, account: ACCOUNT }).playAlarm(name, HOME, { state, time });

  test("tell their topics themselves, where what has no attributes passes no filter", async () => {
    const result = await sound();
    expect(result.outcome).toBe("delivered");
    expect(lines(result.steps)).toEqual([
      `alarm watch-announce publishes on topic alerts in ${HOME}: its policy and its key allow it`,
      '  email to boss@example.com: not asked for: its filter policy {"severity":["critical"]} does not match',
      "  email to team@example.com: gets it",
      `alarm watch-announce publishes on topic audit in ${HOME}: its policy and its key allow it`,
      "  https to https://x: gets it",
      `event on bus default in ${HOME}: no rule of the bus is about it`,
    ]);
    expect(result.messages).toMatchObject([
      {
        endpoint: "team@example.com",
        subject: 'ALARM: "watch-announce" in eu-west-1',
        message: expect.stringContaining("- State Change:               OK -> ALARM"),
        attributes: {},
      },
      { endpoint: "https://x", message: expect.stringContaining('"NewStateValue":"ALARM"') },
    ]);
  });

  test("pass not even a filter that asks for no attributes", async () => {
    const FilterPolicy = '{"severity":[{"exists":false}]}';
    change(SUBSCRIPTIONS, HOME, "1", () => ({ attributes: { FilterPolicy } }));
    expect(messagesOf(await sound())).toEqual([expect.stringMatching(/^https:/)]);
  });

  test("say on their own topics that they have ended", async () => {
    expect((await sound("OK")).messages).toMatchObject([
      { topicArn: AUDIT, subject: 'OK: "watch-announce" in eu-west-1' },
    ]);
  });

  test("also go to the default bus of their region, and further", async () => {
    put(
      EVENT_RULES,
      HOME,
      "default/alarms",
      rule(
        "alarms",
        "default",
        HOME,
        { source: ["aws.cloudwatch"], detail: { state: { value: ["ALARM"] } } },
        { arn: HUB, roleArn: iam("forward") },
      ),
    );
    change(EVENT_RULES, HOME, "hub/announce", () => ({
      eventPattern: '{"source":["aws.cloudwatch"]}',
    }));
    const machine = { ...DEFINITION, StartAt: "Told", States: { Told: { Type: "Succeed" } } };
    change(STATE_MACHINE_OBJECTS, HOME, "announce", () => ({
      definition: JSON.stringify(machine),
    }));
    change(ALARMS, HOME, ALARM.name, () => ({ alarmActions: [] }));
    const result = await sound();
    expect(result.outcome).toBe("nothing-due");
    expect(lines(result.steps).at(-1)).toContain(
      `execution of announce in ${HOME}: published nothing; states: Told`,
    );
  });

  test("do not reach a topic, or a key, that does not admit CloudWatch for them", async () => {
    change(KMS_KEYS, HOME, "alerts", () => ({ policy: policy(byAnnounce) }));
    change(TOPICS, HOME, "audit", ({ attributes }) => ({
      attributes: {
        ...attributes,
        Policy: policy({
          Sid: "OtherAlarms",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Action: "sns:Publish",
          Resource: AUDIT,
          Condition: { ArnLike: { "aws:SourceArn": at("cloudwatch", "alarm:other-*") } },
        }),
      },
    }));
    const result = await sound();
    expect(result).toMatchObject({ outcome: "stopped", messages: [] });
    expect(stopsOf(result)).toEqual([
      `alarm watch-announce publishes on topic alerts in ${HOME}: KMSAccessDenied: nothing in the policy of key alerts allows kms:GenerateDataKey`,
      `alarm watch-announce publishes on topic audit in ${HOME}: AuthorizationError: nothing in the policy of topic audit allows sns:Publish; policy of topic audit: OtherAlarms would, but not ArnLike aws:SourceArn "${at("cloudwatch", "alarm:other-*")}", got "${ALARM.arn}"`,
    ]);
  });

  test("with disabled actions stop, and others are unknown", async () => {
    change(ALARMS, HOME, ALARM.name, () => ({ actionsEnabled: false }));
    expect(stopsOf(await sound())).toEqual([
      `alarm watch-announce in ${HOME} is in state ALARM: its actions are disabled`,
    ]);
    await expect(sound("ALARM", "other")).rejects.toThrow(
      'the alarm must be one of watch-announce in eu-west-1, got "other"; correct it',
    );
  });
});

test.each<readonly [string, () => void, string]>([
  [
    "a role with a boundary",
    () => change(IAM_ROLES, undefined, "forward", () => ({ permissionsBoundary: "arn:b" })),
    'forward: a role must have no permissions boundary, got "arn:b"',
  ],
  [
    "another kind of target",
    () =>
      change(EVENT_RULES, HOME, "hub/announce", () => ({
        targets: { t: { id: "t", arn: at("lambda", "function:f"), parameters: {} } },
      })),
    `rule announce: a target must be an event bus, a state machine or a log group, got "${at("lambda", "function:f")}"`,
  ],
  [
    "a changed input",
    () =>
      change(EVENT_RULES, HOME, "hub/announce", ({ targets }) => ({
        targets: { t: { ...(targets.t as TargetObject), inputPath: "$.detail" } },
      })),
    'target t: the input must be the event or a constant, got "$.detail"',
  ],
  [
    "a machine under a key",
    () =>
      change(STATE_MACHINE_OBJECTS, HOME, "announce", () => ({
        encryption: { type: "CUSTOMER_MANAGED_KMS_KEY", kmsKeyId: "k" },
      })),
    'announce: a state machine must be encrypted with a key of AWS, got "k"',
  ],
  [
    "another call",
    () =>
      change(STATE_MACHINE_OBJECTS, HOME, "announce", ({ definition }) => ({
        definition: definition.replaceAll("sns:publish", "sqs:sendMessage"),
      })),
    'announce: the task ToAlerts must publish on a topic, got "arn:aws:states:::sqs:sendMessage"',
  ],
  [
    "an argument that is not known",
    () =>
      change(STATE_MACHINE_OBJECTS, HOME, "announce", ({ definition }) => ({
        definition: definition.replaceAll('"TopicArn"', '"TargetArn"'),
      })),
    'got "TargetArn" too; the sandbox knows no others',
  ],
])("refuses to play %s", async (_case, breakIt, message) => {
  breakIt();
  await expect(play()).rejects.toThrow(message);
});
