/** Who may do what with the dead-letter queue of a bus. */
import type { AccountConfig } from "../../config/account-config";
import {
  iamUser,
  NOBODY_KNOWN,
  type Principal,
  type RequestContext,
  rootUser,
  service,
  sessionOf,
} from "../helpers/iam";
import { type BusPlace, busArnAt } from "./bus-table";
import { type Cell, Table } from "./decision-table";
import { regionOutside, strangerTo } from "./key-table";

/** Every action on a queue, without `sqs:`. */
export const QUEUE_ACTIONS: readonly string[] = [
  "AddPermission",
  "CancelMessageMoveTask",
  "ChangeMessageVisibility",
  "CreateQueue",
  "DeleteMessage",
  "DeleteQueue",
  "GetQueueAttributes",
  "GetQueueUrl",
  "ListDeadLetterSourceQueues",
  "ListMessageMoveTasks",
  "ListQueueTags",
  "PurgeQueue",
  "ReceiveMessage",
  "RemovePermission",
  "SendMessage",
  "SetQueueAttributes",
  "StartMessageMoveTask",
  "TagQueue",
  "UntagQueue",
];

const SEND = "sqs:SendMessage";
const WITHOUT_TLS: RequestContext = { "aws:SecureTransport": "false" };

/** Everything that must be decided about the dead-letter queue of a bus. */
export function queueCells(place: BusPlace): readonly Cell[] {
  const { account, bus, region } = place;
  const { partition, id } = account;
  const stranger = strangerTo(account);
  const busArn = busArnAt(place);
  const from = (sourceArn: string): RequestContext => ({
    "aws:SourceArn": sourceArn,
    "aws:SourceAccount": sourceArn.split(":")[4] ?? "",
  });
  const eventBridge = service("events.amazonaws.com");
  const actions = QUEUE_ACTIONS.map((name) => `sqs:${name}`);

  // The queue leaves to IAM in its own account all that comes over TLS: people read and move messages.
  // To send one, they would need the alerts key too, which gives itself to its users only.
  const table = new Table(id, () => true);

  for (const action of actions) {
    table.expect(action === SEND, "EventBridge", eventBridge, action, from(busArn));
    table.refused("EventBridge", eventBridge, action, { ...from(busArn), ...WITHOUT_TLS });
  }
  table.granted("EventBridge", eventBridge, SEND, { "aws:SourceArn": busArn });
  for (const sourceArn of wrongSources(account, bus.name, region, stranger)) {
    table.refused("EventBridge, wrongly", eventBridge, SEND, from(sourceArn));
  }
  table.refused("EventBridge, wrongly", eventBridge, SEND);
  table.refused("EventBridge, wrongly", eventBridge, SEND, { "aws:SourceAccount": id });

  for (const name of ["sns", "s3", "sqs", "lambda", "scheduler", "pipes", "states"]) {
    table.refused("other services", service(`${name}.amazonaws.com`), SEND, from(busArn));
  }
  table.refused("other services", service(`events.${region}.amazonaws.com`), SEND, from(busArn));

  const role = (owner: string) => sessionOf(`arn:${partition}:iam::${owner}:role/Unrelated`);
  const withoutTls = (principal: Principal, action: string) =>
    table.add({
      topic: "without TLS",
      principal,
      action,
      context: WITHOUT_TLS,
      fullAdmin: true,
      allowed: false,
    });
  for (const action of actions) {
    table.refused("own role", role(id), action);
    table.refused("outsider", role(stranger), action);
    withoutTls(role(id), action);
  }
  for (const action of [SEND, "sqs:ReceiveMessage", "sqs:SetQueueAttributes"]) {
    table.refused("anonymous", NOBODY_KNOWN, action);
    for (const principal of [
      rootUser(partition, id),
      sessionOf(account.deployRole),
      role(stranger),
    ]) {
      withoutTls(principal, action);
    }
  }
  for (const principal of [
    rootUser(partition, stranger),
    iamUser(`arn:${partition}:iam::${stranger}:user/Unrelated`),
    ...bus.producers.accounts.filter((accountId) => accountId !== id).map(role),
    ...bus.producers.roles.filter((roleArn) => roleArn.split(":")[4] !== id).map(sessionOf),
  ]) {
    table.refused("outsider", principal, SEND);
    for (const organization of bus.producers.organizations) {
      table.refused("outsider", principal, SEND, { "aws:PrincipalOrgID": organization });
    }
  }
  return table.cells;
}

function wrongSources(
  account: AccountConfig,
  busName: string,
  region: string,
  stranger: string,
): readonly string[] {
  const { partition, id, buses } = account;
  const arn = (resource: string, inRegion = region, owner = id) =>
    `arn:${partition}:events:${inRegion}:${owner}:${resource}`;
  return [
    arn(`event-bus/${busName}2`),
    arn(`event-bus/${busName.slice(0, -1)}`),
    arn("event-bus/not-configured"),
    ...buses.filter(({ name }) => name !== busName).map(({ name }) => arn(`event-bus/${name}`)),
    arn(`event-bus/${busName}`, regionOutside(account)),
    arn(`event-bus/${busName}`, region, stranger),
    arn(`rule/${busName}`),
    arn(`rule/${busName}/any`),
    arn(`archive/${busName}`),
  ];
}
