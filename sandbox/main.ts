/** The sandbox's commands: `npm run sandbox -- up demo` and so on. */
import type { Command } from "../cli/io";
import { runCommand } from "../cli/run-command";
import { alert } from "./commands/alert";
import { apply } from "./commands/apply";
import { cdktf } from "./commands/cdktf";
import { destroy } from "./commands/destroy";
import { down } from "./commands/down";
import { drift } from "./commands/drift";
import { importObject } from "./commands/import";
import { keyspan } from "./commands/keyspan";
import { plan } from "./commands/plan";
import { show } from "./commands/show";
import { untaint } from "./commands/untaint";
import { up } from "./commands/up";

const COMMANDS: Readonly<Record<string, Command>> = {
  alert,
  apply,
  cdktf,
  destroy,
  down,
  drift,
  import: importObject,
  keyspan,
  plan,
  show,
  untaint,
  up,
};

runCommand(COMMANDS);
