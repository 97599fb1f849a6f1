/**
 * Every account in the sandbox, with the policies that Terraform resolved there. The notifications are
 * applied in the smallest alone: `npm run test:soak` applies those of all, with every kind of trail.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AccountConfig } from "../../config/account-config";
import { loadAccount } from "../../config/load-account";
import { actionsOn } from "../helpers/iam";
import type * as noNotifications from "../helpers/no-notifications";
import { ALL_ACCOUNTS, FIXTURE_ACCOUNTS } from "../helpers/synth";
import { BUS_ACTIONS } from "../policies/bus-table";
import { ENTANGLED_ACCOUNT } from "../policies/entangled-account";
import { KEY_ACTIONS, UNDECIDED_KEY_ACTIONS } from "../policies/key-table";
import { STREAM_ACTIONS } from "../policies/log-table";
import { QUEUE_ACTIONS } from "../policies/queue-table";
import { TOPIC_ACTIONS } from "../policies/topic-table";
import { testAccount } from "./account-lives";

const mockWatched = new Set<string>();

jest.mock("../../stacks/notification-stack", () => {
  const { NotificationStack } = jest.requireActual("../../stacks/notification-stack");
  const none = jest.requireActual<typeof noNotifications>("../helpers/no-notifications");
  return {
    NotificationStack: function choose(scope: unknown, props: { readonly account: AccountConfig }) {
      return mockWatched.has(props.account.workspace)
        ? new NotificationStack(scope, props)
        : new none.NotificationStack(scope, props);
    },
  };
});

const entangled = mkdtempSync(join(tmpdir(), "keyspan-entangled-"));
cpSync(join(FIXTURE_ACCOUNTS, "defaults.yaml"), join(entangled, "defaults.yaml"));
writeFileSync(join(entangled, "entangled.yaml"), ENTANGLED_ACCOUNT);
afterAll(() => rmSync(entangled, { recursive: true }));

const ACCOUNTS = [...ALL_ACCOUNTS, [entangled, "entangled"] as const];

// It makes its own trail: the others have fewer resources of the same types.
const [smallest] = ACCOUNTS.map(([directory, workspace]) => loadAccount(directory, workspace))
  .filter(({ trail }) => trail.mode === "create")
  .sort((a, b) => a.regions.length - b.regions.length);
mockWatched.add(smallest?.workspace ?? "");

test("the tables say something about every action", async () => {
  const named = (service: string, actions: readonly string[]) =>
    actions.map((action) => `${service}:${action}`);
  expect(named("kms", [...KEY_ACTIONS, ...UNDECIDED_KEY_ACTIONS].sort())).toEqual(
    await actionsOn("kms", "key"),
  );
  expect(named("events", BUS_ACTIONS)).toEqual(await actionsOn("events", "event-bus"));
  expect(named("sqs", QUEUE_ACTIONS)).toEqual(await actionsOn("sqs", "queue"));
  expect(named("sns", TOPIC_ACTIONS)).toEqual(await actionsOn("sns", "topic"));
  expect(named("logs", STREAM_ACTIONS)).toEqual(await actionsOn("logs", "log-stream"));
});

let planned = 0;

describe.each(ACCOUNTS)("%s/%s", (directory, workspace) => {
  planned += testAccount(directory, workspace, mockWatched.has(workspace));
});

test("the tables are not empty", () => {
  // The fixture accounts alone make more than this.
  expect(planned).toBeGreaterThan(11_500);
});
