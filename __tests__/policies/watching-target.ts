/** The tables of the notification stack's policies. */
import type { SynthesizedAccount } from "../helpers/synth";
import type { Cell, Subject } from "./decision-table";
import { hubArnAt, hubCells } from "./hub-table";
import { beatsStreamArnAt, logCells } from "./log-table";
import { watchingQueueCells } from "./queue-table";
import { alertsKeyArns, type WatchingPolicyPlace } from "./rendered";
import { permissionCells, roleArnAt, trustCells } from "./role-table";
import { topicArnAt, topicCells } from "./topic-table";

/** What a policy of the notification stack belongs to, and what must be decided about it. */
export function watchingTarget(
  synthesized: SynthesizedAccount,
  { kind, name, region, policy }: WatchingPolicyPlace,
): readonly [Subject, readonly Cell[]] {
  const { account } = synthesized;
  const roleArn = roleArnAt(account, name);
  switch (kind) {
    case "topic":
      return [{ resource: topicArnAt(account, name), policy }, topicCells(account)];
    case "hub":
      return [{ resource: hubArnAt(account), policy }, hubCells(account)];
    case "queue":
      return [
        { resource: `arn:${account.partition}:sqs:${region}:${account.id}:${name}`, policy },
        watchingQueueCells(account, name, region),
      ];
    case "logs":
      return [{ resource: beatsStreamArnAt(account), policy }, logCells(account)];
    case "trust":
      return [{ resource: roleArn, policy }, trustCells(account, name)];
    case "permissions": {
      const place = { account, alertsKeyArn: alertsKeyArns(synthesized) };
      return [{ resource: roleArn, policy, isIdentityPolicy: true }, permissionCells(place, name)];
    }
  }
}
