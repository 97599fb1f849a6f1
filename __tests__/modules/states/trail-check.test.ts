import aslValidator from "asl-validator";
import {
  type TrailCheckProps,
  trailCheckDefinition,
  trailCheckPermissions,
} from "../../../modules/states/trail-check";
import { definitionProblems } from "../../../sandbox/delivery/state-machine";
import { FakeAws, type FakeAwsProps, outcomes } from "../../helpers/machine-tasks";

const AT = { partition: "aws", account: "111122223333", region: "eu-west-1" } as const;
const TRAIL = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/keyspan";
const NOW = "2026-11-24T10:30:00Z";
const HOME: TrailCheckProps = { at: AT, isHomeRegion: true, mode: "create", trailArn: TRAIL };
const ELSEWHERE: TrailCheckProps = { ...HOME, isHomeRegion: false };
const ORGANIZATION: TrailCheckProps = { at: AT, isHomeRegion: true, mode: "organization" };
const REFUSED = ["CloudTrail.CloudTrailException", "User: x is not authorized to perform"] as const;
const ALL_EVENTS = {
  EventSelectors: [
    { IncludeManagementEvents: true, ReadWriteType: "All", ExcludeManagementEventSources: [] },
  ],
};
const LOGGING = { IsLogging: true, LatestDeliveryTime: "2026-11-24T10:20:00.000Z" };
const SOUND = {
  trails: [{ TrailARN: TRAIL, IsMultiRegionTrail: true, IsOrganizationTrail: false }],
  statuses: { [TRAIL]: LOGGING },
  selectors: { [TRAIL]: ALL_EVENTS },
};

/** Runs a check; answers with the details that it put. */
async function check(aws: FakeAwsProps, props: TrailCheckProps = HOME, startedAt = NOW) {
  const fake = new FakeAws(aws);
  const results = await fake.run(trailCheckDefinition(props), startedAt);
  expect(outcomes(results)).toEqual(["SUCCEEDED"]);
  for (const { Source, DetailType } of fake.events) {
    expect([Source, DetailType]).toEqual(["keyspan.trail", "Keyspan Trail Trouble"]);
  }
  return fake.events.map(({ Detail }) => Detail);
}
const told = (problems: readonly string[], rest: object = {}) => [
  { trailArn: TRAIL, problems, since: "", unread: [], ...rest },
];
const status = (changes: object) => ({
  ...SOUND,
  statuses: { [TRAIL]: { ...LOGGING, ...changes } },
});
const failing =
  (...actions: readonly string[]) =>
  (trouble: readonly [string, string] | "silence") => ({
    ...SOUND,
    trouble: (action: string) => (actions.includes(action) ? trouble : undefined),
  });

test.each<[string, TrailCheckProps]>([
  ["the home region", HOME],
  ["another region under the organisation's trail", { ...ORGANIZATION, isHomeRegion: false }],
  ["China", { ...HOME, at: { ...AT, partition: "aws-cn", region: "cn-north-1" } }],
])("the definition for %s is valid and its calls are of its partition", (_, props) => {
  const definition = trailCheckDefinition(props);
  const text = JSON.stringify(definition);
  expect(aslValidator(JSON.parse(text)).errorsText()).toBe("");
  expect(definitionProblems(definition)).toEqual([]);
  expect(text).not.toMatch(/[$%]\{/);
  for (const [, partition] of text.matchAll(/"Resource":"arn:([^:]+):/g)) {
    expect(partition).toBe(props.at.partition);
  }
});

test.each<[string, TrailCheckProps, FakeAwsProps]>([
  ["in the home region", HOME, SOUND],
  ["elsewhere", ELSEWHERE, SOUND],
  [
    "elsewhere, with troubles that only the home region tells",
    ELSEWHERE,
    { ...SOUND, trails: [], selectors: {} },
  ],
  [
    "of the organisation",
    ORGANIZATION,
    {
      ...SOUND,
      trails: [
        { TrailARN: "arn:own", IsMultiRegionTrail: true, IsOrganizationTrail: false },
        { TrailARN: "arn:narrow", IsMultiRegionTrail: false, IsOrganizationTrail: true },
        { TrailARN: TRAIL, IsMultiRegionTrail: true, IsOrganizationTrail: true },
      ],
    },
  ],
  [
    "of the organisation, known by its ARN, spelled otherwise",
    { ...ORGANIZATION, trailArn: TRAIL },
    { ...SOUND, trails: [{ TrailArn: TRAIL, IsMultiRegionTrail: true }] },
  ],
  [
    "of the organisation, with an ARN spelled otherwise",
    ORGANIZATION,
    {
      ...SOUND,
      trails: [{ TrailArn: TRAIL, IsMultiRegionTrail: true, IsOrganizationTrail: true }],
    },
  ],
  ["that delivered an error before", HOME, status({ LatestDeliveryError: "" })],
  [
    "throttled once",
    HOME,
    { ...SOUND, trouble: (_, __, n) => (n < 3 ? ["X", "slow"] : undefined) },
  ],
])("a sound trail %s is no trouble", async (_, props, aws) => {
  expect(await check(aws, props)).toEqual([]);
});

test.each<[string, TrailCheckProps, FakeAwsProps, object]>([
  ["gone", HOME, {}, told(["was not found"])],
  ["gone, elsewhere", { ...ELSEWHERE }, { trails: [] }, []],
  [
    "the organisation's, which is not there",
    ORGANIZATION,
    SOUND,
    told(["was not found"], { trailArn: "" }),
  ],
  [
    "one region's",
    HOME,
    { ...SOUND, trails: [{ TrailARN: TRAIL, IsMultiRegionTrail: false }] },
    told(["does not cover every region"]),
  ],
  [
    "stopped",
    ELSEWHERE,
    status({ IsLogging: false, StopLoggingTime: "2026-11-24T10:05:00.000Z" }),
    told(["is not logging"], { since: "2026-11-24T10:05:00.000Z" }),
  ],
  [
    "stopped, as the older field tells it in seconds",
    HOME,
    status({ IsLogging: false, TimeLoggingStopped: Date.parse("2026-11-24T10:05:00Z") / 1000 }),
    told(["is not logging"], { since: "2026-11-24T10:05:00.000Z" }),
  ],
  [
    "not delivering",
    ELSEWHERE,
    status({ LatestDeliveryError: "NoSuchBucket" }),
    told(["could not deliver its logs: NoSuchBucket"], { since: LOGGING.LatestDeliveryTime }),
  ],
  [
    "in several troubles",
    HOME,
    {
      trails: [{ TrailARN: TRAIL, IsMultiRegionTrail: false }],
      statuses: { [TRAIL]: { IsLogging: false, LatestDeliveryError: "AccessDenied" } },
      selectors: { [TRAIL]: { EventSelectors: [] } },
    },
    told([
      "does not cover every region",
      "its event selectors leave out calls to KMS that write",
      "is not logging",
      "could not deliver its logs: AccessDenied",
    ]),
  ],
  [
    "silent",
    HOME,
    failing(
      "cloudtrail:describeTrails",
      "cloudtrail:getTrailStatus",
      "cloudtrail:getEventSelectors",
    )("silence"),
    told([
      "trails could not be listed: States.Timeout",
      "its event selectors could not be read: States.Timeout",
      "its status could not be read: States.Timeout",
    ]),
  ],
  [
    "unreadable and stopped",
    HOME,
    {
      ...status({ IsLogging: false, StopLoggingTime: "2026-11-24T10:05:00.000Z" }),
      trouble: (action) => (action === "cloudtrail:getEventSelectors" ? REFUSED : undefined),
    },
    told(["is not logging"], {
      since: "2026-11-24T10:05:00.000Z",
      unread: [
        "its event selectors may not be read from this account; only the canary proves that they cover calls to KMS",
      ],
    }),
  ],
  [
    "one region's and its status another account's",
    HOME,
    {
      ...SOUND,
      trails: [{ TrailARN: TRAIL, IsMultiRegionTrail: false }],
      trouble: (action) =>
        action === "cloudtrail:getTrailStatus"
          ? ["CloudTrail.AccessDeniedException", ""]
          : undefined,
    },
    told(["does not cover every region"], {
      unread: ["its status may not be read from this account; only the canary proves that it logs"],
    }),
  ],
])("a trail that is %s is told", async (_, props, aws, expected) => {
  expect(await check(aws, props)).toEqual(expected);
});

test("what may not be read is no trouble by itself", async () => {
  const actions = ["describeTrails", "getTrailStatus", "getEventSelectors"];
  const aws = failing(...actions.map((action) => `cloudtrail:${action}`))(REFUSED);
  expect(await check(aws)).toEqual([]);
  expect(await check(aws, ORGANIZATION)).toEqual([]);
});

describe("event selectors", () => {
  const kms = "kms.amazonaws.com";
  const management = { Field: "eventCategory", Equals: ["Management"] };
  const advanced = (...selectors: readonly (readonly object[])[]) => ({
    AdvancedEventSelectors: selectors.map((FieldSelectors) => ({ FieldSelectors })),
  });
  test.each<[boolean, object]>([
    [true, { EventSelectors: [{}] }],
    [true, { EventSelectors: [{ IncludeManagementEvents: true, ReadWriteType: "WriteOnly" }] }],
    [false, { EventSelectors: [{ IncludeManagementEvents: true, ReadWriteType: "ReadOnly" }] }],
    [false, { EventSelectors: [{ IncludeManagementEvents: false, ReadWriteType: "All" }] }],
    [false, { EventSelectors: [{ ExcludeManagementEventSources: [kms] }] }],
    [true, { EventSelectors: [{ ExcludeManagementEventSources: ["rdsdata.amazonaws.com"] }] }],
    [true, { EventSelectors: [{ ReadWriteType: "ReadOnly" }, { ReadWriteType: "WriteOnly" }] }],
    [false, { EventSelectors: [] }],
    [true, advanced([management])],
    [true, advanced([{ Field: "eventCategory", EqualsValue: ["Management"] }])],
    [false, advanced([{ Field: "eventCategory", Equals: ["Data"] }])],
    [false, advanced([{ Field: "readOnly", Equals: ["false"] }])],
    [true, advanced([management, { Field: "readOnly", Equals: ["false"] }])],
    [true, advanced([management, { Field: "readOnly", Equals: ["false"], NotEquals: [] }])],
    [false, advanced([management, { Field: "readOnly", EqualsValue: ["true"] }])],
    [false, advanced([management, { Field: "readOnly", NotEquals: ["false"] }])],
    [false, advanced([management, { Field: "eventSource", NotEquals: [kms] }])],
    [true, advanced([management, { Field: "eventSource", NotEquals: ["rdsdata.amazonaws.com"] }])],
    [true, advanced([management, { Field: "eventSource", StartsWith: ["iam.", "kms."] }])],
    [false, advanced([management, { Field: "eventSource", StartsWith: ["iam."] }])],
    [false, advanced([management, { Field: "eventSource", NotStartsWith: ["kms"] }])],
    [true, advanced([management, { Field: "eventSource", EndsWith: [".amazonaws.com"] }])],
    [false, advanced([management, { Field: "eventSource", EndsWith: [".example.com"] }])],
    [false, advanced([management, { Field: "eventSource", NotEndsWith: [".amazonaws.com"] }])],
    [false, advanced([management, { Field: "userIdentity.arn", NotEquals: ["arn:x"] }])],
    [true, advanced([management, { Field: "readOnly", Equals: ["true"] }], [management])],
  ])("cover KMS's writes: %s for %j", async (covers, selectors) => {
    expect(await check({ ...SOUND, selectors: { [TRAIL]: selectors } })).toEqual(
      covers ? [] : told(["its event selectors leave out calls to KMS that write"]),
    );
  });
});

describe("a trouble is told", () => {
  /** The hours of two days, from the one in which it began, in which it is told. */
  const hours = async (aws: FakeAwsProps, props: TrailCheckProps) => {
    const runs = await Promise.all(
      Array.from({ length: 49 }, async (_, hour) => {
        const start = new Date(Date.parse("2026-11-24T10:59:00Z") + hour * 3_600_000);
        return { hour, events: await check(aws, props, start.toISOString()) };
      }),
    );
    return runs.filter(({ events }) => events.length > 0).map(({ hour }) => hour);
  };
  const stopped = status({ IsLogging: false, StopLoggingTime: "2026-11-24T10:58:00.000Z" });
  const undated = status({ IsLogging: false });
  const every = Array.from({ length: 49 }, (_, hour) => hour);

  test("for the first four hours and then daily, if it is known since when", async () => {
    expect(await hours(stopped, ELSEWHERE)).toEqual([0, 1, 2, 3, 24, 48]);
    expect(await hours(stopped, HOME)).toEqual([0, 1, 2, 3, 24, 48]);
  });

  test("hourly by the home region and at 6 o'clock by others, if it is not", async () => {
    expect(await hours(undated, ELSEWHERE)).toEqual([20, 44]);
    expect(await hours(undated, HOME)).toEqual(every);
  });

  test("hourly by the home region, if it concerns the whole trail", async () => {
    expect(await hours({ ...stopped, trails: [] }, HOME)).toEqual(every);
  });
});

test("an event that cannot be put fails the execution", async () => {
  const fake = new FakeAws({
    trouble: (action) =>
      action === "events:putEvents" ? ["EventBridge.FailedEntry", "1 of 1"] : undefined,
  });
  const [result] = await fake.run(trailCheckDefinition(HOME), NOW);
  expect(result).toMatchObject({ status: "FAILED", error: "EventBridge.FailedEntry" });
});

describe("trailCheckPermissions", () => {
  const ats = [AT, { ...AT, region: "us-east-1" }];
  const statements = (trails: unknown) => [
    { Sid: "ListTrails", Effect: "Allow", Action: "cloudtrail:DescribeTrails", Resource: "*" },
    {
      Sid: "ReadTrail",
      Effect: "Allow",
      Action: ["cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors"],
      Resource: trails,
    },
    {
      Sid: "Tell",
      Effect: "Allow",
      Action: "events:PutEvents",
      Resource: [
        "arn:aws:events:eu-west-1:111122223333:event-bus/default",
        "arn:aws:events:us-east-1:111122223333:event-bus/default",
      ],
      Condition: { StringEquals: { "events:source": "keyspan.trail" } },
    },
  ];

  test("lets the role read the trail, or any if it is not known, and tell", () => {
    expect(trailCheckPermissions({ ats, trailArn: TRAIL })).toEqual(statements(TRAIL));
    expect(trailCheckPermissions({ ats })).toEqual(statements(["arn:aws:cloudtrail:*:*:trail/*"]));
  });
});
