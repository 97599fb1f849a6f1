/**
 * `npm run test:tools`: the tests against real programs from PyPI: an S3 and AWS API on loopback.
 *
 * Installs them first. Arguments are passed on to jest.
 */
import { spawnSync } from "node:child_process";
import { PROJECT } from "../helpers/project";
import { EnvironmentError, preparePythonEnvironment } from "./python-environment";

function run(): number {
  try {
    preparePythonEnvironment();
  } catch (error) {
    if (error instanceof EnvironmentError) {
      process.stderr.write(`${error.message}\n`);
      return 1;
    }
    throw error;
  }
  const { status } = spawnSync(
    process.execPath,
    [
      "node_modules/jest/bin/jest.js",
      ...process.argv.slice(2),
      // Last: it takes whatever follows as more patterns.
      "--testMatch",
      "<rootDir>/__tests__/**/*.tools.ts",
    ],
    {
      cwd: PROJECT,
      env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
      stdio: "inherit",
    },
  );
  return status ?? 1;
}

process.exitCode = run();
