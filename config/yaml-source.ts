/** YAML files whose values remember where they stand. */
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  parseDocument,
  type YAMLError,
} from "yaml";
import { MAX_YAML_CHARACTERS, MAX_YAML_LEVELS, MAX_YAML_VALUES, type RuleId } from "./rules";

/** Way to a value from the root: map keys and list indexes. */
export type ValuePath = readonly (string | number)[];

/** A place in a file. Line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Something in a YAML file that is wrong before anything is known about its meaning. */
export interface YamlProblem {
  readonly rule: RuleId;
  readonly place: Place;
  /** What is wrong; empty if it is the file as a whole. */
  readonly path: ValuePath;
  /** What stands there instead of what should, on one line. */
  readonly detail: string;
}

/** A parsed YAML file. */
export interface YamlSource {
  readonly file: string;
  /** The content as plain values, of a key that stands twice the first; `undefined` if it cannot be read. */
  readonly value: unknown;
  readonly problems: readonly YamlProblem[];
  /** Whether the file itself holds a value at `path`. */
  has(path: ValuePath): boolean;
  /** Where the value at `path` stands, or the nearest map or list around it. */
  placeOf(path: ValuePath): Place;
  /** Where the map key at the end of `path` stands, or what {@link placeOf} says. */
  placeOfKey(path: ValuePath): Place;
}

/**
 * Parses YAML 1.2. Never throws: what is wrong stands in `problems`, all of it but what only
 * follows from a mistake in the syntax.
 *
 * @param file - path of the file as messages show it
 */
export function parseYaml(file: string, text: string): YamlSource {
  const content = text.replace(/^\uFEFF/, "");
  const lines = new LineCounter();
  const { flaws, value, root } = readText(content, lines);
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };

  /** The last entry on the way along `path`, and how many steps lead to it. */
  const follow = (
    path: ValuePath,
  ): { readonly entry: Entry | undefined; readonly depth: number } => {
    let entry = root;
    for (const [depth, step] of path.entries()) {
      const child = entry?.children.get(String(step));
      if (child === undefined) {
        return { entry, depth };
      }
      entry = child;
    }
    return { entry, depth: path.length };
  };

  return {
    file,
    value,
    problems: flaws.map(({ offset, ...flaw }) => ({ ...flaw, place: at(offset) })),
    has: (path) => root !== undefined && follow(path).depth === path.length,
    placeOf: (path) => at(follow(path).entry?.offset ?? 0),
    placeOfKey: (path) => {
      const { entry, depth } = follow(path);
      return at((depth === path.length ? entry?.keyOffset : undefined) ?? entry?.offset ?? 0);
    },
  };
}

/** A value of a file: what it is and where it and its key stand. */
interface Entry {
  readonly value: unknown;
  readonly offset: number;
  readonly keyOffset?: number;
  readonly children: ReadonlyMap<string, Entry>;
  /** Number of values in it, itself and what its aliases stand for included. */
  readonly size: number;
  /** How many maps and lists stand in one another here. */
  readonly levels: number;
}

/** A problem before its offset has become a place. */
interface Flaw {
  readonly rule: RuleId;
  readonly offset: number;
  readonly path: ValuePath;
  readonly detail: string;
}

interface Reading {
  readonly flaws: readonly Flaw[];
  readonly value?: unknown;
  readonly root?: Entry;
}

function readText(text: string, lines: LineCounter): Reading {
  const unbounded = unboundedFlaw(text, lines);
  if (unbounded !== undefined) {
    return { flaws: [unbounded] };
  }
  const document = parseDocument(text, {
    version: "1.2",
    // Both take time that grows with the square of the text; readDocument looks for repeated keys.
    uniqueKeys: false,
    prettyErrors: false,
  });
  const syntax = syntaxFlaws(document);
  if (syntax.length > 0) {
    return { flaws: syntax };
  }
  if (!isMap(document.contents)) {
    const offset = document.contents?.range?.[0] ?? 0;
    return { flaws: [{ rule: "yaml-map", offset, path: [], detail: kindOf(document.contents) }] };
  }
  const { root, flaws } = readDocument(document.contents, lines);
  // A repeated key leaves no doubt about the rest, which can be checked as well.
  return flaws.every(({ rule }) => rule === "yaml-duplicate-key")
    ? { flaws, root, value: root.value }
    : { flaws };
}

/** Text that would keep the parser busy for minutes, or is nested deeper than the call stack. */
function unboundedFlaw(text: string, lines: LineCounter): Flaw | undefined {
  lines.addNewLine(0);
  if (text.length > MAX_YAML_CHARACTERS) {
    return { rule: "yaml-size", offset: 0, path: [], detail: `${text.length}` };
  }
  const parser = new Parser(lines.addNewLine);
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme)) {
      // Only what is open matters here.
    }
    if (parser.stack.length > MAX_YAML_LEVELS) {
      const open = parser.stack.filter(({ type }) => LEVEL_TYPES.has(type)).length;
      if (open > MAX_YAML_LEVELS) {
        const offset = parser.offset - lexeme.length;
        return { rule: "yaml-nesting", offset, path: [], detail: `${open} levels` };
      }
    }
  }
  return undefined;
}

const LEVEL_TYPES: ReadonlySet<string> = new Set(["block-map", "block-seq", "flow-collection"]);

const RULE_BY_CODE: Readonly<Record<string, RuleId>> = { TAB_AS_INDENT: "yaml-tab" };

// Where the parser speaks to programmers.
const DETAIL_BY_CODE: Readonly<Record<string, string>> = {
  BAD_INDENT: "a line that is not indented like those around it",
  BLOCK_AS_IMPLICIT_KEY: "a map within a line: a second ': ' in it, or too much indentation below",
  MULTIPLE_DOCS: "a second document",
  TAB_AS_INDENT: "a tab",
};

// What the parser says when it misses something, and what there is instead.
const INCOMPLETE: readonly (readonly [RegExp, string])[] = [
  [/end with a \]$/, "a list without its closing ]"],
  [/end with a \}$/, "a map without its closing }"],
  [/^Missing closing .quote/, "a text without its closing quote"],
  [/^Implicit map keys need/, "a line without ': ' behind its key"],
];

// Each of these stands for itself; any other error can be the consequence of one before it.
const CERTAIN: readonly string[] = ["TAB_AS_INDENT", "TAG_RESOLVE_FAILED"];

function syntaxFlaws(document: Document.Parsed): readonly Flaw[] {
  const errors = [...document.errors, ...document.warnings];
  const certain = errors.filter(({ code }) => CERTAIN.includes(code));
  const { version } = document.directives.yaml;
  if (errors.length === 0 && version !== "1.2") {
    return [{ rule: "yaml-syntax", offset: 0, path: [], detail: `%YAML ${version}` }];
  }
  return (certain.length > 0 ? certain : errors.slice(0, 1)).map((error) =>
    syntaxFlaw(document, error),
  );
}

function syntaxFlaw({ contents }: Document.Parsed, { code, message, pos }: YAMLError): Flaw {
  const incomplete = INCOMPLETE.find(([pattern]) => pattern.test(message))?.[1];
  return {
    rule: RULE_BY_CODE[code] ?? "yaml-syntax",
    offset: (incomplete !== undefined ? openingBefore(contents, pos[0]) : undefined) ?? pos[0],
    path: [],
    detail: incomplete ?? DETAIL_BY_CODE[code] ?? message.split("\n")[0] ?? code,
  };
}

/** Where the innermost bracket or quote around `offset` opens: the parser says only where it gave up. */
function openingBefore(root: unknown, offset: number): number | undefined {
  let opening: number | undefined;
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const node = pending.pop();
    if (isPair(node)) {
      pending.push(node.key, node.value);
    } else if (isNode(node)) {
      const [start = 0, , end = 0] = node.range ?? [];
      const opens = isCollection(node)
        ? node.flow === true
        : isScalar(node) && /^QUOTE/.test(node.type ?? "");
      if (opens && start < offset && offset <= end) {
        // What is visited later stands further inside.
        opening = start;
      }
      if (isCollection(node)) {
        pending.push(...node.items);
      }
    }
  }
  return opening;
}

/** The content of a document, and what YAML allows in it but no account needs. */
function readDocument(
  contents: Node,
  lines: LineCounter,
): { readonly root: Entry; readonly flaws: readonly Flaw[] } {
  const flaws: Flaw[] = [];
  // By anchor: what stands there, or nothing yet while it is being read.
  const anchors = new Map<string, Entry | undefined>();
  let written = 0;

  const read = (node: unknown, path: ValuePath): Entry => {
    const offset = (isNode(node) ? node.range?.[0] : undefined) ?? 0;
    if (isAlias(node)) {
      return readAlias(node.source, offset, path);
    }
    const anchor = isCollection(node) || isScalar(node) ? node.anchor : undefined;
    if (anchor !== undefined) {
      anchors.set(anchor, undefined);
    }
    const entry = { ...readContent(node, path), offset };
    if (anchor !== undefined) {
      anchors.set(anchor, entry);
    }
    return entry;
  };

  const readContent = (node: unknown, path: ValuePath): Omit<Entry, "offset"> => {
    if (isMap(node)) {
      const children = new Map<string, Entry>();
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : "?";
        const keyOffset = (isNode(key) ? key.range?.[0] : undefined) ?? 0;
        const at = [...path, name];
        const child = { ...read(value, at), keyOffset };
        const first = children.get(name)?.keyOffset;
        if (!isScalar(key) || typeof key.value !== "string" || name === "__proto__") {
          flaws.push({ rule: "yaml-key", offset: keyOffset, path: at, detail: kindOf(key) });
        } else if (name === "<<") {
          flaws.push({ rule: "yaml-merge-key", offset: keyOffset, path: at, detail: '"<<"' });
        } else if (first !== undefined) {
          const detail = `it again after line ${lines.linePos(first).line}`;
          flaws.push({ rule: "yaml-duplicate-key", offset: keyOffset, path: at, detail });
        } else {
          children.set(name, child);
        }
      }
      const fields = [...children].map(([name, child]) => [name, child.value] as const);
      // fromEntries, unlike assignment, takes any name for a field like any other.
      return { ...totalOf(children), value: Object.fromEntries(fields) };
    }
    if (isSeq(node)) {
      const children = new Map(
        node.items.map((item, index) => [String(index), read(item, [...path, index])]),
      );
      return { ...totalOf(children), value: [...children.values()].map(({ value }) => value) };
    }
    return { ...LEAF, value: isScalar(node) ? node.value : null };
  };

  const readAlias = (anchor: string, offset: number, path: ValuePath): Entry => {
    const target = anchors.get(anchor);
    const flaw = { offset, path, detail: JSON.stringify(`*${anchor}`) };
    if (target === undefined) {
      flaws.push({ ...flaw, rule: "yaml-alias" });
      return { ...LEAF, value: null, offset };
    }
    if (path.length + target.levels > MAX_YAML_LEVELS) {
      flaws.push({ ...flaw, rule: "yaml-nesting" });
      return { ...LEAF, value: null, offset };
    }
    const before = written;
    written += target.size;
    if (written > MAX_YAML_VALUES && before <= MAX_YAML_VALUES) {
      flaws.push({ ...flaw, rule: "yaml-expansion" });
    }
    return { ...target, offset };
  };

  const root = read(contents, []);
  return { root, flaws };
}

const LEAF = { children: new Map<string, Entry>(), size: 1, levels: 0 };

function totalOf(children: ReadonlyMap<string, Entry>): Omit<Entry, "offset" | "value"> {
  let size = 1;
  let levels = 0;
  for (const child of children.values()) {
    size += child.size;
    levels = Math.max(levels, child.levels);
  }
  return { children, size, levels: levels + 1 };
}

function kindOf(node: unknown): string {
  if (isSeq(node)) {
    return "a list";
  }
  if (isMap(node)) {
    return "a map";
  }
  if (isAlias(node)) {
    return `*${node.source}`;
  }
  return isScalar(node) && node.value !== null ? JSON.stringify(node.value) : "nothing";
}
