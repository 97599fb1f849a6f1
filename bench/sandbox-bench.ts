/**
 * `npm run bench`, second part: what the sandbox costs: a whole apply, a second plan and a destroy of
 * an account, and the memory of the provider's process. Nothing here fails: the figures are for
 * people to read.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProviderProcess } from "../sandbox/provider-process";
import { Sandbox } from "../sandbox/sandbox";
import type { TerraformResult } from "../sandbox/terraform-runs";

const RUNS = Number(process.argv[2] ?? 5);
const ACCOUNT = process.argv[3] ?? "prod";

/** Goals, for the reader to compare. */
const GOALS = { totalSeconds: 30, peakMiB: 200 } as const;

interface Figures {
  readonly applySeconds: number;
  readonly planSeconds: number;
  readonly destroySeconds: number;
  /** `undefined` where the system does not say. */
  readonly peakMiB: number | undefined;
}

async function runOnce(): Promise<Figures> {
  const projectDirectory = mkdtempSync(join(tmpdir(), "keyspan-bench-"));
  cpSync("accounts", join(projectDirectory, "accounts"), { recursive: true });
  let providerPid = 0;
  const sandbox = new Sandbox({
    workspace: ACCOUNT,
    program: process.env.TERRAFORM_BINARY_NAME ?? "terraform",
    env: process.env,
    projectDirectory,
    startProvider: async (options) => {
      const provider = await startProviderProcess(options);
      providerPid = provider.pid;
      return provider;
    },
  });
  try {
    const applySeconds = await seconds(async () => {
      sandbox.layOut({ unprotect: true });
      const terraform = await sandbox.terraform();
      for (const folder of sandbox.folders) {
        await terraform.prepare(folder);
        refuseFailure(await terraform.plan(folder));
        refuseFailure(await terraform.apply(folder));
      }
    });
    const terraform = await sandbox.terraform();
    const planSeconds = await seconds(async () => {
      for (const folder of sandbox.folders) {
        refuseFailure(await terraform.plan(folder));
      }
    });
    const destroySeconds = await seconds(async () => {
      for (const folder of sandbox.folders.toReversed()) {
        refuseFailure(await terraform.planAndApply(folder, "-destroy"));
      }
    });
    return { applySeconds, planSeconds, destroySeconds, peakMiB: peakOf(providerPid) };
  } finally {
    sandbox.close();
    rmSync(projectDirectory, { recursive: true });
  }
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const startedNs = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - startedNs) / 1e9;
}

function refuseFailure({ code, problems }: TerraformResult): void {
  if (code !== 0) {
    throw new Error(problems.join("\n"));
  }
}

/** Peak of a process's memory, as Linux counts it. */
function peakOf(pid: number): number | undefined {
  try {
    const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function bench(): Promise<void> {
  const runs: Figures[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    runs.push(await runOnce());
  }
  const line = (name: string, values: readonly number[], unit: string, goal?: number) =>
    process.stdout.write(
      `  ${name.padEnd(28)} ${median(values).toFixed(1).padStart(6)} ${unit}  (${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)})${goal === undefined ? "" : `, goal under ${goal}`}\n`,
    );
  process.stdout.write(
    `\nsandbox, account ${ACCOUNT}, ${RUNS} runs, medians (minimum to maximum)\n`,
  );
  line(
    "apply, with init and plan",
    runs.map(({ applySeconds }) => applySeconds),
    "s",
  );
  line(
    "second plan",
    runs.map(({ planSeconds }) => planSeconds),
    "s",
  );
  line(
    "destroy",
    runs.map(({ destroySeconds }) => destroySeconds),
    "s",
  );
  line(
    "together",
    runs.map(
      ({ applySeconds, planSeconds, destroySeconds }) =>
        applySeconds + planSeconds + destroySeconds,
    ),
    "s",
    GOALS.totalSeconds,
  );
  const peaks = runs.flatMap(({ peakMiB }) => (peakMiB === undefined ? [] : [peakMiB]));
  if (peaks.length > 0) {
    line("provider's peak memory", peaks, "MiB", GOALS.peakMiB);
  }
}

void bench();
