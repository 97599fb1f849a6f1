import { SqsQueue } from "@cdktf/provider-aws/lib/sqs-queue";
import { App } from "cdktf";
import type { AccountConfig } from "../../config/account-config";
import { loadLedger } from "../../config/ledger";
import { loadAccount } from "../../config/load-account";
import { AccountStack } from "../../stacks/account-stack";
import { buildStacks } from "../../stacks/define-stacks";
import { FIXTURE_ACCOUNTS, stackOf, synthAccount } from "../helpers/synth";

const account = loadAccount(FIXTURE_ACCOUNTS, "full");

test("a stack keeps its state in the workspace's place, locked, through the state profile", () => {
  expect(stackOf(synthAccount(FIXTURE_ACCOUNTS, "full"), "archive-us-east-1").backend).toEqual({
    allowed_account_ids: ["444455556666"],
    bucket: "acme-terraform-state",
    encrypt: true,
    key: "archive-us-east-1.tfstate",
    profile: "keyspan-state",
    region: "eu-west-1",
    use_lockfile: true,
    workspace_key_prefix: "keyspan",
  });
});

test("a stack has one provider, in its region, for one account in one workspace, with the account's tags", () => {
  expect(stackOf(synthAccount(FIXTURE_ACCOUNTS, "full"), "archive-us-east-1").provider).toEqual({
    allowed_account_ids: ['${{"full" = "111122223333"}[terraform.workspace]}'],
    default_tags: [
      {
        tags: {
          CostCenter: "4711",
          Owner: "platform",
          "keyspan:account": "full",
          "keyspan:stack": "archive-us-east-1",
        },
      },
    ],
    profile: "keyspan",
    region: "us-east-1",
  });
});

test.each([
  ["full", "aws"],
  ["china", "aws-cn"],
])("every stack of %s refuses credentials of another partition than %s", (workspace, partition) => {
  for (const { data } of synthAccount(FIXTURE_ACCOUNTS, workspace).stacks) {
    expect(data.aws_caller_identity).toEqual({
      caller: {
        lifecycle: {
          postcondition: [
            {
              condition: `\${startswith(self.arn, "arn:${partition}:")}`,
              error_message: `The credentials must be of partition ${partition}, where account ${workspace} is.`,
            },
          ],
        },
      },
    });
  }
});

test("stacks read the states of others through the state profile, in the same workspace", () => {
  const stack = stackOf(synthAccount(FIXTURE_ACCOUNTS, "full"), "archive-us-east-1");
  expect(stack.data.terraform_remote_state).toEqual({
    "cross-stack-reference-input-keys": {
      backend: "s3",
      config: {
        allowed_account_ids: ["444455556666"],
        bucket: "acme-terraform-state",
        encrypt: true,
        key: "keys.tfstate",
        profile: "keyspan-state",
        region: "eu-west-1",
        workspace_key_prefix: "keyspan",
      },
      workspace: "${terraform.workspace}",
    },
  });
});

class OneQueue extends AccountStack {
  constructor(
    app: App,
    config: AccountConfig,
    spansRegions: boolean,
    queueRegion: string | undefined,
  ) {
    super(app, "one-queue", { account: config, region: "eu-west-1", spansRegions });
    new SqsQueue(this, "Queue", { name: "queue", region: queueRegion });
  }
}

test.each([
  [true, "eu-west-1"],
  [true, "us-east-1"],
  [false, undefined],
  [false, "eu-west-1"],
])("a stack that spans regions (%p) takes a resource in %p", (spansRegions, region) => {
  expect(new OneQueue(new App(), account, spansRegions, region).node.validate()).toEqual([]);
});

test("fails if a resource of a stack that spans regions names none", () => {
  expect(new OneQueue(new App(), account, true, undefined).node.validate()).toEqual([
    "one-queue/Queue: region must be given in a stack that spans regions, got nothing; without it the resource lands in eu-west-1",
  ]);
});

test("fails if a resource of a stack of one region names another", () => {
  expect(new OneQueue(new App(), account, false, "us-east-1").node.validate()).toEqual([
    "one-queue/Queue: region must be that of the stack, eu-west-1, got us-east-1; remove it",
  ]);
});

test("such a defect refuses the account before anything is written", () => {
  const noRegion = undefined as unknown as string;
  const defective = {
    ...account,
    keys: account.keys.map((key) =>
      key.kind === "managed" && key.name === "team"
        ? { ...key, regions: [...key.regions, noRegion] }
        : key,
    ),
  };
  expect(() =>
    buildStacks(new App(), defective, loadLedger(FIXTURE_ACCOUNTS, "no-ledger")),
  ).toThrow("region must be given in a stack that spans regions");
});
