/** `npm run keyspan -- doctor <account>`: whether AWS is ready for an account's first apply. */
import { join } from "node:path";
import { examine } from "../doctor/examine";
import { countLevels, type Finding, LEVELS, renderFindings } from "../doctor/findings";
import { plannedResources } from "../doctor/planned-resources";
import { ACCOUNTS_DIRECTORY } from "../synthesize";
import { selectAccount } from "./accounts-of";
import {
  type CommandResult,
  type DefineCommand,
  EXIT_CODE,
  type OriginOptions,
  originFrom,
  withOrigin,
} from "./command";

/** Kinds of things whose names are not looked for; a clash is then apply's own error. */
const NOT_LOOKED_FOR = [
  "topics",
  "queues",
  "state machines",
  "schedules",
  "log groups",
  "alarms",
] as const;

/** Adds the command. */
export const defineDoctor: DefineCommand = (program, io, act) => {
  withOrigin(program.command("doctor"))
    .argument("<account>", "name of the account's file, without .yaml")
    .description("Looks whether AWS is ready for an account: reads, and changes nothing.")
    .addHelpText(
      "after",
      `
Looks with the plan role and the role that reads states: account and partition, regions, state
bucket and locks, roles that the file names, names that are taken, quotas, the trail.
Does not look for the names of ${NOT_LOOKED_FOR.join(", ")}.

Exit codes: 0 no problem (there may be warnings), 1 problems.

Examples:
  npm run keyspan -- doctor prod
  npm run keyspan -- doctor prod --source-profile admin --json`,
    )
    .action(
      act(async (name: string, options: OriginOptions): Promise<CommandResult> => {
        const origin = originFrom("doctor", options);
        const account = selectAccount("doctor", name, io);
        const accounts = join(io.projectDirectory ?? ".", ACCOUNTS_DIRECTORY);
        const { stacks, planned } = plannedResources(account.workspace, accounts);
        io.err(`${account.workspace}: looking at account ${account.id}\n`);
        const findings = await examine({ account, stacks, planned, origin, env: io.env });
        return resultOf(account, findings);
      }),
    );
};

function resultOf(
  { workspace, id }: { readonly workspace: string; readonly id: string },
  findings: readonly Finding[],
): CommandResult {
  const counts = countLevels(findings);
  const summary = LEVELS.map((level) => `${counts[level]} ${level}`).join(", ");
  return {
    exitCode: counts.problem > 0 ? EXIT_CODE.failed : EXIT_CODE.done,
    text: `${renderFindings(findings)}\n${workspace} (${id}): ${summary}. Not looked for: names of ${NOT_LOOKED_FOR.join(", ")}.\n`,
    json: { account: workspace, id, counts, findings, namesNotLookedFor: NOT_LOOKED_FOR },
  };
}
