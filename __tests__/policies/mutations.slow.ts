/**
 * Whether the tables would notice a wrong policy: every statement of the fixture accounts' policies is
 * changed in every small way, and each change must make at least one decision wrong.
 */
import type { AccountConfig } from "../../config/account-config";
import { accountNames } from "../../config/load-account";
import { bucketAllows } from "../helpers/bucket-iam";
import {
  actionMatches,
  type PolicyDocument,
  type PolicyStatement,
  type Principal,
  parsePolicy,
  principalContext,
  type RequestContext,
} from "../helpers/iam";
import { FIXTURE_ACCOUNTS, stackOf, synthAccount } from "../helpers/synth";
import { bucketCells } from "./bucket-table";
import { busArnAt, busCells } from "./bus-table";
import { type Cell, problemOf, type Subject } from "./decision-table";
import { keyArnAt, keyCells, regionOutside, strangerTo } from "./key-table";
import { type Mutant, mutantsOf, type Surroundings, signatureOf } from "./mutants";
import { queueCells } from "./queue-table";
import { busPolicies, keyPolicies, watchingPolicies } from "./rendered";
import { watchingTarget } from "./watching-target";

/** A mutant that no decision can notice, and why that is right. */
interface Explanation {
  readonly because: string;
  readonly covers: (mutant: Mutant) => boolean;
}

const sidOf = ({ Sid = "" }: PolicyStatement) => Sid;
const changeOf = ({ name, statement }: Mutant) => name.slice(sidOf(statement).length + ": ".length);

/** Keys that every request which a statement of the policies is about carries. */
const ALWAYS_SENT: readonly string[] = [
  "aws:CurrentTime",
  "aws:SecureTransport",
  "kms:ReplicaRegion",
];

const EXPLANATIONS: readonly Explanation[] = [
  {
    because: "the exact ARN of a principal holds its account, so the account alone adds nothing",
    covers: (mutant) =>
      mutant.statement.Effect === "Allow" &&
      mutant.statement.Condition?.ArnEquals?.["aws:PrincipalArn"] !== undefined &&
      /^StringEquals aws:PrincipalAccount (dropped|matches anything)$/.test(changeOf(mutant)),
  },
  {
    because: "the account is asked for too, and has one role of that ARN",
    covers: (mutant) =>
      mutant.statement.Condition?.StringEquals?.["aws:PrincipalAccount"] !== undefined &&
      /^Arn(Not)?Equals aws:PrincipalArn matches the same name anywhere$/.test(changeOf(mutant)),
  },
  {
    because:
      "a principal has ARN, account and type, or is a service and has none of them: of two conditions the other still fails, and an account in Principal is no service",
    covers: (mutant) =>
      mutant.statement.Effect === "Allow" &&
      /^(Arn(Equals|Like) aws:PrincipalArn|StringEquals aws:Principal(Account|Type)) with IfExists$/.test(
        changeOf(mutant),
      ),
  },
  {
    because: "a negated operator is true of a key that is missing anyway",
    covers: (mutant) => /^\w+Not\w+ \S+ with IfExists$/.test(changeOf(mutant)),
  },
  {
    because: "the key is never missing from such a request",
    covers: (mutant) =>
      ALWAYS_SENT.some((key) => changeOf(mutant).endsWith(` ${key} with IfExists`)),
  },
  {
    because: "one action alone carries the key that the statement asks for",
    covers: (mutant) =>
      changeOf(mutant) === "kms:* added" &&
      ["DeployRoleReplicates", "DenyShortDeletionWindow", "DenyLockoutBypass"].includes(
        sidOf(mutant.statement),
      ),
  },
  {
    because: "of what a bus can be asked, putting events alone carries the source of events",
    covers: (mutant) => /^(PutsHeartbeats|Tell): events:\* added$/.test(mutant.name),
  },
  {
    because: "roles are in IAM alone, and in one partition with the bus",
    covers: (mutant) =>
      mutant.name ===
      "OrganizationForwards: ArnLike aws:PrincipalArn matches the same name anywhere",
  },
  {
    because: "any trail may be the organisation's, and nothing but trails is asked for so",
    covers: (mutant) => mutant.name === "ReadTrail: every resource",
  },
  {
    because:
      "the one trail is that of the home region, and AWS documents the encryption context for all",
    covers: (mutant) => /^TrailEncrypts: StringLike .* in one region only$/.test(mutant.name),
  },
  {
    because: "both statements of the deploy role grant it to read the policy",
    covers: (mutant) =>
      /^DeployRole(PutsPolicy|Applies): kms:GetKeyPolicy dropped$/.test(mutant.name),
  },
  {
    because: "whoever is not in the account may not schedule a deletion of any window",
    covers: (mutant) =>
      mutant.name === "DenyShortDeletionWindow: principal narrowed to the account",
  },
  {
    because: "nobody may schedule a deletion of any window",
    covers: ({ statement, policy }) =>
      sidOf(statement) === "DenyShortDeletionWindow" &&
      policy.Statement.some(
        (other) => sidOf(other) === "DenyDeletion" && other.Condition === undefined,
      ),
  },
  {
    because: "in its own account a bus leaves all to IAM but what it denies",
    covers: (mutant) => mutant.name === "AccountsPut: principal widened to the account",
  },
  {
    because: "the condition on the account says the same",
    covers: (mutant) => mutant.name === "DenyUnnamed: principal narrowed to the account",
  },
  {
    because:
      "the deploy role puts the policy by name and under a condition: by name for KMS's lock-out check, under a condition for a role that is made again",
    covers: (mutant) =>
      /^DeployRole(PutsPolicy: (dropped|kms:PutKeyPolicy dropped)|Applies: kms:PutKeyPolicy dropped)$/.test(
        mutant.name,
      ),
  },
];

interface Target {
  readonly name: string;
  readonly mutants: readonly Mutant[];
  /** By action. */
  readonly cells: ReadonlyMap<string, readonly Question[]>;
  readonly subject: Subject;
}

/** A cell, and what is asked of it again and again. */
interface Question {
  readonly cell: Cell;
  /** What it is about, whichever key or role it is. */
  readonly kind: string;
  /** Its context, with what follows from its principal. */
  readonly context: RequestContext;
}

const seen = new Set<string>();

/** A policy's mutants, without those of statements that were changed in another policy already. */
function target(
  name: string,
  subject: Subject,
  cells: readonly Cell[],
  at: Surroundings,
  of = subject.resource.split(":")[2],
): readonly Target[] {
  const { policy } = subject;
  const mutants = (policy === undefined ? [] : mutantsOf(policy, at)).filter((mutant) => {
    const signature = `${of} ${signatureOf(mutant, at)}`;
    const isNew = !seen.has(signature);
    seen.add(signature);
    return isNew;
  });
  if (mutants.length === 0) {
    return [];
  }
  const byAction = new Map<string, Question[]>();
  for (const cell of cells) {
    const { topic, action, allowed, context, principal } = cell;
    const question = {
      cell,
      kind: `${topic.replace(/ arn:.*/, "")} ${action} ${allowed}`,
      context: { ...context, ...principalContext(principal) },
    };
    byAction.set(action, [...(byAction.get(action) ?? []), question]);
  }
  return [{ name, mutants, cells: byAction, subject }];
}

function surroundingsOf(account: AccountConfig, region: string): Surroundings {
  return {
    partition: account.partition,
    account: account.id,
    region,
    otherAccount: strangerTo(account),
    otherRegion: regionOutside(account),
  };
}

const targets = accountNames(FIXTURE_ACCOUNTS)
  .map((workspace) => synthAccount(FIXTURE_ACCOUNTS, workspace))
  .flatMap((synthesized) => {
    const { account } = synthesized;
    const at = (region: string) => surroundingsOf(account, region);
    return [
      ...keyPolicies(synthesized).flatMap(({ key, region, formerBuses, policy }) => {
        const place = { account, key, region, formerBuses };
        const name = `key ${key.name} of ${account.workspace} in ${region}`;
        return target(name, { resource: keyArnAt(place), policy }, keyCells(place), at(region));
      }),
      ...busPolicies(synthesized).flatMap(({ bus, region, policy, queueArn, queuePolicy }) => {
        const place = { account, bus, region };
        const of = `${bus.name} of ${account.workspace} in ${region}`;
        return [
          ...target(
            `bus ${of}`,
            { resource: busArnAt(place), policy },
            busCells(place),
            at(region),
          ),
          ...target(
            `queue of bus ${of}`,
            { resource: queueArn, policy: queuePolicy },
            queueCells(place),
            at(region),
          ),
        ];
      }),
      ...watchingPolicies(synthesized).flatMap((place) =>
        target(
          `${place.kind} ${place.name} of ${account.workspace} in ${place.region}`,
          ...watchingTarget(synthesized, place),
          at(place.region),
          `${place.kind} ${place.name}`,
        ),
      ),
    ];
  });

/** How often a kind of cell noticed a mutant of a statement: such cells are decided first. */
const noticed = new Map<string, number>();

async function isNoticed(mutant: Mutant, { cells, subject }: Target): Promise<boolean> {
  const patterns = [mutant.statement, mutant.changed].flatMap((statement) =>
    statement === undefined ? [] : [statement.Action].flat(),
  );
  const [sid = ""] = mutant.name.split(":");
  const unchanged = unchangedPart(mutant);
  const asked = [...cells]
    .filter(([action]) => patterns.some((pattern) => actionMatches(action, pattern)))
    .flatMap(([, about]) => about)
    .filter(
      ({ cell, context }) => mayMatter(mutant, cell) && applies(unchanged, cell.principal, context),
    )
    .map((each) => ({ ...each, count: noticed.get(`${sid} ${each.kind}`) ?? 0 }))
    .sort((one, other) => other.count - one.count);
  for (const { cell, kind, count } of asked) {
    if ((await problemOf(cell, { ...subject, policy: mutant.policy })) !== undefined) {
      noticed.set(`${sid} ${kind}`, count + 1);
      return true;
    }
  }
  return false;
}

/** An allowing statement that applies to more requests denies none that it allowed, and so on. */
function mayMatter({ statement, reach }: Mutant, { allowed }: Cell): boolean {
  return reach === "others" || allowed !== ((statement.Effect === "Allow") === (reach === "more"));
}

/** What of a statement is the same before and after: if it does not apply, nothing has changed. */
function unchangedPart({ statement, changed }: Mutant): PolicyStatement {
  if (changed === undefined) {
    return statement;
  }
  const { Principal, Condition = {}, ...rest } = statement;
  const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
  return {
    ...rest,
    ...(Principal !== undefined && isSame(Principal, changed.Principal) && { Principal }),
    Condition: Object.fromEntries(
      Object.entries(Condition).map(([operator, keys]) => [
        operator,
        Object.fromEntries(
          Object.entries(keys).filter(([key, values]) =>
            isSame(values, changed.Condition?.[operator]?.[key]),
          ),
        ),
      ]),
    ),
  };
}

/** Whether nothing that is easily seen keeps a statement from applying to a request. */
function applies(
  { Principal, Condition = {} }: PolicyStatement,
  principal: Principal,
  context: RequestContext,
): boolean {
  const services = typeof Principal === "object" ? [Principal.Service ?? []].flat() : [];
  if (services.length > 0 && !(principal.kind === "service" && services.includes(principal.name))) {
    return false;
  }
  return [Condition.StringEquals ?? {}, Condition.ArnEquals ?? {}].every((keys) =>
    Object.entries(keys).every(([key, values]) =>
      [values].flat().some((value) => value.includes("*") || value === (context[key] ?? "")),
    ),
  );
}

const used = new Set<Explanation>();

test.each(targets.map((each) => [each.name, each] as const))("%s", async (_name, each) => {
  const survivors: string[] = [];
  for (const mutant of each.mutants) {
    const explanations = EXPLANATIONS.filter(({ covers }) => covers(mutant));
    if (await isNoticed(mutant, each)) {
      continue;
    }
    for (const explanation of explanations) {
      used.add(explanation);
    }
    if (explanations.length === 0) {
      survivors.push(mutant.name);
    }
  }
  expect(survivors).toEqual([]);
});

/** Changes of the buckets' policies that no decision can notice, and why that is right. */
const UNNOTICED_IN_BUCKETS: readonly (readonly [because: string, covered: RegExp])[] = [
  [
    "the key is never missing from such a request",
    / (aws:SecureTransport|aws:PrincipalIsAWSService) with IfExists$/,
  ],
  [
    "nobody outside the account is granted what is denied",
    /^Deny(ChangingLogs|WithoutTls): principal narrowed to the account$/,
  ],
  [
    "the ARN of a bucket is its name",
    /^AccessLogsDelivered: ArnLike aws:SourceArn matches the same name anywhere$/,
  ],
];

test.each(["trail", "trail_access"])("bucket %s of full", async (name) => {
  const synthesized = synthAccount(FIXTURE_ACCOUNTS, "full");
  const { account } = synthesized;
  const block = stackOf(synthesized, "notifications").resources.aws_s3_bucket_policy?.[name];
  const policy = parsePolicy(block?.policy);
  const cells = bucketCells(account)[name] ?? [];
  const wrongOf = async (changed: PolicyDocument, patterns: readonly string[] = ["s3:*"]) => {
    for (const cell of cells) {
      const isAsked = patterns.some((pattern) => actionMatches(cell.action, pattern));
      if (isAsked && (await bucketAllows(changed, account.id, cell)) !== cell.allowed) {
        return cell;
      }
    }
    return undefined;
  };
  expect(await wrongOf(policy)).toBeUndefined();
  const survivors: string[] = [];
  for (const mutant of mutantsOf(policy, surroundingsOf(account, account.homeRegion))) {
    const patterns = [mutant.statement, mutant.changed].flatMap((one) =>
      [one?.Action ?? []].flat(),
    );
    const isExplained = UNNOTICED_IN_BUCKETS.some(([, covered]) => covered.test(mutant.name));
    if (!isExplained && (await wrongOf(mutant.policy, patterns)) === undefined) {
      survivors.push(mutant.name);
    }
  }
  expect(survivors).toEqual([]);
});

test("there are mutants, and every explanation explains one", () => {
  expect(seen.size).toBeGreaterThan(500);
  expect(EXPLANATIONS.filter((explanation) => !used.has(explanation))).toEqual([]);
});
