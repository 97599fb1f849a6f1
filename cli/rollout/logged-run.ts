import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readSync } from "node:fs";
import { constants } from "node:os";
import { dirname } from "node:path";
import { StringDecoder } from "node:string_decoder";
import type { StopRequest } from "./stop-request";

/** How a program is run whose output goes into a file. */
export interface LoggedRunProps {
  readonly program: string;
  readonly args: readonly string[];
  /** Folder in which it runs. */
  readonly directory: string;
  /** All environment variables that it gets. */
  readonly env: NodeJS.ProcessEnv;
  /** File for its stdout and stderr; what is in it already is replaced. */
  readonly logFile: string;
  readonly stop: StopRequest;
  /** Takes each line as it comes. @default - nobody */
  readonly onLine?: (line: string) => void;
}

/** How often the file is read while the program runs. */
const POLL_MS = 50;

/**
 * Runs a program that outlives this one: in a process group of its own, writing into a file.
 *
 * A terminal's Ctrl-C does not reach it, and it does not die of a broken pipe when this process is
 * killed: Terraform then still ends its apply and writes its state.
 *
 * @returns exit code; 128 + the signal's number if a signal ended it
 * @throws the error of the operating system if the program cannot be started, such as `ENOENT`
 */
export function runLogged(props: LoggedRunProps): Promise<number> {
  const { program, args, directory, env, logFile, stop, onLine = () => {} } = props;
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, "w+", 0o600);
  const lines = new LineReader(log, onLine);
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      cwd: directory,
      env,
      detached: true,
      stdio: ["ignore", log, log],
    });
    const timer = setInterval(() => lines.read(), POLL_MS);
    const finish = () => {
      clearInterval(timer);
      lines.read();
      lines.end();
      closeSync(log);
    };
    stop.add(child);
    child.on("error", (error) => {
      finish();
      reject(error);
    });
    child.on("exit", (code, signal) => {
      finish();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** Reads lines from a file that grows. */
class LineReader {
  private position = 0;
  private rest = "";
  private readonly decoder = new StringDecoder("utf8");
  private readonly buffer = Buffer.alloc(65_536);

  constructor(
    private readonly file: number,
    private readonly onLine: (line: string) => void,
  ) {}

  read(): void {
    for (;;) {
      const count = readSync(this.file, this.buffer, 0, this.buffer.length, this.position);
      if (count === 0) {
        return;
      }
      this.position += count;
      const lines = (this.rest + this.decoder.write(this.buffer.subarray(0, count))).split("\n");
      this.rest = lines.pop() ?? "";
      for (const line of lines) {
        this.onLine(line);
      }
    }
  }

  end(): void {
    if (this.rest !== "") {
      this.onLine(this.rest);
    }
  }
}
