import { existsSync } from "node:fs";
import { join } from "node:path";
import { cdktfProgram, requireCdktfNode } from "../../cli/cdktf";

test("is the one of the installed package, run by this Node", () => {
  const [node, script] = cdktfProgram({});
  expect(node).toBe(process.execPath);
  expect(script).toBe(join(__dirname, "../../node_modules/cdktf-cli/bundle/bin/cdktf"));
  expect(existsSync(script ?? "")).toBe(true);
});

test.each(["20.9.0", "20.20.2", "22.19.0"])("starts on Node %s", (version) => {
  expect(() => requireCdktfNode(version)).not.toThrow();
});

test.each(["2.0.0", "19.9.0", "200.0.0", "24.11.0"])("fails if Node is %s", (version) => {
  expect(() => requireCdktfNode(version)).toThrow(`must be version 20 or 22, got ${version}`);
});
