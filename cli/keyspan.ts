/** The rollout: `npm run keyspan -- <command>` plans and applies accounts, and says how they stand. */
import { runKeyspan } from "./keyspan/program";
import { startCommand } from "./run-command";

startCommand(runKeyspan);
