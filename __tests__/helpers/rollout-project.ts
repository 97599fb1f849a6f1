/** The rollout in a test: `npm run keyspan` in this process, real Terraform, and the simulated AWS. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runKeyspan } from "../../cli/keyspan/program";
import { loadAccount } from "../../config/load-account";
import type { Faults } from "../../sandbox/aws/faults";
import type { CallRecord } from "../../sandbox/aws/simulated-aws";
import { openKeyspanIo } from "../../sandbox/keyspan-io";
import { type Ended, runCommand } from "./run-command";
import { SandboxProject, startHere } from "./sandbox-project";

/** What a run is given in addition. */
export interface RolloutRun {
  readonly faults?: Faults;
  /** Environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Environment variables in the place of the sandbox's, such as endpoints of another server. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** Terraform, or what stands in for it. @default - `terraform` */
  readonly program?: string;
  /** What the person at the terminal answers, one after the other. @default - nobody is there */
  readonly answers?: readonly string[];
}

/** How a run ended, and what it asked the simulated AWS of each account. */
export interface RolloutEnded extends Ended {
  readonly calls: readonly CallRecord[];
  /** What the person was asked. */
  readonly questions: readonly string[];
}

/** A project with accounts of its own, on which the rollout works. */
export class RolloutProject extends SandboxProject {
  /** `npm run keyspan -- <argv>`, on the simulated AWS, with stdin closed unless there are answers. */
  async keyspan(argv: readonly string[], run: RolloutRun = {}): Promise<RolloutEnded> {
    const calls: (() => readonly CallRecord[])[] = [];
    const questions: string[] = [];
    const answers = [...(run.answers ?? [])];
    const ended = await runCommand(
      async (given, io) => {
        const world = await openKeyspanIo(io, {
          program: run.program ?? "terraform",
          ...(run.faults && { faults: run.faults }),
          startProvider: async (options) => {
            const { provider, aws } = await startHere(options);
            calls.push(() => aws.calls);
            return provider;
          },
        });
        try {
          const env = { ...world.io.env, ...run.overrides };
          return await runKeyspan(given, { ...world.io, env });
        } finally {
          world.close();
        }
      },
      argv,
      {
        projectDirectory: this.directory,
        env: { PATH: process.env.PATH, ...run.env },
        interactive: run.answers !== undefined,
        ...(run.answers !== undefined && {
          ask: async (question: string) => {
            questions.push(question);
            return answers.shift() ?? "";
          },
        }),
      },
    );
    return { ...ended, calls: calls.flatMap((of) => of()), questions };
  }

  /** The same with `--json`; what it printed, parsed. */
  async json<T>(
    argv: readonly string[],
    run: RolloutRun = {},
  ): Promise<RolloutEnded & { readonly value: T }> {
    const ended = await this.keyspan([...argv, "--json"], run);
    return { ...ended, value: JSON.parse(ended.out) as T };
  }

  /** Plans an account and returns the digest. */
  async digestOf(account: string): Promise<string> {
    const { value } = await this.json<{ readonly digest: string }>(["plan", account]);
    return value.digest;
  }

  /** Path of an object in the account's state bucket. */
  stateObject(account: string, path: string): string {
    const { state } = loadAccount(join(this.directory, "accounts"), account);
    return join(this.directory, ".sandbox", "s3", state.bucket, path);
  }

  /** Changes a file in place. */
  edit(path: string, change: (text: string) => string): this {
    const before = readFileSync(path, "utf8");
    const after = change(before);
    if (after === before) {
      throw new Error(`${path}: the change changes nothing`);
    }
    writeFileSync(path, after);
    return this;
  }

  /** Changes an account's file. */
  editAccount(account: string, from: string, to: string): this {
    return this.edit(join(this.directory, "accounts", `${account}.yaml`), (text) =>
      text.replace(from, to),
    );
  }
}
