/** The order of a rollout: ring by ring, some accounts at a time, and a line that stops. */

/** Whose turn comes when. */
export interface RingMember {
  readonly workspace: string;
  readonly ring: number;
}

/** How a rollout goes on. */
export interface RolloutLimits {
  /** Accounts at a time. */
  readonly maxConcurrent: number;
  /** Accounts of one ring that may fail before the next ring is left out. */
  readonly maxFailures: number;
}

/** What became of the accounts. */
export interface RolloutResult<T> {
  /** Results of those that were begun, in the order of rings and names. */
  readonly results: ReadonlyMap<string, T>;
  /** Those that were not begun. */
  readonly notStarted: readonly string[];
  /** The ring after which the line stopped, if it did. */
  readonly stoppedAfterRing?: number;
}

/**
 * Works on accounts ring by ring, in ascending order.
 *
 * A ring with more failures than are allowed ends the rollout: what it has begun ends, nothing more
 * is begun, in it or behind it.
 *
 * @param isFailure - whether a result counts as a failure
 * @param isStopped - whether nothing more should be begun
 */
export async function rollOut<M extends RingMember, T>(
  members: readonly M[],
  { maxConcurrent, maxFailures }: RolloutLimits,
  work: (member: M) => Promise<T>,
  isFailure: (result: T) => boolean,
  isStopped: () => boolean,
): Promise<RolloutResult<T>> {
  const results = new Map<string, T>();
  const rings = [...new Set(members.map(({ ring }) => ring))].sort((a, b) => a - b);
  const inOrder = rings.flatMap((ring) => members.filter((member) => member.ring === ring));
  let stoppedAfterRing: number | undefined;
  for (const ring of rings) {
    const queue = inOrder.filter((member) => member.ring === ring);
    let failures = 0;
    const worker = async () => {
      for (;;) {
        if (isStopped() || failures > maxFailures) {
          return;
        }
        const next = queue.shift();
        if (next === undefined) {
          return;
        }
        const result = await work(next);
        results.set(next.workspace, result);
        failures += isFailure(result) ? 1 : 0;
      }
    };
    await Promise.all(Array.from({ length: maxConcurrent }, worker));
    if (failures > maxFailures) {
      stoppedAfterRing = ring;
      break;
    }
    if (isStopped()) {
      break;
    }
  }
  const names = inOrder.map(({ workspace }) => workspace);
  return {
    results: new Map(
      names.flatMap((name) => {
        const result = results.get(name);
        return result === undefined ? [] : [[name, result] as const];
      }),
    ),
    notStarted: names.filter((name) => !results.has(name)),
    ...(stoppedAfterRing !== undefined && { stoppedAfterRing }),
  };
}
