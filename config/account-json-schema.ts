import * as z from "zod";
import { accountSchema, region, regionEntry } from "./account-schema";

type JsonSchema = Record<string, unknown>;

/**
 * JSON Schema of one file in `accounts/`, for completion in editors.
 *
 * No field is required, since any may stand in defaults.yaml instead; lists replace each other, so
 * what their items need stays. A region may be its name alone.
 */
export function accountJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(accountSchema, {
    io: "input",
    target: "draft-2020-12",
    override: ({ zodSchema, jsonSchema }) => {
      if (typeof jsonSchema.pattern === "string" && jsonSchema.pattern.startsWith("^arn:")) {
        // The file may hold placeholders, which are filled in before the pattern is checked.
        jsonSchema.pattern = "^arn:";
      }
      if ((zodSchema as unknown) === regionEntry) {
        const entry = { ...jsonSchema };
        for (const field of Object.keys(jsonSchema)) {
          delete (jsonSchema as JsonSchema)[field];
        }
        jsonSchema.anyOf = [{ enum: region.options }, entry];
      }
    },
  });
  return { title: "Keyspan account", ...withoutRequired(schema as JsonSchema) };
}

function withoutRequired(schema: JsonSchema): JsonSchema {
  const { required: _, properties, additionalProperties, ...rest } = schema;
  return {
    ...rest,
    ...(isSchema(properties) && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [
          name,
          isSchema(property) ? withoutRequired(property) : property,
        ]),
      ),
    }),
    ...(additionalProperties !== undefined && {
      additionalProperties: isSchema(additionalProperties)
        ? withoutRequired(additionalProperties)
        : additionalProperties,
    }),
  };
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
