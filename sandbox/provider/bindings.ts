/** The generated TypeScript of the installed provider bindings, taken apart. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A member of a resource or block, as its comment and its code describe it. */
export interface Member {
  /** Name in Terraform. */
  readonly name: string;
  readonly computed: boolean;
  readonly optional: boolean;
  readonly required: boolean;
  /** Its code; empty where the bindings have none. */
  readonly code: string;
}

/** How an argument is written out, as the bindings list it for HCL. */
export interface Argument {
  /** The expression that writes it. */
  readonly expression: string;
  readonly isBlock: boolean;
  /** `simple`, `list`, `set`, `map` or `struct`. */
  readonly type: string;
  /** Such as `string`, `stringMap`, or the name of a struct. */
  readonly storage: string;
}

/**
 * The bindings of one resource, data source or provider.
 *
 * The JavaScript that is installed no longer says which attributes are computed. The TypeScript from
 * which it was compiled does, in a comment above each, and is in the source map at the file's end.
 */
export class Bindings {
  private readonly chunks: ReadonlyMap<string, string>;

  /** @param folder - folder in `@cdktf/provider-aws/lib`, such as `kms-key` */
  constructor(folder: string) {
    const library = dirname(require.resolve("@cdktf/provider-aws/package.json"));
    const source = sourceOf(readFileSync(join(library, "lib", folder, "index.js"), "utf8"));
    this.chunks = new Map(
      source.split(/^(?=export (?:class|function|interface) )/m).flatMap((chunk) => {
        const name = /^export (?:class|function|interface) (\w+)/.exec(chunk)?.[1];
        return name === undefined ? [] : [[name, chunk] as const];
      }),
    );
  }

  /** Its name in Terraform, such as `aws_kms_key`. */
  get terraformType(): string {
    const name = /tfResourceType = "(\w+)"/.exec(this.top)?.[1];
    if (name === undefined) {
      throw new Error("the bindings name no Terraform type");
    }
    return name;
  }

  /** Members of the resource itself, or of a struct. */
  membersOf(struct?: string): readonly Member[] {
    const chunk = struct === undefined ? this.top : this.chunks.get(`${struct}OutputReference`);
    return chunk === undefined ? this.membersOfInterface(struct ?? "") : membersIn(chunk);
  }

  /** Arguments of the resource itself, or of a struct, by name. Computed attributes are none. */
  argumentsOf(struct?: string): ReadonlyMap<string, Argument> {
    const text =
      struct === undefined
        ? this.top.slice(this.top.indexOf("synthesizeHclAttributes"))
        : (this.chunks.get(`${lowerFirst(struct)}ToHclTerraform`) ?? "");
    return new Map(
      [...text.matchAll(ARGUMENT)].map(
        ([, name = "", expression = "", isBlock, type = "", storage = ""]) =>
          [name, { expression, isBlock: isBlock === "true", type, storage }] as const,
      ),
    );
  }

  /** Whether a struct can stand only once: its accessor is made with index 0. */
  isSingleInList(struct: string): boolean {
    return /, false, 0\)/.test(this.chunks.get(`${struct}OutputReference`) ?? "");
  }

  private get top(): string {
    for (const chunk of this.chunks.values()) {
      if (/extends cdktf\.Terraform(?:Resource|DataSource|Provider)\b/.test(chunk)) {
        return chunk;
      }
    }
    throw new Error("the bindings have no resource, data source or provider");
  }

  /** Structs of the provider have no accessor class: only their interface says what is required. */
  private membersOfInterface(struct: string): readonly Member[] {
    const text = this.chunks.get(struct) ?? "";
    const required = new Set(
      [...text.matchAll(/readonly (\w+)(\??):/g)].flatMap(([, name = "", mark]) =>
        mark === "" ? [name] : [],
      ),
    );
    return [...this.argumentsOf(struct)].map(([name, { expression }]) => {
      const property = /struct!\.(\w+)/.exec(expression)?.[1] ?? "";
      return {
        name,
        computed: false,
        optional: !required.has(property),
        required: required.has(property),
        code: "",
      };
    });
  }
}

const ARGUMENT =
  /^\s+(\w+): \{\s+value: (.*),\s+isBlock: (\w+),\s+type: "(\w+)",\s+storageClassType: "(\w+)",/gm;

const MEMBER = /^\/\/ (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n([\s\S]*)/;

function membersIn(chunk: string): readonly Member[] {
  return chunk
    .split(/^\s*(?=\/\/ \w+ - computed: )/m)
    .slice(1)
    .flatMap((text) => {
      const [, name, computed, optional, required, code = ""] = MEMBER.exec(text) ?? [];
      return name === undefined
        ? []
        : [
            {
              name,
              computed: computed === "true",
              optional: optional === "true",
              required: required === "true",
              code,
            },
          ];
    });
}

function sourceOf(javascript: string): string {
  const marker = "sourceMappingURL=data:application/json;base64,";
  const encoded = javascript.slice(javascript.lastIndexOf(marker) + marker.length).trim();
  const map = JSON.parse(Buffer.from(encoded, "base64").toString("utf8")) as {
    readonly sourcesContent?: readonly string[];
  };
  const [source] = map.sourcesContent ?? [];
  if (source === undefined) {
    throw new Error("the bindings carry no source map with their TypeScript");
  }
  return source;
}

/** A name with its first letter in lower case, as functions are called. */
function lowerFirst(name: string): string {
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
}

/** A name with its first letter in upper case, as structs are called. */
export function upperFirst(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
