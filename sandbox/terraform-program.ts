import { terraformProgram } from "../cli/child-environment";
import type { CommandIo } from "../cli/io";
import { runProgram } from "../cli/run-program";
import { ValidationError } from "../modules/errors";

/** A program that can run the stacks. */
interface Program {
  /** Its name, as it gives it itself. */
  readonly name: "Terraform" | "OpenTofu";
  /** The first version that has all that the stacks use: `use_lockfile` of the S3 backend. */
  readonly minimum: readonly [major: number, minor: number];
  /** Where to get it. */
  readonly source: string;
}

// https://developer.hashicorp.com/terraform/language/backend/s3#state-locking
// https://opentofu.org/docs/intro/whats-new/
const PROGRAMS: readonly Program[] = [
  {
    name: "Terraform",
    minimum: [1, 11],
    source: "https://developer.hashicorp.com/terraform/install",
  },
  { name: "OpenTofu", minimum: [1, 10], source: "https://opentofu.org/docs/intro/install/" },
];

/**
 * The Terraform, or OpenTofu, that is to be used: what `TERRAFORM_BINARY_NAME` names, or `terraform`.
 *
 * @returns the program, as it can be started
 * @throws {ValidationError} if it is not there, is something else, or is too old
 */
export async function requireTerraform({
  env,
  projectDirectory = ".",
}: Pick<CommandIo, "env" | "projectDirectory">): Promise<string> {
  const program = terraformProgram(env.TERRAFORM_BINARY_NAME, projectDirectory);
  const must = `TERRAFORM_BINARY_NAME must name ${PROGRAMS.map(
    ({ name, minimum }) => `${name} ${minimum.join(".")}`,
  ).join(" or ")}, or a later version`;
  const how = `install ${PROGRAMS.map(({ name, source }) => `${name} (${source})`).join(" or ")}, or name the program by TERRAFORM_BINARY_NAME`;
  let text: string;
  try {
    const { stdout } = await runProgram(program, ["version"], {
      directory: ".",
      env: { PATH: env.PATH, HOME: env.HOME, CHECKPOINT_DISABLE: "1" },
      interactive: false,
      output: "keep",
    });
    text = stdout;
  } catch {
    throw new ValidationError(`${must}, got ${program}, which cannot be run; ${how}`);
  }
  const [, name, major, minor] = /^(Terraform|OpenTofu) v(\d+)\.(\d+)\./m.exec(text) ?? [];
  const known = PROGRAMS.find((candidate) => candidate.name === name);
  if (known === undefined) {
    throw new ValidationError(`${must}, got ${program}, which is neither; ${how}`);
  }
  const [minMajor, minMinor] = known.minimum;
  if (Number(major) < minMajor || (Number(major) === minMajor && Number(minor) < minMinor)) {
    throw new ValidationError(`${must}, got ${name} ${major}.${minor}; ${how}`);
  }
  return program;
}
