/** Stopping in order: the first signal is passed on to Terraform, once; a second would cost its state. */
import type { ChildProcess } from "node:child_process";

/** Whether somebody has asked to stop, and who has to hear of it. */
export class StopRequest {
  private signal: NodeJS.Signals | undefined;
  private readonly children = new Set<ChildProcess>();
  private readonly listeners = new Map<NodeJS.Signals, () => void>();

  /** @param say - tells the person what happens */
  constructor(private readonly say: (line: string) => void) {}

  /** Whether nothing more should be started. */
  get requested(): boolean {
    return this.signal !== undefined;
  }

  /** Listens for SIGINT, SIGTERM and SIGHUP until {@link close}. */
  listen(): void {
    // SIGHUP: the terminal is gone, a connection above all.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      const listener = () => this.request(signal);
      this.listeners.set(signal, listener);
      process.on(signal, listener);
    }
  }

  /** Stops listening. */
  close(): void {
    for (const [signal, listener] of this.listeners) {
      process.off(signal, listener);
    }
    this.listeners.clear();
  }

  /** Asks to stop. A second time changes nothing. */
  request(signal: NodeJS.Signals): void {
    if (this.signal !== undefined) {
      this.say("Still stopping: Terraform writes its state. Killing it now would lose that.");
      return;
    }
    this.signal = signal;
    this.say(
      this.children.size === 0
        ? "Stopping."
        : "Stopping: what Terraform has begun ends first, and its state is written.",
    );
    for (const child of this.children) {
      // To the program, not to its group: its provider must live until Terraform is done with it.
      child.kill("SIGINT");
    }
  }

  /** Watches over a running program: it hears of a stop once, even one that was asked for before. */
  add(child: ChildProcess): void {
    this.children.add(child);
    child.once("exit", () => this.children.delete(child));
    if (this.requested) {
      child.kill("SIGINT");
    }
  }
}
