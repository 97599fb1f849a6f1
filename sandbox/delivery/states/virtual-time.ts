/** What runs side by side and may be stopped together: the branches of one state. */
export interface Group {
  readonly parent?: Group;
}

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly group: Group;
  readonly resume: () => void;
}

/**
 * A clock that stands still while something runs and jumps to the next moment at which something
 * happens, for any number of jobs side by side.
 *
 * Only one job runs at a time: until it waits, ends or starts others. At one moment, jobs run in the
 * order in which they began to wait. So the same execution takes the same course each time.
 */
export class VirtualTime {
  private readonly sleepers: Sleeper[] = [];
  private order = 0;

  /**
   * @param now - the time, in milliseconds since 1970
   * @param deadline - no job goes on after this moment
   * @param onDeadline - called in place of the job that would have gone on later
   */
  constructor(
    private current: number,
    private readonly deadline: number,
    private readonly onDeadline: () => void,
  ) {}

  /** The time, in milliseconds since 1970. */
  get now(): number {
    return this.current;
  }

  /** Lets the others run until `at`, in milliseconds since 1970. */
  wait(at: number, group: Group): Promise<void> {
    return new Promise((resume) => {
      this.sleep(at, group, resume);
      this.next();
    });
  }

  /**
   * Runs jobs side by side, from now on, and returns what they return, in their order. The first
   * that fails stops the others where they are.
   */
  together<T>(parent: Group, jobs: readonly ((group: Group) => Promise<T>)[]): Promise<T[]> {
    const group: Group = { parent };
    const results: T[] = [];
    let running = jobs.length;
    if (running === 0) {
      return Promise.resolve(results);
    }
    return new Promise((resolve, reject) => {
      const start = (job: (typeof jobs)[number], index: number) => {
        job(group).then(
          (result) => {
            results[index] = result;
            running -= 1;
            running === 0 ? resolve(results) : this.next();
          },
          (error) => {
            this.stop(group);
            reject(error);
          },
        );
      };
      for (const [index, job] of jobs.entries()) {
        this.sleep(this.current, group, () => start(job, index));
      }
      this.next();
    });
  }

  private sleep(at: number, group: Group, resume: () => void): void {
    this.order += 1;
    this.sleepers.push({ at: Math.max(at, this.current), order: this.order, group, resume });
  }

  private next(): void {
    const first = this.sleepers.reduce((a, b) =>
      b.at < a.at || (b.at === a.at && b.order < a.order) ? b : a,
    );
    if (first.at > this.deadline) {
      this.current = this.deadline;
      this.onDeadline();
      return;
    }
    this.sleepers.splice(this.sleepers.indexOf(first), 1);
    this.current = first.at;
    first.resume();
  }

  private stop(group: Group): void {
    const others = this.sleepers.filter((sleeper) => !isWithin(sleeper.group, group));
    this.sleepers.splice(0, this.sleepers.length, ...others);
  }
}

function isWithin(group: Group, outer: Group): boolean {
  return group === outer || (group.parent !== undefined && isWithin(group.parent, outer));
}
