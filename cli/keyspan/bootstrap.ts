import { bootstrap } from "../bootstrap/bootstrap";
import { checkAccountNames } from "./accounts-of";
import { type DefineCommand, type OriginOptions, originFrom } from "./command";

interface Options extends OriginOptions {
  readonly yes?: boolean;
  readonly adopt?: boolean;
  readonly unlock?: string;
}

/** `bootstrap <account>`: the bucket of the states and the roles that read and write them. */
export const defineBootstrap: DefineCommand = (program, io, act) => {
  program
    .command("bootstrap")
    .argument("<account>", "an account whose states are to be in the bucket")
    .option("--source-profile <name>", "profile of your AWS config with the credentials to use")
    .option(
      "--credential-source <source>",
      "where the credentials come from: Environment (default), Ec2InstanceMetadata or EcsContainer",
    )
    .option("--yes", "apply without asking; without it and without a terminal, only plan")
    .option("--adopt", "take over a bucket or role of these names that Keyspan did not make")
    .option("--unlock <id>", "remove the lock that a killed run left on the bucket's own state")
    .description(
      "Makes the bucket of Terraform's states, and a writing and a reading role for every account whose states are in it. Once per partition, and again when accounts come and go.",
    )
    .addHelpText(
      "after",
      `
Needs an administrator's credentials of the account that owns the bucket (state.account): those of
the environment, or --source-profile. They are used as they are; no role of Keyspan is.

Every state role may list the bucket, and so sees the names of the other workspaces. Saved plans are
deleted after 7 days. No version of a state can be deleted by hand.

Examples:
  npm run keyspan -- bootstrap prod
  npm run keyspan -- bootstrap prod --yes --source-profile state-admin
  npm run keyspan -- bootstrap prod --unlock 0c9b2d6e-5f6b-4b8e-9f0d-5a2b8f0a3c11`,
    )
    .action(
      act((account: string, options: Options) => {
        checkAccountNames("bootstrap", [account], io);
        return bootstrap(
          account,
          {
            origin: originFrom("bootstrap", options),
            yes: options.yes === true,
            adopt: options.adopt === true,
            ...(options.unlock !== undefined && { unlock: options.unlock }),
          },
          io,
        );
      }),
    );
};
