/** What all checks of the doctor know, and how one that fails does not stop the others. */
import type { AccountConfig } from "../../config/account-config";
import { roleArnOf } from "../aws-access";
import { CallFailure, type DoctorCalls } from "./aws-calls";
import type { Finding, Subject } from "./findings";
import type { OwnedResources, PlannedResource } from "./planned-resources";

/** What a check works with. */
export interface Examination {
  readonly account: AccountConfig;
  readonly calls: DoctorCalls;
  /** What the account's stacks hold. */
  readonly planned: readonly PlannedResource[];
  /** What of it the states hold; nothing if the states could not be read. */
  readonly owned: OwnedResources | undefined;
  /** Takes what could not be looked at. */
  readonly gaps: Gaps;
}

/** A look at one thing. */
export interface Check {
  readonly subject: Subject;
  readonly region?: string;
  /** What it looks at, as messages name it, such as `the aliases`. */
  readonly looksAt: string;
  /** @throws {CallFailure} if AWS does not answer: that is a finding of its own */
  readonly run: () => Promise<readonly Finding[]>;
}

/** Checks that run at a time: AWS throttles IAM and Service Quotas first. */
const CHECKS_AT_A_TIME = 8;

/**
 * Runs checks, some at a time. What they find comes in the order of the checks.
 *
 * @throws what a check throws that is no {@link CallFailure}: a mistake of ours
 */
export async function runChecks(checks: readonly Check[], gaps: Gaps): Promise<readonly Finding[]> {
  const found: (readonly Finding[])[] = [];
  const waiting = [...checks.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, check] = next;
      found[index] = await runCheck(check, gaps);
    }
  };
  await Promise.all(Array.from({ length: CHECKS_AT_A_TIME }, work));
  return found.flat();
}

async function runCheck(check: Check, gaps: Gaps): Promise<readonly Finding[]> {
  try {
    return await check.run();
  } catch (error) {
    if (!(error instanceof CallFailure)) {
      throw error;
    }
    gaps.add(check, error);
    return [];
  }
}

/** What could not be looked at, and why. One missing right is told once, however often it is missed. */
export class Gaps {
  private readonly failed: { readonly check: Omit<Check, "run">; readonly failure: CallFailure }[] =
    [];

  constructor(private readonly account: AccountConfig) {}

  /** Notes that something could not be looked at. */
  add(check: Omit<Check, "run">, failure: CallFailure): void {
    this.failed.push({ check, failure });
  }

  /** A finding for each reason. */
  findings(): readonly Finding[] {
    const groups = new Map<string, typeof this.failed>();
    for (const each of this.failed) {
      const { action, role, code, message, isDenied } = each.failure;
      const reason = [each.check.subject, action, role, code, isDenied ? "" : message].join(" ");
      groups.set(reason, [...(groups.get(reason) ?? []), each]);
    }
    // In an order that does not depend on which call failed first.
    return [...groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, group]) => {
        const [first] = group;
        if (first === undefined) {
          return [];
        }
        const regions = unique(group.flatMap(({ check: { region } }) => region ?? []));
        const [region] = regions;
        return {
          subject: first.check.subject,
          level: "unknown" as const,
          ...(region !== undefined && regions.length === 1 && { region }),
          ...this.worded(
            regions.join(", ") || this.account.workspace,
            unique(group.map(({ check }) => check.looksAt)).join(", "),
            first.failure,
          ),
        };
      });
  }

  private worded(
    where: string,
    looksAt: string,
    failure: CallFailure,
  ): Pick<Finding, "message" | "fix"> {
    const { action, role, code } = failure;
    const { workspace } = this.account;
    if (failure.isTimeout) {
      return {
        message: `${where}: ${action} must answer for a look at ${looksAt}, got no answer in time`,
        fix: "check the way from here to AWS (proxy, firewall, VPC endpoints), then run doctor again",
      };
    }
    if (failure.isDenied) {
      return {
        message: `${where}: ${roleArnOf(this.account, role)} must be allowed ${action} for a look at ${looksAt}, got ${code}`,
        fix: `allow ${action}: npm run keyspan -- permissions ${workspace} --role ${role} prints the role's policy`,
      };
    }
    return {
      message: `${where}: ${action} must succeed for a look at ${looksAt}, got ${code}: ${shortened(failure.message)}`,
      fix: "run doctor again; if it stays, the message is AWS's own",
    };
  }
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}

/** Longest message of AWS that is repeated, in characters. */
const LONGEST_MESSAGE = 200;

/** A message of AWS on one line. */
export function shortened(message: string): string {
  const line = message.replace(/\s+/g, " ").trim();
  return line.length > LONGEST_MESSAGE ? `${line.slice(0, LONGEST_MESSAGE)}…` : line;
}
