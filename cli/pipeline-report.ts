/** `cli/pipeline-report.ts <form> <file>`: what a workflow shows of the JSON of a plan or an apply. */
import { reportCommand } from "./pipeline/report-command";
import { startCommand } from "./run-command";

startCommand(reportCommand);
