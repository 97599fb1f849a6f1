import { App } from "cdktf";
import { loadLedger } from "../../config/ledger";
import { loadAccount } from "../../config/load-account";
import { buildStacks } from "../../stacks/define-stacks";
import { allResources, FIXTURE_ACCOUNTS, stackOf, synthAccount } from "../helpers/synth";

const full = synthAccount(FIXTURE_ACCOUNTS, "full");
const keys = stackOf(full, "keys");

const locked = { prevent_destroy: true };

test("a multi-Region key is a primary key, replica keys, aliases and records", () => {
  const team = Object.fromEntries(
    Object.entries(keys.resources).map(([type, byName]) => [
      type,
      Object.fromEntries(
        Object.entries(byName)
          .filter(([name]) => name === "team" || name.startsWith("team_"))
          .map(([name, { policy, ...rest }]) => [
            name,
            { ...rest, ...(policy !== undefined && { policy: typeof policy }) },
          ]),
      ),
    ]),
  );
  const shared = {
    deletion_window_in_days: 7,
    description: "Keyspan: key team of account full",
    policy: "string",
    tags: { "keyspan:key": "team" },
  };
  const replica = (region: string) => ({
    ...shared,
    lifecycle: { ...locked, ignore_changes: ["enabled"] },
    primary_key_arn: "${aws_kms_key.team.arn}",
    region,
  });
  const alias = (region: string, key: string) => ({
    name: "alias/keyspan-team",
    region,
    target_key_id: `\${${key}.key_id}`,
  });
  const record = (key: string) => ({ lifecycle: locked, triggers_replace: `\${${key}.key_id}` });
  expect(team).toEqual({
    aws_kms_key: {
      team: {
        ...shared,
        enable_key_rotation: true,
        lifecycle: { ...locked, ignore_changes: ["is_enabled"] },
        multi_region: true,
        region: "eu-west-1",
        rotation_period_in_days: 365,
      },
    },
    aws_kms_replica_key: {
      "team_eu-north-1": replica("eu-north-1"),
      "team_us-east-1": replica("us-east-1"),
    },
    aws_kms_alias: {
      "team_eu-north-1": alias("eu-north-1", "aws_kms_replica_key.team_eu-north-1"),
      "team_eu-west-1": alias("eu-west-1", "aws_kms_key.team"),
      "team_us-east-1": alias("us-east-1", "aws_kms_replica_key.team_us-east-1"),
    },
    terraform_data: {
      "team_eu-north-1": record("aws_kms_replica_key.team_eu-north-1"),
      "team_eu-west-1": record("aws_kms_key.team"),
      "team_us-east-1": record("aws_kms_replica_key.team_us-east-1"),
    },
  });
});

test("Keyspan's multi-Region keys stand in every region that is active or draining", () => {
  for (const key of ["archive", "alerts"]) {
    const regions = allResources({ stacks: [keys] })
      .filter(({ type, name }) => type === "aws_kms_alias" && name.startsWith(`${key}_`))
      .map(({ block }) => block.region);
    expect(regions.sort()).toEqual(["eu-central-1", "eu-north-1", "eu-west-1", "us-east-1"]);
  }
});

test.each(["audit", "storage"])("the single-Region key %s is in the home region only", (key) => {
  const names = allResources({ stacks: [keys] })
    .map(({ type, name }) => `${type}.${name}`)
    .filter((address) => address.includes(`.${key}`));
  expect(names.sort()).toEqual([
    `aws_kms_alias.${key}_eu-west-1`,
    `aws_kms_key.${key}`,
    `terraform_data.${key}_eu-west-1`,
  ]);
  expect(keys.resources.aws_kms_key?.[key]).toMatchObject({ multi_region: false });
});

test("a retired region and a retired key are forgotten", () => {
  // Three addresses each: of the three multi-Region keys in one region, of the key in five.
  expect(keys.removed).toHaveLength(3 * 3 + 3 * 5);
  expect(keys.removed).toContainEqual({
    from: "aws_kms_replica_key.archive_eu-south-1",
    lifecycle: { destroy: false },
  });
  expect(keys.removed).toContainEqual({
    from: "aws_kms_key.former",
    lifecycle: { destroy: false },
  });
});

test("an account with an existing key for its archives gets no key archive", () => {
  const existing = stackOf(synthAccount(FIXTURE_ACCOUNTS, "existing-key"), "keys");
  expect(Object.keys(existing.resources.aws_kms_key ?? {})).toEqual(["alerts", "audit"]);
});

test("fails if the policy of a key is larger than KMS accepts", () => {
  const account = loadAccount(FIXTURE_ACCOUNTS, "full");
  const users = Array.from(
    { length: 600 },
    (_, index) => `arn:aws:iam::111122223333:role/services/production/Service${index}`,
  );
  const tooLarge = {
    ...account,
    keys: account.keys.map((key) => (key.name === "archive" ? { ...key, users } : key)),
  };
  expect(() => buildStacks(new App(), tooLarge, loadLedger(FIXTURE_ACCOUNTS, "none"))).toThrow(
    /^keys\.archive in eu-west-1: the key policy must be at most 32768 bytes \(https:\/\/docs\.aws\.amazon\.com\/kms\/latest\/APIReference\/API_PutKeyPolicy\.html\), got \d{5,}; name fewer roles, buses or regions in it, or split it over several keys or buses$/,
  );
});
