/** Where the sandbox keeps an account's things, and how stacks get there. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { readStackFolders, STACK_FILE, type StackFolder } from "../cli/stack-folders";
import type { AccountConfig } from "../config/account-config";
import { ValidationError } from "../modules/errors";
import { stateObjectKey } from "../modules/names";
import { SANDBOX_DIRECTORY, SandboxFolder } from "./sandbox-folder";

/** File beside a copied stack that switches off `prevent_destroy`. Terraform merges it over the stack's own. */
export const OVERRIDE_FILE = "sandbox_override.tf.json";

/** Output folder of a synth, as CDKTF names it. */
const MANIFEST_FILE = "manifest.json";

const stackSchema = z.object({
  terraform: z.object({ backend: z.object({ s3: z.record(z.string(), z.unknown()) }) }),
  resource: z
    .record(
      z.string(),
      z.record(
        z.string(),
        z.object({ lifecycle: z.object({ prevent_destroy: z.boolean().optional() }).optional() }),
      ),
    )
    .optional(),
});

/** Folder in which a sandbox of before kept its states: a folder per stack, in it one per workspace. */
const FORMER_STATES = "states";

/** Folder in which `keyspan` works, seen from the project. */
export const KEYSPAN_DIRECTORY = join(SANDBOX_DIRECTORY, "keyspan");

/**
 * The folders of one account in the sandbox.
 *
 * ```text
 * .sandbox/aws/<account id>      the simulated account: a JSON file per object
 * .sandbox/s3/<bucket>/<key>     its buckets, above all that of the states
 * .sandbox/stacks/<account>      the stacks, as synthesized
 * .sandbox/keyspan/<account>     the same, and saved plans, where `keyspan` works on them
 * ```
 */
export class Workbench {
  /** What it shares with other accounts. */
  readonly folder: SandboxFolder;
  private readonly root: string;

  /** @param projectDirectory - root of the project */
  constructor(
    private readonly projectDirectory: string,
    private readonly account: Pick<AccountConfig, "workspace" | "id" | "state">,
  ) {
    this.folder = new SandboxFolder(projectDirectory);
    this.root = this.folder.root;
  }

  /** Folder of the simulated account's objects. */
  get awsDirectory(): string {
    return join(this.root, "aws", this.account.id);
  }

  /** Folder of the copied stacks, seen from the project: the `--output` of `cdktf`. */
  get stacksDirectory(): string {
    return join(SANDBOX_DIRECTORY, "stacks", this.account.workspace);
  }

  /** AWS config file that gives the account's profiles their roles. */
  get awsConfigFile(): string {
    return join(this.root, `${this.account.workspace}.aws-config`);
  }

  /** File that says which process works on the account. */
  get lockFile(): string {
    return join(this.root, `${this.account.workspace}.lock`);
  }

  /** File of a stack's state: the object of the simulated S3. */
  stateFile(stackId: string): string {
    return join(this.statesDirectory, stateObjectKey(stackId));
  }

  /**
   * The stacks of which the account has a state, those that it no longer has included.
   *
   * @throws {ValidationError} if a sandbox of before has left states where nobody looks
   */
  stacksWithState(): readonly string[] {
    this.refuseFormerStates();
    const suffix = stateObjectKey("");
    return namesIn(this.statesDirectory)
      .filter((name) => name.endsWith(suffix))
      .map((name) => name.slice(0, -suffix.length))
      .sort();
  }

  /** The copied stacks, in the order in which they are applied; empty if nothing was copied yet. */
  folders(): readonly StackFolder[] {
    const directory = join(this.projectDirectory, this.stacksDirectory);
    return existsSync(join(directory, MANIFEST_FILE)) ? readStackFolders(directory) : [];
  }

  /**
   * Copies the synthesized stacks, byte for byte.
   *
   * @param outputDirectory - folder of the synth, to which nothing is written
   * @param unprotect - whether `prevent_destroy` is switched off, by an override file beside each copy
   * @throws {ValidationError} if a sandbox of before has left states where nobody looks
   */
  layOut(outputDirectory: string, { unprotect }: { readonly unprotect: boolean }): void {
    this.refuseFormerStates();
    const target = join(this.projectDirectory, this.stacksDirectory);
    mkdirSync(target, { recursive: true });
    copyFileSync(join(outputDirectory, MANIFEST_FILE), join(target, MANIFEST_FILE));
    const folders = this.folders();
    for (const { id, directory } of folders) {
      const source = join(outputDirectory, "stacks", id, STACK_FILE);
      const stack = stackSchema.parse(JSON.parse(readFileSync(source, "utf8")));
      // Terraform's own folder spares the next init its work, as long as the state is where it was.
      const kept = isInitialized(directory, stack.terraform.backend.s3)
        ? [TERRAFORM_DIRECTORY]
        : [];
      for (const name of namesIn(directory)) {
        if (!kept.includes(name)) {
          rmSync(join(directory, name), { recursive: true });
        }
      }
      mkdirSync(directory, { recursive: true });
      copyFileSync(source, join(directory, STACK_FILE));
      const override = unprotect ? unprotected(stack) : undefined;
      if (override !== undefined) {
        writeFileSync(join(directory, OVERRIDE_FILE), `${JSON.stringify(override, null, 2)}\n`);
      }
    }
    const ids = folders.map(({ id }) => id);
    for (const name of readdirSync(join(target, "stacks"))) {
      if (!ids.includes(name)) {
        rmSync(join(target, "stacks", name), { recursive: true });
      }
    }
    this.folder.make();
  }

  /** Removes all that the sandbox has of the account. Saved plans in the bucket stay: they say nothing of whose they are. */
  remove(): void {
    const { workspace } = this.account;
    const keyspan = join(this.projectDirectory, KEYSPAN_DIRECTORY);
    const former = join(this.root, FORMER_STATES);
    for (const path of [
      this.awsDirectory,
      this.awsConfigFile,
      this.statesDirectory,
      join(this.projectDirectory, this.stacksDirectory),
      ...namesIn(keyspan)
        .filter((name) => name === workspace || name.startsWith(`${workspace}.`))
        .map((name) => join(keyspan, name)),
      ...namesIn(former).map((stackId) => join(former, stackId, workspace)),
    ]) {
      rmSync(path, { recursive: true, force: true });
    }
  }

  /** Folder of the account's states and locks in the bucket. */
  private get statesDirectory(): string {
    const { workspace, state } = this.account;
    return join(this.folder.bucketsDirectory, state.bucket, state.keyPrefix, workspace);
  }

  private refuseFormerStates(): void {
    const { workspace } = this.account;
    const former = join(this.root, FORMER_STATES);
    const left = namesIn(former).filter((stackId) =>
      existsSync(join(former, stackId, workspace, "terraform.tfstate")),
    );
    if (left.length > 0) {
      throw new ValidationError(
        `${join(SANDBOX_DIRECTORY, FORMER_STATES)}: states must be in the simulated bucket, got those of ${left.join(", ")} as a sandbox of before kept them; remove the account from the sandbox (npm run sandbox -- down ${workspace}), or go on with the version that made them`,
      );
    }
  }
}

const TERRAFORM_DIRECTORY = ".terraform";

const initializedSchema = z.object({
  backend: z.object({ type: z.literal("s3"), config: z.record(z.string(), z.unknown()) }),
});

/** Whether Terraform was prepared in a folder, for states in the same place. */
function isInitialized(directory: string, backend: Readonly<Record<string, unknown>>): boolean {
  const file = join(directory, TERRAFORM_DIRECTORY, "terraform.tfstate");
  try {
    const { config } = initializedSchema.parse(JSON.parse(readFileSync(file, "utf8"))).backend;
    return Object.entries(backend).every(([name, value]) => isDeepStrictEqual(config[name], value));
  } catch {
    // Not there, damaged, or of another backend: it is made anew.
    return false;
  }
}

/**
 * What Terraform merges over a stack so that it may destroy what is protected; `undefined` if nothing is.
 *
 * @see https://developer.hashicorp.com/terraform/language/files/override
 */
function unprotected({ resource }: z.output<typeof stackSchema>): object | undefined {
  const protectedResources = Object.entries(resource ?? {}).flatMap(([type, byName]) => {
    const names = Object.keys(byName).filter(
      (name) => byName[name]?.lifecycle?.prevent_destroy === true,
    );
    return names.length === 0
      ? []
      : [[type, Object.fromEntries(names.map((name) => [name, UNPROTECTED]))] as const];
  });
  return protectedResources.length === 0
    ? undefined
    : { resource: Object.fromEntries(protectedResources) };
}

const UNPROTECTED = { lifecycle: { prevent_destroy: false } };

function namesIn(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
