import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { CommandIo } from "../../cli/io";
import { progressOf } from "../../cli/rollout/progress";

const io = (props: Partial<CommandIo>): CommandIo => ({
  out: () => {},
  err: () => {},
  env: {},
  interactive: false,
  nodeVersion: "20.20.2",
  ...props,
});

test("without a screen there is a plain line for each thing that happens", async () => {
  const lines: string[] = [];
  const progress = progressOf(io({ err: (text) => lines.push(text) }));
  progress.start(["prod"]);
  progress.open("prod", ["keys"]);
  progress.begin("prod", "keys", "planning");
  progress.step("prod", "keys", "aws_kms_key.archive: Creation complete");
  progress.end("prod", "keys", "1 to add");
  progress.say("that was it");
  await progress.close();
  expect(lines).toEqual([
    "prod/keys: planning\n",
    "prod/keys: aws_kms_key.archive: Creation complete\n",
    "prod/keys: 1 to add\n",
    "that was it\n",
  ]);
});

test("a screen shows each account with its stacks, and how each ended; stdout may be a pipe", () => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--require", require.resolve("tsx/cjs"), join(__dirname, "screen-command.ts")],
    { encoding: "utf8" },
  );
  expect(stderr).toBe("");
  const drawn = String(JSON.parse(stdout));
  for (const words of [
    "prod",
    "demo",
    "keys: applying",
    "aws_kms_key.archive: Creation complete",
    "keys: applied: 1 to add",
    "notifications: failed",
  ]) {
    expect(drawn).toContain(words);
  }
});
