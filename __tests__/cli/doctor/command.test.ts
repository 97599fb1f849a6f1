import { runKeyspan } from "../../../cli/keyspan/program";
import { TempProject } from "../../helpers/temp-project";
import { type FakeAnswers, FakeAws } from "./fake-aws";
import { HEALTHY } from "./healthy";

let aws: FakeAws;
let project: TempProject;

beforeAll(async () => {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
  aws = await FakeAws.start();
  project = new TempProject();
});

afterAll(async () => {
  project.remove();
  await aws.stop();
});

const HAND_MADE = ["keyspan-deploy", "keyspan-plan", "KeyAdmin", "BreakGlass"];
const READY: FakeAnswers = {
  ...HEALTHY,
  ListRegions: () => ({
    json: {
      Regions: ["eu-west-1", "eu-central-1"].map((RegionName) => ({
        RegionName,
        RegionOptStatus: "ENABLED",
      })),
    },
  }),
  GetRole: (request) =>
    HAND_MADE.includes(String(request.input.RoleName))
      ? HEALTHY.GetRole?.(request)
      : { error: "NoSuchEntity", status: 404 },
  GetServiceQuota: () => ({ error: "NoSuchResourceException" }),
  "HEAD keyspan-trail-111122223333-eu-west-1": () => ({ error: "NotFound", status: 404 }),
  "HEAD keyspan-trail-access-111122223333-eu-west-1": () => ({ error: "NotFound", status: 404 }),
  ...Object.fromEntries(
    ["keys", "notifications", "archive-eu-west-1", "archive-eu-central-1"].flatMap((stack) =>
      ["", ".tflock"].map((end) => [
        `GET acme-terraform-state/keyspan/demo/${stack}.tfstate${end}`,
        () => ({ error: "NoSuchKey", status: 404 }),
      ]),
    ),
  ),
  "GET acme-terraform-state/keyspan/demo/account.lock": () => ({ error: "NoSuchKey", status: 404 }),
};

const run = (answers: FakeAnswers, ...args: readonly string[]) => {
  aws.answer(answers);
  return project.run(runKeyspan, args, { env: { AWS_ENDPOINT_URL: aws.endpoint } });
};

test("an account that is ready: 0, a line for each thing, and what was not looked for", async () => {
  const { code, out, err } = await run(READY, "doctor", "demo");
  const lines = out.trimEnd().split("\n");
  expect(code).toBe(0);
  expect(err).toBe("demo: looking at account 111122223333\n");
  expect(lines.slice(0, -2).every((line) => line.startsWith("ok       "))).toBe(true);
  expect(lines.at(-1)).toBe(
    `demo (111122223333): 0 problem, 0 warning, 0 unknown, ${lines.length - 2} ok. Not looked for: names of topics, queues, state machines, schedules, log groups, alarms.`,
  );
  // The rules of the region that records IAM's events stand in none of the account's regions.
  expect(out).toContain(
    "ok       us-east-1: rules of event bus default: 0 of 300, 3 to be added\n",
  );
  expect(project.exists("cdktf.out")).toBe(false);
});

test("problems: 1, before everything else, each with its fix", async () => {
  const { code, out } = await run(
    {
      ...READY,
      GetRole: (request) =>
        request.input.RoleName === "KeyAdmin"
          ? { error: "NoSuchEntity", status: 404 }
          : READY.GetRole?.(request),
      ListKeys: () => ({ error: "AccessDeniedException" }),
    },
    "doctor",
    "demo",
  );
  expect(code).toBe(1);
  expect(out.split("\n").slice(0, 4)).toEqual([
    "problem  demo: keys.alerts.administrators, keys.archive.administrators, keys.audit.administrators must name a role that exists, got arn:aws:iam::111122223333:role/KeyAdmin, which does not",
    "         -> create the role, or correct the ARN in accounts/demo.yaml or accounts/defaults.yaml",
    "unknown  eu-central-1, eu-west-1: arn:aws:iam::111122223333:role/keyspan-plan must be allowed kms:ListKeys for a look at the number of KMS keys, got AccessDeniedException",
    "         -> allow kms:ListKeys: npm run keyspan -- permissions demo --role plan prints the role's policy",
  ]);
});

test("--json gives every finding, and what they add up to", async () => {
  const { code, out } = await run(
    { ...READY, ListKeys: () => ({ error: "AccessDeniedException" }) },
    "doctor",
    "demo",
    "--json",
  );
  const json = JSON.parse(out) as { findings: unknown[]; counts: Record<string, number> };
  expect(code).toBe(0);
  expect(json).toEqual({
    account: "demo",
    id: "111122223333",
    counts: { problem: 0, warning: 0, unknown: 1, ok: json.findings.length - 1 },
    findings: expect.arrayContaining([
      {
        subject: "regions",
        level: "ok",
        message: "demo: all regions are enabled: eu-central-1, eu-west-1",
      },
      {
        subject: "quotas",
        level: "unknown",
        message: expect.stringContaining("kms:ListKeys"),
        fix: expect.stringContaining("permissions demo --role plan"),
      },
    ]),
    namesNotLookedFor: ["topics", "queues", "state machines", "schedules", "log groups", "alarms"],
  });
});

test("an account that is not there, and a command line that is wrong", async () => {
  expect(await run(READY, "doctor", "nobody")).toMatchObject({
    code: 64,
    out: "",
    err: 'doctor: an account must be one of demo, got "nobody"; correct it\n',
  });
  expect(await run(READY, "doctor")).toMatchObject({ code: 64 });
  expect(await run(READY, "doctor", "demo", "--ring", "1")).toMatchObject({ code: 64 });
  expect(aws.calls).toEqual([]);
});
