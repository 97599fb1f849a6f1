/** Who may publish on one of Keyspan's two topics: `announce`, Keyspan's alarms and nobody else. */
import type { AccountConfig } from "../../config/account-config";
import {
  iamUser,
  NOBODY_KNOWN,
  type Principal,
  type RequestContext,
  roleItself,
  rootUser,
  service,
  sessionOf,
} from "../helpers/iam";
import { type Cell, Table } from "./decision-table";
import { regionOutside, strangerTo } from "./key-table";

/** Every action on a topic, without `sns:`. */
export const TOPIC_ACTIONS: readonly string[] = [
  "AddPermission",
  "ConfirmSubscription",
  "CreateTopic",
  "DeleteTopic",
  "GetDataProtectionPolicy",
  "GetSubscriptionAttributes",
  "GetTopicAttributes",
  "ListSubscriptionsByTopic",
  "ListTagsForResource",
  "Publish",
  "PutDataProtectionPolicy",
  "RemovePermission",
  "SetSubscriptionAttributes",
  "SetTopicAttributes",
  "Subscribe",
  "TagResource",
  "Unsubscribe",
  "UntagResource",
];

/** Names of the topics. */
export const TOPIC_NAMES: readonly string[] = ["keyspan-alerts", "keyspan-audit"];

/** Names of Keyspan's roles that have no part in a topic. */
const OTHER_ROLES = ["sweep", "trail-check", "start-announce", "forward-hub", "canary"] as const;

const PUBLISH = "sns:Publish";
const ORGANIZATION = "o-a1b2c3d4e5";
const WITHOUT_TLS: RequestContext = { "aws:SecureTransport": "false" };

/** ARN of a topic. */
export function topicArnAt({ partition, id, homeRegion }: AccountConfig, name: string): string {
  return `arn:${partition}:sns:${homeRegion}:${id}:${name}`;
}

/** Everything that must be decided about either topic. */
export function topicCells(account: AccountConfig): readonly Cell[] {
  const { partition, id, homeRegion } = account;
  const stranger = strangerTo(account);
  const roleIn = (owner: string, name: string) => `arn:${partition}:iam::${owner}:role/${name}`;
  const alarm = (name: string, region = homeRegion, owner = id) =>
    `arn:${partition}:cloudwatch:${region}:${owner}:alarm:${name}`;
  const from = (sourceArn: string): RequestContext => ({
    "aws:SourceArn": sourceArn,
    "aws:SourceAccount": sourceArn.split(":")[4] ?? "",
  });
  const announceArn = roleIn(id, "keyspan-announce");
  const announce = sessionOf(announceArn);
  const cloudWatch = service("cloudwatch.amazonaws.com");
  const right = alarm("keyspan-announce-failed");

  // In its own account a topic leaves to IAM whatever it does not deny, such as subscribing.
  const table = new Table(id, (action) => action !== "Publish");

  const own: readonly Principal[] = [
    sessionOf(roleIn(id, "Unrelated")),
    sessionOf(account.deployRole),
    sessionOf(account.planRole),
    iamUser(`arn:${partition}:iam::${id}:user/Unrelated`),
    rootUser(partition, id),
    ...OTHER_ROLES.map((name) => sessionOf(roleIn(id, `keyspan-${name}`))),
    sessionOf(`${announceArn}2`),
    sessionOf(announceArn.slice(0, -1)),
    roleItself(announceArn.replace(":role/", ":role/another/path/")),
    iamUser(announceArn.replace(":role/", ":user/")),
  ];
  const outsiders: readonly Principal[] = [
    sessionOf(roleIn(stranger, "Unrelated")),
    sessionOf(roleIn(stranger, "keyspan-announce")),
    sessionOf(roleIn(stranger, "keyspan-forward-organization")),
    iamUser(`arn:${partition}:iam::${stranger}:user/Unrelated`),
    rootUser(partition, stranger),
  ];

  for (const action of TOPIC_ACTIONS.map((name) => `sns:${name}`)) {
    const isPublishing = action === PUBLISH;
    table.expect(isPublishing, "announce", announce, action);
    table.expect(isPublishing, "CloudWatch's alarms", cloudWatch, action, from(right));
    table.refused("anonymous", NOBODY_KNOWN, action);
    table.refused("EventBridge", service("events.amazonaws.com"), action, {
      "aws:SourceAccount": id,
    });
    for (const principal of own.slice(0, 1)) {
      table.refused("own account", principal, action);
    }
    for (const principal of isPublishing ? outsiders : outsiders.slice(0, 1)) {
      table.refused("outsider", principal, action);
      table.refused("outsider", principal, action, { "aws:PrincipalOrgID": ORGANIZATION });
    }
  }
  for (const name of ["keyspan-watch-heartbeat-eu-west-1", "keyspan-delivery-audit"]) {
    table.granted("CloudWatch's alarms", cloudWatch, PUBLISH, from(alarm(name)));
  }
  for (const principal of own.slice(1)) {
    table.refused("own account", principal, PUBLISH);
  }
  const ofAccount = { "aws:SourceAccount": id };
  const wrong: readonly RequestContext[] = [
    {},
    ofAccount,
    { "aws:SourceArn": right },
    { "aws:SourceArn": right, "aws:SourceAccount": stranger },
    { ...ofAccount, "aws:SourceArn": alarm("keyspan-x", homeRegion, stranger) },
    from(alarm("keyspan-x", homeRegion, stranger)),
    from(alarm("keyspan-x", regionOutside(account))),
    ...account.regions
      .filter(({ name }) => name !== homeRegion)
      .map(({ name }) => from(alarm("keyspan-x", name))),
    from(alarm("keyspan")),
    from(alarm("orders")),
    from(alarm("orders-keyspan-x")),
    from(right.replace(":alarm:", ":insight-rule/")),
    from(right.replace(":cloudwatch:", ":events:")),
  ];
  for (const context of wrong) {
    table.refused("CloudWatch, wrongly", cloudWatch, PUBLISH, context);
  }
  for (const name of [
    "events",
    "states",
    "scheduler",
    "sns",
    "s3",
    "lambda",
    "budgets",
    "cloudtrail",
    `cloudwatch.${homeRegion}`,
  ]) {
    for (const sourceArn of [right, `arn:${partition}:events:${homeRegion}:${id}:rule/any`]) {
      const other = service(`${name}.amazonaws.com`);
      table.refused("other services", other, PUBLISH, from(sourceArn));
    }
  }

  // The denials, when all else is allowed: the account's own principals but one, and whoever has no TLS.
  const denial = (principal: Principal, allowed: boolean, context: RequestContext = {}) =>
    table.add({
      topic: "denials, when all else is allowed",
      principal,
      action: PUBLISH,
      context,
      fullAdmin: principal.kind !== "service" && principal.kind !== "anonymous",
      allowed,
      alteration: "everything-allowed",
    });
  for (const [principal, isDenied] of [
    [announce, false],
    [cloudWatch, false],
    [NOBODY_KNOWN, false],
    ...own.map((one) => [one, true] as const),
    ...outsiders.map((one) => [one, false] as const),
  ] as const) {
    denial(principal, !isDenied);
    denial(principal, false, WITHOUT_TLS);
  }
  // What is denied is not granted in the first place.
  for (const principal of own.filter(({ kind }) => kind !== "root")) {
    table.add({
      topic: "grants, without any denial",
      principal,
      action: PUBLISH,
      context: {},
      fullAdmin: false,
      allowed: false,
      alteration: "no-denials",
    });
  }
  for (const action of ["sns:Subscribe", "sns:GetTopicAttributes"]) {
    table.refused("without TLS, other actions", sessionOf(account.deployRole), action, WITHOUT_TLS);
  }
  table.refused("without TLS", announce, PUBLISH, WITHOUT_TLS);
  table.refused("without TLS", cloudWatch, PUBLISH, { ...from(right), ...WITHOUT_TLS });
  return table.cells;
}
