/** How Terraform is called for plans and applies; a program that writes down its arguments stands in for it. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { operationsAtATime, StackTerraform } from "../../cli/rollout/stack-terraform";
import { StopRequest } from "../../cli/rollout/stop-request";
import { Terraform } from "../../cli/terraform";

const WARNING = JSON.stringify({
  "@message": "Warning: in effect",
  type: "diagnostic",
  diagnostic: {
    severity: "warning",
    summary: "Provider development overrides are in effect",
    detail: "",
  },
});

let directory: string;
const warnings: string[] = [];
beforeEach(() => {
  warnings.length = 0;
  directory = mkdtempSync(join(tmpdir(), "keyspan-stack-terraform-"));
  mkdirSync(join(directory, "keys"));
  writeFileSync(
    join(directory, "terraform"),
    `#!/bin/sh\necho "$* [$TF_WORKSPACE]" >> '${directory}/calls'\necho '${WARNING}'\n`,
  );
  chmodSync(join(directory, "terraform"), 0o755);
});
afterEach(() => rmSync(directory, { recursive: true }));

test.each([
  [1, 10],
  [2, 10],
  [3, 15],
  [5, 25],
])("an account with %i regions has %i operations at a time", (regions, operations) => {
  expect(operationsAtATime(regions)).toBe(operations);
});

async function callsWith(variables: NodeJS.ProcessEnv): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    TERRAFORM_BINARY_NAME: join(directory, "terraform"),
    ...variables,
  };
  const logDirectory = join(directory, "logs");
  const stacks = new StackTerraform({
    terraform: new Terraform(env, "demo", () => {}, logDirectory),
    env,
    workspace: "demo",
    logDirectory,
    operationsAtATime: 25,
    stop: new StopRequest(() => {}),
    warn: (line) => warnings.push(line),
    initOrder: {},
  });
  const folder = { id: "keys", directory: join(directory, "keys"), dependencies: [] };
  await stacks.plan(folder, { planFile: "/plan", lock: true, flags: ["-destroy"] });
  await stacks.apply(folder, "/plan");
  return readFileSync(join(directory, "calls"), "utf8");
}

const PLAN = (flags: string) =>
  `plan -no-color${flags} -json -input=false -detailed-exitcode -lock=true -out=/plan -destroy [demo]\n`;
const APPLY = (flags: string) => `apply -no-color${flags} -json -input=false /plan [demo]\n`;
const PARALLELISM = " -parallelism=25";
const TIMEOUT = " -lock-timeout=2m";
const OWN = PARALLELISM + TIMEOUT;

test.each<[string, NodeJS.ProcessEnv, string]>([
  ["by itself", {}, PLAN(OWN) + APPLY(OWN)],
  ["with another flag of a person", { TF_CLI_ARGS: "-compact-warnings" }, PLAN(OWN) + APPLY(OWN)],
  [
    "with a person's own for all",
    { TF_CLI_ARGS: "-parallelism=2" },
    PLAN(TIMEOUT) + APPLY(TIMEOUT),
  ],
  [
    "with a person's own for applies",
    { TF_CLI_ARGS_apply: "-lock-timeout=1m --parallelism=2" },
    PLAN(OWN) + APPLY(""),
  ],
])("plans and applies without a question, in the workspace: %s", async (_, variables, calls) => {
  expect(await callsWith(variables)).toBe(calls);
});

test("what Terraform warns of is told, though the run goes well", async () => {
  await callsWith({});
  expect(warnings).toEqual([
    "keys: Warning: Provider development overrides are in effect",
    "keys: Warning: Provider development overrides are in effect",
  ]);
});
