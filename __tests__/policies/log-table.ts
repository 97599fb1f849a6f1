/** Who may write to the log group of heartbeats and canaries: rules of the hub, and whom IAM lets. */
import type { AccountConfig } from "../../config/account-config";
import { NOBODY_KNOWN, type RequestContext, rootUser, service, sessionOf } from "../helpers/iam";
import { type Cell, Table } from "./decision-table";
import { regionOutside, strangerTo } from "./key-table";

/** Every action on a stream of a log group, without `logs:`. */
export const STREAM_ACTIONS: readonly string[] = [
  "CreateLogStream",
  "DeleteLogStream",
  "GetLogEvents",
  "PutLogEvents",
];

const WRITE: readonly string[] = ["CreateLogStream", "PutLogEvents"];

/** ARN of a stream of that log group. */
export function beatsStreamArnAt(account: AccountConfig): string {
  return streamArn(account, "/aws/events/keyspan-beats");
}

function streamArn({ partition, id, homeRegion }: AccountConfig, group: string): string {
  return `arn:${partition}:logs:${homeRegion}:${id}:log-group:${group}:log-stream:any`;
}

/** Everything that must be decided about that log group. */
export function logCells(account: AccountConfig): readonly Cell[] {
  const { partition, id, homeRegion } = account;
  const stranger = strangerTo(account);
  const rule = (name: string, region = homeRegion, owner = id) =>
    `arn:${partition}:events:${region}:${owner}:rule/${name}`;
  const from = (sourceArn: string): RequestContext => ({
    "aws:SourceArn": sourceArn,
    "aws:SourceAccount": sourceArn.split(":")[4] ?? "",
  });
  const right = rule(`keyspan-hub/keyspan-heartbeat-${homeRegion}`);
  const table = new Table(id, () => true);

  for (const name of ["events", "delivery.logs"]) {
    const writer = service(`${name}.amazonaws.com`);
    for (const action of STREAM_ACTIONS) {
      const isGranted = WRITE.includes(action);
      table.expect(isGranted, "EventBridge", writer, `logs:${action}`, from(right));
    }
    for (const action of WRITE.map((write) => `logs:${write}`)) {
      // EventBridge's guide binds only the writing to rules, and not by the account: what is not sent
      // must not be in the way.
      table.granted("EventBridge, unsourced", writer, action);
      table.granted("EventBridge, unsourced", writer, action, { "aws:SourceArn": right });
      table.granted("EventBridge, unsourced", writer, action, { "aws:SourceAccount": id });
      for (const context of [
        { "aws:SourceAccount": stranger },
        from(rule("keyspan-hub/keyspan-x", homeRegion, stranger)),
        { "aws:SourceArn": rule("keyspan-hub/keyspan-x", homeRegion, stranger) },
        from(rule("keyspan-hub/keyspan-x", regionOutside(account))),
        from(rule("keyspan-hub/orders")),
        from(rule("keyspan-hub/keyspan")),
        from(rule("orders/keyspan-x")),
        from(rule("keyspan-x")),
      ]) {
        table.refused("EventBridge, wrongly", writer, action, context);
      }
      table.add({
        topic: "another log group",
        principal: writer,
        action,
        context: from(right),
        fullAdmin: false,
        allowed: false,
        resource: streamArn(account, "/aws/events/orders"),
      });
    }
  }
  const role = (owner: string) => sessionOf(`arn:${partition}:iam::${owner}:role/Unrelated`);
  for (const action of STREAM_ACTIONS.map((name) => `logs:${name}`)) {
    for (const name of ["logs", "sns", "states", "cloudtrail", `events.${homeRegion}`]) {
      table.refused("other services", service(`${name}.amazonaws.com`), action, from(right));
    }
    table.refused("own account", role(id), action);
    for (const principal of [role(stranger), rootUser(partition, stranger), NOBODY_KNOWN]) {
      table.refused("outsider", principal, action);
    }
  }
  return table.cells;
}
