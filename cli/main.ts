/** The operator's commands: `npm start`, `npm run ledger` and so on run this with the command's name first. */
import { ValidationError } from "../modules/errors";
import { awsConfig } from "./commands/aws-config";
import { deploy } from "./commands/deploy";
import { destroy } from "./commands/destroy";
import { diff } from "./commands/diff";
import { ledger } from "./commands/ledger";
import { schema } from "./commands/schema";
import { start } from "./commands/start";
import type { Command, CommandIo } from "./io";

const COMMANDS: Readonly<Record<string, Command>> = {
  "aws-config": awsConfig,
  deploy,
  destroy,
  diff,
  ledger,
  schema,
  start,
};

async function main(argv: readonly string[], io: CommandIo): Promise<number> {
  const [name = "", ...rest] = argv;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    io.err(`the command must be one of ${Object.keys(COMMANDS).join(", ")}, got '${name}'\n`);
    return 1;
  }
  try {
    return await command(rest, io);
  } catch (error) {
    if (!(error instanceof ValidationError)) {
      throw error;
    }
    io.err(`${error.message}\n`);
    return 1;
  }
}

void main(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  env: process.env,
  interactive: process.stdin.isTTY === true,
  nodeVersion: process.versions.node,
}).then((code) => {
  process.exitCode = code;
});
