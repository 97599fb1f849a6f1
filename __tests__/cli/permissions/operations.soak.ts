/** Everything that Terraform does with every account, protected and not, under the printed policies. */
import { accountScope } from "../../../cli/permissions/account-scope";
import { ALL_TYPES } from "../../../cli/permissions/all-types";
import { rolePolicies } from "../../../cli/permissions/role-policies";
import { loadLedger } from "../../../config/ledger";
import { loadAccount } from "../../../config/load-account";
import { ALL_ACCOUNTS, allResources, synthConfig } from "../../helpers/synth";
import { operationsOf } from "./operations";
import { roleMay } from "./role-iam";

const CASES = ALL_ACCOUNTS.flatMap(([directory, workspace]) =>
  [true, false].map((protect) => ({ directory, workspace, protect })),
);

test.each(CASES)("$workspace, protect: $protect", async ({ directory, workspace, protect }) => {
  const account = { ...loadAccount(directory, workspace), protect };
  const ledger = loadLedger(directory, workspace);
  const scope = accountScope({ account, ledger: ledger.content });
  const policies = { plan: rolePolicies(scope, "plan"), apply: rolePolicies(scope, "apply") };
  const synthesized = synthConfig(account, ledger);
  const operations = await operationsOf(synthesized);
  expect(operations.length).toBeGreaterThan(5 * allResources(synthesized).length);
  const refused: string[] = [];
  for (const { what, role, request } of operations) {
    if (!(await roleMay(request, policies[role]))) {
      refused.push(`${role} ${what} on ${request.resource}`);
    }
  }
  expect(refused).toEqual([]);
});

test("every type of every account has a table", () => {
  const tables = ALL_TYPES.map(({ type }) => type);
  for (const [directory, workspace] of ALL_ACCOUNTS) {
    const synthesized = synthConfig(
      loadAccount(directory, workspace),
      loadLedger(directory, workspace),
    );
    for (const { type } of allResources(synthesized)) {
      expect(["terraform_data", ...tables]).toContain(type);
    }
  }
});
