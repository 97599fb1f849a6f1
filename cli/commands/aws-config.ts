import { join } from "node:path";
import { loadAccount } from "../../config/load-account";
import { showValue, ValidationError } from "../../modules/errors";
import { type RolePurpose, renderProfiles } from "../aws-config-file";
import type { Command } from "../io";
import { ACCOUNTS_DIRECTORY } from "../synthesize";
import { parseOriginArguments } from "../wrapper-arguments";

const PURPOSES: readonly RolePurpose[] = ["plan", "apply"];

/**
 * `npm run aws-config -- <account> plan|apply [--source-profile NAME | --credential-source SOURCE]`:
 * prints the two AWS profiles that the stacks name, for the AWS config file of people who run
 * `cdktf` or `terraform` themselves.
 *
 * @throws {ValidationError} for bad input
 */
export const awsConfig: Command = (argv, io) => {
  const { positionals, origin } = parseOriginArguments("aws-config", argv);
  const [workspace, wanted, ...rest] = positionals;
  const account = loadAccount(
    join(io.projectDirectory ?? ".", ACCOUNTS_DIRECTORY),
    workspace,
    "the account",
  );
  const purpose = PURPOSES.find((name) => name === wanted);
  if (purpose === undefined || rest.length > 0) {
    throw new ValidationError(
      `aws-config: one of ${PURPOSES.join(", ")} must stand behind the account, got ${showValue(positionals.slice(1).join(" ") || undefined)}; write npm run aws-config -- ${account.workspace} plan`,
    );
  }
  io.out(renderProfiles({ account, purpose, sessionName: purpose, origin }));
  return 0;
};
