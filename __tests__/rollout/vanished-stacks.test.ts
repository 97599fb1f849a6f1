/** Stacks and accounts that a file no longer is about, though what was deployed is still there. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { refuseOtherAccount } from "../../cli/rollout/other-account";
import { type StackState, StateBucket, type StateResource } from "../../cli/rollout/state-bucket";
import { refuseVanishedStacks, vanishedStacks } from "../../cli/rollout/vanished-stacks";
import { stateAccount, TestEndpoints } from "../helpers/endpoints";

describe("a stack that the account no longer defines", () => {
  const account = stateAccount("small");
  let files: TestEndpoints;
  let bucket: StateBucket;
  beforeEach(async () => {
    files = new TestEndpoints([account]);
    bucket = new StateBucket({
      access: files.access(await files.start(), account),
      state: account.state,
      workspace: "small",
      role: "state-read",
    });
  });
  afterEach(() => files.remove());

  /** A state in the bucket. */
  function deployed(path: string, resourceCount: number): void {
    const file = join(files.directory, "s3", account.state.bucket, path);
    mkdirSync(dirname(file), { recursive: true });
    const resources = Array.from({ length: resourceCount }, (_, index) => ({
      mode: "managed",
      type: "aws_sqs_queue",
      name: `queue-${index}`,
      instances: [{ attributes: {} }],
    }));
    writeFileSync(file, JSON.stringify({ lineage: "l", serial: 1, resources }));
  }

  test("is found by its state, unless that is empty", async () => {
    deployed("keyspan/small/keys.tfstate", 1);
    deployed("keyspan/small/archive-eu-north-1.tfstate", 0);
    deployed("keyspan/small/archive-us-east-1.tfstate", 4);
    deployed("keyspan/small/archive-us-west-2.tfstate", 1);
    // Neither a lock nor a stack of another account is one of its stacks.
    deployed("keyspan/small/archive-us-east-2.tfstate.tflock", 1);
    deployed("keyspan/smaller/archive-sa-east-1.tfstate", 1);
    expect(await vanishedStacks(bucket, [{ id: "keys" }])).toEqual([
      { id: "archive-us-east-1", resources: 4 },
      { id: "archive-us-west-2", resources: 1 },
    ]);
    await expect(refuseVanishedStacks(bucket, "small", [{ id: "keys" }])).rejects.toThrow(
      `account small: what a stack has made must be destroyed before the stack leaves the account's file, got 2 stacks that only the state knows; nothing has been changed: put its region back into the file, as draining, and go on from there (README: Retiring a region)
  archive-us-east-1: its state holds 4 resources, and the account's file defines it no more
  archive-us-west-2: its state holds 1 resource, and the account's file defines it no more`,
    );
  });

  test("is none of those that are defined, or were never deployed", async () => {
    expect(await vanishedStacks(bucket, [{ id: "keys" }])).toEqual([]);
    deployed("keyspan/small/keys.tfstate", 1);
    await refuseVanishedStacks(bucket, "small", [{ id: "keys" }]);
  });
});

describe("the id of an account that is deployed", () => {
  const stateWith = (resource: Omit<StateResource, "tainted">): ReadonlyMap<string, StackState> =>
    new Map([
      [
        "keys",
        {
          lineage: "l",
          serial: 1,
          sha256: "",
          terraformVersion: "1.11.4",
          outputs: {},
          resources: [{ ...resource, tainted: false }],
          writtenAt: undefined,
        },
      ],
    ]);
  const key = (arn: unknown) =>
    stateWith({ type: "aws_kms_key", address: "aws_kms_key.a", attributes: { arn } });

  test("must not change", () => {
    expect(() =>
      refuseOtherAccount(
        { workspace: "prod", id: "999988887777" },
        key("arn:aws:kms:eu-west-1:111122223333:key/1"),
      ),
    ).toThrow(
      "account prod: account.id must be 111122223333, that of what is deployed, got 999988887777; correct it, or give the new account a file of its own",
    );
  });

  test.each([
    ["the same", key("arn:aws:kms:eu-west-1:111122223333:key/1")],
    ["not known yet", key(undefined)],
    ["none, before the first apply", new Map<string, StackState>()],
    [
      "that of a topic of somebody else",
      stateWith({
        type: "aws_sns_topic_subscription",
        address: "aws_sns_topic_subscription.a",
        attributes: { arn: "arn:aws:sns:eu-west-1:999988887777:theirs:1" },
      }),
    ],
  ])("is right if it is %s", (_, states) => {
    expect(() =>
      refuseOtherAccount({ workspace: "prod", id: "111122223333" }, states),
    ).not.toThrow();
  });
});
