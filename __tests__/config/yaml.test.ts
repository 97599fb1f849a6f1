import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkAccount } from "../../config/load-account";
import { parseYaml, type YamlSource } from "../../config/yaml-source";
import { ValidationError } from "../../modules/errors";
import { FIXTURE_ACCOUNTS } from "../helpers/synth";

/** Every problem of a text as `line:column rule path: detail`. */
function problems(text: string): readonly string[] {
  return parseYaml("test.yaml", text).problems.map(
    ({ rule, place: { line, column }, path, detail }) =>
      `${line}:${column} ${rule}${path.length === 0 ? "" : ` ${path.join("/")}`}: ${detail}`,
  );
}

function refusal(account: YamlSource, defaults?: YamlSource): readonly string[] {
  try {
    checkAccount("prod", account, defaults);
    return [];
  } catch (error) {
    if (!(error instanceof ValidationError)) {
      throw error;
    }
    return error.message.split("\n");
  }
}

const places = (lines: readonly string[]) =>
  lines.map((line) => line.replace(/^(\S+): (\S+) must .* \[([a-z-]+)\]$/, "$1 $2 $3"));
const DEFAULTS = readFileSync(join(FIXTURE_ACCOUNTS, "defaults.yaml"), "utf8");
const defaults = (text = DEFAULTS) => parseYaml("accounts/defaults.yaml", text);
const prod = (text: string) => parseYaml("accounts/prod.yaml", text);
const LEAST = 'account: { id: "111122223333" }\nhomeRegion: eu-west-1\nregions: [eu-west-1]\n';

describe("what is wrong before anything is known about its meaning", () => {
  test.each([
    [
      "a key that stands twice",
      "a: 1\nb: 2\na: 3\n",
      ["3:1 yaml-duplicate-key a: it again after line 1"],
    ],
    [
      "every key that stands twice, in each map",
      "a: 1\na: 2\nb: { c: 1, c: 2 }\na: 3\nd: [{ e: 1, e: 2 }]\n",
      [
        "2:1 yaml-duplicate-key a: it again after line 1",
        "3:12 yaml-duplicate-key b/c: it again after line 3",
        "4:1 yaml-duplicate-key a: it again after line 1",
        "5:13 yaml-duplicate-key d/0/e: it again after line 5",
      ],
    ],
    [
      "a key in quotes and without",
      "a: 1\n'a': 2\n",
      ["2:1 yaml-duplicate-key a: it again after line 1"],
    ],
    ["a tab", "a:\n\tb: 1\n", ["2:1 yaml-tab: a tab"]],
    ["every tab", "a:\n\tb: 1\n\tc: 1\n", ["2:1 yaml-tab: a tab", "3:1 yaml-tab: a tab"]],
    [
      "a tab alone, not what it makes of the lines around it",
      "a:\n  b: 1\n  c:\n\t d: 1\n e: 1\n",
      ["4:1 yaml-tab: a tab"],
    ],
    [
      "a list that is not closed, where it opens",
      "a: 1\nb: [1,\n  2\nc: 3\n",
      ["2:4 yaml-syntax: a list without its closing ]"],
    ],
    [
      "the innermost opening",
      "a: [{ b: [1 }]\nc: 3\n",
      ["1:10 yaml-syntax: a list without its closing ]"],
    ],
    [
      "a text that is not closed, where it opens",
      "a: 1\nb: 'x\nc: 3\n",
      ["2:4 yaml-syntax: a text without its closing quote"],
    ],
    ["a second document", "a: 1\n---\nb: 2\n", ["2:1 yaml-syntax: a second document"]],
    [
      "an unknown tag, and each of them",
      "a: !x 1\nb: !!js/function y\n",
      [
        "1:4 yaml-syntax: Unresolved tag: !x",
        "2:4 yaml-syntax: Unresolved tag: tag:yaml.org,2002:js/function",
      ],
    ],
    ["another version of YAML", "%YAML 1.1\n---\na: yes\n", ["1:1 yaml-syntax: %YAML 1.1"]],
    [
      "one mistake once, not what follows from it",
      "a: 1\n  b: 2\n c: 3\nd\n",
      ["1:4 yaml-syntax: a map within a line: a second ': ' in it, or too much indentation below"],
    ],
    ["an empty file", "", ["1:1 yaml-map: nothing"]],
    ["a file of comments", "# later\n\n", ["1:1 yaml-map: nothing"]],
    ["a list", "# x\n- a\n", ["2:1 yaml-map: a list"]],
    ["a text", "hello\n", ['1:1 yaml-map: "hello"']],
    ["null", "~\n", ["1:1 yaml-map: nothing"]],
    ["an alias of nothing", "a: *b\n", ['1:4 yaml-alias a: "*b"']],
    ["an alias that stands before its anchor", "a: *b\nc: &b 1\n", ['1:4 yaml-alias a: "*b"']],
    ["an alias within what it names", "a: &b\n  c: [1, *b]\n", ['2:10 yaml-alias a/c/1: "*b"']],
    [
      "an alias within an anchor of the same name as one before",
      "a: &b 1\nc: &b [*b]\n",
      ['2:8 yaml-alias c/0: "*b"'],
    ],
    ["a merge key", "a: &b { c: 1 }\nd: { <<: *b }\n", ['2:6 yaml-merge-key d/<<: "<<"']],
    ["a key that is a number", "a: { 404: 1 }\n", ["1:6 yaml-key a/404: 404"]],
    ["a key that is null", "a: { : 1 }\n", ["1:5 yaml-key a/null: nothing"]],
    ["a key that is a list", "? [a, b]\n: 1\n", ["1:3 yaml-key ?: a list"]],
    ["a key that is an alias", "a: &b c\n*b : 1\n", ["2:1 yaml-key ?: *b"]],
    [
      "the key __proto__",
      "__proto__: { polluted: true }\n",
      ['1:1 yaml-key __proto__: "__proto__"'],
    ],
  ])("names %s", (_, text, expected) => {
    expect(problems(text)).toEqual(expected);
    expect(refusal(parseYaml("test.yaml", text))).not.toEqual([]);
  });

  test("an alias bomb is refused before it grows", () => {
    const levels = Array.from(
      { length: 60 },
      (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}, *a${n}, *a${n}]`,
    );
    expect(problems(["a0: &a0 [lol]", ...levels].join("\n"))).toEqual([
      '9:15 yaml-expansion a8/1: "*a7"',
    ]);
  });

  test("aliases of aliases may not nest more deeply than text", () => {
    const levels = Array.from({ length: 150 }, (_, n) => `a${n + 1}: &a${n + 1} { b: *a${n} }`);
    expect(problems(["a0: &a0 { b: c }", ...levels].join("\n"))[0]).toBe(
      '100:16 yaml-nesting a99/b: "*a98"',
    );
  });

  test.each([
    ["brackets", `a: ${"[".repeat(500_000)}`, 103],
    ["braces", `a: ${"{a: ".repeat(100_000)}`, 400],
    ["closed brackets", `a: ${"[".repeat(100_000)}${"]".repeat(100_000)}`, 103],
    ["list items", `a:\n${"- ".repeat(100_000)}x`, 199],
    ["keys", "? ".repeat(400_000), 201],
  ])("%s nested without end are refused where they get too deep", (_, text, column) => {
    const line = text.startsWith("a:\n") ? 2 : 1;
    expect(problems(text)).toEqual([`${line}:${column} yaml-nesting: 101 levels`]);
  });
});

describe("a file of a megabyte", () => {
  const fill = (line: (n: number) => string) => {
    const lines: string[] = [];
    for (let length = 0, n = 0; length < 990_000; n += 1) {
      lines.push(line(n));
      length += line(n).length;
    }
    return lines.join("");
  };

  test("is refused unread if it is longer", () => {
    expect(problems("a".repeat(1_000_001))).toEqual(["1:1 yaml-size: 1000001"]);
  });

  test("is read if it is comments for the most part", () => {
    expect(refusal(prod(LEAST + fill((n) => `# ${n} ${"-".repeat(90)}\n`)), defaults())).toEqual(
      [],
    );
  });

  test("of unknown fields is refused with a line for each", () => {
    const text = fill((n) => `field-number-${n}-with-a-long-name: ${"x".repeat(900)}\n`);
    const lines = refusal(prod(LEAST + text), defaults());
    expect(lines.length).toBe(text.split("\n").length - 1);
    expect(places(lines).at(-1)).toBe(
      `accounts/prod.yaml:${lines.length + 3}:1 field-number-${lines.length - 1}-with-a-long-name unknown-field`,
    );
  });

  test("of one list is refused where its items are wrong", () => {
    const text = `residency:\n${fill(() => `  - ${"x".repeat(900)}\n`)}`;
    expect(places(refusal(prod(LEAST + text), defaults())).slice(0, 2)).toEqual([
      "accounts/prod.yaml:5:5 residency[0] residency-pattern",
      "accounts/prod.yaml:6:5 residency[1] residency-pattern",
    ]);
  });
});

describe("what YAML means", () => {
  test.each([
    ["a number of 12 digits", "111122223333", "111122223333"],
    ["a number with a leading zero", "011122223333", "11122223333"],
    ["an octal number", "0o111122223333", "9819465435"],
    ["a hexadecimal number", "0x111122223333", "18765284782899"],
    ["an exponent", "111122223e3", "111122223000"],
  ])("an account id that is %s is shown as YAML reads it", (_, id, got) => {
    const account = LEAST.replace('"111122223333"', id);
    expect(refusal(prod(account), defaults())).toEqual([
      `accounts/prod.yaml:1:16: account.id must be an account id: 12 digits in quotes, got ${got}; write all 12 digits in quotes, as in "111122223333": without them YAML reads a number and may drop leading zeros [account-id]`,
    ]);
  });

  test("yes, no, on and off are texts, as are dates and times", () => {
    expect(parseYaml("a.yaml", "a: [yes, no, on, off, 2027-01-31, 12:30:00]").value).toEqual({
      a: ["yes", "no", "on", "off", "2027-01-31", "12:30:00"],
    });
  });

  test("a byte order mark and Windows line ends change no place and no value", () => {
    const text = `${LEAST}protect: maybe\n`;
    const [plain] = refusal(prod(text), defaults());
    expect(plain).toMatch(/^accounts\/prod\.yaml:4:10: protect must be true or false, got "maybe"/);
    expect(refusal(prod(`\uFEFF${text}`), defaults())).toEqual([plain]);
    expect(refusal(prod(text.replaceAll("\n", "\r\n")), defaults(`\uFEFF${DEFAULTS}`))).toEqual([
      plain,
    ]);
    expect(parseYaml("a.yaml", `\uFEFF${text}`).value).toEqual(parseYaml("a.yaml", text).value);
  });

  test("a byte order mark moves no column of the first line", () => {
    expect(problems("\uFEFFa: { b: 1, b: 2 }")).toEqual([
      "1:12 yaml-duplicate-key a/b: it again after line 1",
    ]);
  });

  test("fields that every JavaScript object has are fields like any other", () => {
    const fields = "constructor: 1\ntoString: 2\nhasOwnProperty: 3\n";
    expect(places(refusal(prod(LEAST + fields), defaults()))).toEqual([
      "accounts/prod.yaml:4:1 constructor unknown-field",
      "accounts/prod.yaml:5:1 toString unknown-field",
      "accounts/prod.yaml:6:1 hasOwnProperty unknown-field",
    ]);
    expect(refusal(prod(`${LEAST}tags: { constructor: x, valueOf: y }\n`), defaults())).toEqual([]);
  });

  test("a key named constructor, and a bus that uses it, are what they say", () => {
    const text = `${LEAST}keys:
  constructor: { administrators: [arn:aws:iam::111122223333:role/Admin] }
buses:
  toString: { key: constructor, producers: ["111122223333"] }
archives:
  valueOf: { bus: toString, retentionDays: 1 }
`;
    expect(refusal(prod(text), defaults())).toEqual([]);
    expect(
      places(refusal(prod(text.replace("bus: toString", "bus: valueOf")), defaults())),
    ).toEqual(["accounts/prod.yaml:9:19 archives.valueOf.bus archive-bus"]);
  });

  test("of a key that stands twice, the first is checked and so is the rest", () => {
    const text = `${LEAST}protect: true\ntags: { Owner: 1 }\nprotect: maybe\n`;
    expect(places(refusal(prod(text), defaults()))).toEqual([
      "accounts/prod.yaml:5:16 tags.Owner tag-value",
      "accounts/prod.yaml:6:1 protect yaml-duplicate-key",
    ]);
  });

  test("many aliases of one small anchor are no bomb", () => {
    const uses = Array.from({ length: 500 }, (_, n) => `k${n}: *a`).join("\n");
    expect(problems(`a: &a [x, y]\n${uses}`)).toEqual([]);
  });
});

describe("the place of a mistake", () => {
  test("is in the file that decides the value, each line sorted by its place", () => {
    const text = DEFAULTS.replace("bucket: acme-terraform-state", "bucket: ACME").replace(
      "Owner: platform",
      "Owner: 4711",
    );
    const account = `${LEAST}protect: maybe\nkeys: { archive: { rotationDays: 1 } }\nversion: 3\n`;
    expect(places(refusal(prod(account), defaults(text)))).toEqual([
      "accounts/defaults.yaml:9:11 state.bucket state-bucket",
      "accounts/defaults.yaml:20:10 tags.Owner tag-value",
      "accounts/prod.yaml:4:10 protect yes-or-no",
      "accounts/prod.yaml:5:34 keys.archive.rotationDays rotation-days",
      "accounts/prod.yaml:6:10 version version",
    ]);
  });

  test("is in both files if both are not even YAML", () => {
    expect(
      places(refusal(prod("account: {\n"), defaults(`${DEFAULTS}version: 1\nprotect: true\n`))),
    ).toEqual([
      expect.stringMatching(/^accounts\/defaults\.yaml:\d+:1 version yaml-duplicate-key$/),
      expect.stringMatching(/^accounts\/defaults\.yaml:\d+:1 protect yaml-duplicate-key$/),
      expect.stringMatching(/^accounts\/prod\.yaml:1:10: the file must .* \[yaml-syntax\]$/),
    ]);
  });

  test("is the item of a list, in brackets or below each other, of texts or of maps", () => {
    const text = `account: { id: "111122223333" }
homeRegion: eu-west-1
regions:
  - eu-west-1
  - eu-west-9
  - { name: eu-central-1, state: gone }
  - name: eu-north-1
    adopt:
      archive: none
`;
    expect(places(refusal(prod(text), defaults()))).toEqual([
      "accounts/prod.yaml:5:5 regions[1] region-name",
      "accounts/prod.yaml:6:34 regions[2].state region-state",
      "accounts/prod.yaml:9:16 regions[3].adopt.archive key-id",
    ]);
  });

  test("is in the file whose list replaces the other, even if that one is longer", () => {
    const text = DEFAULTS.replace(
      "archive:\n    administrators: [arn:<partition>:iam::<account>:role/KeyAdmin]",
      "archive:\n    administrators: [a, b, c]",
    );
    const account = `${LEAST}keys: { archive: { administrators: [x] } }\n`;
    expect(places(refusal(prod(account), defaults(text)))).toEqual([
      "accounts/prod.yaml:4:37 keys.archive.administrators[0] role-arn",
    ]);
    expect(places(refusal(prod(LEAST), defaults(text)))).toEqual([
      "accounts/defaults.yaml:23:22 keys.archive.administrators[0] role-arn",
      "accounts/defaults.yaml:23:25 keys.archive.administrators[1] role-arn",
      "accounts/defaults.yaml:23:28 keys.archive.administrators[2] role-arn",
    ]);
  });

  test("is in the account's file if its list replaces one whose items have more fields", () => {
    const text = `${DEFAULTS}regions: [{ name: eu-west-1, state: active }]\n`;
    expect(
      places(refusal(prod(LEAST.replace("[eu-west-1]", "[eu-west-9]")), defaults(text))),
    ).toEqual(["accounts/prod.yaml:3:11 regions[0] region-name"]);
  });

  test("of a field that is missing is its map, in the file that has it", () => {
    const text = `${DEFAULTS}archives:\n  orders: { bus: orders }\n`;
    const account = `${LEAST}buses:\n  orders: { producers: ["111122223333"] }\n  stock: {}\n`;
    expect(places(refusal(prod(account), defaults(text)))).toEqual([
      expect.stringMatching(
        /^accounts\/defaults\.yaml:\d+:3 archives\.orders\.retentionDays missing-field$/,
      ),
      "accounts/prod.yaml:6:3 buses.stock bus-producers",
    ]);
  });

  test("is the alias if it is wrong as a whole, and inside its anchor if a part of it is", () => {
    const text = `${LEAST}keys:
  archive:
    users: &users
      - arn:aws:iam::111122223333:role/Reader
      - Writer
  team:
    breakGlass: [arn:aws:iam::111122223333:role/BreakGlass]
    users: *users
    regions: *users
protect: *users
`;
    expect(places(refusal(prod(text), defaults()))).toEqual([
      "accounts/prod.yaml:7:9 keys.team.regions[0] region-name",
      "accounts/prod.yaml:8:9 keys.archive.users[1] role-arn",
      "accounts/prod.yaml:8:9 keys.team.regions[1] region-name",
      "accounts/prod.yaml:8:9 keys.team.users[1] role-arn",
      "accounts/prod.yaml:13:10 protect yes-or-no",
    ]);
  });

  test("is one line, whatever the file holds", () => {
    const text = `${LEAST}"two\\nlines\\e[31m": 1\ntags: { "a b": "x\\ny\\u2028" }\n`;
    const lines = refusal(prod(text), defaults());
    expect(lines).toEqual([
      expect.stringMatching(/^accounts\/prod\.yaml:4:1: "two\\nlines\\u001b\[31m" must be a field/),
      expect.stringMatching(
        /^accounts\/prod\.yaml:5:16: tags\."a b" must be text .* \[tag-value\]$/,
      ),
    ]);
  });
});

describe("a source", () => {
  const source = parseYaml("a.yaml", 'a: { b: [x, { c: y }] }\nd: &d { e: 1 }\nf: *d\n"404": g\n');

  test.each([
    [["a"], true, "1:4", "1:1"],
    [["a", "b", 1, "c"], true, "1:18", "1:15"],
    [["a", "b", 2], false, "1:9", "1:9"],
    [["a", "x", "y"], false, "1:4", "1:4"],
    [["f", "e"], true, "2:12", "2:9"],
    [["f"], true, "3:4", "3:1"],
    [["404"], true, "4:8", "4:1"],
    [["constructor"], false, "1:1", "1:1"],
    [[], true, "1:1", "1:1"],
  ])("knows where %j stands", (path, has, value, key) => {
    const show = ({ line, column }: { line: number; column: number }) => `${line}:${column}`;
    expect(source.has(path)).toBe(has);
    expect(show(source.placeOf(path))).toBe(value);
    expect(show(source.placeOfKey(path))).toBe(key);
  });

  test("that cannot be read has no value, and every place is its start", () => {
    const broken = parseYaml("a.yaml", "a: [");
    expect(broken.value).toBeUndefined();
    expect(broken.has([])).toBe(false);
    expect(broken.placeOf(["a"])).toEqual({ file: "a.yaml", line: 1, column: 1 });
  });
});
