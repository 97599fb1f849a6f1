import { type Expression, expression as inBraces } from "./asl";

/**
 * An expression on one line: AWS takes any white space, validators of definitions do not, and it
 * would only make the definition longer.
 *
 * @param source - JSONata, in which no text goes over the end of a line
 */
export function expression(source: string): Expression {
  return inBraces(source.replace(/\s*\n\s*/g, " ").trim());
}

/** Number above which a point in time is in milliseconds: as seconds it would be the year 5138. */
const FIRST_MILLISECONDS = 100_000_000_000;

/**
 * JSONata: milliseconds since 1970 of a point in time that AWS wrote as text, in seconds or in milliseconds;
 * nothing if there is none.
 *
 * @param time - something cheap to repeat, such as a variable
 */
export function millisecondsOf(time: string): string {
  return `($type(${time}) = "number" ? (${time} > ${FIRST_MILLISECONDS} ? ${time} : ${time} * 1000) : $toMillis(${time}))`;
}

/** JSONata: the sum of numbers, 0 if there is none. */
export function sum(numbers: string): string {
  return `$sum([${numbers}])`;
}

/** JSONata: one list out of a list of lists, empty if they all are. */
export function flatten(lists: string): string {
  return `[$reduce(${lists}, function($all, $one) { $append($all, $one) }, [])]`;
}

/** An empty text: validators of definitions take `""` for neither a text nor an expression. */
export const EMPTY_TEXT = expression('""');

/** An empty list as output, which validators want to be an object or an expression. */
export const EMPTY_LIST = expression("[]");
