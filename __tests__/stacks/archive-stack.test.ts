import { FIXTURE_ACCOUNTS, stackOf, synthAccount } from "../helpers/synth";

const full = synthAccount(FIXTURE_ACCOUNTS, "full");
const output = (name: string) =>
  `\${data.terraform_remote_state.cross-stack-reference-input-keys.outputs.cross-stack-output-${name}}`;
const replica = (key: string) => output(`aws_kms_replica_key${key}_us-east-1arn`);

test("a region's stack holds its buses, their queues and policies, and their archives", () => {
  const { resources } = stackOf(full, "archive-us-east-1");
  expect(resources.aws_cloudwatch_event_bus).toEqual(
    Object.fromEntries(
      [
        ["closed", "team"],
        ["open", "archive"],
        ["orders", "archive"],
      ].map(([bus, key]) => [
        bus,
        {
          name: bus,
          kms_key_identifier: replica(key ?? ""),
          dead_letter_config: { arn: `\${aws_sqs_queue.${bus}_dead-letter.arn}` },
        },
      ]),
    ),
  );
  expect(resources.aws_sqs_queue).toEqual(
    Object.fromEntries(
      ["closed", "open", "orders"].map((bus) => [
        `${bus}_dead-letter`,
        {
          name: `keyspan-${bus}-dead-letter`,
          kms_master_key_id: replica("alerts"),
          message_retention_seconds: 1_209_600,
        },
      ]),
    ),
  );
  expect(Object.keys(resources.aws_sqs_queue_policy ?? {})).toEqual([
    "closed_dead-letter",
    "open_dead-letter",
    "orders_dead-letter",
  ]);
  // The bus `open` admits the account itself and nobody else: IAM says all there is to say.
  expect(Object.keys(resources.aws_cloudwatch_event_bus_policy ?? {})).toEqual([
    "closed",
    "orders",
  ]);
  expect(resources.aws_cloudwatch_event_archive).toEqual({
    custom: {
      name: "custom",
      event_source_arn: "arn:aws:events:us-east-1:111122223333:event-bus/default",
      kms_key_identifier: replica("archive"),
      retention_days: 0,
    },
    orders: {
      name: "orders",
      event_pattern: '{"source":["acme.orders"]}',
      event_source_arn: "arn:aws:events:us-east-1:111122223333:event-bus/orders",
      depends_on: ["aws_cloudwatch_event_bus.orders"],
      kms_key_identifier: replica("archive"),
      retention_days: 90,
    },
    "orders-us": {
      name: "orders.week",
      event_source_arn: "arn:aws:events:us-east-1:111122223333:event-bus/orders",
      depends_on: ["aws_cloudwatch_event_bus.orders"],
      kms_key_identifier: replica("archive"),
      retention_days: 14,
    },
    team: {
      name: "team",
      event_source_arn: "arn:aws:events:us-east-1:111122223333:event-bus/closed",
      depends_on: ["aws_cloudwatch_event_bus.closed"],
      kms_key_identifier: replica("team"),
      retention_days: 365,
    },
  });
});

test("an existing bus gets its archive and nothing else", () => {
  const { resources, text } = stackOf(full, "archive-eu-west-1");
  expect(resources.aws_cloudwatch_event_archive?.partner).toEqual({
    name: "partner",
    event_source_arn:
      "arn:aws:events:eu-west-1:111122223333:event-bus/aws.partner/example.com/events",
    kms_key_identifier: output("aws_kms_keyarchivearn"),
    retention_days: 1,
  });
  expect(text.match(/aws\.partner/g)).toHaveLength(1);
});

test("archives use the existing key where the account has one", () => {
  const { resources } = stackOf(
    synthAccount(FIXTURE_ACCOUNTS, "existing-key"),
    "archive-us-east-2",
  );
  expect(resources.aws_cloudwatch_event_archive?.["audit-events"]).toMatchObject({
    kms_key_identifier:
      "arn:aws:kms:us-east-2:222233334444:key/mrk-0123456789abcdef0123456789abcdef",
  });
});

test.each(["archive-eu-north-1", "archive-eu-south-1"])(
  "%s is empty, since its region is draining or retired",
  (id) => {
    expect(stackOf(full, id).resources).toEqual({});
  },
);

test("every other stack waits for the keys, with references or without", () => {
  const { keys, ...others } = full.dependencies;
  expect(keys).toEqual([]);
  expect(others).toEqual({
    "archive-eu-central-1": ["keys"],
    "archive-eu-north-1": ["keys"],
    "archive-eu-south-1": ["keys"],
    "archive-eu-west-1": ["keys"],
    "archive-us-east-1": ["keys"],
    notifications: ["keys"],
  });
});
