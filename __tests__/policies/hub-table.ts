/** Who may put events on the hub: the account's own forwarder, and the organisation's if it is its hub. */
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
import { BUS_ACTIONS } from "./bus-table";
import { type Cell, Table } from "./decision-table";
import { strangerTo } from "./key-table";

const PUT = "events:PutEvents";
const OTHER_ORGANIZATION = "o-zzzzzzzzzz";
const FORWARDER = "keyspan-forward-organization";

/** ARN of the hub. */
export function hubArnAt({ partition, id, homeRegion }: AccountConfig): string {
  return `arn:${partition}:events:${homeRegion}:${id}:event-bus/keyspan-hub`;
}

/** Everything that must be decided about the hub. */
export function hubCells(account: AccountConfig): readonly Cell[] {
  const { partition, id, homeRegion } = account;
  const { hubOfOrganization } = account.notifications;
  const stranger = strangerTo(account);
  const roleIn = (owner: string, name: string) => `arn:${partition}:iam::${owner}:role/${name}`;
  const inOrganization = (organization: string): RequestContext => ({
    "aws:PrincipalOrgID": organization,
  });
  const organizations = [hubOfOrganization ?? "o-a1b2c3d4e5", OTHER_ORGANIZATION];
  const memberships = [{}, ...organizations.map(inOrganization)];
  const forwarderArn = roleIn(id, "keyspan-forward-hub");
  const forwarder = sessionOf(forwarderArn);

  // In its own account the hub leaves to IAM whatever it does not deny.
  const table = new Table(id, (action) => action !== "PutEvents");

  for (const context of memberships) {
    table.granted("own forwarder", forwarder, PUT, context);
    table.add({
      topic: "own forwarder",
      principal: forwarder,
      action: PUT,
      context,
      fullAdmin: true,
      allowed: true,
    });
  }

  const own: readonly Principal[] = [
    sessionOf(roleIn(id, "Unrelated")),
    sessionOf(account.deployRole),
    sessionOf(account.planRole),
    iamUser(`arn:${partition}:iam::${id}:user/Unrelated`),
    rootUser(partition, id),
    // Being in the organisation, even by that name, does not stand for the account's own principals.
    sessionOf(roleIn(id, FORWARDER)),
    ...["announce", "start-announce", "sweep", "trail-check", "put-events", "canary"].map((name) =>
      sessionOf(roleIn(id, `keyspan-${name}`)),
    ),
    sessionOf(`${forwarderArn}2`),
    sessionOf(forwarderArn.slice(0, -1)),
    roleItself(forwarderArn.replace(":role/", ":role/another/path/")),
    iamUser(forwarderArn.replace(":role/", ":user/")),
  ];
  for (const principal of own) {
    for (const context of memberships.slice(0, 2)) {
      table.refused("own account", principal, PUT, context);
      if (principal.kind !== "root") {
        table.add({
          topic: "own account, without any denial",
          principal,
          action: PUT,
          context,
          fullAdmin: false,
          allowed: false,
          alteration: "no-denials",
        });
      }
    }
  }

  const member = sessionOf(roleIn(stranger, FORWARDER));
  const otherStranger = strangerTo({ ...account, tags: { stranger } });
  for (const context of memberships) {
    const isMember =
      hubOfOrganization !== undefined && context["aws:PrincipalOrgID"] === hubOfOrganization;
    for (const principal of [member, sessionOf(roleIn(otherStranger, FORWARDER))]) {
      table.expect(isMember, "organisation's forwarder", principal, PUT, context);
    }
    table.add({
      topic: "organisation's forwarder, without its own account's consent",
      principal: member,
      action: PUT,
      context,
      fullAdmin: false,
      allowed: false,
    });
  }
  const outsiders: readonly Principal[] = [
    sessionOf(roleIn(stranger, "Unrelated")),
    sessionOf(roleIn(stranger, "keyspan-forward-hub")),
    sessionOf(roleIn(stranger, `${FORWARDER}2`)),
    sessionOf(roleIn(stranger, FORWARDER.slice(0, -1))),
    roleItself(roleIn(stranger, `another/path/${FORWARDER}`)),
    iamUser(`arn:${partition}:iam::${stranger}:user/${FORWARDER}`),
    rootUser(partition, stranger),
  ];
  for (const principal of outsiders) {
    for (const context of memberships.slice(0, 2)) {
      table.refused("outsider", principal, PUT, context);
    }
  }
  table.refused("outsider", member, PUT, inOrganization(`${organizations[0]}x`));
  table.refused("anonymous", NOBODY_KNOWN, PUT);
  for (const name of ["events", "scheduler", "states", "cloudwatch", "s3", "pipes", "sns"]) {
    const ofAccount = { "aws:SourceAccount": id };
    for (const context of [
      ofAccount,
      {
        ...ofAccount,
        "aws:SourceArn": `arn:${partition}:events:${homeRegion}:${id}:rule/keyspan-forward-any`,
      },
      { ...ofAccount, "aws:SourceOrgID": organizations[0] ?? "" },
    ]) {
      table.refused("services", service(`${name}.amazonaws.com`), PUT, context);
    }
  }

  for (const [principal, isDenied] of [
    [forwarder, false],
    [member, false],
    ...own.map((one) => [one, true] as const),
    ...outsiders.map((one) => [one, false] as const),
    [service("events.amazonaws.com"), false],
  ] as const) {
    table.add({
      topic: "denial, when all else is allowed",
      principal,
      action: PUT,
      context: {},
      fullAdmin: principal.kind !== "service",
      allowed: !isDenied,
      alteration: "everything-allowed",
    });
  }

  // Of all that a bus can be asked, the policy is about putting events alone.
  for (const action of BUS_ACTIONS.filter((name) => name !== "PutEvents")) {
    table.refused("other actions", forwarder, `events:${action}`);
    table.refused("other actions", sessionOf(roleIn(id, "Unrelated")), `events:${action}`);
    for (const context of memberships.slice(0, 2)) {
      table.refused("other actions", member, `events:${action}`, context);
    }
    table.refused("other actions", service("events.amazonaws.com"), `events:${action}`, {
      "aws:SourceAccount": id,
    });
  }
  return table.cells;
}
