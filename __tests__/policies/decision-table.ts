/** Tables of requests with what must be decided, and how a policy measures up to them. */
import {
  accountOf,
  actionMatches,
  decide,
  FULL_ADMIN,
  type PolicyDocument,
  type PolicyStatement,
  type Principal,
  type Request,
  type RequestContext,
  showPrincipal,
} from "../helpers/iam";

/**
 * everything-allowed: one more statement allows everybody everything, so that only denials are left.
 * no-denials: all denials are gone, so that only grants are left.
 */
export type Alteration = "everything-allowed" | "no-denials";

/** One cell: a request, and whether it must be allowed. */
export interface Cell {
  /** Who or what the cell is about; cells of one topic make one test. */
  readonly topic: string;
  readonly principal: Principal;
  readonly action: string;
  readonly context: RequestContext;
  /** Whether the principal's own account allows it everything. */
  readonly fullAdmin: boolean;
  readonly allowed: boolean;
  /** How the policy is altered before the decision, to see what one part of it does by itself. */
  readonly alteration?: Alteration;
  /** ARN of what is asked about, or `*`. @default - what the policy belongs to */
  readonly resource?: string;
}

/** A policy and the resource that it belongs to. `undefined`: the resource has no policy. */
export interface Subject {
  readonly resource: string;
  readonly policy: PolicyDocument | undefined;
  /** Whether it is the policy of the role itself, not that of a resource. @default false */
  readonly isIdentityPolicy?: boolean;
}

/** Collects the cells of one resource. */
export class Table {
  readonly cells: Cell[] = [];

  /** @param account - account that owns the resource */
  constructor(
    private readonly account: string,
    /** Actions that the resource leaves to IAM in its own account, whatever its policy grants. */
    private readonly leftToIam: (action: string) => boolean,
  ) {}

  /** Adds a cell as it is. */
  add(cell: Cell): void {
    this.cells.push(cell);
  }

  /**
   * The policy alone must grant this: no identity policy helps.
   *
   * A principal of another account has one, since it can do nothing without.
   */
  granted(topic: string, principal: Principal, action: string, context: RequestContext = {}): void {
    this.add({
      topic,
      principal,
      action,
      context,
      fullAdmin: this.isForeign(principal) || principal.kind === "root",
      allowed: true,
    });
  }

  /**
   * The policy must not grant this.
   *
   * Decided for the principal in the strongest position, one whose own account allows everything. What
   * is left to IAM in the resource's own account must be allowed then, and not without.
   */
  refused(topic: string, principal: Principal, action: string, context: RequestContext = {}): void {
    const leftToIam =
      accountOf(principal) === this.account &&
      this.leftToIam(action.slice(action.indexOf(":") + 1));
    const cell = { topic, principal, action, context };
    if (principal.kind === "service" || principal.kind === "anonymous") {
      this.add({ ...cell, fullAdmin: false, allowed: false });
    } else {
      this.add({ ...cell, fullAdmin: true, allowed: leftToIam });
      if (leftToIam && principal.kind !== "root") {
        this.add({ ...cell, fullAdmin: false, allowed: false });
      }
    }
  }

  /** {@link granted} or {@link refused}. */
  expect(
    isGranted: boolean,
    topic: string,
    principal: Principal,
    action: string,
    context: RequestContext = {},
  ): void {
    if (isGranted) {
      this.granted(topic, principal, action, context);
    } else {
      this.refused(topic, principal, action, context);
    }
  }

  private isForeign(principal: Principal): boolean {
    const account = accountOf(principal);
    return account !== undefined && account !== this.account;
  }
}

/** Decides a cell. @returns what is wrong with the decision, or `undefined` */
export async function problemOf(cell: Cell, subject: Subject): Promise<string | undefined> {
  const { principal, action, context, fullAdmin, allowed, topic } = cell;
  const resource = cell.resource ?? subject.resource;
  if (subject.isIdentityPolicy === true && !allowed && !isAbout(subject.policy, action)) {
    // Nobody may do what no statement is about: most of what a role is asked for.
    return undefined;
  }
  const decision = await decide({
    principal,
    action,
    resource,
    context,
    ...(subject.isIdentityPolicy === true
      ? ofIdentity(cell, subject.policy)
      : ofResource(cell, subject.policy)),
  });
  return decision.allowed === allowed
    ? undefined
    : `${topic}: ${showPrincipal(principal)}${fullAdmin ? " (full admin)" : ""} ${action} on ${resource} with ${JSON.stringify(
        context,
      )} must be ${allowed ? "allowed" : "denied"}, is ${decision.result} by ${decision.because.join(", ")}`;
}

function isAbout(policy: PolicyDocument | undefined, action: string): boolean {
  return (policy?.Statement ?? []).some(({ Action }) =>
    [Action].flat().some((pattern) => actionMatches(action, pattern)),
  );
}

type Policies = Pick<Request, "identityPolicies" | "resourcePolicy">;

function ofResource({ fullAdmin, alteration }: Cell, policy: PolicyDocument | undefined): Policies {
  const resourcePolicy = alteration === undefined ? policy : altered(policy, alteration);
  return {
    identityPolicies: fullAdmin ? [FULL_ADMIN] : [],
    ...(resourcePolicy !== undefined && { resourcePolicy }),
  };
}

/** The role's policy alone decides: whatever it asks for leaves all to the IAM of the role's account. */
function ofIdentity({ principal, action }: Cell, policy: PolicyDocument | undefined): Policies {
  const identityPolicies = policy === undefined ? [] : [policy];
  // Roles are never left to IAM.
  return action === "sts:AssumeRole"
    ? { identityPolicies }
    : { identityPolicies, resourcePolicy: leftToIam(principal) };
}

const delegations = new Map<string, PolicyDocument>();

function leftToIam(principal: Principal): PolicyDocument {
  const [, partition = "", , , account = ""] = "arn" in principal ? principal.arn.split(":") : [];
  const root = `arn:${partition}:iam::${account}:root`;
  const known = delegations.get(root);
  if (known !== undefined) {
    return known;
  }
  const policy = {
    Version: "2012-10-17",
    Statement: [{ ...EVERYTHING, Principal: { AWS: root } }],
  };
  delegations.set(root, policy);
  return policy;
}

/** What is wrong with the decisions of all cells. */
export async function problemsOf(cells: readonly Cell[], subject: Subject): Promise<string[]> {
  const problems: string[] = [];
  for (const cell of cells) {
    const problem = await problemOf(cell, subject);
    if (problem !== undefined) {
      problems.push(problem);
    }
  }
  return problems;
}

/** Cells by topic, in order of appearance. */
export function byTopic(cells: readonly Cell[]): ReadonlyMap<string, readonly Cell[]> {
  const topics = new Map<string, Cell[]>();
  for (const cell of cells) {
    const known = topics.get(cell.topic);
    if (known === undefined) {
      topics.set(cell.topic, [cell]);
    } else {
      known.push(cell);
    }
  }
  return topics;
}

const alterations: Readonly<Record<Alteration, WeakMap<PolicyDocument, PolicyDocument>>> = {
  "everything-allowed": new WeakMap(),
  "no-denials": new WeakMap(),
};

const EVERYTHING: PolicyStatement = {
  Sid: "Everything",
  Effect: "Allow",
  Principal: "*",
  Action: "*",
  Resource: "*",
};

function altered(
  policy: PolicyDocument = { Version: "2012-10-17", Statement: [] },
  alteration: Alteration,
): PolicyDocument {
  const known = alterations[alteration].get(policy);
  if (known !== undefined) {
    return known;
  }
  const document: PolicyDocument = {
    ...policy,
    Statement:
      alteration === "everything-allowed"
        ? [...policy.Statement, EVERYTHING]
        : policy.Statement.filter(({ Effect }) => Effect !== "Deny"),
  };
  alterations[alteration].set(policy, document);
  return document;
}
