/** The CDKTF app: synthesizes the account that TF_WORKSPACE names. `cdktf` runs it from this folder. */
import { App } from "cdktf";
import { ledgerNotice, loadLedger } from "./config/ledger";
import { loadAccount } from "./config/load-account";
import { ValidationError } from "./modules/errors";
import { defineStacks } from "./stacks/define-stacks";

const ACCOUNTS = "accounts";

try {
  const account = loadAccount(ACCOUNTS, process.env.TF_WORKSPACE);
  const ledger = loadLedger(ACCOUNTS, account.workspace);
  const app = new App();
  const { subject } = defineStacks(app, account, ledger);
  app.synth();
  const notice = ledgerNotice(ledger, subject);
  if (notice !== undefined) {
    process.stderr.write(`${notice}\n`);
  }
} catch (error) {
  if (!(error instanceof ValidationError)) {
    throw error;
  }
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
