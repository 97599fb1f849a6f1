import type { IConstruct } from "constructs";

/**
 * Input that a person can correct: a prop, a config value or a command's argument.
 *
 * The message reads `<where>: <input> must <rule>, got <value>; <what to do>`.
 */
export class ValidationError extends Error {
  override readonly name = "ValidationError";

  /**
   * @param message - one problem, or several on a line each
   * @param at - the construct that was given the input; its path opens the message
   */
  constructor(message: string, at?: IConstruct) {
    super(at === undefined ? message : `${at.node.path}: ${message}`);
  }
}

const LONGEST_VALUE = 120;

/**
 * Returns a value as messages show it: JSON on one line, cut at 120 characters.
 *
 * A missing value reads `nothing`.
 */
export function showValue(value: unknown): string {
  if (value === undefined) {
    return "nothing";
  }
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    text = String(value);
  }
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}
