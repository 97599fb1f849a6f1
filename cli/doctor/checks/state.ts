import type { S3Client } from "@aws-sdk/client-s3";
import type { AccountConfig } from "../../../config/account-config";
import { ValidationError } from "../../../modules/errors";
import type { AwsAccess } from "../../aws-access";
import { type LockInfo, type StackState, StateBucket } from "../../rollout/state-bucket";
import { CallFailure, type DoctorCalls } from "../aws-calls";
import { type Gaps, shortened } from "../examination";
import type { Finding } from "../findings";
import { cannotAssume, identityUnder } from "./account";

/** What is known of the account's states. */
export interface StateFound {
  readonly findings: readonly Finding[];
  /** By the id of their stack; nothing if they could not all be read. */
  readonly states: ReadonlyMap<string, StackState> | undefined;
}

/**
 * Whether Terraform's states can be read: bucket, locks, versioning, roles. Writes nothing.
 *
 * @param stacks - ids of the account's stacks
 * @param gaps - takes what could not be looked at
 */
export async function checkState(
  account: AccountConfig,
  access: AwsAccess,
  calls: DoctorCalls,
  stacks: readonly string[],
  gaps: Gaps,
): Promise<StateFound> {
  const { state, workspace } = account;
  try {
    const identity = await identityUnder(calls, "state-read", state.region);
    if (identity.account !== state.account) {
      return {
        findings: [
          {
            subject: "state",
            level: "problem",
            message: `${workspace}: state.readRole must act in account ${state.account}, got ${identity.account} as ${identity.arn}`,
            fix: `correct state.account or state.readRole in accounts/${workspace}.yaml or accounts/defaults.yaml`,
          },
        ],
        states: undefined,
      };
    }
  } catch (error) {
    return { findings: [cannotAssume(account, "state-read", error)], states: undefined };
  }
  const { S3Client: Client } = await import("@aws-sdk/client-s3");
  const settings = calls.settings("state-read", "S3", state.region);
  const client = new Client({ ...settings, forcePathStyle: settings.endpoint !== undefined });

  const listing = await tryListing(account, calls, client, gaps);
  if (listing !== "works") {
    return { findings: listing === undefined ? [] : [listing], states: undefined };
  }
  const reader: StateReader = {
    account,
    calls,
    gaps,
    bucket: new StateBucket({ access, state, workspace, role: "state-read" }),
  };
  const [read, locks, versioning, writing] = await Promise.all([
    readStates(reader, stacks),
    readLocks(reader, stacks),
    checkVersioning(account, calls, client, gaps),
    checkWriting(account, calls),
  ]);
  return {
    findings: [
      {
        subject: "state",
        level: "ok",
        message: `${workspace}: ${state.readRole} reads s3://${state.bucket}/${state.keyPrefix}/${workspace}/`,
      },
      ...read.findings,
      ...locks,
      ...versioning,
      writing,
    ],
    states: read.states,
  };
}

/**
 * Lists as Terraform's S3 backend does for its workspaces: it takes no refusal of that.
 *
 * @see https://github.com/hashicorp/terraform/blob/v1.11.4/internal/backend/remote-state/s3/backend_state.go
 */
async function tryListing(
  account: AccountConfig,
  calls: DoctorCalls,
  client: S3Client,
  gaps: Gaps,
): Promise<"works" | Finding | undefined> {
  const { state, workspace } = account;
  const { ListObjectsV2Command } = await import("@aws-sdk/client-s3");
  const about = { subject: "state", level: "problem" } as const;
  try {
    await calls.call("s3:ListBucket", "state-read", (options) =>
      client.send(
        new ListObjectsV2Command({
          Bucket: state.bucket,
          Prefix: `${state.keyPrefix}/`,
          MaxKeys: 1,
        }),
        options,
      ),
    );
    return "works";
  } catch (error) {
    if (!(error instanceof CallFailure)) {
      throw error;
    }
    if (error.code === "NoSuchBucket") {
      return {
        ...about,
        message: `${workspace}: state.bucket must exist in account ${state.account}, got none named ${state.bucket}`,
        fix: `npm run keyspan -- bootstrap ${workspace}, or correct state.bucket in accounts/`,
      };
    }
    // What S3 says depends on the region that was asked:
    // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    if (error.status === 301 || error.code === "AuthorizationHeaderMalformed") {
      return {
        ...about,
        message: `${workspace}: state.region must be the region of bucket ${state.bucket}, got ${state.region}, where it is not`,
        fix: `correct state.region in accounts/: aws s3api get-bucket-location --bucket ${state.bucket} names it`,
      };
    }
    if (error.isDenied) {
      return {
        ...about,
        message: `${workspace}: ${state.readRole} must be allowed s3:ListBucket on ${state.bucket}, or a state that does not exist yet looks like one that is kept secret, got ${error.code}`,
        fix: `npm run keyspan -- bootstrap ${workspace}, which renews the bucket's policy and the role's`,
      };
    }
    gaps.add({ subject: "state", looksAt: "the state bucket" }, error);
    return undefined;
  }
}

/** What reading an account's states takes. */
interface StateReader {
  readonly account: AccountConfig;
  readonly calls: DoctorCalls;
  readonly bucket: StateBucket;
  readonly gaps: Gaps;
}

async function readStates(reader: StateReader, stacks: readonly string[]): Promise<StateFound> {
  const read = await Promise.all(
    stacks.map((stack) =>
      tryReading(reader, `the state of ${stack}`, () => reader.bucket.state(stack)),
    ),
  );
  const states = new Map<string, StackState>();
  for (const [index, stack] of stacks.entries()) {
    const content = read[index]?.content;
    if (content !== undefined) {
      states.set(stack, content);
    }
  }
  return {
    findings: read.flatMap(({ finding }) => finding ?? []),
    states: read.every(({ isRead }) => isRead) ? states : undefined,
  };
}

async function readLocks(
  reader: StateReader,
  stacks: readonly string[],
): Promise<readonly Finding[]> {
  const { account, bucket } = reader;
  const read = await Promise.all(
    [
      { what: `account ${account.workspace}`, readLock: () => bucket.accountLock() },
      ...stacks.map((stack) => ({
        what: `the state of ${stack}`,
        readLock: () => bucket.stateLock(stack),
      })),
    ].map(async ({ what, readLock }) => ({
      what,
      lock: await tryReading(reader, `the lock on ${what}`, readLock),
    })),
  );
  const findings = read.flatMap(({ what, lock: { content, finding } }) =>
    content === undefined ? (finding ?? []) : held(account, what, content),
  );
  return findings.length === 0 && read.every(({ lock }) => lock.isRead)
    ? [{ subject: "state", level: "ok", message: `${account.workspace}: nobody holds a lock` }]
    : findings;
}

function held({ workspace }: AccountConfig, what: string, lock: LockInfo): Finding {
  const since = lock.Created === "" ? "" : ` since ${lock.Created}`;
  const operation = lock.Operation === "" ? "" : ` for ${lock.Operation}`;
  return {
    subject: "state",
    level: "warning",
    message: `${workspace}: ${what} must be free, got the lock ${lock.ID}, held by ${lock.Who}${since}${operation}`,
    fix: `wait for that run; if it is dead: npm run keyspan -- unlock ${workspace} --id ${lock.ID}`,
  };
}

/** What came of reading an object. */
interface Read<T> {
  readonly isRead: boolean;
  /** Nothing if there is no such object. */
  readonly content?: T | undefined;
  /** Why it could not be read, if there is more to say than that AWS refuses. */
  readonly finding?: Finding;
}

async function tryReading<T>(
  { account, calls, gaps }: StateReader,
  looksAt: string,
  read: () => Promise<T | undefined>,
): Promise<Read<T>> {
  try {
    return { isRead: true, content: await calls.call("s3:GetObject", "state-read", read) };
  } catch (error) {
    if (!(error instanceof CallFailure)) {
      throw error;
    }
    if (error.code !== ValidationError.name) {
      gaps.add({ subject: "state", looksAt }, error);
      return { isRead: false };
    }
    // The reader of the bucket has put it into words already.
    return {
      isRead: false,
      finding: {
        subject: "state",
        level: "unknown",
        message: `${account.workspace}: ${looksAt} must be readable, got ${shortened(error.message)}`,
        fix: `npm run keyspan -- permissions ${account.workspace} --role state-read prints the role's policy`,
      },
    };
  }
}

async function checkVersioning(
  account: AccountConfig,
  calls: DoctorCalls,
  client: S3Client,
  gaps: Gaps,
): Promise<readonly Finding[]> {
  const { state, workspace } = account;
  const { GetBucketVersioningCommand } = await import("@aws-sdk/client-s3");
  try {
    const { Status = "nothing" } = await calls.call(
      "s3:GetBucketVersioning",
      "state-read",
      (options) => client.send(new GetBucketVersioningCommand({ Bucket: state.bucket }), options),
    );
    return [
      Status === "Enabled"
        ? { subject: "state", level: "ok", message: `${workspace}: ${state.bucket} keeps versions` }
        : {
            subject: "state",
            level: "problem",
            message: `${workspace}: versioning of bucket ${state.bucket} must be Enabled, or a state that is overwritten is lost, got ${Status}`,
            fix: `npm run keyspan -- bootstrap ${workspace}, or aws s3api put-bucket-versioning --bucket ${state.bucket} --versioning-configuration Status=Enabled`,
          },
    ];
  } catch (error) {
    if (!(error instanceof CallFailure)) {
      throw error;
    }
    gaps.add({ subject: "state", looksAt: "the bucket's versioning" }, error);
    return [];
  }
}

/** The credentials that plan need not be those that apply, so a refusal proves nothing. */
async function checkWriting(account: AccountConfig, calls: DoctorCalls): Promise<Finding> {
  const { state, workspace } = account;
  try {
    await identityUnder(calls, "state-write", state.region);
    return {
      subject: "state",
      level: "ok",
      message: `${workspace}: ${state.writeRole} can be assumed with these credentials`,
    };
  } catch (error) {
    if (!(error instanceof CallFailure)) {
      throw error;
    }
    return {
      subject: "state",
      level: "unknown",
      message: `${workspace}: the credentials that apply must be able to assume ${state.writeRole}, got ${error.code} with those that run doctor`,
      fix: `nothing, if apply runs with others; else: npm run keyspan -- permissions ${workspace} --role state-write prints its trust policy`,
    };
  }
}
