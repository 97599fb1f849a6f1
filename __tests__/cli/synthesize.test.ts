/** Many accounts synthesized by one process: nothing of them may stay behind. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import type * as TokenMaps from "cdktf/lib/tokens/private/token-map";
import { synthesize } from "../../cli/synthesize";
import { filesIn } from "../helpers/project";
import { FIXTURE_ACCOUNTS } from "../helpers/synth";
import { TempProject } from "../helpers/temp-project";

// It cannot be loaded before the rest of CDKTF.
const { TokenMap } = jest.requireActual<typeof TokenMaps>("cdktf/lib/tokens/private/token-map");

let project: TempProject;
beforeEach(() => {
  project = new TempProject();
});
afterEach(() => project.remove());

const tokenCount = () =>
  Object.values(TokenMap.instance())
    .filter((tokens) => tokens instanceof Map)
    .reduce((sum, { size }) => sum + size, 0);

function synth(directory: string): Readonly<Record<string, string>> {
  const output = join(project.directory, directory);
  synthesize("demo", output, join(project.directory, "accounts"));
  return filesIn(output);
}

test("CDKTF keeps no token, and a second synth writes the same, byte for byte", () => {
  const before = tokenCount();
  const first = synth("first");
  expect(tokenCount()).toBe(before);
  expect(synth("second")).toEqual(first);
  expect(tokenCount()).toBe(before);
  expect(Object.keys(first)).toContain("stacks/keys/cdk.tf.json");
});

test("nor of a synth that is refused", () => {
  const before = tokenCount();
  // Another account's ledger: found only when every stack is defined.
  copyFileSync(
    join(FIXTURE_ACCOUNTS, "full.ledger.json"),
    join(project.directory, "accounts/demo.ledger.json"),
  );
  expect(() => synth("refused")).toThrow("demo.ledger.json");
  expect(tokenCount()).toBe(before);
});
