/** The commands that messages name: what puts an account right after a run has died. */
import { renameSync } from "node:fs";
import { join } from "node:path";
import { showValue, ValidationError } from "../../modules/errors";
import type { CommandIo } from "../io";
import { giveBack, heldLocks, lockAccount } from "../rollout/account-lock";
import { AccountSession } from "../rollout/account-session";
import { hasUnsavedState, UNSAVED_STATE_FILE } from "../stack-folders";
import { checkAccountNames, withContext } from "./accounts-of";
import {
  type CommandResult,
  type DefineCommand,
  EXIT_CODE,
  type OriginOptions,
  withOrigin,
} from "./command";

/** `npm run keyspan -- unlock <account> --id <lock id>`: removes a lock that a dead run has left behind. */
export const defineUnlock: DefineCommand = (program, io, act) => {
  withOrigin(program.command("unlock").argument("<account>", "name of the account"))
    .description("remove one lock that a run has left behind when it died")
    .requiredOption("--id <id>", "id of the lock, from the message that named it")
    .addHelpText(
      "after",
      "\nMake sure that the run is gone: its machine, and its Terraform.\n\nExample:\n  npm run keyspan -- unlock prod --id 1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed",
    )
    .action(
      act((workspace: string, options: OriginOptions & { readonly id: string }) => {
        checkAccountNames("unlock", [workspace], io);
        return withContext(io, "unlock", options, async (context): Promise<CommandResult> => {
          const session = await AccountSession.open({
            context,
            workspace,
            command: "unlock",
            purpose: "apply",
          });
          try {
            const { bucket, folders } = session;
            const locks = await heldLocks(bucket, folders);
            const found = locks.find(({ lock }) => lock.ID === options.id);
            if (found === undefined) {
              throw new ValidationError(
                `unlock: --id must be that of a lock in account ${workspace}, got ${showValue(options.id)}; ${
                  locks.length === 0
                    ? "nothing is locked: run your command again"
                    : `the locks are ${locks.map(({ on, lock }) => `${lock.ID} (${on})`).join(", ")}`
                }`,
              );
            }
            if (found.on === "account") {
              if (!(await bucket.removeAccountLock(found.lock))) {
                throw new ValidationError(
                  `unlock: --id must be that of a lock in account ${workspace}, got ${options.id}, which was given back just now; run your command again`,
                );
              }
            } else {
              const folder = session.stackNamed(found.on);
              await session.stacks.prepare(folder, "exists");
              await session.terraform.runIn(folder, ["force-unlock", "-force", options.id]);
            }
            return done(
              `unlocked ${found.on === "account" ? `account ${workspace}` : `the state of ${found.on} in ${workspace}`}\n`,
              { account: workspace, unlocked: found.on, id: options.id },
            );
          } finally {
            await session.close();
          }
        });
      }),
    );
};

/** `npm run keyspan -- import <account> <stack> <address> <import id>`: takes an object over into a state. */
export const defineImport: DefineCommand = (program, io, act) => {
  withStack(program.command("import"))
    .argument("<id>", "import id, with @<region> where the message has it")
    .description("take an object that is in no state over into a stack's state")
    .addHelpText(
      "after",
      "\nExample:\n  npm run keyspan -- import prod keys aws_kms_key.archive mrk-1234…@eu-west-1",
    )
    .action(
      act((workspace: string, stack: string, address: string, id: string, options: OriginOptions) =>
        runInStack(
          io,
          "import",
          { workspace, stack, options },
          ["-input=false", address, id],
          address,
        ),
      ),
    );
};

/** `npm run keyspan -- untaint <account> <stack> <address>`: keeps what was made, but not to the end. */
export const defineUntaint: DefineCommand = (program, io, act) => {
  withStack(program.command("untaint"))
    .description("keep a resource whose making failed half-way, instead of replacing it")
    .addHelpText("after", "\nExample:\n  npm run keyspan -- untaint prod keys aws_kms_key.archive")
    .action(
      act((workspace: string, stack: string, address: string, options: OriginOptions) =>
        runInStack(io, "untaint", { workspace, stack, options }, [address], address),
      ),
    );
};

/** `npm run keyspan -- push-state <account> <stack>`: writes a state that Terraform could not write. */
export const definePushState: DefineCommand = (program, io, act) => {
  withOrigin(program.command("push-state"))
    .argument("<account>", "name of the account")
    .argument("<stack>", "id of the stack")
    .description(
      "write the state that a failed apply has left in the stack's folder to its backend",
    )
    .addHelpText(
      "after",
      "\nTerraform refuses a state of another lineage, and one that is older.\n\nExample:\n  npm run keyspan -- push-state prod keys",
    )
    .action(
      act((workspace: string, stack: string, options: OriginOptions) => {
        checkAccountNames("push-state", [workspace], io);
        return withContext(io, "push-state", options, async (context): Promise<CommandResult> => {
          const session = await AccountSession.open({
            context,
            workspace,
            command: "push-state",
            purpose: "apply",
          });
          try {
            const folder = session.stackNamed(stack);
            if (!hasUnsavedState(folder)) {
              throw new ValidationError(
                `push-state: stack ${stack} must have left a state behind, got no ${join(folder.directory, UNSAVED_STATE_FILE)}; there is nothing to write`,
              );
            }
            const lock = await lockAccount(
              session.bucket,
              workspace,
              session.folders,
              "push-state",
              io.env,
            );
            try {
              await session.stacks.prepare(folder, "make");
              await session.terraform.runIn(folder, ["state", "push", UNSAVED_STATE_FILE]);
            } finally {
              await giveBack(workspace, lock, (line) => context.progress.say(line));
            }
            const file = join(folder.directory, UNSAVED_STATE_FILE);
            renameSync(file, `${file}.pushed`);
            return done(`${stack}: its state is written; run your command again\n`, {
              account: workspace,
              stack,
            });
          } finally {
            await session.close();
          }
        });
      }),
    );
};

function withStack(command: ReturnType<typeof withOrigin>) {
  return withOrigin(command)
    .argument("<account>", "name of the account")
    .argument("<stack>", "id of the stack")
    .argument("<address>", "address of the resource, such as aws_kms_key.archive");
}

/** Runs a command of Terraform that changes a stack's state, with the account locked. */
function runInStack(
  io: CommandIo,
  command: "import" | "untaint",
  {
    workspace,
    stack,
    options,
  }: { readonly workspace: string; readonly stack: string; readonly options: OriginOptions },
  args: readonly string[],
  address: string,
): Promise<CommandResult> {
  checkAccountNames(command, [workspace], io);
  return withContext(io, command, options, async (context) => {
    const session = await AccountSession.open({ context, workspace, command, purpose: "apply" });
    try {
      const folder = session.stackNamed(stack);
      const lock = await lockAccount(session.bucket, workspace, session.folders, command, io.env);
      try {
        await session.stacks.prepare(folder, "make");
        await session.terraform.runIn(folder, [command, "-no-color", ...args]);
      } finally {
        await giveBack(workspace, lock, (line) => context.progress.say(line));
      }
      return done(
        `${stack}: ${address} is ${command === "import" ? "taken over" : "kept"}; run your command again\n`,
        { account: workspace, stack, address },
      );
    } finally {
      await session.close();
    }
  });
}

function done(text: string, json: object): CommandResult {
  return { exitCode: EXIT_CODE.done, text, json };
}
