import { join } from "node:path";
import { ValidationError } from "../../modules/errors";
import { giveBack, lockAccount } from "../rollout/account-lock";
import { AccountSession, type RolloutContext } from "../rollout/account-session";
import { destroyAccount, planDestroy } from "../rollout/destroy-account";
import { showCounts } from "../rollout/stack-changes";
import { ACCOUNTS_DIRECTORY } from "../synthesize";
import { selectAccount, withContext, withParallelism } from "./accounts-of";
import { approve, requireApprover } from "./approve";
import {
  type CommandResult,
  type DefineCommand,
  EXIT_CODE,
  type OriginOptions,
  withOrigin,
} from "./command";

interface DestroyOptions extends OriginOptions {
  readonly yes?: boolean;
  readonly parallelism: number;
}

/** `npm run keyspan -- destroy <account>`: destroys all stacks of a throw-away account. */
export const defineDestroy: DefineCommand = (program, io, act) => {
  withParallelism(
    withOrigin(program.command("destroy").argument("<account>", "name of the account")),
  )
    .description("destroy all stacks of an account that is not protected")
    .option("--yes", "do not ask")
    .addHelpText(
      "after",
      `
A protected account takes two steps: set protect: false in its file and apply that, then destroy.
Its KMS keys live on for their deletion window, in which their deletion can be cancelled.

Example:
  npm run keyspan -- destroy demo`,
    )
    .action(
      act((workspace: string, options: DestroyOptions) => {
        const file = join(io.projectDirectory ?? ".", ACCOUNTS_DIRECTORY);
        const account = selectAccount("destroy", workspace, io);
        if (account.protect) {
          throw new ValidationError(
            `destroy: protect must be false for account ${workspace}, got true; to give the account up, set protect: false in ${join(file, `${workspace}.yaml`)} and apply that (npm run keyspan -- apply ${workspace}), then destroy: Terraform drops its refusal with the first, and deletes with the second`,
          );
        }
        if (options.yes !== true) {
          requireApprover("destroy", io);
        }
        return withContext(io, "destroy", options, (context) =>
          destroy(workspace, options, context),
        );
      }),
    );
};

async function destroy(
  workspace: string,
  { yes = false }: DestroyOptions,
  context: RolloutContext,
): Promise<CommandResult> {
  const session = await AccountSession.open({
    context,
    workspace,
    command: "destroy",
    purpose: "apply",
  });
  try {
    const { bucket, folders, account } = session;
    const lock = await lockAccount(bucket, workspace, folders, "destroy", context.io.env);
    session.ownLock = lock.id;
    try {
      const { plans, failures } = await planDestroy(session);
      if (failures.length > 0) {
        return { exitCode: EXIT_CODE.failed, text: `${failures.join("\n")}\n`, json: { failures } };
      }
      const windows = account.keys.flatMap((key) =>
        key.kind === "managed" && key.state === "active"
          ? `  key ${key.name}: for ${key.deletionWindowDays} days`
          : [],
      );
      const summary = [
        `Account ${workspace} (${account.id}):`,
        ...[...plans].map(([id, { changes }]) => `  ${id}: ${showCounts(changes.resources)}`),
        "All archived events are deleted at once. The KMS keys live on, unusable, until their deletion window ends; until then it can be cancelled:",
        ...windows,
        "",
      ].join("\n");
      if ([...plans.values()].every(({ changes }) => changes.resources.length === 0)) {
        return {
          exitCode: EXIT_CODE.done,
          text: `Account ${workspace}: nothing to destroy\n`,
          json: { account: workspace, stacks: [] },
        };
      }
      await context.progress.close();
      context.io.err(summary);
      if (!yes && !(await approve(context.io, workspace, "destroy all of this"))) {
        return {
          exitCode: EXIT_CODE.pending,
          text: "not destroyed: not approved\n",
          json: { account: workspace, declined: true },
        };
      }
      const stacks = await destroyAccount(session, plans);
      const failed = stacks.filter(({ ok }) => !ok);
      return {
        exitCode: failed.length > 0 ? EXIT_CODE.failed : EXIT_CODE.done,
        text: [
          `Account ${workspace}: ${failed.length > 0 ? "FAILED; run the same command again once this is put right" : "destroyed"}`,
          ...stacks.map(({ id, words }) => `  ${id}: ${words}`),
          "",
        ].join("\n"),
        json: { account: workspace, stacks },
      };
    } finally {
      await giveBack(workspace, lock, (line) => context.progress.say(line));
    }
  } finally {
    await session.close();
  }
}
