import { writeFileSync } from "node:fs";
import { App } from "cdktf";
import { checkLedger, extendLedger, loadLedger } from "../../config/ledger";
import { loadAccount } from "../../config/load-account";
import { buildStacks } from "../../stacks/define-stacks";
import { type Command, refuseSurplus } from "../io";
import { ACCOUNTS_DIRECTORY } from "../synthesize";

/** `npm run ledger -- <account>`: adds to the account's ledger what it does not hold yet. Takes nothing away. */
export const ledger: Command = ([workspace, ...surplus], io) => {
  refuseSurplus("ledger", surplus);
  const account = loadAccount(ACCOUNTS_DIRECTORY, workspace, "the account");
  const current = loadLedger(ACCOUNTS_DIRECTORY, account.workspace);
  const { subject } = buildStacks(new App({ outdir: "cdktf.out" }), account, current);
  // What is lost must not be recorded as if it were in order.
  checkLedger(current, subject);
  const { content, lines } = extendLedger(current, subject);
  if (lines.length === 0) {
    io.out(`${current.file} is up to date\n`);
    return 0;
  }
  writeFileSync(current.file, `${JSON.stringify(content, null, 2)}\n`);
  io.out(`${current.file}: added\n${lines.map((line) => `  ${line}\n`).join("")}`);
  return 0;
};
