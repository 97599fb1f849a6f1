import { renderBusPolicy } from "../../../modules/events/bus-policy";

const AT = { partition: "aws", account: "111122223333", region: "eu-west-1" } as const;
const BUS = "arn:aws:events:eu-west-1:111122223333:event-bus/orders";
const NOBODY = { roles: [], accounts: [], organizations: [] };
const own = (name: string) => `arn:aws:iam::111122223333:role/${name}`;
const foreign = (name: string) => `arn:aws:iam::999988887777:role/${name}`;
const statements = (policy: string | undefined) =>
  (JSON.parse(policy ?? "{}") as { Statement: unknown }).Statement;

test("admits producers from outside, and denies this account's principals that are not named", () => {
  const policy = renderBusPolicy("orders", AT, {
    roles: [foreign("B"), own("A"), foreign("A")],
    accounts: ["444455556666", "222233334444"],
    organizations: ["o-a1b2c3d4e5"],
  });
  expect(statements(policy)).toEqual([
    {
      Sid: "AccountsPut",
      Effect: "Allow",
      Principal: { AWS: ["arn:aws:iam::222233334444:root", "arn:aws:iam::444455556666:root"] },
      Action: "events:PutEvents",
      Resource: BUS,
    },
    {
      Sid: "RolesPut",
      Effect: "Allow",
      Principal: { AWS: "*" },
      Action: "events:PutEvents",
      Resource: BUS,
      Condition: {
        ArnEquals: { "aws:PrincipalArn": [foreign("A"), foreign("B")] },
        StringEquals: { "aws:PrincipalAccount": ["999988887777"] },
      },
    },
    {
      Sid: "OrganizationPuts",
      Effect: "Allow",
      Principal: "*",
      Action: "events:PutEvents",
      Resource: BUS,
      Condition: {
        StringEquals: { "aws:PrincipalOrgID": ["o-a1b2c3d4e5"] },
        StringNotEquals: { "aws:PrincipalAccount": "111122223333" },
      },
    },
    {
      Sid: "DenyUnnamed",
      Effect: "Deny",
      Principal: "*",
      Action: "events:PutEvents",
      Resource: BUS,
      Condition: {
        StringEquals: { "aws:PrincipalAccount": "111122223333" },
        ArnNotEquals: { "aws:PrincipalArn": [own("A")] },
      },
    },
  ]);
});

test("denies all of this account's principals if none is named", () => {
  expect(
    statements(renderBusPolicy("orders", AT, { ...NOBODY, accounts: ["222233334444"] })),
  ).toContainEqual({
    Sid: "DenyUnnamed",
    Effect: "Deny",
    Principal: "*",
    Action: "events:PutEvents",
    Resource: BUS,
    Condition: { StringEquals: { "aws:PrincipalAccount": "111122223333" } },
  });
});

test("says nothing if only the account itself is named, since IAM says it all", () => {
  expect(renderBusPolicy("orders", AT, { ...NOBODY, accounts: ["111122223333"] })).toBeUndefined();
});

test("takes a policy of 10,240 bytes and refuses one of 10,241", () => {
  const withName = (length: number) =>
    renderBusPolicy("orders", AT, { ...NOBODY, roles: [own("x".repeat(length))] });
  const rest = Buffer.byteLength(withName(1) ?? "") - 1;
  expect(Buffer.byteLength(withName(10_240 - rest) ?? "")).toBe(10_240);
  expect(() => withName(10_241 - rest)).toThrow(
    "buses.orders in eu-west-1: the bus policy must be at most 10240 bytes (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html), got 10241; name fewer roles, buses or regions in it, or split it over several keys or buses",
  );
});
