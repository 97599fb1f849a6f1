/** The state bucket over HTTP, with the real client: conditions, lists, and what each role may do. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import type { AccountRole } from "../../../cli/aws-access";
import type { AccountConfig } from "../../../config/account-config";
import { statePolicy } from "../../../modules/iam/state-role-policy";
import { startEndpointProcess } from "../../../sandbox/endpoint-process";
import type { LocalEndpoints } from "../../../sandbox/http/endpoint-server";
import { STATE_GRANTS } from "../../../sandbox/http/state-access";
import { DEFAULT_WORKSPACE_KEYS } from "../../../stacks/state-stack";
import { outcomeOf, stateAccount, TestEndpoints } from "../../helpers/endpoints";

const SMALL = stateAccount("small");
const OTHER = stateAccount("other", "222233334444");
const ELSEWHERE = stateAccount("elsewhere", "333344445555", "another-bucket");
const Bucket = SMALL.state.bucket;

let files: TestEndpoints;
let endpoints: LocalEndpoints;
beforeEach(async () => {
  files = new TestEndpoints([SMALL, OTHER, ELSEWHERE]);
  endpoints = await files.start();
});
afterEach(() => files.remove());

const clientOf = (role: AccountRole, account: AccountConfig = SMALL, at = endpoints) =>
  new S3Client({ ...files.settings(at, role, account), forcePathStyle: true });
const fileOf = (key: string) => join(files.directory, "s3", Bucket, key);
const put = (client: S3Client, Key: string, Body: string, more: object = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const textAt = async (client: S3Client, Key: string, more: object = {}) => {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Body?.transformToString();
};
const etagOf = (text: string) => `"${createHash("md5").update(text).digest("hex")}"`;

/** An object that the writing role may write, read and delete. */
const OWN = "keyspan/small/account.lock";

describe("an object", () => {
  test("is a file that a person can read, with its ETag and its time", async () => {
    const s3 = clientOf("state-write");
    expect(await put(s3, OWN, "{}")).toMatchObject({
      ETag: etagOf("{}"),
      ServerSideEncryption: "AES256",
    });
    expect(readFileSync(fileOf(OWN), "utf8")).toBe("{}");
    const time = new Date("2026-01-02T03:04:05Z");
    utimesSync(fileOf(OWN), time, time);
    for (const command of [HeadObjectCommand, GetObjectCommand]) {
      expect(await s3.send(new command({ Bucket, Key: OWN }) as GetObjectCommand)).toMatchObject({
        ETag: etagOf("{}"),
        LastModified: time,
        ContentLength: 2,
      });
    }
    expect(await textAt(s3, OWN)).toBe("{}");
    expect(await s3.send(new DeleteObjectCommand({ Bucket, Key: OWN }))).toMatchObject({});
    expect(existsSync(fileOf(OWN))).toBe(false);
    expect(await outcomeOf(s3.send(new DeleteObjectCommand({ Bucket, Key: OWN })))).toBe("ok");
  });

  test("arrives as it was sent: as a stream in chunks, in any bytes, or not at all", async () => {
    const s3 = clientOf("state-write");
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256));
    await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: OWN,
        Body: Readable.from([
          bytes.subarray(0, 10),
          bytes.subarray(10, 200_000),
          bytes.subarray(200_000),
        ]),
        ContentLength: bytes.length,
      }),
    );
    expect(readFileSync(fileOf(OWN)).equals(bytes)).toBe(true);
    for (const ChecksumAlgorithm of ["SHA256", "SHA1", "CRC32C"]) {
      expect(await outcomeOf(put(s3, OWN, "äöü", { ChecksumAlgorithm }))).toBe("ok");
    }
    expect(readFileSync(fileOf(OWN), "utf8")).toBe("äöü");
    for (const damaged of [
      { ContentMD5: createHash("md5").update("other").digest("base64") },
      { ChecksumSHA256: createHash("sha256").update("other").digest("base64") },
      { ChecksumCRC32: "AAAAAA==" },
    ]) {
      expect(await outcomeOf(put(s3, OWN, "mine", damaged))).toBe("BadDigest 400");
    }
    expect(readFileSync(fileOf(OWN), "utf8")).toBe("äöü");
  });

  test("is read in parts, as Terraform does", async () => {
    const s3 = clientOf("state-write");
    await put(s3, OWN, "0123456789");
    expect(await textAt(s3, OWN, { Range: "bytes=0-5242879" })).toBe("0123456789");
    expect(await textAt(s3, OWN, { Range: "bytes=2-4" })).toBe("234");
    expect(await textAt(s3, OWN, { Range: "bytes=8-" })).toBe("89");
    expect(
      await s3.send(new GetObjectCommand({ Bucket, Key: OWN, Range: "bytes=2-4" })),
    ).toMatchObject({ ContentRange: "bytes 2-4/10", ContentLength: 3 });
    expect(await outcomeOf(textAt(s3, OWN, { Range: "bytes=10-12" }))).toBe("InvalidRange 416");
  });

  test("has no key that leads out of its bucket, or that no file can have", async () => {
    const s3 = clientOf("state-write");
    for (const key of ["../../outside", "a/../../b", "a//b", "a/./b"]) {
      expect(await outcomeOf(put(s3, `keyspan/small/${key}`, "x"))).toMatch(
        /^(NotImplemented 501|AccessDenied 403)$/,
      );
    }
    expect(existsSync(join(files.directory, "outside"))).toBe(false);
    await put(s3, "keyspan/small/a", "x");
    expect(await outcomeOf(put(s3, "keyspan/small/a/b", "x"))).toBe("NotImplemented 501");
    expect(await textAt(s3, "keyspan/small/a")).toBe("x");
  });
});

describe("a condition", () => {
  test("If-None-Match lets one of many writers win, on several servers too", async () => {
    const servers = [endpoints, await files.start(), await files.start()];
    const results = await Promise.all(
      Array.from({ length: 24 }, (_, index) =>
        outcomeOf(
          put(
            clientOf("state-write", SMALL, servers[index % servers.length]),
            "keyspan/small/account.lock",
            `writer ${index}`,
            { IfNoneMatch: "*" },
          ),
        ),
      ),
    );
    expect(results.filter((result) => result === "ok")).toHaveLength(1);
    expect(new Set(results)).toEqual(new Set(["ok", "PreconditionFailed 412"]));
    expect(readFileSync(fileOf("keyspan/small/account.lock"), "utf8")).toBe(
      `writer ${results.indexOf("ok")}`,
    );
  });

  test("If-None-Match wants no object, and anybody may write again when it is gone", async () => {
    const s3 = clientOf("state-write");
    await put(s3, OWN, "first", { IfNoneMatch: "*" });
    // As Terraform writes its locks; the answer is not of that type.
    const ContentType = "application/json";
    expect(await outcomeOf(put(s3, OWN, "second", { IfNoneMatch: "*", ContentType }))).toBe(
      "PreconditionFailed 412",
    );
    expect(await textAt(s3, OWN)).toBe("first");
    await s3.send(new DeleteObjectCommand({ Bucket, Key: OWN }));
    await put(s3, OWN, "second", { IfNoneMatch: "*" });
    expect(await textAt(s3, OWN)).toBe("second");
  });

  test("If-Match wants the object that the writer has read", async () => {
    const s3 = clientOf("state-write");
    expect(await outcomeOf(put(s3, OWN, "x", { IfMatch: etagOf("x") }))).toBe("NoSuchKey 404");
    await put(s3, OWN, "first");
    expect(await outcomeOf(put(s3, OWN, "second", { IfMatch: etagOf("other") }))).toBe(
      "PreconditionFailed 412",
    );
    expect(await textAt(s3, OWN)).toBe("first");
    const results = await Promise.all(
      [1, 2, 3, 4].map((n) => outcomeOf(put(s3, OWN, `next ${n}`, { IfMatch: etagOf("first") }))),
    );
    expect(results.toSorted()).toEqual([
      "PreconditionFailed 412",
      "PreconditionFailed 412",
      "PreconditionFailed 412",
      "ok",
    ]);
    const remove = (IfMatch: string) =>
      outcomeOf(s3.send(new DeleteObjectCommand({ Bucket, Key: OWN, IfMatch })));
    expect(await remove(etagOf("first"))).toBe("PreconditionFailed 412");
    expect(await remove("*")).toBe("ok");
    expect(await remove("*")).toBe("PreconditionFailed 412");
    expect(await remove(etagOf("first"))).toBe("NoSuchKey 404");
  });

  test("nobody ever reads half an object, from another process either", async () => {
    const server = await startEndpointProcess({
      directory: files.directory,
      accounts: [SMALL, OTHER],
    });
    try {
      const s3 = clientOf("state-write", SMALL, { ...server, requests: [] });
      const versions = ["a", "b"].map((letter) => letter.repeat(4_000_000));
      await put(s3, OWN, versions[0] ?? "");
      let isDone = false;
      const writing = (async () => {
        for (let n = 1; n <= 8; n += 1) {
          await put(s3, OWN, versions[n % 2] ?? "");
        }
        isDone = true;
      })();
      const seen = new Set<number>();
      while (!isDone) {
        seen.add(statSync(fileOf(OWN)).size);
        await new Promise(setImmediate);
      }
      await writing;
      expect([...seen]).toEqual([4_000_000]);
      expect(versions).toContain(await textAt(clientOf("state-read"), OWN));
    } finally {
      server.stop();
    }
  });
});

describe("a list", () => {
  const KEYS = [
    "keyspan/other/keys.tfstate",
    "keyspan/small/archive-eu-west-1.tfstate",
    "keyspan/small/keys.tfstate",
    "keyspan/small/keys.tfstate.tflock",
    "plans/abc/small/keys.tfplan",
  ];
  beforeEach(async () => {
    const other = clientOf("state-write", OTHER);
    const small = clientOf("state-write");
    for (const key of KEYS.toReversed()) {
      const client = key.startsWith("keyspan/other") ? other : small;
      await put(client, key, key, { IfNoneMatch: "*" });
    }
  });
  const list = (more: object = {}) =>
    clientOf("state-read").send(new ListObjectsV2Command({ Bucket, ...more }));
  const keysIn = ({
    Contents = [],
  }: {
    readonly Contents?: { readonly Key?: string }[] | undefined;
  }) => Contents.map(({ Key }) => Key);

  test("has every key in the order of its bytes, with size, ETag and time", async () => {
    const listed = await list();
    expect(keysIn(listed)).toEqual(KEYS);
    expect(listed).toMatchObject({ KeyCount: KEYS.length, IsTruncated: false, Name: Bucket });
    expect(listed.Contents?.[0]).toMatchObject({
      Size: KEYS[0]?.length,
      ETag: etagOf(KEYS[0] ?? ""),
      LastModified: expect.any(Date),
    });
  });

  test("begins with a prefix, ends at a delimiter, and starts after a key", async () => {
    expect(keysIn(await list({ Prefix: "keyspan/small/k" }))).toEqual(KEYS.slice(2, 4));
    expect(keysIn(await list({ Prefix: "nothing/" }))).toEqual([]);
    const folders = await list({ Prefix: "keyspan/", Delimiter: "/" });
    expect(folders.CommonPrefixes).toEqual([
      { Prefix: "keyspan/other/" },
      { Prefix: "keyspan/small/" },
    ]);
    expect(folders).toMatchObject({ KeyCount: 2 });
    expect(keysIn(folders)).toEqual([]);
    expect(keysIn(await list({ StartAfter: KEYS[2] }))).toEqual(KEYS.slice(3));
  });

  test.each([1, 2, 4, 5, 6])("comes in pages of %d", async (MaxKeys) => {
    const pages: (string | undefined)[][] = [];
    for await (const page of paginateListObjectsV2(
      { client: clientOf("state-read"), pageSize: MaxKeys },
      { Bucket },
    )) {
      pages.push(keysIn(page));
    }
    expect(pages.flat()).toEqual(KEYS);
    expect(pages).toHaveLength(Math.ceil(KEYS.length / MaxKeys));
  });

  test("counts folders among the entries of a page", async () => {
    const [first, second] = [
      await list({ Delimiter: "/", MaxKeys: 1 }),
      await list({ Delimiter: "/", MaxKeys: 1, StartAfter: "keyspan/" }),
    ];
    expect(first).toMatchObject({ IsTruncated: true, CommonPrefixes: [{ Prefix: "keyspan/" }] });
    const next = await list({ Delimiter: "/", ContinuationToken: first.NextContinuationToken });
    expect(next).toMatchObject({ IsTruncated: false, CommonPrefixes: [{ Prefix: "plans/" }] });
    expect(second.CommonPrefixes).toEqual([{ Prefix: "plans/" }]);
  });
});

describe("a role", () => {
  /** What each role may do with the objects of account `small`, and of the others: `r`ead, `w`rite, `d`elete, `n`ew only. */
  const TABLE: readonly (readonly [key: string, byRole: Readonly<Record<string, string>>])[] = [
    ["keyspan/small/keys.tfstate", { "state-write": "rw", "state-read": "r" }],
    ["keyspan/small/keys.tfstate.tflock", { "state-write": "rwd", "state-read": "r" }],
    ["keyspan/small/account.lock", { "state-write": "rwd", "state-read": "r" }],
    ["keys.tfstate", { "state-write": "r", "state-read": "r" }],
    ["notifications.tfstate", { "state-write": "r", "state-read": "r" }],
    ["archive-eu-west-1.tfstate", { "state-write": "r", "state-read": "r" }],
    ["plans/abc/small/keys.tfplan", { "state-write": "rn", "state-read": "n" }],
    ["plans/abc/other/keys.tfplan", {}],
    ["plans/abc/plans.json", { "state-write": "rn", "state-read": "n" }],
    ["plans/abc/keys.tfplan", {}],
    ["keyspan/other/keys.tfstate", {}],
    ["keyspan/smaller/keys.tfstate", {}],
    ["keyspan/small", {}],
    ["elsewhere/keys.tfstate", {}],
    ["bootstrap.tfstate", {}],
  ];
  const ROLES: readonly AccountRole[] = ["state-write", "state-read", "plan", "deploy"];

  test.each(TABLE)("may do with %s what the table says", async (Key, byRole) => {
    for (const role of ROLES) {
      const s3 = clientOf(role);
      const may = byRole[role] ?? "";
      const expected = (letters: string) =>
        [...letters].some((letter) => may.includes(letter)) ? "ok" : "AccessDenied 403";
      const call = async (command: PutObjectCommand | DeleteObjectCommand | GetObjectCommand) => {
        writeObject(Key);
        return outcomeOf(s3.send(command as GetObjectCommand));
      };
      expect(await call(new GetObjectCommand({ Bucket, Key }))).toBe(expected("r"));
      expect(await call(new PutObjectCommand({ Bucket, Key, Body: "x" }))).toBe(expected("w"));
      expect(await call(new DeleteObjectCommand({ Bucket, Key }))).toBe(expected("d"));
      rmSync(fileOf(Key), { force: true });
      expect(await outcomeOf(put(s3, Key, "x", { IfNoneMatch: "*" }))).toBe(expected("wn"));
      const listed = outcomeOf(s3.send(new ListObjectsV2Command({ Bucket })));
      const isState = role.startsWith("state");
      const versioning = s3.send(new GetBucketVersioningCommand({ Bucket }));
      expect(await outcomeOf(versioning)).toBe(isState ? "ok" : "AccessDenied 403");
      expect(await listed).toBe(isState ? "ok" : "AccessDenied 403");
      expect(await outcomeOf(s3.send(new HeadBucketCommand({ Bucket })))).toBe(
        isState ? "ok" : "Unknown 403",
      );
      rmSync(join(files.directory, "s3"), { recursive: true });
    }
  });

  /** Puts an object where the endpoints find it, whoever may. */
  function writeObject(key: string): void {
    const path = fileOf(key);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "there");
  }

  test("is told what is not there by 404, and what is not for it by 403", async () => {
    const s3 = clientOf("state-read");
    expect(await outcomeOf(textAt(s3, OWN))).toBe("NoSuchKey 404");
    expect(await outcomeOf(s3.send(new HeadObjectCommand({ Bucket, Key: OWN })))).toBe(
      "NotFound 404",
    );
    expect(await outcomeOf(textAt(s3, "keyspan/other/keys.tfstate"))).toBe("AccessDenied 403");
    const another = { Bucket: ELSEWHERE.state.bucket };
    expect(await outcomeOf(textAt(s3, OWN, another))).toBe("AccessDenied 403");
    expect(await outcomeOf(s3.send(new ListObjectsV2Command(another)))).toBe("AccessDenied 403");
    const own = clientOf("state-read", ELSEWHERE);
    expect(await outcomeOf(own.send(new ListObjectsV2Command(another)))).toBe("ok");
    await expect(textAt(clientOf("plan"), OWN)).rejects.toThrow(
      `${SMALL.planRole} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::acme-terraform-state/${OWN}"`,
    );
    expect(await outcomeOf(s3.send(new HeadBucketCommand({ Bucket: "nobody-has-this" })))).toBe(
      "NotFound 404",
    );
    expect(await outcomeOf(s3.send(new ListObjectsV2Command({ Bucket: "nobody-has-this" })))).toBe(
      "NoSuchBucket 404",
    );
  });

  test("whoever has none may do nothing, signed or not", async () => {
    const s3 = new S3Client({
      ...files.settings(endpoints, "state-write", SMALL),
      credentials: { accessKeyId: "first", secretAccessKey: "first" },
      forcePathStyle: true,
    });
    expect(await outcomeOf(textAt(s3, OWN))).toBe("AccessDenied 403");
    const { accessKeyId, ...session } = await clientOf("state-write").config.credentials();
    const forged = new S3Client({
      ...files.settings(endpoints, "state-write", SMALL),
      credentials: { ...session, accessKeyId: `${accessKeyId}X` },
      forcePathStyle: true,
    });
    expect(await outcomeOf(textAt(forged, OWN))).toBe("AccessDenied 403");
    const unsigned = await new Promise<number | undefined>((resolve) => {
      request(`${endpoints.url}/${Bucket}/${OWN}`, ({ statusCode }) => resolve(statusCode)).end();
    });
    expect(unsigned).toBe(403);
  });

  test.each([
    ["writeRole", "state-write"],
    ["readRole", "state-read"],
  ] as const)("%s may here what its policy allows it in AWS", (field, role) => {
    const { partition, workspace, state } = SMALL;
    const { bucket, keyPrefix } = state;
    const granted = STATE_GRANTS[field].flatMap(({ actions, keys, onlyNew = false }) =>
      actions.flatMap((action) =>
        (keys?.map((key) => `/${key}`) ?? [""]).map((key) =>
          [
            action,
            `arn:aws:s3:::${bucket}${key.replace("<keyPrefix>", keyPrefix).replace("<workspace>", workspace)}`,
            onlyNew ? '{"Null":{"s3:if-none-match":"false"}}' : "always",
          ].join(" "),
        ),
      ),
    );
    const policy = statePolicy(
      { partition, bucket, keyPrefix, workspace, stateObjectKeys: DEFAULT_WORKSPACE_KEYS },
      role,
    ).flatMap(({ Effect, Action, Resource, Condition }) =>
      [Action].flat().flatMap((action) =>
        [Resource].flat().map((resource) => {
          expect(Effect).toBe("Allow");
          return [action, resource, JSON.stringify(Condition) ?? "always"].join(" ");
        }),
      ),
    );
    expect(granted.toSorted()).toEqual(policy.toSorted());
    expect(granted.length).toBeGreaterThan(5);
  });
});

test("what is not simulated is refused by name, and every request is in the log", async () => {
  const s3 = clientOf("state-write");
  await expect(s3.send(new GetBucketPolicyCommand({ Bucket }))).rejects.toThrow(
    `The sandbox does not know GET /${Bucket}/ policy`,
  );
  await outcomeOf(textAt(s3, OWN));
  await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "keyspan/" }));
  const role = SMALL.state.writeRole;
  expect(endpoints.requests).toEqual([
    { operation: "STS: AssumeRole", resource: "", role: undefined, status: 200 },
    { operation: `s3: GET /${Bucket}/`, resource: "", role, status: 501 },
    { operation: "S3: GetObject", resource: `${Bucket}/${OWN}`, role, status: 404 },
    { operation: "S3: ListObjectsV2", resource: `${Bucket}/keyspan/`, role, status: 200 },
  ]);
});
