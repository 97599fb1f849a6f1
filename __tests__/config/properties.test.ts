import fc from "fast-check";
import { stringify } from "yaml";
import type { AccountConfig } from "../../config/account-config";
import { checkAccount } from "../../config/load-account";
import { RULES } from "../../config/rules";
import { parseYaml } from "../../config/yaml-source";
import { ValidationError } from "../../modules/errors";
import {
  type AccountContent,
  LARGE,
  reordered,
  SMALL,
  toYaml,
  validAccount,
} from "../helpers/account-arbitrary";
import { synthConfig } from "../helpers/synth";

const SEED = 20_270_131;

function load(text: string, defaults?: string): AccountConfig {
  return checkAccount(
    "account",
    parseYaml("account.yaml", text),
    defaults === undefined ? undefined : parseYaml("defaults.yaml", defaults),
  );
}

const LINE =
  /^(account|defaults)\.yaml:[1-9]\d*:[1-9]\d*: \S.* must \S.*, got .+; \S.* \[([a-z-]+)\]$/;

/** Lines of the message in which an account is refused; none if it loads. Anything else is thrown. */
function refusal(text: string, defaults?: string): readonly string[] {
  try {
    load(text, defaults);
    return [];
  } catch (error) {
    if (!(error instanceof ValidationError)) {
      throw error;
    }
    return error.message.split("\n");
  }
}

/** Fails unless the text loads or is refused in lines that a person can act on. */
function expectAnswer(text: string, defaults?: string): void {
  const lines = refusal(text, defaults);
  const isGood = (line: string) => Object.hasOwn(RULES, LINE.exec(line)?.[2] ?? "");
  expect(lines.filter((line) => !isGood(line))).toEqual([]);
  expect(lines).toEqual([...new Set(lines)]);
}

type Path = readonly (string | number)[];

/** Ways to everything in a value. */
function pathsIn(value: unknown, path: Path = []): readonly Path[] {
  const children: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? [...value.entries()]
    : typeof value === "object" && value !== null
      ? Object.entries(value)
      : [];
  return children.flatMap(([step, child]) => [[...path, step], ...pathsIn(child, [...path, step])]);
}

/** A copy in which `change` has been made of what stands at `path`; `undefined` removes it. */
function changeAt(value: unknown, path: Path, change: (old: unknown) => unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) {
    return change(value);
  }
  if (Array.isArray(value)) {
    return value
      .map((item, index) => (index === step ? changeAt(item, rest, change) : item))
      .filter((item) => item !== undefined);
  }
  const entries = Object.entries(value as Readonly<Record<string, unknown>>)
    .map(([name, inner]) => [name, name === step ? changeAt(inner, rest, change) : inner] as const)
    .filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries);
}

const otherValue = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    "",
    [],
    {},
    -1,
    0,
    1.5,
    1e300,
    Number.NaN,
    "${x}",
    "<account>",
  ),
  fc.constantFrom<unknown>(
    "us-gov-west-1",
    "eu-west-9",
    "cn-north-1",
    "mrk-1",
    "arn:aws:iam::1:role/x",
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

/** A valid account with one thing in it changed, as YAML. */
function mutated(change: fc.Arbitrary<(old: unknown) => unknown>): fc.Arbitrary<string> {
  return validAccount(SMALL).chain((account) =>
    fc
      .tuple(fc.constantFrom(...pathsIn(account)), change)
      .map(([path, changed]) => stringify(changeAt(account, path, changed))),
  );
}

const check = (arbitrary: fc.Arbitrary<string>, numRuns: number) =>
  fc.assert(
    fc.property(arbitrary, (text) => expectAnswer(text)),
    { seed: SEED, numRuns },
  );

test("a valid account of any size loads", () => {
  fc.assert(
    fc.property(validAccount(LARGE), (account) => {
      expect(refusal(toYaml(account))).toEqual([]);
    }),
    { seed: SEED, numRuns: 25 },
  );
});

test("a valid account of any size synthesizes, with one archive stack per region", () => {
  fc.assert(
    fc.property(validAccount(LARGE), (content) => {
      const account = load(toYaml(content));
      const { stacks } = synthConfig(account);
      expect(stacks.map(({ id }) => id)).toEqual([
        ...account.regions.map(({ name }) => `archive-${name}`),
        "keys",
        "notifications",
      ]);
    }),
    { seed: SEED, numRuns: 3 },
  );
});

test("a changed account that loads also synthesizes, but for what only synth can measure", () => {
  fc.assert(
    fc.property(mutated(otherValue.map((value) => () => value)), (text) => {
      fc.pre(refusal(text).length === 0);
      try {
        synthConfig(load(text));
      } catch (error) {
        expect(error).toBeInstanceOf(ValidationError);
      }
    }),
    { seed: SEED, numRuns: 4, maxSkipsPerRun: 1000 },
  );
});

test("the order of entries in the file changes no byte of what is written", () => {
  fc.assert(
    fc.property(
      validAccount(SMALL).chain((account) => fc.tuple(fc.constant(account), reordered(account))),
      ([account, other]) => {
        expect(synthConfig(load(toYaml(other))).files).toEqual(
          synthConfig(load(toYaml(account))).files,
        );
      },
    ),
    { seed: SEED, numRuns: 6 },
  );
});

test("the order of entries in the file changes nothing that is loaded", () => {
  fc.assert(
    fc.property(
      validAccount(SMALL).chain((account) => fc.tuple(fc.constant(account), reordered(account))),
      ([account, other]) => {
        const loaded = (content: unknown) => JSON.stringify(withoutPlaces(load(toYaml(content))));
        expect(loaded(other)).toBe(loaded(account));
      },
    ),
    { seed: SEED, numRuns: 25 },
  );
});

test("a notification is sent to whom the file says, and reminders come in the order of time", () => {
  fc.assert(
    fc.property(validAccount(SMALL), (content) => {
      const { notifications, trail, homeRegion, id, partition } = load(toYaml(content));
      const written = content.notifications as {
        readonly subscriptions: readonly unknown[];
        readonly reminders?: { readonly daysBeforeDeletion: readonly number[] };
      };
      expect(notifications.subscriptions).toHaveLength(written.subscriptions.length);
      expect(notifications.reminderDays).toEqual(
        [...(written.reminders?.daysBeforeDeletion ?? [14, 7, 2, 1])].sort((a, b) => b - a),
      );
      const ownHub = `arn:${partition}:events:${homeRegion}:${id}:event-bus/keyspan-hub`;
      expect(notifications.hubOfOrganization !== undefined).toBe(
        notifications.organizationHub === ownHub,
      );
      expect(JSON.stringify({ notifications, trail })).not.toContain("<account>");
    }),
    { seed: SEED, numRuns: 25 },
  );
});

test("an account may be split over defaults and its own file in any way", () => {
  const split = validAccount(SMALL).chain((account) =>
    fc.tuple(fc.constant(account), fc.subarray(Object.keys(account))),
  );
  fc.assert(
    fc.property(split, ([account, inDefaults]) => {
      const part = (wanted: boolean): AccountContent =>
        Object.fromEntries(
          Object.entries(account).filter(([name]) => inDefaults.includes(name) === wanted),
        );
      const merged = load(toYaml(part(false)), toYaml(part(true)));
      expect(withoutPlaces(merged)).toEqual(withoutPlaces(load(toYaml(account))));
    }),
    { seed: SEED, numRuns: 30 },
  );
});

/** The account without the places of its values, which differ from file to file. */
function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutPlaces);
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([name]) => !/^(where|.*Where)$/.test(name))
          .map(([name, inner]) => [name, withoutPlaces(inner)]),
      )
    : value;
}

describe("an account that was valid is accepted or refused in lines with place and rule", () => {
  test("when a field or item is gone", () => {
    check(mutated(fc.constant(() => undefined)), 100);
  });

  test("when a value is of another type or kind", () => {
    check(mutated(otherValue.map((value) => () => value)), 120);
  });

  test("when there is one field too many", () => {
    const field = fc.oneof(
      fc.string(),
      fc.constantFrom("existing", "constructor", "__proto__", "state", "regions"),
    );
    const add = fc.tuple(field, otherValue).map(
      ([name, value]) =>
        (old: unknown) =>
          Array.isArray(old)
            ? [...old, value]
            : typeof old === "object" && old !== null
              ? Object.fromEntries([...Object.entries(old), [name, value]])
              : { [name]: old },
    );
    check(mutated(add), 100);
  });

  test("when its text is edited", () => {
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat(8),
      text: fc.oneof(
        fc.string({ maxLength: 6 }),
        fc.constantFrom(
          "\t",
          "\n",
          ": ",
          "- ",
          "[",
          "]",
          "{",
          "}",
          "&a ",
          "*a",
          "<<: ",
          "#",
          "'",
          '"',
          "|",
          "!!x ",
          "---\n",
          "\r",
          "\uFEFF",
          "\u0000",
        ),
      ),
    });
    const edited = fc
      .tuple(validAccount(SMALL), fc.array(edit, { minLength: 1, maxLength: 3 }))
      .map(([account, edits]) =>
        edits.reduce((text, { at, length, text: inserted }) => {
          const offset = Math.floor(at * text.length);
          return text.slice(0, offset) + inserted + text.slice(offset + length);
        }, toYaml(account)),
      );
    check(edited, 150);
  });

  test("when it is no YAML at all", () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((b) => Buffer.from(b).toString("utf8"));
    check(fc.oneof(bytes, fc.string({ unit: "binary", maxLength: 200 })), 200);
  });

  test("when it is made of YAML's own characters", () => {
    const unit = fc.constantFrom(
      ..."abc:-[]{},&*!|>'\"%@`#? \n\t".split(""),
      ": ",
      "- ",
      "\n  ",
      "<<: ",
    );
    check(fc.string({ unit, maxLength: 80 }), 700);
  });

  test("when its defaults are broken too", () => {
    fc.assert(
      fc.property(
        mutated(otherValue.map((value) => () => value)),
        mutated(fc.constant(() => undefined)),
        (account, defaults) => expectAnswer(account, defaults),
      ),
      { seed: SEED, numRuns: 50 },
    );
  });
});
