/**
 * JSONata source, composed of named parts. Step Functions keeps no functions in variables, so what
 * several states need is written into each of them.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */
import type { AwsLocation } from "../../partition";
import { literal } from "../asl";

/** Source of a JSONata expression. */
export type Source = string;

/** Longest value of an event in a line of a message, in characters. */
export const MOST_OF_A_VALUE = 1000;

// Line breaks and other control characters, line and paragraph separators, and what turns the
// direction of text: nobody who names a resource may write lines of our messages.
const UNPRINTABLE =
  "/[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff]+/";

/** A JSONata function that gives any value as one line of text, cut; nothing and `null` as "". */
const CLEAN = `function($value, $most) {(
  $kind := $type($value);
  $whole := $kind = "string" ? $value : $exists($value) and $kind != "null" ? $string($value) : "";
  $cut := $length($whole) > $most ? $substring($whole, 0, $most) & "… (cut)" : $whole;
  $trim($contains($cut, ${UNPRINTABLE}) ? $replace($cut, ${UNPRINTABLE}, " ") : $cut)
)}`;

/**
 * An expression in which `$clean(value, most)` gives any value as one line of text, `$text(value)`
 * the same with the usual length, and `$first([texts])` the first text that is not empty, else "".
 */
export function withText(source: Source): Source {
  return `(
$clean := ${CLEAN};
$text := function($value) { $clean($value, ${MOST_OF_A_VALUE}) };
$first := function($texts) {( $filled := $filter($texts, function($one) { $one != "" }); $exists($filled) ? $filled[0] : "" )};
${source}
)`;
}

/** Text with sources in it, as the source of one text: sources of values that are missing give "". */
export function text(parts: TemplateStringsArray, ...sources: readonly Source[]): Source {
  const pieces: Source[] = [];
  for (const [index, part] of parts.entries()) {
    if (part !== "") {
      pieces.push(literal(part));
    }
    const source = sources[index];
    if (source !== undefined) {
      pieces.push(`(${source})`);
    }
  }
  return pieces.length === 0 ? literal("") : `(${pieces.join(" & ")})`;
}

/** One of two, by a condition. */
export function either(condition: Source, then: Source, otherwise: Source): Source {
  return `(${condition} ? ${then} : ${otherwise})`;
}

/** A text if a condition holds, else "". */
export function when(condition: Source, then: Source): Source {
  return either(condition, then, literal(""));
}

/** The text of a source, or other text if it is empty. */
export function orElse(source: Source, otherwise: Source): Source {
  return either(`${source} != ""`, source, otherwise);
}

/** Whether a text is one of several. */
export function isOneOf(source: Source, texts: readonly string[]): Source {
  return `(${source} in [${literalTexts(texts)}])`;
}

/** Literals of texts, as an array constructor takes them. */
export function literalTexts(texts: readonly string[]): Source {
  return texts.map(literal).join(", ");
}

/** Whether all conditions hold. */
export function all(...conditions: readonly Source[]): Source {
  return conditions.map((condition) => `(${condition})`).join(" and ");
}

/** Whether a condition does not hold. */
export function not(condition: Source): Source {
  return `$not(${condition})`;
}

/** Whether a text begins so. */
export function startsWith(source: Source, prefix: string): Source {
  return `$substring(${source}, 0, ${prefix.length}) = ${literal(prefix)}`;
}

/** Whether a text of one line ends so. */
export function endsWith(source: Source, suffix: string): Source {
  // What is clean holds no line break, so one marks the end.
  return `$contains(${source} & "\\n", ${literal(`${suffix}\n`)})`;
}

/** Whether a text matches all of a regular expression that JavaScript and Java read alike. */
export function matches(source: Source, pattern: string): Source {
  return `$contains(${source}, /^(${pattern})$/)`;
}

const ACCOUNT_MARK = "<account>";
const REGION_MARK = "<region>";

/**
 * Source of a text that holds the account and region of an event, from the function that builds it
 * of what is known at synth.
 *
 * @param build - such as `(at) => stateMachineArn(at, name)`
 */
export function located(
  partition: AwsLocation["partition"],
  where: { readonly account: Source; readonly region: Source },
  build: (at: AwsLocation) => string,
): Source {
  const marked = build({ partition, account: ACCOUNT_MARK, region: REGION_MARK });
  return marked
    .split(/(<account>|<region>)/)
    .filter((part) => part !== "")
    .map((part) =>
      part === ACCOUNT_MARK ? where.account : part === REGION_MARK ? where.region : literal(part),
    )
    .join(" & ");
}

/** Characters that mean nothing to a shell: only such text stands in a command. */
export const SAFE_IN_A_COMMAND = "[A-Za-z0-9:/_=.@-]+";

/** Form of account ids. */
export const ACCOUNT_ID = "[0-9]{12}";

/** Form of region names. */
export const REGION_NAME = "[a-z]{2}(-[a-z]+)+-[0-9]+";

/**
 * Form of key ids.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-id
 */
export const KEY_ID = "mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

/** Form of CloudTrail's event ids. */
export const EVENT_ID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
