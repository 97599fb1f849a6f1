/**
 * Plans and applies as Markdown. Only names, counts and addresses are shown: plans may hold secrets,
 * and so may the errors of Terraform, which go into the log of the job.
 */
import { type ResourceChange, shouts, showCounts } from "../rollout/stack-changes";
import type { ApplyReport, PlanReport } from "./report-schema";

interface ReportedStack {
  readonly stack: string;
  readonly status: string;
  readonly reason?: string | undefined;
  readonly changes: readonly ResourceChange[];
}

/** A plan for a pull request: counts, and what nobody must overlook; no digest, since comments can be edited. */
export function planComment(report: PlanReport | undefined): string {
  if (report === undefined) {
    return NOTHING_SAID;
  }
  return sections([
    ...report.accounts.flatMap(({ account, stacks }) => [
      `### ${account}`,
      table(stacks.map((stack) => [stack.stack, planned(stack)])),
      ...warning(stacks),
    ]),
    ...missing(report),
  ]);
}

/** A plan for those who approve it: every change, and the digest. */
export function planSummary(report: PlanReport | undefined): string {
  if (report === undefined) {
    return NOTHING_SAID;
  }
  const pending = report.accounts.filter(({ stacks }) =>
    stacks.some(({ status }) => status !== "unchanged"),
  );
  return sections([
    ...report.accounts.flatMap(({ account, stacks }) => [
      `### ${account}`,
      table(stacks.map((stack) => [stack.stack, planned(stack)])),
      ...warning(stacks),
      ...every(stacks),
    ]),
    ...missing(report),
    ...(pending.length === 0 || report.failures.length > 0
      ? []
      : [
          `To approve: \`${pending.map(({ account }) => account).join(" ")}\`, digest`,
          fenced(report.digest),
        ]),
  ]);
}

/** What an apply has done, and the digest of what waits for a second approval. */
export function applySummary(report: ApplyReport | undefined): string {
  if (report === undefined) {
    return NOTHING_SAID;
  }
  return sections([
    ...report.accounts.flatMap(({ account, stacks, failures, waiting }) => {
      const rest = stacks.filter(({ status }) => status === "waiting");
      return [
        `### ${account}`,
        ...(stacks.length === 0
          ? []
          : [table(stacks.map((stack) => [stack.stack, applied(stack)]))]),
        ...(failures.length === 0
          ? []
          : ["**FAILED.** The log of the job says why, and what to do."]),
        ...(waiting === undefined
          ? []
          : [
              "**Waits for a second approval**: these stacks could only be planned now.",
              ...warning(rest),
              ...every(rest),
              "Digest",
              fenced(waiting.digest),
            ]),
      ];
    }),
    ...(report.notStarted.length === 0 ? [] : [`Not started: ${report.notStarted.join(", ")}`]),
  ]);
}

/** Why accounts could not be planned. */
export function planErrors(report: PlanReport | undefined): string {
  return (report?.failures ?? []).map(({ account, text }) => `${account}: ${text}\n`).join("");
}

/** Why accounts could not be applied. */
export function applyErrors(report: ApplyReport | undefined): string {
  return (report?.accounts ?? [])
    .flatMap(({ account, stacks, failures }) =>
      [
        ...stacks.flatMap(({ status, reason }) =>
          ["failed", "stopped"].includes(status) ? (reason ?? []) : [],
        ),
        ...failures,
      ].map((text) => `${account}: ${text}\n`),
    )
    .join("");
}

const NOTHING_SAID =
  "**FAILED** before anything was planned or applied. The log of the job says why, and what to do.\n";

function missing({ failures, notStarted }: PlanReport): readonly string[] {
  return [
    ...failures.map(
      ({ account }) =>
        `### ${account}\n\n**Cannot be planned.** The log of the job says why, and what to do.`,
    ),
    ...(notStarted.length === 0 ? [] : [`Not planned: ${notStarted.join(", ")}`]),
  ];
}

function planned({ status, reason, changes }: ReportedStack): string {
  switch (status) {
    case "unchanged":
      return "no changes";
    case "planned":
      return showCounts(changes);
    default:
      return [`deferred: ${reason}`, ...(changes.length > 0 ? [showCounts(changes)] : [])].join(
        "; ",
      );
  }
}

function applied({ status, reason, changes }: ReportedStack): string {
  return [
    status,
    ...(changes.length > 0 ? [showCounts(changes)] : []),
    // The reason of a failure is Terraform's own text.
    ...(reason !== undefined && ["waiting", "not-started"].includes(status) ? [reason] : []),
  ].join("; ");
}

function warning(stacks: readonly ReportedStack[]): readonly string[] {
  const lines = stacks.flatMap(({ stack, changes }) => shouts(stack, changes));
  return lines.length === 0
    ? []
    : [["> [!CAUTION]", ...lines.map((line) => `> ${line}`)].join("\n")];
}

function every(stacks: readonly ReportedStack[]): readonly string[] {
  const lines = stacks.flatMap(({ stack, changes }) =>
    changes.map(({ action, address }) => `${stack}: ${action} ${address}`),
  );
  return lines.length === 0
    ? []
    : [
        `<details><summary>Every change (${lines.length})</summary>\n\n${fenced(lines.join("\n"))}\n\n</details>`,
      ];
}

function fenced(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``;
}

function table(rows: readonly (readonly [string, string])[]): string {
  return [
    "| stack | |",
    "|---|---|",
    ...rows.map(
      ([name, text]) => `| ${name} | ${text.replaceAll("|", "\\|").replaceAll("\n", " ")} |`,
    ),
  ].join("\n");
}

function sections(parts: readonly string[]): string {
  return `${parts.join("\n\n")}\n`;
}
