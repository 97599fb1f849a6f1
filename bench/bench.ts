/**
 * `npm run bench`: what a synth costs in time and memory, as medians over paired runs.
 *
 * Both apps are compiled to JavaScript first and run under plain node, in turn, so that a machine
 * that slows down slows both. Nothing here fails: the ratios are for people to read.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { REGIONS_BY_PARTITION } from "../modules/partition";

const RUNS = Number(process.argv[2] ?? 9);

interface Figures {
  readonly wallMs: number;
  readonly peakMiB: number;
}

interface Contender {
  readonly name: string;
  readonly script: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Goals of the ratios, for the reader to compare. */
const GOALS = {
  emptyWall: 2.5,
  emptyPeak: 1.6,
  regionsWall: 3,
} as const;

const work = mkdtempSync(join(tmpdir(), "keyspan-bench-"));
// The child itself says at its end how much memory it needed at most.
const REPORTER = join(work, "report.js");
writeFileSync(
  REPORTER,
  "process.on('exit', () => process.stdout.write(String(process.resourceUsage().maxRSS)));",
);
try {
  bench();
} finally {
  rmSync(work, { recursive: true });
}

function bench(): void {
  const emptyScript = compile("bench/empty-app.ts");
  const appScript = compile("main.ts");
  const empty = contender("empty CDKTF app", emptyScript, 0);
  const three = contender("Keyspan, 3 regions", appScript, 3);
  const thirty = contender("Keyspan, 30 regions", appScript, 30);

  const figures = measure([empty, three, thirty]);
  print("");
  print(`node ${process.versions.node}, ${RUNS} runs each after one that is not counted; medians`);
  for (const { name } of [empty, three, thirty]) {
    const all = figures.get(name) ?? [];
    print(
      `  ${name.padEnd(22)} ${median(all.map(({ wallMs }) => wallMs))
        .toFixed(0)
        .padStart(5)} ms  ${median(all.map(({ peakMiB }) => peakMiB))
        .toFixed(0)
        .padStart(4)} MiB`,
    );
  }
  print("ratios, pair by pair: minimum, median, maximum");
  printRatio("3 regions to an empty app, time", figures, three, empty, "wallMs", GOALS.emptyWall);
  printRatio(
    "3 regions to an empty app, memory",
    figures,
    three,
    empty,
    "peakMiB",
    GOALS.emptyPeak,
  );
  printRatio("30 regions to 3, time", figures, thirty, three, "wallMs", GOALS.regionsWall);
}

function compile(entry: string): string {
  const outfile = join(work, `${entry.replace(/\W/g, "-")}.js`);
  buildSync({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    logLevel: "error",
  });
  return outfile;
}

function contender(name: string, script: string, regionCount: number): Contender {
  const cwd = join(work, `regions-${regionCount}`);
  mkdirSync(join(cwd, "accounts"), { recursive: true });
  mkdirSync(join(cwd, "out"));
  if (regionCount > 0) {
    writeFileSync(join(cwd, "accounts/bench.yaml"), accountWith(regionCount));
  }
  return { name, script, cwd, env: { TF_WORKSPACE: "bench", CDKTF_OUTDIR: join(cwd, "out") } };
}

function accountWith(regionCount: number): string {
  const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`;
  const key = `{ administrators: [${role("KeyAdmin")}], breakGlass: [${role("BreakGlass")}] }`;
  return `version: 1
account: { id: "111122223333", deployRole: "${role("deploy")}", planRole: "${role("plan")}" }
homeRegion: ${REGIONS_BY_PARTITION.aws[0]}
regions: [${REGIONS_BY_PARTITION.aws.slice(0, regionCount).join(", ")}]
state:
  bucket: acme-state
  region: eu-west-1
  keyPrefix: keyspan
  account: "444455556666"
  writeRole: arn:aws:iam::444455556666:role/write
  readRole: arn:aws:iam::444455556666:role/read
keys: { archive: ${key}, alerts: ${key}, audit: ${key} }
buses: { orders: { producers: ["111122223333"] } }
archives: { orders: { bus: orders, retentionDays: 30 } }
notifications: { subscriptions: [{ protocol: email, endpoint: key-alerts@example.com }] }
trail: create
`;
}

/** Runs all in turn, so that each round meets the machine in the same mood. */
function measure(contenders: readonly Contender[]): Map<string, Figures[]> {
  const figures = new Map<string, Figures[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round <= RUNS; round += 1) {
    for (const { name, script, cwd, env } of contenders) {
      const result = runOnce(script, cwd, env);
      if (round > 0) {
        figures.get(name)?.push(result);
      }
    }
  }
  return figures;
}

function runOnce(script: string, cwd: string, env: Readonly<Record<string, string>>): Figures {
  const start = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--require", REPORTER, script], {
    cwd,
    env: { PATH: process.env.PATH ?? "", ...env },
    encoding: "utf8",
  });
  const wallMs = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0) {
    throw new Error(`${script} failed: ${stderr}`);
  }
  return { wallMs, peakMiB: Number(stdout) / 1024 };
}

function median(values: readonly number[]): number {
  const ordered = [...values].sort((a, b) => a - b);
  return ordered[Math.floor(ordered.length / 2)] ?? Number.NaN;
}

function printRatio(
  title: string,
  figures: ReadonlyMap<string, readonly Figures[]>,
  above: Contender,
  below: Contender,
  field: keyof Figures,
  goal: number,
): void {
  const divisors = figures.get(below.name) ?? [];
  const ratios = (figures.get(above.name) ?? []).map(
    (figure, round) => figure[field] / (divisors[round]?.[field] ?? Number.NaN),
  );
  const [least, middle, most] = [Math.min(...ratios), median(ratios), Math.max(...ratios)].map(
    (ratio) => ratio.toFixed(2),
  );
  print(`  ${title.padEnd(36)} ${least}  ${middle}  ${most}   goal: at most ${goal}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
