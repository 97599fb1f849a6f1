/** Keeping plans for their approval: in a folder, and in the state bucket. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AccountConfig } from "../../config/account-config";
import type { AwsAccess } from "../aws-access";
import {
  accountFiles,
  clearPlanFolder,
  type SavedAccountPlan,
  setFile,
  writePlanFiles,
} from "./plan-set";
import { StateBucket } from "./state-bucket";

/** Plans that are written as they come, account by account. */
export class PlanWriter {
  private readonly hashes: Record<string, string> = {};
  private readonly paths = new Map<string, readonly string[]>();

  /**
   * @param directory - where they are written; an earlier set there is removed
   * @throws {ValidationError} if there is something else in it
   */
  constructor(readonly directory: string) {
    clearPlanFolder(directory);
    this.writeSet();
  }

  /** Writes one account's plan. */
  add(saved: SavedAccountPlan): void {
    const { hash, files } = accountFiles(saved);
    this.hashes[saved.plan.workspace] = hash;
    this.paths.set(saved.plan.workspace, [...files.keys()]);
    // First the set, so that a later run knows whose folder it is; a set that lacks files is refused.
    this.writeSet();
    writePlanFiles(this.directory, files);
  }

  /** The digest that stands for all that was added. */
  finish(): string {
    return setFile(this.hashes).digest;
  }

  private writeSet(): void {
    const { path, content } = setFile(this.hashes);
    writePlanFiles(this.directory, new Map([[path, content]]));
  }

  /** Puts an account's plan into its state bucket, where it waits for its approval. */
  async upload(digest: string, account: AccountConfig, bucket: StateBucket): Promise<void> {
    const { path } = setFile(this.hashes);
    for (const file of [...(this.paths.get(account.workspace) ?? []), path]) {
      await bucket.keepPlan(`${digest}/${file}`, readFileSync(join(this.directory, file)));
    }
  }
}

/** The state bucket of an account for what is no work on its stacks. */
export function bucketOf(
  account: AccountConfig,
  access: AwsAccess,
  role: "state-read" | "state-write",
): StateBucket {
  return new StateBucket({ access, state: account.state, workspace: account.workspace, role });
}
