import { basename } from "node:path";
import {
  addressesAsInLedger,
  type Invariant,
  keysOfOwnRegion,
  keysProtected,
  namesWithinLimits,
  nobodyAdmitsEverybody,
  nothingAllowsEverything,
  queuesUnderAlerts,
  regionsStated,
  stacksLocked,
} from "./helpers/invariants";
import {
  ALL_ACCOUNTS,
  FIXTURE_ACCOUNTS,
  parseStack,
  type SynthesizedAccount,
  synthAccount,
} from "./helpers/synth";

const synthesized = ALL_ACCOUNTS.map(
  ([directory, workspace]) => [directory, synthAccount(directory, workspace)] as const,
);
const fixture = synthesized.find(
  ([directory, { account }]) => directory === FIXTURE_ACCOUNTS && account.workspace === "full",
)?.[1] as SynthesizedAccount;

/** The fixture account with its JSON text changed, as a defect in the code would change it. */
function planted(from: string | RegExp, to: string): SynthesizedAccount {
  let changes = 0;
  const stacks = fixture.stacks.map(({ id, text }) => {
    const changed = text.replace(from, to);
    changes += Number(changed !== text);
    return parseStack(id, changed);
  });
  if (changes === 0) {
    throw new Error(`nothing matches ${String(from)}: the violation was not planted`);
  }
  return { ...fixture, stacks };
}

interface Case {
  readonly title: string;
  readonly invariant: (directory: string) => Invariant;
  /** Resources that the fixtures alone make it look at. */
  readonly atLeast: number;
  readonly plant: readonly (readonly [from: string | RegExp, to: string])[];
}

const CASES: readonly Case[] = [
  {
    title: "buses and archives use the key of their own region",
    invariant: () => keysOfOwnRegion,
    atLeast: 25,
    plant: [
      [
        /aws_kms_replica_keyarchive_us-east-1arn\}",\n\s+"name": "orders"/,
        'aws_kms_keyarchivearn}", "name": "orders"',
      ],
      ['"region": "us-east-1"', '"region": "us-east-2"'],
      [
        "arn:aws:events:us-east-1:111122223333:event-bus/default",
        "arn:aws:events:eu-west-1:111122223333:event-bus/default",
      ],
    ],
  },
  {
    title:
      "regional resources state their region where a stack spans regions, and no other elsewhere",
    invariant: () => regionsStated,
    atLeast: 60,
    plant: [
      [/"region": "eu-central-1",\n(\s+)"tags"/, '"tags"'],
      [/("name": "orders",?\n)/, '"region": "eu-north-1", $1'],
    ],
  },
  {
    title: "no Allow admits everybody",
    invariant: () => nobodyAdmitsEverybody,
    atLeast: 150,
    plant: [
      [/\\"ArnEquals\\":\{\\"aws:PrincipalArn\\":\[[^\]]*\]\},/, ""],
      [/(\\"aws:PrincipalArn\\":\[\\"arn:aws:iam::\d+:role\/)[^"\\]*/, "$1*"],
      [/\\"StringEquals\\":\{\\"aws:PrincipalOrgID\\":\[[^\]]*\]\},/, ""],
      [/\{\\"Service\\":\\"events.amazonaws.com\\"\}/, '\\"*\\"'],
    ],
  },
  {
    title: "no Allow is for all actions",
    invariant: () => nothingAllowsEverything,
    atLeast: 150,
    plant: [
      [/\\"Action\\":\\"kms:PutKeyPolicy\\"/, '\\"Action\\":\\"kms:*\\"'],
      [/\\"Action\\":\\"sqs:SendMessage\\"/, '\\"Action\\":\\"*\\"'],
    ],
  },
  {
    title: "queues are encrypted with the key alerts of their region",
    invariant: () => queuesUnderAlerts,
    atLeast: 8,
    plant: [
      [/("kms_master_key_id": "[^"]*aws_kms_)keyalertsarn/, "$1keyarchivearn"],
      [/("kms_master_key_id": "[^"]*)alerts_us-east-1arn/, "$1alerts_eu-central-1arn"],
    ],
  },
  {
    title: "names keep their limits",
    invariant: () => namesWithinLimits,
    atLeast: 40,
    plant: [
      ['"name": "alias/keyspan-archive"', '"name": "keyspan-archive"'],
      ['"name": "keyspan-orders-dead-letter"', `"name": "${"x".repeat(81)}"`],
      ['"name": "orders.week"', `"name": "${"x".repeat(49)}"`],
    ],
  },
  {
    title: "addresses are those of the ledger",
    invariant: addressesAsInLedger,
    atLeast: 30,
    plant: [
      ['"archive_us-east-1": {', '"archives_us-east-1": {'],
      [/"from": "aws_kms_replica_key.archive_eu-south-1"/, '"from": "x.y"'],
    ],
  },
  {
    title: "keys are protected and their enabled state is left to people",
    invariant: () => keysProtected,
    atLeast: 40,
    plant: [
      ['"prevent_destroy": true', '"prevent_destroy": false'],
      [/"ignore_changes": \[\s+"enabled"\s+\],/, ""],
      [/"ignore_changes": \[\s+"is_enabled"\s+\],/, ""],
    ],
  },
  {
    title: "stacks are locked to their account and workspace",
    invariant: () => stacksLocked,
    atLeast: 14,
    plant: [
      ['{\\"full\\" = \\"111122223333\\"}[terraform.workspace]', '\\"111122223333\\"'],
      ['"profile": "keyspan",', ""],
      ['"profile": "keyspan-state"', '"profile": "default"'],
      ['"use_lockfile": true', '"use_lockfile": false'],
      ['"aws_caller_identity"', '"aws_region"'],
      ['"profile": "keyspan",', '"profile": "keyspan", "assume_role": [{}],'],
    ],
  },
];

describe.each(CASES)("$title", ({ invariant, atLeast, plant }) => {
  test.each(
    synthesized.map(
      ([directory, account]) =>
        [`${basename(directory)}: ${account.account.workspace}`, directory, account] as const,
    ),
  )("%s", (_title, directory, account) => {
    expect(invariant(directory)(account).violations).toEqual([]);
  });

  test("looks at enough resources of the tests' own accounts", () => {
    const visited = synthesized
      .filter(([directory]) => directory === FIXTURE_ACCOUNTS)
      .reduce((sum, [directory, account]) => sum + invariant(directory)(account).visited, 0);
    expect(visited).toBeGreaterThanOrEqual(atLeast);
  });

  test.each(plant)("finds a planted violation: %s", (from, to) => {
    expect(invariant(FIXTURE_ACCOUNTS)(planted(from, to)).violations).not.toEqual([]);
  });
});

test("no two shipped accounts share an AWS account", () => {
  const ids = synthesized
    .filter(([directory]) => directory !== FIXTURE_ACCOUNTS)
    .map(([, { account }]) => account.id);
  expect(ids).toEqual([...new Set(ids)]);
});
