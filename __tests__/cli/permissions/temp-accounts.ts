import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A project folder with these accounts, gone after the tests. @param accounts - YAML by account */
export function tempAccounts(accounts: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), "keyspan-permissions-"));
  mkdirSync(join(directory, "accounts"));
  for (const [workspace, yaml] of Object.entries(accounts)) {
    writeFileSync(join(directory, "accounts", `${workspace}.yaml`), yaml);
  }
  afterAll(() => rmSync(directory, { recursive: true }));
  return directory;
}
