/**
 * What Terraform does with an account of every kind of thing, under the policies that the command
 * prints; `npm run test:slow` asks for every resource of every account.
 */
import { accountScope } from "../../../cli/permissions/account-scope";
import { boundaryOf } from "../../../cli/permissions/boundary";
import { policyCharacters } from "../../../cli/permissions/policy-document";
import { rolePolicies } from "../../../cli/permissions/role-policies";
import { loadLedger } from "../../../config/ledger";
import { loadAccount } from "../../../config/load-account";
import { type PolicyDocument, sessionOf } from "../../helpers/iam";
import { FIXTURE_ACCOUNTS, synthConfig } from "../../helpers/synth";
import { delegatingKeyPolicy, type Operation, operationsOf } from "./operations";
import { roleMay } from "./role-iam";

const ROLES = ["plan", "apply"] as const;
const STRANGER = "999988887777";
const ELSEWHERE = "ap-northeast-1";

// What is protected would not be destroyed.
const account = { ...loadAccount(FIXTURE_ACCOUNTS, "full"), protect: false };
const ledger = loadLedger(FIXTURE_ACCOUNTS, "full");
const scope = accountScope({ account, ledger: ledger.content });
const policies: Readonly<Record<Operation["role"], readonly PolicyDocument[]>> = {
  plan: rolePolicies(scope, "plan"),
  apply: rolePolicies(scope, "apply"),
};

let operations: readonly Operation[];
beforeAll(async () => {
  operations = fewOfEach(await operationsOf(synthConfig(account, ledger)));
});

/** The first and the last operation of each kind: on the first and the last resource of a type. */
function fewOfEach(all: readonly Operation[]): readonly Operation[] {
  const kinds = new Map<string, Operation[]>();
  for (const operation of all) {
    const { what, role, request } = operation;
    const type = what.split(".")[0]?.replace(/^.*: /, "");
    const kind = [role, type, operation.action, Object.keys(request).join()].join();
    const [first = operation] = kinds.get(kind) ?? [];
    kinds.set(kind, first === operation ? [first] : [first, operation]);
  }
  return [...kinds.values()].flat();
}

type Change = (operation: Operation) => Partial<Operation["request"]>;
type Under = (role: Operation["role"]) => readonly PolicyDocument[];

/** What of it is allowed, or what is refused, a line each. */
async function decided(
  verdict: "allowed" | "refused",
  asked: readonly Operation[],
  change: Change = () => ({}),
  under: Under = (role) => policies[role],
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const operation of asked) {
    const request = { ...operation.request, ...change(operation) };
    if ((await roleMay(request, under(operation.role))) === (verdict === "allowed")) {
      lines.push(`${operation.role} ${operation.what} on ${request.resource}`);
    }
  }
  return lines;
}

/** What the role's own policies decide alone: not the policy of a key. */
const byPolicies = () => operations.filter(({ request }) => request.resourcePolicy === undefined);

const printedActions = (role: Operation["role"]) => [
  ...new Set(policies[role].flatMap(({ Statement }) => Statement.flatMap(({ Action }) => Action))),
];

/** What Keyspan's commands ask for themselves, which is compared with their code elsewhere. */
const OWN =
  /^(account|servicequotas):|^events:List(Archives|EventBuses|Rules)$|^kms:(ListKeys|DescribeKey|ListResourceTags)$|^iam:GetAccountSummary$/;

test("all that it does is allowed", async () => {
  expect(operations.length).toBeGreaterThan(250);
  expect(await decided("refused", operations)).toEqual([]);
});

test("without any one of the printed actions, something of it is refused", async () => {
  const useless: string[] = [];
  for (const role of ROLES) {
    for (const action of printedActions(role)) {
      const without = policies[role].map((policy) => ({
        ...policy,
        Statement: policy.Statement.flatMap((statement) => {
          const Action = [statement.Action].flat().filter((name) => name !== action);
          return Action.length === 0 ? [] : [{ ...statement, Action }];
        }),
      }));
      const asked = byRole(role).filter((operation) => operation.action === action);
      const lines = await decided("refused", asked, undefined, () => without);
      if (lines.length === 0 && !OWN.test(action)) {
        useless.push(`${role} ${action}`);
      }
    }
  }
  expect(useless).toEqual([]);
});

const byRole = (role: Operation["role"]) => operations.filter((asked) => asked.role === role);

test("nothing of it is allowed in another account", async () => {
  const asked = byPolicies().filter(({ request }) => request.resource.includes(`:${account.id}:`));
  expect(asked.length).toBeGreaterThan(150);
  // The other account would admit the role.
  const admits = (operation: Operation): PolicyDocument => ({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "AdmitsAll",
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${account.id}:root` },
        Action: operation.action,
        Resource: "*",
      },
    ],
  });
  expect(
    await decided("allowed", asked, (operation) => ({
      resource: operation.request.resource.replaceAll(account.id, STRANGER),
      resourcePolicy: admits(operation),
    })),
  ).toEqual([]);
});

test("nothing of it is allowed in another region", async () => {
  const asked = byPolicies().filter(({ request }) => !/^arn:aws:(iam|s3):/.test(request.resource));
  expect(asked.length).toBeGreaterThan(150);
  expect(
    await decided("allowed", asked, ({ request }) => ({
      resource: request.resource.replace(/^(arn:aws:[a-z]+:)[a-z0-9-]+:/, `$1${ELSEWHERE}:`),
      context: { ...request.context, "aws:RequestedRegion": ELSEWHERE },
    })),
  ).toEqual([]);
});

test("nothing of it is allowed on what has another name", async () => {
  const asked = byPolicies().filter(
    ({ action, request }) =>
      // Alarms are listed together.
      request.resource !== "*" && action !== "cloudwatch:DescribeAlarms",
  );
  expect(asked.length).toBeGreaterThan(150);
  expect(
    await decided("allowed", asked, ({ request }) => ({
      resource: request.resource.includes("keyspan")
        ? request.resource.replaceAll("keyspan", "other")
        : `${request.resource}2`,
    })),
  ).toEqual([]);
});

test("roles are passed to the service that each is for, and to no other", async () => {
  const asked = operations.filter(({ action }) => action === "iam:PassRole");
  const passedTo = (name: string) => () => ({ context: { "iam:PassedToService": name } });
  expect(asked.length).toBeGreaterThan(5);
  expect(await decided("allowed", asked, passedTo("lambda.amazonaws.com"))).toEqual([]);
  for (const [role, service] of [
    ["keyspan-announce", "states"],
    ["keyspan-forward-hub", "events"],
    ["keyspan-canary", "scheduler"],
    ["keyspan-trail-logs", "cloudtrail"],
  ]) {
    const resource = `arn:aws:iam::${account.id}:role/${role}`;
    const of = (passed: string) =>
      roleMay(
        {
          principal: sessionOf(account.deployRole),
          action: "iam:PassRole",
          resource,
          context: { "iam:PassedToService": `${passed}.amazonaws.com` },
        },
        policies.apply,
      );
    const services = ["states", "events", "scheduler", "cloudtrail"];
    expect(await Promise.all(services.map(of))).toEqual(services.map((name) => name === service));
  }
});

const KEY_ARN = `arn:aws:kms:${account.homeRegion}:${account.id}:key/mrk-others`;
const decideApply = (
  action: string,
  resource: string,
  context: Readonly<Record<string, string>> = {},
  under: readonly PolicyDocument[] = policies.apply,
) =>
  roleMay(
    {
      principal: sessionOf(account.deployRole),
      action,
      resource,
      context: { "aws:RequestedRegion": account.homeRegion, ...context },
      ...(resource === KEY_ARN && {
        resourcePolicy: delegatingKeyPolicy(account.id, account.partition),
      }),
    },
    under,
  );

test.each([
  ["kms:CreateKey", "*", { "aws:RequestTag/keyspan:account": "another" }],
  ["kms:CreateKey", "*", { "kms:BypassPolicyLockoutSafetyCheck": "true" }],
  ["kms:CreateKey", "*", { "kms:KeySpec": "RSA_2048" }],
  ["kms:TagResource", KEY_ARN, { "aws:TagKeys": "keyspan:account" }],
  [
    "kms:TagResource",
    KEY_ARN,
    { "aws:RequestTag/keyspan:account": "full", "aws:TagKeys": "Access" },
  ],
  ["kms:PutKeyPolicy", KEY_ARN, {}],
  ["kms:Decrypt", KEY_ARN, {}],
  ["kms:ScheduleKeyDeletion", KEY_ARN, {}],
  ["kms:UntagResource", KEY_ARN, {}],
  ["iam:PutRolePolicy", account.deployRole, {}],
  ["iam:PutRolePolicy", account.planRole, {}],
  ["iam:UpdateAssumeRolePolicy", account.deployRole, {}],
  ["iam:PutRolePermissionsBoundary", `arn:aws:iam::${account.id}:role/keyspan-announce`, {}],
  [
    "iam:CreateServiceLinkedRole",
    `arn:aws:iam::${account.id}:role/aws-service-role/mrk.kms.amazonaws.com/AWSServiceRoleForKeyManagementServiceMultiRegionKeys`,
    { "iam:AWSServiceName": "ecs.amazonaws.com" },
  ],
] as const)("apply may not %s on %s with %j", async (action, resource, context) => {
  expect(await decideApply(action, resource, context)).toBe(false);
});

test("apply may tag a key that it makes, with the account's tags alone", async () => {
  const tags = { "aws:RequestTag/keyspan:account": "full", "aws:TagKeys": "Owner" };
  expect(await decideApply("kms:TagResource", KEY_ARN, tags)).toBe(true);
  expect(await decideApply("kms:CreateKey", "*", { "kms:KeySpec": "SYMMETRIC_DEFAULT" })).toBe(
    true,
  );
});

test("the policies name every action in full, and none that nobody asks for", () => {
  for (const role of ROLES) {
    const asked = new Set(byRole(role).map(({ action }) => action));
    const more = printedActions(role).filter((action) => !asked.has(action) && !OWN.test(action));
    expect(more).toEqual([]);
    expect(printedActions(role).filter((action) => action.includes("*"))).toEqual([]);
  }
});

describe.each(ROLES)("the boundary for %s", (role) => {
  const boundary = boundaryOf(scope, role);

  test("is one managed policy, and lets through all that is done", async () => {
    expect(policyCharacters(boundary)).toBeLessThanOrEqual(6144);
    // The engine asks a key's policy too.
    const delegating = delegatingKeyPolicy(account.id, account.partition);
    const lines = await decided(
      "refused",
      byRole(role),
      ({ request }) => (request.resourcePolicy === undefined ? {} : { resourcePolicy: delegating }),
      () => [boundary],
    );
    expect(lines).toEqual([]);
  });

  test.each([
    ["iam:CreateUser", `arn:aws:iam::${account.id}:user/eve`],
    ["iam:CreateRole", `arn:aws:iam::${account.id}:role/eve`],
    ["iam:PutRolePolicy", account.deployRole],
    ["iam:AttachRolePolicy", `arn:aws:iam::${account.id}:role/keyspan-announce`],
    ["sts:AssumeRole", `arn:aws:iam::${account.id}:role/keyspan-announce`],
    ["kms:Decrypt", KEY_ARN],
    ["kms:CreateGrant", KEY_ARN],
    ["kms:DisableKey", KEY_ARN],
    ["sqs:ReceiveMessage", `arn:aws:sqs:eu-west-1:${account.id}:keyspan-dead-letter-forward`],
    ["sns:Publish", `arn:aws:sns:eu-west-1:${account.id}:keyspan-alerts`],
    ["ssm:GetParameter", `arn:aws:ssm:eu-west-1:${account.id}:parameter/other`],
  ])("refuses %s on %s", async (action, resource) => {
    expect(await decideApply(action, resource, {}, [boundary])).toBe(false);
  });
});
