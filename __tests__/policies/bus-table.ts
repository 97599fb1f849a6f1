/** Who may put events on a bus that Keyspan makes: the configured producers and nobody else. */
import type { AccountConfig, BusConfig } from "../../config/account-config";
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
import { strangerTo } from "./key-table";

/** A bus in a region, and the account that it belongs to. */
export interface BusPlace {
  readonly account: AccountConfig;
  readonly bus: BusConfig;
  readonly region: string;
}

/** Every action on a bus, without `events:`, of which each can be decided by the bus alone. */
export const BUS_ACTIONS: readonly string[] = [
  "AllowVendedLogDeliveryForResource",
  "CreateArchive",
  "CreateEventBus",
  "DeleteEventBus",
  "DescribeEventBus",
  "ListTagsForResource",
  "PutEvents",
  "StartReplay",
  "TagResource",
  "UntagResource",
  "UpdateEventBus",
];

const PUT = "events:PutEvents";
const OTHER_ORGANIZATION = "o-zzzzzzzzzz";

/** ARN of the bus. */
export function busArnAt({ account, bus, region }: BusPlace): string {
  return `arn:${account.partition}:events:${region}:${account.id}:event-bus/${bus.name}`;
}

/** Everything that must be decided about a bus in a region. */
export function busCells(place: BusPlace): readonly Cell[] {
  const { account, bus } = place;
  const { roles, accounts, organizations } = bus.producers;
  const { partition, id } = account;
  const stranger = strangerTo(account);
  /** Whether the account names itself: then all its principals may put that its IAM allows. */
  const isOpen = accounts.includes(id);
  const ownRoles = roles.filter((roleArn) => roleArn.split(":")[4] === id);
  const foreignRoles = roles.filter((roleArn) => !ownRoles.includes(roleArn));
  const named = new Set(ownRoles);
  const roleIn = (owner: string, name: string) => `arn:${partition}:iam::${owner}:role/${name}`;
  const nameOf = (roleArn: string) => roleArn.slice(roleArn.lastIndexOf("/") + 1);
  const inOrganization = (organization: string): RequestContext => ({
    "aws:PrincipalOrgID": organization,
  });

  // In its own account the bus leaves to IAM whatever it does not deny.
  const table = new Table(id, (action) => action !== "PutEvents" || isOpen);

  const own: readonly [string, Principal][] = [
    ["unnamed own role", sessionOf(roleIn(id, "Unrelated"))],
    ["deploy role", sessionOf(account.deployRole)],
    ["plan role", sessionOf(account.planRole)],
    ["own IAM user", iamUser(`arn:${partition}:iam::${id}:user/Unrelated`)],
    ["own root user", rootUser(partition, id)],
    ...ownRoles.flatMap((roleArn): readonly [string, Principal][] => [
      ["lookalike of an own role", sessionOf(`${roleArn}2`)],
      ["lookalike of an own role", sessionOf(roleArn.slice(0, -1))],
      ["lookalike of an own role", roleItself(roleArn.replace(":role/", ":role/another/path/"))],
      ["lookalike of an own role", iamUser(roleArn.replace(":role/", ":user/"))],
    ]),
    ...foreignRoles.map((roleArn): [string, Principal] => [
      "own role named like a foreign one",
      sessionOf(roleIn(id, nameOf(roleArn))),
    ]),
  ];
  for (const [topic, principal] of own) {
    if ("arn" in principal && !named.has(principal.arn)) {
      table.refused(topic, principal, PUT);
      for (const organization of organizations) {
        table.refused(`${topic} in the organisation`, principal, PUT, inOrganization(organization));
      }
    }
  }
  for (const roleArn of ownRoles) {
    // IAM of the account decides; the bus policy must not be in its way, and need not help.
    const cell = { topic: `own role ${roleArn}`, principal: sessionOf(roleArn), action: PUT };
    table.add({ ...cell, context: {}, fullAdmin: true, allowed: true });
    for (const organization of [...organizations, OTHER_ORGANIZATION]) {
      const context = inOrganization(organization);
      table.add({ ...cell, context, fullAdmin: true, allowed: true });
      // That the organisation may put does not stand for the account's own principals.
      table.add({ ...cell, context, fullAdmin: false, allowed: false });
    }
  }

  const foreignAccounts = accounts.filter((accountId) => accountId !== id);
  for (const accountId of foreignAccounts) {
    const topic = `account ${accountId}`;
    for (const principal of [
      sessionOf(roleIn(accountId, "Anything")),
      iamUser(`arn:${partition}:iam::${accountId}:user/Anything`),
      rootUser(partition, accountId),
    ]) {
      table.granted(topic, principal, PUT);
      if (principal.kind !== "root") {
        const alone = { topic, principal, action: PUT, context: {}, fullAdmin: false };
        table.add({ ...alone, allowed: false });
      }
    }
  }
  for (const roleArn of foreignRoles) {
    const owner = roleArn.split(":")[4] ?? "";
    table.granted(`foreign role ${roleArn}`, sessionOf(roleArn), PUT);
    table.granted(
      `foreign role ${roleArn}`,
      sessionOf(roleArn),
      PUT,
      inOrganization(OTHER_ORGANIZATION),
    );
    const alone = { topic: `foreign role ${roleArn}`, principal: sessionOf(roleArn), action: PUT };
    table.add({ ...alone, context: {}, fullAdmin: false, allowed: false });
    const neighbours = [
      sessionOf(roleIn(owner, "Unrelated")),
      sessionOf(`${roleArn}2`),
      sessionOf(roleArn.slice(0, -1)),
      roleItself(roleArn.replace(":role/", ":role/another/path/")),
      iamUser(roleArn.replace(":role/", ":user/")),
      rootUser(partition, owner),
    ];
    for (const neighbour of neighbours) {
      const isGranted =
        accounts.includes(owner) || ("arn" in neighbour && foreignRoles.includes(neighbour.arn));
      table.expect(isGranted, `neighbour of foreign role ${roleArn}`, neighbour, PUT);
    }
    table.refused(
      `neighbour of foreign role ${roleArn}`,
      sessionOf(roleIn(stranger, nameOf(roleArn))),
      PUT,
    );
  }
  const outsider = sessionOf(roleIn(stranger, "Unrelated"));
  for (const organization of organizations) {
    const context = inOrganization(organization);
    const topic = `organisation ${organization}`;
    for (const principal of [
      outsider,
      rootUser(partition, stranger),
      ...foreignRoles.map((roleArn) => sessionOf(roleIn(roleArn.split(":")[4] ?? "", "Unrelated"))),
    ]) {
      table.granted(topic, principal, PUT, context);
    }
    table.add({
      topic,
      principal: outsider,
      action: PUT,
      context,
      fullAdmin: false,
      allowed: false,
    });
    table.refused(`not ${topic}`, outsider, PUT, inOrganization(`${organization}x`));
  }
  for (const principal of [
    outsider,
    rootUser(partition, stranger),
    iamUser(`arn:${partition}:iam::${stranger}:user/Unrelated`),
    ...ownRoles.map((roleArn) => sessionOf(roleIn(stranger, nameOf(roleArn)))),
  ]) {
    table.refused("outsider", principal, PUT);
    table.refused("outsider", principal, PUT, inOrganization(OTHER_ORGANIZATION));
  }
  table.refused("anonymous", NOBODY_KNOWN, PUT);
  for (const name of ["events", "scheduler", "s3", "pipes", "lambda", "sns"]) {
    const own = { "aws:SourceAccount": id };
    for (const context of [
      own,
      { ...own, "aws:SourceArn": `arn:${partition}:events:${place.region}:${id}:rule/any` },
      ...organizations.map((organization) => ({ ...own, "aws:SourceOrgID": organization })),
    ]) {
      table.refused("services", service(`${name}.amazonaws.com`), PUT, context);
    }
  }

  // The denial meets this account's own principals alone: neither services nor anybody else.
  const denied = new Set(own.map(([, principal]) => principal));
  for (const principal of [
    ...denied,
    ...ownRoles.map(sessionOf),
    outsider,
    rootUser(partition, stranger),
    service("events.amazonaws.com"),
    service("s3.amazonaws.com"),
  ]) {
    const isNamed = "arn" in principal && named.has(principal.arn);
    table.add({
      topic: "denial, when all else is allowed",
      principal,
      action: PUT,
      context: principal.kind === "service" ? { "aws:SourceAccount": id } : {},
      fullAdmin: principal.kind !== "service",
      allowed: isOpen || isNamed || !denied.has(principal),
      alteration: "everything-allowed",
    });
  }

  // Of all that a bus can be asked, the policy is about putting events alone.
  const others = BUS_ACTIONS.filter((action) => action !== "PutEvents");
  for (const action of others.map((name) => `events:${name}`)) {
    table.refused("other actions of own principals", sessionOf(roleIn(id, "Unrelated")), action);
    for (const foreign of [
      outsider,
      ...foreignRoles.map(sessionOf),
      ...foreignAccounts.map((accountId) => sessionOf(roleIn(accountId, "Anything"))),
    ]) {
      for (const context of [{}, ...organizations.map(inOrganization)]) {
        table.refused("other actions of foreign principals", foreign, action, context);
      }
    }
    table.refused("other actions of services", service("events.amazonaws.com"), action, {
      "aws:SourceAccount": id,
    });
  }
  return table.cells;
}
