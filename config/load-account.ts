/** Reads an account's file: merges it over the defaults, checks it, and resolves it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type * as z from "zod";
import { showValue, ValidationError } from "../modules/errors";
import { partitionOf, STAND_IN_PARTITION } from "../modules/partition";
import { type AccountConfig, resolveAccount } from "./account-config";
import type { AccountDraft, Finding } from "./account-draft";
import { accountSchema } from "./account-schema";
import { crossFieldFindings } from "./cross-field-rules";
import { RULES, type RuleId } from "./rules";
import { type Place, parseYaml, type ValuePath, type YamlSource } from "./yaml-source";

const DEFAULTS_FILE = "defaults.yaml";
const WORKSPACE_NAME = /^(?!(default|defaults|stacks)$)[a-z][a-z0-9-]{0,31}$/;

/** Names of the accounts in a folder, in alphabetical order: its YAML files but the defaults and hidden ones. */
export function accountNames(directory: string): readonly string[] {
  return (existsSync(directory) ? readdirSync(directory, { withFileTypes: true }) : [])
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name)
    .filter((file) => file.endsWith(".yaml") && file !== DEFAULTS_FILE && !file.startsWith("."))
    .map((file) => file.slice(0, -".yaml".length))
    .sort();
}

/**
 * The account that a Terraform workspace stands for.
 *
 * There is no default account: a missing or unknown workspace is an error, so that a typo can never
 * select another account.
 *
 * @param directory - folder of the account files, such as `accounts`
 * @param workspace - name of the workspace, and of the file without `.yaml`
 * @param input - what gave the workspace, as a message names it
 * @throws {ValidationError} with every problem of the file, a line each, with its place
 */
export function loadAccount(
  directory: string,
  workspace: string | undefined,
  input = "TF_WORKSPACE",
): AccountConfig {
  const names = accountNames(directory);
  if (workspace === undefined || workspace === "" || !names.includes(workspace)) {
    const misnamed = workspace !== undefined && existsSync(join(directory, `${workspace}.yml`));
    throw new ValidationError(
      `${input} must be one of ${names.join(", ") || "(no account yet)"}, got ${showValue(workspace || undefined)}; ${
        misnamed
          ? `rename ${join(directory, `${workspace}.yml`)} to .yaml`
          : `name an account, or add ${join(directory, `${workspace || "<name>"}.yaml`)}`
      }`,
    );
  }
  const accountFile = join(directory, `${workspace}.yaml`);
  const defaultsFile = join(directory, DEFAULTS_FILE);
  const account = parseYaml(accountFile, readFileSync(accountFile, "utf8"));
  const defaults = existsSync(defaultsFile)
    ? parseYaml(defaultsFile, readFileSync(defaultsFile, "utf8"))
    : undefined;
  const others = names.filter((name) => name !== workspace);
  return checkAccount(workspace, account, defaults, (id) =>
    others.some((name) => hasAccountId(join(directory, `${name}.yaml`), id)),
  );
}

/**
 * Several accounts, and what is wrong with those whose files are refused.
 *
 * @param names - of accounts, in the order in which they are returned; all by default
 */
export function loadAccounts(
  directory: string,
  names: readonly string[] = accountNames(directory),
): { readonly accounts: readonly AccountConfig[]; readonly problems: readonly string[] } {
  const problems = new Set<string>();
  const accounts = names.flatMap((name) => {
    try {
      return [loadAccount(directory, name, "the account")];
    } catch (error) {
      if (!(error instanceof ValidationError)) {
        throw error;
      }
      for (const problem of error.message.split("\n")) {
        // One in the defaults is found with every account.
        problems.add(problem);
      }
      return [];
    }
  });
  return { accounts, problems: [...problems] };
}

/** Whether a file is that of the account with this id. Only a file that mentions it is parsed. */
function hasAccountId(file: string, id: string): boolean {
  const text = readFileSync(file, "utf8");
  if (!text.includes(id)) {
    return false;
  }
  const { value } = parseYaml(file, text);
  return valueAt(value, ["account", "id"]) === id;
}

/**
 * Checks and resolves an account whose files have been read.
 *
 * @param isTaken - whether another account has an id
 * @throws {ValidationError} as {@link loadAccount}
 */
export function checkAccount(
  workspace: string,
  account: YamlSource,
  defaults: YamlSource | undefined,
  isTaken: (accountId: string) => boolean = () => false,
): AccountConfig {
  const sources = defaults === undefined ? [account] : [defaults, account];
  const yamlLines = sources.flatMap(({ problems }) =>
    problems.map(({ rule, place, path, detail }) => showProblem(place, path, rule, detail)),
  );
  if (sources.some(({ value }) => value === undefined)) {
    throw new ValidationError(showLines(yamlLines));
  }
  const merged = fillIn(
    nameRegions(merge(defaults?.value, account.value, [])),
    workspace,
  ) as AccountDraft;
  const templates = templateFindings(merged, []);
  const parsed = accountSchema.safeParse(merged);
  // A template also gives its value the wrong form, and a misspelt field is missing where it belongs.
  const found = parsed.success
    ? []
    : parsed.error.issues.flatMap((issue) => toFindings(issue, merged));
  const meant = found.flatMap(({ meantPath }) => (meantPath === undefined ? [] : [meantPath]));
  const explained = new Set([...templates.map(({ path }) => path), ...meant].map(showPath));
  const issues = found.filter(({ path }) => !explained.has(showPath(path)));
  const draft = (leaveOut(merged, [
    ...[...templates, ...issues].map(({ path }) => path.slice(0, lengthToLeaveOut(path))),
    ...meant,
  ]) ?? {}) as AccountDraft;
  const findings = [
    ...workspaceFindings(workspace),
    ...accountIdFindings(draft, isTaken),
    ...templates,
    ...issues,
    ...crossFieldFindings(draft, workspace),
  ];
  const findingLines = findings.map((finding) => {
    const { rule, got } = finding;
    const place = placeOf(finding, account, defaults);
    return showProblem(
      place,
      writtenPath(finding, account, defaults),
      rule,
      showValue(got),
      finding,
    );
  });
  if (!parsed.success || yamlLines.length + findingLines.length > 0) {
    throw new ValidationError(showLines([...yamlLines, ...findingLines]));
  }
  const where = (...path: ValuePath) => {
    const { file, line, column } = placeOf({ path }, account, defaults);
    return `${file}:${line}:${column}`;
  };
  return resolveAccount(workspace, parsed.data, where);
}

/** An event pattern is left out as a whole: without one of its values it would mean something else. */
function lengthToLeaveOut(path: ValuePath): number {
  return path[0] === "archives" && path[2] === "eventPattern" ? 3 : path.length;
}

function accountIdFindings(
  { account }: AccountDraft,
  isTaken: (accountId: string) => boolean,
): readonly Finding[] {
  return account?.id !== undefined && isTaken(account.id)
    ? [{ rule: "account-id-unique", path: ["account", "id"], got: account.id }]
    : [];
}

function workspaceFindings(workspace: string): readonly Finding[] {
  return WORKSPACE_NAME.test(workspace)
    ? []
    : [{ rule: "workspace-name", path: [], got: workspace }];
}

type PlainMap = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is PlainMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Maps merge; lists and single values of the account replace those of the defaults.
 *
 * So does a key or bus that says `existing`: nothing that the defaults say of the one that Keyspan
 * would make is true of it. Likewise a trail of another mode.
 */
function merge(defaults: unknown, account: unknown, path: readonly string[]): unknown {
  if (!isMap(defaults) || !isMap(account) || replacesDefaults(account, defaults, path)) {
    return account === undefined ? defaults : account;
  }
  const fields = [...new Set([...Object.keys(defaults), ...Object.keys(account)])];
  // fromEntries, unlike assignment, takes `__proto__` for a field like any other.
  return Object.fromEntries(
    fields.map((field) => [
      field,
      merge(own(defaults, field), own(account, field), [...path, field]),
    ]),
  );
}

function replacesDefaults(account: PlainMap, defaults: PlainMap, path: readonly string[]): boolean {
  if (path.length === 1 && path[0] === "trail") {
    return Object.keys(account).every((mode) => !Object.hasOwn(defaults, mode));
  }
  const isKeyOrBus = path.length === 2 && (path[0] === "keys" || path[0] === "buses");
  return isKeyOrBus && Object.hasOwn(account, "existing") && account.existing !== false;
}

function own(map: PlainMap, field: string): unknown {
  return Object.hasOwn(map, field) ? map[field] : undefined;
}

/** A region may be written as its name alone. What is neither is taken for a name that is wrong. */
function nameRegions(config: unknown): unknown {
  if (!isMap(config) || !Array.isArray(config.regions)) {
    return config;
  }
  return {
    ...config,
    regions: config.regions.map((entry: unknown) => (isMap(entry) ? entry : { name: entry })),
  };
}

/**
 * Fills `<account>`, `<partition>`, `<workspace>` and `<state.account>` in, in ARNs.
 *
 * An id or home region that is itself wrong has its own message; any valid value stands in for it
 * here, so that it does not also spoil every ARN that mentions it.
 */
function fillIn(config: unknown, workspace: string): unknown {
  const { account, homeRegion, state } = isMap(config) ? config : {};
  const accountId = (value: unknown) =>
    typeof value === "string" && /^\d{12}$/.test(value) ? value : "000000000000";
  const values: PlainMap = {
    account: accountId(isMap(account) ? account.id : undefined),
    partition:
      (typeof homeRegion === "string" ? partitionOf(homeRegion) : undefined) ?? STAND_IN_PARTITION,
    workspace,
    "state.account": accountId(isMap(state) ? state.account : undefined),
  };
  const fill = (value: unknown): unknown => {
    if (typeof value === "string") {
      return value.startsWith("arn:")
        ? value.replace(/<([a-z.]+)>/g, (whole, name: string) => String(own(values, name) ?? whole))
        : value;
    }
    if (Array.isArray(value)) {
      return value.map(fill);
    }
    return isMap(value)
      ? Object.fromEntries(
          Object.entries(value).map(([field, inner]) => [
            field,
            field === "eventPattern" ? inner : fill(inner),
          ]),
        )
      : value;
  };
  return fill(config);
}

const TEMPLATE = /[$%]\{|TfToken\[/;

function templateFindings(value: unknown, path: ValuePath): readonly Finding[] {
  if (typeof value === "string") {
    return TEMPLATE.test(value) ? [{ rule: "no-template", path, got: value }] : [];
  }
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => templateFindings(item, [...path, index]));
  }
  return isMap(value)
    ? Object.entries(value).flatMap(([field, inner]) => [
        ...(TEMPLATE.test(field)
          ? [{ rule: "no-template", path: [...path, field], got: field, atKey: true } as const]
          : []),
        ...templateFindings(inner, [...path, field]),
      ])
    : [];
}

/** What a value of the wrong type should be, by the type that zod expects, and how to write it. */
const TYPES: Readonly<Record<string, { readonly must: string; readonly fix: string } | undefined>> =
  {
    array: { must: "be a list", fix: "put it in brackets, or each item on a line after '- '" },
    object: { must: "be a map", fix: "write its fields below it, indented, each as name: value" },
    record: { must: "be a map", fix: "write its fields below it, indented, each as name: value" },
    string: { must: "be text", fix: "put it in quotes" },
  };

/** A finding about the form of a value. */
interface FormFinding extends Finding {
  /** Where a misspelt field belongs. */
  readonly meantPath?: ValuePath;
}

function toFindings(issue: z.core.$ZodIssue, config: unknown): readonly FormFinding[] {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  const [word = "", ...known] = issue.message.split(" ");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((field) =>
      word === "unknown-field"
        ? unknownField(path, field, known, valueAt(config, path))
        : { rule: toRule(word), path: [...path, field], got: field, atKey: true },
    );
  }
  if (issue.code === "invalid_key") {
    const rule = toRule(issue.issues[0]?.message ?? "");
    return [{ rule, path, got: path.at(-1), atKey: true }];
  }
  const got = valueAt(config, path);
  if (got === undefined) {
    return [{ rule: "missing-field", path, got }];
  }
  if (issue.code === "invalid_union" && isMap(got)) {
    // Of what a field may hold, a map is meant to be the map: its own fields say more.
    const inMap = issue.errors.find((errors) =>
      errors.every((inner) => inner.path.length > 0 || inner.code === "unrecognized_keys"),
    );
    if (inMap !== undefined) {
      return inMap.flatMap((inner) =>
        toFindings({ ...inner, path: [...issue.path, ...inner.path] }, config),
      );
    }
  }
  const rule = toRule(word);
  const type = issue.code === "invalid_type" ? TYPES[issue.expected] : undefined;
  return [{ rule, path, got, ...(rule === "wrong-type" && type) }];
}

function unknownField(
  path: ValuePath,
  field: string,
  known: readonly string[],
  around: unknown,
): FormFinding {
  const meant = known.find(
    (name) => isMap(around) && !Object.hasOwn(around, name) && isMisspelt(field, name),
  );
  return {
    rule: "unknown-field",
    path: [...path, field],
    got: field,
    atKey: true,
    fix:
      meant === undefined
        ? `correct or remove it; the fields here are ${known.join(", ")}`
        : `write ${meant}`,
    ...(meant !== undefined && { meantPath: [...path, meant] }),
  };
}

/** Whether a word is another one but for capitals and a letter or two. */
function isMisspelt(word: string, meant: string): boolean {
  return (
    Math.abs(word.length - meant.length) <= 2 &&
    editDistance(word.toLowerCase(), meant.toLowerCase()) <=
      Math.min(2, Math.floor(meant.length / 3))
  );
}

/** Levenshtein's distance: how many letters to add, remove or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...a].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...b].entries()) {
      const replaced = (row[column] ?? 0) + Number(letter !== other);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

function toRule(message: string): RuleId {
  return Object.hasOwn(RULES, message) ? (message as RuleId) : "wrong-type";
}

function valueAt(value: unknown, path: ValuePath): unknown {
  let at = value;
  for (const step of path) {
    if (Array.isArray(at)) {
      at = at[Number(step)];
    } else if (isMap(at)) {
      at = own(at, String(step));
    } else {
      return undefined;
    }
  }
  return at;
}

/** A copy of `value` in which what stands or should stand at `paths` is undefined; lists keep their length. */
function leaveOut(value: unknown, paths: readonly ValuePath[]): unknown {
  if (paths.length === 0) {
    return value;
  }
  const below = new Map<string, ValuePath[]>();
  for (const [step, ...rest] of paths) {
    if (step === undefined) {
      return undefined;
    }
    const others = below.get(String(step));
    if (others === undefined) {
      below.set(String(step), [rest]);
    } else {
      others.push(rest);
    }
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => leaveOut(item, below.get(String(index)) ?? []));
  }
  return isMap(value)
    ? Object.fromEntries(
        [...new Set([...Object.keys(value), ...below.keys()])].map((field) => [
          field,
          leaveOut(own(value, field), below.get(field) ?? []),
        ]),
      )
    : value;
}

/** The file that decides what stands at `path`, or would if it stood anywhere. */
function sourceOf(path: ValuePath, account: YamlSource, defaults?: YamlSource): YamlSource {
  for (let length = path.length; length > 0; length -= 1) {
    const start = path.slice(0, length);
    if (comesFrom(account, start)) {
      return account;
    }
    if (defaults?.has(start)) {
      return defaults;
    }
  }
  return account;
}

/** Whether the account's own file decides what stands at `path`: it holds it, or replaces a list around it. */
function comesFrom(account: YamlSource, path: ValuePath): boolean {
  return (
    path.some((step, depth) => typeof step === "number" && account.has(path.slice(0, depth))) ||
    account.has(path)
  );
}

function placeOf(
  { path, atKey = false }: Pick<Finding, "path" | "atKey">,
  account: YamlSource,
  defaults?: YamlSource,
): Place {
  const source = sourceOf(path, account, defaults);
  // What is missing is missing in the map around it, which its own key names.
  const nearest = path.slice(
    0,
    path.findLastIndex((_, depth) => source.has(path.slice(0, depth + 1))) + 1,
  );
  return atKey || nearest.length < path.length ? source.placeOfKey(nearest) : source.placeOf(path);
}

/** The path as the file has it: a region may be written as its name alone. */
function writtenPath(
  { rule, path }: Finding,
  account: YamlSource,
  defaults?: YamlSource,
): ValuePath {
  const isName = path.length === 3 && path[0] === "regions" && path[2] === "name";
  return isName && rule !== "missing-field" && !sourceOf(path, account, defaults).has(path)
    ? path.slice(0, 2)
    : path;
}

function showPath(path: ValuePath): string {
  return path
    .map((step, depth) =>
      typeof step === "number" ? `[${step}]` : `${depth === 0 ? "" : "."}${showKey(step)}`,
    )
    .join("");
}

function showKey(key: string): string {
  return /^[^\s"']+$/.test(key) ? key : JSON.stringify(key);
}

interface Line {
  readonly place: Place;
  readonly text: string;
}

function showProblem(
  place: Place,
  path: ValuePath,
  rule: RuleId,
  got: string,
  words: { readonly must?: string; readonly fix?: string } = {},
): Line {
  const { file, line, column } = place;
  const { must, fix } = RULES[rule];
  const input = path.length === 0 ? "the file" : showPath(path);
  const text = `${file}:${line}:${column}: ${input} must ${words.must ?? must}, got ${got}; ${words.fix ?? fix} [${rule}]`;
  return { place, text: text.replace(CONTROL_CHARACTERS, "�") };
}

// They would break the line, or the terminal.
const CONTROL_CHARACTERS = /[\p{Cc}\u2028\u2029]/gu;

/** The lines in the order of the files, each once. */
function showLines(lines: readonly Line[]): string {
  const sorted = lines.toSorted(
    (a, b) =>
      a.place.file.localeCompare(b.place.file, "en") ||
      a.place.line - b.place.line ||
      a.place.column - b.place.column ||
      (a.text < b.text ? -1 : 1),
  );
  return [...new Set(sorted.map(({ text }) => text))].join("\n");
}
