/** What becomes of spoilt events. */
import { announce } from "./announce";
import { ANNOUNCED_EVENTS } from "./announce-events";
import { messageProblems, randomNumbers, spoilt } from "./event-mutations";

/**
 * Largest input with which an execution can be started, in bytes of UTF-8: what is larger ends in
 * the dead-letter queue of the rule, about which an alarm is.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-task-executions
 */
const MOST_OF_AN_INPUT = 262_144;

/** How often spoilt events ended in which way. */
export interface Ends {
  /** Announced as one of the known kinds. */
  said: number;
  /** Sent as they are. */
  raw: number;
  /** Too large to start an execution with. */
  couldNotStart: number;
  /** What must not be. */
  readonly problems: string[];
}

/** Lets `announce` have spoilt events, always the same ones for a seed. */
export async function announceSpoilt(count: number, seed: number): Promise<Ends> {
  const ends: Ends = { said: 0, raw: 0, couldNotStart: 0, problems: [] };
  const random = randomNumbers(seed);
  const events = Object.entries(ANNOUNCED_EVENTS);
  for (let number = 0; number < count; number += 1) {
    const [name, whole] = events[Math.floor(random() * events.length)] ?? ["", {}];
    const event = spoilt(whole, random);
    const problem = (text: string) => ends.problems.push(`${name} (${number}): ${text}`);
    if (Buffer.byteLength(JSON.stringify(event)) > MOST_OF_AN_INPUT) {
      ends.couldNotStart += 1;
      continue;
    }
    const { execution, published } = await announce(event);
    if (execution.status !== "SUCCEEDED") {
      problem(`${execution.error}: ${execution.cause}`);
    }
    if (published.length === 0) {
      problem(`no message, by ${execution.path.join(", ")}`);
    }
    published.flatMap(messageProblems).map(problem);
    if (
      published.some(({ MessageAttributes }) => MessageAttributes.kind.StringValue === "unknown")
    ) {
      ends.raw += 1;
    } else {
      ends.said += 1;
    }
  }
  return ends;
}
