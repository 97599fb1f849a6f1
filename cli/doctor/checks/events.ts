import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { CallFailure } from "../aws-calls";
import type { Check, Examination } from "../examination";
import type { Finding } from "../findings";
import { EVENT_BUSES, RULES_PER_BUS, roomIn } from "../quotas";
import { free, taken, toBeCreated } from "./names";

/** Whether EventBridge has room in a region, and whether the names of buses, archives and rules are free. */
export function eventChecks(examination: Examination, region: string): readonly Check[] {
  const buses = toBeCreated(examination, "aws_cloudwatch_event_bus", region);
  const archives = toBeCreated(examination, "aws_cloudwatch_event_archive", region);
  const rules = toBeCreated(examination, "aws_cloudwatch_event_rule", region);
  const newBuses = new Set(buses.map(({ name }) => name));
  const busesOfRules = new Set([...rules, ...archives].flatMap(({ bus }) => bus ?? []));
  const connect = () => clientIn(examination, region);
  return [
    ...(buses.length === 0
      ? []
      : [
          {
            subject: "names",
            region,
            looksAt: "the event buses",
            run: async () => {
              const existing = await listBuses(examination, await connect());
              const clashes = buses
                .filter(({ name }) => existing.includes(name ?? ""))
                .map((bus) => taken(examination, bus, bus.name ?? ""));
              return [
                ...(clashes.length > 0 ? clashes : free(examination, buses, "event buses", region)),
                await roomIn(examination, EVENT_BUSES, {
                  region,
                  existing: existing.length,
                  added: buses.length,
                }),
              ];
            },
          } satisfies Check,
        ]),
    ...(archives.length === 0
      ? []
      : [
          {
            subject: "names",
            region,
            looksAt: "the archives",
            run: async () => {
              const existing = await listArchives(examination, await connect());
              const clashes = archives
                .filter(({ name }) => existing.includes(name ?? ""))
                .map((archive) => taken(examination, archive, archive.name ?? ""));
              return clashes.length > 0 ? clashes : free(examination, archives, "archives", region);
            },
          } satisfies Check,
        ]),
    ...[...busesOfRules].map(
      (bus): Check => ({
        subject: "names",
        region,
        looksAt: `the rules of event bus ${bus}`,
        run: async () => {
          const mine = rules.filter((rule) => rule.bus === bus);
          const existing = newBuses.has(bus)
            ? []
            : await listRules(examination, await connect(), bus);
          if (existing === "no such bus") {
            return [missingBus(examination, region, bus)];
          }
          const clashes = mine
            .filter(({ name }) => existing.includes(name ?? ""))
            .map((rule) =>
              taken(
                examination,
                rule,
                bus === "default" ? (rule.name ?? "") : `${bus}/${rule.name}`,
              ),
            );
          // EventBridge makes a rule of its own for each archive.
          const added = mine.length + archives.filter((archive) => archive.bus === bus).length;
          return [
            ...(clashes.length > 0
              ? clashes
              : free(examination, mine, `rules of event bus ${bus}`, region)),
            await roomIn(examination, RULES_PER_BUS, {
              region,
              what: `rules of event bus ${bus}`,
              existing: existing.length,
              added,
            }),
          ];
        },
      }),
    ),
  ];
}

async function clientIn({ calls }: Examination, region: string): Promise<EventBridgeClient> {
  const { EventBridgeClient: Client } = await import("@aws-sdk/client-eventbridge");
  return new Client(calls.settings("plan", "EVENTBRIDGE", region));
}

async function listBuses(
  { calls }: Examination,
  client: EventBridgeClient,
): Promise<readonly string[]> {
  const { ListEventBusesCommand } = await import("@aws-sdk/client-eventbridge");
  return calls.all("events:ListEventBuses", async (NextToken, options) => {
    const page = await client.send(new ListEventBusesCommand({ NextToken, Limit: 100 }), options);
    return { items: (page.EventBuses ?? []).map(({ Name = "" }) => Name), next: page.NextToken };
  });
}

async function listArchives(
  { calls }: Examination,
  client: EventBridgeClient,
): Promise<readonly string[]> {
  const { ListArchivesCommand } = await import("@aws-sdk/client-eventbridge");
  return calls.all("events:ListArchives", async (NextToken, options) => {
    const page = await client.send(new ListArchivesCommand({ NextToken, Limit: 100 }), options);
    return {
      items: (page.Archives ?? []).map(({ ArchiveName = "" }) => ArchiveName),
      next: page.NextToken,
    };
  });
}

async function listRules(
  { calls }: Examination,
  client: EventBridgeClient,
  bus: string,
): Promise<readonly string[] | "no such bus"> {
  const { ListRulesCommand } = await import("@aws-sdk/client-eventbridge");
  try {
    return await calls.all("events:ListRules", async (NextToken, options) => {
      const page = await client.send(
        new ListRulesCommand({ NextToken, EventBusName: bus, Limit: 100 }),
        options,
      );
      return { items: (page.Rules ?? []).map(({ Name = "" }) => Name), next: page.NextToken };
    });
  } catch (error) {
    if (error instanceof CallFailure && error.code.startsWith("ResourceNotFound")) {
      return "no such bus";
    }
    throw error;
  }
}

/** A bus that Keyspan does not make anew, and that is not there. */
function missingBus({ account }: Examination, region: string, bus: string): Finding {
  const isConfigured = account.buses.some(({ name, existing }) => name === bus && existing);
  return {
    subject: "names",
    level: isConfigured ? "problem" : "warning",
    region,
    message: `${region}: event bus ${bus} must exist, got none, ${isConfigured ? `and buses.${bus}.existing is true` : "although a state holds it"}`,
    fix: isConfigured
      ? `create the bus in ${region}, or let Keyspan make it: take existing out of buses.${bus}`
      : `find out who deleted it; npm run keyspan -- plan ${account.workspace} shows what makes it again`,
  };
}
