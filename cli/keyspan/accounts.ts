import { join } from "node:path";
import type { AccountConfig } from "../../config/account-config";
import { type ChangedSince, changedAccounts } from "../rollout/changed-accounts";
import { ACCOUNTS_DIRECTORY } from "../synthesize";
import { selectAccounts } from "./accounts-of";
import { type CommandResult, type DefineCommand, EXIT_CODE } from "./command";

/** `npm run keyspan -- accounts`: the accounts, for people and for the matrix of a CI system. */
export const defineAccounts: DefineCommand = (program, io, act) => {
  program
    .command("accounts")
    .description("list the accounts, in the order of their rings")
    .option("--changed <git-ref>", "only those whose synthesized stacks differ from that commit's")
    .addHelpText(
      "after",
      `
Examples:
  npm run keyspan -- accounts
  npm run --silent keyspan -- accounts --changed origin/main --json`,
    )
    .action(
      act(async ({ changed }: { readonly changed?: string }): Promise<CommandResult> => {
        const accounts = selectAccounts("accounts", [], { all: true }, io).toSorted(
          (a, b) => a.ring - b.ring,
        );
        const since: ChangedSince | undefined =
          changed === undefined
            ? undefined
            : await changedAccounts(
                io.projectDirectory ?? ".",
                changed,
                accounts.map(({ workspace }) => workspace),
                io.env,
              );
        for (const note of since?.notes ?? []) {
          io.err(`${note}\n`);
        }
        const listed = accounts.filter(
          ({ workspace }) => since === undefined || since.changed.includes(workspace),
        );
        return {
          exitCode: EXIT_CODE.done,
          text:
            listed.length === 0
              ? `no account ${changed === undefined ? `in ${join(io.projectDirectory ?? ".", ACCOUNTS_DIRECTORY)}` : `differs from ${changed}`}\n`
              : listed.map((account) => `${describe(account)}\n`).join(""),
          json: { accounts: listed.map(summary) },
        };
      }),
    );
};

function describe(account: AccountConfig): string {
  const { workspace, id, ring, regions, homeRegion } = account;
  const others = regions.filter(({ name }) => name !== homeRegion);
  return [
    `ring ${ring}`,
    workspace.padEnd(16),
    id,
    [
      homeRegion,
      ...others.map(({ name, state }) => `${name}${state === "active" ? "" : ` (${state})`}`),
    ].join(" "),
  ].join("  ");
}

function summary(account: AccountConfig) {
  const { workspace, id, partition, homeRegion, regions, ring, protect } = account;
  return {
    account: workspace,
    id,
    partition,
    homeRegion,
    regions: regions.map(({ name }) => name),
    ring,
    protect,
  };
}
