import { type AccountScopeProps, accountScope } from "../../../cli/permissions/account-scope";
import {
  MAX_MANAGED_POLICY_CHARACTERS,
  policyCharacters,
  policyDocument,
  splitPolicies,
} from "../../../cli/permissions/policy-document";
import { rolePolicies, statementsOf } from "../../../cli/permissions/role-policies";
import { loadAccount } from "../../../config/load-account";
import { ValidationError } from "../../../modules/errors";
import type { IdentityStatement } from "../../../modules/iam/policy";
import { FIXTURE_ACCOUNTS } from "../../helpers/synth";

const NO_LEDGER: AccountScopeProps["ledger"] = { buses: {}, protected: [] };
const full = loadAccount(FIXTURE_ACCOUNTS, "full");
const china = loadAccount(FIXTURE_ACCOUNTS, "china");

const statement = (sid: string, resources: readonly string[]): IdentityStatement => ({
  Sid: sid,
  Effect: "Allow",
  Action: "sqs:CreateQueue",
  Resource: resources,
});
const size = (statements: readonly IdentityStatement[]) =>
  policyCharacters(policyDocument(statements));
/** A statement that makes a policy of exactly that size, alone. */
const ofSize = (sid: string, characters: number) => {
  const empty = size([statement(sid, [""])]);
  return statement(sid, ["x".repeat(characters - empty)]);
};

describe("splitting", () => {
  test("keeps together what fits to the last character", () => {
    const rest = MAX_MANAGED_POLICY_CHARACTERS - size([statement("A", ["a"])]);
    const addition =
      size([statement("A", ["a"]), statement("B", [""])]) - size([statement("A", ["a"])]);
    const exactly = statement("B", ["x".repeat(rest - addition)]);
    const over = statement("B", ["x".repeat(rest - addition + 1)]);
    expect(size([statement("A", ["a"]), exactly])).toBe(6144);
    expect(splitPolicies([statement("A", ["a"]), exactly], "here")).toHaveLength(1);
    expect(splitPolicies([statement("A", ["a"]), over], "here")).toHaveLength(2);
  });

  test("keeps the order and loses nothing", () => {
    const statements = ["A", "B", "C", "D"].map((sid) => ofSize(sid, 3000));
    const policies = splitPolicies(statements, "here");
    expect(policies.flatMap(({ Statement }) => Statement)).toEqual(statements);
    expect(policies.map(({ Statement }) => Statement.length)).toEqual([2, 2]);
  });

  test("cuts a statement that is too large alone, by its resources", () => {
    const resources = Array.from({ length: 200 }, (_, index) => `arn:${index}:${"x".repeat(60)}`);
    const policies = splitPolicies([statement("Queues", resources)], "here");
    const parts = policies.flatMap(({ Statement }) => Statement);
    expect(parts.map(({ Sid }) => Sid)).toEqual(["Queues1", "Queues2", "Queues3"]);
    expect(parts.flatMap(({ Resource }) => Resource)).toEqual(resources);
    for (const policy of policies) {
      expect(policyCharacters(policy)).toBeLessThanOrEqual(6144);
    }
  });

  test("refuses more policies than a role can have", () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => ofSize(`S${index}`, 6000));
    expect(splitPolicies(many(10), "here")).toHaveLength(10);
    expect(() => splitPolicies(many(11), "prod: role for apply")).toThrow(
      new ValidationError(
        "prod: role for apply: the policies must be at most 10, as many as can be attached to a role (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html), got 11; give the account fewer buses and archives",
      ),
    );
  });
});

describe("the scope of an account", () => {
  const resources = (props: Partial<AccountScopeProps> = {}) =>
    accountScope({ account: full, ledger: NO_LEDGER, ...props }).resources;

  test("has the region of IAM's events where a rule stands there", () => {
    const account = loadAccount(FIXTURE_ACCOUNTS, "existing-key");
    expect(account.regions.map(({ name }) => name)).toEqual(["us-east-2", "us-west-2"]);
    expect(accountScope({ account, ledger: NO_LEDGER }).regions).toEqual([
      "us-east-1",
      "us-east-2",
      "us-west-2",
    ]);
  });

  test("has the buses that are there, were there, and are being removed", () => {
    const { buses, queues, archives } = resources({
      ledger: { buses: { former: ["archive"], default: ["archive"] }, protected: [] },
      removing: ["gone"],
    });
    const names = buses.map((arn) => arn.split("/")[1]);
    expect(names).toEqual(["keyspan-hub", "closed", "former", "gone", "open", "orders"]);
    expect(queues).toContain("arn:aws:sqs:*:111122223333:keyspan-former-dead-letter");
    expect(queues).not.toContain("arn:aws:sqs:*:111122223333:keyspan-default-dead-letter");
    expect(archives).toContain("arn:aws:events:*:111122223333:archive/gone");
    expect(archives).not.toContain("arn:aws:events:*:111122223333:archive/former");
  });

  test("has a trail if the account makes one, or the ledger remembers it", () => {
    const existing = { ...full, trail: { mode: "organization" } as const };
    const protectedTrail = {
      buses: {},
      protected: [{ stack: "notifications", address: "aws_cloudtrail.keyspan" }],
    };
    const has = (props: Partial<AccountScopeProps>) => {
      const { trail, buckets, "roles-for-trail": roles } = resources(props);
      return [trail.length, buckets.length, roles.length];
    };
    expect(has({})).toEqual([1, 2, 1]);
    expect(has({ account: existing })).toEqual([0, 0, 0]);
    expect(has({ account: existing, ledger: protectedTrail })).toEqual([1, 2, 1]);
    expect(resources({ account: existing })["watched-trails"]).toEqual([
      "arn:aws:cloudtrail:*:*:trail/*",
    ]);
  });

  test("has the roles of this account that the configuration names, and no others", () => {
    const named = resources()["named-roles"];
    expect(named).toContain(full.deployRole);
    expect(named).toContain(full.planRole);
    expect(named.filter((role) => !role.startsWith("arn:aws:iam::111122223333:role/"))).toEqual([]);
  });

  test("is of the account's partition", () => {
    const scope = accountScope({ account: china, ledger: NO_LEDGER });
    expect(JSON.stringify(rolePolicies(scope, "apply"))).not.toMatch(/arn:aws:/);
    expect(JSON.stringify(rolePolicies(scope, "apply"))).toMatch(/arn:aws-cn:kms:\*:333344445555:/);
  });
});

describe.each(["plan", "apply"] as const)("the policies for %s", (role) => {
  const policies = rolePolicies(accountScope({ account: full, ledger: NO_LEDGER }), role);

  test("are within IAM's limits", () => {
    expect(policies.length).toBeGreaterThan(1);
    expect(policies.length).toBeLessThanOrEqual(10);
    for (const policy of policies) {
      expect(policyCharacters(policy)).toBeLessThanOrEqual(6144);
    }
  });

  test("name every statement, differently, with letters and digits", () => {
    const sids = policies.flatMap(({ Statement }) => Statement.map(({ Sid }) => Sid));
    expect(new Set(sids).size).toBe(sids.length);
    for (const sid of sids) {
      expect(sid).toMatch(/^[A-Za-z0-9]+$/);
    }
  });

  test("bind to regions whatever is not bound by a name without one", () => {
    for (const { Sid, Resource, Condition } of policies.flatMap(({ Statement }) => Statement)) {
      const isOpen = [Resource].flat().some((arn) => arn === "*" || arn.split(":")[3] === "*");
      const regions = Condition?.StringEquals?.["aws:RequestedRegion"];
      if (isOpen && !["AnythingGlobal", "WatchedTrails"].includes(Sid)) {
        expect([Sid, regions]).toEqual([
          Sid,
          ["eu-central-1", "eu-north-1", "eu-south-1", "eu-west-1", "us-east-1"],
        ]);
      }
    }
  });
});

test("the same things under the same condition make one statement", () => {
  const scope = accountScope({ account: china, ledger: NO_LEDGER });
  expect(
    statementsOf(scope, [
      { actions: ["sqs:DeleteQueue"], on: "queues" },
      { actions: ["iam:PassRole"], on: "roles", condition: () => ({ Bool: { a: "true" } }) },
      { actions: ["sqs:CreateQueue", "sqs:DeleteQueue"], on: "queues" },
      { actions: ["ssm:GetParameter"], on: "parameters" },
    ]).map(({ Sid, Action, Condition }) => [Sid, Action, Condition]),
  ).toEqual([
    [
      "Queues",
      ["sqs:CreateQueue", "sqs:DeleteQueue"],
      { StringEquals: { "aws:RequestedRegion": ["cn-north-1", "cn-northwest-1"] } },
    ],
    ["RolesPassRole", "iam:PassRole", { Bool: { a: "true" } }],
  ]);
});
