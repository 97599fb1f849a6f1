import { showValue, ValidationError } from "../../../modules/errors";
import {
  CATCHING_TYPES,
  type CatcherDefinition,
  innerStates,
  isRecord,
  machineOf,
  type RetrierDefinition,
  type StateDefinition,
  type StatesDefinition,
  targetsOf,
} from "./definition";
import { isTerminal } from "./errors";
import { type ExpressionScope, templateProblems } from "./expression-problems";
import { isExpression } from "./expressions";
import { FUNCTION_NAMES } from "./functions";
import { jsonBytes } from "./json";
import { MAX_SECONDS } from "./limits";

// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-accounts
const MAX_DEFINITION_BYTES = 1_048_576;

// https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html
const MAX_STATE_NAME_CHARACTERS = 80;

// https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#variable-name-syntax
const VARIABLE_NAME = /^\p{ID_Start}\p{ID_Continue}{0,79}$/u;

// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
const MAX_DELAY_SECONDS = 31_622_400;

// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-error-representation
// https://states-language.net/spec.html#appendix-a
const STATES_ERRORS: readonly string[] = [
  "States.ALL",
  "States.BranchFailed",
  "States.ExceedToleratedFailureThreshold",
  "States.HeartbeatTimeout",
  "States.Http.Socket",
  "States.ItemReaderFailed",
  "States.Permissions",
  "States.QueryEvaluationError",
  "States.ResultWriterFailed",
  "States.TaskFailed",
  "States.Timeout",
];

// https://states-language.net/spec.html#table-of-state-types-and-fields-jsonata
const TYPES_WITH: Readonly<Record<string, readonly string[]>> = {
  Retry: CATCHING_TYPES,
  Catch: CATCHING_TYPES,
  Arguments: ["Task", "Parallel"],
  Assign: [...CATCHING_TYPES, "Pass", "Wait", "Choice"],
  Output: [...CATCHING_TYPES, "Pass", "Wait", "Choice", "Succeed"],
};

// Failures are tolerated in distributed mode only: "In this mode, the failure of any iteration
// causes the Map state to fail".
// https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
const DISTRIBUTED_ONLY: readonly string[] = [
  "ToleratedFailurePercentage",
  "ToleratedFailureCount",
  "ItemReader",
  "ItemBatcher",
  "ResultWriter",
  "Label",
];

/** Fields of a state that are evaluated before its task, branches or iterations. */
const FIELDS_BEFORE: readonly string[] = [
  "Arguments",
  "Seconds",
  "Timestamp",
  "TimeoutSeconds",
  "HeartbeatSeconds",
  "Items",
  "MaxConcurrency",
  "Error",
  "Cause",
  "Credentials",
];

/** Fields that take no expression. */
const CONSTANT_FIELDS: readonly string[] = ["Type", "Resource", "Next", "Default", "Comment"];

type Names = ReadonlySet<string>;
type Fields = Readonly<Record<string, unknown>>;

/** States of a machine, a branch or an iteration, in what surrounds them. */
interface Block {
  readonly definition: StatesDefinition;
  /** What stands before the names of states in messages. */
  readonly where: string;
  /** Variables that may be set when the block begins. */
  readonly variables: Names;
  /** Variables that the scopes around it set anywhere. */
  readonly outer: Names;
}

/**
 * Returns what is wrong with a state machine and can be seen without running it: what AWS refuses
 * when the machine is created although a schema of the language does not, and what can only fail.
 *
 * @param definition - the definition, as parsed JSON
 * @returns one sentence each, as `<state>: <field>: <what must hold>`; empty for a machine without problems
 * @see https://states-language.net/spec.html
 */
export function definitionProblems(definition: unknown): readonly string[] {
  try {
    const machine = machineOf(definition);
    const none: Names = new Set();
    return [
      ...sizeProblems(definition),
      ...blockProblems({ definition: machine, where: "", variables: none, outer: none }),
    ];
  } catch (error) {
    if (error instanceof ValidationError) {
      return [error.message];
    }
    throw error;
  }
}

function sizeProblems(definition: unknown): readonly string[] {
  const bytes = jsonBytes(definition);
  return bytes <= MAX_DEFINITION_BYTES
    ? []
    : [`the definition must have at most ${MAX_DEFINITION_BYTES} bytes, got ${bytes}`];
}

function blockProblems(block: Block): readonly string[] {
  const { definition, where, outer } = block;
  const before = variablesBefore(block);
  const own = assignedNames(definition);
  return [
    ...terminalProblems(block),
    ...Object.entries(definition.States).flatMap(([name, state]) => {
      const at = `${where}${name}`;
      const variables = before.get(name) ?? new Set();
      return [
        ...nameProblems(name, at),
        ...fieldProblems(state, at),
        ...assignProblems(state, at, outer),
        ...readingProblems(state, at, variables),
        ...innerStates(state).flatMap((inner, index) =>
          blockProblems({
            definition: inner,
            where: `${at}${state.Branches === undefined ? "" : `[${index}]`} > `,
            variables,
            outer: new Set([...outer, ...own]),
          }),
        ),
      ];
    }),
  ];
}

/** Whether a state ends its machine, branch or iteration. */
function isEnd(state: StateDefinition): boolean {
  return state.End === true || state.Type === "Succeed" || state.Type === "Fail";
}

function terminalProblems({ definition, where }: Block): readonly string[] {
  const reached = new Set([definition.StartAt]);
  for (const name of reached) {
    for (const target of targetsOf(definition.States[name] as StateDefinition)) {
      reached.add(target);
    }
  }
  const states = Object.entries(definition.States);
  return [
    ...(states.some(([name, state]) => reached.has(name) && isEnd(state))
      ? []
      : [`${where}${definition.StartAt}: must lead to a state that ends, got none`]),
    ...states
      .filter(([name]) => !reached.has(name))
      .map(([name]) => `${where}${name}: must be reached from ${definition.StartAt}; remove it`),
    ...states
      .filter(([, state]) => !isEnd(state) && state.Type !== "Choice" && state.Next === undefined)
      .map(([name]) => `${where}${name}: must have Next or "End": true`),
  ];
}

function nameProblems(name: string, at: string): readonly string[] {
  return name.length <= MAX_STATE_NAME_CHARACTERS
    ? []
    : [
        `${at}: the name of a state must have at most ${MAX_STATE_NAME_CHARACTERS} characters, got ${name.length}`,
      ];
}

function fieldProblems(state: StateDefinition, at: string): readonly string[] {
  const fields: Fields = { ...state };
  return [
    ...Object.entries(TYPES_WITH)
      .filter(([field, types]) => fields[field] !== undefined && !types.includes(state.Type))
      .map(
        ([field, types]) =>
          `${at}: ${field} must stand in ${types.join(", ")} only, got ${state.Type}`,
      ),
    ...CONSTANT_FIELDS.filter((field) => isExpression(fields[field])).map(
      (field) => `${at}: ${field} must be a constant, got ${showValue(fields[field])}`,
    ),
    ...(state.Type === "Task" && state.Arguments === undefined
      ? [`${at}: must have Arguments: without, the input of the state becomes those of the call`]
      : []),
    ...distributedProblems(state, fields, at),
    ...errorListProblems(state.Retry ?? [], `${at}: Retry`),
    ...errorListProblems(state.Catch ?? [], `${at}: Catch`),
    ...(state.Retry ?? []).flatMap((retrier, index) =>
      retrierProblems(retrier, `${at}: Retry[${index}]`),
    ),
  ];
}

function distributedProblems(
  state: StateDefinition,
  fields: Fields,
  at: string,
): readonly string[] {
  return state.Type === "Map"
    ? DISTRIBUTED_ONLY.filter((field) => fields[field] !== undefined).map(
        (field) =>
          `${at}: ${field} must stand in a Map in distributed mode only; catch errors inside the iteration`,
      )
    : [];
}

function errorListProblems(
  list: readonly (RetrierDefinition | CatcherDefinition)[],
  at: string,
): readonly string[] {
  return list.flatMap(({ ErrorEquals: names }, index) => {
    if (!Array.isArray(names) || names.length === 0) {
      return [`${at}[${index}]: ErrorEquals must name an error, got ${showValue(names)}`];
    }
    return [
      ...(names.includes("States.ALL") && (names.length > 1 || index < list.length - 1)
        ? [`${at}[${index}]: States.ALL must stand alone and in the last place`]
        : []),
      ...names
        .filter((name) => name.startsWith("States.") && !STATES_ERRORS.includes(name))
        .map((name) => `${at}[${index}]: ${unknownErrorProblem(name)}`),
    ];
  });
}

function unknownErrorProblem(name: string): string {
  return isTerminal(name)
    ? `nothing takes ${name}: it ends the execution`
    : `must name errors that states report, got ${name}`;
}

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error */
function retrierProblems(retrier: RetrierDefinition, at: string): readonly string[] {
  const { IntervalSeconds, MaxAttempts, BackoffRate, MaxDelaySeconds } = retrier;
  return [
    ...rangeProblems(`${at}: IntervalSeconds`, IntervalSeconds, 1, MAX_SECONDS),
    ...rangeProblems(`${at}: MaxAttempts`, MaxAttempts, 0, MAX_SECONDS),
    ...rangeProblems(`${at}: MaxDelaySeconds`, MaxDelaySeconds, 1, MAX_DELAY_SECONDS),
    ...(BackoffRate === undefined || BackoffRate >= 1
      ? []
      : [`${at}: BackoffRate must be at least 1, got ${BackoffRate}`]),
  ];
}

function rangeProblems(
  what: string,
  value: number | undefined,
  least: number,
  most: number,
): readonly string[] {
  return value === undefined || (Number.isInteger(value) && value >= least && value <= most)
    ? []
    : [`${what} must be a whole number from ${least} to ${most}, got ${value}`];
}

/** What sets variables in a state, each with the words for it. */
function assignments(state: StateDefinition): readonly (readonly [string, unknown])[] {
  return [
    ["Assign", state.Assign],
    ...(state.Choices ?? []).map(
      ({ Assign }, index) => [`Choices[${index}]/Assign`, Assign] as const,
    ),
    ...(state.Catch ?? []).map(({ Assign }, index) => [`Catch[${index}]/Assign`, Assign] as const),
  ];
}

function assignedNames(definition: StatesDefinition): Names {
  return new Set(
    Object.values(definition.States).flatMap((state) =>
      assignments(state).flatMap(([, assign]) => namesOf(assign)),
    ),
  );
}

function namesOf(assign: unknown): readonly string[] {
  return isRecord(assign) ? Object.keys(assign) : [];
}

function assignProblems(state: StateDefinition, at: string, outer: Names): readonly string[] {
  return assignments(state).flatMap(([field, assign]) =>
    assign === undefined || isRecord(assign)
      ? namesOf(assign).flatMap((name) =>
          variableProblems(name, outer).map((problem) => `${at}: ${field}: ${problem}`),
        )
      : [`${at}: ${field}: must be an object of variables, got ${showValue(assign)}`],
  );
}

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#variable-scope */
function variableProblems(name: string, outer: Names): readonly string[] {
  if (name === "states") {
    return ["must not set $states, which is reserved"];
  }
  if (!VARIABLE_NAME.test(name)) {
    return [`must name variables by identifiers of at most 80 characters, got ${name}`];
  }
  return [
    ...(outer.has(name)
      ? [`must not set $${name}, which a scope around this one sets; choose another name`]
      : []),
    ...(FUNCTION_NAMES.has(name)
      ? [`must not set $${name}, which hides the function; choose another name`]
      : []),
  ];
}

/**
 * The variables that may be set when each state is entered: those that some path there sets.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#variable-scope
 */
function variablesBefore({ definition, variables }: Block): ReadonlyMap<string, Names> {
  const before = new Map<string, Names>([[definition.StartAt, variables]]);
  const pending = [definition.StartAt];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const known = before.get(name) ?? new Set();
    for (const [target, assign] of edgesOf(definition.States[name] as StateDefinition)) {
      const there = before.get(target);
      const all = new Set([...(there ?? []), ...known, ...namesOf(assign)]);
      if (there === undefined || all.size > there.size) {
        before.set(target, all);
        pending.push(target);
      }
    }
  }
  return before;
}

/** The states that may follow a state, each with what is assigned on the way. */
function edgesOf(state: StateDefinition): readonly (readonly [string, unknown])[] {
  return [
    ...[state.Next, state.Default]
      .filter((target) => target !== undefined)
      .map((target) => [target, state.Assign] as const),
    ...[...(state.Choices ?? []), ...(state.Catch ?? [])].map(
      ({ Next, Assign }) => [Next, Assign] as const,
    ),
  ];
}

function readingProblems(state: StateDefinition, at: string, variables: Names): readonly string[] {
  const always = ["input", "context"];
  const scope: ExpressionScope = { variables, states: always, seesItem: false };
  const after = CATCHING_TYPES.includes(state.Type) ? [...always, "result"] : always;
  const fields: Fields = { ...state };
  return [
    ...FIELDS_BEFORE.flatMap((field) => templateProblems(fields[field], field, scope)),
    ...templateProblems(state.ItemSelector, "ItemSelector", { ...scope, seesItem: true }),
    ...holderProblems(state, "", { ...scope, states: after }),
    ...(state.Choices ?? []).flatMap((rule, index) => [
      ...templateProblems(rule.Condition, `Choices[${index}]/Condition`, scope),
      ...holderProblems(rule, `Choices[${index}]/`, scope),
    ]),
    ...(state.Catch ?? []).flatMap((catcher, index) =>
      holderProblems(catcher, `Catch[${index}]/`, { ...scope, states: [...always, "errorOutput"] }),
    ),
  ].map((problem) => `${at}: ${problem}`);
}

function holderProblems(
  holder: Pick<CatcherDefinition, "Output" | "Assign">,
  where: string,
  scope: ExpressionScope,
): readonly string[] {
  return [
    ...templateProblems(holder.Output, `${where}Output`, scope),
    ...templateProblems(holder.Assign, `${where}Assign`, scope),
  ];
}
