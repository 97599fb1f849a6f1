import { join } from "node:path";
import type { CommandIo } from "../cli/io";
import { ACCOUNTS_DIRECTORY } from "../cli/synthesize";
import type { AccountConfig } from "../config/account-config";
import { loadAccounts } from "../config/load-account";
import { ValidationError } from "../modules/errors";
import type { Faults } from "./aws/faults";
import { sandboxEnvironment } from "./environment";
import type { EndpointOptions } from "./http/endpoint-options";
import { type RunningEndpoints, startEndpoints } from "./http/endpoint-server";
import type { ProviderOptions } from "./provider/provider-options";
import type { RunningProvider } from "./provider/provider-server";
import { Sandbox } from "./sandbox";
import { SandboxFolder } from "./sandbox-folder";
import { KEYSPAN_DIRECTORY } from "./workbench";

/** How the rollout finds the simulated AWS. */
export interface KeyspanIoProps {
  /** Terraform or OpenTofu, as it can be started. */
  readonly program: string;
  /** What goes wrong in each simulated account. @default - nothing */
  readonly faults?: Faults;
  /** Starts the provider of an account. @default - in a process of its own */
  readonly startProvider?: (options: ProviderOptions) => Promise<RunningProvider>;
  /** Starts S3, STS and KMS, for all accounts. @default - in this process */
  readonly startEndpoints?: (options: EndpointOptions) => Promise<RunningEndpoints>;
}

/** A world for the rollout. */
export interface KeyspanIo {
  /** What `runKeyspan` gets. */
  readonly io: CommandIo;
  /** Ends the endpoints, and providers that still run. */
  close(): void;
}

/**
 * The world of the rollout with the simulated AWS in the place of the real one: endpoints for what it
 * asks AWS itself, and for every account that it opens a provider, what was there before, and a copy of
 * the stacks for the sandbox's other commands.
 *
 * @param io - world of the command
 * @throws {ValidationError} if no account can be read
 */
export async function openKeyspanIo(io: CommandIo, props: KeyspanIoProps): Promise<KeyspanIo> {
  const { projectDirectory = "." } = io;
  const folder = new SandboxFolder(projectDirectory);
  folder.make();
  const endpoints = await (props.startEndpoints ?? startEndpoints)({
    directory: folder.root,
    accounts: readableAccounts(join(projectDirectory, ACCOUNTS_DIRECTORY)),
  });
  const open = new Set<Sandbox>();
  return {
    io: {
      ...io,
      env: {
        ...sandboxEnvironment({ env: io.env, folder, endpoints }),
        TERRAFORM_BINARY_NAME: props.program,
        // Plugins come from the sandbox: no folder of the person's is filled.
        CDKTF_DISABLE_PLUGIN_CACHE_ENV: "1",
      },
      outputRoot: KEYSPAN_DIRECTORY,
      openAccount: async ({ workspace }, outputDirectory) => {
        const { faults, startProvider } = props;
        const sandbox = new Sandbox({
          workspace,
          program: props.program,
          env: io.env,
          projectDirectory,
          ...(faults !== undefined && { faults }),
          ...(startProvider !== undefined && { startProvider }),
        });
        open.add(sandbox);
        sandbox.layOutFrom(outputDirectory, { unprotect: false });
        return {
          env: { TF_REATTACH_PROVIDERS: await sandbox.reattach() },
          close: () => {
            open.delete(sandbox);
            sandbox.close();
          },
        };
      },
    },
    close: () => {
      for (const sandbox of open) {
        sandbox.close();
      }
      endpoints.stop();
    },
  };
}

/** The accounts that have roles. One whose file is refused has none: the rollout itself says what is wrong with it. */
function readableAccounts(directory: string): readonly AccountConfig[] {
  const { accounts, problems } = loadAccounts(directory);
  if (accounts.length === 0) {
    throw new ValidationError(
      problems.join("\n") ||
        `${directory}: there must be an account, got none; add ${join(directory, "<name>.yaml")}`,
    );
  }
  return accounts;
}
