/** Keys, and what else must not be destroyed, that an earlier apply has left half made: what is said of them, and of whom AWS asks in vain. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AwsAccess } from "../../cli/aws-access";
import {
  type KeyGuardProps,
  keysLeftByDestroy,
  refuseUnseenKeys,
} from "../../cli/rollout/key-guard";
import type { StackState, StateResource } from "../../cli/rollout/state-bucket";
import { STACK_FILE, type StackFolder } from "../../cli/stack-folders";
import { checkAccount } from "../../config/load-account";
import { parseYaml } from "../../config/yaml-source";
import { ValidationError } from "../../modules/errors";
import { ACCOUNT_TAG, KEY_TAG } from "../../modules/names";
import { type FakeAnswer, FakeAws } from "../cli/doctor/fake-aws";

const ACCOUNT = checkAccount(
  "prod",
  parseYaml(
    "prod.yaml",
    `
version: 1
account:
  id: "111122223333"
  deployRole: arn:aws:iam::111122223333:role/keyspan-deploy
  planRole: arn:aws:iam::111122223333:role/keyspan-plan
homeRegion: eu-west-1
regions: [eu-west-1]
state:
  bucket: states
  region: eu-west-1
  keyPrefix: keyspan
  account: "444455556666"
  writeRole: arn:aws:iam::444455556666:role/keyspan-state
  readRole: arn:aws:iam::444455556666:role/keyspan-state-read
keys:
  archive: { administrators: [arn:aws:iam::111122223333:role/KeyAdmin], deletionWindowDays: 7 }
  alerts: { administrators: [arn:aws:iam::111122223333:role/KeyAdmin], deletionWindowDays: 7 }
  audit: { administrators: [arn:aws:iam::111122223333:role/KeyAdmin], deletionWindowDays: 7 }
buses: {}
archives: {}
notifications: { subscriptions: [{ protocol: email, endpoint: key-alerts@example.com }] }
trail: create
protect: false
`,
  ),
  undefined,
);

/** What a stack says of a resource that is not to be destroyed. */
const PROTECTED = { lifecycle: { prevent_destroy: true } };

let directory: string;
let aws: FakeAws;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "keyspan-guard-"));
  aws = await FakeAws.start();
});
beforeEach(() => aws.answer({}));
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await aws.stop();
});

/** A stack that has resources, by type and name. */
function stack(id: string, resource: object): StackFolder {
  const folder = join(directory, id);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, STACK_FILE), JSON.stringify({ resource }));
  return { id, directory: folder, dependencies: [] };
}

const tagsOf = (keyName: string, account = "prod") => ({
  [KEY_TAG]: keyName,
  [ACCOUNT_TAG]: account,
});

/** A stack with one key. */
const keyStack = () =>
  stack("keys", {
    aws_kms_key: { archive: { region: "eu-west-1", tags: tagsOf("archive") } },
  });

/** A state in which some resources are, the tainted ones among them. */
function stateOf(addresses: readonly string[], tainted: readonly string[] = []): StackState {
  return {
    lineage: "l",
    serial: 1,
    sha256: "",
    terraformVersion: "1.11.4",
    outputs: {},
    resources: addresses.map(
      (address): StateResource => ({
        address,
        type: address.split(".")[0] ?? "",
        attributes: { region: "eu-west-1", id: `id of ${address}` },
        tainted: tainted.includes(address),
      }),
    ),
    writtenAt: undefined,
  };
}

/** The account whose keys are judged. */
function propsOf(
  folders: readonly StackFolder[],
  role: KeyGuardProps["role"] = "deploy",
): KeyGuardProps {
  const access = new AwsAccess({
    account: ACCOUNT,
    origin: { credentialSource: "Environment" },
    sessionName: "test",
    env: {
      AWS_ACCESS_KEY_ID: "first",
      AWS_SECRET_ACCESS_KEY: "first",
      AWS_ENDPOINT_URL: aws.endpoint,
    },
  });
  return { account: ACCOUNT, folders, access, role };
}

/** What the guard refuses, in its words; `undefined` if it refuses nothing. */
async function refusal(
  folders: readonly StackFolder[],
  states: Readonly<Record<string, StackState>> = {},
  role: KeyGuardProps["role"] = "deploy",
): Promise<string | undefined> {
  try {
    await refuseUnseenKeys(propsOf(folders, role), new Map(Object.entries(states)));
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError);
    return (error as ValidationError).message;
  }
}

describe("what was made, but not to the end", () => {
  const notifications = () =>
    stack("notifications", {
      aws_s3_bucket: { trail: PROTECTED, copies: { lifecycle: { prevent_destroy: false } } },
      aws_sqs_queue: { alerts: {} },
    });
  const ADDRESSES = ["aws_s3_bucket.trail", "aws_s3_bucket.copies", "aws_sqs_queue.alerts"];

  test("is refused if it must not be destroyed, though it is no key, with the command that keeps it", async () => {
    expect(await refusal([notifications()], { notifications: stateOf(ADDRESSES, ADDRESSES) })).toBe(
      `account prod: an earlier apply must have ended before the next begins, got something that it has left half done; nothing has been changed: put this right, then run the same command again
  notifications: aws_s3_bucket.trail was made, but not to the end: Terraform would replace it. Keep it:
    npm run keyspan -- untaint prod notifications 'aws_s3_bucket.trail'`,
    );
    // Nothing of that is a question for AWS.
    expect(aws.calls).toEqual([]);
  });

  test("is left to Terraform if it may be destroyed", async () => {
    expect(
      await refusal([notifications()], {
        notifications: stateOf(ADDRESSES, ["aws_s3_bucket.copies", "aws_sqs_queue.alerts"]),
      }),
    ).toBeUndefined();
  });

  test("is left to Terraform if another stack has something of that name that must not be destroyed", async () => {
    expect(
      await refusal([notifications(), stack("archive", { aws_s3_bucket: { trail: {} } })], {
        notifications: stateOf(ADDRESSES),
        archive: stateOf(["aws_s3_bucket.trail"], ["aws_s3_bucket.trail"]),
      }),
    ).toBeUndefined();
  });

  test("is refused with all the rest: keys, protected or not, and keys that no state knows", async () => {
    aws.answer({
      ListKeys: () => ({ json: { Keys: [{ KeyId: "lost" }] } }),
      ListResourceTags: () => tagsAnswer(tagsOf("audit")),
      DescribeKey: () => ({ json: { KeyMetadata: { KeyId: "lost", KeyState: "Enabled" } } }),
    });
    const keys = stack("keys", {
      aws_kms_key: {
        archive: { region: "eu-west-1", tags: tagsOf("archive") },
        audit: { region: "eu-west-1", tags: tagsOf("audit") },
      },
    });
    expect(
      await refusal([keys, notifications()], {
        keys: stateOf(["aws_kms_key.archive"], ["aws_kms_key.archive"]),
        notifications: stateOf(ADDRESSES, ["aws_s3_bucket.trail"]),
      }),
    ).toBe(
      `account prod: an earlier apply must have ended before the next begins, got 3 things that it has left half done; nothing has been changed: put this right, then run the same command again
  keys: key lost in eu-west-1 is there already, and in no state: Terraform would make another beside it. Take it over:
    npm run keyspan -- import prod keys 'aws_kms_key.audit' 'lost@eu-west-1'
  keys: aws_kms_key.archive was made, but not to the end: Terraform would replace it. Keep it:
    npm run keyspan -- untaint prod keys 'aws_kms_key.archive'
  notifications: aws_s3_bucket.trail was made, but not to the end: Terraform would replace it. Keep it:
    npm run keyspan -- untaint prod notifications 'aws_s3_bucket.trail'`,
    );
  });
});

function tagsAnswer(tags: Readonly<Record<string, string>>): FakeAnswer {
  return {
    json: { Tags: Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })) },
  };
}

describe("a key whose tags cannot be read", () => {
  const WHO = "User: arn:aws:sts::111122223333:assumed-role/keyspan-deploy/keyspan-test-prod";
  const WHAT = `${WHO} is not authorized to perform: kms:ListResourceTags on resource: arn:aws:kms:eu-west-1:111122223333:key/theirs`;

  /** Two keys: the tags of the first are refused, the second is Keyspan's, and lost. */
  function answerWith(refused: FakeAnswer): void {
    aws.answer({
      ListKeys: () => ({ json: { Keys: [{ KeyId: "theirs" }, { KeyId: "lost" }] } }),
      ListResourceTags: ({ input }) =>
        input.KeyId === "theirs" ? refused : tagsAnswer(tagsOf("archive")),
      DescribeKey: () => ({ json: { KeyMetadata: { KeyId: "lost", KeyState: "Enabled" } } }),
    });
  }

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
  const noneAllows = (type: string) => ` because no ${type} allows the kms:ListResourceTags action`;
  const oneDenies = (type: string) => ` with an explicit deny in ${type}`;

  test.each([
    ["AccessDeniedException", noneAllows("resource-based policy")],
    ["AccessDeniedException", oneDenies("a resource-based policy")],
    ["AccessDeniedException", ""],
    ["NotFoundException", ""],
  ])("is another's, or gone, and the others are looked at: %s%s", async (error, why) => {
    answerWith({ error, message: `${WHAT}${why}` });
    expect(await refusal([keyStack()])).toContain(
      "  keys: key lost in eu-west-1 is there already, and in no state",
    );
    expect(aws.calls.filter((call) => call.endsWith("Tags"))).toHaveLength(2);
  });

  const OWN_FAULTS = [
    ["AccessDeniedException", noneAllows("identity-based policy")],
    ["AccessDeniedException", oneDenies("an identity-based policy")],
    ["AccessDeniedException", noneAllows("permissions boundary")],
    ["AccessDeniedException", oneDenies("a permissions boundary")],
    ["AccessDeniedException", noneAllows("service control policy")],
    ["AccessDeniedException", oneDenies("a service control policy")],
    ["AccessDeniedException", noneAllows("session policy")],
    ["AccessDeniedException", oneDenies("a session policy")],
    ["AccessDeniedException", noneAllows("resource control policy")],
    ["AccessDeniedException", oneDenies("a resource control policy")],
    ["AccessDeniedException", noneAllows("VPC endpoint policy")],
    ["AccessDeniedException", oneDenies("a VPC endpoint policy")],
  ] as const;

  describe.each([
    ["deploy", "apply"],
    ["plan", "plan"],
  ] as const)("and the %s role asks", (role, permissions) => {
    test.each(OWN_FAULTS)("stops the command: %s%s", async (error, why) => {
      answerWith({ error, message: `${WHAT}${why}` });
      expect(await refusal([keyStack()], {}, role)).toBe(
        `KMS in eu-west-1: the ${role} role must be able to look for keys that no state knows (kms:ListKeys, kms:ListResourceTags, kms:DescribeKey), got ${error}: ${WHAT}${why}; give it the policies of npm run keyspan -- permissions prod --role ${permissions}`,
      );
    });
  });

  test("because of something else stops the command too, and no permission is blamed", async () => {
    answerWith({ error: "KMSInternalException", message: "try again" });
    expect(await refusal([keyStack()])).toBe(
      "KMS in eu-west-1: the deploy role must be able to look for keys that no state knows (kms:ListKeys, kms:ListResourceTags, kms:DescribeKey), got KMSInternalException: try again; put that right, and run the same command again",
    );
  });
});

describe("a key that no state knows and that waits for its deletion", () => {
  beforeEach(() => {
    aws.answer({
      ListKeys: () => ({ json: { Keys: [{ KeyId: "dying" }, { KeyId: "renamed" }] } }),
      ListResourceTags: ({ input }) =>
        tagsAnswer(tagsOf(input.KeyId === "dying" ? "archive" : "letters")),
      DescribeKey: () => ({ json: { KeyMetadata: { KeyState: "PendingDeletion" } } }),
    });
  });

  test("refuses nothing, and is named with the command that keeps it", async () => {
    expect(await refuseUnseenKeys(propsOf([keyStack()]), new Map())).toEqual([
      "key dying in eu-west-1 waits for its deletion, and no state knows it: another key archive is made beside it, which cannot decrypt what that one has encrypted. To keep the old one: aws kms cancel-key-deletion --region eu-west-1 --key-id dying, then run the same command again",
    ]);
  });

  test("is nothing that a destroy leaves behind", async () => {
    expect(await keysLeftByDestroy(propsOf([keyStack()]), new Map())).toEqual([]);
  });
});

test("a key that a destroy leaves behind is named with the command that takes it over", async () => {
  aws.answer({
    ListKeys: () => ({ json: { Keys: [{ KeyId: "lost" }] } }),
    ListResourceTags: () => tagsAnswer(tagsOf("archive")),
    DescribeKey: () => ({ json: { KeyMetadata: { KeyState: "Enabled" } } }),
  });
  expect(await keysLeftByDestroy(propsOf([keyStack()]), new Map())).toEqual([
    "key lost in eu-west-1 is in no state: it stays in AWS, and is paid for. To destroy it too, take it over first: npm run keyspan -- import prod keys 'aws_kms_key.archive' 'lost@eu-west-1'",
  ]);
});

test("a key of another account's file, of another name, or that a state knows is nobody's loss", async () => {
  const tags: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    elsewhere: tagsOf("archive", "demo"),
    renamed: tagsOf("letters"),
    untagged: {},
  };
  aws.answer({
    ListKeys: () => ({
      json: {
        Keys: [...Object.keys(tags), "id of aws_kms_key.audit"].map((KeyId) => ({ KeyId })),
      },
    }),
    ListResourceTags: ({ input }) => tagsAnswer(tags[String(input.KeyId)] ?? tagsOf("archive")),
    DescribeKey: () => ({ json: { KeyMetadata: { KeyState: "Enabled" } } }),
  });
  expect(await refusal([keyStack()], { audit: stateOf(["aws_kms_key.audit"]) })).toBeUndefined();
});
