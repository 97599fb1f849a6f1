import type { AccountConfig } from "../../config/account-config";
import type { ProtectedResource } from "../../config/ledger";

/**
 * Stands in for stacks/notification-stack.ts, with `jest.mock`, in tests that synthesize or apply an
 * account many times and are about something else: that stack has more resources than all others
 * together. An account then has none.
 */
export class NotificationStack {
  /** Those of the real one: a ledger may know them. */
  readonly protectedResources: readonly ProtectedResource[];
  readonly node = { findAll: () => [] };

  constructor(_scope: unknown, { account }: { readonly account: AccountConfig }) {
    this.protectedResources =
      account.trail.mode === "create"
        ? ["aws_cloudtrail.keyspan", "aws_s3_bucket.trail", "aws_s3_bucket.trail_access"].map(
            (address) => ({ stack: "notifications", address }),
          )
        : [];
  }
}
