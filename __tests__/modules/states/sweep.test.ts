import aslValidator from "asl-validator";
import { REGIONS_BY_PARTITION } from "../../../modules/partition";
import {
  type SweepProps,
  sweepDefinition,
  sweepPermissions,
  type WatchedRule,
  type WatchedTopic,
} from "../../../modules/states/sweep";
import { KEYS_PER_PAGE } from "../../../modules/states/sweep/keys";
import { definitionProblems } from "../../../sandbox/delivery/state-machine";
import {
  FakeAws,
  type FakeAwsProps,
  type FakeKey,
  outcomes,
  REFUSED,
  THROTTLED,
} from "../../helpers/machine-tasks";

const AT = { partition: "aws", account: "111122223333", region: "eu-west-1" } as const;
const MONDAY = "2026-11-23T06:00:00.000Z";
const TUESDAY = "2026-11-24T06:00:00.000Z";
const HUB = {
  id: "hub",
  arn: "arn:aws:events:eu-west-1:111122223333:event-bus/keyspan-hub",
  roleArn: "arn:aws:iam::111122223333:role/keyspan-forward-hub",
  deadLetterArn: "arn:aws:sqs:eu-west-1:111122223333:keyspan-dead-letter-forward",
} as const;
const RULE: WatchedRule = {
  ruleName: "keyspan-forward-kms",
  eventBusName: "default",
  eventPattern: { source: ["aws.kms"], detail: { eventName: ["DisableKey", "EnableKey"] } },
  targets: [HUB],
};
const ACTUAL_HUB = {
  Id: HUB.id,
  Arn: HUB.arn,
  RoleArn: HUB.roleArn,
  DeadLetterConfig: { Arn: HUB.deadLetterArn },
};
const ACTUAL_RULE = {
  State: "ENABLED",
  // Not as Keyspan would write it, but the same pattern.
  EventPattern: '{ "detail": {"eventName": ["DisableKey","EnableKey"]}, "source": ["aws.kms"] }',
  Targets: [ACTUAL_HUB],
};
const TOPIC: WatchedTopic = {
  topicArn: "arn:aws:sns:eu-west-1:111122223333:keyspan-alerts",
  subscriptions: [
    { protocol: "email", count: 2 },
    { protocol: "sqs", count: 1 },
  ],
};
const confirmed = (Protocol: string) => ({ Protocol, SubscriptionArn: "arn:aws:sns:x:y" });
const SUBSCRIBED = [confirmed("email"), confirmed("sqs"), confirmed("email")];

const define = (props: Partial<SweepProps> = {}) =>
  sweepDefinition({
    at: AT,
    watch: "all",
    keys: [],
    reminderDays: [14, 7, 2, 1],
    rules: [],
    topics: [],
    ...props,
  });
const keyArn = (index: number) =>
  `arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-${String(index).padStart(32, "0")}`;
const keys = (count: number, key: (index: number) => FakeKey) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [keyArn(index), key(index)]));
const NONE = { count: 0, keyArns: [] };
const NOTHING = {
  disabled: NONE,
  pendingReplicaDeletion: NONE,
  pendingImport: NONE,
  unavailable: NONE,
  unreadable: NONE,
};
const these = (...keyArns: readonly string[]) => ({ count: keyArns.length, keyArns });
const event = (DetailType: string, Detail: unknown) => ({
  Source: "keyspan.sweep",
  DetailType: `Keyspan ${DetailType}`,
  Detail,
});
/** Runs a sweep; answers with how its executions ended, and what they put. */
async function sweep(aws: FakeAwsProps, props?: Partial<SweepProps>, startedAt = MONDAY) {
  const fake = new FakeAws(aws);
  const results = await fake.run(define(props), startedAt);
  return { outcomes: outcomes(results), events: fake.events, results, started: fake.started };
}

describe("the definition", () => {
  test.each<[string, Partial<SweepProps>]>([
    ["of the home region", { rules: [RULE], topics: [TOPIC] }],
    ["of Keyspan's keys alone", { watch: "managed", keys: [{ name: "archive", keyArn: "arn" }] }],
  ])("%s is valid", (_, props) => {
    const definition = define(props);
    expect(aslValidator(JSON.parse(JSON.stringify(definition))).errorsText()).toBe("");
    expect(definitionProblems(definition)).toEqual([]);
    expect(JSON.stringify(definition)).not.toMatch(/[$%]\{/);
  });

  test("calls the services of its partition", () => {
    const at = { partition: "aws-cn", account: "111122223333", region: "cn-north-1" } as const;
    const text = JSON.stringify(define({ at, rules: [RULE], topics: [TOPIC] }));
    expect([...text.matchAll(/"Resource":"([^"]+)"/g)].map(([, resource]) => resource)).toEqual([
      "arn:aws-cn:states:::aws-sdk:kms:listKeys",
      "arn:aws-cn:states:::aws-sdk:kms:describeKey",
      "arn:aws-cn:states:::events:putEvents",
      "arn:aws-cn:states:::states:startExecution",
      "arn:aws-cn:states:::events:putEvents",
      "arn:aws-cn:states:::aws-sdk:eventbridge:describeRule",
      "arn:aws-cn:states:::aws-sdk:eventbridge:listTargetsByRule",
      "arn:aws-cn:states:::events:putEvents",
      "arn:aws-cn:states:::aws-sdk:sns:listSubscriptionsByTopic",
      "arn:aws-cn:states:::events:putEvents",
    ]);
    expect(text).toContain("arn:aws-cn:states:cn-north-1:111122223333:stateMachine:keyspan-sweep");
  });
});

describe("keys", () => {
  const STATES: Readonly<Record<string, FakeKey>> = {
    enabled: { KeyState: "Enabled" },
    creating: { KeyState: "Creating" },
    updating: { KeyState: "Updating" },
    disabled: { KeyState: "Disabled" },
    replicas: { KeyState: "PendingReplicaDeletion" },
    import: { KeyState: "PendingImport" },
    unavailable: { KeyState: "Unavailable" },
    dateless: { KeyState: "PendingDeletion" },
    unheard: { KeyState: "Frozen" },
    service: { KeyState: "Disabled", KeyManager: "AWS" },
    deleting: { KeyState: "PendingDeletion", DeletionDate: "2026-11-25T00:00:00.000Z" },
    far: { KeyState: "PendingDeletion", DeletionDate: "2026-11-26T00:00:00.000Z" },
  };

  test("are told apart by their state", async () => {
    expect(await sweep({ keys: STATES })).toMatchObject({
      outcomes: ["SUCCEEDED"],
      events: [
        event("Key Reminder", {
          keyArn: "deleting",
          deletionDate: "2026-11-25T00:00:00.000Z",
          daysLeft: 2,
          severity: "critical",
        }),
        event("Key Summary", {
          disabled: these("disabled"),
          pendingReplicaDeletion: these("replicas"),
          pendingImport: these("import"),
          unavailable: these("unavailable"),
          unreadable: these("dateless", "unheard"),
        }),
      ],
    });
  });

  test("of Keyspan alone are those of the props; one that is gone is unreadable", async () => {
    const names = ["gone", "disabled", "deleting"];
    expect(
      await sweep(
        { keys: STATES },
        { watch: "managed", keys: names.map((name) => ({ name, keyArn: name })) },
      ),
    ).toMatchObject({
      outcomes: ["SUCCEEDED"],
      events: [
        event("Key Reminder", expect.objectContaining({ keyArn: "deleting" })),
        event("Key Summary", {
          ...NOTHING,
          disabled: these("disabled"),
          unreadable: these("gone"),
        }),
      ],
    });
    expect(await sweep({}, { watch: "managed" })).toMatchObject({
      outcomes: ["SUCCEEDED"],
      events: [],
    });
  });

  test("are summed up on Mondays only, and only if there is something to say", async () => {
    const days = ["22", "23", "24", "25", "26", "27", "28", "29", "30"];
    const aws = { keys: { a: { KeyState: "Disabled" } } };
    const events = await Promise.all(
      days.flatMap((day) => [
        sweep(aws, {}, `2026-11-${day}T00:00:00.000Z`),
        sweep(aws, {}, `2026-11-${day}T23:59:59.999Z`),
      ]),
    );
    expect(events.map((run) => run.events.length)).toEqual(
      days.flatMap((day) => (day === "23" || day === "30" ? [1, 1] : [0, 0])),
    );
    expect((await sweep({ keys: { a: { KeyState: "Enabled" } } })).events).toEqual([]);
  });

  const DAY = 86_400_000;
  /** A key for each day from the day before to two weeks and two days after, at three times of day. */
  const dates = Array.from({ length: 18 }, (_, index) => index - 1).flatMap((day) =>
    [0, DAY / 2, DAY - 1].map((time) => ({
      day,
      milliseconds: Date.parse("2026-11-24T00:00:00.000Z") + day * DAY + time,
    })),
  );
  test.each([
    ["00:00:00.000", "as text", (milliseconds: number) => new Date(milliseconds).toISOString()],
    ["23:59:59.999", "in milliseconds", (milliseconds: number) => milliseconds],
    ["06:00:00.000", "in seconds", (milliseconds: number) => milliseconds / 1000],
  ])("get reminders by day, at %s and dated %s", async (time, _, written) => {
    const run = await sweep(
      {
        keys: Object.fromEntries(
          dates.map(({ day, milliseconds }) => [
            `${day} ${milliseconds}`,
            { KeyState: "PendingDeletion", DeletionDate: written(milliseconds) },
          ]),
        ),
      },
      {},
      `2026-11-24T${time}Z`,
    );
    const severities: Readonly<Record<number, string>> = {
      14: "warning",
      7: "warning",
      2: "critical",
      1: "critical",
    };
    expect(run.outcomes).toEqual(["SUCCEEDED"]);
    expect(run.events).toEqual(
      dates
        .filter(({ day }) => severities[day] !== undefined)
        .map(({ day, milliseconds }) =>
          event("Key Reminder", {
            keyArn: `${day} ${milliseconds}`,
            deletionDate: new Date(milliseconds).toISOString(),
            daysLeft: day,
            severity: severities[day],
          }),
        ),
    );
  });

  test.each([
    [[3], { 3: "critical" }],
    [[30, 0], { 30: "critical", 0: "critical" }],
  ])("of reminder days %j get reminders on these", async (reminderDays, severities) => {
    const aws = {
      keys: Object.fromEntries(
        [0, 3, 30].map((day) => [
          day,
          {
            KeyState: "PendingDeletion",
            DeletionDate: new Date(Date.parse(TUESDAY) + day * DAY).toISOString(),
          },
        ]),
      ),
    };
    const { events } = await sweep(aws, { reminderDays }, TUESDAY);
    expect(
      Object.fromEntries(
        events.map(({ Detail }) => {
          const { daysLeft, severity } = Detail as Record<"daysLeft" | "severity", string>;
          return [daysLeft, severity];
        }),
      ),
    ).toEqual(severities);
  });
});

describe("what KMS does not answer", () => {
  const KEYS = { a: { KeyState: "Disabled" }, b: { KeyState: "Disabled" } };
  const describing = (...troubles: readonly (readonly [string, string] | "silence")[]) => ({
    keys: KEYS,
    trouble: (action: string, { KeyId }: Readonly<Record<string, unknown>>, calls: number) =>
      action === "kms:describeKey" && KeyId === "b" ? troubles[calls - 1] : undefined,
  });
  const twice = { ...NOTHING, disabled: these("a", "b") };
  const once = { ...NOTHING, disabled: these("a") };
  const unreadable = { ...once, unreadable: these("b") };
  const always = (trouble: readonly [string, string]) => Array.from({ length: 10 }, () => trouble);

  test.each<[string, FakeAwsProps, string, unknown]>([
    ["throttled five times", describing(...always(THROTTLED).slice(5)), "SUCCEEDED", twice],
    ["silent once", describing("silence"), "SUCCEEDED", twice],
    [
      "silent twice",
      describing("silence", "silence"),
      "FAILED: keys of page 1 that gave no answer: 1, the first with States.Timeout",
      unreadable,
    ],
    [
      "throttled six times",
      describing(...always(THROTTLED).slice(4)),
      "FAILED: keys of page 1 that gave no answer: 1, the first with Kms.KmsException",
      unreadable,
    ],
    ["refused", describing(...always(REFUSED)), "SUCCEEDED", unreadable],
    ["refused by name", describing(["Kms.AccessDeniedException", ""]), "SUCCEEDED", unreadable],
    ["deleted meanwhile", describing(["Kms.NotFoundException", "gone"]), "SUCCEEDED", once],
    [
      "deleted meanwhile, spelled otherwise",
      describing(...always(["KMS.NotFoundException", "gone"])),
      "SUCCEEDED",
      once,
    ],
  ])("a key that is %s", async (_, aws, outcome, summary) => {
    expect(await sweep(aws)).toMatchObject({
      outcomes: [outcome],
      events: [event("Key Summary", summary)],
    });
  });

  test("a managed key that refuses is unreadable", async () => {
    const managed = ["a", "b"].map((name) => ({ name, keyArn: name }));
    expect(
      await sweep(describing(...always(REFUSED)), { watch: "managed", keys: managed }),
    ).toMatchObject({ outcomes: ["SUCCEEDED"], events: [event("Key Summary", unreadable)] });
  });

  test("a list that fails hides neither the pages before it nor the other checks", async () => {
    expect(
      await sweep(
        {
          keys: { ...KEYS, c: { KeyState: "Disabled" } },
          keysPerPage: 2,
          trouble: (action, { Marker }) =>
            action === "kms:listKeys" && Marker !== undefined ? THROTTLED : undefined,
        },
        { rules: [RULE], topics: [TOPIC] },
      ),
    ).toMatchObject({
      outcomes: ["SUCCEEDED", "FAILED: keys could not be listed: Kms.KmsException"],
      events: [
        event("Rule Trouble", expect.anything()),
        event("Subscription Trouble", expect.anything()),
        event("Key Summary", twice),
      ],
    });
  });

  test("a region that does not answer at all fails in time, and says what was left undone", async () => {
    const {
      outcomes: ended,
      events,
      results,
    } = await sweep({ keys: KEYS, trouble: () => "silence" }, { rules: [RULE], topics: [TOPIC] });
    expect(events).toEqual([]);
    expect(ended).toEqual([
      "FAILED: keys could not be listed: States.Timeout; trouble with rules could not be sent: States.Timeout; trouble with subscriptions could not be sent: States.Timeout",
    ]);
    expect(results[0]?.error).toBe("Keyspan.SweepIncomplete");
    expect(results[0]?.endedAt).toBe("2026-11-23T06:01:22.000Z");
  });

  test.each([
    ["Key Reminder", "reminders could not be sent: EventBridge.FailedEntry"],
    ["Key Summary", "the summary of keys could not be sent: EventBridge.FailedEntry"],
    ["Rule Trouble", "trouble with rules could not be sent: EventBridge.FailedEntry"],
    [
      "Subscription Trouble",
      "trouble with subscriptions could not be sent: EventBridge.FailedEntry",
    ],
  ])(
    "a %s that cannot be sent fails the execution after the others are sent",
    async (type, cause) => {
      const deleting = { KeyState: "PendingDeletion", DeletionDate: "2026-11-24T12:00:00.000Z" };
      const told = ["Rule Trouble", "Subscription Trouble", "Key Reminder", "Key Summary"];
      const run = await sweep(
        {
          keys: { ...KEYS, deleting },
          trouble: (action, { Entries }) =>
            action === "events:putEvents" && JSON.stringify(Entries).includes(`Keyspan ${type}`)
              ? ["EventBridge.FailedEntry", "1 of 1"]
              : undefined,
        },
        { rules: [RULE], topics: [TOPIC] },
      );
      expect(run.outcomes).toEqual([`FAILED: ${cause}`]);
      expect(run.events.map(({ DetailType }) => DetailType).toSorted()).toEqual(
        told
          .filter((other) => other !== type)
          .map((other) => `Keyspan ${other}`)
          .toSorted(),
      );
    },
  );
});

describe("pages", () => {
  test("hand on the day, the name and what they counted; rules and topics are checked once", async () => {
    const run = await sweep(
      {
        keys: keys(120, (index) =>
          index === 119
            ? { KeyState: "PendingDeletion", DeletionDate: "2026-11-24T00:00:00.000Z" }
            : { KeyState: index % 2 === 0 ? "Disabled" : "PendingImport" },
        ),
        keysPerPage: 50,
        // The first page is slow, so that the second begins on Tuesday.
        trouble: (action, _, calls) =>
          action === "kms:listKeys" && calls === 1 ? "silence" : undefined,
      },
      { rules: [RULE], topics: [TOPIC] },
      "2026-11-23T23:59:50Z",
    );
    const disabled = Array.from({ length: 60 }, (_, index) => keyArn(2 * index));
    const pendingImport = Array.from({ length: 59 }, (_, index) => keyArn(2 * index + 1));
    expect(run.outcomes).toEqual(["SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]);
    expect(run.started).toEqual([
      {
        name: "run-1-page-2",
        input: {
          run: "run-1",
          startedAt: "2026-11-23T23:59:50Z",
          page: 2,
          marker: "50",
          summary: {
            ...NOTHING,
            disabled: these(...disabled.slice(0, 25)),
            pendingImport: these(...pendingImport.slice(0, 25)),
          },
        },
      },
      {
        name: "run-1-page-3",
        input: expect.objectContaining({ run: "run-1", page: 3, marker: "100" }),
      },
    ]);
    expect(run.events).toEqual([
      event("Rule Trouble", expect.anything()),
      event("Subscription Trouble", expect.anything()),
      event("Key Reminder", expect.objectContaining({ daysLeft: 1 })),
      event("Key Summary", {
        ...NOTHING,
        disabled: { count: 60, keyArns: disabled.slice(0, 50) },
        pendingImport: { count: 59, keyArns: pendingImport.slice(0, 50) },
      }),
    ]);
  });

  test.each([
    [0, 1],
    [1, 1],
    [KEYS_PER_PAGE, 1],
    [KEYS_PER_PAGE + 1, 2],
  ])("of %d keys are %d", async (count, pages) => {
    const run = await sweep({ keys: keys(count, () => ({ KeyState: "Disabled" })) });
    expect(run.outcomes).toEqual(Array.from({ length: pages }, () => "SUCCEEDED"));
    expect(run.events.map(({ Detail }) => Detail)).toEqual(
      count === 0
        ? []
        : [
            {
              ...NOTHING,
              disabled: {
                count,
                keyArns: Array.from({ length: Math.min(count, 50) }, (_, index) => keyArn(index)),
              },
            },
          ],
    );
  });

  test("that go wrong as far as they can stay within the limits of an execution", async () => {
    const worst = [
      // Every call is retried to the end.
      await sweep({
        keys: keys(KEYS_PER_PAGE, () => ({ KeyState: "Disabled" })),
        trouble: (action) => (action === "kms:describeKey" ? THROTTLED : undefined),
      }),
      // Every key gets a reminder.
      await sweep({
        keys: keys(KEYS_PER_PAGE, () => ({
          KeyState: "PendingDeletion",
          DeletionDate: "2026-11-24T06:00:00.000Z",
        })),
      }),
    ].map(({ results: [result] }) => result);
    for (const result of worst) {
      expect(result?.historyEvents).toBeLessThan(15_000);
      expect(result?.largestPayloadBytes).toBeLessThan(128 * 1024);
      expect(Date.parse(result?.endedAt ?? "") - Date.parse(MONDAY)).toBeLessThan(3_600_000);
    }
  });

  test.each<[string, readonly [string, string], string]>([
    [
      "was started before",
      ["StepFunctions.ExecutionAlreadyExistsException", "It exists."],
      "SUCCEEDED",
    ],
    [
      "cannot be started",
      ["StepFunctions.StateMachineDeletingException", "No."],
      "FAILED: the next page of keys could not be started: StepFunctions.StateMachineDeletingException",
    ],
  ])("end there if the next %s", async (_, trouble, outcome) => {
    expect(
      await sweep({
        keys: { a: { KeyState: "Disabled" }, b: { KeyState: "Disabled" } },
        keysPerPage: 1,
        trouble: (action) => (action === "states:startExecution" ? trouble : undefined),
      }),
    ).toMatchObject({ outcomes: [outcome], events: [] });
  });

  test("take a name of at most 80 characters", async () => {
    const definition = define();
    const fake = new FakeAws({ keys: keys(3, () => ({ KeyState: "Enabled" })), keysPerPage: 1 });
    await fake.run(definition, MONDAY, { run: "x".repeat(60), page: 998 });
    expect(fake.started.map(({ name }) => name)).toEqual([
      `${"x".repeat(60)}-page-999`,
      `${"x".repeat(60)}-page-1000`,
    ]);
  });
});

describe("rules", () => {
  const check = async (actual: FakeAwsProps, rules: readonly WatchedRule[] = [RULE]) => {
    const { outcomes: ended, events } = await sweep(actual, { rules }, TUESDAY);
    expect(ended).toEqual(["SUCCEEDED"]);
    return events;
  };
  const troubles = (...problems: readonly string[]) => [
    event("Rule Trouble", {
      troubles: problems.map((problem) => ({
        ruleName: RULE.ruleName,
        eventBusName: "default",
        problem,
      })),
      count: problems.length,
    }),
  ];
  const rule = (changes: object) => ({
    rules: { "default/keyspan-forward-kms": { ...ACTUAL_RULE, ...changes } },
  });

  test.each<[string, FakeAwsProps]>([
    ["as deployed", rule({})],
    [
      "enabled for all management events",
      rule({ State: "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" }),
    ],
  ])("%s are no trouble", async (_, aws) => {
    expect(await check(aws)).toEqual([]);
  });

  test.each<[string, FakeAwsProps, readonly string[]]>([
    ["gone", {}, ["does not exist"]],
    ["disabled", rule({ State: "DISABLED" }), ["is DISABLED"]],
    [
      "given another pattern",
      rule({ EventPattern: '{"source":["aws.kms"],"detail":{"eventName":["EnableKey"]}}' }),
      ["has another event pattern"],
    ],
    ["made schedules", rule({ EventPattern: undefined }), ["has another event pattern"]],
    [
      "given a text for a pattern",
      rule({ EventPattern: "{" }),
      ["it could not be read: States.QueryEvaluationError"],
    ],
    ["without targets", rule({ Targets: [] }), ["lacks target hub"]],
    [
      "with other targets",
      rule({
        Targets: [
          { ...ACTUAL_HUB, Arn: "arn:aws:events:other" },
          { Id: "spy", Arn: "spy" },
        ],
      }),
      ["target hub is another resource", "has the unexpected target spy"],
    ],
    [
      "with another role",
      rule({ Targets: [{ ...ACTUAL_HUB, RoleArn: undefined }] }),
      ["target hub has another role"],
    ],
    [
      "without a dead-letter queue",
      rule({ Targets: [{ ...ACTUAL_HUB, DeadLetterConfig: {} }] }),
      ["target hub has another dead-letter queue"],
    ],
    [
      "disabled and with targets that refuse",
      {
        ...rule({ State: "DISABLED" }),
        trouble: (action) =>
          action === "eventbridge:listTargetsByRule"
            ? ["EventBridge.EventBridgeException", "not authorized"]
            : undefined,
      },
      ["is DISABLED", "its targets could not be read: EventBridge.EventBridgeException"],
    ],
    [
      "that do not answer",
      { trouble: (action) => (action === "eventbridge:describeRule" ? "silence" : undefined) },
      ["it could not be read: States.Timeout"],
    ],
  ])("%s are told", async (_, aws, problems) => {
    expect(await check(aws)).toEqual(troubles(...problems));
  });

  test("are compared with all pages of their targets", async () => {
    const extra = Array.from({ length: 3 }, (_, index) => ({ Id: `t${index}`, Arn: "arn" }));
    const targets = [HUB, ...extra.map(({ Id, Arn }) => ({ id: Id, arn: Arn }))];
    const aws = { ...rule({ Targets: [...extra, ACTUAL_HUB] }), itemsPerPage: 1 };
    expect(await check(aws, [{ ...RULE, targets }])).toEqual([]);
    expect(await check(aws)).toEqual(
      troubles(...extra.map(({ Id }) => `has the unexpected target ${Id}`)),
    );
  });

  test("in trouble are listed up to 50 and all counted", async () => {
    const names = Array.from({ length: 60 }, (_, index) => `keyspan-heartbeat-${index}`);
    const events = await check(
      { rules: { "keyspan-hub/keyspan-heartbeat-7": ACTUAL_RULE } },
      names.map((ruleName) => ({ ...RULE, ruleName, eventBusName: "keyspan-hub" })),
    );
    expect(events).toEqual([
      event("Rule Trouble", {
        troubles: names
          .filter((name) => name !== "keyspan-heartbeat-7")
          .slice(0, 50)
          .map((ruleName) => ({
            ruleName,
            eventBusName: "keyspan-hub",
            problem: "does not exist",
          })),
        count: 59,
      }),
    ]);
  });
});

describe("subscriptions", () => {
  const AUDIT: WatchedTopic = { ...TOPIC, topicArn: "arn:audit" };
  const check = async (aws: FakeAwsProps) => {
    const run = await sweep(aws, { topics: [TOPIC, AUDIT] }, TUESDAY);
    expect(run.outcomes).toEqual(["SUCCEEDED"]);
    return run.events;
  };
  const topics = (alerts: readonly { Protocol: string; SubscriptionArn: string }[]) => ({
    topics: { [TOPIC.topicArn]: alerts, [AUDIT.topicArn]: SUBSCRIBED },
  });
  const told = ({ nobody = false, ...changes }: Readonly<Record<string, unknown>>) => [
    event("Subscription Trouble", {
      topics: [
        {
          topicArn: TOPIC.topicArn,
          expected: 3,
          confirmed: 3,
          pending: 0,
          unexpected: 0,
          problem: "",
          ...changes,
        },
      ],
      nobody,
    }),
  ];
  const pending = { Protocol: "email", SubscriptionArn: "PendingConfirmation" };

  test("that are all confirmed are no trouble", async () => {
    expect(await check(topics(SUBSCRIBED))).toEqual([]);
  });

  test.each<[string, FakeAwsProps, Readonly<Record<string, unknown>>]>([
    ["missing", topics(SUBSCRIBED.slice(1)), { confirmed: 2 }],
    ["pending", topics([...SUBSCRIBED.slice(1), pending]), { confirmed: 2, pending: 1 }],
    ["pending beside the others", topics([...SUBSCRIBED, pending]), { pending: 1 }],
    [
      "deleted",
      topics([...SUBSCRIBED.slice(1), { Protocol: "email", SubscriptionArn: "Deleted" }]),
      { confirmed: 2 },
    ],
    ["unexpected", topics([...SUBSCRIBED, confirmed("email")]), { unexpected: 1 }],
    [
      "of another protocol",
      topics([...SUBSCRIBED.slice(1), confirmed("https")]),
      { confirmed: 2, unexpected: 1 },
    ],
    ["all pending", topics([pending, pending]), { confirmed: 0, pending: 2, nobody: true }],
    ["none", topics([]), { confirmed: 0, nobody: true }],
    [
      "those of a topic that is gone",
      { topics: { [AUDIT.topicArn]: SUBSCRIBED } },
      { confirmed: 0, problem: "does not exist", nobody: true },
    ],
    [
      "those of a topic that refuses",
      {
        ...topics([]),
        trouble: (_, { TopicArn }) =>
          TopicArn === TOPIC.topicArn ? ["Sns.AuthorizationErrorException", "no"] : undefined,
      },
      { confirmed: 0, problem: "could not be read: Sns.AuthorizationErrorException" },
    ],
  ])("%s are told", async (_, aws, changes) => {
    expect(await check(aws)).toEqual(told(changes));
  });

  test("are counted over all pages, up to ten", async () => {
    const many = Array.from({ length: 12 }, () => confirmed("https"));
    expect(await check({ ...topics([...SUBSCRIBED, ...many]), itemsPerPage: 1 })).toEqual(
      told({ unexpected: 7 }),
    );
  });
});

describe("sweepPermissions", () => {
  test("lets the role read, tell and go on, in its regions", () => {
    const ats = [AT, { ...AT, region: "us-east-1" }];
    expect(sweepPermissions({ ats, homeAt: AT })).toEqual([
      { Sid: "ListKeys", Effect: "Allow", Action: "kms:ListKeys", Resource: "*" },
      {
        Sid: "ReadKeys",
        Effect: "Allow",
        Action: "kms:DescribeKey",
        Resource: [
          "arn:aws:kms:eu-west-1:111122223333:key/*",
          "arn:aws:kms:us-east-1:111122223333:key/*",
        ],
      },
      {
        Sid: "ReadRules",
        Effect: "Allow",
        Action: ["events:DescribeRule", "events:ListTargetsByRule"],
        Resource: [
          "arn:aws:events:eu-west-1:111122223333:rule/keyspan-forward-*",
          "arn:aws:events:us-east-1:111122223333:rule/keyspan-forward-*",
          "arn:aws:events:eu-west-1:111122223333:rule/keyspan-hub/keyspan-*",
        ],
      },
      {
        Sid: "ReadSubscriptions",
        Effect: "Allow",
        Action: "sns:ListSubscriptionsByTopic",
        Resource: [
          "arn:aws:sns:eu-west-1:111122223333:keyspan-alerts",
          "arn:aws:sns:eu-west-1:111122223333:keyspan-audit",
        ],
      },
      {
        Sid: "Tell",
        Effect: "Allow",
        Action: "events:PutEvents",
        Resource: [
          "arn:aws:events:eu-west-1:111122223333:event-bus/default",
          "arn:aws:events:us-east-1:111122223333:event-bus/default",
        ],
        Condition: { StringEquals: { "events:source": "keyspan.sweep" } },
      },
      {
        Sid: "StartNextPage",
        Effect: "Allow",
        Action: "states:StartExecution",
        Resource: [
          "arn:aws:states:eu-west-1:111122223333:stateMachine:keyspan-sweep",
          "arn:aws:states:us-east-1:111122223333:stateMachine:keyspan-sweep",
        ],
      },
    ]);
  });

  test("fit into a role's policies with every region of a partition", () => {
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    const ats = REGIONS_BY_PARTITION.aws.map((region) => ({ ...AT, region }));
    expect(JSON.stringify(sweepPermissions({ ats, homeAt: AT })).length).toBeLessThan(10_000);
  });
});
