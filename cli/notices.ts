import { extendLedger, ledgerNotice } from "../config/ledger";
import type { Synthesis } from "./synthesize";

/** What a person should know before a synth is applied, a line each. */
export function notices({ account, ledger, stacks }: Synthesis): readonly string[] {
  const lines: string[] = [];
  for (const { name, state } of account.regions) {
    if (state === "draining") {
      lines.push(
        `Region ${name} is draining: the next apply deletes its buses and archives with all archived events. Its keys stay, and are still watched.`,
      );
    }
    if (state === "retired") {
      lines.push(
        `Region ${name} is retired: Terraform forgets its keys, which stay in AWS and cost money until you delete them there, and stops watching the region.`,
      );
    }
  }
  for (const key of account.keys) {
    if (key.kind === "managed" && key.state === "retired") {
      lines.push(`Key ${key.name} is retired: Terraform forgets it; it stays in AWS.`);
    }
  }
  const notice = ledgerNotice(ledger, stacks.subject);
  return notice === undefined ? lines : [...lines, notice];
}

/** Whether a protected account has something that its ledger does not hold yet. */
export function needsLedger({
  account,
  ledger,
  stacks,
}: Pick<Synthesis, "account" | "ledger" | "stacks">): boolean {
  return account.protect && extendLedger(ledger, stacks.subject).lines.length > 0;
}
