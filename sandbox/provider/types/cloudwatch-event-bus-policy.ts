import { EVENT_BUS_NAME } from "../../../modules/names";
import { DEFAULT_BUS, EVENT_BUSES, Events, isEventsNotFound } from "../../aws/events";
import { jsonProblems, lengthProblems } from "../argument-problems";
import { doing, unlessGone } from "../calls";
import { listedByName, ownName } from "../names";
import type { ResourceType, Session } from "../resource-type";
import { samePolicy } from "../same-meaning";
import { type Attributes, textOf } from "../values";
import { findBus } from "./cloudwatch-event-bus";

/**
 * The policy of an event bus.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_event_bus_policy
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/events/bus_policy.go
 */
export const cloudwatchEventBusPolicy: ResourceType = {
  bindings: "cloudwatch-event-bus-policy",
  title: "EventBridge Event Bus Policy",
  documentation:
    "https://registry.terraform.io/providers/hashicorp/aws/6.25.0/docs/resources/cloudwatch_event_bus_policy",
  replacing: ["event_bus_name"],
  defaults: { event_bus_name: DEFAULT_BUS },
  sameMeaning: { policy: samePolicy },
  problems: (config) => [
    ...lengthProblems(config, "event_bus_name", { max: EVENT_BUS_NAME.maxCharacters }),
    ...jsonProblems(config, "policy"),
  ],

  async create(session, planned, keep) {
    const name = textOf(planned, "event_bus_name");
    await putPolicy(session, name, planned);
    keep({ id: name });
  },

  async read(session, state) {
    const name = textOf(state, "id");
    const bus = await doing(`reading ${titleOf(name)}`, () => findBus(session, name));
    return bus?.policy === undefined
      ? undefined
      : { id: name, event_bus_name: name, policy: bus.policy };
  },

  async update(session, prior, planned) {
    await putPolicy(session, textOf(prior, "id"), planned);
  },

  async delete({ aws, at }, state) {
    const name = textOf(state, "id");
    await doing(`deleting ${titleOf(name)}`, () =>
      unlessGone(isEventsNotFound, () => new Events(aws, at).removePermission(name)),
    );
  },

  identify: (id) => ({ id, event_bus_name: id }),
  list: (store, { region }) =>
    store
      .list(EVENT_BUSES, region)
      .filter(([, { policy }]) => policy !== undefined)
      .map(([name]) => listedByName(name)),
  nameIn: ({ event_bus_name: name = DEFAULT_BUS }) => ownName({ name }),
};

async function putPolicy({ aws, at }: Session, name: string, planned: Attributes): Promise<void> {
  // Also when the policy is changed.
  await doing(`creating ${titleOf(name)}`, () =>
    new Events(aws, at).putPermission(name, textOf(planned, "policy")),
  );
}

function titleOf(busName: string): string {
  return `EventBridge Event Bus (${busName}) Policy`;
}
