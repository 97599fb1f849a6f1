import { dirname, join, normalize } from "node:path";
import { projectFiles, projectText } from "./helpers/project";

const files = projectFiles();
const product = files.filter(
  (file) => file.endsWith(".ts") && !file.startsWith("__tests__/") && !file.startsWith("bench/"),
);
/** The code without its comments, in which links to AWS's documentation stand. */
const codeOf = (file: string) =>
  projectText(file)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|\s)\/\/.*$/gm, "")
    .replace(/https:\/\/docs\.aws\.amazon\.com\S*/g, "");
const importsOf = (file: string) =>
  [...projectText(file).matchAll(/(?:from|import|require)\s*\(?\s*"([^"]+)"/g)].map(
    ([, specifier = ""]) =>
      specifier.startsWith(".") ? normalize(join(dirname(file), specifier)) : specifier,
  );

test("there are sources to look at", () => {
  expect(product.length).toBeGreaterThan(30);
});

describe("partitions and DNS suffixes are spelled in one file", () => {
  const LITERAL = /arn:aws|amazonaws\.com|"aws-us-gov"|"aws-cn"/;
  test.each(product.filter((file) => file !== "modules/partition.ts"))("%s", (file) => {
    expect(codeOf(file)).not.toMatch(LITERAL);
  });

  test("a literal is found", () => {
    expect("const a = 'arn:aws:iam::1';").toMatch(LITERAL);
    expect(codeOf("modules/partition.ts")).toMatch(LITERAL);
  });
});

describe("imports point one way", () => {
  /** What each folder may import of the others. */
  const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
    modules: ["modules"],
    config: ["config", "modules"],
    stacks: ["stacks", "config", "modules"],
    cli: ["cli", "stacks", "config", "modules"],
    sandbox: ["sandbox", "cli", "config", "modules"],
    "main.ts": ["stacks", "config", "modules"],
  };
  test.each(product)("%s", (file) => {
    const from = file.split("/")[0] ?? "";
    const own = importsOf(file)
      .filter((imported) => !imported.startsWith("node:"))
      .map((imported) => imported.split("/")[0] ?? "")
      .filter((folder) => Object.hasOwn(MAY_IMPORT, folder));
    expect(MAY_IMPORT[from]).toEqual(expect.arrayContaining(own));
  });
});

test.each(files.filter((file) => file.endsWith(".ts")))("%s imports no provider index", (file) => {
  expect(importsOf(file)).not.toContain("@cdktf/provider-aws");
});

test("the environment is read where the app and the commands start, and nowhere else", () => {
  expect(product.filter((file) => codeOf(file).includes("process.env"))).toEqual([
    "cli/run-command.ts",
    "main.ts",
  ]);
});

test("constructs read no clock and no randomness", () => {
  const pure = product.filter((file) => !/^(cli|sandbox)\//.test(file));
  expect(
    pure.filter((file) => /Date\.now|new Date\(\)|Math\.random|randomUUID/.test(codeOf(file))),
  ).toEqual([]);
});

test("dependencies are pinned to exact versions, and the lock file names no registry", () => {
  const { dependencies, devDependencies } = JSON.parse(projectText("package.json")) as Record<
    string,
    Record<string, string>
  >;
  for (const version of Object.values({ ...dependencies, ...devDependencies })) {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  }
  expect(projectText("package-lock.json")).not.toMatch(/"resolved"/);
});

test("what is shipped depends on no AGPL package", () => {
  const { packages } = JSON.parse(projectText("package-lock.json")) as {
    packages: Record<string, { license?: string; dev?: boolean }>;
  };
  const agpl = Object.entries(packages).filter(([, { license }]) => license?.startsWith("AGPL"));
  expect(agpl.length).toBeGreaterThan(0);
  expect(agpl.filter(([, { dev }]) => dev !== true)).toEqual([]);
});
