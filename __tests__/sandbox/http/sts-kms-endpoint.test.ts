/** Who is who, and what KMS tells, with the real clients. */

import { join } from "node:path";
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  KMSClient,
  ListAliasesCommand,
  ListResourceTagsCommand,
  paginateListKeys,
  paginateListResourceTags,
} from "@aws-sdk/client-kms";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { KMS_ALIASES, KMS_KEYS, type KmsKeyObject } from "../../../sandbox/aws/kms";
import { ObjectStore } from "../../../sandbox/aws/object-store";
import type { LocalEndpoints } from "../../../sandbox/http/endpoint-server";
import { outcomeOf, stateAccount, TestEndpoints } from "../../helpers/endpoints";

const SMALL = stateAccount("small");
const OTHER = stateAccount("other", "222233334444");

let files: TestEndpoints;
let endpoints: LocalEndpoints;
beforeEach(async () => {
  files = new TestEndpoints([SMALL, OTHER]);
  endpoints = await files.start();
});
afterEach(() => files.remove());

describe("STS", () => {
  const FIRST = { accessKeyId: "first", secretAccessKey: "first" };
  const sts = (credentials: object = FIRST, { url } = endpoints) =>
    new STSClient({ region: "eu-west-1", endpoint: url, credentials: credentials as typeof FIRST });
  const assume = (RoleArn: string, RoleSessionName = "keyspan-plan-small") =>
    sts().send(new AssumeRoleCommand({ RoleArn, RoleSessionName, DurationSeconds: 900 }));

  test.each([SMALL.planRole, SMALL.deployRole, SMALL.state.writeRole, OTHER.state.readRole])(
    "%s can be taken, and is known to every server of the sandbox",
    async (roleArn) => {
      const before = Date.now();
      const { Credentials, AssumedRoleUser } = await assume(roleArn);
      const [, account, role] = /^arn:aws:iam::(\d+):role\/(.+)$/.exec(roleArn) ?? [];
      const Arn = `arn:aws:sts::${account}:assumed-role/${role}/keyspan-plan-small`;
      expect(AssumedRoleUser?.Arn).toBe(Arn);
      expect(Credentials?.AccessKeyId).toMatch(/^ASIA[0-9A-F]{16}$/);
      const seconds = (Number(Credentials?.Expiration) - before) / 1000;
      expect(seconds).toBeGreaterThan(895);
      expect(seconds).toBeLessThan(910);
      const other = await files.start();
      const taken = sts(
        {
          accessKeyId: Credentials?.AccessKeyId,
          secretAccessKey: Credentials?.SecretAccessKey,
          sessionToken: Credentials?.SessionToken,
        },
        other,
      );
      expect(await taken.send(new GetCallerIdentityCommand({}))).toMatchObject({
        Account: account,
        Arn,
        UserId: expect.stringMatching(/:keyspan-plan-small$/),
      });
      expect(other.requests).toEqual([
        { operation: "STS: GetCallerIdentity", resource: "", role: roleArn, status: 200 },
      ]);
    },
  );

  test("knows no other role, and no session name that STS would refuse", async () => {
    await expect(assume("arn:aws:iam::111122223333:role/keyspan-deployer")).rejects.toThrow(
      "User: arn:aws:iam::444455556666:user/sandbox is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/keyspan-deployer",
    );
    expect(await outcomeOf(assume("arn:aws:iam::111122223333:role/x"))).toBe("AccessDenied 403");
    for (const [name, outcome] of [
      ["a".repeat(64), "ok"],
      ["a".repeat(65), "ValidationError 400"],
      ["a", "ValidationError 400"],
      ["not/this", "ValidationError 400"],
    ] as const) {
      expect(await outcomeOf(assume(SMALL.planRole, name))).toBe(outcome);
    }
  });

  test("takes whoever has first credentials for a user", async () => {
    expect(await sts().send(new GetCallerIdentityCommand({}))).toMatchObject({
      Account: "444455556666",
      Arn: "arn:aws:iam::444455556666:user/sandbox",
    });
  });
});

describe("KMS", () => {
  const HOME = "eu-west-1";
  const keyArn = (region: string, id: string, account = SMALL.id) =>
    `arn:aws:kms:${region}:${account}:key/${id}`;
  const key = (keyId: string, more: Partial<KmsKeyObject> = {}): KmsKeyObject => ({
    keyId,
    arn: keyArn(HOME, keyId),
    description: `key ${keyId}`,
    policy: "{}",
    multiRegion: false,
    primaryRegion: HOME,
    enabled: true,
    tags: {},
    ...more,
  });
  const ids = Array.from({ length: 103 }, (_, index) => `key-${String(index).padStart(3, "0")}`);
  const kms = (region = HOME, role: "plan" | "deploy" = "plan", account = SMALL) =>
    new KMSClient(files.settings(endpoints, role, account, region));
  const listed = async (client: KMSClient, pageSize?: number) => {
    const found: (string | undefined)[] = [];
    const sizes: number[] = [];
    for await (const { Keys = [] } of paginateListKeys(
      { client, ...(pageSize !== undefined && { pageSize }) },
      {},
    )) {
      found.push(...Keys.map(({ KeyId }) => KeyId));
      sizes.push(Keys.length);
    }
    return { found, sizes };
  };

  let store: ObjectStore;
  beforeEach(() => {
    store = new ObjectStore(join(files.directory, "aws", SMALL.id));
  });
  const putKey = (region: string, object: KmsKeyObject) =>
    store.put(KMS_KEYS, region, object.keyId, object);

  test("lists the keys of the role's account and the signed region, page by page", async () => {
    for (const id of ids) {
      putKey(HOME, key(id));
    }
    putKey("eu-central-1", key("elsewhere"));
    expect(await listed(kms())).toEqual({ found: ids, sizes: [100, 3] });
    expect(await listed(kms(HOME, "deploy"), 51)).toEqual({ found: ids, sizes: [51, 51, 1] });
    expect(await listed(kms("eu-central-1"))).toEqual({ found: ["elsewhere"], sizes: [1] });
    expect(await listed(kms(HOME, "plan", OTHER))).toEqual({ found: [], sizes: [0] });
    expect(endpoints.requests.slice(1, 3)).toEqual([
      { operation: "KMS: ListKeys", resource: "", role: SMALL.planRole, status: 200 },
      { operation: "KMS: ListKeys", resource: "", role: SMALL.planRole, status: 200 },
    ]);
  });

  test("describes a key by id, ARN and alias, in every state", async () => {
    const multi = { multiRegion: true, primaryRegion: HOME };
    putKey(HOME, key("mrk-one", { ...multi, tags: { Owner: "platform" } }));
    putKey("eu-central-1", key("mrk-one", { ...multi, arn: keyArn("eu-central-1", "mrk-one") }));
    putKey(HOME, key("disabled", { enabled: false }));
    putKey(HOME, key("going", { deletion: { windowDays: 7, date: "2026-12-01T00:00:00.000Z" } }));
    putKey(HOME, key("waiting", { ...multi, deletion: { windowDays: 9 } }));
    store.put(KMS_ALIASES, HOME, "alias/one", { name: "alias/one", targetKeyId: "mrk-one" });

    const describeKey = async (KeyId: string, region = HOME) =>
      (await kms(region).send(new DescribeKeyCommand({ KeyId }))).KeyMetadata;
    const described = await describeKey("mrk-one");
    expect(described).toEqual({
      AWSAccountId: SMALL.id,
      Arn: keyArn(HOME, "mrk-one"),
      CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
      Description: "key mrk-one",
      Enabled: true,
      EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
      KeyId: "mrk-one",
      KeyManager: "CUSTOMER",
      KeySpec: "SYMMETRIC_DEFAULT",
      KeyState: "Enabled",
      KeyUsage: "ENCRYPT_DECRYPT",
      MultiRegion: true,
      MultiRegionConfiguration: {
        MultiRegionKeyType: "PRIMARY",
        PrimaryKey: { Arn: keyArn(HOME, "mrk-one"), Region: HOME },
        ReplicaKeys: [{ Arn: keyArn("eu-central-1", "mrk-one"), Region: "eu-central-1" }],
      },
      Origin: "AWS_KMS",
    });
    for (const name of [
      keyArn(HOME, "mrk-one"),
      "alias/one",
      `arn:aws:kms:${HOME}:${SMALL.id}:alias/one`,
    ]) {
      expect(await describeKey(name)).toEqual(described);
    }
    expect(await describeKey("mrk-one", "eu-central-1")).toMatchObject({
      MultiRegionConfiguration: { MultiRegionKeyType: "REPLICA" },
    });
    expect(await describeKey("disabled")).toMatchObject({ KeyState: "Disabled", Enabled: false });
    expect(await describeKey("going")).toMatchObject({
      KeyState: "PendingDeletion",
      Enabled: false,
      DeletionDate: new Date("2026-12-01T00:00:00.000Z"),
    });
    expect(await describeKey("waiting")).toMatchObject({
      KeyState: "PendingReplicaDeletion",
      PendingDeletionWindowInDays: 9,
    });
    for (const unknown of ["nobody", "alias/nobody", keyArn("eu-central-1", "mrk-one")]) {
      expect(await outcomeOf(describeKey(unknown))).toBe("NotFoundException 400");
    }
    await expect(describeKey("alias/nobody")).rejects.toThrow(
      `Key 'arn:aws:kms:${HOME}:${SMALL.id}:alias/nobody' does not exist`,
    );
  });

  test("lists tags and aliases", async () => {
    const tags = Object.fromEntries(ids.slice(0, 51).map((id) => [id, `of ${id}`]));
    putKey(HOME, key("one", { tags }));
    putKey(HOME, key("two"));
    for (const [name, targetKeyId] of [
      ["alias/b", "one"],
      ["alias/a", "one"],
      ["alias/c", "two"],
    ] as const) {
      store.put(KMS_ALIASES, HOME, name, { name, targetKeyId });
    }
    const found: Record<string, string | undefined> = {};
    const client = kms();
    for await (const { Tags = [] } of paginateListResourceTags({ client }, { KeyId: "one" })) {
      for (const { TagKey = "", TagValue } of Tags) {
        found[TagKey] = TagValue;
      }
    }
    expect(found).toEqual(tags);
    const aliases = async (KeyId?: string) =>
      (await client.send(new ListAliasesCommand({ KeyId }))).Aliases?.map(
        ({ AliasName, TargetKeyId }) => `${AliasName} ${TargetKeyId}`,
      );
    expect(await aliases()).toEqual(["alias/a one", "alias/b one", "alias/c two"]);
    expect(await aliases("two")).toEqual(["alias/c two"]);
    const { Aliases } = await client.send(new ListAliasesCommand({ KeyId: "two" }));
    expect(Aliases?.[0]?.AliasArn).toBe(`arn:aws:kms:${HOME}:${SMALL.id}:alias/c`);
    expect(await outcomeOf(client.send(new ListResourceTagsCommand({ KeyId: "nobody" })))).toBe(
      "NotFoundException 400",
    );
  });

  test("changes nothing, and tells nobody who has no role", async () => {
    expect(await outcomeOf(kms().send(new CreateKeyCommand({})))).toBe(
      "UnknownOperationException 400",
    );
    const nobody = new KMSClient({
      region: HOME,
      endpoint: endpoints.url,
      credentials: { accessKeyId: "first", secretAccessKey: "first" },
    });
    expect(await outcomeOf(listed(nobody))).toBe("AccessDeniedException 400");
  });
});
