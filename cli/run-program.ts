import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { createInterface } from "node:readline";

/** How a program is run. */
export interface RunOptions {
  /** Folder in which it runs. */
  readonly directory: string;
  /** All environment variables that it gets. */
  readonly env: NodeJS.ProcessEnv;
  /** Whether it may ask the person at the terminal. If not, its stdin is closed. */
  readonly interactive: boolean;
  /**
   * Whether it runs in a process group of its own: a terminal's signals then reach it through this
   * process only, and once.
   *
   * @default false
   */
  readonly ownGroup?: boolean;
  /** `show`: its output goes to the terminal as it comes. `keep`: it is returned. */
  readonly output: "show" | "keep";
  /**
   * Takes each line of its stdout as it comes, if the output is kept.
   *
   * @default - nobody
   */
  readonly onLine?: (line: string) => void;
}

/** How a program ended. */
export interface ProgramResult {
  /** Exit code; 128 + the signal's number if a signal ended it. */
  readonly code: number;
  /** Empty if the output was shown. */
  readonly stdout: string;
  /** Empty if the output was shown. */
  readonly stderr: string;
  /** Exit code with which to stop, if somebody asked for that while it ran; nothing more should be started. */
  readonly stopCode?: number;
}

/** A program that failed, or was stopped: the message for the person and the exit code to pass on. */
export class ProgramFailure extends Error {
  override readonly name = "ProgramFailure";

  /**
   * @param exitCode - not 0
   * @param stopped - whether somebody asked to stop
   */
  constructor(
    message: string,
    readonly exitCode: number,
    readonly stopped = false,
  ) {
    super(message);
  }
}

/**
 * Runs a program without a shell and waits for its end, whatever signals come meanwhile.
 *
 * One signal is passed on, and no second: Terraform saves its state and gives its lock back at the
 * first, and drops both at the second. In a shared process group SIGINT is not passed on, since a
 * terminal sends it to the whole group.
 *
 * @throws the error of the operating system if the program cannot be started, such as `ENOENT`
 * @see https://developer.hashicorp.com/terraform/internals/graph#graph-walk
 */
export function runProgram(
  program: string,
  args: readonly string[],
  { directory, env, interactive, ownGroup = false, output, onLine }: RunOptions,
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    let stopCode: number | undefined;
    let passedOn = false;
    let child: ChildProcess | undefined;
    const listeners = (["SIGINT", "SIGTERM", "SIGHUP"] as const)
      // A hang-up ends what shares the terminal, and is not waited for there.
      .filter((signal) => ownGroup || signal !== "SIGHUP")
      .map((signal) => ({
        signal,
        listener: () => {
          stopCode ??= signalCode(signal);
          if (!passedOn && (ownGroup || signal === "SIGTERM")) {
            passedOn = true;
            child?.kill("SIGTERM");
          }
        },
      }));
    // Before the program starts: a signal between its start and these lines would leave it running alone.
    for (const { signal, listener } of listeners) {
      process.on(signal, listener);
    }
    const finish = () => {
      for (const { signal, listener } of listeners) {
        process.off(signal, listener);
      }
    };

    const out = output === "show" ? "inherit" : "pipe";
    child = spawn(program, [...args], {
      cwd: directory,
      env,
      detached: ownGroup,
      stdio: [interactive ? "inherit" : "ignore", out, out],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
    if (onLine !== undefined && child.stdout !== null) {
      createInterface(child.stdout).on("line", onLine);
    }

    child.on("error", (error) => {
      finish();
      reject(error);
    });
    child.on("close", (code, signal) => {
      finish();
      resolve({
        code: code ?? signalCode(signal),
        stdout: Buffer.concat(stdout).toString("utf8"),
        stderr: Buffer.concat(stderr).toString("utf8"),
        ...(stopCode !== undefined && { stopCode }),
      });
    });
  });
}

function signalCode(signal: NodeJS.Signals | null): number {
  return signal === null ? 1 : 128 + constants.signals[signal];
}
