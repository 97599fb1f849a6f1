import { existsSync, readFileSync } from "node:fs";
import type * as z from "zod";
import { showValue, ValidationError } from "../../modules/errors";
import type { Command } from "../io";
import { applyReportSchema, planReportSchema, statusReportSchema } from "./report-schema";
import {
  applyErrors,
  applySummary,
  planComment,
  planErrors,
  planSummary,
  statusErrors,
  statusSummary,
} from "./report-text";

/** What is made of a file: Markdown, and errors for the log. */
interface Rendered {
  readonly markdown: string;
  readonly errors: string;
}

const FORMS: Readonly<Record<string, (file: string) => Rendered>> = {
  "plan-comment": (file) => {
    const report = parse(file, planReportSchema);
    return { markdown: planComment(report), errors: "" };
  },
  "plan-summary": (file) => {
    const report = parse(file, planReportSchema);
    return { markdown: planSummary(report), errors: planErrors(report) };
  },
  "apply-summary": (file) => {
    const report = parse(file, applyReportSchema);
    return { markdown: applySummary(report), errors: applyErrors(report) };
  },
  "status-summary": (file) => {
    const report = parse(file, statusReportSchema);
    return { markdown: statusSummary(report), errors: statusErrors(report) };
  },
};

/**
 * Prints the JSON of `npm run keyspan -- plan`, `apply` or `status` as Markdown for people:
 * `plan-comment` for a pull request; `plan-summary`, `apply-summary` and `status-summary` for a job,
 * with what went wrong on stderr. An empty file stands for a command that failed before it could say
 * anything.
 *
 * @returns 0; 1 if the command line is wrong or the file is not what the form takes
 */
export const reportCommand: Command = (argv, io) => {
  const [form = "", file = "", ...surplus] = argv;
  const render = Object.hasOwn(FORMS, form) ? FORMS[form] : undefined;
  try {
    if (render === undefined || file === "" || surplus.length > 0) {
      throw new ValidationError(
        `pipeline-report: the arguments must be one of ${Object.keys(FORMS).join(", ")} and a file, got ${showValue(argv.join(" "))}; correct them`,
      );
    }
    const { markdown, errors } = render(file);
    io.out(markdown);
    io.err(errors);
    return 0;
  } catch (error) {
    if (!(error instanceof ValidationError)) {
      throw error;
    }
    io.err(`${error.message}\n`);
    return 1;
  }
};

/** What the file holds; `undefined` if it is empty. */
function parse<T>(file: string, schema: z.ZodType<T>): T | undefined {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (text.trim() === "") {
    return undefined;
  }
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new ValidationError(
      `${file}: it must be what the command prints with --json, got ${showValue(text)}; look at the log of the command`,
    );
  }
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
