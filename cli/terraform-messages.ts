/**
 * What Terraform says with `-json`: one message a line.
 *
 * @see https://developer.hashicorp.com/terraform/internals/machine-readable-ui
 */
import * as z from "zod";

/** An error or a warning. */
export interface Diagnostic {
  readonly severity: string;
  readonly summary: string;
  readonly detail: string;
  /** Of the resource that it is about. */
  readonly address?: string | undefined;
}

const diagnosticSchema = z.object({
  severity: z.string(),
  summary: z.string(),
  detail: z.string(),
  address: z.string().optional(),
});

const resourceSchema = z.object({ addr: z.string(), resource_type: z.string() });

const messageSchema = z.object({
  type: z.string(),
  "@message": z.string(),
  change: z.object({ action: z.string(), resource: resourceSchema }).optional(),
  hook: z
    .object({
      resource: resourceSchema,
      action: z.string().optional(),
      id_value: z.string().optional(),
    })
    .optional(),
  outputs: z.record(z.string(), z.object({ action: z.string().optional() })).optional(),
  diagnostic: diagnosticSchema.optional(),
});

/** A message of Terraform, as far as Keyspan reads it. */
export type TerraformMessage = z.output<typeof messageSchema>;

/** Reads one line; `undefined` if it is no message. */
export function parseMessage(line: string): TerraformMessage | undefined {
  try {
    return messageSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** A diagnostic as a text of several lines. */
export function showDiagnostic({ severity, summary, detail, address }: Diagnostic): string {
  return [
    `${severity === "error" ? "Error" : "Warning"}: ${summary}`,
    ...(address === undefined ? [] : [`  with ${address}`]),
    ...(detail === "" ? [] : [detail]),
  ].join("\n");
}
