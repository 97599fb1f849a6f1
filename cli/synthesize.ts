import { mkdirSync } from "node:fs";
import { App } from "cdktf";
import type { AccountConfig } from "../config/account-config";
import { type Ledger, loadLedger } from "../config/ledger";
import { loadAccount } from "../config/load-account";
import { type AccountStacks, defineStacks } from "../stacks/define-stacks";

/** Folder of the account files, seen from the project's root. */
export const ACCOUNTS_DIRECTORY = "accounts";

/** What a synth has read, defined and written. */
export interface Synthesis {
  readonly account: AccountConfig;
  readonly ledger: Ledger;
  readonly stacks: AccountStacks;
  /** Folder with `manifest.json` and `stacks/<stack>/cdk.tf.json`. */
  readonly outputDirectory: string;
}

/**
 * Writes the Terraform JSON of one account, as `cdktf synth` does, without starting the CLI.
 *
 * @param outputDirectory - where to write
 * @throws {ValidationError} before anything is written, if the account or its ledger is refused
 */
export function synthesize(
  workspace: string | undefined,
  outputDirectory: string,
  accountsDirectory = ACCOUNTS_DIRECTORY,
): Synthesis {
  const account = loadAccount(accountsDirectory, workspace, "the account");
  const ledger = loadLedger(accountsDirectory, account.workspace);
  // CDKTF makes the folder itself, but not the folders around it.
  mkdirSync(outputDirectory, { recursive: true });
  const app = new App({ outdir: outputDirectory });
  const stacks = defineStacks(app, account, ledger);
  app.synth();
  return { account, ledger, stacks, outputDirectory };
}

/** Where the commands write an account: a folder per account, git-ignored. */
export function outputDirectoryOf(workspace: string): string {
  return `cdktf.out/${workspace}`;
}
