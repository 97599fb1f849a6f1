/** The workflows as GitHub reads them, and what its runner does with a step that has a command. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { PROJECT } from "./project";

/** One step of a job or of a composite action. */
export interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly "continue-on-error"?: boolean;
}

/** One job. */
export interface Job {
  readonly name?: string;
  readonly needs?: string | readonly string[];
  readonly if?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: { readonly group: string; readonly "cancel-in-progress": boolean };
  readonly strategy?: { readonly "fail-fast"?: boolean; readonly matrix: unknown };
  readonly outputs?: Readonly<Record<string, string>>;
  readonly "runs-on"?: string;
  readonly "timeout-minutes"?: number;
  readonly steps?: readonly Step[];
}

/** A workflow. */
export interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: unknown;
  readonly defaults?: { readonly run?: { readonly shell?: string } };
  readonly jobs: Readonly<Record<string, Job>>;
}

const WORKFLOWS = ".github/workflows";

/** The action that prepares each job. */
export const PREPARE = ".github/actions/prepare/action.yml";

/** Texts of all workflows and of the action that they share, by file. */
export function workflowTexts(): Readonly<Record<string, string>> {
  const files = readdirSync(join(PROJECT, WORKFLOWS)).map((name) => `${WORKFLOWS}/${name}`);
  return Object.fromEntries(
    [...files, PREPARE].sort().map((file) => [file, readFileSync(join(PROJECT, file), "utf8")]),
  );
}

/** Parses one of the workflows. */
export function workflowIn(text: string): Workflow {
  return parse(text) as Workflow;
}

/** Every step of every job, and of the shared action, by a name of its own. */
export function stepsIn(texts: Readonly<Record<string, string>>): ReadonlyMap<string, Step> {
  return new Map(
    Object.entries(texts).flatMap(([file, text]) => {
      const { jobs = {}, runs } = parse(text) as {
        jobs?: Workflow["jobs"];
        runs?: { steps: readonly Step[] };
      };
      const short = file.replace(`${WORKFLOWS}/`, "").replace(/\.yml$/, "");
      return [
        ...Object.entries(jobs).flatMap(([id, { steps = [] }]) =>
          steps.map((step) => [`${short}: ${id}: ${nameOf(step)}`, step] as const),
        ),
        ...(runs?.steps ?? []).map((step) => [`prepare: ${nameOf(step)}`, step] as const),
      ];
    }),
  );
}

function nameOf({ name, run, uses = "" }: Step): string {
  return name ?? run ?? uses.replace(/@.*/, "");
}

/** What stands in for a program, call by call: what it prints, and how it ends. */
export type Answers = Readonly<
  Record<string, readonly { readonly out?: string; readonly code?: number }[]>
>;

/** How a step is run. */
export interface StepRun {
  /** Values of the step's `env`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Programs that only write down how they are called. */
  readonly answers: Answers;
  /** Files that are there before. */
  readonly files?: Readonly<Record<string, string>>;
}

/** What a step has done. */
export interface StepResult {
  readonly code: number | null;
  /** Calls of the programs, in order. */
  readonly calls: readonly string[];
  /** Outputs of the step. */
  readonly outputs: string;
  /** The job's summary. */
  readonly summary: string;
  readonly log: string;
  /** Files that it has written. */
  readonly files: Readonly<Record<string, string>>;
}

const FAKE = `#!/bin/sh
line=NAME
for argument in "$@"; do line="$line [$argument]"; done
echo "$line" >> "HERE/calls"
count=$(grep -c '^NAME' "HERE/calls")
cat "HERE/answers/NAME.$count.out" 2> /dev/null
exit "$(cat "HERE/answers/NAME.$count.code" 2> /dev/null || echo 0)"
`;

/**
 * Runs a step's command as GitHub's runner does, in an empty folder, with stand-ins for programs.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
 */
export function runStep(command: string, { env = {}, answers, files = {} }: StepRun): StepResult {
  const root = mkdtempSync(join(tmpdir(), "keyspan-step-"));
  try {
    const work = join(root, "work");
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    mkdirSync(work);
    write("script.sh", command);
    write("output", "");
    write("summary", "");
    write("calls", "");
    for (const [path, text] of Object.entries(files)) {
      write(`work/${path}`, text);
    }
    for (const [name, calls] of Object.entries(answers)) {
      write(`bin/${name}`, FAKE.replaceAll("NAME", name).replaceAll("HERE", root));
      chmodSync(join(root, "bin", name), 0o755);
      for (const [index, { out = "", code = 0 }] of calls.entries()) {
        write(`answers/${name}.${index + 1}.out`, out);
        write(`answers/${name}.${index + 1}.code`, String(code));
      }
    }
    const { status, stdout, stderr } = spawnSync(
      "bash",
      ["--noprofile", "--norc", "-eo", "pipefail", join(root, "script.sh")],
      {
        cwd: work,
        encoding: "utf8",
        env: {
          PATH: `${join(root, "bin")}:/usr/local/bin:/usr/bin:/bin`,
          HOME: root,
          GITHUB_OUTPUT: join(root, "output"),
          GITHUB_STEP_SUMMARY: join(root, "summary"),
          GITHUB_SERVER_URL: "https://github.example",
          GITHUB_REPOSITORY: "acme/keyspan",
          GITHUB_RUN_ID: "4711",
          ...env,
        },
      },
    );
    const read = (path: string) => readFileSync(join(root, path), "utf8");
    return {
      code: status,
      calls: read("calls").split("\n").filter(Boolean),
      outputs: read("output"),
      summary: read("summary"),
      log: (stdout + stderr).replaceAll(root, "ROOT"),
      files: Object.fromEntries(
        readdirSync(work, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .filter((path) => existsSync(path))
          .sort()
          .map((path) => [path.slice(work.length + 1), readFileSync(path, "utf8")]),
      ),
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
