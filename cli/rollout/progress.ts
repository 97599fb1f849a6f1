/** What people see while Terraform works: a tree that is redrawn on a terminal, lines elsewhere. */
import { DefaultRenderer, Listr, ListrLogger, type ListrTask, ProcessOutput } from "listr2";
import type { CommandIo } from "../io";

/** Says how the work on stacks goes on. */
export interface Progress {
  /** The accounts whose turn is now. */
  start(accounts: readonly string[]): void;
  /** An account's stacks are known. */
  open(account: string, stackIds: readonly string[]): void;
  /** A stack is begun. */
  begin(account: string, stackId: string, doing: string): void;
  /** Something happened to a stack that is under way. */
  step(account: string, stackId: string, line: string): void;
  /** A step of a stack's is done with: its plan, or its apply. */
  end(account: string, stackId: string, outcome: string, failed?: boolean): void;
  /** An account is done with. */
  finish(account: string): void;
  /** Something that is about no stack. */
  say(line: string): void;
  /** Takes the tree off the screen, if there is one. Lines may follow. */
  close(): Promise<void>;
}

/** Progress for where the command runs: on a screen, or as lines. */
export function progressOf({ screen, err }: CommandIo): Progress {
  return screen === undefined ? new LineProgress(err) : new ScreenProgress(screen);
}

/** A line for each thing that happens. */
class LineProgress implements Progress {
  constructor(private readonly write: (text: string) => void) {}

  start(): void {}

  open(): void {}

  begin(account: string, stackId: string, doing: string): void {
    this.write(`${account}/${stackId}: ${doing}\n`);
  }

  step(account: string, stackId: string, line: string): void {
    this.write(`${account}/${stackId}: ${line}\n`);
  }

  end(account: string, stackId: string, outcome: string): void {
    this.write(`${account}/${stackId}: ${outcome}\n`);
  }

  finish(): void {}

  say(line: string): void {
    this.write(`${line}\n`);
  }

  async close(): Promise<void> {}
}

/** A promise, and what settles it. */
interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

/** A stack on the screen. */
interface StackLine {
  readonly ended: Deferred<void>;
  failed: boolean;
  /** What is done with the stack just now. */
  doing?: string;
  /** The last thing that happened to it. */
  last?: string;
  /** Redraws the line, once it was drawn first. */
  redraw: () => void;
}

/** A line for each account, below it one for each of its stacks. */
class ScreenProgress implements Progress {
  private readonly accounts = new Map<string, Deferred<readonly string[]>>();
  private readonly stacks = new Map<string, StackLine>();
  private running: Promise<unknown> = Promise.resolve();

  constructor(private readonly screen: NodeJS.WriteStream) {}

  start(accounts: readonly string[]): void {
    const tasks = accounts.map((account) => {
      const opened = deferred<readonly string[]>();
      this.accounts.set(account, opened);
      return {
        title: account,
        task: async (_: unknown, task: TaskOfListr) => {
          const stackIds = await opened.promise;
          if (stackIds.length === 0) {
            // Never begun, or refused before: the message says why.
            task.skip(account);
            return undefined;
          }
          return task.newListr(
            stackIds.map((id) => this.stackTask(`${account}/${id}`, id)),
            { concurrent: true, exitOnError: false },
          );
        },
      };
    });
    this.running = new Listr(tasks, {
      concurrent: true,
      exitOnError: false,
      renderer: ScreenRenderer,
      // The command stops Terraform itself, and waits for it.
      registerSignalListeners: false,
      rendererOptions: {
        logger: new ListrLogger({ processOutput: new ProcessOutput(this.screen, this.screen) }),
        collapseErrors: false,
        showErrorMessage: false,
        collapseSubtasks: false,
      },
    }).run();
  }

  open(account: string, stackIds: readonly string[]): void {
    for (const id of stackIds) {
      const name = `${account}/${id}`;
      if (!this.stacks.has(name)) {
        this.stacks.set(name, { ended: deferred(), failed: false, redraw: () => {} });
      }
    }
    this.accounts.get(account)?.resolve(stackIds);
  }

  begin(account: string, stackId: string, doing: string): void {
    this.update(account, stackId, { doing });
  }

  step(account: string, stackId: string, line: string): void {
    this.update(account, stackId, { last: line });
  }

  end(account: string, stackId: string, outcome: string, failed = false): void {
    this.update(account, stackId, { doing: outcome, last: "", failed });
  }

  finish(account: string): void {
    this.accounts.get(account)?.resolve([]);
    for (const [name, { ended }] of this.stacks) {
      if (name.startsWith(`${account}/`)) {
        ended.resolve();
      }
    }
  }

  say(line: string): void {
    this.screen.write(`${line}\n`);
  }

  async close(): Promise<void> {
    for (const account of this.accounts.keys()) {
      this.finish(account);
    }
    await this.running;
    this.accounts.clear();
    this.stacks.clear();
  }

  private update(account: string, stackId: string, news: Partial<StackLine>): void {
    const line = this.stacks.get(`${account}/${stackId}`);
    if (line !== undefined) {
      Object.assign(line, news);
      line.redraw();
    }
  }

  private stackTask(name: string, stackId: string) {
    return {
      title: stackId,
      task: async (_: unknown, task: TaskOfListr) => {
        const line = this.stacks.get(name);
        if (line === undefined) {
          return;
        }
        line.redraw = () => {
          task.title = line.doing === undefined ? stackId : `${stackId}: ${line.doing}`;
          task.output = line.last ?? "";
        };
        line.redraw();
        await line.ended.promise;
        if (line.failed) {
          throw new Error(line.doing);
        }
      },
    };
  }
}

/** listr2 looks at stdout, which may be a pipe, before it draws: the screen is known to be one. */
class ScreenRenderer extends DefaultRenderer {
  static override nonTTY = true;
}

type TaskOfListr = Parameters<ListrTask["task"]>[1];

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}
