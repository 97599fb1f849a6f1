/** Destroying: what counts is what was applied, not what the account's file says by now. */
import { refuseDeployedProtection } from "../../cli/rollout/deployed-protection";
import type { StackState, StateResource } from "../../cli/rollout/state-bucket";
import { loadLedger } from "../../config/ledger";
import { loadAccount } from "../../config/load-account";
import { ALL_ACCOUNTS, allResources, FIXTURE_ACCOUNTS, synthConfig } from "../helpers/synth";

function stateOf(resources: readonly StateResource[]): StackState {
  return {
    lineage: "l",
    serial: 1,
    sha256: "",
    terraformVersion: "1.11.4",
    outputs: {},
    resources,
    writtenAt: undefined,
  };
}

/** The states of an account after it was applied with that protection. */
function applied(directory: string, workspace: string, protect: boolean) {
  const account = { ...loadAccount(directory, workspace), protect };
  const synthesized = synthConfig(account, loadLedger(directory, workspace));
  return new Map(
    synthesized.stacks.map(({ id }) => [
      id,
      stateOf(
        allResources({ stacks: synthesized.stacks.filter((stack) => stack.id === id) }).map(
          ({ type, name, block }) => ({
            type,
            address: `${type}.${name}`,
            attributes: block,
            tainted: false,
          }),
        ),
      ),
    ]),
  );
}

function refusal(states: ReadonlyMap<string, StackState>): string | undefined {
  try {
    refuseDeployedProtection("prod", states, "npm run keyspan -- apply prod");
    return undefined;
  } catch (error) {
    return String(error);
  }
}

const FIXTURES = ALL_ACCOUNTS.filter(([directory]) => directory === FIXTURE_ACCOUNTS);

describe.each(FIXTURES)("%s/%s", (directory, workspace) => {
  test("cannot be destroyed while a key or a log bucket of it was applied with protect: true", () => {
    const states = applied(directory, workspace, true);
    const guarded = [...states].flatMap(([stack, { resources }]) =>
      resources
        .filter(({ type }) =>
          ["aws_kms_key", "aws_kms_replica_key", "aws_s3_bucket_policy"].includes(type),
        )
        .map(({ address }) => `  ${stack}: ${address}`),
    );
    expect(guarded).not.toEqual([]);
    expect(refusal(states)?.split("\n").slice(1)).toEqual(guarded);
  });

  test("can be once protect: false was applied", () => {
    expect(refusal(applied(directory, workspace, false))).toBeUndefined();
  });
});

test("the refusal names what is left of an apply that failed half-way, and the command", () => {
  const states = applied(FIXTURE_ACCOUNTS, "single", false);
  const before = applied(FIXTURE_ACCOUNTS, "single", true).get("keys")?.resources ?? [];
  const left = before.find(({ type }) => type === "aws_kms_key");
  const resources = states.get("keys")?.resources ?? [];
  states.set(
    "keys",
    stateOf(resources.map((resource) => (resource.address === left?.address ? left : resource))),
  );
  expect(refusal(states)).toBe(
    `ValidationError: destroy: protect: false must be applied to account prod before it is destroyed, got a policy of protect: true; nothing has been changed: npm run keyspan -- apply prod, then destroy
  keys: ${left?.address}`,
  );
});

test.each([undefined, "", '{"Statement":[{"Sid":"Enable IAM User Permissions"}]}'])(
  "a key that has not got its policy yet, but %j, can be destroyed",
  (policy) => {
    const key = { type: "aws_kms_key", address: "aws_kms_key.a", attributes: { policy } };
    expect(refusal(new Map([["keys", stateOf([{ ...key, tainted: false }])]]))).toBeUndefined();
  },
);
