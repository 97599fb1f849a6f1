import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Command, CommandIo } from "../../cli/io";
import type { AccountConfig } from "../../config/account-config";
import { accountNames, loadAccount } from "../../config/load-account";
import { ACCOUNT_TAG, KEY_TAG } from "../../modules/names";
import { arn } from "../../modules/partition";
import { KMS_KEYS } from "../../sandbox/aws/kms";
import { ObjectStore } from "../../sandbox/aws/object-store";
import { type LocalEndpoints, startEndpoints } from "../../sandbox/http/endpoint-server";
import { runCommand } from "./run-command";
import { FIXTURE_ACCOUNTS } from "./synth";

/** An unprotected account with one region besides its home: stacks keys, archive-eu-central-1, archive-eu-west-1. */
export const DEMO_ACCOUNT = `
version: 1
account: { id: "111122223333" }
homeRegion: eu-west-1
regions: [eu-west-1, eu-central-1]
buses: { orders: { producers: ["111122223333"] } }
archives: { orders: { bus: orders, retentionDays: 7 } }
protect: false
`;

/** Terraform that does nothing but write down how it was called, and answer from files. */
const FAKE_TERRAFORM = `#!/bin/sh
here='HERE'
stack=$(basename "$PWD")
case "$1" in version | -v) echo '{"terraform_version":"1.11.4"}'; exit 0 ;; esac
# A stdin that is not closed would make it wait here. cdktf gives it one of its own.
case "$1" in init | workspace | state) [ -t 0 ] || read -r line ;; esac
echo "terraform $stack: $* [\${TF_WORKSPACE-no workspace}]" >> "$here/log"
env > "$here/env.terraform"
[ -f "$AWS_CONFIG_FILE" ] && cp -p "$AWS_CONFIG_FILE" "$here/aws-config"
echo "warns $1" >&2
[ -f "$here/fails/$stack $1" ] && exit "$(cat "$here/fails/$stack $1")"
case "$*" in
  "workspace list") printf '  default\\n  other\\n* %s\\n' "$(cat "$here/workspaces/$stack" 2>/dev/null)" ;;
  "output -json") cat "$here/outputs/$stack" 2>/dev/null || echo '{}' ;;
  "state pull") cat "$here/states/$stack" 2>/dev/null ;;
  *) echo "says $1" ;;
esac
exit 0
`;

const FAKE_CDKTF = `#!/bin/sh
here='HERE'
read -r line
echo "cdktf $* [\${TF_WORKSPACE-no workspace}]" >> "$here/log"
env > "$here/env.cdktf"
pwd > "$here/cdktf-directory"
[ -f "$here/fails/cdktf $2" ] && exit "$(cat "$here/fails/cdktf $2")"
exit 0
`;

/** A copy of the project in a temporary folder, with programs that only write down how they were called. */
export class TempProject {
  readonly directory = mkdtempSync(join(tmpdir(), "keyspan-project-"));
  private readonly fakes = join(this.directory, "fakes");
  private endpoints: LocalEndpoints | undefined;

  constructor(accounts: Readonly<Record<string, string>> = { demo: DEMO_ACCOUNT }) {
    mkdirSync(join(this.directory, "accounts"));
    copyFileSync(
      join(FIXTURE_ACCOUNTS, "defaults.yaml"),
      join(this.directory, "accounts/defaults.yaml"),
    );
    for (const [name, yaml] of Object.entries(accounts)) {
      this.write(`accounts/${name}.yaml`, yaml);
    }
    this.program("terraform", FAKE_TERRAFORM);
    this.program("cdktf", FAKE_CDKTF);
  }

  /** Path of a program of the project. */
  pathOf(program: "terraform" | "cdktf"): string {
    return join(this.fakes, program);
  }

  /** Replaces a program. `HERE` in its text is the folder of its log. */
  program(name: "terraform" | "cdktf", text: string): void {
    this.write(`fakes/${name}`, text.replaceAll("HERE", this.fakes));
    chmodSync(this.pathOf(name), 0o755);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.directory, path)), { recursive: true });
    writeFileSync(join(this.directory, path), text);
  }

  read(path: string): string {
    return readFileSync(join(this.directory, path), "utf8");
  }

  exists(path: string): boolean {
    return existsSync(join(this.directory, path));
  }

  /** Makes the workspace of an account exist for some stacks. */
  deployed(account: string, ...stacks: string[]): void {
    for (const stack of stacks) {
      this.write(`fakes/workspaces/${stack}`, account);
    }
  }

  /** Makes a program fail: `terraform` by stack and subcommand, `cdktf` by stack. */
  failing(call: string, exitCode: number): void {
    this.write(`fakes/fails/${call}`, `${exitCode}`);
  }

  /** How the programs were called so far, in order. */
  calls(): readonly string[] {
    return this.exists("fakes/log") ? this.read("fakes/log").trimEnd().split("\n") : [];
  }

  /** Environment of the last call of a program. */
  envOf(program: "terraform" | "cdktf"): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.read(`fakes/env.${program}`)
        .split("\n")
        .map((line) => [line.split("=", 1)[0] ?? "", line.slice(line.indexOf("=") + 1)]),
    );
  }

  /** Path of the AWS config file that Terraform saw last, copied with its mode. */
  get seenAwsConfig(): string {
    return join(this.fakes, "aws-config");
  }

  /** Starts S3, STS and KMS for what the commands ask AWS themselves. */
  async serve(): Promise<void> {
    const accounts = this.accounts();
    if (this.endpoints === undefined && accounts.length > 0) {
      this.endpoints = await startEndpoints({ directory: join(this.directory, "aws"), accounts });
    }
  }

  /** An object of the state bucket; `undefined` if it is not there. */
  object(key: string): string | undefined {
    const file = join("aws/s3/acme-terraform-state", key);
    return this.exists(file) ? this.read(file) : undefined;
  }

  /** Makes a key of account 111122223333 that has the tags of the demo account's, in no state. */
  makeKey(region: string, keyId: string, keyName: string): void {
    const at = { partition: "aws", account: "111122223333", region } as const;
    new ObjectStore(join(this.directory, "aws/aws", at.account)).put(KMS_KEYS, region, keyId, {
      keyId,
      arn: arn({ ...at, service: "kms", resource: `key/${keyId}` }),
      description: "",
      policy: "{}",
      multiRegion: true,
      primaryRegion: region,
      enabled: true,
      tags: { [KEY_TAG]: keyName, [ACCOUNT_TAG]: "demo" },
    });
  }

  /** Runs a command in the project. */
  async run(
    command: Command,
    argv: readonly string[],
    io: Partial<CommandIo> = {},
  ): ReturnType<typeof runCommand> {
    await this.serve();
    return runCommand(command, argv, {
      projectDirectory: this.directory,
      cdktf: [this.pathOf("cdktf")],
      ...io,
      env: { ...this.env(), ...io.env },
    });
  }

  /** The least environment in which a command works. */
  env(): Readonly<Record<string, string>> {
    return {
      PATH: "/usr/bin:/bin",
      HOME: join(this.directory, "home"),
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "example",
      TERRAFORM_BINARY_NAME: this.pathOf("terraform"),
      ...(this.endpoints !== undefined && { AWS_ENDPOINT_URL: this.endpoints.url }),
    };
  }

  remove(): void {
    this.endpoints?.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The accounts that can be read. */
  private accounts(): readonly AccountConfig[] {
    const directory = join(this.directory, "accounts");
    return accountNames(directory).flatMap((name) => {
      try {
        return [loadAccount(directory, name)];
      } catch {
        return [];
      }
    });
  }
}
