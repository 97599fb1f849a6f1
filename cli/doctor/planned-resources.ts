/** What an account's stacks hold in AWS by name, and what of it their states hold already. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { parseArn } from "../../modules/partition";
import type { StackState } from "../rollout/state-bucket";
import { readStackFolders, STACK_FILE } from "../stack-folders";
import { synthesize } from "../synthesize";

/** A resource that a synth has written down. */
export interface PlannedResource {
  readonly stack: string;
  /** `<type>.<name>` */
  readonly address: string;
  readonly type: string;
  readonly region: string;
  /** Name in AWS; nothing for what AWS names itself, such as keys. */
  readonly name?: string;
  /** Name of the bus of a rule, and of the bus that an archive takes its events from. */
  readonly bus?: string;
}

const argumentsSchema = z.object({
  region: z.string().optional(),
  name: z.string().optional(),
  bucket: z.string().optional(),
  event_bus_name: z.string().optional(),
  event_source_arn: z.string().optional(),
});

const stackSchema = z.object({
  provider: z.object({ aws: z.array(z.object({ region: z.string() })).min(1) }),
  resource: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  import: z.array(z.object({ to: z.string() })).default([]),
});

/**
 * The resources of an account, but for those that it takes over from AWS.
 *
 * Synthesizes into a folder of its own, which is gone afterwards: a plan may be under way.
 *
 * @throws {ValidationError} if the account or its ledger is refused
 */
export function plannedResources(
  workspace: string,
  accountsDirectory: string,
): { readonly stacks: readonly string[]; readonly planned: readonly PlannedResource[] } {
  const outputDirectory = mkdtempSync(join(tmpdir(), "keyspan-doctor-"));
  try {
    synthesize(workspace, outputDirectory, accountsDirectory);
    const folders = readStackFolders(outputDirectory);
    return {
      stacks: folders.map(({ id }) => id),
      planned: folders.flatMap(({ id, directory }) =>
        resourcesOf(id, JSON.parse(readFileSync(join(directory, STACK_FILE), "utf8"))),
      ),
    };
  } finally {
    rmSync(outputDirectory, { recursive: true, force: true });
  }
}

/** The resources in a stack's Terraform JSON, but for those that it takes over. */
export function resourcesOf(stack: string, json: unknown): readonly PlannedResource[] {
  const parsed = stackSchema.parse(json);
  const adopted = new Set(parsed.import.map(({ to }) => to));
  const everything = Object.entries(parsed.resource).flatMap(([type, byName]) =>
    Object.entries(byName).map(([name, values]) => ({
      type,
      address: `${type}.${name}`,
      values: argumentsSchema.parse(values),
    })),
  );
  const busNames = new Map(
    everything
      .filter(({ type }) => type === "aws_cloudwatch_event_bus")
      .map(({ address, values }) => [`\${${address}.name}`, values.name]),
  );
  return everything
    .filter(({ address }) => !adopted.has(address))
    .map(({ type, address, values }) => {
      const name = values.bucket ?? values.name;
      const bus = busOf(type, values, busNames);
      return {
        stack,
        address,
        type,
        region: values.region ?? parsed.provider.aws[0]?.region ?? "",
        ...(name !== undefined && { name }),
        ...(bus !== undefined && { bus }),
      };
    });
}

function busOf(
  type: string,
  values: z.infer<typeof argumentsSchema>,
  busNames: ReadonlyMap<string, string | undefined>,
): string | undefined {
  switch (type) {
    case "aws_cloudwatch_event_rule": {
      const { event_bus_name: bus = "default" } = values;
      return busNames.get(bus) ?? bus;
    }
    case "aws_cloudwatch_event_archive": {
      const { event_source_arn: source = "" } = values;
      return parseArn(source)?.resource.replace(/^event-bus\//, "");
    }
    default:
      return undefined;
  }
}

/** What the account's states hold. */
export class OwnedResources {
  private readonly addresses = new Set<string>();
  private readonly identities = new Set<string>();

  /** @param states - by the id of their stack */
  constructor(states: ReadonlyMap<string, StackState>) {
    for (const [stack, { resources }] of states) {
      for (const { type, address, attributes } of resources) {
        this.addresses.add(`${stack} ${address}`);
        const name = attributes.bucket ?? attributes.name;
        const region = attributes.region ?? parseArn(String(attributes.arn ?? ""))?.region;
        this.identities.add(identity(type, String(region ?? ""), String(name ?? "")));
      }
    }
  }

  /** Whether a state holds the resource, at its address or at another. */
  has({ stack, address, type, region, name = "" }: PlannedResource): boolean {
    return (
      this.addresses.has(`${stack} ${address}`) ||
      (name !== "" &&
        (this.identities.has(identity(type, region, name)) ||
          // What knows no region has none in its state.
          this.identities.has(identity(type, "", name))))
    );
  }
}

function identity(type: string, region: string, name: string): string {
  return `${type} ${region} ${name}`;
}
