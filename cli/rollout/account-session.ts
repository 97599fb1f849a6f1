/** One account while a command works on it: synthesized, checked, and ready for Terraform. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { AccountConfig } from "../../config/account-config";
import { loadAccount } from "../../config/load-account";
import { ValidationError } from "../../modules/errors";
import { AwsAccess } from "../aws-access";
import {
  type CredentialOrigin,
  composeAwsConfig,
  type RolePurpose,
  writeAwsConfigFile,
} from "../aws-config-file";
import { childEnvironment } from "../child-environment";
import type { CommandIo } from "../io";
import { needsLedger, notices } from "../notices";
import {
  copyLockFile,
  LOCK_FILE,
  readEarlierStackFolders,
  readStackFolders,
  refuseForeignFiles,
  refuseUnsavedStates,
  STACK_FILE,
  type StackFolder,
} from "../stack-folders";
import { ACCOUNTS_DIRECTORY, synthesize } from "../synthesize";
import { Terraform } from "../terraform";
import { refuseDecidingVariables } from "./deciding-variables";
import { lockFolder } from "./folder-lock";
import type { Progress } from "./progress";
import { type InitOrder, operationsAtATime, StackTerraform } from "./stack-terraform";
import { type StackState, StateBucket } from "./state-bucket";
import type { StopRequest } from "./stop-request";

/** What all accounts of one command share. */
export interface RolloutContext {
  readonly io: CommandIo;
  readonly origin: CredentialOrigin;
  readonly stop: StopRequest;
  readonly progress: Progress;
  readonly initOrder: InitOrder;
  /** Stacks of one account that Terraform works on at a time. */
  readonly stacksAtATime: number;
}

/** Props of an {@link AccountSession}. */
export interface AccountSessionProps {
  readonly context: RolloutContext;
  /** Name of the account. */
  readonly workspace: string;
  /** Name of the command: CloudTrail shows it. */
  readonly command: string;
  readonly purpose: RolePurpose;
}

/** Where commands write, seen from the project. */
export const OUTPUT_ROOT = "cdktf.out";

/** Folder in which a command keeps what it writes, seen from where it runs. */
export function outputRootOf({
  projectDirectory = ".",
  outputRoot = OUTPUT_ROOT,
}: CommandIo): string {
  return join(projectDirectory, outputRoot);
}

/** One account while a command works on it. */
export class AccountSession {
  /** Id of the lock that this session holds on the account, if any. */
  ownLock: string | undefined;

  private constructor(
    readonly context: RolloutContext,
    readonly account: AccountConfig,
    /** Name of the command. */
    readonly command: string,
    readonly purpose: RolePurpose,
    /** Every stack, in the order in which they are applied. */
    readonly folders: readonly StackFolder[],
    /** What a person should know before the account is applied, a line each. */
    readonly notices: readonly string[],
    readonly access: AwsAccess,
    readonly bucket: StateBucket,
    /** Terraform for single commands. */
    readonly terraform: Terraform,
    /** Terraform for plans and applies. */
    readonly stacks: StackTerraform,
    /** Folder for files that live as long as the session, plans above all. */
    readonly workDirectory: string,
    private readonly closers: readonly (() => Promise<void> | void)[],
  ) {}

  /**
   * Opens an account: reads and synthesizes it, and gives Terraform its environment. Nothing is read
   * or written outside this machine.
   *
   * @throws {ValidationError} for anything that a person can correct
   */
  static async open(props: AccountSessionProps): Promise<AccountSession> {
    const { context, workspace, command, purpose } = props;
    const { io, origin, stop } = context;
    const { projectDirectory = "." } = io;
    refuseDecidingVariables(io.env);
    const accounts = join(projectDirectory, ACCOUNTS_DIRECTORY);
    const account = loadAccount(accounts, workspace, "the account");
    const root = outputRootOf(io);
    const outputDirectory = join(root, account.workspace);
    const closers = [lockFolder(`${outputDirectory}.lock`, account.workspace)];
    try {
      const awsConfigFile = `${outputDirectory}.${command}.aws-config`;
      const awsConfig = composeAwsConfig(
        { account, purpose, sessionName: command, origin },
        io.env,
      );
      refuseForeignFiles(readEarlierStackFolders(outputDirectory));
      // Locks may have to go before that state can be written; and a look changes nothing.
      if (!["push-state", "status", "unlock"].includes(command)) {
        refuseUnsavedStates(account.workspace, readEarlierStackFolders(outputDirectory));
      }
      const synthesis = synthesize(account.workspace, outputDirectory, accounts);
      if (needsLedger(synthesis)) {
        throw new ValidationError(
          `${synthesis.ledger.file}: the ledger must hold all that must not be destroyed before a protected account is planned or applied, got less; run npm run ledger -- ${account.workspace} and commit the file`,
        );
      }
      refuseForeignFiles(readStackFolders(outputDirectory));
      const folders = readStackFolders(outputDirectory);
      copyLockFile(projectDirectory, folders);
      closers.unshift(() => rmSync(awsConfigFile, { force: true }));
      writeAwsConfigFile(awsConfigFile, awsConfig);
      const opened = await io.openAccount?.(account, outputDirectory);
      if (opened !== undefined) {
        closers.unshift(() => opened.close());
      }
      const env = {
        ...childEnvironment({
          env: { ...io.env, ...opened?.env },
          projectDirectory,
          awsConfigFile,
          readOnly: purpose === "plan",
        }),
      };
      const access = new AwsAccess({ account, origin, sessionName: command, env: io.env });
      const workDirectory = resolve(`${outputDirectory}.run`, command);
      rmSync(workDirectory, { recursive: true, force: true });
      const logDirectory = join(workDirectory, "logs");
      const terraform = new Terraform(env, account.workspace, () => {}, logDirectory);
      return new AccountSession(
        context,
        account,
        command,
        purpose,
        folders,
        notices(synthesis),
        access,
        new StateBucket({
          access,
          state: account.state,
          workspace: account.workspace,
          role: purpose === "plan" ? "state-read" : "state-write",
        }),
        terraform,
        new StackTerraform({
          terraform,
          env,
          workspace: account.workspace,
          logDirectory,
          operationsAtATime: operationsAtATime(account.regions.length),
          stop,
          warn: (line) => context.progress.say(`${account.workspace}/${line}`),
          initOrder: context.initOrder,
        }),
        workDirectory,
        closers,
      );
    } catch (error) {
      await closeAll(closers);
      throw error;
    }
  }

  /** Role that Keyspan's own calls to the account are made with. */
  get role(): "plan" | "deploy" {
    return this.purpose === "apply" ? "deploy" : "plan";
  }

  /**
   * The states of stacks that were ever deployed, by id.
   *
   * @param ids - of the stacks that are asked for
   */
  async states(
    ids: readonly string[] = this.folders.map(({ id }) => id),
  ): Promise<ReadonlyMap<string, StackState>> {
    const states = await Promise.all(
      ids.map(async (id) => [id, await this.bucket.state(id)] as const),
    );
    return new Map(states.flatMap(([id, state]) => (state === undefined ? [] : [[id, state]])));
  }

  /** Whether the project has a provider lock file of its own. */
  get hasProviderLock(): boolean {
    return existsSync(join(this.context.io.projectDirectory ?? ".", LOCK_FILE));
  }

  /** A stack's Terraform JSON as it was synthesized, byte for byte. */
  configurationOf({ directory }: StackFolder): Uint8Array {
    return readFileSync(join(directory, STACK_FILE));
  }

  /** The stack of that id. @throws {ValidationError} if the account has none */
  stackNamed(id: string): StackFolder {
    const folder = this.folders.find((candidate) => candidate.id === id);
    if (folder === undefined) {
      throw new ValidationError(
        `the stack must be one of ${this.folders.map((candidate) => candidate.id).join(", ")}, got ${id}; correct it`,
      );
    }
    return folder;
  }

  /** Ends the session; its logs and plans stay until the next one of the same command. */
  async close(): Promise<void> {
    this.context.progress.finish(this.account.workspace);
    await closeAll(this.closers);
  }
}

async function closeAll(closers: readonly (() => Promise<void> | void)[]): Promise<void> {
  for (const close of closers) {
    await close();
  }
}
