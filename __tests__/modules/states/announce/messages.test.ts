import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import aslValidator from "asl-validator";
import { announcePermissions } from "../../../../modules/states/announce/definition";
import { KMS_CALLS, MESSAGE_KINDS } from "../../../../modules/states/announce/kinds";
import { IS_NOT_LOGGING } from "../../../../modules/states/announce/watcher-messages";
import { trailCheckDefinition } from "../../../../modules/states/trail-check";
import {
  type CallerKind,
  type SampleEvent,
  sampleCaller,
  sampleEvent,
  sampleKmsCall,
} from "../../../../sandbox/delivery/sample-events";
import { definitionProblems } from "../../../../sandbox/delivery/state-machine";
import {
  ALERTS,
  ARCHIVE,
  AT,
  AUDIT,
  announce,
  DEPLOY_ROLE,
  definitionOf,
  PROPS,
  shown,
} from "../../../helpers/announce";
import {
  ANNOUNCED_EVENTS,
  changed,
  OTHER_ACCOUNT,
  OTHER_KEY,
  SILENT_EVENTS,
  serviceEvent,
} from "../../../helpers/announce-events";
import { messageProblems } from "../../../helpers/event-mutations";

const FOLDER = join(__dirname, "../../../fixtures/messages");
const textOf = (name: string) => readFileSync(join(FOLDER, `${name}.txt`), "utf8");
const MANAGED = { ...PROPS, watch: "managed" } as const;
const disabled = sampleKmsCall("DisableKey", ARCHIVE);

describe("every event is announced by exactly the messages of its file", () => {
  test.each(Object.keys(ANNOUNCED_EVENTS))("%s", async (name) => {
    const { execution, published } = await announce(ANNOUNCED_EVENTS[name]);
    expect(shown(published)).toBe(textOf(name));
    expect(published.flatMap(messageProblems)).toEqual([]);
    expect(execution.status).toBe("SUCCEEDED");
  });

  test("there is no file but theirs", () => {
    const names = Object.keys(ANNOUNCED_EVENTS).map((name) => `${name}.txt`);
    expect(readdirSync(FOLDER).sort()).toEqual(names.sort());
  });

  test("every kind has an event", async () => {
    for (const kind of MESSAGE_KINDS) {
      expect(textOf(kind)).toMatch(new RegExp(`^\\[keyspan-[a-z]+, [a-z]+, ${kind}\\]\n`));
    }
  });
});

describe("nothing is said about", () => {
  test.each(Object.keys(SILENT_EVENTS))("%s", async (reason) => {
    const { execution, published } = await announce(SILENT_EVENTS[reason]);
    expect(published).toEqual([]);
    expect(execution.status).toBe("SUCCEEDED");
    expect(execution.path.at(-1)).toMatch(/^(StartsNothing|NotAnnounced)$/);
  });
});

describe("who called is named, whoever it was", () => {
  const CALLERS: readonly (readonly [CallerKind, string, string])[] = [
    ["iam-user", "arn:aws:iam::111122223333:user/Alice", "198.51.100.7"],
    ["assumed-role", "arn:aws:sts::111122223333:assumed-role/BreakGlass/alice", "198.51.100.7"],
    [
      "sso",
      "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Operator_0123456789abcdef/alice@example.com",
      "198.51.100.7",
    ],
    ["root", "arn:aws:iam::111122223333:root (the root user)", "198.51.100.7"],
    ["service", "dynamodb.amazonaws.com", "dynamodb.amazonaws.com"],
    [
      "service-for-a-role",
      "arn:aws:sts::111122223333:assumed-role/OrdersService/orders, through rds.amazonaws.com",
      "rds.amazonaws.com",
    ],
    ["other-account", "AROACKCEVSQ6C2EXAMPLE:mallory, of account 777788889999", "198.51.100.7"],
  ];
  const FILES: Readonly<Record<(typeof KMS_CALLS)[number], string>> = {
    DisableKey: "disabled",
    ScheduleKeyDeletion: "scheduled-for-deletion",
    CancelKeyDeletion: "deletion-cancelled",
    EnableKey: "enabled-again",
    DeleteImportedKeyMaterial: "material-deleted",
    PutKeyPolicy: "protection-changed",
    DisableKeyRotation: "rotation-off",
    UpdatePrimaryRegion: "primary-moved-first-record",
    ReplicateKey: "replicated",
    CreateAlias: "alias-created",
    UpdateAlias: "alias-moved",
    DeleteAlias: "alias-deleted",
    CreateGrant: "granted",
  };
  const isGrantByService = (call: string, caller: CallerKind) =>
    call === "CreateGrant" && caller.startsWith("service");
  // One state reads the caller for every call: each caller meets grants, which depend on it, and two
  // calls besides, and each call some caller.
  const callsOf = (index: number) =>
    KMS_CALLS.filter((call, at) => call === "CreateGrant" || at % CALLERS.length === index);

  test.each(CALLERS)("%s", async (kind, by, from) => {
    const calls = callsOf(CALLERS.findIndex(([one]) => one === kind));
    const caller = sampleCaller(kind, AT);
    const calledBy = (text: string) =>
      text
        .replace(/^By: .*$/m, `By:            ${by}`)
        .replace(/^From: .*$/m, `From:          ${from}`);
    for (const call of calls) {
      const subject = call === "UpdateAlias" ? OTHER_KEY : ARCHIVE;
      const { published } = await announce(sampleKmsCall(call, { ...subject, caller }));
      expect(shown(published)).toBe(
        isGrantByService(call, kind) ? "" : calledBy(textOf(FILES[call])),
      );
    }
    const refused = changed(sampleKmsCall("DisableKey", { ...ARCHIVE, caller }), {
      errorCode: "KMSInvalidStateException",
      errorMessage: `${ARCHIVE.keyArn} is pending deletion.`,
      responseElements: null,
    });
    const { published } = await announce(refused);
    expect(shown(published)).toBe(calledBy(textOf("refused-named-key")));
  });

  test.each([
    [{ principalId: "AIDA" }, "AIDA"],
    [{ userName: "Alice" }, "Alice"],
    [{ accountId: "111122223333", invokedBy: "AWS Internal" }, "AWS Internal"],
    [{ accountId: "111122223333" }, "111122223333"],
    [{}, "not in the event"],
    [undefined, "not in the event"],
  ])("%j", async (userIdentity, by) => {
    const { published } = await announce(
      changed(disabled, { userIdentity, sourceIPAddress: undefined }),
    );
    expect(published[0]?.Message).toContain(
      `\nBy:            ${by}\nFrom:          not in the event\n`,
    );
  });
});

describe("every call with an error code is an attempt", () => {
  test.each(["DisableKey", "PutKeyPolicy", "CreateGrant", "TagResource"])("%s", async (name) => {
    const { published } = await announce(
      changed(disabled, { eventName: name, errorCode: "AccessDenied", responseElements: null }),
    );
    expect(published.map(({ Subject, Message }) => [Subject, Message.split("\n")[0]])).toEqual([
      [
        `[WARNING] Key archive: ${name} refused in eu-west-1 (prod)`,
        `Somebody called ${name} on key archive in eu-west-1 and was refused: it did not happen, nothing has changed.`,
      ],
    ]);
  });
});

describe("where only Keyspan's keys are watched", () => {
  const said = async (event: unknown) =>
    (await announce(event, { props: MANAGED })).published.map(
      ({ MessageAttributes }) => MessageAttributes.kind.StringValue,
    );

  test("another key of the account is left alone, whatever happens to it", async () => {
    expect(await said(sampleKmsCall("ScheduleKeyDeletion", OTHER_KEY))).toEqual([]);
    expect(await said(sampleEvent("deleted", OTHER_KEY))).toEqual([]);
    expect(await said(changed(sampleKmsCall("DisableKey", OTHER_KEY), { errorCode: "E" }))).toEqual(
      [],
    );
  });

  test("Keyspan's keys are not, nor their aliases on other keys", async () => {
    expect(await said(disabled)).toEqual(["disabled"]);
    expect(await said(ANNOUNCED_EVENTS["alias-moved-away"])).toEqual(["protection-changed"]);
  });

  test("a key that cannot be known is announced", async () => {
    expect(await said(ANNOUNCED_EVENTS["attempt-refused"])).toEqual(["attempt-refused"]);
    expect(await said(ANNOUNCED_EVENTS["refused-typed-key"])).toEqual(["attempt-refused"]);
    expect(await said(ANNOUNCED_EVENTS["disabled-without-a-key"])).toEqual(["disabled"]);
  });

  test("a key of another account is announced: the hub cannot know which are Keyspan's there", async () => {
    expect(await said(sampleKmsCall("DisableKey", OTHER_ACCOUNT))).toEqual(["disabled"]);
  });
});

describe("the key is found", () => {
  const keyLine = async (detail: Readonly<Record<string, unknown>>) =>
    /^Key: .*$/m.exec((await announce(changed(disabled, detail))).published[0]?.Message ?? "")?.[0];
  const THEIRS = OTHER_KEY.keyArn;

  test.each([
    [
      "in the first resource that is a key",
      { resources: [{ ARN: "arn:aws:kms:eu-west-1:1:alias/a" }, { ARN: THEIRS }] },
      THEIRS,
    ],
    ["in the response", { resources: [], responseElements: { keyId: THEIRS } }, THEIRS],
    [
      "as typed, by id, which is Keyspan's",
      { resources: [], responseElements: null },
      ARCHIVE.keyArn,
    ],
    [
      "as typed, by alias, which is Keyspan's",
      { resources: [], responseElements: null, requestParameters: { keyId: ARCHIVE.alias } },
      ARCHIVE.keyArn,
    ],
    [
      "as typed, as target of an alias",
      { resources: [], responseElements: null, requestParameters: { targetKeyId: THEIRS } },
      `${THEIRS} (as the caller wrote it)`,
    ],
  ])("%s", async (_, detail, key) => {
    expect(await keyLine(detail)).toBe(`Key:           ${key}`);
  });
});

describe("a call that KMS records as its own event", () => {
  const asServiceEvent = (name: string) => ({
    ...(ANNOUNCED_EVENTS[name] as SampleEvent),
    "detail-type": "AWS Service Event via CloudTrail",
  });

  test.each([
    "primary-moved-second-record",
    "primary-moved-second-record-without-key",
    "refused-named-key",
  ])("%s is announced as the call is", async (name) => {
    const { published } = await announce(asServiceEvent(name));
    expect(shown(published)).toBe(textOf(name));
  });

  test("comes as it is when nobody knows it", async () => {
    const { published } = await announce(serviceEvent("SynchronizeMultiRegionKey"));
    expect(published.map(({ MessageAttributes }) => MessageAttributes.kind.StringValue)).toEqual([
      "unknown",
    ]);
  });
});

describe("a trail that does not log", () => {
  const command = async (detail: Readonly<Record<string, unknown>>) => {
    const { published } = await announce(changed(sampleEvent("trail-trouble", ARCHIVE), detail));
    return /^ +aws cloudtrail start-logging .*$/m.exec(published[0]?.Message ?? "")?.[0];
  };
  const START = "   aws cloudtrail start-logging --region eu-west-1 --name";

  test("is started by a command, whatever else is wrong with it", async () => {
    const trail = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/keyspan";
    expect(await command({})).toBe(`${START} ${trail}`);
    expect(await command({ problems: ["could not deliver its logs: A", IS_NOT_LOGGING] })).toBe(
      `${START} ${trail}`,
    );
  });

  test.each([
    { problems: ["was not found"] },
    { problems: ["it is not logging"] },
    { problems: undefined },
    { trailArn: "" },
    { trailArn: "keyspan" },
    { trailArn: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/a b" },
    { trailArn: "arn:aws:cloudtrail:here:111122223333:trail/keyspan" },
    { trailArn: "arn:aws:cloudtrail:eu-west-1:me:trail/keyspan" },
  ])("there is none for %j", async (detail) => {
    expect(await command(detail)).toBeUndefined();
  });

  test("is called so by the machine that looks at it", () => {
    const definition = trailCheckDefinition({ at: AT, isHomeRegion: true, mode: "create" });
    expect(JSON.stringify(definition)).toContain(
      JSON.stringify(`"${IS_NOT_LOGGING}"`).slice(1, -1),
    );
  });
});

test("the deploy role is excepted where it touches watchers, and nowhere else", async () => {
  const deploying = { ...ARCHIVE, caller: sampleCaller("assumed-role", AT, "keyspan/deploy") };
  const kinds = async (event: unknown) =>
    (await announce(event)).published.map(
      ({ MessageAttributes }) => MessageAttributes.kind.StringValue,
    );
  expect(await kinds(sampleEvent("watcher-touched", deploying))).toEqual([]);
  expect(await kinds(sampleEvent("protection-changed", deploying))).toEqual(["protection-changed"]);
  const namesake = sampleCaller(
    "assumed-role",
    { ...AT, account: "777788889999" },
    "keyspan/deploy",
  );
  expect(await kinds(sampleEvent("watcher-touched", { ...ARCHIVE, caller: namesake }))).toEqual([
    "watcher-touched",
  ]);
  expect(DEPLOY_ROLE).toMatch(/role\/keyspan\/deploy$/);
});

describe("when a topic takes nothing", () => {
  const topics = async (event: unknown, ...broken: string[]) => {
    const { execution, published } = await announce(event, { broken });
    return [
      execution.status,
      ...published.map(({ TopicArn, Message }) => [
        TopicArn === ALERTS ? "first" : "second",
        Message.split("\n")[0]?.slice(0, 60),
      ]),
    ];
  };
  const DISABLED = "Key archive was disabled in eu-west-1: from now on nothing c";
  const ALERTS_DISABLED = "Key alerts was disabled in eu-west-1: from now on nothing ca";
  const TEST = "This is a test. Whoever reads it hears what Keyspan announce";
  const INSTEAD = "topic could not take this message, so it comes by the o";
  const aboutAlerts = ANNOUNCED_EVENTS["disabled-alerts"];
  const test_ = ANNOUNCED_EVENTS["test-message"];
  const unknown = ANNOUNCED_EVENTS.unknown;

  test("the other does, and what concerns the first's key begins with the second", async () => {
    expect(await topics(disabled)).toEqual(["SUCCEEDED", ["first", DISABLED]]);
    expect(await topics(disabled, AUDIT)).toEqual(["SUCCEEDED", ["first", DISABLED]]);
    expect(await topics(disabled, ALERTS)).toEqual([
      "SUCCEEDED",
      ["second", `The first ${INSTEAD.slice(0, 50)}`],
    ]);
    expect(await topics(aboutAlerts)).toEqual(["SUCCEEDED", ["second", ALERTS_DISABLED]]);
    expect(await topics(aboutAlerts, AUDIT)).toEqual([
      "SUCCEEDED",
      ["first", `The second ${INSTEAD.slice(0, 49)}`],
    ]);
  });

  test("a test message says so", async () => {
    expect(await topics(test_)).toEqual(["SUCCEEDED", ["first", TEST], ["second", TEST]]);
    expect(await topics(test_, ALERTS)).toEqual([
      "SUCCEEDED",
      ["second", `The first ${INSTEAD.slice(0, 50)}`],
    ]);
    expect(await topics(test_, AUDIT)).toEqual([
      "SUCCEEDED",
      ["first", TEST],
      ["first", "Keyspan could not announce this event as it does others, so "],
    ]);
  });

  test("what concerns who hears goes to both, if it is about topics of this account", async () => {
    for (const [name, text] of [
      ["nobody-subscribed", "A topic of Keyspan in eu-west-1 has no confirmed subscription "],
      ["subscription-trouble", "Subscriptions to Keyspan's topics in eu-west-1 are missing or"],
      ["watcher-touched-topic", "Somebody called Unsubscribe on what watches the keys in eu-w"],
    ] as const) {
      const begin = text.slice(0, 60);
      const event = ANNOUNCED_EVENTS[name];
      expect(await topics(event)).toEqual(["SUCCEEDED", ["first", begin], ["second", begin]]);
      expect(await topics(event, ALERTS)).toEqual([
        "SUCCEEDED",
        ["second", `The first ${INSTEAD.slice(0, 50)}`],
      ]);
    }
    for (const name of ["nobody-in-other-account", "watcher-touched-other-account"]) {
      expect(await topics(ANNOUNCED_EVENTS[name])).toEqual([
        "SUCCEEDED",
        ["first", expect.any(String)],
      ]);
    }
    expect(await topics(ANNOUNCED_EVENTS["watcher-touched"])).toHaveLength(2);
  });

  test("a raw event goes to the second, else to the first", async () => {
    const RAW = "Keyspan could not announce this event as it does others, so ";
    expect(await topics(unknown)).toEqual(["SUCCEEDED", ["second", RAW]]);
    expect(await topics(unknown, AUDIT)).toEqual(["SUCCEEDED", ["first", RAW]]);
  });

  test("and if none does, the execution fails, which an alarm says", async () => {
    expect(await topics(disabled, ALERTS, AUDIT)).toEqual(["FAILED"]);
    const { execution } = await announce(disabled, { broken: [ALERTS, AUDIT] });
    expect([execution.error, execution.path.slice(-2)]).toEqual([
      "SNS.KMSDisabledException",
      ["SendRaw", "SendRawOnFirst"],
    ]);
  });

  test("the message says why, then all that it says else", async () => {
    const { published } = await announce(disabled, { broken: [ALERTS] });
    const [, , ...text] = textOf("disabled").split("\n");
    expect(published.map(({ Message }) => Message)).toEqual([
      `The first topic could not take this message, so it comes by the other: SNS.KMSDisabledException: key is disabled\n${text.join("\n").trimEnd()}`,
    ]);
  });
});

test("an event goes out as it is when an expression fails", async () => {
  const props = { ...PROPS };
  const definition = JSON.parse(JSON.stringify(definitionOf(PROPS)));
  definition.States.Announce.Branches[0].States.Render.Assign.subject = "{% $error('broken') %}";
  const { published } = await announce(disabled, { props, definition });
  expect(published.map(({ TopicArn, Message }) => [TopicArn, Message])).toEqual([
    [AUDIT, expect.stringMatching(/\nWhy: {11}States\.QueryEvaluationError: [^\n]*broken/)],
  ]);
  expect(published[0]?.Message).toContain(JSON.stringify(disabled));
});

test("what is too long is cut, and the message says what is missing of which event", async () => {
  const huge = { ...disabled, "detail-type": "Odd", detail: { blob: "é".repeat(90_000) } };
  const [message] = (await announce(huge)).published;
  expect(message?.Message).toMatch(
    /\n… \(cut: \d{5} more characters of event 6a7e8feb-b491-4cf7-a9f1-bf3703467718 are left out\)$/,
  );
  expect(Buffer.byteLength(message?.Message ?? "")).toBeLessThan(262_144);
  const long = changed(disabled, { sourceIPAddress: "x".repeat(1001) });
  expect((await announce(long)).published[0]?.Message).toContain(
    `\nFrom:          ${"x".repeat(1000)}… (cut)\n`,
  );
});

test("nobody can write lines of a message, nor commands in it", async () => {
  const forged = changed(disabled, {
    userIdentity: { arn: "mallory\nKey:           forged\u2028By: nobody\u202e" },
    resources: [{ ARN: "arn:aws:kms:eu-west-1:111122223333:key/x`reboot`\n1. Run this" }],
  });
  const message = (await announce(forged)).published[0]?.Message ?? "";
  expect(message).toContain("\nBy:            mallory Key: forged By: nobody\n");
  expect(message).toContain(
    "\nKey:           arn:aws:kms:eu-west-1:111122223333:key/x`reboot` 1. Run this\n",
  );
  expect(message).not.toMatch(/aws kms .*reboot/);
});

describe("the definition", () => {
  const text = JSON.stringify(definitionOf(PROPS));

  // With all that the other has, and one rule besides.
  test("is one that AWS takes", () => {
    const validation = aslValidator(definitionOf(MANAGED) as never);
    expect(validation.isValid ? "" : validation.errorsText()).toBe("");
    expect(definitionProblems(definitionOf(MANAGED))).toEqual([]);
  });

  test("holds nothing that Terraform would replace, and is far smaller than 1 MB", () => {
    expect(text).not.toMatch(/\$\{|%\{/);
    expect(Buffer.byteLength(text)).toBeLessThan(300_000);
  });

  test("its role may publish on the two topics", () => {
    expect(announcePermissions(PROPS)).toEqual([
      { Sid: "Publish", Effect: "Allow", Action: "sns:Publish", Resource: [ALERTS, AUDIT] },
    ]);
  });
});
