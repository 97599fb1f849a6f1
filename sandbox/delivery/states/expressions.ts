import jsonata from "jsonata";
import { StatesError } from "./errors";
import { registerStepFunctions } from "./functions";
import { frozenJson } from "./json";

/** What expressions read besides variables: `$states`. */
export interface StatesVariable {
  readonly input: unknown;
  readonly context: unknown;
  readonly result?: unknown;
  readonly errorOutput?: unknown;
}

/** What expressions may read. Variables of outer scopes are inherited through the prototype. */
export interface Bindings {
  readonly variables: Readonly<Record<string, unknown>>;
  readonly states: StatesVariable;
}

type Expression = ReturnType<typeof jsonata>;

const COMPILED = new Map<string, Expression>();

/** Values of the templates that have no expression in them; `undefined` for those that have. */
const CONSTANTS = new WeakMap<object, { readonly value: unknown } | undefined>();

/**
 * Whether a string is an expression as a whole. White space around it makes it ordinary text.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#writing-jsonata-expressions-in-json-strings
 */
export function isExpression(value: unknown): value is string {
  return typeof value === "string" && value.startsWith("{%") && value.endsWith("%}");
}

/** The source of an expression, without the signs around it. */
export function sourceOf(expression: string): string {
  return expression.slice(2, -2);
}

/**
 * Evaluates a field: each string in it that is an expression is replaced by what it gives.
 *
 * @param field - name of the field, for messages
 * @throws {StatesError} `States.QueryEvaluationError` if an expression fails, gives nothing or gives
 * what JSON cannot express
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#handling-errors-jsonata-expressions
 */
export async function evaluate(
  template: unknown,
  bindings: Bindings,
  field: string,
): Promise<unknown> {
  return frozenJson(await evaluateTemplate(template, bindings, field));
}

async function evaluateTemplate(
  template: unknown,
  bindings: Bindings,
  field: string,
): Promise<unknown> {
  if (typeof template !== "object" || template === null) {
    return isExpression(template) ? evaluateExpression(template, bindings, field) : template;
  }
  const constant = constantOf(template);
  if (constant !== undefined) {
    return constant.value;
  }
  if (Array.isArray(template)) {
    const list: unknown[] = [];
    for (const [index, element] of template.entries()) {
      list.push(await evaluateTemplate(element, bindings, `${field}[${index}]`));
    }
    return list;
  }
  const fields: [string, unknown][] = [];
  for (const [name, value] of Object.entries(template)) {
    fields.push([name, await evaluateTemplate(value, bindings, `${field}/${name}`)]);
  }
  return Object.fromEntries(fields);
}

function constantOf(template: object): { readonly value: unknown } | undefined {
  if (!CONSTANTS.has(template)) {
    CONSTANTS.set(template, hasExpression(template) ? undefined : { value: frozenJson(template) });
  }
  return CONSTANTS.get(template);
}

function hasExpression(template: unknown): boolean {
  return typeof template === "object" && template !== null
    ? Object.values(template).some(hasExpression)
    : isExpression(template);
}

async function evaluateExpression(
  expression: string,
  bindings: Bindings,
  field: string,
): Promise<unknown> {
  let value: unknown;
  try {
    const compiled = compile(expression);
    const frame = Object.create(bindings.variables, {
      states: { value: bindings.states, enumerable: true },
    });
    value = await compiled.evaluate(undefined, frame);
    if (value !== undefined) {
      return frozenJson(value);
    }
  } catch (error) {
    throw queryError(expression, field, `threw an error during evaluation. ${textOf(error)}`);
  }
  throw queryError(expression, field, "returned nothing (undefined).");
}

/** The error of a field whose expression fails or whose value the field does not take. */
export function queryError(expression: unknown, field: string, problem: string): StatesError {
  const shown = typeof expression === "string" ? expression : JSON.stringify(expression);
  return new StatesError(
    "States.QueryEvaluationError",
    `The JSONata expression '${shown}' specified for the field '${field}' ${problem}`,
  );
}

function compile(expression: string): Expression {
  let compiled = COMPILED.get(expression);
  if (compiled === undefined) {
    compiled = jsonata(sourceOf(expression));
    registerStepFunctions(compiled);
    COMPILED.set(expression, compiled);
  }
  return compiled;
}

/** JSONata throws plain objects. */
function textOf(error: unknown): string {
  if (typeof error === "object" && error !== null && "message" in error) {
    return "code" in error ? `${error.code}: ${error.message}` : String(error.message);
  }
  return String(error);
}
