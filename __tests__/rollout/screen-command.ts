/** Draws progress on a screen and writes what it drew to stdout: jest cannot load what listr2 draws with. */
import { Writable } from "node:stream";
import { progressOf } from "../../cli/rollout/progress";

let text = "";
const screen = Object.assign(
  new Writable({
    write: (chunk, _, done) => {
      text += chunk;
      done();
    },
  }),
  { isTTY: true, columns: 100, rows: 50 },
);

async function draw(): Promise<void> {
  const progress = progressOf({
    out: () => {},
    err: () => {},
    env: {},
    interactive: true,
    nodeVersion: process.versions.node,
    screen: screen as unknown as NodeJS.WriteStream,
  });
  progress.start(["prod", "demo"]);
  progress.open("prod", ["keys", "notifications"]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  progress.begin("prod", "keys", "applying");
  progress.step("prod", "keys", "aws_kms_key.archive: Creation complete");
  await new Promise((resolve) => setTimeout(resolve, 300));
  progress.end("prod", "keys", "applied: 1 to add");
  progress.end("prod", "notifications", "failed", true);
  await progress.close();
  await progress.close();
}

void draw().then(() => process.stdout.write(JSON.stringify(text)));
