import { terraformTypeOf } from "../../sandbox/inventory";
import type { ResourceType } from "../../sandbox/provider/resource-type";
import {
  type AttributeSchema,
  type BlockSchema,
  deriveSchema,
} from "../../sandbox/provider/schema";
import { DATA_TYPES, RESOURCE_TYPES } from "../../sandbox/provider/types";
import { ALL_ACCOUNTS, synthAccount } from "../helpers/synth";

/** A block as a table: attributes as `<type> <flags>`, blocks in it as `<nesting> <limits>` and their own table. */
type Shown = { readonly [name: string]: string | readonly [limits: string, block: Shown] };

function shown({ attributes, blocks }: BlockSchema): Shown {
  return {
    ...Object.fromEntries(
      [...attributes].map(([name, attribute]) => [name, shownAttribute(attribute)]),
    ),
    ...Object.fromEntries(
      [...blocks].map(([name, { nesting, minItems, maxItems, block }]) => [
        name,
        [`${nesting} ${minItems} to ${maxItems === 0 ? "any" : maxItems}`, shown(block)],
      ]),
    ),
  };
}

function shownAttribute({ type, required, optional, computed }: AttributeSchema): string {
  const flags = Object.entries({ required, optional, computed }).flatMap(([flag, is]) =>
    is ? [flag] : [],
  );
  return [typeof type === "string" ? type : JSON.stringify(type), ...flags].join(" ");
}

const TAGS = '["map","string"]';

test("aws_kms_key is derived as the provider documents it", () => {
  const { terraformType, block } = deriveSchema("kms-key");
  expect(terraformType).toBe("aws_kms_key");
  expect(shown(block)).toEqual({
    arn: "string computed",
    bypass_policy_lockout_safety_check: "bool optional",
    custom_key_store_id: "string optional",
    customer_master_key_spec: "string optional",
    deletion_window_in_days: "number optional",
    description: "string optional computed",
    enable_key_rotation: "bool optional",
    id: "string optional computed",
    is_enabled: "bool optional",
    key_id: "string computed",
    key_usage: "string optional",
    multi_region: "bool optional computed",
    policy: "string optional computed",
    region: "string optional computed",
    rotation_period_in_days: "number optional computed",
    tags: `${TAGS} optional`,
    tags_all: `${TAGS} optional computed`,
    timeouts: ["SINGLE 0 to any", { create: "string optional" }],
    xks_key_id: "string optional",
  });
});

test("aws_cloudwatch_event_bus is derived with its nested blocks", () => {
  const { terraformType, block } = deriveSchema("cloudwatch-event-bus");
  expect(terraformType).toBe("aws_cloudwatch_event_bus");
  expect(shown(block)).toEqual({
    arn: "string computed",
    dead_letter_config: ["LIST 0 to 1", { arn: "string optional" }],
    description: "string optional",
    event_source_name: "string optional",
    id: "string optional computed",
    kms_key_identifier: "string optional",
    log_config: ["LIST 0 to 1", { include_detail: "string optional", level: "string optional" }],
    name: "string required",
    region: "string optional computed",
    tags: `${TAGS} optional`,
    tags_all: `${TAGS} optional computed`,
  });
});

test("blocks within blocks, sets and required blocks are derived", () => {
  const { block } = deriveSchema("cloudwatch-event-target");
  expect(shown(block)).toMatchObject({
    ecs_target: [
      "LIST 0 to 1",
      {
        capacity_provider_strategy: [
          "SET 0 to any",
          {
            base: "number optional",
            capacity_provider: "string required",
            weight: "number optional",
          },
        ],
        network_configuration: [
          "LIST 0 to 1",
          {
            assign_public_ip: "bool optional",
            security_groups: '["set","string"] optional',
            subnets: '["set","string"] required',
          },
        ],
        task_definition_arn: "string required",
      },
    ],
    run_command_targets: [
      "LIST 0 to any",
      { key: "string required", values: '["list","string"] required' },
    ],
  });
});

test("the provider is derived with the arguments that the stacks give it", () => {
  const { terraformType, block } = deriveSchema("provider");
  const { region, allowed_account_ids, forbidden_account_ids, default_tags, assume_role } =
    shown(block);
  expect(terraformType).toBe("aws");
  expect({ region, allowed_account_ids, forbidden_account_ids, default_tags, assume_role }).toEqual(
    {
      region: "string optional",
      allowed_account_ids: '["set","string"] optional',
      forbidden_account_ids: '["set","string"] optional',
      default_tags: ["LIST 0 to any", { tags: `${TAGS} optional` }],
      assume_role: [
        "LIST 0 to any",
        {
          duration: "string optional",
          external_id: "string optional",
          policy: "string optional",
          policy_arns: '["set","string"] optional',
          role_arn: "string optional",
          session_name: "string optional",
          source_identity: "string optional",
          tags: `${TAGS} optional`,
          transitive_tag_keys: '["set","string"] optional',
        },
      ],
    },
  );
});

test("a folder that the bindings do not have is not derived", () => {
  expect(() => deriveSchema("kms-keyring")).toThrow("kms-keyring");
});

describe.each(RESOURCE_TYPES.map((type) => [terraformTypeOf(type), type] as const))(
  "%s",
  (name, type) => {
    const { terraformType, block } = deriveSchema(type.bindings);
    const attributesNamed = (names: readonly string[]) =>
      names.map((attribute) => [attribute, block.attributes.get(attribute)] as const);

    test("is derived under its name", () => {
      expect(terraformType).toBe(name);
      expect(block.attributes.get("id")).toMatchObject({ type: "string", computed: true });
      expect(type.documentation).toMatch(new RegExp(`/docs/resources/${name.slice(4)}$`));
    });

    test("is in a region unless it is global", () => {
      expect(block.attributes.has("region")).toBe(!(type.isGlobal ?? false));
    });

    test("is replaced because of arguments only", () => {
      for (const [argument, attribute] of attributesNamed(type.replacing)) {
        expect([argument, isArgument(attribute)]).toEqual([argument, true]);
      }
    });

    test("has defaults only for arguments that may be left out and that AWS does not compute", () => {
      for (const [argument, attribute] of attributesNamed(Object.keys(type.defaults))) {
        expect([argument, attribute]).toEqual([
          argument,
          {
            type: { string: "string", boolean: "bool", number: "number" }[
              typeof type.defaults[argument] as "string" | "boolean" | "number"
            ],
            required: false,
            optional: true,
            computed: false,
          },
        ]);
      }
    });

    test("has two spellings only of arguments that are texts", () => {
      for (const [argument, attribute] of attributesNamed(Object.keys(type.sameMeaning ?? {}))) {
        expect([argument, attribute?.type, isArgument(attribute)]).toEqual([
          argument,
          "string",
          true,
        ]);
      }
    });
  },
);

test.each(DATA_TYPES.map((type) => [dataTypeOf(type), type] as const))(
  "data source %s is derived under its name",
  (name, type) => {
    const { terraformType, block } = deriveSchema(type.bindings);
    expect(terraformType).toBe(name);
    expect(block.attributes.get("id")).toMatchObject({ type: "string", computed: true });
    expect(type.documentation).toMatch(new RegExp(`/docs/data-sources/${name.slice(4)}$`));
  },
);

test.each(ALL_ACCOUNTS)("the sandbox knows every type that %s/%s uses", (directory, workspace) => {
  const resources = [...RESOURCE_TYPES.map(terraformTypeOf), "terraform_data"];
  const data = [...DATA_TYPES.map(dataTypeOf), "terraform_remote_state"];
  const unknown = synthAccount(directory, workspace).stacks.flatMap((stack) =>
    [
      ...Object.keys(stack.resources).filter((type) => !resources.includes(type)),
      ...Object.keys(stack.data).filter((type) => !data.includes(type)),
    ].map(
      (type) =>
        `stack ${stack.id} uses ${type}, which the sandbox does not know; sandbox/README.md says how to add a type`,
    ),
  );
  expect(unknown).toEqual([]);
});

function dataTypeOf({ bindings }: Pick<ResourceType, "bindings">): string {
  return terraformTypeOf({ bindings: bindings.replace(/^data-aws-/, "") });
}

function isArgument(attribute: AttributeSchema | undefined): boolean {
  return attribute !== undefined && (attribute.required || attribute.optional);
}
