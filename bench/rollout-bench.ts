/**
 * `npm run bench`, third part: what the rollout costs. Nothing here fails: the figures are for people
 * to read.
 *
 * An apply of an account with five regions is compared with `cdktf deploy --parallelism 1`, which
 * `npm run deploy` starts, on the same simulated AWS; then all of many accounts are planned.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const RUNS = Number(process.argv[2] ?? 3);
const LATENCIES_MS = [0, 200];
const ACCOUNT_COUNTS = [10, 25, 50];

/** Goals, for the reader to compare: how many times faster the rollout is. */
const GOALS: Readonly<Record<number, number>> = { 0: 1, 200: 2 };

const account = (number: number, regions: readonly string[]) => {
  const id = String(100_000_000_000 + number);
  return `
version: 1
account: { id: "${id}" }
homeRegion: ${regions[0]}
regions: [${regions.join(", ")}]
buses: { orders: { producers: ["${id}"] } }
archives: { orders: { bus: orders, retentionDays: 7 } }
trail: create
protect: false
`;
};

const FIVE_REGIONS = ["eu-west-1", "eu-central-1", "eu-north-1", "us-east-1", "us-west-2"];

interface Run {
  readonly seconds: number;
  /** `undefined` where the system does not say. */
  readonly peakMiB: number | undefined;
}

/** A project of its own with accounts. */
function newProject(accounts: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), "keyspan-bench-"));
  mkdirSync(join(directory, "accounts"));
  for (const file of ["cdktf.json", "accounts/defaults.yaml"]) {
    cpSync(file, join(directory, file));
  }
  for (const [name, yaml] of Object.entries(accounts)) {
    writeFileSync(join(directory, "accounts", `${name}.yaml`), yaml);
  }
  return directory;
}

/** Runs a command of the sandbox in a project, and refuses any other end than the one expected. */
function sandbox(directory: string, args: readonly string[], expectedCode: number): Promise<Run> {
  const startedNs = process.hrtime.bigint();
  const child = spawn(
    process.execPath,
    ["--require", require.resolve("tsx/cjs"), resolve("sandbox/main.ts"), ...args],
    { cwd: directory, stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  let peakMiB: number | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
    });
  }
  const timer = setInterval(() => {
    peakMiB = peakOf(child.pid ?? 0) ?? peakMiB;
  }, 200);
  return new Promise((resolveRun, reject) => {
    child.on("close", (code) => {
      clearInterval(timer);
      const seconds = Number(process.hrtime.bigint() - startedNs) / 1e9;
      if (code === expectedCode) {
        resolveRun({ seconds, peakMiB });
      } else {
        reject(new Error(`${args.join(" ")} ended with ${code}:\n${said}`));
      }
    });
  });
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

async function compareApplies(latencyMs: number): Promise<void> {
  const faults = latencyMs === 0 ? [] : [`--latency-ms=${latencyMs}`];
  const rollout: number[] = [];
  const cdktf: number[] = [];
  // In turn: what else the machine does then falls on both.
  for (let run = 0; run < RUNS; run += 1) {
    for (const [into, args] of [
      [rollout, ["keyspan", ...faults, "apply", "five", "--yes"]],
      [cdktf, ["cdktf", ...faults, "deploy", "five", "--auto-approve"]],
    ] as const) {
      const directory = newProject({ five: account(1, FIVE_REGIONS) });
      into.push((await sandbox(directory, args, 0)).seconds);
      rmSync(directory, { recursive: true });
    }
  }
  const ratio = median(cdktf) / median(rollout);
  process.stdout.write(
    `  ${String(latencyMs).padStart(3)} ms per call: keyspan apply ${median(rollout).toFixed(1)} s, cdktf deploy --parallelism 1 ${median(cdktf).toFixed(1)} s: ${ratio.toFixed(2)} times faster, goal at least ${GOALS[latencyMs]}\n`,
  );
}

async function planMany(count: number): Promise<void> {
  const directory = newProject(
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`a${index}`, account(index + 1, ["eu-west-1"])]),
    ),
  );
  const { seconds, peakMiB } = await sandbox(directory, ["keyspan", "plan", "--all"], 2);
  rmSync(directory, { recursive: true });
  process.stdout.write(
    `  ${String(count).padStart(3)} accounts: ${seconds.toFixed(1)} s, ${(seconds / count).toFixed(2)} s each, peak memory ${peakMiB?.toFixed(0) ?? "?"} MiB\n`,
  );
}

async function bench(): Promise<void> {
  process.stdout.write(
    `\nrollout, an account with ${FIVE_REGIONS.length} regions, ${RUNS} runs each, medians\n`,
  );
  for (const latencyMs of LATENCIES_MS) {
    await compareApplies(latencyMs);
  }
  process.stdout.write("\nplan --all, one process\n");
  for (const count of ACCOUNT_COUNTS) {
    await planMany(count);
  }
}

void bench();
