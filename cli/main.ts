/** The operator's commands: `npm run deploy`, `npm run ledger` and so on run this with the command's name first. */
import { awsConfig } from "./commands/aws-config";
import { deploy } from "./commands/deploy";
import { destroy } from "./commands/destroy";
import { diff } from "./commands/diff";
import { ledger } from "./commands/ledger";
import { preview } from "./commands/preview";
import { schema } from "./commands/schema";

import type { Command } from "./io";
import { runCommand } from "./run-command";

const COMMANDS: Readonly<Record<string, Command>> = {
  "aws-config": awsConfig,
  deploy,
  destroy,
  diff,
  ledger,
  preview,
  schema,
};

runCommand(COMMANDS);
