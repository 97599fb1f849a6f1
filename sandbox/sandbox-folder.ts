import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { BUCKETS_DIRECTORY } from "./http/bucket-files";

/** Folder of the sandbox in the project; git ignores it. */
export const SANDBOX_DIRECTORY = ".sandbox";

/** What all accounts of the sandbox share. */
export class SandboxFolder {
  readonly root: string;

  /** @param projectDirectory - root of the project */
  constructor(projectDirectory: string) {
    // Terraform runs in the stack's folder: what it is told must not depend on where the command ran.
    this.root = resolve(projectDirectory, SANDBOX_DIRECTORY);
  }

  /** Folder of the simulated S3's buckets. */
  get bucketsDirectory(): string {
    return join(this.root, BUCKETS_DIRECTORY);
  }

  /** An empty Terraform CLI configuration, so that nobody's own is read. */
  get cliConfigFile(): string {
    return join(this.root, "terraform.rc");
  }

  /** A home of its own for the programs that run here: nobody's settings are in it. */
  get homeDirectory(): string {
    return join(this.root, "home");
  }

  /** Makes what programs want to find. */
  make(): void {
    mkdirSync(this.homeDirectory, { recursive: true });
    writeFileSync(this.cliConfigFile, "");
  }
}
