import { showValue, ValidationError } from "../../../modules/errors";

/** One state as it stands in a definition. Nothing is known about its fields but their names. */
export interface StateDefinition {
  readonly Type: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Default?: string;
  readonly Resource?: string;
  readonly Arguments?: unknown;
  readonly Output?: unknown;
  readonly Assign?: unknown;
  readonly Choices?: readonly ChoiceDefinition[];
  readonly Seconds?: unknown;
  readonly Timestamp?: unknown;
  readonly TimeoutSeconds?: unknown;
  readonly Error?: unknown;
  readonly Cause?: unknown;
  readonly Branches?: readonly StatesDefinition[];
  readonly Items?: unknown;
  readonly ItemSelector?: unknown;
  readonly ItemProcessor?: StatesDefinition;
  readonly MaxConcurrency?: unknown;
  readonly Retry?: readonly RetrierDefinition[];
  readonly Catch?: readonly CatcherDefinition[];
}

/** One rule of a Choice. */
export interface ChoiceDefinition {
  readonly Condition: unknown;
  readonly Next: string;
  readonly Output?: unknown;
  readonly Assign?: unknown;
}

/** When a state is tried again. */
export interface RetrierDefinition {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
}

/** Where an execution goes on after an error. */
export interface CatcherDefinition {
  readonly ErrorEquals: readonly string[];
  readonly Next: string;
  readonly Output?: unknown;
  readonly Assign?: unknown;
}

/** States of a machine, a branch or an iteration. */
export interface StatesDefinition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, StateDefinition>>;
}

/** A whole machine. */
export interface MachineDefinition extends StatesDefinition {
  readonly TimeoutSeconds?: number;
}

/**
 * The states that may retry and catch.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export const CATCHING_TYPES: readonly string[] = ["Task", "Parallel", "Map"];

/**
 * Reads a definition as far as an execution cannot begin without it.
 *
 * @throws {ValidationError} if it is no machine, or one that is not in JSONata throughout
 */
export function machineOf(definition: unknown): MachineDefinition {
  if (!isRecord(definition) || definition.QueryLanguage !== "JSONata") {
    throw new ValidationError(
      `state machine: QueryLanguage must be "JSONata", got ${showValue(isRecord(definition) ? definition.QueryLanguage : definition)}; write its expressions in JSONata`,
    );
  }
  checkStates(definition, "state machine");
  return definition as unknown as MachineDefinition;
}

/** States with those inside their branches and iterations, outermost first. */
export function innerStates(state: StateDefinition): readonly StatesDefinition[] {
  return [
    ...(state.Branches ?? []),
    ...(state.ItemProcessor === undefined ? [] : [state.ItemProcessor]),
  ];
}

function checkStates(definition: unknown, where: string): void {
  if (!isRecord(definition) || !isRecord(definition.States)) {
    throw new ValidationError(`${where}: States must be an object of states, got nothing`);
  }
  const states = definition.States as Readonly<Record<string, StateDefinition>>;
  checkTarget(definition.StartAt, states, `${where}: StartAt`);
  for (const [name, state] of Object.entries(states)) {
    checkState(name, state, states, where);
  }
}

function checkState(
  name: string,
  state: StateDefinition,
  states: Readonly<Record<string, StateDefinition>>,
  where: string,
): void {
  const at = `${where}: ${name}`;
  if (!isRecord(state)) {
    throw new ValidationError(`${at} must be a state, got ${showValue(state)}`);
  }
  if ("QueryLanguage" in state && state.QueryLanguage !== "JSONata") {
    throw new ValidationError(
      `${at}: QueryLanguage must be "JSONata", got ${showValue(state.QueryLanguage)}; write its expressions in JSONata`,
    );
  }
  for (const target of targetsOf(state)) {
    checkTarget(target, states, `${at}: Next`);
  }
  for (const inner of innerStates(state)) {
    checkStates(inner, at);
  }
}

/** Names of the states that may follow a state. */
export function targetsOf(state: StateDefinition): readonly string[] {
  return [
    state.Next,
    state.Default,
    ...(state.Choices ?? []).map((choice) => choice.Next),
    ...(state.Catch ?? []).map((catcher) => catcher.Next),
  ].filter((target) => target !== undefined);
}

function checkTarget(target: unknown, states: object, what: string): void {
  if (typeof target !== "string" || !Object.hasOwn(states, target)) {
    throw new ValidationError(
      `${what} must name a state beside it, got ${showValue(target)}; name one of ${Object.keys(states).join(", ")}`,
    );
  }
}

/** Whether a value is an object and no array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
