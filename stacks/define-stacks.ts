import { type App, TerraformElement, type TerraformStack } from "cdktf";
import type { AccountConfig } from "../config/account-config";
import { checkLedger, type Ledger, type LedgerSubject } from "../config/ledger";
import { ValidationError } from "../modules/errors";
import { ArchiveStack } from "./archive-stack";
import { KeyStack } from "./key-stack";
import { NotificationStack } from "./notification-stack";

/** The stacks of one account, in the order in which they are applied. */
export interface AccountStacks {
  readonly keys: KeyStack;
  readonly notifications: NotificationStack;
  /** One per region of the account, in alphabetical order. */
  readonly archives: readonly ArchiveStack[];
  /** What the ledger compares. */
  readonly subject: LedgerSubject;
}

/**
 * Defines the stacks of one account and checks all that can be checked before anything is written.
 *
 * @throws {ValidationError} if an address or a step in the life of a region or key was lost, if a
 *   policy is too large, or if a resource is in the wrong region
 */
export function defineStacks(app: App, account: AccountConfig, ledger: Ledger): AccountStacks {
  const stacks = buildStacks(app, account, ledger);
  checkLedger(ledger, stacks.subject);
  return stacks;
}

/**
 * Defines the stacks without comparing them with the ledger: for the command that extends it.
 *
 * @throws {ValidationError} as {@link defineStacks}, but for the ledger
 */
export function buildStacks(app: App, account: AccountConfig, ledger: Ledger): AccountStacks {
  const keys = new KeyStack(app, { account, ledger: ledger.content });
  const notifications = new NotificationStack(app, { account, keys, ledger: ledger.content });
  const archives = account.regions.map(
    ({ name: region }) => new ArchiveStack(app, { account, region, keys }),
  );
  checkConstructs([keys, notifications, ...archives]);
  return {
    keys,
    notifications,
    archives,
    subject: {
      account,
      resources: [...keys.protectedResources, ...notifications.protectedResources],
      adopted: keys.adoptedResources,
    },
  };
}

/** CDKTF validates each stack only when it writes it: by then others are written. So it is done here first. */
function checkConstructs(stacks: readonly TerraformStack[]): void {
  const problems = stacks.flatMap((stack) => [
    ...stack.node.findAll().flatMap((construct) => construct.node.validate()),
    ...addressProblems(stack),
  ]);
  if (problems.length > 0) {
    throw new ValidationError(problems.join("\n"));
  }
}

/** CDKTF silently merges two resources that were given the same address. */
function addressProblems(stack: TerraformStack): readonly string[] {
  const seen = new Map<string, string>();
  return stack.node.findAll().flatMap((construct) => {
    if (
      !TerraformElement.isTerraformElement(construct) ||
      !("terraformResourceType" in construct)
    ) {
      return [];
    }
    const address = `${String(construct.terraformResourceType)}.${construct.friendlyUniqueId}`;
    const other = seen.get(address);
    seen.set(address, construct.node.path);
    return other === undefined
      ? []
      : [
          `${construct.node.path}: the address ${address} must belong to one resource, got ${other} there too; rename one of the two`,
        ];
  });
}
