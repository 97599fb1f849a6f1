/** The command that shows who hears of an event, on an account that was put together by hand. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { EVENT_RULES } from "../../../sandbox/aws/events";
import { IAM_ROLES } from "../../../sandbox/aws/iam";
import { KMS_ALIASES, KMS_KEYS } from "../../../sandbox/aws/kms";
import type { ObjectStore } from "../../../sandbox/aws/object-store";
import { SUBSCRIPTIONS } from "../../../sandbox/aws/sns";
import { STATE_MACHINE_OBJECTS } from "../../../sandbox/aws/states";
import { alert } from "../../../sandbox/commands/alert";
import { Sandbox } from "../../../sandbox/sandbox";
import { type Ended, runCommand } from "../../helpers/run-command";
import { SandboxProject } from "../../helpers/sandbox-project";
import {
  ALERTS,
  AWAY,
  DEFINITION,
  EVENT,
  HOME,
  putHandMadeAccount,
} from "../delivery/hand-made-account";

let project: SandboxProject;
let store: ObjectStore;
beforeEach(() => {
  project = new SandboxProject();
  const { directory: projectDirectory } = project;
  store = new Sandbox({ workspace: "small", program: "", env: {}, projectDirectory }).store;
});
afterEach(() => project.remove());

async function run(...argv: readonly string[]): Promise<Ended> {
  try {
    return await runCommand(alert, argv, { projectDirectory: project.directory });
  } catch (error) {
    return { code: 1, out: "", err: (error as Error).message };
  }
}

function write(name: string, content: string | object): void {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  writeFileSync(join(project.directory, name), text);
}

/** Lets the machine publish what the event is about and who caused it. */
function publishKeyAndCaller(): void {
  const machine = store.get(STATE_MACHINE_OBJECTS, HOME, "announce");
  const rules = [
    [AWAY, "default/forward"],
    [HOME, "hub/announce"],
  ] as const;
  for (const [region, id] of rules) {
    const rule = store.get(EVENT_RULES, region, id);
    if (machine === undefined || rule === undefined) {
      throw new Error("the account is not there");
    }
    store.put(EVENT_RULES, region, id, { ...rule, eventPattern: '{"source":["aws.kms"]}' });
    const { Subject: _subject, ...Arguments } = DEFINITION.States.ToAlerts.Arguments;
    const ToAlerts = {
      ...DEFINITION.States.ToAlerts,
      Arguments: {
        ...Arguments,
        Message:
          "{% $states.input.detail.resources[0].ARN & ' ' & $states.input.detail.userIdentity.type %}",
        MessageAttributes: {},
      },
    };
    const definition = JSON.stringify({
      ...DEFINITION,
      States: { ...DEFINITION.States, ToAlerts },
    });
    store.put(STATE_MACHINE_OBJECTS, HOME, "announce", { ...machine, definition });
  }
}

function putKeys(): void {
  for (const name of ["alerts", "archive", "storage"]) {
    const key = store.get(KMS_KEYS, AWAY, "away");
    if (key === undefined) {
      throw new Error("the account is not there");
    }
    const arn = key.arn.replace(/away$/, name);
    store.put(KMS_KEYS, AWAY, name, { ...key, keyId: name, arn, tags: { "keyspan:key": name } });
    const alias = `alias/${name}`;
    store.put(KMS_ALIASES, AWAY, alias, { name: alias, targetKeyId: name });
  }
}

test("an account that is not applied has nobody who hears", async () => {
  expect(await run("small", "disabled")).toEqual({
    code: 1,
    out: "",
    err: "alert: account small must be applied in the sandbox, got no rules on its default buses; run npm run sandbox -- up small",
  });
});

describe("with an account", () => {
  beforeEach(() => putHandMadeAccount(store));

  test("lists what can be played", async () => {
    const { code, out } = await run("small");
    expect(code).toBe(0);
    expect(out).toMatch(
      /^Kinds:\n {2}disabled\n( {2}\S+\n)+Alarms:\n\nPlay one, in eu-west-1 or where --region says: npm run sandbox -- alert small disabled\n$/,
    );
  });

  test("shows the way of an event in a file, and each message", async () => {
    const pending = store.get(SUBSCRIPTIONS, HOME, "1");
    if (pending === undefined) {
      throw new Error("the account is not there");
    }
    store.put(SUBSCRIPTIONS, HOME, "1", { ...pending, confirmed: false });
    const detail = { ...EVENT.detail, severity: "critical", text: "first\n\nsecond\n" };
    write("event.json", { ...EVENT, detail });
    const ended = await run("small", "event.json");
    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(ended.out).toContain(
      `event on bus default in ${AWAY}\n  rule forward: its pattern matches\n    target t, `,
    );
    expect(ended.out.slice(ended.out.indexOf("\n\n-----"))).toBe(`

----- email to boss@example.com, through ${ALERTS}
Subject: [INFO] a key
Attributes: severity=critical

first

second
-----

----- email to team@example.com, through ${ALERTS}, after confirmation
Subject: [INFO] a key
Attributes: severity=critical

first

second
-----

2 messages are delivered.
`);
    expect((await run("small", "event.json", "--confirmed")).out).not.toContain("after confirm");
  });

  test("says where it was stopped, and why", async () => {
    store.remove(IAM_ROLES, undefined, "forward");
    write("event.json", EVENT);
    const ended = await run("small", "event.json");
    expect(ended).toMatchObject({
      code: 1,
      err: "No message is delivered: see where it was stopped, above.\n",
    });
    expect(ended.out).toMatch(
      / {4}STOPPED: target t, \S+: EventBridge may not take the role: role \S+forward does not exist\n {6}the event is in the dead-letter queue dead in eu-central-1: policy of queue dead: EventBridgeSends allows it\n$/,
    );
  });

  test("an event that is nobody's business is no failure, but a kind that no rule hears is", async () => {
    write("event.json", { ...EVENT, source: "acme.orders" });
    expect(await run("small", "event.json")).toEqual({
      code: 0,
      out: `event on bus default in ${AWAY}: no rule of the bus is about it\n\nNobody is to get a message.\n`,
      err: "",
    });
    putKeys();
    expect(await run("small", "disabled", "--region", AWAY)).toEqual({
      code: 1,
      out: `event on bus default in ${AWAY}: no rule of the bus is about it\n`,
      err: "No message is delivered: no rule is about the event.\n",
    });
  });

  test("a sample is about a key of the account, by a caller", async () => {
    putKeys();
    publishKeyAndCaller();
    const said = async (...flags: readonly string[]) =>
      /arn:aws:kms:\S+ \w+\n/.exec(
        (await run("small", "disabled", `--region=${AWAY}`, ...flags)).out,
      )?.[0];
    const of = (key: string) => `arn:aws:kms:${AWAY}:111122223333:key/${key}`;
    expect(await said()).toBe(`${of("archive")} AssumedRole\n`);
    expect(await said("--key", "alerts", "--caller", "root")).toBe(`${of("alerts")} Root\n`);
    expect(await said("--caller=iam-user")).toBe(`${of("archive")} IAMUser\n`);
    expect(await run("small", "disabled", `--region=${AWAY}`, "--key=other")).toMatchObject({
      code: 1,
      err: `alert: --key must be one of alerts, archive, storage in ${AWAY}, got "other"; correct it, or give another --region of account small`,
    });
  });

  test("an alarm goes off, and ends", async () => {
    const sounds = await run("small", "watch-announce");
    expect(sounds).toMatchObject({ code: 0, err: "" });
    expect(sounds.out).toContain("----- https to https://x, through");
    expect(sounds.out).toContain("\n2 messages are delivered.\n");
    const ends = await run("small", "watch-announce", "--state", "OK");
    expect(ends.out).toContain('Subject: OK: "watch-announce" in eu-west-1\n');
    expect(ends.out).toContain("\n1 message is delivered.\n");
  });

  test.each<readonly [string, readonly string[], string]>([
    [
      "flags",
      ["--regions=x", "--confirmed=yes", "--caller=", "--key"],
      `alert: a flag must be one of --region, --caller, --key, --state, --confirmed, got --regions; remove it
alert: --confirmed must stand alone, got "yes"; remove the value, or the flag
alert: --caller must have a value, got ""; write --caller=…
alert: --key must have a value, got nothing; write --key=…`,
    ],
    [
      "a region",
      ["disabled", "--region=us-east-1"],
      `alert: --region must be one of ${AWAY}, got "us-east-1"; correct it`,
    ],
    [
      "a caller",
      ["disabled", "--caller=bob"],
      'alert: --caller must be one of iam-user, assumed-role, sso, root, service, service-for-a-role, other-account, got "bob"; correct it',
    ],
    [
      "a state",
      ["watch-announce", "--state=on"],
      'alert: --state must be one of ALARM, OK, got "on"; correct it',
    ],
    [
      "two events",
      ["disabled", "deleted"],
      'alert: one event must be given, got "deleted" too; call it once for each',
    ],
    [
      "a file that is not there",
      ["disable"],
      'alert: the event must be a kind, an alarm or a file that exists, got "disable"; npm run sandbox -- alert <account> lists kinds and alarms',
    ],
    [
      "no key",
      ["disabled"],
      "alert: --key must be one of none in eu-west-1, got nothing; correct it, or give another --region of account small",
    ],
  ])("refuses %s", async (_case, argv, err) => {
    expect(await run("small", ...argv)).toEqual({ code: 1, out: "", err });
  });

  test("refuses a file that is no event", async () => {
    write("event.json", "{");
    expect((await run("small", "event.json")).err).toMatch(
      /^event\.json: an event must be JSON, got "\{" \(.+\); correct the file$/,
    );
    write("event.json", { ...EVENT, source: 1, detail: [] });
    expect((await run("small", "event.json")).err.split("\n")).toEqual([
      expect.stringMatching(
        /^event\.json: source must be as EventBridge delivers it, got 1 \(.+\); correct the file$/,
      ),
      expect.stringMatching(/^event\.json: detail must be as EventBridge delivers it, got \[\] /),
    ]);
  });
});
