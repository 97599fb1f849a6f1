/**
 * Plans, applies and statuses as Markdown. Only names, counts and addresses are shown: plans may hold
 * secrets, and so may the errors of Terraform, which go into the log of the job.
 */
import { type ResourceChange, shouts, showCounts } from "../rollout/stack-changes";
import { describeVanished } from "../rollout/vanished-stacks";
import type { ApplyReport, PlanReport, StatusReport } from "./report-schema";

interface ReportedStack {
  readonly stack: string;
  readonly status: string;
  readonly reason?: string | undefined;
  readonly changes: readonly ResourceChange[];
}

type ReportedStatus = Extract<
  StatusReport["accounts"][number],
  { readonly stacks: unknown }
>["stacks"][number];

/** A plan for a pull request: counts, and what nobody must overlook. */
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

/**
 * A plan for a job: every change. Only with plans that were uploaded goes the digest that is to be
 * approved: the plans of a pull request are made by its own code.
 */
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
    ...(!report.uploaded || pending.length === 0 || report.failures.length > 0
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

/** How accounts stand: of each stack in a line, and everything that is not as it should be. */
export function statusSummary(report: StatusReport | undefined): string {
  if (report === undefined) {
    return NOTHING_SAID;
  }
  return sections([
    ...report.accounts.flatMap((account) =>
      "failure" in account
        ? [
            `### ${account.account}`,
            "**Cannot be looked at.** The log of the job says why, and what to do.",
          ]
        : [
            `### ${account.account}`,
            table(account.stacks.map((stack) => [stack.stack, standing(stack)])),
            ...listed("Not as it should be", [
              ...account.stacks.flatMap(deviations),
              ...account.vanished.map(describeVanished),
              ...account.locks.map(
                ({ on, id, who, operation, created }) =>
                  `${on}: locked by ${who} for ${operation} since ${created}, lock ${id}`,
              ),
            ]),
          ],
    ),
    ...(report.notStarted.length === 0 ? [] : [`Not looked at: ${report.notStarted.join(", ")}`]),
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

/** Why accounts, or stacks of them, could not be looked at. */
export function statusErrors(report: StatusReport | undefined): string {
  return (report?.accounts ?? [])
    .flatMap((account) =>
      ("failure" in account
        ? [account.failure]
        : account.stacks.flatMap(({ failed, unknown }) => (failed === true ? (unknown ?? []) : []))
      ).map((text) => `${account.account}: ${text}\n`),
    )
    .join("");
}

const NOTHING_SAID =
  "**FAILED** before anything was planned, applied or looked at. The log of the job says why, and what to do.\n";

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

function standing({
  deployed,
  resources,
  drift,
  pending,
  waiting,
  unknown,
  failed,
}: ReportedStatus): string {
  if (!deployed) {
    return "never deployed";
  }
  const found = [
    // The reason of a failure is Terraform's own text.
    ...(failed === true
      ? ["**FAILED**: the log of the job says why, and what to do"]
      : unknown === undefined
        ? []
        : [unknown]),
    ...(drift.length > 0 ? [`${drift.length} changed in AWS`] : []),
    ...(waiting ? [`waiting: ${pending.length === 0 ? "outputs" : showCounts(pending)}`] : []),
  ];
  return [`${resources} resources`, ...(found.length === 0 ? ["as its file says"] : found)].join(
    "; ",
  );
}

function deviations({ stack, drift, pending, unconfirmed }: ReportedStatus): readonly string[] {
  return [
    ...drift.map(
      ({ address, action, arguments: changed }) =>
        `changed in AWS: ${address} ${action === "delete" ? "is gone" : `(${changed.join(", ")})`}`,
    ),
    ...pending.map(({ address, action }) => `an apply would ${action} ${address}`),
    ...unconfirmed.map((subscription) => `not confirmed: ${subscription}`),
  ].map((line) => `${stack}: ${line}`);
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
  return listed("Every change", lines);
}

function listed(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0
    ? []
    : [
        `<details><summary>${title} (${lines.length})</summary>\n\n${fenced(lines.join("\n"))}\n\n</details>`,
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
