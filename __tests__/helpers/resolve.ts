import type { Block, StackJson, SynthesizedAccount } from "./synth";

/** What the ARN of a resource ends in; keys get an id that is made up from their name. */
const ARN_ENDS: Readonly<Record<string, (block: Block, name: string) => [string, string]>> = {
  aws_kms_key: (_block, name) => ["kms", `key/mrk-${name}`],
  aws_kms_replica_key: (_block, name) => ["kms", `key/mrk-${name.split("_")[0]}`],
  aws_cloudwatch_event_bus: ({ name }) => ["events", `event-bus/${name}`],
  aws_sqs_queue: ({ name }) => ["sqs", String(name)],
  aws_sns_topic: ({ name }) => ["sns", String(name)],
  aws_sfn_state_machine: ({ name }) => ["states", `stateMachine:${name}`],
  aws_cloudwatch_log_group: ({ name }) => ["logs", `log-group:${name}`],
  aws_iam_role: ({ name }) => ["iam", `role/${name}`],
};

/**
 * Replaces the references in a value by what they would be after apply, across stacks.
 *
 * @throws if a reference leads nowhere
 */
export function resolveReferences(
  { account, stacks }: Pick<SynthesizedAccount, "account" | "stacks">,
  stack: StackJson,
  value: unknown,
): unknown {
  const resolveText = (inStack: StackJson, text: string): string =>
    text.replace(/\$\{([^{}]+)\}/g, (whole, expression: string) => {
      const remote =
        /^data\.terraform_remote_state\.cross-stack-reference-input-(.+)\.outputs\.(.+)$/.exec(
          expression,
        );
      if (remote !== null) {
        const producer = stacks.find(({ id }) => id === remote[1]);
        const output = producer?.outputs[remote[2] ?? ""];
        if (producer === undefined || output === undefined) {
          throw new Error(`${inStack.id}: ${whole} names no output`);
        }
        return resolveText(producer, String(output.value));
      }
      const [, dataType = "", dataName = ""] =
        /^data\.(\w+)\.([\w-]+)\.\w+$/.exec(expression) ?? [];
      if (inStack.data[dataType]?.[dataName] !== undefined) {
        // Only AWS knows it.
        return `<${expression}>`;
      }
      const [, type = "", name = "", attribute = ""] =
        /^(\w+)\.([\w-]+)\.(\w+)$/.exec(expression) ?? [];
      const block = inStack.resources[type]?.[name];
      if (block === undefined) {
        throw new Error(`${inStack.id}: ${whole} names no resource`);
      }
      if (attribute === "arn") {
        const [service, end] = ARN_ENDS[type]?.(block, name) ?? [];
        if (service === undefined) {
          throw new Error(`${inStack.id}: the ARN of ${type} is not known to this helper`);
        }
        const region = service === "iam" ? "" : (block.region ?? inStack.provider.region);
        return `arn:${account.partition}:${service}:${region}:${account.id}:${end}`;
      }
      return attribute in block
        ? resolveText(inStack, String(block[attribute]))
        : `<${expression}>`;
    });
  const walk = (inner: unknown): unknown => {
    if (typeof inner === "string") {
      return resolveText(stack, inner);
    }
    if (Array.isArray(inner)) {
      return inner.map(walk);
    }
    return typeof inner === "object" && inner !== null
      ? Object.fromEntries(Object.entries(inner).map(([field, x]) => [field, walk(x)]))
      : inner;
  };
  return walk(value);
}
