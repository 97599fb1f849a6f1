/** What the sandbox's commands print: what Terraform said, and what exists. */
import type { CommandIo } from "../../cli/io";
import { type InventoryItem, importCommand, KEY_TYPES } from "../inventory";
import type { Sandbox } from "../sandbox";
import type { ChangeCounts, TerraformResult } from "../terraform-runs";

/** Prints what a Terraform command complained about: errors, or the warnings of one that went well. */
export function printProblems(io: CommandIo, stackId: string, { problems }: TerraformResult): void {
  io.err(problems.map((problem) => `${stackId}: ${problem}\n`).join(""));
}

/** Prints why a Terraform command failed on a stack, and what has to be done first; returns its exit code. */
export function reportFailure(
  io: CommandIo,
  sandbox: Sandbox,
  stackId: string,
  result: TerraformResult,
): number {
  printProblems(io, stackId, result);
  const obstacles = showObstacles(sandbox);
  if (sandbox.hasProviderDied()) {
    io.err(
      `The provider's process died.${obstacles === "" ? " Run the same command again." : ""}\n`,
    );
  }
  io.err(obstacles);
  return result.code;
}

/**
 * What must be put right before anything is made or destroyed, each with the command for it; empty
 * if there is nothing.
 *
 * KMS would make a second key beside an unseen one without a word, and Terraform would replace a key
 * whose making it saw fail half-way.
 */
export function showObstacles(sandbox: Sandbox): string {
  const items = sandbox.inventory();
  const { workspace } = sandbox.account;
  const order = sandbox.folders.map(({ id }) => id);
  const inOrder = items.toSorted(
    (a, b) => order.indexOf(a.stack ?? "") - order.indexOf(b.stack ?? ""),
  );
  return [
    showWithCommands(
      `These exist in account ${workspace} and in no state; the next apply would make them a second time, or fail. Take each over, in this order, then run the same command again:`,
      inOrder.filter(({ status }) => status === "unseen"),
      (item) => [importCommand(workspace, item)],
    ),
    showWithCommands(
      "These keys were made, but not to the end: the next apply would replace them. Keep each, then run the same command again:",
      inOrder.filter(({ tainted, type }) => tainted === true && KEY_TYPES.includes(type)),
      ({ stack, address }) => [`npm run sandbox -- untaint ${workspace} ${stack} '${address}'`],
    ),
  ].join("");
}

/** Counts of a plan or an apply, in Terraform's words. */
export function showCounts(changes: ChangeCounts | undefined): string {
  const { add = 0, change = 0, remove = 0, import: imported = 0 } = changes ?? {};
  return [
    ...(imported > 0 ? [`${imported} to import`] : []),
    `${add} to add`,
    `${change} to change`,
    `${remove} to destroy`,
  ].join(", ");
}

/** Whether a plan or an apply changes anything. */
export function changesAnything(changes: ChangeCounts | undefined): boolean {
  return Object.values(changes ?? {}).some((count) => count > 0);
}

/** What exists per region, a line per object. */
export function showInventory(items: readonly InventoryItem[]): string {
  const regions = [...new Set(items.map(({ region }) => region))];
  return regions
    .map((region) => {
      const lines = items
        .filter((item) => item.region === region)
        .map(
          (item) =>
            `  ${item.type.padEnd(32)} ${item.name.padEnd(28)} ${[item.detail ?? "", whereabouts(item)].filter((text) => text !== "").join("  ")}`,
        );
      return `${region ?? "global"}\n${lines.join("\n")}\n`;
    })
    .join("");
}

const ELSEWHERE: Readonly<Record<Exclude<InventoryItem["status"], "managed">, string>> = {
  "left-behind": "in the state of a stack that the account no longer has, see below",
  awaited: "in no state, taken over with the next apply",
  unseen: "in no state, see below",
  twin: "in no state, beside another of its name, see below",
  ending: "in no state, waits for its deletion, see below",
  foreign: "in no state, and no stack has it, see below",
};

function whereabouts({ status, stack, address, tainted }: InventoryItem): string {
  return status === "managed"
    ? `${stack}: ${address}${tainted === true ? ", made half-way, see below" : ""}`
    : ELSEWHERE[status];
}

/** Everything else that is not as it should be, each with what can be done. */
export function showStrangers(workspace: string, items: readonly InventoryItem[]): string {
  const having = (status: InventoryItem["status"]) =>
    items.filter((item) => item.status === status);
  return [
    showWithCommands(
      "These keys stand beside another of the same name, which a stack manages. Something may be encrypted with either. To have this one instead, take the other out of the state first (terraform state rm); to let it go:",
      having("twin"),
      (item) => [
        importCommand(workspace, item),
        `npm run sandbox -- drift ${workspace} schedule-deletion ${item.id} ${item.region}`,
      ],
    ),
    showWithCommands(
      "These are in the state of a stack that the account no longer has. Put its region back into the account's file, as draining, and apply:",
      having("left-behind"),
      ({ stack, address }) => [`${stack}: ${address}`],
    ),
    showWithCommands(
      "These wait for their deletion. To have one back:",
      having("ending"),
      (item) => [
        `npm run sandbox -- drift ${workspace} cancel-deletion ${item.id} ${item.region}`,
        importCommand(workspace, item),
      ],
    ),
    showWithCommands(
      "No stack has a resource for these. Once one has (README: adopt), it takes each over:",
      having("foreign"),
      (item) => [importCommand(workspace, item)],
    ),
  ].join("");
}

function showWithCommands(
  heading: string,
  items: readonly InventoryItem[],
  commandsOf: (item: InventoryItem) => readonly string[],
): string {
  const lines = items.flatMap((item) => [
    `  ${item.type} ${item.name} in ${item.region ?? "no region"}`,
    ...commandsOf(item).map((command) => `    ${command}`),
  ]);
  return lines.length === 0 ? "" : `\n${heading}\n${lines.join("\n")}\n`;
}
