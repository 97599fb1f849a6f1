/**
 * `doctor` against a real AWS API. What moto cannot be made to do is tested against canned answers
 * in `__tests__/cli/doctor/`: refusals, quotas. It has no `account:ListRegions`; a canned answer
 * stands in for it here, too.
 */
import { CloudTrailClient, PutEventSelectorsCommand } from "@aws-sdk/client-cloudtrail";
import {
  CreateArchiveCommand,
  CreateEventBusCommand,
  EventBridgeClient,
  PutRuleCommand,
} from "@aws-sdk/client-eventbridge";
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { runKeyspan } from "../../cli/keyspan/program";
import { FakeAws } from "../cli/doctor/fake-aws";
import { TempProject } from "../helpers/temp-project";
import { type Moto, startMoto } from "./moto";
import {
  createBucket,
  createRoles,
  createTrail,
  type MotoSettings,
  settingsIn,
} from "./moto-account";

const ROLES = ["keyspan-deploy", "keyspan-plan", "KeyAdmin", "BreakGlass"];

let moto: Moto;
let regions: FakeAws;
let states: S3Client;
/** Every test has an account and a folder of states of its own; the bucket is theirs together. */
let lastAccount = 0;

beforeAll(async () => {
  [moto, regions] = await Promise.all([startMoto(), FakeAws.start()]);
  states = await createBucket(await settingsIn(moto, "444455556666"), "acme-terraform-state");
});

afterAll(async () => {
  await Promise.all([moto.stop(), regions.stop()]);
});

/** An account in AWS that is ready, and what its file says. */
class TestAccount {
  private constructor(
    readonly id: string,
    readonly name: string,
    readonly settings: MotoSettings,
  ) {}

  /** @param roles - those that exist before the first apply */
  static async create(roles: readonly string[] = ROLES): Promise<TestAccount> {
    lastAccount += 1;
    const id = String(100_000_000_000 + lastAccount);
    const settings = await settingsIn(moto, id);
    await createRoles(settings, roles);
    return new TestAccount(id, `acme-${lastAccount}`, settings);
  }

  /** Runs the doctor on it; returns what is not in order, and how it ended. */
  async doctor(
    more = "",
    status = "ENABLED",
    bus?: string,
    archive?: string,
  ): Promise<{ readonly code: number; readonly complaints: readonly string[] }> {
    regions.answer({
      ListRegions: () => ({
        json: {
          Regions: [
            { RegionName: "eu-west-1", RegionOptStatus: "ENABLED_BY_DEFAULT" },
            { RegionName: "eu-south-1", RegionOptStatus: status },
          ],
        },
      }),
    });
    const project = new TempProject({
      [this.name]: `
version: 1
account: { id: "${this.id}" }
homeRegion: eu-west-1
regions: [eu-west-1, eu-south-1]
buses: { ${[`orders: { producers: ["${this.id}"] }`, bus].filter(Boolean).join(", ")} }
archives: { ${["orders: { bus: orders, retentionDays: 7 }", archive].filter(Boolean).join(", ")} }
protect: false
${more}
`,
    });
    try {
      const { code, out, err } = await project.run(runKeyspan, ["doctor", this.name, "--json"], {
        env: { ...moto.env, AWS_ENDPOINT_URL_ACCOUNT: regions.endpoint },
      });
      expect(err).toBe(`${this.name}: looking at account ${this.id}\n`);
      const { findings } = JSON.parse(out) as {
        findings: { level: string; message: string; fix?: string }[];
      };
      return {
        code,
        complaints: findings
          .filter(({ level }) => level !== "ok")
          .map(({ level, message, fix }) => `${level} ${message} -> ${fix}`),
      };
    } finally {
      project.remove();
    }
  }
}

test("an account that is ready has no complaints", async () => {
  const account = await TestAccount.create();
  expect(await account.doctor()).toEqual({ code: 0, complaints: [] });
});

test("a region that is not enabled", async () => {
  const account = await TestAccount.create();
  const { code, complaints } = await account.doctor("", "DISABLED");
  expect(code).toBe(1);
  expect(complaints).toEqual([
    expect.stringMatching(
      /^problem .*\.yaml:5:22: region eu-south-1 must be enabled in account 1\d+, got DISABLED -> aws account enable-region --region-name eu-south-1, with an administrator of the account, or take the region out of the file$/,
    ),
  ]);
});

test("a bucket of states that is not there, and one that keeps no versions", async () => {
  const account = await TestAccount.create();
  expect(await account.doctor("state: { bucket: acme-nowhere }")).toEqual({
    code: 1,
    complaints: [
      `problem ${account.name}: state.bucket must exist in account 444455556666, got none named acme-nowhere -> npm run keyspan -- bootstrap ${account.name}, or correct state.bucket in accounts/`,
    ],
  });
  await createBucket(await settingsIn(moto, "444455556666"), "acme-forgetful", false);
  expect(await account.doctor("state: { bucket: acme-forgetful }")).toEqual({
    code: 1,
    complaints: [
      `problem ${account.name}: versioning of bucket acme-forgetful must be Enabled, or a state that is overwritten is lost, got nothing -> npm run keyspan -- bootstrap ${account.name}, or aws s3api put-bucket-versioning --bucket acme-forgetful --versioning-configuration Status=Enabled`,
    ],
  });
});

test("locks that somebody holds", async () => {
  const account = await TestAccount.create();
  for (const [key, ID] of [
    ["account.lock", "a-1"],
    ["notifications.tfstate.tflock", "n-1"],
  ]) {
    await states.send(
      new PutObjectCommand({
        Bucket: "acme-terraform-state",
        Key: `keyspan/${account.name}/${key}`,
        Body: JSON.stringify({
          ID,
          Operation: "apply",
          Who: "ann@laptop",
          Created: "2026-11-22T10:00:00Z",
        }),
      }),
    );
  }
  const held = (what: string, id: string) =>
    `warning ${account.name}: ${what} must be free, got the lock ${id}, held by ann@laptop since 2026-11-22T10:00:00Z for apply -> wait for that run; if it is dead: npm run keyspan -- unlock ${account.name} --id ${id}`;
  expect(await account.doctor()).toEqual({
    code: 0,
    complaints: [held(`account ${account.name}`, "a-1"), held("the state of notifications", "n-1")],
  });
});

test("roles that are not there", async () => {
  const account = await TestAccount.create(["keyspan-plan", "KeyAdmin", "BreakGlass"]);
  await createRoles(account.settings, ["keyspan-deploy"], "/pipelines/");
  const iam = `arn:aws:iam::${account.id}:role`;
  const more = `
keys:
  archive:
    breakGlass: [${iam}/Nobody]
    users: [${iam}/App]
    externalUsers: [arn:aws:iam::999988887777:role/Partner]
`;
  const FIX = `create the role, or correct the ARN in accounts/${account.name}.yaml or accounts/defaults.yaml`;
  expect(await account.doctor(more)).toEqual({
    code: 1,
    complaints: [
      `problem ${account.name}: account.deployRole must name a role that exists, got ${iam}/keyspan-deploy, while the role of that name is ${iam}/pipelines/keyspan-deploy -> write the ARN with the role's path in accounts/${account.name}.yaml`,
      `problem ${account.name}: keys.archive.breakGlass must name a role that exists, got ${iam}/Nobody, which does not -> ${FIX}`,
      `warning ${account.name}: keys.archive.users must name a role that exists, got ${iam}/App, which does not -> ${FIX}`,
      `unknown ${account.name}: keys.archive.externalUsers must name a role that exists, got arn:aws:iam::999988887777:role/Partner, which only account 999988887777 can look up -> aws iam get-role --role-name Partner, in account 999988887777`,
    ],
  });
});

test("names that are taken, each with what would adopt it; what a state holds is not", async () => {
  const account = await TestAccount.create([...ROLES, "keyspan-sweep"]);
  const { settings, id, name } = account;
  const kms = new KMSClient(settings);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  await kms.send(
    new CreateAliasCommand({ AliasName: "alias/keyspan-archive", TargetKeyId: KeyMetadata?.KeyId }),
  );
  const events = new EventBridgeClient(settings);
  await events.send(new CreateEventBusCommand({ Name: "orders" }));
  await events.send(
    new CreateArchiveCommand({
      ArchiveName: "orders",
      EventSourceArn: `arn:aws:events:eu-west-1:${id}:event-bus/orders`,
    }),
  );
  await events.send(
    new PutRuleCommand({ Name: "keyspan-forward-alarms", EventPattern: '{"source":["a"]}' }),
  );
  await createTrail(settings, { name: "keyspan", isMultiRegion: true, isLogging: true });
  await createBucket(settings, `keyspan-trail-${id}-eu-west-1`);

  const problem = (
    region: string,
    taken: string,
    what: string,
    got: string,
    stack: string,
    address: string,
    importId: string,
  ) =>
    `problem ${region}: the name ${taken} must be free for ${what} ${address}, got ${got} and is in no state -> if it is left over from an apply that was cut off, adopt it: npm run keyspan -- import ${name} ${stack} ${address} ${importId}; else rename or delete it`;
  const bus = problem(
    "eu-west-1",
    "orders",
    "event bus",
    "one that exists",
    "archive-eu-west-1",
    "aws_cloudwatch_event_bus.orders",
    "orders@eu-west-1",
  );
  const all = [
    problem(
      name,
      "keyspan-sweep",
      "role",
      "one that exists",
      "notifications",
      "aws_iam_role.keyspan-sweep",
      "keyspan-sweep",
    ),
    problem(
      "eu-west-1",
      "alias/keyspan-archive",
      "alias",
      `one that points to key ${KeyMetadata?.KeyId}`,
      "keys",
      "aws_kms_alias.archive_eu-west-1",
      "alias/keyspan-archive@eu-west-1",
    ),
    bus,
    problem(
      "eu-west-1",
      "orders",
      "archive",
      "one that exists",
      "archive-eu-west-1",
      "aws_cloudwatch_event_archive.orders",
      "orders@eu-west-1",
    ),
    problem(
      "eu-west-1",
      "keyspan-forward-alarms",
      "rule",
      "one that exists",
      "notifications",
      "aws_cloudwatch_event_rule.forward-alarms_eu-west-1",
      "keyspan-forward-alarms@eu-west-1",
    ),
    problem(
      "eu-west-1",
      `keyspan-trail-${id}-eu-west-1`,
      "bucket",
      "one that exists",
      "notifications",
      "aws_s3_bucket.trail",
      `keyspan-trail-${id}-eu-west-1@eu-west-1`,
    ),
    problem(
      "eu-west-1",
      "keyspan",
      "trail",
      "one that exists",
      "notifications",
      "aws_cloudtrail.keyspan",
      `arn:aws:cloudtrail:eu-west-1:${id}:trail/keyspan@eu-west-1`,
    ),
  ];
  expect(await account.doctor()).toEqual({ code: 1, complaints: all });

  await states.send(
    new PutObjectCommand({
      Bucket: "acme-terraform-state",
      Key: `keyspan/${name}/archive-eu-west-1.tfstate`,
      Body: JSON.stringify({
        version: 4,
        terraform_version: "1.11.4",
        lineage: "l",
        serial: 1,
        resources: [
          {
            mode: "managed",
            type: "aws_cloudwatch_event_bus",
            name: "orders",
            instances: [{ attributes: { region: "eu-west-1", name: "orders" } }],
          },
        ],
      }),
    }),
  );
  expect(await account.doctor()).toEqual({
    code: 1,
    complaints: all.filter((complaint) => complaint !== bus),
  });
});

test("a bus that the file says exists, and does not", async () => {
  const account = await TestAccount.create();
  const { code, complaints } = await account.doctor(
    "",
    "ENABLED",
    "old: { existing: true, regions: [eu-west-1] }",
    "old: { bus: old, retentionDays: 7 }",
  );
  expect(code).toBe(1);
  expect(complaints).toEqual([
    "problem eu-west-1: event bus old must exist, got none, and buses.old.existing is true -> create the bus in eu-west-1, or let Keyspan make it: take existing out of buses.old",
  ]);
});

test("no room for a trail", async () => {
  const account = await TestAccount.create();
  const names = Array.from({ length: 5 }, (_, index) => `trail-${account.id}-${index}`);
  for (const trail of names) {
    await createTrail(account.settings, { name: trail, isMultiRegion: false, isLogging: false });
  }
  const arns = names.map((trail) => `arn:aws:cloudtrail:eu-west-1:${account.id}:trail/${trail}`);
  expect(await account.doctor()).toEqual({
    code: 1,
    complaints: [
      `problem eu-west-1: trails must be at most 5, which AWS does not raise, got 5 and 1 to be added -> use one that exists (trail: { existing: <arn> }): ${arns.join(", ")}`,
    ],
  });
});

test("a trail of the account's own: missing, of one region, stopped, deaf to KMS, in order", async () => {
  const account = await TestAccount.create();
  const { settings, id, name } = account;
  const arnOf = (trail: string) => `arn:aws:cloudtrail:eu-west-1:${id}:trail/${trail}`;
  const withTrail = (trail: string) => account.doctor(`trail: { existing: "${arnOf(trail)}" }`);

  expect(await withTrail("none")).toEqual({
    code: 1,
    complaints: [
      `problem ${name}: trail must be ${arnOf("none")}, got no trail in eu-west-1 -> correct trail in accounts/${name}.yaml, or let Keyspan make one: trail: create`,
    ],
  });
  await createTrail(settings, { name: `one-${id}`, isMultiRegion: false, isLogging: false });
  expect(await withTrail(`one-${id}`)).toEqual({
    code: 1,
    complaints: [
      `problem ${name}: trail: ${arnOf(`one-${id}`)} must cover every region, got one of eu-west-1 alone -> aws cloudtrail update-trail --region eu-west-1 --name ${arnOf(`one-${id}`)} --is-multi-region-trail`,
      `problem ${name}: trail: ${arnOf(`one-${id}`)} must be logging, got one that is stopped -> aws cloudtrail start-logging --region eu-west-1 --name ${arnOf(`one-${id}`)}`,
    ],
  });
  const all = `all-${id}`;
  await createTrail(settings, { name: all, isMultiRegion: true, isLogging: true });
  expect(await withTrail(all)).toEqual({ code: 0, complaints: [] });
  await new CloudTrailClient(settings).send(
    new PutEventSelectorsCommand({
      TrailName: all,
      EventSelectors: [
        {
          ReadWriteType: "All",
          IncludeManagementEvents: true,
          ExcludeManagementEventSources: ["kms.amazonaws.com"],
        },
      ],
    }),
  );
  expect(await withTrail(all)).toEqual({
    code: 1,
    complaints: [
      `problem ${name}: trail: ${arnOf(all)} must record what KMS is told to do: management events that write, KMS's among them, got event selectors that leave it out -> aws cloudtrail put-event-selectors --region eu-west-1 --trail-name ${arnOf(all)} --event-selectors '[{"ReadWriteType":"WriteOnly","IncludeManagementEvents":true}]', which replaces the selectors that it has`,
    ],
  });
});

test("an organisation's trail that does not reach the account", async () => {
  const account = await TestAccount.create();
  expect(await account.doctor("trail: organization")).toEqual({
    code: 1,
    complaints: [
      `problem ${account.name}: trail must be the organisation's, and cover this account, got no trail in eu-west-1 -> correct trail in accounts/${account.name}.yaml, or let Keyspan make one: trail: create`,
    ],
  });
});
