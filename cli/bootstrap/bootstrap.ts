/** Makes and changes the state bucket and the state roles, and keeps their own state in that bucket. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { App } from "cdktf";
import * as z from "zod";
import type { AccountConfig } from "../../config/account-config";
import { ValidationError } from "../../modules/errors";
import { BOOTSTRAP_STATE_KEY } from "../../modules/s3/state-keys";
import type { StateChangesProps } from "../../modules/terraform/state-changes";
import { LOCAL_STATE_FILE, type NamedObject, StateStack } from "../../stacks/state-stack";
import type { CredentialOrigin } from "../aws-config-file";
import { childEnvironment } from "../child-environment";
import type { CommandIo } from "../io";
import { type CommandResult, EXIT_CODE } from "../keyspan/command";
import { lockFolder } from "../rollout/folder-lock";
import { type ChangeCounts, countChanges, showCounts } from "../rollout/stack-changes";
import {
  describeFailure,
  operationsAtATime,
  type StackRun,
  StackTerraform,
} from "../rollout/stack-terraform";
import { StopRequest } from "../rollout/stop-request";
import { ProgramFailure } from "../run-program";
import {
  copyLockFile,
  readEarlierStackFolders,
  readStackFolders,
  refuseForeignFiles,
  STACK_FILE,
  type StackFolder,
} from "../stack-folders";
import { ACCOUNTS_DIRECTORY } from "../synthesize";
import { Terraform } from "../terraform";
import { loadStateAccounts } from "./state-accounts";
import {
  administratorCredentials,
  credentialVariables,
  type StateLock,
  StateOwner,
  versionOf,
} from "./state-owner";

/** What a person asked for. */
export interface BootstrapOptions {
  readonly origin: CredentialOrigin;
  /** Whether the plan is applied without a question. */
  readonly yes: boolean;
  /** Whether a bucket or role of these names that Keyspan did not make is taken over. */
  readonly adopt: boolean;
  /** Id of a lock that is to be removed; then nothing else is done. */
  readonly unlock?: string;
}

/** The stack's own state has no workspaces. */
const WORKSPACE = "default";

const resourcesSchema = z.object({
  resources: z
    .array(z.object({ mode: z.string(), type: z.string(), name: z.string() }))
    .default([]),
});

/**
 * Makes the state bucket of an account and the state roles of all accounts whose states are in it,
 * or changes them to what `accounts/` says now.
 *
 * The stack's own state begins in a file and is moved into the bucket as soon as that is there. Every
 * step can be the last of a run: the next one finds out where the state is and what AWS has already.
 *
 * @param workspace - one of the accounts
 * @throws {ValidationError} for anything that a person can correct
 * @throws {ProgramFailure} if Terraform fails
 */
export async function bootstrap(
  workspace: string,
  { origin, yes, adopt, unlock }: BootstrapOptions,
  io: CommandIo,
): Promise<CommandResult> {
  const projectDirectory = io.projectDirectory ?? ".";
  const accounts = loadStateAccounts(join(projectDirectory, ACCOUNTS_DIRECTORY), workspace);
  const [account] = accounts;
  if (account === undefined) {
    throw new Error(`loadStateAccounts must return ${workspace} at least`);
  }
  const { bucket } = account.state;
  // No workspace has a dot in its name; another partition may have a bucket of the same name.
  const outputDirectory = join(
    projectDirectory,
    io.outputRoot ?? "cdktf.out",
    `bootstrap.${account.partition}.${bucket}`,
  );
  // Refuses what is wrong between the accounts before anybody is asked anything.
  const { namedObjects } = defineStack(outputDirectory, accounts, "local");

  const credentials = await administratorCredentials(origin, io.env);
  const owner = new StateOwner({ account, credentials, env: io.env });
  await owner.checkCaller();
  const hasBucket = await owner.hasBucket();
  const lock = hasBucket ? await owner.lock() : undefined;
  if (unlock !== undefined) {
    return removeLock(owner, bucket, lock, unlock);
  }
  if (lock !== undefined) {
    throw new ValidationError(lockedMessage(workspace, bucket, lock));
  }

  const release = lockFolder(`${outputDirectory}.lock`, workspace);
  const say = (line: string) => io.err(`${line}\n`);
  const stop = new StopRequest(say);
  stop.listen();
  try {
    const stateInBucket = hasBucket ? await owner.state() : undefined;
    const localFile = join(outputDirectory, "stacks", "state", LOCAL_STATE_FILE);
    if (stateInBucket !== undefined) {
      dropMovedState(localFile, stateInBucket, bucket);
    }
    const env = {
      ...childEnvironment({
        env: io.env,
        projectDirectory,
        // Holds no profile of the stacks: the credentials are in the environment.
        awsConfigFile: io.env.AWS_CONFIG_FILE || join(io.env.HOME || homedir(), ".aws", "config"),
        readOnly: false,
      }),
      ...credentialVariables(credentials),
    };
    const run: Run = {
      workspace,
      accounts,
      bucket,
      outputDirectory,
      projectDirectory,
      localFile,
      env,
      owner,
      namedObjects,
      hasBucket,
      stop,
      say,
    };
    return await converge(run, stateInBucket === undefined ? "local" : "bucket", {
      adopt,
      approve: () => approval(yes, bucket, io),
    });
  } finally {
    stop.close();
    release();
  }
}

/** What all steps of a run need. */
interface Run {
  readonly workspace: string;
  readonly accounts: readonly AccountConfig[];
  readonly bucket: string;
  readonly outputDirectory: string;
  readonly projectDirectory: string;
  /** The stack's state before it is in the bucket. */
  readonly localFile: string;
  readonly env: NodeJS.ProcessEnv;
  readonly owner: StateOwner;
  readonly namedObjects: readonly NamedObject[];
  readonly hasBucket: boolean;
  readonly stop: StopRequest;
  readonly say: (line: string) => void;
}

/** Plans, asks, applies, and moves the state if it is not in the bucket yet. */
async function converge(
  run: Run,
  backend: "local" | "bucket",
  decisions: { readonly adopt: boolean; readonly approve: () => Promise<boolean> },
): Promise<CommandResult> {
  const { bucket, env, outputDirectory, say, stop, workspace } = run;
  const logDirectory = join(outputDirectory, "logs");
  const terraform = new Terraform(env, WORKSPACE, say, logDirectory);
  let folder = writeStack(run, backend);
  forgetBackend(folder);
  await terraform.init(folder);
  const found = await findUnknown(run, folder, terraform, decisions.adopt);
  if (found.length > 0) {
    folder = writeStack(run, backend, found);
  }

  const stack = new StackTerraform({
    terraform,
    env,
    workspace: WORKSPACE,
    logDirectory,
    operationsAtATime: operationsAtATime(1),
    stop,
    warn: say,
    initOrder: {},
  });
  const planFile = resolve(outputDirectory, "bootstrap.tfplan");
  try {
    say(`${folder.id}: terraform plan`);
    const planned = await stack.plan(folder, { planFile, lock: true });
    refuseFailed(planned, "nothing was changed; put that right and run the command again");
    const result = {
      bucket,
      region: run.accounts[0]?.state.region,
      account: run.accounts[0]?.state.account,
      stateKey: BOOTSTRAP_STATE_KEY,
      changes: countChanges(planned.changes.resources),
      accounts: run.accounts.map((account) => account.workspace),
    };
    if (planned.pending) {
      say(await stack.describePlan(folder, planFile));
      if (!(await decisions.approve())) {
        return {
          exitCode: EXIT_CODE.pending,
          text: `Bucket ${bucket}: ${showCounts(planned.changes.resources)}. Nothing was applied.\nTo apply it: npm run keyspan -- bootstrap ${workspace} --yes\n`,
          json: { ...result, applied: false, moved: false },
        };
      }
      say(`${folder.id}: terraform apply`);
      const applied = await stack.apply(folder, planFile, (line) => say(`${folder.id}: ${line}`));
      if (!applied.ok && backend === "local") {
        await moveEarly(run);
      }
      refuseFailed(
        applied,
        "what was done is kept; run the command again, it goes on from there and finds what is not in the state",
      );
    }
    const moved = backend === "local";
    if (moved) {
      await moveState(run);
    }
    return {
      exitCode: EXIT_CODE.done,
      text: reportOf(run, result.changes, moved),
      json: { ...result, applied: planned.pending, moved },
    };
  } finally {
    rmSync(planFile, { force: true });
  }
}

function refuseFailed(run: StackRun, then: string): void {
  if (!run.ok) {
    throw new ProgramFailure(
      run.stopped
        ? `state: it was stopped; the whole log is in ${run.logFile}; ${then}`
        : `${describeFailure("state", run)}; ${then}`,
      EXIT_CODE.failed,
      run.stopped,
    );
  }
}

function defineStack(
  outputDirectory: string,
  accounts: readonly AccountConfig[],
  backend: "local" | "bucket",
  adopt: StateChangesProps["adopt"] = [],
): { readonly app: App; readonly namedObjects: readonly NamedObject[] } {
  // CDKTF makes the folder itself, but not the folders around it.
  mkdirSync(outputDirectory, { recursive: true });
  const app = new App({ outdir: outputDirectory });
  const { namedObjects } = new StateStack(app, { accounts, backend, adopt });
  return { app, namedObjects };
}

/** Writes the stack's folder. */
function writeStack(
  { outputDirectory, projectDirectory, accounts }: Run,
  backend: "local" | "bucket",
  adopt: StateChangesProps["adopt"] = [],
): StackFolder {
  refuseForeignFiles(readEarlierStackFolders(outputDirectory));
  defineStack(outputDirectory, accounts, backend, adopt).app.synth();
  const folders = readStackFolders(outputDirectory);
  refuseForeignFiles(folders);
  copyLockFile(projectDirectory, folders);
  const [folder] = folders;
  if (folder === undefined) {
    throw new Error(`${join(outputDirectory, STACK_FILE)} was not written`);
  }
  return folder;
}

/** Makes the next init take the backend that the folder names, without a look at the one before. */
function forgetBackend({ directory }: StackFolder): void {
  rmSync(join(directory, ".terraform", "terraform.tfstate"), { force: true });
}

/**
 * What AWS has and the state has not, as it is after a run that was killed, or if somebody made it by
 * hand: Terraform would fail to make it.
 *
 * @throws {ValidationError} if Keyspan did not make it and nobody said that it is to be taken over
 */
async function findUnknown(
  run: Run,
  folder: StackFolder,
  terraform: Terraform,
  adopt: boolean,
): Promise<StateChangesProps["adopt"]> {
  const { owner, namedObjects, hasBucket, say, workspace } = run;
  const { stdout } = await terraform.runIn(folder, ["state", "pull"]);
  // A state that nothing was ever written to may be no text at all.
  const { resources } = resourcesSchema.parse(stdout.trim() === "" ? {} : JSON.parse(stdout));
  const known = new Set(
    resources.filter(({ mode }) => mode === "managed").map(({ type, name }) => `${type}.${name}`),
  );
  const existing = await owner.existing(
    namedObjects.filter(({ address }) => !known.has(address)),
    hasBucket,
  );
  const strange = existing.filter(({ isOwn }) => !isOwn);
  if (strange.length > 0 && !adopt) {
    throw new ValidationError(
      strange
        .map(
          ({ object: { kind, name } }) =>
            `${kind} ${name}: it must not exist before Keyspan makes it, got one that is in no state and without Keyspan's tags; look at what it is for, then name another in state, or take it over: its ${
              kind === "bucket" ? "policy and settings" : "trust policy and tags"
            } are replaced, which the plan shows (npm run keyspan -- bootstrap ${workspace} --adopt)`,
        )
        .join("\n"),
    );
  }
  for (const { object } of existing) {
    say(`state: ${object.kind} ${object.name} exists and is imported as ${object.address}`);
  }
  return existing.map(({ object }) => ({ to: object.address, importId: object.name }));
}

/**
 * Copies the state from the file into the bucket, if no other is there, and removes the file.
 *
 * Terraform's own ways, `init -migrate-state` and `state push`, give the state a new lineage where
 * none was (tried with 1.11.4): then nobody could tell a file that was copied from one that was not.
 */
async function moveState({ bucket, localFile, owner, say }: Run): Promise<void> {
  say(`state: its own state moves to s3://${bucket}/${BOOTSTRAP_STATE_KEY}`);
  await owner.createState(readFileSync(localFile, "utf8"));
  const moved = await owner.state();
  if (moved === undefined) {
    throw new ValidationError(
      `s3://${bucket}/${BOOTSTRAP_STATE_KEY}: the state must be there after the move, got nothing; it is still in ${localFile}: keep that file and run the command again`,
    );
  }
  dropMovedState(localFile, moved, bucket);
}

/** After a failure: the folder may be gone tomorrow, and the bucket may be there already. */
async function moveEarly(run: Run): Promise<void> {
  try {
    if (existsSync(run.localFile) && (await run.owner.hasBucket())) {
      await moveState(run);
    }
  } catch (error) {
    // The failure itself is what the person has to hear of.
    run.say(`state: its own state stays in ${run.localFile}: ${String(error)}`);
  }
}

/**
 * Removes the state's file if the bucket has the same state or a later one.
 *
 * @throws {ValidationError} if it has another
 */
function dropMovedState(
  localFile: string,
  moved: { readonly lineage: string; readonly serial: number },
  bucket: string,
): void {
  if (!existsSync(localFile)) {
    return;
  }
  const local = versionOf(readFileSync(localFile, "utf8"));
  if (local !== undefined && (local.lineage !== moved.lineage || local.serial > moved.serial)) {
    throw new ValidationError(
      `${localFile}: there must be one state of bucket ${bucket}, got this one (lineage ${local.lineage}, serial ${local.serial}) and another in s3://${bucket}/${BOOTSTRAP_STATE_KEY} (lineage ${moved.lineage}, serial ${moved.serial}); somebody else has made the bucket: move the file away and run the command again, which finds what only the file knows of`,
    );
  }
  rmSync(localFile, { force: true });
  rmSync(`${localFile}.backup`, { force: true });
}

async function removeLock(
  owner: StateOwner,
  bucket: string,
  lock: StateLock | undefined,
  id: string,
): Promise<CommandResult> {
  if (lock?.id !== id) {
    throw new ValidationError(
      `--unlock must be the id of the lock on the state of bucket ${bucket}, got ${id}; ${
        lock === undefined ? "nobody holds it" : `it is held by ${holderOf(lock)}`
      }`,
    );
  }
  await owner.removeLock();
  return {
    exitCode: EXIT_CODE.done,
    text: `Removed the lock of ${holderOf(lock)}.\n`,
    json: { bucket, unlocked: lock },
  };
}

function lockedMessage(workspace: string, bucket: string, lock: StateLock): string {
  return `bucket ${bucket}: nobody else must be at work on its state, got a lock of ${holderOf(lock)}; if that run is alive, wait for its end; if it was killed: npm run keyspan -- bootstrap ${workspace} --unlock ${lock.id}`;
}

function holderOf({ id, who, operation, created }: StateLock): string {
  const minutes = Math.round((Date.now() - Date.parse(created)) / 60_000);
  const age = Number.isNaN(minutes) ? "" : `, ${minutes} minutes ago`;
  return `${who || "unknown"} for ${operation || "unknown"} (since ${created || "unknown"}${age}; id ${id})`;
}

/** Whether the plan may be applied: the bucket's name is typed, or `--yes` was given. */
async function approval(yes: boolean, bucket: string, io: CommandIo): Promise<boolean> {
  if (yes || !io.interactive || io.ask === undefined) {
    return yes;
  }
  return (await io.ask(`To apply this, type the name of the bucket (${bucket}): `)) === bucket;
}

function reportOf({ accounts, bucket, workspace }: Run, changes: ChangeCounts, moved: boolean) {
  const done = Object.values(changes).some((count) => count > 0);
  return [
    `Bucket ${bucket} and the state roles of ${accounts.map((account) => account.workspace).join(", ")} ${
      done ? "are as accounts/ says" : "were as accounts/ says already"
    }.${moved ? ` Their own state is now in s3://${bucket}/${BOOTSTRAP_STATE_KEY}.` : ""}`,
    "",
    "Next:",
    "  1. Let the roles in state.writers and state.readers call sts:AssumeRole on the state roles: their own policies must allow it too.",
    `  2. Make the deploy and plan roles of each account: npm run keyspan -- permissions ${workspace} --role apply|plan`,
    `  3. npm run keyspan -- doctor ${workspace}, then npm run keyspan -- plan ${workspace}`,
    "Run this command again whenever an account is added or removed, or its state section changes.",
    "",
  ].join("\n");
}
