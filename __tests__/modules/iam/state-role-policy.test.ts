import {
  type StateRole,
  type StateRolePolicyProps,
  statePolicy,
} from "../../../modules/iam/state-role-policy";
import { roleMay } from "../../cli/permissions/role-iam";
import { sessionOf } from "../../helpers/iam";

const PROPS: StateRolePolicyProps = {
  partition: "aws",
  bucket: "acme-terraform-state",
  keyPrefix: "keyspan",
  workspace: "prod",
  stateObjectKeys: ["keys.tfstate", "archive-*.tfstate"],
};

const ROLE = sessionOf("arn:aws:iam::444455556666:role/keyspan-state-prod");

const may = (
  role: StateRole,
  action: string,
  key: string,
  context: Readonly<Record<string, string>> = {},
  props: StateRolePolicyProps = PROPS,
) =>
  roleMay(
    {
      principal: ROLE,
      action,
      resource: `arn:aws:s3:::${props.bucket}${key === "" ? "" : `/${key}`}`,
      context,
    },
    [{ Version: "2012-10-17", Statement: statePolicy(props, role) }],
  );

const NEW = { "s3:if-none-match": "*" };

// Action, key, what the request carries, whether each role may.
test.each<
  [action: string, key: string, context: Record<string, string>, read: boolean, write: boolean]
>([
  ["s3:ListBucket", "", {}, true, true],
  ["s3:GetBucketVersioning", "", {}, true, true],
  ["s3:PutBucketPolicy", "", {}, false, false],
  ["s3:GetObject", "keyspan/prod/keys.tfstate", {}, true, true],
  ["s3:GetObject", "keyspan/prod/keys.tfstate.tflock", {}, true, true],
  ["s3:GetObject", "keyspan/prod/account.lock", {}, true, true],
  ["s3:GetObject", "keys.tfstate", {}, true, true],
  ["s3:GetObject", "archive-eu-west-1.tfstate", {}, true, true],
  ["s3:GetObject", "notifications.tfstate", {}, false, false],
  ["s3:GetObject", "keyspan/dev/keys.tfstate", {}, false, false],
  ["s3:GetObject", "keyspan/prod-eu/keys.tfstate", {}, false, false],
  ["s3:GetObject", "keyspan/keys.tfstate", {}, false, false],
  ["s3:GetObjectVersion", "keyspan/prod/keys.tfstate", {}, false, false],
  ["s3:PutObject", "keyspan/prod/keys.tfstate", {}, false, true],
  ["s3:PutObject", "keyspan/prod/keys.tfstate.tflock", {}, false, true],
  ["s3:PutObject", "keyspan/prod/account.lock", NEW, false, true],
  ["s3:PutObject", "keys.tfstate", {}, false, false],
  ["s3:PutObject", "keyspan/dev/keys.tfstate", {}, false, false],
  ["s3:DeleteObject", "keyspan/prod/keys.tfstate.tflock", {}, false, true],
  ["s3:DeleteObject", "keyspan/prod/account.lock", {}, false, true],
  ["s3:DeleteObject", "keyspan/prod/keys.tfstate", {}, false, false],
  ["s3:DeleteObject", "keyspan/dev/account.lock", {}, false, false],
  ["s3:DeleteObjectVersion", "keyspan/prod/keys.tfstate", {}, false, false],
  ["s3:DeleteObjectVersion", "keyspan/prod/account.lock", {}, false, false],
  ["s3:PutObject", "plans/0123/prod/keys.tfplan", NEW, true, true],
  ["s3:PutObject", "plans/0123/prod/keys.tfplan", {}, false, false],
  ["s3:GetObject", "plans/0123/prod/keys.tfplan", {}, false, true],
  ["s3:DeleteObject", "plans/0123/prod/keys.tfplan", {}, false, false],
  ["s3:GetObject", "plans/0123/dev/keys.tfplan", {}, false, false],
  ["s3:PutObject", "plans/0123/dev/keys.tfplan", NEW, false, false],
  ["s3:GetObject", "plans/0123/prod-eu/keys.tfplan", {}, false, false],
  ["s3:GetObject", "plans/0123/plans.json", {}, false, true],
  ["s3:PutObject", "plans/0123/plans.json", NEW, true, true],
  ["s3:PutObject", "plans/0123/plans.json", {}, false, false],
])("%s on %j with %j: reading role %s, writing role %s", async (action, key, context, ...both) => {
  expect([
    await may("state-read", action, key, context),
    await may("state-write", action, key, context),
  ]).toEqual(both);
});

test("another bucket is nobody's", async () => {
  const statements = statePolicy(PROPS, "state-write");
  const asked = { principal: ROLE, action: "s3:GetObject" };
  const policies = [{ Version: "2012-10-17", Statement: statements }];
  const at = (bucket: string) =>
    roleMay({ ...asked, resource: `arn:aws:s3:::${bucket}/keyspan/prod/keys.tfstate` }, policies);
  expect([await at("acme-terraform-state"), await at("acme-terraform-state2")]).toEqual([
    true,
    false,
  ]);
});

test("a customer managed key is used through S3 in the bucket's region alone", () => {
  const kmsKeyArn = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab";
  for (const role of ["state-read", "state-write"] as const) {
    const statements = statePolicy(
      { ...PROPS, encryption: { kmsKeyArn, region: "eu-west-1" } },
      role,
    );
    expect(statements.at(-1)).toEqual({
      Sid: "Encryption",
      Effect: "Allow",
      Action: ["kms:Decrypt", "kms:GenerateDataKey"],
      Resource: kmsKeyArn,
      Condition: { StringEquals: { "kms:ViaService": "s3.eu-west-1.amazonaws.com" } },
    });
    expect(statements.slice(0, -1)).toEqual(statePolicy(PROPS, role));
  }
});

test("the partition stands in every ARN", () => {
  const text = JSON.stringify(statePolicy({ ...PROPS, partition: "aws-us-gov" }, "state-write"));
  expect(text).not.toMatch(/arn:aws:/);
  expect(text).toMatch(/arn:aws-us-gov:s3:::acme-terraform-state\/keyspan\/prod/);
});
