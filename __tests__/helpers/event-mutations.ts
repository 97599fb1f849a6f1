/** Events spoilt at random: fields missing, added, of the wrong type, odd or huge. */
import type { Published } from "./announce";

/** Numbers from 0 to 1, always the same ones for a seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  // Mulberry32: small, and good enough to choose with.
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const FORGED = "\nKey:           forged\u2028By:            nobody\r\nEvent:         forged";

/** Values that no field is documented to have. */
const ODD_VALUES: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => false,
  () => 0,
  () => -1.5,
  () => 1e300,
  () => "",
  () => " ",
  () => [],
  () => {
    return {};
  },
  () => [[[]]],
  () => [null, 1, "a", { a: [] }],
  () => ({ Effect: "Allow", length: 3, sequence: true }),
  () => FORGED,
  () => "\u0000\u0007\u001b[31m\u009b",
  () => "😀é漢\u202eDROW\ud800",
  () => "{% $states.input %}",
  () => '${aws_kms_key.a.arn} %{ if true } " \\ `',
  () => "arn:aws:kms:::key/",
  () => ":key/",
  () => "a:key/b:key/c",
  () => "mrk-",
  () => "x".repeat(1001),
  () => "😀".repeat(20_000),
  () => "\u0001".repeat(30_000),
  () => '"'.repeat(100_000),
  () => Array.from({ length: 3000 }, (_, index) => ({ ARN: `a:key/${index}` })),
  () => nested(60),
  () => "x".repeat(250_000),
  () => "é".repeat(500_000),
];

function nested(levels: number): unknown {
  return levels === 0 ? "deep" : [nested(levels - 1)];
}

type Container = Record<string, unknown>;
interface Place {
  readonly container: Container;
  readonly name: string;
}

function places(value: unknown): Place[] {
  if (typeof value !== "object" || value === null) {
    return [];
  }
  const container = value as Container;
  return Object.keys(container).flatMap((name) => [
    { container, name },
    ...places(container[name]),
  ]);
}

/** A copy of an event, spoilt in up to four places. */
export function spoilt(event: unknown, random: () => number): unknown {
  const copy = structuredClone(event);
  const choose = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const changes = 1 + Math.floor(random() * 4);
  for (let change = 0; change < changes; change += 1) {
    const all = places(copy);
    if (all.length === 0) {
      return copy;
    }
    const { container, name } = choose(all);
    const odd = choose(ODD_VALUES);
    const how = random();
    if (how < 0.3) {
      delete container[name];
    } else if (how < 0.4) {
      container[name] = [container[name]];
    } else if (how < 0.5) {
      container[name] = { [name]: container[name] };
    } else if (how < 0.6 && !Array.isArray(container)) {
      container[`extra${change}`] = odd();
    } else {
      container[name] = odd();
    }
  }
  return copy;
}

const LABELS = "Key|Alias|Account|Region|By|From|When|Depends on it|Event|Since|Waits for|Deletion";

/** Control characters but the line break, separators of lines, and what turns the direction of text. */
const UNPRINTABLE = /[^\P{C}\n\p{Co}\p{Cn}\p{Cs}]|[\u2028-\u202e]/u;

/**
 * What SNS would refuse in a message, or a person could not read.
 *
 * @see https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 */
export function messageProblems({ Subject, Message, MessageAttributes }: Published): string[] {
  const problems: string[] = [];
  const unless = (holds: boolean, problem: string) => {
    if (!holds) {
      problems.push(problem);
    }
  };
  unless(/^[!-~][ -~]{0,98}$/.test(Subject), `subject: ${Subject}`);
  unless(Message.trim() !== "", "empty message");
  unless(Buffer.byteLength(Message) <= 262_144, "message too large");
  unless(!UNPRINTABLE.test(Message), "control characters");
  unless(!/undefined|\[object/.test(Message), "something unreplaced");
  for (const { StringValue } of Object.values(MessageAttributes)) {
    unless(/^[a-z-]+$/.test(StringValue), `attribute ${StringValue}`);
  }
  const lines = Message.split("\n");
  unless(!lines.some((one) => new RegExp(`^(${LABELS}): *$`).test(one)), "a line without a value");
  unless(lines.filter((one) => one.startsWith("Event: ")).length === 1, "not one line Event");
  for (const label of LABELS.split("|")) {
    unless(lines.filter((one) => one.startsWith(`${label}: `)).length <= 1, `${label} twice`);
  }
  unless(/^What to do now/m.test(Message), "nothing to do");
  unless(/^1\. \S/m.test(Message), "no step");
  return problems;
}
