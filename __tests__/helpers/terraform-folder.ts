/** Any Terraform JSON of a test in the sandbox: real Terraform, a provider in this process, a folder that is gone afterwards. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import type { StackFolder } from "../../cli/stack-folders";
import type { AwsLocation } from "../../modules/partition";
import type { Faults } from "../../sandbox/aws/faults";
import { ObjectStore } from "../../sandbox/aws/object-store";
import { type Caller, type CallRecord, SimulatedAws } from "../../sandbox/aws/simulated-aws";
import type { RunningProvider } from "../../sandbox/provider/provider-server";
import {
  readState,
  type StateResource,
  type TerraformResult,
  TerraformRuns,
} from "../../sandbox/terraform-runs";
import { startHere } from "./sandbox-project";

/** Arguments of a resource, a data source or the provider, as they stand in Terraform JSON. */
export type Arguments = Readonly<Record<string, unknown>>;

/** Resources by address, such as `aws_kms_key.archive`. */
export type Resources = Readonly<Record<string, Arguments>>;

/** What is written beside the resources. */
export interface Surroundings {
  /** Arguments of the provider. @default - the region of the folder */
  readonly provider?: Arguments;
  /** Other top-level blocks, such as `import` and `data`. @default - none */
  readonly blocks?: Arguments;
}

/** How the provider is started. */
export interface ProviderSettings {
  readonly faults?: Faults;
  /** Whose credentials it has. @default - those of the folder's account */
  readonly caller?: Partial<Caller>;
}

/** A resource of a plan that is not left as it is. */
export interface PlannedResource {
  /** Such as `update`; a replacement is `delete create`. */
  readonly action: string;
  /** Arguments and attributes that become others. */
  readonly changed: readonly string[];
  /** Arguments because of which it is replaced. */
  readonly replacing: readonly string[];
}

/** The account in which a folder works unless told otherwise. */
export const HERE: AwsLocation = {
  partition: "aws",
  account: "111122223333",
  region: "eu-central-1",
};

const PLAN_FILE = "test.tfplan";
const STATE_FILE = "terraform.tfstate";

/** A folder with one `main.tf.json`, the state beside it, and the simulated account on which it works. */
export class TerraformFolder {
  private readonly directory = mkdtempSync(join(tmpdir(), "keyspan-terraform-"));
  /** The account's objects. */
  readonly store = new ObjectStore(join(this.directory, "aws"));
  private running: { provider: RunningProvider; aws: SimulatedAws } | undefined;
  private settings: ProviderSettings = {};

  constructor(readonly at: AwsLocation = HERE) {
    writeFileSync(join(this.directory, "terraform.rc"), "");
  }

  /** The simulated AWS without faults, for what happens behind Terraform's back. */
  get aws(): SimulatedAws {
    return new SimulatedAws({
      store: this.store,
      caller: this.caller,
      faults: {},
      die: () => Promise.reject(new Error("nobody was told to die")),
    });
  }

  /** Ends the provider; the next command starts one that is set so. */
  provider(settings: ProviderSettings): this {
    this.stop();
    this.settings = settings;
    return this;
  }

  /** Every call that the provider has made since it was started. */
  get calls(): readonly CallRecord[] {
    return this.running?.aws.calls ?? [];
  }

  /** Writes the configuration. */
  write(resources: Resources, { provider, blocks }: Surroundings = {}): this {
    const byType: Record<string, Record<string, Arguments>> = {};
    for (const [address, block] of Object.entries(resources)) {
      const [type = "", name = ""] = address.split(".");
      byType[type] = { ...byType[type], [name]: block };
    }
    const main = {
      terraform: { required_providers: { aws: { source: "hashicorp/aws" } } },
      provider: { aws: { region: this.at.region, ...provider } },
      ...(Object.keys(byType).length > 0 && { resource: byType }),
      ...blocks,
    };
    writeFileSync(join(this.directory, "main.tf.json"), JSON.stringify(main));
    return this;
  }

  validate(): Promise<TerraformResult> {
    return this.terraform((runs, folder) => runs.validate(folder));
  }

  plan(...flags: string[]): Promise<TerraformResult> {
    return this.terraform((runs, folder) => runs.plan(folder, `-out=${PLAN_FILE}`, ...flags));
  }

  apply(...flags: string[]): Promise<TerraformResult> {
    return this.terraform((runs, folder) => runs.planAndApply(folder, ...flags));
  }

  destroy(): Promise<TerraformResult> {
    return this.apply("-destroy");
  }

  /** Runs any other command; line breaks and frames of its messages are taken out. */
  async command(...args: string[]): Promise<{ code: number; text: string }> {
    const { code, text } = await this.terraform((runs, folder) => runs.command(folder, ...args));
    return { code, text: text.replace(/[\s│╷╵]+/g, " ") };
  }

  /**
   * What the last plan would do, by address; resources that it leaves as they are are not listed.
   *
   * @throws {Error} if there is no plan
   */
  async planned(): Promise<Readonly<Record<string, PlannedResource>>> {
    const { code, text } = await this.terraform((runs, folder) =>
      runs.command(folder, "show", "-json", PLAN_FILE),
    );
    if (code !== 0) {
      throw new Error(text);
    }
    const { resource_changes } = planSchema.parse(JSON.parse(text));
    return Object.fromEntries(
      resource_changes.flatMap(({ address, change }) => {
        const { actions, before, after, after_unknown, replace_paths } = change;
        const action = actions.join(" ");
        const names = new Set([before, after, after_unknown].flatMap((x) => Object.keys(x ?? {})));
        const changed = [...names].filter(
          (name) =>
            JSON.stringify(after_unknown?.[name] ?? false).includes("true") ||
            JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]),
        );
        return action === "no-op"
          ? []
          : [[address, { action, changed: changed.sort(), replacing: replace_paths.flat() }]];
      }),
    );
  }

  /** The state, by address. */
  get state(): Readonly<Record<string, StateResource>> {
    return Object.fromEntries(
      readState(join(this.directory, STATE_FILE)).map((resource) => [resource.address, resource]),
    );
  }

  /** An attribute in the state that is a text. @throws {Error} if there is none */
  text(address: string, attribute: string): string {
    const value = this.state[address]?.attributes[attribute];
    if (typeof value !== "string") {
      throw new Error(`${address} has no text ${attribute}, but ${JSON.stringify(value)}`);
    }
    return value;
  }

  /** The state file, byte for byte; empty if there is none. */
  get stateText(): string {
    const file = join(this.directory, STATE_FILE);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  /** Ends the provider and removes the folder. */
  remove(): void {
    this.stop();
    rmSync(this.directory, { recursive: true });
  }

  private stop(): void {
    this.running?.provider.stop();
    this.running = undefined;
  }

  private get caller(): Caller {
    const { partition, account } = this.at;
    const roleArn = `arn:${partition}:iam::${account}:role/deploy`;
    return { account, partition, roleArn, ...this.settings.caller };
  }

  private async terraform<T>(
    work: (runs: TerraformRuns, folder: StackFolder) => Promise<T>,
  ): Promise<T> {
    this.running ??= await startHere({
      directory: join(this.directory, "aws"),
      caller: this.caller,
      faults: this.settings.faults ?? {},
    });
    const { PATH, HOME, TMPDIR } = process.env;
    const runs = new TerraformRuns({
      program: "terraform",
      env: {
        PATH,
        HOME,
        TMPDIR,
        TF_REATTACH_PROVIDERS: this.running.provider.reattach,
        TF_CLI_CONFIG_FILE: join(this.directory, "terraform.rc"),
        TF_IN_AUTOMATION: "1",
        CHECKPOINT_DISABLE: "1",
      },
      workspace: "default",
      onProgress: () => {},
    });
    return work(runs, { id: "test", directory: this.directory, dependencies: [] });
  }
}

const valuesSchema = z.record(z.string(), z.unknown()).nullable();

const planSchema = z.object({
  resource_changes: z
    .array(
      z.object({
        address: z.string(),
        change: z.object({
          actions: z.array(z.string()),
          before: valuesSchema,
          after: valuesSchema,
          after_unknown: valuesSchema,
          replace_paths: z.array(z.array(z.string())).default([]),
        }),
      }),
    )
    .default([]),
});

/**
 * What Terraform refused, by the address of the resource or provider, without what is different in
 * every answer of AWS; empty if all went well.
 */
export function refusals({ problems }: TerraformResult): Readonly<Record<string, string>> {
  return Object.fromEntries(
    problems.map((problem) => {
      const [, summary = problem, address = ""] =
        /^Error: (.*?)(?:\n {2}with (\S+))?(?:\n|$)/s.exec(problem) ?? [];
      return [
        address,
        summary.replace(/https response error StatusCode: \d+, RequestID: [0-9a-f-]{36}, /, ""),
      ];
    }),
  );
}
