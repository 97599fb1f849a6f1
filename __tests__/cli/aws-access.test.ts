/** The limits of calls to AWS, against servers that accept and then say nothing, or not all. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetObjectCommand, HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { AwsAccess, REQUEST_LIMITS } from "../../cli/aws-access";
import type { CredentialOrigin } from "../../cli/aws-config-file";
import { administratorCredentials, StateOwner } from "../../cli/bootstrap/state-owner";
import { stateAccount } from "../helpers/endpoints";
import "@aws-sdk/client-sts";
import "@aws-sdk/client-iam";
import "@aws-sdk/credential-providers";

const ACCOUNT = stateAccount("small");
const KEYS = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "example" };
const KEYS_IN_ENVIRONMENT = { AWS_ACCESS_KEY_ID: "first", AWS_SECRET_ACCESS_KEY: "first" };
const ROLE_ARN = "arn:aws:iam::111122223333:role/admin";

/** A server that says the same to everybody who comes, and no more. */
class StalledServer {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  /** How often somebody came. */
  visits = 0;

  constructor(private readonly says = "") {
    this.server = createServer((socket) => {
      this.visits += 1;
      this.sockets.add(socket);
      socket.on("error", () => {});
      socket.once("data", () => socket.write(this.says));
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    for (const socket of this.sockets) {
      socket.destroy();
    }
    this.server.close();
  }
}

const silent = new StalledServer();
const halting = new StalledServer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
let silentUrl = "";
let haltingUrl = "";
const directory = mkdtempSync(join(tmpdir(), "keyspan-limits-"));

beforeAll(async () => {
  silentUrl = await silent.start();
  haltingUrl = await halting.start();
  writeFileSync(
    join(directory, "config"),
    `[profile admin]\nrole_arn = ${ROLE_ARN}\nsource_profile = first\nregion = eu-west-1\n[profile first]\naws_access_key_id = first\naws_secret_access_key = first\n`,
  );
  writeFileSync(join(directory, "credentials"), "");
});
beforeEach(() => {
  silent.visits = 0;
  // The real ones are longer than a test may last.
  jest.replaceProperty(REQUEST_LIMITS, "requestTimeout", 50);
  jest.replaceProperty(REQUEST_LIMITS, "socketTimeout", 100);
  process.env.AWS_ENDPOINT_URL_STS = silentUrl;
});
afterEach(() => {
  jest.restoreAllMocks();
  delete process.env.AWS_ENDPOINT_URL_STS;
});
afterAll(() => {
  silent.stop();
  halting.stop();
  rmSync(directory, { recursive: true });
});

/** How a call ended, or that it did not. */
async function endOf(call: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise((resolve) => {
    timer = setTimeout(resolve, 4_000, "still waiting");
  });
  try {
    return await Promise.race([call.then(() => "answered"), never]);
  } catch (error) {
    return error;
  } finally {
    clearTimeout(timer);
  }
}

const access = (
  env: Readonly<Record<string, string>>,
  origin: CredentialOrigin = { credentialSource: "Environment" },
) =>
  new AwsAccess({
    account: ACCOUNT,
    origin,
    sessionName: "test",
    env: { ...KEYS_IN_ENVIRONMENT, ...env },
  });
const PROFILE = { sourceProfile: "admin" };
const profileFiles = () => ({
  AWS_CONFIG_FILE: join(directory, "config"),
  AWS_SHARED_CREDENTIALS_FILE: join(directory, "credentials"),
});

test("an attempt may take 5 seconds to connect, and 30 to be answered", () => {
  jest.restoreAllMocks();
  expect(access({}).clientSettings("state-read", "S3", "eu-west-1")).toMatchObject({
    maxAttempts: 4,
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: 30_000,
      socketTimeout: 30_000,
      throwOnRequestTimeout: true,
    },
  });
});

describe("a server that accepts and never answers is given up", () => {
  test("by a client of an account's role, after four attempts", async () => {
    const settings = access({ AWS_ENDPOINT_URL_S3: silentUrl }).clientSettings(
      "state-read",
      "S3",
      "eu-west-1",
    );
    const client = new S3Client({
      ...settings,
      credentials: KEYS,
      forcePathStyle: true,
    });
    expect(await endOf(client.send(new HeadBucketCommand({ Bucket: "acme" })))).toMatchObject({
      name: "TimeoutError",
    });
    expect(silent.visits).toBe(4);
  });

  test("when the role is assumed", async () => {
    const { credentials } = access({ AWS_ENDPOINT_URL_STS: silentUrl }).clientSettings(
      "plan",
      "S3",
      "eu-west-1",
    );
    expect(await endOf(credentials())).toMatchObject({ name: "TimeoutError" });
    expect(silent.visits).toBe(3);
  });

  test("when the profile's own role is assumed", async () => {
    const { credentials } = access(profileFiles(), PROFILE).clientSettings(
      "plan",
      "S3",
      "eu-west-1",
    );
    expect(await endOf(credentials())).toMatchObject({ name: "TimeoutError" });
    expect(silent.visits).toBe(3);
  });

  test("when an administrator's profile has a role", async () => {
    expect(await endOf(administratorCredentials(PROFILE, profileFiles()))).toMatchObject({
      message:
        "credentials must be there, got @smithy/node-http-handler - [ERROR] a request has exceeded the configured 50 ms requestTimeout.; sign in, or name others by --source-profile or --credential-source",
    });
    expect(silent.visits).toBe(3);
  });

  test.each<readonly [string, (owner: StateOwner) => Promise<unknown>, string]>([
    ["STS", (owner) => owner.checkCaller(), "ask who is calling"],
    ["S3", (owner) => owner.hasBucket(), "look for bucket acme-terraform-state"],
    [
      "IAM",
      (owner) => owner.existing([{ kind: "role", name: "r", address: "aws_iam_role.r" }], false),
      "list the roles",
    ],
  ])("by the state account's administrator: %s", async (_, call, what) => {
    const owner = new StateOwner({
      account: ACCOUNT,
      credentials: KEYS,
      env: { AWS_ENDPOINT_URL: silentUrl },
    });
    expect(await endOf(call(owner))).toMatchObject({
      name: "ValidationError",
      message: `the credentials must be able to ${what}, got TimeoutError: @smithy/node-http-handler - [ERROR] a request has exceeded the configured 50 ms requestTimeout.; use an administrator's of the account that owns the bucket`,
    });
    expect(silent.visits).toBe(4);
  });
});

test("an answer that stops in the middle is given up", async () => {
  const settings = access({ AWS_ENDPOINT_URL: haltingUrl }).clientSettings(
    "state-read",
    "S3",
    "eu-west-1",
  );
  const client = new S3Client({ ...settings, credentials: KEYS, forcePathStyle: true });
  const { Body } = await client.send(new GetObjectCommand({ Bucket: "acme", Key: "half" }));
  expect(await endOf(Body?.transformToString() ?? Promise.resolve())).toMatchObject({
    name: "TimeoutError",
  });
});
