/** The question at the terminal: whoever goes away has approved nothing, and is not waited for. */
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { CommandIo } from "../../cli/io";
import { approve } from "../../cli/keyspan/approve";
import { startCommand } from "../../cli/run-command";

/** Milliseconds after which a question counts as waiting. */
const PATIENCE_MS = 1000;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A terminal's input. */
class Input extends PassThrough {
  readonly isTTY = true;
  isRaw = false;
  /** Whether the terminal is gone: as `tty.ReadStream` tells it then. */
  isGone = false;

  setRawMode(isRaw: boolean): this {
    if (this.isGone) {
      this.emit("error", Object.assign(new Error("setRawMode EIO"), { code: "EIO" }));
    } else {
      this.isRaw = isRaw;
    }
    return this;
  }
}

let input: Input;
let output: PassThrough;
let io: CommandIo;
beforeEach(() => {
  input = new Input();
  output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  jest.spyOn(process, "stdin", "get").mockReturnValue(input as never);
  jest.spyOn(process, "stderr", "get").mockReturnValue(output as never);
  // What else it listens to is not asked about here.
  jest.spyOn(process.stdout, "on").mockReturnThis();
  startCommand((_, given) => {
    io = given;
    return 0;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  for (const signal of SIGNALS) {
    process.removeAllListeners(signal);
  }
});

/** Asks for approval, lets something happen, and says how it ended. */
async function outcomeAfter(happens: () => void): Promise<boolean | "it waits"> {
  const approved = approve(io, "small", "apply this");
  happens();
  return Promise.race([approved, sleep(PATIENCE_MS, "it waits" as const, { ref: false })]);
}

test("a terminal is asked for the account's name", async () => {
  expect(io.interactive).toBe(true);
  expect(await outcomeAfter(() => input.write("small\r"))).toBe(true);
  expect(String(output.read())).toContain("To apply this, type the account's name (small): ");
  expect(await outcomeAfter(() => input.write("yes\r"))).toBe(false);
  expect(await outcomeAfter(() => input.write("\r"))).toBe(false);
});

test.each<readonly [string, () => void]>([
  ["its input ends", () => input.end()],
  ["its input ends after the name, without Enter", () => input.end("small")],
  ["its input is closed", () => input.destroy()],
  ["its input fails", () => input.destroy(new Error("read EIO"))],
  ["Ctrl-C is pressed after the name", () => input.write("small\x03")],
  ["Ctrl-D is pressed", () => input.write("\x04")],
  [
    "the terminal is gone, so that it cannot be given back as it was",
    () => {
      input.isGone = true;
      input.end("small");
    },
  ],
])("%s: not approved", async (_, happens) => {
  expect(await outcomeAfter(happens)).toBe(false);
});

test.each(SIGNALS)("%s comes after the name was typed: not approved", async (signal) => {
  const listeners = SIGNALS.map((one) => process.listenerCount(one));
  expect(
    await outcomeAfter(() => {
      input.write("small");
      process.emit(signal, signal);
    }),
  ).toBe(false);
  expect(SIGNALS.map((one) => process.listenerCount(one))).toEqual(listeners);
  expect(input.isRaw).toBe(false);
});

test("an input that has ended before: not approved", async () => {
  input.end();
  input.resume();
  await new Promise((resolve) => input.once("close", resolve));
  expect(await outcomeAfter(() => {})).toBe(false);
});
