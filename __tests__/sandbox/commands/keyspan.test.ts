/** The rollout on the simulated AWS: what it gets of the world, and what becomes of the sandbox's own flags. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { KMSClient, ListKeysCommand } from "@aws-sdk/client-kms";
import { AwsAccess } from "../../../cli/aws-access";
import type { CommandIo } from "../../../cli/io";
import { runKeyspan } from "../../../cli/keyspan/program";
import { synthesize } from "../../../cli/synthesize";
import { KMS_KEYS } from "../../../sandbox/aws/kms";
import { keyspan } from "../../../sandbox/commands/keyspan";
import { openKeyspanIo } from "../../../sandbox/keyspan-io";
import type { ProviderOptions } from "../../../sandbox/provider/provider-options";
import type { RunningProvider } from "../../../sandbox/provider/provider-server";
import { runCommand } from "../../helpers/run-command";
import { SandboxProject, SMALL_ACCOUNT, startHere } from "../../helpers/sandbox-project";

jest.mock("../../../stacks/notification-stack", () =>
  jest.requireActual("../../helpers/no-notifications"),
);

jest.mock("../../../cli/keyspan/program", () => ({ runKeyspan: jest.fn() }));
const rollout = jest.mocked(runKeyspan);

const EXISTING = "11111111-2222-3333-4444-555555555555";
const ACCOUNT = SMALL_ACCOUNT.replace(
  "buses: {",
  `  own: { existing: { eu-west-1: arn:aws:kms:eu-west-1:111122223333:key/${EXISTING} } }
buses: {`,
);

let project: SandboxProject;
beforeEach(() => {
  project = new SandboxProject({ small: ACCOUNT });
  rollout.mockReset().mockResolvedValue(2);
});
afterEach(() => project.remove());

const run = (...argv: string[]) =>
  runCommand(keyspan, argv, {
    env: {
      PATH: process.env.PATH,
      AWS_PROFILE: "production",
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      TF_CLI_ARGS_plan: "-destroy",
    },
    projectDirectory: project.directory,
  });

test("the rollout gets its own arguments, and endpoints on loopback in place of the person's AWS", async () => {
  let seen: CommandIo | undefined;
  rollout.mockImplementation(async (_argv, io) => {
    seen = io;
    io.out("result");
    return 2;
  });
  expect(await run("--latency-ms", "5", "--fail-change=3", "apply", "small", "--yes")).toEqual({
    code: 2,
    out: "result",
    err: "",
  });
  expect(rollout.mock.calls[0]?.[0]).toEqual(["apply", "small", "--yes"]);
  expect(seen?.outputRoot).toBe(".sandbox/keyspan");
  expect(seen?.env).toMatchObject({
    HOME: join(project.directory, ".sandbox/home"),
    AWS_ACCESS_KEY_ID: "sandbox",
    AWS_ENDPOINT_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    AWS_ENDPOINT_URL_STS: seen?.env.AWS_ENDPOINT_URL,
    AWS_EC2_METADATA_DISABLED: "true",
    TERRAFORM_BINARY_NAME: "terraform",
    CDKTF_DISABLE_PLUGIN_CACHE_ENV: "1",
  });
  expect(seen?.env).not.toHaveProperty("AWS_PROFILE");
  expect(seen?.env).not.toHaveProperty("TF_CLI_ARGS_plan");
  await expect(fetch(seen?.env.AWS_ENDPOINT_URL ?? "")).rejects.toThrow("fetch failed");
});

test("the commands that it names are told as the sandbox takes them", async () => {
  rollout.mockImplementation(async (_argv, io) => {
    io.out("Once approved: npm run keyspan -- apply small\n");
    io.err("run npm run keyspan -- unlock small --id 1, then npm run keyspan -- plan small\n");
    return 1;
  });
  expect(await run("plan", "small")).toEqual({
    code: 1,
    out: "Once approved: npm run sandbox -- keyspan apply small\n",
    err: "run npm run sandbox -- keyspan unlock small --id 1, then npm run sandbox -- keyspan plan small\n",
  });
});

test("bootstrap is refused: there is nothing to make", async () => {
  await expect(run("bootstrap", "small")).rejects.toThrow(
    "keyspan: the command must not be bootstrap, got it; the sandbox has its state bucket from the start: run another command",
  );
  expect(rollout).not.toHaveBeenCalled();
});

test.each([
  [
    ["--json", "plan"],
    ["--json", "plan"],
  ],
  [
    ["--die-after-change", "7", "--", "x"],
    ["--", "x"],
  ],
  [
    ["apply", "--latency-ms", "5"],
    ["apply", "--latency-ms", "5"],
  ],
  [["--latency-ms=1"], []],
  [[], []],
] as const)("of %j the rollout gets %j", async (argv, own) => {
  await run(...argv);
  expect(rollout.mock.calls.map(([given]) => given)).toEqual([own]);
});

test("a flag without its number is refused, and nothing is started", async () => {
  await expect(run("--latency-ms", "apply", "small")).rejects.toThrow(
    'keyspan: --latency-ms must be a whole number from 1 to 999999, got "apply"; write --latency-ms=3',
  );
  await expect(run("--latency-ms")).rejects.toThrow("got nothing; write --latency-ms=3");
  expect(rollout).not.toHaveBeenCalled();
  expect(existsSync(join(project.directory, ".sandbox"))).toBe(false);
});

test("an account that cannot be read leaves the others as they are; without any, it is said why", async () => {
  project.write("broken", "version: 2\n");
  expect(await run("status", "--all")).toMatchObject({ code: 2, err: "" });
  project.write("small", "version: 3\n");
  await expect(run("status", "--all")).rejects.toThrow(/broken\.yaml:1:1(.|\n)*small\.yaml:1:10/);
});

test("an account is opened with its provider, with what was there before, and with a copy of its stacks", async () => {
  const options: ProviderOptions[] = [];
  const providers: RunningProvider[] = [];
  const world = await openKeyspanIo(
    {
      out: () => {},
      err: () => {},
      env: {},
      interactive: false,
      nodeVersion: process.versions.node,
      projectDirectory: project.directory,
    },
    {
      program: "terraform",
      faults: { latencyMs: 3 },
      startProvider: async (given) => {
        options.push(given);
        const { provider } = await startHere(given);
        providers.push(provider);
        return provider;
      },
    },
  );
  try {
    const output = join(project.directory, ".sandbox/keyspan/small");
    mkdirSync(output, { recursive: true });
    const { account } = synthesize("small", output, join(project.directory, "accounts"));
    const opened = await world.io.openAccount?.(account, output);
    expect(Object.keys(JSON.parse(opened?.env.TF_REATTACH_PROVIDERS ?? "{}"))).toHaveLength(2);
    expect(options).toEqual([
      {
        directory: join(project.directory, ".sandbox/aws/111122223333"),
        caller: { account: account.id, partition: "aws", roleArn: account.deployRole },
        faults: { latencyMs: 3 },
      },
    ]);
    const { store, folders } = project.sandboxOf("small");
    expect(store.get(KMS_KEYS, "eu-west-1", EXISTING)).toBeDefined();
    expect(folders.map(({ id }) => id)).toEqual([
      "keys",
      "archive-eu-central-1",
      "archive-eu-west-1",
    ]);

    const settings = new AwsAccess({
      account,
      origin: { credentialSource: "Environment" },
      sessionName: "plan",
      env: world.io.env,
    }).clientSettings("plan", "KMS", "eu-west-1");
    const { Keys } = await new KMSClient(settings).send(new ListKeysCommand({}));
    expect(Keys?.map(({ KeyId }) => KeyId)).toEqual([EXISTING]);
    await opened?.close();

    expect(providers.map((provider) => provider.hasEnded())).toEqual([true]);
    await world.io.openAccount?.(account, output);
    expect(providers.map((provider) => provider.hasEnded())).toEqual([true, false]);
  } finally {
    world.close();
  }
  expect(providers.map((provider) => provider.hasEnded())).toEqual([true, true]);
});
