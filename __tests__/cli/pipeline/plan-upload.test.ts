/** Whether `plan` says that its plans are in the state bucket: only then may their digest be approved. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runKeyspan } from "../../../cli/keyspan/program";
import { planReportSchema } from "../../../cli/pipeline/report-schema";
import { AccountSession } from "../../../cli/rollout/account-session";
import * as planning from "../../../cli/rollout/plan-account";
import { StateBucket } from "../../../cli/rollout/state-bucket";
import { runCommand } from "../../helpers/run-command";
import { SMALL_ACCOUNT } from "../../helpers/sandbox-project";

jest.mock("../../../cli/rollout/plan-account");

const PLANNED = {
  id: "keys",
  status: "planned" as const,
  changes: [{ address: "aws_kms_key.archive", type: "aws_kms_key", action: "create" }],
  state: null,
  read: {},
};
const UNCHANGED = { ...PLANNED, status: "unchanged" as const, changes: [] };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "keyspan-upload-"));
  mkdirSync(join(directory, "accounts"));
  const other = SMALL_ACCOUNT.replaceAll("111122223333", "222233334444");
  for (const [name, text] of Object.entries({ small: SMALL_ACCOUNT, other })) {
    writeFileSync(join(directory, "accounts", `${name}.yaml`), text);
  }
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(directory, { recursive: true, force: true });
});

/** Plans two accounts, with one stack each; `keep` stands in for the state bucket. */
async function plan(
  stacks: readonly (typeof PLANNED | typeof UNCHANGED)[],
  keep: (path: string) => Promise<void>,
  flags: readonly string[] = [],
) {
  jest.spyOn(AccountSession, "open").mockImplementation(
    async ({ workspace }) =>
      ({
        account: { workspace },
        notices: [],
        close: async () => {},
      }) as unknown as AccountSession,
  );
  jest.mocked(planning.planAccount).mockImplementation(async ({ account: { workspace } }) => ({
    saved: {
      plan: {
        format: 1,
        workspace,
        accountId: "111122223333",
        terraformVersion: "1.11.4",
        providerLock: null,
        stacks: [...stacks],
        files: {},
      },
      files: new Map(),
    },
    failures: [],
  }));
  const kept: string[] = [];
  jest.spyOn(StateBucket.prototype, "keepPlan").mockImplementation(async (path) => {
    await keep(path);
    kept.push(path);
  });
  const { code, out } = await runCommand(
    runKeyspan,
    ["plan", "small", "other", ...flags, "--json"],
    { projectDirectory: directory },
  );
  const { digest, uploaded, failures } = planReportSchema.parse(JSON.parse(out));
  return { code, uploaded, failures, kept: kept.map((path) => path.replace(digest, "<digest>")) };
}

const accepts = async () => {};

test("plans in the bucket of every account are uploaded", async () => {
  expect(await plan([PLANNED], accepts)).toEqual({
    code: 2,
    uploaded: true,
    failures: [],
    kept: ["small", "other"].flatMap((name) => [
      `<digest>/${name}/plan.json`,
      "<digest>/plans.json",
    ]),
  });
});

test("with --no-upload they are not", async () => {
  expect(await plan([PLANNED], accepts, ["--no-upload"])).toEqual({
    code: 2,
    uploaded: false,
    failures: [],
    kept: [],
  });
});

test("nor are they if there is nothing to apply", async () => {
  expect(await plan([UNCHANGED], accepts)).toEqual({
    code: 0,
    uploaded: false,
    failures: [],
    kept: [],
  });
});

test("nor if one bucket refuses them, though the next does not", async () => {
  const refuses = async (path: string) => {
    if (path.includes("/small/")) {
      throw new Error("access denied");
    }
  };
  expect(await plan([PLANNED], refuses)).toEqual({
    code: 1,
    uploaded: false,
    failures: [{ account: "small", text: expect.stringContaining("access denied") }],
    kept: ["<digest>/other/plan.json", "<digest>/plans.json"],
  });
});
