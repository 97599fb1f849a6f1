/** What deploy, diff and destroy have in common: they judge everything first, and only then start Terraform. */
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { AccountConfig } from "../config/account-config";
import { loadAccount } from "../config/load-account";
import { ValidationError } from "../modules/errors";
import { AwsAccess } from "./aws-access";
import { composeAwsConfig, type RolePurpose, writeAwsConfigFile } from "./aws-config-file";
import { cdktfProgram, requireCdktfNode } from "./cdktf";
import { childEnvironment } from "./child-environment";
import type { CommandIo } from "./io";
import { needsLedger, notices } from "./notices";
import { lockFolder } from "./rollout/folder-lock";
import { StateBucket } from "./rollout/state-bucket";
import { ProgramFailure, type ProgramResult, runProgram } from "./run-program";
import { requireDependencies, selectStacks } from "./select-stacks";
import {
  copyLockFile,
  readEarlierStackFolders,
  readStackFolders,
  refuseForeignFiles,
  refuseUnsavedStates,
  type StackFolder,
} from "./stack-folders";
import { ACCOUNTS_DIRECTORY, outputDirectoryOf, synthesize } from "./synthesize";
import { Terraform } from "./terraform";
import { parseWrapperArguments, type WrapperCommand } from "./wrapper-arguments";

/** An account whose stacks are synthesized, checked, and ready for Terraform. */
export interface Deployment {
  readonly account: AccountConfig;
  /** Every stack, in the order in which they are applied. */
  readonly folders: readonly StackFolder[];
  /** Those that the command is about, in the same order. */
  readonly selected: readonly StackFolder[];
  readonly terraform: Terraform;
  /** Environment of Terraform, without a workspace. */
  readonly env: NodeJS.ProcessEnv;
  /** Keyspan's own calls to AWS. */
  readonly access: AwsAccess;
  /** The account's states and locks. */
  readonly bucket: StateBucket;
  /** Absolute path of a folder for what the command writes beside the stacks, such as logs. */
  readonly workDirectory: string;
  /** Gives the account's folder back to other commands. */
  readonly release: () => void;
  /** Path of the AWS config file that gives the profiles their roles. */
  readonly awsConfigFile: string;
  /**
   * Runs a command of `cdktf` on stacks, with the person's flags; its output goes to the terminal.
   *
   * @param flags - what that command takes in addition
   */
  readonly cdktf: (stacks: readonly StackFolder[], ...flags: string[]) => Promise<ProgramResult>;
}

const PURPOSES: Readonly<Record<WrapperCommand, RolePurpose>> = {
  deploy: "apply",
  diff: "plan",
  destroy: "apply",
};

/**
 * Reads the arguments, synthesizes the account, and writes all that Terraform needs.
 *
 * Whatever is wrong in the arguments, the account's file, the credentials or a stack folder of an
 * earlier run is found before anything is written; the rest before anything is started.
 *
 * @throws {ValidationError} for anything that a person can correct
 */
export function prepareDeployment(
  command: WrapperCommand,
  argv: readonly string[],
  io: CommandIo,
): Deployment {
  requireCdktfNode(io.nodeVersion);
  const {
    account: workspace,
    stacks,
    origin,
    cdktfFlags,
    autoApprove,
  } = parseWrapperArguments(command, argv);
  const projectDirectory = io.projectDirectory ?? ".";
  const accounts = join(projectDirectory, ACCOUNTS_DIRECTORY);
  const account = loadAccount(accounts, workspace, "the account");
  if (command === "destroy" && account.protect) {
    // Terraform would delete the archives first, and only then refuse to delete the keys.
    throw new ValidationError(
      `destroy: protect must be false for account ${account.workspace}, got true; its archives would be deleted before Terraform refuses to delete its keys: to give the account up, set protect: false in ${join(accounts, `${account.workspace}.yaml`)}, deploy, then destroy`,
    );
  }
  if (command !== "diff" && !autoApprove && !io.interactive) {
    throw new ValidationError(
      `${command}: somebody must be at the terminal to approve the plan, got a stdin that is no terminal; look at the plan (npm run diff) and add --auto-approve`,
    );
  }
  if (command === "destroy" && stacks.length > 0) {
    throw new ValidationError(
      `destroy: the account must be the only name, got ${stacks.join(", ")} too; it destroys the whole account: to remove less, change the account's file and deploy`,
    );
  }
  const outputDirectory = join(projectDirectory, outputDirectoryOf(account.workspace));
  // One per purpose: a diff beside a deploy must not change the roles of the other.
  const awsConfigFile = `${outputDirectory}.${PURPOSES[command]}.aws-config`;
  const awsConfig = composeAwsConfig(
    { account, purpose: PURPOSES[command], sessionName: command, origin },
    io.env,
  );
  const env = childEnvironment({
    env: io.env,
    projectDirectory,
    awsConfigFile,
    readOnly: PURPOSES[command] === "plan",
  });
  const workDirectory = resolve(`${outputDirectory}.run`, command);
  const release = lockFolder(`${outputDirectory}.lock`, account.workspace);
  try {
    const layout = layOut({ command, account, stacks, projectDirectory, outputDirectory, io });
    writeAwsConfigFile(awsConfigFile, awsConfig);
    const access = new AwsAccess({ account, origin, sessionName: command, env: io.env });
    return {
      account,
      folders: layout.folders,
      selected: layout.selected,
      env,
      access,
      bucket: new StateBucket({
        access,
        state: account.state,
        workspace: account.workspace,
        role: PURPOSES[command] === "plan" ? "state-read" : "state-write",
      }),
      workDirectory,
      release,
      awsConfigFile,
      terraform: new Terraform(
        env,
        account.workspace,
        (line) => io.err(`${line}\n`),
        join(workDirectory, "logs"),
      ),
      cdktf: (of, ...flags) => {
        const [program, ...firstArgs] = cdktfProgram(io);
        return runProgram(
          program,
          [
            ...firstArgs,
            command,
            // A stack's id stands before the flags: some take all that follows.
            ...of.map(({ id }) => id),
            "--skip-synth",
            "--output",
            layout.runDirectory,
            // Asks the public registry, whatever mirror there is:
            // https://github.com/hashicorp/terraform/issues/35106
            "--skip-provider-lock",
            ...flags,
            ...cdktfFlags,
          ],
          {
            directory: projectDirectory,
            env: { ...env, TF_WORKSPACE: account.workspace },
            interactive: io.interactive && command !== "diff",
            // A CI system signals this process alone, and soon kills all: cdktf must hear of it at once.
            ownGroup: !io.interactive,
            output: "show",
          },
        );
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Synthesizes an account and judges what was written. */
function layOut({
  command,
  account,
  stacks,
  projectDirectory,
  outputDirectory,
  io,
}: {
  readonly command: WrapperCommand;
  readonly account: AccountConfig;
  readonly stacks: readonly string[];
  readonly projectDirectory: string;
  readonly outputDirectory: string;
  readonly io: CommandIo;
}): Pick<Deployment, "folders" | "selected"> & {
  /** Where the stacks are run, seen from the project. */
  readonly runDirectory: string;
} {
  refuseForeignFiles(readEarlierStackFolders(outputDirectory));
  refuseUnsavedStates(account.workspace, readEarlierStackFolders(outputDirectory));
  const accounts = join(projectDirectory, ACCOUNTS_DIRECTORY);
  const synthesis = synthesize(account.workspace, outputDirectory, accounts);
  io.err(
    notices(synthesis)
      .map((line) => `${line}\n`)
      .join(""),
  );
  if (command === "deploy" && needsLedger(synthesis)) {
    throw new ValidationError(
      `${synthesis.ledger.file}: the ledger must hold all that must not be destroyed before a protected account is deployed, got less; run npm run ledger -- ${account.workspace} and commit the file`,
    );
  }
  refuseForeignFiles(readStackFolders(outputDirectory));
  const runDirectory = io.relocate?.(outputDirectory) ?? outputDirectoryOf(account.workspace);
  const folders = readStackFolders(join(projectDirectory, runDirectory));
  const selected = selectStacks(folders, stacks);
  if (command === "deploy") {
    requireDependencies(folders, selected);
  }
  copyLockFile(projectDirectory, folders);
  return { folders, selected, runDirectory };
}

/**
 * Exit code of a command's work with Terraform: a program that failed or was stopped gives its own.
 *
 * Afterwards the AWS config file is gone, since it may hold a copy of the person's own, and the
 * account's folder is free for the next command.
 */
export async function exitCodeOf(
  { awsConfigFile, release }: Deployment,
  io: CommandIo,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ProgramFailure)) {
      throw error;
    }
    io.err(`${error.message}\n`);
    return error.exitCode;
  } finally {
    rmSync(awsConfigFile, { force: true });
    release();
  }
}
