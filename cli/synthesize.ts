import { mkdirSync } from "node:fs";
import { App } from "cdktf";
import { TokenMap } from "cdktf/lib/tokens/private/token-map";
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
  const stacks = withoutTraces(() => {
    const app = new App({ outdir: outputDirectory });
    const defined = defineStacks(app, account, ledger);
    app.synth();
    return defined;
  });
  return { account, ledger, stacks, outputDirectory };
}

/**
 * Does a synth, and lets CDKTF forget its tokens afterwards: it keeps them, and with them every
 * construct, as long as the process lives, which is some MB for each of hundreds of accounts. What was
 * defined can be looked at later, but not resolved.
 */
function withoutTraces<T>(synth: () => T): T {
  // No exported way to do it: only the map itself, which is private.
  const map = TokenMap.instance();
  // biome-ignore lint/complexity/useLiteralKeys: by its name alone the compiler refuses it
  const tokens: Map<unknown, unknown>[] = [map["stringTokenMap"], map["numberTokenMap"]];
  const before = tokens.map((known) => new Set(known.keys()));
  try {
    return synth();
  } finally {
    for (const [index, known] of tokens.entries()) {
      for (const token of known.keys()) {
        if (!before[index]?.has(token)) {
          known.delete(token);
        }
      }
    }
  }
}

/** Where the commands write an account: a folder per account, git-ignored. */
export function outputDirectoryOf(workspace: string): string {
  return `cdktf.out/${workspace}`;
}
