/** Stopping an apply: Terraform hears of it once, whatever the person does. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { recover, SMALL } from "./kill-moments";
import { KillWorld } from "./kill-world";

jest.mock("../../stacks/notification-stack", () =>
  jest.requireActual("../helpers/no-notifications"),
);

/** Terraform that plans one bus, and in an apply writes down what it hears until it is told to end. */
const FAKE_TERRAFORM = `#!/bin/sh
case "$1" in
  version) echo '{"terraform_version":"1.11.4"}' ;;
  plan)
    for argument; do case "$argument" in -out=*) echo plan > "\${argument#-out=}" ;; esac; done
    echo '{"type":"planned_change","@message":"plans","change":{"action":"create","resource":{"addr":"aws_cloudwatch_event_bus.a","resource_type":"aws_cloudwatch_event_bus"}}}'
    exit 2 ;;
  apply | import)
    trap 'echo INT >> "HERE/heard"' INT
    trap 'echo TERM >> "HERE/heard"' TERM
    echo started > "HERE/started"
    while [ ! -f "HERE/end" ]; do sleep 0.05; done
    echo ended >> "HERE/heard"
    exit 1 ;;
esac
exit 0
`;

let world: KillWorld;
beforeEach(() => {
  world = new KillWorld("small", SMALL.before);
});
afterEach(() => world.remove());

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await sleep(20);
  }
}

function fakeTerraform(): string {
  const program = join(world.directory, "terraform");
  writeFileSync(program, FAKE_TERRAFORM.replaceAll("HERE", world.directory));
  chmodSync(program, 0o755);
  return program;
}

test.each([
  ["SIGINT", "to the whole group, as a terminal does it"],
  ["SIGTERM", "to the command alone, as a CI system does it"],
] as const)("a running Terraform gets one signal: %s %s", async (signal, to) => {
  const file = (name: string) => join(world.directory, name);
  const command = await world.start(
    { reattach: "{}", program: fakeTerraform() },
    "apply",
    "small",
    "--yes",
  );
  const pid = command.child.pid ?? 0;
  const send = (name: NodeJS.Signals) =>
    process.kill(to.startsWith("to the whole") ? -pid : pid, name);
  await until(() => existsSync(file("started")) || command.child.exitCode !== null);
  expect(command.text()).toContain("small/keys: applying: 1 to add");
  expect(world.locks()).toHaveLength(1);
  send(signal);
  await until(() => existsSync(file("heard")));
  send(signal);
  send("SIGTERM");
  await until(() => command.text().includes("Still stopping"));
  await sleep(200);
  writeFileSync(file("end"), "");
  expect(await command.ended).toEqual({ code: 1, signal: null });
  expect(readFileSync(file("heard"), "utf8")).toBe("INT\nended\n");
  expect(command.text()).toContain(
    "Stopping: what Terraform has begun ends first, and its state is written.\n",
  );
  expect(command.text()).toContain(
    "Still stopping: Terraform writes its state. Killing it now would lose that.\n",
  );
  expect(command.text()).toContain(`Account small: FAILED
  keys: STOPPED in the middle, 1 to add, 0 to change, 0 to replace, 0 to destroy
  archive-eu-west-1: not started (stopped)
`);
  expect(world.locks()).toEqual([]);
});

test("a Terraform that takes an object over gets one signal too, and its lock is given back", async () => {
  const file = (name: string) => join(world.directory, name);
  const command = await world.start(
    { reattach: "{}", program: fakeTerraform() },
    "import",
    "small",
    "keys",
    "aws_kms_key.archive",
    "mrk-1@eu-west-1",
  );
  const pid = command.child.pid ?? 0;
  await until(() => existsSync(file("started")) || command.child.exitCode !== null);
  expect(world.locks()).toHaveLength(1);
  process.kill(-pid, "SIGINT");
  await until(() => existsSync(file("heard")));
  process.kill(-pid, "SIGINT");
  process.kill(pid, "SIGTERM");
  await until(() => command.text().includes("Still stopping"));
  await sleep(200);
  writeFileSync(file("end"), "");
  expect(await command.ended).toEqual({ code: 1, signal: null });
  expect(readFileSync(file("heard"), "utf8")).toBe("TERM\nended\n");
  expect(command.text()).toContain(
    "keys: terraform import -no-color -input=false aws_kms_key.archive mrk-1@eu-west-1 was stopped\n",
  );
  expect(world.locks()).toEqual([]);
});

test("real Terraform writes its state and gives its lock back; nothing is made twice afterwards", async () => {
  const provider = await world.provider({ latencyMs: 100 }, "here");
  const command = await world.start(provider, "apply", "small", "--yes");
  await until(
    () => provider.calls().some(({ change }) => change >= 4) || command.child.exitCode !== null,
  );
  command.child.kill("SIGINT");
  expect(await command.ended).toEqual({ code: 1, signal: null });
  provider.stop();
  expect(world.locks()).toEqual([]);
  expect(world.objects().filter((line) => !line.endsWith(" managed"))).toEqual([]);
  expect(world.objects()).not.toEqual([]);
  // What Terraform was told to give up half-way is named, and kept.
  const { steps } = await recover(() => world.run("apply", "small", "--yes"), world);
  expect(steps).toEqual(steps.filter((step) => step.startsWith("untaint small keys aws_kms_key.")));
  expect(world.keys()).toEqual([
    "alerts in eu-west-1",
    "archive in eu-west-1",
    "audit in eu-west-1",
  ]);
});
