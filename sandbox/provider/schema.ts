/** The schema of the AWS provider, derived from the installed bindings. */
import { type Argument, Bindings, type Member, upperFirst } from "./bindings";

/**
 * A type as Terraform writes it in JSON, such as `"string"` or `["list","string"]`.
 *
 * @see https://github.com/hashicorp/terraform/blob/main/docs/plugin-protocol/object-wire-format.md
 */
export type TerraformType =
  | "string"
  | "number"
  | "bool"
  | readonly ["list" | "set" | "map", TerraformType]
  | readonly ["object", Readonly<Record<string, TerraformType>>];

/** An attribute of a resource or block. */
export interface AttributeSchema {
  readonly type: TerraformType;
  readonly required: boolean;
  readonly optional: boolean;
  readonly computed: boolean;
}

/** A block inside a resource or block. */
export interface NestedBlockSchema {
  readonly nesting: "SINGLE" | "LIST" | "SET";
  readonly minItems: number;
  /** 0: any number. */
  readonly maxItems: number;
  readonly block: BlockSchema;
}

/** What a resource or block may hold. */
export interface BlockSchema {
  readonly attributes: ReadonlyMap<string, AttributeSchema>;
  readonly blocks: ReadonlyMap<string, NestedBlockSchema>;
}

/** A resource type, data source or provider with its name in Terraform. */
export interface TypeSchema {
  readonly terraformType: string;
  readonly block: BlockSchema;
}

/**
 * Derives the schema of a resource type, data source or provider.
 *
 * Not in the bindings, and so not here: which attributes are sensitive, defaults, checks of values,
 * what replaces the resource, and limits of blocks above one.
 *
 * @param folder - folder in `@cdktf/provider-aws/lib`, such as `kms-key`
 * @throws {Error} if the bindings have a type that this does not know
 */
export function deriveSchema(folder: string): TypeSchema {
  const known = derived.get(folder);
  if (known !== undefined) {
    return known;
  }
  const bindings = new Bindings(folder);
  const schema = {
    terraformType: bindings.terraformType,
    block: new SchemaDerivation(bindings).blockOf(undefined),
  };
  derived.set(folder, schema);
  return schema;
}

/** The bindings do not change while a process runs, and taking them apart takes a while. */
const derived = new Map<string, TypeSchema>();

const SIMPLE_TYPES: Readonly<Record<string, TerraformType>> = {
  String: "string",
  Number: "number",
  Boolean: "bool",
  List: ["list", "string"],
  StringList: ["list", "string"],
  NumberList: ["list", "number"],
  BooleanList: ["list", "bool"],
  StringMap: ["map", "string"],
  NumberMap: ["map", "number"],
  BooleanMap: ["map", "bool"],
};

interface Struct {
  readonly name: string;
  /** How the bindings hold it: as one object, in a list, or in a map. */
  readonly held: "OutputReference" | "List" | "Map";
  readonly isSet: boolean;
}

class SchemaDerivation {
  constructor(private readonly bindings: Bindings) {}

  blockOf(struct: string | undefined): BlockSchema {
    const attributes = new Map<string, AttributeSchema>();
    const blocks = new Map<string, NestedBlockSchema>();
    const hcl = this.bindings.argumentsOf(struct);
    for (const member of this.bindings.membersOf(struct)) {
      const argument = hcl.get(member.name);
      const inner = structOf(member, argument);
      if (argument?.isBlock === true && !member.computed && inner !== undefined) {
        blocks.set(member.name, this.nestedBlock(member, argument, inner));
      } else {
        const { required, optional, computed } = member;
        const type = this.typeOf(member, argument);
        attributes.set(member.name, { type, required, optional, computed });
      }
    }
    return { attributes, blocks };
  }

  private nestedBlock(member: Member, { type }: Argument, struct: Struct): NestedBlockSchema {
    return {
      nesting: type === "struct" ? "SINGLE" : type === "set" ? "SET" : "LIST",
      minItems: member.required ? 1 : 0,
      maxItems: struct.held === "OutputReference" && type !== "struct" ? 1 : 0,
      block: this.blockOf(struct.name),
    };
  }

  private typeOf(member: Member, argument?: Argument): TerraformType {
    const struct = structOf(member, argument);
    if (struct === undefined) {
      return simpleType(member, argument);
    }
    const object: TerraformType = [
      "object",
      Object.fromEntries(
        this.bindings.membersOf(struct.name).map((inner) => [inner.name, this.typeOf(inner)]),
      ),
    ];
    if (struct.held === "OutputReference") {
      return this.bindings.isSingleInList(struct.name) ? ["list", object] : object;
    }
    return [struct.held === "Map" ? "map" : struct.isSet ? "set" : "list", object];
  }
}

/** The struct that a member holds, if it holds one. */
function structOf({ code }: Member, argument: Argument | undefined): Struct | undefined {
  const [, name, held, isSet] =
    /= new (\w+?)(List|Map|OutputReference)\(this, "\w+"(?:, (true|false))?\)/.exec(code) ?? [];
  if (name !== undefined && (held === "List" || held === "Map" || held === "OutputReference")) {
    return { name, held, isSet: isSet === "true" };
  }
  // Structs of the provider stand only in the expression that writes them.
  const written =
    argument?.isBlock === true
      ? /(?<!cdktf\.)\b([a-z]\w*)ToHclTerraform/.exec(argument.expression)?.[1]
      : undefined;
  return written === undefined || argument === undefined
    ? undefined
    : {
        name: upperFirst(written),
        held: argument.type === "struct" ? "OutputReference" : "List",
        isSet: argument.type === "set",
      };
}

function simpleType({ name, code }: Member, argument: Argument | undefined): TerraformType {
  const getter = /this\.get(\w+)Attribute\(/.exec(code)?.[1];
  const holder = /= new cdktf\.(\w+)\(this, /.exec(code)?.[1];
  const storage = argument === undefined ? undefined : upperFirst(argument.storage);
  const type = SIMPLE_TYPES[getter ?? holder ?? storage ?? ""];
  if (type === undefined) {
    throw new Error(`the bindings give ${name} a type that is not known here`);
  }
  const isSet = argument?.type === "set" || /Fn\.tolist\(/.test(code);
  return isSet && typeof type !== "string" && type[0] === "list" ? ["set", type[1]] : type;
}
