import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import type { AccountConfig } from "../../config/account-config";
import { type NamedObject, StateStack, type StateStackProps } from "../../stacks/state-stack";
import { type BucketRequest, bucketAllows } from "../helpers/bucket-iam";
import {
  actionMatches,
  decide,
  FULL_ADMIN,
  NOBODY_KNOWN,
  type PolicyDocument,
  type Principal,
  parsePolicy,
  roleItself,
  rootUser,
  sessionOf,
} from "../helpers/iam";
import { lintPolicy } from "../helpers/policy-lint";
import { accountFrom, parseStack, type StackJson } from "../helpers/synth";

interface Place {
  readonly partition: string;
  readonly region: string;
}
const PLACES: readonly Place[] = [
  { partition: "aws", region: "eu-west-1" },
  { partition: "aws-us-gov", region: "us-gov-west-1" },
];
const OWNER = "444455556666";
const role = (name: string, { partition }: Place = { partition: "aws", region: "" }, of = OWNER) =>
  `arn:${partition}:iam::${of}:role/${name}`;

interface Differences {
  readonly state?: string;
  readonly region?: string;
  readonly keyPrefix?: string;
  readonly writers?: string;
  readonly readers?: string;
  readonly writeRole?: string;
  readonly readRole?: string;
  readonly owner?: string;
  readonly tags?: string;
  readonly id?: string;
  readonly deployRole?: string;
}

let ids = 111122220000;
function accountOf(
  workspace: string,
  differences: Differences = {},
  place = PLACES[0],
): AccountConfig {
  const { partition = "", region = "" } = place ?? {};
  const at = { partition, region };
  ids += 1;
  const {
    id = String(ids),
    owner = OWNER,
    keyPrefix = "keyspan",
    writeRole = role(`keyspan-state-${workspace}`, at, owner),
    readRole = role(`keyspan-state-${workspace}-read`, at, owner),
    writers = `[${role("pipeline", at)}]`,
    readers = `[${role("pulls", at)}]`,
    tags = "{ Owner: platform }",
    deployRole = role("deploy", at, id),
  } = differences;
  const key = `{ administrators: [${role("KeyAdmin", at, id)}] }`;
  return accountFrom(
    `
version: 1
account: { id: "${id}", deployRole: ${deployRole}, planRole: ${role("plan", at, id)} }
homeRegion: ${region}
regions: [${region}]
state:
  bucket: acme-state
  region: ${differences.region ?? region}
  keyPrefix: ${keyPrefix}
  account: "${owner}"
  writeRole: ${writeRole}
  readRole: ${readRole}
  writers: ${writers}
  readers: ${readers}
tags: ${tags}
keys: { archive: ${key}, alerts: ${key}, audit: ${key} }
notifications: { subscriptions: [{ protocol: email, endpoint: a@example.com }] }
trail: create
`,
    workspace,
  );
}

function synth(
  accounts: readonly AccountConfig[],
  props: Partial<StateStackProps> = {},
): StackJson & { readonly terraform: unknown; readonly objects: readonly NamedObject[] } {
  const outdir = mkdtempSync(join(tmpdir(), "keyspan-state-stack-"));
  try {
    const app = new App({ outdir });
    const { namedObjects } = new StateStack(app, { accounts, backend: "bucket", ...props });
    app.synth();
    const text = readFileSync(join(outdir, "stacks/state/cdk.tf.json"), "utf8");
    return {
      ...parseStack("state", text),
      terraform: JSON.parse(text).terraform.backend,
      objects: namedObjects,
    };
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

function refusal(accounts: readonly AccountConfig[]): readonly string[] {
  try {
    synth(accounts);
  } catch (error) {
    return (error as Error).message.split("\n");
  }
  return [];
}

describe("the stack", () => {
  const stack = synth([accountOf("a", { tags: "{ Owner: platform, Team: x }" }), accountOf("b")]);

  test("has its state in the bucket, beside no account's, and only administrators of the owner apply it", () => {
    expect(stack.backend).toEqual({
      bucket: "acme-state",
      region: "eu-west-1",
      key: "keyspan-bootstrap.tfstate",
      encrypt: true,
      allowed_account_ids: [OWNER],
      use_lockfile: true,
    });
    expect(stack.provider).toEqual({
      region: "eu-west-1",
      allowed_account_ids: [OWNER],
      default_tags: [{ tags: { Owner: "platform", "keyspan:stack": "state" } }],
    });
    expect(stack.data.aws_caller_identity?.caller).toEqual({
      lifecycle: {
        postcondition: [
          {
            condition: '${startswith(self.arn, "arn:aws:")}',
            error_message: "The credentials must be of partition aws, where bucket acme-state is.",
          },
        ],
      },
    });
  });

  test("begins in a file outside its folder", () => {
    expect(synth([accountOf("a")], { backend: "local" }).terraform).toEqual({
      local: { path: "../../local.tfstate" },
    });
  });

  test("takes over what is in no state", () => {
    const adopt = [{ to: "aws_s3_bucket.state", importId: "acme-state" }];
    expect(synth([accountOf("a")], { adopt }).imports).toEqual([
      { to: "aws_s3_bucket.state", id: "acme-state" },
    ]);
    expect(stack.imports).toEqual([]);
  });

  test("names what AWS knows by name", () => {
    expect(stack.objects).toEqual([
      { kind: "bucket", name: "acme-state", address: "aws_s3_bucket.state" },
      { kind: "role", name: "keyspan-state-a", address: "aws_iam_role.a-write" },
      { kind: "role", name: "keyspan-state-a-read", address: "aws_iam_role.a-read" },
      { kind: "role", name: "keyspan-state-b", address: "aws_iam_role.b-write" },
      { kind: "role", name: "keyspan-state-b-read", address: "aws_iam_role.b-read" },
    ]);
  });

  test("has this bucket", () => {
    const settings = Object.entries(stack.resources)
      .filter(([type]) => type.startsWith("aws_s3") && type !== "aws_s3_bucket_policy")
      .map(([type, byName]) => [type, byName]);
    const bucket = "${aws_s3_bucket.state.bucket}";
    expect(Object.fromEntries(settings)).toEqual({
      aws_s3_bucket: {
        state: {
          bucket: "acme-state",
          force_destroy: false,
          lifecycle: { prevent_destroy: true },
        },
      },
      aws_s3_bucket_public_access_block: {
        state: {
          bucket,
          block_public_acls: true,
          block_public_policy: true,
          ignore_public_acls: true,
          restrict_public_buckets: true,
        },
      },
      aws_s3_bucket_ownership_controls: {
        state: { bucket, rule: { object_ownership: "BucketOwnerEnforced" } },
      },
      aws_s3_bucket_versioning: {
        state: { bucket, versioning_configuration: { status: "Enabled" } },
      },
      aws_s3_bucket_server_side_encryption_configuration: {
        state: {
          bucket,
          rule: [
            {
              apply_server_side_encryption_by_default: { sse_algorithm: "AES256" },
              blocked_encryption_types: ["SSE-C"],
              bucket_key_enabled: false,
            },
          ],
        },
      },
      aws_s3_bucket_lifecycle_configuration: {
        state: {
          bucket,
          depends_on: ["aws_s3_bucket_versioning.state"],
          rule: [
            {
              id: "old-versions",
              status: "Enabled",
              filter: [{}],
              expiration: [{ expired_object_delete_marker: true }],
              noncurrent_version_expiration: [
                { noncurrent_days: 90, newer_noncurrent_versions: 50 },
              ],
              abort_incomplete_multipart_upload: [{ days_after_initiation: 7 }],
            },
            {
              id: "saved-plans",
              status: "Enabled",
              filter: [{ prefix: "plans/" }],
              expiration: [{ days: 7 }],
              noncurrent_version_expiration: [{ noncurrent_days: 1 }],
            },
          ],
        },
      },
    });
    expect(stack.resources.aws_s3_bucket_policy?.state).toMatchObject({
      bucket,
      depends_on: ["aws_s3_bucket_public_access_block.state"],
    });
  });

  test("has a writing and a reading role per account, with path, tags and one policy each", () => {
    const { resources } = synth([
      accountOf("a", { writeRole: role("team/x/States"), readRole: role("reader") }),
    ]);
    expect(Object.keys(resources.aws_iam_role ?? {}).sort()).toEqual(["a-read", "a-write"]);
    expect(resources.aws_iam_role?.["a-write"]).toEqual({
      name: "States",
      path: "/team/x/",
      description: "Keyspan: writes the Terraform states of account a",
      assume_role_policy: expect.any(String),
      tags: { "keyspan:state-bucket": "acme-state", "keyspan:account": "a" },
    });
    expect(resources.aws_iam_role?.["a-read"]).toMatchObject({ name: "reader", path: "/" });
    expect(resources.aws_iam_role_policy?.["a-write"]).toEqual({
      name: "States",
      role: "${aws_iam_role.a-write.name}",
      policy: expect.any(String),
    });
  });

  test("has a bucket policy that does not grow with the accounts", () => {
    const many = Array.from({ length: 20 }, (_, index) => accountOf(`w${index}`));
    expect(synth(many).resources.aws_s3_bucket_policy).toEqual(
      stack.resources.aws_s3_bucket_policy,
    );
  });
});

/** All policies of a stack, parsed. */
interface Policies {
  readonly bucket: PolicyDocument;
  readonly roles: Readonly<Record<string, PolicyDocument>>;
  readonly trust: Readonly<Record<string, PolicyDocument>>;
}

function policiesOf({ resources }: StackJson): Policies {
  const parsed = (type: string, field: string) =>
    Object.fromEntries(
      Object.entries(resources[type] ?? {}).map(([name, block]) => [
        name,
        parsePolicy(block[field]),
      ]),
    );
  return {
    bucket: parsePolicy(resources.aws_s3_bucket_policy?.state?.policy),
    roles: parsed("aws_iam_role_policy", "policy"),
    trust: parsed("aws_iam_role", "assume_role_policy"),
  };
}

const OBJECTS = {
  "own state": "keyspan/a/keys.tfstate",
  "own lock": "keyspan/a/keys.tfstate.tflock",
  "account lock": "keyspan/a/account.lock",
  "other state": "keyspan/b/keys.tfstate",
  "other lock": "keyspan/b/keys.tfstate.tflock",
  "prefix of own": "keyspan/a2/keys.tfstate",
  "default keys": "keys.tfstate",
  "default archive": "archive-eu-west-1.tfstate",
  "bootstrap state": "keyspan-bootstrap.tfstate",
  plan: "plans/0123/a/keys.tfplan",
} as const;

const OBJECT_ACTIONS = [
  "GetObject",
  "GetObjectVersion",
  "PutObject",
  "PutObject if new",
  "PutObject under KMS",
  "PutObject under AES256 if new",
  "DeleteObject",
  "DeleteObjectVersion",
] as const;

const BUCKET_ACTIONS = [
  "ListBucket",
  "GetBucketPolicy",
  "PutBucketPolicy",
  "DeleteBucketPolicy",
  "PutBucketVersioning",
  "PutLifecycleConfiguration",
  "DeleteBucket",
] as const;

const CONTEXTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "PutObject if new": { "s3:if-none-match": "*" },
  "PutObject under KMS": { "s3:x-amz-server-side-encryption": "aws:kms" },
  "PutObject under AES256 if new": {
    "s3:x-amz-server-side-encryption": "AES256",
    "s3:if-none-match": "*",
  },
};

interface Asker {
  readonly principal: Principal;
  readonly identityPolicy?: PolicyDocument;
  readonly tag?: string;
  readonly tls?: boolean;
  /** Whether it is asked about a few objects only. */
  readonly few?: boolean;
}

const FEW: readonly string[] = ["own state", "bootstrap state", "plan"];

function askersOf({ roles }: Policies, place: Place): Readonly<Record<string, Asker>> {
  const tagged = { tag: "acme-state" };
  return {
    writer: {
      principal: sessionOf(role("keyspan-state-a", place)),
      identityPolicy: roles["a-write"] as PolicyDocument,
      ...tagged,
    },
    reader: {
      principal: sessionOf(role("keyspan-state-a-read", place)),
      identityPolicy: roles["a-read"] as PolicyDocument,
      ...tagged,
    },
    // What the bucket's policy alone takes from a state role.
    "mighty writer": {
      principal: sessionOf(role("keyspan-state-a", place)),
      identityPolicy: FULL_ADMIN,
      ...tagged,
    },
    "other bucket's role": {
      principal: sessionOf(role("other", place)),
      identityPolicy: FULL_ADMIN,
      tag: "another",
      few: true,
    },
    administrator: {
      principal: sessionOf(role("Admin", place)),
      identityPolicy: FULL_ADMIN,
    },
    root: {
      principal: rootUser(place.partition, OWNER),
      identityPolicy: FULL_ADMIN,
      few: true,
    },
    "writer without TLS": {
      principal: sessionOf(role("keyspan-state-a", place)),
      identityPolicy: FULL_ADMIN,
      tls: false,
      few: true,
      ...tagged,
    },
    "foreign administrator": {
      principal: sessionOf(role("Admin", place, "999988887777")),
      identityPolicy: FULL_ADMIN,
      few: true,
    },
    anonymous: { principal: NOBODY_KNOWN, few: true },
  };
}

/** A request that has a name, such as `writer GetObject own state`. */
interface NamedRequest {
  readonly name: string;
  readonly asker: string;
  readonly request: BucketRequest;
}

function requestsOf(policies: Policies, place: Place): readonly NamedRequest[] {
  const bucket = `arn:${place.partition}:s3:::acme-state`;
  return Object.entries(askersOf(policies, place)).flatMap(([asker, properties]) => {
    const { principal, identityPolicy, tag, tls = true, few = false } = properties;
    const objects = Object.entries(OBJECTS).filter(([object]) => !few || FEW.includes(object));
    return [
      ...BUCKET_ACTIONS.map((action) => [action, "", bucket] as const),
      ...objects.flatMap(([object, key]) =>
        OBJECT_ACTIONS.map((action) => [action, ` ${object}`, `${bucket}/${key}`] as const),
      ),
    ].map(([action, object, resource]) => ({
      name: `${asker} ${action}${object}`,
      asker,
      request: {
        principal,
        ...(identityPolicy !== undefined && { identityPolicy }),
        action: `s3:${action.split(" ")[0]}`,
        resource,
        context: {
          "aws:SecureTransport": String(tls),
          ...CONTEXTS[action],
          ...(tag !== undefined && { "aws:PrincipalTag/keyspan:state-bucket": tag }),
        },
      },
    }));
  });
}

const isAllowed = ({ bucket }: Policies, { request }: NamedRequest) =>
  bucketAllows(bucket, OWNER, request);

/** Names of the requests that are allowed. */
async function allowedOf(
  policies: Policies,
  place: Place,
  askers: readonly string[],
): Promise<readonly string[]> {
  const allowed: string[] = [];
  for (const request of requestsOf(policies, place)) {
    if (askers.includes(request.asker) && (await isAllowed(policies, request))) {
      allowed.push(request.name);
    }
  }
  return allowed.sort();
}

const puts = (who: string, objects: readonly string[], actions: readonly string[]) =>
  objects.flatMap((object) => actions.map((action) => `${who} ${action} ${object}`));
const PUT = ["PutObject", "PutObject if new", "PutObject under AES256 if new"];
const PUT_NEW = ["PutObject if new", "PutObject under AES256 if new"];
const OWN = ["own state", "own lock", "account lock"];
const DEFAULTS = ["default keys", "default archive"];
const STATES = [...OWN, "other state", "other lock", "prefix of own"];
const ROOT_KEYS = [...DEFAULTS, "bootstrap state"];
const ADMINISTERING = [
  "ListBucket",
  "GetBucketPolicy",
  "PutBucketPolicy",
  "DeleteBucketPolicy",
  "PutBucketVersioning",
  "PutLifecycleConfiguration",
  "DeleteBucket",
];

const ALLOWED: readonly string[] = [
  "writer ListBucket",
  ...puts("writer", [...OWN, ...DEFAULTS, "plan"], ["GetObject"]),
  ...puts("writer", OWN, PUT),
  ...puts("writer", ["own lock", "account lock"], ["DeleteObject"]),
  ...puts("writer", ["plan"], PUT_NEW),
  "reader ListBucket",
  ...puts("reader", [...OWN, ...DEFAULTS], ["GetObject"]),
  ...puts("reader", ["plan"], PUT_NEW),
  "mighty writer ListBucket",
  "mighty writer GetBucketPolicy",
  ...puts(
    "mighty writer",
    [...STATES, ...ROOT_KEYS, "plan"],
    ["GetObject", "GetObjectVersion", ...PUT_NEW],
  ),
  ...puts("mighty writer", [...STATES, ...ROOT_KEYS], ["PutObject", "DeleteObject"]),
  // Keys without a slash hold no account's state.
  ...["other bucket's role", "administrator", "root"].flatMap((who) => [
    ...ADMINISTERING.map((action) => `${who} ${action}`),
    ...puts(who, who === "administrator" ? ROOT_KEYS : ["bootstrap state"], [
      "GetObject",
      "GetObjectVersion",
      ...PUT,
      "DeleteObject",
    ]),
  ]),
].sort();

describe.each(PLACES)("in $partition", (place) => {
  const policies = policiesOf(synth([accountOf("a", {}, place), accountOf("b", {}, place)]));

  test("exactly these requests about the bucket and what is in it are allowed", async () => {
    // What else there is in a policy is the same text in every partition.
    const askers =
      place === PLACES[0] ? Object.keys(askersOf(policies, place)) : ["writer", "administrator"];
    expect(await allowedOf(policies, place, askers)).toEqual(
      ALLOWED.filter((name) => askers.some((asker) => name.startsWith(`${asker} `))),
    );
  });

  test("no policy has a finding of the linter", async () => {
    expect(await lintPolicy(policies.bucket)).toEqual([]);
    for (const [name, trust] of Object.entries(policies.trust)) {
      expect([name, await lintPolicy(trust, "trust")]).toEqual([name, []]);
      expect(await lintPolicy(policies.roles[name] as PolicyDocument, "identity")).toEqual([]);
    }
  });

  test("a state role is taken by the roles that the account names, and by nobody else", async () => {
    const names = ["pipeline", "pulls", "someone"];
    const takes = async (taken: string, taker: Principal) => {
      const { allowed } = await decide({
        principal: taker,
        action: "sts:AssumeRole",
        resource: role(taken === "a-write" ? "keyspan-state-a" : "keyspan-state-a-read", place),
        resourcePolicy: policies.trust[taken] as PolicyDocument,
        identityPolicies: [FULL_ADMIN],
      });
      return allowed;
    };
    const takers = async (taken: string) => {
      const found: string[] = [];
      for (const name of names) {
        for (const account of [OWNER, "999988887777"]) {
          if (await takes(taken, roleItself(role(name, place, account)))) {
            found.push(`${name} of ${account}`);
          }
        }
      }
      return found;
    };
    expect(await takers("a-write")).toEqual([`pipeline of ${OWNER}`]);
    expect(await takers("a-read")).toEqual([`pipeline of ${OWNER}`, `pulls of ${OWNER}`]);
    expect(await takes("a-write", rootUser(place.partition, OWNER))).toBe(false);
  });
});

describe("every statement decides something", () => {
  const [place] = PLACES as [Place];
  const policies = policiesOf(synth([accountOf("a"), accountOf("b")]));
  const without = (
    policy: PolicyDocument | undefined,
    sid: string | undefined,
  ): PolicyDocument => ({
    Version: "2012-10-17",
    Statement: (policy?.Statement ?? []).filter(({ Sid }) => Sid !== sid),
  });
  const cases = [
    ...policies.bucket.Statement.map((statement) => ["bucket", statement] as const),
    ...["a-write", "a-read"].flatMap((name) =>
      (policies.roles[name]?.Statement ?? []).map((statement) => [name, statement] as const),
    ),
  ].map(([name, statement]) => [name, statement.Sid, statement] as const);
  test.each(cases)("%s %s", async (name, sid, { Action }) => {
    const changed =
      name === "bucket"
        ? { ...policies, bucket: without(policies.bucket, sid) }
        : { ...policies, roles: { ...policies.roles, [name]: without(policies.roles[name], sid) } };
    const askers = { "a-write": ["writer"], "a-read": ["reader"] }[name];
    const requests = requestsOf(changed, place).filter(
      ({ asker, request: { action } }) =>
        (askers?.includes(asker) ?? !["writer", "reader"].includes(asker)) &&
        [Action].flat().some((pattern) => actionMatches(action, pattern)),
    );
    const different: string[] = [];
    for (const request of requests) {
      if (
        different.length === 0 &&
        (await isAllowed(changed, request)) !== ALLOWED.includes(request.name)
      ) {
        different.push(request.name);
      }
    }
    expect(different).not.toEqual([]);
  });

  test("there are that many", () => {
    expect(cases.map(([name, sid]) => `${name} ${sid}`)).toEqual([
      "bucket DenyWithoutTls",
      "bucket DenyObjectsWithoutTls",
      "bucket DenyStatesToOthers",
      "bucket DenyDeletingVersions",
      "bucket DenyDeletingSavedPlans",
      "bucket DenyReplacingSavedPlans",
      "bucket DenyOtherEncryption",
      "bucket DenyStateRolesTheBucket",
      ...["a-write", "a-read"].flatMap((name) =>
        (policies.roles[name]?.Statement ?? []).map(({ Sid }) => `${name} ${Sid}`),
      ),
    ]);
  });
});

describe("accounts that do not fit together are refused", () => {
  test("nothing is said of accounts that do", () => {
    expect(refusal([accountOf("a"), accountOf("b", { keyPrefix: "team/keyspan" })])).toEqual([]);
  });

  test.each<[string, readonly AccountConfig[], readonly string[]]>([
    [
      "another region",
      [accountOf("a"), accountOf("b", { region: "eu-central-1" })],
      [
        'b: state.region must be that of account a, eu-west-1, since both have their states in bucket acme-state, got "eu-central-1"; correct one of the two, or name another bucket',
      ],
    ],
    [
      "another owner",
      [accountOf("a"), accountOf("b", { owner: "777788889999" })],
      [
        'b: state.account must be that of account a, 444455556666, since both have their states in bucket acme-state, got "777788889999"; correct one of the two, or name another bucket',
      ],
    ],
    [
      "nobody may take the roles",
      [accountOf("a", { writers: "[]" })],
      [
        "a: state.writers must name at least one role that may take arn:aws:iam::444455556666:role/keyspan-state-a, got nothing; name the role that your pipeline starts with, in the account's file or in defaults.yaml",
      ],
    ],
    [
      "the reading role of one is the writing role of another",
      [accountOf("a"), accountOf("a-read")],
      [
        "a-read: state.writeRole must be a role of its own, got arn:aws:iam::444455556666:role/keyspan-state-a-read, whose name is that of a: state.readRole; give each account two roles, such as keyspan-state-<workspace> and keyspan-state-<workspace>-read",
      ],
    ],
    [
      "names that differ only in path and capitals",
      [accountOf("a", { readRole: role("x/KEYSPAN-state-a") })],
      [
        "a: state.readRole must be a role of its own, got arn:aws:iam::444455556666:role/x/KEYSPAN-state-a, whose name is that of a: state.writeRole; give each account two roles, such as keyspan-state-<workspace> and keyspan-state-<workspace>-read",
      ],
    ],
    [
      "a state role that takes state roles",
      [accountOf("a"), accountOf("b", { writers: `[${role("keyspan-state-a")}]` })],
      [
        "b: arn:aws:iam::444455556666:role/keyspan-state-a must not be a state role, got that of a: state.writeRole; name another role",
      ],
    ],
    [
      "a state role that deploys",
      [accountOf("a", { id: OWNER, deployRole: role("keyspan-state-a") })],
      [
        "a: arn:aws:iam::444455556666:role/keyspan-state-a must not be a state role, got that of a: state.writeRole; name another role",
      ],
    ],
    [
      "states below another account's",
      [accountOf("a"), accountOf("b", { keyPrefix: "keyspan/a" })],
      [
        'b: state.keyPrefix must not be below the states of account a, keyspan/a/, whose role could write them, got "keyspan/a"; choose another prefix',
      ],
    ],
  ])("%s", (_, accounts, messages) => {
    expect(refusal(accounts)).toEqual(messages);
  });

  test("a role of the same name in another account is no state role", () => {
    const namesake = role("keyspan-state-a", PLACES[0], "999988887777");
    expect(refusal([accountOf("a", { writers: `[${namesake}]` })])).toEqual([]);
  });

  test("as many roles as an AWS account may have, and two more", () => {
    const one = accountOf("a");
    const many = (count: number) =>
      Array.from({ length: count }, (_, index): AccountConfig => {
        const workspace = `w${index}`;
        const name = (end: string) => role(`keyspan-state-${workspace}${end}`);
        return {
          ...one,
          workspace,
          state: { ...one.state, writeRole: name(""), readRole: name("-read") },
        };
      });
    expect(refusal(many(501))).toEqual([
      "501 accounts: the roles of account 444455556666 must be at most 1000 (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html), got 1002 state roles alone; put the states of some accounts into a bucket of another account",
    ]);
  });

  test("a trust policy that is too long", () => {
    const readers = Array.from({ length: 60 }, (_, n) => role(`r${String(n).padStart(2, "0")}`));
    const [message = ""] = refusal([accountOf("a", { readers: `[${readers.join(", ")}]` })]);
    expect(message).toMatch(
      /^a: the trust policy of arn:aws:iam::444455556666:role\/keyspan-state-a-read must have at most 2048 characters \(https:\S+\), got \d{4}; name fewer roles in state\.writers and state\.readers$/,
    );
  });
});
