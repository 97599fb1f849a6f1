import type { Conditions } from "../../modules/iam/policy";
import type { AccountScope, Subject } from "./account-scope";

/** Actions that are needed together on the same things. */
export interface Permission {
  readonly actions: readonly string[];
  readonly on: Subject;
  /** What else must be true of a request. */
  readonly condition?: (scope: AccountScope) => Conditions;
  /**
   * Who grants it. Key policies grant the plan and the deploy role by name what is done with a key
   * that exists; no policy of the role is needed for that, and none is printed.
   *
   * @default "identity"
   */
  readonly grantedBy?: "identity" | "key-policy";
  /** Needed only where Terraform may destroy what is protected elsewhere. */
  readonly unprotectedOnly?: boolean;
}

/** What the provider asks AWS for one type of resource or data source. */
export interface TypePermissions {
  /** Terraform type; a data source's begins with `data.`. */
  readonly type: string;
  /** Sources of the provider, and pages that say which action a call needs. */
  readonly sources: readonly string[];
  /** To refresh and plan. An apply needs it too. */
  readonly plan: readonly Permission[];
  /** To create, change and delete. */
  readonly apply: readonly Permission[];
}

/** Where the sources of the provider's version are that the stacks are applied with. */
export const PROVIDER_SOURCES =
  "https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service";
