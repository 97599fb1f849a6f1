/** moto's server: an API of AWS on loopback, in a process of its own, for one test suite. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { toolsPython } from "./python-environment";

/** A running server. Its memory is empty at first, and gone when it stops. */
export interface Moto {
  /** URL of every AWS service, in every region. */
  readonly endpoint: string;
  /**
   * Variables by which the AWS SDKs and Terraform find it, with credentials of account
   * 123456789012. An assumed role acts in the account of its ARN.
   */
  readonly env: Readonly<Record<string, string>>;
  /** Ends the process. */
  readonly stop: () => Promise<void>;
}

/** Milliseconds in which it must have said where it listens: it loads every service at its start. */
const START_MS = 60_000;

/**
 * Starts a server on a free port of loopback.
 *
 * @param env - more variables for it, such as `INITIAL_NO_AUTH_ACTION_COUNT`
 * @throws {Error} if it ends, or says nothing, before it listens
 * @see https://docs.getmoto.org/en/latest/docs/server_mode.html
 */
export async function startMoto(env: Readonly<Record<string, string>> = {}): Promise<Moto> {
  const child = spawn(toolsPython(), ["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], {
    env: {
      ...(process.env.PATH !== undefined && { PATH: process.env.PATH }),
      PYTHONUNBUFFERED: "1",
      ...env,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  const said: string[] = [];
  const port = await new Promise<string>((resolve, reject) => {
    const fail = (why: string) => {
      child.kill("SIGKILL");
      reject(new Error(`moto's server ${why}:\n${said.join("\n")}`));
    };
    const timer = setTimeout(() => fail(`said no port within ${START_MS} ms`), START_MS);
    child.on("error", (error) => fail(`could not be started: ${error.message}`));
    child.on("exit", (code) => fail(`ended with exit code ${code}`));
    // Read to the end: a full pipe would stop it.
    createInterface(child.stderr).on("line", (line) => {
      said.push(line);
      const [, found] = /Running on http:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? [];
      if (found !== undefined) {
        clearTimeout(timer);
        resolve(found);
      }
    });
  });
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    env: {
      AWS_ENDPOINT_URL: endpoint,
      // Terraform's backend assumes a profile's role before it looks at the variable for all services.
      AWS_ENDPOINT_URL_STS: endpoint,
      AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
      AWS_SECRET_ACCESS_KEY: "example",
      AWS_EC2_METADATA_DISABLED: "true",
    },
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
