/** A command in a process that a test can kill, on a simulated AWS that lives on. */
import type * as Deploy from "../../cli/commands/deploy";
import type { CommandIo } from "../../cli/io";
import type * as Program from "../../cli/keyspan/program";
import { startCommand } from "../../cli/run-command";
import type * as KeyspanIo from "../../sandbox/keyspan-io";
import type * as SandboxModule from "../../sandbox/sandbox";

/** What the process is started with, as JSON. */
export interface KillableCommand {
  /** `npm run keyspan -- <argv>` or `npm run deploy -- <argv>`. */
  readonly command: "keyspan" | "deploy";
  readonly argv: readonly string[];
  /** Terraform, or what stands in for it. */
  readonly program: string;
  /** Address of S3, STS and KMS. */
  readonly url: string;
  /** Where the provider is: value of `TF_REATTACH_PROVIDERS`. */
  readonly reattach: string;
}

function run(given: KillableCommand, io: CommandIo): Promise<number> {
  leaveOutNotifications();
  return given.command === "keyspan" ? runKeyspan(given, io) : runDeploy(given, io);
}

async function runKeyspan(given: KillableCommand, io: CommandIo): Promise<number> {
  const { openKeyspanIo } = require("../../sandbox/keyspan-io") as typeof KeyspanIo;
  const program = require("../../cli/keyspan/program") as typeof Program;
  const world = await openKeyspanIo(io, { program: given.program, ...simulatedAws(given) });
  return program.runKeyspan(given.argv, world.io);
}

/** As `npm run sandbox -- cdktf deploy` does it. */
async function runDeploy(given: KillableCommand, io: CommandIo): Promise<number> {
  const { Sandbox } = require("../../sandbox/sandbox") as typeof SandboxModule;
  const { deploy } = require("../../cli/commands/deploy") as typeof Deploy;
  const { program, argv } = given;
  const sandbox = new Sandbox({
    workspace: argv[0],
    program,
    env: io.env,
    ...simulatedAws(given),
  });
  const env = await sandbox.environment();
  try {
    return await deploy(argv, {
      ...io,
      env: { ...env, TERRAFORM_BINARY_NAME: program, CDKTF_DISABLE_PLUGIN_CACHE_ENV: "1" },
      relocate: (outputDirectory) => {
        sandbox.layOutFrom(outputDirectory, { unprotect: false });
        return sandbox.workbench.stacksDirectory;
      },
    });
  } catch (error) {
    io.err(`${(error as Error).message}\n`);
    return 1;
  }
}

function simulatedAws({ url, reattach }: KillableCommand) {
  return {
    startEndpoints: async () => ({ url, stop: () => {} }),
    startProvider: async () => ({ reattach, hasEnded: () => false, stop: () => {} }),
  };
}

/** As `jest.mock` does it for the test itself. Nothing may have loaded the stack yet. */
function leaveOutNotifications(): void {
  const standIn = require.resolve("../helpers/no-notifications");
  require(standIn);
  require.cache[require.resolve("../../stacks/notification-stack")] = require.cache[standIn];
}

startCommand(([options = ""], io) => run(JSON.parse(options), io));
