/** The folders that a synth writes, one per stack: what is in them and in which order they are applied. */
import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { ValidationError } from "../modules/errors";

/** A stack as it was synthesized. */
export interface StackFolder {
  readonly id: string;
  /** Folder of its `cdk.tf.json`, in which Terraform runs. */
  readonly directory: string;
  /** Ids of the stacks that are applied before it. */
  readonly dependencies: readonly string[];
}

const manifestSchema = z.object({
  stacks: z.record(
    z.string(),
    z.object({ workingDirectory: z.string(), dependencies: z.array(z.string()) }),
  ),
});

/**
 * The stacks of a synth in the order in which they are applied; those that could change places are
 * in alphabetical order.
 *
 * @param outputDirectory - folder with `manifest.json`
 * @throws {Error} if CDKTF has not written the manifest, or has written stacks that wait for each other
 */
export function readStackFolders(outputDirectory: string): readonly StackFolder[] {
  const { stacks } = manifestSchema.parse(
    JSON.parse(readFileSync(join(outputDirectory, "manifest.json"), "utf8")),
  );
  const waiting = Object.entries(stacks)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([id, { workingDirectory, dependencies }]): StackFolder => ({
        id,
        directory: join(outputDirectory, workingDirectory),
        dependencies,
      }),
    );
  const ordered: StackFolder[] = [];
  while (waiting.length > 0) {
    const next = waiting.findIndex(({ dependencies }) =>
      dependencies.every((id) => ordered.some((done) => done.id === id)),
    );
    const [folder] = next < 0 ? [] : waiting.splice(next, 1);
    if (folder === undefined) {
      throw new Error(`stacks wait for each other: ${waiting.map(({ id }) => id).join(", ")}`);
    }
    ordered.push(folder);
  }
  return ordered;
}

/** The stacks of an earlier synth, if it has left a whole manifest. */
export function readEarlierStackFolders(outputDirectory: string): readonly StackFolder[] {
  try {
    return readStackFolders(outputDirectory);
  } catch {
    return [];
  }
}

/** Name of the file that CDKTF writes for each stack. */
export const STACK_FILE = "cdk.tf.json";

// What Terraform or OpenTofu reads beside it, override files included:
// https://developer.hashicorp.com/terraform/language/files
// https://developer.hashicorp.com/terraform/language/values/variables#variable-definitions-tfvars-files
const TERRAFORM_FILE =
  /\.(tf|tofu)(\.json)?$|^terraform\.tfvars(\.json)?$|\.auto\.tfvars(\.json)?$/;

/**
 * Refuses folders with a Terraform file that was not synthesized: it would be applied with the rest.
 *
 * Nothing is deleted. A folder that does not exist is in order.
 *
 * @throws {ValidationError} with all such files, a line each
 */
export function refuseForeignFiles(folders: readonly StackFolder[]): void {
  const problems = folders
    .filter(({ directory }) => existsSync(directory))
    .flatMap(({ directory }) =>
      readdirSync(directory, { withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map(({ name }) => name)
        .filter((name) => name !== STACK_FILE && TERRAFORM_FILE.test(name))
        .sort()
        .map(
          (name) =>
            `${join(directory, name)}: ${STACK_FILE} must be the only Terraform file of the folder, got ${name} beside it; Terraform would apply it too: move it away or delete it`,
        ),
    );
  if (problems.length > 0) {
    throw new ValidationError(problems.join("\n"));
  }
}

/**
 * Name of the file in which Terraform leaves a state that it could not write to its backend.
 *
 * @see https://developer.hashicorp.com/terraform/language/state/recover
 */
export const UNSAVED_STATE_FILE = "errored.tfstate";

/** The command that writes a stack's unsaved state to its backend. */
export function pushStateCommand(workspace: string, stackId: string): string {
  return `npm run keyspan -- push-state ${workspace} ${stackId}`;
}

/** Whether Terraform has left a state in a stack's folder that it could not write. */
export function hasUnsavedState({ directory }: StackFolder): boolean {
  return existsSync(join(directory, UNSAVED_STATE_FILE));
}

/**
 * Refuses folders with a state that is nowhere else: an apply would start from an older one, and make
 * a second time what that does not hold.
 *
 * @throws {ValidationError} with all such stacks, and the command for each
 */
export function refuseUnsavedStates(workspace: string, folders: readonly StackFolder[]): void {
  const problems = folders
    .filter(hasUnsavedState)
    .map(
      ({ id, directory }) =>
        `${join(directory, UNSAVED_STATE_FILE)}: the state of ${id} must be in its backend before anything else is done, got one that an apply could not write; keep the file, and run ${pushStateCommand(workspace, id)}`,
    );
  if (problems.length > 0) {
    throw new ValidationError(problems.join("\n"));
  }
}

/** Name of the file in which Terraform keeps versions and checksums of providers. */
export const LOCK_FILE = ".terraform.lock.hcl";

/**
 * Copies the project's provider lock file, if there is one, into stack folders: CDKTF writes no
 * checksums, so that without it Terraform takes what the registry gives it.
 *
 * @see https://developer.hashicorp.com/terraform/language/files/dependency-lock
 */
export function copyLockFile(projectDirectory: string, folders: readonly StackFolder[]): void {
  const lockFile = join(projectDirectory, LOCK_FILE);
  if (existsSync(lockFile)) {
    for (const folder of folders) {
      copyLockFileFrom(lockFile, folder);
    }
  }
}

/** Copies a provider lock file into a stack folder. */
export function copyLockFileFrom(lockFile: string, { directory }: StackFolder): void {
  copyFileSync(lockFile, join(directory, LOCK_FILE));
}
