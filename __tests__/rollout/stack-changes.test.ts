import {
  ChangeReader,
  countChanges,
  createsOnly,
  shouts,
  showCounts,
} from "../../cli/rollout/stack-changes";
import { parseMessage } from "../../cli/terraform-messages";

const change = (action: string, address = "aws_sqs_queue.orders") => ({
  address,
  type: address.split(".")[0] ?? "",
  action,
});

/** Messages as Terraform 1.11 writes them with -json. */
const LINES = [
  '{"@level":"info","@message":"Terraform 1.11.4","type":"version","terraform":"1.11.4","ui":"1.2"}',
  '{"@level":"info","@message":"aws_kms_key.archive: Plan to create","type":"planned_change","change":{"resource":{"addr":"aws_kms_key.archive","module":"","resource":"aws_kms_key.archive","implied_provider":"aws","resource_type":"aws_kms_key","resource_name":"archive","resource_key":null},"action":"create"}}',
  '{"@level":"info","@message":"data.aws_caller_identity.caller: Plan to read","type":"planned_change","change":{"resource":{"addr":"data.aws_caller_identity.caller","resource_type":"aws_caller_identity"},"action":"read"}}',
  '{"@level":"info","@message":"aws_kms_key.alerts: Drift detected (update)","type":"resource_drift","change":{"resource":{"addr":"aws_kms_key.alerts","resource_type":"aws_kms_key"},"action":"update"}}',
  '{"@level":"info","@message":"Outputs: 3","type":"outputs","outputs":{"new":{"sensitive":true,"action":"create"},"same":{"sensitive":true,"action":"noop"},"after-apply":{"sensitive":false}}}',
];

test("a plan's messages are read: what would happen to resources, and which outputs may change", () => {
  const reader = new ChangeReader();
  for (const line of LINES) {
    const message = parseMessage(line);
    expect(message).toBeDefined();
    if (message !== undefined) {
      reader.take(message);
    }
  }
  expect(reader.changes).toEqual({
    resources: [change("create", "aws_kms_key.archive")],
    outputs: ["new"],
  });
});

test("a line that is no message is none", () => {
  expect(parseMessage("panic: runtime error")).toBeUndefined();
  expect(parseMessage("{}")).toBeUndefined();
});

test("every action is counted under its own word", () => {
  const actions = ["import", "create", "create", "update", "replace", "delete", "remove", "move"];
  const changes = actions.map((action) => change(action));
  expect(countChanges(changes)).toEqual({
    import: 1,
    add: 2,
    change: 1,
    replace: 1,
    destroy: 1,
    forget: 1,
    move: 1,
  });
  expect(showCounts(changes)).toBe(
    "1 to import, 2 to add, 1 to change, 1 to replace, 1 to destroy, 1 to forget, 1 to move",
  );
  expect(showCounts([])).toBe("0 to add, 0 to change, 0 to replace, 0 to destroy");
});

test.each(["import", "update", "replace", "delete", "remove", "move"])(
  "a plan with a %s beside what it creates does not only create",
  (action) => {
    expect(createsOnly({ resources: [change("create")], outputs: ["x"] })).toBe(true);
    expect(createsOnly({ resources: [change("create"), change(action)], outputs: [] })).toBe(false);
  },
);

test.each(["aws_kms_key", "aws_kms_replica_key", "aws_s3_bucket", "aws_cloudtrail"])(
  "the loss of an %s is shouted",
  (type) => {
    const all = ["create", "update", "replace", "delete", "remove"].map((action) =>
      change(action, `${type}.x`),
    );
    expect(shouts("keys", all)).toEqual([
      `!!! keys: ${type}.x WOULD BE REPLACED !!!`,
      `!!! keys: ${type}.x WOULD BE DESTROYED !!!`,
    ]);
  },
);

test("what can be made again is not shouted", () => {
  expect(shouts("keys", [change("delete"), change("replace")])).toEqual([]);
});
