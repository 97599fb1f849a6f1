import { TerraformResource } from "cdktf";
import { loadAccount } from "../../config/load-account";
import { type Command, refuseSurplus } from "../io";
import { notices } from "../notices";
import { ACCOUNTS_DIRECTORY, outputDirectoryOf, type Synthesis, synthesize } from "../synthesize";

/**
 * `npm run preview -- <account>`: checks and synthesizes an account, and prints what Terraform would
 * create. Needs no Terraform and talks to nobody.
 *
 * @throws {ValidationError} if the account or its ledger is refused
 */
export const preview: Command = ([account, ...surplus], io) => {
  refuseSurplus("preview", surplus);
  const { workspace } = loadAccount(ACCOUNTS_DIRECTORY, account, "the account");
  io.out(summarize(synthesize(workspace, outputDirectoryOf(workspace))));
  return 0;
};

function summarize({ account, ledger, stacks, outputDirectory }: Synthesis): string {
  const lines = [
    `Account ${account.workspace} (${account.id}, ${account.partition}), home region ${account.homeRegion}${account.protect ? ", protected" : ""}`,
    "",
    "Terraform would create:",
  ];
  for (const stack of [stacks.keys, stacks.notifications, ...stacks.archives]) {
    lines.push(`  ${stack.node.id}`);
    const counts = new Map<string, number>();
    for (const construct of stack.node.findAll()) {
      if (TerraformResource.isTerraformResource(construct)) {
        const region =
          "regionInput" in construct ? String(construct.regionInput ?? stack.providerRegion) : "-";
        const line = `${region.padEnd(16)} ${construct.terraformResourceType}`;
        counts.set(line, (counts.get(line) ?? 0) + 1);
      }
    }
    lines.push(
      ...[...counts].sort().map(([line, count]) => `    ${line}${count > 1 ? ` x ${count}` : ""}`),
      ...(counts.size === 0 ? ["    (empty)"] : []),
    );
  }
  lines.push("", ...notices({ account, ledger, stacks, outputDirectory }));
  lines.push(`The Terraform JSON is in ${outputDirectory}/stacks/<stack>/cdk.tf.json`, "");
  return lines.join("\n");
}
