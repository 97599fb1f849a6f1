/** Reads an account's file: merges it over the defaults, checks it, and resolves it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { showValue, ValidationError } from "../modules/errors";
import { partitionOf } from "../modules/partition";
import { type AccountConfig, resolveAccount } from "./account-config";
import { accountSchema } from "./account-schema";
import { type AccountDraft, crossFieldFindings, type Finding } from "./cross-field-rules";
import { RULES, type RuleId } from "./rules";
import { type Place, parseYaml, type ValuePath, type YamlSource } from "./yaml-source";

const DEFAULTS_FILE = "defaults.yaml";
const WORKSPACE_NAME = /^(?!default$|defaults$)[a-z][a-z0-9-]{0,31}$/;

/** Names of the accounts in a folder, in alphabetical order: its YAML files but the defaults. */
export function accountNames(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith(".yaml") && file !== DEFAULTS_FILE)
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
  return checkAccount(workspace, account, defaults);
}

/** Checks and resolves an account whose files have been read. @throws {ValidationError} as {@link loadAccount} */
export function checkAccount(
  workspace: string,
  account: YamlSource,
  defaults: YamlSource | undefined,
): AccountConfig {
  const yamlProblems = [...(defaults?.problems ?? []), ...account.problems];
  if (yamlProblems.length > 0) {
    throw new ValidationError(
      yamlProblems
        .map(({ rule, place, detail }) => showProblem(place, "the file", rule, detail))
        .join("\n"),
    );
  }
  const merged = fillIn(
    nameRegions(merge(defaults?.value, account.value)),
    workspace,
  ) as AccountDraft;
  const formFindings = [...workspaceFindings(workspace), ...templateFindings(merged, [])];
  const parsed = accountSchema.safeParse(merged);
  const issueFindings = parsed.success
    ? []
    : parsed.error.issues.flatMap((i) => toFindings(i, merged));
  const draft = (without(
    merged,
    issueFindings.map(({ path }) => path),
  ) ?? {}) as AccountDraft;
  const findings = [...formFindings, ...issueFindings, ...crossFieldFindings(draft, workspace)];
  if (!parsed.success || findings.length > 0) {
    throw new ValidationError(showFindings(findings, account, defaults));
  }
  const where = (...path: ValuePath) => {
    const { file, line, column } = placeOf({ path }, account, defaults);
    return `${file}:${line}:${column}`;
  };
  return resolveAccount(workspace, parsed.data, where);
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
 * would make is true of it.
 */
function merge(defaults: unknown, account: unknown): unknown {
  if (!isMap(defaults) || !isMap(account) || Object.hasOwn(account, "existing")) {
    return account === undefined ? defaults : account;
  }
  const fields = [...new Set([...Object.keys(defaults), ...Object.keys(account)])];
  // fromEntries, unlike assignment, takes `__proto__` for a field like any other.
  return Object.fromEntries(
    fields.map((field) => [field, merge(own(defaults, field), own(account, field))]),
  );
}

function own(map: PlainMap, field: string): unknown {
  return Object.hasOwn(map, field) ? map[field] : undefined;
}

/** A region may be written as its name alone. */
function nameRegions(config: unknown): unknown {
  if (!isMap(config) || !Array.isArray(config.regions)) {
    return config;
  }
  return {
    ...config,
    regions: config.regions.map((entry: unknown) =>
      typeof entry === "string" ? { name: entry } : entry,
    ),
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
    partition: (typeof homeRegion === "string" ? partitionOf(homeRegion) : undefined) ?? "aws",
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

const TEMPLATE = /[$%]\{/;

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
          ? [{ rule: "no-template", path: [...path, field], got: field } as const]
          : []),
        ...templateFindings(inner, [...path, field]),
      ])
    : [];
}

function toFindings(issue: z.core.$ZodIssue, config: unknown): readonly Finding[] {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((field) => ({
      rule: "unknown-field",
      path: [...path, field],
      got: field,
    }));
  }
  const got = valueAt(config, path);
  if (issue.code === "invalid_key") {
    return [{ rule: toRule(issue.issues[0]?.message), path, got: path.at(-1) }];
  }
  return [{ rule: got === undefined ? "missing-field" : toRule(issue.message), path, got }];
}

function toRule(message: string | undefined): RuleId {
  return message !== undefined && Object.hasOwn(RULES, message)
    ? (message as RuleId)
    : "wrong-type";
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

/** A copy of `value` in which what stands at `paths` is gone; lists keep their length. */
function without(value: unknown, paths: readonly ValuePath[]): unknown {
  if (paths.some((path) => path.length === 0)) {
    return undefined;
  }
  const below = (step: string | number) =>
    paths.filter(([first]) => String(first) === String(step)).map((path) => path.slice(1));
  if (Array.isArray(value)) {
    return value.map((item, index) => without(item, below(index)));
  }
  return isMap(value)
    ? Object.fromEntries(
        Object.entries(value).map(([field, inner]) => [field, without(inner, below(field))]),
      )
    : value;
}

function showFindings(
  findings: readonly Finding[],
  account: YamlSource,
  defaults: YamlSource | undefined,
): string {
  const lines = findings.map((finding) => {
    const place = placeOf(finding, account, defaults);
    const input = finding.path.length === 0 ? "the file" : showPath(finding.path);
    return { place, text: showProblem(place, input, finding.rule, finding.got, finding) };
  });
  lines.sort(
    (a, b) =>
      a.place.file.localeCompare(b.place.file, "en") ||
      a.place.line - b.place.line ||
      a.place.column - b.place.column ||
      (a.text < b.text ? -1 : 1),
  );
  return [...new Set(lines.map(({ text }) => text))].join("\n");
}

const NAMED_BY_KEY: readonly RuleId[] = [
  "unknown-field",
  "key-name",
  "bus-name",
  "archive-name",
  "tag-key",
  "reserved-bus-name",
  "physical-name",
  "archive-physical-name",
  "adopted-key",
];

function placeOf(
  { rule, path }: { readonly rule?: RuleId; readonly path: ValuePath },
  account: YamlSource,
  defaults?: YamlSource,
): Place {
  const source =
    defaults !== undefined && !comesFrom(account, path) && defaults.has(path) ? defaults : account;
  return rule !== undefined && NAMED_BY_KEY.includes(rule)
    ? source.placeOfKey(path)
    : source.placeOf(path);
}

/** Whether the account's own file decides what stands at `path`: it holds it, or replaces a list around it. */
function comesFrom(account: YamlSource, path: ValuePath): boolean {
  return (
    path.some((step, depth) => typeof step === "number" && account.has(path.slice(0, depth))) ||
    account.has(path)
  );
}

function showPath(path: ValuePath): string {
  return path
    .map((step, i) => (typeof step === "number" ? `[${step}]` : i === 0 ? step : `.${step}`))
    .join("");
}

function showProblem(
  { file, line, column }: Place,
  input: string,
  rule: RuleId,
  got: unknown,
  words: { readonly must?: string; readonly fix?: string } = {},
): string {
  const { must, fix } = RULES[rule];
  const value = rule.startsWith("yaml-") ? String(got) : showValue(got);
  return `${file}:${line}:${column}: ${input} must ${words.must ?? must}, got ${value}; ${words.fix ?? fix} [${rule}]`;
}
