/** Moments at which something of an apply is killed, and what must hold once an operator has done what the messages say. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Faults } from "../../sandbox/aws/faults";
import { SMALL_ACCOUNT } from "../helpers/sandbox-project";
import type { KillWorld } from "./kill-world";

/** What is killed, or fails. */
export type Victim =
  /** SIGKILL of the command; Terraform goes on to its end. */
  | "command"
  /** SIGKILL of the command and of every Terraform. */
  | "command and Terraform"
  /** SIGKILL of one Terraform. */
  | "Terraform"
  /** SIGKILL of the provider's process, before a change. */
  | "provider before"
  /** SIGKILL of the provider's process, after a change that it can no longer report. */
  | "provider after"
  /** An error in the place of a change. */
  | "API";

const VICTIMS: readonly Victim[] = [
  "command",
  "command and Terraform",
  "Terraform",
  "provider before",
  "provider after",
  "API",
];

/** What is applied: everything for the first time, or regions, tags and a longer retention in addition. */
export type Phase = "create" | "grow";

/** A moment. */
export interface Moment {
  readonly victim: Victim;
  readonly phase: Phase;
  /** Number of the change. */
  readonly change: number;
}

/** An account as a phase finds it, as it leaves it, and how many changes the phase makes. */
export interface KillAccount {
  readonly before: string;
  readonly after: string;
  readonly changes: Readonly<Record<Phase, number>>;
}

function accountIn(
  before: readonly string[],
  added: readonly string[],
  changes: KillAccount["changes"],
): KillAccount {
  const inRegions = (regions: readonly string[]) =>
    SMALL_ACCOUNT.replace("[eu-west-1, eu-central-1]", `[${regions.join(", ")}]`).replace(
      ", regions: [eu-west-1] }",
      " }",
    );
  return {
    before: inRegions(before),
    after: `${inRegions([...before, ...added]).replace("retentionDays: 7", "retentionDays: 14")}tags: { Owner: platform }\n`,
    changes,
  };
}

/** An account with 6 stacks: keys, and an archive in each of 5 regions. */
export const LARGE = accountIn(
  ["eu-west-1", "eu-central-1", "eu-north-1"],
  ["us-east-1", "us-west-2"],
  { create: 45, grow: 38 },
);

/** An account with 3 stacks. */
export const SMALL = accountIn(["eu-west-1"], ["eu-central-1"], { create: 21, grow: 16 });

/** How long each simulated call takes, so that a moment can be met. */
const LATENCY_MS = 25;

/**
 * Moments that a seed decides, as many of each victim.
 *
 * @param count - how many
 */
export function chooseMoments(
  { changes }: KillAccount,
  count: number,
  seed: number,
): readonly Moment[] {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, (_, index): Moment => {
    const victim = VICTIMS[index % VICTIMS.length] ?? "command";
    const phase = random() < 0.6 ? "create" : "grow";
    return { victim, phase, change: 1 + Math.floor(random() * changes[phase]) };
  });
}

/** Applies the account without faults up to where a phase begins, and then to its end; how many changes the phase makes. */
export async function applyPhase(
  world: KillWorld,
  { before, after }: KillAccount,
  phase: Phase,
): Promise<number> {
  const apply = async () => {
    const { changes, ended } = await world.countChanges(
      world.directory,
      "apply",
      world.workspace,
      "--yes",
    );
    if (ended.code !== 0) {
      throw new Error(`${ended.out}${ended.err}`);
    }
    return changes;
  };
  world.restore();
  if (phase === "grow") {
    world.write(before);
    await apply();
    world.remember("before");
  }
  world.write(after);
  return apply();
}

/** What a person saw and did until an account was applied. */
export interface Survival {
  /** What the command that was hit has said. */
  readonly hit: string;
  /** What every command said, in order. */
  readonly messages: readonly string[];
  /** Every command that a message named and that was run. */
  readonly steps: readonly string[];
}

/** A command that applies an account, and how it is run again. */
export interface Applying {
  readonly command: "keyspan" | "deploy";
  readonly argv: readonly string[];
}

/** `npm run keyspan -- apply small --yes`. */
export const KEYSPAN_APPLY: Applying = { command: "keyspan", argv: ["apply", "small", "--yes"] };

/** `npm run deploy -- small --auto-approve`. */
export const DEPLOY: Applying = { command: "deploy", argv: ["small", "--auto-approve"] };

/**
 * Lets a moment happen, then runs the same command again and every command that it names, until the
 * account is applied.
 *
 * @throws {Error} if it never is
 */
export async function survive(
  world: KillWorld,
  applying: Applying,
  moment: Moment,
): Promise<Survival> {
  world.restore(moment.phase === "grow" ? "before" : undefined);
  const hit = await strike(world, applying, moment);
  const again = async () => {
    if (applying.command === "keyspan") {
      return world.run(...applying.argv);
    }
    // The CDKTF CLI writes to the terminal.
    const provider = await world.provider({}, "here");
    try {
      const started = await world.start({ ...applying, ...provider }, ...applying.argv);
      const { code } = await started.ended;
      return { code, out: started.text(), err: "" };
    } finally {
      provider.stop();
    }
  };
  return { hit, ...(await recover(again, world)) };
}

/** Applies an account while something is killed; what the command said. */
async function strike(
  world: KillWorld,
  { command, argv }: Applying,
  { victim, change }: Moment,
): Promise<string> {
  const faults: Faults =
    victim === "provider before"
      ? { dieBeforeChange: change }
      : victim === "provider after"
        ? { dieAfterChange: change }
        : victim === "API"
          ? { failChange: change }
          : { latencyMs: LATENCY_MS };
  const provider = await world.provider(faults, victim.startsWith("provider") ? "process" : "here");
  const { reattach } = provider;
  const started = await world.start({ command, reattach }, ...argv);
  const { child } = started;
  try {
    if (["command", "command and Terraform", "Terraform"].includes(victim)) {
      while (child.exitCode === null && !provider.calls().some((call) => call.change >= change)) {
        await sleep(3);
      }
      const [one] = world.processes("apply");
      if (victim !== "Terraform") {
        child.kill("SIGKILL");
      } else if (one !== undefined) {
        process.kill(one, "SIGKILL");
      }
      if (victim === "command and Terraform") {
        world.killAll();
      }
    }
    const { code } = await started.ended;
    await world.untilAlone();
    const isReached = victim.startsWith("provider")
      ? provider.hasEnded()
      : provider.calls().some((call) => call.change >= change);
    if (code === 0 || !isReached) {
      throw new Error(`the apply has not come so far, or noticed nothing: ${started.text()}`);
    }
    return started.text();
  } finally {
    provider.stop();
  }
}

/** Rounds after which an operator gives up. */
const MAX_ROUNDS = 12;

/**
 * Runs a command, and all that its messages name, until it ends well.
 *
 * @throws {Error} if it names nothing more to do and still does not end well
 */
export async function recover(
  again: () => Promise<{
    readonly code: number | null;
    readonly out: string;
    readonly err: string;
  }>,
  world: KillWorld,
): Promise<Omit<Survival, "hit">> {
  const messages: string[] = [];
  const steps: string[] = [];
  for (let round = 1, idle = 0; round <= MAX_ROUNDS && idle < 2; round += 1) {
    const { code, out, err } = await again();
    messages.push(`${out}${err}`);
    if (code === 0) {
      return { messages, steps };
    }
    const commands = commandsIn(`${out}${err}`);
    idle = commands.length === 0 ? idle + 1 : 0;
    for (const argv of commands) {
      const { code: stepCode, out: stepOut, err: stepErr } = await world.run(...argv);
      steps.push(argv.join(" "));
      if (stepCode !== 0) {
        throw new Error(`${argv.join(" ")}: ${stepOut}${stepErr}\n\n${messages.join("\n---\n")}`);
      }
    }
  }
  throw new Error(`not applied after ${steps.join("\n")}\n\n${messages.join("\n---\n")}`);
}

/** The commands of recovery that a message names. */
export function commandsIn(message: string): readonly (readonly string[])[] {
  const lines = message.match(/npm run keyspan -- (unlock|import|untaint) .*/g) ?? [];
  return [...new Set(lines)].map((line) =>
    (line.slice("npm run keyspan -- ".length).match(/'[^']*'|\S+/g) ?? []).map((word) =>
      word.replace(/^'(.*)'$/, "$1"),
    ),
  );
}

/** Numbers from 0 to 1 that a seed decides. @see https://en.wikipedia.org/wiki/Linear_congruential_generator */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
