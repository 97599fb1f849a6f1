/** `cli/pipeline-report.ts <form> <file>`: what a workflow shows of the JSON of a plan, an apply or a status. */
import { reportCommand } from "./pipeline/report-command";
import { startCommand } from "./run-command";

startCommand(reportCommand);
