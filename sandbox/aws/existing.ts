import * as z from "zod";
import type { ObjectKind, ObjectStore } from "./object-store";

const existingSchema = z.object({
  /** ARNs of roles and users, of this and of other accounts. */
  principals: z.array(z.string()),
  keyArns: z.array(z.string()),
  /** Names of event buses. */
  buses: z.array(z.string()),
});

/** What was there before Terraform came, because the account's file says so. */
export type ExistingThings = z.output<typeof existingSchema>;

const EXISTING: ObjectKind<ExistingThings> = { folder: "existing", schema: existingSchema };
const EXISTING_ID = "existing";

/** What was there before Terraform came. */
export function existingThings(store: ObjectStore): ExistingThings {
  return store.get(EXISTING, undefined, EXISTING_ID) ?? { principals: [], keyArns: [], buses: [] };
}

/** Writes down what was there before Terraform came. */
export function rememberExisting(store: ObjectStore, things: ExistingThings): void {
  store.put(EXISTING, undefined, EXISTING_ID, things);
}
