import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { extendLedger, type LedgerContent, loadLedger } from "../../config/ledger";
import { loadAccount } from "../../config/load-account";
import { buildStacks } from "../../stacks/define-stacks";
import { type SynthesizedAccount, synthAccount } from "./synth";

/** A folder of account files that a test changes step by step, as a platform team does over months. */
export class AccountFolder {
  readonly directory = mkdtempSync(join(tmpdir(), "keyspan-accounts-"));

  constructor(private readonly workspace = "acme") {}

  /** Writes the account's file. */
  write(yaml: string): this {
    writeFileSync(join(this.directory, `${this.workspace}.yaml`), yaml);
    return this;
  }

  /** Synthesizes the account against its ledger. */
  synth(): SynthesizedAccount {
    return synthAccount(this.directory, this.workspace);
  }

  /** The message that refuses the synth, with the folder's own path taken out. */
  refusal(): string {
    try {
      this.synth();
    } catch (error) {
      return (error as Error).message.replaceAll(`${this.directory}/`, "");
    }
    throw new Error("the synth was not refused");
  }

  /** Adds to the ledger what is defined now, as `npm run ledger` does; returns what was added. */
  record(): readonly string[] {
    this.synth();
    const account = loadAccount(this.directory, this.workspace);
    const ledger = loadLedger(this.directory, this.workspace);
    const app = new App({ outdir: this.directory });
    const { content, lines } = extendLedger(ledger, buildStacks(app, account, ledger).subject);
    this.writeLedger(content);
    return lines;
  }

  /** The ledger as it stands. */
  ledger(): LedgerContent {
    return loadLedger(this.directory, this.workspace).content;
  }

  /** Writes the ledger, as a person does who retires or moves something. */
  writeLedger(content: LedgerContent): this {
    writeFileSync(this.ledgerFile, `${JSON.stringify(content, null, 2)}\n`);
    return this;
  }

  /** Text of the ledger's file. */
  ledgerText(): string {
    return readFileSync(this.ledgerFile, "utf8");
  }

  /** Removes the folder. */
  remove(): void {
    rmSync(this.directory, { recursive: true });
  }

  private get ledgerFile(): string {
    return join(this.directory, `${this.workspace}.ledger.json`);
  }
}
