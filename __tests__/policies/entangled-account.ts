/** An account whose parts run into each other: roles with several parts, names that begin alike, paths. */
import { accountFrom, type SynthesizedAccount, synthConfig } from "../helpers/synth";

/** Its file. */
export const ENTANGLED_ACCOUNT = `
version: 1
account:
  id: "777700003333"
  deployRole: arn:<partition>:iam::<account>:role/ci/keyspan-deploy
  nextDeployRole: arn:<partition>:iam::<account>:role/ci/next/keyspan-deploy
  planRole: arn:<partition>:iam::<account>:role/ci/keyspan-plan
homeRegion: us-east-1
regions: [us-east-1, us-west-2]
state:
  bucket: acme-terraform-state
  region: eu-west-1
  keyPrefix: keyspan
  account: "444455556666"
  writeRole: arn:<partition>:iam::<state.account>:role/keyspan-state
  readRole: arn:<partition>:iam::<state.account>:role/keyspan-state-read
keys:
  archive:
    administrators:
      - arn:<partition>:iam::<account>:role/Operator
      - arn:<partition>:iam::<account>:role/ops/KeyAdmin
    breakGlass:
      - arn:<partition>:iam::<account>:role/Operator
      - arn:<partition>:iam::<account>:role/ops/Responder
    users: [arn:<partition>:iam::<account>:role/Reader]
    externalUsers:
      - arn:<partition>:iam::999900001111:role/ops/KeyAdmin
      - arn:<partition>:iam::888800002222:role/Reader
      - arn:<partition>:iam::888800002222:role/Reader2
    deletionWindowDays: 7
    conditions: { notBefore: "2026-01-01T00:00:00Z" }
  alerts:
    administrators: [arn:<partition>:iam::<account>:role/Operator]
    users: [arn:<partition>:iam::<account>:role/Reader]
    conditions: { sourceIps: [203.0.113.0/24], notAfter: "2026-01-01T00:00:00Z" }
  audit:
    breakGlass: [arn:<partition>:iam::<account>:role/Operator]
  home:
    regions: [us-east-1]
    breakGlass: [arn:<partition>:iam::<account>:role/Operator]
    users: [arn:<partition>:iam::<account>:role/Reader]
    conditions: { viaServices: [s3], encryptionContext: { application: a, "two words": b } }
  single:
    multiRegion: false
    administrators: [arn:<partition>:iam::<account>:role/Operator]
    externalUsers: [arn:<partition>:iam::888800002222:role/Reader]
    conditions: { sourceVpces: [vpce-0123456789abcdef0, vpce-0123456789abcdef1] }
buses:
  orders: { regions: [us-east-1], producers: [o-a1b2c3d4e5, "777700003333"] }
  orders2: { regions: [us-east-1], producers: [o-a1b2c3d4e5, o-a1b2c3d4e50] }
  meters:
    producers:
      - arn:<partition>:iam::999900001111:role/Meter
      - "999900001111"
      - arn:<partition>:iam::888800002222:role/Meter
  meters2:
    producers:
      - arn:<partition>:iam::<account>:role/Meter
      - arn:<partition>:iam::<account>:role/Meter2
  home: { regions: [us-east-1], key: home, producers: ["777700003333"] }
archives:
  orders2: { bus: orders2, retentionDays: 3 }
notifications: { subscriptions: [{ protocol: email, endpoint: key-alerts@example.com }] }
trail: { existing: arn:<partition>:cloudtrail:us-east-1:<account>:trail/main }
protect: false
`;

/** Synthesizes that account. */
export function synthEntangledAccount(): SynthesizedAccount {
  return synthConfig(accountFrom(ENTANGLED_ACCOUNT, "entangled"));
}
