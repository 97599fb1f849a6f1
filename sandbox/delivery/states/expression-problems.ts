import jsonata from "jsonata";
import { isExpression, sourceOf } from "./expressions";
import { FUNCTION_NAMES } from "./functions";

/** What an expression may read where it stands. */
export interface ExpressionScope {
  /** Variables that some state before it may have set. */
  readonly variables: ReadonlySet<string>;
  /** Fields of `$states` that are there. */
  readonly states: readonly string[];
  /** Whether `$states.context.Map` is there. */
  readonly seesItem: boolean;
}

type Node = Readonly<Record<string, unknown>>;

/** Names that an expression binds itself, and what it says about those it does not. */
interface Reading {
  readonly scope: ExpressionScope;
  readonly local: ReadonlySet<string>;
  readonly problems: Set<string>;
}

/**
 * Returns what is wrong with the expressions of a field, each with where in the field it stands.
 *
 * @param template - the field: an expression, or data with expressions in it
 * @param where - name of the field, for messages
 */
export function templateProblems(
  template: unknown,
  where: string,
  scope: ExpressionScope,
): readonly string[] {
  if (typeof template === "object" && template !== null) {
    return Object.entries(template).flatMap(([name, value]) =>
      templateProblems(value, `${where}/${name}`, scope),
    );
  }
  if (isExpression(template)) {
    return expressionProblems(template, scope).map((problem) => `${where}: ${problem}`);
  }
  return typeof template === "string" && /^\s*\{%|%\}\s*$/.test(template)
    ? [`${where}: an expression must begin with {% and end with %}, got ${template}`]
    : [];
}

function expressionProblems(expression: string, scope: ExpressionScope): readonly string[] {
  let root: unknown;
  try {
    root = jsonata(sourceOf(expression)).ast();
  } catch (error) {
    const message = typeof error === "object" && error !== null && "message" in error;
    return [`must be JSONata 2.0.6, got ${expression}; ${message ? error.message : error}`];
  }
  const reading: Reading = { scope, local: boundNames(root), problems: new Set() };
  read(root, false, reading);
  return [...reading.problems];
}

/** Names that `:=`, function parameters, `@` and `#` bind anywhere in the expression. */
function boundNames(root: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  walk(root, (node) => {
    if (node.type === "bind") {
      names.add(nameOf(node.lhs));
    }
    if (node.type === "lambda" && Array.isArray(node.arguments)) {
      for (const parameter of node.arguments) {
        names.add(nameOf(parameter));
      }
    }
    for (const bound of [node.focus, node.index]) {
      if (typeof bound === "string") {
        names.add(bound);
      }
    }
  });
  return names;
}

function nameOf(node: unknown): string {
  return isNode(node) ? String(node.value) : "";
}

function walk(value: unknown, visit: (node: Node) => void): void {
  if (!isNode(value)) {
    return;
  }
  visit(value);
  for (const child of Object.values(value)) {
    walk(child, visit);
  }
}

/**
 * Reads a node of the syntax tree.
 *
 * @param hasContext - whether something is there that `$` and plain field names stand for
 */
function read(value: unknown, hasContext: boolean, reading: Reading): void {
  if (Array.isArray(value)) {
    for (const element of value) {
      read(element, hasContext, reading);
    }
    return;
  }
  if (!isNode(value)) {
    return;
  }
  switch (value.type) {
    case "path":
      readPath(value, hasContext, reading);
      return;
    case "variable":
      readVariable(value, hasContext, reading);
      readAfter(value, reading);
      return;
    case "name":
    case "wildcard":
    case "descendant":
      if (!hasContext) {
        reading.problems.add(
          `must read data through variables, got the field name ${value.value}; write $states.input.${value.value}`,
        );
      }
      readAfter(value, reading);
      return;
    case "function":
    case "partial":
      readCall(value, hasContext, reading);
      return;
    case "lambda":
      read(value.body, hasContext, reading);
      return;
    case "transform":
      readAll([value.pattern, value.update, value.delete], true, reading);
      return;
    default:
      for (const [name, child] of Object.entries(value)) {
        read(child, hasContext || AFTER.includes(name), reading);
      }
  }
}

/** Parts of a node that are evaluated for each value that the node gives. */
const AFTER: readonly string[] = ["predicate", "stages", "group"];

function readAfter(node: Node, reading: Reading): void {
  readAll(
    AFTER.map((name) => node[name]),
    true,
    reading,
  );
}

function readAll(nodes: readonly unknown[], hasContext: boolean, reading: Reading): void {
  for (const node of nodes) {
    read(node, hasContext, reading);
  }
}

function readPath(path: Node, hasContext: boolean, reading: Reading): void {
  const steps = Array.isArray(path.steps) ? path.steps.filter(isNode) : [];
  const [first, ...others] = steps;
  read(first, hasContext, reading);
  readAll(others, true, reading);
  read(path.group, true, reading);
  if (first?.type === "variable" && first.value === "states") {
    checkStates(others, reading);
  }
}

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#transforming-reserved-variable-states */
function checkStates(steps: readonly Node[], { scope, problems }: Reading): void {
  const [field, part] = steps.map((step) => step.value);
  if (typeof field === "string" && !scope.states.includes(field)) {
    problems.add(`must read of $states only ${scope.states.join(", ")} here, got $states.${field}`);
  }
  // https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html#contextobject-map
  if (field === "context" && part === "Map" && !scope.seesItem) {
    problems.add(
      "must read $states.context.Map in ItemSelector only; hand what it has to the iteration from there",
    );
  }
}

/** @see https://states-language.net/spec.html#jsonata-restrictions */
function readVariable(variable: Node, hasContext: boolean, reading: Reading): void {
  const { scope, local, problems } = reading;
  const name = String(variable.value);
  if (name === "$" || (name === "" && !hasContext)) {
    problems.add(`must read data through variables, got $${name}; write $states.input`);
  } else if (
    name !== "" &&
    name !== "states" &&
    !local.has(name) &&
    !scope.variables.has(name) &&
    !FUNCTION_NAMES.has(name)
  ) {
    problems.add(`must read variables that a state before may have set, got $${name}`);
  }
}

function readCall(call: Node, hasContext: boolean, reading: Reading): void {
  const { procedure } = call;
  if (isNode(procedure) && procedure.type === "variable") {
    checkFunction(String(procedure.value), reading);
  } else {
    read(procedure, hasContext, reading);
  }
  read(call.arguments, hasContext, reading);
  readAfter(call, reading);
}

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html */
function checkFunction(name: string, { local, problems }: Reading): void {
  if (name === "eval") {
    problems.add("must not call $eval, which Step Functions does not have; use $parse");
  } else if (!local.has(name) && !FUNCTION_NAMES.has(name)) {
    problems.add(`must call functions of JSONata 2.0.6 or Step Functions, got $${name}`);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null;
}
