/** What the doctor finds: one sentence each, with what to do about it. */

/**
 * How bad it is. `problem`: the first apply would fail, or leave something that does not work.
 * `unknown`: it could not be looked at, or cannot be from this account.
 */
export type FindingLevel = "ok" | "warning" | "problem" | "unknown";

/** What was looked at. */
export type Subject = "account" | "regions" | "state" | "roles" | "names" | "quotas" | "trail";

/** One finding. */
export interface Finding {
  readonly subject: Subject;
  readonly level: FindingLevel;
  /** Only where it is about one region. */
  readonly region?: string;
  /** `<where>: <input> must <rule>, got <value>`; what is in order says what was found. */
  readonly message: string;
  /** A command or a setting. Only what is in order has none. */
  readonly fix?: string;
}

/** The levels, what needs work first. */
export const LEVELS = ["problem", "warning", "unknown", "ok"] as const satisfies FindingLevel[];

/** How many findings there are of each level. */
export function countLevels(findings: readonly Finding[]): Readonly<Record<FindingLevel, number>> {
  const count = (level: FindingLevel) => findings.filter((found) => found.level === level).length;
  return {
    problem: count("problem"),
    warning: count("warning"),
    unknown: count("unknown"),
    ok: count("ok"),
  };
}

/** The findings as a person reads them, what needs work first, a line each and one for its fix. */
export function renderFindings(findings: readonly Finding[]): string {
  return LEVELS.flatMap((level) =>
    findings
      .filter((found) => found.level === level)
      .flatMap(({ message, fix }) => [
        `${level.padEnd(8)} ${message}`,
        ...(fix === undefined ? [] : [`${" ".repeat(9)}-> ${fix}`]),
      ]),
  )
    .map((line) => `${line}\n`)
    .join("");
}
