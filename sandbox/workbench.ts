/** Where the sandbox keeps its things, and how stacks get there. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { readStackFolders, STACK_FILE, type StackFolder } from "../cli/stack-folders";
import type { AccountConfig } from "../config/account-config";

/** Folder of the sandbox in the project; git ignores it. */
export const SANDBOX_DIRECTORY = ".sandbox";

/** File that makes a copied stack work in the sandbox. Terraform merges it over the stack's own. */
export const OVERRIDE_FILE = "sandbox_override.tf.json";

/** Output folder of a synth, as CDKTF names it. */
const MANIFEST_FILE = "manifest.json";

const stackSchema = z.object({
  data: z
    .object({ terraform_remote_state: z.record(z.string(), z.unknown()).optional() })
    .optional(),
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

/** Name of the remote state by which CDKTF lets a stack read another's outputs, without the stack's id. */
const REMOTE_STATE_PREFIX = "cross-stack-reference-input-";

/**
 * The folders of one account in the sandbox.
 *
 * ```text
 * .sandbox/aws/<account id>      the simulated account: a JSON file per object
 * .sandbox/stacks/<account>      the stacks, as synthesized, each with an override file beside it
 * .sandbox/states/<stack>        their states, a folder per workspace
 * ```
 */
export class Workbench {
  private readonly root: string;

  /** @param projectDirectory - root of the project */
  constructor(
    private readonly projectDirectory: string,
    private readonly account: Pick<AccountConfig, "workspace" | "id">,
  ) {
    // Terraform runs in the stack's folder: what it is told must not depend on where the command ran.
    this.root = resolve(projectDirectory, SANDBOX_DIRECTORY);
  }

  /** Folder of the simulated account's objects. */
  get awsDirectory(): string {
    return join(this.root, "aws", this.account.id);
  }

  /** Folder of the copied stacks, seen from the project: the `--output` of `cdktf`. */
  get stacksDirectory(): string {
    return join(SANDBOX_DIRECTORY, "stacks", this.account.workspace);
  }

  /** An empty Terraform CLI configuration, so that nobody's own is read. */
  get cliConfigFile(): string {
    return join(this.root, "terraform.rc");
  }

  /** File that says which process works on the account. */
  get lockFile(): string {
    return join(this.root, `${this.account.workspace}.lock`);
  }

  /** File of a stack's state. */
  stateFile(stackId: string): string {
    return join(this.statesOf(stackId), this.account.workspace, "terraform.tfstate");
  }

  /** The stacks of which the account has a state, those that it no longer has included. */
  stacksWithState(): readonly string[] {
    const states = join(this.root, "states");
    return (existsSync(states) ? readdirSync(states).sort() : []).filter((stackId) =>
      existsSync(this.stateFile(stackId)),
    );
  }

  /** A home of its own for the programs that run here: nobody's settings are in it. */
  get homeDirectory(): string {
    return join(this.root, "home");
  }

  /** The copied stacks, in the order in which they are applied; empty if nothing was copied yet. */
  folders(): readonly StackFolder[] {
    const directory = join(this.projectDirectory, this.stacksDirectory);
    return existsSync(join(directory, MANIFEST_FILE)) ? readStackFolders(directory) : [];
  }

  /**
   * Copies the synthesized stacks, byte for byte, and writes the override files beside the copies.
   *
   * @param outputDirectory - folder of the synth, to which nothing is written
   * @param unprotect - whether `prevent_destroy` is switched off
   */
  layOut(outputDirectory: string, { unprotect }: { readonly unprotect: boolean }): void {
    const target = join(this.projectDirectory, this.stacksDirectory);
    mkdirSync(target, { recursive: true });
    copyFileSync(join(outputDirectory, MANIFEST_FILE), join(target, MANIFEST_FILE));
    const folders = this.folders();
    for (const { id, directory } of folders) {
      const source = join(outputDirectory, "stacks", id, STACK_FILE);
      const override = this.override(id, readFileSync(source, "utf8"), unprotect);
      // Terraform's own folder spares the next init its work, as long as the state is where it was:
      // in a project that was moved it is not.
      const kept = hasBackend(directory, override.terraform) ? [TERRAFORM_DIRECTORY] : [];
      for (const name of existsSync(directory) ? readdirSync(directory) : []) {
        if (!kept.includes(name)) {
          rmSync(join(directory, name), { recursive: true });
        }
      }
      mkdirSync(directory, { recursive: true });
      copyFileSync(source, join(directory, STACK_FILE));
      // The workspace: Terraform then has to make none.
      mkdirSync(dirname(this.stateFile(id)), { recursive: true });
      writeFileSync(join(directory, OVERRIDE_FILE), `${JSON.stringify(override, null, 2)}\n`);
    }
    const ids = folders.map(({ id }) => id);
    for (const name of readdirSync(join(target, "stacks"))) {
      if (!ids.includes(name)) {
        rmSync(join(target, "stacks", name), { recursive: true });
      }
    }
    writeFileSync(this.cliConfigFile, "");
    mkdirSync(this.homeDirectory, { recursive: true });
  }

  /** Removes all that the sandbox has of the account. */
  remove(): void {
    rmSync(this.awsDirectory, { recursive: true, force: true });
    rmSync(join(this.projectDirectory, this.stacksDirectory), { recursive: true, force: true });
    const states = join(this.root, "states");
    for (const stackId of existsSync(states) ? readdirSync(states) : []) {
      rmSync(join(states, stackId, this.account.workspace), { recursive: true, force: true });
    }
  }

  private statesOf(stackId: string): string {
    return join(this.root, "states", stackId);
  }

  /**
   * What Terraform merges over a stack: states in files, here and for the stacks that it reads.
   *
   * @see https://developer.hashicorp.com/terraform/language/files/override
   */
  private override(stackId: string, text: string, unprotect: boolean): Override {
    const { data, resource } = stackSchema.parse(JSON.parse(text));
    const remoteStates = Object.keys(data?.terraform_remote_state ?? {});
    const backend = (id: string) => ({
      path: join(this.statesOf(id), "default.tfstate"),
      workspace_dir: this.statesOf(id),
    });
    const protectedResources = Object.entries(resource ?? {}).flatMap(([type, byName]) => {
      const names = Object.keys(byName).filter(
        (name) => byName[name]?.lifecycle?.prevent_destroy === true,
      );
      return names.length === 0
        ? []
        : [[type, Object.fromEntries(names.map((name) => [name, UNPROTECTED]))] as const];
    });
    return {
      terraform: { backend: { local: backend(stackId) } },
      ...(remoteStates.length > 0 && {
        data: {
          terraform_remote_state: Object.fromEntries(
            remoteStates.map((name) => [
              name,
              { backend: "local", config: backend(name.slice(REMOTE_STATE_PREFIX.length)) },
            ]),
          ),
        },
      }),
      ...(unprotect &&
        protectedResources.length > 0 && { resource: Object.fromEntries(protectedResources) }),
    };
  }
}

/** Content of an override file. */
interface Override {
  readonly terraform: { readonly backend: object };
  readonly data?: object;
  readonly resource?: object;
}

const TERRAFORM_DIRECTORY = ".terraform";

/** Whether the override file that is in a folder names the same place for the state. */
function hasBackend(directory: string, terraform: Override["terraform"]): boolean {
  const file = join(directory, OVERRIDE_FILE);
  try {
    return isDeepStrictEqual(JSON.parse(readFileSync(file, "utf8")).terraform, terraform);
  } catch {
    // Not there, or damaged: it is written anew.
    return false;
  }
}

const UNPROTECTED = { lifecycle: { prevent_destroy: false } };
