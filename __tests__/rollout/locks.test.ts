import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeLock, duration, runUrl } from "../../cli/rollout/account-lock";
import { lockFolder } from "../../cli/rollout/folder-lock";
import { StateBucket } from "../../cli/rollout/state-bucket";
import { stateAccount, TestEndpoints } from "../helpers/endpoints";

describe("a lock that was left behind", () => {
  const lock = {
    ID: "1b9d6bcd",
    Operation: "apply",
    Who: "ci@runner, process 7",
    Created: "2026-01-02T03:04:05Z",
  };
  const now = new Date("2026-01-02T05:04:05Z");

  test("is told with its holder, age, operation and the command that removes it", () => {
    expect(describeLock("prod", { on: "account", lock }, now)).toBe(
      "account prod is locked by ci@runner, process 7, for apply, 2 hours ago.\n  If that run is gone for sure: npm run keyspan -- unlock prod --id 1b9d6bcd",
    );
    expect(describeLock("prod", { on: "keys", lock }, now)).toBe(
      "the state of keys in prod is locked by ci@runner, process 7, for apply, 2 hours ago.\n  If that run is gone for sure: npm run keyspan -- unlock prod --id 1b9d6bcd",
    );
    expect(describeLock("prod", { on: "keys", lock: { ...lock, Created: "" } }, now)).toContain(
      "for apply, at an unknown time.",
    );
  });

  test.each([
    [-5, "0 seconds"],
    [1000, "1 second"],
    [119_000, "119 seconds"],
    [120_000, "2 minutes"],
    [7_199_000, "119 minutes"],
    [7_200_000, "2 hours"],
    [172_799_000, "47 hours"],
    [172_800_000, "2 days"],
  ])("%d ms are %s", (milliseconds, words) => {
    expect(duration(milliseconds)).toBe(words);
  });
});

describe("an account's folder", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "keyspan-lock-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test("is one process's at a time", () => {
    const file = join(directory, "cdktf.out", "prod.lock");
    const release = lockFolder(file, "prod");
    expect(readFileSync(file, "utf8")).toBe(String(process.pid));
    expect(() => lockFolder(file, "prod")).toThrow(
      `account prod: one command at a time must work on it in this folder, got process ${process.pid} at work (${file}); wait for its end, or use another clone`,
    );
    release();
    lockFolder(file, "prod")();
  });

  test.each([["4194399"], [""], ["nonsense"], [String(process.pid)]])(
    "is taken over from a process that is gone (%j)",
    (holder) => {
      const file = join(directory, "prod.lock");
      writeFileSync(file, holder);
      const release = lockFolder(file, "prod");
      expect(readFileSync(file, "utf8")).toBe(String(process.pid));
      release();
    },
  );
});

test.each([
  [{}, []],
  [
    {
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_REPOSITORY: "acme/keys",
      GITHUB_RUN_ID: "7",
    },
    ["https://github.com/acme/keys/actions/runs/7"],
  ],
  [
    { CI_JOB_URL: "https://gitlab.com/acme/keys/-/jobs/7" },
    ["https://gitlab.com/acme/keys/-/jobs/7"],
  ],
  [{ BUILD_URL: "https://ci.acme.com/7/" }, ["https://ci.acme.com/7/"]],
])("the run of a CI system is named by its page: %j", (env, url) => {
  expect(runUrl(env)).toEqual(url);
});

test("only the lock that was looked at is given back, not one that was taken since", async () => {
  const account = stateAccount("small");
  const files = new TestEndpoints([account]);
  try {
    const bucket = new StateBucket({
      access: files.access(await files.start(), account),
      state: account.state,
      workspace: "small",
      role: "state-write",
    });
    const lock = (ID: string) => ({ ID, Operation: "apply", Who: "test", Created: "" });
    expect(await bucket.takeAccountLock(lock("first"))).toBe(true);
    const first = await bucket.accountLock();
    const etag = first?.etag ?? "";
    expect(await bucket.removeAccountLock({ etag })).toBe(true);
    expect(await bucket.removeAccountLock({ etag })).toBe(false);
    expect(await bucket.takeAccountLock(lock("second"))).toBe(true);
    expect(await bucket.removeAccountLock({ etag })).toBe(false);
    expect((await bucket.accountLock())?.ID).toBe("second");
  } finally {
    files.remove();
  }
});
