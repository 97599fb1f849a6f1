import { jsonBytes } from "./json";
import type { Usage } from "./limits";

/**
 * Variables of one scope: of the machine, or of a branch or iteration in it. Those of the scopes
 * around it can be read, not set.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#variable-scope
 */
export class Variables {
  /** Values by name, those of the scopes around it inherited. */
  readonly values: Record<string, unknown>;
  private readonly inner = new Set<Variables>();

  /** @param outer - values of the scope around it, or what every scope has */
  constructor(
    outer: Readonly<Record<string, unknown>>,
    private readonly usage: Usage,
  ) {
    this.values = Object.create(outer);
  }

  /** A scope inside this one, for a branch or an iteration. */
  scope(): Variables {
    const scope = new Variables(this.values, this.usage);
    this.inner.add(scope);
    return scope;
  }

  /** Sets variables, once what was assigned has been evaluated. */
  assign(values: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(values)) {
      const before = Object.hasOwn(this.values, name) ? jsonBytes(this.values[name]) : 0;
      this.usage.addVariables(jsonBytes(value) - before);
      this.values[name] = value;
    }
  }

  /** Forgets a scope inside: its branch or iteration has ended. */
  endScope(scope: Variables): void {
    this.inner.delete(scope);
    scope.forget();
  }

  /** Forgets all scopes inside. */
  endScopes(): void {
    for (const scope of this.inner) {
      this.endScope(scope);
    }
  }

  private forget(): void {
    this.endScopes();
    for (const value of Object.values(this.values)) {
      this.usage.addVariables(-jsonBytes(value));
    }
  }
}
