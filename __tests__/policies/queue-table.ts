/** Who may do what with a dead-letter queue: of a bus, of what forwards, of what starts `announce`. */
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

/** A dead-letter queue, and whose failures arrive there. */
interface DeadLetterPlace {
  readonly account: AccountConfig;
  readonly region: string;
  /** ARNs of EventBridge: what may send here. */
  readonly sources: readonly string[];
  /** ARNs of EventBridge: what may not. */
  readonly wrongSources: readonly string[];
  /** Principals of other accounts, besides those that no configuration names. */
  readonly outsiders?: readonly Principal[];
  /** Ids of organisations that some of them may belong to. */
  readonly organizations?: readonly string[];
}

/** Everything that must be decided about the dead-letter queue of a bus. */
export function queueCells(place: BusPlace): readonly Cell[] {
  const { account, bus, region } = place;
  const { partition, id } = account;
  const role = (owner: string) => sessionOf(`arn:${partition}:iam::${owner}:role/Unrelated`);
  return deadLetterCells({
    account,
    region,
    sources: [busArnAt(place)],
    wrongSources: wrongSources(account, bus.name, region, strangerTo(account)),
    outsiders: [
      ...bus.producers.accounts.filter((accountId) => accountId !== id).map(role),
      ...bus.producers.roles.filter((roleArn) => roleArn.split(":")[4] !== id).map(sessionOf),
    ],
    organizations: bus.producers.organizations,
  });
}

/** Everything that must be decided about a dead-letter queue of the notification stack. */
export function watchingQueueCells(
  account: AccountConfig,
  queueName: string,
  region: string,
): readonly Cell[] {
  return queueName === "keyspan-dead-letter-announce"
    ? announceQueueCells(account)
    : forwardQueueCells(account, region);
}

/** Everything that must be decided about the queue of what a region could not forward. */
function forwardQueueCells(account: AccountConfig, region: string): readonly Cell[] {
  const rule = ruleArns(account, region);
  return deadLetterCells({
    account,
    region,
    sources: [rule("keyspan-forward-kms-calls"), rule("keyspan-forward-alarms")],
    wrongSources: [
      ...wrongPlaces(account, region, "rule/keyspan-forward-kms-calls"),
      rule("keyspan-forward"),
      rule("forward"),
      rule("orders/keyspan-forward-kms-calls"),
      rule("keyspan-hub/keyspan-forward-kms-calls"),
      rule("keyspan-announce"),
      rule("keyspan-hub/keyspan-announce"),
    ],
  });
}

/** Everything that must be decided about the queue of what `announce` could not be started with. */
function announceQueueCells(account: AccountConfig): readonly Cell[] {
  const region = account.homeRegion;
  const rule = ruleArns(account, region);
  return deadLetterCells({
    account,
    region,
    sources: [rule("keyspan-hub/keyspan-announce")],
    wrongSources: [
      ...wrongPlaces(account, region, "rule/keyspan-hub/keyspan-announce"),
      rule("keyspan-announce"),
      rule("keyspan-hub/keyspan-announce2"),
      rule("keyspan-hub/keyspan-announc"),
      rule(`keyspan-hub/keyspan-canary-${region}`),
      rule("orders/keyspan-announce"),
      rule("keyspan-forward-kms-calls"),
    ],
  });
}

function ruleArns({ partition, id }: AccountConfig, region: string): (name: string) => string {
  return (name) => `arn:${partition}:events:${region}:${id}:rule/${name}`;
}

/** The same resource of EventBridge elsewhere, and other resources of the region. */
function wrongPlaces(account: AccountConfig, region: string, resource: string): readonly string[] {
  const { partition, id } = account;
  const arn = (name: string, inRegion = region, owner = id) =>
    `arn:${partition}:events:${inRegion}:${owner}:${name}`;
  return [
    arn(resource, regionOutside(account)),
    ...account.regions.flatMap(({ name }) => (name === region ? [] : arn(resource, name))),
    arn(resource, region, strangerTo(account)),
    arn("event-bus/keyspan-hub"),
    arn("event-bus/default"),
    arn("archive/keyspan-forward-kms-calls"),
  ];
}

function deadLetterCells(place: DeadLetterPlace): readonly Cell[] {
  const { account, region, sources } = place;
  const { partition, id } = account;
  const stranger = strangerTo(account);
  const [source = ""] = sources;
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
    table.expect(action === SEND, "EventBridge", eventBridge, action, from(source));
    table.refused("EventBridge", eventBridge, action, { ...from(source), ...WITHOUT_TLS });
  }
  for (const sourceArn of sources) {
    table.granted("EventBridge", eventBridge, SEND, { "aws:SourceArn": sourceArn });
  }
  for (const sourceArn of place.wrongSources) {
    table.refused("EventBridge, wrongly", eventBridge, SEND, from(sourceArn));
  }
  table.refused("EventBridge, wrongly", eventBridge, SEND);
  table.refused("EventBridge, wrongly", eventBridge, SEND, { "aws:SourceAccount": id });

  for (const name of ["sns", "s3", "sqs", "lambda", "scheduler", "pipes", "states"]) {
    table.refused("other services", service(`${name}.amazonaws.com`), SEND, from(source));
  }
  table.refused("other services", service(`events.${region}.amazonaws.com`), SEND, from(source));

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
    ...(place.outsiders ?? []),
  ]) {
    table.refused("outsider", principal, SEND);
    for (const organization of place.organizations ?? []) {
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
