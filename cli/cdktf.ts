/** The CDKTF CLI as it is installed. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { ValidationError } from "../modules/errors";
import type { CommandIo } from "./io";

// cdktf-cli 0.21 brings a node-pty that is prebuilt for no later one.
// See prebuilds/ of the package @cdktf/node-pty-prebuilt-multiarch.
const NODE_MAJORS = ["20", "22"];

/**
 * Refuses a Node on which cdktf-cli 0.21 cannot start.
 *
 * @throws {ValidationError} if its major version is not 20 or 22
 */
export function requireCdktfNode(nodeVersion: string): void {
  if (!NODE_MAJORS.includes(nodeVersion.split(".")[0] ?? "")) {
    throw new ValidationError(
      `Node must be version ${NODE_MAJORS.join(" or ")}, got ${nodeVersion}; cdktf-cli 0.21 starts on no other: install the version in .nvmrc, for instance with nvm install`,
    );
  }
}

/** Program and first arguments that start the CDKTF CLI: the one that {@link CommandIo} names, or the installed one. */
export function cdktfProgram({ cdktf }: Pick<CommandIo, "cdktf">): readonly [string, ...string[]] {
  if (cdktf !== undefined) {
    return cdktf;
  }
  const packageFile = require.resolve("cdktf-cli/package.json");
  const { bin } = z
    .object({ bin: z.object({ cdktf: z.string() }) })
    .parse(JSON.parse(readFileSync(packageFile, "utf8")));
  return [process.execPath, join(dirname(packageFile), bin.cdktf)];
}
