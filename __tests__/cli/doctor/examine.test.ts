import type { Finding } from "../../../cli/doctor/findings";
import { OWN_CALLS } from "../../../cli/permissions/own-calls";
import type { AccountConfig } from "../../../config/account-config";
import { type FakeAnswer, type FakeAnswers, FakeAws, identity } from "./fake-aws";
import { ACCOUNT, examineWith, HEALTHY, summary } from "./healthy";

let aws: FakeAws;

beforeAll(async () => {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
  aws = await FakeAws.start();
});

afterAll(() => aws.stop());

const denied = (): FakeAnswer => ({ error: "AccessDeniedException", status: 403 });

/** Refuses whoever assumes the role that ends so. */
const refusing =
  (end: string): NonNullable<FakeAnswers[string]> =>
  ({ input }) =>
    String(input.RoleArn).endsWith(end)
      ? { error: "AccessDenied", message: "not you", status: 403 }
      : undefined;

/** What is not in order, as `<level> <message> -> <fix>`. */
const complaints = (findings: readonly Finding[]) =>
  findings
    .filter(({ level }) => level !== "ok")
    .map(({ level, message, fix }) => `${level} ${message} -> ${fix}`);

const complaintsWith = async (
  changed: FakeAnswers,
  account: Partial<AccountConfig> = {},
): Promise<readonly string[]> => complaints(await examineWith(aws, changed, account));

const TRAIL_ARN = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/all";
const EXISTING = { trail: { mode: "existing", trailArn: TRAIL_ARN } } as const;
const ORGANIZATION = { trail: { mode: "organization" } } as const;
const trail = (changed: object = {}) => ({
  json: {
    trailList: [
      {
        Name: "all",
        TrailARN: TRAIL_ARN,
        HomeRegion: "eu-west-1",
        IsMultiRegionTrail: true,
        IsOrganizationTrail: false,
        S3BucketName: "logs",
        ...changed,
      },
    ],
  },
});
const TRAIL_IN_ORDER: FakeAnswers = {
  DescribeTrails: () => trail(),
  GetTrailStatus: () => ({ json: { IsLogging: true } }),
  GetEventSelectors: () => ({
    json: { EventSelectors: [{ IncludeManagementEvents: true, ReadWriteType: "All" }] },
  }),
};

test("an account that is ready has nothing but findings in order", async () => {
  const findings = await examineWith(aws, {});
  expect(findings.map(({ level, message }) => `${level} ${message}`)).toEqual([
    "ok acme: arn:aws:iam::111122223333:role/plan acts in account 111122223333, partition aws",
    "ok acme: all regions are enabled: eu-west-1",
    "ok acme: arn:aws:iam::444455556666:role/read reads s3://states/keyspan/acme/",
    "ok acme: nobody holds a lock",
    "ok acme: states keeps versions",
    "ok acme: arn:aws:iam::444455556666:role/write can be assumed with these credentials",
    "ok acme: account.deployRole: arn:aws:iam::111122223333:role/deploy exists",
    "ok acme: account.planRole: arn:aws:iam::111122223333:role/plan exists",
    "ok acme: the names of roles to be created are free: keyspan-put-events",
    "ok acme: IAM roles: 20 of 1000, 1 to be added",
    "ok eu-west-1: the names of aliases to be created are free: alias/keyspan-archive",
    "ok eu-west-1: KMS keys, with those that AWS manages and does not count: 1 of 10, 1 to be added",
    "ok eu-west-1: the names of event buses to be created are free: keyspan-hub",
    "ok eu-west-1: event buses: 1 of 10, 1 to be added",
    "ok eu-west-1: the names of archives to be created are free: logins",
    "ok eu-west-1: the names of rules of event bus default to be created are free: keyspan-forward",
    "ok eu-west-1: rules of event bus default: 0 of 10, 2 to be added",
    "ok eu-west-1: the names of rules of event bus keyspan-hub to be created are free: keyspan-announce",
    "ok eu-west-1: rules of event bus keyspan-hub: 0 of 10, 1 to be added",
    "ok eu-west-1: the names of buckets to be created are free: keyspan-trail",
    "ok eu-west-1: the names of trails to be created are free: keyspan",
    "ok eu-west-1: trails: 0 of 5, 1 to be added",
  ]);
});

test("it changes nothing: every call but those for credentials only reads", async () => {
  await examineWith(aws, TRAIL_IN_ORDER, EXISTING);
  await examineWith(aws, {});
  expect(
    aws.calls.filter((call) => !/ (Get|List|Describe|GET |HEAD |AssumeRole$)/.test(call)),
  ).toEqual([]);
});

describe("one refused call does not stop the others, and names the right that is missing", () => {
  const actions = OWN_CALLS.doctor?.permissions.flatMap((permission) => permission.actions) ?? [];
  const before: { trail?: readonly Finding[]; rest?: readonly Finding[] } = {};
  const operationOf = (action: string) =>
    action === "s3:ListBucket" ? "HEAD keyspan-trail" : (action.split(":")[1] ?? "");

  test.each([...new Set(actions)])("%s", async (action) => {
    const needsTrail = /Selectors|TrailStatus/.test(action);
    const account = needsTrail ? EXISTING : {};
    const answers = needsTrail ? TRAIL_IN_ORDER : {};
    before[needsTrail ? "trail" : "rest"] ??= await examineWith(aws, answers, account);
    const after = await examineWith(aws, { ...answers, [operationOf(action)]: denied }, account);

    const lost = after.filter(({ level }) => level === "unknown");
    expect(lost.length).toBeGreaterThan(0);
    for (const { message, fix } of lost) {
      expect(message).toMatch(
        new RegExp(
          `: arn:aws:iam::111122223333:role/plan must be allowed ${action} for a look at .+, got (AccessDeniedException|HTTP status 403)$`,
        ),
      );
      expect(fix).toBe(
        `allow ${action}: npm run keyspan -- permissions acme --role plan prints the role's policy`,
      );
    }
    expect(after.filter(({ level }) => level === "problem" || level === "warning")).toEqual([]);
    // Whatever else was found is found still.
    const gone = (before[needsTrail ? "trail" : "rest"] ?? []).filter(
      ({ message }) => !after.some((finding) => finding.message === message),
    );
    expect(gone.length).toBeLessThanOrEqual(4);
  });

  test("and nothing is asked for with the plan role that is not among these rights", async () => {
    const asked = new Set<string>();
    for (const [answers, account] of [
      [{}, {}],
      [TRAIL_IN_ORDER, EXISTING],
    ] as const) {
      await examineWith(aws, answers, account);
      for (const call of aws.calls) {
        asked.add(call.slice(call.indexOf(" ") + 1));
      }
    }
    const ofStates = [...asked].filter((operation) => operation.startsWith("GET "));
    expect([...asked].filter((operation) => !ofStates.includes(operation)).sort()).toEqual(
      [...new Set(actions.map(operationOf)), "AssumeRole", "GetCallerIdentity"].sort(),
    );
  });

  test("what is missing comes in an order of its own", async () => {
    const refused = (action: string) => expect.stringContaining(` must be allowed ${action} `);
    expect(
      await complaintsWith({
        ListKeys: denied,
        ListAliases: denied,
        ListArchives: denied,
        GetAccountSummary: denied,
      }),
    ).toEqual([
      refused("events:ListArchives"),
      refused("kms:ListAliases"),
      refused("iam:GetAccountSummary"),
      refused("kms:ListKeys"),
    ]);
  });

  test("a right that is missing in many places is told once", async () => {
    expect(await complaintsWith({ GetServiceQuota: denied })).toEqual([
      "unknown eu-west-1: arn:aws:iam::111122223333:role/plan must be allowed servicequotas:GetServiceQuota for a look at the quota of KMS keys, the quota of event buses, the quota of rules, got AccessDeniedException -> allow servicequotas:GetServiceQuota: npm run keyspan -- permissions acme --role plan prints the role's policy",
    ]);
  });
});

test("what has not answered at the deadline is given up, and said to be", async () => {
  const deadline = new AbortController();
  const findings = await examineWith(
    aws,
    {
      GetServiceQuota: () => {
        deadline.abort();
        return "nothing ever";
      },
      ListAliases: () => "nothing ever",
      DescribeTrails: () => "nothing ever",
    },
    {},
    deadline.signal,
  );
  for (const [where, action, looksAt] of [
    ["eu-west-1", "kms:ListAliases", "the aliases"],
    ["eu-west-1", "cloudtrail:DescribeTrails", "the trails"],
  ]) {
    expect(complaints(findings)).toContain(
      `unknown ${where}: ${action} must answer for a look at ${looksAt}, got no answer in time -> check the way from here to AWS (proxy, firewall, VPC endpoints), then run doctor again`,
    );
  }
  // What was found before is not lost.
  expect(findings.map(({ message }) => message)).toContain(
    "acme: all regions are enabled: eu-west-1",
  );
});

describe("account", () => {
  const NOTHING_MORE =
    "unknown acme: the plan role must work before regions, roles, names, quotas and trail can be looked at, got none that does -> put right what is said about it, then run doctor again";

  test("the plan role cannot be assumed", async () => {
    const [first, ...rest] = await complaintsWith({ AssumeRole: refusing("/plan") });
    expect(first).toBe(
      "problem acme: your first credentials must be able to assume arn:aws:iam::111122223333:role/plan, got AccessDenied: not you -> give credentials (--source-profile or --credential-source), and let the role trust them: npm run keyspan -- permissions acme --role plan prints its trust policy",
    );
    expect(rest).toContain(NOTHING_MORE);
  });

  test("the plan role is another account's, or another partition's", async () => {
    const as = (arn: string) => ({
      GetCallerIdentity: ({
        role,
        account,
      }: {
        readonly role: string;
        readonly account: string;
      }) =>
        role.endsWith("/plan") ? identity(arn.split(":")[4] ?? "", arn) : identity(account, role),
    });
    const other = "arn:aws:sts::999988887777:assumed-role/plan/x";
    expect(await complaintsWith(as(other))).toEqual([
      `problem acme: account.planRole must act in account 111122223333, got 999988887777 as ${other} -> correct account.id or account.planRole in accounts/acme.yaml`,
      NOTHING_MORE,
    ]);
    const china = "arn:aws-cn:sts::111122223333:assumed-role/plan/x";
    expect(await complaintsWith(as(china))).toEqual([
      `problem acme: account.planRole must act in partition aws, that of eu-west-1, got ${china} -> correct homeRegion or account.planRole in accounts/acme.yaml`,
      NOTHING_MORE,
    ]);
  });
});

describe("regions", () => {
  const region = (RegionOptStatus?: string) => ({
    ListRegions: () => ({
      json: {
        Regions:
          RegionOptStatus === undefined ? [] : [{ RegionName: "eu-west-1", RegionOptStatus }],
      },
    }),
  });
  const WHERE =
    "problem accounts/acme.yaml:5:3: region eu-west-1 must be enabled in account 111122223333, got";

  test.each(["DISABLED", "DISABLING", "nothing"])(
    "%s: it must be enabled first",
    async (status) => {
      expect(await complaintsWith(region(status === "nothing" ? undefined : status))).toEqual([
        `${WHERE} ${status} -> aws account enable-region --region-name eu-west-1, with an administrator of the account, or take the region out of the file`,
      ]);
      // Nobody answers in a region that is not enabled.
      expect(aws.calls.filter((call) => call.endsWith("ListAliases"))).toEqual([]);
    },
  );

  test("ENABLING: it takes its time", async () => {
    expect(await complaintsWith(region("ENABLING"))).toEqual([
      `${WHERE} ENABLING -> wait until aws account get-region-opt-status --region-name eu-west-1 says ENABLED: that takes minutes to hours`,
    ]);
  });

  test("a retired region holds nothing, and need not be enabled", async () => {
    const [home] = ACCOUNT.regions;
    expect(
      await complaintsWith(
        {},
        { regions: [home, { ...home, name: "ap-east-1", state: "retired" }] as never },
      ),
    ).toEqual([]);
  });

  test("GovCloud and China are not asked", async () => {
    const partition = "aws-us-gov";
    const planRole = ACCOUNT.planRole.replace("arn:aws:", "arn:aws-us-gov:");
    const findings = await examineWith(aws, { ListRegions: denied }, { partition, planRole });
    expect(findings.filter(({ subject }) => subject === "regions")).toEqual([
      {
        subject: "regions",
        level: "ok",
        message: "acme: partition aws-us-gov has no regions that must be enabled",
      },
    ]);
    expect(aws.calls).not.toContain("eu-west-1 ListRegions");
  });

  test("the list of regions comes in pages", async () => {
    const pages: FakeAnswers = {
      ListRegions: ({ input }) =>
        input.NextToken === "2"
          ? (HEALTHY.ListRegions as () => FakeAnswer)()
          : { json: { Regions: [], NextToken: "2" } },
    };
    expect(await complaintsWith(pages)).toEqual([]);
  });
});

describe("state", () => {
  test("there is no bucket", async () => {
    expect(
      await complaintsWith({ "GET list": () => ({ error: "NoSuchBucket", status: 404 }) }),
    ).toEqual([
      "problem acme: state.bucket must exist in account 444455556666, got none named states -> npm run keyspan -- bootstrap acme, or correct state.bucket in accounts/",
    ]);
  });

  test.each([
    { error: "PermanentRedirect", status: 301 },
    { error: "AuthorizationHeaderMalformed", status: 400 },
  ])("the bucket is in another region: $error", async (answer) => {
    expect(await complaintsWith({ "GET list": () => answer })).toEqual([
      "problem acme: state.region must be the region of bucket states, got eu-west-1, where it is not -> correct state.region in accounts/: aws s3api get-bucket-location --bucket states names it",
    ]);
  });

  test("the reading role may not list: Terraform takes no such refusal", async () => {
    expect(
      await complaintsWith({ "GET list": () => ({ error: "AccessDenied", status: 403 }) }),
    ).toEqual([
      "problem acme: arn:aws:iam::444455556666:role/read must be allowed s3:ListBucket on states, or a state that does not exist yet looks like one that is kept secret, got AccessDenied -> npm run keyspan -- bootstrap acme, which renews the bucket's policy and the role's",
    ]);
  });

  test("the bucket keeps no versions, or does not say", async () => {
    expect(
      await complaintsWith({ "GET versioning": () => ({ xml: "<VersioningConfiguration/>" }) }),
    ).toEqual([
      "problem acme: versioning of bucket states must be Enabled, or a state that is overwritten is lost, got nothing -> npm run keyspan -- bootstrap acme, or aws s3api put-bucket-versioning --bucket states --versioning-configuration Status=Enabled",
    ]);
    expect(await complaintsWith({ "GET versioning": denied })).toEqual([
      "unknown acme: arn:aws:iam::444455556666:role/read must be allowed s3:GetBucketVersioning for a look at the bucket's versioning, got AccessDeniedException -> allow s3:GetBucketVersioning: npm run keyspan -- permissions acme --role state-read prints the role's policy",
    ]);
  });

  test("somebody holds the account, and a state", async () => {
    const lock = (ID: string) => () => ({
      xml: JSON.stringify({
        ID,
        Operation: "OperationTypeApply",
        Who: "ann@laptop",
        Created: "2026-11-22T10:00:00Z",
      }),
    });
    expect(
      await complaintsWith({
        "GET states/keyspan/acme/account.lock": lock("a-1"),
        "GET states/keyspan/acme/keys.tfstate.tflock": lock("k-1"),
      }),
    ).toEqual([
      "warning acme: account acme must be free, got the lock a-1, held by ann@laptop since 2026-11-22T10:00:00Z for OperationTypeApply -> wait for that run; if it is dead: npm run keyspan -- unlock acme --id a-1",
      "warning acme: the state of keys must be free, got the lock k-1, held by ann@laptop since 2026-11-22T10:00:00Z for OperationTypeApply -> wait for that run; if it is dead: npm run keyspan -- unlock acme --id k-1",
    ]);
  });

  test("the reading role cannot be assumed, or is another account's", async () => {
    expect(await complaintsWith({ AssumeRole: refusing("/read") })).toEqual([
      "problem acme: your first credentials must be able to assume arn:aws:iam::444455556666:role/read, got AccessDenied: not you -> give credentials (--source-profile or --credential-source), and let the role trust them: npm run keyspan -- permissions acme --role state-read prints its trust policy",
    ]);
    const wrong = "arn:aws:sts::111122223333:assumed-role/read/x";
    expect(
      await complaintsWith({
        GetCallerIdentity: ({ role }) =>
          role.endsWith("/read") ? identity("111122223333", wrong) : undefined,
      }),
    ).toEqual([
      `problem acme: state.readRole must act in account 444455556666, got 111122223333 as ${wrong} -> correct state.account or state.readRole in accounts/acme.yaml or accounts/defaults.yaml`,
    ]);
  });

  test("that these credentials may not write proves nothing", async () => {
    expect(await complaintsWith({ AssumeRole: refusing("/write") })).toEqual([
      "unknown acme: the credentials that apply must be able to assume arn:aws:iam::444455556666:role/write, got AccessDenied with those that run doctor -> nothing, if apply runs with others; else: npm run keyspan -- permissions acme --role state-write prints its trust policy",
    ]);
  });

  test("a state that cannot be read makes clashes uncertain", async () => {
    const complained = await complaintsWith({
      "GET states/keyspan/acme/keys.tfstate": () => ({ xml: "<html>" }),
      ListAliases: () => ({
        json: { Aliases: [{ AliasName: "alias/keyspan-archive", TargetKeyId: "k-1" }] },
      }),
    });
    expect(complained).toEqual([
      'unknown acme: the state of keys must be readable, got s3://states/keyspan/acme/keys.tfstate: a state must be as Terraform wrote it, got "<html>"; restore an earlier version of the object -> npm run keyspan -- permissions acme --role state-read prints the role\'s policy',
      "unknown eu-west-1: the name alias/keyspan-archive must be free for alias aws_kms_alias.archive, got one that points to key k-1, which may be Keyspan's own: the states could not be read -> if it is left over from an apply that was cut off, adopt it: npm run keyspan -- import acme keys aws_kms_alias.archive alias/keyspan-archive@eu-west-1; else rename or delete it",
    ]);
  });
});

describe("roles", () => {
  const key = {
    kind: "managed",
    name: "archive",
    state: "active",
    administrators: ["arn:aws:iam::111122223333:role/Admin"],
    breakGlass: ["arn:aws:iam::111122223333:role/Glass"],
    users: ["arn:aws:iam::111122223333:role/App", "arn:aws:iam::999988887777:role/x/Other"],
  };
  const bus = { name: "orders", producers: { roles: ["arn:aws:iam::111122223333:role/App"] } };
  const named = {
    nextDeployRole: "arn:aws:iam::111122223333:role/next",
    keys: [key, { ...key, name: "old", state: "retired", users: ["arn:aws:iam::1:role/x"] }],
    buses: [bus],
  } as never;
  const without =
    (...gone: readonly string[]): NonNullable<FakeAnswers[string]> =>
    (request) =>
      gone.includes(String(request.input.RoleName))
        ? { error: "NoSuchEntity", status: 404 }
        : (HEALTHY.GetRole as NonNullable<FakeAnswers[string]>)(request);
  const FIX = "create the role, or correct the ARN in accounts/acme.yaml or accounts/defaults.yaml";
  const OTHER =
    "unknown acme: keys.archive.externalUsers must name a role that exists, got arn:aws:iam::999988887777:role/x/Other, which only account 999988887777 can look up -> aws iam get-role --role-name Other, in account 999988887777";

  test("every role of this account is looked up once; another account's cannot be", async () => {
    expect(await complaintsWith({}, named)).toEqual([OTHER]);
    // deploy, next, plan, Admin, Glass, App, and the name of Keyspan's own role.
    expect(aws.calls.filter((call) => call.endsWith("GetRole"))).toHaveLength(7);
  });

  test("without those that Keyspan needs it does not work; users may come later", async () => {
    expect(
      await complaintsWith({ GetRole: without("deploy", "next", "Admin", "Glass", "App") }, named),
    ).toEqual([
      `problem acme: account.deployRole must name a role that exists, got arn:aws:iam::111122223333:role/deploy, which does not -> ${FIX}`,
      `problem acme: account.nextDeployRole must name a role that exists, got arn:aws:iam::111122223333:role/next, which does not -> ${FIX}`,
      `problem acme: keys.archive.administrators must name a role that exists, got arn:aws:iam::111122223333:role/Admin, which does not -> ${FIX}`,
      `problem acme: keys.archive.breakGlass must name a role that exists, got arn:aws:iam::111122223333:role/Glass, which does not -> ${FIX}`,
      `warning acme: keys.archive.users, buses.orders.producers must name a role that exists, got arn:aws:iam::111122223333:role/App, which does not -> ${FIX}`,
      OTHER,
    ]);
  });

  test("a role that is named twice is needed if one of the two needs it", async () => {
    const both = { ...key, users: [], breakGlass: ["arn:aws:iam::111122223333:role/App"] };
    expect(
      await complaintsWith({ GetRole: without("App") }, {
        keys: [{ ...key, name: "a", users: both.breakGlass }, both],
      } as never),
    ).toEqual([
      `problem acme: keys.a.users, keys.archive.breakGlass must name a role that exists, got arn:aws:iam::111122223333:role/App, which does not -> ${FIX}`,
    ]);
  });

  test("a role of that name with another path is another role", async () => {
    expect(
      await complaintsWith({
        GetRole: (request) =>
          request.input.RoleName === "deploy"
            ? {
                xml: "<GetRoleResponse><GetRoleResult><Role><Arn>arn:aws:iam::111122223333:role/ci/deploy</Arn></Role></GetRoleResult></GetRoleResponse>",
              }
            : (HEALTHY.GetRole as NonNullable<FakeAnswers[string]>)(request),
      }),
    ).toEqual([
      "problem acme: account.deployRole must name a role that exists, got arn:aws:iam::111122223333:role/deploy, while the role of that name is arn:aws:iam::111122223333:role/ci/deploy -> write the ARN with the role's path in accounts/acme.yaml",
    ]);
  });
});

describe("names", () => {
  const adopt = (address: string, id: string) =>
    `if it is left over from an apply that was cut off, adopt it: npm run keyspan -- import acme keys ${address} ${id}; else rename or delete it`;
  const ALL_TAKEN: FakeAnswers = {
    GetRole: ({ input, account }) => ({
      xml: `<GetRoleResponse><GetRoleResult><Role><Arn>arn:aws:iam::${account}:role/${input.RoleName}</Arn></Role></GetRoleResult></GetRoleResponse>`,
    }),
    ListAliases: ({ input }) => ({
      json:
        input.Marker === "2"
          ? { Aliases: [{ AliasName: "alias/keyspan-archive", TargetKeyId: "k-1" }] }
          : { Aliases: [], Truncated: true, NextMarker: "2" },
    }),
    ListEventBuses: ({ input }) => ({
      json:
        input.NextToken === "2"
          ? { EventBuses: [{ Name: "keyspan-hub" }] }
          : { EventBuses: [{ Name: "default" }], NextToken: "2" },
    }),
    ListArchives: ({ input }) => ({
      json:
        input.NextToken === "2"
          ? { Archives: [{ ArchiveName: "logins" }] }
          : { Archives: [], NextToken: "2" },
    }),
    ListRules: ({ input }) => ({
      json:
        input.NextToken === "2"
          ? { Rules: [{ Name: "keyspan-forward" }] }
          : { Rules: [], NextToken: "2" },
    }),
    "HEAD keyspan-trail": () => ({ xml: "" }),
    DescribeTrails: () =>
      trail({
        Name: "keyspan",
        TrailARN: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/keyspan",
      }),
  };

  test("each that is taken is told, with what would adopt it", async () => {
    expect(await complaintsWith(ALL_TAKEN)).toEqual([
      `problem acme: the name keyspan-put-events must be free for role aws_iam_role.put-events, got one that exists and is in no state -> ${adopt("aws_iam_role.put-events", "keyspan-put-events")}`,
      `problem eu-west-1: the name alias/keyspan-archive must be free for alias aws_kms_alias.archive, got one that points to key k-1 and is in no state -> ${adopt("aws_kms_alias.archive", "alias/keyspan-archive@eu-west-1")}`,
      `problem eu-west-1: the name keyspan-hub must be free for event bus aws_cloudwatch_event_bus.hub, got one that exists and is in no state -> ${adopt("aws_cloudwatch_event_bus.hub", "keyspan-hub@eu-west-1")}`,
      `problem eu-west-1: the name logins must be free for archive aws_cloudwatch_event_archive.logins, got one that exists and is in no state -> ${adopt("aws_cloudwatch_event_archive.logins", "logins@eu-west-1")}`,
      `problem eu-west-1: the name keyspan-forward must be free for rule aws_cloudwatch_event_rule.forward, got one that exists and is in no state -> ${adopt("aws_cloudwatch_event_rule.forward", "keyspan-forward@eu-west-1")}`,
      `problem eu-west-1: the name keyspan-trail must be free for bucket aws_s3_bucket.trail, got one that exists and is in no state -> ${adopt("aws_s3_bucket.trail", "keyspan-trail@eu-west-1")}`,
      `problem eu-west-1: the name keyspan must be free for trail aws_cloudtrail.keyspan, got one that exists and is in no state -> ${adopt("aws_cloudtrail.keyspan", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/keyspan@eu-west-1")}`,
    ]);
  });

  test("what a state holds is Keyspan's own: nothing is looked for, and nothing is to be added", async () => {
    const instance = (type: string, name: string, attributes: object) => ({
      mode: "managed",
      type,
      name,
      instances: [{ attributes }],
    });
    const region = "eu-west-1";
    const state = {
      version: 4,
      lineage: "l",
      serial: 1,
      resources: [
        instance("aws_kms_key", "archive", { region }),
        instance("aws_kms_alias", "archive", { region, name: "alias/keyspan-archive" }),
        instance("aws_cloudwatch_event_bus", "hub", { region, name: "keyspan-hub" }),
        instance("aws_cloudwatch_event_archive", "logins", { region, name: "logins" }),
        instance("aws_cloudwatch_event_rule", "forward", { region, name: "keyspan-forward" }),
        // Moved since: the same object at another address.
        instance("aws_cloudwatch_event_rule", "older", { region, name: "keyspan-announce" }),
        instance("aws_iam_role", "older", { name: "keyspan-put-events" }),
        instance("aws_s3_bucket", "older", {
          arn: "arn:aws:s3:::keyspan-trail",
          bucket: "keyspan-trail",
        }),
        instance("aws_cloudtrail", "keyspan", { region, name: "keyspan" }),
      ],
    };
    const findings = await examineWith(aws, {
      ...ALL_TAKEN,
      "GET states/keyspan/acme/keys.tfstate": () => ({ xml: JSON.stringify(state) }),
    });
    expect(complaints(findings)).toEqual([]);
    expect(findings.filter(({ subject }) => subject === "names" || subject === "quotas")).toEqual(
      [],
    );
  });

  test("the same name in another region's state is not this one", async () => {
    const state = {
      version: 4,
      lineage: "l",
      serial: 1,
      resources: [
        {
          mode: "managed",
          type: "aws_kms_alias",
          name: "elsewhere",
          instances: [{ attributes: { region: "eu-north-1", name: "alias/keyspan-archive" } }],
        },
      ],
    };
    expect(
      await complaintsWith({
        ListAliases: () => ({ json: { Aliases: [{ AliasName: "alias/keyspan-archive" }] } }),
        "GET states/keyspan/acme/keys.tfstate": () => ({ xml: JSON.stringify(state) }),
      }),
    ).toEqual([
      `problem eu-west-1: the name alias/keyspan-archive must be free for alias aws_kms_alias.archive, got one that points to key nothing and is in no state -> ${adopt("aws_kms_alias.archive", "alias/keyspan-archive@eu-west-1")}`,
    ]);
  });

  test("a bucket name may be another account's, or in another region", async () => {
    expect(
      await complaintsWith({ "HEAD keyspan-trail": () => ({ error: "x", status: 301 }) }),
    ).toEqual([expect.stringContaining("problem eu-west-1: the name keyspan-trail must be free")]);
    expect(await complaintsWith({ "HEAD keyspan-trail": denied })).toEqual([
      expect.stringMatching(
        /^unknown eu-west-1: arn:aws:iam::111122223333:role\/plan must be allowed s3:ListBucket for a look at bucket keyspan-trail \(or it is another account's\), got /,
      ),
    ]);
  });

  test("a bus that the file says exists must exist", async () => {
    const noBus = () => ({ error: "ResourceNotFoundException" });
    expect(
      await complaintsWith(
        { ListRules: noBus },
        { buses: [{ name: "default", existing: true, producers: { roles: [] } }] as never },
      ),
    ).toEqual([
      "problem eu-west-1: event bus default must exist, got none, and buses.default.existing is true -> create the bus in eu-west-1, or let Keyspan make it: take existing out of buses.default",
    ]);
    expect(await complaintsWith({ ListRules: noBus })).toEqual([
      "warning eu-west-1: event bus default must exist, got none, although a state holds it -> find out who deleted it; npm run keyspan -- plan acme shows what makes it again",
    ]);
  });
});

describe("quotas", () => {
  const quota = (value: number) => ({
    GetServiceQuota: () => ({ json: { Quota: { Value: value } } }),
  });

  test("there is room up to the last one", async () => {
    // Most is wanted of rules and of buses: two.
    expect(await complaintsWith(quota(2))).toEqual([]);
    expect(
      await complaintsWith({ GetAccountSummary: () => ({ xml: summary(999, 1000) }) }),
    ).toEqual([]);
  });

  test("and not for one more", async () => {
    const increase = (service: string, code: string) =>
      `aws service-quotas request-service-quota-increase --region eu-west-1 --service-code ${service} --quota-code ${code} --desired-value 2, or have fewer`;
    expect(await complaintsWith(quota(1))).toEqual([
      `problem eu-west-1: KMS keys, with those that AWS manages and does not count must be at most 1, the applied quota kms/L-C2F1777E, got 1 and 1 to be added -> ${increase("kms", "L-C2F1777E")}`,
      `problem eu-west-1: event buses must be at most 1, the applied quota events/L-658A4FD9, got 1 and 1 to be added -> ${increase("events", "L-658A4FD9")}`,
      `problem eu-west-1: rules of event bus default must be at most 1, the applied quota events/L-244521F2, got 0 and 2 to be added -> ${increase("events", "L-244521F2")}`,
    ]);
    expect(
      await complaintsWith({ GetAccountSummary: () => ({ xml: summary(1000, 1000) }) }),
    ).toEqual([
      "problem acme: IAM roles must be at most 1000, the applied quota, got 1000 and 1 to be added -> request more roles per account (Service Quotas: iam, L-FE177D64), at least 1001, or delete roles that nobody uses",
    ]);
  });

  test("without an applied value what AWS gives to everyone counts", async () => {
    const rules = Array.from({ length: 299 }, (_, index) => ({ Name: `r${index}` }));
    const full = { ListRules: () => ({ json: { Rules: rules } }) };
    const MESSAGE =
      "eu-west-1: rules of event bus default must be at most 300, the initial quota events/L-244521F2, got 299 and 2 to be added";
    expect(
      await complaintsWith({
        ...full,
        GetServiceQuota: () => ({ error: "NoSuchResourceException" }),
      }),
    ).toEqual([expect.stringContaining(`problem ${MESSAGE}`)]);
    // Nobody knows whether it was raised.
    expect(await complaintsWith({ ...full, GetServiceQuota: denied })).toEqual([
      expect.stringContaining(`warning ${MESSAGE}`),
      expect.stringContaining("unknown eu-west-1"),
    ]);
  });

  test("no more than five trails", async () => {
    const trails = (count: number) => ({
      DescribeTrails: () => ({
        json: {
          trailList: Array.from({ length: count }, (_, index) => ({
            Name: `t${index}`,
            HomeRegion: "eu-west-1",
            TrailARN: `arn:t${index}`,
          })),
        },
      }),
    });
    expect(await complaintsWith(trails(4))).toEqual([]);
    expect(await complaintsWith(trails(5))).toEqual([
      "problem eu-west-1: trails must be at most 5, which AWS does not raise, got 5 and 1 to be added -> use one that exists (trail: { existing: <arn> }): arn:t0, arn:t1, arn:t2, arn:t3, arn:t4",
    ]);
  });
});

describe("trail", () => {
  const withTrail = (changed: FakeAnswers, account: Partial<AccountConfig> = EXISTING) =>
    complaintsWith({ ...TRAIL_IN_ORDER, ...changed }, account);

  test("one that records everything is in order", async () => {
    const findings = await examineWith(aws, TRAIL_IN_ORDER, EXISTING);
    expect(findings.filter(({ subject }) => subject === "trail")).toEqual([
      {
        subject: "trail",
        level: "ok",
        region: "eu-west-1",
        message: `acme: trail: ${TRAIL_ARN} covers every region, logs, and records what KMS is told to do`,
      },
    ]);
  });

  test("it is not there", async () => {
    expect(await withTrail({ DescribeTrails: () => trail({ TrailARN: "arn:other" }) })).toEqual([
      `problem acme: trail must be ${TRAIL_ARN}, got arn:other in eu-west-1 -> correct trail in accounts/acme.yaml, or let Keyspan make one: trail: create`,
    ]);
    expect(await withTrail({}, ORGANIZATION)).toEqual([
      `problem acme: trail must be the organisation's, and cover this account, got ${TRAIL_ARN} in eu-west-1 -> correct trail in accounts/acme.yaml, or let Keyspan make one: trail: create`,
    ]);
  });

  test("it covers one region, is stopped, cannot deliver, and leaves KMS out", async () => {
    expect(
      await withTrail({
        DescribeTrails: () => trail({ IsMultiRegionTrail: false }),
        GetTrailStatus: () => ({ json: { IsLogging: false, LatestDeliveryError: "AccessDenied" } }),
        GetEventSelectors: () => ({
          json: {
            EventSelectors: [
              {
                IncludeManagementEvents: true,
                ReadWriteType: "All",
                ExcludeManagementEventSources: ["kms.amazonaws.com"],
              },
            ],
          },
        }),
      }),
    ).toEqual([
      `problem acme: trail: ${TRAIL_ARN} must cover every region, got one of eu-west-1 alone -> aws cloudtrail update-trail --region eu-west-1 --name ${TRAIL_ARN} --is-multi-region-trail`,
      `problem acme: trail: ${TRAIL_ARN} must be logging, got one that is stopped -> aws cloudtrail start-logging --region eu-west-1 --name ${TRAIL_ARN}`,
      `warning acme: trail: ${TRAIL_ARN} must deliver its logs, got AccessDenied -> correct the policies of bucket logs and of its key`,
      `problem acme: trail: ${TRAIL_ARN} must record what KMS is told to do: management events that write, KMS's among them, got event selectors that leave it out -> aws cloudtrail put-event-selectors --region eu-west-1 --trail-name ${TRAIL_ARN} --event-selectors '[{"ReadWriteType":"WriteOnly","IncludeManagementEvents":true}]', which replaces the selectors that it has`,
    ]);
  });

  test("the organisation's is looked for, and may keep its settings to itself", async () => {
    expect(
      await withTrail(
        {
          DescribeTrails: () => trail({ IsOrganizationTrail: true }),
          GetEventSelectors: () => ({ error: "TrailNotFoundException", message: "not yours" }),
        },
        ORGANIZATION,
      ),
    ).toEqual([
      "unknown eu-west-1: cloudtrail:GetEventSelectors must succeed for a look at what the trail records, got TrailNotFoundException: not yours -> run doctor again; if it stays, the message is AWS's own",
    ]);
  });
});
