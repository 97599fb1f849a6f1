/**
 * Decides a request against policies, as IAM documents it.
 *
 * Requests are those of roles that AWS services take, and of the services themselves. Service control
 * policies, permissions boundaries and session policies are not known here.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import { showValue, ValidationError } from "../../modules/errors";
import { accountRootArn, arn, parseArn } from "../../modules/partition";
import { AwsError } from "../aws/aws-error";
import { type PolicyRules, type PolicyStatement, parsePolicy } from "../aws/policy";
import {
  type ConditionResult,
  checkConditions,
  ENCRYPTION_CONTEXT_KEYS,
  ENCRYPTION_CONTEXT_PREFIX,
  hasArnForm,
  type KnownContext,
  knownContext,
  matchesArn,
  matchesWildcards,
  type RequestContext,
  refuseVariables,
} from "./conditions";

/** A policy, and what messages call it. */
export interface NamedPolicy {
  /** Such as `policy of topic keyspan-alerts`. */
  readonly name: string;
  /** JSON text. */
  readonly text: string;
}

/** A session of a role. */
export interface RoleSession {
  readonly kind: "role";
  readonly roleArn: string;
  readonly sessionName: string;
  /** The role's own policies. */
  readonly identityPolicies: readonly NamedPolicy[];
}

/** An AWS service that acts for itself. */
export interface ServicePrincipal {
  readonly kind: "service";
  /** Such as `events.amazonaws.com`. */
  readonly name: string;
  /** ARN of the resource for which it acts. @default - it says none */
  readonly sourceArn?: string | undefined;
  /** Account of that resource. @default - it says none */
  readonly sourceAccount?: string | undefined;
}

/** Who makes a request. */
export type RequestPrincipal = RoleSession | ServicePrincipal;

/** A request, and the policies that decide it. */
export interface AuthorizationRequest {
  readonly principal: RequestPrincipal;
  /** Such as `sns:Publish`. */
  readonly action: string;
  /** ARN without wildcards. */
  readonly resourceArn: string;
  /** Account that owns the resource. @default - the one in its ARN */
  readonly resourceAccount?: string;
  /** Policy of the resource; of a key its key policy, of a role its trust policy. @default - it has none */
  readonly resourcePolicy?: NamedPolicy | undefined;
  /** Region of the request. @default - the one in the resource's ARN */
  readonly region?: string;
  /** What the request carries beyond what follows from the principal and the resource. */
  readonly context?: RequestContext;
  /** Encryption context of a request to KMS. @default - none */
  readonly encryptionContext?: Readonly<Record<string, string>>;
}

/** What was decided, and why. */
export interface AuthorizationDecision {
  readonly allowed: boolean;
  readonly result: "Allowed" | "ExplicitlyDenied" | "ImplicitlyDenied";
  /** In words: which statement allows or denies it, or what allows nothing. */
  readonly reason: string;
  /** The statements that decided, as `<policy>: <Sid>`. */
  readonly statements: readonly string[];
}

/**
 * Decides one request.
 *
 * A denial wins. In one account, the principal's policies or the resource's allow; a key and a role
 * are there for nobody whom their own policy does not name, and if it names the account only, then
 * the principal's policies must allow it too. Between accounts both must allow. A service is allowed
 * by the resource's policy alone.
 *
 * @throws {ValidationError} if a policy is none, or has something that is not decided here:
 *   `NotPrincipal`, a federated principal, a policy variable, an operator of another kind, or a
 *   condition on a key of which the request says nothing
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
 */
export function authorize(request: AuthorizationRequest): AuthorizationDecision {
  const { principal, resourcePolicy } = request;
  const owner = ownerOf(request);
  const context = knownContext(completeContext(request, owner));
  const judged = [
    ...(resourcePolicy === undefined ? [] : judge(resourcePolicy, "resource", request, context)),
    ...(principal.kind === "role" ? principal.identityPolicies : []).flatMap((policy) =>
      judge(policy, "identity", request, context),
    ),
  ];
  const atBest = decideOn(request, owner, judged, "Allow");
  const atWorst = decideOn(request, owner, judged, "Deny");
  if (atBest.allowed !== atWorst.allowed) {
    const [statement, key] =
      judged.flatMap((candidate) =>
        candidate.unknown.map((name) => [nameOf(candidate), name]),
      )[0] ?? [];
    throw new ValidationError(
      `${statement}: its condition must be on a key that the request is known to carry or not to carry, got ${showValue(key)}; give its value with the request`,
    );
  }
  const decision = atBest.allowed ? atWorst : atBest;
  return decision.result === "ImplicitlyDenied"
    ? { ...decision, reason: reasonOfNothing(request, owner, judged) }
    : decision;
}

/**
 * The decision, if of the statements with conditions on unknown keys those of one effect hold, and
 * those of the other do not.
 */
function decideOn(
  request: AuthorizationRequest,
  owner: string,
  judged: readonly Judged[],
  assumed: Judged["effect"],
): AuthorizationDecision {
  const effective = judged.filter(
    ({ effect, unmet, unknown }) =>
      unmet.length === 0 && (unknown.length === 0 || effect === assumed),
  );
  const denying = effective.filter(({ effect }) => effect === "Deny");
  if (denying.length > 0) {
    return {
      allowed: false,
      result: "ExplicitlyDenied",
      reason: `${list(denying)} denies it`,
      statements: denying.map(nameOf),
    };
  }
  const allowing = effective.filter(({ effect }) => effect === "Allow");
  const granting = grantingStatements(request, owner, allowing);
  return granting.length > 0
    ? {
        allowed: true,
        result: "Allowed",
        reason: `${list(granting)} allows it`,
        statements: granting.map(nameOf),
      }
    : { allowed: false, result: "ImplicitlyDenied", reason: "", statements: [] };
}

/** A statement that is about the request, and what of its conditions the request does not meet. */
interface Judged extends ConditionResult {
  readonly policy: string;
  readonly sid: string;
  readonly kind: PolicyKind;
  readonly effect: "Allow" | "Deny";
  /** Whether it names the principal, or only its account. */
  readonly names: "principal" | "account";
}

type PolicyKind = "identity" | "resource";

/** Those of the allowing statements that make up an allowance; none if they do not suffice. */
function grantingStatements(
  { principal, resourceArn }: AuthorizationRequest,
  owner: string,
  allowing: readonly Judged[],
): readonly Judged[] {
  const own = allowing.filter(({ kind }) => kind === "resource");
  const identity = allowing.filter(({ kind }) => kind === "identity");
  const direct = own.filter(({ names }) => names === "principal");
  if (principal.kind === "service") {
    return direct;
  }
  if (accountOf(principal.roleArn) !== owner) {
    return own.length > 0 && identity.length > 0 ? [...own, ...identity] : [];
  }
  if (direct.length > 0) {
    return direct;
  }
  if (decidesAlone(resourceArn)) {
    return own.length > 0 && identity.length > 0 ? [...own, ...identity] : [];
  }
  return identity;
}

const BOUND_TO_ROLES = /^\S+ aws:PrincipalArn /i;

function reasonOfNothing(
  { principal, action, resourceArn, resourcePolicy }: AuthorizationRequest,
  owner: string,
  judged: readonly Judged[],
): string {
  const allowing = judged.filter(({ effect }) => effect === "Allow");
  const isElsewhere = principal.kind === "role" && accountOf(principal.roleArn) !== owner;
  const leaving = allowing.filter(
    ({ kind, unmet, unknown }) => kind === "resource" && unmet.length + unknown.length === 0,
  );
  // What is bound to other roles was not meant for this one, and a key's policy is full of it.
  const almost = allowing
    .filter(({ unmet }) => unmet.length > 0 && !unmet.some((text) => BOUND_TO_ROLES.test(text)))
    .map((statement) => `${nameOf(statement)} would, but not ${statement.unmet.join(" and ")}`);
  const ownName = resourcePolicy?.name ?? `policy of ${resourceArn}, which has none`;
  const identityName = `policy of ${principal.kind === "role" ? principal.roleArn : principal.name}`;
  const nothing =
    principal.kind === "service" || (decidesAlone(resourceArn) && leaving.length === 0)
      ? `nothing in the ${ownName} allows ${action}`
      : leaving.length > 0 && (isElsewhere || decidesAlone(resourceArn))
        ? `${list(leaving)} leaves it to IAM, and nothing in the ${identityName} allows ${action}`
        : isElsewhere
          ? `the ${ownName} and the ${identityName} must both allow ${action}, and the first does not`
          : `nothing in the ${ownName} or in the ${identityName} allows ${action}`;
  return [nothing, ...almost].join("; ");
}

function nameOf({ policy, sid }: Judged): string {
  return `${policy}: ${sid}`;
}

function list(statements: readonly Judged[]): string {
  return statements.map(nameOf).join(" and ");
}

/** Whether nobody may use a resource but by its own policy: so it is with keys and roles. */
function decidesAlone(resourceArn: string): boolean {
  const { service, resource } = partsOf(resourceArn);
  return service === "kms" || (service === "iam" && resource.startsWith("role/"));
}

/** The statements of a policy that are about the principal, the action and the resource. */
function judge(
  policy: NamedPolicy,
  kind: PolicyKind,
  { principal, action, resourceArn }: AuthorizationRequest,
  context: KnownContext,
): readonly Judged[] {
  return statementsOf(policy).flatMap((statement, index) => {
    const sid = statement.Sid ?? `statement ${index + 1}`;
    const where = `${policy.name}: ${sid}`;
    const names =
      kind === "identity" ? namelessly(where, statement) : named(where, statement, principal);
    return names !== undefined &&
      isAboutAction(where, statement, action) &&
      isAboutResource(where, statement, resourceArn, kind)
      ? [
          {
            policy: policy.name,
            sid,
            kind,
            effect: statement.Effect,
            names,
            ...checkConditions(where, statement.Condition ?? {}, context),
          },
        ]
      : [];
  });
}

// What a policy must be is checked where it is written; here only whether it can be read.
const ANY_POLICY: PolicyRules = {
  malformed: "Malformed",
  tooLarge: "TooLarge",
  maxBytes: Number.POSITIVE_INFINITY,
  needs: [],
};

const statementsByText = new Map<string, readonly PolicyStatement[]>();

function statementsOf({ name, text }: NamedPolicy): readonly PolicyStatement[] {
  const known = statementsByText.get(text);
  if (known !== undefined) {
    return known;
  }
  try {
    const statements = parsePolicy(text, ANY_POLICY, { partition: "aws", existing: () => [] });
    statementsByText.set(text, statements);
    return statements;
  } catch (error) {
    throw error instanceof AwsError
      ? new ValidationError(
          `${name}: it must be a policy, got ${showValue(text)} (${error.reason}); correct it`,
        )
      : error;
  }
}

function namelessly(
  where: string,
  { Principal, NotPrincipal }: PolicyStatement,
): Judged["names"] | undefined {
  if (Principal !== undefined || NotPrincipal !== undefined) {
    throw new ValidationError(
      `${where}: a statement of a role's own policy must name no principal, got ${showValue(Principal ?? NotPrincipal)}; remove it`,
    );
  }
  return "principal";
}

/** Whether a statement names the principal, or only its account, or neither. */
function named(
  where: string,
  { Principal, NotPrincipal }: PolicyStatement,
  principal: RequestPrincipal,
): Judged["names"] | undefined {
  if (Principal === undefined) {
    throw new ValidationError(
      `${where}: a statement of a resource's policy must have a Principal that the sandbox decides, got ${showValue(NotPrincipal)}; name those who are meant`,
    );
  }
  if (Principal === "*") {
    return "principal";
  }
  const { AWS = [], Service = [], ...others } = Principal;
  if (Object.keys(others).length > 0) {
    throw new ValidationError(
      `${where}: a principal must be of type AWS or Service, got ${showValue(others)}; the sandbox knows no others`,
    );
  }
  const accounts = [AWS].flat();
  refuseVariables(where, accounts);
  if (accounts.includes("*")) {
    return "principal";
  }
  if (principal.kind === "service") {
    return [Service].flat().includes(principal.name) ? "principal" : undefined;
  }
  const { roleArn, sessionName } = principal;
  const { partition, account, resource } = partsOf(roleArn);
  // The ARN of a session has no path: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
  const session = arn({
    partition,
    service: "sts",
    account,
    resource: `assumed-role/${resource.split("/").at(-1)}/${sessionName}`,
  });
  if (accounts.some((name) => name === roleArn || name === session)) {
    return "principal";
  }
  const isAccount = (name: string) =>
    name === account || name === accountRootArn({ partition, account });
  return accounts.some(isAccount) ? "account" : undefined;
}

function isAboutAction(
  where: string,
  { Action, NotAction }: PolicyStatement,
  action: string,
): boolean {
  const patterns = [Action ?? NotAction ?? []].flat();
  refuseVariables(where, patterns);
  const isNamed = patterns.some((pattern) =>
    matchesWildcards(pattern.toLowerCase(), action.toLowerCase()),
  );
  return isNamed === (Action !== undefined);
}

function isAboutResource(
  where: string,
  { Resource, NotResource }: PolicyStatement,
  resourceArn: string,
  kind: PolicyKind,
): boolean {
  if (Resource === undefined && NotResource === undefined) {
    if (kind === "resource" && partsOf(resourceArn).service === "iam") {
      return true;
    }
    throw new ValidationError(
      `${where}: a statement must have a Resource, got ${showValue(Resource)}; write one`,
    );
  }
  const patterns = [Resource ?? NotResource ?? []].flat();
  refuseVariables(where, patterns);
  const incomplete = patterns.find((pattern) => pattern !== "*" && !hasArnForm(pattern));
  if (incomplete !== undefined) {
    throw new ValidationError(
      `${where}: a resource must be * or have the six parts of an ARN, got ${showValue(incomplete)}; write them all`,
    );
  }
  const isNamed = patterns.some((pattern) => pattern === "*" || matchesArn(pattern, resourceArn));
  return isNamed === (Resource !== undefined);
}

/**
 * What the request carries, with the keys that AWS adds.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
 */
function completeContext(
  { principal, action, resourceArn, region, context, encryptionContext }: AuthorizationRequest,
  owner: string,
): RequestContext {
  const requestedRegion = region ?? partsOf(resourceArn).region;
  return {
    "aws:SecureTransport": "true",
    "aws:ResourceAccount": owner,
    ...(requestedRegion !== "" && { "aws:RequestedRegion": requestedRegion }),
    ...context,
    ...(action.toLowerCase().startsWith("kms:") && kmsContext(principal, encryptionContext)),
    ...principalContext(principal),
  };
}

function kmsContext(
  principal: RequestPrincipal,
  encryptionContext: AuthorizationRequest["encryptionContext"] = {},
): RequestContext {
  const keys = Object.keys(encryptionContext);
  return {
    [ENCRYPTION_CONTEXT_KEYS]: keys.length === 0 ? undefined : keys,
    ...Object.fromEntries(
      Object.entries(encryptionContext).map(([key, value]) => [
        `${ENCRYPTION_CONTEXT_PREFIX}${key}`,
        value,
      ]),
    ),
    ...(principal.kind === "role" && { "kms:CallerAccount": accountOf(principal.roleArn) }),
  };
}

function principalContext(principal: RequestPrincipal): RequestContext {
  return principal.kind === "role"
    ? {
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalServiceName": undefined,
        "aws:PrincipalArn": principal.roleArn,
        "aws:PrincipalAccount": accountOf(principal.roleArn),
        "aws:PrincipalType": "AssumedRole",
        "aws:SourceArn": undefined,
        "aws:SourceAccount": undefined,
      }
    : {
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": principal.name,
        "aws:PrincipalArn": undefined,
        "aws:PrincipalAccount": undefined,
        "aws:SourceArn": principal.sourceArn,
        "aws:SourceAccount": principal.sourceAccount,
      };
}

function ownerOf({ resourceArn, resourceAccount }: AuthorizationRequest): string {
  const owner = resourceAccount ?? partsOf(resourceArn).account;
  if (owner === "" || /[*?]/.test(resourceArn)) {
    throw new ValidationError(
      `${resourceArn}: the resource of a request must be one ARN, with the account that owns it, got account ${showValue(owner)}; name it`,
    );
  }
  return owner;
}

function accountOf(roleArn: string): string {
  return partsOf(roleArn).account;
}

function partsOf(text: string): NonNullable<ReturnType<typeof parseArn>> {
  const parts = parseArn(text);
  if (parts === undefined) {
    throw new ValidationError(
      `the request: a role or resource must be given by its ARN, got ${showValue(text)}; correct it`,
    );
  }
  return parts;
}
