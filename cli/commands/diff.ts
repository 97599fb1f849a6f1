import type { Command } from "../io";
import { type Deployment, exitCodeOf, prepareDeployment } from "../prepare-deployment";
import type { StackFolder } from "../stack-folders";
import { neededOutputs, resourceCounts } from "../stack-json";

/**
 * `npm run diff -- <account> [stack…] [flags of cdktf diff]`: shows what an apply would change,
 * stack by stack. Creates nothing, not even a workspace: its roles may only read.
 *
 * A stack that was never deployed, or that waits for outputs of another, has no plan yet; that is
 * reported and is no failure.
 *
 * @throws {ValidationError} for bad input, before anything is started
 */
export const diff: Command = (argv, io) => {
  const deployment = prepareDeployment("diff", argv, io);
  return exitCodeOf(deployment, io, async () => {
    const states = await openStates(deployment);
    const lines: string[] = [];
    let exitCode = 0;
    let stopCode: number | undefined;
    for (const folder of deployment.selected) {
      if (stopCode !== undefined) {
        lines.push(`${folder.id}: not started`);
      } else if (!states.has(folder.id)) {
        lines.push(...notDeployed(folder));
      } else {
        const missing = missingOutputs(folder, states);
        if (missing.length > 0) {
          lines.push(...missing);
        } else {
          const result = await deployment.cdktf([folder]);
          stopCode = result.stopCode;
          if (result.code === 0) {
            lines.push(`${folder.id}: its plan is above`);
          } else {
            exitCode = 1;
            lines.push(`${folder.id}: failed with exit code ${result.code}`);
          }
        }
      }
    }
    io.out(`\nAccount ${deployment.account.workspace}:\n${lines.map((l) => `  ${l}\n`).join("")}`);
    return stopCode ?? exitCode;
  });
};

/** Names of the outputs in the state of each stack that has a workspace and is needed, by id. */
type States = ReadonlyMap<string, ReadonlySet<string>>;

async function openStates({ folders, selected, terraform }: Deployment): Promise<States> {
  const producers = new Set(selected.flatMap((folder) => [...neededOutputs(folder).keys()]));
  const states = new Map<string, ReadonlySet<string>>();
  for (const folder of folders.filter((f) => producers.has(f.id) || selected.includes(f))) {
    await terraform.init(folder);
    if (await terraform.hasWorkspace(folder)) {
      await terraform.selectWorkspace(folder);
      states.set(
        folder.id,
        producers.has(folder.id) ? await terraform.outputNames(folder) : new Set(),
      );
    }
  }
  return states;
}

function missingOutputs(folder: StackFolder, states: States): readonly string[] {
  return [...neededOutputs(folder)].flatMap(([producer, outputs]) => {
    const missing = [...outputs].filter((output) => states.get(producer)?.has(output) !== true);
    return missing.length === 0
      ? []
      : [
          `${folder.id}: waits for ${producer}, whose state does not have ${missing.length} of the ${outputs.size} outputs that it reads; deploy ${producer} first`,
        ];
  });
}

function notDeployed(folder: StackFolder): readonly string[] {
  const counts = resourceCounts(folder);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  return [
    `${folder.id}: not deployed yet; would create ${total} resource${total === 1 ? "" : "s"}`,
    ...counts.map(([type, count]) => `  ${type}${count > 1 ? ` x ${count}` : ""}`),
  ];
}
