import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { showValue, ValidationError } from "../../modules/errors";

/** Where an object of the simulated account is kept: what of, and in which region; global objects have none. */
export interface ObjectKind<T> {
  /** Name of the folder, such as `kms-keys`. */
  readonly folder: string;
  /** Form of the object. */
  readonly schema: z.ZodType<T>;
}

/** Folder that stands for the region of global services. */
const GLOBAL = "global";

/**
 * The objects of one simulated account, one JSON file each: `<region>/<kind>/<id>.json`.
 *
 * The files are the only truth. Nothing is kept in memory, so that a provider process that dies
 * forgets nothing, and that two of them see the same account.
 */
export class ObjectStore {
  /** @param directory - folder of the account; made when something is written */
  constructor(private readonly directory: string) {}

  /** The object of that id, or `undefined`. */
  get<T>(kind: ObjectKind<T>, region: string | undefined, id: string): T | undefined {
    const file = this.fileOf(kind, region, id);
    const text = readIfThere(file);
    return text === undefined ? undefined : parseEntry(kind, text, file)[1];
  }

  /** Every object of a kind in a region with its id, in the order of their files. */
  list<T>(kind: ObjectKind<T>, region: string | undefined): readonly (readonly [string, T])[] {
    const folder = join(this.directory, region ?? GLOBAL, kind.folder);
    return names(folder).flatMap((name) => {
      const file = join(folder, name);
      const text = readIfThere(file);
      return text === undefined ? [] : [parseEntry(kind, text, file)];
    });
  }

  /** Writes an object as a whole: a reader sees the old or the new one, never a part. */
  put<T>(kind: ObjectKind<T>, region: string | undefined, id: string, object: T): void {
    const file = this.fileOf(kind, region, id);
    mkdirSync(dirname(file), { recursive: true });
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, `${JSON.stringify({ id, object }, null, 2)}\n`);
    renameSync(temporary, file);
  }

  /** Removes an object. */
  remove<T>(kind: ObjectKind<T>, region: string | undefined, id: string): void {
    rmSync(this.fileOf(kind, region, id), { force: true });
  }

  /** The regions in which there is, or was, an object. */
  regions(): readonly string[] {
    return names(this.directory).filter((name) => name !== GLOBAL);
  }

  private fileOf<T>({ folder }: ObjectKind<T>, region: string | undefined, id: string): string {
    return join(this.directory, region ?? GLOBAL, folder, `${fileName(id)}.json`);
  }
}

/**
 * An id as a file name. Ids may be longer than file systems allow, and differ in nothing but the case
 * of a letter, which some file systems do not tell apart.
 */
function fileName(id: string): string {
  const encoded = [...Buffer.from(id)]
    .map((byte) => String.fromCharCode(byte))
    .map((c) => (/[a-z0-9._-]/.test(c) ? c : `%${c.charCodeAt(0).toString(16).padStart(2, "0")}`))
    .join("");
  return encoded.length <= LONGEST_FILE_NAME
    ? encoded
    : `${encoded.slice(0, LONGEST_FILE_NAME)}-${createHash("sha256").update(id).digest("hex")}`;
}

const LONGEST_FILE_NAME = 120;

function parseEntry<T>(
  { schema }: ObjectKind<T>,
  text: string,
  file: string,
): readonly [id: string, object: T] {
  try {
    const { id, object } = entrySchema.parse(JSON.parse(text));
    return [id, schema.parse(object)];
  } catch {
    throw new ValidationError(
      `${file}: an object of the sandbox must be as the sandbox wrote it, got ${showValue(text)}; correct the file, or remove the account from the sandbox: npm run sandbox -- down <account>`,
    );
  }
}

const entrySchema = z.object({ id: z.string(), object: z.unknown() });

/** Text of a file, or `undefined`: another process may just have removed it. */
function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !/\.\d+$/.test(name))
      .sort();
  } catch (error) {
    if (isMissing(error)) {
      return [];
    }
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === "ENOENT";
}
