import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ValidationError } from "../../modules/errors";

/**
 * Takes an account's folder for this process: two commands would write into the same stacks.
 *
 * The lock of a process that is gone is taken over.
 *
 * @param file - holds the id of the process
 * @param account - name of the account, for the message
 * @returns gives the folder back
 * @throws {ValidationError} if another process has it
 */
export function lockFolder(file: string, account: string): () => void {
  mkdirSync(dirname(file), { recursive: true });
  while (!createLockFile(file)) {
    const text = readIfThere(file);
    const holder = Number(text);
    // In a container every process may have the number of one that is gone.
    const isHeld = holder === process.pid ? OWN.has(file) : holder > 0 && isAlive(holder);
    if (isHeld) {
      throw new ValidationError(
        `account ${account}: one command at a time must work on it in this folder, got process ${holder} at work (${file}); wait for its end, or use another clone`,
      );
    }
    takeAway(file, text);
  }
  OWN.add(file);
  return () => {
    OWN.delete(file);
    rmSync(file, { force: true });
  };
}

/** Removes a lock file that holds `text`, and not the one that somebody else has put there since. */
function takeAway(file: string, text: string): void {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (hasCode(error, "ENOENT")) {
      return;
    }
    throw error;
  }
  if (readIfThere(aside) === text) {
    rmSync(aside);
  } else {
    renameSync(aside, file);
  }
}

/** The files that this process has written itself. */
const OWN = new Set<string>();

/** Writes a file with the id of this process, unless it is there; says whether it was not. */
export function createLockFile(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) {
      return false;
    }
    throw error;
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Whether a process runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process.
    return hasCode(error, "EPERM");
  }
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === code;
}
