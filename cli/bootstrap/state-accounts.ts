import type { AccountConfig } from "../../config/account-config";
import { accountNames, loadAccount } from "../../config/load-account";
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
  const names = accountNames(directory);
  if (workspace === undefined || !names.includes(workspace)) {
    loadAccount(directory, workspace, "the account");
  }
  const problems: string[] = [];
  const accounts = names.flatMap((name) => {
    try {
      return [loadAccount(directory, name, "the account")];
    } catch (error) {
      if (!(error instanceof ValidationError)) {
        throw error;
      }
      problems.push(error.message);
      return [];
    }
  });
  if (problems.length > 0) {
    // What is wrong in the defaults is found with every account.
    throw new ValidationError(
      [...new Set(problems.flatMap((text) => text.split("\n")))].join("\n"),
    );
  }
  const named = accounts.find((account) => account.workspace === workspace);
  return accounts.filter(
    ({ partition, state }) =>
      // Names of buckets are unique in a partition.
      partition === named?.partition && state.bucket === named.state.bucket,
  );
}
