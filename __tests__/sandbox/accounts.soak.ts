/** Every account in the sandbox, with its notifications and the policies that Terraform resolved. */
import { ALL_ACCOUNTS } from "../helpers/synth";
import { testAccount } from "./account-lives";

describe.each(ALL_ACCOUNTS)("%s/%s", (directory, workspace) => {
  testAccount(directory, workspace, true);
});
