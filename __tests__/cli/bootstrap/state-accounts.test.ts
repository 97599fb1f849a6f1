import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadStateAccounts } from "../../../cli/bootstrap/state-accounts";
import { accountYaml } from "../keyspan/bootstrap-account";

const directory = mkdtempSync(join(tmpdir(), "keyspan-state-accounts-"));
afterAll(() => rmSync(directory, { recursive: true }));

const write = (name: string, text: string) => writeFileSync(join(directory, `${name}.yaml`), text);
const loaded = (name: string) => loadStateAccounts(directory, name).map((a) => a.workspace);

test("an account's bucket holds the states of those that name it in the same partition", () => {
  write("a", accountYaml("a", "111111111111"));
  write("b", accountYaml("b", "222222222222").replace("bucket: acme-state", "bucket: acme-other"));
  write("c", accountYaml("c", "333333333333"));
  write(
    "d",
    accountYaml("d", "444444444444")
      .replaceAll("arn:aws:", "arn:aws-us-gov:")
      .replaceAll("eu-west-1", "us-gov-west-1")
      .replaceAll("eu-central-1", "us-gov-east-1"),
  );
  expect(loaded("a")).toEqual(["a", "c"]);
  expect(loaded("c")).toEqual(["a", "c"]);
  expect(loaded("b")).toEqual(["b"]);
  expect(loaded("d")).toEqual(["d"]);
});
