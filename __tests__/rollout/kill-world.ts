/** An account in the sandbox whose rollout is killed, and an operator who does what the messages say. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runKeyspan } from "../../cli/keyspan/program";
import { loadAccount } from "../../config/load-account";
import { KEY_TAG } from "../../modules/names";
import type { Faults } from "../../sandbox/aws/faults";
import { KMS_ALIASES, KMS_KEYS } from "../../sandbox/aws/kms";
import type { CallRecord } from "../../sandbox/aws/simulated-aws";
import { type LocalEndpoints, startEndpoints } from "../../sandbox/http/endpoint-server";
import { openKeyspanIo } from "../../sandbox/keyspan-io";
import type { ProviderOptions } from "../../sandbox/provider/provider-options";
import type { RunningProvider } from "../../sandbox/provider/provider-server";
import { startProviderProcess } from "../../sandbox/provider-process";
import { Sandbox } from "../../sandbox/sandbox";
import { readState } from "../../sandbox/terraform-runs";
import { type Ended, runCommand } from "../helpers/run-command";
import { startHere } from "../helpers/sandbox-project";
import type { KillableCommand } from "./kill-command";

/** A command in a process of its own. */
export interface StartedCommand {
  readonly child: ChildProcess;
  /** What it has written so far. */
  text(): string;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/** A provider that a test has started. */
export interface WatchedProvider extends RunningProvider {
  /** Every call so far; none of a provider in a process of its own. */
  readonly calls: () => readonly CallRecord[];
}

/** One account in a folder of its own. S3, STS, KMS and the provider outlive every command. */
export class KillWorld {
  readonly directory: string;
  private endpoints: LocalEndpoints | undefined;
  private readonly stops: (() => void)[] = [];
  private readonly snapshots = new Map<string, string>();
  private readonly folders: string[] = [];

  constructor(
    readonly workspace: string,
    yaml: string,
  ) {
    this.directory = mkdtempSync(join(tmpdir(), "keyspan-kill-"));
    mkdirSync(join(this.directory, "accounts"));
    this.write(yaml);
    writeFileSync(
      join(this.directory, "cdktf.json"),
      '{ "language": "typescript", "app": "false", "projectId": "test" }',
    );
  }

  /** Writes the account's file. */
  write(yaml: string): void {
    writeFileSync(join(this.directory, "accounts", `${this.workspace}.yaml`), yaml);
  }

  /** Runs `keyspan <argv>` in this process, without faults. */
  run(...argv: readonly string[]): Promise<Ended> {
    return this.runOn(undefined, this.directory, argv);
  }

  /** Another clone of the project, with the same account: it shares nothing but S3 and AWS. */
  clone(): string {
    const directory = mkdtempSync(join(tmpdir(), "keyspan-kill-clone-"));
    this.folders.push(directory);
    cpSync(join(this.directory, "accounts"), join(directory, "accounts"), { recursive: true });
    return directory;
  }

  /**
   * Runs `keyspan <argv>` in this process and counts the changes that it makes in AWS.
   *
   * @param directory - the project, or a clone of it
   */
  async countChanges(
    directory: string,
    ...argv: readonly string[]
  ): Promise<{ readonly changes: number; readonly ended: Ended }> {
    const provider = await this.provider({}, "here");
    try {
      const ended = await this.runOn(provider.reattach, directory, argv);
      return { changes: Math.max(0, ...provider.calls().map(({ change }) => change)), ended };
    } finally {
      provider.stop();
    }
  }

  private async runOn(
    reattach: string | undefined,
    projectDirectory: string,
    argv: readonly string[],
  ): Promise<Ended> {
    const url = await this.url();
    return runCommand(
      async (_, io) => {
        const world = await openKeyspanIo(io, {
          program: "terraform",
          startEndpoints: async () => ({ url, stop: () => {} }),
          startProvider: async (options) =>
            reattach === undefined
              ? (await startHere(options)).provider
              : { reattach, hasEnded: () => false, stop: () => {} },
        });
        try {
          return await runKeyspan(argv, world.io);
        } finally {
          world.close();
        }
      },
      [],
      {
        env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR },
        projectDirectory,
      },
    );
  }

  /** The simulated account's provider, with faults: in this process, so that its calls can be watched, or in one that can be killed. */
  async provider(faults: Faults, where: "here" | "process"): Promise<WatchedProvider> {
    const { account, workbench } = this.sandbox();
    const options: ProviderOptions = {
      directory: workbench.awsDirectory,
      caller: { account: account.id, partition: account.partition, roleArn: account.deployRole },
      faults,
    };
    if (where === "process") {
      const running = await startProviderProcess(options);
      this.stops.push(() => running.stop());
      return { ...running, calls: () => [] };
    }
    const { provider, aws } = await startHere(options);
    this.stops.push(() => provider.stop());
    return { ...provider, calls: () => aws.calls };
  }

  /** Starts a command in a process group of its own. */
  async start(
    {
      reattach,
      command = "keyspan",
      program = "terraform",
    }: Pick<KillableCommand, "reattach"> & Partial<KillableCommand>,
    ...argv: readonly string[]
  ): Promise<StartedCommand> {
    const given: KillableCommand = { command, argv, program, reattach, url: await this.url() };
    const child = spawn(
      process.execPath,
      [
        "--require",
        require.resolve("tsx/cjs"),
        join(__dirname, "kill-command.ts"),
        JSON.stringify(given),
      ],
      {
        cwd: this.directory,
        env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, CI: "1" },
        stdio: ["ignore", "pipe", "pipe"],
        // As a shell starts it: a terminal's signals go to the whole group.
        detached: true,
      },
    );
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
    }
    return {
      child,
      text: () => text,
      ended: new Promise((resolve) =>
        child.on("close", (code, signal) => resolve({ code, signal })),
      ),
    };
  }

  /** Ids of the processes that work in this folder; those of Terraform alone if a subcommand is given. */
  processes(subcommand?: string): readonly number[] {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          const [program = "", first] = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
          return readlinkSync(`/proc/${name}/cwd`).startsWith(this.directory) &&
            (subcommand === undefined || (/(^|\/)terraform$/.test(program) && first === subcommand))
            ? [Number(name)]
            : [];
        } catch {
          // It has ended meanwhile.
          return [];
        }
      });
  }

  /** Kills every process that works in this folder. */
  killAll(): void {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  /** Waits for the end of all that a killed command has left behind. */
  async untilAlone(): Promise<void> {
    for (const end = Date.now() + 120_000; this.processes().length > 0; await sleep(50)) {
      if (Date.now() > end) {
        throw new Error(`something still runs: ${this.processes().join(", ")}`);
      }
    }
  }

  /** What exists in the simulated account, a line each, in order; nothing that differs between two applies. */
  objects(): readonly string[] {
    return this.sandbox()
      .inventory()
      .map(({ type, region, name, status }) => `${type} ${region ?? "global"} ${name} ${status}`)
      .sort();
  }

  /** File of a stack's state. */
  stateFile(stack: string): string {
    return this.sandbox().workbench.stateFile(stack);
  }

  /** Deletes an alias behind Terraform's back. */
  forgetObject(region: string, alias: string): void {
    this.sandbox().store.remove(KMS_ALIASES, region, alias);
  }

  /** Every address in every state. */
  addresses(): readonly string[] {
    const { workbench } = this.sandbox();
    return workbench
      .stacksWithState()
      .flatMap((stack) =>
        readState(workbench.stateFile(stack)).map(({ address }) => `${stack} ${address}`),
      )
      .sort();
  }

  /** Every key, as its name and region, waiting for deletion or not. */
  keys(): readonly string[] {
    const { store } = this.sandbox();
    return store
      .regions()
      .flatMap((region) =>
        store.list(KMS_KEYS, region).map(([, { tags }]) => `${tags[KEY_TAG]} in ${region}`),
      )
      .sort();
  }

  /** Locks in the bucket. */
  locks(): readonly string[] {
    const root = join(this.directory, ".sandbox/s3");
    return (readdirSync(root, { recursive: true }) as string[]).filter((name) =>
      /\.tflock$|account\.lock$/.test(name),
    );
  }

  /** Remembers the simulated AWS as it is. */
  remember(name: string): void {
    const copy = mkdtempSync(join(tmpdir(), "keyspan-kill-copy-"));
    this.snapshots.set(name, copy);
    this.folders.push(copy);
    for (const folder of ["aws", "s3"]) {
      cpSync(join(this.directory, ".sandbox", folder), join(copy, folder), { recursive: true });
    }
  }

  /** Brings the simulated AWS back to what was remembered; to nothing without a name. */
  restore(name?: string): void {
    for (const folder of ["aws", "s3"]) {
      const target = join(this.directory, ".sandbox", folder);
      rmSync(target, { recursive: true, force: true });
      const copy = this.snapshots.get(name ?? "");
      if (copy !== undefined) {
        cpSync(join(copy, folder), target, { recursive: true });
      }
    }
  }

  /** Ends everything and removes the folder. */
  remove(): void {
    this.killAll();
    for (const stop of this.stops) {
      stop();
    }
    this.endpoints?.stop();
    for (const folder of [this.directory, ...this.folders]) {
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  /** Address of S3, STS and KMS. */
  private async url(): Promise<string> {
    this.endpoints ??= await startEndpoints({
      directory: join(this.directory, ".sandbox"),
      accounts: [loadAccount(join(this.directory, "accounts"), this.workspace)],
    });
    return this.endpoints.url;
  }

  private sandbox(): Sandbox {
    return new Sandbox({
      workspace: this.workspace,
      program: "terraform",
      env: process.env,
      projectDirectory: this.directory,
    });
  }
}
