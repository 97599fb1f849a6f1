/** YAML files whose values remember where they stand. */
import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
} from "yaml";
import type { RuleId } from "./rules";

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
  /** What YAML says, on one line. */
  readonly detail: string;
}

/** A parsed YAML file. */
export interface YamlSource {
  readonly file: string;
  /** The content as plain values; `undefined` if there are problems. */
  readonly value: unknown;
  readonly problems: readonly YamlProblem[];
  /** Whether the file itself holds a value at `path`. */
  has(path: ValuePath): boolean;
  /** Where the value at `path` stands, or the nearest map or list around it. */
  placeOf(path: ValuePath): Place;
  /** Where the map key at the end of `path` stands, or what {@link placeOf} says. */
  placeOfKey(path: ValuePath): Place;
}

// An alias bomb grows a few lines into gigabytes; no account needs more aliases than this.
const MAX_ALIASES = 100;

const RULE_BY_CODE: Readonly<Record<string, RuleId>> = {
  DUPLICATE_KEY: "yaml-duplicate-key",
  TAB_AS_INDENT: "yaml-tab",
};

/**
 * Parses YAML 1.2. Never throws: what is wrong stands in `problems`, all of it.
 *
 * @param file - path of the file as messages show it
 */
export function parseYaml(file: string, text: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: "1.2" });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems: YamlProblem[] = [...document.errors, ...document.warnings].map((error) => ({
    rule: RULE_BY_CODE[error.code] ?? "yaml-syntax",
    place: at(error.pos[0]),
    detail: error.message.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? error.code,
  }));

  let value: unknown;
  if (problems.length === 0) {
    try {
      value = document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (error) {
      problems.push({
        rule: "yaml-syntax",
        place: at(0),
        detail: error instanceof Error ? error.message : String(error),
      });
    }
    if (problems.length === 0 && !isMap(document.contents)) {
      problems.push({
        rule: "yaml-map",
        place: at(document.contents?.range?.[0] ?? 0),
        detail: "not a map",
      });
    }
  }

  const nodeAt = (path: ValuePath): { readonly node: Node | undefined; readonly depth: number } => {
    let node: unknown = document.contents;
    for (const [depth, key] of path.entries()) {
      if (isAlias(node)) {
        node = node.resolve(document);
      }
      const child = isCollection(node) ? node.get(key, true) : undefined;
      if (!isNode(child)) {
        return { node: isNode(node) ? node : undefined, depth };
      }
      node = child;
    }
    return { node: isNode(node) ? node : undefined, depth: path.length };
  };
  const placeOf = (path: ValuePath) => at(nodeAt(path).node?.range?.[0] ?? 0);

  return {
    file,
    value: problems.length === 0 ? value : undefined,
    problems,
    has: (path) => nodeAt(path).depth === path.length,
    placeOf,
    placeOfKey: (path) => {
      const parent = nodeAt(path.slice(0, -1));
      const key = path.at(-1);
      const map = isAlias(parent.node) ? parent.node.resolve(document) : parent.node;
      const pair = isMap(map)
        ? map.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))
        : undefined;
      return isNode(pair?.key) ? at(pair.key.range?.[0] ?? 0) : placeOf(path);
    },
  };
}
