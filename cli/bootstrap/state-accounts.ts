import type { AccountConfig } from "../../config/account-config";
import { accountNames, loadAccount, loadAccounts } from "../../config/load-account";
import { ValidationError } from "../../modules/errors";

/**
 * Every account whose states are in the bucket of the named one, in alphabetical order.
 *
 * All accounts are read: one that was left out because its file is broken would lose its roles.
 *
 * @param directory - folder of the account files
 * @throws {ValidationError} with every problem of every file
 */
export function loadStateAccounts(
  directory: string,
  workspace: string | undefined,
): readonly AccountConfig[] {
  if (workspace === undefined || !accountNames(directory).includes(workspace)) {
    loadAccount(directory, workspace, "the account");
  }
  const { accounts, problems } = loadAccounts(directory);
  if (problems.length > 0) {
    throw new ValidationError(problems.join("\n"));
  }
  const named = accounts.find((account) => account.workspace === workspace);
  return accounts.filter(
    ({ partition, state }) =>
      // Names of buckets are unique in a partition.
      partition === named?.partition && state.bucket === named.state.bucket,
  );
}
